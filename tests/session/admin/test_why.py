"""posternctl why: what happened to a message, found by all that names it."""

import base64
import json
import os
import re
import shutil
import smtplib
import socket
import tempfile
import threading
import unittest

from postern import Server
from wire import wait_for


class Why(unittest.TestCase):
    def start(self, *settings, users=2):
        self.server = Server(users=users, set=settings).start()
        self.addCleanup(self.server.clean)
        self.addCleanup(lambda: self.server.stop())
        self.user = self.server.users[0]

    def why(self, *args, code=0):
        p = self.server.ctl("why", *args)
        self.assertEqual(p.returncode, code, p.stdout + p.stderr)
        return p.stdout + p.stderr

    def stories(self, *args):
        """Of each message the events, as pairs of a word and what is known."""
        return [[(e["event"], e["what"]) for e in story]
                for story in json.loads(self.why("--json", *args))]

    def smtp(self, port, login=False):
        s = smtplib.SMTP(self.server.host, self.server.ports[port], timeout=60)
        self.addCleanup(s.close)
        if login:
            s.login(self.user, self.server.password)
        return s

    def send(self, to, message_id="m1@example.test", port="smtp",
             sender="a@example.org"):
        """The id that the server gives it."""
        s = self.smtp(port, login=port == "submission")
        s.ehlo("client.example.org")
        s.mail(sender)
        for one in to:
            s.rcpt(one)
        return re.search(rb"stored as (\S+)", s.data(
            "From: <%s>\r\nMessage-ID:\r\n <%s>\r\n\r\nsecret text\r\n"
            % (sender, message_id))[1]).group(1).decode()

    def test_a_message_that_stays_here(self):
        self.start()
        there = self.server.users
        mid = self.send([there[0], "nobody@example.test", there[1]])
        story, = self.stories(mid)
        self.assertEqual([e for e, _ in story], [
            "mail", "rcpt", "recipient-refused", "rcpt", "content", "stored",
            "stored"])
        self.assertEqual(story[0][1], {
            "from": "a@example.org", "by": "smtp", "client": "127.0.0.1",
            "helo": "client.example.org"})
        self.assertEqual(story[2][1]["to"], "nobody@example.test")
        self.assertIn("550 5.1.1", story[2][1]["reply"])
        self.assertEqual(story[4][1]["message-id"], "m1@example.test")
        self.assertEqual(story[5][1], {
            "user": there[0], "mailbox": "INBOX", "uid": "1"})
        # The same by each of its names.
        for name in ("m1@example.test", "<M1@example.test>"):
            self.assertEqual(self.stories(name), [story], name)
        for options in (("--from", "A@example.org"), ("--to", there[1]),
                        ("--to", "nobody@example.test", "--since", "1h"),
                        ("--from", "a@example.org", "--to", there[0])):
            self.assertEqual(self.stories(*options), [story], options)
        self.why("--from", "a@example.org", "--to", "who@example.org", code=3)
        self.why("no-such-id", code=3)
        self.why(code=2)
        self.why("--to", there[0], "--since", "yesterday", code=2)

    def test_several_messages(self):
        self.start()
        ids = [self.send([self.user], "m%d@example.test" % i)
               for i in range(3)]
        found = json.loads(self.why("--to", self.user, "--json"))
        self.assertEqual([s[0]["id"] for s in found], ids[::-1])
        text = self.why("--to", self.user)
        self.assertEqual(len(text.splitlines()), 4)
        self.assertIn("LAST EVENT", text)
        text = self.why(ids[1])
        self.assertIn(ids[1] + "\n", text)
        self.assertIn("message-id=m1@example.test", text)
        self.assertNotIn("secret text", text)

    def test_what_was_refused(self):
        self.start()
        s = self.smtp("submission", login=True)
        self.assertEqual(s.mail("somebody@example.org")[0], 553)
        story, = self.stories("--from", "somebody@example.org")
        self.assertEqual(story[0][0], "sender-refused")
        self.assertEqual(story[0][1]["user"], self.user)
        s = self.smtp("smtp")
        s.ehlo()
        s.mail("b@example.org")
        s.rcpt(self.user)
        self.assertEqual(s.data(b"\r\n" * 40 + b"\0\r\n")[0], 550)
        story, = self.stories("--from", "b@example.org")
        self.assertEqual(story[-1][0], "message-refused")
        self.assertIn("NUL", story[-1][1]["reply"])

    def test_lmtp(self):
        self.start()
        s = smtplib.LMTP(self.server.host, self.server.ports["lmtp"],
                         timeout=60)
        self.addCleanup(s.close)
        s.sendmail("l@example.org", self.server.users,
                   "Message-ID: <l@example.org>\r\n\r\nx\r\n")
        story, = self.stories("l@example.org")
        self.assertEqual(story[0][1]["by"], "lmtp")
        self.assertEqual({w["user"] for e, w in story if e == "stored"},
                         set(self.server.users))

    def test_after_a_restart_and_without_a_server(self):
        self.start()
        mid = self.send([self.user])
        before = self.stories(mid)
        self.server.stop()
        self.assertEqual(self.stories(mid), before)
        self.server.start()
        self.assertEqual(self.stories(mid), before)
        self.send([self.user], "m2@example.test")
        self.assertEqual(len(self.stories("--to", self.user)), 2)

    def test_switched_off(self):
        self.start("trail.enabled=false")
        self.send([self.user])
        self.why("--to", self.user, code=3)
        self.assertFalse(os.path.exists(
            os.path.join(self.server.dir, "state/trail")))

    def peer(self, *replies):
        """A server for other servers: takes one connection, answers each line
        with the next reply; None: closes. All lines that it heard."""
        heard = []
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def run():
            c = listener.accept()[0]
            f = c.makefile("rb")
            c.sendall(b"220 peer.example ESMTP\r\n")
            for reply in replies:
                heard.append(f.readline())
                if reply is None:
                    break
                c.sendall(reply.encode() + b"\r\n")
            f.close()
            c.close()
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.addCleanup(thread.join, 60)
        return listener.getsockname()[1], heard

    def relay(self, *replies):
        port, heard = self.peer(*replies)
        self.start("queue.enabled=true", "queue.relay=[127.0.0.1]:%d" % port,
                   "dkim.sign=false")
        return heard

    def log_in_and_relay(self, *replies):
        """With a password at the relay."""
        port, heard = self.peer(*replies)
        path = os.path.join(tempfile.mkdtemp(), "password")
        self.addCleanup(shutil.rmtree, os.path.dirname(path))
        with open(path, "w") as f:
            f.write("open sesame\n")
        os.chmod(path, 0o600)
        self.start("queue.enabled=true", "dkim.sign=false",
                   "relay.smart.host=[127.0.0.1]:%d" % port,
                   "relay.smart.tls=may",
                   "relay.smart.username=somebody",
                   "relay.smart.password_file=" + path,
                   "destination.all.domains=*", "destination.all.relay=smart")
        return heard

    def submit(self, to="friend@other.test"):
        self.smtp("submission", login=True).sendmail(
            self.user, [to],
            "From: <%s>\r\nMessage-ID: <s@x>\r\n\r\nx\r\n" % self.user)

    def words(self, word):
        for story in self.stories("s@x"):
            if any(e == word for e, _ in story):
                return story

    def test_a_message_that_waits(self):
        self.relay("250-peer.example\r\n250 SIZE 1000000", "250 ok",
                   "451 4.2.1 Try later", "250 reset")
        self.submit()
        story = wait_for(lambda: self.words("waits"))
        queue = next(w["queue"] for e, w in story if e == "queued")
        said = next(w["text"] for e, w in story if e == "conversation")
        self.assertIn("S: 220 peer.example ESMTP\nC: EHLO mail.example.test\n"
                      "S: 250 peer.example\nS: SIZE 1000000\n"
                      "C: MAIL FROM:<user1@example.test>", said)
        self.assertIn("C: RCPT TO:<friend@other.test>\n"
                      "S: 451 4.2.1 Try later\n", said)
        words = dict(story)
        self.assertEqual(words["deferred"]["answer"], "451 4.2.1 Try later")
        self.assertEqual(words["try"]["domain"], "other.test")
        self.assertEqual(words["waits-now"]["tries"], "1")
        self.assertEqual(words["waits-now"]["destination-busy"][:4], "0 of")
        self.assertEqual(words["host"]["addresses"], "127.0.0.1")
        # By the id of the queue, too, and by the recipient.
        self.assertEqual(self.stories(queue), self.stories("s@x"))
        self.assertEqual(self.stories("--to", "friend@other.test"),
                         self.stories("s@x"))
        # What the administrator does belongs to it.
        self.server.ctl("queue", "hold", queue)
        story, = self.stories(queue)
        self.assertEqual([e for e, _ in story][-2:], ["hold", "is-held"])
        self.server.ctl("queue", "delete", queue)
        story, = self.stories(queue)
        self.assertEqual(story[-1][0], "delete")

    def test_a_destination_that_sleeps(self):
        with socket.create_server(("127.0.0.1", 0)) as s:
            port = s.getsockname()[1]
        self.start("queue.enabled=true", "dkim.sign=false",
                   "queue.relay=[127.0.0.1]:%d" % port)
        self.submit()
        wait_for(lambda: self.words("waits"))
        now = dict(wait_for(lambda: self.words("waits-now")))["waits-now"]
        self.assertRegex(now["destination-sleeps"], r"^\d+ s$")
        self.assertIn("refused", now["destination-error"])

    def test_a_message_that_comes_back(self):
        self.relay("250 peer.example", "250 ok", "550 5.1.1 Nobody", "250 ok")
        self.submit()
        story = wait_for(lambda: self.words("notification"))
        wait_for(lambda: [e for e, _ in self.words("notification")][-1]
                 != "notification" and self.words("stored"))
        words = dict(self.words("stored"))
        self.assertEqual(words["bounced"]["answer"], "550 5.1.1 Nobody")
        self.assertEqual(words["notification"]["to"], self.user)
        self.assertEqual(words["stored"]["user"], self.user)

    def test_no_content_and_no_secrets(self):
        heard = self.log_in_and_relay(
            "250-peer.example\r\n250 AUTH LOGIN", "334 VXNlcm5hbWU6",
            "334 UGFzc3dvcmQ6", "235 ok", "250 ok", "250 ok", "354 go", None)
        self.submit()
        story = wait_for(lambda: self.words("conversation"))
        said = dict(story)["conversation"]["text"]
        self.assertIn("C: [authentication]\nS: 334 [challenge]\n"
                      "C: [authentication]\nS: 334 [challenge]\n"
                      "C: [authentication]\nS: 235 ok\nC: MAIL", said)
        self.assertIn(base64.b64encode(b"open sesame") + b"\r\n", heard)
        self.server.stop()
        trail = os.path.join(self.server.dir, "state/trail")
        for name in os.listdir(trail):
            path = os.path.join(trail, name)
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
            with open(path, "rb") as f:
                text = f.read()
            self.assertNotIn(b"secret", text)
            for word in (b"open sesame", b"somebody"):
                self.assertNotIn(word, text)
                self.assertNotIn(base64.b64encode(word), text)
            self.assertNotIn(b"Subject", text)


if __name__ == "__main__":
    unittest.main()
