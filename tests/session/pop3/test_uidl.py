"""Unique ids: their form, and that they stay (RFC 1939, 7)."""

import os
import re
import tempfile
import unittest

from pop3_client import Case, Client, Server, imap_client, message
from postern import only_over


class Uidl(Case):
    users = 4

    def ids(self, user):
        with self.login(user) as c:
            got = [x.split()[1] for x in c.lines("UIDL")]
            c.quit()
        return got

    def test_form(self):
        user = self.fill(message("a"), message("b"))
        imap = self.imap(user)
        validity = [r for r in imap.ok("STATUS INBOX (UIDVALIDITY)")]
        validity = int(re.search(rb"UIDVALIDITY (\d+)", validity[0]).group(1))
        uids = [int(re.search(rb"UID (\d+)", r).group(1))
                for r in imap.ok("FETCH 1:* UID")]
        want = [b"%08x%08x" % (uid, validity) for uid in uids]
        self.assertEqual(self.ids(user), want)
        c = self.login(user)
        self.assertEqual(c.cmd("UIDL 2"), b"+OK 2 " + want[1])
        self.assertErr(c.cmd("UIDL 3"))
        self.assertErr(c.cmd("UIDL x"))
        c.quit()

    def test_no_id_is_used_twice(self):
        user = self.fill(message("a"), message("b"))
        before = self.ids(user)
        c = self.login(user)
        c.ok("DELE 1")
        c.ok("DELE 2")
        c.quit()
        with self.imap(user) as imap:
            imap.append(message("c"))
        self.assertNotIn(self.ids(user)[0], before)


class Stays(unittest.TestCase):
    def ids(self, server):
        with Client(server) as c:
            got = [x.split()[1] for x in c.login().lines("UIDL")]
            c.quit()
        return got

    def test_over_restarts_and_without_an_index(self):
        with Server() as server:
            with imap_client.Client(server) as c:
                c.login()
                for x in "abc":
                    c.append(message(x))
            before = self.ids(server)
            self.assertEqual(len(set(before)), 3)
            server.stop()
            server.start()
            self.assertEqual(self.ids(server), before)
            server.kill()
            server.start()
            self.assertEqual(self.ids(server), before)

    def test_ids_that_messages_brought(self):
        """They stay over restarts, beside our own, in any storage."""
        with Server() as server, tempfile.TemporaryDirectory() as dir:
            cur = os.path.join(dir, "cur")
            os.mkdir(cur)
            os.mkdir(os.path.join(dir, "new"))
            with open(os.path.join(dir, "dovecot-uidlist"), "w") as f:
                f.write("3 V77 N5001 G3085f01b7f11094c501100008c4a11c1\n")
                for uid in (3, 4, 5000):
                    name = "100000%04d.M1.host" % uid
                    with open(os.path.join(cur, name + ":2,"), "wb") as m:
                        m.write(message("m%d" % uid).replace(b"\r\n", b"\n"))
                    f.write("%d %s:%s\n" % (
                        uid, "" if uid == 4 else "Pid<%d> " % uid, name))
            p = server.ctl("import", server.users[0], "--from",
                           "dovecot:" + dir)
            self.assertEqual(p.returncode, 0, p.stderr)
            want = [b"id<3>", b"%08x%08x" % (4, 77), b"id<5000>"]
            self.assertEqual(self.ids(server), want)
            server.stop()
            server.start()
            self.assertEqual(self.ids(server), want)
            with imap_client.Client(server) as c:
                c.login()
                c.append(message("later"))
                c.ok("SELECT INBOX")
                c.ok("UID STORE 3 +FLAGS (\\Deleted)")
                c.ok("EXPUNGE")
            server.kill()
            server.start()
            got = self.ids(server)
            self.assertEqual(got[:2], want[1:])
            self.assertEqual(got[2:], [b"%08x%08x" % (5001, 77)])

    @only_over("maildir")
    def test_ids_of_another_server(self):
        """What stands in the mailbox's state file comes from a conversion."""
        with Server() as server:
            with imap_client.Client(server) as c:
                c.login()
                for x in "abcd":
                    c.append(message(x))
            made = self.ids(server)
            server.stop()
            folder = server.maildir(server.users[0])
            path = os.path.join(folder, "postern.state")
            with open(path) as f:
                text = f.read()
            validity = re.search(r"(?m)^uidvalidity (\d+)", text).group(1)
            kept = ("meta pop3/uidl/%s/a 3 other-3%%0A1 <first!>%%0A\n"
                    "meta pop3/uidl/%s/b 2 %s%%0Ax y%%0A4%%0A\n"
                    "meta pop3/uidl/9%s/a 4 of-another%%0A\n" % (
                        validity, validity, "x" * 71, validity))
            with open(path, "w") as f:
                f.write(text.replace("\nend\n", "\n" + kept + "end\n"))
            server.start()
            self.assertEqual(self.ids(server), [
                b"<first!>", made[1], b"other-3", made[3]])


if __name__ == "__main__":
    unittest.main()
