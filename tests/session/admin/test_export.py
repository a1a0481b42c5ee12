"""posternctl export, and that what goes out comes in again as it was."""

import mailbox
import os
import subprocess
import tarfile
import unittest

from postern import PREFIX
from test_import import Case
from wire import imap

BODIES = [
    b"Subject: plain\r\n\r\nhello\r\n",
    b"Subject: from\r\n\r\nFrom here\r\n>From there\r\n>>From all\r\n\r\n"
    b"From x Thu Jan  1 00:00:00 1970\r\n\r\nend\r\n",
    b"Subject: fields\r\nX-Other: 1\r\n\tfolded\r\n\r\nStatus: R\r\n",
    b"Subject: no body\r\n\r\n",
    b"Subject: empty lines\r\n\r\n\r\n\r\nx\r\n\r\n\r\n",
    b"Subject: long\r\n\r\n" + b"x" * 70000 + b"\r\nFrom " + b"y" * 9000 +
    b"\r\n",
    b"Subject: 8bit\r\n\r\n\xc3\xa4\xff\r\n",
    b"Subject: large\r\n\r\n" + b"0123456789abcdef\r\n" * 100000,
]


class Export(Case):
    users = 5

    def setUp(self):
        super().setUp()
        c = imap(self.server, self.user)
        self.addCleanup(c.close)
        for name in ("Work", "Work/A.b &amp", '"Work/deep"'):
            self.ok(c, 'CREATE "%s"' % name.strip('"').replace("&", "&-"))
        self.ok(c, "UNSUBSCRIBE Work")
        self.ok(c, "SUBSCRIBE Work/deep")
        for i, body in enumerate(BODIES):
            self.append(c, "INBOX", body, ("\\Seen", "\\Flagged $Label1",
                                           "\\Answered \\Draft Work",
                                           "\\Deleted")[i % 4], i)
        self.append(c, "Work", BODIES[0], "", 3)
        self.append(c, '"Work/A.b &-amp"', BODIES[0], "", 3)
        self.append(c, "Work/deep", BODIES[1], "Kw", 3)
        # Gaps between uids.
        self.ok(c, "SELECT INBOX")
        self.ok(c, "UID STORE 2 +FLAGS.SILENT (\\Deleted)")
        self.ok(c, "UID COPY 2 Work")
        self.ok(c, "UID EXPUNGE 2")
        self.append(c, "INBOX", BODIES[1], "\\Seen", 9)

    def append(self, c, box, body, flags, day):
        c.say('a APPEND %s (%s) "%02d-Feb-2020 10:20:30 +0000" {%d}' % (
            box, flags, day + 1, len(body)))
        self.assertTrue(c.line().startswith("+"))
        c.sock.sendall(body + b"\r\n")
        while not (line := c.line()).startswith("a "):
            pass
        self.assertTrue(line.startswith("a OK"), line)

    def export(self, target, *args, code=0, user=None):
        p = self.server.ctl("export", user or self.user, "--to", target, *args,
                            timeout=60)
        self.assertEqual(p.returncode, code, p.stdout + p.stderr)
        return p

    def picture(self, user, uids=True):
        """All that a client can see of a user's mailboxes with mail."""
        found = {}
        for name in sorted(self.names(user=user)):
            c = self.open(name, user)
            rows = self.rows(c)
            if not rows:
                continue
            numbers = (self.number("UIDVALIDITY"), self.number("UIDNEXT"))
            found[name] = (numbers if uids else None, [
                (uid if uids else None, sorted(flags), date,
                 self.body(c, uid))
                for uid, (flags, date) in sorted(rows.items())])
        return found

    def test_maildir_and_back(self):
        path = self.path("out")
        self.export("maildir:" + path)
        self.assertEqual(sorted(
            e for e in os.listdir(path) if "tmp" in e), ["tmp"])
        other = self.server.users[1]
        self.run_import("dovecot:" + path, user=other)
        self.assertEqual(self.picture(other), self.picture(self.user))
        self.assertEqual(self.uidls(other), self.uidls())
        self.assertEqual(sorted(self.names("LSUB", other)),
                         sorted(self.names("LSUB")))
        # Python sees as many, with their flags.
        box = mailbox.Maildir(path)
        self.assertEqual(len(box), len(BODIES))
        self.assertEqual(sorted(m.get_flags().strip("abc") for m in box)[-1],
                         "T")
        # Nothing that is there is replaced.
        before = sorted(os.walk(path))
        p = self.export("maildir:" + path, code=4)
        self.assertIn("exists", p.stderr)
        self.assertEqual(sorted(os.walk(path)), before)

    def test_mbox_and_back(self):
        path = self.path("out")
        self.export("mbox:" + path)
        self.assertEqual(sorted(os.listdir(path + "/Work.sbd")),
                         ["A.b &-amp", "deep"])
        other = self.server.users[1]
        self.run_import("mbox:" + path, user=other)
        self.assertEqual(self.picture(other), self.picture(self.user))
        self.assertEqual(sorted(self.names("LSUB", other)),
                         sorted(self.names("LSUB")))
        self.export("mbox:" + path, code=4)

    def test_tar_and_back(self):
        path = self.path("out.tar")
        self.export("tar:" + path)
        self.export("tar:" + path, code=4)
        os.mkdir(self.path("x"))
        subprocess.run(["tar", "-xf", path, "-C", self.path("x")], check=True)
        other = self.server.users[1]
        self.run_import("dovecot:" + self.path("x", "Maildir"), user=other)
        self.assertEqual(self.picture(other), self.picture(self.user))
        # The same from a pipe, read by another program.
        p = subprocess.run(
            [os.path.join(PREFIX, "sbin/posternctl"), "--sandbox",
             self.server.dir, "export", self.user, "--to", "tar:-"],
            capture_output=True)
        self.assertEqual(p.returncode, 0, p.stderr)
        with open(self.path("piped"), "wb") as f:
            f.write(p.stdout)
        with tarfile.open(self.path("piped")) as t:
            names = t.getnames()
        with tarfile.open(path) as t:
            self.assertEqual(t.getnames(), names)
        self.assertEqual(os.listdir(self.dir).count("out.tar"), 1)
        self.assertFalse([e for e in os.listdir(self.dir) if "tmp" in e])

    def test_one_mailbox_and_since(self):
        self.export("mbox:" + self.path("one"), "--mailbox", "Work/deep")
        box = mailbox.mbox(self.path("one"))
        self.assertEqual(len(box), 1)
        self.assertEqual(box[0]["X-Keywords"], "Kw")
        box.close()
        self.export("maildir:" + self.path("some"), "--mailbox", "Work*",
                    "--since", "2020-02-03")
        self.assertEqual(
            sorted(e for e in os.listdir(self.path("some")) if e[0] == "."),
            [".Work", ".Work.A&AC4-b &-amp", ".Work.deep"])
        self.assertEqual(len(os.listdir(self.path("some", ".Work", "cur"))),
                         1)
        p = self.export("mbox:-", "--mailbox", "Work/deep")
        self.assertTrue(p.stdout.startswith("From MAILER-DAEMON Tue Feb  4 "))
        self.assertEqual(p.stdout.count("X-IMAPbase"), 1)

    def test_what_is_wrong_is_told(self):
        for target, args, code, text in (
                ("nonsense", (), 2, "--to"),
                ("mbox:-", (), 2, "--mailbox"),
                ("maildir:/nonexistent/x", (), 1, "No such file"),
                ("tar:/nonexistent/x", (), 1, "No such file"),
                ("tar:-", ("--mailbox", "None"), 3, "no mailbox"),
                ("tar:-", ("--since", "x"), 2, "--since")):
            p = self.export(target, *args, code=code)
            self.assertIn(text, p.stderr)
        self.export("tar:-", user="nobody@example.test", code=3)

    def test_one_that_cannot_be_finished_leaves_nothing(self):
        with open("/dev/full", "wb") as full:
            p = subprocess.run(
                [os.path.join(PREFIX, "sbin/posternctl"), "--sandbox",
                 self.server.dir, "export", self.user, "--to", "tar:-"],
                stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(p.returncode, 1)
        self.assertIn(b"No space left", p.stderr)
        path = self.path("out")
        os.makedirs(os.path.join(path, ".Work"))
        self.export("maildir:" + path, code=4)
        self.assertEqual(os.listdir(os.path.join(path, ".Work")), [])
        self.assertFalse([e for e in os.listdir(path) if "export" in e])

    def test_too_many_keywords_for_names(self):
        c = self.open("Work")
        self.ok(c, "UID STORE 1 +FLAGS (%s)" % " ".join(
            "k%d" % i for i in range(30)))
        p = self.export("maildir:" + self.path("out"))
        self.assertIn("5 keywords", p.stderr)
        self.export("mbox:" + self.path("mb"), "--mailbox", "Work")
        box = mailbox.mbox(self.path("mb"))
        self.assertEqual(len(box[0]["X-Keywords"].split()), 30)
        box.close()


if __name__ == "__main__":
    unittest.main()
