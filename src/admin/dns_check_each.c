/*
 * dns_check_each.c - all records of a plan, looked up by a few threads: see
 * dns_check.h.
 */
#include "admin/dns_check.h"

#include "admin/protocol.h"
#include "base/mem.h"
#include "base/str.h"
#include <pthread.h>
#include <stdlib.h>

enum { THREADS = 8 };

struct checking {
	const struct dns_asking *q;
	pthread_mutex_t lock; /* guards the rest */
	pthread_cond_t found;
	size_t next;		   /* that nobody has begun */
	struct dns_finding **made; /* NULL: not yet */
};

/* plan->n: there is nothing left. */
static size_t
take(struct checking *c)
{
	size_t i;

	(void)pthread_mutex_lock(&c->lock);
	i = c->next < c->q->plan->n ? c->next++ : c->q->plan->n;
	(void)pthread_mutex_unlock(&c->lock);
	return i;
}

static void *
work(void *arg)
{
	struct checking *c = arg;
	size_t i;

	while ((i = take(c)) < c->q->plan->n) {
		struct dns_finding *f = mem_alloc(sizeof(*f));

		dns_check(c->q, i, f);
		(void)pthread_mutex_lock(&c->lock);
		c->made[i] = f;
		(void)pthread_cond_signal(&c->found);
		(void)pthread_mutex_unlock(&c->lock);
	}
	return NULL;
}

static const struct dns_finding *
wait_for(struct checking *c, size_t i)
{
	const struct dns_finding *f;

	(void)pthread_mutex_lock(&c->lock);
	while ((f = c->made[i]) == NULL)
		(void)pthread_cond_wait(&c->found, &c->lock);
	(void)pthread_mutex_unlock(&c->lock);
	return f;
}

static void
checking_end(struct checking *c)
{
	for (size_t i = 0; i < c->q->plan->n; i++)
		if (c->made[i] != NULL) {
			buf_fini(&c->made[i]->found);
			free(c->made[i]);
		}
	free(c->made);
	pthread_cond_destroy(&c->found);
	pthread_mutex_destroy(&c->lock);
}

void
dns_check_each(const struct dns_asking *q,
    bool (*fn)(void *arg, size_t i, const struct dns_finding *f), void *arg)
{
	size_t n = q->plan->n, threads = 0;
	struct checking c = { .q = q,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.found = PTHREAD_COND_INITIALIZER,
		.made = mem_array(n + 1, sizeof(struct dns_finding *)) };
	pthread_t thread[THREADS];

	while (threads < THREADS && threads < n &&
	       pthread_create(&thread[threads], NULL, work, &c) == 0)
		threads++;
	if (threads == 0)
		(void)work(&c);
	for (size_t i = 0; i < n; i++)
		if (!fn(arg, i, wait_for(&c, i)))
			break;
	/* What is left is not begun any more. */
	(void)pthread_mutex_lock(&c.lock);
	c.next = n;
	(void)pthread_mutex_unlock(&c.lock);
	while (threads > 0)
		(void)pthread_join(thread[--threads], NULL);
	checking_end(&c);
}

json_t *
dns_finding_json(const struct dns_wanted *w, const struct dns_finding *f)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:o, s:o, s:o}", "record",
	    dns_kind_name(w->kind), "name", w->name, "type",
	    dns_type_name(w->type), "state", dns_state_name(f->state), "needed",
	    (int)w->is_needed, "why", admin_json_text(str_of(f->why)), "found",
	    admin_json_text(buf_str(&f->found)), "wanted",
	    admin_json_text(w->data));
}
