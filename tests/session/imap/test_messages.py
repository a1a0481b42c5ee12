"""APPEND, FETCH, STORE, COPY, MOVE, EXPUNGE."""

import unittest

from imap_client import CRLF, Case, message


class Append(Case):
    def test_appenduid_and_literals(self):
        c = self.select_new()
        m = message()
        c.send("t APPEND %s {%d}\r\n" % (self.box, len(m)))
        self.assertTrue(c.response().startswith(b"+ "))
        c.send(m + CRLF)
        untagged, tagged = c.finish("t")
        self.assertRegex(tagged, rb"^OK \[APPENDUID \d+ 1\]")
        self.assertIn(b"* 1 EXISTS", untagged)
        self.assertIn(b"* 1 RECENT", untagged)
        self.assertEqual(c.append(m, self.box), 2)
        got = c.ok("FETCH 2 BODY.PEEK[]")
        self.assertEqual(got[0], b"* 2 FETCH (BODY[] {%d}\r\n%s)" % (len(m), m))

    def test_flags_and_date(self):
        c = self.select_new()
        c.append(message(), self.box,
                 '(\\Seen $Forwarded \\Flagged) "17-Jul-1996 02:44:25 -0700"')
        got = c.ok("FETCH 1 (FLAGS INTERNALDATE)")[0]
        self.assertIn(b'INTERNALDATE "17-Jul-1996 09:44:25 +0000"', got)
        for flag in (b"\\Seen", b"\\Flagged", b"$Forwarded", b"\\Recent"):
            self.assertIn(flag, got)

    def test_mailbox_as_literal(self):
        c = self.select_new()
        m = message()
        box = self.box.encode()
        c.send(b"t APPEND {%d}\r\n" % len(box))
        self.assertTrue(c.response().startswith(b"+ "))
        c.send(box + b" (\\Seen) {%d}\r\n" % len(m))
        self.assertTrue(c.response().startswith(b"+ "))
        c.send(m + CRLF)
        self.assertOk(c.finish("t"), "APPENDUID")
        c.send(b"t APPEND {%d+}\r\n%s {%d+}\r\n%s\r\n" % (
            len(box), box, len(m), m))
        self.assertOk(c.finish("t"), "APPENDUID")

    def test_octet_by_octet(self):
        c = self.select_new()
        m = message()
        for b in b"t APPEND %s {%d+}\r\n%s\r\n" % (
                self.box.encode(), len(m), m):
            c.send(bytes([b]))
        self.assertOk(c.finish("t"), "APPENDUID")
        self.assertIn(m, c.ok("FETCH 1 BODY[]")[0])

    def test_bare_line_ends_become_crlf(self):
        c = self.select_new()
        c.append(b"Subject: x\n\na\nb\r\nc\n", self.box)
        self.assertIn(b"{23}\r\nSubject: x\r\n\r\na\r\nb\r\nc\r\n)",
                      c.ok("FETCH 1 BODY[]")[0])
        self.assertIn(b"RFC822.SIZE 23", c.ok("FETCH 1 RFC822.SIZE")[0])

    def test_refusals(self):
        c = self.select_new()
        m = message()
        self.assertNo(c.cmd("APPEND %s {0}" % self.box))
        self.assertNo(c.cmd("APPEND %s {0+}\r\n" % self.box))
        c.send("t APPEND %s-none {%d+}\r\n" % (self.box, len(m)))
        c.send(m + CRLF)
        self.assertNo(c.finish("t"), "TRYCREATE")
        self.assertNo(c.cmd("APPEND %s-none {70000}" % self.box), "TRYCREATE")
        for text in ("APPEND", "APPEND %s", "APPEND %s \"x\"",
                     "APPEND %s (\\Foo) {3}", "APPEND %s (a b {3}",
                     "APPEND %s \"17-Foo-1996 02:44:25 -0700\" {3}",
                     "APPEND %s (\\Foo) {3+}\r\nabc",
                     "APPEND %s {3+}\r\nabc x", "APPEND %s {3+}\r\na\0c"):
            self.assertBad(c.cmd(text.replace("%s", self.box)))
        self.assertEqual(c.ok("STATUS %s (MESSAGES)" % self.box)[0].split()[-1],
                         b"0)")

    def test_broken_off(self):
        c = self.select_new()
        d = self.login()
        d.send("t APPEND %s {1000+}\r\nSubject: x" % self.box)
        d.close()
        c.ok("NOOP")
        self.assertIn(b"MESSAGES 0",
                      c.ok("STATUS %s (MESSAGES)" % self.box)[0])

    def test_large_message(self):
        c = self.select_new()
        m = message("big", "0123456789abcdef" * 4 + "\r\n") 
        m += b"x" * 76 + CRLF
        m += (b"y" * 76 + CRLF) * 60000
        c.append(m, self.box)
        got = c.ok("FETCH 1 BODY.PEEK[]")[0]
        self.assertEqual(got, b"* 1 FETCH (BODY[] {%d}\r\n%s)" % (len(m), m))
        got = c.ok("FETCH 1 BODY.PEEK[TEXT]<1000000.100000>")[0]
        start = m.index(CRLF + CRLF) + 4 + 1000000
        self.assertIn(m[start:start + 100000], got)
        self.assertIn(b'"big"',
                      c.ok("FETCH 1 ENVELOPE")[0])


class Sets(Case):
    def test_refusals_say_what_is_wrong(self):
        c = self.select_new()
        for text, want in (("*", b"not so many"), ("1:*", b"not so many"),
                           ("7", b"not so many"), ("0", b"Malformed"),
                           ("1:", b"Malformed"), ("4294967296", b"Malformed"),
                           ("x", b"Missing set")):
            got = c.cmd("FETCH %s FLAGS" % text)
            self.assertBad(got)
            self.assertIn(want, got[1], text)
        self.assertEqual(c.ok("UID FETCH 7 FLAGS"), [])


class Fetch(Case):
    NESTED = (
        "From: \"Terry Gray\" <gray@example.test>\r\n"
        "Subject: nested\r\n"
        "To: a@example.test, group: b@example.test;\r\n"
        "Date: Wed, 17 Jul 1996 02:23:25 -0700\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: multipart/mixed; boundary=b1\r\n"
        "\r\n"
        "--b1\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "\r\n"
        "part one\r\n"
        "--b1\r\n"
        "Content-Type: message/rfc822\r\n"
        "\r\n"
        "Subject: inner\r\n"
        "Content-Type: multipart/alternative; boundary=b2\r\n"
        "\r\n"
        "--b2\r\n"
        "\r\n"
        "plain\r\n"
        "--b2\r\n"
        "Content-Type: text/html\r\n"
        "\r\n"
        "<p>html</p>\r\n"
        "--b2--\r\n"
        "--b1--\r\n").encode()

    def one(self, c, items):
        got = c.ok("FETCH 1 " + items)
        self.assertEqual(len(got), 1, got)
        return got[0]

    def test_macros(self):
        c = self.select_new([message()])
        got = self.one(c, "FAST")
        for word in (b"FLAGS (", b"INTERNALDATE ", b"RFC822.SIZE "):
            self.assertIn(word, got)
        self.assertNotIn(b"ENVELOPE", got)
        self.assertIn(b"ENVELOPE (", self.one(c, "ALL"))
        got = self.one(c, "FULL")
        self.assertIn(b"BODY (\"text\" \"plain\"", got)
        self.assertNotIn(b"\\Seen", got)

    def test_envelope(self):
        c = self.select_new([self.NESTED])
        self.assertEqual(
            self.one(c, "ENVELOPE"),
            b'* 1 FETCH (ENVELOPE ("Wed, 17 Jul 1996 02:23:25 -0700" '
            b'"nested" (("Terry Gray" NIL "gray" "example.test")) '
            b'(("Terry Gray" NIL "gray" "example.test")) '
            b'(("Terry Gray" NIL "gray" "example.test")) '
            b'((NIL NIL "a" "example.test")(NIL NIL "group" NIL)'
            b'(NIL NIL "b" "example.test")(NIL NIL NIL NIL)) '
            b'NIL NIL NIL NIL))')

    def test_sections(self):
        c = self.select_new([self.NESTED])
        for section, want in (
                ("1", b"part one"), ("2.1", b"plain"),
                ("2.2", b"<p>html</p>"),
                ("2.HEADER.FIELDS (SUBJECT)", b"Subject: inner\r\n\r\n"),
                ("1.MIME", b"Content-Type: text/plain; charset=utf-8"
                           b"\r\n\r\n"),
                ("HEADER.FIELDS (subject x-none)",
                 b"Subject: nested\r\n\r\n"),
                ("HEADER.FIELDS (x-none)", b"\r\n")):
            got = self.one(c, "BODY.PEEK[%s]" % section)
            self.assertEqual(got, b"* 1 FETCH (BODY[%s] {%d}\r\n%s)" % (
                section.encode(), len(want), want))
        self.assertEqual(self.one(c, "BODY.PEEK[7]"),
                         b"* 1 FETCH (BODY[7] NIL)")
        header = self.NESTED[:self.NESTED.index(b"\r\n\r\n") + 4]
        self.assertIn(header + b")", self.one(c, "RFC822.HEADER"))
        self.assertIn(header + b")", self.one(c, "BODY.PEEK[HEADER]"))
        got = self.one(c, "BODY.PEEK[HEADER.FIELDS.NOT (subject to date)]")
        self.assertNotIn(b"nested", got)
        self.assertIn(b"Terry Gray", got)

    def test_partial(self):
        c = self.select_new([message(body="0123456789")])
        for partial, label, want in (("<2.3>", b"<2>", b"234"),
                                     ("<8.100>", b"<8>", b"89"),
                                     ("<100.5>", b"<100>", b""),
                                     ("<0.4294967295>", b"<0>",
                                      b"0123456789")):
            self.assertEqual(
                self.one(c, "BODY.PEEK[TEXT]" + partial),
                b"* 1 FETCH (BODY[TEXT]%s {%d}\r\n%s)" % (
                    label, len(want), want))
        self.assertBad(c.cmd("FETCH 1 BODY.PEEK[TEXT]<0.0>"))

    def test_bodystructure(self):
        c = self.select_new([self.NESTED])
        got = self.one(c, "BODYSTRUCTURE")
        self.assertIn(
            b'("message" "rfc822" NIL NIL NIL "7bit" ', got)
        self.assertIn(b'"alternative" ("boundary" "b2") NIL NIL NIL)', got)
        self.assertIn(b'"mixed" ("boundary" "b1") NIL NIL NIL)', got)
        self.assertEqual(got.count(b"("), got.count(b")"))

    def test_seen(self):
        c = self.select_new([message(), message(), message()])
        self.assertNotIn(b"\\Seen", self.one(c, "(FLAGS BODY.PEEK[])"))
        got = self.one(c, "BODY[TEXT]")
        self.assertRegex(got, rb"FLAGS \([^)]*\\Seen")
        self.assertNotIn(b"FLAGS", self.one(c, "BODY[TEXT]"))
        self.assertIn(b"\\Seen", c.ok("FETCH 2 (FLAGS RFC822)")[0])
        self.assertIn(b"\\Seen", c.ok("FETCH 3 RFC822.TEXT")[0])
        c.ok("STORE 1:3 -FLAGS (\\Seen)")
        c.ok("EXAMINE " + self.box)
        self.assertNotIn(b"FLAGS", self.one(c, "BODY[]"))
        self.assertNotIn(b"\\Seen", self.one(c, "FLAGS"))

    def test_sets(self):
        c = self.select_new([message()] * 5)
        def numbers(text):
            return [int(r.split()[1]) for r in c.ok(text)]
        self.assertEqual(numbers("FETCH 1:* FLAGS"), [1, 2, 3, 4, 5])
        self.assertEqual(numbers("FETCH *:4 FLAGS"), [4, 5])
        self.assertEqual(numbers("FETCH 5,1,3:2,1 FLAGS"), [1, 2, 3, 5])
        self.assertEqual(numbers("FETCH * FLAGS"), [5])
        self.assertEqual(numbers("UID FETCH 4:* FLAGS"), [4, 5])
        self.assertEqual(numbers("UID FETCH 100:* FLAGS"), [5])
        self.assertEqual(numbers("UID FETCH 100:200 FLAGS"), [])
        for text in ("6", "5:6", "0", "1:", ":1", "1,", "a", "1:*:2", "-1",
                     "4294967296"):
            self.assertBad(c.cmd("FETCH %s FLAGS" % text))
        c.ok("CREATE " + self.box + "-empty")
        c.ok("SELECT " + self.box + "-empty")
        self.assertBad(c.cmd("FETCH 1:* FLAGS"))
        self.assertBad(c.cmd("FETCH * FLAGS"))
        self.assertEqual(c.ok("UID FETCH 1:* FLAGS"), [])

    def test_uid_is_told(self):
        c = self.select_new([message()] * 2)
        self.assertEqual(c.ok("UID FETCH 2 RFC822.SIZE")[0].count(b"UID 2"), 1)
        self.assertEqual(c.ok("UID FETCH 2 (UID)"), [b"* 2 FETCH (UID 2)"])

    def test_bad_items(self):
        c = self.select_new([message()])
        for text in ("FETCH 1", "FETCH 1 ", "FETCH 1 ()", "FETCH 1 FOO",
                     "FETCH 1 (FLAGS", "FETCH 1 FLAGS)", "FETCH 1 BODY[",
                     "FETCH 1 BODY[FOO]", "FETCH 1 BODY[MIME]",
                     "FETCH 1 BODY[1.]", "FETCH 1 (FLAGS  UID)",
                     "FETCH 1 BODY[HEADER.FIELDS ()]", "FETCH FLAGS"):
            self.assertBad(c.cmd(text))

    def test_eight_bit_and_nul(self):
        c = self.select_new()
        c.ok("ENABLE UTF8=ACCEPT")
        c.append("Subject: gr\u00fc\u00dfe\r\n\r\n\u00e4\r\n".encode(),
                 self.box)
        self.assertIn("{7}\r\ngr\u00fc\u00dfe".encode(),
                      self.one(c, "ENVELOPE"))
        self.assertIn("\u00e4\r\n)".encode(), self.one(c, "BODY[TEXT]"))


class Change(Case):
    def test_store(self):
        c = self.select_new([message()] * 3)
        got = c.ok("STORE 1:2 +FLAGS (\\Seen $Work)")
        fetches = [g for g in got if b"FETCH" in g]
        self.assertEqual(len(fetches), 2)
        for g in fetches:
            self.assertIn(b"\\Seen", g)
            self.assertIn(b"$Work", g)
        self.assertTrue(any(g.startswith(b"* FLAGS") and b"$Work" in g
                            for g in got))
        got = c.ok("STORE 1 FLAGS \\Answered \\Draft")
        self.assertRegex(got[-1], rb"^\* 1 FETCH \(FLAGS \(")
        self.assertNotIn(b"$Work", got[-1])
        got = c.ok("STORE 2 -FLAGS ($WORK)")
        self.assertNotIn(b"$Work", got[-1])
        self.assertIn(b"\\Seen", got[-1])
        self.assertEqual(c.ok("STORE 3 +FLAGS.SILENT (\\Flagged)"), [])
        self.assertIn(b"\\Flagged", c.ok("FETCH 3 FLAGS")[0])
        # unchanged messages are answered, too
        self.assertEqual(len(c.ok("STORE 3 +FLAGS (\\Flagged)")), 1)
        got = c.ok("UID STORE 3 FLAGS ()")
        self.assertIn(b"UID 3", got[-1])
        self.assertEqual(c.ok("UID STORE 77 +FLAGS (\\Seen)"), [])

    def test_store_errors(self):
        c = self.select_new([message()])
        for text in ("STORE 1 FLAGS", "STORE 1 FOO (\\Seen)",
                     "STORE 1 FLAGS (\\Foo)", "STORE 2 FLAGS (\\Seen)",
                     "STORE 1 +FLAGS.QUIET (\\Seen)", "STORE 1 FLAGS (a",
                     "STORE 1 FLAGS ()x"):
            self.assertBad(c.cmd(text))
        c.ok("STORE 1 FLAGS (\\Recent)")
        c.ok("EXAMINE " + self.box)
        self.assertNo(c.cmd("STORE 1 FLAGS (\\Seen)"), "READ-ONLY")
        self.assertNo(c.cmd("EXPUNGE"), "READ-ONLY")
        self.assertNo(c.cmd("MOVE 1 INBOX"), "READ-ONLY")

    def test_keywords_run_out(self):
        c = self.select_new([message()])
        for i in range(64):
            got = c.cmd("STORE 1 +FLAGS (key%d)" % i)
            if got[1].startswith(b"NO"):
                break
        self.assertNo(c.cmd("STORE 1 +FLAGS (another)"), None)
        untagged, _ = c.cmd("SELECT " + self.box)
        line = [u for u in untagged if b"PERMANENTFLAGS" in u][0]
        self.assertNotIn(b"\\*", line)

    def test_expunge(self):
        c = self.select_new([message()] * 5)
        c.ok("STORE 2,3,5 +FLAGS.SILENT (\\Deleted)")
        self.assertEqual(c.ok("EXPUNGE"), [
            b"* 2 EXPUNGE", b"* 2 EXPUNGE", b"* 3 EXPUNGE"])
        self.assertEqual(c.ok("UID SEARCH ALL"), [b"* SEARCH 1 4"])
        self.assertEqual(c.ok("EXPUNGE"), [])

    def test_uid_expunge(self):
        c = self.select_new([message()] * 4)
        c.ok("STORE 1:3 +FLAGS.SILENT (\\Deleted)")
        self.assertEqual(c.ok("UID EXPUNGE 2,4:*"), [b"* 2 EXPUNGE"])
        self.assertEqual(c.ok("UID SEARCH ALL"), [b"* SEARCH 1 3 4"])
        self.assertBad(c.cmd("UID EXPUNGE"))

    def test_copy(self):
        c = self.select_new([message("m%d" % i) for i in range(4)])
        c.ok("STORE 2 +FLAGS.SILENT (\\Flagged $Work)")
        to = self.box + "-to"
        self.assertNo(c.cmd("COPY 1 " + to), "TRYCREATE")
        c.ok("CREATE " + to)
        _, tagged = c.cmd("COPY 2:3 " + to)
        self.assertRegex(tagged, rb"^OK \[COPYUID \d+ 2:3 1:2\]")
        _, tagged = c.cmd("UID COPY 4,1 " + to)
        self.assertRegex(tagged, rb"^OK \[COPYUID \d+ 1,4 3:4\]")
        _, tagged = c.cmd("UID COPY 77 " + to)
        self.assertTrue(tagged.startswith(b"OK No messages"), tagged)
        self.assertBad(c.cmd("COPY 9 " + to))
        c.ok("SELECT " + to)
        got = c.ok("FETCH 1 (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[0]
        self.assertIn(b"\\Flagged", got)
        self.assertIn(b"$Work", got)
        self.assertIn(b"Subject: m1", got)

    def test_copy_to_itself(self):
        c = self.select_new([message()] * 2)
        untagged, tagged = c.cmd("COPY 1:2 " + self.box)
        self.assertRegex(tagged, rb"^OK \[COPYUID \d+ 1:2 3:4\]")
        self.assertIn(b"* 4 EXISTS", untagged)

    def test_move(self):
        c = self.select_new([message("m%d" % i) for i in range(4)])
        to = self.box + "-to"
        self.assertNo(c.cmd("MOVE 1 " + to), "TRYCREATE")
        c.ok("CREATE " + to)
        untagged, tagged = c.cmd("MOVE 2:3 " + to)
        self.assertTrue(tagged.startswith(b"OK "), tagged)
        self.assertRegex(untagged[0], rb"^\* OK \[COPYUID \d+ 2:3 1:2\]")
        self.assertEqual(untagged[1:], [b"* 2 EXPUNGE", b"* 2 EXPUNGE"])
        untagged, tagged = c.cmd("UID MOVE 4 " + to)
        self.assertRegex(untagged[0], rb"^\* OK \[COPYUID \d+ 4 3\]")
        self.assertEqual(untagged[1:], [b"* 2 EXPUNGE"])
        self.assertEqual(c.ok("UID SEARCH ALL"), [b"* SEARCH 1"])
        c.ok("SELECT " + to)
        self.assertEqual(c.ok("UID SEARCH ALL"), [b"* SEARCH 1 2 3"])


if __name__ == "__main__":
    unittest.main()
