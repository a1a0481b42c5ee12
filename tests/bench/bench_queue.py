#!/usr/bin/env python3
"""Measures how Postern carries mail to other servers, beside Debian's Postfix
and OpenSMTPD, in turns in one run; see HACKING.md. Started by run.sh.

Messages go to 50 domains, each with a host of its own on loopback that takes
all (bench_smtp sink). Postern and Postfix make a message durable before they
say so; OpenSMTPD does not.
"""

import base64
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
sys.path.insert(1, os.path.join(HERE, "../support"))
from nameserver import NameServer  # noqa: E402
from servers import Postern, Server, free_ports  # noqa: E402

HOSTS = 50
SOME = 10  # of them, one of which is dead


def option(name, default):
    return os.environ.get(name) or default


def say(text):
    print("== " + text, file=sys.stderr, flush=True)


class Void(Exception):
    """Not all came, so there are no figures."""


class Sink:
    """bench_smtp sink; orders are lines, see smtp_sink.c."""

    def __init__(self, program, port, hosts=HOSTS):
        self.process = subprocess.Popen(
            [program, "sink", "--port", str(port), "--hosts", str(hosts)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def order(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError("the sink has ended")
        return answer.split()

    def messages(self):
        return int(self.order("report")[0])

    def wait(self, count, seconds=600):
        """Until so many messages have come; the seconds since the reset."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            messages, distinct, connections, last = self.order("report")
            if int(messages) >= count:
                if int(messages) != int(distinct):
                    raise Void("%s came, %s different ones" % (
                        messages, distinct))
                return float(last)
            time.sleep(0.02)
        raise Void("only %s of %d came" % (messages, count))

    def stop(self):
        self.process.stdin.close()
        self.process.wait(10)


class Carrier(Server):
    """What the servers have in common here."""
    cells = ""  # those that it can do

    def cpu(self):
        """Seconds, of all its processes."""
        if self.cgroup.cpu_file:
            with open(self.cgroup.cpu_file) as f:
                for line in f:
                    if line.startswith("usage_usec"):
                        return int(line.split()[1]) / 1e6
                    if line.strip().isdigit():
                        return int(line) / 1e9
        raise RuntimeError("there is no cgroup to count by")

    def settle(self):
        """Until it does nothing more."""
        before = self.cpu()
        for _ in range(20):
            time.sleep(0.5)
            now = self.cpu()
            if now - before < 0.02:
                return
            before = now


class QueuePostern(Carrier, Postern):
    auth = base64.b64encode(b"\0user1@example.test\0secret").decode()

    def __init__(self, work, prefix, port, names, more):
        Postern.__init__(self, work, 1, prefix, [
            "queue.enabled=true", "queue.ipv6=false", "queue.port=%d" % port,
            "dns.validate=false", *names.settings(), *more])
        self.learnt = os.path.join(self.dir, "state/queue/learnt")

    def start(self):
        super().start()
        with open(os.path.join(self.dir, "ready.json")) as f:
            self.port = json.load(f)["ports"]["submission"]

    def ctl(self, *args):
        return subprocess.run(
            [os.path.join(self.prefix, "sbin/posternctl"), "--sandbox",
             self.dir, "--json", *args], check=True, capture_output=True,
            text=True, timeout=300).stdout

    def waiting(self):
        return json.loads(self.ctl("queue", "stats"))[0]["messages"]

    def wait_until_deferred(self, count):
        while True:
            rows = json.loads(self.ctl("queue", "stats"))
            if not any(r["active"] for r in rows[1:]):
                return
            time.sleep(0.2)

    def flush(self):
        self.ctl("queue", "retry", "--all")

    def forget(self):
        self.ctl("queue", "delete", "--older", "0s")


MAIN = """\
compatibility_level = 3.6
queue_directory = {dir}/spool
data_directory = {dir}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = host.example.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
biff = no
append_dot_mydomain = no
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtp_tls_security_level = may
transport_maps = texthash:{dir}/transport
alias_maps =
alias_database =
smtputf8_enable = yes
# The time of grace after a refusal, out of the way of the flush.
minimal_backoff_time = 300s
"""


class Postfix(Carrier):
    """Debian's Postfix with Debian's table of services, in a place of its
    own."""
    name = "postfix"
    auth = None

    def __init__(self, work, port):
        super().__init__(work, 0)
        self.sink_port = port
        self.port, = free_ports(1)
        self.etc = os.path.join(self.dir, "etc")
        self.learnt = ""  # its queue manager keeps it in memory

    def configure(self):
        os.makedirs(self.etc, exist_ok=True)
        for name, owner in (("spool", "root"), ("data", "postfix")):
            path = os.path.join(self.dir, name)
            os.makedirs(path, exist_ok=True)
            shutil.chown(path, owner)
        with open(os.path.join(self.etc, "main.cf"), "w") as f:
            f.write(MAIN.format(dir=self.dir))
        with open(os.path.join(self.dir, "transport"), "w") as f:
            for i in range(1, HOSTS + 1):
                f.write("d%d.bench.test smtp:[127.0.1.%d]:%d\n" % (
                    i, i, self.sink_port))
        with open("/usr/share/postfix/master.cf.dist") as f:
            lines = f.read().splitlines()
        with open(os.path.join(self.etc, "master.cf"), "w") as f:
            for line in lines:
                part = line.split()
                if len(part) >= 8 and not line.startswith((" ", "#")):
                    part[4] = "n"  # there is no prepared root to change to
                    if part[:2] == ["smtp", "inet"]:
                        part[0] = "127.0.0.1:%d" % self.port
                    line = " ".join(part)
                f.write(line + "\n")

    def start(self):
        if not os.path.exists(self.etc):
            self.configure()
        self.spawn(["/usr/sbin/postfix", "-c", self.etc, "start-fg"])
        self.wait_until(self.listens)

    def listens(self):
        with socket.socket() as s:
            s.settimeout(1)
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def files(self, *queues):
        return sum(len(names) for q in queues for _, _, names in
                   os.walk(os.path.join(self.dir, "spool", q)))

    def waiting(self):
        return self.files("maildrop", "incoming", "active", "deferred")

    def wait_until_deferred(self, count):
        while self.files("maildrop", "incoming", "active") > 0:
            time.sleep(0.2)

    def flush(self):
        subprocess.run(["/usr/sbin/postqueue", "-c", self.etc, "-f"],
                       check=True)

    def forget(self):
        subprocess.run(["/usr/sbin/postsuper", "-c", self.etc, "-d", "ALL"],
                       check=True, capture_output=True)

    def stop(self):
        # What was spawned may be the script that started the master.
        if self.process is not None:
            subprocess.run(["/usr/sbin/postfix", "-c", self.etc, "stop"],
                           capture_output=True)
        super().stop()


SMTPD = """\
smtp limit max-mails 1000000
listen on 127.0.0.1 port {port} hostname host.example.test
"""
ROUTE = """\
action "d{i}" relay host "smtp://127.0.1.{i}:{port}" helo host.example.test
match from any for domain "d{i}.bench.test" action "d{i}"
"""


class OpenSMTPD(Carrier):
    """Debian's OpenSMTPD, unpacked, in a mount namespace (opensmtpd.sh). It
    takes mail without forcing it to the disk (no fsync before 250), and has
    no setting for that. Only for `relay`: the other cells need to know when
    all is deferred, and a flush."""
    name = "opensmtpd"
    auth = None
    cells = "relay$"

    def __init__(self, work, port, tree):
        super().__init__(work, 0)
        self.tree = tree
        self.port, = free_ports(1)
        self.conf = os.path.join(self.dir, "smtpd.conf")
        self.learnt = ""
        with open(self.conf, "w") as f:
            f.write(SMTPD.format(port=self.port))
            for i in range(1, HOSTS + 1):
                f.write(ROUTE.format(i=i, port=port))

    def start(self):
        self.spawn(["unshare", "--mount", "--propagation", "private",
                    "sh", os.path.join(HERE, "opensmtpd.sh"), self.tree,
                    self.dir, "smtpd", "-F", "-f", self.conf])
        self.wait_until(self.listens)

    def listens(self):
        with socket.socket() as s:
            s.settimeout(1)
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def waiting(self):
        """Envelopes: files whose names are 16 digits."""
        return sum(len(n) == 16 for _, _, names in
                   os.walk(os.path.join(self.dir, "spool/queue"))
                   for n in names)

    def forget(self):
        self.stop()
        shutil.rmtree(os.path.join(self.dir, "spool"))
        self.start()


class Bench:
    def __init__(self, program, prefix):
        self.program, self.prefix = program, prefix
        self.scale = float(option("BENCH_SCALE", "1"))
        self.count = max(500, int(20000 * self.scale))
        self.work = tempfile.mkdtemp(prefix="postern-bench-",
                                     dir=os.environ.get("BENCH_DIR"))
        os.chmod(self.work, 0o755)
        self.servers, self.results = [], {}
        self.sink = self.names = None

    def start(self):
        port, = free_ports(1)
        self.sink = Sink(self.program, port)
        lines = ["* MX 10 mx1"]
        for i in range(1, HOSTS + 1):
            lines += ["d%d MX 10 mx%d" % (i, i), "mx%d A 127.0.1.%d" % (i, i)]
        self.names = NameServer({"bench.test": lines})
        self.names.start()
        self.servers.append(QueuePostern(
            self.work, self.prefix, port, self.names,
            option("BENCH_SET", "").split()))
        peers = option("BENCH_PEER", "postfix opensmtpd").split()
        if "postfix" in peers:
            self.servers.append(Postfix(self.work, port))
        tree = os.path.join(ROOT, "build/foreign/opensmtpd")
        if "opensmtpd" in peers and os.path.isdir(tree):
            self.add_if_it_starts(OpenSMTPD(self.work, port, tree))

    def add_if_it_starts(self, server):
        """Not everywhere there are namespaces and overlays."""
        try:
            server.start()
            server.stop()
            self.servers.append(server)
        except (OSError, RuntimeError) as e:
            say("without %s: %s" % (server.name, e))
            server.clean()

    def send(self, server, domains):
        command = [self.program, "send", "--port", str(server.port),
                   "--messages", str(self.count), "--domains", str(domains)]
        if server.auth:
            command += ["--auth", server.auth]
        p = subprocess.run(command, capture_output=True, text=True)
        if p.returncode != 0:
            raise Void("not all were taken: " + p.stdout + p.stderr)

    def relay(self, server):
        """In at one side and out at the other, at the same time."""
        self.sink.order("take 0")
        self.sink.order("reset")
        cpu = server.cpu()
        self.send(server, HOSTS)
        wall = self.sink.wait(self.count)
        server.settle()
        return wall, server.cpu() - cpu

    def fill(self, server, domains):
        """All are queued, and have been refused a connection."""
        self.sink.order("refuse 0")
        self.send(server, domains)
        server.wait_until_deferred(self.count)
        server.settle()

    def out(self, server):
        self.fill(server, HOSTS)
        self.sink.order("take 0")
        self.sink.order("reset")
        cpu = server.cpu()
        server.flush()
        wall = self.sink.wait(self.count)
        server.settle()
        return wall, server.cpu() - cpu

    def nine(self, server, dead):
        """Seconds until nine of ten hosts have theirs; the other one takes
        mail, refuses connections, or says nothing."""
        self.fill(server, SOME)
        for i in range(2, SOME + 1):
            self.sink.order("take %d" % i)
        self.sink.order("%s 1" % dead)
        self.sink.order("reset")
        cpu = server.cpu()
        server.flush()
        per = self.count // SOME
        wanted = self.count - per if dead != "take" else self.count
        self.sink.wait(wanted)
        wall = max(float(self.sink.order("host %d" % i)[1])
                   for i in range(2, SOME + 1))
        return wall, server.cpu() - cpu

    def cells(self):
        return (("relay", self.relay), ("out", self.out),
                ("nine-of-ten", lambda s: self.nine(s, "take")),
                ("nine-one-refuses", lambda s: self.nine(s, "refuse")),
                ("nine-one-silent", lambda s: self.nine(s, "silent")))

    def measure(self, name, run, server):
        """On an empty queue."""
        if server.process is None:
            server.start()
        try:
            wall, cpu = run(server)
            say("%-18s %-8s %8.3f s %8.3f cpu" % (
                name, server.name, wall, cpu))
            self.results.setdefault(name, {}).setdefault(
                server.name, []).append((wall, cpu))
        except Void as e:
            say("%s, %s: void: %s" % (name, server.name, e))
            self.results.setdefault(name, {})[server.name] = None
        self.sink.order("refuse 0")
        while server.waiting() > 0:
            server.forget()
            time.sleep(0.2)
        # What was learnt of the dead one is nothing for the next cell.
        server.stop()
        if os.path.exists(server.learnt):
            os.unlink(server.learnt)
        server.start()
        server.settle()

    def run(self, rounds, pattern):
        for number in range(rounds):
            say("round %d of %d" % (number + 1, rounds))
            order = self.servers if number % 2 == 0 else self.servers[::-1]
            for name, run in self.cells():
                if not re.search(pattern, name):
                    continue
                for server in order:
                    if re.match(server.cells, name):
                        self.measure(name, run, server)

    def median(self, name, server, which):
        found = self.results.get(name, {}).get(server)
        return statistics.median(r[which] for r in found) if found else None

    def print_table(self):
        print("%d messages of 4 KiB, load %s" % (
            self.count, " ".join("%.1f" % n for n in os.getloadavg())))
        for name in self.results:
            text = "%-18s" % name
            mine = [self.median(name, "postern", i) for i in (0, 1)]
            for server in self.servers:
                if not re.match(server.cells, name):
                    continue
                found = [self.median(name, server.name, i) for i in (0, 1)]
                text += " %s" % server.name
                text += " %8.3f s %8.3f cpu" % tuple(found) \
                    if found[0] is not None else " %23s" % "void"
                if mine[0] and found[0] and server is not self.servers[0]:
                    text += ", ratio %5.1f wall %5.1f cpu" % (
                        found[0] / mine[0], found[1] / mine[1])
                text += " |"
            print(text.rstrip(" |"))
        for server in (s.name for s in self.servers):
            base = self.median("nine-of-ten", server, 0)
            for name in ("nine-one-refuses", "nine-one-silent"):
                wall = self.median(name, server, 0)
                if base and wall:
                    # Of ten, nine had nine tenths of the time.
                    print("%-8s %-18s the others' rate: %+.1f %%" % (
                        server, name, 100 * (base / wall - 1)))

    def million(self):
        """What a queue of 1,000,000 messages costs, after a crash, too."""
        count = int(1000000 * self.scale)
        server = self.servers[0]
        server.stop()
        queue = os.path.join(server.dir, "state/queue")
        os.makedirs(queue, exist_ok=True)
        say("queueing %d messages for 1000 domains" % count)
        subprocess.run([self.program, "fill", "--queue", queue, "--messages",
                        str(count), "--domains", "1000", "--octets", "1024"],
                       check=True)
        self.sink.order("refuse 0")
        for what in ("first start", "after kill -9"):
            begin = time.monotonic()
            server.start()
            print("%-24s %8.2f s" % (what, time.monotonic() - begin))
            time.sleep(5)
            with open("/proc/%d/status" % server.process.pid) as f:
                memory = [line for line in f if line.startswith("VmRSS")][0]
            print("%-24s %8.1f MiB" % ("  memory", int(memory.split()[1]) /
                                       1024))
            for name in (("queue", "stats"), ("queue", "list")):
                begin = time.monotonic()
                server.ctl(*name)
                print("%-24s %8.2f s" % ("  " + " ".join(name),
                                         time.monotonic() - begin))
            server.process.kill()
            server.process.wait()
            server.process = None
        print("%-24s %8d" % ("messages", count), flush=True)

    def clean(self):
        for server in self.servers:
            server.clean()
        if self.names:
            self.names.stop()
        if self.sink:
            self.sink.stop()
        shutil.rmtree(self.work, ignore_errors=True)


def stop(signum, frame):
    raise KeyboardInterrupt


def main():
    signal.signal(signal.SIGTERM, stop)
    bench = Bench(*(os.path.abspath(a) for a in sys.argv[1:3]))
    try:
        bench.start()
        if option("BENCH_LARGE", "0") == "1":
            bench.servers[0].start()
            bench.million()
            return
        bench.run(int(option("BENCH_ROUNDS", "3")), option("BENCH_CELLS", ""))
        bench.print_table()
        path = os.environ.get("BENCH_JSON")
        if path:
            with open(path, "w") as f:
                json.dump(bench.results, f, indent=1)
    finally:
        bench.clean()
    sys.exit(any(r is None for one in bench.results.values()
                 for r in one.values()))


if __name__ == "__main__":
    main()
