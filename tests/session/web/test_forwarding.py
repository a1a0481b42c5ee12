"""Forwarding in the web client: the password is asked for again, the user is
told by mail, and what posternctl sees is the same."""

import imaplib
import time
import unittest

from browser import Browser
from postern import SLOW, Server
from scripts import deactivate, put


class Forwarding(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(set=["auth.failures=1000",
                                 "auth.failure_delay=10",
                                 "queue.enabled=true",
                                 "queue.relay=[127.0.0.1]:1",
                                 "forward.targets=3"]).start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.clean()

    def setUp(self):
        self.user, self.other = self.server.users[:2]
        self.browser = Browser(self.server)
        self.addCleanup(self.browser.close)
        self.assertEqual(
            self.browser.login(self.user, self.server.password), 200)
        self.addCleanup(self.put, [], True)
        for user in (self.user, self.other):
            with self.imap(user) as c:
                if c.search(None, "ALL")[1] != [b""]:
                    c.store("1:*", "+FLAGS", "\\Deleted")
                    c.expunge()

    def imap(self, user):
        c = imaplib.IMAP4(self.server.host, self.server.ports["imap"])
        c.login(user, self.server.password)
        c.select("INBOX")
        return c

    def subjects(self, user):
        with self.imap(user) as c:
            found = [] if c.search(None, "ALL")[1] == [b""] else c.fetch(
                "1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
        return [part[1].decode().strip() for part in found
                if isinstance(part, tuple)]

    def wait_for(self, user, subject):
        end = time.monotonic() + 20 * SLOW
        while "Subject: " + subject not in self.subjects(user):
            self.assertLess(time.monotonic(), end, self.server.log())
            time.sleep(0.1)

    def put(self, targets, keep, password="secret"):
        return self.browser.ask(
            "PUT", "/web/forwarding",
            {"targets": targets, "keep": keep, "password": password})

    def get(self):
        status, root, answer = self.browser.ask("GET", "/web/forwarding")
        self.assertEqual(status, 200)
        self.assertEqual(answer.getheader("Cache-Control"), "no-store")
        return root

    def test_set_and_told(self):
        self.assertEqual(self.get(), {"targets": [], "keep": True,
                                      "possible": True, "most": 3})
        self.assertEqual(self.put([self.other, "ann@else.example"], True)[0],
                         204)
        root = self.get()
        self.assertEqual(root["targets"], ["ann@else.example", self.other])
        self.assertTrue(root["keep"])
        listed = self.server.ctl("forward", "list").stdout
        self.assertIn("ann@else.example", listed)
        self.wait_for(self.user, "Your forwarding was changed")
        self.assertIn("forwarding-changed", self.server.log())

    def test_told_where_mail_went_before(self):
        """Who takes over a mailbox doesn't hide that by the forwarding."""
        self.assertEqual(self.put([self.other], False)[0], 204)
        self.wait_for(self.user, "Your forwarding was changed")
        # From here on it is the other who reads it.
        self.assertEqual(self.put(["thief@else.example"], False)[0], 204)
        self.wait_for(self.other, "Your forwarding was changed")
        self.assertEqual(len(self.subjects(self.user)), 1)

    def test_told_past_scripts(self):
        """Nor by a script."""
        put(self.server, self.user, "discard;")
        self.addCleanup(deactivate, self.server, self.user)
        self.assertEqual(self.put([self.other], True)[0], 204)
        self.wait_for(self.user, "Your forwarding was changed")

    def test_wrong_password(self):
        status, root, _ = self.put([self.other], True, "guess")
        self.assertEqual(status, 403)
        self.assertEqual(root["type"], "urn:postern:password:wrong")
        status, _, _ = self.browser.ask(
            "PUT", "/web/forwarding", {"targets": [self.other], "keep": True})
        self.assertEqual(status, 422)
        self.assertEqual(self.get()["targets"], [])
        self.assertEqual(self.subjects(self.user), [])

    def test_refused(self):
        for targets in (["no address"], [self.user], [self.user.upper()],
                        ["a@b.example", "a@b.example"],
                        ["%d@b.example" % n for n in range(4)], [7]):
            status, root, _ = self.put(targets, True)
            self.assertEqual(status, 422, targets)
            self.assertTrue(root["detail"])
        for root in ({"targets": "a@b.example", "keep": True}, {"keep": True},
                     {"targets": [], "keep": "yes"}):
            status, _, _ = self.browser.ask("PUT", "/web/forwarding", root)
            self.assertEqual(status, 400, root)
        # All or nothing.
        self.assertEqual(self.put([self.other], False)[0], 204)
        self.assertEqual(self.put(["a@b.example", "no address"], True)[0], 422)
        root = self.get()
        self.assertEqual(root["targets"], [self.other])
        self.assertFalse(root["keep"])

    def test_taken_away(self):
        self.assertEqual(self.put([self.other], False)[0], 204)
        self.assertEqual(self.put([], False)[0], 204)
        self.assertEqual(self.get()["targets"], [])
        self.assertTrue(self.get()["keep"])
        self.assertNotIn(self.other, self.server.ctl("forward", "list").stdout)

    def test_only_who_is_logged_in(self):
        stranger = Browser(self.server)
        self.addCleanup(stranger.close)
        self.assertEqual(stranger.ask("GET", "/web/forwarding")[0], 401)
        self.assertEqual(stranger.ask("PUT", "/web/forwarding", {})[0], 401)

    def test_other_sites(self):
        self.browser.ours = False
        self.assertIn(self.put([self.other], True)[0], (401, 403))
        self.browser.ours = True
        self.assertEqual(self.get()["targets"], [])


class Off(unittest.TestCase):
    def test_off(self):
        with Server(users=1, set=["web.forwarding=false"]) as server:
            browser = Browser(server)
            self.addCleanup(browser.close)
            browser.login(server.users[0], server.password)
            self.assertFalse(
                browser.ask("GET", "/web/forwarding")[1]["possible"])
            status, _, _ = browser.ask(
                "PUT", "/web/forwarding",
                {"targets": ["a@b.example"], "keep": True,
                 "password": server.password})
            self.assertEqual(status, 403)


if __name__ == "__main__":
    unittest.main()
