/*
 * imap/results.c - SEARCH, SORT and ESEARCH responses (RFC 3501, 7.2.5; RFC
 * 4731; RFC 5267, 3; RFC 6203, 4; RFC 9394; RFC 7377, 2.1), and the search
 * result variable (RFC 5182).
 *
 * Long lists go out as fast as the client reads them.
 */
#include "imap/results.h"

#include "base/str.h"
#include "imap/context.h"
#include "imap/respond.h"
#include <stdlib.h>

static uint32_t
number_at(const struct imap_results *r, size_t i)
{
	return r->uid ? view_uid(r->view, r->seq[i]) : r->seq[i];
}

static void
put_number(struct buf *out, const char *name, uint64_t n)
{
	(void)buf_putc(out, ' ');
	(void)buf_puts(out, name);
	(void)buf_putc(out, ' ');
	(void)buf_put_u64(out, n);
}

/* --- the parts ---------------------------------------------------------------
 */

void
imap_put_correlators(
    struct imap_session *s, const char *tag, struct mailbox_view *mailbox)
{
	struct buf *out = imap_out(s);
	struct pst_box_state state;

	(void)buf_puts(out, " (TAG ");
	imap_put_string(out, str_of(tag));
	if (mailbox != NULL) {
		view_state(mailbox, &state);
		(void)buf_puts(out, " MAILBOX ");
		imap_put_mailbox(out, view_name(mailbox), s->utf8);
		put_number(out, "UIDVALIDITY", state.uidvalidity);
	}
	(void)buf_putc(out, ')');
}

static void
begin(struct imap_session *s, struct imap_results *r)
{
	struct buf *out = imap_out(s);
	unsigned options = r->ret.options;

	r->at = 0;
	r->to = r->n;
	r->part = IMAP_RESULTS_LIST;
	if (!r->ret.is_extended) {
		(void)buf_puts(out, "* ");
		(void)buf_puts(out, r->word);
		return;
	}
	(void)buf_puts(out, "* ESEARCH");
	imap_put_correlators(s, s->run->tag, r->names_mailbox ? r->view : NULL);
	if (r->uid)
		(void)buf_puts(out, " UID");
	if ((options & IMAP_RETURN_MIN) && r->n > 0)
		put_number(out, "MIN", number_at(r, 0));
	if ((options & IMAP_RETURN_MAX) && r->n > 0)
		put_number(out, "MAX", number_at(r, r->n - 1));
	if (options & IMAP_RETURN_COUNT)
		put_number(out, "COUNT", r->n);
	if (r->modseq > 0)
		put_number(out, "MODSEQ", r->modseq);
	if (options & IMAP_RETURN_PARTIAL) {
		imap_partial_cut(&r->ret.partial, r->n, &r->at, &r->to);
		(void)buf_puts(out, " PARTIAL (");
		imap_put_partial(out, &r->ret.partial);
		(void)buf_puts(out, r->at < r->to ? " " : " NIL");
	} else if ((options & IMAP_RETURN_ALL) && r->n > 0) {
		(void)buf_puts(out, " ALL ");
	} else {
		r->at = r->to;
	}
	r->some = false;
}

/* A number, or as many as make a range: RFC 5267, 3.2 has ranges in ascending
 * order only. */
static void
put_item(struct imap_results *r, struct buf *out)
{
	uint32_t first = number_at(r, r->at++), last = first;

	if (!r->ret.is_extended) {
		(void)buf_putc(out, ' ');
		(void)buf_put_u64(out, first);
		return;
	}
	while (r->at < r->to && last != UINT32_MAX &&
	       number_at(r, r->at) == last + 1) {
		r->at++;
		last++;
	}
	if (r->some)
		(void)buf_putc(out, ',');
	r->some = true;
	(void)buf_put_u64(out, first);
	if (last > first) {
		(void)buf_putc(out, ':');
		(void)buf_put_u64(out, last);
	}
}

static void
end_list(struct imap_results *r, struct buf *out)
{
	r->part = IMAP_RESULTS_END;
	if (r->ret.is_extended && (r->ret.options & IMAP_RETURN_PARTIAL))
		(void)buf_putc(out, ')');
	if (!(r->ret.options & IMAP_RETURN_RELEVANCY))
		return;
	r->at = 0;
	r->to = r->n;
	if (r->ret.options & IMAP_RETURN_PARTIAL)
		imap_partial_cut(&r->ret.partial, r->n, &r->at, &r->to);
	r->part = IMAP_RESULTS_SCORE;
	r->some = false;
	(void)buf_puts(out, " RELEVANCY (");
}

static void
put_score(struct imap_results *r, struct buf *out)
{
	if (r->some)
		(void)buf_putc(out, ' ');
	r->some = true;
	(void)buf_put_u64(out, r->score[r->at++]);
}

static void
put_part(struct imap_session *s, struct imap_results *r)
{
	struct buf *out = imap_out(s);

	switch (r->part) {
	case IMAP_RESULTS_BEGIN:
		begin(s, r);
		break;
	case IMAP_RESULTS_LIST:
		if (r->at < r->to)
			put_item(r, out);
		else
			end_list(r, out);
		break;
	case IMAP_RESULTS_SCORE:
		if (r->at < r->to && r->score != NULL) {
			put_score(r, out);
		} else {
			(void)buf_putc(out, ')');
			r->part = IMAP_RESULTS_END;
		}
		break;
	case IMAP_RESULTS_END:
		if (!r->ret.is_extended && r->modseq > 0) {
			put_number(out, "(MODSEQ", r->modseq);
			(void)buf_putc(out, ')');
		}
		(void)buf_puts(out, "\r\n");
		r->part = IMAP_RESULTS_DONE;
		break;
	case IMAP_RESULTS_DONE:
		break;
	}
}

enum imap_step
imap_results_more(struct imap_session *s, struct imap_results *r)
{
	/* RFC 5182, 1: SAVE alone says nothing. */
	if (r->ret.is_extended && r->ret.options == IMAP_RETURN_SAVE)
		r->part = IMAP_RESULTS_DONE;
	while (r->part != IMAP_RESULTS_DONE) {
		put_part(s, r);
		if (net_output_full(s->c))
			return IMAP_FULL;
	}
	return IMAP_NEXT;
}

/* --- modseqs (RFC 7162, 3.1.6, 3.1.9 and 3.1.10)
 * ----------------------------- */

static void
find_modseq(struct imap_results *r, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		struct pst_row row;

		view_rows(r->view, r->seq[i], 1, &row);
		if (row.modseq > r->modseq)
			r->modseq = row.modseq;
	}
}

void
imap_results_find_modseq(struct imap_results *r)
{
	const unsigned all = IMAP_RETURN_ALL | IMAP_RETURN_COUNT;
	unsigned options = r->ret.options;
	size_t from, to;

	r->modseq = 0;
	if (!r->ret.is_extended || (options & all)) {
		find_modseq(r, 0, r->n);
		return;
	}
	if (options & IMAP_RETURN_PARTIAL) {
		imap_partial_cut(&r->ret.partial, r->n, &from, &to);
		find_modseq(r, from, to);
	}
	if ((options & IMAP_RETURN_MIN) && r->n > 0)
		find_modseq(r, 0, 1);
	if ((options & IMAP_RETURN_MAX) && r->n > 0)
		find_modseq(r, r->n - 1, r->n);
}

/* --- "$" ---------------------------------------------------------------------
 */

static int
compare_numbers(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

void
imap_results_uids(
    const struct imap_results *r, size_t from, size_t to, struct uidset *uids)
{
	uint32_t *uid;

	if (from == to)
		return;
	uid = mem_array(to - from, sizeof(*uid));
	for (size_t i = from; i < to; i++)
		uid[i - from] = view_uid(r->view, r->seq[i]);
	qsort(uid, to - from, sizeof(*uid), compare_numbers);
	for (size_t i = 0; i < to - from; i++)
		uidset_add(uids, uid[i], uid[i]);
	free(uid);
}

/* RFC 5182, 2.4 and RFC 9394, 3.2: what is told, unless all was counted. */
bool
imap_results_save(struct imap_session *s, const struct imap_results *r)
{
	const unsigned some = IMAP_RETURN_MIN | IMAP_RETURN_MAX |
			      IMAP_RETURN_PARTIAL;
	unsigned options = r->ret.options;
	size_t from = 0, to = r->n;

	uidset_fini(&s->saved);
	if ((options & some) &&
	    !(options & (IMAP_RETURN_ALL | IMAP_RETURN_COUNT))) {
		to = 0;
		if (options & IMAP_RETURN_PARTIAL)
			imap_partial_cut(&r->ret.partial, r->n, &from, &to);
		imap_results_uids(r, from, to, &s->saved);
		if ((options & IMAP_RETURN_MIN) && r->n > 0)
			imap_results_uids(r, 0, 1, &s->saved);
		if ((options & IMAP_RETURN_MAX) && r->n > 0)
			imap_results_uids(r, r->n - 1, r->n, &s->saved);
	} else {
		imap_results_uids(r, from, to, &s->saved);
	}
	if (s->saved.n <= IMAP_SAVED_RANGES_MAX)
		return true;
	uidset_fini(&s->saved);
	return false;
}

void
imap_results_refused(
    struct imap_session *s, const struct imap_search_return *ret)
{
	if ((ret->options & IMAP_RETURN_SAVE) && !s->run->is_bad)
		uidset_fini(&s->saved);
}

void
imap_forget_searches(struct imap_session *s)
{
	uidset_fini(&s->saved);
	imap_contexts_free(s);
}
