"""What is kept beside the messages: it saves work, and its loss shows in
nothing but larger modseqs."""

import os
import random
import re
import unittest

from imap_client import Case, message
from postern import only_over
from test_condstore import highest, modseq
from test_qresync import vanished

ITEMS = ("(UID INTERNALDATE RFC822.SIZE ENVELOPE BODY BODYSTRUCTURE PREVIEW "
         "BODY.PEEK[HEADER.FIELDS (SUBJECT FROM TO MESSAGE-ID X-LABEL)] "
         "BODY.PEEK[HEADER.FIELDS (From)]<2.7>)")
FILES = ("postern.index", "postern.cache")


def odd(i):
    """A message that is unlike the others."""
    kind = i % 5
    if kind == 0:
        return message("plain %d" % i, extra="X-Label: a\r\n")
    if kind == 1:
        return message("=?utf-8?q?M=C3=BCller_%d?=" % i,
                       extra="Cc: a@b.example,\r\n c@d.example\r\n"
                             "References: <x%d@y.example>\r\n" % (i - 1))
    if kind == 2:
        return (b"Subject: two\r\n parts %d\r\nsubject: again\r\n"
                b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
                b"--b\r\n\r\ntext\r\n--b\r\nContent-Type: image/png\r\n\r\n"
                b"xx\r\n--b--\r\n" % i)
    if kind == 3:
        return b"no header at all"
    return b"From: %d <x@y.example>\r\n\r\n" % i


class Index(Case):
    def setUp(self):
        super().setUp()
        self.c = self.login()
        self.c.ok("CREATE " + self.box)
        for i in range(30):
            self.c.append(odd(i), self.box)
        self.c.ok("SELECT " + self.box)

    def folder(self):
        return os.path.join(self.server.maildir(self.server.users[0]),
                            "." + self.box)

    def restart(self):
        for c in self.clients:
            c.close()
        self.assertEqual(self.server.stop(), 0)
        self.server.start()
        self.c = self.login()

    def again(self):
        self.c = self.login()
        return self.c.ok("SELECT " + self.box)

    def everything(self):
        c = self.c
        got = [c.ok("FETCH 1:* " + ITEMS)]
        for text in ("SUBJECT again", "SUBJECT m\u00fcll", "FROM y.example",
                     "CC c@d", "HEADER X-Label a", "HEADER References x",
                     "HEADER Subject \"\"", "NOT HEADER Message-ID \"\"",
                     "SENTON 7-Feb-1994", "BCC x",
                     "OR SUBJECT plain FROM x@y"):
            data = text.encode()
            if not text.isascii():
                word = text.split(" ", 1)[1].encode()
                data = b"CHARSET UTF-8 SUBJECT {%d+}\r\n%s" % (
                    len(word), word)
            got.append(c.ok(b"UID SEARCH " + data))
        for keys in ("SUBJECT", "REVERSE DATE", "FROM CC", "DISPLAYFROM TO"):
            got.append(c.ok("UID SORT (%s) UTF-8 ALL" % keys))
        for alg in ("REFERENCES", "ORDEREDSUBJECT", "REFS"):
            got.append(c.ok("UID THREAD %s UTF-8 ALL" % alg))
        return got

    @only_over("maildir")
    def test_same_answers_with_it(self):
        first = self.everything()
        self.assertEqual(self.everything(), first)
        self.assertGreater(os.path.getsize(
            os.path.join(self.folder(), "postern.cache")), 1000)
        self.restart()
        self.again()
        self.assertEqual(self.everything(), first)

    @only_over("maildir")
    def test_saves_reading(self):
        """Nothing is read any more: it even works without the files."""
        first = self.everything()
        cur = os.path.join(self.folder(), "new")
        for name in os.listdir(cur):
            path = os.path.join(cur, name)
            with open(path, "r+b") as f:
                f.write(b"?" * 10)
        self.assertEqual(self.everything(), first)

    @only_over("maildir")
    def test_damage_is_noticed(self):
        rng = random.Random(1)
        first = self.everything()

        def spoil(path):
            size = os.path.getsize(path)
            how = rng.randrange(4)
            if how == 0:
                os.unlink(path)
            elif how == 1:
                os.truncate(path, rng.randrange(size + 1))
            elif how == 2:
                with open(path, "r+b") as f:
                    f.write(rng.randbytes(size))
            else:
                with open(path, "r+b") as f:
                    f.seek(rng.randrange(size))
                    f.write(rng.randbytes(8))

        for i in range(12):
            path = os.path.join(self.folder(), "postern.cache")
            if os.path.exists(path) and os.path.getsize(path) > 0:
                spoil(path)
            self.assertEqual(self.everything(), first, i)
        for i in range(6):
            for c in self.clients:
                c.close()
            self.assertEqual(self.server.stop(), 0)
            for name in FILES:
                path = os.path.join(self.folder(), name)
                if os.path.exists(path) and os.path.getsize(path) > 0:
                    spoil(path)
            self.server.start()
            self.again()
            self.assertEqual(self.everything(), first, i)

    def test_kept_orders(self):
        """Sorting again gives what sorting a mailbox for the first time
        does."""
        def order(c, text):
            got = c.ok("SORT %s UTF-8 %s" % text)
            return [int(n) for n in got[0].split()[2:]]

        def check():
            self.c.ok("CREATE other")
            self.c.ok("COPY 1:* other")
            other = self.login()
            other.ok("SELECT other")
            for text in texts:
                self.assertEqual(order(self.c, text), order(other, text),
                                 text)
            for alg in ("REFERENCES", "ORDEREDSUBJECT", "REFS"):
                for text in ("ALL", "2:*"):
                    text = "THREAD %s UTF-8 %s" % (alg, text)
                    self.assertEqual(self.c.ok(text), other.ok(text))
                    self.assertEqual(self.c.ok(text), other.ok(text))
            other.ok("LOGOUT")
            self.c.ok("DELETE other")

        texts = [(k, s) for k in ("(SUBJECT)", "(REVERSE SUBJECT)",
                                  "(DATE FROM)", "(SIZE)", "(SUBJECT)")
                 for s in ("ALL", "1:9,12:20", "UNSEEN", "SUBJECT two")]
        for i in range(3):
            check()
        self.c.ok("STORE 4,9,10,25 +FLAGS.SILENT (\\Seen \\Deleted)")
        check()
        self.c.ok("EXPUNGE")
        check()
        check()
        self.c.append(message("aaa first"), self.box)
        self.c.append(message("zzz last"), self.box)
        self.c.ok("NOOP")
        check()
        check()

    def flags(self):
        return {int(m.group(1)): (m.group(2), int(m.group(3))) for m in (
            re.search(rb"UID (\d+) FLAGS \(([^)]*)\) MODSEQ \((\d+)\)", r)
            for r in self.c.ok("FETCH 1:* (UID FLAGS MODSEQ)")) if m}

    def without_recent(self, flags):
        return {uid: (b" ".join(w for w in f.split() if w != b"\\Recent"), m)
                for uid, (f, m) in flags.items()}

    def change(self):
        self.c.ok("UID STORE 3:7 +FLAGS.SILENT (\\Seen one)")
        self.c.ok("UID STORE 20 +FLAGS.SILENT (\\Deleted)")
        self.c.ok("UID EXPUNGE 20")
        self.c.ok("UID STORE 5 +FLAGS.SILENT (two)")

    def test_modseqs_last(self):
        self.change()
        before = self.without_recent(self.flags())
        self.restart()
        self.again()
        self.assertEqual(self.without_recent(self.flags()), before)
        self.assertGreater(len({m for _, m in before.values()}), 20)

    def test_expunges_are_remembered(self):
        validity = [re.search(rb"UIDVALIDITY (\d+)", r) for r in
                    self.c.ok("SELECT " + self.box)]
        validity = int([m for m in validity if m][0].group(1))
        self.c.ok("UID STORE 11 +FLAGS.SILENT (\\Deleted)")
        self.c.ok("UID EXPUNGE 11")
        since = highest(self.c.ok("SELECT %s (CONDSTORE)" % self.box))[0]
        self.change()
        self.restart()
        self.c.ok("ENABLE QRESYNC")
        got = self.c.ok("SELECT %s (QRESYNC (%d %d))" % (
            self.box, validity, since))
        self.assertEqual(vanished(got), {20})
        told = {int(re.search(rb"UID (\d+)", r).group(1)) for r in got
                if b" FETCH (" in r}
        self.assertEqual(told, {3, 4, 5, 6, 7})

    @only_over("maildir")
    def test_without_it_modseqs_are_only_larger(self):
        for how in ("lost", "killed"):
            self.again()
            self.change()
            before = self.without_recent(self.flags())
            for c in self.clients:
                c.close()
            if how == "killed":
                self.server.kill()
            else:
                self.assertEqual(self.server.stop(), 0)
                os.unlink(os.path.join(self.folder(), "postern.index"))
            self.server.start()
            self.again()
            after = self.without_recent(self.flags())
            self.assertEqual({u: f for u, (f, m) in before.items()},
                             {u: f for u, (f, m) in after.items()})
            for uid, (_, m) in before.items():
                self.assertGreaterEqual(after[uid][1], m, how)

    @only_over("maildir")
    def test_changes_while_it_was_down(self):
        """Flags that another program changed have a new modseq; deliveries
        without a session leave the others as they were."""
        self.change()
        before = self.without_recent(self.flags())
        self.restart()
        self.c.append(message("one more"), self.box)
        for c in self.clients:
            c.close()
        self.assertEqual(self.server.stop(), 0)
        cur = os.path.join(self.folder(), "cur")
        name = [n for n in os.listdir(cur) if "U=4," in n or "U=4:" in n
                or re.search(r"U=4\b", n)][0]
        os.rename(os.path.join(cur, name),
                  os.path.join(cur, name.replace(":2,", ":2,F")))
        self.server.start()
        self.again()
        after = self.without_recent(self.flags())
        for uid, (flags, m) in before.items():
            if uid == 4:
                self.assertIn(b"\\Flagged", after[uid][0])
                self.assertGreater(after[uid][1], m)
            else:
                self.assertEqual(after[uid], (flags, m), uid)


if __name__ == "__main__":
    unittest.main()
