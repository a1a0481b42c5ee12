"""Storage by domain and by user: where new mail goes, who inherits what, and
that no setting leaves mail behind."""

import json
import os
import smtplib
import unittest

from postern import Server, only_over
from wire import imap

MADE = "made.test"  # in the database; example.test is configured


@only_over("maildir")
class Storage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        root = os.path.join(cls.server.dir, "second")
        third = os.path.join(cls.server.dir, "third")
        cls.server.set = [
            "storage.second.module=maildir", "storage.second.path=" + root,
            "storage.third.module=maildir", "storage.third.path=" + third,
            "domains=example.test kept.test",
            "domain.kept.test.storage=second"]
        cls.server.start()
        cls.roots = {"maildir": cls.server.mail_root, "second": root,
                     "third": third}

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.clean()

    def ctl(self, *args, code=0, input=None):
        p = self.server.ctl(*args, input=input)
        self.assertEqual(p.returncode, code, p.stdout + p.stderr)
        return p.stderr if code else p.stdout

    def add(self, address, *options):
        self.ctl("user", "add", address, *options,
                 input=self.server.password + "\n")

    def deliver(self, address):
        with smtplib.LMTP(self.server.host, self.server.ports["lmtp"]) as c:
            c.sendmail("", [address], "Subject: here\r\n\r\nText\r\n")

    def where(self, address):
        """The storages that have a message of the user's."""
        local, domain = address.split("@")
        found = []
        for name, root in sorted(self.roots.items()):
            new = os.path.join(root, domain, local)
            if any("S=" in f for _, _, files in os.walk(new) for f in files):
                found.append(name)
        return found

    def shown(self, address):
        user = json.loads(self.ctl("user", "show", address, "--json"))
        return user["storage"], user["storage_used"], user["storage_from"]

    def test_the_default(self):
        self.deliver("user1@example.test")
        self.assertEqual(self.where("user1@example.test"), ["maildir"])
        self.assertEqual(self.shown("user1@example.test"),
                         ("", "maildir", "default"))

    def test_of_a_configured_domain(self):
        self.add("ann@kept.test")
        self.assertEqual(self.shown("ann@kept.test"),
                         ("", "second", "domain"))
        self.deliver("ann@kept.test")
        self.assertEqual(self.where("ann@kept.test"), ["second"])
        session = imap(self.server, "ann@kept.test")
        answer, others = session.ask("s", "STATUS INBOX (MESSAGES)")
        self.assertIn("MESSAGES 1", others[0])
        session.close()
        text = self.ctl("domain", "set", "kept.test", "--storage", "third",
                        code=1)
        self.assertIn("configuration", text)

    def test_of_a_domain_in_the_database(self):
        self.ctl("domain", "add", MADE)
        self.ctl("domain", "set", MADE, "--storage", "third")
        self.add("own@" + MADE, "--storage", "second")
        self.add("bob@" + MADE)
        rows = json.loads(self.ctl("domain", "list", "--json"))
        self.assertIn({"domain": MADE, "configured": False,
                       "storage": "third"}, rows)
        self.assertIn({"domain": "kept.test", "configured": True,
                       "storage": "second"}, rows)
        self.assertEqual(self.shown("own@" + MADE),
                         ("second", "second", "user"))
        self.assertEqual(self.shown("bob@" + MADE), ("", "third", "domain"))
        for who, root in (("own", "second"), ("bob", "third")):
            self.deliver(who + "@" + MADE)
            self.assertEqual(self.where(who + "@" + MADE), [root])
        # Through an alias as well.
        self.ctl("alias", "add", "both@" + MADE, "own@" + MADE, "bob@" + MADE)
        self.deliver("both@" + MADE)
        self.assertEqual(self.where("bob@" + MADE), ["third"])
        self.assertEqual(self.where("own@" + MADE), ["second"])
        # Nobody loses sight of mail by a setting.
        for name in ("second", "maildir", ""):
            text = self.ctl("domain", "set", MADE, "--storage", name, code=1)
            self.assertIn("bob@" + MADE, text)
            self.assertIn("posternctl convert", text)
        text = self.ctl("user", "set", "bob@" + MADE, "--storage", "second",
                        code=1)
        self.assertIn("posternctl convert", text)
        self.assertEqual(self.shown("bob@" + MADE), ("", "third", "domain"))
        # What leads to the same place may be set.
        self.ctl("user", "set", "bob@" + MADE, "--storage", "third")
        self.assertEqual(self.shown("bob@" + MADE),
                         ("third", "third", "user"))
        # Nobody inherits any more: the domain is free to change.
        self.ctl("domain", "set", MADE, "--storage", "second")
        self.add("new@" + MADE)
        self.deliver("new@" + MADE)
        self.assertEqual(self.where("new@" + MADE), ["second"])
        self.deliver("bob@" + MADE)
        self.assertEqual(self.where("bob@" + MADE), ["third"])

    def test_a_user_without_mail_may_change(self):
        self.add("fresh@example.test")
        self.ctl("user", "set", "fresh@example.test", "--storage", "second")
        self.deliver("fresh@example.test")
        self.assertEqual(self.where("fresh@example.test"), ["second"])

    def test_wrong_names(self):
        self.ctl("domain", "set", "kept.test", "--storage", "none", code=3)
        self.ctl("domain", "set", "missing.test", "--storage", "second",
                 code=3)
        self.ctl("domain", "set", "kept.test", code=2)
        self.ctl("user", "set", "user1@example.test", "--storage", "none",
                 code=3)


@only_over("maildir")
class WithoutServer(unittest.TestCase):
    def test_it_is_looked_up_here(self):
        server = Server()
        root = os.path.join(server.dir, "second")
        server.set = ["storage.second.module=maildir",
                      "storage.second.path=" + root]
        with server:
            with smtplib.LMTP(server.host, server.ports["lmtp"]) as c:
                c.sendmail("", ["user1@example.test"], "Subject: x\r\n\r\n")
            server.stop()
            p = server.ctl("user", "set", "user1@example.test", "--storage",
                           "second")
            self.assertEqual(p.returncode, 1, p.stderr)
            self.assertIn("posternctl convert", p.stderr)
            p = server.ctl("user", "set", "user2@example.test", "--storage",
                           "second")
            self.assertEqual(p.returncode, 0, p.stderr)


if __name__ == "__main__":
    unittest.main()
