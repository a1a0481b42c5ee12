"""Reading and changing mail with programs that people read mail with: curl,
mutt and Python's imaplib."""

import imaplib
import os
import re
import smtplib
import ssl
import time
import unittest

from clients import SLOW, Case, need, text_message, token, wire


class Curl(Case):
    def curl(self, path, *args, status=0, scheme="imaps", user=0):
        return self.run_program(
            "curl", "-sS", "--max-time", "20", "--cacert", self.server.cafile,
            "--user", self.server.users[user] + ":secret", "--url",
            "%s://localhost:%d/%s" % (scheme, self.server.ports[scheme], path),
            *args, status=status).stdout

    def upload(self, word, box="INBOX", **more):
        path = self.file("upload", wire(text_message(word)))
        self.curl(box, "--upload-file", path, **more)

    def uid(self, word, box="INBOX"):
        found = self.curl(box, "--request", "UID SEARCH SUBJECT " + word)
        return int(re.fullmatch(rb"\* SEARCH (\d+)\r\n", found).group(1))

    @need("curl")
    def test_lists(self):
        out = self.curl("")
        for box, use in (("INBOX", ""), ("Sent", r"\Sent"),
                         ("Drafts", r"\Drafts"), ("Trash", r"\Trash")):
            self.assertRegex(out.decode(), r'(?m)^\* LIST \([^)]*%s[^)]*\) '
                             r'"." "?%s"?\r$' % (re.escape(use), box))
        out = self.curl("", "--request", 'LIST "" "Se*"')
        self.assertEqual(len(out.splitlines()), 1)

    @need("curl")
    def test_with_starttls(self):
        out = self.curl("", "--ssl-reqd", scheme="imap")
        self.assertIn(b"INBOX", out)

    @need("curl")
    def test_append_search_fetch(self):
        t = token()
        self.upload(t)
        uid = self.uid(t)
        got = self.curl("INBOX;UID=%d" % uid)
        self.assertEqual(got.rstrip(), wire(text_message(t)).rstrip())
        self.assertEqual(self.curl("INBOX;UID=%d/;SECTION=TEXT" % uid),
                         b"One line.\r\nAnother line.\r\n")
        got = self.curl("INBOX;UID=%d/;SECTION=HEADER.FIELDS%%20(SUBJECT)"
                        % uid)
        self.assertIn(b"Subject: " + t.encode(), got)
        out = self.curl("INBOX", "--request", "UID STORE %d +FLAGS (\\Seen)"
                        % uid)
        out = self.curl("INBOX", "--request", "FETCH 1:* (UID FLAGS)")
        self.assertRegex(out, rb"UID %d FLAGS \([^)]*\\Seen" % uid)

    @need("curl")
    def test_mailbox_with_a_difficult_name(self):
        for name, url in (("with space", "with%20space"),
                          ("Gr&APw-n", "Gr&APw-n"), ("a/b", "a%2Fb"),
                          ('quo"te', "quo%22te")):
            with self.subTest(name):
                self.curl("", "--request", 'CREATE "%s"' % name.replace(
                    '"', '\\"'))
                t = token()
                self.upload(t, url)
                got = self.curl(url + ";MAILINDEX=1")
                self.assertIn(t.encode(), got)

    @need("curl")
    def test_each_mechanism(self):
        for mechanism in ("PLAIN", "LOGIN"):
            with self.subTest(mechanism):
                out = self.curl("", "--login-options", "AUTH=" + mechanism)
                self.assertIn(b"INBOX", out)

    @need("curl")
    def test_wrong_password(self):
        self.run_program(
            "curl", "-sS", "--cacert", self.server.cafile, "--user",
            self.server.users[0] + ":wrong", "--url", "imaps://localhost:%d/"
            % self.server.ports["imaps"], status=67)

    @need("curl")
    def test_large_message(self):
        body = "".join("%06d %s\n" % (i, "y" * 60) for i in range(100000))
        self.curl("INBOX", "--upload-file",
                  self.file("big", wire(text_message("big", body))))
        got = self.curl("INBOX;UID=%d/;SECTION=TEXT" % self.uid("big"))
        self.assertEqual(got, wire(body))


class Imaplib(Case):
    def connect(self, tls=True, user=0):
        context = ssl.create_default_context(cafile=self.server.cafile)
        if tls:
            c = imaplib.IMAP4_SSL("localhost", self.server.ports["imaps"],
                                  ssl_context=context, timeout=20 * SLOW)
        else:
            c = imaplib.IMAP4("localhost", self.server.ports["imap"],
                              timeout=20 * SLOW)
            c.starttls(ssl_context=context)
        self.addCleanup(lambda: c.state == "LOGOUT" or c.shutdown())
        self.ok(c.login(self.server.users[user], self.server.password))
        return c

    def ok(self, got):
        self.assertEqual(got[0], "OK", got)
        return got[1]

    def test_long_session(self):
        """Three hundred messages, through all that a session does."""
        c = self.connect(tls=False)
        self.ok(c.create("long"))
        self.ok(c.create("other"))
        for i in range(300):
            self.ok(c.append(
                "long", r"(\Flagged)" if i % 3 == 0 else None,
                imaplib.Time2Internaldate(1700000000 + i),
                wire(text_message("number-%03d" % i))))
        self.assertEqual(self.ok(c.select("long")), [b"300"])
        uids = self.ok(c.uid("SEARCH", None, "ALL"))[0].split()
        self.assertEqual(len(uids), 300)
        self.assertEqual(len(self.ok(c.search(None, "FLAGGED"))[0].split()),
                         100)
        got = self.ok(c.search(None, "SUBJECT", '"number-17"'))[0].split()
        self.assertEqual(len(got), 10)
        for i in range(0, 300, 7):
            got = self.ok(c.fetch(str(i + 1), "(INTERNALDATE BODY.PEEK[])"))
            self.assertEqual(got[0][1], wire(text_message("number-%03d" % i)))
            self.assertEqual(time.mktime(imaplib.Internaldate2tuple(
                got[0][0])), 1700000000 + i)
        self.ok(c.store("1:100", "+FLAGS", r"(\Seen $Work)"))
        self.ok(c.uid("COPY", b",".join(uids[50:150]), "other"))
        self.ok(c.uid("MOVE", b",".join(uids[150:200]), "other"))
        self.ok(c.uid("STORE", b",".join(uids[:50]), "+FLAGS.SILENT",
                      r"(\Deleted)"))
        c.response("EXPUNGE")   # forget those of MOVE
        self.assertEqual(len([x for x in self.ok(c.expunge()) if x]), 50)
        self.assertEqual(self.ok(c.uid("SEARCH", None, "ALL"))[0].split(),
                         uids[50:150] + uids[200:])
        self.assertEqual(self.ok(c.status("other", "(MESSAGES UNSEEN)")),
                         [b"other (MESSAGES 150 UNSEEN 100)"])
        self.ok(c.rename("other", "another"))
        self.assertEqual(self.ok(c.select("another")), [b"150"])
        got = self.ok(c.fetch("1:*", "(FLAGS)"))
        self.assertEqual(sum(b"$Work" in x for x in got), 50)
        self.assertEqual(sum(rb"\Flagged" in x for x in got), 50)
        self.ok(c.close())
        self.ok(c.delete("another"))
        self.ok(c.delete("long"))
        self.assertEqual(self.ok(c.list('""', "long")), [None])
        self.assertEqual(c.logout()[0], "BYE")

    def test_idle_by_hand(self):
        """An idling session hears of mail that curl-like clients bring, of
        flags and of removals, and goes on with commands after DONE."""
        c, other = self.connect(), self.connect(tls=False)
        self.ok(c.create("idle"))
        self.assertEqual(self.ok(c.select("idle")), [b"0"])
        self.ok(other.select("idle"))
        for i in range(1, 6):
            tag = c._new_tag()
            c.send(tag + b" IDLE\r\n")
            self.assertTrue(c.readline().startswith(b"+"))
            self.ok(other.append("idle", None, None,
                                 wire(text_message("idle-%d" % i))))
            self.assertEqual(c.readline(), b"* %d EXISTS\r\n" % i)
            self.assertRegex(c.readline(), rb"\* \d+ RECENT\r\n")
            self.ok(other.noop())
            self.ok(other.store(str(i), "+FLAGS", r"(\Answered)"))
            self.assertRegex(c.readline(),
                             rb"\* %d FETCH .*\\Answered" % i)
            c.send(b"DONE\r\n")
            while not c.readline().startswith(tag + b" OK"):
                pass
            self.assertEqual(len(self.ok(c.search(None, "ALL"))[0].split()), i)
        tag = c._new_tag()
        c.send(tag + b" IDLE\r\n")
        self.assertTrue(c.readline().startswith(b"+"))
        self.ok(other.store("2,4", "+FLAGS.SILENT", r"(\Deleted)"))
        self.ok(other.expunge())
        lines = []
        while sum(b"EXPUNGE" in x for x in lines) < 2:
            lines.append(c.readline())
        self.assertEqual([x for x in lines if b"EXPUNGE" in x],
                         [b"* 2 EXPUNGE\r\n", b"* 3 EXPUNGE\r\n"])
        c.send(b"DONE\r\n")
        while not c.readline().startswith(tag + b" OK"):
            pass

    def test_two_sessions_agree(self):
        a, b = self.connect(), self.connect(tls=False)
        self.ok(a.create("shared"))
        self.ok(a.select("shared"))
        self.ok(b.select("shared"))
        for i in range(30):
            one, two = (a, b) if i % 2 else (b, a)
            self.ok(one.append("shared", None, None,
                               wire(text_message("shared-%d" % i))))
            if i % 5 == 4:
                self.ok(two.noop())
                self.ok(two.store("1", "+FLAGS", r"\Deleted"))
                self.ok(two.expunge())
        self.ok(a.noop())
        self.ok(b.noop())
        self.assertEqual(self.ok(a.uid("SEARCH", None, "ALL")),
                         self.ok(b.uid("SEARCH", None, "ALL")))
        self.assertEqual(len(self.ok(a.search(None, "ALL"))[0].split()), 24)


class Mutt(Case):
    RC = ('set header_cache=""\n'
          'set record=""\n'
          'set wait_key=no\n'
          'set confirmappend=no\n'
          'set quit=yes\n'
          'set delete=yes\n'
          'set mark_old=no\n'
          'set sleep_time=0\n'
          'set charset=utf-8\n'
          'set tmpdir="%s"\n')
    MAILDIR = ('set mbox_type=Maildir\n'
               'set folder="~"\n')

    def mutt(self, push, settings="", folder=None, keys=()):
        rc = self.file("muttrc", self.RC % self.home + settings +
                       'push "%s"\n' % push)
        command = ["mutt", "-n", "-F", rc]
        if folder:
            command += ["-f", folder]
        return self.run_in_terminal(*command, keys=keys)

    def imap_settings(self, port="imaps"):
        return ('set folder="%s://user1%%40example.test@localhost:%d/"\n'
                'set spoolfile="+INBOX"\n'
                'set imap_pass="secret"\n'
                'set ssl_starttls=yes\n'
                'set certificate_file="%s"\n' % (
                    port, self.server.ports[port], self.server.cafile))

    def flags(self, word):
        c = self.login()
        c.ok("SELECT INBOX")
        number = c.ok("SEARCH SUBJECT " + word)[0].split()[-1].decode()
        return c.ok("FETCH %s FLAGS" % number)[-1]

    @need("mutt")
    def test_reads_over_imap(self):
        for port in ("imaps", "imap"):
            with self.subTest(port):
                t = token()
                body = "Grüße\n" + "line\n" * 300
                self.login().append(wire(text_message(
                    t, body, "MIME-Version: 1.0\nContent-Type: text/plain; "
                    "charset=utf-8\nContent-Transfer-Encoding: 8bit\n")))
                out = self.path("out")
                self.mutt("<limit>~s %s<enter><pipe-message>cat>%s<enter>"
                          "<flag-message><quit>" % (t, out),
                          self.imap_settings(port) + "set pipe_decode=yes\n")
                with open(out, encoding="utf-8", newline="") as f:
                    got = f.read()
                self.assertNotIn("\r", got)
                self.assertTrue(got.endswith("\n\n" + body), got[-100:])
                self.assertIn(rb"\Flagged", self.flags(t))
                os.unlink(out)

    @need("mutt")
    def test_searches_copies_and_deletes_over_imap(self):
        words = [token("one"), token("two"), token("three")]
        c = self.login()
        for w in words:
            c.append(wire(text_message(w)))
        self.mutt(
            "<limit>~b . ~s %s<enter><copy-message>=Archive<enter>"
            "<limit>~s %s<enter><delete-message><sync-mailbox>"
            "<limit>all<enter><exit>" % (words[0], words[1]),
            self.imap_settings())
        self.with_token(words[0])
        self.with_token(words[0], box="Archive")
        self.assertFalse([m for m in self.contents()
                          if words[1].encode() in m])
        self.with_token(words[2])

    @need("mutt")
    def test_reads_the_maildir_beside_the_server(self):
        t = token()
        self.login().append(wire(text_message(t)))
        watch = self.watch()
        out = self.path("out")
        self.mutt("<limit>~s %s<enter><pipe-message>cat>%s<enter>"
                  "<flag-message><quit>" % (t, out),
                  self.MAILDIR + "set pipe_decode=yes\n", self.inbox_path())
        with open(out, "rb") as f:
            got = f.read().replace(b"\r\n", b"\n")
        head, _, body = got.partition(b"\n\n")
        self.assertIn(b"Subject: " + t.encode(), head)
        self.assertEqual(body, b"One line.\nAnother line.\n")
        self.assertIsNotNone(watch.wait(b"FETCH", rb"\Flagged", seconds=2))
        self.assertIn(rb"\Flagged", self.flags(t))

    @need("mutt")
    def test_maildir_and_imap_at_the_same_time(self):
        """mutt deletes in the Maildir while sessions read and mail comes."""
        words = [token("both") for _ in range(20)]
        c = self.login()
        for w in words:
            c.append(wire(text_message(w)))
        before = len(self.contents())
        watch = self.watch()
        self.mutt("<delete-pattern>~s %s ! ~s %s<enter><sync-mailbox><exit>"
                  % ("both-", words[7]), self.MAILDIR,
                  self.inbox_path())
        for _ in range(19):
            self.assertIsNotNone(watch.wait(b"EXPUNGE", seconds=3))
        c.ok("SELECT INBOX")
        got = self.contents()
        self.assertEqual(len(got), before - 19)
        self.with_token(words[7])

    @need("mutt")
    def test_the_maildir_shows_no_carriage_returns(self):
        """Whatever way a message came in, and whether mutt shows all of its
        header or not."""
        t = token()
        with smtplib.SMTP("localhost", self.server.ports["smtp"]) as s:
            s.sendmail("ann@example.org", self.server.users[0],
                       wire(text_message(t)))
        self.login().append(wire(text_message(t)))
        folded = text_message(t, extra="X-Folded: one\n two\n\tthree\n"
                              "Content-Type: multipart/mixed; boundary=b\n",
                              body="--b\n\npart one\n--b\nContent-Type: "
                              "text/plain; charset=utf-8\n"
                              "Content-Transfer-Encoding: "
                              "quoted-printable\n\nGr=C3=BC=C3=9Fe=\n!\n"
                              "--b--\n")
        self.login().append(wire(folded))
        for weed in ("yes", "no"):
            shown = self.mutt(
                "<limit>~s %s<enter>" % t,
                self.MAILDIR + "set pager=builtin\nset weed=%s\n" % weed,
                self.inbox_path(),
                keys=[b"=", b"\n", b"i", b"j\n", b"i", b"j\n", b"i", b"x"])
            self.assertNotIn(b"^M", shown)
            self.assertNotIn(b"\\015", shown)
            self.assertGreaterEqual(
                shown.count(b"Subject: " + t.encode()), 3, shown)
            self.assertGreaterEqual(shown.count(b"Another line."), 2, shown)
            self.assertIn(b"part one", shown)
            self.assertIn("Grüße!".encode(), shown)


if __name__ == "__main__":
    unittest.main()
