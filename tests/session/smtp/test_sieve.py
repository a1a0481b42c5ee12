"""What users' scripts (RFC 5228) make of mail: where it goes, who else gets it,
who is told."""

import imaplib
import json
import os
import tempfile
import time
import unittest

from wire import SLOW, Case, Server, Wire, split, values
import milter
from scripts import deactivate, put


def message(subject="s", to="user1@example.test", fields="", body="body"):
    return ("From: a@b.test\r\nTo: %s\r\nSubject: %s\r\n%s\r\n%s\r\n" % (
        to, subject, fields, body)).encode()


class Box:
    """Mailboxes of a user."""

    def __init__(self, server, user):
        self.imap = imaplib.IMAP4(server.host, server.ports["imap"])
        self.imap.login(user, server.password)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.imap.logout()

    def names(self):
        return [x.decode().rpartition(' "/" ')[2].strip('"')
                for x in self.imap.list()[1]]

    def subscribed(self):
        return [x.decode().rpartition(' "/" ')[2].strip('"')
                for x in self.imap.lsub()[1]]

    def all(self, name="INBOX"):
        """The messages: their flags and contents."""
        status, count = self.imap.select('"%s"' % name, readonly=True)
        assert status == "OK", (name, count)
        if count[0] == b"0":
            return []
        got = self.imap.fetch("1:*", "(FLAGS BODY.PEEK[])")[1]
        return [({f.decode() for f in imaplib.ParseFlags(x[0])}, x[1])
                for x in got if isinstance(x, tuple)]

    def subjects(self, name="INBOX"):
        return [values(m, "Subject")[0] for _, m in self.all(name)]


class Sieve(Case):
    settings = ("queue.enabled=true", "queue.relay=[127.0.0.1]:1",
                "sieve.vacation_days_min=0")

    def script(self, text, n=0, **more):
        put(self.server, self.user(n), text, **more)
        self.addCleanup(deactivate, self.server, self.user(n))

    def box(self, n=0):
        b = Box(self.server, self.user(n))
        self.addCleanup(b.__exit__)
        return b

    def subjects(self, name="INBOX", n=0):
        with Box(self.server, self.user(n)) as b:
            return b.subjects(name)

    def names(self, n=0):
        with Box(self.server, self.user(n)) as b:
            return b.names()

    def lmtp(self, *to, content, sender=b"a@b.test"):
        w = self.wire("lmtp")
        w.envelope(*(to or (self.user(),)), sender=sender)
        w.data(content + b".\r\n")
        return [w.reply() for _ in range(len(to) or 1)]

    def ctl(self, *args):
        got = self.server.ctl(*args, "--json")
        self.assertEqual(got.returncode, 0, got.stderr)
        return json.loads(got.stdout)

    def setUp(self):
        self.tag = self.id().rpartition(".")[2]
        self.known = {m["id"] for m in self.ctl("queue", "list")}

    def queued(self):
        """What came into the queue since the test began."""
        return [self.ctl("queue", "show", m["id"])
                for m in self.ctl("queue", "list")
                if m["id"] not in self.known]

    def wait_subject(self, text, n):
        end = time.monotonic() + 5 * SLOW
        while text not in self.subjects(n=n):
            self.assertLess(time.monotonic(), end, self.subjects(n=n))
            time.sleep(0.05)


class Places(Sieve):
    def send(self, **more):
        more.setdefault("subject", self.tag)
        self.assertEqual(self.lmtp(content=message(**more))[0][0], 250)

    def test_fileinto(self):
        self.script('require ["fileinto", "mailbox"];\n'
                    'if header :is "Subject" "%s" {\n'
                    '  fileinto :create "Töpfe/%s"; }' % (self.tag, self.tag))
        before = self.subjects()
        self.send()
        self.send(subject="other")
        self.assertEqual(self.subjects(), before + ["other"])
        self.assertEqual(self.subjects("T&APY-pfe/" + self.tag), [self.tag])
        with Box(self.server, self.user()) as b:
            self.assertIn("T&APY-pfe/" + self.tag, b.subscribed())

    def test_flags(self):
        self.script('require ["fileinto", "mailbox", "imap4flags", "copy"];\n'
                    'fileinto :copy :create :flags ["\\\\Seen", "Work", "no)flag"]'
                    ' "%s";\nsetflag "\\\\Flagged"; keep;' % self.tag)
        self.send()
        with Box(self.server, self.user()) as b:
            self.assertEqual(b.all(self.tag)[0][0] - {"\\Recent"},
                             {"\\Seen", "Work"})
            self.assertEqual(b.all()[-1][0] - {"\\Recent"}, {"\\Flagged"})

    def test_a_mailbox_that_is_not_there(self):
        self.script('require "fileinto"; fileinto "Nowhere";')
        self.send()
        self.assertEqual(self.subjects()[-1], self.tag)
        self.assertNotIn("Nowhere", self.names())
        self.wait_log("not-filed")

    def test_twice_to_one_place(self):
        self.script('require ["fileinto", "copy"];\n'
                    'fileinto :copy "inbox"; keep; fileinto "INBOX";')
        self.send()
        self.assertEqual(self.subjects().count(self.tag), 1)

    def test_special_use(self):
        self.script('require ["fileinto", "special-use"];\n'
                    'fileinto :specialuse "\\\\Archive" "Elsewhere";')
        self.send()
        with Box(self.server, self.user()) as b:
            name = [x.decode().rpartition(' "/" ')[2].strip('"')
                    for x in b.imap.list()[1] if b"\\Archive" in x]
        self.assertEqual(self.subjects(name[0]) if name
                         else self.subjects(), [self.tag] if name
                         else self.subjects()[:-1] + [self.tag])

    def test_a_mailbox_of_another_user(self):
        with Box(self.server, self.user(1)) as b:
            for name, rights in (("Open", "lrsi"), ("Shut", "lr")):
                b.imap.create(name)
                b.imap.setacl(name, self.user(), rights)
        there = "Other Users/%s/" % self.user(1)
        self.script('require ["fileinto", "copy", "mailbox"];\n'
                    'if mailboxexists "%sOpen" { fileinto :copy "%sOpen"; }\n'
                    'fileinto "%sShut";' % (there, there, there))
        self.send()
        self.assertEqual(self.subjects("Open", n=1), [self.tag])
        self.assertEqual(self.subjects("Shut", n=1), [])
        self.assertEqual(self.subjects()[-1], self.tag)

    def test_discard(self):
        self.script('if header :contains "Subject" "%s" { discard; }'
                    % self.tag)
        before = self.subjects()
        self.send()
        self.assertEqual(self.subjects(), before)
        self.assertEqual(
            self.wire().mail(self.user(), content=message(self.tag))[0], 250)
        self.assertEqual(self.subjects(), before)

    def test_the_envelope(self):
        self.script('require ["envelope", "fileinto", "mailbox",'
                    ' "subaddress", "variables"];\n'
                    'if envelope :detail :matches "to" "*" {\n'
                    '  fileinto :create "by/${1}"; }')
        self.lmtp("user1+%s@example.test" % self.tag,
                  content=message(self.tag))
        self.assertEqual(self.subjects("by/" + self.tag), [self.tag])

    def test_body_and_size(self):
        self.script('require ["body", "fileinto", "mailbox"];\n'
                    'if body :text :contains "needle" {\n'
                    '  fileinto :create "%s-body"; stop; }\n'
                    'if size :over 20K { fileinto :create "%s-large"; }'
                    % (self.tag, self.tag))
        self.send(body="hay needle hay")
        self.send(body="x" * 70 + "\r\n" + ("y" * 70 + "\r\n") * 400)
        self.send(body="small")
        self.assertEqual(self.subjects(self.tag + "-body"), [self.tag])
        self.assertEqual(self.subjects(self.tag + "-large"), [self.tag])
        self.assertEqual(self.subjects()[-1], self.tag)

    def test_two_recipients(self):
        self.script('require ["fileinto", "mailbox"];'
                    'fileinto :create "%s";' % self.tag)
        before = self.subjects(), self.subjects(n=1)
        w = self.wire()
        self.assertEqual(w.mail(self.user(0), self.user(1),
                                content=message(self.tag))[0], 250)
        self.assertEqual(self.subjects(), before[0])
        self.assertEqual(self.subjects(self.tag), [self.tag])
        self.assertEqual(self.subjects(n=1), before[1] + [self.tag])

    def test_a_failing_script(self):
        self.script('require ["fileinto", "include"];\n'
                    'fileinto "Trash";\ninclude "missing";')
        before = self.subjects("Trash")
        self.send()
        self.assertEqual(self.subjects()[-1], self.tag)
        self.assertEqual(self.subjects("Trash"), before)
        self.wait_log("sieve user=" + self.user())

    def test_include(self):
        put(self.server, self.user(), 'require ["fileinto", "mailbox"];'
            'fileinto :create "%s";' % self.tag, name="part", active=False)
        self.script('require "include"; include "part";')
        self.send()
        self.assertEqual(self.subjects(self.tag), [self.tag])

    def test_a_full_mailbox(self):
        self.script('require ["fileinto", "mailbox"];'
                    'fileinto :create "%s";' % self.tag)
        self.server.ctl("user", "set", self.user(), "--quota", "200K")
        self.addCleanup(self.server.ctl, "user", "set", self.user(),
                        "--quota", "default")
        large = message(self.tag, body=("x" * 70 + "\r\n") * 5000)
        self.assertEqual(self.lmtp(content=large)[0][0], 452)
        self.server.ctl("user", "set", self.user(), "--quota", "default")
        self.assertEqual(self.lmtp(content=large)[0][0], 250)
        self.assertEqual(self.subjects(self.tag), [self.tag])

    def test_duplicates(self):
        self.script('require ["duplicate"];\nif duplicate { discard; }')
        for id in "abcb":
            self.send(fields="Message-ID: <%s@%s>\r\n" % (id, self.tag))
        self.assertEqual(self.subjects().count(self.tag), 3)

    def test_why(self):
        self.script('require "fileinto";\n\nfileinto "Trash";')
        code, text = self.lmtp(content=message(self.tag))[0]
        got = self.server.ctl("why", text.split()[-1])
        self.assertIn('does="fileinto Trash"', got.stdout)
        self.assertIn("line=3", got.stdout)
        self.assertIn("mailbox=Trash", got.stdout)


class Junk(Sieve):
    """What a milter holds to be junk."""

    @classmethod
    def setUpClass(cls):
        cls.milter = milter.Milter(unix=True)
        cls.addClassCleanup(cls.milter.stop)
        cls.milter.answers = {"E": milter.add(b"X-Judged", b"yes") +
                              milter.quarantine(b"odd") + milter.CONTINUE}
        cls.settings = tuple(Sieve.settings) + (
            "milter.f.socket=" + cls.milter.socket,)
        super().setUpClass()

    def send(self):
        self.assertEqual(self.wire().mail(
            self.user(), content=message(self.tag))[0], 250)

    def test_kept(self):
        self.script('require "imap4flags"; if header "X-Judged" "yes" {'
                    ' addflag "Seen-Before"; }')
        self.send()
        with Box(self.server, self.user()) as b:
            flags, text = b.all("Junk")[-1]
        self.assertEqual(values(text, "Subject"), [self.tag])
        self.assertEqual(flags - {"\\Recent"}, {"$Junk", "Seen-Before"})

    def test_the_script_says_where(self):
        self.script('require "fileinto"; fileinto "INBOX";')
        self.send()
        with Box(self.server, self.user()) as b:
            flags, text = b.all()[-1]
        self.assertEqual(values(text, "Subject"), [self.tag])
        self.assertNotIn("$Junk", flags)


class Redirects(Sieve):
    def test_to_a_user(self):
        self.script('redirect "%s";' % self.user(1))
        before = self.subjects()
        self.assertEqual(self.lmtp(content=message(self.tag))[0][0], 250)
        self.assertEqual(self.subjects(), before)
        self.assertEqual(self.subjects(n=1)[-1], self.tag)
        self.assertEqual(self.queued(), [])

    def test_the_script_of_the_next(self):
        self.script('require "copy"; redirect :copy "%s";' % self.user(1))
        self.script('require ["fileinto", "mailbox"];'
                    'fileinto :create "%s";' % self.tag, n=1)
        self.assertEqual(self.wire().mail(
            self.user(), content=message(self.tag))[0], 250)
        self.assertEqual(self.subjects()[-1], self.tag)
        self.assertEqual(self.subjects(self.tag, n=1), [self.tag])

    def test_a_circle(self):
        for i in range(3):
            self.script('redirect "%s";' % self.user((i + 1) % 3), n=i)
        w = self.wire()
        self.assertEqual(w.mail(*[self.user(i) for i in range(3)],
                                content=message(self.tag))[0], 250)
        got = [self.subjects(n=i).count(self.tag) for i in range(3)]
        self.assertEqual(sum(got), 1)
        self.script('redirect "%s";' % self.user())
        self.lmtp(content=message(self.tag + "2"))
        self.assertEqual(self.subjects()[-1], self.tag + "2")

    def test_to_another_server(self):
        self.script('redirect "Far@away.test";')
        before = self.subjects()
        self.assertEqual(self.wire().mail(
            self.user(), content=message(self.tag),
            sender=b"ann@origin.test")[0], 250)
        self.assertEqual(self.subjects(), before)
        m, = self.queued()
        self.assertRegex(m["sender"], "^SRS0=.*=ann@example.test$")
        self.assertEqual([r["recipient"] for r in m["recipients"]],
                         ["Far@away.test"])

    def test_what_came_back(self):
        self.script('redirect "far@away.test";')
        self.assertEqual(self.lmtp(content=message(
            self.tag, fields="Delivered-To: %s\r\n" % self.user()))[0][0],
            250)
        self.assertEqual(self.subjects()[-1], self.tag)
        self.assertEqual(self.queued(), [])

    def test_to_nobody(self):
        self.script('redirect "nobody@example.test";')
        self.assertEqual(self.lmtp(content=message(self.tag))[0][0], 250)
        self.assertEqual(self.subjects()[-1], self.tag)
        self.wait_log("not-redirected")

    def test_a_repetition_duplicates_nothing(self):
        self.script('require "copy"; redirect :copy "%s";' % self.user(1))
        self.server.ctl("user", "set", self.user(1), "--quota", "200K")
        self.addCleanup(self.server.ctl, "user", "set", self.user(1),
                        "--quota", "default")
        # There is room when the script runs, and none behind the others.
        large = message(self.tag, body=("x" * 70 + "\r\n") * 2000)
        w = self.wire()
        codes = [w.mail(self.user(), content=large)[0] for _ in range(3)]
        self.assertEqual(self.subjects().count(self.tag), 3, codes)


class Refusals(Sieve):
    def test_over_lmtp(self):
        self.script('require "reject"; reject "Not\r\nhere, please.";')
        before = self.subjects()
        got = self.lmtp(self.user(1), self.user(0),
                        content=message(self.tag))
        self.assertEqual(got[0][0], 250)
        self.assertEqual(got[1], (550, "5.7.1 Not\n5.7.1 here, please."))
        self.assertEqual(self.subjects(), before)
        self.assertEqual(self.queued(), [])

    def test_over_smtp(self):
        self.script('require "ereject"; ereject text:\nSo nicht: Ä\n.\n;')
        w = self.wire()
        self.assertEqual(w.mail(self.user(), content=message(self.tag)),
                         (550, "5.7.1 The recipient does not want this "
                          "message"))
        self.assertEqual(w.mail(self.user(), content=message(self.tag),
                                params=b" SMTPUTF8"),
                         (550, "5.7.1 So nicht: Ä"))

    def test_one_of_two(self):
        self.script('require "reject"; reject "Nein, ä";')
        w = self.wire()
        before = self.subjects()
        self.assertEqual(w.mail(
            self.user(0), self.user(1), content=message(self.tag),
            sender=self.user(2).encode())[0], 250)
        self.assertEqual(self.subjects(), before)
        self.assertEqual(self.subjects(n=1)[-1], self.tag)
        self.wait_subject("Your message could not be delivered", 2)
        with Box(self.server, self.user(2)) as b:
            text = b.all()[-1][1].decode()
        self.assertIn("> Nein, ä", text)
        self.assertIn("Final-Recipient: rfc822; " + self.user(0), text)
        self.assertIn("Status: 5.7.1", text)
        # Nobody hears of what is refused of nobody.
        before = self.subjects(n=2)
        self.assertEqual(w.mail(self.user(0), self.user(1), sender=b"",
                                content=message(self.tag))[0], 250)
        self.assertEqual(self.queued(), [])
        self.assertEqual(self.subjects(n=2), before)


class Answers(Sieve):
    def send(self, **more):
        more.setdefault("to", self.user())
        more.setdefault("subject", self.tag)
        self.lmtp(content=message(**more), sender=self.user(1).encode())

    def answers(self):
        with Box(self.server, self.user(1)) as b:
            return [m for _, m in b.all() if values(m, "Auto-Submitted")]

    def wait_answers(self, n):
        end = time.monotonic() + 5 * SLOW
        while len(self.answers()) < n:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)
        self.assertEqual(len(self.answers()), n)

    def test_vacation(self):
        n = len(self.answers())
        self.script('require "vacation";\nvacation :subject "Weg: Ä" '
                    ':handle "%s" "Text Ü";' % self.tag)
        self.send()
        self.wait_answers(n + 1)
        m = self.answers()[-1]
        fields, body = split(m)
        self.assertEqual(dict(fields)["From"], "<%s>" % self.user())
        self.assertIn(b"Text =C3=9C", body)
        self.assertEqual(self.subjects()[-1], self.tag)
        # Once in a while; what is not to the user is not answered.
        self.send()
        self.script('require "vacation";\nvacation :handle "%s-2" '
                    ':from "other@away.test" "Again";' % self.tag)
        self.send(to="list@x.test")
        self.assertEqual(len(self.answers()), n + 1)
        self.send()
        self.wait_answers(n + 2)
        self.assertEqual(values(self.answers()[-1], "From"),
                         ["<%s>" % self.user()])

    def test_addresses_and_mime(self):
        n = len(self.answers())
        self.script('require ["vacation", "vacation-seconds"];\n'
                    'vacation :seconds 0 :mime :addresses "me@x.test" '
                    ':from "Anna Ä <%s>" text:\n'
                    'Content-Type: text/html; charset=us-ascii\n'
                    'Bcc: all@x.test\n\n<p>Away</p>\n.\n;'
                    % self.user())
        for _ in range(2):
            self.send(to="me@x.test")
        self.wait_answers(n + 2)
        m = self.answers()[-1]
        self.assertEqual(values(m, "Content-Type"),
                         ["text/html; charset=us-ascii"])
        self.assertEqual(values(m, "Bcc"), [])
        self.assertIn("<%s>" % self.user(), values(m, "From")[0])
        self.assertIn("=?", values(m, "From")[0])
        self.assertEqual(split(m)[1].strip(), b"<p>Away</p>")


class Administrator(unittest.TestCase):
    """Scripts of the configuration, and what it does not allow."""

    def test_nobody_forwards(self):
        with Server(users=2, set=("forward.enabled=false",)) as server:
            self.server = server
            put(server, server.users[0],
                'redirect "%s";' % server.users[1])
            self.send("stays")
            self.check(INBOX=["stays"])

    def test_off(self):
        with Server(users=1, set=("sieve.enabled=false",)) as server:
            self.server = server
            put(server, server.users[0], "discard;")
            self.send("stays")
            self.check(INBOX=["stays"])

    def test_before_and_after(self):
        dir = tempfile.TemporaryDirectory(prefix="postern-test-")
        self.addCleanup(dir.cleanup)
        os.chmod(dir.name, 0o755)

        def write(name, text):
            with open(os.path.join(dir.name, name), "w") as f:
                f.write(text)
            return os.path.join(dir.name, name)

        before = write("before.sieve", 'require ["fileinto", "mailbox"];\n'
                       'if header :contains "Subject" "spam" {\n'
                       ' fileinto :create "Spam"; }')
        after = write("after.sieve", 'require ["fileinto", "mailbox"];\n'
                      'if header :contains "Subject" "late" {\n'
                      ' fileinto :create "Late"; }')
        default = write("default.sieve",
                        'require ["fileinto", "mailbox"];\n'
                        'if header :contains "Subject" "dull" {\n'
                        ' fileinto :create "Dull"; }')
        write("part.sieve", 'require ["fileinto", "mailbox"];\n'
              'if header :contains "Subject" "part" {\n'
              ' fileinto :create "Part"; }')
        with Server(users=1, set=(
                "sieve.before=" + before, "sieve.after=" + after,
                "sieve.default=" + default, "sieve.global=" + dir.name,
                "web.forwarding=false")) as server:
            self.server = server
            self.send("spam", "late", "dull", "plain")
            self.check(Spam=["spam"], Late=["late"], Dull=["dull"],
                       INBOX=["plain"])
            put(server, server.users[0],
                'require "include"; include :global "part";\n'
                'if header :contains "Subject" "away" {\n'
                '  redirect "x@away.test"; }')
            self.send("spam 2", "part", "away", "dull 2")
            self.check(Spam=["spam", "spam 2"], Part=["part"],
                       INBOX=["plain", "away", "dull 2"])
            self.assertIn("not-redirected", server.log())

    def send(self, *subjects):
        with Wire(self.server, "lmtp") as w:
            for s in subjects:
                self.assertEqual(w.mail(self.server.users[0],
                                        content=message(s))[0], 250)

    def check(self, **boxes):
        with Box(self.server, self.server.users[0]) as b:
            for name, subjects in boxes.items():
                self.assertEqual(b.subjects(name), subjects, name)


if __name__ == "__main__":
    unittest.main()
