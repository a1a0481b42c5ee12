"""Mail that goes on to other servers: what is in the queue of it. Nothing is
carried, since the relay is nowhere."""

import json
import re
import unittest

from wire import MESSAGE, Case


class Forward(Case):
    settings = ("queue.enabled=true", "queue.relay=[127.0.0.1]:1",
                "forward.targets=3")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for args in (("alias", "add", "away@example.test", "Far@away.test"),
                     ("alias", "add", "list@example.test", "a@away.test",
                      "b@away.test", cls.server.users[0]),
                     ("domain", "add", "second.test"),
                     ("alias", "add", "two@second.test", "c@away.test"),
                     ("user", "set", cls.server.users[2], "--admin")):
            got = cls.server.ctl(*args)
            assert got.returncode == 0, got.stderr

    def ctl(self, *args):
        got = self.server.ctl(*args, "--json")
        self.assertEqual(got.returncode, 0, got.stderr)
        return json.loads(got.stdout)

    def setUp(self):
        self.known = {m["id"] for m in self.ctl("queue", "list")}

    def queued(self):
        """What came into it since the test began: sender to recipients."""
        fresh = {m["id"] for m in self.ctl("queue", "list")} - self.known
        shown = [self.ctl("queue", "show", i) for i in sorted(fresh)]
        return {m["sender"]: sorted(r["recipient"] for r in m["recipients"])
                for m in shown}

    def test_the_reverse_path(self):
        w = self.wire()
        self.assertEqual(w.mail(
            "away@example.test", sender=b"ann@origin.test")[0], 250)
        (sender, to), = self.queued().items()
        self.assertRegex(sender, "^SRS0=[A-Z2-7]{6}=[A-Z2-7]{2}="
                         "origin.test=ann@example.test$")
        self.assertEqual(to, ["Far@away.test"])
        # What bounces is for ann, and nobody else.
        self.assertEqual(w.mail(sender, sender=b"")[0], 250)
        self.assertEqual(self.queued()[""], ["ann@origin.test"])
        w.envelope(sender=b"")
        for bad in (sender.replace("ann", "bob"), "SRS0=@example.test",
                    "srs1=AAAAAA=x==y@second.test"):
            code, text = w.cmd(b"RCPT TO:<%s>" % bad.encode())
            self.assertEqual((code, text[:5]), (550, "5.1.1"), bad)

    def test_of_each_domain_its_own(self):
        w = self.wire()
        self.assertEqual(w.mail("away@example.test", "two@second.test",
                                sender=b"eve@origin.test")[0], 250)
        got = self.queued()
        self.assertEqual(sorted(s.split("@")[1] for s in got),
                         ["example.test", "second.test"])
        self.assertEqual(sorted(got.values()),
                         [["Far@away.test"], ["c@away.test"]])

    def test_what_stays_as_it_is(self):
        w = self.wire()
        for sender in (b"", b"x@example.test", b"x@second.test",
                       b"%s@origin.test" % (b"x" * 110)):
            self.assertEqual(
                w.mail("away@example.test", sender=sender)[0], 250)
        self.assertEqual(set(self.queued()), {
            "", "x@example.test", "x@second.test", "x" * 110 + "@origin.test"})

    def test_unusual_senders(self):
        w = self.wire()
        for sender, params in ((b'"a b"@origin.test', b""),
                               ("\u00e4@origin.test".encode(), b" SMTPUTF8")):
            self.assertEqual(w.mail("away@example.test", sender=sender,
                                    params=params)[0], 250)
        for sender in self.queued():
            w.envelope(sender=b"", params=b" SMTPUTF8")
            self.assertEqual(
                w.code(b"RCPT TO:<%s>" % sender.encode()), 250, sender)
            w.code(b"RSET")

    def test_a_forwarder_of_others(self):
        w = self.wire()
        self.assertEqual(w.mail(
            "away@example.test",
            sender=b"SRS0=abcd=XY=origin.test=ann@first.test")[0], 250)
        (sender, _), = self.queued().items()
        self.assertTrue(sender.startswith("SRS1="), sender)
        self.assertEqual(w.mail(sender, sender=b"")[0], 250)
        self.assertEqual(self.queued()[""],
                         ["SRS0=abcd=XY=origin.test=ann@first.test"])

    def test_loops(self):
        loop = b"Delivered-To: away@example.test\r\n" + MESSAGE
        w = self.wire()
        code, text = w.mail("away@example.test", content=loop)
        self.assertEqual((code, text[:5]), (554, "5.4.6"))
        # LMTP tells of each.
        w = self.wire("lmtp")
        w.envelope("away@example.test", self.user(1))
        w.data(loop + b".\r\n")
        self.assertEqual(w.replies(2), [554, 250])
        self.assertEqual(self.queued(), {})

    def test_over_lmtp(self):
        w = self.wire("lmtp")
        w.envelope("list@example.test", sender=b"ann@origin.test")
        w.data(MESSAGE + b".\r\n")
        self.assertEqual(w.reply()[0], 250)
        (sender, to), = self.queued().items()
        self.assertTrue(sender.startswith("SRS0="))
        self.assertEqual(to, ["a@away.test", "b@away.test"])

    def test_a_repetition_duplicates_nothing(self):
        # One user has no room, so all of it comes again.
        self.server.ctl("user", "set", self.user(1), "--quota", "20K")
        self.addCleanup(self.server.ctl, "user", "set", self.user(1),
                        "--quota", "default")
        content = b"Subject: large\r\n\r\n" + (b"x" * 70 + b"\r\n") * 500
        w = self.wire()
        for _ in range(2):
            self.assertIn(w.mail("away@example.test", self.user(1),
                                 content=content)[0], (451, 452))
        self.assertEqual(self.queued(), {})
        self.server.ctl("user", "set", self.user(1), "--quota", "default")
        self.assertEqual(w.mail("away@example.test", self.user(1),
                                content=content)[0], 250)
        self.assertEqual(len(self.queued()), 1)

    def test_users(self):
        user = self.user(1)
        for target in ("x@away.test", "y@away.test", "z@away.test"):
            self.assertEqual(
                self.server.ctl("forward", "add", user, target).returncode, 0)
        self.addCleanup(self.server.ctl, "forward", "delete", user)
        got = self.server.ctl("forward", "add", user, "w@away.test")
        self.assertEqual(got.returncode, 1)
        self.assertIn("forward.targets", got.stderr)
        got = self.server.ctl("forward", "set", user, "--keep", "--no-keep")
        self.assertEqual(got.returncode, 2)
        before = self.count(1)
        w = self.wire()
        self.assertEqual(w.mail(user, sender=b"ann@origin.test")[0], 250)
        self.assertEqual(self.count(1), before + 1)
        (_, to), = self.queued().items()
        self.assertEqual(to, ["x@away.test", "y@away.test", "z@away.test"])
        self.server.ctl("forward", "set", user, "--no-keep")
        self.assertEqual(w.mail(user, sender=b"ann@origin.test")[0], 250)
        self.assertEqual(self.count(1), before + 1)

    def test_postmaster_and_abuse(self):
        w = self.wire()
        before = self.count(2)
        for address in ("postmaster@second.test", "Abuse@second.test",
                        "abuse@example.test", "postmaster"):
            self.assertEqual(w.mail(address)[0], 250)
        self.assertEqual(self.count(2), before + 4)

    def test_what_is_announced(self):
        w = self.wire()
        self.assertIn("DSN", w.extensions)
        self.assertNotIn("REQUIRETLS", w.extensions)
        self.assertEqual(w.code(b"MAIL FROM:<a@b.test> REQUIRETLS"), 555)
        w.starttls()
        w.hello()
        self.assertIn("REQUIRETLS", w.extensions)
        self.assertEqual(w.code(b"MAIL FROM:<a@b.test> REQUIRETLS"), 250)
        self.assertNotIn("DSN", self.wire("lmtp").extensions)

    def test_the_mark(self):
        w = self.wire()
        self.assertEqual(w.mail("list@example.test")[0], 250)
        self.assertNotIn(b"Delivered-To", self.inbox(0)[-1])
        self.assertTrue(re.match(b"Return-Path", self.inbox(0)[-1]))


if __name__ == "__main__":
    unittest.main()
