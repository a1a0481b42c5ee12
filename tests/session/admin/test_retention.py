"""Rules of retention, the timer that applies them, and what it removes for
good of kept messages."""
# Takes long.

import json
import os
import re
import tempfile
import time
import unittest

from postern import SLOW, STORAGE, Server, needs_undelete, only_over
from wire import POSTERND, imap, run, wait_for

TEXT = "From: a@example.org\r\nSubject: %s\r\n\r\nhello %s\r\n"


class Retention(unittest.TestCase):
    def start(self, *set, users=2):
        self.server = Server(users=users, set=set).start()
        self.addCleanup(self.server.clean)
        self.addCleanup(self.server.stop)
        self.user = self.server.users[0]

    def ctl(self, *args, code=0):
        p = self.server.ctl(*args)
        self.assertEqual(p.returncode, code, p.stdout + p.stderr)
        return p.stdout + p.stderr

    def rows(self, *args):
        return json.loads(self.ctl(*args, "--json"))

    def run_rules(self, *args):
        return [(r["mailbox"], r["rule"], r["messages"])
                for r in self.rows("retention", "run", *args)]

    def kept(self, user=None):
        return self.rows("undelete", user or self.user, "--list")

    def open(self, box=None, user=None):
        c = imap(self.server, user or self.user)
        self.addCleanup(c.close)
        if box:
            self.ok(c, "SELECT " + box)
        return c

    def ok(self, c, command):
        answer, others = c.ask("t", command)
        self.assertTrue(answer.startswith("OK"), answer)
        return others

    def append(self, c, box, *words):
        for word in words:
            text = TEXT % (word, word)
            c.say("t APPEND %s {%d}" % (box, len(text)))
            self.assertTrue(c.line().startswith("+"))
            c.say(text)
            line = c.line()
            while not line.startswith("t "):
                line = c.line()
            self.assertTrue(line.startswith("t OK"), line)

    def count(self, box, user=None):
        row, = self.rows("mailbox", "status", user or self.user, box)
        return row["messages"]

    def make_old(self, box, days, uids):
        """The server is stopped meanwhile."""
        self.server.stop()
        folder = os.path.join(self.server.maildir(self.user),
                              "" if box == "INBOX" else "." + box)
        then = int(time.time()) - days * 86400 - 60
        for sub in ("new", "cur"):
            for name in os.listdir(os.path.join(folder, sub)):
                uid = int(re.search(",U=([0-9]+)", name).group(1))
                if uid in uids:
                    os.rename(os.path.join(folder, sub, name), os.path.join(
                        folder, sub, name.replace(
                            ",U=", ",D=%d,U=" % then)))
        self.server.start()

    @only_over("maildir")
    def test_by_age(self):
        self.start("retention.trash.special_use=\\Trash",
                   "retention.trash.age=30d",
                   "retention.work.mailbox=Work/*", "retention.work.age=7d",
                   "retention.work.undelete=false", "upkeep.interval=1h")
        c = self.open()
        self.ok(c, "CREATE Work")
        self.ok(c, "CREATE Work/Deep/er")
        for box in ("Trash", "Work", "Work/Deep/er", "INBOX"):
            self.append(c, box, "a", "b", "c")
        c.close()
        self.assertEqual(self.run_rules("--dry-run"), [])
        self.make_old("Trash", 31, (1, 2))
        self.make_old("Work", 31, (1, 2, 3))
        self.make_old("Work.Deep.er", 8, (2,))
        self.make_old("INBOX", 3000, (1, 2, 3))
        want = [("Trash", "trash", 2), ("Work/Deep/er", "work", 1)]
        for args in (("--dry-run",), (self.user, "--dry-run")):
            self.assertEqual(self.run_rules(*args), want)
        self.assertIn("3 messages would be removed",
                      self.ctl("retention", "run", "--dry-run"))
        self.assertEqual(self.count("Trash"), 3)

        self.ctl("user", "hold", self.user, "on")
        held, = self.rows("retention", "run", self.user)
        self.assertEqual(held, {"user": self.user, "on_hold": True})
        self.assertEqual(self.count("Trash"), 3)
        self.ctl("user", "hold", self.user, "off")

        c = self.open("Trash")
        self.assertEqual(self.run_rules(self.server.users[1]), [])
        self.assertEqual(self.run_rules(), want)
        seen = self.ok(c, "NOOP")
        self.assertEqual(seen.count("* 1 EXPUNGE"), 2)
        self.assertEqual(self.run_rules(), [])
        self.assertEqual([self.count(b) for b in (
            "Trash", "Work", "Work/Deep/er", "INBOX")], [1, 3, 2, 3])
        # only the one rule has its messages kept
        self.assertEqual([k["mailbox"] for k in self.kept()],
                         ["Trash", "Trash"])
        # what comes back is new in its mailbox and stays
        self.ctl("undelete", self.user)
        self.assertEqual(self.run_rules(), [])
        self.assertEqual(self.count("Trash"), 3)

    def test_by_number_and_size(self):
        size = len(TEXT % ("a", "a"))
        self.start("retention.few.mailbox=inbox",
                   "retention.few.max_messages=3",
                   "retention.small.mailbox=Junk",
                   "retention.small.max_size=%d" % (2 * size))
        c = self.open()
        self.append(c, "INBOX", *"abcde")
        self.append(c, "Junk", *"abcde")
        self.assertEqual(self.run_rules(), [("INBOX", "few", 2),
                                            ("Junk", "small", 3)])
        for box, want in (("INBOX", "cde"), ("Junk", "de")):
            self.ok(c, "SELECT " + box)
            found = [self.ok(c, "SEARCH SUBJECT " + w)[0] for w in "abcde"]
            self.assertEqual([w for w, f in zip("abcde", found)
                              if f != "* SEARCH"], list(want))

    def test_without_rules(self):
        self.start()
        self.assertIn("no `retention`",
                      self.ctl("retention", "run", code=3))
        self.assertIn("no rules", self.ctl("retention", "status"))
        self.ctl("retention", "run", "nobody@example.test", code=3)

    def test_bad_rules_are_refused(self):
        for text, want in (
                ("retention a { age = 3d }", "mailbox"),
                ('retention a { mailbox = "x" }', "at least one"),
                ('retention a { mailbox = "x" age = 3y }', "seconds"),
                ('retention a { special_use = "Trash" age = 3d }',
                 "special use"),
                ('retention a { mailbox = "x" max_messages = -1 }',
                 "number")):
            with self.subTest(text):
                with tempfile.NamedTemporaryFile("w", suffix=".conf") as f:
                    f.write('hostname = "a.example"\ndomains = {"a.example"}\n'
                            "listener imap { port = 143 }\n" + text)
                    f.flush()
                    p = run(POSTERND, "-t", "-c", f.name)
                    self.assertNotEqual(p.returncode, 0, p.stdout)
                    self.assertIn(want, p.stdout + p.stderr)

    @needs_undelete
    def test_the_timer(self):
        """Nobody logs in: all is done by the clock."""
        self.start("retention.few.mailbox=INBOX",
                   "retention.few.max_messages=2",
                   "retention.old.special_use=\\Junk", "retention.old.age=1",
                   "retention.old.undelete=false",
                   "upkeep.interval=1", "undelete.keep=2", users=3)
        held = self.server.users[1]
        self.ctl("user", "hold", held, "on")
        for user in (self.user, held):
            c = self.open(user=user)
            self.append(c, "INBOX", *"abcd")
            self.append(c, "Junk", "x")
            c.close()
        watch = self.open("INBOX")
        self.assertTrue(wait_for(lambda: self.count("INBOX") == 2))
        self.assertTrue(wait_for(lambda: self.count("Junk") == 0))
        self.assertIn("* 1 EXPUNGE", self.ok(watch, "NOOP"))
        # kept for two seconds, then gone for good
        self.assertTrue(wait_for(lambda: self.kept() == [], 20))
        s = self.rows("retention", "status")
        self.assertEqual(s["removed_messages"], 3)
        self.assertEqual(s["purged_messages"], 2)
        self.assertEqual(s["failures"], 0)
        self.assertEqual([r["rule"] for r in s["rules"]], ["few", "old"])
        self.assertIn("RULE", self.ctl("retention", "status"))
        # more comes, more goes
        c = self.open()
        self.append(c, "INBOX", "e")
        self.assertTrue(wait_for(lambda: self.count("INBOX") == 2))
        # who is on hold keeps everything, also what they remove
        self.assertEqual(self.count("INBOX", held), 4)
        self.assertEqual(self.count("Junk", held), 1)
        c = self.open("INBOX", user=held)
        self.ok(c, "STORE 1 +FLAGS.SILENT (\\Deleted)")
        self.ok(c, "EXPUNGE")
        time.sleep(2.5 * SLOW)
        self.assertEqual(len(self.kept(held)), 1)
        # nobody's mail was made by looking for it
        if STORAGE == "maildir":
            self.assertFalse(os.path.exists(
                self.server.maildir(self.server.users[2])))
        self.ctl("user", "hold", held, "off")
        self.assertTrue(wait_for(lambda: self.count("INBOX", held) == 2))

    def test_no_work_for_idle_accounts(self):
        self.start("retention.old.mailbox=INBOX", "retention.old.age=30d",
                   "upkeep.interval=1")
        c = self.open()
        self.append(c, "INBOX", "a")
        c.close()

        def status():
            return self.rows("retention", "status")

        self.assertTrue(wait_for(lambda: status()["accounts"] == 3))
        began = status()["began"]
        self.assertTrue(wait_for(
            lambda: not status()["sweeping"] and
            status()["began"] > began + 1))
        self.assertEqual(status()["visited"], 0)
        # also not after a restart
        self.server.stop()
        self.server.start()
        began = status()["began"]
        self.assertTrue(wait_for(lambda: status()["began"] > 0))
        self.assertTrue(wait_for(lambda: not status()["sweeping"]))
        self.assertEqual(status()["visited"], 0)
        # nor does a damaged file do harm
        self.server.stop()
        path = os.path.join(self.server.dir, "state", "upkeep.state")
        self.assertTrue(os.path.exists(path), os.listdir(self.server.dir))
        with open(path, "w") as f:
            f.write("postern-due 1 0\nrubbish")
        self.server.start()
        self.assertTrue(wait_for(lambda: status()["accounts"] == 3))
        self.assertEqual(self.count("INBOX"), 1)

    @needs_undelete
    def test_the_size_of_what_is_kept(self):
        size = len(TEXT % ("a", "a"))
        self.start("undelete.size=%d" % (3 * size), "upkeep.interval=1")
        c = self.open("INBOX")
        self.append(c, "INBOX", *"abcdefgh")
        self.ok(c, "NOOP")
        for uid in range(1, 9):
            self.ok(c, "UID STORE %d +FLAGS.SILENT (\\Deleted)" % uid)
            self.ok(c, "UID EXPUNGE %d" % uid)
        self.assertTrue(wait_for(lambda: len(self.kept()) == 3))
        self.ctl("undelete", self.user)
        self.assertEqual(self.count("INBOX"), 3)

    def test_a_stop_does_not_wait_for_a_sweep(self):
        self.start("retention.few.mailbox=INB%",
                   "retention.few.max_messages=1",
                   "upkeep.interval=1", users=8)
        for user in self.server.users:
            c = self.open(user=user)
            self.append(c, "INBOX", "a", "b")
            c.close()
        self.assertTrue(wait_for(lambda: self.rows(
            "retention", "status")["sweeping"]))
        begin = time.monotonic()
        self.assertEqual(self.server.stop(), 0)
        self.assertLess(time.monotonic() - begin, 3 * SLOW)
        self.server.start()
        self.assertTrue(wait_for(lambda: all(
            self.count("INBOX", u) == 1 for u in self.server.users), 30))


if __name__ == "__main__":
    unittest.main()
