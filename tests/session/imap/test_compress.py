"""COMPRESS=DEFLATE (RFC 4978)."""

import os
import random
import socket
import time
import unittest
import zlib

import postern
from imap_client import CRLF, Case, Client, Closed, message


class Packed(Client):
    """A client that compresses after compress()."""

    packs = None
    flush = zlib.Z_SYNC_FLUSH
    cut = 0

    def compress(self, level=6, wbits=-15):
        assert self.cmd("COMPRESS DEFLATE")[1].startswith(b"OK")
        assert not self.buffer
        self.packs = zlib.compressobj(level, zlib.DEFLATED, wbits)
        self.unpacks = zlib.decompressobj(-15)
        self.raw_in = self.raw_out = 0
        return self

    def send(self, data):
        data = data.encode() if isinstance(data, str) else data
        if self.packs is None:
            return super().send(data)
        packed = self.packs.compress(data) + self.packs.flush(self.flush)
        self.raw_out += len(packed)
        if not self.cut:
            return self.sock.sendall(packed)
        for i in range(0, len(packed), self.cut):
            self.sock.sendall(packed[i:i + self.cut])

    def _more(self):
        if self.packs is None:
            return super()._more()
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            raise Closed(self.buffer)
        self.raw_in += len(data)
        self.buffer += self.unpacks.decompress(data)


class Compress(Case):
    def packed(self, tls=False, **kw):
        c = Packed(self.server, tls=tls)
        self.clients.append(c)
        c.login()
        return c.compress(**kw)

    def test_unauthenticate(self):
        """RFC 8437, 3: not announced meanwhile, and BYE; never NO."""
        c = self.login()
        self.assertIn(b" UNAUTHENTICATE", c.ok("CAPABILITY")[0])
        c = self.packed()
        self.assertNotIn(b"UNAUTHENTICATE", c.ok("CAPABILITY")[0])
        c.send("x UNAUTHENTICATE\r\n")
        self.assertTrue(c.response().startswith(b"* BYE"))
        c.wait_closed()

    def test_announced(self):
        c = self.connect()
        self.assertNotIn(b"COMPRESS", c.greeting)
        c.login()
        self.assertIn(b" COMPRESS=DEFLATE", c.ok("CAPABILITY")[0])
        p = self.packed()
        self.assertNotIn(b"COMPRESS", p.ok("CAPABILITY")[0])

    def test_refusals(self):
        c = self.connect()
        self.assertBad(c.cmd("COMPRESS DEFLATE"))
        c.login()
        for text in ("COMPRESS", "COMPRESS GZIP", "COMPRESS DEFLATE x",
                     "COMPRESS "):
            self.assertBad(c.cmd(text))
        # commands that do not wait for the answer: nothing is compressed
        c.send("a COMPRESS DEFLATE\r\nb NOOP\r\n")
        self.assertTrue(c.finish("a")[1].startswith(b"BAD"))
        self.assertTrue(c.finish("b")[1].startswith(b"OK"))
        p = self.packed()
        got = p.cmd("COMPRESS DEFLATE")
        self.assertBad(got)
        self.assertIn(b"[COMPRESSIONACTIVE]", got[1])
        p.ok("NOOP")

    def test_without_case(self):
        c = Packed(self.server)
        self.clients.append(c)
        c.login()
        c.send("x compress deflate\r\n")
        self.assertEqual(c.response()[:4], b"x OK")

    def test_many_small_commands(self):
        for tls in (False, True):
            for flush in (zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH,
                          zlib.Z_PARTIAL_FLUSH):
                c = self.packed(tls)
                c.flush = flush
                for _ in range(200):
                    c.ok("NOOP")
                c.send("".join("p%d NOOP\r\n" % i for i in range(500)))
                for i in range(500):
                    c.finish("p%d" % i)
                c.ok("LOGOUT")

    def test_octet_by_octet(self):
        for tls in (False, True):
            c = self.packed(tls)
            c.cut = 1
            for _ in range(20):
                c.ok("STATUS INBOX (MESSAGES UIDNEXT)")

    def test_windows_and_levels(self):
        for level, wbits in ((0, -15), (1, -9), (9, -15), (6, -10)):
            c = self.packed(level=level, wbits=wbits)
            for i in range(50):
                c.ok('LIST "" "%s*"' % ("abc" * i))

    def test_huge_answers_and_messages(self):
        rnd = random.Random(7)
        big = message("big", "".join(
            "%064x\r\n" % rnd.getrandbits(256) for _ in range(50000)))
        text = message("text", "the same line again\r\n" * 100000)
        for tls in (False, True):
            c = self.packed(tls)
            c.ok("CREATE %s%d" % (self.box, tls))
            self.assertEqual(c.append(big, self.box + str(int(tls))), 1)
            self.assertEqual(c.append(text, self.box + str(int(tls))), 2)
            c.ok("SELECT %s%d" % (self.box, tls))
            before = c.raw_in
            got = c.ok("FETCH 1:2 BODY.PEEK[]")
            self.assertIn(big, got[0])
            self.assertIn(text, got[1])
            self.assertLess(c.raw_in - before, (len(big) + len(text)) * 2 // 3)
            c.ok("NOOP")

    def test_a_client_that_reads_slowly(self):
        c = self.select_new([message("m", "0123456789" * 10000 + "\r\n")] * 20)
        d = self.packed(True)
        d.ok("SELECT " + self.box)
        for _ in range(5):
            d.send("s FETCH 1:20 BODY.PEEK[]\r\n")
        time.sleep(1)
        for _ in range(5):
            untagged, tagged = d.finish("s")
            self.assertEqual(len(untagged), 20)
        c.ok("NOOP")

    def test_idle(self):
        c = self.select_new()
        for tls in (False, True):
            d = self.packed(tls)
            d.ok("SELECT " + self.box)
            d.ok('LIST "" "*"')
            for i in range(10):
                tag = d.idle()
                uid = c.append(message("m%d" % i), self.box)
                while b"EXISTS" not in d.response():
                    pass
                c.ok("UID STORE %d +FLAGS (\\Flagged)" % uid)
                while b"\\Flagged" not in d.response():
                    pass
                d.send("DONE\r\n")
                d.finish(tag)
                d.ok("UID FETCH %d (FLAGS ENVELOPE)" % uid)
                d.ok('LIST "" "*"')

    def test_news_come_with_the_next_command(self):
        c = self.select_new()
        d = Packed(self.server)
        self.clients.append(d)
        d.login()
        d.ok("SELECT " + self.box)
        c.append(message(), self.box)
        d.compress()
        self.assertIn(b"* 1 EXISTS", d.ok("NOOP"))

    def test_no_stream(self):
        c = Packed(self.server)
        self.clients.append(c)
        c.login().compress()
        c.sock.sendall(b"a1 NOOP\r\n" * 10)
        with self.assertRaises(Closed):
            c.finish("a1")
        # an end of the stream is an end of the connection
        c = Packed(self.server)
        self.clients.append(c)
        c.login().compress()
        c.sock.sendall(c.packs.compress(b"x NOOP\r\n") +
                       c.packs.flush(zlib.Z_FINISH))
        self.assertTrue(c.finish("x")[1].startswith(b"OK"))
        with self.assertRaises(Closed):
            c.response()

    def test_bombs(self):
        # one line that has no end: limited as without compression
        c = self.packed()
        with self.assertRaises((Closed, BrokenPipeError, OSError)):
            c.send(b"x" * 50000000)
            while True:
                c.response()
        # many commands in few octets: all are answered
        c = self.packed()
        c.sock.settimeout(60 * postern.SLOW)
        c.send(b"n NOOP\r\n" * 50000)
        for _ in range(50000):
            c.finish("n")
        # a literal of nothing but zeroes
        c = self.packed()
        got = c.cmd(b"APPEND INBOX {40000000+}\r\n" + b"\0" * 40000000)
        self.assertBad(got)
        # empty blocks for ever, which say nothing
        c = self.packed()
        other = self.login()
        c.sock.setblocking(False)
        end = time.monotonic() + 1
        blocks = b"\0\0\0\xff\xff" * 10000
        at = 0
        while time.monotonic() < end:
            try:
                at = (at + c.sock.send(blocks[at % 5:])) % 5
            except BlockingIOError:
                time.sleep(0.001)
        other.ok("NOOP")
        status = open("/proc/%d/status" % self.server.pid).read()
        peak = int(status.split("VmHWM:")[1].split()[0])
        if postern.SLOW == 1:
            self.assertLess(peak, 300000)


if __name__ == "__main__":
    unittest.main()
