"""Push subscriptions (RFC 8620, 7.2; RFC 8030, 8291, 8292): a push service of
our own gets what the server posts, and decrypts it by itself."""

import base64
import http.server
import json
import os
import smtplib
import socket
import ssl
import threading
import time
import unittest

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import \
    encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from authority import Authority
from jmap import CORE, Jmap
from nameserver import NameServer, available
from postern import SLOW, Server

USER = "user1@example.test"
VAPID = "urn:ietf:params:jmap:webpush-vapid"


def encode(octets):
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Client:
    """The keys of one subscription."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.public = self.key.public_key().public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint)
        self.auth = os.urandom(16)
        self.keys = {"p256dh": encode(self.public), "auth": encode(self.auth)}

    def decrypt(self, body):
        salt, size, n = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        sender, rest = body[21:21 + n], body[21 + n:]
        assert n == 65 and len(rest) <= size
        secret = self.key.exchange(
            ec.ECDH(),
            ec.EllipticCurvePublicKey.from_encoded_point(
                ec.SECP256R1(), sender))

        def hkdf(salt, key, info, length):
            return HKDF(hashes.SHA256(), length, salt, info).derive(key)
        key = hkdf(self.auth, secret,
                   b"WebPush: info\0" + self.public + sender, 32)
        plain = AESGCM(hkdf(
            salt, key, b"Content-Encoding: aes128gcm\0", 16)).decrypt(
                hkdf(salt, key, b"Content-Encoding: nonce\0", 12), rest, None)
        assert plain[-1:] == b"\2"
        return json.loads(plain[:-1])


class Service:
    """HTTPS; `answers`: path to (status, fields)."""

    def __init__(self, certificate, key):
        outer = self
        self.posted = []
        self.answers = {}
        self.moved = threading.Condition()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, fields = outer.answers.get(self.path, (201, {}))
                with outer.moved:
                    outer.posted.append((self.path, self.headers, body))
                    outer.moved.notify_all()
                self.send_response(status)
                for name, value in fields.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *unused):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            def handle_error(self, *unused):
                pass
        self.server = Quiet(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server.socket = context.wrap_socket(
            self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def url(self, path):
        return "https://push.test:%d%s" % (self.port, path)

    def take(self, path, timeout=40):
        """The oldest push to that path."""
        end = time.monotonic() + timeout * SLOW
        with self.moved:
            while True:
                for i, one in enumerate(self.posted):
                    if one[0] == path:
                        del self.posted[i]
                        return one[1], one[2]
                left = end - time.monotonic()
                if left <= 0:
                    raise AssertionError("no push to " + path)
                self.moved.wait(left)

    def count(self, path):
        with self.moved:
            return sum(one[0] == path for one in self.posted)

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@unittest.skipUnless(available(), "not installed: nsd and ldnsutils")
class Base(unittest.TestCase):
    settings = ["jmap.push_private=true"]

    @classmethod
    def setUpClass(cls):
        cls.ca = Authority()
        cls.addClassCleanup(cls.ca.clean)
        cls.service = Service(*cls.ca.issue("push.test"))
        cls.addClassCleanup(cls.service.stop)
        cls.dns = NameServer({"push.test": ["@ A 127.0.0.1"]})
        cls.dns.start()
        cls.addClassCleanup(cls.dns.stop)
        cls.server = Server(set=[
            "dns.stubs=push.test=127.0.0.1@%d" % cls.dns.port,
            "dns.validate=false", "queue.ca_file=" + cls.ca.cafile,
            "queue.ipv6=false", "auth.failure_delay=10",
            "jmap.push_interval=0"] + cls.settings)
        cls.server.start()
        cls.addClassCleanup(cls.server.clean)
        cls.addClassCleanup(lambda: cls.server.stop())

    def setUp(self):
        self.path = "/" + self.id().rsplit(".", 1)[1]
        self.jmap = Jmap(self.server)
        self.addCleanup(lambda: self.jmap.close())
        self.addCleanup(self.clear)

    def again(self):
        self.jmap.close()
        self.jmap = Jmap(self.server)

    def clear(self):
        ids = [s["id"] for s in self.get()["list"]]
        self.method("PushSubscription/set", destroy=ids)

    def method(self, name, jmap=None, **args):
        status, text, _ = (jmap or self.jmap).post(
            {"using": [CORE, VAPID], "methodCalls": [[name, args, "c"]]})
        self.assertEqual(status, 200, text)
        return json.loads(text)["methodResponses"][0][1]

    def get(self, **args):
        return self.method("PushSubscription/get", **args)

    def make(self, client=None, path=None, jmap=None, **more):
        answer = self.method("PushSubscription/set", jmap, create={"a": {
            "deviceClientId": "a device",
            "url": self.service.url(path or self.path),
            **({"keys": client.keys} if client else {}), **more}})
        self.assertIsNotNone(answer["created"], answer)
        return answer["created"]["a"]

    def verified(self, client, **more):
        """A subscription that is verified; its id."""
        made = self.make(client, **more)
        path = more.get("path", self.path)
        fields, body = self.service.take(path)
        told = client.decrypt(body) if client else json.loads(body)
        self.assertEqual(told["@type"], "PushVerification")
        self.assertEqual(told["pushSubscriptionId"], made["id"])
        answer = self.method(
            "PushSubscription/set", more.get("jmap"),
            update={made["id"]: {
                "verificationCode": told["verificationCode"]}})
        self.assertIn(made["id"], answer["updated"])
        return made["id"]

    def deliver(self, subject="hello"):
        with smtplib.LMTP(self.server.host, self.server.ports["lmtp"]) as l:
            l.sendmail("a@b.test", USER, "From: a@b.test\r\nSubject: "
                       "%s\r\n\r\nx\r\n" % subject)

    def check_sender(self, fields):
        """RFC 8292, 2 and 4."""
        scheme, rest = fields["Authorization"].split(" ", 1)
        parts = dict(p.strip().split("=", 1) for p in rest.split(","))
        self.assertEqual(scheme, "vapid")
        self.assertEqual(
            parts["k"], self.jmap.session["capabilities"][VAPID]
            ["applicationServerKey"])
        head, claims, signature = parts["t"].split(".")
        self.assertEqual(json.loads(decode(head)),
                         {"typ": "JWT", "alg": "ES256"})
        octets = decode(signature)
        key = ec.EllipticCurvePublicKey.from_encoded_point(
            ec.SECP256R1(), decode(parts["k"]))
        key.verify(encode_dss_signature(
            int.from_bytes(octets[:32], "big"),
            int.from_bytes(octets[32:], "big")),
            ("%s.%s" % (head, claims)).encode(), ec.ECDSA(hashes.SHA256()))
        claims = json.loads(decode(claims))
        self.assertEqual(claims["aud"],
                         "https://push.test:%d" % self.service.port)
        self.assertEqual(claims["sub"], "mailto:postmaster@example.test")
        self.assertTrue(0 < claims["exp"] - time.time() <= 86400)


class Push(Base):
    def test_delivery(self):
        """While nobody is connected."""
        client = Client()
        self.verified(client)
        self.jmap.close()
        self.deliver()
        fields, body = self.service.take(self.path)
        self.assertEqual(fields["Content-Type"], "application/json")
        self.assertEqual(fields["Content-Encoding"], "aes128gcm")
        self.assertGreater(int(fields["TTL"]), 0)
        self.assertEqual(fields["Urgency"], "normal")
        self.assertRegex(fields["Topic"], "^[A-Za-z0-9_-]{1,32}$")
        told = client.decrypt(body)
        self.assertEqual(told["@type"], "StateChange")
        self.again()
        self.check_sender(fields)
        types = told["changed"][self.jmap.account]
        self.assertEqual(set(types),
                         {"Email", "Mailbox", "Thread", "EmailDelivery"})
        self.assertEqual(types["Email"],
                         self.jmap.call("Email/get", ids=[])["state"])

    def test_plain(self):
        """Without keys it is not encrypted."""
        self.verified(None)
        self.deliver()
        fields, body = self.service.take(self.path)
        self.assertNotIn("Content-Encoding", fields)
        self.assertEqual(json.loads(body)["@type"], "StateChange")

    def test_types(self):
        client = Client()
        self.verified(client, types=["EmailDelivery", "Todo"])
        self.jmap.call("Mailbox/set", create={"a": {"name": "One"}})
        self.deliver()
        told = client.decrypt(self.service.take(self.path)[1])
        self.assertEqual(set(told["changed"][self.jmap.account]),
                         {"EmailDelivery"})

    def test_not_verified(self):
        """One message to whom it may not concern, and no more."""
        client = Client()
        made = self.make(client)
        told = client.decrypt(self.service.take(self.path)[1])
        answer = self.method("PushSubscription/set", update={
            made["id"]: {"verificationCode": "wrong"}})
        self.assertEqual(answer["notUpdated"][made["id"]]["type"],
                         "invalidProperties")
        self.deliver()
        other = Client()
        self.verified(other, path=self.path + "-other")
        self.deliver()
        self.service.take(self.path + "-other")
        self.assertEqual(self.service.count(self.path), 0)
        self.assertIsNone(
            self.get(ids=[made["id"]])["list"][0]["verificationCode"])
        self.assertIn(made["id"], self.method(
            "PushSubscription/set", update={made["id"]: {
                "verificationCode": told["verificationCode"]}})["updated"])
        self.deliver()
        self.service.take(self.path)

    def test_many_changes(self):
        """They are few pushes, and the last one tells how it is."""
        client = Client()
        self.verified(client)
        for i in range(40):
            self.deliver(str(i))
        state = self.jmap.call("Email/get", ids=[])["state"]
        pushes = 0
        while True:
            told = client.decrypt(self.service.take(self.path)[1])
            pushes += 1
            if told["changed"][self.jmap.account].get("Email") == state:
                break
        self.assertLess(pushes, 30)

    def test_restart(self):
        client = Client()
        id = self.verified(client)
        key = self.jmap.session["capabilities"][VAPID]
        self.server.stop()
        self.server.start()
        self.again()
        self.assertEqual(self.jmap.session["capabilities"][VAPID], key)
        self.assertEqual([s["id"] for s in self.get()["list"]], [id])
        self.jmap.close()
        self.deliver()
        told = client.decrypt(self.service.take(self.path)[1])
        self.assertEqual(told["@type"], "StateChange")
        self.again()
        for name in ("vapid.key", "push/" + self.jmap.account):
            mode = os.stat(os.path.join(self.server.dir, "state", name))
            self.assertEqual(mode.st_mode & 0o777, 0o600)

    def expect_gone(self, id):
        for _ in range(400 * SLOW):
            if self.get(ids=[id])["notFound"]:
                return
            time.sleep(0.1)
        self.fail("it is still there")

    def test_gone(self):
        for status in (410, 404):
            path = "%s-%d" % (self.path, status)
            id = self.verified(Client(), path=path)
            self.service.answers[path] = (status, {})
            self.deliver()
            self.service.take(path)
            self.expect_gone(id)

    def test_pause(self):
        """What the service does not take now it gets later, once."""
        client = Client()
        self.verified(client)
        self.service.answers[self.path] = (429, {"Retry-After": "2"})
        self.deliver()
        self.service.take(self.path)
        with open(os.path.join(self.server.dir, "state/push",
                               self.jmap.account)) as f:
            pass
        for _ in range(400 * SLOW):
            with open(f.name) as g:
                s, = json.load(g)["subscriptions"].values()
            if s.get("failures") == 1:
                break
            time.sleep(0.1)
        self.assertEqual(s["failures"], 1)
        self.assertGreater(s["notBefore"], time.time() + 10)
        self.deliver()
        self.assertEqual(self.service.count(self.path), 0)

    def test_redirect(self):
        self.verified(Client())
        self.service.answers[self.path] = (
            307, {"Location": self.service.url("/elsewhere")})
        self.deliver()
        self.service.take(self.path)
        self.assertEqual(self.service.count("/elsewhere"), 0)

    def test_stop(self):
        """A push under way does not hold up the end of the server."""
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen(5)
            self.method("PushSubscription/set", create={"a": {
                "deviceClientId": "d",
                "url": "https://push.test:%d/" % silent.getsockname()[1]}})
            connection, _ = silent.accept()
            with connection:
                begun = time.monotonic()
                self.server.stop()
                self.assertLess(time.monotonic() - begun, 12 * SLOW)
        self.server.start()
        self.again()


class Methods(Base):
    settings = ["jmap.push_private=true", "jmap.push_subscriptions=3"]

    def test_get(self):
        made = self.make(Client(), types=["Email"])
        answer = self.get()
        self.assertEqual(set(answer), {"list", "notFound"})
        one, = answer["list"]
        self.assertEqual(set(one), {"id", "deviceClientId",
                                    "verificationCode", "expires", "types"})
        self.assertEqual(one["types"], ["Email"])
        self.assertEqual(one["expires"], made["expires"])
        for secret in ("url", "keys"):
            self.assertEqual(self.get(properties=[secret])["type"],
                             "forbidden")
        self.assertEqual(self.get(ids=["x"])["notFound"], ["x"])

    def test_expires(self):
        def seconds(text):
            return time.mktime(time.strptime(
                text, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone - time.time()
        week = 7 * 86400
        made = self.make(Client())
        self.assertAlmostEqual(seconds(made["expires"]), week, delta=600)
        answer = self.method("PushSubscription/set", update={
            made["id"]: {"expires": "2099-01-01T00:00:00Z"}})
        self.assertAlmostEqual(seconds(
            answer["updated"][made["id"]]["expires"]), week, delta=600)
        self.method("PushSubscription/set", update={
            made["id"]: {"expires": "2001-01-01T00:00:00Z"}})
        self.assertEqual(self.get()["list"], [])

    def test_wrong(self):
        url = self.service.url("/x")
        for wrong in ({"url": "http://push.test/"}, {"url": "push.test"},
                      {"url": "https://127.0.0.1/"}, {"url": "https://[::1]/"},
                      {"url": "https://a@push.test/"}, {"url": "https://"},
                      {"url": "https://push.test/ x"}, {"keys": {}},
                      {"keys": {"p256dh": "AAAA", "auth": "AAAA"}},
                      {"keys": 1}, {"types": "Email"}, {"types": [1]},
                      {"verificationCode": "x"}, {"expires": "soon"},
                      {"deviceClientId": ""}, {"more": 1}):
            answer = self.method("PushSubscription/set", create={
                "a": {"deviceClientId": "d", "url": url, **wrong}})
            error = answer["notCreated"]["a"]
            self.assertEqual((error["type"], error["properties"]),
                             ("invalidProperties", list(wrong)), wrong)
        made = self.make(Client())
        for wrong in ({"url": url}, {"keys": None},
                      {"deviceClientId": "other"}, {"types": 1}):
            answer = self.method("PushSubscription/set",
                                 update={made["id"]: wrong})
            self.assertEqual(answer["notUpdated"][made["id"]]["type"],
                             "invalidProperties", wrong)

    def test_limits(self):
        for _ in range(3):
            self.make(Client())
        answer = self.method("PushSubscription/set", create={
            "a": {"deviceClientId": "d", "url": self.service.url("/x")}})
        self.assertEqual(answer["notCreated"]["a"]["type"], "overQuota")
        kinds = set()
        for _ in range(40):
            ids = [s["id"] for s in self.get()["list"]]
            answer = self.method("PushSubscription/set", destroy=ids[:1])
            answer = self.method("PushSubscription/set", create={
                "a": {"deviceClientId": "d", "url": self.service.url("/x")}})
            if answer["notCreated"]:
                kinds.add(answer["notCreated"]["a"]["type"])
        self.assertEqual(kinds, {"rateLimit"})


class Credentials(Base):
    def test_apart(self):
        """Each credential sees what it made, and takes it along."""
        app = json.loads(self.server.ctl(
            "app-password", "add", USER, "x", "jmap", "--json").stdout)
        other = Jmap(self.server, password=app["password"])
        self.addCleanup(other.close)
        client = Client()
        id = self.verified(client, jmap=other)
        self.assertEqual(self.get()["list"], [])
        self.assertEqual(self.method(
            "PushSubscription/set", destroy=[id])["notDestroyed"][id]["type"],
            "notFound")
        self.assertEqual(
            len(self.method("PushSubscription/get", other)["list"]), 1)
        file = os.path.join(self.server.dir, "state/push", self.jmap.account)
        self.assertTrue(os.path.exists(file))
        self.server.ctl("app-password", "delete", USER, app["id"])
        self.deliver()
        for _ in range(400 * SLOW):
            if not os.path.exists(file):
                break
            time.sleep(0.1)
        self.assertFalse(os.path.exists(file))
        self.assertEqual(self.service.count(self.path), 0)

    def test_user_goes(self):
        self.server.ctl("user", "add", "gone@example.test",
                        input="password\n")
        jmap = Jmap(self.server, "gone@example.test", "password")
        self.verified(Client(), jmap=jmap)
        file = os.path.join(self.server.dir, "state/push", jmap.account)
        jmap.close()
        self.assertTrue(os.path.exists(file))
        done = self.server.ctl("user", "delete", "gone@example.test")
        self.assertEqual(done.returncode, 0, done.stderr)
        for _ in range(400 * SLOW):
            if not os.path.exists(file):
                break
            time.sleep(0.1)
        self.assertFalse(os.path.exists(file))


class Own(Base):
    """By default hosts of the own network are not for users to reach."""
    settings = []

    def test_refused(self):
        self.make(Client())
        for _ in range(400 * SLOW):
            if "not in the Internet" in self.server.log():
                break
            time.sleep(0.1)
        self.assertIn("not in the Internet", self.server.log())
        self.assertEqual(self.service.count(self.path), 0)


if __name__ == "__main__":
    unittest.main()
