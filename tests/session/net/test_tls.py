"""TLS: versions, resumption, ALPN, STARTTLS and what may not be smuggled in,
new certificates while the server runs."""

import os
import shutil
import socket
import ssl
import unittest

from wire import Case, Server, client_context

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


class Versions(Case):
    def test_both_versions(self):
        for version, name in ((V12, "TLSv1.2"), (V13, "TLSv1.3")):
            c = self.open("imaps", context=client_context(
                self.server, version))
            self.assertEqual(c.sock.version(), name)
            self.assertTrue(c.greeting.startswith("* OK"))
            c.login()

    def test_old_versions_are_refused(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        import warnings
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaises(OSError):
            self.open("imaps", context=context)

    def test_plain_text_to_a_tls_port(self):
        c = self.open("imaps", greeting=False)
        c.send("a CAPABILITY\r\n")
        self.assertTrue(c.ended())

    def test_resumption(self):
        for version in (V12, V13):
            context = client_context(self.server, version)
            c = self.open("imaps", context=context)
            c.ask("a NOOP")
            session = c.sock.session
            self.assertIsNotNone(session)
            self.assertFalse(c.sock.session_reused)
            d = self.open("imaps", greeting=False)
            d.wrap(context, session)
            self.assertTrue(d.line().startswith("* OK"))
            self.assertTrue(d.sock.session_reused, version)

    def test_farewell(self):
        """The server ends TLS as one should: no truncation."""
        for version in (V12, V13):
            c = self.open("imaps", context=client_context(
                self.server, version))
            self.assertTrue(c.ask("a LOGOUT")[-1].startswith("a OK"))
            c.sock.suppress_ragged_eofs = False
            self.assertEqual(c.sock.recv(100), b"")

    def test_large_answers(self):
        text = b"From: a@b.test\r\n\r\n" + b"0123456789abcdef\r\n" * 200000
        for version in (V12, V13):
            c = self.open("imaps", context=client_context(
                self.server, version)).login()
            c.send("a APPEND INBOX {%d}\r\n" % len(text))
            self.assertTrue(c.line().startswith("+"))
            c.send(text + b"\r\n")
            self.assertTrue(c.line().startswith("a OK"))
            c.ask("a SELECT INBOX")
            c.send("a FETCH * BODY.PEEK[]\r\n")
            self.assertIn("{%d}" % len(text), c.line())
            c.skip(len(text))
            self.assertEqual(c.line(), ")")
            self.assertTrue(c.line().startswith("a OK"))


class Alpn(Case):
    def connect(self, port, names):
        context = client_context(self.server)
        context.set_alpn_protocols(names)
        return self.open(port, context=context)

    def test_the_right_one(self):
        c = self.connect("imaps", ["imap"])
        self.assertEqual(c.sock.selected_alpn_protocol(), "imap")
        self.assertTrue(c.greeting.startswith("* OK"))

    def test_the_right_one_among_others(self):
        c = self.connect("imaps", ["h2", "imap"])
        self.assertEqual(c.sock.selected_alpn_protocol(), "imap")

    def test_a_wrong_one_is_refused(self):
        for port, name in (("imaps", "http/1.1"), ("imaps", "pop3"),
                           ("submissions", "h2")):
            with self.assertRaises(OSError, msg=name):
                c = self.connect(port, [name])
                if not c.greeting:
                    raise ConnectionError


class StartTls(Case):
    def upgrade_imap(self, c):
        self.assertTrue(c.ask("a STARTTLS")[-1].startswith("a OK"))
        c.wrap(client_context(self.server))

    def upgrade_smtp(self, c):
        c.ask("EHLO me.test", "250 ")
        self.assertTrue(c.ask("STARTTLS", "220")[-1].startswith("220"))
        c.wrap(client_context(self.server))

    def test_imap(self):
        c = self.open()
        self.upgrade_imap(c)
        self.assertNotIn("STARTTLS", c.ask("a CAPABILITY")[0])
        self.assertTrue(c.ask("b STARTTLS", "b")[-1].startswith("b BAD"))
        c.login()

    def test_smtp_and_submission(self):
        for port in ("smtp", "submission"):
            c = self.open(port)
            self.upgrade_smtp(c)
            got = c.ask("EHLO me.test", "250 ")
            self.assertFalse([x for x in got if "STARTTLS" in x])
            self.assertTrue(c.ask("STARTTLS", "5")[-1].startswith("5"))

    def test_what_was_said_before_is_forgotten(self):
        """RFC 3207, 4.2"""
        c = self.open("smtp")
        c.ask("EHLO me.test", "250 ")
        c.ask("MAIL FROM:<a@b.test>", "250")
        self.assertTrue(c.ask("STARTTLS", "220")[-1].startswith("220"))
        c.wrap(client_context(self.server))
        to = "RCPT TO:<%s>" % self.server.users[0]
        self.assertTrue(c.ask(to, "5")[-1].startswith("503"))

    def test_injection_in_one_piece(self):
        """Commands sent in the clear behind STARTTLS are never obeyed."""
        c = self.open()
        c.send("a STARTTLS\r\nb NOOP\r\n")
        self.assertFalse(self.heard_injected(c, "b OK"))
        for port in ("smtp", "submission"):
            c = self.open(port)
            c.ask("EHLO me.test", "250 ")
            c.send("STARTTLS\r\nEXPN injected\r\nNOOP\r\n")
            self.assertFalse(self.heard_injected(c, "250"))

    def heard_injected(self, c, answer):
        """Begins TLS when it is told to; True: the answer comes in it."""
        first = c.line()
        if not first.startswith(("a OK", "220")):
            self.assertTrue(c.ended())
            return False
        try:
            c.wrap(client_context(self.server))
            c.sock.settimeout(1)
            return c.line().startswith(answer)
        except OSError:
            return False

    def test_injection_in_two_pieces(self):
        """The second piece comes when the server has said its OK."""
        for port in ("imap", "smtp"):
            c = self.open(port)
            if port == "imap":
                c.send("a STARTTLS\r\n")
            else:
                c.ask("EHLO me.test", "250 ")
                c.send("STARTTLS\r\n")
            self.assertTrue(c.line().startswith(("a OK", "220")))
            c.send("b NOOP\r\n" if port == "imap" else "NOOP\r\n")
            with self.assertRaises(OSError):
                c.wrap(client_context(self.server))
                if not c.line():
                    raise ConnectionError

    def test_starttls_is_not_offered_twice_or_on_lmtp_in_tls(self):
        c = self.open("imaps", context=client_context(self.server))
        self.assertNotIn("STARTTLS", c.greeting)


class Reload(unittest.TestCase):
    def leaf(self, server, port="imaps"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with socket.create_connection(
                (server.host, server.ports[port])) as s:
            with context.wrap_socket(s) as t:
                return t.getpeercert(True)

    def test_new_certificates_while_it_runs(self):
        with Server() as server, Server() as other:
            wanted = self.leaf(other)
            before = self.leaf(server)
            self.assertNotEqual(before, wanted)
            from wire import Line
            with Line(server, "imaps", context=client_context(server)) as c:
                c.login()
                for name in ("cert.pem", "key.pem"):
                    shutil.copy(os.path.join(other.dir, name),
                                os.path.join(server.dir, name))
                self.assertEqual(self.leaf(server), before)
                got = server.ctl("reload")
                self.assertEqual(got.returncode, 0, got.stderr)
                self.assertEqual(self.leaf(server), wanted)
                # Who is there goes on.
                self.assertTrue(c.ask("a NOOP")[-1].startswith("a OK"))

    def test_a_bad_certificate_changes_nothing(self):
        with Server() as server, Server() as other:
            before = self.leaf(server)
            shutil.copy(os.path.join(other.dir, "key.pem"),
                        os.path.join(server.dir, "key.pem"))
            self.assertNotEqual(server.ctl("reload").returncode, 0)
            self.assertEqual(self.leaf(server), before)
            with open(os.path.join(server.dir, "cert.pem"), "w") as f:
                f.write("rubbish\n")
            self.assertNotEqual(server.ctl("reload").returncode, 0)
            self.assertEqual(self.leaf(server), before)
