/*
 * background.c - requests that take long: each runs in a thread of its own, so
 * that the control thread goes on answering others. What the thread finds goes
 * through a bounded queue; it waits while the client does not read.
 */
#include "admin/background.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include <errno.h>
#include <stdlib.h>

enum { QUEUE_MAX = 1 << 20 };

struct admin_work {
	struct admin_control *control;
	const struct admin_host *host;
	admin_work_fn run;
	void *arg;
	void (*free_arg)(void *arg);
	pthread_t thread;

	pthread_mutex_t lock; /* guards the following */
	pthread_cond_t moved;
	struct buf lines;
	bool over, cancelled;
	enum pst_rc rc;
	struct pst_error err;
};

bool
admin_work_item(struct admin_work *w, json_t *item)
{
	json_t *line = json_pack("{s:o}", "item", item);
	bool ok;

	pthread_mutex_lock(&w->lock);
	/* A line that is longer than the whole queue goes when that is empty.
	 */
	while (!w->cancelled && w->lines.n > QUEUE_MAX / 2)
		pthread_cond_wait(&w->moved, &w->lock);
	ok = !w->cancelled;
	if (ok)
		(void)admin_put_line(&w->lines, line);
	else
		json_decref(line);
	pthread_mutex_unlock(&w->lock);
	admin_control_wake(w->control);
	return ok;
}

bool
admin_work_is_cancelled(void *work)
{
	struct admin_work *w = work;
	bool cancelled;

	pthread_mutex_lock(&w->lock);
	cancelled = w->cancelled;
	pthread_mutex_unlock(&w->lock);
	return cancelled;
}

const struct admin_host *
admin_work_host(const struct admin_work *w)
{
	return w->host;
}

static void *
work_main(void *arg)
{
	struct admin_work *w = arg;
	struct pst_error err = { 0 };
	enum pst_rc rc = w->run(w, w->arg, &err);

	pthread_mutex_lock(&w->lock);
	w->rc = rc;
	w->err = err;
	w->over = true;
	pthread_mutex_unlock(&w->lock);
	admin_control_wake(w->control);
	return NULL;
}

/* Moves what there is to the client. True: it is over. */
static bool
work_step(struct admin_client *c)
{
	struct admin_work *w = c->job_state;
	bool over;

	pthread_mutex_lock(&w->lock);
	if (c->out.n < QUEUE_MAX && w->lines.n > 0) {
		(void)buf_add(&c->out, w->lines.p, w->lines.n);
		buf_clear(&w->lines);
		pthread_cond_signal(&w->moved);
	}
	over = w->over && w->lines.n == 0;
	pthread_mutex_unlock(&w->lock);
	if (!over)
		return false;
	if (w->rc == PST_OK)
		admin_done(c);
	else
		admin_error(c, w->rc, "%s", w->err.detail);
	return true;
}

static void
work_free(void *work)
{
	struct admin_work *w = work;

	pthread_mutex_lock(&w->lock);
	w->cancelled = true;
	pthread_cond_signal(&w->moved);
	pthread_mutex_unlock(&w->lock);
	(void)pthread_join(w->thread, NULL);
	if (w->free_arg != NULL)
		w->free_arg(w->arg);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->moved);
	buf_fini(&w->lines);
	free(w);
}

void
admin_work_start(struct admin_client *c, admin_work_fn run, void *arg,
    void (*free_arg)(void *arg))
{
	struct admin_work *w = mem_alloc(sizeof(*w));
	int failed;

	w->control = c->control;
	w->host = c->host;
	w->run = run;
	w->arg = arg;
	w->free_arg = free_arg;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->moved, NULL);
	buf_init(&w->lines, QUEUE_MAX + ADMIN_LINE_MAX);
	failed = pthread_create(&w->thread, NULL, work_main, w);
	if (failed != 0) {
		admin_error(c, PST_E_TEMP, "cannot start a thread: %s",
		    strerror(failed));
		if (free_arg != NULL)
			free_arg(arg);
		pthread_mutex_destroy(&w->lock);
		pthread_cond_destroy(&w->moved);
		buf_fini(&w->lines);
		free(w);
		return;
	}
	c->job = work_step;
	c->job_state = w;
	c->job_free = work_free;
}
