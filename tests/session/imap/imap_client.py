"""An IMAP client over a raw socket, and test cases that have a server."""

import re
import socket
import ssl
import unittest

import postern

CRLF = b"\r\n"


class Closed(Exception):
    """The server closed the connection."""


class Client:
    def __init__(self, server, tls=False, timeout=20):
        port = server.ports["imaps" if tls else "imap"]
        self.server = server
        self.buffer = b""
        self.count = 0
        self.sock = socket.create_connection(
            (server.host, port), timeout * postern.SLOW)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.start_tls()
        self.greeting = self.response()

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

    def _more(self):
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            raise Closed(self.buffer)
        self.buffer += data

    def _line(self):
        while CRLF not in self.buffer:
            self._more()
        line, self.buffer = self.buffer.split(CRLF, 1)
        return line

    def response(self):
        """One response, literals in their place, without the last CRLF."""
        text = self._line()
        while True:
            m = re.search(rb"\{(\d+)\}$", text)
            if not m:
                return text
            n = int(m.group(1))
            while len(self.buffer) < n:
                self._more()
            literal, self.buffer = self.buffer[:n], self.buffer[n:]
            text += CRLF + literal + self._line()

    def tag(self):
        self.count += 1
        return "a%d" % self.count

    def finish(self, tag):
        """Reads up to the tagged response: (untagged, tagged text)."""
        untagged = []
        want = tag.encode() + b" "
        while True:
            r = self.response()
            if r.startswith(want):
                return untagged, r[len(want):]
            untagged.append(r)

    def cmd(self, text):
        tag = self.tag()
        if isinstance(text, str):
            text = text.encode()
        self.send(tag.encode() + b" " + text + CRLF)
        return self.finish(tag)

    def ok(self, text):
        untagged, tagged = self.cmd(text)
        if not tagged.startswith(b"OK"):
            raise AssertionError("%r: %r" % (text, tagged))
        return untagged

    def login(self, user=0):
        self.ok('LOGIN "%s" %s' % (
            self.server.users[user], self.server.password))
        return self

    def append(self, message, mailbox="INBOX", extra=""):
        """Appends; returns the uid."""
        tag = self.tag()
        if extra:
            extra += " "
        self.send("%s APPEND %s %s{%d+}\r\n" % (
            tag, mailbox, extra, len(message)))
        self.send(message + CRLF)
        _, tagged = self.finish(tag)
        m = re.match(rb"OK \[APPENDUID \d+ (\d+)\]", tagged)
        if not m:
            raise AssertionError(tagged)
        return int(m.group(1))

    def idle(self):
        """Starts IDLE, returns the tag."""
        tag = self.tag()
        self.send(tag + " IDLE\r\n")
        while not self.response().startswith(b"+ "):
            pass
        return tag

    def wait_closed(self):
        """Reads to the end, returns what came."""
        try:
            while True:
                self._more()
        except Closed:
            return self.buffer


def message(subject="test", body="Hello\r\n", extra=""):
    return ("From: Ann <ann@example.test>\r\n"
            "To: Bob <bob@example.test>\r\n"
            "Subject: %s\r\n"
            "Date: Mon, 7 Feb 1994 21:52:25 -0800\r\n"
            "Message-ID: <%s@example.test>\r\n"
            "%s"
            "\r\n"
            "%s" % (subject, re.sub(r"\W", "", subject), extra, body)
            ).encode()


class Case(unittest.TestCase):
    """A server for all tests of a class. Every test has its own mailbox, and
    `self.c`, which has it selected."""

    settings = ()
    users = 2

    @classmethod
    def setUpClass(cls):
        cls.server = postern.Server(users=cls.users, set=cls.settings).start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.clean()

    def setUp(self):
        self.clients = []
        self.box = self.id().rsplit(".", 1)[1]

    def tearDown(self):
        for c in self.clients:
            c.close()

    def connect(self, **kw):
        c = Client(self.server, **kw)
        self.clients.append(c)
        return c

    def login(self, user=0, **kw):
        return self.connect(**kw).login(user)

    def select_new(self, messages=()):
        """A client with a fresh mailbox of `messages` selected."""
        c = self.login()
        c.ok("CREATE " + self.box)
        for m in messages:
            c.append(m, self.box)
        c.ok("SELECT " + self.box)
        return c

    def select_again(self):
        c = self.login()
        c.ok("SELECT " + self.box)
        return c

    def assertNo(self, got, code=None):
        self.assertTrue(got[1].startswith(b"NO"), got)
        if code:
            self.assertIn(b"[" + code.encode() + b"]", got[1])

    def assertBad(self, got):
        self.assertTrue(got[1].startswith(b"BAD"), got)

    def assertOk(self, got, code=None):
        self.assertTrue(got[1].startswith(b"OK"), got)
        if code:
            self.assertIn(b"[" + code.encode(), got[1])
