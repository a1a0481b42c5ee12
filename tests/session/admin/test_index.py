"""posternctl index: status and rebuild."""

import json
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../imap"))

from imap_client import Client, message
import postern


class Index(unittest.TestCase):
    def start(self, *settings):
        server = postern.Server(set=["search.delay=0", *settings])
        self.addCleanup(server.clean)
        server.start()
        self.addCleanup(server.stop)
        return server

    def fill(self, server, n=30):
        c = Client(server).login()
        self.addCleanup(c.close)
        c.ok("CREATE box")
        for i in range(n):
            c.append(message("m", "hello %d\r\n" % i), "box")
        c.ok("SELECT box")
        c.ok("SEARCH TEXT hello")
        return c

    def rows(self, server, *args):
        p = server.ctl("--json", "index", "status", *args)
        self.assertEqual(p.returncode, 0, p.stderr)
        return json.loads(p.stdout)

    def wait(self, server, want):
        end = time.monotonic() + 20 * postern.SLOW
        while True:
            row = self.rows(server, server.users[0], "box")[0]
            if want(row):
                return row
            self.assertLess(time.monotonic(), end, row)
            time.sleep(0.02)

    def test_status_and_rebuild(self):
        server = self.start()
        self.fill(server)
        row = self.wait(server, lambda r: r["indexed"] == 30)
        self.assertGreater(row["size"], 0)
        self.assertTrue(row["kept"])
        all = self.rows(server, server.users[0])
        self.assertIn(("INBOX", 0), [(r["mailbox"], r["size"]) for r in all])
        if postern.STORAGE == "maildir":
            folder = os.path.join(server.maildir(server.users[0]), ".box",
                                  "postern.text")
            old = os.path.join(folder, os.listdir(folder)[0])
            made = os.stat(old).st_mtime_ns
        p = server.ctl("index", "rebuild", server.users[0], "box")
        self.assertEqual((p.returncode, p.stdout), (0, ""), p.stderr)
        self.wait(server, lambda r: r["indexed"] == 30 and not r["behind"])
        if postern.STORAGE == "maildir":
            self.assertTrue(os.listdir(folder))
            self.assertTrue(not os.path.exists(old) or
                            os.stat(old).st_mtime_ns > made)
        with open(os.path.join(server.dir, "log")) as log:
            self.assertIn("index-rebuild", log.read())
        end = time.monotonic() + 20 * postern.SLOW
        while self.rows(server):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)

    def test_all_mailboxes_of_a_user(self):
        server = self.start()
        c = self.fill(server)
        c.append(message("m", "in here\r\n"), "INBOX")
        p = server.ctl("index", "rebuild", server.users[0])
        self.assertEqual(p.returncode, 0, p.stderr)
        end = time.monotonic() + 20 * postern.SLOW
        while any(r["indexed"] < r["messages"] or r["behind"]
                  for r in self.rows(server, server.users[0])):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)
        if postern.STORAGE == "maildir":
            self.assertTrue(os.listdir(os.path.join(
                server.maildir(server.users[0]), "postern.text")))

    def test_what_is_not_there(self):
        server = self.start()
        for verb in ("status", "rebuild"):
            p = server.ctl("index", verb, "nobody@example.test")
            self.assertEqual(p.returncode, 3, p.stderr)
            p = server.ctl("index", verb, server.users[0], "nobox")
            self.assertEqual(p.returncode, 3, p.stderr)
            self.assertIn("no mailbox nobox", p.stderr)
        self.assertEqual(server.ctl("index", "rebuild").returncode, 2)

    def test_switched_off(self):
        server = self.start("search.fulltext=false")
        self.fill(server)
        p = server.ctl("index", "status", server.users[0], "box")
        self.assertNotEqual(p.returncode, 0)
        self.assertIn("search.fulltext", p.stderr)

    def test_a_user_goes_while_their_mail_is_indexed(self):
        server = self.start("search.batch=64K")
        c = self.fill(server, 60)
        c.close()
        for _ in range(3):
            server.ctl("index", "rebuild", server.users[0])
        p = server.ctl("user", "delete", server.users[0])
        self.assertEqual(p.returncode, 0, p.stderr)
        if postern.STORAGE == "maildir":
            self.assertFalse(os.path.exists(server.maildir(server.users[0])))


if __name__ == "__main__":
    unittest.main()
