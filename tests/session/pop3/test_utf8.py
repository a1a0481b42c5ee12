"""UTF8 and LANG (RFC 6856)."""

import email
import email.policy
import os
import unittest

from pop3_client import STORAGE, Case
from postern import only_over

HEADER = ("From: J\u00f6rg M\u00fcller <joerg@example.org>, "
          "=?iso-8859-1?q?Ren=E9?= <rene@\u00e9xample.org>,\r\n"
          " \"Plain, Name\" <plain@example.org>\r\n"
          "To: Gruppe \u00e4: \u00fc@example.org, x@example.org;, y@z.org\r\n"
          "Subject: \u4f60\u597d =?utf-8?q?=C3=A4?= "
          + "\u00e4\u00f6\u00fc" * 40 + "\r\n"
          "Content-Type: text/plain; charset=utf-8; name=\"\u00e4.txt\"\r\n"
          "Received: from h\u00f6st by x; Mon, 2 Mar 2026 10:20:30 +0100\r\n"
          "X-B\u00e4d: name\r\n"
          "X-Plain: stays  as it\r\n is\r\n"
          "\r\n")
BODY = "B\u00f6dy\r\n.\r\nline\r\n"


class Utf8(Case):
    users = 10

    def put(self, text, user=None):
        """Puts a message there as another program would."""
        user = self.fill() if user is None else user
        if STORAGE != "maildir":
            c = self.imap(user)
            c.ok("ENABLE UTF8=ACCEPT")
            c.append(text)
            return user
        folder = self.server.maildir(self.server.users[user])
        self.put_count = getattr(self, "put_count", 0) + 1
        with open(os.path.join(folder, "new", "%d.x.y" % self.put_count),
                  "wb") as f:
            f.write(text)
        return user

    def test_a_header_in_ascii_instead(self):
        c = self.login(self.put((HEADER + BODY).encode()))
        got = c.get("RETR 1")
        head, body = got.split(b"\r\n\r\n", 1)
        self.assertTrue(head.isascii())
        self.assertTrue(all(len(x) < 78 for x in head.split(b"\r\n")), head)
        self.assertEqual(body, BODY.encode())
        self.assertIn(b"\r\nX-Plain: stays  as it\r\n is\r\n", got)
        m = email.message_from_bytes(got, policy=email.policy.default)
        self.assertEqual(m["subject"], "\u4f60\u597d \u00e4 "
                         + "\u00e4\u00f6\u00fc" * 40)
        self.assertEqual([(a.display_name, a.addr_spec)
                          for a in m["from"].addresses], [
            ("J\u00f6rg M\u00fcller", "joerg@example.org"),
            ("Ren\u00e9 rene@\u00e9xample.org",
             "invalid@internationalized-address.invalid"),
            ("Plain, Name", "plain@example.org")])
        self.assertEqual([a.addr_spec for a in m["to"].addresses], [
            "invalid@internationalized-address.invalid", "x@example.org",
            "y@z.org"])
        self.assertEqual(m["to"].groups[0].display_name, "Gruppe \u00e4")
        self.assertEqual(m.get_content_type(), "text/plain")
        self.assertEqual(m.get_filename(), "_.txt")
        self.assertEqual(c.get("TOP 1 0"), head + b"\r\n\r\n")
        self.assertEqual(c.get("TOP 1 2"), head + b"\r\n\r\n" +
                         "B\u00f6dy\r\n.\r\n".encode())

    def test_utf8_mode(self):
        user = self.put((HEADER + BODY).encode())
        c = self.connect()
        self.assertOk(c.cmd("UTF8"))
        c.login(user)
        self.assertEqual(c.cmd("RETR 1"), b"+OK %d octets" % len(
            (HEADER + BODY).encode()))
        self.assertEqual(c.text(), (HEADER + BODY).encode())
        self.assertErr(c.cmd("UTF8"))       # only in AUTHORIZATION
        self.assertErr(self.connect().cmd("UTF8 x"))

    def test_a_body_in_8bit_stays(self):
        text = ("Subject: plain\r\n\r\n" + BODY).encode()
        c = self.login(self.put(text))
        self.assertEqual(c.get("RETR 1"), text)

    @only_over("maildir")
    def test_latin1(self):
        c = self.login(self.put(
            b"Subject: caf\xe9 cr\xe8me\r\nFrom: \xe9 <a@b.org>\r\n\r\nx\r\n"))
        m = email.message_from_bytes(c.get("RETR 1"),
                                     policy=email.policy.default)
        self.assertEqual(m["subject"], "caf\u00e9 cr\u00e8me")
        self.assertEqual(m["from"].addresses[0].display_name, "\u00e9")

    def test_a_long_header(self):
        """Longer than what is looked at first."""
        lines = "".join("X-%d: %s\r\n" % (i, "x" * 70) for i in range(1500))
        plain = lines.encode() + b"\r\nbody\r\n"
        user = self.put(plain)
        self.put(lines.encode() + b"Subject: \xc3\xa4\r\n\r\nbody\r\n", user)
        self.put(lines.encode() * 4 + b"Subject: \xc3\xa4\r\n\r\nbody\r\n",
                 user)
        c = self.login(user)
        self.assertEqual(c.get("RETR 1"), plain)
        self.assertEqual(c.get("RETR 2"), lines.encode() +
                         b"Subject: =?UTF-8?B?w6Q=?=\r\n\r\nbody\r\n")
        self.assertErr(c.cmd("RETR 3"), "UTF8")
        self.assertErr(c.cmd("TOP 3 1"), "UTF8")
        c.quit()
        c = self.connect()
        c.ok("UTF8")
        c.login(user)
        self.assertIn(b"Subject: \xc3\xa4", c.get("RETR 3"))

    def test_lang(self):
        c = self.connect()
        self.assertEqual(c.lines("LANG"), [b"en English", b"de Deutsch"])
        self.assertTrue(c.cmd("LANG de").startswith(b"+OK de "))
        self.assertEqual(c.cmd("NONSENSE"), b"-ERR Unbekannter Befehl")
        self.assertTrue(c.cmd("LANG *").startswith(b"+OK en "))
        self.assertEqual(c.cmd("NONSENSE"), b"-ERR Unknown command")
        self.assertTrue(c.cmd("lang DE-at").startswith(b"+OK de "))
        self.assertErr(c.cmd("LANG uga"))
        self.assertEqual(c.cmd("NONSENSE"), b"-ERR Unbekannter Befehl")
        c.login(self.fill())
        self.assertTrue(c.cmd("STAT").startswith(b"+OK 0 0"))
        self.assertIn("Nachrichten".encode(), c.cmd("RSET"))
        self.assertEqual(len(c.lines("LANG")), 2)


class Preferred(Case):
    settings = ("pop3.language=de",)

    def test_lang(self):
        c = self.connect()
        self.assertEqual(c.cmd("NONSENSE"), b"-ERR Unknown command")
        self.assertTrue(c.cmd("LANG *").startswith(b"+OK de "))


if __name__ == "__main__":
    unittest.main()
