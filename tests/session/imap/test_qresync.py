"""QRESYNC (RFC 7162, 3.2)."""

import os
import re
import socket
import unittest

from imap_client import Case, message
from postern import only_over
from test_condstore import highest, modseq


def vanished(responses, earlier=True):
    """The uids of all VANISHED responses."""
    uids = set()
    start = b"* VANISHED (EARLIER) " if earlier else b"* VANISHED "
    for r in responses:
        if not r.startswith(start) or (
                not earlier and r.startswith(b"* VANISHED (")):
            continue
        for part in r[len(start):].split(b","):
            first, _, last = part.partition(b":")
            uids |= set(range(int(first), int(last or first) + 1))
    return uids


def fetched(responses):
    return [int(m.group(1)) for m in (
        re.match(rb"\* \d+ FETCH \(UID (\d+) ", r) for r in responses) if m]


class Qresync(Case):
    def enable(self, **kw):
        c = self.login(**kw)
        self.assertEqual(c.ok("ENABLE QRESYNC"), [b"* ENABLED QRESYNC"])
        return c

    def fill(self, n):
        """A mailbox of n messages, selected with QRESYNC enabled."""
        c = self.enable()
        c.ok("CREATE " + self.box)
        for i in range(n):
            c.append(message("m%d" % i), self.box)
        got = c.ok("SELECT " + self.box)
        for r in got:
            m = re.search(rb"UIDVALIDITY (\d+)", r)
            if m:
                self.validity = int(m.group(1))
        self.since = highest(got)[0]
        return c

    def expunge(self, c, uids):
        c.ok("UID STORE %s +FLAGS.SILENT (\\Deleted)" % uids)
        return c.cmd("UID EXPUNGE %s" % uids)

    def resync(self, rest="", since=None, extra=""):
        c = self.enable()
        got = c.cmd("SELECT %s (%sQRESYNC (%d %d%s))" % (
            self.box, extra, self.validity,
            self.since if since is None else since, rest))
        self.assertOk(got)
        return c, got[0]

    def test_announced(self):
        c = self.login()
        self.assertIn(b" QRESYNC", c.ok("CAPABILITY")[0])
        self.assertEqual(c.ok("ENABLE QRESYNC CONDSTORE"),
                         [b"* ENABLED CONDSTORE QRESYNC"])

    def test_vanished_instead_of_expunge(self):
        """3.2.10.2"""
        c = self.fill(11)
        c.ok("STORE 3,4,7,11 +FLAGS.SILENT (\\Deleted)")
        other = self.select_again()
        got = c.cmd("EXPUNGE")
        self.assertOk(got, "HIGHESTMODSEQ ")
        self.assertEqual(vanished(got[0], False), {3, 4, 7, 11})
        self.assertFalse(any(b"EXPUNGE" in r for r in got[0]))
        self.assertEqual([r for r in other.ok("NOOP") if b"EXPUNGE" in r],
                         [b"* 3 EXPUNGE", b"* 3 EXPUNGE", b"* 5 EXPUNGE",
                          b"* 8 EXPUNGE"])
        self.assertEqual(fetched(c.ok("FETCH 3 (UID FLAGS)")), [5])

    def test_vanished_by_others(self):
        c = self.fill(4)
        tag = c.idle()
        other = self.select_again()
        other.ok("STORE 2:3 +FLAGS.SILENT (\\Deleted)")
        other.ok("EXPUNGE")
        while not c.response().startswith(b"* VANISHED 2:3"):
            pass
        c.send("DONE\r\n")
        c.finish(tag)
        self.assertEqual(c.ok("FETCH 1:2 UID"),
                         [b"* 1 FETCH (UID 1)", b"* 2 FETCH (UID 4)"])

    def test_vanished_comes_before_exists(self):
        c = self.fill(3)
        other = self.select_again()
        self.expunge(other, "1")
        other.append(message("new"), self.box)
        got = c.ok("NOOP")
        self.assertEqual(got[0], b"* VANISHED 1")
        self.assertIn(b"* 3 EXISTS", got)

    def test_close_tells_nothing(self):
        """3.2.8"""
        c = self.fill(2)
        c.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        before = highest(c.ok("STATUS %s (MESSAGES)" % self.box))
        got = c.cmd("CLOSE")
        self.assertEqual((before, got[0]), ([], []))
        self.assertNotIn(b"HIGHESTMODSEQ", got[1])
        c, got = self.resync()
        self.assertGreater(highest(got)[0], self.since)
        self.assertEqual(vanished(got), {1})

    def test_nothing_happened(self):
        self.fill(5)
        c, got = self.resync()
        self.assertEqual((vanished(got), fetched(got)), (set(), []))
        self.assertEqual(highest(got), [self.since])

    def test_resync(self):
        """3.2.5.1: what vanished, what changed, what is new."""
        c = self.fill(10)
        self.expunge(c, "2:3,7")
        c.ok("UID STORE 5 +FLAGS.SILENT (\\Seen)")
        c.append(message("new"), self.box)
        c.ok("NOOP")
        _, got = self.resync()
        self.assertEqual(vanished(got), {2, 3, 7})
        self.assertEqual(fetched(got), [5, 11])
        kinds = [b"VANISHED" in r for r in got if b"VANISHED" in r or
                 b" FETCH " in r]
        self.assertEqual(kinds, sorted(kinds, reverse=True))
        for r in got:
            if b"FETCH" in r:
                self.assertRegex(r, rb"\(UID \d+ MODSEQ \(\d+\) FLAGS \(")
        _, got = self.resync(" 1:5")
        self.assertEqual((vanished(got), fetched(got)), ({2, 3}, [5]))
        _, got = self.resync(" 6:10,7")
        self.assertEqual((vanished(got), fetched(got)), ({7}, []))
        _, got = self.resync("", highest(c.ok("SELECT " + self.box))[0])
        self.assertEqual((vanished(got), fetched(got)), (set(), []))

    def test_with_condstore_in_one_list(self):
        c = self.fill(3)
        self.expunge(c, "2")
        for extra in ("CONDSTORE ", "condstore "):
            _, got = self.resync(extra=extra)
            self.assertEqual(vanished(got), {2})
        c = self.enable()
        got = c.ok("SELECT %s (QRESYNC (%d %d) CONDSTORE)" % (
            self.box, self.validity, self.since))
        self.assertEqual(vanished(got), {2})

    def test_older_than_what_is_remembered(self):
        c = self.fill(6)
        self.expunge(c, "1,4")
        c.close()
        self.server.stop()
        self.server.start()
        _, got = self.resync()
        self.assertTrue(vanished(got) >= {1, 4}, got)
        self.assertFalse(vanished(got) & {2, 3, 5, 6}, got)
        _, got = self.resync(" 3:6", since=1)
        self.assertEqual(vanished(got), {4})
        self.assertEqual(fetched(got), [3, 5, 6])

    def test_more_than_is_remembered(self):
        c = self.fill(0)
        n = 620
        one = message("x")
        text = b"".join(b"x%d APPEND %s {%d+}\r\n%s\r\n" % (
            i, self.box.encode(), len(one), one) for i in range(n))
        c.send(text)
        c.finish("x%d" % (n - 1))
        since = highest(c.ok("SELECT " + self.box))[0]
        uids = ",".join(str(i) for i in range(1, n + 1, 2))
        c.ok("UID STORE %s +FLAGS.SILENT (\\Deleted)" % uids)
        c.ok("EXPUNGE")
        _, got = self.resync(since=since)
        self.assertEqual(vanished(got), set(range(1, n + 1, 2)))
        _, got = self.resync(since=since, rest=" 100:%d" % n)
        self.assertEqual(vanished(got), set(range(101, n + 1, 2)))

    def test_match_data(self):
        """3.2.5.2"""
        c = self.fill(12)
        self.expunge(c, "1:2,4:5,7:8,10:11")  # 3, 6, 9, 12 are left
        c.close()
        self.server.stop()
        self.server.start()
        everything = {1, 2, 4, 5, 7, 8, 10, 11}
        for match, want in (
                ("1 3", {4, 5, 7, 8, 10, 11}),
                ("1:2 3,6", {7, 8, 10, 11}),
                ("1,3,4 3,9,12", set()),
                ("1,3 3,8", {4, 5, 7, 8, 10, 11}),
                ("1:9 1:9", everything),
                ("1:4294967295 1:4294967295", everything),
                ("2,100 6,200", {7, 8, 10, 11})):
            _, got = self.resync(" 1:12 (%s)" % match)
            self.assertEqual(vanished(got), want, match)
        _, got = self.resync(" (1:2 3,6)")
        self.assertEqual(vanished(got), {7, 8, 10, 11})

    def test_other_uidvalidity(self):
        c = self.fill(3)
        self.expunge(c, "1")
        self.validity += 1
        _, got = self.resync()
        self.assertEqual((vanished(got), fetched(got)), (set(), []))
        self.assertEqual(len(highest(got)), 1)

    def test_closed(self):
        """3.2.11: also to who knows nothing of it."""
        c = self.select_new()
        got = c.ok("SELECT INBOX")
        self.assertTrue(got[0].startswith(b"* OK [CLOSED]"), got)
        self.assertFalse(any(b"CLOSED" in r for r in c.ok("UNSELECT")))

    def test_fetch_vanished(self):
        """3.2.6"""
        c = self.fill(10)
        self.expunge(c, "2,8:10")
        c.ok("UID STORE 5 +FLAGS.SILENT (\\Seen)")
        got = c.ok("UID FETCH 1:9 (FLAGS) (CHANGEDSINCE %d VANISHED)"
                   % self.since)
        self.assertEqual(vanished(got), {2, 8, 9})
        self.assertTrue(got[0].startswith(b"* VANISHED (EARLIER)"))
        self.assertEqual(fetched(got), [5])
        got = c.ok("UID FETCH 1:* UID (VANISHED CHANGEDSINCE %d)" % self.since)
        self.assertEqual(vanished(got), {2, 8, 9, 10})
        got = c.ok("UID FETCH 1:* UID (VANISHED CHANGEDSINCE %d)"
                   % (2 ** 63 - 1))
        self.assertEqual((vanished(got), fetched(got)), (set(), []))

    def test_kept_back_expunges_keep_highest_low(self):
        """3.2 and 6"""
        c = self.fill(4)
        other = self.select_again()
        self.expunge(other, "4")
        other.ok("STORE 1 +FLAGS (\\Flagged)")
        got = c.cmd("STORE 2 +FLAGS (\\Seen)")
        self.assertOk(got)
        self.assertEqual(vanished(got[0], False), set())
        self.assertTrue(all(h < modseq(r) for r in got[0] if b"FETCH" in r
                            for h in highest(got[0])), got)
        told = highest(got[0])
        self.assertTrue(told, got)
        # A client that goes away now learns of it.
        _, again = self.resync(since=told[-1])
        self.assertEqual(vanished(again), {4})
        got = c.ok("NOOP")
        self.assertEqual(vanished(got, False), {4})
        self.assertGreater(highest(got)[-1], told[-1])

    def test_uid_search_with_numbers_keeps_back(self):
        """3.2.10.2"""
        c = self.fill(3)
        other = self.select_again()
        self.expunge(other, "1")
        got = c.ok("UID SEARCH 2:3")
        self.assertEqual(vanished(got, False), set())
        self.assertIn(b"* SEARCH 2 3", got)
        self.assertEqual(vanished(c.ok("UID SEARCH ALL"), False), {1})

    def test_not_announced_is_not_vanished(self):
        """A message that came and went unseen is none of VANISHED."""
        c = self.fill(2)
        other = self.select_again()
        other.append(message("new"), self.box)
        other.ok("NOOP")
        self.expunge(other, "3")
        self.assertEqual(vanished(c.ok("NOOP"), False), set())

    def test_move_raises_and_vanishes(self):
        c = self.fill(3)
        got = c.cmd("UID MOVE 2 INBOX")
        self.assertOk(got, "HIGHESTMODSEQ ")
        self.assertEqual(vanished(got[0], False), {2})
        self.assertIn(b"COPYUID", got[0][0])
        _, got = self.resync()
        self.assertEqual(vanished(got), {2})

    def file_of(self, uid):
        """Another program looks for a message in the Maildir."""
        root = self.server.maildir(self.server.users[0])
        for top, _, names in os.walk(root):
            for name in names:
                if self.box in top and re.search(r",U=%d\b" % uid, name):
                    return os.path.join(top, name)
        raise AssertionError("no file of uid %d below %s" % (uid, root))

    def other_program(self):
        os.unlink(self.file_of(2))
        old = self.file_of(3)
        new = old.replace("/new/", "/cur/").partition(":")[0] + ":2,F"
        os.rename(old, new)

    def check_other_program(self):
        c, got = self.resync()
        self.assertEqual(vanished(got) & {1, 2, 3, 4, 5}, {2}, got)
        self.assertIn(3, fetched(got))
        self.assertIn(b"\\Flagged", [r for r in got if b"UID 3 " in r][0])
        self.assertGreater(highest(got)[0], self.since)
        return c

    @only_over("maildir")
    def test_other_program_while_selected(self):
        c = self.fill(5)
        self.other_program()
        self.assertEqual(vanished(c.ok("NOOP"), False), {2})
        self.check_other_program()

    @only_over("maildir")
    def test_other_program_while_nobody_looks(self):
        self.fill(5).ok("UNSELECT")
        self.other_program()
        self.check_other_program()

    @only_over("maildir")
    def test_other_program_while_stopped(self):
        self.fill(5).close()
        self.server.stop()
        self.other_program()
        self.server.start()
        self.check_other_program()

    @only_over("maildir")
    def test_other_program_after_a_crash(self):
        c = self.fill(5)
        self.server.kill()
        c.close()
        self.other_program()
        self.server.start()
        self.check_other_program()

    def fill_many(self, c, n):
        c.append(message("m"), self.box)
        c.ok("SELECT " + self.box)
        count = 1
        while count < n:
            c.ok("COPY 1:* " + self.box)
            c.ok("NOOP")
            count *= 2

    def test_changed_again_while_told(self):
        """RFC 7162, 6: what a client may remember is not more than it was
        told, when messages change again while it reads slowly."""
        words = " ".join("k%d%s" % (i, "x" * 80) for i in range(10))
        other = self.login()
        other.ok("CREATE " + self.box)
        self.fill_many(other, 8192)  # more news than all buffers hold
        c = self.enable()
        c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        c.ok("SELECT " + self.box)
        other.ok("STORE 1:* FLAGS.SILENT (%s)" % words)
        tag = c.tag()
        c.send(tag + " NOOP\r\n")
        c.buffer += c.sock.recv(64)  # it has begun
        other.ok("STORE 1:* +FLAGS.SILENT (\\Seen)")
        got, tagged = c.finish(tag)
        told = {int(m.group(1)): int(m.group(2)) for m in (
            re.search(rb"UID (\d+).* MODSEQ \((\d+)\)|$", r) for r in got)
            if m.group(1)}
        self.assertEqual(len(told), 8192)
        self.assertGreater(len(set(told.values())), 1)  # both changes
        may_know = (highest(got + [tagged]) or [max(told.values())])[-1]
        other.ok("ENABLE CONDSTORE")
        for r in other.ok("UID FETCH 1:* (MODSEQ)"):
            m = re.search(rb"UID (\d+) MODSEQ \((\d+)\)", r)
            if m and int(m.group(2)) > told[int(m.group(1))]:
                self.assertGreater(int(m.group(2)), may_know, r)

    def test_errors(self):
        c = self.select_new([message("a")])
        for text in ("SELECT %s (QRESYNC (1 1))" % self.box,
                     "UID FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)"):
            self.assertBad(c.cmd(text))  # not enabled
        c.ok("ENABLE QRESYNC")
        for text in ("FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)",
                     "UID FETCH 1 FLAGS (VANISHED)",
                     "UID FETCH 1 FLAGS (VANISHED VANISHED CHANGEDSINCE 1)"):
            self.assertBad(c.cmd(text))
            c.ok("NOOP")
        for text in ("QRESYNC", "QRESYNC ()", "QRESYNC (1)", "QRESYNC (0 1)",
                     "QRESYNC (1 x)", "QRESYNC (1 1 *)", "QRESYNC (1 1 1:*)",
                     "QRESYNC (1 1 0)", "QRESYNC (1 1 1:2 (1))",
                     "QRESYNC (1 1 1:2 (1 2:3))", "QRESYNC (1 1 1 (* 1))",
                     "QRESYNC (1 1 1 (1 *))", "QRESYNC (1 1) QRESYNC (1 1)",
                     "QRESYNC (1 1 ())", "QRESYNC (1 1", "QRESYNC (1 1 1 1)",
                     "QRESYNC (1 99999999999999999999)",
                     "QRESYNC (4294967296 1)"):
            self.assertBad(c.cmd("SELECT %s (%s)" % (self.box, text)))
            c.ok("FETCH 1 FLAGS")


class SmallOutput(Qresync):
    """The same when every response has to wait for the client."""

    settings = ("limits.output=4096",)


if __name__ == "__main__":
    unittest.main()
