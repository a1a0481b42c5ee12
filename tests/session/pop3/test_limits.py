"""Clients that are slow, silent or hostile."""

import os
import random
import subprocess
import time
import unittest

from pop3_client import PREFIX, SLOW, Case, Client, Closed, Server, message


def resident(pid):
    with open("/proc/%d/status" % pid) as f:
        return [int(line.split()[1]) for line in f
                if line.startswith("VmRSS")][0]


class Slow(Case):
    users = 20
    settings = ("pop3.idle_time=1", "limits.write_time=2",
                "pop3.command_line=300", "pop3.errors=1000")

    def test_who_does_not_read_costs_little(self):
        body = "".join("%06d %s\r\n" % (i, "y" * 60) for i in range(150000))
        users = [self.fill(message("big", body)) for _ in range(4)]
        self.login(users[0]).quit()
        before = resident(self.server.pid)
        stuck = []
        for user in users:
            c = self.login(user)
            c.send("RETR 1\r\n" * 50)
            stuck.append(c)
        time.sleep(0.5)
        # A sanitizer keeps what was freed for a while.
        self.assertLess(resident(self.server.pid) - before,
                        8000 if SLOW == 1 else 100000)
        end = time.monotonic() + 20 * SLOW
        while self.server.log().count("write-timeout") < len(users):
            self.assertLess(time.monotonic(), end, "not closed")
            time.sleep(0.1)

    def test_who_reads_slowly_gets_it_all(self):
        body = "".join("%06d %s\r\n" % (i, "z" * 60) for i in range(30000))
        want = message("slow", body)
        user = self.fill(want)
        c = self.login(user)
        c.send("RETR 1\r\nSTAT\r\n")
        self.assertOk(c.line())
        end = time.monotonic() + 1.5
        while time.monotonic() < end:   # longer than idle_time
            time.sleep(0.05)
            c.more() if len(c.buffer) < 1 << 20 else None
        self.assertEqual(c.text(), want)
        self.assertOk(c.line())

    def test_autologout(self):
        """RFC 1939, 3: nothing is removed, and nothing said."""
        user = self.fill(message("a"))
        c = self.login(user)
        c.ok("DELE 1")
        begin = time.monotonic()
        self.assertEqual(c.wait_closed(), b"")
        self.assertGreater(time.monotonic() - begin, 0.8)
        self.assertTrue(self.login(user).cmd("STAT").startswith(b"+OK 1 "))

    def test_long_lines(self):
        c = self.connect()
        for text in ("USER " + "x" * 500, "x" * 100000, "NOOP" + " " * 299):
            with self.subTest(text[:10]):
                self.assertErr(c.cmd(text))
        self.assertErr(c.cmd("NOOP"))
        self.assertOk(c.cmd("USER " + "x" * 200))
        c.login(0).quit()

    def test_endless_line(self):
        c = self.connect()
        with self.assertRaises((Closed, ConnectionError)):
            for _ in range(1000):
                c.send(b"x" * 10000)
            c.line()
            c.line()
            c.line()

    def test_control_characters(self):
        c = self.login(self.fill(message("a")))
        for line in (b"STAT\0", b"RETR\x001", b"\x01\x02", b"DELE 1\x7f",
                     b"\xff\xfe", b"RETR 1\r", b"USER \x80"):
            with self.subTest(line):
                self.assertErr(c.cmd(line))
        self.assertTrue(c.cmd("STAT").startswith(b"+OK 1 "))

    def test_web_browser(self):
        c = self.connect()
        c.send("POST / HTTP/1.1\r\nHost: x\r\n\r\nUSER user1\r\n")
        self.assertErr(c.line())
        self.assertEqual(c.wait_closed(), b"")

    def test_noise(self):
        words = [b"USER", b"PASS", b"AUTH", b"PLAIN", b"LOGIN", b"CAPA",
                 b"UTF8", b"LANG", b"STAT", b"RETR", b"TOP", b"UIDL", b"LIST",
                 b"DELE", b"RSET", b"NOOP", b"1", b"0", b"-1", b" ", b"  ",
                 b"4294967296", b"*", b"=", b"AAAA", b"\r\n", b"\r\n", b"\n",
                 b"\r", b"\0", b"\xff", b"x" * 400]
        user = self.fill(message("a"), message("b", ".\r\n" * 50))
        for seed in range(30):
            r = random.Random(seed)
            c = self.connect()
            if seed % 2:
                c.login(user)
            try:
                c.send(b" ".join(r.choice(words) for _ in range(300)))
                c.send("\r\n*\r\nQUIT\r\n")
                c.wait_closed()
            except ConnectionError:
                pass
            c.close()
        c = self.login(self.fill(message("after")))
        self.assertTrue(c.cmd("STAT").startswith(b"+OK 1 "))


class Stops(unittest.TestCase):
    def test_says_goodbye(self):
        with Server() as server:
            with Client(server) as fresh, Client(server) as c:
                c.login()
                server.stop()
                for x in fresh, c:
                    self.assertEqual(
                        x.wait_closed(),
                        b"-ERR [SYS/TEMP] The server is shutting down\r\n")

    def test_trace_has_no_secrets(self):
        with Server() as server:
            p = subprocess.Popen(
                [os.path.join(PREFIX, "sbin/posternctl"), "--sandbox",
                 server.dir, "trace"], stdout=subprocess.PIPE, text=True)
            try:
                time.sleep(0.5 * SLOW)
                with Client(server) as c:
                    c.login()
                    c.quit()
                with Client(server) as c:
                    c.cmd("AUTH LOGIN dXNlcjE=")
                    c.cmd("c2VjcmV0")
                    c.quit()
                time.sleep(0.5 * SLOW)
            finally:
                p.terminate()
                text, _ = p.communicate(timeout=20)
        self.assertIn("PASS (hidden)", text)
        self.assertIn("AUTH (hidden)", text)
        for secret in ("secret", "c2VjcmV0", "dXNlcjE"):
            self.assertNotIn(secret, text)


if __name__ == "__main__":
    unittest.main()
