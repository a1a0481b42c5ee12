"""The upgrade contract (postern-upgrade(7)): mail, accounts and the rest of
each released version are opened by this one, and nothing of them changes; what
a later version wrote is refused with a clear message, and left alone."""

import glob
import json
import os
import re
import shutil
import smtplib
import sqlite3
import subprocess
import tempfile
import unittest

import cluster
import content
import imap_client
from postern import PREFIX, Server, empty_database

SAMPLES = os.path.join(content.HERE, "samples")


def samples(kind):
    """The samples of a kind, oldest first."""
    return sorted(glob.glob(os.path.join(SAMPLES, kind + "-*")),
                  key=lambda p: int(p.rpartition("-")[2]))


def read(path):
    with open(path, "rb") as f:
        return f.read()


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)


def tree(root):
    """Every file below `root` and what is in it."""
    return {os.path.relpath(os.path.join(d, f), root):
            read(os.path.join(d, f)) for d, _, fs in os.walk(root) for f in fs}


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="postern-upgrade-")
        self.addCleanup(shutil.rmtree, self.dir, True)

    def use_accounts(self, sample):
        """The database of accounts from a sample; its path."""
        os.makedirs(os.path.join(self.dir, "state"), mode=0o700)
        path = os.path.join(self.dir, "state", "accounts.db")
        db = sqlite3.connect(path)
        with open(os.path.join(sample, "accounts.sql")) as f:
            db.executescript(f.read())
        db.close()
        return path

    def use_mail(self, sample):
        """Mail from a sample, with accounts; the root."""
        self.use_accounts(samples("accounts")[-1])
        root = os.path.join(self.dir, "mail")
        shutil.copytree(os.path.join(sample, "mail"), root)
        for folder, names, files in os.walk(root):
            os.chmod(folder, 0o700)
            if "postern.state" in files:
                self.complete(folder)
        return root

    def complete(self, folder):
        """What no repository keeps: empty folders and times."""
        for name in ("new", "cur", "tmp"):
            os.makedirs(os.path.join(folder, name), exist_ok=True)
        seen = re.search(rb"(?m)^seen (\d+)\.(\d+) (\d+)\.(\d+) ",
                         read(os.path.join(folder, "postern.state")))
        for i, name in enumerate(("new", "cur")):
            if seen:
                ns = int(seen.group(2 * i + 1)) * 10**9 + int(
                    seen.group(2 * i + 2))
                os.utime(os.path.join(folder, name), ns=(ns, ns))

    def start(self, module="maildir"):
        server = Server(users=content.USERS, dir=self.dir, storage=module)
        server.start()
        self.addCleanup(server.stop)
        return server

    def login(self, server, user=0):
        c = imap_client.Client(server).login(user)
        self.addCleanup(c.close)
        return c

    def compare(self, server, sample):
        self.maxDiff = None
        with open(os.path.join(sample, "expected.json")) as f:
            expected = json.load(f)
        for user in range(content.USERS):
            want = expected[server.users[user]]
            got = content.as_kept(content.look(server, user))
            self.assertEqual(set(got["mailboxes"]), set(want["mailboxes"]))
            for name, box in want["mailboxes"].items():
                self.assertEqual(got["mailboxes"][name], box, name)
            self.assertEqual(got, want)

    def refused(self, answer):
        """It is NO, and says nothing of files to a client."""
        self.assertTrue(answer[1].startswith(b"NO [UNAVAILABLE]"), answer)
        self.assertNotIn(b"postern.", answer[1])


class Older(Case):
    def test_mail_in_files(self):
        for kind in ("maildir", "mbox"):
            for sample in samples(kind):
                with self.subTest(os.path.basename(sample)):
                    self.setUp()
                    self.use_mail(sample)
                    server = self.start(kind)
                    self.compare(server, sample)
                    # and once more, as this version has written it
                    self.assertEqual(server.stop(), 0)
                    server.start()
                    self.compare(server, sample)

    def test_accounts(self):
        for sample in samples("accounts"):
            with self.subTest(os.path.basename(sample)):
                self.setUp()
                self.use_accounts(sample)
                server = self.start()
                with open(os.path.join(sample, "expected.json")) as f:
                    self.assertEqual(content.as_kept(
                        content.look_at_accounts(server)), json.load(f))
                for user in range(content.USERS):
                    self.login(server, user).ok("NOOP")

    def test_subscriptions_without_a_version(self):
        sample = samples("maildir")[0]
        root = self.use_mail(sample)
        path = os.path.join(root, "example.test/user1/postern.subscriptions")
        first, rest = read(path).split(b"\n", 1)
        self.assertEqual(first, b"postern-subscriptions 1")
        write(path, rest)
        self.compare(self.start(), sample)


class Newer(Case):
    def setUp(self):
        super().setUp()
        self.sample = samples("maildir")[-1]
        self.root = self.use_mail(self.sample)
        self.user = os.path.join(self.root, "example.test/user1")

    def change(self, name, old, new):
        """Changes a file of the first user; its path and what it is now."""
        path = os.path.join(self.user, name)
        data = read(path)
        self.assertTrue(data.startswith(old) or old in data, data[:80])
        data = data.replace(old, new, 1)
        write(path, data)
        return path, data

    def test_state_of_a_mailbox(self):
        path, data = self.change(".Work/postern.state", b"postern-mailbox 1",
                                 b"postern-mailbox 2")
        before = tree(os.path.join(self.user, ".Work"))
        server = self.start()
        c = self.login(server)
        self.refused(c.cmd("SELECT Work"))
        self.refused(c.cmd("STATUS Work (MESSAGES)"))
        self.assertIn("written by a later version", server.log())
        c.append(content.message(5), "INBOX")      # all else works
        c.ok('SELECT "Work/Deep.er"')
        server.stop()
        self.assertEqual(tree(os.path.join(self.user, ".Work")), before)

    def test_file_of_an_account(self):
        self.change("postern.account", b"postern-account 1",
                    b"postern-account 2")
        before = tree(self.user)
        server = self.start()
        c = imap_client.Client(server)
        self.addCleanup(c.close)
        got = c.cmd('LOGIN "%s" secret' % server.users[0])
        if got[1].startswith(b"OK"):
            got = c.cmd("SELECT INBOX")
        self.refused(got)
        self.assertIn("written by a later version", server.log())
        self.login(server, 1).ok("SELECT INBOX")   # of nobody else
        with smtplib.SMTP(server.host, server.ports["smtp"]) as s:
            with self.assertRaises(smtplib.SMTPException) as failure:
                s.sendmail("a@b.test", [server.users[0]], "Subject: x\r\n\r\n")
            self.assertIn("45", str(failure.exception))  # mail waits
        server.stop()
        self.assertEqual(tree(self.user), before)

    def test_subscriptions(self):
        path, data = self.change(
            "postern.subscriptions", b"postern-subscriptions 1",
            b"postern-subscriptions 2")
        server = self.start()
        c = self.login(server)
        self.assertEqual(c.ok('LSUB "" "*"'), [])
        self.refused(c.cmd("SUBSCRIBE Other"))
        self.assertIn("written by a later version", server.log())
        c.ok("SELECT Work")
        server.stop()
        self.assertEqual(read(path), data)

    def test_kept_messages(self):
        about, = glob.glob(os.path.join(self.user, "postern.kept/*/postern."
                                        "about"))
        name = os.path.relpath(about, self.user)
        path, data = self.change(name, b"postern-kept 1", b"postern-kept 2")
        server = self.start()
        c = self.login(server)
        c.ok("SELECT Work")
        c.ok("UID STORE 2 +FLAGS (\\Deleted)")
        c.ok("UID EXPUNGE 2")
        kept = json.loads(server.ctl("undelete", server.users[0], "--list",
                                     "--json").stdout)
        self.assertEqual(len(kept), 2)             # both can come back
        server.stop()
        self.assertEqual(read(path), data)

    def test_caches_are_only_made_again(self):
        for file in glob.glob(self.user + "/**/postern.index", recursive=True,
                              include_hidden=True):
            data = bytearray(read(file))
            data[8] += 1                           # the format's number
            write(file, bytes(data))
        for folder in (self.user, os.path.join(self.user, ".Work")):
            for name in ("postern.cache", "postern.text"):
                path = os.path.join(folder, name)
                if os.path.isdir(path):
                    shutil.rmtree(path)
                write(path, b"of a later version\n" * 100)
        server = self.start()
        got = content.as_kept(content.look(server, 0))
        with open(os.path.join(self.sample, "expected.json")) as f:
            want = json.load(f)[server.users[0]]
        for name, box in want["mailboxes"].items():
            for old, new in zip(box["messages"],
                                got["mailboxes"][name]["messages"]):
                self.assertGreaterEqual(new.pop("modseq"), old.pop("modseq"))
            self.assertEqual(got["mailboxes"][name], box, name)
        c = self.login(server)
        c.ok("SELECT Work")
        self.assertEqual(c.ok("SEARCH TEXT number"), c.ok("SEARCH ALL"))

    def test_accounts(self):
        path = os.path.join(self.dir, "state/accounts.db")
        db = sqlite3.connect(path)
        db.execute("PRAGMA user_version = 1000")
        db.close()
        data = read(path)
        for command in (
                [os.path.join(PREFIX, "sbin/posternd"), "--sandbox", self.dir,
                 "--ports", "auto"],
                [os.path.join(PREFIX, "sbin/posternctl"), "--sandbox",
                 self.dir, "user", "list"]):
            p = subprocess.run(command, capture_output=True, text=True,
                               timeout=60)
            self.assertNotEqual(p.returncode, 0)
            self.assertIn("newer version", p.stdout + p.stderr)
        self.assertEqual(read(path), data)

    def test_the_timer_forgets_what_it_does_not_know(self):
        path = os.path.join(self.dir, "state/upkeep.state")
        write(path, b"postern-due 2 1\nwhatever\nend\n")
        self.compare(self.start(), self.sample)


class NewerMbox(Case):
    def test_state_of_a_mailbox(self):
        root = self.use_mail(samples("mbox")[-1])
        user = os.path.join(root, "example.test/user1")
        state = os.path.join(user, ".postern-Work/postern.state")
        data = read(state).replace(b"postern-mailbox 1", b"postern-mailbox 2")
        write(state, data)
        mbox = read(os.path.join(user, "Work"))
        server = self.start("mbox")
        c = self.login(server)
        self.refused(c.cmd("SELECT Work"))
        self.refused(c.cmd("STATUS Work (MESSAGES)"))
        self.assertIn("written by a later version", server.log())
        c.ok('SELECT "Work/Deep.er"')
        server.stop()
        self.assertEqual(read(state), data)
        self.assertEqual(read(os.path.join(user, "Work")), mbox)


@unittest.skipUnless(cluster.programs(), "PostgreSQL is not installed")
class PostgreSQL(Case):
    MORE = ("accounts.database=postgresql",)

    @classmethod
    def tearDownClass(cls):
        if not os.environ.get("POSTERN_CLUSTER"):
            cluster.cluster().close()
            cluster.shared = None

    def start_on(self, conninfo):
        server = Server(users=content.USERS, dir=self.dir, set=self.MORE,
                        storage="postgresql:" + conninfo)
        self.addCleanup(server.stop)
        return server.start()

    def test_older(self):
        for sample in samples("postgresql"):
            with self.subTest(os.path.basename(sample)):
                self.setUp()
                c = cluster.cluster()
                name = "sample_" + os.path.basename(self.dir)[-8:]
                conninfo = c.create(name.lower().replace("-", "_"))
                subprocess.run(
                    [os.path.join(c.bin, "psql"), "-X", "-q", "-v",
                     "ON_ERROR_STOP=1", "-d", conninfo, "-f",
                     os.path.join(sample, "dump.sql")],
                    check=True, stdout=subprocess.DEVNULL)
                server = self.start_on(conninfo)
                self.compare(server, sample)
                with open(os.path.join(sample, "accounts.json")) as f:
                    self.assertEqual(content.as_kept(
                        content.look_at_accounts(server)), json.load(f))

    def test_newer(self):
        conninfo = empty_database()
        name = conninfo.rpartition("=")[2]
        self.start_on(conninfo).stop()
        for table in ("schema_version", "account_schema"):
            def version(value):
                cluster.cluster().sql("UPDATE postern.%s SET version = %s" % (
                    table, value), name)
            version("version + 1000")
            with self.assertRaisesRegex(RuntimeError, "newer"):
                self.start_on(conninfo)
            p = subprocess.run(
                [os.path.join(PREFIX, "sbin/posternctl"), "--sandbox",
                 self.dir, "storage", "init", "postgresql"],
                capture_output=True, text=True, timeout=60)
            self.assertNotEqual(p.returncode, 0)
            self.assertIn("newer", p.stderr)
            version("version - 1000")
        self.login(self.start_on(conninfo)).ok("SELECT INBOX")

    def test_newer_while_the_server_runs(self):
        """Another server has brought the schema up: mail waits."""
        conninfo = empty_database()
        name = conninfo.rpartition("=")[2]
        server = self.start_on(conninfo)
        c = cluster.cluster()
        c.sql("UPDATE postern.schema_version SET version = 1000", name)
        c.disconnect(name)
        with smtplib.SMTP(server.host, server.ports["smtp"]) as s:
            s.ehlo()
            s.mail("a@b.test")
            self.assertEqual(s.rcpt(server.users[0])[0], 451)
        self.assertIn("newer", server.log())


class Unknown(Case):
    """Lines of a later version with the same number are kept."""

    def test_lines_survive_changes(self):
        root = self.use_mail(samples("maildir")[-1])
        user = os.path.join(root, "example.test/user1")
        about, = glob.glob(user + "/postern.kept/*/postern.about")
        paths = [os.path.join(user, ".Work/postern.state"),
                 os.path.join(user, "postern.account"), about]
        line = b"colour blue  50%25\nshape\n"
        for path in paths:
            data = read(path)
            self.assertTrue(data.endswith(b"end\n"))
            write(path, data[:-4] + line + b"end\n")
        old = [read(p) for p in paths]
        server = self.start()
        c = self.login(server)
        c.ok("CREATE New")
        c.append(content.message(1), "Work", "(NewWord)")
        c.ok("SELECT Work")
        c.ok("STORE * +FLAGS (\\Deleted)")
        c.ok("EXPUNGE")
        c.ok("LOGOUT")
        server.stop()
        for path, before in zip(paths, old):
            self.assertIn(b"\n" + line, read(path), path)
            self.assertNotEqual(read(path), before, path)


if __name__ == "__main__":
    unittest.main()
