/*
 * mailbox/history.c - which messages are gone, for clients that come back (RFC
 * 7162, 3.2.5.1, 3.2.6 and 5.3).
 *
 * The last expunges are remembered, while the mailbox is not in memory by the
 * module if it can. A client whose knowledge is older gets all uids that are
 * missing: more than it asked for, which RFC 7162, 5.1 allows, never less.
 */
#include "mailbox/priv.h"

#include <stdlib.h>

void
history_begin(struct mailbox *mb, uint64_t modseq)
{
	mb->gone_from = modseq;
	mb->gone_n = mb->gone_at = 0;
}

static void
note(struct mailbox *mb, struct pst_range uids, uint64_t modseq)
{
	size_t at = (mb->gone_at + mb->gone_n) % GONE_LOG;

	if (mb->gone_n == GONE_LOG) {
		mb->gone_from = mb->gone[mb->gone_at].modseq;
		mb->gone_at = (mb->gone_at + 1) % GONE_LOG;
		mb->gone_n--;
	}
	mem_grow(&mb->gone, &mb->gone_cap, at + 1, sizeof(*mb->gone));
	mb->gone[at] = (struct gone){ uids, modseq };
	mb->gone_n++;
}

void
history_note(struct mailbox *mb, const struct uidset *gone, uint64_t modseq)
{
	if (gone->n > GONE_LOG) {
		history_begin(mb, modseq);
		return;
	}
	for (size_t i = 0; i < gone->n; i++)
		note(mb, gone->r[i], modseq);
}

/* What a module reports: it cannot be called with the lock held. */
struct recalled {
	struct gone *gone;
	size_t n, cap;
};

static void
on_recalled(void *arg, struct pst_range uids, uint64_t modseq)
{
	struct recalled *r = arg;

	mem_grow(&r->gone, &r->cap, r->n + 1, sizeof(*r->gone));
	r->gone[r->n++] = (struct gone){ uids, modseq };
}

void
history_recall(struct mailbox *mb)
{
	const struct pst_store_ops *ops = mb->acct->st->ops;
	struct recalled r = { 0 };
	struct pst_error err;
	uint64_t from;

	if (ops->history != NULL &&
	    ops->history(mb->box, &from, on_recalled, &r, &err) == PST_OK) {
		pthread_mutex_lock(&mb->lock);
		history_begin(mb, from);
		for (size_t i = 0; i < r.n; i++)
			note(mb, r.gone[i].uids, r.gone[i].modseq);
		pthread_mutex_unlock(&mb->lock);
	}
	free(r.gone);
}

/* What was expunged above `since`. False: not known that far back. */
static bool
remembered(struct mailbox *mb, uint64_t since, struct uidset *out)
{
	bool known;

	pthread_mutex_lock(&mb->lock);
	known = mb->loaded && since >= mb->gone_from;
	for (size_t i = 0; known && i < mb->gone_n; i++) {
		size_t at = (mb->gone_at + i) % GONE_LOG;

		if (mb->gone[at].modseq > since)
			uidset_add(out, mb->gone[at].uids.first,
			    mb->gone[at].uids.last);
	}
	pthread_mutex_unlock(&mb->lock);
	return known;
}

/* Adds the uids from `first` to `last` that the view does not have. */
static void
add_missing(const struct mailbox_view *v, uint32_t first, uint32_t last,
    struct uidset *out)
{
	uint32_t seq = view_seq_from(v, first);

	for (; seq <= v->count; seq++) {
		uint32_t uid = v->uids->uid[seq - 1];

		if (uid > last)
			break;
		if (uid > first)
			uidset_add(out, first, uid - 1);
		if (uid == last)
			return;
		first = uid + 1;
	}
	uidset_add(out, first, last);
}

/* The missing ones of what both sets have below `end`. */
static void
add_common(const struct mailbox_view *v, struct pst_uids a, struct pst_uids b,
    uint32_t end, struct uidset *out)
{
	size_t i = 0, k = 0;

	while (i < a.n && k < b.n) {
		uint32_t first = a.r[i].first > b.r[k].first ? a.r[i].first
							     : b.r[k].first;
		uint32_t last = a.r[i].last < b.r[k].last ? a.r[i].last
							  : b.r[k].last;

		if (last >= end)
			last = end - 1;
		if (first <= last)
			add_missing(v, first, last, out);
		if (a.r[i].last < b.r[k].last)
			i++;
		else
			k++;
	}
}

void
view_vanished(struct mailbox_view *v, struct pst_uids known, uint64_t since,
    struct uidset *vanished_r)
{
	static const struct pst_range everything = { 1, UINT32_MAX };
	struct uidset gone = { 0 };
	struct pst_uids candidates = { &everything, 1 };
	struct pst_box_state state;

	if (v->seen != NULL) { /* what the user was told, in our numbers */
		pthread_mutex_lock(&v->mb->lock);
		since = seen_mailbox_modseq(seen_set_of(v->seen), since);
		pthread_mutex_unlock(&v->mb->lock);
	}
	view_state(v, &state);
	if (remembered(v->mb, since, &gone))
		candidates = uidset_peek(&gone);
	/* What the view still has will be told as expunged later. */
	add_common(v, known, candidates, state.uidnext, vanished_r);
	uidset_fini(&gone);
}
