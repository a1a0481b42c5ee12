/*
 * exchange/schedule.h - which job is tried next, and when: fair between
 * destinations and between senders, no faster than a destination bears.
 *
 * A provider is the set of hosts that one or many domains have in common: 500
 * domains at one provider are one destination. It has a limit on what goes on
 * at the same time, that grows while things go well and shrinks when they do
 * not; when nothing goes any more it sleeps, longer each time, and then one job
 * tries for all.
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
/* All jobs and providers: a network is back. */
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
	SCHEDULE_WENT,	    /* a server took part */
	SCHEDULE_SLOWER,    /* ... and said that it is too much */
	SCHEDULE_UNREACHED, /* there was no server to talk to */
	SCHEDULE_UNTRIED,   /* says nothing about the provider */
};
void schedule_done(struct schedule *s, struct schedule_work *work,
    enum schedule_outcome outcome, const char *error);

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
void schedule_let_go(struct schedule *s, struct provider *p, bool tried);

/* For `queue stats`: each provider that has jobs. */
struct schedule_row {
	const char *hosts;
	size_t ready; /* jobs that wait for their turn */
	unsigned active, limit;
	int64_t sleeps; /* seconds; 0: awake */
	const char *error;
};
void schedule_each(struct schedule *s,
    void (*fn)(void *arg, const struct schedule_row *row), void *arg);

#endif
