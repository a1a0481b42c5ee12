"""The servers that are measured: each in a directory of its own below the
work directory, on free ports of loopback, in a cgroup of its own where that is
possible."""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import time

DOMAIN = "example.test"
PASSWORD = "secret"
PEER_UID = 5000  # nobody's: Dovecot doesn't want to read mail as root


def free_ports(n):
    """Ports that nobody listens on now."""
    held = []
    for _ in range(n):
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        held.append(s)
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


class Inotify:
    """The limit of inotify instances, raised until the last run ends: Dovecot
    needs one for each process in IDLE; with fewer it only looks from time to
    time, which would be unfair. What it was is in the lock file."""
    path = "/proc/sys/fs/inotify/max_user_instances"
    wanted = 20000

    def __init__(self):
        self.lock = open("/run/postern-bench.lock", "a+")
        fcntl.flock(self.lock, fcntl.LOCK_SH)
        with open(self.path) as f:
            before = int(f.read())
        if before < self.wanted:
            self.lock.truncate(0)
            self.lock.write("%d\n" % before)
            self.lock.flush()
            self.put(self.wanted)

    def put(self, value):
        with open(self.path, "w") as f:
            f.write("%d" % value)

    def restore(self):
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return  # another run is going on
        self.lock.seek(0)
        before = self.lock.read()
        if before:
            self.put(int(before))
        os.unlink(self.lock.name)
        self.lock.close()


class Cgroup:
    """A cgroup for one server, version 1 or 2; without the right to make one
    the accounting goes by the tree of processes."""

    def __init__(self, name):
        self.dirs = []
        self.cpu_file = self.memory_file = None
        name = "postern-bench-%d-%s" % (os.getpid(), name)
        root = "/sys/fs/cgroup"
        if os.path.isdir(root + "/cpuacct"):
            cpu = self.make(os.path.join(root, "cpuacct", name))
            memory = self.make(os.path.join(root, "memory", name))
            self.look(cpu, "cpuacct.usage", memory,
                      "memory.kmem.usage_in_bytes")
        elif os.path.exists(root + "/cgroup.controllers"):
            with open("/proc/self/cgroup") as f:
                own = f.read().split("::", 1)[-1].strip().lstrip("/")
            dir = self.make(os.path.join(root, own, name))
            self.look(dir, "cpu.stat", dir, "memory.stat")

    def make(self, path):
        try:
            os.mkdir(path)
        except OSError:
            return None
        self.dirs.append(path)
        return path

    def look(self, cpu, cpu_name, memory, memory_name):
        def existing(dir, name):
            path = dir and os.path.join(dir, name)
            return path if path and os.path.exists(path) else None
        self.cpu_file = existing(cpu, cpu_name)
        self.memory_file = existing(memory, memory_name)

    def enter(self):
        """In the child, before it becomes the server."""
        for dir in self.dirs:
            with open(os.path.join(dir, "cgroup.procs"), "w") as f:
                f.write("0")

    def processes(self):
        for dir in self.dirs[:1]:
            with open(os.path.join(dir, "cgroup.procs")) as f:
                return [int(line) for line in f]
        return []

    def remove(self):
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for dir in self.dirs:
            for _ in range(100):
                try:
                    os.rmdir(dir)
                    break
                except OSError:
                    time.sleep(0.05)
        self.dirs = []


class Server:
    """What both have in common. maildir() is the path of a user's INBOX, by
    number, or with %u for it."""
    name = None
    hints = None  # the style of names that it finds its mail with

    def __init__(self, work, users, name=None):
        self.name = name or self.name
        self.dir = os.path.join(work, self.name)
        os.mkdir(self.dir, 0o755)
        self.users = users
        self.process = None
        self.cgroup = Cgroup(self.name)
        self.log_path = os.path.join(self.dir, "log")

    def spawn(self, command):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=self.cgroup.enter, start_new_session=True)

    def wait_until(self, ready, seconds=60):
        end = time.monotonic() + seconds
        while not ready():
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                with open(self.log_path, errors="replace") as f:
                    raise RuntimeError("%s does not start:\n%s" % (
                        self.name, f.read()[-4000:]))
            time.sleep(0.02)

    def stop(self):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
        # The master of several processes may go before they do.
        end = time.monotonic() + 10
        while self.cgroup.processes() and time.monotonic() < end:
            time.sleep(0.05)

    def restart(self):
        self.stop()
        self.start()

    def clean(self):
        self.stop()
        self.cgroup.remove()

    def load_options(self):
        """For the load generator."""
        options = ["--pid", str(self.process.pid), "--lmtp", str(self.lmtp)]
        if self.cgroup.cpu_file:
            options += ["--cpu-file", self.cgroup.cpu_file]
        if self.cgroup.memory_file:
            options += ["--memory-file", self.cgroup.memory_file]
        return options


class Postern(Server):
    """posternd --sandbox. Passwords are hashed in its database always; here a
    good one is remembered for longer than the run takes, so that the peer's
    passwords in plain text have no advantage or disadvantage."""
    name = "postern"
    hints = "plain"
    uid = 0

    def __init__(self, work, users, prefix, settings, storage=None,
                 text=None):
        """`storage`: the module, after which the server is named then, with
        `text` for it."""
        super().__init__(work, users, storage)
        self.prefix = prefix
        self.settings = ["auth.cache_time=86400"] + settings
        self.storage = storage
        self.text = text

    def start(self):
        ready = os.path.join(self.dir, "ready.json")
        if os.path.exists(ready):
            os.unlink(ready)
        command = [os.path.join(self.prefix, "sbin/posternd"),
                   "--sandbox", self.dir, "--ports", "auto",
                   "--users", str(self.users), "--set",
                   "module_dir=" + os.path.join(self.prefix, "lib/postern")]
        for pair in self.settings:
            command += ["--set", pair]
        if self.storage:
            command += ["--storage", ":".join(
                t for t in (self.storage, self.text) if t)]
        self.spawn(command)
        self.wait_until(lambda: os.path.exists(ready))
        with open(ready) as f:
            ports = json.load(f)["ports"]
        self.imap, self.imaps, self.lmtp = (
            ports["imap"], ports["imaps"], ports["lmtp"])

    def maildir(self, user):
        root = "mail" if self.takes_maildirs() else "brought"
        return os.path.join(self.dir, root, DOMAIN, "user%s" % user)

    def takes_maildirs(self):
        return self.storage in (None, "maildir")

    def bring(self, user, maildir):
        """Mail into a storage that has no Maildirs, while the server runs."""
        subprocess.run(
            [os.path.join(self.prefix, "sbin/posternctl"),
             "--sandbox", self.dir, "import",
             "user%d@%s" % (user, DOMAIN), "--from", "maildir:" + maildir],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
            timeout=3600)


CONFIG = """\
# What Debian's files say, but for users and certificate.
{includes}
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/log
protocols = imap lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <{dir}/cert.pem
ssl_key = <{dir}/key.pem
ssl_client_ca_dir = /etc/ssl/certs
ssl_dh = </usr/share/dovecot/dh.pem
disable_plaintext_auth = no
auth_mechanisms = plain
auth_username_format = %Ln
mail_location = maildir:{dir}/mail/%n
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%n {dir}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={uid} home={dir}/mail/%n
}}
# The limits of processes, connections and memory, out of the way.
mail_max_userip_connections = 0
default_process_limit = 20000
default_client_limit = 20000
default_vsz_limit = 4G
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
{login}}}
service imap {{
  process_limit = 20000
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
"""

# Dovecot's documentation calls this the high-performance mode of logins.
FAST_LOGIN = """\
  service_count = 0
  process_min_avail = 2
"""


class Dovecot(Server):
    """Debian's Dovecot with Debian's configuration, in a place of its own."""
    name = "dovecot"
    hints = "hints"
    uid = PEER_UID
    # All that say something; not 10-auth (its users are the system's) and
    # 10-ssl (its certificate may not exist).
    includes = ["10-mail.conf", "10-master.conf", "15-mailboxes.conf",
                "20-imap.conf", "20-lmtp.conf"]

    def __init__(self, work, users, certificate_dir, fast_login):
        super().__init__(work, users)
        self.certificate_dir = certificate_dir
        self.fast_login = fast_login
        self.imap, self.imaps, self.lmtp = free_ports(3)

    def configure(self):
        for name in ("cert.pem", "key.pem"):
            shutil.copy(os.path.join(self.certificate_dir, name), self.dir)
        os.makedirs(os.path.join(self.dir, "mail"), exist_ok=True)
        os.chown(os.path.join(self.dir, "mail"), PEER_UID, PEER_UID)
        with open(os.path.join(self.dir, "users"), "w") as f:
            for i in range(1, self.users + 1):
                f.write("user%d:{PLAIN}%s\n" % (i, PASSWORD))
        with open(os.path.join(self.dir, "dovecot.conf"), "w") as f:
            f.write(CONFIG.format(
                dir=self.dir, uid=PEER_UID, imap=self.imap, imaps=self.imaps,
                lmtp=self.lmtp, login=FAST_LOGIN if self.fast_login else "",
                includes="\n".join("!include /usr/share/dovecot/conf.d/" + i
                                   for i in self.includes)))

    def start(self):
        self.configure()
        self.spawn(["/usr/sbin/dovecot", "-F", "-c",
                    os.path.join(self.dir, "dovecot.conf")])
        self.wait_until(self.listens)

    def listens(self):
        with socket.socket() as s:
            s.settimeout(1)
            return s.connect_ex(("127.0.0.1", self.imap)) == 0

    def maildir(self, user):
        return os.path.join(self.dir, "mail", "user%s" % user)
