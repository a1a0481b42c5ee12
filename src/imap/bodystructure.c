/*
 * imap/bodystructure.c - BODY and BODYSTRUCTURE (RFC 3501, 7.4.2 and 9; RFC
 * 9051, 7.5.2).
 *
 * The depth of a message is limited where it is read (struct msg_limits), so
 * the recursion here is, too.
 */
#include "base/str.h"
#include "imap/envelope.h"
#include "imap/respond.h"

struct writer {
	struct buf *out;
	struct arena *scratch;
	bool extended, rev2;
};

/* RFC 9051, 7.5.2: in one piece each, and converted for who speaks that. */
static void
put_params(const struct writer *w, const struct msg_param *p)
{
	struct buf *out = w->out;

	p = msg_params_joined(w->scratch, p, w->rev2);
	if (p == NULL) {
		(void)buf_puts(out, "NIL");
		return;
	}
	(void)buf_putc(out, '(');
	for (; p != NULL; p = p->next) {
		imap_put_string(out, p->name);
		(void)buf_putc(out, ' ');
		imap_put_string(out, p->value);
		if (p->next != NULL)
			(void)buf_putc(out, ' ');
	}
	(void)buf_putc(out, ')');
}

static void
put_disposition(const struct writer *w, const struct msg_part *part)
{
	struct buf *out = w->out;

	if (part->disposition.p == NULL) {
		(void)buf_puts(out, " NIL");
		return;
	}
	(void)buf_puts(out, " (");
	imap_put_string(out, part->disposition);
	(void)buf_putc(out, ' ');
	put_params(w, part->disposition_params);
	(void)buf_putc(out, ')');
}

/* body-fld-lang = nstring / "(" string *(SP string) ")" */
static void
put_language(const struct writer *w, const struct msg_part *part)
{
	struct pst_str rest, tag, last = STR_NONE;
	unsigned n = 0;

	(void)buf_putc(w->out, ' ');
	rest = part->language.p != NULL ? msg_unfold(w->scratch, part->language)
					: STR_NONE;
	while (str_split(&rest, ',', &tag)) {
		tag = str_trim(tag);
		if (tag.n == 0)
			continue;
		if (n > 0) {
			(void)buf_putc(w->out, n == 1 ? '(' : ' ');
			imap_put_string(w->out, last);
		}
		last = tag;
		n++;
	}
	if (n > 1)
		(void)buf_putc(w->out, ' ');
	imap_put_nstring(w->out, last);
	if (n > 1)
		(void)buf_putc(w->out, ')');
}

/* An unfolded nstring. */
static void
put_text(const struct writer *w, struct pst_str value)
{
	(void)buf_putc(w->out, ' ');
	if (value.p != NULL)
		value = msg_unfold(w->scratch, value);
	imap_put_nstring(w->out, value);
}

static void put_part(const struct writer *w, const struct msg_part *part);

static void
put_multipart(const struct writer *w, const struct msg_part *part)
{
	for (const struct msg_part *p = part->child; p != NULL; p = p->next)
		put_part(w, p);
	if (part->child == NULL) /* the grammar wants one */
		(void)buf_puts(w->out,
		    "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL "
		    "\"7bit\" 0 0)");
	(void)buf_putc(w->out, ' ');
	imap_put_string(w->out, part->subtype);
	if (!w->extended)
		return;
	(void)buf_putc(w->out, ' ');
	put_params(w, part->params);
	put_disposition(w, part);
	put_language(w, part);
	put_text(w, part->location);
}

/* The types that the grammar wants to be told of as messages (media-message):
 * message/global only since RFC 9051. */
static bool
is_media_message(const struct writer *w, const struct msg_part *part)
{
	return str_is_case(part->type, "message") &&
	       (str_is_case(part->subtype, "rfc822") ||
		   (w->rev2 && str_is_case(part->subtype, "global")));
}

static bool
holds_message(const struct writer *w, const struct msg_part *part)
{
	return part->child != NULL && is_media_message(w, part);
}

static void
put_single(const struct writer *w, const struct msg_part *part)
{
	struct buf *out = w->out;

	if (is_media_message(w, part) && part->child == NULL) {
		/* Encoded, or too deep: there is no message to tell of, which
		 * the grammar would want for this type. */
		(void)buf_puts(out, "\"application\" \"octet-stream\"");
	} else {
		imap_put_string(out, part->type);
		(void)buf_putc(out, ' ');
		imap_put_string(out, part->subtype);
	}
	(void)buf_putc(out, ' ');
	put_params(w, part->params);
	put_text(w, part->id);
	put_text(w, part->description);
	(void)buf_putc(out, ' ');
	imap_put_string(out, part->encoding);
	(void)buf_putc(out, ' ');
	(void)buf_put_u64(out, part->body_size);
	if (holds_message(w, part)) {
		(void)buf_putc(out, ' ');
		imap_put_envelope(out, w->scratch, part->child);
		(void)buf_putc(out, ' ');
		put_part(w, part->child);
	}
	if (holds_message(w, part) || str_is_case(part->type, "text")) {
		(void)buf_putc(out, ' ');
		(void)buf_put_u64(out, part->body_lines);
	}
	if (!w->extended)
		return;
	put_text(w, part->md5);
	put_disposition(w, part);
	put_language(w, part);
	put_text(w, part->location);
}

static void
put_part(const struct writer *w, const struct msg_part *part)
{
	(void)buf_putc(w->out, '(');
	if (part->is_multipart)
		put_multipart(w, part);
	else
		put_single(w, part);
	(void)buf_putc(w->out, ')');
}

void
imap_put_structure(struct buf *out, struct arena *scratch,
    const struct msg_part *part, bool extended, bool rev2)
{
	const struct writer w = { out, scratch, extended, rev2 };

	put_part(&w, part);
}
