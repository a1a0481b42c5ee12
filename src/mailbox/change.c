/*
 * mailbox/change.c - what sessions do to messages: flags, copy, move, expunge.
 * The module acts first; what it reports is then applied to the live mailbox,
 * which wakes all other sessions.
 */
#include "mailbox/priv.h"

#include "base/str.h"
#include <stdlib.h>

static enum pst_rc
check_open(const struct mailbox *mb, struct pst_error *err)
{
	return mb->box != NULL && !atomic_load(&mb->dead)
		   ? PST_OK
		   : pst_fail(err, PST_E_NOTFOUND, 0, "%s: deleted", mb->name);
}

static enum pst_rc
check_writable(const struct mailbox_view *v, struct pst_error *err)
{
	return !view_is_read_only(v)
		   ? PST_OK
		   : pst_fail(err, PST_E_READONLY, 0,
			 "%s: opened for reading only", v->mb->name);
}

/* --- flags
 * ----------------------------------------------------------------------------
 */

struct stored {
	struct rows changed;
	struct uidset *conflicts;
};

static void
on_stored(void *arg, const struct pst_row *row)
{
	rows_add(&((struct stored *)arg)->changed, row);
}

static void
on_conflict(void *arg, uint32_t uid)
{
	struct stored *s = arg;

	if (s->conflicts != NULL)
		uidset_add(s->conflicts, uid, uid);
}

static int
compare_silent(const void *a, const void *b)
{
	const struct silent_change *x = a, *y = b;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return x->modseq < y->modseq ? -1 : x->modseq > y->modseq;
}

static uint64_t
apply_op(enum pst_flag_op op, uint64_t before, uint64_t change)
{
	switch (op) {
	case PST_FLAGS_SET:
		break;
	case PST_FLAGS_ADD:
		return before | change;
	case PST_FLAGS_REMOVE:
		return before & ~change;
	}
	return change;
}

/* The session can work out by itself what the message looks like now: nobody
 * else changed it since it was told (RFC 3501, 6.4.6). mb->lock is held. */
static bool
is_foreseen(struct mailbox_view *v, const struct pst_flag_change *change,
    const struct pst_row *now)
{
	const struct pst_row *before = mailbox_row(v->mb, now->uid);

	return before != NULL && !view_will_tell(v, before) &&
	       now->flags ==
		   apply_op(change->op, before->flags, change->flags) &&
	       now->keywords ==
		   apply_op(change->op, before->keywords, change->keywords);
}

/* Before the changes are applied. */
static void
remember_silent(struct mailbox_view *v, const struct pst_flag_change *change,
    const struct rows *changed)
{
	size_t before = v->silent_n;
	bool sorted = true;

	mem_grow(&v->silent, &v->silent_cap, v->silent_n + changed->n,
	    sizeof(*v->silent));
	pthread_mutex_lock(&v->mb->lock);
	for (size_t i = 0; i < changed->n; i++) {
		struct silent_change one = { changed->row[i].uid,
			changed->row[i].modseq };
		size_t n = v->silent_n;
		bool foreseen;

		/* It looks among those that are sorted. */
		v->silent_n = before;
		foreseen = is_foreseen(v, change, &changed->row[i]);
		v->silent_n = n;
		if (!foreseen)
			continue;
		sorted = sorted && (n == 0 || compare_silent(
						  &one, &v->silent[n - 1]) > 0);
		v->silent[v->silent_n++] = one;
	}
	pthread_mutex_unlock(&v->mb->lock);
	if (!sorted)
		qsort(
		    v->silent, v->silent_n, sizeof(*v->silent), compare_silent);
}

enum pst_rc
change_flags(struct mailbox_view *v, struct pst_uids uids,
    const struct pst_flag_change *flags, bool silent, struct uidset *conflict_r,
    struct pst_error *err)
{
	struct mailbox *mb = v->mb;
	struct stored stored = { .conflicts = conflict_r };
	enum pst_rc rc = mb->acct->st->ops->flags(
	    mb->box, uids, flags, on_stored, on_conflict, &stored, err);

	/* Also after an error: what was reported is done. */
	if (silent)
		remember_silent(v, flags, &stored.changed);
	mailbox_apply_changed(mb, stored.changed.row, stored.changed.n);
	rows_fini(&stored.changed);
	return rc;
}

/* One's own: all flags are kept with the messages. */
static enum pst_rc
store_own(struct mailbox_view *v, struct pst_uids uids,
    const struct view_store *change, struct uidset *conflict_r,
    struct pst_error *err)
{
	struct pst_flag_change flags = { .op = change->op,
		.flags = change->flags,
		.unchanged_since = change->unchanged_since };
	enum pst_rc rc = mailbox_keyword_mask(v->mb, change->keywords,
	    change->keyword_count, &flags.keywords, err);

	return rc == PST_OK ? change_flags(v, uids, &flags, change->silent,
				  conflict_r, err)
			    : rc;
}

enum pst_rc
view_store(struct mailbox_view *v, struct pst_uids uids,
    const struct view_store *change, struct uidset *conflict_r,
    struct pst_error *err)
{
	enum pst_rc rc = check_writable(v, err);

	if (rc != PST_OK || uids.n == 0)
		return rc;
	pthread_mutex_lock(&v->mb->io);
	rc = check_open(v->mb, err);
	if (rc == PST_OK)
		rc = (v->is_shared ? store_shared : store_own)(
		    v, uids, change, conflict_r, err);
	pthread_mutex_unlock(&v->mb->io);
	return rc;
}

/* --- copy and move
 * ----------------------------------------------------------------------- */

struct transfer {
	struct view_copied *copied;
	struct rows arrived;
	struct uidset gone;
};

static void
note_copied(struct view_copied *c, uint32_t source, uint32_t copy)
{
	mem_grow(&c->copy, &c->cap, c->n + 1, sizeof(*c->copy));
	c->copy[c->n++] = copy;
	uidset_add(&c->source, source, source);
}

static void
on_copied(void *arg, uint32_t source, const struct pst_row *copy)
{
	struct transfer *t = arg;

	note_copied(t->copied, source, copy->uid);
	rows_add(&t->arrived, copy);
	uidset_add(&t->gone, source, source);
}

void
view_copied_fini(struct view_copied *c)
{
	uidset_fini(&c->source);
	free(c->copy);
	*c = (struct view_copied){ 0 };
}

static void
lock_two(struct mailbox *a, struct mailbox *b)
{
	struct mailbox *first = (uintptr_t)a < (uintptr_t)b ? a : b;

	pthread_mutex_lock(&first->io);
	if (a != b)
		pthread_mutex_lock(first == a ? &b->io : &a->io);
}

static void
unlock_two(struct mailbox *a, struct mailbox *b)
{
	pthread_mutex_unlock(&a->io);
	if (a != b)
		pthread_mutex_unlock(&b->io);
}

/* Copies content through a stage, for another storage. */
static enum pst_rc
stage_body(struct mailbox_view *v, const struct pst_row *row,
    struct mail_account *to, struct mail_stage **stage_r, struct pst_error *err)
{
	struct pst_body body;
	enum pst_rc rc = view_body(v, row->uid, &body, err);
	char piece[16384];

	*stage_r = NULL;
	if (rc != PST_OK)
		return rc;
	rc = mail_stage_new(to, body.length, stage_r, err);
	for (uint64_t at = 0; rc == PST_OK && at < body.length;) {
		size_t n = body.length - at < sizeof(piece)
			       ? (size_t)(body.length - at)
			       : sizeof(piece);

		rc = mail_body_read(&body, at, piece, n, err);
		if (rc == PST_OK)
			rc = mail_stage_write(*stage_r, piece, n, err);
		at += n;
	}
	body.release(&body);
	return rc;
}

static enum pst_rc
transfer_one(struct mailbox_view *v, const struct pst_row *row,
    const struct mail_place *to, struct view_copied *copied,
    struct pst_error *err)
{
	const char *const *names = view_keywords(v);
	const char *keywords[PST_KEYWORDS_MAX];
	struct mail_append append = { .flags = row->flags,
		.keywords = keywords,
		.internal_date = row->internal_date,
		.last = true };
	struct mail_appended result;
	enum pst_rc rc = stage_body(v, row, to->account, &append.stage, err);

	for (unsigned i = 0; i < PST_KEYWORDS_MAX; i++)
		if ((row->keywords >> i & 1) != 0 && names[i] != NULL)
			keywords[append.keyword_count++] = names[i];
	if (rc == PST_OK)
		rc = mail_append_to(to, &append, 1, &result, err);
	if (rc == PST_OK) {
		copied->uidvalidity = result.uidvalidity;
		note_copied(copied, row->uid, result.uid);
	}
	mail_stage_free(&append.stage);
	return rc;
}

/* Those that were copied, also when others could not be: `rc` says so. */
static enum pst_rc
remove_originals(struct mailbox *mb, const struct view_copied *copied,
    bool keep, enum pst_rc rc, struct pst_error *err)
{
	struct pst_error failed;
	enum pst_rc removed = mailbox_remove(
	    mb, uidset_peek(&copied->source), keep, &failed);

	if (rc != PST_OK || removed == PST_OK)
		return rc;
	*err = failed;
	return removed;
}

/* Between storages: message by message, the originals go in the end. */
static enum pst_rc
transfer_across(struct mailbox_view *v, struct pst_uids uids,
    const struct mail_place *to, bool move, struct view_copied *copied,
    struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	for (size_t i = 0; i < uids.n; i++) {
		uint32_t seq = view_seq_from(v, uids.r[i].first);

		for (; rc == PST_OK && seq <= view_count(v) &&
		       view_uid(v, seq) <= uids.r[i].last;
		     seq++) {
			struct pst_row row;

			view_rows(v, seq, 1, &row);
			if (row.uid != 0)
				rc = transfer_one(v, &row, to, copied, err);
		}
	}
	if (move && copied->n > 0)
		rc = remove_originals(v->mb, copied, false, rc, err);
	return rc;
}

/* Within one storage: the module shares the content. */
static enum pst_rc
transfer_within(struct mailbox_view *v, struct pst_uids uids,
    struct mailbox *to, const struct mail_place *place, bool move,
    struct view_copied *copied, struct pst_error *err)
{
	struct mailbox *from = v->mb;
	const struct pst_store_ops *ops;
	struct transfer t = { .copied = copied };
	struct uidset seen = { 0 };
	struct pst_box_state state = { 0 };
	enum pst_rc rc;

	lock_two(from, to);
	ops = from->acct->st->ops;
	if (from->acct->st != to->acct->st) { /* by a conversion just now */
		unlock_two(from, to);
		return transfer_across(v, uids, place, move, copied, err);
	}
	account_change_begin(from->acct);
	account_change_begin(to->acct);
	rc = check_open(from, err);
	if (rc == PST_OK)
		rc = check_open(to, err);
	if (rc == PST_OK)
		rc = (move ? ops->move : ops->copy)(
		    from->box, uids, to->box, on_copied, &t, err);
	if (t.arrived.n > 0) {
		if (ops->state(to->box, &state, err) == PST_OK)
			copied->uidvalidity = state.uidvalidity;
		mailbox_take_keywords(to);
		settle_copies(v, to, place, copied, &t.arrived, &seen);
		if (from == to) {
			mailbox_apply(to, move ? &t.gone : NULL, &t.arrived);
		} else {
			mailbox_apply(to, NULL, &t.arrived);
			if (move)
				mailbox_apply_gone(from, &t.gone);
		}
		settle_seen(to, place, &seen);
	}
	account_change_end(to->acct);
	account_change_end(from->acct);
	unlock_two(from, to);
	rows_fini(&t.arrived);
	uidset_fini(&t.gone);
	uidset_fini(&seen);
	return rc;
}

static enum pst_rc
check_room(struct mailbox_view *v, struct pst_uids uids,
    struct mail_account *to, struct pst_error *err)
{
	struct mailbox *mb = v->mb;
	uint64_t bytes = 0, messages = 0;

	pthread_mutex_lock(&mb->lock);
	for (size_t i = 0, r = 0; i < mb->n && r < uids.n; i++) {
		while (r < uids.n && uids.r[r].last < mb->row[i].uid)
			r++;
		if (r < uids.n && uids.r[r].first <= mb->row[i].uid) {
			bytes += mb->row[i].size;
			messages++;
		}
	}
	pthread_mutex_unlock(&mb->lock);
	return messages > 0 ? mail_account_room_for(to, messages, bytes, err)
			    : PST_OK;
}

enum pst_rc
check_removable(const struct mailbox_view *v, struct pst_error *err)
{
	/* RFC 6851, 4.2; RFC 8508, 4.1 */
	const unsigned need = ACL_DELETE | ACL_EXPUNGE;
	enum pst_rc rc = check_writable(v, err);

	if (rc == PST_OK && (v->rights & need) != need)
		return pst_fail(err, PST_E_DENIED, 0,
		    "%.150s: no right to remove messages", v->mb->name);
	return rc;
}

enum pst_rc
view_copy_to(struct mailbox_view *v, struct pst_uids uids,
    const struct mail_place *to, bool move, struct view_copied *copied_r,
    struct pst_error *err)
{
	bool same_account = to->account == v->mb->acct;
	/* Of an account on hold nothing goes to others for good. */
	bool keep = move && !same_account && atomic_load(&v->mb->acct->on_hold);
	struct mailbox *target;
	enum pst_rc rc = move ? check_removable(v, err) : PST_OK;

	*copied_r = (struct view_copied){ 0 };
	if (rc == PST_OK && !(move && same_account))
		rc = check_room(v, uids, to->account, err);
	if (rc != PST_OK)
		return rc;
	rc = mailbox_get(to->account, to->name,
	    to->private_seen ? MAILBOX_LOADED : MAILBOX_OPEN, &target, err);
	if (rc != PST_OK)
		return rc;
	if (uids.n > 0 && to->account->st == v->mb->acct->st)
		rc = transfer_within(
		    v, uids, target, to, move && !keep, copied_r, err);
	else if (uids.n > 0)
		rc = transfer_across(v, uids, to, move && !keep, copied_r, err);
	mailbox_put(&target);
	if (keep && copied_r->n > 0)
		rc = remove_originals(v->mb, copied_r, true, rc, err);
	return rc;
}

enum pst_rc
view_copy(struct mailbox_view *v, struct pst_uids uids,
    struct mail_account *to_acct, const char *to, bool move,
    struct view_copied *copied_r, struct pst_error *err)
{
	struct mail_place own = mail_place_own(to_acct, to);

	return view_copy_to(v, uids, &own, move, copied_r, err);
}

/* --- expunge
 * ---------------------------------------------------------------------------------
 */

static void
on_expunged(void *arg, uint32_t uid)
{
	uidset_add(arg, uid, uid);
}

static uint64_t
sum_sizes(struct mailbox *mb, const struct uidset *uids)
{
	uint64_t bytes = 0;

	pthread_mutex_lock(&mb->lock);
	for (size_t i = 0; i < uids->n; i++)
		for (size_t k = mailbox_row_from(mb, uids->r[i].first);
		     k < mb->n && mb->row[k].uid <= uids->r[i].last; k++)
			bytes += mb->row[k].size;
	pthread_mutex_unlock(&mb->lock);
	return bytes;
}

/* io is held. */
static enum pst_rc
remove_now(
    struct mailbox *mb, struct pst_uids uids, bool keep, struct pst_error *err)
{
	const struct pst_store_ops *ops = mb->acct->st->ops;
	struct uidset gone = { 0 };
	enum pst_rc rc = check_open(mb, err);
	uint64_t bytes;

	if (rc == PST_OK && uids.n > 0) {
		keep = keep && account_keeps(mb->acct);
		account_change_begin(mb->acct);
		rc = (keep ? ops->expunge_keep : ops->expunge)(
		    mb->box, uids, on_expunged, &gone, err);
		bytes = sum_sizes(mb, &gone);
		mailbox_apply_gone(mb, &gone);
		account_change_end(mb->acct);
		if (keep)
			account_stirred(mb->acct, 0, bytes);
	}
	uidset_fini(&gone);
	return rc;
}

enum pst_rc
mailbox_remove(
    struct mailbox *mb, struct pst_uids uids, bool keep, struct pst_error *err)
{
	enum pst_rc rc;

	pthread_mutex_lock(&mb->io);
	rc = remove_now(mb, uids, keep, err);
	pthread_mutex_unlock(&mb->io);
	return rc;
}

/* The messages with \Deleted, of `uids` when it is not NULL. */
static void
find_deleted(
    struct mailbox *mb, const struct pst_uids *uids, struct uidset *marked)
{
	pthread_mutex_lock(&mb->lock);
	for (size_t i = 0, r = 0; i < mb->n; i++) {
		const struct pst_row *row = &mb->row[i];

		if ((row->flags & PST_DELETED) == 0)
			continue;
		if (uids != NULL) {
			while (r < uids->n && uids->r[r].last < row->uid)
				r++;
			if (r == uids->n || uids->r[r].first > row->uid)
				continue;
		}
		uidset_add(marked, row->uid, row->uid);
	}
	pthread_mutex_unlock(&mb->lock);
}

enum pst_rc
view_expunge(
    struct mailbox_view *v, const struct pst_uids *uids, struct pst_error *err)
{
	struct mailbox *mb = v->mb;
	struct uidset marked = { 0 };
	enum pst_rc rc = check_writable(v, err);

	if (rc == PST_OK && !(v->rights & ACL_EXPUNGE))
		rc = pst_fail(err, PST_E_DENIED, 0,
		    "%.150s: no right to expunge", mb->name);
	if (rc != PST_OK)
		return rc;
	/* Found and removed without a gap: a message whose \Deleted is taken
	 * away by another session stays. */
	pthread_mutex_lock(&mb->io);
	find_deleted(mb, uids, &marked);
	rc = remove_now(mb, uidset_peek(&marked), true, err);
	pthread_mutex_unlock(&mb->io);
	uidset_fini(&marked);
	return rc;
}

enum pst_rc
view_remove(struct mailbox_view *v, struct pst_uids uids, struct pst_error *err)
{
	enum pst_rc rc = check_writable(v, err);

	return rc == PST_OK ? mailbox_remove(v->mb, uids, true, err) : rc;
}
