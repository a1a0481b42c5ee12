"""Other programs at work in mbox files while the server serves them: mutt,
mailx, procmail, Python's mailbox, and mbsync at the server's other side. A
session that idles hears of what they do, and nothing is lost."""

import mailbox
import os
import re
import threading
import unittest

from clients import SLOW, Case, Server, need, text_message, token, wait_for, \
    wire


class Programs(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(users=cls.users, storage="mbox", set=(
            "auth.failure_delay=10",))
        cls.addClassCleanup(cls.server.clean)
        cls.server.start()
        cls.addClassCleanup(cls.server.stop)

    def setUp(self):
        super().setUp()
        self.inbox = os.path.join(self.inbox_path(), "INBOX")
        c = self.login()
        c.ok("SELECT INBOX")
        c.cmd("STORE 1:* +FLAGS.SILENT (\\Deleted)")
        c.ok("EXPUNGE")
        c.close()

    def append(self, *words, flags=""):
        c = self.login()
        for w in words:
            c.append(wire(text_message(w)), extra=flags)
        c.close()

    def flags_of(self, word):
        c = self.login()
        c.ok("EXAMINE INBOX")
        number = c.ok("SEARCH SUBJECT " + word)[0].split()[-1].decode()
        answer = c.ok("FETCH %s FLAGS" % number)[-1]
        c.close()
        return answer

    def uids(self):
        c = self.login()
        c.ok("EXAMINE INBOX")
        got = c.ok("UID SEARCH ALL")[0].split()[2:]
        c.close()
        return [int(u) for u in got]

    def subjects(self):
        return sorted(re.search(rb"^Subject: (\S+)", m, re.M).group(1).decode()
                      for m in self.contents())

    def raw(self):
        with open(self.inbox, "rb") as f:
            return f.read()

    # --- mailx ------------------------------------------------------------

    def mailx(self, commands):
        p = self.run_program(
            "bsd-mailx", "-n", "-N", "-f", self.inbox, input=commands,
            PAGER="cat")
        return (p.stdout + p.stderr).decode()

    @need("bsd-mailx")
    def test_mailx_reads_and_deletes(self):
        words = [token("mailx") for _ in range(4)]
        self.append(*words)
        before = self.uids()
        watch = self.watch()
        shown = self.mailx("headers\ntype 2\ndelete 3\nquit\n")
        for w in words:
            self.assertIn(w, shown)
        self.assertIn("Another line.", shown)
        self.assertIsNotNone(watch.wait(b"EXPUNGE", seconds=3))
        self.assertEqual(self.subjects(),
                         sorted(w for w in words if w != words[2]))
        self.assertIn(rb"\Seen", self.flags_of(words[1]))
        self.assertNotIn(rb"\Seen", self.flags_of(words[3]))
        self.assertEqual(self.uids(), before[:2] + before[3:])
        # What mailx wrote is still written to by the server.
        c = self.login()
        c.ok("SELECT INBOX")
        c.ok("STORE 1:3 +FLAGS (\\Answered \\Seen)")
        c.close()
        self.assertEqual(self.raw().count(b"\nStatus: R"), 3)
        self.assertNotIn(b"Status:", b"".join(self.contents()))

    @need("bsd-mailx")
    def test_mailx_sees_what_was_read_by_imap(self):
        words = [token("seen"), token("unseen")]
        self.append(words[0], flags="(\\Seen)")
        self.append(words[1])
        shown = self.mailx("headers\nexit\n")
        line = {w: next(x for x in shown.splitlines() if w in x)
                for w in words}
        self.assertNotRegex(line[words[0]], r"^.?[NU]", shown)
        self.assertRegex(line[words[1]], r"^>?\s?[NU]", shown)

    # --- mutt -------------------------------------------------------------

    RC = ('set folder="~"\nset record=""\n'
          'set header_cache=""\nset confirmappend=no\nset delete=yes\n'
          'set quit=yes\nset wait_key=no\nset mark_old=no\n'
          'set sleep_time=0\nset charset=utf-8\nset tmpdir="%s"\n'
          'set mbox_type=mbox\nset pipe_decode=yes\nset move=no\n')

    def mutt(self, push, folder=None):
        rc = self.file("muttrc", self.RC % self.home + 'push "%s"\n' % push)
        return self.run_in_terminal("mutt", "-n", "-F", rc, "-f",
                                    folder or self.inbox)

    @need("mutt")
    def test_mutt_reads_flags_and_deletes(self):
        words = [token("mutt") for _ in range(5)]
        self.append(*words)
        before = self.uids()
        watch = self.watch()
        out = self.path("out")
        self.mutt("<search>~s %s<enter><pipe-message>cat>%s<enter>"
                  "<flag-message>"
                  "<delete-pattern>~s %s<enter><sync-mailbox><quit>"
                  % (words[1], out, words[3]))
        with open(out, "rb") as f:
            got = f.read()
        self.assertTrue(got.endswith(b"\n\nOne line.\nAnother line.\n"), got)
        self.assertIn(words[1].encode(), got)
        self.assertIsNotNone(watch.wait(b"EXPUNGE", seconds=3))
        self.assertIn(rb"\Flagged", self.flags_of(words[1]))
        self.assertEqual(self.uids(), before[:3] + before[4:])
        # Fields that mutt added are hidden, the contents what they were.
        for m in self.contents():
            self.assertEqual(m, wire(text_message(
                re.search(rb"^Subject: (\S+)", m, re.M).group(1).decode())))

    @need("mutt")
    def test_mutt_sees_flags_of_imap(self):
        words = [token("f1"), token("f2")]
        self.append(words[0], flags="(\\Flagged \\Answered)")
        self.append(words[1])
        out = self.path("out")
        self.mutt("<limit>~F<enter><pipe-message>cat>%s<enter><quit>" % out)
        with open(out, "rb") as f:
            self.assertIn(words[0].encode(), f.read())

    @need("mutt")
    def test_a_copy_by_mutt_is_another_message(self):
        word = token("copy")
        self.append(word)
        before = self.uids()
        self.mutt("<copy-message>^U%s<enter><quit>" % self.inbox)
        got = wait_for(lambda: [u for u in [self.uids()] if len(u) == 2], 5)
        self.assertTrue(got, "the copy is not there")
        self.assertEqual(got[0][0], before[0])
        self.assertGreater(got[0][1], before[0])
        self.assertEqual(*self.contents())

    # --- at the same time ---------------------------------------------------

    @need("procmail")
    def test_procmail_and_imap_deliver_together(self):
        """Both lock, so nothing is lost while both write and remove."""
        rounds = 15
        rc = self.file("procmailrc", "DEFAULT=%s\nLOGFILE=%s\n"
                       "LOCKSLEEP=1\n:0:\n%s\n" % (
                           self.inbox, self.path("log"), self.inbox))
        watch = self.watch()
        theirs = [token("procmail") for _ in range(rounds)]
        ours = [token("imap") for _ in range(rounds)]
        trash = [token("trash") for _ in range(rounds)]
        failed = []

        def deliver():
            for t in theirs:
                p = self.run_program("procmail", "-f", "ann@example.org", rc,
                                     input=text_message(t), status=None)
                if p.returncode != 0:
                    failed.append(p)

        thread = threading.Thread(target=deliver)
        thread.start()
        c = self.login()
        c.ok("SELECT INBOX")
        for t, x in zip(ours, trash):
            c.append(wire(text_message(t)))
            c.append(wire(text_message(x)), extra="(\\Deleted)")
            c.ok("EXPUNGE")
        thread.join(60 * SLOW)
        self.assertFalse(thread.is_alive())
        self.assertEqual(failed, [])
        self.assertIsNotNone(watch.wait(b"EXISTS", seconds=3))
        self.assertTrue(wait_for(
            lambda: self.subjects() == sorted(theirs + ours), 10),
            self.subjects())
        uids = self.uids()
        self.assertEqual(uids, sorted(set(uids)))
        c.close()

    def test_python_adds_while_flags_change(self):
        words = [token("py") for _ in range(10)]
        self.append(token("first"))
        c = self.login()
        c.ok("SELECT INBOX")
        for i, w in enumerate(words):
            box = mailbox.mbox(self.inbox)
            box.lock()
            box.add(text_message(w))
            box.flush()
            box.unlock()
            box.close()
            c.ok("STORE 1 %sFLAGS (\\Seen)" % "+-"[i % 2])
        self.assertTrue(wait_for(
            lambda: len(self.contents()) == 1 + len(words), 5))
        c.ok("UID SEARCH ALL")
        c.ok("STORE 2:* +FLAGS (\\Flagged)")
        self.assertEqual(len(self.contents()), 1 + len(words))
        for w in words:
            self.assertIn(rb"\Flagged", self.flags_of(w))
        c.close()

    # --- mbsync -------------------------------------------------------------

    MBSYNC = """\
FSync no
IMAPAccount x
Host localhost
Port %d
User %s
Pass secret
SSLType IMAPS
CertificateFile %s

IMAPStore far
Account x

MaildirStore near
Inbox %s/INBOX

Channel c
Far :far:
Near :near:
Patterns INBOX
Create Both
Expunge Both
Sync All
SyncState %s/
"""

    def mbsync(self):
        rc = self.file("mbsyncrc", self.MBSYNC % (
            self.server.ports["imaps"], self.server.users[0],
            self.server.cafile, self.home, self.path("state")))
        os.makedirs(self.path("state"), exist_ok=True)
        p = self.run_program("mbsync", "-V", "-c", rc, "c", timeout=60)
        text = (p.stdout + p.stderr).decode()
        self.assertNotRegex(text, r"(?i)\b(error|warning)")
        return text

    def near(self):
        box = mailbox.Maildir(self.path("INBOX"), create=False)
        return {m["Subject"]: "".join(sorted(m.get_flags())) for m in box}

    @need("mbsync", "bsd-mailx")
    def test_mbsync_beside_mailx(self):
        words = [token("sync") for _ in range(12)]
        for folder in ("cur", "new", "tmp"):
            os.makedirs(self.path("INBOX/" + folder))
        self.append(*words)
        self.mbsync()
        self.assertEqual(sorted(self.near()), sorted(words))
        self.mailx("type 1\ndelete 2-4\nquit\n")
        self.mbsync()
        near = self.near()
        self.assertEqual(sorted(near), sorted(words[:1] + words[4:]))
        self.assertEqual(near[words[0]], "S")
        box = mailbox.Maildir(self.path("INBOX"), create=False)
        for key, m in box.items():
            if m["Subject"] == words[6]:
                m.add_flag("F")
                box[key] = m
            if m["Subject"] == words[7]:
                box.remove(key)
        self.mbsync()
        self.assertIn(rb"\Flagged", self.flags_of(words[6]))
        self.assertEqual(self.subjects(), sorted(
            words[:1] + words[4:7] + words[8:]))
        before = self.uids()
        self.mbsync()
        self.assertEqual(self.uids(), before)


if __name__ == "__main__":
    unittest.main()
