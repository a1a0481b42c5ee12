/*
 * mailbox/catalog_open.c - the catalogs of all accounts that are in use, or
 * were not long ago.
 */
#include "mailbox/catalog_priv.h"

#include "base/clock.h"
#include "base/str.h"
#include "mailbox/priv.h"

#include <stdlib.h>

enum {
	KEEP = 600, /* seconds that one without users is kept */
	IDLE_MAX = 256,
};

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct catalog *registry; /* guarded by it, with refs and used */

static void
free_catalog(struct catalog *c)
{
	if (c->kept != NULL)
		c->kept_fini(c->kept);
	for (size_t k = 0; k < c->boxes; k++)
		catalog_free_box(c->box[k]);
	free(c->box);
	free(c->gone);
	multimap_fini(&c->ids);
	multimap_fini(&c->threads);
	if (c->watch != NULL)
		watch_close(&c->watch);
	if (c->acct != NULL)
		mail_account_close(&c->acct);
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

/* Takes those that nobody has and that `choose` wants off the registry. With
 * its lock. */
static struct catalog *
take_idle(
    bool (*choose)(const struct catalog *c, const void *arg), const void *arg)
{
	struct catalog **at = &registry, *taken = NULL;

	while (*at != NULL) {
		struct catalog *c = *at;

		if (c->refs > 0 || !choose(c, arg)) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		c->next = taken;
		taken = c;
	}
	return taken;
}

static void
free_all(struct catalog *c)
{
	while (c != NULL) {
		struct catalog *next = c->next;

		free_catalog(c);
		c = next;
	}
}

static bool
is_old(const struct catalog *c, const void *arg)
{
	return c->used < *(const int64_t *)arg;
}

/*
 * What has been idle for long, and of the rest so much that no more than
 * `messages` and IDLE_MAX are left: the mailboxes of a catalog are in use, so
 * limits.open_mailboxes and limits.open_messages do not see them. With the
 * registry's lock.
 */
static struct catalog *
take_surplus(size_t messages)
{
	int64_t before = clock_monotonic() - KEEP * INT64_C(1000000);
	struct catalog *taken = take_idle(is_old, &before);
	size_t n, sum;

	for (;;) {
		struct catalog **oldest = NULL, *c;

		n = sum = 0;
		for (struct catalog **at = &registry; *at != NULL;
		     at = &(*at)->next) {
			if ((*at)->refs > 0)
				continue;
			n++;
			sum += (*at)->messages;
			if (oldest == NULL || (*at)->used < (*oldest)->used)
				oldest = at;
		}
		if (oldest == NULL || (n <= IDLE_MAX && sum <= messages))
			return taken;
		c = *oldest;
		*oldest = c->next;
		c->next = taken;
		taken = c;
	}
}

static bool
is_of(const struct catalog *c, const void *arg)
{
	return strcmp(c->address, arg) == 0;
}

static bool
is_any(const struct catalog *c, const void *arg)
{
	(void)c;
	(void)arg;
	return true;
}

static struct catalog *
make(struct mailstore *store, const struct account_user *user,
    struct pst_error *err)
{
	struct catalog *c = mem_alloc(sizeof(*c));

	(void)pthread_mutex_init(&c->lock, NULL);
	(void)str_copy(c->address, sizeof(c->address), str_of(user->address));
	if (mail_account_open(store, user, &c->acct, err) != PST_OK) {
		free_catalog(c);
		return NULL;
	}
	c->watch = watch_open(c->acct, ~0U, NULL);
	return c;
}

/* With the registry's lock. */
static struct catalog *
find_registered(const char *address)
{
	struct catalog *c = registry;

	while (c != NULL && strcmp(c->address, address) != 0)
		c = c->next;
	return c;
}

enum pst_rc
catalog_open(struct mailstore *store, const struct account_user *user,
    struct catalog **c_r, struct pst_error *err)
{
	struct catalog *c, *made = NULL;

	pthread_mutex_lock(&registry_lock);
	c = find_registered(user->address);
	if (c == NULL) {
		/* Opening blocks; somebody else may be faster meanwhile. */
		pthread_mutex_unlock(&registry_lock);
		made = make(store, user, err);
		pthread_mutex_lock(&registry_lock);
		c = find_registered(user->address);
		if (c == NULL && made != NULL) {
			made->next = registry;
			registry = c = made;
			made = NULL;
		}
	}
	if (c != NULL)
		c->refs++;
	pthread_mutex_unlock(&registry_lock);
	if (made != NULL)
		free_catalog(made);
	*c_r = c;
	return c != NULL ? PST_OK : err->rc;
}

/* What mailboxes that nobody has open may hold. */
static size_t
most_messages(const struct catalog *c)
{
	struct config *cfg = mailstore_config(c->acct->ms);
	size_t messages = (size_t)cfg->limits.open_messages;

	config_unref(&cfg);
	return messages;
}

void
catalog_close(struct catalog **cp)
{
	struct catalog *c = *cp, *old = NULL;
	size_t messages;

	*cp = NULL;
	if (c == NULL)
		return;
	messages = most_messages(c);
	pthread_mutex_lock(&registry_lock);
	if (--c->refs == 0) {
		c->used = clock_monotonic();
		c->messages = 0;
		for (size_t k = 0; k < c->boxes; k++)
			c->messages += c->box[k]->n;
		old = take_surplus(messages);
	}
	pthread_mutex_unlock(&registry_lock);
	free_all(old);
}

void
catalog_tidy(void)
{
	struct catalog *old;

	pthread_mutex_lock(&registry_lock);
	old = take_surplus(SIZE_MAX);
	pthread_mutex_unlock(&registry_lock);
	free_all(old);
}

void
catalog_forget(const char *address)
{
	struct catalog *old;

	pthread_mutex_lock(&registry_lock);
	old = take_idle(is_of, address);
	pthread_mutex_unlock(&registry_lock);
	free_all(old);
}

void
catalog_forget_all(void)
{
	struct catalog *old;

	pthread_mutex_lock(&registry_lock);
	old = take_idle(is_any, NULL);
	pthread_mutex_unlock(&registry_lock);
	free_all(old);
}

void
catalog_lock(struct catalog *c)
{
	pthread_mutex_lock(&c->lock);
}

void
catalog_unlock(struct catalog *c)
{
	pthread_mutex_unlock(&c->lock);
}

struct mail_account *
catalog_account(struct catalog *c)
{
	return c->acct;
}
