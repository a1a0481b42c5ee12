"""What bench_web.py asks with: HTTP on a raw socket, so that little besides the
server is in the times, and what the kernel knows of the server's process."""

import base64
import json
import smtplib
import socket
import statistics
import time

from report import percentile
from servers import PASSWORD

USING = ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"]
LIST = ["id", "threadId", "mailboxIds", "keywords", "size", "receivedAt",
        "from", "to", "subject", "preview", "hasAttachment"]


class Void(Exception):
    """An answer was wrong: no figures."""


class Http:
    """One connection that is kept, of one user."""

    def __init__(self, port, user):
        self.socket = socket.create_connection(("127.0.0.1", port), 120)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.auth = "Basic " + base64.b64encode(
            ("%s:%s" % (user, PASSWORD)).encode()).decode()
        self.rest = b""
        session = json.loads(self.send(self.head("GET", "/jmap/session")))
        self.account = next(iter(session["accounts"]))
        self.boxes = {b["role"]: b["id"] for b in self.call(
            "Mailbox/get", ids=None)["list"] if b["role"]}

    def close(self):
        self.socket.close()

    def head(self, method, path, body=b""):
        return ("%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: %s\r\n"
                "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                % (method, path, self.auth, len(body))).encode() + body

    def request(self, *calls):
        """The octets of a request with these calls."""
        return self.head("POST", "/jmap/api", json.dumps({
            "using": USING, "methodCalls": [
                [name, {"accountId": self.account, **args}, "c%d" % i]
                for i, (name, args) in enumerate(calls)]}).encode())

    def send(self, octets):
        """The content of the answer."""
        self.socket.sendall(octets)
        while b"\r\n\r\n" not in self.rest:
            self.more()
        head, _, body = self.rest.partition(b"\r\n\r\n")
        at = head.index(b"Content-Length:") + 15
        length = int(head[at:].split(b"\r\n", 1)[0])
        while len(body) < length:
            self.rest = b""
            self.more()
            body += self.rest
        self.rest = body[length:]
        if not head.startswith(b"HTTP/1.1 200"):
            raise Void(head.decode(errors="replace"))
        return body[:length]

    def more(self):
        piece = self.socket.recv(1 << 20)
        if not piece:
            raise Void("the server closed the connection")
        self.rest += piece

    def calls(self, *calls):
        answers = json.loads(self.send(self.request(*calls)))
        for name, args, _ in answers["methodResponses"]:
            if name == "error":
                raise Void(json.dumps(args))
        return [args for _, args, _ in answers["methodResponses"]]

    def call(self, name, **args):
        return self.calls((name, args))[0]


def page(box, **more):
    """The calls of a list: its window, and what a row shows."""
    return (("Email/query", {
        "filter": {"inMailbox": box}, "collapseThreads": True,
        "sort": [{"property": "receivedAt", "isAscending": False}],
        "limit": 50, "calculateTotal": True, **more}),
        ("Email/get", {"#ids": {"resultOf": "c0", "name": "Email/query",
                                "path": "/ids"}, "properties": LIST}))


def deliver(port, user, subject, count=1, headers=""):
    """By LMTP; when the last one was taken."""
    with smtplib.LMTP("127.0.0.1", port) as m:
        for i in range(count):
            m.sendmail("a@bench.test", [user], (
                "From: Ann <a@bench.test>\r\nTo: %s\r\nSubject: %s\r\n"
                "Message-ID: <%d.%d@bench.test>\r\n%s\r\nText\r\n" % (
                    user, subject, time.monotonic_ns(), i,
                    headers)).encode())
        return time.perf_counter()


def pss(pid):
    """Octets of memory, shared ones divided."""
    with open("/proc/%d/smaps_rollup" % pid) as f:
        for line in f:
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    raise Void("there is no Pss")


def cpu(pid):
    """Seconds, of all its threads, those that have ended, too: the clock that
    clock_getcpuclockid(3) gives."""
    return time.clock_gettime((~pid << 3) | 2)


class Sample:
    """Times of one thing that was done often."""

    def __init__(self):
        self.times, self.cpu = [], 0.0

    def take(self, pid, run):
        """Runs it once, and returns what it returns."""
        before, begin = cpu(pid), time.perf_counter()
        value = run()
        self.times.append(time.perf_counter() - begin)
        self.cpu += max(0.0, cpu(pid) - before)
        return value

    def figures(self):
        n = len(self.times)
        return {"n": n, "median_ms": 1000 * statistics.median(self.times),
                "p99_ms": 1000 * percentile(self.times, 0.99),
                "most_ms": 1000 * max(self.times),
                "cpu_ms": 1000 * self.cpu / n,
                "per_cpu_second": n / self.cpu if self.cpu else 0}
