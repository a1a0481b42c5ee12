#!/usr/bin/env python3
"""Measures JMAP and the web client: lists of a large mailbox, searches,
changes, event sources, the page in Chromium; see HACKING.md. Started by
run.sh."""

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from servers import DOMAIN, Postern  # noqa: E402
from web_client import (Http, Sample, Void, cpu, deliver, page,  # noqa: E402
                        pss)
from web_events import Streams  # noqa: E402

LARGE = "user1@" + DOMAIN
OTHER = "user2@" + DOMAIN
STREAMS = 2000
ACCOUNTS = 100  # that streams are of
WORDS = ["meeting", "budget", "invoice", "garden", "harbour", "bicycle",
         "kitchen", "lecture", "proposal", "committee"]
NAMES = ["Alice", "Bruno", "Chiara", "Elena", "Farid", "Hiro", "Quentin",
         "Moreau", "Tanaka", "Okafor"]


def option(name, default):
    return os.environ.get(name) or default


def say(text):
    print("== " + text, file=sys.stderr, flush=True)


class WebPostern(Postern):
    def start(self):
        super().start()
        with open(os.path.join(self.dir, "ready.json")) as f:
            info = json.load(f)
        self.http, self.https = info["ports"]["http"], info["ports"]["https"]
        self.pid = info["pid"]


class Bench:
    def __init__(self, load, prefix):
        self.load, self.prefix = load, prefix
        self.build = os.path.dirname(os.path.dirname(os.path.dirname(load)))
        self.count = int(100000 * float(option("BENCH_SCALE", "1")))
        self.rounds = int(option("BENCH_ROUNDS", "3"))
        self.streams = max(20, int(STREAMS * float(option("BENCH_SCALE",
                                                          "1"))))
        self.work = tempfile.mkdtemp(prefix="postern-bench-",
                                     dir=os.environ.get("BENCH_DIR"))
        os.chmod(self.work, 0o755)
        self.client = os.path.join(self.build, "webmail/built")
        self.server = self.http = None
        self.results = {}

    # --- preparing ---

    def run_load(self, *args):
        subprocess.run([self.load, *(str(a) for a in args)], check=True,
                       capture_output=True)

    def build_client(self):
        """The web client with what its tests need, among it Chromium's
        driver."""
        done = subprocess.run(
            ["sh", "webmail/build.sh", "webmail", self.client, "--tests"],
            capture_output=True, text=True)
        if done.returncode != 0:
            say("the web client cannot be built: " + done.stderr[-300:])
        return done.returncode == 0

    def start(self):
        self.has_client = self.build_client()
        settings = ["limits.connections_per_user=10000",
                    "limits.connections_per_address=20000",
                    *option("BENCH_SET", "").split()]
        if self.has_client:
            settings.append("web.dir=%s/dist" % self.client)
        self.server = WebPostern(self.work, ACCOUNTS + 2, self.prefix,
                                 settings)
        self.server.start()
        self.empty = pss(self.server.pid)
        self.server.stop()
        kept = option("BENCH_MAIL", self.work)
        source = os.path.join(kept, "mixed-%d" % self.count)
        if not os.path.exists(source):
            say("making %d messages" % self.count)
            os.makedirs(kept, exist_ok=True)
            self.run_load("make", "--dir", source, "--count", self.count,
                          "--octets", 0)
        box = self.server.maildir(1)
        shutil.rmtree(box, ignore_errors=True)
        os.makedirs(os.path.dirname(box), exist_ok=True)
        self.run_load("fill", "--dir", source, "--mailbox",
                      self.server.maildir("%u"), "--first", 1, "--users", 1,
                      "--count", self.count, "--style", self.server.hints)
        self.server.start()
        say("looking at all of it for the first time")
        sample = Sample()
        sample.take(self.server.pid, self.connect)
        sample.take(self.server.pid, lambda: self.http.calls(
            *page(self.box)))
        sample.take(self.server.pid, lambda: self.http.calls(
            ("Email/query", {"filter": {"from": "nobody at all"}})))
        self.note("first-time", {"seconds": sum(sample.times),
                                 "cpu": sample.cpu})
        deliver(self.server.lmtp, OTHER, "small", 20)

    def connect(self):
        if self.http is not None:
            self.http.close()
        self.http = Http(self.server.http, LARGE)
        self.box = self.http.boxes["inbox"]

    def restart(self):
        self.server.restart()
        self.http = None

    def note(self, name, figures):
        self.results[name] = figures
        say("%-22s %s" % (name, "  ".join(
            "%s %s" % (k, v if isinstance(v, (int, str)) else "%.2f" % v)
            for k, v in figures.items())))

    # --- lists ---

    def ask(self, sample, octets):
        got = sample.take(self.server.pid, lambda: self.http.send(octets))
        if b'"error"' in got:
            raise Void(got[:300].decode())
        return got

    def repeat(self, times, *calls):
        """The same request; what was answered in the end."""
        octets, sample = self.http.request(*calls), Sample()
        for _ in range(times):
            got = self.ask(sample, octets)
        return sample, json.loads(got)["methodResponses"]

    def list_warm(self):
        sample, got = self.repeat(300, *page(self.box))
        if len(got[1][1]["list"]) != 50:
            raise Void("not 50 rows")
        self.total = got[0][1]["total"]
        return {**sample.figures(), "rows": self.total}

    def list_flagged(self):
        """Another message gets or loses a flag before each request."""
        octets, sample = self.http.request(*page(self.box)), Sample()
        id = self.http.call("Email/query", position=self.count // 2,
                            limit=1)["ids"][0]
        for i in range(100):
            self.http.call("Email/set", update={id: {
                "keywords/$flagged": True if i % 2 == 0 else None}})
            self.ask(sample, octets)
        return sample.figures()

    def list_arrived(self):
        """A new message before each request."""
        octets, sample = self.http.request(*page(self.box)), Sample()
        for i in range(50):
            deliver(self.server.lmtp, LARGE, "new %d" % i)
            if b'"new %d"' % i not in self.ask(sample, octets):
                raise Void("the new message is not there")
        return sample.figures()

    def list_restart(self):
        sample = Sample()
        for _ in range(self.rounds):
            self.restart()
            self.connect_cold(sample)
        return sample.figures()

    def connect_cold(self, sample):
        """All that a client asks until it sees its first page."""
        def run():
            self.connect()
            self.http.send(self.http.request(*page(self.box)))
        sample.take(self.server.pid, run)

    def list_deep(self):
        sample, got = self.repeat(100, *page(
            self.box, position=self.total // 2))
        self.anchor = got[0][1]["ids"][0]
        return sample.figures()

    def list_anchor(self):
        return self.repeat(100, *page(
            self.box, anchor=self.anchor, anchorOffset=-10))[0].figures()

    def threads(self):
        got = self.http.calls(*page(self.box))[1]["list"]
        return self.repeat(200, ("Thread/get", {
            "ids": [e["threadId"] for e in got]}))[0].figures()

    # --- searches ---

    def search(self, key, values):
        """Each question once: answers are kept while nothing happens."""
        sample, found = Sample(), 0
        for value in values:
            got = self.ask(sample, self.http.request(*page(
                self.box, filter={"inMailbox": self.box, key: value})))
            found += json.loads(got)["methodResponses"][0][1]["total"]
        if found == 0:
            raise Void("nothing was found")
        return {**sample.figures(), "found": found}

    def search_text(self):
        """With the index, which the first question has made in the
        background."""
        self.search("text", ["zeppelin"])
        end = time.monotonic() + 600
        before = cpu(self.server.pid)
        while time.monotonic() < end:
            time.sleep(3)
            now = cpu(self.server.pid)
            if now - before < 0.02:
                break
            before = now
        return self.search("text", WORDS)

    # --- changes ---

    def changes(self, count, times):
        state = self.http.call("Email/get", ids=[])["state"]
        ids = []
        while len(ids) < count:
            ids += self.http.call("Email/query", position=len(ids),
                                  limit=min(500, count - len(ids)))["ids"]
        for at in range(0, count, 500):
            self.http.call("Email/set", update={
                id: {"keywords/bench": True} for id in ids[at:at + 500]})
        sample, got = self.repeat(times, ("Email/changes",
                                          {"sinceState": state}))
        if len(got[0][1]["updated"]) != count:
            raise Void("%d changes" % len(got[0][1]["updated"]))
        for at in range(0, count, 500):
            self.http.call("Email/set", update={
                id: {"keywords/bench": None} for id in ids[at:at + 500]})
        return sample.figures()

    # --- other users meanwhile ---

    def neighbour(self):
        """Requests of another user, while changes and lists of the large
        mailbox go on without a pause."""
        other = Http(self.server.http, OTHER)
        octets, sample = other.request(*page(other.boxes["inbox"])), Sample()
        ends = threading.Event()

        def load():
            http = Http(self.server.http, LARGE)
            id = http.call("Email/query", limit=1)["ids"][0]
            flag = True
            while not ends.is_set():
                http.call("Email/set", update={id: {
                    "keywords/$flagged": flag or None}})
                http.calls(*page(self.box))
                flag = not flag
            http.close()
        thread = threading.Thread(target=load)
        thread.start()
        try:
            time.sleep(0.2)
            for _ in range(500):
                sample.take(self.server.pid, lambda: other.send(octets))
                time.sleep(0.002)
        finally:
            ends.set()
            thread.join()
            other.close()
        figures = sample.figures()
        del figures["cpu_ms"], figures["per_cpu_second"]  # of both
        return figures

    # --- others ---

    def memory(self):
        return {"empty_mib": self.empty / 2**20,
                "mib": pss(self.server.pid) / 2**20,
                "octets_per_message": (pss(self.server.pid) - self.empty) /
                self.count}

    def events(self):
        self.restart()
        users = ["user%d@%s" % (i + 3, DOMAIN) for i in range(ACCOUNTS)]
        figures = Streams(self.server, users, self.streams).measure()
        self.restart()
        self.connect()
        return figures

    def page_load(self):
        if not self.has_client or not os.path.exists(
                os.environ.get("CHROMIUM", "/usr/bin/chromium")):
            raise Void("the web client or Chromium is not there")
        done = subprocess.run(
            ["node", os.path.join(HERE, "page.mjs"), self.client,
             "https://127.0.0.1:%d" % self.server.https, LARGE],
            capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise Void(done.stderr[-500:])
        return json.loads(done.stdout)

    def cells(self):
        return (
            ("list-warm", self.list_warm),
            ("list-after-flag", self.list_flagged),
            ("list-after-arrival", self.list_arrived),
            ("list-deep-position", self.list_deep),
            ("list-deep-anchor", self.list_anchor),
            ("thread-get", self.threads),
            ("changes-1", lambda: self.changes(1, 200)),
            ("changes-1000", lambda: self.changes(min(1000, self.count), 50)),
            ("other-user-meanwhile", self.neighbour),
            ("search-from", lambda: self.search("from", NAMES)),
            ("search-subject", lambda: self.search("subject", WORDS)),
            ("search-text", self.search_text),
            ("memory", self.memory),
            ("list-after-restart", self.list_restart),
            ("page", self.page_load),
            ("events", self.events))

    def run(self, pattern):
        self.total = self.count
        self.list_warm()
        for name, run in self.cells():
            if not re.search(pattern, name):
                continue
            try:
                if name == "list-deep-anchor":
                    self.list_deep()
                self.note(name, run())
            except (Void, OSError) as e:
                self.note(name, {"void": str(e)})

    def print_table(self):
        print("%d messages in one mailbox, load %s" % (self.count, " ".join(
            "%.1f" % n for n in os.getloadavg())))
        for name, figures in self.results.items():
            if "median_ms" not in figures:
                for key, value in figures.items():
                    print("%-22s %-28s %s" % (
                        name, key.replace("_", " "),
                        value if isinstance(value, (int, str))
                        else "%.2f" % value))
                continue
            text = "%-22s %8.2f ms %8.2f p99 %8.2f most" % (
                name, figures["median_ms"], figures["p99_ms"],
                figures["most_ms"])
            if "cpu_ms" in figures:
                text += " | %8.2f ms cpu %7.0f each cpu second" % (
                    figures["cpu_ms"], figures["per_cpu_second"])
            print(text)
        sys.stdout.flush()

    def clean(self):
        if self.server is not None:
            self.server.clean()
        shutil.rmtree(self.work, ignore_errors=True)


def stop(signum, frame):
    raise KeyboardInterrupt


def main():
    signal.signal(signal.SIGTERM, stop)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    bench = Bench(*(os.path.abspath(a) for a in sys.argv[1:3]))
    try:
        bench.start()
        bench.run(option("BENCH_CELLS", ""))
        bench.print_table()
        path = os.environ.get("BENCH_JSON")
        if path == "-":
            print(json.dumps(bench.results, indent=1))
        elif path:
            with open(path, "w") as f:
                json.dump(bench.results, f, indent=1)
    finally:
        bench.clean()
    sys.exit(any("void" in f for f in bench.results.values()))


if __name__ == "__main__":
    main()
