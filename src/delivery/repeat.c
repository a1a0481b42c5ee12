/*
 * delivery/repeat.c - the memory of partly stored messages.
 *
 * A small table under one lock; the oldest entry makes room for a new one. It
 * is touched only by messages for several users, and only when the table has
 * something or something failed.
 */
#include "delivery/repeat.h"

#include "base/clock.h"
#include "base/str.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdlib.h>

enum { ENTRIES = 256 };

/* Longer than the common intervals between two attempts of a sender. */
static const int64_t keep_time = INT64_C(4) * 3600 * 1000000;

struct entry {
	struct repeat_key key;
	int64_t until; /* clock_monotonic(); 0: free */
	char **name;
	size_t names;
};

/* Guards `table` and `used`; no other lock is taken under it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry table[ENTRIES];
static size_t used;

struct repeat_hash {
	gnutls_hash_hd_t handle;
};

struct repeat_hash *
repeat_hash_new(void)
{
	struct repeat_hash *h = mem_alloc(sizeof(*h));

	if (gnutls_hash_init(&h->handle, GNUTLS_DIG_SHA256) < 0) {
		free(h);
		return NULL;
	}
	return h;
}

void
repeat_hash_add(struct repeat_hash *h, const void *p, size_t n)
{
	(void)gnutls_hash(h->handle, p, n);
}

void
repeat_hash_free(struct repeat_hash **h, struct repeat_key *key_r)
{
	struct repeat_key unused;

	if (*h == NULL)
		return;
	if (key_r == NULL)
		key_r = &unused;
	gnutls_hash_deinit((*h)->handle, key_r->octets);
	free(*h);
	*h = NULL;
}

static void
entry_clear(struct entry *e)
{
	if (e->until == 0)
		return;
	for (size_t i = 0; i < e->names; i++)
		free(e->name[i]);
	free(e->name);
	memset(e, 0, sizeof(*e));
	used--;
}

/* The entry of `key`, or NULL; drops what is too old on the way. */
static struct entry *
entry_find(const struct repeat_key *key, int64_t now)
{
	struct entry *found = NULL;

	for (size_t i = 0; used > 0 && i < ENTRIES; i++) {
		if (table[i].until != 0 && table[i].until < now)
			entry_clear(&table[i]);
		if (table[i].until != 0 &&
		    memcmp(&table[i].key, key, sizeof(*key)) == 0)
			found = &table[i];
	}
	return found;
}

static struct entry *
entry_oldest(void)
{
	struct entry *oldest = &table[0];

	for (size_t i = 1; i < ENTRIES; i++) {
		if (table[i].until < oldest->until)
			oldest = &table[i];
	}
	return oldest;
}

void
repeat_remember(
    const struct repeat_key *key, const char *const *names, size_t n)
{
	int64_t now = clock_monotonic();
	struct entry *e;

	pthread_mutex_lock(&lock);
	e = entry_find(key, now);
	if (e == NULL)
		e = entry_oldest();
	entry_clear(e);
	e->key = *key;
	e->until = now + keep_time;
	e->name = mem_array(n, sizeof(*e->name));
	for (size_t i = 0; i < n; i++)
		e->name[i] = str_dup(str_of(names[i]));
	e->names = n;
	used++;
	pthread_mutex_unlock(&lock);
}

static bool
entry_has(const struct entry *e, const char *name)
{
	for (size_t i = 0; i < e->names; i++) {
		if (strcmp(e->name[i], name) == 0)
			return true;
	}
	return false;
}

bool
repeat_recall(const struct repeat_key *key, const char *const *names, size_t n,
    bool *has_r)
{
	struct entry *e;

	pthread_mutex_lock(&lock);
	e = entry_find(key, clock_monotonic());
	for (size_t i = 0; e != NULL && i < n; i++)
		has_r[i] = entry_has(e, names[i]);
	pthread_mutex_unlock(&lock);
	return e != NULL;
}

void
repeat_forget(const struct repeat_key *key)
{
	struct entry *e;

	pthread_mutex_lock(&lock);
	e = entry_find(key, clock_monotonic());
	if (e != NULL)
		entry_clear(e);
	pthread_mutex_unlock(&lock);
}

void
repeat_forget_all(void)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < ENTRIES; i++)
		entry_clear(&table[i]);
	pthread_mutex_unlock(&lock);
}
