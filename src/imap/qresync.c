/*
 * imap/qresync.c - quick resynchronisation (RFC 7162, 3.2.5): a cursor over
 * what vanished, then over the messages.
 */
#include "imap/qresync.h"

#include "base/clock.h"
#include "imap/modseq.h"

enum { BATCH = 256 };

struct resyncing {
	struct imap_select_params params;
	struct uidset vanished;
	size_t told; /* ranges of `vanished` */
	const char *text;
	uint32_t seq; /* the next to be looked at */
	struct pst_row rows[BATCH];
	size_t n, at;
};

static void
cleanup(struct imap_session *s)
{
	struct resyncing *r = s->run->state;

	imap_select_params_fini(&r->params);
	uidset_fini(&r->vanished);
}

/*
 * The highest uid that has the number which the client says: nothing at or
 * below it vanished without the client's knowledge (3.2.5.2).
 */
static uint32_t
matching_uid(struct imap_session *s, const struct imap_select_params *p)
{
	const struct uidset *seqs = &p->match_seqs, *uids = &p->match_uids;
	uint32_t found = 0, uid = 0;
	size_t k = 0;

	for (size_t i = 0; i < seqs->n; i++) {
		uint32_t seq = seqs->r[i].first;

		for (; seq <= seqs->r[i].last && seq <= view_count(s->view);
		     seq++) {
			if (uid == 0 || uid == uids->r[k].last) {
				k += uid != 0;
				uid = uids->r[k].first;
			} else {
				uid++;
			}
			if (view_uid(s->view, seq) == uid)
				found = uid;
		}
	}
	return found;
}

static bool
next_batch(struct imap_session *s, struct resyncing *r)
{
	uint32_t count = view_count(s->view);

	r->seq += (uint32_t)r->n;
	if (r->seq > count)
		return false;
	r->n = count - r->seq + 1 < BATCH ? count - r->seq + 1 : BATCH;
	r->at = 0;
	view_rows(s->view, r->seq, r->n, r->rows);
	return true;
}

static enum imap_step
more(struct imap_session *s)
{
	struct resyncing *r = s->run->state;
	int64_t started = clock_monotonic();

	if (!imap_put_earlier(s, &r->vanished, &r->told))
		return IMAP_FULL;
	for (;;) {
		for (; r->at < r->n; r->at++) {
			const struct pst_row *row = &r->rows[r->at];

			if (row->modseq <= r->params.modseq ||
			    !uidset_has(&r->params.known, row->uid))
				continue;
			if (net_output_full(s->c))
				return IMAP_FULL;
			imap_put_changed(
			    s, r->seq + (uint32_t)r->at, row, false);
		}
		if (imap_slice_over(started))
			return IMAP_TURN;
		if (!next_batch(s, r))
			return imap_ok(s, r->text);
	}
}

enum imap_step
imap_resync(
    struct imap_session *s, struct imap_select_params *params, const char *text)
{
	struct resyncing *r = imap_alloc(s, sizeof(*r));
	uint32_t known;

	r->params = *params;
	r->text = text;
	r->seq = 1;
	s->run->state = r;
	s->run->cleanup = cleanup;
	known = matching_uid(s, &r->params);
	view_vanished(s->view, uidset_peek(&r->params.known), r->params.modseq,
	    &r->vanished);
	if (known > 0)
		uidset_remove(&r->vanished, 1, known);
	s->run->resume = more;
	return IMAP_NEXT;
}
