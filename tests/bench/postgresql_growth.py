#!/usr/bin/env python3
"""How a database of mail grows, and what it is asked: rows, octets and indexes
by user and message, statements and exchanges by operation.

    postgresql_growth.py [USERS [MESSAGES]]     default 20 100, of 4 KiB

makes a throw-away cluster with pg_stat_statements and a server, and fills it.
An exchange is counted for each statement that tells whose rows it is about,
and for each COMMIT that is sent behind it. Figures of the database: they move
little with what else the machine does.
"""

import os
import smtplib
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("../support", "../session/imap"):
    sys.path.insert(0, os.path.join(HERE, folder))
import cluster  # noqa: E402
from imap_client import Client  # noqa: E402
from postern import Server  # noqa: E402

MODULE = "SET search_path = postern, public; "


class Growth:
    def __init__(self, users, messages):
        self.users, self.messages = users, messages
        self.cluster = cluster.new()
        with open(os.path.join(self.cluster.data, "postgresql.conf"),
                  "a") as f:
            f.write("shared_preload_libraries = 'pg_stat_statements'\n"
                    "pg_stat_statements.track = top\nautovacuum = on\n")
        self.cluster.restart()
        self.conninfo = self.cluster.create("mail")
        self.cluster.sql("CREATE EXTENSION pg_stat_statements", "mail")
        self.server = Server(users=users, set=("log.level=warning",),
                             storage="postgresql:" + self.conninfo).start()

    def end(self):
        self.server.stop()
        self.server.clean()
        self.cluster.close()

    def counts(self):
        out = self.cluster.sql(
            "SELECT coalesce(sum(calls), 0), coalesce(sum(calls) FILTER"
            " (WHERE query LIKE 'SELECT set_config(%::text%'), 0), coalesce(sum(calls) FILTER"
            " (WHERE query = 'COMMIT'), 0), coalesce(sum(total_exec_time), 0)"
            " FROM pg_stat_statements WHERE userid ="
            " (SELECT oid FROM pg_roles WHERE rolname = 'postern')"
            " AND query NOT LIKE '%moved\\_%' AND query NOT LIKE '%sweep%'",
            "mail")
        return [float(x) for x in out.strip().split("|")]

    def measure(self, what, work, n):
        self.cluster.sql("SELECT pg_stat_statements_reset()", "mail")
        work()
        time.sleep(0.3)
        calls, begun, committed, ms = self.counts()
        print("%-34s %6.1f statements %6.1f exchanges %7.2f ms" % (
            what, calls / n, (begun + committed) / n, ms / n), flush=True)

    def deliver(self, users, n):
        body = "Subject: growth\r\n\r\n" + ("x" * 70 + "\r\n") * 56
        # smtplib's LMTP knows of one answer only.
        kind, port = ((smtplib.LMTP, "lmtp") if len(users) == 1
                      else (smtplib.SMTP, "smtp"))
        with kind(self.server.host, self.server.ports[port]) as s:
            for _ in range(n):
                s.sendmail("a@example.org", users, body)

    def login(self, number=0):
        c = Client(self.server)
        c.cmd("LOGIN %s %s" % (self.server.users[number],
                               self.server.password))
        return c

    def run(self):
        users, n = self.server.users, self.messages
        self.measure("first mail of a user",
                     lambda: [self.deliver([u], 1) for u in users], self.users)
        self.measure("delivery of 4 KiB", lambda: [
            self.deliver([u], n - 1) for u in users], self.users * (n - 1))
        some = users[:10]
        self.measure("delivery to 10 users",
                     lambda: self.deliver(some, 10), 10)
        self.measure("login, nobody was there", lambda: [
            self.login(i).close() for i in range(5, 15)], 10)
        c = self.login()
        self.measure("LIST", lambda: c.ok('LIST "" *'), 1)
        self.measure("first SELECT", lambda: c.ok("SELECT INBOX"), 1)
        self.measure("ENVELOPE of all, first time",
                     lambda: c.ok("FETCH 1:* ENVELOPE"), 1)
        d = self.login(1)
        d.ok("SELECT INBOX")
        d.ok("FETCH 1:* ENVELOPE")
        e = self.login(1)
        e.ok("SELECT INBOX")
        self.measure("ENVELOPE of all, again",
                     lambda: e.ok("FETCH 1:* ENVELOPE"), 1)
        self.measure("read a message", lambda: [
            c.ok("FETCH %d BODY[]" % i) for i in range(1, 11)], 10)
        self.measure("STORE of a flag", lambda: [
            c.ok("STORE %d +FLAGS (\\Seen)" % i) for i in range(1, 11)], 10)
        self.measure("COPY of 10", lambda: c.ok("COPY 1:10 Archive"), 1)
        self.measure("EXPUNGE of one", lambda: [
            (c.ok("STORE 1 +FLAGS (\\Deleted)"), c.ok("EXPUNGE"))
            for i in range(5)], 5)
        tag = c.tag()
        c.send(tag + " IDLE\r\n")
        self.measure("delivery while somebody is in IDLE",
                     lambda: self.deliver([users[0]], 10), 10)
        c.send("DONE\r\n")
        c.finish(tag)
        self.measure("10 seconds of IDLE", lambda: time.sleep(10), 1)
        self.sizes()

    def sizes(self):
        self.cluster.sql("VACUUM ANALYZE", "mail")
        out = self.cluster.sql(
            MODULE + "SELECT relname, reltuples::bigint, pg_table_size(c.oid),"
            " pg_indexes_size(c.oid) FROM pg_class c WHERE relkind = 'r' AND"
            " relnamespace = 'postern'::regnamespace AND reltuples > 0"
            " ORDER BY pg_total_relation_size(c.oid) DESC", "mail")
        placed = int(self.cluster.sql(
            MODULE + "SELECT count(*) FROM message", "mail"))
        print("\n%d users, %d messages" % (self.users, placed))
        print("%-16s %10s %12s %12s %8s" % (
            "table", "rows", "table KiB", "indexes KiB", "B/message"))
        for line in out.split():
            name, rows, table, index = line.split("|")
            print("%-16s %10s %12d %12d %8d" % (
                name, rows, int(table) // 1024, int(index) // 1024,
                (int(table) + int(index)) // placed))


def main():
    users, messages = (int(x) for x in (sys.argv[1:] + ["20", "100"][
        len(sys.argv) - 1:])[:2])
    g = Growth(users, messages)
    try:
        g.run()
    finally:
        g.end()


if __name__ == "__main__":
    main()
