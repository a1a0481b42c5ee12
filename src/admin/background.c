/*
 * background.c - requests that take long: each runs in a thread of its own, so
 * that the control thread goes on answering others. What the thread finds goes
 * through a bounded queue; it waits while the client does not read. What the
 * client sends goes through another one: the thread takes it whole and leaves
 * an empty one in its place, so that nothing is copied under the lock.
 */
#include "admin/background.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include <errno.h>
#include <stdlib.h>

enum { QUEUE_MAX = 1 << 20, TAKE_MAX = 1 << 18 };

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
	struct buf heard; /* of the client */
	bool no_more;	  /* will come of it */
	bool over, cancelled;
	void (*break_off)(void *arg); /* or NULL */
	void *break_arg;
	enum pst_rc rc;
	struct pst_error err;

	/* The thread's own: what it has taken, and how far it has got. */
	struct buf taken;
	size_t at;
};

/* Waits until something may be added. False: cancelled. With the lock held. */
static bool
wait_for_room(struct admin_work *w)
{
	/* A line that is longer than the whole queue goes when that is empty.
	 */
	while (!w->cancelled && w->lines.n > QUEUE_MAX / 2)
		pthread_cond_wait(&w->moved, &w->lock);
	return !w->cancelled;
}

bool
admin_work_item(struct admin_work *w, json_t *item)
{
	json_t *line = json_pack("{s:o}", "item", item);
	bool ok;

	pthread_mutex_lock(&w->lock);
	ok = wait_for_room(w);
	if (ok)
		(void)admin_put_line(&w->lines, line);
	else
		json_decref(line);
	pthread_mutex_unlock(&w->lock);
	admin_control_wake(w->control);
	return ok;
}

bool
admin_work_put(struct admin_work *w, const void *p, size_t n)
{
	bool ok;

	pthread_mutex_lock(&w->lock);
	ok = wait_for_room(w) && admin_put_piece(&w->lines, p, n);
	pthread_mutex_unlock(&w->lock);
	admin_control_wake(w->control);
	return ok;
}

/* --- what the client says ------------------------------------------------ */

/* More octets behind those that are not used yet. */
static enum pst_rc
hear(struct admin_work *w, struct pst_error *err)
{
	bool more;

	buf_consume(&w->taken, w->at);
	w->at = 0;
	pthread_mutex_lock(&w->lock);
	while (!w->cancelled && !w->no_more && w->heard.n == 0)
		pthread_cond_wait(&w->moved, &w->lock);
	more = !w->cancelled && w->heard.n > 0;
	if (more && w->taken.n == 0) {
		struct buf empty = w->taken;

		w->taken = w->heard;
		w->heard = empty;
	} else if (more) {
		(void)buf_add(&w->taken, w->heard.p, w->heard.n);
		buf_clear(&w->heard);
	}
	pthread_mutex_unlock(&w->lock);
	if (!more)
		return pst_fail(err, PST_E_TEMP, 0,
		    "the client went away before it had said all");
	admin_control_wake(w->control);
	return w->taken.overflow
		   ? pst_fail(err, PST_E_LIMIT, 0, "a line is too long")
		   : PST_OK;
}

enum pst_rc
admin_work_line(struct admin_work *w, json_t **line_r, struct pst_error *err)
{
	for (;;) {
		struct pst_str rest = str_from(buf_str(&w->taken), w->at);
		size_t n = str_find(rest, '\n');
		enum pst_rc rc;

		if (n < rest.n) {
			*line_r = json_loadb(
			    rest.p, n, JSON_REJECT_DUPLICATES, NULL);
			w->at += n + 1;
			if (json_is_object(*line_r))
				return PST_OK;
			json_decref(*line_r);
			return pst_fail(err, PST_E_SYNTAX, 0,
			    "what the client says is no JSON object");
		}
		if (n > ADMIN_LINE_MAX)
			return pst_fail(
			    err, PST_E_LIMIT, 0, "a line is too long");
		rc = hear(w, err);
		if (rc != PST_OK)
			return rc;
	}
}

enum pst_rc
admin_work_piece(struct admin_work *w, void *p, size_t n, struct pst_error *err)
{
	char *to = p;

	while (n > 0) {
		size_t some = w->taken.n - w->at;
		enum pst_rc rc;

		if (some > n)
			some = n;
		if (some > 0)
			memcpy(to, w->taken.p + w->at, some);
		w->at += some;
		to += some;
		n -= some;
		rc = n > 0 ? hear(w, err) : PST_OK;
		if (rc != PST_OK)
			return rc;
	}
	return PST_OK;
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

void
admin_work_when_cancelled(
    struct admin_work *w, void (*fn)(void *arg), void *arg)
{
	pthread_mutex_lock(&w->lock);
	w->break_off = fn;
	w->break_arg = arg;
	if (fn != NULL && w->cancelled)
		fn(arg);
	pthread_mutex_unlock(&w->lock);
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

/* What has come of the client, to the thread. With the lock held. */
static void
pass_on(struct admin_client *c, struct admin_work *w)
{
	size_t n = w->heard.n < TAKE_MAX ? TAKE_MAX - w->heard.n : 0;

	if (n > c->in.n)
		n = c->in.n;
	if (n > 0) {
		(void)buf_add(&w->heard, c->in.p, n);
		buf_consume(&c->in, n);
	}
	if (c->in.n == 0 && (c->read_closed || c->gone))
		w->no_more = true;
	if (n > 0 || w->no_more)
		pthread_cond_signal(&w->moved);
}

/* Moves what there is to the client. True: it is over. */
static bool
work_step(struct admin_client *c)
{
	struct admin_work *w = c->job_state;
	bool over;

	pthread_mutex_lock(&w->lock);
	if (c->talks)
		pass_on(c, w);
	if (c->out.n < QUEUE_MAX && w->lines.n > 0) {
		(void)buf_add(&c->out, w->lines.p, w->lines.n);
		buf_clear(&w->lines);
		pthread_cond_signal(&w->moved);
	}
	over = w->over && w->lines.n == 0;
	pthread_mutex_unlock(&w->lock);
	if (!over)
		return false;
	c->talks = false;
	if (w->rc == PST_OK)
		admin_done(c);
	else
		admin_error(c, w->rc, "%s", w->err.detail);
	return true;
}

static void
work_drop(struct admin_work *w)
{
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->moved);
	buf_fini(&w->lines);
	buf_fini(&w->heard);
	buf_fini(&w->taken);
	free(w);
}

static void
work_free(void *work)
{
	struct admin_work *w = work;

	pthread_mutex_lock(&w->lock);
	w->cancelled = true;
	if (w->break_off != NULL)
		w->break_off(w->break_arg);
	pthread_cond_signal(&w->moved);
	pthread_mutex_unlock(&w->lock);
	(void)pthread_join(w->thread, NULL);
	if (w->free_arg != NULL)
		w->free_arg(w->arg);
	work_drop(w);
}

static void
start(struct admin_client *c, admin_work_fn run, void *arg,
    void (*free_arg)(void *arg), bool talks)
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
	/* They change places; a line that is not whole yet comes on top. */
	buf_init(&w->heard, TAKE_MAX + 2 * ADMIN_LINE_MAX);
	buf_init(&w->taken, TAKE_MAX + 2 * ADMIN_LINE_MAX);
	failed = pthread_create(&w->thread, NULL, work_main, w);
	if (failed != 0) {
		admin_error(c, PST_E_TEMP, "cannot start a thread: %s",
		    strerror(failed));
		if (free_arg != NULL)
			free_arg(arg);
		work_drop(w);
		return;
	}
	c->talks = talks;
	if (talks)
		c->in.max = TAKE_MAX;
	c->job = work_step;
	c->job_state = w;
	c->job_free = work_free;
}

void
admin_work_start(struct admin_client *c, admin_work_fn run, void *arg,
    void (*free_arg)(void *arg))
{
	start(c, run, arg, free_arg, false);
}

void
admin_work_start_talk(struct admin_client *c, admin_work_fn run, void *arg,
    void (*free_arg)(void *arg))
{
	start(c, run, arg, free_arg, true);
}
