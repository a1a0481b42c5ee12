"""What RFC 8620 says must or must not be, statement by statement: references,
patches, /get, /set, /changes, /query."""

import json
import unittest

import test_examples_core
from jmap import CORE


class Rules(test_examples_core.Example):
    def failed(self, answer, kind, id, wanted, property=None):
        got = answer[kind][id]
        self.assertEqual(got["type"], wanted, got)
        if property is not None:
            self.assertEqual(got["properties"], [property])

    def patch(self, id, patch):
        return self.jmap.call("Email/set", update={id: patch})


class Requests(Rules):
    def post(self, root):
        status, text, _ = self.jmap.post(root)
        return status, json.loads(text)

    def test_not_requests(self):
        for root in ({"using": [1], "methodCalls": []},
                     {"using": [CORE], "methodCalls": [1]},
                     {"using": [CORE], "methodCalls": [["a", {}, 1]]},
                     {"using": [CORE], "methodCalls": [["a", {}, "b", "c"]]},
                     {"using": [CORE], "methodCalls": [], "createdIds": []},
                     {"using": [CORE], "methodCalls": [],
                      "createdIds": {"a": 1}}):
            status, got = self.post(root)
            self.assertEqual(status, 400, root)
            self.assertIn(got["type"].rpartition(":")[2],
                          ("notRequest", "unknownCapability"))
        # 3.3: other properties are passed over.
        status, got = self.post({"using": [CORE], "methodCalls": [],
                                 "other": {}})
        self.assertEqual((status, got["methodResponses"]), (200, []))

    def test_pointers(self):
        """RFC 6901: escapes, items of lists, the whole."""
        def refer(value, path):
            return self.responses(
                ["Core/echo", {"v": value}, "a"],
                ["Core/echo", {"#r": {"resultOf": "a", "name": "Core/echo",
                                      "path": path}}, "b"])[1]
        for value, path, wanted in (
                ({"a/b": 1}, "/v/a~1b", 1), ({"m~n": 2}, "/v/m~0n", 2),
                ({"": 3}, "/v/", 3), ([1, [2, 3]], "/v/1/0", 2),
                ([[1], [2, 3], 4], "/v/*", [1, 2, 3, 4]),
                ([{"x": [1]}, {"x": [2]}], "/v/*/x", [1, 2]),
                ([], "/v/*/x", []), ({"~1": 4}, "/v/~01", 4),
                (None, "/v", None), (False, "/v", False)):
            self.assertEqual(refer(value, path)[1], {"r": wanted}, path)
        for value, path in (({"a": 1}, "/v/b"), ([1], "/v/1"),
                            ([1], "/v/-"), ([1], "/v/x"), ([{}], "/v/*/x"),
                            ({"a": 1}, "/v/*"), (1, "/v/a"),
                            ({"a~": 1}, "/v/a~"), ({"a~2": 1}, "/v/a~2")):
            self.assertEqual(refer(value, path)[1]["type"],
                             "invalidResultReference", path)

    def test_reference_whole(self):
        got = self.responses(
            ["Core/echo", {"v": 1}, "a"],
            ["Core/echo", {"#r": {"resultOf": "a", "name": "Core/echo",
                                  "path": ""}}, "b"])
        self.assertEqual(got[1][1], {"r": {"v": 1}})

    def test_reference_to_error(self):
        """3.7: the name must be that of the response."""
        got = self.responses(
            ["No/such", {}, "a"],
            ["Core/echo", {"#r": {"resultOf": "a", "name": "No/such",
                                  "path": "/type"}}, "b"],
            ["Core/echo", {"#r": {"resultOf": "a", "name": "error",
                                  "path": "/type"}}, "c"])
        self.assertEqual(got[1][1]["type"], "invalidResultReference")
        self.assertEqual(got[2][1], {"r": "unknownMethod"})

    def test_reference_first(self):
        """The first response of a call id counts."""
        got = self.responses(
            ["Core/echo", {"v": 1}, "a"], ["Core/echo", {"v": 2}, "a"],
            ["Core/echo", {"#r": {"resultOf": "a", "name": "Core/echo",
                                  "path": "/v"}}, "b"])
        self.assertEqual(got[2][1], {"r": 1})

    def test_created_ids(self):
        """3.3: creation ids go from request to request, and the last one of a
        name counts (5.3)."""
        made = self.send(
            ["Mailbox/set", {"accountId": "A",
                             "create": {"k": {"name": "K1"}}}, "a"],
            ["Mailbox/set", {"accountId": "A",
                             "create": {"k": {"name": "K2"}}}, "b"],
            ["Mailbox/get", {"accountId": "A", "ids": ["#k"],
                             "properties": ["name"]}, "c"],
            createdIds={})
        self.assertEqual(
            made["methodResponses"][2][1]["list"][0]["name"], "K2")
        again = self.send(
            ["Mailbox/get", {"accountId": "A", "ids": ["#k"]}, "a"],
            createdIds=made["createdIds"])
        self.assertEqual(again["methodResponses"][0][1]["list"][0]["name"],
                         "K2")
        self.assertEqual(again["createdIds"], made["createdIds"])


class Get(Rules):
    def test_each_once(self):
        id = self.make("once")
        got = self.jmap.call("Email/get", ids=[id, "x", id, "x"],
                             properties=["id"])
        self.assertEqual(got["list"], [{"id": id}])
        self.assertEqual(got["notFound"], ["x"])
        for method in ("Mailbox/get", "Thread/get", "Identity/get"):
            self.jmap.using = list(self.jmap.session["capabilities"])
            got = self.jmap.call(method, ids=["x", "x"])
            self.assertEqual(got["notFound"], ["x"])

    def test_same_by_creation(self):
        inbox = self.role["inbox"]
        got = self.responses(
            ["Email/set", {"accountId": "A", "create": {
                "k": {"mailboxIds": {inbox: True}, "subject": "k"}}}, "a"],
            ["Email/get", {"accountId": "A", "#ids": {
                "resultOf": "a", "name": "Email/set",
                "path": "/created/k/id"}}, "b"],
            ["Email/get", {"accountId": "A", "ids": ["#k"],
                           "properties": ["subject", "preview"]}, "c"])
        self.assertEqual(got[1][1]["type"], "invalidArguments")
        self.assertEqual(got[2][1]["list"][0]["subject"], "k")
        id = got[0][1]["created"]["k"]["id"]
        got = self.responses(
            ["Email/set", {"accountId": "A", "create": {
                "k": {"mailboxIds": {inbox: True}, "subject": "k"}}}, "a"],
            ["Email/get", {"accountId": "A", "ids": ["#k", id, "#k"],
                           "properties": ["subject", "preview"]}, "c"])
        self.assertEqual([e["subject"] for e in got[1][1]["list"]],
                         ["k", "k"])

    def test_properties(self):
        self.jmap.using = list(self.jmap.session["capabilities"])
        for method in ("Mailbox/get", "Thread/get", "Email/get",
                       "Identity/get", "EmailSubmission/get", "Quota/get",
                       "VacationResponse/get"):
            self.assertEqual(
                self.jmap.error(method, ids=[], properties=["nothing"]),
                "invalidArguments", method)
            for wrong in ("id", [1], {}, [None]):
                self.assertEqual(
                    self.jmap.error(method, ids=[], properties=wrong),
                    "invalidArguments", method)
        # 5.1: "id" is always there.
        got = self.jmap.call("Mailbox/get", ids=None, properties=[])["list"]
        self.assertTrue(got and all(set(m) == {"id"} for m in got))


class Set(Rules):
    def test_arguments(self):
        for wrong in ({"create": []}, {"update": []}, {"destroy": {}},
                      {"destroy": [1]}, {"ifInState": 1}):
            self.assertEqual(self.jmap.error("Email/set", **wrong),
                             "invalidArguments")
        most = self.jmap.session["capabilities"][CORE]["maxObjectsInSet"]
        self.assertEqual(self.jmap.error(
            "Email/set", destroy=["x%d" % i for i in range(most + 1)]),
            "requestTooLarge")

    def test_nulls(self):
        """5.3: what was not done is null; states are the same then."""
        got = self.jmap.call("Email/set")
        self.assertEqual(got["oldState"], got["newState"])
        for name in ("created", "updated", "destroyed", "notCreated",
                     "notUpdated", "notDestroyed"):
            self.assertIsNone(got[name])

    def test_patches(self):
        id = self.make("patched", ("a",))
        inbox = self.role["inbox"]
        for patch in (
                {"keywords": {"b": True}, "keywords/c": True},
                {"keywords/a": None, "keywords/a/b": True},
                {"keywords/a/b": True}, {"keywords/x/y/z": True}):
            got = self.patch(id, patch)
            self.failed(got, "notUpdated", id, "invalidPatch")
        self.assertEqual(self.jmap.email(id, "keywords")["keywords"],
                         {"a": True})
        # What is not there may be removed; null is the default.
        for patch in ({"keywords/none": None}, {}):
            self.assertEqual(self.patch(id, patch)["updated"], {id: None})
        for patch, property in (
                ({"keywords/a": 1}, "keywords"),
                ({"keywords/a": False}, "keywords"),
                ({"keywords": {"b": None}}, "keywords"),
                ({"keywords": []}, "keywords"),
                ({"keywords/bad word": True}, "keywords"),
                ({"mailboxIds": {}}, "mailboxIds"),
                ({"mailboxIds": None}, "mailboxIds"),
                ({"mailboxIds/" + inbox: None}, "mailboxIds"),
                ({"mailboxIds/" + inbox: False}, "mailboxIds"),
                ({"mailboxIds/none": True}, "mailboxIds"),
                ({"subject": "other"}, "subject"), ({"x": 1}, "x"),
                ({"id": "other"}, "id"), ({"size": 1}, "size")):
            got = self.patch(id, patch)
            self.failed(got, "notUpdated", id, "invalidProperties", property)
        self.failed(self.patch(id, 1), "notUpdated", id, "invalidPatch")
        self.failed(self.patch("x", {}), "notUpdated", "x", "notFound")
        self.assertEqual(self.jmap.email(id, "keywords", "mailboxIds"), {
            "id": id, "keywords": {"a": True}, "mailboxIds": {inbox: True}})

    def test_patch_escapes(self):
        id = self.make("escapes")
        got = self.patch(id, {"keywords/a~1b": True, "keywords/c~0d": True})
        self.assertEqual(got["updated"], {id: None})
        self.assertEqual(self.jmap.email(id, "keywords")["keywords"],
                         {"a/b": True, "c~d": True})
        self.patch(id, {"keywords/a~1b": None})
        self.assertEqual(self.jmap.email(id, "keywords")["keywords"],
                         {"c~d": True})

    def test_many_paths(self):
        """With creation ids among many paths."""
        boxes = self.jmap.call("Mailbox/set", create={
            "b%d" % i: {"name": "Many%d" % i} for i in range(20)})["created"]
        id = self.make("many")
        got = self.responses(
            ["Mailbox/set", {"accountId": "A", "create": {
                "n": {"name": "New"}}}, "a"],
            ["Email/set", {"accountId": "A", "update": {id: {
                "mailboxIds/#n": True,
                **{"mailboxIds/" + b["id"]: True for b in boxes.values()},
                "mailboxIds/" + self.role["inbox"]: None,
                "keywords/" + "k" * 200: True}}}, "b"])
        self.assertEqual(got[1][1]["notUpdated"], None)
        got = self.jmap.email(id, "mailboxIds", "keywords")
        self.assertEqual(len(got["mailboxIds"]), 21)
        self.assertEqual(got["keywords"], {"k" * 200: True})

    def test_creation_order(self):
        """5.3: one may refer to another one, whatever stands first."""
        got = self.jmap.call("Mailbox/set", create={
            "c": {"name": "C", "parentId": "#b"},
            "b": {"name": "B", "parentId": "#a"}, "a": {"name": "A"}})
        self.assertIsNone(got["notCreated"])
        # What refers to itself or each other cannot be.
        got = self.jmap.call("Mailbox/set", create={
            "x": {"name": "X", "parentId": "#y"},
            "y": {"name": "Y", "parentId": "#x"},
            "z": {"name": "Z", "parentId": "#z"}})
        for id in "xyz":
            self.failed(got, "notCreated", id, "invalidProperties",
                        "parentId")

    def test_destroyed(self):
        id = self.make("gone")
        got = self.jmap.call("Email/set", destroy=[id, "x", id])
        self.assertEqual(got["destroyed"], [id])
        self.failed(got, "notDestroyed", "x", "notFound")
        self.failed(self.patch(id, {}), "notUpdated", id, "notFound")

    def test_if_in_state(self):
        for method in ("Email/set", "Mailbox/set", "Email/import"):
            more = {"emails": {}} if method == "Email/import" else {}
            self.assertEqual(self.jmap.error(method, ifInState="x", **more),
                             "stateMismatch", method)


class Changes(Rules):
    def test_arguments(self):
        state = self.jmap.call("Email/get", ids=[])["state"]
        for method in ("Email/changes", "Thread/changes", "Mailbox/changes"):
            self.assertEqual(self.jmap.error(method), "invalidArguments")
            for most in (0, -1, "1", 1.5):
                self.assertEqual(self.jmap.error(
                    method, sinceState=state, maxChanges=most),
                    "invalidArguments", (method, most))
            for since in ("no-state", "x" * 1000, ""):
                self.assertEqual(self.jmap.error(method, sinceState=since),
                                 "cannotCalculateChanges", (method, since))

    def test_each_in_one_list(self):
        """5.2: made and gone is neither, or gone; made and changed is made."""
        state = self.jmap.call("Email/get", ids=[])["state"]
        a, b, c = (self.make(n) for n in "abc")
        self.patch(a, {"keywords/x": True})
        self.jmap.call("Email/set", destroy=[b])
        got = self.jmap.call("Email/changes", sinceState=state)
        self.assertEqual(sorted(got["created"]), sorted([a, c]))
        self.assertEqual(got["updated"], [])
        self.assertIn(got["destroyed"], ([], [b]))
        again = self.jmap.call("Email/changes", sinceState=got["newState"])
        self.assertEqual((again["created"], again["updated"],
                          again["destroyed"], again["newState"]),
                         ([], [], [], got["newState"]))

    def test_moved(self):
        """An id survives moves: that is a change, no end and no beginning."""
        id = self.make("moved")
        state = self.jmap.call("Email/get", ids=[])["state"]
        self.patch(id, {"mailboxIds": {self.role["archive"]: True}})
        got = self.jmap.call("Email/changes", sinceState=state)
        self.assertEqual((got["created"], got["updated"], got["destroyed"]),
                         ([], [id], []))

    def test_threads(self):
        state = self.jmap.call("Thread/get", ids=[])["state"]
        a = self.jmap.email(self.make("a", messageId=["ta@x"]), "threadId")
        got = self.jmap.call("Thread/changes", sinceState=state)
        self.assertEqual((got["created"], got["updated"], got["destroyed"]),
                         ([a["threadId"]], [], []))
        state = got["newState"]
        b = self.make("Re: a", references=["ta@x"])
        got = self.jmap.call("Thread/changes", sinceState=state)
        self.assertEqual((got["created"], got["updated"], got["destroyed"]),
                         ([], [a["threadId"]], []))
        state = got["newState"]
        self.patch(b, {"keywords/x": True})
        got = self.jmap.call("Thread/changes", sinceState=state)
        self.assertEqual((got["created"], got["updated"], got["destroyed"]),
                         ([], [], []))
        self.jmap.call("Email/set", destroy=[a["id"], b])
        got = self.jmap.call("Thread/changes", sinceState=state)
        self.assertEqual((got["created"], got["updated"], got["destroyed"]),
                         ([], [], [a["threadId"]]))


class Query(Rules):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        jmap = test_examples_core.Jmap(cls.server)
        cls.box = jmap.call("Mailbox/set", create={
            "x": {"name": "Query"}})["created"]["x"]["id"]
        cls.ids = [jmap.create(cls.box, subject="s%d" % i,
                               receivedAt="2026-01-01T00:00:%02dZ" % i)["id"]
                   for i in range(10)]
        jmap.close()

    def query(self, **more):
        return self.jmap.call("Email/query", filter={"inMailbox": self.box},
                              sort=[{"property": "receivedAt"}], **more)

    def test_windows(self):
        ids = self.ids
        for args, wanted, position in (
                ({}, ids, 0), ({"limit": 0}, [], 0),
                ({"position": 3, "limit": 2}, ids[3:5], 3),
                ({"position": -3}, ids[7:], 7),
                ({"position": -99, "limit": 1}, ids[:1], 0),
                ({"position": 99}, [], 10),
                ({"anchor": ids[5], "limit": 2}, ids[5:7], 5),
                ({"anchor": ids[5], "anchorOffset": -1, "limit": 1},
                 ids[4:5], 4),
                ({"anchor": ids[5], "anchorOffset": 2, "limit": 1},
                 ids[7:8], 7),
                ({"anchor": ids[1], "anchorOffset": -5, "limit": 2},
                 ids[:2], 0),
                ({"anchor": ids[5], "position": 9, "limit": 1}, ids[5:6], 5),
                ({"limit": 5, "calculateTotal": True}, ids[:5], 0)):
            got = self.query(**args)
            self.assertEqual((got["ids"], got["position"]),
                             (wanted, position), args)
            self.assertEqual(got.get("total"),
                             10 if args.get("calculateTotal") else None)

    def test_wrong(self):
        for args in ({"limit": -1}, {"limit": "1"}, {"position": "0"},
                     {"anchor": 1}, {"anchorOffset": "x"},
                     {"calculateTotal": 1}, {"collapseThreads": "no"},
                     {"filter": []}, {"filter": "x"}, {"sort": "x"},
                     {"sort": [1]}, {"sort": [{}]},
                     {"sort": [{"property": "size", "isAscending": 1}]}):
            self.assertEqual(self.jmap.error("Email/query", **args),
                             "invalidArguments", args)
        for args in ({"sort": [{"property": "x"}]},
                     {"sort": [{"property": "hasKeyword"}]},
                     {"sort": [{"property": "subject",
                                "collation": "i;other"}]}):
            self.assertEqual(self.jmap.error("Email/query", **args),
                             "unsupportedSort", args)
        for filter in ({"x": 1}, {"operator": "XOR", "conditions": []},
                       {"operator": "AND"}, {"operator": "OR",
                                             "conditions": [{"x": 1}]},
                       {"operator": "NOT", "conditions": [1]}):
            self.assertEqual(self.jmap.error("Email/query", filter=filter),
                             "unsupportedFilter", filter)
        self.assertEqual(self.jmap.error("Email/query", anchor="none"),
                         "anchorNotFound")

    def test_operators(self):
        """5.5: NOT means that none of them is so."""
        def find(filter):
            return self.jmap.call("Email/query", filter={
                "operator": "AND", "conditions": [
                    {"inMailbox": self.box}, filter]},
                sort=[{"property": "receivedAt"}])["ids"]
        one, two = {"subject": "s1"}, {"subject": "s2"}
        ids = self.ids
        for op, wanted in (("AND", []), ("OR", ids[1:3]),
                           ("NOT", ids[:1] + ids[3:])):
            self.assertEqual(find({"operator": op,
                                   "conditions": [one, two]}), wanted)
        for op, wanted in (("AND", ids), ("OR", []), ("NOT", ids)):
            self.assertEqual(find({"operator": op, "conditions": []}), wanted)
        deep = {"subject": "s1"}
        for _ in range(100):
            deep = {"operator": "AND", "conditions": [deep]}
        self.assertEqual(self.jmap.error("Email/query", filter=deep),
                         "unsupportedFilter")

    def changes(self, state, **more):
        return self.jmap.call(
            "Email/queryChanges", filter={"inMailbox": self.box},
            sort=[{"property": "receivedAt"}], sinceQueryState=state, **more)

    def test_changes(self):
        before = self.query()
        got = self.changes(before["queryState"], calculateTotal=True)
        self.assertEqual((got["removed"], got["added"], got["total"]),
                         ([], [], 10))
        new = [self.make("n%d" % i, mailbox=self.box, receivedAt=at)
               for i, at in enumerate(("2025-01-01T00:00:00Z",
                                       "2026-01-01T00:00:04Z",
                                       "2027-01-01T00:00:00Z"))]
        self.patch(self.ids[2], {"mailboxIds": {self.role["inbox"]: True}})
        self.addCleanup(self.patch, self.ids[2],
                        {"mailboxIds": {self.box: True}})
        self.addCleanup(self.jmap.call, "Email/set", destroy=new)
        got = self.changes(before["queryState"])
        self.assertEqual(got["removed"], [self.ids[2]])
        ids = [id for id in before["ids"] if id not in got["removed"]]
        for one in got["added"]:
            ids.insert(one["index"], one["id"])
        now = self.query()
        self.assertEqual(ids, now["ids"])
        self.assertEqual(got["newQueryState"], now["queryState"])
        self.assertNotIn("total", got)
        # Flags are no matter of this list.
        self.patch(self.ids[0], {"keywords/x": True})
        got = self.changes(now["queryState"])
        self.assertEqual((got["removed"], got["added"]), ([], []))
        self.assertEqual(self.jmap.error(
            "Email/queryChanges", filter={"inMailbox": self.box},
            sort=[{"property": "receivedAt"}],
            sinceQueryState=before["queryState"], maxChanges=1),
            "tooManyChanges")

    def test_changes_wrong(self):
        self.assertEqual(self.jmap.error("Email/queryChanges"),
                         "invalidArguments")
        state = self.query()["queryState"]
        for args in ({"upToId": 1}, {"maxChanges": -1}, {"sort": "x"},
                     {"calculateTotal": 1}):
            self.assertEqual(self.jmap.error(
                "Email/queryChanges", sinceQueryState=state, **args),
                "invalidArguments", args)
        self.assertEqual(self.jmap.error(
            "Email/queryChanges", sinceQueryState="x"),
            "cannotCalculateChanges")


class Blobs(Rules):
    def test_copy(self):
        """6.3."""
        blob = self.jmap.upload(b"content")["blobId"]
        self.assertEqual(self.jmap.error("Blob/copy", blobIds=[blob]),
                         "invalidArguments")
        self.assertEqual(self.jmap.error(
            "Blob/copy", fromAccountId="other", blobIds=[blob]),
            "fromAccountNotFound")
        got = self.jmap.call("Blob/copy", fromAccountId=self.account,
                             blobIds=[blob, "none"])
        self.assertEqual(got["copied"], {blob: blob})
        self.assertEqual(got["notCopied"]["none"]["type"], "notFound")

    def test_of_messages(self):
        """The blob of a message is what size says, and any client's."""
        id = self.make("blob")
        got = self.jmap.email(id, "blobId", "size")
        status, content, answer = self.jmap.download(
            got["blobId"], "a.eml", "message/rfc822")
        self.assertEqual((status, len(content)), (200, got["size"]))
        self.assertIn("immutable", answer.getheader("Cache-Control"))


if __name__ == "__main__":
    unittest.main()
