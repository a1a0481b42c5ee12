"""Milters: what they hear, what they may do to a message, and what becomes of
mail when they misbehave."""
# Takes long.

import struct
import time
import unittest

from wire import MESSAGE, SLOW, Case, split, values

import milter as m


class Filtered(Case):
    """A server with one milter, whose answers each test changes."""

    steps = 0
    settings = ()
    how = {}
    milters = 1

    @classmethod
    def setUpClass(cls):
        cls.milter = [m.Milter(steps=cls.steps, unix=i == 0, **cls.how)
                      for i in range(cls.milters)]
        for one in cls.milter:
            cls.addClassCleanup(one.stop)
        cls.settings = tuple(cls.settings) + tuple(
            "milter.f%d.socket=%s" % (i, one.socket)
            for i, one in enumerate(cls.milter)) + (
            "milter.f0.command_time=2", "milter.f0.content_time=2",
            "milter.f0.connect_time=2")
        super().setUpClass()

    def setUp(self):
        for one in self.milter:
            one.answers = {}
            one.clear()
        self.f = self.milter[0]

    def send(self, content=MESSAGE, to=0, **answers):
        """The reply to a whole transaction."""
        self.f.answers = answers
        return self.wire().mail(self.user(to), content=content)

    def changed(self, *changes, content=MESSAGE, last=m.CONTINUE):
        """The message as it is kept."""
        got = self.send(content, E=b"".join(changes) + last)
        self.assertEqual(got[0], 250, got)
        return self.inbox()[-1]

    def names(self, message):
        return [n for n, _ in split(message)[0]]


class Conversation(Filtered):
    def test_all_steps(self):
        w = self.wire()
        w.envelope(self.user(), sender=b"a@b.test",
                   params=b" SIZE=100 BODY=8BITMIME")
        w.data(b"From: a@b.test\r\nSubject: one\r\n two\r\nX:tight\r\n\r\n"
               b"..body\r\n.\r\n")
        self.assertEqual(w.reply()[0], 250)
        self.assertEqual(self.f.letters(), "OCHMRTLLLNBE")
        c = self.f.all("C")[0]
        self.assertEqual(c[:c.index(b"\0")], b"[127.0.0.1]")
        port = struct.pack(">H", w.sock.getsockname()[1])
        self.assertEqual(c[c.index(b"\0") + 1:], b"4" + port + b"127.0.0.1\0")
        self.assertEqual(self.f.all("H"), [b"me.test\0"])
        self.assertEqual(self.f.all("M"),
                         [b"<a@b.test>\0SIZE=100\0BODY=8BITMIME\0"])
        self.assertEqual(self.f.all("R"),
                         [b"<" + self.user().encode() + b">\0"])
        self.assertEqual(self.f.fields(), [
            (b"From", b"a@b.test"), (b"Subject", b"one\n two"),
            (b"X", b"tight")])
        self.assertEqual(self.f.body(), b".body\r\n")

    def test_macros(self):
        w = self.wire()
        w.starttls()
        w.hello()
        w.mail(self.user())
        self.assertEqual(self.f.macros("C")[b"j"], b"mail.example.test")
        self.assertEqual(self.f.macros("C")[b"_"], b"[127.0.0.1]")
        self.assertEqual(self.f.macros("C")[b"{daemon_name}"], b"smtp")
        self.assertEqual(self.f.macros("C")[b"{client_addr}"], b"127.0.0.1")
        self.assertRegex(self.f.macros("H")[b"{tls_version}"], rb"^TLSv1\.")
        self.assertRegex(self.f.macros("H")[b"{cipher}"], rb"^TLS_")
        mail = self.f.macros("M")
        self.assertEqual(mail[b"{mail_addr}"], b"a@b.test")
        self.assertEqual(mail[b"{mail_host}"], b"b.test")
        self.assertNotIn(b"{auth_authen}", mail)
        self.assertEqual(self.f.macros("R")[b"{rcpt_addr}"],
                         self.user().encode())
        self.assertEqual(self.f.macros("E")[b"i"], mail[b"i"])
        self.assertIn(mail[b"i"].decode(), self.server.log())

    def test_one_connection_for_many_messages(self):
        w = self.wire()
        for _ in range(3):
            self.assertEqual(w.mail(self.user())[0], 250)
        self.assertEqual(self.f.letters(), "OCH" + "MRTLLNBE" * 3)
        w.cmd(b"QUIT")
        end = time.monotonic() + 10 * SLOW
        while not self.f.letters(without="D").endswith("Q"):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)

    def test_a_message_that_is_given_up(self):
        w = self.wire()
        w.envelope(self.user())
        self.assertEqual(w.code(b"RSET"), 250)
        w.envelope(self.user())
        self.assertEqual(self.f.letters(), "OCHMRAMR")

    def test_a_new_helo(self):
        w = self.wire()
        w.envelope(self.user())
        self.assertEqual(w.code(b"EHLO other.test"), 250)
        w.envelope(self.user())
        self.assertEqual(self.f.letters(), "OCHMRAHMR")
        self.assertEqual(self.f.all("H")[1], b"other.test\0")

    def test_who_sends_nothing_costs_nothing(self):
        w = self.wire()
        self.assertEqual(w.code(b"NOOP"), 250)
        self.assertEqual(self.f.letters(), "")

    def test_commands_in_a_row(self):
        w = self.wire(greet=False)
        to = self.user().encode()
        w.send(b"EHLO me.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<" + to +
               b">\r\nRCPT TO:<nobody@example.test>\r\nDATA\r\n" + MESSAGE +
               b".\r\nMAIL FROM:<b@b.test>\r\nRCPT TO:<" + to +
               b">\r\nBDAT %d LAST\r\n" % len(MESSAGE) + MESSAGE +
               b"QUIT\r\n")
        self.assertEqual(w.replies(10), [250, 250, 250, 550, 354, 250, 250,
                                         250, 250, 221])
        self.assertEqual(self.f.letters(),
                         "OCHMRTLLNBEMRTLLNBE")

    def test_large_messages_come_in_chunks(self):
        text = b"0123456789abcdef" * 4 + b"\r\n"
        content = b"Subject: s\r\n\r\n" + text * 12000
        self.assertEqual(self.send(content)[0], 250)
        self.assertEqual(self.f.body(), text * 12000)
        self.assertTrue(all(len(b) <= 65535 for b in self.f.all("B")))
        self.assertTrue(self.inbox()[-1].endswith(text * 12000))

    def test_quoted_paths(self):
        w = self.wire()
        w.envelope(self.user(), sender=b'"a > b"@b.test', params=b" SIZE=1")
        self.assertEqual(self.f.all("M"), [b'<"a > b"@b.test>\0SIZE=1\0'])

    def test_forged_results_are_not_shown(self):
        w = self.wire("submission")
        w.close()
        got = self.send(b"Authentication-Results: other.test; spf=pass\r\n"
                        + MESSAGE)
        self.assertEqual(got[0], 250)
        self.assertEqual(self.f.fields()[0][0], b"Authentication-Results")

    def test_empty_message(self):
        self.assertEqual(self.send(b"")[0], 250)
        self.assertEqual(self.f.letters(), "OCHMRTNE")


class Answers(Filtered):
    def test_at_mail(self):
        for answer, code, text in (
                (m.REJECT, 550, "5.7.1"), (m.TEMPFAIL, 451, "4.7.1"),
                (m.reply(b"554 5.7.9 Not you"), 554, "5.7.9 Not you"),
                (m.reply(b"451 later"), 451, "4.7.1 later")):
            for letter in "CHM":
                self.f.answers = {letter: answer}
                w = self.wire()
                got = w.cmd(b"MAIL FROM:<a@b.test>")
                self.assertEqual(got[0], code, (letter, got))
                self.assertIn(text, got[1])
                # And again for the next message.
                self.assertEqual(w.code(b"MAIL FROM:<a@b.test>"), code)
                self.f.answers = {}
                self.assertEqual(w.code(b"MAIL FROM:<a@b.test>"), 250)

    def test_at_rcpt(self):
        def one(data):
            return m.REJECT if self.user(1).encode() in data else m.CONTINUE
        self.f.answers = {"R": one}
        before = [self.count(i) for i in range(3)]
        w = self.wire()
        w.code(b"MAIL FROM:<a@b.test>")
        for i, code in ((0, 250), (1, 550), (2, 250)):
            self.assertEqual(
                w.code(b"RCPT TO:<" + self.user(i).encode() + b">"), code)
        w.data(MESSAGE + b".\r\n")
        self.assertEqual(w.reply()[0], 250)
        self.assertEqual([self.count(i) for i in range(3)],
                         [before[0] + 1, before[1], before[2] + 1])
        self.assertIn("recipient-refused", self.server.log())

    def test_at_the_content(self):
        for letter in "TLNBE":
            before = self.count()
            got = self.send(**{letter: m.REJECT})
            self.assertEqual(got[0], 550, letter)
            got = self.send(**{letter: m.TEMPFAIL})
            self.assertEqual(got[0], 451, letter)
            got = self.send(**{letter: m.reply(
                b"550-5.7.1 one\r\n550 5.7.1 two")})
            self.assertEqual(got, (550, "5.7.1 one\n5.7.1 two"), letter)
            self.assertEqual(self.count(), before)

    def test_after_a_refusal_the_next_message_is_new(self):
        self.f.answers = {"L": m.REJECT}
        w = self.wire()
        self.assertEqual(w.mail(self.user())[0], 550)
        self.f.answers = {}
        self.assertEqual(w.mail(self.user())[0], 250)
        self.assertEqual(self.f.letters(), "OCHMRTLAMRTLLNBE")

    def test_accept_is_the_end_of_it(self):
        for letter, heard in (("M", "OCHM"), ("R", "OCHMR"), ("T", "OCHMRT"),
                              ("L", "OCHMRTL"), ("N", "OCHMRTLLN"),
                              ("B", "OCHMRTLLNB")):
            self.f.clear()
            before = self.count()
            self.assertEqual(self.send(**{letter: m.ACCEPT})[0], 250)
            self.assertEqual(self.f.letters(), heard)
            self.assertEqual(self.count(), before + 1)

    def test_accept_of_the_connection(self):
        self.f.answers = {"C": m.ACCEPT}
        w = self.wire()
        for _ in range(2):
            self.assertEqual(w.mail(self.user())[0], 250)
        self.assertEqual(self.f.letters(), "OC")

    def test_discard(self):
        for letter in "MRTLNBE":
            before = self.count()
            self.assertEqual(self.send(**{letter: m.DISCARD})[0], 250, letter)
            self.assertEqual(self.count(), before, letter)
        self.wait_log("message-discarded")

    def test_skip_the_rest_of_the_body(self):
        text = b"x" * 78 + b"\r\n"
        got = self.send(b"Subject: s\r\n\r\n" + text * 4000, B=m.SKIPPED)
        self.assertEqual(got[0], 250)
        self.assertEqual(len(self.f.all("B")), 1)
        self.assertTrue(self.f.letters().endswith("BE"))
        self.assertTrue(self.inbox()[-1].endswith(text * 4000))

    def test_shutdown_and_421(self):
        for answer in (m.SHUTDOWN, m.reply(b"421 4.3.2 Enough")):
            for letter in "ME":
                self.f.answers = {letter: answer}
                w = self.wire()
                got = w.cmd(b"MAIL FROM:<a@b.test>")
                if letter == "E":
                    w.cmd(b"RCPT TO:<" + self.user().encode() + b">")
                    w.data(MESSAGE + b".\r\n")
                    got = w.reply()
                self.assertEqual(got[0], 421)
                self.assertTrue(w.at_end())

    def test_the_log_tells(self):
        self.send(E=m.reply(b"550 5.7.1 Because of the test"))
        self.wait_log("Because of the test")
        line = [x for x in self.server.log().split("\n")
                if " milter " in x and "Because of the test" in x]
        self.assertTrue(line)
        self.assertIn("name=f0", line[-1])
        self.assertIn("action=refuse", line[-1])


class Changes(Filtered):
    def test_add(self):
        got = self.changed(m.add(b"X-One", b"1"), m.add(b"X-Two", b"a\n b"))
        self.assertEqual(self.names(got)[-4:],
                         ["From", "Subject", "X-One", "X-Two"])
        self.assertEqual(values(got, "X-Two"), ["a b"])
        self.assertTrue(got.endswith(b"\r\n\r\nbody\r\n"))

    def test_insert(self):
        got = self.changed(m.insert(0, b"X-Top", b"1"),
                           m.insert(1, b"X-Topmost", b"1"))
        self.assertEqual(self.names(got)[:4],
                         ["Return-Path", "X-Topmost", "X-Top", "Received"])
        got = self.changed(m.insert(2, b"X-Second", b"1"),
                           m.insert(99, b"X-Last", b"1"))
        self.assertEqual(self.names(got)[-4:],
                         ["From", "X-Second", "Subject", "X-Last"])

    def test_change(self):
        content = (b"X: 1\r\nFrom: a@b.test\r\nx: 2\r\nSubject: s\r\nX: 3\r\n"
                   b"\r\nbody\r\n")
        got = self.changed(m.change(2, b"X", b"two"), content=content)
        self.assertEqual(values(got, "X"), ["1", "two", "3"])
        got = self.changed(m.change(2, b"X", b""), content=content)
        self.assertEqual(values(got, "X"), ["1", "3"])
        got = self.changed(m.change(3, b"X", b""), m.change(2, b"X", b""),
                           m.change(1, b"X", b""), content=content)
        self.assertEqual(values(got, "X"), [])
        got = self.changed(m.change(4, b"X", b"4"), content=content)
        self.assertEqual(values(got, "X"), ["1", "2", "3", "4"])
        got = self.changed(m.change(1, b"None", b""), content=content)
        self.assertEqual(values(got, "X"), ["1", "2", "3"])

    def test_untouched_fields_stay_as_they_are(self):
        content = (b"From:a@b.test\r\nSUBJECT :  odd\t\r\n\t folded\r\n"
                   b"X:\r\n\r\nbody")
        got = self.changed(m.add(b"Y", b"1"), content=content + b"\r\n")
        self.assertIn(b"\r\nFrom:a@b.test\r\nSUBJECT :  odd\t\r\n\t folded\r\n"
                      b"X:\r\nY: 1\r\n\r\nbody\r\n", got)

    def test_no_field_ends_the_header(self):
        got = self.changed(m.add(b"X", b"a\n\nb\r\n\r\nc: d\ne"))
        self.assertTrue(got.endswith(b"\r\nX: a\r\n\tb\r\n\tc: d\r\n\te\r\n"
                                     b"\r\nbody\r\n"), got)

    def test_impossible_names_are_left_out(self):
        got = self.changed(m.add(b"X Y", b"1"), m.add(b"", b"2"),
                           m.add(b"a:b", b"3"), m.add(b"Good", b"4"))
        self.assertEqual(self.names(got)[-3:], ["From", "Subject", "Good"])

    def test_body(self):
        got = self.changed(m.body(b"new\r\n"), m.body(b"body\r\n"))
        self.assertTrue(got.endswith(b"Subject: s\r\n\r\nnew\r\nbody\r\n"))
        big = b"0123456789" * 100 + b"\r\n"
        got = self.changed(*[m.body(big * 60)] * 20)
        self.assertTrue(got.endswith(b"\r\n\r\n" + big * 1200))

    def test_sender(self):
        got = self.changed(m.change_from(b"<new@c.test>"))
        self.assertEqual(values(got, "Return-Path"), ["<new@c.test>"])
        got = self.changed(m.change_from(b"<>"))
        self.assertEqual(values(got, "Return-Path"), ["<>"])
        got = self.changed(m.change_from(b"bad address"))
        self.assertEqual(values(got, "Return-Path"), ["<a@b.test>"])

    def test_recipients(self):
        before = [self.count(i) for i in range(3)]
        self.changed(m.add_rcpt(b"<" + self.user(1).encode() + b">"),
                     m.delete_rcpt(self.user(0).encode()),
                     m.add_rcpt(self.user(2).encode(), b"NOTIFY=NEVER"),
                     m.add_rcpt(b"nobody@example.test"),
                     m.add_rcpt(b"no address"))
        self.assertEqual([self.count(i) for i in range(3)],
                         [before[0], before[1] + 1, before[2] + 1])

    def test_no_recipient_is_left(self):
        before = self.count()
        got = self.send(E=m.delete_rcpt(self.user().encode()) + m.CONTINUE)
        self.assertEqual(got[0], 250)
        self.assertEqual(self.count(), before)

    def test_quarantine(self):
        before = self.count()
        got = self.send(E=m.quarantine(b"looks odd") + m.CONTINUE)
        self.assertEqual(got[0], 250)
        self.assertEqual(self.count(), before)
        self.wait_log("quarantine")
        import imaplib
        box = imaplib.IMAP4(self.server.host, self.server.ports["imap"])
        box.login(self.user(), self.server.password)
        self.assertEqual(box.select("Junk")[1], [b"1"])
        box.logout()

    def test_refused_messages_are_not_changed(self):
        """Nor are those that the milter did not end."""
        before = self.count(1)
        got = self.send(E=m.add_rcpt(self.user(1).encode()) + m.REJECT)
        self.assertEqual(got[0], 550)
        self.assertEqual(self.count(1), before)

    def test_progress(self):
        got = self.changed(m.PROGRESS, m.add(b"X", b"1"), m.PROGRESS)
        self.assertEqual(values(got, "X"), ["1"])


class Muted(Filtered):
    steps = m.MUTE_ALL | m.LEADING_SPACE

    def test_no_answers(self):
        got = self.changed(m.add(b"X", b"  1"), m.add(b"Y", b"2"),
                           content=b"A:  b\r\nC:d\r\n" + MESSAGE)
        self.assertEqual(self.f.letters(), "OCHMRTLLLLNBE")
        self.assertEqual(self.f.fields()[:2], [(b"A", b"  b"), (b"C", b"d")])
        self.assertIn(b"\r\nX:  1\r\nY:2\r\n", got)


class Quiet(Filtered):
    steps = m.NO_ALL

    def test_only_the_end(self):
        got = self.changed(m.add(b"X", b"1"))
        self.assertEqual(self.f.letters(), "OE")
        self.assertEqual(values(got, "X"), ["1"])


class Old(Filtered):
    how = {"version": 2, "actions": 0x3f}

    def test_version_2(self):
        got = self.changed(m.add(b"X", b"1"))
        self.assertEqual(self.f.letters(), "OCHMRLLNBE")
        self.assertEqual(values(got, "X"), ["1"])


class Macros(Filtered):
    how = {"macros": {2: b"{mail_addr} nothing", 3: b"", 5: b"{i} j"}}

    def test_only_what_it_wants(self):
        self.assertEqual(self.send()[0], 250)
        self.assertEqual(self.f.macros("M"), {b"{mail_addr}": b"a@b.test"})
        self.assertEqual(self.f.macros("R"), {})
        self.assertEqual(sorted(self.f.macros("E")), [b"i", b"j"])
        self.assertIn(b"j", self.f.macros("C"))


class Several(Filtered):
    milters = 3

    def test_each_sees_what_those_before_have_made(self):
        a, b, c = self.milter
        a.answers = {"E": m.add(b"X", b"1") + m.insert(0, b"Top", b"a") +
                     m.body(b"from a\r\n") + m.CONTINUE}
        b.answers = {"E": m.change(1, b"X", b"2") + m.CONTINUE}
        self.assertEqual(self.wire().mail(self.user())[0], 250)
        self.assertEqual(a.fields()[-1], (b"Subject", b"s"))
        self.assertEqual(b.fields()[0], (b"Top", b"a"))
        self.assertEqual(b.fields()[-1], (b"X", b"1"))
        self.assertEqual(b.body(), b"from a\r\n")
        self.assertEqual(c.fields()[-1], (b"X", b"2"))
        got = self.inbox()[-1]
        self.assertEqual(values(got, "X"), ["2"])
        self.assertTrue(got.endswith(b"\r\n\r\nfrom a\r\n"))

    def test_the_first_refusal_counts(self):
        a, b, c = self.milter
        b.answers = {"M": m.REJECT}
        self.assertEqual(self.wire().code(b"MAIL FROM:<a@b.test>"), 550)
        self.assertEqual((a.letters(), b.letters(),
                          c.letters()), ("OCHM", "OCHM", ""))

    def test_one_may_accept_alone(self):
        a, b, c = self.milter
        a.answers = {"M": m.ACCEPT}
        b.answers = {"E": m.add(b"X", b"1") + m.ACCEPT}
        c.answers = {"E": m.reply(b"550 5.7.1 c says no")}
        self.assertEqual(self.wire().mail(self.user()),
                         (550, "5.7.1 c says no"))


class Misbehaving(Filtered):
    """milter.failure = tempfail, the default."""
    code, outcome = 451, 0

    garbage = {
        "hang": m.HANG, "close": m.CLOSE,
        "another packet": m.packet(b"z"),
        "a change too early": None,
        "no length": b"\0\0\0\0",
        "a huge length": b"\xff\xff\xff\xffc",
        "no packet": b"HTTP/1.1 200 OK\r\n\r\n",
        "half": m.packet(b"y", b"550 5.7.1 x\0")[:9],
        "a reply without NUL": m.packet(b"y", b"550 5.7.1 x"),
        "a reply of success": m.reply(b"250 2.0.0 fine"),
        "an empty reply": m.reply(b""),
        "a reply with another code": m.reply(b"550-5.7.1 a\r\n551 5.7.1 b"),
    }

    def failing(self, letter, answer, after=1):
        before = self.count()
        self.f.answers = {letter: answer}
        w = self.wire(timeout=60)
        got = w.cmd(b"MAIL FROM:<a@b.test>")
        if got[0] == 250:
            got = w.cmd(b"RCPT TO:<" + self.user().encode() + b">")
        if got[0] == 250:
            w.data(MESSAGE + b".\r\n")
            got = w.reply()
        self.assertEqual(got[0], self.code, (letter, answer, got))
        self.assertEqual(self.count(), before + self.outcome)
        # And it gets another chance, but not in this transaction.
        self.f.answers = {}
        if letter == "R" and self.code != 250:
            self.assertEqual(
                w.code(b"RCPT TO:<" + self.user().encode() + b">"), self.code)
        self.assertEqual(w.code(b"RSET"), 250)
        self.assertEqual(w.mail(self.user())[0], 250)
        self.assertEqual(self.count(), before + self.outcome + after)

    def test_garbage(self):
        for name, answer in self.garbage.items():
            # Each of these is waited for.
            waits = name in ("hang", "half")
            for letter in "OME" if waits else "OCHMRTLNBE":
                with self.subTest(name, letter=letter):
                    if answer is None:
                        if letter == "E":
                            continue
                        answer_now = m.add(b"X", b"1") + m.CONTINUE
                    else:
                        answer_now = answer
                    self.failing(letter, answer_now)
        self.assertIn("action=failed", self.server.log())

    def test_two_answers_to_one_command(self):
        """The second would be taken for the answer to the next one."""
        for letter in "CHMTLNB":
            with self.subTest(letter):
                self.failing(letter, m.CONTINUE * 2)

    def test_skipping_where_there_is_no_body(self):
        for letter in "CHE":
            with self.subTest(letter):
                self.failing(letter, m.SKIPPED)

    def test_changes_that_are_none(self):
        for name, answer in {
                "truncated": m.packet(b"h", b"X"),
                "without NUL": m.packet(b"h", b"X\0y"),
                "trailing": m.packet(b"h", b"X\0y\0z"),
                "index": m.packet(b"m", b"\0\0\0"),
                "address": m.packet(b"+", b"a@b"),
                "nothing": m.packet(b"i")}.items():
            with self.subTest(name):
                self.failing("E", answer + m.CONTINUE)

    def test_a_body_that_breaks_off(self):
        self.failing("E", m.add_rcpt(self.user(1).encode()) +
                     m.body(b"half a body") + m.packet(b"z"))
        self.assertNotIn(b"half a body", b"".join(self.inbox()))

    def test_options_that_were_not_offered(self):
        for version, actions, steps in ((7, 0x1ff, 0), (1, 0, 0),
                                        (6, 0x200, 0), (6, 0, 0x800),
                                        (6, 0, 0x10000000)):
            self.failing("O", m.packet(b"O", struct.pack(
                ">III", version, actions, steps)))

    def test_who_leaves_does_not_hold_up_anybody(self):
        self.f.answers = {"E": m.HANG}
        w = self.wire()
        w.envelope(self.user())
        w.data(MESSAGE + b".\r\n")
        w.close()
        self.f.answers = {}
        self.assertEqual(self.wire().mail(self.user())[0], 250)

    def test_others_go_on_while_it_hangs(self):
        self.f.answers = {"M": m.HANG}
        waiting = [self.wire(timeout=60) for _ in range(30)]
        for w in waiting:
            w.send(b"MAIL FROM:<a@b.test>\r\n")
        self.assertEqual(self.wire("submission").code(b"NOOP"), 250)
        self.assertEqual(self.wire().code(b"NOOP"), 250)
        for w in waiting:
            self.assertEqual(w.reply()[0], self.code)


class FailuresAccepted(Misbehaving):
    settings = ("milter.f0.failure=accept",)
    code, outcome = 250, 1


class FailuresRejected(Misbehaving):
    settings = ("milter.f0.failure=reject",)
    code = 554


class Unagreed(Filtered):
    how = {"actions": 0x1}

    def test_changes_that_were_not_agreed_on(self):
        for change in (m.body(b"x"), m.add_rcpt(b"a@b.test"),
                       m.delete_rcpt(b"a@b.test"), m.change(1, b"X", b"y"),
                       m.quarantine(b"x"), m.change_from(b"<>"),
                       m.add_rcpt(b"a@b.test", b"")):
            self.assertEqual(self.send(E=change + m.CONTINUE)[0], 451)
        self.assertEqual(self.send(E=m.add(b"X", b"1") + m.CONTINUE)[0], 250)


class Absent(Case):
    settings = ("milter.gone.socket=unix:/nonexistent/socket",)

    def test_nobody_listens(self):
        self.assertEqual(self.wire().code(b"MAIL FROM:<a@b.test>"), 451)
        self.wait_log("name=gone action=failed")


class Restarted(Filtered):
    def test_a_milter_that_was_started_anew(self):
        """The connection that it has closed is no failure."""
        w = self.wire()
        self.assertEqual(w.mail(self.user())[0], 250)
        for s in self.f.open:
            s.shutdown(2)
        self.assertEqual(w.mail(self.user())[0], 250)
        self.assertEqual(self.f.count, 2)


class Who(Filtered):
    settings = ("milter.f0.protocols=submission", "queue.enabled=true")

    def test_submission_alone(self):
        self.assertEqual(self.wire().mail(self.user())[0], 250)
        self.assertEqual(self.f.letters(), "")
        w = self.wire("submission")
        w.starttls()
        w.hello()
        self.assertEqual(w.login()[0], 235)
        self.f.answers = {"E": m.insert(0, b"X-Seen", b"yes") + m.CONTINUE}
        got = w.mail(self.user(), sender=self.user().encode(),
                     content=b"From: " + self.user().encode() +
                     b"\r\nBcc: x@y.test\r\n\r\nhi\r\n")
        self.assertEqual(got[0], 250, got)
        self.assertEqual(self.f.macros("M")[b"{auth_authen}"],
                         self.user().encode())
        self.assertEqual(self.f.macros("M")[b"{auth_type}"], b"PLAIN")
        kept = self.inbox()[-1]
        self.assertEqual(values(kept, "X-Seen"), ["yes"])
        self.assertEqual(values(kept, "Bcc"), [])
        self.assertEqual(len(values(kept, "Message-ID")), 1)

    def test_quarantine_of_what_goes_out(self):
        w = self.wire("submission")
        w.starttls()
        w.hello()
        self.assertEqual(w.login()[0], 235)
        self.f.answers = {"E": m.quarantine(b"looks odd") + m.CONTINUE}
        got = w.mail("ann@other.invalid", sender=self.user().encode(),
                     content=b"From: " + self.user().encode() +
                     b"\r\n\r\nhi\r\n")
        self.assertEqual(got[0], 250, got)
        listed = self.server.ctl("queue", "list", "--json").stdout
        self.assertIn("looks odd", listed)
        self.assertRegex(listed, '"held": *true')

    def test_lmtp_has_none(self):
        self.assertEqual(self.wire("lmtp").mail(self.user())[0], 250)
        self.assertEqual(self.f.letters(), "")


class Exempt(Filtered):
    settings = ("milter.f0.exempt=127.0.0.1",)

    def test_exempt_networks(self):
        self.assertEqual(self.wire().mail(self.user())[0], 250)
        self.assertEqual(self.f.letters(), "")


class Forged(Filtered):
    settings = ("trust.exempt=",)

    def test_results_of_this_server(self):
        forged = b"Authentication-Results: mail.example.test; spf=pass\r\n"
        got = self.changed(
            m.insert(0, b"Authentication-Results",
                     b"mail.example.test; x=pass"),
            content=forged + MESSAGE)
        self.assertEqual(self.f.fields()[0][0], b"From")
        self.assertEqual(values(got, "Authentication-Results"),
                         ["mail.example.test; x=pass"])


if __name__ == "__main__":
    unittest.main()
