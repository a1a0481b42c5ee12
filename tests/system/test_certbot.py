"""Debian's certbot against an authority of our own (support/acme_server.py) and a
server that serves meanwhile, by the commands of postern-tls(7)."""

# Takes long.

import http.server
import imaplib
import os
import shutil
import smtplib
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

from acme_server import AcmeServer, pem
from clients import PREFIX, SLOW, Server, need
from test_configured import free_ports
from test_exchange import ctl

HOOK = os.path.join(PREFIX, "libexec/postern/certbot-deploy")
NAME = "mail.example.test"
OTHER = "mta-sts.example.test"
USER = "user1@example.test"


@need("certbot", "openssl")
class Certbot(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="postern-certbot-")
        self.addCleanup(shutil.rmtree, self.dir, True)
        os.chmod(self.dir, 0o755)
        self.port = free_ports("http")["http"]
        self.acme = AcmeServer(self.port)
        self.addCleanup(self.acme.stop)
        self.webroot = os.path.join(self.dir, "acme")
        self.tls = os.path.join(self.dir, "tls")
        self.files = os.path.join(self.tls, NAME)
        self.conf = os.path.join(self.dir, "postern.conf")
        os.mkdir(self.webroot)
        with open(self.conf, "w") as f:
            f.write('certificate a {\n certificate = "%s/fullchain.pem"\n'
                    ' key = "%s/privkey.pem"\n}\n'
                    'run_dir = "%s"\nhostname = "%s"\n'
                    'listener imap {\n protocol = imap\n port = 143\n}\n' % (
                        self.files, self.files, self.dir, NAME))

    # --- what takes part

    def certbot(self, *args, status=0, say=""):
        """As the manual has it, but with other places and ports, and without
        questions. What it said."""
        p = subprocess.run(
            ["certbot", *args, "--server", self.acme.url,
             "--http-01-port", str(self.port),
             "--http-01-address", "127.0.0.1",
             "--config-dir", os.path.join(self.dir, "config"),
             "--work-dir", os.path.join(self.dir, "work"),
             "--logs-dir", os.path.join(self.dir, "logs"),
             "--non-interactive"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=120 * SLOW, env=self.environment(
                REQUESTS_CA_BUNDLE=self.acme.cafile))
        said = p.stdout + p.stderr
        self.assertEqual(p.returncode, status, said)
        self.assertIn(say, said)
        if not say:
            self.assertNotIn("reported error", said)
        return said

    def environment(self, **more):
        # certbot has modules of its own, which ours shall not hide.
        return {**{k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
                "POSTERN_CONF": self.conf, "POSTERN_TLS": self.tls, **more}

    def certonly(self, *how):
        return self.certbot(
            "certonly", *how, "--reuse-key", "-d", NAME, "-d", OTHER,
            "--deploy-hook", HOOK, "--agree-tos",
            "--register-unsafely-without-email")

    def renew(self, *how, **more):
        """What Debian's timer calls, but not only when it is time."""
        return self.certbot("renew", "--no-random-sleep-on-renew",
                            "--force-renewal", *how, **more)

    def start(self, has_port_80=True):
        server = Server(users=1, set=([
            "listener.redirect.protocol=redirect",
            "listener.redirect.address=127.0.0.1",
            "listener.redirect.port=%d" % self.port,
            "listener.redirect.tls=none"] if has_port_80 else []) + [
            "http.acme_dir=" + self.webroot,
            "certificate.sandbox.certificate=%s/fullchain.pem" % self.files,
            "certificate.sandbox.key=%s/privkey.pem" % self.files])
        server.start()
        self.addCleanup(server.clean)
        self.addCleanup(lambda: server.stop())
        self.conf = os.path.join(server.dir, "postern.conf")
        return server

    # --- what is seen of it

    def context(self):
        """Of a client that believes the authority's root, and checks names."""
        return ssl.create_default_context(cafile=self.acme.cafile)

    def smtp(self, server):
        # smtplib compares with the name that it was told to connect to.
        s = smtplib.SMTP(server.host, server.ports["smtp"], timeout=30)
        self.addCleanup(s.close)
        s._host = NAME
        s.starttls(context=self.context())
        s.ehlo("client.example.test")
        return s

    def imap(self, server):
        raw = socket.create_connection((server.host, server.ports["imaps"]),
                                       30)
        tls = self.context().wrap_socket(raw, server_hostname=NAME)

        class Session(imaplib.IMAP4):
            def _create_socket(self, timeout):
                return tls
        s = Session()
        self.addCleanup(s.shutdown)
        s.login(USER, server.password)
        s.select("INBOX")
        return s

    def shown(self, server):
        """The certificate that all services show, also for the other name."""
        found = {self.smtp(server).sock.getpeercert(True)}
        for port in ("imaps", "pop3s", "submissions", "https"):
            for name in (NAME, OTHER):
                with socket.create_connection(
                        (server.host, server.ports[port]), 30) as s:
                    with self.context().wrap_socket(
                            s, server_hostname=name) as t:
                        found.add(t.getpeercert(True))
        self.assertEqual(len(found), 1)
        return found.pop()

    def issued(self, number):
        return ssl.PEM_cert_to_DER_cert(pem(self.acme.issued[number]).decode())

    def in_place(self):
        """The first of the chain."""
        end = "-----END CERTIFICATE-----"
        with open(os.path.join(self.files, "fullchain.pem")) as f:
            first, _, rest = f.read().partition(end)
        self.assertIn("BEGIN CERTIFICATE", rest)
        return ssl.PEM_cert_to_DER_cert(first + end)

    def public_keys(self):
        return {c.public_key().public_numbers() for c in self.acme.issued}

    def make_stand_in(self):
        """A certificate of nobody."""
        os.makedirs(self.files)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
             "-subj", "/CN=" + NAME,
             "-keyout", os.path.join(self.files, "privkey.pem"),
             "-out", os.path.join(self.files, "fullchain.pem")],
            check=True, capture_output=True)

    def lead_to_https(self, server):
        """Another web server, that redirects everything."""
        to = "https://%s:%d" % (NAME, server.ports["https"])

        class Handler(http.server.BaseHTTPRequestHandler):
            timeout = 20

            def do_GET(self):
                self.send_response(301)
                self.send_header("Location", to + self.path)
                self.end_headers()

            def log_message(self, *unused):
                pass
        web = http.server.HTTPServer(("127.0.0.1", self.port), Handler)
        thread = threading.Thread(target=web.serve_forever,
                                  kwargs={"poll_interval": 0.05})
        thread.start()
        for step in (web.server_close, thread.join, web.shutdown):
            self.addCleanup(step)

    # --- tests

    def test_as_the_manual_tells(self):
        # The first one, while nothing listens.
        self.acme.stale_nonces = 1
        self.certonly("--standalone")
        self.assertEqual(self.in_place(), self.issued(0))
        server = self.start()
        self.assertEqual(self.shown(server), self.issued(0))
        imap, smtp = self.imap(server), self.smtp(server)
        mail = self.smtp(server)
        mail.mail("ann@example.org")
        mail.rcpt(USER)
        # From now on with the server's own listener, which certbot keeps.
        self.renew("--cert-name", NAME, "--webroot", "-w", self.webroot)
        self.assertEqual(self.shown(server), self.issued(1))
        self.renew()
        self.assertEqual(self.shown(server), self.issued(2))
        self.assertEqual(len(self.acme.issued), 3)
        # TLSA records stay right.
        self.assertEqual(len(self.public_keys()), 1)
        # Names were asked for at the server, and nothing is left there.
        self.assertEqual([status for _, status in self.acme.fetched], 6 * [200])
        self.assertEqual(sum(map(len, (f for _, _, f in os.walk(
            self.webroot)))), 0)
        # Who was there still is, in the midst of what they did.
        self.assertEqual(mail.data(b"Subject: through\r\n\r\n1\r\n")[0], 250)
        self.assertEqual(smtp.noop()[0], 250)
        self.assertEqual(imap.noop()[0], "OK")
        self.assertEqual(imap.search(None, "SUBJECT", "through"),
                         ("OK", [b"1"]))
        for s in (imap.sock, smtp.sock, mail.sock):
            self.assertEqual(s.getpeercert(True), self.issued(0))
        self.assertEqual(ctl(server, "status")["warnings"], [])

    def test_while_the_server_serves_already(self):
        self.make_stand_in()
        server = self.start()
        with self.assertRaises(ssl.SSLError):
            self.shown(server)
        self.certonly("--webroot", "-w", self.webroot)
        self.assertEqual(self.shown(server), self.issued(0))
        # The hook may be called for all that is renewed.
        os.symlink(HOOK, os.path.join(
            self.dir, "config/renewal-hooks/deploy/postern"))
        self.certbot("certonly", "--webroot", "-w", self.webroot,
                     "-d", "www.example.test")
        said = self.renew()
        self.assertIn("nothing to do", said)
        self.assertEqual(os.listdir(self.tls), [NAME])
        shown = self.shown(server)
        self.assertIn(shown, [self.issued(2), self.issued(3)])
        self.assertEqual(shown, self.in_place())

    def test_behind_another_web_server_that_redirects(self):
        self.make_stand_in()
        server = self.start(has_port_80=False)
        self.lead_to_https(server)
        self.certonly("--webroot", "-w", self.webroot)
        self.assertEqual(self.shown(server), self.issued(0))
        self.assertEqual([s for _, s in self.acme.fetched],
                         2 * [301, 200])

    def test_what_fails_leaves_the_old_one(self):
        self.certonly("--standalone")
        server = self.start()
        first = self.shown(server)

        def nothing_changed():
            self.assertEqual(self.shown(server), first)
            self.assertEqual(self.in_place(), first)
            self.assertEqual(sorted(os.listdir(self.files)),
                             ["fullchain.pem", "privkey.pem"])

        # The authority does not find its challenge.
        elsewhere = os.path.join(self.dir, "elsewhere")
        os.mkdir(elsewhere)
        self.renew("--webroot", "-w", elsewhere, status=1,
                   say="Some challenges have failed")
        self.assertEqual(self.acme.fetched[-1][1], 404)
        nothing_changed()
        # The hook finds no configuration.
        conf, self.conf = self.conf, os.path.join(self.dir, "none")
        self.renew("--webroot", "-w", self.webroot,
                   say="Hook 'deploy-hook' reported error code")
        self.conf = conf
        nothing_changed()
        # A certificate that is not for the key: the server refuses it.
        self.acme.other_key = True
        self.assertIn("the old one is back", self.renew(
            say="Hook 'deploy-hook' reported error code"))
        nothing_changed()
        # Nor does it matter that the server starts anew then.
        server.stop()
        server.start()
        nothing_changed()
        # By hand, as long as it is not mended, and when it is.
        environment = self.environment(
            RENEWED_DOMAINS=NAME,
            RENEWED_LINEAGE=os.path.join(self.dir, "config/live", NAME))
        p = subprocess.run([HOOK], env=environment, capture_output=True)
        self.assertNotEqual(p.returncode, 0)
        nothing_changed()
        self.acme.other_key = False
        self.renew()
        self.assertEqual(self.shown(server), self.issued(-1))
        self.assertNotEqual(self.shown(server), first)
        p = subprocess.run([HOOK], env=environment, capture_output=True)
        self.assertEqual((p.returncode, p.stderr), (0, b""))


if __name__ == "__main__":
    unittest.main()
