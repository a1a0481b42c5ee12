/*
 * exchange/priv.h - what the files of the agent share.
 */
#ifndef EXCHANGE_PRIV_H
#define EXCHANGE_PRIV_H

#include "exchange/client.h"
#include "exchange/exchange.h"

#include <pthread.h>
#include <stdatomic.h>

struct exchange {
	struct exchange_host host;
	struct queue *queue;
	struct schedule *schedule;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t moved;
	struct config *cfg;
	int stop_fd; /* readable: break off what waits */
	size_t threads, threads_max;
	bool is_stopping;
	bool has_tick;
	pthread_t tick;
};

struct config *exchange_config(struct exchange *x); /* a reference */

/* --- try.c: one job --------------------------------------------------------
 */

/* A connection that may serve for the next job, too. */
struct link {
	struct client *client; /* NULL: none */
	char remote[352];      /* "mx.example.org [192.0.2.1]" */
	unsigned messages;
	int64_t opened; /* clock_monotonic */
};

void link_close(struct link *l);

/* Does the work, from the envelope to the last record, and tells the
 * schedule. */
void exchange_try(
    struct exchange *x, struct schedule_work *work, struct link *link);

/* --- connect.c -------------------------------------------------------------
 */

/*
 * A session with one of the hosts, for a message that needs `e`. Otherwise
 * *answer says why not, as a reply or in our own words.
 */
bool exchange_connect(struct exchange *x, const struct config *cfg,
    const struct schedule_work *work, const struct envelope *e,
    struct link *link, struct buf *answer);

/* --- tell.c: what senders hear ---------------------------------------------
 */

/*
 * Sends the notifications that the recipients' states ask for; `work->job` has
 * been tried. `id` as text. On a failure nothing is to be taken as told.
 */
enum pst_rc exchange_tell(struct exchange *x, const struct config *cfg,
    struct queue_job *job, struct envelope *e, int64_t until,
    struct pst_error *err);

#endif
