/*
 * exchange/schedule_priv.h - what the files of the schedule share. All of it
 * with the lock of struct schedule.
 */
#ifndef EXCHANGE_SCHEDULE_PRIV_H
#define EXCHANGE_SCHEDULE_PRIV_H

#include "exchange/schedule.h"

#include <pthread.h>

enum {
	SCHEDULE_LINES = 64, /* of a provider, for senders */
	SCHEDULE_BUCKETS = 4096,
	SCHEDULE_LANES_MIN = 1024,
	/* Domains and providers without jobs, that are remembered. */
	SCHEDULE_RESTING = 4096,
	SCHEDULE_KEPT = 10000,
	SCHEDULE_KEEP_TIME = 3600, /* seconds */
	SCHEDULE_RATE_TIME = 3600, /* seconds that a rate holds */
};

/* Jobs, in the order in which they came. */
struct line {
	struct queue_job *first, *last;
};

struct provider {
	struct provider *next;		  /* in the bucket */
	struct provider *before, *behind; /* in the ring of those with work */
	bool in_ring;
	size_t refs;  /* lanes and work; 0: only remembered */
	int64_t used; /* clock_monotonic: when refs became 0 */
	size_t ready;
	struct line *line; /* SCHEDULE_LINES; NULL while there are no jobs */
	unsigned turn;	   /* the line that is next */
	unsigned active, limit, went;
	bool is_proven;	  /* a server of it has taken part, the last time */
	unsigned naps;	  /* in a row */
	int64_t sleeps;	  /* clock_monotonic until when; 0: awake */
	double credit;	  /* messages that the rate allows */
	int64_t credited; /* clock_monotonic of that */
	enum hosts_result found;
	/* When found: a struct hosts without what it has no use for. */
	void *hosts;
	size_t hosts_n;		/* octets */
	unsigned at_once, rate; /* of the route; 0: as for all */
	unsigned told_rate;	/* that the other side asked for */
	int64_t told_until;	/* clock_monotonic */
	double usual, recent;	/* microseconds of a transaction */
	char error[256];
	char key[];
};

/* A domain, by one route. Its name stands for it when there are no jobs. */
struct lane {
	struct queue_domain *domain; /* NULL: the queue may forget it */
	struct lane *sister;	     /* the same domain, by another route */
	uint32_t route;
	size_t jobs; /* that are in the schedule */
	size_t refs; /* work */
	struct provider *provider;
	int64_t until; /* clock_monotonic: its hosts hold so long */
	bool is_asked; /* somebody finds out, or is to */
	bool rests;    /* in the list of those that nobody needs now */
	struct line waiting;
	struct lane *next;    /* of those that are to be asked */
	struct lane *by_name; /* in the bucket */
	struct lane *rested_before, *rested_behind;
	char name[];
};

struct schedule {
	struct schedule_options opt;
	pthread_mutex_t lock; /* guards all below, and priv of domains */
	pthread_cond_t moved;
	bool is_stopped;
	struct queue_job **heap; /* by due; line == NULL, index in `slot` */
	size_t heaped, heap_cap;
	struct line attend;
	size_t attends;
	struct lane *ask, **ask_last;
	struct lane **lane; /* by name */
	size_t lanes, lane_buckets;
	struct lane *rest, *rest_last; /* the oldest first */
	size_t resting;
	struct provider *bucket[SCHEDULE_BUCKETS];
	size_t kept;	       /* that are only remembered */
	struct provider *ring; /* the next to have its turn */
	unsigned unproven;     /* connections to those that are not proven */
	size_t waiting;	       /* threads in schedule_wait() */
};

void line_add(struct line *l, struct queue_job *job);
void line_remove(struct line *l, struct queue_job *job);
uint64_t schedule_hash(const char *text);

/* --- schedule_provider.c ---------------------------------------------------
 */

/* One more reference. `error` when no hosts were found. */
struct provider *provider_use(struct schedule *s, enum hosts_result found,
    const struct hosts *hosts, const char *key, const char *error);
void provider_drop(struct schedule *s, struct provider *p);
/* One that nobody refers to yet, of which something is known from before. NULL:
 * it is there already, or there are too many. */
struct provider *provider_remember(struct schedule *s, const char *key);
void provider_free(struct provider *p);
/* Forgets those that nobody has used for long. */
void providers_tidy(struct schedule *s);
/* A job may be taken: `over` a connection that is there, or a new one. */
bool provider_may_go(struct schedule *s, struct provider *p, bool over);
/* One more connection, or one less. */
void provider_begin(struct schedule *s, struct provider *p);
void provider_end(struct schedule *s, struct provider *p);
/* In the ring while something of it can be taken. */
void provider_settle(struct schedule *s, struct provider *p);
void provider_leave_ring(struct schedule *s, struct provider *p);
void provider_add(
    struct schedule *s, struct provider *p, struct queue_job *job);
struct queue_job *provider_take(struct schedule *s, struct provider *p);
void provider_learn(struct schedule *s, struct provider *p,
    const struct schedule_lesson *lesson);

/* --- schedule_lane.c -------------------------------------------------------
 */

/* The lane of the job's domain and route; made when it is not there. */
struct lane *lane_of(struct schedule *s, struct queue_job *job);
/* Takes it away from its domain, which the queue may forget then. */
void lane_leave(struct lane *lane);
/* Nobody needs it now: it rests, or goes. No more than a look otherwise. */
void lane_drop(struct schedule *s, struct lane *lane);
void lanes_tidy(struct schedule *s);
void lanes_free(struct schedule *s);
void lane_ask(struct schedule *s, struct lane *lane);

#endif
