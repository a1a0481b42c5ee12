/*
 * exchange/exchange.h - the agent that carries mail to other servers: its
 * queue, its threads, and what it does in their name.
 *
 * Threads: from any thread, but for start and stop.
 */
#ifndef EXCHANGE_EXCHANGE_H
#define EXCHANGE_EXCHANGE_H

#include "base/config.h"
#include "exchange/queue.h"
#include "exchange/schedule.h"
#include "net/dns.h"

struct exchange;

/* What the agent needs of the rest of the server. */
struct exchange_host {
	struct dns_resolver dns;
	/*
	 * Hands over a message of ours (a status notification) to `to`: into a
	 * mailbox here or into the queue, durably. NOTFOUND: there is no such
	 * address; then it is dropped.
	 */
	enum pst_rc (*notify)(void *arg, struct pst_str to,
	    const struct pst_str *part, size_t parts, struct pst_error *err);
	void *arg;
};

/* Opens the queue and begins to carry. `cfg` is referenced. */
enum pst_rc exchange_start(struct config *cfg, const struct exchange_host *host,
    struct exchange **x_r, struct pst_error *err);
/* What is under way has limits.shutdown_time to come to its end; then it is
 * broken off, and tried again after the next start. */
void exchange_stop(struct exchange **x);
void exchange_reconfigure(struct exchange *x, struct config *cfg);

struct queue *exchange_queue(struct exchange *x);
struct schedule *exchange_schedule(struct exchange *x);

#endif
