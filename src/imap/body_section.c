/*
 * imap/body_section.c - the sections of a message (RFC 3501, 6.4.5 and 9).
 */
#include "imap/body_section.h"

#include "base/str.h"
#include "imap/respond.h"
#include <stdlib.h>

enum { FIELDS_MAX = 1000, LABEL_MAX = 256 * 1024 };

static const struct {
	const char *word;
	enum imap_section_text text;
} texts[] = {
	{ "HEADER.FIELDS.NOT", IMAP_SECTION_FIELDS_NOT },
	{ "HEADER.FIELDS", IMAP_SECTION_FIELDS },
	{ "HEADER", IMAP_SECTION_HEADER },
	{ "MIME", IMAP_SECTION_MIME },
	{ "TEXT", IMAP_SECTION_TEXT },
};

/* section-part = nz-number *("." nz-number), and the '.' before a text */
static bool
parse_numbers(struct imap_parser *ps, struct imap_section *out)
{
	if (!(imap_peek(ps) >= '0' && imap_peek(ps) <= '9'))
		return true;
	out->number = arena_alloc(
	    ps->arena, IMAP_SECTION_DEPTH * sizeof(*out->number));
	if (out->number == NULL)
		return imap_bad(ps, "Command is too large");
	do {
		if (out->numbers == IMAP_SECTION_DEPTH)
			return imap_bad(ps, "Section is too deep");
		if (!imap_number(ps, &out->number[out->numbers]))
			return false;
		if (out->number[out->numbers++] == 0)
			return imap_bad(ps, "Invalid section");
		if (imap_peek(ps) == ']')
			return true;
		if (!imap_skip(ps, '.'))
			return imap_bad(ps, "Invalid section");
	} while (ascii_is_digit(imap_peek(ps)));
	return imap_peek(ps) != ']' || imap_bad(ps, "Invalid section");
}

static bool
parse_fields(struct imap_parser *ps, struct imap_section *out)
{
	if (!imap_space(ps) || !imap_expect(ps, '('))
		return false;
	out->field = arena_alloc(ps->arena, FIELDS_MAX * sizeof(*out->field));
	if (out->field == NULL)
		return imap_bad(ps, "Command is too large");
	do {
		if (out->fields == FIELDS_MAX)
			return imap_bad(ps, "Too many header fields");
		if (!imap_astring(ps, &out->field[out->fields++]))
			return false;
	} while (imap_skip(ps, ' '));
	return imap_expect(ps, ')');
}

static bool
parse_text(struct imap_parser *ps, struct imap_section *out)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (!imap_skip_word(ps, texts[i].word))
			continue;
		out->text = texts[i].text;
		if (out->text == IMAP_SECTION_MIME && out->numbers == 0)
			return imap_bad(ps, "MIME needs a part number");
		if (out->text == IMAP_SECTION_FIELDS ||
		    out->text == IMAP_SECTION_FIELDS_NOT)
			return parse_fields(ps, out);
		return true;
	}
	return imap_bad(ps, "Invalid section");
}

/* "<" number "." nz-number ">" */
static bool
parse_partial(struct imap_parser *ps, struct imap_section *out)
{
	if (!imap_skip(ps, '<'))
		return true;
	out->is_partial = true;
	if (!imap_number(ps, &out->offset) || !imap_skip(ps, '.') ||
	    !imap_number(ps, &out->length) || !imap_skip(ps, '>') ||
	    out->length == 0)
		return imap_bad(ps, "Invalid partial");
	return true;
}

static void
put_text(struct buf *b, const struct imap_section *sec)
{
	if (sec->text == IMAP_SECTION_ALL)
		return;
	if (sec->numbers > 0)
		(void)buf_putc(b, '.');
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i].text == sec->text)
			(void)buf_puts(b, texts[i].word);
	}
	for (size_t i = 0; i < sec->fields; i++) {
		(void)buf_puts(b, i == 0 ? " (" : " ");
		imap_put_astring(b, sec->field[i]);
	}
	if (sec->fields > 0)
		(void)buf_putc(b, ')');
}

static bool
make_label(struct imap_parser *ps, struct imap_section *sec)
{
	struct buf b;
	bool fits;

	buf_init(&b, LABEL_MAX);
	(void)buf_puts(&b, "BODY[");
	for (size_t i = 0; i < sec->numbers; i++) {
		if (i > 0)
			(void)buf_putc(&b, '.');
		(void)buf_put_u64(&b, sec->number[i]);
	}
	put_text(&b, sec);
	(void)buf_putc(&b, ']');
	if (sec->is_partial)
		(void)buf_printf(&b, "<%u>", (unsigned)sec->offset);
	fits = !b.overflow;
	if (fits)
		sec->label = arena_copy(ps->arena, buf_str(&b));
	buf_fini(&b);
	return (fits && sec->label.p != NULL) ||
	       imap_bad(ps, "Command is too large");
}

bool
imap_section_parse(struct imap_parser *ps, struct imap_section *out)
{
	memset(out, 0, sizeof(*out));
	if (!parse_numbers(ps, out))
		return false;
	if (imap_peek(ps) != ']' && !parse_text(ps, out))
		return false;
	if (!imap_skip(ps, ']'))
		return imap_bad(ps, "Missing ']'");
	return parse_partial(ps, out) && make_label(ps, out);
}

bool
imap_section_needs_structure(const struct imap_section *sec)
{
	return sec->numbers > 0;
}

bool
imap_section_needs_header(const struct imap_section *sec)
{
	return sec->numbers > 0 || sec->text != IMAP_SECTION_ALL;
}

static bool
is_named(const struct imap_section *sec, struct pst_str name)
{
	for (size_t i = 0; i < sec->fields; i++) {
		if (str_eq_case(sec->field[i], name))
			return true;
	}
	return false;
}

/* The chosen fields and the empty line that always follows (6.4.5). */
static struct imap_octets
choose_fields(const struct imap_section *sec, const struct msg_part *part,
    struct buf *made)
{
	bool named = sec->text == IMAP_SECTION_FIELDS;

	buf_clear(made);
	for (size_t i = 0; i < part->fields; i++) {
		const struct msg_field *f = &part->field[i];
		size_t n = f->whole.n;

		if (is_named(sec, f->name) != named)
			continue;
		(void)buf_add_str(made, f->whole);
		if (n == 0 || f->whole.p[n - 1] != '\n')
			(void)buf_puts(made, "\r\n");
	}
	(void)buf_puts(made, "\r\n");
	return (struct imap_octets){ .is_made = true, .length = made->n };
}

/* HEADER and TEXT of a part mean the message that it holds. */
static const struct msg_part *
message_in(const struct msg_part *part, const struct imap_section *sec)
{
	if (sec->numbers == 0)
		return part;
	return part->is_message ? part->child : NULL;
}

static struct imap_octets
whole_part(const struct imap_section *sec, const struct msg_part *part)
{
	struct imap_octets at = { 0 };

	if (sec->text == IMAP_SECTION_MIME) {
		at.offset = part->header_start;
		at.length = part->header_size;
	} else {
		at.offset = part->body_start;
		at.length = part->body_size;
	}
	return at;
}

static struct imap_octets
find_whole(const struct imap_section *sec, const struct msg *msg, uint64_t size,
    struct buf *made)
{
	struct imap_octets at = { 0 };
	const struct msg_part *part;

	if (sec->numbers == 0 && sec->text == IMAP_SECTION_ALL) {
		at.length = size;
		return at;
	}
	part = msg_section(msg, sec->number, sec->numbers);
	if (part != NULL && sec->text != IMAP_SECTION_ALL &&
	    sec->text != IMAP_SECTION_MIME)
		part = message_in(part, sec);
	if (part == NULL) {
		at.is_nil = true;
		return at;
	}
	switch (sec->text) {
	case IMAP_SECTION_ALL:
	case IMAP_SECTION_MIME:
		return whole_part(sec, part);
	case IMAP_SECTION_HEADER:
		at.offset = part->header_start;
		at.length = part->header_size;
		return at;
	case IMAP_SECTION_FIELDS:
	case IMAP_SECTION_FIELDS_NOT:
		return choose_fields(sec, part, made);
	case IMAP_SECTION_TEXT:
		break;
	}
	at.offset = part->header_start + part->header_size;
	/* Of the message itself only the header may have been read. */
	at.length = sec->numbers > 0   ? part->body_size
		    : size > at.offset ? size - at.offset
				       : 0;
	return at;
}

static struct imap_octets
cut_partial(const struct imap_section *sec, struct imap_octets at)
{
	uint64_t skip;

	if (!sec->is_partial)
		return at;
	skip = sec->offset < at.length ? sec->offset : at.length;
	at.offset += skip;
	at.length -= skip;
	if (at.length > sec->length)
		at.length = sec->length;
	return at;
}

struct imap_octets
imap_section_find(const struct imap_section *sec, const struct msg *msg,
    uint64_t size, struct buf *made)
{
	struct imap_octets at = find_whole(sec, msg, size, made);

	if (!at.is_made && at.offset > size) /* cannot be, but is cheap */
		at.offset = size;
	if (!at.is_made && at.length > size - at.offset)
		at.length = size - at.offset;
	return cut_partial(sec, at);
}

/* --- fields that are kept ---------------------------------------------------
 */

/* What mail programs ask for when they show a list of messages; sorted without
 * case. */
static const char *const common[] = { "Bcc", "Cc", "Content-Description",
	"Content-Length", "Content-Transfer-Encoding", "Content-Type", "Date",
	"Delivered-To", "Disposition-Notification-To", "Followup-To", "From",
	"Importance", "In-Reply-To", "Lines", "List-Archive", "List-Help",
	"List-Id", "List-Owner", "List-Post", "List-Subscribe",
	"List-Unsubscribe", "List-Unsubscribe-Post", "Mail-Followup-To",
	"Message-ID", "MIME-Version", "Newsgroups", "Organization",
	"Precedence", "Priority", "References", "Reply-To", "Resent-Date",
	"Resent-From", "Resent-To", "Return-Path", "Sender", "Status",
	"Subject", "To", "User-Agent", "X-Envelope-To", "X-Label", "X-Mailer",
	"X-Original-To", "X-Priority", "X-Spam-Flag", "X-Spam-Status",
	"X-Status", "X-TUID", "X-Universally-Unique-Identifier" };

static int
compare_names(const void *name, const void *entry)
{
	return str_cmp_case(
	    *(const struct pst_str *)name, str_of(*(const char *const *)entry));
}

static bool
is_common(struct pst_str name)
{
	return bsearch(&name, common, sizeof(common) / sizeof(common[0]),
		   sizeof(common[0]), compare_names) != NULL;
}

bool
imap_section_is_common(const struct imap_section *sec)
{
	if (sec->text != IMAP_SECTION_FIELDS || sec->numbers > 0)
		return false;
	for (size_t i = 0; i < sec->fields; i++) {
		if (!is_common(sec->field[i]))
			return false;
	}
	return true;
}

/* As choose_fields() gives them, each behind its name and two lengths. */
void
imap_section_put_common(const struct msg_part *part, struct buf *out)
{
	for (size_t i = 0; i < part->fields; i++) {
		const struct msg_field *f = &part->field[i];
		size_t n = f->whole.n;
		bool ends = n > 0 && f->whole.p[n - 1] == '\n';

		if (f->name.n == 0 || !is_common(f->name))
			continue;
		(void)buf_put_u64(out, f->name.n);
		(void)buf_putc(out, ' ');
		(void)buf_put_u64(out, ends ? n : n + 2);
		(void)buf_putc(out, '\n');
		(void)buf_add_str(out, f->whole);
		if (!ends)
			(void)buf_puts(out, "\r\n");
	}
}

/* "NAME LENGTH\n" before a field. False: that is not what was put. */
static bool
next_common(struct pst_str *rest, struct pst_str *name_r, struct pst_str *whole)
{
	struct pst_str line = str_first(*rest, str_find(*rest, '\n')), part;
	uint32_t name_n, n;

	*rest = str_from(*rest, line.n + 1);
	if (!str_split(&line, ' ', &part) || !str_to_u32(part, &name_n) ||
	    !str_to_u32(line, &n) || n > rest->n || name_n > n)
		return false;
	*whole = str_first(*rest, n);
	*name_r = str_first(*rest, name_n);
	*rest = str_from(*rest, n);
	return true;
}

struct imap_octets
imap_section_choose(
    const struct imap_section *sec, struct pst_str kept, struct buf *made)
{
	struct imap_octets at = { .is_made = true };
	struct pst_str name, whole;

	buf_clear(made);
	while (kept.n > 0 && next_common(&kept, &name, &whole)) {
		if (is_named(sec, name))
			(void)buf_add_str(made, whole);
	}
	(void)buf_puts(made, "\r\n");
	at.length = made->n;
	return cut_partial(sec, at);
}
