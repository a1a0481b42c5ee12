"""JMAP's core (RFC 8620): the session, requests, references, blobs, events."""

import http.client
import json
import smtplib
import unittest

from jmap import CORE, MAIL, Jmap
from postern import Server


def jmap_status(server, fields):
    c = http.client.HTTPConnection(server.host, server.ports["http"],
                                   timeout=30)
    c.request("GET", "/jmap/session", headers=fields)
    status = c.getresponse().status
    c.close()
    return status


class Core(unittest.TestCase):
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

    def problem(self, root):
        status, text, answer = self.jmap.post(root)
        self.assertEqual(status, 400)
        self.assertEqual(answer.getheader("Content-Type"),
                         "application/problem+json")
        return json.loads(text)

    def test_session(self):
        session = self.jmap.session
        self.assertEqual(session["username"], "user1@example.test")
        core = session["capabilities"][CORE]
        for limit in ("maxSizeUpload", "maxConcurrentUpload", "maxSizeRequest",
                      "maxConcurrentRequests", "maxCallsInRequest",
                      "maxObjectsInGet", "maxObjectsInSet"):
            self.assertGreater(core[limit], 0)
        account = session["accounts"][self.jmap.account]
        self.assertTrue(account["isPersonal"])
        self.assertIn(MAIL, account["accountCapabilities"])
        self.assertEqual(session["primaryAccounts"][MAIL], self.jmap.account)
        for name in ("apiUrl", "downloadUrl", "uploadUrl", "eventSourceUrl"):
            self.assertTrue(session[name].startswith("http://127.0.0.1:"))

    def test_problems(self):
        error = "urn:ietf:params:jmap:error:"
        status, text, _ = self.jmap.request(
            "POST", "/jmap/api", "{", Content_Type="application/json")
        self.assertEqual((status, json.loads(text)["type"]),
                         (400, error + "notJSON"))
        for text in ('{"a":1,"a":2}', '{"a":"\\ud800"}', "[1,]", "nul", ""):
            status, got, _ = self.jmap.request(
                "POST", "/jmap/api", text, Content_Type="application/json")
            self.assertEqual(json.loads(got)["type"], error + "notJSON", text)
        status, got, _ = self.jmap.request(
            "POST", "/jmap/api", "{}", Content_Type="text/plain")
        self.assertEqual(json.loads(got)["type"], error + "notJSON")
        for root in ({}, {"using": [CORE]}, [], {"using": 1, "methodCalls": []},
                     {"using": [CORE], "methodCalls": [["a", {}]]},
                     {"using": [CORE], "methodCalls": [["a", [], "c"]]}):
            self.assertEqual(self.problem(root)["type"], error + "notRequest")
        self.assertEqual(self.problem({"using": ["x"], "methodCalls": []})
                         ["type"], error + "unknownCapability")
        many = {"using": [CORE],
                "methodCalls": [["Core/echo", {}, "c"]] * 100}
        got = self.problem(many)
        self.assertEqual((got["type"], got["limit"]),
                         (error + "limit", "maxCallsInRequest"))

    def test_echo(self):
        args = {"hello": True, "high": 5, "deep": {"a": [1, None, "ü"]}}
        self.assertEqual(self.jmap.post(
            {"using": [CORE],
             "methodCalls": [["Core/echo", args, "b3ff"]]})[0], 200)
        self.assertEqual(self.jmap.raw(("Core/echo", args))[0],
                         ["Core/echo", {**args,
                                        "accountId": self.jmap.account}, "c0"])

    def test_errors(self):
        jmap = self.jmap
        self.assertEqual(jmap.error("No/such"), "unknownMethod")
        jmap.using = [CORE]
        self.assertEqual(jmap.error("Mailbox/get", ids=None), "unknownMethod")
        jmap.using = [CORE, MAIL]
        self.assertEqual(jmap.error("Mailbox/get", accountId="x"),
                         "accountNotFound")
        self.assertEqual(jmap.error("Mailbox/get", accountId=None),
                         "invalidArguments")
        self.assertEqual(jmap.error("Mailbox/get", ids="x"),
                         "invalidArguments")
        self.assertEqual(jmap.error("Mailbox/get", ids=[1]),
                         "invalidArguments")
        self.assertEqual(jmap.error("Mailbox/get", properties=["nothing"]),
                         "invalidArguments")
        self.assertEqual(jmap.error("Email/get", ids=["x"] * 2000),
                         "requestTooLarge")
        # One that fails does not keep the others from being done.
        names = [r[0] for r in jmap.raw(("No/such", {}), ("Core/echo", {}))]
        self.assertEqual(names, ["error", "Core/echo"])

    def test_references(self):
        got = self.jmap.calls(
            ("Mailbox/query", {"filter": {"role": "inbox"}}),
            ("Mailbox/get", {"#ids": {"resultOf": "c0", "name": "Mailbox/query",
                                      "path": "/ids"}}),
            ("Core/echo", {"#roles": {"resultOf": "c1", "name": "Mailbox/get",
                                      "path": "/list/*/role"},
                           "#one": {"resultOf": "c1", "name": "Mailbox/get",
                                    "path": "/list/0/name"}}))
        self.assertEqual(got[2]["roles"], ["inbox"])
        self.assertEqual(got[2]["one"], "Inbox")
        for reference in ({"resultOf": "c9", "name": "Core/echo", "path": "/"},
                          {"resultOf": "c0", "name": "Mailbox/get",
                           "path": "/x"},
                          {"resultOf": "c0", "name": "Core/echo",
                           "path": "/x/*/y"},
                          {"resultOf": "c0", "name": "Core/echo",
                           "path": "x"}, "c0"):
            got = self.jmap.raw(("Core/echo", {"x": 1}),
                                ("Core/echo", {"#a": reference}))
            self.assertEqual(got[1][1]["type"], "invalidResultReference")
        self.assertEqual(self.jmap.error("Core/echo", a=1, **{"#a": {}}),
                         "invalidArguments")

    def test_created_ids(self):
        status, text, _ = self.jmap.post({
            "using": [CORE, MAIL], "createdIds": {"old": "x"},
            "methodCalls": [["Mailbox/set", {
                "accountId": self.jmap.account,
                "create": {"k": {"name": "Made"}}}, "a"],
                ["Mailbox/get", {"accountId": self.jmap.account,
                                 "ids": ["#k", "#none"]}, "b"]]})
        got = json.loads(text)
        self.assertEqual(got["createdIds"]["old"], "x")
        made = got["createdIds"]["k"]
        self.assertEqual(got["methodResponses"][1][1]["list"][0]["id"], made)
        self.assertEqual(got["methodResponses"][1][1]["notFound"], ["#none"])

    def test_blobs(self):
        content = bytes(range(256)) * 1000
        made = self.jmap.upload(content, "application/x-thing; a=b")
        self.assertEqual(made["type"], "application/x-thing")
        self.assertEqual(made["size"], len(content))
        self.assertEqual(made["accountId"], self.jmap.account)
        status, got, answer = self.jmap.download(
            made["blobId"], "..%2f%22x%0d.html", "text/html")
        self.assertEqual((status, got), (200, content))
        disposition = answer.getheader("Content-Disposition")
        self.assertTrue(disposition.startswith("attachment;"))
        self.assertNotIn('"', disposition)
        self.assertIn("sandbox", answer.getheader("Content-Security-Policy"))
        self.assertEqual(answer.getheader("X-Content-Type-Options"), "nosniff")
        for type, way in (("image/png", "inline"), ("application/pdf", "inline"),
                          ("text/html", "attachment"), ("text/xml", "attachment"),
                          ("image/svg%2Bxml", "attachment")):
            status, _, answer = self.jmap.request("GET", self.jmap.url(
                "downloadUrl", accountId=self.jmap.account,
                blobId=made["blobId"], name="a", type=type) + "&show=1")
            self.assertEqual((status, answer.getheader("Content-Type")),
                             (200, type.replace("%2B", "+")))
            self.assertTrue(answer.getheader("Content-Disposition").startswith(
                way + ";"), type)
            self.assertEqual(
                "sandbox" in answer.getheader("Content-Security-Policy"),
                type != "application/pdf")
        self.assertEqual(self.jmap.download("U" + "0" * 24)[0], 404)
        self.assertEqual(self.jmap.download("../../accounts.db")[0], 400)
        self.assertEqual(self.jmap.download("..%2f..%2faccounts.db")[0], 404)
        other = Jmap(self.server, "user2@example.test")
        self.addCleanup(other.close)
        self.assertEqual(other.download(made["blobId"])[0], 404)
        status, _, _ = other.request(
            "POST", other.url("uploadUrl", accountId=self.jmap.account), b"x")
        self.assertEqual(status, 404)
        status, _, _ = other.request("GET", other.url(
            "downloadUrl", accountId=self.jmap.account, blobId=made["blobId"],
            name="a", type="text/plain"))
        self.assertEqual(status, 404)

    def test_quota(self):
        self.assertEqual(self.jmap.call("Quota/get", ids=None)["list"], [])
        self.server.ctl("quota", "set", "user1@example.test", "5M")
        try:
            got = self.jmap.call("Quota/get", ids=None)["list"][0]
            self.assertEqual(got["hardLimit"], 5 * 1024 * 1024)
            self.assertEqual(got["resourceType"], "octets")
        finally:
            self.server.ctl("quota", "set", "user1@example.test", "0")

    def test_events(self):
        c = http.client.HTTPConnection(
            self.server.host, self.server.ports["http"], timeout=30)
        self.addCleanup(c.close)
        c.request("GET", self.jmap.url(
            "eventSourceUrl", types="*", closeafter="no", ping="0"),
            headers=self.jmap.auth)
        answer = c.getresponse()
        self.assertEqual(answer.getheader("Content-Type"), "text/event-stream")
        before = self.jmap.call("Email/get", ids=[])["state"]
        with smtplib.LMTP(self.server.host, self.server.ports["lmtp"]) as m:
            m.sendmail("a@x.test", ["user1@example.test"],
                       b"Subject: live\r\n\r\nText\r\n")
        self.assertEqual(answer.readline(), b"event: state\n")
        data = json.loads(answer.readline()[len("data: "):])
        self.assertEqual(data["@type"], "StateChange")
        changed = data["changed"][self.jmap.account]
        self.assertEqual(sorted(changed), ["Email", "EmailDelivery", "Mailbox",
                                           "Thread"])
        self.assertNotEqual(changed["Email"], before)
        self.assertEqual(changed["Email"],
                         self.jmap.call("Email/get", ids=[])["state"])
        got = self.jmap.call("Email/changes", sinceState=before)
        self.assertEqual(len(got["created"]), 1)

    def test_user_deleted(self):
        self.server.ctl("user", "add", "gone@example.test",
                        input="secret enough\n")
        jmap = Jmap(self.server, "gone@example.test", "secret enough")
        self.addCleanup(jmap.close)
        jmap.call("Mailbox/get", ids=None)
        c = http.client.HTTPConnection(
            self.server.host, self.server.ports["http"], timeout=30)
        self.addCleanup(c.close)
        c.request("GET", jmap.url("eventSourceUrl", types="*",
                                  closeafter="no", ping="0"),
                  headers=jmap.auth)
        answer = c.getresponse()
        self.server.ctl("user", "delete", "gone@example.test")
        try:
            answer.read()
        except (http.client.HTTPException, OSError):
            pass
        self.assertEqual(jmap_status(self.server, jmap.auth), 401)

    def test_events_end(self):
        c = http.client.HTTPConnection(
            self.server.host, self.server.ports["http"], timeout=30)
        self.addCleanup(c.close)
        c.request("GET", self.jmap.url(
            "eventSourceUrl", types="Mailbox", closeafter="state", ping="0"),
            headers=self.jmap.auth)
        answer = c.getresponse()
        self.jmap.call("Mailbox/set", create={"a": {"name": "Eventful"}})
        text = answer.read()
        self.assertEqual(text.count(b"event: state"), 1)
        self.assertIn(b'"Mailbox"', text)
        self.assertNotIn(b'"Email"', text)


if __name__ == "__main__":
    unittest.main()
