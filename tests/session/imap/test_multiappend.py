"""MULTIAPPEND (RFC 3502) and APPENDLIMIT (RFC 7889)."""

import re
import unittest

from imap_client import CRLF, Case, message


def literal(m, plus=True):
    return b"{%d%s}\r\n" % (len(m), b"+" if plus else b"") + m


class MultiAppend(Case):
    def count(self, c):
        got = c.ok("STATUS %s (MESSAGES)" % self.box)[0]
        return int(re.search(rb"MESSAGES (\d+)", got).group(1))

    def test_announced(self):
        self.assertIn(b" MULTIAPPEND", self.login().ok("CAPABILITY")[0])

    def test_example(self):
        c = self.select_new()
        one, two = message("afternoon meeting"), message("Re: meeting")
        c.send("A003 APPEND %s (\\Seen) {%d}\r\n" % (self.box, len(one)))
        self.assertTrue(c.response().startswith(b"+ "))
        c.send(one + b' (\\Flagged) " 7-Feb-1994 22:43:04 -0800" {%d}\r\n'
               % len(two))
        self.assertTrue(c.response().startswith(b"+ "))
        c.send(two + CRLF)
        untagged, tagged = c.finish("A003")
        self.assertRegex(tagged, rb"^OK \[APPENDUID \d+ 1:2\]")
        self.assertIn(b"* 2 EXISTS", untagged)
        got = c.ok("FETCH 1:2 (FLAGS INTERNALDATE BODY.PEEK[])")
        self.assertIn(b"\\Seen", got[0])
        self.assertIn(one, got[0])
        self.assertIn(b"\\Flagged", got[1])
        self.assertNotIn(b"\\Seen", got[1])
        self.assertIn(b'"08-Feb-1994 06:43:04 +0000"'.replace(b'"0', b'" '),
                      got[1])
        self.assertIn(two, got[1])

    def test_many_at_once(self):
        c = self.select_new()
        messages = [message("m%d" % i) for i in range(150)]
        c.send(b"t APPEND " + self.box.encode())
        for m in messages:
            c.send(b" " + literal(m))
        c.send(CRLF)
        untagged, tagged = c.finish("t")
        self.assertRegex(tagged, rb"^OK \[APPENDUID \d+ 1:150\]")
        self.assertIn(b"* 150 EXISTS", untagged)
        for i, got in enumerate(c.ok("FETCH 1:* BODY.PEEK[]")):
            self.assertIn(messages[i], got)

    def test_octet_by_octet(self):
        c = self.select_new()
        one, two = message("one"), message("two")
        for b in b"t APPEND %s %s (\\Seen) %s\r\n" % (
                self.box.encode(), literal(one), literal(two)):
            c.send(bytes([b]))
        self.assertRegex(c.finish("t")[1], rb"APPENDUID \d+ 1:2")

    def test_all_or_nothing(self):
        c = self.select_new()
        good, box = literal(message()), self.box.encode()
        # an empty message cancels
        self.assertNo(c.cmd(b"APPEND %s %s {0}" % (box, good)))
        self.assertNo(c.cmd(b"APPEND %s %s {0+}\r\n" % (box, good)))
        self.assertNo(c.cmd(b"APPEND %s %s {0+}\r\n %s" % (box, good, good)))
        # grammar
        for end in (b" x", b" (\\Foo) {3+}\r\nabc", b" (a {3}", b" ",
                    b" {3+}\r\na\0c", b"(\\Seen) {3+}\r\nabc",
                    b' "x" {3+}\r\nabc', b" NIL"):
            self.assertBad(c.cmd(b"APPEND %s %s%s" % (box, good, end)))
        # too large, also after one that is not, and what follows is skipped
        self.assertNo(c.cmd(b"APPEND %s %s {60000000}" % (box, good)),
                      "TOOBIG")
        self.assertNo(c.cmd(b"APPEND no-%s %s %s" % (box, good, good)),
                      "TRYCREATE")
        # too many
        self.assertNo(c.cmd(b"APPEND %s%s" % (box, (b" " + good) * 201)),
                      "LIMIT")
        self.assertEqual(self.count(c), 0)
        c.ok("NOOP")

    def test_broken_off(self):
        c = self.select_new()
        d = self.login()
        d.send(b"t APPEND %s %s {1000+}\r\nSubject: x" % (
            self.box.encode(), literal(message())))
        d.close()
        c.ok("NOOP")
        self.assertEqual(self.count(c), 0)

    def test_quota_counts_all(self):
        c = self.select_new()
        r = self.server.ctl("user", "set", self.server.users[1],
                            "--quota-messages", "2")
        if r.returncode != 0:
            self.skipTest(r.stderr)
        d = self.login(1)
        good = literal(message())
        self.assertNo(d.cmd(b"APPEND INBOX" + (b" " + good) * 3), "OVERQUOTA")
        self.assertIn(b"MESSAGES 0", d.ok("STATUS INBOX (MESSAGES)")[0])
        self.assertOk(d.cmd(b"APPEND INBOX" + (b" " + good) * 2))
        c.ok("NOOP")


class AppendLimit(Case):
    settings = ("imap.message_size=100000",)

    def test_limit(self):
        c = self.select_new()
        self.assertIn(b" APPENDLIMIT=100000", c.ok("CAPABILITY")[0])
        self.assertEqual(
            c.ok("STATUS %s (APPENDLIMIT)" % self.box)[0],
            b"* STATUS %s (APPENDLIMIT 100000)" % self.box.encode())
        self.assertNo(c.cmd("APPEND %s {100001}" % self.box), "TOOBIG")
        m = message("x", "y" * 99000 + "\r\n")
        m = message("x", "y" * (99002 + 100000 - len(m)) + "\r\n")
        self.assertNo(c.cmd(b"APPEND %s %s" % (
            self.box.encode(), literal(m + b"123"))), "TOOBIG")
        self.assertEqual(c.append(m[:100000], self.box), 1)

    def test_list_status(self):
        c = self.login()
        if b"LIST-STATUS" not in c.ok("CAPABILITY")[0]:
            self.skipTest("no LIST-STATUS")
        self.assertIn(b"* STATUS INBOX (APPENDLIMIT 100000)",
                      c.ok('LIST "" INBOX RETURN (STATUS (APPENDLIMIT))'))


if __name__ == "__main__":
    unittest.main()
