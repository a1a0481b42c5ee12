"""An installation by the book: `make install DESTDIR=...` into an empty tree,
configured with few changes, and taken away again. POSTERN_BUILD names the
build."""

import json
import os
import re
import shutil
import stat
import subprocess
import tempfile
import unittest

from clients import SLOW, need

BUILD = os.environ.get("POSTERN_BUILD")

EXPECTED = """
{sbindir}/postern-sendmail
{sbindir}/posternctl
{sbindir}/posternd
{includedir}/postern/database.h
{includedir}/postern/module.h
{includedir}/postern/store.h
{includedir}/postern/types.h
{pkgmoduledir}/maildir.so
{pkgmoduledir}/mbox.so
{pkgmoduledir}/postgresql.so
{libdir}/pkgconfig/postern.pc
{mandir}/man3/postern-module.3
{mandir}/man5/postern-maildir.5
{mandir}/man5/postern-mbox.5
{mandir}/man5/postern-postgresql.5
{mandir}/man5/postern-replies.5
{mandir}/man5/postern.conf.5
{mandir}/man7/postern-migrate.7
{mandir}/man7/postern-sieve.7
{mandir}/man7/postern-tls.7
{mandir}/man7/postern-upgrade.7
{mandir}/man8/postern-sendmail.8
{mandir}/man8/posternctl.8
{mandir}/man8/posternd.8
{pkgdatadir}/common-passwords
{pkgdatadir}/postern.conf
{pkgdatadir}/replies.conf
{pkglibexecdir}/certbot-deploy
{sysconfdir}/postern.conf
{systemdsystemunitdir}/postern.service
{systemdsystemunitdir}/postern.socket
""".split()


def make(target, *args):
    p = subprocess.run(["make", "-s", "-C", BUILD, target, *args],
                       capture_output=True, text=True, timeout=300 * SLOW)
    if p.returncode:
        raise AssertionError(p.stdout + p.stderr)


def directories():
    """Where the build puts things, out of its Makefile."""
    with open(os.path.join(BUILD, "Makefile")) as f:
        text = f.read()
    known = dict(re.findall(r"(?m)^(\w+) = (.*)$", text))
    known["PACKAGE"] = "postern"

    def expand(value):
        for _ in range(20):
            value, n = re.subn(r"\$[({](\w+)[)}]",
                               lambda m: known.get(m.group(1), ""), value)
            if n == 0:
                break
        return value
    return {k: expand(v) for k, v in known.items()
            if k.endswith("dir") or k == "prefix"}


@unittest.skipUnless(BUILD, "POSTERN_BUILD is not set")
@need("make")
class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tree = tempfile.mkdtemp(prefix="postern-install-")
        cls.addClassCleanup(shutil.rmtree, cls.tree, True)
        cls.dirs = directories()
        make("install", "DESTDIR=" + cls.tree)
        cls.expected = {x.format(**cls.dirs) for x in EXPECTED}

    def at(self, path):
        return self.tree + path.format(**self.dirs)

    def files(self, tree):
        return {os.path.join(root, name)[len(tree):]
                for root, _, names in os.walk(tree) for name in names}

    def run_program(self, *command, status=0):
        p = subprocess.run(command, capture_output=True, text=True,
                           timeout=60 * SLOW)
        self.assertEqual(p.returncode, status, p.stdout + p.stderr)
        return p.stdout + p.stderr

    def certificate(self):
        cert, key = self.tree + ".crt", self.tree + ".key"
        if not os.path.exists(cert):
            self.run_program(
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-days", "60",
                "-subj", "/CN=mail.example.net", "-addext",
                "subjectAltName=DNS:mail.example.net", "-keyout", key,
                "-out", cert)
            for path in (cert, key):
                self.addClassCleanup(os.unlink, path)
        return cert, key

    def web_files(self, directory):
        """What the manifest of the mail client for browsers names; nothing,
        when it is left out."""
        path = self.tree + directory + "manifest.json"
        if not os.path.exists(path):
            return set()
        with open(path) as f:
            listed = json.load(f)["files"]
        suffix = {"br": ".br", "gzip": ".gz"}
        return {directory + "manifest.json"} | {
            directory + e["file"] + s for e in listed
            for s in [""] + [suffix[c] for c in e["encodings"]]}

    def test_files(self):
        web = self.dirs["pkgdatadir"] + "/webmail/"
        files = self.files(self.tree)
        self.assertEqual({f for f in files if not f.startswith(web)},
                         self.expected)
        self.assertEqual({f for f in files if f.startswith(web)},
                         self.web_files(web))
        for path in self.files(self.tree):
            mode = os.stat(self.tree + path).st_mode
            self.assertTrue(mode & stat.S_IROTH, path)
            self.assertFalse(mode & (stat.S_IWGRP | stat.S_IWOTH), path)
            if path.startswith(self.dirs["sbindir"] + "/"):
                self.assertTrue(mode & stat.S_IXOTH, path)

    def test_versions_agree(self):
        version = self.run_program(self.at("{sbindir}/posternd"), "-V")
        number = re.search(r"\d+\.\d+\.\d+", version).group()
        self.assertIn(number, self.run_program(
            self.at("{sbindir}/posternctl"), "-V"))
        with open(self.at("{libdir}/pkgconfig/postern.pc")) as f:
            self.assertIn("Version: %s\n" % number, f.read())

    @need("openssl")
    def test_sample_is_accepted_with_overrides(self):
        cert, key = self.certificate()
        state = tempfile.mkdtemp(dir=self.tree, prefix="state")
        self.addCleanup(shutil.rmtree, state)
        out = self.run_program(
            self.at("{sbindir}/posternd"), "-t",
            "-c", self.at("{sysconfdir}/postern.conf"),
            "--set", "hostname=mail.example.net",
            "--set", "domains=example.net",
            "--set", "user=nobody", "--set", "group=nogroup",
            "--set", "certificate.default.certificate=" + cert,
            "--set", "certificate.default.key=" + key,
            "--set", "module_dir=" + self.at("{pkgmoduledir}"),
            "--set", "state_dir=" + os.path.join(state, "state"),
            "--set", "run_dir=" + os.path.join(state, "run"))
        self.assertNotIn("problem:", out)
        self.assertIn("ok: listener imaps", out)
        self.assertIn("ok: storage maildir", out)

    @need("openssl", "sed")
    def test_sample_is_accepted_after_edits(self):
        """The changes that README asks for, made to the file."""
        cert, key = self.certificate()
        with open(self.at("{pkgdatadir}/postern.conf")) as f:
            text = f.read()
        for old, new in (
                ("mail.example.org", "mail.example.net"),
                ('"example.org"', '"example.net", "example.com"'),
                ("/etc/postern/tls/mail.example.net/fullchain.pem", cert),
                ("/etc/postern/tls/mail.example.net/privkey.pem", key),
                ('user = "postern"', 'user = "nobody"'),
                ('group = "postern"', 'group = "nogroup"')):
            self.assertIn(old, text)
            text = text.replace(old, new)
        conf = self.tree + ".conf"
        with open(conf, "w") as f:
            f.write(text)
        self.addCleanup(os.unlink, conf)
        args = ("-c", conf, "--set", "module_dir=" + self.at("{pkgmoduledir}"))
        out = self.run_program(self.at("{sbindir}/posternd"), "-t", *args)
        self.assertNotIn("problem:", out)
        out = self.run_program(self.at("{sbindir}/posternd"), "-T", *args)
        self.assertIn('domains = { "example.net", "example.com" }', out)

    @unittest.skipIf(os.path.exists("/etc/postern"), "a server lives here")
    @need("openssl")
    def test_sample_without_changes_tells_what_to_change(self):
        out = self.run_program(
            self.at("{sbindir}/posternd"), "-t", "-c",
            self.at("{sysconfdir}/postern.conf"), "--set",
            "module_dir=" + self.at("{pkgmoduledir}"), status=1)
        self.assertIn("/etc/postern/tls/", out)

    def test_headers_stand_alone(self):
        """What another module needs: the headers and the .pc file."""
        if not shutil.which("pkg-config"):
            self.skipTest("not installed: pkg-config")
        env = {**os.environ, "PKG_CONFIG_LIBDIR":
               self.at("{libdir}/pkgconfig")}
        p = subprocess.run(
            ["pkg-config", "--cflags", "--variable=moduledir", "postern"],
            env=env, capture_output=True, text=True, timeout=20)
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertIn(self.dirs["pkgmoduledir"], p.stdout)
        for header in ("module", "store", "types"):
            p = subprocess.run(
                ["cc", "-std=c17", "-Wall", "-Wextra", "-Werror",
                 "-fsyntax-only", "-x", "c", "-I" + self.at("{includedir}"),
                 "-"], input="#include <postern/%s.h>\nint x;\n" % header,
                capture_output=True, text=True, timeout=60)
            self.assertEqual(p.returncode, 0, p.stderr)

    def test_units_name_the_installed_program(self):
        with open(self.at("{systemdsystemunitdir}/postern.service")) as f:
            text = f.read()
        self.assertIn("%s/posternd" % self.dirs["sbindir"], text)
        self.assertNotRegex(text, r"@\w+@")

    def test_changed_configuration_is_kept(self):
        tree = tempfile.mkdtemp(prefix="postern-install-")
        self.addCleanup(shutil.rmtree, tree)
        make("install", "DESTDIR=" + tree)
        conf = tree + "{sysconfdir}/postern.conf".format(**self.dirs)
        with open(conf, "a") as f:
            f.write("# mine\n")
        make("install", "DESTDIR=" + tree)
        with open(conf) as f:
            self.assertTrue(f.read().endswith("# mine\n"))
        make("uninstall", "DESTDIR=" + tree)
        self.assertLessEqual(self.files(tree), {conf[len(tree):]})

    def test_uninstall_leaves_no_file(self):
        tree = tempfile.mkdtemp(prefix="postern-install-")
        self.addCleanup(shutil.rmtree, tree)
        make("install", "DESTDIR=" + tree)
        make("uninstall", "DESTDIR=" + tree)
        self.assertEqual(self.files(tree), set())


if __name__ == "__main__":
    unittest.main()
