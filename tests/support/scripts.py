"""Puts users' scripts where the server finds them: the little of ManageSieve
(RFC 5804) that this takes."""

import base64
import re
import socket

from postern import SLOW


class Scripts:
    def __init__(self, server, user):
        self.sock = socket.create_connection(
            (server.host, server.ports["managesieve"]), 20 * SLOW)
        self.file = self.sock.makefile("rb")
        self.answer()
        text = "\0%s\0%s" % (user, server.password)
        self.command('AUTHENTICATE "PLAIN" "%s"' % base64.b64encode(
            text.encode()).decode())

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.file.close()
        self.sock.close()

    def line(self):
        """A line, with the literals in it."""
        line = self.file.readline()
        assert line, "closed"
        while m := re.search(rb"\{(\d+)\}\r\n$", line):
            line += self.file.read(int(m.group(1))) + self.file.readline()
        return line.decode()

    def answer(self):
        while True:
            line = self.line()
            word = re.match(r"(OK|NO|BYE)\b", line)
            if word:
                assert word.group(1) == "OK", line
                return line

    def command(self, text):
        self.sock.sendall(text.encode() + b"\r\n")
        return self.answer()

    def put(self, name, text):
        text = text.encode()
        self.sock.sendall(b'PUTSCRIPT "%s" {%d+}\r\n%s\r\n' % (
            name.encode(), len(text), text))
        self.answer()

    def activate(self, name):
        self.command('SETACTIVE "%s"' % name)


def put(server, user, text, name="main", active=True):
    with Scripts(server, user) as s:
        s.put(name, text)
        if active:
            s.activate(name)


def deactivate(server, user):
    with Scripts(server, user) as s:
        s.activate("")
