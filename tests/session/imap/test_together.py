"""Where extensions meet: mod-sequences in extended answers (RFC 7162, 3.1.9
and 3.1.10), uids alone (RFC 9586), what UNAUTHENTICATE (RFC 8437) resets."""

import re
import unittest

from imap_client import Case, message


def modseq(line):
    return int(re.search(rb"MODSEQ \(?(\d+)", line).group(1))


class Together(Case):
    def box_of(self, n):
        return self.select_new(
            [message("m%d" % i) for i in range(1, n + 1)])

    def modseqs(self, c):
        return [0] + [modseq(r) for r in c.ok("FETCH 1:* (MODSEQ)")
                      if b"MODSEQ (" in r]

    def test_modseq_of_what_is_told(self):
        c = self.box_of(4)
        c.ok("STORE 2 FLAGS.SILENT (\\Seen)")
        c.ok("STORE 1 FLAGS.SILENT (\\Seen)")
        m = self.modseqs(c)
        self.assertEqual(max(m), m[1])
        for options, want in (("", m[1]), ("ALL", m[1]), ("COUNT", m[1]),
                              ("MIN", m[1]), ("MAX", m[4]),
                              ("MIN MAX", m[1]), ("PARTIAL 2:3", m[2]),
                              ("MAX PARTIAL -1:-3", m[2])):
            got = c.ok("SEARCH RETURN (%s) MODSEQ 1" % options)
            self.assertEqual(modseq(got[0]), want, (options, got))
        got = c.ok("SEARCH RETURN (ALL) ALL")
        self.assertNotIn(b"MODSEQ", got[0])
        got = c.ok("SEARCH RETURN (ALL) MODSEQ %d" % (max(m) + 1))
        self.assertNotIn(b"MODSEQ", got[0])

    def test_modseq_sorted(self):
        c = self.box_of(3)
        c.ok("STORE 2 FLAGS.SILENT (\\Seen)")
        m = self.modseqs(c)
        self.assertEqual(
            c.ok("SORT (REVERSE SUBJECT) UTF-8 MODSEQ 1"),
            [b"* SORT 3 2 1 (MODSEQ %d)" % m[2]])
        got = c.ok("SORT RETURN (MIN) (REVERSE SUBJECT) UTF-8 MODSEQ 1")
        self.assertIn(b" MIN 3 ", got[0])
        self.assertEqual(modseq(got[0]), m[3])
        got = c.ok("ESEARCH IN (selected) MODSEQ %d" % m[2])
        self.assertEqual(modseq(got[0]), m[2])

    def test_condstore_is_enabled_by_any_search(self):
        for text in ("SEARCH RETURN (COUNT) MODSEQ 1",
                     "SORT (DATE) UTF-8 MODSEQ 1",
                     "THREAD REFERENCES UTF-8 MODSEQ 1"):
            c = self.login()
            c.ok("SELECT INBOX")
            got = c.ok(text)
            self.assertIn(b"HIGHESTMODSEQ", got[0], text)

    def test_partial_and_changedsince(self):
        """RFC 9394, 3.3"""
        c = self.box_of(5)
        m = max(self.modseqs(c))
        c.ok("STORE 2,5 FLAGS.SILENT (\\Seen)")
        for text in ("(PARTIAL -1:-3 CHANGEDSINCE %d)" % m,
                     "(CHANGEDSINCE %d PARTIAL -1:-3)" % m):
            got = c.ok("UID FETCH 1:* (FLAGS) " + text)
            self.assertEqual(len(got), 1, got)
            self.assertTrue(got[0].startswith(b"* 5 FETCH ("), got)
        self.assertBad(c.cmd("FETCH 1:* (FLAGS) (PARTIAL 1:2)"))
        self.assertBad(c.cmd(
            "UID FETCH 1:* (FLAGS) (PARTIAL 1:2 PARTIAL 1:2)"))

    def test_vanished_of_what_is_saved(self):
        c = self.box_of(4)
        c.ok("ENABLE QRESYNC")
        m = max(self.modseqs(c))
        c.ok("SEARCH RETURN (SAVE) 2:3")
        c.ok("STORE 3:4 +FLAGS.SILENT (\\Deleted)")
        c.ok("UID FETCH $ (FLAGS) (CHANGEDSINCE %d VANISHED)" % m)
        c.ok("EXPUNGE")
        got = c.ok("UID FETCH 1:4 (FLAGS) (CHANGEDSINCE %d VANISHED)" % m)
        self.assertEqual(got, [b"* VANISHED (EARLIER) 3:4"])
        got = c.ok("UID FETCH $ (FLAGS) (CHANGEDSINCE %d VANISHED)" % m)
        self.assertFalse([r for r in got if b"4" in r and b"VANISHED" in r])

    def test_uids_only(self):
        c = self.box_of(3)
        c.ok("ENABLE UIDONLY")
        for text in ("SORT (DATE) UTF-8 ALL", "THREAD REFS UTF-8 ALL",
                     "UID SORT (DATE) UTF-8 2", "UID THREAD REFS UTF-8 2",
                     "UID SEARCH RETURN (ALL) 2:3", "ESEARCH 1"):
            self.assertBad(c.cmd(text))
        self.assertEqual(c.ok("UID SORT (REVERSE SUBJECT) UTF-8 UID 2:3"),
                         [b"* SORT 3 2"])
        c.ok("UID SEARCH RETURN (SAVE) UID 2")
        self.assertEqual(c.ok("UID SEARCH $"), [b"* SEARCH 2"])
        got = c.ok("UID FETCH $ (FLAGS)")
        self.assertTrue(got[0].startswith(b"* 2 UIDFETCH ("), got)
        got = c.ok("UID FETCH 2 (BINARY.SIZE[1] PREVIEW)")
        self.assertTrue(got[0].startswith(b"* 2 UIDFETCH ("), got)

    def test_numbers_keep_their_meaning(self):
        """RFC 7162, 3.2.10.2: also in UID SORT."""
        c = self.box_of(3)
        d = self.select_again()
        d.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        d.ok("EXPUNGE")
        got = c.ok("UID SORT (REVERSE SUBJECT) UTF-8 2:3")
        self.assertIn(b"* SORT 3 2", got)
        self.assertFalse([r for r in got if b"EXPUNGE" in r], got)
        got = c.ok("UID SORT (SUBJECT) UTF-8 UID 1:3")
        self.assertIn(b"* 1 EXPUNGE", got)

    def test_contexts_and_vanished(self):
        c = self.box_of(5)
        c.ok("ENABLE QRESYNC")
        c.ok("SEARCH RETURN (UPDATE) ALL")
        tag = b"a%d" % c.count
        d = self.select_again()
        d.ok("STORE 1:2 +FLAGS.SILENT (\\Deleted)")
        d.ok("EXPUNGE")
        got = [r for r in c.ok("NOOP")
               if b"VANISHED" in r or b"REMOVEFROM" in r]
        self.assertEqual(got, [
            b'* ESEARCH (TAG "%s") REMOVEFROM (0 1)' % tag, b"* VANISHED 1",
            b'* ESEARCH (TAG "%s") REMOVEFROM (0 1)' % tag, b"* VANISHED 2"])

    def test_unauthenticate(self):
        c = self.box_of(2)
        c.ok("ENABLE UTF8=ACCEPT")
        c.ok("SEARCH RETURN (SAVE UPDATE) ALL")
        self.assertEqual(c.ok("SEARCH $"), [b"* SEARCH 1 2"])
        c.ok("UNAUTHENTICATE")
        c.login()
        c.ok("SELECT " + self.box)
        self.assertEqual(c.ok("SEARCH $"), [b"* SEARCH"])
        c.ok("STORE 1 FLAGS.SILENT (\\Seen)")
        self.assertEqual(c.ok("NOOP"), [])
        self.assertNo(c.cmd("APPEND %s {18+}\r\nSubject: \xe4\r\n\r\nabc" %
                            self.box), "CANNOT")


if __name__ == "__main__":
    unittest.main()
