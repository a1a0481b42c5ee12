"""BINARY (RFC 3516)."""

import base64
import re
import unittest

from imap_client import CRLF, Case, Closed, message

ZIP = bytes(range(256)) * 40
TEXT = "Gr\u00fc\u00dfe\r\n" * 30


def multipart():
    return ("From: a@example.test\r\nSubject: parts\r\nMIME-Version: 1.0\r\n"
            "Content-Type: multipart/mixed; boundary=bb\r\n\r\n"
            "--bb\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
            "%s\r\n"
            "--bb\r\nContent-Type: application/zip\r\n"
            "Content-Transfer-Encoding: BASE64\r\n\r\n%s\r\n"
            "--bb\r\nContent-Type: text/plain\r\n\r\nas it is\r\n"
            "--bb\r\nContent-Type: application/x\r\n"
            "Content-Transfer-Encoding: x-uuencode\r\n\r\nabc\r\n"
            "--bb\r\nContent-Type: text/plain; charset=iso-8859-1\r\n"
            "Content-Transfer-Encoding: base64\r\n\r\n%s\r\n"
            "--bb\r\nContent-Type: text/plain\r\n"
            "Content-Transfer-Encoding: base64\r\n\r\n\r\n"
            "--bb--\r\n" % (
                TEXT.replace("\u00fc", "=C3=BC").replace(
                    "\u00df", "=C3=9F").rstrip("\r\n"),
                base64.encodebytes(ZIP).decode().replace("\n", "\r\n"),
                base64.b64encode("caf\u00e9".encode("latin-1")).decode())
            ).encode()


class Binary(Case):
    def literal8(self, c, text):
        """One FETCH of one item: (kind, octets)."""
        tag = c.tag()
        c.send("%s %s\r\n" % (tag, text))
        line = c._line()
        m = re.match(rb"\* \d+ FETCH \((?:UID \d+ )?(?:FLAGS \([^)]*\) )?"
                     rb"([A-Z.]+\[[\d.]*\](?:<\d+>)?) (?:(~?)\{(\d+)\}|NIL\))$",
                     line)
        self.assertTrue(m, line)
        octets = None
        if m.group(3):
            n = int(m.group(3))
            while len(c.buffer) < n + 3:
                c._more()
            octets, c.buffer = c.buffer[:n], c.buffer[n:]
            self.assertEqual(c._line(), b")")
        c.finish(tag)
        return m.group(1), m.group(2), octets

    def test_announced(self):
        self.assertIn(b" BINARY", self.login().ok("CAPABILITY")[0])

    def test_parts(self):
        c = self.select_new([multipart()])
        text = TEXT.encode()[:-2]
        for items, label, kind, want in (
                ("BINARY.PEEK[1]", b"BINARY[1]", b"", text),
                ("BINARY.PEEK[2]", b"BINARY[2]", b"~", ZIP),
                ("BINARY.PEEK[3]", b"BINARY[3]", b"", b"as it is"),
                ("BINARY.PEEK[5]", b"BINARY[5]", b"", b"caf\xe9"),
                ("BINARY.PEEK[6]", b"BINARY[6]", b"", b""),
                ("BINARY.PEEK[]", b"BINARY[]", b"", multipart()),
                ("BINARY.PEEK[9]", b"BINARY[9]", None, None),
                ("BINARY.PEEK[2]<1.100>", b"BINARY[2]<1>", b"", ZIP[1:101]),
                ("BINARY.PEEK[2]<250.100>", b"BINARY[2]<250>", b"~",
                 ZIP[250:350]),
                ("BINARY.PEEK[2]<10200.100>", b"BINARY[2]<10200>", b"",
                 ZIP[10200:]),
                ("BINARY.PEEK[2]<99999.1>", b"BINARY[2]<99999>", b"", b""),
                ("BINARY.PEEK[1]<0.4294967295>", b"BINARY[1]<0>", b"", text)):
            self.assertEqual(self.literal8(c, "FETCH 1 " + items),
                             (label, kind, want), items)
        self.assertNotIn(b"\\Seen", c.ok("FETCH 1 FLAGS")[0])
        got = c.ok("UID FETCH 1 (BINARY.SIZE[1] BINARY.SIZE[2] BINARY.SIZE[6] "
                   "BINARY.SIZE[] RFC822.SIZE)")[0]
        self.assertEqual(
            got, b"* 1 FETCH (UID 1 BINARY.SIZE[1] %d BINARY.SIZE[2] %d "
            b"BINARY.SIZE[6] 0 BINARY.SIZE[] %d RFC822.SIZE %d)" % (
                len(text), len(ZIP), len(multipart()), len(multipart())))
        self.assertEqual(self.literal8(c, "FETCH 1 BINARY[3]")[2], b"as it is")
        self.assertIn(b"\\Seen", c.ok("FETCH 1 FLAGS")[0])

    def test_single_part(self):
        m = message("x", base64.encodebytes(b"\0abc\0").decode().replace(
            "\n", "\r\n"), "Content-Transfer-Encoding: base64\r\n")
        c = self.select_new([m])
        self.assertEqual(self.literal8(c, "FETCH 1 BINARY.PEEK[1]"),
                         (b"BINARY[1]", b"~", b"\0abc\0"))
        self.assertEqual(self.literal8(c, "FETCH 1 BINARY.PEEK[]")[2], m)

    def test_unknown_encoding(self):
        c = self.select_new([multipart(), message("b")])
        for items in ("BINARY[4]", "BINARY.PEEK[4]", "BINARY.SIZE[4]",
                      "(UID BINARY.PEEK[1] BINARY.SIZE[4])"):
            got = c.cmd("FETCH 1:2 " + items)
            self.assertNo(got, "UNKNOWN-CTE")
            self.assertFalse([u for u in got[0] if u.startswith(b"* 1 FETCH (B")])
            self.assertTrue([u for u in got[0] if u.startswith(b"* 2 FETCH")])

    def test_grammar(self):
        c = self.select_new([multipart()])
        for items in ("BINARY", "BINARY.PEEK", "BINARY.SIZE", "BINARY[TEXT]",
                      "BINARY[1.MIME]", "BINARY[HEADER]", "BINARY[",
                      "BINARY.SIZE[1]<0.1>", "BINARY[1]<0.0>", "BINARY[1]<0>",
                      "BINARY[0]", "BINARY[1.]"):
            self.assertBad(c.cmd("FETCH 1 " + items))

    def test_large(self):
        big = bytes(range(256)) * 40000
        m = message("big", base64.encodebytes(big).decode().replace(
            "\n", "\r\n"), "Content-Transfer-Encoding: base64\r\n")
        c = self.select_new([m])
        self.assertEqual(self.literal8(c, "FETCH 1 BINARY.PEEK[1]")[2], big)
        self.assertEqual(
            self.literal8(c, "FETCH 1 BINARY.PEEK[1]<5000000.70000>")[2],
            big[5000000:5070000])
        self.assertIn(b"BINARY.SIZE[1] %d)" % len(big),
                      c.ok("FETCH 1 BINARY.SIZE[1]")[0])
        # somebody who goes away in the middle
        d = self.select_again()
        d.send("t FETCH 1 (BINARY[1] BINARY[1] BINARY[1])\r\n")
        d._line()
        d.close()
        c.ok("NOOP")

    def test_append(self):
        c = self.select_new()
        m = message("eight", "caf\u00e9\r\n")
        box = self.box.encode()
        c.send(b"t APPEND %s (\\Seen) ~{%d}\r\n" % (box, len(m)))
        self.assertTrue(c.response().startswith(b"+ "))
        c.send(m + CRLF)
        self.assertOk(c.finish("t"), "APPENDUID")
        self.assertIn(m, c.ok("FETCH 1 BODY.PEEK[]")[0])
        # what cannot be kept without loss is refused
        for bad in (m + b"\0", m + b"a\nb"):
            self.assertNo(c.cmd(b"APPEND %s ~{%d+}\r\n%s" % (
                box, len(bad), bad)), "UNKNOWN-CTE")
        self.assertBad(c.cmd(b"NOOP ~{3+}\r\nabc"))
        self.assertBad(c.cmd(b"APPEND ~{3+}\r\nabc {3+}\r\nabc"))
        self.assertIn(b"MESSAGES 1",
                      c.ok("STATUS %s (MESSAGES)" % self.box)[0])


if __name__ == "__main__":
    unittest.main()
