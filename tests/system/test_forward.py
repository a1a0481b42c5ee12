"""Mail that addresses here send on to another server, with a real name server
and two Posterns: one that forwards, and one where both the senders and those
who get it are."""
# Takes long.

import json
import re
import smtplib
import subprocess
import unittest

import milter

from nameserver import NameServer, available, free_port, txt
from postern import Server
from clients import token
from test_exchange import ctl, inbox, wait_for


@unittest.skipUnless(available(), "not installed: nsd and ldnsutils")
class Case(unittest.TestCase):
    """origin.test and far.test are at `far`, near.test is ours. The SPF record
    of origin.test does not know us, that of near.test does."""

    settings = ()
    far_settings = ("trust.spf=reject",)
    signs = False  # with keys of near.test
    source = "127.0.0.2"

    def setUp(self):
        # Who sends does so from 127.0.0.2, we from 127.0.0.1.
        self.dns = NameServer({
            "origin.test": ["@ MX 10 mx", "mx A 127.0.0.1",
                            "@ TXT " + txt("v=spf1 ip4:127.0.0.2 -all"),
                            "_dmarc TXT " + txt("v=DMARC1; p=reject")],
            "far.test": ["@ MX 10 mx", "mx A 127.0.0.1"],
            "example.test": ["@ TXT " + txt("v=spf1 ip4:127.0.0.1 -all")],
            "near.test": ["@ MX 10 mx", "mx A 127.0.0.1",
                          "@ TXT " + txt("v=spf1 ip4:127.0.0.1 -all")],
        })
        self.far = self.started(Server(users=2, set=[
            "trust.check=true", "trust.exempt="] + self.dns.settings() +
            list(self.far_settings)))
        for name in ("origin.test", "far.test"):
            ctl(self.far, "domain", "add", name)
        ctl(self.far, "alias", "add", "alice@origin.test", self.far.users[0])
        ctl(self.far, "alias", "add", "bob@far.test", self.far.users[1])
        self.near = self.started(Server(users=2, set=[
            "queue.port=%d" % self.far.ports["smtp"],
            "dkim.wait=0"] + self.queue + self.dns.settings() +
            list(self.settings)))
        ctl(self.near, "domain", "add", "near.test")
        if self.signs:
            self.sign(self.near, "near.test")
        self.prepare()
        self.dns.start()
        self.addCleanup(self.dns.stop)

    queue = ["queue.enabled=true", "queue.ipv6=false", "queue.retry_first=2",
             "queue.retry_most=2", "queue.sleep_first=1", "queue.sleep_most=1"]

    def prepare(self):
        """Before the name server starts."""

    def sign(self, server, domain):
        ctl(server, "dkim", "generate", domain)
        for r in ctl(server, "dkim", "show", domain):
            self.dns.zones[domain].append(
                "%s. TXT %s" % (r["name"], txt(r["txt"])))

    def started(self, server):
        server.start()
        self.addCleanup(server.clean)
        self.addCleanup(server.stop)
        return server

    def send(self, to, sender="alice@origin.test", top="", server=None):
        """Its subject, and what was said in the end."""
        server = server or self.near
        t = token() + "-"
        s = smtplib.SMTP(server.host, server.ports["smtp"], timeout=60,
                         source_address=(self.source, 0))
        s.ehlo("mx.origin.test")
        try:
            s.sendmail(sender, to, "%sFrom: %s\r\nTo: %s\r\nSubject: %s\r\n"
                       "\r\nText\r\n" % (top, sender, to, t))
            return t, None
        except smtplib.SMTPDataError as e:
            return t, (e.smtp_code, e.smtp_error)
        finally:
            s.close()

    def at_far(self, t, user=1):
        return wait_for(lambda: inbox(self.far, self.far.users[user], t))

    def rcpt(self, server, address, sender=""):
        s = smtplib.SMTP(server.host, server.ports["smtp"], timeout=60)
        s.ehlo("mx.origin.test")
        s.mail(sender)
        code, text = s.rcpt(address)
        s.close()
        return code, text.decode()


class Forward(Case):
    def test_an_alias_to_another_server(self):
        ctl(self.near, "alias", "add", "away@near.test", "bob@far.test")
        t, refused = self.send(["away@near.test"])
        self.assertIsNone(refused)
        there = self.at_far(t)[0]
        path = re.search(rb"Return-Path: <(.*)>", there).group(1).decode()
        self.assertRegex(
            path, r"^SRS0=[A-Z2-7]{6}=[A-Z2-7]{2}=origin.test=alice@near.test$")
        # As the sender it would have been refused.
        self.assertIn(b"spf=pass", there)
        self.assertIn(b"Delivered-To: away@near.test\r\n", there)
        self.assertIn(b"From: alice@origin.test\r\n", there)
        # What comes back goes to the sender, also when case was lost.
        for address in (path, path.lower()):
            t, refused = self.send([address], sender="")
            self.assertIsNone(refused)
            back = self.at_far(t, 0)[0]
            self.assertIn(b"Return-Path: <>", back)
        # Forged and expired ones do not.
        forged = path.replace("alice", "bob")
        self.assertEqual(self.rcpt(self.near, forged)[0], 550)
        local, domain = path.split("@")
        parts = local.split("=")
        parts[2] = "22" if parts[2] != "22" else "AA"
        self.assertEqual(self.rcpt(
            self.near, "=".join(parts) + "@" + domain)[0], 550)

    def test_nobody_else_relays(self):
        self.assertEqual(self.rcpt(self.near, "bob@far.test")[0], 550)

    def test_a_catch_all(self):
        ctl(self.near, "alias", "add", "@near.test", "bob@far.test")
        t, refused = self.send(["whoever@near.test"])
        self.assertIsNone(refused)
        self.assertIn(
            b"Delivered-To: whoever@near.test\r\n", self.at_far(t)[0])
        # That does not take what is forged.
        self.assertEqual(self.rcpt(
            self.near, "SRS0=AAAAAA=AA=origin.test=alice@near.test")[0], 550)

    def test_here_and_there(self):
        ctl(self.near, "alias", "add", "both@near.test", self.near.users[0])
        ctl(self.near, "alias", "add", "both@near.test", "bob@far.test")
        t, refused = self.send(["both@near.test"])
        self.assertIsNone(refused)
        here = inbox(self.near, self.near.users[0], t)
        self.assertIn(b"Return-Path: <alice@origin.test>", here[0])
        self.assertNotIn(b"Delivered-To", here[0])
        there = self.at_far(t)[0]
        self.assertEqual(there.count(b"Return-Path"), 1)
        self.assertNotIn(b"Return-Path: <alice", there)

    def test_two_forwarders_do_not_hear_of_each_other(self):
        ctl(self.near, "alias", "add", "one@near.test", "bob@far.test")
        ctl(self.near, "alias", "add", "two@near.test", "alice@origin.test")
        t, refused = self.send(["one@near.test", "two@near.test"])
        self.assertIsNone(refused)
        self.assertNotIn(b"Delivered-To: two", self.at_far(t)[0])
        self.assertNotIn(b"Delivered-To: one", self.at_far(t, 0)[0])

    def test_a_bounce_stays_one(self):
        ctl(self.near, "alias", "add", "away@near.test", "bob@far.test")
        t, refused = self.send(["away@near.test"], sender="")
        self.assertIn(b"Return-Path: <>", self.at_far(t)[0])

    def test_ours_are_not_rewritten(self):
        ctl(self.near, "alias", "add", "away@near.test", "bob@far.test")
        t, refused = self.send(["away@near.test"], sender="x@near.test")
        self.assertIn(b"Return-Path: <x@near.test>", self.at_far(t)[0])

    def test_what_is_refused_there_comes_back_to_the_sender(self):
        ctl(self.near, "alias", "add", "away@near.test", "nobody@far.test")
        t, refused = self.send(["away@near.test"])
        self.assertIsNone(refused)
        back = self.at_far(t, 0)[0]
        self.assertIn(b"Content-Type: multipart/report", back)
        self.assertIn(b"Final-Recipient: rfc822; nobody@far.test", back)
        self.assertIn(b"Return-Path: <>", back)
        wait_for(lambda: ctl(self.near, "queue", "list") == [])

    def test_a_bounce_to_an_address_in_utf8(self):
        sender = "j\u00f6rg@origin.test"
        ctl(self.far, "alias", "add", sender, self.far.users[0])
        ctl(self.near, "alias", "add", "away@near.test", "nobody@far.test")
        s = smtplib.SMTP(self.near.host, self.near.ports["smtp"], timeout=60,
                         source_address=(self.source, 0))
        s.ehlo("mx.origin.test")
        s.command_encoding = "utf-8"
        code, _ = s.docmd("MAIL FROM:<%s> SMTPUTF8" % sender)
        self.assertEqual(code, 250)
        self.assertEqual(s.rcpt("away@near.test")[0], 250)
        self.assertEqual(s.data("Subject: x\r\n\r\nText\r\n")[0], 250)
        s.close()
        self.at_far("could not be delivered", 0)

    def test_a_loop_over_another_server(self):
        # far.test sends it back to us.
        ctl(self.near, "alias", "add", "away@near.test", "bob@far.test")
        t, refused = self.send(
            ["away@near.test"], top="Delivered-To: Away@near.test\r\n")
        self.assertEqual(refused[0], 554)
        self.assertIn(b"5.4.6", refused[1])
        # Somebody else's is none.
        t, refused = self.send(
            ["away@near.test"], top="Delivered-To: bob@far.test\r\n")
        self.assertIsNone(refused)

    def test_aliases_in_a_circle(self):
        ctl(self.near, "alias", "add", "a@near.test", "b@near.test")
        ctl(self.near, "alias", "add", "b@near.test", "a@near.test")
        code, text = self.rcpt(self.near, "a@near.test")
        self.assertEqual(code, 550)
        self.assertIn("5.4.6", text)

    def test_users_forward(self):
        user = self.near.users[0]
        ctl(self.near, "forward", "add", user, "bob@far.test")
        t, refused = self.send([user])
        self.assertIsNone(refused)
        self.assertEqual(len(inbox(self.near, user, t)), 1)
        there = self.at_far(t)[0]
        self.assertIn(b"Delivered-To: %s\r\n" % user.encode(), there)
        self.assertRegex(there, b"Return-Path: <SRS0=.*@example.test>")
        ctl(self.near, "forward", "set", user, "--no-keep")
        self.assertEqual(ctl(self.near, "forward", "list"), [
            {"user": user, "target": "bob@far.test", "keep": False}])
        t, refused = self.send([user])
        self.at_far(t)
        self.assertEqual(inbox(self.near, user, t), [])
        ctl(self.near, "forward", "delete", user, "alice@far.test", status=3)
        ctl(self.near, "forward", "delete", user)
        ctl(self.near, "forward", "set", user, "--keep", status=3)
        t, refused = self.send([user])
        self.assertEqual(len(inbox(self.near, user, t)), 1)
        wait_for(lambda: ctl(self.near, "queue", "list") == [])
        self.assertEqual(inbox(self.far, self.far.users[1], t), [])

    def test_a_new_key(self):
        ctl(self.near, "alias", "add", "away@near.test", "bob@far.test")
        t, _ = self.send(["away@near.test"])
        path = re.search(
            rb"Return-Path: <(.*)>", self.at_far(t)[0]).group(1).decode()
        keys = self.near.dir + "/state/srs.keys"
        with open(keys) as f:
            old = f.read()
        with open(keys, "w") as f:
            f.write("ab" * 32 + "\n" + old)
        ctl(self.near, "reload")
        self.assertEqual(self.rcpt(self.near, path)[0], 250)
        with open(keys, "w") as f:
            f.write("ab" * 32 + "\n")
        ctl(self.near, "reload")
        self.assertEqual(self.rcpt(self.near, path)[0], 550)


class OwnDomain(Case):
    settings = ("forward.srs_domain=srs.near.test",)

    def test_a_domain_of_its_own(self):
        self.dns.stop()
        ctl(self.near, "alias", "add", "away@near.test", "bob@far.test")
        got = self.send(["away@near.test"])
        self.assertIsNone(got[1])
        shown = wait_for(lambda: ctl(self.near, "queue", "list"))
        self.assertRegex(shown[0]["sender"], "^SRS0=.*@srs.near.test$")
        self.assertEqual(self.rcpt(self.near, shown[0]["sender"])[0], 250)


DKIMPY = """
import dkim, json, sys
records = json.loads(sys.stdin.buffer.readline())
def ask(name, timeout=5):
    return records.get(name.decode().rstrip("."), "").encode() or None
cv, sets, reason = dkim.arc_verify(sys.stdin.buffer.read(), dnsfunc=ask)
print(json.dumps([cv.decode(), len(sets), reason]))
"""


class Sealed(Case):
    """With ARC. far.test follows the policy of origin.test, and believes
    near.test."""

    settings = ("trust.check=true", "trust.exempt=")
    far_settings = ("trust.dmarc=reject", "trust.arc_trusted=near.test")
    signs = True

    def prepare(self):
        ctl(self.near, "alias", "add", "away@near.test", "bob@far.test")

    def verify(self, message):
        records = {r["name"]: r["txt"]
                   for r in ctl(self.near, "dkim", "show", "near.test")}
        p = subprocess.run(
            ["/usr/bin/python3", "-I", "-c", DKIMPY],
            input=json.dumps(records).encode() + b"\n" + message,
            capture_output=True, timeout=60)
        self.assertEqual(p.returncode, 0, p.stderr.decode())
        return json.loads(p.stdout)

    def test_what_passed_here_passes_there(self):
        t, refused = self.send(["away@near.test"])
        self.assertIsNone(refused)
        there = self.at_far(t)[0]
        top = there.split(b"Delivered-To")[0]
        self.assertEqual(top.count(b"ARC-Seal: i=1; a=rsa-sha256;"), 1)
        self.assertIn(b"cv=none", top)
        self.assertRegex(top, rb"ARC-Authentication-Results: i=1; [^;]*;"
                              rb"\r\n\tspf=pass")
        self.assertIn(b"smtp.mailfrom=near.test", there)
        self.assertIn(b"arc=pass", there)
        # Who believes near.test takes what origin.test did not sign.
        self.assertIn(b"dmarc=fail", there)
        self.assertIn(b"trusted ARC", there)
        self.assertEqual(self.verify(there)[:2], ["pass", 1])

    def test_only_what_goes_out_is_sealed(self):
        ctl(self.near, "alias", "add", "away@near.test", self.near.users[0])
        t, refused = self.send(["away@near.test"])
        self.assertIn(b"ARC-Seal", self.at_far(t)[0])
        here = inbox(self.near, self.near.users[0], t)[0]
        self.assertNotIn(b"ARC-", here)
        self.assertNotIn(b"Delivered-To", here)

    def test_a_chain_goes_on(self):
        # What comes back to us is in the chain already.
        t, _ = self.send(["away@near.test"])
        first = self.at_far(t)[0]
        first = first[first.index(b"ARC-Seal:"):].replace(
            b"Delivered-To: away", b"Delivered-To: other")
        t, refused = self.resend(first)
        self.assertIsNone(refused)
        there = self.at_far(t)[0]
        self.assertIn(b"ARC-Seal: i=2; a=rsa-sha256;", there)
        self.assertIn(b"cv=pass", there)
        self.assertEqual(self.verify(there)[:2], ["pass", 2])
        t, refused = self.resend(first.replace(b"Text", b"Changed"))
        self.assertIsNone(refused)
        # Broken, which far.test holds against it.
        back = self.at_far(t, 0)[0]
        self.assertIn(b"multipart/report", back)
        self.assertIn(b"cv=fail", back)

    def resend(self, message):
        t = token() + "-"
        message = re.sub(rb"X-Again: .*\r\n", b"", message).replace(
            b"\r\n\r\n", b"\r\nX-Again: %s\r\n\r\n" % t.encode(), 1)
        s = smtplib.SMTP(self.near.host, self.near.ports["smtp"], timeout=60,
                         source_address=(self.source, 0))
        s.ehlo("mx.origin.test")
        try:
            s.sendmail("alice@origin.test", ["away@near.test"], message)
            return t, None
        except smtplib.SMTPDataError as e:
            return t, (e.smtp_code, e.smtp_error)
        finally:
            s.close()

    def test_nobody_hears_of_what_they_did_not_send(self):
        ctl(self.near, "alias", "add", "dead@near.test", "nobody@far.test")
        t, refused = self.send(["dead@near.test"])
        self.assertIn(b"multipart/report", self.at_far(t, 0)[0])
        self.source = "127.0.0.3"
        t, refused = self.send(["dead@near.test"])
        self.assertIsNone(refused)
        wait_for(lambda: "notification-withheld" in self.near.log())
        wait_for(lambda: ctl(self.near, "queue", "list") == [])
        self.assertEqual(inbox(self.far, self.far.users[0], t), [])


class Filtered:
    """With a milter that says `changes` at the end of a message."""

    def setUp(self):
        self.milter = milter.Milter({"E": self.says})
        self.addCleanup(self.milter.stop)
        self.settings = Sealed.settings + (
            "milter.f.socket=" + self.milter.socket,)
        self.changes = []
        super().setUp()

    def says(self, data):
        return b"".join(self.changes) + milter.CONTINUE


class SealedBehindMilter(Filtered, Sealed):
    """The seal is of what the milter made of a message."""

    def test_changes(self):
        for changes in (
                [milter.change(1, b"Subject", b"")],
                [milter.body(b"Another\r\n"), milter.body(b" body\r\n")],
                [milter.insert(0, b"Subject", b"on top")],
                [milter.add(b"Reply-To", b"x@origin.test")]):
            t = token() + "-"
            self.changes = changes + [milter.add(b"X-Again", t.encode())]
            _, refused = self.send(["away@near.test"])
            self.assertIsNone(refused)
            there = self.at_far(t)[0]
            self.assertEqual(there.count(b"ARC-Seal: i=1;"), 1)
            self.assertIn(b"arc=pass", there)
            self.assertEqual(self.verify(there)[:2], ["pass", 1])

    def test_a_recipient_of_the_milter(self):
        self.changes = [milter.add_rcpt(b"<away@near.test>")]
        t, refused = self.send([self.near.users[0]])
        self.assertIsNone(refused)
        self.assertEqual(self.verify(self.at_far(t)[0])[:2], ["pass", 1])


class SealedByMilter(Filtered, Case):
    signs = True

    def test_its_own_seal(self):
        # It is left alone, whatever it is worth.
        ctl(self.near, "alias", "add", "away@near.test", "bob@far.test")
        self.changes = [milter.insert(0, b"ARC-Seal", b"i=1; cv=none")]
        t, refused = self.send(["away@near.test"])
        self.assertIsNone(refused)
        self.assertEqual(self.at_far(t)[0].count(b"ARC-Seal"), 1)


class Notified(Case):
    """RFC 3461: who asks hears of success, too."""

    def setUp(self):
        port = free_port()
        self.settings = ("listener.smtp.port=%d" % port,)
        self.far_settings = self.queue + ["queue.port=%d" % port]
        super().setUp()

    def prepare(self):
        ctl(self.near, "alias", "add", "away@near.test", "bob@far.test")
        ctl(self.near, "alias", "add", "list@near.test", "bob@far.test")
        ctl(self.near, "alias", "add", "list@near.test", self.near.users[0])

    def submit(self, *recipients, sender="alice@origin.test", ret="HDRS"):
        """`recipients`: address and parameters. Its subject."""
        t = token() + "-"
        s = smtplib.SMTP(self.near.host, self.near.ports["smtp"], timeout=60,
                         source_address=(self.source, 0))
        s.ehlo("mx.origin.test")
        self.assertTrue(s.has_extn("dsn"))
        self.assertEqual(s.docmd("MAIL FROM:<%s> RET=%s ENVID=QQ+2B%s" % (
            sender, ret, t))[0], 250)
        for r, params in recipients:
            self.assertEqual(s.docmd("RCPT TO:<%s> %s" % (r, params))[0], 250)
        self.assertEqual(s.data(
            "From: %s\r\nSubject: %s\r\n\r\nText\r\n" % (sender, t))[0], 250)
        s.close()
        return t

    def notice(self, t):
        """The one that alice@origin.test got."""
        found = self.at_far(t, 0)
        self.assertEqual(len(found), 1)
        self.assertIn(b"Return-Path: <>", found[0])
        self.assertIn(b"Original-Envelope-Id: QQ+%s" % t.encode(), found[0])
        return found[0]

    def test_in_a_mailbox(self):
        user = self.near.users[1]
        t = self.submit((user, "NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;A+2Bb@c"))
        notice = self.notice(t)
        self.assertIn(b"Action: delivered\r\nStatus: 2.1.5", notice)
        self.assertIn(b"Final-Recipient: rfc822; %s" % user.encode(), notice)
        self.assertIn(b"Original-Recipient: rfc822;A+b@c", notice)
        self.assertNotIn(b"\r\nText", notice)
        self.assertEqual(len(inbox(self.near, user, t)), 1)

    def test_several(self):
        t = self.submit(("list@near.test", "NOTIFY=SUCCESS,DELAY"))
        notice = self.notice(t)
        self.assertIn(b"Action: expanded", notice)
        self.assertIn(b"Final-Recipient: rfc822; list@near.test", notice)
        self.assertNotIn(b"bob@far.test", notice)
        self.at_far(t, 1)

    def test_one_on_another_server(self):
        # That one tells, since it knows how to, and its notice comes back
        # through us.
        t = self.submit(("away@near.test", "NOTIFY=SUCCESS"))
        self.at_far(t, 1)
        notice = self.notice(t)
        self.assertIn(b"Action: delivered", notice)
        self.assertIn(b"Final-Recipient: rfc822; bob@far.test", notice)
        self.assertIn(
            b"Original-Recipient: rfc822;away@near.test", notice)
        self.assertRegex(notice, b"To: <SRS0=.*=alice@near.test>")

    def test_who_did_not_ask_hears_nothing(self):
        user = self.near.users[1]
        t = self.submit((user, ""), ("list@near.test", ""))
        u = self.submit((user, "NOTIFY=FAILURE"))
        v = self.submit((user, "NOTIFY=SUCCESS"))
        self.notice(v)
        for x in (t, u):
            self.assertEqual(inbox(self.far, self.far.users[0], x), [])

    def test_failures_as_asked(self):
        ctl(self.near, "alias", "add", "dead@near.test", "nobody@far.test")
        t = self.submit(("dead@near.test", "NOTIFY=NEVER"))
        u = self.submit(("dead@near.test", "NOTIFY=FAILURE"), ret="FULL")
        notice = self.notice(u)
        self.assertIn(b"Action: failed", notice)
        self.assertIn(
            b"Original-Recipient: rfc822;dead@near.test", notice)
        self.assertIn(b"\r\nText", notice)
        self.assertEqual(inbox(self.far, self.far.users[0], t), [])

    def test_a_loop_of_one_of_several(self):
        t = token() + "-"
        s = smtplib.SMTP(self.near.host, self.near.ports["smtp"], timeout=60)
        s.sendmail("alice@origin.test", ["away@near.test", self.near.users[1]],
                   "Delivered-To: away@near.test\r\nSubject: %s\r\n\r\nText"
                   "\r\n" % t)
        s.quit()
        self.assertEqual(len(inbox(self.near, self.near.users[1], t)), 1)
        back = self.at_far(t, 0)[0]
        self.assertIn(b"Status: 5.4.6", back)
        self.assertIn(b"Final-Recipient: rfc822; away@near.test", back)
        self.assertNotIn(self.near.users[1].encode() + b">\r\n", back)
        self.assertEqual(inbox(self.far, self.far.users[1], t), [])


class ThreeServers(Case):
    """ann@origin.test writes on a server of her own."""

    settings = ("trust.check=true", "trust.exempt=")
    far_settings = ("trust.dmarc=reject", "trust.spf=reject")
    signs = True

    def prepare(self):
        self.first = self.started(Server(users=1, set=[
            "queue.port=%d" % self.near.ports["smtp"], "dkim.wait=0"] +
            self.queue + self.dns.settings()))
        ctl(self.first, "domain", "add", "origin.test")
        ctl(self.first, "alias", "add", "ann@origin.test",
            self.first.users[0])
        self.dns.zones["origin.test"][2] = "@ TXT " + txt(
            "v=spf1 ip4:127.0.0.1 -all")
        self.sign(self.first, "origin.test")
        ctl(self.near, "alias", "add", "away@near.test", "bob@far.test")

    def test_all_passes_in_the_end(self):
        t = token() + "-"
        s = smtplib.SMTP(self.first.host, self.first.ports["submission"],
                         timeout=60)
        s.login(self.first.users[0], self.first.password)
        s.sendmail("ann@origin.test", ["away@near.test"],
                   "From: ann@origin.test\r\nTo: away@near.test\r\n"
                   "Subject: %s\r\n\r\nText\r\n" % t)
        s.quit()
        there = self.at_far(t)[0]
        results = there[:there.index(b"Received:")]
        self.assertRegex(there, b"Return-Path: <SRS0=.*=ann@near.test>")
        for what in (b"spf=pass", b"dkim=pass", b"arc=pass", b"dmarc=pass"):
            self.assertIn(what, results)
        self.assertNotIn(b"fail", results)


if __name__ == "__main__":
    unittest.main()
