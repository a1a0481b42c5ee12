"""A WebSocket client for tests (RFC 6455), that can also do it wrong."""

import base64
import hashlib
import json
import os
import socket
import time

from postern import SLOW

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Refused(Exception):
    """The handshake's answer is no 101: (status, fields, content)."""


class WebSocket:
    def __init__(self, server, path="/jmap/ws", protocol="jmap", version="13",
                 key=None, start=b"GET", timeout=30, **fields):
        self.socket = socket.create_connection(
            (server.host, server.ports["http"]), timeout=timeout)
        self.input = b""
        self.authority = "%s:%d" % (server.host, server.ports["http"])
        key = key or base64.b64encode(os.urandom(16)).decode()
        lines = {"Host": self.authority, "Upgrade": "websocket",
                 "Connection": "keep-alive, Upgrade",
                 "Sec-WebSocket-Key": key, "Sec-WebSocket-Version": version,
                 "Sec-WebSocket-Protocol": protocol,
                 **{k.replace("_", "-"): v for k, v in fields.items()}}
        head = b"%s %s HTTP/1.1\r\n" % (start, path.encode()) + b"".join(
            b"%s: %s\r\n" % (k.encode(), v.encode())
            for k, v in lines.items() if v is not None) + b"\r\n"
        self.socket.sendall(head)
        status, self.fields = self.read_head()
        if status != 101:
            rest = b"" if start == b"HEAD" else self.exactly(
                int(self.fields.get("content-length", "0")))
            self.socket.close()
            raise Refused(status, self.fields, rest)
        accept = base64.b64encode(hashlib.sha1(
            key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        assert self.fields["sec-websocket-accept"] == accept.decode()
        assert self.fields["sec-websocket-protocol"] == protocol
        assert self.fields["upgrade"] == "websocket"

    def read_head(self):
        while b"\r\n\r\n" not in self.input:
            self.more()
        head, self.input = self.input.split(b"\r\n\r\n", 1)
        first, *lines = head.decode().split("\r\n")
        return int(first.split()[1]), {
            k.lower(): v.strip() for k, v in
            (line.split(":", 1) for line in lines)}

    def more(self):
        piece = self.socket.recv(65536)
        if not piece:
            raise EOFError
        self.input += piece

    def exactly(self, n):
        while len(self.input) < n:
            self.more()
        got, self.input = self.input[:n], self.input[n:]
        return got

    # --- frames

    @staticmethod
    def frame(opcode, content=b"", last=True, mask=True, reserved=0,
              length=None):
        """`length`: octets in which the length is told, for wrong ones."""
        n = len(content)
        head = bytes([(0x80 if last else 0) | reserved << 4 | opcode])
        bit = 0x80 if mask else 0
        if length is None:
            length = 0 if n < 126 else 2 if n < 65536 else 8
        if length == 0:
            head += bytes([bit | n])
        else:
            head += bytes([bit | (126 if length == 2 else 127)])
            head += n.to_bytes(length, "big")
        if not mask:
            return head + content
        key = os.urandom(4)
        return head + key + bytes(
            c ^ key[i & 3] for i, c in enumerate(content))

    def send(self, octets):
        self.socket.sendall(octets)

    def send_json(self, root):
        self.send(self.frame(TEXT, json.dumps(root).encode()))

    def pong(self, content):
        try:
            self.send(self.frame(PONG, content))
        except OSError:
            pass  # it is closing

    def read_frame(self):
        """Opcode and content; the server's are whole and not masked."""
        first, second = self.exactly(2)
        assert first & 0xf0 == 0x80 and second & 0x80 == 0, (first, second)
        n = second
        if n == 126:
            n = int.from_bytes(self.exactly(2), "big")
            assert n > 125
        elif n == 127:
            n = int.from_bytes(self.exactly(8), "big")
            assert n > 65535
        return first & 15, self.exactly(n)

    def read_json(self):
        """The next message; pings are answered on the way."""
        while True:
            opcode, content = self.read_frame()
            if opcode == PING:
                self.pong(content)
            elif opcode == TEXT:
                return json.loads(content)
            else:
                raise AssertionError((opcode, content))

    def read_close(self):
        """The code of the Close that comes, and that nothing follows it."""
        end = time.monotonic() + 60 * SLOW
        while True:
            opcode, content = self.read_frame()
            assert time.monotonic() < end, "no Close"
            if opcode == CLOSE:
                break
            assert opcode in (PING, TEXT), (opcode, content)
            if opcode == PING:
                self.pong(content)
        try:
            while self.socket.recv(65536):
                raise AssertionError("octets behind a Close")
        except ConnectionResetError:
            pass
        return int.from_bytes(content[:2], "big") if content else None

    def close(self):
        self.socket.close()
