"""kill -9 at random moments while mail comes in and goes out: all that was taken
arrives, and what arrives twice is counted. A message may only do so when the
server was killed between the other side's last answer and the record of it, so
once a kill for each connection at most.

POSTERN_QUEUE_MESSAGES (default 1000), POSTERN_QUEUE_KILLS (default 8) and
POSTERN_CRASH_SEED may be set; POSTERN_BUILD names the build tree.
"""

import base64
import os
import random
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../bench"))
from bench_queue import Sink  # noqa: E402
from nameserver import NameServer, available, free_port  # noqa: E402
from postern import SLOW, Server  # noqa: E402

BUILD = os.environ.get("POSTERN_BUILD")
MESSAGES = int(os.environ.get("POSTERN_QUEUE_MESSAGES", "1000"))
KILLS = int(os.environ.get("POSTERN_QUEUE_KILLS", "8"))
SEED = int(os.environ.get("POSTERN_CRASH_SEED", str(random.randrange(10**6))))
HOSTS = 10
AT_ONCE = 3  # connections to each


@unittest.skipUnless(BUILD and available(),
                     "POSTERN_BUILD is not set, or not installed: nsd")
class Queue(unittest.TestCase):
    def setUp(self):
        subprocess.run(["make", "-C", BUILD, "-s", "tests/bench/bench_smtp"],
                       check=True, capture_output=True, timeout=600)
        self.program = os.path.join(BUILD, "tests/bench/bench_smtp")
        port = free_port()
        self.sink = Sink(self.program, port, HOSTS)
        self.addCleanup(self.sink.stop)
        self.sink.order("refuse 0")
        lines = []
        for i in range(1, HOSTS + 1):
            lines += ["d%d MX 10 mx%d" % (i, i), "mx%d A 127.0.1.%d" % (i, i)]
        names = NameServer({"bench.test": lines})
        names.start()
        self.addCleanup(names.stop)
        self.port = free_port()
        self.server = Server(users=1, set=[
            "queue.enabled=true", "queue.ipv6=false",
            "queue.port=%d" % port, "queue.at_once=%d" % AT_ONCE,
            "queue.retry_first=1", "queue.retry_most=1",
            "queue.sleep_first=1", "queue.sleep_most=1",
            "listener.submission.port=%d" % self.port,
            "log.level=warning", "dns.validate=false", *names.settings()])
        self.addCleanup(self.server.clean)
        self.addCleanup(self.end)
        self.rng = random.Random(SEED)

    def end(self):
        if self.server.process is not None:
            self.server.kill()

    def kill_at_random(self, most):
        time.sleep(self.rng.random() * most * SLOW)
        self.server.kill()
        self.server.start()

    def retry(self):
        p = subprocess.run(
            [os.path.join(os.environ.get(
                "POSTERN_PREFIX", os.path.join(BUILD, "install")),
                "sbin/posternctl"), "--sandbox", self.server.dir, "--json",
             "queue", "retry", "--all"], capture_output=True, timeout=60)
        self.assertEqual(p.returncode, 0, p.stderr)

    def send(self, taken):
        auth = base64.b64encode(
            b"\0user1@example.test\0" + self.server.password.encode())
        return subprocess.Popen(
            [self.program, "send", "--port", str(self.port), "--messages",
             str(MESSAGES), "--domains", str(HOSTS), "--auth", auth.decode(),
             "--patience", str(120 * SLOW), "--taken", taken])

    def counts(self):
        messages, distinct = self.sink.order("report")[:2]
        return int(messages), int(distinct)

    def test_nothing_is_lost(self):
        with tempfile.TemporaryDirectory(prefix="postern-test-") as dir:
            taken = os.path.join(dir, "taken")
            self.server.start()
            sender = self.send(taken)
            kills = 0
            # While mail comes in, and none can leave; then it can, too.
            while sender.poll() is None:
                if kills < KILLS - KILLS // 4:
                    self.kill_at_random(MESSAGES / 1000 / KILLS)
                    kills += 1
                    if kills == KILLS // 4:
                        self.sink.order("take 0")
                time.sleep(0.05)
            self.assertEqual(sender.returncode, 0)
            self.sink.order("take 0")
            end = time.monotonic() + 300 * SLOW
            while int(self.sink.order("missing " + taken)[0]) > 0:
                self.assertLess(time.monotonic(), end, "%d of %d are lost" % (
                    int(self.sink.order("missing " + taken)[0]), MESSAGES))
                if kills < KILLS:
                    self.kill_at_random(MESSAGES / 5000 / KILLS)
                    kills += 1
                self.retry()
                time.sleep(0.1)
            messages, distinct = self.counts()
            print("%d taken, %d kills, %d arrived, %d of them again" % (
                MESSAGES, kills, messages, messages - distinct),
                file=sys.stderr)
            self.assertLessEqual(messages - distinct, kills * HOSTS * AT_ONCE,
                                 "seed %d" % SEED)
            self.assertNotIn("queue-damaged", self.server.log())


if __name__ == "__main__":
    unittest.main()
