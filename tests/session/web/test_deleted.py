"""Messages that were deleted for good and come back."""

import imaplib
import unittest

from browser import Browser
from postern import STORAGE, Server, needs_undelete


class Base(unittest.TestCase):
    options = []

    @classmethod
    def setUpClass(cls):
        cls.server = Server(set=cls.options).start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.clean()

    def setUp(self):
        self.user = self.server.users[0]
        self.browser = Browser(self.server)
        self.addCleanup(self.browser.close)
        self.assertEqual(
            self.browser.login(self.user, self.server.password), 200)

    def imap(self, user=None):
        c = imaplib.IMAP4(self.server.host, self.server.ports["imap"])
        c.login(user or self.user, self.server.password)
        self.addCleanup(c.shutdown)
        return c

    def put(self, c, mailbox, *subjects):
        for subject in subjects:
            c.append(mailbox, "(\\Seen)", None,
                     ("From: Ann =?utf-8?q?M=C3=BCller?= <ann@else.example>\r\n"
                      "Subject: %s\r\n\r\nText\r\n" % subject).encode())

    def wipe(self, c, mailbox):
        c.select(mailbox)
        c.store("1:*", "+FLAGS", "\\Deleted")
        c.expunge()

    def listed(self, query=""):
        status, root, answer = self.browser.ask("GET", "/web/deleted" + query)
        self.assertEqual(status, 200)
        self.assertEqual(answer.getheader("Cache-Control"), "no-store")
        return root


@needs_undelete
class Deleted(Base):
    def test_list_and_restore(self):
        c = self.imap()
        c.create("Work/Plans")
        self.put(c, "Work/Plans", "=?utf-8?q?Gr=C3=BCn?=", "Blue")
        self.wipe(c, "Work/Plans")
        root = self.listed()
        self.assertTrue(root["supported"])
        self.assertEqual(root["keep"], 14 * 86400)
        found = {one["subject"]: one for one in root["messages"]}
        green = found["Grün"]
        self.assertEqual(green["from"],
                         {"name": "Ann Müller", "email": "ann@else.example"})
        self.assertEqual(green["mailbox"], "Work/Plans")
        self.assertTrue(green["exists"])
        self.assertTrue(green["isSeen"])
        self.assertEqual(green["until"] - green["deleted"], root["keep"])

        # The whole mailbox goes, and comes back with the message.
        c.close()
        c.delete("Work/Plans")
        status, root, _ = self.browser.ask(
            "POST", "/web/deleted", {"ids": [green["id"], "K0", "7"]})
        self.assertEqual(status, 200)
        self.assertEqual(root["restored"], 1)
        back, = root["mailboxes"]
        self.assertEqual((back["name"], back["messages"]), ("Work/Plans", 1))
        self.assertTrue(back["id"])
        self.assertEqual(c.select("Work/Plans")[1], [b"1"])
        self.assertIn("undelete", self.server.log())
        status, root, _ = self.browser.ask(
            "POST", "/web/deleted", {"ids": [green["id"]]})
        self.assertEqual((status, root["restored"]), (200, 0))

    def test_search(self):
        c = self.imap()
        c.create("Search")
        self.put(c, "Search", "Needle one", "Hay", "=?utf-8?q?N=C3=84HE?=")
        self.wipe(c, "Search")

        def subjects(text):
            found, at = [], ""
            while at is not None:
                root = self.listed("?text=%s&after=%s" % (text, at))
                found += root["messages"]
                at = root["next"]
            return sorted(one["subject"] for one in found
                          if one["mailbox"] == "Search")
        self.assertEqual(subjects("needLE"), ["Needle one"])
        self.assertEqual(subjects("n%C3%A4he"), ["NÄHE"])
        self.assertEqual(len(subjects("m%C3%BCller")), 3)
        self.assertEqual(len(subjects("search")), 3)
        self.assertEqual(subjects("nothing"), [])

    def test_pages(self):
        c = self.imap()
        c.create("Many")
        for i in range(260):
            self.put(c, "Many", "Number %d" % i)
        self.wipe(c, "Many")
        seen, at = [], ""
        while at is not None:
            root = self.listed("?after=" + at)
            self.assertLessEqual(len(root["messages"]), 250)
            self.assertTrue(root["messages"] or root["next"] is None)
            seen += [one["id"] for one in root["messages"]
                     if one["mailbox"] == "Many"]
            at = root["next"]
        self.assertEqual(len(seen), 260)
        self.assertEqual(len(set(seen)), 260)
        # The latest first.
        times = [one["deleted"] for one in self.listed()["messages"]]
        self.assertEqual(times, sorted(times, reverse=True))

    def test_wrong(self):
        for root in ({}, {"ids": []}, {"ids": "x"}, {"ids": [1]},
                     {"ids": ["x"] * 1001}):
            self.assertEqual(
                self.browser.ask("POST", "/web/deleted", root)[0], 422)
        for query in ("?after=nonsense", "?after=1.", "?after=99999999999999"
                      "99999999.x", "?text=%FF"):
            self.listed(query)
        stranger = Browser(self.server)
        self.addCleanup(stranger.close)
        self.assertEqual(stranger.ask("GET", "/web/deleted")[0], 401)

    def test_ones_own(self):
        other = self.server.users[1]
        c = self.imap(other)
        self.put(c, "INBOX", "Private")
        self.wipe(c, "INBOX")
        self.assertNotIn("Private", [one["subject"] for one in
                                     self.listed()["messages"]])
        theirs = Browser(self.server)
        self.addCleanup(theirs.close)
        theirs.login(other, self.server.password)
        one = theirs.ask("GET", "/web/deleted")[1]["messages"][0]
        self.assertEqual(self.browser.ask(
            "POST", "/web/deleted", {"ids": [one["id"]]})[1]["restored"], 0)


@needs_undelete
class NoRoom(Base):
    options = ["quota.messages=2"]

    def test_quota(self):
        c = self.imap()
        self.put(c, "INBOX", "One", "Two")
        self.wipe(c, "INBOX")
        self.put(c, "INBOX", "Three", "Four")
        ids = [one["id"] for one in self.listed()["messages"]]
        status, root, _ = self.browser.ask("POST", "/web/deleted",
                                           {"ids": ids})
        self.assertEqual(status, 422)
        self.assertEqual(root["type"], "urn:postern:quota")


@unittest.skipUnless(STORAGE == "mbox", "where nothing is kept")
class NotKept(Base):
    def test_said(self):
        root = self.listed()
        self.assertFalse(root["supported"])
        self.assertEqual(root["messages"], [])


if __name__ == "__main__":
    unittest.main()
