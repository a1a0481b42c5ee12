/*
 * watcher.h - what other programs do to the files of mailboxes, by inotify: one
 * thread for the store, which begins to work with the first mailbox. It tells
 * the server once that a mailbox has changed, until li_watch_rearm().
 *
 * A module embeds struct li_watched in what it knows of a mailbox, with a
 * struct li_watch for each file or folder that is watched for it, and looks at
 * the events. The kernel queues an event within the call that causes it:
 * reading the queue empty therefore shows all that happened before.
 */
#ifndef LOCALINDEX_WATCHER_H
#define LOCALINDEX_WATCHER_H

#include "util.h"

#include <postern/module.h>
#include <pthread.h>
#include <sys/inotify.h>

struct li_watched;
struct li_watcher;

/* A file or a folder. */
struct li_watch {
	int wd;		       /* -1: it is not watched */
	struct li_watch *next; /* in its bucket */
	struct li_watched *of;
};

/* A mailbox. */
struct li_watched {
	void *cookie; /* the server's */
	struct li_watched *next_due;
	bool is_told;	 /* the server knows, and will refresh */
	bool is_due;	 /* in the list of those to tell */
	bool is_telling; /* the call back is under way */
};

struct li_watcher_ops {
	/* Something happened there, or `ev` is NULL: events were lost, anything
	 * may have. Calls li_watch_due() if the server is to know of it. Called
	 * with the lock held. */
	void (*event)(struct li_watcher *, struct li_watch *,
	    const struct inotify_event *ev);
	/* Is what happened another's doing? NULL: all that is due is. Called
	 * without the lock. */
	bool (*is_news)(struct li_watched *);
	/* How long to wait before events are looked at: whoever writes has
	 * mostly not come to the end. Milliseconds. */
	int pause;
};

enum { LI_WATCH_BUCKETS = 1024, LI_WATCH_BUFFER = 32 * 1024 };

struct li_watcher {
	const struct pst_host *host;
	const struct li_watcher_ops *ops;
	pthread_mutex_t lock; /* guards all below and each li_watched */
	pthread_cond_t told;  /* a call back returned */
	pthread_t thread;
	bool is_running, stop;
	int fd;	  /* inotify */
	int wake; /* eventfd: look at stop and due */
	struct li_watch *bucket[LI_WATCH_BUCKETS];
	struct li_watched *due;
	_Alignas(struct inotify_event) char buffer[LI_WATCH_BUFFER];
};

struct li_watcher *li_watcher_new(
    const struct pst_host *host, const struct li_watcher_ops *ops);
/* Ends the thread. Nothing may be watched any more. */
void li_watcher_free(struct li_watcher *wr);

/* --- all below want wr->lock -----------------------------------------------
 */

/* The thread works from now on. 0 or an errno. */
int li_watcher_start(struct li_watcher *wr);
/* Watches the file or folder `path` for what is in `mask`. 0 or an errno. */
int li_watch_add(struct li_watcher *wr, struct li_watch *watch,
    struct li_watched *of, const char *path, uint32_t mask);
void li_watch_remove(struct li_watcher *wr, struct li_watch *watch);
/* Reads the queue of events empty; whether there was anything in it. */
bool li_watcher_drain(struct li_watcher *wr);
/* The server is to be told, unless it was; by the thread, once it wakes. */
void li_watch_due(struct li_watcher *wr, struct li_watched *w);
void li_watch_not_due(struct li_watcher *wr, struct li_watched *w);
/* The thread wakes if there is anything to tell. */
void li_watcher_wake(struct li_watcher *wr);
/* Nothing is told of it any more, and no call back is under way. */
void li_watch_settle(struct li_watcher *wr, struct li_watched *w);

/* --- these do not ----------------------------------------------------------
 */

/* The server refreshes: it is told of what happens after this. */
void li_watch_rearm(struct li_watcher *wr, struct li_watched *w);
/* Fails with the errno of li_watcher_start() or li_watch_add(). */
enum pst_rc li_watch_fail(struct pst_error *err, int e, const char *where);

#endif
