"""What README says of extensions against what is announced."""

import os
import re
import unittest

from imap_client import Case
from postern import ROOT

NOT_ALWAYS = {  # in README with words on when
    "STARTTLS",  # before TLS
    "SASL-IR",  # before the login
    "QUOTASET",  # for administrators
    "MESSAGELIMIT",  # when it is configured
}
BASE = {"IMAP4rev1", "IMAP4rev2"}


def table():
    with open(os.path.join(ROOT, "README.md")) as f:
        text = f.read()
    part = text.split("\n## IMAP extensions\n")[1].split("\n## ")[0]
    rows = [r.split("|")[2] for r in part.splitlines() if r.startswith("| ")]
    return re.findall(r"\b[A-Z][A-Z0-9=+-]+(?:texk)?(?![a-z])",
                      " ".join(rows))


class Readme(Case):
    def test_lists_what_is_announced(self):
        got = {name.partition("=")[0] if name.startswith("APPENDLIMIT=")
               else name for name in
               self.login().ok("CAPABILITY")[0].decode().split()[2:]}
        listed = table()
        self.assertEqual(len(listed), len(set(listed)))
        self.assertEqual(got - set(listed) - BASE, set())
        self.assertEqual(set(listed) - got, NOT_ALWAYS)


if __name__ == "__main__":
    unittest.main()
