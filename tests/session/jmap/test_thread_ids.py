"""IMAP tells the thread ids that JMAP has (RFC 8474, 5.2; RFC 8621, 4.1.1)."""

import imaplib
import os
import re
import unittest

from jmap import Jmap
from postern import Server, only_over

USER = "user1@example.test"
BOXES = ("INBOX", "Archive")


def text(own=None, references=(), answers=None, subject="s"):
    fields = ["Subject: " + subject]
    if own:
        fields.append("Message-ID: <%s@x.test>" % own)
    if references:
        fields.append("References: " + " ".join(
            "<%s@x.test>" % r for r in references))
    if answers:
        fields.append("In-Reply-To: <%s@x.test>" % answers)
    return ("\r\n".join(fields) + "\r\n\r\nx\r\n").encode()


class ThreadIds(unittest.TestCase):
    def setUp(self):
        self.server = Server(users=2).start()
        self.addCleanup(self.server.clean)
        self.addCleanup(self.server.stop)
        self.imap = self.login()

    def login(self, user=USER):
        imap = imaplib.IMAP4(self.server.host, self.server.ports["imap"])
        imap.login(user, self.server.password)
        self.addCleanup(imap.shutdown)
        return imap

    def append(self, *messages, box="INBOX"):
        for m in messages:
            self.assertEqual(self.imap.append(box, None, None, m)[0], "OK")

    def told(self, imap=None, boxes=BOXES):
        """What IMAP tells: {EMAILID: THREADID}."""
        imap = imap or self.imap
        found = {}
        for box in boxes:
            imap.select(box, readonly=True)
            for row in imap.uid("FETCH", "1:*", "(EMAILID THREADID)")[1]:
                if row is None:
                    continue
                email, thread = re.match(
                    rb"\d+ \((?:UID \d+ )?EMAILID \((\S+)\) "
                    rb"THREADID \((\S+)\)(?: UID \d+)?\)$", row).groups()
                self.assertEqual(found.setdefault(
                    email.decode(), thread.decode()), thread.decode())
        return found

    def known(self):
        """The same of JMAP."""
        jmap = Jmap(self.server)
        ids = jmap.call("Email/query")["ids"]
        got = {e["id"]: e["threadId"] for e in jmap.call(
            "Email/get", ids=ids, properties=["threadId"])["list"]}
        threads = sorted(set(got.values()))
        for t in jmap.call("Thread/get", ids=threads)["list"]:
            self.assertEqual(
                sorted(t["emailIds"]),
                sorted(e for e in got if got[e] == t["id"]))
        jmap.close()
        return got

    def check(self):
        told = self.told()
        self.assertEqual(told, self.known())
        self.check_search(told)
        return told

    def check_search(self, told):
        for box in BOXES:
            self.imap.select(box, readonly=True)
            rows = [r.decode() for r in self.imap.uid(
                "FETCH", "1:*", "(THREADID)")[1] if r is not None]
            for thread in set(told.values()):
                here = [r.split()[0] for r in rows if thread in r]
                for key in (thread, "NOT NOT THREADID " + thread):
                    key = key if " " in key else "THREADID " + key
                    found = self.imap.search(None, key)[1][0].decode()
                    self.assertEqual(found.split(), here)
                # From the end, and another order.
                last = self.imap.search(
                    None, "RETURN", "(MAX)", "THREADID", thread)
                self.assertEqual(last[0], "OK")
                kind, esearch = self.imap.response("ESEARCH")
                got = re.search(rb"MAX (\d+)", esearch[-1] or b"")
                self.assertEqual(got and got.group(1).decode(),
                                 here[-1] if here else None)

    def make(self):
        self.append(text("a"), text("b"), text("c", ["a"]),
                    text("d", answers="b"), text(), text(subject="Re: s"))
        self.append(text("e", ["a", "c"]), text("f", ["gone", "b"]),
                    box="Archive")

    def test_same(self):
        self.make()
        threads = sorted(self.check().values())
        self.assertEqual(len(set(threads)), 5)
        # A message that is answered and answers: a thread stays what it is.
        before = self.told()
        self.append(text("g", ["a", "b", "d"]), text("gone"))
        after = self.check()
        self.assertEqual({e: after[e] for e in before}, before)
        self.assertEqual(len(set(after.values())), 5)
        # Copies and moves.
        self.imap.select("INBOX")
        self.imap.copy("1:3", "Archive")
        self.imap._simple_command("MOVE", "2", "Archive")
        self.assertEqual(self.check(), after)
        # Another start of the server, and another way first.
        self.server.stop()
        self.server.start()
        self.imap = self.login()
        self.assertEqual(self.known(), after)
        self.assertEqual(self.check(), after)

    def test_many(self):
        """More than is asked for at once; none of them twice."""
        for n in range(0, 600, 50):
            one = text("m%d" % n, ["t%d" % (n // 50 % 3)])
            self.imap.send(b"m APPEND INBOX" + (
                b" {%d+}\r\n%s" % (len(one), one)) * 50 + b"\r\n")
            while not self.imap.readline().startswith(b"m OK"):
                pass
        told = self.check()
        self.assertEqual(len(told), 600)
        self.assertEqual(len(set(told.values())), 3)

    def test_nothing_of_that_name(self):
        self.make()
        thread = next(iter(self.told().values()))
        self.imap.select()
        for id in ("T" + 16 * "0", thread.upper(), thread + "0", thread[:-1],
                   "T", "Mx"):
            self.assertEqual(self.imap.search(None, "THREADID", id)[1], [b""])
        self.imap.search(None, "NOT", "THREADID", "Tx")
        self.imap.response("SEARCH")

    def test_of_others(self):
        """The ids of a mailbox are the same for whom it is shared with."""
        self.make()
        mine = self.told(boxes=("INBOX",))
        self.imap.setacl("INBOX", "user2@example.test", "lr")
        other = self.login("user2@example.test")
        shared = '"Other Users/%s/INBOX"' % USER
        self.assertEqual(self.told(other, (shared,)), mine)

    @only_over("maildir")
    def test_no_content_is_read_again(self):
        self.make()
        told = self.check()
        self.server.stop()
        self.server.start()
        files = [os.path.join(dir, name) for dir, _, names in
                 os.walk(self.server.mail_root) for name in names
                 if os.path.basename(dir) in ("cur", "new")]
        self.assertGreaterEqual(len(files), 8)
        for name in files:
            with open(name, "r+b") as f:
                f.write(b"Message-ID: <z@x>\r\n"[:os.path.getsize(name)])
        self.imap = self.login()
        self.assertEqual(self.told(), told)
        self.assertEqual(self.known(), told)


if __name__ == "__main__":
    unittest.main()
