"""Lists of a mailbox by time, made anew in one pass or from what came since, are
what any other way of asking tells; so are counts, and changes of queries."""

import imaplib
import os
import random
import unittest

import test_examples_core

SEED = int(os.environ.get("POSTERN_SEED", "0")) or random.randrange(1 << 30)


class Lists(test_examples_core.Example):
    def setUp(self):
        super().setUp()
        self.chance = random.Random(SEED)
        self.boxes = [self.role["inbox"], self.role["archive"]]
        self.names = ["INBOX", "Archive"]
        self.made = 0
        self.old = {}  # the question: what was answered, and its state
        self.imap = imaplib.IMAP4(self.server.host, self.server.ports["imap"])
        self.addCleanup(self.imap.shutdown)
        self.imap.login("user1@example.test", self.server.password)

    # --- what happens ---

    def arrive(self):
        """Some messages, of any time, mostly of threads that there are."""
        for _ in range(self.chance.choice((1, 1, 1, 3, 80))):
            self.made += 1
            root = self.chance.randrange(12)
            day = self.chance.randrange(1, 28)
            text = ("Subject: m%d\r\nMessage-ID: <l%d@x>\r\nReferences: "
                    "<root%d@x>\r\n\r\nText\r\n" % (
                        self.made, self.made, root)).encode()
            self.imap.append(
                self.chance.choice(self.names),
                self.chance.choice((None, "(\\Seen)", "(\\Deleted)",
                                    "(\\Draft)")),
                # No two at the same time: their order is nobody's promise.
                "\"%02d-Nov-2026 %02d:%02d:%02d +0000\"" % (
                    day, self.made // 3600, self.made // 60 % 60,
                    self.made % 60), text)

    def some(self, most=3):
        ids = self.jmap.call("Email/query")["ids"]
        return self.chance.sample(ids, min(len(ids), most))

    def flag(self):
        word = self.chance.choice(("$seen", "$draft", "x"))
        self.jmap.call("Email/set", update={id: {
            "keywords/" + word: self.chance.choice((True, None))}
            for id in self.some()})

    def move(self):
        self.jmap.call("Email/set", update={id: {"mailboxIds": {
            b: True for b in self.chance.choice(
                (self.boxes, self.boxes[:1], self.boxes[1:]))}}
            for id in self.some()})

    def destroy(self):
        self.jmap.call("Email/set", destroy=self.some(5))

    def delete(self):
        """By IMAP: marked, unmarked, expunged, copied."""
        name = self.chance.choice(self.names)
        count = int(self.imap.select(name)[1][0])
        if count == 0:
            return
        number = str(self.chance.randrange(1, count + 1))
        act = self.chance.randrange(4)
        if act == 0:
            self.imap.store(number, "+FLAGS", "\\Deleted")
        elif act == 1:
            self.imap.store("1:*", "-FLAGS", "\\Deleted")
        elif act == 2:
            self.imap.expunge()
        else:
            self.imap.copy(number, self.chance.choice(self.names))
        self.imap.unselect()

    # --- what must be so ---

    def check(self):
        for box in self.boxes:
            emails = {}
            ids = self.jmap.call("Email/query", filter={
                "operator": "OR", "conditions": [{"inMailbox": box}]},
                sort=[{"property": "receivedAt"}])["ids"]
            for at in range(0, len(ids), 500):
                for e in self.jmap.call(
                        "Email/get", ids=ids[at:at + 500], properties=[
                            "threadId", "keywords", "mailboxIds"])["list"]:
                    emails[e["id"]] = e
                    self.assertIn(box, e["mailboxIds"])
            self.check_counts(box, emails)
            for ascends in (True, False):
                whole = ids if ascends else ids[::-1]
                for collapses in (True, False):
                    self.check_list(box, whole, emails, ascends, collapses)

    def check_counts(self, box, emails):
        # Flags are told of all places together, unread of each.
        got = self.jmap.call("Mailbox/get", ids=[box])["list"][0]
        threads = {e["threadId"] for e in emails.values()}
        copies = any(len(e["mailboxIds"]) > 1 for e in emails.values())
        self.assertEqual(got["totalThreads"], len(threads), SEED)
        if copies or got["totalEmails"] != len(emails):
            self.assertGreaterEqual(got["totalEmails"], len(emails))
            return
        unread = [e for e in emails.values() if "$seen" not in e["keywords"]
                  and "$draft" not in e["keywords"]]
        self.assertEqual(got["unreadEmails"], len(unread), SEED)
        self.assertEqual(got["unreadThreads"],
                         len({e["threadId"] for e in unread}), SEED)

    def check_list(self, box, whole, emails, ascends, collapses):
        args = {"filter": {"inMailbox": box}, "collapseThreads": collapses,
                "sort": [{"property": "receivedAt", "isAscending": ascends}]}
        got = self.jmap.call("Email/query", calculateTotal=True, **args)
        wanted, seen = [], set()
        for id in whole:
            if not collapses or emails[id]["threadId"] not in seen:
                wanted.append(id)
            seen.add(emails[id]["threadId"])
        self.assertEqual(got["ids"], wanted, SEED)
        self.assertEqual(got["total"], len(wanted))
        key = (box, ascends, collapses)
        if key in self.old:
            self.check_changes(args, *self.old[key], got)
        self.old[key] = got["ids"], got["queryState"]

    def check_changes(self, args, ids, state, now):
        responses = self.jmap.raw(("Email/queryChanges", {
            **args, "sinceQueryState": state}))
        if responses[0][0] == "error":
            self.assertEqual(responses[0][1]["type"],
                             "cannotCalculateChanges")
            return
        got = responses[0][1]
        removed = set(got["removed"])
        ids = [id for id in ids if id not in removed]
        for one in got["added"]:
            ids.insert(one["index"], one["id"])
        self.assertEqual(ids, now["ids"], SEED)
        self.assertEqual(got["newQueryState"], now["queryState"])

    def test_random(self):
        acts = (self.arrive, self.arrive, self.flag, self.move, self.destroy,
                self.delete)
        for _ in range(30):
            for _ in range(self.chance.choice((1, 1, 2))):
                self.chance.choice(acts)()
            self.check()


if __name__ == "__main__":
    unittest.main()
