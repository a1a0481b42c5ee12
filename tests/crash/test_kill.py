"""kill -9 at random moments under mixed load; after each, the server starts
on the same directory and must have kept every promise.

POSTERN_CRASH_ROUNDS (default 12) and POSTERN_CRASH_SEED may be set.
"""

import os
import random
import subprocess
import sys
import time
import unittest
import warnings

from load import SLOW, Audit, Ledger, Lost, Server, join_all, start_load
from postern import PREFIX

ROUNDS = int(os.environ.get("POSTERN_CRASH_ROUNDS", "12"))
SEED = int(os.environ.get("POSTERN_CRASH_SEED", str(random.randrange(10**6))))


class Kill(unittest.TestCase):
    def setUp(self):
        # of connections that ended within a constructor
        warnings.simplefilter("ignore", ResourceWarning)
        self.server = Server(users=3, set=(
            "auth.failure_delay=10", "log.level=warning"))
        self.addCleanup(self.server.clean)
        self.addCleanup(self.kill)

    def kill(self):
        if self.server.process is not None:
            self.server.kill()

    def die_while_starting(self, rng):
        """A start that is over before it is done."""
        p = subprocess.Popen(
            [os.path.join(PREFIX, "sbin/posternd"), "--sandbox",
             self.server.dir, "--ports", "auto"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.random() * 0.06 * SLOW)
        p.kill()
        p.wait()

    def test_kill_at_any_moment(self):
        ledger = Ledger(3)
        rng = random.Random(SEED)
        round_ = 0
        try:
            for round_ in range(1, ROUNDS + 1):
                self.server.start()
                workers = start_load(self.server, ledger, rng.random())
                time.sleep(rng.choice((0.15, 0.5, 1.5, 3)) * rng.random() *
                           SLOW + 0.1)
                self.server.kill()
                join_all(workers)
                if rng.random() < 0.25:
                    self.die_while_starting(rng)
                self.server.start()
                audit = Audit(self.server, ledger)
                messages = audit.run()
                if messages > 700:
                    audit.thin_out(40)
                print("round %d: %d messages" % (round_, messages),
                      file=sys.stderr)
                if rng.random() < 0.5:
                    self.server.kill()
                else:
                    self.assertEqual(self.server.stop(), 0)
            self.server.start()
            Audit(self.server, ledger).run()
            self.assertEqual(self.server.stop(), 0)
        except (Lost, RuntimeError) as e:
            self.fail("round %d, seed %d: %s\n%s" % (
                round_, SEED, e, self.server.log()[-3000:]))
        print("seed %d, %s" % (SEED, ", ".join(
            "%d %s" % (n, what) for what, n in sorted(
                ledger.counts.items()))), file=sys.stderr)
        for what in ("delivered", "appended", "copied", "moved", "expunged",
                     "created", "renamed", "deleted", "flags"):
            if ROUNDS >= 10:
                self.assertGreater(ledger.counts.get(what, 0), 0, what)


if __name__ == "__main__":
    unittest.main()
