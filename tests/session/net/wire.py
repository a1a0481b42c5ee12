"""Raw connections to the server, plain and TLS."""

import os
import socket
import ssl
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "..", "support"))
from postern import SLOW, Server  # noqa: E402, F401


class Line:
    """A connection that is read line by line."""

    def __init__(self, server, port, context=None, source=None, timeout=20,
                 greeting=True, small=False):
        self.server = server
        self.buffer = b""
        self.skipped = 0
        self.sock = socket.socket()
        if small:  # a reader that the kernel does not help
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        self.sock.settimeout(timeout * SLOW)
        if source:
            self.sock.bind((source, 0))
        self.sock.connect((server.host, server.ports[port]))
        if context:
            self.wrap(context)
        if greeting:
            self.greeting = self.line()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.sock.close()

    def wrap(self, context, session=None):
        self.sock = context.wrap_socket(
            self.sock, server_hostname="localhost", session=session)

    def send(self, text):
        self.sock.sendall(text.encode() if isinstance(text, str) else text)

    def line(self):
        """The next line without CRLF; "" at the end."""
        while b"\n" not in self.buffer:
            try:
                data = self.sock.recv(65536)
            except (ConnectionResetError, ssl.SSLEOFError):
                data = b""
            if not data:
                return ""
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode().rstrip("\r")

    def skip(self, n):
        """Reads `n` octets of a literal."""
        self.skipped += n
        while n > 0:
            data = self.buffer or self.sock.recv(min(n, 1 << 20))
            if not data:
                raise ConnectionError("ended in a literal")
            self.buffer = data[n:]
            n -= min(n, len(data))

    def ended(self):
        """True: the connection ends, whatever else comes before."""
        try:
            while True:
                if not self.sock.recv(65536):
                    return True
        except (ConnectionResetError, ssl.SSLError, BrokenPipeError):
            return True
        except TimeoutError:
            return False

    def ask(self, text, start="a"):
        """Sends a line; the answers up to the one that begins so."""
        self.send(text + "\r\n")
        lines = [self.line()]
        while lines[-1] and not lines[-1].startswith(start):
            lines.append(self.line())
        return lines

    def login(self, user=0):
        got = self.ask("a LOGIN %s %s" % (
            self.server.users[user], self.server.password))
        assert got[-1].startswith("a OK"), got
        return self


def client_context(server, version=None):
    context = ssl.create_default_context(cafile=server.cafile)
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def wait_until(claim, seconds=10):
    end = time.monotonic() + seconds * SLOW
    while time.monotonic() < end:
        if claim():
            return True
        time.sleep(0.02)
    return False


class Case(unittest.TestCase):
    """Test cases that share a server; `settings` for --set."""
    settings = []
    users = 2

    @classmethod
    def setUpClass(cls):
        cls.server = Server(users=cls.users, set=cls.settings).start()

    @classmethod
    def tearDownClass(cls):
        try:
            cls.server.stop()
        finally:
            cls.server.clean()

    def open(self, port="imap", **more):
        line = Line(self.server, port, **more)
        self.addCleanup(line.close)
        return line
