/*
 * watch.c - what other programs do, by inotify: one thread for the store, one
 * watch for a mailbox's file. Our own changes cause events, too; the stamp of
 * the file tells them apart, and when not, the server looks once for nothing.
 */
#include "mbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	BUCKETS = 1024,
	CROWD_PAUSE = 5, /* milliseconds: writing comes in crowds of events */
	EVENT_BUFFER = 16 * 1024,
	WATCH_MASK = IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF |
		     IN_CLOSE_WRITE,
};

struct mb_watched {
	struct pst_box *box;
	void *cookie;
	int wd; /* -1: the file is not there */
	struct mb_watched *next, *next_due;
	bool is_told, is_due, is_telling;
};

struct mb_watcher {
	struct pst_store *store;
	pthread_mutex_t lock; /* guards all below and every mb_watched */
	pthread_cond_t told;  /* a call back returned */
	pthread_t thread;
	bool is_running, stop;
	int fd, wake;
	struct mb_watched *bucket[BUCKETS];
	struct mb_watched *due;
	_Alignas(struct inotify_event) char buffer[EVENT_BUFFER];
};

/* --- events
 * ------------------------------------------------------------------------- */

static void
make_due(struct mb_watcher *wr, struct mb_watched *w)
{
	if (w->is_told || w->is_due)
		return;
	w->is_due = true;
	w->next_due = wr->due;
	wr->due = w;
}

static void
not_due(struct mb_watcher *wr, struct mb_watched *w)
{
	struct mb_watched **at = &wr->due;

	if (!w->is_due)
		return;
	while (*at != w)
		at = &(*at)->next_due;
	*at = w->next_due;
	w->is_due = false;
}

static void
handle_event(struct mb_watcher *wr, const struct inotify_event *ev)
{
	bool all = ev->mask & IN_Q_OVERFLOW;
	size_t first = all ? 0 : (unsigned)ev->wd % BUCKETS;
	size_t last = all ? BUCKETS - 1 : first;

	if (ev->mask & IN_IGNORED)
		return;
	for (size_t i = first; i <= last; i++)
		for (struct mb_watched *w = wr->bucket[i]; w; w = w->next)
			if (all || w->wd == ev->wd)
				make_due(wr, w);
}

static void
drain(struct mb_watcher *wr)
{
	ssize_t got;

	while ((got = read(wr->fd, wr->buffer, sizeof(wr->buffer))) > 0)
		for (size_t at = 0; at < (size_t)got;) {
			const void *p = wr->buffer + at;
			const struct inotify_event *ev = p;

			handle_event(wr, ev);
			at += sizeof(*ev) + ev->len;
		}
}

/* The file is as the box knows it: what happened was our own doing. */
static bool
is_as_known(struct pst_box *b)
{
	struct mb_stamp known;
	struct stat st;

	(void)pthread_mutex_lock(&b->lock);
	known = b->stamp;
	(void)pthread_mutex_unlock(&b->lock);
	return fstatat(b->acct->fd, b->folder->path, &st,
		   AT_SYMLINK_NOFOLLOW) == 0 &&
	       mb_stamp_is(&known, &st);
}

/* Tells the server, without the lock. Wants it before and after. */
static void
tell_all(struct mb_watcher *wr)
{
	const struct pst_host *host = wr->store->host;

	while (wr->due != NULL && !wr->stop) {
		struct mb_watched *w = wr->due;

		not_due(wr, w);
		w->is_telling = true;
		(void)pthread_mutex_unlock(&wr->lock);
		if (!is_as_known(w->box)) {
			(void)pthread_mutex_lock(&wr->lock);
			w->is_told = true;
			(void)pthread_mutex_unlock(&wr->lock);
			host->changed(w->cookie);
		}
		(void)pthread_mutex_lock(&wr->lock);
		w->is_telling = false;
		(void)pthread_cond_broadcast(&wr->told);
	}
}

static void *
run(void *arg)
{
	struct mb_watcher *wr = arg;
	struct pollfd fds[2] = { { .fd = wr->wake, .events = POLLIN },
		{ .fd = wr->fd, .events = POLLIN } };
	bool stop = false;

	while (!stop) {
		uint64_t count;
		ssize_t got;

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		/* Whoever writes has mostly not come to the end. */
		if (fds[1].revents != 0)
			(void)poll(fds, 1, CROWD_PAUSE);
		(void)pthread_mutex_lock(&wr->lock);
		got = read(wr->wake, &count, sizeof(count));
		(void)got; /* it does not block */
		drain(wr);
		tell_all(wr);
		stop = wr->stop;
		(void)pthread_mutex_unlock(&wr->lock);
	}
	return NULL;
}

static void
wake(const struct mb_watcher *wr)
{
	uint64_t one = 1;
	ssize_t done = write(wr->wake, &one, sizeof(one));

	(void)done; /* a full counter wakes as well */
}

/* --- the watcher
 * -------------------------------------------------------------------- */

struct mb_watcher *
mb_watcher_new(struct pst_store *s)
{
	struct mb_watcher *wr = li_alloc(sizeof(*wr));

	wr->store = s;
	wr->fd = wr->wake = -1;
	(void)pthread_mutex_init(&wr->lock, NULL);
	(void)pthread_cond_init(&wr->told, NULL);
	return wr;
}

void
mb_watcher_free(struct mb_watcher *wr)
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

/* Begins to work with the first mailbox. Signals are the server's. */
static int
start(struct mb_watcher *wr)
{
	sigset_t all, before;
	int e;

	if (wr->is_running)
		return 0;
	if (wr->fd < 0)
		wr->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (wr->wake < 0)
		wr->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (wr->fd < 0 || wr->wake < 0)
		return errno;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	e = pthread_create(&wr->thread, NULL, run, wr);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	wr->is_running = e == 0;
	return e;
}

static int
add_watch(struct mb_watcher *wr, struct mb_watched *w)
{
	const struct pst_box *b = w->box;
	struct li_buf path = { 0 };
	struct mb_watched **bucket;
	int e = 0;

	li_buf_puts(&path, wr->store->root.path);
	li_buf_putc(&path, '/');
	li_buf_puts(&path, b->folder->where);
	w->wd = inotify_add_watch(wr->fd, path.p, WATCH_MASK);
	if (w->wd < 0)
		e = errno;
	li_buf_free(&path);
	if (e == 0) {
		bucket = &wr->bucket[(unsigned)w->wd % BUCKETS];
		w->next = *bucket;
		*bucket = w;
	}
	return e;
}

static void
remove_watch(struct mb_watcher *wr, struct mb_watched *w)
{
	struct mb_watched **at;

	if (w->wd < 0)
		return;
	at = &wr->bucket[(unsigned)w->wd % BUCKETS];
	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	(void)inotify_rm_watch(wr->fd, w->wd);
	w->wd = -1;
}

enum pst_rc
mb_watch(struct pst_box *b, void *cookie, struct pst_error *err)
{
	struct mb_watcher *wr = b->acct->store->watcher;
	struct mb_watched *w;
	int e;

	if (b->watched != NULL)
		mb_unwatch(b);
	w = li_alloc(sizeof(*w));
	w->box = b;
	w->cookie = cookie;
	w->wd = -1;
	(void)pthread_mutex_lock(&wr->lock);
	e = start(wr);
	if (e == 0)
		e = add_watch(wr, w);
	/* Something may have happened before. */
	if (e == 0) {
		make_due(wr, w);
		wake(wr);
	}
	(void)pthread_mutex_unlock(&wr->lock);
	if (e != 0) {
		free(w);
		return pst_fail(err, PST_E_TEMP, e,
		    "%.120s cannot be watched%s", b->folder->where,
		    e == ENOSPC
			? ": the limit fs.inotify.max_user_watches is reached"
			: "");
	}
	b->watched = w;
	return PST_OK;
}

void
mb_unwatch(struct pst_box *b)
{
	struct mb_watcher *wr = b->acct->store->watcher;
	struct mb_watched *w = b->watched;

	if (w == NULL)
		return;
	(void)pthread_mutex_lock(&wr->lock);
	while (w->is_telling)
		(void)pthread_cond_wait(&wr->told, &wr->lock);
	not_due(wr, w);
	remove_watch(wr, w);
	if (wr->due != NULL)
		wake(wr);
	(void)pthread_mutex_unlock(&wr->lock);
	b->watched = NULL;
	free(w);
}

void
mb_watch_again(struct pst_box *b)
{
	struct mb_watcher *wr = b->acct->store->watcher;
	struct mb_watched *w = b->watched;

	if (w == NULL)
		return;
	(void)pthread_mutex_lock(&wr->lock);
	remove_watch(wr, w);
	(void)add_watch(wr, w);
	(void)pthread_mutex_unlock(&wr->lock);
}

void
mb_watch_rearm(struct pst_box *b)
{
	struct mb_watcher *wr = b->acct->store->watcher;

	(void)pthread_mutex_lock(&wr->lock);
	b->watched->is_told = false;
	(void)pthread_mutex_unlock(&wr->lock);
}
