/*
 * exchange/schedule.c - see schedule.h.
 *
 * A job is in one place at a time: in the heap until its time comes; with its
 * lane (the domain) until the hosts of that are known; in a line of its
 * provider; among those that are to be attended to; or taken, by who works on
 * it. `job->line` says where.
 */
#include "exchange/schedule_priv.h"

#include "base/clock.h"
#include "base/str.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

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

/* Where a job is that waits. */
static void
job_remove(struct schedule *s, struct queue_job *job)
{
	struct lane *lane = lane_of(s, job);

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

/* What lies further ahead than any pause is of a clock that was wrong. */
static bool
is_due(const struct schedule *s, const struct queue_job *job)
{
	int64_t now = clock_seconds();
	int64_t most = s->opt.retry_first > s->opt.retry_most
			   ? s->opt.retry_first
			   : s->opt.retry_most;

	return job->due <= now || job->due > now + 2 * most;
}

/* Its time has come. */
static void
job_ready(struct schedule *s, struct queue_job *job)
{
	struct lane *lane = lane_of(s, job);

	if (lane->provider == NULL || lane->until <= clock_monotonic()) {
		line_add(&lane->waiting, job);
		lane_ask(s, lane);
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
	if (is_due(s, job))
		job_ready(s, job);
	else
		heap_add(s, job);
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
	for (size_t i = 0; i < SCHEDULE_BUCKETS; i++) {
		struct provider *p = s->bucket[i], *next;

		for (; p != NULL; p = next) {
			next = p->next;
			provider_free(p);
		}
	}
	lanes_free(s);
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
	/* There may be other relays now. */
	for (size_t i = 0; i < s->lane_buckets; i++)
		for (struct lane *lane = s->lane[i]; lane != NULL;
		     lane = lane->by_name)
			lane->until = 0;
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
		lane_leave(lane);
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
	size_t n;

	pthread_mutex_lock(&s->lock);
	/* What could not be found out is asked for again. */
	for (size_t i = 0; i < s->lane_buckets; i++)
		for (struct lane *lane = s->lane[i]; lane != NULL;
		     lane = lane->by_name)
			if (lane->provider != NULL &&
			    lane->provider->found != HOSTS_FOUND)
				lane->until = 0;
	for (size_t i = 0; i < SCHEDULE_BUCKETS; i++)
		for (struct provider *p = s->bucket[i]; p != NULL;
		     p = p->next) {
			p->sleeps = 0;
			provider_settle(s, p);
		}
	n = s->heaped;
	s->heaped = 0;
	for (size_t i = 0; i < n; i++) {
		s->heap[i]->slot = 0;
		job_ready(s, s->heap[i]);
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
	w->route = lane->route;
	lane->refs++;
	w->provider = p;
	w->found = p->found;
	if (p->found == HOSTS_FOUND)
		memcpy(&w->hosts, p->hosts, p->hosts_n);
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
	while (provider_may_go(s, p, over)) {
		struct queue_job *job = provider_take(s, p);

		if (!queue_take(s->opt.queue, job))
			continue; /* held, or going */
		if (!over)
			provider_begin(s, p);
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
		w->route = lane->route;
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
		provider_leave_ring(s, p);
		if (was_last)
			break;
	}
	return false;
}

void
schedule_wait(struct schedule *s, struct schedule_work *w)
{
	pthread_mutex_lock(&s->lock);
	w->kind = SCHEDULE_STOP;
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
	(void)snprintf(
	    key, sizeof(key), "?%s/%" PRIu32, lane->name, lane->route);
	p = provider_use(
	    s, found, hosts, found == HOSTS_FOUND ? hosts->key : key, error);
	/* Jobs that wait in lines of the old one come along. */
	if (old != NULL && old != p && old->line != NULL)
		for (size_t i = 0; i < SCHEDULE_LINES && old->line != NULL;
		     i++) {
			struct queue_job *next;

			for (job = old->line[i].first; job != NULL;
			     job = next) {
				next = job->behind;
				if (job->domain != lane->domain ||
				    job->route != lane->route)
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

void
schedule_done(struct schedule *s, struct schedule_work *w,
    const struct schedule_lesson *lesson, const char *error)
{
	struct provider *p = w->provider;
	struct lane *lane = w->lane;
	struct queue_job *job = w->job;

	pthread_mutex_lock(&s->lock);
	if (error != NULL && p->found == HOSTS_FOUND)
		(void)str_copy(p->error, sizeof(p->error), str_of(error));
	provider_learn(s, p, lesson);
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

void
schedule_reroute(struct schedule *s, struct schedule_work *w, uint32_t route)
{
	struct queue_job *job = w->job;
	struct lane *lane;

	pthread_mutex_lock(&s->lock);
	lane = lane_of(s, job);
	lane->jobs--;
	job->route = route;
	lane_of(s, job)->jobs++;
	/* The work refers to it until it is done. */
	if (lane->jobs == 0)
		lane_leave(lane);
	pthread_mutex_unlock(&s->lock);
}

/* --- time -----------------------------------------------------------------
 */

/* Jobs of a sleeping provider that are to be given up all the same. */
static void
sweep(struct schedule *s, struct provider *p)
{
	for (size_t i = 0; i < SCHEDULE_LINES && p->line != NULL; i++) {
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
	pthread_mutex_lock(&s->lock);
	lanes_tidy(s);
	providers_tidy(s);
	while (s->heaped > 0 && is_due(s, s->heap[0])) {
		struct queue_job *job = s->heap[0];

		heap_remove(s, job);
		job_ready(s, job);
	}
	for (size_t i = 0; i < SCHEDULE_BUCKETS; i++)
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

const char *
schedule_key(const struct provider *p)
{
	return p->key;
}

void
schedule_let_go(struct schedule *s, struct provider *p, bool tried)
{
	pthread_mutex_lock(&s->lock);
	if (tried) {
		provider_end(s, p);
		provider_settle(s, p);
	}
	provider_drop(s, p);
	announce(s);
}

static struct schedule_row
row_of(const struct provider *p)
{
	int64_t left = p->sleeps - clock_monotonic();

	return (struct schedule_row){
		.hosts = p->key,
		.ready = p->ready,
		.active = p->active,
		.limit = p->limit,
		.rate = p->told_until > clock_monotonic() ? p->told_rate : 0,
		.sleeps = left > 0 ? left / 1000000 + 1 : 0,
		.error = p->error,
	};
}

void
schedule_each(struct schedule *s,
    void (*fn)(void *arg, const struct schedule_row *row), void *arg)
{
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < SCHEDULE_BUCKETS; i++)
		for (struct provider *p = s->bucket[i]; p != NULL;
		     p = p->next) {
			const struct schedule_row row = row_of(p);

			fn(arg, &row);
		}
	pthread_mutex_unlock(&s->lock);
}

void
schedule_of(struct schedule *s, const struct queue_job *job,
    void (*fn)(void *arg, const struct schedule_row *row), void *arg)
{
	const struct lane *lane;

	pthread_mutex_lock(&s->lock);
	lane = job->domain->priv;
	while (lane != NULL && lane->route != job->route)
		lane = lane->sister;
	if (lane != NULL && lane->provider != NULL) {
		const struct schedule_row row = row_of(lane->provider);

		fn(arg, &row);
	}
	pthread_mutex_unlock(&s->lock);
}
