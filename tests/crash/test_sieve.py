"""kill -9 while scripts divide messages over mailboxes, users and the queue:
what was acknowledged is in all places; what was not may be in some."""

import os
import random
import re
import smtplib
import sys
import threading
import time
import unittest

from load import SLOW, Client, Server

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../support"))
from scripts import put  # noqa: E402

SCRIPT = """require ["fileinto", "mailbox", "copy", "duplicate"];
if duplicate :header "X-Twice" { discard; stop; }
fileinto :copy :create "One";
fileinto :copy :create "Two/Deep";
redirect :copy "user2@example.test";
"""
PLACES = ((0, ("INBOX", "One", "Two/Deep")), (1, ("INBOX",)))


class Sender(threading.Thread):
    """Delivers until the server is gone; remembers what it has taken."""

    def __init__(self, server, name, taken):
        super().__init__(daemon=True)
        self.server, self.prefix, self.taken = server, name, taken

    def run(self):
        n = 0
        try:
            with smtplib.SMTP(self.server.host, self.server.ports["smtp"],
                              timeout=20 * SLOW) as m:
                while True:
                    n += 1
                    token = "%s-%d" % (self.prefix, n)
                    refused = m.sendmail(
                        "a@b.test", ["user1@example.test"],
                        "From: a@b.test\r\nSubject: %s\r\nX-Twice: %s\r\n"
                        "\r\n%s\r\n" % (token, token, "x\r\n" * (n % 40)))
                    if not refused:
                        self.taken.append(token)
        except (smtplib.SMTPException, OSError):
            pass


class Crash(unittest.TestCase):
    def subjects(self, user, box):
        c = Client(self.server).login(user)
        c.ok('SELECT "%s"' % box)
        got = repr(c.ok("UID FETCH 1:* BODY.PEEK[HEADER.FIELDS (SUBJECT)]"))
        c.close()
        return re.findall(r"Subject: ([-\d]+)", got)

    def check(self, taken):
        for user, boxes in PLACES:
            for box in boxes:
                got = set(self.subjects(user, box))
                self.assertEqual([t for t in taken if t not in got], [],
                                 (user, box))

    def test_kill(self):
        rng = random.Random(7)
        taken = []
        self.server = Server(users=2, set=("auth.failure_delay=10",))
        self.addCleanup(self.server.clean)
        for round_ in range(4):
            self.server.start()
            if round_ == 0:
                put(self.server, "user1@example.test", SCRIPT)
            senders = [Sender(self.server, "%d-%d" % (round_, i), taken)
                       for i in range(4)]
            for s in senders:
                s.start()
            time.sleep((0.5 + rng.random()) * SLOW)
            self.server.kill()
            for s in senders:
                s.join(30 * SLOW)
                self.assertFalse(s.is_alive())
        self.assertGreater(len(taken), 4)
        self.server.start()
        self.addCleanup(self.server.stop)
        self.check(taken)


if __name__ == "__main__":
    unittest.main()
