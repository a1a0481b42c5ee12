"""The AUTHORIZATION state: greeting, CAPA, USER and PASS, AUTH, STLS, and what
is refused there (RFC 1939, 2449, 2595, 3206, 5034)."""

import base64
import time
import unittest

from pop3_client import Case, Closed


def b64(text):
    return base64.b64encode(text.encode()).decode()


class Authorization(Case):
    settings = ("auth.failures=1000", "pop3.lock=false")

    def plain(self, password=None, user=0):
        return b64("\0%s\0%s" % (self.server.users[user],
                                 password or self.server.password))

    def test_greeting(self):
        c = self.connect()
        self.assertOk(c.greeting)
        self.assertNotIn(b"<", c.greeting)      # no APOP here

    def test_capabilities(self):
        c = self.connect()
        before = c.lines("CAPA")
        for line in (b"TOP", b"UIDL", b"USER", b"STLS", b"RESP-CODES",
                     b"AUTH-RESP-CODE", b"PIPELINING", b"UTF8 USER", b"LANG",
                     b"EXPIRE NEVER"):
            self.assertIn(line, before)
        self.assertTrue([x for x in before if x.startswith(
            b"IMPLEMENTATION Postern")])
        sasl = [x for x in before if x.startswith(b"SASL ")][0].split()
        self.assertIn(b"PLAIN", sasl)
        self.assertIn(b"SCRAM-SHA-256", sasl)
        self.assertNotIn(b"SCRAM-SHA-256-PLUS", sasl)
        self.assertFalse([x for x in before if x.startswith(b"LOGIN-DELAY")])
        # RFC 2449, 5: announced in both states
        c.login()
        self.assertEqual(c.lines("CAPA"), before)
        tls = self.connect(tls=True).lines("CAPA")
        self.assertNotIn(b"STLS", tls)
        self.assertNotIn(b"SCRAM-SHA-256-PLUS", b" ".join(tls).split())

    def test_user_and_pass(self):
        c = self.connect()
        self.assertErr(c.cmd("PASS secret"))
        self.assertOk(c.cmd("user user1"))      # the first domain
        self.assertRegex(c.cmd("Pass secret"), rb"^\+OK \d+ messages \(\d+ ")
        self.assertErr(c.cmd("USER user1@example.test"))
        self.assertErr(c.cmd("PASS secret"))
        self.assertErr(c.cmd("AUTH PLAIN " + self.plain()))

    def test_wrong_password(self):
        c = self.connect()
        for user in self.server.users[0], "nobody@example.test":
            self.assertOk(c.cmd("USER " + user))
            begin = time.monotonic()
            self.assertErr(c.cmd("PASS wrong"), "AUTH")
            self.assertGreater(time.monotonic() - begin, 0.005)
            # PASS follows USER at once.
            self.assertErr(c.cmd("PASS " + self.server.password))
        c.login()

    def test_password_with_spaces(self):
        for password in ("with  two spaces", " in front", "behind ",
                         "p\u00e4ss w\u00f6rd"):
            got = self.server.ctl("user", "passwd", self.server.users[1],
                                  input=password + "\n")
            self.assertEqual(got.returncode, 0, got.stderr)
            with self.subTest(password), self.connect() as c:
                c.ok("USER " + self.server.users[1])
                self.assertOk(c.cmd("PASS " + password))
                c.quit()
        c = self.connect()
        c.ok("USER " + self.server.users[1])
        self.assertErr(c.cmd("PASS p\u00e4ss w\u00f6r"), "AUTH")
        # RFC 6856, 2.2
        c.ok("USER " + self.server.users[1])
        self.assertErr(c.cmd("PASS p\u00e4ss".encode("latin-1")))

    def test_what_is_not_there_yet(self):
        c = self.connect()
        for command in ("STAT", "LIST", "RETR 1", "DELE 1", "NOOP", "RSET",
                        "TOP 1 1", "UIDL", "XTND", "APOP a b", "", " "):
            with self.subTest(command):
                self.assertErr(c.cmd(command))

    def test_quit(self):
        c = self.connect()
        self.assertOk(c.cmd("QUIT"))
        self.assertEqual(c.wait_closed(), b"")

    def test_auth_plain(self):
        c = self.connect()
        self.assertOk(c.cmd("AUTH PLAIN " + self.plain()))
        self.assertOk(c.cmd("STAT"))
        c.quit()
        c = self.connect()
        self.assertEqual(c.cmd("AUTH PLAIN"), b"+ ")
        self.assertOk(c.cmd(self.plain()))
        c.quit()

    def test_auth_login(self):
        c = self.connect()
        self.assertTrue(c.cmd("AUTH LOGIN").startswith(b"+ "))
        self.assertTrue(c.cmd(b64(self.server.users[0])).startswith(b"+ "))
        self.assertOk(c.cmd(b64(self.server.password)))
        c.quit()

    def test_auth_lists_mechanisms(self):
        got = self.connect().lines("AUTH")
        self.assertIn(b"PLAIN", got)
        self.assertIn(b"SCRAM-SHA-256", got)

    def test_auth_failures(self):
        c = self.connect()
        self.assertErr(c.cmd("AUTH PLAIN " + self.plain("wrong")), "AUTH")
        self.assertErr(c.cmd("AUTH NONSENSE"))
        self.assertErr(c.cmd("AUTH PLAIN not!base64"))
        self.assertErr(c.cmd("AUTH PLAIN ="), "AUTH")
        c.send("AUTH PLAIN\r\n")
        self.assertEqual(c.line(), b"+ ")
        self.assertErr(c.cmd("*"))
        c.send("AUTH PLAIN\r\n")
        c.line()
        self.assertErr(c.cmd("not base64"))
        c.login()

    def test_stls(self):
        c = self.connect()
        c.ok("LANG de")
        c.ok("USER " + self.server.users[0])
        self.assertOk(c.cmd("STLS"))
        c.start_tls()
        # RFC 2595, 4: what was said before does not count.
        self.assertEqual(c.cmd("PASS " + self.server.password),
                         b"-ERR Say USER first")
        self.assertErr(c.cmd("STLS"))
        self.assertNotIn(b"STLS", c.lines("CAPA"))
        c.login()
        self.assertErr(c.cmd("STLS"))
        c.quit()

    def test_stls_with_commands_behind(self):
        c = self.connect()
        c.send("STLS\r\nUSER %s\r\nPASS secret\r\n" % self.server.users[0])
        self.assertErr(c.line())
        self.assertEqual(c.wait_closed(), b"")

    def test_stls_is_not_for_implicit_tls(self):
        self.assertErr(self.connect(tls=True).cmd("STLS"))

    def test_stls_after_utf8(self):
        c = self.connect()
        c.ok("UTF8")
        self.assertErr(c.cmd("STLS"))

    def test_disconnects_in_the_middle(self):
        for text in ("US", "USER a", "AUTH PLAIN\r\n", "STLS\r\n",
                     "USER user1\r\nPASS wrong\r\n"):
            c = self.connect()
            c.send(text)
            c.close()
        self.login().quit()


class Limits(Case):
    settings = ("pop3.errors=5", "pop3.login_time=2", "auth.failures=3",
                "auth.block_time=60")

    def test_too_many_errors(self):
        c = self.connect()
        for _ in range(4):
            self.assertEqual(c.cmd("NONSENSE"), b"-ERR Unknown command")
        self.assertErr(c.cmd("NONSENSE"))
        self.assertEqual(c.wait_closed(), b"")

    def test_time_to_log_in(self):
        """Nothing is said: a program would take it for an answer."""
        c = self.connect()
        begin = time.monotonic()
        self.assertEqual(c.wait_closed(), b"")
        self.assertGreater(time.monotonic() - begin, 1.5)

    def test_guessing_is_blocked(self):
        c = self.connect()
        got = []
        try:
            for i in range(5):
                c.ok("USER " + self.server.users[1])
                got.append(c.cmd("PASS wrong%d" % i).split()[1])
        except (Closed, AssertionError):
            pass
        self.assertEqual(got[0], b"[AUTH]")
        self.assertIn(b"[SYS/TEMP]", got)


class WithoutTls(Case):
    settings = ("auth.plaintext_on_loopback=false",)

    def test_login_is_neither_announced_nor_allowed(self):
        c = self.connect()
        words = [x.split()[0] for x in c.lines("CAPA")]
        self.assertNotIn(b"USER", words)
        self.assertNotIn(b"SASL", words)
        self.assertIn(b"STLS", words)
        self.assertErr(c.cmd("USER user1"), "SYS/PERM")
        self.assertErr(c.cmd("PASS secret"), "SYS/PERM")
        self.assertErr(c.cmd("AUTH PLAIN"), "SYS/PERM")
        c.ok("STLS")
        c.start_tls()
        self.assertIn(b"USER", c.lines("CAPA"))
        c.login()
        c.quit()

    def test_implicit_tls(self):
        self.login(tls=True).quit()


class Expire(Case):
    settings = ("retention.a.mailbox=INBOX", "retention.a.age=90d",
                "retention.b.mailbox=*", "retention.b.age=40d",
                "retention.c.mailbox=Trash", "retention.c.age=1d",
                "retention.d.mailbox=INBOX", "retention.d.max_messages=9",
                "pop3.expire=60")

    def test_is_the_shortest_of_what_applies(self):
        self.assertIn(b"EXPIRE 40", self.connect().lines("CAPA"))


class Policy(Case):
    settings = ("pop3.login_delay=1", "pop3.expire=30",
                "pop3.channel_binding=true")

    def test_is_announced(self):
        got = self.connect().lines("CAPA")
        self.assertIn(b"LOGIN-DELAY 1", got)
        self.assertIn(b"EXPIRE 30", got)
        self.assertNotIn(b"SCRAM-SHA-256-PLUS", b" ".join(got).split())
        with self.connect(tls=True) as c:
            for got in c.lines("CAPA"), c.lines("AUTH"):
                self.assertIn(b"SCRAM-SHA-256-PLUS", b" ".join(got).split())

    def test_login_delay(self):
        begin = time.monotonic()
        self.login().quit()
        c = self.connect()
        c.ok("USER " + self.server.users[0])
        got = c.cmd("PASS " + self.server.password)
        if time.monotonic() - begin < 1:
            self.assertErr(got, "LOGIN-DELAY")
        self.login(1).quit()                    # another user
        time.sleep(1.1)
        self.login().quit()


if __name__ == "__main__":
    unittest.main()
