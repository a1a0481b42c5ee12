"""posternctl user, alias, domain: with and without a running server."""

import json
import os
import pty
import time
import unittest

from postern import Server
from wire import POSTERNCTL, Line, imap, run, wait_for

USER = "ann@example.test"
PASSWORD = "correct horse"


class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(set=["auth.failure_delay=0",
                                 "auth.failures=1000"])
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.clean()

    def ctl(self, *args, code=0, input=None):
        p = self.server.ctl(*args, input=input)
        self.assertEqual(p.returncode, code, p.stdout + p.stderr)
        if code:
            self.assertTrue(p.stderr.startswith("posternctl: "), p.stderr)
        else:
            self.assertEqual(p.stderr, "")
        return p.stdout

    def logs_in(self, user, password):
        try:
            imap(self.server, user, '"%s"' % password).close()
        except PermissionError:
            return False
        return True


class Users(Base):
    def test_life(self):
        self.ctl("user", "add", USER, "--name", "Ann Ästhet", "--quota", "2G",
                 "--quota-messages", "500", input=PASSWORD + "\n")
        self.assertTrue(self.logs_in(USER, PASSWORD))
        self.assertTrue(self.logs_in(USER.upper(), PASSWORD))
        self.ctl("user", "add", USER, input="other password\n", code=4)

        shown = json.loads(self.ctl("user", "show", USER, "--json"))
        self.assertEqual(shown["address"], USER)
        self.assertEqual(shown["name"], "Ann Ästhet")
        self.assertEqual(shown["quota_bytes"], 2 << 30)
        self.assertEqual(shown["quota_messages"], 500)
        self.assertIs(shown["enabled"], True)
        self.assertIs(shown["admin"], False)
        self.assertLess(abs(shown["created"] - time.time()), 600)
        self.assertEqual(shown["used_messages"], 0)
        text = self.ctl("user", "show", USER)
        self.assertRegex(text, r"quota +2G\n")

        listed = json.loads(self.ctl("--json", "user", "list"))
        self.assertIn(USER, [u["address"] for u in listed])
        self.assertEqual(json.loads(self.ctl(
            "user", "list", "elsewhere.test", "--json")), [])
        lines = self.ctl("user", "list").splitlines()
        self.assertTrue(lines[0].startswith("ADDRESS"))
        # Aligned, although a name is not ASCII.
        self.assertEqual(len({line.index(word) for line, word in (
            (lines[0], "ENABLED"),
            (next(x for x in lines if x.startswith(USER)), "yes"))}), 1)

        self.ctl("user", "set", USER, "--admin", "--quota", "default",
                 "--name", "")
        shown = json.loads(self.ctl("user", "show", USER, "--json"))
        self.assertIs(shown["admin"], True)
        self.assertEqual(shown["quota_bytes"], -1)
        self.assertEqual(shown["name"], "")
        self.ctl("user", "set", USER, "--no-admin", "--quota", "none")

        self.ctl("user", "passwd", USER, input="another horse\n")
        self.assertFalse(self.logs_in(USER, PASSWORD))
        self.assertTrue(self.logs_in(USER, "another horse"))

        session = imap(self.server, USER, '"another horse"')
        self.ctl("user", "disable", USER)
        self.assertTrue(wait_for(lambda: session.line() == ""))
        session.close()
        self.assertFalse(self.logs_in(USER, "another horse"))
        self.ctl("user", "enable", USER)
        self.assertTrue(self.logs_in(USER, "another horse"))

        self.ctl("user", "delete", USER)
        self.assertFalse(self.logs_in(USER, "another horse"))
        self.ctl("user", "show", USER, code=3)
        self.ctl("user", "delete", USER, code=3)

    def test_what_is_refused(self):
        for args, code in (
                (["user", "add", "no-address"], 2),
                (["user", "add", "a@not-here.test"], 3),
                (["user", "add"], 2),
                (["user", "add", "a@example.test", "b@example.test"], 2),
                (["user", "add", "x@example.test", "--quota", "much"], 2),
                (["user", "add", "x@example.test", "--storage", "none"], 3),
                (["user", "add", "x@example.test", "--name", "n" * 200], 2),
                (["user", "list", "--admin"], 2),
                (["user", "set", "user1@example.test"], 2),
                (["user", "set", "user1@example.test", "--admin",
                  "--no-admin"], 2),
                (["user", "set", "nobody@example.test", "--admin"], 3),
                (["user", "passwd", "nobody@example.test"], 3),
                (["user", "nonsense"], 2),
                (["user"], 2),
                (["nonsense"], 2),
                (["--nonsense"], 2)):
            p = self.server.ctl(*args, input="long enough\n")
            self.assertEqual(p.returncode, code, (args, p.stderr))
            self.assertNotEqual(p.stderr, "")

    def test_short_and_empty_passwords(self):
        self.ctl("user", "add", "s@example.test", input="12345\n", code=1)
        self.ctl("user", "add", "s@example.test", input="\n", code=1)
        self.ctl("user", "add", "s@example.test", input="", code=1)
        self.ctl("user", "add", "s@example.test", input="x" * 5000, code=1)
        self.ctl("user", "show", "s@example.test", code=3)

    def test_without_a_password_there_is_no_login(self):
        self.ctl("user", "add", "np@example.test", "--no-password", input="")
        self.assertFalse(self.logs_in("np@example.test", ""))
        self.assertFalse(self.logs_in("np@example.test", "x"))
        self.ctl("user", "passwd", "np@example.test", input=PASSWORD + "\n")
        self.assertTrue(self.logs_in("np@example.test", PASSWORD))

    def type_in(self, *lines):
        """user add on a terminal of its own; what the terminal showed."""
        try:
            pid, fd = pty.fork()
        except OSError as e:        # a chroot without /dev/pts
            self.skipTest("no terminal: %s" % e)
        if pid == 0:
            os.execv(POSTERNCTL, [POSTERNCTL, "--sandbox", self.server.dir,
                                  "user", "add", "t@example.test"])
        shown = b""
        for line in lines:
            while not shown.endswith(b": "):
                shown += os.read(fd, 1000)
            os.write(fd, line)
            shown += b"|"
        try:
            while True:
                piece = os.read(fd, 1000)
                if not piece:
                    break
                shown += piece
        except OSError:
            pass
        os.close(fd)
        _, status = os.waitpid(pid, 0)
        return shown.decode(), os.waitstatus_to_exitcode(status)

    def test_terminal(self):
        shown, status = self.type_in(b"first one\n", b"other one\n")
        self.assertEqual(status, 1)
        self.assertIn("not the same", shown)
        self.assertNotIn("first one", shown)
        shown, status = self.type_in(b"first one\n", b"first one\n")
        self.assertEqual(status, 0, shown)
        self.assertNotIn("first one", shown)
        self.assertTrue(self.logs_in("t@example.test", "first one"))

    def test_interrupted_on_the_terminal(self):
        shown, status = self.type_in(b"\x03")
        self.assertNotEqual(status, 0)
        self.ctl("user", "show", "never@example.test", code=3)


class DeleteWithMail(Base):
    def deliver(self, address):
        m = Line(self.server.host, self.server.ports["lmtp"])
        m.line()

        def command(text):
            m.say(text)
            while True:
                line = m.line()
                if line[3:4] != "-":
                    return line
        self.assertTrue(command("LHLO client.test").startswith("250"))
        self.assertTrue(command("MAIL FROM:<>").startswith("250"))
        self.assertTrue(command("RCPT TO:<%s>" % address).startswith("250"))
        self.assertTrue(command("DATA").startswith("354"))
        self.assertTrue(
            command("Subject: x\r\n\r\ntext\r\n.").startswith("250"))
        m.close()

    def messages(self, address):
        c = imap(self.server, address, '"%s"' % PASSWORD)
        _, others = c.ask("s", "STATUS INBOX (MESSAGES)")
        c.close()
        return int(others[0].split("MESSAGES ")[1].rstrip(")"))

    def add(self, address):
        self.ctl("user", "add", address, input=PASSWORD + "\n")

    def test_while_the_user_is_connected(self):
        address = "gone@example.test"
        self.add(address)
        self.deliver(address)
        session = imap(self.server, address, '"%s"' % PASSWORD)
        session.ask("1", "SELECT INBOX")
        self.ctl("user", "delete", address)
        self.assertTrue(wait_for(lambda: session.line() == ""))
        session.close()
        # Nobody inherits the mail.
        self.add(address)
        self.assertEqual(self.messages(address), 0)

    def test_keep_mail(self):
        address = "kept@example.test"
        self.add(address)
        self.deliver(address)
        self.ctl("user", "delete", address, "--keep-mail")
        self.add(address)
        self.assertEqual(self.messages(address), 1)

    def test_without_a_server(self):
        address = "away@example.test"
        self.add(address)
        self.deliver(address)
        self.assertEqual(self.server.stop(), 0)
        self.ctl("user", "delete", address)
        self.ctl("user", "show", address, code=3)
        self.add(address)
        shown = json.loads(self.ctl("user", "show", address, "--json"))
        self.assertNotIn("used_bytes", shown)
        for command in ("status", "connections", "reload", "stop", "trace"):
            self.ctl(command, code=5)
        self.server.start()
        self.assertEqual(self.messages(address), 0)


class Aliases(Base):
    def test_life(self):
        self.ctl("alias", "add", "team@example.test", "user1@example.test",
                 "out@elsewhere.test")
        self.ctl("alias", "add", "team@example.test", "user1@example.test",
                 code=4)
        rows = json.loads(self.ctl("alias", "list", "--json"))
        self.assertEqual(
            {(r["address"], r["target"]) for r in rows},
            {("team@example.test", "user1@example.test"),
             ("team@example.test", "out@elsewhere.test")})
        self.assertIn("TARGET", self.ctl("alias", "list", "example.test"))
        self.ctl("alias", "delete", "team@example.test", "x@example.test",
                 code=3)
        self.ctl("alias", "delete", "team@example.test",
                 "out@elsewhere.test")
        self.ctl("alias", "delete", "team@example.test")
        self.ctl("alias", "delete", "team@example.test", code=3)
        self.assertEqual(json.loads(self.ctl("alias", "list", "--json")), [])
        self.ctl("alias", "add", "only@example.test", code=2)

    def test_domains(self):
        self.ctl("domain", "add", "more.test")
        self.ctl("domain", "add", "more.test", code=4)
        rows = json.loads(self.ctl("domain", "list", "--json"))
        self.assertEqual({r["domain"]: r["configured"] for r in rows},
                         {"example.test": True, "more.test": False})
        self.ctl("user", "add", "a@more.test", input=PASSWORD + "\n")
        self.assertTrue(self.logs_in("a@more.test", PASSWORD))
        self.ctl("domain", "delete", "more.test", code=1)
        p = self.server.ctl("domain", "delete", "Example.test")
        self.assertEqual(p.returncode, 1)
        self.assertIn("in the configuration", p.stderr)
        self.ctl("user", "delete", "a@more.test")
        self.ctl("domain", "delete", "more.test")
        self.ctl("domain", "delete", "more.test", code=3)


class Program(unittest.TestCase):
    def test_help_and_version(self):
        p = run(POSTERNCTL, "--help")
        self.assertEqual(p.returncode, 0)
        self.assertIn("user passwd ADDRESS", p.stdout)
        p = run(POSTERNCTL, "--version")
        self.assertEqual(p.returncode, 0)
        self.assertTrue(p.stdout.startswith("posternctl "))
        self.assertEqual(run(POSTERNCTL).returncode, 2)

    def test_no_configuration(self):
        p = run(POSTERNCTL, "-c", "/nowhere/postern.conf", "status")
        self.assertEqual(p.returncode, 1)
        self.assertIn("/nowhere/postern.conf", p.stderr)


if __name__ == "__main__":
    unittest.main()
