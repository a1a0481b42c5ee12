"""The throw-away PostgreSQL of the tests: databases made quickly, taken away
and brought back, and nothing left behind whatever happens."""

import os
import signal
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SUPPORT = os.path.join(HERE, "..", "support")
sys.path.append(SUPPORT)
import cluster  # noqa: E402

OWNER = """
import cluster, sys
c = cluster.new()
print(c.dir, c.pid(), flush=True)
sys.stdin.read()
"""


@unittest.skipUnless(cluster.programs(), "PostgreSQL is not installed")
class Cluster(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cluster.new()
        cls.addClassCleanup(cls.cluster.close)

    def test_databases_are_copies_of_a_template(self):
        c = self.cluster
        filled = []

        def fill(conninfo):
            filled.append(conninfo)
            c.sql("CREATE TABLE t AS SELECT 7 AS n", cluster.TEMPLATE
                  + "_being_made", cluster.USER)
        for name in ("one", "two"):
            c.create(name, c.template(fill))
            self.assertEqual(c.sql("SELECT n FROM t", name, cluster.USER),
                             "7\n")
        self.assertEqual(len(filled), 1)
        c.sql("UPDATE t SET n = 8", "one", cluster.USER)
        self.assertEqual(c.sql("SELECT n FROM t", "two"), "7\n")
        c.drop("one")
        self.assertFalse(c.exists("one"))

    def test_comes_back_after_a_stop_and_a_kill(self):
        c = self.cluster
        c.create("lasting")
        c.sql("CREATE TABLE t AS SELECT 1 AS n", "lasting", cluster.USER)
        c.restart()
        self.assertEqual(c.sql("SELECT n FROM t", "lasting"), "1\n")
        c.sql("UPDATE t SET n = 2", "lasting")
        c.kill()
        self.assertIsNone(c.pid())
        with self.assertRaises(RuntimeError):
            c.sql("SELECT 1")
        c.start()
        self.assertEqual(c.sql("SELECT n FROM t", "lasting"), "2\n")

    def test_users_are_no_superusers(self):
        self.assertEqual(self.cluster.sql(
            "SELECT rolsuper FROM pg_roles WHERE rolname = 'postern'"), "f\n")

    def test_is_gone_after_its_owner_was_killed(self):
        p = subprocess.Popen([sys.executable, "-c", OWNER],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             env={**os.environ, "PYTHONPATH": SUPPORT})
        with p:
            dir, pid = p.stdout.readline().split()
            self.assertTrue(os.path.isdir(dir))
            p.send_signal(signal.SIGKILL)
        end = time.monotonic() + cluster.WAIT
        while os.path.exists(dir):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)
        self.assertTrue(cluster.is_gone(int(pid)))


if __name__ == "__main__":
    unittest.main()
