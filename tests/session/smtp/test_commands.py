"""Verbs, their order and their arguments (RFC 5321), on port 25."""

import unittest

from wire import Case, Closed


class Commands(Case):
    def test_greeting_names_the_host(self):
        w = self.wire(greet=False)
        self.assertEqual(w.greeting[0], 220)
        self.assertIn(" ESMTP ", w.greeting[1])

    def test_ehlo_announces(self):
        w = self.wire()
        names = [x.split()[0] for x in w.extensions]
        for name in ("PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "CHUNKING",
                     "BINARYMIME", "ENHANCEDSTATUSCODES", "STARTTLS",
                     "LIMITS", "HELP"):
            self.assertIn(name, names)
        self.assertNotIn("AUTH", names)
        limits = [x for x in w.extensions if x.startswith("LIMITS")][0]
        self.assertRegex(limits, r"RCPTMAX=1000( |$)")
        self.assertRegex(limits, r"MAILMAX=\d+( |$)")

    def test_helo(self):
        w = self.wire(greet=False)
        code, text = w.cmd(b"HELO me.test")
        self.assertEqual(code, 250)
        self.assertNotIn("\n", text)
        self.assertEqual(w.code(b"MAIL FROM:<a@b.test> SIZE=1"), 555)
        self.assertEqual(w.mail(self.user())[0], 250)
        self.assertRegex(self.inbox()[-1], rb"with SMTP\r\n")

    def test_greeting_needs_a_name(self):
        w = self.wire(greet=False)
        for line in (b"EHLO", b"HELO", b"EHLO ", b"EHLO two words",
                     b"EHLO a(b"):
            self.assertEqual(w.code(line), 501, line)

    def test_lhlo_and_auth_are_unknown(self):
        w = self.wire()
        self.assertEqual(w.code(b"LHLO me.test"), 500)
        self.assertEqual(w.code(b"AUTH PLAIN"), 500)

    def test_verbs_without_case(self):
        w = self.wire(greet=False)
        self.assertEqual(w.code(b"ehlo me.test"), 250)
        self.assertEqual(w.code(b"mAiL fRoM:<a@b.test> size=10"), 250)
        self.assertEqual(
            w.code(b"rcpt to:<" + self.user().upper().encode() + b">"), 250)
        self.assertEqual(w.code(b"rSeT"), 250)

    def test_sequence(self):
        w = self.wire(greet=False)
        self.assertEqual(w.code(b"MAIL FROM:<a@b.test>"), 503)
        self.assertEqual(w.code(b"STARTTLS"), 503)
        w.hello()
        to = b"RCPT TO:<" + self.user().encode() + b">"
        self.assertEqual(w.code(to), 503)
        self.assertEqual(w.code(b"DATA"), 503)
        self.assertEqual(w.code(b"MAIL FROM:<a@b.test>"), 250)
        self.assertEqual(w.code(b"MAIL FROM:<a@b.test>"), 503)
        self.assertEqual(w.code(b"DATA"), 554)
        self.assertEqual(w.code(to), 250)
        self.assertEqual(w.code(b"RSET"), 250)
        self.assertEqual(w.code(to), 503)
        self.assertEqual(w.code(b"DATA"), 503)

    def test_a_second_ehlo_resets(self):
        w = self.wire()
        w.envelope(self.user())
        w.hello()
        self.assertEqual(w.code(b"DATA"), 503)

    def test_small_verbs(self):
        w = self.wire(greet=False)
        self.assertEqual(w.code(b"NOOP"), 250)
        self.assertEqual(w.code(b"NOOP anything"), 250)
        self.assertEqual(w.code(b"VRFY user1"), 252)
        self.assertEqual(w.code(b"VRFY"), 501)
        self.assertEqual(w.code(b"EXPN list"), 502)
        code, text = w.cmd(b"HELP")
        self.assertEqual(code, 214)
        self.assertIn("MAIL", text)
        self.assertEqual(w.code(b"RSET x"), 501)
        self.assertEqual(w.code(b"DATA x"), 501)
        self.assertEqual(w.code(b"QUIT x"), 501)
        code, text = w.cmd(b"QUIT")
        self.assertEqual(code, 221)
        self.assertTrue(w.at_end())

    def test_unknown(self):
        w = self.wire()
        for line in (b"", b" ", b"X", b"MAILFROM:<>", b"ETRN x", b"TURN",
                     b"MAIL\tFROM:<>", b"\xff\xfe"):
            self.assertEqual(w.cmd(line)[0], 500, line)

    def test_codes_are_enhanced(self):
        w = self.wire()
        self.assertRegex(w.cmd(b"RSET")[1], r"^2\.\d\.\d ")
        self.assertRegex(w.cmd(b"FOO")[1], r"^5\.\d\.\d ")
        self.assertRegex(w.cmd(b"RCPT TO:<>")[1], r"^5\.\d\.\d ")

    def test_web_clients_are_sent_away(self):
        for verb in (b"GET / HTTP/1.1", b"POST / HTTP/1.1",
                     b"CONNECT x:25 HTTP/1.1"):
            w = self.wire(greet=False)
            w.send(verb + b"\r\nHost: x\r\n\r\nMAIL FROM:<>\r\n")
            self.assertEqual(w.reply()[0], 421)
            self.assertTrue(w.at_end())

    def test_quit_leaves_an_open_transaction(self):
        before = self.count()
        w = self.wire()
        w.envelope(self.user())
        self.assertEqual(w.code(b"QUIT"), 221)
        w = self.wire()
        w.envelope(self.user())
        w.data(b"half a message")
        w.close()
        self.assertEqual(self.count(), before)
        self.wait_log("the connection was closed")


class Arguments(Case):
    settings = ("smtp.errors=1000",)

    def test_mail_arguments(self):
        w = self.wire()
        for args, code in (
                (b"", 501), (b"FROM", 501), (b"FROM:", 501),
                (b"FROM:a@b.test", 501), (b"FROM:<a@b.test", 501),
                (b"FROM:<a@>", 501), (b"FROM:<a>", 501),
                (b"FROM:<@x.test>", 501), (b"TO:<a@b.test>", 501),
                (b"FROM:<a@b.test> FOO", 555),
                (b"FROM:<a@b.test> FOO=bar", 555),
                (b"FROM:<a@b.test> SIZE=x", 501),
                (b"FROM:<a@b.test> SIZE=", 501),
                (b"FROM:<a@b.test> SIZE=1 SIZE=2", 501),
                (b"FROM:<a@b.test> BODY=x", 501),
                (b"FROM:<a@b.test> SMTPUTF8=x", 501),
                (b"FROM:<a@b.test> RET=x", 501),
                (b"FROM:<a@b.test> ENVID=a+zz", 501),
                (b"FROM:<a@b.test> AUTH=<>", 555),
                (b"FROM:<\xc3\xa4@b.test>", 553),
                (b"FROM:<\xff@b.test> SMTPUTF8", 501),
                (b"FROM:<a@b.test> SIZE=99999999999", 552),
                (b"FROM:<a@b.test> SIZE=99999999999999999999", 552)):
            self.assertEqual(w.code(b"MAIL " + args), code, args)
        for args in (
                b"FROM:<a@b.test>", b"FROM: <a@b.test>", b"FROM:<>",
                b"FROM:<@x.test,@y.test:a@b.test>",
                b'FROM:<"a b"@b.test>', b"FROM:<a@[192.0.2.1]>",
                b"FROM:<a@[IPv6:2001:db8::1]>",
                b"FROM:<a@b.test> SIZE=1000 BODY=8BITMIME SMTPUTF8",
                b"FROM:<\xc3\xa4@\xc3\xb6.test> SMTPUTF8",
                b"FROM:<a@b.test> BODY=BINARYMIME",
                b"FROM:<a@b.test> RET=HDRS ENVID=QQ+2B314159",
                b"FROM:<a@b.test>   "):
            self.assertEqual(w.code(b"MAIL " + args), 250, args)
            self.assertEqual(w.code(b"RSET"), 250)

    def test_rcpt_arguments(self):
        w = self.wire()
        user = self.user().encode()
        w.envelope(params=b" SMTPUTF8")
        for args, code in (
                (b"", 501), (b"TO:", 501), (b"TO:<>", 501),
                (b"TO:" + user, 501), (b"TO:<user1>", 501),
                (b"FROM:<" + user + b">", 501),
                (b"TO:<" + user + b"> FOO", 555),
                (b"TO:<" + user + b"> SIZE=1", 555),
                (b"TO:<" + user + b"> NOTIFY=x", 501),
                (b"TO:<" + user + b"> NOTIFY=NEVER,DELAY", 501),
                (b"TO:<" + user + b"> ORCPT=rfc822", 501),
                (b"TO:<" + user + b"> ORCPT=rfc822;a+4", 501)):
            self.assertEqual(w.code(b"RCPT " + args), code, args)
        for args in (
                b"TO:<" + user + b">", b"TO: <" + user + b">",
                b"TO:<@x.test:" + user + b">",
                b'TO:<"user1"@example.test>',
                b"TO:<" + user.upper() + b">",
                b"TO:<" + user + b"> NOTIFY=SUCCESS,FAILURE,DELAY",
                b"TO:<" + user + b"> NOTIFY=NEVER "
                b"ORCPT=rfc822;Bob+40x.test"):
            self.assertEqual(w.code(b"RCPT " + args), 250, args)

    def test_recipients(self):
        w = self.wire()
        w.envelope()
        for to, want in (
                (b"nobody@example.test", (550, "5.1.1")),
                (b"a@other.test", (550, "5.7.1")),
                (b"user1@sub.example.test", (550, "5.7.1")),
                (b"user1@[127.0.0.1]", (550, "5.7.1")),
                (b"user1%other.test@example.test", (550, "5.1.1")),
                (b'"user1@other.test"@example.test', (550, "5.1.1")),
                (b"\xc3\xa4@example.test", (553, "5.6.7")),
                (b"user1+detail@example.test", (250, "2.1.5"))):
            code, text = w.cmd(b"RCPT TO:<" + to + b">")
            self.assertEqual((code, text[:5]), want, to)

    def test_postmaster(self):
        self.server.ctl("alias", "add", "postmaster@example.test",
                        self.user(1))
        before = self.count(1)
        w = self.wire()
        w.envelope("Postmaster")
        self.assertEqual(w.code(b"RCPT TO:<postmaster@example.test>"), 250)
        w.data(b"Subject: p\r\n\r\n.\r\n")
        self.assertEqual(w.reply()[0], 250)
        self.assertEqual(self.count(1), before + 1)

    def test_control_characters(self):
        w = self.wire()
        self.assertEqual(w.code(b"NOOP a\0b"), 500)
        self.assertEqual(w.code(b"MAIL FROM:<a\x7f@b.test>"), 500)
        self.assertEqual(w.code(b"NOOP a\rb"), 500)


class Limits(Case):
    settings = ("smtp.errors=5", "smtp.recipients=100",
                "smtp.command_line=1K", "smtp.messages=3",
                "smtp.message_size=20K", "smtp.hops=5")

    def test_too_many_errors(self):
        w = self.wire()
        for _ in range(4):
            self.assertEqual(w.code(b"FOO"), 500)
        self.assertEqual(w.code(b"FOO"), 500)
        code, text = w.reply()
        self.assertEqual(code, 421)
        self.assertTrue(text.startswith("4.7.0 "))
        self.assertTrue(w.at_end())

    def test_relay_attempts_are_errors(self):
        w = self.wire()
        w.envelope()
        for _ in range(5):
            self.assertEqual(w.code(b"RCPT TO:<a@other.test>"), 550)
        self.assertEqual(w.reply()[0], 421)

    def test_too_many_recipients(self):
        w = self.wire()
        w.envelope(*[self.user()] * 100)
        code, text = w.cmd(b"RCPT TO:<" + self.user().encode() + b">")
        self.assertEqual((code, text[:5]), (452, "4.5.3"))
        before = self.count()
        w.data(b"Subject: x\r\n\r\n.\r\n")
        self.assertEqual(w.reply()[0], 250)
        self.assertEqual(self.count(), before + 1)

    def test_too_many_messages(self):
        w = self.wire()
        for _ in range(3):
            self.assertEqual(w.mail(self.user())[0], 250)
        self.assertEqual(w.code(b"MAIL FROM:<a@b.test>"), 421)
        self.assertTrue(w.at_end())

    def test_long_lines(self):
        for n in (1025, 1026, 3000, 70000):
            w = self.wire()
            w.send(b"NOOP " + b"x" * (n - 7) + b"\r\nNOOP\r\n")
            code, text = w.reply()
            self.assertEqual((code, text[:5]), (500, "5.5.2"), n)
            self.assertEqual(w.reply()[0], 250, n)
        w = self.wire()
        self.assertEqual(w.code(b"NOOP " + b"x" * (1024 - 7)), 250)

    def test_endless_line(self):
        w = self.wire()
        try:
            for _ in range(64):
                w.send(b"x" * 65536)
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            self.assertEqual(w.replies(2), [500, 421])
        except (ConnectionResetError, Closed):
            pass

    def test_declared_size(self):
        w = self.wire()
        code, text = w.cmd(b"MAIL FROM:<a@b.test> SIZE=20481")
        self.assertEqual((code, text[:5]), (552, "5.3.4"))
        self.assertEqual(w.code(b"MAIL FROM:<a@b.test> SIZE=20480"), 250)

    def test_real_size(self):
        w = self.wire()
        line = b"0123456789" * 7 + b"\r\n"
        before = self.count()
        code, text = w.mail(self.user(), content=line * 285)
        self.assertEqual((code, text[:5]), (552, "5.3.4"))
        self.assertEqual(w.mail(self.user(), content=b"A: b\r\n\r\n" +
                                line * 284)[0], 250)
        self.assertEqual(self.count(), before + 1)

    def test_dots_do_not_count(self):
        w = self.wire()
        content = b"A: b\r\n\r\n" + b"..\r\n" * 6800
        self.assertEqual(w.mail(self.user(), content=content)[0], 250)

    def test_endless_message(self):
        w = self.wire()
        w.envelope(self.user())
        w.data(b"")
        try:
            for _ in range(2000):
                w.send(b"x" * 998 + b"\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            self.assertEqual(w.reply()[0], 552)
        except (ConnectionResetError, Closed):
            pass

    def test_loops(self):
        w = self.wire()
        code, text = w.mail(self.user(),
                            content=b"Received: x\r\n" * 6 + b"\r\n")
        self.assertEqual((code, text[:5]), (554, "5.4.6"))
        self.assertEqual(w.mail(self.user(), content=b"Received: x\r\n" * 5 +
                                b"\r\nReceived: x\r\n")[0], 250)


class Time(Case):
    settings = ("smtp.idle_time=1", "smtp.data_time=1", "smtp.login_time=2")

    def test_idle(self):
        w = self.wire()
        code, text = w.reply()
        self.assertEqual((code, text[:5]), (421, "4.4.2"))
        self.assertTrue(w.at_end())

    def test_data(self):
        before = self.count()
        w = self.wire()
        w.envelope(self.user())
        w.data(b"Subject: x\r\n")
        self.assertEqual(w.reply()[0], 421)
        self.assertTrue(w.at_end())
        self.assertEqual(self.count(), before)

    def test_login_takes_too_long(self):
        import time
        w = self.wire("submission")
        end = time.monotonic() + 10
        codes = []
        while time.monotonic() < end and 421 not in codes:
            try:
                w.send(b"NOOP\r\n")
                codes.append(w.reply()[0])
            except (Closed, OSError):
                break
            time.sleep(0.3)
        self.assertIn(421, codes)

    def test_shutdown_says_goodbye(self):
        from postern import Server
        from wire import Wire
        with Server() as server:
            w = Wire(server)
            server.stop()
            code, text = w.reply()
            self.assertEqual((code, text[:5]), (421, "4.3.2"))
            w.close()


if __name__ == "__main__":
    unittest.main()
