#include "watcher.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { CROWD_PAUSE = 10 }; /* milliseconds, see run() */

static struct li_watch **
bucket_of(struct li_watcher *wr, int wd)
{
	return &wr->bucket[(unsigned)wd % LI_WATCH_BUCKETS];
}

void
li_watch_due(struct li_watcher *wr, struct li_watched *w)
{
	if (w->is_told || w->is_due)
		return;
	w->is_due = true;
	w->next_due = wr->due;
	wr->due = w;
}

void
li_watch_not_due(struct li_watcher *wr, struct li_watched *w)
{
	struct li_watched **at = &wr->due;

	if (!w->is_due)
		return;
	while (*at != w)
		at = &(*at)->next_due;
	*at = w->next_due;
	w->is_due = false;
}

static void
events_were_lost(struct li_watcher *wr)
{
	for (size_t i = 0; i < LI_WATCH_BUCKETS; i++)
		for (struct li_watch *at = wr->bucket[i]; at; at = at->next)
			wr->ops->event(wr, at, NULL);
}

static void
handle_event(struct li_watcher *wr, const struct inotify_event *ev)
{
	if (ev->mask & IN_Q_OVERFLOW) {
		events_were_lost(wr);
		return;
	}
	if (ev->mask & IN_IGNORED)
		return;
	for (struct li_watch *at = *bucket_of(wr, ev->wd); at; at = at->next)
		if (at->wd == ev->wd)
			wr->ops->event(wr, at, ev);
}

bool
li_watcher_drain(struct li_watcher *wr)
{
	bool any = false;
	ssize_t got;

	while ((got = read(wr->fd, wr->buffer, sizeof(wr->buffer))) > 0) {
		any = true;
		for (size_t at = 0; at < (size_t)got;) {
			const void *p = wr->buffer + at;
			const struct inotify_event *ev = p;

			handle_event(wr, ev);
			at += sizeof(*ev) + ev->len;
		}
	}
	return any;
}

static void
wake(const struct li_watcher *wr)
{
	uint64_t one = 1;
	ssize_t done = write(wr->wake, &one, sizeof(one));

	(void)done; /* a full counter wakes as well */
}

void
li_watcher_wake(struct li_watcher *wr)
{
	if (wr->due != NULL)
		wake(wr);
}

/* Tells the server, without the lock. Wants it before and after. */
static void
tell_all(struct li_watcher *wr)
{
	while (wr->due != NULL && !wr->stop) {
		struct li_watched *w = wr->due;
		bool is_news = wr->ops->is_news == NULL;

		li_watch_not_due(wr, w);
		w->is_telling = true;
		if (!is_news) {
			(void)pthread_mutex_unlock(&wr->lock);
			is_news = wr->ops->is_news(w);
			(void)pthread_mutex_lock(&wr->lock);
		}
		if (is_news) {
			w->is_told = true;
			(void)pthread_mutex_unlock(&wr->lock);
			wr->host->changed(w->cookie);
			(void)pthread_mutex_lock(&wr->lock);
		}
		w->is_telling = false;
		(void)pthread_cond_broadcast(&wr->told);
	}
}

/*
 * Events come in crowds: a STORE of ours renames thousands of files, and to
 * wake up for each would cost as much as to rename it. So after some it sleeps
 * for a moment, and takes those that come meanwhile together.
 */
static void *
run(void *arg)
{
	struct li_watcher *wr = arg;
	struct pollfd fds[2] = { { .fd = wr->wake, .events = POLLIN },
		{ .fd = wr->fd, .events = POLLIN } };
	bool stop = false, crowd = false;

	while (!stop) {
		uint64_t count;
		ssize_t got;

		fds[1].revents = 0;
		if (poll(fds, crowd ? 1 : 2, crowd ? CROWD_PAUSE : -1) < 0 &&
		    errno != EINTR)
			break;
		if (fds[1].revents != 0 && wr->ops->pause > 0)
			(void)poll(fds, 1, wr->ops->pause);
		(void)pthread_mutex_lock(&wr->lock);
		got = read(wr->wake, &count, sizeof(count));
		(void)got; /* it does not block */
		crowd = li_watcher_drain(wr);
		tell_all(wr);
		stop = wr->stop;
		(void)pthread_mutex_unlock(&wr->lock);
	}
	return NULL;
}

struct li_watcher *
li_watcher_new(const struct pst_host *host, const struct li_watcher_ops *ops)
{
	struct li_watcher *wr = li_alloc(sizeof(*wr));

	wr->host = host;
	wr->ops = ops;
	wr->fd = wr->wake = -1;
	(void)pthread_mutex_init(&wr->lock, NULL);
	(void)pthread_cond_init(&wr->told, NULL);
	return wr;
}

void
li_watcher_free(struct li_watcher *wr)
{
	bool running;

	(void)pthread_mutex_lock(&wr->lock);
	wr->stop = true;
	running = wr->is_running;
	(void)pthread_mutex_unlock(&wr->lock);
	if (running) {
		wake(wr);
		(void)pthread_join(wr->thread, NULL);
	}
	if (wr->fd >= 0)
		(void)close(wr->fd);
	if (wr->wake >= 0)
		(void)close(wr->wake);
	(void)pthread_mutex_destroy(&wr->lock);
	(void)pthread_cond_destroy(&wr->told);
	free(wr);
}

/* Signals are the server's. */
static int
start_thread(struct li_watcher *wr)
{
	sigset_t all, before;
	int e;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	e = pthread_create(&wr->thread, NULL, run, wr);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return e;
}

int
li_watcher_start(struct li_watcher *wr)
{
	int e;

	if (wr->is_running)
		return 0;
	if (wr->fd < 0)
		wr->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (wr->fd < 0)
		return errno;
	if (wr->wake < 0)
		wr->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (wr->wake < 0)
		return errno;
	e = start_thread(wr);
	wr->is_running = e == 0;
	return e;
}

int
li_watch_add(struct li_watcher *wr, struct li_watch *watch,
    struct li_watched *of, const char *path, uint32_t mask)
{
	struct li_watch **bucket;

	watch->wd = inotify_add_watch(wr->fd, path, mask);
	if (watch->wd < 0)
		return errno;
	watch->of = of;
	bucket = bucket_of(wr, watch->wd);
	watch->next = *bucket;
	*bucket = watch;
	return 0;
}

void
li_watch_remove(struct li_watcher *wr, struct li_watch *watch)
{
	struct li_watch **at;
	bool is_shared = false;

	if (watch->wd < 0)
		return;
	at = bucket_of(wr, watch->wd);
	while (*at != watch)
		at = &(*at)->next;
	*at = watch->next;
	/* The kernel has one watch for all that want the same file. */
	for (at = bucket_of(wr, watch->wd); *at != NULL; at = &(*at)->next)
		is_shared = is_shared || (*at)->wd == watch->wd;
	if (!is_shared)
		(void)inotify_rm_watch(wr->fd, watch->wd);
	watch->wd = -1;
}

void
li_watch_settle(struct li_watcher *wr, struct li_watched *w)
{
	while (w->is_telling)
		(void)pthread_cond_wait(&wr->told, &wr->lock);
	li_watch_not_due(wr, w);
}

void
li_watch_rearm(struct li_watcher *wr, struct li_watched *w)
{
	(void)pthread_mutex_lock(&wr->lock);
	w->is_told = false;
	(void)pthread_mutex_unlock(&wr->lock);
}

enum pst_rc
li_watch_fail(struct pst_error *err, int e, const char *where)
{
	return pst_fail(err, PST_E_TEMP, e, "%.120s cannot be watched%s", where,
	    e == ENOSPC ? ": the limit fs.inotify.max_user_watches is reached"
			: "");
}
