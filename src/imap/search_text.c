/*
 * imap/search_text.c - the keys BODY and TEXT (RFC 3501, 6.4.4): what a reader
 * would see of the message, decoded, converted to UTF-8 and without case.
 *
 * A body is read, decoded and compared in pieces, so that a large one needs no
 * more memory than a small one.
 */
#include "base/str.h"
#include "imap/search.h"
#include "message/content.h"

enum { PIECE = 32768, LINE_MAX_KEPT = 65536 };

/* How much of the decoded text can be folded now: whole lines, so that no
 * character and no combining sequence is cut. */
static size_t
ready(const struct buf *text, bool last)
{
	const char *lf;
	size_t n = text->n;

	if (last || n == 0)
		return n;
	lf = memrchr(text->p, '\n', n);
	if (lf != NULL)
		return (size_t)(lf - text->p) + 1;
	if (n < LINE_MAX_KEPT)
		return 0;
	while (n > 1 && ((unsigned char)text->p[n - 1] & 0xc0) == 0x80)
		n--;
	return n - 1;
}

/*
 * Compares what is ready in m->text; the end of what was compared is kept in
 * m->folded, since the words sought may lie across.
 */
static bool
compare(struct imap_search_message *m, struct pst_str needle, bool last)
{
	size_t n = ready(&m->text, last);

	if (n == 0)
		return false;
	(void)msg_casefold(str_n(m->text.p, n), &m->folded);
	buf_consume(&m->text, n);
	if (m->fuzzy != NULL) {
		imap_fuzzy_feed(m->fuzzy, buf_str(&m->folded));
		buf_clear(&m->folded);
		return false;
	}
	if (m->folded.n < needle.n)
		return false;
	if (memmem(m->folded.p, m->folded.n, needle.p, needle.n) != NULL)
		return true;
	buf_consume(&m->folded, m->folded.n - (needle.n - 1));
	return false;
}

static bool
in_body(struct imap_search_message *m, const struct msg_part *part,
    struct pst_str needle)
{
	struct msg_decoder *d = msg_decoder_new(part, true, false);
	uint64_t at = part->body_start, left = part->body_size;
	bool found = false;

	buf_clear(&m->text);
	buf_clear(&m->folded);
	while (!found && left > 0) {
		size_t n = left < PIECE ? (size_t)left : PIECE;
		char *p;

		buf_clear(&m->piece);
		p = buf_reserve(&m->piece, n);
		if (!imap_search_read(m, at, p, n))
			break;
		at += n;
		left -= n;
		(void)msg_decoder_feed(d, str_n(p, n), left == 0, &m->text);
		found = compare(m, needle, left == 0);
	}
	msg_decoder_free(&d);
	return found;
}

static bool
in_fields(struct imap_search_message *m, const struct msg_part *part,
    struct pst_str needle)
{
	for (size_t i = 0; i < part->fields; i++) {
		if (imap_search_in_value(m, part->field[i].whole, needle))
			return true;
	}
	return false;
}

/* The part behind `part` in the order of the message, NULL in the end. */
static const struct msg_part *
following(const struct msg_part *part)
{
	if (part->child != NULL)
		return part->child;
	while (part != NULL && part->next == NULL)
		part = part->parent;
	return part != NULL ? part->next : NULL;
}

/* The header of a message in the message is part of its text. */
static bool
is_inner_header(const struct msg_part *part)
{
	return part->parent != NULL && part->parent->is_message;
}

static bool
in_message(struct imap_search_message *m, struct pst_str needle, bool headers)
{
	const struct msg_part *part = imap_search_whole(m);

	for (; part != NULL; part = following(part)) {
		if ((headers || is_inner_header(part)) &&
		    in_fields(m, part, needle))
			return true;
		if (str_is_case(part->type, "text") && in_body(m, part, needle))
			return true;
	}
	return false;
}

static bool
anywhere_below(struct imap_search_message *m, const struct imap_search_key *k)
{
	return in_message(m, k->text, false);
}

/* Most hits are in the header: it is looked at before the rest is read. */
static bool
anywhere(struct imap_search_message *m, const struct imap_search_key *k)
{
	const struct msg_part *header = imap_search_header(m);

	return header != NULL &&
	       (in_fields(m, header, k->text) || in_message(m, k->text, true));
}

bool
imap_match_body(struct imap_search_message *m, const struct imap_search_key *k)
{
	if (k->text.n == 0)
		return true;
	return m->is_fuzzy ? imap_fuzzy_matches(m, k, anywhere_below)
			   : anywhere_below(m, k);
}

bool
imap_match_text(struct imap_search_message *m, const struct imap_search_key *k)
{
	if (k->text.n == 0)
		return true;
	return m->is_fuzzy ? imap_fuzzy_matches(m, k, anywhere)
			   : anywhere(m, k);
}
