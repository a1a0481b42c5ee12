"""posternctl import from the files of other servers: what clients know of the
messages stays true."""

import json
import mailbox
import os
import re
import shutil
import socket
import tempfile
import unittest

from postern import SLOW, Server
from wire import control, imap, wait_for

TEXT = "From: a@example.org\nSubject: %s\nMessage-ID: <%s@x>\n\nhello %s\n"


def write(path, text, date=None):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(text.encode() if isinstance(text, str) else text)
    if date is not None:
        os.utime(path, (date, date))


class Case(unittest.TestCase):
    users = 2

    def setUp(self):
        self.server = Server(users=self.users).start()
        self.addCleanup(self.server.clean)
        self.addCleanup(self.server.stop)
        self.user = self.server.users[0]
        self.dir = tempfile.mkdtemp(prefix="postern-import-")
        self.addCleanup(shutil.rmtree, self.dir)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def run_import(self, source, *args, user=None, code=0):
        p = self.server.ctl("import", user or self.user, "--from", source,
                            "--json", *args, timeout=120)
        self.assertEqual(p.returncode, code, p.stdout + p.stderr)
        self.said = p.stderr
        return {row["mailbox"]: row for row in json.loads(p.stdout)} \
            if p.stdout.startswith("[") else {}

    def ok(self, c, command):
        """The untagged lines of the answer, texts of literals included."""
        c.say("t " + command)
        lines = []
        while True:
            line = c.file.readline().decode()
            self.assertNotEqual(line, "", lines)
            if line.startswith("t "):
                self.assertTrue(line.startswith("t OK"), line)
                return lines
            lines.append(line.rstrip("\r\n"))

    def open(self, box, user=None):
        c = imap(self.server, user or self.user)
        self.addCleanup(c.close)
        self.selected = " ".join(self.ok(c, 'SELECT "%s"' % box))
        return c

    def number(self, word):
        return int(re.search(word + r" (\d+)", self.selected).group(1))

    def rows(self, c):
        """uid: (flags, internal date)"""
        found = {}
        for line in self.ok(c, "UID FETCH 1:* (FLAGS INTERNALDATE)"):
            m = re.match(r'\* \d+ FETCH \(UID (\d+) FLAGS \((.*?)\) '
                         r'INTERNALDATE "(.*?)"', line)
            if m:
                flags = set(m.group(2).split()) - {"\\Recent"}
                found[int(m.group(1))] = (flags, m.group(3))
        return found

    def body(self, c, uid):
        c.say("b UID FETCH %d BODY.PEEK[]" % uid)
        while b"{" not in (head := c.file.readline()):
            self.assertFalse(head.startswith(b"b "), head)
        head = head.decode()
        size = int(re.search(r"\{(\d+)\}", head).group(1))
        text = c.file.read(size)
        while not c.file.readline().startswith(b"b OK"):
            pass
        return text

    def names(self, command="LIST", user=None):
        c = imap(self.server, user or self.user)
        self.addCleanup(c.close)
        return [re.search(r'"/" "?(.*?)"?$', line).group(1)
                for line in self.ok(c, command + ' "" "*"')]

    def uidls(self, user=None):
        s = socket.create_connection(
            (self.server.host, self.server.ports["pop3"]), 20 * SLOW)
        with s, s.makefile("rb") as f:
            f.readline()
            for line in ("USER " + (user or self.user),
                         "PASS " + self.server.password, "UIDL"):
                s.sendall(line.encode() + b"\r\n")
                answer = f.readline()
                self.assertTrue(answer.startswith(b"+OK"), answer)
            ids = []
            while (line := f.readline()) != b".\r\n":
                ids.append(line.decode().split()[1])
            s.sendall(b"QUIT\r\n")
            while f.readline():  # the maildrop is closed when it is over
                pass
            return ids


class Dovecot(Case):
    def make(self):
        """What Dovecot would leave, with gaps and all kinds of names."""
        m = "M"
        write(self.path(m, "cur", "1000000001.M1.host,S=64,W=68:2,S"),
              TEXT % ("one", 1, "one"), 1000000001)
        write(self.path(m, "cur", "1000000002.M2.host:2,FRab"),
              TEXT % ("two", 2, "two"), 1000000002)
        write(self.path(m, "new", "1000000003.M3.host"),
              TEXT % ("three", 3, "three"), 1000000003)
        # Delivered, and not looked at by Dovecot yet.
        write(self.path(m, "new", "1000000009.M9.host"),
              TEXT % ("nine", 9, "nine"), 1000000009)
        os.makedirs(self.path(m, "tmp"))
        write(self.path(m, "dovecot-uidlist"),
              "3 V1275660208 N50 G3085f01b7f11094c501100008c4a11c1\n"
              "5 W68 :1000000001.M1.host,S=64,W=68\n"
              "7 Pold-id-2 W70 :1000000002.M2.host:2,\n"
              "40 :1000000003.M3.host\n")
        write(self.path(m, "dovecot-keywords"), "0 $Label1\n1 Work\n")
        write(self.path(m, ".Sent", "cur", "1000000004.M4.host:2,ST"),
              TEXT % ("four", 4, "four"), 1000000004)
        os.makedirs(self.path(m, ".Sent", "new"))
        write(self.path(m, ".Sent", "dovecot-uidlist"),
              "1 1275660999 3\n2 1000000004.M4.host\n")
        # "Entwürfe" below "A & B".
        write(self.path(m, ".A &- B.Entw&APw-rfe", "cur",
                        "1000000005.M5.host:2,D"),
              TEXT % ("five", 5, "five"), 1000000005)
        write(self.path(m, "subscriptions"), "Sent\nA &- B.Entw&APw-rfe\n")
        return self.path(m)

    def test_everything_is_as_it_was(self):
        path = self.make()
        before = sorted(os.walk(path))
        sums = self.run_import("dovecot:" + path)
        self.assertEqual(sums["INBOX"]["kept"], 3)
        self.assertEqual(sums["INBOX"]["appended"], 1)
        self.assertEqual(sums["Sent"]["kept"], 1)
        c = self.open("INBOX")
        self.assertEqual(self.number("UIDVALIDITY"), 1275660208)
        rows = self.rows(c)
        self.assertEqual(rows, {
            5: ({"\\Seen"}, " 9-Sep-2001 01:46:41 +0000"),
            7: ({"\\Flagged", "\\Answered", "$Label1", "Work"},
                " 9-Sep-2001 01:46:42 +0000"),
            40: (set(), " 9-Sep-2001 01:46:43 +0000"),
            50: (set(), " 9-Sep-2001 01:46:49 +0000")})
        self.assertEqual(self.body(c, 7), (TEXT % ("two", 2, "two")).replace(
            "\n", "\r\n").encode())
        self.assertEqual(self.uidls(), [
            "000000054c0907b0", "old-id-2", "000000284c0907b0",
            "000000324c0907b0"])
        c = self.open("Sent")
        self.assertEqual(self.number("UIDVALIDITY"), 1275660999)
        self.assertEqual(self.number("UIDNEXT"), 3)
        self.assertEqual(self.rows(c)[2][0], {"\\Seen", "\\Deleted"})
        self.assertIn("A &- B/Entw&APw-rfe", self.names())
        self.assertIn("A &- B/Entw&APw-rfe", self.names("LSUB"))
        self.assertEqual(sorted(os.walk(path)), before)

    def test_again_brings_only_what_is_new(self):
        path = self.make()
        self.run_import("dovecot:" + path)
        c = self.open("INBOX")
        self.ok(c, "UID STORE 5 +FLAGS.SILENT (\\Deleted)")
        self.ok(c, "UID EXPUNGE 5")
        before = self.rows(c)
        sums = self.run_import("dovecot:" + path)
        self.assertEqual(sums["INBOX"]["kept"] + sums["INBOX"]["appended"], 0)
        self.assertEqual(self.rows(self.open("INBOX")), before)
        # Dovecot has given the one that came a uid, and got another.
        write(self.path("M", "cur", "1000000010.M10.host:2,S"),
              TEXT % ("ten", 10, "ten"), 1000000010)
        with open(self.path("M", "dovecot-uidlist"), "a") as f:
            f.write("50 :1000000009.M9.host\n51 :1000000010.M10.host\n")
        sums = self.run_import("dovecot:" + path)
        self.assertEqual(sums["INBOX"]["kept"], 1)
        self.assertEqual(sums["INBOX"]["known"], 1)
        self.assertEqual(sorted(self.rows(self.open("INBOX"))),
                         [7, 40, 50, 51])

    def test_into_a_mailbox_that_has_mail(self):
        path = self.make()
        c = self.open("INBOX")
        text = (TEXT % ("two", 2, "two")).replace("\n", "\r\n")
        for what in (text, "Subject: own\r\n\r\nx\r\n"):
            c.say("t APPEND INBOX {%d}" % len(what))
            self.assertTrue(c.line().startswith("+"))
            c.say(what)
            while not c.line().startswith("t OK"):
                pass
        own = self.number("UIDVALIDITY")
        sums = self.run_import("dovecot:" + path)
        self.assertEqual((sums["INBOX"]["appended"], sums["INBOX"]["known"]),
                         (3, 1))
        self.ok(c, "NOOP")      # the session went on
        self.assertEqual(len(self.rows(c)), 5)
        self.open("INBOX")
        self.assertEqual(self.number("UIDVALIDITY"), own)
        # Ids for POP3 go with the messages, whatever their uids are now.
        self.assertEqual(self.uidls()[2:], [
            "000000054c0907b0", "000000284c0907b0",
            self.uidls()[4]])
        sums = self.run_import("dovecot:" + path)
        self.assertEqual((sums["INBOX"]["appended"], sums["INBOX"]["known"]),
                         (0, 4))

    def test_a_session_that_has_the_empty_mailbox_open(self):
        c = self.open("INBOX")
        before = self.number("UIDVALIDITY")
        self.run_import("dovecot:" + self.make())
        self.open("INBOX")
        self.assertNotEqual(self.number("UIDVALIDITY"), before)
        # It is told, and never sees messages under the old number.
        c.say("n NOOP")
        said = c.file.read().decode()
        self.assertIn("* BYE", said)
        self.assertNotIn("EXISTS", said)

    def test_a_format_of_ids(self):
        self.run_import("dovecot:" + self.make(), "--pop3-uidl", "%v.%u-%f")
        self.assertEqual(self.uidls()[:3], [
            "1275660208.5-1000000001.M1.host,S=64,W=68", "old-id-2",
            "1275660208.40-1000000003.M3.host"])
        self.run_import("dovecot:" + self.path("M"), "--pop3-uidl", "%q",
                        code=2)

    def test_other_names(self):
        self.run_import("dovecot:" + self.make(), "--map", "Sent=Old/Gone",
                        "--skip", "A*", "--into", "From there")
        names = self.names()
        self.assertIn("From there/Old/Gone", names)
        self.assertIn("From there/INBOX", names)
        self.assertNotIn("From there/A &- B/Entw&APw-rfe", names)
        self.open("From there/INBOX")
        self.assertEqual(self.number("UIDVALIDITY"), 1275660208)

    def test_a_dry_run_changes_nothing(self):
        sums = self.run_import("dovecot:" + self.make(), "--dry-run")
        self.assertEqual(sums["INBOX"]["messages"], 4)
        self.assertEqual(sums["A & B/Entwürfe"]["subscribed"], True)
        self.assertEqual(self.rows(self.open("INBOX")), {})

    def test_links_are_not_followed(self):
        path = self.make()
        secret = self.path("secret")
        write(secret, "Subject: secret\n\nx\n")
        os.symlink(secret, os.path.join(path, "cur", "1.link.host:2,S"))
        write(self.path("Other", "cur", "1.M1.host:2,"), "Subject: o\n\nx\n")
        os.symlink(self.path("Other"), os.path.join(path, ".Other"))
        os.mkfifo(os.path.join(path, "cur", "2.pipe.host:2,S"))
        self.run_import("dovecot:" + path)
        self.assertIn("symbolic link", self.said)
        self.assertEqual(len(self.rows(self.open("INBOX"))), 4)
        self.assertNotIn("Other", self.names())
        os.symlink(path, self.path("L"))
        self.run_import("dovecot:" + self.path("L"), code=1)
        self.assertIn("symbolic link", self.said)

    def test_a_tree_of_directories(self):
        write(self.path("T", "cur", "1.M1.h:2,S"), TEXT % ("a", 1, "a"), 5)
        write(self.path("T", "Work", "cur", "2.M2.h:2,"),
              TEXT % ("b", 2, "b"), 6)
        write(self.path("T", "Work", "2020.old", "cur", "3.M3.h:2,"),
              TEXT % ("c", 3, "c"), 7)
        write(self.path("T", "subscriptions"),
              "V\t2\n\nWork\nWork\t2020.old\n")
        self.run_import("maildir:" + self.path("T"))
        self.assertIn("Work/2020.old", self.names("LSUB"))
        self.assertEqual(len(self.rows(self.open("Work/2020.old"))), 1)

    def test_what_is_wrong_is_told(self):
        for source, code, text in (
                ("dovecot:/nonexistent", 3, "no such file"),
                ("nonsense", 2, "--from"),
                ("mbox:/nonexistent", 3, "no such file"),
                ("maildir:" + self.dir, 3, "no Maildir")):
            self.run_import(source, code=code)
            self.assertIn(text, self.said)
        self.run_import("dovecot:" + self.make(), user="nobody@example.test",
                        code=3)
        self.assertIn("nobody", self.said)

    def test_a_damaged_list_loses_nothing(self):
        path = self.make()
        write(os.path.join(path, "dovecot-uidlist"), b"\0\xff3 V\n\n5 :x\n")
        sums = self.run_import("dovecot:" + path)
        self.assertEqual(sums["INBOX"]["appended"], 4)
        self.assertIn("new uids", self.said)


class Courier(Case):
    def test_everything_is_as_it_was(self):
        m = self.path("M")
        for n, flags in ((1, "S"), (2, "RT"), (3, "")):
            write(os.path.join(m, "cur", "100000000%d.M%d.host:2,%s" % (
                n, n, flags)), TEXT % (n, n, n), 1000000000 + n)
        write(os.path.join(m, "courierimapuiddb"),
              "1 1111111111 90\n10 1000000001.M1.host\n"
              "11 1000000002.M2.host\n80 1000000003.M3.host\n")
        write(os.path.join(m, "courierpop3dsizelist"),
              "/3 5 222222222\n1000000001.M1.host:2,S 60 3:222222222:0\n"
              "1000000002.M2.host:2,RT 60 4:0:0\n"
              "1000000003.M3.host:2, 60 0:0:0\n")
        write(os.path.join(m, "courierimapkeywords", ":list"),
              "$Label1\nWork\n\n1000000001.M1.host:0 1\n"
              "1000000002.M2.host:1\n")
        # Changed since the list was written.
        write(os.path.join(m, "courierimapkeywords", "1000000002.M2.host"),
              "Urgent\n$Label1\n")
        write(os.path.join(m, "courierimapsubscribed"),
              "INBOX\nINBOX.Lists.C\n")
        write(os.path.join(m, ".Lists.C", "cur", "1.M7.host:2,S"),
              TEXT % (7, 7, 7), 7)
        write(os.path.join(m, ".Lists.C", "courierimapuiddb"),
              "1 1222222222 9\n8 1.M7.host\n")
        write(os.path.join(m, ".Lists.C", "maildirfolder"), "")
        self.run_import("courier:" + m)
        c = self.open("INBOX")
        self.assertEqual(self.number("UIDVALIDITY"), 1111111111)
        self.assertEqual(self.number("UIDNEXT"), 90)
        self.assertEqual({uid: row[0] for uid, row in self.rows(c).items()}, {
            10: {"\\Seen", "$Label1", "Work"},
            11: {"\\Answered", "\\Deleted", "Urgent", "$Label1"}, 80: set()})
        self.assertEqual(self.uidls(), ["UID3-222222222", "UID4",
                                        "1000000003.M3.host"])
        self.open("Lists/C")
        self.assertEqual(self.number("UIDVALIDITY"), 1222222222)
        self.assertEqual(self.names("LSUB").count("Lists/C"), 1)
        # "maildir" finds out by itself, for another user.
        self.run_import("maildir:" + m, user=self.server.users[1])
        self.open("INBOX", self.server.users[1])
        self.assertEqual(self.number("UIDVALIDITY"), 1111111111)


MBOX = """\
From a@example.org Sun Sep  9 01:46:41 2001
Subject: one
Status: RO
X-IMAPbase: 1234567890 0000000030 $Label1 Work
X-UID: 12
X-Keywords: Work
Content-Length: 5

hello
>From here
>>From there
From the start of a line, which is no separator

From b@example.org Sun Sep  9 01:46:42 2001 +0100
X-Status: AF
X-UID: 29
Subject: two
  folded
Status: O

From c@example.org Sun Sep  9 01:46:43 2001
Subject: three

no uid

"""


class Mbox(Case):
    def test_a_file(self):
        write(self.path("box"), MBOX)
        sums = self.run_import("mbox:" + self.path("box"))
        self.assertEqual((sums["INBOX"]["kept"], sums["INBOX"]["appended"]),
                         (2, 1))
        c = self.open("INBOX")
        self.assertEqual(self.number("UIDVALIDITY"), 1234567890)
        self.assertEqual(self.rows(c), {
            12: ({"\\Seen", "Work"}, " 9-Sep-2001 01:46:41 +0000"),
            29: ({"\\Answered", "\\Flagged"}, " 9-Sep-2001 00:46:42 +0000"),
            31: (set(), " 9-Sep-2001 01:46:43 +0000")})
        self.assertEqual(
            self.body(c, 12),
            b"Subject: one\r\n\r\nhello\r\nFrom here\r\n>From there\r\n"
            b"From the start of a line, which is no separator\r\n")
        self.assertEqual(self.body(c, 29),
                         b"Subject: two\r\n  folded\r\n\r\n")
        sums = self.run_import("mbox:" + self.path("box"))
        self.assertEqual((sums["INBOX"]["kept"], sums["INBOX"]["appended"]),
                         (0, 0))

    def test_a_tree_of_files(self):
        write(self.path("mail", "inbox"), MBOX)
        write(self.path("mail", "Work.sbd", "2020"), MBOX)
        write(self.path("mail", "Work"), "")
        write(self.path("mail", "Work.msf"), "index")
        write(self.path("mail", "notes.txt"), "no mail")
        write(self.path("mail", ".subscriptions"), "Work\nWork/2020\n")
        self.run_import("mbox:" + self.path("mail"), "--map", "inbox=INBOX")
        self.assertIn("notes.txt", self.said)
        self.assertEqual(self.names("LSUB").count("Work/2020"), 1)
        self.assertEqual(len(self.rows(self.open("Work/2020"))), 3)
        self.assertEqual(len(self.rows(self.open("INBOX"))), 3)
        self.assertNotIn("notes.txt", self.names())

    def test_what_another_program_wrote(self):
        box = mailbox.mbox(self.path("py"))
        texts = []
        for n in range(50):
            text = "Subject: %d\n\n" % n + "".join(
                "%sFrom line %d\n" % (">" * (k % 2), k) for k in range(n))
            # It quotes as mboxo does: only lines without '>' come back.
            texts.append(text.replace(">From", "> From"))
            box.add(texts[-1])
        box.flush()
        box.close()
        sums = self.run_import("mbox:" + self.path("py"))
        self.assertEqual(sums["INBOX"]["appended"], 50)
        c = self.open("INBOX")
        for n in (1, 20, 50):
            self.assertEqual(
                self.body(c, n).decode().replace("\r\n", "\n").rstrip("\n"),
                texts[n - 1].rstrip("\n"))


class Channel(Case):
    """The control socket, with messages on it."""

    def talk(self, *lines):
        s = control(self.server)
        self.addCleanup(s.close)
        self.sock = s
        f = s.makefile("rwb")
        self.addCleanup(f.close)
        self.say(f, {"request": "import", "address": self.user}, *lines)
        return f

    def say(self, f, *lines):
        for line in lines:
            f.write(line if isinstance(line, bytes)
                    else json.dumps(line).encode() + b"\n")
        f.flush()

    def hear(self, f):
        return json.loads(f.readline())

    def message(self, text, **about):
        return [{"message": about}, {"data": len(text)}, text, {"end": True}]

    def test_one_that_goes_away_leaves_what_came_whole(self):
        f = self.talk({"mailbox": "INBOX"}, *self.message(b"a: b\r\n\r\nx"),
                      {"message": {}}, {"data": 100}, b"half")
        self.assertEqual(self.hear(f)["item"]["mailbox"], "INBOX")
        self.sock.shutdown(socket.SHUT_RDWR)
        c = self.open("INBOX")
        wait_for(lambda: self.ok(c, "NOOP") and self.rows(c))
        self.assertEqual(self.body(c, 1), b"a: b\r\n\r\nx")

    def test_others_are_answered_meanwhile(self):
        f = self.talk({"mailbox": "INBOX"}, {"message": {}},
                      *([{"data": 60000}, b"x" * 60000] * 20))
        self.assertEqual(self.server.ctl("status").returncode, 0)
        self.say(f, {"end": True}, {"close": True}, {"finish": True})
        lines = [json.loads(line) for line in f]
        self.assertEqual(lines[-1], {"done": True})
        c = self.open("INBOX")
        self.assertEqual(len(self.body(c, 1)), 1200000)

    def test_what_does_not_belong_there(self):
        inbox = {"mailbox": "INBOX"}
        for lines, code in (
                ([{"message": {}}], "syntax"),
                ([{"nonsense": 1}], "syntax"),
                ([inbox, inbox], "syntax"),
                ([inbox, {"finish": True}], "syntax"),
                ([inbox, {"message": {}}, {"data": 65537}], "syntax"),
                ([inbox, {"message": {}}, {"data": -1}], "syntax"),
                ([inbox, {"message": {}}, inbox], "syntax"),
                ([b"no json\n"], "syntax"),
                ([b"{" + b" " * 70000], "limit")):
            f = self.talk()
            try:
                self.say(f, *lines)
            except OSError:
                pass
            last = [json.loads(line) for line in f][-1]
            self.assertEqual(last.get("code"), code, lines)
        f = self.talk({"mailbox": "a//b"}, {"finish": True})
        self.assertIn("refused", self.hear(f)["item"])
        self.assertEqual(self.hear(f), {"done": True})

    def test_strange_values_do_no_harm(self):
        f = self.talk(
            {"mailbox": "INBOX", "uidvalidity": -1, "uidnext": 1 << 60,
             "objectid": "../x", "highestmodseq": "1"},
            *self.message(b"a: b\r\n\r\nx", uid=1 << 40, flags=-1,
                          keywords=["\\Seen", "a b", "", 7, "ok", "x" * 900],
                          date="x", saved=-5, modseq=-1, uidl="a b"),
            {"close": True}, {"finish": True})
        lines = [json.loads(line) for line in f]
        self.assertEqual(lines[-1], {"done": True})
        self.assertEqual(self.rows(self.open("INBOX"))[1][0], {"ok"})


if __name__ == "__main__":
    unittest.main()
