"""Who may hand mail in: rates, the pause before the greeting, HELO names,
names of addresses, DNS lists. Clients come from several addresses of loopback,
a real name server knows them."""
# Takes long.

import os
import socket
import sqlite3
import unittest

from wire import SLOW, Case, Wire

from nameserver import NameServer, available, free_port

names = None
dead_port = None


def setUpModule():
    global names, dead_port
    if not available():
        return
    dead_port = free_port()
    names = NameServer({
        "peer.example": ["good A 127.0.0.2", "other A 192.0.2.1",
                         "mx MX 10 good"],
        # Names of addresses.
        "0.0.127.in-addr.arpa": [
            "2 PTR good.peer.example.", "3 PTR other.peer.example.",
            "4 PTR nowhere.dead.example.",
            "6 PTR other.peer.example.", "6 PTR good6.addr.example."],
        "addr.example": ["good6 A 192.0.2.1", "good6 A 127.0.0.6"],
        # Lists, by the client's last octet.
        "block.example": ['9.0.0.127 A 127.0.0.2',
                          '9.0.0.127 TXT "See block.example"',
                          "10.0.0.127 A 127.0.0.10",
                          "11.0.0.127 A 127.0.0.2",
                          "12.0.0.127 A 127.255.255.254",
                          "13.0.0.127 A 192.0.2.7",
                          "14.0.0.127 A 127.0.0.2"],
        "half.example": ["11.0.0.127 A 127.0.0.4",
                         "15.0.0.127 A 127.0.0.4"],
        "large.example": ['@ TXT "v=spf1 include:_a.large.example -all"',
                          '_a TXT "v=spf1 ip4:127.0.0.61 ?all"'],
        "quarter.example": ["15.0.0.127 A 127.0.0.4"],
        "allow.example": ["14.0.0.127 A 127.0.5.2",
                          "9.0.0.127 A 127.0.5.0"],
    }).start()


def tearDownModule():
    if names is not None:
        names.stop()


class From(Wire):
    """A client with an address of its own."""

    def __init__(self, server, address, hello=b"good.peer.example", greet=True,
                 timeout=30):
        self.server, self.buffer, self.lmtp = server, b"", False
        self.sock = socket.create_connection(
            (server.host, server.ports["smtp"]), timeout * SLOW,
            (address, 0))
        if not greet:
            return
        self.greeting = self.reply()
        if hello is not None:
            assert self.code(b"EHLO " + hello) == 250


class Guarded(Case):
    def come(self, address, **more):
        w = From(self.server, address, **more)
        self.addCleanup(w.close)
        return w

    def rcpt(self, w, to=None, sender=b"a@b.test"):
        """The reply to a recipient."""
        code, text = w.cmd(b"MAIL FROM:<" + sender + b">")
        self.assertEqual(code, 250, text)
        got = w.cmd(b"RCPT TO:<" + (to or self.user()).encode() + b">")
        w.code(b"RSET")
        return got

    def expect(self, address, code, text="", **more):
        got = self.rcpt(self.come(address, **more))
        self.assertEqual(got[0], code, got)
        self.assertIn(text, got[1])

    def expect_log(self, *words):
        self.wait_log(words[0])
        lines = [x for x in self.server.log().split("\n")
                 if all(w in x for w in words)]
        self.assertTrue(lines, words)


class Off(Guarded):
    """By default nothing is asked and nobody waits."""
    settings = ("trust.exempt=",)

    def test_nothing_is_checked(self):
        w = self.come("127.0.0.9", hello=b"x")
        self.assertEqual(w.mail(self.user())[0], 250)
        self.assertIn(b"from x ([127.0.0.9])", self.inbox()[-1])
        self.assertNotIn(" guard ", self.server.log())


class Rates(Guarded):
    settings = ("trust.exempt=", "guard.rate_time=1d", "guard.connections=3",
                "guard.messages=2", "guard.recipients=4", "guard.unknown=2",
                "guard.network_connections=5", "guard.network_ipv4=30",
                "guard.allow=127.0.7.0/24")

    def test_connections_of_an_address(self):
        for _ in range(3):
            self.come("127.0.0.50")
        got = self.come("127.0.0.50", hello=None).greeting
        self.assertEqual(got[0], 421)
        self.assertTrue(got[1].startswith("4.7.0 "), got)
        self.expect_log("check=connections", "127.0.0.50", "value=address",
                        "action=defer")
        self.come("127.0.0.54")  # another one

    def test_connections_of_a_network(self):
        for last in (60, 61, 62, 60, 61):
            self.come("127.0.0.%d" % last)
        got = self.come("127.0.0.63", hello=None).greeting
        self.assertEqual(got[0], 421)
        self.expect_log("check=connections", "127.0.0.63", "value=network")
        self.assertEqual(self.come("127.0.0.64").greeting[0], 220)

    def test_messages(self):
        w = self.come("127.0.0.70")
        for _ in range(2):
            self.assertEqual(w.code(b"MAIL FROM:<a@b.test>"), 250)
            w.code(b"RSET")
        code, text = w.cmd(b"MAIL FROM:<a@b.test>")
        self.assertEqual((code, text[:6]), (450, "4.7.1 "))
        self.expect_log("check=messages", "127.0.0.70")

    def test_recipients(self):
        w = self.come("127.0.0.80")
        w.code(b"MAIL FROM:<a@b.test>")
        to = b"RCPT TO:<" + self.user().encode() + b">"
        self.assertEqual([w.code(to) for _ in range(5)],
                         [250] * 4 + [450])
        self.expect_log("check=recipients", "127.0.0.80")

    def test_unknown_recipients(self):
        w = self.come("127.0.0.90")
        w.code(b"MAIL FROM:<a@b.test>")
        for i in range(2):
            self.assertEqual(w.code(b"RCPT TO:<no%d@example.test>" % i), 550)
        self.assertEqual(
            w.code(b"RCPT TO:<" + self.user().encode() + b">"), 450)
        # Those two are open to all.
        self.assertNotEqual(w.code(b"RCPT TO:<postmaster@example.test>"), 450)
        self.assertEqual(
            self.come("127.0.0.90", hello=None).greeting[0], 421)
        self.expect_log("check=unknown", "127.0.0.90")

    def test_allowed_networks_have_no_limit(self):
        for _ in range(7):
            w = self.come("127.0.7.1")
        for _ in range(6):
            self.assertEqual(self.rcpt(w)[0], 250)


class Greeting(Guarded):
    settings = ("trust.exempt=127.0.7.0/24", "guard.greet_wait=%d" % (
        300 * SLOW),)

    def test_who_waits_is_welcome(self):
        w = self.come("127.0.0.20", hello=None)
        code, text = w.greeting
        self.assertEqual(code, 220)
        self.assertEqual(len(text.split("\n")), 2)
        self.assertEqual(w.code(b"EHLO me.test"), 250)
        self.assertEqual(w.mail(self.user())[0], 250)
        # And need not wait again.
        again = self.come("127.0.0.20", hello=None)
        self.assertEqual(len(again.greeting[1].split("\n")), 1)

    def test_who_speaks_early_is_refused(self):
        w = self.come("127.0.0.21", greet=False)
        w.send(b"EHLO me.test\r\n")
        self.assertEqual(w.reply()[0], 220)
        self.assertEqual(w.reply()[0], 250)
        got = self.rcpt(w)
        self.assertEqual(got, (550, "5.7.1 You spoke before the greeting"))
        self.assertNotEqual(self.rcpt(w, "abuse@example.test")[1][:5], "5.7.1")
        self.expect_log("check=greet_early", "action=reject", "127.0.0.21")
        again = self.come("127.0.0.21", hello=None)
        self.assertEqual(len(again.greeting[1].split("\n")), 2)

    def test_who_takes_the_first_line_for_all_is_refused(self):
        w = self.come("127.0.0.22", greet=False)
        self.assertTrue(w.line().startswith("220-"))
        w.send(b"EHLO me.test\r\n")
        self.assertTrue(w.line().startswith("220 "))
        self.assertEqual(w.reply()[0], 250)
        self.assertEqual(self.rcpt(w)[0], 550)

    def test_who_leaves_leaves(self):
        w = self.come("127.0.0.23", greet=False)
        w.close()
        self.assertEqual(self.come("127.0.0.24").greeting[0], 220)

    def test_exempt_clients_do_not_wait(self):
        w = self.come("127.0.7.1", hello=None)
        self.assertEqual(len(w.greeting[1].split("\n")), 1)


class EarlyNoted(Guarded):
    settings = ("trust.exempt=", "guard.greet_wait=%d" % (300 * SLOW),
                "guard.greet_early=note")

    def test_note(self):
        w = self.come("127.0.0.21", greet=False)
        w.send(b"EHLO me.test\r\n")
        self.assertEqual([w.reply()[0], w.reply()[0]], [220, 250])
        self.assertEqual(self.rcpt(w)[0], 250)
        self.expect_log("check=greet_early", "action=note")


class Hello(Guarded):
    settings = ("trust.exempt=", "guard.hello_syntax=reject",
                "guard.hello_own=reject")

    def test_syntax(self):
        for name in (b"host", b"-a.test", b"a..test", b"192.0.2.1",
                     b"[192.0.2.1]", b"[127.0.0.30", b"a.b.4"):
            self.expect("127.0.0.30", 550, "expected your host's full name",
                        hello=name)
        for name in (b"mail.peer.example", b"[127.0.0.30]", b"a_b.test"):
            self.expect("127.0.0.30", 250, hello=name)
        self.expect_log("check=hello_syntax", "value=host", "action=reject")

    def test_own_name(self):
        for name in (b"mail.example.test", b"MAIL.example.test",
                     b"example.test", b"[127.0.0.1]"):
            self.expect("127.0.0.30", 550, hello=name)
        self.expect_log("check=hello_own", "value=mail.example.test")

    def test_a_new_name_is_judged_anew(self):
        w = self.come("127.0.0.30", hello=b"host")
        self.assertEqual(self.rcpt(w)[0], 550)
        self.assertEqual(w.code(b"EHLO host.peer.example"), 250)
        self.assertEqual(self.rcpt(w)[0], 250)

    def test_postmaster_is_reachable(self):
        w = self.come("127.0.0.30", hello=b"host")
        for to in ("postmaster@example.test", "PostMaster@example.test",
                   "abuse@example.test"):
            self.assertNotEqual(self.rcpt(w, to)[1][:5], "5.7.1", to)


class WithNames(Guarded):
    more = ()

    @classmethod
    def setUpClass(cls):
        if names is None:
            raise unittest.SkipTest("not installed: nsd, ldnsutils")
        cls.settings = ("trust.exempt=", "dns.stubs=" + names.stubs() +
                        " dead.example=127.0.0.1@%d" % dead_port,
                        "dns.root_key=", "dns.time=%d" % (2 * SLOW),
                        "guard.time=%d" % (2 * SLOW)) + cls.more
        super().setUpClass()


class Reverse(WithNames):
    more = ("guard.reverse_unconfirmed=reject",)

    def test_confirmed(self):
        w = self.come("127.0.0.2")
        self.assertEqual(w.mail(self.user())[0], 250)
        self.assertIn(b"from good.peer.example (good.peer.example "
                      b"[127.0.0.2])", self.inbox()[-1])
        self.expect("127.0.0.6", 250)  # by its second name

    def test_refused(self):
        self.expect("127.0.0.3", 550, "5.7.25 [127.0.0.3]")
        self.expect("127.0.0.5", 550, "5.7.25 [127.0.0.5]")
        self.expect_log("check=reverse_unconfirmed", "127.0.0.5",
                        "action=reject")

    def test_unknown_is_for_now(self):
        self.expect("127.0.0.4", 450, "4.7.25 ")
        self.expect_log("check=reverse_unconfirmed", "127.0.0.4",
                        "action=defer")

    def test_commands_in_a_row_wait_in_order(self):
        w = self.come("127.0.0.4", greet=False)
        to = self.user().encode()
        w.reply()
        w.send(b"EHLO good.peer.example\r\nMAIL FROM:<a@b.test>\r\n"
               b"RCPT TO:<" + to + b">\r\nNOOP\r\nQUIT\r\n")
        self.assertEqual(w.replies(5), [250, 250, 450, 250, 221])

    def test_who_does_not_wait_for_it(self):
        w = self.come("127.0.0.4", greet=False)
        w.send(b"EHLO good.peer.example\r\nMAIL FROM:<a@b.test>\r\n")
        w.close()
        self.expect("127.0.0.2", 250)


class ReverseMissing(WithNames):
    more = ("guard.reverse_missing=reject", "guard.hello_unknown=reject")

    def test_reverse(self):
        self.expect("127.0.0.2", 250)
        self.expect("127.0.0.3", 250)  # it does not lead back, but is there
        self.expect("127.0.0.5", 550, "has no name")

    def test_hello(self):
        self.expect("127.0.0.2", 250, hello=b"mx.peer.example")
        self.expect("127.0.0.2", 250, hello=b"[127.0.0.2]")
        self.expect("127.0.0.2", 550, "there is no such host",
                    hello=b"no.peer.example")
        self.expect("127.0.0.2", 450, "4.4.3 ", hello=b"x.dead.example")
        self.expect_log("check=hello_unknown", "value=no.peer.example",
                        "action=reject")
        self.expect_log("check=hello_unknown", "value=x.dead.example",
                        "action=defer")

    def test_a_new_name_is_asked_for(self):
        w = self.come("127.0.0.2", hello=b"no.peer.example")
        self.assertEqual(self.rcpt(w)[0], 550)
        self.assertEqual(w.code(b"EHLO good.peer.example"), 250)
        self.assertEqual(self.rcpt(w)[0], 250)


class Lists(WithNames):
    more = ("guard.dnslist_threshold=3", "dnslist.block.zone=block.example",
            "dnslist.block.weight=3",
            "dnslist.block.answers=127.0.0.2-9 127.0.1.*",
            "dnslist.half.zone=half.example", "dnslist.half.weight=2",
            "dnslist.quarter.zone=quarter.example",
            "dnslist.dead.zone=dead.example", "dnslist.dead.weight=9",
            "dnslist.good.zone=allow.example", "dnslist.good.kind=allow",
            "dnslist.good.answers=127.0.*.1-3", "guard.deny=127.0.8.0/24")

    def test_refused(self):
        self.expect("127.0.0.9", 550, "5.7.1 [127.0.0.9] is listed by "
                                      "block.example: See block.example")
        self.expect_log("check=dnslist", "value=block", "action=reject",
                        "127.0.0.9")

    def test_the_scores_add_up(self):
        self.expect("127.0.0.15", 550, "half.example")
        self.expect_log("check=dnslist", 'value="half quarter"')

    def test_below_the_threshold(self):
        self.expect("127.0.0.2", 250)

    def test_answers_that_do_not_count(self):
        self.expect("127.0.0.10", 250)
        self.expect("127.0.0.12", 250)
        self.expect("127.0.0.13", 250)
        self.expect_log("check=dnslist", "action=refused", "127.0.0.12")

    def test_silence_does_not_count(self):
        self.expect("127.0.0.2", 250)
        self.expect_log("check=dnslist", "action=unknown", "value=dead")

    def test_allow_lists(self):
        self.expect("127.0.0.14", 250)
        self.expect_log("check=dnslist", "action=allow", "value=good")

    def test_denied_networks(self):
        self.expect("127.0.8.1", 550, "5.7.1 No mail is taken")
        self.expect_log("check=deny", "127.0.8.1", "value=127.0.8.0/24")

    def test_the_rest_of_the_server_goes_on(self):
        """Many wait for a list that does not answer, and hold up nobody."""
        waiting = [self.come("127.0.0.2") for _ in range(40)]
        for w in waiting:
            w.send(b"MAIL FROM:<a@b.test>\r\n")
        self.assertEqual(self.wire("submission").code(b"NOOP"), 250)
        for w in waiting:
            self.assertEqual(w.reply()[0], 250)


class Greylist(Guarded):
    settings = ("trust.exempt=127.0.7.0/24", "guard.greylist=true",
                "guard.grey_wait=1h", "guard.grey_network=2",
                "guard.network_ipv4=32")

    def advance(self, address, sender, seconds):
        """As if what was seen of a sender had been seen earlier: the server
        is stopped meanwhile, so this is a restart, too."""
        self.server.stop()
        path = os.path.join(self.server.dir, "state", "greylist.db")
        with sqlite3.connect(path) as db:
            db.execute("UPDATE seen SET first = first - ?, last = last - ?",
                       (seconds, seconds))
        db.close()
        self.server.start()

    def test_who_comes_again_is_welcome(self):
        self.expect("127.0.0.30", 450, "4.7.1 Greylisted, try again in 3600")
        self.expect("127.0.0.30", 450, "4.7.1 Greylisted, try again in ")
        self.expect_log("check=greylist", "action=defer", "value=new",
                        "127.0.0.30")
        self.expect_log("check=greylist", "action=defer", 'value="too early"')
        self.advance("127.0.0.30", "a@b.test", 3601)
        self.expect("127.0.0.30", 250)
        self.expect("127.0.0.30", 250)
        self.expect_log("check=greylist", "action=pass", "127.0.0.30")
        # Others are others.
        self.expect("127.0.0.31", 450)
        w = self.come("127.0.0.30")
        self.assertEqual(self.rcpt(w, sender=b"other@b.test")[0], 450)
        self.assertEqual(self.rcpt(w, self.user(1))[0], 450)
        # After two that passed, all of its mail does.
        self.advance("127.0.0.30", "a@b.test", 3601)
        self.assertEqual(self.rcpt(self.come("127.0.0.30"), self.user(1))[0],
                         250)
        self.assertEqual(self.rcpt(self.come("127.0.0.30"), self.user(2),
                                   sender=b"new@c.test")[0], 250)

    def test_some_recipients_wait(self):
        w = self.come("127.0.0.40")
        self.assertEqual(self.rcpt(w)[0], 450)
        self.advance("127.0.0.40", "a@b.test", 3601)
        before = [self.count(i) for i in range(2)]
        w = self.come("127.0.0.40")
        w.code(b"MAIL FROM:<a@b.test>")
        codes = [w.code(b"RCPT TO:<" + self.user(i).encode() + b">")
                 for i in (1, 0)]
        self.assertEqual(codes, [450, 250])
        w.data(b"Subject: s\r\n\r\nbody\r\n.\r\n")
        self.assertEqual(w.reply()[0], 250)
        self.assertEqual([self.count(i) for i in range(2)],
                         [before[0] + 1, before[1]])
        # And no content without a recipient.
        w.code(b"MAIL FROM:<a@b.test>")
        w.code(b"RCPT TO:<" + self.user(1).encode() + b">")
        self.assertEqual(w.code(b"DATA"), 554)

    def test_those_who_need_not_wait(self):
        self.expect("127.0.7.1", 250)
        w = self.come("127.0.0.50")
        for to in ("postmaster@example.test", "abuse@example.test"):
            self.assertNotIn("Greylisted", self.rcpt(w, to)[1])
        # Nor does who writes to nobody.
        self.assertEqual(self.rcpt(w, "nobody@example.test")[0], 550)


class GreylistOff(Guarded):
    settings = ("trust.exempt=",)

    def test_no_file(self):
        self.expect("127.0.0.30", 250)
        self.assertFalse(os.path.exists(os.path.join(
            self.server.dir, "state", "greylist.db")))


class GreylistNames(WithNames):
    more = ("guard.greylist=true", "guard.grey_providers=small.example _a.large.example",
            "dnslist.good.zone=allow.example", "dnslist.good.kind=allow",
            "dnslist.good.answers=127.0.*.1-3")

    def test_providers(self):
        self.expect("127.0.0.61", 250)
        self.expect("127.0.0.62", 450)

    def test_allow_lists(self):
        self.expect("127.0.0.14", 250)


if __name__ == "__main__":
    unittest.main()
