"""Fetching mail by POP3 with programs that people do that with: fetchmail,
getmail, mutt, curl and Python's poplib."""

import mailbox
import os
import poplib
import re
import ssl
import unittest

from clients import SLOW, Case, need, text_message, token, wire

MESSAGES = 12


class Maildrop(Case):
    """Each test has a user of its own, with some mail."""

    users = 30
    next_user = 0

    def setUp(self):
        super().setUp()
        self.user = Maildrop.next_user
        Maildrop.next_user += 1
        self.name = self.server.users[self.user]
        self.sent = []
        c = self.login(self.user)
        for i in range(MESSAGES):
            body = "line %d\n.\n..dots\n" % i + "x" * i + "\n"
            if i == 3:
                body = "".join("%06d %s\n" % (k, "y" * 60)
                               for k in range(20000))
            self.sent.append(wire(text_message(token("pop"), body)))
            c.append(self.sent[-1])
        c.close()

    def left(self):
        return self.contents(self.user)

    def in_maildir(self, name):
        """What a program has put there, as it travels; in no order."""
        got = []
        for m in mailbox.Maildir(self.path(name), factory=None):
            text = m.as_bytes().replace(b"\r\n", b"\n")
            got.append(text.replace(b"\n", b"\r\n"))
        return got

    def mda(self):
        """A program that puts a message into a Maildir; by root, too."""
        for folder in ("new", "cur", "tmp"):
            os.makedirs(self.path("got/" + folder), exist_ok=True)
        return self.file("deliver", (
            '#!/bin/sh\n'
            'cat >"$HOME/got/tmp/$$" && mv "$HOME/got/tmp/$$" "$HOME/got/new"'
            '\n'), 0o700)

    def assertFetched(self, got, want=None):
        """The messages are there, with more fields in front at the most."""
        want = self.sent if want is None else want
        self.assertEqual(len(got), len(want))
        for m in want:
            head, _, body = m.partition(b"\r\n\r\n")
            subject = re.search(rb"Subject: \S+\r\n", head).group()
            found = [x for x in got if subject in x]
            self.assertEqual(len(found), 1, subject)
            self.assertEqual(found[0].partition(b"\r\n\r\n")[2].rstrip(),
                             body.rstrip())


class Fetchmail(Maildrop):
    def fetchmail(self, options="", server="", port="pop3", status=0):
        tls = ("ssl" if port == "pop3s" else "sslproto tls1.2+")
        rc = self.file("fetchmailrc", (
            'poll localhost protocol pop3 port %d %s\n'
            'user "%s" password "secret" %s sslcertck sslcertfile "%s"\n'
            '%s\n'
            'mda "%s"\n') % (
                self.server.ports[port], server, self.name, tls,
                self.server.cafile, options, self.mda()))
        return self.run_program("fetchmail", "-f", rc, "--nosyslog",
                                "--pidfile", self.path("pid"), "--idfile",
                                self.path("ids"), status=status)

    @need("fetchmail")
    def test_takes_all(self):
        self.fetchmail()
        self.assertFetched(self.in_maildir("got"))
        self.assertEqual(self.left(), [])
        self.fetchmail(status=1)        # no mail

    @need("fetchmail")
    def test_over_implicit_tls(self):
        self.fetchmail(port="pop3s")
        self.assertFetched(self.in_maildir("got"))
        self.assertEqual(self.left(), [])

    @need("fetchmail")
    def test_keeps_and_fetches_only_what_is_new(self):
        self.fetchmail("keep", "uidl")
        self.assertFetched(self.in_maildir("got"))
        self.assertEqual(len(self.left()), MESSAGES)
        self.fetchmail("keep", "uidl", status=1)
        self.server.stop()
        self.server.start()
        self.fetchmail("keep", "uidl", status=1)
        new = wire(text_message(token("pop")))
        self.login(self.user).append(new)
        self.fetchmail("keep", "uidl")
        self.assertFetched(self.in_maildir("got"), self.sent + [new])

    @need("fetchmail")
    def test_wrong_password(self):
        self.name = "nobody@example.test"
        self.fetchmail(status=3)        # an authentication failure


class Getmail(Maildrop):
    def getmail(self, kind="SimplePOP3SSLRetriever", options="",
                port="pop3s"):
        rc = self.file("getmailrc", (
            "[retriever]\ntype = %s\nserver = localhost\nport = %d\n"
            "username = %s\npassword = secret\n%s\n"
            "[destination]\ntype = MDA_external\npath = %s\n"
            "allow_root_commands = true\nunixfrom = false\n"
            "[options]\n%s\n") % (
                kind, self.server.ports[port], self.name,
                "ca_certs = %s\n" % self.server.cafile
                if port == "pop3s" else "", self.mda(), options))
        self.run_program("getmail", "--getmaildir", self.home, "--rcfile", rc)

    @need("getmail")
    def test_takes_all(self):
        self.getmail(options="delete = true")
        self.assertFetched(self.in_maildir("got"))
        self.assertEqual(self.left(), [])

    @need("getmail")
    def test_keeps_and_fetches_only_what_is_new(self):
        for _ in range(2):
            self.getmail(options="read_all = false")
            self.assertFetched(self.in_maildir("got"))
        new = wire(text_message(token("pop")))
        self.login(self.user).append(new)
        self.getmail(options="read_all = false")
        self.assertFetched(self.in_maildir("got"), self.sent + [new])
        self.assertEqual(len(self.left()), MESSAGES + 1)

    @need("getmail")
    def test_without_tls(self):
        self.getmail("SimplePOP3Retriever", "delete = true", "pop3")
        self.assertFetched(self.in_maildir("got"))
        self.assertEqual(self.left(), [])


class Mutt(Maildrop):
    @need("mutt")
    def test_reads_and_deletes(self):
        out = self.path("out")
        word = re.search(rb"Subject: (\S+)", self.sent[5]).group(1).decode()
        other = re.search(rb"Subject: (\S+)", self.sent[7]).group(1).decode()
        for port in ("pop3s", "pop3"):
            with self.subTest(port):
                rc = self.file("muttrc", (
                    'set folder="~"\nset quit=yes\nset delete=yes\nset wait_key=no\n'
                    'set sleep_time=0\nset mark_old=no\nset pop_delete=no\n'
                    'set pop_pass="secret"\nset ssl_starttls=yes\n'
                    'set certificate_file="%s"\nset tmpdir="%s"\n'
                    'set message_cachedir=""\n'
                    'push "<limit>~s %s<enter><pipe-message>cat>%s<enter>'
                    '<limit>~s %s<enter><delete-message><sync-mailbox>'
                    '<limit>all<enter><exit>"\n') % (
                        self.server.cafile, self.home, word, out, other))
                shown = self.run_in_terminal(
                    "mutt", "-n", "-F", rc, "-f", "%s://%s@localhost:%d" % (
                        "pops" if port == "pop3s" else "pop",
                        self.name.replace("@", "%40"),
                        self.server.ports[port]))
                self.assertTrue(os.path.exists(out), shown)
                with open(out, "rb") as f:
                    got = f.read().replace(b"\r\n", b"\n")
                self.assertEqual(
                    got.partition(b"\n\n")[2].strip(),
                    self.sent[5].replace(b"\r\n", b"\n").partition(
                        b"\n\n")[2].strip())
                os.unlink(out)
                left = self.left()
                self.assertFalse([m for m in left if other.encode() in m])
                other = re.search(rb"Subject: (\S+)",
                                  self.sent[8]).group(1).decode()
        self.assertEqual(len(left), MESSAGES - 2)


class Curl(Maildrop):
    def curl(self, path="", *args, port="pop3s", status=0):
        return self.run_program(
            "curl", "-sS", "--max-time", "20", "--cacert", self.server.cafile,
            "--user", self.name + ":secret", *args,
            "%s://localhost:%d/%s" % (port, self.server.ports[port], path),
            status=status).stdout

    @need("curl")
    def test_fetches(self):
        want = b"".join(b"%d %d\r\n" % (i, len(m))
                        for i, m in enumerate(self.sent, 1))
        self.assertEqual(self.curl(), want)
        for i, m in enumerate(self.sent, 1):
            self.assertEqual(self.curl(str(i)), m)
        self.assertEqual(self.curl("4", "--ssl-reqd", port="pop3"),
                         self.sent[3])
        head = self.sent[3].split(b"\r\n\r\n")[0] + b"\r\n\r\n"
        self.assertEqual(
            self.curl("", "--request", "TOP 4 0"), head)

    @need("curl")
    def test_each_mechanism(self):
        for mechanism in ("PLAIN", "LOGIN", "SCRAM-SHA-256"):
            with self.subTest(mechanism):
                if mechanism.startswith("SCRAM") and not self.has_scram():
                    self.skipTest("curl without SCRAM")
                out = self.curl("", "--login-options", "AUTH=" + mechanism)
                self.assertEqual(len(out.splitlines()), MESSAGES)

    def has_scram(self):
        return b"gsasl" in self.run_program("curl", "--version").stdout.lower()

    @need("curl")
    def test_deletes(self):
        self.curl("2", "--request", "DELE", "--head")
        self.assertEqual(len(self.left()), MESSAGES - 1)

    @need("curl")
    def test_wrong_password(self):
        self.run_program(
            "curl", "-sS", "--cacert", self.server.cafile, "--user",
            self.name + ":wrong", "pop3s://localhost:%d/" %
            self.server.ports["pop3s"], status=67)


class Poplib(Maildrop):
    def connect(self, tls=True):
        context = ssl.create_default_context(cafile=self.server.cafile)
        if tls:
            c = poplib.POP3_SSL("localhost", self.server.ports["pop3s"],
                                context=context, timeout=20 * SLOW)
        else:
            c = poplib.POP3("localhost", self.server.ports["pop3"],
                            timeout=20 * SLOW)
            c.stls(context)
        self.addCleanup(c.close)
        c.user(self.name)
        c.pass_("secret")
        return c

    def test_whole_session(self):
        for tls in True, False:
            with self.subTest(tls=tls):
                c = self.connect(tls)
                self.assertIn("UIDL", c.capa())
                self.assertEqual(c.stat(), (
                    MESSAGES, sum(map(len, self.sent))))
                self.assertEqual(
                    [int(x.split()[1]) for x in c.list()[1]],
                    list(map(len, self.sent)))
                ids = [x.split()[1] for x in c.uidl()[1]]
                self.assertEqual(len(set(ids)), MESSAGES)
                self.assertIn(ids[2], c.uidl(3))
                for i, m in enumerate(self.sent, 1):
                    _, lines, octets = c.retr(i)
                    self.assertEqual(b"\r\n".join(lines) + b"\r\n", m)
                    self.assertEqual(octets, len(m))
                head, _, body = self.sent[0].partition(b"\r\n\r\n")
                self.assertEqual(c.top(1, 0)[1],
                                 head.split(b"\r\n") + [b""])
                self.assertEqual(c.top(1, 2)[1], head.split(b"\r\n") + [b""] +
                                 body.split(b"\r\n")[:2])
                c.dele(1)
                c.rset()
                c.noop()
                c.quit()
        c = self.connect()
        for i in range(1, MESSAGES + 1):
            c.dele(i)
        with self.assertRaises(poplib.error_proto):
            c.retr(1)
        c.quit()
        self.assertEqual(self.left(), [])


if __name__ == "__main__":
    unittest.main()
