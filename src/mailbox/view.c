/*
 * mailbox/view.c - what one session knows of a mailbox.
 *
 * A view is a reference to an array of uids and a count. While the view is in
 * step with the live mailbox both use the same array, so a thousand idle
 * sessions on one mailbox share it. Only a view that must go on showing
 * expunged messages and gets new ones meanwhile needs an array of its own.
 */
#include "mailbox/priv.h"

#include "base/log.h"
#include "base/str.h"
#include <stdlib.h>

/* --- opening and closing
 * ---------------------------------------------------------- */

/* Messages from here on are new to everybody: they are \Recent in this view,
 * and claimed unless it is read-only. mb->lock is held. */
static void
take_recent(struct mailbox_view *v, uint32_t above)
{
	struct mailbox *mb = v->mb;
	uint32_t first = mb->recent_first > above ? mb->recent_first : above;

	for (uint32_t seq = view_seq_from(v, first); seq <= v->count; seq++) {
		uint32_t uid = v->uids->uid[seq - 1];

		uidset_add(&v->recent, uid, uid);
	}
	if (v->claims && mb->recent_first < mb->state.uidnext)
		mb->recent_first = mb->state.uidnext;
}

/* Everything private is told. mb->lock is held. */
static void
seen_in_step(struct mailbox_view *v)
{
	const struct seen_set *set;

	if (v->seen == NULL)
		return;
	set = seen_set_of(v->seen);
	v->seen_at = seen_changes(set);
	v->seen_silent_from = v->seen_silent_to = 0;
	v->told_modseq = seen_told(set, v->safe_modseq);
}

/* With io held: neither may the last view that goes take the watch away in
 * between, nor may a message come that the module was not told of. */
static void
attach(struct mailbox_view *v)
{
	struct mailbox *mb = v->mb;

	pthread_mutex_lock(&mb->lock);
	if (v->claims)
		mb->recent_claimed = mb->state.uidnext;
	v->next = mb->views;
	mb->views = v;
	v->uids = uid_array_ref(mb->uids);
	v->count = (uint32_t)mb->n;
	v->changes = mb->changes;
	v->modseq = v->safe_modseq = mb->state.highestmodseq;
	seen_in_step(v);
	v->keywords = keyword_table_ref(mb->keywords);
	take_recent(v, 0);
	pthread_mutex_unlock(&mb->lock);
}

/* Tells the module that all messages are shown now, unless it knows. A session
 * whose client asks for nothing but \Recent is not refused for its sake. */
static void
claim(struct mailbox *mb)
{
	struct pst_error err;
	uint32_t first;
	bool due;

	pthread_mutex_lock(&mb->lock);
	due = mb->recent_claimed < mb->state.uidnext;
	pthread_mutex_unlock(&mb->lock);
	if (due &&
	    mb->acct->st->ops->recent(mb->box, true, &first, &err) != PST_OK)
		log_failure(PST_LOG_WARNING, 0, "recent", &err);
}

enum pst_rc
view_open(struct mail_account *acct, const char *name, bool read_only,
    const struct net_handle *wake, struct mailbox_view **view_r,
    struct pst_error *err)
{
	struct mail_place own = mail_place_own(acct, name);

	return view_open_at(&own, read_only, wake, view_r, err);
}

/* Before it is attached; io is held. */
static enum pst_rc
take_place(struct mailbox_view *v, const struct mail_place *place,
    struct pst_error *err)
{
	v->rights = place->rights;
	if (!place->is_shared)
		return PST_OK;
	v->is_shared = true;
	v->rights_at = place->rights_at;
	v->prefix = mail_place_prefix(place);
	return place->private_seen ? seen_get(v->mb, place->user, &v->seen, err)
				   : PST_OK;
}

static void
view_free(struct mailbox_view *v)
{
	uid_array_drop(&v->uids);
	keyword_table_drop(&v->keywords);
	uidset_fini(&v->recent);
	free(v->silent);
	free(v->prefix);
	free(v->shown);
	free(v);
}

enum pst_rc
view_open_at(const struct mail_place *place, bool read_only,
    const struct net_handle *wake, struct mailbox_view **view_r,
    struct pst_error *err)
{
	const char *name = place->name;
	bool claims;
	struct mailbox_view *v;
	struct mailbox *mb;
	enum pst_rc rc = mailbox_get(
	    place->account, name, MAILBOX_LOADED, &mb, err);

	*view_r = NULL;
	claims = !read_only && (place->rights & ACL_CHANGES) &&
		 (!place->is_shared || place->is_public);
	if (rc != PST_OK)
		return rc;
	pthread_mutex_lock(&mb->io);
	if (mb->box == NULL)
		rc = pst_fail(err, PST_E_NOTFOUND, 0, "%s: deleted", name);
	if (rc == PST_OK && !mb->watched)
		mailbox_watch(mb);
	/* After the watch has begun, so that nothing falls in between. */
	if (rc == PST_OK)
		rc = mailbox_refresh(mb, err);
	if (rc == PST_OK && claims)
		claim(mb);
	if (rc == PST_OK) {
		v = mem_alloc(sizeof(*v));
		v->mb = mb;
		v->read_only = read_only;
		v->claims = claims;
		v->has_wake = wake != NULL;
		if (wake != NULL)
			v->wake = *wake;
		rc = take_place(v, place, err);
		if (rc == PST_OK)
			attach(v);
		else
			view_free(v);
		*view_r = rc == PST_OK ? v : NULL;
		if (rc == PST_OK)
			fulltext_stir(mb);
	}
	pthread_mutex_unlock(&mb->io);
	if (rc != PST_OK)
		mailbox_put(&mb);
	return rc;
}

/* Without a watcher others' changes are looked for when somebody opens it
 * again. */
void
mailbox_unwatch(struct mailbox *mb)
{
	bool last;

	pthread_mutex_lock(&mb->io);
	pthread_mutex_lock(&mb->lock);
	last = mb->views == NULL && mb->pins == 0 && mb->watched &&
	       mb->box != NULL;
	if (last)
		mb->watched = false;
	pthread_mutex_unlock(&mb->lock);
	if (last)
		mb->acct->st->ops->unwatch(mb->box);
	pthread_mutex_unlock(&mb->io);
}

void
view_allow_changes(struct mailbox_view *v)
{
	v->read_only = false;
}

void
view_close(struct mailbox_view **vp)
{
	struct mailbox_view *v = *vp, **at;
	struct mailbox *mb;
	bool last;

	*vp = NULL;
	if (v == NULL)
		return;
	mb = v->mb;
	pthread_mutex_lock(&mb->lock);
	for (at = &mb->views; *at != v; at = &(*at)->next)
		;
	*at = v->next;
	last = mb->views == NULL;
	pthread_mutex_unlock(&mb->lock);
	if (last)
		mailbox_unwatch(mb);
	seen_put(mb, &v->seen);
	view_free(v);
	mailbox_put(&mb);
}

/* --- quick looks
 * --------------------------------------------------------------------- */

bool
view_is_read_only(const struct mailbox_view *v)
{
	/* RFC 4314, 5.2; a \Seen of one's own can be changed all the same. */
	return v->read_only || !(v->rights & ACL_CHANGES);
}

bool
view_is_dead(const struct mailbox_view *v)
{
	return atomic_load(&v->mb->dead);
}

/* As the session names it, which for others' mailboxes is longer. */
const char *
view_name(struct mailbox_view *v)
{
	const char *name = v->mb->name;
	size_t n;

	if (!v->is_shared)
		return name;
	n = strlen(v->prefix);
	if (v->shown == NULL || strcmp(v->shown + n, name) != 0) {
		size_t size = n + strlen(name) + 1;

		free(v->shown);
		v->shown = mem_alloc(size);
		(void)snprintf(v->shown, size, "%s%s", v->prefix, name);
	}
	return v->shown;
}

unsigned
view_rights(const struct mailbox_view *v)
{
	return v->rights;
}

bool
view_has_own_seen(const struct mailbox_view *v)
{
	return v->seen != NULL;
}

bool
view_rights_stale(const struct mailbox_view *v)
{
	return v->is_shared &&
	       v->rights_at != atomic_load(&v->mb->acct->acl_changes);
}

bool
view_check_rights(
    struct mailbox_view *v, const struct mail_user *u, bool *changed_r)
{
	struct mail_place place;
	struct pst_error err;
	unsigned before = v->rights;

	*changed_r = false;
	if (!view_rights_stale(v))
		return true;
	if (mail_place_find(u, view_name(v), ACL_READ, &place, &err) != PST_OK)
		return err.rc != PST_E_NOTFOUND && err.rc != PST_E_DENIED;
	v->rights = place.rights;
	v->rights_at = place.rights_at;
	mail_place_fini(&place);
	*changed_r = v->rights != before;
	return true;
}

struct mail_account *
view_account(const struct mailbox_view *v)
{
	return v->mb->acct;
}

uint32_t
view_count(const struct mailbox_view *v)
{
	return v->count;
}

uint32_t
view_recent(const struct mailbox_view *v)
{
	return (uint32_t)uidset_count(&v->recent);
}

bool
view_is_recent(const struct mailbox_view *v, uint32_t uid)
{
	return uidset_has(&v->recent, uid);
}

uint32_t
view_uid(const struct mailbox_view *v, uint32_t seq)
{
	return seq > 0 && seq <= v->count ? v->uids->uid[seq - 1] : 0;
}

uint32_t
view_seq_from(const struct mailbox_view *v, uint32_t uid)
{
	uint32_t low = 0, high = v->count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (v->uids->uid[mid] < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low + 1;
}

uint32_t
view_seq(const struct mailbox_view *v, uint32_t uid)
{
	uint32_t seq = view_seq_from(v, uid);

	return seq <= v->count && v->uids->uid[seq - 1] == uid ? seq : 0;
}

void
view_state(struct mailbox_view *v, struct pst_box_state *state_r)
{
	pthread_mutex_lock(&v->mb->lock);
	*state_r = v->mb->state;
	if (v->seen != NULL)
		state_r->highestmodseq = seen_highest(
		    seen_set_of(v->seen), state_r->highestmodseq);
	pthread_mutex_unlock(&v->mb->lock);
}

uint64_t
view_modseq(const struct mailbox_view *v)
{
	return v->seen != NULL ? v->told_modseq : v->safe_modseq;
}

bool
view_keeps_expunges(const struct mailbox_view *v)
{
	return v->safe_modseq < v->modseq;
}

/* The row of the message with that number; NULL when it is expunged. While the
 * arrays are the same, so are the indices. mb->lock is held. */
static struct pst_row *
row_of(struct mailbox_view *v, uint32_t seq)
{
	struct mailbox *mb = v->mb;

	if (v->uids == mb->uids)
		return seq <= mb->n ? &mb->row[seq - 1] : NULL;
	return mailbox_row(mb, v->uids->uid[seq - 1]);
}

void
view_show(const struct mailbox_view *v, struct pst_row *row)
{
	const struct seen_set *set;

	if (v->seen == NULL)
		return;
	set = seen_set_of(v->seen);
	row->flags &= ~(uint32_t)PST_SEEN;
	if (uidset_has(&set->uids, row->uid))
		row->flags |= PST_SEEN;
	row->modseq = seen_row_modseq(set, row->uid, row->modseq);
}

uint32_t
view_first_unseen(struct mailbox_view *v)
{
	uint32_t found = 0;

	pthread_mutex_lock(&v->mb->lock);
	for (uint32_t seq = 1; seq <= v->count && found == 0; seq++) {
		const struct pst_row *row = row_of(v, seq);
		struct pst_row shown;

		if (row == NULL)
			continue;
		shown = *row;
		view_show(v, &shown);
		if ((shown.flags & PST_SEEN) == 0)
			found = seq;
	}
	pthread_mutex_unlock(&v->mb->lock);
	return found;
}

void
view_rows(
    struct mailbox_view *v, uint32_t seq, size_t n, struct pst_row *rows_r)
{
	pthread_mutex_lock(&v->mb->lock);
	for (size_t i = 0; i < n; i++) {
		const struct pst_row *row = NULL;

		if (seq + i >= 1 && seq + i <= v->count)
			row = row_of(v, seq + (uint32_t)i);
		rows_r[i] = row != NULL ? *row : (struct pst_row){ 0 };
		if (row != NULL)
			view_show(v, &rows_r[i]);
	}
	pthread_mutex_unlock(&v->mb->lock);
}

void
view_rows_of(struct mailbox_view *v, const uint32_t *seq, size_t n,
    struct pst_row *rows_r)
{
	pthread_mutex_lock(&v->mb->lock);
	for (size_t i = 0; i < n; i++) {
		const struct pst_row *row = NULL;

		if (seq[i] >= 1 && seq[i] <= v->count)
			row = row_of(v, seq[i]);
		rows_r[i] = row != NULL ? *row : (struct pst_row){ 0 };
		if (row != NULL)
			view_show(v, &rows_r[i]);
	}
	pthread_mutex_unlock(&v->mb->lock);
}

uint32_t
view_next_changed(struct mailbox_view *v, uint32_t seq, uint64_t since)
{
	struct mailbox *mb = v->mb;
	const struct seen_set *seen = NULL;
	uint32_t found = 0;
	uint64_t highest;

	pthread_mutex_lock(&mb->lock);
	highest = mb->state.highestmodseq;
	if (v->seen != NULL) {
		seen = seen_set_of(v->seen);
		highest = seen_highest(seen, highest);
	}
	for (; highest > since && seq <= v->count && found == 0; seq++) {
		const struct pst_row *row = row_of(v, seq);
		uint64_t modseq = row != NULL ? row->modseq : UINT64_MAX;

		if (seen != NULL && row != NULL)
			modseq = seen_row_modseq(seen, row->uid, modseq);
		if (modseq > since)
			found = seq;
	}
	pthread_mutex_unlock(&mb->lock);
	return found;
}

const char *const *
view_keywords(struct mailbox_view *v)
{
	static const char *const none[PST_KEYWORDS_MAX];

	/* Rows are read live, so names must be too. */
	pthread_mutex_lock(&v->mb->lock);
	if (v->keywords != v->mb->keywords) {
		keyword_table_drop(&v->keywords);
		v->keywords = keyword_table_ref(v->mb->keywords);
		v->keywords_new = true;
	}
	pthread_mutex_unlock(&v->mb->lock);
	return v->keywords != NULL ? v->keywords->name : none;
}

bool
view_keywords_full(struct mailbox_view *v)
{
	bool full;

	pthread_mutex_lock(&v->mb->lock);
	full = v->mb->keywords != NULL &&
	       v->mb->keywords->n >= PST_KEYWORDS_MAX;
	pthread_mutex_unlock(&v->mb->lock);
	return full;
}

/* --- catching up
 * ----------------------------------------------------------------------- */

/* What happened, gathered under the lock and told without it. */
struct news {
	uint32_t *expunged; /* uids, ascending */
	uint32_t *expunged_seq;
	size_t expunged_n, expunged_cap;
	struct rows changed;
	uint32_t *changed_seq;
	size_t changed_cap;
	bool keywords, exists;
};

static void
note_expunged(struct news *news, uint32_t seq, uint32_t uid)
{
	size_t cap = news->expunged_cap;

	mem_grow(&news->expunged, &cap, news->expunged_n + 1, sizeof(uint32_t));
	mem_grow(&news->expunged_seq, &news->expunged_cap, news->expunged_n + 1,
	    sizeof(uint32_t));
	news->expunged[news->expunged_n] = uid;
	news->expunged_seq[news->expunged_n++] = seq;
}

/* Takes over the live array: what it lacks was expunged. */
static void
step_with_expunges(struct mailbox_view *v, struct news *news)
{
	struct mailbox *mb = v->mb;
	size_t live = 0;

	if (v->uids != mb->uids) {
		uint32_t gone = 0;

		for (uint32_t i = 0; i < v->count; i++) {
			uint32_t uid = v->uids->uid[i];

			while (live < mb->n && mb->uids->uid[live] < uid)
				live++;
			if (live < mb->n && mb->uids->uid[live] == uid)
				continue;
			note_expunged(news, i + 1 - gone, uid);
			uidset_remove(&v->recent, uid, uid);
			gone++;
		}
		uid_array_drop(&v->uids);
		v->uids = uid_array_ref(mb->uids);
	}
	v->count = (uint32_t)mb->n;
}

/* Only adds new messages behind those that are known. True: some of these are
 * expunged, which is kept back. */
static bool
step_without_expunges(struct mailbox_view *v, uint32_t last)
{
	struct mailbox *mb = v->mb;
	struct uid_array *own;
	size_t from, more;
	bool keeps;

	if (v->uids == mb->uids) {
		v->count = (uint32_t)mb->n;
		return false;
	}
	for (from = mb->n; from > 0 && mb->uids->uid[from - 1] > last; from--)
		;
	keeps = from != v->count;
	more = mb->n - from;
	if (more == 0)
		return keeps;
	own = uid_array_new(v->count + more);
	if (v->count > 0)
		memcpy(own->uid, v->uids->uid, v->count * sizeof(own->uid[0]));
	memcpy(own->uid + v->count, mb->uids->uid + from,
	    more * sizeof(own->uid[0]));
	uid_array_drop(&v->uids);
	v->uids = own;
	v->count += (uint32_t)more;
	return keeps;
}

static bool
was_silent(const struct mailbox_view *v, const struct pst_row *row)
{
	size_t low = 0, high = v->silent_n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (v->silent[mid].uid < row->uid)
			low = mid + 1;
		else
			high = mid;
	}
	/* The last entry of a uid is its latest change. */
	while (low + 1 < v->silent_n && v->silent[low + 1].uid == row->uid)
		low++;
	return low < v->silent_n && v->silent[low].uid == row->uid &&
	       v->silent[low].modseq == row->modseq;
}

static void
note_row(struct mailbox_view *v, const struct pst_row *row, uint32_t last,
    struct news *news)
{
	struct pst_row shown = *row;
	uint32_t seq;

	if (row->uid > last)
		return;
	seq = view_seq(v, row->uid);
	if (seq == 0)
		return;
	mem_grow(&news->changed_seq, &news->changed_cap, news->changed.n + 1,
	    sizeof(uint32_t));
	news->changed_seq[news->changed.n] = seq;
	view_show(v, &shown);
	rows_add(&news->changed, &shown);
}

static void
note_changed(struct mailbox_view *v, const struct pst_row *row, uint32_t last,
    struct news *news)
{
	if (!was_silent(v, row))
		note_row(v, row, last, news);
}

static void
note_range(struct mailbox_view *v, struct pst_range uids, uint32_t last,
    struct news *news)
{
	uint32_t seq = view_seq_from(v, uids.first);

	for (; seq <= v->count && v->uids->uid[seq - 1] <= uids.last; seq++) {
		const struct pst_row *row = row_of(v, seq);

		if (row != NULL)
			note_row(v, row, last, news);
	}
}

/* What sessions of this user did to their own \Seen. */
static void
find_seen(struct mailbox_view *v, uint32_t last, struct news *news)
{
	static const struct pst_range all = { 1, UINT32_MAX };
	const struct seen_set *set;

	if (v->seen == NULL)
		return;
	set = seen_set_of(v->seen);
	if (v->seen_at < set->base) /* it does not reach back */
		note_range(v, all, last, news);
	for (size_t i = 0; i < set->n && v->seen_at >= set->base; i++) {
		uint64_t number = set->base + i + 1;

		if (number > v->seen_at && (number <= v->seen_silent_from ||
					       number > v->seen_silent_to))
			note_range(v, set->log[i].uids, last, news);
	}
	seen_in_step(v);
}

/* When the log does not reach back: rows from this modseq on may have changed.
 * Too much when changes were found late, but never too little. */
static uint64_t
changed_from(const struct mailbox_view *v)
{
	const struct mailbox *mb = v->mb;
	uint64_t from = v->modseq + 1;

	return mb->late > v->changes && mb->late_modseq < from ? mb->late_modseq
							       : from;
}

static void
find_changed_rows(struct mailbox_view *v, uint32_t last, struct news *news)
{
	const struct mailbox *mb = v->mb;
	uint64_t from = changed_from(v);

	for (size_t i = 0; i < mb->n; i++)
		if (mb->row[i].modseq >= from)
			note_changed(v, &mb->row[i], last, news);
}

bool
view_will_tell(const struct mailbox_view *v, const struct pst_row *row)
{
	const struct mailbox *mb = v->mb;

	if (v->changes == mb->changes || was_silent(v, row))
		return false;
	if (v->changes < mb->log_from)
		return row->modseq >= changed_from(v);
	for (size_t i = 0; i < mb->log_n; i++) {
		size_t at = (mb->log_at + i) % CHANGE_LOG;

		if (mb->log[at].change > v->changes &&
		    mb->log[at].uid == row->uid &&
		    mb->log[at].modseq == row->modseq)
			return true;
	}
	return false;
}

static void
find_changed(struct mailbox_view *v, uint32_t last, struct news *news)
{
	struct mailbox *mb = v->mb;

	if (v->changes == mb->changes) {
		v->modseq = mb->state.highestmodseq;
		return;
	}
	if (v->changes >= mb->log_from) {
		for (size_t i = 0; i < mb->log_n; i++) {
			size_t at = (mb->log_at + i) % CHANGE_LOG;
			const struct pst_row *row;

			if (mb->log[at].change <= v->changes)
				continue;
			row = mailbox_row(mb, mb->log[at].uid);
			/* An older change of it: the newer is in the log. */
			if (row != NULL && row->modseq == mb->log[at].modseq)
				note_changed(v, row, last, news);
		}
	} else {
		find_changed_rows(v, last, news);
	}
	v->modseq = mb->state.highestmodseq;
	v->changes = mb->changes;
	v->silent_n = 0;
}

static void
tell(struct mailbox_view *v, const struct news *news,
    const struct view_events *ev)
{
	for (size_t i = 0; i < news->expunged_n && ev->expunged != NULL; i++)
		ev->expunged(ev->arg, news->expunged_seq[i], news->expunged[i]);
	if (news->keywords && ev->keywords != NULL)
		ev->keywords(ev->arg);
	if (news->exists && ev->exists != NULL)
		ev->exists(ev->arg, v->count, view_recent(v));
	for (size_t i = 0; i < news->changed.n && ev->changed != NULL; i++)
		ev->changed(
		    ev->arg, news->changed_seq[i], &news->changed.row[i]);
}

static void
catch_up(struct mailbox_view *v, bool expunges, struct news *news)
{
	struct mailbox *mb = v->mb;
	uint32_t last, before;
	bool keeps = false;

	pthread_mutex_lock(&mb->lock);
	before = v->count;
	last = before > 0 ? v->uids->uid[before - 1] : 0;
	if (expunges)
		step_with_expunges(v, news);
	else
		keeps = step_without_expunges(v, last);
	/* Nor when changes before the last ones may not be known yet. */
	if (!keeps && !mb->has_gap && !atomic_load(&mb->stirred))
		v->safe_modseq = mb->state.highestmodseq;
	if (v->count + news->expunged_n > before) {
		news->exists = true;
		take_recent(v, last + 1);
	}
	if (v->keywords != mb->keywords) {
		keyword_table_drop(&v->keywords);
		v->keywords = keyword_table_ref(mb->keywords);
		v->keywords_new = true;
	}
	news->keywords = v->keywords_new;
	v->keywords_new = false;
	find_changed(v, last, news);
	find_seen(v, last, news);
	pthread_mutex_unlock(&mb->lock);
}

enum pst_rc
view_refresh(struct mailbox_view *v, struct pst_error *err)
{
	enum pst_rc rc;

	pthread_mutex_lock(&v->mb->io);
	rc = mailbox_refresh(v->mb, err);
	pthread_mutex_unlock(&v->mb->io);
	return rc;
}

bool
view_is_behind(struct mailbox_view *v)
{
	struct mailbox *mb = v->mb;
	bool behind;

	if (atomic_load(&mb->stirred) || atomic_load(&mb->dead))
		return true;
	pthread_mutex_lock(&mb->lock);
	behind = v->uids != mb->uids || v->count != mb->n ||
		 v->changes != mb->changes ||
		 v->safe_modseq < mb->state.highestmodseq ||
		 v->keywords != mb->keywords || v->keywords_new ||
		 (v->seen != NULL &&
		     v->seen_at != seen_changes(seen_set_of(v->seen)));
	pthread_mutex_unlock(&mb->lock);
	return behind;
}

/* Others changed what nobody told us yet. One who looks for it just now may not
 * be done: what this session is told next is not all without it. */
static bool
has_unknown(struct mailbox *mb)
{
	bool has_gap;

	pthread_mutex_lock(&mb->lock);
	has_gap = mb->has_gap;
	pthread_mutex_unlock(&mb->lock);
	return has_gap || atomic_load(&mb->stirred);
}

enum pst_rc
view_sync(struct mailbox_view *v, bool expunges,
    const struct view_events *events, struct pst_error *err)
{
	struct news news = { 0 };
	enum pst_rc rc = PST_OK;

	if (has_unknown(v->mb))
		rc = view_refresh(v, err);
	if (!view_is_behind(v))
		return rc;
	catch_up(v, expunges, &news);
	tell(v, &news, events);
	free(news.expunged);
	free(news.expunged_seq);
	free(news.changed_seq);
	rows_fini(&news.changed);
	return rc;
}
