"""STATUS=SIZE (RFC 8438), LIST-STATUS (RFC 5819), SAVEDATE (RFC 8514),
OBJECTID (RFC 8474)."""

import re
import time
import unittest

from imap_client import Case, message

ID = rb"[A-Za-z0-9_-]{1,255}"


class Status(Case):
    def test_announced(self):
        caps = self.login().ok("CAPABILITY")[0].split()
        for name in (b"STATUS=SIZE", b"LIST-STATUS", b"SAVEDATE", b"OBJECTID"):
            self.assertIn(name, caps)

    def test_size(self):
        c = self.select_new([message("a"), message("b", "x" * 999)])
        sizes = [int(re.search(rb"SIZE (\d+)", r).group(1))
                 for r in c.ok("FETCH 1:* RFC822.SIZE")]
        self.assertEqual(
            c.ok("STATUS %s (SIZE MESSAGES)" % self.box),
            [b"* STATUS %s (MESSAGES 2 SIZE %d)" % (
                self.box.encode(), sum(sizes))])

    def test_deleted(self):
        c = self.select_new([message("a"), message("b")])
        c.ok("STORE 1 +FLAGS (\\Deleted)")
        self.assertIn(b"(DELETED 1)",
                      c.ok("STATUS %s (DELETED)" % self.box)[0])

    def test_list_status(self):
        c = self.select_new([message("a")])
        box = self.box.encode()
        c.ok("CREATE %s/sub/deep" % self.box)
        got = c.ok('LIST "" %s* RETURN (STATUS (MESSAGES UNSEEN))' % self.box)
        self.assertEqual(
            [r for r in got if b"STATUS" in r],
            [b"* STATUS %s (MESSAGES 1 UNSEEN 1)" % box,
             b"* STATUS %s/sub/deep (MESSAGES 0 UNSEEN 0)" % box])
        # Behind its own LIST response; none for what is no mailbox.
        self.assertEqual([r.split()[1] for r in got],
                         [b"LIST", b"STATUS", b"LIST", b"LIST", b"STATUS"])

    def test_list_status_with_other_options(self):
        c = self.select_new()
        c.ok("CREATE %s/sub" % self.box)
        c.ok("SUBSCRIBE %s/sub" % self.box)
        got = c.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" %s RETURN '
                   '(CHILDREN STATUS (MESSAGES))' % self.box)
        # Listed for its child alone (RFC 5819, 3).
        self.assertEqual(len(got), 1)
        self.assertIn(b"CHILDINFO", got[0])
        got = c.ok('LIST (SUBSCRIBED) "" "*" RETURN (STATUS (SIZE) SUBSCRIBED)')
        self.assertIn(b"* STATUS %s/sub (SIZE 0)" % self.box.encode(), got)
        got = c.ok('LIST "" "*" RETURN (STATUS (HIGHESTMODSEQ))')
        self.assertTrue(got[0].startswith(b"* OK [HIGHESTMODSEQ "), got)

    def test_list_status_errors(self):
        c = self.login()
        for text in ("(STATUS)", "(STATUS ())", "(STATUS (FOO))",
                     "(STATUS (MESSAGES)", "(STATUS MESSAGES)"):
            self.assertBad(c.cmd('LIST "" * RETURN %s' % text))
            c.ok("NOOP")
        self.assertBad(c.cmd('LIST (STATUS (MESSAGES)) "" *'))


class SaveDate(Case):
    def test_fetch(self):
        before = int(time.time())
        c = self.select_new()
        c.append(message(), self.box, '"17-Jul-1996 02:44:25 -0700"')
        got = c.ok("FETCH 1 (SAVEDATE INTERNALDATE)")[0]
        m = re.search(rb'SAVEDATE "([ \d]\d-\w{3}-\d{4} [\d:]{8}) \+0000"', got)
        self.assertTrue(m, got)
        day = time.strptime(m.group(1).decode().strip(), "%d-%b-%Y %H:%M:%S")
        self.assertGreaterEqual(__import__("calendar").timegm(day), before - 1)
        self.assertIn(b"17-Jul-1996", got)

    def test_copy_is_saved_anew(self):
        c = self.select_new()
        c.append(message(), self.box, '"17-Jul-1996 02:44:25 -0700"')
        first = c.ok("FETCH 1 SAVEDATE")[0]
        time.sleep(1.1)
        c.ok("COPY 1 " + self.box)
        self.assertNotEqual(c.ok("FETCH 2 SAVEDATE")[0][4:], first[4:])
        self.assertIn(b"17-Jul-1996", c.ok("FETCH 2 INTERNALDATE")[0])

    def test_search(self):
        c = self.select_new()
        c.append(message(), self.box, '"17-Jul-1996 02:44:25 -0700"')
        c.append(message(), self.box)
        day = re.search(rb'"\s*(\d+-\w+-\d+)',
                        c.ok("FETCH 1 SAVEDATE")[0]).group(1).decode()
        for text, want in (("SAVEDATESUPPORTED", b" 1 2"),
                           ("SAVEDON " + day, b" 1 2"),
                           ("SAVEDSINCE " + day, b" 1 2"),
                           ("SAVEDBEFORE " + day, b""),
                           ("SAVEDON 17-Jul-1996", b""),
                           ("ON 17-Jul-1996 SAVEDSINCE 18-Jul-1996", b" 1"),
                           ("NOT SAVEDATESUPPORTED", b"")):
            self.assertEqual(c.ok("SEARCH " + text), [b"* SEARCH" + want],
                             text)
        for text in ("SAVEDON", "SAVEDSINCE x", "SAVEDATESUPPORTED 1-Feb-1994"):
            self.assertBad(c.cmd("SEARCH " + text))


class ObjectId(Case):
    def mailbox_id(self, got):
        m = re.search(rb"MAILBOXID \((" + ID + rb")\)", b"".join(got))
        self.assertTrue(m, got)
        return m.group(1)

    def test_mailboxid(self):
        """RFC 8474, 4"""
        c = self.login()
        untagged, tagged = c.cmd("CREATE " + self.box)
        one = self.mailbox_id([tagged])
        self.assertEqual(self.mailbox_id(c.ok("SELECT " + self.box)), one)
        self.assertEqual(self.mailbox_id(c.ok("EXAMINE " + self.box)), one)
        self.assertEqual(
            c.ok("STATUS %s (MAILBOXID)" % self.box),
            [b"* STATUS %s (MAILBOXID (%s))" % (self.box.encode(), one)])
        c.ok("UNSELECT")
        two = self.mailbox_id([c.cmd("CREATE %s-2" % self.box)[1]])
        self.assertNotEqual(one, two)
        c.ok("RENAME %s %s-3" % (self.box, self.box))
        self.assertEqual(
            self.mailbox_id(c.ok("STATUS %s-3 (MAILBOXID)" % self.box)), one)
        c.ok("DELETE %s-3" % self.box)
        again = self.mailbox_id([c.cmd("CREATE %s-3" % self.box)[1]])
        self.assertNotIn(again, (one, two))
        got = c.ok('LIST "" %s* RETURN (STATUS (MAILBOXID))' % self.box)
        self.assertEqual(
            {self.mailbox_id([r]) for r in got if b"STATUS" in r},
            {two, again})
        self.assertNotIn(b"MAILBOXID", c.cmd("CREATE %s-3" % self.box)[1])

    def emailids(self, c):
        return [re.match(rb"\* \d+ FETCH \(EMAILID \((" + ID + rb")\) "
                         rb"THREADID \(T[0-9a-f]{16}\)\)$", r).group(1)
                for r in c.ok("FETCH 1:* (EMAILID THREADID)")]

    def test_emailid(self):
        """RFC 8474, 5"""
        c = self.select_new([message("a"), message("b"), message("c")])
        first = self.emailids(c)
        self.assertEqual(len(set(first)), 3)
        c.ok("CREATE %s-2" % self.box)
        c.ok("COPY 1 %s-2" % self.box)
        c.ok("MOVE 2 %s-2" % self.box)
        c.ok("STORE 1 +FLAGS (\\Seen)")
        self.assertEqual(self.emailids(c), [first[0], first[2]])
        c.ok("SELECT %s-2" % self.box)
        self.assertEqual(self.emailids(c), first[:2])

    def test_search(self):
        """RFC 8474, 6"""
        c = self.select_new([message("a"), message("b")])
        ids = self.emailids(c)
        self.assertEqual(c.ok("SEARCH EMAILID " + ids[1].decode()),
                         [b"* SEARCH 2"])
        self.assertEqual(c.ok("SEARCH OR EMAILID %s EMAILID Mnone" %
                              ids[0].decode()), [b"* SEARCH 1"])
        self.assertEqual(c.ok("SEARCH EMAILID " + ids[1].swapcase().decode()),
                         [b"* SEARCH"])
        self.assertEqual(c.ok("SEARCH THREADID Tx"), [b"* SEARCH"])
        self.assertBad(c.cmd("SEARCH EMAILID"))
        self.assertBad(c.cmd("SEARCH THREADID"))


if __name__ == "__main__":
    unittest.main()
