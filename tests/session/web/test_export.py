"""A mailbox as an mbox file."""

import http.client
import imaplib
import mailbox
import os
import re
import tempfile
import unittest
import urllib.parse

from browser import Browser
from postern import Server


class Export(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server().start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.clean()

    def setUp(self):
        self.browser = Browser(self.server)
        self.addCleanup(self.browser.close)
        self.browser.login(self.server.users[0], self.server.password)
        self.imap = imaplib.IMAP4(self.server.host, self.server.ports["imap"])
        self.imap.login(self.server.users[0], self.server.password)
        self.addCleanup(self.imap.shutdown)

    def id_of(self, name):
        _, session, _ = self.browser.ask("GET", "/.well-known/jmap")
        account, = session["accounts"]
        using = ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"]
        path = urllib.parse.urlparse(session["apiUrl"]).path
        _, root, _ = self.browser.ask("POST", path, {
            "using": using, "methodCalls": [
                ["Mailbox/get", {"accountId": account, "ids": None}, "a"]]})
        return next(one["id"] for one in root["methodResponses"][0][1]["list"]
                    if one["name"] == name)

    def export(self, name):
        status, text, answer = self.browser.ask(
            "GET", "/web/export?mailbox=" + self.id_of(name))
        self.assertEqual(status, 200)
        self.assertEqual(answer.getheader("Content-Type"), "application/mbox")
        self.assertEqual(answer.getheader("Transfer-Encoding"), "chunked")
        return text, answer

    def test_messages_come_out_as_they_are(self):
        self.imap.create("Out")
        self.imap.create("Out/Way")
        bodies = [b"From here\r\n>From there\r\nno end", b"", b"x" * 300000,
                  b"Line\r\n" * 20000]
        for i, body in enumerate(bodies):
            self.imap.append("Out/Way", "(\\Seen word)", None,
                             b"Subject: %d\r\nStatus: fake\r\n\r\n%s" %
                             (i, body))
        text, answer = self.export("Way")
        self.assertIn("Out%20-%20Way.mbox",
                      answer.getheader("Content-Disposition"))
        with tempfile.TemporaryDirectory() as dir:
            path = os.path.join(dir, "x")
            with open(path, "wb") as f:
                f.write(text)
            box = mailbox.mbox(path)
            self.assertEqual(len(box), len(bodies))
            for i, body in enumerate(bodies):
                m = box[i]
                self.assertEqual(m["Subject"], str(i))
                self.assertIn("R", m.get_flags())
                self.assertEqual(m.get_all("X-Keywords"), ["word"])
                got = re.sub(r"^>(>*From )", r"\1", m.get_payload(),
                             flags=re.M)
                want = body.decode().replace("\r\n", "\n")
                self.assertEqual(got.rstrip("\n"), want.rstrip("\n"))
            box.close()
            # And the server's own reader takes it back.
            done = self.server.ctl("import", self.server.users[1], "--from",
                                   "mbox:" + path, "--into", "Back")
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_empty(self):
        self.imap.create("Empty")
        self.assertEqual(self.export("Empty")[0], b"")

    def test_head(self):
        id = self.id_of("Inbox")
        status, text, answer = self.browser.ask(
            "HEAD", "/web/export?mailbox=" + id)
        self.assertEqual((status, text), (200, b""))

    def test_old_client(self):
        """HTTP/1.0 knows no chunks: the end of the connection is the end."""
        self.imap.create("Old")
        self.imap.append("Old", None, None, b"Subject: old\r\n\r\nText\r\n")
        id = self.id_of("Old")
        c = http.client.HTTPConnection(
            self.server.host, self.server.ports["http"], timeout=60)
        c._http_vsn, c._http_vsn_str = 10, "HTTP/1.0"
        self.addCleanup(c.close)
        c.request("GET", "/web/export?mailbox=" + id,
                  headers={"Cookie": self.browser.cookie})
        answer = c.getresponse()
        self.assertIsNone(answer.getheader("Transfer-Encoding"))
        text = answer.read()
        self.assertTrue(text.startswith(b"From MAILER-DAEMON "))
        self.assertIn(b"Subject: old", text)
        self.assertNotIn(b"\r\n0\r\n", text)

    def test_connection_goes_on(self):
        self.imap.create("Twice")
        self.imap.append("Twice", None, None, b"Subject: x\r\n\r\nText\r\n")
        first, _ = self.export("Twice")
        again, _ = self.export("Twice")
        self.assertEqual(first, again)

    def test_none(self):
        for query in ("", "?mailbox=", "?mailbox=nobody", "?mailbox=%00"):
            self.assertEqual(
                self.browser.ask("GET", "/web/export" + query)[0], 404)
        stranger = Browser(self.server)
        self.addCleanup(stranger.close)
        self.assertEqual(stranger.ask(
            "GET", "/web/export?mailbox=" + self.id_of("Inbox"))[0], 401)
        theirs = Browser(self.server)
        self.addCleanup(theirs.close)
        theirs.login(self.server.users[1], self.server.password)
        self.assertEqual(theirs.ask(
            "GET", "/web/export?mailbox=" + self.id_of("Inbox"))[0], 404)

    def test_many(self):
        """The size of one message does not grow with their number."""
        self.imap.create("Many")
        line = b"x" * 70 + b"\r\n"
        for i in range(400):
            self.imap.append("Many", None, None,
                             b"Subject: %d\r\n\r\n" % i + line * 700)
        text, _ = self.export("Many")
        self.assertEqual(text.count(b"\nSubject: "), 400)
        self.assertGreater(len(text), 400 * 49000)


if __name__ == "__main__":
    unittest.main()
