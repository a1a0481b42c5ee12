"""Mail between servers that each have a host, addresses and a signed zone of
their own: three Posterns, Debian's Postfix and Exim (world.py)."""

import os
import re
import smtplib
import time
import unittest

from authority import Authority, WebServer
from clients import token, wait_for, wire
from nameserver import available, find, txt
from peers import Exim, Postfix
from world import Posternd, World, end, trees, why_not

world = one = two = three = postfix = exim = tools = None
STS = (200, "text/plain", b"version: STSv1\r\nmode: enforce\r\n"
       b"mx: mx.sts.test\r\nmx: mx.wrong-sts.test\r\nmax_age: 86400\r\n")


def text(sender, to, subject, body="Text\n", extra=""):
    return wire("From: <%s>\nTo: <%s>\nSubject: %s\n"
                "Date: Mon, 30 Nov 2026 09:00:00 +0000\n"
                "Message-ID: <%s@%s>\n%s\n%s" % (
                    sender, to, subject, subject, sender.split("@")[1],
                    extra, body))


def setUpModule():
    global world, one, two, three
    reason = why_not() or (None if available() and find("openssl") else
                           "not installed: nsd, ldnsutils, openssl")
    if reason:
        raise unittest.SkipTest(reason)
    world = World()
    try:
        build()
    except BaseException:
        world.stop()
        raise


def tearDownModule():
    world.stop()


def peer(kind, name, number, program):
    """Another server, or None when it cannot be had."""
    over = trees(kind.OVER, program)
    resolver = trees("unbound", "unbound")
    if over is None or resolver is None:
        return None
    try:
        host = world.host(name, number, over)
    except RuntimeError as e:  # no overlays here
        print("%s: %s" % (name, e))
        return None
    return kind(host, name + ".test", ["pat", "quinn"])


def start_peers():
    global tools
    resolver = world.host("resolver", 54, trees("unbound", "unbound") or [])
    world.start_resolver(resolver)
    over = [trees("opendmarc", "opendmarc-check"), trees("postfix", "postfix")]
    if None not in over:
        tools = world.host("tools", 7, over[0] + over[1])
        tools.resolver(resolver.v4)
    for one_of_them in (postfix, exim):
        if one_of_them is not None:
            one_of_them.start(resolver.v4)


def build():
    global one, two, three, postfix, exim
    ca = Authority()
    world.ending.append(ca.clean)
    certificate, key = ca.issue("mx.sts.test")
    for path in (ca.dir, key):
        os.chmod(path, 0o755)
    postfix = peer(Postfix, "postfix", 4, "postfix")
    exim = peer(Exim, "exim", 5, "exim4")
    one = Posternd(world.host("one", 1), "one.test", "dkim.expire=3600",
                   "queue.ca_file=" + ca.cafile)
    two = Posternd(world.host("two", 2), "two.test", "trust.dmarc=reject",
                   "trust.spf=note",
                   "certificate.sts.certificate=" + certificate,
                   "certificate.sts.key=" + key,
                   "certificate.sts.names=mx.sts.test")
    # Whoever talks to this one does so without TLS.
    three = Posternd(world.host("three", 3), "three.test",
                     "listener.smtp.tls=none", "trust.dmarc=junk",
                     "dkim.expire=1")
    one.prepare("ann")
    two.prepare("bob", domains=["wrong-tlsa.test", "expired.test", "v6.test",
                                "unsigned.test", "altered.test", "sts.test",
                                "wrong-sts.test"])
    two.ctl("alias", "add", "away@two.test", "eve@three.test")
    two.ctl("alias", "add", "b\u00f8b@two.test", "bob@two.test")
    three.prepare("eve", domains=["no-tls.test"])
    two_tlsa = "3 1 1 " + [line for line in two.zone() if "TLSA" in line][
        0].split()[-1]
    mx = ["@ MX 10 mx", "mx A " + two.place.v4]
    web = world.host("web", 6)
    sts = mx + ["mta-sts A " + web.v4, '_mta-sts TXT "v=STSv1; id=1"']
    world.start_dns({
        "sts.test": sts,
        "wrong-sts.test": sts,
        "one.test": one.zone(),
        "two.test": two.zone("list CNAME mx"),
        "three.test": three.zone(tlsa=False),
        "wrong-tlsa.test": mx + ["_25._tcp.mx TLSA 3 1 1 " + "00" * 32],
        "expired.test": mx,
        "altered.test": ["@ MX 10 genuine", "genuine A " + two.place.v4,
                         "altered A " + two.place.v4],
        # The first host is not there, the second has IPv6 only.
        "v6.test": ["@ MX 10 gone", "@ MX 20 mx", "gone A 192.0.2.250",
                    "mx AAAA " + two.place.v6, "_25._tcp.mx TLSA " + two_tlsa],
        "unsigned.test": mx + ["_25._tcp.mx TLSA 3 1 1 " + "00" * 32],
        "no-tls.test": ["@ MX 10 mx", "mx A " + three.place.v4,
                        "_25._tcp.mx TLSA " + two_tlsa],
        "self.test": ["@ MX 5 mx.one.test."],
        "tools.test": ["@ MX 5 mx", "mx A 192.0.2.7"],
        "null.test": ["@ MX 0 ."],
        "postfix.test": postfix.zone() if postfix else [],
        "exim.test": exim.zone() if exim else [],
    }, signed=["postfix.test", "exim.test", "one.test", "two.test", "three.test", "wrong-tlsa.test",
               "v6.test", "no-tls.test", "self.test"],
        expired=["expired.test"], broken=["altered.test"])
    pages = web.call(lambda: WebServer(
        *ca.issue("mta-sts.sts.test,DNS:mta-sts.wrong-sts.test"),
        {"/.well-known/mta-sts.txt": STS}, web.v4, 443))
    world.ending.append(pages.stop)
    for server in (one, two, three):
        server.start()
    if postfix or exim:
        start_peers()


class Case(unittest.TestCase):
    def send(self, to, server=None, user="ann", **more):
        server = server or one
        t = token("world") + "-"
        server.submit(user, [to], text(server.address(user), to, t, **more))
        return t

    def arrives(self, server, user, t, **more):
        found = wait_for(
            lambda: server.inbox(user, t, **more), 15, pause=0.1)
        if not found:
            self.fail("nothing came:\n" + server.log()[-5000:])
        return found[0].decode()

    def results(self, message):
        """Authentication-Results on top, without folds."""
        field = re.search(r"^Authentication-Results:(.*\r\n(?:[ \t].*\r\n)*)",
                          message, re.M)
        return " ".join(field.group(1).split())

    def story(self, t, event, server=None):
        """What the sender's side knows of an event."""
        server = server or one
        return [what for e, what in
                server.why("%s@%s" % (t, server.domain)) if e == event]

    def by_dane(self, t):
        """It went over TLS with the certificate that a TLSA record names, on
        a connection of its own or on one that was there."""
        made = self.story(t, "tls")
        if made:
            self.assertEqual(made[-1]["policy"], "dane")
            self.assertEqual(made[-1]["certificate"], "good by TLSA records")
        else:
            there = self.story(t, "connection")[-1]
            self.assertEqual(there["trusted"], "yes")
            self.assertIn("TLS1.3", there["tls"])

    def deferred(self, t, *words):
        """It waits, and the last answer has the words."""
        def answer():
            found = self.story(t, "deferred")
            return found and found[-1]["answer"]
        said = wait_for(answer, 30) or ""
        for word in words:
            self.assertIn(word, said)
        one.ctl("queue", "delete", self.story(t, "queued")[0]["queue"])


class Posterns(Case):
    def test_all_is_verified(self):
        t = self.send("bob@two.test")
        m = self.arrives(two, "bob", t)
        found = self.results(m)
        for good in ("mx.two.test; spf=pass", "dkim=pass", "dmarc=pass",
                     "header.a=rsa-sha256", "header.a=ed25519-sha256",
                     "smtp.mailfrom=ann@one.test", "header.from=one.test"):
            self.assertIn(good, found)
        self.assertNotIn("fail", found)
        self.assertIn("with ESMTPS", m)
        self.by_dane(t)
        self.assertEqual(self.story(t, "try")[0]["secure"], "yes")
        # And the other way, where no TLS is offered and no TLSA record asks
        # for it.
        t = self.send("eve@three.test", two, "bob")
        m = self.arrives(three, "eve", t)
        self.assertIn("dmarc=pass", self.results(m))
        self.assertIn("(Postern) with ESMTP\r\n", m)

    def test_the_next_host_by_ipv6(self):
        t = self.send("bob@v6.test")
        m = self.arrives(two, "bob", t)
        self.assertIn("[IPv6:2001:db8::1]", m)
        self.assertIn("spf=pass", self.results(m))
        self.by_dane(t)

    def test_wrong_tlsa(self):
        t = self.send("bob@wrong-tlsa.test")
        self.deferred(t, "4.7.5", "TLSA")
        self.assertEqual(two.inbox("bob", t), [])

    def test_tlsa_of_a_zone_that_is_not_signed_counts_for_nothing(self):
        t = self.send("bob@unsigned.test")
        self.arrives(two, "bob", t)
        self.assertEqual(self.story(t, "tls")[0]["policy"], "any")

    def test_no_tls_where_dane_wants_it(self):
        t = self.send("eve@no-tls.test")
        self.deferred(t, "4.7.4", "TLS")
        self.assertEqual(three.inbox("eve", t), [])

    def test_zone_with_expired_signatures(self):
        self.deferred(self.send("bob@expired.test"), "4.4.3")

    def test_zone_that_was_altered(self):
        self.deferred(self.send("bob@altered.test"), "4.4.3")

    def test_unknown_recipient(self):
        t = self.send("nobody@two.test")
        back = self.arrives(one, "ann", t)
        self.assertIn("Status: 5.1.1", back)
        self.assertIn("Remote-MTA: dns; mx.two.test [", back)

    def test_mta_sts(self):
        t = self.send("bob@sts.test")
        self.arrives(two, "bob", t)
        tls = self.story(t, "tls")[-1]
        self.assertEqual(tls["policy"], "authorities")
        self.assertEqual(tls["certificate"], "good by authorities")

    def test_mta_sts_and_a_certificate_of_nobody(self):
        t = self.send("bob@wrong-sts.test")
        self.deferred(t, "4.7.5", "certificate")
        self.assertEqual(two.inbox("bob", t), [])

    def test_a_server_that_was_away(self):
        two.stop()
        t = self.send("bob@two.test")
        wait_for(lambda: self.story(t, "deferred"), 30)
        two.start()
        self.arrives(two, "bob", t)
        self.assertIn("refused", self.story(t, "deferred")[0]["answer"])
        self.by_dane(t)

    def test_forwarded_with_a_rewritten_sender(self):
        t = self.send("away@two.test")
        m = self.arrives(three, "eve", t)
        self.assertRegex(m, r"Return-Path: <SRS0=[^>]*@two\.test>")
        found = self.results(m)
        for good in ("spf=pass", "header.d=one.test", "dmarc=pass",
                     "arc=pass (i=1)"):
            self.assertIn(good, found)
        # The life of a message goes on beyond the first server.
        self.assertEqual([w["to"] for w in self.story(t, "sent")],
                         ["away@two.test"])
        sent = [w for e, w in two.why("%s@one.test" % t) if e == "sent"]
        self.assertEqual([w["to"] for w in sent], ["eve@three.test"])

    def test_domains_without_mail(self):
        for domain, status in (("null.test", "5.1.10"), ("self.test", "5.4.6"),
                               ("no-such.two.test", "5.1.2")):
            back = self.arrives(one, "ann", self.send("x@" + domain))
            self.assertIn("Status: " + status, back, domain)


class Forged(Case):
    """From three's address, in the name of one."""

    def raw(self, message, sender, to="bob@two.test", host=None):
        def send():
            s = smtplib.SMTP(two.place.v4, 25, "mx.three.test", timeout=60)
            s.ehlo()
            s.mail(sender)
            s.rcpt(to)
            reply = s.data(message)
            s.quit()
            return reply
        code, said = (host or three.place).call(send)
        return "%d %s" % (code, said.decode())

    def signed(self, **more):
        """A message that one signed, as it came to two."""
        t = self.send("bob@two.test", **more)
        m = self.arrives(two, "bob", t)
        return t, m[m.index("DKIM-Signature:"):]

    def test_nothing_is_right(self):
        t = token()
        reply = self.raw(text("ann@one.test", "bob@two.test", t),
                         "ann@one.test")
        self.assertTrue(reply.startswith("550 5.7.1"), reply)
        self.assertIn("one.test", reply)
        self.assertEqual(two.inbox("bob", t), [])

    def test_the_signature_stays_good_on_another_way(self):
        t, m = self.signed()
        self.assertTrue(self.raw(m, "x@three.test").startswith("250"))
        both = [x.decode() for x in two.inbox("bob", t)]
        self.assertEqual(len(both), 2)
        found = self.results([x for x in both if "x@three.test" in x][0])
        self.assertIn("spf=pass", found)
        self.assertIn("dkim=pass", found)
        self.assertIn("dmarc=pass", found)

    def test_changed_body(self):
        _, m = self.signed(body="Pay 10 to ann\n")
        reply = self.raw(m.replace("Pay 10", "Pay 99"), "x@three.test")
        self.assertTrue(reply.startswith("550 5.7.1"), reply)

    def test_changed_header(self):
        _, m = self.signed()
        reply = self.raw("Subject: something else\r\n" + m, "x@three.test")
        self.assertTrue(reply.startswith("550 5.7.1"), reply)

    def test_expired_signature(self):
        t = self.send("bob@two.test", three, "eve")
        m = self.arrives(two, "bob", t)
        self.assertIn("dkim=pass", self.results(m))
        time.sleep(2.1)
        m = m[m.index("DKIM-Signature:"):]
        self.assertTrue(self.raw(m, "late@three.test").startswith("250"))
        found = self.results([x.decode() for x in two.inbox("bob", t)
                              if b"late@three.test" in x][0])
        self.assertNotIn("dkim=pass", found)
        self.assertIn("expired", found)
        # SPF alone is enough for its own domain.
        self.assertIn("dmarc=pass", found)

    def test_envelope_sender_of_another_address(self):
        t = token()
        reply = self.raw(text("eve@three.test", "bob@two.test", t),
                         "ann@one.test")
        # SPF fails for one.test; the author's domain has no signature.
        self.assertTrue(reply.startswith("550 5.7.1"), reply)


class Tools(Case):
    def setUp(self):
        if tools is None:
            self.skipTest("neither installed nor unpacked")

    def test_opendmarc_reads_what_we_publish(self):
        said = tools.run("/usr/sbin/opendmarc-check", "one.test")
        self.assertIn("Domain policy: reject", said)
        self.assertIn("DKIM alignment: relaxed", said)

    def test_smtp_source(self):
        """Postfix's load generator, many sessions at once, from where SPF
        allows nothing."""
        said = tools.run("/usr/sbin/smtp-source", "-s", "10", "-m", "100",
                         "-l", "3000", "-f", "load@tools.test", "-t",
                         "bob@two.test", two.place.v4 + ":25", check=False)
        self.assertEqual(said, "")
        wait_for(lambda: len(two.inbox("bob", "load@tools.test")) == 100, 20,
                 pause=0.5)
        self.assertEqual(len(two.inbox("bob", "load@tools.test")), 100)

    def test_smtp_sink(self):
        """What we send is what Postfix's sink takes, with all it can do."""
        sink = tools.start("/usr/sbin/smtp-sink", "-u", "nobody", "-c",
                           tools.v4 + ":25", "100", log=tools.dir + "/log")
        self.addCleanup(end, sink)
        tools.wait_for_port(25, process=sink)
        sent = [self.send("x%d@tools.test" % i) for i in range(30)]
        wait_for(lambda: all(self.story(t, "sent") for t in sent), 20,
                 pause=0.3)
        for t in sent:
            self.assertTrue(self.story(t, "sent"), one.log()[-3000:])

    def test_swaks(self):
        """With TLS, from where mail may come."""
        t = token() + "-"
        p = three.place.run(
            "swaks", "--server", two.place.v4, "--tls", "--ehlo",
            "mx.three.test", "--from", "eve@three.test", "--to",
            "bob@two.test", "--header", "Subject: " + t)
        self.assertIn("=== TLS started", p)
        self.assertRegex(p, "250 2.0.0 Ok")
        self.assertIn("spf=pass",
                      self.results(self.arrives(two, "bob", t)))


class Others:
    """The same for each of them."""

    def setUp(self):
        self.peer = self.which()
        if self.peer is None:
            self.skipTest("neither installed nor unpacked")

    def from_peer(self, message, to, sender="pat", options=(), rcpt=()):
        """Handed to it on its own host, as its users do."""
        def send():
            s = smtplib.SMTP(self.peer.place.v4, 25, timeout=60)
            s.ehlo("localhost")
            s.sendmail(self.peer.address(sender), [to], message,
                       mail_options=options, rcpt_options=rcpt)
            s.quit()
        self.peer.place.call(send)

    def arrives_there(self, t, user="pat"):
        found = wait_for(lambda: self.peer.inbox(user, t), 30)
        if not found:
            self.fail(self.peer.log()[-5000:])
        return found[0].decode()

    def test_to_it(self):
        t = self.send(self.peer.address("pat"))
        m = self.arrives_there(t)
        self.assertRegex(m.lower(), "with (utf8)?esmtps")
        self.by_dane(t)

    def test_from_it(self):
        t = token()
        self.from_peer(text(self.peer.address("pat"), "bob@two.test", t),
                       "bob@two.test")
        try:
            m = self.arrives(two, "bob", t)
        except AssertionError:
            self.fail(self.peer.log()[-3000:])
        self.assertIn("spf=pass", self.results(m))
        self.assertIn("with ESMTPS", m)
        self.verified_ours()


    def body_of(self, message):
        return message.replace("\r\n", "\n").partition("\n\n")[2]

    def test_large_and_with_dots(self):
        body = "".join(".%d\n..\n.\nline %d\n" % (i, i)
                       for i in range(40000))
        t = self.send(self.peer.address("pat"), body=body)
        self.assertEqual(self.body_of(self.arrives_there(t)), body)
        t = token()
        self.from_peer(text(self.peer.address("pat"), "bob@two.test", t,
                            body=body), "bob@two.test")
        self.assertEqual(self.body_of(self.arrives(two, "bob", t)), body)

    def test_eight_bits(self):
        body = "Gr\u00fc\u00dfe \u2014 \U0001f600\n"
        mime = "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n" \
               "Content-Transfer-Encoding: 8bit\n"
        t = token() + "-"
        one.submit("ann", [self.peer.address("pat")], text(
            "ann@one.test", self.peer.address("pat"), t, body, mime),
            options=["BODY=8BITMIME"])
        self.assertEqual(self.body_of(self.arrives_there(t)), body)
        self.assertIn("BODY=8BITMIME",
                      self.story(t, "conversation")[-1]["text"])
        t = token() + "-"
        self.from_peer(text(self.peer.address("pat"), "bob@two.test", t, body,
                            mime), "bob@two.test", options=["BODY=8BITMIME"])
        self.assertEqual(self.body_of(self.arrives(two, "bob", t)), body)

    def test_international_addresses(self):
        t = token() + "-"
        one.submit("ann", [self.peer.address("pat")], text(
            "ann@one.test", self.peer.address("pat"), t,
            extra="Comments: \u00e4\n"), options=["SMTPUTF8"])
        self.assertIn("Comments: \u00e4", self.arrives_there(t))
        self.assertIn(" SMTPUTF8", self.story(t, "conversation")[-1]["text"])
        t = token() + "-"
        self.from_peer(text(self.peer.address("pat"), "b\u00f8b@two.test", t),
                       "b\u00f8b@two.test", options=["SMTPUTF8"])
        m = self.arrives(two, "bob", t)
        self.assertIn("with UTF8SMTPS", m)

    def test_several_recipients_one_unknown(self):
        to = [self.peer.address(u) for u in ("pat", "nobody", "quinn")]
        t = token() + "-"
        one.submit("ann", to, text("ann@one.test", to[0], t))
        self.arrives_there(t, "pat")
        self.arrives_there(t, "quinn")
        back = self.arrives(one, "ann", t)
        self.assertIn("Final-Recipient: rfc822; " + to[1], back)
        self.assertNotIn("rfc822; " + to[0], back)
        # All went together: nothing was answered between the commands.
        said = self.story(t, "conversation")[-1]["text"]
        self.assertRegex(said, r"C: MAIL [^\n]*\n(C: RCPT [^\n]*\n){3}")

    def test_bounce_of_it(self):
        t = token() + "-"
        self.from_peer(text(self.peer.address("pat"), "nobody@two.test", t),
                       "nobody@two.test")
        back = self.arrives_there(t)
        self.assertIn("550", back)
        self.assertIn("There is no such user here", back)

    def test_success_is_told(self):
        """RFC 3461, from each side by the other."""
        t = token() + "-"
        one.submit("ann", [self.peer.address("pat")], text(
            "ann@one.test", self.peer.address("pat"), t),
            rcpt=["NOTIFY=SUCCESS"])
        self.arrives_there(t)
        self.assertIn(" NOTIFY=SUCCESS",
                      self.story(t, "conversation")[-1]["text"])
        told = self.arrives(one, "ann", t)
        self.assertIn("Action: delivered", told)
        self.assertIn("mx." + self.peer.domain, told)
        t = token() + "-"
        self.from_peer(text(self.peer.address("pat"), "bob@two.test", t),
                       "bob@two.test", rcpt=["NOTIFY=SUCCESS"])
        self.arrives(two, "bob", t)
        self.assertIn("Action: delivered", self.arrives_there(t))

    def test_it_heeds_our_tlsa_records(self):
        """Or the tests above would prove nothing."""
        t = token() + "-"
        self.from_peer(text(self.peer.address("pat"), "bob@wrong-tlsa.test",
                            t), "bob@wrong-tlsa.test")
        wait_for(lambda: "wrong-tlsa.test" in self.peer.log() and
                 re.search(self.refused, self.peer.log()), 20, pause=0.1)
        self.assertRegex(self.peer.log(), self.refused)
        self.assertEqual(two.inbox("bob", t), [])


class WithPostfix(Others, Case):
    refused = r"bob@wrong-tlsa\.test.*status=deferred.*not verified"

    def which(self):
        return postfix

    def verified_ours(self):
        self.assertRegex(postfix.log(), "Verified TLS connection established "
                         r"to mx\.two\.test")


class WithExim(Others, Case):
    refused = r"mx\.wrong-tlsa\.test.*(?i:dane|certificate|TLS session)"

    def which(self):
        return exim

    def verified_ours(self):
        self.assertRegex(exim.log(), r"=> bob@two\.test .*CV=dane")


if __name__ == "__main__":
    unittest.main()
