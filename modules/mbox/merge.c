/*
 * merge.c - which message in the file is which that we know, after somebody
 * else changed the file. What tells it: the uid that we wrote into it together
 * with the message's ident; else the ident alone, or, for messages of other
 * programs, a hash of their content. All others are new. After a crash the list
 * is an old one: a uid of ours that it cannot know goes before the ident.
 *
 * Uids in the file are not simply believed: programs copy messages with their
 * fields from one mailbox to another, or bring back what was expunged.
 */
#include "mbox.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { NOBODY = SIZE_MAX };

/* Known messages by id. */
struct by_id {
	uint64_t id[2];
	uint32_t uid;
	size_t place;
};

struct merge {
	struct pst_box *box;
	struct mb_pass *pass;
	size_t known;	  /* messages of box->msg */
	size_t *found_of; /* by place of a known one: of which it is */
	size_t *place_of; /* by number of a found one */
	struct by_id *by_id;
	size_t by_id_n;
	uint32_t limit;	  /* uids below it may have been given */
	uint32_t highest; /* of those that are believed */
	size_t new_n;
	size_t lost_n;	 /* known ones whose uid is not in the file any more */
	uint64_t modseq; /* new, for all that is found; 0: not taken */
};

static int
compare_ids(const void *a, const void *b)
{
	const struct by_id *x = a, *y = b;

	if (x->id[0] != y->id[0])
		return x->id[0] < y->id[0] ? -1 : 1;
	if (x->id[1] != y->id[1])
		return x->id[1] < y->id[1] ? -1 : 1;
	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

static void
sort_ids(struct merge *m)
{
	const struct pst_box *b = m->box;

	m->by_id = li_resize(NULL, b->n + 1, sizeof(*m->by_id));
	for (size_t i = 0; i < b->n; i++)
		m->by_id[m->by_id_n++] = (struct by_id){
			.id = { b->msg[i].id[0], b->msg[i].id[1] },
			.uid = b->msg[i].uid,
			.place = i,
		};
	if (m->by_id_n > 1)
		qsort(m->by_id, m->by_id_n, sizeof(*m->by_id), compare_ids);
}

/* The first known one with that id that nobody is yet. */
static size_t
find_id(const struct merge *m, const uint64_t id[2])
{
	size_t low = 0, high = m->by_id_n;
	struct by_id key = { .id = { id[0], id[1] } };

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare_ids(&m->by_id[mid], &key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < m->by_id_n && m->by_id[low].id[0] == id[0] &&
	       m->by_id[low].id[1] == id[1];
	     low++)
		if (m->found_of[m->by_id[low].place] == NOBODY)
			return m->by_id[low].place;
	return NOBODY;
}

/* This mailbox gave it the uid that its field tells. */
static bool
is_ours(const struct merge *m, const struct mb_found *f)
{
	return f->msg.uid != 0 && f->tag[0] != '\0' &&
	       strcmp(f->tag, m->box->tag) == 0;
}

static void
match(struct merge *m, size_t i, size_t place)
{
	m->place_of[i] = place;
	m->found_of[place] = i;
}

/* A uid that is believed although nobody knows the message. */
static bool
is_believed(const struct merge *m, const struct mb_found *f)
{
	const struct pst_box *b = m->box;

	/* It came since the list was made, before a crash. */
	if (is_ours(m, f))
		return f->msg.uid >= b->scanned_uidnext &&
		       f->msg.uid < m->limit;
	/* The first look at a mailbox of another server. */
	return b->is_foreign_base && !f->has_own && f->msg.uid > m->highest &&
	       f->msg.uid < m->limit;
}

/* Found message `i` is the one that its field tells. */
static bool
identify_by_uid(struct merge *m, size_t i)
{
	struct mb_found *f = &m->pass->found[i];
	const struct pst_box *b = m->box;
	size_t place;

	if (!is_ours(m, f))
		return false;
	place = mb_box_find(b, f->msg.uid);
	if (place == b->n || b->msg[place].uid != f->msg.uid ||
	    b->msg[place].id[0] != f->msg.id[0] ||
	    b->msg[place].id[1] != f->msg.id[1] || m->found_of[place] != NOBODY)
		return false;
	match(m, i, place);
	f->msg.form |= MB_RECORDED;
	return true;
}

/* It is one whose field somebody took away, or changed. */
static bool
identify_by_id(struct merge *m, size_t i)
{
	struct mb_found *f = &m->pass->found[i];
	size_t place = find_id(m, f->msg.id);

	if (place == NOBODY)
		return false;
	match(m, i, place);
	f->msg.uid = m->box->msg[place].uid;
	m->lost_n += (m->box->msg[place].form & MB_RECORDED) != 0;
	return true;
}

/*
 * We gave it the uid of its field after the one of any known message that has
 * the same id and nobody is: it keeps it. So it is after a crash with a message
 * that was moved away and back since the list was made.
 */
static bool
is_later(const struct merge *m, const struct mb_found *f)
{
	size_t place;

	if (!is_ours(m, f) || !is_believed(m, f))
		return false;
	place = find_id(m, f->msg.id);
	return place == NOBODY || m->box->msg[place].uid < f->msg.uid;
}

static enum pst_rc
take_modseq(struct merge *m, struct pst_error *err)
{
	if (m->modseq != 0)
		return PST_OK;
	return li_mailstate_next_modseq(&m->box->folder->base, &m->modseq, err);
}

static int
compare_uids(const void *a, const void *b)
{
	const struct mb_found *const *x = a, *const *y = b;

	return (*x)->msg.uid < (*y)->msg.uid ? -1
					     : (*x)->msg.uid > (*y)->msg.uid;
}

/*
 * Those that nobody knows: a uid that is believed once, else a new one. Two
 * messages may tell the same uid; the first one in the file has it.
 */
static enum pst_rc
sort_out(struct merge *m, struct pst_error *err)
{
	struct mb_pass *pass = m->pass;
	struct mb_found **list = li_resize(NULL, pass->n + 1, sizeof(*list));
	struct mb_folder *f = m->box->folder;
	size_t n = 0;

	/* Who is known for sure, first: of equal ids none is taken from it. */
	for (size_t i = 0; i < pass->n; i++)
		(void)identify_by_uid(m, i);
	for (size_t i = 0; i < pass->n; i++) {
		struct mb_found *found = &pass->found[i];

		if (m->place_of[i] != NOBODY ||
		    (!is_later(m, found) && identify_by_id(m, i)))
			continue;
		if (!is_believed(m, found)) {
			found->msg.uid = 0;
			m->new_n++;
			continue;
		}
		if (is_ours(m, found))
			found->msg.form |= MB_RECORDED;
		if (found->msg.uid > m->highest)
			m->highest = found->msg.uid;
		list[n++] = found;
	}
	/* The order in the file decides between equal ones. */
	if (n > 1)
		qsort(list, n, sizeof(*list), compare_uids);
	for (size_t i = 1, first = 0; i < n; i++) {
		struct mb_found *loser = list[i];

		if (loser->msg.uid != list[first]->msg.uid) {
			first = i;
			continue;
		}
		if (loser->msg.offset < list[first]->msg.offset) {
			loser = list[first];
			list[first] = list[i];
		}
		loser->is_twin = true;
	}
	for (size_t i = 0; i < n; i++)
		if (list[i]->is_twin) {
			list[i]->msg.uid = 0;
			list[i]->msg.form &= (uint8_t)~MB_RECORDED;
			m->new_n++;
		}
	free(list);
	(void)pthread_mutex_lock(&f->base.lock);
	if (m->highest >= f->base.state.uidnext) {
		f->base.state.uidnext = m->highest + 1;
		if (f->base.uid_floor < f->base.state.uidnext)
			f->base.uid_floor = f->base.state.uidnext;
	}
	(void)pthread_mutex_unlock(&f->base.lock);
	if (m->new_n > UINT32_MAX / 2)
		return pst_fail(err, PST_E_LIMIT, 0, "too many messages");
	return PST_OK;
}

/* A field that tells another uid of this mailbox is put right where it stands,
 * so that the message is not taken for another one later. */
static void
record_in_place(struct pst_box *b, struct mb_found *f)
{
	char text[11];
	int n = snprintf(
	    text, sizeof(text), "%-10lu", (unsigned long)f->msg.uid);

	if (f->msg.fixed == 0 || strcmp(f->tag, b->tag) != 0)
		return;
	mb_box_outdate(b);
	if (pwrite(b->fd, text, (size_t)n,
		(off_t)(f->msg.offset + f->msg.fixed + strlen("X-UID: "))) ==
	    (ssize_t)n)
		f->msg.form |= MB_RECORDED;
}

/* A known one that only the index would tell the uid of. */
static bool
is_lost(const struct merge *m, size_t i)
{
	return m->place_of[i] != NOBODY &&
	       !(m->pass->found[i].msg.form & MB_RECORDED) &&
	       (m->box->msg[m->place_of[i]].form & MB_RECORDED);
}

/* Uids for the new ones, on the disk before anybody hears of them. */
static enum pst_rc
number_new(struct merge *m, struct pst_error *err)
{
	struct pst_box *b = m->box;
	int64_t now = mb_now(b->acct->store);
	struct mb_uid *uid;
	bool is_written = false;
	enum pst_rc rc;
	size_t n = 0;
	uint32_t next;
	int e = 0;

	rc = li_mailstate_reserve(
	    &b->folder->base, (uint32_t)m->new_n, &next, NULL, err);
	if (rc != PST_OK)
		return rc;
	uid = li_alloc((m->pass->n + 1) * sizeof(*uid));
	for (size_t i = 0; i < m->pass->n; i++) {
		struct mb_found *f = &m->pass->found[i];
		bool lost = is_lost(m, i); /* or has none yet */

		if (!lost &&
		    (m->place_of[i] != NOBODY || (f->msg.form & MB_RECORDED)))
			continue;
		if (f->msg.uid == 0) {
			f->msg.uid = next++;
			f->msg.save_date = now;
			lost = true;
		}
		if (lost) {
			record_in_place(b, f);
			is_written |= f->msg.form & MB_RECORDED;
		}
		if (m->place_of[i] != NOBODY && !(f->msg.form & MB_RECORDED))
			f->msg.save_date = b->msg[m->place_of[i]].save_date;
		if (!(f->msg.form & MB_RECORDED))
			uid[n++] = (struct mb_uid){ .uid = f->msg.uid,
				.id = { f->msg.id[0], f->msg.id[1] },
				.save_date = f->msg.save_date };
	}
	if (n > 0)
		e = mb_uids_add(b, uid, n);
	if (e == 0 && is_written)
		e = mb_sync_data(b->acct->store, b->fd);
	free(uid);
	return e ? mb_fail_io(err, e, b, "note the uids of") : PST_OK;
}

/* A known message as the file has it now. */
static enum pst_rc
take_known(struct merge *m, const struct mb_msg *known, struct mb_msg *now,
    struct pst_error *err)
{
	struct pst_box *b = m->box;
	enum pst_rc rc = PST_OK;

	now->modseq = known->modseq;
	now->pending = known->pending;
	if (known->length > 0)
		now->internal_date = known->internal_date;
	if (now->save_date == 0 || !(now->form & MB_RECORDED))
		now->save_date = known->save_date;
	if (known->length == 0 ||
	    (known->flags == now->flags && known->keywords == now->keywords))
		return PST_OK;
	rc = take_modseq(m, err);
	now->modseq = m->modseq;
	if (b->is_loaded && !(now->pending & MB_PEND_NEW)) {
		now->pending |= MB_PEND_CHANGED;
		b->is_pending = true;
	}
	return rc;
}

static int
compare_msgs(const void *a, const void *b)
{
	const struct mb_msg *x = a, *y = b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

/* Known ones that nobody is, are gone. */
static enum pst_rc
note_gone(struct merge *m, struct pst_error *err)
{
	struct pst_box *b = m->box;
	enum pst_rc rc = PST_OK;

	for (size_t i = 0; i < m->known && rc == PST_OK; i++) {
		if (m->found_of[i] != NOBODY)
			continue;
		if (b->msg[i].length == 0)
			continue; /* only its uid was known */
		rc = take_modseq(m, err);
		if (b->has_history)
			li_history_note(&b->history, b->msg[i].uid, m->modseq);
		if (!(b->msg[i].pending & MB_PEND_NEW))
			mb_box_gone(b, b->msg[i].uid);
	}
	return rc;
}

/* The list as it is now. `keep`: known ones that were not looked at stay. */
static enum pst_rc
make_list(struct merge *m, bool keep, bool without_new, struct pst_error *err)
{
	struct pst_box *b = m->box;
	size_t n = keep ? b->n : 0, cap = n + m->pass->n + 1;
	struct mb_msg *list = li_resize(NULL, cap, sizeof(*list));
	enum pst_rc rc = PST_OK;
	bool sorted = true;
	size_t unrecorded = 0;

	if (keep)
		memcpy(list, b->msg, n * sizeof(*list));
	for (size_t i = 0; i < m->pass->n && rc == PST_OK; i++) {
		struct mb_msg *now = &m->pass->found[i].msg;

		if (m->place_of[i] != NOBODY) {
			rc = take_known(m, &b->msg[m->place_of[i]], now, err);
		} else {
			if (without_new && !(now->form & MB_RECORDED))
				continue;
			rc = take_modseq(m, err);
			now->modseq = m->modseq;
			now->pending = b->is_loaded ? MB_PEND_NEW : 0;
			b->is_pending |= b->is_loaded;
		}
		sorted = sorted && (n == 0 || list[n - 1].uid < now->uid);
		list[n++] = *now;
	}
	if (rc == PST_OK && !keep)
		rc = note_gone(m, err);
	if (rc != PST_OK) {
		free(list);
		return rc;
	}
	if (!sorted)
		qsort(list, n, sizeof(*list), compare_msgs);
	for (size_t i = 0; i < n; i++)
		unrecorded += !(list[i].form & MB_RECORDED);
	(void)pthread_mutex_lock(&b->lock);
	free(b->msg);
	b->msg = list;
	b->n = n;
	b->cap = cap;
	b->unrecorded = unrecorded;
	(void)pthread_mutex_unlock(&b->lock);
	return PST_OK;
}

enum pst_rc
mb_merge(struct pst_box *b, struct mb_pass *pass, bool is_tail,
    struct pst_error *err)
{
	struct mb_folder *f = b->folder;
	struct merge m = { .box = b, .pass = pass, .known = b->n };
	enum pst_rc rc;
	bool without_new = false;

	(void)pthread_mutex_lock(&f->base.lock);
	m.limit = f->base.uid_floor > f->base.state.uidnext
		      ? f->base.uid_floor
		      : f->base.state.uidnext;
	(void)pthread_mutex_unlock(&f->base.lock);
	m.found_of = li_resize(NULL, b->n + 1, sizeof(*m.found_of));
	m.place_of = li_resize(NULL, pass->n + 1, sizeof(*m.place_of));
	for (size_t i = 0; i < b->n; i++)
		m.found_of[i] = is_tail ? 0 : NOBODY;
	for (size_t i = 0; i < pass->n; i++)
		m.place_of[i] = NOBODY;
	if (!is_tail)
		sort_ids(&m);
	rc = sort_out(&m, err);
	if (rc == PST_OK &&
	    (m.new_n > 0 || m.lost_n > 0 || b->is_foreign_base)) {
		rc = number_new(&m, err);
		/* They get their uids when there is room; what has one can be
		 * read meanwhile. */
		without_new = rc == PST_E_NOSPACE;
		b->must_scan |= without_new;
	}
	if (rc == PST_OK || without_new)
		rc = make_list(&m, is_tail, without_new, err);
	if (rc == PST_OK) {
		b->is_foreign_base = false;
		(void)pthread_mutex_lock(&f->base.lock);
		b->scanned_uidnext = f->base.state.uidnext;
		(void)pthread_mutex_unlock(&f->base.lock);
		if (!is_tail) {
			b->begin = pass->begin;
			b->base_at = pass->base_at;
		}
	}
	free(m.found_of);
	free(m.place_of);
	free(m.by_id);
	return rc;
}
