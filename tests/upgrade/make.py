#!/usr/bin/env python3
"""Makes samples of the formats that the present build writes:

    make.py maildir-1 accounts-4 ...

in samples/NAME. What is there is never made anew: a released format does not
change. HACKING.md tells when a new sample is needed.
"""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys

import content  # finds the others
import cluster
from postern import Server, empty_database

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


def dump(conninfo):
    """The schema of a server's database, without whose it is."""
    c = cluster.cluster()
    # All rows are for the superuser's eyes alone.
    conninfo = c.conninfo(conninfo.rpartition("=")[2], cluster.ADMIN)
    text = subprocess.run(
        [os.path.join(c.bin, "pg_dump"), "-d", conninfo, "--no-owner",
         "--no-privileges", "--inserts", "--rows-per-insert=100"],
        capture_output=True, check=True, text=True).stdout
    # Comments and settings are of that version of PostgreSQL.
    text = re.sub(r"(?m)^(--.*|SET (?!check_function_bodies).*|"
                  r"\\(un)?restrict .*)?\n", "", text)
    return text


def make_postgresql(to):
    """Mail and accounts: both are in one database."""
    conninfo = empty_database()
    with Server(users=content.USERS, storage="postgresql:" + conninfo,
                set=["accounts.database=postgresql"]) as server:
        content.fill(server)
        expected = describe(server)
        accounts = content.look_at_accounts(server)
    os.makedirs(to)
    with open(os.path.join(to, "dump.sql"), "w") as f:
        f.write(dump(conninfo))
    write(os.path.join(to, "expected.json"), expected)
    write(os.path.join(to, "accounts.json"), accounts)


def make(name):
    to = os.path.join(SAMPLES, name)
    if os.path.exists(to):
        sys.exit(to + " is there already")
    kind = name.rpartition("-")[0]
    if kind in ("maildir", "mbox"):
        make_files(to, kind)
    elif kind == "accounts":
        make_accounts(to)
    elif kind == "postgresql":
        make_postgresql(to)
    else:
        sys.exit("there is no kind of sample called " + kind)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for arg in sys.argv[1:]:
        make(arg)
