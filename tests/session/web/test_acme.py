"""What is there without TLS: answers to the challenges of ACME (RFC 8555, 8.3)
from files of others, and the way to HTTPS."""

import http.client
import os
import shutil
import socket
import ssl
import tempfile
import unittest

from postern import Server

TOKEN = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr_oA"
ANSWER = TOKEN + "." + "x" * 43
PATH = "/.well-known/acme-challenge/"


class Acme(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(prefix="postern-acme-")
        cls.addClassCleanup(shutil.rmtree, cls.root, True)
        cls.dir = os.path.join(cls.root, "webroot")
        cls.files = cls.dir + PATH
        cls.server = Server(set=[
            "listener.redirect.protocol=redirect",
            "listener.redirect.tls=none",
            "listener.redirect.address=127.0.0.1",
            "http.acme_dir=" + cls.dir])
        cls.addClassCleanup(cls.server.clean)
        os.mkdir(cls.dir)
        cls.server.start()
        cls.addClassCleanup(cls.server.stop)
        # As by certbot: while the server serves, and only then.
        os.makedirs(cls.files)
        cls.put(TOKEN, ANSWER)

    @classmethod
    def put(cls, name, text):
        with open(os.path.join(cls.files, name), "w") as f:
            f.write(text)

    def ask(self, path, port="redirect", method="GET", **fields):
        """The status, the fields and the content."""
        if port == "https":
            c = http.client.HTTPSConnection(
                self.server.host, self.server.ports[port], timeout=20,
                context=ssl._create_unverified_context())
        else:
            c = http.client.HTTPConnection(
                self.server.host, self.server.ports[port], timeout=20)
        self.addCleanup(c.close)
        c.putrequest(method, path, skip_host="Host" in fields)
        for name, value in fields.items():
            c.putheader(name, value)
        c.endheaders()
        answer = c.getresponse()
        return answer.status, answer.headers, answer.read().decode()

    def test_answers(self):
        for port in ("redirect", "http", "https"):
            status, fields, text = self.ask(PATH + TOKEN, port)
            self.assertEqual((status, text), (200, ANSWER), port)
            self.assertEqual(fields["Content-Type"],
                             "application/octet-stream")
            self.assertEqual(fields["Cache-Control"], "no-store")
        status, fields, text = self.ask(PATH + TOKEN, method="HEAD")
        self.assertEqual((status, text), (200, ""))
        self.assertEqual(fields["Content-Length"], str(len(ANSWER)))
        self.assertEqual(self.ask(PATH + TOKEN, method="POST")[0], 405)
        # RFC 8555, 8.3: space at the end does not count.
        self.put("abc", "abc." + "y" * 43 + "\n")
        self.assertEqual(self.ask(PATH + "abc")[2], "abc." + "y" * 43)
        self.put("abc", "abc." + "z" * 43)
        self.assertEqual(self.ask(PATH + "abc")[2], "abc." + "z" * 43)
        os.unlink(self.files + "abc")
        self.assertEqual(self.ask(PATH + "abc")[0], 404)

    def test_nothing_but_answers(self):
        """Whatever else lies there, or is led to, is not sent."""
        good = "b" * 43
        with open(os.path.join(self.root, "secret"), "w") as f:
            f.write("secret." + good)
        # One that the server could read.
        with open(os.path.join(self.dir, "linked"), "w") as f:
            f.write("linked." + good)
        self.put("page.html", "page.html." + good)
        self.put("empty", "")
        self.put("short", "short." + good[1:])
        self.put("long", "long." + good + "b")
        self.put("other", TOKEN + "." + good)
        self.put("lines", "lines." + good[1:] + "\n" + good)
        self.put("much", "much." + good + " " * 10000)
        self.put("l" * 129, "l" * 129 + "." + good)
        self.put(".hidden", ".hidden." + good)
        os.symlink(os.path.join(self.root, "secret"), self.files + "secret")
        os.symlink(os.path.join(self.dir, "linked"), self.files + "linked")
        os.mkdir(self.files + "folder")
        os.mkfifo(self.files + "fifo")
        for name in ("page.html", "empty", "short", "long", "other", "lines",
                     "much", "l" * 129, "l" * 4000, ".hidden", "secret",
                     "linked", "folder", "folder/", "fifo", "none", "", "a%2fb",
                     TOKEN + "/", TOKEN + "%0a", TOKEN + "?", "/" + TOKEN,
                     "%C3%A4", "folder/../" + TOKEN):
            with self.subTest(name):
                status, _, text = self.ask(PATH + name)
                if name.endswith("?"):
                    self.assertEqual((status, text), (200, ANSWER))
                    continue
                self.assertIn(status, (400, 404))
                self.assertNotIn(good, text)

    def test_no_way_out(self):
        with open(os.path.join(self.dir, "up"), "w") as f:
            f.write("up." + "b" * 43)
        for path in ("../../up", "..%2f..%2fup", "%2e%2e/%2e%2e/up",
                     "..%5c..%5cup", "....//....//up", "./../../up",
                     "%2e%2e%2f%2e%2e%2fup", "..%00/up", "up%00", "../up",
                     "..;/..;/up", "%252e%252e%252fup",
                     "//" + self.dir + "/up", "~/up"):
            with self.subTest(path):
                status, _, text = self.ask(PATH + path)
                self.assertIn(status, (400, 404))
                self.assertNotIn("bbb", text)
        self.assertEqual(self.ask("/up", "http")[0], 404)

    def test_the_way_to_https(self):
        port = self.server.ports["https"]
        to = "https://mail.example.test:%d" % port
        host = {"Host": "mail.example.test:80"}
        for path in ("/", "/mail/x?a=b&c=%20", "/.well-known/mta-sts.txt",
                     "//elsewhere.test/", "/a%0d%0aX-Y:z"):
            status, fields, text = self.ask(path, **host)
            self.assertEqual((status, fields["Location"], text),
                             (301, to + path, ""))
            self.assertIsNone(fields["X-Y"])
        # The host is the one that was asked for, if it is one.
        for asked, led in (
                ("www.example.test", "www.example.test"),
                ("[::1]:80", "[::1]"), ("[::1]", "[::1]"),
                ("127.0.0.1", "127.0.0.1"),
                ("a@elsewhere.test", "mail.example.test"),
                ("elsewhere.test/x", "mail.example.test"),
                ("", "mail.example.test")):
            self.assertEqual(
                self.ask("/", Host=asked)[1]["Location"],
                "https://%s:%d/" % (led, port), asked)
        self.assertEqual(self.ask("/", method="POST", **host)[0], 405)
        self.assertEqual(self.ask("/" + "a" * 9000, **host)[0], 414)
        # Nobody logs in there, and nothing else is served.
        for path in ("/jmap/session", "/web/session", "/metrics", "/health"):
            self.assertEqual(self.ask(path, **host)[0], 301)

    def test_a_dribbling_client_does_not_hold_others(self):
        with socket.create_connection(
                (self.server.host, self.server.ports["redirect"]), 20) as s:
            s.sendall(b"GET " + PATH.encode())
            self.assertEqual(self.ask(PATH + TOKEN)[0], 200)
            s.sendall(TOKEN.encode() + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertTrue(s.recv(1000).startswith(b"HTTP/1.1 200 "))


class Without(unittest.TestCase):
    def test_nothing_is_served_by_default(self):
        with Server(set=["listener.redirect.protocol=redirect",
                         "listener.redirect.tls=none",
                         "listener.redirect.address=127.0.0.1"]) as server:
            for port in ("redirect", "http"):
                c = http.client.HTTPConnection(
                    server.host, server.ports[port], timeout=20)
                c.request("GET", PATH + TOKEN)
                self.assertEqual(c.getresponse().status, 404)
                c.close()

    def test_where_browsers_find_the_server(self):
        """web.url, if it has TLS."""
        for url, led in (("https://www.example.test:8443",
                          "https://www.example.test:8443"),
                         ("http://www.example.test:8080",
                          "https://www.example.test:%d")):
            with Server(set=["listener.redirect.protocol=redirect",
                             "listener.redirect.tls=none",
                             "listener.redirect.address=127.0.0.1",
                             "web.url=" + url]) as server:
                c = http.client.HTTPConnection(
                    server.host, server.ports["redirect"], timeout=20)
                c.request("GET", "/x?y")
                answer = c.getresponse()
                if "%" in led:
                    led %= server.ports["https"]
                self.assertEqual(
                    (answer.status, answer.getheader("Location")),
                    (301, led + "/x?y"))
                c.close()

    def test_tls_is_for_those_who_are_led_there(self):
        server = Server(set=["listener.redirect.protocol=redirect",
                             "listener.redirect.tls=implicit",
                             "listener.redirect.address=127.0.0.1"])
        self.addCleanup(server.clean)
        with self.assertRaisesRegex(RuntimeError, "listener redirect: "):
            server.start()


if __name__ == "__main__":
    unittest.main()
