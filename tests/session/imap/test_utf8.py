"""UTF8=ACCEPT (RFC 6855)."""

import unittest

from imap_client import CRLF, Case, message

NAME = "Entw\u00fcrfe & mehr \u20ac"


class Utf8(Case):
    def enabled(self, user=0):
        c = self.login(user)
        self.assertEqual(c.ok("ENABLE UTF8=ACCEPT"), [b"* ENABLED UTF8=ACCEPT"])
        return c

    def test_announced_and_enabled(self):
        c = self.login()
        self.assertIn(b" UTF8=ACCEPT", c.ok("CAPABILITY")[0])
        self.assertEqual(c.ok("ENABLE X-FOO"), [b"* ENABLED"])
        self.assertEqual(c.ok("ENABLE X-FOO utf8=accept"),
                         [b"* ENABLED UTF8=ACCEPT"])
        self.assertBad(self.connect().cmd("ENABLE UTF8=ACCEPT"))

    def test_mailbox_names(self):
        c, old = self.enabled(1), self.login(1)
        wire = ('"%s"' % NAME).encode()
        old_wire = b'"Entw&APw-rfe &- mehr &IKw-"'
        c.ok(b"CREATE " + wire)
        self.assertEqual(c.ok(b'LIST "" ' + wire), [
            b'* LIST (\\HasNoChildren) "/" ' + wire])
        self.assertEqual(c.ok('LIST "" "Entw\u00fc*"'), [
            b'* LIST (\\HasNoChildren) "/" ' + wire])
        self.assertEqual(old.ok('LIST "" "Entw*"'), [
            b'* LIST (\\HasNoChildren) "/" ' + old_wire])
        self.assertEqual(c.ok(b"STATUS " + wire + b" (MESSAGES)"), [
            b"* STATUS " + wire + b" (MESSAGES 0)"])
        self.assertEqual(old.ok(b"STATUS " + old_wire + b" (MESSAGES)"), [
            b"* STATUS " + old_wire + b" (MESSAGES 0)"])
        self.assertEqual(c.ok(b"GETMETADATA " + wire + b" /private/comment"), [
            b"* METADATA " + wire + b" (/private/comment NIL)"])
        self.assertEqual(c.ok(b"GETQUOTAROOT " + wire)[0][:len(wire) + 12],
                         b"* QUOTAROOT " + wire)
        c.ok(b"SUBSCRIBE " + wire)
        self.assertIn(b'* LSUB () "/" ' + wire, c.ok('LSUB "" "*"'))
        c.ok(b"SELECT {%d+}\r\n%s" % (len(NAME.encode()), NAME.encode()))
        c.ok("UNSELECT")
        # modified UTF-7 is a name like any other now
        self.assertNo(c.cmd(b"SELECT " + old_wire), "NONEXISTENT")
        c.ok('CREATE "&APw-"')
        self.assertEqual(c.ok('LIST "" "&*"'), [
            b'* LIST (\\HasNoChildren) "/" &APw-'])
        self.assertEqual(old.ok('LIST "" "&-*"'), [
            b'* LIST (\\HasNoChildren) "/" &-APw-'])
        c.ok(b"RENAME " + wire + b' "\xc3\xa9/\xc3\xa9"')
        self.assertIn(b"&AOk-/&AOk-", b" ".join(old.ok('LIST "" "*"')))

    def test_bad_names(self):
        c = self.enabled()
        for name in (b"\xff", b"a\xc3", b"\xed\xa0\x80", b"a\xc2\x80b",
                     b"\xc2\x9f", b"x\xe2\x80\xa8y", b"\xe2\x80\xa9",
                     b"\x7f"):
            self.assertBad(c.cmd(b'CREATE "%s"' % name))
            self.assertBad(c.cmd(b"CREATE {%d+}\r\n%s" % (len(name), name)))
        # the rule for quoted strings holds everywhere
        self.assertBad(c.cmd(b'STATUS "INBOX\xff" (MESSAGES)'))
        c.ok("NOOP")
        self.assertBad(self.login().cmd(b'SEARCH SUBJECT "\xff"'))

    def test_search(self):
        c = self.select_new([message("Gr=C3=BC=C3=9Fe".join(
            ("=?utf-8?q?", "?="))), message("other")])
        c.ok("ENABLE UTF8=ACCEPT")
        self.assertEqual(c.ok('SEARCH SUBJECT "gr\u00fc\u00dfe"'),
                         [b"* SEARCH 1"])
        self.assertBad(c.cmd("SEARCH CHARSET UTF-8 SUBJECT x"))
        self.assertBad(c.cmd("UID SEARCH CHARSET US-ASCII ALL"))

    def test_append(self):
        c, old = self.enabled(), self.login()
        c.ok("CREATE " + self.box)
        m, box = message("Gr\u00fc\u00dfe"), self.box.encode()
        literal = b"~{%d+}\r\n%s" % (len(m), m)
        self.assertOk(c.cmd(b"APPEND %s (\\Seen) UTF8 (%s)" % (box, literal)),
                      "APPENDUID")
        self.assertOk(c.cmd(b"APPEND %s %s" % (box, literal[1:])), "APPENDUID")
        self.assertOk(c.cmd(
            b"APPEND %s UTF8 (%s) (\\Flagged) UTF8 (%s)" % (
                box, literal, literal)), "APPENDUID")
        c.ok("SELECT " + self.box)
        got = c.ok("FETCH 1 BODY.PEEK[]")[0]
        self.assertIn(m, got)
        self.assertIn("Gr\u00fc\u00dfe".encode(), c.ok("FETCH 1 ENVELOPE")[0])
        # part of a catenated message
        text = "Subject: \u00fc\r\n\r\n".encode()
        c.ok(b'APPEND %s CATENATE (UTF8 (~{%d+}\r\n%s) URL ";UID=1")' % (
            box, len(text), text))
        self.assertIn(text + m, c.ok("FETCH 5 BODY.PEEK[]")[0])
        # in pieces, with an invitation
        c.send(b"t APPEND %s UTF8 (~{%d}\r\n" % (box, len(m)))
        self.assertTrue(c.response().startswith(b"+ "))
        c.send(m + b")\r\n")
        self.assertOk(c.finish("t"), "APPENDUID")
        # who has not enabled it
        for args in (literal[1:], b"UTF8 (%s)" % literal, literal,
                     b"CATENATE (TEXT %s)" % literal[1:]):
            self.assertNo(old.cmd(b"APPEND %s %s" % (box, args)))
        eight = message("plain", "k\u00f6rper\r\n")
        self.assertOk(old.cmd(b"APPEND %s {%d+}\r\n%s" % (
            box, len(eight), eight)))
        self.assertIn(b"MESSAGES 7",
                      old.ok("STATUS %s (MESSAGES)" % self.box)[0])

    def test_append_grammar(self):
        c = self.enabled()
        c.ok("CREATE " + self.box)
        for args in ("UTF8", "UTF8 ~{3+}\r\nabc", "UTF8 ({3+}\r\nabc)",
                     "UTF8 (~{3+}\r\nabc", "UTF8 (~{3+}\r\nabc) x",
                     "UTF8 (~{3+}\r\nabc ~{3+}\r\nabc)", "UTF8 ()",
                     "CATENATE (UTF8 (~{3+}\r\nabc)",
                     "CATENATE (UTF8 (~{3+}\r\nabc)TEXT {1}"):
            self.assertBad(c.cmd("APPEND %s %s" % (self.box, args)))
        self.assertBad(c.cmd(b"APPEND %s UTF8 (~{3+}\r\na\0c)"
                             % self.box.encode()))
        self.assertNo(c.cmd("APPEND %s UTF8 (~{0+}\r\n)" % self.box))


if __name__ == "__main__":
    unittest.main()
