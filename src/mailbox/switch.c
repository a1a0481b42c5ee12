/*
 * mailbox/switch.c - see switch.h. A session notices nothing: the mailbox that
 * it has open gets a box of the other storage, in which messages have the same
 * uids, flags and modseqs, as if it had been renamed.
 *
 * Who has looked a user up before the switch and opens the account afterwards
 * has a record that names the old storage. Such records are recognised for as
 * long as the process lives, and the accounts' database is asked again.
 */
#include "mailbox/switch.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include <stdlib.h>
#include <time.h>

enum {
	PATIENCE = 1, /* seconds to wait for those who are at work */
};

/* --- older records ----------------------------------------------------------
 */

struct moved {
	struct moved *next;
	struct storage *from;
	struct accounts *accounts;
	char id[321];
};

/* With mailstore.lock held. */
static struct moved **
find_moved(struct mailstore *ms, const struct storage *from, const char *id)
{
	struct moved **at = &ms->moved[account_bucket(id)];

	while (
	    *at != NULL && ((*at)->from != from || strcmp((*at)->id, id) != 0))
		at = &(*at)->next;
	return at;
}

static void
forget_moved(struct mailstore *ms, const struct storage *from, const char *id)
{
	struct moved **at = find_moved(ms, from, id), *m = *at;

	if (m == NULL)
		return;
	*at = m->next;
	free(m);
}

static void
note_moved(struct mailstore *ms, struct storage *from, struct storage *to,
    struct accounts *accounts, const char *id)
{
	struct moved **at, *m;

	forget_moved(ms, to, id);
	at = find_moved(ms, from, id);
	if (*at == NULL) {
		m = mem_alloc(sizeof(*m));
		m->from = from;
		(void)str_copy(m->id, sizeof(m->id), str_of(id));
		*at = m;
	}
	(*at)->accounts = accounts;
	ms->moves++;
}

struct storage *
account_moved_to(struct mailstore *ms, struct storage *st, const char *id,
    struct pst_error *err)
{
	struct account_user now;
	struct accounts *accounts;
	struct moved *m;
	enum pst_rc rc;

	pthread_mutex_lock(&ms->lock);
	m = *find_moved(ms, st, id);
	accounts = m != NULL ? m->accounts : NULL;
	pthread_mutex_unlock(&ms->lock);
	if (m == NULL)
		return st;
	rc = account_find(accounts, id, &now, err);
	if (rc == PST_E_NOTFOUND)
		return st;
	return rc == PST_OK ? storage_for(ms, &now, err) : NULL;
}

void
account_moves_free(struct mailstore *ms)
{
	for (size_t i = 0; i < ACCOUNT_BUCKETS; i++)
		while (ms->moved[i] != NULL) {
			struct moved *m = ms->moved[i];

			ms->moved[i] = m->next;
			free(m);
		}
}

/* --- hold and release -------------------------------------------------------
 */

static int
compare_address(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t) * (struct mailbox *const *)a;
	uintptr_t y = (uintptr_t) * (struct mailbox *const *)b;

	return x < y ? -1 : x > y;
}

static void
let_go(struct mail_switch *s, size_t locked)
{
	for (size_t i = 0; i < locked; i++)
		pthread_mutex_unlock(&s->mb[i]->io);
	pthread_rwlock_unlock(&s->acct->names);
	for (size_t i = 0; i < s->n; i++)
		mailbox_put(&s->mb[i]);
	free(s->mb);
	free(s->old_box);
	free(s->is_used);
}

/* Views keep it, or some thread that waits for io now. */
static void
find_used(struct mail_switch *s, struct mailbox *const *known, size_t known_n)
{
	struct mailstore *ms = s->acct->ms;

	pthread_mutex_lock(&ms->lock);
	for (size_t i = 0; i < s->n; i++) {
		size_t ours = 1;

		for (size_t k = 0; k < known_n; k++)
			ours += known[k] == s->mb[i];
		s->is_used[i] = s->mb[i]->refs > ours;
	}
	pthread_mutex_unlock(&ms->lock);
}

enum pst_rc
switch_hold(struct mail_switch *s, struct mail_account *acct,
    struct mailbox *const *known, size_t n, struct pst_error *err)
{
	struct timespec until;
	size_t locked = 0;

	*s = (struct mail_switch){ .acct = acct, .began = clock_monotonic() };
	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE;
	if (pthread_rwlock_timedwrlock(&acct->names, &until) != 0)
		return pst_fail(err, PST_E_TEMP, 0,
		    "%s: somebody is at work for long", acct->id);
	s->mb = mailbox_find_all(acct, &s->n);
	if (s->n > 1)
		qsort(s->mb, s->n, sizeof(struct mailbox *), compare_address);
	s->old_box = mem_array(s->n, sizeof(*s->old_box));
	s->is_used = mem_array(s->n, sizeof(*s->is_used));
	while (locked < s->n &&
	       pthread_mutex_timedlock(&s->mb[locked]->io, &until) == 0)
		locked++;
	if (locked < s->n ||
	    pthread_rwlock_timedwrlock(&acct->gate, &until) != 0) {
		let_go(s, locked);
		return pst_fail(err, PST_E_TEMP, 0,
		    "%s: somebody is at work for long", acct->id);
	}
	pthread_mutex_lock(&acct->open_lock);
	find_used(s, known, n);
	return PST_OK;
}

int64_t
switch_release(struct mail_switch *s)
{
	struct mail_account *acct = s->acct;
	struct storage *st = s->old_st;
	struct pst_box **box = s->old_box;
	int64_t held;
	size_t n = s->n;

	s->old_box = NULL;
	pthread_mutex_unlock(&acct->open_lock);
	pthread_rwlock_unlock(&acct->gate);
	let_go(s, n);
	held = clock_monotonic() - s->began;
	/* Nobody waits for this any more. */
	for (size_t i = 0; i < n; i++)
		if (box[i] != NULL)
			st->ops->box_close(box[i]);
	free(box);
	if (s->old_acct != NULL)
		st->ops->acct_close(s->old_acct);
	*s = (struct mail_switch){ 0 };
	return held;
}

/* --- over -------------------------------------------------------------------
 */

/* As mailbox_suspend_box(), but the box stays open, for the way back. */
static struct pst_box *
take_box(struct mailbox *mb)
{
	struct pst_box *box;
	bool watched;

	if (mb->box == NULL)
		return NULL;
	pthread_mutex_lock(&mb->lock);
	watched = mb->watched;
	mb->watched = false;
	pthread_mutex_unlock(&mb->lock);
	pthread_rwlock_wrlock(&mb->box_lock);
	box = mb->box;
	if (watched)
		mb->acct->st->ops->unwatch(box);
	mb->box = NULL;
	pthread_rwlock_unlock(&mb->box_lock);
	return box;
}

static void
give_back(struct mailbox *mb, struct pst_box *box)
{
	bool viewed;

	if (box == NULL)
		return;
	pthread_rwlock_wrlock(&mb->box_lock);
	mb->box = box;
	pthread_rwlock_unlock(&mb->box_lock);
	pthread_mutex_lock(&mb->lock);
	viewed = mb->loaded && (mb->views != NULL || mb->pins > 0);
	pthread_mutex_unlock(&mb->lock);
	atomic_store(&mb->stirred, true); /* nobody watched meanwhile */
	if (viewed)
		mailbox_watch(mb);
}

/* A mailbox that had a box in the old storage gets one in the new one. */
static void
go_on(struct mailbox *mb, bool is_used)
{
	atomic_store(&mb->text_state, TEXT_UNKNOWN);
	atomic_store(&mb->text_doubt, true);
	atomic_store(&mb->text_retry, 0);
	if (!is_used) { /* who wants it next opens it there */
		mailbox_close_box(mb);
		return;
	}
	mailbox_resume_box(mb);
	if (!atomic_load(&mb->dead))
		return;
	log_text(PST_LOG_ERROR, 0, "convert",
	    "%s: the mailbox %s cannot be opened in storage \"%s\"",
	    mb->acct->id, mb->name, mb->acct->st->cfg->name);
	pthread_mutex_lock(&mb->lock);
	mailbox_wake_views(mb);
	pthread_mutex_unlock(&mb->lock);
}

/* Another account object of that user in the new storage. With mailstore.lock
 * held. */
static struct mail_account *
find_there(struct mailstore *ms, const struct storage *st, const char *id)
{
	struct mail_account *a = ms->bucket[account_bucket(id)];

	while (a != NULL && (a->st != st || strcmp(a->id, id) != 0))
		a = a->next;
	return a;
}

static enum pst_rc
open_there(const char *id, struct pst_error *err)
{
	return pst_fail(err, PST_E_CONFLICT, 0,
	    "%s: the account is open in the other storage, too", id);
}

enum pst_rc
switch_check(struct mailstore *ms, const struct storage *st, const char *id,
    struct pst_error *err)
{
	struct mail_account *a;
	bool is_open;

	pthread_mutex_lock(&ms->lock);
	a = find_there(ms, st, id);
	if (a != NULL)
		a->refs++;
	pthread_mutex_unlock(&ms->lock);
	if (a == NULL)
		return PST_OK;
	fulltext_ban(a); /* it may be about to look at one */
	mailbox_evict(ms, 0, a);
	fulltext_unban(a);
	mail_account_close(&a);
	pthread_mutex_lock(&ms->lock);
	is_open = find_there(ms, st, id) != NULL;
	pthread_mutex_unlock(&ms->lock);
	return is_open ? open_there(id, err) : PST_OK;
}

enum pst_rc
switch_over(struct mail_switch *s, struct storage *st, struct pst_acct *to,
    struct accounts *accounts,
    enum pst_rc (*decide)(void *arg, struct pst_error *err), void *arg,
    struct pst_error *err)
{
	struct mail_account *acct = s->acct;
	struct mailstore *ms = acct->ms;
	struct storage *old = acct->st;
	enum pst_rc rc = PST_OK;

	pthread_mutex_lock(&ms->lock);
	if (find_there(ms, st, acct->id) != NULL)
		rc = open_there(acct->id, err);
	else
		acct->going_to = st;
	pthread_mutex_unlock(&ms->lock);
	for (size_t i = 0; i < s->n && rc == PST_OK; i++)
		s->old_box[i] = take_box(s->mb[i]);
	if (rc == PST_OK)
		rc = decide(arg, err);
	if (rc != PST_OK) {
		pthread_mutex_lock(&ms->lock);
		acct->going_to = NULL;
		pthread_mutex_unlock(&ms->lock);
		for (size_t i = 0; i < s->n; i++) {
			give_back(s->mb[i], s->old_box[i]);
			s->old_box[i] = NULL;
		}
		return rc;
	}
	if (acct->is_watched)
		old->ops->acct_unwatch(acct->acct);
	s->old_st = old;
	s->old_acct = acct->acct;
	pthread_mutex_lock(&ms->lock);
	acct->st = st;
	acct->going_to = NULL;
	acct->acct = to;
	note_moved(ms, old, st, accounts, acct->id);
	pthread_mutex_unlock(&ms->lock);
	account_watch(acct);
	account_forget_usage(acct);
	atomic_store(&acct->kept_bytes, 0);
	for (size_t i = 0; i < s->n; i++)
		if (s->old_box[i] != NULL)
			go_on(s->mb[i], s->is_used[i]);
	return PST_OK;
}
