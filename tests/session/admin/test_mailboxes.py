"""posternctl mailbox and quota: listing, making, renaming, checking, mending
while sessions go on."""

import json
import os
import re
import unittest

from postern import Server, only_over
from wire import imap, request


def append(c, box, text, flags=""):
    c.say("a APPEND %s (%s) {%d}" % (box, flags, len(text)))
    c.line()
    c.say(text)
    answer = c.line()
    while not answer.startswith("a "):
        answer = c.line()
    assert answer.startswith("a OK"), answer


TEXT = "From: a@example.org\r\nSubject: x\r\n\r\nhello\r\n"


class Mailboxes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(users=4).start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.clean()

    def ctl(self, *args, code=0):
        p = self.server.ctl(*args)
        self.assertEqual(p.returncode, code, p.stdout + p.stderr)
        return p.stdout + p.stderr

    def rows(self, *args, code=0):
        return json.loads(self.ctl(*args, "--json", code=code))

    def names(self, user):
        return {r["name"]: r for r in self.rows("mailbox", "list", user)}

    def open(self, user):
        c = imap(self.server, user)
        self.addCleanup(c.close)
        return c

    def test_list_create_rename_delete(self):
        u = self.server.users[0]
        self.assertEqual(self.names(u)["Sent"]["special_use"], "\\Sent")
        self.ctl("mailbox", "create", u, "Work")
        self.ctl("mailbox", "create", u, "Work/2026", "--special-use",
                 "archive", "--no-subscribe")
        got = self.names(u)
        self.assertTrue(got["Work"]["subscribed"])
        self.assertFalse(got["Work/2026"]["subscribed"])
        self.assertEqual(got["Work/2026"]["special_use"], "\\Archive")
        self.assertIn("already", self.ctl("mailbox", "create", u, "Work",
                                          code=4))
        self.assertIn("special use", self.ctl(
            "mailbox", "create", u, "X", "--special-use", "odd", code=2))
        self.ctl("mailbox", "create", u, "a//b", code=2)
        self.ctl("mailbox", "create", u, "inbox", code=4)

        self.ctl("mailbox", "rename", u, "Work", "Job")
        got = self.names(u)
        self.assertNotIn("Work", got)
        self.assertTrue(got["Job"]["subscribed"])
        self.assertIn("Job/2026", got)
        self.ctl("mailbox", "rename", u, "Work", "Else", code=3)
        self.ctl("mailbox", "rename", u, "Job", "Sent", code=4)
        self.ctl("mailbox", "delete", u, "Job/2026")
        self.ctl("mailbox", "delete", u, "Job")
        self.assertNotIn("Job", self.names(u))
        self.ctl("mailbox", "delete", u, "Job", code=3)
        self.assertIn("always there",
                      self.ctl("mailbox", "delete", u, "INBOX", code=1))
        self.ctl("mailbox", "list", "nobody@example.test", code=3)

    def test_a_session_sees_that_its_mailbox_goes(self):
        u = self.server.users[0]
        self.ctl("mailbox", "create", u, "Gone")
        c = self.open(u)
        self.assertTrue(c.ask("1", "SELECT Gone")[0].startswith("OK"))
        self.ctl("mailbox", "delete", u, "Gone")
        answer, _ = c.ask("2", "FETCH 1:* FLAGS")
        self.assertFalse(answer.startswith("OK"), answer)

    def test_status(self):
        u = self.server.users[1]
        c = self.open(u)
        append(c, "INBOX", TEXT)
        append(c, "INBOX", TEXT, "\\Seen \\Deleted")
        row, = self.rows("mailbox", "status", u, "inbox")
        self.assertEqual(
            (row["messages"], row["unseen"], row["deleted"], row["size"],
             row["uidnext"]), (2, 1, 1, 2 * len(TEXT), 3))
        self.assertEqual({r["name"] for r in
                          self.rows("mailbox", "status", u)},
                         set(self.names(u)))
        self.assertIn("UIDVALIDITY", self.ctl("mailbox", "status", u))
        self.ctl("mailbox", "status", u, "nope", code=3)

    def test_quota(self):
        u = self.server.users[1]
        c = self.open(u)
        self.ctl("quota", "set", u, "100", "7")
        got = self.rows("quota", "get", u)
        self.assertEqual((got["limit_bytes"], got["limit_messages"]), (100, 7))
        # it holds at once, for those too that are logged in
        c.say("b APPEND INBOX {200}")
        line = c.line()
        if line.startswith("+"):
            c.say("x" * 200)
            line = c.line()
        self.assertIn("OVERQUOTA", line)
        self.ctl("quota", "set", u, "default")
        got = self.rows("quota", "get", u)
        self.assertEqual((got["limit_bytes"], got["limit_messages"]), (0, 7))
        self.ctl("quota", "set", u, "none", "none")
        self.ctl("quota", "set", u, "much", code=2)
        self.ctl("quota", "set", u, "1M", "-5", code=2)
        self.ctl("quota", "set", "nobody@example.test", "1M", code=3)
        before = self.rows("quota", "get", u)
        again = self.rows("quota", "recount", u)
        self.assertEqual(before, again)
        self.assertIn("messages", self.ctl("quota", "get", u))

    @only_over("maildir")
    def test_recount_sees_what_a_program_did_unseen(self):
        """A file that was changed in place: no folder's time tells."""
        u = self.server.users[3]
        c = self.open(u)
        append(c, "INBOX", TEXT)
        self.rows("quota", "get", u)
        path = os.path.join(self.server.maildir(u), "new")
        name, = os.listdir(path)
        st = os.stat(path)
        os.rename(os.path.join(path, name), os.path.join(
            path, re.sub("W=[0-9]+", "W=12345", name)))
        os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns))
        self.assertEqual(self.rows("quota", "recount", u)["bytes"], 12345)

    def damage(self, user):
        """A mailbox with one of everything. Its folder."""
        self.ctl("mailbox", "create", user, "Bad")
        c = self.open(user)
        for i in range(4):
            append(c, "Bad", TEXT, "\\Flagged word")
        folder = os.path.join(self.server.maildir(user), ".Bad")
        cur = os.path.join(folder, "cur")
        name = sorted(os.listdir(cur), key=lambda n: int(
            re.search("U=([0-9]+)", n).group(1)))
        with open(os.path.join(cur, name[0]), "a") as f:
            f.write("more\n")
        os.rename(os.path.join(cur, name[1]), os.path.join(
            cur, name[1].replace("U=2", "U=99")))
        os.rename(os.path.join(cur, name[2]), os.path.join(
            cur, name[2].replace("U=3", "U=4")))
        os.mkdir(os.path.join(cur, "folder"))
        old = os.path.join(folder, "tmp", "old")
        with open(old, "w") as f:
            f.write("x")
        os.utime(old, (1, 1))
        return c, folder

    @only_over("maildir")
    def test_fsck_finds_and_mends(self):
        u = self.server.users[2]
        self.assertIn("0 problems", self.ctl("mailbox", "fsck", u))
        c, folder = self.damage(u)
        kinds = ["no-file", "size", "temporary", "uid-high", "uid-twice"]
        for _ in range(2):      # looking changes nothing
            found = self.rows("mailbox", "fsck", u, "Bad", code=1)
            self.assertEqual(sorted(f["kind"] for f in found), kinds)
            self.assertFalse(any(f["repaired"] for f in found))
        self.assertTrue(c.ask("1", "SELECT Bad")[0].startswith("OK"))
        with open(os.path.join(folder, "postern.state"), "w") as f:
            f.write("rubbish")
        found = {f["kind"]: f["repaired"] for f in self.rows(
            "mailbox", "fsck", u, "Bad", "--repair", code=1)}
        self.assertTrue(found["state"])
        self.assertTrue(found["size"])
        self.assertTrue(found["temporary"])
        self.assertFalse(found["no-file"])
        os.rmdir(os.path.join(folder, "cur", "folder"))
        self.assertIn("0 problems", self.ctl("mailbox", "fsck", u, "Bad"))
        # the session sees all four, and no uid stands for another content
        c.ask("2", "NOOP")
        _, got = c.ask("3", "FETCH 1:* (UID FLAGS RFC822.SIZE)")
        self.assertEqual(len(got), 4)
        uids = []
        for line in got:
            self.assertIn("\\Flagged", line)
            self.assertIn("word", line)
            uid = int(re.search("UID ([0-9]+)", line).group(1))
            self.assertNotEqual(uid, 1)
            uids.append(uid)
        self.assertEqual(len(set(uids)), 4)
        sizes = sorted(int(re.search("SIZE ([0-9]+)", g).group(1))
                       for g in got)
        self.assertEqual(sizes, [len(TEXT)] * 3 + [len(TEXT) + 6])

    @only_over("maildir")
    def test_fsck_takes_keywords_back_from_a_damaged_state(self):
        with Server(users=1) as s:
            u = s.users[0]
            c = imap(s, u)
            append(c, "INBOX", TEXT, "$Later")
            c.close()
            s.stop()
            path = os.path.join(s.maildir(u), "postern.state")
            with open(path) as f:
                text = f.read()
            with open(path, "w") as f:
                f.write(text.replace("end\n", ""))
            s.start()
            c = imap(s, u)
            c.ask("1", "SELECT INBOX")
            _, got = c.ask("2", "FETCH 1 FLAGS")
            self.assertNotIn("$Later", got[0])
            p = s.ctl("mailbox", "fsck", u, "INBOX", "--repair", "--json")
            self.assertEqual(p.returncode, 0, p.stdout + p.stderr)
            self.assertEqual([(f["kind"], f["repaired"])
                              for f in json.loads(p.stdout)],
                             [("state-lost", True)])
            c.ask("3", "NOOP")
            _, got = c.ask("4", "FETCH 1 FLAGS")
            self.assertIn("$Later", got[-1])
            c.close()
            self.assertFalse(os.path.exists(path + ".damaged"))

    def test_bad_requests(self):
        for members in ({"request": "mailbox-create",
                         "address": self.server.users[0]},
                        {"request": "mailbox-list"},
                        {"request": "mailbox-list", "address": 5},
                        {"request": "quota-set",
                         "address": self.server.users[0], "bytes": -7},
                        {"request": "quota-set",
                         "address": self.server.users[0], "bytes": "1"}):
            self.assertEqual(request(self.server, **members)[-1]["code"],
                             "syntax", members)


if __name__ == "__main__":
    unittest.main()
