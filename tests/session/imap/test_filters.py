"""FILTERS (RFC 5466): searches that are kept by name. They are set with
SETMETADATA."""

import unittest

from imap_client import Case, message


class Filters(Case):
    settings = (
        "filter.work.search=OR SUBJECT m4 SUBJECT m1",
        "filter.work.description=At work",
        "filter.half.search=OR SMALLER 5000",
        "filter.broken.search=SEEN)",
        "filter.loop.search=SEEN FILTER pool",
        "filter.pool.search=FILTER loop",
    )

    def setUp(self):
        super().setUp()
        c = self.c = self.select_new(
            [message("m%d" % i) for i in range(1, 5)])
        c.ok("STORE 1:2 FLAGS.SILENT (\\Flagged)")
        c.ok("STORE 2:3 FLAGS.SILENT (\\Seen \\Flagged)")


    def keep(self, name, value, root="private"):
        self.c.ok("SETMETADATA \"\" (/%s/filters/values/%s %s)" % (
            root, name, "NIL" if value is None
            else '"%s"' % value.replace('"', '\\"')))

    def found(self, keys):
        return [int(n) for n in self.c.ok("SEARCH " + keys)[0].split()[2:]]

    def test_announced(self):
        self.assertIn(b"FILTERS", self.c.ok("CAPABILITY")[0].split())

    def test_use(self):
        self.keep("both", "SEEN FLAGGED")
        self.keep("either", 'OR SUBJECT "m4" SUBJECT m1')
        self.keep("outer", "NOT FILTER either FILTER both")
        self.assertEqual(self.found("FILTER both"), [2, 3])
        self.assertEqual(self.found("1:2 FILTER both ALL"), [2])
        self.assertEqual(self.found("FILTER either"), [1, 4])
        self.assertEqual(self.found("FILTER outer"), [2, 3])
        # Verbatim: only the first key belongs to NOT.
        self.assertEqual(self.found("NOT FILTER both"), [1])
        self.assertEqual(self.found("NOT (FILTER both)"), [1, 4])
        self.assertEqual(self.found("CHARSET UTF-8 FILTER both"), [2, 3])
        self.assertEqual(
            self.c.ok("SORT (REVERSE SUBJECT) UTF-8 FILTER both"),
            [b"* SORT 3 2"])

    def test_example(self):
        self.c.ok('SETMETADATA "" ("/private/filters/values/on-the-road" '
                  '"OR SMALLER 5000 FROM \\"boss@example.com\\"")')
        self.assertEqual(
            self.found('UID 3:900 FILTER on-the-road SINCE "3-Dec-2002"'),
            [3, 4])

    def test_private_comes_first(self):
        self.assertEqual(self.found("FILTER work"), [1, 4])
        self.keep("work", "2")
        self.assertEqual(self.found("FILTER WORK"), [2])
        self.keep("work", None)
        self.assertEqual(self.found("FILTER work"), [1, 4])

    def test_shared_are_entries(self):
        c = self.c
        self.assertEqual(
            c.ok('GETMETADATA "" (/shared/filters/values/work '
                 '/shared/filters/descriptions/work '
                 '/shared/filters/descriptions/half)'),
            [b'* METADATA "" (/shared/filters/values/work '
             b'"OR SUBJECT m4 SUBJECT m1" '
             b'/shared/filters/descriptions/work "At work" '
             b'/shared/filters/descriptions/half NIL)'])
        got = c.ok('GETMETADATA (DEPTH 1) "" /shared/filters/values')[0]
        self.assertEqual(got.count(b"/shared/filters/values/"), 5)
        self.assertNotIn(b"descriptions", got)
        self.assertNo(c.cmd('SETMETADATA "" (/shared/filters/values/x "ALL")'),
                      "NOPERM")

    def test_set_and_remove(self):
        self.keep("which", "2")
        self.assertEqual(self.found("FILTER WHICH"), [2])
        self.keep("which", "3")
        self.assertEqual(self.found("FILTER which"), [3])
        self.keep("which", None)
        self.assertNo(self.c.cmd("SEARCH FILTER which"),
                      "UNDEFINED-FILTER which")

    def test_undefined(self):
        c = self.c
        self.keep("around", "SEEN FILTER there-and-back")
        self.keep("there-and-back", "FILTER around")
        for name in "none", "loop", "pool", "around":
            got = c.cmd("SEARCH FILTER " + name)
            self.assertNo(got)
            self.assertIn(b"[UNDEFINED-FILTER ", got[1])
        for name in "half SEEN", "broken":
            self.assertNo(c.cmd("SEARCH FILTER " + name), "CANNOT")
        c.ok("SEARCH RETURN (SAVE) ALL")
        self.assertNo(c.cmd("SEARCH RETURN (SAVE) FILTER none"))
        self.assertEqual(c.ok("SEARCH $"), [b"* SEARCH"])

    def test_only_searches_are_kept(self):
        for value in ("OR SMALLER 5000", "SEEN)", "", "SEEN ", "NONSENSE 1",
                      "CHARSET UTF-8 ALL", "SUBJECT", "(SEEN"):
            self.assertNo(self.c.cmd(
                'SETMETADATA "" (/private/filters/values/x "%s")' % value),
                "CANNOT")
        self.keep("x", "SEEN (FLAGGED)")
        self.assertEqual(self.found("FILTER x"), [2, 3])

    def test_charset(self):
        self.keep("both", "SEEN FLAGGED")
        got = self.c.cmd("SEARCH CHARSET iso-8859-1 FILTER both")
        self.assertBad(got)
        self.assertIn(b"[BADCHARSET", got[1])
        for text in ("FILTER", "FILTER a/b", "FILTER \"both\"",
                     "FILTER (both)"):
            self.assertBad(self.c.cmd("SEARCH " + text))


if __name__ == "__main__":
    unittest.main()
