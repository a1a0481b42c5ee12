/*
 * watch.c - what other programs do, by inotify: one thread for the store, two
 * watches for a mailbox. Every change that we make ourselves is announced
 * before (an "echo"), so that its event is recognised and dropped; what remains
 * makes the mailbox dirty and the server is told once, until it refreshes.
 *
 * The kernel queues an event within the call that causes it. Reading the queue
 * empty in refresh() therefore shows all that happened before.
 */
#include "localindex/hash.h"
#include "maildir.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

enum {
	BUCKETS = 1024,
	ECHO_FIRST = 64,
	ECHO_DRAIN = 1024, /* echoes before the queue is read in between */
	CROWD_PAUSE = 10,  /* milliseconds, see run() */
	EVENT_BUFFER = 32 * 1024,
	WATCH_MASK = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
		     IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR,
};

struct md_watched {
	struct pst_box *box;
	void *cookie;
	int wd[2];
	struct md_watched *next[2]; /* in the bucket of each wd */
	struct md_watched *next_due;
	bool is_dirty;	 /* changed by others since the last refresh */
	bool is_told;	 /* the server knows, and will refresh */
	bool is_due;	 /* in the list of those to tell */
	bool is_telling; /* the call back is under way */
	uint64_t *echo;	 /* open addressing; 0 is free */
	size_t echo_n, echo_cap;
};

struct md_watcher {
	struct pst_store *store;
	pthread_mutex_t lock; /* guards all below and every md_watched */
	pthread_cond_t told;  /* a call back returned */
	pthread_t thread;
	bool is_running, stop;
	int fd;	  /* inotify */
	int wake; /* eventfd: look at stop and due */
	struct md_watched *bucket[BUCKETS];
	struct md_watched *due;
	_Alignas(struct inotify_event) char buffer[EVENT_BUFFER];
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
		w->echo = md_alloc(w->echo_cap * sizeof(*w->echo));
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
make_dirty(struct md_watcher *wr, struct md_watched *w)
{
	w->is_dirty = true;
	if (w->is_told || w->is_due)
		return;
	w->is_due = true;
	w->next_due = wr->due;
	wr->due = w;
}

static void
not_due(struct md_watcher *wr, struct md_watched *w)
{
	struct md_watched **at = &wr->due;

	if (!w->is_due)
		return;
	while (*at != w)
		at = &(*at)->next_due;
	*at = w->next_due;
	w->is_due = false;
}

static void
all_dirty(struct md_watcher *wr)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct md_watched *w = wr->bucket[i], *next; w != NULL;
		     w = next) {
			int which = (unsigned)w->wd[0] % BUCKETS == i ? 0 : 1;

			next = w->next[which];
			echo_clear(w);
			make_dirty(wr, w);
		}
}

static struct md_watched *
find_watched(struct md_watcher *wr, int wd, enum md_dir *dir_r)
{
	size_t i = (unsigned)wd % BUCKETS;
	struct md_watched *w = wr->bucket[i];

	while (w != NULL) {
		if (w->wd[MD_NEW] == wd || w->wd[MD_CUR] == wd) {
			*dir_r = w->wd[MD_NEW] == wd ? MD_NEW : MD_CUR;
			return w;
		}
		w = w->next[(unsigned)w->wd[0] % BUCKETS == i ? 0 : 1];
	}
	return NULL;
}

static void
handle_event(struct md_watcher *wr, const struct inotify_event *ev)
{
	struct md_watched *w;
	enum md_echo kind;
	enum md_dir dir;

	if (ev->mask & IN_Q_OVERFLOW) {
		all_dirty(wr);
		return;
	}
	w = find_watched(wr, ev->wd, &dir);
	if (w == NULL || (ev->mask & IN_IGNORED))
		return;
	if (ev->len > 0 && ev->name[0] == '.')
		return;
	if (ev->mask & IN_MOVED_FROM)
		kind = MD_ECHO_FROM;
	else if (ev->mask & IN_MOVED_TO)
		kind = MD_ECHO_TO;
	else if (ev->mask & IN_CREATE)
		kind = MD_ECHO_CREATE;
	else if (ev->mask & IN_DELETE)
		kind = MD_ECHO_DELETE;
	else {
		make_dirty(wr, w); /* the folder itself */
		return;
	}
	if (ev->len == 0 || !echo_take(w, echo_hash(dir, kind, ev->name)))
		make_dirty(wr, w);
}

/* Reads the queue empty; whether there was anything in it. Wants the lock. */
static bool
drain(struct md_watcher *wr)
{
	bool any = false;
	ssize_t got;

	while ((got = read(wr->fd, wr->buffer, sizeof(wr->buffer))) > 0) {
		size_t at = 0;

		any = true;
		while (at < (size_t)got) {
			const void *p = wr->buffer + at;
			const struct inotify_event *ev = p;

			handle_event(wr, ev);
			at += sizeof(*ev) + ev->len;
		}
	}
	return any;
}

static void
wake(const struct md_watcher *wr)
{
	uint64_t one = 1;
	ssize_t done = write(wr->wake, &one, sizeof(one));

	(void)done; /* a full counter wakes as well */
}

/* Tells the server, without the lock. Wants it before and after. */
static void
tell_all(struct md_watcher *wr)
{
	const struct pst_host *host = wr->store->host;

	while (wr->due != NULL && !wr->stop) {
		struct md_watched *w = wr->due;

		not_due(wr, w);
		w->is_told = w->is_telling = true;
		(void)pthread_mutex_unlock(&wr->lock);
		host->changed(w->cookie);
		(void)pthread_mutex_lock(&wr->lock);
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
	struct md_watcher *wr = arg;
	struct pollfd fds[2] = { { .fd = wr->wake, .events = POLLIN },
		{ .fd = wr->fd, .events = POLLIN } };
	bool stop = false, crowd = false;

	while (!stop) {
		uint64_t count;
		ssize_t got;

		if (poll(fds, crowd ? 1 : 2, crowd ? CROWD_PAUSE : -1) < 0 &&
		    errno != EINTR)
			break;
		(void)pthread_mutex_lock(&wr->lock);
		got = read(wr->wake, &count, sizeof(count));
		(void)got; /* it does not block */
		crowd = drain(wr);
		tell_all(wr);
		stop = wr->stop;
		(void)pthread_mutex_unlock(&wr->lock);
	}
	return NULL;
}

/* --- the watcher ---------------------------------------------------------- */

struct md_watcher *
md_watcher_new(struct pst_store *s)
{
	struct md_watcher *wr = md_alloc(sizeof(*wr));

	wr->store = s;
	wr->fd = wr->wake = -1;
	(void)pthread_mutex_init(&wr->lock, NULL);
	(void)pthread_cond_init(&wr->told, NULL);
	return wr;
}

void
md_watcher_free(struct md_watcher *wr)
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
start_thread(struct md_watcher *wr)
{
	sigset_t all, before;
	int e;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	e = pthread_create(&wr->thread, NULL, run, wr);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return e;
}

/* Begins to work with the first mailbox. Wants the lock. */
static int
start(struct md_watcher *wr)
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

static int
add_watches(struct md_watcher *wr, struct md_watched *w)
{
	static const char *const sub[2] = { "new", "cur" };
	const struct pst_box *b = w->box;
	struct md_buf path = { 0 };
	int e = 0;

	for (int i = 0; i < 2 && e == 0; i++) {
		size_t at;

		path.n = 0;
		md_buf_puts(&path, wr->store->root);
		md_buf_putc(&path, '/');
		md_buf_puts(&path, b->acct->path);
		md_buf_putc(&path, '/');
		md_buf_puts(&path, b->folder->dir);
		md_buf_putc(&path, '/');
		md_buf_puts(&path, sub[i]);
		w->wd[i] = inotify_add_watch(wr->fd, path.p, WATCH_MASK);
		if (w->wd[i] < 0) {
			e = errno;
			if (i == 1)
				(void)inotify_rm_watch(wr->fd, w->wd[0]);
			break;
		}
		at = (unsigned)w->wd[i] % BUCKETS;
		if (i == 1 && at == (unsigned)w->wd[0] % BUCKETS)
			continue; /* it is in that bucket already */
		w->next[i] = wr->bucket[at];
		wr->bucket[at] = w;
	}
	md_buf_free(&path);
	return e;
}

static void
out_of_bucket(struct md_watcher *wr, struct md_watched *w, int which)
{
	size_t i = (unsigned)w->wd[which] % BUCKETS;
	struct md_watched **at = &wr->bucket[i];

	while (*at != NULL && *at != w)
		at =
		    &(*at)->next[(unsigned)(*at)->wd[0] % BUCKETS == i ? 0 : 1];
	if (*at == w)
		*at = w->next[which];
}

enum pst_rc
md_watch(struct pst_box *b, void *cookie, struct pst_error *err)
{
	struct md_watcher *wr = b->acct->store->watcher;
	struct md_watched *w;
	struct timespec now[2];
	int e;

	if (b->watched != NULL)
		md_unwatch(b);
	w = md_alloc(sizeof(*w));
	w->box = b;
	w->cookie = cookie;
	(void)pthread_mutex_lock(&wr->lock);
	e = start(wr);
	if (e == 0)
		e = add_watches(wr, w);
	if (e == 0 && (!b->is_scanned || b->must_scan || b->is_racy ||
			  md_stamps(b->folder, now) != 0 ||
			  !md_stamps_equal(now, b->stamp))) {
		make_dirty(wr, w);
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
md_unwatch(struct pst_box *b)
{
	struct md_watcher *wr = b->acct->store->watcher;
	struct md_watched *w = b->watched;
	struct timespec now[2], tick;
	bool quiet;

	if (w == NULL)
		return;
	(void)clock_gettime(CLOCK_REALTIME_COARSE, &tick);
	quiet = md_stamps(b->folder, now) == 0;
	(void)pthread_mutex_lock(&wr->lock);
	(void)drain(wr);
	while (w->is_telling)
		(void)pthread_cond_wait(&wr->told, &wr->lock);
	not_due(wr, w);
	out_of_bucket(wr, w, 0);
	if ((unsigned)w->wd[0] % BUCKETS != (unsigned)w->wd[1] % BUCKETS)
		out_of_bucket(wr, w, 1);
	for (int i = 0; i < 2; i++)
		(void)inotify_rm_watch(wr->fd, w->wd[i]);
	if (wr->due != NULL)
		wake(wr);
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
	struct md_watcher *wr = b->acct->store->watcher;
	struct md_watched *w = b->watched;

	if (w == NULL)
		return;
	(void)pthread_mutex_lock(&wr->lock);
	if (w->echo_n >= ECHO_DRAIN) {
		(void)drain(wr);
		if (wr->due != NULL)
			wake(wr);
	}
	echo_put(w, echo_hash(dir, kind, name));
	(void)pthread_mutex_unlock(&wr->lock);
}

void
md_unexpect(
    struct pst_box *b, enum md_dir dir, enum md_echo kind, const char *name)
{
	struct md_watcher *wr = b->acct->store->watcher;
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
	struct md_watcher *wr = b->acct->store->watcher;

	(void)pthread_mutex_lock(&wr->lock);
	b->watched->is_told = false;
	(void)pthread_mutex_unlock(&wr->lock);
}

bool
md_watch_is_quiet(struct pst_box *b)
{
	struct md_watcher *wr = b->acct->store->watcher;
	struct md_watched *w = b->watched;
	bool quiet;

	(void)pthread_mutex_lock(&wr->lock);
	(void)drain(wr);
	quiet = !w->is_dirty;
	w->is_dirty = false;
	not_due(wr, w); /* the refresh is under way */
	if (wr->due != NULL)
		wake(wr);
	(void)pthread_mutex_unlock(&wr->lock);
	return quiet;
}
