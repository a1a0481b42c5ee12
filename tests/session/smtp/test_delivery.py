"""Several recipients, aliases, quotas, and LMTP."""

import unittest

from wire import MESSAGE, Case, values


class Recipients(Case):
    def setUp(self):
        self.before = [self.count(i) for i in range(3)]

    def added(self):
        return [self.count(i) - self.before[i] for i in range(3)]

    def alias(self, name, *targets):
        got = self.server.ctl("alias", "add", name, *targets)
        self.assertEqual(got.returncode, 0, got.stderr)
        self.addCleanup(self.server.ctl, "alias", "delete", name)

    def test_each_gets_one(self):
        w = self.wire()
        self.assertEqual(
            w.mail(self.user(0), self.user(1), self.user(0))[0], 250)
        self.assertEqual(self.added(), [1, 1, 0])
        # Each would learn of the others.
        self.assertNotIn("for <", values(self.inbox()[-1], "Received")[0])

    def test_refused_recipients_do_not_hurt(self):
        w = self.wire()
        w.envelope(self.user(0))
        self.assertEqual(w.code(b"RCPT TO:<nobody@example.test>"), 550)
        self.assertEqual(w.code(b"RCPT TO:<a@other.test>"), 550)
        w.data(MESSAGE + b".\r\n")
        self.assertEqual(w.reply()[0], 250)
        self.assertEqual(self.added(), [1, 0, 0])

    def test_alias_and_address(self):
        self.alias("team@example.test", self.user(0), self.user(1))
        w = self.wire()
        self.assertEqual(
            w.mail("team@example.test", self.user(0), "TEAM@example.test")[0],
            250)
        self.assertEqual(self.added(), [1, 1, 0])

    def test_alias_to_another_server(self):
        self.alias("away@example.test", self.user(0), "x@other.test")
        w = self.wire()
        w.envelope()
        self.assertEqual(w.code(b"RCPT TO:<away@example.test>"), 550)

    def test_catch_all(self):
        self.alias("@example.test", self.user(2))
        w = self.wire()
        self.assertEqual(w.mail("whoever@example.test")[0], 250)
        self.assertEqual(self.added(), [0, 0, 1])

    def test_detail(self):
        w = self.wire()
        self.assertEqual(w.mail("user1+list@example.test")[0], 250)
        self.assertEqual(self.added(), [1, 0, 0])

    def test_a_full_mailbox(self):
        self.server.ctl("user", "set", self.user(1), "--quota", "1")
        self.addCleanup(self.server.ctl, "user", "set", self.user(1),
                        "--quota", "default")
        w = self.wire()
        w.envelope(self.user(0), params=b" SIZE=5000")
        code, text = w.cmd(b"RCPT TO:<" + self.user(1).encode() + b">")
        self.assertEqual((code, text[:5]), (452, "4.2.2"))
        w.data(MESSAGE + b".\r\n")
        self.assertEqual(w.reply()[0], 250)
        self.assertEqual(self.added(), [1, 0, 0])

    def test_a_repetition_duplicates_nothing(self):
        self.server.ctl("user", "set", self.user(1), "--quota", "20K")
        self.addCleanup(self.server.ctl, "user", "set", self.user(1),
                        "--quota", "default")
        content = b"Subject: large\r\n\r\n" + (b"x" * 70 + b"\r\n") * 500
        w = self.wire()
        for _ in range(2):
            code, text = w.mail(self.user(0), self.user(1), content=content)
            self.assertEqual((code, text[:5]), (452, "4.2.2"))
            self.assertEqual(self.added(), [1, 0, 0])
        self.server.ctl("user", "set", self.user(1), "--quota", "1M")
        code, _ = w.mail(self.user(1), self.user(0), content=content)
        self.assertEqual(code, 250)
        self.assertEqual(self.added(), [1, 1, 0])
        # Now it is a new message.
        code, _ = w.mail(self.user(1), self.user(0), content=content)
        self.assertEqual(code, 250)
        self.assertEqual(self.added(), [2, 2, 0])

    def test_logged(self):
        w = self.wire()
        code, text = w.mail(self.user())
        ident = text.rsplit(" ", 1)[1]
        self.wait_log(ident)
        line = [x for x in self.server.log().splitlines() if ident in x][0]
        for part in ("from=a@b.test", "peer=127.0.0.1", "recipients=1",
                     "size=%d" % len(MESSAGE)):
            self.assertIn(part, line)
        self.assertNotIn("body", self.server.log())


class Lmtp(Case):
    def test_greeting(self):
        w = self.wire("lmtp")
        self.assertIn(" LMTP ", w.greeting[1])
        names = [x.split()[0] for x in w.extensions]
        for name in ("PIPELINING", "ENHANCEDSTATUSCODES", "CHUNKING"):
            self.assertIn(name, names)
        self.assertEqual(w.code(b"EHLO me.test"), 500)
        self.assertEqual(w.code(b"HELO me.test"), 500)

    def test_a_reply_for_each(self):
        before = self.count(), self.count(1)
        w = self.wire("lmtp")
        w.envelope(self.user(0))
        self.assertEqual(w.code(b"RCPT TO:<nobody@example.test>"), 550)
        self.assertEqual(
            w.code(b"RCPT TO:<" + self.user(1).encode() + b">"), 250)
        self.assertEqual(
            w.code(b"RCPT TO:<" + self.user(0).encode() + b">"), 250)
        w.data(MESSAGE + b".\r\nNOOP x\r\n")
        self.assertEqual(w.replies(4), [250] * 4)
        self.assertEqual((self.count(), self.count(1)),
                         (before[0] + 1, before[1] + 1))
        self.assertIn(b"with LMTP\r\n", self.inbox()[-1])

    def test_partial_failure_is_told_exactly(self):
        self.server.ctl("user", "set", self.user(1), "--quota", "20K")
        self.addCleanup(self.server.ctl, "user", "set", self.user(1),
                        "--quota", "default")
        content = b"Subject: large\r\n\r\n" + (b"x" * 70 + b"\r\n") * 500
        w = self.wire("lmtp")
        w.envelope(self.user(0), self.user(1), self.user(2))
        w.data(content + b".\r\n")
        self.assertEqual(w.replies(3), [250, 452, 250])

    def test_no_recipients(self):
        w = self.wire("lmtp")
        w.envelope()
        self.assertEqual(w.code(b"DATA"), 503)

    def test_refused_content(self):
        w = self.wire("lmtp")
        w.envelope(self.user(0), self.user(1))
        w.data(b"a\nb\r\n.\r\nNOOP\r\n")
        self.assertEqual(w.replies(3), [550, 550, 250])

    def test_chunks(self):
        w = self.wire("lmtp")
        w.envelope(self.user(0), self.user(1))
        w.send(b"BDAT 6\r\nA: b\r\nBDAT 3 LAST\r\n\r\nxNOOP\r\n")
        self.assertEqual(w.replies(4), [250] * 4)


if __name__ == "__main__":
    unittest.main()
