"""A POP3 client over a raw socket, and test cases that have a server with some
mail in it."""

import os
import re
import socket
import ssl
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("../../support", "../imap"):
    sys.path.append(os.path.join(HERE, folder))
import imap_client  # noqa: E402
from postern import (  # noqa: E402, F401
    PREFIX, SLOW, STORAGE, Server)

CRLF = b"\r\n"


class Closed(Exception):
    """The server closed the connection."""


class Client:
    def __init__(self, server, tls=False, timeout=20):
        self.server = server
        self.buffer = b""
        self.sock = socket.create_connection(
            (server.host, server.ports["pop3s" if tls else "pop3"]),
            timeout * SLOW)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.start_tls()
        self.greeting = self.line()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.sock.close()

    def start_tls(self):
        context = ssl.create_default_context(cafile=self.server.cafile)
        self.sock = context.wrap_socket(
            self.sock, server_hostname="localhost")

    def send(self, data):
        self.sock.sendall(data.encode() if isinstance(data, str) else data)

    def more(self):
        try:
            data = self.sock.recv(1 << 20)
        except ConnectionResetError:
            data = b""
        if not data:
            raise Closed(self.buffer)
        self.buffer += data

    def line(self):
        """The next line, without CRLF."""
        while CRLF not in self.buffer:
            self.more()
        line, self.buffer = self.buffer.split(CRLF, 1)
        return line

    def raw(self):
        """A multi-line answer behind its first line, as it came, with the
        last dot."""
        while not (self.buffer.startswith(b".\r\n") or
                   b"\r\n.\r\n" in self.buffer):
            self.more()
        if self.buffer.startswith(b".\r\n"):
            end = 3
        else:
            end = self.buffer.index(b"\r\n.\r\n") + 5
        text, self.buffer = self.buffer[:end], self.buffer[end:]
        return text

    def text(self):
        """The same unstuffed, without the last line."""
        return re.sub(rb"(?m)^\.", b"", self.raw()[:-3])

    def cmd(self, line):
        self.send((line.encode() if isinstance(line, str) else line) + CRLF)
        return self.line()

    def ok(self, line):
        """A one-line answer, without the status."""
        got = self.cmd(line)
        if not got.startswith(b"+OK"):
            raise AssertionError("%r: %r" % (line, got))
        return got[4:]

    def get(self, line):
        """A multi-line answer."""
        self.ok(line)
        return self.text()

    def lines(self, line):
        return self.get(line).split(CRLF)[:-1]

    def login(self, user=0):
        """The server may not have noticed yet that another session is gone."""
        end = time.monotonic() + 10 * SLOW
        while True:
            self.ok("USER " + self.server.users[user])
            got = self.cmd("PASS " + self.server.password)
            if got.startswith(b"+OK"):
                return self
            if b"[IN-USE]" not in got or time.monotonic() > end:
                raise AssertionError(got)
            time.sleep(0.01)

    def quit(self):
        got = self.ok("QUIT")
        self.wait_closed()
        self.close()
        return got

    def wait_closed(self):
        """Reads to the end, returns what came."""
        try:
            while True:
                self.more()
        except Closed:
            return self.buffer


def message(subject="test", body="Hello\r\n", extra=""):
    return imap_client.message(subject, body, extra)


class Case(unittest.TestCase):
    """A server for all tests of a class. Tests that need a maildrop take one
    of the users for themselves."""

    settings = ()
    users = 2

    @classmethod
    def setUpClass(cls):
        cls.server = Server(users=cls.users, set=(
            "auth.failure_delay=10",) + tuple(cls.settings))
        cls.addClassCleanup(cls.server.clean)
        cls.server.start()
        cls.addClassCleanup(cls.server.stop)
        cls.next_user = 0

    def connect(self, **kw):
        c = Client(self.server, **kw)
        self.addCleanup(c.close)
        return c

    def login(self, user=0, **kw):
        return self.connect(**kw).login(user)

    def imap(self, user=0, box="INBOX"):
        c = imap_client.Client(self.server).login(user)
        self.addCleanup(c.close)
        if box:
            c.ok("SELECT " + box)
        return c

    def fill(self, *messages):
        """Takes a user nobody had, puts messages into INBOX; its number."""
        user = type(self).next_user
        type(self).next_user += 1
        self.assertLess(user, self.users, "not enough users")
        with imap_client.Client(self.server) as c:
            c.login(user)
            for m in messages:
                c.append(m)
        return user

    def filled(self, *messages, **kw):
        """The same, logged in."""
        user = self.fill(*messages)
        return self.login(user, **kw)

    def assertErr(self, got, code=None):
        self.assertTrue(got.startswith(b"-ERR"), got)
        if code is None:
            self.assertFalse(got.startswith(b"-ERR ["), got)
        else:
            self.assertTrue(got.startswith(b"-ERR [%s] " % code.encode()),
                            got)

    def assertOk(self, got):
        self.assertTrue(got.startswith(b"+OK"), got)
