"""A small world for tests: hosts, each in a network and a mount namespace of
its own, on one bridge, with addresses, a name server and a validating
resolver. Nothing of it is to be seen on the machine, and all of it ends with
the processes that hold it.

    world = World()
    a = world.host("a", 1)              # 192.0.2.1 and 2001:db8::1
    server = Posternd(a, "one.test", world.dns_settings())
    a.call(lambda: ...)                 # in a's network
"""

import ctypes
import hashlib
import imaplib
import json
import os
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import threading
import time

from nameserver import NameServer, find, txt
from postern import PREFIX, ROOT, SLOW, copy_modules

FOREIGN = os.environ.get("POSTERN_FOREIGN",
                         os.path.join(ROOT, "build/foreign"))
libc = ctypes.CDLL(None, use_errno=True)


def why_not():
    """Why there can be no namespaces here, or None."""
    if os.geteuid() != 0:
        return "namespaces need root"
    for tool in ("ip", "unshare", "nsenter"):
        if find(tool) is None:
            return "not installed: " + tool
    try:
        World().stop()
    except (OSError, RuntimeError) as e:
        return "no namespaces: %s" % e
    return None


def trees(package, program):
    """For `over`: what a host needs to run a program that is installed, or
    was unpacked (build.sh); None: it is neither."""
    path = os.path.join(FOREIGN, package)
    if os.path.isdir(path):
        return [path]
    return [] if find(program) else None


class Host:
    """`number` is the last part of its addresses. `over`: trees of unpacked
    packages that are seen in /usr and /etc of this host."""

    def __init__(self, world, name, number, over=()):
        self.world = world
        self.name = name
        self.v4 = "192.0.2.%d" % number
        self.v6 = "2001:db8::%x" % number
        self.dir = os.path.join(world.dir, name)
        os.mkdir(self.dir)
        os.chmod(self.dir, 0o755)
        self.holder = subprocess.Popen(
            [find("unshare"), "--net", "--mount", "--propagation", "private",
             "sh", "-c", "echo; exec sleep 3600"], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if self.holder.stdout.readline() != b"\n":
            raise RuntimeError(self.holder.stderr.read().decode().strip()
                               or "unshare does not work")
        proc = "/proc/%d/ns/" % self.holder.pid
        self.enter = [find("nsenter"), "--net=" + proc + "net",
                      "--mount=" + proc + "mnt"]
        self.net = os.open(proc + "net", os.O_RDONLY | os.O_CLOEXEC)
        self.run("ip", "link", "set", "lo", "up")
        for path in over:
            self.cover(path)

    def cover(self, path):
        """What is below `path` is seen in /usr and /etc of this host."""
        for top in ("usr", "etc"):
            if os.path.isdir(os.path.join(path, top)):
                self.run("mount", "-t", "overlay", "overlay", "-o",
                         "lowerdir=%s:/%s" % (os.path.join(path, top), top),
                         "/" + top)

    def run(self, *command, input=None, check=True, **more):
        """A command on this host; what it said."""
        p = subprocess.run([*self.enter, *command], input=input, text=True,
                           capture_output=True, timeout=60 * SLOW, **more)
        if check and p.returncode != 0:
            raise RuntimeError("%s: %d\n%s%s" % (
                " ".join(command), p.returncode, p.stdout, p.stderr))
        return p.stdout

    def start(self, *command, log=None, **more):
        with open(log or os.devnull, "ab") as to:
            return subprocess.Popen([*self.enter, *command],
                                    stdin=subprocess.DEVNULL, stdout=to,
                                    stderr=to, **more)

    def call(self, what):
        """Calls a function whose sockets are of this host's network."""
        result = []

        def inside():
            if libc.setns(self.net, 0) != 0:
                result.append((False, OSError(ctypes.get_errno(), "setns")))
                return
            try:
                result.append((True, what()))
            except BaseException as e:
                result.append((False, e))
        thread = threading.Thread(target=inside)
        thread.start()
        thread.join()
        ok, value = result[0]
        if not ok:
            raise value
        return value

    def wait_for_port(self, port=25, seconds=20, at=None, process=None):
        def try_it():
            end = time.monotonic() + seconds * SLOW
            while True:
                try:
                    socket.create_connection((at or self.v4, port), 5).close()
                    return
                except OSError:
                    if time.monotonic() > end or (
                            process and process.poll() is not None):
                        raise
                    time.sleep(0.02)
        self.call(try_it)

    def file(self, name, text, mode=0o644):
        """Writes a file of this host's; its path."""
        path = os.path.join(self.dir, name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def bind(self, name, text, place):
        """A file that is seen at `place` on this host alone."""
        self.run("mount", "--bind", self.file(name, text),
                 os.path.realpath(place))

    def add_users(self, *users):
        """System users, and groups of the same name, of this host alone."""
        for place in ("passwd", "group"):
            with open("/etc/" + place) as f:
                text = f.read()
            have = {line.split(":")[0] for line in text.splitlines()}
            for i, user in enumerate(users):
                if user not in have:
                    text += "%s:x:%d:%s\n" % (
                        user, 64100 + i, "" if place == "group" else
                        "%d::/nonexistent:/usr/sbin/nologin" % (64100 + i))
            self.bind(place, text, "/etc/" + place)

    def resolver(self, address):
        self.bind("resolv.conf",
                  "nameserver %s\noptions edns0 trust-ad\n" % address,
                  "/etc/resolv.conf")

    def stop(self):
        """Ends whoever is in this network, such as what a server has left
        behind, until nobody is."""
        mine = os.fstat(self.net).st_ino
        assert mine != os.stat("/proc/self/ns/net").st_ino
        for _ in range(100):
            found = False
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    if os.stat("/proc/%s/ns/net" % pid).st_ino == mine:
                        found = True
                        os.kill(int(pid), signal.SIGKILL)
                except OSError:
                    pass
            self.holder.poll()
            if not found:
                break
            time.sleep(0.01)
        self.holder.communicate()
        os.close(self.net)


class World:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="postern-world-")
        os.chmod(self.dir, 0o755)
        self.hosts = []
        self.ending = []  # to be called in the end, the last one first
        self.dns = None
        try:
            self.hub = Host(self, "hub", 53)
            self.hosts.append(self.hub)
            self.hub.run("ip", "link", "add", "br0", "type", "bridge")
            self.address(self.hub, "br0")
        except BaseException:
            self.stop()
            raise

    def address(self, host, device):
        host.run("sh", "-c",
                 "ip link set %s up && ip addr add %s/24 dev %s &&"
                 " { ip -6 addr add %s/64 dev %s nodad || true; }" % (
                     device, host.v4, device, host.v6, device))

    def host(self, name, number, over=()):
        host = Host(self, name, number, over)
        self.hosts.append(host)
        self.hub.run("ip", "link", "add", "to-" + name, "type", "veth",
                     "peer", "name", "eth0", "netns", str(host.holder.pid))
        self.hub.run("sh", "-c", "ip link set to-%s master br0 &&"
                     " ip link set to-%s up" % (name, name))
        self.address(host, "eth0")
        return host

    def start_dns(self, zones, **more):
        """The authoritative server, at port 53 of the hub's address."""
        self.dns = NameServer(zones, port=53, host=self.hub,
                              address=self.hub.v4, **more)
        self.ending.append(self.dns.stop)
        self.dns.start()

    def start_resolver(self, host):
        """unbound, which validates what the authoritative server says, at
        port 53 of `host`, for programs that want a resolver."""
        path = host.file("unbound.conf", "".join(
            ['server:\n interface: %s\n access-control: 0.0.0.0/0 allow\n'
             ' username: ""\n chroot: ""\n directory: "%s"\n pidfile: ""\n'
             ' use-syslog: no\n do-ip6: no\n module-config:'
             ' "validator iterator"\n trust-anchor-file: "%s"\n'
             ' local-zone: "test." nodefault\n'
             ' do-not-query-localhost: no\nremote-control:\n'
             ' control-enable: no\n' % (host.v4, host.dir,
                                        self.dns.anchors)] +
            ['stub-zone:\n name: "%s"\n stub-addr: %s\n' % (
                zone, self.hub.v4) for zone in self.dns.zones]))
        p = host.start(find_in(host, "unbound"), "-d", "-c", path,
                       log=os.path.join(host.dir, "log"))
        self.ending.append(lambda: end(p))
        host.wait_for_port(53)

    def stop(self):
        for what in reversed(self.ending):
            try:
                what()
            except Exception as e:
                print("world: %s" % e, file=sys.stderr)
        self.ending = []
        for host in reversed(self.hosts):
            host.stop()
        self.hosts = []
        shutil.rmtree(self.dir, ignore_errors=True)


def find_in(host, program):
    return host.run("sh", "-c", "PATH=$PATH:/usr/sbin:/sbin;"
                    " command -v " + program).strip()


def end(process):
    process.terminate()
    try:
        process.wait(10 * SLOW)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


CONF = """\
hostname = "mx.{domain}"
domains = {{ "{domain}" }}
state_dir = "{dir}/state"
run_dir = "{dir}/run"
module_dir = "{modules}"
user = "nobody"

certificate main {{
	certificate = "{dir}/crt"
	key = "{dir}/key"
}}
listener smtp {{
	protocol = smtp
	address = {{ "{v4}", "{v6}" }}
	port = 25
}}
listener submission {{
	protocol = submission
	address = {{ "127.0.0.1" }}
	port = 587
}}
listener imap {{
	protocol = imap
	address = {{ "127.0.0.1" }}
	port = 143
}}
storage maildir {{
	path = "{dir}/mail"
}}
auth {{
	plaintext_on_loopback = true
	hash_cost = 1
}}
queue {{
	retry_first = 1
	retry_most = 1
	sleep_first = 1
	sleep_most = 1
}}
dkim {{
	wait = 0
}}
"""


class Posternd:
    """A Postern of its own host, at port 25 of its addresses. prepare() makes
    users and keys, which the name server needs; then start()."""

    password = "a long secret"

    def __init__(self, host, domain, *settings):
        self.place = host
        self.domain = domain
        self.settings = list(settings)
        self.dir = os.path.join(host.dir, "postern")
        self.process = None
        os.makedirs(self.dir)
        self.conf = os.path.join(self.dir, "postern.conf")
        with open(self.conf, "w") as f:
            f.write(CONF.format(domain=domain, dir=self.dir, v4=host.v4, v6=host.v6,
                                modules=copy_modules(host.world.dir)))
        self.certificate = make_certificate(self.dir, "mx." + domain)

    def ctl(self, *args, input=None, check=True):
        return self.place.run(
            os.path.join(PREFIX, "sbin/posternctl"), "-c", self.conf,
            *args, input=input, check=check)

    def prepare(self, *users, domains=()):
        """Users of the domain, who get the mail of `domains`, too."""
        for user in users:
            self.ctl("user", "add", "%s@%s" % (user, self.domain),
                     input=self.password + "\n")
        for domain in domains:
            self.ctl("domain", "add", domain)
            for user in users:
                self.ctl("alias", "add", "%s@%s" % (user, domain),
                         "%s@%s" % (user, self.domain))
        self.ctl("dkim", "generate", self.domain)

    def keys(self):
        """The records of its DKIM keys."""
        return ["%s. TXT %s" % (r["name"].rstrip("."), txt(r["txt"]))
                for r in json.loads(self.ctl("dkim", "show", self.domain,
                                             "--json"))]

    def zone(self, *more, tlsa=True):
        """What its domain's zone tells, but SOA and NS."""
        lines = ["@ MX 10 mx", "mx A " + self.place.v4,
                 "mx AAAA " + self.place.v6,
                 'mx TXT "v=spf1 a -all"', '@ TXT "v=spf1 mx -all"',
                 '_dmarc TXT "v=DMARC1; p=reject"']
        if tlsa:
            lines.append("_25._tcp.mx TLSA 3 1 1 " + fingerprint(self.certificate))
        return lines + self.keys() + list(more)

    def start(self, *settings):
        command = [*self.place.enter, os.path.join(PREFIX, "sbin/posternd"),
                   "-f", "-c", self.conf]
        for pair in (self.place.world.dns.settings() + self.settings +
                     list(settings)):
            command += ["--set", pair]
        with open(os.path.join(self.dir, "log"), "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self.place.wait_for_port(25, process=self.process)
            self.place.wait_for_port(143, at="127.0.0.1",
                                     process=self.process)
        except OSError as e:
            raise RuntimeError("%s\n%s" % (e, self.log())) from None
        self.place.world.ending.append(self.stop)
        return self

    def log(self):
        with open(os.path.join(self.dir, "log"), errors="replace") as f:
            return f.read()

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        try:
            status = self.process.wait(40 * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise RuntimeError("posternd does not stop:\n" + self.log())
        self.process = None
        for word in ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer",
                     "runtime error:"):
            if word in self.log():
                raise RuntimeError("sanitizer:\n" + self.log()[-20000:])
        if status != 0:
            raise RuntimeError("posternd crashed: %d\n%s" % (
                status, self.log()))

    def address(self, user):
        return "%s@%s" % (user, self.domain)

    def submit(self, user, to, message, options=(), rcpt=(), sender=None):
        """By submission, as that user."""
        def send():
            s = smtplib.SMTP("127.0.0.1", 587,
                             timeout=60)
            s.login(self.address(user), self.password)
            s.sendmail(sender or self.address(user), to, message,
                       mail_options=options, rcpt_options=rcpt)
            s.quit()
        self.place.call(send)

    def inbox(self, user, text, box="INBOX"):
        """The messages of a user that contain `text`."""
        def look():
            m = imaplib.IMAP4("127.0.0.1", 143)
            m.login(self.address(user), self.password)
            found = []
            if m.select(box)[0] == "OK":
                numbers = m.search(None, "TEXT", '"%s"' % text)[1][0].split()
                found = [m.fetch(n, "(BODY.PEEK[])")[1][0][1]
                         for n in numbers]
            m.logout()
            return found
        return self.place.call(look)

    def queued(self):
        return json.loads(self.ctl("queue", "list", "--json"))

    def why(self, name):
        """The events of a message, as pairs of a word and what is known."""
        stories = json.loads(self.ctl("why", "--json", name))
        return [(e["event"], e["what"]) for story in stories for e in story]


def make_certificate(dir, name):
    """A key and a certificate that nobody vouches for; the latter's path."""
    crt = os.path.join(dir, "crt")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
         os.path.join(dir, "key"), "-out", crt, "-days", "30", "-subj",
         "/CN=" + name, "-addext", "subjectAltName=DNS:" + name],
        check=True, capture_output=True)
    return crt


def fingerprint(certificate):
    """The data of a TLSA record 3 1 1."""
    der = subprocess.run(
        "openssl x509 -in %s -noout -pubkey | openssl pkey -pubin -outform DER"
        % certificate, shell=True, check=True, capture_output=True).stdout
    return hashlib.sha256(der).hexdigest()
