"""A client that loses its connection again and again and resynchronises by
QRESYNC (RFC 7162, 6) ends up with the truth, whatever others did meanwhile."""

import random
import re
import threading
import time
import unittest

from imap_client import Case, Client, message

ROUNDS = 60


class Cache:
    """What a client remembers."""

    def __init__(self):
        self.validity = 0
        self.modseq = 0
        self.flags = {}  # by uid
        self.all_below = 0  # uids that it has asked for

    def numbers(self, text):
        uids = set()
        for part in text.split(b","):
            first, _, last = part.partition(b":")
            uids |= set(range(int(first), int(last or first) + 1))
        return uids

    def take(self, untagged, tagged):
        """The rules of section 6."""
        seen, told = 0, None
        for r in untagged + [b"* " + tagged]:
            m = re.search(rb"\[HIGHESTMODSEQ (\d+)\]", r)
            if m:
                told = int(m.group(1))
            m = re.search(rb"\[UIDVALIDITY (\d+)\]", r)
            if m:
                self.validity = int(m.group(1))
            m = re.match(rb"\* VANISHED (?:\(EARLIER\) )?([\d,:]+)$", r)
            if m:
                for uid in self.numbers(m.group(1)):
                    self.flags.pop(uid, None)
            m = re.match(rb"\* \d+ FETCH \((.*)\)$", r)
            if not m:
                continue
            uid = re.search(rb"UID (\d+)", r)
            modseq = re.search(rb"MODSEQ \((\d+)\)", r)
            flags = re.search(rb"FLAGS \(([^)]*)\)", r)
            if modseq:
                seen = max(seen, int(modseq.group(1)))
            if uid and flags:
                self.flags[int(uid.group(1))] = set(
                    flags.group(1).split()) - {b"\\Recent"}
        if told is not None:
            self.modseq = told
        elif seen > self.modseq:
            self.modseq = seen


class Model(Case):
    def mutate(self, seed, stop, errors):
        rng = random.Random(seed)
        try:
            with Client(self.server) as c:
                c.login()
                c.ok("SELECT " + self.box)
                while not stop.is_set():
                    kind = rng.random()
                    count = len(c.ok("UID SEARCH ALL")[0].split()) - 2
                    n = rng.randint(1, max(count, 1))
                    if kind < 0.3 or count < 10:
                        c.append(message("m"), self.box)
                    elif kind < 0.75:
                        c.cmd("STORE %d %sFLAGS.SILENT (%s)" % (
                            n, rng.choice(["", "+", "-"]),
                            rng.choice(["\\Seen", "\\Flagged", "$x y"])))
                    elif kind < 0.9:
                        c.cmd("STORE %d +FLAGS.SILENT (\\Deleted)" % n)
                        c.cmd("EXPUNGE")
                    else:
                        c.cmd("UID MOVE %d:* %s" % (
                            rng.randint(1, 10 ** 4), self.box))
        except Exception as e:  # shown by the test
            errors.append(e)

    def resync(self, cache):
        c = self.login()
        c.ok("ENABLE QRESYNC")
        text = "SELECT " + self.box
        if cache.validity:
            text += " (QRESYNC (%d %d))" % (cache.validity, cache.modseq or 1)
        got = c.cmd(text)
        self.assertOk(got)
        cache.take(*got)
        self.find_new(c, cache)
        return c

    def find_new(self, c, cache):
        """Messages that came meanwhile are for the client to ask for."""
        got = c.cmd("UID FETCH %d:* (FLAGS MODSEQ)" % (cache.all_below + 1))
        cache.take(*got)
        for r in got[0]:
            m = re.match(rb"\* \d+ FETCH \(UID (\d+) FLAGS", r)
            if m:
                cache.all_below = max(cache.all_below, int(m.group(1)))

    def test_truth(self):
        rng = random.Random(7162)
        c = self.login()
        c.ok("CREATE " + self.box)
        for i in range(15):
            c.append(message("m%d" % i), self.box)
        stop, errors = threading.Event(), []
        threads = [threading.Thread(target=self.mutate, args=(i, stop, errors))
                   for i in range(2)]
        for t in threads:
            t.start()
        cache = Cache()
        try:
            c = self.resync(cache)
            for _ in range(ROUNDS):
                for _ in range(rng.randint(0, 4)):
                    text = rng.choice((
                        "NOOP", "STORE 1 +FLAGS (\\Answered)",
                        "FETCH 1:3 (UID FLAGS MODSEQ)",
                        "UID FETCH 1:* (FLAGS MODSEQ)", "SEARCH ALL",
                        "STORE 2 -FLAGS.SILENT (\\Answered)", "CHECK"))
                    cache.take(*c.cmd(text))
                if rng.random() < 0.5:
                    c.close()
                    c = self.resync(cache)
                time.sleep(rng.random() * 0.02)
        finally:
            stop.set()
            for t in threads:
                t.join()
        self.assertEqual(errors, [])
        c.close()
        c = self.resync(cache)
        truth = Cache()
        truth.take(*c.cmd("UID FETCH 1:* (FLAGS MODSEQ)"))
        self.assertEqual(set(cache.flags), set(truth.flags))
        # \\Answered is set in silence by this client itself.
        wrong = {uid: (cache.flags[uid], f) for uid, f in truth.flags.items()
                 if (cache.flags[uid] ^ f) - {b"\\Answered"}}
        self.assertEqual(wrong, {})


if __name__ == "__main__":
    unittest.main()
