"""REPLACE and UID REPLACE (RFC 8508)."""

import unittest

from imap_client import CRLF, Case, message


class Replace(Case):
    def literal(self, m):
        return b"{%d+}\r\n%s" % (len(m), m)

    def test_announced(self):
        self.assertIn(b" REPLACE", self.login().ok("CAPABILITY")[0])

    def test_example(self):
        c = self.select_new([message("m%d" % i) for i in range(4)])
        m = message("happy new year !!")
        c.send("A003 REPLACE 4 %s (\\Seen \\Draft) {%d}\r\n" % (
            self.box, len(m)))
        self.assertTrue(c.response().startswith(b"+ "))
        c.send(m + CRLF)
        untagged, tagged = c.finish("A003")
        self.assertTrue(tagged.startswith(b"OK Replace"), tagged)
        self.assertRegex(untagged[0], rb"^\* OK \[APPENDUID \d+ 5\]")
        self.assertIn(b"* 4 EXPUNGE", untagged)
        self.assertIn(b"* 4 EXISTS", untagged)
        self.assertFalse([u for u in untagged if b"Deleted" in u])
        got = c.ok("FETCH 4 (UID FLAGS BODY.PEEK[])")[0]
        self.assertIn(b"UID 5", got)
        self.assertIn(b"\\Seen", got)
        self.assertIn(b"\\Draft", got)
        self.assertIn(m, got)
        m = message("again")
        untagged, tagged = c.cmd(b"UID REPLACE 5 %s %s" % (
            self.box.encode(), self.literal(m)))
        self.assertTrue(tagged.startswith(b"OK"), tagged)
        self.assertRegex(untagged[0], rb"^\* OK \[APPENDUID \d+ 6\]")
        got = c.ok("FETCH 4 (FLAGS BODY.PEEK[])")[0]
        self.assertNotIn(b"\\Draft", got) # nothing is inherited
        self.assertIn(m, got)

    def test_star_and_date(self):
        c = self.select_new([message("a"), message("b")])
        m = message("c")
        self.assertOk(c.cmd(
            b'REPLACE * %s () "17-Jul-1996 02:44:25 -0700" %s' % (
                self.box.encode(), self.literal(m))))
        got = c.ok("FETCH 1:* (UID INTERNALDATE)")
        self.assertEqual(len(got), 2)
        self.assertIn(b"UID 3", got[1])
        self.assertIn(b"17-Jul-1996 09:44:25", got[1])

    def test_other_mailbox_and_session(self):
        c = self.select_new([message("a"), message("b")])
        d = self.select_again()
        c.ok("CREATE %s-sent" % self.box)
        self.assertOk(c.cmd(b"REPLACE 1 %s-sent %s" % (
            self.box.encode(), self.literal(message("sent")))))
        self.assertEqual(len(c.ok("FETCH 1:* UID")), 1)
        self.assertIn(b"MESSAGES 1",
                      c.ok("STATUS %s-sent (MESSAGES)" % self.box)[0])
        # the other session sees nothing but the end: no \\Deleted
        untagged = d.ok("NOOP")
        self.assertIn(b"* 1 EXPUNGE", untagged)
        self.assertFalse([u for u in untagged if b"FETCH" in u])

    def test_catenate(self):
        c = self.select_new([message("draft", "long body\r\n")])
        text = "To: x@example.test\r\nSubject: View\r\n"
        untagged, tagged = c.cmd(
            'UID REPLACE 1 %s CATENATE (TEXT {%d+}\r\n%s URL "/%s/;UID=1")' % (
                self.box, len(text), text, self.box))
        self.assertTrue(tagged.startswith(b"OK"), tagged)
        self.assertIn(text.encode() + message("draft", "long body\r\n"),
                      c.ok("FETCH 1 BODY.PEEK[]")[0])
        self.assertEqual(len(c.ok("FETCH 1:* UID")), 1)

    def test_refusals(self):
        c = self.select_new([message("a")])
        lit = self.literal(message("b"))
        box = self.box.encode()
        self.assertNo(c.cmd(b"REPLACE 1 no-%s %s" % (box, lit)), "TRYCREATE")
        self.assertNo(c.cmd(b"UID REPLACE 99 %s %s" % (box, lit)))
        self.assertNo(c.cmd(b"REPLACE 1 %s {60000000}" % box), "TOOBIG")
        self.assertNo(c.cmd(b"REPLACE 1 %s {0}" % box))
        self.assertNo(
            c.cmd(b'REPLACE 1 %s CATENATE (URL "/x/;UID=1")' % box))
        for text in (b"REPLACE", b"REPLACE 1", b"REPLACE 0 %s %s" % (box, lit),
                     b"REPLACE 1:2 %s %s" % (box, lit),
                     b"REPLACE 1 %s" % box, b"REPLACE x %s %s" % (box, lit),
                     b"REPLACE 1 %s %s %s" % (box, lit, lit),
                     b"REPLACE 2 %s %s" % (box, lit),
                     b"UID REPLACE 0 %s %s" % (box, lit)):
            self.assertBad(c.cmd(text))
        self.assertIn(message("a"), c.ok("FETCH 1 BODY.PEEK[]")[0])
        self.assertEqual(len(c.ok("FETCH 1:* UID")), 1)
        c.ok("EXAMINE " + self.box)
        self.assertNo(c.cmd(b"REPLACE 1 %s %s" % (box, lit)), "READ-ONLY")
        c.ok("UNSELECT")
        self.assertBad(c.cmd(b"REPLACE 1 %s %s" % (box, lit)))

    def test_gone_meanwhile(self):
        c = self.select_new([message("a"), message("b")])
        d = self.select_again()
        d.ok("STORE 1 +FLAGS (\\Deleted)")
        d.ok("EXPUNGE")
        self.assertNo(c.cmd(b"REPLACE 1 %s %s" % (
            self.box.encode(), self.literal(message("c")))), "EXPUNGEISSUED")
        self.assertIn(b"MESSAGES 1",
                      d.ok("STATUS %s (MESSAGES)" % self.box)[0])

    def test_only_the_net_counts_for_the_quota(self):
        user = self.server.users[1]
        d = self.login(1)
        d.append(message("a", "x" * 2000 + "\r\n"))
        r = self.server.ctl("user", "set", user, "--quota", "2500",
                            "--quota-messages", "1")
        self.assertEqual(r.returncode, 0, r.stderr)
        d = self.login(1)
        d.ok("SELECT INBOX")
        lit = self.literal(message("b", "x" * 1900 + "\r\n"))
        self.assertNo(d.cmd(b"APPEND INBOX " + lit), "OVERQUOTA")
        self.assertOk(d.cmd(b"REPLACE 1 INBOX " + lit))
        lit = self.literal(message("b", "x" * 2900 + "\r\n"))
        self.assertNo(d.cmd(b"REPLACE 1 INBOX " + lit), "OVERQUOTA")
        self.assertEqual(len(d.ok("FETCH 1:* UID")), 1)


if __name__ == "__main__":
    unittest.main()
