"""UIDONLY (RFC 9586)."""

import re
import unittest

from imap_client import Case, message


class Uidonly(Case):
    def start(self, n):
        c = self.login()
        c.ok("CREATE " + self.box)
        for i in range(n + 1):
            c.append(message("m%d" % i), self.box)
        c.ok("SELECT " + self.box)
        c.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        c.ok("EXPUNGE")  # numbers and uids differ
        c.ok("UNSELECT")
        self.assertEqual(c.ok("ENABLE UIDONLY"), [b"* ENABLED UIDONLY"])
        self.opened = c.ok("SELECT " + self.box)
        return c

    def test_announced(self):
        self.assertIn(b" UIDONLY", self.login().ok("CAPABILITY")[0])

    def test_no_numbers_in_select(self):
        self.start(2)
        self.assertIn(b"* 2 EXISTS", self.opened)
        self.assertNotIn(b"UNSEEN", b"".join(self.opened))

    def test_numbers_are_refused(self):
        c = self.start(2)
        for text in ("FETCH 1 FLAGS", "STORE 1 FLAGS ()", "COPY 1 INBOX",
                     "MOVE 1 INBOX", "SEARCH ALL", "UID SEARCH 1",
                     "UID SEARCH OR SEEN (1:* UNSEEN)"):
            got = c.cmd(text)
            self.assertBad(got)
            self.assertTrue(got[1].startswith(b"BAD [UIDREQUIRED] "), got)
            c.ok("NOOP")

    def test_fetch(self):
        c = self.start(2)
        self.assertEqual(
            c.ok("UID FETCH 1:* (FLAGS)")[0].split()[:3],
            [b"*", b"2", b"UIDFETCH"])
        self.assertEqual(c.ok("UID FETCH 3 (UID RFC822.SIZE)")[0][:24],
                         b"* 3 UIDFETCH (UID 3 RFC8")
        got = c.ok("UID FETCH 3 BODY[TEXT]")
        self.assertRegex(got[0], rb"^\* 3 UIDFETCH \(FLAGS \(\\Seen.*\) BODY")

    def test_store_and_unsolicited(self):
        c = self.start(3)
        other = self.select_again()
        self.assertRegex(c.ok("UID STORE 3 +FLAGS (\\Seen)")[0],
                         rb"^\* 3 UIDFETCH \(FLAGS \(\\Seen.*\)\)$")
        other.ok("STORE 3 +FLAGS (\\Flagged)")
        self.assertTrue(any(re.match(rb"\* 4 UIDFETCH \(FLAGS", r)
                            for r in c.ok("NOOP")))
        got = c.cmd("UID STORE 2:4 (UNCHANGEDSINCE 1) +FLAGS.SILENT (\\Draft)")
        self.assertOk(got, "MODIFIED 2:4]")
        self.assertTrue(any(
            re.match(rb"\* 2 UIDFETCH \(MODSEQ \(\d+\) FLAGS \(", r)
            for r in got[0]), got)

    def test_vanished(self):
        c = self.start(4)
        other = self.select_again()
        c.ok("UID STORE 2,4 +FLAGS.SILENT (\\Deleted)")
        self.assertEqual(c.ok("UID EXPUNGE 2"), [b"* VANISHED 2"])
        self.assertEqual(c.ok("EXPUNGE"), [b"* VANISHED 4"])
        got = c.ok("UID MOVE 3 INBOX")
        self.assertEqual(got[1:], [b"* VANISHED 3"])
        other.ok("NOOP")
        other.ok("STORE 1 +FLAGS (\\Deleted)")
        other.ok("EXPUNGE")
        self.assertIn(b"* VANISHED 5", c.ok("NOOP"))

    def test_search(self):
        c = self.start(3)
        self.assertEqual(c.ok("UID SEARCH UID 3:* UNSEEN"), [b"* SEARCH 3 4"])

    def test_with_qresync(self):
        c = self.start(3)
        validity = int(re.search(rb"UIDVALIDITY (\d+)",
                                 b"".join(self.opened)).group(1))
        c.ok("UNSELECT")
        c.ok("ENABLE QRESYNC")
        got = c.ok("SELECT %s (QRESYNC (%d 1 1:4))" % (self.box, validity))
        self.assertTrue(any(re.match(rb"\* VANISHED \(EARLIER\) 1$", r)
                            for r in got), got)
        self.assertEqual(
            [r.split()[1] for r in got if b"UIDFETCH (MODSEQ" in r],
            [b"2", b"3", b"4"])
        got = c.cmd("SELECT %s (QRESYNC (%d 1 1:4 (1 2)))" % (
            self.box, validity))
        self.assertTrue(got[1].startswith(b"BAD [UIDREQUIRED]"), got)


if __name__ == "__main__":
    unittest.main()
