"""CREATE, DELETE, RENAME, LIST, LSUB, STATUS, NAMESPACE and special uses."""

import os
import shutil
import unittest

from imap_client import Case, message
from postern import only_over


class Mailboxes(Case):
    def setUp(self):
        super().setUp()
        self.c = self.login()
        self.p = self.box + "/"

    def names(self, text, word=b"LIST"):
        """{name: attributes} of a LIST."""
        got = {}
        for r in self.c.ok(text):
            self.assertTrue(r.startswith(b"* " + word + b" ("), r)
            flags, rest = r.split(b"(", 1)[1].split(b')', 1)
            name = rest.split(b'"/" ', 1)[1].strip(b'"').decode()
            self.assertNotIn(name, got)
            got[name] = set(flags.decode().split())
        return got

    def test_create_and_delete(self):
        self.c.ok("CREATE " + self.box)
        self.assertNo(self.c.cmd("CREATE " + self.box), "ALREADYEXISTS")
        self.assertIn(self.box, self.names('LIST "" *'))
        self.c.ok("DELETE " + self.box)
        self.assertNotIn(self.box, self.names('LIST "" *'))
        self.assertNo(self.c.cmd("DELETE " + self.box), "NONEXISTENT")
        self.assertNo(self.c.cmd("DELETE INBOX"), "CANNOT")
        self.assertNo(self.c.cmd("CREATE inbox"), "ALREADYEXISTS")
        self.assertBad(self.c.cmd('CREATE ""'))
        self.assertBad(self.c.cmd('CREATE a//b'))

    def test_create_with_trailing_separator(self):
        self.c.ok('CREATE "%s/"' % self.box)
        self.assertIn(self.box, self.names('LIST "" *'))
        self.c.ok("DELETE " + self.box)
        self.c.ok("CREATE " + self.box)

    def test_hierarchy(self):
        for name in ("a", "a/b", "c/d/e"):
            self.c.ok("CREATE " + self.p + name)
        got = self.names('LIST "%s" %%' % self.p)
        self.assertEqual(set(got), {self.p + "a", self.p + "c"})
        self.assertIn("\\HasChildren", got[self.p + "a"])
        self.assertNotIn("\\Noselect", got[self.p + "a"])
        self.assertIn("\\Noselect", got[self.p + "c"])
        self.assertIn("\\HasChildren", got[self.p + "c"])
        got = self.names('LIST "" "%s*"' % self.p)
        self.assertEqual(set(got), {self.p + n for n in
                                    ("a", "a/b", "c", "c/d", "c/d/e")})
        self.assertIn("\\HasNoChildren", got[self.p + "a/b"])
        got = self.names('LIST "" "%s%%/%%"' % self.p)
        self.assertEqual(set(got), {self.p + "a/b", self.p + "c/d"})
        self.assertNo(self.c.cmd("SELECT " + self.p + "c"), "NONEXISTENT")
        self.c.ok("DELETE " + self.p + "a")
        got = self.names('LIST "%s" %%' % self.p)
        self.assertIn("\\Noselect", got[self.p + "a"])
        self.c.ok("CREATE " + self.p + "a")

    def test_list_root(self):
        self.assertEqual(self.c.ok('LIST "" ""'),
                         [b'* LIST (\\Noselect) "/" ""'])

    def test_list_inbox_in_any_case(self):
        for text in ('LIST "" inbox', 'LIST "" "InBo%"', 'LIST in BOX'):
            self.assertEqual(set(self.names(text)), {"INBOX"})
        self.c.ok("SELECT inbox")

    def test_modified_utf7(self):
        self.c.ok('CREATE "%sEntw&APw-rfe"' % self.p)
        self.c.ok('CREATE "%s&ZeVnLIqe-"' % self.p)
        got = self.names('LIST "%s" *' % self.p)
        self.assertIn(self.p + "Entw&APw-rfe", got)
        self.assertIn(self.p + "&ZeVnLIqe-", got)
        self.assertIn(self.p + "Entw&APw-rfe",
                      self.names('LIST "" "%sEntw%%rfe"' % self.p))
        self.assertBad(self.c.cmd('CREATE "%sa&b"' % self.p))
        self.c.ok('CREATE "%sa&-b"' % self.p)
        self.c.ok('SELECT "%sa&-b"' % self.p)
        name = (self.p + "Entw\u00fcrfe").encode()
        self.c.ok(b"SELECT {%d+}\r\n%s" % (len(name), name))

    def test_names_with_quotes(self):
        self.c.ok('CREATE "%sa b"' % self.p)
        self.c.ok('CREATE "%sa\\"b"' % self.p)
        lines = self.c.ok('LIST "" "%s*"' % self.p)
        self.assertTrue(any(l.endswith(b'a b"') for l in lines))
        self.assertTrue(any(l.endswith(b'a\\"b"') for l in lines))

    def test_rename(self):
        self.c.ok("CREATE " + self.p + "a/b")
        self.c.ok("CREATE " + self.p + "a")
        uid = self.c.append(message(), self.p + "a")
        status = self.c.ok("STATUS %sa (UIDVALIDITY)" % self.p)
        self.c.ok("RENAME %sa %sz" % (self.p, self.p))
        self.assertEqual(
            set(self.names('LIST "" "%s*"' % self.p)),
            {self.p + "z", self.p + "z/b"})
        self.assertEqual(
            status[0].replace(b"a (", b"z ("),
            self.c.ok("STATUS %sz (UIDVALIDITY)" % self.p)[0])
        self.c.ok("SELECT " + self.p + "z")
        self.assertEqual(self.c.ok("SEARCH UID %d" % uid), [b"* SEARCH 1"])
        self.c.ok("UNSELECT")
        self.assertNo(self.c.cmd("RENAME %sa %sy" % (self.p, self.p)),
                      "NONEXISTENT")
        self.assertNo(self.c.cmd("RENAME %sz %sz/x" % (self.p, self.p)),
                      "CANNOT")
        self.assertNo(self.c.cmd("RENAME %sz INBOX" % self.p),
                      "ALREADYEXISTS")
        self.assertNo(self.c.cmd("RENAME %sz %sz" % (self.p, self.p)))

    def test_rename_a_level(self):
        """RFC 9051, 6.3.6: one that is no mailbox itself"""
        c, p = self.c, self.p
        for name in ("a/b", "a/b/c", "a/d", "ab"):
            c.ok("CREATE " + p + name)
        c.append(message(), p + "a/b/c")
        other = self.login()
        other.ok("SELECT %sa/b/c" % p)
        c.ok("RENAME %sa %sx/y" % (p, p))
        self.assertEqual(set(self.names('LIST "" "%s*"' % p)), {
            p + n for n in ("ab", "x", "x/y", "x/y/b", "x/y/b/c", "x/y/d")})
        self.assertEqual(other.ok("SEARCH ALL"), [b"* SEARCH 1"])
        self.assertIn(b"MESSAGES 1", c.ok(
            "STATUS %sx/y/b/c (MESSAGES)" % p)[0])
        # one of them cannot: none does
        c.ok("CREATE %sz/d" % p)
        self.assertNo(c.cmd("RENAME %sx/y %sz" % (p, p)), "ALREADYEXISTS")
        self.assertEqual(set(self.names('LIST "" "%s*/*"' % p)), {
            p + n for n in ("x/y", "x/y/b", "x/y/b/c", "x/y/d", "z/d")})
        self.assertEqual(other.ok("SEARCH ALL"), [b"* SEARCH 1"])
        self.assertNo(c.cmd("RENAME %sa %sq" % (p, p)), "NONEXISTENT")

    def test_rename_inbox_moves_its_messages(self):
        c = self.c = self.login(1)
        c.append(message("one"))
        c.append(message("two"))
        c.ok("CREATE INBOX/sub")
        c.ok("RENAME INBOX " + self.box)
        self.assertEqual(c.ok("STATUS INBOX (MESSAGES)"),
                         [b"* STATUS INBOX (MESSAGES 0)"])
        self.assertEqual(
            c.ok("STATUS %s (MESSAGES)" % self.box),
            [b"* STATUS %s (MESSAGES 2)" % self.box.encode()])
        self.assertIn("INBOX/sub", self.names('LIST "" *'))

    def test_subscriptions(self):
        for name in ("a", "b", "c/d"):
            self.c.ok("CREATE " + self.p + name)
        self.c.ok("SUBSCRIBE %sa" % self.p)
        self.c.ok("SUBSCRIBE %sc/d" % self.p)
        self.c.ok("SUBSCRIBE %snothing" % self.p)
        got = self.names('LSUB "" "%s*"' % self.p, b"LSUB")
        self.assertEqual(set(got), {self.p + n
                                    for n in ("a", "c/d", "nothing")})
        self.assertIn("\\Noselect", got[self.p + "nothing"])
        got = self.names('LSUB "" "%s%%"' % self.p, b"LSUB")
        self.assertEqual(set(got), {self.p + n for n in ("a", "c", "nothing")})
        self.assertIn("\\Noselect", got[self.p + "c"])
        self.c.ok("UNSUBSCRIBE %sa" % self.p)
        self.c.ok("DELETE %sc/d" % self.p)
        got = self.names('LSUB "" "%s*"' % self.p, b"LSUB")
        self.assertIn(self.p + "c/d", got)
        self.assertNotIn(self.p + "a", got)

    def test_list_extended(self):
        p = self.p
        for name in ("a", "b", "b/x", "c/y"):
            self.c.ok("CREATE " + p + name)
        for name in ("a", "b/x", "gone"):
            self.c.ok("SUBSCRIBE " + p + name)
        got = self.names('LIST (SUBSCRIBED) "" "%s*"' % p)
        self.assertEqual(set(got), {p + n for n in ("a", "b/x", "gone")})
        self.assertIn("\\Subscribed", got[p + "a"])
        self.assertIn("\\NonExistent", got[p + "gone"])
        got = self.names(
            'LIST () "" ("%sa" "%sb*") RETURN (SUBSCRIBED CHILDREN)' % (p, p))
        self.assertEqual(set(got), {p + n for n in ("a", "b", "b/x")})
        self.assertIn("\\Subscribed", got[p + "a"])
        self.assertNotIn("\\Subscribed", got[p + "b"])
        self.assertIn("\\HasChildren", got[p + "b"])
        lines = self.c.ok(
            'LIST (SUBSCRIBED RECURSIVEMATCH) "%s" %%' % p)
        by_name = {l.split(b'"/" ')[1].split(b" ")[0].strip(b'"').decode(): l
                   for l in lines}
        self.assertEqual(set(by_name), {p + n for n in ("a", "b", "gone")})
        self.assertIn(b'("CHILDINFO" ("SUBSCRIBED"))', by_name[p + "b"])
        self.assertNotIn(b"CHILDINFO", by_name[p + "a"])
        self.assertBad(self.c.cmd('LIST (RECURSIVEMATCH) "" *'))
        self.assertBad(self.c.cmd('LIST "" * RETURN (NONSENSE)'))
        self.assertEqual(
            set(self.names('LIST (REMOTE) "" INBOX RETURN ()')), {"INBOX"})

    def test_special_use(self):
        got = self.names('LIST "" *')
        self.assertIn("\\Sent", got["Sent"])
        got = self.names('LIST (SPECIAL-USE) "" * RETURN (SPECIAL-USE)')
        self.assertIn("Sent", got)
        self.assertNotIn("INBOX", got)
        self.c.ok("CREATE %sold (USE (\\Archive))" % self.p)
        got = self.names('LIST "" "%s*"' % self.p)
        self.assertIn("\\Archive", got[self.p + "old"])
        self.assertNo(self.c.cmd("CREATE %sx (USE (\\All))" % self.p),
                      "USEATTR")
        self.assertNo(
            self.c.cmd("CREATE %sx (USE (\\Sent \\Trash))" % self.p),
            "USEATTR")
        self.assertBad(self.c.cmd("CREATE %sx (FOO (\\Sent))" % self.p))
        self.assertBad(self.c.cmd("CREATE %sx (USE \\Sent)" % self.p))
        self.c.ok("CREATE %sy (USE ())" % self.p)

    def test_status(self):
        self.c.ok("CREATE " + self.box)
        self.c.append(message(), self.box, "(\\Seen)")
        self.c.append(message(), self.box)
        got = self.c.ok("STATUS %s (MESSAGES RECENT UIDNEXT UNSEEN)" %
                        self.box)
        self.assertEqual(
            got, [b"* STATUS %s (MESSAGES 2 RECENT 2 UIDNEXT 3 UNSEEN 1)" %
                  self.box.encode()])
        # STATUS takes no \Recent away
        self.assertIn(b"RECENT 2", self.c.ok("STATUS %s (RECENT)" %
                                             self.box)[0])
        self.assertRegex(
            self.c.ok("STATUS %s (uidvalidity)" % self.box)[0],
            rb"\(UIDVALIDITY [1-9]\d*\)$")
        self.assertNo(self.c.cmd("STATUS %sx (MESSAGES)" % self.box),
                      "NONEXISTENT")

    def test_namespace(self):
        self.assertEqual(self.c.ok("NAMESPACE"),
                         [b'* NAMESPACE (("" "/")) (("Other Users/" "/"))'
                          b' (("Shared/" "/"))'])

    def test_select_answers(self):
        self.c.ok("CREATE " + self.box)
        self.c.append(message(), self.box, "(\\Seen $Work)")
        self.c.append(message(), self.box)
        untagged, tagged = self.c.cmd("SELECT " + self.box)
        self.assertTrue(tagged.startswith(b"OK [READ-WRITE]"))
        text = b"\n".join(untagged)
        for want in (rb"\* FLAGS \(.*\\Answered.*\$Work\)", rb"\* 2 EXISTS",
                     rb"\* 2 RECENT", rb"\* OK \[UNSEEN 2\]",
                     rb"\* OK \[UIDVALIDITY [1-9]\d*\]",
                     rb"\* OK \[UIDNEXT 3\]",
                     rb"\* OK \[PERMANENTFLAGS \(.*\\Seen.*\\\*\)\]"):
            self.assertRegex(text, want)
        untagged, tagged = self.c.cmd("EXAMINE " + self.box)
        self.assertTrue(tagged.startswith(b"OK [READ-ONLY]"))
        self.assertRegex(untagged[0], rb"\* OK \[CLOSED\]")
        self.assertIn(b"* OK [PERMANENTFLAGS ()]", b"\n".join(untagged))

    def test_failed_select_leaves_nothing_selected(self):
        self.c.ok("SELECT INBOX")
        self.assertNo(self.c.cmd("SELECT " + self.box), "NONEXISTENT")
        self.assertBad(self.c.cmd("FETCH 1 FLAGS"))

    def test_delete_selected_mailbox(self):
        self.c.ok("CREATE " + self.box)
        self.c.ok("SELECT " + self.box)
        d = self.login()
        d.ok("SELECT " + self.box)
        untagged = self.c.ok("DELETE " + self.box)
        self.assertTrue(any(b"[CLOSED]" in u for u in untagged))
        self.assertBad(self.c.cmd("FETCH 1 FLAGS"))
        d.send("x NOOP\r\n")
        self.assertIn(b"* BYE", d.wait_closed())

    @only_over("maildir")
    def test_removed_or_renamed_by_another_program(self):
        """What comes later goes to the mailbox that has the name then."""
        c = self.login()
        folder = os.path.join(self.server.maildir(self.server.users[0]),
                              "." + self.box)
        c.ok("CREATE " + self.box)
        c.append(message("first"), self.box)
        c.ok("SELECT " + self.box)
        c.ok("UNSELECT")
        shutil.rmtree(folder)
        self.assertNo(c.cmd("STATUS %s (MESSAGES)" % self.box))
        c.ok("CREATE " + self.box)
        c.append(message("second"), self.box)
        self.assertIn(b"* 1 EXISTS", c.ok("SELECT " + self.box))
        c.ok("UNSELECT")
        os.rename(folder, folder + "old")
        c.ok("CREATE " + self.box)
        c.append(message("third"), self.box)
        self.assertIn(b"* 1 EXISTS", c.ok("SELECT " + self.box))
        self.assertIn(b"* 1 EXISTS", c.ok("SELECT %sold" % self.box))

    def test_unselect_and_close(self):
        self.c.ok("CREATE " + self.box)
        self.c.append(message(), self.box, "(\\Deleted)")
        self.c.ok("SELECT " + self.box)
        self.assertEqual(self.c.ok("UNSELECT"), [])
        self.assertBad(self.c.cmd("UNSELECT"))
        self.assertIn(b"MESSAGES 1",
                      self.c.ok("STATUS %s (MESSAGES)" % self.box)[0])
        self.c.ok("EXAMINE " + self.box)
        self.c.ok("CLOSE")
        self.assertIn(b"MESSAGES 1",
                      self.c.ok("STATUS %s (MESSAGES)" % self.box)[0])
        self.c.ok("SELECT " + self.box)
        self.assertEqual(self.c.ok("CLOSE"), [])
        self.assertIn(b"MESSAGES 0",
                      self.c.ok("STATUS %s (MESSAGES)" % self.box)[0])

    def test_many_mailboxes(self):
        for i in range(300):
            self.c.ok("CREATE %s%03d" % (self.p, i))
        self.assertEqual(len(self.names('LIST "" "%s*"' % self.p)), 300)


if __name__ == "__main__":
    unittest.main()
