"""UIDBATCHES (RFC 10022) and MESSAGELIMIT (RFC 9738)."""

import unittest

from imap_client import Case, message


class Batches(Case):
    def ranges(self, c, text):
        tag = c.tag()
        c.send("%s UIDBATCHES %s\r\n" % (tag, text))
        got, tagged = c.finish(tag)
        self.assertTrue(tagged.startswith(b"OK"), tagged)
        start = b'* UIDBATCHES (TAG "%s")' % tag.encode()
        self.assertEqual(len(got), 1)
        self.assertTrue(got[0].startswith(start), got)
        rest = got[0][len(start):]
        self.assertEqual(rest == b"", not rest.startswith(b" "))
        return [tuple(int(n) for n in r.split(b":"))
                for r in rest[1:].split(b",")] if rest else []

    def test_announced(self):
        got = self.login().ok("CAPABILITY")[0].split()
        self.assertIn(b"UIDBATCHES", got)
        self.assertFalse([n for n in got if n.startswith(b"MESSAGELIMIT")])

    def test_small(self):
        c = self.select_new()
        self.assertEqual(self.ranges(c, "500"), [])
        self.assertEqual(self.ranges(c, "2000 1:4"), [])
        c.append(message("one"), self.box)
        c.ok("NOOP")
        self.assertEqual(self.ranges(c, "500"), [(1, 1)])
        c.append(message("two"), self.box)
        c.ok("UID STORE 1 +FLAGS.SILENT (\\Deleted)")
        c.ok("EXPUNGE")
        self.assertEqual(self.ranges(c, "500"), [(2, 1)])
        self.assertEqual(self.ranges(c, "500 1:1"), [(2, 1)])
        self.assertEqual(self.ranges(c, "4294967295 1:4294967295"), [(2, 1)])
        self.assertEqual(self.ranges(c, "500 2:3"), [])

    def test_many(self):
        c = self.select_new()
        m = message("x")
        one = b" {%d+}\r\n%s" % (len(m), m)
        for _ in range(11):
            c.ok(b"APPEND %s%s" % (self.box.encode(), one * 120))
        c.ok("UID STORE 2:1300:10,1:300,700 +FLAGS.SILENT (\\Deleted)"
             .replace("2:1300:10", ",".join(
                 str(n) for n in range(310, 1300, 10))))
        c.ok("EXPUNGE")
        uids = [int(n) for n in c.ok("UID SEARCH ALL")[0].split()[2:]]
        for size in (500, 501, 900, 5000):
            got = self.ranges(c, "%d" % size)
            high = uids[-1]
            self.assertEqual(got[0][0], high)
            self.assertEqual(got[-1][1], 1)
            for i, (above, below) in enumerate(got):
                self.assertEqual(above, high)
                high = below - 1
                inside = [u for u in uids if below <= u <= above]
                if i < len(got) - 1:
                    self.assertEqual(len(inside), size)
                else:
                    self.assertTrue(0 < len(inside) <= size)
            for first in range(1, len(got) + 1):
                for last in range(first, len(got) + 2):
                    self.assertEqual(
                        self.ranges(c, "%d %d:%d" % (size, first, last)),
                        got[first - 1:last])
        c.ok("ENABLE UIDONLY")
        self.assertEqual(len(self.ranges(c, "500")), 2)

    def test_errors(self):
        c = self.select_new([message()])
        for text in ("", " 0", " x", " 500 1", " 500 0:1", " 500 1:0",
                     " 500 1:", " 500 1:*", " 500 1:2 3", " -500",
                     " 4294967296"):
            self.assertBad(c.cmd("UIDBATCHES" + text))
        got = c.cmd("UIDBATCHES 500 3:2")
        self.assertBad(got)
        self.assertIn(b"[CLIENTBUG]", got[1])
        self.assertNo(c.cmd("UIDBATCHES 499"), "TOOFEW")
        self.assertNo(c.cmd("UIDBATCHES 1 1:2"), "TOOFEW")
        c.ok("UNSELECT")
        self.assertBad(c.cmd("UIDBATCHES 500"))


class Limited(Case):
    settings = ("imap.message_limit=3",)

    def setUp(self):
        super().setUp()
        self.c = self.select_new([message("m%d" % i) for i in range(1, 7)])

    def limited(self, text, lowest):
        """Runs it; it is done for messages from `lowest` on."""
        got, tagged = self.c.cmd(text)
        self.assertTrue(tagged.startswith(
            b"OK [MESSAGELIMIT 3 %d]" % lowest), tagged)
        return got

    def whole(self, text):
        got, tagged = self.c.cmd(text)
        self.assertTrue(tagged.startswith(b"OK"), tagged)
        self.assertNotIn(b"MESSAGELIMIT", tagged)
        return got

    def refused(self, text, code="MESSAGELIMIT 3"):
        self.assertNo(self.c.cmd(text), code)

    def test_announced(self):
        self.assertIn(b"MESSAGELIMIT=3", self.c.ok("CAPABILITY")[0].split())
        self.assertNotIn(b"MESSAGELIMIT", self.connect().greeting)

    def test_fetch(self):
        self.assertEqual(self.limited("FETCH 1:* UID", 4), [
            b"* %d FETCH (UID %d)" % (n, n) for n in (4, 5, 6)])
        self.assertEqual(self.limited("UID FETCH 1:2,4,6 UID", 2), [
            b"* %d FETCH (UID %d)" % (n, n) for n in (2, 4, 6)])
        self.assertEqual(len(self.whole("UID FETCH 1:3 UID")), 3)
        self.refused("UID FETCH 1:* UID (PARTIAL 1:4)")
        self.assertEqual(len(self.whole("UID FETCH 1:* UID (PARTIAL 1:3)")), 3)
        # the client goes on below the lowest
        self.assertEqual(len(self.whole("UID FETCH 1:3 UID")), 3)

    def test_store(self):
        got = self.limited("STORE 1:5 +FLAGS (\\Flagged)", 3)
        self.assertEqual([r.split()[1] for r in got], [b"3", b"4", b"5"])
        self.assertEqual(self.whole("UID SEARCH UID 3:5 FLAGGED"),
                         [b"* SEARCH 3 4 5"])
        c = self.c
        m = int(c.ok("FETCH 1 MODSEQ")[-1].split(b"(")[-1].split(b")")[0])
        got, tagged = c.cmd("STORE 2:5 (UNCHANGEDSINCE %d) +FLAGS (\\Seen)"
                            % m)
        self.assertTrue(tagged.startswith(b"OK [MODIFIED 3:5]"), tagged)
        self.assertTrue([r for r in got if r.startswith(
            b"* NO [MESSAGELIMIT 3 3]")], got)

    def test_search(self):
        self.assertEqual(self.limited("SEARCH ALL", 4), [b"* SEARCH 4 5 6"])
        self.assertEqual(self.limited("SEARCH SUBJECT m1", 4), [b"* SEARCH"])
        self.assertEqual(self.limited("SEARCH 1:5 SUBJECT m", 3),
                         [b"* SEARCH 3 4 5"])
        self.assertEqual(self.limited("UID SEARCH UIDBEFORE 6 ALL", 3),
                         [b"* SEARCH 3 4 5"])
        self.assertEqual(self.whole("UID SEARCH UIDBEFORE 4"),
                         [b"* SEARCH 1 2 3"])
        self.assertEqual(self.whole("UID SEARCH UIDAFTER 2 UIDBEFORE 5"),
                         [b"* SEARCH 3 4"])
        self.assertEqual(self.whole("UID SEARCH UIDAFTER 3"),
                         [b"* SEARCH 4 5 6"])
        self.assertEqual(self.limited("UID SEARCH OR UIDAFTER 5 UID 1", 4),
                         [b"* SEARCH 6"])
        for option, result in (("MIN", b"MIN 4"), ("MAX", b"MAX 6"),
                               ("COUNT", b"COUNT 3"),
                               ("PARTIAL -1:-2", b"PARTIAL (-1:-2 5:6)"),
                               ("PARTIAL 1:2", b"PARTIAL (1:2 4:5)")):
            got = self.limited("SEARCH RETURN (%s) ALL" % option, 4)
            self.assertTrue(got[0].endswith(b" " + result), got)
        for text in ("UIDAFTER 0", "UIDBEFORE x", "UIDAFTER 1:2", "UIDAFTER"):
            self.assertBad(self.c.cmd("SEARCH " + text))

    def test_copy_and_move(self):
        c = self.c
        c.ok("CREATE %s/to" % self.box)
        self.refused("COPY 1:4 %s/to" % self.box, "MESSAGELIMIT 3 2")
        self.assertEqual(c.ok("STATUS %s/to (MESSAGES)" % self.box),
                         [b"* STATUS %s/to (MESSAGES 0)" % self.box.encode()])
        self.whole("UID COPY 1:3 %s/to" % self.box)
        got = self.limited("MOVE 1:5 %s/to" % self.box, 3)
        self.assertIn(b" 3:5 4:6]", got[0])
        self.assertEqual(got[1:], [b"* 3 EXPUNGE"] * 3)
        c.ok("ENABLE CONDSTORE")
        c.append(message("m7"), self.box)
        c.append(message("m8"), self.box)
        got, tagged = c.cmd("UID MOVE 1:8 %s/to" % self.box)
        self.assertTrue(tagged.startswith(b"OK [HIGHESTMODSEQ "), tagged)
        self.assertIn(b" 6:8 7:9]", b"".join(got))
        self.assertTrue([r for r in got if r.startswith(
            b"* NO [MESSAGELIMIT 3 6]")], got)

    def test_expunge(self):
        c = self.c
        c.ok("STORE 1:3 +FLAGS.SILENT (\\Deleted)")
        c.ok("STORE 5:6 +FLAGS.SILENT (\\Deleted)")
        self.assertEqual(self.limited("UID EXPUNGE 1:6", 3),
                         [b"* 3 EXPUNGE", b"* 4 EXPUNGE", b"* 4 EXPUNGE"])
        self.assertEqual(self.whole("UID EXPUNGE 1:4"),
                         [b"* 1 EXPUNGE", b"* 1 EXPUNGE"])
        for n in range(3):
            c.append(message("n%d" % n), self.box)
        c.ok("NOOP")
        c.ok("STORE 2:4 +FLAGS.SILENT (\\Deleted)")
        c.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        self.assertEqual(len(self.whole("EXPUNGE")), 4)

    def test_append(self):
        m = message("x")
        one = b" {%d+}\r\n%s" % (len(m), m)
        box = self.box.encode()
        self.refused(b"APPEND %s%s" % (box, one * 4))
        self.assertOk(self.c.cmd(b"APPEND %s%s" % (box, one * 3)),
                      "APPENDUID ")

    def test_sort_and_thread(self):
        for text in ("SORT (SUBJECT) UTF-8 ", "THREAD REFERENCES UTF-8 "):
            self.refused(text + "ALL")
            self.whole(text + "4:6")
        self.c.ok("SEARCH RETURN (SAVE) 1")
        self.refused("SORT RETURN (SAVE) (DATE) UTF-8 ALL")
        self.assertEqual(self.whole("SEARCH $"), [b"* SEARCH"])


if __name__ == "__main__":
    unittest.main()
