/*
 * exchange/schedule.c - see schedule.h.
 *
 * A job is in one place at a time: in the heap until its time comes; with its
 * lane (the domain) until the hosts of that are known; in a line of its
 * provider; among those that are to be attended to; or taken, by who works on
 * it. `job->line` says where.
 */
#include "exchange/schedule.h"

#include "base/clock.h"
#include "base/str.h"

#include <pthread.h>
#include <stdlib.h>

enum {
	LINES = 64, /* of a provider, for senders */
	BUCKETS = 1024,
	GROW_AFTER = 4, /* successes, times the limit, for one more */
};

/* Jobs, in the order in which they came. */
struct line {
	struct queue_job *first, *last;
};

struct provider {
	struct provider *next;		  /* in the bucket */
	struct provider *before, *behind; /* in the ring of those with work */
	bool in_ring;
	size_t refs; /* lanes and work */
	size_t ready;
	struct line *line; /* LINES; NULL while there are no jobs */
	unsigned turn;	   /* the line that is next */
	unsigned active, limit, went;
	unsigned naps;	  /* in a row */
	int64_t sleeps;	  /* clock_monotonic until when; 0: awake */
	double credit;	  /* messages that the rate allows */
	int64_t credited; /* clock_monotonic of that */
	enum hosts_result found;
	struct hosts hosts;
	char error[256];
};

/* A domain. */
struct lane {
	struct queue_domain *domain;
	size_t jobs; /* that are in the schedule */
	size_t refs; /* work */
	struct provider *provider;
	int64_t until; /* clock_monotonic: its hosts hold so long */
	bool is_asked; /* somebody finds out, or is to */
	struct line waiting;
	struct lane *next;	    /* of those that are to be asked */
	struct lane *older, *newer; /* of all */
	char name[256];
};

struct schedule {
	struct schedule_options opt;
	pthread_mutex_t lock; /* guards all below, and priv of domains */
	pthread_cond_t moved;
	bool is_stopped;
	struct queue_job **heap; /* by due; line == NULL, index in `slot` */
	size_t heaped, heap_cap;
	struct line attend;
	size_t attends;
	struct lane *ask, **ask_last;
	struct lane *lanes; /* all, the newest first */
	struct provider *bucket[BUCKETS];
	struct provider *ring; /* the next to have its turn */
	size_t waiting;	       /* threads in schedule_wait() */
};

/* --- lines ----------------------------------------------------------------
 */

static void
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

static void
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

/* --- the heap -------------------------------------------------------------
 */

static void
heap_put(struct schedule *s, size_t at, struct queue_job *job)
{
	s->heap[at] = job;
	job->slot = at + 1;
}

static void
heap_up(struct schedule *s, size_t at, struct queue_job *job)
{
	while (at > 0 && s->heap[(at - 1) / 2]->due > job->due) {
		heap_put(s, at, s->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	heap_put(s, at, job);
}

static void
heap_down(struct schedule *s, size_t at, struct queue_job *job)
{
	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= s->heaped)
			break;
		if (child + 1 < s->heaped &&
		    s->heap[child + 1]->due < s->heap[child]->due)
			child++;
		if (s->heap[child]->due >= job->due)
			break;
		heap_put(s, at, s->heap[child]);
		at = child;
	}
	heap_put(s, at, job);
}

static void
heap_add(struct schedule *s, struct queue_job *job)
{
	mem_grow(&s->heap, &s->heap_cap, s->heaped + 1, sizeof(*s->heap));
	heap_up(s, s->heaped++, job);
}

static void
heap_remove(struct schedule *s, struct queue_job *job)
{
	size_t at = job->slot - 1;
	struct queue_job *last = s->heap[--s->heaped];

	job->slot = 0;
	if (last == job)
		return;
	if (at > 0 && s->heap[(at - 1) / 2]->due > last->due)
		heap_up(s, at, last);
	else
		heap_down(s, at, last);
}

/* --- providers ------------------------------------------------------------
 */

static size_t
bucket_of(const char *key)
{
	uint64_t h = UINT64_C(1469598103934665603);

	for (; *key != '\0'; key++)
		h = (h ^ (unsigned char)*key) * UINT64_C(1099511628211);
	return (size_t)(h % BUCKETS);
}

static struct provider *
provider_use(struct schedule *s, enum hosts_result found,
    const struct hosts *hosts, const char *key, const char *error)
{
	struct provider **at = &s->bucket[bucket_of(key)], *p;

	for (p = *at; p != NULL; p = p->next)
		if (strcmp(p->hosts.key, key) == 0)
			break;
	if (p == NULL) {
		p = mem_alloc(sizeof(*p));
		p->limit = s->opt.at_once_first;
		p->next = *at;
		*at = p;
	}
	p->refs++;
	p->found = found;
	if (found == HOSTS_FOUND) {
		p->hosts = *hosts;
	} else {
		(void)str_copy(p->error, sizeof(p->error), str_of(error));
		/* Nothing that the network could be slow in. */
		p->limit = s->opt.at_once_most;
	}
	(void)str_copy(p->hosts.key, sizeof(p->hosts.key), str_of(key));
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

static void
ring_remove(struct schedule *s, struct provider *p)
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

static void
provider_drop(struct schedule *s, struct provider *p)
{
	struct provider **at;

	if (p == NULL || --p->refs > 0)
		return;
	ring_remove(s, p);
	for (at = &s->bucket[bucket_of(p->hosts.key)]; *at != p;
	     at = &(*at)->next)
		;
	*at = p->next;
	free(p->line);
	free(p);
}

/* `over` a connection that is there, or a new one. */
static bool
may_go(struct schedule *s, struct provider *p, bool over)
{
	int64_t now = clock_monotonic();

	if (p->ready == 0 || p->sleeps > now || p->active > p->limit ||
	    (!over && p->active == p->limit))
		return false;
	if (s->opt.rate == 0 || p->found != HOSTS_FOUND)
		return true;
	p->credit += (double)(now - p->credited) * s->opt.rate / 60e6;
	if (p->credit > s->opt.rate / 60.0 + 1)
		p->credit = s->opt.rate / 60.0 + 1;
	p->credited = now;
	return p->credit >= 1;
}

/* In the ring while something of it can be taken. */
static void
provider_settle(struct schedule *s, struct provider *p)
{
	if (p->ready > 0 && p->active < p->limit &&
	    p->sleeps <= clock_monotonic())
		ring_add(s, p);
	else
		ring_remove(s, p);
	if (p->ready == 0 && p->line != NULL) {
		free(p->line);
		p->line = NULL;
	}
}

static void
provider_add(struct schedule *s, struct provider *p, struct queue_job *job)
{
	if (p->line == NULL)
		p->line = mem_array(LINES, sizeof(*p->line));
	line_add(&p->line[job->sender % LINES], job);
	p->ready++;
	provider_settle(s, p);
}

static struct queue_job *
provider_take(struct schedule *s, struct provider *p)
{
	struct queue_job *job = NULL;

	for (unsigned i = 0; i < LINES && job == NULL; i++) {
		job = p->line[p->turn % LINES].first;
		p->turn++;
	}
	line_remove(job->line, job);
	p->ready--;
	provider_settle(s, p);
	return job;
}

/* --- lanes ----------------------------------------------------------------
 */

static struct lane *
lane_of(struct schedule *s, struct queue_job *job)
{
	struct queue_domain *d = job->domain;
	struct lane *lane = d->priv;

	if (lane == NULL) {
		lane = mem_alloc(sizeof(*lane));
		lane->domain = d;
		(void)str_copy(lane->name, sizeof(lane->name), str_of(d->name));
		d->priv = lane;
		lane->older = s->lanes;
		if (s->lanes != NULL)
			s->lanes->newer = lane;
		s->lanes = lane;
	}
	return lane;
}

static void
lane_drop(struct schedule *s, struct lane *lane)
{
	if (lane->jobs > 0 || lane->refs > 0 || lane->is_asked)
		return;
	provider_drop(s, lane->provider);
	if (lane->domain != NULL)
		lane->domain->priv = NULL;
	if (lane->newer != NULL)
		lane->newer->older = lane->older;
	else
		s->lanes = lane->older;
	if (lane->older != NULL)
		lane->older->newer = lane->newer;
	free(lane);
}

static void
ask_for(struct schedule *s, struct lane *lane)
{
	if (lane->is_asked)
		return;
	lane->is_asked = true;
	lane->next = NULL;
	*s->ask_last = lane;
	s->ask_last = &lane->next;
}

/* Where a job is that waits. */
static void
job_remove(struct schedule *s, struct queue_job *job)
{
	struct lane *lane = job->domain->priv;

	if (job->slot != 0) {
		heap_remove(s, job);
	} else if (job->line == &s->attend) {
		line_remove(&s->attend, job);
		s->attends--;
	} else if (job->line != NULL) {
		bool waits = job->line == &lane->waiting;

		line_remove(job->line, job);
		if (!waits) {
			lane->provider->ready--;
			provider_settle(s, lane->provider);
		}
	}
}

static int64_t
arrived(const struct queue_job *job)
{
	return (int64_t)(queue_message_id(job->message) / 1000000);
}

static bool
needs_attention(const struct schedule *s, const struct queue_job *job)
{
	int64_t age = clock_seconds() - arrived(job);

	return age >= s->opt.life ||
	       (s->opt.warn_after > 0 && !job->told && job->tries > 0 &&
		   age >= s->opt.warn_after);
}

/* Its time has come. */
static void
job_ready(struct schedule *s, struct queue_job *job)
{
	struct lane *lane = lane_of(s, job);

	if (lane->provider == NULL || lane->until <= clock_monotonic()) {
		line_add(&lane->waiting, job);
		ask_for(s, lane);
		return;
	}
	if (lane->provider->sleeps > clock_monotonic() &&
	    needs_attention(s, job)) {
		line_add(&s->attend, job);
		s->attends++;
		return;
	}
	provider_add(s, lane->provider, job);
}

static void
job_place(struct schedule *s, struct queue_job *job)
{
	if (job->held)
		return;
	if (job->due > clock_seconds())
		heap_add(s, job);
	else
		job_ready(s, job);
}

static bool
has_work(const struct schedule *s)
{
	return s->ask != NULL || s->attends > 0 || s->ring != NULL;
}

/* Tells that there is work; unlocks. */
static void
announce(struct schedule *s)
{
	bool wanted = has_work(s) && s->waiting == 0 && !s->is_stopped;

	if (has_work(s))
		pthread_cond_signal(&s->moved);
	pthread_mutex_unlock(&s->lock);
	if (wanted)
		s->opt.wanted(s->opt.arg);
}

/* --- the life of a schedule -----------------------------------------------
 */

struct schedule *
schedule_new(const struct schedule_options *opt)
{
	struct schedule *s = mem_alloc(sizeof(*s));

	s->opt = *opt;
	s->ask_last = &s->ask;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->moved, NULL);
	return s;
}

void
schedule_begin(struct schedule *s, struct queue *queue)
{
	pthread_mutex_lock(&s->lock);
	s->opt.queue = queue;
	announce(s);
}

void
schedule_stop(struct schedule *s)
{
	pthread_mutex_lock(&s->lock);
	s->is_stopped = true;
	pthread_cond_broadcast(&s->moved);
	pthread_mutex_unlock(&s->lock);
}

void
schedule_free(struct schedule **sp)
{
	struct schedule *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		struct provider *p = s->bucket[i], *next;

		for (; p != NULL; p = next) {
			next = p->next;
			free(p->line);
			free(p);
		}
	}
	while (s->lanes != NULL) {
		struct lane *lane = s->lanes;

		s->lanes = lane->older;
		free(lane);
	}
	free(s->heap);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->moved);
	free(s);
}

void
schedule_configure(struct schedule *s, const struct schedule_options *opt)
{
	struct schedule_options keep;

	pthread_mutex_lock(&s->lock);
	keep = s->opt;
	s->opt = *opt;
	s->opt.queue = keep.queue;
	s->opt.wanted = keep.wanted;
	s->opt.arg = keep.arg;
	pthread_mutex_unlock(&s->lock);
}

/* --- jobs -----------------------------------------------------------------
 */

void
schedule_came(void *schedule, struct queue_job *job)
{
	struct schedule *s = schedule;

	pthread_mutex_lock(&s->lock);
	lane_of(s, job)->jobs++;
	job_place(s, job);
	announce(s);
}

void
schedule_gone(void *schedule, struct queue_job *job)
{
	struct schedule *s = schedule;
	struct lane *lane;

	pthread_mutex_lock(&s->lock);
	lane = lane_of(s, job);
	job_remove(s, job);
	if (--lane->jobs == 0) {
		/* The queue may forget the domain now. */
		lane->domain->priv = NULL;
		lane->domain = NULL;
		lane_drop(s, lane);
	}
	pthread_mutex_unlock(&s->lock);
}

/* It waits in the schedule: nobody works on it. */
static bool
is_here(const struct queue_job *job)
{
	return job->slot != 0 || job->line != NULL;
}

void
schedule_hurry(struct schedule *s, struct queue_job *job)
{
	pthread_mutex_lock(&s->lock);
	if (!job->taken && !job->done) {
		struct lane *lane = lane_of(s, job);

		if (is_here(job))
			job_remove(s, job);
		if (lane->provider != NULL) {
			lane->provider->sleeps = 0;
			provider_settle(s, lane->provider);
		}
		if (!job->held)
			job_ready(s, job);
	}
	announce(s);
}

void
schedule_hurry_all(struct schedule *s)
{
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct provider *p = s->bucket[i]; p != NULL;
		     p = p->next) {
			p->sleeps = 0;
			provider_settle(s, p);
		}
	while (s->heaped > 0) {
		struct queue_job *job = s->heap[0];

		heap_remove(s, job);
		job_ready(s, job);
	}
	announce(s);
}

/* --- work -----------------------------------------------------------------
 */

static void
fill_work(struct schedule_work *w, enum schedule_kind kind,
    struct queue_job *job, struct provider *p, struct lane *lane)
{
	w->kind = kind;
	w->job = job;
	w->lane = lane;
	lane->refs++;
	w->provider = p;
	w->found = p->found;
	if (p->found == HOSTS_FOUND)
		w->hosts = p->hosts;
	memcpy(w->error, p->error, sizeof(w->error));
	(void)str_copy(w->domain, sizeof(w->domain), str_of(lane->name));
	p->refs++;
}

/* Takes a job out of the provider's lines; false when it has none that can be
 * taken. */
static bool
take_job(
    struct schedule *s, struct provider *p, bool over, struct schedule_work *w)
{
	while (may_go(s, p, over)) {
		struct queue_job *job = provider_take(s, p);

		if (!queue_take(s->opt.queue, job))
			continue; /* held, or going */
		p->active += !over;
		p->credit -= 1;
		fill_work(w, SCHEDULE_TRY, job, p, lane_of(s, job));
		provider_settle(s, p);
		return true;
	}
	return false;
}

static bool
attend(struct schedule *s, struct schedule_work *w)
{
	while (s->attends > 0) {
		struct queue_job *job = s->attend.first;
		struct lane *lane = lane_of(s, job);

		line_remove(&s->attend, job);
		s->attends--;
		if (lane->provider == NULL || !queue_take(s->opt.queue, job))
			continue;
		fill_work(w, SCHEDULE_ATTEND, job, lane->provider, lane);
		return true;
	}
	return false;
}

static bool
find_work(struct schedule *s, struct schedule_work *w)
{
	struct provider *last;

	if (s->opt.queue == NULL)
		return false;
	if (s->ask != NULL) {
		struct lane *lane = s->ask;

		s->ask = lane->next;
		if (s->ask == NULL)
			s->ask_last = &s->ask;
		w->kind = SCHEDULE_RESOLVE;
		w->lane = lane;
		(void)str_copy(
		    w->domain, sizeof(w->domain), str_of(lane->name));
		return true;
	}
	if (attend(s, w))
		return true;
	/* One turn for each. */
	last = s->ring != NULL ? s->ring->before : NULL;
	while (s->ring != NULL) {
		struct provider *p = s->ring;
		bool was_last = p == last;

		s->ring = p->behind;
		if (take_job(s, p, false, w))
			return true;
		/* The rate holds it back; tick() looks again. */
		ring_remove(s, p);
		if (was_last)
			break;
	}
	return false;
}

void
schedule_wait(struct schedule *s, struct schedule_work *w)
{
	pthread_mutex_lock(&s->lock);
	memset(w, 0, sizeof(*w));
	while (!s->is_stopped && !find_work(s, w)) {
		s->waiting++;
		pthread_cond_wait(&s->moved, &s->lock);
		s->waiting--;
	}
	if (s->is_stopped && w->kind == SCHEDULE_STOP) {
		pthread_mutex_unlock(&s->lock);
		return;
	}
	announce(s); /* there may be more than this */
}

bool
schedule_more(struct schedule *s, struct provider *p, struct schedule_work *w)
{
	bool found = false;

	pthread_mutex_lock(&s->lock);
	memset(w, 0, sizeof(*w));
	if (!s->is_stopped)
		found = take_job(s, p, true, w);
	pthread_mutex_unlock(&s->lock);
	return found;
}

void
schedule_resolved(struct schedule *s, struct schedule_work *w,
    enum hosts_result found, const struct hosts *hosts, const char *error)
{
	struct lane *lane = w->lane;
	struct provider *p, *old = lane->provider;
	struct queue_job *job;
	char key[300];

	pthread_mutex_lock(&s->lock);
	(void)snprintf(key, sizeof(key), "?%s", lane->name);
	p = provider_use(
	    s, found, hosts, found == HOSTS_FOUND ? hosts->key : key, error);
	/* Jobs that wait in lines of the old one come along. */
	if (old != NULL && old != p && old->line != NULL)
		for (size_t i = 0; i < LINES && old->line != NULL; i++) {
			struct queue_job *next;

			for (job = old->line[i].first; job != NULL;
			     job = next) {
				next = job->behind;
				if (job->domain != lane->domain)
					continue;
				line_remove(job->line, job);
				old->ready--;
				line_add(&lane->waiting, job);
			}
		}
	lane->provider = p;
	lane->until = found == HOSTS_FOUND
			  ? hosts->until
			  : clock_monotonic() + INT64_C(60) * 1000000;
	lane->is_asked = false;
	while ((job = lane->waiting.first) != NULL) {
		line_remove(&lane->waiting, job);
		provider_add(s, p, job);
	}
	if (old != NULL) {
		provider_settle(s, old);
		provider_drop(s, old);
	}
	if (lane->jobs == 0)
		lane_drop(s, lane);
	announce(s);
}

int64_t
schedule_delay(const struct schedule_options *opt, unsigned tries)
{
	int64_t delay = opt->retry_first;

	for (unsigned i = 1; i < tries && delay < opt->retry_most; i++)
		delay += delay / 2 + 1;
	if (delay > opt->retry_most)
		delay = opt->retry_most;
	/* A fifth more or less. */
	return delay * 4 / 5 +
	       (int64_t)(random_u64() % (uint64_t)(delay * 2 / 5 + 1));
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

static void
learn(struct schedule *s, struct provider *p, enum schedule_outcome outcome)
{
	if (p->found != HOSTS_FOUND)
		return;
	switch (outcome) {
	case SCHEDULE_WENT:
		p->naps = 0;
		p->sleeps = 0;
		if (++p->went < GROW_AFTER * p->limit ||
		    p->limit >= s->opt.at_once_most)
			return;
		p->went = 0;
		p->limit++;
		return;
	case SCHEDULE_SLOWER:
		p->went = 0;
		if (p->limit > 1)
			p->limit /= 2;
		else
			go_to_sleep(s, p);
		return;
	case SCHEDULE_UNREACHED:
		p->went = 0;
		/* Those that were under way at the same time count once. */
		if (p->sleeps <= clock_monotonic())
			go_to_sleep(s, p);
		return;
	case SCHEDULE_UNTRIED:
		return;
	}
}

void
schedule_done(struct schedule *s, struct schedule_work *w,
    enum schedule_outcome outcome, const char *error)
{
	struct provider *p = w->provider;
	struct lane *lane = w->lane;
	struct queue_job *job = w->job;

	pthread_mutex_lock(&s->lock);
	if (error != NULL && p->found == HOSTS_FOUND)
		(void)str_copy(p->error, sizeof(p->error), str_of(error));
	learn(s, p, outcome);
	provider_settle(s, p);
	pthread_mutex_unlock(&s->lock);

	/* Before it is given back nobody else can have it; after, it may be
	 * gone. */
	queue_untake(s->opt.queue, job);
	pthread_mutex_lock(&s->lock);
	if (!job->done && !is_here(job) && !job->taken)
		job_place(s, job);
	pthread_mutex_unlock(&s->lock);
	queue_let_go(s->opt.queue, job->message);

	pthread_mutex_lock(&s->lock);
	lane->refs--;
	if (lane->jobs == 0)
		lane_drop(s, lane);
	provider_drop(s, p);
	announce(s);
}

/* --- time -----------------------------------------------------------------
 */

/* Jobs of a sleeping provider that are to be given up all the same. */
static void
sweep(struct schedule *s, struct provider *p)
{
	for (size_t i = 0; i < LINES && p->line != NULL; i++) {
		struct queue_job *job = p->line[i].first, *next;

		for (; job != NULL; job = next) {
			next = job->behind;
			if (!needs_attention(s, job))
				continue;
			line_remove(job->line, job);
			p->ready--;
			line_add(&s->attend, job);
			s->attends++;
		}
	}
	provider_settle(s, p);
}

void
schedule_tick(struct schedule *s)
{
	int64_t now = clock_seconds();

	pthread_mutex_lock(&s->lock);
	while (s->heaped > 0 && s->heap[0]->due <= now) {
		struct queue_job *job = s->heap[0];

		heap_remove(s, job);
		job_ready(s, job);
	}
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct provider *p = s->bucket[i]; p != NULL;
		     p = p->next) {
			if (p->ready == 0)
				continue;
			if (p->sleeps > clock_monotonic())
				sweep(s, p);
			else
				provider_settle(s, p);
		}
	announce(s);
}

void
schedule_keep(struct schedule *s, struct provider *p)
{
	pthread_mutex_lock(&s->lock);
	p->refs++;
	pthread_mutex_unlock(&s->lock);
}

void
schedule_let_go(struct schedule *s, struct provider *p, bool tried)
{
	pthread_mutex_lock(&s->lock);
	if (tried) {
		p->active--;
		provider_settle(s, p);
	}
	provider_drop(s, p);
	announce(s);
}

void
schedule_each(struct schedule *s,
    void (*fn)(void *arg, const struct schedule_row *row), void *arg)
{
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct provider *p = s->bucket[i]; p != NULL;
		     p = p->next) {
			int64_t left = p->sleeps - clock_monotonic();
			const struct schedule_row row = {
				.hosts = p->hosts.key,
				.ready = p->ready,
				.active = p->active,
				.limit = p->limit,
				.sleeps = left > 0 ? left / 1000000 + 1 : 0,
				.error = p->error,
			};

			fn(arg, &row);
		}
	pthread_mutex_unlock(&s->lock);
}
