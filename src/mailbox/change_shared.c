/*
 * mailbox/change_shared.c - flags of messages in mailboxes of others: those
 * that the user has the right for (RFC 4314, 4), and a \Seen that may be the
 * user's own.
 */
#include "mailbox/priv.h"

#include "base/log.h"
#include <stdlib.h>

/* --- STORE -------------------------------------------------------------------
 */

/* Something that was asked for may be done (RFC 4314, 4): the rest is left out
 * without a word. */
static bool
may_store(const struct mailbox_view *v, const struct view_store *change)
{
	uint32_t may = acl_flags(v->rights);

	if (change->op == PST_FLAGS_SET)
		return may != 0;
	if (change->flags == 0 && change->keyword_count == 0)
		return true;
	return (change->flags & may) != 0 ||
	       (change->keyword_count > 0 && (v->rights & ACL_WRITE));
}

/* Those whose mod-sequence, as the user knows it, is not above `since`. */
static void
split_conflicts(struct mailbox_view *v, struct pst_uids uids, uint64_t since,
    struct uidset *good, struct uidset *conflict_r)
{
	struct mailbox *mb = v->mb;

	pthread_mutex_lock(&mb->lock);
	for (size_t i = 0, r = 0; i < mb->n && r < uids.n; i++) {
		struct pst_row row = mb->row[i];

		while (r < uids.n && uids.r[r].last < row.uid)
			r++;
		if (r == uids.n || uids.r[r].first > row.uid)
			continue;
		view_show(v, &row);
		if (row.modseq <= since)
			uidset_add(good, row.uid, row.uid);
		else if (conflict_r != NULL)
			uidset_add(conflict_r, row.uid, row.uid);
	}
	pthread_mutex_unlock(&mb->lock);
}

/* Those of `uids` that have exactly `flags` of the flags in `mask`, as they are
 * kept for all. */
static void
with_flags(struct mailbox *mb, struct pst_uids uids, uint32_t mask,
    uint32_t flags, struct uidset *out)
{
	pthread_mutex_lock(&mb->lock);
	for (size_t i = 0, r = 0; i < mb->n && r < uids.n; i++) {
		const struct pst_row *row = &mb->row[i];

		while (r < uids.n && uids.r[r].last < row->uid)
			r++;
		if (r < uids.n && uids.r[r].first <= row->uid &&
		    (row->flags & mask) == flags)
			uidset_add(out, row->uid, row->uid);
	}
	pthread_mutex_unlock(&mb->lock);
}

struct storing {
	struct mailbox_view *v;
	struct pst_uids uids;
	uint32_t may; /* flags that are kept for all and may be changed */
	bool silent;
	struct uidset *conflict;
};

static enum pst_rc
one(const struct storing *st, struct pst_uids uids,
    const struct pst_flag_change *change, struct pst_error *err)
{
	if (uids.n == 0 || (change->op != PST_FLAGS_SET && change->flags == 0 &&
			       change->keywords == 0))
		return PST_OK;
	return change_flags(st->v, uids, change, st->silent, st->conflict, err);
}

/* All flags but \Seen and \Deleted are replaced; of those two, what may not be
 * changed stays, message by message. */
static enum pst_rc
replace_most(const struct storing *st, const struct pst_flag_change *change,
    struct pst_error *err)
{
	uint32_t stay = PST_FLAGS_ALL & ~st->may;
	enum pst_rc rc = PST_OK;

	for (uint32_t flags = 0; flags <= stay && rc == PST_OK; flags++) {
		struct pst_flag_change part = *change;
		struct uidset uids = { 0 };

		if ((flags & ~stay) != 0)
			continue;
		part.flags = (change->flags & st->may) | flags;
		with_flags(st->v->mb, st->uids, stay, flags, &uids);
		rc = one(st, uidset_peek(&uids), &part, err);
		uidset_fini(&uids);
	}
	return rc;
}

/* Only \Seen or \Deleted or both may be changed. */
static enum pst_rc
replace_few(const struct storing *st, const struct pst_flag_change *change,
    struct pst_error *err)
{
	struct pst_flag_change part = *change;
	enum pst_rc rc;

	part.keywords = 0;
	part.op = PST_FLAGS_ADD;
	part.flags = change->flags & st->may;
	rc = one(st, st->uids, &part, err);
	part.op = PST_FLAGS_REMOVE;
	part.flags = st->may & ~change->flags;
	/* Its own change is no conflict. */
	part.unchanged_since = UINT64_MAX;
	return rc == PST_OK ? one(st, st->uids, &part, err) : rc;
}

static enum pst_rc
store_common(const struct storing *st, const struct view_store *change,
    uint64_t since, struct pst_error *err)
{
	struct mailbox *mb = st->v->mb;
	bool write = st->v->rights & ACL_WRITE;
	struct pst_flag_change flags = { .op = change->op,
		.flags = change->flags,
		.unchanged_since = since };
	enum pst_rc rc = PST_OK;

	if (st->may == 0)
		return PST_OK;
	if (write && change->keyword_count > 0)
		rc = mailbox_keyword_mask(mb, change->keywords,
		    change->keyword_count, &flags.keywords, err);
	if (rc != PST_OK)
		return rc;
	if (change->op == PST_FLAGS_SET)
		return write ? replace_most(st, &flags, err)
			     : replace_few(st, &flags, err);
	flags.flags &= st->may;
	return one(st, st->uids, &flags, err);
}

static enum pst_rc
store_seen(const struct storing *st, const struct view_store *change,
    struct pst_error *err)
{
	struct mailbox_view *v = st->v;
	const struct seen_set *set = seen_set_of(v->seen);
	bool on = (change->flags & PST_SEEN) && change->op != PST_FLAGS_REMOVE;
	uint64_t before;
	enum pst_rc rc;

	if (!(change->flags & PST_SEEN) && change->op != PST_FLAGS_SET)
		return PST_OK;
	pthread_mutex_lock(&v->mb->lock);
	before = seen_changes(set);
	pthread_mutex_unlock(&v->mb->lock);
	rc = seen_store(v->mb, v->seen, st->uids, on, err);
	if (rc != PST_OK || !st->silent)
		return rc;
	/* Changes under way are ours alone: io is held. */
	if (v->seen_silent_to != before || v->seen_silent_to <= v->seen_at)
		v->seen_silent_from = before;
	pthread_mutex_lock(&v->mb->lock);
	v->seen_silent_to = seen_changes(set);
	pthread_mutex_unlock(&v->mb->lock);
	return PST_OK;
}

enum pst_rc
store_shared(struct mailbox_view *v, struct pst_uids uids,
    const struct view_store *change, struct uidset *conflict_r,
    struct pst_error *err)
{
	uint64_t since = change->unchanged_since;
	struct uidset good = { 0 };
	struct storing st = { .v = v,
		.uids = uids,
		.may = acl_flags(v->rights),
		.silent = change->silent,
		.conflict = conflict_r };
	enum pst_rc rc;

	if (!may_store(v, change))
		return pst_fail(err, PST_E_DENIED, 0,
		    "%.150s: no right to change these flags", v->mb->name);
	if (since != UINT64_MAX) {
		split_conflicts(v, uids, since, &good, conflict_r);
		st.uids = uidset_peek(&good);
		if (v->seen != NULL) {
			pthread_mutex_lock(&v->mb->lock);
			since = seen_mailbox_modseq(
			    seen_set_of(v->seen), since);
			pthread_mutex_unlock(&v->mb->lock);
		}
	}
	if (v->seen != NULL)
		st.may &= ~(uint32_t)PST_SEEN;
	rc = store_common(&st, change, since, err);
	if (rc == PST_OK && v->seen != NULL && (v->rights & ACL_SEEN))
		rc = store_seen(&st, change, err);
	uidset_fini(&good);
	return rc;
}

/* --- COPY --------------------------------------------------------------------
 */

struct settling {
	struct mailbox *to;
	struct rows *arrived;
	struct uidset seen;	  /* to be private */
	struct uidset give, take; /* \Seen that is kept for all */
	struct uidset undelete, unmark;
};

static void
sort_out(struct settling *se, const struct mail_place *place,
    const struct pst_row *copy, bool seen)
{
	uint32_t may = acl_flags(place->rights), uid = copy->uid;

	if (seen && (may & PST_SEEN) && place->private_seen)
		uidset_add(&se->seen, uid, uid);
	seen = seen && (may & PST_SEEN) && !place->private_seen;
	if (seen && !(copy->flags & PST_SEEN))
		uidset_add(&se->give, uid, uid);
	if (!seen && (copy->flags & PST_SEEN))
		uidset_add(&se->take, uid, uid);
	if ((copy->flags & PST_DELETED) && !(may & PST_DELETED))
		uidset_add(&se->undelete, uid, uid);
	if (!(place->rights & ACL_WRITE) &&
	    ((copy->flags & ~(uint32_t)(PST_SEEN | PST_DELETED)) != 0 ||
		copy->keywords != 0))
		uidset_add(&se->unmark, uid, uid);
}

static void
on_settled(void *arg, const struct pst_row *row)
{
	struct rows *arrived = arg;
	size_t low = 0, high = arrived->n; /* they ascend by uid */

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (arrived->row[mid].uid < row->uid)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < arrived->n && arrived->row[low].uid == row->uid)
		arrived->row[low] = *row;
}

static void
no_conflict(void *arg, uint32_t uid)
{
	(void)arg;
	(void)uid;
}

static void
settle(struct settling *se, const struct uidset *uids, enum pst_flag_op op,
    uint32_t flags, uint64_t keywords)
{
	const struct pst_flag_change change = { .op = op,
		.flags = flags,
		.keywords = keywords,
		.unchanged_since = UINT64_MAX };
	struct pst_error err;

	if (uids->n > 0 &&
	    se->to->acct->st->ops->flags(se->to->box, uidset_peek(uids),
		&change, on_settled, no_conflict, se->arrived, &err) != PST_OK)
		log_failure(PST_LOG_WARNING, 0, "copied-flags", &err);
}

static bool
was_seen(struct mailbox_view *from, uint32_t uid, bool kept)
{
	bool seen = kept;

	pthread_mutex_lock(&from->mb->lock);
	if (from->seen != NULL)
		seen = uidset_has(&seen_set_of(from->seen)->uids, uid);
	pthread_mutex_unlock(&from->mb->lock);
	return seen;
}

/* The source of the copy at `i`: both ascend together. */
static void
sort_all(struct settling *se, struct mailbox_view *from,
    const struct mail_place *place, const struct view_copied *copied)
{
	size_t i = 0;

	for (size_t r = 0; r < copied->source.n; r++) {
		uint32_t uid = copied->source.r[r].first;

		for (; i < se->arrived->n && uid <= copied->source.r[r].last;
		     uid++, i++) {
			const struct pst_row *copy = &se->arrived->row[i];

			sort_out(se, place, copy,
			    was_seen(from, uid, copy->flags & PST_SEEN));
		}
	}
}

void
settle_copies(struct mailbox_view *from, struct mailbox *to,
    const struct mail_place *place, const struct view_copied *copied,
    struct rows *arrived, struct uidset *seen_r)
{
	const uint32_t marks = PST_FLAGS_ALL &
			       ~(uint32_t)(PST_SEEN | PST_DELETED);
	struct settling se = { .to = to, .arrived = arrived };

	if (!place->is_shared && from->seen == NULL)
		return;
	sort_all(&se, from, place, copied);
	settle(&se, &se.give, PST_FLAGS_ADD, PST_SEEN, 0);
	settle(&se, &se.take, PST_FLAGS_REMOVE, PST_SEEN, 0);
	settle(&se, &se.undelete, PST_FLAGS_REMOVE, PST_DELETED, 0);
	settle(&se, &se.unmark, PST_FLAGS_REMOVE, marks, UINT64_MAX);
	*seen_r = se.seen;
	uidset_fini(&se.give);
	uidset_fini(&se.take);
	uidset_fini(&se.undelete);
	uidset_fini(&se.unmark);
}

void
settle_seen(struct mailbox *to, const struct mail_place *place,
    const struct uidset *uids)
{
	struct seen *seen = NULL;
	struct pst_error err;
	enum pst_rc rc;

	if (uids->n == 0)
		return;
	rc = seen_get(to, place->user, &seen, &err);
	if (rc == PST_OK)
		rc = seen_store(to, seen, uidset_peek(uids), true, &err);
	seen_put(to, &seen);
	if (rc != PST_OK)
		log_failure(PST_LOG_WARNING, 0, "copied-flags", &err);
}
