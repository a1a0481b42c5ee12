"""The content: framing, smuggling, what is added and what is taken out."""

import unittest

from wire import MESSAGE, Case, Mailbox, split, values


class Data(Case):
    def test_stored_with_trace(self):
        w = self.wire()
        code, text = w.mail(self.user())
        self.assertEqual(code, 250)
        self.assertRegex(text, r"^2\.0\.0 Ok: stored as [0-9A-Z]+-[0-9A-Z]+$")
        got = self.inbox()[-1]
        self.assertTrue(got.startswith(
            b"Return-Path: <a@b.test>\r\nReceived: from me.test "
            b"([127.0.0.1])\r\n\tby "), got)
        self.assertTrue(got.endswith(MESSAGE), got)
        received = values(got, "Received")[0]
        self.assertRegex(
            received, r"with ESMTP id %s for <%s>; \w\w\w, " % (
                text.rsplit(" ", 1)[1], self.user()))

    def test_null_sender(self):
        w = self.wire()
        self.assertEqual(w.mail(self.user(), sender=b"")[0], 250)
        self.assertEqual(values(self.inbox()[-1], "Return-Path"), ["<>"])

    def test_source_route_is_ignored(self):
        w = self.wire()
        w.envelope("@x.test:" + self.user(), sender=b"@y.test:a@b.test")
        w.data(MESSAGE + b".\r\n")
        self.assertEqual(w.reply()[0], 250)
        got = self.inbox()[-1]
        self.assertEqual(values(got, "Return-Path"), ["<a@b.test>"])

    def test_old_return_path_goes(self):
        w = self.wire()
        content = (b"Return-Path: <x@y>\r\nA: b\r\nreturn-path:\r\n <z>\r\n"
                   b"Bcc: stays@b.test\r\n\r\nReturn-Path: stays\r\n")
        self.assertEqual(w.mail(self.user(), content=content)[0], 250)
        got = self.inbox()[-1]
        self.assertEqual(values(got, "Return-Path"), ["<a@b.test>"])
        self.assertEqual(values(got, "Bcc"), ["stays@b.test"])
        self.assertEqual(values(got, "Date"), [])
        self.assertEqual(split(got)[1], b"Return-Path: stays\r\n")

    def test_no_header(self):
        w = self.wire()
        self.assertEqual(
            w.mail(self.user(), content=b"just text\r\n")[0], 250)
        self.assertEqual(split(self.inbox()[-1])[1], b"just text\r\n")

    def test_empty(self):
        w = self.wire()
        self.assertEqual(w.mail(self.user(), content=b"")[0], 250)
        self.assertTrue(self.inbox()[-1].startswith(b"Return-Path:"))

    def test_dots(self):
        w = self.wire()
        content = b"A: b\r\n\r\n..\r\n...\r\n.x\r\na.\r\n..\r\n"
        self.assertEqual(w.mail(self.user(), content=content)[0], 250)
        self.assertEqual(split(self.inbox()[-1])[1],
                         b".\r\n..\r\nx\r\na.\r\n.\r\n")

    def test_eight_bits_and_long_lines_pass(self):
        w = self.wire()
        body = bytes(range(128, 256)) + b"x" * 20000 + b"\r\n"
        self.assertEqual(w.mail(self.user(), content=b"A: b\r\n\r\n" + body,
                                params=b" BODY=8BITMIME")[0], 250)
        self.assertEqual(split(self.inbox()[-1])[1], body)

    def test_utf8(self):
        w = self.wire()
        self.assertEqual(
            w.mail(self.user(), sender="ä@ö.test".encode(),
                   params=b" SMTPUTF8",
                   content="Subject: ä\r\n\r\n".encode())[0], 250)
        got = self.inbox()[-1]
        self.assertIn("Return-Path: <ä@ö.test>\r\n".encode(), got)
        self.assertIn(b"with UTF8SMTP\r\n", got)

    def test_large(self):
        w = self.wire()
        body = b"".join(b"%07d of a message that is not small\r\n" % i
                        for i in range(100000))
        self.assertEqual(w.mail(
            self.user(), content=b"Subject: l\r\n\r\n" + body)[0], 250)
        self.assertEqual(split(self.inbox()[-1])[1], body)

    def test_nul(self):
        w = self.wire()
        before = self.count()
        code, text = w.mail(self.user(), content=b"A: b\r\n\r\na\0b\r\n")
        self.assertEqual((code, text[:5]), (550, "5.6.0"))
        self.assertEqual(self.count(), before)
        self.assertEqual(w.code(b"NOOP"), 250)

    def test_not_stored_before_the_end(self):
        before = self.count()
        w = self.wire()
        w.envelope(self.user())
        w.data(MESSAGE + b".\r")
        w.close()
        self.assertEqual(self.count(), before)


# What other servers have taken for the end of data, or the start of a line.
SMUGGLING = [
    b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\n", b"\n.\r",
    b"\r\n.\r", b"\r.\r\n", b"\r\r\n.\r\r\n", b"\r\n.\r\r\n",
    b"\n\n.\r\n", b"\n\r.\r\n", b"\r\n\x00.\r\n", b"\n.\r\r\n",
    b"\r\n.\x00\r\n", b"\r\n\r.\r\n", b"\r\n.\n\r\n", b"\r\n \n.\r\n",
]


class Smuggling(Case):
    def smuggle(self, sequence):
        return (b"Subject: outer\r\n\r\nouter" + sequence +
                b"MAIL FROM:<evil@b.test>\r\nRCPT TO:<" +
                self.user(1).encode() + b">\r\nDATA\r\n"
                b"Subject: inner\r\n\r\ninner\r\n.\r\n")

    def test_rejected(self):
        for sequence in SMUGGLING:
            with self.subTest(sequence):
                w = self.wire()
                w.envelope(self.user())
                w.data(self.smuggle(sequence))
                self.assertEqual(w.reply()[0], 550)
                # Exactly one reply, and the session is in step.
                self.assertEqual(w.cmd(b"NOOP x")[0], 250)
                self.assertEqual(w.code(b"QUIT"), 221)
                self.assertTrue(w.at_end())
        self.assertEqual(self.count(), 0)
        self.assertEqual(self.count(1), 0)

    def test_rejected_octet_by_octet(self):
        for sequence in SMUGGLING[:8]:
            with self.subTest(sequence):
                w = self.wire()
                w.envelope(self.user())
                w.data(b"")
                for octet in self.smuggle(sequence):
                    w.send(bytes([octet]))
                self.assertEqual(w.reply()[0], 550)
                self.assertEqual(w.code(b"QUIT"), 221)
        self.assertEqual(self.count(1), 0)

    def test_lf_ends_no_command(self):
        w = self.wire()
        w.send(b"NOOP\nRSET\nNOOP\r\nNOOP\r\n")
        self.assertEqual(w.replies(2), [500, 250])
        w = self.wire()
        w.send(b"MAIL FROM:<a@b.test>\nRCPT TO:<" + self.user().encode() +
               b">\r\n")
        self.assertEqual(w.reply()[0], 500)
        self.assertEqual(w.code(b"RCPT TO:<x@y>"), 503)


class Kept(Case):
    settings = ("smtp.bare_newline=keep",)

    def test_is_content_and_ends_nothing(self):
        for sequence in SMUGGLING:
            if b"\0" in sequence:
                continue
            with self.subTest(sequence):
                inner = (b"MAIL FROM:<evil@b.test>\r\nRCPT TO:<" +
                         self.user(1).encode() + b">\r\nDATA\r\ninner\r\n")
                w = self.wire()
                w.envelope(self.user())
                w.data(b"Subject: outer\r\n\r\nouter" + sequence + inner +
                       b".\r\n")
                self.assertEqual(w.reply()[0], 250)
                self.assertEqual(w.code(b"QUIT"), 221)
        self.assertEqual(self.count(), len(
            [x for x in SMUGGLING if b"\0" not in x]))
        self.assertEqual(self.count(1), 0)


class Chunks(Case):
    def test_one_chunk(self):
        w = self.wire()
        w.envelope(self.user())
        w.send(b"BDAT %d LAST\r\n" % len(MESSAGE) + MESSAGE)
        code, text = w.reply()
        self.assertEqual(code, 250)
        self.assertIn("stored as", text)
        self.assertTrue(self.inbox()[-1].endswith(MESSAGE))

    def test_many_chunks_pipelined(self):
        w = self.wire()
        content = MESSAGE + b".\r\nnot the end\r\n..\r\n"
        wire = b"MAIL FROM:<a@b.test>\r\nRCPT TO:<%s>\r\n" % \
            self.user().encode()
        for i in range(0, len(content), 5):
            piece = content[i:i + 5]
            wire += b"BDAT %d\r\n" % len(piece) + piece
        wire += b"BDAT 0 LAST\r\nNOOP\r\n"
        w.send(wire)
        pieces = (len(content) + 4) // 5
        self.assertEqual(w.replies(2 + pieces + 2),
                         [250] * (2 + pieces + 2))
        self.assertTrue(self.inbox()[-1].endswith(content))

    def test_every_cut(self):
        content = b"Subject: c\r\n\r\nx\r\n"
        wire = (b"MAIL FROM:<a@b.test>\r\nRCPT TO:<%s>\r\nBDAT 7\r\n" %
                self.user(2).encode() + content[:7] +
                b"BDAT %d LAST\r\n" % (len(content) - 7) + content[7:])
        before = self.count(2)
        w = self.wire()
        for cut in range(1, len(wire)):
            w.send(wire[:cut])
            w.send(wire[cut:])
            self.assertEqual(w.replies(4), [250] * 4, cut)
        self.assertEqual(self.count(2), before + len(wire) - 1)

    def test_binary(self):
        w = self.wire()
        content = b"A: b\r\n\r\n" + bytes(range(256)) + b"\n.\n\r.\r\0end"
        w.envelope(self.user(), params=b" BODY=BINARYMIME")
        w.send(b"BDAT %d LAST\r\n" % len(content) + content)
        self.assertEqual(w.reply()[0], 250)
        # IMAP has no NUL in BODY[] (RFC 3501, 9: CHAR8), but in BINARY[].
        with Mailbox(self.server, self.user()) as box:
            box.imap.select("INBOX", readonly=True)
            _, got = box.imap.fetch("*", "BINARY.PEEK[]")
        self.assertTrue(got[0][1].endswith(content), got)

    def test_text_has_lines(self):
        for bad in (b"a\nb\r\n", b"a\rb\r\n", b"a\r", b"a\0b"):
            w = self.wire()
            w.envelope(self.user())
            w.send(b"BDAT %d LAST\r\n" % len(bad) + bad)
            self.assertEqual(w.reply()[0], 550, bad)
        w = self.wire()
        w.envelope(self.user())
        w.send(b"BDAT 2\r\na\rBDAT 1 LAST\r\n\n")
        self.assertEqual(w.replies(2), [250, 250])

    def test_a_refused_chunk_is_skipped(self):
        chunk = b"BDAT 6 LAST\r\nQUIT\r\n"
        w = self.wire(greet=False)
        w.send(chunk + b"NOOP\r\n")
        self.assertEqual(w.replies(2), [503, 250])
        w.hello()
        w.send(chunk + b"NOOP\r\n")
        self.assertEqual(w.replies(2), [503, 250])
        w.envelope()
        w.send(chunk + b"NOOP\r\n")
        self.assertEqual(w.replies(2), [554, 250])

    def test_order(self):
        w = self.wire()
        w.envelope(self.user())
        self.assertEqual(w.cmd(b"BDAT 0")[0], 250)
        self.assertEqual(w.code(b"DATA"), 503)
        self.assertEqual(
            w.code(b"RCPT TO:<" + self.user().encode() + b">"), 503)
        self.assertEqual(w.code(b"RSET"), 250)
        w.envelope(self.user(), params=b" BODY=BINARYMIME")
        self.assertEqual(w.code(b"DATA"), 503)

    def test_rset_between_chunks(self):
        before = self.count()
        w = self.wire()
        w.envelope(self.user())
        w.send(b"BDAT 4\r\nA: bRSET\r\nBDAT 4 LAST\r\nA: bNOOP\r\n")
        self.assertEqual(w.replies(4), [250, 250, 503, 250])
        self.assertEqual(self.count(), before)

    def test_syntax_ends_the_connection(self):
        for args in (b"", b" x", b" -1", b" 1 FIRST",
                     b" 99999999999999999999"):
            w = self.wire()
            self.assertEqual(w.code(b"BDAT" + args), 501, args)
            self.assertTrue(w.at_end())


class ChunkLimits(Case):
    settings = ("smtp.message_size=10K",)

    def test_too_large(self):
        w = self.wire()
        w.envelope(self.user())
        w.send(b"BDAT 20000 LAST\r\n" + b"x" * 20000 + b"NOOP\r\n")
        self.assertEqual(w.replies(2), [552, 250])
        w.envelope(self.user())
        w.send(b"BDAT 6000\r\n" + b"x" * 6000 + b"BDAT 6000\r\n" +
               b"x" * 6000 + b"BDAT 1 LAST\r\nxNOOP\r\n")
        self.assertEqual(w.replies(4), [250, 552, 503, 250])

    def test_much_too_large_is_not_read(self):
        w = self.wire()
        w.envelope(self.user())
        self.assertEqual(w.code(b"BDAT 4000000000000 LAST"), 552)
        self.assertTrue(w.at_end())


class Pipelining(Case):
    def test_every_cut(self):
        content = b"Subject: c\r\n\r\n..\r\n.\r\n"
        wire = (b"RSET\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<%s>\r\n"
                b"RCPT TO:<nobody@example.test>\r\nDATA\r\n" %
                self.user().encode() + content + b"NOOP\r\n")
        w = self.wire()
        for cut in range(1, len(wire)):
            w.send(wire[:cut])
            w.send(wire[cut:])
            self.assertEqual(w.replies(7),
                             [250, 250, 250, 550, 354, 250, 250], cut)
        got = self.inbox()
        self.assertEqual(len(got), len(wire) - 1)
        for message in got:
            self.assertEqual(split(message)[1], b".\r\n")

    def test_octet_by_octet(self):
        w = self.wire()
        wire = (b"MAIL FROM:<a@b.test>\r\nRCPT TO:<%s>\r\nDATA\r\n" %
                self.user(1).encode() + MESSAGE + b".\r\nQUIT\r\n")
        for octet in wire:
            w.send(bytes([octet]))
        self.assertEqual(w.replies(5), [250, 250, 354, 250, 221])
        self.assertTrue(self.inbox(1)[-1].endswith(MESSAGE))

    def test_many_transactions_at_once(self):
        w = self.wire()
        n = 200
        w.send((b"MAIL FROM:<a@b.test>\r\nRCPT TO:<%s>\r\nDATA\r\n" %
                self.user(2).encode() + MESSAGE + b".\r\n") * n +
               b"QUIT\r\n")
        self.assertEqual(w.replies(4 * n + 1),
                         [250, 250, 354, 250] * n + [221])
        self.assertEqual(self.count(2), n)

    def test_replies_come_together(self):
        w = self.wire()
        w.send(b"NOOP\r\n" * 5)
        w.reply()
        self.assertEqual(w.buffer, b"250 2.0.0 Ok\r\n" * 4)

    def test_many_commands(self):
        w = self.wire()
        w.send(b"NOOP\r\n" * 20000)
        self.assertEqual(set(w.replies(20000)), {250})

    def test_half_closed(self):
        import socket
        w = self.wire()
        w.send(b"MAIL FROM:<a@b.test>\r\nRCPT TO:<%s>\r\nDATA\r\n" %
               self.user(1).encode() + MESSAGE + b".\r\n")
        w.sock.shutdown(socket.SHUT_WR)
        self.assertEqual(w.replies(4), [250, 250, 354, 250])
        self.assertTrue(w.at_end())


if __name__ == "__main__":
    unittest.main()
