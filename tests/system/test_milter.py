"""Debian's rspamd as a milter: what it refuses, marks and changes arrives so,
and so does what it lets through."""

import os
import shutil
import socket
import subprocess
import tempfile
import unittest

from clients import SLOW, Case, Server, need, token, wait_for, wire
from nameserver import free_port

# What rspamd knows without any rules, when it is told to.
REJECTED = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-" \
    "EMAIL*C.34X"
MARKED = "Y" + REJECTED[1:]
RENAMED = "Z" + REJECTED[1:]

CONFIG = """
options {
	pidfile = "%(dir)s/pid";
	control_socket = "%(dir)s/control mode=0600";
	tempdir = "%(dir)s";
	hs_cache_dir = "%(dir)s";
	history_file = "%(dir)s/history";
	url_tld = "%(dir)s/tld";
	rrd = "";
	filters = "";
	enable_test_patterns = true;
	dns { nameserver = ["127.0.0.1:%(dns)d"]; timeout = 0.1s; retransmits = 1; }
}
logging { type = "file"; filename = "%(dir)s/log"; level = "info"; }
worker "rspamd_proxy" {
	bind_socket = "%(socket)s";
	milter = yes;
	timeout = 60s;
	count = 1;
	upstream "local" { default = yes; self_scan = yes; }
}
actions { reject = 15; rewrite_subject = 8; add_header = 6; }
"""


class Rspamd:
    """One of its own, that asks nobody and keeps nothing."""

    def __init__(self, unix=False):
        self.dir = tempfile.mkdtemp(prefix="postern-rspamd-")
        os.chmod(self.dir, 0o777)
        self.port = free_port()
        self.path = os.path.join(self.dir, "milter") if unix else None
        self.socket = "unix:" + self.path if unix else \
            "inet:%d@127.0.0.1" % self.port
        with open(os.path.join(self.dir, "tld"), "w") as f:
            f.write("com\norg\ntest\n")
        with open(os.path.join(self.dir, "conf"), "w") as f:
            f.write(CONFIG % {
                "dir": self.dir, "dns": free_port(),
                "socket": self.path + " mode=0666" if unix else
                "127.0.0.1:%d" % self.port})
        command = ["rspamd", "-f", "-c", os.path.join(self.dir, "conf")]
        if os.geteuid() == 0:
            command += ["-i", "-u", "nobody", "-g", "nogroup"]
        with open(os.path.join(self.dir, "out"), "wb") as out:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        if not wait_for(self.listens, seconds=60):
            text = self.log()
            self.stop()
            raise RuntimeError("rspamd does not listen:\n" + text)

    def listens(self):
        try:
            if self.path is not None:
                with socket.socket(socket.AF_UNIX) as s:
                    s.connect(self.path)
            else:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def log(self):
        text = ""
        for name in ("out", "log"):
            path = os.path.join(self.dir, name)
            if os.path.exists(path):
                with open(path, errors="replace") as f:
                    text += f.read()
        return text

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20 * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


@need("rspamd")
class OverTcp(Case):
    unix = False

    @classmethod
    def setUpClass(cls):
        cls.rspamd = Rspamd(cls.unix)
        cls.addClassCleanup(cls.rspamd.stop)
        cls.settings = ("milter.rspamd.socket=" + cls.rspamd.socket,
                        "milter.rspamd.protocols=smtp submission")
        super().setUpClass()

    def send(self, body, subject=None):
        """The reply to a message over SMTP."""
        self.token = token()
        s = socket.create_connection(
            (self.server.host, self.server.ports["smtp"]), 60 * SLOW)
        self.addCleanup(s.close)
        f = s.makefile("rb")
        self.addCleanup(f.close)

        def reply():
            while True:
                line = f.readline().decode()
                if line[3:4] != "-":
                    return line.rstrip()
        reply()
        for line in ("EHLO mail.example.org", "MAIL FROM:<ann@example.org>",
                     "RCPT TO:<%s>" % self.server.users[0], "DATA"):
            s.sendall(line.encode() + b"\r\n")
            got = reply()
            self.assertIn(got[0], "23", got)
        s.sendall(wire(
            "From: Ann <ann@example.org>\nTo: user1@example.test\n"
            "Subject: %s %s\nDate: Mon, 30 Nov 2026 09:00:00 +0000\n"
            "Message-ID: <%s@example.org>\nMIME-Version: 1.0\n"
            "Content-Type: text/plain\n\n%s\n" % (
                subject or "hello", self.token, self.token, body)) +
            b".\r\nQUIT\r\n")
        return reply()

    def test_good_mail_passes(self):
        got = self.send("Shall we meet at noon?")
        self.assertEqual(got[:4], "250 ", got)
        kept = self.with_token(self.token).decode()
        self.assertIn("\r\n\r\nShall we meet at noon?\r\n", kept)
        self.assertIn("\r\nSubject: hello " + self.token, kept)
        # It looked at this message, and knows who sent it.
        self.assertTrue(wait_for(
            lambda: "<%s@example.org>" % self.token in self.rspamd.log()))
        line = [x for x in self.rspamd.log().split("\n")
                if "rspamd_task_write_log" in x and self.token in x][-1]
        self.assertIn("ip: 127.0.0.1", line)
        self.assertIn("from: <ann@example.org>", line)

    def test_what_it_rejects(self):
        got = self.send(REJECTED)
        self.assertEqual(got[:4], "554 ", got)
        self.assertIn("Gtube", got)
        self.assertTrue(wait_for(
            lambda: "action=refuse" in self.server.log()))

    def test_what_it_marks(self):
        self.assertEqual(self.send(MARKED)[:4], "250 ")
        kept = self.with_token(self.token).decode()
        self.assertIn("\r\nX-Spam: Yes\r\n", kept)

    def test_what_it_changes(self):
        self.assertEqual(self.send(RENAMED, subject="offer")[:4], "250 ")
        kept = self.with_token(self.token).decode()
        self.assertEqual(kept.count("\r\nSubject: "), 1)
        self.assertNotIn("\r\nSubject: offer", kept)
        self.assertIn(self.token, kept.split("\r\n\r\n")[0])

    def test_large_mail(self):
        body = "\n".join("line %d of a long text" % i for i in range(40000))
        self.assertEqual(self.send(body)[:4], "250 ")
        kept = self.with_token(self.token).decode()
        self.assertTrue(kept.endswith(body.replace("\n", "\r\n") + "\r\n"))


@need("rspamd")
class OverUnix(OverTcp):
    unix = True


if __name__ == "__main__":
    unittest.main()
