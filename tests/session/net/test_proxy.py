"""The PROXY protocol: who the client is, as a load balancer tells it."""

import base64
import json
import os
import socket
import struct
import tempfile
import time
import unittest

from wire import SLOW, Case, Line, Server, client_context, wait_until

CLIENT = "203.0.113.5"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
PROXIED = ("smtp", "submission", "imap", "imaps", "pop3", "pop3s", "http",
           "managesieve")
SETTINGS = ["listener.%s.proxy=true" % p for p in PROXIED] + [
    "listener.%s.proxy_from=192.0.2.0/24 127.0.0.1" % p for p in PROXIED]


def version_1(client=CLIENT, port=4711):
    kind, to = ("TCP6", "::1") if ":" in client else ("TCP4", "127.0.0.1")
    return b"PROXY %s %s %s %d 143\r\n" % (
        kind.encode(), client.encode(), to.encode(), port)


def tlv(type, value):
    return struct.pack(">BH", type, len(value)) + value


def version_2(client=CLIENT, port=4711, more=b"", command=1):
    family = socket.AF_INET6 if ":" in client else socket.AF_INET
    to = "::1" if ":" in client else "127.0.0.1"
    data = (socket.inet_pton(family, client) + socket.inet_pton(family, to)
            + struct.pack(">HH", port, 143) + more)
    return SIGNATURE + struct.pack(
        ">BBH", 0x20 | command, 0x21 if ":" in client else 0x11,
        len(data)) + data


SSL = tlv(0x20, b"\1\0\0\0\0" + tlv(0x21, b"TLSv1.3"))


class ProxyCase(Case):
    settings = SETTINGS

    def proxied(self, port, header, cut=None, **more):
        """A connection that begins with a header; each piece goes out by
        itself."""
        line = self.open(port, greeting=False, **more)
        line.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(0, len(header), cut or len(header) or 1):
            line.send(header[i:i + (cut or len(header))])
            if cut:
                time.sleep(0.001)
        return line

    def rows(self):
        return json.loads(self.server.ctl("connections", "--json").stdout)

    def peers(self):
        return {(r["protocol"], r["peer"], r["port"]) for r in self.rows()}

    def logged(self, *words):
        return wait_until(lambda: any(
            all(w in line for w in words)
            for line in self.server.log().splitlines()))


class Headers(ProxyCase):
    def test_every_protocol_and_version(self):
        for make in (version_1, version_2):
            for client in (CLIENT, "2001:db8::7"):
                for port, start in (("smtp", "220 "), ("submission", "220 "),
                                    ("imap", "* OK"), ("pop3", "+OK"),
                                    ("managesieve", '"IMPL')):
                    line = self.proxied(port, make(client))
                    self.assertTrue(line.line().startswith(start), port)
                    self.assertIn((port, client, 4711), self.peers())
                    line.close()

    def test_before_tls(self):
        for make in (version_1, version_2):
            for port, start in (("imaps", "* OK"), ("pop3s", "+OK")):
                line = self.open(port, greeting=False)
                # The header and the client's hello in one packet.
                line.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
                line.send(make())
                line.wrap(client_context(self.server))
                line.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
                self.assertTrue(line.line().startswith(start))
                self.assertIn((port[:-1], CLIENT, 4711), self.peers())
                line.close()

    def test_commands_right_behind(self):
        line = self.proxied("imap", version_2() + b"a CAPABILITY\r\n")
        self.assertTrue(line.line().startswith("* OK"))
        self.assertTrue(line.line().startswith("* CAPABILITY"))
        self.assertTrue(line.line().startswith("a OK"))

    def test_cut_anywhere(self):
        for header in (version_1(), version_2(more=SSL)):
            for cut in (1, 7):
                line = self.proxied("imap", header, cut)
                self.assertTrue(line.line().startswith("* OK"))
                self.assertIn(("imap", CLIENT, 4711), self.peers())
                line.close()

    def test_starttls_behind_it(self):
        line = self.proxied("imap", version_2())
        line.line()
        self.assertTrue(line.ask("a STARTTLS")[-1].startswith("a OK"))
        line.wrap(client_context(self.server))
        line.login()
        row, = [r for r in self.rows() if r["user"]]
        self.assertEqual(row["peer"], CLIENT)
        self.assertTrue(self.logged("login", CLIENT))

    def test_own_addresses(self):
        for header in (b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN ff 1 2\r\n",
                       version_2(command=0), SIGNATURE + b"\x20\0\0\0",
                       SIGNATURE + b"\x21\0\0\0"):
            line = self.proxied("imap", header)
            self.assertTrue(line.line().startswith("* OK"))
            self.assertEqual({p for _, p, _ in self.peers()}, {"127.0.0.1"})
            line.close()

    def test_the_client_is_not_on_this_machine(self):
        """Who reaches us over loopback only by a load balancer sends no
        password in plain text."""
        line = self.proxied("imap", version_2())
        line.line()
        self.assertIn("LOGINDISABLED", line.ask("a CAPABILITY")[0])
        line = self.proxied("pop3", version_1())
        line.line()
        self.assertTrue(line.ask("USER x", "")[0].startswith("-ERR"))

    def test_urls_of_clients_with_tls(self):
        """Of HTTP: by TLS to the load balancer a browser sees https."""
        request = (b"GET /.well-known/jmap HTTP/1.1\r\n"
                   b"Host: mail.public.test\r\nConnection: close\r\n"
                   b"Authorization: Basic " + base64.b64encode(
                       ("%s:%s" % (self.server.users[0],
                                   self.server.password)).encode()) +
                   b"\r\n\r\n")
        for more, first in ((SSL, b"HTTP/1.1 200"), (b"", b"HTTP/1.1 401")):
            line = self.proxied("http", version_2(more=more) + request)
            answer = b""
            while piece := line.sock.recv(65536):
                answer += piece
            line.close()
            self.assertTrue(answer.startswith(first), answer)
            self.assertEqual(
                b'"https://mail.public.test/jmap/api"' in answer, more == SSL)

    def test_tls_that_the_load_balancer_ended(self):
        line = self.proxied("imap", version_2(more=SSL))
        line.line()
        caps = line.ask("a CAPABILITY")[0]
        self.assertNotIn("LOGINDISABLED", caps)
        self.assertNotIn("STARTTLS", caps)
        line.login()
        self.assertIn("TLSv1.3 to the proxy", {r["tls"] for r in self.rows()})
        none = tlv(0x20, b"\0\0\0\0\0")
        line = self.proxied("imap", version_2(more=none))
        line.line()
        self.assertIn("LOGINDISABLED", line.ask("a CAPABILITY")[0])

    def test_received(self):
        line = self.proxied("smtp", version_2("2001:db8::7"))
        for text in ("EHLO me.test", "MAIL FROM:<a@b.test>",
                     "RCPT TO:<%s>" % self.server.users[1], "DATA",
                     "Subject: x\r\n\r\nx\r\n."):
            line.ask(text, "2" if text != "DATA" else "3")
        line.ask("NOOP", "250 2.0.0")
        imap = self.proxied("imap", version_2(more=SSL))
        imap.line()
        imap.login(1)
        imap.ask("a SELECT INBOX")
        got = "\n".join(imap.ask("a FETCH 1 BODY.PEEK[HEADER]"))
        self.assertIn("[IPv6:2001:db8::7]", got)
        self.assertTrue(self.logged("message", "peer=2001:db8::7"))


class Refused(ProxyCase):
    settings = SETTINGS + ["limits.proxy_time=1"]

    def test_others_than_the_trusted(self):
        line = self.proxied("imap", b"", source="127.0.0.2")
        self.assertTrue(line.ended())
        self.assertTrue(self.logged(
            "proxy-failed", "127.0.0.2", "not in proxy_from"))

    def test_what_is_no_header(self):
        bad = {
            b"EHLO me.test\r\n": "no header",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03": "no header",
            b"PROXY TCP4 203.0.113.5 127.0.0.1 1\r\n": "malformed line",
            b"PROXY UNKNOWN " + b"x" * 100 + b"\r\n": "too long",
            SIGNATURE + b"\x31\x11\0\x0c": "unknown version",
            SIGNATURE + b"\x21\x11\xff\xff": "header too long",
            version_2(more=tlv(3, b"\0\0\0\0")): "wrong checksum",
            version_2(more=b"\4\0"): "addition that is cut",
        }
        for header, why in bad.items():
            line = self.proxied("smtp", header)
            self.assertTrue(line.ended(), header)
            self.assertEqual(line.buffer, b"")
            self.assertTrue(self.logged("proxy-failed", "127.0.0.1", why), why)

    def test_no_header_in_time(self):
        begin = time.monotonic()
        for half in (b"", version_2()[:20], b"PROXY TCP4 "):
            line = self.proxied("pop3", half)
            self.assertTrue(line.ended())
        self.assertLess(time.monotonic() - begin, 10 * SLOW)
        self.assertTrue(self.logged("proxy-failed", "no header in time"))

    def test_an_end_within_the_header(self):
        line = self.proxied("pop3", version_2()[:20])
        line.sock.shutdown(socket.SHUT_WR)
        self.assertTrue(line.ended())
        self.assertTrue(self.logged("proxy-failed", "ends within"))

    def test_who_only_looks_is_not_logged(self):
        before = self.server.log().count("proxy-failed")
        for _ in range(3):
            self.proxied("imap", b"").close()
        self.assertTrue(wait_until(lambda: not self.rows()))
        self.assertEqual(self.server.log().count("proxy-failed"), before)

    def test_listeners_without_it(self):
        line = self.open("lmtp")
        self.assertTrue(line.greeting.startswith("220"))
        line.send(version_1())
        self.assertTrue(line.line().startswith("5"))


class Limits(ProxyCase):
    settings = SETTINGS + ["limits.connections_per_address=2"]

    def test_connections_of_a_client(self):
        kept = [self.proxied("imap", version_2()) for _ in range(2)]
        for line in kept:
            self.assertTrue(line.line().startswith("* OK"))
        line = self.proxied("imap", version_2())
        self.assertTrue(line.line().startswith("* BYE"))
        self.assertTrue(line.ended())
        # not those of the load balancer
        others = [self.proxied("imap", version_1("203.0.113.%d" % i))
                  for i in range(10, 20)]
        for line in others:
            self.assertTrue(line.line().startswith("* OK"))
        kept.pop().close()
        self.assertTrue(wait_until(lambda: len(
            [r for r in self.rows() if r["peer"] == CLIENT]) == 1))
        self.assertTrue(
            self.proxied("imap", version_2()).line().startswith("* OK"))


class Guessing(ProxyCase):
    settings = SETTINGS + ["auth.failures=3", "auth.failure_delay=0"]

    def test_blocks_the_client_alone(self):
        def login(client, user, password):
            line = self.proxied("imap", version_2(client, more=SSL))
            line.line()
            got = line.ask("a LOGIN %s %s" % (
                self.server.users[user], password))
            line.close()
            return got[-1]
        for i in range(3):
            got = login("203.0.113.66", 0, "wrong%d" % i)
            self.assertTrue(got.startswith("a NO"))
        got = login("203.0.113.66", 1, "secret")
        self.assertTrue(got.startswith("a NO [LIMIT]"), got)
        got = login("203.0.113.67", 1, "secret")
        self.assertTrue(got.startswith("a OK"), got)


class UnixSocket(unittest.TestCase):
    def test_a_load_balancer_on_this_machine(self):
        with tempfile.TemporaryDirectory() as dir:
            path = os.path.join(dir, "imap")
            with Server(set=("listener.imap.path=" + path,
                             "listener.imap.proxy=true",
                             "listener.imap.proxy_from=unix")) as server:
                for header, peer, disabled in (
                        (version_1(), CLIENT, True),
                        (version_2(command=0), "unix", False)):
                    with socket.socket(socket.AF_UNIX) as s:
                        s.settimeout(20 * SLOW)
                        s.connect(path)
                        s.sendall(header)
                        self.assertTrue(s.recv(4096).startswith(b"* OK"))
                        s.sendall(b"a CAPABILITY\r\n")
                        got = s.recv(4096)
                        self.assertEqual(b"LOGINDISABLED" in got, disabled)
                        rows = json.loads(server.ctl(
                            "connections", "--json").stdout)
                        self.assertIn(peer, {r["peer"] for r in rows})


class Stopping(unittest.TestCase):
    def test_does_not_wait_for_headers(self):
        with Server(set=SETTINGS) as server:
            with Line(server, "imap", greeting=False) as line:
                line.send(version_2()[:14])
                wait_until(lambda: json.loads(server.ctl(
                    "connections", "--json").stdout))
                begin = time.monotonic()
                self.assertEqual(server.stop(), 0)
                self.assertLess(time.monotonic() - begin, 5 * SLOW)
                self.assertTrue(line.ended())


if __name__ == "__main__":
    unittest.main()
