"""Accounts in the database: several servers see the same users at once, and
while the database is away nobody is said not to exist."""

import base64
import hashlib
import hmac
import json
import os
import re
import shutil
import smtplib
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import cluster
from browser import Browser
from postern import SLOW, Server, copy_modules
from wire import POSTERNCTL, POSTERND, Line, imap, run, wait_for

SET = ["accounts.database=postgresql", "auth.failure_delay=0",
       "auth.failures=100000"]
USER = "ann@example.test"
PASSWORD = "correct horse"


def login(server, user, password):
    """What LOGIN says."""
    c = imap(server)
    try:
        return c.ask("a", 'LOGIN %s "%s"' % (user, password))[0]
    finally:
        c.close()


def scram(server, user, password):
    """A whole login by SCRAM-SHA-256 (RFC 7677)."""
    def b64(text):
        return base64.b64encode(text).decode()
    c = imap(server)
    try:
        bare = ("n=%s,r=nonce" % user).encode()
        c.say("s AUTHENTICATE SCRAM-SHA-256 " + b64(b"n,," + bare))
        first = base64.b64decode(c.line()[2:])
        parts = dict(p.split("=", 1) for p in first.decode().split(","))
        salted = hashlib.pbkdf2_hmac(
            "sha256", password.encode(), base64.b64decode(parts["s"]),
            int(parts["i"]))
        key = hmac.digest(salted, b"Client Key", "sha256")
        last = b"c=biws,r=" + parts["r"].encode()
        signature = hmac.digest(
            hashlib.sha256(key).digest(), b",".join((bare, first, last)),
            "sha256")
        proof = bytes(x ^ y for x, y in zip(key, signature))
        c.say(b64(last + b",p=" + b64(proof).encode()))
        if c.line().startswith("+ "):
            c.say("")
            if c.line().startswith("s OK"):
                return
        raise AssertionError("no login by SCRAM")
    finally:
        c.close()


def pop3(server, user, password):
    c = Line(server.host, server.ports["pop3"])
    try:
        c.line()
        c.say("USER " + user)
        c.line()
        c.say("PASS " + password)
        return c.line()
    finally:
        c.close()


def rcpt(server, address):
    """The code for a recipient that comes over LMTP."""
    with smtplib.LMTP(server.host, server.ports["lmtp"]) as c:
        c.ehlo()
        c.mail("x@elsewhere.test")
        return c.rcpt(address)[0]


class Case(unittest.TestCase):
    nodes = 2
    own = False  # takes the database away

    @classmethod
    def setUpClass(cls):
        if cluster.programs() is None:
            raise unittest.SkipTest("no PostgreSQL")
        if cls.own:
            cls.cluster = cluster.new()
            cls.addClassCleanup(cls.cluster.close)
        else:
            cls.cluster = cluster.cluster()
        cls.database = "accounts_%d_%s" % (os.getpid(), cls.__name__.lower())
        cls.conninfo = cls.cluster.create(cls.database)
        if not cls.own:
            cls.addClassCleanup(cls.cluster.drop, cls.database)
        cls.servers = []
        for _ in range(cls.nodes):
            s = Server(storage="postgresql:" + cls.conninfo, set=SET)
            cls.addClassCleanup(s.clean)
            cls.addClassCleanup(s.stop)
            s.start()
            cls.servers.append(s)

    def ctl(self, node, *args, code=0, input=None):
        p = self.servers[node].ctl(*args, input=input)
        self.assertEqual(p.returncode, code, p.stdout + p.stderr)
        return p.stderr if code else p.stdout

    def expect_login(self, node, user, password, want):
        self.assertTrue(login(self.servers[node], user, password)
                        .startswith(want))


class Shared(Case):
    def test_a_life_at_two_servers(self):
        a, b = 0, 1
        self.ctl(a, "user", "add", USER, input=PASSWORD + "\n")
        for _ in range(2):  # the second time it is remembered
            for node in (a, b):
                self.expect_login(node, USER, PASSWORD, "OK")
        self.ctl(b, "user", "add", USER, input="other password\n", code=4)
        self.assertEqual(rcpt(self.servers[b], USER), 250)

        # What was remembered there is not believed any more.
        self.ctl(a, "user", "passwd", USER, input="another horse\n")
        self.expect_login(b, USER, PASSWORD, "NO [AUTHENTICATIONFAILED]")
        self.expect_login(b, USER, "another horse", "OK")
        self.ctl(b, "user", "disable", USER)
        self.expect_login(a, USER, "another horse",
                          "NO [AUTHENTICATIONFAILED]")
        self.assertEqual(rcpt(self.servers[a], USER), 250)
        self.ctl(a, "user", "enable", USER)
        self.expect_login(b, USER, "another horse", "OK")

        self.ctl(a, "alias", "add", "all@example.test", USER,
                 "user1@example.test")
        self.assertEqual(rcpt(self.servers[b], "all@example.test"), 250)
        self.ctl(b, "alias", "delete", "all@example.test")
        self.assertEqual(rcpt(self.servers[a], "all@example.test"), 550)
        self.ctl(a, "domain", "add", "new.test")
        self.ctl(b, "user", "add", "bob@new.test", input=PASSWORD + "\n")
        self.assertEqual(rcpt(self.servers[a], "bob@new.test"), 250)
        self.ctl(a, "domain", "delete", "new.test", code=1)
        self.ctl(a, "user", "delete", "bob@new.test")
        self.ctl(a, "domain", "delete", "new.test")
        self.assertEqual(rcpt(self.servers[b], "bob@new.test"), 550)

        self.ctl(b, "user", "delete", USER)
        self.expect_login(a, USER, "another horse",
                          "NO [AUTHENTICATIONFAILED]")
        self.assertEqual(rcpt(self.servers[a], USER), 550)

    def test_a_browser_at_two_servers(self):
        self.ctl(0, "user", "add", "web@example.test", input=PASSWORD + "\n")
        a, b = [Browser(s) for s in self.servers]
        self.addCleanup(a.close)
        self.addCleanup(b.close)
        self.assertEqual(a.login("web@example.test", PASSWORD), 200)
        b.cookie = a.cookie
        self.assertEqual(b.ask("GET", "/jmap/session")[0], 200)
        self.assertEqual(len(b.ask("GET", "/web/sessions")[1]["sessions"]), 1)
        self.assertEqual(a.ask("POST", "/web/logout")[0], 204)
        # What was asked for just now is believed for some seconds.
        self.assertTrue(wait_for(
            lambda: b.ask("GET", "/jmap/session")[0] == 401, 30))

    def test_a_name_is_given_once(self):
        """A user here and an alias there, both at once: one of them."""
        for i in range(4):
            name = "both%d@example.test" % i
            codes = [None, None]

            def add(node, *args):
                codes[node] = self.servers[node].ctl(
                    *args, input="secret\n").returncode
            threads = [
                threading.Thread(target=add, args=(0, "user", "add", name)),
                threading.Thread(target=add, args=(
                    1, "alias", "add", name, "user1@example.test"))]
            for t in threads:
                t.start()
            for t in threads:
                t.join(60 * SLOW)
            self.assertEqual(sorted(codes), [0, 4])

    def test_questions_of_a_login(self):
        """One, also for a recipient; by SCRAM one for each message."""
        self.ctl(0, "user", "add", "count@example.test",
                 input=PASSWORD + "\n")
        self.expect_login(0, "count@example.test", PASSWORD, "OK")
        self.cluster.sql("ALTER DATABASE %s SET log_statement = 'all'"
                         % self.database)
        server = self.servers[0]
        server.stop()
        server.start()  # its connections have the setting now
        self.expect_login(0, "count@example.test", PASSWORD, "OK")

        def asked(step):
            before = len(self.cluster.log())
            step()
            return re.findall(r"LOG: +execute \w+: (.* account_(?:user|alias|domain))",
                              self.cluster.log()[before:])
        found = asked(lambda: self.expect_login(
            0, "count@example.test", PASSWORD, "OK"))
        self.assertEqual(len(found), 1, found)
        found = asked(lambda: scram(server, "count", PASSWORD))
        self.assertEqual(len(found), 2, found)
        found = asked(lambda: self.assertEqual(
            rcpt(server, "count@example.test"), 250))
        self.assertEqual(len(found), 1, found)
        self.cluster.sql("ALTER DATABASE %s RESET log_statement"
                         % self.database)


class Away(Case):
    nodes = 1
    own = True

    def test_temporary_until_it_is_back(self):
        server = self.servers[0]
        self.ctl(0, "user", "add", USER, input=PASSWORD + "\n")
        self.expect_login(0, USER, PASSWORD, "OK")
        sender = smtplib.SMTP(server.host, server.ports["submission"])
        sender.login("user1@example.test", server.password)
        self.cluster.stop()
        for _ in range(3):
            for user in (USER, "nobody@example.test"):
                self.expect_login(0, user, PASSWORD, "NO [UNAVAILABLE]")
                self.assertRegex(pop3(server, user, PASSWORD),
                                 r"^-ERR \[SYS/TEMP\]")
            for address in (USER, "nobody@example.test", "x@unknown.test"):
                self.assertEqual(rcpt(server, address), 451)
        # Nor is a sender said to be somebody else's.
        self.assertEqual(sender.mail("user1@example.test")[0], 451)
        self.assertEqual(sender.mail(USER)[0], 451)
        with smtplib.SMTP(server.host, server.ports["submission"]) as c:
            with self.assertRaises(smtplib.SMTPAuthenticationError) as e:
                c.login(USER, PASSWORD)
            self.assertEqual(e.exception.smtp_code, 454)
        self.ctl(0, "user", "list", code=1)

        stop = threading.Event()
        seen = set()

        def keep_trying():
            while not stop.is_set():
                seen.add(login(server, USER, PASSWORD).partition("]")[0])
                seen.add(rcpt(server, USER))
        threads = [threading.Thread(target=keep_trying) for _ in range(3)]
        for t in threads:
            t.start()
        time.sleep(0.3)
        self.cluster.start()
        back = wait_for(lambda: login(server, USER, PASSWORD)
                        .startswith("OK") and rcpt(server, USER) == 250)
        stop.set()
        for t in threads:
            t.join(60 * SLOW)
        self.assertTrue(back)
        for what in seen:
            self.assertIn(what if isinstance(what, int) else what[:15],
                          (250, 451, "NO [UNAVAILABLE", "OK [CAPABILITY "))
        self.assertEqual(sender.mail("user1@example.test")[0], 250)
        self.assertEqual(sender.rset()[0], 250)
        self.assertEqual(sender.mail(USER)[0], 553)
        sender.close()
        self.assertEqual(rcpt(server, "nobody@example.test"), 550)


class Configured(unittest.TestCase):
    """A server that is no sandbox: its tables are made by a command, as
    another role, and it may come up before the database does."""

    def setUp(self):
        if cluster.programs() is None:
            self.skipTest("no PostgreSQL")
        self.dir = tempfile.mkdtemp(prefix="postern-test-")
        self.addCleanup(shutil.rmtree, self.dir, True)
        user = ""
        if os.geteuid() == 0:
            user = "nobody"
            os.chown(self.dir, 65534, 65534)
        self.cluster = cluster.new()
        self.addCleanup(self.cluster.close)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.host, port = s.getsockname()
        self.ports = {"imap": port}
        self.conf = os.path.join(self.dir, "postern.conf")
        with open(self.conf, "w") as f:
            f.write("""
                hostname = mx.example.test
                domains = { example.test }
                user = "%s"
                module_dir = "%s"
                state_dir = "%s/state"
                run_dir = "%s/run"
                storage pg {
                    module = postgresql
                    option = { "conninfo=%s", "init_conninfo=%s" }
                }
                accounts { database = pg }
                listener imap {
                    protocol = imap
                    address = { 127.0.0.1 }
                    port = %d
                }
                auth { plaintext_on_loopback = true hash_cost = 1 }
            """ % (user, copy_modules(self.dir), self.dir, self.dir,
                   self.cluster.create("configured"),
                   self.cluster.conninfo("configured", cluster.ADMIN), port))

    def ctl(self, *args, code=0, input=None):
        p = run(POSTERNCTL, "-c", self.conf, *args, input=input)
        self.assertEqual(p.returncode, code, p.stdout + p.stderr)
        return p.stderr if code else p.stdout

    def posternd(self):
        log = open(os.path.join(self.dir, "log"), "a")
        self.addCleanup(log.close)
        p = subprocess.Popen([POSTERND, "-f", "-c", self.conf],
                             stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def end():
            if p.poll() is None:
                p.terminate()
            p.wait(60)
        self.addCleanup(end)
        return p

    def said(self):
        with open(os.path.join(self.dir, "log")) as f:
            return f.read()

    def test_first_steps(self):
        self.assertNotEqual(self.posternd().wait(30 * SLOW), 0)
        self.assertIn("posternctl storage init", self.said())
        text = self.ctl("user", "add", USER, input=PASSWORD + "\n", code=1)
        self.assertIn("posternctl storage init", text)
        self.assertIn("accounts: made", self.ctl("storage", "init", "pg"))
        self.ctl("user", "add", USER, input=PASSWORD + "\n")
        self.cluster.stop()
        self.posternd()
        self.assertTrue(wait_for(lambda: "ready" in self.said()))
        self.assertTrue(login(self, USER, PASSWORD)
                        .startswith("NO [UNAVAILABLE]"))
        c = imap(self)
        c.say("s AUTHENTICATE SCRAM-SHA-256 " + base64.b64encode(
            b"n,,n=ann,r=abcdefgh").decode())
        self.assertTrue(c.line().startswith("s NO [UNAVAILABLE]"))
        c.close()
        self.cluster.start()
        self.assertTrue(wait_for(
            lambda: login(self, USER, PASSWORD).startswith("OK"), 20))
        self.assertFalse(os.path.exists(
            os.path.join(self.dir, "state/accounts.db")))


class Copy(Case):
    nodes = 0

    def test_from_a_file_and_back(self):
        with Server(storage="postgresql:" + self.conninfo,
                    set=["auth.failure_delay=0"]) as s:
            def ctl(*args, code=0, input=None):
                p = s.ctl(*args, input=input)
                self.assertEqual(p.returncode, code, p.stdout + p.stderr)
                return p.stderr if code else p.stdout
            ctl("user", "add", USER, "--quota", "5M", "--admin",
                input=PASSWORD + "\n")
            ctl("alias", "add", "all@example.test", USER)
            text = ctl("accounts", "copy", "sqlite", "postgresql", code=1)
            self.assertIn("posternctl storage init postgresql", text)
            self.assertIn("accounts: made", ctl("storage", "init"))
            self.assertIn("nothing to do", ctl("storage", "init"))
            done = json.loads(ctl("accounts", "copy", "sqlite", "postgresql",
                                  "--dry-run", "--json"))
            self.assertEqual(done["users"], 3)
            done = json.loads(ctl("accounts", "copy", "sqlite", "postgresql",
                                  "--json"))
            self.assertEqual((done["users"], done["aliases"], done["same"]),
                             (3, 1, 0))
            s.stop()
            s.set.append("accounts.database=postgresql")
            s.start()
            self.assertTrue(login(s, USER, PASSWORD).startswith("OK"))
            ctl("user", "passwd", USER, input="another horse\n")
            text = ctl("accounts", "copy", "postgresql", "sqlite", code=4)
            self.assertIn("user %s is there already" % USER, text)
            ctl("accounts", "copy", "postgresql", "sqlite", "--replace")
            s.stop()
            s.set.pop()
            s.start()
            self.assertTrue(login(s, USER, "another horse").startswith("OK"))
            shown = json.loads(ctl("user", "show", USER, "--json"))
            self.assertEqual(shown["quota_bytes"], 5 << 20)
            self.assertIs(shown["admin"], True)


if __name__ == "__main__":
    unittest.main()
