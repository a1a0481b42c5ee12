/*
 * net/pool.c - the workers: each waits in the shared epoll set, runs the one
 * connection it gets until that would wait, parks it and waits again.
 *
 * Handlers may block on the disk. So there is always one worker waiting, up to
 * limits.workers_max: the last one that gets work starts another; those beyond
 * workers_min that find nothing to do for ten seconds end.
 */
#include "net/priv.h"

#include "base/clock.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { WORKER_STACK = 1 << 20, SPARE_MS = 10000 };

static const uint64_t quit_mark = UINT64_MAX, run_mark = UINT64_MAX - 1;

static void worker_spawn(struct net *n);

static void
worker_config(struct worker *w)
{
	struct net *n = w->net;
	unsigned generation = atomic_load_explicit(
	    &n->cfg_generation, memory_order_acquire);

	if (w->cfg != NULL && w->cfg_generation == generation)
		return;
	pthread_mutex_lock(&n->cfg_lock);
	config_unref(&w->cfg);
	w->cfg = config_ref(n->cfg);
	w->cfg_generation = generation;
	pthread_mutex_unlock(&n->cfg_lock);
}

/* Parks the connection, or finds that it has to run again: then true. */
static bool
park(struct net *n, struct net_conn *c)
{
	struct net_slot *s = slot_of(c);
	bool again = false;
	struct epoll_event ev;

	pthread_mutex_lock(&s->lock);
	if (s->kick || s->timer_due || (s->wake && conn_takes_wake(c)) ||
	    (s->stop && (c->phase < CONN_OPEN || conn_is_quiet(c)))) {
		again = true;
	} else {
		s->state = SLOT_PARKED;
		s->next = conn_next_timer(c);
		timers_want(n, s, c->index);
		ev.events = conn_events(c) | EPOLLONESHOT;
		ev.data.u64 = (uint64_t)s->generation << 32 | c->index;
		(void)epoll_ctl(n->epoll_fd, EPOLL_CTL_MOD, c->fd, &ev);
		/* To the end of the queue: others have their turn. */
		if (conn_is_ready(c))
			slot_rouse(n, s, c->index);
	}
	pthread_mutex_unlock(&s->lock);
	return again;
}

/* The connection that an event is about, now ours; NULL when it is gone or
 * somebody else's already. */
static struct net_conn *
claim(struct net *n, uint64_t mark)
{
	bool from_queue = mark == run_mark;
	struct net_slot *s = from_queue ? slot_next_roused(n)
					: &n->slot[(uint32_t)mark];
	struct net_conn *c = NULL;

	if (s == NULL)
		return NULL;
	pthread_mutex_lock(&s->lock);
	if (from_queue)
		s->roused = false;
	if (s->state == SLOT_PARKED &&
	    (from_queue || s->generation == mark >> 32)) {
		s->state = SLOT_RUNNING;
		c = s->conn;
	}
	pthread_mutex_unlock(&s->lock);
	return c;
}

static void
work(struct worker *w, uint64_t mark)
{
	struct net *n = w->net;
	struct net_conn *c = claim(n, mark);

	if (c == NULL)
		return;
	while (conn_run(c, w) && park(n, c))
		;
	slots_wake(w);
}

/* One worker less that waits, unless it is the last one: who gets work at this
 * moment must either find another waiting or start one. */
static bool
leave_waiting(struct net *n)
{
	size_t waiting = atomic_load(&n->workers_waiting);

	while (waiting > 1)
		if (atomic_compare_exchange_weak(
			&n->workers_waiting, &waiting, waiting - 1))
			return true;
	return false;
}

/* Ends this worker when there are enough; the list knows it until it is
 * joined. After `quit` the list belongs to pool_stop(). */
static bool
may_retire(struct worker *w)
{
	struct net *n = w->net;
	size_t least;
	bool retire = false;

	worker_config(w);
	least = (size_t)w->cfg->limits.workers_min;
	pthread_mutex_lock(&n->workers_lock);
	if (n->workers_count > least && !atomic_load(&n->quit) &&
	    leave_waiting(n)) {
		for (struct worker **at = &n->workers; *at != NULL;
		     at = &(*at)->next)
			if (*at == w) {
				*at = w->next;
				break;
			}
		w->next = n->retired;
		n->retired = w;
		atomic_fetch_sub(&n->workers_count, 1);
		retire = true;
	}
	pthread_mutex_unlock(&n->workers_lock);
	return retire;
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	struct net *n = w->net;

	slots_set_worker(w);
	/* worker_spawn() has counted it as waiting. */
	while (!atomic_load(&n->quit)) {
		struct epoll_event ev;
		int got = epoll_wait(n->epoll_fd, &ev, 1, SPARE_MS);

		if (got == 0 && may_retire(w))
			break;
		if (got <= 0 || ev.data.u64 == quit_mark)
			continue;
		worker_config(w);
		if (atomic_fetch_sub(&n->workers_waiting, 1) == 1 &&
		    n->workers_count < (size_t)w->cfg->limits.workers_max)
			worker_spawn(n);
		work(w, ev.data.u64);
		atomic_fetch_add(&n->workers_waiting, 1);
	}
	config_unref(&w->cfg);
	free(w->in.p);
	free(w->out.p);
	return NULL;
}

static void
join_all(struct worker **list)
{
	while (*list != NULL) {
		struct worker *w = *list;

		*list = w->next;
		(void)pthread_join(w->thread, NULL);
		free(w);
	}
}

static void
worker_spawn(struct net *n)
{
	struct worker *w, *retired;
	pthread_attr_t attr;
	size_t most;

	pthread_mutex_lock(&n->cfg_lock);
	most = (size_t)n->cfg->limits.workers_max;
	pthread_mutex_unlock(&n->cfg_lock);

	pthread_mutex_lock(&n->workers_lock);
	retired = n->retired;
	n->retired = NULL;
	if (n->workers_count < most && !atomic_load(&n->quit)) {
		w = mem_alloc(sizeof(*w));
		w->net = n;
		(void)pthread_attr_init(&attr);
		(void)pthread_attr_setstacksize(&attr, WORKER_STACK);
		atomic_fetch_add(&n->workers_waiting, 1);
		if (pthread_create(&w->thread, &attr, worker_main, w) == 0) {
			w->next = n->workers;
			n->workers = w;
			atomic_fetch_add(&n->workers_count, 1);
		} else {
			/* Those that exist have to do. */
			atomic_fetch_sub(&n->workers_waiting, 1);
			free(w);
		}
		(void)pthread_attr_destroy(&attr);
	}
	pthread_mutex_unlock(&n->workers_lock);
	join_all(&retired);
}

enum pst_rc
pool_start(struct net *n, struct pst_error *err)
{
	struct epoll_event ev = { .events = EPOLLIN };

	struct epoll_event run = { .events = EPOLLIN | EPOLLET };

	ev.data.u64 = quit_mark;
	run.data.u64 = run_mark;
	if (epoll_ctl(n->epoll_fd, EPOLL_CTL_ADD, n->quit_fd, &ev) < 0 ||
	    epoll_ctl(n->epoll_fd, EPOLL_CTL_ADD, n->run_queue.fd, &run) < 0)
		return pst_fail(
		    err, PST_E_TEMP, errno, "epoll: %s", strerror(errno));
	for (int64_t i = 0; i < n->cfg->limits.workers_min; i++)
		worker_spawn(n);
	if (n->workers_count == 0)
		return pst_fail(err, PST_E_TEMP, 0, "no thread can be started");
	return PST_OK;
}

void
pool_stop(struct net *n)
{
	struct worker *all;
	uint64_t one = 1;

	atomic_store(&n->quit, true);
	(void)!write(n->quit_fd, &one, sizeof(one));
	pthread_mutex_lock(&n->workers_lock);
	all = n->workers;
	n->workers = NULL;
	pthread_mutex_unlock(&n->workers_lock);
	join_all(&all);
	join_all(&n->retired);
}
