"""What the samples of tests/upgrade hold, and all that a client can see of it.

fill() makes it with a running server; look() describes it so that two servers
with the same mail give the same description.
"""

import hashlib
import json
import os
import poplib
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("../support", "../session/imap"):
    sys.path.append(os.path.join(HERE, folder))
import imap_client  # noqa: E402

USERS = 2
BOXES = ("INBOX", "Work", "Work/Deep.er", "Entw\u00fcrfe &")


def message(n):
    """Of several kinds: with 8 bit, with a bare LF, with a long line."""
    body = ["plain\r\n", "caf\u00e9\r\n", "a bare\nLF\r\n",
            "x" * 900 + "\r\n"][n % 4]
    return ("From: a%d@example.org\r\nSubject: number %d\r\n"
            "Message-ID: <%d@example.org>\r\n\r\n%s" % (n, n, n, body)).encode()


def quoted(name):
    return '"%s"' % name


def fill(server):
    """Two users with mail, names, metadata, rights and undeleted messages."""
    c = imap_client.Client(server).login(0)
    c.ok("ENABLE UTF8=ACCEPT IMAP4rev2")
    for box in BOXES[1:]:
        c.ok("CREATE " + quoted(box))
    c.ok('CREATE "Sent things" (USE (\\Archive))')
    n = 0
    for box in BOXES:
        for i in range(6):
            flags = ["", "\\Seen", "\\Flagged \\Answered", "$Later Two",
                     "\\Draft", "\\Deleted $Later"][i]
            c.append(message(n), quoted(box),
                     '(%s) "%02d-Feb-2020 10:20:30 +0100"' % (flags, n + 1))
            n += 1
    c.ok("SELECT Work")
    c.ok("UID COPY 1:3 INBOX")
    c.ok("UID MOVE 4 INBOX")
    c.ok("UID STORE 2 +FLAGS (Three)")
    c.ok("UID STORE 1 +FLAGS (\\Deleted)")
    c.ok("UID EXPUNGE 1")
    for name in ("Work", "No such box", "Entw\u00fcrfe &"):
        c.ok("SUBSCRIBE " + quoted(name))
    c.ok('SETMETADATA "" (/private/comment {5+}\r\na \\ b)')
    c.ok('SETMETADATA Work (/shared/comment "shared" /private/comment "own")')
    c.ok('SETACL Work %s lrsw' % quoted(server.users[1]))
    c.ok("LOGOUT")
    c.close()
    with imap_client.Client(server).login(1) as c:
        c.append(message(77), "INBOX", "(\\Seen)")
        c.ok('SELECT "Other Users/%s/Work"' % server.users[0])
        c.ok("UID STORE 3 +FLAGS (\\Seen)")
        c.ok("LOGOUT")
    for args in (("alias", "add", "info@example.test", server.users[1]),
                 ("forward", "add", server.users[1], server.users[0],
                  "Far@away.test", "--no-keep"),
                 ("app-password", "add", server.users[0], "Phone", "imap"),
                 ("quota", "set", server.users[1], "1000000")):
        p = server.ctl(*args)
        assert p.returncode == 0, p.stderr


def rows_of(c):
    """Of the selected mailbox: what FETCH tells of each message."""
    rows = []
    for r in c.ok("UID FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE SAVEDATE "
                  "EMAILID MODSEQ BODY.PEEK[])"):
        head = re.match(rb"\* \d+ FETCH \((.*)\)$", r, re.S).group(1)
        body = re.search(rb"BODY\[\] \{(\d+)\}\r\n", head)
        n = int(body.group(1))
        content = head[body.end():body.end() + n]
        head = head[:body.start()] + head[body.end() + n:]

        def item(pattern):
            return re.search(pattern, head).group(1).decode()
        rows.append({
            "uid": int(item(rb"UID (\d+)")),
            "flags": sorted(f for f in item(rb"FLAGS \(([^)]*)\)").split()
                            if f != "\\Recent"),
            "date": item(rb'INTERNALDATE "([^"]*)"'),
            "saved": item(rb'SAVEDATE ("[^"]*"|NIL)'),
            "id": item(rb"EMAILID \(([^)]*)\)"),
            "size": int(item(rb"RFC822.SIZE (\d+)")),
            "modseq": int(item(rb"MODSEQ \((\d+)\)")),
            "content": hashlib.sha256(content).hexdigest()})
    return rows


def look_at_box(c, name):
    got = c.ok("SELECT %s (CONDSTORE)" % quoted(name))
    text = b"\n".join(got)
    out = {w.lower(): int(re.search(rb"%s (\d+)" % w.encode(), text).group(1))
           for w in ("UIDVALIDITY", "UIDNEXT")}
    out["id"] = re.search(rb"MAILBOXID \(([^)]*)\)", text).group(1).decode()
    out["messages"] = rows_of(c)
    c.ok("UNSELECT")
    return out


def lines(c, command):
    return sorted(r.decode() for r in c.ok(command))


def look(server, user):
    """All of a user's mail, as JSON can hold it."""
    with imap_client.Client(server).login(user) as c:
        c.ok("ENABLE UTF8=ACCEPT IMAP4rev2")
        out = {
            "names": lines(c, 'LIST "" "*" RETURN (SPECIAL-USE)'),
            "subscribed": lines(c, 'LIST (SUBSCRIBED) "" "*"'),
            "metadata": lines(c, 'GETMETADATA (DEPTH infinity) "" '
                                 '(/private /shared)')}
        names = [re.search(r'"/" (.*)$', n).group(1).strip('"')
                 for n in out["names"] if "\\Noselect" not in n
                 and "\\NonExistent" not in n]
        out["mailboxes"] = {n: look_at_box(c, n) for n in sorted(names)}
        for n in names:
            out["mailboxes"][n]["metadata"] = lines(
                c, "GETMETADATA (DEPTH infinity) %s (/private /shared)"
                % quoted(n))
            if not n.startswith("Other Users"):
                out["mailboxes"][n]["rights"] = lines(c, "GETACL " + quoted(n))
        c.ok("LOGOUT")
    p = poplib.POP3(server.host, server.ports["pop3"], timeout=20)
    p.user(server.users[user])
    p.pass_(server.password)
    out["uidl"] = [x.decode() for x in p.uidl()[1]]
    p.quit()
    kept = server.ctl("undelete", server.users[user], "--list", "--json")
    # None: the module keeps nothing.
    out["kept"] = None if kept.returncode else sorted(
        (k["mailbox"], k["size"]) for k in json.loads(kept.stdout))
    return out


def look_at_accounts(server):
    out = {"users": [
        {k: v for k, v in u.items() if k in (
            "address", "name", "enabled", "admin", "quota_bytes", "on_hold")}
        for u in json.loads(server.ctl("user", "list", "--json").stdout)]}
    out["aliases"] = json.loads(server.ctl("alias", "list", "--json").stdout)
    forwards = json.loads(server.ctl("forward", "list", "--json").stdout)
    if forwards:  # since accounts-5
        out["forwards"] = forwards
    apps = {user: [{k: v for k, v in one.items() if k in (
        "id", "name", "scopes")} for one in json.loads(server.ctl(
            "app-password", "list", user, "--json").stdout)]
            for user in server.users}
    if any(apps.values()):  # since accounts-6
        out["app_passwords"] = apps
    return out


def as_kept(what):
    """As it is after a way through JSON."""
    return json.loads(json.dumps(what))
