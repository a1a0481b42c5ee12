"""SEARCH: every key, charsets, and what is found in bodies."""

import base64
import unittest

from imap_client import Case, message


class Search(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        from imap_client import Client
        c = Client(cls.server).login()
        c.ok("CREATE box")
        html = base64.encodebytes(
            "<p>Stra\u00dfe nach K\u00f6ln</p>".encode("latin-1")).decode()
        attached = base64.encodebytes(b"needle in an image").decode()
        parts = (
            "--b\r\nContent-Type: text/html; charset=iso-8859-1\r\n"
            "Content-Transfer-Encoding: base64\r\n\r\n%s"
            "--b\r\nContent-Type: image/png\r\n"
            "Content-Transfer-Encoding: base64\r\n\r\n%s"
            "--b\r\nContent-Type: message/rfc822\r\n\r\n"
            "Subject: inner words\r\n\r\ninner body\r\n--b--\r\n" % (
                html, attached)).replace("\r\n", "\n").replace("\n", "\r\n")
        for text, extra in (
                (message("alpha", "one body\r\n"),
                 '(\\Seen \\Answered $Work) "01-Jan-2020 23:30:00 +0000"'),
                (message("=?utf-8?Q?Gr=C3=BC=C3=9Fe?=", "two body\r\n",
                         "Cc: Carl <carl@example.test>\r\n"),
                 '(\\Flagged) "02-Jan-2020 00:30:00 +0000"'),
                (message("gamma", parts,
                         "MIME-Version: 1.0\r\nX-Tag: some value\r\n"
                         "Content-Type: multipart/mixed; boundary=b\r\n"),
                 '(\\Draft) "03-Jan-2020 12:00:00 +0000"'),
                (message("delta", "x" * 5000 + "\r\nsoft=\r\nline =C3=A4\r\n",
                         "Bcc: dora@example.test\r\n"
                         "Content-Transfer-Encoding: quoted-printable\r\n"
                         "Content-Type: text/plain; charset=utf-8\r\n"),
                 '(\\Deleted \\Seen) "04-Jan-2020 12:00:00 +0000"')):
            c.append(text, "box", extra)
        c.close()

    def setUp(self):
        super().setUp()
        self.c = self.login()
        self.c.ok("EXAMINE box")

    def found(self, text, want):
        got = self.c.ok(text if isinstance(text, bytes) else "SEARCH " + text)
        self.assertEqual(len(got), 1, got)
        self.assertTrue(got[0].startswith(b"* SEARCH"), got)
        self.assertEqual([int(n) for n in got[0].split()[2:]], want, text)

    def test_flags(self):
        for text, want in (
                ("ALL", [1, 2, 3, 4]), ("SEEN", [1, 4]), ("UNSEEN", [2, 3]),
                ("ANSWERED", [1]), ("UNANSWERED", [2, 3, 4]),
                ("FLAGGED", [2]), ("UNFLAGGED", [1, 3, 4]), ("DRAFT", [3]),
                ("UNDRAFT", [1, 2, 4]), ("DELETED", [4]),
                ("UNDELETED", [1, 2, 3]), ("KEYWORD $work", [1]),
                ("UNKEYWORD $Work", [2, 3, 4]), ("KEYWORD nothing", []),
                ("UNKEYWORD nothing", [1, 2, 3, 4]),
                ("RECENT", [1, 2, 3, 4]), ("OLD", []), ("NEW", [2, 3])):
            self.found(text, want)

    def test_sets(self):
        for text, want in (("2:3", [2, 3]), ("*", [4]), ("3:*", [3, 4]),
                           ("UID 1,4", [1, 4]), ("UID 100:*", [4]),
                           ("1:3 UNSEEN", [2, 3]), ("9:12", []),
                           ("NOT 2", [1, 3, 4])):
            self.found(text, want)

    def test_dates(self):
        for text, want in (("ON 1-Jan-2020", [1]), ("ON 2-Jan-2020", [2]),
                           ("BEFORE 2-Jan-2020", [1]),
                           ("SINCE 3-Jan-2020", [3, 4]),
                           ("SENTON 7-Feb-1994", [1, 2, 3, 4]),
                           ("SENTON 8-Feb-1994", []),
                           ("SENTBEFORE 8-Feb-1994", [1, 2, 3, 4]),
                           ("SENTSINCE \"7-Feb-1994\"", [1, 2, 3, 4]),
                           ("SENTSINCE 8-Feb-1994", [])):
            self.found(text, want)

    def test_sizes(self):
        self.found("LARGER 5000", [4])
        self.found("SMALLER 5000", [1, 2, 3])
        self.found("LARGER 18446744073709551615", [])

    def test_headers(self):
        for text, want in (
                ("SUBJECT ALPHA", [1]), ("SUBJECT \"\"", [1, 2, 3, 4]),
                ("FROM \"ann@\"", [1, 2, 3, 4]), ("FROM bob", []),
                ("TO bob", [1, 2, 3, 4]), ("CC carl", [2]),
                ("CC \"\"", [2]), ("BCC dora", [4]),
                ("HEADER x-tag VALUE", [3]), ("HEADER X-Tag \"\"", [3]),
                ("HEADER X-None \"\"", []),
                ("HEADER Message-ID alpha@example", [1])):
            self.found(text, want)

    def test_charset(self):
        word = "gr\u00fcSSe".encode()
        self.found(b"SEARCH CHARSET UTF-8 SUBJECT {%d+}\r\n%s" % (
            len(word), word), [2])
        word = "GR\u00dc\u00dfE".encode("latin-1")
        self.found(b"SEARCH CHARSET iso-8859-1 SUBJECT {%d+}\r\n%s" % (
            len(word), word), [2])
        self.found("CHARSET us-ascii SUBJECT alpha", [1])
        self.assertNo(self.c.cmd("SEARCH CHARSET x-none ALL"),
                      "BADCHARSET (US-ASCII UTF-8)")

    def test_bodies(self):
        for text, want in (
                ("BODY \"one body\"", [1]), ("BODY \"ONE BODY\"", [1]),
                ("BODY alpha", []), ("TEXT alpha", [1]),
                ("BODY \"softline\"", [4]), ("BODY nach", [3]),
                ("BODY needle", []), ("BODY \"inner body\"", [3]),
                ("BODY \"inner words\"", [3]), ("TEXT \"some value\"", [3]),
                ("BODY \"\"", [1, 2, 3, 4]), ("BODY body", [1, 2, 3])):
            self.found(text, want)
        word = "strasse nach k\u00f6LN".encode()
        self.found(b"SEARCH CHARSET UTF-8 BODY {%d+}\r\n%s" % (
            len(word), word), [3])
        word = "line \u00c4".encode()
        self.found(b"SEARCH CHARSET UTF-8 TEXT {%d+}\r\n%s" % (
            len(word), word), [4])

    def test_logic(self):
        for text, want in (
                ("SEEN DELETED", [4]), ("OR SEEN DRAFT", [1, 3, 4]),
                ("NOT SEEN", [2, 3]), ("NOT NOT SEEN", [1, 4]),
                ("(SEEN) (NOT (DELETED))", [1]),
                ("OR (SEEN DELETED) (OR FLAGGED SUBJECT gamma)", [2, 3, 4]),
                ("OR BODY nothing SEEN", [1, 4]),
                ("NOT BODY body", [4])):
            self.found(text, want)

    def test_uid_search(self):
        c = self.select_new([message("m%d" % i) for i in range(4)])
        c.ok("STORE 1,3 +FLAGS.SILENT (\\Deleted)")
        c.ok("EXPUNGE")
        self.assertEqual(c.ok("SEARCH ALL"), [b"* SEARCH 1 2"])
        self.assertEqual(c.ok("UID SEARCH ALL"), [b"* SEARCH 2 4"])
        self.assertEqual(c.ok("UID SEARCH 2 SUBJECT m3"), [b"* SEARCH 4"])

    def test_empty_mailbox(self):
        c = self.select_new()
        self.assertEqual(c.ok("SEARCH ALL"), [b"* SEARCH"])
        self.assertEqual(c.ok("SEARCH 1:*"), [b"* SEARCH"])

    def test_errors(self):
        for text in ("", "FOO", "OR SEEN", "NOT", "(SEEN", "SEEN)", "()",
                     "SINCE x", "SINCE 32-Jan-2020", "LARGER x", "0",
                     "UID x", "SUBJECT", "HEADER a", "CHARSET utf-8",
                     "KEYWORD \\Seen", "NOT " * 100 + "ALL"):
            self.assertBad(self.c.cmd("SEARCH " + text))


class LargeSearch(Case):
    def test_large_body(self):
        c = self.select_new()
        line = b"0123456789" * 7 + b"\r\n"
        c.append(message("big") + line * 100000 + b"the needle\r\n", self.box)
        self.assertEqual(c.ok("SEARCH BODY needle"), [b"* SEARCH 1"])
        self.assertEqual(c.ok("SEARCH BODY noodle"), [b"* SEARCH"])
        self.assertEqual(c.ok("SEARCH TEXT \"9012345\""), [b"* SEARCH 1"])


if __name__ == "__main__":
    unittest.main()
