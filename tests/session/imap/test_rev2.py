"""IMAP4rev2 (RFC 9051) beside IMAP4rev1. Appendix E lists the changes; what is
not here by its number is in the test of the extension that was folded in:

1   sizes of 63 bits         an item of FETCH is as large as the message
2   NAMESPACE, UNSELECT, UIDPLUS, ESEARCH, SEARCHRES, ENABLE, IDLE, SASL-IR,
    LIST-EXTENDED, LIST-STATUS, MOVE, LITERAL-, BINARY, special uses
3   STATUS SIZE and DELETED
5   which keys match substrings: test_search
13  PERMANENTFLAGS with \\* stays valid
14  22 23 24 25 26 27 29     of clients, of security, or of the grammar
15  keywords such as $Junk: any can be made
28  any command resets the timer
30  when connections are closed
"""

import re
import unittest

from imap_client import Case, message

NFD = "u\u0308ber"
NFC = "\u00fcber"


class Rev2(Case):
    def rev2(self, user=0):
        c = self.login(user)
        self.assertEqual(c.ok("ENABLE IMAP4rev2"), [b"* ENABLED IMAP4rev2"])
        return c

    def fill(self, messages=("one", "two", "three")):
        c = self.rev2()
        c.ok("CREATE " + self.box)
        for m in messages:
            c.append(message(m), self.box)
        c.ok("SELECT " + self.box)
        return c

    def test_announced(self):
        c = self.connect()
        self.assertIn(b"IMAP4rev1 IMAP4rev2 ", c.greeting)
        self.assertIn(b"IMAP4rev2", c.ok("CAPABILITY")[0].split())
        self.assertBad(c.cmd("ENABLE IMAP4rev2"))
        c.login()
        got = c.ok("CAPABILITY")[0].split()
        for name in (b"IMAP4rev1", b"IMAP4rev2", b"NAMESPACE", b"UNSELECT",
                     b"UIDPLUS", b"ESEARCH", b"SEARCHRES", b"ENABLE", b"IDLE",
                     b"LIST-EXTENDED", b"LIST-STATUS", b"MOVE", b"LITERAL+",
                     b"BINARY", b"SPECIAL-USE", b"STATUS=SIZE"):
            self.assertIn(name, got)

    def test_nothing_changes_unasked(self):
        c = self.login()
        c.ok("CREATE " + self.box)
        c.append(message("one"), self.box)
        got = c.ok("SELECT " + self.box)
        self.assertIn(b"* 1 RECENT", got)
        self.assertFalse([r for r in got if b" LIST " in r])
        self.assertEqual(c.ok("SEARCH ALL"), [b"* SEARCH 1"])
        self.assertIn(b"\\Recent", c.ok("FETCH 1 FLAGS")[0])

    def test_select(self):
        """E.9 to E.12, 6.3.2"""
        c = self.rev2()
        c.ok("CREATE " + self.box)
        for name in ("one", "two"):
            c.append(message(name), self.box)
        got = c.ok("SELECT " + self.box)
        text = b"\n".join(got)
        self.assertIn(b"* 2 EXISTS", got)
        self.assertIn(b'* LIST (\\HasNoChildren) "/" %s' % self.box.encode(),
                      got)
        for word in (b"RECENT", b"\\Recent", b"[UNSEEN"):
            self.assertNotIn(word, text)
        for word in (b"* FLAGS (", b"[PERMANENTFLAGS (", b"[UIDNEXT 3]",
                     b"[UIDVALIDITY "):
            self.assertIn(word, text)
        c.ok("CREATE %s/below" % self.box)
        c.ok("SUBSCRIBE " + self.box)
        got = c.ok("EXAMINE " + self.box)
        self.assertTrue(got[0].startswith(b"* OK [CLOSED]"))
        self.assertIn(b'* LIST (\\HasChildren \\Subscribed) "/" %s' %
                      self.box.encode(), got)
        self.assertIn(
            b'* LIST (\\HasNoChildren \\Subscribed) "/" INBOX '
            b'("OLDNAME" (inbox))', c.ok("SELECT inbox"))
        sent = [r for r in c.ok("SELECT Sent") if b" LIST " in r]
        self.assertIn(b"\\Sent", sent[0])

    def test_recent_is_gone(self):
        """E.12"""
        c = self.fill()
        other = self.select_again()
        for r in c.ok("FETCH 1:* (UID FLAGS)") + c.ok("UID FETCH 1:* FLAGS"):
            self.assertNotIn(b"\\Recent", r)
        other.append(message("four"), self.box)
        got = c.ok("NOOP")
        self.assertIn(b"* 4 EXISTS", got)
        self.assertFalse([r for r in got if b"RECENT" in r.upper()], got)
        tag = c.idle()
        other.ok("STORE 4 FLAGS (\\Seen)")
        self.assertEqual(c.response(), b"* 4 FETCH (UID 4 FLAGS (\\Seen))")
        other.append(message("five"), self.box)
        self.assertEqual(c.response(), b"* 5 EXISTS")
        c.send("DONE\r\n")
        self.assertEqual(c.finish(tag)[0], [])

    def test_unsolicited_fetch_tells_the_uid(self):
        """E.21"""
        c = self.fill()
        other = self.select_again()
        other.ok("STORE 2 +FLAGS (\\Flagged)")
        self.assertEqual(c.ok("NOOP"),
                         [b"* 2 FETCH (UID 2 FLAGS (\\Flagged))"])

    def test_search(self):
        """E.4, 6.4.4"""
        c = self.fill()
        def esearch(text, rest):
            tag = c.tag()
            c.send(("%s %s\r\n" % (tag, text)).encode())
            got, tagged = c.finish(tag)
            self.assertTrue(tagged.startswith(b"OK"), tagged)
            self.assertEqual(got, [b'* ESEARCH (TAG "%s")%s' % (
                tag.encode(), rest)])
        esearch("SEARCH ALL", b" ALL 1:3")
        esearch("UID SEARCH OR SUBJECT one SUBJECT three", b" UID ALL 1,3")
        esearch('SEARCH TEXT "string not in mailbox"', b"")
        esearch("SEARCH RETURN () 2", b" ALL 2")
        esearch("SEARCH RETURN (MIN COUNT) ALL", b" MIN 1 COUNT 3")
        esearch("SEARCH CHARSET UTF-8 SUBJECT one", b" ALL 1")
        c.append(message("=?utf-8?q?gr=C3=BC=C3=9Fe?="), self.box)
        esearch('SEARCH SUBJECT "gr\u00fc\u00dfe"', b" ALL 4")
        self.assertNo(c.cmd("SEARCH CHARSET x-none TEXT x"), "BADCHARSET (US-"
                      "ASCII UTF-8)")
        self.assertEqual(c.ok("SORT (SUBJECT) UTF-8 1:2"), [b"* SORT 1 2"])
        c.ok("SEARCH RETURN (SAVE) SUBJECT two")
        self.assertEqual(c.ok("FETCH $ UID"), [b"* 2 FETCH (UID 2)"])

    def test_names(self):
        """E.16, 5.1, 6.3.9.7"""
        c = self.rev2(1)
        old = self.login(1)
        p = self.box
        wire = ('"%s/%s"' % (p, NFC)).encode()
        given = ('"%s/%s"' % (p, NFD)).encode()
        got = c.ok(b"CREATE " + given)
        self.assertEqual(got, [b'* LIST (\\HasNoChildren) "/" %s '
                               b'("OLDNAME" (%s))' % (wire, given)])
        self.assertEqual(old.ok('LIST "" "%s/*"' % p), [
            b'* LIST (\\HasNoChildren) "/" %s/&APw-ber' % p.encode()])
        self.assertEqual(c.ok(b'LIST "" ' + given), [
            b'* LIST (\\HasNoChildren) "/" ' + wire])
        self.assertNo(c.cmd(b"CREATE " + wire), "ALREADYEXISTS")
        got = [r for r in c.ok(b"SELECT " + given) if b" LIST " in r]
        self.assertEqual(got, [b'* LIST (\\HasNoChildren) "/" %s '
                               b'("OLDNAME" (%s))' % (wire, given)])
        got = [r for r in c.ok(b"SELECT " + wire) if b" LIST " in r]
        self.assertEqual(got, [b'* LIST (\\HasNoChildren) "/" ' + wire])
        m = message("x")
        got, tagged = c.cmd(b"APPEND %s {%d+}\r\n%s" % (given, len(m), m))
        self.assertOk((got, tagged), "APPENDUID")
        self.assertTrue(got[0].startswith(b'* LIST (\\HasNoChildren) "/" %s '
                                          b'("OLDNAME" (' % wire), got)
        got = c.ok(b"STATUS %s (MESSAGES)" % given)
        self.assertEqual(got, [b"* STATUS %s (MESSAGES 1)" % wire])
        c.ok("UNSELECT")
        c.ok(b"SUBSCRIBE " + given)
        got = c.ok(b"RENAME " + given + (' "%s/neu"' % p).encode())
        self.assertEqual(got, [b'* LIST (\\HasNoChildren) "/" %s/neu '
                               b'("OLDNAME" (%s))' % (p.encode(), given)])
        got = c.ok(('RENAME %s/neu ' % p).encode() + given)
        self.assertEqual(got, [
            b'* LIST (\\HasNoChildren \\Subscribed) "/" %s ("OLDNAME" (%s/neu))'
            % (wire, p.encode())])
        c.ok(b"UNSUBSCRIBE " + given)
        got = c.ok(b"DELETE " + given)
        self.assertEqual(got, [b'* LIST (\\NonExistent \\HasNoChildren) "/" %s '
                               b'("OLDNAME" (%s))' % (wire, given)])
        # names that are as they were given need no word
        self.assertEqual(c.ok("CREATE %s/plain/" % p), [])
        self.assertEqual(c.ok("RENAME %s/plain %s/simple" % (p, p)), [])
        self.assertEqual(c.ok("DELETE %s/simple" % p), [])

    def test_list(self):
        """\\NonExistent, E.19 and 6.3.9.6"""
        c = self.rev2()
        p = self.box
        c.ok("CREATE %s/b/c" % p)
        self.assertEqual(c.ok('LIST "" "%s/%%"' % p), [
            b'* LIST (\\NonExistent \\HasChildren) "/" %s/b' % p.encode()])
        self.assertNo(c.cmd("DELETE %s/b" % p), "HASCHILDREN")
        self.assertNo(c.cmd("DELETE %s/d" % p), "NONEXISTENT")
        c.ok("CREATE %s/b" % p)
        c.ok("DELETE %s/b" % p)
        c.ok("DELETE %s/b/c" % p)
        self.assertNo(c.cmd("DELETE %s/b" % p), "NONEXISTENT")
        # deprecated, not gone: IMAP4rev1 is spoken too
        c.ok('LSUB "" "*"')

    def test_move_and_copy(self):
        """E.7, E.8"""
        c = self.fill()
        for command in ("COPY 1", "UID COPY 1", "MOVE 1", "UID MOVE 1"):
            self.assertNo(c.cmd(command + " %s/no" % self.box), "TRYCREATE")
        c.ok("CREATE %s/to" % self.box)
        self.assertOk(c.cmd("COPY 1 %s/to" % self.box), "COPYUID ")
        for command in ("MOVE 1", "UID MOVE 2"):
            got = c.ok("%s %s/to" % (command, self.box))
            self.assertRegex(got[0], rb"^\* OK \[COPYUID \d+ \d \d\]")
            self.assertEqual(got[1], b"* 1 EXPUNGE")

    def test_obsolete_is_still_there(self):
        """E.17, E.18; Appendix A: when it is asked for."""
        c = self.fill()
        c.ok("CHECK")
        self.assertIn(b"RFC822.HEADER {", c.ok("FETCH 1 RFC822.HEADER")[0])
        self.assertIn(b"MESSAGES 3",
                      c.ok("STATUS %s (MESSAGES RECENT)" % self.box)[0])

    def test_binary(self):
        """E.2, Appendix B"""
        c = self.fill(())
        c.append(message("b", "aGVsbG8=\r\n",
                         "Content-Transfer-Encoding: base64\r\n"), self.box)
        self.assertEqual(c.ok("FETCH 1 (BINARY.PEEK[1] BINARY.SIZE[1])"), [
            b"* 1 FETCH (BINARY[1] {5}\r\nhello BINARY.SIZE[1] 5)"])

    def test_parameters_are_decoded(self):
        """E.6, 7.5.2; also without a MIME-Version field."""
        c = self.fill(())
        c.append(message("p", extra=(
            "Content-Type: text/plain; baz*0=one; baz*1=two;\r\n"
            " baz*2=\"three\"; foo*0*=utf-8''gr%C3%BC; foo*1*=%C3%9Fe\r\n")),
            self.box)
        got = c.ok("FETCH 1 BODYSTRUCTURE")[0]
        self.assertIn(b'"onetwothree"', got)
        self.assertRegex(got.lower(), rb'"baz" ')
        self.assertIn("gr\u00fc\u00dfe".encode(), got)
        self.assertRegex(got.lower(), rb'"foo\*?" ')

    def test_message_global(self):
        """9, media-message"""
        c = self.fill(())
        c.append(message("g", "Subject: inner\r\n\r\ntext\r\n", (
            "Content-Type: message/global\r\n")), self.box)
        got = c.ok("FETCH 1 BODYSTRUCTURE")[0]
        self.assertRegex(got.lower(), rb'"message" "global".*"inner"')

    def test_kept_structures(self):
        """What the index keeps is told to each as it is to be."""
        c = self.fill(())
        old = self.select_again()
        for content in ("message/global", "text/plain; a*=utf-8''%C3%BC"):
            c.append(message("g", "Subject: x\r\n\r\ny\r\n",
                             "Content-Type: %s\r\n" % content), self.box)
        both = "FETCH 1:* (BODY BODYSTRUCTURE)"
        for n in range(2):
            c.ok("NOOP")
            new = c.ok(both)
            self.assertIn(b'(NIL "x" NIL', new[0])
            self.assertIn("\u00fc".encode(), new[1])
            old.ok("NOOP")
            got = old.ok(both)
            self.assertNotIn(b'(NIL "x" NIL', got[0])
            self.assertIn(b"utf-8''%C3%BC", got[1])
        # the other way round
        c.append(message("g", "Subject: x\r\n\r\ny\r\n",
                         "Content-Type: message/global\r\n"), self.box)
        old.ok("NOOP")
        self.assertNotIn(b'(NIL "x" NIL', old.ok("FETCH 3 BODYSTRUCTURE")[0])
        c.ok("NOOP")
        self.assertIn(b'(NIL "x" NIL', c.ok("FETCH 3 BODYSTRUCTURE")[0])

    def test_eight_bit_headers(self):
        """E.16"""
        c = self.rev2()
        c.ok("CREATE " + self.box)
        c.append(message("gr\u00fc\u00dfe"), self.box)
        m = message("gr\u00fc\u00dfe")
        self.assertNo(self.login().cmd(b"APPEND %s {%d+}\r\n%s" % (
            self.box.encode(), len(m), m)))

    def test_ends_with_the_login(self):
        c = self.rev2()
        c.ok("UNAUTHENTICATE")
        c.login()
        self.assertTrue(any(b"RECENT" in r for r in c.ok("SELECT INBOX")))


if __name__ == "__main__":
    unittest.main()
