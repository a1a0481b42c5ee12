"""QUOTA, QUOTA=RES-STORAGE, QUOTA=RES-MESSAGE and QUOTASET (RFC 9208)."""

import unittest

from imap_client import Case, message


class Quota(Case):
    users = 5

    def setUp(self):
        super().setUp()
        r = self.server.ctl("user", "set", self.server.users[4], "--admin")
        self.assertEqual(r.returncode, 0, r.stderr)

    def user(self, i):
        return self.server.users[i].encode()

    def limit(self, i, *args):
        r = self.server.ctl("user", "set", self.server.users[i], *args)
        self.assertEqual(r.returncode, 0, r.stderr)

    def test_announced(self):
        got = self.login().ok("CAPABILITY")[0].split()
        for name in (b"QUOTA", b"QUOTA=RES-STORAGE", b"QUOTA=RES-MESSAGE"):
            self.assertIn(name, got)
        self.assertNotIn(b"QUOTASET", got)
        self.assertIn(b"QUOTASET", self.login(4).ok("CAPABILITY")[0].split())

    def test_own(self):
        c, me = self.login(1), self.user(1)
        self.assertEqual(c.ok(b"GETQUOTA " + me), [b"* QUOTA %s ()" % me])
        self.limit(1, "--quota", "10K", "--quota-messages", "1000")
        c.append(message("x", "y" * 2000 + "\r\n"))
        want = b"* QUOTA %s (STORAGE 3 10 MESSAGE 1 1000)" % me
        self.assertEqual(c.ok(b'GETQUOTA "%s"' % me), [want])
        self.assertEqual(c.ok("GETQUOTAROOT INBOX"),
                         [b"* QUOTAROOT INBOX " + me, want])
        self.assertEqual(c.ok('GETQUOTAROOT "not there"'),
                         [b'* QUOTAROOT "not there" ' + me, want])
        # the limits hold for a session that was there before
        got = c.cmd("APPEND INBOX {9000}")
        self.assertNo(got, "OVERQUOTA")

    def test_others(self):
        c, admin = self.login(0), self.login(4)
        for name in (self.user(2), b"nobody@example.test", b'""', b"x"):
            self.assertNo(c.cmd(b"GETQUOTA " + name), "NOPERM")
        self.assertEqual(admin.ok(b"GETQUOTA " + self.user(2)),
                         [b"* QUOTA %s ()" % self.user(2)])
        self.assertNo(admin.cmd(b"GETQUOTA nobody@example.test"),
                      "NONEXISTENT")
        self.assertNo(admin.cmd(b'GETQUOTA ""'), "NONEXISTENT")

    def test_setquota(self):
        admin, other = self.login(4), self.user(2)
        self.assertEqual(
            admin.ok(b"SETQUOTA %s (STORAGE 512 MESSAGE 3)" % other),
            [b"* QUOTA %s (STORAGE 0 512 MESSAGE 0 3)" % other])
        c = self.login(2)
        for _ in range(3):
            c.append(message())
        m = message()
        self.assertNo(c.cmd(b"APPEND INBOX {%d+}\r\n%s" % (len(m), m)),
                      "OVERQUOTA")
        c.ok("SELECT INBOX")
        self.assertNo(c.cmd("COPY 1 INBOX"), "OVERQUOTA")
        # what is not named is no longer limited
        self.assertEqual(admin.ok(b"SETQUOTA %s (storage 512)" % other),
                         [b"* QUOTA %s (STORAGE 1 512)" % other])
        c.append(message())
        self.assertEqual(admin.ok(b"SETQUOTA %s (MESSAGE 6)" % other),
                         [b"* QUOTA %s (MESSAGE 4 6)" % other])
        self.assertNo(c.cmd("COPY 1:3 INBOX"), "OVERQUOTA")
        self.assertOk(c.cmd("COPY 1:2 INBOX"))
        self.assertEqual(admin.ok(b"SETQUOTA %s ()" % other),
                         [b"* QUOTA %s ()" % other])
        self.assertNo(c.cmd(b"SETQUOTA %s ()" % other), "NOPERM")
        for bad in (b"(MAILBOX 5)", b"(STORAGE 0)", b"(FOO 1)",
                    b"(STORAGE 9223372036854775807)"):
            self.assertNo(admin.cmd(b"SETQUOTA %s %s" % (other, bad)),
                          "CANNOT")
        self.assertNo(admin.cmd(b"SETQUOTA nobody@example.test (STORAGE 1)"),
                      "NONEXISTENT")

    def test_grammar(self):
        c = self.login(4)
        for text in ("GETQUOTA", "GETQUOTA a b", "GETQUOTAROOT",
                     "GETQUOTAROOT a b", "SETQUOTA", "SETQUOTA a",
                     "SETQUOTA a STORAGE 1", "SETQUOTA a (STORAGE)",
                     "SETQUOTA a (STORAGE x)", "SETQUOTA a (STORAGE 1",
                     "SETQUOTA a (STORAGE 99999999999999999999999)"):
            self.assertBad(c.cmd(text))

    def test_deleted(self):
        c = self.select_new([message("a", "x" * 3000 + "\r\n"), message("b"),
                             message("c")])
        box = self.box.encode()
        c.ok("STORE 1:2 +FLAGS.SILENT (\\Deleted)")
        self.assertEqual(
            c.ok("STATUS %s (MESSAGES DELETED DELETED-STORAGE)" % self.box),
            [b"* STATUS %s (MESSAGES 3 DELETED 2 DELETED-STORAGE 3)" % box])
        c.ok("EXPUNGE")
        self.assertEqual(
            c.ok("STATUS %s (DELETED DELETED-STORAGE)" % self.box),
            [b"* STATUS %s (DELETED 0 DELETED-STORAGE 0)" % box])


if __name__ == "__main__":
    unittest.main()
