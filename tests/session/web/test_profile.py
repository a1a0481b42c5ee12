"""What a mail program is told: the page of the client, Apple's profile and
autoconfig say the same."""

import plistlib
import re
import unittest

from browser import Browser
from postern import Server


class Profile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server().start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.clean()

    def browser(self, user):
        browser = Browser(self.server)
        self.addCleanup(browser.close)
        self.assertEqual(browser.login(user, self.server.password), 200)
        return browser

    def profile(self, user):
        status, text, answer = self.browser(user).ask(
            "GET", "/web/profile.mobileconfig")
        self.assertEqual(status, 200)
        self.assertEqual(answer.getheader("Content-Type"),
                         "application/x-apple-aspen-config")
        self.assertIn("mobileconfig", answer.getheader("Content-Disposition"))
        self.assertEqual(answer.getheader("Cache-Control"), "no-store")
        return plistlib.loads(text), text

    def test_profile(self):
        user = self.server.users[0]
        root, text = self.profile(user)
        self.assertEqual(root["PayloadType"], "Configuration")
        self.assertEqual(root["PayloadVersion"], 1)
        mail, = root["PayloadContent"]
        self.assertEqual(mail["PayloadType"], "com.apple.mail.managed")
        self.assertEqual(mail["EmailAccountType"], "EmailTypeIMAP")
        self.assertEqual(mail["EmailAddress"], user)
        self.assertEqual(mail["IncomingMailServerUsername"], user)
        self.assertEqual(mail["IncomingMailServerPortNumber"],
                         self.server.ports["imaps"])
        self.assertEqual(mail["OutgoingMailServerPortNumber"],
                         self.server.ports["submissions"])
        self.assertTrue(mail["IncomingMailServerUseSSL"])
        self.assertFalse([key for key in mail if re.search(
            r"Password$", key) and "Same" not in key])
        self.assertNotIn(self.server.password.encode(), text)

    def test_ids_are_stable_and_ones_own(self):
        first, second = (self.profile(user)[0] for user in self.server.users)
        again, _ = self.profile(self.server.users[0])
        self.assertEqual(first, again)
        ids = [root[key] for root in (first, second)
               for key in ("PayloadUUID", "PayloadIdentifier")]
        ids += [root["PayloadContent"][0]["PayloadUUID"]
                for root in (first, second)]
        self.assertEqual(len(set(ids)), 6)
        for root in (first, second):
            self.assertRegex(root["PayloadUUID"],
                             r"^[0-9A-F]{8}-[0-9A-F]{4}-5[0-9A-F]{3}-"
                             r"[89AB][0-9A-F]{3}-[0-9A-F]{12}$")

    def test_names_are_text(self):
        self.server.ctl("user", "set", self.server.users[1], "--name",
                        "<Ann & \"Bob\">")
        root, _ = self.profile(self.server.users[1])
        self.assertEqual(root["PayloadContent"][0]["EmailAccountName"],
                         "<Ann & \"Bob\">")

    def test_the_same_everywhere(self):
        browser = self.browser(self.server.users[0])
        status, root, _ = browser.ask("GET", "/web/programs")
        self.assertEqual(status, 200)
        self.assertEqual(root["user"], self.server.users[0])
        self.assertFalse(root["appPasswordNeeded"])
        servers = {one["kind"]: one for one in root["servers"]}
        self.assertEqual(servers["IMAP"]["port"], self.server.ports["imaps"])
        self.assertEqual(servers["IMAP"]["security"], "tls")
        self.assertEqual(servers["SMTP"]["port"],
                         self.server.ports["submissions"])
        _, text, _ = browser.ask("GET", "/mail/config-v1.1.xml")
        for kind in ("IMAP", "POP3", "SMTP"):
            self.assertIn("<port>%d</port>" % servers[kind]["port"],
                          text.decode())
        profile, _ = self.profile(self.server.users[0])
        self.assertEqual(
            profile["PayloadContent"][0]["IncomingMailServerHostName"],
            servers["IMAP"]["host"])

    def test_only_who_is_logged_in(self):
        stranger = Browser(self.server)
        self.addCleanup(stranger.close)
        for path in ("/web/programs", "/web/profile.mobileconfig"):
            self.assertEqual(stranger.ask("GET", path)[0], 401)


if __name__ == "__main__":
    unittest.main()
