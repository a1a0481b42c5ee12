/*
 * imap/uidbatches.c - UIDBATCHES (RFC 10022): ranges of uids, from the newest
 * messages down, that hold equally many messages each.
 */
#include "imap/commands.h"
#include "imap/respond.h"

enum { SIZE_LEAST = 500 }; /* smaller ones would be message numbers again */

struct batches {
	uint32_t size;
	uint32_t first, last; /* which of them; the first is the newest */
};

/* SP nz-number [SP nz-number ":" nz-number] */
static bool
parse(struct imap_parser *ps, struct batches *b)
{
	b->first = 1;
	b->last = UINT32_MAX;
	if (!imap_space(ps) || !imap_number(ps, &b->size))
		return false;
	if (imap_skip(ps, ' ') &&
	    (!imap_number(ps, &b->first) || !imap_expect(ps, ':') ||
		!imap_number(ps, &b->last)))
		return false;
	if (b->size == 0 || b->first == 0 || b->last == 0)
		return imap_bad(ps, "Number is zero");
	return imap_end(ps);
}

/* The ranges leave no uid out: each begins below the one before, and the last
 * one ends at 1. */
static void
put_ranges(struct imap_session *s, const struct batches *b)
{
	struct buf *out = imap_out(s);
	uint64_t count = view_count(s->view), n = b->first;
	char before = ' ';

	for (; n <= b->last && (n - 1) * b->size < count; n++) {
		uint64_t above = (n - 1) * b->size; /* messages */
		uint64_t left = count - above;
		uint32_t high = view_uid(s->view, (uint32_t)left), low = 1;

		if (n > 1) /* up to where the one before ends */
			high = view_uid(s->view, (uint32_t)left + 1) - 1;
		if (left > b->size)
			low = view_uid(s->view, (uint32_t)(left - b->size + 1));
		(void)buf_putc(out, before);
		(void)buf_put_u64(out, high);
		(void)buf_putc(out, ':');
		(void)buf_put_u64(out, low);
		before = ',';
	}
}

enum imap_step
imap_uidbatches(struct imap_session *s, struct imap_parser *ps)
{
	struct buf *out = imap_out(s);
	struct batches b;

	if (!parse(ps, &b))
		return imap_bad_arguments(s, ps);
	if (b.first > b.last)
		return imap_bad_command(
		    s, "[CLIENTBUG] Batches go from the lower to the higher");
	if (b.size < SIZE_LEAST)
		return imap_no(s, "[TOOFEW] At least 500 messages in a batch");
	(void)buf_puts(out, "* UIDBATCHES (TAG ");
	imap_put_string(
	    out, (struct pst_str){ s->run->tag, strlen(s->run->tag) });
	(void)buf_putc(out, ')');
	put_ranges(s, &b);
	(void)buf_puts(out, "\r\n");
	return imap_ok(s, "Uidbatches completed");
}
