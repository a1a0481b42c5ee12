#!/usr/bin/env python3
"""Measures Postern against Dovecot, cell by cell, in turns in one run; see
HACKING.md. Started by run.sh, which builds what this needs.

Options come from the environment, so that `make bench BENCH_SCALE=0.1` works:
see OPTIONS below.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cells as table  # noqa: E402
import report  # noqa: E402
sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../support"))
import cluster  # noqa: E402
from servers import PEER_UID, Dovecot, Inotify, Postern  # noqa: E402

OPTIONS = {
    "BENCH_CELLS": ("", "only the cells whose name matches"),
    "BENCH_ROUNDS": ("3", "how often each cell is measured"),
    "BENCH_SCALE": ("1", "times the sizes of mailboxes"),
    "BENCH_MESSAGES": ("", "the size of the largest mailbox, for a scale"),
    "BENCH_TLS": ("0", "1: IMAP over TLS"),
    "BENCH_PEER": ("dovecot", "none: Postern alone"),
    "BENCH_STORAGE": ("", "storage modules to compare, without a peer: "
                          "maildir,mbox,postgresql"),
    "BENCH_JSON": ("", "a file for all figures; - is standard output"),
    "BENCH_DIR": ("", "where to work; default: a new directory in TMPDIR"),
    "BENCH_MAIL": ("", "a directory that keeps the made mail for later runs"),
    "BENCH_FAST_LOGIN": ("0", "1: Dovecot's high-performance login mode"),
    "BENCH_SET": ("", "settings for Postern, key=value, with spaces between"),
    "BENCH_LARGE": ("0", "1: the mailbox of 1,000,000 messages instead"),
    "BENCH_VERBOSE": ("0", "1: says what it does"),
}


def option(name):
    return os.environ.get(name) or OPTIONS[name][0]


def say(text):
    print("== " + text, file=sys.stderr, flush=True)


def detail(text):
    if option("BENCH_VERBOSE") == "1":
        say(text)


class Void(Exception):
    """The answers were wrong: no figures."""


class Bench:
    """One run: its directory, mail, servers and results."""

    def __init__(self, load, prefix):
        self.load, self.prefix = load, prefix
        self.tls = option("BENCH_TLS") == "1"
        self.storages = [s for s in option("BENCH_STORAGE").split(",") if s]
        self.peer = option("BENCH_PEER") != "none" and not self.storages
        self.scale = float(option("BENCH_SCALE"))
        if option("BENCH_MESSAGES"):
            self.scale = int(option("BENCH_MESSAGES")) / table.LIST_COUNT
        self.uid = PEER_UID if self.peer else 0
        self.servers = []
        self.facts = {}
        self.inotify = self.cluster = None
        self.work = tempfile.mkdtemp(prefix="postern-bench-",
                                     dir=option("BENCH_DIR") or None)
        os.chmod(self.work, 0o755)

    # --- preparing ---

    def size(self, count, least=100):
        return max(least, int(count * self.scale))

    def sizes(self):
        return {"users": min(len(table.SMALL), self.size(len(table.SMALL), 10)),
                "list": self.size(table.LIST_COUNT),
                "bodies": self.size(table.BODIES_COUNT),
                "texts": self.size(table.TEXTS_COUNT),
                "changes": self.size(table.CHANGES_COUNT),
                "large": self.size(table.LARGE_COUNT)}

    def run_load(self, args, timeout=3600):
        p = subprocess.run([self.load] + [str(a) for a in args],
                           capture_output=True, text=True, timeout=timeout)
        if p.returncode != 0:
            raise Void(p.stderr.strip() or "exit status %d" % p.returncode)
        return p.stdout

    def make_source(self, kind, count):
        """Messages, and what is in the first n of them for every n."""
        keep = option("BENCH_MAIL")
        dir = os.path.join(keep or self.work, "%s-%d" % (kind, count))
        facts = dir + ".facts"
        if not os.path.exists(facts):
            say("making %d messages (%s)" % (count, kind))
            shutil.rmtree(dir, ignore_errors=True)
            os.makedirs(os.path.dirname(dir), exist_ok=True)
            octets = table.BODY_OCTETS if kind == "bodies" else 0
            out = self.run_load(["make", "--dir", dir, "--count", count,
                                 "--octets", octets, "--uid", self.uid])
            with open(facts, "w") as f:
                f.write(out)
        with open(facts) as f:
            lines = f.read().splitlines()
        self.facts[kind] = [dict(zip(
            ("octets", "subject", "from", "text"),
            (int(v) for v in line.split()))) for line in lines]
        return dir

    def make_sources(self, chosen):
        s = self.sizes()
        self.source = {}
        if option("BENCH_LARGE") == "1":
            self.source["mixed"] = self.make_source(
                "mixed", s["large"])
            return
        self.source["mixed"] = self.make_source(
            "mixed", max(s["list"], s["changes"]))
        if any(c.run == "bodies" or c.user == table.TEXTS for c in chosen):
            self.source["bodies"] = self.make_source(
                "bodies", max(s["bodies"], s["texts"]))

    def fill(self, server, user, kind, count, style, users=1):
        for i in range(user, user + users):
            shutil.rmtree(server.maildir(i), ignore_errors=True)
        os.makedirs(os.path.dirname(server.maildir(user)), exist_ok=True)
        self.run_load(["fill", "--dir", self.source[kind],
                       "--mailbox", server.maildir("%u"), "--first", user,
                       "--users", users, "--count", count, "--style", style,
                       "--uid", server.uid])

    def start_storages(self):
        """A server for each module, on the same mail."""
        settings = option("BENCH_SET").split()
        for storage in self.storages:
            text = None
            if storage == "postgresql":
                # With fsync: as a site runs it. Its CPU time is not counted.
                self.cluster = cluster.new(durable=True)
                text = self.cluster.create("bench")
            server = Postern(self.work, table.USERS, self.prefix, settings,
                             storage, text)
            self.servers.append(server)
            server.start()

    def start_servers(self):
        settings = option("BENCH_SET").split()
        postern = Postern(self.work, table.USERS, self.prefix, settings)
        self.servers.append(postern)
        postern.start()
        if self.peer:
            if os.geteuid() != 0:
                raise SystemExit("bench: Dovecot needs root to be started; "
                                 "BENCH_PEER=none measures Postern alone")
            self.inotify = Inotify()
            peer = Dovecot(self.work, table.USERS, postern.dir,
                           option("BENCH_FAST_LOGIN") == "1")
            self.servers.append(peer)
            peer.start()

    def prepare(self, chosen):
        """Fills mailboxes, with each server stopped, and looks into them
        once, so that all but the fresh ones are warm."""
        wanted = {c.user for c in chosen}
        boxes = [b for b in table.mailboxes(self.sizes()) if b[0] in wanted]
        for server in self.servers:
            say("preparing the mailboxes of %s" % server.name)
            server.stop()
            for user, users, kind, count in boxes:
                self.fill(server, user, kind, count, server.hints, users)
            server.start()
            self.bring(server, boxes)
            for user, users, kind, count in boxes:
                out = json.loads(self.run_cell(server, "check", user, 1, [
                    "--users", users, "--count", count,
                    "--octets", self.facts[kind][count - 1]["octets"]]))
                detail("%s: user%d, %d messages: %.2f s, %.2f cpu" % (
                    server.name, user, count, out["wall"], out["cpu"]))

    def bring(self, server, boxes):
        if server.name not in self.storages or server.takes_maildirs():
            return
        for user, users, kind, count in boxes:
            for i in range(user, user + users):
                server.bring(i, server.maildir(i))
                shutil.rmtree(server.maildir(i))

    # --- measuring ---

    def run_cell(self, server, run, user, times, more):
        port = server.imaps if self.tls else server.imap
        return self.run_load([run, "--imap", port, "--tls", int(self.tls),
                              "--first", user, "--repeat", times] +
                             server.load_options() + more)

    def arguments(self, cell):
        kind = "bodies" if cell.user in (table.BODIES, table.TEXTS) else "mixed"
        more = []
        if cell.users > 1:
            users = cell.users
            if cell.user == table.SMALL[0]:
                users = self.sizes()["users"]
            more += ["--users", users]
        if cell.connections:
            connections = cell.connections
            if cell.run == "idle":
                connections = self.size(connections, 200)
            more += ["--connections", connections]
        if cell.run in ("login", "idle"):
            return more + ["--count", table.SMALL_COUNT]
        count = self.size(cell.n)
        more += ["--count", count]
        if cell.run == "append":
            return more + ["--octets", 4096]
        facts = dict(self.facts[kind][count - 1], count=count)
        if cell.word:
            more += ["--word", cell.word, "--wait", cell.wait or 0]
        return more + ["--octets", facts[cell.expect or "octets"]]

    def measure(self, cell, server):
        times = cell.times
        if cell.run in ("login", "idle"):
            times = self.size(times, 20)
        if cell.fresh:
            server.stop()
            self.fill(server, cell.user, "mixed", self.size(cell.n), "plain")
            server.start()
        elif cell.restart:
            server.restart()
        more = self.arguments(cell)
        if cell.fresh:
            more += ["--style", "fresh"]
        out = self.run_cell(server, cell.run, cell.user, times, more)
        return json.loads(out)

    def measure_round(self, number, chosen, results):
        order = self.servers if number % 2 == 0 else self.servers[::-1]
        for cell in chosen:
            for server in order:
                detail("round %d: %s, %s" % (number + 1, cell.name,
                                             server.name))
                try:
                    results.add(cell, server.name, self.measure(cell, server))
                except Void as e:
                    results.void(cell, server.name, str(e))
                    if server.process.poll() is not None:
                        say("%s has ended; it is started again" % server.name)
                        server.restart()

    def run(self, chosen, rounds):
        results = report.Results([s.name for s in self.servers])
        for number in range(rounds):
            say("round %d of %d" % (number + 1, rounds))
            self.measure_round(number, chosen, results)
        return results

    def run_large(self):
        """A mailbox of 1,000,000 messages, first time and again."""
        count = self.sizes()["large"]
        facts = self.facts["mixed"][count - 1]
        results = {}
        for server in self.servers:
            server.stop()
            self.fill(server, table.LARGE, "mixed", count, server.hints)
            server.start()
            more = ["--count", count, "--word", "UID SEARCH SUBJECT zeppelin",
                    "--octets", facts["subject"]]
            if server.name == "postern":
                more += ["--style", "partial"]
            say("%s, %d messages" % (server.name, count))
            try:
                results[server.name] = json.loads(self.run_cell(
                    server, "large", table.LARGE, 1, more))
            except Void as e:
                results[server.name] = {"void": str(e)}
        return results

    def clean(self):
        for server in self.servers:
            server.clean()
        if self.inotify:
            self.inotify.restore()
        if self.cluster:
            self.cluster.close()
        shutil.rmtree(self.work, ignore_errors=True)


def choose():
    pattern = re.compile(option("BENCH_CELLS"))
    chosen = [c for c in table.CELLS if pattern.search(c.name)]
    if not chosen:
        raise SystemExit("bench: no cell matches %s; there are: %s" % (
            pattern.pattern, " ".join(c.name for c in table.CELLS)))
    return chosen


def write_json(value):
    path = option("BENCH_JSON")
    if path == "-":
        print(json.dumps(value, indent=1))
    elif path:
        with open(path, "w") as f:
            json.dump(value, f, indent=1)


def measure_all(bench):
    chosen = choose()
    large = option("BENCH_LARGE") == "1"
    if bench.storages:
        chosen = [c for c in chosen if c.name in table.STORAGE_CELLS]
        bench.start_storages()
    else:
        bench.start_servers()
    bench.make_sources(chosen)
    if large:
        results = bench.run_large()
        report.print_large(results)
        write_json(results)
        return any("void" in r for r in results.values())
    bench.prepare(chosen)
    results = bench.run(chosen, int(option("BENCH_ROUNDS")))
    results.print_table(sys.stdout, chosen)
    write_json(results.as_json(chosen))
    return results.any_void()


def stop(signum, frame):
    raise KeyboardInterrupt


def main():
    if len(sys.argv) != 3:
        raise SystemExit("usage: bench.py LOAD-GENERATOR POSTERN-PREFIX\n" +
                         "\n".join("    %-18s %s (%s)" % (k, v[1], v[0])
                                   for k, v in OPTIONS.items()))
    signal.signal(signal.SIGTERM, stop)
    begin = time.monotonic()
    bench = Bench(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]))
    try:
        bad = measure_all(bench)
    except KeyboardInterrupt:
        say("interrupted")
        bad = True
    finally:
        # A second Ctrl-C doesn't keep it from cleaning up.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        bench.clean()
    say("%d s in all" % (time.monotonic() - begin))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
