"""A real name server for tests: nsd on a port of loopback, with zones of its
own, signed where that is wanted."""

import os
import shutil
import socket
import subprocess
import tempfile
import time

from postern import SLOW

TOOLS = ("nsd", "ldns-keygen", "ldns-signzone")


def find(tool):
    return shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin")


def available():
    return all(find(tool) for tool in TOOLS)


def free_port():
    """Free for TCP and UDP a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def txt(text):
    """A TXT record's data: strings of at most 255 octets."""
    pieces = [text[i:i + 255] for i in range(0, len(text), 255)] or [""]
    return " ".join('"%s"' % p.replace("\\", "\\\\").replace('"', '\\"')
                    for p in pieces)


class NameServer:
    """`zones`: name to a list of lines of a zone file, without SOA and NS.
    Those in `signed` are signed; `anchors` is then the file with their keys.
    A zone in `broken` is signed, and then changed; signatures of one in
    `expired` are too old.

    `host`: one of world.py, in whose network it is; then with an address."""

    def __init__(self, zones, signed=(), broken=(), expired=(), port=None,
                 host=None, address="127.0.0.1"):
        self.dir = tempfile.mkdtemp(prefix="postern-dns-")
        if host is not None:  # whose programs are not all root's
            os.chmod(self.dir, 0o755)
        self.host = host
        self.address = address
        self.port = port or free_port()
        self.zones = dict(zones)
        self.expired = set(expired)
        self.signed = set(signed) | set(broken) | self.expired
        self.broken = set(broken)
        self.process = None
        self.anchors = os.path.join(self.dir, "anchors")

    def __enter__(self):
        return self.start()

    def __exit__(self, *unused):
        self.stop()

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def stubs(self, zones=None):
        """For dns.stubs."""
        return " ".join("%s=%s@%d" % (zone, self.address, self.port)
                        for zone in zones or self.zones)

    def settings(self):
        """For the server that asks this one."""
        found = ["dns.stubs=" + self.stubs(), "dns.root_key="]
        if self.signed:
            found.append("dns.anchors=" + self.anchors)
        return found

    def write_zone(self, name):
        path = self.path(name)
        with open(path, "w") as f:
            f.write("$ORIGIN %s.\n$TTL 60\n"
                    "@ SOA ns hostmaster 1 3600 600 86400 60\n"
                    "@ NS ns\nns A %s\n" % (name, self.address))
            f.write("\n".join(self.zones[name]) + "\n")
        return path

    def sign_zone(self, name, path):
        run = dict(cwd=self.dir, check=True, capture_output=True, text=True)
        key = subprocess.run(
            [find("ldns-keygen"), "-a", "ECDSAP256SHA256", "-k",
             "-r", "/dev/urandom", name], **run).stdout.strip()
        with open(self.path(key + ".key")) as f, open(self.anchors, "a") as to:
            to.write(f.read())
        dates = ["-i", "20200101", "-e", "20200201"] \
            if name in self.expired else []
        subprocess.run([find("ldns-signzone"), *dates, "-o", name, path, key],
                       **run)
        if name in self.broken:
            with open(path + ".signed") as f:
                text = f.read()
            with open(path + ".signed", "w") as f:
                f.write(text.replace("genuine", "altered"))
        return path + ".signed"

    def start(self):
        files = {}
        for name in self.zones:
            path = self.write_zone(name)
            files[name] = self.sign_zone(name, path) \
                if name in self.signed else path
        with open(self.path("nsd.conf"), "w") as f:
            f.write('server:\n ip-address: %s@%d\n do-ip6: no\n'
                    ' username: ""\n chroot: ""\n zonesdir: "%s"\n'
                    ' database: ""\n pidfile: "%s"\n xfrdfile: "%s"\n'
                    ' zonelistfile: "%s"\n xfrdir: "%s"\n'
                    ' rrl-ratelimit: 0\n verbosity: 0\n server-count: 1\n'
                    'remote-control:\n control-enable: no\n'
                    % (self.address, self.port, self.dir, self.path("pid"),
                       self.path("xfrd"), self.path("zonelist"), self.dir))
            for name, path in files.items():
                f.write('zone:\n name: "%s"\n zonefile: "%s"\n'
                        % (name, path))
        with open(self.path("log"), "wb") as log:
            self.process = subprocess.Popen(
                [*(self.host.enter if self.host else ()), find("nsd"), "-d",
                 "-c", self.path("nsd.conf")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if self.host is not None:
            self.host.call(self.wait)
        else:
            self.wait()
        return self

    def wait(self):
        """Until it answers a question for a zone's SOA."""
        name = b"".join(bytes([len(part)]) + part.encode()
                        for part in next(iter(self.zones)).split("."))
        question = (b"\x12\x34\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00"
                    + name + b"\x00\x00\x06\x00\x01")
        end = time.monotonic() + 20 * SLOW
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.1)
            while time.monotonic() < end:
                if self.process.poll() is not None:
                    break
                try:
                    s.sendto(question, (self.address, self.port))
                    if s.recv(512)[3] & 15 == 0:
                        return
                except (socket.timeout, ConnectionRefusedError):
                    time.sleep(0.02)
        with open(self.path("log"), errors="replace") as f:
            text = f.read()
        self.stop()
        raise RuntimeError("nsd does not answer:\n" + text)

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(10 * SLOW)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
        shutil.rmtree(self.dir, ignore_errors=True)
