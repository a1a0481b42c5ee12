"""METADATA, METADATA-SERVER (RFC 5464) and LIST-METADATA (RFC 9590)."""

import unittest

from imap_client import Case, message


class Metadata(Case):
    def setUp(self):
        super().setUp()
        self.c = self.select_new()

    def get(self, entries, options="", box=None):
        got = self.c.cmd("GETMETADATA %s%s %s" % (
            options, self.box if box is None else box, entries))
        self.assertTrue(got[1].startswith(b"OK"), got)
        return [u for u in got[0] if u.startswith(b"* METADATA")]

    def want(self, pairs):
        return [b"* METADATA %s (%s)" % (self.box.encode(), pairs)]

    def set(self, pairs, box=None):
        self.c.ok("SETMETADATA %s (%s)" % (self.box if box is None else box,
                                           pairs))

    def test_announced(self):
        got = self.c.ok("CAPABILITY")[0].split()
        for name in (b"METADATA", b"METADATA-SERVER", b"LIST-METADATA"):
            self.assertIn(name, got)

    def test_examples(self):
        c = self.c
        self.set('/private/comment "My own comment" '
                 '/shared/comment "Shared comment"')
        self.assertEqual(self.get("/shared/comment"),
                         self.want(b'/shared/comment "Shared comment"'))
        both = self.want(b'/shared/comment "Shared comment" '
                         b'/private/comment "My own comment"')
        self.assertEqual(self.get("(/shared/comment /private/comment)"), both)
        self.assertEqual(self.get("/shared/comment /private/comment"), both)
        c.send("s SETMETADATA %s (/private/comment {33}\r\n" % self.box)
        self.assertTrue(c.response().startswith(b"+ "))
        c.send("My new comment across\r\ntwo lines.)\r\n")
        self.assertOk(c.finish("s"))
        self.assertEqual(self.get("/private/comment"), self.want(
            b"/private/comment {33}\r\nMy new comment across\r\ntwo lines."))
        self.set("/private/comment NIL")
        self.assertEqual(self.get("/private/comment"),
                         self.want(b"/private/comment NIL"))
        self.set("/private/comment NIL")
        self.set('/private/comment ""')
        self.assertEqual(self.get("/private/comment"),
                         self.want(b'/private/comment ""'))

    def test_names_without_case(self):
        self.set('/PRIVATE/Comment "x"')
        self.assertEqual(self.get("/private/cOMMENT"),
                         self.want(b'/private/cOMMENT "x"'))
        self.set('"/private/two words" "y"')
        self.assertEqual(self.get('"/private/two words"'),
                         self.want(b'"/private/two words" "y"'))

    def test_maxsize(self):
        self.set('/shared/comment "%s" /private/comment "short"' % ("x" * 999))
        entries = "(/shared/comment /private/comment)"
        for text in ("(MAXSIZE 100) %s %s" % (self.box, entries),
                     "%s (MAXSIZE 100) %s" % (self.box, entries)):
            got = self.c.cmd("GETMETADATA " + text)
            self.assertOk(got, "METADATA LONGENTRIES 999]")
            self.assertEqual(got[0], self.want(b'/private/comment "short"'))
        self.assertEqual(len(self.get(entries, "(MAXSIZE 999) ")), 1)

    def test_depth(self):
        self.set('/private/filters/values/small "SMALLER 5000" '
                 '/private/filters/values/boss "FROM \\"boss\\"" '
                 '/private/filters/values/a/b "deep" '
                 '/private/filters/valuesnot "other"')
        def names(depth, entry="/private/filters/values"):
            got = self.get(entry, "(DEPTH %s) " % depth)
            return sorted(w for w in b" ".join(got).split()
                          if w.lstrip(b"(").startswith(b"/private"))
        self.assertEqual(len(names(1)), 2)
        self.assertEqual(len(names("infinity")), 3)
        self.assertEqual(len(names("INFINITY", "/private")), 4)
        self.assertEqual(self.get("/private/filters/values", "(DEPTH 0) "),
                         self.want(b"/private/filters/values NIL"))
        got = self.get("/private/filters/values", "(DEPTH 1 MAXSIZE 11) ")
        self.assertIn(b'boss "FROM \\"boss\\""', got[0])
        self.assertNotIn(b"SMALLER", got[0])

    def test_binary_values(self):
        c = self.c
        value = bytes(range(256))
        c.ok(b"SETMETADATA %s (/private/comment ~{256+}\r\n%s)" % (
            self.box.encode(), value))
        c.send("g GETMETADATA %s /private/comment\r\n" % self.box)
        line = c._line()
        self.assertTrue(line.endswith(b"(/private/comment ~{256}"), line)
        while len(c.buffer) < 256:
            c._more()
        self.assertEqual(c.buffer[:256], value)
        c.buffer = c.buffer[256:]
        c.finish("g")
        self.assertBad(c.cmd(b"SETMETADATA %s (/private/comment {3+}\r\na\0b)"
                             % self.box.encode()))
        self.assertBad(c.cmd(b"SETMETADATA %s (/private/comment ~NIL)"
                             % self.box.encode()))
        self.assertBad(c.cmd(b"SETMETADATA %s ({18+}\r\n/private/a\0comment "
                             b"NIL)" % self.box.encode()))

    def test_limits(self):
        c = self.c
        got = c.cmd("SETMETADATA %s (/private/a \"x\" /private/comment "
                    "{16385+}\r\n%s)" % (self.box, "x" * 16385))
        self.assertNo(got, "METADATA MAXSIZE 16384")
        self.assertEqual(self.get("/private/a"),
                         self.want(b"/private/a NIL"))
        self.set("/private/comment {16384+}\r\n" + "x" * 16384)
        self.set("/private/comment NIL")
        self.set(" ".join('/private/e%d "x"' % i for i in range(99)))
        got = c.cmd('SETMETADATA %s (/private/x "1" /private/y "2")' % self.box)
        self.assertNo(got, "METADATA TOOMANY")
        self.assertEqual(self.get("/private/x"), self.want(b"/private/x NIL"))
        self.set('/private/x "1" /private/x "2"')
        self.set('/private/y "2" /private/x NIL')
        self.set('/private/y "3"')
        got = c.cmd("SETMETADATA %s (%s)" % (self.box, " ".join(
            "/private/e%d {16000+}\r\n%s" % (i, "x" * 16000)
            for i in range(9))))
        self.assertNo(got, "METADATA TOOMANY")
        self.assertEqual(self.get("/private/e0"), self.want(b'/private/e0 "x"'))

    def test_invalid(self):
        c = self.c
        for name in ("/comment", "comment", "/private", "/private/",
                     "/private//x", "/private/x/", '"/private/*"',
                     '"/private/%"', "/other/x", "/private/vendor",
                     "/private/vendor/token", "/", '""',
                     '"/private/\xc3\xbc"', "/private/" + "x" * 300):
            self.assertBad(c.cmd('SETMETADATA %s (%s "x")' % (self.box, name)))
            self.assertBad(c.cmd("GETMETADATA %s %s" % (self.box, name)))
            c.ok("NOOP")
        for text in ("", " ", " %s", " %s ()", " () %s /private/comment",
                     " (DEPTH 2) %s /private/comment",
                     " (DEPTH) %s /private/comment",
                     " (MAXSIZE x) %s /private/comment",
                     " (FOO 1) %s /private/comment",
                     " %s (/private/comment", " %s (/private/comment) x"):
            self.assertBad(c.cmd("GETMETADATA" + text.replace("%s", self.box)))
        c.ok("NOOP")
        for text in ("", " %s", " %s /private/comment \"x\"",
                     " %s (/private/comment)", " %s (/private/comment x)",
                     " %s ()", " %s (/private/comment \"x\""):
            self.assertBad(c.cmd("SETMETADATA" + text.replace("%s", self.box)))
        self.assertNo(c.cmd("GETMETADATA nowhere /private/comment"),
                      "NONEXISTENT")
        self.assertNo(c.cmd('SETMETADATA nowhere (/private/comment "x")'),
                      "NONEXISTENT")

    def test_server(self):
        c = self.c
        self.assertEqual(
            self.get("/shared/admin", box='""'),
            [b'* METADATA "" (/shared/admin '
             b'"mailto:postmaster@example.test")'])
        self.assertNo(c.cmd('SETMETADATA "" (/shared/admin "mailto:x@y")'),
                      "NOPERM")
        self.assertNo(c.cmd('SETMETADATA "" (/shared/comment "x")'), "NOPERM")
        self.assertEqual(self.get("/shared/comment", box='""'),
                         [b'* METADATA "" (/shared/comment NIL)'])
        self.set('/private/vendor/vendor.test/x "mine"', box='""')
        want = [b'* METADATA "" (/private/vendor/vendor.test/x "mine")']
        self.assertEqual(
            self.get("/private/vendor/vendor.test/x", box='""'), want)
        self.assertEqual(
            self.get('(/private)', "(DEPTH infinity) ", box='""'), want)
        d = self.login(1)
        self.assertIn(b"NIL", d.ok(
            'GETMETADATA "" /private/vendor/vendor.test/x')[0])

    def test_lives_and_dies_with_the_mailbox(self):
        c, box = self.c, self.box
        self.set('/private/comment "x"')
        c.ok("RENAME %s %s-new" % (box, box))
        self.assertIn(b'"x"', c.ok(
            "GETMETADATA %s-new /private/comment" % box)[0])
        c.ok("DELETE %s-new" % box)
        c.ok("CREATE %s-new" % box)
        self.assertIn(b"NIL", c.ok(
            "GETMETADATA %s-new /private/comment" % box)[0])
        d = self.login(1)
        d.ok('SETMETADATA INBOX (/private/comment "in")')
        d.append(message())
        d.ok("RENAME INBOX old")
        for name in ("INBOX", "old"):
            self.assertIn(b'"in"', d.ok(
                "GETMETADATA %s /private/comment" % name)[0])

    def test_special_use(self):
        # RFC 6154, 4
        self.set('/private/specialuse "\\\\Archive"')
        self.assertIn(b"\\Archive", self.c.ok('LIST "" ' + self.box)[0])
        self.assertNo(self.c.cmd('SETMETADATA %s (/private/specialuse "x")'
                                 % self.box), "CANNOT")
        self.set("/private/specialuse NIL")
        self.assertNotIn(b"\\Archive", self.c.ok('LIST "" ' + self.box)[0])

    def test_list(self):
        c, box = self.c, self.box
        c.ok("CREATE %s/below/deep" % box)
        self.set('/private/comment "here"')
        got = c.ok('LIST "" %s* RETURN (METADATA (/private/comment '
                   '/shared/comment) CHILDREN)' % box)
        b = box.encode()
        self.assertEqual(got, [
            b'* LIST (\\HasChildren) "/" ' + b,
            b'* METADATA %s (/private/comment "here" /shared/comment NIL)' % b,
            b'* LIST (\\NonExistent \\HasChildren) "/" %s/below' % b,
            b'* LIST (\\HasNoChildren) "/" %s/below/deep' % b,
            b"* METADATA %s/below/deep (/private/comment NIL "
            b"/shared/comment NIL)" % b])
        for text in ("METADATA", "METADATA ()", "METADATA (comment)",
                     "METADATA /private/comment"):
            self.assertBad(c.cmd('LIST "" * RETURN (%s)' % text))


if __name__ == "__main__":
    unittest.main()
