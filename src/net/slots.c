/*
 * net/slots.c - the table of connections, and waking them.
 *
 * A connection is PARKED (in epoll, one shot armed) or RUNNING (a worker has
 * it). All changes of that happen under its slot's lock; so a wake-up is either
 * seen by the worker before it parks, or puts the parked one into the run
 * queue.
 */
#include "net/priv.h"

#include "base/str.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

bool
slots_init(struct net *n)
{
	struct rlimit files;
	uint32_t count = 1 << 20;
	void *table;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < count)
		count = (uint32_t)files.rlim_cur;
	/* Pages that are never touched cost nothing. */
	table = mmap(NULL, count * sizeof(struct net_slot),
	    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
	    -1, 0);
	if (table == MAP_FAILED)
		return false;
	n->slot = table;
	n->slots = count;
	return true;
}

struct net_slot *
slot_of(const struct net_conn *c)
{
	return &c->net->slot[c->index];
}

bool
slot_take(struct net *n, struct net_conn *c)
{
	struct net_slot *s;

	pthread_mutex_lock(&n->free_lock);
	if (n->first_free != 0) {
		c->index = n->first_free - 1;
		n->first_free = n->slot[c->index].next_free;
	} else if (n->unused < n->slots) {
		c->index = n->unused;
		pthread_mutex_init(&n->slot[c->index].lock, NULL);
		n->unused++;
	} else {
		pthread_mutex_unlock(&n->free_lock);
		return false;
	}
	pthread_mutex_unlock(&n->free_lock);

	s = &n->slot[c->index];
	pthread_mutex_lock(&s->lock);
	s->conn = c;
	s->state = SLOT_RUNNING;
	s->wake = s->stop = s->kick = s->timer_due = false;
	s->next = 0;
	pthread_mutex_unlock(&s->lock);
	atomic_fetch_add(&n->connections, 1);
	return true;
}

void
slot_give_back(struct net_conn *c)
{
	struct net *n = c->net;
	struct net_slot *s = slot_of(c);

	pthread_mutex_lock(&s->lock);
	s->conn = NULL;
	s->state = SLOT_FREE;
	s->generation++;
	timers_forget(n, s);
	pthread_mutex_unlock(&s->lock);

	pthread_mutex_lock(&n->free_lock);
	s->next_free = n->first_free;
	n->first_free = c->index + 1;
	if (atomic_fetch_sub(&n->connections, 1) == 1)
		pthread_cond_broadcast(&n->all_gone);
	pthread_mutex_unlock(&n->free_lock);
}

static void
signal_queue(const struct run_queue *q)
{
	uint64_t one = 1;

	(void)!write(q->fd, &one, sizeof(one));
}

void
slot_rouse(struct net *n, struct net_slot *s, uint32_t index)
{
	struct run_queue *q = &n->run_queue;
	bool was_empty;

	if (s->state != SLOT_PARKED || s->roused)
		return;
	s->roused = true;
	pthread_mutex_lock(&q->lock);
	was_empty = q->first == 0;
	s->next_run = 0;
	if (was_empty)
		q->first = index + 1;
	else
		n->slot[q->last - 1].next_run = index + 1;
	q->last = index + 1;
	pthread_mutex_unlock(&q->lock);
	if (was_empty)
		signal_queue(q);
}

struct net_slot *
slot_next_roused(struct net *n)
{
	struct run_queue *q = &n->run_queue;
	struct net_slot *s = NULL;
	bool more;

	pthread_mutex_lock(&q->lock);
	if (q->first != 0) {
		s = &n->slot[q->first - 1];
		q->first = s->next_run;
	}
	more = q->first != 0;
	pthread_mutex_unlock(&q->lock);
	if (more)
		signal_queue(q);
	return s;
}

struct net_handle
net_handle_of(const struct net_conn *c)
{
	/* Read by the thread that runs the connection: it can't change. */
	return (struct net_handle){ c->index, slot_of(c)->generation, c->net };
}

/* The worker that this thread is; NULL for others. */
static _Thread_local struct worker *this_worker;

void
slots_set_worker(struct worker *w)
{
	this_worker = w;
}

static void
wake_now(struct net_handle h)
{
	struct net_slot *s = &h.net->slot[h.slot];

	pthread_mutex_lock(&s->lock);
	if (s->generation == h.generation && s->conn != NULL && !s->wake) {
		s->wake = true;
		slot_rouse(h.net, s, h.slot);
	}
	pthread_mutex_unlock(&s->lock);
}

/*
 * From a worker wake-ups wait until the connection at hand has sent what it has
 * to say: who hands in a message gets the answer before others get the news,
 * and neither waits for the other.
 */
void
net_wake(struct net_handle h)
{
	struct worker *w = this_worker;

	if (h.net == NULL)
		return;
	if (w != NULL && w->net == h.net && w->wakes < WAKES_MAX)
		w->wake[w->wakes++] = h;
	else
		wake_now(h);
}

void
slots_wake(struct worker *w)
{
	for (size_t i = 0; i < w->wakes; i++)
		wake_now(w->wake[i]);
	w->wakes = 0;
}

bool
net_set_user(struct net_conn *c, const char *user)
{
	struct net_slot *s = slot_of(c);
	char *old = c->user;
	char *new = NULL;

	if (user != NULL) {
		if (!counts_add(&c->net->users, user,
			(size_t)net_config(c)->limits.connections_per_user))
			return false;
		new = str_dup(str_of(user));
	}
	pthread_mutex_lock(&s->lock);
	c->user = new;
	pthread_mutex_unlock(&s->lock);
	if (old != NULL)
		counts_remove(&c->net->users, old);
	free(old);
	trace_refresh(c);
	return true;
}

void
net_set_activity(struct net_conn *c, const char *text)
{
	struct net_slot *s = slot_of(c);
	char *new = text != NULL
			? str_dup(str_first(str_of(text), ACTIVITY_MAX))
			: NULL;
	char *old;

	pthread_mutex_lock(&s->lock);
	old = c->activity;
	c->activity = new;
	pthread_mutex_unlock(&s->lock);
	free(old);
}
