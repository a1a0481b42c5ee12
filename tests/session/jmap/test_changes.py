"""A client that asks for a few changes at a time (RFC 8620, 5.2), while others
go on, knows in the end what there is."""

import unittest

import test_lists
from test_lists import SEED

EMAIL = ["threadId", "keywords", "mailboxIds"]
MAILBOX = ["name", "parentId", "totalEmails", "unreadEmails", "totalThreads",
           "unreadThreads", "isSubscribed"]


class Client:
    """What one knows of a type, by /get and /changes alone."""

    def __init__(self, test, type, properties=None):
        self.test, self.type, self.properties = test, type, properties
        self.jmap = test.jmap
        self.known = {}
        self.state = self.jmap.call(type + "/get", ids=[])["state"]
        self.answers = 0

    def get(self, ids):
        for at in range(0, len(ids), 400):
            got = self.jmap.call(self.type + "/get", ids=ids[at:at + 400],
                                 properties=self.properties)
            self.test.assertEqual(got["notFound"], [], SEED)
            for one in got["list"]:
                if "emailIds" in one:
                    one["emailIds"].sort()
                self.known[one["id"]] = one

    def step(self, most):
        """Whether there is more."""
        got = self.jmap.call(self.type + "/changes", sinceState=self.state,
                             maxChanges=most)
        lists = [got[k] for k in ("created", "updated", "destroyed")]
        told = sum(lists, [])
        self.test.assertLessEqual(len(told), most)
        self.test.assertEqual(len(set(told)), len(told), SEED)
        # A thread may have gone and come in the middle, or was not shown.
        if self.type != "Thread":
            for id in got["created"]:
                self.test.assertTrue(id not in self.known, (id, SEED))
            for id in got["updated"]:
                self.test.assertTrue(id in self.known, (id, SEED))
        self.get(got["created"] + got["updated"])
        for id in got["destroyed"]:
            self.known.pop(id, None)
        self.state = got["newState"]
        self.answers += 1
        return got["hasMoreChanges"]

    def expect(self, there):
        for id in sorted(set(self.known) | set(there)):
            self.test.assertEqual(
                self.known.get(id), there.get(id), (self.type, id, SEED))


class Changes(test_lists.Lists):
    # A state does not tell which messages had \Deleted, and were not shown, so
    # none gets out of that again here.

    def arrive(self):
        for _ in range(self.chance.choice((1, 1, 3, 30))):
            self.made += 1
            self.imap.append(
                self.chance.choice(self.names),
                self.chance.choice((None, "(\\Seen)", "(\\Draft)")), None, (
                    "Subject: m\r\nMessage-ID: <c%d@x>\r\nReferences: "
                    "<root%d@x>\r\n\r\nText\r\n" % (
                        self.made, self.chance.randrange(40))).encode())

    def delete(self):
        self.imap.select(self.chance.choice(self.names))
        there = self.imap.search(None, "UNDELETED")[1][0].split()
        if not there:
            return
        number = self.chance.choice(there).decode()
        act = self.chance.randrange(3)
        if act == 0:
            self.imap.store(number, "+FLAGS", "\\Deleted")
        elif act == 1:
            self.imap.expunge()
        else:
            self.imap.copy(number, self.chance.choice(self.names))

    def mailbox(self):
        boxes = self.jmap.call("Mailbox/get", ids=None)["list"]
        own = [b["id"] for b in boxes if b["name"].startswith("x")]
        self.made += 1
        name = "x%d" % self.made
        act = self.chance.randrange(3) if own else 0
        if act == 0:
            got = self.jmap.call("Mailbox/set", create={"m": {"name": name}})
            self.jmap.call("Email/set", update={id: {
                "mailboxIds/" + got["created"]["m"]["id"]: True}
                for id in self.some(2)})
        elif act == 1:
            self.jmap.call("Mailbox/set", update={
                self.chance.choice(own): {"name": name}})
        else:
            self.jmap.call("Mailbox/set", destroy=[self.chance.choice(own)],
                           onDestroyRemoveEmails=True)

    def here(self, type, properties, ids):
        found = Client(self, type, properties)
        found.get(ids)
        return found.known

    def there(self):
        """Emails, threads and mailboxes."""
        emails = self.here("Email", EMAIL, self.jmap.call("Email/query")["ids"])
        threads = self.here("Thread", None, sorted(
            {e["threadId"] for e in emails.values()}))
        boxes = self.here("Mailbox", MAILBOX, [
            b["id"] for b in self.jmap.call("Mailbox/get", ids=None)["list"]])
        return emails, threads, boxes

    def check(self):
        for client, there in zip(self.clients, self.there()):
            client.expect(there)

    def test_random(self):
        self.clients = clients = (
            Client(self, "Email", EMAIL), Client(self, "Thread"),
            Client(self, "Mailbox", MAILBOX))
        # What is there already.
        for client, there in zip(clients, self.there()):
            client.known = there
        acts = (self.arrive, self.arrive, self.flag, self.move, self.destroy,
                self.delete, self.mailbox)
        for _ in range(25):
            for _ in range(self.chance.choice((1, 3, 6))):
                self.chance.choice(acts)()
                # In the middle of others.
                for client in clients:
                    if self.chance.randrange(3) == 0:
                        client.step(self.chance.choice((1, 2, 7)))
            for client in clients:
                most = self.chance.choice((1, 3, 10, 1000))
                while client.step(most):
                    pass
            self.check()

    def test_one_at_a_time(self):
        """So many answers as there are changes, and each is one."""
        emails = Client(self, "Email", EMAIL)
        threads = Client(self, "Thread")
        for n in range(7):
            self.made += 1
            self.imap.append("INBOX", None, None, (
                "Subject: o\r\nMessage-ID: <o%d-%d@x>\r\n\r\nx\r\n" %
                (n, SEED)).encode())
        for client in (emails, threads):
            while client.step(1):
                pass
            self.assertEqual((len(client.known), client.answers), (7, 7))
        self.assertEqual(emails.state, self.jmap.call(
            "Email/get", ids=[])["state"])
        # A state in the middle of one type is none of the other's.
        old = Client(self, "Email")
        old.known = dict(emails.known)
        self.jmap.call("Email/set", update={
            id: {"keywords/z": True} for id in list(emails.known)[:2]})
        self.assertTrue(old.step(1))
        self.assertEqual(self.jmap.error(
            "Thread/changes", sinceState=old.state), "cannotCalculateChanges")
        for bad in (old.state[:-1], old.state[:5], old.state + "!", ".E", ".",
                    ".EAA", ".E__________", old.state[:-1] + 80 * "x"):
            self.jmap.raw(("Email/changes", {"sinceState": bad}))


if __name__ == "__main__":
    unittest.main()
