/*
 * delivery/route.c - recipient routing.
 *
 * The accounts follow aliases; here the address is brought into their form,
 * other servers' domains are told apart, and what comes back is made a set:
 * who is reached by an alias and by their own address gets one copy.
 */
#include "delivery/route.h"

#include "base/str.h"
#include "delivery/forward.h"

#include <stdlib.h>

struct collect {
	struct delivery_route *route;
	size_t max;
	bool too_many;
};

void
route_add_outside(struct delivery_route *route, struct pst_str address)
{
	mem_grow(&route->outside, &route->outside_cap, route->outsides + 1,
	    sizeof(*route->outside));
	route->outside[route->outsides++] = str_dup(address);
}

static void
collect_target(void *arg, const struct account_user *user, const char *outside,
    const char *detail)
{
	struct collect *c = arg;
	struct delivery_route *route = c->route;

	(void)detail;
	if (user == NULL) {
		if (outside != NULL)
			route_add_outside(route, str_of(outside));
		return;
	}
	for (size_t i = 0; i < route->users; i++) {
		if (strcmp(route->user[i].address, user->address) == 0)
			return;
	}
	if (route->users >= c->max) {
		c->too_many = true;
		return;
	}
	mem_grow(
	    &route->user, &route->cap, route->users + 1, sizeof(*route->user));
	route->user[route->users++] = *user;
}

/* Where the domain begins: behind the last '@'; 0 when there is none. */
static size_t
domain_at(struct pst_str address)
{
	size_t i = address.n;

	while (i > 0 && address.p[i - 1] != '@')
		i--;
	return i;
}

/* The accounts' form of the address. False: it cannot be one of theirs. */
static bool
normalise(const struct config *cfg, struct pst_str address, char out[321])
{
	const char *domain = cfg->hostname;
	struct buf text;
	bool ok;

	if (domain_at(address) > 0)
		return account_normalise(address, out);
	if (cfg->domains.n > 0)
		domain = cfg->domains.v[0];
	buf_init(&text, 1024);
	ok = buf_add_str(&text, address) && buf_putc(&text, '@') &&
	     buf_puts(&text, domain) && account_normalise(buf_str(&text), out);
	buf_fini(&text);
	return ok;
}

static enum pst_rc
resolve(const struct services *sv, const struct config *cfg,
    struct pst_str address, size_t max, struct delivery_route *route_r,
    struct pst_error *err)
{
	struct collect c = { .route = route_r, .max = max };
	char name[321];
	struct pst_str domain = STR_NONE;
	bool good = normalise(cfg, address, name);
	enum pst_rc rc;

	(void)str_copy(route_r->address, sizeof(route_r->address),
	    good ? str_of(name) : address);
	if (good)
		domain = str_from(str_of(name), domain_at(str_of(name)));
	else if (domain_at(address) > 0)
		domain = str_from(address, domain_at(address));
	if (domain.n > 0) {
		rc = domain_is_local(sv->accounts, domain, err);
		if (rc == PST_E_NOTFOUND)
			return pst_fail(
			    err, PST_E_UNSUPPORTED, 0, "other server");
		if (rc != PST_OK)
			return rc;
	}
	if (!good)
		return pst_fail(err, PST_E_NOTFOUND, 0, "no address");
	rc = account_resolve(sv->accounts, name, collect_target, &c, err);
	if (rc != PST_OK)
		return rc;
	if (c.too_many)
		return pst_fail(err, PST_E_LIMIT, 0, "too many users");
	if (route_r->users == 0 && route_r->outsides == 0)
		return pst_fail(err, PST_E_NOTFOUND, 0, "leads nowhere");
	return PST_OK;
}

/* What bounces goes to whom the path stands for, who may be here by now. */
static enum pst_rc
resolve_original(const struct services *sv, const struct config *cfg,
    struct pst_str address, struct pst_str original, size_t max,
    struct delivery_route *route_r, struct pst_error *err)
{
	enum pst_rc rc = resolve(sv, cfg, original, max, route_r, err);

	(void)str_copy(route_r->address, sizeof(route_r->address), address);
	if (rc != PST_E_UNSUPPORTED)
		return rc;
	route_add_outside(route_r, original);
	return PST_OK;
}

enum pst_rc
route_resolve(const struct services *sv, const struct config *cfg,
    struct pst_str address, size_t max, struct delivery_route *route_r,
    struct pst_error *err)
{
	struct buf original;
	enum pst_rc rc;

	memset(route_r, 0, sizeof(*route_r));
	buf_init(&original, 1024);
	rc = forward_original(sv, cfg, address, &original, err);
	if (rc == PST_OK)
		rc = resolve_original(
		    sv, cfg, address, buf_str(&original), max, route_r, err);
	else if (rc == PST_E_NOTFOUND)
		rc = resolve(sv, cfg, address, max, route_r, err);
	buf_fini(&original);
	return rc;
}

void
route_fini(struct delivery_route *route)
{
	for (size_t i = 0; i < route->outsides; i++)
		free(route->outside[i]);
	free(route->outside);
	free(route->user);
	memset(route, 0, sizeof(*route));
}
