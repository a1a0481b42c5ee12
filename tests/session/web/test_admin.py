"""Administration in the browser: users, links to set a password, domains,
aliases, forwards, what posternctl asks the server, samples."""

import base64
import imaplib
import json
import os
import re
import smtplib
import sqlite3
import threading
import time
import unittest

from authenticator import totp
from browser import Browser
from postern import SLOW, Server, only_over

GOOD = "plum kettle ninety"
ROUTES = (
    ("GET", "/web/admin/users"), ("POST", "/web/admin/users"),
    ("GET", "/web/admin/users/user2@example.test"),
    ("PATCH", "/web/admin/users/user2@example.test"),
    ("DELETE", "/web/admin/users/user2@example.test"),
    ("POST", "/web/admin/users/user2@example.test/password"),
    ("GET", "/web/admin/domains"), ("POST", "/web/admin/domains"),
    ("DELETE", "/web/admin/domains/example.test"),
    ("GET", "/web/admin/aliases"), ("POST", "/web/admin/aliases"),
    ("DELETE", "/web/admin/aliases/a@example.test"),
    ("GET", "/web/admin/forwards"), ("POST", "/web/admin/forwards"),
    ("PATCH", "/web/admin/forwards/user2@example.test"),
    ("DELETE", "/web/admin/forwards/user2@example.test"),
    ("POST", "/web/admin/request"), ("GET", "/web/admin/samples"),
    ("GET", "/web/invites"), ("POST", "/web/invites"),
    ("DELETE", "/web/invites/x"), ("GET", "/web/approvals"),
    ("POST", "/web/approvals/user2@example.test"),
    ("DELETE", "/web/approvals/user2@example.test"))


class Case(unittest.TestCase):
    SET = ()

    @classmethod
    def setUpClass(cls):
        # The sandbox asks no name server of the world's.
        cls.server = Server(users=3, set=[
            "auth.failures=1000", "dns.stubs=.=127.0.0.1@9",
            "dns.root_key=", *cls.SET]).start()
        cls.server.ctl("user", "set", cls.server.users[0], "--admin")

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.clean()

    def setUp(self):
        self.admin = self.browser()
        self.assertEqual(self.admin.login(self.server.users[0],
                                          self.server.password), 200)

    def browser(self, cookie=None):
        browser = Browser(self.server)
        browser.cookie = cookie
        self.addCleanup(browser.close)
        return browser

    def ask(self, method, path, root=None, status=200):
        got, answer, fields = self.admin.ask(method, path, root)
        self.assertEqual(got, status, (path, answer))
        if status in (200, 201):
            self.assertEqual(fields.getheader("Cache-Control"), "no-store")
        return answer

    def request(self, request, status=200, **more):
        return self.ask("POST", "/web/admin/request",
                        {"request": request, **more}, status)

    def make(self, local, **more):
        return self.ask("POST", "/web/admin/users",
                        {"address": local + "@example.test", **more}, 201)

    def login(self, user, password):
        return self.browser().login(user, password)

    def logged(self, event):
        return [line for line in self.server.log().splitlines()
                if re.search(r"\b%s\b" % event, line)]


class Rights(Case):
    def test_me(self):
        self.assertEqual(self.ask("GET", "/web/me"),
                         {"user": "user1@example.test", "name": "",
                          "isAdmin": True})
        other = self.browser()
        self.assertEqual(other.ask("GET", "/web/me")[0], 401)
        other.login(self.server.users[1], self.server.password)
        self.assertFalse(other.ask("GET", "/web/me")[1]["isAdmin"])

    def test_nobody_and_users(self):
        other = self.browser()
        for method, path in ROUTES:
            self.assertEqual(other.ask(method, path, {})[0], 401, path)
        other.login(self.server.users[1], self.server.password)
        for method, path in ROUTES:
            self.assertEqual(other.ask(method, path, {})[0], 403, path)
        shown = self.server.ctl("user", "show", self.server.users[1])
        self.assertEqual(shown.returncode, 0)

    def test_other_sites(self):
        """A cookie alone changes nothing."""
        self.admin.ours = False
        for method, path in ROUTES:
            if method != "GET":
                self.assertEqual(self.admin.ask(method, path, {})[0], 401,
                                 path)
        for path in ("/web/reset", "/web/reset/check"):
            self.assertEqual(self.admin.ask("POST", path, {})[0], 403)
        self.admin.ours = True
        for method, path in ROUTES:
            status = self.admin.ask(method, path, {},
                                    Sec_Fetch_Site="cross-site")[0]
            self.assertEqual(status, 401, path)

    def test_passwords_of_programs(self):
        made = self.ask("POST", "/web/app-passwords", {
            "name": "all", "scopes": ["imap", "smtp", "pop3", "jmap"],
            "password": self.server.password}, 201)
        password = made["password"]
        for path in ("/web/me", "/web/admin/users", "/web/admin/samples"):
            self.assertEqual(self.browser().ask(
                "GET", path, Authorization="Bearer " + made["token"])[0], 401)
        for secret, status in ((password, 401), (self.server.password, 200)):
            other = self.browser()
            pair = "%s:%s" % (self.server.users[0], secret)
            basic = "Basic " + base64.b64encode(pair.encode()).decode()
            for path in ("/web/me", "/web/admin/users", "/web/admin/samples"):
                self.assertEqual(
                    other.ask("GET", path, Authorization=basic)[0], status)

    def test_no_longer(self):
        """Who loses the role loses it in the session that is open."""
        self.server.ctl("user", "set", self.server.users[2], "--admin")
        other = self.browser()
        other.login(self.server.users[2], self.server.password)
        self.assertEqual(other.ask("GET", "/web/admin/users")[0], 200)
        self.ask("PATCH", "/web/admin/users/" + self.server.users[2],
                 {"isAdmin": False})
        self.assertEqual(other.ask("GET", "/web/admin/users")[0], 403)


class Users(Case):
    def test_list(self):
        for i in range(23):
            self.make("page%02d" % i, name="Number %d Größe" % i)
        seen, cursor = [], ""
        while cursor is not None:
            answer = self.ask("GET", "/web/admin/users?limit=10&q=PAGE"
                              "&cursor=" + cursor)
            self.assertLessEqual(len(answer["users"]), 10)
            seen += [u["user"] for u in answer["users"]]
            cursor = answer["next"]
        self.assertEqual(seen, ["page%02d@example.test" % i
                                for i in range(23)])
        found = self.ask("GET", "/web/admin/users?q=number%207%20gr")
        self.assertEqual([u["user"] for u in found["users"]],
                         ["page07@example.test"])
        for query in ("q=%00", "q=%ff", "limit=x", "limit=-1", "cursor=%zz",
                      "limit=99999999999999999999", "q=" + "x" * 1000):
            self.ask("GET", "/web/admin/users?" + query)
        self.assertEqual(self.ask("GET", "/web/admin/users?q=nobody"),
                         {"users": [], "next": None})

    def test_make_and_change(self):
        made = self.make("Vera", name="Vera Åberg", password=GOOD,
                         quotaBytes=1 << 30)
        self.assertNotIn("link", made)
        self.assertEqual((made["user"], made["enabled"], made["isAdmin"],
                          made["quotaBytes"], made["quotaMessages"]),
                         ("vera@example.test", True, False, 1 << 30, -1))
        self.assertEqual(self.login("vera@example.test", GOOD), 200)
        path = "/web/admin/users/vera@example.test"
        shown = self.ask("GET", path)
        self.assertEqual(shown["usage"]["limit_bytes"], 1 << 30)
        self.assertEqual(shown["usage"]["messages"], 1)  # the welcome
        changed = self.ask("PATCH", path, {
            "name": "V.", "quotaBytes": 0, "quotaMessages": 500,
            "onHold": True, "appOnly": True})
        self.assertEqual((changed["name"], changed["quotaBytes"],
                          changed["quotaMessages"], changed["onHold"],
                          changed["appOnly"]), ("V.", 0, 500, True, True))
        row = json.loads(self.server.ctl("user", "show", "vera@example.test",
                                         "--json").stdout)
        self.assertTrue(row["on_hold"])
        line = self.logged("user-changed")[-1]
        self.assertIn("by=user1@example.test", line)
        self.assertIn("onHold=true", line)
        self.assertIn("by=user1@example.test", self.logged("user-made")[-1])

    def test_changes_at_once(self):
        """Two administrators and a mail program change each their own of one
        user: nothing of it gets lost."""
        self.make("popular", password=GOOD)
        path = "/web/admin/users/popular@example.test"
        rounds, problems = 25, []

        def by_browser(key, value_of):
            browser = self.browser()
            browser.login(self.server.users[0], self.server.password)
            for i in range(rounds):
                status, root, _ = browser.ask("PATCH", path,
                                              {key: value_of(i)})
                if status != 200 or root[key] != value_of(i):
                    problems.append((key, i, status, root))
                if browser.ask("GET", path)[1][key] != value_of(i):
                    problems.append((key, i, "lost"))

        def by_imap():
            c = imaplib.IMAP4(self.server.host, self.server.ports["imap"])
            c.login(self.server.users[0], self.server.password)
            for i in range(rounds):
                status, text = c._simple_command(
                    "SETQUOTA", '"popular@example.test"',
                    "(STORAGE %d)" % (1000 + i))
                if status != "OK":
                    problems.append(text)
            c.logout()
        threads = [threading.Thread(target=f, args=a) for f, a in (
            (by_browser, ("name", "Number %d".__mod__)),
            (by_browser, ("appOnly", lambda i: i % 2 == 0)),
            (by_imap, ()))]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(problems, [])
        now = self.ask("GET", path)
        self.assertEqual(
            (now["name"], now["appOnly"], now["quotaBytes"]),
            ("Number %d" % (rounds - 1), True, (999 + rounds) * 1024))

    def test_refusals(self):
        make = "/web/admin/users"
        self.make("twice")
        for root, status in (
                ({}, 422), ({"address": "x"}, 422), ({"address": 1}, 422),
                ({"address": "a@elsewhere.test"}, 404),
                ({"address": "twice@example.test"}, 409),
                ({"address": "a/b@example.test"}, 422),
                ({"address": "w@example.test", "password": "short"}, 422),
                ({"address": "w@example.test", "password": "password1"}, 422),
                ({"address": "w@example.test", "name": "x" * 200}, 422),
                ({"address": "w@example.test", "name": "a\nb"}, 422),
                ({"address": "w@example.test", "name": "a\0b"}, 400),
                ({"address": "w@example.test", "quotaBytes": "1"}, 422),
                ({"address": "w@example.test", "quotaBytes": -2}, 422),
                ({"address": "w@example.test", "isAdmin": 1}, 422)):
            self.ask("POST", make, root, status)
        self.assertEqual(self.server.ctl(
            "user", "show", "w@example.test").returncode, 3)
        path = make + "/twice@example.test"
        for root in ({"enabled": 0}, {"name": None}, {"quotaMessages": 1.5},
                     {"onHold": "yes"}):
            self.ask("PATCH", path, root, 422)
        self.ask("PATCH", make + "/nobody@example.test", {}, 404)
        self.ask("GET", make + "/nobody@example.test", None, 404)
        self.ask("DELETE", make + "/nobody@example.test", None, 404)
        self.ask("POST", path, {}, 404)
        self.ask("POST", path + "/passwords", {}, 404)
        for days in (0, 31, "x", 1 << 60):
            self.ask("POST", path + "/password", {"days": days}, 422)
        for body in ("", "[]", "{", "x" * 100):
            self.ask("POST", make, body, 400)

    def test_second_factor(self):
        self.make("twofold", password=GOOD)
        path = "/web/admin/users/twofold@example.test"
        self.assertEqual(self.ask("GET", path)["factors"],
                         {"isOn": False, "hasTotp": False, "passkeys": 0})
        other = self.browser()
        other.login("twofold@example.test", GOOD)
        begun = other.ask("POST", "/web/totp", {})[1]
        status = other.ask("POST", "/web/totp/confirm", {
            "ticket": begun["ticket"], "password": GOOD,
            "code": totp(begun["secret"])})[0]
        self.assertEqual(status, 201)
        self.assertEqual(self.login("twofold@example.test", GOOD), 401)
        self.assertTrue(self.ask("GET", path)["factors"]["hasTotp"])
        # A link for the password is no way around it.
        code = self.ask("POST", path + "/password", {}, 201)["code"]
        self.assertEqual(self.browser().ask("POST", "/web/reset", {
            "token": code, "password": GOOD + "x"})[0], 200)
        self.assertEqual(self.login("twofold@example.test", GOOD + "x"), 401)
        self.ask("POST", "/web/admin/request", {
            "request": "user-factors-reset",
            "address": "twofold@example.test"})
        self.assertEqual(self.login("twofold@example.test", GOOD + "x"), 200)
        self.assertIn("by=user1@example.test", self.logged("factors-reset")[-1])

    def test_disable(self):
        self.make("idle", password=GOOD)
        other = self.browser()
        other.login("idle@example.test", GOOD)
        c = imaplib.IMAP4(self.server.host, self.server.ports["imap"])
        c.login("idle@example.test", GOOD)
        path = "/web/admin/users/idle@example.test"
        self.assertFalse(self.ask("PATCH", path,
                                  {"enabled": False})["enabled"])
        other.close()  # the connection was ended as well
        self.assertEqual(other.ask("GET", "/web/me")[0], 401)
        with self.assertRaises((imaplib.IMAP4.abort, OSError)):
            c.noop()
            c.noop()
        c.shutdown()
        self.assertEqual(self.login("idle@example.test", GOOD), 401)
        self.ask("PATCH", path, {"enabled": True})
        self.assertEqual(self.login("idle@example.test", GOOD), 200)
        # The session of before is over.
        self.assertEqual(other.ask("GET", "/web/me")[0], 401)

    @only_over("maildir")
    def test_delete(self):
        self.make("gone", password=GOOD)
        self.ask("POST", "/web/admin/aliases", {
            "address": "togone@example.test", "target": "gone@example.test"},
            204)
        c = imaplib.IMAP4(self.server.host, self.server.ports["imap"])
        c.login("gone@example.test", GOOD)
        c.select("INBOX")
        mail = self.server.maildir("gone@example.test")
        self.assertTrue(os.path.exists(mail))
        path = "/web/admin/users/gone@example.test"
        self.ask("PATCH", path, {"onHold": True})
        self.ask("DELETE", path, None, 409)
        self.assertEqual(c.noop()[0], "OK")
        self.ask("PATCH", path, {"onHold": False})
        self.ask("DELETE", path, None, 204)
        self.assertFalse(os.path.exists(mail))
        c.shutdown()
        self.ask("GET", path, None, 404)
        self.assertEqual(self.ask("GET", "/web/admin/aliases?q=togone")
                         ["aliases"], [])
        self.assertIn("by=user1@example.test", self.logged("user-deleted")[-1])
        self.make("kept", password=GOOD)
        mail = self.server.maildir("kept@example.test")
        self.ask("DELETE", "/web/admin/users/kept@example.test?keepMail=1",
                 None, 204)
        self.assertTrue(os.path.exists(mail))

    def test_last_administrator(self):
        path = "/web/admin/users/" + self.server.users[0]
        for change in ({"isAdmin": False}, {"enabled": False}):
            answer = self.ask("PATCH", path, change, 409)
            self.assertEqual(answer["type"], "urn:postern:admin:last")
        self.assertEqual(self.ask("DELETE", path, None, 409)["type"],
                         "urn:postern:admin:last")
        # One who is disabled does not count.
        self.make("second", isAdmin=True, enabled=False, password=GOOD)
        self.ask("PATCH", path, {"isAdmin": False}, 409)
        second = "/web/admin/users/second@example.test"
        self.ask("PATCH", second, {"enabled": True})
        self.ask("PATCH", path, {"isAdmin": False})
        self.ask("GET", "/web/admin/users", None, 403)
        other = self.browser()
        other.login("second@example.test", GOOD)
        self.assertEqual(other.ask("DELETE", second)[0], 409)
        self.assertEqual(other.ask("PATCH", path, {"isAdmin": True})[0], 200)
        self.assertEqual(other.ask("DELETE", second)[0], 204)
        self.ask("PATCH", path, {"isAdmin": False}, 409)


@only_over("maildir")
class Confirmations(Case):
    """A session that was left open does not let anybody in."""

    CONFIRM = "urn:postern:confirm"

    def age(self):
        """It is a while ago that anybody showed who they are."""
        db = sqlite3.connect(os.path.join(self.server.dir,
                                          "state/accounts.db"))
        with db:
            db.execute("UPDATE account_credential SET expires = expires - 600"
                       " WHERE kind = 'session'")
        db.close()

    def setUp(self):
        super().setUp()
        self.local = self.id().rpartition(".")[2].replace("test_", "")
        self.address = self.local + "@example.test"
        self.path = "/web/admin/users/" + self.address
        self.make(self.local, password=GOOD)

    def confirm(self, status=204, **proof):
        return self.ask("POST", "/web/confirm", proof, status)

    def wanted(self):
        """What wants it, and the status without that."""
        return (
            ("POST", self.path + "/password", {}, 201),
            ("POST", self.path + "/password", {"password": GOOD + "x"}, 204),
            ("POST", "/web/admin/request", {
                "request": "user-factors-reset", "address": self.address},
             404),  # there are none
            ("POST", "/web/admin/users", {
                "address": "boss-of-%s@example.test" % self.local,
                "isAdmin": True}, 201),
            ("PATCH", self.path, {"isAdmin": True}, 200),
            ("DELETE", self.path, None, 204))

    def refused(self):
        for method, path, root, _ in self.wanted():
            answer = self.ask(method, path, root, 403)
            self.assertEqual(answer["type"], self.CONFIRM, (method, path))
        self.assertEqual(self.login(self.address, GOOD), 200)
        self.assertFalse(self.ask("GET", self.path)["isAdmin"])
        self.assertEqual(self.ask(
            "GET", "/web/admin/users?q=boss-of-" + self.local)["users"], [])

    def test_wanted(self):
        self.age()
        self.refused()
        for proof in ({"password": GOOD}, {"password": ""}):
            self.assertEqual(self.confirm(403, **proof)["type"],
                             "urn:postern:password:wrong")
        self.confirm(422)
        self.refused()
        self.confirm(password=self.server.password)
        for method, path, root, status in self.wanted():
            self.ask(method, path, root, status)
        self.assertIn("user=user1@example.test", self.logged("confirmed")[-1])
        self.ask("DELETE", "/web/admin/users/boss-of-" + self.address, None,
                 204)
        self.make(self.local, password=GOOD)
        self.age()
        self.refused()

    def test_login_is_one(self):
        for method, path, root, status in self.wanted():
            self.ask(method, path, root, status)

    def test_not_for_the_rest(self):
        self.age()
        for root in ({"name": "Somebody", "quotaBytes": 1 << 30},
                     {"enabled": False}, {"isAdmin": False}):
            self.ask("PATCH", self.path, root)
        self.ask("GET", "/web/admin/users")
        self.request("status")
        self.make("other-of-" + self.local, password=GOOD)

    def test_enabled_again(self):
        """An administrator who was put out."""
        self.ask("PATCH", self.path, {"isAdmin": True})
        self.age()
        self.ask("PATCH", self.path, {"enabled": False})
        self.assertEqual(self.ask("PATCH", self.path, {"enabled": True},
                                  403)["type"], self.CONFIRM)
        self.confirm(password=self.server.password)
        self.ask("PATCH", self.path, {"enabled": True})

    def test_of_one_session(self):
        """Another one of the same administrator has shown nothing."""
        other, self.admin = self.admin, self.browser()
        self.admin.login(self.server.users[0], self.server.password)
        self.age()
        self.assertEqual(other.ask("POST", "/web/confirm", {
            "password": self.server.password})[0], 204)
        self.refused()

    def test_with_the_password(self):
        """Who sends it with each request is not asked for it."""
        self.age()
        pair = "%s:%s" % (self.server.users[0], self.server.password)
        status, _, _ = self.browser().ask(
            "DELETE", self.path, Authorization="Basic " +
            base64.b64encode(pair.encode()).decode())
        self.assertEqual(status, 204)

    def test_by_nobody(self):
        self.assertEqual(self.browser().ask(
            "POST", "/web/confirm", {"password": GOOD})[0], 401)
        self.admin.ours = False
        self.assertEqual(self.admin.ask("POST", "/web/confirm", {
            "password": self.server.password})[0], 401)

    def test_over_a_restart(self):
        self.server.stop()
        self.server.start()
        self.admin = self.browser(self.admin.cookie)
        self.ask("DELETE", self.path, None, 204)


class Links(Case):
    def reset(self, token, password=None, browser=None):
        root = {"token": token}
        if password is not None:
            root["password"] = password
        return (browser or self.browser()).ask(
            "POST", "/web/reset" if password is not None
            else "/web/reset/check", root)

    def test_once(self):
        link = self.make("anna", name="Anna Berg")["link"]
        self.assertEqual(self.login("anna@example.test", ""), 401)
        code = link["code"]
        self.assertRegex(code, r"^(\w{4}-){4}\w{4}$")
        self.assertAlmostEqual(link["expires"], time.time() + 3 * 86400,
                               delta=3600)
        status, root, _ = self.reset(code)
        self.assertEqual((status, root["user"], root["passwordLeast"]),
                         (200, "anna@example.test", 8))
        # A refused password does not use it up.
        status, root, _ = self.reset(code, "annaberg1")
        self.assertEqual((status, root["type"]),
                         (422, "urn:postern:reset:password"))
        status, root, _ = self.reset(code, GOOD)
        self.assertEqual((status, root["user"]), (200, "anna@example.test"))
        self.assertEqual(self.login("anna@example.test", GOOD), 200)
        for again in (self.reset(code), self.reset(code, GOOD + "x")):
            self.assertEqual((again[0], again[1]["type"]),
                             (404, "urn:postern:reset:over"))
        self.assertEqual(self.login("anna@example.test", GOOD), 200)
        self.assertIn("user=anna@example.test",
                      self.logged("password-reset")[-1])
        self.assertNotIn(code, self.server.log())
        self.assertNotIn(code.replace("-", ""), self.server.log())

    def test_forgotten(self):
        """Of who has one: it goes on being good, and sessions end."""
        self.make("ben", password=GOOD)
        open_one = self.browser()
        open_one.login("ben@example.test", GOOD)
        path = "/web/admin/users/ben@example.test/password"
        first = self.ask("POST", path, {}, 201)["code"]
        second = self.ask("POST", path, {"days": 30}, 201)["code"]
        self.assertEqual(self.login("ben@example.test", GOOD), 200)
        self.assertEqual(self.reset(first)[0], 404)
        self.assertEqual(open_one.ask("GET", "/web/me")[0], 200)
        self.assertEqual(self.reset(second, "a new kettle of plums")[0], 200)
        open_one.close()
        self.assertEqual(open_one.ask("GET", "/web/me")[0], 401)
        self.assertEqual(self.login("ben@example.test", GOOD), 401)
        self.assertEqual(self.login("ben@example.test",
                                    "a new kettle of plums"), 200)
        self.assertIn("by=user1@example.test",
                      self.logged("password-link")[-1])

    def test_ends_with_another_password(self):
        self.make("cleo", password=GOOD)
        path = "/web/admin/users/cleo@example.test/password"
        for change in (
                lambda: self.ask("POST", path, {"password": GOOD + "1"}, 204),
                lambda: self.server.ctl("user", "passwd", "cleo@example.test",
                                        input=GOOD + "2\n")):
            code = self.ask("POST", path, {}, 201)["code"]
            self.assertEqual(self.reset(code)[0], 200)
            change()
            self.assertEqual(self.reset(code)[0], 404)
        code = self.ask("POST", path, {}, 201)["code"]
        self.ask("DELETE", "/web/admin/users/cleo@example.test", None, 204)
        self.assertEqual(self.reset(code, GOOD)[0], 404)

    def test_by_posternctl(self):
        self.make("egon")
        url = self.server.ctl("user", "link", "egon@example.test",
                              "--json").stdout
        self.assertGreater(json.loads(url)["expires"], time.time())
        url = self.server.ctl("user", "link", "egon@example.test").stdout
        self.assertRegex(url, r"^https://[^/]+/reset#(\w{4}-){4}\w{4}\n$")
        self.assertEqual(self.reset(url.strip().partition("#")[2], GOOD)[0],
                         200)
        self.assertEqual(self.login("egon@example.test", GOOD), 200)
        self.assertEqual(self.server.ctl(
            "user", "link", "nobody@example.test").returncode, 3)

    def test_wrong(self):
        for token in ("", "x", "aaaa-bbbb-cccc-dddd-eeee", "'", "a" * 5000,
                      None, 7):
            self.assertEqual(self.reset(token)[0], 404)
            self.assertEqual(self.reset(token, GOOD)[0], 404)
        made = self.ask("POST", "/web/invites", {"domain": "example.test"},
                        201)
        self.assertEqual(self.reset(made["code"], GOOD)[0], 404)
        self.ask("POST", "/web/admin/users/nobody@example.test/password", {},
                 404)

    @only_over("maildir")
    def test_kept_as_hash_and_too_late(self):
        code = self.make("dora")["link"]["code"]
        path = os.path.join(self.server.dir, "state/accounts.sqlite")
        if not os.path.exists(path):
            [path] = [os.path.join(top, f) for top, _, files in
                      os.walk(self.server.dir) for f in files
                      if f.endswith((".sqlite", ".db", ".sqlite3"))
                      and "account" in f]
        db = sqlite3.connect(path)
        [row] = db.execute("SELECT * FROM account_credential WHERE kind ="
                           " 'reset' AND address = 'dora@example.test'")
        self.assertNotIn(code.replace("-", "")[8:], repr(row))
        self.assertRegex(row[4], "^[0-9a-f]{64}$")
        self.assertEqual(self.reset(code)[0], 200)
        db.execute("UPDATE account_credential SET expires = 1000000000"
                   " WHERE kind = 'reset'")
        db.commit()
        db.close()
        self.assertEqual(self.reset(code)[0], 404)
        self.assertEqual(self.reset(code, GOOD)[0], 404)
        self.assertEqual(self.login("dora@example.test", GOOD), 401)


class LinkLimits(Case):
    def test_tries(self):
        other = self.browser()
        for _ in range(60):
            self.assertEqual(other.ask("POST", "/web/reset/check",
                                       {"token": "x"})[0], 404)
        status, _, fields = other.ask("POST", "/web/reset/check",
                                      {"token": "x"})
        self.assertEqual(status, 429)
        self.assertLessEqual(int(fields.getheader("Retry-After")), 601)


class Domains(Case):
    def test_domains(self):
        def names():
            return {d["domain"]: d for d in
                    self.ask("GET", "/web/admin/domains")["domains"]}
        self.assertTrue(names()["example.test"]["configured"])
        self.ask("POST", "/web/admin/domains", {"domain": "New.test"}, 204)
        self.assertFalse(names()["new.test"]["configured"])
        self.assertEqual(names()["new.test"]["signup"], "closed")
        self.ask("POST", "/web/admin/domains", {"domain": "new.test"}, 409)
        for domain in ("", "a b", 3, "x" * 300):
            self.ask("POST", "/web/admin/domains", {"domain": domain}, 422)
        self.ask("POST", "/web/admin/users", {"address": "a@new.test"}, 201)
        self.ask("DELETE", "/web/admin/domains/new.test", None, 409)
        self.ask("DELETE", "/web/admin/users/a@new.test", None, 204)
        self.ask("DELETE", "/web/admin/domains/new.test", None, 204)
        self.ask("DELETE", "/web/admin/domains/new.test", None, 404)
        self.assertNotIn("new.test", names())
        for event in ("domain-added", "domain-deleted"):
            self.assertIn("by=user1@example.test", self.logged(event)[-1])

    def test_aliases(self):
        path = "/web/admin/aliases"
        user = self.server.users[1]
        for target in (user, "Else@elsewhere.test"):
            self.ask("POST", path, {"address": "Info@example.test",
                                    "target": target}, 204)
        self.assertEqual(self.ask("GET", path + "?q=info"), {
            "aliases": [
                {"address": "info@example.test",
                 "target": "Else@elsewhere.test"},
                {"address": "info@example.test", "target": user}],
            "more": False})
        for root, status in (
                ({"address": "info@example.test", "target": user}, 409),
                ({"address": user, "target": "x@y.test"}, 409),
                ({"address": "a@elsewhere.test", "target": user}, 404),
                ({"address": "a@example.test", "target": "b"}, 422),
                ({}, 422)):
            self.ask("POST", path, root, status)
        self.ask("DELETE", path + "/info@example.test?target="
                 "Else%40elsewhere.test", None, 204)
        self.ask("DELETE", path + "/info@example.test?target=x%40y.test",
                 None, 404)
        self.ask("DELETE", path + "/info@example.test", None, 204)
        self.assertEqual(self.ask("GET", path + "?q=info")["aliases"], [])
        self.ask("POST", path, {"address": "@example.test", "target": user},
                 204)
        self.ask("DELETE", path + "/@example.test", None, 204)
        for event in ("alias-added", "alias-deleted"):
            self.assertIn("by=user1@example.test", self.logged(event)[-1])

    def test_forwards(self):
        path, user = "/web/admin/forwards", self.server.users[1]
        self.ask("POST", path, {"user": user, "target": "a@elsewhere.test",
                                "keep": False}, 204)
        self.assertEqual(self.ask("GET", path)["forwards"], [
            {"user": user, "target": "a@elsewhere.test", "keep": False}])
        self.ask("PATCH", path + "/" + user, {"keep": True}, 204)
        self.assertTrue(self.ask("GET", path)["forwards"][0]["keep"])
        self.ask("POST", path, {"user": "nobody@example.test",
                                "target": "a@b.test"}, 404)
        self.ask("POST", path, {"user": user, "target": "x"}, 422)
        self.ask("DELETE", path + "/" + user, None, 204)
        self.ask("DELETE", path + "/" + user, None, 404)
        self.assertEqual(self.ask("GET", path)["forwards"], [])
        for event in ("forward-added", "forward-keeps", "forward-deleted"):
            self.assertIn("by=user1@example.test", self.logged(event)[-1])


class Requests(Case):
    SET = ("queue.enabled=true", "queue.relay=[127.0.0.1]:1")

    def send(self, to, sender=None):
        with smtplib.SMTP(self.server.host,
                          self.server.ports["submission"]) as s:
            s.starttls()
            s.login(sender or self.server.users[1], self.server.password)
            s.sendmail(sender or self.server.users[1], [to],
                       b"Subject: test\r\n\r\nHello\r\n")

    def queue(self, verb="list", **more):
        answer = self.request("queue", verb=verb, **more)
        return [i for i in answer["items"] if "id" in i]

    def test_not_all(self):
        for name in ("stop", "reload", "export", "import", "convert", "trace",
                     "user-delete", "mailbox-delete", "acl-set", "quota-set",
                     "storage", "", "Status"):
            self.request(name, 403)
        self.ask("POST", "/web/admin/request", {}, 403)
        self.ask("POST", "/web/admin/request", {"request": ["status"]}, 403)
        self.request("status", 422, filler="x" * 9000)
        self.request("usage", 404, address="nobody@example.test")
        self.request("usage", 422)
        self.request("status")

    def test_status(self):
        [item] = self.request("status")["items"]
        self.assertEqual(item["hostname"],
                         self.request("status")["items"][0]["hostname"])
        self.assertIn("http", [l["protocol"] for l in item["listeners"]])
        self.assertEqual(item["connections"], 1)

    def test_connections(self):
        c = imaplib.IMAP4(self.server.host, self.server.ports["imap"])
        c.login(self.server.users[1], self.server.password)
        [row] = [i for i in self.request("connections")["items"]
                 if i["protocol"] == "imap"]
        self.assertEqual(row["user"], self.server.users[1])
        [said] = self.request("kick", who="#%d" % row["id"])["items"]
        self.assertEqual(said["closed"], 1)
        with self.assertRaises((imaplib.IMAP4.abort, OSError)):
            c.noop()
            c.noop()
        c.shutdown()
        self.request("kick", 404, who="#%d" % row["id"])
        line = [l for l in self.logged("admin-request") if "kick" in l][-1]
        self.assertIn("by=user1@example.test", line)
        self.request("unblock", 404, who="203.0.113.9")

    def test_queue(self):
        for to in ("one@far.test", "two@far.test", "three@near.test"):
            self.send(to)
        rows = self.queue(domain="far.test")
        self.assertEqual(sorted(r["recipient"] for r in rows),
                         ["one@far.test", "two@far.test"])
        answer = self.request("queue", verb="list", most=1)["items"]
        self.assertEqual((len(answer), answer[1]), (2, {"more": True}))
        [one] = self.queue("show", id=rows[0]["id"])
        self.assertEqual(len(one["recipients"]), 1)
        self.queue("hold", id=rows[0]["id"])
        [held] = self.queue(held=True)
        self.assertEqual(held["id"], rows[0]["id"])
        self.assertEqual(self.request(
            "queue", verb="hold", domain="far.test", quiet=True)["items"],
            [{"count": 2}])
        self.assertEqual(len(self.queue(held=True)), 2)
        self.assertEqual(self.request(
            "queue", verb="release", held=True, quiet=True)["items"],
            [{"count": 2}])
        self.queue("retry", id=rows[0]["id"])
        self.queue("delete", id=rows[0]["id"])
        self.request("queue", 404, verb="show", id=rows[0]["id"])
        story = self.request("why", id=rows[0]["id"])["items"]
        acts = [i["event"] for i in story
                if i["what"].get("by") == "user1@example.test"]
        for act in ("hold", "release", "retry", "delete"):
            self.assertIn(act, acts)
        # Who it is from is not for the request to say.
        self.queue("hold", id=rows[1]["id"], by="somebody@else.test")
        story = self.request("why", id=rows[1]["id"])["items"]
        self.assertNotIn("somebody@else.test", json.dumps(story))
        self.assertEqual(self.request(
            "queue", verb="delete", quiet=True)["items"], [{"count": 2}])
        self.assertEqual(self.queue(), [])
        stats = self.request("queue-stats")["items"]
        self.assertEqual(stats[0]["messages"], 0)

    def test_why(self):
        self.send("who@far.test")
        items = self.request("why", **{"from": self.server.users[1],
                                       "to": "who@far.test"})["items"]
        events = [i["event"] for i in items]
        for event in ("mail", "rcpt"):
            self.assertIn(event, events)
        self.assertTrue(any("queue" in i["what"] for i in items))
        self.assertEqual({i["story"] for i in items}, {0})
        self.request("why", 404, to="nobody@nowhere.test")
        self.request("why", 422)

    def test_dns(self):
        shown = self.request("dns-show", domain="example.test")["items"]
        byctl = json.loads(self.server.ctl("dns", "show", "example.test",
                                           "--json").stdout)
        self.assertEqual([i for i in shown if "record" in i], byctl)
        checked = self.request("dns-check", domain="example.test")["items"]
        byctl = json.loads(self.server.ctl("dns", "check", "example.test",
                                           "--json").stdout)
        for row in checked:
            row.pop("elsewhere", None)
        self.assertEqual([i for i in checked if "record" in i], byctl)
        self.assertEqual([(i["state"], i["wanted"].split()[0])
                          for i in byctl if i["record"] == "MX"],
                         [("missing", "10")])
        self.request("dns-check", 404, domain="elsewhere.test")
        self.request("dns-check", 422, domain="a b")
        self.request("dns-show", 422)


class Samples(Case):
    def samples(self, query):
        answer = self.ask("GET", "/web/admin/samples" + query)
        rows = [dict(zip(["time"] + answer["names"], r))
                for r in answer["samples"]]
        for r in answer["samples"]:
            self.assertEqual(len(r), len(answer["names"]) + 1)
        return answer, rows

    def test_samples(self):
        answer, rows = self.samples("?step=60")
        self.assertEqual((answer["step"], len(rows)), (60, 1))
        self.assertIn(self.samples("")[0]["step"], (60,))
        c = imaplib.IMAP4(self.server.host, self.server.ports["imap"])
        with self.assertRaises(imaplib.IMAP4.error):
            c.login(self.server.users[1], "wrong")
        with smtplib.LMTP(self.server.host, self.server.ports["lmtp"]) as m:
            m.sendmail("a@x.test", [self.server.users[1]], b"A: b\r\n")
        for _ in range(40 * SLOW):
            answer, rows = self.samples("?step=5")
            if rows and rows[-1]["imap"] == 1 and rows[-1]["messages"] == 1:
                break
            time.sleep(0.5)
        self.assertEqual(answer["step"], 5)
        last = rows[-1]
        self.assertEqual((last["imap"], last["messages"],
                          last["loginsFailed"]), (1, 1, 1))
        self.assertGreaterEqual(last["http"], 1)
        self.assertGreaterEqual(last["accepted"], 3)
        self.assertEqual(self.samples("?step=5&since=%d" % last["time"])[1],
                         [r for r in self.samples("?step=5")[1]
                          if r["time"] > last["time"]])
        self.assertEqual(self.samples("?since=99999999999")[1], [])
        for query in ("?since=x", "?since=99999999999999999999", "?step="):
            self.samples(query)
        c.shutdown()


if __name__ == "__main__":
    unittest.main()
