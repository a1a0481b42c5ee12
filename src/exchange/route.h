/*
 * exchange/route.h - by which way a message goes to a domain: what `relay` and
 * `destination` blocks of the configuration say of its sender and the domain.
 *
 * Each key is taken from the first block that is for both and has it, so that
 * blocks for senders and blocks for domains can stand side by side. Routes that
 * say the same are one and have one number; the schedule keeps jobs of
 * different numbers apart, and so do connections.
 *
 * Threads: from any thread. A route stays what it is, until routes_free().
 */
#ifndef EXCHANGE_ROUTE_H
#define EXCHANGE_ROUTE_H

#include "base/config.h"
#include "exchange/hosts.h"

struct route {
	uint32_t id; /* 0: the plain one, no block says anything */
	/* For people, and for the keys of providers; "": the plain one. */
	char label[96];
	const struct config_relay *relay;    /* or NULL */
	const char *relay_host;		     /* queue.relay instead, or "" */
	enum config_outbound_tls tls;	     /* never UNSET */
	const struct config_strings *names;  /* of certificates; or NULL */
	const struct config_strings *source; /* or NULL: any address */
	const char *helo;
	int port;
	unsigned at_once, rate; /* 0: as for all */
};

struct routes;

struct routes *routes_new(struct config *cfg);
void routes_free(struct routes **r);
void routes_configure(struct routes *r, struct config *cfg);

/* The number of the route that a message of `sender` ("": none) goes to a
 * domain. */
uint32_t routes_find(
    struct routes *r, struct pst_str sender, struct pst_str domain);
/* A number that routes_find() gave. */
const struct route *routes_get(struct routes *r, uint32_t id);

/* Whether a pattern of `domains` is for a domain: "example.org", its subdomains
 * as ".example.org" or "*.example.org", all as "*". Pure. */
bool route_domain_matches(const char *pattern, struct pst_str domain);
/* Whether one of `senders` is for a sender: an address, or a pattern as above,
 * or "<>" for messages without one. Pure. */
bool route_sender_matches(const char *pattern, struct pst_str sender);

/* The relay's hosts in their order. False: the route goes to the domain's own
 * servers. */
bool route_hosts(const struct route *route, struct hosts *h_r);
/* What the route has to do with whatever hosts it goes to. */
void route_mark(const struct route *route, struct hosts *h);

#endif
