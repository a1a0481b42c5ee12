"""What other sites, proxies and strangers try: requests in the name of a user,
sessions that are foisted on them, paths to other files, requests that end where
others think that they do not, connections that dribble."""

import base64
import glob
import json
import os
import re
import socket
import time
import unittest

from browser import Browser
from jmap import CORE, MAIL, Jmap
from postern import ROOT, SLOW, Server

ECHO = {"using": [CORE], "methodCalls": [["Core/echo", {}, "a"]]}


class Attacks(unittest.TestCase):
    settings = ["auth.failure_delay=10", "auth.failures=1000"]

    @classmethod
    def setUpClass(cls):
        cls.server = Server(set=cls.settings).start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.clean()

    def browser(self, user="user1@example.test", password=None):
        b = Browser(self.server)
        self.addCleanup(b.close)
        if user:
            self.assertEqual(
                b.login(user, password or self.server.password), 200)
        return b

    def raw(self, octets, wait=20, eof=False):
        """All that comes back until the server closes, or it is quiet."""
        s = socket.create_connection(
            (self.server.host, self.server.ports["http"]), wait)
        self.addCleanup(s.close)
        s.sendall(octets)
        if eof:
            s.shutdown(socket.SHUT_WR)
        got = b""
        try:
            while piece := s.recv(65536):
                got += piece
        except (TimeoutError, ConnectionResetError):
            pass
        return got

    def statuses(self, octets, **more):
        got = self.raw(octets + b"GET /last HTTP/1.1\r\nHost: x\r\n"
                       b"Connection: close\r\n\r\n", **more)
        return [int(part.split(b" ", 2)[1]) for part in
                got.split(b"HTTP/1.1")[1:] for part in [b"x" + part]]


class OtherSites(Attacks):
    """CSRF: the browser adds the cookie, or a password that it knows."""
    # Changes nothing, and is asked by programs that know nobody.
    open = {"/autodiscover/autodiscover.xml", "/Autodiscover/Autodiscover.xml"}
    forms = ("text/plain", "application/x-www-form-urlencoded",
             "multipart/form-data; boundary=b")

    def test_changes(self):
        """Each route that changes something, as forms of others send it: those
        of the tables, so that new ones are among them."""
        changes = set()
        for path in glob.glob(os.path.join(ROOT, "src/*/*.c")):
            with open(path) as f:
                changes.update(re.findall(
                    r'\{ "(POST|PUT|PATCH|DELETE)", "(/[^"]*)"', f.read()))
        changes = sorted((m, p.replace("*", "x")) for m, p in changes
                         if p not in self.open)
        self.assertIn(("POST", "/jmap/api"), changes)
        self.assertIn(("POST", "/web/password"), changes)
        b = self.browser()
        b.ours = False
        for method, path in changes:
            for type in self.forms:
                status, root, answer = b.ask(
                    method, path, json.dumps(ECHO), Content_Type=type)
                self.assertIn(status, (401, 403), (method, path, type))
                self.assertIsNone(answer.getheader("Set-Cookie"))
        # And the cookie is as good as before.
        b.ours = True
        self.assertEqual(b.ask("POST", "/jmap/api", ECHO)[0], 200)
        self.assertEqual(b.ask("GET", "/web/sessions")[0], 200)

    def test_fetch_metadata(self):
        b = self.browser()
        for site, status in (("cross-site", 401), ("same-site", 401),
                             ("same-origin", 200), ("none", 200)):
            for method, path, root in (
                    ("POST", "/jmap/api", ECHO), ("GET", "/jmap/session", None),
                    ("GET", "/web/sessions", None)):
                self.assertEqual(b.ask(method, path, root, **{
                    "Sec-Fetch-Site": site})[0], status, (site, path))

    def test_known_password(self):
        """What the browser asked for in a window of its own (RFC 7617)."""
        pair = base64.b64encode(b"user1@example.test:secret").decode()
        b = self.browser(None)
        b.ours = False
        host = "%s:%d" % (self.server.host, self.server.ports["http"])
        for fields, status in (
                ({}, 200), ({"Origin": "http://" + host}, 200),
                ({"Origin": "http://other.test"}, 401),
                ({"Origin": "null"}, 401),
                ({"Origin": "http://%s.other.test" % host}, 401),
                ({"Sec-Fetch-Site": "cross-site"}, 401),
                ({"Sec-Fetch-Site": "same-origin"}, 200)):
            self.assertEqual(b.ask(
                "POST", "/jmap/api", ECHO, Authorization="Basic " + pair,
                **fields)[0], status, fields)

    def test_no_sharing(self):
        """No other site is let read, nor asked what it would send (CORS)."""
        b = self.browser()
        for path in ("/jmap/session", "/jmap/api", "/web/login", "/"):
            status, _, answer = b.ask(
                "OPTIONS", path, Origin="https://other.test",
                Access_Control_Request_Method="POST",
                Access_Control_Request_Headers="x-postern")
            self.assertIn(status, (404, 405))
            _, _, got = b.ask("GET", path, Origin="https://other.test")
            for one in (answer, got):
                for name, _ in one.getheaders():
                    self.assertFalse(
                        name.lower().startswith("access-control"), path)

    def test_reading(self):
        """What is private is told to nobody else, and not kept."""
        b = self.browser()
        other = self.browser(None)
        for path in ("/jmap/session", "/web/sessions", "/web/app-passwords",
                     "/jmap/events"):
            self.assertEqual(other.ask("GET", path)[0], 401, path)
        for path in ("/jmap/session", "/web/sessions", "/web/app-passwords"):
            _, _, answer = b.ask("GET", path)
            self.assertIn("no-store", answer.getheader("Cache-Control"), path)
            self.assertEqual(answer.getheader("X-Content-Type-Options"),
                             "nosniff")


class Sessions(Attacks):
    def listed(self, b):
        return {s["id"] for s in b.ask("GET", "/web/sessions")[1]["sessions"]}

    def test_fixation(self):
        """A cookie from before the login is no session, and becomes none."""
        for token in ("chosen", "A" * 43, ""):
            b = self.browser(None)
            b.cookie = "postern=" + token
            self.assertEqual(b.ask("GET", "/web/sessions")[0], 401)
            self.assertEqual(b.login(self.server.users[0],
                                     self.server.password), 200)
            self.assertNotEqual(b.cookie, "postern=" + token)
            thief = self.browser(None)
            thief.cookie = "postern=" + token
            self.assertEqual(thief.ask("GET", "/web/sessions")[0], 401)

    def test_new_token(self):
        """Each login makes another one, also over one that is good."""
        b = self.browser()
        first = b.cookie
        self.assertEqual(b.login(self.server.users[0],
                                 self.server.password), 200)
        self.assertNotEqual(b.cookie, first)
        # Nor does a login turn another's session into one's own.
        self.assertEqual(b.login(self.server.users[1],
                                 self.server.password), 200)
        old = self.browser(None)
        old.cookie = first
        status, session, _ = old.ask("GET", "/jmap/session")
        self.assertIn(status, (200, 401))
        if status == 200:
            self.assertEqual(session["username"], self.server.users[0])

    def test_cookie(self):
        b = self.browser(None)
        _, _, answer = b.ask("POST", "/web/login", {
            "user": self.server.users[0], "password": self.server.password})
        parts = [p.strip() for p in
                 answer.getheader("Set-Cookie").lower().split(";")]
        for part in ("httponly", "samesite=strict", "path=/"):
            self.assertIn(part, parts)
        self.assertFalse([p for p in parts if p.startswith("domain")])
        # It opens no other protocol of passwords.
        token = b.cookie.partition("=")[2]
        pair = base64.b64encode(
            ("%s:%s" % (self.server.users[0], token)).encode()).decode()
        other = self.browser(None)
        self.assertEqual(other.ask("GET", "/jmap/session",
                                   Authorization="Basic " + pair)[0], 401)

    def test_logout(self):
        b = self.browser()
        cookie = b.cookie
        status, _, answer = b.ask("POST", "/web/logout")
        self.assertEqual(status, 204)
        self.assertIn("cache", answer.getheader("Clear-Site-Data"))
        b.cookie = cookie
        self.assertEqual(b.ask("GET", "/web/sessions")[0], 401)

    def test_password_change(self):
        """The other sessions end, and event sources with them."""
        user, password = "changing@example.test", "correct horse 5 staple"
        self.server.ctl("user", "add", user, input=password + "\n")
        one, two = (self.browser(user, password) for _ in range(2))
        new = "another battery 7 lamp"
        status, root, _ = one.ask("POST", "/web/password", {
            "old": password, "new": new})
        self.assertIn(status, (200, 204), root)
        self.assertEqual(two.ask("GET", "/web/sessions")[0], 401)
        self.assertEqual(self.browser(None).login(user, password), 401)
        self.assertEqual(self.browser(None).login(user, new), 200)

    def test_guessing_ids(self):
        """One user's session is not ended by another one."""
        one, two = self.browser(), self.browser(self.server.users[1])
        for id in self.listed(one):
            self.assertEqual(two.ask("DELETE", "/web/sessions/" + id)[0], 404)
        self.assertEqual(one.ask("GET", "/web/sessions")[0], 200)


class Paths(Attacks):
    """No path leads out of what is served."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # What could be found.
        cls.secret = os.path.join(cls.server.dir, "accounts.db")

    def ways(self):
        out = []
        for up in ("..", "%2e%2e", "%2E.", ".%2e", "%252e%252e", "..%2f..",
                   "..%5c..", "..\\..", "%c0%ae%c0%ae", "..;", "..%00",
                   "....//", "%2e%2e%2f%2e%2e"):
            for depth in (1, 4, 12):
                out.append("/".join([up] * depth) + "/etc/passwd")
        for direct in ("/etc/passwd", "%2fetc%2fpasswd", "//etc/passwd",
                       "file:///etc/passwd", self.secret,
                       self.secret.replace("/", "%2f"), "C:%5cwindows",
                       "%00", "a%00.js", "%0d%0aX-Evil:%201", "\xff",
                       "." * 300, "a" * 3000, "~root", ".htaccess",
                       "manifest.json", "index.html%00.js", "."):
            out.append(direct)
        return out

    def ask(self, path, fields=b""):
        got = self.raw(b"GET " + path.encode("latin-1", "replace") +
                       b" HTTP/1.1\r\nHost: x\r\n" + fields +
                       b"Connection: close\r\n\r\n")
        self.assertTrue(got.startswith(b"HTTP/1.1 "), path)
        head, _, body = got.partition(b"\r\n\r\n")
        self.assertNotIn(b"x-evil:", head.lower())
        self.assertNotIn(b"root:", body, path)
        self.assertNotIn(b"SQLite format", body, path)
        return int(head.split(b" ", 2)[1]), head, body

    def test_static(self):
        for way in self.ways():
            for prefix in ("/", "/assets/", "/a/b/c/"):
                status, _, _ = self.ask(prefix + way)
                self.assertIn(status, (400, 404, 414, 431), way)

    def test_downloads(self):
        jmap = Jmap(self.server)
        self.addCleanup(jmap.close)
        auth = ("Authorization: %s\r\n" % jmap.auth["Authorization"]).encode()
        blob = jmap.upload(b"mine")["blobId"]
        for way in self.ways():
            paths = ["/jmap/download/%s/%s/x" % (jmap.account, way),
                     "/jmap/download/%s/x" % way, "/jmap/download/" + way]
            if not way.startswith(("/", "%2f")):
                paths.append("/jmap/download/%s/%s%s/x" % (
                    jmap.account, blob, way))
            for path in paths:
                status, _, _ = self.ask(path, auth)
                self.assertIn(status, (400, 404, 414, 431), path)
            # Behind the blob it is a name, which is no path.
            status, head, body = self.ask("/jmap/download/%s/%s/%s" % (
                jmap.account, blob, way), auth)
            self.assertIn(status, (200, 400, 414, 431), way)
            if status == 200:
                self.assertEqual(body, b"mine")
                self.assertIn(b"Content-Disposition: attachment", head)

    def test_blobs_in_json(self):
        """Where blobs and mailboxes are named in JSON."""
        jmap = Jmap(self.server)
        self.addCleanup(jmap.close)
        inbox = jmap.mailboxes()["inbox"]
        # Nobody else has such a file beside the server's directory.
        x = "escaped-" + os.path.basename(os.path.abspath(self.server.dir))
        for id in ("../" + x, "../../accounts.db", "/etc/passwd", "..", ".",
                   "", "a\x00b", "U../../" + x, "P1-../../" + x,
                   "P1-" + "a" * 2000, "P" + "1_" * 500 + "1-x"):
            got = jmap.call("Email/set", create={"a": {
                "mailboxIds": {inbox: True}, "attachments": [
                    {"blobId": id, "type": "text/plain"}]}}) \
                if "\x00" not in id else {"notCreated": {"a": {
                    "type": "blobNotFound"}}}
            self.assertIn(got["notCreated"]["a"]["type"],
                          ("blobNotFound", "invalidProperties"), id)
            if "\x00" not in id:
                got = jmap.call("Email/parse", blobIds=[id])
                self.assertEqual(got["notFound"], [id])
        for name in ("../../" + x, "/etc/" + x, "..", "a/b", "\\..\\x"):
            got = jmap.call("Mailbox/set", create={"a": {"name": name}})
            if got["created"] is None:
                self.assertEqual(got["notCreated"]["a"]["type"],
                                 "invalidProperties")
        self.assertFalse(os.path.exists(
            os.path.join(self.server.dir, "..", x)))


class Injection(Attacks):
    def test_downloads(self):
        """Names and types come from whoever sent the mail."""
        jmap = Jmap(self.server)
        self.addCleanup(jmap.close)
        blob = jmap.upload(b"<script>alert(1)</script>")["blobId"]
        for name, type in (
                ("a%0d%0aX-Evil:%201", "text/html"),
                ("a%22;%20filename=b.exe", "text/html"),
                ("%e2%80%ae%66%64%70.exe", "application/pdf"),
                ("x", "text/html%0d%0aX-Evil:%201"),
                ("x", "text/html;charset=%22"), ("x", "%00"),
                ("x", "a" * 500), ("x", "text"), ("x", "a/b/c"),
                ("a%c3%28", "text/plain"), ("%f0%9f%93%8e.txt", "text/plain")):
            status, content, answer = jmap.download(blob, name, type)
            self.assertEqual((status, content),
                             (200, b"<script>alert(1)</script>"), name)
            self.assertIsNone(answer.getheader("X-Evil"))
            disposition = answer.getheader("Content-Disposition")
            self.assertTrue(disposition.startswith("attachment"), disposition)
            self.assertNotIn('"; filename=b', disposition)
            self.assertEqual(len(answer.headers.get_all("Content-Type")), 1)
            self.assertIn("sandbox",
                          answer.getheader("Content-Security-Policy"))
            self.assertEqual(answer.getheader("X-Content-Type-Options"),
                             "nosniff")

    def test_hosts(self):
        """What Host says is told in the session; it may not be anything."""
        jmap = Jmap(self.server)
        self.addCleanup(jmap.close)
        for host in ('x"y', "x/../y", "a b", "x\\y", "<x>", "x'y", "x?y#z"):
            got = self.raw((
                "GET /jmap/session HTTP/1.1\r\nHost: %s\r\nAuthorization: %s"
                "\r\nConnection: close\r\n\r\n" % (
                    host, jmap.auth["Authorization"])).encode())
            if got.startswith(b"HTTP/1.1 200"):
                session = json.loads(got.partition(b"\r\n\r\n")[2])
                self.assertNotIn(host, session["apiUrl"])
            else:
                self.assertTrue(got.startswith(b"HTTP/1.1 400"), host)

    def test_compose(self):
        """Nothing in a draft becomes a field or a part of its own."""
        jmap = Jmap(self.server)
        self.addCleanup(jmap.close)
        drafts = jmap.mailboxes()["drafts"]
        evil = "a\r\nX-Evil: 1"
        for email in (
                {"subject": evil}, {"header:X-A:asText": evil},
                {"header:X-A": evil}, {"header:X-A\r\nX-Evil": "1"},
                {"messageId": [evil]}, {"from": [{"name": evil,
                                                  "email": "a@x.test"}]},
                {"from": [{"email": "a@x.test>\r\nX-Evil: 1"}]},
                {"to": [{"email": "a@x.test, b@x.test"}]},
                {"bodyStructure": {"partId": "1",
                                   "type": "text/plain\r\nX-Evil: 1"}},
                {"bodyStructure": {"partId": "1", "name": evil}},
                {"bodyStructure": {"partId": "1", "cid": evil}},
                {"bodyStructure": {"partId": "1", "language": [evil]}},
                {"bodyStructure": {"partId": "1", "location": evil}},
                {"bodyStructure": {"partId": "1", "disposition": evil}},
                {"bodyStructure": {"partId": "1",
                                   "header:X-A:asText": evil}}):
            got = jmap.call("Email/set", create={"a": {
                "mailboxIds": {drafts: True},
                "bodyValues": {"1": {"value": "x"}}, **email}})
            if got["created"] is not None:
                blob = got["created"]["a"]["blobId"]
                head = jmap.download(blob)[1].partition(b"\r\n\r\n")[0]
                names = [f.partition(b":")[0].lower() for f in
                         head.split(b"\r\n")]
                self.assertNotIn(b"x-evil", names, email)


HEAD = b"POST /jmap/api HTTP/1.1\r\nHost: x\r\n"


class Smuggling(Attacks):
    """What two could read in two ways is refused, and the connection ends."""
    settings = Attacks.settings + ["http.header_size=8K", "http.body_time=3",
                                   "http.idle_time=5"]

    def test_refused(self):
        inner = b"GET /inner HTTP/1.1\r\nHost: x\r\n\r\n"
        for request, status in {
                HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"
                b"\r\n0\r\n\r\n" + inner: 400,
                HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"
                b"\r\n0\r\n\r\n" + inner: 400,
                HEAD + b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n" +
                inner: 400,
                HEAD + b"Content-Length: 0, 0\r\n\r\n" + inner: 400,
                HEAD + b"Content-Length: 0x10\r\n\r\n" + inner: 400,
                HEAD + b"Content-Length: -1\r\n\r\n" + inner: 400,
                HEAD + b"Content-Length: \r\n\r\n" + inner: 400,
                HEAD + b"Content-Length: 99999999999999999999\r\n\r\n" +
                inner: 400,
                HEAD + b"Content-Length : 5\r\n\r\nhello" + inner: 400,
                HEAD + b"Content-Length:\x0b5\r\n\r\nhello" + inner: 400,
                HEAD + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" +
                inner: 400,
                HEAD + b"Transfer-Encoding: xchunked\r\n\r\n" + inner: 501,
                HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n"
                b"\r\n" + inner: 501,
                HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: "
                b"identity\r\n\r\n0\r\n\r\n" + inner: 400,
                HEAD + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" +
                inner: 400,
                HEAD + b"X: a\r\n folded\r\n\r\n" + inner: 400,
                HEAD + b" X: a\r\n\r\n" + inner: 400,
                HEAD + b"X: a\n\r\n" + inner: 400,
                HEAD + b"X: a\rY: b\r\n\r\n" + inner: 400,
                HEAD + b"X: a\x00b\r\n\r\n" + inner: 400,
                HEAD + b"X\x00: b\r\n\r\n" + inner: 400,
                HEAD + b": b\r\n\r\n" + inner: 400,
                HEAD + b"X\r\n\r\n" + inner: 400,
                HEAD + b"Host: y\r\n\r\n" + inner: 400,
                b"GET /a HTTP/1.1 x\r\nHost: x\r\n\r\n" + inner: 400,
                b"GET  /a HTTP/1.1\r\nHost: x\r\n\r\n" + inner: 400,
                b"GET /a\tHTTP/1.1\r\nHost: x\r\n\r\n" + inner: 400,
                b"GET a HTTP/1.1\r\nHost: x\r\n\r\n" + inner: 400,
                b"GET /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"
                b"0\r\n\r\n" + inner: 400,
                b"POST /jmap/api HTTP/1.1\r\nHost: x\r\n\nX: y\r\n\r\n" +
                inner: 400}.items():
            with self.subTest(request=request[:120]):
                self.assertEqual(self.statuses(request), [status])

    def login(self):
        pair = base64.b64encode(b"user1@example.test:secret")
        return HEAD + b"Authorization: Basic " + pair + \
            b"\r\nContent-Type: application/json\r\n"

    def test_chunks(self):
        for chunks in (
                b"g\r\n", b"-1\r\n", b"0x1\r\na\r\n0\r\n\r\n", b"\r\n",
                b" 1\r\na\r\n0\r\n\r\n", b"1\na\n0\n\n",
                b"1\r\nab\r\n0\r\n\r\n", b"1\r\na0\r\n\r\n",
                b"fffffffffffffffff\r\n", b"10000000000000000\r\n",
                b"1;" + b"x" * 5000 + b"\r\na\r\n0\r\n\r\n",
                b"1\r\na\r\n0\r\nX: " + b"y" * 5000 + b"\r\n\r\n",
                b"1\r\na\r\n0\r\nX: y\n\r\n", b"1\r\na\r\n0\r\n\n"):
            with self.subTest(chunks=chunks[:40]):
                got = self.statuses(
                    self.login() + b"Transfer-Encoding: chunked\r\n\r\n" +
                    chunks)
                self.assertIn(got, ([400], [413]))

    def test_lengths_are_kept(self):
        """What belongs to one request is no part of the next one, answered or
        refused."""
        body = json.dumps(ECHO).encode()
        inner = b"GET /inner HTTP/1.1\r\nHost: x\r\n\r\n"
        whole = body + b" " * 20
        self.assertEqual(self.statuses(
            self.login() + b"Content-Length: %d\r\n\r\n" % len(whole) +
            whole), [200, 404])
        # Without a login: the content is passed over.
        self.assertEqual(self.statuses(
            HEAD + b"Content-Length: %d\r\n\r\n" % len(inner) + inner),
            [401, 404])
        self.assertEqual(self.statuses(
            b"GET /x HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" %
            len(inner) + inner), [404, 404])
        # In chunks that end is not known before it is read.
        self.assertEqual(self.statuses(
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(inner) +
            inner + b"\r\n0\r\n\r\n")[0], 401)
        self.assertNotIn(b"/inner", self.server.log().encode())

    def test_large_heads(self):
        for request, statuses in (
                (b"GET /" + b"a" * 20000, (414,)),
                (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20000, (431,)),
                (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 1000,
                 (431,)),
                (b"\r\n" * 20000, (400, 414)),
                (b"A" * 20000, (414, 400)), (b"\x16\x03\x01" * 8000, (400, 414))):
            with self.subTest(request=request[:40]):
                got = self.raw(request)
                self.assertIn(int(got.split(b" ", 2)[1]) if got else 400,
                              statuses)

    def dribble(self, octets, seconds):
        """One octet after the other; how long the server took part."""
        s = socket.create_connection(
            (self.server.host, self.server.ports["http"]), 20)
        self.addCleanup(s.close)
        s.setblocking(False)
        begin, got = time.monotonic(), b""
        for octet in octets:
            if time.monotonic() - begin > seconds:
                self.fail("it still waits")
            try:
                s.send(bytes([octet]))
                got += s.recv(65536)
            except BlockingIOError:
                pass
            except OSError:
                return got
            time.sleep(0.05)
        return got

    def test_slow(self):
        """http.body_time is for all of a head, and all of the content."""
        for start in (b"GET / HTTP/1.1\r\nHost: x\r\nX: ",
                      self.login() + b"Content-Length: 5000\r\n\r\n"):
            got = self.dribble(start + b"a" * 2000, 40 * SLOW)
            self.assertNotIn(b"HTTP/1.1 200", got)
        # Others are served meanwhile.
        self.assertEqual(self.statuses(b""), [404])

    def test_many_slow(self):
        """Two hundred that say nothing keep nobody away."""
        held = []
        for _ in range(200):
            s = socket.create_connection(
                (self.server.host, self.server.ports["http"]), 20)
            self.addCleanup(s.close)
            s.sendall(b"GET / HTTP/1.1\r\nHost")
            held.append(s)
        for _ in range(5):
            self.assertEqual(self.statuses(b""), [404])


class Late(Attacks):
    """Who may, is looked at again when the content has taken its time: what was
    good when the head came need not be any more."""

    def hold(self, b, method, path, body, type="application/json"):
        """All but the last octet."""
        s = socket.create_connection(
            (self.server.host, self.server.ports["http"]), 60)
        self.addCleanup(s.close)
        s.sendall(("%s %s HTTP/1.1\r\nHost: x\r\nX-Postern: 1\r\n"
                   "Cookie: %s\r\nContent-Type: %s\r\nContent-Length: %d"
                   "\r\nConnection: close\r\n\r\n" % (
                       method, path, b.cookie, type, len(body))).encode() +
                  body[:-1])
        time.sleep(1.5)
        return s

    def finish(self, s, body):
        """The status; None: the connection has ended."""
        got = b""
        try:
            s.sendall(body[-1:])
            while piece := s.recv(65536):
                got += piece
        except (BrokenPipeError, ConnectionResetError):
            pass
        return int(got.split(b" ", 2)[1]) if got else None

    def ctl(self, *args, input=None):
        p = self.server.ctl(*args, input=input)
        self.assertEqual(p.returncode, 0, p.stderr)
        return p.stdout

    def user(self, name, *args):
        address = name + "@example.test"
        self.ctl("user", "add", address, *args, input="plum kettle ninety\n")
        return address, self.browser(address, "plum kettle ninety")

    def test_still_there(self):
        address, b = self.user("stays")
        body = b'{"required": true}'
        s = self.hold(b, "PUT", "/web/app-passwords", body)
        self.assertEqual(self.finish(s, body), 204)
        self.assertTrue(b.ask("GET", "/web/app-passwords")[1]["required"])

    def test_disabled(self):
        """An administrator who is none any more does not come back."""
        address, b = self.user("gone", "--admin")
        body = b'{"required": true}'
        s = self.hold(b, "PUT", "/web/app-passwords", body)
        self.ctl("user", "set", address, "--no-admin")
        self.ctl("user", "disable", address)
        self.assertIn(self.finish(s, body), (401, None))
        shown = json.loads(self.ctl("user", "show", address, "--json"))
        shown = shown[0] if isinstance(shown, list) else shown
        self.assertFalse(shown["enabled"], shown)
        self.assertFalse(shown["admin"], shown)

    def test_not_written_back(self):
        """What a user changes of their own leaves the rest alone."""
        address, b = self.user("less", "--admin")
        body = b'{"required": true}'
        s = self.hold(b, "PUT", "/web/app-passwords", body)
        self.ctl("user", "set", address, "--no-admin", "--name", "Anew")
        self.assertEqual(self.finish(s, body), 204)
        shown = json.loads(self.ctl("user", "show", address, "--json"))
        shown = shown[0] if isinstance(shown, list) else shown
        self.assertFalse(shown["admin"], shown)
        self.assertEqual(shown["name"], "Anew")

    def test_role(self):
        address, b = self.user("was", "--admin")
        body = b'{"password": "plum kettle eighty"}'
        s = self.hold(b, "POST", "/web/admin/users/user1@example.test/password",
                      body)
        self.ctl("user", "set", address, "--no-admin")
        self.assertEqual(self.finish(s, body), 403)

    def test_upload(self):
        address, b = self.user("loads")
        account = b.ask("GET", "/jmap/session")[1]["primaryAccounts"][MAIL]
        path, body = "/jmap/upload/" + account, b"x" * 5000
        s = self.hold(b, "POST", path, body, "text/plain")
        self.assertEqual(self.finish(s, body), 201)
        s = self.hold(b, "POST", path, body, "text/plain")
        self.assertEqual(b.ask("POST", "/web/logout")[0], 204)
        self.assertEqual(self.finish(s, body), 401)


if __name__ == "__main__":
    unittest.main()
