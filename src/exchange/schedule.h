/*
 * exchange/schedule.h - which job is tried next, and when: fair between
 * destinations and between senders, no faster than a destination bears.
 *
 * A provider is the set of hosts that one or many domains have in common, by
 * one route (route.h): 500 domains at one provider are one destination. It has
 * a limit on what goes on at the same time, that grows while things go well and
 * shrinks when they do not; when nothing goes any more it sleeps, longer each
 * time, and then one job tries for all.
 *
 * Senders share a provider by lines, chosen by the sender's hash, that have
 * their turns: who sends much waits behind their own messages.
 *
 * Threads: from any thread; a struct schedule_work belongs to who got it.
 */
#ifndef EXCHANGE_SCHEDULE_H
#define EXCHANGE_SCHEDULE_H

#include "exchange/hosts.h"
#include "exchange/queue.h"

struct schedule;
struct provider;

struct schedule_options {
	struct queue *queue; /* set by schedule_begin() */
	/* All times are seconds. */
	int64_t life;	    /* of a message: then it is given up */
	int64_t warn_after; /* the sender is told of a delay; 0: never */
	int64_t retry_first, retry_most;
	int64_t sleep_first, sleep_most; /* of a provider that is not there */
	unsigned at_once_first, at_once_most; /* for one provider */
	unsigned rate; /* messages a minute to one provider; 0: any */
	/* Connections at the same time, in all, to those that have not taken
	 * part in anything lately: many that say nothing leave room for
	 * others. 0: any. */
	unsigned unproven;
	/* There is work, and nobody waits for it in schedule_wait(). */
	void (*wanted)(void *arg);
	void *arg;
};

enum schedule_kind {
	SCHEDULE_STOP,	  /* no more work */
	SCHEDULE_RESOLVE, /* find the hosts of `domain` */
	SCHEDULE_TRY,	  /* `job`, at `hosts` */
	SCHEDULE_ATTEND,  /* `job` is due to be given up, or its sender to be
			     told, without a try */
};

struct schedule_work {
	enum schedule_kind kind;
	char domain[256];
	uint32_t route;	       /* by which mail for the domain goes here */
	struct queue_job *job; /* taken */
	struct provider *provider;
	enum hosts_result found;
	struct hosts hosts; /* when found */
	char error[256];    /* else; or the last failure of the provider */
	void *lane;	    /* private */
};

struct schedule *schedule_new(const struct schedule_options *opt);
/* The queue is open: what came meanwhile may be tried. */
void schedule_begin(struct schedule *s, struct queue *queue);
/* All who wait get SCHEDULE_STOP. */
void schedule_stop(struct schedule *s);
void schedule_free(struct schedule **s); /* nobody works any more */
/* For a new configuration; `queue`, `wanted` and `arg` stay. */
void schedule_configure(struct schedule *s, const struct schedule_options *opt);

/* For struct queue_options. */
void schedule_came(void *schedule, struct queue_job *job);
void schedule_gone(void *schedule, struct queue_job *job);
/* The administrator wants it tried now, or did not hold it any more. */
void schedule_hurry(struct schedule *s, struct queue_job *job);
/* All jobs and providers: a network is back (`queue retry --all`). */
void schedule_hurry_all(struct schedule *s);

/* Waits for work. */
void schedule_wait(struct schedule *s, struct schedule_work *work_r);
/* Another job for the same provider, for the connection at hand. Does not
 * wait. */
bool schedule_more(
    struct schedule *s, struct provider *p, struct schedule_work *work_r);

/* What became of work. RESOLVE: */
void schedule_resolved(struct schedule *s, struct schedule_work *work,
    enum hosts_result found, const struct hosts *hosts, const char *error);
/* TRY and ATTEND, after queue_update(): the job is given back. */
enum schedule_outcome {
	SCHEDULE_UNTRIED,   /* says nothing about the provider */
	SCHEDULE_WENT,	    /* a server took part */
	SCHEDULE_SLOWER,    /* ... and said that it is too much */
	SCHEDULE_UNREACHED, /* there was no server to talk to */
};
/* What is learnt of the provider; all 0: nothing. */
struct schedule_lesson {
	enum schedule_outcome outcome;
	int64_t sleep; /* seconds in which nothing is to be tried */
	unsigned rate; /* messages a minute, for an hour */
	int64_t took;  /* microseconds of a transaction of common size */
};
void schedule_done(struct schedule *s, struct schedule_work *work,
    const struct schedule_lesson *lesson, const char *error);
/* Before schedule_done() with UNTRIED: the job goes by another route now. */
void schedule_reroute(
    struct schedule *s, struct schedule_work *work, uint32_t route);

/* When a job that was tried `tries` times is tried again: seconds from now,
 * with some chance in it. */
int64_t schedule_delay(const struct schedule_options *opt, unsigned tries);
/* Puts things in their places whose time has come. Called each second, by one
 * thread. */
void schedule_tick(struct schedule *s);
/*
 * A provider stays, for schedule_more(), until it is let go of. `tried`: the
 * work was SCHEDULE_TRY, and its connection is closed now, which counted until
 * here.
 */
void schedule_keep(struct schedule *s, struct provider *p);
/* What it is known by, for as long as it stays. */
const char *schedule_key(const struct provider *p);
void schedule_let_go(struct schedule *s, struct provider *p, bool tried);

/* For `queue stats`: each provider that has jobs, or that something was learnt
 * of lately. */
struct schedule_row {
	const char *hosts;
	size_t ready; /* jobs that wait for their turn */
	unsigned active, limit;
	unsigned rate;	/* messages a minute, as the other side said; 0: any */
	int64_t sleeps; /* seconds; 0: awake */
	const char *error;
};
void schedule_each(struct schedule *s,
    void (*fn)(void *arg, const struct schedule_row *row), void *arg);
/* The one that a job is for, if it is known; its message is held. */
void schedule_of(struct schedule *s, const struct queue_job *job,
    void (*fn)(void *arg, const struct schedule_row *row), void *arg);

/* --- over a restart (schedule_state.c) -------------------------------------
 */

/* Writes what was learnt of providers into the file. */
enum pst_rc schedule_save(
    struct schedule *s, const char *path, struct pst_error *err);
/* Before anything is tried: uses it, when it is there, whole and not old. */
void schedule_restore(struct schedule *s, const char *path);
void schedule_read(struct schedule *s, struct pst_str text); /* the file's */

#endif
