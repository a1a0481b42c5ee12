"""A server with a configuration written by hand, started by root for the user
nobody: privileges, reload, and TLS as OpenSSL and GnuTLS see it."""

import glob
import os
import pwd
import shutil
import signal
import smtplib
import socket
import ssl
import stat
import subprocess
import tempfile
import time
import unittest

from clients import (POSTERNCTL, POSTERND, SLOW, copy_modules, need,
                     text_message, token, wait_for, wire)

CONF = """\
# made by hand
hostname = "mail.example.org"
domains = {{ "example.org", "example.net" }}
user = "nobody"
state_dir = "{dir}/state"
run_dir = "{dir}/run"
module_dir = "{dir}/modules"

certificate main {{
	certificate = "{dir}/tls/main.crt"
	key = "{dir}/tls/main.key"
}}
certificate other {{
	certificate = "{dir}/tls/other.crt"
	key = "{dir}/tls/other.key"
}}

listener smtp {{
	protocol = smtp
	address = {{ "127.0.0.1" }}
	port = {smtp}
}}
listener submissions {{
	protocol = submission
	address = {{ "127.0.0.1" }}
	port = {submissions}
	tls = implicit
}}
listener submission {{
	protocol = submission
	address = {{ "127.0.0.1" }}
	port = {submission}
}}
listener lmtp {{
	protocol = lmtp
	path = "{dir}/run/lmtp"
}}
listener imap {{
	protocol = imap
	address = {{ "127.0.0.1" }}
	port = {imap}
}}
listener imaps {{
	protocol = imap
	address = {{ "127.0.0.1" }}
	port = {imaps}
	tls = implicit
}}

storage maildir {{
	path = "{dir}/mail"
}}

log {{
	target = file
	path = "{dir}/log/postern.log"
}}

auth {{
	hash_cost = 1
	failure_delay = 10
}}
"""

USER = "anna@example.org"
PASSWORD = "a long secret"


def free_ports(*names):
    """Ports that nobody has now."""
    sockets = {}
    for name in names:
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        sockets[name] = s
    ports = {name: s.getsockname()[1] for name, s in sockets.items()}
    for s in sockets.values():
        s.close()
    return ports


class Authority:
    """Certificates for names, all from one authority."""

    def __init__(self, path):
        self.path = path
        self.ca = os.path.join(path, "ca.crt")
        self.serial = 0
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
                     "ec_paramgen_curve:P-256", "-nodes", "-days", "90",
                     "-subj", "/CN=Authority of this test", "-keyout",
                     "ca.key", "-out", "ca.crt")

    def openssl(self, *args):
        p = subprocess.run(("openssl",) + args, cwd=self.path,
                           capture_output=True, text=True, timeout=60)
        if p.returncode:
            raise AssertionError(p.stderr)

    def issue(self, cert, key, *names):
        """Puts a certificate and its key in place, each in one rename."""
        self.serial += 1
        self.openssl("req", "-newkey", "ec", "-pkeyopt",
                     "ec_paramgen_curve:P-256", "-nodes", "-subj",
                     "/CN=%s/serialNumber=%d" % (names[0], self.serial),
                     "-addext", "subjectAltName=" + ",".join(
                         "DNS:" + n for n in names),
                     "-keyout", "new.key", "-out", "new.csr")
        self.openssl("x509", "-req", "-in", "new.csr", "-CA", "ca.crt",
                     "-CAkey", "ca.key", "-days", "60", "-set_serial",
                     str(1000 + self.serial), "-copy_extensions", "copyall",
                     "-out", "new.crt")
        for new, place in (("new.key", key), ("new.crt", cert)):
            os.chmod(os.path.join(self.path, new), 0o600)
            os.rename(os.path.join(self.path, new), place)
        return 1000 + self.serial


@unittest.skipUnless(os.geteuid() == 0, "not root")
@need("openssl")
class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="postern-conf-")
        cls.addClassCleanup(shutil.rmtree, cls.dir, True)
        os.chmod(cls.dir, 0o711)
        os.mkdir(os.path.join(cls.dir, "ca"))
        os.mkdir(os.path.join(cls.dir, "tls"), 0o700)
        copy_modules(cls.dir)
        os.mkdir(os.path.join(cls.dir, "log"), 0o700)
        os.chown(os.path.join(cls.dir, "log"),
                 pwd.getpwnam("nobody").pw_uid, 0)
        cls.authority = Authority(os.path.join(cls.dir, "ca"))
        cls.ca = cls.authority.ca
        cls.serial = cls.issue("main", "mail.example.org", "localhost")
        cls.other = cls.issue("other", "imap.example.net", "*.example.com")
        cls.ports = free_ports("smtp", "submission", "submissions", "imap",
                               "imaps")
        cls.conf = os.path.join(cls.dir, "postern.conf")
        with open(cls.conf, "w") as f:
            f.write(CONF.format(dir=cls.dir, **cls.ports))
        cls.pidfile = os.path.join(cls.dir, "pid")
        cls.start()
        cls.addClassCleanup(cls.end)
        cls.ctl("user", "add", USER, input=PASSWORD + "\n")

    @classmethod
    def issue(cls, name, *names):
        return cls.authority.issue(
            os.path.join(cls.dir, "tls", name + ".crt"),
            os.path.join(cls.dir, "tls", name + ".key"), *names)

    @classmethod
    def start(cls):
        """In the background: the command comes back when it serves."""
        p = subprocess.run(
            [POSTERND, "-c", cls.conf, "-p", cls.pidfile],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=60 * SLOW)
        if p.returncode:
            raise AssertionError("%s%s" % (p.stdout + p.stderr, cls.log()))
        with open(cls.pidfile) as f:
            cls.pid = int(f.read())

    @classmethod
    def is_running(cls):
        try:
            with open("/proc/%d/stat" % cls.pid) as f:
                return f.read().rsplit(")", 1)[1].split()[0] != "Z"
        except FileNotFoundError:
            return False

    @classmethod
    def end(cls):
        if cls.is_running():
            os.kill(cls.pid, signal.SIGTERM)
            if not wait_for(lambda: not cls.is_running(), 30):
                os.kill(cls.pid, signal.SIGKILL)
                raise AssertionError("posternd does not stop\n" + cls.log())

    @classmethod
    def log(cls):
        try:
            with open(os.path.join(cls.dir, "log/postern.log")) as f:
                return f.read()
        except FileNotFoundError:
            return ""

    @classmethod
    def ctl(cls, *args, input=None):
        p = subprocess.run([POSTERNCTL, "-c", cls.conf, *args], input=input,
                           capture_output=True, text=True, timeout=60 * SLOW)
        if p.returncode:
            raise AssertionError(p.stdout + p.stderr + cls.log())
        return p.stdout

    def context(self, **more):
        context = ssl.create_default_context(cafile=self.ca)
        for name, value in more.items():
            setattr(context, name, value)
        return context

    def connect(self, port="imaps", name="mail.example.org", context=None,
                **more):
        s = socket.create_connection(("127.0.0.1", self.ports[port]),
                                     20 * SLOW)
        self.addCleanup(s.close)
        t = (context or self.context()).wrap_socket(
            s, server_hostname=name, **more)
        self.addCleanup(t.close)
        return t

    def read_line(self, s):
        line = b""
        while not line.endswith(b"\n"):
            data = s.recv(1)
            if not data:
                break
            line += data
        return line

    def ask(self, s, command, tag=b"a"):
        s.sendall(tag + b" " + command + b"\r\n")
        lines = []
        while not lines or not lines[-1].startswith(tag + b" "):
            lines.append(self.read_line(s))
            if not lines[-1]:
                raise AssertionError("closed after %r" % lines)
        return lines

    def serial_of(self, s):
        return int(s.getpeercert()["serialNumber"], 16)

    def s_client(self, *args, port="imaps", input=b"a LOGOUT\r\n", status=0):
        p = subprocess.run(
            ["openssl", "s_client", "-connect",
             "127.0.0.1:%d" % self.ports[port], "-CAfile", self.ca, *args],
            input=input, capture_output=True, timeout=30 * SLOW)
        out = (p.stdout + p.stderr).decode(errors="replace")
        if status is not None:
            self.assertEqual(p.returncode, status, out)
        return out

    def login(self, **more):
        s = self.connect(**more)
        self.read_line(s)
        got = self.ask(s, b'LOGIN %s "%s"' % (
            USER.encode(), PASSWORD.encode()))
        self.assertTrue(got[-1].startswith(b"a OK"), got)
        return s

    def served(self, name="mail.example.org"):
        with self.connect(name=name) as s:
            return self.serial_of(s)


class Configured(Base):
    # --- privileges -------------------------------------------------------

    def status_of(self, pid):
        with open("/proc/%d/status" % pid) as f:
            return dict(line.rstrip("\n").split(":\t", 1) for line in f
                        if ":\t" in line)

    def test_the_server_is_nobody(self):
        nobody = pwd.getpwnam("nobody")
        status = self.status_of(self.pid)
        self.assertEqual(set(status["Uid"].split()), {str(nobody.pw_uid)})
        self.assertEqual(set(status["Gid"].split()), {str(nobody.pw_gid)})
        self.assertNotIn("0", status["Groups"].split())
        for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            self.assertEqual(int(status[kind], 16), 0, kind)
        self.assertEqual(status["NoNewPrivs"], "1")
        for task in glob.glob("/proc/%d/task/*/status" % self.pid):
            with open(task) as f:
                self.assertRegex(f.read(), r"Uid:\t%d\t%d\t%d\t%d\n" % (
                    (nobody.pw_uid,) * 4))

    def test_a_helper_that_is_root_can_only_read(self):
        """CAP_DAC_READ_SEARCH, if there is one at all."""
        for path in glob.glob("/proc/%d/task/*/children" % self.pid):
            with open(path) as f:
                for child in f.read().split():
                    status = self.status_of(int(child))
                    self.assertEqual(
                        int(status["CapPrm"], 16) & ~(1 << 2), 0, status)

    def test_files_belong_to_nobody(self):
        with smtplib.SMTP("127.0.0.1", self.ports["smtp"]) as s:
            s.sendmail("x@example.com", USER, wire(text_message(token())))
        uid = pwd.getpwnam("nobody").pw_uid
        count = 0
        for top in ("state", "run", "mail"):
            for root, folders, files in os.walk(os.path.join(self.dir, top)):
                for name in folders + files + ["."]:
                    path = os.path.join(root, name)
                    try:
                        st = os.lstat(path)
                    except FileNotFoundError:
                        continue
                    if stat.S_ISSOCK(st.st_mode):
                        continue    # made by root, reached by its folder
                    self.assertEqual(st.st_uid, uid, path)
                    self.assertFalse(st.st_mode & 0o077, "%s %o" % (
                        path, st.st_mode))
                    count += 1
        self.assertGreater(count, 10)

    def test_a_second_server_is_refused(self):
        p = subprocess.run([POSTERND, "-f", "-c", self.conf],
                           capture_output=True, text=True, timeout=30 * SLOW)
        self.assertEqual(p.returncode, 1, p.stderr)
        p = subprocess.run([POSTERND, "-c", self.conf, "-p", self.pidfile],
                           capture_output=True, text=True, timeout=30 * SLOW)
        self.assertEqual(p.returncode, 1, p.stderr)
        self.assertEqual(len(p.stderr.strip().splitlines()), 1, p.stderr)
        self.assertTrue(self.is_running())
        with open(self.pidfile) as f:
            self.assertEqual(int(f.read()), self.pid)

    def test_no_login_without_tls(self):
        s = socket.create_connection(("127.0.0.1", self.ports["imap"]), 20)
        self.addCleanup(s.close)
        self.assertIn(b"LOGINDISABLED", self.read_line(s))
        self.assertRegex(self.ask(s, b'LOGIN %s "%s"' % (
            USER.encode(), PASSWORD.encode()))[-1], rb"a (NO|BAD)")

    def test_lmtp_over_a_unix_socket(self):
        t = token()
        with smtplib.LMTP(os.path.join(self.dir, "run/lmtp")) as s:
            self.assertEqual(s.sendmail("x@example.com", [USER], wire(
                text_message(t))), {})
        self.login_and_find(t)

    def login_and_find(self, word):
        s = self.login()
        self.ask(s, b"SELECT INBOX")
        found = self.ask(s, b"SEARCH SUBJECT " + word.encode())
        self.assertRegex(found[0], rb"^\* SEARCH \d+\r\n$")

    def test_submission_and_reading(self):
        t = token()
        context = self.context()
        with smtplib.SMTP("localhost", self.ports["submission"]) as s:
            s.starttls(context=context)
            s.login(USER, PASSWORD)
            s.sendmail(USER, USER, wire(text_message(t, sender=USER)))
        self.login_and_find(t)

    # --- reload -----------------------------------------------------------

    def test_reload_serves_the_new_certificate(self):
        """A new connection gets it, an old one goes on."""
        old = self.login()
        before = self.serial_of(old)
        idle = self.login()
        self.ask(idle, b"SELECT INBOX")
        idle.sendall(b"i IDLE\r\n")
        self.assertTrue(self.read_line(idle).startswith(b"+"))
        serial = self.issue("main", "mail.example.org", "localhost")
        self.assertNotEqual(serial, before)
        os.kill(self.pid, signal.SIGHUP)
        self.assertTrue(wait_for(lambda: self.served() == serial, 10),
                        self.log()[-2000:])
        self.assertEqual(self.serial_of(old), before)
        self.assertIn(b"a OK", self.ask(old, b"NOOP")[-1])
        self.assertIn(b"a OK", self.ask(old, b"SELECT INBOX")[-1])
        t = token()
        with smtplib.SMTP("127.0.0.1", self.ports["smtp"]) as s:
            s.sendmail("x@example.com", USER, wire(text_message(t)))
        self.assertIn(b"EXISTS", self.read_line(idle))
        # STARTTLS has the new one, too
        with smtplib.SMTP("localhost", self.ports["smtp"]) as s:
            s.starttls(context=self.context())
            self.assertEqual(self.serial_of(s.sock), serial)
        # once more, by posternctl
        serial = self.issue("main", "mail.example.org", "localhost")
        self.ctl("reload")
        self.assertEqual(self.served(), serial)

    def test_reload_with_a_broken_certificate_changes_nothing(self):
        before = self.served("imap.example.net")
        path = os.path.join(self.dir, "tls/other.crt")
        with open(path) as f:
            good = f.read()
        try:
            with open(path, "w") as f:
                f.write("no certificate\n")
            p = subprocess.run([POSTERNCTL, "-c", self.conf, "reload"],
                               capture_output=True, text=True, timeout=30)
            self.assertEqual(p.returncode, 1, p.stdout)
            self.assertIn("other", p.stderr)    # which one it is
            self.assertEqual(self.served("imap.example.net"), before)
            self.assertTrue(self.is_running())
        finally:
            with open(path, "w") as f:
                f.write(good)
        self.ctl("reload")
        self.assertEqual(self.served("imap.example.net"), before)

    def test_reload_with_a_key_of_another_certificate(self):
        before = self.served("imap.example.net")
        key = os.path.join(self.dir, "tls/other.key")
        shutil.copyfile(key, key + ".good")
        try:
            shutil.copyfile(os.path.join(self.dir, "tls/main.key"), key)
            p = subprocess.run([POSTERNCTL, "-c", self.conf, "reload"],
                               capture_output=True, text=True, timeout=30)
            self.assertEqual(p.returncode, 1, p.stdout)
            self.assertEqual(self.served("imap.example.net"), before)
        finally:
            os.rename(key + ".good", key)
        self.ctl("reload")

    def test_reload_with_a_broken_configuration_changes_nothing(self):
        with open(self.conf) as f:
            good = f.read()
        try:
            with open(self.conf, "a") as f:
                f.write("limits { conections = 3 }\n")
            p = subprocess.run([POSTERND, "-t", "-c", self.conf],
                               capture_output=True, text=True, timeout=30)
            self.assertEqual(p.returncode, 1)
            os.kill(self.pid, signal.SIGHUP)
            self.assertTrue(wait_for(lambda: "conections" in self.log(), 5))
            self.served()
        finally:
            with open(self.conf, "w") as f:
                f.write(good)

    def test_log_file_is_opened_again(self):
        path = os.path.join(self.dir, "log/postern.log")
        os.rename(path, path + ".1")
        os.kill(self.pid, signal.SIGUSR1)
        self.assertTrue(wait_for(lambda: os.path.exists(path), 5))
        self.login()
        self.assertTrue(wait_for(lambda: USER in self.log(), 5))
        os.unlink(path + ".1")

    # --- TLS --------------------------------------------------------------

    def test_versions(self):
        for port, more in (("imaps", ()), ("submissions", ()),
                           ("imap", ("-starttls", "imap")),
                           ("smtp", ("-starttls", "smtp"))):
            for option, version in (("-tls1_2", "TLSv1.2"),
                                    ("-tls1_3", "TLSv1.3")):
                with self.subTest("%s %s" % (port, version)):
                    out = self.s_client(
                        option, "-verify_return_error", "-verify_hostname",
                        "mail.example.org", "-servername", "mail.example.org",
                        *more, port=port, input=b"QUIT\r\na LOGOUT\r\n")
                    self.assertIn("Verify return code: 0 (ok)", out)
                    self.assertIn(version, out)

    def test_old_versions_are_refused(self):
        for option in ("-tls1", "-tls1_1"):
            out = self.s_client(option, "-cipher", "ALL:@SECLEVEL=0",
                                status=None)
            self.assertRegex(out, r"(?i)alert|no protocols available|error")
            self.assertNotIn("Postern ready", out)

    @need("gnutls-cli")
    def test_gnutls_client(self):
        for port, more in (("imaps", []),
                           ("imap", ["--starttls-proto=imap"]),
                           ("smtp", ["--starttls-proto=smtp"]),
                           ("submission", ["--starttls-proto=smtp"])):
            with self.subTest(port):
                p = subprocess.run(
                    ["gnutls-cli", "--x509cafile", self.ca, "--port",
                     str(self.ports[port]), "--verify-hostname",
                     "mail.example.org", "--sni-hostname", "mail.example.org",
                     *more, "127.0.0.1"], input=b"a LOGOUT\r\nQUIT\r\n",
                    capture_output=True, timeout=30 * SLOW)
                out = (p.stdout + p.stderr).decode(errors="replace")
                self.assertEqual(p.returncode, 0, out)
                self.assertIn("The certificate is trusted", out)

    def test_sni_chooses_the_certificate(self):
        for name, serial in (("mail.example.org", self.served()),
                             ("imap.example.net", self.other),
                             ("any.example.com", self.other),
                             ("IMAP.Example.NET", self.other)):
            with self.subTest(name):
                self.assertEqual(self.served(name), serial)
        out = self.s_client("-noservername")
        self.assertIn("CN = mail.example.org", out)
        out = self.s_client("-servername", "unknown.example.edu")
        self.assertIn("CN = mail.example.org", out)
        out = self.s_client("-starttls", "imap", "-servername",
                            "imap.example.net", port="imap")
        self.assertIn("CN = imap.example.net", out)

    def test_resumption_by_openssl(self):
        session = os.path.join(self.dir, "session")
        for option in ("-tls1_2", "-tls1_3"):
            with self.subTest(option):
                out = self.s_client(option, "-sess_out", session,
                                    "-ign_eof")
                self.assertIn("New, TLSv1", out)
                out = self.s_client(option, "-sess_in", session, "-ign_eof")
                self.assertIn("Reused, TLSv1", out)
                os.unlink(session)

    def test_resumption_after_a_reload(self):
        """The keys of the tickets stay."""
        context = self.context()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context.minimum_version = context.maximum_version = version
            s = self.connect(context=context)
            self.read_line(s)
            session = s.session
            s.close()
            again = self.connect(context=context, session=session)
            self.assertTrue(again.session_reused, version)
            self.ctl("reload")
            again = self.connect(context=context, session=session)
            self.assertTrue(again.session_reused, version)
            self.read_line(again)
            self.assertIn(b"a OK", self.ask(again, b"NOOP")[-1])

    def test_alpn(self):
        """RFC 7301: a client that asks for another protocol is refused; one
        that asks for ours, or for none, isn't."""
        out = self.s_client("-alpn", "imap")
        self.assertIn("ALPN protocol: imap", out)
        out = self.s_client("-alpn", "h2,imap")
        self.assertIn("ALPN protocol: imap", out)
        out = self.s_client()
        self.assertIn("No ALPN negotiated", out)
        for port in ("imaps", "submissions"):
            for protocols in ("h2", "http/1.1", "h2,http/1.1", "pop3"):
                with self.subTest("%s %s" % (port, protocols)):
                    out = self.s_client("-alpn", protocols, port=port,
                                        status=1)
                    self.assertIn("no application protocol", out)

    def test_a_client_that_speaks_no_tls(self):
        for data in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00junk",
                     b"a LOGIN x y\r\n"):
            s = socket.create_connection(
                ("127.0.0.1", self.ports["imaps"]), 20 * SLOW)
            self.addCleanup(s.close)
            s.sendall(data + b"\0" * 600)
            try:
                while s.recv(4096):
                    pass
            except ConnectionResetError:
                pass
        self.served()


@unittest.skipUnless(os.geteuid() == 0, "not root")
class Refusals(unittest.TestCase):
    def test_refuses_to_serve_as_root(self):
        path = tempfile.mkdtemp(prefix="postern-root-")
        self.addCleanup(shutil.rmtree, path)
        conf = os.path.join(path, "conf")
        with open(conf, "w") as f:
            f.write('hostname = "mail.example.org"\n'
                    'domains = { "example.org" }\n'
                    'state_dir = "%s/s"\nrun_dir = "%s/r"\n'
                    'listener imap { protocol = imap  port = %d }\n'
                    'storage maildir { }\n' % (
                        path, path, free_ports("imap")["imap"]))
        p = subprocess.run([POSTERND, "-f", "-c", conf], capture_output=True,
                           text=True, timeout=30 * SLOW)
        self.assertEqual(p.returncode, 1)
        self.assertIn("user", p.stderr)
        p = subprocess.run([POSTERND, "-c", conf], capture_output=True,
                           text=True, timeout=30 * SLOW)
        self.assertEqual(p.returncode, 1)
        self.assertEqual(len(p.stderr.strip().splitlines()), 1, p.stderr)


class Stop(Base):
    def test_stop_leaves_nothing(self):
        s = self.connect()
        self.read_line(s)
        self.ctl("stop")
        # The command comes back when the process has closed its files, which
        # is the last but one thing that it does.
        self.assertTrue(wait_for(lambda: not self.is_running(), 5))
        self.assertTrue(self.read_line(s).startswith(b"* BYE"))
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(path, "rb") as f:
                    self.assertNotIn(self.conf.encode(), f.read(), path)
            except (FileNotFoundError, ProcessLookupError):
                pass
        for name in ("run/lmtp", "run/control"):
            self.assertFalse(os.path.exists(os.path.join(self.dir, name)))
        self.start()    # and all is ready for the next one
        self.login()


if __name__ == "__main__":
    unittest.main()
