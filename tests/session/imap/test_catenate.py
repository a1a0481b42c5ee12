"""CATENATE (RFC 4469)."""

import re
import unittest

from imap_client import CRLF, Case, message

PARTS = ("MIME-Version: 1.0\r\n"
         "Content-Type: multipart/mixed; boundary=bb\r\n")
BODY = ("--bb\r\nContent-Type: text/plain\r\n\r\nfirst\r\n"
        "--bb\r\nContent-Type: application/zip\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--bb--\r\n")


class Catenate(Case):
    def box_with_parts(self):
        c = self.select_new([message("draft", BODY, PARTS)])
        got = c.ok("STATUS %s (UIDVALIDITY)" % self.box)[0]
        self.validity = int(re.search(rb"VALIDITY (\d+)", got).group(1))
        return c

    def url(self, uid, rest=""):
        return '"/%s;UIDVALIDITY=%d/;UID=%d%s"' % (
            self.box, self.validity, uid, rest)

    def newest(self, c):
        got = c.ok("FETCH * BODY.PEEK[]")[0]
        return re.match(rb"\* \d+ FETCH \(BODY\[\] \{\d+\}\r\n(.*)\)$", got,
                        re.S).group(1)

    def test_announced(self):
        self.assertIn(b" CATENATE", self.login().ok("CAPABILITY")[0])

    def test_replace_an_attachment(self):
        c = self.box_with_parts()
        uid = c.append(message("zip", "new zip\r\n"), self.box)
        c.send("A003 APPEND %s (\\Seen \\Draft $MDNSent) CATENATE (URL %s "
               "TEXT {8}\r\n" % (self.box, self.url(1, "/;section=HEADER")))
        self.assertTrue(c.response().startswith(b"+ "))
        c.send("\r\n--bb\r\n URL %s URL %s TEXT {8}\r\n" % (
            self.url(1, "/;section=1.MIME"), self.url(1, "/;section=1")))
        self.assertTrue(c.response().startswith(b"+ "))
        c.send("\r\n--bb\r\n URL %s TEXT {10}\r\n" % self.url(uid))
        self.assertTrue(c.response().startswith(b"+ "))
        c.send("\r\n--bb--\r\n)\r\n")
        untagged, tagged = c.finish("A003")
        self.assertRegex(tagged, rb"^OK \[APPENDUID %d 3\]" % self.validity)
        self.assertIn(b"* 3 EXISTS", untagged)
        header = message("draft", BODY, PARTS).split(b"\r\n\r\n")[0]
        want = (header + b"\r\n\r\n\r\n--bb\r\n"
                b"Content-Type: text/plain\r\n\r\nfirst\r\n--bb\r\n" +
                message("zip", "new zip\r\n") + b"\r\n--bb--\r\n")
        self.assertEqual(self.newest(c), want)
        got = c.ok("FETCH 3 FLAGS")[0]
        for flag in (b"\\Seen", b"\\Draft", b"$MDNSent"):
            self.assertIn(flag, got)
        # the sources stay unseen
        self.assertNotIn(b"\\Seen", c.ok("FETCH 1 FLAGS")[0])

    def test_forms_of_urls(self):
        c = self.box_with_parts()
        whole = message("draft", BODY, PARTS)
        box = self.box
        for url, want in (
                ("/%s/;UID=1" % box, whole),
                ("/%s/;uid=1" % box, whole),
                (";UID=1", whole),
                ("/;UID=1", whole),
                ("%s/;UID=1" % box, whole),
                ("/%s;UIDVALIDITY=%d/;UID=1" % (box, self.validity), whole),
                ("/%s/;UID=1/;SECTION=1" % box, b"first"),
                ("/%s/;UID=1/;SECTION=2" % box, b"AAAA"),
                ("/%s/;UID=1/;SECTION=2/;PARTIAL=1.2" % box, b"AA"),
                ("/%s/;UID=1/;SECTION=1/;PARTIAL=2" % box, b"rst"),
                ("/%s/;UID=1/;PARTIAL=0.5" % box, whole[:5]),
                ("/%s/;UID=1/;SECTION=HEADER.FIELDS%%20(SUBJECT)" % box,
                 b"Subject: draft\r\n\r\n"),
                ("/%s/;UID=1" % box.replace("forms", "%66orms"), whole)):
            c.ok('APPEND %s CATENATE (URL "%s")' % (box, url))
            self.assertEqual(self.newest(c), want, url)
            c.send("t APPEND %s CATENATE (URL {%d}\r\n" % (box, len(url)))
            self.assertTrue(c.response().startswith(b"+ "))
            c.send(url + ")\r\n")
            self.assertOk(c.finish("t"), "APPENDUID")
            self.assertEqual(self.newest(c), want, url)
        # without a selected mailbox
        c.ok("UNSELECT")
        c.ok('APPEND %s CATENATE (URL "/%s/;UID=1")' % (box, box))
        self.assertNo(c.cmd('APPEND %s CATENATE (URL ";UID=1")' % box),
                      'BADURL ";UID=1"')

    def test_other_mailbox_with_umlauts(self):
        c = self.box_with_parts()
        c.ok('CREATE "Entw&APw-rfe"')
        c.append(message("other"), '"Entw&APw-rfe"')
        c.ok('APPEND %s CATENATE (URL "/Entw%%C3%%BCrfe/;UID=1")' % self.box)
        self.assertEqual(self.newest(c), message("other"))
        c.ok('DELETE "Entw&APw-rfe"')

    def test_bad_urls(self):
        c = self.box_with_parts()
        for url in ("/%s/;UID=99" % self.box, "/nowhere/;UID=1",
                    "/%s;UIDVALIDITY=1/;UID=1" % self.box,
                    "/%s/;UID=1/;SECTION=3" % self.box,
                    "/%s/;UID=1/;SECTION=1.HEADER" % self.box,
                    "/%s/;UID=1/;SECTION=foo" % self.box,
                    "/%s/;UID=1/;SECTION=" % self.box,
                    "/%s/;UID=1/;SECTION=1/;PARTIAL=x" % self.box,
                    "/%s/;UID=1/;PARTIAL=0.0" % self.box,
                    "/%s/;UID=0" % self.box, "/%s/;UID=x" % self.box,
                    "/%s" % self.box, "/%s/" % self.box, "",
                    "imap://localhost/%s/;UID=1" % self.box,
                    "//localhost/%s/;UID=1" % self.box,
                    "/%s/;UID=1;URLAUTH=anonymous" % self.box,
                    "/%s?TEXT%%20x" % self.box, "/%%/;UID=1", "/%00/;UID=1",
                    "/%s/;UID=1/;SECTION=1%%5D" % self.box):
            got = c.cmd('APPEND %s CATENATE (URL "%s")' % (self.box, url))
            self.assertNo(got)
            self.assertIn(b'[BADURL "%s"]' % url.encode(), got[1])
        # what could not stand in a response code
        url = b"/a]b\r\n\"c\xff"
        got = c.cmd(b"APPEND %s CATENATE (URL {%d+}\r\n%s)" % (
            self.box.encode(), len(url), url))
        self.assertNo(got, 'BADURL "/a%5Db%0D%0A%22c%FF"')
        # the first bad one is named; the text behind it is skipped
        got = c.cmd('APPEND %s CATENATE (URL "/x/;UID=7" TEXT {3+}\r\nabc '
                    'URL "/y/;UID=8")' % self.box)
        self.assertNo(got, 'BADURL "/x/;UID=7"')
        # it is told instead of being asked for more
        got = c.cmd('APPEND %s CATENATE (URL "/x/;UID=7" TEXT {3}' % self.box)
        self.assertNo(got, 'BADURL "/x/;UID=7"')
        self.assertIn(b"MESSAGES 1",
                      c.ok("STATUS %s (MESSAGES)" % self.box)[0])

    def test_grammar(self):
        c = self.box_with_parts()
        url = self.url(1)
        for text in ("CATENATE", "CATENATE ", "CATENATE (", "CATENATE ()",
                     "CATENATE (URL)", "CATENATE (URL %s" % url,
                     "CATENATE (URL %s) x" % url, "CATENATE (FOO)",
                     "CATENATE (TEXT \"x\")", "CATENATE URL %s" % url,
                     "CATENATE (URL %s  URL %s)" % (url, url),
                     "CATENATE (TEXT {1+}\r\nx",
                     "CATENATE (TEXT {1+}\r\nxURL %s)" % url,
                     "CATENATE (TEXT {1+}\r\nx) {"):
            self.assertBad(c.cmd("APPEND %s %s" % (self.box, text)))
            self.assertIn(b"MESSAGES 1",
                          c.ok("STATUS %s (MESSAGES)" % self.box)[0])
        self.assertNo(c.cmd("APPEND %s CATENATE (TEXT {0+}\r\n)" % self.box))
        c.ok("APPEND %s CATENATE (TEXT {0+}\r\n URL %s TEXT {0+}\r\n)" % (
            self.box, url))
        self.assertEqual(self.newest(c), message("draft", BODY, PARTS))

    def test_with_multiappend(self):
        c = self.box_with_parts()
        url = self.url(1, "/;SECTION=1")
        m = message("plain")
        got = c.cmd(b"APPEND %s (\\Flagged) CATENATE (URL %s TEXT {2+}\r\n\r\n "
                    b"URL %s) {%d+}\r\n%s (\\Seen) CATENATE (URL %s)" % (
                        self.box.encode(), url.encode(), url.encode(), len(m),
                        m, url.encode()))
        self.assertOk(got, "APPENDUID %d 2:4" % self.validity)
        got = c.ok("FETCH 2:4 (FLAGS BODY.PEEK[])")
        self.assertIn(b"{12}\r\nfirst\r\nfirst)", got[0])
        self.assertIn(b"\\Flagged", got[0])
        self.assertIn(m, got[1])
        self.assertIn(b"{5}\r\nfirst)", got[2])
        self.assertIn(b"\\Seen", got[2])
        # one bad URL: nothing at all
        got = c.cmd(b'APPEND %s {%d+}\r\n%s CATENATE (URL "/x/;UID=1")' % (
            self.box.encode(), len(m), m))
        self.assertNo(got)
        self.assertIn(b"MESSAGES 4",
                      c.ok("STATUS %s (MESSAGES)" % self.box)[0])

    def test_octet_by_octet(self):
        c = self.box_with_parts()
        url = self.url(1, "/;SECTION=1").strip('"')
        for b in ("t APPEND %s CATENATE (URL {%d+}\r\n%s TEXT {3+}\r\nx\r\n "
                  "URL {%d+}\r\n%s)\r\n" % (self.box, len(url), url, len(url),
                                            url)).encode():
            c.send(bytes([b]))
        self.assertOk(c.finish("t"), "APPENDUID")
        self.assertEqual(self.newest(c), b"firstx\r\nfirst")

    def test_many_urls(self):
        c = self.box_with_parts()
        url = ";UID=1/;SECTION=1"
        c.ok("APPEND %s CATENATE (%s)" % (
            self.box, " ".join(["URL %s" % url] * 2500)))
        self.assertEqual(self.newest(c), b"first" * 2500)
        c.ok("APPEND %s CATENATE (%s)" % (
            self.box, " ".join(["URL {%d+}\r\n%s" % (len(url), url)] * 9000)))
        self.assertEqual(self.newest(c), b"first" * 9000)


class Limits(Case):
    settings = ("imap.message_size=100000",)

    def test_too_big(self):
        c = self.select_new([message("x", "y" * 70 + "\r\n")])
        c.append(message("big", ("z" * 70 + "\r\n") * 800), self.box)
        self.assertNo(c.cmd("APPEND %s CATENATE (URL ;UID=2 URL ;UID=2)"
                            % self.box), "TOOBIG")
        self.assertNo(c.cmd("APPEND %s CATENATE (URL ;UID=2 TEXT {60000}"
                            % self.box), "TOOBIG")
        self.assertIn(b"MESSAGES 2",
                      c.ok("STATUS %s (MESSAGES)" % self.box)[0])


if __name__ == "__main__":
    unittest.main()
