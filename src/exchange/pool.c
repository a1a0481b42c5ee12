/*
 * exchange/pool.c - see pool.h. A list: there are a few hundred at most, and
 * the one that is wanted was used a moment ago, so it stands in front.
 */
#include "exchange/pool.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#include <pthread.h>
#include <stdlib.h>

struct idle {
	struct idle *before, *behind; /* used later, earlier */
	struct link link;
	int64_t since; /* clock_monotonic */
	char provider[];
};

struct pool {
	pthread_mutex_t lock; /* guards all below */
	struct idle *first, *last;
	size_t n, most;
	_Atomic int64_t time; /* microseconds */
};

struct pool *
pool_new(void)
{
	struct pool *p = mem_alloc(sizeof(*p));

	pthread_mutex_init(&p->lock, NULL);
	return p;
}

/* With the lock. */
static void
take_out(struct pool *p, struct idle *i)
{
	if (i->before != NULL)
		i->before->behind = i->behind;
	else
		p->first = i->behind;
	if (i->behind != NULL)
		i->behind->before = i->before;
	else
		p->last = i->before;
	p->n--;
}

/* Those of a list by `behind`. */
static void
end_all(struct idle *i)
{
	while (i != NULL) {
		struct idle *next = i->behind;

		client_leave(i->link.client);
		client_free(&i->link.client);
		free(i);
		i = next;
	}
}

/* Takes out what has waited since `since` or longer, the oldest ones until
 * there are `most`, and those to `provider` (or NULL). */
static void
end_some(struct pool *p, int64_t since, size_t most, const char *provider)
{
	struct idle *ended = NULL;

	pthread_mutex_lock(&p->lock);
	for (struct idle *i = p->last, *next; i != NULL; i = next) {
		next = i->before;
		if (i->since > since && p->n <= most &&
		    (provider == NULL || strcmp(i->provider, provider) != 0))
			continue;
		take_out(p, i);
		i->behind = ended;
		ended = i;
	}
	pthread_mutex_unlock(&p->lock);
	end_all(ended);
}

void
pool_free(struct pool **pp)
{
	struct pool *p = *pp;

	*pp = NULL;
	if (p == NULL)
		return;
	end_some(p, INT64_MIN, 0, NULL);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void
pool_configure(struct pool *p, size_t most, int64_t seconds)
{
	pthread_mutex_lock(&p->lock);
	p->most = most;
	p->time = seconds * 1000000;
	pthread_mutex_unlock(&p->lock);
	end_some(p, INT64_MIN, most, NULL);
}

void
pool_put(struct pool *p, const char *provider, struct link *l)
{
	size_t n = strlen(provider) + 1, most;
	bool many;
	struct idle *i = mem_alloc(sizeof(*i) + n);

	memcpy(i->provider, provider, n);
	i->link = *l;
	i->since = clock_monotonic();
	*l = (struct link){ 0 };
	pthread_mutex_lock(&p->lock);
	i->behind = p->first;
	if (i->behind != NULL)
		i->behind->before = i;
	else
		p->last = i;
	p->first = i;
	p->n++;
	most = p->most;
	many = p->n > most;
	pthread_mutex_unlock(&p->lock);
	if (many)
		end_some(p, INT64_MIN, most, NULL);
}

static struct idle *
take_one(struct pool *p, const char *provider)
{
	struct idle *i;

	pthread_mutex_lock(&p->lock);
	for (i = p->first; i != NULL; i = i->behind)
		if (strcmp(i->provider, provider) == 0)
			break;
	if (i != NULL)
		take_out(p, i);
	pthread_mutex_unlock(&p->lock);
	return i;
}

bool
pool_take(struct pool *p, const char *provider, struct link *l_r)
{
	struct idle *i;

	while ((i = take_one(p, provider)) != NULL) {
		struct client *c = i->link.client;

		*l_r = i->link;
		if (clock_monotonic() - i->since > p->time)
			client_leave(c); /* tidying up comes too late */
		free(i);
		if (client_is_usable(c))
			return true;
		client_free(&l_r->client);
	}
	return false;
}

void
pool_drop(struct pool *p, const char *provider)
{
	end_some(p, INT64_MIN, SIZE_MAX, provider);
}

void
pool_tidy(struct pool *p)
{
	end_some(p, clock_monotonic() - p->time, SIZE_MAX, NULL);
}
