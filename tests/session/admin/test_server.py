"""posternd: starting, reloading, stopping."""

import json
import os
import signal
import socket
import ssl
import stat
import subprocess
import tempfile
import time
import unittest

from postern import copy_modules, PREFIX, Server
from wire import POSTERND, Line, imap, run, wait_for


class Sandbox(unittest.TestCase):
    def test_ready_json_is_complete_and_true(self):
        with Server(users=3) as s:
            info = s.info
            self.assertEqual(info["pid"], s.process.pid)
            self.assertEqual(info["host"], "127.0.0.1")
            self.assertEqual(info["domain"], "example.test")
            self.assertEqual(info["storage"], "maildir")
            self.assertEqual(info["password"], "secret")
            self.assertEqual(info["users"], [
                "user%d@example.test" % i for i in (1, 2, 3)])
            self.assertTrue(info["mail_root"].startswith(s.dir))
            self.assertEqual(
                set(info["ports"]), {"smtp", "submission", "submissions",
                                     "lmtp", "imap", "imaps", "pop3",
                                     "pop3s", "http", "https",
                                     "managesieve"})
            for port in info["ports"].values():
                socket.create_connection((s.host, port), 10).close()
            ready = os.path.join(s.dir, "ready.json")
            self.assertEqual(s.stop(), 0)
            self.assertFalse(os.path.exists(ready))

    def test_everything_is_below_the_directory_and_closed_to_others(self):
        with Server() as s:
            for name in ("state", "run", "mail"):
                mode = os.stat(os.path.join(s.dir, name)).st_mode
                self.assertEqual(stat.S_IMODE(mode), 0o700, name)
            for name in ("key.pem", "state/accounts.db"):
                mode = os.stat(os.path.join(s.dir, name)).st_mode
                self.assertEqual(stat.S_IMODE(mode) & 0o077, 0, name)
            mode = os.stat(os.path.join(s.dir, "run/control")).st_mode
            self.assertEqual(stat.S_IMODE(mode), 0o600)

    def test_tls_with_the_own_certificate(self):
        with Server() as s:
            c = imap(s, s.users[0], tls=True)
            self.assertTrue(c.greeting.startswith("* OK"))
            c.close()

    def test_second_start_on_the_same_directory_is_refused(self):
        with Server() as s:
            second = run(POSTERND, "--sandbox", s.dir, "--ports", "auto")
            self.assertEqual(second.returncode, 1)
            self.assertIn("another posternd (process %d)" % s.pid,
                          second.stderr)
            self.assertEqual(second.stderr.count("\n"), 1)
            # The first one has lost nothing by it.
            self.assertTrue(os.path.exists(os.path.join(s.dir, "ready.json")))
            imap(s, s.users[0]).close()

    def test_a_later_start_keeps_users_and_certificate(self):
        with Server() as s:
            with open(s.cafile) as f:
                certificate = f.read()
            p = s.ctl("user", "add", "more@example.test", input="longer\n")
            self.assertEqual(p.returncode, 0, p.stderr)
            self.assertEqual(s.stop(), 0)
            s.start()
            with open(s.cafile) as f:
                self.assertEqual(f.read(), certificate)
            imap(s, "more@example.test", "longer").close()

    def test_start_after_kill(self):
        with Server() as s:
            s.kill()
            self.assertTrue(
                os.path.exists(os.path.join(s.dir, "run/control")))
            s.start()
            self.assertEqual(s.ctl("status").returncode, 0)
            self.assertEqual(s.stop(), 0)

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_as_another_user(self):
        with tempfile.TemporaryDirectory() as d:
            os.chown(d, 65534, 65534)
            with Server(dir=d, set=["user=nobody", "module_dir=" +
                                    copy_modules(d)]) as s:
                self.assertEqual(os.stat("/proc/%d" % s.pid).st_uid, 65534)
                imap(s, s.users[0], tls=True).close()
                p = s.ctl("user", "add", "a@example.test", input="secret\n")
                self.assertEqual(p.returncode, 0, p.stderr)
                self.assertEqual(s.ctl("reload").returncode, 0)
                self.assertEqual(s.stop(), 0)
                self.assertEqual(
                    {os.stat(os.path.join(f, name)).st_uid
                     for f, _, files in os.walk(d)
                     for name in files
                     if name != "log" and not name.endswith(".so")},
                    {65534})

    def test_settings_are_in_force_and_shown(self):
        with Server(set=["imap.login_time=77"]) as s:
            with open(os.path.join(s.dir, "postern.conf")) as f:
                self.assertIn("login_time = 77", f.read())

    def test_only_loopback(self):
        with tempfile.TemporaryDirectory() as d:
            p = run(POSTERND, "--sandbox", d, "--ports", "auto",
                    "--set", "listener.imap.address=0.0.0.0")
            self.assertEqual(p.returncode, 1)
            self.assertIn("loopback", p.stderr)

    def test_unknown_storage(self):
        with tempfile.TemporaryDirectory() as d:
            p = run(POSTERND, "--sandbox", d, "--ports", "auto",
                    "--storage", "papyrus")
            self.assertEqual(p.returncode, 1)
            self.assertIn("papyrus", p.stderr)
            p = run(POSTERND, "--sandbox", d, "--storage", "../x")
            self.assertEqual(p.returncode, 1)
            self.assertIn("expected a module's name", p.stderr)
            p = run(POSTERND, "--sandbox", d, "--ports", "auto",
                    "--storage", "papyrus:host=/x")
            self.assertEqual(p.returncode, 1)
            with open(os.path.join(d, "postern.conf")) as f:
                self.assertIn('"conninfo=host=/x"', f.read())

    def test_a_long_path(self):
        with tempfile.TemporaryDirectory() as d:
            deep = os.path.join(d, "x" * 100, "y" * 60)
            os.makedirs(deep)
            with Server(dir=deep) as s:
                self.assertEqual(s.ctl("status").returncode, 0)

    def test_a_port_in_use_is_said(self):
        with socket.socket() as taken, tempfile.TemporaryDirectory() as d:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            p = run(POSTERND, "--sandbox", d, "--ports", "auto",
                    "--set", "listener.imap.port=%d" % port)
            self.assertEqual(p.returncode, 1)
            self.assertIn(str(port), p.stderr)
            self.assertEqual(p.stderr.count("\n"), 1)
            self.assertFalse(os.path.exists(os.path.join(d, "ready.json")))

    def reads_beyond(self, env):
        """Whether a reload reads a certificate that lies elsewhere."""
        with Server(env=env) as s, tempfile.TemporaryDirectory() as d:
            if "not in force" in s.log():
                self.skipTest("the kernel has no Landlock")
            with open("/proc/%d/status" % s.pid) as f:
                self.assertIn("NoNewPrivs:\t1", f.read())
            away = os.path.join(d, "cert.pem")
            os.rename(s.cafile, away)
            os.symlink(away, s.cafile)
            return s.ctl("reload").returncode == 0

    def test_the_kernel_keeps_it_in_its_place(self):
        self.assertFalse(self.reads_beyond({}))
        self.assertTrue(self.reads_beyond({"POSTERN_NO_LANDLOCK": "1"}))


class Options(unittest.TestCase):
    def test_wrong_ones(self):
        for args in (["--nonsense"], ["extra"], ["--set", "x"],
                     ["--ports", "auto"], ["--sandbox", "d", "-t"]):
            p = run(POSTERND, *args)
            self.assertEqual(p.returncode, 2, args)
            self.assertIn("posternd: ", p.stderr)

    def test_help_and_version(self):
        for option, word in (("-h", "usage:"), ("--help", "usage:"),
                             ("-V", "posternd "), ("--version", "posternd ")):
            p = run(POSTERND, option)
            self.assertEqual(p.returncode, 0)
            self.assertIn(word, p.stdout)

    def test_unknown_key(self):
        with tempfile.TemporaryDirectory() as d:
            p = run(POSTERND, "--sandbox", d, "--set", "imap.colour=red")
            self.assertEqual(p.returncode, 1)
            self.assertIn("imap.colour", p.stderr)
            self.assertEqual(os.listdir(d), [])

    def test_effective_values(self):
        with tempfile.TemporaryDirectory() as d:
            p = run(POSTERND, "--sandbox", d, "-T", "--set",
                    "limits.connections=123")
            self.assertEqual(p.returncode, 0, p.stderr)
            self.assertIn("connections = 123", p.stdout)
            self.assertIn('hostname = "mail.example.test"', p.stdout)
            self.assertEqual(os.listdir(d), [])


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Plain(unittest.TestCase):
    """A server with a configuration file, not the sandbox."""

    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="postern-admin-")
        self.dir = self.scratch.name
        os.chmod(self.dir, 0o755)
        self.user = "nobody" if os.geteuid() == 0 else ""
        self.port = free_port()
        self.process = None
        # A sandbox makes the certificate for us.
        with Server() as s:
            for name in ("cert.pem", "key.pem"):
                with open(os.path.join(s.dir, name)) as f:
                    self.write(name, f.read())
        os.chmod(self.path("key.pem"), 0o600)
        self.write_config()

    def tearDown(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.scratch.cleanup()

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)

    def write_config(self, more="", user=None):
        self.write("postern.conf", """
            hostname = mx.example.test
            domains = { example.test }
            user = "%s"
            module_dir = "%s"
            state_dir = "%s"
            run_dir = "%s"
            storage maildir { path = "%s" }
            certificate own { certificate = "%s" key = "%s" }
            listener imap { protocol = imap address = { 127.0.0.1 } port = %d }
            auth { plaintext_on_loopback = true }
            log { target = file path = "%s" }
            %s
        """ % (self.user if user is None else user, copy_modules(self.dir),
               self.path("var/state"),
               self.path("var/run"), self.path("var/state/mail"),
               self.path("cert.pem"), self.path("key.pem"), self.port,
               self.path("var/state/log"), more))

    def posternd(self, *args):
        return run(POSTERND, "-c", self.path("postern.conf"), *args,
                   cwd=self.dir)

    def ctl(self, *args, input=None):
        return run(os.path.join(PREFIX, "sbin/posternctl"), "-c",
                   self.path("postern.conf"), *args, input=input)

    def log(self):
        try:
            with open(self.path("var/state/log")) as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def start(self, *args, env=None):
        self.process = subprocess.Popen(
            [POSTERND, "-f", "-c", self.path("postern.conf"), *args],
            stderr=subprocess.PIPE, text=True,
            env={**os.environ, **(env or {})})
        self.addCleanup(self.process.stderr.close)
        self.assertTrue(wait_for(
            lambda: self.ctl("status").returncode == 0 or
            self.process.poll() is not None))
        if self.process.poll() is not None:
            self.fail(self.process.stderr.read())

    def stop(self):
        self.process.terminate()
        self.assertEqual(self.process.wait(30), 0)

    def test_check(self):
        p = self.posternd("-t")
        self.assertEqual(p.returncode, 0, p.stdout + p.stderr)
        self.assertIn("ok: storage maildir", p.stdout)
        self.assertIn("0 problems", p.stdout)
        self.assertFalse(os.path.exists(self.path("var")))

    def test_check_takes_a_module_by_its_path(self):
        p = self.posternd("-t", "--set", "storage.other.module=" +
                          os.path.join(os.path.dirname(POSTERND),
                                       "../lib/postern/maildir.so"))
        self.assertIn("ok: storage other: module maildir", p.stdout)
        self.assertEqual(p.returncode, 0, p.stdout + p.stderr)

    def test_check_knows_which_module_has_a_database(self):
        p = self.posternd("-t", "--set", "accounts.database=maildir")
        self.assertIn("problem: accounts.database: the module maildir",
                      p.stdout)
        self.assertEqual(p.returncode, 1)

    def test_accounts_need_a_database(self):
        p = self.posternd("-f", "--set", "accounts.database=maildir")
        self.assertIn("has no database for accounts", p.stderr + self.log())
        self.assertEqual(p.returncode, 1)

    def test_check_warns_of_a_listener_without_a_port(self):
        p = self.posternd("-t", "--set", "listener.other.protocol=imap")
        self.assertIn("warning: listener other: no port", p.stdout)
        self.assertEqual(p.returncode, 0, p.stdout + p.stderr)

    def test_check_looks_at_the_directory_for_acme(self):
        for path, said in ((self.path("."), "ok: http.acme_dir: "),
                           (self.path("none"), "none: No such file"),
                           (self.path("key.pem"), "key.pem is no directory"),
                           ("here", "should begin with /")):
            p = self.posternd("-t", "--set", "http.acme_dir=" + path)
            self.assertIn(said, p.stdout)
            self.assertEqual(p.returncode, 0, p.stdout + p.stderr)

    def test_check_compiles_scripts(self):
        with open(self.path("good.sieve"), "w") as f:
            f.write("keep;\n")
        with open(self.path("bad.sieve"), "w") as f:
            f.write("keep;\nif {\n")
        for key, name, said in (
                ("before", "good.sieve", "ok: sieve.before: "),
                ("after", "bad.sieve", "bad.sieve, line 2: "),
                ("default", "none.sieve", "none.sieve: No such file"),
                ("global", "none", "none: No such file")):
            p = self.posternd(
                "-t", "--set", "sieve.%s=%s" % (key, self.path(name)))
            self.assertIn(said, p.stdout)
            self.assertEqual(p.returncode, 0, p.stdout + p.stderr)

    def test_check_names_a_missing_file(self):
        os.unlink(self.path("cert.pem"))
        p = self.posternd("-t")
        self.assertIn("cert.pem: No such file", p.stdout)
        self.assertEqual(p.returncode, 1)

    def test_check_finds_problems(self):
        self.write_config("storage other { module = papyrus }",
                          user="no-such-user-here")
        os.chmod(self.path("key.pem"), 0o644)
        self.write("cert.pem", "nothing\n")
        p = self.posternd("-t")
        self.assertEqual(p.returncode, 1)
        for words in ("no-such-user-here", "papyrus", "everybody may read",
                      "problem: "):
            self.assertIn(words, p.stdout)

    def test_all_errors_of_the_file_are_told_with_their_lines(self):
        self.write("postern.conf", "hostname = a.test\nimap {\n"
                   "  idle_time = never\n}\n")
        p = self.posternd("-t")
        self.assertEqual(p.returncode, 1)
        self.assertIn("postern.conf:3", p.stderr)
        self.assertEqual(self.posternd("-f").returncode, 1)

    def test_missing_configuration(self):
        p = run(POSTERND, "-c", self.path("none.conf"))
        self.assertEqual(p.returncode, 1)
        self.assertIn("none.conf", p.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_refuses_to_serve_as_root(self):
        self.write_config(user="")
        p = self.posternd("-f")
        self.assertEqual(p.returncode, 1)
        self.assertIn("root", p.stderr)
        self.write_config(user="root")
        self.assertEqual(self.posternd("-f").returncode, 1)

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_root_is_given_up_for_good(self):
        import pwd
        nobody = pwd.getpwnam("nobody")
        self.start()
        pid = self.process.pid
        for task in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/status" % (pid, task)) as f:
                status = dict(line.rstrip("\n").split(":\t", 1)
                              for line in f if ":\t" in line)
            self.assertEqual(status["Uid"].split(),
                             [str(nobody.pw_uid)] * 4)
            self.assertEqual(status["Gid"].split(),
                             [str(nobody.pw_gid)] * 4)
            self.assertNotIn("0", status["Groups"].split())
            for which in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                self.assertEqual(int(status[which], 16), 0, which)
            self.assertEqual(status["NoNewPrivs"], "1")
        # What root's posternctl makes belongs to the user as well.
        p = self.ctl("user", "add", "a@example.test", input="long enough\n")
        self.assertEqual(p.returncode, 0, p.stderr)
        for folder, _, files in os.walk(self.path("var/state")):
            for name in [folder] + [os.path.join(folder, f) for f in files]:
                self.assertEqual(os.stat(name).st_uid, nobody.pw_uid, name)
        self.stop()

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_keys_of_root_are_read_again(self):
        self.start()

        def certificate():
            c = Line("127.0.0.1", self.port)
            c.line()
            answer, _ = c.ask("1", "STARTTLS")
            self.assertTrue(answer.startswith("OK"), answer)
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            with context.wrap_socket(c.sock) as t:
                return t.getpeercert(binary_form=True)
        first = certificate()
        with Server() as s:
            for name in ("cert.pem", "key.pem"):
                with open(os.path.join(s.dir, name)) as f:
                    self.write(name, f.read())
        for name in ("cert.pem", "key.pem"):
            os.chmod(self.path(name), 0o600)
        os.chown(self.path("key.pem"), 0, 0)
        p = self.ctl("reload")
        self.assertEqual(p.returncode, 0, p.stderr)
        second = certificate()
        self.assertNotEqual(first, second)
        os.unlink(self.path("key.pem"))
        p = self.ctl("reload")
        self.assertEqual(p.returncode, 1)
        self.assertIn("key.pem", p.stderr)
        self.assertEqual(certificate(), second)
        # The one that reads them has no other right, and ends as well.
        with open("/proc/%d/task/%d/children" % (
                self.process.pid, self.process.pid)) as f:
            keeper = int(f.read())
        with open("/proc/%d/status" % keeper) as f:
            self.assertIn("CapEff:\t0000000000000004", f.read())
        self.assertEqual(set(os.listdir("/proc/%d/fd" % keeper)),
                         {"0", "1", "2", "3"})
        self.process.kill()
        self.process.wait()
        self.assertTrue(wait_for(lambda: not self.is_alive(keeper)))

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_users_before_the_first_start(self):
        p = self.ctl("user", "add", "a@example.test", input="long enough\n")
        self.assertEqual(p.returncode, 0, p.stderr)
        self.start()
        c = Line("127.0.0.1", self.port)
        c.line()
        answer, _ = c.ask("1", 'LOGIN a@example.test "long enough"')
        self.assertTrue(answer.startswith("OK"), answer)
        c.close()
        self.stop()

    def test_background(self):
        pid_file = self.path("pid")
        p = self.posternd("-p", "pid")
        self.assertEqual(p.returncode, 0, p.stderr)
        with open(pid_file) as f:
            pid = int(f.read())
        self.addCleanup(self.end, pid)
        c = Line("127.0.0.1", self.port)
        self.assertTrue(c.line().startswith("* OK"))
        c.close()
        self.assertEqual(os.readlink("/proc/%d/cwd" % pid), "/")
        self.assertEqual(os.readlink("/proc/%d/fd/2" % pid), "/dev/null")
        self.assertEqual(os.getsid(pid) == os.getsid(0), False)
        # A second one fails in the foreground, before the shell goes on.
        p = self.posternd("-p", self.path("pid2"))
        self.assertEqual(p.returncode, 1)
        self.assertIn("another posternd (process %d)" % pid, p.stderr)
        self.assertEqual(self.ctl("stop").returncode, 0)
        # It has closed its files; a moment later it is gone.
        end = time.monotonic() + 5
        while self.is_alive(pid) and time.monotonic() < end:
            time.sleep(0.01)
        self.assertFalse(self.is_alive(pid))
        self.assertTrue(not os.path.exists(pid_file) or
                        os.path.getsize(pid_file) == 0)
        self.assertEqual(self.ctl("status").returncode, 5)

    @staticmethod
    def is_alive(pid):
        try:
            with open("/proc/%d/stat" % pid) as f:
                return f.read().rsplit(")", 1)[1].split()[0] != "Z"
        except FileNotFoundError:
            return False

    @staticmethod
    def end(pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def test_background_failure_is_told(self):
        os.unlink(self.path("cert.pem"))
        p = self.posternd()
        self.assertEqual(p.returncode, 1)
        self.assertIn("cert.pem", p.stderr)

    def test_log_rotation(self):
        self.start()
        os.rename(self.path("var/state/log"), self.path("var/state/log.1"))
        self.process.send_signal(signal.SIGUSR1)
        wait_for(lambda: os.path.exists(self.path("var/state/log")))
        self.process.send_signal(signal.SIGHUP)
        self.assertTrue(wait_for(lambda: "reload" in self.log()))
        self.stop()
        self.assertIn("stop", self.log())

    def test_reload_tells_what_waits_for_a_restart(self):
        self.start()
        self.write_config("listener more { protocol = imap "
                          "address = { 127.0.0.1 } port = 1 }")
        p = self.ctl("reload")
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertIn("listener", p.stdout)
        self.assertIn("restart", p.stdout)
        self.write("postern.conf", "hostname = { }\n")
        self.process.send_signal(signal.SIGHUP)
        self.assertTrue(
            wait_for(lambda: "the old configuration stays" in self.log()))
        # posternctl needs a good file itself; the server goes on.
        c = Line("127.0.0.1", self.port)
        self.assertTrue(c.line().startswith("* OK"))
        c.close()
        self.stop()

    def test_systemd_is_told(self):
        path = self.path("notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(path)
            os.chmod(path, 0o777)
            s.settimeout(20)
            # Without -f: it stays in the foreground by itself.
            self.process = subprocess.Popen(
                [POSTERND, "-c", self.path("postern.conf")],
                env={**os.environ, "NOTIFY_SOCKET": path,
                     "WATCHDOG_USEC": "200000"})
            self.assertIn(b"READY=1", s.recv(1000))
            self.assertIsNone(self.process.poll())
            self.assertEqual(s.recv(1000), b"WATCHDOG=1")
            self.process.send_signal(signal.SIGHUP)
            seen = [s.recv(1000) for _ in range(4)]
            self.assertTrue(any(m.startswith(b"RELOADING=1") for m in seen))
            self.assertIn(b"READY=1", seen)
            self.process.terminate()
            while b"STOPPING=1" not in seen[-1]:
                seen.append(s.recv(1000))
            self.assertEqual(self.process.wait(30), 0)


class Running(unittest.TestCase):
    def test_sighup_keeps_connections_and_swaps_the_certificate(self):
        with Server() as s, Server() as other:
            old = imap(s, s.users[0], tls=True)
            first = old.certificate()
            for name in ("cert.pem", "key.pem"):
                with open(os.path.join(other.dir, name), "rb") as f:
                    fresh = f.read()
                with open(os.path.join(s.dir, name), "wb") as f:
                    f.write(fresh)
            s.process.send_signal(signal.SIGHUP)
            self.assertTrue(wait_for(lambda: "reload" in s.log()))
            answer, _ = old.ask("1", "NOOP")
            self.assertTrue(answer.startswith("OK"))
            new = imap(s, s.users[0], tls=True)
            self.assertNotEqual(new.certificate(), first)
            old.close()
            new.close()

    def test_a_broken_certificate_leaves_the_old_one(self):
        with Server() as s:
            with open(s.cafile) as f:
                good = f.read()
            with open(s.cafile, "w") as f:
                f.write("nothing\n")
            p = s.ctl("reload")
            self.assertEqual(p.returncode, 1)
            self.assertIn("cert.pem", p.stderr)
            with open(s.cafile, "w") as f:
                f.write(good)
            imap(s, s.users[0], tls=True).close()

    def test_sigterm_says_goodbye(self):
        with Server() as s:
            i = imap(s, s.users[0])
            m = Line(s.host, s.ports["smtp"])
            m.line()
            began = time.monotonic()
            s.process.terminate()
            self.assertTrue(i.line().startswith("* BYE"))
            self.assertTrue(m.line().startswith("421 "))
            self.assertEqual(i.line(), "")
            self.assertEqual(m.line(), "")
            i.close()
            m.close()
            self.assertEqual(s.stop(), 0)
            self.assertLess(time.monotonic() - began, 9)
            self.assertFalse(
                os.path.exists(os.path.join(s.dir, "run/control")))

    def test_sigint_stops_too(self):
        with Server() as s:
            self.assertEqual(s.stop(signal.SIGINT), 0)


if __name__ == "__main__":
    unittest.main()
