/*
 * guard/client.h - what is known of the client of one connection, and whether
 * mail from it is welcome.
 *
 * Questions to the DNS begin with the connection, in jobs, so that the answers
 * are mostly there when they are needed; who needs them early waits for
 * guard_client_ready(). Session and jobs each hold a reference, so either may
 * be gone first.
 *
 * Threads: all functions are for the session's.
 */
#ifndef GUARD_CLIENT_H
#define GUARD_CLIENT_H

#include "guard/guard.h"
#include "net/net.h"

struct guard_client;

struct guard_peer {
	const char *address; /* the client's */
	const char *local;   /* that it has reached */
	uint64_t conn;	     /* for the log */
	struct net_handle wake;
};

enum guard_action { GUARD_PASS, GUARD_DEFER, GUARD_REJECT };

struct guard_verdict {
	enum guard_action action;
	bool allowed;	 /* by an allow list: nothing else counts */
	char reply[480]; /* RFC 5321, 4.5.3.1.5; of DEFER and REJECT */
};

/* The client is one of ours, or in guard.allow: nothing is checked. */
bool guard_is_exempt(const struct config *cfg, const char *address);

/* `cfg` is referenced; `g` must outlive the client. */
struct guard_client *guard_client_new(
    struct guard *g, struct config *cfg, const struct guard_peer *peer);
void guard_client_drop(struct guard_client **c);
/* Asks the DNS what the configuration wants to know. */
void guard_client_ask(struct guard_client *c);
/* It spoke before the greeting. */
void guard_client_early(struct guard_client *c);
/* False: ask again when `wake` was called. True: the verdict is there, for who
 * says HELO with that name. */
bool guard_client_ready(struct guard_client *c, const char *hello);
const struct guard_verdict *guard_client_verdict(const struct guard_client *c);
/* When it is ready: a name that leads back to the address, or NULL. */
const char *guard_client_name(const struct guard_client *c);

/* guard/rates.h for this client. NULL: there is room. */
const char *guard_client_take(struct guard_client *c, enum guard_rate rate);
const char *guard_client_look(struct guard_client *c, enum guard_rate rate);

/* The client shall come again, when `wait_r` seconds are over; 0: it need not.
 * Blocks on the disk. */
void guard_client_greylist(struct guard_client *c, struct pst_str sender,
    struct pst_str recipient, int64_t *wait_r);

/* How long it is to wait for the greeting, milliseconds; 0: not. */
int64_t guard_client_greet_wait(struct guard_client *c);
/* It did, and kept quiet. */
void guard_client_waited(struct guard_client *c);

#endif
