"""Mixed load on a server, a memory of all that it acknowledged, and the audit
of what is there afterwards.

Every message carries a token, its number and a checksum of its body. The
memory (Ledger) knows

- which message was acknowledged for whom: it must be somewhere in that user's
  mailboxes, complete, unless a command that removes it was issued;
- which message was acknowledged under which uid (APPENDUID, COPYUID, FETCH):
  it must be there, unless a command that removes or moves that one was issued,
  and no other message may ever have that uid;
- which uids were removed with OK: they must not come back;
- the flags that were acknowledged.

Each Mutator owns its user's mailboxes but for the INBOX, which others deliver
to; so it always knows what can have happened.
"""

import hashlib
import os
import random
import re
import socket
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("../support", "../session/imap"):
    sys.path.insert(0, os.path.join(HERE, folder))
from imap_client import Client, Closed  # noqa: E402
from postern import SLOW, Server  # noqa: E402, F401

GONE = (Closed, OSError, EOFError)
FLAGS = (r"\Seen", r"\Answered", r"\Flagged", r"\Draft", "$Work", "Later")


class Lost(AssertionError):
    """The server broke a promise."""


def make_message(token, rng, line_end="\r\n"):
    lines = ["line %d %s" % (i, "x" * rng.randrange(70))
             for i in range(rng.choice((0, 1, 3, 10, 40, 400)))]
    body = "".join(x + "\r\n" for x in lines)
    text = ("From: load@example.org\r\nSubject: load\r\n"
            "X-Token: %s\r\nX-Sum: %s\r\n\r\n%s" % (
                token, hashlib.sha256(body.encode()).hexdigest(), body))
    return text.replace("\r\n", line_end).encode()


def check_message(data):
    """The token of a whole message; raises for half a one."""
    head, found, body = data.partition(b"\r\n\r\n")
    token = re.search(rb"(?m)^X-Token: (\S+)\r?$", head)
    digest = re.search(rb"(?m)^X-Sum: (\w+)\r?$", head)
    if not found or not token or not digest:
        raise Lost("not a whole message: %r" % data[:300])
    if hashlib.sha256(body).hexdigest().encode() != digest.group(1):
        raise Lost("message %s is damaged: %d octets of body: %r" % (
            token.group(1).decode(), len(body), body[-100:]))
    return token.group(1).decode()


def parse_set(text):
    """"1:3,7" as a list, in its order."""
    uids = []
    for part in text.decode().split(","):
        first, _, last = part.partition(":")
        a, b = int(first), int(last or first)
        uids += range(a, b + 1) if a <= b else range(b, a + 1)
    return uids


class Box:
    """One mailbox, whatever its name is."""

    def __init__(self, *names, may_miss=False):
        self.names = list(names)        # more than one: a rename was cut off
        self.may_miss = may_miss        # its creation or deletion was cut off
        self.validity = None
        self.is_gone = False
        self.live = {}          # uid -> token: acknowledged, not removed
        self.maybe = set()      # uids whose removal was issued
        self.removed = set()    # uids whose removal was acknowledged
        self.flags = {}         # uid -> what its flags may be, as sets
        self.top = 0            # largest uid ever seen


class User:
    def __init__(self, number):
        self.number = number
        self.boxes = {}         # name -> Box, or the names of a cut off rename
        self.expected = {}      # token -> when it was acknowledged
        self.excused = set()    # tokens whose removal was issued
        self.seen = {}          # (name, validity, uid) -> token
        self.lock = threading.Lock()    # guards all of this


class Ledger:
    def __init__(self, users):
        self.users = [User(i) for i in range(users)]
        for u in self.users:
            for name in ("INBOX", "Sent", "Drafts", "Trash", "Archive",
                         "Junk"):
                u.boxes[name] = Box(name)
        self.counter = 0
        self.lock = threading.Lock()    # guards the counters
        self.counts = {}
        self.farewells = []
        self.dropped = set()    # tokens that another program delivered

    def token(self):
        with self.lock:
            self.counter += 1
            return "T%06d" % self.counter

    def count(self, what, n=1):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + n

    def delivered(self, number, token):
        user = self.users[number]
        with user.lock:
            user.expected[token] = time.monotonic()

    def placed(self, user, box, validity, uid, token):
        """A message is known to have this uid; the user's lock is held."""
        if box.validity is None:
            box.validity = validity
        elif box.validity != validity:
            raise Lost("UIDVALIDITY of %s went from %s to %s" % (
                box.names, box.validity, validity))
        for name in box.names:
            old = user.seen.setdefault((name, validity, uid), token)
            if old != token:
                raise Lost("uid %d of user %d %s (%d) was %s, now is %s" % (
                    uid, user.number, name, validity, old, token))
        box.top = max(box.top, uid)


# --- the load -------------------------------------------------------------


class Worker(threading.Thread):
    """Works until the server is gone or `stop` is set."""

    def __init__(self, server, ledger, seed):
        super().__init__(daemon=True)
        self.server = server
        self.ledger = ledger
        self.rng = random.Random(seed)
        self.stop = threading.Event()
        self.failure = None
        self.last_words = b""

    def run(self):
        try:
            while not self.stop.is_set():
                self.session()
        except GONE as e:
            if isinstance(e, Closed) and e.args:
                self.last_words = e.args[0]
        except Exception as e:      # told by join_all()
            self.failure = e

    def session(self):
        raise NotImplementedError


class Sender(Worker):
    """SMTP or LMTP: some messages in each connection, for one or two."""

    port = "smtp"

    def line(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError
        return line

    def reply(self):
        while True:
            line = self.line()
            if line[:3] == b"421":
                self.ledger.farewells.append(line)
                raise EOFError
            if line[3:4] != b"-":
                return int(line[:3])

    def command(self, text):
        self.sock.sendall(text.encode() + b"\r\n")
        return self.reply()

    def session(self):
        self.sock = socket.create_connection(
            (self.server.host, self.server.ports[self.port]), 30 * SLOW)
        try:
            with self.sock.makefile("rb") as self.file:
                self.reply()
                self.command("LHLO x" if self.port == "lmtp" else "EHLO x")
                for _ in range(self.rng.randrange(1, 15)):
                    if self.stop.is_set():
                        break
                    self.send_one()
        finally:
            self.sock.close()

    def send_one(self):
        users = self.rng.sample(range(len(self.server.users)),
                                self.rng.choice((1, 1, 2)))
        token = self.ledger.token()
        data = make_message(token, self.rng)
        commands = ["MAIL FROM:<load@example.org>"] + [
            "RCPT TO:<%s>" % self.server.users[u] for u in users] + ["DATA"]
        self.sock.sendall("".join(c + "\r\n" for c in commands).encode())
        codes = [self.reply() for _ in commands]
        if codes[-1] != 354:
            self.ledger.count("refused")
            return
        self.sock.sendall(data + b".\r\n")
        for i, u in enumerate(users):
            if self.port == "lmtp" or i == 0:
                code = self.reply()
            if code == 250:
                self.ledger.delivered(u, token)
                self.ledger.count("delivered")
            else:
                self.ledger.count("refused")


class LmtpSender(Sender):
    port = "lmtp"


class Dropper(Worker):
    """Another program that delivers into new/."""

    def session(self):
        number = self.rng.randrange(len(self.server.users))
        path = self.server.maildir(self.server.users[number])
        if not os.path.isdir(os.path.join(path, "new")):
            time.sleep(0.05)
            return
        token = self.ledger.token()
        name = "%d.%s.elsewhere" % (time.time(), token)
        temporary = os.path.join(path, "tmp", name)
        try:
            with open(temporary, "wb") as f:
                f.write(make_message(token, self.rng,
                                     self.rng.choice(("\n", "\r\n"))))
            os.rename(temporary, os.path.join(path, "new", name))
        except OSError:     # no room
            if os.path.exists(temporary):
                os.unlink(temporary)
            self.stop.wait(0.05)
            return
        self.ledger.dropped.add(token)
        self.ledger.delivered(number, token)
        self.ledger.count("dropped")
        self.stop.wait(self.rng.random() * 0.05)


class ImapWorker(Worker):
    user_number = 0

    def session(self):
        self.user = self.ledger.users[self.user_number]
        self.client = Client(self.server, timeout=30)
        try:
            self.client.login(self.user_number)
            for _ in range(self.rng.randrange(3, 20)):
                if self.stop.is_set():
                    break
                self.step()
        finally:
            self.client.close()

    def command(self, text):
        """The answer; a command that the server refuses is no failure."""
        untagged, tagged = self.client.cmd(text)
        for r in untagged:
            if r.startswith(b"* BYE"):
                self.ledger.farewells.append(r)
        return tagged.startswith(b"OK"), untagged, tagged

    def append(self, box):
        token = self.ledger.token()
        data = make_message(token, self.rng)
        name = box.names[0]
        tag = self.client.tag()
        self.client.send('%s APPEND "%s" {%d+}\r\n' % (tag, name, len(data)))
        self.client.send(data + b"\r\n")
        _, tagged = self.client.finish(tag)
        m = re.match(rb"OK \[APPENDUID (\d+) (\d+)\]", tagged)
        if not m:
            self.ledger.count("refused")
            return
        validity, uid = int(m.group(1)), int(m.group(2))
        with self.user.lock:
            self.user.expected[token] = time.monotonic()
            self.ledger.placed(self.user, box, validity, uid, token)
            if uid not in box.maybe:
                box.live[uid] = token
        self.ledger.count("appended")


class Appender(ImapWorker):
    """A second session of the user: appends to Sent while the other works."""

    def step(self):
        self.append(self.user.boxes["Sent"])


class Mutator(ImapWorker):
    """Flags, copies, moves, removals, and mailboxes that come and go."""

    def step(self):
        self.rng.choice((
            self.do_append, self.do_append, self.do_store, self.do_store,
            self.do_copy, self.do_copy, self.do_move, self.do_move,
            self.do_expunge, self.do_create, self.do_rename, self.do_delete,
            self.do_flag_all))()

    def pick(self, only_own=False):
        """A mailbox whose name is certain."""
        names = [n for n, b in self.user.boxes.items()
                 if isinstance(n, str) and len(b.names) == 1
                 and (not only_own or n.startswith("load"))]
        return self.user.boxes[self.rng.choice(names)] if names else None

    def select(self, box):
        """The messages of the box: a list of (uid, token), and UIDVALIDITY;
        None when it cannot be selected."""
        ok, untagged, _ = self.command('SELECT "%s"' % box.names[0])
        if not ok:
            return None
        validity = int(re.search(rb"\[UIDVALIDITY (\d+)\]",
                                 b"\n".join(untagged)).group(1))
        ok, untagged, _ = self.command(
            "UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (X-TOKEN)])")
        found = []
        with self.user.lock:
            for r in untagged:
                m = re.search(rb"UID (\d+)", r)
                t = re.search(rb"X-Token: (\S+)", r)
                if not m or not t:
                    continue    # taken away meanwhile, or only its flags
                uid, token = int(m.group(1)), t.group(1).decode()
                self.ledger.placed(self.user, box, validity, uid, token)
                if uid in box.removed:
                    raise Lost("uid %d of %s is back" % (uid, box.names))
                found.append((uid, token))
        return found

    def sample(self, found):
        return sorted(self.rng.sample(
            found, min(len(found), self.rng.randrange(1, 12))))

    def do_append(self):
        self.append(self.pick())

    def do_store(self):
        box = self.pick()
        found = self.select(box)
        if not found:
            return
        some = self.sample(found)
        flags = frozenset(self.rng.sample(FLAGS, self.rng.randrange(4)))
        with self.user.lock:
            for uid, _ in some:
                box.flags[uid] = box.flags.get(uid, {None}) | {flags}
        ok, _, _ = self.command("UID STORE %s FLAGS.SILENT (%s)" % (
            ",".join(str(u) for u, _ in some), " ".join(sorted(flags))))
        if ok:
            with self.user.lock:
                for uid, _ in some:
                    box.flags[uid] = {flags}
            self.ledger.count("flags", len(some))

    def do_flag_all(self):
        """Many renames at a time, of what else happens in the INBOX, too."""
        box = self.user.boxes["INBOX"]
        ok, _, _ = self.command("SELECT INBOX")
        if ok:
            with self.user.lock:
                box.flags.clear()
            self.command("STORE 1:* %sFLAGS.SILENT (All)"
                         % self.rng.choice("+-"))

    def copied(self, tagged, found, target):
        """What COPYUID tells: source uid -> target uid."""
        m = re.search(rb"\[COPYUID (\d+) (\S+) (\S+)\]", tagged)
        if not m:
            return {}
        pairs = dict(zip(parse_set(m.group(2)), parse_set(m.group(3))))
        tokens = dict(found)
        for source, uid in pairs.items():
            self.ledger.placed(self.user, target, int(m.group(1)), uid,
                               tokens[source])
            if uid not in target.maybe:
                target.live[uid] = tokens[source]
        return pairs

    def do_copy(self):
        box, target = self.pick(), self.pick()
        found = self.select(box)
        if not found:
            return
        some = self.sample(found)
        ok, untagged, tagged = self.command('UID COPY %s "%s"' % (
            ",".join(str(u) for u, _ in some), target.names[0]))
        if ok:
            with self.user.lock:
                self.copied(tagged, found, target)
            self.ledger.count("copied", len(some))

    def do_move(self):
        box, target = self.pick(), self.pick()
        if box is target:
            return
        found = self.select(box)
        if not found:
            return
        some = self.sample(found)
        with self.user.lock:
            for uid, _ in some:
                box.maybe.add(uid)
        ok, untagged, tagged = self.command('UID MOVE %s "%s"' % (
            ",".join(str(u) for u, _ in some), target.names[0]))
        told = b"\n".join(untagged + [tagged])
        if ok:
            with self.user.lock:
                for uid in self.copied(told, found, target):
                    box.removed.add(uid)
                    box.live.pop(uid, None)
            self.ledger.count("moved", len(some))

    def do_expunge(self):
        box = self.pick()
        found = self.select(box)
        if not found:
            return
        some = self.sample(found)
        uids = ",".join(str(u) for u, _ in some)
        with self.user.lock:
            for uid, token in some:
                box.maybe.add(uid)
                box.flags.pop(uid, None)
                self.user.excused.add(token)
        ok, _, _ = self.command(
            "UID STORE %s +FLAGS.SILENT (\\Deleted)" % uids)
        if not ok:
            return
        ok, _, _ = self.command("UID EXPUNGE " + uids)
        if ok:
            with self.user.lock:
                for uid, _ in some:
                    box.removed.add(uid)
                    box.live.pop(uid, None)
            self.ledger.count("expunged", len(some))

    def do_create(self):
        own = [n for n in self.user.boxes if isinstance(n, str)
               and n.startswith("load")]
        if len(own) > 12:
            return
        name = "load%d" % self.rng.randrange(40)
        if own and self.rng.random() < 0.5:
            name = self.rng.choice(own).split("/")[0] + "/sub%d" % (
                self.rng.randrange(5))
        if any(name in b.names for b in self.user.boxes.values()):
            return
        box = Box(name, may_miss=True)
        with self.user.lock:
            self.user.boxes[name] = box
        ok, _, _ = self.command('CREATE "%s"' % name)
        if not ok:
            with self.user.lock:
                del self.user.boxes[name]
            return
        box.may_miss = False
        self.ledger.count("created")
        # a parent that wasn't there may have come with it
        parent = name.split("/")[0]
        if parent != name and not any(
                parent in b.names for b in self.user.boxes.values()):
            with self.user.lock:
                self.user.boxes[parent] = Box(parent, may_miss=True)
        for _ in range(self.rng.randrange(4)):
            self.append(box)

    def do_rename(self):
        box = self.pick(only_own=True)
        if box is None or box.may_miss:
            return
        old, new = box.names[0], "load%d" % self.rng.randrange(40)
        if any(n == new or n.startswith(new + "/") for b in
               self.user.boxes.values() for n in b.names):
            return
        with self.user.lock:
            moved = [b for b in self.user.boxes.values()
                     if b.names[0] == old or b.names[0].startswith(old + "/")]
            for b in moved:
                b.names.append(new + b.names[0][len(old):])
        ok, _, _ = self.command('RENAME "%s" "%s"' % (old, new))
        with self.user.lock:
            for b in moved:
                del self.user.boxes[b.names[0]]
                b.names = [b.names[1 if ok else 0]]
                self.user.boxes[b.names[0]] = b
                if ok:
                    for uid, token in b.live.items():
                        self.ledger.placed(self.user, b, b.validity, uid,
                                           token)
        if ok:
            self.ledger.count("renamed")

    def do_delete(self):
        box = self.pick(only_own=True)
        if box is None or self.rng.random() < 0.5:
            return
        name = box.names[0]
        if any(n.startswith(name + "/") for b in self.user.boxes.values()
               for n in b.names):
            return
        found = self.select(box)
        if found is None:
            return
        self.command("UNSELECT")
        with self.user.lock:
            box.may_miss = True
            self.user.excused.update(t for _, t in found)
            self.user.excused.update(box.live.values())
        ok, _, _ = self.command('DELETE "%s"' % name)
        with self.user.lock:
            if ok:
                del self.user.boxes[name]
            else:
                box.may_miss = False
        if ok:
            self.ledger.count("deleted")


def start_load(server, ledger, seed):
    rng = random.Random(seed)
    workers = [Sender(server, ledger, rng.random()) for _ in range(3)]
    workers += [LmtpSender(server, ledger, rng.random()),
                Dropper(server, ledger, rng.random())]
    for number in range(len(server.users)):
        for kind in (Mutator, Appender):
            w = kind(server, ledger, rng.random())
            w.user_number = number
            workers.append(w)
    for w in workers:
        w.start()
    return workers


def join_all(workers):
    for w in workers:
        w.stop.set()
    for w in workers:
        w.join(60 * SLOW)
        if w.is_alive():
            raise AssertionError("%s hangs" % type(w).__name__)
        if w.failure:
            raise w.failure


# --- the audit --------------------------------------------------------------


class Audit:
    """Compares what the server shows with what it said before. On a full disk
    it has no room for the uids of what other programs delivered: those
    messages may wait."""

    def __init__(self, server, ledger, is_full=False):
        self.server = server
        self.ledger = ledger
        self.may_wait = ledger.dropped if is_full else ()
        self.messages = 0

    def run(self):
        for user in self.ledger.users:
            client = Client(self.server, timeout=60).login(user.number)
            try:
                self.user(client, user)
            finally:
                client.close()
        return self.messages

    def user(self, client, user):
        listed = {re.search(rb' "/" "?([^"]*?)"?$', r).group(1).decode()
                  for r in client.ok('LIST "" "*"')}
        self.settle_names(user, listed)
        everywhere = {}
        for box in user.boxes.values():
            for uid, token in self.box(client, user, box).items():
                everywhere.setdefault(token, []).append((box.names[0], uid))
        missing = [t for t in user.expected
                   if t not in everywhere and t not in user.excused
                   and t not in self.may_wait]
        if missing:
            raise Lost("user %d: acknowledged and lost: %s" % (
                user.number + 1, missing[:20]))

    def settle_names(self, user, listed):
        """What came of the commands that were cut off."""
        boxes = []
        for box in user.boxes.values():
            names = [n for n in box.names if n in listed]
            if len(names) > 1:
                raise Lost("%s are both there" % names)
            if not names and not box.may_miss:
                raise Lost("user %d: no mailbox %s, only %s" % (
                    user.number + 1, box.names, sorted(listed)))
            if names:
                box.names = names
                box.may_miss = False
                boxes.append(box)
        user.boxes = {b.names[0]: b for b in boxes}
        strange = listed - set(user.boxes)
        if strange:
            raise Lost("user %d: mailboxes that nobody made: %s" % (
                user.number + 1, strange))

    def box(self, client, user, box):
        untagged = b"\n".join(client.ok('EXAMINE "%s"' % box.names[0]))
        validity = int(re.search(rb"\[UIDVALIDITY (\d+)\]", untagged).group(1))
        next_uid = int(re.search(rb"\[UIDNEXT (\d+)\]", untagged).group(1))
        count = int(re.search(rb"\* (\d+) EXISTS", untagged).group(1))
        if box.validity not in (None, validity):
            raise Lost("UIDVALIDITY of %s went from %d to %d" % (
                box.names[0], box.validity, validity))
        if next_uid <= box.top:
            raise Lost("%s: UIDNEXT %d, but uid %d was given" % (
                box.names[0], next_uid, box.top))
        found = {}
        got = client.ok("FETCH 1:* (UID FLAGS BODY.PEEK[])") if count else []
        for r in got:
            self.message(user, box, validity, found, r)
        if len(found) != count:
            raise Lost("%s: %d messages, %d were fetched" % (
                box.names[0], count, len(found)))
        if list(found) != sorted(found):
            raise Lost("%s: uids do not ascend" % box.names[0])
        for uid, token in box.live.items():
            if uid not in found and uid not in box.maybe:
                raise Lost("user %d %s: uid %d (%s) is lost" % (
                    user.number + 1, box.names[0], uid, token))
        back = box.removed & set(found)
        if back:
            raise Lost("user %d %s: uids %s are back" % (
                user.number + 1, box.names[0], sorted(back)))
        box.live = found
        box.maybe = set()
        self.messages += len(found)
        return found

    def message(self, user, box, validity, found, response):
        head, _, data = response.partition(b"\r\n")
        uid = int(re.search(rb"UID (\d+)", head).group(1))
        size = int(re.search(rb"\{(\d+)\}$", head).group(1))
        token = check_message(data[:size])
        self.ledger.placed(user, box, validity, uid, token)
        found[uid] = token
        flags = frozenset(re.search(rb"FLAGS \(([^)]*)\)", head).group(1)
                          .decode().split()) - {r"\Recent", "All", r"\Deleted"}
        allowed = box.flags.get(uid, {None})
        if None not in allowed and flags not in allowed:
            raise Lost("user %d %s uid %d: flags are %s, not %s" % (
                user.number + 1, box.names[0], uid, sorted(flags),
                [sorted(a) for a in allowed]))
        box.flags.pop(uid, None)

    def thin_out(self, keep):
        """Removes old messages, so that audits stay short."""
        for user in self.ledger.users:
            client = Client(self.server, timeout=60).login(user.number)
            for box in user.boxes.values():
                uids = sorted(box.live)[:-keep]
                if not uids:
                    continue
                client.ok('SELECT "%s"' % box.names[0])
                user.excused.update(box.live[u] for u in uids)
                text = ",".join(map(str, uids))
                client.ok("UID STORE %s +FLAGS.SILENT (\\Deleted)" % text)
                client.ok("UID EXPUNGE " + text)
                box.removed.update(uids)
                for u in uids:
                    del box.live[u]
                client.ok("UNSELECT")
            client.close()
            gone = user.excused
            user.expected = {t: w for t, w in user.expected.items()
                             if t not in gone}
