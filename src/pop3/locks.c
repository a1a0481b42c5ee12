/*
 * pop3/locks.c - a hash table of the maildrops that are open, or were opened a
 * short time ago. An entry goes as soon as it tells nothing any more.
 */
#include "pop3/locks.h"

#include "base/clock.h"
#include "base/str.h"
#include <pthread.h>
#include <stdlib.h>

enum { BUCKETS = 1024 };

struct entry {
	struct entry *next;
	char *maildrop;
	size_t holders;
	bool was_used;
	int64_t used; /* clock_monotonic() */
};

struct pop3_locks {
	pthread_mutex_t mutex; /* guards all below; nothing else is taken */
	struct entry *bucket[BUCKETS];
};

struct pop3_locks *
pop3_locks_new(void)
{
	struct pop3_locks *l = mem_alloc(sizeof(*l));

	(void)pthread_mutex_init(&l->mutex, NULL);
	return l;
}

static void
drop(struct entry **at)
{
	struct entry *e = *at;

	*at = e->next;
	free(e->maildrop);
	free(e);
}

void
pop3_locks_free(struct pop3_locks **lp)
{
	struct pop3_locks *l = *lp;

	*lp = NULL;
	if (l == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while (l->bucket[i] != NULL)
			drop(&l->bucket[i]);
	(void)pthread_mutex_destroy(&l->mutex);
	free(l);
}

static bool
is_early(const struct entry *e, int64_t delay)
{
	return e->was_used && clock_monotonic() - e->used < delay * 1000000;
}

static struct entry **
bucket_of(struct pop3_locks *l, const char *maildrop)
{
	size_t hash = 5381;

	for (const char *p = maildrop; *p != '\0'; p++)
		hash = hash * 33 + (unsigned char)*p;
	return &l->bucket[hash % BUCKETS];
}

/* The place of the entry, or where a new one goes. */
static struct entry **
find(struct pop3_locks *l, const char *maildrop)
{
	struct entry **at = bucket_of(l, maildrop);

	while (*at != NULL && strcmp((*at)->maildrop, maildrop) != 0)
		at = &(*at)->next;
	return at;
}

static void
sweep(struct entry **at, int64_t delay)
{
	while (*at != NULL) {
		if ((*at)->holders == 0 && !is_early(*at, delay))
			drop(at);
		else
			at = &(*at)->next;
	}
}

enum pop3_lock
pop3_lock(
    struct pop3_locks *l, const char *maildrop, bool exclusive, int64_t delay)
{
	enum pop3_lock result = POP3_LOCKED;
	struct entry **at;

	pthread_mutex_lock(&l->mutex);
	sweep(bucket_of(l, maildrop), delay);
	at = find(l, maildrop);
	if (*at == NULL) {
		*at = mem_alloc(sizeof(**at));
		(*at)->maildrop = str_dup(str_of(maildrop));
	}
	if (exclusive && (*at)->holders > 0)
		result = POP3_LOCK_HELD;
	else if (is_early(*at, delay))
		result = POP3_LOCK_EARLY;
	else
		(*at)->holders++;
	pthread_mutex_unlock(&l->mutex);
	return result;
}

void
pop3_lock_used(struct pop3_locks *l, const char *maildrop)
{
	struct entry **at;

	pthread_mutex_lock(&l->mutex);
	at = find(l, maildrop);
	if (*at != NULL) {
		(*at)->was_used = true;
		(*at)->used = clock_monotonic();
	}
	pthread_mutex_unlock(&l->mutex);
}

void
pop3_unlock(struct pop3_locks *l, const char *maildrop)
{
	struct entry **at;

	pthread_mutex_lock(&l->mutex);
	at = find(l, maildrop);
	if (*at != NULL && --(*at)->holders == 0 && !(*at)->was_used)
		drop(at);
	pthread_mutex_unlock(&l->mutex);
}
