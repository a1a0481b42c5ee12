"""ESEARCH (RFC 4731), SEARCHRES (RFC 5182), WITHIN (RFC 5032) and PARTIAL
(RFC 9394)."""

import time
import unittest

from imap_client import Case, message


class Searching(Case):
    def box_of(self, n, flagged=()):
        c = self.select_new([message("m%d" % i) for i in range(1, n + 1)])
        if flagged:
            c.ok("STORE %s FLAGS.SILENT (\\Flagged)" % ",".join(
                str(i) for i in flagged))
        return c

    def answer(self, c, text):
        """The one ESEARCH response of a command, without its tag."""
        got = c.ok(text)
        self.assertEqual(len(got), 1, (text, got))
        begin = b'* ESEARCH (TAG "a%d")' % c.count
        self.assertTrue(got[0].startswith(begin), (text, got))
        return got[0][len(begin):].decode()

    def uids(self, c, what):
        """What a set means, as uids."""
        return [int(r.split(b"UID ")[1].rstrip(b")"))
                for r in c.ok("FETCH %s (UID)" % what)]


class Esearch(Searching):
    def test_return_options(self):
        c = self.box_of(11, (2, 10, 11))
        for text, want in (
                ("RETURN (MIN COUNT) FLAGGED", " MIN 2 COUNT 3"),
                ("RETURN () FLAGGED", " ALL 2,10:11"),
                ("RETURN (ALL) FLAGGED", " ALL 2,10:11"),
                ("RETURN (MIN) FLAGGED", " MIN 2"),
                ("RETURN (MAX) FLAGGED", " MAX 11"),
                ("return (max min) FLAGGED", " MIN 2 MAX 11"),
                ("RETURN (COUNT) FLAGGED", " COUNT 3"),
                ("RETURN (MIN MAX COUNT ALL) FLAGGED",
                 " MIN 2 MAX 11 COUNT 3 ALL 2,10:11"),
                ("RETURN (ALL) CHARSET UTF-8 1:3", " ALL 1:3")):
            self.assertEqual(self.answer(c, "SEARCH " + text), want)

    def test_nothing_found(self):
        c = self.box_of(3)
        self.assertEqual(self.answer(
            c, "SEARCH RETURN (MIN MAX ALL COUNT) DELETED"), " COUNT 0")
        self.assertEqual(self.answer(c, "SEARCH RETURN (ALL) DELETED"), "")
        self.assertEqual(self.answer(c, "UID SEARCH RETURN (MAX) 9"), " UID")
        c = self.select_again()
        c.ok("CREATE empty")
        c.ok("SELECT empty")
        self.assertEqual(self.answer(c, "SEARCH RETURN (MAX) ALL"), "")

    def test_uids(self):
        c = self.box_of(6)
        c.ok("STORE 1,4 +FLAGS.SILENT (\\Deleted)")
        c.ok("EXPUNGE")
        self.assertEqual(self.answer(c, "UID SEARCH RETURN (MIN MAX) 1:5000"),
                         " UID MIN 2 MAX 6")
        self.assertEqual(self.answer(c, "UID SEARCH RETURN (ALL) ALL"),
                         " UID ALL 2:3,5:6")
        self.assertEqual(self.answer(c, "SEARCH RETURN (ALL) ALL"), " ALL 1:4")

    def test_long_tag_is_a_string(self):
        c = self.box_of(1)
        c.send("x\\y SEARCH RETURN (ALL) ALL\r\n")
        self.assertTrue(c.response().startswith(b"* BAD"))
        c.send("x'y SEARCH RETURN (ALL) ALL\r\n")
        self.assertEqual(c.response(), b"* ESEARCH (TAG \"x'y\") ALL 1")
        c.response()

    def test_many_ranges(self):
        c = self.box_of(0)
        for i in range(40):
            c.append(message("m"), self.box, "(\\Flagged)" if i % 2 else "")
        c.ok("NOOP")
        want = ",".join(str(i) for i in range(2, 41, 2))
        self.assertEqual(self.answer(c, "SEARCH RETURN (ALL) FLAGGED"),
                         " ALL " + want)

    def test_errors(self):
        c = self.box_of(1)
        for text in ("RETURN", "RETURN ALL", "RETURN (", "RETURN (FOO) ALL",
                     "RETURN (ALL)", "RETURN (ALL ) ALL", "RETURN (ALL)ALL",
                     "RETURN (ALL MIN", "RETURN(ALL) ALL"):
            self.assertBad(c.cmd("SEARCH " + text))


class Searchres(Searching):
    def test_result_in_other_commands(self):
        c = self.box_of(5, (2, 4))
        self.assertEqual(c.ok("SEARCH RETURN (SAVE) FLAGGED"), [])
        self.assertEqual(self.uids(c, "$"), [2, 4])
        self.assertEqual(len(c.ok("UID FETCH $ (FLAGS)")), 2)
        self.assertEqual(c.ok("UID SEARCH UID $ SMALLER 4096"),
                         [b"* SEARCH 2 4"])
        self.assertEqual(c.ok("UID SEARCH $ SMALLER 4096"), [b"* SEARCH 2 4"])
        self.assertEqual(c.ok("SEARCH (OR $ 1,5)"), [b"* SEARCH 1 2 4 5"])
        self.assertEqual(c.ok("SEARCH NOT $"), [b"* SEARCH 1 3 5"])
        c.ok("STORE $ +FLAGS.SILENT (\\Answered)")
        self.assertEqual(c.ok("SEARCH ANSWERED"), [b"* SEARCH 2 4"])
        c.ok("CREATE %s2" % self.box)
        self.assertOk(c.cmd("COPY $ %s2" % self.box), "COPYUID")
        self.assertOk(c.cmd("UID COPY $ %s2" % self.box), "COPYUID")
        got = c.ok("MOVE $ %s2" % self.box)
        self.assertEqual(got[1:3], [b"* 2 EXPUNGE", b"* 3 EXPUNGE"])
        self.assertEqual(c.ok("FETCH $ (UID)"), [])

    def test_expunged_messages_leave_it(self):
        c = self.box_of(5)
        c.ok("UID SEARCH RETURN (SAVE) 2:4")
        c.ok("STORE 1,3 +FLAGS.SILENT (\\Deleted)")
        c.ok("UID EXPUNGE $")
        self.assertEqual(self.uids(c, "1:*"), [1, 2, 4, 5])
        self.assertEqual(self.uids(c, "$"), [2, 4])
        self.assertEqual(c.ok("SEARCH $"), [b"* SEARCH 2 3"])

    def test_empty_is_no_error(self):
        c = self.box_of(2)
        self.assertOk(c.cmd("FETCH $ (UID)"))
        c.ok("SEARCH RETURN (SAVE) DELETED")
        c.ok("CREATE %s2" % self.box)
        for text in ("FETCH $ (FLAGS)", "UID FETCH $ (FLAGS)",
                     "STORE $ +FLAGS (\\Seen)", "COPY $ %s2" % self.box,
                     "MOVE $ %s2" % self.box, "UID EXPUNGE $", "SEARCH $"):
            self.assertOk(c.cmd(text))
        self.assertEqual(c.ok("SEARCH $"), [b"* SEARCH"])

    def test_what_is_kept(self):
        c = self.box_of(8, (2, 4, 5, 7))
        for options, answer, kept in (
                ("SAVE", None, [2, 4, 5, 7]), ("SAVE MIN", " MIN 2", [2]),
                ("SAVE MAX", " MAX 7", [7]),
                ("MAX SAVE MIN", " MIN 2 MAX 7", [2, 7]),
                ("MAX SAVE MIN COUNT", " MIN 2 MAX 7 COUNT 4", [2, 4, 5, 7]),
                ("ALL SAVE MIN", " MIN 2 ALL 2,4:5,7", [2, 4, 5, 7]),
                ("SAVE PARTIAL 2:3", " PARTIAL (2:3 4:5)", [4, 5]),
                ("SAVE PARTIAL 2:3 MIN", " MIN 2 PARTIAL (2:3 4:5)",
                 [2, 4, 5]),
                ("SAVE PARTIAL 1:2 MAX", " MAX 7 PARTIAL (1:2 2,4)",
                 [2, 4, 7]),
                ("SAVE PARTIAL 3:3 MIN MAX", " MIN 2 MAX 7 PARTIAL (3:3 5)",
                 [2, 5, 7]),
                ("SAVE PARTIAL 3:3 COUNT", " COUNT 4 PARTIAL (3:3 5)",
                 [2, 4, 5, 7])):
            text = "SEARCH RETURN (%s) FLAGGED" % options
            if answer is None:
                self.assertEqual(c.ok(text), [])
            else:
                self.assertEqual(self.answer(c, text), answer)
            self.assertEqual(self.uids(c, "$"), kept, options)

    def test_what_changes_it(self):
        c = self.box_of(3)
        c.ok("SEARCH RETURN (SAVE) 2")
        c.ok("SEARCH ALL")
        c.ok("SEARCH RETURN (ALL) ALL")
        self.assertBad(c.cmd("SEARCH RETURN (SAVE) FOO"))
        self.assertNo(c.cmd("SEARCH CHARSET x-none ALL"))
        self.assertEqual(self.uids(c, "$"), [2])
        self.assertNo(c.cmd("SEARCH RETURN (SAVE) CHARSET x-none ALL"))
        self.assertEqual(c.ok("FETCH $ (UID)"), [])
        c.ok("SEARCH RETURN (SAVE) 2")
        c.ok("SELECT " + self.box)
        self.assertEqual(c.ok("FETCH $ (UID)"), [])

    def test_pipelined(self):
        c = self.box_of(4, (1, 3))
        c.send("x1 SEARCH RETURN (SAVE) FLAGGED\r\n"
               "x2 FETCH $ (UID)\r\nx3 STORE $ FLAGS.SILENT (\\Seen)\r\n")
        self.assertEqual(c.response()[:5], b"x1 OK")
        self.assertEqual(c.response(), b"* 1 FETCH (UID 1)")
        self.assertEqual(c.response(), b"* 3 FETCH (UID 3)")
        self.assertEqual(c.response()[:5], b"x2 OK")
        self.assertEqual(c.response()[:5], b"x3 OK")

    def test_keyword_is_no_result(self):
        c = self.box_of(2)
        c.ok("STORE 2 FLAGS.SILENT ($Junk)")
        self.assertEqual(c.ok("SEARCH KEYWORD $Junk"), [b"* SEARCH 2"])

    def test_errors(self):
        c = self.box_of(2)
        for text in ("FETCH $,1 (UID)", "FETCH 1,$ (UID)", "FETCH $1 (UID)",
                     "SEARCH $Junk", "SEARCH 1:$", "FETCH $$ (UID)"):
            self.assertBad(c.cmd(text))


class Within(Searching):
    def test_keys(self):
        c = self.select_new()

        def at(ago):
            t = time.gmtime(time.time() - ago)
            return time.strftime('"%d-%b-%Y %H:%M:%S +0000"', t)
        for ago in (10, 5000, 400000):
            c.append(message("m"), self.box, at(ago))
        c.ok("NOOP")
        for text, want in (("YOUNGER 3600", [1]), ("OLDER 3600", [2, 3]),
                           ("YOUNGER 259200", [1, 2]), ("OLDER 259200", [3]),
                           ("YOUNGER 4294967295", [1, 2, 3]),
                           ("OLDER 4294967295", []),
                           ("NOT YOUNGER 3600", [2, 3]),
                           ("OLDER 3600 YOUNGER 86400", [2])):
            self.assertEqual(
                [int(n) for n in c.ok("SEARCH " + text)[0].split()[2:]],
                want, text)
        for text in ("OLDER", "OLDER 0", "YOUNGER x", "YOUNGER 4294967296",
                     "OLDER -1"):
            self.assertBad(c.cmd("SEARCH " + text))


class Partial(Searching):
    def test_search(self):
        c = self.box_of(10, (1, 3, 4, 5, 8, 10))
        for option, want in (
                ("1:2", "1,3"), ("3:5", "4:5,8"), ("5:3", "4:5,8"),
                ("6:9", "10"), ("7:9", "NIL"), ("1:4294967295",
                                                "1,3:5,8,10"),
                ("-1:-2", "8,10"), ("-2:-1", "8,10"), ("-5:-6", "1,3"),
                ("-6:-100", "1"), ("-7:-9", "NIL")):
            self.assertEqual(
                self.answer(c, "SEARCH RETURN (PARTIAL %s) FLAGGED" % option),
                " PARTIAL (%s %s)" % (option, want))
            self.assertEqual(
                self.answer(c, "UID SEARCH RETURN (COUNT PARTIAL %s) FLAGGED"
                            % option),
                " UID COUNT 6 PARTIAL (%s %s)" % (option, want))
        self.assertEqual(
            self.answer(c, "SEARCH RETURN (PARTIAL -1:-2 MIN MAX) FLAGGED"),
            " MIN 1 MAX 10 PARTIAL (-1:-2 8,10)")
        self.assertEqual(
            self.answer(c, "SEARCH RETURN (PARTIAL 1:5) DELETED"),
            " PARTIAL (1:5 NIL)")

    def test_search_errors(self):
        c = self.box_of(1)
        for option in ("PARTIAL", "PARTIAL 1", "PARTIAL 0:1", "PARTIAL 1:*",
                       "PARTIAL -1:1", "PARTIAL 1:-1", "PARTIAL 1:2 ALL",
                       "ALL PARTIAL 1:2", "PARTIAL 1:2 PARTIAL 3:4",
                       "PARTIAL -0:-1", "PARTIAL 1:4294967296",
                       "PARTIAL (1:2)"):
            self.assertBad(c.cmd("SEARCH RETURN (%s) ALL" % option))

    def test_fetch(self):
        c = self.box_of(10)
        c.ok("STORE 2,5 +FLAGS.SILENT (\\Deleted)")
        c.ok("EXPUNGE")

        def fetched(text):
            return [int(r.split(b"UID ")[1].rstrip(b")"))
                    for r in c.ok("UID FETCH " + text)]
        for text, want in (
                ("3:9 (UID) (PARTIAL -1:-3)", [7, 8, 9]),
                ("3:9 (UID) (PARTIAL 1:3)", [3, 4, 6]),
                ("3:9 (UID) (PARTIAL 3:1)", [3, 4, 6]),
                ("1:* (UID) (PARTIAL 8:20)", [10]),
                ("1:* (UID) (PARTIAL 9:20)", []),
                ("100:200 (UID) (PARTIAL 1:20)", [10][:0]),
                ("1:* (UID) (partial -8:-8)", [1])):
            self.assertEqual(fetched(text), want, text)
        for text in ("FETCH 1:* (UID) (PARTIAL 1:2)",
                     "UID FETCH 1:* (UID) (PARTIAL)",
                     "UID FETCH 1:* (UID) (PARTIAL 1:2",
                     "UID FETCH 1:* (UID) (PARTIAL 1:2 PARTIAL 1:2)",
                     "UID FETCH 1:* (UID) PARTIAL 1:2",
                     "UID FETCH 1:* (UID) ()",
                     "UID FETCH 1:* (UID) (FOO 1)"):
            self.assertBad(c.cmd(text))


if __name__ == "__main__":
    unittest.main()
