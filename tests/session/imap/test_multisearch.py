"""MULTISEARCH (RFC 7377): ESEARCH in several mailboxes."""

import re
import unittest

from imap_client import Case, message


class Multisearch(Case):
    def setUp(self):
        super().setUp()
        c = self.c = self.login()
        b = self.box
        self.validity = {}
        for name, words in (("", "xy"), ("/a", "x"), ("/a/deep", "yx"),
                            ("/b", ""), ("/\u00e4", "x")):
            wire = (b + name).replace("\u00e4", "&AOQ-")
            c.ok("CREATE \"%s\"" % wire)
            for w in words:
                c.append(message("about " + w), "\"%s\"" % wire)
            got = b"".join(c.ok("STATUS \"%s\" (UIDVALIDITY)" % wire))
            self.validity[wire] = int(
                re.search(rb"UIDVALIDITY (\d+)", got).group(1))

    def found(self, text, c=None):
        """{mailbox below ours: the rest of its answer}"""
        c = c or self.c
        got = c.ok("ESEARCH " + text)
        out = {}
        for r in got:
            m = re.fullmatch(
                r'\* ESEARCH \(TAG "a%d" MAILBOX (\S+) UIDVALIDITY (\d+)\) '
                r'UID ?(.*)' % c.count, r.decode())
            self.assertTrue(m, r)
            name = m.group(1).strip('"')
            self.assertNotIn(name, out)
            if name.startswith(self.box):
                self.assertEqual(int(m.group(2)), self.validity[name])
                out[name[len(self.box):]] = m.group(3)
        return out

    def test_sources(self):
        b = self.box
        for text, want in (
                ("(mailboxes %s)" % b, {"": "ALL 1"}),
                ("(mailboxes (%s/a/deep \"%s/a\"))" % (b, b),
                 {"/a": "ALL 1", "/a/deep": "ALL 2"}),
                ("(mailboxes %s/a mailboxes %s/b)" % (b, b), {"/a": "ALL 1"}),
                ("(mailboxes (%s/none \"%s/*\"))" % (b, b), {}),
                ("(mailboxes (%s %s) subtree-one %s)" % (b, b, b),
                 {"": "ALL 1", "/a": "ALL 1", "/&AOQ-": "ALL 1"}),
                ("(subtree %s)" % b,
                 {"": "ALL 1", "/a": "ALL 1", "/a/deep": "ALL 2",
                  "/&AOQ-": "ALL 1"}),
                ("(Subtree-One %s/a)" % b,
                 {"/a": "ALL 1", "/a/deep": "ALL 2"}),
                ("(personal)",
                 {"": "ALL 1", "/a": "ALL 1", "/a/deep": "ALL 2",
                  "/&AOQ-": "ALL 1"}),
                ("(inboxes)",
                 {"": "ALL 1", "/a": "ALL 1", "/a/deep": "ALL 2",
                  "/&AOQ-": "ALL 1"}),
                ("(subscribed)", {})):
            self.assertEqual(
                self.found("IN %s SUBJECT \"about x\"" % text), want, text)
        self.c.ok("SUBSCRIBE %s/a" % b)
        self.c.ok("SUBSCRIBE %s/none" % b)
        self.assertEqual(self.found("IN (subscribed) SUBJECT x"),
                         {"/a": "ALL 1"})

    def test_selected(self):
        c, b = self.c, self.box
        self.assertBad(c.cmd("ESEARCH ALL"))
        self.assertBad(c.cmd("ESEARCH IN (selected) ALL"))
        self.assertBad(c.cmd("ESEARCH IN (selected mailboxes %s) ALL" % b))
        c.ok("SELECT %s/a/deep" % b)
        self.assertEqual(self.found("ALL"), {"/a/deep": "ALL 1:2"})
        self.assertEqual(self.found("IN (selected) 2"), {"/a/deep": "ALL 2"})
        self.assertEqual(
            self.found("IN (selected subtree %s/a) ALL" % b),
            {"/a": "ALL 1", "/a/deep": "ALL 1:2"})
        self.assertEqual(self.found("IN (mailboxes %s) ALL" % b),
                         {"": "ALL 1:2"})
        self.assertEqual(self.uids("*"), [2])
        self.assertEqual(self.found("1:100 SUBJECT y"), {"/a/deep": "ALL 1"})
        self.assertEqual(self.found("101:200"), {})

    def uids(self, what):
        return [int(r.split(b"UID ")[1].rstrip(b")"))
                for r in self.c.ok("FETCH %s (UID)" % what)]

    def test_return_options(self):
        b = self.box
        for options, want in (
                ("MIN MAX COUNT", {"": "MIN 1 MAX 2 COUNT 2",
                                   "/a": "MIN 1 MAX 1 COUNT 1"}),
                ("", {"": "ALL 1:2", "/a": "ALL 1"}),
                ("PARTIAL 2:2", {"": "PARTIAL (2:2 2)",
                                 "/a": "PARTIAL (2:2 NIL)"}),
                ("PARTIAL -1:-1 COUNT", {"": "COUNT 2 PARTIAL (-1:-1 2)",
                                         "/a": "COUNT 1 PARTIAL (-1:-1 1)"}),
                ("CONTEXT COUNT", {"": "COUNT 2", "/a": "COUNT 1"})):
            self.assertEqual(self.found(
                "IN (mailboxes (%s %s/a %s/b)) RETURN (%s) ALL" % (
                    b, b, b, options)), want, options)
        self.assertEqual(self.found(
            "IN (mailboxes (%s %s/b)) RETURN (COUNT) DELETED" % (b, b)), {})

    def test_save(self):
        c, b = self.c, self.box
        c.ok("SELECT %s/a/deep" % b)
        self.assertEqual(c.ok("ESEARCH RETURN (SAVE) 2"), [])
        self.assertEqual(self.uids("$"), [2])
        self.assertEqual(self.found("$"), {"/a/deep": "ALL 2"})
        self.assertEqual(self.found("IN (mailboxes %s) $" % b), {})
        self.assertEqual(
            self.found("IN (selected) RETURN (SAVE ALL) ALL"),
            {"/a/deep": "ALL 1:2"})
        self.assertEqual(self.uids("$"), [1, 2])
        self.assertBad(c.cmd("ESEARCH IN (personal) RETURN (SAVE) ALL"))
        self.assertBad(
            c.cmd("ESEARCH IN (selected personal) RETURN (SAVE) ALL"))
        self.assertEqual(self.uids("$"), [1, 2])

    def test_changes_nothing(self):
        b = self.box
        self.found("IN (subtree %s) TEXT about" % b)
        got = b"".join(self.c.ok("STATUS %s (RECENT UNSEEN)" % b))
        self.assertIn(b"RECENT 2", got)
        self.assertIn(b"UNSEEN 2", got)

    def test_keywords_of_each_mailbox(self):
        c, b = self.c, self.box
        for name, keyword in (("", "$Work"), ("/a", "$Other $Work")):
            c.ok("SELECT " + b + name)
            c.ok("STORE 1 FLAGS.SILENT (%s)" % keyword)
        c.ok("UNSELECT")
        self.assertEqual(
            self.found("IN (subtree %s) KEYWORD $Work" % b),
            {"": "ALL 1", "/a": "ALL 1"})
        self.assertEqual(
            self.found("IN (subtree %s) KEYWORD $Other" % b),
            {"/a": "ALL 1"})

    def test_pipelined(self):
        c, b = self.c, self.box
        c.send("x1 ESEARCH IN (mailboxes %s) ALL\r\n"
               "x2 ESEARCH IN (mailboxes %s/a) ALL\r\n" % (b, b))
        self.assertIn(b'(TAG "x1" MAILBOX', c.response())
        self.assertEqual(c.response()[:5], b"x1 OK")
        self.assertIn(b'(TAG "x2" MAILBOX', c.response())
        self.assertEqual(c.response()[:5], b"x2 OK")

    def test_errors(self):
        c, b = self.c, self.box
        c.ok("SELECT " + b)
        for text in ("", "IN", "IN () ALL", "IN personal ALL", "IN (foo) ALL",
                     "IN (selected-delayed) ALL", "IN (mailboxes) ALL",
                     "IN (mailboxes ()) ALL", "IN (personal ALL",
                     "IN (personal)", "IN (subtree (a) ALL",
                     "IN (personal (x)) ALL", "IN (personal) RETURN (ALL)",
                     "RETURN (ALL) IN (personal) ALL", "IN (personal)ALL",
                     "RETURN (RELEVANCY) ALL"):
            self.assertBad(c.cmd("ESEARCH " + text))
        self.assertNo(c.cmd("ESEARCH IN (personal) CHARSET x-none ALL"),
                      "BADCHARSET (US-ASCII UTF-8)")
        d = self.connect()
        self.assertBad(d.cmd("ESEARCH IN (personal) ALL"))


if __name__ == "__main__":
    unittest.main()
