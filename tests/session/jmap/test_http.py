"""HTTP below JMAP: where a request ends, who may ask, what is refused."""

import base64
import http.client
import json
import socket
import unittest

from postern import Server

GET = b"GET /.well-known/jmap HTTP/1.1\r\nHost: x\r\n"
BASIC = b"Authorization: Basic " + base64.b64encode(
    b"user1@example.test:secret") + b"\r\n"


class Http(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(set=["http.header_size=4K", "http.body_size=8K",
                                 "http.body_time=2",
                                 "auth.failure_delay=10"]).start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.clean()

    def setUp(self):
        self.socket = socket.create_connection(
            (self.server.host, self.server.ports["http"]), timeout=20)
        self.addCleanup(self.socket.close)

    def talk(self, octets):
        """All answers until the server closes, or it is quiet."""
        self.socket.sendall(octets)
        return http.client.HTTPResponse(self.socket)

    def status(self, octets):
        answer = self.talk(octets)
        answer.begin()
        answer.read()
        return answer.status

    def test_login(self):
        answer = self.talk(GET + b"\r\n")
        answer.begin()
        answer.read()
        self.assertEqual(answer.status, 401)
        self.assertIn("Basic", answer.getheader("WWW-Authenticate"))
        self.assertEqual(self.status(GET + BASIC + b"\r\n"), 200)
        wrong = base64.b64encode(b"user1@example.test:wrong")
        self.assertEqual(self.status(
            GET + b"Authorization: Basic " + wrong + b"\r\n\r\n"), 401)
        self.assertEqual(self.status(
            GET + b"Authorization: Basic ***\r\n\r\n"), 401)

    def test_dribble(self):
        request = GET + BASIC + b"\r\n"
        for octet in request[:-1]:
            self.socket.sendall(bytes([octet]))
        self.assertEqual(self.status(request[-1:]), 200)

    def test_pipelined(self):
        self.socket.sendall((GET + BASIC + b"\r\n") * 3 +
                            GET + b"Connection: close\r\n\r\n")
        got = b""
        while True:
            piece = self.socket.recv(65536)
            if not piece:
                break
            got += piece
        self.assertEqual(got.count(b"HTTP/1.1 200 OK\r\n"), 3)
        self.assertEqual(got.count(b"HTTP/1.1 401"), 1)

    def test_head(self):
        self.socket.sendall(b"HEAD /.well-known/jmap HTTP/1.1\r\nHost: x\r\n" +
                            BASIC + b"Connection: close\r\n\r\n")
        got = b""
        while piece := self.socket.recv(65536):
            got += piece
        self.assertTrue(got.startswith(b"HTTP/1.1 200"))
        self.assertTrue(got.endswith(b"\r\n\r\n"))

    def test_wrong(self):
        cases = {
            b"GET /\r\n\r\n": 400,
            b"GET / HTTP/1.1\r\n\r\n": 400,  # no Host
            b"GET / HTTP/2.0\r\nHost: x\r\n\r\n": 505,
            b"G@T / HTTP/1.1\r\nHost: x\r\n\r\n": 400,
            b"GET / HTTP/1.1\nHost: x\n\n": 400,
            b"GET / HTTP/1.1\r\nHost : x\r\n\r\n": 400,
            b"GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n": 400,
            b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n": 400,
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
            b"Content-Length: 1\r\n\r\na": 400,
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n": 400,
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n": 400,
            b"POST / HTTP/1.1\r\nHost: x\r\n"
            b"Transfer-Encoding: gzip, chunked\r\n\r\n": 501,
            b"GET /" + b"a" * 5000: 414,
            b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 5000: 431,
            b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 70 + b"\r\n": 431,
            b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n": 400,
            b"GET /a/%2e%2e/b HTTP/1.1\r\nHost: x\r\n\r\n": 400,
            b"GET /../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n": 400,
            b"GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n": 400,
        }
        for request, status in cases.items():
            with self.subTest(request=request[:60]):
                self.socket.close()
                self.setUp()
                self.assertEqual(self.status(request), status)

    def test_not_there(self):
        self.assertEqual(self.status(
            b"GET /nothing/here.js HTTP/1.1\r\nHost: x\r\n\r\n"), 404)
        answer = self.talk(b"DELETE /jmap/api HTTP/1.1\r\nHost: x\r\n\r\n")
        answer.begin()
        answer.read()
        self.assertEqual(answer.status, 405)
        self.assertIn("POST", answer.getheader("Allow"))

    def test_chunks(self):
        body = json.dumps({"using": ["urn:ietf:params:jmap:core"],
                           "methodCalls": [["Core/echo", {"a": 1}, "x"]]})
        chunks = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(p), p) for p in
                          (body[i:i + 7].encode()
                           for i in range(0, len(body), 7)))
        answer = self.talk(
            b"POST /jmap/api HTTP/1.1\r\nHost: x\r\n" + BASIC +
            b"Content-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n" + chunks +
            b"0\r\nTrailer: a\r\n\r\n")
        answer.begin()
        self.assertEqual(json.loads(answer.read())["methodResponses"],
                         [["Core/echo", {"a": 1}, "x"]])
        self.assertEqual(self.status(GET + BASIC + b"\r\n"), 200)
        self.assertEqual(self.status(
            b"POST /jmap/api HTTP/1.1\r\nHost: x\r\n" + BASIC +
            b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"), 400)

    def test_too_large(self):
        self.assertEqual(self.status(
            b"POST /jmap/api HTTP/1.1\r\nHost: x\r\n" + BASIC +
            b"Content-Length: 99999\r\n\r\n"), 413)
        self.socket.close()
        self.setUp()
        self.assertEqual(self.status(
            b"POST /jmap/api HTTP/1.1\r\nHost: x\r\n" + BASIC +
            b"Transfer-Encoding: chunked\r\n\r\n" +
            (b"1000\r\n" + b"a" * 4096 + b"\r\n") * 3), 413)

    def test_limits_are_told(self):
        """RFC 8620, 3.6.1."""
        for path, length, limit in (
                (b"/jmap/api", b"99999", "maxSizeRequest"),
                (b"/jmap/upload/x", b"99999999999", "maxSizeUpload")):
            self.socket.close()
            self.setUp()
            answer = self.talk(b"POST " + path + b" HTTP/1.1\r\nHost: x\r\n" +
                               BASIC + b"Content-Length: " + length +
                               b"\r\n\r\n")
            answer.begin()
            got = json.loads(answer.read())
            self.assertEqual(answer.status, 413)
            self.assertEqual((got["type"], got["limit"]), (
                "urn:ietf:params:jmap:error:limit", limit))

    def test_expect(self):
        self.socket.sendall(
            b"POST /jmap/api HTTP/1.1\r\nHost: x\r\n" + BASIC +
            b"Content-Type: application/json\r\nContent-Length: 2\r\n"
            b"Expect: 100-continue\r\n\r\n")
        self.assertEqual(self.socket.recv(100),
                         b"HTTP/1.1 100 Continue\r\n\r\n")
        self.assertEqual(self.status(b"{}"), 400)

    def test_unread_content(self):
        """What follows a refusal is not taken for a request."""
        self.socket.sendall(
            b"POST /nothing.x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
            b"GET /" + GET + BASIC + b"Connection: close\r\n\r\n")
        got = b""
        while piece := self.socket.recv(65536):
            got += piece
        self.assertEqual(got.count(b"HTTP/1.1 405"), 1)
        self.assertEqual(got.count(b"HTTP/1.1 200"), 1)

    def test_slow(self):
        self.socket.sendall(b"GET / HT")
        self.assertEqual(self.socket.recv(100), b"")

    def test_gzip(self):
        import gzip
        answer = self.talk(GET + BASIC + b"Accept-Encoding: gzip\r\n\r\n")
        answer.begin()
        body = answer.read()
        self.assertEqual(answer.getheader("Content-Encoding"), "gzip")
        self.assertIn(b"apiUrl", gzip.decompress(body))
        answer = self.talk(GET + BASIC + b"Accept-Encoding: gzip;q=0\r\n\r\n")
        answer.begin()
        self.assertIn(b"apiUrl", answer.read())

    def test_old(self):
        answer = self.talk(b"GET /.well-known/jmap HTTP/1.0\r\n" + BASIC +
                           b"\r\n")
        answer.begin()
        self.assertEqual(answer.status, 200)
        self.assertIn(b"apiUrl", answer.read())
        self.assertEqual(self.socket.recv(10), b"")


class Browser(unittest.TestCase):
    """Sessions by cookie."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server(set=["auth.failure_delay=10"]).start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.clean()

    def ask(self, method, path, body=None, **fields):
        c = http.client.HTTPConnection(
            self.server.host, self.server.ports["http"], timeout=20)
        c.request(method, path, body,
                  {k.replace("_", "-"): v for k, v in fields.items()})
        answer = c.getresponse()
        content = answer.read()
        c.close()
        return answer.status, content, answer

    def login(self, password="secret"):
        return self.ask("POST", "/web/login", json.dumps(
            {"user": "user1@example.test", "password": password}),
            X_Postern="1")

    def cookie(self):
        status, _, answer = self.login()
        self.assertEqual(status, 200)
        return answer.getheader("Set-Cookie").split(";")[0]

    def test_cookie(self):
        status, content, answer = self.login()
        self.assertEqual(json.loads(content)["user"], "user1@example.test")
        text = answer.getheader("Set-Cookie")
        for word in ("HttpOnly", "SameSite=Strict", "Path=/"):
            self.assertIn(word, text)
        cookie = text.split(";")[0]
        self.assertEqual(
            self.ask("GET", "/jmap/session", Cookie=cookie)[0], 200)
        self.assertEqual(self.ask(
            "POST", "/jmap/api", "{}", Cookie=cookie)[0], 401)
        self.assertEqual(self.ask(
            "POST", "/jmap/api", "{}", Cookie=cookie, X_Postern="1")[0], 400)
        self.assertEqual(self.ask(
            "GET", "/jmap/session", Cookie=cookie,
            Sec_Fetch_Site="cross-site")[0], 401)
        self.assertEqual(self.ask(
            "GET", "/jmap/session", Cookie=cookie[:-5] + "AAAAA")[0], 401)

    def test_wrong_password(self):
        status, _, answer = self.login("wrong")
        self.assertEqual(status, 401)
        self.assertIsNone(answer.getheader("Set-Cookie"))
        self.assertIsNone(answer.getheader("WWW-Authenticate"))
        self.assertEqual(self.ask("POST", "/web/login", "{}")[0], 403)
        self.assertEqual(
            self.ask("POST", "/web/login", "{}", X_Postern="1")[0], 400)

    def test_logout(self):
        cookie = self.cookie()
        self.assertEqual(self.ask("POST", "/web/logout", Cookie=cookie,
                                  X_Postern="1")[0], 204)
        self.assertEqual(
            self.ask("GET", "/jmap/session", Cookie=cookie)[0], 401)

    def test_sessions(self):
        first, second = self.cookie(), self.cookie()
        status, content, _ = self.ask("GET", "/web/sessions", Cookie=first)
        self.assertEqual(status, 200)
        listed = json.loads(content)["sessions"]
        self.assertEqual(sum(s["isThis"] for s in listed), 1)
        for s in listed:
            if not s["isThis"]:
                self.assertEqual(self.ask(
                    "DELETE", "/web/sessions/" + s["id"], Cookie=first,
                    X_Postern="1")[0], 204)
        self.assertEqual(
            self.ask("GET", "/jmap/session", Cookie=second)[0], 401)
        self.assertEqual(
            self.ask("GET", "/jmap/session", Cookie=first)[0], 200)

    def test_restart(self):
        cookie = self.cookie()
        self.server.stop()
        self.server.start()
        self.assertEqual(
            self.ask("GET", "/jmap/session", Cookie=cookie)[0], 200)
        self.server.ctl("user", "disable", "user1@example.test")
        self.assertEqual(
            self.ask("GET", "/jmap/session", Cookie=cookie)[0], 401)
        self.server.ctl("user", "enable", "user1@example.test")


if __name__ == "__main__":
    unittest.main()
