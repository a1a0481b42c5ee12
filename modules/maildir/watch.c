/*
 * watch.c - what other programs do to a mailbox: two watches of
 * localindex/watcher.h. Every change that we make ourselves is announced before
 * (an "echo"), so that its event is recognised and dropped; what remains makes
 * the mailbox dirty and the server is told once, until it refreshes.
 */
#include "localindex/hash.h"
#include "maildir.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum {
	ECHO_FIRST = 64,
	ECHO_DRAIN = 1024, /* echoes before the queue is read in between */
	WATCH_MASK = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
		     IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR,
};

/* All of it is guarded by the watcher's lock. */
struct md_watched {
	struct li_watched in; /* first */
	struct pst_box *box;
	struct li_watch dir[2]; /* by enum md_dir */
	bool is_dirty;		/* changed by others since the last refresh */
	uint64_t *echo;		/* open addressing; 0 is free */
	size_t echo_n, echo_cap;
};

/* --- echoes --------------------------------------------------------------- */

static uint64_t
echo_hash(enum md_dir dir, enum md_echo kind, const char *name)
{
	uint64_t h = li_hash(
	    name, strlen(name), (uint64_t)kind * 2 + (unsigned)dir);

	return h ? h : 1;
}

static void
echo_put(struct md_watched *w, uint64_t h)
{
	size_t at;

	if (w->echo_n * 2 >= w->echo_cap) {
		size_t old_cap = w->echo_cap;
		uint64_t *old = w->echo;

		w->echo_cap = old_cap ? old_cap * 2 : ECHO_FIRST;
		w->echo = li_alloc(w->echo_cap * sizeof(*w->echo));
		w->echo_n = 0;
		for (size_t i = 0; i < old_cap; i++)
			if (old[i] != 0)
				echo_put(w, old[i]);
		free(old);
	}
	for (at = h & (w->echo_cap - 1); w->echo[at] != 0;)
		at = (at + 1) & (w->echo_cap - 1);
	w->echo[at] = h;
	w->echo_n++;
}

static bool
echo_take(struct md_watched *w, uint64_t h)
{
	size_t mask = w->echo_cap - 1, at, next;

	if (w->echo_n == 0)
		return false;
	for (at = h & mask; w->echo[at] != h; at = (at + 1) & mask)
		if (w->echo[at] == 0)
			return false;
	/* Close the gap, so that no search ends early. */
	for (next = (at + 1) & mask; w->echo[next] != 0;
	     next = (next + 1) & mask) {
		size_t home = w->echo[next] & mask;

		if (((next - home) & mask) >= ((next - at) & mask)) {
			w->echo[at] = w->echo[next];
			at = next;
		}
	}
	w->echo[at] = 0;
	w->echo_n--;
	return true;
}

static void
echo_clear(struct md_watched *w)
{
	if (w->echo != NULL)
		memset(w->echo, 0, w->echo_cap * sizeof(*w->echo));
	w->echo_n = 0;
}

/* --- events --------------------------------------------------------------- */

static void
make_dirty(struct li_watcher *wr, struct md_watched *w)
{
	w->is_dirty = true;
	li_watch_due(wr, &w->in);
}

static bool
kind_of(const struct inotify_event *ev, enum md_echo *kind_r)
{
	if (ev->mask & IN_MOVED_FROM)
		*kind_r = MD_ECHO_FROM;
	else if (ev->mask & IN_MOVED_TO)
		*kind_r = MD_ECHO_TO;
	else if (ev->mask & IN_CREATE)
		*kind_r = MD_ECHO_CREATE;
	else if (ev->mask & IN_DELETE)
		*kind_r = MD_ECHO_DELETE;
	else
		return false; /* the folder itself */
	return ev->len > 0;
}

static void
on_event(struct li_watcher *wr, struct li_watch *watch,
    const struct inotify_event *ev)
{
	struct md_watched *w = (struct md_watched *)watch->of;
	enum md_dir dir = watch == &w->dir[MD_NEW] ? MD_NEW : MD_CUR;
	enum md_echo kind;

	if (ev == NULL) {
		echo_clear(w);
		make_dirty(wr, w);
		return;
	}
	if (ev->len > 0 && ev->name[0] == '.')
		return;
	if (!kind_of(ev, &kind) ||
	    !echo_take(w, echo_hash(dir, kind, ev->name)))
		make_dirty(wr, w);
}

/* --- the server's calls --------------------------------------------------- */

struct li_watcher *
md_watcher_new(const struct pst_host *host)
{
	static const struct li_watcher_ops ops = { .event = on_event };

	return li_watcher_new(host, &ops);
}

static void
remove_watches(struct li_watcher *wr, struct md_watched *w)
{
	for (int i = 0; i < 2; i++)
		li_watch_remove(wr, &w->dir[i]);
}

static int
add_watches(struct li_watcher *wr, struct md_watched *w)
{
	static const char *const sub[2] = { "/new", "/cur" };
	const struct pst_box *b = w->box;
	struct li_buf path = { 0 };
	int e = 0;

	for (int i = 0; i < 2 && e == 0; i++) {
		path.n = 0;
		li_buf_puts(&path, b->acct->store->root);
		li_buf_putc(&path, '/');
		li_buf_puts(&path, b->acct->path);
		li_buf_putc(&path, '/');
		li_buf_puts(&path, b->folder->dir);
		li_buf_puts(&path, sub[i]);
		e = li_watch_add(wr, &w->dir[i], &w->in, path.p, WATCH_MASK);
	}
	if (e != 0)
		remove_watches(wr, w);
	li_buf_free(&path);
	return e;
}

enum pst_rc
md_watch(struct pst_box *b, void *cookie, struct pst_error *err)
{
	struct li_watcher *wr = b->acct->store->watcher;
	struct md_watched *w;
	struct timespec now[2];
	int e;

	if (b->watched != NULL)
		md_unwatch(b);
	w = li_alloc(sizeof(*w));
	w->box = b;
	w->in.cookie = cookie;
	w->dir[MD_NEW].wd = w->dir[MD_CUR].wd = -1;
	(void)pthread_mutex_lock(&wr->lock);
	e = li_watcher_start(wr);
	if (e == 0)
		e = add_watches(wr, w);
	if (e == 0 && (!b->is_scanned || b->must_scan || b->is_racy ||
			  md_stamps(b->folder, now) != 0 ||
			  !md_stamps_equal(now, b->stamp))) {
		make_dirty(wr, w);
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
md_unwatch(struct pst_box *b)
{
	struct li_watcher *wr = b->acct->store->watcher;
	struct md_watched *w = b->watched;
	struct timespec now[2], tick;
	bool quiet;

	if (w == NULL)
		return;
	(void)clock_gettime(CLOCK_REALTIME_COARSE, &tick);
	quiet = md_stamps(b->folder, now) == 0;
	(void)pthread_mutex_lock(&wr->lock);
	(void)li_watcher_drain(wr);
	li_watch_settle(wr, &w->in);
	remove_watches(wr, w);
	li_watcher_wake(wr);
	(void)pthread_mutex_unlock(&wr->lock);
	/* Nobody else was here: the folders look as we left them. */
	if (w->is_dirty)
		b->must_scan = true;
	else if (quiet)
		md_box_settled(b, now, &tick);
	b->watched = NULL;
	free(w->echo);
	free(w);
}

void
md_expect(
    struct pst_box *b, enum md_dir dir, enum md_echo kind, const char *name)
{
	struct li_watcher *wr = b->acct->store->watcher;
	struct md_watched *w = b->watched;

	if (w == NULL)
		return;
	(void)pthread_mutex_lock(&wr->lock);
	if (w->echo_n >= ECHO_DRAIN) {
		(void)li_watcher_drain(wr);
		li_watcher_wake(wr);
	}
	echo_put(w, echo_hash(dir, kind, name));
	(void)pthread_mutex_unlock(&wr->lock);
}

void
md_unexpect(
    struct pst_box *b, enum md_dir dir, enum md_echo kind, const char *name)
{
	struct li_watcher *wr = b->acct->store->watcher;
	struct md_watched *w = b->watched;
	int saved = errno;

	if (w == NULL)
		return;
	(void)pthread_mutex_lock(&wr->lock);
	(void)echo_take(w, echo_hash(dir, kind, name));
	(void)pthread_mutex_unlock(&wr->lock);
	errno = saved;
}

void
md_watch_rearm(struct pst_box *b)
{
	li_watch_rearm(b->acct->store->watcher, &b->watched->in);
}

bool
md_watch_is_quiet(struct pst_box *b)
{
	struct li_watcher *wr = b->acct->store->watcher;
	struct md_watched *w = b->watched;
	bool quiet;

	(void)pthread_mutex_lock(&wr->lock);
	(void)li_watcher_drain(wr);
	quiet = !w->is_dirty;
	w->is_dirty = false;
	li_watch_not_due(wr, &w->in); /* the refresh is under way */
	li_watcher_wake(wr);
	(void)pthread_mutex_unlock(&wr->lock);
	return quiet;
}
