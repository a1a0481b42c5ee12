"""The commands about scripts (RFC 5804, 2.5 to 2.12): over each storage."""

import imaplib
import smtplib
import unittest

from sieve_client import Case, literal, quote

KEEP = "keep;\r\n"
STOP = "stop;\r\n"


class Scripts(Case):
    users = 12
    settings = ("sieve.scripts=3", "sieve.script_size=65536")

    def test_put_get_list(self):
        c = self.fresh()
        self.assertEqual(c.list(), [])
        c.put("work", KEEP)
        self.assertEqual(c.list(), ["work"])
        self.assertEqual(c.get("work"), KEEP.encode())
        c.put("work", STOP)
        self.assertEqual(c.list(), ["work"])
        self.assertEqual(c.get("work"), STOP.encode())
        c.ok(b'PUTSCRIPT "quoted" "keep; # \\"x\\""')
        self.assertEqual(c.get("quoted"), b'keep; # "x"')
        self.assertEqual(c.list(), ["quoted", "work"])
        # What is put is there for others, and after a restart.
        other = self.login(self.next_user - 1)
        self.assertEqual(other.list(), ["quoted", "work"])
        self.assertNo(c.cmd('GETSCRIPT "none"'), "NONEXISTENT")
        self.assertNo(c.cmd('GETSCRIPT "Work"'), "NONEXISTENT")
        self.assertNo(c.cmd('GETSCRIPT ""'), "NONEXISTENT")

    def test_text_is_kept_octet_by_octet(self):
        c = self.fresh()
        for text in ("keep;\n", "keep;", "#\tgrüß \U0001f4ec\r\nkeep;\n\n",
                     "# 100% %0A %%\r\nkeep;", "/* { ( \" */ keep;\r\n"):
            c.put("x", text)
            self.assertEqual(c.get("x"), text.encode())

    def test_a_script_of_64_kib(self):
        c = self.fresh()
        line = "# %06d " + "x" * 48 + "\r\n"
        text = "".join(line % i for i in range(1100))
        text += "#" * (65536 - len(text) - 9) + "\r\n" + KEEP
        self.assertEqual(len(text), 65536)
        c.put("large", text)
        self.assertEqual(c.get("large"), text.encode())
        c.put("large2", text)
        c.ok('SETACTIVE "large2"')
        self.assertEqual(c.list(), ["large", "large2*"])
        # The account has other texts all the same.
        i = imaplib.IMAP4(self.server.host, self.server.ports["imap"])
        i.login(self.server.users[self.next_user - 1], self.server.password)
        self.assertEqual(i.create("Beside")[0], "OK")
        self.assertEqual(i.subscribe("Beside")[0], "OK")
        i.logout()
        self.assertEqual(c.get("large2"), text.encode())
        self.assertEqual(c.get("large"), text.encode())

    def test_limits(self):
        c = self.fresh()
        self.assertNo(c.cmd(b'PUTSCRIPT "x" ' + literal("#" * 65535 + "\r\n")),
                      "QUOTA/MAXSIZE")
        self.assertNo(c.cmd(b'PUTSCRIPT "x" ' + literal("#" * 80000 + "\r\n")),
                      "QUOTA/MAXSIZE")
        self.assertNo(c.cmd(b'PUTSCRIPT "x" ' + literal("#" * 2000000)),
                      "QUOTA/MAXSIZE")
        self.assertNo(c.cmd(b"CHECKSCRIPT " + literal("#" * 80000)),
                      "QUOTA/MAXSIZE")
        self.assertOk(c.cmd('HAVESPACE "x" 65536'))
        self.assertNo(c.cmd('HAVESPACE "x" 65537'), "QUOTA/MAXSIZE")
        self.assertNo(c.cmd('HAVESPACE "x" 4294967295'), "QUOTA/MAXSIZE")
        self.assertNo(c.cmd('HAVESPACE "x" 4294967296'))
        self.assertNo(c.cmd('HAVESPACE "" 1'))
        self.assertEqual(c.list(), [])
        for name in "abc":
            c.put(name, KEEP)
        self.assertNo(c.cmd('HAVESPACE "d" 1'), "QUOTA/MAXSCRIPTS")
        self.assertOk(c.cmd('HAVESPACE "c" 1'))
        self.assertNo(c.cmd(b'PUTSCRIPT "d" ' + literal(KEEP)),
                      "QUOTA/MAXSCRIPTS")
        c.put("c", STOP)
        c.ok('DELETESCRIPT "a"')
        c.put("d", KEEP)
        self.assertEqual(c.list(), ["b", "c", "d"])

    def test_wrong_scripts_change_nothing(self):
        c = self.fresh()
        c.put("x", KEEP)
        for text in ("#comment\r\nInvalidSieveCommand\r\n",
                     "keep;\r\nif {\r\n"):
            for command in b'PUTSCRIPT "x" ', b"CHECKSCRIPT ":
                got = c.cmd(command + literal(text))
                self.assertNo(got)
                self.assertRegex(got.text.decode(), r"^line [23]: \S")
        self.assertNo(c.cmd(b'PUTSCRIPT "x" ' + literal("")))
        self.assertNo(c.cmd(b'PUTSCRIPT "x" ' + literal(b"keep;\0")))
        self.assertNo(c.cmd(b'PUTSCRIPT "x" ' + literal(b"# \xff\r\nkeep;")))
        self.assertEqual(c.get("x"), KEEP.encode())
        self.assertOk(c.cmd(b"CHECKSCRIPT " + literal(STOP)))
        self.assertEqual(c.list(), ["x"])

    def test_names(self):
        c = self.fresh()
        for name in ("grüß \U0001f4ec", 'a "b" \\c', "../x/y", "%", " ",
                     "\U0001f4ec" * 128):
            c.put(name, KEEP)
            self.assertEqual(c.list(), [name])
            self.assertEqual(c.get(name), KEEP.encode())
            c.ok(b"SETACTIVE " + quote(name))
            self.assertEqual(c.list(), [name + "*"])
            c.ok('SETACTIVE ""')
            c.ok(b"DELETESCRIPT " + quote(name))
        c.put("x", KEEP)
        for name in ("", "a\tb", "a\r\nb", "\x7f", "\u0085", "\u2028", "a\0b",
                     "x" * 513, "\U0001f4ec" * 129, b"\xff"):
            for command in (b"PUTSCRIPT %s " + quote(KEEP[:-2]),
                            b'RENAMESCRIPT "x" %s'):
                with self.subTest(name):
                    self.assertNo(c.cmd(command % literal(name)))
            for command in b"GETSCRIPT ", b"DELETESCRIPT ":
                self.assertNo(c.cmd(command + literal(name)), "NONEXISTENT")
        self.assertEqual(c.list(), ["x"])

    def test_active(self):
        c = self.fresh()
        c.ok('SETACTIVE ""')
        self.assertNo(c.cmd('SETACTIVE "a"'), "NONEXISTENT")
        c.put("a", KEEP)
        c.put("b", KEEP)
        c.ok('SETACTIVE "a"')
        c.ok('SETACTIVE "b"')
        self.assertEqual(c.list(), ["a", "b*"])
        self.assertNo(c.cmd('SETACTIVE "c"'), "NONEXISTENT")
        self.assertNo(c.cmd('DELETESCRIPT "b"'), "ACTIVE")
        self.assertEqual(c.list(), ["a", "b*"])
        c.put("b", STOP)
        self.assertEqual(c.list(), ["a", "b*"])
        c.ok('SETACTIVE ""')
        c.ok('DELETESCRIPT "b"')
        self.assertNo(c.cmd('DELETESCRIPT "b"'), "NONEXISTENT")
        self.assertEqual(c.list(), ["a"])

    def test_rename(self):
        c = self.fresh()
        c.put("a", KEEP)
        c.put("b", STOP)
        c.ok('SETACTIVE "a"')
        self.assertNo(c.cmd('RENAMESCRIPT "a" "b"'), "ALREADYEXISTS")
        self.assertNo(c.cmd('RENAMESCRIPT "x" "y"'), "NONEXISTENT")
        self.assertNo(c.cmd('RENAMESCRIPT "x" "b"'), "NONEXISTENT")
        c.ok('RENAMESCRIPT "a" "z"')
        self.assertEqual(c.list(), ["b", "z*"])
        self.assertEqual(c.get("z"), KEEP.encode())

    def test_arguments(self):
        c = self.fresh()
        for line in ("PUTSCRIPT", 'PUTSCRIPT "a"', 'PUTSCRIPT "a" 1',
                     'PUTSCRIPT "a" "keep;" "b"', "LISTSCRIPTS 1",
                     "SETACTIVE", "SETACTIVE 1", 'HAVESPACE "a"',
                     'HAVESPACE "a" "1"', "HAVESPACE 1 1",
                     'RENAMESCRIPT "a"', "CHECKSCRIPT", "GETSCRIPT a",
                     "LOGOUT 1", 'CAPABILITY "x"', 'NOOP "a" "b"'):
            with self.subTest(line):
                self.assertNo(c.cmd(line))
        self.assertEqual(c.list(), [])

    def test_the_other_user_has_none_of_it(self):
        c = self.fresh()
        c.put("mine", KEEP)
        d = self.fresh()
        self.assertEqual(d.list(), [])
        self.assertNo(d.cmd('GETSCRIPT "mine"'), "NONEXISTENT")
        c.ok("UNAUTHENTICATE")
        c.login(self.next_user - 1)
        self.assertEqual(c.list(), [])

    def test_metadata_of_imap_does_not_reach_them(self):
        c = self.fresh()
        c.put("mine", KEEP)
        i = imaplib.IMAP4(self.server.host, self.server.ports["imap"])
        self.addCleanup(i.shutdown)
        i.login(self.server.users[self.next_user - 1], self.server.password)
        for name in ("postern/sieve-list", "/postern/sieve-list", "/",
                     "postern", '""'):
            for command in (("GETMETADATA", "(DEPTH infinity)", '""', name),
                            ("SETMETADATA", '""', '(%s "x")' % name)):
                try:
                    self.assertNotEqual(i.xatom(*command)[0], "OK", command)
                except imaplib.IMAP4.error:     # BAD
                    pass
            self.assertNotIn("sieve", repr(i.untagged_responses))
        self.assertEqual(i.xatom("GETMETADATA", "(DEPTH infinity)", '""',
                                 "(/private /shared)")[0], "OK")
        self.assertNotIn("sieve", repr(i.untagged_responses))
        self.assertEqual(c.list(), ["mine"])


class Delivery(Case):
    """What is active is what is run, from the moment of the OK on."""

    def deliver(self):
        with smtplib.LMTP(self.server.host, self.server.ports["lmtp"]) as c:
            c.sendmail("ann@example.org", [self.server.users[0]],
                       "From: ann@example.org\r\nSubject: x\r\n\r\nHello\r\n")

    def counts(self):
        i = imaplib.IMAP4(self.server.host, self.server.ports["imap"])
        i.login(self.server.users[0], self.server.password)
        got = [int(i.select(box, readonly=True)[1][0])
               for box in ("INBOX", "Junk", "Archive")]
        i.logout()
        return got

    def test_changes_count_at_once(self):
        c = self.login()
        self.deliver()
        self.assertEqual(self.counts(), [1, 0, 0])
        into = 'require "fileinto"; fileinto "%s";'
        c.put("a", into % "Junk")
        self.deliver()
        self.assertEqual(self.counts(), [2, 0, 0], "it is not active")
        c.ok('SETACTIVE "a"')
        self.deliver()
        self.assertEqual(self.counts(), [2, 1, 0])
        c.put("a", into % "Archive")
        self.deliver()
        self.assertEqual(self.counts(), [2, 1, 1])
        c.ok('SETACTIVE ""')
        self.deliver()
        self.assertEqual(self.counts(), [3, 1, 1])


class Again(Case):
    def test_they_last(self):
        c = self.login()
        c.put("a", KEEP)
        c.put("b", STOP)
        c.ok('SETACTIVE "b"')
        c.close()
        self.server.stop()
        self.server.start()
        c = self.login()
        self.assertEqual(c.list(), ["a", "b*"])
        self.assertEqual(c.get("b"), STOP.encode())


if __name__ == "__main__":
    unittest.main()
