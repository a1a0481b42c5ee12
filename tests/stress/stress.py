#!/usr/bin/env python3
"""The state-tracking stress against a server of its own:

    tests/stress/stress.py [--seconds N] [--connections N] [--users N] [--seed N]
        [--outsiders] [--trace DIR] [--set KEY=VALUE]...

POSTERN_PREFIX names the installation of the server (default: build/install),
POSTERN_STRESS the program (default: build/tests/stress/stress). When the
clients had nothing to complain about, what they know is compared with the
Maildirs on the disk and with the server after a restart.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../support"))
import postern  # noqa: E402

PROGRAM = os.environ.get("POSTERN_STRESS", os.path.join(
    postern.ROOT, "build/tests/stress/stress"))
LETTERS = {"R": 1, "F": 2, "T": 4, "S": 8, "D": 16}
KEYWORDS = ["$One", "$Two", "Three", "four", "$Forwarded", "NonJunk"]


class Wrong(Exception):
    pass


def folder(box):
    return "" if box == "INBOX" else "." + box.replace("/", ".")


def keywords(path):
    """What the letters of keywords mean in a mailbox: bits by letter."""
    found = {}
    with open(os.path.join(path, "postern.state")) as f:
        for line in f:
            m = re.match(r"keyword (\d+) (\S+)$", line)
            if m and m.group(2) in KEYWORDS and int(m.group(1)) < 26:
                found[chr(ord("a") + int(m.group(1)))] = (
                    32 << KEYWORDS.index(m.group(2)))
    return found


def on_disk(path):
    """{uid: (flags, number of the message)}"""
    bits = dict(LETTERS, **keywords(path))
    found = {}
    for sub in "new", "cur":
        for name in os.listdir(os.path.join(path, sub)):
            key, _, letters = name.partition(":2,")
            uid = re.search(r",U=(\d+)", key)
            if not uid:
                raise Wrong("%s/%s has no uid" % (path, name))
            uid = int(uid.group(1))
            if uid in found:
                raise Wrong("%s: two files with uid %d" % (path, uid))
            with open(os.path.join(path, sub, name), "rb") as f:
                m = re.match(rb"X-Stress: (\d+)\r?\n", f.readline())
            found[uid] = (sum(bits.get(c, 0) for c in letters),
                          int(m.group(1)) if m else 0)
    return found


def validity(path):
    with open(os.path.join(path, "postern.state")) as f:
        return int(re.search(r"^uidvalidity (\d+)$", f.read(), re.M).group(1))


def read_dump(path):
    """[(user, box, validity, {uid: (flags, message)})]"""
    boxes = []
    with open(path) as f:
        for line in f:
            kind, rest = line.rstrip("\n").split(" ", 1)
            if kind == "box":
                user, number, name = rest.split(" ", 2)
                boxes.append((user, name, int(number), {}))
            else:
                uid, flags, message = rest.split()
                boxes[-1][3][int(uid)] = (int(flags, 16), int(message))
    return boxes


def compare_disk(server, boxes):
    compared = 0
    for user, name, number, known in boxes:
        path = os.path.join(server.maildir(user), folder(name))
        if not os.path.isdir(path) or validity(path) != number:
            if name.startswith("Fleet"):
                continue  # it was deleted
            raise Wrong("%s of %s is not on the disk" % (name, user))
        disk = on_disk(path)
        for uid in sorted(set(disk) | set(known)):
            if disk.get(uid) != known.get(uid):
                raise Wrong("%s of %s, uid %d: (flags, message) is %s on the "
                            "disk, the clients know %s" % (
                                name, user, uid, disk.get(uid),
                                known.get(uid)))
        compared += len(disk)
    return compared


def flag_bits(text):
    names = ["\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft",
             *KEYWORDS]
    return sum(1 << names.index(f) for f in text.split() if f != "\\Recent")


def compare_restarted(server, boxes):
    import socket
    for user, name, number, known in boxes:
        if name.startswith("Fleet"):
            continue
        with socket.create_connection((server.host, server.ports["imap"]),
                                      60 * postern.SLOW) as s:
            s.sendall(('a LOGIN "%s" %s\r\nb EXAMINE "%s"\r\n'
                       "c UID FETCH 1:* (UID FLAGS)\r\nd LOGOUT\r\n" % (
                           user, server.password, name)).encode())
            data = b""
            while b"\r\nd OK" not in data:
                more = s.recv(65536)
                if not more:
                    raise Wrong("after the restart: %r" % data[-500:])
                data += more
        text = data.decode()
        if "[UIDVALIDITY %d]" % number not in text:
            raise Wrong("%s of %s has another UIDVALIDITY after the restart"
                        % (name, user))
        now = {int(uid): flag_bits(flags) for uid, flags in re.findall(
            r"FETCH \(UID (\d+) FLAGS \(([^)]*)\)\)", text)}
        want = {uid: flags for uid, (flags, _) in known.items()}
        if now != want:
            raise Wrong("%s of %s is different after the restart: %s" % (
                name, user, sorted(set(now.items()) ^ set(want.items()))))


def run(seconds, connections=30, users=3, seed=None, outsiders=False,
        trace=None, settings=(), out=sys.stdout):
    """True when nothing was wrong."""
    with tempfile.TemporaryDirectory(prefix="postern-stress-") as dir:
        server = postern.Server(
            users=users, set=list(settings), dir=os.path.join(dir, "server"))
        os.mkdir(server.dir)
        server.start()
        dump = os.path.join(dir, "dump")
        command = [PROGRAM, "--port", str(server.ports["imap"]),
                   "--host", server.host, "--seconds", str(seconds),
                   "--connections", str(connections), "--users", str(users),
                   "--patience", str(30 * postern.SLOW), "--dump", dump]
        if seed is not None:
            command += ["--seed", str(seed)]
        if outsiders:
            command += ["--outside", server.mail_root]
        if trace:
            os.makedirs(trace, exist_ok=True)
            command += ["--trace", trace]
        try:
            p = subprocess.run(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                timeout=seconds + 300 * postern.SLOW)
            out.write(p.stdout.decode(errors="replace"))
            out.flush()
            good = p.returncode == 0
            status = server.stop()
            if status != 0:
                raise Wrong("the server ended with %s" % status)
            if good:
                boxes = read_dump(dump)
                n = compare_disk(server, boxes)
                server.start()
                compare_restarted(server, boxes)
                out.write("stress: %d messages are the same on the disk and "
                          "after a restart\n" % n)
        except (Wrong, RuntimeError, subprocess.TimeoutExpired) as e:
            out.write("=== WRONG: %s\n" % e)
            good = False
        finally:
            if server.process is not None and server.process.poll() is None:
                server.kill()
        errors = [line for line in server.log().splitlines()
                  if re.search(r"\b(error|warning|bug)\b", line, re.I)]
        if errors:
            out.write("what the server logged:\n%s\n" %
                      "\n".join(errors[-40:]))
        return good


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--connections", type=int, default=30)
    parser.add_argument("--users", type=int, default=3)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--outsiders", action="store_true")
    parser.add_argument("--trace")
    parser.add_argument("--set", action="append", default=[])
    args = parser.parse_args()
    good = run(args.seconds, args.connections, args.users, args.seed,
               args.outsiders, args.trace, args.set)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
