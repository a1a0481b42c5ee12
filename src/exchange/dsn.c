/*
 * exchange/dsn.c - see dsn.h.
 */
#include "exchange/dsn.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/str.h"
#include "message/header.h"

#include <stdlib.h>

enum { BOUNDARY = 33, NOTE_MAX = 16384, LINE_MAX_OCTETS = 800 };

static bool
is_digits(struct pst_str s, size_t most)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_digit(s.p[i]))
			return false;
	return s.n > 0 && s.n <= most;
}

/* "5.1.1" within "550 5.1.1 text" or at its start. */
static bool
find_status(struct pst_str answer, char out[16])
{
	struct pst_str word, rest, part;

	while (answer.n > 0 && str_split(&answer, ' ', &word)) {
		if (is_digits(word, 3))
			continue;
		rest = word;
		for (int i = 0; i < 3; i++)
			if (!str_split(&rest, '.', &part) ||
			    !is_digits(part, i == 0 ? 1 : 3))
				return false;
		return rest.n == 0 && word.n < 16 &&
		       (word.p[0] == '2' || word.p[0] == '4' ||
			   word.p[0] == '5') &&
		       str_copy(out, 16, word);
	}
	return false;
}

void
dsn_status(struct pst_str answer, enum envelope_state state, char out[16])
{
	const char *class = state == RECIPIENT_WAITS	? "4"
			    : state == RECIPIENT_FAILED ? "5"
							: "2";

	/* A recipient that is given up after 4.x.x failed with 5.x.x? No: RFC
	 * 3464, 2.3.4 wants the class to fit what is reported. */
	if (find_status(answer, out)) {
		if (state == RECIPIENT_FAILED && out[0] == '4')
			(void)str_copy(out, 16, STR("5.4.7"));
		else
			out[0] = *class;
		return;
	}
	(void)snprintf(out, 16, "%s.0.0", class);
}

/* "450 4.2.0 Try later" is what a server said; other texts are our own. */
static bool
is_reply(struct pst_str answer)
{
	return answer.n > 3 && is_digits(str_first(answer, 3), 3) &&
	       answer.p[3] == ' ';
}

/* Our own words, for people. */
static struct pst_str
without_status(struct pst_str answer)
{
	struct pst_str rest = answer, word;
	char status[16];

	return find_status(answer, status) && str_split(&rest, ' ', &word)
		   ? rest
		   : answer;
}

/* It can only go where SMTPUTF8 is known. */
static bool
is_utf8(const struct dsn *d)
{
	const struct envelope *e = d->envelope;
	bool is = e->smtputf8 || !str_is_ascii(e->sender);

	for (size_t i = 0; i < d->recipients && !is; i++)
		is = !str_is_ascii(e->recipient[d->recipient[i]].address);
	return is;
}

/* Words of a server, which may be of any charset. */
static void
put_answer(struct pst_str answer, bool utf8, struct buf *out)
{
	bool is_fine = str_is_ascii(answer) || (utf8 && str_is_utf8(answer));

	for (size_t i = 0; i < answer.n; i++)
		(void)buf_putc(out, is_fine || (unsigned char)answer.p[i] < 0x80
					? answer.p[i]
					: '?');
	(void)buf_puts(out, "\r\n");
}

/* --- what people read -----------------------------------------------------
 */

static void
put_list(const struct dsn *d, bool utf8, struct buf *out)
{
	for (size_t i = 0; i < d->recipients; i++) {
		const struct envelope_recipient *r =
		    &d->envelope->recipient[d->recipient[i]];

		(void)buf_printf(out, "  <%.*s>\r\n", STR_ARG(r->address));
		if (r->answer.n == 0)
			continue;
		if (is_reply(r->answer) && r->remote.n > 0)
			(void)buf_printf(out,
			    "    The server %.*s said:\r\n    ",
			    STR_ARG(r->remote));
		else
			(void)buf_puts(out, "    ");
		put_answer(is_reply(r->answer) && r->remote.n > 0
			       ? r->answer
			       : without_status(r->answer),
		    utf8, out);
	}
	(void)buf_puts(out, "\r\n");
}

/* What the class of most failures means, and what to do. */
static const char *
advice(const struct dsn *d)
{
	static const struct {
		const char *status, *text;
	} known[] = {
		{ "5.1.1",
		    "Nobody has that address. Check it for a typing error, or "
		    "ask the\r\nperson for the present one." },
		{ "5.1.2",
		    "The part behind the @ is no domain that takes mail. Check "
		    "it for a\r\ntyping error." },
		{ "5.1.10", "That domain takes no mail at all." },
		{ "5.2.2",
		    "The mailbox is full. Only its owner can change that: tell "
		    "them in\r\nanother way." },
		{ "5.3.4",
		    "The message is too large for the other server. Send it in "
		    "parts, or\r\na link instead of attachments." },
		{ "5.4.6",
		    "It came back to the address that had sent it on. Its "
		    "owner has to change\r\nthat." },
		{ "5.4.7",
		    "The other server could not be reached, or was not ready, "
		    "for too long.\r\nYou may send the message again later." },
		{ "5.7.1",
		    "The other server does not want the message. What it said "
		    "may tell why." },
	};
	char status[16];

	if (d->recipients == 0)
		return NULL;
	dsn_status(d->envelope->recipient[d->recipient[0]].answer,
	    d->envelope->recipient[d->recipient[0]].state, status);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].status, status) == 0)
			return known[i].text;
	return NULL;
}

/* Whoever it is from writes the lines, so each is marked as said. */
static void
put_note(struct pst_str note, struct buf *out)
{
	struct pst_str rest = str_first(note, NOTE_MAX), line;

	(void)buf_puts(out, "The recipient says:\r\n\r\n");
	while (rest.n > 0 && str_split(&rest, '\n', &line)) {
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		(void)buf_puts(out, "> ");
		for (size_t i = 0; i < line.n; i++) {
			char c = line.p[i];

			/* RFC 5321, 4.5.3.1.6; not within a character. */
			if (i % LINE_MAX_OCTETS >= LINE_MAX_OCTETS - 4 &&
			    ((unsigned char)c & 0xc0) != 0x80) {
				(void)buf_puts(out, "\r\n> ");
				line = str_from(line, i);
				i = 0;
			}
			(void)buf_putc(out, c == '\r' || c == '\0' ? ' ' : c);
		}
		(void)buf_puts(out, "\r\n");
	}
	(void)buf_puts(out, "\r\n");
}

static void
put_words(const struct dsn *d, bool utf8, struct buf *out)
{
	const char *more = advice(d);
	char date[40];

	msg_format_date(d->envelope->arrived, 0, date);
	(void)buf_printf(out,
	    "This is the mail server %s.\r\n\r\n"
	    "Your message of %s\r\n",
	    d->hostname, date);
	switch (d->kind) {
	case DSN_FAILED:
		(void)buf_puts(out, "could not be delivered to:\r\n\r\n");
		put_list(d, utf8, out);
		if (d->note.n > 0)
			put_note(d->note, out);
		else if (more != NULL)
			(void)buf_printf(out, "%s\r\n\r\n", more);
		break;
	case DSN_DELAYED:
		(void)buf_puts(out, "has not been delivered yet to:\r\n\r\n");
		put_list(d, utf8, out);
		msg_format_date(d->until, 0, date);
		(void)buf_printf(out,
		    "You need not do anything: it is tried again until %s."
		    "\r\nIf it cannot be delivered by then, you will be told."
		    "\r\n\r\n",
		    date);
		break;
	case DSN_DELIVERED:
		(void)buf_puts(out, "was delivered to:\r\n\r\n");
		put_list(d, utf8, out);
		break;
	case DSN_EXPANDED:
		(void)buf_puts(out,
		    "reached an address that leads to several others, and went "
		    "on to them:\r\n\r\n");
		put_list(d, utf8, out);
		break;
	}
	(void)buf_printf(out, "Its number here is %s.\r\n", d->id);
}

/* --- what programs read ---------------------------------------------------
 */

static const char *
action_of(const struct dsn *d, const struct envelope_recipient *r)
{
	switch (d->kind) {
	case DSN_FAILED:
		return "failed";
	case DSN_DELAYED:
		return "delayed";
	case DSN_EXPANDED:
		return "expanded";
	case DSN_DELIVERED:
		break;
	}
	return r->state == RECIPIENT_RELAYED ? "relayed" : "delivered";
}

/* xtext (RFC 3461, 4) back to what it stands for, as far as it is printable
 * and the report may have UTF-8. */
static void
put_xtext(struct pst_str text, bool utf8, struct buf *out)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned c = (unsigned char)text.p[i];
		char hex[3] = { 0 }, *end;

		if (c == '+' && i + 2 < text.n) {
			memcpy(hex, text.p + i + 1, 2);
			c = (unsigned)strtoul(hex, &end, 16);
			if (*end != '\0')
				c = '?';
			i += 2;
		}
		if (c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8))
			c = '?';
		(void)buf_putc(out, (char)c);
	}
}

static void
put_recipient(const struct dsn *d, const struct envelope_recipient *r,
    bool utf8, struct buf *out)
{
	const char *type = str_is_ascii(r->address) ? "rfc822" : "utf-8";
	char status[16], date[40];

	(void)buf_puts(out, "\r\n");
	if (r->orcpt.n > 0) {
		(void)buf_puts(out, "Original-Recipient: ");
		put_xtext(r->orcpt, utf8, out);
		(void)buf_puts(out, "\r\n");
	}
	dsn_status(r->answer, r->state, status);
	(void)buf_printf(out,
	    "Final-Recipient: %s; %.*s\r\n"
	    "Action: %s\r\n"
	    "Status: %s\r\n",
	    type, STR_ARG(r->address), action_of(d, r), status);
	if (r->remote.n > 0)
		(void)buf_printf(
		    out, "Remote-MTA: dns; %.*s\r\n", STR_ARG(r->remote));
	if (r->answer.n > 0) {
		(void)buf_printf(out, "Diagnostic-Code: %s; ",
		    is_reply(r->answer) ? "smtp" : "x-postern");
		put_answer(r->answer, utf8, out);
	}
	if (r->at != 0) {
		msg_format_date(r->at, 0, date);
		(void)buf_printf(out, "Last-Attempt-Date: %s\r\n", date);
	}
	if (d->kind == DSN_DELAYED) {
		msg_format_date(d->until, 0, date);
		(void)buf_printf(out, "Will-Retry-Until: %s\r\n", date);
	}
}

static void
put_status(const struct dsn *d, bool utf8, struct buf *out)
{
	char date[40];

	(void)buf_printf(out, "Reporting-MTA: dns; %s\r\n", d->hostname);
	if (d->envelope->envid.n > 0) {
		(void)buf_puts(out, "Original-Envelope-Id: ");
		put_xtext(d->envelope->envid, false, out);
		(void)buf_puts(out, "\r\n");
	}
	msg_format_date(d->envelope->arrived, 0, date);
	(void)buf_printf(out, "Arrival-Date: %s\r\n", date);
	for (size_t i = 0; i < d->recipients; i++)
		put_recipient(
		    d, &d->envelope->recipient[d->recipient[i]], utf8, out);
}

/* --- the whole ------------------------------------------------------------
 */

static const char *
subject_of(enum dsn_kind kind)
{
	switch (kind) {
	case DSN_FAILED:
		return "Your message could not be delivered";
	case DSN_DELAYED:
		return "Your message is delayed";
	case DSN_DELIVERED:
	case DSN_EXPANDED:
		break;
	}
	return "Your message was delivered";
}

static void
put_header(
    const struct dsn *d, const char *boundary, bool utf8, struct buf *out)
{
	char date[40];

	msg_format_date(clock_seconds(), 0, date);
	(void)buf_printf(out,
	    "Date: %s\r\n"
	    "From: Mail Delivery System <MAILER-DAEMON@%s>\r\n"
	    "To: <%.*s>\r\n"
	    "Subject: %s\r\n"
	    "Message-ID: <%s@%s>\r\n"
	    "Auto-Submitted: auto-replied\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; report-type=%s;\r\n"
	    "\tboundary=\"%s\"\r\n"
	    "%s\r\n"
	    "This is a delivery status notification in MIME format.\r\n"
	    "\r\n",
	    date, d->hostname, STR_ARG(d->envelope->sender),
	    subject_of(d->kind), boundary, d->hostname, "delivery-status",
	    boundary, utf8 ? "Content-Transfer-Encoding: 8bit\r\n" : "");
}

void
dsn_write(const struct dsn *d, bool whole, struct buf *top, struct buf *bottom)
{
	const bool utf8 = is_utf8(d);
	/* What people read may have it wherever 8-bit text goes. */
	const bool words = utf8 || !str_is_ascii(d->note);
	const char *status = utf8 ? "message/global-delivery-status"
				  : "message/delivery-status";
	const char *original = whole ? (utf8 ? "message/global"
					     : "message/rfc822")
				     : (utf8 ? "message/global-headers"
					     : "text/rfc822-headers");
	unsigned char octets[(BOUNDARY - 1) / 2];
	char boundary[BOUNDARY];

	random_bytes(octets, sizeof(octets));
	hex_encode(octets, sizeof(octets), boundary);
	put_header(d, boundary, words, top);
	(void)buf_printf(top,
	    "--%s\r\n"
	    "Content-Type: text/plain; charset=%s\r\n"
	    "%s\r\n",
	    boundary, words ? "utf-8" : "us-ascii",
	    words ? "Content-Transfer-Encoding: 8bit\r\n" : "");
	put_words(d, words, top);
	(void)buf_printf(top,
	    "\r\n--%s\r\n"
	    "Content-Type: %s\r\n"
	    "%s\r\n",
	    boundary, status,
	    utf8 ? "Content-Transfer-Encoding: 8bit\r\n" : "");
	put_status(d, utf8, top);
	(void)buf_printf(top,
	    "\r\n--%s\r\n"
	    "Content-Type: %s\r\n"
	    "%s\r\n",
	    boundary, original,
	    utf8 || d->envelope->body != BODY_7BIT
		? "Content-Transfer-Encoding: 8bit\r\n"
		: "");
	(void)buf_printf(bottom, "\r\n--%s--\r\n", boundary);
}
