/*
 * guard/milter.h - the milters of one connection, in the order of the
 * configuration: programs that look at mail as it comes, refuse it or change
 * it.
 *
 * Each step is a job that wakes the connection; between the start of a step
 * and the time when milters_is_done() says so the session touches nothing
 * else. Milters hear of the connection and of HELO with the first message, so
 * who sends none costs them nothing. Each sees what those before it have made
 * of the message, and what a milter asks for is done only when it has said its
 * last word about it.
 *
 * Session and job each hold a reference, so either may be gone first.
 */
#ifndef GUARD_MILTER_H
#define GUARD_MILTER_H

#include "guard/guard.h"
#include "guard/milter_link.h"
#include "net/net.h"

struct milters;

struct milter_client {
	const char *protocol; /* "smtp" or "submission" */
	const char *listener;
	const char *address, *local;
	const char *name; /* that leads back to the address, or NULL */
	int port;
	uint64_t conn; /* for the log */
	struct net_handle wake;
};

/* NULL: there are none for this client. `cfg` is referenced; `g` must outlive
 * them. */
struct milters *milters_new(
    struct guard *g, struct config *cfg, const struct milter_client *client);
/* For the session: what a step is waiting for is given up. */
void milters_drop(struct milters **m);
/* Between steps. An empty value takes a macro out; `name` is a constant. */
void milters_macro(struct milters *m, const char *name, struct pst_str value);

/* Steps. False: too much waits already; nothing was started. Arguments of
 * commands have LF between them. A message that was begun before is over. */
bool milters_mail(struct milters *m, const char *helo, struct pst_str args);
bool milters_rcpt(struct milters *m, struct pst_str args);
/* Of the message that milters_message() has been fed with and ended. */
bool milters_content(struct milters *m);
/* The next step would tell them nothing. */
bool milters_want_no_rcpt(const struct milters *m);

bool milters_is_done(struct milters *m);
/* Of the last step: GO_ON, REFUSE (milters_reply()), or after the content
 * DISCARD. */
enum milter_outcome milters_outcome(const struct milters *m);
const char *milters_reply(const struct milters *m);
bool milters_close(const struct milters *m); /* the connection, too */

/* The message at hand; made at the first call. `foreign` as in
 * milter_message_new(). */
struct milter_message *milters_message(struct milters *m, bool foreign);
/* What shall be changed in the envelope, and why the message is quarantined
 * (or NULL). */
const struct milter_request *milters_requests(
    const struct milters *m, size_t *n_r);
const char *milters_quarantine(const struct milters *m);
/* The message is over, whatever became of it. */
void milters_end(struct milters *m);

#endif
