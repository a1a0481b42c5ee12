"""postern-sendmail: as programs of the host call it."""

import os
import pwd
import re
import smtplib
import stat
import subprocess
import tempfile
import unittest

from clients import PREFIX, Server, need, token
from test_exchange import ctl, inbox, wait_for

SENDMAIL = os.path.join(PREFIX, "sbin/postern-sendmail")
ME = pwd.getpwuid(os.getuid()).pw_name
OK, USAGE, DATAERR, NOUSER, UNAVAILABLE, TEMPFAIL, NOPERM = \
    0, 64, 65, 67, 69, 75, 77


class Sendmail(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="postern-sm-")
        os.chmod(cls.dir, 0o755)
        cls.socket = os.path.join(cls.dir, "local/socket")
        cls.server = Server(users=3, set=[
            "listener.local.protocol=submission", "listener.local.local=true",
            "listener.local.tls=none", "listener.local.path=" + cls.socket,
            "local.web.users=nobody www*",
            "local.web.addresses=*@shop.test user2@example.test",
            "smtp.message_size=2M"])
        cls.server.start()
        cls.user, cls.other, cls.admin = cls.server.users
        cls.host = ctl(cls.server, "status")["hostname"]
        ctl(cls.server, "user", "set", cls.admin, "--admin")

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.clean()
        subprocess.run(["rm", "-rf", cls.dir])

    def run_it(self, *args, input=b"", status=OK, user=None, env=None,
               program=SENDMAIL):
        command = [program] + list(args)
        if user is not None:
            command = ["setpriv", "--reuid", user, "--regid", "nogroup",
                       "--clear-groups"] + command
        p = subprocess.run(
            command, input=input, capture_output=True, timeout=60,
            env={**os.environ, "POSTERN_SENDMAIL": self.socket, "NAME": "",
                 **(env or {})})
        self.assertEqual(p.returncode, status, p.stderr)
        return p

    def one(self, user, text):
        """The message, as octets."""
        found = inbox(self.server, user, text)
        self.assertEqual(len(found), 1)
        return found[0]

    def message(self, extra="", body="Text\n"):
        t = token() + "-"
        return t, ("Subject: %s\n%s\n%s" % (t, extra, body)).encode()

    # --- envelopes

    def test_recipients_on_the_command_line(self):
        t, text = self.message()
        self.run_it("-i", self.user, "--", self.other, input=text)
        for user in (self.user, self.other):
            m = self.one(user, t)
            self.assertIn(("Return-Path: <%s@%s>" % (ME, self.host)).encode(),
                          m)
            self.assertRegex(m, rb"From: .*<%s@%s>" % (
                ME.encode(), self.host.encode()))
            self.assertIn(b"\r\nDate: ", m)
            self.assertIn(b"\r\nMessage-ID: ", m)

    def test_t_and_bcc(self):
        t, text = self.message(
            "To: A Name <%s>,\n  (note) %s\nBCC: %s\n" % (
                self.user, self.other, self.admin))
        self.run_it("-ti", input=text)
        for user in (self.user, self.other, self.admin):
            m = self.one(user, t)
            self.assertNotIn(b"bcc", m.lower())
            self.assertIn(b"\r\nTo: A Name <%s>,\r\n  (note) " %
                          self.user.encode(), m)

    def test_t_without_anybody(self):
        t, text = self.message("Cc: group:;\n")
        self.run_it("-t", input=text, status=DATAERR)

    def test_resent(self):
        t, text = self.message("To: %s\nResent-To: %s\n" % (
            self.user, self.other))
        self.run_it("-t", input=text)
        self.one(self.other, t)
        self.assertEqual(inbox(self.server, self.user, t), [])

    def test_names_without_domains(self):
        ctl(self.server, "alias", "add", "anna@example.test", self.user)
        t, text = self.message("From: root (Cron Daemon)\nTo: anna, "
                               "\"B, C\" <anna>\nReply-To: a@b.test\n")
        self.run_it("-t", input=text)
        m = self.one(self.user, t)
        self.assertIn(b"\r\nFrom: Cron Daemon <root@%s>\r\n"
                      % self.host.encode(), m)
        self.assertIn(b'\r\nTo: anna@%s,\r\n\t"B, C" <anna@%s>\r\n' % (
            self.host.encode(), self.host.encode()), m)
        self.assertIn(b"\r\nReply-To: a@b.test\r\n", m)

    def test_root_is_the_postmaster(self):
        t, text = self.message()
        self.run_it("root", input=text)
        self.one(self.admin, t)
        self.run_it("nobody-of-that-name", input=text, status=NOUSER)

    @unittest.skipIf(os.getuid() != 0, "needs root")
    def test_who_may_send_as_whom(self):
        # Root: anything. Others: themselves, and what the blocks say.
        t, text = self.message()
        self.run_it("-f", "ann@elsewhere.test", self.user, input=text)
        self.assertIn(b"Return-Path: <ann@elsewhere.test>",
                      self.one(self.user, t))
        for sender, status in ((None, OK), ("nobody", OK),
                               ("nobody@" + self.host, OK), ("<>", OK),
                               ("orders@shop.test", OK), (self.other, OK),
                               (self.user, NOPERM), ("root", NOPERM),
                               ("nobody@example.org", NOPERM)):
            t, text = self.message()
            args = ("-f", sender) if sender else ()
            self.run_it(*args, self.user, input=text, user="nobody",
                        status=status)
            self.assertEqual(len(inbox(self.server, self.user, t)),
                             status == OK, sender)
        self.run_it(self.user, input=text, user="daemon")
        self.run_it("-f", "orders@shop.test", self.user, input=text,
                    user="daemon", status=NOPERM)
        # The same for From.
        for sender, status in (("x <orders@shop.test>", OK),
                               (self.user, NOPERM)):
            t, text = self.message("From: %s\n" % sender)
            self.run_it(self.user, input=text, user="nobody", status=status)

    def test_from_is_made(self):
        t, text = self.message()
        self.run_it("-F", 'A "B" C.', "-f", "me@x.test", self.user,
                    input=text)
        self.assertIn(b'\r\nFrom: "A \\"B\\" C." <me@x.test>\r\n',
                      self.one(self.user, t))
        t, text = self.message()
        self.run_it("-FÄnne", self.user, input=text)
        self.assertIn(b"\r\nFrom: =?utf-8?b?w4RubmU=?= <",
                      self.one(self.user, t))

    # --- contents

    def test_odd_contents(self):
        long = "X-Long: " + "a" * 5000 + "\n"
        cases = [
            (b"no header\nat all", b"\r\n\r\nno header\r\nat all\r\n"),
            (b"From ann Mon Jan  1 00:00:00 2026\nSubject: s\n\nx",
             b"\r\n\r\nx\r\n"),
            (b"Subject: s\n\n.hidden\n..\n\n...\n",
             b"\r\n\r\n.hidden\r\n..\r\n\r\n...\r\n"),
            (b"Subject: s\nno field\nText\n",
             b"\r\n\r\nno field\r\nText\r\n"),
            (b"Subject: s\r\n\r\nwith CR LF\r\n\r\n.\r\n",
             b"\r\n\r\nwith CR LF\r\n\r\n.\r\n"),
            (b"Subject: s\n\nalone\rhere\n\x00NUL\n",
             b"\r\n\r\nalone\r\nhere\r\nNUL\r\n"),
            (b"Subject: s\n\n\xff\xfe 8 bit \xc3\xa4\n",
             b"\r\n\r\n\xff\xfe 8 bit \xc3\xa4\r\n"),
            (long.encode() + b"Subject:\n folded\n\tmore\n\nx\n",
             long.encode().replace(b"\n", b"\r\n")),
            (b"", b"\r\n\r\n"),
            (b".", b"\r\n\r\n.\r\n"),
        ]
        for text, end in cases:
            t = token() + "-"
            self.run_it("-i", "-F", t, self.user, input=text)
            m = self.one(self.user, t)
            self.assertNotIn(b"From ann", m)
            if b"X-Long" in end:
                self.assertIn(end, m)
                self.assertIn(b"Subject:\r\n folded\r\n\tmore\r\n", m)
            else:
                self.assertTrue(m.endswith(end), (text, m))

    def test_a_dot_ends_it_without_i(self):
        for args, end in (((), b"\r\n\r\none\r\n"),
                          (("-i",), b"\r\n\r\none\r\n.\r\ntwo\r\n"),
                          (("-oi",), b"\r\n\r\none\r\n.\r\ntwo\r\n")):
            t, text = self.message(body="one\n.\ntwo\n")
            self.run_it(*args, self.user, input=text)
            self.assertTrue(self.one(self.user, t).endswith(end))

    def test_large_ones(self):
        t, text = self.message(body="0123456789\n" * 100000)
        self.run_it("-i", self.user, input=text)
        self.assertGreater(len(self.one(self.user, t)), 1200000)
        t, text = self.message(body="0123456789\n" * 300000)
        p = self.run_it("-i", self.user, input=text, status=UNAVAILABLE)
        self.assertIn(b"too large", p.stderr)
        self.assertEqual(inbox(self.server, self.user, t), [])
        self.run_it("-t", input=b"To: x\n" + b"A: b\n" * 2000000,
                    status=DATAERR)

    def test_half_a_message_is_none(self):
        t = token() + "-"
        p = subprocess.Popen(
            [SENDMAIL, "-i", self.user], stdin=subprocess.PIPE,
            env={**os.environ, "POSTERN_SENDMAIL": self.socket})
        p.stdin.write(("Subject: %s\n\n" % t).encode() + b"x\n" * 100000)
        p.stdin.flush()
        p.kill()
        p.wait()
        p.stdin.close()
        self.assertEqual(inbox(self.server, self.user, t), [])

    # --- the rest

    def test_the_server_is_away(self):
        t, text = self.message()
        p = self.run_it(self.user, input=text, status=TEMPFAIL,
                        env={"POSTERN_SENDMAIL": self.dir + "/nothing"})
        self.assertIn(b"cannot be reached", p.stderr)

    def test_wrong_use(self):
        self.run_it(status=USAGE)
        self.run_it("-bd", status=USAGE)
        self.run_it("-Z", status=USAGE)
        self.run_it("-N", "sometimes", self.user, status=USAGE)
        self.run_it("-f", "a, b", self.user, status=USAGE)

    def test_what_is_ignored(self):
        t, text = self.message()
        self.run_it("-B8BITMIME", "-oem", "-odb", "-oi", "-m", "-Uv", "-N",
                    "failure,delay", "-R", "hdrs", "-V", "an id",
                    self.user, input=text)
        self.one(self.user, t)
        self.run_it("-bi")

    def test_verbose(self):
        t, text = self.message()
        p = self.run_it("-v", self.user, input=text)
        self.assertIn(b">> RCPT TO:<%s>" % self.user.encode(), p.stderr)

    def test_smtp_on_standard_input(self):
        t, text = self.message()
        p = self.run_it("-bs", input=b"EHLO x\r\nMAIL FROM:<%s@%s>\r\n"
                        b"RCPT TO:<%s>\r\nDATA\r\n%s\r\n.\r\nQUIT\r\n" % (
                            ME.encode(), self.host.encode(),
                            self.user.encode(),
                            text.strip().replace(b"\n", b"\r\n")))
        self.assertIn(b"250 2.0.0", p.stdout)
        self.assertNotIn(b"AUTH", p.stdout)
        self.one(self.user, t)

    def test_the_socket_is_for_all(self):
        self.assertEqual(stat.S_IMODE(os.stat(self.socket).st_mode), 0o666)
        self.assertEqual(stat.S_IMODE(
            os.stat(os.path.dirname(self.socket)).st_mode), 0o755)

    def test_a_place_that_cannot_be(self):
        for path in ("%s/run/x" % self.server.dir,
                     "%s/state/x" % self.server.dir):
            with self.assertRaises(RuntimeError) as e:
                Server(users=1, dir=self.server.dir + "-2", set=[
                    "listener.local.protocol=submission",
                    "listener.local.local=true",
                    "listener.local.path=" + path.replace(
                        self.server.dir, self.server.dir + "-2")]
                    if os.makedirs(self.server.dir + "-2",
                                   exist_ok=True) is None else []).start()
            self.assertIn("a directory of its own", str(e.exception))
        subprocess.run(["rm", "-rf", self.server.dir + "-2"])

    def test_what_they_send_counts(self):
        server = Server(users=1, set=[
            "listener.local.protocol=submission", "listener.local.local=true",
            "listener.local.tls=none", "queue.enabled=true",
            "listener.local.path=" + self.dir + "/other/socket",
            "queue.relay=[127.0.0.1]:1", "sending.enabled=true",
            "sending.messages_hour=1"])
        server.start()
        self.addCleanup(server.clean)
        self.addCleanup(lambda: server.stop())
        t, text = self.message()
        for i in range(2):
            self.run_it("a@else.test", input=text, env={
                "POSTERN_SENDMAIL": self.dir + "/other/socket"})
        user = "%s@%s" % (ME, self.host)
        self.assertTrue(ctl(server, "sending", "show", user)["braked"])
        self.assertTrue(
            [m for m in ctl(server, "queue", "list", "--user", user)
             if m["held"]])
        ctl(server, "sending", "lift", user)
        ctl(server, "sending", "show", "else@" + self.host, status=3)

    def test_what_comes_back(self):
        server = Server(users=1, set=[
            "listener.local.protocol=submission", "listener.local.local=true",
            "listener.local.tls=none", "queue.enabled=true",
            "listener.local.path=" + self.dir + "/third/socket",
            # It refuses to relay.
            "queue.relay=[127.0.0.1]:%d" % self.server.ports["smtp"]])
        server.start()
        self.addCleanup(server.clean)
        self.addCleanup(lambda: server.stop())
        ctl(server, "user", "set", server.users[0], "--admin")
        t, text = self.message()
        self.run_it("a@else.test", input=text, env={
            "POSTERN_SENDMAIL": self.dir + "/third/socket"})
        back = wait_for(lambda: inbox(server, server.users[0], t))[0]
        self.assertIn(b"Final-Recipient: rfc822; a@else.test", back)

    def test_over_the_network_it_is_nobody(self):
        with smtplib.SMTP(self.server.host,
                          self.server.ports["submission"]) as s:
            s.ehlo()
            self.assertEqual(s.mail("root@" + self.host)[0], 530)

    # --- programs

    @need("mailx")
    def test_mailx(self):
        t = token() + "-"
        with tempfile.NamedTemporaryFile("w", suffix=".rc") as rc:
            rc.write("set sendmail=%s\n" % SENDMAIL)
            rc.flush()
            p = subprocess.run(
                ["mailx", "-s", t, self.user], input=b"Hello\n.x\n",
                capture_output=True, timeout=60,
                env={**os.environ, "MAILRC": rc.name,
                     "POSTERN_SENDMAIL": self.socket})
        self.assertEqual(p.returncode, 0, p.stderr)
        m = wait_for(lambda: inbox(self.server, self.user, t))[0]
        self.assertTrue(m.endswith(b"Hello\r\n.x\r\n"), m)

    @need("mutt")
    def test_mutt(self):
        t = token() + "-"
        p = subprocess.run(
            ["mutt", "-n", "-F", "/dev/null", "-e",
             "set sendmail='%s -oem -oi'" % SENDMAIL, "-e", "set copy=no",
             "-e", "set send_charset=utf-8",
             "-e", "set from=%s@%s" % (ME, self.host), "-e",
             "set use_envelope_from=yes", "-s", t, "-b", self.other,
             "--", self.user], input="Grüße\n".encode(),
            capture_output=True, timeout=60,
            env={**os.environ, "POSTERN_SENDMAIL": self.socket,
                 "LC_ALL": "C.UTF-8", "HOME": self.dir})
        self.assertEqual(p.returncode, 0, p.stderr)
        m = wait_for(lambda: inbox(self.server, self.user, t))[0]
        self.assertIn("Grüße\r\n".encode(), m)
        m = wait_for(lambda: inbox(self.server, self.other, t))[0]
        self.assertNotIn(b"Bcc", m)

    @need("git")
    def test_git_send_email(self):
        if subprocess.run(["git", "send-email", "-h"],
                          capture_output=True).returncode not in (0, 129):
            self.skipTest("not installed: git-email")
        repository = os.path.join(self.dir, "repository")
        env = {**os.environ, "POSTERN_SENDMAIL": self.socket,
               "HOME": self.dir, "GIT_CONFIG_NOSYSTEM": "1"}
        t = token() + "-"
        for command in (["git", "init", "-q", repository],
                        ["git", "-C", repository, "-c", "user.name=A",
                         "-c", "user.email=%s@%s" % (ME, self.host),
                         "commit", "-q", "--allow-empty", "-m", t]):
            subprocess.run(command, check=True, env=env)
        p = subprocess.run(
            ["git", "-C", repository, "send-email", "--quiet",
             "--smtp-server", SENDMAIL, "--from", "%s@%s" % (ME, self.host),
             "--to", self.user, "--confirm=never", "-1", "--always"],
            capture_output=True, env=env, timeout=60)
        if b"Can't locate" in p.stderr or b"No patch" in p.stderr:
            self.skipTest("git-email does not work here")
        self.assertEqual(p.returncode, 0, p.stderr)
        wait_for(lambda: inbox(self.server, self.user, t))

    def test_cron(self):
        """As Debian's cron writes it, to its standard input."""
        t = token() + "-"
        text = ("From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@h> "
                "%s\nMIME-Version: 1.0\nContent-Type: text/plain; "
                "charset=UTF-8\nX-Cron-Env: <LOGNAME=root>\n\nout\r50%%\n"
                % t).encode()
        self.run_it("-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root",
                    input=text)
        m = self.one(self.admin, t)
        self.assertTrue(m.endswith(b"\r\n\r\nout\r\n50%\r\n"), m)
        self.assertEqual(len(re.findall(rb"(?m)^From:", m)), 1)


if __name__ == "__main__":
    unittest.main()
