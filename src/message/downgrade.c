/*
 * message/downgrade.c - header fields that are not ASCII, made so.
 */
#include "message/downgrade.h"

#include "base/codec.h"
#include "base/str.h"
#include "message/header.h"

enum {
	LINE_MAX = 76,	  /* RFC 2047, 2 */
	WORD_AROUND = 12, /* octets of "=?UTF-8?B?" and "?=" */
	TEXT_MAX = 1 << 20,
	ADDRESSES_MAX = 16384,
};

/* RFC 6858, 2.1: no such host will ever be. */
#define NOWHERE "<invalid@internationalized-address.invalid>"

enum treatment { UNSTRUCTURED, ADDRESSES, STRUCTURED };

/* Fields of other names are text (RFC 5322, 3.6.8). */
static const struct {
	const char *name;
	enum treatment treatment;
} fields[] = {
	{ "From", ADDRESSES },
	{ "Sender", ADDRESSES },
	{ "Reply-To", ADDRESSES },
	{ "To", ADDRESSES },
	{ "Cc", ADDRESSES },
	{ "Bcc", ADDRESSES },
	{ "Resent-From", ADDRESSES },
	{ "Resent-Sender", ADDRESSES },
	{ "Resent-To", ADDRESSES },
	{ "Resent-Cc", ADDRESSES },
	{ "Resent-Bcc", ADDRESSES },
	{ "Disposition-Notification-To", ADDRESSES },
	{ "Return-Path", STRUCTURED },
	{ "Received", STRUCTURED },
	{ "Message-ID", STRUCTURED },
	{ "In-Reply-To", STRUCTURED },
	{ "References", STRUCTURED },
	{ "Resent-Message-ID", STRUCTURED },
	{ "Date", STRUCTURED },
	{ "MIME-Version", STRUCTURED },
	{ "Content-Type", STRUCTURED },
	{ "Content-Disposition", STRUCTURED },
	{ "Content-Transfer-Encoding", STRUCTURED },
	{ "Content-ID", STRUCTURED },
	{ "Authentication-Results", STRUCTURED },
	{ "DKIM-Signature", STRUCTURED },
};

static enum treatment
treatment_of(struct pst_str name)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (str_is_case(name, fields[i].name))
			return fields[i].treatment;
	return UNSTRUCTURED;
}

/* The longest beginning of UTF-8 text that fits into an encoded word in a line
 * of which `used` octets are taken, and ends with a character. */
static size_t
word_octets(struct pst_str s, size_t used)
{
	size_t most = (LINE_MAX - WORD_AROUND - used) / 4 * 3;
	size_t n = s.n < most ? s.n : most;

	while (n < s.n && n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	return n > 0 ? n : 1;
}

/* How long the last line is. */
static size_t
column(const struct buf *out)
{
	const char *lf = out->n > 0 ? memrchr(out->p, '\n', out->n) : NULL;

	return lf != NULL ? (size_t)(out->p + out->n - lf) - 1 : out->n;
}

void
msg_encode_words(struct buf *out, struct pst_str utf8)
{
	size_t used = column(out);

	while (utf8.n > 0) {
		size_t n;

		if (used > LINE_MAX / 2) {
			(void)buf_puts(out, "\r\n ");
			used = 1;
		}
		n = word_octets(utf8, used);
		(void)buf_puts(out, "=?UTF-8?B?");
		(void)base64_encode(str_first(utf8, n), out);
		(void)buf_puts(out, "?=");
		utf8 = str_from(utf8, n);
		used = LINE_MAX;
	}
}

/* Text as it was, or encoded when it is not ASCII. */
static void
put_text(struct buf *out, struct pst_str text)
{
	struct buf utf8;

	if (str_is_ascii(text)) {
		(void)buf_add_str(out, text);
		return;
	}
	buf_init(&utf8, TEXT_MAX);
	(void)msg_decode_words(text, &utf8);
	msg_encode_words(out, str_trim(buf_str(&utf8)));
	buf_fini(&utf8);
}

static void
put_structured(struct buf *out, struct pst_str value)
{
	bool inside = false; /* of a character that has its "_" */

	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];

		if (c < 0x80)
			(void)buf_putc(out, (char)c);
		else if (!inside || (c & 0xc0) != 0x80)
			(void)buf_putc(out, '_');
		inside = c >= 0x80;
	}
}

/* --- addresses
 * ----------------------------------------------------------------
 */

/* A display name, quoted when it is ASCII: then it may have anything in it. */
static void
put_name(struct buf *out, struct pst_str name)
{
	if (!str_is_ascii(name)) {
		put_text(out, name);
		return;
	}
	(void)buf_putc(out, '"');
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '\r' || name.p[i] == '\n')
			continue;
		if (name.p[i] == '"' || name.p[i] == '\\')
			(void)buf_putc(out, '\\');
		(void)buf_putc(out, name.p[i]);
	}
	(void)buf_putc(out, '"');
}

/* A name that has encoded words stays unquoted: they would be text in there. */
static bool
has_words(struct pst_str name)
{
	return str_find_case(name, STR("=?")) != SIZE_MAX;
}

static void
put_known_name(struct buf *out, struct pst_str name)
{
	struct buf utf8;

	if (!has_words(name)) {
		put_name(out, name);
		return;
	}
	buf_init(&utf8, TEXT_MAX);
	(void)msg_decode_words(name, &utf8);
	msg_encode_words(out, buf_str(&utf8));
	buf_fini(&utf8);
}

static void
put_address(struct buf *out, const struct msg_address *ad)
{
	struct buf text;
	bool plain;

	buf_init(&text, TEXT_MAX);
	(void)msg_address_print(ad, &text);
	plain = str_is_ascii(buf_str(&text));
	if (!plain) { /* RFC 6858, 2.1 */
		struct buf both;

		buf_init(&both, TEXT_MAX);
		if (ad->name.n > 0) {
			(void)msg_decode_words(ad->name, &both);
			(void)buf_putc(&both, ' ');
		}
		(void)buf_add_str(&both, buf_str(&text));
		put_text(out, buf_str(&both));
		(void)buf_puts(out, "\r\n " NOWHERE);
		buf_fini(&both);
	} else if (ad->name.n > 0) {
		put_known_name(out, ad->name);
		(void)buf_puts(out, "\r\n <");
		(void)buf_add_str(out, buf_str(&text));
		(void)buf_putc(out, '>');
	} else {
		(void)buf_add_str(out, buf_str(&text));
	}
	buf_fini(&text);
}

/* One address a line. */
static void
put_addresses(struct buf *out, struct pst_str value)
{
	struct arena *a = arena_new(0);
	bool first = true;

	for (const struct msg_address *ad =
		 msg_addresses(a, value, ADDRESSES_MAX);
	     ad != NULL; ad = ad->next) {
		if (ad->kind == MSG_GROUP_END) {
			(void)buf_putc(out, ';');
			first = false;
			continue;
		}
		if (!first)
			(void)buf_puts(out, ",\r\n ");
		first = ad->kind == MSG_GROUP_START;
		if (ad->kind == MSG_GROUP_START) {
			put_known_name(out, ad->mailbox);
			(void)buf_puts(out, ":\r\n ");
		} else {
			put_address(out, ad);
		}
	}
	arena_free(&a);
}

/* --- fields
 * -------------------------------------------------------------------
 */

static void
put_field(struct buf *out, const struct msg_field *f)
{
	struct arena *a;
	struct pst_str value;

	if (str_is_ascii(f->whole)) {
		(void)buf_add_str(out, f->whole);
		if (f->whole.p[f->whole.n - 1] != '\n') /* the last one */
			(void)buf_puts(out, "\r\n");
		return;
	}
	if (f->name.n == 0 || !str_is_ascii(f->name))
		return;
	(void)buf_add_str(out, f->name);
	(void)buf_puts(out, ": ");
	a = arena_new(0);
	value = msg_unfold(a, f->value);
	switch (treatment_of(f->name)) {
	case UNSTRUCTURED:
		put_text(out, value);
		break;
	case ADDRESSES:
		put_addresses(out, value);
		break;
	case STRUCTURED:
		put_structured(out, str_trim(f->value));
		break;
	}
	arena_free(&a);
	(void)buf_puts(out, "\r\n");
}

bool
msg_downgrade(const struct msg_part *part, struct buf *out)
{
	for (size_t i = 0; i < part->fields; i++)
		put_field(out, &part->field[i]);
	return buf_puts(out, "\r\n");
}
