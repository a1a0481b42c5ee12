"""What the tests with real mail programs share: a sandbox server for each
class, a home directory without anybody's settings, messages with a token, and
a look into the mailboxes that doesn't use the program under test."""

import itertools
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("../support", "../session/imap"):
    sys.path.insert(0, os.path.join(HERE, folder))
from imap_client import Client, Closed  # noqa: E402, F401
from postern import (PREFIX, ROOT, SLOW, Server,  # noqa: E402, F401
                     copy_modules)

POSTERND = os.path.join(PREFIX, "sbin/posternd")
POSTERNCTL = os.path.join(PREFIX, "sbin/posternctl")
counter = itertools.count(1)


def need(*programs):
    """Skips a test or a class when a program is missing."""
    missing = [p for p in programs if shutil.which(p) is None]
    return unittest.skipIf(missing, "not installed: " + " ".join(missing))


def token(word="token"):
    """A word that is in no other message."""
    return "%s-%d-%d" % (word, os.getpid(), next(counter))


def text_message(subject, body="One line.\nAnother line.\n", extra="",
                 sender="ann@example.org"):
    """A whole message with LF line ends, as programs on Unix have it."""
    return ("From: Ann Example <%s>\n"
            "To: User One <user1@example.test>\n"
            "Subject: %s\n"
            "Date: Mon, 2 Mar 2026 10:20:30 +0100\n"
            "Message-ID: <%s@example.org>\n"
            "%s"
            "\n"
            "%s" % (sender, subject, subject, extra, body))


def wire(text):
    """The same as it travels: octets with CRLF."""
    return text.replace("\n", "\r\n").encode()


def wait_for(what, seconds=10, pause=0.02):
    """Calls `what` until it is true; its last result."""
    end = time.monotonic() + seconds * SLOW
    while True:
        result = what()
        if result or time.monotonic() > end:
            return result
        time.sleep(pause)


class Watcher:
    """A session that idles in a mailbox."""

    def __init__(self, server, user=0, box="INBOX"):
        self.client = Client(server).login(user)
        self.client.ok('SELECT "%s"' % box)
        self.tag = self.client.idle()

    def wait(self, *words, seconds=1.0):
        """Reads until a response has all `words`; that response, and how long
        it took to come. None: it didn't come in time."""
        begin = time.monotonic()
        end = begin + seconds * SLOW
        while True:
            left = end - time.monotonic()
            if left <= 0:
                return None
            self.client.sock.settimeout(left)
            try:
                r = self.client.response()
            except TimeoutError:
                return None
            if all(w in r for w in words):
                return r, time.monotonic() - begin

    def close(self):
        self.client.close()


class Case(unittest.TestCase):
    """One server for the tests of a class, one home for each test."""

    users = 2
    settings = ()

    @classmethod
    def setUpClass(cls):
        cls.server = Server(users=cls.users, set=(
            "auth.failure_delay=10",) + tuple(cls.settings))
        cls.addClassCleanup(cls.server.clean)
        cls.server.start()
        cls.addClassCleanup(cls.server.stop)

    def setUp(self):
        self.home = tempfile.mkdtemp(prefix="postern-home-")
        self.addCleanup(shutil.rmtree, self.home, True)

    def path(self, name):
        return os.path.join(self.home, name)

    def file(self, name, content, mode=0o600):
        """Makes a file in the home directory; its path."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(content.encode() if isinstance(content, str) else content)
        os.chmod(path, mode)
        return path

    def environment(self, **more):
        env = {k: v for k, v in os.environ.items()
               if not k.startswith(("XDG_", "LC_", "MAIL", "EMAIL"))}
        env.update(HOME=self.home, LANG="C.UTF-8", TERM="vt100",
                   TMPDIR=self.home, USER="nobody", LOGNAME="nobody")
        env.update(more)
        return env

    def run_in_terminal(self, *command, keys=(), timeout=30):
        """Runs a program that wants a terminal until it ends by itself; what
        it showed. Each of `keys` is typed when the program has said something
        and then nothing more for a while."""
        try:
            pid, fd = pty.fork()
        except OSError as e:        # a chroot without /dev/pts
            self.skipTest("no terminal: %s" % e)
        if pid == 0:
            try:
                os.chdir(self.home)
                os.execvpe(command[0], command, self.environment())
            finally:
                os._exit(127)
        shown = b""
        keys = list(keys)
        spoke = False
        end = time.monotonic() + timeout * SLOW
        ended = False
        while not ended and time.monotonic() < end:
            if not select.select([fd], [], [], 0.25)[0]:
                if keys and spoke:
                    os.write(fd, keys.pop(0))
                    spoke = False
            else:
                try:
                    data = os.read(fd, 65536)
                except OSError:     # Linux: the last program has closed it
                    data = b""
                shown += data
                spoke = True
                ended = not data
        if not ended:
            os.kill(pid, signal.SIGKILL)
        os.close(fd)
        status = os.waitpid(pid, 0)[1]
        self.assertTrue(ended, "%s does not end: %r" % (command[0], shown))
        self.assertEqual(status, 0, shown)
        return shown

    def run_program(self, *command, input=None, status=0, timeout=30, **more):
        """Runs a program; None as status accepts each. Output is octets."""
        if isinstance(input, str):
            input = input.encode()
        feed = {"input": input} if input is not None else {
            "stdin": subprocess.DEVNULL}
        p = subprocess.run([str(c) for c in command], capture_output=True,
                           env=self.environment(**more), cwd=self.home,
                           timeout=timeout * SLOW, **feed)
        if status is not None:
            self.assertEqual(
                p.returncode, status, "%s\n%s\n%s\n--- log\n%s" % (
                    " ".join(map(str, command)), p.stdout.decode(
                        errors="replace"), p.stderr.decode(errors="replace"),
                    self.server.log()[-2000:]))
        return p

    def login(self, user=0, **more):
        c = Client(self.server, **more).login(user)
        self.addCleanup(c.close)
        return c

    def watch(self, user=0, box="INBOX"):
        w = Watcher(self.server, user, box)
        self.addCleanup(w.close)
        return w

    def contents(self, user=0, box="INBOX"):
        """All messages of a mailbox, oldest first, as octets."""
        c = self.login(user)
        try:
            count = [int(r.split()[1]) for r in c.ok('EXAMINE "%s"' % box)
                     if r.endswith(b" EXISTS")][0]
            if count == 0:
                return []
            return [r.split(b"\r\n", 1)[1][:-1]
                    for r in c.ok("FETCH 1:* BODY.PEEK[]")]
        finally:
            c.close()

    def with_token(self, word, user=0, box="INBOX"):
        """The one message that has `word` in it."""
        found = [m for m in self.contents(user, box) if word.encode() in m]
        self.assertEqual(len(found), 1, "%s: %d messages" % (word, len(found)))
        return found[0]

    def inbox_path(self, user=0):
        return self.server.maildir(self.server.users[user])
