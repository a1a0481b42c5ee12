"""What one user may have under way and keep: RFC 8620, 2, 3.6.1 and 6."""

import base64
import http.client
import json
import os
import threading
import unittest

from jmap import CORE, Jmap
from postern import Server

LIMIT = "urn:ietf:params:jmap:error:limit"


class Limits(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(set=[
            "jmap.requests=1", "jmap.uploads=2", "jmap.upload_space=1M",
            "http.upload_size=600K"]).start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.clean()

    def setUp(self):
        self.jmap = Jmap(self.server)
        self.addCleanup(self.jmap.close)

    def uploads(self):
        dir = os.path.join(self.server.dir, "state/uploads",
                           self.jmap.account)
        return os.listdir(dir) if os.path.exists(dir) else []

    def test_announced(self):
        core = self.jmap.session["capabilities"][CORE]
        self.assertEqual(core["maxConcurrentRequests"], 1)
        self.assertEqual(core["maxConcurrentUpload"], 2)

    def test_requests(self):
        """While a long one is under way, others are refused; and not those
        of other users."""
        inbox = self.jmap.mailboxes()["inbox"]
        other = Jmap(self.server, "user2@example.test")
        self.addCleanup(other.close)
        refused = None
        for _ in range(10):
            long = Jmap(self.server)
            made = []

            def work():
                made.append(long.call("Email/set", create={
                    "m%d" % i: {"mailboxIds": {inbox: True},
                                "subject": "%d" % i} for i in range(200)}))
            thread = threading.Thread(target=work)
            thread.start()
            while thread.is_alive() and refused is None:
                status, text, answer = self.jmap.post(
                    {"using": [CORE],
                     "methodCalls": [["Core/echo", {}, "c"]]})
                if status != 200:
                    refused = status, json.loads(text), answer
                    self.assertEqual(other.raw(("Core/echo", {}))[0][0],
                                     "Core/echo")
            thread.join()
            long.close()
            if made:
                self.assertEqual(len(made[0]["created"]), 200)
            if refused:
                break
        status, problem, answer = refused
        self.assertEqual(status, 400)
        self.assertEqual(answer.getheader("Content-Type"),
                         "application/problem+json")
        self.assertEqual((problem["type"], problem["limit"]),
                         (LIMIT, "maxConcurrentRequests"))
        self.assertEqual(self.jmap.raw(("Core/echo", {}))[0][0], "Core/echo")

    def begin(self, octets, length=1000):
        """An upload that is not complete."""
        c = http.client.HTTPConnection(
            self.server.host, self.server.ports["http"], timeout=30)
        self.addCleanup(c.close)
        c.putrequest("POST", self.jmap.url("uploadUrl",
                                           accountId=self.jmap.account))
        c.putheader("Authorization", "Basic " + base64.b64encode(
            b"user1@example.test:secret").decode())
        c.putheader("Content-Length", str(length))
        c.endheaders(octets)
        return c

    def test_uploads(self):
        before = len(self.uploads())
        first, second = self.begin(b"a" * 10), self.begin(b"b" * 10)
        # Both are there when their files are.
        for _ in range(1000):
            if len(self.uploads()) >= before + 2:
                break
            threading.Event().wait(0.01)
        status, text, _ = self.jmap.request(
            "POST", self.jmap.url("uploadUrl", accountId=self.jmap.account),
            "x")
        problem = json.loads(text)
        self.assertEqual(
            (status, problem["type"], problem["limit"]),
            (400, LIMIT, "maxConcurrentUpload"))
        first.send(b"a" * 990)
        answer = first.getresponse()
        self.assertEqual(answer.status, 201)
        self.assertEqual(json.loads(answer.read())["size"], 1000)
        self.assertEqual(self.jmap.upload("x")["size"], 1)
        second.close()  # one that is broken off counts no more
        for _ in range(1000):
            third = self.begin(b"c" * 10)
            status = self.jmap.request(
                "POST", self.jmap.url("uploadUrl",
                                      accountId=self.jmap.account), "x")[0]
            third.close()
            if status == 201:
                break
        self.assertEqual(status, 201)

    def test_space(self):
        """The oldest go for a new one."""
        blobs = []
        for i in range(5):
            blob = self.jmap.upload(b"%d" % i * 400000)["blobId"]
            path = os.path.join(self.server.dir, "state/uploads",
                                self.jmap.account, blob)
            os.utime(path, (os.stat(path).st_mtime - 100 + i,) * 2)
            blobs.append(blob)
        found = [self.jmap.download(b)[0] for b in blobs]
        self.assertEqual(found, [404, 404, 404, 200, 200])
        self.assertEqual(self.jmap.download(blobs[4])[1], b"4" * 400000)
        status, text, _ = self.jmap.request(
            "POST", self.jmap.url("uploadUrl", accountId=self.jmap.account),
            b"x" * 700000)
        self.assertEqual(status, 413)


if __name__ == "__main__":
    unittest.main()
