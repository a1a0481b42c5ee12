"""An SMTP client that does what it is told, right or wrong, and a look into
the mailboxes over IMAP."""

import imaplib
import os
import socket
import ssl
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "..", "support"))
from postern import (  # noqa: E402, F401
    PREFIX, SLOW, STORAGE, Server)

MESSAGE = b"From: a@b.test\r\nSubject: s\r\n\r\nbody\r\n"


class Closed(Exception):
    """The server closed the connection."""


class Wire:
    def __init__(self, server, port="smtp", tls=False, greet=True,
                 read_greeting=True, timeout=20):
        self.server = server
        self.sock = socket.create_connection(
            (server.host, server.ports[port]), timeout * SLOW)
        self.buffer = b""
        self.lmtp = port == "lmtp"
        if tls:
            self.wrap()
        if read_greeting:
            self.greeting = self.reply()
            if greet:
                self.hello()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.sock.close()

    def wrap(self):
        context = ssl.create_default_context(cafile=self.server.cafile)
        context.check_hostname = False
        self.sock = context.wrap_socket(self.sock)

    def hello(self):
        got = self.cmd(b"LHLO me.test" if self.lmtp else b"EHLO me.test")
        assert got[0] == 250, got
        self.extensions = got[1].split("\n")[1:]

    def send(self, data):
        self.sock.sendall(data)

    def line(self):
        while b"\n" not in self.buffer:
            data = self.sock.recv(65536)
            if not data:
                raise Closed(self.buffer)
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        assert line.endswith(b"\r"), line
        return line[:-1].decode()

    def reply(self):
        """The next reply: its code and its text, lines joined by LF."""
        texts = []
        while True:
            line = self.line()
            texts.append(line[4:])
            if line[3:4] != "-":
                return int(line[:3]), "\n".join(texts)

    def replies(self, n):
        return [self.reply()[0] for _ in range(n)]

    def cmd(self, line):
        self.send(line + b"\r\n")
        return self.reply()

    def code(self, line):
        return self.cmd(line)[0]

    def at_end(self):
        """True: the server closes, and says no more."""
        try:
            self.line()
        except (Closed, ConnectionResetError):
            return True
        return False

    def starttls(self):
        assert self.code(b"STARTTLS") == 220
        assert self.buffer == b""
        self.wrap()

    def login(self, user=None, password=None):
        import base64
        text = "\0%s\0%s" % (user or self.server.users[0],
                             password or self.server.password)
        return self.cmd(b"AUTH PLAIN " + base64.b64encode(text.encode()))

    def envelope(self, *to, sender=b"a@b.test", params=b""):
        assert self.code(b"MAIL FROM:<" + sender + b">" + params) == 250
        for r in to:
            got = self.cmd(b"RCPT TO:<" + r.encode() + b">")
            assert got[0] == 250, got

    def data(self, content):
        got = self.cmd(b"DATA")
        assert got[0] == 354, got
        self.send(content)

    def mail(self, *to, content=MESSAGE, sender=b"a@b.test", params=b""):
        """A whole transaction; the last reply."""
        self.envelope(*to, sender=sender, params=params)
        self.data(content + b".\r\n")
        return self.reply()


class Mailbox:
    """INBOX of a user, over IMAP."""

    def __init__(self, server, user):
        self.imap = imaplib.IMAP4(server.host, server.ports["imap"])
        self.imap.login(user, server.password)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.imap.logout()

    def messages(self):
        """The contents, oldest first."""
        status, count = self.imap.select("INBOX", readonly=True)
        assert status == "OK", status
        if count[0] == b"0":
            return []
        status, got = self.imap.fetch("1:*", "(BODY.PEEK[])")
        assert status == "OK", status
        return [x[1] for x in got if isinstance(x, tuple)]


def inbox(server, user):
    with Mailbox(server, user) as box:
        return box.messages()


def split(message):
    """Fields, unfolded, as a list of pairs, and the body."""
    header, _, body = message.partition(b"\r\n\r\n")
    text = header.decode().replace("\r\n\t", " ").replace("\r\n ", " ")
    return [tuple(x.split(": ", 1)) for x in text.split("\r\n")], body


def values(message, name):
    return [v for n, v in split(message)[0] if n.lower() == name.lower()]


class Case(unittest.TestCase):
    """One server for the tests of a class."""

    settings = ()
    users = 3

    @classmethod
    def setUpClass(cls):
        cls.server = Server(users=cls.users, set=(
            "auth.failure_delay=10",) + tuple(cls.settings))
        cls.addClassCleanup(cls.server.clean)
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def wire(self, *args, **more):
        w = Wire(self.server, *args, **more)
        self.addCleanup(w.close)
        return w

    def user(self, n=0):
        return self.server.users[n]

    def inbox(self, n=0):
        return inbox(self.server, self.user(n))

    def count(self, n=0):
        return len(self.inbox(n))

    def wait_log(self, text):
        import time
        end = time.monotonic() + 5 * SLOW
        while text not in self.server.log():
            self.assertLess(time.monotonic(), end, "not logged: " + text)
            time.sleep(0.02)
