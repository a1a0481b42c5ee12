"""INPROGRESS (RFC 9585)."""

import re
import unittest

from imap_client import Case, message


class InProgress(Case):
    settings = ("imap.progress_time=1",)

    def test_long_search(self):
        c = self.login()
        self.assertIn(b" INPROGRESS", c.ok("CAPABILITY")[0])
        c.ok("CREATE " + self.box)
        c.append(message("big", "na \r\n" * 400000), self.box)
        c.ok("SELECT " + self.box)
        n = 1
        while True:
            c.send("s%d SEARCH NOT BODY ana-ananas\r\n" % n)
            untagged, tagged = c.finish("s%d" % n)
            self.assertTrue(tagged.startswith(b"OK"))
            told = [r for r in untagged if b"INPROGRESS" in r]
            if told or n > 4000:
                break
            c.ok("COPY 1:* " + self.box)  # twice as many
            n *= 2
        self.assertTrue(told, n)
        done = []
        for r in told:
            m = re.match(rb'\* OK \[INPROGRESS \("s%d" (\d+) %d\)\] ' % (n, n),
                         r)
            self.assertTrue(m, r)
            done.append(int(m.group(1)))
        self.assertEqual(done, sorted(done))
        self.assertLessEqual(done[-1], n)
        self.assertTrue(untagged[-1].startswith(b"* SEARCH 1 2"))

    def test_short_ones_are_silent(self):
        c = self.select_new([message()])
        self.assertEqual(c.ok("SEARCH TEXT nothing"), [b"* SEARCH"])


if __name__ == "__main__":
    unittest.main()
