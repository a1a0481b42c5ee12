/*
 * exchange/wire_sessions.c - see wire_sessions.h. A server has its place by the
 * hash of its name; whoever comes later to the same place takes it over.
 */
#include "exchange/wire_sessions.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#include <pthread.h>
#include <stdlib.h>

enum {
	PLACES = 1024,
	DATA_MAX = 16 * 1024, /* octets of a session */
	ADDRESSES = 32,
	ANSWER_TIME = 3600, /* seconds that a family is remembered */
	TICKET_TIME = 3600, /* and a session; servers forget them, too */
};

struct place {
	char *key; /* NULL: free */
	void *data;
	size_t n;
	int64_t until; /* clock_monotonic */
};

struct family {
	char *host; /* NULL: free */
	int family;
	int64_t until;
};

struct wire_sessions {
	pthread_mutex_t lock; /* guards all below */
	struct place place[PLACES];
	struct family family[PLACES];
};

static size_t
place_of(const char *key)
{
	uint32_t h = 2166136261U;

	for (; *key != '\0'; key++)
		h = (h ^ (unsigned char)*key) * 16777619U;
	return h % PLACES;
}

static void
empty(struct place *p)
{
	if (p->data != NULL)
		explicit_bzero(p->data, p->n);
	free(p->data);
	free(p->key);
	*p = (struct place){ 0 };
}

struct wire_sessions *
wire_sessions_new(void)
{
	struct wire_sessions *s = mem_alloc(sizeof(*s));

	pthread_mutex_init(&s->lock, NULL);
	return s;
}

void
wire_sessions_free(struct wire_sessions **sp)
{
	struct wire_sessions *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	for (size_t i = 0; i < PLACES; i++) {
		empty(&s->place[i]);
		free(s->family[i].host);
	}
	pthread_mutex_destroy(&s->lock);
	free(s);
}

bool
wire_sessions_take(
    struct wire_sessions *s, const char *key, void **data_r, size_t *n_r)
{
	struct place *p = &s->place[place_of(key)];
	bool found;

	pthread_mutex_lock(&s->lock);
	found = p->key != NULL && strcmp(p->key, key) == 0 &&
		clock_monotonic() < p->until;
	if (found) {
		*data_r = p->data;
		*n_r = p->n;
		p->data = NULL;
		empty(p);
	}
	pthread_mutex_unlock(&s->lock);
	return found;
}

void
wire_sessions_put(
    struct wire_sessions *s, const char *key, const void *data, size_t n)
{
	struct place *p = &s->place[place_of(key)];

	if (n == 0 || n > DATA_MAX)
		return;
	pthread_mutex_lock(&s->lock);
	empty(p);
	p->key = str_dup(str_of(key));
	p->data = mem_alloc(n);
	memcpy(p->data, data, n);
	p->n = n;
	p->until = clock_monotonic() + INT64_C(1000000) * TICKET_TIME;
	pthread_mutex_unlock(&s->lock);
}

/* --- families -------------------------------------------------------------
 */

void
wire_sessions_answered(
    struct wire_sessions *s, const char *host, const struct wire_address *a)
{
	struct family *f = &s->family[place_of(host)];

	pthread_mutex_lock(&s->lock);
	if (f->host == NULL || strcmp(f->host, host) != 0) {
		free(f->host);
		f->host = str_dup(str_of(host));
	}
	f->family = a->sa.ss_family;
	f->until = clock_monotonic() + INT64_C(1000000) * ANSWER_TIME;
	pthread_mutex_unlock(&s->lock);
}

void
wire_sessions_order(
    struct wire_sessions *s, const char *host, struct wire_address *a, size_t n)
{
	struct family *f = &s->family[place_of(host)];
	struct wire_address rest[ADDRESSES];
	size_t first = 0, others = 0;
	int family = 0;

	pthread_mutex_lock(&s->lock);
	if (f->host != NULL && strcmp(f->host, host) == 0 &&
	    clock_monotonic() < f->until)
		family = f->family;
	pthread_mutex_unlock(&s->lock);
	if (family == 0 || n > ADDRESSES)
		return;
	for (size_t i = 0; i < n; i++)
		if (a[i].sa.ss_family == family)
			a[first++] = a[i];
		else
			rest[others++] = a[i];
	memcpy(a + first, rest, others * sizeof(*a));
}
