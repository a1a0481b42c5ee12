#!/usr/bin/env python3
"""A throw-away PostgreSQL cluster for tests, from Debian's packages.

    cluster.py [--durable] COMMAND...

runs a command with a cluster: POSTERN_CLUSTER names its directory, which holds
the socket. Scripts that find this variable share the cluster; others get one
of their own from cluster(), once a process. Its end is certain: a keeper in a
session of its own waits for the end of a pipe that only the starting process
holds, then stops the cluster and removes the directory, also after kill -9.

    cluster.py --database NAME      makes one there, prints its conninfo

Everything is below one temporary directory; no TCP. PostgreSQL refuses to run
as root, then it runs as nobody.
"""

import fcntl
import glob
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

USER = "postern"        # owns the databases; not a superuser
ADMIN = "admin"         # the superuser
TEMPLATE = "postern_template"
OLDEST = 15
WAIT = 60               # seconds, for whatever a cluster is asked to do

# Tests kill processes, not the machine: nothing is lost without fsync. But it
# would be with synchronous_commit=off, which leaves commits in shared memory.
FAST = ("fsync=off", "full_page_writes=off")
SETTINGS = ("listen_addresses=", "max_connections=300", "shared_buffers=64MB",
            "max_wal_size=4GB", "checkpoint_timeout=1h", "autovacuum=off",
            "wal_level=replica", "max_wal_senders=4", "logging_collector=off",
            "log_min_messages=warning", "unix_socket_permissions=0777")


def programs():
    """The directory of the newest PostgreSQL, or None."""
    found = []
    for path in glob.glob("/usr/lib/postgresql/*/bin/postgres"):
        version = path.split("/")[4]
        if version.isdigit() and int(version) >= OLDEST:
            found.append((int(version), os.path.dirname(path)))
    if found:
        return max(found)[1]
    path = shutil.which("postgres")
    return os.path.dirname(os.path.realpath(path)) if path else None


def run(command, input=None, check=True):
    """A program of PostgreSQL's; what it says is told when it fails."""
    p = subprocess.run(command, input=input, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True, timeout=WAIT,
                       cwd="/")
    if check and p.returncode:
        raise RuntimeError("%s: %s" % (" ".join(command), p.stdout))
    return p.stdout


class Cluster:
    """A cluster in `dir`, made by make() or already there."""

    def __init__(self, dir):
        self.dir = dir
        self.bin = programs()
        self.data = os.path.join(dir, "data")
        self.lock = threading.Lock()
        self.keeper = None

    def owned(self, name, *args):
        """The command line of a program that root may not run."""
        command = [os.path.join(self.bin, name), *args]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "nobody", "--"] + command
        return command

    def make(self, durable=False):
        """initdb and the first start; a keeper sees to the end."""
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.dir, nobody.pw_uid, nobody.pw_gid)
        os.chmod(self.dir, 0o755)
        self.keep()
        run(self.owned("initdb", "-D", self.data, "-A", "trust", "-U", ADMIN,
                       "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
                       "--no-instructions"))
        with open(os.path.join(self.data, "postgresql.conf"), "a") as f:
            for line in SETTINGS + (() if durable else FAST):
                f.write("%s = '%s'\n" % tuple(line.split("=")))
            f.write("unix_socket_directories = '%s'\n" % self.dir)
        self.start()
        self.sql("CREATE ROLE %s LOGIN" % USER)
        return self

    def keep(self):
        """Starts the keeper, which ends when we do."""
        # Its own descriptor only: children of this process must not hold it.
        read, write = os.pipe()
        os.set_inheritable(read, True)
        subprocess.run([sys.executable, os.path.abspath(__file__), "--keep",
                        self.dir], stdin=read, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, start_new_session=True,
                       cwd="/", check=True)
        os.close(read)
        self.keeper = write

    # --- for tests that take the database away

    def start(self):
        if self.pid() is None:
            # Of a killed one. PostgreSQL removes them itself, but not while
            # nobody has waited for the process.
            for path in glob.glob(os.path.join(self.dir, ".s.PGSQL.*.lock")) \
                    + [os.path.join(self.data, "postmaster.pid")]:
                if os.path.exists(path):
                    os.unlink(path)
        run(self.owned("pg_ctl", "-D", self.data, "-w", "-t", str(WAIT), "-s",
                       "-l", os.path.join(self.dir, "log"), "start"))

    def stop(self, mode="fast"):
        """"smart" waits for clients, "immediate" is as a crash."""
        run(self.owned("pg_ctl", "-D", self.data, "-w", "-t", str(WAIT), "-s",
                       "-m", mode, "stop"))

    def restart(self, mode="fast"):
        self.stop(mode)
        self.start()

    def pid(self):
        """Of the postmaster, or None when there is none."""
        try:
            with open(os.path.join(self.data, "postmaster.pid")) as f:
                pid = int(f.readline())
        except (FileNotFoundError, ValueError):
            return None
        return None if is_gone(pid) else pid

    def kill(self):
        """kill -9 of the whole database: the postmaster first, so that it
        doesn't tidy up, and all its children."""
        pid = self.pid()
        if pid is None:
            return
        os.kill(pid, signal.SIGSTOP)
        children = self.children(pid)
        for p in [pid] + children:
            try:
                os.kill(p, signal.SIGKILL)
            except ProcessLookupError:
                pass
        end = time.monotonic() + WAIT
        while not all(is_gone(p) for p in [pid] + children):
            if time.monotonic() > end:
                raise RuntimeError("processes of PostgreSQL do not end")
            time.sleep(0.01)

    def backends(self, database):
        """Processes that serve a database now, the pids."""
        out = self.sql("SELECT pid FROM pg_stat_activity WHERE datname = '%s'"
                       " AND backend_type = 'client backend'" % database)
        return [int(line) for line in out.split()]

    @staticmethod
    def children(pid):
        out = []
        for path in glob.glob("/proc/[0-9]*/stat"):
            try:
                with open(path) as f:
                    rest = f.read().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(rest[1]) == pid:
                out.append(int(path.split("/")[2]))
        return out

    # --- databases

    def conninfo(self, database, user=USER):
        return "host=%s user=%s dbname=%s" % (self.dir, user, database)

    def sql(self, statements, database="postgres", user=ADMIN):
        """Runs statements; what they return, without headings."""
        return run([os.path.join(self.bin, "psql"), "-X", "-q", "-A", "-t",
                    "-v", "ON_ERROR_STOP=1", "-d",
                    self.conninfo(database, user)], input=statements + "\n")

    def exists(self, database):
        return self.sql("SELECT 1 FROM pg_database WHERE datname = '%s'"
                        % database).strip() == "1"

    def create(self, database, template="template0"):
        """An empty one, or the copy of another that nobody uses."""
        if not re.fullmatch("[a-z0-9_]+", database):
            raise ValueError(database)
        self.sql("CREATE DATABASE %s TEMPLATE %s OWNER %s"
                 % (database, template, USER))
        return self.conninfo(database)

    def template(self, fill):
        """A database that fill(conninfo) made ready, made once for all who
        share the cluster; its name."""
        path = os.path.join(self.dir, "template.lock")
        made = os.path.join(self.dir, "template.made")
        with self.lock, open(path, "a") as f:
            fcntl.flock(f, fcntl.LOCK_EX)
            if not os.path.exists(made):
                making = TEMPLATE + "_being_made"
                self.drop(making)
                fill(self.create(making))
                self.disconnect(making)
                self.sql("ALTER DATABASE %s RENAME TO %s" % (making, TEMPLATE))
                open(made, "w").close()
        return TEMPLATE

    def disconnect(self, database):
        """Ends what is still connected, and waits for it."""
        end = time.monotonic() + WAIT
        while self.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                       " WHERE datname = '%s'" % database).strip():
            if time.monotonic() > end:
                raise RuntimeError("%s is still in use" % database)
            time.sleep(0.02)

    def drop(self, database):
        self.sql("DROP DATABASE IF EXISTS %s WITH (FORCE)" % database)

    def log(self):
        try:
            with open(os.path.join(self.dir, "log"), errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    # --- the end

    def remove(self):
        """For the keeper: stops what runs and removes everything."""
        pid = self.pid()
        if pid is not None:
            try:
                self.stop("immediate")
            except (RuntimeError, subprocess.TimeoutExpired):
                self.kill()
        shutil.rmtree(self.dir, ignore_errors=True)

    def close(self):
        """Ends a cluster that this process made; comes back when it is gone."""
        if self.keeper is None:
            return
        os.close(self.keeper)
        self.keeper = None
        end = time.monotonic() + WAIT
        while os.path.exists(self.dir) and time.monotonic() < end:
            time.sleep(0.02)


def is_gone(pid):
    """Also one that only waits for its parent to ask how it ended."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def new(durable=False):
    """A cluster of one's own; close() ends it, and so does our end."""
    c = Cluster(tempfile.mkdtemp(prefix="postern-pg-"))
    try:
        return c.make(durable)
    except BaseException:
        sys.stderr.write(c.log())
        c.close()
        raise


shared = None


def cluster():
    """The one of POSTERN_CLUSTER, or else one that is made now."""
    global shared
    if shared is None:
        dir = os.environ.get("POSTERN_CLUSTER")
        shared = Cluster(dir) if dir else new()
    return shared


def keep(dir):
    """The keeper: waits until nobody holds the other end of our input."""
    if os.fork():
        os._exit(0)
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, signal.SIG_IGN)
    while os.read(0, 4096):
        pass
    Cluster(dir).remove()


def main():
    args = sys.argv[1:]
    if args[:1] == ["--keep"] and len(args) == 2:
        keep(args[1])
        return 0
    if args[:1] == ["--database"] and len(args) == 2:
        print(cluster().create(args[1]))
        return 0
    durable = args[:1] == ["--durable"]
    command = args[durable:]
    if not command or command[0].startswith("-"):
        sys.stderr.write(__doc__)
        return 2
    c = new(durable)
    try:
        return subprocess.run(command, env={**os.environ,
                              "POSTERN_CLUSTER": c.dir}).returncode
    finally:
        c.close()


if __name__ == "__main__":
    sys.exit(main())
