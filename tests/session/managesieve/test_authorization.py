"""Before anybody is known: greeting, capabilities, AUTHENTICATE, STARTTLS, and
what is refused there (RFC 5804, 1.7, 2.1 to 2.4, 2.14)."""

import base64
import unittest

from sieve_client import (Case, Client, Closed, Scram, Server, capabilities,
                          literal, quote)


def b64(data):
    return base64.b64encode(
        data.encode() if isinstance(data, str) else data)


class Authorization(Case):
    settings = ("auth.failures=1000", "sieve.redirects=3")

    def plain(self, password=None, user=0):
        return b64("\0%s\0%s" % (self.server.users[user],
                                 password or self.server.password))

    def test_greeting_is_the_capabilities(self):
        c = self.connect()
        self.assertOk(c.greeting)
        caps = capabilities(c.greeting)
        self.assertTrue(caps["IMPLEMENTATION"].startswith("Postern"))
        self.assertEqual(caps["VERSION"], "1.0")
        self.assertEqual(caps["MAXREDIRECTS"], "3")
        self.assertIn("fileinto", caps["SIEVE"].split())
        self.assertEqual(caps["SASL"].split(), ["SCRAM-SHA-256", "PLAIN"])
        self.assertIn("STARTTLS", caps)
        self.assertIn("UNAUTHENTICATE", caps)
        for name in ("OWNER", "NOTIFY", "LANGUAGE"):
            self.assertNotIn(name, caps)
        self.assertEqual(c.capabilities(), caps)
        self.assertEqual(len(c.greeting.lines), len(caps), "none twice")

    def test_owner(self):
        c = self.login()
        caps = c.capabilities()
        self.assertEqual(caps["OWNER"], self.server.users[0])
        self.assertNotIn("STARTTLS", caps)
        self.assertOk(c.cmd("UNAUTHENTICATE"))
        self.assertEqual(c.capabilities(), capabilities(c.greeting))
        self.assertNo(c.cmd("UNAUTHENTICATE"))
        c.login(1)
        self.assertEqual(c.capabilities()["OWNER"], self.server.users[1])
        c.logout()

    def test_plain(self):
        c = self.connect()
        self.assertOk(c.cmd(b'AUTHENTICATE "PLAIN" ' + quote(self.plain())))
        self.assertNo(c.cmd(b'AUTHENTICATE "PLAIN" ' + quote(self.plain())))
        self.assertNo(c.cmd("STARTTLS"))
        c.logout()
        for answer in (quote, literal):
            c = self.connect()
            c.send('authenticate "plain"\r\n')
            self.assertEqual(c.line(), [b""])
            self.assertOk(c.cmd(answer(self.plain())))
            c.logout()
        c = self.connect()
        self.assertOk(c.cmd(
            b"AUTHENTICATE {5+}\r\nPLAIN " + literal(self.plain())))
        c.logout()

    def scram(self, c, client, name="SCRAM-SHA-256", initial=True):
        if initial:
            c.send(b"AUTHENTICATE %s %s\r\n" % (
                quote(name), quote(b64(client.first()))))
        else:
            c.send(b"AUTHENTICATE %s\r\n" % quote(name))
            self.assertEqual(c.line(), [b""])
            c.send(quote(b64(client.first())) + b"\r\n")
        challenge = base64.b64decode(c.line()[0])
        got = c.cmd(quote(b64(client.last(challenge))))
        self.assertOk(got)
        self.assertEqual(got.code[0], "SASL")
        self.assertEqual(base64.b64decode(got.code[1]), client.verifier)
        self.assertEqual(
            c.capabilities()["OWNER"], self.server.users[0])

    def test_scram(self):
        for initial in True, False:
            c = self.connect()
            self.scram(c, Scram(self.server.users[0], self.server.password),
                       initial=initial)
            c.logout()

    def test_scram_failure(self):
        c = self.connect()
        client = Scram(self.server.users[0], "wrong")
        c.send(b'AUTHENTICATE "SCRAM-SHA-256" %s\r\n' %
               quote(b64(client.first())))
        challenge = base64.b64decode(c.line()[0])
        self.assertNo(c.cmd(quote(b64(client.last(challenge)))))
        c.login()

    def test_channel_binding_is_offered_under_tls(self):
        c = self.connect()
        c.ok("STARTTLS")
        caps = capabilities(c.tls())
        self.assertEqual(
            caps["SASL"].split(),
            ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN"])
        # Who says that there was none to offer was lied to (RFC 5802, 6).
        client = Scram(self.server.users[0], self.server.password, b"y,,")
        got = c.cmd(b'AUTHENTICATE "SCRAM-SHA-256" %s' %
                    quote(b64(client.first())))
        self.assertNo(got)
        self.scram(c, Scram(self.server.users[0], self.server.password))

    def test_failures(self):
        c = self.connect()
        self.assertNo(c.cmd(
            b'AUTHENTICATE "PLAIN" ' + quote(self.plain("wrong"))))
        self.assertNo(c.cmd(b'AUTHENTICATE "PLAIN" "not!base64"'))
        self.assertNo(c.cmd(b'AUTHENTICATE "PLAIN" ""'))
        self.assertNo(c.cmd('AUTHENTICATE "NONSENSE"'))
        self.assertNo(c.cmd('AUTHENTICATE "LOGIN"'), "AUTH-TOO-WEAK")
        self.assertNo(c.cmd('AUTHENTICATE "CRAM-MD5"'), "AUTH-TOO-WEAK")
        self.assertNo(c.cmd('AUTHENTICATE "SCRAM-SHA-256-PLUS"'))
        self.assertNo(c.cmd("AUTHENTICATE"))
        self.assertNo(c.cmd("AUTHENTICATE PLAIN"))
        for answer in ('"*"', '"not base64"', "*", "", '"a" "b"',
                       '{2+}\r\n\0\0', '"' + "A" * 60000 + '"'):
            with self.subTest(answer[:20]):
                c.send('AUTHENTICATE "PLAIN"\r\n')
                self.assertEqual(c.line(), [b""])
                self.assertNo(c.cmd(answer))
        self.assertNo(c.cmd(
            b'AUTHENTICATE "PLAIN" ' + literal("A" * 100000)))
        c.login()

    def test_what_is_not_there_yet(self):
        c = self.connect()
        for command in ('HAVESPACE "a" 1', 'PUTSCRIPT "a" "keep;"',
                        "LISTSCRIPTS", 'SETACTIVE ""', 'GETSCRIPT "a"',
                        'DELETESCRIPT "a"', 'RENAMESCRIPT "a" "b"',
                        'CHECKSCRIPT "keep;"', "UNAUTHENTICATE"):
            with self.subTest(command):
                self.assertNo(c.cmd(command))
        self.assertOk(c.cmd("NOOP"))
        self.assertOk(c.cmd("CAPABILITY"))
        c.logout()

    def test_starttls(self):
        c = self.connect()
        got = c.cmd("StartTls")
        self.assertOk(got)
        again = c.tls()         # RFC 5804, 2.2: all capabilities anew
        self.assertOk(again)
        self.assertNotIn("STARTTLS", capabilities(again))
        self.assertEqual(c.capabilities(), capabilities(again))
        self.assertNo(c.cmd("STARTTLS"))
        c.login()
        c.logout()

    def test_starttls_with_commands_behind(self):
        c = self.connect()
        c.send(b'STARTTLS\r\nAUTHENTICATE "PLAIN" %s\r\n' %
               quote(self.plain()))
        self.assertEqual(c.answer().word, "BYE")
        self.assertEqual(c.wait_closed(), b"")

    def test_groups_of_commands(self):
        c = self.connect()
        c.send(b'NOOP "1"\r\nAUTHENTICATE "PLAIN" %s\r\nLISTSCRIPTS\r\n'
               b'NOOP {1+}\r\n2\r\nBAD COMMAND {3+}\r\nNO!\r\nNOOP "3"\r\n'
               b"LOGOUT\r\nNOOP\r\n" % quote(self.plain()))
        got = [c.answer() for _ in range(7)]
        self.assertEqual([x.word for x in got], [
            "OK", "OK", "OK", "OK", "NO", "OK", "OK"])
        self.assertEqual(got[0].code, ("TAG", b"1"))
        self.assertEqual(got[3].code, ("TAG", b"2"))
        self.assertEqual(got[5].code, ("TAG", b"3"))
        self.assertEqual(c.wait_closed(), b"", "nothing after LOGOUT")

    def test_group_behind_a_failure(self):
        """The answer is held back, and those behind it as well."""
        c = self.connect()
        c.send(b'AUTHENTICATE "PLAIN" %s\r\nNOOP "x"\r\n' %
               quote(self.plain("wrong")))
        self.assertNo(c.answer())
        self.assertEqual(c.answer().code, ("TAG", b"x"))

    def test_noop(self):
        c = self.connect()
        self.assertIsNone(c.ok("NOOP").code)
        for tag in "", "STARTTLS-SYNC-42", 'a "b" \\', "grüß", "a\r\nb)":
            got = c.ok(b"NOOP " + literal(tag))
            self.assertEqual(got.code, ("TAG", tag.encode()))

    def test_disconnects_in_the_middle(self):
        for text in ("NO", 'AUTHENTICATE "PLAIN"\r\n', "STARTTLS\r\n",
                     'NOOP "', "NOOP {1000+}\r\nabc",
                     'AUTHENTICATE "PLAIN" "AGEAYg=="\r\n'):
            c = self.connect()
            c.send(text)
            c.close()
        self.login().logout()


class Limits(Case):
    settings = ("managesieve.errors=5", "managesieve.login_time=2",
                "auth.failures=3", "auth.block_time=60")

    def test_too_many_errors(self):
        c = self.connect()
        for _ in range(4):
            self.assertNo(c.cmd("NONSENSE"))
        self.assertEqual(c.cmd("NONSENSE").word, "BYE")
        self.assertEqual(c.wait_closed(), b"")

    def test_time_to_log_in(self):
        c = self.connect()
        self.assertEqual(c.answer().word, "BYE")
        self.assertEqual(c.wait_closed(), b"")

    def test_guessing_is_blocked(self):
        c = self.connect()
        codes = []
        try:
            for i in range(5):
                got = c.cmd(b'AUTHENTICATE "PLAIN" ' + quote(b64(
                    "\0%s\0wrong%d" % (self.server.users[1], i))))
                codes.append(got.code)
        except Closed:
            pass
        self.assertEqual(codes[0], None)
        self.assertIn(("TRYLATER",), codes)


class Idle(Case):
    settings = ("managesieve.idle_time=1",)

    def test_idle(self):
        c = self.login()
        self.assertEqual(c.answer().word, "BYE")
        self.assertEqual(c.wait_closed(), b"")


class Stops(unittest.TestCase):
    def test_says_goodbye(self):
        with Server() as server:
            with Client(server) as fresh, Client(server) as c:
                c.login()
                server.stop()
                for x in fresh, c:
                    got = x.answer()
                    self.assertEqual(got.word, "BYE")
                    self.assertEqual(got.code, ("TRYLATER",))
                    self.assertEqual(x.wait_closed(), b"")


class PlainText(Case):
    """Where passwords need TLS."""

    settings = ("auth.plaintext_on_loopback=false",)

    def test_only_with_tls(self):
        c = self.connect()
        self.assertEqual(capabilities(c.greeting)["SASL"], "")
        for name in "PLAIN", "SCRAM-SHA-256", "NONSENSE":
            self.assertNo(c.cmd('AUTHENTICATE "%s"' % name), "ENCRYPT-NEEDED")
        c.ok("STARTTLS")
        caps = capabilities(c.tls())
        self.assertIn("PLAIN", caps["SASL"].split())
        c.login()


class Apps(Case):
    """App passwords with the scope "sieve"."""

    def test_scope(self):
        made = {}
        for scopes in ("sieve",), ("imap", "smtp"), ():
            got = self.server.ctl("app-password", "add",
                                  self.server.users[0], "x", *scopes)
            self.assertEqual(got.returncode, 0, got.stderr)
            made[scopes] = got.stdout.split("\n")[0]
        for scopes, password in made.items():
            with self.subTest(scopes), self.connect() as c:
                got = c.cmd(b'AUTHENTICATE "PLAIN" ' + quote(b64(
                    "\0%s\0%s" % (self.server.users[0], password))))
                self.assertEqual(
                    got.word, "NO" if "imap" in scopes else "OK")
        got = self.server.ctl("app-password", "list", self.server.users[0])
        self.assertIn("imap pop3 smtp jmap sieve", got.stdout)


if __name__ == "__main__":
    unittest.main()
