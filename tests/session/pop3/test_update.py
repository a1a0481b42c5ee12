"""The UPDATE state, and sessions of IMAP on the same mailbox meanwhile."""

import os
import subprocess
import unittest

from pop3_client import CRLF, Case, message
from postern import only_over


class Update(Case):
    users = 20

    def subjects(self, user):
        with self.login(user) as c:
            count = int(c.ok("STAT").split()[0])
            got = []
            for i in range(1, count + 1):
                text = c.get("TOP %d 0" % i)
                got.append(text.split(b"Subject: ")[1].split(CRLF)[0])
            c.quit()
        return got

    def flags(self, imap):
        return {int(r.split()[1]): r.split(b"FLAGS (")[1].split(b")")[0]
                for r in imap.ok("FETCH 1:* FLAGS")}

    def test_removes(self):
        user = self.fill(message("a"), message("b"), message("c"))
        c = self.login(user)
        c.ok("DELE 1")
        c.ok("DELE 3")
        c.quit()
        self.assertEqual(self.subjects(user), [b"b"])

    def test_nothing_without_quit(self):
        user = self.fill(message("a"), message("b"))
        c = self.login(user)
        c.ok("DELE 1")
        c.get("RETR 2")
        c.close()
        while b"IN-USE" in self.try_login(user):
            pass
        imap = self.imap(user)
        self.assertEqual(imap.ok("STATUS INBOX (MESSAGES UNSEEN)"),
                         [b"* STATUS INBOX (MESSAGES 2 UNSEEN 2)"])

    def try_login(self, user):
        with self.connect() as c:
            c.ok("USER " + self.server.users[user])
            got = c.cmd("PASS " + self.server.password)
            if got.startswith(b"+OK"):
                c.quit()
            return got

    def test_imap_sees_it(self):
        user = self.fill(message("a"), message("b"), message("c"))
        imap = self.imap(user)
        tag = imap.idle()
        c = self.login(user)
        c.ok("DELE 2")
        c.quit()
        self.assertEqual(imap.response(), b"* 2 EXPUNGE")
        imap.send("DONE\r\n")
        imap.finish(tag)

    def test_imap_is_not_locked_out(self):
        """What IMAP does meanwhile changes neither numbers nor totals."""
        user = self.fill(message("a"), message("b"), message("c"))
        c = self.login(user)
        listed, ids = c.lines("LIST"), c.lines("UIDL")
        imap = self.imap(user)
        imap.ok("STORE 1 +FLAGS (\\Deleted)")
        imap.ok("EXPUNGE")
        imap.append(message("d"))
        imap.ok("NOOP")
        self.assertEqual(c.lines("LIST"), listed)
        self.assertEqual(c.lines("UIDL"), ids)
        self.assertErr(c.cmd("RETR 1"))
        self.assertErr(c.cmd("TOP 1 0"))
        self.assertIn(b"Subject: b", c.get("RETR 2"))
        # That others removed it, too, is no error.
        c.ok("DELE 1")
        c.ok("DELE 2")
        self.assertOk(c.cmd("QUIT"))
        c.wait_closed()
        self.assertEqual(self.subjects(user), [b"c", b"d"])

    def test_messages_stay_recent(self):
        user = self.fill()
        with self.imap(user, box=None) as imap:
            imap.append(message("a"))
        c = self.login(user)
        c.get("TOP 1 0")
        c.quit()
        imap = self.imap(user, box=None)
        self.assertIn(b"* 1 RECENT", imap.ok("SELECT INBOX"))

    def test_seen(self):
        user = self.fill(message("a"), message("b"), message("c"))
        c = self.login(user)
        c.get("RETR 1")
        c.get("TOP 2 99")
        c.quit()
        flags = self.flags(self.imap(user))
        self.assertIn(b"\\Seen", flags[1])
        self.assertNotIn(b"\\Seen", flags[2])
        self.assertNotIn(b"\\Seen", flags[3])

    @only_over("maildir")
    def test_size_that_was_wrong(self):
        """A file that grew: the message is whole, if not of its size."""
        user = self.fill(message("a"))
        folder = self.server.maildir(self.server.users[user])
        name, = [os.path.join(d, x) for d in ("new", "cur")
                 for x in os.listdir(os.path.join(folder, d))]
        with open(os.path.join(folder, name), "ab") as f:
            f.write(b"grown\r\n")
        c = self.login(user)
        self.assertTrue(c.get("RETR 1").endswith(b"grown\r\n"))
        c.ok("NOOP")
        c.quit()

    @only_over("maildir")
    def test_what_cannot_be_removed(self):
        user = self.fill(message("a"), message("b"), message("c"))
        folder = self.server.maildir(self.server.users[user])
        names = sorted(os.path.join(folder, d, x) for d in ("new", "cur")
                       for x in os.listdir(os.path.join(folder, d)))
        c = self.login(user)
        c.ok("DELE 1")
        c.ok("DELE 2")
        if subprocess.run(["chattr", "+i", names[0]],
                          stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("no files here that cannot be removed")
        try:
            got = c.cmd("QUIT")
        finally:
            subprocess.run(["chattr", "-i", names[0]], check=True)
        self.assertErr(got, "SYS/TEMP")
        self.assertEqual(c.wait_closed(), b"")
        self.assertIn(b"a", self.subjects(user))
        self.assertIn(b"c", self.subjects(user))


class Flag(Case):
    users = 5
    settings = ("pop3.delete=flag", "pop3.mark_seen=false")

    def test_hides(self):
        user = self.fill(message("a"), message("b"), message("c"))
        c = self.login(user)
        ids = c.lines("UIDL")
        c.get("RETR 2")
        c.ok("DELE 2")
        c.quit()
        imap = self.imap(user)
        self.assertIn(b"$POP3Deleted", imap.ok("FETCH 2 FLAGS")[0])
        self.assertNotIn(b"\\Seen", imap.ok("FETCH 2 FLAGS")[0])
        self.assertNotIn(b"\\Deleted", imap.ok("FETCH 2 FLAGS")[0])
        self.assertNotIn(b"$POP3Deleted", imap.ok("FETCH 1 FLAGS")[0])
        c = self.login(user)
        self.assertEqual([x.split()[1] for x in c.lines("UIDL")],
                         [ids[0].split()[1], ids[2].split()[1]])
        self.assertIn(b"Subject: c", c.get("RETR 2"))
        c.quit()
        imap.ok("STORE 2 -FLAGS ($POP3Deleted)")
        self.assertEqual(self.login(user).lines("UIDL"), ids)


class SystemFlag(Case):
    settings = ("pop3.delete=flag", "pop3.deleted_flag=\\Deleted")

    def test_hides(self):
        user = self.fill(message("a"), message("b"))
        c = self.login(user)
        c.ok("DELE 1")
        c.quit()
        imap = self.imap(user)
        self.assertIn(b"\\Deleted", imap.ok("FETCH 1 FLAGS")[0])
        c = self.login(user)
        self.assertIn(b"Subject: b", c.get("RETR 1"))
        self.assertErr(c.cmd("RETR 2"))


class Most(Case):
    settings = ("pop3.messages=2",)

    def test_the_oldest(self):
        user = self.fill(message("a"), message("b"), message("c"))
        c = self.login(user)
        self.assertEqual(len(c.lines("LIST")), 2)
        self.assertIn(b"Subject: a", c.get("RETR 1"))
        self.assertErr(c.cmd("RETR 3"))
        c.ok("DELE 1")
        c.quit()
        c = self.login(user)
        self.assertIn(b"Subject: c", c.get("RETR 2"))


if __name__ == "__main__":
    unittest.main()
