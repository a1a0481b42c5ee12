/*
 * net/timers.c - one thread that sleeps until the next time-out.
 *
 * A slot stays in the heap at a time that is not later than the one it wants.
 * Activity only moves the wish (slot.next), so a busy connection costs nothing
 * here; the thread looks again when the old time comes.
 */
#include "net/priv.h"

#include "base/clock.h"
#include <stdlib.h>
#include <time.h>

static int64_t
key(const struct net *n, size_t at)
{
	return atomic_load(&n->slot[n->timers.heap[at]].queued);
}

static void
put(struct net *n, size_t at, uint32_t index)
{
	n->timers.heap[at] = index;
	n->slot[index].heap_at = at;
}

static void
sift_up(struct net *n, size_t at)
{
	uint32_t index = n->timers.heap[at];
	int64_t time = key(n, at);

	while (at > 0 && key(n, (at - 1) / 2) > time) {
		put(n, at, n->timers.heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	put(n, at, index);
}

static void
sift_down(struct net *n, size_t at)
{
	uint32_t index = n->timers.heap[at];
	int64_t time = key(n, at);

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= n->timers.n)
			break;
		if (child + 1 < n->timers.n &&
		    key(n, child + 1) < key(n, child))
			child++;
		if (key(n, child) >= time)
			break;
		put(n, at, n->timers.heap[child]);
		at = child;
	}
	put(n, at, index);
}

static void
take_out(struct net *n, size_t at)
{
	struct timers *t = &n->timers;

	atomic_store(&n->slot[t->heap[at]].queued, 0);
	t->n--;
	if (at == t->n)
		return;
	put(n, at, t->heap[t->n]);
	sift_down(n, at);
	sift_up(n, at);
}

void
timers_want(struct net *n, struct net_slot *s, uint32_t index)
{
	struct timers *t = &n->timers;
	int64_t queued = atomic_load(&s->queued);

	if (s->next == 0 || (queued != 0 && queued <= s->next))
		return;
	pthread_mutex_lock(&t->lock);
	if (atomic_load(&s->queued) == 0) {
		mem_grow(&t->heap, &t->cap, t->n + 1, sizeof(*t->heap));
		atomic_store(&s->queued, s->next);
		put(n, t->n++, index);
		sift_up(n, t->n - 1);
	} else {
		atomic_store(&s->queued, s->next);
		sift_up(n, s->heap_at);
	}
	if (t->heap[0] == index)
		pthread_cond_signal(&t->changed);
	pthread_mutex_unlock(&t->lock);
}

void
timers_forget(struct net *n, struct net_slot *s)
{
	if (atomic_load(&s->queued) == 0)
		return;
	pthread_mutex_lock(&n->timers.lock);
	if (atomic_load(&s->queued) != 0)
		take_out(n, s->heap_at);
	pthread_mutex_unlock(&n->timers.lock);
}

/* A slot's time has come, or it had a later wish meanwhile. */
static void
fire(struct net *n, uint32_t index)
{
	struct net_slot *s = &n->slot[index];

	pthread_mutex_lock(&s->lock);
	if (s->state == SLOT_PARKED && s->next != 0) {
		if (s->next <= clock_monotonic()) {
			s->timer_due = true;
			slot_rouse(n, s, index);
		} else {
			timers_want(n, s, index);
		}
	}
	pthread_mutex_unlock(&s->lock);
}

static void *
timers_main(void *arg)
{
	struct net *n = arg;
	struct timers *t = &n->timers;

	pthread_mutex_lock(&t->lock);
	while (!t->quit) {
		int64_t now = clock_monotonic();

		if (t->n == 0) {
			pthread_cond_wait(&t->changed, &t->lock);
		} else if (key(n, 0) > now) {
			int64_t wait = key(n, 0) - now;
			struct timespec ts;

			(void)clock_gettime(CLOCK_MONOTONIC, &ts);
			ts.tv_sec += (time_t)(wait / 1000000);
			ts.tv_nsec += (long)(wait % 1000000 * 1000);
			if (ts.tv_nsec >= 1000000000) {
				ts.tv_nsec -= 1000000000;
				ts.tv_sec++;
			}
			(void)pthread_cond_timedwait(
			    &t->changed, &t->lock, &ts);
		} else {
			uint32_t index = t->heap[0];

			take_out(n, 0);
			pthread_mutex_unlock(&t->lock);
			fire(n, index);
			pthread_mutex_lock(&t->lock);
		}
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

enum pst_rc
timers_start(struct net *n, struct pst_error *err)
{
	struct timers *t = &n->timers;
	int rc = pthread_create(&t->thread, NULL, timers_main, n);

	if (rc != 0)
		return pst_fail(
		    err, PST_E_TEMP, rc, "timer thread: %s", strerror(rc));
	t->started = true;
	return PST_OK;
}

void
timers_stop(struct net *n)
{
	struct timers *t = &n->timers;

	if (!t->started)
		return;
	pthread_mutex_lock(&t->lock);
	t->quit = true;
	pthread_cond_signal(&t->changed);
	pthread_mutex_unlock(&t->lock);
	(void)pthread_join(t->thread, NULL);
	t->started = false;
	free(t->heap);
	t->heap = NULL;
}
