"""What the server has stored, as another program sees it: by IMAP, read by Python's email package.

    stored.py PORT USER PASSWORD MAILBOX [SUBJECT]

prints the messages with that subject as JSON: their octets, fields and parts. Fails when the login is refused.
"""

import email
import email.policy
import imaplib
import json
import sys


def part(one):
    content = one.get_payload(decode=True) or b""
    return {
        "type": one.get_content_type(),
        "disposition": one.get_content_disposition(),
        "name": one.get_filename(),
        "cid": one["Content-ID"],
        "fields": str(one["Content-Type"]) + "\n" + str(one["Content-Disposition"]),
        "flowed": one.get_param("format") == "flowed",
        "size": len(content),
        "text": content.decode("utf-8", "replace") if one.get_content_maintype() == "text" else None,
    }


def message(octets):
    read = email.message_from_bytes(octets, policy=email.policy.default)
    return {
        "raw": octets.decode("utf-8", "replace"),
        "fields": {name.lower(): str(value) for name, value in read.items()},
        "parts": [part(one) for one in read.walk()],
        "defects": [str(d) for one in read.walk() for d in one.defects],
    }


def main(port, user, password, mailbox, subject=""):
    imap = imaplib.IMAP4("127.0.0.1", int(port), timeout=30)
    imap.login(user, password)
    imap.select('"%s"' % mailbox, readonly=True)
    found = imap.search(None, "SUBJECT", '"%s"' % subject)[1][0].split()
    print(json.dumps([
        message(imap.fetch(number, "(BODY.PEEK[])")[1][0][1]) for number in found]))
    imap.logout()


main(*sys.argv[1:])
