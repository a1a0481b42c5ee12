/*
 * delivery/services.h - what a protocol may use besides its connection: the
 * context that net_context() gives it.
 */
#ifndef DELIVERY_SERVICES_H
#define DELIVERY_SERVICES_H

#include "account/auth.h"
#include "mailbox/store.h"

struct guard;	   /* guard/guard.h */
struct json_t;	   /* jansson.h */
struct http_site;  /* http/http.h */
struct outbound;   /* delivery/outbound.h */
struct pop3_locks; /* pop3/locks.h */
struct srs_keys;   /* delivery/srs_keys.h */
struct trust;	   /* trust/trust.h */

struct services {
	struct accounts *accounts;
	struct mailstore *store;
	const struct outbound *outbound; /* NULL: no mail goes out */
	struct pop3_locks *pop3_locks;
	struct srs_keys *srs; /* NULL: no reverse-path is rewritten */
	struct trust *trust;
	struct guard *guard;
	const struct http_site *http;	  /* what is served by HTTP */
	const struct http_site *metrics;  /* by listeners for that */
	const struct http_site *redirect; /* the same */
	/* Appends what can be measured now, as Prometheus wants it. */
	void (*measure)(void *arg, struct buf *out);
	void *measure_arg;
	/* Asks the server what posternctl asks it (admin/protocol.h), for some
	 * seconds; takes the reference of `request`. The items, an array that
	 * the caller gives up: those that are left out when there are too many
	 * make *cut_r true. TEMP: also when others ask just now. */
	enum pst_rc (*ask)(void *arg, struct json_t *request,
	    struct json_t **items_r, bool *cut_r, struct pst_error *err);
	void *ask_arg;
};

#endif
