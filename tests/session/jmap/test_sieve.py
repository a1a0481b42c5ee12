"""Sieve scripts by JMAP (RFC 9661)."""

import http.client
import json
import smtplib
import unittest

from jmap import CORE, Jmap
from postern import Server
from scripts import Scripts
from websocket import WebSocket

SIEVE = "urn:ietf:params:jmap:sieve"
TRY = "https://cyrusimap.org/ns/jmap/sieve"
USER = "user1@example.test"
KEEP = "keep;\r\n"
FILE = 'require "fileinto";\r\nfileinto "%s";\r\n'
LARGEST = 2000


class Base(unittest.TestCase):
    settings = ["sieve.script_size=%d" % LARGEST, "sieve.scripts=5"]

    def setUp(self):
        self.server = Server(set=self.settings).start()
        self.addCleanup(self.server.clean)
        self.addCleanup(self.server.stop)
        self.jmap = self.login(USER)

    def login(self, user):
        jmap = Jmap(self.server, user)
        jmap.using += [SIEVE, TRY]
        self.addCleanup(jmap.close)
        return jmap

    def upload(self, text):
        return self.jmap.upload(text, "application/sieve")["blobId"]

    def set(self, **args):
        return self.jmap.call("SieveScript/set", **args)

    def create(self, name, text=KEEP, **args):
        answer = self.set(create={"new": {
            "name": name, "blobId": self.upload(text)}}, **args)
        self.assertIsNone(answer["notCreated"])
        return answer["created"]["new"]

    def refused(self, **script):
        """The SetError of one that cannot be made."""
        answer = self.set(create={"new": script})
        self.assertIsNone(answer["created"])
        self.assertEqual(answer["oldState"], answer["newState"])
        return answer["notCreated"]["new"]

    def get(self, id=None):
        got = self.jmap.call("SieveScript/get", ids=id and [id])["list"]
        return got[0] if id else got

    def active(self):
        return [s["name"] for s in self.get() if s["isActive"]]

    def content(self, blob):
        status, text, answer = self.jmap.download(
            blob, type="application/sieve")
        if status != 200:
            self.assertEqual(status, 404)
            return None
        self.assertEqual(answer.getheader("Content-Type"),
                         "application/sieve")
        return text.decode()

    def state(self):
        return self.jmap.call("SieveScript/get", ids=[])["state"]

    def deliver(self, subject="hello", user=USER):
        with smtplib.LMTP(self.server.host, self.server.ports["lmtp"]) as m:
            m.sendmail("a@x.test", [user], (
                "From: a@x.test\r\nSubject: %s\r\n\r\nText\r\n" %
                subject).encode())


class Session(Base):
    def test_capabilities(self):
        session = self.jmap.session
        self.assertRegex(
            session["capabilities"][SIEVE]["implementation"], "^Postern ")
        self.assertEqual(session["primaryAccounts"][SIEVE], self.jmap.account)
        about = session["accounts"][self.jmap.account][
            "accountCapabilities"][SIEVE]
        self.assertGreaterEqual(about["maxSizeScriptName"], 512)
        self.assertEqual(about["maxSizeScript"], LARGEST)
        self.assertEqual(about["maxNumberScripts"], 5)
        self.assertGreater(about["maxNumberRedirects"], 0)
        for name in ("fileinto", "vacation", "imap4flags"):
            self.assertIn(name, about["sieveExtensions"])
        self.assertIsNone(about["notificationMethods"])
        self.assertIsNone(about["externalLists"])

    def test_using(self):
        self.jmap.using.remove(SIEVE)
        self.assertEqual(
            self.jmap.error("SieveScript/get", ids=None), "unknownMethod")

    def test_of_others(self):
        made = self.create("mine")
        other = self.login("user2@example.test")
        self.assertEqual(other.call("SieveScript/get", ids=None)["list"], [])
        self.assertEqual(
            other.call("SieveScript/get", ids=[made["id"]])["notFound"],
            [made["id"]])
        self.assertEqual(other.download(made["blobId"])[0], 404)
        self.assertEqual(other.call(
            "SieveScript/set", destroy=[made["id"]])["notDestroyed"][
                made["id"]]["type"], "notFound")
        other.account = self.jmap.account
        for method in ("get", "set", "query", "validate", "test"):
            self.assertEqual(
                other.error("SieveScript/" + method), "accountNotFound")


class Changes(Base):
    def test_create(self):
        before = self.jmap.call("SieveScript/get", ids=None)
        self.assertEqual((before["list"], before["notFound"]), ([], []))
        text = FILE % "Wörk"
        blob = self.upload(text.encode())
        answer = self.set(create={"a": {"name": "Mail für mich",
                                        "blobId": blob}})
        self.assertEqual(answer["oldState"], before["state"])
        made = answer["created"]["a"]
        self.assertEqual(set(made), {"id", "blobId", "isActive"})
        self.assertFalse(made["isActive"])
        self.assertNotEqual(made["blobId"], blob)
        self.assertEqual(self.content(made["blobId"]), text)
        got = self.jmap.call("SieveScript/get", ids=[made["id"], "none"])
        self.assertEqual(got["list"], [{
            "id": made["id"], "name": "Mail für mich",
            "blobId": made["blobId"], "isActive": False}])
        self.assertEqual(got["notFound"], ["none"])
        self.assertEqual(got["state"], answer["newState"])
        self.assertNotEqual(got["state"], before["state"])
        got = self.jmap.call("SieveScript/get", ids=None,
                             properties=["name"])
        self.assertEqual(got["list"], [{"id": made["id"],
                                        "name": "Mail für mich"}])
        self.assertEqual(
            self.jmap.error("SieveScript/get", properties=["content"]),
            "invalidArguments")

    def test_names_by_default(self):
        blob = self.upload(KEEP)
        answer = self.set(create={
            "a": {"blobId": blob}, "b": {"blobId": blob, "name": None}})
        names = [answer["created"][k]["name"] for k in "ab"]
        self.assertEqual(len(set(names)), 2)
        self.assertEqual({s["name"] for s in self.get()}, set(names))
        id = answer["created"]["a"]["id"]
        self.set(update={id: {"name": "A"}})
        answer = self.set(update={id: {"name": None}})
        self.assertEqual(answer["updated"][id]["name"],
                         self.get(id)["name"])

    def test_update(self):
        made = self.create("one")
        id, old = made["id"], made["blobId"]
        answer = self.set(update={id: {"name": "two"}})
        self.assertEqual(answer["updated"], {id: None})
        self.assertEqual(self.get(id)["name"], "two")
        self.assertEqual(self.get(id)["blobId"], old)
        text = FILE % "Work"
        answer = self.set(update={id: {"blobId": self.upload(text)}})
        new = answer["updated"][id]["blobId"]
        self.assertEqual(self.get(id), {"id": id, "name": "two", "blobId": new,
                                        "isActive": False})
        self.assertEqual(self.content(new), text)
        # It dies with its text.
        self.assertNotEqual(new, old)
        self.assertIsNone(self.content(old))
        answer = self.set(update={id: {
            "id": id, "name": "three", "blobId": self.upload(KEEP),
            "isActive": False}})
        self.assertEqual(list(answer["updated"]), [id])
        self.assertEqual(self.get(id)["name"], "three")
        self.assertEqual(self.content(self.get(id)["blobId"]), KEEP)
        # What it is already.
        state = self.state()
        answer = self.set(update={id: {
            "name": "three", "blobId": self.get(id)["blobId"]}})
        self.assertEqual(answer["updated"], {id: None})
        self.assertEqual(self.state(), state)

    def test_update_fails_whole(self):
        one, two = self.create("one"), self.create("two")
        state = self.state()
        for patch, error in (
                ({"name": "new", "blobId": self.upload("x;")}, "invalidSieve"),
                ({"name": "new", "blobId": "U00"}, "blobNotFound"),
                ({"name": "two", "blobId": self.upload(FILE % "x")},
                 "alreadyExists"),
                ({"name": "a\tb", "blobId": self.upload(FILE % "x")},
                 "invalidProperties"),
                ({"name": "new", "isActive": True}, "invalidProperties"),
                ({"name": 1}, "invalidProperties"),
                ({"blobId": None}, "invalidProperties"),
                ({"id": two["id"]}, "invalidProperties"),
                ({"name/x": 1}, "invalidProperties")):
            answer = self.set(update={one["id"]: patch})
            self.assertIsNone(answer["updated"])
            got = answer["notUpdated"][one["id"]]
            self.assertEqual(got["type"], error, patch)
            if error == "alreadyExists":
                self.assertEqual(got["existingId"], two["id"])
        self.assertEqual(self.state(), state)
        self.assertEqual(self.get(one["id"])["blobId"], one["blobId"])
        self.assertEqual(self.content(one["blobId"]), KEEP)
        answer = self.set(update={"none": {"name": "x"}})
        self.assertEqual(answer["notUpdated"]["none"]["type"], "notFound")

    def test_refused(self):
        blob = self.upload(KEEP)
        got = self.refused(name="a", blobId=self.upload(
            'require "fileinto";\r\n\r\nfileinto 7;\r\n'))
        self.assertEqual(got["type"], "invalidSieve")
        self.assertRegex(got["description"], r"^line 3: ")
        got = self.refused(name="a", blobId=self.upload(b"keep; \xff\r\n"))
        self.assertEqual(got["type"], "invalidSieve")
        got = self.refused(name="a", blobId="U123")
        self.assertEqual((got["type"], got["notFound"]),
                         ("blobNotFound", ["U123"]))
        got = self.refused(name="a", blobId=self.upload(
            "#" * LARGEST + "\r\n" + KEEP))
        self.assertEqual(got["type"], "tooLarge")
        for script, property in (
                ({"name": "a"}, "blobId"), ({"blobId": 1}, "blobId"),
                ({"name": 1, "blobId": blob}, "name"),
                ({"name": "", "blobId": blob}, "name"),
                ({"name": "a\nb", "blobId": blob}, "name"),
                ({"name": "a\u0085", "blobId": blob}, "name"),
                ({"name": "a\u2028", "blobId": blob}, "name"),
                ({"name": "x" * 3000, "blobId": blob}, "name"),
                ({"isActive": True, "blobId": blob}, "isActive"),
                ({"id": "x", "blobId": blob}, "id"),
                ({"content": KEEP, "blobId": blob}, "content")):
            got = self.refused(**script)
            self.assertEqual(
                (got["type"], got["properties"]),
                ("invalidProperties", [property]), script)
        self.assertEqual(self.get(), [])

    def test_names_are_there_once(self):
        made = self.create("one")
        got = self.refused(name="one", blobId=self.upload(FILE % "x"))
        self.assertEqual((got["type"], got["existingId"]),
                         ("alreadyExists", made["id"]))
        self.assertEqual(self.content(made["blobId"]), KEEP)
        self.create("One")

    def test_quota(self):
        blob = self.upload(KEEP)
        answer = self.set(create={str(i): {"name": "n%d" % i, "blobId": blob}
                                  for i in range(6)})
        self.assertEqual(len(answer["created"]), 5)
        error, = answer["notCreated"].values()
        self.assertEqual(error["type"], "overQuota")
        # Those that are there may change.
        id = answer["created"]["0"]["id"]
        answer = self.set(update={id: {"blobId": self.upload(FILE % "x")}})
        self.assertIsNone(answer["notUpdated"])
        self.set(destroy=[id])
        self.create("another")

    def test_destroy(self):
        made = self.create("one")
        answer = self.set(destroy=[made["id"], "none"])
        self.assertEqual(answer["destroyed"], [made["id"]])
        self.assertEqual(answer["notDestroyed"]["none"]["type"], "notFound")
        self.assertEqual(self.get(), [])
        self.assertIsNone(self.content(made["blobId"]))
        # Its id belongs to nobody else.
        self.assertNotEqual(self.create("one")["id"], made["id"])

    def test_states(self):
        state = self.state()
        got = self.jmap.call("SieveScript/changes", sinceState=state)
        self.assertEqual((got["newState"], got["created"]), (state, []))
        self.create("one")
        self.assertEqual(
            self.jmap.error("SieveScript/changes", sinceState=state),
            "cannotCalculateChanges")
        self.assertEqual(
            self.jmap.error("SieveScript/set", ifInState=state, create={}),
            "stateMismatch")
        self.assertEqual(self.jmap.error(
            "SieveScript/queryChanges", sinceQueryState=state),
            "cannotCalculateChanges")
        # It is the same after a restart.
        state = self.state()
        self.server.stop()
        self.server.start()
        self.jmap = self.login(USER)
        self.assertEqual(self.state(), state)


class Active(Base):
    def test_activate(self):
        one = self.create("one")
        self.assertEqual(self.active(), [])
        before = self.state()
        answer = self.set(onSuccessActivateScript=one["id"])
        self.assertEqual(answer["updated"], {one["id"]: {"isActive": True}})
        self.assertEqual((answer["oldState"], answer["newState"]),
                         (before, self.state()))
        self.assertNotEqual(before, self.state())
        # The other one is not any more.
        answer = self.set(create={"x": {
            "name": "two", "blobId": self.upload(KEEP)}},
            onSuccessActivateScript="#x")
        two = answer["created"]["x"]
        self.assertTrue(two["isActive"])
        self.assertEqual(answer["updated"], {one["id"]: {"isActive": False}})
        self.assertEqual(self.active(), ["two"])
        # With a change of its own.
        answer = self.set(update={one["id"]: {"blobId": self.upload("stop;")}},
                          onSuccessActivateScript=one["id"])
        got = answer["updated"][one["id"]]
        self.assertTrue(got["isActive"])
        self.assertEqual(got["blobId"], self.get(one["id"])["blobId"])
        self.assertEqual(answer["updated"][two["id"]], {"isActive": False})
        # It may change while it is active, and stays so.
        answer = self.set(update={one["id"]: {
            "name": "1", "blobId": self.upload(FILE % "x"),
            "isActive": True}})
        self.assertNotIn("isActive", answer["updated"][one["id"]])
        self.assertEqual(self.active(), ["1"])

    def test_deactivate(self):
        one = self.create("one", onSuccessActivateScript="#new")
        self.assertTrue(one["isActive"])
        self.assertIsNone(
            self.set(onSuccessDeactivateScript=False)["updated"])
        answer = self.set(onSuccessDeactivateScript=True)
        self.assertEqual(answer["updated"], {one["id"]: {"isActive": False}})
        self.assertEqual(answer["newState"], self.state())
        self.assertEqual(self.active(), [])
        answer = self.set(onSuccessDeactivateScript=True)
        self.assertIsNone(answer["updated"])
        # Both.
        self.set(onSuccessActivateScript=one["id"])
        two = self.create("two")
        answer = self.set(onSuccessActivateScript=two["id"],
                          onSuccessDeactivateScript=True)
        self.assertEqual(answer["updated"], {
            one["id"]: {"isActive": False}, two["id"]: {"isActive": True}})

    def test_only_on_success(self):
        one = self.create("one", onSuccessActivateScript="#new")
        two = self.create("two")
        for failing in (
                {"create": {"x": {"name": "x", "blobId": "none"}}},
                {"update": {"none": {"name": "x"}}},
                {"destroy": ["none"]}):
            self.set(onSuccessActivateScript=two["id"], **failing)
            self.assertEqual(self.active(), ["one"])
            self.set(onSuccessDeactivateScript=True, **failing)
            self.assertEqual(self.active(), ["one"])
        for none in ("none", "#none", None):
            answer = self.set(onSuccessActivateScript=none)
            self.assertIsNone(answer["updated"])
        self.assertEqual(self.active(), ["one"])
        for args in ({"onSuccessActivateScript": 1},
                     {"onSuccessDeactivateScript": "yes"}):
            self.assertEqual(
                self.jmap.error("SieveScript/set", destroy=[two["id"]],
                                **args), "invalidArguments")
        self.assertEqual(len(self.get()), 2)
        answer = self.set(destroy=[one["id"]])
        self.assertEqual(answer["notDestroyed"][one["id"]]["type"],
                         "sieveIsActive")
        # It takes a call of its own (2.4).
        answer = self.set(destroy=[one["id"]], onSuccessDeactivateScript=True)
        self.assertIn(one["id"], answer["notDestroyed"])
        self.set(onSuccessDeactivateScript=True)
        self.assertEqual(self.set(destroy=[one["id"]])["destroyed"],
                         [one["id"]])


class Query(Base):
    def query(self, **args):
        return self.jmap.call("SieveScript/query", **args)

    def setUp(self):
        super().setUp()
        self.names = {}
        for name in ("beta", "Alpha", "gamma one", "delta"):
            self.names[self.create(name)["id"]] = name
        self.set(onSuccessActivateScript=self.id("delta"))

    def id(self, name):
        return next(k for k, v in self.names.items() if v == name)

    def found(self, **args):
        return [self.names[id] for id in self.query(**args)["ids"]]

    def test_filter(self):
        self.assertEqual(len(self.found()), 4)
        self.assertEqual(self.found(filter={"name": "A O"}), ["gamma one"])
        self.assertEqual(self.found(filter={"isActive": True}), ["delta"])
        self.assertEqual(
            set(self.found(filter={"isActive": False, "name": "ta"})),
            {"beta"})
        self.assertEqual(self.found(filter={
            "operator": "NOT", "conditions": [
                {"name": "a"}, {"isActive": True}]}), [])
        self.assertEqual(
            self.jmap.error("SieveScript/query", filter={"size": 1}),
            "unsupportedFilter")
        self.assertEqual(
            self.jmap.error("SieveScript/query", filter={"name": 1}),
            "invalidArguments")

    def test_sort(self):
        self.assertEqual(self.found(sort=[{"property": "name"}]),
                         ["Alpha", "beta", "delta", "gamma one"])
        self.assertEqual(
            self.found(sort=[{"property": "name", "isAscending": False}]),
            ["gamma one", "delta", "beta", "Alpha"])
        self.assertEqual(
            self.found(sort=[{"property": "isActive", "isAscending": False},
                             {"property": "name"}]),
            ["delta", "Alpha", "beta", "gamma one"])
        for sort in ([{"property": "size"}],
                     [{"property": "name", "collation": "x"}]):
            self.assertEqual(self.jmap.error("SieveScript/query", sort=sort),
                             "unsupportedSort")

    def test_window(self):
        by_name = [{"property": "name"}]
        got = self.query(sort=by_name, position=1, limit=2,
                         calculateTotal=True)
        self.assertEqual([self.names[i] for i in got["ids"]],
                         ["beta", "delta"])
        self.assertEqual((got["position"], got["total"]), (1, 4))
        self.assertFalse(got["canCalculateChanges"])
        self.assertEqual(self.found(sort=by_name, position=-1), ["gamma one"])
        self.assertEqual(
            self.found(sort=by_name, anchor=self.id("delta"), anchorOffset=-1,
                       limit=2), ["beta", "delta"])
        self.assertEqual(
            self.jmap.error("SieveScript/query", anchor="none"),
            "anchorNotFound")
        self.set(update={self.id("beta"): {"name": "omega"}})
        self.assertNotEqual(self.query()["queryState"], got["queryState"])


class Blobs(Base):
    def validate(self, blob):
        return self.jmap.call("SieveScript/validate", blobId=blob)["error"]

    def test_validate(self):
        self.assertIsNone(self.validate(self.upload(KEEP)))
        self.assertIsNone(self.validate(self.upload("")))
        got = self.validate(self.upload("keep;\r\nfileinto \"x\";\r\n"))
        self.assertEqual(got["type"], "invalidSieve")
        self.assertRegex(got["description"], r"^line 2: ")
        self.assertEqual(self.validate("U1")["type"], "blobNotFound")
        self.assertEqual(
            self.validate(self.upload("#" * (LARGEST + 1)))["type"],
            "tooLarge")
        self.assertEqual(self.jmap.error("SieveScript/validate"),
                         "invalidArguments")
        self.assertEqual(self.get(), [])

    def test_of_scripts(self):
        made = self.create("one", FILE % "Work")
        self.assertIsNone(self.validate(made["blobId"]))
        # For another script, in the same request as well.
        answers = self.jmap.calls(
            ("SieveScript/get", {"ids": [made["id"]]}),
            ("SieveScript/set", {"create": {"copy": {
                "name": "copy", "blobId": made["blobId"]}}}))
        copy = answers[1]["created"]["copy"]
        self.assertEqual(self.content(copy["blobId"]), FILE % "Work")
        self.set(destroy=[made["id"]])
        self.assertIsNone(self.content(made["blobId"]))
        self.assertEqual(self.content(copy["blobId"]), FILE % "Work")
        # As any other blob.
        got = self.jmap.call("Blob/copy", fromAccountId=self.jmap.account,
                             blobIds=[copy["blobId"], made["blobId"]])
        self.assertEqual(list(got["copied"]), [copy["blobId"]])
        self.assertEqual(list(got["notCopied"]), [made["blobId"]])
        inbox = self.jmap.mailboxes()["inbox"]
        email = self.jmap.create(inbox, subject="My rules", attachments=[
            {"blobId": copy["blobId"], "name": "rules"}])
        part = self.jmap.email(email["id"], "attachments")["attachments"][0]
        self.assertEqual(part["type"], "application/sieve")
        self.assertEqual(
            self.jmap.download(part["blobId"])[1].decode(), FILE % "Work")
        self.create("of a message", FILE % "Work")
        answer = self.set(update={copy["id"]: {"blobId": part["blobId"]}})
        self.assertIsNone(answer["notUpdated"])

    def test_ids(self):
        """What is no id of a text is no blob."""
        made = self.create("one")
        for id in ("S", "S.", "S..", "S/", "S" + "x" * 60,
                   made["blobId"] + "x", made["blobId"][:-1]):
            self.assertEqual(
                self.jmap.request("GET", self.jmap.url(
                    "downloadUrl", accountId=self.jmap.account, blobId=id,
                    name="x", type="text/plain"))[0], 404, id)
            self.assertEqual(self.validate(id)["type"], "blobNotFound")


class Pushes(Base):
    def push(self, types=None):
        """A WebSocket that is told of changes."""
        ws = WebSocket(self.server, **self.jmap.auth)
        self.addCleanup(ws.close)
        ws.send_json({"@type": "WebSocketPushEnable", "dataTypes": types})
        ws.send_json({"@type": "Request", "id": "r", "using": [CORE],
                      "methodCalls": [["Core/echo", {}, "c"]]})
        self.assertEqual(ws.read_json()["@type"], "Response")
        return ws

    def told(self, ws):
        got = ws.read_json()
        self.assertEqual(got["@type"], "StateChange")
        return got["changed"][self.jmap.account]

    def test_socket(self):
        ws = self.push()
        made = self.create("one")
        self.assertEqual(self.told(ws), {"SieveScript": self.state()})
        self.set(onSuccessActivateScript=made["id"])
        self.assertEqual(self.told(ws), {"SieveScript": self.state()})
        self.set(update={made["id"]: {"blobId": self.upload("stop;")}})
        self.assertEqual(self.told(ws), {"SieveScript": self.state()})
        self.set(onSuccessDeactivateScript=True)
        self.assertEqual(self.told(ws), {"SieveScript": self.state()})
        self.set(destroy=[made["id"]])
        self.assertEqual(self.told(ws), {"SieveScript": self.state()})
        # Mail is no news of scripts.
        self.deliver()
        self.assertNotIn("SieveScript", self.told(ws))

    def test_by_others(self):
        """What ManageSieve does is heard of, and seen, here."""
        ws = self.push(["SieveScript"])
        with Scripts(self.server, USER) as m:
            m.put("theirs", KEEP)
            self.assertEqual(self.told(ws), {"SieveScript": self.state()})
            m.activate("theirs")
            self.assertEqual(self.told(ws), {"SieveScript": self.state()})
        got, = self.get()
        self.assertEqual((got["name"], got["isActive"]), ("theirs", True))
        self.assertEqual(self.content(got["blobId"]), KEEP)

    def test_types(self):
        ws = self.push(["SieveScript"])
        self.deliver()
        self.create("one")
        self.assertEqual(self.told(ws), {"SieveScript": self.state()})

    def test_events(self):
        c = http.client.HTTPConnection(
            self.server.host, self.server.ports["http"], timeout=30)
        self.addCleanup(c.close)
        c.request("GET", self.jmap.url(
            "eventSourceUrl", types="SieveScript", closeafter="state",
            ping="0"), headers=self.jmap.auth)
        answer = c.getresponse()
        self.create("one")
        lines = answer.read().decode().split("\n")
        self.assertEqual(lines[0], "event: state")
        data = json.loads(lines[1][len("data: "):])
        self.assertEqual(data["changed"],
                         {self.jmap.account: {"SieveScript": self.state()}})


class Delivered(Base):
    """Mail goes where a script says that came by JMAP."""

    def boxes_of(self, subject):
        id, = self.jmap.call("Email/query",
                             filter={"subject": subject})["ids"]
        email = self.jmap.email(id, "mailboxIds", "keywords")
        names = {m["id"]: m["name"]
                 for m in self.jmap.call("Mailbox/get")["list"]}
        return ([names[i] for i in email["mailboxIds"]],
                list(email["keywords"]))

    def test_filed(self):
        self.deliver("before")
        script = self.create("one", """require ["fileinto", "imap4flags",
            "mailbox"];
            if header :contains "Subject" "work" {
                fileinto :create :flags "$todo" "Work";
            }""", onSuccessActivateScript="#new")
        self.deliver("some work")
        self.deliver("other")
        self.set(update={script["id"]: {"blobId": self.upload(
            FILE % "Work")}})
        self.deliver("everything")
        self.set(onSuccessDeactivateScript=True)
        self.deliver("none")
        inbox = self.boxes_of("before")[0]
        self.assertEqual(self.boxes_of("some work"), (["Work"], ["$todo"]))
        self.assertEqual(self.boxes_of("other"), (inbox, []))
        self.assertEqual(self.boxes_of("everything"), (["Work"], []))
        self.assertEqual(self.boxes_of("none"), (inbox, []))


class Trial(Base):
    """What a script would do (SieveScript/test)."""

    script = """require ["fileinto", "imap4flags", "mailbox", "special-use",
        "reject", "envelope", "vacation", "include", "variables", "copy"];
        if header :contains "Subject" "lists" {
            fileinto :flags ["\\\\Seen", "news"] :create "Lists";
        } elsif header :is "Subject" "two" {
            redirect :copy "b@x.test";
            keep :flags "\\\\Flagged";
        } elsif header :is "Subject" "gone" {
            discard;
        } elsif header :is "Subject" "no" {
            reject "Not this";
        } elsif header :matches "Subject" "away *" {
            vacation :days 3 :subject "Off" "I am ${1}";
        } elsif header :is "Subject" "other" {
            include "other";
        } elsif header :is "Subject" "fails" {
            include "none";
        } elsif allof (mailboxexists "INBOX", specialuse_exists "\\\\Sent",
                       not mailboxexists "Nothing",
                       envelope :is "from" "from@x.test",
                       envelope :is "to" "user1@example.test") {
            fileinto "%s";
        }"""

    def setUp(self):
        super().setUp()
        self.blob = self.upload(self.script)

    def email(self, subject, fields=""):
        return self.jmap.upload((
            "From: from@x.test\r\nTo: %s\r\nSubject: %s\r\n%s\r\nText\r\n" %
            (USER, subject, fields)).encode(), "message/rfc822")["blobId"]

    def trial(self, *blobs, **args):
        return self.jmap.call("SieveScript/test", scriptBlobId=self.blob,
                              emailBlobIds=list(blobs), **args)

    def actions(self, subject, fields="", **args):
        blob = self.email(subject, fields)
        got = self.trial(blob, **args)
        self.assertIsNone(got["notCompleted"])
        return got["completed"][blob]

    def test_actions(self):
        self.create("other", FILE % "Other")
        for subject, actions in (
                ("lists", [["fileinto", {"mailbox": "Lists", "create": True,
                                         "flags": ["\\Seen", "news"]}]]),
                ("two", [["redirect", {"address": "b@x.test"}],
                         ["keep", {"flags": ["\\Flagged"]}]]),
                ("gone", [["discard", {}]]),
                ("no", [["reject", {"reason": "Not this"}]]),
                ("away until then", [
                    ["vacation", {"subject": "Off",
                                  "reason": "I am until then"}],
                    ["keep", {}]]),
                ("other", [["fileinto", {"mailbox": "Other"}]]),
                ("else", [["fileinto", {"mailbox": "%s"}]])):
            self.assertEqual(self.actions(subject), actions, subject)
        # Nothing of that was done.
        self.assertEqual(self.jmap.call("Email/query")["ids"], [])
        names = [m["name"] for m in self.jmap.call("Mailbox/get")["list"]]
        self.assertNotIn("Lists", names)

    def test_envelope(self):
        fields = "Return-Path: <y@x.test>\r\n"
        self.assertEqual(self.actions("x", fields), [["keep", {}]])
        envelope = {"mailFrom": {"email": "from@x.test"},
                    "rcptTo": [{"email": USER}]}
        self.assertEqual(self.actions("x", fields, envelope=envelope),
                         [["fileinto", {"mailbox": "%s"}]])
        envelope["rcptTo"][0]["email"] = "user2@example.test"
        self.assertEqual(self.actions("x", envelope=envelope),
                         [["keep", {}]])

    def test_answered_before(self):
        for at, n in (("2020-01-01T00:00:00Z", 2),
                      ("2099-01-01T00:00:00Z", 1)):
            self.assertEqual(
                len(self.actions("away", lastVacationResponse=at)), 1)
            self.assertEqual(
                len(self.actions("away x", lastVacationResponse=at)), n)

    def test_failures(self):
        fails, fine = self.email("fails"), self.email("gone")
        got = self.trial(fails, fine, "none")
        self.assertEqual(list(got["completed"]), [fine])
        error = got["notCompleted"][fails]
        self.assertEqual(error["type"], "invalidSieve")
        self.assertIn("none", error["description"])
        self.assertEqual(got["notCompleted"]["none"]["type"], "blobNotFound")
        got = self.trial()
        self.assertIsNone(got["completed"])

        def error(**args):
            return self.jmap.error("SieveScript/test", **args)
        for args in ({}, {"scriptBlobId": self.blob},
                     {"emailBlobIds": [fine]},
                     {"scriptBlobId": self.blob, "emailBlobIds": "x"},
                     {"scriptBlobId": self.blob, "emailBlobIds": [fine],
                      "envelope": {"mailFrom": "x"}},
                     {"scriptBlobId": self.blob, "emailBlobIds": [fine],
                      "variables": {"a": "b"}},
                     {"scriptBlobId": self.blob, "emailBlobIds": [fine],
                      "lastVacationResponse": "now"}):
            self.assertEqual(error(**args), "invalidArguments", args)
        self.assertEqual(error(scriptBlobId="none", emailBlobIds=[fine]),
                         "blobNotFound")
        self.assertEqual(error(scriptBlobId=self.upload("x;"),
                               emailBlobIds=[fine]), "invalidSieve")
        self.assertEqual(error(scriptBlobId=self.blob,
                               emailBlobIds=["x"] * 101), "requestTooLarge")

    def test_with_what_is_there(self):
        """A script and a message that are kept, from one of the other."""
        script = self.create("one", FILE % "There")
        self.deliver("kept")
        email = self.jmap.email(self.jmap.call("Email/query")["ids"][0],
                                "blobId")["blobId"]
        self.blob = script["blobId"]
        self.assertEqual(self.trial(email)["completed"], {
            email: [["fileinto", {"mailbox": "There"}]]})


if __name__ == "__main__":
    unittest.main()
