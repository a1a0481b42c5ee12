"""mbsync keeps two thousand messages the same on both sides: a Maildir of its
own and the server."""

import mailbox
import os
import re
import unittest

from clients import Case, need, text_message, wire

TOTAL = 2000


class Mbsync(Case):
    RC = """\
FSync no

IMAPAccount x
Host localhost
Port %d
User %s
Pass secret
SSLType %s
CertificateFile %s
AuthMechs *
Timeout 40

IMAPStore far
Account x

MaildirStore near
Inbox %s/INBOX
SubFolders Maildir++

Channel c
Far :far:
Near :near:
Patterns %s
Create Both
Expunge Both
Sync %s
CopyArrivalDate yes
SyncState %s/
"""

    def setUp(self):
        super().setUp()
        self.local = self.path("Mail")
        for folder in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(self.local, "INBOX", folder))
        os.makedirs(self.path("state"))

    def mbsync(self, sync="All", tls="IMAPS", user=0, patterns="INBOX"):
        port = self.server.ports["imaps" if tls == "IMAPS" else "imap"]
        rc = self.file("mbsyncrc", self.RC % (
            port, self.server.users[user], tls, self.server.cafile,
            self.local, patterns, sync, self.path("state")))
        p = self.run_program("mbsync", "-V", "-c", rc, "c", timeout=90)
        text = (p.stdout + p.stderr).decode(errors="replace")
        self.assertNotRegex(text, r"(?i)\b(error|warning)")
        return text

    def folder(self, name="INBOX"):
        return mailbox.Maildir(os.path.join(self.local, name), create=False)

    def near(self):
        """Subject to flags, of the Maildir."""
        found = {}
        for m in self.folder():
            self.assertNotIn(m["Subject"], found)
            found[m["Subject"]] = "".join(sorted(m.get_flags()))
        return found

    def far(self):
        """Subject to flags, of the server."""
        c = self.login()
        c.ok("EXAMINE INBOX")
        found = {}
        for r in c.ok("FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])"):
            subject = re.search(rb"Subject: (.*)\r\n", r).group(1).decode()
            self.assertNotIn(subject, found)
            flags = re.search(rb"FLAGS \(([^)]*)\)", r).group(1).split()
            found[subject] = "".join(sorted({
                rb"\Seen": "S", rb"\Answered": "R", rb"\Flagged": "F",
                rb"\Deleted": "T", rb"\Draft": "D"}.get(f, "") for f in flags))
        c.close()
        return found

    def fill_far(self, count):
        c = self.login()
        for i in range(count):
            m = wire(text_message("far-%04d" % i))
            c.send("f APPEND INBOX (%s) {%d+}\r\n" % (
                r"\Seen" if i % 4 == 0 else "", len(m)))
            c.send(m + b"\r\n")
            if i % 50 == 49:    # some commands ahead of their answers
                for _ in range(50):
                    self.assertTrue(c.finish("f")[1].startswith(b"OK"))
        c.close()

    def fill_near(self, count):
        for i in range(count):
            name = "%d.%d_%d.here:2,%s" % (
                1700000000 + i, os.getpid(), i, "S" if i % 3 == 0 else "")
            with open(os.path.join(self.local, "INBOX", "cur", name),
                      "w") as f:
                f.write(text_message("near-%04d" % i))

    @need("mbsync")
    def test_two_thousand_both_ways(self):
        self.fill_far(TOTAL // 2)
        self.fill_near(TOTAL // 2)
        self.mbsync()
        near, far = self.near(), self.far()
        self.assertEqual(len(near), TOTAL)
        self.assertEqual(near, far)
        self.assertEqual(sum(f == "S" for f in far.values()),
                         TOTAL // 8 + (TOTAL // 2 + 2) // 3)

        self.change_far()
        self.change_near()
        self.mbsync(tls="STARTTLS")
        near, far = self.near(), self.far()
        self.assertEqual(near, far)
        for subject, flags in self.wanted(near).items():
            self.assertEqual(far[subject], flags, subject)
        self.assertEqual(len(far), TOTAL - 4 * 50)

        self.nothing_to_do()

    def change_far(self):
        c = self.login()
        c.ok("SELECT INBOX")
        for side in ("far", "near"):
            subjects = self.subjects(c)
            def uids(first, last):
                return ",".join(subjects["%s-%04d" % (side, i)]
                                for i in range(first, last))
            c.ok("UID STORE %s +FLAGS.SILENT (\\Flagged)" % uids(100, 150))
            c.ok("UID STORE %s -FLAGS.SILENT (\\Seen)" % uids(200, 250))
            c.ok("UID STORE %s +FLAGS.SILENT (\\Deleted)" % uids(300, 350))
            c.ok("UID EXPUNGE %s" % uids(300, 350))
        c.close()

    def subjects(self, c):
        got = c.ok("UID FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        return {re.search(rb"Subject: (.*)\r\n", r).group(1).decode():
                re.search(rb"UID (\d+)", r).group(1).decode() for r in got
                if b"Subject: " in r}

    def change_near(self):
        box = self.folder()
        for key, m in list(box.items()):
            number = int(m["Subject"].rsplit("-", 1)[1])
            if 400 <= number < 450:
                m.add_flag("R")
            elif 500 <= number < 550:
                m.set_flags("")
            elif 600 <= number < 650:
                box.remove(key)
                continue
            else:
                continue
            box[key] = m

    def wanted(self, near):
        wanted = {}
        for side in ("far", "near"):
            step = 4 if side == "far" else 3
            for i in range(TOTAL // 2):
                seen = "S" if i % step == 0 else ""
                if 100 <= i < 150:
                    wanted["%s-%04d" % (side, i)] = "F" + seen
                elif 200 <= i < 250 or 500 <= i < 550:
                    wanted["%s-%04d" % (side, i)] = ""
                elif 400 <= i < 450:
                    wanted["%s-%04d" % (side, i)] = "R" + seen
                elif 300 <= i < 350 or 600 <= i < 650:
                    self.assertNotIn("%s-%04d" % (side, i), near)
        return wanted

    def nothing_to_do(self):
        """Nothing is transferred and no file is touched on either side."""
        before = self.files()
        for _ in range(2):
            self.mbsync()
            self.assertEqual(self.files(), before)
        log = [x for x in self.server.log().splitlines() if " logout " in x]
        self.assertIn("appended=0 expunged=0", log[-1])

    def files(self):
        found = {}
        for root in (os.path.join(self.local, "INBOX"), self.inbox_path()):
            for folder in ("new", "cur"):
                path = os.path.join(root, folder)
                for name in os.listdir(path):
                    at = os.path.join(path, name)
                    found[at] = os.stat(at).st_ctime_ns
        return found

    @need("mbsync")
    def test_folders_and_single_directions(self):
        c = self.login(1)
        for name in ("work", "work/deep", "Gr&APwA3w-e"):
            c.ok('CREATE "%s"' % name)
            for i in range(5):
                c.append(wire(text_message("%s %d" % (
                    name.replace("&", ""), i))), '"%s"' % name)
        self.mbsync("Pull", user=1, patterns="*")
        for name in (".work", ".work.deep", ".Gr&APwA3w-e", ".Sent"):
            path = os.path.join(self.local, "INBOX", name)
            self.assertTrue(os.path.isdir(path), os.listdir(
                os.path.join(self.local, "INBOX")))
        self.assertEqual(len(self.folder("INBOX/.work.deep")), 5)

        # to the server: a new folder, a new message, flags, a removal
        new = mailbox.Maildir(os.path.join(self.local, "INBOX", ".made-here"))
        new.add(text_message("made here"))
        work = self.folder("INBOX/.work")
        for key, m in list(work.items()):
            if m["Subject"] == "work 1":
                m.set_subdir("cur")
                m.set_flags("FS")
                work[key] = m
            elif m["Subject"] == "work 2":
                work.remove(key)
        c.append(wire(text_message("work later")), "work")
        self.mbsync("Push", user=1, patterns="*")
        self.assertEqual(len(self.contents(1, "made-here")), 1)
        c.ok("EXAMINE work")
        got = c.ok("FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        self.assertEqual(len(got), 5)
        for r in got:
            self.assertNotIn(b"work 2", r)
            if b"work 1\r\n" in r:
                self.assertIn(rb"\Flagged", r)
                self.assertIn(rb"\Seen", r)
        self.assertEqual(len(self.folder("INBOX/.work")), 4)
        self.mbsync("Pull", user=1, patterns="*")
        self.assertEqual(sorted(m["Subject"] for m in
                                self.folder("INBOX/.work")),
                         ["work 0", "work 1", "work 3", "work 4",
                          "work later"])


if __name__ == "__main__":
    unittest.main()
