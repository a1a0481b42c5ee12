/*
 * watch.c - what other programs do to a mailbox's file: a watch of
 * localindex/watcher.h. Our own changes cause events, too; the stamp of the
 * file tells them apart, and when not, the server looks once for nothing.
 */
#include "mbox.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
	PAUSE = 5, /* milliseconds: writing comes in crowds of events */
	WATCH_MASK = IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF |
		     IN_CLOSE_WRITE,
};

struct mb_watched {
	struct li_watched in; /* first */
	struct pst_box *box;
	struct li_watch file;
};

static void
on_event(struct li_watcher *wr, struct li_watch *watch,
    const struct inotify_event *ev)
{
	(void)ev;
	li_watch_due(wr, watch->of);
}

/* Unless the file is as the box knows it: what happened was our own doing. */
static bool
is_news(struct li_watched *in)
{
	struct pst_box *b = ((struct mb_watched *)in)->box;
	struct mb_stamp known;
	struct stat st;

	(void)pthread_mutex_lock(&b->lock);
	known = b->stamp;
	(void)pthread_mutex_unlock(&b->lock);
	return fstatat(b->acct->fd, b->folder->path, &st,
		   AT_SYMLINK_NOFOLLOW) != 0 ||
	       !mb_stamp_is(&known, &st);
}

struct li_watcher *
mb_watcher_new(const struct pst_host *host)
{
	static const struct li_watcher_ops ops = {
		.event = on_event, .is_news = is_news, .pause = PAUSE
	};

	return li_watcher_new(host, &ops);
}

static int
add_watch(struct li_watcher *wr, struct mb_watched *w)
{
	const struct pst_box *b = w->box;
	struct li_buf path = { 0 };
	int e;

	li_buf_puts(&path, b->acct->store->root.path);
	li_buf_putc(&path, '/');
	li_buf_puts(&path, b->folder->base.where);
	e = li_watch_add(wr, &w->file, &w->in, path.p, WATCH_MASK);
	li_buf_free(&path);
	return e;
}

enum pst_rc
mb_watch(struct pst_box *b, void *cookie, struct pst_error *err)
{
	struct li_watcher *wr = b->acct->store->watcher;
	struct mb_watched *w;
	int e;

	if (b->watched != NULL)
		mb_unwatch(b);
	w = li_alloc(sizeof(*w));
	w->box = b;
	w->in.cookie = cookie;
	w->file.wd = -1;
	(void)pthread_mutex_lock(&wr->lock);
	e = li_watcher_start(wr);
	if (e == 0)
		e = add_watch(wr, w);
	/* Something may have happened before. */
	if (e == 0) {
		li_watch_due(wr, &w->in);
		li_watcher_wake(wr);
	}
	(void)pthread_mutex_unlock(&wr->lock);
	if (e != 0) {
		free(w);
		return li_watch_fail(err, e, b->folder->base.where);
	}
	b->watched = w;
	return PST_OK;
}

void
mb_unwatch(struct pst_box *b)
{
	struct li_watcher *wr = b->acct->store->watcher;
	struct mb_watched *w = b->watched;

	if (w == NULL)
		return;
	(void)pthread_mutex_lock(&wr->lock);
	li_watch_settle(wr, &w->in);
	li_watch_remove(wr, &w->file);
	li_watcher_wake(wr);
	(void)pthread_mutex_unlock(&wr->lock);
	b->watched = NULL;
	free(w);
}

void
mb_watch_again(struct pst_box *b)
{
	struct li_watcher *wr = b->acct->store->watcher;
	struct mb_watched *w = b->watched;

	if (w == NULL)
		return;
	(void)pthread_mutex_lock(&wr->lock);
	li_watch_remove(wr, &w->file);
	(void)add_watch(wr, w);
	(void)pthread_mutex_unlock(&wr->lock);
}

void
mb_watch_rearm(struct pst_box *b)
{
	li_watch_rearm(b->acct->store->watcher, &b->watched->in);
}
