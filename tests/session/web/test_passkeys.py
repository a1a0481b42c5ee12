"""Passkeys: made, used in place of a password and behind it, and everything
that an authenticator or a browser could say wrongly."""

import json
import unittest

from authenticator import (
    UP, UV, EdDSA, ES256, Passkey, RS256, b64, unb64)
from test_factors import Case

REFUSED = "urn:postern:passkey:refused"


class PasskeyCase(Case):
    def setUp(self):
        super().setUp()
        self.origin = "http://localhost:%d" % self.server.ports["http"]
        self.host = "localhost:%d" % self.server.ports["http"]

    # All by the name of the host: there are no passkeys for addresses.

    def post(self, path, want=None, browser=None, method="POST", **root):
        status, answer, _ = (browser or self.browser).ask(
            method, path, root, Host=self.host)
        if want is not None:
            self.assertEqual(status, want, answer)
            return answer
        return status, answer

    def factors(self):
        return self.browser.ask("GET", "/web/factors", Host=self.host)[1]

    def register(self, passkey, name="Key", credential=None, **more):
        """Status, answer."""
        return self.post(
            "/web/passkeys", name=name,
            credential=credential or passkey.create(self.creation()), **more)

    def creation(self):
        return self.post("/web/passkeys/options", 200, password=self.password)

    def add(self, kind=ES256, **more):
        passkey = Passkey(self.origin, kind, **more)
        status, made = self.register(passkey)
        self.assertEqual(status, 201, made)
        passkey.name = made["id"]
        return passkey

    def options(self):
        return self.post("/web/login/passkey/options", 200,
                         browser=self.new_browser())

    def log_in(self, credential, browser=None):
        return self.post("/web/login/passkey",
                         browser=browser or self.new_browser(),
                         passkey=credential)

    def refused(self, credential):
        status, answer = self.log_in(credential)
        self.assertEqual((status, answer["type"]), (401, "about:blank"))


class Passkeys(PasskeyCase):
    def test_options(self):
        options = self.creation()
        self.assertEqual(options["rp"]["id"], "localhost")
        self.assertEqual(options["attestation"], "none")
        self.assertEqual([p["alg"] for p in options["pubKeyCredParams"]],
                         [-7, -8, -257])
        self.assertEqual(options["authenticatorSelection"], {
            "residentKey": "required", "requireResidentKey": True,
            "userVerification": "required"})
        self.assertEqual(options["user"]["name"], self.user)
        self.assertEqual(len(unb64(options["user"]["id"])), 16)
        self.assertNotIn("example", options["user"]["id"])
        self.assertEqual(options["excludeCredentials"], [])
        passkey = self.add()
        again = self.creation()
        self.assertNotEqual(options["challenge"], again["challenge"])
        self.assertEqual(options["user"]["id"], again["user"]["id"])
        self.assertEqual(again["excludeCredentials"],
                         [{"type": "public-key", "id": b64(passkey.id)}])
        login = self.options()
        self.assertEqual((login["rpId"], login["userVerification"],
                          login["allowCredentials"]),
                         ("localhost", "required", []))

    def test_without_a_password(self):
        other = self.new_browser()
        self.assertEqual(other.login(self.user, self.password), 200)
        for kind, size in ((ES256, 32), (EdDSA, 16), (RS256, 1023)):
            passkey = self.add(kind, id_size=size)
            browser = self.new_browser()
            status, answer = self.log_in(passkey.get(self.options()), browser)
            self.assertEqual((status, answer.get("user")), (200, self.user))
            self.assertTrue(self.is_in(browser))
        self.assertFalse(self.is_in(other), "other sessions end")
        listed = self.factors()
        self.assertEqual(len(listed["passkeys"]), 3)
        self.assertTrue(all(p["used"] for p in listed["passkeys"]))
        self.assertTrue(listed["canPasskey"])
        # It is a way in beside the password, until it is asked for.
        self.assertFalse(listed["isOn"])
        self.assertEqual(self.new_browser().login(self.user, self.password),
                         200)
        self.assertTrue(self.imap(self.password))
        self.assertIn("factor=passkey", self.server.log())
        self.assertIn(" passkey-added ", self.server.log())
        self.assertTrue(any("A passkey was added" in text
                            for text in self.notices()))

    def test_a_passkey_without_a_counter(self):
        passkey = Passkey(self.origin)
        passkey.step = 0
        self.assertEqual(self.register(passkey)[0], 201)
        for _ in range(2):
            self.assertEqual(self.log_in(passkey.get(self.options()))[0], 200)

    def test_a_copy_is_noticed(self):
        passkey = self.add()
        passkey.count = 10
        self.assertEqual(self.log_in(passkey.get(self.options()))[0], 200)
        for count in (11, 10, 3):
            passkey.count = count - passkey.step
            self.refused(passkey.get(self.options()))
        passkey.step = 0
        passkey.count = 0
        self.refused(passkey.get(self.options()))
        self.assertIn(" passkey-copied ", self.server.log())
        passkey.count = 100
        self.assertEqual(self.log_in(passkey.get(self.options()))[0], 200)

    def test_replay(self):
        passkey = Passkey(self.origin)
        passkey.step = 0
        self.assertEqual(self.register(passkey)[0], 201)
        options = self.options()
        shown = passkey.get(options)
        self.assertEqual(self.log_in(shown)[0], 200)
        self.refused(shown)
        self.refused(passkey.get(options))
        # A passkey is made once, of one challenge.
        options = self.creation()
        made = Passkey(self.origin).create(options)
        self.assertEqual(self.register(None, credential=made)[0], 201)
        status, answer = self.register(None, credential=made)
        self.assertEqual((status, answer["type"]), (422, REFUSED))

    def test_challenges_are_for_one_thing(self):
        passkey = self.add()
        made = self.creation()
        confirm = self.post("/web/passkeys/confirm", 200)
        old = self.options()
        forged = dict(old, challenge=b64(bytes(40)))
        late = unb64(old["challenge"])
        late = dict(old, challenge=b64((2 ** 40).to_bytes(8, "big") +
                                       late[8:]))
        for options in (made, confirm, forged, late,
                        dict(old, challenge=b64(b"x")),
                        dict(old, challenge=b64(bytes(64))),
                        dict(old, challenge="")):
            self.refused(passkey.get(options))
        other = Passkey(self.origin)
        options = self.creation()
        for challenge in (old["challenge"], confirm["challenge"]):
            status, answer = self.register(None, credential=other.create(
                dict(options, challenge=challenge)))
            self.assertEqual((status, answer["type"]), (422, REFUSED))
        # That of another user.
        mine = self.creation()
        stranger = self.new_browser()
        self.assertEqual(stranger.login(self.server.users[0],
                                        self.server.password), 200)
        status, answer = self.post(
            "/web/passkeys", browser=stranger, name="x",
            credential=other.create(mine))
        self.assertEqual((status, answer["type"]), (422, REFUSED))

    def test_wrong_answers(self):
        passkey = self.add()
        right = dict(vars(passkey))
        for key, value in (
                ("origin", "https://localhost:%d" % self.server.ports["http"]),
                ("origin", "http://localhost"),
                ("origin", "http://evil.test"),
                ("origin", self.origin + "/"),
                ("rp_id", "example.test"), ("rp_id", self.host),
                ("flags", UP), ("flags", UV), ("flags", 0),
                ("type", "webauthn.create"), ("type", "payment.get"),
                ("cross", True), ("key", ES256()), ("key", EdDSA()),
                ("handle", b64(bytes(16))), ("handle", ""),
                ("id", b"x" * 32), ("id", bytes(1024))):
            vars(passkey).update(right)
            setattr(passkey, key, value)
            self.refused(passkey.get(self.options()))
            right["count"] = passkey.count
        vars(passkey).update(right)
        self.refused(passkey.get(self.options(), handle=False))
        for key in ("clientDataJSON", "authenticatorData", "signature"):
            for change in (lambda o: o[:-1], lambda o: o + b"\0",
                           lambda o: bytes([o[0] ^ 1]) + o[1:],
                           lambda o: b"", lambda o: o * 3):
                shown = passkey.get(self.options())
                shown["response"][key] = b64(change(
                    unb64(shown["response"][key])))
                self.refused(shown)
            for text in ("====", "a", "+/+/", "\u00fc", 1, None):
                shown = passkey.get(self.options())
                shown["response"][key] = text
                self.refused(shown)
        for shown in (1, [], {}, {"id": 1}, {"response": {}}, None):
            self.refused(shown)
        passkey.extensions = {"credProps": {"rk": True}, "list": [1, None]}
        self.assertEqual(self.log_in(passkey.get(self.options()))[0], 200)

    def test_wrong_registrations(self):
        def refuse(passkey, options=None, **changes):
            for key, value in changes.items():
                setattr(passkey, key, value)
            made = passkey.create(self.creation())
            status, answer = self.register(None, credential=made)
            self.assertEqual((status, answer["type"]), (422, REFUSED), changes)
        for changes in ({"origin": "http://evil.test"},
                        {"rp_id": "example.test"}, {"flags": UP},
                        {"flags": UV}, {"type": "webauthn.get"},
                        {"cross": True}, {"id": b""}, {"id": bytes(1024)}):
            refuse(Passkey(self.origin), **changes)

        class Strange:
            def __init__(self, cose):
                self.cose = lambda: cose

        good = ES256().cose()
        for cose in ({**good, -1: 2}, {**good, 3: -35}, {**good, 1: 3},
                     {**good, -2: b"x" * 31}, {**good, -3: None}, {},
                     {**good, "x": 1}, {1: 1, 3: -8, -1: 6},
                     {1: 3, 3: -257, -1: b"\1" * 128, -2: b"\1\0\1"},
                     {1: 3, 3: -257, -1: b"\1" * 600, -2: b"\1\0\1"}):
            refuse(Passkey(self.origin), key=Strange(cose))
        # Not a point of the curve.
        made = Passkey(self.origin)
        made.key = Strange({**good, -3: bytes(32)})
        self.assertEqual(self.register(made)[0], 422)
        for credential in ({}, [], 1, None, {"response": {}}, {"response": {
                "clientDataJSON": "e30", "attestationObject": "oA"}}):
            self.assertEqual(self.post(
                "/web/passkeys", name="x", credential=credential)[0], 422)
        self.assertEqual(self.factors()["passkeys"], [])

    def test_attestation_is_ignored(self):
        passkey = Passkey(self.origin)
        options = self.creation()
        made = passkey.create(options, attestation=(
            "packed", {"alg": -7, "sig": b"x" * 70, "x5c": [b"y" * 500]}))
        self.assertEqual(self.register(None, credential=made)[0], 201)

    def test_named_and_removed(self):
        passkey = self.add()
        [one] = self.factors()["passkeys"]
        self.assertEqual((one["name"], one["used"]), ("Key", None))
        path = "/web/passkeys/" + one["id"]
        self.assertEqual(self.post(path, method="PUT", name="Phone ☎")[0], 204)
        self.assertEqual(self.factors()["passkeys"][0]["name"], "Phone ☎")
        for name in ("", "a\nb", "x" * 129, 1, None):
            self.assertEqual(self.post(path, method="PUT", name=name)[0], 422)
        self.assertEqual(self.post("/web/passkeys/x", method="PUT",
                                   name="y")[0], 404)
        for root in ({}, {"password": "wrong"}):
            self.assertIn(self.post("/web/passkeys/remove", id=one["id"],
                                    **root)[0], (403, 422))
        stranger = self.new_browser()
        self.assertEqual(stranger.login(self.server.users[0],
                                        self.server.password), 200)
        self.assertEqual(self.post(
            "/web/passkeys/remove", browser=stranger, id=one["id"],
            password=self.server.password)[0], 404)
        self.assertEqual(self.post(path, browser=stranger, method="PUT",
                                   name="x")[0], 404)
        self.post("/web/passkeys/remove", 204, id=one["id"],
                  password=self.password)
        self.assertEqual(self.factors()["passkeys"], [])
        self.refused(passkey.get(self.options()))
        self.assertEqual(self.post("/web/passkeys/remove", id=one["id"],
                                   password=self.password)[0], 404)

    def test_of_one_user(self):
        passkey = self.add()
        stranger = self.new_browser()
        self.assertEqual(stranger.login(self.server.users[1],
                                        self.server.password), 200)
        options = self.post("/web/passkeys/options", 200, browser=stranger,
                            password=self.server.password)
        status, _ = self.post(
            "/web/passkeys", browser=stranger, name="x",
            credential=passkey.create(options))
        self.assertEqual(status, 409)

    def test_many(self):
        for _ in range(20):
            self.add()
        status, answer = self.register(Passkey(self.origin))
        self.assertEqual(status, 422)
        self.assertIn("20", answer["detail"])

    def test_in_place_of_the_password_for_changes(self):
        passkey = self.add()
        shown = passkey.get(self.post("/web/passkeys/confirm", 200))
        made = self.post("/web/recovery-codes", 201, passkey=shown)
        self.assertEqual(len(made["recoveryCodes"]), 10)
        status, answer = self.post("/web/recovery-codes", passkey=shown)
        self.assertEqual((status, answer["type"]), (403, REFUSED))
        passkey.flags = UP
        shown = passkey.get(self.post("/web/passkeys/confirm", 200))
        self.assertEqual(self.post("/web/recovery-codes", passkey=shown)[0],
                         403)
        passkey.flags = UP | UV
        self.assertEqual(self.post("/web/recovery-codes", passkey=passkey.get(
            self.options()))[0], 403, "a challenge for logging in")
        shown = passkey.get(self.post("/web/passkeys/confirm", 200))
        another = Passkey(self.origin)
        options = self.post("/web/passkeys/options", 200, passkey=shown)
        self.post("/web/passkeys", 201, name="Another",
                  credential=another.create(options))

    def test_in_place_of_the_password_for_some_time(self):
        passkey = self.add()
        shown = passkey.get(self.post("/web/passkeys/confirm", 200))
        self.post("/web/confirm", 204, passkey=shown)
        status, answer = self.post("/web/confirm", passkey=shown)
        self.assertEqual((status, answer["type"]), (403, REFUSED))
        passkey.flags = UP
        shown = passkey.get(self.post("/web/passkeys/confirm", 200))
        self.assertEqual(self.post("/web/confirm", passkey=shown)[0], 403)

    def test_behind_the_password(self):
        passkey = self.add()
        codes = self.post("/web/passkeys", 200, method="PUT", asked=True,
                          password=self.password)["recoveryCodes"]
        self.assertEqual(len(codes), 10)
        self.assertTrue(self.factors()["isOn"])
        self.assertFalse(self.imap(self.password))
        begun = self.begin()
        self.assertEqual(begun[1]["kinds"], ["passkey", "recovery"])
        options = begun[1]["passkey"]
        self.assertEqual(options["allowCredentials"],
                         [{"type": "public-key", "id": b64(passkey.id)}])
        self.assertEqual(self.finish(begun, passkey=passkey.get(
            self.options()))[0], 401, "a challenge for logging in without")
        passkey.flags = UP  # the password came before
        status, answer = self.finish(begun, passkey=passkey.get(
            options, handle=False))
        self.assertEqual((status, answer.get("user")), (200, self.user))
        passkey.flags = UP | UV
        self.assertEqual(self.log_in(passkey.get(options))[0], 401)
        # Without the password it goes on as before.
        self.assertEqual(self.log_in(passkey.get(self.options()))[0], 200)
        # One more is asked for, too; the app is one more way.
        self.add()
        self.post("/web/passkeys/remove", 204, id=passkey.name,
                  password=self.password)
        self.assertTrue(self.factors()["isOn"])
        self.assertIsNone(self.turn_on())
        self.assertEqual(self.begin()[1]["kinds"],
                         ["totp", "passkey", "recovery"])
        self.post("/web/totp/remove", 204, password=self.password)
        self.post("/web/passkeys", 200, method="PUT", asked=False,
                  password=self.password)
        self.assertTrue(self.imap(self.password))
        self.assertEqual(self.factors()["recoveryCodes"], 10)

    def test_adding_wants_the_password(self):
        for root in ({}, {"password": "wrong"}, {"passkey": {}}):
            self.assertIn(self.post("/web/passkeys/options", **root)[0],
                          (403, 422))

    def test_asking_needs_a_passkey(self):
        self.assertEqual(self.post(
            "/web/passkeys", method="PUT", asked=True,
            password=self.password)[0], 404)
        self.add()
        for root in ({"asked": 1, "password": self.password}, {},
                     {"asked": True}, {"asked": True, "password": "wrong"}):
            self.assertIn(self.post("/web/passkeys", method="PUT", **root)[0],
                          (403, 422))
        self.assertFalse(self.factors()["isOn"])

    def test_the_last_one_that_is_asked_for(self):
        passkey = self.add()
        self.post("/web/passkeys", 200, method="PUT", asked=True,
                  password=self.password)
        self.post("/web/passkeys/remove", 204, id=passkey.name,
                  password=self.password)
        self.assertFalse(self.factors()["isOn"])
        self.assertTrue(self.imap(self.password))

    def test_where_there_are_none(self):
        """By an address, and over plain HTTP to another name."""
        for host in (None, "mail.example.test", "127.0.0.1:80", "[::1]:80",
                     "localhost.evil.test", "notlocalhost"):
            self.host = host or "%s:%d" % (self.server.host,
                                           self.server.ports["http"])
            self.assertFalse(self.factors()["canPasskey"], host)
            for path, browser in (("/web/passkeys/options", None),
                                  ("/web/passkeys/confirm", None),
                                  ("/web/login/passkey/options",
                                   self.new_browser())):
                status, answer = self.post(path, browser=browser,
                                           password=self.password)
                self.assertEqual((status, answer["type"]), (
                    403, "urn:postern:passkey:insecure"))

    def test_disabled(self):
        passkey = self.add()
        self.ctl("user", "disable", self.user)
        self.refused(passkey.get(self.options()))
        self.ctl("user", "enable", self.user)
        self.assertEqual(self.log_in(passkey.get(self.options()))[0], 200)

    def test_listed_and_reset(self):
        self.add()
        self.post("/web/passkeys", 200, method="PUT", asked=True,
                  password=self.password)
        [one, codes] = json.loads(
            self.ctl("user", "factors", self.user, "--json"))
        self.assertEqual((one["kind"], one["name"], one["asked"]),
                         ("passkey", "Key", True))
        self.ctl("user", "factors", self.user, "--reset")
        self.assertEqual(self.factors()["passkeys"], [])
        self.assertTrue(self.imap(self.password))

    def test_second_factor_over_an_address(self):
        """The passkey cannot be asked for there; what else there is, is."""
        self.add()
        self.post("/web/passkeys", 200, method="PUT", asked=True,
                  password=self.password)
        self.host = "127.0.0.1"
        begun = self.begin()
        self.assertEqual((begun[1]["kinds"], begun[1]["passkey"]),
                         (["recovery"], None))


class Brake(PasskeyCase):
    SET = ("auth.failures=5",)

    def test_the_address_is_blocked_not_the_user(self):
        passkey = self.add()
        other = Passkey(self.origin)
        other.id, other.handle = passkey.id, passkey.handle
        statuses = [self.log_in(other.get(self.options()))[0]
                    for _ in range(7)]
        self.assertEqual((statuses[0], statuses[-1]), (401, 429))
        self.assertIn("blocked", self.ctl("status", "--json"))
        self.ctl("unblock", self.user, code=3)
        self.ctl("unblock", self.server.host)
        self.assertEqual(self.log_in(passkey.get(self.options()))[0], 200)


if __name__ == "__main__":
    unittest.main()
