"""posternctl convert: mail goes to another storage while it is in use."""
# Takes long.

import hashlib
import imaplib
import json
import os
import poplib
import random
import re
import signal
import smtplib
import subprocess
import threading
import time
import unittest

import cluster
from postern import (PREFIX, SLOW, STORAGE, Server, empty_database,
                     only_over)
from wire import imap

imaplib._MAXLINE = 10000000
TEXT = "From: a@example.org\r\nSubject: %s\r\n\r\nhello %s\r\n%s"


def client(server, user=None):
    c = imaplib.IMAP4(server.host, server.ports["imap"],
                      timeout=60 * SLOW)
    c.login(user or server.users[0], server.password)
    return c


def ok(answer):
    if answer[0] != "OK":
        raise AssertionError(answer)
    return answer[1]


def names(c):
    return sorted(
        re.search(rb' "/" "?(.*?)"?$', row).group(1).decode()
        for row in ok(c.list()))


def contents(c, box, exact=True):
    """What a client can see of the messages of a mailbox, by uid."""
    ok(c.select('"%s"' % box, readonly=True))
    rows = ok(c.uid("fetch", "1:*", "(UID FLAGS MODSEQ INTERNALDATE SAVEDATE "
                    "EMAILID RFC822.SIZE BODY.PEEK[])"))
    found = {}
    for row in rows:
        if not isinstance(row, tuple):
            continue
        head = row[0].decode()
        uid = int(re.search(r"UID (\d+)", head).group(1))
        flags = set(re.search(r"FLAGS \((.*?)\)", head).group(1).split())
        rest = re.sub(r"^\d+ |FLAGS \(.*?\)|BODY\[\] \{\d+\}", "", head)
        if not exact:
            rest = re.sub(r"MODSEQ \(\d+\)", "", rest)
        found[uid] = (sorted(flags - {"\\Recent"}), rest,
                      hashlib.sha256(row[1]).hexdigest())
    c.unselect()
    return found


def metadata(c, box):
    ok(c.xatom("GETMETADATA", "(DEPTH infinity)", box, "(/private /shared)"))
    return c.response("METADATA")[1]


def account(server, user=None, exact=True):
    """All that a client can see of an account. What is reserved ahead is lost
    with a server that is killed: UIDNEXT and modseqs grow."""
    c = client(server, user)
    all = {"list": sorted(ok(c.list())), "lsub": sorted(ok(c.lsub())),
           "private": metadata(c, '""'), "boxes": {}}
    for name in names(c):
        q = '"%s"' % name
        status = ok(c.status(q, "(MESSAGES %s UIDVALIDITY UNSEEN MAILBOXID)" %
                             ("UIDNEXT" if exact else "DELETED")))
        all["boxes"][name] = (status, metadata(c, q), c.getacl(q)[1],
                              contents(c, name, exact))
    c.logout()
    return all


def uidls(server, user=None):
    p = poplib.POP3(server.host, server.ports["pop3"], timeout=60 * SLOW)
    p.user(user or server.users[0])
    p.pass_(server.password)
    rows = p.uidl()[1]
    p.quit()
    return rows


def lmtp(server):
    s = smtplib.LMTP(server.host, server.ports["lmtp"])
    s.timeout = 60 * SLOW
    return s


def deliver(server, word, user=None):
    with lmtp(server) as s:
        s.sendmail("a@example.org", [user or server.users[0]],
                   TEXT % (word, word, ""))


class Convert(unittest.TestCase):
    first = "maildir"

    def setUp(self):
        self.server = self.make_server()
        self.addCleanup(self.server.clean)
        self.addCleanup(self.server.stop)
        self.user = self.server.users[0]

    def make_server(self, users=2):
        other = STORAGE
        if other == "postgresql":
            conninfo = empty_database()
            self.addCleanup(cluster.cluster().drop,
                            conninfo.rpartition("=")[2])
            other += ":" + conninfo
        return Server(users=users, args=[
            "--storage", "first=" + self.first, "--storage",
            "second=" + other,
            "--set", "storage.first.fsync=false",
            "--set", "storage.second.fsync=false"]).start()

    def convert(self, *args, code=0, source="first", target="second",
                user=None):
        p = self.server.ctl("convert", "--from", source, "--to", target,
                            user or self.user, *args, "--json", timeout=120)
        self.assertEqual(p.returncode, code, p.stdout + p.stderr)
        return json.loads(p.stdout)[0] if code == 0 else p.stderr

    def back(self, *args, **more):
        return self.convert(*args, *self.alone(), source="second",
                            target="first", **more)

    def alone(self):
        """Several servers may use the same database."""
        return ["--alone"] if STORAGE == "postgresql" else []

    def fill(self, n=40, user=None):
        """Some of everything."""
        c = client(self.server, user)
        for i in range(n):
            flags = ["", "\\Seen", "\\Seen \\Answered $Forwarded",
                     "\\Draft \\Flagged", "Own"][i % 5]
            ok(c.append("INBOX", "(%s)" % flags,
                        '"%02d-Jan-2021 10:20:30 +0000"' % (i % 28 + 1),
                        (TEXT % (i, i, "x" * (i * 37))).encode()))
        for name in ("Work", "Work/Deep", "Empty", "B&APw-cher"):
            ok(c.create('"%s"' % name))
        ok(c.subscribe('"Work/Deep"'))
        ok(c.subscribe('"Gone/Away"'))
        ok(c.select("INBOX"))
        ok(c.copy("2:%d" % (n // 2), "Work"))
        ok(c.uid("copy", "3,5,9", '"Work/Deep"'))
        ok(c.uid("store", "1,7,%d" % n, "+FLAGS", "\\Deleted"))
        ok(c.expunge())
        ok(c.xatom("SETMETADATA", "Work",
                             '(/private/comment "mine" /shared/comment "x")'))
        ok(c.xatom("SETMETADATA", '""', '(/private/comment "all")'))
        ok(c.setacl("Work", self.server.users[1], "lrs"))
        c.logout()

    def test_all_that_a_client_sees_stays(self):
        self.fill()
        deliver(self.server, "unseen")
        before = account(self.server)
        pop = uidls(self.server)
        result = self.convert("--verify", "full")
        self.assertEqual(result["outcome"], "converted")
        self.assertEqual(result["copied"], result["messages"])
        self.assertGreaterEqual(result["verified"], result["copied"])
        self.assertEqual(account(self.server), before)
        self.assertEqual(uidls(self.server), pop)
        self.server.stop()
        self.server.start()
        self.assertEqual(account(self.server), before)
        self.assertEqual(uidls(self.server), pop)
        # And back, to where an old copy is.
        result = self.back()
        self.assertEqual(result["outcome"], "converted")
        self.assertEqual(result["copied"], 0)
        self.assertEqual(account(self.server), before)
        self.assertEqual(uidls(self.server), pop)
        self.server.stop()
        self.server.start()
        self.assertEqual(account(self.server), before)

    def test_old_copies_are_brought_up_to_date(self):
        self.fill()
        self.convert()
        c = client(self.server)
        ok(c.select("INBOX"))
        ok(c.uid("store", "2:6", "+FLAGS", "\\Deleted"))
        ok(c.expunge())
        ok(c.uid("store", "8:11", "FLAGS", "(\\Flagged $New)"))
        ok(c.append("INBOX", None, None, b"Subject: new\r\n\r\n"))
        ok(c.delete("Empty"))
        ok(c.rename("Work", "Play"))
        ok(c.unsubscribe("Gone/Away"))
        ok(c.create("Work"))
        ok(c.append("Work", None, None, b"Subject: other\r\n\r\n"))
        ok(c.xatom("SETMETADATA", '""', '(/private/comment NIL)'))
        before = account(self.server)
        result = self.back("--verify", "full")
        self.assertEqual(result["outcome"], "converted")
        self.assertEqual(account(self.server), before)
        self.server.stop()
        self.server.start()
        self.assertEqual(account(self.server), before)

    def test_sessions_do_not_notice(self):
        self.fill()
        idle = imap(self.server, self.user)
        self.addCleanup(idle.close)
        busy = imap(self.server, self.user)
        self.addCleanup(busy.close)
        guest = imap(self.server, self.server.users[1])
        self.addCleanup(guest.close)
        for c, box in ((idle, "INBOX"), (busy, "Work"), (guest, None)):
            c.say("t SELECT " + (box or '"Other Users/%s/Work"' % self.user))
            line = ""
            while not line.startswith("t "):
                line = c.line()
            self.assertTrue(line.startswith("t OK"), line)
        idle.say("i IDLE")
        self.assertTrue(idle.line().startswith("+"))
        for convert in (self.convert, self.back):
            self.assertEqual(convert()["outcome"], "converted")
            # Nothing was told meanwhile, and what comes now is.
            deliver(self.server, "after")
            self.assertRegex(idle.line(), r"^\* \d+ EXISTS$")
            line = idle.line()
            self.assertRegex(line, r"^\* \d+ RECENT$")
            busy.say("a NOOP")
            self.assertTrue(busy.line().startswith("a OK"))
            busy.say("b UID STORE 1:3 +FLAGS.SILENT (Fresh)")
            lines = []
            while not (lines and lines[-1].startswith("b ")):
                lines.append(busy.line())
            self.assertTrue(lines[-1].startswith("b OK"), lines)
            busy.say("c UID FETCH 2 (FLAGS BODY.PEEK[])")
            lines = []
            while not (lines and lines[-1].startswith("c ")):
                lines.append(busy.line())
            self.assertIn("Fresh", "".join(lines))
            guest.say("d UID STORE 2 FLAGS (\\Seen)")
            while not guest.line().startswith("d OK"):
                pass
        idle.say("DONE")
        self.assertTrue(idle.line().startswith("i OK"))

    def test_expunges_before_and_after_are_told(self):
        """QRESYNC: what was expunged in the old storage, too."""
        self.fill()
        c = client(self.server)
        status = ok(c.status("INBOX", "(UIDVALIDITY HIGHESTMODSEQ)"))[0]
        validity, modseq = map(int, re.findall(rb"\b(\d+)\b", status)[-2:])
        ok(c.select("INBOX"))
        ok(c.uid("store", "10", "+FLAGS", "\\Deleted"))
        ok(c.expunge())
        c.logout()
        self.server.stop()     # it remembers nothing
        self.server.start()
        self.convert()
        c = client(self.server)
        ok(c.select("INBOX"))
        ok(c.uid("store", "12", "+FLAGS", "\\Deleted"))
        ok(c.expunge())
        c.logout()
        w = imap(self.server, self.user)
        self.addCleanup(w.close)
        w.say("e ENABLE QRESYNC")
        while not w.line().startswith("e OK"):
            pass
        w.say("s SELECT INBOX (QRESYNC (%d %d))" % (validity, modseq))
        text = ""
        while "s OK" not in text:
            text += w.line() + "\n"
        gone = set()
        for part in re.findall(r"VANISHED \(EARLIER\) (\S+)", text):
            for r in part.split(","):
                a, _, b = r.partition(":")
                gone.update(range(int(a), int(b or a) + 1))
        self.assertTrue({10, 12} <= gone, text)
        self.assertFalse({8, 11, 13} & gone, text)

    def test_nothing_is_lost_or_doubled_meanwhile(self):
        self.fill(60)
        over = threading.Event()
        sent, failures, waits = [], [], []

        def send(number):
            i = 0
            s = None
            while not over.is_set() or i < 5:
                word = "d%d-%d" % (number, i)
                try:
                    if s is None:
                        s = lmtp(self.server)
                    begin = time.monotonic()
                    s.sendmail("a@example.org", [self.user],
                               TEXT % (word, word, ""))
                    waits.append(time.monotonic() - begin)
                except smtplib.SMTPDataError as e:
                    if e.smtp_code != 451:
                        failures.append(repr(e))
                        return
                    continue
                except (smtplib.SMTPException, OSError) as e:
                    failures.append(repr(e))
                    return
                sent.append(word)
                i += 1
                time.sleep(0.01)
            s.quit()

        def change():
            """Flags, moves, mailboxes."""
            try:
                c = client(self.server)
                ok(c.select("INBOX"))
                r = random.Random(3)
                i = 29
                while not over.is_set() or i % 30 != 25:
                    i += 1
                    uid = str(r.randrange(2, 60))
                    ok(c.uid("store", uid,
                             r.choice(["+FLAGS", "-FLAGS"]),
                             r.choice(["\\Seen", "\\Flagged", "k%d" %
                                       r.randrange(5)])))
                    if i % 7 == 0:
                        ok(c.uid("copy", uid, "Work"))
                    if i % 40 == 0:
                        ok(c.uid("move", uid, "Work/Deep"))
                    if i % 30 == 0:
                        ok(c.create("New%d" % i))
                    if i % 30 == 10:
                        ok(c.rename("New%d" % (i - 10), "Newer"))
                    if i % 30 == 20:
                        ok(c.delete("Newer"))
                    time.sleep(0.005)
                c.logout()
            except Exception as e:
                failures.append(repr(e))

        threads = [threading.Thread(target=send, args=(n,)) for n in range(2)]
        threads.append(threading.Thread(target=change))
        for t in threads:
            t.start()
        results = []
        try:
            for i in range(3):
                results.append((self.back if i % 2 else self.convert)())
        finally:
            over.set()
            for t in threads:
                t.join(60 * SLOW)
        self.assertEqual(failures, [])
        self.assertTrue(all(r["outcome"] == "converted" for r in results))
        before = account(self.server)
        self.server.stop()
        self.server.start()
        self.assertEqual(account(self.server), before)
        c = client(self.server)
        ok(c.select("INBOX"))
        rows = ok(c.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))
        found = [row[1].decode().split(": ")[1].strip()
                 for row in rows if isinstance(row, tuple)]
        for word in sent:
            self.assertEqual(found.count(word), 1, word)
        self.assertEqual(sum(w.startswith("d") for w in found), len(sent))
        for r in results:
            self.assertLess(r["held_microseconds"], 3000000 * SLOW)

    def test_a_killed_server_goes_on(self):
        self.fill(60)
        before = account(self.server, exact=False)
        r = random.Random(5)
        for round in range(3):
            source, target = (("first", "second"), ("second", "first"))[
                self.place() == "second"]
            p = subprocess.Popen(
                [os.path.join(PREFIX, "sbin/posternctl"), "--sandbox",
                 self.server.dir, "convert", "--from", source, "--to",
                 target, self.user, *self.alone()],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            time.sleep(r.random() * 0.25 * SLOW)
            self.server.kill()
            p.communicate(timeout=30 * SLOW)
            self.server.start()
            where = self.place()
            if where == source:
                self.convert(*self.alone(), source=source, target=target)
            self.assertEqual(self.place(), target)
            self.assertEqual(account(self.server, exact=False), before)

    def place(self):
        """The storage that the user's record names."""
        p = self.server.ctl("user", "show", self.user, "--json")
        return json.loads(p.stdout)["storage"] or "first"

    def test_it_can_be_interrupted(self):
        self.fill(40)
        c = client(self.server)
        for _ in range(3):
            ok(c.select("INBOX"))
            ok(c.copy("1:*", "INBOX"))
        c.logout()
        before = account(self.server)
        p = subprocess.Popen(
            [os.path.join(PREFIX, "sbin/posternctl"), "--sandbox",
             self.server.dir, "convert", "--from", "first", "--to",
             "second", self.user, "--verify", "full"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(0.1)
        p.send_signal(signal.SIGINT)
        p.communicate(timeout=30 * SLOW)
        end = time.monotonic() + 30 * SLOW
        while time.monotonic() < end:
            p = self.server.ctl("convert", "--from", "first", "--to",
                                "second", self.user)
            if "already" not in p.stderr:
                break
            time.sleep(0.05)
        self.assertEqual(self.place(), "second")
        self.assertEqual(account(self.server), before)

    @only_over("maildir")
    def test_mail_of_its_own_is_not_written_over(self):
        deliver(self.server, "here")
        inbox = os.path.join(self.server.dir, "mail-second/example.test/user1")
        for sub in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(inbox, sub))
        path = os.path.join(inbox, "new/1.there")
        with open(path, "w") as f:
            f.write(TEXT % ("there", "there", ""))
        self.assertIn("no copy", self.convert(code=1))
        self.assertTrue(os.path.exists(path) or
                        os.listdir(os.path.join(inbox, "new")))
        self.assertEqual(self.place(), "first")

    def test_progress(self):
        """A bar on a terminal, nothing of that elsewhere."""
        self.fill(20)
        master, slave = os.openpty()
        p = subprocess.run(
            [os.path.join(PREFIX, "sbin/posternctl"), "--sandbox",
             self.server.dir, "convert", "--from", "first", "--to", "second",
             self.user], stdout=subprocess.PIPE, stderr=slave,
            timeout=60 * SLOW, text=True)
        os.close(slave)
        shown = b""
        while True:  # what was written in pieces is read in pieces
            try:
                piece = os.read(master, 65536)
            except OSError:  # Linux says so at the end
                break
            if not piece:
                break
            shown += piece
        shown = shown.decode()
        os.close(master)
        self.assertEqual(p.returncode, 0, shown)
        self.assertRegex(shown, r"\r.*%s \[[#.]{24}\] \d+/\d+, "
                         r"[0-9.]+ MB, \d+/s, pass \d+" % self.user)
        self.assertTrue(shown.endswith("\033[K"), shown)
        self.assertRegex(p.stdout, r"(?s)^USER .*\n%s +converted " % self.user)
        p = self.server.ctl("convert", "--from", "second", "--to", "first",
                            self.user, *self.alone())
        self.assertEqual((p.returncode, p.stderr), (0, ""))

    def test_what_cannot_be(self):
        self.assertIn("no storage", self.convert(target="third", code=3))
        self.assertIn("the same", self.convert(target="first", code=1))
        self.assertIn("is in storage", self.back(code=1))
        self.assertIn("there is no user",
                      self.convert(user="nobody@example.test", code=3))
        self.convert("--verify", "often", code=2)
        p = self.server.ctl("convert", "--from", "first", self.user)
        self.assertEqual(p.returncode, 2)
        p = self.server.ctl("convert", "--from", "first", "--to", "second")
        self.assertEqual(p.returncode, 2)
        p = self.server.ctl("convert", "--from", "first", "--to", "second",
                            "--all", self.user)
        self.assertEqual(p.returncode, 2)

    def test_all_users_a_dry_run_and_no_source(self):
        for user in self.server.users:
            deliver(self.server, "hello", user)
        mail = os.path.join(self.server.dir, "mail/example.test")
        p = self.server.ctl("convert", "--from", "first", "--to",
                            "second", "--all", "--dry-run", "--json")
        rows = json.loads(p.stdout)
        self.assertEqual([(r["user"], r["outcome"], r["messages"])
                          for r in rows],
                         [(u, "dry-run", 1) for u in self.server.users])
        self.assertEqual(self.place(), "first")
        p = self.server.ctl("convert", "--from", "first", "--to",
                            "second:" + self.server.dir, "--all")
        self.assertEqual(p.returncode, 3, p.stdout)
        p = self.server.ctl("convert", "--from", "first", "--to",
                            "second", "--domain", "example.test",
                            "--remove-source", "--json")
        rows = json.loads(p.stdout)
        self.assertEqual([(r["user"], r["outcome"], r["source_removed"])
                          for r in rows],
                         [(u, "converted", True) for u in self.server.users])
        if self.first == "maildir":
            self.assertEqual(os.listdir(mail), [])
        for user in self.server.users:
            self.assertEqual(len(account(
                self.server, user)["boxes"]["INBOX"][3]), 1)
        # The other way of naming storages, and a plain table.
        p = self.server.ctl("convert", "--from", "second", "--to",
                            "maildir:%s/mail" % self.server.dir, self.user,
                            *self.alone())
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertIn("converted", p.stdout)


if __name__ == "__main__":
    unittest.main()
