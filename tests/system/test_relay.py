"""Mail by the ways that blocks "relay" and "destination" say: a second Postern's
submission ports as a relay that wants a password."""

import os
import smtplib
import unittest

from clients import token
from nameserver import NameServer, available
from postern import Server
from test_exchange import ctl, inbox, wait_for


@unittest.skipUnless(available(), "not installed: nsd and ldnsutils")
class Relay(unittest.TestCase):
    """Both servers know the same users, so each may send as them."""

    def setUp(self):
        self.other = Server(users=2)
        self.other.start()
        self.addCleanup(self.other.clean)
        self.addCleanup(lambda: self.other.stop())
        ctl(self.other, "domain", "add", "other.test")
        ctl(self.other, "alias", "add", "friend@other.test",
            self.other.users[0])
        self.dns = NameServer({"other.test": [
            "@ MX 10 mx", "mx A 127.0.0.1"]})
        self.dns.start()
        self.addCleanup(self.dns.stop)
        self.server = Server(users=2, set=[
            "queue.enabled=true", "queue.ipv6=false", "log.level=debug",
            "queue.port=%d" % self.other.ports["smtp"],
            "queue.retry_first=1", "queue.retry_most=1",
            "queue.sleep_first=1", "queue.sleep_most=1",
            "dns.stubs=other.test=127.0.0.1@%d" % self.dns.port,
            "dns.validate=false"])
        self.addCleanup(self.server.clean)
        self.password_file = os.path.join(self.server.dir, "relay.password")
        self.write_password(self.other.password)

    def write_password(self, text, mode=0o600):
        with open(self.password_file, "w") as f:
            f.write(text + "\n")
        os.chmod(self.password_file, mode)

    def start(self, port, *more, ca=True):
        """With a relay for all mail, at a port of the other server."""
        if port is not None:
            self.server.set += [
                "relay.smart.host=[127.0.0.1]:%d" % self.other.ports[port],
                "relay.smart.username=" + self.other.users[0],
                "relay.smart.password_file=" + self.password_file,
                "destination.all.domains=*", "destination.all.relay=smart"]
        if ca:
            self.server.set.append("queue.ca_file=" + self.other.cafile)
        self.server.set += more
        self.server.start()
        self.addCleanup(lambda: self.server.stop())

    def send(self, sender=0):
        t = token() + "-"
        user = self.server.users[sender]
        s = smtplib.SMTP(self.server.host, self.server.ports["submission"],
                         timeout=60)
        s.login(user, self.server.password)
        s.sendmail(user, ["friend@other.test"],
                   "From: %s\r\nSubject: %s\r\n\r\nText\r\n" % (user, t))
        s.quit()
        return t

    def arrives(self, t):
        try:
            return wait_for(
                lambda: inbox(self.other, self.other.users[0], t))[0]
        except AssertionError:
            raise AssertionError(self.server.log())

    def answer(self):
        """Of the message that waits, once it has been tried."""
        return wait_for(lambda: [m["answer"] for m in ctl(
            self.server, "queue", "list") if m["answer"]])[0]

    def test_starttls_and_scram(self):
        self.start("submission")
        there = self.arrives(self.send())
        self.assertIn(b"with ESMTPSA", there)
        self.assertIn("mechanism=SCRAM-SHA-256-PLUS", self.server.log())

    def test_implicit_tls(self):
        self.start("submissions", "relay.smart.implicit_tls=true")
        there = self.arrives(self.send())
        self.assertIn(b"with ESMTPSA", there)

    def test_other_mechanisms(self):
        for mechanism in ("PLAIN", "LOGIN", "SCRAM-SHA-256"):
            self.server.set = [s for s in self.server.set if not
                               s.startswith(("relay.", "destination."))]
            self.start("submission", "relay.smart.mechanisms=" + mechanism)
            self.arrives(self.send())
            self.assertIn("mechanism=%s\n" % mechanism, self.server.log())
            self.server.stop()

    def test_a_wrong_password(self):
        self.write_password("something-else-77")
        self.start("submission")
        t = self.send()
        answer = self.answer()
        self.assertIn("4.7.8", answer)
        self.assertIn("535", answer)
        log = self.server.log()
        self.assertIn("relay-login", log)
        self.assertNotIn("something-else-77", log)
        # The right one, and read again: it goes.
        self.write_password(self.other.password)
        self.assertEqual(self.server.ctl("reload").returncode, 0)
        self.arrives(t)

    def test_a_password_for_everybody(self):
        self.write_password(self.other.password, 0o644)
        self.start("submission")
        self.send()
        self.assertIn("only its owner", self.answer())
        self.assertIn("relay-password", self.server.log())

    def test_a_certificate_of_nobody(self):
        self.start("submission", ca=False)
        self.send()
        self.assertIn("4.7.5", self.answer())
        self.assertNotIn("login", self.other.log())

    def test_a_certificate_for_another_name(self):
        self.start("submission", "relay.smart.names=else.test")
        self.send()
        self.assertIn("another name", self.answer())

    def test_by_sender(self):
        """One user by the relay, others to the mail servers, from an address
        and with a name of their own."""
        self.start("submission",
                   "destination.all.domains=",
                   "destination.all.senders=" + self.server_user(0),
                   "destination.more.source=127.0.0.5",
                   "destination.more.helo=out.example.test")
        there = self.arrives(self.send(0))
        self.assertIn(b"with ESMTPSA", there)
        there = self.arrives(self.send(1))
        self.assertIn(b"with ESMTPS\r\n", there)
        self.assertIn(b"from out.example.test", there)
        self.assertIn(b"[127.0.0.5]", there)

    def server_user(self, n):
        return "user%d@example.test" % (n + 1)

    def test_levels_of_tls(self):
        """What the destination wants of the mail server."""
        self.start(None, "destination.all.domains=other.test",
                   "destination.all.tls=verify")
        t = self.send()
        self.assertIn("another name", self.answer())
        self.server.stop()
        self.server.set.append("destination.all.names=localhost")
        self.server.start()
        self.assertIn(b"with ESMTPS", self.arrives(t))
        self.server.stop()
        self.server.set[-2:] = ["destination.all.tls=dane"]
        self.server.start()
        self.send()
        self.assertIn("no TLSA records", self.answer())
        self.server.stop()
        self.server.set[-1] = "destination.all.tls=none"
        self.server.start()
        self.assertIn(b"with ESMTP\r\n", self.arrives(self.send()))


if __name__ == "__main__":
    unittest.main()
