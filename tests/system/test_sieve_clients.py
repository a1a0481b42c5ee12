"""Putting Sieve scripts in place with a program that people do that with:
sieve-connect, which uses STARTTLS and SASL as it is told."""

import os
import sys
import unittest

from clients import HERE, Case, need

sys.path.append(os.path.join(HERE, "../session/managesieve"))
import sieve_client  # noqa: E402

SCRIPT = 'require ["fileinto"];\nif header "subject" "x" {\n' \
         '\tfileinto "Junk";\n}\n'


@need("sieve-connect")
class SieveConnect(Case):
    def connect(self, *args, status=0, user=0):
        p = self.run_program(
            "sieve-connect", "--nosrv", "--server", "localhost", "--port",
            self.server.ports["managesieve"], "--4", "--tlscafile",
            self.server.cafile, "--user", self.server.users[user],
            "--passwordfd", "0", *args,
            input=self.server.password + "\n", status=status)
        return (p.stdout + p.stderr).decode()

    def listed(self):
        with sieve_client.Client(self.server) as c:
            return c.login().list()

    def test_upload_activate_download(self):
        path = self.file("mine.sieve", SCRIPT)
        self.connect("--localsieve", path, "--remotesieve", "mine",
                     "--upload")
        self.assertIn("mine", self.listed())
        self.connect("--remotesieve", "mine", "--activate")
        self.assertIn("mine*", self.listed())
        self.assertIn("mine", self.connect("--list"))
        got = self.path("got.sieve")
        self.connect("--localsieve", got, "--remotesieve", "mine",
                     "--download")
        with open(got) as f:
            self.assertEqual(f.read().replace("\r\n", "\n"), SCRIPT)
        self.connect("--deactivate")
        self.assertIn("mine", self.listed())
        self.connect("--remotesieve", "mine", "--delete")
        self.assertNotIn("mine", self.listed())

    def test_wrong_script(self):
        path = self.file("wrong.sieve", "keep;\nif {\n")
        out = self.connect("--localsieve", path, "--checkscript", status=None)
        self.assertIn("line 2", out)
        out = self.connect("--localsieve", path, "--remotesieve", "wrong",
                           "--upload", status=None)
        self.assertIn("line 2", out)
        self.assertNotIn("wrong", self.listed())

    def test_plain(self):
        self.connect("--authmech", "PLAIN", "--list")


if __name__ == "__main__":
    unittest.main()
