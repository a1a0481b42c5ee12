"""Renewing a certificate as certbot does it: the deploy hook, the reload, and
the warnings before."""

import os
import shutil
import socket
import ssl
import stat
import subprocess
import tempfile
import unittest

from clients import PREFIX, Server, need
from test_exchange import ctl

HOOK = os.path.join(PREFIX, "libexec/postern/certbot-deploy")
NAME = "mail.example.test"


def make_certificate(dir, days, key=None):
    """What certbot leaves in live/NAME; `key`: to be used again."""
    os.makedirs(dir, exist_ok=True)
    path = os.path.join(dir, "privkey.pem")
    if key is None:
        subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey",
                        "-noout", "-out", path], check=True)
    elif key != path:
        shutil.copy(key, path)
    subprocess.run(
        ["openssl", "req", "-x509", "-new", "-key", path, "-days", str(days),
         "-subj", "/CN=" + NAME, "-addext", "subjectAltName=DNS:" + NAME,
         "-out", os.path.join(dir, "fullchain.pem")],
        check=True, capture_output=True)


@need("openssl")
class Renewal(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="postern-tls-")
        self.addCleanup(shutil.rmtree, self.dir, True)
        self.lineage = os.path.join(self.dir, "live", NAME)
        self.tls = os.path.join(self.dir, "tls")
        self.files = os.path.join(self.tls, NAME)
        self.conf = os.path.join(self.dir, "postern.conf")
        with open(self.conf, "w") as f:
            f.write(self.block())

    def block(self):
        return ('certificate a {\n certificate = "%s/fullchain.pem"\n'
                ' key = "%s/privkey.pem"\n}\n'
                'run_dir = "%s"\nhostname = "%s"\n'
                'listener imap {\n protocol = imap\n port = 143\n}\n' % (
                    self.files, self.files, self.dir, NAME))

    def deploy(self, lineage=None):
        """As certbot calls it."""
        lineage = lineage or self.lineage
        return subprocess.run(
            ["/bin/sh", "-c", HOOK], capture_output=True, text=True,
            timeout=60, env={
                **os.environ, "RENEWED_LINEAGE": lineage,
                "RENEWED_DOMAINS": NAME + " www.example.test",
                "POSTERN_CONF": self.conf, "POSTERN_TLS": self.tls})

    def start(self):
        server = Server(users=1, set=[
            "certificate.sandbox.certificate=%s/fullchain.pem" % self.files,
            "certificate.sandbox.key=%s/privkey.pem" % self.files])
        server.start()
        self.addCleanup(server.clean)
        self.addCleanup(lambda: server.stop())
        self.conf = os.path.join(server.dir, "postern.conf")
        return server

    def connect(self, server):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        s = context.wrap_socket(socket.create_connection(
            (server.host, server.ports["imaps"]), timeout=30))
        self.addCleanup(s.close)
        s.recv(1000)
        return s, s.getpeercert(True)

    def installed(self):
        with open(os.path.join(self.files, "fullchain.pem")) as f:
            return ssl.PEM_cert_to_DER_cert(f.read())

    def test_from_the_first_to_the_next(self):
        # The first one, before there is a server.
        make_certificate(self.lineage, 5)
        p = self.deploy()
        self.assertEqual((p.returncode, p.stderr), (0, ""))
        self.assertIn("when it starts", p.stdout)
        for name in ("fullchain.pem", "privkey.pem"):
            mode = os.stat(os.path.join(self.files, name)).st_mode
            self.assertEqual(stat.S_IMODE(mode), 0o640)
        self.assertEqual(sorted(os.listdir(self.files)),
                         ["fullchain.pem", "privkey.pem"])
        server = self.start()
        self.assertRegex(server.log(), "certificate-expires days=[45]")
        warnings = ctl(server, "status")["warnings"]
        self.assertRegex("|".join(warnings),
                         "^the certificate expires in [45] days$")
        old, shown = self.connect(server)
        self.assertEqual(shown, self.installed())
        # The same key.
        make_certificate(self.lineage, 90,
                         os.path.join(self.lineage, "privkey.pem"))
        p = self.deploy()
        self.assertEqual((p.returncode, p.stderr), (0, ""))
        self.assertEqual(ctl(server, "status")["warnings"], [])
        new, renewed = self.connect(server)
        self.assertEqual(renewed, self.installed())
        self.assertNotEqual(renewed, shown)
        # Who was there still is.
        for s in (old, new):
            s.sendall(b"a NOOP\r\n")
            self.assertIn(b"a OK", s.recv(1000))
        # Another key.
        make_certificate(self.lineage, 90)
        p = self.deploy()
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertIn("TLSA", p.stderr)
        self.assertEqual(self.connect(server)[1], self.installed())

    def test_files_that_do_not_fit(self):
        make_certificate(self.lineage, 90)
        self.assertEqual(self.deploy().returncode, 0)
        server = self.start()
        before = self.connect(server)[1]
        other = os.path.join(self.dir, "other")
        make_certificate(other, 90)
        shutil.copy(os.path.join(other, "privkey.pem"), self.lineage)
        p = self.deploy()
        self.assertNotEqual(p.returncode, 0)
        self.assertIn("posternctl:", p.stderr)
        self.assertEqual(self.connect(server)[1], before)
        # What it has is also what it finds when it starts.
        self.assertIn("the old one is back", p.stderr)
        self.assertEqual(self.installed(), before)
        self.assertEqual(sorted(os.listdir(self.files)),
                         ["fullchain.pem", "privkey.pem"])
        server.stop()
        server.start()
        self.assertEqual(self.connect(server)[1], before)

    def test_certificates_of_others(self):
        other = os.path.join(self.dir, "live", "www.example.test")
        make_certificate(other, 90)
        p = self.deploy(other)
        self.assertEqual(p.returncode, 0)
        self.assertIn("nothing to do", p.stderr)
        self.assertFalse(os.path.exists(self.tls))
        p = subprocess.run([HOOK], capture_output=True, text=True)
        self.assertEqual(p.returncode, 2)

    @unittest.skipIf(os.getuid() != 0, "needs root")
    def test_readable_for_the_server(self):
        with open(self.conf, "a") as f:
            f.write('user = "nobody"\n')
        make_certificate(self.lineage, 90)
        p = self.deploy()
        # posternctl may not use a run_dir of root's, but the files are there.
        self.assertIn(p.returncode, (0, 1), p.stderr)
        os.chmod(self.dir, 0o755)
        read = subprocess.run(
            ["runuser", "-u", "nobody", "--", "cat",
             os.path.join(self.files, "privkey.pem")], capture_output=True)
        self.assertEqual(read.returncode, 0, read.stderr)
        self.assertIn(b"PRIVATE KEY", read.stdout)


if __name__ == "__main__":
    unittest.main()
