"""A real server for tests: posternd --sandbox in a directory of its own.

POSTERN_PREFIX names the installation to try (default: build/install),
POSTERN_STORAGE the module that keeps the mail: maildir (default), mbox or
postgresql, where each server gets a database of its own (cluster.py).
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import cluster

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
PREFIX = os.environ.get("POSTERN_PREFIX", os.path.join(ROOT, "build/install"))
CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE,
           signal.SIGILL)
SLOW = int(os.environ.get("POSTERN_SLOW", "1"))  # sanitizers: longer waits
STORAGE = os.environ.get("POSTERN_STORAGE", "maildir")


def only_over(*modules):
    """For tests, and classes of them, about the files of a module."""
    return unittest.skipUnless(
        STORAGE in modules, "about the files of " + " and ".join(modules))


needs_undelete = unittest.skipIf(STORAGE == "mbox",
                                 "this module keeps no expunged messages")


def copy_modules(dir):
    """A copy of the storage modules in `dir`, for servers that give up root:
    the installation may be where only root can look. The copy's path."""
    to = os.path.join(dir, "modules")
    if not os.path.exists(to):
        shutil.copytree(os.path.join(PREFIX, "lib/postern"), to)
        os.chmod(to, 0o755)
    return to


def empty_database():
    """The conninfo of a new database that a server has made ready."""
    c = cluster.cluster()

    def fill(conninfo):
        with Server(users=1, storage="postgresql:" + conninfo):
            pass
    return c.create("server_%d_%d" % (os.getpid(), time.monotonic_ns()),
                    c.template(fill))


class Server:
    """posternd --sandbox; started by start() or `with`.

    `storage`: as for --storage, when it shall not be POSTERN_STORAGE's; with
    "postgresql:" + the conninfo of another server it is one more node."""

    def __init__(self, users=2, set=(), args=(), dir=None, env=None,
                 storage=None):
        self.own_dir = dir is None
        self.dir = dir or tempfile.mkdtemp(prefix="postern-test-")
        self.users_wanted = users
        self.set = list(set)
        self.args = list(args)
        self.env = env or {}
        self.storage = storage
        self.conninfo = None  # of a database that is our own
        self.process = None
        self.log_path = os.path.join(self.dir, "log")

    def __enter__(self):
        return self.start()

    def __exit__(self, *unused):
        self.stop()
        self.clean()

    def start(self):
        ready = os.path.join(self.dir, "ready.json")
        try:
            os.unlink(ready)
        except FileNotFoundError:
            pass
        command = [os.path.join(PREFIX, "sbin/posternd"),
                   "--sandbox", self.dir, "--ports", "auto",
                   "--users", str(self.users_wanted)]
        command += self.storage_args()
        for pair in self.set:
            command += ["--set", pair]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                command + self.args, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env={**os.environ, **self.env})
        end = time.monotonic() + 30 * SLOW
        while not os.path.exists(ready):
            if self.process.poll() is not None:
                raise RuntimeError("posternd ended:\n" + self.log())
            if time.monotonic() > end:
                self.process.kill()
                self.process.wait()
                raise RuntimeError("posternd is not ready:\n" + self.log())
            time.sleep(0.01)
        with open(ready) as f:
            info = json.load(f)
        self.info = info
        self.pid = info["pid"]
        self.host = info["host"]
        self.ports = info["ports"]
        self.users = info["users"]
        self.password = info["password"]
        self.cafile = info["cafile"]
        self.mail_root = info["mail_root"]
        return self

    def storage_args(self):
        if "--storage" in self.args:
            return []
        if self.storage is not None:
            return ["--storage", self.storage]
        if STORAGE != "postgresql":
            return [] if STORAGE == "maildir" else ["--storage", STORAGE]
        # A second start in the same directory finds its mail again.
        path = os.path.join(self.dir, "database")
        if os.path.exists(path):
            with open(path) as f:
                self.conninfo = f.read()
        else:
            self.conninfo = empty_database()
            with open(path, "w") as f:
                f.write(self.conninfo)
        return ["--storage", "postgresql:" + self.conninfo]

    def stop(self, sig=signal.SIGTERM):
        """Ends the server and returns its exit status. A sanitizer's report
        is an error."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(sig)
        try:
            status = self.process.wait(40 * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise RuntimeError("posternd does not stop:\n" + self.log())
        self.process = None
        text = self.log()
        for word in ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer",
                     "runtime error:"):
            if word in text:
                raise RuntimeError("sanitizer:\n" + text[-20000:])
        if -status in CRASHES:
            raise RuntimeError("posternd crashed, signal %d:\n%s" % (
                -status, text[-20000:]))
        return status

    def kill(self):
        """kill -9"""
        self.process.kill()
        self.process.wait()
        self.process = None

    def log(self):
        try:
            with open(self.log_path, errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def clean(self):
        if self.own_dir:
            shutil.rmtree(self.dir, ignore_errors=True)
            if self.conninfo is not None:
                cluster.cluster().drop(self.conninfo.rpartition("=")[2])
                self.conninfo = None

    def ctl(self, *args, input=None, timeout=30):
        """Runs posternctl; returns the finished process, output as text."""
        return subprocess.run(
            [os.path.join(PREFIX, "sbin/posternctl"), "--sandbox", self.dir,
             *args], input=input, capture_output=True, text=True,
            timeout=timeout * SLOW)

    def maildir(self, user):
        local, domain = user.split("@")
        return os.path.join(self.mail_root, domain, local)
