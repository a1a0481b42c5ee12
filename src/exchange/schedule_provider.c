/*
 * exchange/schedule_provider.c - the providers of a schedule: what each bears,
 * and whose job there is next.
 */
#include "exchange/schedule_priv.h"

#include "base/clock.h"
#include "base/str.h"

#include <stddef.h>
#include <stdlib.h>

enum {
	GROW_AFTER = 4, /* successes, times the limit, for one more */
	/* A transaction is slow when it takes so many times what is usual, and
	 * so much more, in microseconds. */
	SLOW_TIMES = 4,
	SLOW_LEAST = 1000000,
};

void
line_add(struct line *l, struct queue_job *job)
{
	job->before = l->last;
	job->behind = NULL;
	if (l->last != NULL)
		l->last->behind = job;
	else
		l->first = job;
	l->last = job;
	job->line = l;
}

void
line_remove(struct line *l, struct queue_job *job)
{
	if (job->before != NULL)
		job->before->behind = job->behind;
	else
		l->first = job->behind;
	if (job->behind != NULL)
		job->behind->before = job->before;
	else
		l->last = job->before;
	job->before = job->behind = NULL;
	job->line = NULL;
}

uint64_t
schedule_hash(const char *text)
{
	uint64_t h = UINT64_C(1469598103934665603);

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return h;
}

static struct provider **
slot_of(struct schedule *s, const char *key)
{
	return &s->bucket[schedule_hash(key) % SCHEDULE_BUCKETS];
}

static void
set_hosts(struct provider *p, const struct hosts *hosts)
{
	p->hosts_n = offsetof(struct hosts, host) +
		     hosts->n * sizeof(hosts->host[0]);
	free(p->hosts);
	p->hosts = mem_alloc(p->hosts_n);
	memcpy(p->hosts, hosts, p->hosts_n);
}

/* How much may go on at the same time. */
static unsigned
most_of(const struct schedule *s, const struct provider *p)
{
	return p->at_once != 0 ? p->at_once : s->opt.at_once_most;
}

static struct provider *
find(struct schedule *s, const char *key)
{
	struct provider *p = *slot_of(s, key);

	while (p != NULL && strcmp(p->key, key) != 0)
		p = p->next;
	return p;
}

/* Nobody refers to it yet. */
static struct provider *
make(struct schedule *s, const char *key)
{
	struct provider **at = slot_of(s, key), *p;
	size_t n = strlen(key);

	p = mem_alloc(sizeof(*p) + n + 1);
	memcpy(p->key, key, n + 1);
	p->limit = s->opt.at_once_first;
	p->next = *at;
	*at = p;
	s->kept++;
	return p;
}

struct provider *
provider_remember(struct schedule *s, const char *key)
{
	struct provider *p;

	if (find(s, key) != NULL || s->kept >= SCHEDULE_KEPT)
		return NULL;
	p = make(s, key);
	p->found = HOSTS_FOUND;
	p->used = clock_monotonic();
	return p;
}

struct provider *
provider_use(struct schedule *s, enum hosts_result found,
    const struct hosts *hosts, const char *key, const char *error)
{
	struct provider *p = find(s, key);

	if (p == NULL)
		p = make(s, key);
	if (p->refs++ == 0)
		s->kept--;
	p->found = found;
	if (found == HOSTS_FOUND) {
		set_hosts(p, hosts);
		p->at_once = hosts->at_once;
		p->rate = hosts->rate;
		if (p->limit > most_of(s, p))
			p->limit = most_of(s, p);
	} else {
		(void)str_copy(p->error, sizeof(p->error), str_of(error));
		/* Nothing that the network could be slow in. */
		p->limit = s->opt.at_once_most;
	}
	return p;
}

static void
ring_add(struct schedule *s, struct provider *p)
{
	if (p->in_ring)
		return;
	p->in_ring = true;
	if (s->ring == NULL) {
		s->ring = p->before = p->behind = p;
		return;
	}
	/* The last to have its turn. */
	p->behind = s->ring;
	p->before = s->ring->before;
	p->before->behind = p;
	p->behind->before = p;
}

void
provider_leave_ring(struct schedule *s, struct provider *p)
{
	if (!p->in_ring)
		return;
	p->in_ring = false;
	if (p->behind == p) {
		s->ring = NULL;
		return;
	}
	if (s->ring == p)
		s->ring = p->behind;
	p->before->behind = p->behind;
	p->behind->before = p->before;
}

void
provider_free(struct provider *p)
{
	free(p->line);
	free(p->hosts);
	free(p);
}

/* Nobody refers to it. */
static void
forget(struct schedule *s, struct provider *p)
{
	struct provider **at = slot_of(s, p->key);

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	s->kept--;
	provider_free(p);
}

void
provider_drop(struct schedule *s, struct provider *p)
{
	if (p == NULL || --p->refs > 0)
		return;
	provider_leave_ring(s, p);
	p->used = clock_monotonic();
	s->kept++;
	/* What was learnt of it is worth something the next time. */
	if (p->found != HOSTS_FOUND || s->kept > SCHEDULE_KEPT)
		forget(s, p);
}

void
providers_tidy(struct schedule *s)
{
	int64_t since = clock_monotonic() -
			INT64_C(1000000) * SCHEDULE_KEEP_TIME;

	for (size_t i = 0; i < SCHEDULE_BUCKETS; i++)
		for (struct provider *p = s->bucket[i], *next; p != NULL;
		     p = next) {
			next = p->next;
			if (p->refs == 0 && p->used < since)
				forget(s, p);
		}
}

/* Messages a minute; 0: any number. */
static unsigned
rate_of(const struct schedule *s, const struct provider *p, int64_t now)
{
	unsigned rate = p->rate != 0 ? p->rate : s->opt.rate;

	if (p->told_until > now && (rate == 0 || p->told_rate < rate))
		rate = p->told_rate;
	return rate;
}

bool
provider_may_go(struct schedule *s, struct provider *p, bool over)
{
	int64_t now = clock_monotonic();
	unsigned rate = rate_of(s, p, now);

	if (p->ready == 0 || p->sleeps > now || p->active > p->limit ||
	    (!over && p->active == p->limit))
		return false;
	if (!over && !p->is_proven && p->found == HOSTS_FOUND &&
	    s->opt.unproven > 0 && s->unproven >= s->opt.unproven)
		return false;
	if (rate == 0 || p->found != HOSTS_FOUND)
		return true;
	p->credit += (double)(now - p->credited) * rate / 60e6;
	if (p->credit > rate / 60.0 + 1)
		p->credit = rate / 60.0 + 1;
	p->credited = now;
	return p->credit >= 1;
}

void
provider_settle(struct schedule *s, struct provider *p)
{
	if (p->ready > 0 && p->active < p->limit &&
	    p->sleeps <= clock_monotonic())
		ring_add(s, p);
	else
		provider_leave_ring(s, p);
	if (p->ready == 0 && p->line != NULL) {
		free(p->line);
		p->line = NULL;
	}
}

void
provider_add(struct schedule *s, struct provider *p, struct queue_job *job)
{
	if (p->line == NULL)
		p->line = mem_array(SCHEDULE_LINES, sizeof(*p->line));
	line_add(&p->line[job->sender % SCHEDULE_LINES], job);
	p->ready++;
	provider_settle(s, p);
}

struct queue_job *
provider_take(struct schedule *s, struct provider *p)
{
	struct queue_job *job = NULL;

	for (unsigned i = 0; i < SCHEDULE_LINES && job == NULL; i++) {
		job = p->line[p->turn % SCHEDULE_LINES].first;
		p->turn++;
	}
	line_remove(job->line, job);
	p->ready--;
	provider_settle(s, p);
	return job;
}

static void
go_to_sleep(struct schedule *s, struct provider *p)
{
	int64_t nap = s->opt.sleep_first;

	for (unsigned i = 0; i < p->naps && nap < s->opt.sleep_most; i++)
		nap *= 2;
	if (nap > s->opt.sleep_most)
		nap = s->opt.sleep_most;
	nap = nap * 800000 +
	      (int64_t)(random_u64() % (uint64_t)(nap * 400000 + 1));
	p->naps++;
	p->limit = 1;
	p->sleeps = clock_monotonic() + nap;
}

void
provider_begin(struct schedule *s, struct provider *p)
{
	p->active++;
	s->unproven += !p->is_proven;
}

void
provider_end(struct schedule *s, struct provider *p)
{
	p->active--;
	s->unproven -= !p->is_proven;
}

static void
prove(struct schedule *s, struct provider *p, bool proven)
{
	if (p->is_proven == proven)
		return;
	p->is_proven = proven;
	if (proven)
		s->unproven -= p->active;
	else
		s->unproven += p->active;
}

/* How long answers take. True: much longer than they used to. */
static bool
is_slower_now(struct provider *p, int64_t took)
{
	if (took == 0)
		return false;
	if (p->usual == 0)
		p->usual = p->recent = (double)took;
	p->recent += ((double)took - p->recent) / 4;
	if (p->recent > SLOW_TIMES * p->usual + SLOW_LEAST) {
		p->recent = p->usual;
		return true;
	}
	/* What is usual changes slowly. */
	p->usual += (p->recent - p->usual) / 32;
	return false;
}

static void
grow(struct schedule *s, struct provider *p, int64_t took)
{
	p->naps = 0;
	p->sleeps = 0;
	if (is_slower_now(p, took)) {
		p->went = 0;
		if (p->limit > 1)
			p->limit--;
		return;
	}
	if (++p->went < GROW_AFTER * p->limit || p->limit >= most_of(s, p))
		return;
	p->went = 0;
	p->limit++;
}

void
provider_learn(struct schedule *s, struct provider *p,
    const struct schedule_lesson *lesson)
{
	int64_t now = clock_monotonic();

	if (p->found != HOSTS_FOUND || lesson->outcome == SCHEDULE_UNTRIED)
		return;
	/* One that says that there is too much is there. */
	prove(s, p, lesson->outcome != SCHEDULE_UNREACHED);
	if (lesson->outcome == SCHEDULE_WENT) {
		grow(s, p, lesson->took);
	} else if (lesson->outcome == SCHEDULE_SLOWER && p->limit > 1) {
		p->went = 0;
		p->limit /= 2;
	} else if (p->sleeps <= now) {
		/* Those that were under way at the same time count once. */
		p->went = 0;
		go_to_sleep(s, p);
	}
	if (lesson->sleep > 0 && p->sleeps < now + lesson->sleep * 1000000)
		p->sleeps = now + lesson->sleep * 1000000;
	if (lesson->rate > 0) {
		p->told_rate = lesson->rate;
		p->told_until = now + INT64_C(1000000) * SCHEDULE_RATE_TIME;
	}
}
