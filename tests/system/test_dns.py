"""posternctl dns: what it shows is published with a real name server, where it
then finds everything fine, and each record that is broken."""
# Takes long.

import json
import re
import subprocess
import unittest

from clients import POSTERNCTL
from authority import Authority, WebServer
from nameserver import NameServer, available, find, free_port
from postern import Server
from test_exchange import ctl

PAGE = "/.well-known/mta-sts.txt"
HOST = "mail.example.test"
ADDRESS = "127.0.0.1"
ADDRESS6 = "2001:db8::25"


def run(server, *args):
    """Exit status, and the rows of --json."""
    p = subprocess.run(
        [POSTERNCTL, "--sandbox", server.dir, "--json"] + list(args)
        + ["--address", ADDRESS + "," + ADDRESS6],
        capture_output=True, text=True, timeout=120)
    return p.returncode, json.loads(p.stdout) if p.stdout else p.stderr


@unittest.skipUnless(available(), "not installed: nsd and ldnsutils")
class Dns(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.port = free_port()
        cls.ca = Authority()
        cls.web = WebServer(*cls.ca.issue("mta-sts.example.test"), {})
        cls.server = Server(users=1, set=[
            "queue.ipv6=false", "queue.ca_file=" + cls.ca.cafile,
            "queue.https_port=%d" % cls.web.port,
            "hostname=" + HOST,
            "listener.smtp.port=%d" % free_port(),
            "listener.submission.port=%d" % free_port(),
            "listener.imaps.port=%d" % free_port(),
            "listener.managesieve.port=%d" % free_port(),
            "dns.stubs=example.test=127.0.0.1@%d "
            "0.0.127.in-addr.arpa=127.0.0.1@%d "
            "8.b.d.0.1.0.0.2.ip6.arpa=127.0.0.1@%d"
            % (cls.port, cls.port, cls.port),
            "dns.root_key=", "dns.time=3"])
        cls.server.start()
        ctl(cls.server, "dkim", "generate", "example.test", "now")
        status, cls.rows = run(cls.server, "dns", "show", "example.test")
        assert status == 0, cls.rows
        cls.policy = [r["policy"] for r in cls.rows if "policy" in r][0]
        cls.serve(cls.policy)
        p = subprocess.run(
            [POSTERNCTL, "--sandbox", cls.server.dir, "dns", "show",
             "example.test", "--address", ADDRESS + "," + ADDRESS6],
            capture_output=True, text=True, timeout=60)
        assert p.returncode == 0, p.stderr
        cls.text = p.stdout

    @classmethod
    def serve(cls, policy, status=200, kind="text/plain"):
        cls.web.pages = {PAGE: (status, kind, policy.encode())}

    @classmethod
    def tearDownClass(cls):
        cls.web.stop()
        cls.ca.clean()
        cls.server.stop()
        cls.server.clean()

    def reverse(self, name=HOST):
        return {
            "0.0.127.in-addr.arpa": ["1 PTR %s." % name],
            "8.b.d.0.1.0.0.2.ip6.arpa": [
                "5.2.0.0%s PTR %s." % (".0" * 20, name)]}

    def believe(self, anchors):
        """posternctl reads the configuration anew each time."""
        path = self.server.dir + "/postern.conf"
        with open(path) as f:
            text = f.read()
        with open(path, "w") as f:
            f.write(re.sub(r"anchors = {[^}]*}", "anchors = { %s }" % (
                '"%s"' % anchors if anchors else ""), text))

    def check(self, lines=None, reverse=None, signed=("example.test",)):
        """What is found with such a zone."""
        zones = {"example.test": lines if lines is not None
                 else self.text.split("\n")}
        zones.update(reverse or self.reverse())
        with NameServer(zones, signed=signed, port=self.port) as dns:
            self.believe(dns.anchors if signed else "")
            return run(self.server, "dns", "check", "example.test")

    def broken(self, pattern, by, state, why, record, **more):
        """One line is changed (None: left out), and that is found, only."""
        lines, n = [], 0
        for line in self.text.split("\n"):
            if re.search(pattern, line) and not line.startswith(";"):
                n += 1
                if by is None:
                    continue
                line = by if isinstance(by, str) else by(line)
            lines.append(line)
        self.assertGreater(n, 0, pattern)
        status, rows = self.check(lines + more.pop("add", []), **more)
        found = [r for r in rows
                 if r["record"] == record and r["state"] == state]
        self.assertTrue(found, rows)
        self.assertIn(why, " ".join(r["why"] for r in found))
        if state != "missing" or found[0]["needed"]:
            self.assertEqual(status, 1)
        return rows

    def test_what_is_shown_is_fine(self):
        kinds = {r["record"] for r in self.rows}
        self.assertEqual(kinds, {
            "address", "MX", "SPF", "DKIM", "DMARC", "TLSA", "MTA-STS",
            "TLSRPT", "SRV", "autoconfig", "PTR"})
        self.assertEqual(
            len([r for r in self.rows if r["record"] == "DKIM"]), 2)
        # The key of rsa is longer than one string of a TXT record.
        self.assertRegex(self.text, r'IN TXT +\( "[^"]{255}" "')
        status, rows = self.check()
        self.assertEqual([r for r in rows if r["state"] != "fine"], [])
        self.assertEqual(status, 0)
        self.assertEqual(len(rows), len(self.rows))

    def test_the_zone_file_is_one_for_others(self):
        dns = NameServer({"example.test": self.text.split("\n")})
        path = dns.write_zone("example.test")
        self.addCleanup(dns.stop)
        for tool, args in (("ldns-read-zone", [path]),
                           ("named-checkzone", ["example.test", path])):
            if find(tool) is not None:
                p = subprocess.run([find(tool)] + args, capture_output=True,
                                   text=True)
                self.assertEqual(p.returncode, 0, p.stdout + p.stderr)

    def test_tlsa_is_what_openssl_says(self):
        from test_exchange import fingerprint
        self.assertIn("3 1 1 " + fingerprint(self.server.cafile), self.text)

    def test_nothing_is_there(self):
        status, rows = self.check([])
        self.assertEqual(status, 1)
        for row in rows:
            if row["record"] not in ("SRV", "PTR"):
                self.assertEqual(row["state"], "missing", row)

    def test_no_name_server(self):
        self.believe("")
        status, rows = run(self.server, "dns", "check", "example.test")
        self.assertEqual(status, 1)
        self.assertEqual({r["state"] for r in rows}, {"unknown"})

    def test_mx(self):
        self.broken(r" IN MX ", None, "missing", "", "MX")
        self.broken(r" IN MX ", "@ MX 10 other", "wrong", "another host",
                    "MX", add=["other A 192.0.2.77"])
        self.broken(r" IN MX ", "@ MX 10 alias", "wrong", "is a CNAME", "MX",
                    add=["alias CNAME mail"])
        self.broken(r" IN MX ", "@ MX 0 .", "wrong", "takes no mail", "MX")
        self.broken(r" IN MX ", "@ MX 10 nothing", "wrong", "no address",
                    "MX")

    def test_addresses(self):
        self.broken(r" IN A ", "mail A 192.0.2.26", "wrong", "another host",
                    "address")
        self.broken(r" IN AAAA ", None, "missing", "", "address")
        self.broken(r" IN A ", lambda l: l, "wrong", "192.0.2.77 is there",
                    "address", add=["mail A 192.0.2.77"])

    def test_pointers(self):
        rows = self.check(reverse=self.reverse("other.example.test"))[1]
        self.assertEqual([r["state"] for r in rows if r["record"] == "PTR"],
                         ["wrong", "wrong"])
        self.broken(r" IN A ", "mail A 192.0.2.26", "wrong", "not back",
                    "PTR")

    def test_spf(self):
        spf = r'^example\.test\. .*"v=spf1'
        self.broken(spf, None, "missing", "", "SPF")
        self.broken(spf, '@ TXT "v=spf1 ip4:192.0.2.77 -all"', "wrong",
                    "127.0.0.1 it says fail", "SPF")
        self.broken(spf, '@ TXT "v=spf1 mx +all"', "wrong", "+all", "SPF")
        self.broken(spf, '@ TXT "v=spf1 mxx -all"', "wrong",
                    'syntax error at "mxx', "SPF")
        self.broken(spf, lambda l: l, "wrong", "2 such records", "SPF",
                    add=['@ TXT "v=spf1 -all"'])
        many = ['i%d TXT "v=spf1 a:mail.example.test -all"' % i
                for i in range(6)]
        self.broken(spf, '@ TXT "v=spf1 mx %s -all"' % " ".join(
            "include:i%d.example.test" % i for i in range(6)), "wrong",
            "13 look-ups", "SPF", add=many)

    def test_dkim(self):
        self.broken(r"k=ed25519", None, "missing", "", "DKIM")
        self.broken(r"k=ed25519", lambda l: re.sub(
            r"p=[A-Za-z0-9+/=]+", "p=" + "A" * 43 + "=", l), "wrong",
            "another key", "DKIM")
        self.broken(r"k=rsa", lambda l: l.replace("k=rsa", "t=y"),
                    "wrong", "t=y", "DKIM")
        self.broken(r"k=ed25519", lambda l: re.sub(
            r"p=[A-Za-z0-9+/=]+", "p=", l), "wrong", "revoked", "DKIM")

    def test_dmarc(self):
        self.broken(r"v=DMARC1", None, "missing", "", "DMARC")
        self.broken(r"v=DMARC1", '_dmarc TXT "v=DMARC1; p=quarantin"',
                    "wrong", "expected p=none", "DMARC")
        self.broken(r"v=DMARC1", '_dmarc TXT "v=DMARC1; p reject"',
                    "wrong", "syntax", "DMARC")
        self.broken(r"v=DMARC1", lambda l: l, "wrong", "2 such records",
                    "DMARC", add=['_dmarc TXT "v=DMARC1; p=none"'])
        self.broken(r"v=DMARC1",
                    '_dmarc TXT "v=DMARC1; p=none; rua=postmaster@x.test"',
                    "wrong", "mailto:", "DMARC")

    def test_tlsa(self):
        self.broken(r" IN TLSA ", lambda l: re.sub(
            r"[0-9a-f]{64}", "0" * 64, l), "wrong", "does not fit", "TLSA")
        self.broken(r" IN TLSA ", None, "missing", "", "TLSA")
        self.broken(r" IN TLSA ", lambda l: l, "wrong", "not signed", "TLSA",
                    signed=())

    def test_the_zone_is_broken(self):
        zones = {"example.test": self.text.split("\n")}
        status, rows = self.check(
            [l.replace("p=quarantine", "p=quarantine; x=genuine")
             for l in zones["example.test"]])
        self.assertEqual(status, 0)
        with NameServer({"example.test": [
                l.replace("p=quarantine", "p=quarantine; x=genuine")
                for l in zones["example.test"]], **self.reverse()},
                broken=("example.test",), port=self.port) as dns:
            self.believe(dns.anchors)
            status, rows = run(self.server, "dns", "check", "example.test")
        self.assertEqual(status, 1)
        dmarc = [r for r in rows if r["record"] == "DMARC"][0]
        self.assertEqual(dmarc["state"], "wrong")
        self.assertIn("DNSSEC", dmarc["why"])

    def test_policies_and_reports_of_tls(self):
        self.broken(r"v=STSv1", '_mta-sts TXT "v=STSv1; id=a-b"', "wrong",
                    "expected id=", "MTA-STS")
        self.broken(r"v=STSv1", None, "missing", "", "MTA-STS")
        self.broken(r"v=TLSRPTv1", '_smtp._tls TXT "v=TLSRPTv1; rua=me"',
                    "wrong", "expected rua=", "TLSRPT")
        self.broken(r"^mta-sts", "mta-sts CNAME nowhere", "wrong",
                    "leads nowhere", "MTA-STS")

    def test_the_policy_itself(self):
        self.addCleanup(self.serve, self.policy)
        for page, why in (
                ((self.policy.replace(HOST, "mx.other.test"),),
                 "does not name the mail server"),
                (("version: STSv1\r\n",), "no policy"),
                (("", 404), "status 404"),
                ((self.policy, 200, "text/html"), "not text/plain")):
            self.serve(*page)
            self.broken(r"v=STSv1", lambda l: l, "wrong", why, "MTA-STS")
        self.serve(self.policy)
        self.broken(r"^mta-sts", "mta-sts A 127.0.0.2", "wrong",
                    "cannot be fetched", "MTA-STS")
        web = WebServer(*self.ca.issue("www.example.test"),
                        {PAGE: (200, "text/plain", self.policy.encode())})
        self.addCleanup(web.stop)
        with open(self.server.dir + "/postern.conf") as f:
            text = f.read()
        with open(self.server.dir + "/postern.conf", "w") as f:
            f.write(text.replace("https_port = %d" % self.web.port,
                                 "https_port = %d" % web.port))
        self.broken(r"v=STSv1", lambda l: l, "wrong", "no right certificate",
                    "MTA-STS")
        with open(self.server.dir + "/postern.conf", "w") as f:
            f.write(text)

    def test_services(self):
        self.broken(r"^_imaps\._tcp", "_imaps._tcp SRV 0 1 1 mail", "wrong",
                    "another host or port", "SRV")
        self.broken(r"^_pop3s\._tcp.* \.$", "_pop3s._tcp SRV 0 1 995 mail",
                    "wrong", "does not offer", "SRV")
        self.broken(r"^_sieve\._tcp", "_sieve._tcp SRV 0 1 1 mail", "wrong",
                    "another host or port", "SRV")
        self.broken(r"^autoconfig", None, "missing", "", "autoconfig")

    def test_other_domains(self):
        self.assertEqual(run(self.server, "dns", "show", "else.test")[0], 3)
        self.assertEqual(run(self.server, "dns", "show", "not a name")[0], 2)
        ctl(self.server, "domain", "add", "second.test")
        status, rows = run(self.server, "dns", "show", "second.test")
        self.assertEqual(status, 0)
        for row in rows:
            self.assertEqual(row["elsewhere"], not re.search(
                r"(^|\.)second\.test$", row["name"]), row)


if __name__ == "__main__":
    unittest.main()
