"""kill -9 at random moments under mixed load; after each, the server starts
on the same directory and must have kept every promise.

POSTERN_CRASH_ROUNDS (default 40) and POSTERN_CRASH_SEED may be set.
"""

import os
import random
import subprocess
import sys
import threading
import time
import unittest
import warnings

from load import (GONE, SLOW, Audit, Client, Ledger, Lost, Server, join_all,
                  start_load)
from postern import PREFIX

ROUNDS = int(os.environ.get("POSTERN_CRASH_ROUNDS", "40"))
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

    def log_in_all(self, numbers):
        """First logins: each of them makes an account."""
        for n in numbers:
            try:
                with Client(self.server, timeout=30) as c:
                    c.login(n).ok("SELECT INBOX")
            except GONE:
                return

    def test_kill_while_accounts_are_made(self):
        """A new user has all mailboxes in the end, whenever that was cut
        off."""
        rng = random.Random(SEED)
        users = 24
        want = {b"INBOX", b"Sent", b"Drafts", b"Junk", b"Trash", b"Archive"}
        for round_ in range(max(2, ROUNDS // 5)):
            server = self.server = Server(users=users, set=(
                "log.level=warning",))
            self.addCleanup(server.clean)
            server.start()
            threads = [threading.Thread(
                target=self.log_in_all, args=(range(i, users, 4),))
                for i in range(4)]
            for t in threads:
                t.start()
            time.sleep(rng.random() * 0.12 * SLOW)
            server.kill()
            for t in threads:
                t.join()
            server.start()
            for n in range(users):
                with Client(server) as c:
                    c.login(n)
                    for command in ("LIST", "LSUB"):
                        got = {r.rsplit(b" ", 1)[1].strip(b'"')
                               for r in c.ok(command + ' "" *')}
                        self.assertEqual(
                            got, want, "round %d, seed %d, user %d, %s" % (
                                round_, SEED, n + 1, command))
            self.assertEqual(server.stop(), 0)
            server.clean()


if __name__ == "__main__":
    unittest.main()
