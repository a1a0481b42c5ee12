"""UNAUTHENTICATE (RFC 8437); capabilities that are hidden."""

import unittest

from imap_client import Case, message


class Unauthenticate(Case):
    def test_another_user_on_the_same_connection(self):
        c = self.select_new([message("a")])
        c.ok("STORE 1 +FLAGS (\\Deleted)")
        untagged, tagged = c.cmd("UNAUTHENTICATE")
        self.assertEqual(untagged, [])
        self.assertTrue(tagged.startswith(b"OK"))
        for text in ("NOOP", "CAPABILITY"):
            c.ok(text)
        for text in ("SELECT INBOX", "FETCH 1 FLAGS", "UNAUTHENTICATE"):
            self.assertBad(c.cmd(text))
        self.assertIn(b"AUTH=", c.ok("CAPABILITY")[0])
        c.login(1)
        self.assertNo(c.cmd("SELECT " + self.box), "NONEXISTENT")
        c.ok("UNAUTHENTICATE")
        c.login(0)
        got = c.ok("SELECT " + self.box)  # nothing was expunged
        self.assertIn(b"* 1 EXISTS", got)

    def test_extensions_are_off_again(self):
        """4.1"""
        c = self.login()
        c.ok("ENABLE QRESYNC UIDONLY")
        c.ok("UNAUTHENTICATE")
        c.login()
        c.ok("CREATE " + self.box)
        c.append(message("a"), self.box)
        c.ok("SELECT " + self.box)
        got = c.ok("STORE 1 FLAGS (\\Deleted)")
        self.assertTrue(got[0].startswith(b"* 1 FETCH (FLAGS ("), got)
        self.assertBad(c.cmd("SELECT %s (QRESYNC (1 1))" % self.box))
        self.assertEqual(c.ok("EXPUNGE"), [b"* 1 EXPUNGE"])

    def test_pipelined(self):
        c = self.login()
        c.send("x1 UNAUTHENTICATE\r\nx2 LOGIN %s %s\r\nx3 SELECT INBOX\r\n" % (
            self.server.users[1], self.server.password))
        for tag in ("x1", "x2", "x3"):
            self.assertOk(c.finish(tag))

    def test_announced_only_with_a_user(self):
        c = self.connect()
        self.assertNotIn(b"UNAUTHENTICATE", c.ok("CAPABILITY")[0])
        self.assertBad(c.cmd("UNAUTHENTICATE"))
        c.login()
        self.assertIn(b" UNAUTHENTICATE", c.ok("CAPABILITY")[0])
        self.assertBad(c.cmd("UNAUTHENTICATE now"))


if __name__ == "__main__":
    unittest.main()
