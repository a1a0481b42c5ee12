"""Several clients at once: news of a mailbox, IDLE, pipelines, slow readers,
messages that vanish."""

import os
import socket
import threading
import time
import unittest

from imap_client import CRLF, Case, Client, message
from postern import STORAGE, only_over


class Sessions(Case):
    def test_news_come_with_any_command(self):
        c = self.select_new([message()] * 3)
        d = self.select_again()
        c.append(message(), self.box)
        self.assertIn(b"* 4 EXISTS", d.ok("NOOP"))
        c.ok("STORE 2 +FLAGS (\\Flagged $New)")
        got = d.ok("NOOP")
        self.assertTrue(any(b"* FLAGS" in g and b"$New" in g for g in got))
        self.assertTrue(any(g.startswith(b"* 2 FETCH (FLAGS (") and
                            b"\\Flagged" in g for g in got))
        self.assertEqual(d.ok("NOOP"), [])

    def test_no_expunge_during_fetch_store_search(self):
        c = self.select_new([message()] * 4)
        d = self.select_again()
        c.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
        c.ok("EXPUNGE")
        for text in ("FETCH 1 FLAGS", "STORE 1 FLAGS (\\Seen)",
                     "SEARCH ALL"):
            got = d.ok(text)
            self.assertFalse(any(b"EXPUNGE" in g for g in got), got)
        # The numbers still mean what they meant.
        self.assertEqual(d.ok("FETCH 4 UID"), [b"* 4 FETCH (UID 4)"])
        self.assertOk(d.cmd("FETCH 1:4 FLAGS"), "EXPUNGEISSUED")
        self.assertNo(d.cmd("STORE 2 +FLAGS (\\Seen)"), "EXPUNGEISSUED")
        self.assertEqual(d.ok("SEARCH ALL"), [b"* SEARCH 1 3 4"])
        self.assertIn(b"* 2 EXPUNGE", d.ok("UID FETCH 4 UID"))
        self.assertEqual(d.ok("FETCH 3 UID"), [b"* 3 FETCH (UID 4)"])

    def test_read_while_renamed(self):
        """Others may rename it all the time: messages are there."""
        c = self.select_new([message("m%d" % i) for i in range(30)])
        stop, errors = threading.Event(), []

        def rename():
            with Client(self.server) as d:
                d.login()
                names = [self.box, self.box + "-other"]
                while not stop.is_set():
                    if not d.cmd("RENAME %s %s" % tuple(names))[1].startswith(
                            b"OK"):
                        errors.append(names)
                    names.reverse()

        thread = threading.Thread(target=rename)
        thread.start()
        try:
            for _ in range(100 if STORAGE == "maildir" else 20):
                got = c.ok("SEARCH NOT BODY nobodysaysthis")
                self.assertEqual(len(got[0].split()), 2 + 30)
                got = c.ok("FETCH 1:* (EMAILID BODY.PEEK[1])")
                self.assertEqual(len([g for g in got if b"FETCH" in g]), 30)
        finally:
            stop.set()
            thread.join()
        self.assertEqual(errors, [])

    def test_copy_of_an_expunged_message(self):
        c = self.select_new([message()] * 3)
        d = self.select_again()
        c.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
        c.ok("EXPUNGE")
        self.assertNo(d.cmd("COPY 1:3 " + self.box), "EXPUNGEISSUED")

    def test_pending_expunges_and_pipelines(self):
        c = self.select_new([message()] * 5)
        d = self.select_again()
        c.ok("STORE 1:2 +FLAGS.SILENT (\\Deleted)")
        c.ok("EXPUNGE")
        d.send("x1 FETCH 5 UID\r\nx2 NOOP\r\nx3 FETCH 3 UID\r\n")
        got, _ = d.finish("x1")
        self.assertEqual(got, [b"* 5 FETCH (UID 5)"])
        got, _ = d.finish("x2")
        self.assertEqual([g for g in got if b"EXPUNGE" in g],
                         [b"* 1 EXPUNGE", b"* 1 EXPUNGE"])
        got, _ = d.finish("x3")
        self.assertEqual(got, [b"* 3 FETCH (UID 5)"])

    def test_recent_goes_to_one_session(self):
        c = self.select_new()
        d = self.login()
        d.append(message(), self.box)
        self.assertIn(b"* 1 RECENT", c.ok("NOOP"))
        untagged, _ = d.cmd("SELECT " + self.box)
        self.assertIn(b"* 0 RECENT", untagged)
        self.assertEqual(d.ok("SEARCH RECENT"), [b"* SEARCH"])
        self.assertEqual(c.ok("SEARCH RECENT"), [b"* SEARCH 1"])

    def test_silent_store_is_told_to_others(self):
        c = self.select_new([message()])
        d = self.select_again()
        self.assertEqual(c.ok("STORE 1 +FLAGS.SILENT (\\Flagged)"), [])
        self.assertTrue(any(b"\\Flagged" in g for g in d.ok("NOOP")))

    def test_many_flag_changes(self):
        n = 700
        c = self.select_new()
        m = message(body="")
        for i in range(n):
            c.send(b"p%d APPEND %s {%d+}\r\n%s\r\n" % (
                i, self.box.encode(), len(m), m))
        c.finish("p%d" % (n - 1))
        d = self.select_again()
        got = c.ok("STORE 1:* +FLAGS (\\Seen)")
        self.assertEqual(len([g for g in got if b"FETCH" in g]), n)
        got = d.ok("NOOP")
        self.assertEqual([int(g.split()[1]) for g in got if b"FETCH" in g],
                         list(range(1, n + 1)))
        c.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
        self.assertEqual(len(c.ok("EXPUNGE")), n)
        self.assertEqual(len([g for g in d.ok("NOOP") if b"EXPUNGE" in g]), n)

    @only_over("maildir")
    def test_vanished_file(self):
        c = self.select_new([message("m%d" % i) for i in range(3)])
        root = self.server.maildir(self.server.users[0])
        gone = []
        for folder, _, files in os.walk(root):
            for name in files:
                path = os.path.join(folder, name)
                if self.box not in path or "/cur" not in folder and \
                        "/new" not in folder:
                    continue
                with open(path, "rb") as f:
                    if b"Subject: m1" in f.read():
                        gone.append(path)
        if not gone:
            self.skipTest("messages are not in files of their own")
        for path in gone:
            os.unlink(path)
        untagged, tagged = c.cmd("FETCH 1:3 BODY.PEEK[]")
        self.assertTrue(tagged.startswith(b"OK [EXPUNGEISSUED]"), tagged)
        self.assertEqual([g.split()[1] for g in untagged if b"FETCH" in g],
                         [b"1", b"3"])
        c.ok("NOOP")
        self.assertEqual(c.ok("UID SEARCH ALL"), [b"* SEARCH 1 3"])


class Idle(Case):
    def test_pushes_at_once(self):
        c = self.select_new([message()])
        d = self.select_again()
        tag = c.idle()
        d.append(message(), self.box)
        begin = time.monotonic()
        self.assertEqual(c.response(), b"* 2 EXISTS")
        self.assertTrue(c.response().endswith(b" RECENT"))
        self.assertLess(time.monotonic() - begin, 2)
        d.ok("STORE 1 +FLAGS (\\Flagged)")
        self.assertRegex(c.response(), rb"^\* 1 FETCH \(FLAGS \(.*\\Flagged")
        d.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        self.assertRegex(c.response(), rb"^\* 1 FETCH .*\\Deleted")
        d.ok("EXPUNGE")
        while c.response() != b"* 1 EXPUNGE":
            pass
        c.send("done\r\n")
        self.assertOk(c.finish(tag))
        self.assertEqual(c.ok("UID SEARCH ALL"), [b"* SEARCH 2"])

    def test_done_in_pieces_with_news_between(self):
        c = self.select_new([message()])
        d = self.select_again()
        tag = c.idle()
        c.send("DO")
        time.sleep(0.1)
        d.append(message(), self.box)
        self.assertEqual(c.response(), b"* 2 EXISTS")
        c.send("NE\r\n")
        self.assertOk(c.finish(tag))

    def test_without_mailbox(self):
        c = self.login()
        tag = c.idle()
        c.send("DONE\r\n")
        self.assertOk(c.finish(tag))

    def test_pipelined_done(self):
        c = self.select_new()
        c.send("i IDLE\r\nDONE\r\nn NOOP\r\n")
        self.assertOk(c.finish("i"))
        self.assertOk(c.finish("n"))

    def test_something_else_than_done(self):
        c = self.select_new()
        tag = c.idle()
        c.send("x NOOP\r\n")
        self.assertBad(c.finish(tag))
        self.assertBad(c.cmd("IDLE now"))

    def test_deleted_mailbox(self):
        c = self.select_new()
        d = self.login()
        c.idle()
        d.ok("DELETE " + self.box)
        self.assertIn(b"* BYE", c.wait_closed())

    @only_over("maildir")
    def test_change_by_another_program(self):
        c = self.select_new([message("first")])
        root = self.server.maildir(self.server.users[0])
        folders = [f for f, d, _ in os.walk(root)
                   if self.box in f and f.endswith("/new")]
        if len(folders) != 1:
            self.skipTest("no Maildir")
        c.idle()
        part = os.path.join(os.path.dirname(folders[0]), "tmp", "1.2.other")
        with open(part, "wb") as f:
            f.write(message("second").replace(CRLF, b"\n"))
        os.rename(part, os.path.join(folders[0], "1.2.other"))
        self.assertEqual(c.response(), b"* 2 EXISTS")


class Load(Case):
    def test_long_pipeline(self):
        c = self.select_new([message()])
        n = 3000
        c.send("".join("n%d NOOP\r\n" % i for i in range(n)))
        for i in range(n):
            self.assertOk(c.finish("n%d" % i))

    def test_slow_reader(self):
        c = self.select_new()
        big = message("big", ("z" * 76 + "\r\n") * 40000)
        c.append(big, self.box)
        c.send("".join("f%d FETCH 1 BODY.PEEK[]\r\n" % i for i in range(10)))
        time.sleep(1)
        # Others are not held up, and the server holds little.
        d = self.login()
        d.ok("NOOP")
        with open("/proc/%d/statm" % self.server.pid) as f:
            resident = int(f.read().split()[1]) * 4096
        self.assertLess(resident, 400 << 20)
        for i in range(10):
            untagged, tagged = c.finish("f%d" % i)
            self.assertTrue(tagged.startswith(b"OK"))
            self.assertEqual(len(untagged[0]),
                             len(b"* 1 FETCH (BODY[] {%d}\r\n)" % len(big)) +
                             len(big))

    def test_client_that_goes_away_in_a_long_answer(self):
        c = self.select_new()
        c.append(message("big", ("z" * 76 + "\r\n") * 40000), self.box)
        c.send("f FETCH 1 BODY.PEEK[]\r\n")
        c.sock.recv(1000)
        c.close()
        self.login().ok("NOOP")

    def test_many_sessions(self):
        c = self.select_new([message()])
        others = [self.select_again() for _ in range(30)]
        tags = [o.idle() for o in others]
        c.append(message(), self.box)
        for o, tag in zip(others, tags):
            self.assertEqual(o.response(), b"* 2 EXISTS")
            o.send("DONE\r\n")
            o.finish(tag)

    def test_half_closed(self):
        c = self.login()
        c.send("x NOOP\r\ny NOOP\r\n")
        c.sock.shutdown(socket.SHUT_WR)
        got = c.wait_closed()
        self.assertIn(b"x OK", got)
        self.assertIn(b"y OK", got)

    def test_rfc3501_example_session(self):
        # RFC 3501, 8, in shape
        c = self.connect()
        self.assertTrue(c.greeting.startswith(b"* OK"))
        c.ok("login user1 secret")
        c.ok("CREATE " + self.box)
        for i in range(18):
            c.append(message("m%d" % i), self.box,
                     "(\\Seen)" if i < 16 else "")
        got = c.ok("select " + self.box)
        self.assertIn(b"* 18 EXISTS", got)
        self.assertTrue(any(b"[UNSEEN 17]" in g for g in got))
        got = c.ok("fetch 12 full")
        self.assertEqual(len(got), 1)
        self.assertRegex(
            got[0], rb'^\* 12 FETCH \(FLAGS \(\\Seen( \\Recent)?\) '
            rb'INTERNALDATE "[^"]+" RFC822.SIZE \d+ ENVELOPE \(.*\) '
            rb'BODY \("text" "plain" \("charset" "us-ascii"\) NIL NIL '
            rb'"7bit" \d+ \d+\)\)$')
        got = c.ok("fetch 12 body[header]")
        self.assertRegex(got[0], rb"^\* 12 FETCH \(BODY\[HEADER\] \{\d+\}")
        got = c.ok("store 12 +flags \\deleted")
        self.assertRegex(got[0], rb"^\* 12 FETCH \(FLAGS \(")
        untagged, tagged = c.cmd("logout")
        self.assertTrue(untagged[0].startswith(b"* BYE"))


if __name__ == "__main__":
    unittest.main()
