"""A user goes maildir -> postgresql -> mbox -> maildir while mbsync and an
idling client are connected: in the end the Maildir equals the first one, and
mbsync has nothing to do.

POSTERN_CONVERT=MESSAGES,FOLDERS for another size: 20000,40 is the large one.
"""

import hashlib
import json
import os
import poplib
import random
import re
import sys
import threading
import time
import unittest

from clients import SLOW, Case, Server, Watcher, need, text_message, wire

import cluster
from postern import empty_database

MESSAGES, FOLDERS = map(int, os.environ.get(
    "POSTERN_CONVERT", "400,8").split(","))
KEYWORDS = ["$Forwarded", "$Label1", "NonJunk", "Work", "later"]
WAYS = [("first", "pg"), ("pg", "box"), ("box", "first")]


def state_of(folder):
    """What the module wrote beside the messages."""
    keywords, rest = {}, {}
    with open(os.path.join(folder, "postern.state")) as f:
        for line in f:
            word, _, value = line.rstrip("\n").partition(" ")
            if word == "keyword":
                number, _, name = value.partition(" ")
                keywords[int(number)] = name
            elif word in ("uidvalidity", "uidnext", "objectid"):
                rest[word] = value
            elif word == "meta":
                rest.setdefault("meta", []).append(value)
    rest["meta"] = sorted(rest.get("meta", []))
    return keywords, rest


LETTERS = ("abcdefghijklmnopqrstuvwxyz0123456789ABCEGHIJKLMNOQUVWXYZ"
           "!#$%()+=")


def messages_of(folder, keywords):
    """Uid to all that a Maildir tells of a message."""
    found = {}
    for sub in ("new", "cur"):
        for name in os.listdir(os.path.join(folder, sub)):
            key, _, letters = name.partition(":2,")
            fields = dict(p.split("=", 1) for p in key.split(",")[1:]
                          if "=" in p)
            date = fields.get("T", key.split(".")[0])
            flags = {c for c in letters if c in "DFRST"}
            flags |= {keywords[LETTERS.index(c)] for c in letters
                      if c not in "DFRST"}
            with open(os.path.join(folder, sub, name), "rb") as f:
                digest = hashlib.sha256(f.read()).hexdigest()
            uid = int(fields["U"])
            assert uid not in found, (folder, uid)
            found[uid] = (digest, sorted(flags), int(date),
                          int(fields.get("D", date)))
    return found


def maildir(root):
    """All of a user's Maildir that must stay."""
    found = {}
    for name in sorted(os.listdir(root)):
        folder = os.path.join(root, name)
        if name.startswith(".") and os.path.isdir(folder):
            keywords, state = state_of(folder)
            found[name] = (state, messages_of(folder, keywords))
    keywords, state = state_of(root)
    found["INBOX"] = (state, messages_of(root, keywords))
    with open(os.path.join(root, "postern.subscriptions")) as f:
        found["subscriptions"] = sorted(f.read().splitlines())
    return found


class Convert(Case):
    RC = """\
FSync no

IMAPAccount x
Host localhost
Port %d
User %s
Pass secret
SSLType IMAPS
CertificateFile %s
Timeout 120

IMAPStore far
Account x

MaildirStore near
Path %s/
Inbox %s/INBOX
SubFolders Verbatim

Channel c
Far :far:
Near :near:
Patterns *
Create Near
Expunge Both
Sync All
CopyArrivalDate yes
SyncState %s/
"""

    @classmethod
    def setUpClass(cls):
        conninfo = empty_database()
        cls.addClassCleanup(cluster.cluster().drop,
                            conninfo.rpartition("=")[2])
        cls.server = Server(users=2, args=[
            "--storage", "first=maildir", "--storage", "pg=postgresql:" +
            conninfo, "--storage", "box=mbox"])
        cls.addClassCleanup(cls.server.clean)
        cls.server.start()
        cls.addClassCleanup(cls.server.stop)
        cls.user = cls.server.users[0]
        cls.root = os.path.join(cls.server.dir, "mail/example.test/user1")

    def setUp(self):
        super().setUp()
        self.local = self.path("Mail")
        os.makedirs(self.path("state"))
        for sub in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(self.local, "INBOX", sub))

    def fill(self):
        """As another program would do it: without waiting for the disk."""
        r = random.Random(7)
        words = [bytes(r.choices(b"abcdefghij klmnopqrst", k=60)).decode()
                 for _ in range(200)]
        c = self.login()
        folders = [""]
        for i in range(FOLDERS - 1):
            name = "Folder%d" % i if i % 5 else "Folder%d/Below" % i
            c.ok('CREATE "%s"' % name)
            c.ok('SUBSCRIBE "%s"' % name)
            folders.append("." + name.replace("/", "."))
        for i in range(MESSAGES):
            folder = folders[i % FOLDERS]
            body = "\n".join(r.choices(words, k=r.randrange(5, 120)))
            flags = "".join(sorted(r.sample("FRST", r.randrange(3)))).replace(
                "T", "D")
            name = "%d.M%d.here" % (1500000000 + i * 700, i)
            with open(os.path.join(self.root, folder, "cur", "%s:2,%s" % (
                    name, flags)), "w") as f:
                f.write(text_message("message-%d" % i, body + "\n"))
        for folder in folders:
            c.ok('SELECT "%s"' % (folder[1:].replace(".", "/") or "INBOX"))
            c.ok("STORE 1:3 +FLAGS.SILENT (%s)" % " ".join(KEYWORDS[:3]))
            c.ok("STORE 4:5 +FLAGS.SILENT (%s)" % " ".join(KEYWORDS[2:]))
            c.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
            c.ok("EXPUNGE")
        c.close()

    def mbsync(self):
        rc = self.file("mbsyncrc", self.RC % (
            self.server.ports["imaps"], self.user, self.server.cafile,
            self.local, self.local, self.path("state")))
        p = self.run_program("mbsync", "-V", "-c", rc, "c", timeout=900)
        text = (p.stdout + p.stderr).decode(errors="replace")
        self.assertNotRegex(text, r"(?i)\b(error|warning)")

    def near(self):
        """Each file, with the time of its last change."""
        found = {}
        for root, _, files in os.walk(self.local):
            for name in files:
                if "/new" in root or "/cur" in root:
                    path = os.path.join(root, name)
                    found[path] = os.stat(path).st_ctime_ns
        return found

    def uidls(self):
        p = poplib.POP3(self.server.host, self.server.ports["pop3"],
                        timeout=120)
        p.user(self.user)
        p.pass_(self.server.password)
        rows = p.uidl()[1]
        p.quit()
        return rows

    def idents(self):
        """What only IMAP tells of INBOX."""
        c = self.login()
        c.ok("EXAMINE INBOX")
        rows = [re.sub(rb"^\* \d+ ", b"", r) for r in c.ok(
            "UID FETCH 1:* (EMAILID THREADID SAVEDATE)")]
        c.close()
        return sorted(rows)

    def snapshot(self):
        """The Maildir when the module has written down all it knows."""
        self.server.stop()
        found = maildir(self.root)
        self.server.start()
        return found

    def convert(self, source, target):
        p = self.server.ctl(
            "convert", "--from", source, "--to", target, self.user, "--alone",
            "--remove-source", "--json", timeout=3000)
        self.assertEqual(p.returncode, 0, p.stdout + p.stderr +
                         self.server.log()[-2000:])
        row = json.loads(p.stdout)[0]
        self.assertEqual(row["outcome"], "converted")
        self.assertEqual(row["copied"], row["messages"])
        seconds = row["microseconds"] / 1e6
        sys.stderr.write("%s -> %s: %d messages, %.1f MB, %.1f s, %.0f "
                         "messages/s, %d passes, held %.0f ms\n" % (
                             source, target, row["messages"],
                             row["size"] / 1e6, seconds,
                             row["messages"] / seconds, row["passes"],
                             row["held_microseconds"] / 1e3))
        return row

    @need("mbsync")
    def test_once_around(self):
        self.fill()
        before = self.snapshot()
        self.mbsync()
        near = self.near()
        uidls = self.uidls()
        idents = self.idents()
        self.assertEqual(len(near), MESSAGES - FOLDERS)
        idle = self.watch()
        over = threading.Event()
        rounds, failures = [], []

        def keep_syncing():
            while not over.is_set():
                try:
                    self.mbsync()
                    rounds.append(1)
                except Exception as e:
                    failures.append(str(e))
                    return
        thread = threading.Thread(target=keep_syncing)
        thread.start()
        try:
            for source, target in WAYS:
                self.convert(source, target)
                self.assertEqual(self.uidls(), uidls)
                self.assertEqual(self.idents(), idents)
        finally:
            over.set()
            thread.join(900 * SLOW)
        self.assertEqual(failures, [])
        self.assertGreater(len(rounds), 0)
        self.assertEqual(self.near(), near)
        # The client that idled all the time is told of new mail, and had
        # nothing to be told before.
        c = self.login()
        m = wire(text_message("last"))
        c.send("f APPEND INBOX {%d+}\r\n" % len(m))
        c.send(m + b"\r\n")
        self.assertTrue(c.finish("f")[1].startswith(b"OK"))
        count = len(before["INBOX"][1]) + 1
        self.assertIsNotNone(idle.wait(b"* %d EXISTS" % count, seconds=20))
        c.ok("SELECT INBOX")
        c.ok("STORE * +FLAGS.SILENT (\\Deleted)")
        c.ok("EXPUNGE")
        c.close()
        idle.close()
        after = self.snapshot()
        state = after["INBOX"][0]
        self.assertEqual(int(state["uidnext"]),
                         int(before["INBOX"][0]["uidnext"]) + 1)
        state["uidnext"] = before["INBOX"][0]["uidnext"]
        self.assertEqual(sorted(after), sorted(before))
        for folder in before:
            self.assertEqual(after[folder], before[folder], folder)
        self.mbsync()
        self.assertEqual(self.near(), near)


if __name__ == "__main__":
    unittest.main()
