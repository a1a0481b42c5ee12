"""Making accounts: by oneself, by invitation, with approval; the first
administrator; changing a password."""

import hashlib
import imaplib
import json
import os
import re
import threading
import unittest

from browser import Browser
from postern import Server

GOOD = "plum kettle ninety"


def solve(challenge, bits):
    n = 0
    while True:
        digest = hashlib.sha256(b"%s:%d" % (challenge.encode(), n)).digest()
        if int.from_bytes(digest, "big") >> (256 - bits) == 0:
            return str(n)
        n += 1


class Case(unittest.TestCase):
    SET = ()

    @classmethod
    def setUpClass(cls):
        cls.server = Server(set=["auth.failures=1000", "signup.work=8",
                                 *cls.SET]).start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.clean()

    def setUp(self):
        self.browser = Browser(self.server)
        self.addCleanup(self.browser.close)

    def about(self, invite=""):
        status, root, _ = self.browser.ask("GET", "/web/signup?invite=" +
                                           invite)
        self.assertEqual(status, 200)
        return root

    def work(self):
        about = self.about()
        return {"challenge": about["challenge"],
                "number": solve(about["challenge"], about["work"])}

    def sign_up(self, local, password=GOOD, work=None, **more):
        """Status, answer, fields."""
        return self.browser.ask(
            "POST", "/web/signup",
            {"address": local + "@example.test", "password": password,
             "name": "Maja Olsen", **(work or self.work()), **more})

    def refused(self, answer, status, kind):
        self.assertEqual((answer[0], answer[1]["type"].rpartition(":")[2]),
                         (status, kind), answer[1])
        return answer[1]["detail"]

    def login(self, user, password):
        other = Browser(self.server)
        status = other.login(user, password)
        other.close()
        return status


class Closed(Case):
    def test_closed(self):
        self.assertEqual(self.about()["domains"], [])
        self.refused(self.sign_up("maja"), 403, "closed")
        self.refused(self.browser.ask(
            "POST", "/web/signup/check", {"address": "maja@example.test"}),
            403, "closed")
        made = self.server.ctl("invite", "create", "example.test")
        code = made.stdout.strip().rpartition("=")[2]
        self.refused(self.sign_up("maja", invite=code), 403, "closed")
        self.assertEqual(self.server.ctl("user", "show",
                                         "maja@example.test").returncode, 3)


class Open(Case):
    SET = ("signup.mode=open", "signup.per_address=1000",
           "signup.terms=https://example.test/terms")

    def test_an_account(self):
        about = self.about()
        self.assertEqual(about["domains"],
                         [{"name": "example.test", "mode": "open"}])
        self.assertEqual(about["terms"], "https://example.test/terms")
        self.assertEqual(self.browser.ask(
            "POST", "/web/signup/check",
            {"address": "Maja@example.test"})[0], 204)
        status, root, _ = self.sign_up("Maja")
        self.assertEqual((status, root["user"], root["state"]),
                         (201, "maja@example.test", "active"))
        self.assertEqual(self.login("maja@example.test", GOOD), 200)
        c = imaplib.IMAP4(self.server.host, self.server.ports["imap"])
        c.login("maja@example.test", GOOD)
        self.assertEqual(c.select("INBOX")[1], [b"1"])
        text = c.fetch("1", "(BODY.PEEK[])")[1][0][1].decode()
        self.assertIn("Subject: Welcome\r\n", text)
        self.assertIn("port %d, SSL/TLS" % self.server.ports["imaps"], text)
        c.logout()
        self.refused(self.sign_up("maja"), 409, "taken")

    def test_names(self):
        for name in ("postmaster", "Abuse", "root", "admin+x", "webmaster"):
            answer = self.sign_up(name)
            self.assertIn(answer[1]["type"].rpartition(":")[2],
                          ("reserved", "address"), name)
        self.refused(self.sign_up("postmaster"), 422, "reserved")
        for name in ("a b", ".a", "a.", "a..b", "a/b", "../a", "a+b",
                     "a@b", "ü", "x" * 65, ""):
            self.refused(self.sign_up(name), 422, "address")
        self.refused(self.browser.ask("POST", "/web/signup", {}),
                     422, "address")

    def test_passwords(self):
        work = self.work()  # refusals do not use it up
        for password, word in (
                ("short", "at least 8"), ("", "cannot be"),
                ("x" * 257, "too long|at most 256"), ("a\tbcdefgh", "cannot"),
                ("password", "tried first"), ("P4ssw0rd!", "tried first"),
                ("Summer2026!", "tried first"), ("qwertyuiop", "tried first"),
                ("iloveyou", "tried first"), ("12345678", "row"),
                ("abcdefghij", "row"), ("zzzzzzzzzz", "row"),
                ("xyxyxyxyxy", "row"), ("dragondragon", "repetition"),
                ("maja12345", "your name"), ("Olsen1234!", "your name"),
                ("kajaexample", "your name")):
            detail = self.refused(self.sign_up("kaja", password, work),
                                  422, "password")
            self.assertTrue(re.search(word, detail), (password, detail))
        for i, password in enumerate((
                "correct horse battery", "olsen and the green whale",
                "grüne Äpfel am Fluss", "aq9-Rk2vTz", "ж" * 3 + "ъыьэю12")):
            self.assertEqual(self.sign_up("p%d" % i, password)[0], 201,
                             password)

    def test_work(self):
        self.refused(self.sign_up("worker", work={"number": "1"}),
                     422, "work")
        work = self.work()
        good = work["number"]
        for change in ({"number": str(int(good) + 100000019)},
                       {"number": "x" * 30},
                       {"challenge": work["challenge"][:-1] + "g"},
                       {"challenge": work["challenge"].replace("8.", "0.", 1)},
                       {"challenge": "8.99999999999.aa." + "0" * 64},
                       {"challenge": ""}, {"challenge": "." * 200}):
            self.refused(self.sign_up("worker", work={**work, **change}),
                         422, "work")
        self.assertEqual(self.sign_up("worker", work=work)[0], 201)
        self.refused(self.sign_up("worker2", work=work), 422, "work")

    def test_other_sites(self):
        work = self.work()
        self.browser.ours = False
        status = self.sign_up("foreign", work=work)[0]
        self.assertIn(status, (401, 403))

    def test_change_of_password(self):
        self.assertEqual(self.sign_up("changer")[0], 201)
        user = "changer@example.test"
        other = Browser(self.server)
        self.addCleanup(other.close)
        self.assertEqual(other.login(user, GOOD), 200)
        self.assertEqual(self.browser.login(user, GOOD), 200)

        def change(old, new):
            return self.browser.ask("POST", "/web/password",
                                    {"old": old, "new": new})[0]
        self.assertEqual(change("wrong one here", "a new kettle of plums"), 403)
        self.assertEqual(change(GOOD, "password1"), 422)
        self.assertEqual(change(GOOD, "changer123"), 422)
        self.assertEqual(self.browser.ask("POST", "/web/password", {})[0], 422)
        self.assertEqual(other.ask("GET", "/web/sessions")[0], 200)
        self.assertEqual(change(GOOD, "a new kettle of plums"), 204)
        self.assertEqual(self.browser.ask("GET", "/web/sessions")[0], 200)
        self.assertEqual(other.ask("GET", "/web/sessions")[0], 401)
        self.assertEqual(self.login(user, GOOD), 401)
        self.assertEqual(self.login(user, "a new kettle of plums"), 200)


class Limits(Case):
    SET = ("signup.mode=open",)

    def test_limit(self):
        for name in ("anja", "berta", "clara"):
            self.assertEqual(self.sign_up(name)[0], 201)
        answer = self.sign_up("dora")
        self.refused(answer, 429, "limit")
        self.assertGreater(int(answer[2].getheader("Retry-After")), 80000)
        self.assertEqual(self.server.ctl("user", "show",
                                         "dora@example.test").returncode, 3)

    def test_questions(self):
        for _ in range(130):
            status, root, answer = self.browser.ask(
                "POST", "/web/signup/check", {"address": "u@example.test"})
        self.assertEqual(status, 429)
        self.assertLessEqual(int(answer.getheader("Retry-After")), 601)


class ManyAtOnce(Case):
    SET = ("signup.mode=open",)

    def test_many_at_once(self):
        """Ten that are on their way together are no more than ten in turn."""
        work = [self.work() for _ in range(10)]
        results = []

        def run(i):
            b = Browser(self.server)
            results.append(b.ask("POST", "/web/signup", {
                "address": "m%d@example.test" % i, "password": GOOD,
                "name": "", **work[i]})[0])
            b.close()
        threads = [threading.Thread(target=run, args=(i,)) for i in range(10)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(60)
        self.assertEqual(sorted(results), [201] * 3 + [429] * 7)


class InPassing(Case):
    SET = ("signup.mode=open",)

    def test_questions_in_passing(self):
        """Who is refused an account hears whether there is such a user: that
        counts as asking, and one proof of work is none for all."""
        work = self.work()
        statuses = {self.sign_up(self.server.users[0].partition("@")[0],
                                 work=work)[0] for _ in range(130)}
        self.assertEqual(statuses, {409, 429})


class Invited(Case):
    SET = ("signup.mode=invite", "signup.per_address=100")

    def invite(self, *args):
        made = self.server.ctl("invite", "create", "example.test", *args,
                               "--json")
        self.assertEqual(made.returncode, 0, made.stderr)
        return json.loads(made.stdout)

    def test_once(self):
        about = self.about()
        self.assertEqual((about["domains"], about["invites"],
                          about["invite"]), ([], True, None))
        self.refused(self.sign_up("maja"), 403, "invite")
        made = self.invite("--name", "For Maja")
        self.assertTrue(made["url"].endswith("/signup?invite=" + made["code"]))
        self.assertEqual(self.about(made["code"])["invite"],
                         {"domain": "example.test"})
        self.refused(self.sign_up("maja", "password", invite=made["code"]),
                     422, "password")
        self.assertEqual(self.sign_up("maja", invite=made["code"])[0], 201)
        self.refused(self.sign_up("maja2", invite=made["code"]),
                     403, "invite")
        self.assertIsNone(self.about(made["code"])["invite"])

    def test_several_and_revoked(self):
        made = self.invite("3")
        for i in range(2):
            self.assertEqual(self.sign_up("team%d" % i,
                                          invite=made["code"])[0], 201)
        rows = json.loads(self.server.ctl("invite", "list", "--json").stdout)
        [row] = [r for r in rows if r["id"] == made["id"].replace("-", "")]
        self.assertEqual(row["uses"], 1)
        self.assertNotIn(made["code"].replace("-", "")[8:], json.dumps(rows))
        self.assertEqual(self.server.ctl("invite", "revoke",
                                         row["id"]).returncode, 0)
        self.refused(self.sign_up("team2", invite=made["code"]),
                     403, "invite")
        self.assertEqual(self.server.ctl("invite", "revoke",
                                         row["id"]).returncode, 3)

    def test_wrong_codes(self):
        for code in ("", "x", "aaaa-bbbb-cccc-dddd-eeee", "'", "%00", "a" * 500):
            self.assertIsNone(self.about(code)["invite"])
            self.refused(self.sign_up("nobody1", invite=code), 403, "invite")
        self.assertEqual(self.server.ctl("invite", "create",
                                         "elsewhere.test").returncode, 3)
        self.assertEqual(self.server.ctl("invite", "create", "example.test",
                                         "0").returncode, 2)


class Approved(Case):
    SET = ("signup.mode=approval", "signup.per_address=100")

    def test_approval(self):
        status, root, _ = self.sign_up("maja")
        self.assertEqual((status, root["state"]), (201, "pending"))
        user = "maja@example.test"
        self.assertEqual(self.login(user, GOOD), 401)
        shown = json.loads(self.server.ctl("user", "show", user,
                                           "--json").stdout)
        self.assertTrue(shown["pending"])
        self.assertEqual(self.server.ctl("user", "enable", user).returncode, 0)
        self.assertEqual(self.login(user, GOOD), 200)
        shown = json.loads(self.server.ctl("user", "show", user,
                                           "--json").stdout)
        self.assertFalse(shown["pending"])


    def test_administrators(self):
        user = self.server.users[0]
        for name in ("vera", "willy"):
            self.assertEqual(self.sign_up(name)[0], 201)
        ask = self.browser.ask
        paths = (("GET", "/web/invites"), ("POST", "/web/invites"),
                 ("DELETE", "/web/invites/x"), ("GET", "/web/approvals"),
                 ("POST", "/web/approvals/vera@example.test"),
                 ("DELETE", "/web/approvals/vera@example.test"))
        for method, path in paths:
            self.assertEqual(ask(method, path, {})[0], 401, path)
        self.assertEqual(self.browser.login(user, self.server.password), 200)
        for method, path in paths:
            self.assertEqual(ask(method, path, {})[0], 403, path)
        self.server.ctl("user", "set", user, "--admin")
        pending = ask("GET", "/web/approvals")[1]["pending"]
        self.assertEqual([p["user"] for p in pending
                          if p["user"][0] in "vw"],
                         ["vera@example.test", "willy@example.test"])
        self.assertEqual(ask(*paths[4])[0], 204)
        self.assertEqual(ask(*paths[4])[0], 404)
        self.assertEqual(ask(*paths[5])[0], 404)
        self.assertEqual(self.login("vera@example.test", GOOD), 200)
        path = "/web/approvals/willy@example.test"
        self.assertEqual(ask("DELETE", path)[0], 204)
        self.assertEqual(self.server.ctl("user", "show",
                                         "willy@example.test").returncode, 3)
        status, made, _ = ask("POST", "/web/invites", {
            "domain": "example.test", "note": "for W", "uses": 2, "days": 3})
        self.assertEqual((status, made["uses"]), (201, 2))
        root = self.sign_up("willy", invite=made["code"])[1]
        self.assertEqual(root["state"], "active")
        [row] = [i for i in ask("GET", "/web/invites")[1]["invites"]
                 if i["id"] == made["id"]]
        self.assertEqual((row["uses"], row["note"]), (1, "for W"))
        self.assertNotIn("code", row)
        path = "/web/invites/" + made["id"]
        self.assertEqual(ask("DELETE", path)[0], 204)
        self.assertEqual(ask("DELETE", path)[0], 404)
        for root in ({}, {"domain": "elsewhere.test"},
                     {"domain": "example.test", "uses": 0},
                     {"domain": "example.test", "days": 0},
                     {"domain": "example.test", "note": "x" * 200}):
            self.assertIn(ask("POST", "/web/invites", root)[0], (404, 422))


class SetUp(Case):
    def test_first_administrator(self):
        path = os.path.join(self.server.dir, "state/setup-url")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        with open(path) as f:
            url = f.read().strip()
        self.assertIn(url, self.server.log())
        token = url.partition("#")[2]
        self.assertTrue(self.browser.ask("GET", "/web/setup")[1]["open"])

        def set_up(token, password=GOOD, address="boss@new.test"):
            return self.browser.ask("POST", "/web/setup", {
                "token": token, "address": address, "name": "Boss",
                "password": password})[0]
        for wrong in ("", token[:-1], "0" * len(token), None):
            self.assertEqual(set_up(wrong), 403)
        self.assertEqual(set_up(token, "password"), 422)
        self.assertEqual(set_up(token, address="boss"), 422)
        self.assertEqual(set_up(token), 201)
        self.assertFalse(os.path.exists(path))
        self.assertFalse(self.browser.ask("GET", "/web/setup")[1]["open"])
        self.assertEqual(set_up(token, address="two@new.test"), 403)
        status, root, _ = self.browser.ask(
            "POST", "/web/login", {"user": "boss@new.test", "password": GOOD})
        self.assertEqual((status, root["isAdmin"]), (200, True))
        self.server.stop()
        self.server.start()
        self.assertFalse(os.path.exists(path))
        again = Browser(self.server)
        self.addCleanup(again.close)
        self.assertFalse(again.ask("GET", "/web/setup")[1]["open"])


if __name__ == "__main__":
    unittest.main()
