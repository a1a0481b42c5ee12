"""SORT (RFC 5256), SORT=DISPLAY (RFC 5957), ESORT (RFC 5267, 3) and
SEARCH=FUZZY (RFC 6203)."""

import unittest

from imap_client import Case, message


def mail(subject="s", date="Mon, 7 Feb 1994 21:52:25 -0800", fields=(),
         body="x\r\n"):
    head = ["Subject: " + subject] if subject is not None else []
    if date is not None:
        head.append("Date: " + date)
    return ("\r\n".join(head + list(fields)) + "\r\n\r\n" + body).encode()


class Sorting(Case):
    def fill(self, messages, dates=()):
        c = self.select_new()
        for i, m in enumerate(messages):
            c.append(m, self.box, dates[i] if dates else "")
        c.ok("NOOP")
        return c

    def order(self, c, text, charset="UTF-8", keys="ALL"):
        got = c.ok("SORT (%s) %s %s" % (text, charset, keys))
        self.assertEqual(len(got), 1)
        self.assertTrue(got[0].startswith(b"* SORT"), got)
        return [int(n) for n in got[0].split()[2:]]


class Sort(Sorting):
    def test_subject(self):
        c = self.fill([mail(s) for s in (
            "beta", "Re: alpha", "ALPHA", "[list] Fwd: gamma", "Gamma (fwd)",
            "", "[fwd: beta]", "=?utf-8?Q?=C3=84pfel?=", "_x", "Zeta")]
            + [mail(None)])
        # Capitals, then marks: RFC 5051 compares titlecase. The umlaut is
        # an A with a mark behind it.
        self.assertEqual(self.order(c, "SUBJECT"),
                         [6, 11, 2, 3, 8, 1, 7, 4, 5, 10, 9])
        self.assertEqual(self.order(c, "REVERSE SUBJECT"),
                         [9, 10, 4, 5, 1, 7, 8, 2, 3, 6, 11])
        self.assertEqual(self.order(c, "SUBJECT", keys="2:3"), [2, 3])
        self.assertEqual(self.order(c, "SUBJECT", keys="TEXT nothing"), [])

    def test_dates(self):
        c = self.fill([
            mail(date="Fri, 31 Dec 1999 16:01:33 -0800"),
            mail(date="Fri, 31 Dec 1999 23:00:00 +0000"),
            mail(date="Sat, 1 Jan 2000 00:30:00 +0100"),
            mail(date=None), mail(date="nonsense")],
            ['"01-Jan-2001 10:00:00 +0000"', '"01-Jan-2001 09:00:00 +0000"',
             '"01-Jan-2001 08:00:00 +0000"', '"01-Jan-1990 08:00:00 +0000"',
             '"01-Jan-2000 00:00:30 +0000"'])
        self.assertEqual(self.order(c, "DATE"), [4, 2, 3, 5, 1])
        self.assertEqual(self.order(c, "REVERSE DATE"), [1, 5, 3, 2, 4])
        self.assertEqual(self.order(c, "ARRIVAL"), [4, 5, 3, 2, 1])

    def test_addresses(self):
        c = self.fill([mail(fields=f) for f in (
            ["From: Zoe <bob@a.test>, a@b.test", "To: x@y", "Cc: C <zz@z>"],
            ["From: =?utf-8?Q?=C3=84nne?= <carl@a.test>", "To: Group: m@n;"],
            ["From: adam@a.test", "To: \"Abe B\" <z@z>"],
            ["To: (comment only) w@w"], ["From:", "To: @", "Cc: aa@z"])])
        self.assertEqual(self.order(c, "FROM"), [4, 5, 3, 1, 2])
        self.assertEqual(self.order(c, "CC"), [2, 3, 4, 5, 1])
        self.assertEqual(self.order(c, "DISPLAYFROM"), [4, 5, 3, 2, 1])
        self.assertEqual(self.order(c, "REVERSE DISPLAYFROM"),
                         [1, 2, 3, 4, 5])
        got = self.order(c, "DISPLAYTO")
        self.assertEqual(got[1:], [3, 4, 2, 1])

    def test_sizes_and_several(self):
        c = self.fill([mail("b", body="x" * n + "\r\n") for n in (30, 10, 20)]
                      + [mail("a", body="x" * 99 + "\r\n")])
        self.assertEqual(self.order(c, "SIZE"), [2, 3, 1, 4])
        self.assertEqual(self.order(c, "SUBJECT REVERSE SIZE"), [4, 1, 3, 2])
        self.assertEqual(self.order(c, "REVERSE SUBJECT SIZE"), [2, 3, 1, 4])
        self.assertEqual(self.order(c, "reverse subject reverse size"),
                         [1, 3, 2, 4])

    def test_uid_sort(self):
        c = self.fill([mail(s) for s in "dcba"])
        c.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
        c.ok("EXPUNGE")
        self.assertEqual(c.ok("UID SORT (SUBJECT) US-ASCII ALL"),
                         [b"* SORT 4 3 1"])
        self.assertEqual(c.ok("UID SORT (SUBJECT) US-ASCII 2:3"),
                         [b"* SORT 4 3"])
        self.assertEqual(self.order(c, "SUBJECT", "\"utf-8\""), [3, 2, 1])

    def test_charset(self):
        c = self.fill([mail("=?utf-8?Q?=C3=84pfel?="), mail("b")])
        word = "\u00e4PF".encode("latin-1")
        self.assertEqual(c.ok(
            b"SORT (DATE) iso-8859-1 SUBJECT {%d+}\r\n%s" % (
                len(word), word)), [b"* SORT 1"])
        self.assertNo(c.cmd("SORT (DATE) x-none ALL"), "BADCHARSET "
                      "(US-ASCII UTF-8)")

    def test_expunged_meanwhile(self):
        c = self.fill([mail(s) for s in "cba"])
        d = self.select_again()
        d.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
        d.ok("EXPUNGE")
        got = c.ok("SORT (SUBJECT) UTF-8 ALL")
        self.assertEqual([r for r in got if b"SORT" in r], [b"* SORT 3 1"])
        self.assertFalse([r for r in got if b"EXPUNGE" in r])
        got = c.ok("UID SORT (SUBJECT) UTF-8 ALL")
        self.assertEqual(got, [b"* SORT 3 1", b"* 2 EXPUNGE"])

    def test_errors(self):
        c = self.fill([mail()])
        for text in ("", "(DATE)", "(DATE) UTF-8", "() UTF-8 ALL",
                     "DATE UTF-8 ALL", "(FOO) UTF-8 ALL", "(DATE UTF-8 ALL",
                     "(REVERSE) UTF-8 ALL", "(REVERSE REVERSE DATE) UTF-8 ALL",
                     "(DATE) UTF-8 FOO", "(DATE)UTF-8 ALL",
                     "(RELEVANCY) UTF-8 ALL",
                     "(%s) UTF-8 ALL" % " ".join(["DATE"] * 33)):
            self.assertBad(c.cmd("SORT " + text))


class Esort(Sorting):
    def test_return(self):
        c = self.fill([mail(s) for s in "cdbaef"])

        def answer(options, tail="(SUBJECT) UTF-8 ALL"):
            got = c.ok("SORT RETURN (%s) %s" % (options, tail))
            begin = b'* ESEARCH (TAG "a%d")' % c.count
            self.assertTrue(got[0].startswith(begin), got)
            return got[0][len(begin):].decode()
        self.assertEqual(answer(""), " ALL 4,3,1:2,5:6")
        self.assertEqual(answer("", "(REVERSE SUBJECT) UTF-8 ALL"),
                         " ALL 6,5,2,1,3:4")
        self.assertEqual(answer("MIN MAX COUNT"), " MIN 4 MAX 6 COUNT 6")
        self.assertEqual(answer("PARTIAL 2:3"), " PARTIAL (2:3 3,1)")
        self.assertEqual(answer("PARTIAL -1:-2"), " PARTIAL (-1:-2 5:6)")
        self.assertEqual(answer("MIN", "(SUBJECT) UTF-8 DELETED"), "")
        self.assertEqual(answer("SAVE MIN"), " MIN 4")
        self.assertEqual(c.ok("FETCH $ (UID)"), [b"* 4 FETCH (UID 4)"])
        self.assertEqual(
            c.ok("SORT RETURN (SAVE) (SUBJECT) UTF-8 2:4"), [])
        self.assertEqual(c.ok("SEARCH $"), [b"* SEARCH 2 3 4"])
        got = c.ok("UID SORT RETURN (ALL) (SUBJECT) UTF-8 ALL")
        self.assertTrue(got[0].endswith(b" UID ALL 4,3,1:2,5:6"))
        self.assertNo(c.cmd("SORT RETURN (SAVE) (SUBJECT) x-none ALL"))
        self.assertEqual(c.ok("SEARCH $"), [b"* SEARCH"])
        self.assertBad(c.cmd("SORT RETURN (FOO) (SUBJECT) UTF-8 ALL"))


class Fuzzy(Sorting):
    def test_search(self):
        c = self.fill([mail(s) for s in (
            "IMAP break", "broken things", "Breaks of IMAP", "the imap braek",
            "nothing", "IMAP only")])
        self.assertEqual(c.ok("SEARCH SUBJECT \"IMAP break\""),
                         [b"* SEARCH 1"])
        self.assertEqual(c.ok("SEARCH FUZZY SUBJECT \"IMAP break\""),
                         [b"* SEARCH 1 3 4"])
        self.assertEqual(c.ok("SEARCH FUZZY (SUBJECT \"IMAP break\") 1:3"),
                         [b"* SEARCH 1 3"])
        self.assertEqual(c.ok("SEARCH NOT FUZZY SUBJECT break"),
                         [b"* SEARCH 2 5 6"])
        self.assertEqual(c.ok("SEARCH FUZZY ANSWERED"), [b"* SEARCH"])
        self.assertEqual(c.ok("SEARCH FUZZY 2:3"), [b"* SEARCH 2 3"])

    def test_bodies(self):
        c = self.fill([mail(body="say helo\r\nto the world\r\n"),
                       mail(body="Hello world\r\n"),
                       mail(body="goodbye world\r\n"),
                       mail("hellish", body="x\r\n")])
        self.assertEqual(c.ok("SEARCH FUZZY BODY \"hello world\""),
                         [b"* SEARCH 1 2"])
        self.assertEqual(c.ok("SEARCH FUZZY TEXT \"hello\""),
                         [b"* SEARCH 1 2 4"])

    def test_relevancy(self):
        c = self.fill([mail("the hello kitty"), mail("world hello"),
                       mail("helo world"), mail("hello world")])
        got = c.ok("SEARCH RETURN (RELEVANCY ALL) "
                   "FUZZY SUBJECT \"hello world\"")
        self.assertEqual(got[0].split(b") ", 1)[1],
                         b"ALL 2:4 RELEVANCY (95 75 100)")
        got = c.ok("SEARCH RETURN (RELEVANCY PARTIAL -1:-1) "
                   "FUZZY SUBJECT \"hello world\"")
        self.assertEqual(got[0].split(b") ", 1)[1],
                         b"PARTIAL (-1:-1 4) RELEVANCY (100)")
        self.assertEqual(
            c.ok("SORT (RELEVANCY) UTF-8 FUZZY SUBJECT \"hello world\""),
            [b"* SORT 4 2 3"])
        got = c.ok("SORT RETURN (RELEVANCY ALL) (REVERSE RELEVANCY) UTF-8 "
                   "FUZZY SUBJECT \"hello world\"")
        self.assertEqual(got[0].split(b") ", 1)[1],
                         b"ALL 3,2,4 RELEVANCY (75 95 100)")
        got = c.ok("SORT RETURN (PARTIAL 1:2) (RELEVANCY) UTF-8 "
                   "FUZZY SUBJECT \"hello world\"")
        self.assertEqual(got[0].split(b") ", 1)[1], b"PARTIAL (1:2 4,2)")
        # Also when the order of the mailbox is known already.
        for _ in range(2):
            c.ok("SORT (ARRIVAL) UTF-8 ALL")
            got = c.ok("SORT RETURN (RELEVANCY ALL) (ARRIVAL) UTF-8 "
                       "FUZZY SUBJECT \"hello world\"")
            self.assertEqual(got[0].split(b") ", 1)[1],
                             b"ALL 2:4 RELEVANCY (95 75 100)")
        got = c.ok("SEARCH RETURN (RELEVANCY) FUZZY SUBJECT zzzzzz")
        self.assertEqual(got[0].split(b") ", 1)[1], b"RELEVANCY ()")
        self.assertBad(c.cmd("SEARCH RETURN (RELEVANCY) ALL"))
        self.assertBad(c.cmd("SORT (RELEVANCY) UTF-8 ALL"))
        self.assertBad(c.cmd("SEARCH FUZZY"))


if __name__ == "__main__":
    unittest.main()
