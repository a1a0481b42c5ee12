"""Answers of users who are away (RFC 8621, 8; RFC 3834)."""

import smtplib
import time
import unittest

from jmap import Jmap
from postern import Server

VACATION = "urn:ietf:params:jmap:vacationresponse"


class Vacation(unittest.TestCase):
    def setUp(self):
        self.server = Server(set=self.settings).start()
        self.addCleanup(self.server.clean)
        self.addCleanup(self.server.stop)
        self.jmap = Jmap(self.server)
        self.jmap.using.append(VACATION)
        self.addCleanup(self.jmap.close)
        self.other = Jmap(self.server, "user2@example.test")
        self.addCleanup(self.other.close)

    settings = []

    def set(self, **patch):
        answer = self.jmap.call("VacationResponse/set",
                                update={"singleton": patch})
        self.assertIsNone(answer["notUpdated"])

    def send(self, fields="", to="user1@example.test",
             sender="user2@example.test"):
        with smtplib.LMTP(self.server.host, self.server.ports["lmtp"]) as m:
            m.sendmail(sender, ["user1@example.test"], (
                "From: %s\r\nTo: %s\r\nSubject: Question\r\n"
                "Message-ID: <q@x>\r\n%s\r\nText\r\n" % (
                    sender, to, fields)).encode())

    def answers(self, n):
        for _ in range(100):
            ids = self.other.call("Email/query")["ids"]
            if len(ids) >= n:
                break
            time.sleep(0.02)
        self.assertEqual(len(ids), n)
        return ids


class Local(Vacation):
    def test_object(self):
        got = self.jmap.call("VacationResponse/get", ids=None)
        self.assertEqual(got["list"], [{
            "id": "singleton", "isEnabled": False, "fromDate": None,
            "toDate": None, "subject": None, "textBody": None,
            "htmlBody": None}])
        self.set(isEnabled=True, fromDate="2020-01-02T03:04:05Z",
                 textBody="Äway")
        got = self.jmap.call("VacationResponse/get", ids=["singleton", "x"],
                             properties=["fromDate", "textBody"])
        self.assertEqual(got["list"], [{
            "id": "singleton", "fromDate": "2020-01-02T03:04:05Z",
            "textBody": "Äway"}])
        self.assertEqual(got["notFound"], ["x"])
        answer = self.jmap.call(
            "VacationResponse/set", create={"a": {}}, destroy=["singleton"],
            update={"singleton": {"fromDate": "yesterday"}})
        self.assertEqual(answer["notCreated"]["a"]["type"], "singleton")
        self.assertEqual(answer["notDestroyed"]["singleton"]["type"],
                         "singleton")
        self.assertEqual(answer["notUpdated"]["singleton"]["properties"],
                         ["fromDate"])

    def test_answer(self):
        self.send()
        self.answers(0)
        self.set(isEnabled=True, subject="Ich bin weg: Ä", textBody="Text Ü",
                 htmlBody="<p>Text Ü</p>")
        self.send()
        id = self.answers(1)[0]
        e = self.other.email(
            id, "from", "to", "subject", "inReplyTo", "references",
            "header:Auto-Submitted", "header:Return-Path", "textBody",
            "htmlBody", "bodyValues", fetchAllBodyValues=True)
        self.assertEqual(e["from"][0]["email"], "user1@example.test")
        self.assertEqual(e["to"][0]["email"], "user2@example.test")
        self.assertEqual(e["subject"], "Ich bin weg: Ä")
        self.assertEqual((e["inReplyTo"], e["references"]), (["q@x"], ["q@x"]))
        self.assertIn("auto-replied", e["header:Auto-Submitted"])
        self.assertEqual(e["header:Return-Path"].strip(), "<>")
        values = [e["bodyValues"][p["partId"]]["value"].strip()
                  for p in e["textBody"] + e["htmlBody"]]
        self.assertEqual(values, ["Text Ü", "<p>Text Ü</p>"])
        # Each sender once.
        self.send()
        self.answers(1)
        # New settings are told again.
        self.set(textBody="Other")
        self.send()
        self.answers(2)

    def test_not_answered(self):
        self.set(isEnabled=True)
        for fields in ("Auto-Submitted: auto-generated\r\n",
                       "List-Id: <l.x>\r\n", "Precedence: bulk\r\n",
                       "X-Auto-Response-Suppress: OOF\r\n"):
            self.send(fields)
        self.send(to="list@x.test")
        self.send(sender="")
        self.answers(0)
        self.send("Auto-Submitted: no\r\n", to="a@x.test, "
                  "User1+detail@Example.test")
        self.answers(1)

    def test_dates(self):
        self.set(isEnabled=True, toDate="2020-01-01T00:00:00Z")
        self.send()
        self.answers(0)
        self.set(fromDate="2099-01-01T00:00:00Z", toDate=None)
        self.send()
        self.answers(0)
        self.set(fromDate="2020-01-01T00:00:00Z")
        self.send()
        self.answers(1)


class WithQueue(Vacation):
    settings = ["queue.enabled=true"]

    def test_answer(self):
        self.set(isEnabled=True, textBody="Away")
        self.send()
        e = self.other.email(self.answers(1)[0], "subject",
                             "header:Return-Path")
        self.assertEqual(e["subject"], "Auto: Question")
        self.assertEqual(e["header:Return-Path"].strip(), "<>")


if __name__ == "__main__":
    unittest.main()
