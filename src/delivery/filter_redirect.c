/*
 * delivery/filter_redirect.c - who else a message goes to by a script (RFC
 * 5228, 4.2).
 *
 * Users of this server get it with the others, and their own scripts run, too;
 * what is for other servers is sent on as addresses here do (forward.h). A
 * redirect that would lead back to who redirects is not done: within one
 * delivery the redirects between its receivers have no circle, and what has
 * been elsewhere tells by Delivered-To where it was.
 */
#include "delivery/filter.h"

#include "base/log.h"
#include "base/str.h"
#include "base/trail.h"
#include "delivery/forward.h"
#include "delivery/notice.h"
#include "delivery/route.h"
#include "delivery/vacation.h"
#include "message/address.h"

#include <stdlib.h>

enum { RECEIVERS_MAX = 2000, EDGES_MAX = 1000 };

/* From receiver `from` there is a way to receiver `to`. */
static bool
leads_to(const struct delivery *d, size_t from, size_t to)
{
	bool *reached = mem_array(d->receivers, sizeof(*reached));
	bool more = true, found;

	reached[from] = true;
	/* Edges mostly lead to later ones, so one round does. */
	while (more) {
		more = false;
		for (size_t i = 0; i < d->edges; i++) {
			const struct redirect_edge *e = &d->edge[i];

			if (e->is_part || !reached[e->from] || reached[e->to])
				continue;
			reached[e->to] = more = true;
		}
	}
	found = reached[to];
	free(reached);
	return found;
}

static void
add_edge(struct delivery *d, size_t from, bool is_part, size_t to)
{
	mem_grow(&d->edge, &d->edges_cap, d->edges + 1, sizeof(*d->edge));
	d->edge[d->edges++] = (struct redirect_edge){ from, to, is_part };
}

static enum pst_rc
check(const struct delivery *d, size_t i, bool is_own, struct pst_error *err)
{
	const struct config *cfg = d->cfg;

	if (!cfg->forward.enabled || (is_own && !cfg->web.forwarding))
		return pst_fail(err, PST_E_DENIED, 0,
		    "the configuration does not let users forward");
	if (d->rewrite.delivered.overflow ||
	    forward_came_back(str_of(mail_account_id(d->receiver[i].acct)),
		buf_str(&d->rewrite.delivered)))
		return pst_fail(
		    err, PST_E_CONFLICT, 0, "it has been redirected before");
	if (d->edges >= EDGES_MAX)
		return pst_fail(err, PST_E_LIMIT, 0, "too many redirects");
	return PST_OK;
}

/* What goes into an envelope is a path. */
static bool
is_path(struct pst_str address)
{
	struct arena *a = arena_new(8192);
	struct pst_str local, domain;
	bool is = msg_smtp_mailbox(a, address, true, &local, &domain);

	arena_free(&a);
	return is;
}

static enum pst_rc
check_outside(const struct delivery *d, const struct delivery_route *route,
    struct pst_error *err)
{
	if (route->outsides == 0)
		return PST_OK;
	if (d->sv->outbound == NULL)
		return pst_fail(
		    err, PST_E_DENIED, 0, "no mail goes to other servers");
	if (d->away.recipients + route->outsides > RECEIVERS_MAX ||
	    d->away.parts >= AWAY_PARTS_MAX)
		return pst_fail(err, PST_E_LIMIT, 0, "too many recipients");
	return PST_OK;
}

/* Who gets it from here on. On a failure nobody does. */
static enum pst_rc
add_users(struct delivery *d, size_t i, const struct delivery_route *route,
    struct pst_str address, uint64_t size, struct pst_error *err)
{
	size_t receivers = d->receivers, edges = d->edges;
	enum pst_rc rc = PST_OK;

	for (size_t k = 0; rc == PST_OK && k < route->users; k++) {
		size_t at;

		rc = delivery_add_user(d, &route->user[k], size, &at, err);
		if (rc == PST_OK && leads_to(d, at, i))
			rc = pst_fail(err, PST_E_CONFLICT, 0,
			    "it would come back from there");
		if (rc == PST_OK)
			add_edge(d, i, false, at);
	}
	for (size_t k = receivers; rc == PST_OK && k < d->receivers; k++)
		rc = delivery_add_copy(d, k, size, err);
	if (rc != PST_OK) {
		delivery_drop_receivers(d, receivers);
		d->edges = edges;
		return rc;
	}
	filter_open(d);
	for (size_t k = receivers; k < d->receivers; k++) {
		struct receiver *r = &d->receiver[k];

		r->answers = *d->sender != '\0' && vacation_is_on(r->acct);
		if (r->filter != NULL)
			r->filter->to = str_dup(address);
	}
	return PST_OK;
}

/* A part of the user's own; success is not told of what a script did. */
static void
add_outside(struct delivery *d, size_t i, const struct delivery_route *route)
{
	const char *user = mail_account_id(d->receiver[i].acct);
	const struct recipient *r = delivery_recipient_of(d, i);
	struct outbound_recipient out = { 0 };
	size_t parts = d->away.parts, part;
	struct buf orcpt;

	if (route->outsides == 0)
		return;
	part = aways_part(&d->away, str_of(user));
	if (d->away.parts > parts)
		delivery_begin_part(d, part);
	buf_init(&orcpt, 1024);
	if (r != NULL) {
		out.orcpt = str_of(r->orcpt);
		out.notify = notice_passed_on(r->notify, 2);
	}
	if (out.orcpt.n == 0 && notice_orcpt(str_of(user), &orcpt))
		out.orcpt = buf_str(&orcpt);
	for (size_t k = 0; k < route->outsides; k++) {
		out.address = str_of(route->outside[k]);
		aways_add(&d->away, part, &out);
	}
	buf_fini(&orcpt);
	add_edge(d, i, true, part);
}

static enum pst_rc
redirect(struct delivery *d, size_t i, const struct sieve_action *a,
    bool is_own, uint64_t size, struct pst_error *err)
{
	struct delivery_route route = { 0 };
	enum pst_rc rc = check(d, i, is_own, err);

	if (rc != PST_OK)
		return rc;
	if (!is_path(a->address))
		return pst_fail(err, PST_E_SYNTAX, 0, "no address");
	rc = route_resolve(d->sv, d->cfg, a->address,
	    RECEIVERS_MAX - d->receivers, &route, err);
	if (rc == PST_E_UNSUPPORTED) {
		route_add_outside(&route, a->address);
		rc = PST_OK;
	}
	if (rc == PST_OK)
		rc = check_outside(d, &route, err);
	if (rc == PST_OK)
		rc = add_users(d, i, &route, a->address, size, err);
	if (rc == PST_OK)
		add_outside(d, i, &route);
	route_fini(&route);
	return rc;
}

bool
filter_redirect(struct delivery *d, size_t i, const struct sieve_action *a,
    bool is_own, uint64_t size)
{
	struct pst_error err = { 0 };
	const char *user = mail_account_id(d->receiver[i].acct);
	char to[321];

	if (redirect(d, i, a, is_own, size, &err) == PST_OK)
		return true;
	(void)str_copy(to, sizeof(to), a->address);
	log_event(PST_LOG_WARNING, 0, "not-redirected", "user", user, "to", to,
	    "why", err.detail, NULL);
	trail_event(NULL, "not-redirected", "user", user, "to", to, "why",
	    err.detail, NULL);
	return false;
}

void
filter_spread_failures(struct delivery *d)
{
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = d->edges; i > 0; i--) {
			const struct redirect_edge *e = &d->edge[i - 1];
			struct receiver *r = &d->receiver[e->from];
			enum pst_rc rc;

			if (e->is_part)
				rc = d->away.part[e->to].has_it
					 ? PST_OK
					 : d->away.part[e->to].rc;
			else
				rc = d->receiver[e->to].rc;
			if (r->rc == PST_OK && rc != PST_OK) {
				r->rc = rc;
				more = true;
			}
		}
	}
}
