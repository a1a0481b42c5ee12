"""Moving from Debian's Dovecot to Postern and back: what mbsync and programs of
POP3 know of the messages stays true. mutt reads what goes out."""

import imaplib
import os
import poplib
import signal
import socket
import subprocess
import time
import unittest

from clients import SLOW, Case, need, text_message

OWNER = 5000  # nobody's: Dovecot doesn't want to read mail as root
PASSWORD = "secret"

CONFIG = """\
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/log
protocols = imap pop3
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain
mail_location = maildir:{dir}/mail/%n
default_internal_user = root
default_login_user = nobody
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={owner} gid={owner} home={dir}/mail/%n
}}
namespace inbox {{
  inbox = yes
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {pop3}
  }}
}}
"""


def free_ports(n):
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class Dovecot:
    """In a directory of its own, on free ports of loopback."""

    def __init__(self, dir):
        self.dir = dir
        self.imap, self.pop3 = free_ports(2)
        os.makedirs(os.path.join(dir, "mail"))
        os.chmod(dir, 0o755)
        os.chown(os.path.join(dir, "mail"), OWNER, OWNER)
        self.config = os.path.join(dir, "dovecot.conf")
        with open(self.config, "w") as f:
            f.write(CONFIG.format(dir=dir, owner=OWNER, password=PASSWORD,
                                  imap=self.imap, pop3=self.pop3))

    def start(self):
        with open(os.path.join(self.dir, "out"), "ab") as out:
            self.process = subprocess.Popen(
                ["/usr/sbin/dovecot", "-F", "-c", self.config],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True)
        end = time.monotonic() + 60 * SLOW
        while not all(map(listens, (self.imap, self.pop3))):
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError("dovecot does not start:\n" + self.log())
            time.sleep(0.05)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30 * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def log(self):
        text = ""
        for name in ("out", "log"):
            path = os.path.join(self.dir, name)
            if os.path.exists(path):
                with open(path, errors="replace") as f:
                    text += f.read()[-4000:]
        return text

    def client(self, user):
        c = imaplib.IMAP4("127.0.0.1", self.imap)
        c.login(user, PASSWORD)
        return c


def uidls(port, user):
    p = poplib.POP3("127.0.0.1", port, timeout=20 * SLOW)
    p.user(user)
    p.pass_(PASSWORD)
    found = [line.split()[1] for line in p.uidl()[1]]
    p.quit()
    return found


RC = """\
FSync no
IMAPAccount x
Host 127.0.0.1
Port %d
User %s
Pass secret
SSLType None
AuthMechs LOGIN

IMAPStore far
Account x

MaildirStore near
Path %s/
Inbox %s/INBOX
SubFolders Verbatim

Channel c
Far :far:
Near :near:
Patterns INBOX Work
Create Near
Sync All
CopyArrivalDate yes
SyncState %s/
"""


@unittest.skipUnless(os.geteuid() == 0, "Dovecot wants to be root")
@need("dovecot", "mbsync", "mutt")
class Migrate(Case):
    users = 3

    def setUp(self):
        super().setUp()
        if not os.path.exists("/usr/lib/dovecot/pop3"):
            self.skipTest("not installed: dovecot-pop3d")
        os.makedirs(self.path("dovecot"))
        for at in (self.home, self.path("dovecot")):
            os.chmod(at, 0o755)
        self.dovecot = Dovecot(self.path("dovecot"))
        self.dovecot.start()
        self.addCleanup(self.dovecot.stop)

    def fill(self, user):
        c = self.dovecot.client(user)
        for box in ("Work", "Work.Deep", "Entw&APw-rfe"):
            c.create(box)
            c.subscribe(box)
        for i in range(40):
            c.append("INBOX", ("", "\\Seen", "\\Flagged $Label1",
                               "\\Answered NonJunk Work")[i % 4], None,
                     text_message("number %d" % i).replace(
                         "\n", "\r\n").encode())
        c.append("Work", "", None, b"Subject: w\r\n\r\nx\r\n")
        c.append("Work.Deep", "\\Seen", None, b"Subject: d\r\n\r\nx\r\n")
        c.select("INBOX")
        c.store("3,17", "+FLAGS", "\\Deleted")
        c.expunge()
        c.logout()
        return os.path.join(self.dovecot.dir, "mail", user)

    def mbsync(self, port, user):
        for d in ("Mail", "Mail/INBOX", "state"):
            os.makedirs(self.path(d), exist_ok=True)
        for d in ("cur", "new", "tmp"):
            os.makedirs(self.path("Mail/INBOX/" + d), exist_ok=True)
        rc = self.file("mbsyncrc", RC % (
            port, user, self.path("Mail"), self.path("Mail"),
            self.path("state")))
        p = self.run_program("mbsync", "-V", "-c", rc, "c", timeout=90)
        text = (p.stdout + p.stderr).decode(errors="replace")
        self.assertNotRegex(text, r"(?i)\berror\b|UIDVALIDITY of")
        return text

    def local(self):
        return sorted((root, sorted(files))
                      for root, _, files in os.walk(self.path("Mail")))

    def ctl(self, *args):
        p = self.server.ctl(*args, timeout=90)
        self.assertEqual(p.returncode, 0, p.stdout + p.stderr)
        return p

    def test_to_postern_and_back(self):
        user = self.server.users[0]
        maildir = self.fill("user1")
        self.mbsync(self.dovecot.imap, "user1")
        before, ids = self.local(), uidls(self.dovecot.pop3, "user1")
        self.assertEqual(len(ids), 38)
        self.ctl("import", user, "--from", "dovecot:" + maildir)
        # To a program that only has another server now, nothing has changed.
        self.mbsync(self.server.ports["imap"], user)
        self.assertEqual(self.local(), before)
        self.assertEqual(uidls(self.server.ports["pop3"], user), ids)
        c = self.login()
        listed = b"\n".join(c.ok('LSUB "" "*"'))
        for name in (b"Work/Deep", b"Entw&APw-rfe"):
            self.assertIn(name, listed)
        # By IMAP, for another user.
        other = self.server.users[1]
        secret = self.file("secret", PASSWORD + "\n")
        self.ctl("import", other, "--from",
                 "imap://user1@127.0.0.1:%d" % self.dovecot.imap,
                 "--password-file", secret)
        what = "UID FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"
        pictures = []
        for i in (0, 1):
            c = self.login(i)
            c.ok("SELECT INBOX")
            pictures.append([r.replace(b" \\Recent", b"").replace(
                b"\\Recent ", b"").replace(b"\\Recent", b"")
                for r in c.ok(what) if b"FETCH" in r])
        self.assertEqual(
            [sorted(r.split()) for r in pictures[1]],
            [sorted(r.split()) for r in pictures[0]])
        # And back, to a Dovecot that starts with what was exported.
        back = os.path.join(self.dovecot.dir, "mail", "user2")
        self.ctl("export", user, "--to", "maildir:" + back)
        for root, dirs, files in os.walk(back):
            for name in [root] + [os.path.join(root, f) for f in files]:
                os.chown(name, OWNER, OWNER)
        self.mbsync(self.dovecot.imap, "user2")
        self.assertEqual(self.local(), before)
        self.assertEqual(uidls(self.dovecot.pop3, "user2"), ids)

    def test_mutt_reads_what_goes_out(self):
        user = self.server.users[2]
        self.ctl("import", user, "--from", "dovecot:" + self.fill("user1"))
        self.ctl("export", user, "--to", "mbox:" + self.path("box"),
                 "--mailbox", "INBOX")
        self.ctl("export", user, "--to", "maildir:" + self.path("dir"))
        os.makedirs(self.path("Mail"))
        for box in ("box", "dir"):
            shown = self.run_in_terminal(
                "mutt", "-F", "/dev/null", "-R", "-f", self.path(box),
                "-e", "set quit=yes sort=date-received", "-e",
                'set status_format="%m messages, %F flagged"', "-e",
                "set timeout=1", keys=[b"q"])
            self.assertIn(b"38 messages, 9 flagged", shown)


if __name__ == "__main__":
    unittest.main()
