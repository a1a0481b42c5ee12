"""The full-text index: SEARCH answers as a look at every message does."""

import base64
import json
import os
import random
import re
import shutil
import time
import unittest

from imap_client import Client, message
import postern

WORDS = ["alpha", "beta", "gamma", "delta", "meeting", "Tomorrow", "STRASSE",
         "Straße", "Grüße", "naïve", "résumé", "office", "o'clock",
         "well-known", "anna@example.org", "3.14", "a_b_c", "x", "Привет",
         "дача", "Ελλάδα", "東京都", "京都", "カメラ", "ｶﾒﾗ", "안녕", "ไทย",
         "fi\u0301n", "ﬁn", "e\u0301", "é", "İstanbul", "😀", "€5", "§ 7",
         "q" * 70, "ab" * 90]
GAPS = [" ", " ", " ", "\r\n", ", ", ". ", "", "-", "@", "...", "\u2014",
        "\u00a0", "/", "\u3000", "_"]


def words(rng, n):
    return "".join(rng.choice(WORDS) + rng.choice(GAPS) for _ in range(n))


def plain(rng):
    return message(rng.choice(WORDS[:4]), "%s\r\n" % words(rng, 40).replace(
        "\r\n", " ").encode("ascii", "ignore").decode())


def encoded(rng):
    text = words(rng, 60)
    charset = rng.choice(["utf-8", "utf-8", "utf-16", "windows-1252",
                          "iso-2022-jp", "koi8-r", "us-ascii", "x-none"])
    codec = "latin-1" if charset in ("us-ascii", "x-none") else charset
    data = base64.encodebytes(text.encode(codec, "ignore")).decode()
    return message(
        "=?utf-8?B?%s?=" % base64.b64encode(
            words(rng, 3).replace("\r\n", " ").encode()).decode(),
        data.replace("\n", "\r\n"),
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=%s\r\n"
        "Content-Transfer-Encoding: base64\r\n" % charset)


def html(rng):
    text = "".join("<b>%s</b>%s<p class=hidden>" % (
        rng.choice(WORDS), rng.choice(GAPS)) for _ in range(30))
    return message("html", "<html><style>p { alpha }</style>%s&uuml;ber "
                   "&#8364;uro&nbsp;x</html>\r\n" % text,
                   "Content-Type: text/html; charset=utf-8\r\n")


def parts(rng):
    inner = "Subject: inner %s\r\n\r\n%s\r\n" % (
        rng.choice(WORDS[:6]), rng.choice(WORDS[:6]) * 3)
    return message("parts", (
        "--b\r\nX-Part: %s\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "\r\n%s\r\n--b\r\nContent-Type: image/png\r\n\r\nalpha beta\r\n"
        "--b\r\nContent-Type: message/rfc822\r\n\r\n%s--b--\r\n" % (
            rng.choice(WORDS[:8]), words(rng, 30), inner)),
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n")


ODD = [
    b"\r\n", b"no header at all", b"Subject: alpha\r\n",
    b"Subject: broken =?utf-8?Q?=C3?=\r\n\r\n\xff\xfe\x80 alpha\xe6\x9d",
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\nalpha\r\n--b\r\n",
    b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n"
    b"\r\n!!!!YWxwaGE=YmV0YQ==\r\n"]
LONG = [
    b"X: " + b"long " * 3000 + b"\r\n\r\nbody\r\n",
    b"Subject: one line\r\n\r\n" + b"meeting-" * 12000,
    b"Subject: one line\r\n\r\n" + "\u4eac\u90fd".encode() * 12000,
    b"Subject: nothing between\r\n\r\n" + b"ab" * 40000 + b" alpha"]


def odd(rng):
    return rng.choice(ODD)


KINDS = [plain, encoded, html, parts, odd]


class FullText(unittest.TestCase):
    def start(self, *more):
        # The truth is found by reading all messages: quick in files.
        plain = "search.fulltext=false" in more
        server = postern.Server(set=["search.delay=0", *more],
                                storage="maildir" if plain else None)
        self.addCleanup(server.clean)
        server.start()
        self.addCleanup(server.stop)
        return server

    def fill(self, server, mailbox="box", n=150, seed=1):
        rng = random.Random(seed)
        c = Client(server).login()
        c.ok("CREATE " + mailbox)
        self.add(c, [KINDS[i % len(KINDS)](rng) for i in range(n)], mailbox)
        self.addCleanup(c.close)
        return c

    def add(self, c, messages, mailbox="box"):
        """All with one command."""
        tag = c.tag().encode()
        c.send(b"%s APPEND %s" % (tag, mailbox.encode()))
        for m in messages:
            c.send(b" {%d+}\r\n%s" % (len(m), m))
        c.send(b"\r\n")
        self.assertTrue(c.finish(tag.decode())[1].startswith(b"OK"))

    def folder(self, server, mailbox="box"):
        return os.path.join(server.maildir(server.users[0]), "." + mailbox)

    def segments(self, server, mailbox="box"):
        path = os.path.join(self.folder(server, mailbox), "postern.text")
        try:
            return [os.path.join(path, f) for f in os.listdir(path)
                    if re.fullmatch("[0-9a-f]{8}", f)]
        except FileNotFoundError:
            return []

    def is_indexed(self, server, mailbox="box"):
        if postern.STORAGE == "maildir":
            return bool(self.segments(server, mailbox))
        p = server.ctl("--json", "index", "status", server.users[0], mailbox)
        return p.returncode == 0 and json.loads(p.stdout)[0]["indexed"] > 0

    def search(self, c, key, needle):
        """The numbers of the messages."""
        needle = needle.encode() if isinstance(needle, str) else needle
        got = c.ok(b"SEARCH CHARSET UTF-8 %s {%d+}\r\n%s" % (
            key.encode(), len(needle), needle))
        return got[0][len(b"* SEARCH"):].split()

    def wait_indexed(self, server, mailbox="box"):
        """Until every message is in the index."""
        end = time.monotonic() + 30 * postern.SLOW
        while True:
            p = server.ctl("--json", "index", "status", server.users[0],
                           mailbox)
            self.assertEqual(p.returncode, 0, p.stderr)
            row = json.loads(p.stdout)[0]
            if row["indexed"] == row["messages"] and not row["behind"]:
                return row
            self.assertLess(time.monotonic(), end, row)
            time.sleep(0.02)

    def needles(self, rng, n):
        for _ in range(n):
            yield rng.choice([
                lambda: rng.choice(WORDS),
                lambda: rng.choice(WORDS)[:rng.randrange(1, 6)],
                lambda: rng.choice(WORDS)[-rng.randrange(1, 6):],
                lambda: rng.choice(WORDS) + rng.choice(GAPS).strip("\r\n")
                + rng.choice(WORDS),
                lambda: words(rng, 2).replace("\r\n", " "),
                lambda: rng.choice(["a", "e", " ", ".", "\u0301", "b a",
                                    "inner", "hidden", "über", "€uro",
                                    "nosuchword", "q" * 40, "b" + "ab" * 20,
                                    "@example", "long long", "al", "pha"]),
            ])()

    def compare(self, c, truth, n, seed=7):
        """Both servers, or both mailboxes, answer alike."""
        rng = random.Random(seed)
        hits = 0
        if postern.SLOW > 1:  # sanitizers look at each step, not at many
            n = max(n // 4, 5)
        for needle in self.needles(rng, n):
            key = rng.choice(["TEXT", "BODY", "NOT TEXT", "OR FROM x BODY"])
            want = self.search(truth, key, needle)
            self.assertEqual(self.search(c, key, needle), want,
                             (key, needle))
            hits += len(want)
        self.assertGreater(hits, n // 2)

    def test_more_keys_than_are_asked_for(self):
        server = self.start()
        c = self.fill(server, n=40)
        c.ok("SELECT box")
        want = self.search(c, "TEXT", "al")
        self.wait_indexed(server)
        many = " ".join("NOT TEXT nosuchword%d" % i for i in range(150))
        self.assertEqual(c.ok("UID SEARCH %s TEXT al" % many),
                         c.ok("UID SEARCH TEXT al"))
        self.assertTrue(want)

    def test_answers_are_those_of_a_scan(self):
        server = self.start()
        plain = self.start("search.fulltext=false")
        c = self.fill(server)
        truth = self.fill(plain)
        for both in (c, truth):
            self.add(both, LONG)
            both.ok("SELECT box")
        self.compare(c, truth, 10)  # while it is being indexed
        self.wait_indexed(server)
        self.compare(c, truth, 200)
        self.assertTrue(self.is_indexed(server))
        self.assertFalse(self.is_indexed(plain))

    def test_new_and_gone_messages(self):
        server = self.start()
        plain = self.start("search.fulltext=false")
        both = [self.fill(s) for s in (server, plain)]
        for c in both:
            c.ok("SELECT box")
            self.search(c, "TEXT", "alpha")
        self.wait_indexed(server)
        rng = random.Random(5)
        for i in range(12):
            new = KINDS[i % 5](rng)
            for c in both:
                c.append(new, "box")
                c.ok("NOOP")
                c.ok("STORE %d +FLAGS (\\Deleted)" % (1 + i * 7))
                c.ok("EXPUNGE")
            self.compare(*both, 8, seed=i)
        self.wait_indexed(server)
        self.compare(*both, 60, seed=99)

    def test_copies_and_moves(self):
        server = self.start()
        plain = self.start("search.fulltext=false")
        both = [self.fill(s) for s in (server, plain)]
        for c in both:
            c.ok("CREATE other")
            c.ok("SELECT box")
            c.ok("COPY 1:60 other")
            c.ok("MOVE 30:100 other")
            self.search(c, "TEXT", "alpha")
            c.ok("SELECT other")
            self.search(c, "TEXT", "alpha")
        for name in ("box", "other"):
            self.wait_indexed(server, name)
            for c in both:
                c.ok("SELECT " + name)
            self.compare(*both, 60)
        for c in both:
            c.ok("RENAME other third")
            c.ok("SELECT third")
        self.compare(*both, 30)
        self.wait_indexed(server, "third")
        self.assertTrue(self.is_indexed(server, "third"))

    @postern.only_over("maildir")
    def test_damage(self):
        server = self.start()
        plain = self.start("search.fulltext=false")
        both = [self.fill(s) for s in (server, plain)]
        rng = random.Random(3)

        def cut(path):
            os.truncate(path, rng.randrange(os.path.getsize(path)))

        def rubbish(path):
            size = os.path.getsize(path)
            with open(path, "r+b") as f:
                f.seek(rng.randrange(size))
                f.write(rng.randbytes(rng.randrange(1, 3000)))

        def all_rubbish(path):
            with open(path, "r+b") as f:
                f.write(rng.randbytes(os.path.getsize(path)))

        def tree(path):
            shutil.rmtree(os.path.dirname(path), ignore_errors=True)

        for c in both:
            c.ok("SELECT box")
        for round in range(10):
            self.search(both[0], "TEXT", "alpha")
            self.wait_indexed(server)
            segments = self.segments(server)
            self.assertTrue(segments)
            rng.choice([cut, rubbish, all_rubbish, os.unlink, tree])(
                rng.choice(segments))
            self.compare(*both, 10, seed=round)
        self.search(both[0], "TEXT", "alpha")
        self.wait_indexed(server)
        self.compare(*both, 50)

    @postern.only_over("maildir")
    def test_restart_and_uidvalidity(self):
        server = self.start()
        plain = self.start("search.fulltext=false")
        both = [self.fill(s) for s in (server, plain)]
        for c in both:
            c.ok("SELECT box")
            self.search(c, "TEXT", "alpha")
        self.wait_indexed(server)
        before = sorted(os.stat(f).st_mtime_ns for f in self.segments(server))
        for c in both:
            c.close()
        server.stop()
        server.start()
        both = [Client(s).login() for s in (server, plain)]
        for c in both:
            self.addCleanup(c.close)
            c.ok("SELECT box")
        self.compare(*both, 30)
        after = sorted(os.stat(f).st_mtime_ns for f in self.segments(server))
        self.assertEqual(before, after, "it was made anew")
        # What comes now is found in time without any search.
        self.add_and_wait(server, both[0])
        both[0].ok("STORE * +FLAGS.SILENT (\\Deleted)")
        both[0].ok("EXPUNGE")
        # Another mailbox of the same name.
        kept = self.segments(server)
        copies = {}
        for f in kept:
            with open(f, "rb") as segment:
                copies[f] = segment.read()
        for c in both:
            c.ok("CLOSE")
            c.ok("DELETE box")
            c.ok("CREATE box")
            self.add(c, [message("fresh", "fresh words %d\r\n" % i)
                         for i in range(40)])
        os.makedirs(os.path.dirname(kept[0]), exist_ok=True)
        for f, data in copies.items():
            with open(f, "wb") as out:
                out.write(data)
        for c in both:
            c.ok("SELECT box")
        self.compare(*both, 20)
        self.wait_indexed(server)
        self.assertEqual(len(self.search(both[0], "TEXT", "fresh")), 40)
        self.assertEqual(self.search(both[0], "TEXT", "alpha"), [])

    def add_and_wait(self, server, c):
        c.append(message("late", "latecomer\r\n"), "box")
        c.ok("NOOP")
        self.wait_indexed(server)
        self.assertEqual(len(self.search(c, "TEXT", "latecomer")), 1)

    def test_short_texts_only(self):
        """What is beyond search.message_text is looked at each time."""
        server = self.start("search.message_text=64K", "search.batch=64K")
        c = Client(server).login()
        self.addCleanup(c.close)
        c.ok("CREATE box")
        self.add(c, [message("big", "%s\r\nend%d\r\n" % (
            "filler words\r\n" * 8000, i)) for i in range(30)])
        c.ok("SELECT box")
        self.search(c, "TEXT", "end7")
        self.wait_indexed(server)
        self.assertEqual(self.search(c, "TEXT", "end7"), [b"8"])
        self.assertEqual(len(self.search(c, "BODY", "filler")), 30)
        self.assertEqual(len(self.search(c, "BODY", "nowhere")), 0)

    def test_all_mailboxes_when_so_configured(self):
        server = self.start("search.index=all")
        c = self.fill(server, n=20)
        self.wait_indexed(server)
        self.assertTrue(self.is_indexed(server))
        c.ok("SELECT INBOX")

    def test_not_before_a_search(self):
        server = self.start()
        c = self.fill(server, n=20)
        c.ok("SELECT box")
        c.ok("NOOP")
        self.assertFalse(self.is_indexed(server))
        p = server.ctl("--json", "index", "status", server.users[0], "box")
        row = json.loads(p.stdout)[0]
        self.assertEqual((row["messages"], row["indexed"]), (20, 0))

    def test_other_commands(self):
        server = self.start()
        plain = self.start("search.fulltext=false")
        both = [self.fill(s, n=100) for s in (server, plain)]
        for c in both:
            c.ok("CREATE other")
            c.ok("SELECT box")
            c.ok("COPY 1:50 other")
            self.search(c, "TEXT", "alpha")
            c.ok("SELECT other")
            self.search(c, "TEXT", "alpha")
        self.wait_indexed(server)
        self.wait_indexed(server, "other")
        for text in (
                'SORT (REVERSE ARRIVAL) UTF-8 TEXT "alpha"',
                'THREAD REFERENCES UTF-8 BODY "alpha"',
                'SEARCH RETURN (MIN MAX COUNT) TEXT "alpha"',
                'SEARCH RETURN (PARTIAL -1:-5) NOT BODY "alpha"',
                'SEARCH FUZZY TEXT "alhpa"',
                'SEARCH RETURN (COUNT) OR TEXT "gamma" NOT BODY "beta"',
                'SEARCH 1:9 TEXT "alpha"'):
            got = [c.ok(text) for c in both]
            self.assertEqual(*[[re.sub(rb"TAG \"\w+\"", b"", line)
                                for line in g] for g in got], text)
            self.assertTrue(got[0], text)
        got = [c.ok('ESEARCH IN (mailboxes (box other)) RETURN (ALL) '
                    'TEXT "alpha"') for c in both]
        self.assertEqual(*[[re.sub(rb'\(TAG.*?\)|UIDVALIDITY \d+', b"", line)
                            for line in g] for g in got])
        self.assertEqual(len(got[0]), 2)

    def test_a_context_hears_of_new_ones(self):
        server = self.start()
        c = self.fill(server, n=60)
        c.ok("SELECT box")
        self.search(c, "TEXT", "alpha")
        self.wait_indexed(server)
        c.ok("SEARCH RETURN (ALL UPDATE) TEXT quitenew")
        with Client(server).login() as other:
            other.append(message("x", "this is quitenew\r\n"), "box")
        got = c.ok("NOOP")
        self.assertTrue([g for g in got if b"ADDTO" in g], got)


if __name__ == "__main__":
    unittest.main()
