/*
 * delivery/route.h - from an address to those who get what is sent to it.
 *
 * Threads: a route belongs to one thread; resolving may run in many at once.
 */
#ifndef DELIVERY_ROUTE_H
#define DELIVERY_ROUTE_H

#include "delivery/services.h"

struct delivery_route {
	struct account_user *user; /* each once */
	size_t users, cap;
	char **outside; /* addresses on other servers */
	size_t outsides, outside_cap;
	char address[321]; /* the form that the accounts have, or as given */
};

/*
 * Resolves `address`, "local@domain" with the local part quoted where it must
 * be; a name without a domain (RFC 5321, 4.5.1: "postmaster") is of the first
 * domain of `cfg`. At most `max` users.
 *
 * A reverse-path that was rewritten here (srs.h) leads to whom it stands for.
 *
 * UNSUPPORTED: the domain is not served here; nothing is in the route.
 * NOTFOUND: the domain is, but there is nobody of that name. DENIED: a
 * rewritten reverse-path that is forged or too old. CONFLICT: it leads to
 * nothing but itself. LIMIT: more than `max`. The route is to be ended with
 * route_fini() whatever the result.
 */
enum pst_rc route_resolve(const struct services *sv, const struct config *cfg,
    struct pst_str address, size_t max, struct delivery_route *route_r,
    struct pst_error *err);
/* One more address on another server. */
void route_add_outside(struct delivery_route *route, struct pst_str address);
void route_fini(struct delivery_route *route);

#endif
