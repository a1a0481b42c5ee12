"""MTA-STS (RFC 8461): a policy by HTTPS, and mail servers that keep it or do
not."""

import unittest

from authority import Authority, WebServer
from nameserver import NameServer, available
from postern import Server
import test_exchange
from test_exchange import ctl, inbox, wait_for

PAGE = "/.well-known/mta-sts.txt"


def policy(mode="enforce", mx="mx.other.test", max_age=86400):
    return (200, "text/plain; charset=utf-8",
            b"version: STSv1\r\nmode: %s\r\nmx: %s\r\nmax_age: %d\r\n" % (
                mode.encode(), mx.encode(), max_age))


@unittest.skipUnless(available(), "not installed: nsd and ldnsutils")
class MtaSts(unittest.TestCase):
    send = test_exchange.Exchange.send
    queued = test_exchange.Exchange.queued

    def between(self, page, host="mx.other.test", web="mta-sts.other.test",
                records=("_mta-sts TXT \"v=STSv1; id=1;\"",), more=(),
                other=(), signed=()):
        """Two servers: the second one's certificate is for `host`, that of its
        web server for `web`."""
        self.ca = Authority()
        self.addCleanup(self.ca.clean)
        certificate, key = self.ca.issue(host)
        self.other = Server(users=1, set=[
            "certificate.mx.certificate=" + certificate,
            "certificate.mx.key=" + key,
            "certificate.mx.names=mx.other.test"] + list(other))
        self.other.start()
        self.addCleanup(self.other.clean)
        self.addCleanup(lambda: self.other.stop())
        ctl(self.other, "domain", "add", "other.test")
        ctl(self.other, "alias", "add", "friend@other.test",
            self.other.users[0])
        self.web = WebServer(*self.ca.issue(web), {PAGE: page})
        self.addCleanup(lambda: self.web.stop())
        self.records = ["@ MX 10 mx", "mx A 127.0.0.1",
                        "mta-sts A 127.0.0.1"] + list(records)
        if signed:
            self.records.append("_%d._tcp.mx TLSA 3 1 1 %s" % (
                self.other.ports["smtp"],
                test_exchange.fingerprint(certificate)))
        self.dns = NameServer({"other.test": self.records}, signed=signed)
        self.dns.start()
        self.addCleanup(lambda: self.dns.stop())
        self.server = Server(users=1, set=[
            "queue.enabled=true", "queue.ipv6=false",
            "queue.port=%d" % self.other.ports["smtp"],
            "queue.https_port=%d" % self.web.port,
            "queue.ca_file=" + self.ca.cafile,
            "queue.retry_first=1", "queue.retry_most=1",
            "queue.sleep_first=1", "queue.sleep_most=1",
            "dns.stubs=other.test=127.0.0.1@%d" % self.dns.port,
            "dns.validate=" + ("true" if signed else "false")] + list(more))
        if signed:
            self.server.set += ["dns.anchors=" + self.dns.anchors,
                                "dns.root_key="]
        self.server.start()
        self.addCleanup(self.server.clean)
        self.addCleanup(lambda: self.server.stop())

    def arrives(self, t=None):
        t = t or self.send(["friend@other.test"])
        try:
            return wait_for(
                lambda: inbox(self.other, self.other.users[0], t))[0]
        except AssertionError:
            raise AssertionError(self.server.log())

    def answer(self):
        """Why the message waits that is sent now."""
        self.send(["friend@other.test"])
        answer = wait_for(lambda: [m["answer"] for m in self.queued()
                                   if m["answer"]])[0]
        return answer

    def test_as_it_should_be(self):
        self.between(policy(), more=["queue.idle_connections=0"])
        self.assertIn(b"with ESMTPS", self.arrives())
        self.assertIn("mta-sts domain=other.test mode=enforce id=1",
                      self.server.log())
        # Asked once, for all that goes there.
        self.arrives()
        self.assertEqual(self.web.asked, [PAGE])
        # By a new connection, that took up the session of the first.
        self.assertEqual(self.server.log().count(" resumed\" "), 1)

    def test_a_session_is_no_proof(self):
        """One that was begun without a look at the certificate."""
        self.between(policy(mode="none"), host="else.test",
                     more=["queue.idle_connections=0"],
                     records=["_mta-sts 1 TXT \"v=STSv1; id=1;\""])
        self.arrives()
        self.arrives()
        self.assertEqual(self.server.log().count(" resumed\" "), 1)
        port = self.dns.port
        self.dns.stop()
        self.dns = NameServer({"other.test": [
            r.replace("id=1", "id=2") for r in self.records]}, port=port)
        self.dns.start()
        self.web.pages[PAGE] = policy()
        answer = self.answer_until("another name")
        self.assertIn("4.7.5", answer)

    def answer_until(self, text):
        """The record is remembered for the time that the zone tells."""
        def look():
            if not self.queued():
                self.send(["friend@other.test"])
            return [m["answer"] for m in self.queued()
                    if text in (m["answer"] or "")]
        return wait_for(look, 90)[0]

    def test_another_certificate(self):
        self.between(policy(), host="else.test")
        answer = self.answer()
        self.assertIn("4.7.5", answer)
        self.assertIn("another name", answer)

    def test_another_authority(self):
        self.between(policy(), other=["certificate.mx.names=unused.test"])
        answer = self.answer()
        self.assertIn("4.7.5", answer)

    def test_another_mail_server(self):
        self.between(policy(mx="*.else.test"))
        answer = self.answer()
        self.assertIn("4.7.5", answer)
        self.assertIn("does not name the mail server mx.other.test", answer)

    def test_no_tls(self):
        self.between(policy(), other=["listener.smtp.tls=none"])
        self.assertIn("4.7.4", self.answer())

    def test_only_for_a_try(self):
        for mode in ("testing", "none"):
            with self.subTest(mode):
                self.between(policy(mode=mode, mx="else.test"),
                             host="else.test")
                self.assertIn(b"with ESMTPS", self.arrives())
                self.doCleanups()

    def test_no_policy_where_one_should_be(self):
        """Then mail goes as it would without (RFC 8461, 3.3)."""
        good = policy()
        for page, why in (
                ((404, "text/plain", b""), "HTTP status 404"),
                ((302, "text/plain", b"https://mta-sts.other.test/"),
                 "HTTP status 302"),
                ((200, "text/html", good[2]), "not text/plain"),
                ((200, "text/plain", b"version: STSv2\r\n"),
                 "another version"),
                ((200, "text/plain", good[2] + b"x: y\r\n" * 20000),
                 "too large")):
            with self.subTest(why):
                self.between(page, host="else.test")
                self.arrives()
                self.assertIn("mta-sts-failed", self.server.log())
                self.assertIn(why, self.server.log())
                self.doCleanups()

    def test_a_web_server_of_somebody_else(self):
        self.between(policy(), web="else.test", host="else.test")
        self.arrives()
        self.assertIn("mta-sts-failed", self.server.log())

    def test_it_outlives_a_restart_and_its_record(self):
        """What was known holds, whoever takes the record away."""
        self.between(policy(), host="else.test")
        self.assertIn("another name", self.answer())
        self.server.stop()
        self.web.pages.clear()
        port = self.dns.port
        self.dns.stop()
        self.dns = NameServer({"other.test": [
            r for r in self.records if "_mta-sts" not in r]}, port=port)
        self.dns.start()
        self.server.start()
        self.assertIn("another name", self.answer())

    def test_a_new_policy(self):
        """A new id is a new policy, and the old one holds until it is here."""
        self.between(policy(mx="else.test"))
        self.assertIn("does not name", self.answer())
        self.server.stop()
        port = self.dns.port
        self.dns.stop()
        self.dns = NameServer({"other.test": [
            r.replace("id=1", "id=2") for r in self.records]}, port=port)
        self.dns.start()
        self.web.pages[PAGE] = (500, "text/plain", b"")
        self.server.start()
        self.assertIn("does not name", self.answer())
        self.server.stop()
        self.web.pages[PAGE] = policy()
        self.server.start()
        self.arrives()
        wait_for(lambda: self.queued() == [])

    def test_dane_goes_before_it(self):
        self.between(policy(mx="else.test"), host="else.test",
                     signed=["other.test"])
        self.assertIn(b"with ESMTPS", self.arrives())

    def test_switched_off(self):
        self.between(policy(mx="else.test"), more=["queue.mta_sts=false"])
        self.arrives()
        self.assertEqual(self.web.asked, [])


if __name__ == "__main__":
    unittest.main()
