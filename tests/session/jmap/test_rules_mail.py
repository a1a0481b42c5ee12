"""What RFC 8621 says must or must not be, statement by statement: mailboxes,
threads, forms of header fields, bodies, filters, orders, drafts, snippets."""

import smtplib
import unittest

import test_rules_core
from jmap import CORE, MAIL, SUBMISSION


class Mail(test_rules_core.Rules):
    def setUp(self):
        super().setUp()
        self.jmap.using = [CORE, MAIL, SUBMISSION]

    def deliver(self, text, user="user1@example.test"):
        """The id of what was delivered, by its Message-ID."""
        if isinstance(text, str):
            text = text.encode()
        with smtplib.LMTP(self.server.host, self.server.ports["lmtp"]) as m:
            m.sendmail("a@x.test", [user], text.replace(b"\n", b"\r\n"))

    def put(self, text):
        """As a message of the inbox, octet by octet."""
        if isinstance(text, str):
            text = text.encode()
        blob = self.jmap.upload(text.replace(b"\n", b"\r\n"),
                                "message/rfc822")["blobId"]
        got = self.jmap.call("Email/import", emails={"x": {
            "blobId": blob, "mailboxIds": {self.role["inbox"]: True}}})
        self.assertIsNotNone(got["created"], got)
        return got["created"]["x"]["id"]

    def box(self, name, **more):
        got = self.jmap.call("Mailbox/set",
                             create={"x": {"name": name, **more}})
        self.assertIsNotNone(got["created"], got)
        return got["created"]["x"]["id"]

    def get_box(self, id, *properties):
        return self.jmap.call("Mailbox/get", ids=[id],
                              properties=list(properties))["list"][0]


class Mailboxes(Mail):
    def set(self, box, **patch):
        return self.jmap.call("Mailbox/set", update={box: patch})

    def test_created(self):
        """What the server decided is told (RFC 8620, 5.3)."""
        got = self.jmap.call("Mailbox/set", create={"x": {
            "name": "Told", "sortOrder": 77, "isSubscribed": False}})
        made = got["created"]["x"]
        whole = self.jmap.call("Mailbox/get", ids=[made["id"]])["list"][0]
        for name in ("sortOrder", "totalEmails", "unreadEmails",
                     "totalThreads", "unreadThreads", "myRights"):
            self.assertEqual(made[name], whole[name], name)
        self.assertFalse(whole["isSubscribed"])

    def test_create_wrong(self):
        for object, property in (
                ({}, "name"), ({"name": 1}, "name"), ({"name": ""}, "name"),
                ({"name": "a/b"}, "name"), ({"name": "inbox"}, "name"),
                ({"name": "x", "parentId": "none"}, "parentId"),
                ({"name": "x", "parentId": 1}, "parentId"),
                ({"name": "x", "role": "inbox"}, "role"),
                ({"name": "x", "role": "sent"}, "role"),
                ({"name": "x", "role": "nothing"}, "role"),
                ({"name": "x", "role": 1}, "role"),
                ({"name": "x", "isSubscribed": 1}, "isSubscribed"),
                ({"name": "x", "sortOrder": -1}, "sortOrder"),
                ({"name": "x", "totalEmails": 0}, "totalEmails"),
                ({"name": "x", "id": "x"}, "id"),
                ({"name": "x", "other": 1}, "other")):
            got = self.jmap.call("Mailbox/set", create={"x": object})
            self.failed(got, "notCreated", "x", "invalidProperties", property)

    def test_unique(self):
        """2: no two of one name below the same parent; the same name below
        others is none of that."""
        a, b = self.box("UniqueA"), self.box("UniqueB")
        self.box("Same", parentId=a)
        self.box("Same", parentId=b)
        got = self.jmap.call("Mailbox/set", create={"x": {
            "name": "Same", "parentId": a}})
        self.failed(got, "notCreated", "x", "invalidProperties", "name")
        self.failed(self.set(b, name="UniqueA"), "notUpdated", b,
                    "invalidProperties", "name")

    def test_below_itself(self):
        a = self.box("Loop")
        b = self.box("Loop2", parentId=a)
        for parent in (a, b):
            self.failed(self.set(a, parentId=parent), "notUpdated", a,
                        "invalidProperties", "parentId")

    def test_renamed_with_children(self):
        a = self.box("Above")
        b = self.box("Below", parentId=a)
        self.assertIsNone(self.set(a, name="Elsewhere")["notUpdated"])
        self.assertEqual(self.get_box(b, "parentId", "name"), {
            "id": b, "parentId": a, "name": "Below"})

    def test_roles(self):
        """Each role once; it can be given, taken, and moved."""
        a = self.box("RoleA")
        self.failed(self.set(a, role="junk"), "notUpdated", a,
                    "invalidProperties", "role")
        for wrong in ("inbox", "nothing", 1):
            self.failed(self.set(a, role=wrong), "notUpdated", a,
                        "invalidProperties", "role")
        self.failed(self.set(self.role["inbox"], role=None), "notUpdated",
                    self.role["inbox"], "invalidProperties", "role")
        junk = self.role["junk"]
        self.assertEqual(self.set(junk, role=None)["updated"], {junk: None})
        self.assertIsNone(self.get_box(junk, "role")["role"])
        self.assertEqual(self.set(a, role="junk")["updated"], {a: None})
        self.assertEqual(self.get_box(a, "role")["role"], "junk")
        self.set(a, role=None)
        self.assertEqual(self.set(junk, role="junk")["updated"], {junk: None})

    def test_update_wrong(self):
        a = self.box("Updated")
        for patch, property in (
                ({"name": None}, "name"), ({"name": 1}, "name"),
                ({"totalEmails": 5}, "totalEmails"), ({"other": 1}, "other"),
                ({"isSubscribed": None}, "isSubscribed"),
                ({"parentId": "none"}, "parentId"),
                ({"id": "other"}, "id")):
            self.failed(self.set(a, **patch), "notUpdated", a,
                        "invalidProperties", property)
        # As it is, it may be there.
        whole = self.jmap.call("Mailbox/get", ids=[a])["list"][0]
        self.assertEqual(self.set(a, **whole)["updated"], {a: None})
        self.assertEqual(self.jmap.call("Mailbox/get", ids=[a])["list"][0],
                         whole)

    def test_destroy(self):
        a = self.box("Destroyed")
        id = self.make("in both", mailbox=a)
        self.patch(id, {"mailboxIds/" + self.role["inbox"]: True})
        alone = self.make("alone", mailbox=a)
        got = self.jmap.call("Mailbox/set", destroy=[a])
        self.failed(got, "notDestroyed", a, "mailboxHasEmail")
        got = self.jmap.call("Mailbox/set", destroy=[a],
                             onDestroyRemoveEmails=True)
        self.assertEqual(got["destroyed"], [a])
        # 2.5: what is elsewhere, too, stays there.
        self.assertEqual(self.jmap.email(id, "mailboxIds")["mailboxIds"],
                         {self.role["inbox"]: True})
        self.assertIsNone(self.jmap.email(alone, "id"))
        self.assertEqual(self.jmap.error(
            "Mailbox/set", destroy=["x"], onDestroyRemoveEmails="yes"),
            "invalidArguments")

    def test_destroy_tree(self):
        """Children first, in one call."""
        a = self.box("Tree")
        b = self.box("Leaf", parentId=a)
        self.assertEqual(self.jmap.call("Mailbox/set", destroy=[b, a])
                         ["destroyed"], [b, a])

    def test_query_trees(self):
        """2.3: sortAsTree and filterAsTree."""
        self.jmap.call("Mailbox/set", create={
            "b": {"name": "qB"}, "a": {"name": "qA"},
            "bz": {"name": "qZ", "parentId": "#b"},
            "ba": {"name": "qA", "parentId": "#b"},
            "az": {"name": "other", "parentId": "#a"},
            "azq": {"name": "qDeep", "parentId": "#az"}})

        def names(**more):
            ids = self.jmap.call("Mailbox/query", **more)["ids"]
            found = self.jmap.call("Mailbox/get", ids=ids)["list"]
            self.assertEqual([m["id"] for m in found], ids)
            by = {m["id"]: m for m in found}
            out = []
            for m in found:
                path = [m["name"]]
                while m["parentId"] in by:
                    m = by[m["parentId"]]
                    path.insert(0, m["name"])
                out.append("/".join(path))
            return out
        filter = {"name": "q"}
        sort = [{"property": "name"}]
        self.assertEqual(sorted(names(filter=filter, sort=sort)), [
            "qA", "qB", "qB/qA", "qB/qZ", "qDeep"])
        self.assertEqual(names(filter=filter, sort=sort, sortAsTree=True,
                               filterAsTree=True),
                         ["qA", "qB", "qB/qA", "qB/qZ"])
        self.assertEqual(
            names(filter=filter, sort=[{"property": "name",
                                        "isAscending": False}],
                  sortAsTree=True, filterAsTree=True),
            ["qB", "qB/qZ", "qB/qA", "qA"])

    def test_query_filters(self):
        """The subscribed, those without a role, those at the top."""
        inbox = self.role["inbox"]
        sub = self.box("Sub", isSubscribed=False)

        def ids(filter):
            return self.jmap.call("Mailbox/query", filter=filter)["ids"]
        self.assertIn(inbox, ids({"isSubscribed": True}))
        self.assertNotIn(sub, ids({"isSubscribed": True}))
        self.assertIn(sub, ids({"isSubscribed": False}))
        self.assertEqual(set(ids({"hasAnyRole": True})),
                         set(self.role.values()))
        self.assertIn(sub, ids({"role": None}))
        self.assertIn(sub, ids({"parentId": None}))
        self.assertEqual(ids({"operator": "NOT",
                              "conditions": [{"role": "inbox"}]}),
                         [i for i in ids(None) if i != inbox])
        for filter in ({"x": 1}, {"operator": "XOR", "conditions": []},
                       {"operator": "OR",
                        "conditions": [{"hasAnyRole": True}, {"x": 1}]}):
            self.assertEqual(self.jmap.error("Mailbox/query", filter=filter),
                             "unsupportedFilter")
        for filter in ({"name": 1}, {"hasAnyRole": "yes"}, {"role": 1}):
            self.assertEqual(self.jmap.error("Mailbox/query", filter=filter),
                             "invalidArguments")
        self.assertEqual(self.jmap.error(
            "Mailbox/query", sort=[{"property": "role"}]), "unsupportedSort")
        self.assertEqual(self.jmap.error("Mailbox/query", sort=1),
                         "invalidArguments")


class Headers(Mail):
    """4.1.2 and 4.1.3."""

    def value(self, field, *names, **more):
        id = self.put("From: a@x.test\n%s\n\nText\n" % field)
        got = self.jmap.email(id, *("header:" + n for n in names), **more)
        return [got["header:" + n] for n in names]

    def test_raw(self):
        self.assertEqual(self.value("X-A:  two spaces\n\tfolded ",
                                    "X-A", "x-a:asRaw", "X-None", "X-A:all"),
                         ["  two spaces\r\n\tfolded ",
                          "  two spaces\r\n\tfolded ", None,
                          ["  two spaces\r\n\tfolded "]])

    def test_text(self):
        for raw, wanted in (
                ("  folded\n text", "folded text"),
                ("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
                ("=?utf-8?q?A?= =?utf-8?b?Qg==?=", "AB"),
                ("=?utf-8?q?u=CC=88?=", "ü"),  # 4.1.2.2: NFC
                ("=?iso-8859-1?q?=FC?=", "ü"),
                ("=?utf-8?q?a=00=07b?=", "ab")):
            self.assertEqual(self.value("Subject: " + raw, "Subject:asText"),
                             [wanted], raw)

    def test_last_and_all(self):
        field = "X-A: one\nX-A: two\nx-a: three"
        self.assertEqual(
            self.value(field, "X-A:asText", "X-A:asText:all",
                       "X-None:asText:all"),
            ["three", ["one", "two", "three"], []])

    def test_addresses(self):
        for raw, wanted in (
                ("a@x.test", [[None, "a@x.test"]]),
                ("\"A, \\\"B\\\"\" <a@x.test>", [["A, \"B\"", "a@x.test"]]),
                ("=?utf-8?q?=C3=84?= <a@x.test>, b@x.test",
                 [["Ä", "a@x.test"], [None, "b@x.test"]]),
                ("a@x.test (Ann)", [["Ann", "a@x.test"]]),
                ("undisclosed-recipients:;", []),
                ("<a@x.test>,,<b@x.test>", [[None, "a@x.test"],
                                            [None, "b@x.test"]])):
            got = self.value("X-A: " + raw, "X-A:asAddresses")[0]
            self.assertEqual([[a["name"], a["email"]] for a in got], wanted,
                             raw)

    def test_others(self):
        for field, name, wanted in (
                ("Message-ID: (c) <a@x> (d)", "Message-ID:asMessageIds",
                 ["a@x"]),
                ("References: <a@x>\n <b@x>", "References:asMessageIds",
                 ["a@x", "b@x"]),
                ("References: none", "References:asMessageIds", None),
                ("Date: Tue, 1 Dec 2026 10:00:00 -0330", "Date:asDate",
                 "2026-12-01T10:00:00-03:30"),
                ("Date: Tue, 1 Dec 2026 10:00:00 GMT", "Date:asDate",
                 "2026-12-01T10:00:00Z"),
                ("Date: never", "Date:asDate", None),
                ("List-Post: <mailto:a@x>, (c) <http://x/>",
                 "List-Post:asURLs", ["mailto:a@x", "http://x/"]),
                ("List-Post: NO", "List-Post:asURLs", None)):
            self.assertEqual(self.value(field, name), [wanted], field)

    def test_forbidden(self):
        for name in ("From:asDate", "Date:asText", "Subject:asAddresses",
                     "Message-ID:asText", "List-Post:asText", "To:asURLs",
                     "Received:asDate:all:all", "X-A:asNothing", "X-A:all:all",
                     "X-A:all:asText", "", "X A", ":asText"):
            for args in ({"properties": ["header:" + name]},
                         {"properties": ["bodyStructure"],
                          "bodyProperties": ["header:" + name]}):
                self.assertEqual(self.jmap.error("Email/get", ids=[], **args),
                                 "invalidArguments", name)
        for name in ("X-A:asText", "X-A:asDate:all", "From:asRaw",
                     "from:asAddresses", "Comments:asText"):
            self.jmap.call("Email/get", ids=[], properties=["header:" + name])

    def test_long_lists(self):
        """All recipients are told, and found."""
        addresses = ["person%d@example.test" % i for i in range(300)]
        id = self.put("From: a@x.test\nTo: %s\nSubject: mailing\n\nText\n" %
                      ",\n ".join(addresses))
        for properties in (["to"], ["to", "subject"], ["to", "textBody"]):
            got = self.jmap.email(id, *properties)
            self.assertEqual([a["email"] for a in got["to"]], addresses)
        self.assertEqual(set(self.jmap.email(id, "to", "preview")),
                         {"id", "to", "preview"})
        self.assertEqual(self.jmap.call(
            "Email/query", filter={"to": "person299@"})["ids"], [id])
        self.assertEqual(self.jmap.call(
            "Email/query", filter={"to": "person300@"})["ids"], [])


class Bodies(Mail):
    """4.1.4."""

    def get(self, text, **more):
        return self.jmap.email(
            self.put(text), "bodyStructure", "bodyValues", "textBody",
            "htmlBody", "attachments", "hasAttachment", "headers",
            fetchAllBodyValues=True, **more)

    def mime(self, type, body):
        return "From: a@x.test\nMIME-Version: 1.0\nContent-Type: %s\n\n%s" % (
            type, body)

    def test_none(self):
        for text in ("From: a@x.test\n\n", "From: a@x.test\n", "From: a@x\n\nx"):
            got = self.get(text)
            self.has(got["bodyStructure"], type="text/plain", partId="1",
                     charset="us-ascii", name=None, disposition=None,
                     cid=None, language=None, location=None)
            self.assertFalse(got["hasAttachment"])

    def test_not_recursive(self):
        """A message in a message is one part, and one to be parsed."""
        inner = "From: b@x.test\nSubject: inner\n\nInner text\n"
        got = self.get(self.mime("multipart/mixed; boundary=b",
                                 "--b\n\nText\n--b\nContent-Type: "
                                 "message/rfc822\n\n%s--b--\n" % inner))
        parts = got["bodyStructure"]["subParts"]
        self.assertEqual([p["type"] for p in parts],
                         ["text/plain", "message/rfc822"])
        self.assertNotIn("subParts", parts[1])
        self.assertTrue(got["hasAttachment"])
        parsed = self.jmap.call(
            "Email/parse", blobIds=[parts[1]["blobId"]],
            properties=["subject", "textBody", "bodyValues", "id"],
            fetchTextBodyValues=True)["parsed"][parts[1]["blobId"]]
        self.has(parsed, subject="inner", id=None)
        self.assertEqual(list(parsed["bodyValues"].values())[0]["value"]
                         .strip(), "Inner text")

    def test_lists(self):
        """Which part is in which list: the table of the algorithm."""
        def part(type, more=""):
            return "--b\nContent-Type: %s\n%s\nx\n" % (type, more)
        attached = "Content-Disposition: attachment; filename=a\n"
        for kind, parts, text, html, attachments in (
                ("mixed", [part("text/plain"), part("text/html")],
                 ["1", "2"], ["1", "2"], []),
                ("alternative", [part("text/plain"), part("text/html")],
                 ["1"], ["2"], []),
                ("alternative", [part("text/html")], ["1"], ["1"], []),
                ("alternative", [part("text/plain")], ["1"], ["1"], []),
                ("mixed", [part("text/plain"), part("text/plain", attached)],
                 ["1"], ["1"], ["2"]),
                ("mixed", [part("text/plain"), part("image/png")],
                 ["1", "2"], ["1", "2"], []),
                ("related", [part("text/html"), part("image/png")],
                 ["1"], ["1"], ["2"]),
                ("mixed", [part("application/pdf")], [], [], ["1"]),
                ("mixed", [part("text/plain"), part("text/csv")],
                 ["1"], ["1"], ["2"])):
            got = self.get(self.mime("multipart/%s; boundary=b" % kind,
                                     "".join(parts) + "--b--\n"))
            for name, wanted in (("textBody", text), ("htmlBody", html),
                                 ("attachments", attachments)):
                self.assertEqual([p["partId"] for p in got[name]], wanted,
                                 (kind, parts, name))

    def test_values(self):
        for type, body, wanted, problem in (
                ("text/plain; charset=utf-8", "ü\r\nx", "ü\nx", False),
                ("text/plain; charset=iso-8859-1", b"\xfc", "ü", False),
                ("text/plain; charset=utf-8", b"a\xffb", "a\ufffdb", True),
                ("text/plain; charset=x-none", "abc", "abc", True),
                ("text/plain; charset=utf-8", "a\ufffdb", "a\ufffdb", False),
                ("text/plain\nContent-Transfer-Encoding: x-none", "abc",
                 "abc", True),
                ("text/plain; charset=utf-8\nContent-Transfer-Encoding: "
                 "quoted-printable", "=C3=BC=\nx", "üx", False),
                ("text/plain; charset=utf-8\nContent-Transfer-Encoding: "
                 "base64", "w7w=", "ü", False)):
            body = body.encode() if isinstance(body, str) else body
            blob = self.jmap.upload(
                ("From: a@x\r\nMIME-Version: 1.0\r\nContent-Type: " + type)
                .replace("\n", "\r\n").replace("\r\r", "\r").encode() +
                b"\r\n\r\n" + body)["blobId"]
            got = self.jmap.call(
                "Email/parse", blobIds=[blob], properties=["bodyValues"],
                fetchAllBodyValues=True)["parsed"][blob]["bodyValues"]["1"]
            self.assertEqual(got, {"value": wanted, "isTruncated": False,
                                   "isEncodingProblem": problem}, type)

    def test_truncated(self):
        """Not within a character, nor a tag."""
        for text, most, wanted, cut in (
                ("üüü", 6, "üüü", False), ("üüü", 5, "üü", True),
                ("üüü", 1, "", True), ("abc", 0, "abc", False)):
            got = self.jmap.email(
                self.put(self.mime("text/plain; charset=utf-8", text)),
                "bodyValues", fetchAllBodyValues=True,
                maxBodyValueBytes=most)["bodyValues"]["1"]
            self.assertEqual((got["value"], got["isTruncated"]), (wanted, cut))
        got = self.jmap.email(
            self.put(self.mime("text/html", "<p>a</p><a href=\"x\">b</a>")),
            "bodyValues", fetchAllBodyValues=True,
            maxBodyValueBytes=14)["bodyValues"]["1"]
        self.assertEqual(got["value"], "<p>a</p>")
        for wrong in (-1, "1", 1.5):
            self.assertEqual(self.jmap.error(
                "Email/get", ids=[], maxBodyValueBytes=wrong),
                "invalidArguments")

    def test_part_blobs(self):
        got = self.get(self.mime(
            "multipart/mixed; boundary=b",
            "--b\nContent-Type: application/x\nContent-Transfer-Encoding: "
            "base64\nContent-ID: <c@x>\nContent-Language: de, en\n"
            "Content-Location: http://x/\nContent-Disposition: INLINE; "
            "filename*=utf-8''%C3%BC.bin\n\nAAEC\n--b--\n"))
        part = got["bodyStructure"]["subParts"][0]
        self.has(part, type="application/x", size=3, cid="c@x",
                 language=["de", "en"], location="http://x/",
                 disposition="inline", name="ü.bin", charset=None)
        self.assertEqual(self.jmap.download(part["blobId"])[1], b"\0\1\2")
        self.assertEqual(got["bodyStructure"]["partId"], None)
        self.assertEqual(got["bodyStructure"]["blobId"], None)


class Filters(Mail):
    """4.4.1 and 4.4.2."""

    def find(self, box, filter, **more):
        return self.jmap.call("Email/query", filter={
            "operator": "AND", "conditions": [{"inMailbox": box}, filter]},
            sort=[{"property": "receivedAt"}], **more)["ids"]

    def test_times_and_sizes(self):
        box = self.box("Times")
        ids = [self.make("t", mailbox=box, receivedAt="2026-01-0%dT00:00:00Z"
                         % d) for d in (1, 2, 3)]
        for filter, wanted in (
                ({"before": "2026-01-02T00:00:00Z"}, ids[:1]),
                ({"after": "2026-01-02T00:00:00Z"}, ids[1:]),
                ({"after": "2026-01-02T00:00:00Z",
                  "before": "2026-01-03T00:00:00Z"}, ids[1:2])):
            self.assertEqual(self.find(box, filter), wanted, filter)
        size = self.jmap.email(ids[0], "size")["size"]
        for filter, wanted in (({"minSize": size}, 3), ({"maxSize": size}, 0),
                               ({"minSize": size + 1}, 0),
                               ({"maxSize": size + 1}, 3)):
            self.assertEqual(len(self.find(box, filter)), wanted, filter)

    def test_threads(self):
        box = self.box("ThreadFlags")
        root = self.make("r", ("$seen", "x"), box, messageId=["tf@x"],
                         receivedAt="2026-01-01T00:00:00Z")
        reply = self.make("Re: r", ("x",), box, references=["tf@x"],
                          receivedAt="2026-01-02T00:00:00Z")
        alone = self.make("a", ("$seen",), box,
                          receivedAt="2026-01-03T00:00:00Z")
        for filter, wanted in (
                ({"allInThreadHaveKeyword": "$seen"}, [alone]),
                ({"someInThreadHaveKeyword": "$seen"}, [root, reply, alone]),
                ({"noneInThreadHaveKeyword": "x"}, [alone]),
                ({"allInThreadHaveKeyword": "x"}, [root, reply]),
                ({"hasKeyword": "$SEEN"}, [root, alone]),
                ({"notKeyword": "$seen"}, [reply])):
            self.assertEqual(self.find(box, filter), wanted, filter)

    def test_keywords_of_copies(self):
        """A message is read when it is so everywhere, else it has what it has
        anywhere; in the list as in the message."""
        a, b = self.box("CopyA"), self.box("CopyB")
        id = self.make("copied", (), a)
        self.patch(id, {"mailboxIds/" + b: True})
        self.assertEqual(self.find(a, {"hasKeyword": "$seen"}), [])
        self.patch(id, {"keywords/$seen": True, "keywords/x": True})
        for box in (a, b):
            self.assertEqual(self.find(box, {"hasKeyword": "$seen"}), [id])
            self.assertEqual(self.find(box, {"notKeyword": "x"}), [])
        # Once, though it is in two places.
        self.assertEqual(self.jmap.call("Email/query", filter={
            "subject": "copied"})["ids"], [id])
        self.assertEqual(self.jmap.call("Email/query", filter={
            "inMailbox": a, "inMailboxOtherThan": [a]})["ids"], [id])
        self.assertEqual(self.jmap.call("Email/query", filter={
            "inMailbox": a, "inMailboxOtherThan": [a, b]})["ids"], [])

    def test_texts(self):
        box = self.box("Texts")
        id = self.make("Grüße aus Köln", (), box,
                       textBody=[{"partId": "t"}],
                       bodyValues={"t": {"value": "Der Straßenname steht da"}},
                       **{"from": [{"name": "Ärger", "email": "a@x.test"}],
                          "cc": [{"email": "carbon@x.test"}]})
        for filter in ({"subject": "GRÜSSE"}, {"text": "köln"},
                       {"body": "STRASSENNAME"}, {"from": "ärger"},
                       {"cc": "carbon"}, {"text": "carbon"},
                       {"text": "\"aus Köln\""}, {"text": "köln straßenname"},
                       {"header": ["Cc"]}, {"header": ["cc", "CARBON"]},
                       {"hasAttachment": False}):
            self.assertEqual(self.find(box, filter), [id], filter)
        for filter in ({"subject": "Straßenname"}, {"body": "Köln"},
                       {"to": "carbon"}, {"text": "köln nirgends"},
                       {"text": "\"Köln aus\""}, {"header": ["Bcc"]},
                       {"header": ["Cc", "other"]}, {"hasAttachment": True}):
            self.assertEqual(self.find(box, filter), [], filter)
        for filter in ({"subject": 1}, {"text": None}, {"header": []},
                       {"header": ["a", "b", "c"]}, {"header": "Cc"},
                       {"before": "yesterday"}, {"minSize": -1},
                       {"inMailbox": 1}, {"inMailboxOtherThan": "x"},
                       {"hasKeyword": 1}):
            self.assertIn(self.jmap.error("Email/query", filter=filter),
                          ("unsupportedFilter", "invalidArguments"), filter)

    def test_orders(self):
        box = self.box("Orders")
        same = "A subject of which the first hundred octets are the same " * 2
        ids = [self.make(same + n, (), box, receivedAt=at, sentAt=sent, **{
            "from": [{"name": name, "email": "a@x.test"}],
            "to": [{"email": to}]})
            for n, at, sent, name, to in (
                ("b", "2026-01-03T00:00:00Z", "2020-01-01T00:00:00Z", "z",
                 "b@x"),
                ("a", "2026-01-01T00:00:00Z", "2021-01-01T00:00:00Z", "Ä",
                 "c@x"),
                ("c", "2026-01-02T00:00:00Z", "2019-01-01T00:00:00Z", "b",
                 "a@x"))]
        self.patch(ids[1], {"keywords/x": True})

        def order(*sort):
            return [ids.index(i) for i in self.jmap.call(
                "Email/query", filter={"inMailbox": box},
                sort=list(sort))["ids"]]
        for property, wanted in (
                ("receivedAt", [1, 2, 0]), ("sentAt", [2, 0, 1]),
                ("subject", [1, 0, 2]), ("from", [1, 2, 0]),
                ("to", [2, 0, 1])):
            self.assertEqual(order({"property": property}), wanted, property)
            self.assertEqual(order({"property": property,
                                    "isAscending": False}), wanted[::-1])
        self.assertEqual(order({"property": "hasKeyword", "keyword": "x"},
                               {"property": "receivedAt"}), [2, 0, 1])
        self.assertEqual(order({"property": "from",
                                "collation": "i;ascii-casemap"}), [2, 0, 1])

    def test_copies_in_one_mailbox(self):
        """A message that is twice in a mailbox is one."""
        import imaplib
        id = self.make("twice", (), self.role["archive"])
        c = imaplib.IMAP4(self.server.host, self.server.ports["imap"])
        self.addCleanup(c.shutdown)
        c.login("user1@example.test", self.server.password)
        c.select("Archive")
        number = c.search(None, "SUBJECT", "twice")[1][0].decode().split()[0]
        c.copy(number, "Archive")
        for collapse in (True, False):
            got = self.jmap.call(
                "Email/query", filter={"inMailbox": self.role["archive"]},
                collapseThreads=collapse)["ids"]
            self.assertEqual(got.count(id), 1)
        self.jmap.call("Email/set", destroy=[id])
        self.assertEqual(self.jmap.call(
            "Email/query", filter={"subject": "twice"})["ids"], [])


class Drafts(Mail):
    """4.6."""

    def create(self, **email):
        return self.jmap.call("Email/set", create={"x": {
            "mailboxIds": {self.role["drafts"]: True},
            "bodyValues": {"1": {"value": "x"}}, **email}})

    def test_refused(self):
        text = {"partId": "1", "type": "text/plain"}
        html = {"partId": "1", "type": "text/html"}
        for email, property in (
                ({"headers": []}, "headers"),
                ({"from": [], "header:From:asAddresses": []}, None),
                ({"subject": "a", "header:SUBJECT": " b"}, None),
                ({"header:X-A": " b", "header:x-a:asText": "b"}, None),
                ({"header:Content-Type": " text/plain"},
                 "header:Content-Type"),
                ({"header:From:asDate": None}, "header:From:asDate"),
                ({"bodyStructure": text, "textBody": [text]},
                 "bodyStructure"),
                ({"textBody": []}, "textBody"),
                ({"textBody": [text, text]}, "textBody"),
                ({"textBody": [html]}, "textBody"),
                ({"htmlBody": [text]}, "htmlBody"),
                ({"htmlBody": [html, html]}, "htmlBody"),
                ({"attachments": {}}, "attachments"),
                ({"subject": "a", "bodyStructure": {
                    **text, "header:Subject:asText": "b"}}, None),
                ({"bodyStructure": {**text, "headers": []}}, "headers"),
                ({"bodyStructure": {**text, "charset": "utf-8"}}, None),
                ({"bodyStructure": {**text, "size": 1}}, None),
                ({"bodyStructure": {**text, "blobId": "b"}}, None),
                ({"bodyStructure": {"type": "text/plain"}}, None),
                ({"bodyStructure": {
                    **text, "header:Content-Transfer-Encoding": " 8bit"}},
                 "header:Content-Transfer-Encoding"),
                ({"bodyStructure": {"partId": "none"}}, "bodyValues"),
                ({"bodyStructure": text, "bodyValues": {"1": {
                    "value": "x", "isTruncated": True}}}, "bodyValues"),
                ({"bodyStructure": text, "bodyValues": {"1": {
                    "value": "x", "isEncodingProblem": True}}}, "bodyValues"),
                ({"id": "x"}, "id"), ({"threadId": "x"}, "threadId"),
                ({"size": 1}, "size"), ({"preview": "x"}, "preview"),
                ({"other": 1}, "other"), ({"receivedAt": "x"}, "receivedAt"),
                ({"mailboxIds": {}}, "mailboxIds"),
                ({"mailboxIds": {"none": True}}, "mailboxIds"),
                ({"keywords": {"a b": True}}, "keywords"),
                ({"keywords": {"a": False}}, "keywords")):
            got = self.create(**email)
            self.assertIsNone(got["created"], email)
            self.failed(got, "notCreated", "x", "invalidProperties", property)

    def test_missing_blobs(self):
        got = self.create(attachments=[{"blobId": "none",
                                        "type": "image/png"}])
        self.failed(got, "notCreated", "x", "blobNotFound")
        self.assertEqual(got["notCreated"]["x"]["notFound"], ["none"])

    def test_limits(self):
        got = self.create(keywords={"k%d" % i: True for i in range(200)})
        self.failed(got, "notCreated", "x", "tooManyKeywords")
        most = self.jmap.session["accounts"][self.account][
            "accountCapabilities"][MAIL]["maxMailboxesPerEmail"]
        got = self.create(mailboxIds={"x%d" % i: True
                                      for i in range(most + 1)})
        self.failed(got, "notCreated", "x", "tooManyMailboxes")

    def test_round_trip(self):
        """What is written is read again."""
        email = {
            "from": [{"name": "Ännchen, \"A\"", "email": "a@x.test"}],
            "to": [{"name": None, "email": "b@x.test"},
                   {"name": "(c) <d>", "email": "c@x.test"}],
            "subject": "Ein =?utf-8?q?x?= langer " + "Betreff üöä " * 20,
            "messageId": ["m1@x.test"], "references": ["r1@x", "r2@x"],
            "inReplyTo": ["r2@x"], "sentAt": "2026-01-02T03:04:05-07:00"}
        id = self.create(**email, textBody=[{"partId": "1"}])[
            "created"]["x"]["id"]
        got = self.jmap.email(id, *email)
        email["subject"] = email["subject"].strip()
        self.assertEqual({k: got[k] for k in email}, email)

    def test_other_fields(self):
        id = self.create(**{
            "header:X-Addresses:asAddresses:all": [
                [{"name": "A", "email": "a@x"}], [{"email": "b@x"}]],
            "header:X-Group:asGroupedAddresses": [
                {"name": "G", "addresses": [{"email": "a@x"}]}],
            "header:X-Date:asDate": "2026-01-02T03:04:05Z",
            "header:List-Post:asURLs": ["mailto:a@x"],
            "header:X-Raw": " raw  text",
            "textBody": [{"partId": "1", "header:X-Part:asText": "p",
                          "language": ["de"]}]})["created"]["x"]["id"]
        got = self.jmap.email(
            id, "header:X-Addresses:asAddresses:all", "header:X-Raw",
            "header:X-Date:asDate", "header:List-Post:asURLs",
            "header:X-Part:asText", "textBody",
            bodyProperties=["language"])
        self.has(got, **{
            "header:X-Addresses:asAddresses:all": [
                [{"name": "A", "email": "a@x"}],
                [{"name": None, "email": "b@x"}]],
            "header:X-Raw": " raw  text", "header:X-Part:asText": "p",
            "header:X-Date:asDate": "2026-01-02T03:04:05Z",
            "header:List-Post:asURLs": ["mailto:a@x"],
            "textBody": [{"language": ["de"]}]})

    def test_import_and_parse(self):
        """4.8 and 4.9."""
        inbox = self.role["inbox"]
        self.assertEqual(self.jmap.error("Email/import"), "invalidArguments")
        self.assertEqual(self.jmap.error("Email/parse"), "invalidArguments")
        png = self.jmap.upload(b"\x89PNG\r\n\x1a\n" + b"\0" * 50)["blobId"]
        mail = self.jmap.upload(b"Subject: s\r\n\r\nx")["blobId"]
        got = self.jmap.call("Email/import", emails={
            "a": {"blobId": png, "mailboxIds": {inbox: True}},
            "b": {"blobId": "none", "mailboxIds": {inbox: True}},
            "c": {"blobId": mail}, "d": {"mailboxIds": {inbox: True}},
            "e": {"blobId": mail, "mailboxIds": {inbox: True},
                  "subject": "x"},
            "f": {"blobId": mail, "mailboxIds": {inbox: True},
                  "keywords": {"k": True},
                  "receivedAt": "2026-01-01T00:00:00Z"}})
        self.failed(got, "notCreated", "a", "invalidEmail")
        for key, property in (("b", "blobId"), ("c", "mailboxIds"),
                              ("d", "blobId"), ("e", "subject")):
            self.failed(got, "notCreated", key, "invalidProperties", property)
        self.assertEqual(set(got["created"]["f"]),
                         {"id", "blobId", "threadId", "size"})
        self.has(self.jmap.email(got["created"]["f"]["id"], "keywords",
                                 "receivedAt", "subject"),
                 keywords={"k": True}, receivedAt="2026-01-01T00:00:00Z",
                 subject="s")
        got = self.jmap.call("Email/parse", blobIds=[png, mail, "none"])
        self.assertEqual(got["notFound"], ["none"])
        self.assertEqual(got["notParsable"], [png])
        self.assertEqual(list(got["parsed"]), [mail])


class Snippets(Mail):
    def snippet(self, filter, subject, text):
        id = self.make(subject, textBody=[{"partId": "t"}],
                       bodyValues={"t": {"value": text}})
        got = self.jmap.call("SearchSnippet/get", filter=filter,
                             emailIds=[id])["list"][0]
        return got["subject"], got["preview"]

    def test_marks(self):
        for filter, subject, text, wanted in (
                ({"text": "a&b"}, "x a&b <i>", "none",
                 ("x <mark>a&amp;b</mark> &lt;i&gt;", None)),
                ({"text": "äpfel"}, "ÄPFEL und Birnen", "viele Äpfel",
                 ("<mark>ÄPFEL</mark> und Birnen", "viele <mark>Äpfel</mark>")),
                ({"text": "strasse"}, "Straße", "die STRASSE",
                 ("<mark>Straße</mark>", "die <mark>STRASSE</mark>")),
                ({"subject": "one"}, "one", "one", ("<mark>one</mark>", None)),
                ({"body": "one"}, "one", "one", (None, "<mark>one</mark>")),
                ({"from": "one"}, "one", "one", (None, None)),
                ({"operator": "NOT", "conditions": [{"text": "one"}]}, "one",
                 "one", (None, None)),
                ({"operator": "OR", "conditions": [
                    {"text": "one"}, {"text": "two"}]}, "two one", "x",
                 ("<mark>two</mark> <mark>one</mark>", None)),
                (None, "one", "one", (None, None))):
            self.assertEqual(self.snippet(filter, subject, text), wanted,
                             (filter, subject))

    def test_arguments(self):
        id = self.make("s")
        self.assertEqual(self.jmap.error("SearchSnippet/get",
                                         filter={"text": "x"}),
                         "invalidArguments")
        self.assertEqual(self.jmap.error(
            "SearchSnippet/get", emailIds=[id], filter={"x": 1}),
            "unsupportedFilter")
        got = self.jmap.call("SearchSnippet/get", emailIds=["none"],
                             filter={"text": "x"})
        self.assertEqual((got["list"], got["notFound"]), ([], ["none"]))


class Submissions(Mail):
    def setUp(self):
        super().setUp()
        self.identity = self.jmap.call("Identity/get")["list"][0]["id"]
        self.draft = self.make(
            "to send", ("$draft",), self.role["drafts"],
            to=[{"email": "user2@example.test"}],
            **{"from": [{"email": "user1@example.test"}]})

    def submit(self, **more):
        return self.jmap.call("EmailSubmission/set", create={"x": {
            "identityId": self.identity, "emailId": self.draft, **more}})

    def test_refused(self):
        to = [{"email": "user2@example.test"}]
        me = {"email": "user1@example.test"}
        for more, error in (
                ({"emailId": "none"}, "invalidProperties"),
                ({"emailId": None}, "invalidProperties"),
                ({"identityId": "none"}, "invalidProperties"),
                ({"undoStatus": "pending"}, "invalidProperties"),
                ({"sendAt": "2026-01-01T00:00:00Z"}, "invalidProperties"),
                ({"envelope": 1}, "invalidProperties"),
                ({"envelope": {}}, "invalidProperties"),
                ({"envelope": {"mailFrom": me, "rcptTo": []}},
                 "noRecipients"),
                ({"envelope": {"mailFrom": {"email": "x@other.test"},
                               "rcptTo": to}}, "forbiddenMailFrom"),
                ({"envelope": {"mailFrom": me, "rcptTo": [
                    {"email": "not an address"}]}}, "invalidRecipients"),
                ({"envelope": {"mailFrom": me, "rcptTo": to * 2000}},
                 "tooManyRecipients")):
            got = self.submit(**more)
            self.failed(got, "notCreated", "x", error)
        self.assertEqual(self.jmap.email(self.draft, "keywords")["keywords"],
                         {"$draft": True})

    def test_query(self):
        """7.3: filters with operators, sorts, and what is neither."""
        ids = []
        for seconds in (7200, 3600):
            got = self.submit(envelope={
                "mailFrom": {"email": "user1@example.test",
                             "parameters": {"HOLDFOR": str(seconds)}},
                "rcptTo": [{"email": "user2@example.test"}]})
            ids.append(got["created"]["x"]["id"])

        def find(**more):
            return self.jmap.call("EmailSubmission/query", **more)["ids"]
        mine = {"emailIds": [self.draft]}
        self.assertEqual(find(filter=mine, sort=[{"property": "sentAt"}]),
                         ids[::-1])
        self.assertEqual(find(filter=mine, sort=[
            {"property": "emailId"}, {"property": "sentAt",
                                      "isAscending": False}]), ids)
        self.assertEqual(find(filter={"operator": "AND", "conditions": [
            mine, {"operator": "NOT", "conditions": [
                {"undoStatus": "pending"}]}]}), [])
        self.assertEqual(find(filter={"emailIds": []}), [])
        for filter in ({"x": 1}, {"operator": "X", "conditions": []}):
            self.assertEqual(self.jmap.error(
                "EmailSubmission/query", filter=filter), "unsupportedFilter")
        self.assertEqual(self.jmap.error(
            "EmailSubmission/query", sort=[{"property": "x"}]),
            "unsupportedSort")
        got = self.jmap.call("EmailSubmission/set", update={
            ids[0]: {"undoStatus": "final"}, ids[1]: {"undoStatus":
                                                      "canceled"}})
        self.failed(got, "notUpdated", ids[0], "invalidProperties")
        self.assertIn(ids[1], got["updated"])
        got = self.jmap.call("EmailSubmission/set", destroy=[ids[1], "none"])
        self.failed(got, "notDestroyed", "none", "notFound")
        self.assertEqual(self.jmap.call("EmailSubmission/set", update={
            ids[0]: {"undoStatus": "canceled"}})["updated"], {ids[0]: None})

    def test_identities(self):
        """6.1: what is fixed, and whose address it may be."""
        got = self.jmap.call("Identity/set", create={
            "a": {"name": "x"}, "b": {"email": "other@other.test"},
            "c": {"email": "user1@example.test", "id": "x"},
            "d": {"email": "user1@example.test", "name": 1},
            "e": {"email": "user1@example.test", "bcc": "x"},
            "f": {"email": "user1@example.test", "other": 1},
            "g": {"email": "user1@example.test", "name": "Second"}})
        for key, error in (("a", "invalidProperties"), ("b", "forbiddenFrom"),
                           ("c", "invalidProperties"),
                           ("d", "invalidProperties"),
                           ("e", "invalidProperties"),
                           ("f", "invalidProperties")):
            self.failed(got, "notCreated", key, error)
        id = got["created"]["g"]["id"]
        got = self.jmap.call("Identity/set", update={
            id: {"email": "user1@example.test", "name": "Third"},
            self.identity: {"email": "other@example.test"}})
        self.assertEqual(got["updated"], {id: None})
        self.failed(got, "notUpdated", self.identity, "invalidProperties",
                    "email")
        got = self.jmap.call("Identity/set", destroy=[id, self.identity])
        self.assertEqual(got["destroyed"], [id])
        self.failed(got, "notDestroyed", self.identity, "forbidden")


if __name__ == "__main__":
    unittest.main()
