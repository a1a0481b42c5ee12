"""Other programs at work in the Maildir while the server serves it: mblaze,
procmail, mv and rm. An idling session hears of what they do at once."""

import os
import re
import shutil
import threading
import time
import unittest

from clients import SLOW, Case, need, text_message, token, wait_for, wire


class Tools(Case):
    def setUp(self):
        super().setUp()
        self.inbox = self.inbox_path()
        c = self.login()
        c.ok("SELECT INBOX")    # makes the Maildir
        c.close()

    def files(self, *folders):
        return [os.path.join(self.inbox, f, name)
                for f in folders or ("new", "cur")
                for name in os.listdir(os.path.join(self.inbox, f))]

    def file_of(self, word):
        """The file of the message with `word`, which exists once."""
        def look():
            found = []
            for path in self.files():
                try:
                    with open(path, "rb") as f:
                        if word.encode() in f.read():
                            found.append(path)
                except FileNotFoundError:
                    pass
            return found
        found = wait_for(look, 2)
        self.assertEqual(len(found), 1, found)
        return found[0]

    def append(self, *words, user=0):
        c = self.login(user)
        for w in words:
            c.append(wire(text_message(w)))
        c.close()

    def drop(self, word, folder="new", suffix="", content=None, mode=0o600):
        """What every delivery program does; the name in `folder`."""
        name = "%d.%d_%s.elsewhere%s" % (
            time.time(), os.getpid(), re.sub(r"\W", "", word), suffix)
        path = os.path.join(self.inbox, "tmp", name)
        with open(path, "w", encoding="utf-8", newline="") as f:
            f.write(content or text_message(word))
        os.chmod(path, mode)
        os.rename(path, os.path.join(self.inbox, folder, name))
        return name

    def exists(self, watch, seconds=1.0):
        got = watch.wait(b" EXISTS", seconds=seconds)
        self.assertIsNotNone(got, "no EXISTS:\n" + self.server.log()[-2000:])
        return int(got[0].split()[1])

    # --- new mail ---------------------------------------------------------

    @need("procmail")
    def test_procmail_delivers(self):
        rc = self.file("procmailrc", "DEFAULT=%s/\nLOGFILE=%s\n" % (
            self.inbox, self.path("log")))
        watch = self.watch()
        for i in range(3):
            t = token()
            p = self.run_program("procmail", "-m", rc, input=text_message(t),
                                 status=None)
            if p.returncode != 0:   # as root it may refuse the rcfile
                p = self.run_program("procmail", rc, input=text_message(t))
            self.exists(watch)
            m = self.with_token(t)
            self.assertTrue(m.endswith(b"One line.\r\nAnother line.\r\n"))

    def test_mv_into_new(self):
        watch = self.watch()
        t = token()
        source = self.file("m", text_message(t))
        target = os.path.join(self.inbox, "new", "%d.%d.elsewhere" % (
            time.time(), os.getpid()))
        # the same file system or not: mv copies when it must
        self.run_program("mv", source, target)
        self.exists(watch)
        m = self.with_token(t)
        self.assertTrue(m.endswith(b"One line.\r\nAnother line.\r\n"))

    def test_many_at_once(self):
        watch = self.watch()
        before = len(self.contents())
        words = [token("many") for _ in range(300)]

        def deliver(part):
            for w in part:
                self.drop(w)
        threads = [threading.Thread(target=deliver, args=(words[i::3],))
                   for i in range(3)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        end = time.monotonic() + 10 * SLOW
        while self.exists(watch, 5) != before + 300:
            self.assertLess(time.monotonic(), end)
        got = self.contents()
        for w in words:
            self.assertEqual(sum(w.encode() + b"\r" in m for m in got), 1, w)
        c = self.login()
        c.ok("EXAMINE INBOX")
        uids = [int(re.search(rb"UID (\d+)", r).group(1))
                for r in c.ok("FETCH 1:* UID")]
        self.assertEqual(uids, sorted(set(uids)))

    def test_name_with_flags_in_cur(self):
        watch = self.watch()
        t = token()
        self.drop(t, "cur", ":2,FRS")
        self.exists(watch)
        c = self.login()
        c.ok("SELECT INBOX")
        got = c.ok("FETCH * FLAGS")[-1]
        for flag in (rb"\Flagged", rb"\Answered", rb"\Seen"):
            self.assertIn(flag, got)

    def test_mail_for_another_folder(self):
        c = self.login()
        c.ok("CREATE lists/postern")
        watch = self.watch(box="lists/postern")
        inbox, self.inbox = self.inbox, os.path.join(
            self.inbox, ".lists.postern")
        t = token()
        self.drop(t)
        self.inbox = inbox
        self.exists(watch)
        self.with_token(t, box="lists/postern")

    def test_folder_made_by_another_program(self):
        path = os.path.join(self.inbox, ".Made.Outside")
        for folder in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(path, folder))
        c = self.login()
        got = wait_for(lambda: c.ok('LIST "" "Made/Outside"'), 2)
        self.assertEqual(len(got), 1)
        inbox, self.inbox = self.inbox, path
        t = token()
        self.drop(t)
        self.inbox = inbox
        self.with_token(t, box="Made/Outside")

    def test_files_that_are_no_messages(self):
        """Dot files and folders in new/ are left alone, an empty file and one
        without a header don't disturb."""
        os.mkdir(os.path.join(self.inbox, "new", "folder"))
        with open(os.path.join(self.inbox, "new", ".hidden"), "w") as f:
            f.write("no message\n")
        watch = self.watch()
        words = token(), token()
        self.drop("empty", content="\n")
        self.drop(words[0], content=words[0])   # no line end at all
        self.drop(words[1])
        end = time.monotonic() + 3 * SLOW
        while not any(words[1].encode() in m for m in self.contents()):
            self.assertLess(time.monotonic(), end)
        self.assertTrue(any(m.startswith(words[0].encode())
                            for m in self.contents()))
        self.assertTrue(os.path.exists(
            os.path.join(self.inbox, "new", ".hidden")))
        os.rmdir(os.path.join(self.inbox, "new", "folder"))
        os.unlink(os.path.join(self.inbox, "new", ".hidden"))
        watch.close()

    # --- changes ----------------------------------------------------------

    @need("mlist", "mshow", "mflag", "mhdr", "minc")
    def test_mblaze(self):
        t = token()
        self.append(t)
        watch = self.watch()
        os.makedirs(self.path(".mblaze"))
        listed = self.run_program("mlist", self.inbox).stdout.decode()
        self.assertEqual(sorted(listed.split()), sorted(self.files()))
        path = self.file_of(t)
        self.assertIn(path, listed)
        shown = self.run_program("mshow", path).stdout
        self.assertIn(b"Subject: " + t.encode() + b"\n", shown)
        self.assertIn(b"One line.\nAnother line.\n", shown)
        self.assertNotIn(b"\r", shown)
        self.assertEqual(self.run_program(
            "mhdr", "-h", "subject", path).stdout.strip(), t.encode())
        # mflag leaves messages in new/ alone: first the way of a mail reader
        self.run_program("minc", self.inbox)
        for option, flag in (("-S", rb"\Seen"), ("-F", rb"\Flagged"),
                             ("-R", rb"\Answered")):
            path = self.file_of(t)
            self.run_program("mflag", option, path)
            self.assertIsNotNone(watch.wait(b"FETCH", flag), flag)
        self.run_program("mflag", "-s", self.file_of(t))
        got = watch.wait(b"FETCH")
        self.assertIsNotNone(got)
        self.assertNotIn(rb"\Seen", got[0])
        self.assertIn(rb"\Flagged", got[0])
        # and the other way: what a session sets, mblaze shows
        c = self.login()
        c.ok("SELECT INBOX")
        c.ok("STORE * FLAGS (\\Draft)")
        self.assertRegex(self.file_of(t), r":2,D$")
        found = self.run_program("mlist", "-D", self.inbox).stdout.decode()
        self.assertEqual(found.split(), [self.file_of(t)])

    @need("minc")
    def test_minc_moves_new_mail(self):
        """new/ to cur/ is no change that a session has to hear of."""
        t = token()
        self.append(t)
        watch = self.watch()
        self.run_program("minc", self.inbox)
        self.assertEqual(self.files("new"), [])
        self.assertIsNone(watch.wait(b"EXPUNGE", seconds=0.4))
        self.with_token(t)

    def test_rm(self):
        words = [token("rm") for _ in range(5)]
        self.append(*words)
        watch = self.watch()
        for w in words[1:4]:
            os.unlink(self.file_of(w))
            self.assertIsNotNone(watch.wait(b"EXPUNGE"), w)
        for w in words[1:4]:
            self.assertFalse([m for m in self.contents() if w.encode() in m])
        self.with_token(words[0])
        self.with_token(words[4])

    def test_rm_of_all_in_one_go(self):
        self.append(*[token() for _ in range(50)])
        count = len(self.contents())
        watch = self.watch()
        for path in self.files():
            os.unlink(path)
        for _ in range(count):
            self.assertIsNotNone(watch.wait(b"EXPUNGE", seconds=2))
        self.assertEqual(self.contents(), [])
        t = token()
        self.append(t)
        self.exists(watch)
        self.with_token(t)

    def test_message_taken_away_while_it_is_read(self):
        t = token()
        self.append(t)
        c = self.login()
        c.ok("SELECT INBOX")
        os.unlink(self.file_of(t))
        _, tagged = c.cmd("FETCH * BODY.PEEK[]")
        self.assertRegex(tagged, rb"^(OK|NO)")
        c.ok("NOOP")
        c.ok("CLOSE")

    def test_moved_between_folders(self):
        """mv from the INBOX to a folder: gone here, new there."""
        t = token()
        self.append(t)
        c = self.login()
        c.ok("CREATE moved")
        here, there = self.watch(), self.watch(box="moved")
        path = self.file_of(t)
        os.rename(path, os.path.join(self.inbox, ".moved", "cur",
                                     os.path.basename(path).split(":")[0]
                                     + ":2,S"))
        self.assertIsNotNone(here.wait(b"EXPUNGE"))
        self.exists(there)
        m = self.with_token(t, box="moved")
        self.assertTrue(m.endswith(b"Another line.\r\n"))

    def test_copied_within_a_folder(self):
        """cp of a file gives a message of its own, with a uid of its own."""
        t = token()
        self.append(t)
        watch = self.watch()
        path = self.file_of(t)
        copy = os.path.join(self.inbox, "tmp", "x" + os.path.basename(path))
        shutil.copyfile(path, copy)
        os.rename(copy, os.path.join(
            self.inbox, "cur", os.path.basename(copy).split(":")[0] + ":2,"))
        self.exists(watch)
        c = self.login()
        c.ok("EXAMINE INBOX")
        got = c.ok("UID SEARCH SUBJECT " + t)[0].split()[2:]
        self.assertEqual(len(set(got)), 2, got)

    def test_flags_changed_while_the_server_was_away(self):
        words = [token("away") for _ in range(4)]
        self.append(*words)
        c = self.login()
        c.ok("EXAMINE INBOX")
        def uids():
            return {w: c.ok("UID SEARCH SUBJECT " + w)[0].split()[2:]
                    for w in words}
        before = uids()
        validity = c.ok("STATUS Sent (UIDVALIDITY)"), c.ok(
            "STATUS Trash (UIDVALIDITY)")
        c.close()
        self.server.stop()
        path = self.file_of(words[0])
        name = os.path.basename(path).split(":")[0]
        os.rename(path, os.path.join(self.inbox, "cur", name + ":2,FS"))
        os.unlink(self.file_of(words[1]))
        late = token("late")
        self.drop(late)
        self.server.start()
        c = self.login()
        c.ok("EXAMINE INBOX")
        after = uids()
        self.assertEqual(after[words[0]], before[words[0]])
        self.assertEqual(after[words[1]], [])
        self.assertEqual(after[words[2]], before[words[2]])
        self.assertEqual(after[words[3]], before[words[3]])
        got = c.ok("UID FETCH %s FLAGS" % after[words[0]][0].decode())[0]
        self.assertIn(rb"\Flagged", got)
        self.assertIn(rb"\Seen", got)
        new = int(c.ok("UID SEARCH SUBJECT " + late)[0].split()[2])
        self.assertGreater(new, max(int(u[0]) for u in before.values()))
        self.assertEqual(validity, (c.ok("STATUS Sent (UIDVALIDITY)"), c.ok(
            "STATUS Trash (UIDVALIDITY)")))


if __name__ == "__main__":
    unittest.main()
