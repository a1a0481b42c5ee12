/*
 * exchange/priv.h - what the files of the agent share.
 */
#ifndef EXCHANGE_PRIV_H
#define EXCHANGE_PRIV_H

#include "exchange/client.h"
#include "exchange/exchange.h"
#include "exchange/pool.h"
#include "exchange/replies.h"
#include "exchange/route.h"
#include "exchange/secret.h"
#include "exchange/sending.h"
#include "exchange/sts.h"
#include "exchange/tlsrpt.h"
#include "exchange/wire_sessions.h"

#include <pthread.h>
#include <stdatomic.h>

struct exchange {
	struct exchange_host host;
	struct queue *queue;
	struct schedule *schedule;
	struct sending *sending;
	struct routes *routes;
	struct secrets *secrets;
	struct pool *pool;
	struct sts *sts;
	struct tlsrpt *tlsrpt;
	struct wire_sessions *sessions;
	/* For chores.c alone. */
	int64_t report_delay;  /* percent of a window */
	int64_t reports_tried; /* seconds since 1970 */
	pthread_mutex_t lock;  /* guards all below */
	pthread_cond_t moved;
	struct config *cfg;
	struct wire_authorities *authorities;
	struct replies *replies;
	char *state; /* path: what was learnt of destinations */
	int stop_fd; /* readable: break off what waits */
	size_t threads, threads_max;
	bool is_stopping;
	bool has_tick, has_chores;
	pthread_t tick, chores;
};

/* References. */
struct config *exchange_config(struct exchange *x);
struct wire_authorities *exchange_authorities(struct exchange *x);
struct replies *exchange_replies(struct exchange *x);

/* --- try.c: one job --------------------------------------------------------
 */

void link_close(struct link *l);

/* Does the work, from the envelope to the last record, and tells the
 * schedule. */
void exchange_try(
    struct exchange *x, struct schedule_work *work, struct link *link);

/* --- connect.c -------------------------------------------------------------
 */

/* What mail for a domain wants of a connection, beside what the route says. */
struct demand {
	struct sts_verdict sts;
	/* Which hosts there are is known for sure: by a signed list, or since
	 * there is none but the domain's own name, or the route's. */
	bool is_listed;
	/* Whoever was tried is refused by this alone: it says nothing about
	 * the hosts, which others may use. */
	bool is_unmet;
};

void exchange_demand(struct exchange *x, const struct config *cfg,
    const struct schedule_work *work, struct demand *d_r);
void demand_fini(struct demand *d);
/* The connection will do for a message. */
bool link_suits(
    const struct link *l, const struct demand *d, const struct envelope *e);

/*
 * A session with one of the hosts, for a message that needs `e`. Otherwise
 * *answer says why not, as a reply or in our own words.
 */
bool exchange_connect(struct exchange *x, const struct config *cfg,
    const struct schedule_work *work, const struct envelope *e,
    struct demand *demand, struct link *link, struct buf *answer);

/* --- chores.c: what is done now and then, and may take its time ------------
 */

/* A thread of its own, that ends when the agent is stopping. */
void *exchange_chores(void *exchange);
/* tlsrpt_send.c: what is due. */
void exchange_send_reports(struct exchange *x, const struct config *cfg);

/* --- tell.c: what senders hear ---------------------------------------------
 */

/*
 * Sends the notifications that the recipients' states ask for; `work->job` has
 * been tried. `id` as text. On a failure nothing is to be taken as told.
 */
enum pst_rc exchange_tell(struct exchange *x, const struct config *cfg,
    struct queue_job *job, struct envelope *e, int64_t until,
    struct pst_error *err);

/* --- sending_tell.c: the brake and the queue ---------------------------------
 */

/* Holds the message when the brake is on for its author, unless it was released
 * all the same. True: it is not to be tried now. */
bool exchange_brake(
    struct exchange *x, struct queue_job *job, const struct envelope *e);
/* Tells users and the administrator of brakes that came on. */
void exchange_tell_braked(struct exchange *x);

#endif
