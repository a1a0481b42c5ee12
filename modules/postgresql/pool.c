/*
 * pool.c - the connections that all workers share. While the database is away
 * nobody waits for it: one caller at a time tries, at growing distances.
 */
#include "postgresql.h"

#include <errno.h>
#include <time.h>

enum { BACK_OFF_FIRST_MS = 100, BACK_OFF_MOST_MS = 5000 };

int64_t
pg_monotonic(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void
pg_pool_init(struct pg_pool *pool)
{
	*pool = (struct pg_pool){ .last = &pool->first };
	(void)pthread_mutex_init(&pool->lock, NULL);
}

void
pg_pool_fini(struct pg_pool *pool)
{
	while (pool->idle != NULL) {
		struct pg_conn *c = pool->idle;

		pool->idle = c->next;
		pg_conn_close(&c);
	}
	(void)pthread_mutex_destroy(&pool->lock);
}

/* --- waiting ---------------------------------------------------------------
 */

static void
enqueue(struct pg_pool *pool, struct pg_waiter *w)
{
	pthread_condattr_t attr;

	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&w->moved, &attr);
	(void)pthread_condattr_destroy(&attr);
	w->next = NULL;
	*pool->last = w;
	pool->last = &w->next;
}

/* Something is free, or may be tried. */
static void
wake_first(struct pg_pool *pool)
{
	if (pool->first != NULL)
		pthread_cond_signal(&pool->first->moved);
}

static void
dequeue(struct pg_pool *pool, struct pg_waiter *w)
{
	struct pg_waiter **at = &pool->first;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	if (pool->last == &w->next)
		pool->last = at;
	(void)pthread_cond_destroy(&w->moved);
	wake_first(pool);
}

/* False: too long. */
static bool
wait_moved(struct pg_pool *pool, struct pg_waiter *w, int64_t deadline)
{
	struct timespec until = { deadline / 1000000,
		deadline % 1000000 * 1000 };

	return pthread_cond_timedwait(&w->moved, &pool->lock, &until) !=
	       ETIMEDOUT;
}

/* --- connections -----------------------------------------------------------
 */

/* When the next one may try: later each time, and not all nodes at once. */
static void
back_off(struct pst_store *s, struct pg_pool *pool)
{
	int64_t ms = BACK_OFF_FIRST_MS;
	uint16_t dice;

	for (int i = 0; i < pool->failures && ms < BACK_OFF_MOST_MS; i++)
		ms *= 2;
	if (ms > BACK_OFF_MOST_MS)
		ms = BACK_OFF_MOST_MS;
	s->host->random(&dice, sizeof(dice));
	ms = ms / 2 + ms / 2 * dice / UINT16_MAX;
	pool->failures++;
	pool->down_until = pg_monotonic() + ms * 1000;
}

/* An idle connection that is still good. pool->lock is held. */
static struct pg_conn *
pop_idle(struct pg_pool *pool)
{
	while (pool->idle != NULL) {
		struct pg_conn *c = pool->idle;

		pool->idle = c->next;
		c->next = NULL;
		if (!pg_conn_is_stale(c)) {
			pool->busy++;
			return c;
		}
		pool->open--;
		pg_conn_close(&c);
	}
	return NULL;
}

/* A new connection; pool->lock is held, but not meanwhile. */
static enum pst_rc
open_one(struct pst_store *s, struct pg_conn **c_r, struct pst_error *err)
{
	struct pg_pool *pool = &s->pool;
	bool was_down = pool->failures > 0;
	enum pst_rc rc;

	pool->open++;
	pool->busy++;
	pool->trying = was_down;
	pthread_mutex_unlock(&pool->lock);
	rc = pg_conn_open(s, s->config.conninfo, true, c_r, err);
	if (rc == PST_OK && !PQenterPipelineMode((*c_r)->pg)) {
		rc = pg_lost(*c_r, err);
		pg_conn_close(c_r);
	}
	pthread_mutex_lock(&pool->lock);
	pool->trying = false;
	if (rc == PST_OK) {
		pool->failures = 0;
	} else {
		pool->open--;
		pool->busy--;
		pool->why = *err;
		back_off(s, pool);
	}
	wake_first(pool);
	if (rc == PST_OK && was_down)
		s->host->log(PST_LOG_INFO, "the database is back");
	else if (rc != PST_OK && !was_down)
		s->host->log(
		    PST_LOG_WARNING, "the database is away: %s", err->detail);
	/* Nothing of it is for ever: mail must not come back because of it. */
	return rc == PST_OK ? PST_OK : PST_E_TEMP;
}

/* Without waiting, but for a new connection; *c_r NULL and PST_OK: all are
 * busy. pool->lock is held. */
static enum pst_rc
take_now(struct pst_store *s, struct pg_conn **c_r, struct pst_error *err)
{
	struct pg_pool *pool = &s->pool;

	*c_r = pop_idle(pool);
	if (*c_r != NULL)
		return PST_OK;
	if (pool->failures > 0 &&
	    (pool->trying || pg_monotonic() < pool->down_until)) {
		*err = pool->why;
		return err->rc = PST_E_TEMP;
	}
	return pool->open < s->config.connections ? open_one(s, c_r, err)
						  : PST_OK;
}

static enum pst_rc
take_in_turn(struct pst_store *s, struct pg_conn **c_r, struct pst_error *err)
{
	struct pg_pool *pool = &s->pool;
	int64_t deadline = pg_monotonic() + (int64_t)s->config.wait_ms * 1000;
	struct pg_waiter w;
	enum pst_rc rc = PST_OK;

	*c_r = NULL;
	enqueue(pool, &w);
	while (rc == PST_OK && *c_r == NULL) {
		if (pool->first == &w)
			rc = take_now(s, c_r, err);
		if (rc == PST_OK && *c_r == NULL &&
		    !wait_moved(pool, &w, deadline))
			rc = pst_fail(err, PST_E_TEMP, 0,
			    "all %d connections were busy for %d ms",
			    s->config.connections, s->config.wait_ms);
	}
	dequeue(pool, &w);
	return rc;
}

enum pst_rc
pg_pool_take(struct pst_store *s, struct pg_conn **c_r, struct pst_error *err)
{
	struct pg_pool *pool = &s->pool;
	enum pst_rc rc = PST_OK;

	*c_r = NULL;
	pthread_mutex_lock(&pool->lock);
	if (pool->first == NULL)
		rc = take_now(s, c_r, err);
	if (rc == PST_OK && *c_r == NULL)
		rc = take_in_turn(s, c_r, err);
	pthread_mutex_unlock(&pool->lock);
	return rc;
}

void
pg_pool_give(struct pst_store *s, struct pg_conn **cp)
{
	struct pg_pool *pool = &s->pool;
	struct pg_conn *c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	if (c->is_broken || c->queue_n > 0 ||
	    PQtransactionStatus(c->pg) != PQTRANS_IDLE) {
		pg_conn_close(&c);
		pthread_mutex_lock(&pool->lock);
		pool->open--;
	} else {
		pthread_mutex_lock(&pool->lock);
		c->next = pool->idle;
		pool->idle = c;
	}
	pool->busy--;
	wake_first(pool);
	pthread_mutex_unlock(&pool->lock);
}
