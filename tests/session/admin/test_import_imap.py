"""posternctl import from another server by IMAP: from Postern itself, and from
one made of a script, which breaks off and tells nonsense."""
# Takes long.

import hashlib
import os
import re
import socket
import ssl
import threading
import unittest

from postern import SLOW, Server
from test_import import Case
from wire import imap

SECRET = "secret"


class FromPostern(Case):
    def setUp(self):
        super().setUp()
        self.other = Server(users=2).start()
        self.addCleanup(self.other.clean)
        self.addCleanup(self.other.stop)
        with open(self.path("password"), "w") as f:
            f.write(SECRET + "\n")

    def url(self, scheme="imap", user=None):
        return "%s://%s@localhost:%d" % (
            scheme, (user or self.other.users[0]).replace("@", "%40"),
            self.other.ports[scheme])

    def there(self):
        c = imap(self.other, self.other.users[0])
        self.addCleanup(c.close)
        return c

    def append(self, c, box, body, flags=""):
        c.say('a APPEND %s (%s) "02-Feb-2020 10:20:30 +0100" {%d}' % (
            box, flags, len(body)))
        self.assertTrue(c.line().startswith("+"))
        c.sock.sendall(body + b"\r\n")
        while not (line := c.line()).startswith("a "):
            pass
        self.assertTrue(line.startswith("a OK"), line)

    def fill(self):
        c = self.there()
        for i in range(60):
            self.append(c, "INBOX", b"Subject: %d\r\n\r\n%s\r\n" % (
                i, b"x" * (i * i * 20)), ("\\Seen", "$Label1 Work", "")[i % 3])
        self.ok(c, 'CREATE "Lists/A &- B"')
        self.ok(c, 'SUBSCRIBE "Lists/A &- B"')
        self.ok(c, 'CREATE "Gone things" (USE (\\Archive))')
        self.append(c, '"Lists/A &- B"', b"Subject: list\r\n\r\n{5}\r\n)",
                    "\\Flagged")
        self.ok(c, "SELECT INBOX")
        self.ok(c, "UID STORE 5,9 +FLAGS.SILENT (\\Deleted)")
        self.ok(c, "EXPUNGE")
        self.ok(c, "UID STORE 60 +FLAGS.SILENT (\\Answered)")
        return c

    def rows_of(self, server, box):
        c = imap(server, server.users[0])
        self.addCleanup(c.close)
        self.selected = " ".join(self.ok(c, 'SELECT "%s" (CONDSTORE)' % box))
        state = [self.number(w) for w in ("UIDVALIDITY", "UIDNEXT")]
        lines = self.ok(c, "UID FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE "
                           "SAVEDATE MODSEQ BODY.PEEK[]<0.100>)")
        return state, [re.sub(r" ?\\Recent ?", "", line).replace("( ", "(")
                       for line in lines]

    def test_everything_is_as_it_was(self):
        self.fill()
        sums = self.pull()
        self.assertEqual(sums["INBOX"]["kept"], 58)
        for box in ("INBOX", "Lists/A &- B"):
            self.assertEqual(self.rows_of(self.server, box),
                             self.rows_of(self.other, box))
        self.assertIn("Lists/A &- B", self.names("LSUB"))
        # Again, when there is more.
        self.append(self.there(), "INBOX", b"Subject: new\r\n\r\nx\r\n")
        sums = self.pull()
        self.assertEqual(sums["INBOX"]["kept"], 1)
        self.assertEqual(self.rows_of(self.server, "INBOX")[0],
                         self.rows_of(self.other, "INBOX")[0])

    def test_tls(self):
        self.fill()
        with open(self.other.cafile) as f:
            pem = f.read()
        print_ = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
        imaps = self.url("imaps")
        self.pull(imaps, code=1)
        self.assertIn("--trust sha256:" + print_.upper(), self.said)
        self.pull(imaps, "--trust", "sha256:" + "0" * 64, code=1)
        self.assertIn("another certificate", self.said)
        # STARTTLS is checked as well.
        self.pull(None, "--trust", "sha256:" + "0" * 64, code=1)
        self.assertIn("another certificate", self.said)
        self.pull(imaps, "--trust", "sha256:123", code=2)
        self.pull(imaps, "--trust", "/nonexistent", code=1)
        sums = self.pull(imaps, "--trust", self.other.cafile, "--dry-run")
        self.assertEqual(sums["INBOX"]["messages"], 58)
        sums = self.pull(imaps, "--trust", "sha256:" + ":".join(
            re.findall("..", print_)))
        self.assertEqual(sums["INBOX"]["kept"], 58)

    def test_what_is_wrong_is_told(self):
        with open(self.path("password"), "w") as f:
            f.write("wrong\n")
        self.pull(code=1)
        self.assertIn("no login", self.said)
        self.run_import("imap://nohost", code=2)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.pull("imap://u@127.0.0.1:%d" % s.getsockname()[1], code=1)
        self.assertIn("refused", self.said)

    def pull(self, url=None, *args, **more):
        trust = () if "--trust" in args or url else (
            "--trust", self.other.cafile)
        return self.run_import(
            url or self.url(), "--password-file", self.path("password"),
            *trust, *args, **more)


class Script(threading.Thread):
    """A server that answers by a function of the command, which may raise
    OSError to break off."""

    def __init__(self, answer):
        super().__init__(daemon=True)
        self.answer = answer
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connections = 0
        self.commands = []

    def run(self):
        while True:
            try:
                c, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            c.settimeout(20 * SLOW)
            with c, c.makefile("rb") as f:
                try:
                    self.serve(c, f)
                except OSError:
                    pass

    def serve(self, c, f):
        c.sendall(b"* OK hello\r\n")
        while line := f.readline():
            tag, _, command = line.decode("latin-1").rstrip("\r\n").partition(
                " ")
            self.commands.append(command)
            said = self.answer(self, command)
            if isinstance(said, str):
                said = said.encode("latin-1")
            if not said.endswith(b"\0"):
                said += tag.encode() + b" OK done\r\n"
            c.sendall(said.rstrip(b"\0"))

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.join(30 * SLOW)


BODY = b"Subject: %d\r\n\r\nhello\r\n"


def plain(script, command):
    """Three messages in INBOX, of which nothing is unusual."""
    word = command.split()[0]
    if word == "CAPABILITY":
        return "* CAPABILITY IMAP4rev1 CONDSTORE\r\n"
    if word == "LIST":
        return ('* LIST () "." INBOX\r\n'
                '* LIST (\\Noselect) "." "INBOX.x"\r\n')
    if word == "LSUB":
        return '* LSUB () "." {5}\r\nINBOX\r\n'
    if word == "EXAMINE":
        return ("* 3 EXISTS\r\n* OK [UIDVALIDITY 77] x\r\n"
                "* OK [UIDNEXT 40] x\r\n* OK [HIGHESTMODSEQ 900] x\r\n")
    if "BODY.PEEK" in command:
        uid = int(command.split()[2])
        body = BODY % uid
        return b"* 1 FETCH (UID %d BODY[] {%d}\r\n%s)\r\n" % (
            uid, len(body), body)
    if word == "UID":
        return "".join(
            '* %d FETCH (X-NEW (a (b "c)") NIL) UID %d FLAGS (\\Seen kw%d) '
            'INTERNALDATE " 2-Feb-2020 10:20:30 +0100" RFC822.SIZE 30 '
            'MODSEQ (%d))\r\n' % (i, i * 10, i, i + 100) for i in (1, 2, 3))
    return ""


class FromScript(Case):
    def pull(self, answer, *args, **more):
        self.script = Script(answer)
        self.script.start()
        self.addCleanup(self.script.stop)
        with open(self.path("password"), "w") as f:
            f.write(SECRET)
        return self.run_import(
            "imap://a%%22b@127.0.0.1:%d/" % self.script.port,
            "--password-file", self.path("password"), *args, **more)

    def inbox(self):
        c = self.open("INBOX")
        return {uid: (sorted(flags), self.body(c, uid))
                for uid, (flags, _) in self.rows(c).items()}

    want = {i * 10: (["\\Seen", "kw%d" % i], BODY % (i * 10))
            for i in (1, 2, 3)}

    def test_a_plain_server(self):
        sums = self.pull(plain)
        self.assertEqual(sums["INBOX"]["kept"], 3)
        self.assertEqual(self.inbox(), self.want)
        self.assertEqual(self.number("UIDNEXT"), 40)
        self.assertIn('LOGIN "a\\"b" "secret"', self.script.commands)
        self.assertEqual(self.number("UIDVALIDITY"), 77)

    def test_one_that_breaks_off_in_a_message(self):
        def answer(script, command):
            said = plain(script, command)
            if "UID FETCH 20 BODY" in command and script.connections < 3:
                return said[:-15] + b"\0"
            return said

        def cut(script, command):
            said = answer(script, command)
            if said.endswith(b"\0" if isinstance(said, bytes) else "\0"):
                script.broken = True
            elif getattr(script, "broken", False):
                script.broken = False
                raise OSError
            return said
        sums = self.pull(cut)
        self.assertEqual(sums["INBOX"]["kept"], 3)
        self.assertGreater(self.script.connections, 1)
        self.assertEqual(self.inbox(), self.want)
        self.assertIn("connecting again", self.said)

    def test_a_message_that_is_gone(self):
        def answer(script, command):
            return "" if "UID FETCH 20 BODY" in command else plain(
                script, command)
        sums = self.pull(answer, code=1)
        self.assertEqual((sums["INBOX"]["kept"], sums["INBOX"]["missed"]),
                         (2, 1))
        self.assertEqual(sorted(self.inbox()), [10, 30])
        # Later it can be had: it comes, and nothing twice.
        sums = self.pull(plain)
        self.assertEqual((sums["INBOX"]["appended"], sums["INBOX"]["known"]),
                         (1, 1))
        self.assertEqual(len(self.inbox()), 3)

    def test_bodies_that_are_no_literals(self):
        def answer(script, command):
            if "UID FETCH 10 BODY" in command:
                return '* 1 FETCH (BODY[] "a: b\\"" UID 10)\r\n'
            if "UID FETCH 20 BODY" in command:
                return '* 2 FETCH (UID 20 BODY[] NIL)\r\n'
            if "UID FETCH 30 BODY" in command:
                return ('* 1 FETCH (FLAGS (\\Seen))\r\n* 3 FETCH '
                        '(BODY[] {0}\r\n UID 30)\r\n')
            return plain(script, command)
        self.pull(answer)
        self.assertEqual([b for _, b in self.inbox().values()],
                         [b'a: b"', b"", b""])

    def test_nonsense_is_no_harm(self):
        def flood(text):
            return text * (400000 // len(text))
        for at, said in (
                ("CAPABILITY", "* BYE go away\r\n\0"),
                ("LOGIN", "+ what else?\r\n\0"),
                ("LIST", flood("* LIST ((((((")),
                ("LIST", "* LIST () NIL {999999999}\r\n"),
                ("EXAMINE", flood("x") + "\r\n"),
                ("UID FETCH 1:*", "* 1 FETCH (UID {400000}\r\n"),
                ("UID FETCH 10 BODY", "* 1 FETCH (BODY[] {99999999999}\r\n"),
        ):
            with self.subTest(said=said[:60]):
                self.pull(lambda script, command: said if command.startswith(
                    at) else plain(script, command), code=1)
                self.assertTrue(self.said.startswith("posternctl: ") or
                                "posternctl: " in self.said, self.said)
        for at, said in (
                ("UID FETCH 1:*", "* 1 FETCH (UID 0 FLAGS ())\r\n"),
                ("UID FETCH 1:*", flood("* 1 FETCH (((((((((((((\r\n")),
                ("UID FETCH 1:*", "* 1 FETCH (UID 7 FLAGS (\\Seen \r\n"),
                ("EXAMINE", "* 99999999999999999999 EXISTS\r\n* X\r\n\r\n"),
        ):
            with self.subTest(said=said[:60]):
                sums = self.pull(
                    lambda script, command: said if command.startswith(at)
                    else plain(script, command))
                self.assertEqual(sums["INBOX"]["appended"], 0)

    def test_no_password_without_tls_elsewhere(self):
        # This machine's own address that is none of loopback.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            try:
                s.connect(("192.0.2.1", 9))
                own = s.getsockname()[0]
            except OSError:
                own = "127.0.0.1"
        if own.startswith("127."):
            self.skipTest("no other address")
        script = Script(plain)
        script.listener.close()
        script.listener = socket.create_server((own, 0))
        port = script.listener.getsockname()[1]
        script.start()
        self.addCleanup(script.stop)
        with open(self.path("password"), "w") as f:
            f.write(SECRET)
        self.run_import("imap://u@%s:%d" % (own, port), "--password-file",
                        self.path("password"), code=1)
        self.assertIn("offers no TLS", self.said)
        self.assertFalse([c for c in script.commands if SECRET in c])


if __name__ == "__main__":
    unittest.main()
