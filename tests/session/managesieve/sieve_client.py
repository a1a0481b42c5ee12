"""A ManageSieve client over a raw socket (RFC 5804), and test cases that have a
server."""

import base64
import hashlib
import hmac
import os
import re
import socket
import ssl
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "../../support"))
from postern import (  # noqa: E402, F401
    PREFIX, SLOW, STORAGE, Server)

CRLF = b"\r\n"


class Closed(Exception):
    """The server closed the connection."""


class No(Exception):
    """An answer that is not OK: .word, .code and .text."""

    def __init__(self, answer):
        super().__init__(repr(answer))
        self.word, self.code, self.text = answer.word, answer.code, answer.text


class Answer:
    """word: OK, NO or BYE; code: what is in parentheses, as octets; text; and
    the lines before, as lists of strings (bytes) and atoms (str)."""

    def __init__(self, lines, last):
        self.lines = lines
        self.word = last[0].upper()
        self.code = self.text = None
        for item in last[1:]:
            if isinstance(item, tuple):
                self.code = item
            else:
                self.text = item

    def __repr__(self):
        return "%s %r %r" % (self.word, self.code, self.text)


def quote(text):
    data = text.encode() if isinstance(text, str) else text
    return b'"' + re.sub(rb'(["\\])', rb"\\\1", data) + b'"'


def literal(text):
    data = text.encode() if isinstance(text, str) else text
    return b"{%d+}\r\n" % len(data) + data


class Client:
    def __init__(self, server, timeout=20):
        self.server = server
        self.buffer = b""
        self.sock = socket.create_connection(
            (server.host, server.ports["managesieve"]), timeout * SLOW)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.greeting = self.answer()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.sock.close()

    def tls(self):
        """After the OK to STARTTLS: the capabilities that follow."""
        context = ssl.create_default_context(cafile=self.server.cafile)
        self.sock = context.wrap_socket(
            self.sock, server_hostname="localhost")
        return self.answer()

    # --- wire

    def send(self, data):
        self.sock.sendall(data.encode() if isinstance(data, str) else data)

    def more(self):
        try:
            data = self.sock.recv(1 << 20)
        except (ConnectionResetError, ssl.SSLError):
            data = b""
        if not data:
            raise Closed(self.buffer)
        self.buffer += data

    def need(self, n):
        while len(self.buffer) < n:
            self.more()

    def octets(self, n):
        self.need(n)
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def until(self, pattern):
        while True:
            found = re.match(pattern, self.buffer, re.S)
            if found:
                self.buffer = self.buffer[found.end():]
                return found
            if len(self.buffer) > 1 << 22:
                raise AssertionError("%r..." % self.buffer[:200])
            self.more()

    def item(self):
        """A string as bytes, an atom as str, (...) as a tuple, None: the end
        of the line."""
        self.need(1)
        while self.buffer[:1] == b" ":
            self.octets(1)
            self.need(1)
        first = self.buffer[:1]
        if first == b"\r":
            assert self.octets(2) == CRLF
            return None
        if first == b'"':
            text = self.until(rb'"((?:[^"\\\r\n]|\\["\\])*)"').group(1)
            return re.sub(rb'\\(["\\])', rb"\1", text)
        if first == b"{":
            n = int(self.until(rb"\{(\d+)\}\r\n").group(1))
            return self.octets(n)
        if first == b"(":
            self.octets(1)
            inner = []
            while True:
                self.need(1)
                if self.buffer[:1] == b")":
                    self.octets(1)
                    return tuple(inner)
                inner.append(self.item())
        return self.until(rb"([^ \r\n()\"{]+)(?=[ \r\n()])").group(1).decode()

    def line(self):
        items = []
        while True:
            item = self.item()
            if item is None:
                return items
            items.append(item)

    def answer(self):
        lines = []
        while True:
            line = self.line()
            if line and isinstance(line[0], str) and \
                    line[0].upper() in ("OK", "NO", "BYE"):
                return Answer(lines, line)
            lines.append(line)

    # --- commands

    def cmd(self, line):
        self.send((line.encode() if isinstance(line, str) else line) + CRLF)
        return self.answer()

    def ok(self, line):
        got = self.cmd(line)
        if got.word != "OK":
            raise No(got)
        return got

    def login(self, user=0, password=None):
        address = self.server.users[user] if isinstance(user, int) else user
        self.ok(b'AUTHENTICATE "PLAIN" ' + quote(base64.b64encode(
            ("\0%s\0%s" % (address, password or self.server.password))
            .encode())))
        return self

    def capabilities(self):
        return capabilities(self.ok("CAPABILITY"))

    def put(self, name, text):
        return self.ok(b"PUTSCRIPT " + quote(name) + b" " + literal(text))

    def get(self, name):
        return self.ok(b"GETSCRIPT " + quote(name)).lines[0][0]

    def list(self):
        """The names, "*" behind the one that is active."""
        return [line[0].decode() + ("*" if line[1:] == ["ACTIVE"] else "")
                for line in self.ok("LISTSCRIPTS").lines]

    def logout(self):
        self.ok("LOGOUT")
        self.wait_closed()
        self.close()

    def wait_closed(self):
        """Reads to the end, returns what came."""
        try:
            while True:
                self.more()
        except Closed:
            return self.buffer


def capabilities(answer):
    return {line[0].decode().upper(): line[1].decode() if line[1:] else None
            for line in answer.lines}


class Scram:
    """The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677)."""

    def __init__(self, user, password, header=b"n,,", binding=b""):
        self.password = password.encode()
        self.header, self.binding = header, binding
        self.bare = b"n=%s,r=%s" % (user.encode(), base64.b64encode(
            os.urandom(18)))

    def first(self):
        return self.header + self.bare

    def last(self, challenge):
        values = dict(x.split(b"=", 1) for x in challenge.split(b","))
        salted = hashlib.pbkdf2_hmac(
            "sha256", self.password, base64.b64decode(values[b"s"]),
            int(values[b"i"]))
        key = hmac.digest(salted, b"Client Key", "sha256")
        without = b"c=%s,r=%s" % (
            base64.b64encode(self.header + self.binding), values[b"r"])
        signed = b",".join((self.bare, challenge, without))
        signature = hmac.digest(
            hashlib.sha256(key).digest(), signed, "sha256")
        proof = bytes(a ^ b for a, b in zip(key, signature))
        server = hmac.digest(salted, b"Server Key", "sha256")
        self.verifier = b"v=" + base64.b64encode(
            hmac.digest(server, signed, "sha256"))
        return without + b",p=" + base64.b64encode(proof)


class Case(unittest.TestCase):
    """A server for all tests of a class. Tests that put scripts take a user
    for themselves."""

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

    def fresh(self):
        """A connection of a user that nobody had."""
        user = type(self).next_user
        type(self).next_user += 1
        self.assertLess(user, self.users, "not enough users")
        return self.login(user)

    def assertOk(self, got):
        self.assertEqual(got.word, "OK", got)

    def assertNo(self, got, code=None):
        self.assertEqual(got.word, "NO", got)
        self.assertEqual(got.code, (code,) if code else None, got)
