"""Different mail programs on one account at the same time: mbsync and
offlineimap with Maildirs of their own, mutt, imapflow, Python's imaplib and
curl, while mail is delivered. None of them may complain, and in the end all
have the same messages with the same flags."""

import imaplib
import json
import mailbox
import os
import random
import re
import shutil
import smtplib
import subprocess
import threading
import time
import unittest

from clients import SLOW, Case, need, text_message, wire

SECONDS = 12            # at least, and so long that all happened:
PASSES = 4              # of the programs with Maildirs of their own
AT_MOST = 90
BOXES = ("INBOX", "Work")
FLAGS = {"\\Seen": "S", "\\Answered": "R", "\\Flagged": "F",
         "\\Deleted": "T", "\\Draft": "D"}
IMAPFLOW = "2.10.2"     # of the npm registry

FLOW = r"""
const { ImapFlow } = require('imapflow');
const [port, user, ca] = process.argv.slice(2);
const client = new ImapFlow({
  host: 'localhost', port: +port, secure: true, logger: false, qresync: true,
  auth: { user, pass: 'secret' },
  tls: { ca: require('fs').readFileSync(ca) } });
let news = 0;
client.on('error', e => say({ error: 'event: ' + e }));
for (const name of ['exists', 'expunge', 'flags'])
  client.on(name, () => news++);
function say(o) { process.stdout.write(JSON.stringify(o) + '\n'); }
async function find(subject) {
  const found = await client.search({ header: { Subject: subject } },
    { uid: true });
  if (!found || found.length != 1)
    throw new Error(`${subject}: found ${JSON.stringify(found)}`);
  return found;
}
const acts = {
  async append([subject, text]) {
    await client.append('INBOX', Buffer.from(text), ['\\Seen']);
  },
  async flag([subject, flag]) {
    return await client.messageFlagsAdd(await find(subject), [flag],
      { uid: true });
  },
  async move([subject, to]) {
    return !!await client.messageMove(await find(subject), to, { uid: true });
  },
  async remove([subject]) {
    return await client.messageDelete(await find(subject), { uid: true });
  },
  async list([box]) {
    const lock = await client.getMailboxLock(box);
    const all = new Map();
    try {
      await client.noop();
      // News of flags come in between, without the envelope.
      for await (const m of client.fetch('1:*',
        { uid: true, flags: true, envelope: true }))
        all.set(m.uid, { ...all.get(m.uid),
          ...(m.envelope && { subject: m.envelope.subject }),
          flags: [...m.flags] });
    } finally {
      lock.release();
    }
    return [...all.values()].map(m => [m.subject, m.flags]);
  },
  async quit() {
    await client.logout();
    return news;
  },
};
(async () => {
  try {
    await client.connect();
    await client.mailboxOpen('INBOX');
    say({ ok: [...client.enabled] });
    const lines = require('readline').createInterface(
      { input: process.stdin });
    for await (const line of lines) {
      const [act, ...args] = JSON.parse(line);
      say({ ok: await acts[act](args) ?? null });
      if (act == 'quit')
        process.exit(0);
    }
  } catch (e) {
    say({ error: `${e.stack} ${e.responseText}` });
    process.exit(1);
  }
})();
"""


class Flow:
    """imapflow in a process of its own, told line by line what to do."""

    def __init__(self, folder, port, user, cafile):
        script = os.path.join(folder, "flow.js")
        with open(script, "w") as f:
            f.write(FLOW)
        self.process = subprocess.Popen(
            ["node", script, str(port), user, cafile], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        self.enabled = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("imapflow: " + self.process.stderr.read())
        said = json.loads(line)
        if "error" in said:
            raise AssertionError("imapflow: " + said["error"])
        return said["ok"]

    def do(self, *what):
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout,
                     self.process.stderr):
            pipe.close()


def install_imapflow(folder):
    """None, or why it cannot be had."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "node and npm are not installed"
    version = subprocess.run(["node", "--version"], capture_output=True,
                             text=True).stdout
    if int(re.match(r"v(\d+)", version).group(1)) < 20:
        return "imapflow needs node 20, this is " + version.strip()
    try:
        p = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--prefix", folder,
             "imapflow@" + IMAPFLOW], capture_output=True, text=True,
            stdin=subprocess.DEVNULL, cwd=folder, timeout=120)
    except subprocess.TimeoutExpired:
        return "npm does not reach its registry"
    if p.returncode != 0:
        return "npm cannot install imapflow: " + p.stderr.strip()[-200:]
    return None


class Truth:
    """Which message is where, and who has had time to copy it."""

    def __init__(self, replicas):
        self.lock = threading.Lock()
        self.box = {}       # by subject
        self.since = {}
        self.begun = dict.fromkeys(replicas, 0)
        self.passes = dict.fromkeys(replicas, 0)

    def put(self, subject, box="INBOX"):
        with self.lock:
            self.box[subject] = box
            self.since[subject] = time.monotonic()

    def drop(self, subject):
        with self.lock:
            del self.box[subject]

    def settled(self, prefix="", box="INBOX"):
        """Messages of somebody that all replicas have copied. A program that
        is about to copy one may complain when it is gone, and offlineimap when
        it is told of new flags of one that it does not know yet."""
        with self.lock:
            return [s for s, b in self.box.items()
                    if b == box and s.startswith(prefix) and
                    all(t > self.since[s] for t in self.begun.values())]


@need("mbsync", "offlineimap", "mutt", "curl")
class MixedClients(Case):
    MBSYNC = """\
FSync no

IMAPAccount x
Host localhost
Port %d
User %s
Pass secret
SSLType IMAPS
CertificateFile %s
AuthMechs *
Timeout 60

IMAPStore far
Account x

MaildirStore near
Inbox %s/INBOX
SubFolders Maildir++

Channel c
Far :far:
Near :near:
Patterns INBOX Work
Create Both
Expunge Both
Sync All
SyncState %s/
"""
    OFFLINE = """\
[general]
accounts = a
metadata = %(home)s/offline
ui = basic
[Account a]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = %(home)s/offlinemail
[Repository far]
type = IMAP
remotehost = localhost
remoteport = %(port)d
ssl = yes
sslcacertfile = %(cafile)s
remoteuser = %(user)s
remotepass = secret
folderfilter = lambda name: name in ("INBOX", "Work")
"""
    MUTT = """\
set header_cache=""
set record=""
set wait_key=no
set quit=yes
set delete=yes
set mark_old=no
set sleep_time=0
set tmpdir="%s"
set folder="imaps://user1%%40example.test@localhost:%d/"
set spoolfile="+INBOX"
set imap_pass="secret"
set certificate_file="%s"
"""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.npm = os.path.join(cls.server.dir, "npm")
        os.mkdir(cls.npm)
        cls.no_imapflow = install_imapflow(cls.npm)

    def setUp(self):
        super().setUp()
        self.user = self.server.users[0]
        self.rng = random.Random(3)
        for folder in ("state", "mbsync", "offlinemail"):
            os.mkdir(self.path(folder))
        for sub in ("cur", "new", "tmp"):
            os.makedirs(self.path("mbsync/INBOX/" + sub))
        self.truth = Truth(("mbsync", "offlineimap"))
        self.count = 0

    def text(self, subject):
        return text_message(subject, "This is %s.\n" % subject)

    def name(self, prefix):
        self.count += 1
        return "%s-%04d" % (prefix, self.count)

    # --- Maildirs that a program keeps the same as the server's -----------

    def mbsync_folder(self, box):
        return self.path("mbsync/INBOX" + ("" if box == "INBOX" else "/.Work"))

    def offline_folder(self, box):
        return self.path("offlinemail/" + box)

    def change_maildir(self, prefix, inbox):
        """What a person does to the local copy between two runs."""
        if not os.path.isdir(inbox + "/cur"):
            return
        for _ in range(2):
            subject = self.name(prefix)
            with open("%s/new/%d.%s.here" % (inbox, time.time(), subject),
                      "w") as f:
                f.write(self.text(subject))
            self.truth.put(subject)
        gone = self.truth.settled(prefix + "-")[:1]
        known = self.truth.settled()
        box = mailbox.Maildir(inbox, create=False)
        for key, m in list(box.iteritems()):
            if m["Subject"] in gone:
                m.add_flag("T")
            elif m["Subject"] in known and self.rng.random() < 0.1:
                (m.add_flag if self.rng.random() < 0.7 else m.remove_flag)(
                    self.rng.choice("SRF"))
            else:
                continue
            m.set_subdir("cur")
            old = os.path.join(inbox, box._lookup(key))
            os.rename(old, "%s/cur/%s:%s" % (inbox, key, m.get_info()))
        for subject in gone:
            self.truth.drop(subject)

    def run_quietly(self, complaint, *command):
        p = self.run_program(*command, status=None, timeout=60)
        said = (p.stdout + p.stderr).decode(errors="replace")
        at = re.search(complaint, said)
        if at:
            self.fail(said[max(0, at.start() - 300):at.start() + 1500])
        self.assertEqual(p.returncode, 0, said[-1500:])

    def run_mbsync(self):
        self.run_quietly(r"(?i)\b(error|warning|failed)\b",
                         "mbsync", "-c", self.mbsyncrc, "c")

    def run_offlineimap(self):
        self.run_quietly(r"ERROR|Traceback|WARNING",
                         "offlineimap", "-o", "-c", self.offlinerc)

    def replica(self, name, folder, sync):
        begun = time.monotonic()
        sync()
        self.truth.begun[name] = begun
        self.truth.passes[name] += 1
        self.change_maildir(name, folder("INBOX"))

    # --- programs that work on the server itself --------------------------

    def mutt(self, push):
        self.file("muttrc", self.MUTT % (
            self.home, self.server.ports["imaps"], self.server.cafile) +
            'push "%s"\n' % push)
        return self.run_in_terminal("mutt", "-n", "-F", self.path("muttrc"),
                                    timeout=60)

    def use_mutt(self):
        push = ""
        for subject in self.truth.settled("keep-")[:3]:
            push += "<limit>~s %s<enter><flag-message>" % subject
        gone = self.truth.settled("lmtp-")[:1]
        for subject in gone:
            push += "<limit>~s %s<enter><delete-message>" % subject
        self.mutt(push + "<sync-mailbox><limit>all<enter><exit>")
        for subject in gone:
            self.truth.drop(subject)

    def deliver(self):
        with smtplib.LMTP("localhost", self.server.ports["lmtp"]) as s:
            for _ in range(2):
                subject = self.name("lmtp")
                s.sendmail("ann@example.org", self.user,
                           wire(self.text(subject)))
                self.truth.put(subject)
        time.sleep(0.3)

    def imap(self, answer):
        kind, data = answer
        self.assertEqual(kind, "OK", data)
        return data

    def uid_of(self, m, subject):
        found = self.imap(m.uid("SEARCH", "SUBJECT", subject))[0].split()
        self.assertEqual(len(found), 1, subject)
        return found[0].decode()

    def use_imaplib(self):
        m = imaplib.IMAP4("localhost", self.server.ports["imap"])
        self.imap(m.login(self.user, "secret"))
        self.imap(m.select())
        for _ in range(3):
            subject = self.name("python")
            self.imap(m.append("INBOX", "\\Answered", None,
                               wire(self.text(subject))))
            self.truth.put(subject)
        for subject in self.truth.settled("python-")[:2]:
            uid = self.uid_of(m, subject)
            if self.rng.random() < 0.5:
                self.imap(m._simple_command("UID", "MOVE", uid, "Work"))
                self.truth.put(subject, "Work")
            else:
                self.imap(m.uid("STORE", uid, "+FLAGS.SILENT", "(\\Deleted)"))
                self.imap(m._simple_command("UID", "EXPUNGE", uid))
                self.truth.drop(subject)
        known = self.truth.settled("keep-")
        for subject in self.rng.sample(known, min(4, len(known))):
            self.imap(m.uid("STORE", self.uid_of(m, subject),
                            self.rng.choice("+-") + "FLAGS",
                            self.rng.choice(("\\Seen", "\\Flagged"))))
        self.assertEqual(m.logout()[0], "BYE")
        time.sleep(0.5)

    def use_curl(self):
        url = "imaps://localhost:%d/" % self.server.ports["imaps"]
        curl = ("curl", "-sS", "--cacert", self.server.cafile, "-u",
                self.user + ":secret")
        subject = self.rng.choice(self.truth.settled("keep-") or [None])
        if subject is None:
            return
        p = self.run_program(*curl, url + "INBOX?SUBJECT%20" + subject)
        uid = re.match(rb"\* SEARCH (\d+)\r\n$", p.stdout)
        self.assertTrue(uid, p.stdout)
        p = self.run_program(*curl, url + "INBOX;MAILINDEX=" +
                             uid.group(1).decode())
        self.assertIn(b"This is keep-", p.stdout)
        time.sleep(0.2)

    def use_imapflow(self):
        subject = self.name("flow")
        self.flow.do("append", subject, wire(self.text(subject)).decode())
        self.truth.put(subject)
        settled = self.truth.settled("flow-")
        for subject in settled[:1]:
            self.flow.do("remove", subject)
            self.truth.drop(subject)
        for subject in settled[1:2]:
            self.assertTrue(self.flow.do("move", subject, "Work"))
            self.truth.put(subject, "Work")
        for subject in settled[2:4]:
            self.flow.do("flag", subject, "\\Flagged")
        time.sleep(0.5)

    # --- what each has in the end ------------------------------------------

    def on_server(self, box):
        c = self.login()
        c.ok("EXAMINE " + box)
        found = {}
        for r in c.ok(
                "UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])"):
            subject = re.search(rb"Subject: (.*)\r\n", r).group(1).decode()
            self.assertNotIn(subject, found)
            flags = re.search(rb"FLAGS \(([^)]*)\)", r).group(1).decode()
            found[subject] = self.letters(flags.split())
        return found

    def letters(self, flags):
        return "".join(sorted(FLAGS[f] for f in flags if f in FLAGS))

    def in_maildir(self, folder):
        found = {}
        for m in mailbox.Maildir(folder, create=False):
            self.assertNotIn(m["Subject"], found)
            self.assertIn("This is %s." % m["Subject"], m.get_payload())
            found[m["Subject"]] = "".join(sorted(m.get_flags()))
        return found

    def in_mutt(self):
        out = self.path("all")
        self.mutt("<tag-pattern>~A<enter><tag-prefix><pipe-message>cat>%s"
                  "<enter><exit>" % out)
        with open(out, errors="replace") as f:
            return set(re.findall(r"^Subject: (.*)$", f.read(), re.M))

    # --- together -----------------------------------------------------------

    def is_time(self, begun):
        past = time.monotonic() - begun
        return past > AT_MOST * SLOW or (
            past > SECONDS and min(self.truth.passes.values()) >= PASSES)

    def worker(self, what, begun, errors):
        try:
            while not errors and not self.is_time(begun):
                what()
        except Exception as e:  # shown by the test
            errors.append("%s: %s: %s" % (what.__name__, type(e).__name__, e))

    def prepare(self):
        self.mbsyncrc = self.file("mbsyncrc", self.MBSYNC % (
            self.server.ports["imaps"], self.user, self.server.cafile,
            self.path("mbsync"), self.path("state")))
        self.offlinerc = self.file("offlineimaprc", self.OFFLINE % {
            "home": self.home, "port": self.server.ports["imaps"],
            "cafile": self.server.cafile, "user": self.user})
        c = self.login()
        c.ok("CREATE Work")
        for _ in range(20):
            subject = self.name("keep")
            c.append(wire(self.text(subject)))
            self.truth.put(subject)

    def test_same_end_state(self):
        self.prepare()
        errors = []

        def mbsync():
            self.replica("mbsync", self.mbsync_folder, self.run_mbsync)

        def offlineimap():
            self.replica("offlineimap", self.offline_folder,
                         self.run_offlineimap)
        work = [mbsync, offlineimap, self.use_mutt, self.deliver,
                self.use_imaplib, self.use_curl]
        if not self.no_imapflow:
            self.flow = Flow(self.npm, self.server.ports["imaps"], self.user,
                             self.server.cafile)
            self.addCleanup(self.flow.close)
            self.assertIn("QRESYNC", self.flow.enabled)
            work.append(self.use_imapflow)
        begun = time.monotonic()
        threads = [threading.Thread(target=self.worker,
                                    args=(what, begun, errors))
                   for what in work]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        if errors:
            self.fail("\n".join(errors)[:4000])
        for _ in range(2):  # what the one brings is for the other, too
            self.run_mbsync()
            self.run_offlineimap()
        self.compare()

    def compare(self):
        for box in BOXES:
            want = {s for s, b in self.truth.box.items() if b == box}
            truth = self.on_server(box)
            self.assertTrue(truth, box)
            self.assertEqual(set(truth), want, box)
            self.assertEqual(self.in_maildir(self.mbsync_folder(box)), truth)
            self.assertEqual(self.in_maildir(self.offline_folder(box)), truth)
            if not self.no_imapflow:
                self.assertEqual({s: self.letters(f) for s, f in
                                  self.flow.do("list", box)}, truth)
        self.assertEqual(self.in_mutt(), set(self.on_server("INBOX")))
        if not self.no_imapflow:
            self.assertGreater(self.flow.do("quit"), 0)

    def test_imapflow_took_part(self):
        if self.no_imapflow:
            self.skipTest(self.no_imapflow)


if __name__ == "__main__":
    unittest.main()
