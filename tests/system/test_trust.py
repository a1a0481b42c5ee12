"""Mail from elsewhere, checked with a real name server: SPF, DKIM, ARC, DMARC,
what is written on top, and what becomes of it. The signatures are made by
dkimpy."""
# Takes long.

import base64
import concurrent.futures
import json
import os
import shutil
import socket
import subprocess
import tempfile
import unittest

from clients import SLOW, Case, Server, token, wait_for, wire
from nameserver import NameServer, available, free_port, txt

DKIMPY = """
import base64, dkim, json, sys
j = json.load(sys.stdin)
m = base64.b64decode(j["message"])
key = j["key"].encode()
if j["arc"]:
    m = "".join("Authentication-Results: %s; %s\\r\\n" % (j["domain"], r)
                for r in [j["arc"]]).encode() + m
    fields = dkim.ARC(m).sign(j["selector"].encode(), j["domain"].encode(),
                              key, j["domain"].encode())
    m = b"".join(fields) + m.split(b"\\r\\n", 1)[1]
else:
    m = dkim.sign(m, j["selector"].encode(), j["domain"].encode(), key,
                  canonicalize=tuple(c.encode() for c in j["canon"]),
                  length=j["length"],
                  signature_algorithm=j["algorithm"].encode()) + m
sys.stdout.write(base64.b64encode(m).decode())
"""
# The seed of an Ed25519 key, and what belongs to it (RFC 8463, A).
SEED = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
ED25519 = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="


def has_tools():
    return available() and shutil.which("openssl") and subprocess.run(
        ["/usr/bin/python3", "-I", "-c", "import dkim, nacl"],
        capture_output=True).returncode == 0


def openssl(*args):
    return subprocess.run(("openssl",) + args, check=True,
                          capture_output=True).stdout


def rsa_key(bits):
    """A private key as PEM, and its record."""
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "key")
        openssl("genrsa", "-traditional", "-out", path, str(bits))
        with open(path) as f:
            pem = f.read()
        der = openssl("rsa", "-in", path, "-pubout", "-outform", "DER")
    return pem, "v=DKIM1; k=rsa; p=" + base64.b64encode(der).decode()


names = None
dead_port = None
key = None


def setUpModule():
    global names, dead_port, key
    if not has_tools():
        raise unittest.SkipTest("not installed: nsd, ldnsutils, dkimpy")
    key, record = rsa_key(2048)
    dead_port = free_port()
    keys = ["s1._domainkey TXT " + txt(record),
            "s2._domainkey TXT " + txt(ED25519)]

    def dmarc(policy):
        return ["_dmarc TXT " + txt("v=DMARC1; p=" + policy)]

    def spf(text):
        return ["@ TXT " + txt("v=spf1 " + text)]
    names = NameServer({
        "pass.example": spf("ip4:127.0.0.1 -all") + keys + dmarc("reject"),
        "fail.example": spf("-all exp=why.fail.example") + [
            'why TXT "%{i} may not send for %{d}"'] + keys,
        "soft.example": spf("~all"),
        "neutral.example": spf("?all"),
        "none.example": keys,
        "wrong.example": spf("what"),
        "reject.example": spf("-all") + keys + dmarc("reject"),
        "quarantine.example": spf("-all") + keys + dmarc("quarantine"),
        "gone.example": ["s1._domainkey TXT " + txt("v=DKIM1; p=")],
        "large.example": spf("include:many.large.example -all") + [
            "many TXT " + txt("v=spf1 " + " ".join(
                "ip4:10.0.%d.0/24" % i for i in range(200)) +
                " ip4:127.0.0.1")],
        "secure.example": spf("ip4:127.0.0.1 -all") + [
            "x TXT " + txt("genuine")] + keys + dmarc("reject"),
        "broken.example": ["@ TXT " + txt("v=spf1 genuine +all")],
    }, signed=["secure.example"], broken=["broken.example"]).start()


def tearDownModule():
    if names is not None:
        names.stop()


class Trust(Case):
    policy = ()

    @classmethod
    def setUpClass(cls):
        stubs = names.stubs() + " dead.example=127.0.0.1@%d" % dead_port
        cls.settings = ("trust.check=true", "trust.exempt=",
                        "dns.stubs=" + stubs, "dns.root_key=",
                        "dns.anchors=" + names.anchors,
                        "dns.time=%d" % SLOW) + tuple(cls.policy)
        super().setUpClass()

    def talk(self):
        s = socket.create_connection(
            (self.server.host, self.server.ports["smtp"]), 60 * SLOW)
        self.addCleanup(s.close)
        f = s.makefile("rb")
        self.addCleanup(f.close)
        self.reply(f)
        return s, f

    def reply(self, f):
        while True:
            line = f.readline().decode()
            self.assertTrue(line.endswith("\r\n"), line)
            if line[3:4] != "-":
                return line.rstrip()

    def send(self, message, sender, to=0, helo="pass.example"):
        """The reply to the content."""
        s, f = self.talk()
        for line in ("EHLO " + helo, "MAIL FROM:<%s>" % sender,
                     "RCPT TO:<%s>" % self.server.users[to], "DATA"):
            s.sendall(line.encode() + b"\r\n")
            reply = self.reply(f)
            self.assertIn(reply[0], "23", reply)
        s.sendall(message.replace(b"\r\n.", b"\r\n..") + b".\r\nQUIT\r\n")
        reply = self.reply(f)
        self.assertEqual(self.reply(f)[:3], "221")
        return reply

    def message(self, author, body="Some text.\n", extra=""):
        self.token = token()
        return wire("From: Ann <ann@%s>\nTo: b@example.org\nSubject: %s\n"
                    "Date: Mon, 30 Nov 2026 09:00:00 +0000\n"
                    "Message-ID: <%s@x.example>\n%s\n%s" % (
                        author, self.token, self.token, extra, body))

    def sign(self, message, domain, selector="s1", length=False, arc="",
             canon=("relaxed", "relaxed"), pem=None):
        p = subprocess.run(
            ["/usr/bin/python3", "-I", "-c", DKIMPY], check=True,
            capture_output=True, text=True, input=json.dumps({
                "message": base64.b64encode(message).decode(), "arc": arc,
                "key": SEED if selector == "s2" else pem or key,
                "algorithm": "ed25519-sha256" if selector == "s2"
                else "rsa-sha256", "canon": canon, "length": length,
                "domain": domain, "selector": selector}))
        return base64.b64decode(p.stdout)

    def delivered(self, box="INBOX"):
        return self.with_token(self.token, box=box)

    def results(self, box="INBOX"):
        """Authentication-Results of the message that was sent last, without
        folds."""
        m = self.delivered(box).decode(errors="replace")
        head, _, rest = m.partition("\r\n")
        self.assertTrue(head.startswith("Return-Path:"), head)
        self.assertTrue(rest.startswith(
            "Authentication-Results: mail.example.test;"), rest[:200])
        field = rest.split("\r\nReceived:")[0]
        return " ".join(field.split())

    def check(self, message, sender, *wanted, box="INBOX", helo="pass.example"):
        reply = self.send(message, sender, helo=helo)
        self.assertEqual(reply[:4], "250 ", reply)
        found = self.results(box)
        for one in wanted:
            self.assertIn(one, found)
        return found


class Noted(Trust):
    """trust.dmarc = note, the default."""

    def test_spf(self):
        for domain, result in (
                ("pass.example", "pass"), ("fail.example", "fail"),
                ("soft.example", "softfail"), ("neutral.example", "neutral"),
                ("none.example", "none"), ("wrong.example", "permerror"),
                ("dead.example", "temperror"), ("broken.example", "temperror"),
                ("secure.example", "pass"), ("large.example", "pass")):
            with self.subTest(domain):
                self.check(self.message("none.example"), "ann@" + domain,
                           "spf=" + result, "smtp.mailfrom=ann@" + domain)

    def test_a_sender_that_is_nobody(self):
        self.check(self.message("none.example"), "", "spf=pass",
                   "smtp.helo=pass.example")
        self.check(self.message("none.example"), "", "spf=fail",
                   "smtp.helo=fail.example", helo="fail.example")
        self.assertNotIn("spf=", self.check(
            self.message("none.example"), "", helo="[127.0.0.1]"))

    def test_senders_with_strange_names(self):
        found = self.check(self.message("none.example"),
                           '"a; spf=pass"@fail.example', "spf=fail",
                           "smtp.mailfrom=fail.example")
        self.assertNotIn("spf=pass", found)

    def test_dkim(self):
        for selector, algorithm in (("s1", "rsa"), ("s2", "ed25519")):
            for canon in (("relaxed", "relaxed"), ("simple", "simple"),
                          ("relaxed", "simple")):
                with self.subTest((selector, canon)):
                    m = self.sign(self.message(
                        "none.example", " a  b \n\n.dot\n\n\n"),
                        "none.example", selector, canon=canon)
                    self.check(m, "a@soft.example", "dkim=pass",
                               "header.d=none.example header.s=" + selector,
                               "header.a=%s-sha256" % algorithm)
        self.check(self.message("none.example"), "a@soft.example",
                   "dkim=none")

    def test_dkim_that_fails(self):
        m = self.sign(self.message("none.example"), "none.example")
        self.check(m + b"P.S.\r\n", "a@soft.example", "dkim=fail "
                   'reason="the body was changed"')
        m = self.sign(self.message("none.example"), "none.example")
        self.check(m.replace(b"From: Ann", b"From: Eve"), "a@soft.example",
                   'dkim=fail reason="the signature does not match"')
        m = self.sign(self.message("none.example"), "none.example", "s9")
        self.check(m, "a@soft.example",
                   'dkim=permerror reason="there is no key"')
        m = self.sign(self.message("gone.example"), "gone.example")
        self.check(m, "a@soft.example",
                   'dkim=permerror reason="the key is revoked"')
        m = self.sign(self.message("dead.example"), "dead.example")
        self.check(m, "a@soft.example", "dkim=temperror", "dmarc=temperror")
        m = self.sign(self.message("none.example"), "none.example",
                      length=True)
        self.check(m + b"more\r\n", "a@soft.example", "dkim=policy")
        other, _ = rsa_key(1024)
        m = self.sign(self.message("none.example"), "none.example", pem=other)
        self.check(m, "a@soft.example", "dkim=fail")

    def test_many_signatures(self):
        m = self.message("none.example")
        for _ in range(12):
            m = self.sign(m, "none.example", "s2")
        found = self.check(m, "a@soft.example", "(2 more were not verified)")
        self.assertEqual(found.count("dkim=pass"), 10)

    def test_dmarc(self):
        self.check(self.message("pass.example"), "a@pass.example",
                   "dmarc=pass (p=reject dis=none) header.from=pass.example")
        self.check(self.message("secure.example"), "a@secure.example",
                   "dmarc=pass")
        m = self.sign(self.message("reject.example"), "reject.example")
        self.check(m, "a@soft.example", "dmarc=pass")
        self.check(self.message("reject.example"), "a@pass.example",
                   "dmarc=fail (p=reject dis=none)")
        self.check(self.message("sub.reject.example"), "a@pass.example",
                   "dmarc=fail (p=reject dis=none) "
                   "header.from=sub.reject.example")
        self.check(self.message("none.example"), "a@pass.example",
                   "dmarc=none header.from=none.example")
        self.check(self.message("dead.example"), "a@pass.example",
                   "dmarc=temperror")
        self.assertIn("action=accept", self.server.log())

    def test_forged_results_are_taken_out(self):
        m = self.message("none.example", extra=(
            "Authentication-Results: mail.example.test; spf=pass (forged)\n"
            "authentication-results: (x) MAIL.example.test\n\t; forged\n"
            "Authentication-Results: other.example; dkim=pass\n"))
        self.check(m, "a@fail.example", "spf=fail")
        self.assertNotIn(b"forged", self.delivered())
        self.assertIn(b"other.example; dkim=pass", self.delivered())

    def test_a_large_message(self):
        m = self.sign(self.message("none.example", "line\n" * 400000),
                      "none.example")
        self.check(m, "a@soft.example", "dkim=pass")
        self.assertEqual(len(self.delivered().split(b"\r\n\r\n", 1)[1]),
                         6 * 400000)

    def test_chunks(self):
        m = self.sign(self.message("none.example"), "none.example")
        s, f = self.talk()
        s.sendall(b"EHLO pass.example\r\nMAIL FROM:<a@pass.example>\r\n"
                  b"RCPT TO:<%s>\r\nBDAT 100\r\n%sBDAT %d\r\n%s"
                  b"BDAT 0 LAST\r\nNOOP\r\n" % (
                      self.server.users[0].encode(), m[:100], len(m) - 100,
                      m[100:]))
        self.assertEqual([self.reply(f)[:3] for _ in range(7)], ["250"] * 7)
        self.assertIn("dkim=pass", self.results())

    def test_who_leaves_while_we_look(self):
        for _ in range(3):
            s, f = self.talk()
            s.sendall(b"EHLO x\r\nMAIL FROM:<a@dead.example>\r\n"
                      b"RCPT TO:<%s>\r\nDATA\r\n" %
                      self.server.users[0].encode())
            self.assertEqual([self.reply(f)[:1] for _ in range(4)],
                             ["2", "2", "2", "3"])
            s.sendall(self.message("dead.example") + b".\r\n")
            f.close()
            s.close()
        self.check(self.message("none.example"), "a@pass.example", "spf=pass")

    def test_arc(self):
        m = self.message("reject.example")
        for domain in ("pass.example", "none.example"):
            m = self.sign(m, domain, arc="spf=pass; arc=" + (
                "none" if domain == "pass.example" else "pass"))
        self.check(m, "a@pass.example", "arc=pass (i=2)")
        m = self.message("reject.example")
        m = self.sign(m, "pass.example", arc="spf=pass; arc=none")
        self.check(m + b"x\r\n", "a@pass.example",
                   'arc=fail reason="the body was changed"')
        self.check(self.message("none.example"), "a@pass.example", "arc=none")


class Junked(Trust):
    policy = ("trust.dmarc=junk",)

    def test_failures_go_to_junk(self):
        for domain in ("reject.example", "quarantine.example"):
            self.check(self.message(domain), "a@pass.example",
                       "dmarc=fail", "dis=quarantine", box="Junk")
        c = self.login()
        c.ok("EXAMINE Junk")
        self.assertIn(b"$Junk", b"".join(c.ok("FETCH 1:* FLAGS")))
        self.check(self.message("pass.example"), "a@pass.example",
                   "dmarc=pass")
        self.check(self.message("dead.example"), "a@pass.example",
                   "dmarc=temperror")


class Rejected(Trust):
    policy = ("trust.dmarc=reject", "trust.spf=reject",
              "trust.arc_trusted=pass.example", "limits.header_size=8K")

    def test_dmarc(self):
        reply = self.send(self.message("reject.example"), "a@pass.example")
        self.assertRegex(reply, r"^550 5\.7\.1 The policy of reject\.example "
                         r"\(DMARC\) refuses")
        self.assertIn("action=reject", self.server.log())
        self.check(self.message("quarantine.example"), "a@pass.example",
                   "dmarc=fail", box="Junk")
        m = self.sign(self.message("reject.example"), "reject.example")
        self.check(m, "a@pass.example", "dmarc=pass")
        reply = self.send(m + b"changed\r\n", "a@pass.example")
        self.assertEqual(reply[:9], "550 5.7.1")
        # From two places, and hidden behind the line of an mbox.
        m = self.message("pass.example", extra="From: b@reject.example\n")
        self.assertEqual(self.send(m, "a@pass.example")[:9], "550 5.7.1")
        m = b"From x Mon\r\n" + self.message("reject.example")
        self.assertEqual(self.send(m, "a@pass.example")[:9], "550 5.7.1")

    def test_nothing_is_refused_because_the_dns_fails(self):
        self.check(self.message("dead.example"), "a@dead.example",
                   "spf=temperror", "dmarc=temperror")

    def test_spf(self):
        reply = self.send(self.message("none.example"), "a@fail.example")
        self.assertRegex(reply, r"^550 5\.7\.23 fail\.example does not let "
                         r"127\.0\.0\.1 send its mail \(SPF\); it says: "
                         r"127\.0\.0\.1 may not send for fail\.example$")
        self.check(self.message("none.example"), "a@soft.example",
                   "spf=softfail")

    def test_a_header_that_is_too_large(self):
        m = self.message("reject.example", extra="X: y\n" * 3000)
        self.assertEqual(self.send(m, "a@pass.example")[:9], "552 5.3.4")

    def test_who_is_trusted_vouches(self):
        m = self.sign(self.message("reject.example"), "pass.example",
                      arc="spf=pass; dkim=pass; arc=none")
        self.check(m, "a@pass.example", "arc=pass",
                   "dmarc=fail (p=reject dis=none, trusted ARC)")
        m = self.sign(self.message("reject.example"), "none.example",
                      arc="spf=pass; dkim=pass; arc=none")
        self.assertEqual(self.send(m, "a@pass.example")[:9], "550 5.7.1")


class Deferred(Trust):
    policy = ("trust.defer_failures=true", "trust.threads=1", "trust.queue=1")

    def test_try_later(self):
        reply = self.send(self.message("none.example"), "a@dead.example")
        self.assertEqual(reply[:10], "451 4.7.24")

    def test_no_more_than_the_queue_holds(self):
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            replies = list(pool.map(
                lambda i: self.send(self.message("none.example"),
                                    "a@dead.example"), range(6)))
        self.assertIn("451 4.3.2", {r[:9] for r in replies})
        self.assertIn("451 4.7.24", {r[:10] for r in replies})


class Exempt(Case):
    settings = ("trust.check=true", "dns.servers=127.0.0.1@9")

    def test_our_own_relays_are_believed(self):
        with socket.create_connection(
                (self.server.host, self.server.ports["smtp"]), 30) as s:
            s.sendall(b"EHLO x\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<%s>\r\n"
                      b"DATA\r\n" % self.server.users[0].encode())
            s.sendall(b"Authentication-Results: mail.example.test; spf=pass\r\n"
                      b"From: a@x.example\r\nSubject: exempt\r\n\r\nx\r\n"
                      b".\r\nQUIT\r\n")
            while s.recv(65536):
                pass
        m = self.with_token("exempt")
        self.assertEqual(m.count(b"Authentication-Results"), 1)


class Restart(unittest.TestCase):
    def test_the_server_stops_in_the_middle_of_a_check(self):
        server = Server(set=(
            "trust.check=true", "trust.exempt=", "dns.root_key=",
            "dns.stubs=dead.example=127.0.0.1@%d" % dead_port,
            "dns.time=%d" % (3 * SLOW), "limits.shutdown_time=1"))
        with server, socket.create_connection(
                (server.host, server.ports["smtp"]), 30) as s:
            s.sendall(b"EHLO x\r\nMAIL FROM:<a@dead.example>\r\nRCPT TO:<%s>"
                      b"\r\nDATA\r\n" % server.users[0].encode())
            s.sendall(b"From: a@dead.example\r\n\r\nx\r\n.\r\n")
            got = b""
            while got.count(b"354 ") == 0:
                got += s.recv(65536)
            wait_for(lambda: False, seconds=0.2)
            self.assertEqual(server.stop(), 0)


del Trust

if __name__ == "__main__":
    unittest.main()
