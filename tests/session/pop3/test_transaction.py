"""The TRANSACTION state: STAT, LIST, RETR, DELE, NOOP, RSET, TOP, UIDL
(RFC 1939, 5 and 7), and commands in groups (RFC 2449, 6.6)."""

import unittest

from pop3_client import CRLF, Case, Client, message


class Transaction(Case):
    users = 30

    def test_session_of_the_rfc(self):
        """RFC 1939, 10."""
        one, two = message("one", "x" * 20 + "\r\n"), message("two")
        c = self.filled(one, two)
        total = len(one) + len(two)
        self.assertEqual(c.cmd("STAT"), b"+OK 2 %d" % total)
        self.assertEqual(c.cmd("LIST"), b"+OK 2 messages (%d octets)" % total)
        self.assertEqual(c.raw(), b"1 %d\r\n2 %d\r\n.\r\n" % (
            len(one), len(two)))
        self.assertEqual(c.cmd("RETR 1"), b"+OK %d octets" % len(one))
        self.assertEqual(c.raw(), one + b".\r\n")
        self.assertOk(c.cmd("DELE 1"))
        self.assertEqual(c.cmd("RETR 2"), b"+OK %d octets" % len(two))
        self.assertEqual(c.raw(), two + b".\r\n")
        self.assertOk(c.cmd("DELE 2"))
        self.assertOk(c.cmd("QUIT"))
        self.assertEqual(c.wait_closed(), b"")

    def test_empty_maildrop(self):
        c = self.filled()
        self.assertEqual(c.cmd("STAT"), b"+OK 0 0")
        self.assertEqual(c.cmd("LIST"), b"+OK 0 messages (0 octets)")
        self.assertEqual(c.raw(), b".\r\n")
        self.assertOk(c.cmd("UIDL"))
        self.assertEqual(c.raw(), b".\r\n")
        self.assertErr(c.cmd("RETR 1"))
        self.assertOk(c.cmd("RSET"))
        c.quit()

    def test_list(self):
        c = self.filled(message("a"), message("bb"))
        n = len(message("a"))
        self.assertEqual(c.cmd("LIST 1"), b"+OK 1 %d" % n)
        self.assertEqual(c.cmd("list  2 "), b"+OK 2 %d" % (n + 2))
        self.assertErr(c.cmd("LIST 3"))
        self.assertErr(c.cmd("LIST 0"))
        self.assertErr(c.cmd("LIST x"))
        self.assertErr(c.cmd("LIST 1 2"))
        self.assertErr(c.cmd("LIST -1"))
        self.assertErr(c.cmd("LIST 4294967297"))
        self.assertErr(c.cmd("LIST 99999999999999999999999"))

    def test_dele_and_rset(self):
        c = self.filled(message("a"), message("b"), message("c"))
        n = len(message("a"))
        self.assertOk(c.cmd("DELE 2"))
        for command in ("DELE 2", "RETR 2", "TOP 2 0", "LIST 2", "UIDL 2"):
            with self.subTest(command):
                self.assertErr(c.cmd(command))
        self.assertErr(c.cmd("DELE 4"))
        self.assertErr(c.cmd("DELE"))
        self.assertEqual(c.cmd("STAT"), b"+OK 2 %d" % (2 * n))
        self.assertEqual(c.lines("LIST"), [b"1 %d" % n, b"3 %d" % n])
        self.assertEqual([x.split()[0] for x in c.lines("UIDL")],
                         [b"1", b"3"])
        self.assertEqual(c.cmd("RSET"), b"+OK 3 messages (%d octets)" % (
            3 * n))
        self.assertEqual(len(c.lines("LIST")), 3)
        self.assertOk(c.cmd("RETR 2"))
        self.assertIn(b"Subject: b", c.text())
        c.quit()
        with Client(self.server) as c:
            self.assertEqual(c.login(type(self).next_user - 1).cmd("STAT"),
                             b"+OK 3 %d" % (3 * n))

    def test_top(self):
        header = message("top", "")
        body = [b"one", b"", b".two", b"..", b"five"]
        whole = header + CRLF.join(body) + CRLF
        c = self.filled(whole)
        for n in range(7):
            with self.subTest(n):
                want = header + b"".join(x + CRLF for x in body[:n])
                self.assertEqual(c.get("TOP 1 %d" % n), want)
        self.assertEqual(c.get("TOP 1 99999999999999999999999"), whole)
        self.assertOk(c.cmd("TOP 1 3"))
        self.assertEqual(c.raw(), header + b"one\r\n\r\n..two\r\n.\r\n")
        for command in ("TOP", "TOP 1", "TOP 1 x", "TOP 1 -1", "TOP 1 1 1",
                        "TOP 2 1", "TOP 0 1"):
            with self.subTest(command):
                self.assertErr(c.cmd(command))

    def test_dots(self):
        """Also on the first line, which no header begins with."""
        cases = [b".first: x\r\nSubject: y\r\n\r\nbody\r\n",
                 b"Subject: y\r\n\r\n.\r\n..\r\n...\r\n.x\r\nx.\r\n",
                 b"Subject: y\r\n\r\n" + b".\r\n" * 100000,
                 b"Subject: y\r\n\r\n" + b"." * 100000 + CRLF,
                 b"\r\n.\r\n.\r\n"]
        c = self.filled(*cases)
        for i, want in enumerate(cases, 1):
            with self.subTest(i):
                self.assertOk(c.cmd("RETR %d" % i))
                raw = c.raw()
                self.assertFalse([x for x in raw[:-3].split(CRLF)
                                  if x.startswith(b".") and x[1:2] != b"."])
                self.assertEqual(b"\r\n".join(
                    x[1:] if x.startswith(b".") else x
                    for x in raw[:-3].split(CRLF)), want)

    def test_no_line_end_at_the_end(self):
        """What had none on its last line gets one."""
        cases = [message("a", "no end"), message("b", "."),
                 message("c", "x\r\n.")]
        c = self.filled(*cases)
        for i, want in enumerate(cases, 1):
            with self.subTest(i):
                got = c.get("RETR %d" % i)
                self.assertEqual(got, want + CRLF)
                self.assertEqual(c.get("TOP %d 50" % i), want + CRLF)

    def test_large_message(self):
        body = "".join("%07d%s\r\n" % (i, "." * (i % 70))
                       for i in range(60000))
        want = message("large", body)
        c = self.filled(want)
        self.assertEqual(c.cmd("RETR 1"), b"+OK %d octets" % len(want))
        self.assertEqual(c.text(), want)
        self.assertEqual(c.get("TOP 1 50000"),
                         b"".join(x + CRLF for x in want.split(CRLF)[:50006]))

    def test_pipelining(self):
        n = 50
        messages = [message("m%d" % i, "." * i + "\r\n") for i in range(n)]
        c = self.connect()
        user = self.fill(*messages)
        group = ["USER " + self.server.users[user],
                 "PASS " + self.server.password, "STAT"]
        for i in range(1, n + 1):
            group += ["RETR %d" % i, "DELE %d" % i, "NOOP"]
        group += ["RETR %d" % n, "RSET", "UIDL", "LIST", "QUIT"]
        c.send(CRLF.decode().join(group) + "\r\n")
        self.assertOk(c.line())
        self.assertOk(c.line())
        self.assertEqual(c.line(), b"+OK %d %d" % (
            n, sum(map(len, messages))))
        for want in messages:
            self.assertEqual(c.line(), b"+OK %d octets" % len(want))
            self.assertEqual(c.text(), want)
            self.assertOk(c.line())
            self.assertOk(c.line())
        self.assertErr(c.line())
        self.assertOk(c.line())
        self.assertOk(c.line())
        self.assertEqual(len(c.text().split(CRLF)), n + 1)
        self.assertOk(c.line())
        self.assertEqual(len(c.text().split(CRLF)), n + 1)
        self.assertOk(c.line())
        self.assertEqual(c.wait_closed(), b"")

    def test_octet_by_octet(self):
        c = self.filled(message("a"))
        for octet in "stat\r\nTop 1 0\r\n":
            c.send(octet)
        self.assertOk(c.line())
        self.assertOk(c.line())
        self.assertIn(b"Subject: a", c.text())

    def test_line_ends(self):
        c = self.filled(message("a"))
        c.send("NOOP\nSTAT\nNOOP\r\n")
        for _ in range(3):
            self.assertOk(c.line())

    def test_many_messages(self):
        """A listing goes on over several outputs."""
        user = self.fill()
        text = message("many")
        with self.imap(user) as c:
            for _ in range(20):
                c.append(text)
            for _ in range(8):
                c.ok("COPY 1:* INBOX")
        c = self.login(user)
        want = [b"%d %d" % (i, len(text)) for i in range(1, 5121)]
        c.send("LIST\r\nUIDL\r\nLIST\r\n")
        for i in range(3):
            self.assertOk(c.line())
            got = c.text().split(CRLF)[:-1]
            if i == 1:
                ids = [x.split()[1] for x in got]
                self.assertEqual(len(set(ids)), 5120)
            else:
                self.assertEqual(got, want)

    def test_over_tls(self):
        want = message("tls", "x" * 70 + "\r\n" + ".y\r\n" * 50000)
        user = self.fill(want)
        c = self.connect(tls=True).login(user)
        self.assertEqual(c.get("RETR 1"), want)
        c.quit()


if __name__ == "__main__":
    unittest.main()
