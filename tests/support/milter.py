"""A milter for tests: says what it is told to, right or wrong, and remembers
what it heard."""

import os
import socket
import struct
import tempfile
import threading

ACTIONS = 0x1ff
NO_CONNECT, NO_HELO, NO_MAIL, NO_RCPT = 0x1, 0x2, 0x4, 0x8
NO_BODY, NO_HEADER, NO_EOH, MUTE_HEADER = 0x10, 0x20, 0x40, 0x80
NO_UNKNOWN, NO_DATA, SKIP = 0x100, 0x200, 0x400
MUTE_CONNECT, MUTE_HELO, MUTE_MAIL, MUTE_RCPT = 0x1000, 0x2000, 0x4000, 0x8000
MUTE_DATA, MUTE_EOH, MUTE_BODY = 0x10000, 0x40000, 0x80000
LEADING_SPACE = 0x100000
NO_ALL = (NO_CONNECT | NO_HELO | NO_MAIL | NO_RCPT | NO_BODY | NO_HEADER |
          NO_EOH | NO_DATA)
MUTE_ALL = (MUTE_CONNECT | MUTE_HELO | MUTE_MAIL | MUTE_RCPT | MUTE_HEADER |
            MUTE_DATA | MUTE_EOH | MUTE_BODY)

HANG = object()   # says nothing more
CLOSE = object()  # closes the connection


def packet(kind, data=b""):
    return struct.pack(">I", len(data) + 1) + kind + data


def texts(*all):
    return b"".join(t + b"\0" for t in all)


CONTINUE, ACCEPT, REJECT = packet(b"c"), packet(b"a"), packet(b"r")
TEMPFAIL, DISCARD, SKIPPED = packet(b"t"), packet(b"d"), packet(b"s")
PROGRESS, SHUTDOWN, CONNFAIL = packet(b"p"), packet(b"4"), packet(b"f")


def reply(text):
    return packet(b"y", text + b"\0")


def add(name, value):
    return packet(b"h", texts(name, value))


def insert(index, name, value):
    return packet(b"i", struct.pack(">I", index) + texts(name, value))


def change(index, name, value):
    return packet(b"m", struct.pack(">I", index) + texts(name, value))


def body(text):
    return packet(b"b", text)


def add_rcpt(address, args=None):
    if args is not None:
        return packet(b"2", texts(address, args))
    return packet(b"+", texts(address))


def delete_rcpt(address):
    return packet(b"-", texts(address))


def change_from(address):
    return packet(b"e", texts(address))


def quarantine(reason):
    return packet(b"q", texts(reason))


class Milter:
    """`answers`: a command's letter to what is said: octets, HANG, CLOSE, or
    a function of the data that returns one of these. Not in it: go on."""

    def __init__(self, answers=None, steps=0, actions=ACTIONS, version=6,
                 macros=None, unix=False, options=None):
        self.answers = dict(answers or {})
        self.options = options or packet(b"O", struct.pack(
            ">III", version, actions, steps) + b"".join(
                struct.pack(">I", stage) + texts(names)
                for stage, names in (macros or {}).items()))
        self.steps = steps
        self.dir = None
        if unix:
            self.dir = tempfile.mkdtemp(prefix="postern-milter-")
            os.chmod(self.dir, 0o755)
            path = os.path.join(self.dir, "socket")
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(path)
            os.chmod(path, 0o777)
            self.listener.listen(64)
            self.socket = "unix:" + path
        else:
            self.listener = socket.create_server(("127.0.0.1", 0))
            self.socket = "inet:%d@127.0.0.1" % \
                self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.heard = []   # (connection, letter, data) of all, in order
        self.count = 0
        self.open = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.count += 1
                self.open.append(s)
                number = self.count
            threading.Thread(target=self.talk, args=(s, number),
                             daemon=True).start()

    def take(self, s, n):
        data = b""
        while len(data) < n:
            more = s.recv(n - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def mute(self, letter):
        bits = {"C": MUTE_CONNECT, "H": MUTE_HELO, "M": MUTE_MAIL,
                "R": MUTE_RCPT, "L": MUTE_HEADER, "T": MUTE_DATA,
                "N": MUTE_EOH, "B": MUTE_BODY}
        return letter in "DAQ" or self.steps & bits.get(letter, 0)

    def talk(self, s, number):
        try:
            while True:
                size, = struct.unpack(">I", self.take(s, 4))
                data = self.take(s, size)
                letter, data = chr(data[0]), data[1:]
                with self.lock:
                    self.heard.append((number, letter, data))
                if letter == "Q":
                    break
                answer = self.options if letter == "O" and \
                    "O" not in self.answers else \
                    self.answers.get(letter, CONTINUE)
                if callable(answer):
                    answer = answer(data)
                if answer is CLOSE:
                    break
                if answer is HANG:
                    continue
                if not self.mute(letter):
                    s.sendall(answer)
        except (EOFError, OSError):
            pass
        s.close()

    def stop(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for s in self.open:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        if self.dir is not None:
            os.unlink(os.path.join(self.dir, "socket"))
            os.rmdir(self.dir)

    # --- what it heard

    def clear(self):
        with self.lock:
            self.heard = []

    def letters(self, without="DQ"):
        """The commands, in order."""
        with self.lock:
            return "".join(x for _, x, _ in self.heard if x not in without)

    def all(self, letter):
        with self.lock:
            return [d for _, x, d in self.heard if x == letter]

    def fields(self):
        return [tuple(d.split(b"\0")[:2]) for d in self.all("L")]

    def body(self):
        return b"".join(self.all("B"))

    def macros(self, letter):
        """Of the last command of that letter."""
        found = {}
        for d in self.all("D"):
            if d[:1] == letter.encode():
                parts = d[1:].split(b"\0")[:-1]
                found = dict(zip(parts[::2], parts[1::2]))
        return found
