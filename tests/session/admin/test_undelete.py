"""Messages that were expunged come back: posternctl undelete."""

import json
import os
import re
import shutil
import subprocess
import time
import unittest

from postern import STORAGE, Server, needs_undelete, only_over
from wire import imap

TEXT = "From: a@example.org\r\nSubject: %s\r\n\r\nhello %s\r\n"


@needs_undelete
class Undelete(unittest.TestCase):
    def setUp(self):
        self.server = Server(users=2).start()
        self.addCleanup(self.server.clean)
        self.addCleanup(self.server.stop)
        self.user = self.server.users[0]

    def ctl(self, *args, code=0):
        p = self.server.ctl(*args)
        self.assertEqual(p.returncode, code, p.stdout + p.stderr)
        return p.stdout + p.stderr

    def undelete(self, *args, code=0):
        return json.loads(self.ctl("undelete", self.user, *args, "--json",
                                   code=code))

    def kept(self, *args):
        return self.undelete("--list", *args)

    def open(self, box=None, user=None):
        c = imap(self.server, user or self.user)
        self.addCleanup(c.close)
        if box:
            self.ok(c, "SELECT " + box)
        return c

    def ok(self, c, command):
        c.say("t " + command)
        others = []
        while True:     # texts have empty lines
            line = c.file.readline().decode()
            self.assertNotEqual(line, "", others)
            line = line.rstrip("\r\n")
            if line.startswith("t "):
                break
            others.append(line)
        answer = line[2:]
        self.assertTrue(answer.startswith("OK"), answer)
        return others

    def append(self, c, box, word, flags=""):
        text = TEXT % (word, word)
        c.say('t APPEND %s (%s) "01-Feb-2020 10:20:30 +0000" {%d}' % (
            box, flags, len(text)))
        self.assertTrue(c.line().startswith("+"))
        c.say(text)
        line = c.line()
        while not line.startswith("t "):
            line = c.line()
        self.assertTrue(line.startswith("t OK"), line)
        return int(re.search(r"APPENDUID \d+ (\d+)", line).group(1))

    def expunge(self, c, uid):
        self.ok(c, "UID STORE %s +FLAGS.SILENT (\\Deleted)" % uid)
        self.ok(c, "UID EXPUNGE %s" % uid)

    def test_a_message_comes_back_as_it_was(self):
        c = self.open("INBOX")
        uid = self.append(c, "INBOX", "one", "\\Flagged $Word")
        self.append(c, "INBOX", "two")
        self.ok(c, "NOOP")
        what = "(FLAGS INTERNALDATE RFC822.SIZE EMAILID BODY.PEEK[])"
        before = "\n".join(self.ok(c, "UID FETCH %d %s" % (uid, what)))
        self.expunge(c, uid)
        used = json.loads(self.ctl("quota", "get", self.user, "--json"))
        self.assertEqual(used["messages"], 1)

        row, = self.kept()
        self.assertEqual(row["mailbox"], "INBOX")
        self.assertEqual(row["flags"], "\\Flagged $Word")
        self.assertEqual(row["date"], 1580552430)
        self.assertLess(abs(row["expunged"] - time.time()), 60)
        self.assertEqual(self.undelete("--dry-run"), [
            {"mailbox": "INBOX", "messages": 1, "size": row["size"]}])
        self.assertIn("1 message would come back",
                      self.ctl("undelete", self.user, "--dry-run"))
        self.assertEqual(self.ok(c, "NOOP"), [])

        other = self.open("INBOX")
        self.assertEqual(self.undelete()[0]["messages"], 1)
        for session in (c, other):
            self.assertIn("* 2 EXISTS", self.ok(session, "NOOP"))
        found = self.ok(c, "UID SEARCH HEADER Subject one")
        back = int(found[0].split()[2])
        self.assertGreater(back, uid + 1)
        after = "\n".join(self.ok(c, "UID FETCH %d %s" % (back, what)))
        for text in (before, after):
            self.assertNotIn("\\Deleted", text)
        cut = re.compile(r"\* \d+ FETCH|UID \d+ ?|\\Recent ?")
        self.assertEqual(cut.sub("", before), cut.sub("", after))
        self.assertEqual(self.kept(), [])
        self.assertIn("nothing", self.ctl("undelete", self.user))
        used = json.loads(self.ctl("quota", "get", self.user, "--json"))
        self.assertEqual(used["messages"], 2)
        self.assertIn(" undelete ", self.server.log())

    def test_a_deleted_mailbox_comes_back(self):
        c = self.open()
        self.ok(c, "CREATE Old")
        self.ok(c, "CREATE Old/Deep")
        for i in range(3):
            self.append(c, "Old/Deep", "deep%d" % i, "Odd")
        self.append(c, "Sent", "sent")
        self.ok(c, "SELECT Old/Deep")
        self.expunge(c, 2)
        self.ok(c, "UNSELECT")
        self.ok(c, "RENAME Old New")
        self.ok(c, "DELETE New/Deep")
        self.ok(c, "UNSUBSCRIBE New/Deep")
        self.ok(c, "DELETE Sent")
        self.assertEqual(sorted(r["mailbox"] for r in self.kept()),
                         ["New/Deep"] * 3 + ["Sent"])
        self.undelete()
        listed = "\n".join(self.ok(c, 'LIST "" * RETURN (SUBSCRIBED '
                                   'SPECIAL-USE)'))
        self.assertRegex(listed, r'(?m)\\Subscribed.* "?New/Deep"?$')
        self.assertRegex(listed, r'(?m)\\Sent.* "?Sent"?$')
        self.ok(c, "SELECT New/Deep")
        got = "\n".join(self.ok(c, "FETCH 1:* (FLAGS BODY.PEEK[])"))
        self.assertEqual(re.findall(r"hello (\w+)", got),
                         ["deep0", "deep1", "deep2"])
        self.assertEqual(got.count("Odd"), 3)

    def test_filters(self):
        c = self.open("INBOX")
        for word in ("a", "b"):
            self.expunge(c, self.append(c, "INBOX", word))
        self.append(c, "Junk", "c")
        self.ok(c, "SELECT Junk")
        self.expunge(c, 1)
        self.assertEqual(len(self.kept()), 3)
        self.assertEqual(len(self.kept("--mailbox", "inbox")), 2)
        self.assertEqual(self.kept("--mailbox", "Nowhere"), [])
        self.assertEqual(len(self.kept("--since", "1h")), 3)
        self.assertEqual(len(self.kept("--since", "2020-01-31 12:00")), 3)
        self.assertEqual(self.kept("--since", "2120-01-01"), [])
        for bad in ("soon", "2020-02-31", "3y", ""):
            self.ctl("undelete", self.user, "--since", bad, code=2)
        self.ctl("undelete", self.user, "--list", "--dry-run", code=2)
        self.ctl("undelete", self.user, "--purge", "--since", "1h", code=2)
        self.ctl("undelete", "nobody@example.test", code=3)
        one = self.kept("--mailbox", "INBOX")[1]["id"]
        self.assertEqual(self.undelete("--id", one)[0]["messages"], 1)
        self.ok(c, "SELECT INBOX")
        self.assertIn("hello b", "\n".join(self.ok(c, "FETCH 1:* BODY[]")))
        self.assertEqual(self.undelete("--mailbox", "Junk")[0]["mailbox"],
                         "Junk")
        self.assertEqual(len(self.kept()), 1)

    def test_move_keeps_nothing_replace_keeps_the_old(self):
        c = self.open("INBOX")
        self.append(c, "INBOX", "a")
        self.ok(c, "NOOP")
        self.ok(c, "MOVE 1 Trash")
        self.assertEqual(self.kept(), [])
        self.ok(c, "SELECT Trash")
        text = TEXT % ("new", "new")
        c.say("t REPLACE 1 Trash {%d}" % len(text))
        self.assertTrue(c.line().startswith("+"))
        c.say(text)
        while not c.line().startswith("t OK"):
            pass
        row, = self.kept()
        self.assertEqual(row["mailbox"], "Trash")
        self.undelete()
        got = "\n".join(self.ok(c, "NOOP") +
                        self.ok(c, "FETCH 1:* BODY.PEEK[TEXT]"))
        self.assertIn("hello a", got)
        self.assertIn("hello new", got)

    def test_purge_and_hold(self):
        c = self.open("INBOX")
        self.expunge(c, self.append(c, "INBOX", "a"))
        self.ctl("user", "hold", self.user, "on")
        self.assertTrue(json.loads(self.ctl(
            "user", "show", self.user, "--json"))["on_hold"])
        self.assertIn("on hold", self.ctl("undelete", self.user, "--purge",
                                          code=1))
        self.assertIn("on hold", self.ctl("user", "delete", self.user,
                                          code=1))
        self.assertEqual(len(self.kept()), 1)
        self.ctl("user", "hold", self.user, "maybe", code=2)
        self.ctl("user", "hold", self.user, "off")
        self.assertEqual(self.undelete("--purge")[0]["messages"], 1)
        self.assertEqual(self.kept(), [])
        if STORAGE == "maildir":
            folder = os.path.join(self.server.maildir(self.user),
                                  "postern.kept")
            self.assertEqual([f for _, _, files in os.walk(folder)
                              for f in files if "S=" in f], [])

    @only_over("maildir")
    def test_what_cannot_be_removed(self):
        """It is told, and neither in the others' way nor tried for ever."""
        c = self.open("INBOX")
        self.expunge(c, self.append(c, "INBOX", "a"))
        folder = os.path.join(self.server.maildir(self.user), "postern.kept")
        (cur, name), = [(d, f) for d, _, files in os.walk(folder)
                        for f in files if "S=" in f]
        fixed = [os.path.join(cur, "1.%d." % i + name.split(".", 1)[1])
                 for i in range(1001)]
        for path in fixed:
            shutil.copy(os.path.join(cur, name), path)
        self.addCleanup(subprocess.run, ["chattr", "-R", "-i", cur],
                        capture_output=True)
        if shutil.which("chattr") is None or subprocess.run(
                ["chattr", "+i", *fixed], capture_output=True).returncode:
            self.skipTest("no file can be made immutable here")
        self.assertIn("remove kept messages", self.ctl(
            "undelete", self.user, "--purge", code=1))
        self.assertEqual(sorted(os.listdir(cur)), sorted(
            os.path.basename(path) for path in fixed))

    def test_kept_mail_is_there_after_a_crash_and_invisible_to_others(self):
        c = self.open("INBOX")
        for i in range(20):
            self.append(c, "INBOX", "w%d" % i)
        self.ok(c, "UID STORE 1:20 +FLAGS.SILENT (\\Deleted)")
        self.ok(c, "EXPUNGE")
        self.server.kill()
        self.server.start()
        self.assertEqual(len(self.kept()), 20)
        if STORAGE == "maildir":
            self.assertFalse([n for n in os.listdir(
                self.server.maildir(self.user)) if n.startswith(".")
                and "kept" in n])
        names = json.loads(self.ctl("mailbox", "list", self.user, "--json"))
        self.assertFalse([n for n in names if "kept" in n["name"]])
        self.undelete()
        c = self.open("INBOX")
        got = "\n".join(self.ok(c, "FETCH 1:* BODY.PEEK[TEXT]"))
        self.assertEqual(re.findall(r"hello w(\d+)", got),
                         [str(i) for i in range(20)])

    def test_nothing_is_kept_unless_configured(self):
        with Server(users=1, set=["undelete.keep=0"]) as s:
            self.server, u = s, s.users[0]
            self.user = u
            c = self.open("INBOX")
            self.expunge(c, self.append(c, "INBOX", "a"))
            self.assertEqual(self.kept(), [])
            # but of users on hold
            self.ctl("user", "hold", u, "on")
            self.expunge(c, self.append(c, "INBOX", "b"))
            self.assertEqual(len(self.kept()), 1)


if __name__ == "__main__":
    unittest.main()
