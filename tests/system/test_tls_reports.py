"""TLS reports (RFC 8460) of one server, that another one gets by mail and by
HTTPS."""

import email
import gzip
import json
import unittest

import test_mta_sts
from nameserver import available
from test_exchange import ctl, inbox, wait_for
from test_mta_sts import policy


@unittest.skipUnless(available(), "not installed: nsd and ldnsutils")
class TlsReports(unittest.TestCase):
    send = test_mta_sts.MtaSts.send
    arrives = test_mta_sts.MtaSts.arrives
    queued = test_mta_sts.MtaSts.queued
    between_servers = test_mta_sts.MtaSts.between

    def between(self, page, rua="mailto:friend@other.test", **keys):
        keys.setdefault("records", (
            "_mta-sts TXT \"v=STSv1; id=1;\"",
            "_smtp._tls TXT \"v=TLSRPTv1; rua=%s\"" % rua))
        self.between_servers(page, more=[
            "tls_reports.enabled=true", "tls_reports.interval=3",
            "tls_reports.organization=Here and Co"], **keys)

    def report(self):
        """The one that comes by mail: the message, and what is in it."""
        octets = wait_for(lambda: inbox(
            self.other, self.other.users[0], "Report Domain"), 60)[0]
        m = email.message_from_bytes(octets)
        part = [p for p in m.walk()
                if p.get_content_type() == "application/tlsrpt+gzip"][0]
        return m, json.loads(gzip.decompress(part.get_payload(decode=True)))

    def test_all_well(self):
        self.between(policy())
        self.arrives()
        m, r = self.report()
        self.assertEqual(m.get_content_type(), "multipart/report")
        self.assertEqual(m.get_param("report-type"), "tlsrpt")
        self.assertEqual(m["TLS-Report-Domain"], "other.test")
        self.assertEqual(m["TLS-Report-Submitter"], "mail.example.test")
        self.assertEqual(m["TLS-Required"], "No")
        self.assertEqual(m["From"], "postmaster@example.test")
        self.assertEqual(r["organization-name"], "Here and Co")
        self.assertEqual(len(r["policies"]), 1)
        p = r["policies"][0]
        self.assertEqual(p["policy"], {
            "policy-type": "sts", "policy-domain": "other.test",
            "policy-string": ["version: STSv1", "mode: enforce",
                              "mx: mx.other.test", "max_age: 86400"],
            "mx-host": ["mx.other.test"]})
        self.assertEqual(p["summary"], {
            "total-successful-session-count": 1,
            "total-failure-session-count": 0})

    def test_what_would_fail(self):
        """A policy that is only tried: mail arrives, and so does the report."""
        self.between(policy(mode="testing"), host="else.test")
        ctl(self.server, "dkim", "generate", "example.test", "now")
        self.arrives()
        m, r = self.report()
        self.assertIn("d=example.test", m["DKIM-Signature"])
        p = r["policies"][0]
        self.assertEqual(p["summary"]["total-failure-session-count"], 1)
        self.assertEqual(len(p["failure-details"]), 1)
        f = p["failure-details"][0]
        self.assertEqual(f["result-type"], "certificate-host-mismatch")
        self.assertEqual(f["receiving-mx-hostname"], "mx.other.test")
        self.assertEqual(f["receiving-ip"], "127.0.0.1")
        self.assertEqual(f["sending-mta-ip"], "127.0.0.1")
        self.assertEqual(f["failed-session-count"], 1)

    def test_no_policy_to_be_had(self):
        self.between((404, "text/plain", b""))
        self.arrives()
        r = self.report()[1]
        self.assertEqual(
            r["policies"][0]["failure-details"][0]["result-type"],
            "sts-policy-fetch-error")

    def test_by_https_and_over_a_restart(self):
        self.between(policy(mode="none"), rua="https://unknown.test/")
        self.server.stop()
        self.server.set.append("tls_reports.interval=20")
        self.server.start()
        self.arrives()
        self.server.stop()
        # Only now somebody says where it goes.
        port = self.dns.port
        self.dns.stop()
        self.dns = test_mta_sts.NameServer({"other.test": [
            r.replace("https://unknown.test/",
                      "https://mta-sts.other.test:%d/report" % self.web.port)
            for r in self.records]}, port=port)
        self.dns.start()
        self.server.start()
        path, header, octets = wait_for(lambda: self.web.posted, 60)[0]
        self.assertEqual(path, "/report")
        self.assertEqual(header["Content-Type"], "application/tlsrpt+gzip")
        r = json.loads(gzip.decompress(octets))
        self.assertEqual(r["policies"][0]["policy"]["policy-type"],
                         "no-policy-found")
        self.assertEqual(r["policies"][0]["summary"][
            "total-successful-session-count"], 1)


if __name__ == "__main__":
    unittest.main()
