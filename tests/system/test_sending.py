"""The brake: who sends too much is held, told of, and released or purged."""

import smtplib
import time
import unittest

from clients import token
from postern import Server
from test_exchange import ctl, inbox, wait_for

LIMITS = ["sending.enabled=true", "sending.messages_day=3",
          "sending.new_recipients_day=10", "sending.held=4",
          "sending_users.news.users=user3@*",
          "sending_users.news.messages_day=5"]


class Sending(unittest.TestCase):
    def setUp(self):
        self.other = Server(users=1)
        self.other.start()
        self.addCleanup(self.other.clean)
        self.addCleanup(lambda: self.other.stop())
        ctl(self.other, "domain", "add", "other.test")
        ctl(self.other, "alias", "add", "@other.test", self.other.users[0])
        self.server = Server(users=3, set=[
            "queue.enabled=true", "queue.retry_first=1", "queue.retry_most=1",
            "queue.relay=[127.0.0.1]:%d" % self.other.ports["smtp"]] + LIMITS)
        self.server.start()
        self.addCleanup(self.server.clean)
        self.addCleanup(lambda: self.server.stop())
        self.user, self.admin, self.news = self.server.users
        ctl(self.server, "user", "set", self.admin, "--admin")

    def send(self, user=None, to=("friend@other.test",)):
        t = token() + "-"
        user = user or self.user
        with smtplib.SMTP(self.server.host, self.server.ports["submission"],
                          timeout=60) as s:
            s.login(user, self.server.password)
            s.sendmail(user, to, "From: %s\r\nSubject: %s\r\n\r\nText\r\n"
                       % (user, t))
        return t

    def queued(self, *filters):
        return ctl(self.server, "queue", "list", *filters)

    def there(self, t):
        return len(inbox(self.other, self.other.users[0], t))

    def warnings(self):
        return ctl(self.server, "status")["warnings"]

    def beyond(self):
        """Three messages that go, and two that are held."""
        sent = [self.send() for i in range(3)]
        wait_for(lambda: self.queued() == [])
        held = [self.send() for i in range(2)]
        self.assertEqual([self.there(t) for t in sent], [1, 1, 1])
        return held

    def test_held_and_told(self):
        self.assertEqual(self.warnings(), [])
        held = self.beyond()
        found = self.queued("--held", "--user", self.user.upper())
        self.assertEqual(len(found), 2)
        self.assertTrue(all(
            m["held"] and m["reason"] == "more than 3 messages in a day"
            and m["user"] == self.user for m in found))
        self.assertEqual(len(self.queued("--reason", "3 messages")), 2)
        self.assertEqual(self.queued("--user", self.admin), [])
        # Everybody hears of it, once.
        for user, words in ((self.user, b"somebody else knows your password"),
                            (self.admin, b"posternctl sending lift "
                             + self.user.encode())):
            told = wait_for(lambda: inbox(
                self.server, user, "more than 3 messages in a day"))
            self.assertEqual(len(told), 1)
            self.assertIn(words, told[0])
            self.assertIn(b"Return-Path: <>", told[0])
        self.assertEqual(len(self.warnings()), 1)
        self.assertIn(self.user, self.warnings()[0])
        self.assertIn("2 messages are held", self.warnings()[0])
        self.assertIn("sending-braked user=" + self.user, self.server.log())
        # Others are free, and so is mail to people here.
        self.send(self.admin)
        wait_for(lambda: len(self.queued()) == 2)
        t = self.send(to=(self.admin,))
        self.assertEqual(len(inbox(self.server, self.admin, t)), 1)
        # It outlives a crash, a second after it came.
        time.sleep(2.5)
        self.server.kill()
        self.server.start()
        shown = ctl(self.server, "sending", "show", self.user)
        self.assertTrue(shown["braked"])
        self.assertEqual(shown["held"], 2)
        self.assertEqual(shown["messages_day"], 3)
        self.assertEqual(shown["limits"]["messages_day"], 3)
        held.append(self.send())
        self.assertEqual(len(self.queued("--held")), 3)
        # Off, and away with it.
        ctl(self.server, "sending", "lift", self.user)
        ctl(self.server, "sending", "lift", self.user, status=3)
        self.assertEqual(self.warnings(), [])
        ctl(self.server, "queue", "release", "--user", self.user)
        wait_for(lambda: self.queued() == [])
        self.assertEqual([self.there(t) for t in held], [1, 1, 1])
        t = self.send()
        wait_for(lambda: self.there(t))
        self.assertEqual(len(inbox(
            self.server, self.user, "more than 3 messages")), 1)

    def test_purged(self):
        held = self.beyond()
        ctl(self.server, "queue", "delete", "--held", "--user", self.user)
        self.assertEqual(self.queued(), [])
        self.assertEqual([self.there(t) for t in held], [0, 0])
        # Released though the brake is on.
        t = self.send()
        self.assertEqual(len(self.queued("--held")), 1)
        ctl(self.server, "queue", "release", "--user", self.user)
        wait_for(lambda: self.there(t))

    def test_many_held_ones_are_refused(self):
        self.beyond()
        self.send()
        self.send()
        with self.assertRaises(smtplib.SMTPDataError) as refused:
            self.send()
        self.assertEqual(refused.exception.smtp_code, 450)
        self.assertIn(b"4.7.1", refused.exception.smtp_error)
        self.assertEqual(len(self.queued()), 4)

    def test_refused_for_good(self):
        self.server.stop()
        self.server.set += ["sending.beyond=reject", "sending.held=1"]
        self.server.start()
        for i in range(4):
            self.send()
        with self.assertRaises(smtplib.SMTPDataError) as refused:
            self.send()
        self.assertEqual(refused.exception.smtp_code, 550)
        self.assertIn(b"5.7.1", refused.exception.smtp_error)

    def test_new_recipients_and_exceptions(self):
        # One message to too many strangers.
        many = ["to%d@other.test" % i for i in range(11)]
        self.send(to=many)
        self.assertIn("never written to", self.queued()[0]["reason"])
        # Those who may.
        for i in range(5):
            self.send(self.news, to=["n%d-%d@other.test" % (i, k)
                                     for k in range(30)])
        wait_for(lambda: len(self.queued()) == 1)
        self.send(self.news)
        self.assertEqual(len(self.queued("--user", self.news)), 1)
        rows = ctl(self.server, "sending", "list")
        self.assertEqual([r["user"] for r in rows], [self.user, self.news])
        self.assertEqual(rows[1]["recipients_day"], 150)
        self.assertEqual(
            len(ctl(self.server, "sending", "list", "--held")), 2)
        self.assertFalse(
            ctl(self.server, "sending", "show", self.admin)["braked"])
        ctl(self.server, "sending", "show", "nobody@example.test", status=3)


if __name__ == "__main__":
    unittest.main()
