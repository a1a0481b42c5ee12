"""Message submission: STARTTLS, AUTH, and what a user may send."""

import base64
import hashlib
import hmac
import os
import subprocess
import time
import unittest

from wire import PREFIX, SLOW, Case, split, values


def b64(text):
    return base64.b64encode(text.encode() if isinstance(text, str) else text)


class Tls(Case):
    def test_starttls(self):
        for port in ("smtp", "submission", "lmtp"):
            w = self.wire(port)
            self.assertIn("STARTTLS", w.extensions)
            w.envelope() if port != "submission" else None
            w.starttls()
            # All is forgotten.
            self.assertEqual(w.code(b"MAIL FROM:<a@b.test>"), 503)
            w.hello()
            self.assertNotIn("STARTTLS", w.extensions)
            self.assertEqual(w.code(b"STARTTLS"), 503)

    def test_data_behind_it(self):
        w = self.wire()
        w.send(b"STARTTLS\r\nEHLO evil.test\r\n")
        self.assertEqual(w.reply()[0], 501)
        self.assertTrue(w.at_end())

    def test_argument(self):
        w = self.wire()
        self.assertEqual(w.code(b"STARTTLS now"), 501)

    def test_received_tells_of_it(self):
        w = self.wire()
        w.starttls()
        w.hello()
        self.assertEqual(w.mail(self.user())[0], 250)
        received = values(self.inbox()[-1], "Received")[0]
        self.assertIn("with ESMTPS ", received)
        self.assertRegex(received, r"\(TLS1\.[23]")

    def test_implicit(self):
        w = self.wire("submissions", tls=True)
        self.assertEqual(w.login()[0], 235)

    def test_login_before_tls_is_forgotten(self):
        w = self.wire("submission")
        self.assertEqual(w.login()[0], 235)
        w.starttls()
        w.hello()
        self.assertEqual(w.code(b"MAIL FROM:<user1@example.test>"), 530)


class Auth(Case):
    def submission(self):
        return self.wire("submission")

    def test_announced(self):
        w = self.submission()
        auth = [x for x in w.extensions if x.startswith("AUTH ")][0]
        for name in ("PLAIN", "LOGIN", "SCRAM-SHA-256"):
            self.assertIn(name, auth.split())

    def test_needed(self):
        w = self.submission()
        code, text = w.cmd(b"MAIL FROM:<user1@example.test>")
        self.assertEqual((code, text[:5]), (530, "5.7.0"))

    def test_plain(self):
        w = self.submission()
        code, text = w.login()
        self.assertEqual((code, text[:5]), (235, "2.7.0"))
        self.assertEqual(w.login()[0], 503)
        w = self.submission()
        self.assertEqual(w.cmd(b"AUTH PLAIN"), (334, ""))
        self.assertEqual(w.code(b64("\0user1@example.test\0secret")), 235)

    def test_login(self):
        w = self.submission()
        self.assertEqual(w.code(b"AUTH LOGIN"), 334)
        self.assertEqual(w.code(b64("user1@example.test")), 334)
        self.assertEqual(w.code(b64("secret")), 235)

    def test_scram(self):
        w = self.submission()
        first = "n=user1@example.test,r=abcdefgh"
        code, text = w.cmd(b"AUTH SCRAM-SHA-256 " + b64("n,," + first))
        self.assertEqual(code, 334)
        server = base64.b64decode(text).decode()
        part = dict(x.split("=", 1) for x in server.split(","))
        salted = hashlib.pbkdf2_hmac("sha256", b"secret",
                                     base64.b64decode(part["s"]),
                                     int(part["i"]))
        client = hmac.digest(salted, b"Client Key", "sha256")
        last = "c=biws,r=" + part["r"]
        everything = ",".join((first, server, last)).encode()
        sign = hmac.digest(hashlib.sha256(client).digest(), everything,
                           "sha256")
        proof = bytes(a ^ b for a, b in zip(client, sign))
        code, text = w.cmd(b64(last + ",p=" + b64(proof).decode()))
        self.assertEqual(code, 334)
        self.assertTrue(base64.b64decode(text).startswith(b"v="))
        self.assertEqual(w.code(b""), 235)

    def test_failure(self):
        w = self.submission()
        code, text = w.login(password="wrong")
        self.assertEqual((code, text[:5]), (535, "5.7.8"))
        self.assertEqual(w.code(b"MAIL FROM:<user1@example.test>"), 530)
        self.assertEqual(w.login()[0], 235)

    def test_failure_holds_back_what_follows(self):
        w = self.submission()
        w.send(b"AUTH PLAIN " + b64("\0user1@example.test\0wrong") +
               b"\r\nNOOP\r\n")
        self.assertEqual(w.replies(2), [535, 250])

    def test_cancelled(self):
        w = self.submission()
        self.assertEqual(w.code(b"AUTH PLAIN"), 334)
        self.assertEqual(w.code(b"*"), 501)
        self.assertEqual(w.code(b"NOOP"), 250)
        self.assertEqual(w.login()[0], 235)

    def test_mistakes(self):
        w = self.submission()
        self.assertEqual(w.code(b"AUTH"), 501)
        self.assertEqual(w.code(b"AUTH FOO"), 504)
        self.assertEqual(w.code(b"AUTH PLAIN !!!"), 501)
        self.assertEqual(w.code(b"AUTH PLAIN"), 334)
        self.assertEqual(w.code(b"not base64"), 501)
        self.assertEqual(w.code(b"AUTH PLAIN ="), 535)
        self.assertEqual(w.code(b"AUTH PLAIN"), 334)
        self.assertEqual(w.code(b"A" * 12289), 500)
        self.assertEqual(w.code(b"NOOP"), 250)

    def test_long_responses(self):
        w = self.submission()
        self.assertEqual(w.code(b"AUTH PLAIN"), 334)
        self.assertEqual(w.code(b64("\0" + "x" * 9000 + "\0y")), 535)

    def test_not_before_ehlo_or_in_a_transaction(self):
        w = self.wire("submission", greet=False)
        self.assertEqual(w.login()[0], 503)
        w.hello()
        self.assertEqual(w.login()[0], 235)
        w.envelope(sender=b"user1@example.test")
        self.assertEqual(w.login()[0], 503)

    def test_secrets_are_not_logged(self):
        w = self.submission()
        w.login()
        w.login(password="hunter2")
        self.assertNotIn("secret", self.server.log())
        self.assertNotIn("hunter2", self.server.log())


class Trace(Case):
    shown = ("C: EHLO me.test", "C: AUTH PLAIN (hidden)", "C: AUTH LOGIN",
             "C: (hidden)", "S: 235 2.7.0", "S: 354 ",
             "C: MAIL FROM:<user1@example.test>", "C: [message 14 octets]")

    def test_shows_what_is_said_but_no_secrets(self):
        with open(os.path.join(self.server.dir, "trace"), "w+") as out:
            watcher = subprocess.Popen(
                [os.path.join(PREFIX, "sbin/posternctl"), "--sandbox",
                 self.server.dir, "trace"], stdout=out,
                stderr=subprocess.STDOUT)
            try:
                # Some of the first is over before the watcher looks.
                end = time.monotonic() + 10 * SLOW
                while any(x not in self.text(out) for x in self.shown):
                    self.assertLess(time.monotonic(), end, self.text(out))
                    self.converse()
                    time.sleep(0.05)
            finally:
                watcher.terminate()
                watcher.wait()
            text = self.text(out)
        for secret in ("secret", b64("secret").decode(), "the content",
                       b64("\0user1@example.test\0secret").decode()):
            self.assertNotIn(secret, text)

    def text(self, file):
        file.seek(0)
        return file.read()

    def converse(self):
        w = self.wire("submission")
        self.assertEqual(w.login()[0], 235)
        w.envelope(self.user(1), sender=b"user1@example.test")
        w.data(b"the content!\r\n.\r\n")
        self.assertEqual(w.reply()[0], 250)
        w.code(b"QUIT")
        w = self.wire("submission")
        for line in (b"AUTH LOGIN", b64("user1@example.test")):
            self.assertEqual(w.code(line), 334)
        self.assertEqual(w.code(b64("secret")), 235)
        w.code(b"QUIT")


class NoPlainText(Case):
    settings = ("auth.plaintext_on_loopback=false",)

    def test_needs_tls(self):
        w = self.wire("submission")
        self.assertFalse([x for x in w.extensions if x.startswith("AUTH")])
        code, text = w.login()
        self.assertEqual((code, text[:6]), (538, "5.7.11"))
        self.assertEqual(w.code(b"MAIL FROM:<user1@example.test>"), 530)
        w.starttls()
        w.hello()
        self.assertEqual(w.login()[0], 235)


class Sending(Case):
    def setUp(self):
        self.w = self.wire("submission")
        self.assertEqual(self.w.login()[0], 235)

    def send(self, content, *to, sender=b"user1@example.test"):
        return self.w.mail(*(to or (self.user(1),)), content=content,
                           sender=sender)

    def test_completed(self):
        self.assertEqual(self.send(b"Subject: x\r\n\r\nbody\r\n")[0], 250)
        got = self.inbox(1)[-1]
        self.assertEqual(values(got, "From"), ["<user1@example.test>"])
        self.assertEqual(len(values(got, "Date")), 1)
        self.assertRegex(values(got, "Message-ID")[0], r"^<[^@ ]+@[^@ ]+>$")
        self.assertEqual(split(got)[1], b"body\r\n")
        self.assertIn("with ESMTPA ", values(got, "Received")[0])

    def test_complete_ones_stay(self):
        content = (b"From: Me <user1@example.test>\r\n"
                   b"Date: Mon, 23 Nov 2026 12:00:00 +0000\r\n"
                   b"Message-ID: <1@x>\r\n\r\nbody\r\n")
        self.assertEqual(self.send(content)[0], 250)
        self.assertTrue(self.inbox(1)[-1].endswith(content))

    def test_client_is_hidden(self):
        self.assertEqual(self.send(b"Subject: x\r\n\r\n")[0], 250)
        received = values(self.inbox(1)[-1], "Received")[0]
        self.assertTrue(received.startswith(
            "from authenticated-user (address withheld) by "), received)
        self.assertNotIn("127.0.0.1", received)
        self.assertNotIn("me.test", received)

    def test_bcc_goes(self):
        content = (b"From: user1@example.test\r\nBcc: " +
                   self.user(2).encode() + b",\r\n x@y\r\nTo: z@y\r\n"
                   b"Resent-Bcc: q@y\r\n\r\nBcc: stays\r\n")
        self.assertEqual(self.send(content, self.user(1), self.user(2))[0],
                         250)
        for n in (1, 2):
            got = self.inbox(n)[-1]
            self.assertEqual(values(got, "Bcc"), [])
            self.assertEqual(values(got, "Resent-Bcc"), [])
            self.assertEqual(values(got, "To"), ["z@y"])
            self.assertEqual(split(got)[1], b"Bcc: stays\r\n")

    def test_sender_must_be_own(self):
        for sender in (b"user2@example.test", b"a@other.test"):
            code, text = self.w.cmd(b"MAIL FROM:<" + sender + b">")
            self.assertEqual((code, text[:5]), (553, "5.7.1"), sender)

    def test_own_senders(self):
        self.server.ctl("alias", "add", "sales@example.test", self.user())
        for sender in (b"user1@example.test", b"USER1@Example.test",
                       b"user1+x@example.test", b"sales@example.test", b""):
            self.assertEqual(
                self.w.code(b"MAIL FROM:<" + sender + b">"), 250, sender)
            self.assertEqual(self.w.code(b"RSET"), 250)

    def test_from_must_be_own(self):
        before = self.count(1)
        for value in (b"user2@example.test", b"a@other.test",
                      b"user1@example.test, user2@example.test",
                      b"nobody", b"", b"x: user1@example.test, a@b;",
                      b"user1@example.test\r\nFrom: user1@example.test",
                      b'"user1@example.test" <user2@example.test>'):
            code, text = self.send(b"From: " + value + b"\r\n\r\n")
            self.assertEqual((code, text[:5]), (550, "5.7.1"), value)
        self.assertEqual(self.count(1), before)
        for value in (b"user1@example.test", b"Me <USER1@example.test>",
                      b"=?utf-8?q?=C3=A4?= <user1+x@example.test>",
                      b"user1@example.test,\r\n user1+a@example.test"):
            code, text = self.send(b"From: " + value + b"\r\n\r\n")
            self.assertEqual(code, 250, value)

    def test_other_servers_are_refused(self):
        self.w.envelope(sender=b"user1@example.test")
        code, text = self.w.cmd(b"RCPT TO:<a@other.test>")
        self.assertEqual((code, text[:5]), (550, "5.7.1"))
        self.assertIn("other servers", text)

    def test_auth_parameter(self):
        for value in (b"<>", b"user1@example.test", b"a+2Bb@x.test"):
            self.assertEqual(self.w.code(
                b"MAIL FROM:<user1@example.test> AUTH=" + value), 250)
            self.assertEqual(self.w.code(b"RSET"), 250)
        self.assertEqual(self.w.code(
            b"MAIL FROM:<user1@example.test> AUTH=x"), 501)

    def test_null_sender_is_the_user(self):
        self.assertEqual(self.send(b"Subject: x\r\n\r\n", sender=b"")[0], 250)
        got = self.inbox(1)[-1]
        self.assertEqual(values(got, "Return-Path"), ["<>"])
        self.assertEqual(values(got, "From"), ["<user1@example.test>"])


class Shown(Case):
    settings = ("smtp.received_hide_client=false",)

    def test_client_is_shown(self):
        w = self.wire("submission")
        w.login()
        self.assertEqual(w.mail(self.user(1), content=b"A: b\r\n\r\n",
                                sender=b"user1@example.test")[0], 250)
        self.assertTrue(values(self.inbox(1)[-1], "Received")[0].startswith(
            "from me.test ([127.0.0.1]) by "))


if __name__ == "__main__":
    unittest.main()
