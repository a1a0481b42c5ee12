"""Limits on connections and times, readers and writers that are slow, and the
end of the server."""

import os
import socket
import struct
import time
import unittest

from wire import SLOW, Case, Line, Server, client_context, wait_until

BIG = b"From: a@b.test\r\n\r\n" + b"0123456789abcdef\r\n" * 500000


def resident(pid):
    with open("/proc/%d/statm" % pid) as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def append_big(server):
    with Line(server, "imap") as c:
        c.login()
        c.send("a APPEND INBOX {%d}\r\n" % len(BIG))
        assert c.line().startswith("+")
        c.send(BIG + b"\r\n")
        assert c.line().startswith("a OK")


class PerAddress(Case):
    settings = ["limits.connections_per_address=3"]

    def test_others_are_not_touched(self):
        mine = [self.open(source="127.0.0.2") for _ in range(3)]
        for c in mine:
            self.assertTrue(c.greeting.startswith("* OK"))
        for port, word in (("imap", "* BYE"), ("smtp", "421")):
            refused = self.open(port, source="127.0.0.2")
            # It may be closed without a word, but is never let in.
            if refused.greeting:
                self.assertTrue(refused.greeting.startswith(word))
            self.assertTrue(refused.ended())
        other = self.open(source="127.0.0.3")
        self.assertTrue(other.greeting.startswith("* OK"))
        mine[0].close()

        def again():
            with Line(self.server, "imap", source="127.0.0.2") as c:
                return c.greeting.startswith("* OK")
        self.assertTrue(wait_until(again))


class PerUser(Case):
    settings = ["limits.connections_per_user=2"]

    def test_over_protocols(self):
        one = self.open().login()
        self.open().login()
        third = self.open()
        got = third.ask("a LOGIN %s %s" % (
            self.server.users[0], self.server.password))
        self.assertFalse(got[-1].startswith("a OK"), got)
        # The same user on another protocol, another user, and less of him.
        self.open().login(1)
        one.close()

        def again():
            with Line(self.server, "imap") as c:
                got = c.ask("a LOGIN %s %s" % (
                    self.server.users[0], self.server.password))
                return got[-1].startswith("a OK")
        self.assertTrue(wait_until(again))


class Times(Case):
    settings = ["limits.write_time=1", "imap.login_time=2",
                "smtp.login_time=2", "smtp.idle_time=1",
                "tls.handshake_time=1", "limits.output=16K"]

    def took(self, c):
        begin = time.monotonic()
        self.assertTrue(c.ended())
        return time.monotonic() - begin

    def test_time_to_log_in(self):
        c = self.open()
        begin = time.monotonic()
        self.assertTrue(c.line().startswith("* BYE"))
        self.assertGreater(time.monotonic() - begin, 1)
        self.assertTrue(c.ended())
        # Talking does not help, logging in does.
        c, kept = self.open(), self.open().login()
        end = time.monotonic() + 8 * SLOW
        last = ""
        while not last.startswith("* BYE") and time.monotonic() < end:
            try:
                last = c.ask("a NOOP")[0]
            except OSError:
                break
            time.sleep(0.2)
        self.assertLess(time.monotonic(), end)
        self.assertTrue(kept.ask("a NOOP")[-1].startswith("a OK"))

    def test_idle_smtp(self):
        c = self.open("smtp")
        self.assertTrue(c.line().startswith("421"))
        self.assertTrue(c.ended())

    def test_time_to_shake_hands(self):
        c = self.open("imaps", greeting=False)
        took = self.took(c)
        self.assertGreater(took, 0.5)
        self.assertLess(took, 10 * SLOW)

    def timeouts(self):
        return self.server.log().count(" write-timeout ")

    def test_who_does_not_read_is_closed(self):
        append_big(self.server)
        for tls in (False, True):
            c = self.open("imaps" if tls else "imap", small=True,
                          context=client_context(self.server) if tls
                          else None).login()
            c.ask("a SELECT INBOX")
            before = self.timeouts()
            c.send("a FETCH 1 BODY.PEEK[]\r\n")
            begin = time.monotonic()
            self.assertTrue(wait_until(
                lambda: self.timeouts() > before, 15), self.server.log())
            self.assertGreater(time.monotonic() - begin, 0.5)


class SlowReaders(Case):
    settings = ["limits.output=16K"]

    def test_slow_readers_get_everything_and_cost_little(self):
        append_big(self.server)
        clients = []
        for _ in range(10):
            c = self.open(small=True).login()
            c.ask("a SELECT INBOX")
            clients.append(c)
        before = resident(self.server.pid)
        for c in clients:
            c.send("a FETCH 1 BODY.PEEK[]\r\na NOOP\r\n")
            self.assertIn("{%d}" % len(BIG), c.line())
        for _ in range(20):
            time.sleep(0.02)
            for c in clients:
                c.skip(16384)
        if SLOW == 1:
            self.assertLess(resident(self.server.pid) - before, 24 << 20)
        for c in clients[1:]:
            c.close()
        # One of them to the end.
        c = clients[0]
        c.skip(len(BIG) - c.skipped)
        self.assertEqual(c.line(), ")")
        self.assertTrue(c.line().startswith("a OK"))
        self.assertTrue(c.line().startswith("a OK"))


class SlowWriters(Case):
    def test_a_message_octet_by_octet(self):
        text = b"From: a@b.test\r\n\r\nslow\r\n"
        c = self.open().login()
        wire = b"a APPEND INBOX {%d}\r\n" % len(text)
        for i in range(len(wire)):
            c.send(wire[i:i + 1])
        self.assertTrue(c.line().startswith("+"))
        for octet in text + b"\r\n":
            c.send(bytes([octet]))
            time.sleep(0.002)
        self.assertTrue(c.line().startswith("a OK"))

    def test_many_half_lines_hold_nobody_up(self):
        slow = [self.open() for _ in range(60)]
        for c in slow:
            c.send("a NOO")
        begin = time.monotonic()
        self.open().login().ask("a NOOP")
        self.assertLess(time.monotonic() - begin, 5 * SLOW)
        for c in slow:
            c.send("P\r\n")
            self.assertTrue(c.line().startswith("a OK"))


class Crowd(Case):
    settings = ["limits.connections_per_user=1000"]

    def test_five_hundred_come_and_go(self):
        hard = struct.pack("ii", 1, 0)
        for round_ in range(2):
            crowd = [Line(self.server, "imap" if i % 3 else "smtp",
                          greeting=False) for i in range(500)]
            for i, c in enumerate(crowd):
                if i % 4:
                    self.assertTrue(c.line().startswith(("* OK", "220")))
                if i % 7 == 0:
                    c.send("a NOOP\r\n" if i % 3 else "NOOP\r\n")
            for i, c in enumerate(crowd):
                if i % 2:
                    c.sock.setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, hard)
                c.close()
        self.open().login().ask("a NOOP")

        def gone():
            text = self.server.ctl("connections").stdout
            return text.count("imap") + text.count("smtp") < 10
        self.assertTrue(wait_until(gone))
        fds = len(os.listdir("/proc/%d/fd" % self.server.pid))
        self.assertLess(fds, 100)

    def test_idle_ones_are_woken_by_mail(self):
        crowd = [self.open().login() for _ in range(50)]
        for c in crowd:
            c.ask("a SELECT INBOX")
            c.send("b IDLE\r\n")
            self.assertTrue(c.line().startswith("+"))
        sender = self.open("lmtp")
        sender.ask("LHLO me.test", "250 ")
        sender.ask("MAIL FROM:<a@b.test>", "250")
        sender.ask("RCPT TO:<%s>" % self.server.users[0], "250")
        sender.ask("DATA", "354")
        self.assertTrue(sender.ask(
            "From: a@b.test\r\n\r\nhello\r\n.", "250")[-1].startswith("250"))
        for c in crowd:
            self.assertTrue(c.line().endswith("EXISTS"))


class End(unittest.TestCase):
    def test_a_clean_end_says_goodbye(self):
        server = Server().start()
        try:
            idle = Line(server, "imap").login()
            idle.ask("a SELECT INBOX")
            idle.send("b IDLE\r\n")
            self.assertTrue(idle.line().startswith("+"))
            plain = Line(server, "imap")
            smtp = Line(server, "smtp")
            tls = Line(server, "imaps", context=client_context(server))
            shaking = Line(server, "imaps", greeting=False)
            self.addCleanup(shaking.close)
            begin = time.monotonic()
            server.process.terminate()
            for c in (idle, plain, tls):
                self.assertTrue(c.line().startswith("* BYE"))
                self.assertEqual(c.line(), "")
                c.close()
            self.assertTrue(smtp.line().startswith("421"))
            self.assertEqual(smtp.line(), "")
            smtp.close()
            self.assertTrue(shaking.ended())
            self.assertEqual(server.stop(), 0)
            self.assertLess(time.monotonic() - begin, 6 * SLOW)
        finally:
            server.clean()

    def test_who_does_not_read_does_not_stop_the_end(self):
        server = Server(set=["limits.shutdown_time=2"]).start()
        try:
            append_big(server)
            c = Line(server, "imap", small=True).login()
            c.ask("a SELECT INBOX")
            c.send("a FETCH 1 BODY.PEEK[]\r\n")
            time.sleep(0.5)
            begin = time.monotonic()
            self.assertEqual(server.stop(), 0)
            took = time.monotonic() - begin
            self.assertGreater(took, 1.5)
            self.assertLess(took, 8 * SLOW)
            c.close()
        finally:
            server.clean()


if __name__ == "__main__":
    unittest.main()
