"""Several servers on one database, and what happens when one of them, a
connection, or the whole database ends at a random moment under load: nothing
that was acknowledged is lost, nothing is there twice, no uid is given twice.

ROUNDS (default 5) and POSTERN_CRASH_SEED may be set. A standby that is promoted
under load is tried once.
"""

import os
import random
import re
import shutil
import signal
import socket
import statistics
import sys
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("../support", "../session/imap"):
    sys.path.insert(0, os.path.join(HERE, folder))
import cluster  # noqa: E402
from imap_client import Client, Closed  # noqa: E402
from load import Sender  # noqa: E402
from postern import SLOW, Server  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "5"))
SEED = int(os.environ.get("POSTERN_CRASH_SEED", str(random.randrange(10**6))))
GONE = (Closed, OSError, EOFError)
NODES = 3
SET = ("log.level=warning", "auth.failure_delay=10")


def message(token):
    return ("Subject: load\r\nX-Token: %s\r\n\r\n%s\r\n"
            % (token, "text " * (len(token) % 7 * 40))).encode()


class Promises:
    """What was said. `sure`: acknowledged tokens; `open`: sent, the answer was
    an error or never came; `uids`: (mailbox, uid) -> token."""

    def __init__(self):
        self.lock = threading.Lock()    # guards all of this
        self.sure, self.open, self.uids = set(), set(), {}
        self.temporary = 0
        self.odd = []       # answers that nobody may get
        self.count = 0

    def begin(self):
        with self.lock:
            self.count += 1
            token = "T%06d" % self.count
            self.open.add(token)
            return token

    def keep(self, token, mailbox=None, uid=None):
        with self.lock:
            self.open.discard(token)
            self.sure.add(token)
            if uid is not None:
                if self.uids.setdefault((mailbox, uid), token) != token:
                    self.odd.append("uid %d of %s for two" % (uid, mailbox))

    def refused(self, answer, wanted):
        with self.lock:
            if wanted in answer:
                self.temporary += 1
            else:
                self.odd.append(answer)


class Worker(threading.Thread):
    """Connects again and again until it is stopped."""

    def __init__(self, promises, server, seed):
        super().__init__(daemon=True)
        self.promises, self.server = promises, server
        self.rng = random.Random(seed)
        self.stop = threading.Event()
        self.failure = None

    def run(self):
        while not self.stop.is_set():
            try:
                self.session()
            except GONE:
                time.sleep(0.02)
            except Exception as e:
                self.failure = e
                return


class Deliver(Worker):
    port = "lmtp"
    line, reply, command = Sender.line, Sender.reply, Sender.command

    def session(self):
        self.sock = socket.create_connection(
            (self.server.host, self.server.ports["lmtp"]), 30 * SLOW)
        try:
            with self.sock.makefile("rb") as self.file:
                self.line()
                self.command("LHLO x")
                while not self.stop.is_set():
                    self.one()
        finally:
            self.sock.close()

    def reply(self):
        while True:
            line = self.line()
            if line[3:4] != b"-":
                self.last = line
                return int(line[:3])

    def one(self):
        token = self.promises.begin()
        for c in ("MAIL FROM:<load@example.org>",
                  "RCPT TO:<%s>" % self.server.users[0], "DATA"):
            code = self.command(c)
            if code == 421:
                raise EOFError
            if code >= 400:
                self.promises.refused(self.last.decode(), "45")
                self.command("RSET")
                self.stop.wait(0.02)
                return
        self.sock.sendall(message(token) + b".\r\n")
        if self.reply() == 250:
            self.promises.keep(token)
        else:
            self.promises.refused(self.last.decode(), "45")
        self.stop.wait(self.rng.random() * 0.02)


class Append(Worker):
    """Appends to INBOX, and moves some of its own to Archive."""

    def session(self):
        with Client(self.server, timeout=30) as c:
            tagged = c.cmd('LOGIN %s %s' % (self.server.users[0],
                                            self.server.password))[1]
            if not tagged.startswith(b"OK"):
                self.stop.wait(0.05)
                return
            while not self.stop.is_set():
                self.one(c)
                self.stop.wait(self.rng.random() * 0.02)

    def one(self, c):
        token = self.promises.begin()
        data = message(token)
        tag = c.tag()
        c.send("%s APPEND INBOX {%d+}\r\n" % (tag, len(data)))
        c.send(data + b"\r\n")
        tagged = c.finish(tag)[1]
        m = re.match(rb"OK \[APPENDUID \d+ (\d+)\]", tagged)
        if not m:
            self.promises.refused(tagged.decode(), "UNAVAILABLE")
            return
        uid = int(m.group(1))
        self.promises.keep(token, "INBOX", uid)
        if self.rng.random() < 0.3:
            self.move(c, token, uid)

    def move(self, c, token, uid):
        if not c.cmd("SELECT INBOX")[1].startswith(b"OK"):
            return
        untagged, tagged = c.cmd("UID MOVE %d Archive" % uid)
        m = re.search(rb"\[COPYUID \d+ (\d+) (\d+)\]",
                      b"\n".join(untagged + [tagged]))
        if m and tagged.startswith(b"OK"):
            self.promises.keep(token, "Archive", int(m.group(2)))


class Watch(Worker):
    """Sees uids of INBOX in order."""

    def session(self):
        top = 0
        with Client(self.server, timeout=30) as c:
            if not c.cmd('LOGIN %s %s' % (
                    self.server.users[0],
                    self.server.password))[1].startswith(b"OK"):
                self.stop.wait(0.05)
                return
            c.cmd("SELECT INBOX")
            while not self.stop.wait(0.03):
                untagged, tagged = c.cmd("UID FETCH %d:* (UID)" % (top + 1))
                uids = [int(m.group(1)) for m in (
                    re.search(rb"UID (\d+)", r) for r in untagged
                    if b"FETCH" in r) if m]
                new = [u for u in uids if u > top]
                if new != sorted(set(new)):
                    self.promises.odd.append("out of order: %s" % new)
                for uid in new:
                    if uid < top:
                        self.promises.odd.append("uid %d after %d" % (
                            uid, top))
                    top = max(top, uid)


def shown(client, mailbox):
    """uid -> token of all messages, in the order in which they are told."""
    out = {}
    client.ok("EXAMINE " + mailbox)
    for r in client.ok("UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (X-TOKEN)])"):
        m = re.search(rb"UID (\d+)", r)
        t = re.search(rb"X-Token: (\S+)", r)
        if m and t:
            out[int(m.group(1))] = t.group(1).decode()
    return out


def login(server, deadline):
    """As soon as the server can."""
    while True:
        try:
            c = Client(server, timeout=30)
            if c.cmd("LOGIN %s %s" % (server.users[0], server.password)
                     )[1].startswith(b"OK") and \
                    c.cmd("EXAMINE INBOX")[1].startswith(b"OK"):
                return c
            c.close()
        except GONE:
            pass
        if time.monotonic() > deadline:
            raise AssertionError("no login: " + server.log()[-2000:])
        time.sleep(0.05)


@unittest.skipUnless(cluster.programs(), "PostgreSQL is not installed")
class Nodes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cluster.new()
        cls.addClassCleanup(cls.cluster.close)

    def start(self, database, nodes=NODES, conninfo=None):
        conninfo = conninfo or self.cluster.create(database)
        self.database = database
        self.nodes = []
        for i in range(nodes):
            s = Server(users=1, set=SET,
                       storage="postgresql:" + conninfo + ";timeout=3")
            self.addCleanup(s.clean)
            self.addCleanup(lambda s=s: s.process and s.kill())
            self.nodes.append(s.start())
        return self.nodes

    def audit(self, promises):
        deadline = time.monotonic() + 30 * SLOW
        seen = self.agree([login(node, deadline) for node in self.nodes])
        self.assertEqual(promises.odd, [])
        where = {}
        for mailbox, rows in seen[0].items():
            for uid, token in rows.items():
                where.setdefault(token, []).append((mailbox, uid))
        twice = {t: w for t, w in where.items() if len(w) > 1}
        self.assertEqual(twice, {})
        self.assertEqual(promises.sure - set(where), set(), "lost")
        for (mailbox, uid), token in promises.uids.items():
            self.assertIn(seen[0][mailbox].get(uid), (None, token))
        faults = self.cluster.sql(
            "SET search_path = postern; SELECT * FROM audit()",
            self.database, cluster.USER)
        self.assertEqual(faults, "")
        return len(where)

    def agree(self, clients):
        """What all of them show, within 10 seconds: so long it may take until
        a server has heard of what happened while it was not connected."""
        end = time.monotonic() + 10 * SLOW
        try:
            while True:
                seen = [{m: shown(c, m) for m in ("INBOX", "Archive")}
                        for c in clients]
                if all(s == seen[0] for s in seen):
                    return seen
                if time.monotonic() > end:
                    there = self.cluster.sql(
                        "SET search_path = postern; BEGIN; SELECT"
                        " set_config('postern.account', id::text, true) FROM"
                        " account, set_config('postern.account', '', true);"
                        "SELECT m.uid, m.modseq FROM message m JOIN mailbox b"
                        " ON b.id = m.mailbox_id WHERE b.name = 'INBOX'",
                        self.database, cluster.USER).split()
                    uids = {int(r.split("|")[0]) for r in there if "|" in r}
                    raise AssertionError("servers differ: %s" % [
                        (i, sorted(uids ^ set(s["INBOX"])), sorted(
                            s["Archive"].items() ^ seen[0]["Archive"].items()))
                        for i, s in enumerate(seen)])
                time.sleep(0.2)
        finally:
            for c in clients:
                c.close()

    def begin_load(self, promises, rng):
        out = []
        for node in self.nodes:
            out += [kind(promises, node, rng.random())
                    for kind in (Deliver, Append, Watch)]
        for w in out:
            w.start()
        return out

    def end_load(self, workers):
        for w in workers:
            w.stop.set()
        for w in workers:
            w.join(60 * SLOW)
            self.assertFalse(w.is_alive(), "%s hangs" % type(w).__name__)
            if w.failure:
                raise w.failure

    # --- what others do is told

    def test_idle_hears_of_other_nodes(self):
        a, b, c = self.start("idle")
        took = []
        with Client(b) as idle, Client(c) as third:
            for x in (idle, third):
                x.cmd("LOGIN %s %s" % (a.users[0], a.password))
                x.ok("SELECT INBOX")
            promises = Promises()
            sender = Deliver(promises, a, 1)
            sender.sock = socket.create_connection((a.host, a.ports["lmtp"]))
            self.addCleanup(sender.sock.close)
            sender.file = sender.sock.makefile("rb")
            sender.line()
            sender.command("LHLO x")
            tag = idle.tag()
            idle.send(tag + " IDLE\r\n")
            idle._line()
            for _ in range(100):
                sender.one()
                told = time.monotonic()
                while b"EXISTS" not in idle._line():
                    pass
                took.append(max(0, time.monotonic() - told) * 1000)
            idle.send("DONE\r\n")
            idle.finish(tag)
            took.sort()
            print("IDLE at another server: median %.1f ms, p99 %.1f ms" % (
                statistics.median(took), took[98]), file=sys.stderr)
            self.assertLess(statistics.median(took), 50 * SLOW * 4)
            self.until(third, lambda got: b"* 100 EXISTS" in got)
            # Flags and expunges arrive; QRESYNC at the third.
            m = re.search(rb"HIGHESTMODSEQ (\d+)", b"".join(
                idle.ok("STATUS INBOX (HIGHESTMODSEQ UIDVALIDITY)")))
            validity = re.search(rb"UIDVALIDITY (\d+)", b"".join(
                idle.ok("STATUS INBOX (HIGHESTMODSEQ UIDVALIDITY)")))
            idle.ok("STORE 1 +FLAGS (\\Flagged)")
            idle.ok("STORE 2:3 +FLAGS (\\Deleted)")
            idle.ok("EXPUNGE")
            self.until(third, lambda got: got.count(b"EXPUNGE") == 2 and
                       b"\\Flagged" in got)
            third.ok("ENABLE QRESYNC")
            back = b"\n".join(third.ok(
                "SELECT INBOX (QRESYNC (%d %d))" % (
                    int(validity.group(1)), int(m.group(1)))))
            self.assertRegex(back, rb"VANISHED \(EARLIER\) 2:3")
            self.assertRegex(back, rb"\* 1 FETCH .*Flagged")

    def until(self, client, enough):
        """NOOP until it was told enough."""
        end = time.monotonic() + 10 * SLOW
        got = b""
        while not enough(got):
            self.assertLess(time.monotonic(), end, got)
            got += b"\n".join(client.ok("NOOP"))
            time.sleep(0.01)

    def test_a_change_that_nobody_told_of_is_found(self):
        """A server that ends between its commit and the NOTIFY."""
        a, b = self.start("silent", 2)
        with Client(a) as one, Client(b) as idle:
            for x in (one, idle):
                x.cmd("LOGIN %s %s" % (a.users[0], a.password))
            data = message("T1")
            one.ok("APPEND INBOX {%d+}\r\n%s" % (len(data), data.decode()))
            idle.ok("SELECT INBOX")
            tag = idle.tag()
            idle.send(tag + " IDLE\r\n")
            idle._line()
            # What a server does, without a word to the others.
            self.cluster.sql(
                "SET search_path = postern; BEGIN;"
                "SELECT set_config('postern.account', id::text, true)"
                " FROM account, set_config('postern.account', '', true);"
                "UPDATE mailbox SET modseq = modseq + 1 WHERE name = 'INBOX';"
                "UPDATE message SET flags = 4, modseq = m.modseq"
                " FROM mailbox m WHERE m.id = mailbox_id; COMMIT",
                self.database, cluster.USER)
            begin = time.monotonic()
            idle.sock.settimeout(10 * SLOW)
            while b"\\Flagged" not in idle._line():
                pass
            print("found after %.1f s" % (time.monotonic() - begin),
                  file=sys.stderr)

    # --- ends at random moments

    def end_something(self, rng):
        """One of the ways in which something can end; what it was."""
        how = rng.choice(("restart", "backend", "backend", "database",
                          "node", "node"))
        if how == "restart":
            self.cluster.restart()
        elif how == "backend":
            # One killed backend has PostgreSQL restart all others.
            pids = self.cluster.backends(self.database)
            if pids:
                os.kill(rng.choice(pids), signal.SIGKILL)
        elif how == "database":
            self.cluster.kill()
            time.sleep(rng.random() * 0.5)
            self.cluster.start()
        else:
            node = rng.choice(self.nodes)
            node.kill()
            time.sleep(rng.random() * 0.3)
            node.start()
        return how

    def test_ends_at_random_moments(self):
        self.start("rounds")
        rng = random.Random(SEED)
        promises = Promises()
        n = 0
        for round_ in range(1, ROUNDS + 1):
            workers = self.begin_load(promises, rng)
            time.sleep(0.3 + rng.random() * 0.7)
            how = self.end_something(rng)
            time.sleep(0.3 + rng.random() * 0.7)
            self.end_load(workers)
            try:
                n = self.audit(promises)
            except AssertionError as e:
                raise AssertionError("round %d, seed %d, %s: %s" % (
                    round_, SEED, how, e)) from e
            print("round %d: %s, %d messages" % (round_, how, n),
                  file=sys.stderr)
        print("seed %d: %d acknowledged, %d not, %d temporary errors" % (
            SEED, len(promises.sure), len(promises.open),
            promises.temporary), file=sys.stderr)
        self.assertGreater(len(promises.sure), ROUNDS * 5)

    # --- a standby takes over

    def standby(self, primary):
        """A second cluster that follows the first."""
        s = cluster.Cluster(tempfile.mkdtemp(prefix="postern-pg-"))
        if os.geteuid() == 0:
            shutil.chown(s.dir, "nobody", "nogroup")
        os.chmod(s.dir, 0o755)
        s.keep()
        self.addCleanup(s.close)
        cluster.run(s.owned("pg_basebackup", "-h", primary.dir, "-U",
                            cluster.ADMIN, "-D", s.data, "-R", "-X", "stream",
                            "-c", "fast"))
        with open(os.path.join(s.data, "postgresql.conf"), "a") as f:
            f.write("unix_socket_directories = '%s'\n" % s.dir)
        with open(os.path.join(s.data, "postgresql.auto.conf"), "a") as f:
            f.write("primary_conninfo = 'host=%s user=%s "
                    "application_name=second'\n" % (primary.dir,
                                                    cluster.ADMIN))
        s.start()
        return s

    def test_promoted_standby_has_all_that_was_acknowledged(self):
        first = cluster.new()
        self.addCleanup(first.close)
        first.create("mail")
        second = self.standby(first)
        first.sql("ALTER SYSTEM SET synchronous_standby_names = 'second'")
        first.sql("SELECT pg_reload_conf()")
        rng = random.Random(SEED)
        promises = Promises()
        self.start("mail", 2, "host=%s,%s user=%s dbname=mail" % (
            first.dir, second.dir, cluster.USER))
        workers = self.begin_load(promises, rng)
        time.sleep(1.5)
        before = len(promises.sure)
        first.kill()
        cluster.run(second.owned("pg_ctl", "-D", second.data, "-w", "-s",
                                 "promote"))
        second.sql("ALTER SYSTEM SET synchronous_standby_names = ''")
        second.sql("SELECT pg_reload_conf()")
        end = time.monotonic() + 30 * SLOW
        while len(promises.sure) < before + 20:
            self.assertLess(time.monotonic(), end, "they do not go on")
            time.sleep(0.05)
        self.end_load(workers)
        self.cluster, old = second, self.cluster
        try:
            n = self.audit(promises)
        finally:
            self.cluster = old
        print("promoted: %d acknowledged before, %d in all, %d messages" % (
            before, len(promises.sure), n), file=sys.stderr)


if __name__ == "__main__":
    unittest.main()
