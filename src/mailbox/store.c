/*
 * mailbox/store.c - the open storages, and the accounts in them. An account is
 * open while somebody has it or one of its mailboxes is kept in memory.
 */
#include "mailbox/priv.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "mailbox/due.h"
#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum { POLL_SECONDS = 3 };

struct config *
mailstore_config(struct mailstore *ms)
{
	struct config *cfg;

	pthread_mutex_lock(&ms->cfg_lock);
	cfg = config_ref(ms->cfg);
	pthread_mutex_unlock(&ms->cfg_lock);
	return cfg;
}

struct mailstore *
mailstore_open(struct config *cfg, struct pst_error *err)
{
	struct mailstore *ms = mem_alloc(sizeof(*ms));
	pthread_condattr_t monotonic;
	enum pst_rc rc = PST_OK;

	ms->start_cfg = config_ref(cfg);
	ms->cfg = config_ref(cfg);
	pthread_mutex_init(&ms->cfg_lock, NULL);
	pthread_mutex_init(&ms->lock, NULL);
	pthread_mutex_init(&ms->poll_lock, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&ms->poll_stop, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	fulltext_init(ms, cfg);
	ms->due = due_new();
	ms->storage = mem_array(cfg->storages, sizeof(*ms->storage));
	for (size_t i = 0; i < cfg->storages && rc == PST_OK; i++) {
		rc = storage_load(&ms->storage[i], ms->start_cfg,
		    &ms->start_cfg->storage[i], err);
		ms->storages++;
	}
	if (rc != PST_OK)
		mailstore_close(&ms);
	return ms;
}

void
mailstore_close(struct mailstore **msp)
{
	struct mailstore *ms = *msp;

	if (ms == NULL)
		return;
	pthread_mutex_lock(&ms->poll_lock);
	ms->poll_quit = true;
	pthread_cond_signal(&ms->poll_stop);
	pthread_mutex_unlock(&ms->poll_lock);
	if (ms->polling)
		(void)pthread_join(ms->poll_thread, NULL);
	fulltext_stop(ms);
	mailbox_evict(ms, 0, NULL);
	for (size_t i = 0; i < ms->storages; i++)
		storage_unload(&ms->storage[i]);
	free(ms->storage);
	due_free(&ms->due);
	account_moves_free(ms);
	config_unref(&ms->cfg);
	config_unref(&ms->start_cfg);
	pthread_mutex_destroy(&ms->lock);
	pthread_mutex_destroy(&ms->cfg_lock);
	pthread_mutex_destroy(&ms->poll_lock);
	pthread_cond_destroy(&ms->poll_stop);
	free(ms);
	*msp = NULL;
}

void
mailstore_reconfigure(struct mailstore *ms, struct config *cfg)
{
	pthread_mutex_lock(&ms->cfg_lock);
	config_unref(&ms->cfg);
	ms->cfg = config_ref(cfg);
	pthread_mutex_unlock(&ms->cfg_lock);
	fulltext_configure(ms, cfg);
}

/* --- accounts
 * ----------------------------------------------------------------- */

size_t
account_bucket(const char *id)
{
	uint64_t h = 1469598103934665603U;

	for (; *id != '\0'; id++)
		h = (h ^ (unsigned char)*id) * 1099511628211U;
	return h % ACCOUNT_BUCKETS;
}

struct storage *
storage_for(struct mailstore *ms, const struct account_user *user,
    struct pst_error *err)
{
	const char *name = account_storage(user);

	if (*name == '\0')
		name = config_default_storage(ms->start_cfg)->name;
	for (size_t i = 0; i < ms->storages; i++)
		if (strcmp(ms->storage[i].cfg->name, name) == 0)
			return &ms->storage[i];
	(void)pst_fail(err, PST_E_TEMP, 0, "%s: there is no storage \"%s\"",
	    user->address, name);
	return NULL;
}

static void
init_locks(struct mail_account *acct)
{
	pthread_rwlockattr_t attr;

	pthread_mutex_init(&acct->open_lock, NULL);
	pthread_mutex_init(&acct->usage_lock, NULL);
	pthread_mutex_init(&acct->acl_lock, NULL);
	pthread_mutex_init(&acct->watch_lock, NULL);
	/* Renaming has to come through although mail comes all the time. */
	(void)pthread_rwlockattr_init(&attr);
	(void)pthread_rwlockattr_setkind_np(
	    &attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&acct->names, &attr);
	(void)pthread_rwlockattr_destroy(&attr);
	/* Readers come in again although a writer waits. */
	pthread_rwlock_init(&acct->gate, NULL);
	atomic_flag_clear(&acct->converting);
}

/* `moves`: of the mailstore when `st` was looked up; NULL: that is out of date.
 */
static struct mail_account *
account_find_or_make(
    struct mailstore *ms, struct storage *st, const char *id, unsigned moves)
{
	struct mail_account **at = &ms->bucket[account_bucket(id)], *acct;

	pthread_mutex_lock(&ms->lock);
	if (moves != ms->moves) {
		pthread_mutex_unlock(&ms->lock);
		return NULL;
	}
	for (acct = *at; acct != NULL; acct = acct->next)
		if ((acct->st == st || acct->going_to == st) &&
		    strcmp(acct->id, id) == 0)
			break;
	if (acct == NULL) {
		acct = mem_alloc(sizeof(*acct));
		acct->ms = ms;
		acct->st = st;
		(void)str_copy(acct->id, sizeof(acct->id), str_of(id));
		init_locks(acct);
		acct->next = *at;
		*at = acct;
	}
	acct->refs++;
	pthread_mutex_unlock(&ms->lock);
	return acct;
}

/* The account of a user, where their mail is now. */
static struct mail_account *
account_of(struct mailstore *ms, const struct account_user *user,
    struct pst_error *err)
{
	for (;;) {
		struct mail_account *acct;
		struct storage *st;
		unsigned moves;

		pthread_mutex_lock(&ms->lock);
		moves = ms->moves;
		pthread_mutex_unlock(&ms->lock);
		st = storage_for(ms, user, err);
		if (st != NULL)
			st = account_moved_to(ms, st, user->address, err);
		if (st == NULL)
			return NULL;
		acct = account_find_or_make(ms, st, user->address, moves);
		if (acct != NULL)
			return acct;
	}
}

void
account_take(struct mail_account *acct)
{
	pthread_mutex_lock(&acct->ms->lock);
	acct->refs++;
	pthread_mutex_unlock(&acct->ms->lock);
}

/* Sent, Drafts and so on of a new account. */
static enum pst_rc
make_mailboxes(struct mail_account *acct, struct pst_error *err)
{
	struct config *cfg = mailstore_config(acct->ms);
	const struct pst_store_ops *ops = acct->st->ops;
	enum pst_rc rc = ops->subscribe(acct->acct, "INBOX", true, err);

	for (size_t i = 0; i < cfg->mailboxes && rc == PST_OK; i++) {
		const struct config_mailbox *m = &cfg->mailbox[i];

		if (m->create)
			rc = ops->create(
			    acct->acct, m->name, m->special_use, err);
		if (rc == PST_E_EXISTS)
			rc = PST_OK;
		if (rc == PST_OK && m->subscribe)
			rc = ops->subscribe(acct->acct, m->name, true, err);
	}
	config_unref(&cfg);
	return rc;
}

/* Set once the mailboxes above are there. No client sees it: the names of what
 * clients may ask for begin with a slash (RFC 5464). */
#define MADE_KEY "postern/mailboxes"

static void
note_made(void *arg, const char *key, struct pst_str value)
{
	(void)key;
	(void)value;
	*(bool *)arg = true;
}

/*
 * Makes what a new account lacks; also later, when a crash or a full disk came
 * in between, or when the mail was there before the server.
 */
static enum pst_rc
complete_account(struct mail_account *acct, bool created, struct pst_error *err)
{
	const struct pst_store_ops *ops = acct->st->ops;
	bool made = false;
	enum pst_rc rc;

	if (strcmp(acct->id, ACCOUNT_PUBLIC) == 0) { /* nobody's mail */
		acct->is_complete = true;
		return PST_OK;
	}
	rc = ops->meta_get(acct->acct, NULL, MADE_KEY, note_made, &made, err);

	if (rc == PST_OK && !made) {
		rc = make_mailboxes(acct, err);
		if (rc == PST_OK)
			rc = ops->meta_set(
			    acct->acct, NULL, MADE_KEY, STR("1"), err);
	}
	acct->is_complete = rc == PST_OK;
	/* Who has mail can read it all the same. */
	if (rc != PST_OK && !created) {
		log_failure(PST_LOG_WARNING, 0, "mailboxes", err);
		rc = PST_OK;
	}
	return rc;
}

static void
set_limits(struct mail_account *acct, const struct account_user *user)
{
	struct config *cfg = mailstore_config(acct->ms);

	pthread_mutex_lock(&acct->usage_lock);
	acct->limit.bytes = (uint64_t)(user->quota_bytes >= 0
					   ? user->quota_bytes
					   : cfg->quota.bytes);
	acct->limit.messages = (uint64_t)(user->quota_messages >= 0
					      ? user->quota_messages
					      : cfg->quota.messages);
	pthread_mutex_unlock(&acct->usage_lock);
	atomic_store(&acct->on_hold, user->on_hold);
	config_unref(&cfg);
}

void
account_stirred_by_others(void *account)
{
	struct mail_account *acct = account;

	account_wake_shared(acct->ms, acct->id);
}

void
account_watch(struct mail_account *acct)
{
	const struct pst_store_ops *ops = acct->st->ops;
	struct pst_error trouble;

	acct->is_watched = false;
	if (ops->acct_watch == NULL)
		return;
	acct->is_watched = ops->acct_watch(acct->acct, acct, &trouble) ==
			   PST_OK;
	if (!acct->is_watched)
		log_failure(PST_LOG_WARNING, 0, "watch", &trouble);
}

const struct pst_store_ops *
account_enter(struct mail_account *acct)
{
	pthread_rwlock_rdlock(&acct->gate);
	return acct->st->ops;
}

void
account_leave(struct mail_account *acct)
{
	pthread_rwlock_unlock(&acct->gate);
}

/* Has the module open the account. Wants open_lock. */
static enum pst_rc
open_in_store(struct mail_account *acct, bool *created_r, struct pst_error *err)
{
	const struct pst_store_ops *ops = acct->st->ops;
	enum pst_rc rc = ops->acct_open(
	    acct->st->store, acct->id, &acct->acct, created_r, err);

	acct->is_complete = false;
	if (rc != PST_OK) {
		acct->acct = NULL;
		return rc;
	}
	account_watch(acct);
	return PST_OK;
}

static void
close_in_store(struct mail_account *acct)
{
	const struct pst_store_ops *ops = acct->st->ops;

	if (acct->acct == NULL)
		return;
	if (acct->is_watched)
		ops->acct_unwatch(acct->acct);
	acct->is_watched = false;
	ops->acct_close(acct->acct);
	acct->acct = NULL;
}

enum pst_rc
mail_account_open(struct mailstore *ms, const struct account_user *user,
    struct mail_account **acct_r, struct pst_error *err)
{
	struct mail_account *acct = account_of(ms, user, err);
	enum pst_rc rc = PST_OK;
	bool created = false;

	*acct_r = NULL;
	if (acct == NULL)
		return PST_E_TEMP;
	set_limits(acct, user);
	pthread_mutex_lock(&acct->open_lock);
	if (acct->acct == NULL)
		rc = open_in_store(acct, &created, err);
	if (rc == PST_OK && !acct->is_complete)
		rc = complete_account(acct, created, err);
	pthread_mutex_unlock(&acct->open_lock);
	if (rc != PST_OK)
		mail_account_close(&acct);
	*acct_r = acct;
	return rc;
}

void
mail_account_close(struct mail_account **acctp)
{
	struct mail_account *acct = *acctp, **at;
	struct mailstore *ms;

	*acctp = NULL;
	if (acct == NULL)
		return;
	ms = acct->ms;
	pthread_mutex_lock(&ms->lock);
	if (acct->refs > 1) {
		acct->refs--;
		pthread_mutex_unlock(&ms->lock);
		return;
	}
	pthread_mutex_unlock(&ms->lock);

	/* The last one, so far: the module closes it while it is still in the
	 * table, so that who opens it anew waits for that. */
	pthread_mutex_lock(&acct->open_lock);
	pthread_mutex_lock(&ms->lock);
	if (--acct->refs > 0) {
		pthread_mutex_unlock(&ms->lock);
		pthread_mutex_unlock(&acct->open_lock);
		return;
	}
	acct->refs++;
	pthread_mutex_unlock(&ms->lock);
	close_in_store(acct);
	acct->usage_known = false;
	pthread_mutex_lock(&ms->lock);
	if (--acct->refs > 0) {
		pthread_mutex_unlock(&ms->lock);
		pthread_mutex_unlock(&acct->open_lock);
		return;
	}
	for (at = &ms->bucket[account_bucket(acct->id)]; *at != acct;
	     at = &(*at)->next)
		;
	*at = acct->next;
	pthread_mutex_unlock(&ms->lock);
	pthread_mutex_unlock(&acct->open_lock);
	pthread_mutex_destroy(&acct->open_lock);
	pthread_mutex_destroy(&acct->usage_lock);
	pthread_mutex_destroy(&acct->acl_lock);
	pthread_mutex_destroy(&acct->watch_lock);
	pthread_rwlock_destroy(&acct->names);
	pthread_rwlock_destroy(&acct->gate);
	free(acct);
}

bool
mail_account_exists(struct mailstore *ms, const struct account_user *user)
{
	struct storage *st = storage_for(ms, user, NULL);

	if (st != NULL)
		st = account_moved_to(ms, st, user->address, NULL);
	return st != NULL &&
	       (st->ops->acct_exists == NULL ||
		   st->ops->acct_exists(st->store, user->address));
}

const char *
mail_account_id(const struct mail_account *acct)
{
	return acct->id;
}

enum pst_rc
mail_account_remove(struct mailstore *ms, const struct account_user *user,
    struct pst_error *err)
{
	struct mail_account *acct = account_of(ms, user, err);
	enum pst_rc rc;
	bool busy;

	if (acct == NULL)
		return PST_E_TEMP;
	fulltext_ban(acct);
	mailbox_evict(ms, 0, acct);
	pthread_mutex_lock(&acct->open_lock);
	pthread_mutex_lock(&ms->lock);
	busy = acct->refs > 1;
	pthread_mutex_unlock(&ms->lock);
	if (busy) {
		rc = pst_fail(
		    err, PST_E_CONFLICT, 0, "%s: the mail is in use", acct->id);
	} else {
		close_in_store(acct);
		rc = acct->st->ops->acct_remove(acct->st->store, acct->id, err);
		account_forget_usage(acct);
	}
	pthread_mutex_unlock(&acct->open_lock);
	fulltext_unban(acct);
	mail_account_close(&acct);
	return rc;
}

/* --- usage
 * ---------------------------------------------------------------------- */

void
account_use(struct mail_account *acct, int64_t messages, int64_t bytes)
{
	if (messages > 0)
		account_stirred(acct, (uint64_t)messages, 0);
	pthread_mutex_lock(&acct->usage_lock);
	acct->usage_moves++;
	if (acct->usage_known) {
		struct pst_usage *u = &acct->usage;

		u->messages += (uint64_t)messages;
		u->bytes += (uint64_t)bytes;
		/* Others took away more than was known. */
		if (u->messages > INT64_MAX || u->bytes > INT64_MAX)
			acct->usage_known = false;
	}
	pthread_mutex_unlock(&acct->usage_lock);
}

void
account_change_begin(struct mail_account *acct)
{
	pthread_mutex_lock(&acct->usage_lock);
	acct->usage_moves++;
	acct->usage_busy++;
	pthread_mutex_unlock(&acct->usage_lock);
}

void
account_change_end(struct mail_account *acct)
{
	pthread_mutex_lock(&acct->usage_lock);
	acct->usage_busy--;
	pthread_mutex_unlock(&acct->usage_lock);
}

void
account_forget_usage(struct mail_account *acct)
{
	pthread_mutex_lock(&acct->usage_lock);
	acct->usage_moves++;
	acct->usage_known = false;
	pthread_mutex_unlock(&acct->usage_lock);
}

enum pst_rc
mail_account_usage(struct mail_account *acct, struct pst_usage *usage_r,
    struct pst_usage *limit_r, struct pst_error *err)
{
	struct pst_usage counted;
	enum pst_rc rc = PST_OK;
	unsigned moves;
	bool known, busy;

	pthread_mutex_lock(&acct->usage_lock);
	known = acct->usage_known;
	moves = acct->usage_moves;
	busy = acct->usage_busy > 0;
	*usage_r = acct->usage;
	*limit_r = acct->limit;
	pthread_mutex_unlock(&acct->usage_lock);
	/* Other servers may add to what is remembered here. */
	if (known && (acct->st->ops->traits & PST_STORE_SHARED) == 0)
		return PST_OK;
	rc = account_enter(acct)->usage(acct->acct, &counted, err);
	account_leave(acct);
	if (rc != PST_OK)
		return rc;
	*usage_r = counted;
	/* What changed during the count may be in it or not. */
	pthread_mutex_lock(&acct->usage_lock);
	acct->usage = counted;
	acct->usage_known = !busy && moves == acct->usage_moves;
	pthread_mutex_unlock(&acct->usage_lock);
	return PST_OK;
}

enum pst_rc
mail_account_room_for(struct mail_account *acct, uint64_t messages,
    uint64_t bytes, struct pst_error *err)
{
	struct pst_usage usage, limit;
	enum pst_rc rc;

	pthread_mutex_lock(&acct->usage_lock);
	limit = acct->limit;
	pthread_mutex_unlock(&acct->usage_lock);
	if ((limit.bytes == 0 && limit.messages == 0) ||
	    (messages == 0 && bytes == 0))
		return PST_OK;
	rc = mail_account_usage(acct, &usage, &limit, err);
	if (rc != PST_OK)
		return rc;
	if ((limit.bytes != 0 && usage.bytes + bytes > limit.bytes) ||
	    (limit.messages != 0 && messages != 0 &&
		usage.messages + messages > limit.messages))
		return pst_fail(
		    err, PST_E_QUOTA, 0, "%s: over quota", acct->id);
	return PST_OK;
}

enum pst_rc
mail_account_room(
    struct mail_account *acct, uint64_t bytes, struct pst_error *err)
{
	return mail_account_room_for(acct, 1, bytes, err);
}

void
account_wake_shared(struct mailstore *ms, const char *id)
{
	struct mail_account *a;

	pthread_mutex_lock(&ms->lock);
	for (a = ms->bucket[account_bucket(id)]; a != NULL; a = a->next) {
		if (strcmp(a->id, id) != 0)
			continue;
		atomic_fetch_add(&a->acl_changes, 1);
		for (struct mailbox *mb = a->mailboxes; mb != NULL;
		     mb = mb->next) {
			pthread_mutex_lock(&mb->lock);
			mailbox_wake_views(mb);
			pthread_mutex_unlock(&mb->lock);
		}
	}
	pthread_mutex_unlock(&ms->lock);
}

/* --- polling, where the storage cannot watch
 * --------------------------------------- */

static void
poll_all(struct mailstore *ms)
{
	pthread_mutex_lock(&ms->lock);
	for (size_t i = 0; i < ACCOUNT_BUCKETS; i++)
		for (struct mail_account *a = ms->bucket[i]; a != NULL;
		     a = a->next)
			for (struct mailbox *mb = a->mailboxes; mb != NULL;
			     mb = mb->next) {
				bool blind;

				pthread_mutex_lock(&mb->lock);
				blind = (mb->views != NULL || mb->pins > 0) &&
					!mb->watched;
				pthread_mutex_unlock(&mb->lock);
				if (blind)
					mailbox_stirred(mb);
			}
	pthread_mutex_unlock(&ms->lock);
}

static void *
poll_main(void *arg)
{
	struct mailstore *ms = arg;

	pthread_mutex_lock(&ms->poll_lock);
	while (!ms->poll_quit) {
		struct timespec until;

		(void)clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += POLL_SECONDS;
		if (pthread_cond_timedwait(
			&ms->poll_stop, &ms->poll_lock, &until) != ETIMEDOUT)
			continue;
		pthread_mutex_unlock(&ms->poll_lock);
		poll_all(ms);
		pthread_mutex_lock(&ms->poll_lock);
	}
	pthread_mutex_unlock(&ms->poll_lock);
	return NULL;
}

/* Starts the thread when the first mailbox needs it. */
static void
start_polling(struct mailstore *ms)
{
	pthread_mutex_lock(&ms->poll_lock);
	if (!ms->polling && !ms->poll_quit)
		ms->polling = pthread_create(
				  &ms->poll_thread, NULL, poll_main, ms) == 0;
	pthread_mutex_unlock(&ms->poll_lock);
}

void
mailbox_watch(struct mailbox *mb)
{
	const struct pst_store_ops *ops = mb->acct->st->ops;
	struct pst_error err;
	bool watched = false;

	if (ops->watch != NULL) {
		watched = ops->watch(mb->box, mb, &err) == PST_OK;
		if (!watched)
			log_failure(PST_LOG_WARNING, 0, "watch", &err);
	}
	pthread_mutex_lock(&mb->lock);
	mb->watched = watched;
	pthread_mutex_unlock(&mb->lock);
	if (!watched)
		start_polling(mb->acct->ms);
}
