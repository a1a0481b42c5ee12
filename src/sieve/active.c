/*
 * sieve/active.c - the active scripts of users who got mail lately, compiled.
 * Most users have none: that is remembered, too, so that a delivery does not
 * look.
 */
#include "sieve/active.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "sieve/scripts.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
	SLOTS = 1024,
	BELIEVED = 10, /* seconds; other servers may change scripts */
	/* Octets of the texts of all scripts that are remembered; compiled they
	 * are some times as large. */
	TEXTS_MAX = 4 << 20,
};

struct sieve_active {
	atomic_uint refs;
	struct sieve_script *script; /* or NULL: there is none */
	char *name;
	size_t size; /* of the text */
};

static struct slot {
	char *who; /* mail_account_id() */
	struct sieve_active *active;
	int64_t until;	  /* clock_monotonic() */
	uint64_t changes; /* of accounts of this slot */
} slots[SLOTS];
static size_t texts;					 /* of all slots */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards these two */

static struct slot *
slot_of(const char *who)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *who != '\0'; who++)
		hash = (hash ^ (unsigned char)*who) * UINT64_C(0x100000001b3);
	return &slots[(hash ^ hash >> 32) % SLOTS];
}

void
sieve_active_release(struct sieve_active **ap)
{
	struct sieve_active *a = *ap;

	*ap = NULL;
	if (a == NULL || atomic_fetch_sub(&a->refs, 1) > 1)
		return;
	sieve_script_free(&a->script);
	free(a->name);
	free(a);
}

static struct sieve_active *
reference(struct sieve_active *a)
{
	atomic_fetch_add(&a->refs, 1);
	return a;
}

/* With the lock. What it had is to be released without. */
static struct sieve_active *
empty(struct slot *s)
{
	struct sieve_active *old = s->active;

	if (old != NULL)
		texts -= old->size;
	free(s->who);
	s->who = NULL;
	s->active = NULL;
	return old;
}

void
sieve_active_forget(const struct mail_account *acct)
{
	struct slot *s = slot_of(mail_account_id(acct));
	struct sieve_active *old;

	(void)pthread_mutex_lock(&lock);
	s->changes++;
	old = empty(s);
	(void)pthread_mutex_unlock(&lock);
	sieve_active_release(&old);
}

/* NULL: it is not known; `changes_r` is for remember(). */
static struct sieve_active *
recall(const char *who, uint64_t *changes_r)
{
	struct slot *s = slot_of(who);
	struct sieve_active *a = NULL;

	(void)pthread_mutex_lock(&lock);
	*changes_r = s->changes;
	if (s->who != NULL && s->until > clock_monotonic() &&
	    strcmp(s->who, who) == 0)
		a = reference(s->active);
	(void)pthread_mutex_unlock(&lock);
	return a;
}

/* Scripts whose time is over, to make room. With the lock. */
static void
drop_old(struct sieve_active *old[SLOTS], size_t *n)
{
	int64_t now = clock_monotonic();

	for (size_t i = 0; i < SLOTS; i++)
		if (slots[i].who != NULL && slots[i].until <= now)
			old[(*n)++] = empty(&slots[i]);
}

static void
remember(const char *who, uint64_t changes, struct sieve_active *a)
{
	struct slot *s = slot_of(who);
	struct sieve_active *old[SLOTS + 1];
	size_t n = 0;

	(void)pthread_mutex_lock(&lock);
	if (texts + a->size > TEXTS_MAX)
		drop_old(old, &n);
	/* Otherwise what was read may be what there was before. */
	if (s->changes == changes && texts + a->size <= TEXTS_MAX) {
		old[n++] = empty(s);
		s->who = str_dup(str_of(who));
		s->active = reference(a);
		s->until = clock_monotonic() + BELIEVED * INT64_C(1000000);
		texts += a->size;
	}
	(void)pthread_mutex_unlock(&lock);
	while (n > 0)
		sieve_active_release(&old[--n]);
}

/* --- reading it ------------------------------------------------------------
 */

static void
tell(const struct mail_account *acct, const struct sieve_entry *e,
    const char *why)
{
	log_event(PST_LOG_WARNING, 0, "sieve-active", "user",
	    mail_account_id(acct), "script", e->name, "why", why, NULL);
}

static void
compile(struct sieve_active *a, const struct mail_account *acct,
    const struct sieve_entry *e, struct pst_str text, const struct config *cfg)
{
	struct sieve_limits limits = sieve_limits_of(cfg);
	struct sieve_problem problem = { 0 };
	char why[sizeof(problem.text) + 32];

	/* It was put when more was allowed, perhaps. */
	if (text.n > limits.script_size)
		limits.script_size = text.n;
	a->script = sieve_compile(text, &limits, &problem);
	if (a->script == NULL) {
		(void)snprintf(why, sizeof(why), "line %u: %s", problem.line,
		    problem.text);
		tell(acct, e, why);
		return;
	}
	a->name = str_dup(str_of(e->name));
	a->size = text.n;
}

/* False: that is not to be remembered. */
static bool
read_active(
    struct sieve_active *a, struct mail_account *acct, const struct config *cfg)
{
	struct pst_error err = { 0 };
	const struct sieve_entry *e = NULL;
	struct sieve_list list;
	struct buf text;
	enum pst_rc rc = sieve_list(acct, &list, &err);

	buf_init(&text, 1 << 20);
	for (size_t i = 0; rc == PST_OK && i < list.n && e == NULL; i++)
		if (list.v[i].is_active)
			e = &list.v[i];
	if (e != NULL) {
		rc = sieve_text(acct, e->text_id, &text, &err);
		if (rc == PST_OK)
			compile(a, acct, e, buf_str(&text), cfg);
		else
			tell(acct, e, err.detail);
	} else if (rc != PST_OK) {
		log_failure(PST_LOG_WARNING, 0, "sieve-active", &err);
	}
	buf_fini(&text);
	sieve_list_fini(&list);
	return rc == PST_OK;
}

struct sieve_active *
sieve_active_get(struct mail_account *acct, const struct config *cfg)
{
	const char *who = mail_account_id(acct);
	struct sieve_active *a;
	uint64_t changes;

	if (!cfg->sieve.enabled)
		return NULL;
	a = recall(who, &changes);
	if (a == NULL) {
		a = mem_alloc(sizeof(*a));
		atomic_init(&a->refs, 1);
		if (read_active(a, acct, cfg))
			remember(who, changes, a);
	}
	if (a->script == NULL)
		sieve_active_release(&a);
	return a;
}

const struct sieve_script *
sieve_active_script(const struct sieve_active *a)
{
	return a->script;
}

const char *
sieve_active_name(const struct sieve_active *a)
{
	return a->name;
}
