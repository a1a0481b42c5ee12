"""Greeting, capabilities, LOGIN, AUTHENTICATE, STARTTLS, LOGOUT, and what is
refused before them."""

import base64
import time
import unittest

from imap_client import Case, Client


def b64(text):
    return base64.b64encode(text.encode()).decode()


class Login(Case):
    def plain(self):
        return b64("\0%s\0%s" % (self.server.users[0], self.server.password))

    def test_greeting_has_capabilities(self):
        c = self.connect()
        self.assertTrue(c.greeting.startswith(b"* OK [CAPABILITY IMAP4rev1 "))
        self.assertIn(b" STARTTLS", c.greeting)
        self.assertIn(b" AUTH=PLAIN", c.greeting)
        self.assertIn(b" SASL-IR", c.greeting)
        self.assertIn(b" LITERAL+", c.greeting)

    def test_capability_after_login(self):
        c = self.connect()
        before = c.ok("CAPABILITY")[0].split()
        _, tagged = c.cmd('LOGIN %s %s' % (
            self.server.users[0], self.server.password))
        self.assertTrue(tagged.startswith(b"OK [CAPABILITY IMAP4rev1 "))
        after = c.ok("CAPABILITY")[0].split()
        self.assertIn(b"STARTTLS", before)
        for word in (b"STARTTLS", b"AUTH=PLAIN", b"LOGINDISABLED"):
            self.assertNotIn(word, after)
        for word in (b"UIDPLUS", b"MOVE", b"UNSELECT", b"NAMESPACE",
                     b"CHILDREN", b"SPECIAL-USE", b"CREATE-SPECIAL-USE",
                     b"ID", b"IDLE", b"ENABLE", b"LIST-EXTENDED"):
            self.assertIn(word, after)

    def test_login_forms(self):
        user, password = self.server.users[0], self.server.password
        self.connect().ok('login "%s" "%s"' % (user, password))
        c = self.connect()
        c.send("x1 LOGIN {%d}\r\n" % len(user))
        self.assertTrue(c.response().startswith(b"+ "))
        c.send("%s {%d}\r\n" % (user, len(password)))
        self.assertTrue(c.response().startswith(b"+ "))
        c.send(password + "\r\n")
        self.assertOk(c.finish("x1"))
        c = self.connect()
        c.send("x1 LOGIN {%d+}\r\n%s {%d+}\r\n%s\r\n" % (
            len(user), user, len(password), password))
        self.assertOk(c.finish("x1"))
        self.connect().ok('LOGIN user1 %s' % password)

    def test_wrong_password_is_held_back(self):
        c = self.connect()
        begin = time.monotonic()
        self.assertNo(c.cmd("LOGIN user1 wrong"), "AUTHENTICATIONFAILED")
        self.assertGreater(time.monotonic() - begin, 0.05)
        self.assertNo(c.cmd("LOGIN nobody wrong"), "AUTHENTICATIONFAILED")
        c.login()

    def test_authenticate_plain(self):
        c = self.connect()
        c.send("t AUTHENTICATE PLAIN\r\n")
        self.assertEqual(c.response(), b"+ ")
        c.send(self.plain() + "\r\n")
        self.assertOk(c.finish("t"), "CAPABILITY")
        c.ok("SELECT INBOX")

    def test_authenticate_plain_initial_response(self):
        c = self.connect()
        self.assertOk(c.cmd("AUTHENTICATE PLAIN " + self.plain()))

    def test_authenticate_login(self):
        c = self.connect()
        if b"AUTH=LOGIN" not in c.greeting:
            self.skipTest("no LOGIN mechanism")
        c.send("t AUTHENTICATE LOGIN\r\n")
        self.assertTrue(c.response().startswith(b"+ "))
        c.send(b64(self.server.users[0]) + "\r\n")
        self.assertTrue(c.response().startswith(b"+ "))
        c.send(b64(self.server.password) + "\r\n")
        self.assertOk(c.finish("t"))

    def test_authenticate_failures(self):
        c = self.connect()
        c.send("t1 AUTHENTICATE PLAIN\r\n")
        c.response()
        c.send("*\r\n")
        self.assertBad(c.finish("t1"))
        c.send("t2 AUTHENTICATE PLAIN\r\n")
        c.response()
        c.send("not base64!\r\n")
        self.assertBad(c.finish("t2"))
        self.assertNo(c.cmd("AUTHENTICATE PLAIN ="))
        self.assertNo(c.cmd("AUTHENTICATE PLAIN " + b64("\0user1\0wrong")),
                      "AUTHENTICATIONFAILED")
        self.assertNo(c.cmd("AUTHENTICATE NONSENSE"))
        c.login()
        self.assertBad(c.cmd("AUTHENTICATE PLAIN"))

    def test_starttls(self):
        c = self.connect()
        self.assertOk(c.cmd("STARTTLS"))
        c.start_tls()
        capabilities = c.ok("CAPABILITY")[0].split()
        self.assertNotIn(b"STARTTLS", capabilities)
        self.assertIn(b"AUTH=PLAIN", capabilities)
        self.assertBad(c.cmd("STARTTLS"))
        c.login()
        c.ok("SELECT INBOX")

    def test_starttls_with_commands_behind(self):
        c = self.connect()
        c.send("t1 STARTTLS\r\nt2 NOOP\r\n")
        self.assertBad(c.finish("t1"))
        self.assertNotIn(b"t2", c.wait_closed())

    def test_implicit_tls(self):
        c = self.login(tls=True)
        c.ok("SELECT INBOX")

    def test_states(self):
        c = self.connect()
        for text in ("SELECT INBOX", "LIST \"\" *", "FETCH 1 FLAGS",
                     "IDLE", "APPEND INBOX {3+}\r\nabc"):
            self.assertBad(c.cmd(text))
        c.login()
        for text in ("FETCH 1 FLAGS", "CLOSE", "EXPUNGE", "SEARCH ALL",
                     "UID FETCH 1 FLAGS", "LOGIN a b", "UNSELECT",
                     "STORE 1 FLAGS ()", "COPY 1 INBOX", "CHECK"):
            self.assertBad(c.cmd(text))

    def test_id_and_enable(self):
        c = self.connect()
        self.assertEqual(c.ok('ID NIL'), [b'* ID ("name" "Postern")'])
        c.ok('ID ("name" "test" "version" NIL)')
        c.ok('ID ()')
        self.assertBad(c.cmd("ID"))
        self.assertBad(c.cmd("ID (name x)"))
        c.login()
        self.assertEqual(c.ok("ENABLE X-NOTHING X-MORE"), [b"* ENABLED"])
        self.assertBad(c.cmd("ENABLE"))

    def test_logout(self):
        c = self.login()
        untagged, tagged = c.cmd("LOGOUT")
        self.assertTrue(untagged[0].startswith(b"* BYE"))
        self.assertTrue(tagged.startswith(b"OK"))
        self.assertEqual(c.wait_closed(), b"")

    def test_syntax_errors(self):
        c = self.login()
        for text in ("", "\"x\"", "+ NOOP", "* NOOP"):
            c.send(text + "\r\n")
            self.assertTrue(c.response().startswith(b"* BAD"), text)
        for text in ("NOOP x", "FOO", "UID", "UID NOOP", "SELECT", "SELECT ",
                     "SELECT \"a", "SELECT a b", "NOOP ", "STATUS INBOX",
                     "STATUS INBOX ()", "STATUS INBOX (FOO)", "CREATE",
                     "RENAME a", "LIST", "LIST a", "SELECT {3+}\r\nab\0"):
            self.assertBad(c.cmd(text))
            c.ok("NOOP")
        c.send(b"t9 SELECT \0\r\n")
        self.assertBad(c.finish("t9"))


class Limits(Case):
    settings = ("imap.errors=5", "imap.command_line=8192",
                "imap.literal=20000", "imap.message_size=100000")

    def test_too_many_errors(self):
        c = self.connect()
        for i in range(4):
            self.assertBad(c.cmd("FOO"))
        self.assertBad(c.cmd("FOO"))
        self.assertTrue(c.response().startswith(b"* BYE"))
        self.assertEqual(c.wait_closed(), b"")

    def test_line_too_long(self):
        c = self.connect()
        c.send(b"a NOOP " + b"x" * 10000 + b"\r\n")
        got = c.wait_closed()
        self.assertIn(b"* BAD", got)
        self.assertIn(b"* BYE", got)

    def test_literal_too_large(self):
        c = self.login()
        self.assertNo(c.cmd("SELECT {20001}"), "TOOBIG")
        self.assertNo(c.cmd("SELECT {99999999999999999999999}"), "TOOBIG")
        c.send(b"t SELECT {30000+}\r\n" + b"x" * 30000 + b"\r\n")
        self.assertNo(c.finish("t"), "TOOBIG")
        c.send(b"t SELECT {30000+}\r\n" + b"x" * 30000 +
               b" {3+}\r\nabc foo\r\n")
        self.assertNo(c.finish("t"), "TOOBIG")
        c.ok("NOOP")
        c.send(b"t SELECT {5000000000+}\r\n")
        self.assertIn(b"* BYE", c.wait_closed())

    def test_small_literals_before_login(self):
        c = self.connect()
        self.assertNo(c.cmd("LOGIN {10000}"), "TOOBIG")

    def test_append_too_large(self):
        c = self.login()
        self.assertNo(c.cmd("APPEND INBOX {100001}"), "TOOBIG")
        c.send(b"t APPEND INBOX {100001+}\r\n" + b"x" * 100001 + b"\r\n")
        self.assertNo(c.finish("t"), "TOOBIG")
        c.ok("NOOP")


class Times(Case):
    settings = ("imap.login_time=1", "imap.errors=3")

    def test_time_to_log_in(self):
        c = self.connect()
        self.assertIn(b"* BYE", c.wait_closed())

    def test_logged_in_stays(self):
        c = self.login()
        time.sleep(1.5)
        c.ok("NOOP")


class Policy(Case):
    settings = ("auth.plaintext_on_loopback=false",
                "limits.connections_per_user=2", "quota.bytes=5000")

    def test_no_login_in_the_clear(self):
        c = self.connect()
        self.assertIn(b" LOGINDISABLED", c.greeting)
        self.assertNotIn(b"AUTH=", c.greeting)
        self.assertNo(c.cmd("LOGIN user1 secret"), "PRIVACYREQUIRED")
        self.assertNo(c.cmd("AUTHENTICATE PLAIN ="), "PRIVACYREQUIRED")
        c.ok("STARTTLS")
        c.start_tls()
        c.login()

    def test_too_many_connections_of_a_user(self):
        self.login(tls=True)
        self.login(tls=True)
        c = self.connect(tls=True)
        self.assertNo(c.cmd("LOGIN user1 secret"), "LIMIT")
        c.login(1)

    def test_quota(self):
        c = self.login(1, tls=True)
        self.assertNo(c.cmd("APPEND INBOX {5001}"), "OVERQUOTA")
        c.append(b"Subject: x\r\n\r\n" + b"y" * 3000)
        self.assertNo(c.cmd("APPEND INBOX {3000}"), "OVERQUOTA")
        c.send(b"t APPEND INBOX {3000+}\r\n" + b"z" * 3000 + b"\r\n")
        self.assertNo(c.finish("t"), "OVERQUOTA")
        c.ok("SELECT INBOX")
        self.assertNo(c.cmd("COPY 1 Sent"), "OVERQUOTA")


class Stop(unittest.TestCase):
    def test_bye_at_stop(self):
        import postern
        with postern.Server() as server:
            c = Client(server)
            c.login()
            d = Client(server).login()
            d.ok("SELECT INBOX")
            d.idle()
            self.assertEqual(server.stop(), 0)
            self.assertIn(b"* BYE", c.wait_closed())
            self.assertIn(b"* BYE", d.wait_closed())
            c.close()
            d.close()


if __name__ == "__main__":
    unittest.main()
