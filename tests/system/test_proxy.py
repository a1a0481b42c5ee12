"""HAProxy in front of the server, with the headers that it makes."""

import http.client
import imaplib
import json
import os
import poplib
import shutil
import smtplib
import socket
import ssl
import subprocess
import time
import unittest

from authenticator import Passkey
from browser import Browser
from clients import SLOW, Case

HAPROXY = shutil.which("haproxy")
FRONT = ("smtp", "imap", "imaps", "pop3")
CLIENT = "127.0.0.9"

CONFIG = """\
global
    maxconn 200
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
listen smtp
    bind 127.0.0.1:%(front_smtp)d
    server one 127.0.0.1:%(smtp)d send-proxy
listen imap
    bind 127.0.0.1:%(front_imap)d
    server one 127.0.0.1:%(imap)d send-proxy-v2 proxy-v2-options crc32c \
check inter 200ms
listen imaps
    bind 127.0.0.1:%(front_imaps)d
    server one 127.0.0.1:%(imaps)d send-proxy-v2
listen pop3
    bind 127.0.0.1:%(front_pop3)d ssl crt %(pem)s
    server one 127.0.0.1:%(pop3)d send-proxy-v2-ssl check check-send-proxy \
inter 200ms
"""


# TLS of browsers ends here: what is behind it is told in a header of the PROXY
# protocol, or in fields of each request.
WEB = """\
global
    maxconn 200
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
listen http
    bind 127.0.0.1:%(front_http)d ssl crt %(pem)s
    server one 127.0.0.1:%(http)d send-proxy-v2-ssl
listen https
    bind 127.0.0.1:%(front_https)d ssl crt %(pem)s
    option forwardfor
    http-request set-header X-Forwarded-Proto https if { ssl_fc }
    http-request set-header X-Forwarded-Host %%[req.hdr(Host)]
    http-request set-header Host inside.test
    http-reuse always
    server one 127.0.0.1:%(https)d
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Front(Case):
    config = None
    names = ()  # of the listeners behind it

    def setUp(self):
        super().setUp()
        # HAProxy reads one file with both.
        parts = [os.path.join(self.server.dir, n)
                 for n in ("cert.pem", "key.pem")]
        pem = self.file("both.pem", "".join(open_text(p) for p in parts))
        self.front = {p: free_port() for p in self.names}
        values = {"front_" + p: n for p, n in self.front.items()}
        path = self.file("haproxy.cfg", self.config % {
            **values, **{p: self.server.ports[p] for p in self.names},
            "pem": pem})
        self.haproxy = subprocess.Popen(
            [HAPROXY, "-db", "-f", path], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self.end)
        self.context = ssl.create_default_context(cafile=self.server.cafile)
        self.context.check_hostname = False
        end = time.monotonic() + 20 * SLOW
        while True:
            try:
                socket.create_connection(
                    ("127.0.0.1", self.front[self.names[0]])).close()
                break
            except ConnectionRefusedError:
                self.assertLess(time.monotonic(), end)
                self.assertIsNone(self.haproxy.poll())
                time.sleep(0.02)

    def end(self):
        self.haproxy.kill()
        self.haproxy.wait()


@unittest.skipUnless(HAPROXY, "HAProxy is not installed")
class HAProxy(Front):
    config, names = CONFIG, FRONT
    settings = ["listener.%s.proxy%s" % (p, more) for p in FRONT
                for more in ("=true", "_from=127.0.0.1")]

    def peer_of(self, protocol):
        rows = json.loads(self.server.ctl("connections", "--json").stdout)
        return {r["peer"] for r in rows if r["protocol"] == protocol}

    def connect(self, protocol):
        return socket.create_connection(
            ("127.0.0.1", self.front[protocol]), timeout=20 * SLOW,
            source_address=(CLIENT, 0))

    def test_mail_comes_and_is_read(self):
        smtp = smtplib.SMTP("127.0.0.1", self.front["smtp"],
                            source_address=(CLIENT, 0))
        with smtp:
            self.assertEqual(self.peer_of("smtp"), {CLIENT})
            smtp.sendmail("a@b.test", [self.server.users[0]],
                          "Subject: through\r\n\r\nit\r\n")
        test = self

        class Imap(imaplib.IMAP4):
            def _create_socket(self, timeout):
                return test.connect("imap")

        class Imaps(imaplib.IMAP4):
            def _create_socket(self, timeout):
                return test.context.wrap_socket(
                    test.connect("imaps"), server_hostname="localhost")
        c = Imap("localhost")
        self.assertIn(CLIENT, self.peer_of("imap"))
        c.starttls(self.context)
        self.read(c)
        c = Imaps()
        self.assertIn(CLIENT, self.peer_of("imap"))
        self.read(c)

        class Pop3(poplib.POP3):
            def _create_socket(self, timeout):
                return test.context.wrap_socket(
                    test.connect("pop3"), server_hostname="localhost")
        c = Pop3("127.0.0.1")
        self.assertIn(CLIENT, self.peer_of("pop3"))
        c.user(self.server.users[0])    # TLS ends at HAProxy
        c.pass_(self.server.password)
        self.assertIn(b"Subject: through", c.retr(1)[1])
        c.quit()

    def read(self, c):
        c.login(self.server.users[0], self.server.password)
        c.select("INBOX")
        got = c.fetch("1", "BODY.PEEK[HEADER]")[1][0][1].decode()
        self.assertIn("[%s]" % CLIENT, got)
        c.logout()

    def test_health_checks_say_nothing(self):
        time.sleep(1)
        self.assertNotIn("proxy-failed", self.server.log())
        self.assertEqual(self.peer_of("imap") - {"127.0.0.1"}, set())


@unittest.skipUnless(HAPROXY, "HAProxy is not installed")
class Web(Front):
    config, names = WEB, ("http", "https")
    settings = ["listener.http.proxy=true",
                "listener.http.proxy_from=127.0.0.1",
                "listener.https.tls=none",
                "listener.https.forwarded_from=127.0.0.1"]

    def browser(self, name, client):
        browser = Browser(self.server)
        browser.connection = http.client.HTTPSConnection(
            "127.0.0.1", self.front[name], timeout=20 * SLOW,
            context=self.context, source_address=(client, 0))
        self.addCleanup(browser.close)
        return browser

    def test_browsers_have_https(self):
        for name in self.names:
            origin = "https://localhost:%d" % self.front[name]
            more = {"Host": origin.partition("//")[2], "Origin": origin}
            # Two clients, whose requests may go over one connection.
            browsers = {c: self.browser(name, c)
                        for c in (CLIENT, "127.0.0.10")}
            for client, browser in browsers.items():
                status, _, answer = browser.ask("POST", "/web/login", {
                    "user": self.server.users[0],
                    "password": self.server.password},
                    X_Forwarded_For="203.0.113.1", **more)
                self.assertEqual(status, 200, name)
                self.assertIn("; Secure", answer.getheader("Set-Cookie"))
            for client, browser in browsers.items():
                status, root, _ = browser.ask(
                    "GET", "/.well-known/jmap", **more)
                self.assertEqual(status, 200, (name, client, root))
                self.assertEqual(root["apiUrl"], origin + "/jmap/api")
                self.assertEqual(
                    [s["peer"] for s in browser.ask(
                        "GET", "/web/sessions", **more)[1]["sessions"]
                     if s["isThis"]], [client])
            # It ends the other session.
            status, options, _ = browser.ask(
                "POST", "/web/passkeys/options",
                {"password": self.server.password}, **more)
            self.assertEqual((status, options["rp"]["id"]),
                             (200, "localhost"))
            status, answer, _ = browser.ask("POST", "/web/passkeys", {
                "name": "Key",
                "credential": Passkey(origin).create(options)}, **more)
            self.assertEqual(status, 201, answer)


def open_text(path):
    with open(path) as f:
        return f.read()


if __name__ == "__main__":
    unittest.main()
