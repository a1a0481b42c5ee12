"""Mail from one server to another: a name server of our own, two Posterns."""
# Takes long.

import hashlib
import imaplib
import json
import os
import signal
import smtplib
import ssl
import subprocess
import time
import unittest

from clients import POSTERNCTL, token
from nameserver import NameServer, available
from postern import SLOW, Server


def ctl(server, *args, status=0):
    p = subprocess.run(
        [POSTERNCTL, "--sandbox", server.dir, "--json"] + list(args),
        capture_output=True, text=True, timeout=60)
    if p.returncode != status:
        raise AssertionError("%s: %d\n%s%s" % (
            args, p.returncode, p.stdout, p.stderr))
    return json.loads(p.stdout) if p.stdout.strip() else None


def wait_for(what, seconds=30):
    end = time.monotonic() + seconds * SLOW
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("nothing came")


def inbox(server, user, text):
    """The messages of a user that contain `text`."""
    context = ssl.create_default_context(cafile=server.cafile)
    context.check_hostname = False
    m = imaplib.IMAP4(server.host, server.ports["imap"])
    m.starttls(context)
    m.login(user, server.password)
    m.select("INBOX")
    found = m.search(None, "TEXT", '"%s"' % text)[1][0].split()
    all_of_them = [m.fetch(n, "(BODY.PEEK[])")[1][0][1] for n in found]
    m.logout()
    return all_of_them


@unittest.skipUnless(available(), "not installed: nsd and ldnsutils")
class Exchange(unittest.TestCase):
    def setUp(self):
        # The other side first: its port is where all servers are.
        self.other = Server(users=1)
        self.other.start()
        self.addCleanup(self.other.clean)
        self.addCleanup(lambda: self.other.stop())
        ctl(self.other, "domain", "add", "other.test")
        ctl(self.other, "alias", "add", "friend@other.test",
            self.other.users[0])
        self.dns = NameServer({"other.test": [
            "@ MX 10 mx", "mx A 127.0.0.1"], "null.test": ["@ MX 0 ."]})
        self.dns.start()
        self.addCleanup(self.dns.stop)
        self.server = Server(users=2, set=[
            "queue.enabled=true", "queue.ipv6=false",
            "queue.port=%d" % self.other.ports["smtp"],
            "queue.retry_first=2", "queue.retry_most=2",
            "queue.sleep_first=1", "queue.sleep_most=1",
            "dns.stubs=other.test=127.0.0.1@%d" % self.dns.port,
            "dns.validate=false"])
        self.server.start()
        self.addCleanup(self.server.clean)
        self.addCleanup(lambda: self.server.stop())

    def send(self, to, text="Text"):
        t = token() + "-"  # none is the start of another
        user = self.server.users[0]
        s = smtplib.SMTP(self.server.host, self.server.ports["submission"],
                         timeout=60)
        s.login(user, self.server.password)
        s.sendmail(user, to, "From: %s\r\nTo: %s\r\nSubject: %s\r\n\r\n%s\r\n"
                   % (user, ", ".join(to), t, text))
        s.quit()
        return t

    def queued(self):
        return ctl(self.server, "queue", "list")

    def test_a_message_and_its_answer(self):
        t = self.send(["friend@other.test", self.server.users[1]])
        there = wait_for(lambda: inbox(self.other, self.other.users[0], t))
        self.assertEqual(len(there), 1)
        self.assertIn(b"Return-Path: <user1@example.test>", there[0])
        self.assertEqual(there[0].count(b"Return-Path"), 1)
        # By TLS, since it was offered.
        self.assertIn(b"with ESMTPS", there[0])
        # Who is here got theirs without the queue.
        self.assertEqual(
            len(inbox(self.server, self.server.users[1], t)), 1)
        wait_for(lambda: self.queued() == [])

    def test_what_is_refused_comes_back(self):
        t = self.send(["nobody@other.test", "friend@other.test"], "Text")
        back = wait_for(lambda: inbox(self.server, self.server.users[0], t))
        self.assertIn(b"Content-Type: multipart/report", back[0])
        self.assertIn(b"Final-Recipient: rfc822; nobody@other.test", back[0])
        self.assertIn(b"Status: 5.1.1", back[0])
        self.assertIn(b"Remote-MTA: dns; mx.other.test [127.0.0.1]", back[0])
        self.assertNotIn(b"friend@other.test>\r\n", back[0].split(
            b"Subject: " + t.encode())[0])
        self.assertEqual(
            len(inbox(self.other, self.other.users[0], t)), 1)
        self.assertIn(b"Return-Path: <>", back[0])

    def test_a_server_that_was_away(self):
        port = self.other.ports["smtp"]
        self.other.stop()
        # One is tried each second or two, while the server sleeps.
        sent = [self.send(["friend@other.test"]) for i in range(8)]
        wait_for(lambda: all(m["answer"] for m in self.queued()))
        self.assertEqual(len(self.queued()), 8)
        one = self.queued()[0]
        shown = ctl(self.server, "queue", "show", one["id"])
        self.assertIn("refused", shown["recipients"][0]["answer"])
        self.assertEqual(shown["recipients"][0]["state"], "waiting")
        # Killed, and started again.
        self.server.kill()
        self.server.start()
        self.assertEqual({m["id"] for m in self.queued()} & {one["id"]},
                         {one["id"]})
        ctl(self.server, "queue", "hold", one["id"])
        self.other.set.append("listener.smtp.port=%d" % port)
        self.other.start()
        wait_for(lambda: len(self.queued()) == 1)
        self.assertTrue(self.queued()[0]["held"])
        ctl(self.server, "queue", "release", one["id"])
        wait_for(lambda: self.queued() == [])
        for t in sent:
            self.assertEqual(
                len(inbox(self.other, self.other.users[0], t)), 1)

    def test_a_network_that_is_back(self):
        port = self.other.ports["smtp"]
        self.other.stop()
        self.server.stop()
        self.server.set += ["queue.retry_first=3600", "queue.retry_most=3600",
                            "queue.sleep_first=3600", "queue.sleep_most=3600"]
        self.server.start()
        sent = [self.send(["friend@other.test"]) for i in range(3)]
        wait_for(lambda: any(m["answer"] for m in self.queued()))
        self.other.set.append("listener.smtp.port=%d" % port)
        self.other.start()
        self.assertEqual(len(self.queued()), 3)
        ctl(self.server, "queue", "retry", "--all", "--to", "friend",
            status=2)
        ctl(self.server, "queue", "retry", "--all")
        wait_for(lambda: self.queued() == [])
        for t in sent:
            self.assertEqual(
                len(inbox(self.other, self.other.users[0], t)), 1)

    def test_rules_of_ones_own(self):
        path = os.path.join(self.server.dir, "rules")
        self.server.stop()
        self.server.set.append("queue.replies=" + path)
        with open(path, "w") as f:
            f.write("# mine\n421 -> faster\n")
        with self.assertRaises(RuntimeError) as e:
            self.server.start()
        self.assertIn(path + ":2: faster: expected slower", str(e.exception))
        with open(path, "w") as f:
            f.write('550 "no such" -> temporary, rate 7, sleep 2h, note "x"\n')
        self.server.start()
        self.send(["nobody@other.test"])
        waits = wait_for(lambda: [m for m in self.queued() if m["answer"]])
        self.assertIn("550", waits[0]["answer"])
        rows = ctl(self.server, "queue", "stats")[1:]
        self.assertEqual([r["rate"] for r in rows], [7])
        self.assertGreater(rows[0]["sleeps"], 7100)
        self.assertIn("rule=1", self.server.log())
        # A mistake changes nothing.
        with open(path, "w") as f:
            f.write("x")
        os.kill(self.server.pid, signal.SIGHUP)
        wait_for(lambda: path + ":1: x: expected a code" in self.server.log())
        # What was learnt is still known after a restart.
        self.server.stop()
        os.unlink(path)
        self.server.set.remove("queue.replies=" + path)
        self.server.start()
        rows = ctl(self.server, "queue", "stats")[1:]
        self.assertEqual([r["rate"] for r in rows], [7])

    def test_administration(self):
        self.other.stop()
        self.send(["friend@other.test"])
        self.send(["enemy@other.test"])
        wait_for(lambda: all(m["answer"] for m in self.queued()))
        self.assertEqual(
            len(ctl(self.server, "queue", "list", "--to", "friend")), 1)
        self.assertEqual(
            len(ctl(self.server, "queue", "list", "--from", "user1")), 2)
        self.assertEqual(
            len(ctl(self.server, "queue", "list", "--older", "1h")), 0)
        self.assertEqual(
            ctl(self.server, "queue", "stats")[0]["messages"], 2)
        ctl(self.server, "queue", "delete", "--to", "friend@other")
        self.assertEqual(len(self.queued()), 1)
        ctl(self.server, "queue", "show", "0000000000000", status=3)
        ctl(self.server, "queue", "delete", status=2)

    def test_relaying_is_for_users_alone(self):
        s = smtplib.SMTP(self.server.host, self.server.ports["smtp"],
                         timeout=60)
        s.ehlo()
        s.mail("stranger@elsewhere.test")
        self.assertEqual(s.rcpt("friend@other.test")[0], 550)
        s.close()


def fingerprint(cafile):
    """TLSA 3 1 1 of a server with a self-made certificate."""
    der = subprocess.run(
        "openssl x509 -in %s -noout -pubkey | openssl pkey -pubin -outform DER"
        % cafile, shell=True, check=True, capture_output=True).stdout
    return hashlib.sha256(der).hexdigest()


@unittest.skipUnless(available(), "not installed: nsd and ldnsutils")
class Dane(unittest.TestCase):
    """RFC 7672, over a signed zone."""

    def between(self, tlsa):
        """Two servers, the second with that TLSA record."""
        self.other = Server(users=1)
        self.other.start()
        self.addCleanup(self.other.clean)
        self.addCleanup(lambda: self.other.stop())
        port = self.other.ports["smtp"]
        ctl(self.other, "domain", "add", "other.test")
        ctl(self.other, "alias", "add", "friend@other.test",
            self.other.users[0])
        self.dns = NameServer({"other.test": [
            "@ MX 10 mx", "mx A 127.0.0.1", "_%d._tcp.mx TLSA 3 1 1 %s" % (
                port, tlsa or fingerprint(self.other.cafile))]},
            signed=["other.test"])
        self.dns.start()
        self.addCleanup(self.dns.stop)
        self.server = Server(users=2, set=[
            "queue.enabled=true", "queue.ipv6=false", "queue.port=%d" % port,
            "queue.retry_first=2", "queue.retry_most=2",
            "dns.stubs=other.test=127.0.0.1@%d" % self.dns.port,
            "dns.anchors=" + self.dns.anchors, "dns.root_key="])
        self.server.start()
        self.addCleanup(self.server.clean)
        self.addCleanup(lambda: self.server.stop())

    send = Exchange.send
    queued = Exchange.queued

    def test_the_right_certificate(self):
        self.between(None)
        t = self.send(["friend@other.test"])
        there = wait_for(lambda: inbox(self.other, self.other.users[0], t))
        self.assertIn(b"with ESMTPS", there[0])

    def test_another_certificate(self):
        self.between("00" * 32)
        t = self.send(["friend@other.test"])
        answer = wait_for(lambda: [m["answer"] for m in self.queued()
                                   if m["answer"]])[0]
        self.assertIn("4.7.5", answer)
        self.assertIn("TLSA", answer)
        self.assertEqual(inbox(self.other, self.other.users[0], t), [])


if __name__ == "__main__":
    unittest.main()
