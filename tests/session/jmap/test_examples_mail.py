"""The examples of RFC 8621, each by its section: its request, with our ids, and
a response of its shape."""

import smtplib
import unittest

import test_examples_core
from jmap import CORE, MAIL, SUBMISSION

JOE = {"name": "Joe Bloggs", "email": "joe@example.com"}
TEXT = "I have the most brilliant plan.  Let me tell you all about it.  " \
    "What we do is, we"
HTML = "<!DOCTYPE html><html><head><title></title><style type=\"text/css\">" \
    "div{font-size:16px}</style></head><body><div>I have the most " \
    "<b>brilliant</b> plan.  Let me tell you all about it.  What we do is, " \
    "we</div></body></html>"


class Mail(test_examples_core.Example):
    def deliver(self, text):
        with smtplib.LMTP(self.server.host, self.server.ports["lmtp"]) as m:
            m.sendmail("a@x.test", ["user1@example.test"],
                       text.replace("\n", "\r\n").encode())

    def box(self, name):
        return self.jmap.call("Mailbox/set", create={
            "x": {"name": name}})["created"]["x"]["id"]


class Mailboxes(Mail):
    def test_2_6_get(self):
        name, got, _ = self.responses(
            ["Mailbox/get", {"accountId": "A", "ids": None}, "0"])[0]
        self.assertEqual(name, "Mailbox/get")
        self.has(got, accountId=self.account, notFound=[])
        inbox = [m for m in got["list"] if m["role"] == "inbox"][0]
        self.assertEqual(set(inbox), {
            "id", "name", "parentId", "role", "sortOrder", "totalEmails",
            "unreadEmails", "totalThreads", "unreadThreads", "myRights",
            "isSubscribed"})
        self.has(inbox, name="Inbox", parentId=None, isSubscribed=True)
        self.assertEqual(inbox["myRights"], {
            "mayAddItems": True, "mayRename": False, "maySubmit": True,
            "mayDelete": False, "maySetKeywords": True,
            "mayRemoveItems": True, "mayCreateChild": True,
            "maySetSeen": True, "mayReadItems": True})

    def test_2_6_changes(self):
        box = self.box("Counted")
        a = self.make("a", mailbox=box)
        self.make("b", mailbox=box)
        state = self.jmap.call("Mailbox/get", ids=[])["state"]
        self.jmap.call("Email/set", update={a: {"keywords/$seen": True}})
        changes, created, updated = self.responses(
            ["Mailbox/changes", {"accountId": "A", "sinceState": state}, "0"],
            ["Mailbox/get", {"accountId": "A", "#ids": {
                "resultOf": "0", "name": "Mailbox/changes",
                "path": "/created"}}, "1"],
            ["Mailbox/get", {"accountId": "A", "#ids": {
                "resultOf": "0", "name": "Mailbox/changes",
                "path": "/updated"}, "#properties": {
                "resultOf": "0", "name": "Mailbox/changes",
                "path": "/updatedProperties"}}, "2"])
        self.has(changes[1], oldState=state, hasMoreChanges=False,
                 updatedProperties=["totalEmails", "unreadEmails",
                                    "totalThreads", "unreadThreads"],
                 created=[], updated=[box], destroyed=[])
        self.has(created[1], list=[], notFound=[],
                 state=changes[1]["newState"])
        self.has(updated[1], state=changes[1]["newState"], notFound=[], list=[
            {"id": box, "totalEmails": 2, "unreadEmails": 1,
             "totalThreads": 2, "unreadThreads": 1}])

    def test_2_6_set(self):
        important = self.box("Important mail")
        state = self.jmap.call("Mailbox/get", ids=[])["state"]
        inbox = self.role["inbox"]
        got = self.responses(["Mailbox/set", {
            "accountId": "A", "ifInState": state,
            "update": {important: {"name": "Maybe important mail"}},
            "destroy": [inbox]}, "0"])[0][1]
        self.has(got, accountId=self.account, oldState=state,
                 updated={important: None},
                 notDestroyed={inbox: {"type": "forbidden"}})
        self.assertNotEqual(got["newState"], state)
        self.assertEqual(self.jmap.call("Mailbox/get", ids=[important])
                         ["list"][0]["name"], "Maybe important mail")


class Emails(Mail):
    def test_3_1_1_threads(self):
        one = self.make("a", messageId=["thread-a@x"],
                        receivedAt="2026-01-01T00:00:00Z")
        two = self.make("b", messageId=["thread-b@x"],
                        inReplyTo=["thread-a@x"], references=["thread-a@x"],
                        receivedAt="2026-01-02T00:00:00Z")
        alone = self.make("c")
        ids = [self.jmap.email(id, "threadId")["threadId"]
               for id in (one, alone)]
        name, got, id = self.responses(
            ["Thread/get", {"accountId": "A", "ids": ids}, "#1"])[0]
        self.assertEqual((name, id), ("Thread/get", "#1"))
        self.has(got, accountId=self.account, notFound=[], list=[
            {"id": ids[0], "emailIds": [one, two]},
            {"id": ids[1], "emailIds": [alone]}])

    def test_4_1_2_addresses(self):
        """4.1.2.3 and 4.1.2.4: the form of a list and of one with groups."""
        self.deliver("Message-ID: <groups@x>\nX-To:   James Smythe "
                     "<james@example.com>, Friends:\n jane@example.com, "
                     "=?UTF-8?Q?John_Sm=C3=AEth?=\n <john@example.com>;\n"
                     "Subject: groups\n\nText\n")
        id = self.jmap.call("Email/query",
                            filter={"subject": "groups"})["ids"][0]
        got = self.jmap.email(id, "header:X-To:asAddresses",
                              "header:X-To:asGroupedAddresses")
        james = {"name": "James Smythe", "email": "james@example.com"}
        friends = [{"name": None, "email": "jane@example.com"},
                   {"name": "John Smîth", "email": "john@example.com"}]
        self.assertEqual(got["header:X-To:asAddresses"], [james, *friends])
        self.assertEqual(got["header:X-To:asGroupedAddresses"], [
            {"name": None, "addresses": [james]},
            {"name": "Friends", "addresses": friends}])

    def test_4_2_1_get(self):
        html = "<html><body><p>Hello " + "there " * 100 + "</p></body></html>"
        self.deliver(
            "From: Joe Bloggs <joe@example.com>\nSubject: Dinner on Thursday?"
            "\nList-Post: <mailto:partytime@lists.example.com>\n"
            "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
            "--b\nContent-Type: text/html\n\n" + html +
            "\n--b\nContent-Type: text/plain\n\n"
            "-- Sent by your friendly mailing list ...\n--b--\n")
        id = self.jmap.call("Email/query",
                            filter={"subject": "Dinner on"})["ids"][0]
        got = self.responses(["Email/get", {
            "accountId": "A", "ids": ["f123u456", id],
            "properties": ["threadId", "mailboxIds", "from", "subject",
                           "receivedAt", "header:List-POST:asURLs",
                           "htmlBody", "bodyValues"],
            "bodyProperties": ["partId", "blobId", "size", "type"],
            "fetchHTMLBodyValues": True, "maxBodyValueBytes": 256}, "#1"])
        got = got[0][1]
        self.has(got, accountId=self.account, notFound=["f123u456"])
        email = got["list"][0]
        self.assertEqual(set(email), {
            "id", "threadId", "mailboxIds", "from", "subject", "receivedAt",
            "header:List-POST:asURLs", "htmlBody", "bodyValues"})
        self.has(email, id=id, mailboxIds={self.role["inbox"]: True},
                 subject="Dinner on Thursday?", **{
                     "from": [JOE], "header:List-POST:asURLs": [
                         "mailto:partytime@lists.example.com"]})
        self.assertRegex(email["receivedAt"],
                         r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        first, second = email["htmlBody"]
        self.assertEqual(set(first), {"partId", "blobId", "size", "type"})
        self.has(first, size=len(html), type="text/html")
        self.has(second, type="text/plain")
        values = email["bodyValues"]
        self.has(values[first["partId"]], isEncodingProblem=False,
                 isTruncated=True)
        text = values[first["partId"]]["value"]
        self.assertTrue(html.startswith(text) and 200 < len(text) <= 256)
        self.assertEqual(values[second["partId"]], {
            "isEncodingProblem": False, "isTruncated": False,
            "value": "-- Sent by your friendly mailing list ..."})

    def list_calls(self, box):
        return (
            ["Email/query", {
                "accountId": "A", "filter": {"inMailbox": box},
                "sort": [{"isAscending": False, "property": "receivedAt"}],
                "collapseThreads": True, "position": 0, "limit": 30,
                "calculateTotal": True}, "0"],
            ["Email/get", {"accountId": "A", "#ids": {
                "resultOf": "0", "name": "Email/query", "path": "/ids"},
                "properties": ["threadId"]}, "1"],
            ["Thread/get", {"accountId": "A", "#ids": {
                "resultOf": "1", "name": "Email/get",
                "path": "/list/*/threadId"}}, "2"],
            ["Email/get", {"accountId": "A", "#ids": {
                "resultOf": "2", "name": "Thread/get",
                "path": "/list/*/emailIds"},
                "properties": ["threadId", "mailboxIds", "keywords",
                               "hasAttachment", "from", "subject",
                               "receivedAt", "size", "preview"]}, "3"])

    def test_4_10_list(self):
        """From the first login to what another device did meanwhile."""
        box = self.box("List")
        jane = [{"email": "jdoe@example.com", "name": "Jane Doe"}]
        reveal = self.make(
            "The Big Reveal", ("$seen", "$flagged"), box,
            receivedAt="2018-06-27T00:20:35Z", **{"from": jane},
            textBody=[{"partId": "t"}], bodyValues={"t": {
                "value": "As you may be aware, we are required"}},
            attachments=[{"blobId": self.jmap.upload(b"%PDF")["blobId"],
                          "type": "application/pdf", "name": "a.pdf"}])
        first = self.make("One", ("$seen",), box, messageId=["one@x"],
                          receivedAt="2018-06-25T00:00:00Z")
        reply = self.make("Re: One", ("$seen",), box, references=["one@x"],
                          receivedAt="2018-06-26T00:00:00Z")
        query, emails, threads, all = self.responses(*self.list_calls(box))
        self.has(query[1], canCalculateChanges=True, position=0, total=2,
                 ids=[reveal, reply])
        self.assertEqual([e["id"] for e in emails[1]["list"]],
                         [reveal, reply])
        self.has(emails[1], notFound=[])
        self.assertEqual([t["emailIds"] for t in threads[1]["list"]],
                         [[reveal], [first, reply]])
        got = all[1]["list"][0]
        self.has(got, id=reveal, threadId=threads[1]["list"][0]["id"],
                 mailboxIds={box: True}, hasAttachment=True,
                 keywords={"$seen": True, "$flagged": True},
                 subject="The Big Reveal", receivedAt="2018-06-27T00:20:35Z",
                 preview="As you may be aware, we are required",
                 **{"from": jane})
        self.assertEqual(set(got), {
            "id", "threadId", "mailboxIds", "keywords", "hasAttachment",
            "from", "subject", "receivedAt", "size", "preview"})
        self.assertEqual([e["id"] for e in all[1]["list"]],
                         [reveal, first, reply])

        # On another device.
        state = all[1]["state"]
        got = self.responses(["Email/set", {"accountId": "A", "update": {
            reveal: {"keywords/$seen": None}}}, "0"])[0][1]
        self.has(got, accountId=self.account, oldState=state,
                 updated={reveal: None})
        self.jmap.call("Email/set", destroy=[reply])
        new = self.make("New", (), box)
        changes, query_changes = self.responses(
            ["Email/changes", {"accountId": "A", "sinceState": state,
                               "maxChanges": 50}, "3"],
            ["Email/queryChanges", {
                "accountId": "A", "filter": {"inMailbox": box},
                "sort": [{"property": "receivedAt", "isAscending": False}],
                "collapseThreads": True,
                "sinceQueryState": query[1]["queryState"], "upToId": reply,
                "maxChanges": 25, "calculateTotal": True}, "11"])
        self.has(changes[1], accountId=self.account, oldState=state,
                 hasMoreChanges=False, created=[new], updated=[reveal],
                 destroyed=[reply])
        self.has(query_changes[1], accountId=self.account, total=3,
                 oldQueryState=query[1]["queryState"], removed=[reply])
        self.assertEqual(query_changes[1]["added"][0],
                         {"id": new, "index": 0})
        # What the client has then is what a new query says (5.6).
        ids = [id for id in query[1]["ids"]
               if id not in query_changes[1]["removed"]]
        for one in query_changes[1]["added"]:
            ids.insert(one["index"], one["id"])
        again = self.responses(*self.list_calls(box))[0][1]
        self.assertEqual(ids, again["ids"])
        self.assertEqual(query_changes[1]["newQueryState"],
                         again["queryState"])

    def save(self, more, destroy=None):
        return self.responses(["Email/set", {
            "accountId": "A", "create": {"k192": {
                "mailboxIds": {self.role["drafts"]: True},
                "keywords": {"$seen": True, "$draft": True}, "from": [JOE],
                "subject": "World domination",
                "receivedAt": "2018-07-10T01:03:11Z",
                "sentAt": "2018-07-10T11:03:11+10:00", **more}},
            "destroy": destroy}, "0"])[0][1]

    def fields(self, id):
        """The raw message: header fields as a list, and the rest."""
        blob = self.jmap.email(id, "blobId")["blobId"]
        status, content, _ = self.jmap.download(blob)
        self.assertEqual(status, 200)
        head, _, body = content.decode().partition("\r\n\r\n")
        return head.replace("\r\n\t", " ").split("\r\n"), body

    def test_4_10_drafts(self):
        saved = self.save({
            "bodyStructure": {"type": "text/plain", "partId": "bd48",
                              "header:Content-Language": "en"},
            "bodyValues": {"bd48": {"value": TEXT, "isTruncated": False}}})
        made = saved["created"]["k192"]
        self.assertEqual(set(made), {"id", "blobId", "threadId", "size"})
        head, body = self.fields(made["id"])
        for field in ("Date: Tue, 10 Jul 2018 11:03:11 +1000",
                      "Subject: World domination", "Content-Language: en",
                      "From: Joe Bloggs <joe@example.com>"):
            self.assertIn(field, head)
        names = [f.partition(":")[0].lower() for f in head]
        for name in ("message-id", "mime-version", "content-type"):
            self.assertEqual(names.count(name), 1)
        self.assertEqual(body.strip(), TEXT)
        self.has(self.jmap.email(made["id"], "receivedAt", "sentAt"),
                 receivedAt="2018-07-10T01:03:11Z",
                 sentAt="2018-07-10T11:03:11+10:00")

        # With a recipient, and as HTML; the old one goes.
        again = self.save({
            "to": [{"name": "John", "email": "john@example.com"}],
            "bodyStructure": {
                "type": "multipart/alternative", "subParts": [
                    {"partId": "a49d", "type": "text/html",
                     "header:Content-Language": "en"},
                    {"partId": "bd48", "type": "text/plain",
                     "header:Content-Language": "en"}]},
            "bodyValues": {
                "bd48": {"value": TEXT, "isTruncated": False},
                "a49d": {"value": HTML, "isTruncated": False}}},
            destroy=[made["id"]])
        self.has(again, oldState=saved["newState"], destroyed=[made["id"]])
        id = again["created"]["k192"]["id"]
        got = self.jmap.email(
            id, "bodyStructure", "bodyValues", "to", "keywords",
            bodyProperties=["partId", "type", "language",
                            "header:Content-Language", "subParts"],
            fetchAllBodyValues=True)
        self.has(got, to=[{"name": "John", "email": "john@example.com"}],
                 keywords={"$seen": True, "$draft": True})
        structure = got["bodyStructure"]
        self.assertEqual(structure["type"], "multipart/alternative")
        self.assertEqual([p["type"] for p in structure["subParts"]],
                         ["text/html", "text/plain"])
        for part, text in zip(structure["subParts"], (HTML, TEXT)):
            self.assertEqual(part["language"], ["en"])
            self.assertEqual(part["header:Content-Language"].strip(), "en")
            self.assertEqual(got["bodyValues"][part["partId"]]["value"], text)

        # To another account: each user has one alone.
        self.assertEqual(self.responses(["Email/copy", {
            "fromAccountId": "A", "accountId": "u6c6c41ac",
            "create": {"k45": {"id": id, "mailboxIds": {"75a4c956": True}}},
            "onSuccessDestroyOriginal": True}, "0"]),
            [["error", {"type": "accountNotFound"}, "0"]])


class Others(Mail):
    def test_5_2_snippets(self):
        def make(subject, text):
            return self.make(subject, textBody=[{"partId": "t"}],
                             bodyValues={"t": {"value": text}})
        none = make("Nothing", "of the kind")
        ball = make("The Foosball competition", "Next " + "x " * 60 +
                    "year the foosball competition will be held in the "
                    "Stadium de " + "y " * 300)
        bar = make("Methods", "the Foo/bar method results often returns "
                   "<1 widget rather than the complete")
        name, got, id = self.responses(["SearchSnippet/get", {
            "accountId": "A", "filter": {"text": "foo"},
            "emailIds": [none, ball, bar]}, "0"])[0]
        self.has(got, accountId=self.account, notFound=None)
        self.assertEqual(got["list"][0], {
            "emailId": none, "subject": None, "preview": None})
        self.has(got["list"][1], emailId=ball,
                 subject="The <mark>Foo</mark>sball competition")
        self.assertIn("year the <mark>foo</mark>sball competition will be "
                      "held in the Stadium de", got["list"][1]["preview"])
        self.assertLessEqual(len(got["list"][1]["preview"]), 255)
        self.has(got["list"][2], emailId=bar, subject=None)
        self.assertIn("the <mark>Foo</mark>/bar method results often returns "
                      "&lt;1 widget", got["list"][2]["preview"])

    def test_6_4_identities(self):
        self.jmap.using = [CORE, MAIL, SUBMISSION]
        id = self.jmap.call("Identity/get")["list"][0]["id"]
        self.jmap.call("Identity/set", update={id: {
            "name": "Joe Bloggs",
            "bcc": [{"name": None, "email": "joe+archive@example.com"}],
            "textSignature": "-- \nJoe Bloggs\nMaster of Email",
            "htmlSignature": "<div><b>Joe Bloggs</b></div>"}})
        got = self.send(["Identity/get", {"accountId": "A"}, "0"],
                        using=(CORE, SUBMISSION))["methodResponses"]
        self.assertEqual((got[0][0], got[0][2]), ("Identity/get", "0"))
        self.has(got[0][1], accountId=self.account, notFound=[])
        self.assertEqual(got[0][1]["list"][0], {
            "id": id, "name": "Joe Bloggs", "email": "user1@example.test",
            "replyTo": None,
            "bcc": [{"name": None, "email": "joe+archive@example.com"}],
            "textSignature": "-- \nJoe Bloggs\nMaster of Email",
            "htmlSignature": "<div><b>Joe Bloggs</b></div>",
            "mayDelete": False})

    def test_7_5_1_submission(self):
        self.jmap.using = [CORE, MAIL, SUBMISSION]
        identity = self.jmap.call("Identity/get")["list"][0]["id"]
        drafts, sent = self.role["drafts"], self.role["sent"]
        draft = self.make("To be sent", ("$draft",), drafts,
                          to=[{"email": "user2@example.test"}],
                          **{"from": [{"email": "user1@example.test"}]})

        def submit(sender):
            return self.send(["EmailSubmission/set", {
                "accountId": "A", "create": {"k1490": {
                    "identityId": identity, "emailId": draft, "envelope": {
                        "mailFrom": {"email": sender, "parameters": None},
                        "rcptTo": [{"email": "user2@example.test",
                                    "parameters": None}]}}},
                "onSuccessUpdateEmail": {"#k1490": {
                    "mailboxIds/" + drafts: None, "mailboxIds/" + sent: True,
                    "keywords/$draft": None}}}, "0"],
                using=(CORE, MAIL, SUBMISSION))["methodResponses"]
        # One that is refused changes nothing.
        got = submit("other@example.test")
        self.assertEqual(len(got), 1)
        self.has(got[0][1], oldState=got[0][1]["newState"], created=None)
        self.assertEqual(got[0][1]["notCreated"]["k1490"]["type"],
                         "forbiddenMailFrom")
        self.assertEqual(self.jmap.email(draft, "mailboxIds")["mailboxIds"],
                         {drafts: True})
        got = submit("user1@example.test")
        self.assertEqual([[r[0], r[2]] for r in got], [
            ["EmailSubmission/set", "0"], ["Email/set", "0"]])
        self.assertIn("id", got[0][1]["created"]["k1490"])
        self.assertNotEqual(got[0][1]["oldState"], got[0][1]["newState"])
        self.has(got[1][1], accountId=self.account, updated={draft: None})
        self.has(self.jmap.email(draft, "mailboxIds", "keywords"),
                 mailboxIds={sent: True}, keywords={})


if __name__ == "__main__":
    unittest.main()
