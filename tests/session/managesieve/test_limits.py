"""Clients that are slow, silent or hostile, and limits on connections."""

import os
import random
import subprocess
import time
import unittest

from sieve_client import (PREFIX, SLOW, Case, Client, Closed, Server,
                          literal)


def resident(pid):
    with open("/proc/%d/status" % pid) as f:
        return [int(line.split()[1]) for line in f
                if line.startswith("VmRSS")][0]


class Hostile(Case):
    settings = ("managesieve.errors=1000", "limits.write_time=2")

    def test_endless_line(self):
        for begin in b"", b'NOOP "', b"x ", b'NOOP "" ':
            c = self.connect()
            with self.assertRaises((Closed, ConnectionError)):
                c.send(begin)
                for _ in range(1000):
                    c.send(b"x" * 10000)
                while True:
                    c.more()

    def test_literals_that_nobody_reads(self):
        """What is too long is read away, and the next command is found."""
        c = self.login()
        before = resident(self.server.pid)
        c.send(b"NOOP {16000000+}\r\n")
        for _ in range(160):
            c.send(b'NOOP "no"\r\n'.ljust(100000, b"\n"))
        c.send(b'\r\nNOOP "yes"\r\n')
        self.assertNo(c.answer())
        self.assertEqual(c.answer().code, ("TAG", b"yes"))
        self.assertLess(resident(self.server.pid) - before,
                        8000 if SLOW == 1 else 100000)
        for n in 16777217, 4294967295, 2 ** 64, 10 ** 40:
            c = self.connect()
            c.send(b"NOOP {%d+}\r\n" % n)
            self.assertEqual(c.answer().word, "BYE")
            self.assertEqual(c.wait_closed(), b"")

    def test_announced_literals_cost_nothing(self):
        before = resident(self.server.pid)
        crowd = []
        for _ in range(100):
            c = self.login()
            c.send(b'PUTSCRIPT "x" {65536+}\r\nkeep;')
            crowd.append(c)
        self.assertLess(resident(self.server.pid) - before,
                        8000 if SLOW == 1 else 100000)

    def test_who_does_not_read_costs_little(self):
        c = self.login(1)
        c.put("large", "#" * 60000 + "\r\n")
        before = resident(self.server.pid)
        for _ in range(4):
            d = self.login(1)
            d.send('GETSCRIPT "large"\r\n' * 2000)
        end = time.monotonic() + 20 * SLOW
        while self.server.log().count("write-timeout") < 4:
            self.assertLess(time.monotonic(), end, "not closed")
            time.sleep(0.1)
        self.assertLess(resident(self.server.pid) - before,
                        8000 if SLOW == 1 else 100000)

    def test_who_reads_slowly_gets_it_all(self):
        c = self.login(1)
        c.put("large", "#" * 60000 + "\r\n")
        c.send('GETSCRIPT "large"\r\n' * 50)
        time.sleep(0.5)
        for _ in range(50):
            got = c.answer()
            self.assertOk(got)
            self.assertEqual(len(got.lines[0][0]), 60002)

    def test_control_characters(self):
        c = self.login()
        for line in (b"NOOP\0", b'NOOP "\0"', b"\x01\x02", b"NOOP\x7f",
                     b"\xff\xfe", b"NOOP\r", b'NOOP "a\rb"', b"NO\rOP"):
            with self.subTest(line):
                self.assertNo(c.cmd(line))
        self.assertOk(c.cmd("NOOP"))

    def test_noise(self):
        words = [b"AUTHENTICATE", b"PUTSCRIPT", b"GETSCRIPT", b"LISTSCRIPTS",
                 b"SETACTIVE", b"NOOP", b"CHECKSCRIPT", b"HAVESPACE",
                 b'"PLAIN"', b'"x"', b'""', b"1", b"4294967296", b"{3+}",
                 b"{3+}\r\n", b"{3}", b"\r\n", b"\r\n", b"\n", b"\r", b"\0",
                 b"\xff", b'"', b"\\", b"x" * 400, b"keep;", b"if {"]
        for seed in range(30):
            r = random.Random(seed)
            c = self.connect()
            if seed % 2:
                c.login()
            try:
                c.send(b" ".join(r.choice(words) for _ in range(300)))
                c.send(b"\r\n*\r\nLOGOUT\r\n")
                c.sock.shutdown(1)
                c.wait_closed()
            except ConnectionError:
                pass
            c.close()
        self.assertOk(self.login().cmd("NOOP"))


class Crowd(Case):
    settings = ("limits.connections_per_address=3",)

    def test_too_many_connections(self):
        held = [self.connect() for _ in range(3)]
        greeting = self.connect().greeting
        self.assertEqual(greeting.word, "BYE")
        self.assertEqual(greeting.code, ("TRYLATER",))
        self.assertOk(held[0].cmd("NOOP"))


class OfUsers(Case):
    settings = ("limits.connections_per_user=1",)

    def test_too_many_of_a_user(self):
        self.login(0)
        c = self.connect()
        with self.assertRaises(Exception) as caught:
            c.login(0)
        self.assertEqual(caught.exception.code, ("TRYLATER",))
        c.login(1)


class Watched(unittest.TestCase):
    def test_log_metrics_and_connections(self):
        with Server() as server, Client(server) as c:
            c.login()
            rows = server.ctl("connections").stdout
            self.assertIn("managesieve", rows)
            self.assertIn(server.users[0], rows)
            self.assertIn("managesieve", server.ctl("status").stdout)
            log = server.log()
            self.assertRegex(
                log, r"login .*protocol=managesieve .*user=" +
                server.users[0])
            c.put("x", "keep;")
            c.ok('SETACTIVE "x"')
            self.assertIn("script-put", server.log())
            self.assertIn("script-active", server.log())

    def test_trace_has_no_secrets(self):
        with Server() as server:
            p = subprocess.Popen(
                [os.path.join(PREFIX, "sbin/posternctl"), "--sandbox",
                 server.dir, "trace"], stdout=subprocess.PIPE, text=True)
            try:
                time.sleep(0.5 * SLOW)
                with Client(server) as c:
                    c.login()
                    c.cmd(b'PUTSCRIPT "name" ' + literal("keep;" + "\r\n" * 9))
                    c.logout()
                with Client(server) as c:
                    c.send('AUTHENTICATE "PLAIN"\r\n')
                    c.line()
                    c.cmd('"AHVzZXIxAHNlY3JldA=="')
                    c.logout()
                time.sleep(0.5 * SLOW)
            finally:
                p.terminate()
                text, _ = p.communicate(timeout=20)
        self.assertIn("AUTHENTICATE (hidden)", text)
        self.assertIn('PUTSCRIPT "name" {23+}', text)
        for secret in "AHVzZXIx", "c2VjcmV0", "secret":
            self.assertNotIn(secret, text)


if __name__ == "__main__":
    unittest.main()
