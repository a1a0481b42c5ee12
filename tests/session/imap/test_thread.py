"""THREAD by ORDEREDSUBJECT, REFERENCES (RFC 5256) and REFS; I18NLEVEL=1 (RFC
5255)."""

import base64
import unittest

from imap_client import Case


def mail(id=None, refs=(), subject=None, day=None, reply_to=None):
    head = []
    if id is not None:
        head.append("Message-ID: " + (id if "<" in id else "<%s@x>" % id))
    if refs:
        head.append("References: " + "\r\n ".join(
            r if "<" in r else "<%s@x>" % r for r in refs))
    if reply_to:
        head.append("In-Reply-To: " + reply_to)
    if subject is not None:
        head.append("Subject: " + subject)
    if day:
        head.append("Date: %d Jan 2020 12:00:00 +0000" % day)
    return ("\r\n".join(head) + "\r\n\r\nx\r\n").encode()


class Threading(Case):
    def fill(self, messages):
        """Appends them with a day each, one later than the other."""
        c = self.select_new()
        for i, m in enumerate(messages):
            c.append(m, self.box,
                     '"%02d-Jan-2020 00:00:00 +0000"' % (i + 1))
        c.ok("NOOP")
        return c

    def threads(self, c, algorithm, keys="ALL", uid=""):
        got = c.ok("%sTHREAD %s UTF-8 %s" % (uid, algorithm, keys))
        self.assertEqual(len(got), 1)
        self.assertTrue(got[0].startswith(b"* THREAD"), got)
        return got[0][len("* THREAD"):].decode()


class Orderedsubject(Threading):
    def test_subjects(self):
        c = self.fill([mail(subject=s, day=d) for s, d in (
            ("one", 5), ("two", 2), ("Re: one", 6), ("one", 4),
            ("TWO (fwd)", 9), ("three", 1))])
        self.assertEqual(self.threads(c, "ORDEREDSUBJECT"),
                         " (6)(2 5)(4 (1)(3))")
        self.assertEqual(self.threads(c, "orderedsubject", "1:3"),
                         " (2)(1 3)")
        self.assertEqual(self.threads(c, "ORDEREDSUBJECT", "TEXT gewp"), "")

    def test_without_subject(self):
        c = self.fill([mail("a"), mail("b", subject="x"), mail("c")])
        self.assertEqual(self.threads(c, "ORDEREDSUBJECT"), " (1 3)(2)")


class References(Threading):
    def test_chain_and_branches(self):
        # The example of RFC 5256, 4: (2)(3 6 (4 23)(44 7 96))
        c = self.fill([mail("a"), mail("b"), mail("d", "bc"),
                       mail("c", "b"), mail("e", "bcd"), mail("f", "bc"),
                       mail("g", "bcf")])
        for alg in "REFERENCES", "REFS":
            self.assertEqual(self.threads(c, alg), " (1)(2 4 (3 5)(6 7))")
        self.assertEqual(self.threads(c, "REFERENCES", "2:4"), " (2 4 3)")
        c.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        c.ok("EXPUNGE")
        self.assertEqual(self.threads(c, "REFERENCES"), " (1 3 (2 4)(5 6))")
        self.assertEqual(self.threads(c, "REFERENCES", uid="UID "),
                         " (2 4 (3 5)(6 7))")

    def test_parent_is_missing(self):
        c = self.fill([mail("a", "p"), mail("b", "p"), mail("c", "q"),
                       mail("d", "qc"), mail("e", "rst"), mail("f", "rs")])
        self.assertEqual(self.threads(c, "REFERENCES"),
                         " ((1)(2))(3 4)((5)(6))")

    def test_in_reply_to(self):
        c = self.fill([mail("a"), mail("b", reply_to="<a@x> (by <c@x>)"),
                       mail("c", reply_to="your mail"),
                       mail("d", refs=["nothing valid <"], reply_to="<b@x>")])
        self.assertEqual(self.threads(c, "REFERENCES"), " (1 2 4)(3)")

    def test_identifiers(self):
        c = self.fill([mail("<\"a b\"@x>"), mail("<\"quo.ted\"@x>"),
                       mail("c", ["<quo.ted@x>"]), mail("A"), mail("d", "a"),
                       mail("e", ["<\"quo.t\\ed\"@x>"])])
        self.assertEqual(self.threads(c, "REFERENCES"),
                         " (1)(2 (3)(6))(4)(5)")

    def test_same_identifier(self):
        c = self.fill([mail("a"), mail("a"), mail("b", "a"), mail(),
                       mail()])
        self.assertEqual(self.threads(c, "REFERENCES"),
                         " (1 3)(2)(4)(5)")

    def test_loops(self):
        c = self.fill([mail("a", "b"), mail("b", "a"), mail("c", "c"),
                       mail("d", "dd"), mail("e", "feg"), mail("f", "ge"),
                       mail("g", "ef")])
        got = self.threads(c, "REFERENCES")
        numbers = sorted(int(n) for n in got.replace("(", " ").replace(
            ")", " ").split())
        self.assertEqual(numbers, [1, 2, 3, 4, 5, 6, 7])

    def test_truncated_references(self):
        # c knows better who its parent is than what d says.
        c = self.fill([mail("a"), mail("d", "ac"), mail("b", "a"),
                       mail("c", "ab")])
        self.assertEqual(self.threads(c, "REFERENCES"), " (1 3 4 2)")

    def test_siblings_by_date(self):
        c = self.fill([mail("a", day=1), mail("b", "a", day=9),
                       mail("c", "a", day=3), mail("d", "a", day=3),
                       mail("e", "ab", day=4), mail("f", "ab", day=2)])
        self.assertEqual(self.threads(c, "REFERENCES"),
                         " (1 (3)(4)(2 (6)(5)))")

    def test_merged_by_subject(self):
        c = self.fill([mail("a", subject="plan"),
                       mail("b", subject="Re: PLAN"),
                       mail("c", subject="other"),
                       mail("d", subject="other"),
                       mail("e", subject=""), mail("f", subject=""),
                       mail("g", "p", subject="Re: lost"),
                       mail("h", "p", subject="Re: lost"),
                       mail("i", subject="lost"),
                       mail("j", "q", subject="lost"),
                       mail("k", "q", subject="lost")])
        self.assertEqual(self.threads(c, "REFERENCES"),
                         " (1 2)((3)(4))(5)(6)((7)(8)(9)(10)(11))")
        self.assertEqual(self.threads(c, "REFS"),
                         " (1)(2)(3)(4)(5)(6)((7)(8))(9)((10)(11))")

    def test_reply_before_original(self):
        c = self.fill([mail("a", subject="Fwd: trip", day=1),
                       mail("b", subject="trip", day=2),
                       mail("c", subject="re: trip", day=3)])
        self.assertEqual(self.threads(c, "REFERENCES"), " (2 (1)(3))")

    def test_refs_by_latest(self):
        c = self.fill([mail("a", day=1), mail("b", day=2), mail("c", day=3),
                       mail("d", "b", day=4), mail("e", "a", day=20),
                       mail("f", "c", day=5)])
        self.assertEqual(self.threads(c, "REFS"), " (2 4)(3 6)(1 5)")
        self.assertEqual(self.threads(c, "REFERENCES"), " (1 5)(2 4)(3 6)")

    def test_deep(self):
        n = 300
        c = self.select_new()
        for i in range(n):
            c.append(mail("m%d" % i, ["m%d" % k for k in range(
                max(0, i - 20), i)]), self.box)
        c.ok("NOOP")
        self.assertEqual(self.threads(c, "REFERENCES"), " (%s)" % " ".join(
            str(i + 1) for i in range(n)))

    def test_expunged_meanwhile(self):
        c = self.fill([mail("a"), mail("b", "a"), mail("c", "ab")])
        d = self.select_again()
        d.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
        d.ok("EXPUNGE")
        got = c.ok("THREAD REFERENCES UTF-8 ALL")
        self.assertIn(b"* THREAD (1 3)", got)
        self.assertFalse([r for r in got if b"EXPUNGE" in r])
        got = c.ok("UID THREAD REFERENCES UTF-8 ALL")
        self.assertEqual(got, [b"* THREAD (1 3)", b"* 2 EXPUNGE"])

    def test_errors(self):
        c = self.fill([mail("a")])
        for text in ("", "REFERENCES", "REFERENCES UTF-8", "FOO UTF-8 ALL",
                     "REFERENCES UTF-8 FOO", "REFERENCES UTF-8 ALL x"):
            self.assertBad(c.cmd("THREAD " + text))
        self.assertNo(c.cmd("THREAD REFERENCES x-none ALL"), "BADCHARSET "
                      "(US-ASCII UTF-8)")


class Casemap(Threading):
    """What is the same but for case and form, for RFC 5051."""

    def test_search_and_sort(self):
        subjects = ["\u0130stanbul", "\u0131spanak", "\u01c4or",
                    "\ufb01sh", "\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2",
                    "e\u0301clair"]
        c = self.fill([mail(subject="=?UTF-8?B?%s?=" % base64.b64encode(
            s.encode()).decode()) for s in subjects])
        for word, want in (("ISPANAK", 2), ("i\u0307STANBUL", 1),
                           ("dz\u030cOR", 3), ("FISH", 4),
                           ("\u03c3\u03a5\u03a6\u03bf\u03c3", 5),
                           ("\u00c9CL", 6)):
            data = word.encode()
            self.assertEqual(
                c.ok(b"SEARCH CHARSET UTF-8 SUBJECT {%d+}\r\n%s" % (
                    len(data), data)), [b"* SEARCH %d" % want])
        self.assertEqual(c.ok("SORT (SUBJECT) UTF-8 ALL"),
                         [b"* SORT 3 6 2 1 4 5"])


if __name__ == "__main__":
    unittest.main()
