"""PREVIEW (RFC 8970)."""

import base64
import re
import unittest

from imap_client import Case, message


def preview(got):
    m = re.search(rb'PREVIEW (?:"((?:[^"\\]|\\.)*)"|\{\d+\}\r\n(.*)\)$|(NIL))',
                  got, re.S)
    assert m, got
    if m.group(3):
        return None
    if m.group(1) is not None:
        return m.group(1).replace(b"\\", b"").decode()
    return m.group(2).decode()


class Preview(Case):
    def of(self, m, modifier=""):
        c = self.c
        c.append(m, self.box)
        c.ok("NOOP")
        return preview(c.ok("FETCH * (PREVIEW%s)" % modifier)[0])

    def setUp(self):
        super().setUp()
        self.c = self.select_new()

    def test_announced(self):
        self.assertIn(b" PREVIEW", self.c.ok("CAPABILITY")[0])

    def test_plain(self):
        self.assertEqual(self.of(message("a", "Preview text!\r\n")),
                         "Preview text!")
        self.assertEqual(
            self.of(message("a", "\r\n  two\r\n\tlines \r\n\r\nand  more\r\n")),
            "two lines and more")
        self.assertEqual(self.of(message("a", "On Monday:\r\n> old\r\nnew\r\n")),
                         "On Monday: new")
        self.assertEqual(self.of(message("a", "> only\r\n> quotes\r\n")),
                         "> only > quotes")
        self.assertEqual(self.of(message("a", "hi\r\n-- \r\nAnn\r\n")), "hi")
        self.assertEqual(self.of(message("a", "")), "")
        self.assertEqual(self.of(message("a", 'a "b" \\c\r\n')), 'a "b" c')

    def test_length_and_charset(self):
        got = self.of(message("a", "word " * 100 + "\r\n"))
        self.assertLessEqual(len(got), 200)
        self.assertGreater(len(got), 190)
        m = message("a", base64.encodebytes(
            ("\u00fc\u20ac\U0001f600" * 300).encode()).decode().replace(
                "\n", "\r\n"),
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: base64\r\n")
        self.assertEqual(self.of(m), ("\u00fc\u20ac\U0001f600" * 300)[:200])
        m = message("a", "caf=E9\r\n",
                    "Content-Type: text/plain; charset=iso-8859-1\r\n"
                    "Content-Transfer-Encoding: quoted-printable\r\n")
        self.assertEqual(self.of(m), "caf\u00e9")
        m = message("a", "x\u200b\u200c\u00a0\ufeff y\r\n",
                    "Content-Type: text/plain; charset=utf-8\r\n")
        self.assertEqual(self.of(m), "x y")

    def test_html_and_parts(self):
        m = message("a", "<html><head><style>p { color: red }</style></head>"
                    "<body><p>Hello&nbsp;<b>you</b></p></body></html>\r\n",
                    "Content-Type: text/html\r\n")
        self.assertEqual(self.of(m), "Hello you")
        m = message("a", "--b\r\nContent-Type: text/html\r\n\r\n<p>html</p>\r\n"
                    "--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n--b--\r\n",
                    "Content-Type: multipart/alternative; boundary=b\r\n")
        self.assertEqual(self.of(m), "plain")
        m = message("a", "--b\r\nContent-Type: text/plain\r\n"
                    "Content-Disposition: attachment\r\n\r\nfile\r\n"
                    "--b\r\nContent-Type: text/plain\r\n\r\nwords\r\n--b--\r\n",
                    "Content-Type: multipart/mixed; boundary=b\r\n")
        self.assertEqual(self.of(m), "words")
        m = message("a", "AAAA\r\n", "Content-Type: image/png\r\n"
                    "Content-Transfer-Encoding: base64\r\n")
        self.assertEqual(self.of(m), "")

    def test_lazy(self):
        self.assertEqual(self.of(message("a", "small\r\n"), " (LAZY)"), "small")
        big = message("a", "big\r\n" * 30000)
        self.assertIsNone(self.of(big, " (LAZY)"))
        self.assertEqual(self.of(big)[:11], "big big big")
        got = self.c.ok("FETCH 1 (UID PREVIEW (LAZY LAZY) ENVELOPE FLAGS)")[0]
        self.assertIn(b'PREVIEW "small" ENVELOPE (', got)
        self.assertIn(b"UID 1", got)
        got = self.c.ok("FETCH 2 (BODYSTRUCTURE PREVIEW (LAZY))")[0]
        self.assertTrue(preview(got).startswith("big"))
        self.assertNotIn(b"\\Seen", self.c.ok("FETCH 1 FLAGS")[0])
        self.assertEqual(preview(self.c.ok("FETCH 1 PREVIEW (LAZY)")[0]),
                         "small")

    def test_grammar(self):
        self.c.append(message(), self.box)
        self.c.ok("NOOP")
        for items in ("PREVIEW (FOO)", "PREVIEW ()", "(PREVIEW (LAZY)",
                      "PREVIEW(LAZY)", "PREVIEW[]", "PREVIEW LAZY"):
            self.assertBad(self.c.cmd("FETCH 1 " + items))


if __name__ == "__main__":
    unittest.main()
