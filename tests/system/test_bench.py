"""`make bench` still works: all of its cells on small mailboxes, Postern alone,
and the load generator notices wrong answers. POSTERN_BUILD names the build
tree; no times are looked at."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../support"))
sys.path.insert(0, os.path.join(HERE, "../bench"))
import cells  # noqa: E402
import nameserver  # noqa: E402
from postern import PREFIX, SLOW, Server  # noqa: E402

BUILD = os.environ.get("POSTERN_BUILD")
BENCH = os.path.join(HERE, "../bench/bench.py")


@unittest.skipUnless(BUILD, "POSTERN_BUILD is not set")
class Bench(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        subprocess.run(["make", "-C", BUILD, "-s", "tests/bench/bench_load"],
                       check=True, capture_output=True, timeout=300)
        cls.load = os.path.join(BUILD, "tests/bench/bench_load")
        cls.dir = tempfile.mkdtemp(prefix="postern-bench-test-")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.dir, ignore_errors=True)

    def bench(self, **env):
        return subprocess.run(
            [sys.executable, BENCH, self.load, PREFIX],
            env={**os.environ, "BENCH_PEER": "none", "BENCH_DIR": self.dir,
                 "BENCH_ROUNDS": "1", **env},
            capture_output=True, text=True, timeout=240 * SLOW)

    def run_load(self, *args):
        return subprocess.run([self.load, *[str(a) for a in args]],
                              capture_output=True, text=True, timeout=60)

    def left_behind(self):
        return [n for n in os.listdir(self.dir)
                if n.startswith("postern-bench-")]

    def test_every_cell(self):
        out = os.path.join(self.dir, "all.json")
        p = self.bench(BENCH_SCALE="0.005", BENCH_JSON=out)
        self.assertEqual(p.returncode, 0, p.stdout + p.stderr)
        with open(out) as f:
            results = json.load(f)
        self.assertEqual([r["cell"] for r in results],
                         [c.name for c in cells.CELLS])
        for r in results:
            self.assertEqual(r["void"], {}, r)
            self.assertEqual(len(r["runs"]["postern"]), 1, r)
            self.assertGreater(r["runs"]["postern"][0]["wall"], 0, r)
            if r["cell"] != "idle":
                self.assertIn(r["cell"], p.stdout)
        self.assertIn("idle-memory", p.stdout)
        self.assertIn("idle-exists", p.stdout)
        self.assertEqual(self.left_behind(), [])

    def test_over_tls(self):
        p = self.bench(BENCH_SCALE="0.005", BENCH_TLS="1",
                       BENCH_CELLS="login|fetch-body")
        self.assertEqual(p.returncode, 0, p.stdout + p.stderr)
        self.assertRegex(p.stdout, r"(?m)^login-select-logout +\d")
        self.assertRegex(p.stdout, r"(?m)^fetch-body +\d")

    def test_large_mailbox(self):
        p = self.bench(BENCH_SCALE="0.001", BENCH_LARGE="1")
        self.assertEqual(p.returncode, 0, p.stdout + p.stderr)
        for step in ("select_first", "page_partial", "search_again",
                     "memory_selected"):
            self.assertRegex(p.stdout, r"(?m)^%s +\d" % step)

    @unittest.skipUnless(nameserver.available(), "not installed: nsd")
    def test_queue(self):
        subprocess.run(["make", "-C", BUILD, "-s", "tests/bench/bench_smtp"],
                       check=True, capture_output=True, timeout=300)
        out = os.path.join(self.dir, "queue.json")
        p = subprocess.run(
            [sys.executable, os.path.join(HERE, "../bench/bench_queue.py"),
             os.path.join(BUILD, "tests/bench/bench_smtp"), PREFIX],
            env={**os.environ, "BENCH_PEER": "none", "BENCH_DIR": self.dir,
                 "BENCH_ROUNDS": "1", "BENCH_SCALE": "0.01",
                 "BENCH_JSON": out},
            capture_output=True, text=True, timeout=240 * SLOW)
        self.assertEqual(p.returncode, 0, p.stdout + p.stderr)
        with open(out) as f:
            results = json.load(f)
        self.assertEqual(list(results), [
            "relay", "out", "nine-of-ten", "nine-one-refuses",
            "nine-one-silent"])
        for name in results:
            self.assertIn(name, p.stdout)
        self.assertEqual(self.left_behind(), [])

    def test_unknown_cell(self):
        p = self.bench(BENCH_CELLS="no-such-cell")
        self.assertNotEqual(p.returncode, 0)
        self.assertIn("fetch-envelope-warm", p.stderr)

    def test_same_mail_each_time(self):
        facts = []
        for name in ("one", "two"):
            p = self.run_load("make", "--dir", os.path.join(self.dir, name),
                              "--count", 200)
            self.assertEqual(p.returncode, 0, p.stderr)
            facts.append(p.stdout)
        self.assertEqual(facts[0], facts[1])
        a, b = (os.path.join(self.dir, n, "cur") for n in ("one", "two"))
        self.assertEqual(sorted(os.listdir(a)), sorted(os.listdir(b)))
        for name in os.listdir(a):
            with open(os.path.join(a, name), "rb") as f, \
                    open(os.path.join(b, name), "rb") as g:
                content = f.read()
                self.assertEqual(content, g.read())
            self.assertIn(",S=%d,W=%d:" % (
                len(content), len(content) + content.count(b"\n")), name)

    def test_wrong_answers_are_noticed(self):
        source = os.path.join(self.dir, "source")
        made = self.run_load("make", "--dir", source, "--count", 30)
        octets = int(made.stdout.splitlines()[-1].split()[0])
        with Server() as server:
            server.stop()
            box = server.maildir("user1@example.test")
            shutil.rmtree(box, ignore_errors=True)
            os.makedirs(os.path.dirname(box), exist_ok=True)
            p = self.run_load("fill", "--dir", source, "--mailbox", box,
                              "--count", 30, "--style", "plain")
            self.assertEqual(p.returncode, 0, p.stderr)
            server.start()
            where = ["--imap", server.ports["imap"], "--pid", server.pid]
            for count, size, word in ((30, octets, None),
                                      (29, octets, "messages"),
                                      (30, octets - 1, "octets")):
                p = self.run_load("check", *where, "--count", count,
                                  "--octets", size)
                self.assertEqual(p.returncode, 1 if word else 0, p.stderr)
                if word:
                    self.assertTrue(re.search(word, p.stderr), p.stderr)
            p = self.run_load("search", *where, "--count", 30, "--octets", 31,
                              "--word", "UID SEARCH ALL")
            self.assertEqual((p.returncode, p.stderr),
                             (1, "numbers: 30, not 31\n"))


if __name__ == "__main__":
    unittest.main()
