"""NOTIFY (RFC 5465)."""

import os
import re
import time
import unittest

from imap_client import Case, message
from postern import only_over

BOTH = "(MessageNew MessageExpunge)"
ALL = "(MessageNew MessageExpunge FlagChange)"
EVENTS = (b"(MessageNew MessageExpunge FlagChange MailboxName "
          b"SubscriptionChange MailboxMetadataChange ServerMetadataChange)")


def status(response):
    """STATUS as (name, {item: number})."""
    m = re.match(rb"\* STATUS (\S+) \((.*)\)$", response)
    if not m:
        raise AssertionError(response)
    words = m.group(2).split()
    return m.group(1).decode().strip('"'), dict(
        zip((w.decode() for w in words[::2]), (int(w) for w in words[1::2])))


class NotifyCase(Case):
    def setUp(self):
        super().setUp()
        self.c = self.without_recent(self.select_new(
            [message("m%d" % i) for i in range(1, 4)]))
        self.other = self.login()
        self.sub = self.box + "/sub"
        self.other.ok("CREATE " + self.sub)

    def other_selected(self, box=None):
        self.other.ok("SELECT " + (box or self.box))
        return self.other

    def without_recent(self, c):
        """RECENT responses are of no interest here."""
        response = c.response

        def other_response():
            while True:
                r = response()
                if not r.endswith(b" RECENT"):
                    return r

        c.response = other_response
        return c

    def quiet(self):
        """Nothing has been told, nor is when a command comes."""
        time.sleep(0.1)
        got = self.c.ok("CAPABILITY")
        self.assertEqual(
            [r for r in got if not r.startswith(b"* CAPABILITY ")], [])

    def pushed(self, n):
        """What comes by itself: n responses."""
        return [self.c.response() for _ in range(n)]


class Grammar(NotifyCase):
    def test_announced(self):
        self.assertIn(b"NOTIFY", self.c.ok("CAPABILITY")[0].split())
        self.assertBad(self.connect().cmd("NOTIFY NONE"))

    def test_good(self):
        for text in (
                "NONE", "set (selected NONE)", "SET STATUS (selected none)",
                "SET (SELECTED-DELAYED %s)" % ALL,
                "SET (selected (MessageNew (UID FLAGS BODY.PEEK[HEADER.FIELDS "
                "(From To Subject)]) MessageExpunge))",
                "SET (inboxes %s) (personal (MailboxName)) (subscribed %s)" % (
                    BOTH, ALL),
                "SET (subtree %s (SubscriptionChange)) (mailboxes (INBOX "
                "\"no such\" %s) %s)" % (self.box, self.box, ALL),
                "SET (personal (ServerMetadataChange MailboxMetadataChange))",
                "SET (mailboxes INBOX (Messagenew messageExpunge)) (personal "
                "(SubscriptionChange))"):
            self.c.ok("NOTIFY " + text)

    def test_bad(self):
        for text in (
                "", " ", " SET", " SET STATUS", " FOO", " NONE x", " SET NONE",
                " SET (selected)", " SET (selected ())", " SET ()",
                " SET (nonsense NONE)", " SET (subtree NONE)",
                " SET (selected MessageNew MessageExpunge)",
                " SET (selected (MessageNew))",
                " SET (selected (MessageExpunge))",
                " SET (personal (FlagChange))",
                " SET (personal (FlagChange MessageNew))",
                " SET (selected (AnnotationChange))",
                " SET (selected (MailboxName))",
                " SET (selected-delayed (ServerMetadataChange))",
                " SET (selected %s) (selected-delayed %s)" % (BOTH, BOTH),
                " SET (selected NONE) (selected NONE)",
                " SET (personal (MessageNew (UID) MessageExpunge))",
                " SET (selected (MessageNew () MessageExpunge))",
                " SET (selected (MessageNew (FOO) MessageExpunge))",
                " SET (selected %s" % BOTH, " SET (selected %s))" % BOTH,
                " SET(selected NONE)", " SET (mailboxes (INBOX) NONE"):
            self.assertBad(self.c.cmd("NOTIFY" + text))
            self.c.ok("NOOP")  # not too many of them in a row
        self.assertBad(self.c.cmd("ESEARCH IN (selected-delayed) ALL"))

    def test_too_many_names(self):
        names = " ".join("n%d" % i for i in range(501))
        self.c.ok("NOTIFY SET (mailboxes (%s) (MailboxName))" % names)
        self.assertBad(self.c.cmd(
            "NOTIFY SET (mailboxes (%s) (MailboxName)) (subtree (%s) NONE)"
            % (names, names)))

    def test_unsupported_events(self):
        for text in ("(selected (MessageNew MessageExpunge AnnotationChange))",
                     "(selected (MessageNew UID MessageExpunge))",
                     "(personal (Unheard))",
                     "(personal (MailboxName Of.Future))"):
            got = self.c.cmd("NOTIFY SET " + text)
            self.assertNo(got)
            self.assertIn(b"[BADEVENT " + EVENTS + b"]", got[1])


class Selected(NotifyCase):
    def test_messages(self):
        """5.1 to 5.3"""
        c = self.c
        c.ok("NOTIFY SET (selected %s)" % ALL)
        o = self.other_selected()
        o.append(message("new"), self.box)
        self.assertEqual(self.pushed(1), [b"* 4 EXISTS"])
        o.ok("STORE 2 +FLAGS.SILENT ($Junk)")
        got = self.pushed(3)
        self.assertTrue(got[0].startswith(b"* FLAGS ("), got)
        self.assertTrue(got[1].startswith(b"* OK [PERMANENTFLAGS "), got)
        self.assertRegex(got[2], rb"^\* 2 FETCH \(UID 2 FLAGS \(.*\$Junk")
        o.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        self.assertRegex(self.pushed(1)[0],
                         rb"^\* 1 FETCH \(UID 1 FLAGS \(.*\\Deleted")
        o.ok("EXPUNGE")
        self.assertEqual(self.pushed(1), [b"* 1 EXPUNGE"])
        # its own commands work as ever
        got = c.ok("UID STORE 2 +FLAGS (\\Seen)")
        self.assertRegex(got[0], rb"^\* 1 FETCH \(UID 2 FLAGS \(")
        self.assertEqual(c.ok("UID STORE 2 +FLAGS.SILENT (\\Flagged)"), [])
        self.quiet()
        c.ok("NOTIFY NONE")
        o.append(message("unheard"), self.box)
        self.quiet()
        self.assertEqual(c.ok("NOOP"), [])
        self.assertEqual(c.ok("NOTIFY SET (selected %s)" % BOTH)[0],
                         b"* 4 EXISTS")

    def test_only_some(self):
        """Neither flags, nor anything at all: 3.1"""
        c = self.c
        c.ok("NOTIFY SET (selected %s)" % BOTH)
        o = self.other_selected()
        o.ok("STORE 1 +FLAGS.SILENT (\\Flagged)")
        self.quiet()
        o.append(message("new"), self.box)
        self.assertEqual(self.pushed(1), [b"* 4 EXISTS"])
        got = c.ok("STORE 2 +FLAGS (\\Seen)")
        self.assertRegex(got[0], rb"^\* 2 FETCH ")
        self.assertIn(b"\\Flagged", c.ok("FETCH 1 FLAGS")[0])
        for text in ("(personal (MailboxName))", "(selected NONE)"):
            c.ok("NOTIFY SET " + text)
            o.append(message("newer"), self.box)
            o.ok("STORE 3 +FLAGS.SILENT (\\Deleted)")
            o.ok("EXPUNGE")
            o.ok("NOOP")
            self.quiet()
            self.assertEqual(c.ok("NOOP"), [])
            # the numbers stand still
            self.assertEqual(len(c.ok("FETCH 1:2 UID")), 2)
        # but what it removes itself is told
        c.ok("UID STORE 1 +FLAGS.SILENT (\\Deleted)")
        self.assertIn(b"* 1 EXPUNGE", c.ok("UID EXPUNGE 1"))
        got = c.ok("NOTIFY SET (selected %s)" % ALL)
        self.assertEqual(c.ok("SEARCH ALL"), [b"* SEARCH 1 2 3"])

    def test_accumulated_changes_come_at_once(self):
        c = self.c
        o = self.other_selected()
        o.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        o.ok("EXPUNGE")
        o.append(message("new"), self.box)
        got = c.ok("NOTIFY SET (selected NONE)")
        self.assertIn(b"* 1 EXPUNGE", got)
        self.assertIn(b"* 3 EXISTS", got)

    def test_fetch_new(self):
        """The example of 3.1"""
        c = self.c
        c.ok("UNSELECT")
        c.ok("NOTIFY SET STATUS (selected (MessageNew (UID BODY.PEEK[HEADER."
             "FIELDS (From To Subject)]) MessageExpunge)) (subtree Lists %s)"
             % BOTH)
        c.ok("SELECT " + self.box)
        o = self.other_selected()
        o.append(message("Re: good morning"), self.box)
        got = self.pushed(2)
        self.assertEqual(got[0], b"* 4 EXISTS")
        self.assertEqual(got[1], (
            b"* 4 FETCH (UID 4 BODY[HEADER.FIELDS (From To Subject)] {87}\r\n"
            b"From: Ann <ann@example.test>\r\nTo: Bob <bob@example.test>\r\n"
            b"Subject: Re: good morning\r\n\r\n)"))
        self.assertNotIn(b"\\Seen", c.ok("FETCH 4 FLAGS")[0])
        # what the session puts there itself is not fetched
        c.append(message("own"), self.box)
        self.assertEqual(c.ok("COPY 1 " + self.box)[:1], [b"* 6 EXISTS"])
        self.quiet()
        # learnt of in the course of a command: it follows behind
        o.append(message("two"), self.box)
        o.append(message("three"), self.box)
        seen = []
        while b"* 8 FETCH" not in b" ".join(seen):
            seen.append(c.response())
        self.assertEqual(
            [r.split()[1] for r in seen if b"FETCH" in r], [b"7", b"8"])
        # \Seen is never set by this
        c.ok("NOTIFY SET (selected (MessageNew (BODY[]) MessageExpunge))")
        o.append(message("four"), self.box)
        got = self.pushed(2)
        self.assertIn(b"* 9 FETCH (BODY[] {", got[1])
        self.assertNotIn(b"\\Seen", c.ok("UID FETCH 9 FLAGS")[0])

    def test_delayed(self):
        """6.1.2: numbers keep their meaning until a command allows."""
        c = self.c
        c.ok("NOTIFY SET (selected-delayed %s)" % ALL)
        o = self.other_selected()
        o.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        self.assertRegex(self.pushed(1)[0], rb"^\* 1 FETCH \(UID 1 FLAGS")
        o.ok("EXPUNGE")
        o.append(message("new"), self.box)
        self.assertEqual(self.pushed(1), [b"* 4 EXISTS"])
        self.assertEqual(c.ok("FETCH 3 UID"), [b"* 3 FETCH (UID 3)"])
        self.quiet_but_expunge()

    def quiet_but_expunge(self):
        time.sleep(0.1)
        self.assertEqual(self.c.ok("NOOP"), [b"* 1 EXPUNGE"])

    def test_idle(self):
        """4"""
        c = self.c
        c.ok("NOTIFY SET (selected-delayed (MessageNew (UID) MessageExpunge))"
             " (mailboxes %s %s)" % (self.sub, BOTH))
        o = self.other_selected()
        tag = c.idle()
        o.ok("STORE 1 +FLAGS.SILENT (\\Flagged)") # not asked for
        o.append(message("new"), self.box)
        self.assertEqual(self.pushed(2), [
            b"* 4 EXISTS", b"* 4 FETCH (UID 4)"])
        o.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        o.ok("EXPUNGE")
        self.assertEqual(self.pushed(1), [b"* 1 EXPUNGE"])
        o.append(message("there"), self.sub)
        self.assertEqual(status(self.pushed(1)[0]),
                         (self.sub, {"MESSAGES": 1, "UIDNEXT": 2}))
        c.send("DONE\r\n")
        got, tagged = c.finish(tag)
        self.assertEqual((got, tagged[:2]), ([], b"OK"))

    def test_qresync(self):
        c = self.c
        c.ok("ENABLE QRESYNC")
        c.ok("NOTIFY SET (selected %s)" % ALL)
        o = self.other_selected()
        o.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        self.assertRegex(self.pushed(1)[0],
                         rb"^\* 1 FETCH \(UID 1 MODSEQ \(\d+\) FLAGS ")
        o.ok("EXPUNGE")
        got = self.pushed(2)
        self.assertEqual(got[0], b"* VANISHED 1")
        self.assertTrue(got[1].startswith(b"* OK [HIGHESTMODSEQ "), got)
        # without flags it does not know all: nothing says so
        c.ok("NOTIFY SET (selected %s)" % BOTH)
        o.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        o.ok("EXPUNGE")
        self.assertEqual(self.pushed(1), [b"* VANISHED 2"])
        self.quiet()

    def test_uidonly(self):
        c = self.c
        c.ok("ENABLE UIDONLY")
        c.ok("NOTIFY SET (selected (MessageNew (UID FLAGS) MessageExpunge "
             "FlagChange))")
        o = self.other_selected()
        o.append(message("new"), self.box, "(\\Seen)")
        got = self.pushed(2)
        self.assertRegex(got[1], rb"^\* 4 UIDFETCH \(UID 4 FLAGS \(\\Seen")
        o.ok("STORE 4 +FLAGS.SILENT (\\Deleted)")
        self.assertRegex(self.pushed(1)[0], rb"^\* 4 UIDFETCH \(FLAGS \(")
        o.ok("EXPUNGE")
        self.assertEqual(self.pushed(1), [b"* VANISHED 4"])

    def test_context(self):
        """5.1 to 5.3: with a search that is kept up to date"""
        c = self.c
        c.ok("NOTIFY SET (selected (MessageNew (UID) MessageExpunge "
             "FlagChange))")
        tag = c.tag().encode()
        c.send(tag + b" UID SEARCH RETURN (COUNT UPDATE) FLAGGED\r\n")
        c.finish(tag.decode())
        o = self.other_selected()
        start = b'* ESEARCH (TAG "%s") UID ' % tag
        o.append(message("new"), self.box, "(\\Flagged)")
        self.assertEqual(self.pushed(3), [
            b"* 4 EXISTS", start + b"ADDTO (0 4)",
            b"* 4 FETCH (UID 4)"])
        o.ok("STORE 4 -FLAGS.SILENT (\\Flagged)")
        got = self.pushed(2)
        self.assertRegex(got[0], rb"^\* 4 FETCH ")
        self.assertEqual(got[1], start + b"REMOVEFROM (0 4)")

    def test_context_fetches(self):
        """7; also without NOTIFY, in IDLE and behind commands"""
        c = self.c
        o = self.other_selected()
        c.send("u SEARCH RETURN (COUNT UPDATE (UID BODY.PEEK[HEADER.FIELDS "
               "(SUBJECT)])) SUBJECT boss\r\n")
        self.assertEqual(c.finish("u")[0],
                         [b'* ESEARCH (TAG "u") COUNT 0'])
        fetched = (b"* %d FETCH (UID %d BODY[HEADER.FIELDS (SUBJECT)] {%d}\r\n"
                   b"Subject: %s\r\n\r\n)")
        tag = c.idle()
        o.append(message("a"), self.box)
        self.assertEqual(self.pushed(1), [b"* 4 EXISTS"])
        o.append(message("boss 1"), self.box)
        self.assertEqual(self.pushed(3), [
            b"* 5 EXISTS", b'* ESEARCH (TAG "u") ADDTO (0 5)',
            fetched % (5, 5, 19, b"boss 1")])
        c.send("DONE\r\n")
        self.assertOk(c.finish(tag))
        o.append(message("boss 2"), self.box)
        c.send("n NOOP\r\n")
        self.assertEqual(c.finish("n")[0], [
            b"* 6 EXISTS", b'* ESEARCH (TAG "u") ADDTO (0 6)'])
        self.assertEqual(self.pushed(1), [fetched % (6, 6, 19, b"boss 2")])
        c.ok('CANCELUPDATE "u"')
        # not for what comes to the results by other changes
        c.ok("NOTIFY SET (selected %s)" % ALL)
        c.send("v UID SORT RETURN (UPDATE(UID)) (ARRIVAL) UTF-8 FLAGGED\r\n")
        self.assertOk(c.finish("v"))
        o.ok("STORE 1 +FLAGS.SILENT (\\Flagged)")
        got = self.pushed(2)
        self.assertEqual(got[1], b'* ESEARCH (TAG "v") UID ADDTO (1 1)')
        o.append(message("c"), self.box, "(\\Flagged)")
        self.assertEqual(self.pushed(3), [
            b"* 7 EXISTS", b'* ESEARCH (TAG "v") UID ADDTO (2 7)',
            b"* 7 FETCH (UID 7)"])
        for text in ("UPDATE ()", "UPDATE (FOO)", "UPDATE (UID", "UPDATE (UID)"
                     " (UID)"):
            self.assertBad(c.cmd("SEARCH RETURN (%s) ALL" % text))

    def test_between_the_parts_of_a_command(self):
        c = self.c
        c.ok("NOTIFY SET (selected %s)" % BOTH)
        o = self.other_selected()
        c.send("x SEARCH SUB")
        time.sleep(0.1)
        o.append(message("new"), self.box)
        time.sleep(0.1)
        c.send("JECT m1\r\n")
        got, tagged = c.finish("x")
        self.assertTrue(tagged.startswith(b"OK"))
        self.assertIn(b"* SEARCH 1", got)
        if b"* 4 EXISTS" not in got:
            self.assertEqual(self.pushed(1), [b"* 4 EXISTS"])

    def test_deleted_mailbox(self):
        c = self.c
        c.ok("NOTIFY SET (selected NONE)")
        self.other.ok("DELETE " + self.box)
        c.send("x NOOP\r\n")
        self.assertIn(b"* BYE ", c.wait_closed())


class Others(NotifyCase):
    def setUp(self):
        super().setUp()
        self.c.ok("SELECT INBOX")

    def told(self):
        return status(self.c.response())

    def test_status_at_once(self):
        """3.1"""
        c = self.c
        self.other.append(message("x"), self.sub)
        got = c.ok("NOTIFY SET STATUS (subtree %s %s)" % (self.box, BOTH))
        got = dict(status(r) for r in got)
        self.assertEqual(set(got), {self.box, self.sub})
        self.assertEqual(set(got[self.sub]),
                         {"MESSAGES", "UIDNEXT", "UIDVALIDITY"})
        self.assertEqual(got[self.box]["MESSAGES"], 3)
        got = c.ok("NOTIFY SET STATUS (mailboxes (%s nothing INBOX) %s)" % (
            self.sub, ALL))
        (name, items), = [status(r) for r in got]
        self.assertEqual(name, self.sub)
        self.assertLessEqual({"MESSAGES", "UIDNEXT", "UIDVALIDITY",
                              "HIGHESTMODSEQ"}, set(items))
        self.assertEqual(c.ok("NOTIFY SET (subtree %s %s)" % (
            self.box, BOTH)), [])
        self.assertEqual(c.ok("NOTIFY SET STATUS (subtree %s (MailboxName))"
                              % self.box), [])

    def test_messages(self):
        """5.2 and 5.3"""
        c, o = self.c, self.other
        c.ok("NOTIFY SET (subtree %s %s)" % (self.box, BOTH))
        o.append(message("x"), self.sub)
        self.assertEqual(self.told(),
                         (self.sub, {"MESSAGES": 1, "UIDNEXT": 2}))
        o.append(message("x"), "INBOX")
        self.other_selected()
        o.ok("STORE 1 +FLAGS.SILENT (\\Flagged \\Seen)")
        self.quiet()
        o.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        o.ok("EXPUNGE")
        self.assertEqual(self.told(),
                         (self.box, {"MESSAGES": 2, "UIDNEXT": 4}))
        o.ok("MOVE 1 " + self.sub)
        got = dict([self.told(), self.told()])
        self.assertEqual(got, {
            self.box: {"MESSAGES": 1, "UIDNEXT": 4},
            self.sub: {"MESSAGES": 2, "UIDNEXT": 3}})
        c.ok("NOTIFY NONE")
        o.append(message("x"), self.sub)
        self.quiet()

    def test_condstore(self):
        c, o = self.c, self.other
        c.ok("ENABLE CONDSTORE")
        c.ok("NOTIFY SET (mailboxes %s %s)" % (self.box, ALL))
        self.other_selected()
        o.append(message("x"), self.box)
        name, items = self.told()
        self.assertEqual((items["MESSAGES"], items["UIDNEXT"]), (4, 5))
        before = items["HIGHESTMODSEQ"]
        o.ok("STORE 1 +FLAGS.SILENT (\\Flagged)")
        name, items = self.told()
        self.assertEqual(set(items), {"UIDVALIDITY", "HIGHESTMODSEQ"})
        self.assertGreater(items["HIGHESTMODSEQ"], before)
        o.ok("STORE 1 +FLAGS.SILENT (\\Seen)")
        name, items = self.told()
        self.assertEqual(items["UNSEEN"], 3)

    def test_flags_without_condstore(self):
        """5.1: only what UNSEEN can tell"""
        c, o = self.c, self.other
        c.ok("NOTIFY SET (mailboxes %s %s)" % (self.box, ALL))
        self.other_selected()
        o.ok("STORE 1 +FLAGS.SILENT (\\Flagged)")
        self.quiet()
        o.ok("STORE 1 +FLAGS.SILENT (\\Seen)")
        name, items = self.told()
        self.assertEqual(items["UNSEEN"], 2)

    def test_selected_overrides(self):
        """6: the selected mailbox is told of by SELECTED alone."""
        c, o = self.c, self.other
        c.ok("NOTIFY SET (selected NONE) (personal %s)" % BOTH)
        c.ok("SELECT " + self.box)
        o.append(message("x"), self.box)
        self.quiet()
        o.append(message("x"), self.sub)
        self.assertEqual(self.told()[0], self.sub)
        c.ok("UNSELECT")
        o.append(message("x"), self.box)
        self.assertEqual(self.told()[0], self.box)

    def test_logged_in_only(self):
        c = self.login()
        c.ok("NOTIFY SET (personal %s)" % BOTH)
        self.other.append(message("x"), self.sub)
        self.assertEqual(status(c.response())[0], self.sub)

    def test_own_changes(self):
        """5: those of this client are no news."""
        c = self.c
        c.ok("NOTIFY SET (personal (MessageNew MessageExpunge MailboxName "
             "SubscriptionChange MailboxMetadataChange "
             "ServerMetadataChange))")
        c.append(message("x"), self.sub)
        c.ok("CREATE %s/own" % self.box)
        c.ok("SUBSCRIBE %s/own" % self.box)
        c.ok('SETMETADATA %s/own (/private/comment "x")' % self.box)
        c.ok('SETMETADATA "" (/private/comment "x")')
        c.ok("RENAME %s/own %s/mine" % (self.box, self.box))
        c.ok("DELETE %s/mine" % self.box)
        c.ok("UNSUBSCRIBE %s/own" % self.box)
        self.quiet()

    def test_delivery(self):
        """Mail that comes by LMTP"""
        c = self.c
        c.ok("SELECT " + self.box)
        c.ok("NOTIFY SET (mailboxes INBOX %s)" % BOTH)
        import smtplib
        with smtplib.LMTP(self.server.host, self.server.ports["lmtp"]) as l:
            l.sendmail("a@example.test", [self.server.users[0]],
                       "Subject: x\r\n\r\nx\r\n")
        self.assertEqual(self.told()[0], "INBOX")

    @only_over("maildir")
    def test_other_programs(self):
        """A file that appears in the Maildir of a watched mailbox"""
        c, o = self.c, self.other
        o.ok("CREATE ByHand")
        c.ok("NOTIFY SET (mailboxes ByHand %s)" % BOTH)
        new = os.path.join(self.server.maildir(self.server.users[0]),
                           ".ByHand", "new", "1700000000.M1P1.host")
        with open(new, "w") as f:
            f.write("From: a@example.test\n\nx\n")
        self.assertEqual(self.told(),
                         ("ByHand", {"MESSAGES": 1, "UIDNEXT": 2}))

    def test_new_mailboxes_are_watched(self):
        c, o = self.c, self.other
        c.ok("NOTIFY SET (subtree %s %s)" % (self.box, BOTH))
        o.ok("CREATE %s/later" % self.box)
        self.quiet()
        o.append(message("x"), self.box + "/later")
        self.assertEqual(self.told()[0], self.box + "/later")
        o.ok("RENAME %s/later %s/latest" % (self.box, self.box))
        o.append(message("x"), self.box + "/latest")
        self.assertEqual(self.told(), (self.box + "/latest",
                                       {"MESSAGES": 2, "UIDNEXT": 3}))
        o.ok("RENAME %s/latest outside" % self.box)
        o.append(message("x"), "outside")
        self.quiet()

    def test_subscribed(self):
        c, o = self.c, self.other
        c.ok("NOTIFY SET (subscribed %s)" % BOTH)
        o.append(message("x"), self.sub)
        self.quiet()
        o.ok("SUBSCRIBE " + self.sub)
        self.quiet()
        o.append(message("x"), self.sub)
        self.assertEqual(self.told()[0], self.sub)
        o.ok("UNSUBSCRIBE " + self.sub)
        self.quiet()
        o.append(message("x"), self.sub)
        self.quiet()

    def test_utf8_names(self):
        c, o = self.c, self.other
        c.ok("ENABLE UTF8=ACCEPT")
        c.ok("NOTIFY SET (personal (MailboxName))")
        o.ok('CREATE "%s/&APw-"' % self.box)
        self.assertEqual(c.response(), (
            '* LIST (\\HasNoChildren) "/" "%s/\u00fc"' % self.box).encode())
        self.assertTrue(c.response().startswith(b"* LIST (\\HasChildren)"))


class Names(NotifyCase):
    def setUp(self):
        super().setUp()
        self.c.ok("UNSELECT")

    def test_names(self):
        """5.4"""
        c, o, p = self.c, self.other, self.box.encode()
        c.ok("NOTIFY SET (subtree %s (MailboxName))" % self.box)
        o.ok("CREATE %s/one" % self.box)
        self.assertEqual(self.pushed(2), [
            b'* LIST (\\HasNoChildren) "/" %s/one' % p,
            b'* LIST (\\HasChildren) "/" ' + p])
        o.ok("CREATE elsewhere_" + self.box)
        self.quiet()
        o.ok("RENAME %s/one %s/two" % (self.box, self.box))
        self.assertEqual(self.pushed(1), [
            b'* LIST (\\HasNoChildren) "/" %s/two ("OLDNAME" (%s/one))' % (
                p, p)])
        o.ok("SUBSCRIBE %s/two" % self.box)
        self.quiet()
        o.ok("DELETE %s/two" % self.box)
        self.assertEqual(self.pushed(2), [
            b'* LIST (\\NonExistent \\HasNoChildren \\Subscribed) "/" %s/two'
            % p, b'* LIST (\\HasChildren) "/" ' + p])
        # a level by itself
        o.ok("CREATE %s/x/y" % self.box)
        self.assertEqual(self.pushed(2), [
            b'* LIST (\\HasNoChildren) "/" %s/x/y' % p,
            b'* LIST (\\NonExistent \\HasChildren) "/" %s/x' % p])
        # out of the tree: told by the old name
        o.ok("RENAME %s/x/y gone_%s" % (self.box, self.box))
        self.assertIn(b'("OLDNAME" (%s/x/y))' % p, self.pushed(1)[0])

    def test_subscriptions(self):
        """5.5"""
        c, o, s = self.c, self.other, self.sub.encode()
        for text in ("mailboxes " + self.sub, "subscribed", "personal"):
            c.ok("NOTIFY SET (%s (SubscriptionChange))" % text)
            o.ok("SUBSCRIBE " + self.sub)
            self.assertEqual(self.pushed(1), [
                b'* LIST (\\HasNoChildren \\Subscribed) "/" ' + s])
            o.ok("UNSUBSCRIBE " + self.sub)
            self.assertEqual(self.pushed(1), [
                b'* LIST (\\HasNoChildren) "/" ' + s])

    def test_metadata(self):
        """5.6 and 5.7"""
        c, o = self.c, self.other
        c.ok("NOTIFY SET (mailboxes %s (MailboxMetadataChange))" % self.sub)
        o.ok('SETMETADATA %s (/shared/comment "x" /private/comment "y")'
             % self.sub)
        start = b"* METADATA %s " % self.sub.encode()
        self.assertEqual(self.pushed(2), [start + b"/shared/comment",
                                          start + b"/private/comment"])
        o.ok("SETMETADATA %s (/shared/comment NIL)" % self.sub)
        self.assertEqual(self.pushed(1), [start + b"/shared/comment"])
        o.ok('SETMETADATA %s (/shared/comment "x")' % self.box)
        o.ok('SETMETADATA "" (/private/comment "x")')
        self.quiet()
        c.ok("NOTIFY SET (personal (ServerMetadataChange))")
        o.ok('SETMETADATA "" (/private/comment "y")')
        self.assertEqual(self.pushed(1), [b'* METADATA "" /private/comment'])
        o.ok('SETMETADATA %s (/shared/comment "z")' % self.sub)
        self.quiet()


class Limits(NotifyCase):
    settings = ("imap.notify_mailboxes=3",)

    def test_too_many_mailboxes(self):
        c, o = self.c, self.other
        self.assertNo(c.cmd("NOTIFY SET (personal %s)" % BOTH),
                      "NOTIFICATIONOVERFLOW")
        # what was before still holds
        o.append(message("x"), self.box)
        self.assertIn(b"* 4 EXISTS", c.ok("NOOP"))
        c.ok("NOTIFY SET (personal (MailboxName))")
        c.ok("NOTIFY SET (subtree %s %s)" % (self.box, BOTH))
        o.ok("CREATE %s/three" % self.box)
        self.quiet()
        o.ok("CREATE %s/four" % self.box)
        self.assertTrue(self.pushed(1)[0].startswith(
            b"* OK [NOTIFICATIONOVERFLOW]"))
        # 5.8: as after NOTIFY NONE
        o.append(message("x"), self.box)
        self.quiet()
        self.assertEqual(c.ok("NOOP"), [])

    def test_too_much_happens(self):
        c, o = self.c, self.other
        c.ok("NOTIFY SET (personal (SubscriptionChange))")
        c.send("x ")  # a command has begun: nothing can be told
        time.sleep(0.1)
        o.send("".join("y%d SUBSCRIBE none%d\r\n" % (i, i)
                       for i in range(1100)))
        for i in range(1100):
            o.finish("y%d" % i)
        c.send("NOOP\r\n")
        got, tagged = c.finish("x")
        self.assertTrue(tagged.startswith(b"OK"), tagged)
        got = self.pushed(1)
        self.assertTrue(got[0].startswith(b"* OK [NOTIFICATIONOVERFLOW]"), got)

    def test_ends_with_the_login(self):
        c, o = self.c, self.other
        c.ok("NOTIFY SET (subtree %s %s)" % (self.box, BOTH))
        c.ok("UNAUTHENTICATE")
        c.login()
        o.append(message("x"), self.sub)
        self.quiet()


if __name__ == "__main__":
    unittest.main()
