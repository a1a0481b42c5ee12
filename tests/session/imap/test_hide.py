"""Capabilities that the operator keeps from clients: imap.hide and blocks."""

import unittest

from imap_client import Case


def caps(untagged):
    return untagged[0].split()


class Hide(Case):
    settings = (
        "imap.hide=uidonly QRESYNC STATUS=SIZE",
        "hide.tls.listener=imaps",
        "hide.tls.capabilities=PREVIEW",
        "hide.second.user=user2@*",
        "hide.second.capabilities=THREAD=* WITHIN",
        "hide.mua.client=some?m*er other",
        "hide.mua.capabilities=SORT",
        "hide.both.user=user1@example.test",
        "hide.both.client=*both*",
        "hide.both.capabilities=BINARY",
    )

    def log_lines(self, name):
        return [line for line in self.server.log().splitlines()
                if " hide " in line and "name=" + name in line]

    def test_from_all(self):
        c = self.login()
        got = caps(c.ok("CAPABILITY"))
        for name in (b"UIDONLY", b"QRESYNC", b"STATUS=SIZE"):
            self.assertNotIn(name, got)
        for name in (b"CONDSTORE", b"LIST-STATUS", b"IMAP4rev1", b"PREVIEW",
                     b"WITHIN", b"SORT", b"BINARY"):
            self.assertIn(name, got)
        self.assertIn(b"SIZE", c.ok("STATUS INBOX (SIZE)")[0])

    def test_on_a_listener(self):
        got = caps(self.login(tls=True).ok("CAPABILITY"))
        self.assertNotIn(b"PREVIEW", got)
        self.assertIn(b"SORT", got)
        self.assertTrue(self.log_lines("tls"))

    def test_from_a_user(self):
        before = len(self.log_lines("second"))
        c = self.connect()
        _, tagged = c.cmd('LOGIN "%s" %s' % (
            self.server.users[1], self.server.password))
        self.assertNotIn(b"THREAD=", tagged)
        self.assertNotIn(b"WITHIN", tagged)
        self.assertIn(b"PREVIEW", tagged)
        c.ok("CAPABILITY")
        line, = self.log_lines("second")[before:]
        self.assertIn("user2@example.test", line)
        self.assertIn("WITHIN", line)

    def test_from_a_client(self):
        c = self.login()
        self.assertIn(b"SORT", caps(c.ok("CAPABILITY")))
        self.assertEqual(c.ok('ID ("name" "another")'),
                         [b'* ID ("name" "Postern")'])
        self.assertEqual(self.log_lines("mua"), [])
        got = c.ok('ID ("name" "Some Mailer" "version" "1")')
        self.assertEqual(len(got), 2)
        self.assertTrue(got[0].startswith(b"* CAPABILITY "))
        self.assertNotIn(b"SORT", caps(got))
        self.assertIn(b"SORT=DISPLAY", caps(got))
        self.assertNotIn(b"SORT", caps(c.ok("CAPABILITY")))
        # another name for it: they are back
        self.assertIn(b"SORT", caps(c.ok("ID NIL")))
        # told before the login
        c = self.connect()
        c.ok('ID ("name" "OTHER")')
        _, tagged = c.cmd('LOGIN "%s" %s' % (
            self.server.users[0], self.server.password))
        self.assertNotIn(b" SORT ", tagged)
        c.ok('ID ("name" "OTHER")')
        self.assertEqual(len(self.log_lines("mua")), 2)
        self.assertIn("OTHER", self.log_lines("mua")[1])

    def test_conditions_add_up(self):
        for user, name, hidden in ((0, "x both", True), (0, "x", False),
                                   (1, "x both", False)):
            c = self.connect()
            c.ok('ID ("name" "%s")' % name)
            c.login(user)
            self.assertEqual(b"BINARY" not in caps(c.ok("CAPABILITY")),
                             hidden)


if __name__ == "__main__":
    unittest.main()
