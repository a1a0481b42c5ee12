/*
 * hub.h - hearing of what other servers do, and telling them what this one
 * did. One thread a store, with one connection of its own, for any number of
 * mailboxes.
 *
 * A NOTIFY in the transaction that changes something would make all commits of
 * the database wait for each other. So the thread sends them, a moment later
 * and many in one. What is lost between a commit and its NOTIFY, or while the
 * connection is away, is found by comparing numbers: mod-sequences of watched
 * mailboxes, and the stamps of accounts that are open.
 *
 * Threads: any, but hub_start() and hub_stop() are of who opens and closes the
 * store. Call backs to the server are made under hub.lock: they do no work, and
 * unwatch() needs to know that none is under way.
 */
#ifndef POSTGRESQL_HUB_H
#define POSTGRESQL_HUB_H

#include <postern/module.h>
#include <pthread.h>
#include <stdatomic.h>

struct pg_conn;

enum pg_ear_kind { PG_EAR_BOX, PG_EAR_ACCOUNT };

/* What listens: an open mailbox that is watched, an open account. */
struct pg_ear {
	enum pg_ear_kind kind;
	int64_t id;
	void *cookie; /* NULL: the server does not want to hear of it */
	/* The modseq or stamp that is known. */
	_Atomic uint64_t known;
	/* How often others were heard to have changed it. */
	_Atomic uint64_t stirs;
	struct pg_ear *next; /* in its bucket */
	bool is_in;
};

enum { HUB_BUCKETS = 1024, HUB_NODE = 16 };

struct pg_hub {
	pthread_mutex_t lock; /* guards what follows */
	struct pg_ear *bucket[HUB_BUCKETS];
	size_t ears;
	char (*told)[24]; /* what is to be sent: "m12", "a3" */
	size_t told_n, told_cap;
	bool is_connected;

	int wake; /* eventfd */
	atomic_bool quit;
	bool is_running;
	pthread_t thread;
	char node[HUB_NODE + 1]; /* who we are among others */
	struct pg_conn *conn;	 /* the thread's */
	int64_t retry_at, compare_at, sent_at;
	int failures;
};

struct pst_store;

enum pst_rc hub_start(struct pst_store *s, struct pst_error *err);
void hub_stop(struct pst_store *s);
void hub_add(struct pst_store *s, struct pg_ear *ear);
/* After this no call back comes any more. */
void hub_remove(struct pst_store *s, struct pg_ear *ear);
void hub_set_cookie(struct pst_store *s, struct pg_ear *ear, void *cookie);
/* This server changed something. */
void hub_tell(struct pst_store *s, enum pg_ear_kind kind, int64_t id);
/* Others are heard: what they change is told within moments. */
bool hub_hears(struct pst_store *s);

#endif
