"""Many connections that wait for events (RFC 8620, 7.3): what they cost while
nothing happens, and how soon they hear of a message."""

import selectors
import socket
import statistics
import time

from report import percentile
from web_client import Http, Void, cpu, deliver, pss

ROUNDS = 30
IDLE = 10  # seconds


class Streams:
    """`count` of them, of these users in turns."""

    def __init__(self, server, users, count):
        self.server, self.users, self.count = server, users, count
        self.selector = selectors.DefaultSelector()
        self.sockets = []

    def open(self, user):
        http = Http(self.server.http, user)
        s = http.socket
        s.sendall(http.head(
            "GET", "/jmap/events?types=*&closeafter=no&ping=0"))
        got = b""
        while b"\r\n\r\n" not in got:
            piece = s.recv(4096)
            if not piece:
                raise Void("an event source was refused")
            got += piece
        if not got.startswith(b"HTTP/1.1 200"):
            raise Void(got.decode(errors="replace"))
        s.setblocking(False)
        self.selector.register(s, selectors.EVENT_READ, user)
        self.sockets.append(s)

    def close(self):
        for s in self.sockets:
            self.selector.unregister(s)
            s.close()
        self.sockets = []

    def hear(self, wanted, since, seconds=30):
        """When each of so many connections heard of something."""
        heard, end = {}, time.monotonic() + seconds
        while len(heard) < wanted:
            if time.monotonic() > end:
                raise Void("%d of %d heard of it" % (len(heard), wanted))
            for key, _ in self.selector.select(1):
                got = key.fileobj.recv(65536)
                if not got:
                    raise Void("an event source was closed")
                if b"StateChange" in got:
                    heard.setdefault(key.fileobj.fileno(),
                                     time.perf_counter() - since)
        return list(heard.values())

    def waits(self, user, wanted):
        all = []
        for i in range(ROUNDS):
            said = deliver(self.server.lmtp, user, "event %d" % i)
            all += self.hear(wanted, said)
            self.drain()
        return {"median_ms": 1000 * max(0, statistics.median(all)),
                "p99_ms": 1000 * max(0, percentile(all, 0.99))}

    def drain(self):
        """What still comes of the last message is not of the next one."""
        while self.selector.select(0.05):
            for key, _ in self.selector.select(0):
                try:
                    key.fileobj.recv(65536)
                except BlockingIOError:
                    continue

    def measure(self):
        figures, first = {}, self.users[0]
        pid = self.server.pid
        for user in self.users:  # their catalogs are none of a connection's
            self.open(user)
        self.close()
        time.sleep(1)
        self.open(first)
        for name, value in self.waits(first, 1).items():
            figures["one_" + name] = value
        before = pss(pid)
        for i in range(self.count - 1):
            self.open(self.users[i % len(self.users)])
        time.sleep(1)
        figures["connections"] = self.count
        figures["octets_each"] = (pss(pid) - before) / (self.count - 1)
        spent = cpu(pid)
        time.sleep(IDLE)
        figures["idle_cpu_ms_in_10s"] = 1000 * (cpu(pid) - spent)
        of_first = sum(1 for key in self.selector.get_map().values()
                       if key.data == first)
        for name, value in self.waits(first, of_first).items():
            figures["all_" + name] = value
        self.close()
        time.sleep(1)
        # The hardest case: all are of one account.
        for i in range(self.count):
            self.open(first)
        for name, value in self.waits(first, self.count).items():
            figures["same_account_" + name] = value
        self.close()
        return figures
