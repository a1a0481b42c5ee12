"""The second factor: authenticator apps and recovery codes, what the password
is still good for beside them, and what was lost."""

import base64
import hashlib
import hmac
import imaplib
import json
import threading
import time
import unittest

import cluster
from authenticator import totp
from browser import Browser
from logins import Logins
from postern import Server

SECOND = "urn:postern:login:second-factor"
EXPIRED = "urn:postern:login:expired"
SET = ["auth.failures=1000", "auth.failure_delay=0"]


class Case(Logins, unittest.TestCase):
    SET = ()

    @classmethod
    def make_server(cls):
        return Server(set=[*SET, *cls.SET])

    @classmethod
    def setUpClass(cls):
        cls.server = cls.make_server()
        cls.addClassCleanup(cls.server.clean)
        cls.addClassCleanup(cls.server.stop)
        cls.server.start()
        cls.number = 0

    def setUp(self):
        """A user of its own for each test: codes are good once."""
        type(self).number += 1
        self.user = "u%d@example.test" % self.number
        self.password = "plum kettle ninety"
        self.ctl("user", "add", self.user, input=self.password + "\n")
        self.browser = self.new_browser()
        self.assertEqual(self.browser.login(self.user, self.password), 200)

    def new_browser(self):
        b = Browser(self.server)
        self.addCleanup(b.close)
        return b

    def ctl(self, *args, code=0, input=None):
        p = self.server.ctl(*args, input=input)
        self.assertEqual(p.returncode, code, p.stdout + p.stderr)
        return p.stderr if code else p.stdout

    # What a browser does.

    def post(self, path, want=None, browser=None, **root):
        status, answer, _ = (browser or self.browser).ask("POST", path, root)
        if want is not None:
            self.assertEqual(status, want, answer)
            return answer
        return status, answer

    def factors(self):
        status, answer, fields = self.browser.ask("GET", "/web/factors")
        self.assertEqual(status, 200)
        self.assertEqual(fields.getheader("Cache-Control"), "no-store")
        return answer

    def code(self):
        """The next one that was not used: clocks may be a step ahead, and for
        more one has to wait."""
        step = int(time.time()) // 30
        if not hasattr(self, "last"):
            self.last = step - 2
        self.last = max(self.last + 1, step - 1)
        while self.last > int(time.time()) // 30 + 1:
            time.sleep(0.2)
        return totp(self.secret, now=self.last * 30)

    def turn_on(self):
        """Takes an app into use; the recovery codes, if some were made."""
        begun = self.post("/web/totp", 200)
        self.secret = begun["secret"]
        self.url = begun["url"]
        return self.post("/web/totp/confirm", 201, ticket=begun["ticket"],
                         code=self.code(),
                         password=self.password)["recoveryCodes"]

    def begin(self, browser=None, password=None):
        """A login, until the second factor is asked for."""
        b = browser or self.new_browser()
        status, answer = self.post("/web/login", browser=b, user=self.user,
                                   password=password or self.password)
        self.assertEqual((status, answer.get("type")), (401, SECOND), answer)
        self.assertIsNone(b.cookie)
        return b, answer

    def finish(self, begun, **shown):
        b, answer = begun
        return self.post("/web/login/factor", browser=b,
                         ticket=answer["ticket"], **shown)

    def is_in(self, browser):
        return browser.ask("GET", "/web/sessions")[0] == 200

    def scram(self, password):
        c = imaplib.IMAP4(self.server.host, self.server.ports["imap"])
        state = {}

        def answer(challenge):
            if not state:
                state["bare"] = "n=%s,r=abc" % self.user
                return ("n,," + state["bare"]).encode()
            if "proof" in state:
                return b""
            first = challenge.decode()
            parts = dict(p.split("=", 1) for p in first.split(","))
            salted = hashlib.pbkdf2_hmac(
                "sha256", password.encode(), base64.b64decode(parts["s"]),
                int(parts["i"]))
            client = hmac.digest(salted, b"Client Key", "sha256")
            stored = hashlib.sha256(client).digest()
            without = "c=biws,r=" + parts["r"]
            signature = hmac.digest(stored, ",".join(
                [state["bare"], first, without]).encode(), "sha256")
            state["proof"] = bytes(a ^ b for a, b in zip(client, signature))
            return ("%s,p=%s" % (without, base64.b64encode(
                state["proof"]).decode())).encode()
        try:
            c.authenticate("SCRAM-SHA-256", answer)
            return True
        except imaplib.IMAP4.error:
            return False
        finally:
            c.logout()

    def notices(self):
        """Texts of the messages about the account's security."""
        status, session, _ = self.browser.ask("GET", "/.well-known/jmap")
        self.assertEqual(status, 200)
        account = next(iter(session["accounts"]))
        _, answer, _ = self.browser.ask("POST", "/jmap/api", {
            "using": list(session["capabilities"]), "methodCalls": [
                ["Email/query", {"accountId": account, "filter": {
                    "subject": "security of your account"}}, "a"],
                ["Email/get", {
                    "accountId": account, "properties": ["textBody",
                                                         "bodyValues"],
                    "fetchTextBodyValues": True, "#ids": {
                        "resultOf": "a", "name": "Email/query",
                        "path": "/ids"}}, "b"]]})
        return [v["value"] for m in answer["methodResponses"][1][1]["list"]
                for v in m["bodyValues"].values()]


class Factors(Case):
    def test_app(self):
        other = self.new_browser()
        self.assertEqual(other.login(self.user, self.password), 200)
        self.assertFalse(self.factors()["isOn"])
        codes = self.turn_on()
        self.assertRegex(self.url, r"^otpauth://totp/example\.test:u\d+%40"
                         r"example\.test\?secret=[A-Z2-7]{32}&issuer="
                         r"example\.test&algorithm=SHA1&digits=6&period=30$")
        self.assertEqual(len(set(codes)), 10)
        self.assertTrue(self.is_in(self.browser))
        self.assertFalse(self.is_in(other), "other sessions end")
        now = self.factors()
        self.assertTrue(now["isOn"])
        self.assertEqual(now["recoveryCodes"], 10)
        self.assertIsNone(now["totp"]["used"])
        self.assertNotIn(self.secret, json.dumps(now))

        begun = self.begin()
        self.assertEqual(begun[1]["kinds"], ["totp", "recovery"])
        code = self.code()
        status, answer = self.finish(begun, code=code[:3] + " " + code[3:])
        self.assertEqual((status, answer["user"]), (200, self.user))
        self.assertTrue(self.is_in(begun[0]))
        self.assertIsNotNone(self.factors()["totp"]["used"])
        # Neither the code nor the ticket is good again.
        self.assertEqual(self.finish(begun, code="123456")[1]["type"],
                         EXPIRED)
        self.assertEqual(self.finish(self.begin(), code=code)[0], 401)
        self.assertIn(" factor-added ", self.server.log())
        self.assertTrue(any("authenticator app was added" in text
                            for text in self.notices()))

    def test_nothing_is_told_before_the_password(self):
        self.turn_on()
        answers = set()
        for user in (self.user, self.server.users[0], "no@example.test"):
            status, answer = self.post("/web/login", browser=self.new_browser(),
                                       user=user, password="wrong horse")
            answers.add((status, json.dumps(answer, sort_keys=True)))
        self.assertEqual(len(answers), 1, answers)

    def test_the_password_alone_opens_nothing(self):
        self.assertTrue(self.imap(self.password))
        self.assertTrue(self.scram(self.password))
        self.assertTrue(self.basic(self.password, "/web/sessions"))
        self.turn_on()
        status, made, _ = self.browser.ask(
            "POST", "/web/app-passwords",
            {"name": "Phone", "scopes": ["imap", "pop3", "smtp", "jmap"],
             "password": self.password})
        self.assertEqual(status, 201)
        # The switch of the user's does not come in between.
        self.assertEqual(self.browser.ask("PUT", "/web/app-passwords",
                                          {"required": False})[0], 204)
        for works in (self.imap, self.pop3, self.smtp, self.basic,
                      lambda p: self.imap(p, "PLAIN")):
            self.assertTrue(works(made["password"]))
            self.assertFalse(works(self.password))
        self.assertFalse(self.scram(self.password))
        self.assertFalse(self.basic(self.password, "/web/sessions"))
        self.assertFalse(self.basic(made["password"], "/web/sessions"))
        self.post("/web/totp/remove", 204, password=self.password)
        for works in (self.imap, self.pop3, self.smtp, self.basic, self.scram,
                      lambda p: self.basic(p, "/web/sessions")):
            self.assertTrue(works(self.password))
        self.assertEqual(self.new_browser().login(self.user, self.password),
                         200)

    def test_wants_the_password(self):
        begun = self.post("/web/totp", 200)
        self.secret = begun["secret"]
        for path, root in (
                ("/web/totp/confirm", {"ticket": begun["ticket"],
                                       "code": totp(self.secret)}),
                ("/web/recovery-codes", {}), ("/web/totp/remove", {})):
            self.assertEqual(self.post(path, **root)[0], 422)
            status, answer = self.post(path, password="wrong horse", **root)
            self.assertEqual((status, answer["type"]),
                             (403, "urn:postern:password:wrong"))
        self.assertFalse(self.factors()["isOn"])
        self.assertEqual(self.factors()["recoveryCodes"], 0)
        stranger = self.new_browser()
        for path in ("/web/totp", "/web/totp/confirm", "/web/totp/remove",
                     "/web/recovery-codes"):
            self.assertEqual(self.post(path, browser=stranger)[0], 401)
        self.browser.ours = False
        self.assertEqual(self.post("/web/totp")[0], 401)
        self.browser.ours = True

    def test_app_is_in_force_only_when_its_code_came(self):
        begun = self.post("/web/totp", 200)
        self.secret = begun["secret"]
        wrong = "%06d" % ((int(totp(self.secret)) + 1) % 1000000)
        for code in ("", "12345", "abcdef", totp(self.secret, 5), wrong):
            status, answer = self.post(
                "/web/totp/confirm", ticket=begun["ticket"], code=code,
                password=self.password)
            self.assertEqual((status, answer["type"]),
                             (422, "urn:postern:factor:code"), code)
        # Tried five times.
        self.assertEqual(self.post(
            "/web/totp/confirm", ticket=begun["ticket"], code=self.code(),
            password=self.password)[1]["type"], "urn:postern:factor:expired")
        self.assertFalse(self.factors()["isOn"])
        self.assertTrue(self.imap(self.password))
        # The ticket of somebody else.
        begun = self.post("/web/totp", 200)
        other = self.new_browser()
        self.assertEqual(other.login(self.server.users[0],
                                     self.server.password), 200)
        self.assertEqual(self.post(
            "/web/totp/confirm", browser=other, ticket=begun["ticket"],
            code=totp(begun["secret"]), password=self.server.password)[0], 422)
        self.turn_on()
        begun = self.post("/web/totp", 200)
        self.assertEqual(self.post(
            "/web/totp/confirm", ticket=begun["ticket"],
            code=totp(begun["secret"]), password=self.password)[0], 409)

    def test_one_code_for_two_at_once(self):
        self.turn_on()
        for _ in range(2):
            code = self.code()
            logins = [self.begin() for _ in range(4)]
            results = []

            def run(begun):
                results.append(self.finish(begun, code=code)[0])
            threads = [threading.Thread(target=run, args=(b,)) for b in logins]
            for t in threads:
                t.start()
            for t in threads:
                t.join(60)
            self.assertEqual(sorted(results), [200, 401, 401, 401])

    def test_one_recovery_code_for_two_at_once(self):
        code = self.turn_on()[0]
        logins = [self.begin() for _ in range(4)]
        results = []

        def run(begun):
            results.append(self.finish(begun, code=code)[0])
        threads = [threading.Thread(target=run, args=(b,)) for b in logins]
        for t in threads:
            t.start()
        for t in threads:
            t.join(60)
        self.assertEqual(sorted(results), [200, 401, 401, 401])
        self.assertEqual(self.factors()["recoveryCodes"], 9)

    def test_tickets(self):
        self.turn_on()
        begun = self.begin()
        for _ in range(5):
            status, answer = self.finish(begun, code="nonsense")
            self.assertEqual((status, answer["type"]), (401, "about:blank"))
        self.assertEqual(self.finish(begun, code="123456")[1]["type"],
                         EXPIRED)
        for ticket in ("", "x" * 43, 1, None):
            self.assertEqual(self.post(
                "/web/login/factor", ticket=ticket, code="1",
                browser=self.new_browser())[1]["type"], EXPIRED)
        # Of many that one user begins the first ones are forgotten.
        first, many = self.begin(), [self.begin() for _ in range(8)]
        self.assertEqual(self.finish(first, code="123456")[1]["type"],
                         EXPIRED)
        self.assertEqual(self.finish(many[-1], code=self.code())[0], 200)
        # A new password ends what was begun with the old one.
        begun = self.begin()
        self.post("/web/password", 204, old=self.password,
                  new="other kettle ninety")
        self.assertEqual(self.finish(begun, code="123456")[1]["type"],
                         EXPIRED)
        # So does a user who is disabled.
        begun = self.begin(password="other kettle ninety")
        self.ctl("user", "disable", self.user)
        self.assertEqual(self.finish(begun, code=self.code())[0], 401)
        self.assertFalse(self.is_in(begun[0]))

    def test_recovery_code_in_place_of_the_app(self):
        codes = self.turn_on()
        begun = self.begin()
        status, _ = self.finish(begun, code=codes[3].upper().replace("-", " "))
        self.assertEqual(status, 200)
        self.assertEqual(self.factors()["recoveryCodes"], 9)
        self.assertEqual(self.finish(self.begin(), code=codes[3])[0], 401)
        self.assertIn(" recovery-code-used ", self.server.log())
        self.assertTrue(any("one of your recovery codes" in text.replace(
            "\n", " ") for text in self.notices()))
        made = self.post("/web/recovery-codes", 201, password=self.password)
        self.assertEqual(len(set(made["recoveryCodes"]) - set(codes)), 10)
        self.assertEqual(self.factors()["recoveryCodes"], 10)
        self.assertEqual(self.finish(self.begin(), code=codes[4])[0], 401)
        self.assertEqual(self.finish(
            self.begin(), code=made["recoveryCodes"][4])[0], 200)

    def recover(self, code, password, user=None):
        return self.post("/web/recover", browser=self.new_browser(),
                         user=user or self.user, code=code, password=password)

    def test_forgotten_password(self):
        codes = self.post("/web/recovery-codes", 201,
                          password=self.password)["recoveryCodes"]
        self.assertFalse(self.factors()["isOn"])
        self.assertTrue(self.imap(self.password))
        status, answer = self.recover(codes[0], "password1")
        self.assertEqual((status, answer["type"]),
                         (422, "urn:postern:password:refused"))
        fresh = "other kettle ninety"
        answers = set()
        for user, code in ((self.user, codes[0][:-1] + (
                "a" if codes[0][-1] != "a" else "b")), (self.user, "nonsense"),
                (self.server.users[0], codes[0]),
                ("no@example.test", codes[0]), ("@", codes[0])):
            status, answer = self.recover(code, fresh, user)
            answers.add((status, json.dumps(answer, sort_keys=True)))
        self.assertEqual([a[0] for a in answers], [401])
        self.assertEqual(self.recover(codes[0], fresh)[0], 204)
        self.browser.close()  # so did the server: all that was open ends
        self.assertFalse(self.is_in(self.browser), "all sessions end")
        self.assertFalse(self.imap(self.password))
        self.assertTrue(self.imap(fresh))
        self.assertEqual(self.browser.login(self.user, fresh), 200)
        self.assertEqual(self.factors()["recoveryCodes"], 9)
        self.assertEqual(self.recover(codes[0], "third kettle ninety")[0], 401)
        self.assertTrue(any("Your password was changed" in text
                            for text in self.notices()))
        self.ctl("user", "disable", self.user)
        self.assertEqual(self.recover(codes[1], "third kettle ninety")[0], 401)

    def test_a_sheet_of_codes_alone_does_not_get_in(self):
        codes = self.turn_on()
        fresh = "other kettle ninety"
        self.assertEqual(self.recover(codes[0], fresh)[0], 204)
        begun = self.begin(password=fresh)
        self.assertEqual(begun[1]["kinds"], ["totp"])
        self.assertEqual(self.finish(begun, code=codes[1])[0], 401)
        # With the app it goes on, and the codes count again.
        self.assertEqual(self.finish(begun, code=self.code())[0], 200)
        begun = self.begin(password=fresh)
        self.assertEqual(begun[1]["kinds"], ["totp", "recovery"])
        self.assertEqual(self.finish(begun, code=codes[1])[0], 200)

    def test_both_lost(self):
        self.turn_on()
        [app, codes] = json.loads(
            self.ctl("user", "factors", self.user, "--json"))
        self.assertEqual((app["kind"], codes["kind"], codes["left"]),
                         ("app", "recovery codes", 10))
        self.assertIn("recovery codes", self.ctl("user", "factors", self.user))
        self.ctl("user", "factors", self.user, "--reset")
        self.assertIn(" factors-reset ", self.server.log())
        self.assertEqual(
            json.loads(self.ctl("user", "factors", self.user, "--json")), [])
        self.assertEqual(self.new_browser().login(self.user, self.password),
                         200)
        self.assertTrue(self.imap(self.password))
        self.ctl("user", "factors", self.user, "--reset", code=3)
        self.ctl("user", "factors", "no@example.test", code=3)
        self.ctl("user", "factors", "no@example.test", "--reset", code=3)

    def test_goes_with_the_user(self):
        self.turn_on()
        self.ctl("user", "delete", self.user)
        self.ctl("user", "add", self.user, input=self.password + "\n")
        self.assertEqual(self.new_browser().login(self.user, self.password),
                         200)
        self.assertEqual(
            json.loads(self.ctl("user", "factors", self.user, "--json")), [])

    def test_a_change_of_the_user_leaves_it_on(self):
        self.turn_on()
        self.ctl("app-password", "require", self.user, "off")
        self.ctl("user", "set", self.user, "--name", "Maja")
        self.assertFalse(self.imap(self.password))

    def test_another_password_since(self):
        """Set by whoever is not this server: what began with the old one does
        not end well."""
        self.turn_on()
        begun = self.begin()
        self.ctl("user", "passwd", self.user, input="other plum kettle\n")
        status, answer = self.finish(begun, code=self.code())
        self.assertEqual((status, answer["type"]), (401, EXPIRED))
        self.assertIsNone(begun[0].cookie)

    def test_malformed(self):
        self.turn_on()
        for path in ("/web/login/factor", "/web/recover", "/web/totp/confirm",
                     "/web/totp/remove", "/web/recovery-codes"):
            for root in ("", "[]", '"x"', "{"):
                self.assertEqual(self.browser.ask("POST", path, root)[0], 400)
        for root in ({}, {"user": self.user}, {"user": 1, "code": "x",
                                               "password": "x"},
                     {"user": "x" * 400, "code": "x", "password": "x"}):
            self.assertEqual(self.post("/web/recover", **root)[0], 400)
        for shown in ({}, {"code": 1}, {"passkey": 1}, {"passkey": {}},
                      {"code": "a" * 4000}):
            self.assertEqual(self.finish(self.begin(), **shown)[0], 401)
        self.assertEqual(self.finish(self.begin(), code="1\x002345")[0], 400)


class Brake(Case):
    SET = ("auth.failures=6",)

    def test_codes_count_like_passwords(self):
        self.turn_on()
        refused = 0
        while refused < 50:
            begun = self.begin_or_none()
            if begun is None:
                break
            for _ in range(4):
                # The same code again is a guess, too.
                self.finish(begun, code="000000")
                refused += 1
        self.assertLess(refused, 13)
        self.assertEqual(self.post("/web/login", browser=self.new_browser(),
                                   user=self.user,
                                   password=self.password)[0], 429)
        self.assertEqual(self.post(
            "/web/recover", browser=self.new_browser(), user=self.user,
            code="x", password="other kettle ninety")[0], 429)
        self.ctl("unblock", self.server.host)
        self.ctl("unblock", self.user)
        self.assertEqual(self.finish(self.begin(), code=self.code())[0], 200)

    def begin_or_none(self):
        b = self.new_browser()
        status, answer = self.post("/web/login", browser=b, user=self.user,
                                   password=self.password)
        return None if status == 429 else (b, answer)

    def test_guessing_recovery_codes(self):
        statuses = [self.post(
            "/web/recover", browser=self.new_browser(), user=self.user,
            code="abcd-efgh-ijkm-npqr-st%02d" % (22 + i),
            password="other kettle ninety")[0] for i in range(8)]
        self.assertEqual(statuses[0], 401)
        self.assertEqual(statuses[-1], 429)
        self.ctl("unblock", self.server.host)


class Shared(Case):
    """The accounts in a database, and two servers."""

    @classmethod
    def setUpClass(cls):
        if cluster.programs() is None:
            raise unittest.SkipTest("no PostgreSQL")
        c = cluster.cluster()
        database = "factors_%d" % id(cls)
        cls.conninfo = c.create(database)
        cls.addClassCleanup(c.drop, database)
        super().setUpClass()
        cls.other = cls.make_server()
        cls.addClassCleanup(cls.other.clean)
        cls.addClassCleanup(cls.other.stop)
        cls.other.start()

    @classmethod
    def make_server(cls):
        return Server(storage="postgresql:" + cls.conninfo,
                      set=[*SET, "accounts.database=postgresql"])

    def test_one_code_on_two_servers(self):
        codes = self.turn_on()
        elsewhere = Browser(self.other)
        self.addCleanup(elsewhere.close)
        for code in (self.code(), codes[0]):
            logins = [self.begin(), self.begin(Browser(self.other)),
                      self.begin(), self.begin(Browser(self.other))]
            results = []

            def run(begun):
                results.append(self.finish(begun, code=code)[0])
            threads = [threading.Thread(target=run, args=(b,)) for b in logins]
            for t in threads:
                t.start()
            for t in threads:
                t.join(60)
            for b, _ in logins:
                b.close()
            self.assertEqual(sorted(results), [200, 401, 401, 401])

    def test_the_password_alone_opens_nothing(self):
        Factors.test_the_password_alone_opens_nothing(self)

    def test_forgotten_password(self):
        Factors.test_forgotten_password(self)

    recover = Factors.recover

    def test_copied(self):
        self.turn_on()
        self.ctl("accounts", "copy", "postgresql", "sqlite")
        self.server.stop()
        self.server.set.remove("accounts.database=postgresql")
        self.server.start()
        try:
            self.assertFalse(self.imap(self.password))
            self.assertEqual(self.finish(self.begin(), code=self.code())[0],
                             200)
        finally:
            self.server.stop()
            self.server.set.append("accounts.database=postgresql")
            self.server.start()


if __name__ == "__main__":
    unittest.main()
