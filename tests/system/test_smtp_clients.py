"""Sending with programs that people send with: swaks, msmtp, curl, mutt and
Python's smtplib."""

import smtplib
import ssl
import unittest
from email.message import EmailMessage

from clients import SLOW, Case, need, text_message, token, wire


class Swaks(Case):
    def swaks(self, port, *args, status=0, to=0):
        return self.run_program(
            "swaks", "--server", self.server.host,
            "--port", self.server.ports[port], "--helo", "client.example.org",
            "--timeout", "20", "--to", self.server.users[to],
            "--from", "ann@example.org", *args, status=status)

    def tls(self, *args):
        return ("--tls-verify", "--tls-ca-path", self.server.cafile) + args

    def auth(self, mechanism, password=None):
        return ("--auth", mechanism, "--auth-user", self.server.users[1],
                "--auth-password", password or self.server.password,
                "--from", self.server.users[1])

    @need("swaks")
    def test_plain_smtp(self):
        t = token()
        self.swaks("smtp", "--header", "Subject: " + t, "--body", "a\n.b\n..")
        m = self.with_token(t)
        self.assertTrue(m.startswith(b"Return-Path: <ann@example.org>\r\n"))
        self.assertIn(b"from client.example.org", m)
        self.assertIn(b"\r\n\r\na\r\n.b\r\n..\r\n", m)

    @need("swaks")
    def test_starttls(self):
        t = token()
        p = self.swaks("smtp", *self.tls("--tls"), "--header", "Subject: " + t)
        self.assertIn(b"TLS started", p.stdout)
        self.assertIn(b"with ESMTPS", self.with_token(t))

    @need("swaks")
    def test_submission_with_each_mechanism(self):
        for mechanism in ("PLAIN", "LOGIN"):
            with self.subTest(mechanism):
                t = token()
                self.swaks("submission", *self.tls("--tls"),
                           *self.auth(mechanism), "--header", "Subject: " + t)
                self.assertIn(b"with ESMTPSA", self.with_token(t))

    @need("swaks")
    def test_submissions(self):
        t = token()
        self.swaks("submissions", *self.tls("--tls-on-connect"),
                   *self.auth("PLAIN"), "--header", "Subject: " + t)
        self.assertIn(b"with ESMTPSA", self.with_token(t))

    @need("swaks")
    def test_wrong_password(self):
        p = self.swaks("submission", *self.tls("--tls"),
                       *self.auth("PLAIN", "wrong"), status=28)
        self.assertIn(b"535 5.7.8", p.stdout)

    @need("swaks")
    def test_submission_wants_a_login(self):
        p = self.swaks("submission", *self.tls("--tls"), status=23)
        self.assertIn(b"530 5.7.0", p.stdout)

    @need("swaks")
    def test_no_relay_and_no_such_user(self):
        p = self.swaks("smtp", "--to", "someone@elsewhere.example", status=24)
        self.assertRegex(p.stdout, rb"<\*\* 55[04] 5\.")
        p = self.swaks("smtp", "--to", "nobody@example.test", status=24)
        self.assertIn(b"550 5.1.1", p.stdout)

    @need("swaks")
    def test_lmtp_answers_for_each_recipient(self):
        t = token()
        p = self.swaks("lmtp", "--protocol", "LMTP", "--header",
                       "Subject: " + t, "--to",
                       ",".join(self.server.users))
        self.assertEqual(p.stdout.count(b"<-  250 2.1.5"), 2, p.stdout)
        self.with_token(t, 0)
        self.with_token(t, 1)

    @need("swaks")
    def test_pipelining(self):
        t = token()
        p = self.swaks("smtp", "--pipeline", "--header", "Subject: " + t,
                       "--to", ",".join(self.server.users))
        self.assertRegex(p.stdout, rb" -> DATA\n<-  250 2\.1\.0")
        self.with_token(t, 0)
        self.with_token(t, 1)

    @need("swaks")
    def test_eight_bits(self):
        t = token()
        self.swaks("smtp", "--data", self.file("m", text_message(
            t, "Grüße, žluťoučký, 日本語\n",
            "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
            "Content-Transfer-Encoding: 8bit\n")))
        self.assertIn("Grüße, žluťoučký, 日本語\r\n".encode(), self.with_token(t))

    @need("swaks")
    def test_attachment(self):
        t = token()
        data = bytes(range(256)) * 400
        self.swaks("smtp", "--header", "Subject: " + t,
                   "--attach-type", "application/octet-stream",
                   "--attach", "@" + self.file("data.bin", data))
        import email
        parts = list(email.message_from_bytes(self.with_token(t)).walk())
        self.assertEqual(parts[-1].get_payload(decode=True), data)


class Msmtp(Case):
    def msmtp(self, *settings, word, status=0, port="submission"):
        rc = self.file("msmtprc", "\n".join((
            "defaults", "tls_trust_file " + self.server.cafile,
            "timeout 20", "account x", "host localhost",
            "port %d" % self.server.ports[port],
            "from " + self.server.users[0]) + settings) + "\n")
        return self.run_program(
            "msmtp", "-C", rc, "-a", "x", "--", self.server.users[1],
            input=text_message(word, sender=self.server.users[0]),
            status=status)

    def auth(self, mechanism, password="secret"):
        return ("auth " + mechanism, "user " + self.server.users[0],
                "password " + password)

    @need("msmtp")
    def test_each_mechanism(self):
        import re
        known = self.run_program("msmtp", "--version").stdout.decode()
        known = re.search(r"authentication methods:\s*(.*)", known).group(1)
        for mechanism in ("plain", "login", "scram-sha-256",
                          "scram-sha-256-plus"):
            if mechanism not in known.split():
                continue
            with self.subTest(mechanism):
                t = token()
                self.msmtp("tls on", *self.auth(mechanism), word=t)
                self.assertIn(b"with ESMTPSA", self.with_token(t, 1))

    @need("msmtp")
    def test_implicit_tls(self):
        t = token()
        self.msmtp("tls on", "tls_starttls off", *self.auth("on"), word=t,
                   port="submissions")
        self.assertIn(b"with ESMTPSA", self.with_token(t, 1))

    @need("msmtp")
    def test_without_tls_over_loopback(self):
        t = token()
        self.msmtp("tls off", *self.auth("plain"), word=t)
        self.assertIn(b"with ESMTPA", self.with_token(t, 1))

    @need("msmtp")
    def test_wrong_password(self):
        for mechanism in ("plain", "scram-sha-256"):
            with self.subTest(mechanism):
                p = self.msmtp("tls on", *self.auth(mechanism, "wrong"),
                               word=token(), status=77)
                self.assertIn(b"535", p.stderr)

    @need("msmtp")
    def test_wants_a_certificate_it_trusts(self):
        other = "/etc/ssl/certs/ca-certificates.crt"
        p = self.msmtp("tls on", "tls_trust_file " + other,
                       *self.auth("plain"), word=token(), status=None)
        self.assertNotEqual(p.returncode, 0)


class Curl(Case):
    def curl(self, port, *args, scheme="smtp", status=0, input=None):
        return self.run_program(
            "curl", "-sS", "--max-time", "20", "--cacert", self.server.cafile,
            "--url", "%s://localhost:%d/client.example.org" % (
                scheme, self.server.ports[port]), *args,
            status=status, input=input)

    def upload(self, word, sender="ann@example.org", to=0):
        return ("--mail-from", sender, "--mail-rcpt", self.server.users[to],
                "--upload-file",
                self.file("m", wire(text_message(word, sender=sender))))

    @need("curl")
    def test_smtp_and_starttls(self):
        for options in ((), ("--ssl-reqd",)):
            with self.subTest(options):
                t = token()
                self.curl("smtp", *options, *self.upload(t))
                m = self.with_token(t)
                self.assertEqual(b"with ESMTPS" in m, bool(options))
                self.assertTrue(m.endswith(
                    b"\r\n\r\nOne line.\r\nAnother line.\r\n"))

    @need("curl")
    def test_submissions(self):
        for mechanism in ("PLAIN", "LOGIN"):
            with self.subTest(mechanism):
                t = token()
                self.curl("submissions", "--user", self.server.users[1] +
                          ":secret", "--login-options", "AUTH=" + mechanism,
                          *self.upload(t, self.server.users[1]),
                          scheme="smtps")
                self.assertIn(b"with ESMTPSA", self.with_token(t))

    @need("curl")
    def test_utf8_sender(self):
        t = token()
        p = self.curl("smtp", "--verbose", *self.upload(
            t, "jürgen@example.org"))
        self.assertIn(b"SMTPUTF8", p.stderr)
        self.assertIn("Return-Path: <jürgen@example.org>".encode(),
                      self.with_token(t))

    @need("curl")
    def test_large_message(self):
        t = token()
        body = "".join("%06d %s\n" % (i, "x" * 60) for i in range(150000))
        self.curl("smtp", "--mail-from", "ann@example.org", "--mail-rcpt",
                  self.server.users[0], "--upload-file",
                  self.file("m", wire(text_message(t, body))))
        self.assertTrue(self.with_token(t).endswith(wire(body)))

    @need("curl")
    def test_too_large_is_refused_by_its_size(self):
        with open(self.path("big"), "wb") as f:
            f.truncate(60 << 20)
        p = self.curl("smtp", "--mail-from", "ann@example.org", "--mail-rcpt",
                      self.server.users[0], "--upload-file", self.path("big"),
                      "--verbose", status=55)
        self.assertIn(b"552 5.3.4", p.stderr)

    @need("curl")
    def test_vrfy_and_expn_and_help(self):
        p = self.curl("smtp", "--request", "HELP", "--verbose")
        self.assertIn(b"< 214", p.stderr)
        p = self.curl("smtp", "--mail-rcpt", self.server.users[0], "--verbose")
        self.assertIn(b"< 252", p.stderr)


class Mutt(Case):
    @need("mutt")
    def test_sends_over_smtp(self):
        # mutt would try SCRAM-SHA-256-PLUS first, which its GNU SASL has and
        # mutt itself doesn't, and would give up then.
        data = bytes(range(256)) * 20
        for url, more in (
                ("smtp://user1%%40example.test@localhost:%d/",
                 "set ssl_force_tls=yes\n"
                 "set smtp_authenticators=\"scram-sha-256\"\n"),
                ("smtps://user1%%40example.test@localhost:%d/",
                 "set smtp_authenticators=\"plain\"\n")):
            port = self.server.ports[
                "submissions" if url.startswith("smtps") else "submission"]
            t = token()
            rc = self.file("muttrc", (
                "set smtp_url=\"%s\"\n"
                "set smtp_pass=\"secret\"\n"
                "set ssl_starttls=yes\n"
                "set certificate_file=\"%s\"\n"
                "set from=\"user1@example.test\"\n"
                "set realname=\"Uñ One\"\n"
                "set copy=no\n" % (url % port, self.server.cafile)) + more)
            with self.subTest(url):
                self.run_program(
                    "mutt", "-n", "-F", rc, "-s", "Grüße " + t,
                    "-a", self.file("data.bin", data), "--",
                    self.server.users[1], input="body " + t + "\n.\nend\n")
                m = self.with_token("body " + t, 1)
                self.assertIn(b"with ESMTPSA", m)
                import email
                parts = list(email.message_from_bytes(m).walk())
                self.assertEqual(parts[-1].get_payload(decode=True), data)
                self.assertIn("body %s\r\n.\r\nend\r\n" % t,
                              parts[1].get_payload())


class Smtplib(Case):
    def context(self):
        return ssl.create_default_context(cafile=self.server.cafile)

    def connect(self, port="smtp", cls=smtplib.SMTP, **more):
        c = cls("localhost", self.server.ports[port],
                local_hostname="client.example.org", timeout=20 * SLOW, **more)
        self.addCleanup(c.close)
        return c

    def test_long_session(self):
        """Many messages, refusals and resets in one connection."""
        c = self.connect()
        c.ehlo()
        c.starttls(context=self.context())
        t = token()
        for i in range(200):
            refused = c.sendmail(
                "ann@example.org", self.server.users,
                wire(text_message("%s.%d." % (t, i))))
            self.assertEqual(refused, {})
            if i % 20 == 0:
                with self.assertRaises(smtplib.SMTPRecipientsRefused):
                    c.sendmail("ann@example.org", ["x@example.test"], "x")
                self.assertEqual(c.rset()[0], 250)
                self.assertEqual(c.noop()[0], 250)
            if i % 50 == 0:
                refused = c.sendmail(
                    "ann@example.org",
                    ["none@example.test", self.server.users[0]],
                    wire(text_message("partly")))
                self.assertEqual(refused["none@example.test"][0], 550)
        c.quit()
        for user in (0, 1):
            got = [m for m in self.contents(user) if t.encode() in m]
            self.assertEqual(len(got), 200)
            for i, m in enumerate(got):
                self.assertIn(b"%s.%d." % (t.encode(), i), m)

    def test_send_message_with_utf8_header(self):
        t = token()
        m = EmailMessage()
        m["From"] = "Jürgen <jürgen@example.org>"
        m["To"] = self.server.users[0]
        m["Subject"] = "Žádost " + t
        m.set_content("Grüße\n", cte="8bit")
        with self.connect() as c:
            self.assertEqual(c.send_message(m), {})
            self.assertIn("smtputf8", c.esmtp_features)
            self.assertIn("8bitmime", c.esmtp_features)
        got = self.with_token(t)
        self.assertIn(("Subject: Žádost %s\r\n" % t).encode(), got)
        self.assertIn("Grüße\r\n".encode(), got)

    def test_utf8_address_of_a_user(self):
        p = self.server.ctl("user", "add", "jürgen@example.test",
                            input="secret-word\n")
        self.assertEqual(p.returncode, 0, p.stderr)
        t = token()
        c = self.connect()
        c.ehlo()
        self.assertEqual(c.mail("ann@example.org", ["SMTPUTF8"])[0], 250)
        self.assertEqual(c.rset()[0], 250)
        c.command_encoding = "utf-8"
        self.assertEqual(c.sendmail(
            "ann@example.org", "jürgen@example.test",
            wire(text_message(t)), mail_options=["SMTPUTF8"]), {})
        p = self.server.ctl("user", "show", "jürgen@example.test", "--json")
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertRegex(p.stdout, r'"used_messages": *1\b')

    def test_login_mechanisms(self):
        for port, cls, more in (
                ("submission", smtplib.SMTP, {}),
                ("submissions", smtplib.SMTP_SSL,
                 {"context": self.context()})):
            c = self.connect(port, cls, **more)
            if port == "submission":
                c.starttls(context=self.context())
            c.user, c.password = self.server.users[0], "secret"
            c.ehlo()
            self.assertEqual(c.auth("PLAIN", c.auth_plain)[0], 235)
            t = token()
            self.assertEqual(c.sendmail(
                self.server.users[0], self.server.users[1],
                wire(text_message(t, sender=self.server.users[0]))), {})
            self.with_token(t, 1)
        c = self.connect("submission")
        c.starttls(context=self.context())
        c.ehlo()
        c.user, c.password = self.server.users[0], "secret"
        self.assertEqual(c.auth("LOGIN", c.auth_login,
                                initial_response_ok=False)[0], 235)

    def test_lmtp(self):
        t = token()
        c = self.connect("lmtp", smtplib.LMTP)
        c.ehlo()
        c.mail("ann@example.org")
        self.assertEqual(c.rcpt(self.server.users[0])[0], 250)
        self.assertEqual(c.rcpt("none@example.test")[0], 550)
        self.assertEqual(c.rcpt(self.server.users[1])[0], 250)
        self.assertEqual(c.data(wire(text_message(t)))[0], 250)
        self.assertEqual(c.getreply()[0], 250)
        self.assertEqual(c.noop()[0], 250)
        for user in (0, 1):
            self.with_token(t, user)


if __name__ == "__main__":
    unittest.main()
