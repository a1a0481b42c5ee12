"""Whether a password is good for a protocol."""

import base64
import imaplib
import poplib
import smtplib

from browser import Browser


class Logins:
    """For test cases with `server` and `user`."""

    def imap(self, password, mechanism=None):
        c = imaplib.IMAP4(self.server.host, self.server.ports["imap"])
        try:
            if mechanism:
                c.authenticate(mechanism, lambda _: (
                    "\0%s\0%s" % (self.user, password)).encode())
            else:
                c.login(self.user, password)
            return True
        except imaplib.IMAP4.error:
            return False
        finally:
            c.logout()

    def pop3(self, password):
        c = poplib.POP3(self.server.host, self.server.ports["pop3"])
        try:
            c.user(self.user)
            c.pass_(password)
            return True
        except poplib.error_proto:
            return False
        finally:
            c.close()

    def smtp(self, password, mechanism="PLAIN"):
        c = smtplib.SMTP(self.server.host, self.server.ports["submission"])
        try:
            c.ehlo()
            c.user, c.password = self.user, password
            c.auth(mechanism, c.auth_plain if mechanism == "PLAIN"
                   else c.auth_login)
            return True
        except smtplib.SMTPAuthenticationError:
            return False
        finally:
            c.close()

    def basic(self, password, path="/.well-known/jmap"):
        other = Browser(self.server)
        pair = "%s:%s" % (self.user, password)
        status = other.ask("GET", path, Authorization="Basic " +
                           base64.b64encode(pair.encode()).decode())[0]
        other.close()
        return status == 200

    def web(self, password):
        other = Browser(self.server)
        status = other.login(self.user, password)
        other.close()
        return status == 200
