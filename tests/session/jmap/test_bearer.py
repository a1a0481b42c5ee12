"""Tokens of app passwords (RFC 6750)."""

import base64
import http.client
import json
import unittest

from postern import Server

USER = "user1@example.test"


class Bearer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(set=["auth.failure_delay=10"]).start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.clean()

    def ask(self, method="GET", path="/jmap/session", body=None, **fields):
        c = http.client.HTTPConnection(
            self.server.host, self.server.ports["http"], timeout=20)
        c.request(method, path, body,
                  {k.replace("_", "-"): v for k, v in fields.items()})
        answer = c.getresponse()
        content = answer.read()
        c.close()
        return answer.status, content, answer

    def challenges(self, **fields):
        status, _, answer = self.ask(**fields)
        self.assertEqual(status, 401)
        return answer.headers.get_all("WWW-Authenticate") or []

    def made(self, *scopes):
        return json.loads(self.server.ctl(
            "app-password", "add", USER, "Program", *scopes,
            "--json").stdout)

    def test_token(self):
        made = self.made("jmap")
        self.assertRegex(made["token"], r"^pt-[A-Za-z0-9._~+/-]+$")
        status, text, _ = self.ask(Authorization="Bearer " + made["token"])
        self.assertEqual(status, 200)
        self.assertEqual(json.loads(text)["username"], USER)
        # It is what it stands for, and no more.
        self.assertEqual(self.ask(
            path="/web/app-passwords",
            Authorization="Bearer " + made["token"])[0], 401)
        self.assertEqual(self.server.ctl(
            "app-password", "delete", USER, made["id"]).returncode, 0)
        self.assertEqual(self.ask(
            Authorization="Bearer " + made["token"])[0], 401)

    def test_scope(self):
        self.assertNotIn("token", self.made("imap"))
        made = self.made()
        self.assertEqual(self.ask(
            Authorization="Bearer " + made["token"])[0], 200)
        lines = self.server.ctl(
            "app-password", "add", USER, "Other", "jmap").stdout.split()
        self.assertEqual(self.ask(
            Authorization="Bearer " + lines[1])[0], 200)

    def test_wrong(self):
        def token(pair):
            return "Bearer pt-" + base64.urlsafe_b64encode(
                pair).decode().rstrip("=")
        user = USER.encode()
        for value in (
                "Bearer", "Bearer ", "Bearer x", "Bearer pt-", "Bearer pt-*",
                token(user), token(user + b"\0"), token(b"\0" + b"a" * 20),
                token(user + b"\0" + b"a" * 20),
                token(user + b"\0" + b"a" * 200),
                token(b"x" * 400 + b"\0" + b"a" * 20),
                # The user's own password is no token.
                token(user + b"\0secret")):
            self.assertEqual(self.ask(Authorization=value)[0], 401, value)

    def test_challenges(self):
        basic, bearer = self.challenges()
        self.assertTrue(basic.startswith("Basic realm="))
        self.assertEqual(bearer, 'Bearer realm="mail"')
        wrong = self.challenges(Authorization="Bearer pt-x")
        self.assertIn("invalid_token", wrong[1])
        self.assertNotIn("invalid_token", self.challenges(
            Authorization="Basic " + base64.b64encode(
                USER.encode() + b":wrong").decode())[1])
        # Our own client has a window of its own.
        self.assertEqual(self.challenges(X_Postern="1"), [])
        self.assertEqual(self.challenges(Cookie="postern=x"), [])

    def test_web(self):
        _, _, answer = self.ask(
            "POST", "/web/login",
            json.dumps({"user": USER, "password": "secret"}), X_Postern="1")
        cookie = answer.getheader("Set-Cookie").split(";")[0]

        def make(*scopes):
            status, text, _ = self.ask(
                "POST", "/web/app-passwords",
                json.dumps({"name": "x", "scopes": scopes,
                            "password": "secret"}), X_Postern="1",
                Cookie=cookie)
            self.assertEqual(status, 201)
            return json.loads(text)
        self.assertNotIn("token", make("imap", "smtp"))
        made = make("jmap", "smtp")
        self.assertEqual(self.ask(
            Authorization="bearer " + made["token"])[0], 200)

    def test_guessing_is_braked(self):
        with Server(set=["auth.failure_delay=10", "auth.failures=3"]) as s:
            old, self.server = self.server, s
            try:
                good = self.made("jmap")["token"]
                # Each another one: the same one again is no guess.
                for i in range(6):
                    bad = base64.urlsafe_b64encode(
                        USER.encode() + b"\0" + b"a" * 18 +
                        b"%c%c" % (97 + i, 98 + i)).decode().rstrip("=")
                    self.assertEqual(self.ask(
                        Authorization="Bearer pt-" + bad)[0], 401)
                self.assertEqual(self.ask(
                    Authorization="Bearer " + good)[0], 401)
            finally:
                self.server = old


if __name__ == "__main__":
    unittest.main()
