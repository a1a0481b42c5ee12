/*
 * mailbox/live.c - the live mailbox: one in memory for all sessions that have
 * it open, and its coming and going.
 *
 * Mailboxes that nobody uses stay open, oldest first to go, up to
 * limits.open_mailboxes and limits.open_messages. A mailbox leaves the table
 * only after the module has closed its box, so that there never are two boxes
 * of one mailbox.
 */
#include "mailbox/priv.h"

#include "base/log.h"
#include "base/str.h"
#include "mailbox/watch.h"
#include <stdlib.h>

/* --- by name
 * -------------------------------------------------------------------- */

static void
lru_remove(struct mailstore *ms, struct mailbox *mb)
{
	if (!mb->in_lru)
		return;
	if (mb->lru_before != NULL)
		mb->lru_before->lru_behind = mb->lru_behind;
	else
		ms->lru_first = mb->lru_behind;
	if (mb->lru_behind != NULL)
		mb->lru_behind->lru_before = mb->lru_before;
	else
		ms->lru_last = mb->lru_before;
	mb->lru_before = mb->lru_behind = NULL;
	mb->in_lru = false;
	ms->lru_count--;
	ms->lru_messages -= mb->lru_messages;
}

static void
lru_append(struct mailstore *ms, struct mailbox *mb)
{
	mb->lru_before = ms->lru_last;
	mb->lru_behind = NULL;
	if (ms->lru_last != NULL)
		ms->lru_last->lru_behind = mb;
	else
		ms->lru_first = mb;
	ms->lru_last = mb;
	mb->in_lru = true;
	pthread_mutex_lock(&mb->lock);
	mb->lru_messages = mb->n;
	pthread_mutex_unlock(&mb->lock);
	ms->lru_count++;
	ms->lru_messages += mb->lru_messages;
}

static struct mailbox *
mailbox_make(struct mail_account *acct, const char *name)
{
	struct mailbox *mb = mem_alloc(sizeof(*mb));

	mb->acct = acct;
	mb->name = str_dup(str_of(name));
	pthread_mutex_init(&mb->io, NULL);
	pthread_rwlock_init(&mb->box_lock, NULL);
	pthread_mutex_init(&mb->lock, NULL);
	pthread_mutex_init(&mb->queue_lock, NULL);
	pthread_cond_init(&mb->queue_moved, NULL);
	atomic_store(&mb->text_doubt, true);
	mb->next = acct->mailboxes;
	acct->mailboxes = mb;
	acct->refs++;
	return mb;
}

static void
mailbox_free(struct mailbox *mb)
{
	struct mail_account *acct = mb->acct;

	pthread_mutex_destroy(&mb->io);
	pthread_rwlock_destroy(&mb->box_lock);
	pthread_mutex_destroy(&mb->lock);
	pthread_mutex_destroy(&mb->queue_lock);
	pthread_cond_destroy(&mb->queue_moved);
	uid_array_drop(&mb->uids);
	keyword_table_drop(&mb->keywords);
	uidset_fini(&mb->text_known);
	mailbox_forget_orders(mb);
	free(mb->row);
	free(mb->gone);
	free(mb->name);
	while (mb->old_names != NULL) {
		struct old_name *old = mb->old_names;

		mb->old_names = old->next;
		free(old->text);
		free(old);
	}
	free(mb);
	mail_account_close(&acct);
}

static struct mailbox *
find(struct mail_account *acct, const char *name)
{
	struct mailbox *mb = acct->mailboxes;

	while (mb != NULL && (mb->dead || strcmp(mb->name, name) != 0))
		mb = mb->next;
	return mb;
}

static void
use(struct mailbox *mb)
{
	mb->refs++;
	lru_remove(mb->acct->ms, mb);
}

void
mailbox_take(struct mailbox *mb)
{
	pthread_mutex_lock(&mb->acct->ms->lock);
	use(mb);
	pthread_mutex_unlock(&mb->acct->ms->lock);
}

struct mailbox *
mailbox_find(struct mail_account *acct, const char *name)
{
	struct mailbox *mb;

	pthread_mutex_lock(&acct->ms->lock);
	mb = find(acct, name);
	if (mb != NULL)
		use(mb);
	pthread_mutex_unlock(&acct->ms->lock);
	return mb;
}

struct mailbox **
mailbox_find_tree(struct mail_account *acct, const char *name, size_t *n_r)
{
	struct mailbox **all = NULL;
	size_t cap = 0, length = strlen(name);

	*n_r = 0;
	pthread_mutex_lock(&acct->ms->lock);
	for (struct mailbox *mb = acct->mailboxes; mb != NULL; mb = mb->next) {
		if (mb->dead || strncmp(mb->name, name, length) != 0 ||
		    (mb->name[length] != '\0' && mb->name[length] != '/'))
			continue;
		mem_grow(&all, &cap, *n_r + 1, sizeof(struct mailbox *));
		all[(*n_r)++] = mb;
		use(mb);
	}
	pthread_mutex_unlock(&acct->ms->lock);
	return all;
}

struct mailbox **
mailbox_find_all(struct mail_account *acct, size_t *n_r)
{
	struct mailbox **all = NULL;
	size_t cap = 0;

	*n_r = 0;
	pthread_mutex_lock(&acct->ms->lock);
	for (struct mailbox *mb = acct->mailboxes; mb != NULL; mb = mb->next) {
		if (mb->dead)
			continue;
		mem_grow(&all, &cap, *n_r + 1, sizeof(struct mailbox *));
		all[(*n_r)++] = mb;
		use(mb);
	}
	pthread_mutex_unlock(&acct->ms->lock);
	return all;
}

/* What came and was shown while sessions had it open is not \Recent to the next
 * ones. The module can only be told so of all messages at once. */
static void
claim_shown(struct mailbox *mb)
{
	struct pst_error err;
	uint32_t first;
	bool due;

	pthread_mutex_lock(&mb->lock);
	due = mb->loaded && mb->recent_first > mb->recent_claimed &&
	      mb->recent_first >= mb->state.uidnext;
	pthread_mutex_unlock(&mb->lock);
	if (due && mb->box != NULL && !atomic_load(&mb->dead))
		(void)mb->acct->st->ops->recent(mb->box, true, &first, &err);
}

/*
 * Closes the box of a mailbox that only we refer to. It may be taken up by
 * others while we do: they wait for io and then open it anew.
 */
static void
put_away(struct mailbox *mb)
{
	struct mailstore *ms = mb->acct->ms;
	struct mailbox **at;

	pthread_mutex_lock(&mb->io);
	pthread_mutex_lock(&ms->lock);
	if (mb->refs > 1) {
		mb->refs--;
		pthread_mutex_unlock(&ms->lock);
		pthread_mutex_unlock(&mb->io);
		return;
	}
	pthread_mutex_unlock(&ms->lock);
	claim_shown(mb);
	mailbox_close_box(mb);
	pthread_mutex_unlock(&mb->io);

	pthread_mutex_lock(&ms->lock);
	if (--mb->refs > 0 || mb->box != NULL) {
		/* Somebody has taken it up and perhaps left it again. */
		if (mb->refs == 0)
			lru_append(ms, mb);
		pthread_mutex_unlock(&ms->lock);
		return;
	}
	for (at = &mb->acct->mailboxes; *at != mb; at = &(*at)->next)
		;
	*at = mb->next;
	pthread_mutex_unlock(&ms->lock);
	mailbox_free(mb);
}

static bool
is_crowded(const struct mailstore *ms, size_t keep, size_t messages)
{
	return ms->lru_count > keep || ms->lru_messages > messages;
}

/* Puts the oldest away until so many mailboxes and messages are left. */
static void
evict(struct mailstore *ms, size_t keep, size_t messages,
    const struct mail_account *only)
{
	for (;;) {
		struct mailbox *mb;

		pthread_mutex_lock(&ms->lock);
		mb = is_crowded(ms, keep, messages) ? ms->lru_first : NULL;
		while (mb != NULL && only != NULL && mb->acct != only)
			mb = mb->lru_behind;
		if (mb != NULL)
			use(mb);
		pthread_mutex_unlock(&ms->lock);
		if (mb == NULL)
			return;
		put_away(mb);
	}
}

void
mailbox_evict(
    struct mailstore *ms, size_t keep, const struct mail_account *only)
{
	evict(ms, keep, SIZE_MAX, only);
}

void
mailbox_put(struct mailbox **mbp)
{
	struct mailbox *mb = *mbp;
	struct mailstore *ms;
	struct config *cfg;
	size_t keep, messages;
	bool useless, crowded;

	*mbp = NULL;
	if (mb == NULL)
		return;
	ms = mb->acct->ms;
	pthread_mutex_lock(&ms->cfg_lock);
	cfg = ms->cfg;
	keep = (size_t)cfg->limits.open_mailboxes;
	messages = (size_t)cfg->limits.open_messages;
	pthread_mutex_unlock(&ms->cfg_lock);

	pthread_mutex_lock(&ms->lock);
	useless = mb->refs == 1 && (mb->dead || mb->box == NULL);
	if (!useless && --mb->refs == 0)
		lru_append(ms, mb);
	crowded = is_crowded(ms, keep, messages);
	pthread_mutex_unlock(&ms->lock);
	if (useless)
		put_away(mb);
	if (crowded)
		evict(ms, keep, messages, NULL);
}

/* The mailbox of that name, made when there is none. */
static struct mailbox *
find_or_make(struct mail_account *acct, const char *name)
{
	struct mailbox *mb;

	pthread_mutex_lock(&acct->ms->lock);
	mb = find(acct, name);
	if (mb == NULL)
		mb = mailbox_make(acct, name);
	use(mb);
	pthread_mutex_unlock(&acct->ms->lock);
	return mb;
}

/* Another program removed or renamed the mailbox, so that what comes into the
 * open box comes to nowhere, or elsewhere. Wants io. */
static bool
bury_when_lost(struct mailbox *mb)
{
	const struct pst_store_ops *ops = mb->acct->st->ops;

	if (mb->box == NULL || ops->box_is_there == NULL ||
	    ops->box_is_there(mb->box))
		return false;
	atomic_store(&mb->dead, true);
	mailbox_close_box(mb);
	pthread_mutex_lock(&mb->lock);
	mailbox_wake_views(mb);
	pthread_mutex_unlock(&mb->lock);
	account_forget_usage(mb->acct);
	return true;
}

enum pst_rc
mailbox_get(struct mail_account *acct, const char *name,
    enum mailbox_depth depth, struct mailbox **mb_r, struct pst_error *err)
{
	struct mailbox *mb;
	enum pst_rc rc = PST_OK;

	pthread_rwlock_rdlock(&acct->names);
	mb = find_or_make(acct, name);
	pthread_mutex_lock(&mb->io);
	if (bury_when_lost(mb)) {
		pthread_mutex_unlock(&mb->io);
		mailbox_put(&mb);
		mb = find_or_make(acct, name);
		pthread_mutex_lock(&mb->io);
	}
	if (mb->dead) {
		rc = pst_fail(err, PST_E_NOTFOUND, 0, "%s: deleted", name);
	} else if (mb->box == NULL) {
		rc = mailbox_open_box(mb, err);
	}
	if (rc == PST_OK && depth == MAILBOX_LOADED && !mb->loaded)
		rc = mailbox_load(mb, err);
	pthread_mutex_unlock(&mb->io);
	/* Before the name can become another mailbox's. */
	if (rc != PST_OK)
		mailbox_put(&mb);
	pthread_rwlock_unlock(&acct->names);
	*mb_r = mb;
	return rc;
}

enum pst_rc
mailbox_open_box(struct mailbox *mb, struct pst_error *err)
{
	struct mail_account *acct = mb->acct;
	enum pst_rc rc;

	pthread_rwlock_wrlock(&mb->box_lock);
	rc = acct->st->ops->box_open(acct->acct, mb->name, &mb->box, err);
	if (rc != PST_OK)
		mb->box = NULL;
	pthread_rwlock_unlock(&mb->box_lock);
	return rc;
}

void
mailbox_suspend_box(struct mailbox *mb)
{
	const struct pst_store_ops *ops = mb->acct->st->ops;
	bool watched;

	if (mb->box == NULL)
		return;
	pthread_mutex_lock(&mb->lock);
	watched = mb->watched;
	mb->watched = false;
	pthread_mutex_unlock(&mb->lock);
	pthread_rwlock_wrlock(&mb->box_lock);
	if (watched)
		ops->unwatch(mb->box);
	ops->box_close(mb->box);
	mb->box = NULL;
	pthread_rwlock_unlock(&mb->box_lock);
}

void
mailbox_resume_box(struct mailbox *mb)
{
	struct pst_error err;
	enum pst_rc rc = mailbox_open_box(mb, &err);

	if (rc == PST_OK && mb->loaded) {
		bool viewed;

		rc = mailbox_load(mb, &err);
		pthread_mutex_lock(&mb->lock);
		viewed = mb->views != NULL || mb->pins > 0;
		pthread_mutex_unlock(&mb->lock);
		if (rc == PST_OK && viewed)
			mailbox_watch(mb);
	}
	if (rc != PST_OK) {
		atomic_store(&mb->dead, true);
		mailbox_close_box(mb);
	}
}

void
mailbox_close_box(struct mailbox *mb)
{
	mailbox_suspend_box(mb);
	pthread_mutex_lock(&mb->lock);
	mb->loaded = false;
	mb->n = mb->cap = 0;
	free(mb->row);
	mb->row = NULL;
	uid_array_drop(&mb->uids);
	keyword_table_drop(&mb->keywords);
	mailbox_forget_orders(mb);
	mb->log_n = 0;
	mb->log_from = mb->changes;
	pthread_mutex_unlock(&mb->lock);
}

/* --- what is shared with views
 * ------------------------------------------------------ */

struct uid_array *
uid_array_new(size_t cap)
{
	struct uid_array *a = mem_alloc(sizeof(*a) + cap * sizeof(a->uid[0]));

	atomic_store(&a->refs, 1);
	a->cap = cap;
	return a;
}

struct uid_array *
uid_array_ref(struct uid_array *a)
{
	if (a != NULL)
		atomic_fetch_add(&a->refs, 1);
	return a;
}

void
uid_array_drop(struct uid_array **a)
{
	if (*a != NULL && atomic_fetch_sub(&(*a)->refs, 1) == 1)
		free(*a);
	*a = NULL;
}

struct keyword_table *
keyword_table_ref(struct keyword_table *t)
{
	if (t != NULL)
		atomic_fetch_add(&t->refs, 1);
	return t;
}

void
keyword_table_drop(struct keyword_table **t)
{
	if (*t != NULL && atomic_fetch_sub(&(*t)->refs, 1) == 1)
		free(*t);
	*t = NULL;
}

void
mailbox_take_keywords(struct mailbox *mb)
{
	const char *const *names = mb->acct->st->ops->keywords(mb->box);
	struct keyword_table *t, *old = mb->keywords;
	size_t size = 0, at = 0;
	bool same = old != NULL;

	for (size_t i = 0; i < PST_KEYWORDS_MAX; i++) {
		const char *now = names[i] != NULL ? names[i] : "";

		size += strlen(now) + 1;
		if (same)
			same = old->name[i] == NULL
				   ? *now == '\0'
				   : strcmp(old->name[i], now) == 0;
	}
	if (same)
		return;
	t = mem_alloc(sizeof(*t) + size);
	atomic_store(&t->refs, 1);
	for (size_t i = 0; i < PST_KEYWORDS_MAX; i++) {
		size_t length = names[i] != NULL ? strlen(names[i]) : 0;

		if (length == 0)
			continue;
		memcpy(t->text + at, names[i], length + 1);
		t->name[i] = t->text + at;
		at += length + 1;
		t->n++;
	}
	pthread_mutex_lock(&mb->lock);
	old = mb->keywords;
	mb->keywords = t;
	pthread_mutex_unlock(&mb->lock);
	keyword_table_drop(&old);
}

enum pst_rc
mailbox_keyword_mask(struct mailbox *mb, const char *const *names, size_t n,
    uint64_t *mask_r, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	*mask_r = 0;
	for (size_t i = 0; i < n && rc == PST_OK; i++) {
		unsigned number;

		rc = mb->acct->st->ops->keyword(
		    mb->box, names[i], true, &number, err);
		if (rc == PST_OK)
			*mask_r |= UINT64_C(1) << number;
	}
	/* In a full table a name may have got the number of one before it,
	 * which no message has yet. */
	for (size_t i = 0; i + 1 < n && rc == PST_OK; i++) {
		unsigned number;

		if (mb->acct->st->ops->keyword(
			mb->box, names[i], false, &number, err) != PST_OK)
			rc = pst_fail(err, PST_E_LIMIT, 0,
			    "%s: too many keywords", mb->name);
	}
	if (n > 0)
		mailbox_take_keywords(mb);
	return rc;
}

void
rows_add(void *arg, const struct pst_row *row)
{
	struct rows *r = arg;

	mem_grow(&r->row, &r->cap, r->n + 1, sizeof(*r->row));
	r->row[r->n++] = *row;
}

void
rows_fini(struct rows *r)
{
	free(r->row);
	*r = (struct rows){ 0 };
}

/* --- the picture
 * ---------------------------------------------------------------------- */

/* The index of the first row whose uid is not below `uid`. */
size_t
mailbox_row_from(const struct mailbox *mb, uint32_t uid)
{
	size_t low = 0, high = mb->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (mb->row[mid].uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct pst_row *
mailbox_row(struct mailbox *mb, uint32_t uid)
{
	size_t at = mailbox_row_from(mb, uid);

	return at < mb->n && mb->row[at].uid == uid ? &mb->row[at] : NULL;
}

void
mailbox_wake_views(struct mailbox *mb)
{
	for (struct mailbox_view *v = mb->views; v != NULL; v = v->next)
		if (v->has_wake)
			net_wake(v->wake);
}

void
mailbox_stirred(void *arg)
{
	struct mailbox *mb = arg;

	atomic_store(&mb->stirred, true);
	pthread_mutex_lock(&mb->lock);
	mailbox_wake_views(mb);
	pthread_mutex_unlock(&mb->lock);
	watch_tell(mb->acct, mb->name, WATCH_STIRRED, NULL, false);
}

static void
note_modseq(struct mailbox *mb, uint64_t modseq)
{
	if (modseq > mb->state.highestmodseq)
		mb->state.highestmodseq = modseq;
}

static void
log_change(struct mailbox *mb, const struct pst_row *row)
{
	size_t at = (mb->log_at + mb->log_n) % CHANGE_LOG;

	mb->changes++;
	if (row->modseq <= mb->state.highestmodseq) {
		if (mb->late == 0 || row->modseq < mb->late_modseq)
			mb->late_modseq = row->modseq;
		mb->late = mb->changes;
	}
	if (mb->log_n == CHANGE_LOG) {
		/* The oldest goes: complete only above it from now on. */
		mb->log_from = mb->log[mb->log_at].change;
		mb->log_at = (mb->log_at + 1) % CHANGE_LOG;
		mb->log_n--;
	}
	mb->log[at].uid = row->uid;
	mb->log[at].modseq = row->modseq;
	mb->log[at].change = mb->changes;
	mb->log_n++;
}

static void
append_rows(struct mailbox *mb, const struct pst_row *row, size_t n)
{
	mem_grow(&mb->row, &mb->cap, mb->n + n, sizeof(*mb->row));
	if (mb->uids == NULL || mb->n + n > mb->uids->cap) {
		struct uid_array *a = uid_array_new((mb->n + n) * 5 / 4 + 8);

		if (mb->n > 0 && mb->uids != NULL)
			memcpy(
			    a->uid, mb->uids->uid, mb->n * sizeof(a->uid[0]));
		uid_array_drop(&mb->uids);
		mb->uids = a;
	}
	for (size_t i = 0; i < n; i++) {
		mb->row[mb->n + i] = row[i];
		mb->uids->uid[mb->n + i] = row[i].uid;
		note_modseq(mb, row[i].modseq);
		if (row[i].uid >= mb->state.uidnext)
			mb->state.uidnext = row[i].uid + 1;
	}
	mb->n += n;
}

/* Returns what kinds of news that is: enum watch_kind; 0: none. */
static unsigned
change_rows(struct mailbox *mb, const struct pst_row *row, size_t n)
{
	unsigned kinds = 0;

	for (size_t i = 0; i < n; i++) {
		struct pst_row *mine = mailbox_row(mb, row[i].uid);

		if (mine == NULL || (mine->modseq == row[i].modseq &&
					mine->flags == row[i].flags &&
					mine->keywords == row[i].keywords))
			continue;
		kinds |= (mine->flags ^ row[i].flags) & PST_SEEN
			     ? WATCH_FLAGS | WATCH_SEEN
			     : WATCH_FLAGS;
		*mine = row[i];
		log_change(mb, mine);
	}
	for (size_t i = 0; i < n; i++)
		note_modseq(mb, row[i].modseq);
	return kinds;
}

/* Returns how many there were; *bytes_r: of what size. */
static int64_t
remove_rows(struct mailbox *mb, const struct uidset *gone, int64_t *bytes_r)
{
	struct uid_array *left = uid_array_new(mb->n + 8);
	int64_t messages = 0;
	size_t keep = 0;

	/* Views go on with the old array. */
	for (size_t i = 0, r = 0; i < mb->n; i++) {
		while (r < gone->n && gone->r[r].last < mb->row[i].uid)
			r++;
		if (r < gone->n && gone->r[r].first <= mb->row[i].uid) {
			*bytes_r += (int64_t)mb->row[i].size;
			messages++;
			continue;
		}
		mb->row[keep] = mb->row[i];
		left->uid[keep++] = mb->row[i].uid;
	}
	mb->n = keep;
	uid_array_drop(&mb->uids);
	mb->uids = left;
	return messages;
}

/*
 * An expunge has no row that tells its modseq: the module's state does (RFC
 * 7162, 3.2).
 */
static uint64_t
present_modseq(struct mailbox *mb)
{
	struct pst_box_state state;
	struct pst_error err;

	if (mb->box == NULL ||
	    mb->acct->st->ops->state(mb->box, &state, &err) != PST_OK)
		return 0;
	return state.highestmodseq;
}

/* Messages of others that came and went before we heard of them had uids too.
 */
static void
follow_uidnext(struct mailbox *mb)
{
	struct pst_box_state state;
	struct pst_error err;

	if (mb->acct->st->ops->state(mb->box, &state, &err) != PST_OK)
		return;
	pthread_mutex_lock(&mb->lock);
	if (state.uidnext > mb->state.uidnext)
		mb->state.uidnext = state.uidnext;
	pthread_mutex_unlock(&mb->lock);
}

/*
 * The numbers between what is known and what this server did now are of changes
 * by others that the module came upon and tells of by refresh() alone. No
 * session may be told that all up to ours was reported before they were (RFC
 * 7162, 3.2), so the next one that catches up looks for them.
 */
static void
expect_missed(
    struct mailbox *mb, uint64_t known, const struct pst_row *row, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (mb->loaded && row[i].modseq > known + 1) {
			atomic_store(&mb->stirred, true);
			mb->has_gap = true;
		}
		if (row[i].modseq > known)
			known = row[i].modseq;
	}
}

/* `own`: see watch_tell(). */
static void
apply(struct mailbox *mb, const struct uidset *gone, const struct rows *changed,
    const struct rows *appended, bool own)
{
	bool removes = gone != NULL && gone->n > 0;
	unsigned kinds = removes ? WATCH_GONE : 0;
	uint64_t modseq = removes ? present_modseq(mb) : 0;
	int64_t bytes = 0, messages = 0;

	pthread_mutex_lock(&mb->lock);
	if (removes) {
		messages = -remove_rows(mb, gone, &bytes);
		bytes = -bytes;
	}
	if (changed != NULL)
		kinds |= change_rows(mb, changed->row, changed->n);
	if (appended != NULL && appended->n > 0) {
		for (size_t i = 0; i < appended->n; i++)
			bytes += (int64_t)appended->row[i].size;
		messages += (int64_t)appended->n;
		if (mb->loaded)
			append_rows(mb, appended->row, appended->n);
		kinds |= WATCH_NEW;
	}
	note_modseq(mb, modseq);
	if (removes)
		history_note(mb, gone, mb->state.highestmodseq);
	if (kinds != 0)
		mailbox_wake_views(mb);
	pthread_mutex_unlock(&mb->lock);
	watch_tell(mb->acct, mb->name, kinds, NULL, own);
	if (messages != 0 || bytes != 0)
		account_use(mb->acct, messages, bytes);
	if (appended != NULL && appended->n > 0 && mb->loaded)
		fulltext_stir(mb);
}

/*
 * Other servers put messages before those that came from us now: both are told
 * by the module's refresh() alone, so that uids stay ascending. Wants io.
 */
static bool
is_behind(struct mailbox *mb)
{
	const struct pst_store_ops *ops = mb->acct->st->ops;

	return mb->loaded && mb->box != NULL && ops->box_is_behind != NULL &&
	       ops->box_is_behind(mb->box);
}

static void
catch_up(struct mailbox *mb)
{
	struct pst_error err;

	/* After a failure it stays stirred, and the next look finds them. */
	if (mailbox_refresh(mb, &err) != PST_OK)
		log_failure(PST_LOG_WARNING, 0, "refresh", &err);
}

void
mailbox_apply(
    struct mailbox *mb, const struct uidset *gone, const struct rows *appended)
{
	struct pst_row last = { 0 };
	uint64_t known;
	bool behind = appended != NULL && appended->n > 0 && is_behind(mb);

	if (behind)
		appended = NULL;

	if (gone != NULL && gone->n > 0)
		last.modseq = present_modseq(mb);
	pthread_mutex_lock(&mb->lock);
	known = mb->state.highestmodseq;
	if (appended != NULL && appended->n > 0) {
		expect_missed(mb, known, appended->row, appended->n);
		known = appended->row[appended->n - 1].modseq;
	}
	expect_missed(mb, known, &last, 1);
	pthread_mutex_unlock(&mb->lock);
	apply(mb, gone, NULL, appended, true);
	if (behind)
		catch_up(mb);
}

void
mailbox_apply_new(struct mailbox *mb, const struct pst_row *row, size_t n)
{
	int64_t bytes = 0;
	bool loaded;

	if (n == 0)
		return;
	if (is_behind(mb)) {
		catch_up(mb);
		return;
	}
	for (size_t i = 0; i < n; i++)
		bytes += (int64_t)row[i].size;
	pthread_mutex_lock(&mb->lock);
	loaded = mb->loaded;
	if (loaded) {
		expect_missed(mb, mb->state.highestmodseq, row, n);
		append_rows(mb, row, n);
		mailbox_wake_views(mb);
	}
	pthread_mutex_unlock(&mb->lock);
	watch_tell(mb->acct, mb->name, WATCH_NEW, NULL, !mb->joint_commit);
	account_use(mb->acct, (int64_t)n, bytes);
	if (loaded || atomic_load(&mb->acct->ms->fulltext.all))
		fulltext_stir(mb);
}

void
mailbox_apply_changed(struct mailbox *mb, const struct pst_row *row, size_t n)
{
	unsigned kinds;

	pthread_mutex_lock(&mb->lock);
	expect_missed(mb, mb->state.highestmodseq, row, n);
	kinds = change_rows(mb, row, n);
	if (kinds != 0)
		mailbox_wake_views(mb);
	pthread_mutex_unlock(&mb->lock);
	watch_tell(mb->acct, mb->name, kinds, NULL, true);
}

void
mailbox_apply_gone(struct mailbox *mb, const struct uidset *gone)
{
	mailbox_apply(mb, gone, NULL);
}

/* --- from the module
 * ------------------------------------------------------------------- */

/*
 * Takes a whole list of messages. The first time all of them are new; after the
 * box was opened again under another name, only what differs is applied, so
 * that views live on.
 */
static void
apply_all(struct mailbox *mb, const struct rows *all,
    const struct pst_box_state *state, uint32_t recent)
{
	struct uidset gone = { 0 };
	struct rows changed = { 0 };
	int64_t bytes = 0, messages = 0;
	uint64_t before = mb->state.highestmodseq;
	bool was_loaded = mb->loaded;
	unsigned kinds = 0;
	size_t k = 0;

	for (size_t i = 0; i < mb->n; i++) {
		const struct pst_row *old = &mb->row[i];

		while (k < all->n && all->row[k].uid < old->uid)
			k++;
		if (k == all->n || all->row[k].uid != old->uid)
			uidset_add(&gone, old->uid, old->uid);
		else if (all->row[k].flags != old->flags ||
			 all->row[k].keywords != old->keywords)
			rows_add(&changed, &all->row[k]);
	}
	if (mb->n > 0)
		while (k < all->n && all->row[k].uid <= mb->row[mb->n - 1].uid)
			k++;
	pthread_mutex_lock(&mb->lock);
	mb->state = *state;
	mb->has_gap = false;
	note_modseq(mb, before);
	mb->recent_claimed = recent;
	if (recent > mb->recent_first)
		mb->recent_first = recent;
	if (!mb->loaded)
		history_begin(mb, mb->state.highestmodseq);
	mb->loaded = true;
	if (gone.n > 0) {
		kinds |= WATCH_GONE;
		messages = remove_rows(mb, &gone, &bytes);
		history_note(mb, &gone, mb->state.highestmodseq);
	}
	kinds |= change_rows(mb, changed.row, changed.n);
	if (k < all->n)
		kinds |= WATCH_NEW;
	append_rows(mb, all->row + k, all->n - k);
	mailbox_wake_views(mb);
	pthread_mutex_unlock(&mb->lock);
	if (was_loaded) /* else nobody knew what it held */
		watch_tell(mb->acct, mb->name, kinds, NULL, false);
	if (messages != 0)
		account_use(mb->acct, -messages, -bytes);
	uidset_fini(&gone);
	rows_fini(&changed);
}

/* The same keywords by their numbers in another table; those that are not in
 * it are left out. */
static uint64_t
renumber(const struct keyword_table *from, const struct keyword_table *to,
    uint64_t mask)
{
	uint64_t result = 0;

	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++) {
		if (!(mask >> k & 1) || from->name[k] == NULL)
			continue;
		for (unsigned i = 0; i < PST_KEYWORDS_MAX; i++)
			if (to->name[i] != NULL &&
			    str_is_case(str_of(to->name[i]), from->name[k]))
				result |= UINT64_C(1) << i;
	}
	return result;
}

/* The storage is another one now, and its numbers of keywords may be, too:
 * that is no change of the messages. */
static void
renumber_rows(struct mailbox *mb, struct keyword_table *old)
{
	struct keyword_table *now = mb->keywords;

	if (old == NULL || now == NULL || old == now)
		return;
	pthread_mutex_lock(&mb->lock);
	for (size_t i = 0; i < mb->n; i++)
		if (mb->row[i].keywords != 0)
			mb->row[i].keywords = renumber(
			    old, now, mb->row[i].keywords);
	pthread_mutex_unlock(&mb->lock);
}

enum pst_rc
mailbox_load(struct mailbox *mb, struct pst_error *err)
{
	const struct pst_store_ops *ops = mb->acct->st->ops;
	struct rows all = { 0 };
	struct pst_box_state state;
	uint32_t recent;
	enum pst_rc rc = ops->load(mb->box, rows_add, &all, err);

	if (rc == PST_OK)
		rc = ops->state(mb->box, &state, err);
	if (rc == PST_OK)
		rc = ops->recent(mb->box, false, &recent, err);
	if (rc == PST_OK) {
		struct keyword_table *old = keyword_table_ref(mb->keywords);
		bool was_loaded = mb->loaded;

		mailbox_take_keywords(mb);
		if (was_loaded)
			renumber_rows(mb, old);
		keyword_table_drop(&old);
		apply_all(mb, &all, &state, recent);
		if (!was_loaded)
			history_recall(mb);
	}
	rows_fini(&all);
	return rc;
}

struct refreshed {
	struct uidset gone;
	struct rows changed, appended;
};

static void
on_gone(void *arg, uint32_t uid)
{
	uidset_add(&((struct refreshed *)arg)->gone, uid, uid);
}

static void
on_changed(void *arg, const struct pst_row *row)
{
	rows_add(&((struct refreshed *)arg)->changed, row);
}

static void
on_appended(void *arg, const struct pst_row *row)
{
	rows_add(&((struct refreshed *)arg)->appended, row);
}

/* Others removed it: its sessions learn that now. The box is closed by whoever
 * puts the mailbox back last. */
static void
end_when_lost(struct mailbox *mb, enum pst_rc rc)
{
	const struct pst_store_ops *ops = mb->acct->st->ops;

	if (rc != PST_E_NOTFOUND || ops->box_is_there == NULL ||
	    ops->box_is_there(mb->box))
		return;
	atomic_store(&mb->dead, true);
	pthread_mutex_lock(&mb->lock);
	mailbox_wake_views(mb);
	pthread_mutex_unlock(&mb->lock);
}

enum pst_rc
mailbox_refresh(struct mailbox *mb, struct pst_error *err)
{
	struct refreshed r = { 0 };
	const struct pst_delta delta = { &r, on_gone, on_changed, on_appended };
	enum pst_rc rc;

	if (mb->box == NULL)
		return PST_OK;
	/* Before the look, so that what happens during it is not missed. */
	atomic_store(&mb->stirred, false);
	account_change_begin(mb->acct);
	rc = mb->acct->st->ops->refresh(mb->box, &delta, err);
	if (rc == PST_OK) {
		if (r.changed.n + r.appended.n > 0)
			mailbox_take_keywords(mb);
		apply(mb, &r.gone, &r.changed, &r.appended, false);
		follow_uidnext(mb);
		/* Only now: somebody may catch up while this one looks. */
		pthread_mutex_lock(&mb->lock);
		mb->has_gap = false;
		pthread_mutex_unlock(&mb->lock);
	} else {
		atomic_store(&mb->stirred, true);
		end_when_lost(mb, rc);
	}
	account_change_end(mb->acct);
	/* A count may have seen what others did before we heard of it. */
	if (r.gone.n + r.appended.n > 0)
		account_forget_usage(mb->acct);
	uidset_fini(&r.gone);
	rows_fini(&r.changed);
	rows_fini(&r.appended);
	return rc;
}
