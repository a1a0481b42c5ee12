"""Access control lists (RFC 4314), mailboxes of other users and public ones
(RFC 2342), LIST-MYRIGHTS (RFC 8440)."""

import json
import re
import threading
import unittest

import postern
from imap_client import Case, Client, Closed, message

OWNER = "user1@example.test"
GUEST = "user2@example.test"
THIRD = "user3@example.test"
ROOT = "Other Users/" + OWNER + "/"


def shared(name):
    return '"%s%s"' % (ROOT, name)


class AclCase(unittest.TestCase):
    settings = ("sharing.anyone=yes",)

    @classmethod
    def setUpClass(cls):
        cls.server = postern.Server(users=3, set=cls.settings).start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.clean()

    def setUp(self):
        self.clients = []
        self.owner = self.client(0)
        self.guest = self.client(1)

    def tearDown(self):
        for c in self.clients:
            c.close()

    def client(self, user):
        c = Client(self.server).login(user)
        self.clients.append(c)
        return c

    def fresh(self, name, rights=None, messages=0):
        """A new mailbox of the owner, shared with the guest."""
        self.owner.cmd("DELETE %s" % name)
        self.owner.ok("CREATE %s" % name)
        if rights is not None:
            self.grant(name, rights)
        return [self.owner.append(message("%s%d" % (name, i)), name)
                for i in range(messages)]

    def grant(self, name, rights, who=GUEST):
        self.owner.ok('SETACL %s %s "%s"' % (name, who, rights))

    def tagged(self, client, command):
        return client.cmd(command)[1].decode()

    def flags(self, client, n=1):
        for r in client.ok("FETCH %d FLAGS" % n):
            m = re.match(rb"\* %d FETCH \(.*FLAGS \(([^)]*)\)" % n, r)
            if m:
                return set(m.group(1).decode().split()) - {"\\Recent"}
        raise AssertionError("no FLAGS")

    def list(self, client, arguments):
        """name -> attributes"""
        found = {}
        for r in client.ok("LIST " + arguments):
            m = re.match(rb'\* LIST \(([^)]*)\) "/" (.*)', r)
            if m:
                name = m.group(2).decode().strip('"')
                self.assertNotIn(name, found, "listed twice")
                found[name] = m.group(1).decode()
        return found


class TestCommands(AclCase):
    def test_capability_and_namespace(self):
        words = self.owner.ok("CAPABILITY")[0].decode().split()
        for word in ("ACL", "RIGHTS=texk", "LIST-MYRIGHTS"):
            self.assertIn(word, words)
        self.assertEqual(self.owner.ok("NAMESPACE"), [
            b'* NAMESPACE (("" "/")) (("Other Users/" "/"))'
            b' (("Shared/" "/"))'])

    def test_the_owner_has_all_rights(self):
        self.fresh("Mine")
        self.assertEqual(self.owner.ok("MYRIGHTS Mine"),
                         [b"* MYRIGHTS Mine lrswipkxteacd"])
        self.assertEqual(self.owner.ok("GETACL Mine"),
                         [b"* ACL Mine user1@example.test lrswipkxteacd"])
        self.assertEqual(
            self.owner.ok("LISTRIGHTS Mine " + OWNER),
            [b"* LISTRIGHTS Mine user1@example.test lrswipkxteacd"])
        # They stay, whatever is said of them.
        for change in ("lr", "-a", '""'):
            self.assertRegex(self.tagged(
                self.owner, "SETACL Mine %s %s" % (OWNER, change)),
                r"NO \[CANNOT\]")
        self.assertRegex(self.tagged(
            self.owner, "SETACL Mine -%s a" % OWNER), r"NO \[CANNOT\]")
        self.assertRegex(self.tagged(
            self.owner, "DELETEACL Mine " + OWNER), r"NO \[CANNOT\]")
        self.owner.ok("SETACL Mine %s lrswipcda" % OWNER)
        self.owner.ok("SETACL Mine -anyone lrswipkxtea")
        self.assertEqual(self.owner.ok("MYRIGHTS Mine"),
                         [b"* MYRIGHTS Mine lrswipkxteacd"])

    def test_setacl_as_in_the_rfc(self):
        self.fresh("Drafts4314", "lrswi")

        def entry():
            return self.owner.ok("GETACL Drafts4314")[0].split()[5:]

        # 3.1: c and d are what they stand for, and are told
        self.owner.ok("SETACL Drafts4314 user2 +cda")
        self.assertEqual(entry(), [GUEST.encode(), b"lrswikxteacd"])
        # 2.1.1
        self.owner.ok("SeTacl Drafts4314 user2 lrswida")
        self.assertEqual(entry(), [GUEST.encode(), b"lrswitead"])
        self.owner.ok("Setacl Drafts4314 user2 lrswikda")
        self.assertEqual(entry(), [GUEST.encode(), b"lrswikteacd"])
        self.owner.ok("SETACL Drafts4314 user2 -kda")
        self.assertEqual(entry(), [GUEST.encode(), b"lrswi"])
        for bad in ("lrQswicda", "lrqswicda", "lr0", "+-r"):
            self.assertRegex(self.tagged(
                self.owner, "SETACL Drafts4314 user2 " + bad), r"BAD ")
        self.assertEqual(entry(), [GUEST.encode(), b"lrswi"])
        # 3.2
        self.owner.ok("SETACL Drafts4314 -user2 wetd")
        self.owner.ok("DELETEACL Drafts4314 user2")
        self.assertEqual(entry(), [b"-" + GUEST.encode(), b"wted"])
        self.owner.ok("DELETEACL Drafts4314 -user2")
        self.owner.ok("DELETEACL Drafts4314 -user2")
        self.assertEqual(entry(), [])
        # Nothing left is no entry.
        self.owner.ok("SETACL Drafts4314 user2 r")
        self.owner.ok('SETACL Drafts4314 user2 ""')
        self.assertEqual(entry(), [])

    def test_listrights(self):
        self.fresh("Rights")
        self.assertEqual(
            self.owner.ok('LISTRIGHTS Rights "USER2"'),
            [b'* LISTRIGHTS Rights USER2 "" l r s w i p k x t e a c d'])
        self.assertEqual(
            self.owner.ok("LISTRIGHTS Rights anyone"),
            [b'* LISTRIGHTS Rights anyone "" l r s w i p k x t e a c d'])

    def test_identifiers(self):
        self.fresh("Who")
        self.owner.ok('SETACL Who "User2@EXAMPLE.test" lr')
        self.owner.ok("SETACL Who ANYONE l")
        self.assertEqual(
            self.owner.ok("GETACL Who"),
            [b"* ACL Who user1@example.test lrswipkxteacd"
             b" user2@example.test lr anyone l"])
        for bad in ('""', '"-"', '"a b"', '"x/y"', '"@"', "-", '"--user2"'):
            self.assertRegex(
                self.tagged(self.owner, "SETACL Who %s lr" % bad), r"BAD ")
        self.assertRegex(
            self.tagged(self.owner, "SETACL Who nobody@example.test lr"),
            r"NO \[CANNOT\]")
        self.assertRegex(
            self.tagged(self.owner, "SETACL Who $team lr"), r"NO \[CANNOT\]")

    def test_syntax(self):
        for bad in ("GETACL", "GETACL INBOX x", "SETACL INBOX user2",
                    "SETACL INBOX user2 lr x", "DELETEACL INBOX",
                    "LISTRIGHTS INBOX", "MYRIGHTS", "MYRIGHTS INBOX x"):
            self.assertRegex(self.tagged(self.owner, bad), r"BAD ", bad)

    def test_there_is_no_such_mailbox(self):
        for command in ("GETACL %s", "SETACL %s user2 lr",
                        "DELETEACL %s user2", "LISTRIGHTS %s user2",
                        "MYRIGHTS %s"):
            for name in ("Nowhere", shared("Nowhere")):
                self.assertRegex(
                    self.tagged(self.owner, command % name),
                    r"NO \[NONEXISTENT\]")

    def test_negative_rights(self):
        self.fresh("Minus", "lrsw")
        self.owner.ok("SETACL Minus -user2 w")
        self.assertEqual(
            self.guest.ok("MYRIGHTS " + shared("Minus")),
            [b"* MYRIGHTS " + shared("Minus").encode() + b" lrs"])
        self.owner.ok("SETACL Minus anyone wi")
        self.assertEqual(
            self.guest.ok("MYRIGHTS " + shared("Minus")),
            [b"* MYRIGHTS " + shared("Minus").encode() + b" lrsi"])
        self.owner.ok("SETACL Minus -anyone lri")
        self.assertRegex(
            self.tagged(self.guest, "MYRIGHTS " + shared("Minus")),
            r"NO \[NONEXISTENT\]")

    def test_list_myrights(self):
        self.fresh("Own8440")
        self.owner.ok("SUBSCRIBE Gone8440")
        self.assertEqual(
            self.owner.ok('LIST "" "%8440" RETURN (MYRIGHTS)'),
            [b'* LIST (\\HasNoChildren) "/" Own8440',
             b"* MYRIGHTS Own8440 lrswipkxteacd"])
        self.fresh("Sub8440")
        self.owner.ok("CREATE Sub8440/below")
        self.owner.ok("SUBSCRIBE Sub8440/below")
        # As in the example: what is listed for what is below it has none.
        self.assertEqual(
            self.owner.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" Sub84% '
                          'RETURN (MYRIGHTS)'),
            [b'* LIST (\\HasChildren) "/" Sub8440'
             b' ("CHILDINFO" ("SUBSCRIBED"))'])
        self.grant("Sub8440", "lrs")
        self.assertEqual(
            self.guest.ok('LIST "" "%sSub8440" RETURN (MYRIGHTS)' % ROOT),
            [b'* LIST (\\HasNoChildren) "/" ' + shared("Sub8440").encode(),
             b"* MYRIGHTS " + shared("Sub8440").encode() + b" lrs"])


NOT_ALLOWED = {True: r"NO \[NOPERM\]", False: r"NO \[(NONEXISTENT|TRYCREATE)\]"}


class TestEveryRight(AclCase):
    """Each right alone, against each command (RFC 4314, 4)."""

    def check(self, client, command, allowed, rights):
        tagged = self.tagged(client, command)
        want = r"OK" if allowed else NOT_ALLOWED["l" in rights]
        self.assertRegex(tagged, want, "%s with %s" % (command, rights))

    def test_authenticated_state(self):
        name = shared("Each")
        self.fresh("Each")
        self.guest.ok("SELECT INBOX")
        self.guest.append(message("source"))
        for rights in [""] + list("lrswipkxtea") + ["lr", "lx", "lki", "rx"]:
            self.fresh("Each", rights, messages=1)
            g = self.guest
            self.check(g, "MYRIGHTS " + name,
                       bool(set(rights) & set("lrikxa")), rights)
            self.check(g, "STATUS %s (MESSAGES)" % name, "r" in rights,
                       rights)
            self.check(g, "EXAMINE " + name, "r" in rights, rights)
            self.check(g, "SELECT " + name, "r" in rights, rights)
            g.ok("SELECT INBOX")
            self.check(g, "COPY 1 " + name, "i" in rights, rights)
            tag = g.tag()
            g.send('%s APPEND %s {4}\r\n' % (tag, name))
            first = g.response()
            if "i" in rights:
                self.assertTrue(first.startswith(b"+"), first)
                g.send(b"a: b\r\n")
                self.assertTrue(g.finish(tag)[1].startswith(b"OK"))
            else:  # before anything is sent
                self.assertRegex(first.decode(), tag + " " +
                                 NOT_ALLOWED["l" in rights])
            for command in ("GETACL %s", "LISTRIGHTS %s user3",
                            "SETACL %s user3 l", "DELETEACL %s user3"):
                self.check(g, command % name, "a" in rights, rights)
            self.check(g, 'CREATE "%sEach/below"' % ROOT, "k" in rights,
                       rights)
            self.assertEqual(
                bool(self.list(g, '"" ' + name)), "l" in rights)
            self.check(g, "SUBSCRIBE " + name, True, rights)
            g.ok("UNSUBSCRIBE " + name)
            tagged = self.tagged(g, "RENAME %s %s" % (name, shared("Each2")))
            self.assertRegex(tagged, r"NO ", rights)
            self.check(g, "DELETE " + name, "x" in rights, rights)
            self.assertEqual(bool(self.list(self.owner, '"" Each')),
                             "x" not in rights)
            self.owner.cmd("DELETE Each/below")

    def test_rename_needs_x_and_k(self):
        self.fresh("From", "lx")
        self.fresh("Into", "l")
        self.assertRegex(self.tagged(self.guest, "RENAME %s %s" % (
            shared("From"), shared("Into/moved"))), r"NO \[NOPERM\]")
        self.grant("Into", "lk")
        self.grant("From", "l")
        self.assertRegex(self.tagged(self.guest, "RENAME %s %s" % (
            shared("From"), shared("Into/moved"))), r"NO \[NOPERM\]")
        self.grant("From", "lx")
        self.guest.ok("RENAME %s %s" % (
            shared("From"), shared("Into/moved")))
        # The list goes along, and no other takes its place.
        self.assertEqual(self.owner.ok("GETACL Into/moved")[0].split()[5:],
                         [GUEST.encode(), b"lxc"])
        # Not out of the account, nor somebody's INBOX.
        self.assertRegex(self.tagged(
            self.guest, "RENAME %s mine" % shared("Into/moved")),
            r"NO \[CANNOT\]")
        self.grant("INBOX", "lrx")
        self.assertRegex(self.tagged(
            self.guest, "RENAME %s %s" % (shared("INBOX"),
                                          shared("Into/inbox"))), r"NO ")
        self.assertRegex(self.tagged(
            self.guest, "DELETE " + shared("inbox")), r"NO ")
        self.owner.ok("DELETEACL INBOX user2")

    def test_create_inherits(self):
        self.fresh("Parent", "lrk")
        self.guest.ok("CREATE " + shared("Parent/a/b"))
        self.assertEqual(
            self.owner.ok("GETACL Parent/a/b")[0].split()[5:],
            [GUEST.encode(), b"lrkc"])
        self.owner.ok("CREATE Parent/c")
        self.assertEqual(self.owner.ok("GETACL Parent/c")[0].split()[5:],
                         [GUEST.encode(), b"lrkc"])
        # Not beside it.
        self.assertRegex(self.tagged(
            self.guest, "CREATE " + shared("Elsewhere")),
            r"NO \[NONEXISTENT\]")
        self.assertRegex(self.tagged(
            self.guest, 'CREATE "Other Users/x"'), r"NO \[NONEXISTENT\]")
        self.assertRegex(self.tagged(
            self.guest, 'CREATE "Other Users"'), r"NO \[NONEXISTENT\]")
        # A deleted mailbox leaves nothing to one of the same name.
        self.fresh("Parent")
        self.assertEqual(self.owner.ok("GETACL Parent")[0].split()[5:], [])

    def test_flags(self):
        for rights in ("r", "rs", "rw", "rt", "re", "ri", "rst", "rwt",
                       "rws", "rwste"):
            self.fresh("Flags", rights, messages=1)
            g = self.client(1)
            untagged, tagged = g.cmd("SELECT " + shared("Flags"))
            permanent = [r for r in untagged if b"PERMANENTFLAGS" in r][0]
            may = {"\\Seen": "s" in rights, "\\Deleted": "t" in rights,
                   "\\Flagged": "w" in rights, "key": "w" in rights}
            changes = bool(set(rights) & set("swte"))
            for flag in may:
                shown = "\\*" if flag == "key" else flag
                self.assertEqual(shown.encode() in permanent,
                                 may[flag], rights)
            # 5.2: a private \Seen alone is no writing
            self.assertEqual(b"[READ-WRITE]" in tagged,
                             bool(set(rights) & set("iewt")), rights)
            for flag in may:
                tagged = self.tagged(g, "STORE 1 +FLAGS (%s)" % flag)
                self.assertRegex(
                    tagged, r"OK" if may[flag] else
                    r"NO \[(NOPERM|READ-ONLY)\]", (rights, flag))
            self.assertEqual(self.flags(g), {f for f in may if may[f]})
            # Some of them may be changed: no failure (RFC 4314, 4)
            if changes and rights not in ("re",):
                g.ok("STORE 1 -FLAGS (\\Seen \\Deleted \\Flagged key)")
                self.assertEqual(self.flags(g), set())
                self.owner.ok("SELECT Flags")
                self.owner.ok("STORE 1 FLAGS (\\Answered \\Deleted)")
                g.ok("STORE 1 FLAGS (\\Seen \\Flagged key)")
                want = {f for f in ("\\Seen", "\\Flagged", "key") if may[f]}
                if "w" not in rights:
                    want.add("\\Answered")
                if "t" not in rights:
                    want.add("\\Deleted")
                self.assertEqual(self.flags(g), want, rights)
            g.close()

    def test_fetch_sets_seen_only_with_the_right(self):
        self.fresh("Peek", "r", messages=1)
        self.guest.ok("SELECT " + shared("Peek"))
        self.guest.ok("FETCH 1 BODY[]")
        self.assertEqual(self.flags(self.guest), set())
        self.grant("Peek", "rs")
        self.guest.ok("FETCH 1 BODY[]")
        self.assertEqual(self.flags(self.guest), {"\\Seen"})

    def test_expunge_close_move_replace(self):
        for rights in ("rt", "re", "rte", "rwi"):
            self.fresh("Exp", rights, messages=3)
            self.owner.ok("SELECT Exp")
            self.owner.ok("STORE 1 +FLAGS (\\Deleted)")
            self.owner.ok("UNSELECT")
            g = self.client(1)
            both = "t" in rights and "e" in rights
            g.ok("SELECT " + shared("Exp"))
            self.assertRegex(self.tagged(g, "MOVE 2 INBOX"),
                             r"OK" if both else r"NO \[NOPERM\]")
            left = 2 if both else 3
            body = message("new")
            tag = g.tag()
            g.send("%s REPLACE 2 INBOX {%d+}\r\n" % (tag, len(body)))
            g.send(body + b"\r\n")
            self.assertRegex(g.finish(tag)[1].decode(),
                             r"OK" if both else r"NO \[NOPERM\]")
            left -= both
            self.assertRegex(
                self.tagged(g, "UID EXPUNGE 1"),
                r"OK" if "e" in rights else r"NO \[NOPERM\]")
            left -= "e" in rights
            self.owner.ok("SELECT Exp")
            self.assertEqual(len(self.owner.ok("FETCH 1:* UID"))
                             if left else 0, left)
            if left:
                self.owner.ok("STORE 1 +FLAGS (\\Deleted)")
            self.owner.ok("UNSELECT")
            g.ok("CLOSE")  # never fails
            left -= "e" in rights and left > 0
            self.assertEqual(
                self.owner.ok("STATUS Exp (MESSAGES)"),
                [b"* STATUS Exp (MESSAGES %d)" % left])
            g.close()

    def test_copied_flags(self):
        """The example of RFC 4314, 4."""
        for rights, want in (
                ("rwis", [{"\\Draft"}, {"\\Answered"},
                          {"$Forwarded", "\\Seen"}]),
                ("rsti", [{"\\Deleted"}, set(), {"\\Seen"}]),
                ("ri", [set(), set(), set()])):
            for how in ("COPY", "APPEND"):
                self.fresh("Target", rights)
                g = self.client(1)
                g.cmd("DELETE Source")
                g.ok("CREATE Source")
                sets = ("\\Draft \\Deleted", "\\Answered",
                        "$Forwarded \\Seen")
                for flags in sets:
                    if how == "COPY":
                        g.append(message("m"), "Source", "(%s)" % flags)
                    else:
                        g.append(message("m"), shared("Target"),
                                 "(%s)" % flags)
                if how == "COPY":
                    g.ok("SELECT Source")
                    g.ok("COPY 1:3 " + shared("Target"))
                g.ok("SELECT " + shared("Target"))
                self.assertEqual(
                    [self.flags(g, n) for n in (1, 2, 3)], want,
                    (how, rights))
                # \Seen is the guest's alone.
                self.owner.ok("SELECT Target")
                self.assertEqual(
                    [self.flags(self.owner, n) for n in (1, 2, 3)],
                    [w - {"\\Seen"} for w in want])
                self.owner.ok("UNSELECT")
                g.close()

    def test_annotations(self):
        self.fresh("Notes", "l")
        self.owner.ok('SETMETADATA Notes (/private/comment "mine" '
                      '/shared/comment "ours")')
        name = shared("Notes")
        self.assertRegex(self.tagged(
            self.guest, "GETMETADATA %s /shared/comment" % name),
            r"NO \[NOPERM\]")
        self.grant("Notes", "lr")
        self.assertEqual(
            self.guest.ok("GETMETADATA %s (/private/comment "
                          "/shared/comment)" % name),
            [b"* METADATA " + name.encode() +
             b' (/private/comment NIL /shared/comment "ours")'])
        self.assertEqual(self.guest.ok(
            "GETMETADATA (DEPTH infinity) %s (/private)" % name), [])
        self.assertRegex(self.tagged(
            self.guest, 'SETMETADATA %s (/shared/comment "x")' % name),
            r"NO \[NOPERM\]")
        self.grant("Notes", "lrw")
        self.guest.ok('SETMETADATA %s (/shared/comment "x")' % name)
        self.assertRegex(self.tagged(
            self.guest, 'SETMETADATA %s (/private/comment "x")' % name),
            r"NO \[METADATA NOPRIVATE\]")
        self.assertEqual(
            self.owner.ok("GETMETADATA Notes (/private/comment "
                          "/shared/comment)"),
            [b'* METADATA Notes (/private/comment "mine"'
             b' /shared/comment "x")'])

    def test_quota_of_others_is_not_told(self):
        self.fresh("Quota", "lr")
        self.assertEqual(
            self.guest.ok("GETQUOTAROOT " + shared("Quota")),
            [b"* QUOTAROOT " + shared("Quota").encode()])
        self.assertRegex(self.tagged(self.guest, "GETQUOTA " + OWNER),
                         r"NO \[NOPERM\]")

    def test_search_and_catenate_need_r(self):
        self.fresh("Read", "l", messages=1)
        name = shared("Read")
        url = "/Other%20Users/" + OWNER + "/Read/;UID=1"
        append = 'APPEND INBOX CATENATE (URL "%s")' % url
        esearch = 'ESEARCH IN (mailboxes %s) SUBJECT Read0' % name
        self.assertEqual(self.guest.ok(esearch), [])
        self.assertRegex(self.tagged(self.guest, append), r"NO \[BADURL")
        self.grant("Read", "r")
        found = self.guest.ok(esearch)
        self.assertEqual(len(found), 1)
        self.assertIn(name.encode(), found[0])
        # It is not listed, so only found by its name (RFC 7377, 2.4).
        self.assertEqual(self.guest.ok(
            'ESEARCH IN (subtree "%s") SUBJECT Read0' % ROOT[:-1]), [])
        self.guest.ok(append)
        self.grant("Read", "lr")
        self.assertEqual(len(self.guest.ok(
            'ESEARCH IN (subtree "%s") SUBJECT Read0' % ROOT[:-1])), 1)
        self.assertEqual(self.guest.ok(
            'ESEARCH IN (personal) SUBJECT Read0 NOT SUBJECT Re:'
            ' SMALLER 1'), [])


class TestNames(AclCase):
    def test_list(self):
        self.fresh("L1", "lr")
        self.fresh("L2", "r")
        self.fresh("L3")
        self.owner.ok("CREATE L3/deep/er")
        self.grant("L3/deep/er", "l")
        third = "Other Users/" + OWNER
        g = self.guest
        everything = self.list(g, '"" *')
        self.assertIn(ROOT + "L1", everything)
        self.assertNotIn(ROOT + "L2", everything)
        self.assertIn("NoSelect".lower(), everything[ROOT + "L3"].lower())
        self.assertIn(ROOT + "L3/deep/er", everything)
        self.assertEqual(list(self.list(g, '"" "Other%"')), ["Other Users"])
        self.assertEqual(list(self.list(g, '"" "Other Users/%"')), [third])
        self.assertEqual(
            set(self.list(g, '"" "%sL%%"' % ROOT)),
            {ROOT + "L1", ROOT + "L3"})
        self.assertEqual(
            set(self.list(g, '"Other Users/" "*er"')),
            {ROOT + "L3/deep/er"})
        self.assertEqual(
            set(self.list(g, '"" "%/%/L1"')), {ROOT + "L1"})
        self.assertEqual(self.list(g, '"" "Other Users/%s/L2"' % OWNER), {})
        # The third user has nothing, and sees no level of it.
        self.assertFalse([n for n in self.list(self.client(2), '"" *')
                          if n.startswith(("Other", "Shared"))])
        # One's own is not among them.
        self.assertFalse([n for n in self.list(self.owner, '"" *')
                          if n.startswith("Other")])
        status = g.ok('LIST "" "%sL%%" RETURN (STATUS (MESSAGES))' % ROOT)
        self.assertIn(b"* STATUS " + shared("L1").encode() +
                      b" (MESSAGES 0)", status)

    def test_subscriptions(self):
        self.fresh("Sub", "lr")
        name = ROOT + "Sub"
        self.guest.ok('SUBSCRIBE "%s"' % name)
        self.assertIn(name, self.list(self.guest, '(SUBSCRIBED) "" *'))
        self.assertIn(b'* LSUB () "/" "' + name.encode() + b'"',
                      self.guest.ok('LSUB "" *'))
        self.grant("Sub", "r")
        self.assertIn("NonExistent", self.list(
            self.guest, '(SUBSCRIBED) "" "%s"' % name)[name])
        self.guest.ok('UNSUBSCRIBE "%s"' % name)
        self.assertEqual(self.list(
            self.guest, '(SUBSCRIBED) "" "%s"' % name), {})
        # The owner's subscriptions are not the guest's.
        self.grant("Sub", "lr")
        self.owner.ok("SUBSCRIBE Sub")
        self.assertEqual(self.list(
            self.guest, '(SUBSCRIBED) "" "%s"' % name), {})

    def test_hidden_is_as_if_it_were_not_there(self):
        self.fresh("Secret", messages=1)
        self.fresh("Door", "lr")
        there = shared("Secret")
        missing = shared("Missing")
        nobody = '"Other Users/nobody@example.test/Secret"'
        outside = '"Other Users/a@elsewhere.test/Secret"'
        for command in ("SELECT %s", "EXAMINE %s", "STATUS %s (MESSAGES)",
                        "DELETE %s", "RENAME %s x", "GETACL %s",
                        "MYRIGHTS %s", "SETACL %s user2 lr",
                        "DELETEACL %s user2", "LISTRIGHTS %s user2",
                        "GETMETADATA %s /shared/comment",
                        'SETMETADATA %s (/shared/comment "x")',
                        "CREATE %s", "CREATE %s"):
            answers = {self.tagged(self.guest, command % name)
                       for name in (there, missing, nobody, outside)}
            self.assertEqual(len(answers), 1, answers)
            self.assertRegex(answers.pop(), r"NO \[NONEXISTENT\]")
        self.guest.ok("SELECT INBOX")
        answers = {self.tagged(self.guest, "UID COPY 1 " + name)
                   for name in (there, missing, nobody, outside)}
        self.assertEqual(len(answers), 1, answers)
        self.assertEqual(
            {self.guest.ok("GETQUOTAROOT " + name)[0].split(b'"')[-1]
             for name in (there, missing, nobody)}, {b""})

    def test_hostile_names(self):
        self.fresh("Host", "lrswipkxtea")
        for name in ('"Other Users"', '"Other Users/"', '"Other Users//x"',
                     '"Other Users/../user1/Host"',
                     '"Other Users/%s"' % OWNER,
                     '"Other Users/%s/"' % OWNER,
                     '"Other Users/%s//Host"' % OWNER,
                     '"Other Users/%s/../%s/INBOX"' % (OWNER, OWNER),
                     '"Other Users/@example.test/x"',
                     '"Other Users/user1/Host"',
                     '"Other Users/*/Host"', '"Other Users/%/Host"',
                     '"Other Users/user1@example.test@x/Host"',
                     '"Other Users/anyone/Host"',
                     '"Other Users/public@shared.invalid/INBOX"',
                     '"other users/%s/Host"' % OWNER,
                     '"Shared"', '"Shared/INBOX"', '"Shared/inbox"',
                     '"Shared/%s/Host"' % OWNER,
                     '"Shared/x"', '"Other Users/%s/%s"' % (
                         OWNER, "x" * 900)):
            for command in ("SELECT %s", "STATUS %s (MESSAGES)",
                            "MYRIGHTS %s", "DELETE %s"):
                self.assertRegex(self.tagged(self.guest, command % name),
                                 r"NO |BAD ", name)
        # Case does not matter in an address, nor in INBOX.
        self.guest.ok('STATUS "Other Users/USER1@Example.TEST/Host" '
                      '(MESSAGES)')
        self.grant("INBOX", "lr")
        self.guest.ok('STATUS "Other Users/%s/iNbOx" (MESSAGES)' % OWNER)
        self.owner.ok("DELETEACL INBOX user2")
        self.assertRegex(self.tagged(
            self.guest, "STATUS %s (MESSAGES)" % shared("INBOX")),
            r"NO \[NONEXISTENT\]")

    def test_ones_own_by_the_long_name(self):
        self.fresh("Long", messages=1)
        self.owner.ok("SELECT " + shared("Long"))
        self.assertEqual(
            self.owner.ok("MYRIGHTS " + shared("Long"))[0].split()[-1],
            b"lrswipkxteacd")

    def test_names_in_utf7(self):
        self.fresh("Pr&APw-fung", "lr")
        name = '"%sPr&APw-fung"' % ROOT
        self.assertIn(b'* LIST (\\HasNoChildren) "/" ' + name.encode(),
                      self.guest.ok('LIST "" ' + name))
        self.guest.ok("SELECT " + name)


class TestLive(AclCase):
    def test_two_users_idle(self):
        self.fresh("Idle", "lrswite", messages=1)
        self.owner.ok("SELECT Idle")
        self.guest.ok("SELECT " + shared("Idle"))
        a, b = self.owner.idle(), self.guest.idle()
        other = self.client(1)
        other.append(message("new"), shared("Idle"))
        for c in (self.owner, self.guest):
            self.assertEqual(c.response(), b"* 2 EXISTS")
            self.assertRegex(c.response(), rb"\* \d RECENT")
        other.ok("SELECT " + shared("Idle"))
        other.ok("STORE 1 +FLAGS (\\Flagged)")
        self.assertEqual(self.owner.response(),
                         b"* 1 FETCH (FLAGS (\\Flagged \\Recent))")
        self.assertRegex(self.guest.response(),
                         rb"\* 1 FETCH \(FLAGS \(\\Flagged( \\Recent)?\)\)")
        # A private \Seen is told to the user's sessions only.
        other.ok("STORE 1 +FLAGS (\\Seen)")
        self.assertRegex(self.guest.response(), rb"\\Seen")
        other.ok("STORE 2 +FLAGS (\\Deleted)")
        other.ok("EXPUNGE")
        self.assertRegex(self.owner.response(), rb"\* 2 FETCH .*\\Deleted")
        self.assertEqual(self.owner.response(), b"* 2 EXPUNGE")
        self.owner.send("DONE\r\n")
        self.assertEqual(self.owner.finish(a)[0], [])
        self.guest.send("DONE\r\n")
        self.guest.finish(b)

    def test_rights_change_at_the_next_command(self):
        self.fresh("Change", "lrw", messages=1)
        self.guest.ok("SELECT " + shared("Change"))
        self.guest.ok("STORE 1 +FLAGS (\\Flagged)")
        self.grant("Change", "lrt")
        untagged, tagged = self.guest.cmd("STORE 1 +FLAGS (\\Answered)")
        self.assertRegex(tagged, rb"NO \[NOPERM\]")
        # RFC 4314, 5.1.1
        self.assertTrue([r for r in untagged
                         if b"[PERMANENTFLAGS (\\Deleted)]" in r])
        self.guest.ok("STORE 1 +FLAGS (\\Deleted)")
        self.grant("Change", "lr")
        self.assertRegex(self.tagged(
            self.guest, "STORE 1 -FLAGS (\\Deleted)"), r"NO ")

    def test_no_more_reading(self):
        self.fresh("Bye", "lr", messages=1)
        self.fresh("Other", "lr", messages=1)
        idler = self.client(1)
        idler.ok("SELECT " + shared("Bye"))
        idler.idle()
        waiting = self.client(1)
        waiting.ok("SELECT " + shared("Bye"))
        half = self.client(1)
        half.ok("SELECT " + shared("Bye"))
        half.send("x UID FETCH 1 (BODY.PEEK")
        self.guest.ok("SELECT " + shared("Other"))
        self.grant("Bye", "l")
        for c in (idler, waiting, half):
            self.assertIn(b"* BYE", c.wait_closed())
        self.guest.ok("FETCH 1 BODY.PEEK[]")
        self.owner.ok("DELETEACL Other user2")
        with self.assertRaises(Closed) as end:
            self.guest.cmd("FETCH 1 BODY.PEEK[]")
        self.assertNotIn(b"FETCH (", end.exception.args[0])

    def test_owner_renames_and_deletes(self):
        self.fresh("Ren", "lr", messages=1)
        self.owner.cmd("DELETE Ren2")
        self.guest.ok("SELECT " + shared("Ren"))
        self.owner.ok("RENAME Ren Ren2")
        self.assertIn(ROOT + "Ren2", self.list(self.guest, '"" *'))
        self.guest.ok("SELECT " + shared("Ren2"))
        self.owner.ok("DELETE Ren2")
        with self.assertRaises(Closed):
            self.guest.cmd("NOOP")
        again = self.client(1)
        self.assertRegex(self.tagged(again, "SELECT " + shared("Ren2")),
                         r"NO \[NONEXISTENT\]")

    def test_guest_with_a_may_share_further(self):
        self.fresh("Deleg", "lra")
        self.guest.ok("SETACL %s user3 lr" % shared("Deleg"))
        self.client(2).ok("SELECT " + shared("Deleg"))
        self.assertRegex(self.tagged(
            self.guest, "SETACL %s user1 lr" % shared("Deleg")), r"NO ")
        self.assertRegex(self.tagged(
            self.guest, "SETACL %s -user1 a" % shared("Deleg")), r"NO ")


class TestPublic(AclCase):
    def setUp(self):
        super().setUp()
        self.server.ctl("user", "set", OWNER, "--admin").check_returncode()
        self.admin = self.client(0)

    def tearDown(self):
        self.server.ctl("user", "set", OWNER, "--no-admin")
        super().tearDown()

    def test_made_by_an_administrator(self):
        self.assertRegex(self.tagged(self.guest, "CREATE Shared/Guest"),
                         r"NO \[NONEXISTENT\]")
        self.admin.cmd("DELETE Shared/Team/Sub")
        self.admin.cmd("DELETE Shared/Team")
        self.admin.ok("CREATE Shared/Team")
        self.assertEqual(self.admin.ok("GETACL Shared/Team"), [
            b"* ACL Shared/Team user1@example.test lrswipkxteacd"])
        self.assertRegex(self.tagged(self.guest, "SELECT Shared/Team"),
                         r"NO \[NONEXISTENT\]")
        self.assertNotIn("Shared", self.list(self.guest, '"" *'))
        self.admin.ok("SETACL Shared/Team anyone lrsip")
        self.assertEqual(
            set(self.list(self.guest, '"" "Shared*"')),
            {"Shared", "Shared/Team"})
        self.guest.append(message("hello"), "Shared/Team", "(\\Seen)")
        self.guest.ok("SELECT Shared/Team")
        self.assertEqual(self.flags(self.guest), {"\\Seen"})
        third = self.client(2)
        third.ok("SELECT Shared/Team")
        self.assertEqual(self.flags(third), set())
        self.admin.ok("CREATE Shared/Team/Sub")
        self.assertEqual(
            sorted(self.admin.ok("GETACL Shared/Team/Sub")[0].split()[3:]),
            sorted([OWNER.encode(), b"lrswipkxteacd", b"anyone", b"lrsip"]))
        self.assertEqual(
            self.admin.ok("LISTRIGHTS Shared/Team user1"),
            [b"* LISTRIGHTS Shared/Team user1 lkxac r s w i p t e d"])
        # Who is no administrator any more has what the list says.
        self.server.ctl("user", "set", OWNER, "--no-admin")
        self.admin.ok("DELETEACL Shared/Team user1")
        self.assertRegex(
            self.tagged(self.admin, "GETACL Shared/Team"), r"NO \[NOPERM\]")
        self.assertRegex(self.tagged(self.admin, "CREATE Shared/More"),
                         r"NO \[NONEXISTENT\]")

    def test_posternctl(self):
        ctl = self.server.ctl
        ctl("mailbox", "create", "public", "News").check_returncode()
        got = json.loads(ctl("mailbox", "list", "public", "--json").stdout)
        self.assertFalse([m for m in got if m["subscribed"]])
        ctl("acl", "set", "public", "News", "anyone",
            "lr").check_returncode()
        self.assertIn("Shared/News", self.list(self.guest, '"" *'))
        self.guest.ok("SELECT Shared/News")
        ctl("acl", "set", "public", "News", GUEST,
            "+iw").check_returncode()
        out = ctl("acl", "get", "public", "News").stdout
        self.assertRegex(out, r"anyone +lr\n")
        self.assertRegex(out, GUEST + r" +wi\n")
        ctl("acl", "set", "public", "News", "--", GUEST,
            "-w").check_returncode()
        self.assertRegex(ctl("acl", "list", "public").stdout,
                         r"News +user2@example.test +i\n")
        ctl("acl", "delete", "public", "News", "anyone").check_returncode()
        self.assertRegex(self.tagged(self.client(2), "SELECT Shared/News"),
                         r"NO \[NONEXISTENT\]")
        self.fresh("Mine", "lr")
        self.assertRegex(ctl("acl", "list", OWNER).stdout,
                         r"Mine +user2@example.test +lr\n")
        for args, code in (
                (("acl", "set", OWNER, "Mine", GUEST, "lrq"), 2),
                (("acl", "set", OWNER, "Mine", "x y", "lr"), 2),
                (("acl", "set", OWNER, "Mine", OWNER, "lr"), 1),
                (("acl", "set", OWNER, "Mine", "no@example.test", "l"), 3),
                (("acl", "set", OWNER, "Nowhere", GUEST, "l"), 3),
                (("acl", "get", OWNER, "Nowhere"), 3),
                (("acl", "list", "no@example.test"), 3),
                (("acl", "set", OWNER, "Mine"), 2)):
            self.assertEqual(ctl(*args).returncode, code, args)

    def test_no_user_has_the_public_account(self):
        self.server.ctl("domain", "add", "shared.invalid")
        done = self.server.ctl("user", "add", "public@shared.invalid",
                               "--no-password")
        self.assertNotEqual(done.returncode, 0)
        self.server.ctl("domain", "delete", "shared.invalid")


class TestUsersGo(AclCase):
    def test_a_deleted_user_leaves_no_rights(self):
        ctl = self.server.ctl
        ctl("user", "add", "gone@example.test",
            input="secret12\nsecret12\n").check_returncode()
        self.fresh("Left", "lr")
        self.owner.ok("SETACL Left gone lr")
        ctl("user", "delete", "gone@example.test").check_returncode()
        self.assertEqual(self.owner.ok("GETACL Left")[0].split()[5:],
                         [GUEST.encode(), b"lr"])

    def test_an_owner_is_deleted_while_others_read(self):
        ctl = self.server.ctl
        ctl("user", "add", "host@example.test",
            input="secret12\nsecret12\n").check_returncode()
        host = Client(self.server)
        self.clients.append(host)
        host.ok("LOGIN host@example.test secret12")
        host.ok("SETACL INBOX user2 lr")
        name = '"Other Users/host@example.test/INBOX"'
        self.guest.ok("SELECT " + name)
        ctl("user", "delete", "host@example.test").check_returncode()
        self.assertIn(b"* BYE", self.guest.wait_closed())
        again = self.client(1)
        self.assertRegex(self.tagged(again, "SELECT " + name),
                         r"NO \[NONEXISTENT\]")
        self.assertNotIn("Other Users/host@example.test",
                         self.list(again, '"" *'))

    def test_a_lost_index_is_made_again(self):
        self.fresh("Index", "lr")
        self.assertIn(ROOT + "Index", self.list(self.guest, '"" *'))
        import sqlite3
        import os
        path = None
        for base, _, files in os.walk(self.server.dir):
            if "accounts.db" in files:
                path = os.path.join(base, "accounts.db")
        db = sqlite3.connect(path, timeout=10)
        db.execute("DELETE FROM account_share")
        db.commit()
        self.assertNotIn(ROOT + "Index", self.list(self.guest, '"" *'))
        self.server.ctl("acl", "rebuild").check_returncode()
        self.assertIn(ROOT + "Index", self.list(self.guest, '"" *'))
        # And what is no longer true goes when it is looked at.
        for name in list(self.list(self.owner, '"" *')):
            self.owner.cmd('DELETEACL "%s" user2' % name)
            self.owner.cmd('DELETEACL "%s" anyone' % name)
        rows = "SELECT count(*) FROM account_share WHERE grantee = ?"
        self.assertEqual(db.execute(rows, (GUEST,)).fetchone(), (1,))
        self.list(self.guest, '"" *')
        self.assertEqual(db.execute(rows, (GUEST,)).fetchone(), (0,))
        db.close()


class TestQuota(AclCase):
    settings = ("quota.bytes=20K",)

    def test_the_owner_pays(self):
        self.fresh("Pay", "lrit")
        body = message("big", "x" * 70 + "\r\n" + "y" * 9000 + "\r\n")
        self.guest.append(body, shared("Pay"))
        self.guest.append(body, shared("Pay"))
        tag = self.guest.tag()
        self.guest.send("%s APPEND %s {%d}\r\n" % (
            tag, shared("Pay"), len(body)))
        self.assertRegex(self.guest.finish(tag)[1], rb"NO \[OVERQUOTA\]")
        self.guest.append(body)  # of one's own there is enough
        self.guest.ok("SELECT INBOX")
        self.assertRegex(self.tagged(
            self.guest, "COPY 1 " + shared("Pay")), r"NO \[OVERQUOTA\]")


class TestAnyone(AclCase):
    settings = ()

    def test_users_cannot_share_with_anyone(self):
        self.fresh("All")
        for who in ("anyone", "ANYONE"):
            for rights in ("lr", "+l"):
                self.assertRegex(self.tagged(
                    self.owner, "SETACL All %s %s" % (who, rights)),
                    r"NO \[NOPERM\]")
        # Less for all is no harm, nor is taking away.
        self.owner.ok("SETACL All -anyone w")
        self.owner.ok("DELETEACL All anyone")
        self.owner.ok("SETACL All anyone -lr")
        # The administrator may.
        self.server.ctl("acl", "set", OWNER, "All", "anyone",
                        "l").check_returncode()
        self.assertIn(ROOT + "All", self.list(self.client(2), '"" *'))


class TestDisabled(AclCase):
    settings = ("sharing.enabled=no",)

    def test_nothing_of_it(self):
        words = self.owner.ok("CAPABILITY")[0].decode().split()
        for word in ("ACL", "RIGHTS=texk", "LIST-MYRIGHTS"):
            self.assertNotIn(word, words)
        self.assertEqual(self.owner.ok("NAMESPACE"),
                         [b'* NAMESPACE (("" "/")) NIL NIL'])
        for command in ("GETACL INBOX", "SETACL INBOX user2 lr",
                        "MYRIGHTS INBOX", "DELETEACL INBOX user2",
                        "LISTRIGHTS INBOX user2"):
            self.assertRegex(self.tagged(self.owner, command), r"BAD ")
        # The names are like any other.
        self.owner.ok("CREATE Shared/x")
        self.owner.ok('CREATE "Other Users/x"')
        self.assertIn("Shared/x", self.list(self.owner, '"" *'))



class Moving(AclCase):
    """With the only list of its owner at stake."""

    @postern.needs_undelete
    def test_what_is_on_hold_stays(self):
        self.fresh("Held", "lrswite", 3)
        self.guest.ok("SELECT " + shared("Held"))
        self.server.ctl("user", "hold", OWNER, "on")
        self.guest.ok("MOVE 2 INBOX")
        self.assertEqual(self.guest.ok("NOOP"), [])
        self.guest.ok("SELECT INBOX")
        self.assertEqual(len(self.guest.ok("FETCH 1:* UID")), 1)
        self.guest.ok("SELECT " + shared("Held"))
        kept = json.loads(
            self.server.ctl("undelete", OWNER, "--list", "--json").stdout)
        self.assertEqual([k["mailbox"] for k in kept], ["Held"])
        self.server.ctl("user", "hold", OWNER, "off")
        self.guest.ok("MOVE 1 INBOX")
        self.assertEqual(self.tagged(self.guest, "FETCH 2 FLAGS")[:2], "BA")
        self.assertEqual(len(json.loads(self.server.ctl(
            "undelete", OWNER, "--list", "--json").stdout)), 1)

    def test_a_list_survives_renaming(self):
        """Whoever goes through the names meanwhile may meet neither."""
        self.owner.cmd("DELETE Held")
        self.fresh("One", "lr")
        stop = threading.Event()

        def rename():
            while not stop.is_set():
                self.owner.ok("RENAME One Two")
                self.owner.ok("RENAME Two One")

        thread = threading.Thread(target=rename)
        thread.start()
        try:
            for _ in range(300):
                self.guest.ok('LIST "" "Other Users/*"')
        finally:
            stop.set()
            thread.join(60)
        self.assertIn(ROOT + "One", self.list(
            self.guest, '"" "Other Users/*"'))


if __name__ == "__main__":
    unittest.main()
