#!/usr/bin/env python3
"""Makes samples of the formats that the present build writes:

    make.py maildir-1 accounts-4 ...

in samples/NAME. What is there is never made anew: a released format does not
change. HACKING.md tells when a new sample is needed.
"""

import json
import os
import shutil
import sqlite3
import sys

import content
from postern import Server

SAMPLES = os.path.join(content.HERE, "samples")
# What belongs to the machine, to the moment, or can be made again.
PASSED_OVER = ("postern.lock", "postern.tmp", "postern.text")


def describe(server):
    return {server.users[u]: content.look(server, u)
            for u in range(content.USERS)}


def write(path, what):
    with open(path, "w") as f:
        json.dump(what, f, indent=1, sort_keys=True, ensure_ascii=False)
        f.write("\n")


def make_files(to, module):
    with Server(users=content.USERS, storage=module) as server:
        content.fill(server)
        expected = describe(server)
        server.stop()
        shutil.copytree(server.mail_root, os.path.join(to, "mail"),
                        ignore=shutil.ignore_patterns(*PASSED_OVER))
        write(os.path.join(to, "expected.json"), expected)


def make_accounts(to):
    with Server(users=content.USERS, storage="maildir") as server:
        content.fill(server)
        expected = content.look_at_accounts(server)
        server.stop()
        db = sqlite3.connect(os.path.join(server.dir, "state/accounts.db"))
        os.makedirs(to)
        with open(os.path.join(to, "accounts.sql"), "w") as f:
            for pragma in ("application_id", "user_version"):
                f.write("PRAGMA %s = %d;\n" % (pragma, db.execute(
                    "PRAGMA " + pragma).fetchone()[0]))
            f.writelines(line + "\n" for line in db.iterdump())
        db.close()
        write(os.path.join(to, "expected.json"), expected)


def make(name):
    to = os.path.join(SAMPLES, name)
    if os.path.exists(to):
        sys.exit(to + " is there already")
    kind = name.rpartition("-")[0]
    if kind in ("maildir", "mbox"):
        make_files(to, kind)
    elif kind == "accounts":
        make_accounts(to)
    else:
        sys.exit("there is no kind of sample called " + kind)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for arg in sys.argv[1:]:
        make(arg)
