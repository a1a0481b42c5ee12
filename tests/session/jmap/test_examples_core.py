"""The examples of RFC 8620, each by its section: its request, with our ids, and
a response of its shape. Where it speaks of types that are made up (Foo, Todo),
Email and Mailbox are in their place; 7.2.3 is in test_push.py."""

import http.client
import json
import smtplib
import unittest

from jmap import CORE, MAIL, Jmap
from postern import Server

ERROR = "urn:ietf:params:jmap:error:"


class Example(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server().start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.clean()

    def setUp(self):
        self.jmap = Jmap(self.server)
        self.addCleanup(self.jmap.close)
        self.account = self.jmap.account
        self.role = self.jmap.mailboxes()

    def send(self, *calls, using=(CORE, MAIL), **more):
        """A request as it stands; "A" is our account."""
        text = json.dumps({"using": list(using), "methodCalls": calls, **more})
        status, got, _ = self.jmap.request(
            "POST", "/jmap/api", text.replace('"A"', json.dumps(self.account)),
            Content_Type="application/json")
        self.assertEqual(status, 200, got)
        return json.loads(got)

    def responses(self, *calls):
        return self.send(*calls)["methodResponses"]

    def has(self, got, **wanted):
        """These properties, with these values."""
        self.assertEqual({k: got.get(k, "absent") for k in wanted}, wanted)

    def make(self, subject, keywords=(), mailbox=None, **more):
        return self.jmap.create(
            mailbox or self.role["inbox"], subject=subject,
            keywords={k: True for k in keywords}, **more)["id"]


class Core(Example):
    def test_2_1_session(self):
        session = self.jmap.session
        core = session["capabilities"][CORE]
        self.assertLessEqual(
            {"maxSizeUpload", "maxConcurrentUpload", "maxSizeRequest",
             "maxConcurrentRequests", "maxCallsInRequest", "maxObjectsInGet",
             "maxObjectsInSet", "collationAlgorithms"}, set(core))
        self.assertIn("i;ascii-casemap", core["collationAlgorithms"])
        self.assertEqual(session["capabilities"][MAIL], {})
        account = session["accounts"][self.account]
        self.has(account, name="user1@example.test", isPersonal=True,
                 isReadOnly=False)
        self.assertIn("maxMailboxesPerEmail",
                      account["accountCapabilities"][MAIL])
        self.assertIn("maxMailboxDepth", account["accountCapabilities"][MAIL])
        self.assertEqual(session["primaryAccounts"][MAIL], self.account)
        self.assertEqual(session["username"], "user1@example.test")
        for name, variables in (
                ("apiUrl", ()), ("uploadUrl", ("accountId",)),
                ("downloadUrl", ("accountId", "blobId", "name", "type")),
                ("eventSourceUrl", ("types", "closeafter", "ping"))):
            for variable in variables:
                self.assertIn("{%s}" % variable, session[name])
        self.assertIsInstance(session["state"], str)
        _, _, answer = self.jmap.request("GET", "/jmap/session")
        self.assertIn("no-store", answer.getheader("Cache-Control"))

    def test_3_3_1_request(self):
        """And 3.4.1: responses stand in the order of the calls, two of one
        call may, and what is not known is an error of its own."""
        draft = self.make("a", ("$draft",), self.role["drafts"])
        got = self.send(
            ["Email/get", {"accountId": "A", "ids": [draft],
                           "properties": ["subject"]}, "c1"],
            ["Email/set", {"accountId": "A", "destroy": [draft]}, "c2"],
            ["method3", {}, "c3"])
        self.assertEqual([[r[0], r[2]] for r in got["methodResponses"]], [
            ["Email/get", "c1"], ["Email/set", "c2"], ["error", "c3"]])
        self.assertEqual(got["methodResponses"][2],
                         ["error", {"type": "unknownMethod"}, "c3"])
        self.assertEqual(got["sessionState"], self.jmap.session["state"])
        self.assertNotIn("createdIds", got)

    def test_3_6_1_1_problems(self):
        status, text, answer = self.jmap.post(
            {"using": [CORE, "https://example.com/apis/foobar"],
             "methodCalls": []})
        self.assertEqual(answer.getheader("Content-Type"),
                         "application/problem+json")
        got = json.loads(text)
        self.has(got, type=ERROR + "unknownCapability", status=400)
        self.assertIsInstance(got["detail"], str)
        most = self.jmap.session["capabilities"][CORE]["maxCallsInRequest"]
        status, text, _ = self.jmap.post(
            {"using": [CORE],
             "methodCalls": [["Core/echo", {}, "c"]] * (most + 1)})
        got = json.loads(text)
        self.has(got, type=ERROR + "limit", limit="maxCallsInRequest",
                 status=400)
        self.assertIsInstance(got["detail"], str)

    def test_3_7_simple(self):
        state = self.jmap.call("Email/get", ids=[])["state"]
        made = [self.make("f1"), self.make("f4")]
        changes, get = self.responses(
            ["Email/changes", {"accountId": "A", "sinceState": state}, "t0"],
            ["Email/get", {"accountId": "A", "#ids": {
                "resultOf": "t0", "name": "Email/changes",
                "path": "/created"}}, "t1"])
        self.assertEqual((changes[0], changes[2]), ("Email/changes", "t0"))
        self.has(changes[1], accountId=self.account, oldState=state,
                 hasMoreChanges=False, updated=[], destroyed=[])
        self.assertEqual(sorted(changes[1]["created"]), sorted(made))
        self.assertEqual(sorted(e["id"] for e in get[1]["list"]), sorted(made))
        self.assertEqual(get[1]["state"], changes[1]["newState"])

    def test_3_7_complicated(self):
        box = self.jmap.call("Mailbox/set", create={
            "x": {"name": "Threads"}})["created"]["x"]["id"]
        made = []
        for i in range(12):
            made.append(self.make(
                "m%d" % i, mailbox=box,
                receivedAt="2026-01-01T00:00:%02dZ" % i,
                messageId=["t%d.%d@x" % (i % 4, i // 4)],
                **({"references": ["t%d.0@x" % (i % 4)]} if i >= 4 else {}),
                **{"from": [{"name": "N%d" % i, "email": "n@x.test"}]}))
        query, emails, threads, all = self.responses(
            ["Email/query", {
                "accountId": "A", "filter": {"inMailbox": box},
                "sort": [{"property": "receivedAt", "isAscending": False}],
                "collapseThreads": True, "position": 0, "limit": 3,
                "calculateTotal": True}, "t0"],
            ["Email/get", {"accountId": "A", "#ids": {
                "resultOf": "t0", "name": "Email/query", "path": "/ids"},
                "properties": ["threadId"]}, "t1"],
            ["Thread/get", {"accountId": "A", "#ids": {
                "resultOf": "t1", "name": "Email/get",
                "path": "/list/*/threadId"}}, "t2"],
            ["Email/get", {"accountId": "A", "#ids": {
                "resultOf": "t2", "name": "Thread/get",
                "path": "/list/*/emailIds"},
                "properties": ["from", "receivedAt", "subject"]}, "t3"])
        self.has(query[1], accountId=self.account, canCalculateChanges=True,
                 position=0, total=4, ids=[made[11], made[10], made[9]])
        self.assertIsInstance(query[1]["queryState"], str)
        self.assertEqual([e["id"] for e in emails[1]["list"]],
                         query[1]["ids"])
        for e in emails[1]["list"]:
            self.assertEqual(set(e), {"id", "threadId"})
        self.assertEqual(emails[1]["notFound"], [])
        self.assertEqual([t["emailIds"] for t in threads[1]["list"]], [
            [made[i], made[i + 4], made[i + 8]] for i in (3, 2, 1)])
        self.assertEqual([t["id"] for t in threads[1]["list"]],
                         [e["threadId"] for e in emails[1]["list"]])
        self.assertEqual(
            all[1]["list"][4],
            {"id": made[6], "from": [{"name": "N6", "email": "n@x.test"}],
             "receivedAt": "2026-01-01T00:00:06Z", "subject": "m6"})
        self.assertEqual(len(all[1]["list"]), 9)

    def test_4_1_echo(self):
        call = ["Core/echo", {"hello": True, "high": 5}, "b3ff"]
        self.assertEqual(self.responses(call), [call])


class Standard(Example):
    """5.7: of Todos."""

    def setUp(self):
        super().setUp()
        self.filter = {"operator": "OR", "conditions": [
            {"hasKeyword": "music"}, {"hasKeyword": "video"}]}
        old = self.jmap.call("Email/query")["ids"]
        self.jmap.call("Email/set", destroy=old)
        self.a = self.make("Practise Piano", (
            "music", "beethoven", "mozart", "liszt", "rachmaninov"))
        self.b = self.make("Watch Daft Punk music video",
                           ("music", "video", "trance"))
        self.make("Neither", ("trance",))

    def query(self):
        return self.responses(
            ["Email/query", {
                "accountId": "A", "filter": self.filter,
                "sort": [{"property": "subject"}], "position": 0,
                "limit": 10}, "0"],
            ["Email/get", {"accountId": "A", "#ids": {
                "resultOf": "0", "name": "Email/query", "path": "/ids"},
                "properties": ["id", "subject", "keywords"]}, "1"])

    def test_query(self):
        query, get = self.query()
        self.has(query[1], accountId=self.account, canCalculateChanges=True,
                 position=0, ids=[self.a, self.b])
        self.assertNotIn("total", query[1])
        self.assertEqual(get[1]["list"], [
            {"id": self.a, "subject": "Practise Piano", "keywords": {
                "music": True, "beethoven": True, "mozart": True,
                "liszt": True, "rachmaninov": True}},
            {"id": self.b, "subject": "Watch Daft Punk music video",
             "keywords": {"music": True, "video": True, "trance": True}}])

    def set(self, patch):
        state = self.query()[1][1]["state"]
        got = self.responses(["Email/set", {
            "accountId": "A", "ifInState": state,
            "update": {self.a: patch}}, "0"])[0][1]
        self.has(got, accountId=self.account, oldState=state,
                 notUpdated=None, updated={self.a: None})
        self.assertNotEqual(got["newState"], state)
        self.assertEqual(self.jmap.email(self.a, "keywords")["keywords"], {
            "music": True, "beethoven": True, "chopin": True, "liszt": True,
            "rachmaninov": True})
        # The state is another one now.
        self.assertEqual(self.jmap.error(
            "Email/set", ifInState=state, update={self.a: patch}),
            "stateMismatch")

    def test_set_whole(self):
        whole = self.jmap.email(
            self.a, "id", "blobId", "threadId", "size", "receivedAt",
            "mailboxIds", "subject", "from", "messageId")
        self.set({**whole, "keywords": {
            "music": True, "beethoven": True, "chopin": True, "liszt": True,
            "rachmaninov": True}})

    def test_set_patch(self):
        self.set({"keywords/chopin": True, "keywords/mozart": None})

    def test_set_reference(self):
        inbox = self.role["inbox"]
        top = self.jmap.call("Mailbox/set", create={
            "x": {"name": "Practise"}})["created"]["x"]["id"]
        got = self.responses(["Mailbox/set", {
            "accountId": "A",
            "create": {"k15": {"name": "Warm up with scales"}},
            "update": {top: {"parentId": "#k15"}}}, "0"])[0][1]
        made = got["created"]["k15"]["id"]
        self.assertEqual(got["updated"], {top: None})
        self.assertEqual(self.jmap.call(
            "Mailbox/get", ids=[top])["list"][0]["parentId"], made)
        # So with the mailboxes of a message.
        got = self.responses(
            ["Mailbox/set", {"accountId": "A", "create": {
                "m": {"name": "Made"}}}, "0"],
            ["Email/set", {"accountId": "A", "update": {self.a: {
                "mailboxIds/#m": True, "mailboxIds/" + inbox: None}}}, "1"])
        self.assertEqual(got[1][1]["updated"], {self.a: None})
        self.assertEqual(
            self.jmap.email(self.a, "mailboxIds")["mailboxIds"],
            {got[0][1]["created"]["m"]["id"]: True})

    def test_changes(self):
        query, get = self.query()
        self.jmap.call("Email/set", destroy=[self.b])
        changes, query_changes = self.responses(
            ["Email/changes", {"accountId": "A",
                               "sinceState": get[1]["state"],
                               "maxChanges": 50}, "0"],
            ["Email/queryChanges", {
                "accountId": "A", "filter": self.filter,
                "sort": [{"property": "subject"}],
                "sinceQueryState": query[1]["queryState"],
                "maxChanges": 50}, "1"])
        self.has(changes[1], accountId=self.account,
                 oldState=get[1]["state"], hasMoreChanges=False, created=[],
                 updated=[], destroyed=[self.b])
        self.has(query_changes[1], accountId=self.account,
                 oldQueryState=query[1]["queryState"], removed=[self.b],
                 added=[])
        self.assertEqual(query_changes[1]["newQueryState"],
                         self.query()[0][1]["queryState"])

    def test_copy(self):
        """Users have one account each: there is none to copy from."""
        self.assertEqual(self.responses(["Email/copy", {
            "fromAccountId": "y", "accountId": "A",
            "create": {"k5122": {"id": self.a, "mailboxIds": {
                self.role["inbox"]: True}}},
            "onSuccessDestroyOriginal": True}, "0"]),
            [["error", {"type": "fromAccountNotFound"}, "0"]])
        self.assertIsNotNone(self.jmap.email(self.a, "id"))


class Push(Example):
    def test_7_1_1_state_change(self):
        c = http.client.HTTPConnection(
            self.server.host, self.server.ports["http"], timeout=30)
        self.addCleanup(c.close)
        c.request("GET", self.jmap.url(
            "eventSourceUrl", types="Email,Mailbox", closeafter="state",
            ping="0"), headers=self.jmap.auth)
        answer = c.getresponse()
        with smtplib.LMTP(self.server.host, self.server.ports["lmtp"]) as m:
            m.sendmail("a@x.test", ["user1@example.test"],
                       b"Subject: pushed\r\n\r\nText\r\n")
        self.assertEqual(answer.readline(), b"event: state\n")
        data = json.loads(answer.readline()[len("data: "):])
        self.assertEqual(data["@type"], "StateChange")
        self.assertEqual(list(data["changed"]), [self.account])
        changed = data["changed"][self.account]
        self.assertEqual(set(changed), {"Email", "Mailbox"})
        self.assertEqual(changed["Email"],
                         self.jmap.call("Email/get", ids=[])["state"])
        self.assertEqual(changed["Mailbox"],
                         self.jmap.call("Mailbox/get", ids=[])["state"])


if __name__ == "__main__":
    unittest.main()
