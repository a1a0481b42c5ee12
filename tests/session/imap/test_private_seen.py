r"""\Seen of mailboxes that several users see: each has their own."""

import random
import re
import unittest

import postern
from imap_client import Client, message
from test_acl import GUEST, AclCase, shared


def numbers(responses, pattern):
    for r in responses:
        m = re.search(pattern, r)
        if m:
            return int(m.group(1))
    raise AssertionError(responses)


class SeenCase(AclCase):
    def box(self, name, messages, rights="lrswite"):
        self.fresh(name, rights, messages)
        self.name = shared(name)

    def select(self, client=None, extra="", name=None):
        client = client or self.guest
        return client.ok("SELECT %s%s" % (name or self.name, extra))

    def highest(self, client=None):
        return numbers(
            (client or self.guest).ok(
                "STATUS %s (HIGHESTMODSEQ)" % self.name),
            rb"HIGHESTMODSEQ (\d+)")

    def unseen(self, client, name):
        return numbers(client.ok("STATUS %s (UNSEEN)" % name),
                       rb"UNSEEN (\d+)")

    def search(self, client, key):
        for r in client.ok("SEARCH " + key):
            if r.startswith(b"* SEARCH"):
                return [int(n) for n in r.split()[2:]]
        raise AssertionError("no answer")

    def modseqs(self, client=None):
        return [int(m) for r in (client or self.guest).ok(
            "FETCH 1:* MODSEQ") for m in re.findall(rb"MODSEQ \((\d+)\)", r)]

    def changed(self, since, client=None):
        # News may tell the same once more.
        return sorted({int(re.match(rb"\* (\d+)", r).group(1)) for r in
                       (client or self.guest).ok(
                           "FETCH 1:* (FLAGS) (CHANGEDSINCE %d)" % since)
                       if b"FETCH" in r})


class TestPrivate(SeenCase):
    def test_each_user_has_their_own(self):
        self.box("Own", 3)
        third = self.client(2)
        self.grant("Own", "lrs", "user3")
        self.select()
        self.guest.ok("FETCH 2 BODY[]")
        self.assertEqual(self.flags(self.guest, 2), {"\\Seen"})
        self.assertEqual(self.unseen(self.guest, self.name), 2)
        self.assertEqual(self.unseen(third, self.name), 3)
        self.assertEqual(self.unseen(self.owner, "Own"), 3)
        self.assertEqual(self.search(self.guest, "SEEN"), [2])
        self.assertEqual(self.search(self.guest, "UNSEEN"), [1, 3])
        self.owner.ok("SELECT Own")
        self.owner.ok("STORE 1:3 +FLAGS (\\Seen)")
        self.assertEqual(self.search(self.guest, "SEEN"), [2])
        self.owner.ok("STORE 2 -FLAGS (\\Seen)")
        self.assertEqual(self.flags(self.guest, 2), {"\\Seen"})
        # The first unseen one, where it is told
        again = self.select(self.client(1))
        self.assertEqual(numbers(again, rb"UNSEEN (\d+)"), 1)
        self.guest.ok("STORE 1 +FLAGS.SILENT (\\Seen)")
        again = self.select(self.client(1))
        self.assertEqual(numbers(again, rb"UNSEEN (\d+)"), 3)
        self.assertIn(b"[READ-ONLY]", third.cmd("SELECT " + self.name)[1])
        third.ok("STORE 3 +FLAGS (\\Seen)")
        self.assertEqual(self.search(third, "SEEN"), [3])

    def test_all_sessions_of_a_user_hear_of_it(self):
        self.box("Both", 3)
        other = self.client(1)
        self.select()
        self.select(other)
        other.ok("STORE 1,3 +FLAGS (\\Seen)")
        untagged = self.guest.ok("NOOP")
        self.assertEqual(
            [r for r in untagged if b"FETCH" in r],
            [b"* 1 FETCH (FLAGS (\\Seen \\Recent))",
             b"* 3 FETCH (FLAGS (\\Seen \\Recent))"])
        self.assertEqual([r for r in self.guest.ok("NOOP")], [])
        # Silence concerns who asked for it.
        self.assertEqual(
            self.guest.ok("STORE 1:3 -FLAGS.SILENT (\\Seen)"), [])
        self.assertEqual(self.guest.ok("NOOP"), [])
        self.assertEqual(len(other.ok("NOOP")), 2)
        # What others did at the same time is told nevertheless.
        other.ok("STORE 1 +FLAGS (\\Flagged)")
        told = self.guest.ok("STORE 1 +FLAGS.SILENT (\\Seen)")
        told += self.guest.ok("NOOP")
        self.assertEqual(len([r for r in told if b"\\Flagged" in r]), 1)

    def test_flags_can_be_replaced(self):
        self.box("Set", 2)
        self.select()
        self.owner.ok("SELECT Set")
        self.owner.ok("STORE 1 +FLAGS (\\Seen \\Answered)")
        self.guest.ok("STORE 1:2 FLAGS (\\Flagged)")
        self.assertEqual(self.flags(self.guest, 1), {"\\Flagged"})
        self.owner.ok("NOOP")
        self.assertEqual(self.flags(self.owner, 1),
                         {"\\Seen", "\\Flagged"})
        self.assertEqual(self.flags(self.owner, 2), {"\\Flagged"})
        self.guest.ok("STORE 1:2 FLAGS (\\Seen)")
        self.assertEqual(self.flags(self.guest, 2), {"\\Seen"})
        self.assertEqual(self.flags(self.owner, 1), {"\\Seen"})
        self.assertEqual(self.flags(self.owner, 2), set())
        self.guest.ok("STORE 1:2 FLAGS ()")
        self.assertEqual(self.flags(self.guest, 2), set())

    def test_sorted_and_threaded_by_what_is_shown(self):
        self.box("Sort", 3)
        self.select()
        self.owner.ok("SELECT Sort")
        self.owner.ok("STORE 1 +FLAGS (\\Seen)")
        self.guest.ok("STORE 2 +FLAGS (\\Seen)")
        self.guest.ok("NOOP")
        self.assertEqual(
            self.guest.ok("SORT (REVERSE SUBJECT) UTF-8 UNSEEN")[0].split(),
            b"* SORT 3 1".split())
        self.assertEqual(
            self.guest.ok("THREAD ORDEREDSUBJECT UTF-8 SEEN"),
            [b"* THREAD (2)"])
        found = self.guest.ok("SORT RETURN (COUNT) (SIZE) UTF-8 MODSEQ 1")
        self.assertGreaterEqual(
            self.highest(), numbers(found, rb"MODSEQ (\d+)"))
        self.assertEqual(numbers(found, rb"COUNT (\d+)"), 3)

    def test_copies(self):
        self.box("Copy", 2)
        self.select()
        self.owner.ok("SELECT Copy")
        self.owner.ok("STORE 1 +FLAGS (\\Seen)")
        self.guest.ok("STORE 2 +FLAGS (\\Seen)")
        self.guest.cmd("DELETE Mine")
        self.guest.ok("CREATE Mine")
        # Out of it: as the guest sees them
        self.guest.ok("COPY 1:2 Mine")
        self.guest.ok("SELECT Mine")
        self.assertEqual(self.flags(self.guest, 1), set())
        self.assertEqual(self.flags(self.guest, 2), {"\\Seen"})
        # Within it, and into it
        self.guest.ok("COPY 1:2 " + self.name)
        self.select()
        self.guest.ok("COPY 1:2 " + self.name)
        self.guest.ok("NOOP")
        self.assertEqual(self.search(self.guest, "SEEN"), [2, 4, 6])
        self.owner.ok("NOOP")
        self.assertEqual(self.search(self.owner, "SEEN"), [1])
        self.guest.ok("MOVE 6 Mine")
        self.guest.ok("SELECT Mine")
        self.assertEqual(self.flags(self.guest, 3), {"\\Seen"})

    def test_renaming_and_making_anew(self):
        self.box("Name1", 2)
        self.owner.cmd("DELETE Name2")
        self.select()
        self.guest.ok("STORE 1 +FLAGS (\\Seen)")
        self.guest.ok("UNSELECT")
        self.owner.ok("RENAME Name1 Name2")
        self.select(name=shared("Name2"))
        self.assertEqual(self.flags(self.guest), {"\\Seen"})
        self.owner.ok("DELETE Name2")
        self.box("Name2", 2)
        self.guest = self.client(1)
        self.select()
        self.assertEqual(self.flags(self.guest), set())

    def test_after_a_restart(self):
        with postern.Server(users=3) as server:
            owner = Client(server).login(0)
            owner.ok("CREATE Keep")
            for i in range(4):
                owner.append(message("k%d" % i), "Keep")
            owner.ok("SETACL Keep user2 lrsw")
            name = shared("Keep")
            guest = Client(server).login(1)
            guest.ok("SELECT " + name)
            guest.ok("STORE 2:3 +FLAGS (\\Seen)")
            highest = guest.ok("STATUS %s (HIGHESTMODSEQ)" % name)
            guest.close()
            owner.close()
            self.assertEqual(server.stop(), 0)
            server.start()
            guest = Client(server).login(1)
            guest.ok("SELECT " + name)
            self.assertGreaterEqual(
                numbers(guest.ok("STATUS %s (HIGHESTMODSEQ)" % name),
                        rb"SEQ (\d+)"), numbers(highest, rb"SEQ (\d+)"))
            self.assertEqual(self.search(guest, "SEEN"), [2, 3])
            guest.close()


class TestModseq(SeenCase):
    def test_private_changes_have_mod_sequences(self):
        self.box("Mod", 3)
        self.select(extra=" (CONDSTORE)")
        start = self.highest()
        owner_before = numbers(
            self.owner.ok("STATUS Mod (HIGHESTMODSEQ)"), rb"SEQ (\d+)")
        self.guest.ok("STORE 2 +FLAGS (\\Seen)")
        self.assertEqual(self.changed(start), [2])
        self.assertGreater(self.highest(), start)
        middle = self.highest()
        self.assertEqual(self.changed(middle), [])
        self.assertEqual(max(self.modseqs()), middle)
        # Nothing of that is the owner's.
        self.assertEqual(owner_before, numbers(
            self.owner.ok("STATUS Mod (HIGHESTMODSEQ)"), rb"SEQ (\d+)"))
        self.owner.ok("SELECT Mod")
        self.owner.ok("STORE 3 +FLAGS (\\Flagged)")
        self.assertEqual(self.changed(middle), [3])
        self.assertEqual(self.changed(start), [2, 3])
        self.assertEqual(self.guest.ok("SEARCH MODSEQ %d" % (middle + 1))[0]
                         .split(b" (")[0], b"* SEARCH 3")

    def test_changedsince_is_told_without_news(self):
        """All is told already, so the answer is that of CHANGEDSINCE."""
        self.box("Since", 4)
        self.select()
        since = self.highest()
        self.owner.ok("SELECT Since")
        self.owner.ok("STORE 2 +FLAGS (\\Flagged)")
        self.guest.ok("NOOP")
        self.assertEqual(self.changed(since), [2])
        self.guest.ok("STORE 3 +FLAGS (\\Seen)")
        self.assertEqual(self.changed(since), [2, 3])
        self.assertEqual(self.changed(self.highest()), [])
        self.assertEqual(self.changed(1), [1, 2, 3, 4])

    def test_unchangedsince(self):
        self.box("Unch", 3)
        other = self.client(1)
        self.select(extra=" (CONDSTORE)")
        self.select(other)
        known = self.highest()
        other.ok("STORE 1 +FLAGS (\\Seen)")
        self.owner.ok("SELECT Unch")
        self.owner.ok("STORE 2 +FLAGS (\\Flagged)")
        untagged, tagged = self.guest.cmd(
            "STORE 1:3 (UNCHANGEDSINCE %d) +FLAGS (\\Seen \\Answered)" %
            known)
        self.assertRegex(tagged, rb"OK \[MODIFIED 1:2\]")
        self.assertEqual(self.flags(self.guest, 3),
                         {"\\Seen", "\\Answered"})
        self.assertEqual(self.flags(self.guest, 1), {"\\Seen"})
        self.assertEqual(self.flags(self.guest, 2), {"\\Flagged"})
        untagged, tagged = self.guest.cmd(
            "STORE 1:3 (UNCHANGEDSINCE %d) -FLAGS (\\Seen)" %
            self.highest())
        self.assertNotIn(b"MODIFIED", tagged)

    def test_quick_resynchronisation_agrees_with_a_model(self):
        """A client that comes again and again with what it knows, while
        private and common changes go on, always ends with the truth."""
        rng = random.Random(4314)
        self.box("Model", 12)
        self.owner.ok("SELECT Model")
        worker = self.client(1)
        self.select(worker)
        known, modseq, validity, uids = {}, 0, 0, []
        for turn in range(25):
            for _ in range(rng.randrange(5)):
                uid = rng.randrange(1, 13)
                what = rng.randrange(6)
                sign = rng.choice("+-")
                if what < 3:
                    worker.ok("UID STORE %d %sFLAGS (\\Seen)" % (uid, sign))
                elif what == 3:
                    self.owner.ok("UID STORE %d %sFLAGS (\\Seen)" % (
                        uid, sign))
                elif what == 4:
                    self.owner.ok("UID STORE %d %sFLAGS (\\Flagged)" % (
                        uid, sign))
                elif rng.randrange(8) == 0:
                    self.owner.ok("UID STORE %d +FLAGS (\\Deleted)" % uid)
                    self.owner.ok("UID EXPUNGE %d" % uid)
            c = self.client(1)
            c.ok("ENABLE QRESYNC")
            extra = " (QRESYNC (%d %d))" % (validity, modseq) \
                if modseq else ""
            told = self.select(c, extra)
            if modseq:
                for r in told:
                    m = re.match(rb"\* VANISHED \(EARLIER\) (\S+)", r)
                    for part in (m.group(1).split(b",") if m else ()):
                        a, _, b = part.partition(b":")
                        for u in range(int(a), int(b or a) + 1):
                            known.pop(u, None)
                    m = re.match(rb"\* \d+ FETCH \(UID (\d+) MODSEQ "
                                 rb"\((\d+)\) FLAGS \((.*)\)\)", r)
                    if m:
                        known[int(m.group(1))] = self.set_of(m.group(3))
            else:
                known = self.all(c)
            self.assertEqual(known, self.all(c), "turn %d" % turn)
            validity = numbers(told, rb"UIDVALIDITY (\d+)")
            modseq = numbers(told, rb"HIGHESTMODSEQ (\d+)")
            c.close()

    def set_of(self, text):
        return frozenset(text.split()) - {b"\\Recent"}

    def all(self, c):
        found = {}
        for r in c.ok("UID FETCH 1:* (FLAGS)"):
            m = re.search(rb"UID (\d+)", r), re.search(
                rb"FLAGS \(([^)]*)\)", r)
            if m[0] and m[1]:
                found[int(m[0].group(1))] = self.set_of(m[1].group(1))
        return found

    def test_long_histories(self):
        """More changes than are remembered one by one."""
        self.box("Long", 40)
        self.select(extra=" (CONDSTORE)")
        start = self.highest()
        for i in range(8):
            self.guest.ok("STORE 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31,"
                          "33,35,37,39 %sFLAGS.SILENT (\\Seen)" %
                          "+-"[i % 2])
        late = self.highest()
        self.guest.ok("STORE 40 +FLAGS.SILENT (\\Seen)")
        self.assertEqual(self.changed(late), [40])
        self.assertGreaterEqual(len(self.changed(start)), 21)
        self.assertEqual(self.search(self.guest, "SEEN"), [40])


class TestShared(SeenCase):
    settings = ("sharing.private_seen=no",)

    def test_it_is_the_same_for_all(self):
        self.box("All", 2)
        self.assertIn(b"[READ-WRITE]",
                      self.guest.cmd("SELECT " + self.name)[1])
        self.guest.ok("FETCH 1 BODY[]")
        self.owner.ok("SELECT All")
        self.assertEqual(self.flags(self.owner), {"\\Seen"})
        self.owner.ok("STORE 1 -FLAGS (\\Seen)")
        self.assertEqual(self.flags(self.guest), set())
        self.grant("All", "lrs")
        self.assertIn(b"[READ-WRITE]",
                      self.guest.cmd("SELECT " + self.name)[1])
        self.grant("All", "lr")
        self.assertIn(b"[READ-ONLY]",
                      self.guest.cmd("SELECT " + self.name)[1])
        self.grant("All", "lrw")
        self.guest.ok("SELECT " + self.name)
        self.guest.ok("STORE 1 FLAGS (\\Seen \\Flagged)")
        self.assertEqual(self.flags(self.guest), {"\\Flagged"})


# The base class's tests are run where they stand.
del AclCase
assert GUEST

if __name__ == "__main__":
    unittest.main()
