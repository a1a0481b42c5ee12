/*
 * mailbox/seen_live.c - a user's own \Seen of a mailbox that others have too:
 * one set for all sessions of the user, beside the live mailbox; kept as a text
 * in the user's own account, so that nobody else sees it.
 */
#include "mailbox/priv.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include <stdlib.h>

/* No client sees it (RFC 5464); behind it the account and the mailbox's id,
 * which stays when the mailbox is renamed. */
#define SEEN_KEY "postern/seen/"
enum {
	SEEN_KEY_MAX = 400,
	SEEN_MAILBOXES_MAX = 800, /* of a user; then the oldest is forgotten */
	SEEN_JOIN_FROM = 64,	  /* ranges */
};

struct seen {
	struct seen *next;	   /* in the mailbox; mailbox.lock */
	size_t refs;		   /* mailbox.lock */
	struct mail_account *user; /* a reference; never changes */
	struct seen_set set;	   /* mailbox.lock */
	char key[SEEN_KEY_MAX];
};

struct seen_set *
seen_set_of(struct seen *seen)
{
	return &seen->set;
}

/* --- on the disk -------------------------------------------------------------
 */

struct loading {
	struct seen *seen;
	bool found;
};

static void
take_text(void *arg, const char *key, struct pst_str value)
{
	struct loading *l = arg;

	if (!l->found && strcmp(key, l->seen->key) == 0)
		l->found = seen_parse(value, &l->seen->set);
}

struct counting {
	const char *key; /* not this one */
	size_t n;
	uint64_t oldest;
	char oldest_key[SEEN_KEY_MAX];
};

static void
count_text(void *arg, const char *key, struct pst_str value)
{
	struct counting *c = arg;
	struct seen_set set;
	uint64_t age = 0; /* damaged: goes first */

	if (strcmp(key, c->key) == 0)
		return;
	if (seen_parse(value, &set)) {
		age = set.base;
		seen_fini(&set);
	}
	if (c->n++ == 0 || age < c->oldest) {
		c->oldest = age;
		(void)str_copy(
		    c->oldest_key, sizeof(c->oldest_key), str_of(key));
	}
}

/* Room for one more. */
static void
forget_oldest(struct seen *seen)
{
	const struct pst_store_ops *ops = account_enter(seen->user);
	struct counting c = { .key = seen->key };
	struct pst_error err;

	if (ops->meta_get(seen->user->acct, NULL, SEEN_KEY, count_text, &c,
		&err) == PST_OK &&
	    c.n >= SEEN_MAILBOXES_MAX)
		(void)ops->meta_set(
		    seen->user->acct, NULL, c.oldest_key, STR_NONE, &err);
	account_leave(seen->user);
}

/* Ranges with no message between them become one. mb->lock is held. */
static void
join_ranges(const struct mailbox *mb, struct uidset *uids)
{
	size_t kept = 0, k = 0;

	if (uids->n < SEEN_JOIN_FROM)
		return;
	for (size_t i = 1; i < uids->n; i++) {
		uint32_t last = uids->r[kept].last;

		while (k < mb->n && mb->row[k].uid <= last)
			k++;
		if (k < mb->n && mb->row[k].uid >= uids->r[i].first)
			uids->r[kept].last = uids->r[i].last;
		else
			uids->r[++kept] = uids->r[i];
	}
	uids->n = kept + 1;
}

static enum pst_rc
save(struct mailbox *mb, struct seen *seen, struct pst_error *err)
{
	struct buf text;
	enum pst_rc rc;
	bool fits;

	buf_init(&text, SEEN_TEXT_MAX);
	pthread_mutex_lock(&mb->lock);
	join_ranges(mb, &seen->set.uids);
	fits = seen_print(&seen->set, &text);
	pthread_mutex_unlock(&mb->lock);
	if (fits) {
		rc = account_enter(seen->user)
			 ->meta_set(seen->user->acct, NULL, seen->key,
			     buf_str(&text), err);
		account_leave(seen->user);
	} else {
		rc = pst_fail(err, PST_E_LIMIT, 0,
		    "%.150s: too much is seen of one mailbox", seen->user->id);
	}
	buf_fini(&text);
	return rc;
}

/*
 * A set that begins anew must not count from where an older one of the same
 * mailbox has been: the time is later than that.
 */
static void
begin(struct mailbox *mb, struct seen *seen, uint32_t uidvalidity)
{
	struct pst_error err;

	seen_init(&seen->set, uidvalidity, (uint64_t)clock_seconds() * 1024);
	forget_oldest(seen);
	if (save(mb, seen, &err) != PST_OK)
		log_failure(PST_LOG_WARNING, 0, "seen", &err);
}

static enum pst_rc
load(struct mailbox *mb, struct seen *seen, struct pst_error *err)
{
	struct loading l = { .seen = seen };
	struct pst_box_state state;
	enum pst_rc rc;

	pthread_mutex_lock(&mb->lock);
	state = mb->state;
	pthread_mutex_unlock(&mb->lock);
	(void)snprintf(seen->key, sizeof(seen->key), SEEN_KEY "%s/%s",
	    mb->acct->id, state.objectid);
	rc = account_enter(seen->user)
		 ->meta_get(
		     seen->user->acct, NULL, seen->key, take_text, &l, err);
	account_leave(seen->user);
	if (rc != PST_OK)
		return rc;
	if (l.found && seen->set.uidvalidity == state.uidvalidity)
		return PST_OK;
	seen_fini(&seen->set);
	begin(mb, seen, state.uidvalidity);
	return PST_OK;
}

/* --- in memory ---------------------------------------------------------------
 */

static struct seen *
find(struct mailbox *mb, const struct mail_account *user)
{
	struct seen *seen;

	pthread_mutex_lock(&mb->lock);
	for (seen = mb->seens; seen != NULL; seen = seen->next)
		if (seen->user == user)
			break;
	if (seen != NULL)
		seen->refs++;
	pthread_mutex_unlock(&mb->lock);
	return seen;
}

static void
seen_free(struct seen *seen)
{
	seen_fini(&seen->set);
	mail_account_close(&seen->user);
	free(seen);
}

enum pst_rc
seen_get(struct mailbox *mb, struct mail_account *user, struct seen **seen_r,
    struct pst_error *err)
{
	struct seen *seen = find(mb, user);
	enum pst_rc rc;

	*seen_r = seen;
	if (seen != NULL)
		return PST_OK;
	seen = mem_alloc(sizeof(*seen));
	seen->user = user;
	seen->refs = 1;
	account_take(user);
	rc = load(mb, seen, err);
	if (rc != PST_OK) {
		seen_free(seen);
		return rc;
	}
	pthread_mutex_lock(&mb->lock);
	seen->next = mb->seens;
	mb->seens = seen;
	pthread_mutex_unlock(&mb->lock);
	*seen_r = seen;
	return PST_OK;
}

void
seen_put(struct mailbox *mb, struct seen **seenp)
{
	struct seen *seen = *seenp, **at;
	bool last;

	*seenp = NULL;
	if (seen == NULL)
		return;
	pthread_mutex_lock(&mb->lock);
	last = --seen->refs == 0;
	if (last) {
		for (at = &mb->seens; *at != seen; at = &(*at)->next)
			;
		*at = seen->next;
	}
	pthread_mutex_unlock(&mb->lock);
	if (last)
		seen_free(seen);
}

/* --- changing ----------------------------------------------------------------
 */

/* Those of `uids` that are there and have it not so. mb->lock is held. */
static void
find_others(struct mailbox *mb, const struct seen_set *set,
    struct pst_uids uids, bool on, struct uidset *out)
{
	for (size_t i = 0, r = 0; i < mb->n && r < uids.n; i++) {
		uint32_t uid = mb->row[i].uid;

		while (r < uids.n && uids.r[r].last < uid)
			r++;
		if (r < uids.n && uids.r[r].first <= uid &&
		    uidset_has(&set->uids, uid) != on)
			uidset_add(out, uid, uid);
	}
}

/* mb->lock is held. */
static void
change(
    struct mailbox *mb, struct seen *seen, const struct uidset *uids, bool on)
{
	for (size_t i = 0; i < uids->n; i++)
		seen_change(
		    &seen->set, mb->state.highestmodseq, uids->r[i], on);
	for (struct mailbox_view *v = mb->views; v != NULL; v = v->next)
		if (v->seen == seen && v->has_wake)
			net_wake(v->wake);
}

enum pst_rc
seen_store(struct mailbox *mb, struct seen *seen, struct pst_uids uids, bool on,
    struct pst_error *err)
{
	struct uidset others = { 0 };
	enum pst_rc rc = PST_OK;

	pthread_mutex_lock(&mb->lock);
	find_others(mb, &seen->set, uids, on, &others);
	if (others.n > 0)
		change(mb, seen, &others, on);
	pthread_mutex_unlock(&mb->lock);
	if (others.n > 0)
		rc = save(mb, seen, err);
	if (rc != PST_OK) { /* none, then; what was told is told again */
		pthread_mutex_lock(&mb->lock);
		change(mb, seen, &others, !on);
		pthread_mutex_unlock(&mb->lock);
	}
	uidset_fini(&others);
	return rc;
}
