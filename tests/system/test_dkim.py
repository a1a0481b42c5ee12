"""What we sign, looked at by others: dkimpy, and OpenDKIM's tool with a name
server of our own."""

import json
import os
import smtplib
import subprocess
import unittest

from clients import POSTERNCTL, Case, need, token, wire
from nameserver import available, txt

# dkimpy belongs to the distribution's Python. Its own DNS is not used: the
# records come on standard input.
DKIMPY = """
import dkim, json, sys
records = json.loads(sys.stdin.buffer.readline())
message = sys.stdin.buffer.read()
def ask(name, timeout=5):
    return records.get(name.decode().rstrip("."), "").encode() or None
d = dkim.DKIM(message)
def verify(i):
    try:
        return d.verify(i, dnsfunc=ask)
    except dkim.ValidationError:
        return False
print(json.dumps([verify(i) for i in range(int(sys.argv[1]))]))
"""


def has_dkimpy():
    return subprocess.run(["/usr/bin/python3", "-I", "-c", "import dkim, nacl"],
                          capture_output=True).returncode == 0


class Signed(Case):
    settings = ("dkim.wait=0", "smtp.message_size=20000000")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ctl("domain", "add", "other.test")
        cls.ctl("alias", "add", "one@other.test", cls.server.users[0])
        cls.ctl("dkim", "generate", "example.test")

    @classmethod
    def ctl(cls, *args, status=0, json_=False):
        p = subprocess.run(
            [POSTERNCTL, "--sandbox", cls.server.dir] +
            (["--json"] if json_ else []) + list(args),
            capture_output=True, text=True, timeout=60)
        if p.returncode != status:
            raise AssertionError("%s: %d\n%s%s" % (
                args, p.returncode, p.stdout, p.stderr))
        return json.loads(p.stdout) if json_ else p.stdout + p.stderr

    def records(self, domain="example.test"):
        return {r["name"]: r["txt"]
                for r in self.ctl("dkim", "show", domain, json_=True)}

    def send(self, text, sender=None):
        s = smtplib.SMTP(self.server.host, self.server.ports["submission"],
                         timeout=60)
        self.addCleanup(s.close)
        s.login(self.server.users[0], self.server.password)
        s.sendmail(sender or self.server.users[0], [self.server.users[1]],
                   text if isinstance(text, bytes) else wire(text))
        s.quit()

    def sent(self, body="Text\n", extra="", sender=None):
        t = token()
        self.send("From: %s\nTo: b@example.org\nSubject: %s\n%s\n%s" % (
            sender or self.server.users[0], t, extra, body), sender)
        return self.with_token(t, user=1)


class Signing(Signed):
    def verify(self, message, n=2):
        p = subprocess.run(
            ["/usr/bin/python3", "-I", "-c", DKIMPY, str(n)],
            input=json.dumps(self.records()).encode() + b"\n" + message,
            capture_output=True, timeout=60)
        self.assertEqual(p.returncode, 0, p.stderr.decode())
        return json.loads(p.stdout)

    @unittest.skipUnless(has_dkimpy(), "not installed: dkimpy")
    def test_dkimpy_agrees(self):
        bodies = ["Text\n", "", "\n\n\n", "no end", " a  b \t\n\n\n",
                  "\t\n", ".dot\n..\n", "\u00e4\u00f6\n"]
        for body in bodies:
            with self.subTest(body):
                m = self.sent(body)
                self.assertEqual(m.count(b"DKIM-Signature:"), 2)
                self.assertEqual(self.verify(m), [True, True])
        self.assertEqual(
            self.verify(m.replace(b"Subject:", b"Subject: x")), [False, False])
        self.assertEqual(
            self.verify(b"Reply-To: eve@example.org\r\n" + m),
            [False, False])
        self.assertEqual(self.verify(m + b"x\r\n"), [False, False])

    @unittest.skipUnless(has_dkimpy(), "not installed: dkimpy")
    def test_what_is_added_and_taken_out_is_signed_as_it_is_kept(self):
        t = token()
        self.send("To: b@example.org\nBcc: c@example.org\nSubject: %s\n"
                  "Authentication-Results: mail.example.test; spf=pass\n"
                  "\nText\n" % t)
        m = self.with_token(t, user=1)
        self.assertNotIn(b"Bcc:", m)
        self.assertNotIn(b"Authentication-Results", m)
        self.assertIn(b"\r\nMessage-ID: <", m)
        self.assertEqual(self.verify(m), [True, True])
        # The trace stands above.
        self.assertLess(m.index(b"Received:"), m.index(b"DKIM-Signature:"))
        self.assertTrue(m.startswith(b"Return-Path:"))

    @unittest.skipUnless(has_dkimpy(), "not installed: dkimpy")
    def test_what_does_not_fit_into_memory(self):
        body = "".join("line %d of many\n" % i for i in range(60000))
        m = self.sent(body)
        self.assertEqual(m.split(b"\r\n\r\n", 1)[1], wire(body))
        self.assertEqual(self.verify(m), [True, True])

    def test_nothing_is_signed_without_keys_of_the_domain(self):
        m = self.sent(sender="one@other.test")
        self.assertNotIn(b"DKIM-Signature", m)
        self.ctl("dkim", "generate", "other.test", "now")
        m = self.sent(sender="one@other.test")
        self.assertEqual(m.count(b"d=other.test;"), 2)
        for r in self.ctl("dkim", "list", "other.test", json_=True):
            self.ctl("dkim", "remove", "other.test", r["selector"], "now")
        m = self.sent(sender="one@other.test")
        self.assertNotIn(b"DKIM-Signature", m)

    def test_mail_from_elsewhere_is_not_signed(self):
        t = token()
        s = smtplib.SMTP(self.server.host, self.server.ports["smtp"],
                         timeout=30)
        self.addCleanup(s.close)
        s.sendmail("user1@example.test", [self.server.users[1]], wire(
            "From: user1@example.test\nSubject: %s\n\nText\n" % t))
        s.quit()
        self.assertNotIn(b"DKIM-Signature", self.with_token(t, user=1))


class Keys(Signed):
    def test_rotation(self):
        self.assertIn("has keys", self.ctl(
            "dkim", "generate", "example.test", status=4))
        self.assertIn("no keys", self.ctl(
            "dkim", "rotate", "none.test", status=3))
        self.assertIn("no keys", self.ctl(
            "dkim", "show", "none.test", status=3))
        self.ctl("dkim", "show", "no..name", status=2)
        first = self.ctl("dkim", "list", "example.test", json_=True)
        self.assertEqual([r["state"] for r in first], ["signs"] * 2)
        shown = self.ctl("dkim", "rotate", "example.test")
        self.assertEqual(shown.count("v=DKIM1; k="), 4)
        after = self.ctl("dkim", "list", "example.test", json_=True)
        self.assertEqual({r["selector"][8]: r["state"] for r in after},
                         {"a": "retired", "b": "signs"})
        self.assertIn(b"b-rsa;", self.sent())
        for r in after:
            if r["state"] == "signs":
                self.assertIn("rotate first", self.ctl(
                    "dkim", "remove", "example.test", r["selector"],
                    status=1))
            else:
                self.ctl("dkim", "remove", "example.test", r["selector"])
        self.ctl("dkim", "remove", "example.test", "nothing", status=3)
        self.assertEqual(len(self.records()), 2)

    def test_keys_wait_until_they_are_published(self):
        config = os.path.join(self.home, "postern.conf")
        with open(os.path.join(self.server.dir, "postern.conf")) as f:
            text = f.read()
        self.assertIn("wait = 0\n", text)
        with open(config, "w") as f:
            f.write(text.replace("wait = 0\n", "wait = 3600\n"))
        self.ctl("domain", "add", "wait.test")
        self.run_program(POSTERNCTL, "-c", config, "dkim", "generate",
                         "wait.test")
        rows = self.ctl("dkim", "list", "wait.test", json_=True)
        self.assertEqual([r["state"] for r in rows], ["waits"] * 2)
        self.assertEqual([r["use_from"] - r["made"] for r in rows],
                         [3600] * 2)
        self.ctl("alias", "add", "one@wait.test", self.server.users[0])
        self.assertNotIn(b"DKIM-Signature", self.sent(sender="one@wait.test"))

    def test_nobody_else_reads_the_keys(self):
        top = os.path.join(self.server.dir, "state", "dkim")
        for folder, _, files in os.walk(top):
            self.assertEqual(os.stat(folder).st_mode & 0o777, 0o700)
            for name in files:
                mode = os.stat(os.path.join(folder, name)).st_mode
                self.assertEqual(mode & 0o777, 0o600, name)


def may_unshare():
    return subprocess.run(
        ["unshare", "-n", "-m", "true"], capture_output=True).returncode == 0


@need("opendkim-testmsg", "unshare", "ip")
@unittest.skipUnless(available(), "not installed: nsd and ldnsutils")
@unittest.skipUnless(may_unshare(), "needs root")
class OpenDkim(Signed):
    """opendkim-testmsg asks the system's resolver, so it gets a system."""

    def verify(self, message):
        records = ["%s TXT %s" % (name + ".", txt(text))
                   for name, text in self.records().items()]
        zone = self.file("zone", "\n".join(records))
        self.file("message", message)
        self.file("resolv.conf", "nameserver 127.0.0.1\n")
        script = self.file("run.py", """
import sys
sys.path.insert(0, %r)
from nameserver import NameServer
import subprocess
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
subprocess.run(["mount", "--bind", "resolv.conf", "/etc/resolv.conf"],
               check=True)
with open("zone") as f:
    lines = f.read().split("\\n")
with NameServer({"example.test": lines}, port=53), open("message", "rb") as f:
    sys.exit(subprocess.run(["opendkim-testmsg", "-C"], stdin=f).returncode)
""" % os.path.dirname(os.path.abspath(__import__("nameserver").__file__)))
        self.assertTrue(zone)
        return self.run_program("unshare", "-n", "-m", "python3", script,
                                status=None)

    def test_opendkim_agrees(self):
        m = self.sent("Some  text \nand more\n\n\n")
        p = self.verify(m)
        self.assertEqual(p.returncode, 0, (p.stdout, p.stderr))
        p = self.verify(m.replace(b"and more", b"and less"))
        self.assertNotEqual(p.returncode, 0)


del Signed

if __name__ == "__main__":
    unittest.main()
