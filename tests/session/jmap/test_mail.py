"""JMAP mail (RFC 8621) over a mailbox that IMAP and LMTP use, too."""

import email
import email.policy
import imaplib
import smtplib
import time
import unittest

from jmap import Jmap
from postern import Server


class Mail(unittest.TestCase):
    users = 2

    def setUp(self):
        self.server = Server(users=self.users).start()
        self.addCleanup(self.server.clean)
        self.addCleanup(self.server.stop)
        self.jmap = Jmap(self.server)
        self.addCleanup(self.jmap.close)
        self.role = self.jmap.mailboxes()

    def deliver(self, text, user="user1@example.test"):
        with smtplib.LMTP(self.server.host, self.server.ports["lmtp"]) as m:
            m.sendmail("a@x.test", [user],
                       text.replace("\n", "\r\n").encode())

    def imap(self, user="user1@example.test"):
        i = imaplib.IMAP4(self.server.host, self.server.ports["imap"])
        i.login(user, self.server.password)
        self.addCleanup(i.shutdown)
        return i

    def ids(self, **query):
        return self.jmap.call("Email/query", **query)["ids"]


class Mailboxes(Mail):
    def box(self, id):
        return self.jmap.call("Mailbox/get", ids=[id])["list"][0]

    def test_life(self):
        jmap = self.jmap
        state = jmap.call("Mailbox/get", ids=[])["state"]
        made = jmap.call("Mailbox/set", create={
            "a": {"name": "Projects"},
            "b": {"name": "Ünïcode", "parentId": "#a"}})["created"]
        a, b = made["a"]["id"], made["b"]["id"]
        self.assertEqual(self.box(b)["parentId"], a)
        self.assertEqual(self.box(b)["name"], "Ünïcode")
        got = jmap.call("Mailbox/changes", sinceState=state)
        self.assertEqual(sorted(got["created"]), sorted([a, b]))
        state = got["newState"]

        answer = jmap.call("Mailbox/set", destroy=[a])
        self.assertEqual(answer["notDestroyed"][a]["type"], "mailboxHasChild")
        answer = jmap.call("Mailbox/set", update={b: {"name": "Moved",
                                                      "parentId": None}})
        self.assertIsNone(answer["notUpdated"])
        self.assertEqual((self.box(b)["name"], self.box(b)["parentId"]),
                         ("Moved", None))
        # The id stays over a renaming, by anybody.
        self.imap().rename("Moved", "Renamed")
        self.assertEqual(self.box(b)["name"], "Renamed")
        got = jmap.call("Mailbox/changes", sinceState=state)
        self.assertEqual(got["updated"], [b])
        self.assertIsNone(got["updatedProperties"])

        jmap.create(b, subject="in it")
        answer = jmap.call("Mailbox/set", destroy=[b])
        self.assertEqual(answer["notDestroyed"][b]["type"], "mailboxHasEmail")
        answer = jmap.call("Mailbox/set", destroy=[b, a],
                           onDestroyRemoveEmails=True)
        self.assertEqual(answer["destroyed"], [b, a])
        got = jmap.call("Mailbox/changes", sinceState=state)
        self.assertEqual(sorted(got["destroyed"]), sorted([a, b]))

    def test_subscribed(self):
        """It is of the mailbox, not of its name, as IMAP has it."""
        jmap = self.jmap
        made = jmap.call("Mailbox/set", create={
            "a": {"name": "Above", "isSubscribed": True},
            "b": {"name": "Below", "parentId": "#a", "isSubscribed": True},
            "c": {"name": "Away", "parentId": "#a",
                  "isSubscribed": False}})["created"]
        a, b, c = (made[key]["id"] for key in "abc")
        state = jmap.call("Mailbox/get", ids=[])["state"]
        jmap.call("Mailbox/set", update={a: {"name": "Other"}})
        self.assertEqual([self.box(id)["isSubscribed"] for id in (a, b, c)],
                         [True, True, False])
        jmap.call("Mailbox/set", update={
            b: {"parentId": None, "name": "Top", "isSubscribed": False},
            c: {"isSubscribed": True}})
        self.assertEqual([self.box(id)["isSubscribed"] for id in (a, b, c)],
                         [True, False, True])
        self.assertEqual(sorted(
            jmap.call("Mailbox/changes", sinceState=state)["updated"]),
            sorted([a, b, c]))
        names = b" ".join(self.imap().lsub()[1])
        self.assertIn(b"Other/Away", names)
        self.assertNotIn(b"Above", names)
        self.assertNotIn(b"Top", names)
        jmap.call("Mailbox/set", destroy=[c, b, a])
        self.assertNotIn(b"Other", b" ".join(self.imap().lsub()[1]))

    def test_refused(self):
        jmap = self.jmap
        for name in ("", "a/b", "x\x01", "n" * 2000, None):
            answer = jmap.call("Mailbox/set", create={"x": {"name": name}})
            self.assertEqual(answer["notCreated"]["x"]["type"],
                             "invalidProperties", name)
        answer = jmap.call("Mailbox/set", create={"x": {"name": "Sent"}})
        self.assertEqual(answer["notCreated"]["x"]["properties"], ["name"])
        inbox = self.role["inbox"]
        answer = jmap.call("Mailbox/set", destroy=[inbox],
                           update={inbox: {"name": "Other"}, "x": {}})
        self.assertEqual(answer["notDestroyed"][inbox]["type"], "forbidden")
        self.assertEqual(answer["notUpdated"][inbox]["type"], "forbidden")
        self.assertEqual(answer["notUpdated"]["x"]["type"], "notFound")
        self.assertEqual(jmap.error("Mailbox/set", ifInState="other"),
                         "stateMismatch")

    def test_counts(self):
        inbox = self.role["inbox"]
        for i in range(4):
            self.deliver("Message-ID: <c%d@x>\nSubject: s\n%s\nText\n" % (
                i, "References: <c0@x>\n" if i in (1, 2) else ""))
        box = self.box(inbox)
        self.assertEqual([box[k] for k in (
            "totalEmails", "unreadEmails", "totalThreads", "unreadThreads")],
            [4, 4, 2, 2])
        state = self.jmap.call("Mailbox/get", ids=[])["state"]
        i = self.imap()
        i.select()
        i.store("1,2,4", "+FLAGS", "\\Seen")
        box = self.box(inbox)
        self.assertEqual([box[k] for k in (
            "totalEmails", "unreadEmails", "totalThreads", "unreadThreads")],
            [4, 1, 2, 1])
        got = self.jmap.call("Mailbox/changes", sinceState=state)
        self.assertEqual(got["updated"], [inbox])
        self.assertIn("unreadEmails", got["updatedProperties"])
        # What is to be expunged is not there any more.
        i.store("1", "+FLAGS", "\\Deleted")
        self.assertEqual(self.box(inbox)["totalEmails"], 3)
        self.assertEqual(len(self.ids(filter={"inMailbox": inbox})), 3)

    def test_query(self):
        jmap = self.jmap
        names = [m["name"] for m in jmap.calls(
            ("Mailbox/query", {"sort": [{"property": "name",
                                         "isAscending": False}]}),
            ("Mailbox/get", {"#ids": {"resultOf": "c0", "path": "/ids",
                                      "name": "Mailbox/query"}}))[1]["list"]]
        self.assertEqual(names, sorted(names, reverse=True))
        self.assertEqual(self.jmap.call("Mailbox/query", filter={
            "operator": "OR", "conditions": [
                {"role": "sent"}, {"role": "trash"}]}, sort=[
                    {"property": "sortOrder"}])["ids"],
            [self.role["sent"], self.role["trash"]])
        self.assertEqual(jmap.error("Mailbox/query", filter={"x": 1}),
                         "unsupportedFilter")


HTML = """From: =?utf-8?q?=C3=84nn?= <ann@x.test>, "B, C" <b@x.test>
To: list: one@x.test, two@x.test;
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= an alle
Date: Tue, 24 Nov 2026 09:00:00 +0200
Message-ID: <html@x>
References: <a@x> <b@x>
List-Unsubscribe: <mailto:u@x.test>, <https://x.test/u>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=m

--m
Content-Type: multipart/alternative; boundary=a

--a
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Gr=C3=BC=C3=9Fe, plain
--a
Content-Type: multipart/related; boundary=r

--r
Content-Type: text/html; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

<p>Gr=FC=DFe</p><img src=3D"cid:pic">
--r
Content-Type: image/png
Content-ID: <pic>
Content-Disposition: inline
Content-Transfer-Encoding: base64

iVBORw0KGgo=
--r--
--a--
--m
Content-Type: application/pdf; name="r.pdf"
Content-Disposition: attachment; filename*=utf-8''%C3%9C.pdf
Content-Transfer-Encoding: base64

JVBERi0x
--m
Content-Type: message/rfc822

Subject: inner
Content-Type: multipart/mixed; boundary=i

--i

inner text
--i
Content-Type: text/x-thing

thing
--i--
--m--
"""


class Reading(Mail):
    def test_structure(self):
        self.deliver(HTML)
        id = self.ids()[0]
        e = self.jmap.email(id, fetchTextBodyValues=True,
                            fetchHTMLBodyValues=True)
        self.assertEqual(e["from"], [{"name": "Änn", "email": "ann@x.test"},
                                     {"name": "B, C", "email": "b@x.test"}])
        self.assertEqual([a["email"] for a in e["to"]],
                         ["one@x.test", "two@x.test"])
        self.assertEqual(e["subject"], "Grüße an alle")
        self.assertEqual(e["sentAt"], "2026-11-24T09:00:00+02:00")
        self.assertEqual(e["messageId"], ["html@x"])
        self.assertEqual(e["references"], ["a@x", "b@x"])
        self.assertTrue(e["hasAttachment"])
        self.assertEqual(e["preview"], "Grüße, plain")
        self.assertEqual([p["type"] for p in e["textBody"]], ["text/plain"])
        self.assertEqual([p["type"] for p in e["htmlBody"]], ["text/html"])
        self.assertEqual([p["type"] for p in e["attachments"]],
                         ["image/png", "application/pdf", "message/rfc822"])
        self.assertEqual(e["attachments"][0]["cid"], "pic")
        self.assertEqual(e["attachments"][1]["name"], "Ü.pdf")
        self.assertEqual(e["attachments"][1]["size"], 6)
        values = e["bodyValues"]
        self.assertEqual(values[e["textBody"][0]["partId"]]["value"].strip(),
                         "Grüße, plain")
        self.assertIn("Grüße", values[e["htmlBody"][0]["partId"]]["value"])
        status, got, _ = self.jmap.download(e["attachments"][1]["blobId"])
        self.assertEqual((status, got), (200, b"%PDF-1"))

        # The attached message, and a part of it.
        blob = e["attachments"][2]["blobId"]
        got = self.jmap.call("Email/parse", blobIds=[blob, "none"],
                             properties=["subject", "bodyStructure", "id"])
        self.assertEqual(got["notFound"], ["none"])
        inner = got["parsed"][blob]
        self.assertEqual((inner["subject"], inner["id"]), ("inner", None))
        part = inner["bodyStructure"]["subParts"][1]
        self.assertEqual(part["type"], "text/x-thing")
        self.assertEqual(self.jmap.download(part["blobId"])[1], b"thing")
        # The whole.
        self.assertIn(b"Subject: inner", self.jmap.download(id)[1])

    def test_headers(self):
        self.deliver(HTML)
        id = self.ids()[0]
        names = ["header:Subject", "header:To:asGroupedAddresses",
                 "header:List-Unsubscribe:asURLs", "header:Date:asDate",
                 "header:X-None", "header:X-None:all",
                 "header:References:asMessageIds:all", "headers"]
        e = self.jmap.call("Email/get", ids=[id], properties=names)["list"][0]
        self.assertEqual(e["header:Subject"],
                         " =?utf-8?q?Gr=C3=BC=C3=9Fe?= an alle")
        self.assertEqual(e["header:To:asGroupedAddresses"], [
            {"name": "list", "addresses": [
                {"name": None, "email": "one@x.test"},
                {"name": None, "email": "two@x.test"}]}])
        self.assertEqual(e["header:List-Unsubscribe:asURLs"],
                         ["mailto:u@x.test", "https://x.test/u"])
        self.assertIsNone(e["header:X-None"])
        self.assertEqual(e["header:X-None:all"], [])
        self.assertEqual(e["header:References:asMessageIds:all"],
                         [["a@x", "b@x"]])
        self.assertIn({"name": "Message-ID", "value": " <html@x>"},
                      e["headers"])
        for wrong in ("header:From:asDate", "header:From:asText", "header:Subject:asAddresses",
                      "header:", "header:A:asNothing", "nothing"):
            self.assertEqual(self.jmap.error(
                "Email/get", ids=[id], properties=[wrong]),
                "invalidArguments", wrong)

    def test_truncated(self):
        self.deliver("Subject: x\nContent-Type: text/plain; charset=utf-8\n\n"
                     + "ü" * 100 + "\n")
        e = self.jmap.email(self.ids()[0], "bodyValues", "textBody",
                            fetchAllBodyValues=True, maxBodyValueBytes=5)
        value = e["bodyValues"]["1"]
        self.assertEqual((value["value"], value["isTruncated"]), ("üü", True))

    def test_query(self):
        for i in range(6):
            self.deliver("From: P%d <p%d@x.test>\nTo: t@x.test\nMessage-ID: "
                         "<q%d@x>\nSubject: number %d\nDate: Tue, 2%d Nov 2026 "
                         "09:00:00 +0000\n%s\nThe body %s words %d\n" % (
                             5 - i, i, i, i, i,
                             "References: <q0@x>\n" if i == 3 else "",
                             "with" if i % 2 else "lacking", i))
        get = {e["subject"]: e["id"] for e in self.jmap.call(
            "Email/get", ids=self.ids(), properties=["subject"])["list"]}
        want = [get["number %d" % i] for i in range(6)]

        def check(filter, numbers):
            got = self.ids(filter=filter,
                           sort=[{"property": "sentAt"}])
            self.assertEqual(got, [want[n] for n in numbers], filter)

        check({"from": "p2@x"}, [2])
        check({"from": "p5 <"}, [0])
        check({"subject": "NUMBER 4"}, [4])
        check({"text": "lacking"}, [0, 2, 4])
        check({"body": "body with words"}, [1, 3, 5])
        check({"body": '"lacking words 2"'}, [2])
        check({"header": ["Message-ID", "q5"]}, [5])
        check({"header": ["X-None"]}, [])
        check({"operator": "NOT", "conditions": [{"text": "lacking"}]},
              [1, 3, 5])
        check({"operator": "OR", "conditions": [
            {"from": "p1@"}, {"operator": "AND", "conditions": [
                {"text": "lacking"}, {"subject": "4"}]}]}, [1, 4])
        check({"hasAttachment": True}, [])
        check({"minSize": 1, "maxSize": 100000, "to": "t@x"}, range(6))
        check({"after": "2100-01-01T00:00:00Z"}, [])
        check({"inMailboxOtherThan": [self.role["inbox"]]}, [])
        self.assertEqual(self.ids(sort=[{"property": "from"}]), want[::-1])
        self.assertEqual(self.ids(sort=[
            {"property": "subject", "isAscending": False}]), want[::-1])
        self.assertEqual(len(self.ids(collapseThreads=True)), 5)
        got = self.jmap.call("Email/query", sort=[{"property": "sentAt"}],
                             position=-2, calculateTotal=True)
        self.assertEqual((got["ids"], got["position"], got["total"]),
                         (want[4:], 4, 6))
        got = self.jmap.call("Email/query", sort=[{"property": "sentAt"}],
                             anchor=want[3], anchorOffset=-1, limit=2)
        self.assertEqual(got["ids"], want[2:4])
        self.assertEqual(self.jmap.error("Email/query", anchor="none"),
                         "anchorNotFound")
        self.assertEqual(self.jmap.error("Email/query", filter={"x": 1}),
                         "unsupportedFilter")
        self.assertEqual(self.jmap.error("Email/query",
                                         sort=[{"property": "x"}]),
                         "unsupportedSort")
        thread = self.jmap.email(want[3], "threadId")["threadId"]
        got = self.jmap.call("Thread/get", ids=[thread, "Tnone"])
        self.assertEqual(got["list"][0]["emailIds"], [want[0], want[3]])
        self.assertEqual(got["notFound"], ["Tnone"])
        snippet = self.jmap.call(
            "SearchSnippet/get", filter={"text": "number words"},
            emailIds=[want[1]])["list"][0]
        self.assertEqual(snippet["subject"], "<mark>number</mark> 1")
        self.assertIn("with <mark>words</mark>", snippet["preview"])


class Changing(Mail):
    def test_flags(self):
        self.deliver("Subject: x\n\nText\n")
        jmap, id = self.jmap, self.ids()[0]
        state = jmap.call("Email/get", ids=[])["state"]
        jmap.call("Email/set", update={id: {"keywords/$seen": True,
                                            "keywords/Project": True}})
        self.assertEqual(jmap.email(id, "keywords")["keywords"],
                         {"$seen": True, "project": True})
        i = self.imap()
        i.select()
        flags = i.fetch("1", "(FLAGS)")[1][0].decode()
        self.assertIn("\\Seen", flags)
        got = jmap.call("Email/changes", sinceState=state)
        self.assertEqual((got["created"], got["updated"], got["destroyed"]),
                         ([], [id], []))
        i.store("1", "FLAGS", "(\\Flagged)")
        self.assertEqual(jmap.email(id, "keywords")["keywords"],
                         {"$flagged": True})
        jmap.call("Email/set", update={id: {"keywords": {"$answered": True}}})
        self.assertEqual(jmap.email(id, "keywords")["keywords"],
                         {"$answered": True})
        for patch in ({"keywords/$seen": False}, {"keywords/a b": True},
                      {"subject": "y"}, {"keywords": 1}):
            got = jmap.call("Email/set", update={id: patch})
            self.assertIn(got["notUpdated"][id]["type"],
                          ("invalidProperties", "invalidPatch"), patch)

    def test_mailboxes(self):
        self.deliver("Subject: x\n\nText\n")
        jmap, role, id = self.jmap, self.role, self.ids()[0]
        thread = jmap.email(id, "threadId")
        state = jmap.call("Email/get", ids=[])["state"]
        jmap.call("Email/set", update={id: {
            "mailboxIds/" + role["archive"]: True}})
        self.assertEqual(set(jmap.email(id, "mailboxIds")["mailboxIds"]),
                         {role["inbox"], role["archive"]})
        self.assertEqual(self.ids(), [id])
        jmap.call("Email/set", update={id: {
            "mailboxIds": {role["trash"]: True}}})
        self.assertEqual(set(jmap.email(id, "mailboxIds")["mailboxIds"]),
                         {role["trash"]})
        self.assertEqual(jmap.email(id, "threadId"), thread)
        got = jmap.call("Email/changes", sinceState=state)
        self.assertEqual((got["created"], got["updated"], got["destroyed"]),
                         ([], [id], []))
        # The same by IMAP.
        i = self.imap()
        i.select("Trash")
        i._simple_command("UID", "MOVE", "1:*", "INBOX")
        got = jmap.call("Email/changes", sinceState=got["newState"])
        self.assertEqual((got["created"], got["updated"], got["destroyed"]),
                         ([], [id], []))
        got = jmap.call("Email/set", update={id: {"mailboxIds": {}}})
        self.assertEqual(got["notUpdated"][id]["type"], "invalidProperties")
        got = jmap.call("Email/set", update={id: {"mailboxIds/none": True}})
        self.assertEqual(got["notUpdated"][id]["type"], "invalidProperties")
        got = jmap.call("Email/set", destroy=[id, "none"])
        self.assertEqual(got["destroyed"], [id])
        self.assertEqual(got["notDestroyed"]["none"]["type"], "notFound")
        got = jmap.call("Email/changes", sinceState=state)
        self.assertEqual((got["created"], got["updated"], got["destroyed"]),
                         ([], [], [id]))

    def test_many_alike(self):
        """What is done to many at once has the results of one by one."""
        jmap, inbox, trash = self.jmap, self.role["inbox"], self.role["trash"]
        for i in range(30):
            self.deliver("Subject: %d\nMessage-ID: <%d@x>\n\nText\n" % (i, i))
        ids = self.ids()
        self.assertEqual(len(ids), 30)
        state = jmap.call("Email/get", ids=[])["state"]
        copied, gone, strange = ids[0], ids[1], ids[2]
        jmap.call("Email/set", update={
            copied: {"mailboxIds/" + self.role["archive"]: True}})
        jmap.call("Email/set", destroy=[gone])
        move = {"mailboxIds/" + inbox: None, "mailboxIds/" + trash: True}
        update = {id: move for id in ids}
        update[strange] = {"mailboxIds/" + inbox: None,
                           "mailboxIds/nothing": True}
        answer = jmap.call("Email/set", update=update)
        self.assertEqual(sorted(answer["updated"]),
                         sorted(set(ids) - {gone, strange}))
        self.assertEqual(answer["notUpdated"][gone]["type"], "notFound")
        self.assertEqual(answer["notUpdated"][strange]["type"],
                         "invalidProperties")
        for e in jmap.call("Email/get", ids=ids,
                           properties=["mailboxIds"])["list"]:
            self.assertEqual(
                e["mailboxIds"],
                {inbox: True} if e["id"] == strange else
                {trash: True, self.role["archive"]: True}
                if e["id"] == copied else {trash: True})
        changes = jmap.call("Email/changes", sinceState=state)
        self.assertEqual(sorted(changes["updated"]),
                         sorted(set(ids) - {gone, strange}))
        imap = self.imap()
        self.assertEqual(imap.select("Trash")[1], [b"28"])

        answer = jmap.call(
            "Email/set", update={ids[3]: {"keywords/$seen": True}},
            destroy=[*ids[3:20], ids[5], gone, copied, strange])
        self.assertEqual(sorted(answer["destroyed"]),
                         sorted([*ids[3:20], copied, strange]))
        self.assertEqual(list(answer["updated"]), [ids[3]])
        self.assertEqual(sorted(answer["notDestroyed"]),
                         sorted([ids[5], gone]))
        self.assertEqual(sorted(self.ids()), sorted(ids[20:]))

    def test_changes_over_restart(self):
        self.deliver("Subject: one\n\nText\n")
        one = self.ids()[0]
        state = self.jmap.call("Email/get", ids=[])["state"]
        self.jmap.close()
        self.server.stop()
        self.server.start()
        self.jmap = Jmap(self.server)
        self.assertEqual(self.jmap.call("Email/get", ids=[])["state"], state)
        self.deliver("Subject: two\n\nText\n")
        got = self.jmap.call("Email/changes", sinceState=state)
        two = [i for i in self.ids() if i != one]
        self.assertEqual((got["created"], got["updated"], got["destroyed"]),
                         (two, [], []))
        self.assertEqual(self.jmap.error("Email/changes", sinceState="x!"),
                         "cannotCalculateChanges")

    def test_large_thread(self):
        """Its last message has a say in what is asked of a thread."""
        imap = self.imap()
        text = b"Subject: n\r\nReferences: <one@x.test>\r\n\r\nx\r\n"
        for flag in ["Seen"] * 10 + ["Flagged"]:
            imap.send(b"m APPEND INBOX" + (b" (\\%s) {%d+}\r\n%s" % (
                flag.encode(), len(text), text)) *
                (25 if flag == "Seen" else 1) + b"\r\n")
            while not imap.readline().startswith(b"m OK"):
                pass

        def total(condition, word):
            return self.jmap.call("Email/query", calculateTotal=True, filter={
                condition + "InThreadHaveKeyword": word})["total"]
        self.assertEqual(total("some", "$flagged"), 251)
        self.assertEqual(total("none", "$flagged"), 0)
        self.assertEqual(total("all", "$seen"), 0)
        imap.select()
        imap.store("251", "+FLAGS", "\\Seen")
        self.assertEqual(total("all", "$seen"), 251)

    def test_query_changes(self):
        jmap = self.jmap
        for i in range(3):
            self.deliver("Subject: %d\n\nText\n" % i)
        query = {"filter": {"inMailbox": self.role["inbox"]},
                 "sort": [{"property": "subject"}]}
        first = jmap.call("Email/query", **query)
        self.assertTrue(first["canCalculateChanges"])
        self.deliver("Subject: 1b\n\nText\n")
        jmap.call("Email/set", destroy=[first["ids"][0]])
        got = jmap.call("Email/queryChanges", calculateTotal=True,
                        sinceQueryState=first["queryState"], **query)
        self.assertEqual(got["removed"], [first["ids"][0]])
        self.assertEqual([a["index"] for a in got["added"]], [1])
        self.assertEqual(got["total"], 3)
        now = jmap.call("Email/query", **query)
        self.assertEqual(now["queryState"], got["newQueryState"])
        self.assertEqual(now["ids"][1], got["added"][0]["id"])
        self.assertEqual(jmap.error("Email/queryChanges",
                                    sinceQueryState="other", **query),
                         "cannotCalculateChanges")


class Writing(Mail):
    def raw(self, id):
        return email.message_from_bytes(self.jmap.download(id)[1],
                                        policy=email.policy.default)

    def test_create(self):
        jmap = self.jmap
        blob = jmap.upload(b"\x00\xff" * 100, "image/png")["blobId"]
        made = jmap.create(
            self.role["drafts"], keywords={"$draft": True},
            **{"from": [{"name": 'A "quoted" Ä', "email": "u@example.test"}],
               "to": [{"name": "B, C", "email": "b@x.test"},
                      {"email": "c@x.test"}],
               "subject": "Grüße " * 30, "inReplyTo": ["a@x"],
               "references": ["r@x", "a@x"],
               "header:X-Own:asText": "own", "sentAt":
               "2026-11-24T09:00:00+02:00",
               "textBody": [{"partId": "t", "type": "text/plain"}],
               "htmlBody": [{"partId": "h", "type": "text/html"}],
               "attachments": [
                   {"blobId": blob, "type": "image/png", "cid": "pic",
                    "disposition": "inline"},
                   {"blobId": blob, "type": "image/png",
                    "name": 'Ü "x".png'}],
               "bodyValues": {"t": {"value": "Plain ü\n" + "x" * 2000},
                              "h": {"value": "<p>HTML</p>"}}})
        m = self.raw(made["id"])
        self.assertEqual(m["subject"].strip(), ("Grüße " * 30).strip())
        self.assertEqual(m["from"].addresses[0].display_name, 'A "quoted" Ä')
        self.assertEqual(m["to"].addresses[0].display_name, "B, C")
        self.assertEqual(m["references"], "<r@x> <a@x>")
        self.assertEqual(m["x-own"], "own")
        self.assertEqual(m["date"], "Tue, 24 Nov 2026 09:00:00 +0200")
        self.assertEqual([p.get_content_type() for p in m.walk()], [
            "multipart/mixed", "multipart/alternative", "text/plain",
            "multipart/related", "text/html", "image/png", "image/png"])
        parts = list(m.walk())
        self.assertEqual(parts[2].get_content().splitlines()[0], "Plain ü")
        self.assertEqual(parts[5].get_payload(decode=True), b"\x00\xff" * 100)
        self.assertEqual(parts[6].get_filename(), 'Ü "x".png')
        for line in self.jmap.download(made["id"])[1].split(b"\r\n"):
            self.assertLessEqual(len(line), 998)
        e = jmap.email(made["id"], "keywords", "size", "hasAttachment")
        self.assertEqual(e["keywords"], {"$draft": True})
        self.assertEqual(e["size"], made["size"])
        self.assertTrue(e["hasAttachment"])

    def test_draft_again(self):
        """Parts of a draft outlive it."""
        jmap = self.jmap
        blob = jmap.upload(b"content", "application/x-a")["blobId"]
        made = jmap.create(self.role["drafts"], keywords={"$draft": True},
                           attachments=[{"blobId": blob, "name": "a"}])
        part = jmap.email(made["id"], "attachments")["attachments"][0]
        jmap.call("Email/set", destroy=[made["id"]])
        again = jmap.create(self.role["drafts"], keywords={"$draft": True},
                            attachments=[{"blobId": part["blobId"],
                                          "name": "a"}])
        part = jmap.email(again["id"], "attachments")["attachments"][0]
        self.assertEqual(jmap.download(part["blobId"])[1], b"content")

    def test_refused(self):
        inbox = {self.role["inbox"]: True}
        cases = [
            ({}, "mailboxIds"),
            ({"mailboxIds": {"none": True}}, "mailboxIds"),
            ({"mailboxIds": inbox, "x": 1}, "x"),
            ({"mailboxIds": inbox, "subject": "a\r\nBcc: evil@x"}, "subject"),
            ({"mailboxIds": inbox, "from": [{"email": "a@b>\r\nX: y"}]},
             "from"),
            ({"mailboxIds": inbox, "to": [{"email": "a@b, c@d"}]}, "to"),
            ({"mailboxIds": inbox, "header:X-A": "a\nB: c"}, "header:X-A"),
            ({"mailboxIds": inbox, "header:Content-Type": "text/html"},
             "header:Content-Type"),
            ({"mailboxIds": inbox, "headers": []}, "headers"),
            ({"mailboxIds": inbox, "messageId": ["a> <b"]}, "messageId"),
            ({"mailboxIds": inbox, "textBody": [{"partId": "1"}]},
             "bodyValues"),
            ({"mailboxIds": inbox, "bodyValues": {"1": {"value": "x"}},
              "textBody": [{"partId": "1", "name": "a\r\nb"}]},
             "bodyStructure"),
        ]
        for object, property in cases:
            got = self.jmap.call("Email/set", create={"x": object})
            error = got["notCreated"]["x"]
            self.assertEqual((error["type"], error["properties"]),
                             ("invalidProperties", [property]), object)
        got = self.jmap.call("Email/set", create={"x": {
            "mailboxIds": inbox, "attachments": [{"blobId": "Unone"}]}})
        self.assertEqual(got["notCreated"]["x"],
                         {"type": "blobNotFound", "notFound": ["Unone"]})

    def test_import(self):
        text = HTML.replace("\n", "\r\n").encode()
        blob = self.jmap.upload(text, "message/rfc822")["blobId"]
        got = self.jmap.call("Email/import", emails={
            "a": {"blobId": blob, "mailboxIds": {self.role["archive"]: True},
                  "keywords": {"$seen": True},
                  "receivedAt": "2020-01-02T03:04:05Z"},
            "b": {"blobId": "none", "mailboxIds": {self.role["inbox"]: True}}})
        self.assertEqual(got["notCreated"]["b"]["properties"], ["blobId"])
        id = got["created"]["a"]["id"]
        self.assertEqual(self.jmap.download(id)[1], text)
        e = self.jmap.email(id, "receivedAt", "keywords")
        self.assertEqual(e["receivedAt"], "2020-01-02T03:04:05Z")
        self.assertEqual(e["keywords"], {"$seen": True})


class Sending(Mail):
    def setUp(self):
        super().setUp()
        self.other = Jmap(self.server, "user2@example.test")
        self.addCleanup(self.other.close)

    def draft(self, to="user2@example.test", **more):
        return self.jmap.create(
            self.role["drafts"], keywords={"$draft": True, "$seen": True},
            **{"from": [{"email": "user1@example.test"}],
               "to": [{"email": to}], "bcc": [], "subject": "Sent",
               "textBody": [{"partId": "1"}],
               "bodyValues": {"1": {"value": "Text"}}, **more})["id"]

    def submit(self, id, **more):
        return self.jmap.raw(("EmailSubmission/set", {
            "create": {"s": {"emailId": id, "identityId": "own", **more}},
            "onSuccessUpdateEmail": {"#s": {
                "mailboxIds/" + self.role["drafts"]: None,
                "mailboxIds/" + self.role["sent"]: True,
                "keywords/$draft": None}}}))

    def received(self, n=1):
        inbox = self.other.mailboxes()["inbox"]
        for _ in range(200):
            ids = self.other.call("Email/query",
                                  filter={"inMailbox": inbox})["ids"]
            if len(ids) >= n:
                return ids
            time.sleep(0.05)
        return ids

    def test_at_once(self):
        id = self.draft(bcc=[{"email": "user1@example.test"}])
        first, second = self.submit(id)
        made = first[1]["created"]["s"]
        self.assertEqual(made["undoStatus"], "final")
        self.assertEqual(second[0], "Email/set")
        self.assertEqual(second[1]["updated"], {id: None})
        e = self.jmap.email(id, "mailboxIds", "keywords")
        self.assertEqual(list(e["mailboxIds"]), [self.role["sent"]])
        self.assertEqual(e["keywords"], {"$seen": True})
        got = self.other.email(self.received()[0], "subject", "bcc",
                               "header:Received")
        self.assertEqual((got["subject"], got["bcc"]), ("Sent", None))
        self.assertIn("with HTTP", got["header:Received"])
        # The blind copy came, too.
        self.assertEqual(len(self.ids(
            filter={"inMailbox": self.role["inbox"]})), 1)
        listed = self.jmap.call("EmailSubmission/get", ids=None)["list"]
        self.assertEqual([s["id"] for s in listed], [made["id"]])
        self.assertNotIn("user", listed[0])

    def test_later_and_undo(self):
        def envelope(seconds):
            return {"mailFrom": {"email": "user1@example.test",
                                 "parameters": {"HOLDFOR": str(seconds)}},
                    "rcptTo": [{"email": "user2@example.test"}]}
        late = self.submit(self.draft(), envelope=envelope(3600))[0][1]
        late = late["created"]["s"]
        self.assertEqual(late["undoStatus"], "pending")
        soon = self.submit(self.draft(subject="Soon"), envelope=envelope(1))
        self.assertEqual(soon[0][1]["created"]["s"]["undoStatus"], "pending")
        ids = self.received()
        self.assertEqual([self.other.email(i, "subject")["subject"]
                          for i in ids], ["Soon"])
        got = self.jmap.call("EmailSubmission/query",
                             filter={"undoStatus": "pending"})["ids"]
        self.assertEqual(got, [late["id"]])
        got = self.jmap.call("EmailSubmission/set", update={
            late["id"]: {"undoStatus": "canceled"}})
        self.assertIsNone(got["notUpdated"])
        got = self.jmap.call("EmailSubmission/set", update={
            late["id"]: {"undoStatus": "canceled"}})
        self.assertEqual(got["notUpdated"][late["id"]]["type"], "cannotUnsend")
        self.jmap.call("EmailSubmission/set", destroy=[late["id"]])
        self.assertEqual(self.jmap.call(
            "EmailSubmission/get", ids=[late["id"]])["notFound"], [late["id"]])

    def test_later_over_restart(self):
        self.submit(self.draft(), envelope={
            "mailFrom": {"email": "user1@example.test",
                         "parameters": {"HOLDFOR": "2"}},
            "rcptTo": [{"email": "user2@example.test"}]})
        self.server.stop()
        time.sleep(2)
        self.server.start()
        self.other = Jmap(self.server, "user2@example.test")
        self.addCleanup(self.other.close)
        self.assertEqual(len(self.received()), 1)

    def test_refused(self):
        def error(id, **more):
            return self.submit(id, **more)[0][1]["notCreated"]["s"]
        self.assertEqual(error("none")["properties"], ["emailId"])
        id = self.draft()
        self.assertEqual(error(id, identityId="x")["properties"],
                         ["identityId"])
        self.assertEqual(error(self.draft(to="nobody@example.test")),
                         {"type": "invalidRecipients", "invalidRecipients":
                          ["nobody@example.test"]})
        self.assertEqual(error(id, envelope={
            "mailFrom": {"email": "user2@example.test"},
            "rcptTo": [{"email": "user2@example.test"}]})["type"],
            "forbiddenMailFrom")
        self.assertEqual(error(id, envelope={
            "mailFrom": {"email": "user1@example.test"},
            "rcptTo": []})["type"], "noRecipients")
        forged = self.draft(**{"from": [{"email": "user2@example.test"}]})
        self.assertEqual(error(forged)["type"], "forbiddenFrom")
        self.assertEqual(self.received(0), [])

    def test_identities(self):
        jmap = self.jmap
        got = jmap.call("Identity/get", ids=None)["list"]
        self.assertEqual([(i["id"], i["email"], i["mayDelete"]) for i in got],
                         [("own", "user1@example.test", False)])
        jmap.call("Identity/set", update={"own": {
            "name": "User One", "textSignature": "-- \nOne"}})
        got = jmap.call("Identity/set", create={
            "d": {"email": "user1+work@example.test", "name": "Work"},
            "x": {"email": "user2@example.test"}})
        self.assertEqual(got["notCreated"]["x"]["type"], "forbiddenFrom")
        work = got["created"]["d"]["id"]
        got = {i["id"]: i for i in jmap.call("Identity/get",
                                             ids=None)["list"]}
        self.assertEqual(got["own"]["textSignature"], "-- \nOne")
        self.assertEqual(got[work]["name"], "Work")
        got = jmap.call("Identity/set", destroy=["own", work])
        self.assertEqual(got["destroyed"], [work])
        self.assertEqual(got["notDestroyed"]["own"]["type"], "forbidden")


if __name__ == "__main__":
    unittest.main()
