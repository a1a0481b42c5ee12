"""REQUIRETLS and TLS-Required (RFC 8689), from a user to another Postern whose
zone is signed."""

import smtplib
import ssl
import unittest

import test_exchange
import test_mta_sts
from clients import token
from nameserver import NameServer, available
from test_exchange import inbox, wait_for


@unittest.skipUnless(available(), "not installed: nsd and ldnsutils")
class RequireTls(unittest.TestCase):
    between = test_exchange.Dane.between
    queued = test_exchange.Exchange.queued

    def submit(self, to, params=" REQUIRETLS", top=""):
        t = token() + "-"
        user = self.server.users[0]
        context = ssl.create_default_context(cafile=self.server.cafile)
        context.check_hostname = False
        s = smtplib.SMTP(self.server.host, self.server.ports["submission"],
                         timeout=60)
        s.ehlo()
        self.assertFalse(s.has_extn("requiretls"))
        s.starttls(context=context)
        s.ehlo()
        self.assertTrue(s.has_extn("requiretls"))
        s.login(user, self.server.password)
        self.assertEqual(
            s.docmd("MAIL FROM:<%s>%s" % (user, params))[0], 250)
        self.assertEqual(s.docmd("RCPT TO:<%s>" % to)[0], 250)
        self.assertEqual(s.data("%sFrom: %s\r\nSubject: %s\r\n\r\nText\r\n" % (
            top, user, t))[0], 250)
        s.quit()
        return t

    def test_only_in_secured_sessions(self):
        self.between(None)
        s = smtplib.SMTP(self.server.host, self.server.ports["submission"],
                         timeout=60)
        s.ehlo()
        s.login(self.server.users[0], self.server.password)
        code, text = s.docmd(
            "MAIL FROM:<%s> REQUIRETLS" % self.server.users[0])
        self.assertEqual((code, text[:5]), (555, b"5.5.4"))
        s.close()

    def test_it_is_carried_on(self):
        # The other server would be refused if it did not offer it, too.
        self.between(None)
        t = self.submit("friend@other.test")
        there = wait_for(
            lambda: inbox(self.other, self.other.users[0], t))
        self.assertIn(b"with ESMTPS", there[0])

    def test_the_notice_has_no_more_than_the_header(self):
        self.between(None)
        t = self.submit("nobody@other.test", " REQUIRETLS RET=FULL")
        back = wait_for(
            lambda: inbox(self.server, self.server.users[0], t))[0]
        self.assertIn(b"Action: failed", back)
        self.assertNotIn(b"\r\nText", back)
        t = self.submit("nobody@other.test", " RET=FULL")
        back = wait_for(
            lambda: inbox(self.server, self.server.users[0], t))[0]
        self.assertIn(b"\r\nText", back)

    def test_not_to_a_server_that_shows_nothing(self):
        self.between("00" * 32)
        t = self.submit("friend@other.test")
        answer = wait_for(lambda: [m["answer"] for m in self.queued()
                                   if m["answer"]])[0]
        self.assertIn("4.7.5", answer)
        self.assertEqual(inbox(self.other, self.other.users[0], t), [])

    def test_who_wants_none(self):
        # As one writes to a postmaster whose records are wrong. What was
        # opened for that serves nobody else.
        self.between("00" * 32)
        t = self.submit("friend@other.test", "", "TLS-Required: No\r\n")
        wait_for(lambda: inbox(self.other, self.other.users[0], t))
        u = self.submit("friend@other.test", "", "TLS-Required: Yes\r\n")
        answer = wait_for(lambda: [m["answer"] for m in self.queued()
                                   if m["answer"]])[0]
        self.assertIn("4.7.5", answer)
        self.assertEqual(inbox(self.other, self.other.users[0], u), [])


@unittest.skipUnless(available(), "not installed: nsd and ldnsutils")
class WithoutDnssec(unittest.TestCase):
    """The zone is not signed: MTA-STS has to confirm the server's name
    (section 4.2.1)."""
    between = test_mta_sts.MtaSts.between
    queued = test_exchange.Exchange.queued
    submit = RequireTls.submit

    def arrives(self, t):
        return wait_for(lambda: inbox(self.other, self.other.users[0], t))[0]

    def test_a_policy_names_the_server(self):
        self.between(test_mta_sts.policy())
        self.arrives(self.submit("friend@other.test"))

    def test_a_policy_under_test_names_the_server(self):
        self.between(test_mta_sts.policy(mode="testing"))
        self.arrives(self.submit("friend@other.test"))

    def test_nothing_names_the_server(self):
        self.between(test_mta_sts.policy(), records=())
        # The connection that this leaves open is none for the next.
        self.arrives(self.submit("friend@other.test", ""))
        t = self.submit("friend@other.test")
        answer = wait_for(lambda: [m["answer"] for m in self.queued()
                                   if m["answer"]])[0]
        self.assertIn("4.7.10", answer)
        self.assertIn("neither DNSSEC nor MTA-STS", answer)
        self.assertEqual(inbox(self.other, self.other.users[0], t), [])

    def test_a_domain_that_is_its_own_server(self):
        self.between(test_mta_sts.policy(), host="other.test", records=(),
                     other=["certificate.mx.names=other.test"])
        port = self.dns.port
        self.dns.stop()
        self.dns = NameServer({"other.test": ["@ A 127.0.0.1"]}, port=port)
        self.dns.start()
        self.arrives(self.submit("friend@other.test"))


if __name__ == "__main__":
    unittest.main()
