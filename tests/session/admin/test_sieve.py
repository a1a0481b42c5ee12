"""posternctl sieve: scripts of users, and of files."""

import json
import os
import re
import subprocess
import tempfile
import unittest

import postern

MAN = os.path.join(os.path.dirname(__file__), "../../../man/postern-sieve.7")
GOOD = 'require "fileinto";\nif header "subject" "x" { fileinto "X"; }\n'
MESSAGE = b"From: Ann <ann@example.org>\nTo: bob@example.com\n" \
    b"Subject: hello\n\nbody\n"


class Stored(unittest.TestCase):
    def setUp(self):
        self.server = postern.Server()
        self.addCleanup(self.server.clean)
        self.server.start()
        self.addCleanup(self.server.stop)
        self.user = self.server.users[0]

    def ctl(self, *args, code=0, input=None):
        p = self.server.ctl(*args, input=input)
        self.assertEqual(p.returncode, code, (p.stdout, p.stderr))
        return p

    def file(self, text):
        path = os.path.join(self.server.dir, "script")
        with open(path, "w", newline="") as f:
            f.write(text)
        return path

    def rows(self):
        out = self.ctl("--json", "sieve", "list", self.user).stdout
        return [(r["name"], r["active"]) for r in json.loads(out)]

    def test_life_of_a_script(self):
        u, path = self.user, self.file(GOOD)
        self.assertEqual(self.rows(), [])
        self.assertEqual(self.ctl("sieve", "list", u).stdout, "")
        self.ctl("sieve", "put", u, "main", path)
        self.ctl("sieve", "put", u, "zwei \u00fc", "-", input="keep;")
        self.assertEqual(self.rows(), [("main", False),
                                       ("zwei \u00fc", False)])
        self.assertEqual(self.ctl("sieve", "get", u, "main").stdout, GOOD)
        self.ctl("sieve", "activate", u, "main")
        self.assertEqual(self.rows()[0], ("main", True))
        self.assertIn("main", self.ctl("sieve", "list", u).stdout)
        p = self.ctl("sieve", "delete", u, "main", code=1)
        self.assertIn("main is active", p.stderr)
        self.ctl("sieve", "activate", u, "zwei \u00fc")
        self.ctl("sieve", "rename", u, "zwei \u00fc", "two")
        self.assertEqual(self.rows(), [("main", False), ("two", True)])
        p = self.ctl("sieve", "rename", u, "two", "main", code=4)
        self.assertIn("already", p.stderr)
        self.ctl("sieve", "deactivate", u)
        self.assertEqual(self.rows(), [("main", False), ("two", False)])
        self.ctl("sieve", "delete", u, "two")
        self.ctl("sieve", "put", u, "main", "-", input="stop;")
        self.assertEqual(self.ctl("sieve", "get", u, "main").stdout, "stop;")
        self.assertEqual(self.rows(), [("main", False)])

    def test_what_is_refused(self):
        u = self.user
        p = self.ctl("sieve", "put", u, "a", self.file("keep;\nfoo;"), code=1)
        self.assertIn('line 2: unknown command "foo"', p.stderr)
        p = self.ctl("sieve", "put", u, "a", "-", input="#" * 70000, code=1)
        self.assertEqual(self.rows(), [])
        self.ctl("sieve", "put", u, "a\nb", "-", input="keep;", code=1)
        self.ctl("sieve", "put", u, "a", "/does/not/exist", code=3)
        for verb in ("get", "activate", "delete"):
            p = self.ctl("sieve", verb, u, "none", code=3)
            self.assertIn("has no script none", p.stderr)
        self.ctl("sieve", "rename", u, "none", "b", code=3)
        self.ctl("sieve", "list", "nobody@" + u.split("@")[1], code=3)
        self.ctl("sieve", "list", code=2)

    def test_text_of_some_pieces(self):
        self.ctl("sieve", "put", self.user, "long", self.file("#x\r\n" * 16000))
        p = subprocess.run(
            [os.path.join(postern.PREFIX, "sbin/posternctl"), "--sandbox",
             self.server.dir, "sieve", "get", self.user, "long"],
            capture_output=True, timeout=30 * postern.SLOW)
        self.assertEqual(p.stdout, b"#x\r\n" * 16000)


class Local(unittest.TestCase):
    def setUp(self):
        d = tempfile.TemporaryDirectory()
        self.addCleanup(d.cleanup)
        self.dir = d.name

    def file(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        return path

    def ctl(self, *args, code=0, input=None):
        p = subprocess.run(
            [os.path.join(postern.PREFIX, "sbin/posternctl"), *args],
            input=input, capture_output=True, text=True,
            timeout=30 * postern.SLOW)
        self.assertEqual(p.returncode, code, (p.stdout, p.stderr))
        return p

    def test_check(self):
        good = self.file("good", GOOD)
        bad = self.file("bad", 'keep;\n\nfileinto "x";\n')
        self.assertEqual(self.ctl("sieve", "check", good).stdout, "")
        p = self.ctl("sieve", "check", good, bad, good, code=1)
        self.assertEqual(
            p.stdout, bad + ':3: "fileinto" needs require "fileinto" at the '
            "beginning of the script\n")
        p = self.ctl("--json", "sieve", "check", bad, good, code=1)
        self.assertEqual([(r["file"], r["line"]) for r in
                          json.loads(p.stdout)], [(bad, 3)])
        self.ctl("sieve", "check", "-", input="keep;")
        p = self.ctl("sieve", "check", "-", input="keep", code=1)
        self.assertIn("-:1: the script ends", p.stdout)
        self.ctl("sieve", "check", os.path.join(self.dir, "none"), code=3)
        self.ctl("sieve", "check", "--from", "a@b", good, code=2)

    def actions(self, script, *args, code=0):
        p = self.ctl("--json", "sieve", "test", self.file("s", script),
                     self.file("m", MESSAGE), *args, code=code)
        return json.loads(p.stdout)

    def test_test(self):
        got = self.actions('require ["fileinto", "imap4flags", "mailbox"];\n'
                           'if header :contains "subject" "HELL" {\n'
                           'fileinto :create :flags "\\\\Seen" "X"; }\n')
        action, = got["actions"]
        self.assertEqual(
            {k: action[k] for k in ("action", "mailbox", "create", "line")},
            {"action": "fileinto", "mailbox": "X", "create": True, "line": 3})
        self.assertEqual(action["flags"], ["\\Seen"])
        self.assertIn(2, [s["line"] for s in got["steps"]])
        p = self.ctl("sieve", "test", os.path.join(self.dir, "s"),
                     os.path.join(self.dir, "m"))
        self.assertIn("line 2: ", p.stdout)
        self.assertRegex(p.stdout.splitlines()[-1], "^fileinto X,.*Seen")

    def test_nothing_and_errors(self):
        self.assertEqual(self.actions("discard;")["actions"], [])
        self.assertEqual(self.actions("")["actions"][0]["action"], "keep")
        got = self.actions('require "ihave";\ndiscard; error "no more";',
                           code=1)
        self.assertEqual(got["problem"]["line"], 2)
        self.assertIn("no more", got["problem"]["text"])
        self.assertEqual([a["action"] for a in got["actions"]], ["keep"])
        p = self.ctl("sieve", "test", self.file("s", "foo;"),
                     os.path.join(self.dir, "m"), code=1)
        self.assertIn(':1: unknown command "foo"', p.stderr)

    def test_envelope_and_includes(self):
        script = 'require ["envelope", "include"];\n' \
            'if envelope ["from", "to"] "a@example.com" { include "more"; }\n'
        self.file("more.sieve", 'redirect "b@example.com";')
        for option in ("--from", "--to"):
            got = self.actions(script, option, "a@example.com")
            self.assertEqual(got["actions"][0]["address"], "b@example.com")
        self.assertEqual(self.actions(script)["actions"][0]["action"], "keep")
        got = self.actions('require "include"; include "../more";', code=1)
        self.assertEqual(got["actions"][0]["action"], "keep")

    def test_examples_of_the_manual(self):
        with open(MAN, encoding="utf-8") as f:
            page = f.read()
        blocks = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", page,
                            re.M | re.S)
        self.assertGreater(len(blocks), 3)
        for block in blocks:
            text = block.replace("\\&", "").replace("\\e", "\\")
            self.ctl("sieve", "check", self.file("example", text))


if __name__ == "__main__":
    unittest.main()
