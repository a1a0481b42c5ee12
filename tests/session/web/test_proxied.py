"""Behind a proxy that ends TLS: whose request it is, by which URL it came, and
that nobody is believed who was not named."""

import base64
import http.client
import json
import unittest

from authenticator import Passkey
from browser import Browser
from postern import Server

PUBLIC = "mail.public.test"
CLIENT = "203.0.113.7"
SETTINGS = ["auth.failure_delay=0"]


class Case(unittest.TestCase):
    SET = ()

    @classmethod
    def setUpClass(cls):
        cls.server = Server(set=[*SETTINGS, *cls.SET]).start()
        cls.user = cls.server.users[0]

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.clean()

    def browser(self, source=None):
        browser = Browser(self.server)
        if source:
            browser.connection.source_address = (source, 0)
        self.addCleanup(browser.close)
        return browser

    @staticmethod
    def forwarded(client=CLIENT, proto="https", host=PUBLIC):
        fields = {"X_Forwarded_For": client, "X_Forwarded_Proto": proto,
                  "X_Forwarded_Host": host}
        return {k: v for k, v in fields.items() if v is not None}

    def basic(self, password=None):
        pair = "%s:%s" % (self.user, password or self.server.password)
        return "Basic " + base64.b64encode(pair.encode()).decode()

    def login(self, browser, password=None, **fields):
        """The status, and what stands in the cookie besides its value."""
        status, _, answer = browser.ask("POST", "/web/login", {
            "user": self.user, "password": password or self.server.password},
            **fields)
        return status, (answer.getheader("Set-Cookie") or "").split("; ")[1:]

    def session(self, browser, **fields):
        status, root, _ = browser.ask("GET", "/.well-known/jmap", **fields)
        self.assertEqual(status, 200)
        return root

    def origin(self, browser=None, **fields):
        root = self.session(browser or self.browser(),
                            Authorization=self.basic(), **fields)
        urls = [root[k] for k in ("apiUrl", "downloadUrl", "uploadUrl",
                                  "eventSourceUrl")]
        urls.append(root["capabilities"][
            "urn:ietf:params:jmap:websocket"]["url"].replace("ws", "http", 1))
        origins = {u.partition("/jmap/")[0] for u in urls}
        self.assertEqual(len(origins), 1)
        return origins.pop()

    def peer(self, browser, **fields):
        """Whose the session is, as its user sees it."""
        root = browser.ask("GET", "/web/sessions", **fields)[1]
        return [s["peer"] for s in root["sessions"] if s["isThis"]][0]

    def upgrade(self, **fields):
        """Of the handshake of a WebSocket."""
        c = http.client.HTTPConnection(
            self.server.host, self.server.ports["http"], timeout=60)
        self.addCleanup(c.close)
        c.request("GET", "/jmap/ws", headers={
            "Upgrade": "websocket", "Connection": "Upgrade",
            "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
            "Sec-WebSocket-Version": "13", "Sec-WebSocket-Protocol": "jmap",
            **{k.replace("_", "-"): v for k, v in fields.items()}})
        return c.getresponse().status

    def passkey(self, browser, origin, **fields):
        """The status of a passkey that was made for `origin`."""
        status, options, _ = browser.ask("POST", "/web/passkeys/options", {
            "password": self.server.password}, **fields)
        if status != 200:
            return status
        passkey = Passkey(origin)
        self.assertEqual(options["rp"]["id"], passkey.rp_id)
        return browser.ask("POST", "/web/passkeys", {
            "name": "Key", "credential": passkey.create(options)},
            **fields)[0]


class Nobody(Case):
    """Without a setting nothing of all that is believed."""

    def test_fields(self):
        browser = self.browser()
        there = "http://127.0.0.1:%d" % self.server.ports["http"]
        self.assertEqual(self.origin(browser, **self.forwarded()), there)
        status, flags = self.login(browser, **self.forwarded())
        self.assertEqual(status, 200)
        self.assertNotIn("Secure", flags)
        self.assertEqual(self.peer(browser, **self.forwarded()), "127.0.0.1")
        self.assertEqual(self.passkey(browser, "https://" + PUBLIC,
                                      **self.forwarded()), 403)
        page = browser.ask("GET", "/", Accept="text/html",
                           **self.forwarded())[2]
        self.assertIsNone(page.getheader("Strict-Transport-Security"))

    def test_origin(self):
        for origin in ("https://" + PUBLIC, "http://" + PUBLIC):
            self.assertEqual(self.browser().ask(
                "GET", "/.well-known/jmap", Authorization=self.basic(),
                Origin=origin, **self.forwarded())[0], 401)
            self.assertEqual(self.upgrade(
                Authorization=self.basic(), Origin=origin,
                **self.forwarded()), 403)


class Forwarded(Case):
    """A proxy that says so in fields of each request."""

    SET = ("listener.http.forwarded_from=127.0.0.1 192.0.2.0/24",
           "auth.failures=3")

    def test_urls_and_cookies(self):
        browser = self.browser()
        self.assertEqual(self.origin(browser, **self.forwarded()),
                         "https://" + PUBLIC)
        self.assertEqual(self.origin(browser, **self.forwarded(
            host=PUBLIC + ":8443")), "https://" + PUBLIC + ":8443")
        self.assertEqual(self.origin(browser, Host="other.test",
                                     **self.forwarded(host=None)),
                         "https://other.test")
        status, flags = self.login(browser, **self.forwarded())
        self.assertEqual(status, 200)
        self.assertIn("Secure", flags)
        page = browser.ask("GET", "/", Accept="text/html",
                           **self.forwarded())[2]
        if page.status == 200:
            self.assertIsNotNone(
                page.getheader("Strict-Transport-Security"))
        self.assertEqual(self.peer(browser, **self.forwarded()), CLIENT)
        row, = json.loads(self.server.ctl("connections", "--json").stdout)
        self.assertEqual(row["peer"], CLIENT)
        self.assertEqual(self.passkey(browser, "https://" + PUBLIC,
                                      **self.forwarded()), 201)
        self.assertEqual(self.passkey(browser, "http://" + PUBLIC,
                                      **self.forwarded()), 422)

    def test_each_request_is_of_somebody_else(self):
        browser = self.browser()
        there = "http://127.0.0.1:%d" % self.server.ports["http"]
        self.assertEqual(self.origin(browser, **self.forwarded()),
                         "https://" + PUBLIC)
        self.assertEqual(self.origin(browser), there)
        self.login(browser, **self.forwarded("2001:db8::7"))
        self.assertEqual(self.peer(browser), "2001:db8::7")
        status, flags = self.login(browser)
        self.assertEqual((status, "Secure" in flags), (200, False))
        self.assertEqual(self.peer(browser), "127.0.0.1")

    def test_chains(self):
        """What stands in front of the proxy's own word may be anything."""
        for text, peer in (
                ("198.51.100.9, 203.0.113.8", "203.0.113.8"),
                ("198.51.100.9,203.0.113.8,192.0.2.5, 127.0.0.1",
                 "203.0.113.8"),
                ("::ffff:203.0.113.8", "203.0.113.8"),
                ("198.51.100.9, unknown", "127.0.0.1"),
                ("203.0.113.8:1234", "127.0.0.1"),
                ("203.0.113.8\t", "203.0.113.8"),
                ("", "127.0.0.1"), (",,", "127.0.0.1"),
                ("192.0.2.5", "192.0.2.5")):
            browser = self.browser()
            fields = self.forwarded(text)
            self.assertEqual(self.login(browser, **fields)[0], 200, text)
            self.assertEqual(self.peer(browser), peer, text)
        long = ", ".join(["203.0.113.8"] + ["192.0.2.5"] * 1500)
        browser = self.browser()
        self.assertEqual(self.login(browser, **self.forwarded(long))[0], 200)
        self.assertEqual(self.peer(browser), "192.0.2.5")

    def test_two_fields(self):
        c = http.client.HTTPConnection(
            self.server.host, self.server.ports["http"], timeout=60)
        self.addCleanup(c.close)
        c.putrequest("GET", "/.well-known/jmap")
        for name, value in (
                ("Authorization", self.basic()),
                ("X-Forwarded-For", "198.51.100.9"),
                ("X-Forwarded-For", CLIENT),
                ("X-Forwarded-Host", "evil.test"),
                ("X-Forwarded-Host", PUBLIC),
                ("X-Forwarded-Proto", "http"),
                ("X-Forwarded-Proto", "https")):
            c.putheader(name, value)
        c.endheaders()
        root = json.loads(c.getresponse().read())
        self.assertTrue(root["apiUrl"].startswith("https://%s/" % PUBLIC))

    def test_host_that_is_none(self):
        for host in ("a b", "evil.test/x", "a\"b", "<x>"):
            self.assertEqual(self.origin(**self.forwarded(host=host)),
                             "https://" + self.hostname())

    def hostname(self):
        return json.loads(self.server.ctl(
            "status", "--json").stdout)["hostname"]

    def test_same_origin(self):
        ours = "https://" + PUBLIC
        for origin, status in ((ours, 200), ("https://evil.test", 401),
                               ("http://" + PUBLIC, 401), ("null", 401)):
            self.assertEqual(self.browser().ask(
                "GET", "/.well-known/jmap", Authorization=self.basic(),
                Origin=origin, **self.forwarded())[0], status, origin)
            self.assertEqual(self.upgrade(
                Authorization=self.basic(), Origin=origin,
                **self.forwarded()), 101 if status == 200 else 403, origin)

    def test_in_clear(self):
        """The proxy says that nobody encrypted what it hands on: no password
        is taken, though it is on this machine itself."""
        fields = self.forwarded(proto="http")
        browser = self.browser()
        self.assertEqual(self.login(browser, **fields)[0], 403)
        self.assertEqual(self.login(browser, **self.forwarded(proto=None))[0],
                         403)
        self.assertEqual(browser.ask(
            "GET", "/.well-known/jmap", Authorization=self.basic(),
            **fields)[0], 401)

    def test_from_elsewhere(self):
        """Who is not that proxy may say what they like."""
        browser = self.browser("127.0.0.9")
        there = "http://127.0.0.1:%d" % self.server.ports["http"]
        self.assertEqual(self.origin(browser, **self.forwarded()), there)
        status, flags = self.login(browser, **self.forwarded())
        self.assertEqual((status, "Secure" in flags), (200, False))
        self.assertEqual(self.peer(browser), "127.0.0.9")

    def test_brake_is_on_the_client(self):
        guesser, other = (self.forwarded(a) for a in
                          ("198.51.100.77", "198.51.100.78"))
        browser = self.browser()
        for i in range(3):
            browser.ask("POST", "/web/login", {
                "user": "nobody@example.test", "password": "x%d" % i},
                **guesser)
        self.assertEqual(self.login(browser, **guesser)[0], 429)
        self.assertEqual(self.login(browser, **other)[0], 200)
        self.assertEqual(self.login(browser)[0], 200)


class Url(Case):
    """The URL is in the configuration."""

    SET = ("web.url=HTTPS://Mail.Public.test:443/",)

    def test_everywhere(self):
        ours = "https://" + PUBLIC
        browser = self.browser()
        for fields in ({}, {"Host": "other.test"},
                       self.forwarded(host="evil.test", proto="http")):
            self.assertEqual(self.origin(browser, **fields), ours)
        status, flags = self.login(browser)
        self.assertEqual(status, 200)
        self.assertIn("Secure", flags)
        # Whose request it is nobody says.
        self.assertEqual(self.peer(browser, **self.forwarded()), "127.0.0.1")
        self.assertEqual(self.passkey(browser, ours), 201)
        self.assertEqual(self.passkey(browser, "http://" + PUBLIC), 422)
        for args in (("user", "link", self.user),
                     ("invite", "create", "example.test")):
            self.assertIn(ours + "/", self.server.ctl(*args).stdout)
            self.assertIn('"url":"%s/' % ours,
                          self.server.ctl(*args, "--json").stdout)

    def test_same_origin(self):
        """Also where the proxy asks for a name of its own."""
        own = "127.0.0.1:%d" % self.server.ports["http"]
        for origin, status in (
                ("https://" + PUBLIC, 200), ("http://" + own, 200),
                ("https://evil.test", 401), ("http://" + PUBLIC, 401),
                ("https://%s:8443" % PUBLIC, 401)):
            self.assertEqual(self.browser().ask(
                "GET", "/.well-known/jmap", Authorization=self.basic(),
                Origin=origin)[0], status, origin)
            self.assertEqual(self.upgrade(
                Authorization=self.basic(), Origin=origin),
                101 if status == 200 else 403, origin)


if __name__ == "__main__":
    unittest.main()
