"""What the client keeps on the server for a user."""

import os
import subprocess
import threading
import time
import unittest

import cluster
from browser import Browser
from postern import SLOW, Server


class Settings(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server().start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.clean()

    def browser(self, user):
        browser = Browser(self.server)
        self.addCleanup(browser.close)
        self.assertEqual(browser.login(user, self.server.password), 200)
        return browser

    def test_merged_and_kept(self):
        a, b = (self.browser(user) for user in self.server.users)
        self.assertEqual(a.ask("GET", "/web/settings")[1], {})
        status, root, answer = a.ask(
            "PATCH", "/web/settings",
            {"labels": {"büro": {"hue": 3}}, "imagesFrom": ["a@b.example"]})
        self.assertEqual(status, 200)
        self.assertEqual(answer.getheader("Cache-Control"), "no-store")
        a.ask("PATCH", "/web/settings", {"imagesFrom": None, "x": 1})
        self.server.stop()
        self.server.start()
        again = self.browser(self.server.users[0])
        self.assertEqual(again.ask("GET", "/web/settings")[1],
                         {"labels": {"büro": {"hue": 3}}, "x": 1})
        self.assertEqual(
            self.browser(self.server.users[1]).ask("GET", "/web/settings")[1],
            {})

    def test_many_at_once(self):
        """Each changes something else of the same, or of another user's:
        nothing gets lost."""
        jobs, problems = [], []

        def change(browser, user, n):
            for i in range(20):
                status, root, _ = browser.ask(
                    "PATCH", "/web/settings", {"of%d" % n: i})
                if status != 200 or root["of%d" % n] != i:
                    problems.append((user, n, i, status, root))
        for user in self.server.users:
            for n in range(4):
                jobs.append(threading.Thread(
                    target=change, args=(self.browser(user), user, n)))
        for job in jobs:
            job.start()
        for job in jobs:
            job.join()
        self.assertEqual(problems, [])
        for user in self.server.users:
            root = self.browser(user).ask("GET", "/web/settings")[1]
            self.assertEqual({k: v for k, v in root.items()
                              if k.startswith("of")},
                             {"of%d" % n: 19 for n in range(4)})
            self.browser(user).ask("PATCH", "/web/settings", {
                "of%d" % n: None for n in range(4)})

    def test_limits(self):
        a = self.browser(self.server.users[1])
        for root in ("[]", "{", '{"a": 1, "a": 2}'):
            self.assertEqual(a.ask("PATCH", "/web/settings", root)[0], 400)
        self.assertEqual(
            a.ask("PATCH", "/web/settings", {"x": "y" * 70000})[0], 422)
        self.assertEqual(
            a.ask("PATCH", "/web/settings", {"x": "y" * 60000})[0], 200)
        self.assertEqual(
            a.ask("PATCH", "/web/settings", {"z": "y" * 60000})[0], 422)
        self.assertEqual(len(a.ask("GET", "/web/settings")[1]["x"]), 60000)
        a.ask("PATCH", "/web/settings", {"x": None})
        a.ours = False
        self.assertIn(a.ask("PATCH", "/web/settings", {"x": 1})[0],
                      (401, 403))
        stranger = Browser(self.server)
        self.addCleanup(stranger.close)
        self.assertEqual(stranger.ask("GET", "/web/settings")[0], 401)


@unittest.skipUnless(cluster.programs(), "no PostgreSQL")
class Slow(unittest.TestCase):
    """The storage does not answer for one user."""

    def waiting(self):
        """How many of the server's statements wait for a lock."""
        return int(self.sql("SELECT count(*) FROM pg_stat_activity WHERE"
                            " wait_event_type = 'Lock'"
                            " AND datname = current_database()"))

    def sql(self, text):
        return cluster.cluster().sql(text, self.database)

    def test_others_do_not_wait(self):
        self.database = "settings_%d" % os.getpid()
        conninfo = cluster.cluster().create(self.database)
        self.addCleanup(cluster.cluster().drop, self.database)
        server = Server(storage="postgresql:" + conninfo)
        self.addCleanup(server.clean)
        self.addCleanup(server.stop)
        server.start()
        browsers = []
        for user in (server.users[0], server.users[0], server.users[1]):
            browsers.append(Browser(server))
            self.addCleanup(browsers[-1].close)
            self.assertEqual(browsers[-1].login(user, server.password), 200)
            self.assertEqual(browsers[-1].ask(
                "PATCH", "/web/settings", {"first": True})[0], 200)
        other = subprocess.Popen(
            [os.path.join(cluster.cluster().bin, "psql"), "-X", "-q", "-A",
             "-t", "-v", "ON_ERROR_STOP=1", "-d", cluster.cluster().conninfo(
                 self.database, cluster.ADMIN)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(other.wait)
        self.addCleanup(other.stdout.close)
        self.addCleanup(other.stdin.close)
        other.stdin.write("BEGIN; SELECT 'locked' FROM postern.account"
                          " WHERE name ="
                          " '%s' FOR UPDATE;\n" % server.users[0])
        other.stdin.flush()
        self.assertEqual(other.stdout.readline(), "locked\n")
        got = []
        jobs = [threading.Thread(target=lambda b=b, n=n: got.append(
            b.ask("PATCH", "/web/settings", {"late%d" % n: n})[0]))
            for n, b in enumerate(browsers[:2])]
        for job in jobs:
            job.start()
        end = time.monotonic() + 30 * SLOW
        while not self.waiting():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)
        for i in range(3):
            self.assertEqual(browsers[2].ask(
                "PATCH", "/web/settings", {"second": i})[0], 200)
        self.assertEqual(got, [])
        other.stdin.write("COMMIT;\n")
        other.stdin.flush()
        for job in jobs:
            job.join()
        self.assertEqual(got, [200, 200])
        self.assertEqual(browsers[0].ask("GET", "/web/settings")[1],
                         {"first": True, "late0": 0, "late1": 1})
        self.assertEqual(browsers[2].ask("GET", "/web/settings")[1],
                         {"first": True, "second": 2})


if __name__ == "__main__":
    unittest.main()
