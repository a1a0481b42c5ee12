"""A full disk: the mail is on a small tmpfs. Whoever brings mail is told to
come back, sessions go on, nothing acknowledged is lost, and when there is room
again all works as before."""

import os
import random
import re
import shutil
import smtplib
import subprocess
import tempfile
import time
import unittest
import warnings

from load import (SLOW, Audit, Client, Ledger, Server, check_message,
                  join_all, make_message, start_load)


class Full(unittest.TestCase):
    def setUp(self):
        warnings.simplefilter("ignore", ResourceWarning)
        self.rng = random.Random(7)

    def start(self, options, users=2):
        """A server whose mail has only so much room."""
        if os.geteuid() != 0:
            self.skipTest("only root can mount a tmpfs")
        path = tempfile.mkdtemp(prefix="postern-full-")
        self.addCleanup(shutil.rmtree, path, True)
        self.mail = os.path.join(path, "mail")
        os.mkdir(self.mail, 0o700)
        p = subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=700," + options,
                            "postern-test", self.mail], capture_output=True,
                           text=True)
        if p.returncode:
            self.skipTest("cannot mount a tmpfs: " + p.stderr.strip())
        self.addCleanup(self.unmount)
        self.server = Server(users=users, dir=path, set=(
            "auth.failure_delay=10",))
        self.addCleanup(self.end)
        self.server.start()

    def unmount(self):
        if subprocess.run(["umount", self.mail],
                          capture_output=True).returncode:
            subprocess.run(["umount", "-l", self.mail], check=True)

    def end(self):
        if self.server.process is not None:
            self.server.kill()

    def fill(self, leave=0):
        """Takes all room but `leave` octets."""
        path = os.path.join(self.mail, "filler")
        size = 0
        with open(path, "ab", buffering=0) as f:
            try:
                while True:
                    size += f.write(b"\0" * 4096)
            except OSError:
                pass
            if leave:
                f.truncate(max(0, size - leave))

    def make_room(self):
        os.unlink(os.path.join(self.mail, "filler"))

    def smtp(self, cls=smtplib.SMTP, port="smtp"):
        s = cls(self.server.host, self.server.ports[port],
                local_hostname="x", timeout=30 * SLOW)
        self.addCleanup(s.close)
        s.ehlo()
        return s

    def imap(self, user=0):
        c = Client(self.server, timeout=30).login(user)
        self.addCleanup(c.close)
        return c

    def send(self, s, content, users=(0,)):
        """One transaction; the last code and text of SMTP."""
        code, text = s.mail("a@example.org")
        if code != 250:
            s.rset()
            return code, text
        for u in users:
            code, text = s.rcpt(self.server.users[u])
            if code != 250:
                s.rset()
                return code, text
        return s.data(content)

    def assertComeBack(self, answer):
        code, text = answer
        self.assertIn(code, (451, 452), answer)
        self.assertRegex(text, rb"^4\.[23]\.\d ")

    def append(self, c, content, box="INBOX"):
        tag = c.tag()
        c.send("%s APPEND %s {%d+}\r\n" % (tag, box, len(content)))
        c.send(content + b"\r\n")
        return c.finish(tag)[1]

    def tokens(self, user=0, box="INBOX"):
        c = self.imap(user)
        untagged = b"\n".join(c.ok('EXAMINE "%s"' % box))
        if b"* 0 EXISTS" in untagged:
            return []
        found = []
        for r in c.ok("FETCH 1:* BODY.PEEK[]"):
            head, _, data = r.partition(b"\r\n")
            size = int(re.search(rb"\{(\d+)\}$", head).group(1))
            found.append(check_message(data[:size]))
        c.close()
        return found

    def large(self, token, octets=200000):
        import hashlib
        body = "x" * 78 + "\r\n"
        body *= octets // len(body)
        return ("From: a@example.org\r\nX-Token: %s\r\nX-Sum: %s\r\n\r\n%s" % (
            token, hashlib.sha256(body.encode()).hexdigest(), body)).encode()

    def test_mail_is_put_off_and_sessions_live_on(self):
        self.start("size=4m")
        s, l = self.smtp(), self.smtp(smtplib.LMTP, "lmtp")
        kept = ["kept%d" % i for i in range(10)]
        for t in kept:
            self.assertEqual(self.send(s, make_message(t, self.rng))[0], 250)
        c, idle = self.imap(), self.imap()
        c.ok("SELECT INBOX")
        c.ok("CREATE other")
        idle.ok("SELECT INBOX")
        idle.idle()

        for leave in (0, 40000):
            self.fill(leave)
            big = self.large("big%d" % leave)
            for _ in range(3):
                self.assertComeBack(self.send(s, big))
                self.assertComeBack(self.send(l, big))
                self.assertRegex(self.append(c, big), rb"^NO ")
            self.assertEqual(s.noop()[0], 250)
            self.assertEqual(l.noop()[0], 250)
            # reading goes on; a copy needs little room, or is refused
            got = c.ok("FETCH 1:* (FLAGS BODY.PEEK[])")
            self.assertEqual(len(got), 10)
            _, tagged = c.cmd("COPY 1:5 other")
            self.assertRegex(tagged, rb"^(OK|NO)")
            if tagged.startswith(b"OK"):
                self.assertEqual(self.tokens(box="other")[-5:], kept[:5])
            _, tagged = c.cmd("STORE 1:3 +FLAGS (\\Flagged)")
            self.assertRegex(tagged, rb"^(OK|NO)")
            c.ok("NOOP")
            self.make_room()
            self.assertEqual(self.tokens(), kept)

        # and there is room again
        self.assertEqual(self.send(s, self.large("after"))[0], 250)
        self.assertRegex(self.append(c, self.large("after2")), rb"^OK ")
        self.assertEqual(self.tokens(), kept + ["after", "after2"])
        idle.sock.settimeout(5 * SLOW)
        while not idle.response().endswith(b"12 EXISTS"):
            pass
        self.assertEqual(self.server.stop(), 0)

    def test_removing_makes_room(self):
        """On a full disk messages can be expunged, and then mail comes in."""
        self.start("size=3m")
        s = self.smtp()
        acknowledged = []
        for i in range(100):
            t = "full%d" % i
            code, text = self.send(s, self.large(t, 60000))
            if code != 250:
                self.assertComeBack((code, text))
                break
            acknowledged.append(t)
        self.assertGreater(len(acknowledged), 5)
        self.assertLess(len(acknowledged), 100)
        self.assertEqual(self.tokens(), acknowledged)
        self.fill()
        c = self.imap()
        c.ok("SELECT INBOX")
        c.ok("STORE 1:2 +FLAGS.SILENT (\\Deleted)")
        c.ok("EXPUNGE")
        self.assertEqual(self.send(s, self.large("late", 60000))[0], 250)
        self.assertEqual(self.tokens(), acknowledged[2:] + ["late"])
        # the same after a crash, when nothing is reserved any more
        self.fill()
        self.server.kill()
        self.server.start()
        self.assertEqual(self.tokens(), acknowledged[2:] + ["late"])
        c = self.imap()
        c.ok("SELECT INBOX")
        c.ok("STORE 1:2 +FLAGS.SILENT (\\Deleted)")
        c.ok("EXPUNGE")
        s = self.smtp()
        self.assertEqual(self.send(s, self.large("later", 60000))[0], 250)
        self.assertEqual(self.tokens(), acknowledged[4:] + ["late", "later"])

    def test_no_more_files(self):
        """Room for octets, but not for names."""
        self.start("size=16m,nr_inodes=150")
        s = self.smtp()
        acknowledged = []
        for i in range(300):
            t = "inode%d" % i
            code, text = self.send(s, make_message(t, self.rng))
            if code != 250:
                self.assertComeBack((code, text))
                break
            acknowledged.append(t)
        self.assertLess(len(acknowledged), 150)
        self.assertEqual(self.tokens(), acknowledged)
        c = self.imap()
        c.ok("SELECT INBOX")
        self.assertRegex(self.append(c, make_message("x", self.rng)), rb"^NO ")
        _, tagged = c.cmd("CREATE more")
        self.assertRegex(tagged, rb"^NO ")
        self.assertEqual(c.ok('LIST "" more'), [])
        c.ok("STORE 1:10 +FLAGS.SILENT (\\Deleted)")
        c.ok("EXPUNGE")
        self.assertEqual(self.send(s, make_message("y", self.rng))[0], 250)
        self.assertEqual(self.tokens(), acknowledged[10:] + ["y"])

    def test_first_mail_of_a_user_on_a_full_disk(self):
        self.start("size=2m")
        self.fill()
        s = self.smtp()
        self.assertComeBack(self.send(s, self.large("one"), (1,)))
        _, tagged = self.imap(1).cmd("SELECT INBOX")
        self.assertRegex(tagged, rb"^(OK|NO) ")
        self.make_room()
        self.assertEqual(self.send(s, self.large("two"), (1,))[0], 250)
        self.assertEqual(self.tokens(1), ["two"])
        c = self.imap(1)
        self.assertEqual(len(c.ok('LIST "" Sent')), 1)

    def test_load_and_kill_on_a_full_disk(self):
        """The load of test_kill in too little room."""
        ledger = Ledger(2)
        self.start("size=5m", 2)
        try:
            for round_ in range(4):
                workers = start_load(self.server, ledger, round_)
                time.sleep(0.7 * SLOW)
                self.fill(random.Random(round_).randrange(60000))
                time.sleep(0.8 * SLOW)
                self.server.kill()
                join_all(workers)
                self.server.start()     # still full
                Audit(self.server, ledger, is_full=True).run()
                self.make_room()
                audit = Audit(self.server, ledger)
                audit.run()
                audit.thin_out(20)
        except (AssertionError, RuntimeError) as e:
            self.fail("round %d: %s\n%s" % (
                round_, e, self.server.log()[-3000:]))
        self.assertGreater(ledger.counts.get("refused", 0), 0)
        self.assertGreater(ledger.counts.get("delivered", 0), 0)


if __name__ == "__main__":
    unittest.main()
