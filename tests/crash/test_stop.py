"""SIGTERM under load: clients are told, and whatever was acknowledged is there
after the next start."""

import random
import signal
import socket
import time
import unittest
import warnings

from load import (SLOW, Audit, Client, Ledger, Lost, Server, join_all,
                  start_load)


class Stop(unittest.TestCase):
    def setUp(self):
        warnings.simplefilter("ignore", ResourceWarning)
        self.server = Server(users=3, set=(
            "auth.failure_delay=10", "log.level=warning"))
        self.addCleanup(self.server.clean)
        self.addCleanup(self.end)

    def end(self):
        if self.server.process is not None:
            self.server.kill()

    def rest(self, s):
        """All that comes until the end of the connection."""
        s.settimeout(20 * SLOW)
        data = b""
        try:
            while True:
                more = s.recv(65536)
                if not more:
                    return data
                data += more
        except ConnectionResetError:
            return data

    def waiting_clients(self):
        """Clients that say nothing, in each state, and what they are told."""
        clients = []
        for port in ("smtp", "submission", "lmtp"):
            s = socket.create_connection(
                (self.server.host, self.server.ports[port]), 20 * SLOW)
            s.recv(1000)
            clients.append((port, s, b"421 "))
        s = socket.create_connection(
            (self.server.host, self.server.ports["smtp"]), 20 * SLOW)
        f = s.makefile("rb")
        f.readline()
        s.sendall(b"EHLO x\r\n")
        while f.readline()[3:4] == b"-":
            pass
        for line in (b"MAIL FROM:<a@example.org>\r\n",
                     b"RCPT TO:<user1@example.test>\r\n"):
            s.sendall(line)
            f.readline()
        clients.append(("in a transaction", s, b"421 "))
        c = Client(self.server)
        clients.append(("imap", c.sock, b"* BYE"))
        for idle in (False, True):
            c = Client(self.server).login()
            c.ok("SELECT INBOX")
            if idle:
                c.idle()
            clients.append(("imap, idle %s" % idle, c.sock, b"* BYE"))
        c = Client(self.server, tls=True).login()
        clients.append(("imaps", c.sock, b"* BYE"))
        return clients

    def test_waiting_clients_are_told(self):
        self.server.start()
        clients = self.waiting_clients()
        begin = time.monotonic()
        self.assertEqual(self.server.stop(signal.SIGTERM), 0)
        self.assertLess(time.monotonic() - begin, 8 * SLOW)
        for what, s, farewell in clients:
            self.assertIn(farewell, self.rest(s), what)
            s.close()

    def test_in_the_middle_of_a_message(self):
        """Half a message at the stop: the client isn't waited for for ever,
        and nothing of it shows up."""
        self.server.set.append("limits.shutdown_time=2")
        self.server.start()
        s = socket.create_connection(
            (self.server.host, self.server.ports["smtp"]), 20 * SLOW)
        s.sendall(b"EHLO x\r\nMAIL FROM:<a@example.org>\r\n"
                  b"RCPT TO:<user1@example.test>\r\nDATA\r\n")
        data = b""
        while b"\r\n354" not in data:
            data += s.recv(4096)
        s.sendall(b"Subject: half\r\n\r\nhalf a")
        c = Client(self.server).login()
        c.send("a APPEND INBOX {1000+}\r\nSubject: half")
        time.sleep(0.1)
        begin = time.monotonic()
        self.assertEqual(self.server.stop(signal.SIGTERM), 0)
        self.assertLess(time.monotonic() - begin, 6 * SLOW)
        self.assertIn(b"421 ", self.rest(s))
        s.close()
        self.server.start()
        d = Client(self.server).login()
        self.assertIn(b"* 0 EXISTS", d.ok("SELECT INBOX"))
        d.close()

    def test_under_load(self):
        ledger = Ledger(3)
        rng = random.Random(11)
        rounds = 4
        for round_ in range(rounds):
            self.server.start()
            clients = self.waiting_clients()
            workers = start_load(self.server, ledger, rng.random())
            time.sleep((0.3 + rng.random()) * SLOW)
            self.assertEqual(self.server.stop(signal.SIGTERM), 0)
            join_all(workers)
            for what, s, farewell in clients:
                self.assertIn(farewell, self.rest(s), what)
                s.close()
            self.server.start()
            try:
                Audit(self.server, ledger).run()
            except Lost as e:
                self.fail("round %d: %s\n%s" % (
                    round_, e, self.server.log()[-3000:]))
            self.assertEqual(self.server.stop(), 0)
        self.assertGreater(ledger.counts["delivered"], 50)
        self.assertGreater(len(ledger.farewells), 0)


if __name__ == "__main__":
    unittest.main()
