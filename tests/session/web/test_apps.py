"""App passwords: made in the browser or by posternctl, good for some protocols,
until they are taken away."""

import imaplib
import json
import re
import unittest

from browser import Browser
from logins import Logins
from postern import Server


class Apps(Logins, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(set=["auth.failures=1000",
                                 "auth.failure_delay=0"]).start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.clean()

    def setUp(self):
        self.user = self.server.users[0]
        self.browser = Browser(self.server)
        self.addCleanup(self.browser.close)
        self.assertEqual(
            self.browser.login(self.user, self.server.password), 200)
        self.addCleanup(self.forget)

    def forget(self):
        self.browser.ask("PUT", "/web/app-passwords", {"required": False})
        for one in self.listed()["appPasswords"]:
            self.browser.ask("DELETE", "/web/app-passwords/" + one["id"])

    def listed(self):
        status, root, answer = self.browser.ask("GET", "/web/app-passwords")
        self.assertEqual(status, 200)
        self.assertEqual(answer.getheader("Cache-Control"), "no-store")
        return root

    def make(self, *scopes, name="Phone"):
        status, root, _ = self.browser.ask(
            "POST", "/web/app-passwords", {"name": name, "scopes": scopes,
                                           "password": self.server.password})
        self.assertEqual(status, 201, root)
        return root

    def test_scopes(self):
        made = self.make("imap", "smtp")
        password = made["password"]
        self.assertRegex(password, r"^([a-km-np-z2-9]{4}-){4}"
                                   r"[a-km-np-z2-9]{4}$")
        self.assertTrue(self.imap(password))
        self.assertTrue(self.imap(password, "PLAIN"))
        self.assertTrue(self.smtp(password))
        self.assertTrue(self.smtp(password, "LOGIN"))
        self.assertTrue(self.imap(password.replace("-", "").upper()))
        self.assertFalse(self.pop3(password))
        self.assertFalse(self.basic(password))
        self.assertFalse(self.web(password))
        wrong = password[:-1] + ("a" if password[-1] != "a" else "b")
        self.assertFalse(self.imap(wrong))
        # The user's own is still good.
        self.assertTrue(self.imap(self.server.password))

        other = self.make("pop3", "jmap", name="Täblet")["password"]
        self.assertTrue(self.pop3(other))
        self.assertTrue(self.basic(other))
        self.assertFalse(self.imap(other))
        self.assertFalse(self.smtp(other))

    def test_of_others(self):
        password = self.make("imap")["password"]
        c = imaplib.IMAP4(self.server.host, self.server.ports["imap"])
        with self.assertRaises(imaplib.IMAP4.error):
            c.login(self.server.users[1], password)
        c.logout()

    def test_no_way_to_the_account(self):
        password = self.make("jmap")["password"]
        self.assertTrue(self.basic(password))
        self.assertFalse(self.basic(password, "/web/app-passwords"))
        self.assertFalse(self.basic(password, "/%77eb/app-passwords"))
        self.assertFalse(self.basic(password, "/web/sessions"))
        self.assertTrue(self.basic(self.server.password,
                                   "/web/app-passwords"))

    def test_listed_and_revoked(self):
        made = self.make("imap", name="Phone <b>")
        self.assertIsNone(made["used"])
        text = json.dumps(self.listed())
        self.assertNotIn(made["password"][5:], text)
        self.assertTrue(self.imap(made["password"]))
        [one] = self.listed()["appPasswords"]
        self.assertEqual((one["id"], one["name"], one["scopes"]),
                         (made["id"], "Phone <b>", ["imap"]))
        self.assertIsNotNone(one["used"])
        path = "/web/app-passwords/" + made["id"]
        self.browser.ours = False
        self.assertEqual(self.browser.ask("DELETE", path)[0], 401)
        self.browser.ours = True
        self.assertTrue(self.imap(made["password"]))
        self.assertEqual(self.browser.ask("DELETE", path)[0], 204)
        self.assertFalse(self.imap(made["password"]))
        self.assertEqual(self.browser.ask("DELETE", path)[0], 404)
        self.assertEqual(self.listed()["appPasswords"], [])

    def test_required(self):
        password = self.make("imap", "pop3", "smtp", "jmap")["password"]
        self.assertFalse(self.listed()["required"])
        self.assertEqual(self.browser.ask("PUT", "/web/app-passwords",
                                          {"required": True})[0], 204)
        self.assertTrue(self.listed()["required"])
        own = self.server.password
        for works in (self.imap, self.pop3, self.smtp, self.basic):
            self.assertTrue(works(password))
            self.assertFalse(works(own))
        self.assertTrue(self.web(own))
        self.assertEqual(self.browser.ask("PUT", "/web/app-passwords",
                                          {"required": False})[0], 204)
        self.assertTrue(self.imap(own))

    def test_refused(self):
        for root in ({}, {"name": "x"}, {"name": "x", "scopes": []},
                     {"name": "x", "scopes": ["ftp"]},
                     {"name": "x", "scopes": ["imap", 1]},
                     {"name": "x", "scopes": "imap"},
                     {"name": "", "scopes": ["imap"]},
                     {"name": "a\nb", "scopes": ["imap"]},
                     {"name": "x" * 129, "scopes": ["imap"]}):
            self.assertEqual(self.browser.ask(
                "POST", "/web/app-passwords",
                {**root, "password": self.server.password})[0], 422, root)
        for root in ("", "[]", '"x"', "{"):
            self.assertEqual(self.browser.ask(
                "POST", "/web/app-passwords", root)[0], 400, root)
        for root in ({}, {"required": 1}):
            self.assertEqual(self.browser.ask(
                "PUT", "/web/app-passwords", root)[0], 422)
        stranger = Browser(self.server)
        self.addCleanup(stranger.close)
        for method in ("GET", "POST", "PUT"):
            self.assertEqual(
                stranger.ask(method, "/web/app-passwords", {})[0], 401)
        self.assertEqual(self.listed()["appPasswords"], [])

    def test_a_session_alone(self):
        """Who sits down at a browser that is open makes nothing that stays."""
        root = {"name": "x", "scopes": ["imap"]}
        for more, status in (({}, 422), ({"password": ""}, 403),
                             ({"password": "wrong"}, 403),
                             ({"password": 1}, 422), ({"passkey": {}}, 403),
                             ({"passkey": "x"}, 422)):
            self.assertEqual(self.browser.ask(
                "POST", "/web/app-passwords", {**root, **more})[0], status,
                more)
        self.assertEqual(self.listed()["appPasswords"], [])
        # Nor does one make another.
        password = self.make("imap", "jmap")["password"]
        self.assertEqual(self.browser.ask(
            "POST", "/web/app-passwords",
            {**root, "password": password})[0], 403)
        c = imaplib.IMAP4(self.server.host, self.server.ports["imap"])
        c.login(self.user, password)
        c.select()
        found = c.search(None, "BODY", '"An app password was made"')[1][0]
        self.assertGreater(len(found.split()), 0)
        c.logout()

    def test_many(self):
        for i in range(50):
            self.make("imap", name=str(i))
        status, root, _ = self.browser.ask(
            "POST", "/web/app-passwords", {"name": "x", "scopes": ["imap"],
                                           "password": self.server.password})
        self.assertEqual(status, 422)
        self.assertIn("50", root["detail"])

    def test_posternctl(self):
        made = self.server.ctl("app-password", "add", self.user, "Backup",
                               "imap")
        self.assertEqual(made.returncode, 0, made.stderr)
        password = made.stdout.strip()
        self.assertTrue(self.imap(password))
        self.assertFalse(self.pop3(password))
        text = self.server.ctl("app-password", "list", self.user).stdout
        self.assertTrue(re.search("Backup +imap", text), text)
        [one] = json.loads(self.server.ctl(
            "app-password", "list", self.user, "--json").stdout)
        self.assertEqual((one["id"], one["scopes"]), (password[:4], "imap"))
        ctl = self.server.ctl
        self.assertEqual(ctl("app-password", "require", self.user,
                             "on").returncode, 0)
        self.assertFalse(self.imap(self.server.password))
        self.assertEqual(ctl("app-password", "require", self.user,
                             "off").returncode, 0)
        self.assertTrue(self.imap(self.server.password))
        self.assertEqual(ctl("app-password", "delete", self.user,
                             one["id"]).returncode, 0)
        self.assertFalse(self.imap(password))
        self.assertEqual(ctl("app-password", "delete", self.user,
                             one["id"]).returncode, 3)
        self.assertEqual(ctl("app-password", "add", self.user, "x",
                             "ftp").returncode, 2)
        self.assertEqual(ctl("app-password", "add", "nobody@example.test",
                             "x").returncode, 3)


if __name__ == "__main__":
    unittest.main()
