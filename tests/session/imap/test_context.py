"""CONTEXT=SEARCH and CONTEXT=SORT (RFC 5267): results that are kept up to
date."""

import unittest

from imap_client import Case, message


class Contexts(Case):
    def news(self, c, text="NOOP"):
        """The ESEARCH responses of a command, without the rest."""
        return [r.decode()[len("* ESEARCH "):] for r in c.ok(text)
                if r.startswith(b"* ESEARCH")]

    def start(self, c, text):
        """Runs a searching command with a tag of its own: the tag, what it
        answers."""
        untagged, tagged = self.run_as(c, c.tag(), text)
        self.assertTrue(tagged.startswith(b"OK"), tagged)
        return "a%d" % c.count, untagged

    def run_as(self, c, tag, text):
        c.send("%s %s\r\n" % (tag, text))
        return c.finish(tag)

    def box_of(self, n):
        return self.select_new(
            [message("m%d" % i) for i in range(1, n + 1)])


class Search(Contexts):
    def test_flags(self):
        c = self.box_of(5)
        c.ok("STORE 2 +FLAGS.SILENT (\\Flagged)")
        tag, got = self.start(c, "UID SEARCH RETURN (UPDATE COUNT) FLAGGED")
        self.assertEqual(
            got, [b'* ESEARCH (TAG "%s") UID COUNT 1' % tag.encode()])
        self.assertEqual(self.news(c), [])
        self.assertEqual(self.news(c, "STORE 4:5 +FLAGS (\\Flagged)"),
                         ['(TAG "%s") UID ADDTO (0 4:5)' % tag])
        self.assertEqual(self.news(c, "STORE 5 +FLAGS (\\Seen)"), [])
        self.assertEqual(
            self.news(c, "STORE 1:5 -FLAGS.SILENT (\\Flagged)"),
            ['(TAG "%s") UID REMOVEFROM (0 2,4:5)' % tag])
        self.assertEqual(self.news(c), [])

    def test_numbers_and_other_sessions(self):
        c = self.box_of(4)
        tag, got = self.start(c, "SEARCH RETURN (UPDATE) SUBJECT m")
        d = self.select_again()
        d.append(message("m5"), self.box)
        d.append(message("other"), self.box)
        got = c.ok("NOOP")
        self.assertLess(got.index(b"* 6 EXISTS"), got.index(
            b'* ESEARCH (TAG "%s") ADDTO (0 5)' % tag.encode()))
        d.ok("STORE 2,4 +FLAGS.SILENT (\\Deleted)")
        d.ok("EXPUNGE")
        self.assertEqual(self.news(c, "SEARCH ALL"), [])
        got = [r for r in c.ok("NOOP") if b"FETCH" not in r]
        one = b'* ESEARCH (TAG "%s") REMOVEFROM (0 ' % tag.encode()
        self.assertEqual(got[:4], [one + b"2)", b"* 2 EXPUNGE",
                                   one + b"3)", b"* 3 EXPUNGE"])

    def test_expunged_uids(self):
        c = self.box_of(6)
        tag, _ = self.start(c, "UID SEARCH RETURN (UPDATE) 1:5")
        c.ok("STORE 2,4,6 +FLAGS.SILENT (\\Deleted)")
        self.assertEqual(self.news(c, "EXPUNGE"),
                         ['(TAG "%s") UID REMOVEFROM (0 2,4)' % tag])

    def test_idle(self):
        c = self.box_of(2)
        tag, _ = self.start(c, "UID SEARCH RETURN (UPDATE) UNSEEN")
        d = self.select_again()
        idle = c.idle()
        d.ok("STORE 1 +FLAGS.SILENT (\\Seen)")
        want = b'* ESEARCH (TAG "%s") UID REMOVEFROM (0 1)' % tag.encode()
        while c.response() != want:
            pass
        d.append(message("m3"), self.box)
        want = b'* ESEARCH (TAG "%s") UID ADDTO (0 3)' % tag.encode()
        while c.response() != want:
            pass
        c.send("DONE\r\n")
        c.finish(idle)

    def test_sets_mean_what_they_meant(self):
        c = self.box_of(6)
        c.ok("SEARCH RETURN (SAVE) 5")
        one, _ = self.start(c, "UID SEARCH RETURN (UPDATE) 3:4 FLAGGED")
        two, _ = self.start(c, "UID SEARCH RETURN (UPDATE) UID 6:* FLAGGED")
        three, _ = self.start(c, "UID SEARCH RETURN (UPDATE) $ FLAGGED")
        c.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        c.ok("EXPUNGE")
        c.append(message("m7"), self.box)
        c.ok("NOOP")
        c.ok("SEARCH RETURN (SAVE) 1")
        self.assertEqual(
            sorted(self.news(c, "STORE 1:* +FLAGS (\\Flagged)")),
            ['(TAG "%s") UID ADDTO (0 3:4)' % one,
             '(TAG "%s") UID ADDTO (0 6:7)' % two,
             '(TAG "%s") UID ADDTO (0 5)' % three])

    def test_keyword_that_is_new(self):
        c = self.box_of(2)
        tag, _ = self.start(c, "SEARCH RETURN (UPDATE) KEYWORD $Junk")
        self.assertEqual(self.news(c, "STORE 2 +FLAGS ($Junk)"),
                         ['(TAG "%s") ADDTO (0 2)' % tag])

    def test_literals_in_the_program(self):
        c = self.box_of(2)
        tag, _ = self.start(
            c, "SEARCH RETURN (UPDATE) CHARSET UTF-8 SUBJECT {2+}\r\nm2 SEEN")
        self.assertEqual(self.news(c, "STORE 1:2 +FLAGS (\\Seen)"),
                         ['(TAG "%s") ADDTO (0 2)' % tag])

    def test_other_options(self):
        c = self.box_of(4)
        tag, got = self.start(
            c, "SEARCH RETURN (UPDATE CONTEXT PARTIAL 1:2 SAVE) UNSEEN")
        self.assertEqual(got, [
            b'* ESEARCH (TAG "%s") PARTIAL (1:2 1:2)' % tag.encode()])
        self.assertEqual(self.news(c, "STORE $ +FLAGS (\\Seen)"),
                         ['(TAG "%s") REMOVEFROM (0 1:2)' % tag])
        self.assertEqual(self.news(c, "STORE 4 +FLAGS (\\Seen)"),
                         ['(TAG "%s") REMOVEFROM (0 4)' % tag])
        tag, got = self.start(c, "SEARCH RETURN (CONTEXT) UNSEEN")
        self.assertEqual(got, [b'* ESEARCH (TAG "%s")' % tag.encode()])
        tag, got = self.start(c, "SEARCH RETURN (CONTEXT COUNT) UNSEEN")
        self.assertEqual(got, [b'* ESEARCH (TAG "%s") COUNT 1'
                               % tag.encode()])

    def test_tag_reuse(self):
        c = self.box_of(1)
        self.run_as(c, "B01", "UID SEARCH RETURN (UPDATE COUNT) DELETED")
        for text in ("SORT RETURN (UPDATE) (DATE) UTF-8 FLAGGED",
                     "SEARCH RETURN (UPDATE) ALL"):
            _, tagged = self.run_as(c, "B01", text)
            self.assertTrue(tagged.startswith(b"BAD"), tagged)
        _, tagged = self.run_as(c, "B01", "SEARCH RETURN (COUNT) ALL")
        self.assertTrue(tagged.startswith(b"OK"), tagged)
        self.assertEqual(self.news(c, "STORE 1 +FLAGS (\\Deleted)"),
                         ['(TAG "B01") UID ADDTO (0 1)'])

    def test_too_many(self):
        c = self.box_of(1)
        tags = [self.start(c, "SEARCH RETURN (UPDATE COUNT) SEEN")[0]
                for _ in range(8)]
        tag, got = self.start(c, "SEARCH RETURN (UPDATE COUNT) SEEN")
        self.assertEqual(len(got), 2)
        self.assertIn(b'* ESEARCH (TAG "%s") COUNT 0' % tag.encode(), got)
        self.assertTrue([r for r in got if r.startswith(
            b'* NO [NOUPDATE "%s"]' % tag.encode())])
        self.assertEqual(len(self.news(c, "STORE 1 +FLAGS (\\Seen)")), 8)
        c.ok("CANCELUPDATE \"%s\"" % tags[3])
        _, got = self.start(c, "SEARCH RETURN (UPDATE COUNT) SEEN")
        self.assertEqual(len(got), 1)

    def test_cancel(self):
        c = self.box_of(2)
        one, _ = self.start(c, "SEARCH RETURN (UPDATE) SEEN")
        two, _ = self.start(c, "SEARCH RETURN (UPDATE) SEEN")
        three, _ = self.start(c, "SEARCH RETURN (UPDATE) SEEN")
        for text in ("", " x", " " + one, " \"none\"", " \"%s\" \"no\"" % one,
                     " (\"%s\")" % one, " \"%s\" " % one):
            self.assertBad(c.cmd("CANCELUPDATE" + text))
        c.ok("CANCELUPDATE \"%s\" \"%s\" \"%s\"" % (one, three, one))
        self.assertEqual(self.news(c, "STORE 1 +FLAGS (\\Seen)"),
                         ['(TAG "%s") ADDTO (0 1)' % two])

    def test_ends_with_the_mailbox(self):
        c = self.box_of(1)
        self.start(c, "SEARCH RETURN (UPDATE) SEEN")
        c.ok("SELECT " + self.box)
        self.assertEqual(self.news(c, "STORE 1 +FLAGS (\\Seen)"), [])
        self.start(c, "SEARCH RETURN (UPDATE) SEEN")
        c.ok("UNSELECT")
        self.assertBad(c.cmd("CANCELUPDATE \"x\""))

    def test_a_failed_search_makes_none(self):
        c = self.box_of(1)
        tag = c.tag()
        _, tagged = self.run_as(
            c, tag, "SEARCH RETURN (UPDATE) CHARSET x-none SEEN")
        self.assertTrue(tagged.startswith(b"NO"), tagged)
        self.assertBad(c.cmd("CANCELUPDATE \"%s\"" % tag))

    def test_esearch(self):
        c = self.box_of(2)
        tag, got = self.start(
            c, "ESEARCH IN (selected) RETURN (UPDATE COUNT) UNSEEN")
        begin = got[0][:got[0].index(b")") + 1].decode()
        self.assertIn("MAILBOX %s UIDVALIDITY" % self.box, begin)
        self.assertEqual(self.news(c, "STORE 2 +FLAGS (\\Seen)"),
                         [begin[len("* ESEARCH "):]
                          + " UID REMOVEFROM (0 2)"])
        self.assertBad(c.cmd("ESEARCH IN (personal) RETURN (UPDATE) SEEN"))
        c.ok("UNSELECT")
        self.assertBad(c.cmd("ESEARCH RETURN (UPDATE) SEEN"))

    def test_many(self):
        """More than one batch of messages."""
        n = 600
        c = self.select_new()
        tag, _ = self.start(c, "UID SEARCH RETURN (UPDATE) SEEN")
        for i in range(n):
            c.append(b"Subject: x\r\n\r\n", self.box)
        c.ok("NOOP")
        members = set()
        for r in self.news(c, "STORE 1:* +FLAGS.SILENT (\\Seen)"):
            self.assertTrue(r.startswith('(TAG "%s") UID ADDTO (0 ' % tag))
            for part in r.split("(0 ")[1].rstrip(")").split(","):
                ends = [int(x) for x in part.split(":")]
                members |= set(range(ends[0], ends[-1] + 1))
        self.assertEqual(members, set(range(1, n + 1)))


class Sort(Contexts):
    def replay(self, results, responses):
        """Changes a list of results as a client would."""
        for r in responses:
            word, rest = r.split(" UID ")[-1].split(" (")
            position, number = (int(x) for x in rest.rstrip(")").split())
            if word == "ADDTO":
                results.insert(position - 1, number)
            else:
                self.assertEqual(results.pop(position - 1), number)

    def test_order_is_kept(self):
        c = self.select_new([message(s) for s in "dbfhca"])
        c.ok("STORE 1:3 +FLAGS.SILENT (\\Flagged)")
        tag, got = self.start(c, "UID SORT RETURN (UPDATE ALL) "
                              "(REVERSE SUBJECT) UTF-8 FLAGGED")
        self.assertEqual(got, [
            b'* ESEARCH (TAG "%s") UID ALL 3,1:2' % tag.encode()])
        results = [3, 1, 2]
        self.assertEqual(self.news(c, "STORE 6 +FLAGS (\\Flagged)"),
                         ['(TAG "%s") UID ADDTO (4 6)' % tag])
        results.append(6)
        d = self.select_again()
        for s in "egz":
            d.append(message(s), self.box, "(\\Flagged)")
        self.replay(results, self.news(c))
        for cmd in ("STORE 4:5 +FLAGS.SILENT (\\Flagged)",
                    "STORE 1,7 -FLAGS (\\Flagged)",
                    "STORE 2,8 +FLAGS.SILENT (\\Deleted)"):
            d.ok(cmd)
            self.replay(results, self.news(c))
        d.ok("EXPUNGE")
        self.replay(results, self.news(c))
        got = c.ok("UID SORT (REVERSE SUBJECT) UTF-8 FLAGGED")
        self.assertEqual(results, [int(n) for n in got[0].split()[2:]])

    def test_numbers(self):
        c = self.select_new([message(s) for s in "cab"])
        tag, _ = self.start(c, "SORT RETURN (UPDATE) (SUBJECT) UTF-8 ALL")
        c.ok("STORE 1:2 +FLAGS.SILENT (\\Deleted)")
        got = c.ok("EXPUNGE")
        head = b'* ESEARCH (TAG "%s") REMOVEFROM ' % tag.encode()
        self.assertEqual(got, [head + b"(3 1)", b"* 1 EXPUNGE",
                               head + b"(1 1)", b"* 1 EXPUNGE"])

    def test_same_keys_are_in_mailbox_order(self):
        c = self.select_new([message("x") for _ in range(4)])
        c.ok("STORE 2:3 +FLAGS.SILENT (\\Flagged)")
        tag, _ = self.start(
            c, "SORT RETURN (UPDATE) (SUBJECT) UTF-8 FLAGGED")
        self.assertEqual(self.news(c, "STORE 4 +FLAGS (\\Flagged)"),
                         ['(TAG "%s") ADDTO (3 4)' % tag])
        self.assertEqual(self.news(c, "STORE 1 +FLAGS (\\Flagged)"),
                         ['(TAG "%s") ADDTO (1 1)' % tag])


if __name__ == "__main__":
    unittest.main()
