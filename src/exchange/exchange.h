/*
 * exchange/exchange.h - the agent that carries mail to other servers: its
 * queue, its threads, and what it does in their name.
 *
 * Threads: from any thread, but for start and stop.
 */
#ifndef EXCHANGE_EXCHANGE_H
#define EXCHANGE_EXCHANGE_H

#include "base/config.h"
#include "exchange/dsn.h"
#include "exchange/queue.h"
#include "exchange/schedule.h"
#include "net/dns.h"

struct exchange;
struct sending; /* sending.h */

/* What the agent needs of the rest of the server. */
struct exchange_host {
	struct dns_resolver dns;
	/*
	 * Hands over a message of ours (a status notification) to `to`: into a
	 * mailbox here or into the queue, durably. `require_tls` as an
	 * envelope's. NOTFOUND: there is no such address; then it is dropped.
	 */
	enum pst_rc (*notify)(void *arg, struct pst_str to,
	    const struct pst_str *part, size_t parts, bool require_tls,
	    struct pst_error *err);
	void *arg;
	/* Optional: the queue is there, and nothing of it was tried yet. */
	void (*opened)(void *opened_arg, struct exchange *x);
	void *opened_arg;
};

/* Opens the queue and begins to carry. `cfg` is referenced. */
enum pst_rc exchange_start(struct config *cfg, const struct exchange_host *host,
    struct exchange **x_r, struct pst_error *err);
/* What is under way has limits.shutdown_time to come to its end; then it is
 * broken off, and tried again after the next start. */
void exchange_stop(struct exchange **x);
void exchange_reconfigure(struct exchange *x, struct config *cfg);

/*
 * Tells the sender of a message that never was in the queue, `id`, of all
 * recipients in `e`, whose states and answers say what there is to tell;
 * `header` begins with the message's; `note` as dsn.h has it. OK also when
 * there is no such sender.
 */
enum pst_rc exchange_report(struct exchange *x, enum dsn_kind kind,
    const char *id, const struct envelope *e, struct pst_str header,
    struct pst_str note, struct pst_error *err);

struct queue *exchange_queue(struct exchange *x);
struct sending *exchange_sending(struct exchange *x);
struct schedule *exchange_schedule(struct exchange *x);

#endif
