"""kill -9 between a submission's record and its message: there are both or
neither, and nobody gets it twice. tests/crash/end_at.c ends the server at one of
the changes of the record's file."""

import http.client
import json
import os
import socketserver
import subprocess
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
from jmap import Jmap  # noqa: E402
from postern import SLOW, Server  # noqa: E402


class Sink(socketserver.ThreadingTCPServer):
    """A server for mail that remembers subjects."""
    daemon_threads = True
    allow_reuse_address = True

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            def say(text):
                self.wfile.write(text + b"\r\n")
            say(b"220 sink ESMTP")
            for line in self.rfile:
                verb = line.strip().upper()
                if verb == b"QUIT":
                    return say(b"221 bye")
                say(b"354 go on" if verb == b"DATA" else b"250 ok")
                if verb == b"DATA":
                    subject = None
                    for line in self.rfile:
                        if line == b".\r\n":
                            break
                        if line.startswith(b"Subject: "):
                            subject = line[9:].strip().decode()
                    self.server.subjects.append(subject)
                    say(b"250 taken")

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.subjects = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()


class Submission(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        cls.library = os.path.join(cls.dir.name, "end_at.so")
        subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O",
                        "-o", cls.library, os.path.join(HERE, "end_at.c"),
                        "-ldl"], check=True)
        cls.addClassCleanup(cls.dir.cleanup)

    def begin(self):
        self.sink = Sink()
        self.addCleanup(self.sink.close)
        self.server = Server(users=2, set=[
            "queue.enabled=true", "dkim.sign=false",
            "queue.retry_first=1", "queue.retry_most=1",
            "queue.relay=[127.0.0.1]:%d" % self.sink.server_address[1]])
        self.addCleanup(self.server.clean)
        self.addCleanup(self.stop)
        self.server.start()

    def stop(self):
        if self.server.process is not None:
            self.server.stop()

    def start_to_end(self, when):
        self.server.stop()
        self.server.env = {"LD_PRELOAD": self.library, "END_AT": when}
        self.server.start()

    def start_again(self):
        self.server.process.wait(60 * SLOW)
        self.server.env = {}
        self.server.start()

    def draft(self, subject):
        jmap = Jmap(self.server)
        id = jmap.create(
            jmap.mailboxes()["drafts"], keywords={"$draft": True},
            **{"from": [{"email": "user1@example.test"}],
               "to": [{"email": "user2@example.test"},
                      {"email": "friend@other.test"}], "subject": subject,
               "textBody": [{"partId": "1"}],
               "bodyValues": {"1": {"value": "Text"}}})["id"]
        jmap.close()
        return id

    def submit(self, email, hold=None):
        """What was answered, or None: nothing was."""
        jmap = Jmap(self.server)
        more = {} if hold is None else {"envelope": {
            "mailFrom": {"email": "user1@example.test",
                         "parameters": {"HOLDFOR": hold}},
            "rcptTo": [{"email": "user2@example.test"},
                       {"email": "friend@other.test"}]}}
        try:
            return jmap.call("EmailSubmission/set", create={
                "s": {"emailId": email, "identityId": "own", **more}})
        except (OSError, http.client.HTTPException):
            return None
        finally:
            jmap.close()

    def until(self, what):
        for _ in range(600 * SLOW):
            got = what()
            if got:
                return got
            time.sleep(0.05)
        self.fail("it never came to that")

    def records(self):
        found = []
        for dir, _, names in os.walk(self.outbox()):
            for name in names:
                if "." not in name:
                    with open(os.path.join(dir, name)) as f:
                        found.append(json.load(f))
        return found

    def outbox(self):
        for dir, names, _ in os.walk(self.server.dir):
            if "outbox" in names:
                return os.path.join(dir, "outbox")
        return self.server.dir + "/none"

    def inbox(self):
        jmap = Jmap(self.server, "user2@example.test")
        ids = jmap.call("Email/query", filter={
            "inMailbox": jmap.mailboxes()["inbox"]})["ids"]
        got = jmap.call("Email/get", ids=ids, properties=["subject"])["list"]
        jmap.close()
        return [e["subject"] for e in got]

    def settled(self, subject, times):
        """Each has it so often, and all that is under way has come."""
        self.until(lambda: not any("onItsWay" in r for r in self.records()))
        self.submit(self.draft("Behind"))
        self.until(lambda: "Behind" in self.sink.subjects)
        self.until(lambda: self.server.ctl(
            "queue", "list", "--json").stdout.strip() in ("", "[]"))
        self.assertEqual(self.inbox().count(subject), times)
        self.assertEqual(self.sink.subjects.count(subject), times)
        jmap = Jmap(self.server)
        listed = jmap.call("EmailSubmission/get", ids=None)["list"]
        jmap.close()
        self.assertEqual(len(listed), times + 1)
        for one in listed:
            self.assertEqual(one["undoStatus"], "final")
            self.assertEqual(sorted(one["deliveryStatus"]), [
                "friend@other.test", "user2@example.test"])
            self.assertNotIn("handing", one)

    def at(self, when, times, hold=None):
        self.begin()
        email = self.draft("Once")
        self.start_to_end(when)
        answer = self.submit(email, hold)
        if hold is None:
            self.assertIsNone(answer)
        self.start_again()
        self.settled("Once", times)

    def test_before_there_is_a_record(self):
        self.at("before 1 /outbox/", 0)

    def test_before_anybody_has_it(self):
        self.at("after 1 /outbox/", 1)

    def test_when_all_have_it(self):
        self.at("before 2 /outbox/", 1)

    def test_when_it_is_done(self):
        self.at("after 2 /outbox/", 1)

    # What is held has a record, says that it is under way, and by which id.

    def test_held_under_way(self):
        self.at("after 2 /outbox/", 1, hold="1")

    def test_held_before_anybody_has_it(self):
        self.at("after 3 /outbox/", 1, hold="1")

    def test_held_when_all_have_it(self):
        self.at("before 4 /outbox/", 1, hold="1")


if __name__ == "__main__":
    unittest.main()
