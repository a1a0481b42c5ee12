"""CONDSTORE (RFC 7162, 3.1)."""

import re
import unittest

from imap_client import Case, message

BIG = 2 ** 63 - 1


def modseq(response):
    return int(re.search(rb"MODSEQ \((\d+)\)", response).group(1))


def highest(responses):
    found = [re.search(rb"\[HIGHESTMODSEQ (\d+)\]", r) for r in responses]
    return [int(m.group(1)) for m in found if m]


class Condstore(Case):
    def modseqs(self, c):
        return [modseq(r) for r in c.ok("FETCH 1:* MODSEQ")
                if b" FETCH " in r]

    def test_announced(self):
        c = self.login()
        self.assertIn(b" CONDSTORE", c.ok("CAPABILITY")[0])

    def test_select_tells_highest(self):
        c = self.select_new([message("a"), message("b")])
        got = c.ok("SELECT %s (CONDSTORE)" % self.box)
        self.assertEqual(len(highest(got)), 1)
        self.assertEqual(highest(got)[0], max(self.modseqs(c)))
        self.assertEqual(highest(c.ok("EXAMINE %s (condstore)" % self.box)),
                         highest(got))

    def test_new_messages_get_higher_ones(self):
        c = self.select_new([message("a")])
        before = self.modseqs(c)[0]
        c.append(message("b"), self.box)
        self.assertGreater(self.modseqs(c)[1], before)
        c.ok("COPY 1 " + self.box)
        self.assertGreater(self.modseqs(c)[2], self.modseqs(c)[1])

    def test_enabling_commands_tell_highest_once(self):
        for text in ("FETCH 1 MODSEQ", "FETCH 1 FLAGS (CHANGEDSINCE 1)",
                     "STORE 1 (UNCHANGEDSINCE 1) +FLAGS.SILENT (\\Seen)",
                     "SEARCH MODSEQ 1", "ENABLE CONDSTORE",
                     "STATUS INBOX (HIGHESTMODSEQ)"):
            c = self.login()
            c.cmd("CREATE " + self.box)
            c.append(message("a"), self.box)
            c.ok("SELECT " + self.box)
            self.assertEqual(len(highest(c.ok(text))), 1, text)
            self.assertEqual(len(highest(c.ok(text))), 0, text)
            got = c.ok("STORE 1 FLAGS (\\Draft)")
            self.assertRegex(got[-1], rb"^\* 1 FETCH \(UID 1 MODSEQ \(\d+\)"
                                      rb" FLAGS \(\\Draft( \\Recent)?\)\)$")

    def test_enabled_in_no_mailbox(self):
        c = self.login()
        self.assertEqual(c.ok("ENABLE CONDSTORE X-NONE"),
                         [b"* ENABLED CONDSTORE"])

    def test_changes_by_others_carry_it(self):
        c = self.select_new([message("a"), message("b")])
        c.ok("ENABLE CONDSTORE")
        other = self.select_again()
        other.ok("STORE 2 +FLAGS.SILENT (\\Flagged work)")
        got = [r for r in c.ok("NOOP") if b"FETCH" in r]
        self.assertRegex(got[0], rb"^\* 2 FETCH \(UID 2 MODSEQ \((\d+)\) "
                                 rb"FLAGS \(\\Flagged.* work\)\)$")
        self.assertEqual(modseq(got[0]), self.modseqs(other)[1])

    def test_without_it_nothing_changes(self):
        c = self.select_new([message("a")])
        got = c.ok("STORE 1 FLAGS (\\Seen)")
        self.assertNotIn(b"MODSEQ", b"".join(got))
        self.assertEqual(c.ok("STORE 1 FLAGS.SILENT ()"), [])

    def test_same_flags_keep_the_modseq(self):
        """3.1.11"""
        c = self.select_new([message("a")])
        c.ok("STORE 1 FLAGS (\\Seen)")
        before = self.modseqs(c)
        c.ok("STORE 1 +FLAGS (\\Seen)")
        c.ok("STORE 1 -FLAGS (\\Draft)")
        self.assertEqual(self.modseqs(c), before)
        c.ok("STORE 1 -FLAGS (\\Seen)")
        self.assertGreater(self.modseqs(c)[0], before[0])

    def test_unchangedsince(self):
        """3.1.3, examples 3 to 6"""
        c = self.select_new([message(str(i)) for i in range(5)])
        c.ok("ENABLE CONDSTORE")
        since = highest(c.ok("SELECT " + self.box))[0]
        other = self.select_again()
        other.ok("STORE 2,4 +FLAGS.SILENT (\\Answered)")
        c.ok("NOOP")
        got = c.cmd("STORE 1:4 (UNCHANGEDSINCE %d) +FLAGS.SILENT (\\Deleted)"
                    % since)
        self.assertOk(got, "MODIFIED 2,4]")
        told = {int(r.split()[1]): r for r in got[0]}
        self.assertEqual(set(told), {1, 2, 3, 4})
        for n in (1, 3):
            self.assertRegex(told[n], rb"^\* %d FETCH \(UID %d MODSEQ "
                                      rb"\(\d+\)\)$" % (n, n))
            self.assertGreater(modseq(told[n]), since)
        for n in (2, 4):  # what it has failed for
            self.assertIn(b"FLAGS (\\Answered", told[n])
            self.assertNotIn(b"\\Deleted", told[n])
        # Once more with what was told.
        again = modseq(told[2])
        got = c.cmd("UID STORE 2,4 (UNCHANGEDSINCE %d) +FLAGS (\\Deleted)"
                    % again)
        self.assertOk(got)
        self.assertNotIn(b"MODIFIED", got[1])
        self.assertIn(b"\\Deleted", got[0][0])

    def test_unchangedsince_uids(self):
        c = self.select_new([message(str(i)) for i in range(6)])
        c.ok("STORE 1 +FLAGS (\\Deleted)")
        c.ok("EXPUNGE")
        since = max(self.modseqs(c))
        c.ok("STORE 2,3,5 FLAGS (\\Seen)")
        got = c.cmd("UID STORE 2:6 (UNCHANGEDSINCE %d) FLAGS (\\Draft)" % since)
        self.assertOk(got, "MODIFIED 3:4,6]")
        got = c.cmd("STORE 1:5 (UNCHANGEDSINCE %d) FLAGS (\\Draft)" % since)
        self.assertOk(got, "MODIFIED 1:5]")

    def test_silence_does_not_hide_others_changes(self):
        c = self.select_new([message("a"), message("b")])
        other = self.select_again()
        for enable in (False, True):
            if enable:
                c.ok("ENABLE CONDSTORE")
            other.ok("STORE 1 FLAGS.SILENT (\\Flagged)")
            got = c.ok("STORE 1:2 +FLAGS.SILENT (\\Seen)")
            told = [r for r in got if re.match(rb"\* 1 FETCH .*FLAGS", r)]
            self.assertEqual(len(told), 1, got)
            self.assertIn(b"\\Flagged", told[0])
            self.assertIn(b"\\Seen", told[0])
            self.assertFalse(any(re.match(rb"\* 2 FETCH .*FLAGS", r)
                                 for r in got), got)
            c.ok("STORE 1:2 FLAGS ()")
            other.ok("NOOP")

    def test_unchangedsince_zero_fails(self):
        """Example 8"""
        c = self.select_new([message("a")])
        got = c.cmd("STORE 1 (UNCHANGEDSINCE 0) +FLAGS.SILENT ($MDNSent)")
        self.assertOk(got, "MODIFIED 1]")

    def test_named_twice_is_no_conflict(self):
        c = self.select_new([message("a"), message("b")])
        since = max(self.modseqs(c))
        got = c.cmd("STORE 2,1:2 (UNCHANGEDSINCE %d) +FLAGS.SILENT (\\Seen)"
                    % since)
        self.assertOk(got)
        self.assertNotIn(b"MODIFIED", got[1])

    def test_modified_beside_missing(self):
        """Example 11"""
        c = self.select_new([message(str(i)) for i in range(3)])
        c.ok("ENABLE CONDSTORE")
        since = max(self.modseqs(c))
        other = self.select_again()
        other.ok("STORE 3 +FLAGS (\\Deleted)")
        other.ok("STORE 2 +FLAGS (\\Answered)")
        other.ok("EXPUNGE")
        got = c.cmd("STORE 1:3 (UNCHANGEDSINCE %d) +FLAGS (\\Seen)" % since)
        self.assertNo(got, "MODIFIED 2")
        self.assertTrue(any(b"* 1 FETCH" in r and b"\\Seen" in r
                            for r in got[0]), got)

    def test_changedsince(self):
        """3.1.4.1"""
        c = self.select_new([message(str(i)) for i in range(4)])
        since = max(self.modseqs(c))
        self.assertEqual(c.ok("FETCH 1:* FLAGS (CHANGEDSINCE %d)" % since), [])
        c.ok("STORE 2 +FLAGS.SILENT (\\Seen)")
        c.ok("STORE 4 +FLAGS.SILENT (\\Seen)")
        got = c.ok("UID FETCH 1:* (FLAGS) (CHANGEDSINCE %d)" % since)
        self.assertEqual([r.split()[1] for r in got], [b"2", b"4"])
        for r in got:
            self.assertRegex(r, rb"\(UID \d FLAGS \(.*\) MODSEQ \(\d+\)\)$")
        got = c.ok("FETCH 1:3 (UID MODSEQ) (changedsince %d)" % since)
        self.assertEqual(len(got), 1)
        self.assertEqual(got[0].count(b"MODSEQ"), 1)
        self.assertEqual(c.ok("FETCH 1:* FLAGS (CHANGEDSINCE %d)" % BIG), [])

    def test_changedsince_does_not_set_seen_elsewhere(self):
        c = self.select_new([message("a"), message("b")])
        c.ok("STORE 2 +FLAGS (\\Flagged)")
        since = self.modseqs(c)[1] - 1
        got = c.ok("FETCH 1:* BODY[] (CHANGEDSINCE %d)" % since)
        self.assertEqual(len(got), 1)
        self.assertNotIn(b"\\Seen", c.ok("FETCH 1 FLAGS")[0])
        self.assertIn(b"\\Seen", c.ok("FETCH 2 FLAGS")[0])

    def test_fetch_that_sets_seen_tells_all(self):
        """3.2.4"""
        c = self.select_new([message("a")])
        c.ok("ENABLE CONDSTORE")
        before = self.modseqs(c)[0]
        got = c.ok("FETCH 1 BODY[TEXT]")
        self.assertEqual(len(got), 1)
        self.assertRegex(got[0], rb"^\* 1 FETCH \(FLAGS \(\\Seen.*\) UID 1 "
                                 rb"MODSEQ \(\d+\) BODY\[TEXT\]")
        self.assertGreater(modseq(got[0]), before)
        self.assertEqual([modseq(got[0])], self.modseqs(c))

    def test_search(self):
        """3.1.5 and 3.1.6"""
        c = self.select_new([message(str(i)) for i in range(4)])
        c.ok("STORE 3 +FLAGS (\\Flagged)")
        c.ok("STORE 1 +FLAGS (\\Flagged)")
        m = self.modseqs(c)
        self.assertEqual(c.ok("SEARCH MODSEQ %d" % m[2]),
                         [b"* SEARCH 1 3 (MODSEQ %d)" % m[0]])
        self.assertEqual(
            c.ok('SEARCH MODSEQ "/flags/\\\\draft" all %d' % m[2]),
            [b"* SEARCH 1 3 (MODSEQ %d)" % m[0]])
        self.assertEqual(c.ok("UID SEARCH NOT MODSEQ %d UID 1:3" % m[0]),
                         [b"* SEARCH 2 3 (MODSEQ %d)" % m[2]])
        self.assertEqual(c.ok("SEARCH OR NOT MODSEQ 1 LARGER 50000"),
                         [b"* SEARCH"])
        self.assertEqual(c.ok("SEARCH MODSEQ 0 2"),
                         [b"* SEARCH 2 (MODSEQ %d)" % m[1]])

    def test_status(self):
        c = self.select_new([message("a")])
        c.ok("STORE 1 +FLAGS (\\Seen)")
        m = self.modseqs(c)[0]
        self.assertEqual(
            c.ok("STATUS %s (HIGHESTMODSEQ)" % self.box),
            [b"* STATUS %s (HIGHESTMODSEQ %d)" % (self.box.encode(), m)])

    def test_expunge_raises_it(self):
        c = self.select_new([message("a"), message("b"), message("c")])
        c.ok("ENABLE CONDSTORE")
        c.ok("STORE 1:3 +FLAGS (\\Deleted)")
        seen = max(self.modseqs(c))
        for text in ("UID EXPUNGE 1", "MOVE 1 INBOX", "EXPUNGE"):
            got = c.cmd(text)
            self.assertOk(got, "HIGHESTMODSEQ ")
            now = highest([got[1]])[0]
            self.assertGreater(now, seen, text)
            seen = now
            self.assertEqual(highest(c.ok("EXAMINE " + self.box)), [now])
            c.ok("SELECT " + self.box)

    def test_never_smaller_after_a_restart(self):
        c = self.select_new([message("a"), message("b")])
        c.ok("STORE 1:2 FLAGS (\\Deleted)")
        c.ok("UID EXPUNGE 2")
        before = highest(c.ok("SELECT " + self.box))[0]
        validity = c.ok("STATUS %s (UIDVALIDITY MAILBOXID)" % self.box)
        c.close()
        self.server.kill()
        self.server.start()
        c = self.login()
        self.assertGreaterEqual(
            highest(c.ok("SELECT " + self.box))[0], before)
        self.assertEqual(
            c.ok("STATUS %s (UIDVALIDITY MAILBOXID)" % self.box), validity)

    def test_errors(self):
        c = self.select_new([message("a")])
        for text in ("FETCH 1 FLAGS (CHANGEDSINCE)", "FETCH 1 FLAGS ()",
                     "FETCH 1 FLAGS (CHANGEDSINCE x)",
                     "FETCH 1 FLAGS (CHANGEDSINCE %d)" % (BIG + 1),
                     "FETCH 1 FLAGS (CHANGEDSINCE 1 CHANGEDSINCE 2)",
                     "FETCH 1 FLAGS (FOO)", "FETCH 1 FLAGS (CHANGEDSINCE 1",
                     "FETCH 1 (FLAGS MODSEQ ())",
                     "STORE 1 (UNCHANGEDSINCE) FLAGS ()",
                     "STORE 1 (UNCHANGEDSINCE 99999999999999999999) FLAGS ()",
                     "STORE 1 (UNCHANGEDSINCE 1 UNCHANGEDSINCE 1) FLAGS ()",
                     "STORE 1 (UNCHANGEDSINCE 1)FLAGS ()", "STORE 1 () FLAGS ()",
                     "SEARCH MODSEQ", "SEARCH MODSEQ x",
                     'SEARCH MODSEQ "/flags/x" 3', 'SEARCH MODSEQ "x" all 3',
                     'SEARCH MODSEQ "/flags/x" some 3'):
            self.assertBad(c.cmd(text))
            c.ok("NOOP")
        for text in ("()", "(FOO)", "(CONDSTORE", "CONDSTORE",
                     "(CONDSTORE CONDSTORE)", "(CONDSTORE )"):
            self.assertBad(c.cmd("SELECT %s %s" % (self.box, text)))
            c.ok("FETCH 1 FLAGS")  # it is still selected


if __name__ == "__main__":
    unittest.main()
