"""The control socket: status, connections, kick, trace, bad clients."""

import base64
import json
import os
import socket
import subprocess
import time
import unittest

from postern import SLOW, STORAGE, Server, only_over
from wire import POSTERNCTL, Line, control, imap, request, wait_for


class Control(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(set=["auth.failures=3", "auth.failure_delay=0"])
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.clean()

    def ctl(self, *args, code=0):
        p = self.server.ctl(*args)
        self.assertEqual(p.returncode, code, p.stdout + p.stderr)
        return p.stdout

    def test_status(self):
        c = imap(self.server)
        status = json.loads(self.ctl("status", "--json"))
        self.assertEqual(status["pid"], self.server.pid)
        self.assertEqual(status["hostname"], "mail.example.test")
        self.assertGreaterEqual(status["connections"], 1)
        self.assertGreaterEqual(status["accepted"], 1)
        self.assertGreater(status["workers"], 0)
        self.assertLess(abs(status["started"] - time.time()), 600)
        by_name = {x["name"]: x for x in status["listeners"]}
        self.assertEqual(by_name["imaps"]["port"], self.server.ports["imaps"])
        self.assertGreaterEqual(by_name["imap"]["connections"], 1)
        self.assertEqual(status["storages"][0]["module"], STORAGE)
        if STORAGE != "postgresql":
            self.assertGreater(status["storages"][0]["free_bytes"], 0)
        self.assertGreater(status["certificate"]["expires"], time.time())
        self.assertEqual(status["warnings"], [])
        text = self.ctl("status")
        self.assertIn("process %d" % self.server.pid, text)
        self.assertIn("LISTENER", text)
        c.close()

    @only_over("maildir")
    def test_storage_that_is_gone_is_a_warning(self):
        with Server() as s:
            os.rename(s.mail_root, s.mail_root + ".away")
            status = json.loads(s.ctl("status", "--json").stdout)
            self.assertEqual(len(status["warnings"]), 1)
            self.assertIn(s.mail_root, status["warnings"][0])
            self.assertIn("WARNING", s.ctl("status").stdout)
            os.rename(s.mail_root + ".away", s.mail_root)

    def find(self, **want):
        rows = json.loads(self.ctl("connections", "--json"))
        return [r for r in rows
                if all(r[key] == value for key, value in want.items())]

    def test_connections_and_kick(self):
        user = self.server.users[0]
        a, b = imap(self.server, user), imap(self.server, user, tls=True)
        other = imap(self.server, self.server.users[1])
        rows = self.find(user=user)
        self.assertEqual(len(rows), 2)
        self.assertEqual({r["listener"] for r in rows}, {"imap", "imaps"})
        for row in rows:
            self.assertEqual(row["peer"], "127.0.0.1")
            self.assertEqual(row["protocol"], "imap")
            self.assertGreater(row["in"], 0)
            self.assertEqual(row["tls"] != "", row["listener"] == "imaps")
        self.assertIn(user, self.ctl("connections"))

        one = next(r["id"] for r in rows if r["listener"] == "imap")
        self.ctl("kick", str(one))
        self.assertTrue(wait_for(lambda: a.line() == ""))
        self.ctl("kick", str(one), code=3)
        self.ctl("kick", "#0", code=3)
        self.ctl("kick", user)
        self.assertTrue(wait_for(lambda: b.line() == ""))
        answer, _ = other.ask("1", "NOOP")
        self.assertTrue(answer.startswith("OK"))
        for c in (a, b, other):
            c.close()

    def trace(self, *filter):
        p = subprocess.Popen(
            [POSTERNCTL, "--sandbox", self.server.dir, "trace", *filter],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(p.stdout.close)
        self.addCleanup(p.stderr.close)
        # The log tells when the server watches.
        before = self.traces
        self.assertTrue(wait_for(
            lambda: self.server.log().count(" trace ") > before))
        type(self).traces = before + 1
        return p

    traces = 0

    @staticmethod
    def end(p):
        p.terminate()
        out, _ = p.communicate(timeout=20 * SLOW)
        return out.decode()

    def test_trace_shows_the_conversation_but_no_password(self):
        user = self.server.users[0]
        p = self.trace("127.0.0.1")
        plain = base64.b64encode(
            b"\0" + user.encode() + b"\0secret").decode()
        c = imap(self.server, user)
        c.ask("2", "SELECT INBOX")
        c.close()
        c = imap(self.server)
        c.ask("3", "AUTHENTICATE PLAIN " + plain)
        c.close()
        c = imap(self.server)
        c.say("4 LOGIN {%d}" % len(user))
        c.line()
        c.say(user + " {6}")
        c.line()
        c.say("secret")
        c.line()
        c.close()
        m = Line(self.server.host, self.server.ports["submission"])
        m.line()
        for line in ("EHLO client.test", "AUTH PLAIN " + plain, "NOOP"):
            m.say(line)
            while m.line()[3:4] == "-":
                pass
        m.say("AUTH LOGIN")
        m.close()
        time.sleep(0.5 * SLOW)
        text = self.end(p)
        self.assertIn("SELECT INBOX", text)
        self.assertIn(" imap ", text)
        self.assertIn("EHLO client.test", text)
        self.assertNotIn("secret", text)
        self.assertNotIn(plain, text)
        self.assertNotIn(base64.b64encode(b"secret").decode(), text)

    def test_trace_of_one_user(self):
        p = self.trace(self.server.users[0].upper())
        one = imap(self.server, self.server.users[0])
        two = imap(self.server, self.server.users[1])
        one.ask("one1", "NOOP")
        two.ask("two1", "NOOP")
        one.close()
        two.close()
        time.sleep(0.3 * SLOW)
        text = self.end(p)
        self.assertIn("one1 NOOP", text)
        self.assertNotIn("two1", text)

    def test_trace_keeps_control_characters_from_the_terminal(self):
        p = self.trace()
        m = Line(self.server.host, self.server.ports["smtp"])
        m.line()
        m.sock.sendall(b"NOOP \x1b[2J\xff\x9b\r\n")
        m.line()
        m.close()
        time.sleep(0.3 * SLOW)
        text = self.end(p)
        self.assertNotIn("\x1b", text)

    def test_traces_are_limited_and_end_with_their_client(self):
        watchers = []
        for _ in range(8):
            s = control(self.server)
            s.sendall(b'{"request":"trace"}\n')
            self.assertIn(b"item", s.recv(1000))
            watchers.append(s)
        type(self).traces = self.server.log().count(" trace ")
        answer = request(self.server, request="trace")
        self.assertEqual(answer[0]["code"], "limit")
        for s in watchers:
            s.close()
        # Gone without a word: their places are free again.

        def again():
            with control(self.server) as s:
                s.sendall(b'{"request":"trace"}\n')
                return b"item" in s.recv(1000)
        self.assertTrue(wait_for(again))
        type(self).traces = self.server.log().count(" trace ")

    def test_a_trace_that_is_not_read_does_not_stop_the_server(self):
        with control(self.server) as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.sendall(b'{"request":"trace"}\n')
            time.sleep(0.2)
            c = imap(self.server, self.server.users[0])
            blob = "x" * 2000
            for i in range(400):
                answer, _ = c.ask("n%d" % i, 'LIST "" "%s"' % blob)
            self.assertTrue(answer.startswith("OK"))
            c.close()
            self.ctl("status")
        type(self).traces = self.server.log().count(" trace ")

    def test_unblock(self):
        self.ctl("unblock", "203.0.113.9", code=3)
        user = self.server.users[1]

        def logs_in():
            try:
                imap(self.server, user).close()
                return True
            except (PermissionError, EOFError):
                return False
        # The same wrong password, again and again, counts once.
        for i in range(4):
            try:
                imap(self.server, user, "wrong%d" % i).close()
            except (PermissionError, EOFError):
                pass
        self.assertFalse(logs_in())
        blocked = json.loads(self.ctl("status", "--json"))["blocked"]
        self.assertGreaterEqual(blocked, 1)
        codes = [self.server.ctl("unblock", who).returncode
                 for who in ("127.0.0.1", user)]
        self.assertIn(0, codes)
        self.assertTrue(logs_in())

    def test_bad_requests(self):
        for line, code in (
                (b"nonsense\n", "syntax"),
                (b"[1]\n", "syntax"),
                (b"{}\n", "unsupported"),
                (b'{"request":"explode"}\n', "unsupported"),
                (b'{"request":1}\n', "unsupported"),
                (b'{"request":"kick"}\n', "syntax"),
                (b'{"request":"user-delete"}\n', "syntax"),
                (b'{"request":"usage","address":"x"}\n', None),
                (b'{"request":"kick","who":"\xff"}\n', "syntax"),
                (b"x" * 20000, "limit")):
            with control(self.server) as s:
                try:
                    s.sendall(line)
                except BrokenPipeError:
                    pass
                with s.makefile("rb") as f:
                    answer = json.loads(f.readline())
                    self.assertIn("error", answer, line)
                    if code:
                        self.assertEqual(answer["code"], code, line)
        self.ctl("status")

    def test_clients_that_vanish_or_say_nothing(self):
        silent = [control(self.server) for _ in range(10)]
        for _ in range(50):
            s = control(self.server)
            s.sendall(b'{"request":"connections"}\n')
            s.close()
        half = control(self.server)
        half.sendall(b'{"request":"stat')
        half.shutdown(socket.SHUT_WR)
        self.assertEqual(half.recv(1000), b"")
        half.close()
        self.ctl("status")
        for s in silent:
            s.close()

    def test_a_request_may_come_in_pieces_and_be_half_closed(self):
        with control(self.server) as s:
            for c in b'{"request":"status"}\n':
                s.sendall(bytes([c]))
            s.shutdown(socket.SHUT_WR)
            with s.makefile("rb") as f:
                lines = [json.loads(x) for x in f]
        self.assertEqual(lines[-1], {"done": True})

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_other_users_are_refused_whatever_the_modes(self):
        with Server() as s:
            run_dir = os.path.join(s.dir, "run")
            os.chmod(s.dir, 0o755)
            os.chmod(run_dir, 0o755)
            os.chmod(os.path.join(run_dir, "control"), 0o666)
            pid = os.fork()
            if pid == 0:
                status = 1
                try:
                    os.setgroups([])
                    os.setresgid(65534, 65534, 65534)
                    os.setresuid(65534, 65534, 65534)
                    with control(s) as c:
                        status = 0 if c.recv(100) == b"" else 2
                finally:
                    os._exit(status)
            self.assertEqual(os.waitpid(pid, 0)[1], 0)
            self.assertIn("another user", s.log())

    def test_a_deletion_goes_on_when_its_client_vanishes(self):
        self.assertEqual(self.server.ctl(
            "user", "add", "del@example.test", input="long enough\n"
        ).returncode, 0)
        session = imap(self.server, "del@example.test", '"long enough"')
        session.ask("1", "SELECT INBOX")
        with control(self.server) as s:
            s.sendall(b'{"request":"user-delete",'
                      b'"address":"del@example.test"}\n')
        self.assertTrue(wait_for(lambda: self.server.ctl(
            "user", "show", "del@example.test").returncode == 3))
        session.close()

    def test_stop_waits_for_the_end(self):
        with Server() as s:
            pid = s.process.pid
            self.assertEqual(s.ctl("stop").returncode, 0)
            self.assertEqual(s.process.wait(1 * SLOW), 0)
            self.assertFalse(os.path.exists("/proc/%d" % pid))


if __name__ == "__main__":
    unittest.main()
