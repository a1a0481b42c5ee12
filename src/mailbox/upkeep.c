/*
 * mailbox/upkeep.c - see upkeep.h.
 *
 * When an account is due next follows from what was found in it: the oldest
 * message under a rule, the oldest one that is kept. It is remembered, also
 * over a restart in STATE_DIR/upkeep.state, and brought forward when something
 * happens to the account that could make more due (account_stirred()).
 */
#include "mailbox/upkeep.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "mailbox/due.h"
#include "mailbox/priv.h"
#include "mailbox/retention.h"
#include "mailbox/undelete.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

enum {
	PAGE = 64,
	PURGE_STEP = 500,
	FIRST_WAIT = 60,     /* seconds after the start, at most */
	LOOK_AGAIN = 86400,  /* where nothing tells when */
	FAILED_AGAIN = 3600, /* and one that could not be opened */
	REST = 4,	     /* times as long as the work before */
	REST_MAX = 1000000,  /* microseconds */
	REST_LEAST = 1000,
};

static const char state_name[] = "upkeep.state";

struct upkeep {
	struct mailstore *store;
	struct accounts *accounts;
	pthread_t thread;
	char *path;	/* of the state file */
	uint64_t rules; /* what the times in the table follow from */
	int64_t worked; /* clock_monotonic: when the work began */

	pthread_mutex_t lock; /* guards the following */
	pthread_cond_t quitting;
	bool quit;
	struct upkeep_status status;
};

/* --- waiting -------------------------------------------------------------- */

/* True: stop. */
static bool
wait_for(struct upkeep *u, int64_t microseconds)
{
	struct timespec until;
	bool quit;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += microseconds / 1000000;
	until.tv_nsec += microseconds % 1000000 * 1000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&u->lock);
	while (!u->quit && pthread_cond_timedwait(
			       &u->quitting, &u->lock, &until) != ETIMEDOUT)
		;
	quit = u->quit;
	pthread_mutex_unlock(&u->lock);
	return quit;
}

/* After a piece of work: the others' turn. True: stop. */
static bool
rest(void *arg)
{
	struct upkeep *u = arg;
	int64_t took = (clock_monotonic() - u->worked) * REST;
	bool quit;

	if (took < REST_LEAST)
		took = REST_LEAST;
	quit = wait_for(u, took < REST_MAX ? took : REST_MAX);
	u->worked = clock_monotonic();
	return quit;
}

/* --- an account ----------------------------------------------------------- */

static void
log_count(const char *event, const char *user, const char *mailbox,
    const char *rule, uint64_t messages)
{
	char count[24];

	(void)snprintf(count, sizeof(count), "%" PRIu64, messages);
	log_event(PST_LOG_INFO, 0, event, "user", user, "mailbox", mailbox,
	    "rule", rule, "messages", count, NULL);
}

struct visit {
	struct upkeep *upkeep;
	const struct account_user *user;
};

static void
on_done(void *arg, const struct retention_done *done)
{
	struct visit *v = arg;
	struct upkeep *u = v->upkeep;

	pthread_mutex_lock(&u->lock);
	u->status.removed.messages += done->messages;
	u->status.removed.bytes += done->bytes;
	pthread_mutex_unlock(&u->lock);
	log_count("retention", v->user->address, done->mailbox, done->rule,
	    done->messages);
}

static bool
rest_visit(void *arg)
{
	return rest(((struct visit *)arg)->upkeep);
}

/* Lowers *next_r to when the oldest one is to go. */
static enum pst_rc
purge(struct upkeep *u, struct mail_account *acct, int64_t *next_r,
    struct pst_error *err)
{
	struct config *cfg = mailstore_config(u->store);
	int64_t keep = cfg->undelete.keep;
	struct pst_kept_sum sum = { .more = true };
	enum pst_rc rc = PST_OK;
	uint64_t purged = 0;

	config_unref(&cfg);
	while (rc == PST_OK && sum.more && !rest(u)) {
		rc = undelete_purge(acct, false, PURGE_STEP, &sum, err);
		purged += sum.purged.messages;
		pthread_mutex_lock(&u->lock);
		u->status.purged.messages += sum.purged.messages;
		u->status.purged.bytes += sum.purged.bytes;
		pthread_mutex_unlock(&u->lock);
	}
	if (rc == PST_OK && sum.left.messages > 0 &&
	    sum.oldest + keep + 1 < *next_r)
		*next_r = sum.oldest + keep + 1;
	if (purged > 0)
		log_count("undelete-purge", mail_account_id(acct), NULL, NULL,
		    purged);
	return rc == PST_E_UNSUPPORTED ? PST_OK : rc;
}

static enum pst_rc
visit(struct upkeep *u, const struct account_user *user, int64_t *next_r,
    struct pst_error *err)
{
	struct visit v = { u, user };
	const struct retention_how how = {
		.fn = on_done, .stop = rest_visit, .arg = &v
	};
	struct mail_account *acct;
	struct config *cfg;
	enum pst_rc rc;

	/* Of what is expunged from now on nothing is due before that. */
	cfg = mailstore_config(u->store);
	*next_r = clock_seconds() +
		  (cfg->undelete.keep > 0 ? cfg->undelete.keep : LOOK_AGAIN);
	config_unref(&cfg);
	if (!mail_account_exists(u->store, user))
		return PST_OK;
	rc = mail_account_open(u->store, user, &acct, err);
	if (rc != PST_OK)
		return rc;
	account_settled(acct);
	if (strcmp(user->address, ACCOUNT_PUBLIC) != 0)
		rc = retention_run(acct, &how, next_r, err);
	if (rc == PST_OK)
		rc = purge(u, acct, next_r, err);
	mail_account_close(&acct);
	return rc;
}

/* The page that a user comes from may be old: what was done for those before
 * took its time. False: there is no such user any more. */
static bool
find_present(struct upkeep *u, const struct account_user *user,
    struct account_user *present_r)
{
	struct pst_error err = { 0 };
	enum pst_rc rc;

	if (strcmp(user->address, ACCOUNT_PUBLIC) == 0) {
		*present_r = *user;
		return true;
	}
	rc = account_find(u->accounts, user->address, present_r, &err);
	if (rc != PST_OK && rc != PST_E_NOTFOUND)
		log_failure(PST_LOG_WARNING, 0, "upkeep", &err);
	return rc == PST_OK;
}

/* True: stop. */
static bool
look_at(struct upkeep *u, const struct account_user *user)
{
	struct due *due = u->store->due;
	int64_t now = clock_seconds(), next = 0;
	struct account_user present;
	struct pst_error err = { 0 };

	if (due_get(due, user->address) > now)
		return false;
	if (!find_present(u, user, &present))
		return false;
	user = &present;
	/* Asked for each time, so that the end of a hold is seen soon. */
	if (user->on_hold) {
		due_set(due, user->address, INT64_MIN);
		return false;
	}
	/* Before the look, so that what happens meanwhile counts. */
	due_set(due, user->address, INT64_MAX);
	if (visit(u, user, &next, &err) != PST_OK) {
		log_failure(PST_LOG_WARNING, 0, "upkeep", &err);
		next = now + FAILED_AGAIN;
		pthread_mutex_lock(&u->lock);
		u->status.failures++;
		pthread_mutex_unlock(&u->lock);
	}
	/* A stop may have cut it short. */
	if (wait_for(u, 0))
		next = now;
	due_by(due, user->address, next);
	pthread_mutex_lock(&u->lock);
	u->status.visited++;
	pthread_mutex_unlock(&u->lock);
	return rest(u);
}

/* --- all accounts --------------------------------------------------------- */

/* Other rules, other times. */
static uint64_t
fingerprint(const struct config *cfg)
{
	char text[512];
	uint64_t h = 0;

	(void)snprintf(text, sizeof(text), "%" PRId64 " %" PRId64,
	    cfg->undelete.keep, cfg->undelete.size);
	h = due_hash(str_of(text), h);
	for (size_t i = 0; i < cfg->retentions; i++) {
		const struct config_retention *r = &cfg->retention[i];

		(void)snprintf(text, sizeof(text),
		    "\n%" PRId64 " %" PRId64 " %" PRId64 " ", r->age,
		    r->max_messages, r->max_size);
		h = due_hash(str_of(text), h);
		h = due_hash(str_of(r->mailbox), h);
		h = due_hash(STR(" "), h);
		h = due_hash(str_of(r->special_use), h);
	}
	return h;
}

static void
check_rules(struct upkeep *u, const struct config *cfg)
{
	uint64_t rules = fingerprint(cfg);

	if (rules != u->rules)
		due_clear(u->store->due);
	u->rules = rules;
}

/* False: stopped. */
static bool
sweep_users(struct upkeep *u)
{
	struct account_user *page = mem_array(PAGE, sizeof(*page));
	char after[sizeof(page->address)] = "";
	struct pst_error err = { 0 };
	bool quit = false;
	size_t n = PAGE;

	while (n == PAGE && !quit) {
		if (account_page(u->accounts, after, page, PAGE, &n, &err) !=
		    PST_OK) {
			log_failure(PST_LOG_WARNING, 0, "upkeep", &err);
			break;
		}
		for (size_t i = 0; i < n && !quit; i++)
			quit = look_at(u, &page[i]);
		if (n > 0)
			(void)str_copy(
			    after, sizeof(after), str_of(page[n - 1].address));
		if (n == PAGE && !quit)
			quit = rest(u);
	}
	free(page);
	return !quit && n < PAGE;
}

static void
sweep(struct upkeep *u)
{
	const struct account_user shared = { .address = ACCOUNT_PUBLIC };
	uint64_t visited;

	pthread_mutex_lock(&u->lock);
	u->status.sweeping = true;
	u->status.began = clock_seconds();
	u->status.visited = 0;
	pthread_mutex_unlock(&u->lock);
	u->worked = clock_monotonic();
	due_sweep_begin(u->store->due);
	/* Of public mailboxes there is only what is kept. */
	if (sweep_users(u) && !look_at(u, &shared))
		due_sweep_end(u->store->due);
	pthread_mutex_lock(&u->lock);
	u->status.sweeping = false;
	u->status.ended = clock_seconds();
	visited = u->status.visited;
	pthread_mutex_unlock(&u->lock);
	if (visited > 0 && !due_save(u->store->due, u->path, u->rules))
		log_text(PST_LOG_WARNING, 0, "upkeep", "cannot write %s: %s",
		    u->path, strerror(errno));
}

static void *
upkeep_main(void *arg)
{
	struct upkeep *u = arg;
	bool first = true, quit = false;

	while (!quit) {
		struct config *cfg = mailstore_config(u->store);
		int64_t seconds = cfg->upkeep.interval;

		if (first && seconds > FIRST_WAIT)
			seconds = FIRST_WAIT;
		config_unref(&cfg);
		pthread_mutex_lock(&u->lock);
		u->status.next = clock_seconds() + seconds;
		pthread_mutex_unlock(&u->lock);
		quit = wait_for(u, seconds * 1000000);
		if (quit)
			break;
		first = false;
		cfg = mailstore_config(u->store);
		check_rules(u, cfg);
		config_unref(&cfg);
		sweep(u);
		quit = wait_for(u, 0);
	}
	return NULL;
}

/* --- what happens to accounts --------------------------------------------- */

void
account_stirred(struct mail_account *acct, uint64_t arrived, uint64_t kept)
{
	struct config *cfg;
	bool counted = false;
	uint64_t size, sum;

	if (atomic_load(&acct->is_due))
		return;
	cfg = mailstore_config(acct->ms);
	for (size_t i = 0; i < cfg->retentions && arrived > 0; i++)
		counted |= cfg->retention[i].max_messages > 0 ||
			   cfg->retention[i].max_size > 0;
	size = (uint64_t)cfg->undelete.size;
	config_unref(&cfg);
	sum = atomic_fetch_add(&acct->kept_bytes, kept) + kept;
	if (counted || (kept > 0 && size > 0 && sum > size / 8)) {
		atomic_store(&acct->is_due, true);
		due_by(acct->ms->due, acct->id, clock_seconds());
	} else if (kept > 0 && size > 0 && sum == kept) {
		/* The sum is forgotten when the account is closed. */
		due_by(acct->ms->due, acct->id, clock_seconds() + LOOK_AGAIN);
	}
}

void
account_settled(struct mail_account *acct)
{
	atomic_store(&acct->kept_bytes, 0);
	atomic_store(&acct->is_due, false);
}

/* --- start and stop ------------------------------------------------------- */

static char *
state_path(const struct config *cfg)
{
	struct buf b;
	char *path;

	buf_init(&b, 8192);
	(void)buf_printf(&b, "%s/%s", cfg->state_dir, state_name);
	path = str_dup(buf_str(&b));
	buf_fini(&b);
	return path;
}

static void
upkeep_free(struct upkeep *u)
{
	pthread_mutex_destroy(&u->lock);
	pthread_cond_destroy(&u->quitting);
	free(u->path);
	free(u);
}

struct upkeep *
upkeep_start(
    struct mailstore *store, struct accounts *accounts, struct pst_error *err)
{
	struct config *cfg = mailstore_config(store);
	struct upkeep *u = mem_alloc(sizeof(*u));
	pthread_condattr_t monotonic;
	int failed;

	u->store = store;
	u->accounts = accounts;
	u->path = state_path(cfg);
	u->rules = fingerprint(cfg);
	config_unref(&cfg);
	pthread_mutex_init(&u->lock, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&u->quitting, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	(void)due_load(store->due, u->path, u->rules);
	failed = pthread_create(&u->thread, NULL, upkeep_main, u);
	if (failed != 0) {
		(void)pst_fail(err, PST_E_TEMP, failed,
		    "cannot start the thread for upkeep: %s", strerror(failed));
		upkeep_free(u);
		return NULL;
	}
	return u;
}

void
upkeep_stop(struct upkeep **up)
{
	struct upkeep *u = *up;

	*up = NULL;
	if (u == NULL)
		return;
	pthread_mutex_lock(&u->lock);
	u->quit = true;
	pthread_cond_signal(&u->quitting);
	pthread_mutex_unlock(&u->lock);
	(void)pthread_join(u->thread, NULL);
	(void)due_save(u->store->due, u->path, u->rules);
	upkeep_free(u);
}

void
upkeep_status(struct upkeep *u, struct upkeep_status *s)
{
	pthread_mutex_lock(&u->lock);
	*s = u->status;
	pthread_mutex_unlock(&u->lock);
	s->accounts = due_count(u->store->due);
}
