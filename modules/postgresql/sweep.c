/*
 * sweep.c - what nobody refers to any more goes: contents of expunged messages
 * and of messages that were never committed, and what is remembered of expunged
 * uids. A thread of its own, a little at a time; each server does it, and those
 * that do it at the same time take different contents.
 */
#include "postgresql.h"

enum {
	CONTENTS = 200, /* at once */
	UIDS_DAYS = 30, /* that expunged uids are remembered */
	PERIOD_S = 60,
	PERIOD_UIDS_S = 3600
};

struct sweeping {
	enum pg_statement statement;
	int64_t most, n;
};

static enum pst_rc
send_sweep(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct sweeping *q = arg;
	struct pg_params p = { 0 };

	(void)err;
	pg_p_i64(&p, q->most);
	(void)pg_send(c, PG_S_ASYNC, NULL);
	(void)pg_send(c, q->statement, &p);
	return PST_OK;
}

static enum pst_rc
take_sweep(struct pg_conn *c, void *arg, struct pst_error *err)
{
	struct sweeping *q = arg;
	PGresult *r = NULL;

	for (int i = 0; i < 2; i++) {
		PQclear(r);
		r = pg_take(c, err);
		if (r == NULL)
			return err->rc;
	}
	q->n = pg_i64(r, 0, 0);
	PQclear(r);
	return PST_OK;
}

/* How many there were; 0 also when it fails: there is a next time. */
static int64_t
sweep(struct pst_store *s, enum pg_statement statement, int64_t most)
{
	struct sweeping q = { .statement = statement, .most = most };
	const struct pg_job job = { .mode = PG_AGAIN,
		.arg = &q,
		.send = send_sweep,
		.take = take_sweep };
	struct pst_error err;

	return pg_run(s, &job, NULL, &err) == PST_OK ? q.n : 0;
}

static void *
sweep_main(void *arg)
{
	struct pst_store *s = arg;
	struct pg_sweeper *w = &s->sweeper;
	int64_t period = s->config.sweep_s < PERIOD_S ? s->config.sweep_s + 1
						      : PERIOD_S;
	int64_t uids_at = pg_monotonic() + (int64_t)PERIOD_UIDS_S * 1000000;

	pthread_mutex_lock(&w->lock);
	while (!w->quit) {
		int64_t until = pg_monotonic() + period * 1000000;
		struct timespec t = { until / 1000000, until % 1000000 * 1000 };

		(void)pthread_cond_timedwait(&w->stop, &w->lock, &t);
		while (!w->quit) {
			int64_t n;

			pthread_mutex_unlock(&w->lock);
			n = sweep(s, PG_S_SWEEP_CONTENTS, CONTENTS);
			pthread_mutex_lock(&w->lock);
			if (n < CONTENTS)
				break;
		}
		if (w->quit || pg_monotonic() < uids_at)
			continue;
		pthread_mutex_unlock(&w->lock);
		(void)sweep(s, PG_S_SWEEP_EXPUNGED, UIDS_DAYS);
		pthread_mutex_lock(&w->lock);
		uids_at = pg_monotonic() + (int64_t)PERIOD_UIDS_S * 1000000;
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

enum pst_rc
sweep_start(struct pst_store *s, struct pst_error *err)
{
	struct pg_sweeper *w = &s->sweeper;
	pthread_condattr_t attr;
	int e;

	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&w->stop, &attr);
	(void)pthread_condattr_destroy(&attr);
	e = pthread_create(&w->thread, NULL, sweep_main, s);
	w->is_running = e == 0;
	return e == 0 ? PST_OK
		      : pst_fail(err, PST_E_TEMP, e, "pthread_create: %s",
			    strerror(e));
}

void
sweep_stop(struct pst_store *s)
{
	struct pg_sweeper *w = &s->sweeper;

	if (w->is_running) {
		pthread_mutex_lock(&w->lock);
		w->quit = true;
		pthread_cond_signal(&w->stop);
		pthread_mutex_unlock(&w->lock);
		(void)pthread_join(w->thread, NULL);
	}
	(void)pthread_cond_destroy(&w->stop);
	(void)pthread_mutex_destroy(&w->lock);
}
