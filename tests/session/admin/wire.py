"""Small clients for the admin tests: just enough IMAP and SMTP by hand."""

import json
import os
import socket
import ssl
import subprocess
import time

from postern import PREFIX, SLOW

POSTERND = os.path.join(PREFIX, "sbin/posternd")
POSTERNCTL = os.path.join(PREFIX, "sbin/posternctl")


class Line:
    """A connection that is read line by line."""

    def __init__(self, host, port, cafile=None):
        self.sock = socket.create_connection((host, port), 20 * SLOW)
        if cafile:
            context = ssl.create_default_context(cafile=cafile)
            self.sock = context.wrap_socket(
                self.sock, server_hostname="localhost")
        self.file = self.sock.makefile("rb")

    def line(self):
        return self.file.readline().decode().rstrip("\r\n")

    def say(self, text):
        self.sock.sendall(text.encode() + b"\r\n")

    def ask(self, tag, command):
        """An IMAP command; its tagged answer, the others before it."""
        self.say(tag + " " + command)
        others = []
        while True:
            line = self.line()
            if line.startswith(tag + " "):
                return line[len(tag) + 1:], others
            if line == "":
                raise EOFError("closed after %r" % others)
            others.append(line)

    def certificate(self):
        return self.sock.getpeercert(binary_form=True)

    def close(self):
        self.file.close()
        self.sock.close()


def imap(server, user=None, password=None, tls=False):
    c = Line(server.host, server.ports["imaps" if tls else "imap"],
             server.cafile if tls else None)
    c.greeting = c.line()
    if user:
        answer, _ = c.ask("l", "LOGIN %s %s" % (user,
                                                password or server.password))
        if not answer.startswith("OK"):
            c.close()
            raise PermissionError(answer)
    return c


def control(server, timeout=20):
    """The control socket, spoken to directly."""
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(timeout * SLOW)
    s.connect(os.path.join(server.dir, "run/control"))
    return s


def request(server, **members):
    """One request; all lines of the answer."""
    with control(server) as s:
        s.sendall(json.dumps(members).encode() + b"\n")
        with s.makefile("rb") as f:
            return [json.loads(line) for line in f]


def run(*args, input=None, env=None, cwd=None, timeout=30):
    return subprocess.run(args, input=input, capture_output=True, text=True,
                          timeout=timeout * SLOW, cwd=cwd,
                          env={**os.environ, **(env or {})})


def wait_for(what, seconds=10):
    """Calls `what` until it is true; its last result."""
    end = time.monotonic() + seconds * SLOW
    while True:
        result = what()
        if result or time.monotonic() > end:
            return result
        time.sleep(0.02)
