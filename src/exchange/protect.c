/*
 * exchange/protect.c - what TLS has to be like on the way to a host: by the
 * route, TLSA records (RFC 7672), MTA-STS (RFC 8461), REQUIRETLS (RFC 8689);
 * and whether an open connection is good enough.
 */
#include "exchange/connect_priv.h"

#include "base/str.h"
#include "exchange/wire_trust.h"

enum { SMTPS_PORT = 465 };

/* The policy that TLSA records ask for. False: none of them can be used. */
static bool
set_dane(struct dialing *d, const struct host_tlsa *tlsa, struct protection *p)
{
	bool usable = false;

	for (size_t i = 0; i < tlsa->n && !usable; i++)
		usable = wire_tlsa_is_usable(&tlsa->record[i]);
	if (!usable)
		return false;
	p->policy.trust = WIRE_DANE;
	p->policy.tlsa = tlsa->record;
	p->policy.tlsa_count = tlsa->n;
	p->name[0] = tlsa->base;
	p->name[1] = d->host->name;
	p->policy.name_count = 2;
	p->policy.host = tlsa->base;
	p->proof = LINK_DANE;
	return true;
}

/* A certificate of an authority, for names of `names`, or else the host's. */
static void
set_pkix(
    struct dialing *d, const struct config_strings *names, struct protection *p)
{
	p->policy.trust = WIRE_PKIX;
	p->policy.name_count = 0;
	for (size_t i = 0;
	     names != NULL && i < names->n && i < PROTECTION_NAMES; i++)
		p->name[p->policy.name_count++] = names->v[i];
	p->proof = p->policy.name_count > 0 ? LINK_NAMED : LINK_HOST;
	if (p->policy.name_count == 0)
		p->name[p->policy.name_count++] = d->host->name;
}

static bool
is_enforced(const struct demand *d)
{
	return d->sts.policy != NULL && d->sts.policy->text.mode == STS_ENFORCE;
}

/* The name is the right one to ask a certificate for (RFC 8689, 4.2.1, 2). */
static bool
is_known(const struct demand *d, const char *host)
{
	return d->is_listed ||
	       (d->sts.policy != NULL && d->sts.policy->text.mode != STS_NONE &&
		   sts_has_host(d->sts.policy, host));
}

static bool
refuse_unknown(struct dialing *d)
{
	char text[700];

	d->demand->is_unmet = true;
	(void)snprintf(text, sizeof(text),
	    "the message wants TLS with a server that is known for sure, and "
	    "nothing confirms that %s is one of %s (neither DNSSEC nor "
	    "MTA-STS)",
	    d->host->name, d->domain);
	return dial_say(d, "4.7.10", text);
}

/* MTA-STS (RFC 8461, 5). False: the host is none of the policy's. */
static bool
set_sts(struct dialing *d, struct protection *p)
{
	const struct sts_policy *sts = d->demand->sts.policy;
	char text[700];

	if (sts == NULL)
		return true;
	if (sts->text.mode == STS_TESTING) {
		/* What would fail is found out, and told in reports. */
		if (p->policy.trust == WIRE_ANY) {
			set_pkix(d, NULL, p);
			p->proof = LINK_UNPROVEN;
			p->policy.is_trial = true;
		}
		p->is_misnamed = !sts_has_host(sts, d->host->name);
		return true;
	}
	if (!sts_has_host(sts, d->host->name)) {
		d->demand->is_unmet = true;
		(void)snprintf(text, sizeof(text),
		    "the policy of %s (MTA-STS) does not name the mail server "
		    "%s",
		    sts->domain, d->host->name);
		dial_count(d, "validation-failure", text);
		return dial_say(d, "4.7.5", text);
	}
	p->by_sts = !p->must;
	p->must = true;
	set_pkix(d, NULL, p);
	return true;
}

bool
dial_protect(struct dialing *d, const struct host_tlsa *tlsa, bool has_dane,
    struct protection *p)
{
	const struct route *r = d->route;
	bool dane;

	*p = (struct protection){ .policy = { .trust = WIRE_ANY } };
	p->policy.names = p->name;
	p->policy.authorities = d->authorities;
	p->policy.sessions = d->x->sessions;
	if (!d->host->is_literal)
		p->policy.host = d->host->name;
	if (r->tls == CONFIG_OUTBOUND_NONE) {
		p->plain = true;
		/* RFC 8689, 4.2.1. */
		return !envelope_needs_tls(d->envelope) ||
		       dial_say(d, "4.7.10",
			   "the message wants TLS, which is switched off for "
			   "this destination");
	}
	if (envelope_needs_tls(d->envelope) &&
	    !is_known(d->demand, d->host->name))
		return refuse_unknown(d);
	/* RFC 8689, 4.2.2: what the other side demands does not count then;
	 * what the route does, stays. */
	if (d->envelope->tls_optional && r->tls != CONFIG_OUTBOUND_DANE)
		has_dane = false;
	p->implicit = r->relay != NULL &&
		      (r->relay->implicit_tls || d->host->port == SMTPS_PORT);
	p->must = has_dane || p->implicit || envelope_needs_tls(d->envelope) ||
		  r->tls != CONFIG_OUTBOUND_MAY;
	/* RFC 7672, 2.2: with unusable records TLS is a must, unchecked. */
	dane = has_dane && set_dane(d, tlsa, p);
	if (!dane && r->tls == CONFIG_OUTBOUND_DANE)
		return dial_say(d, "4.7.5",
		    "the server has no TLSA records in a signed zone, which "
		    "are wanted of this destination");
	if (dane)
		return true;
	/* RFC 8689, 4.2.1: authenticated, for a name that is. */
	if (r->tls == CONFIG_OUTBOUND_VERIFY ||
	    (envelope_needs_tls(d->envelope) && !has_dane))
		set_pkix(d, r->names, p);
	return d->envelope->tls_optional || set_sts(d, p);
}

void
exchange_demand(struct exchange *x, const struct config *cfg,
    const struct schedule_work *work, struct demand *d_r)
{
	const struct route *r = routes_get(x->routes, work->route);

	/* A relay was chosen here, and is no affair of the domain. */
	bool is_relay = r->relay != NULL || *r->relay_host != '\0';
	/* Others may have the same host by a list of mail servers. */
	bool is_itself = work->hosts.n == 1 &&
			 str_eq_case(str_of(work->hosts.host[0].name),
			     str_of(work->domain));

	*d_r = (struct demand){ .is_listed = is_relay || work->hosts.secure ||
					     is_itself };
	if (!cfg->queue.mta_sts || is_relay || r->tls == CONFIG_OUTBOUND_NONE)
		return;
	sts_find(x->sts, &x->host.dns, work->domain, &d_r->sts);
}

void
demand_fini(struct demand *d)
{
	sts_let_go(&d->sts.policy);
}

bool
link_suits(
    const struct link *l, const struct demand *d, const struct envelope *e)
{
	/* RFC 8689, 4.2.2: who demands nothing may have any, and what was made
	 * for it is for nobody else. */
	if (e->tls_optional)
		return true;
	if (l->is_lax || (envelope_needs_tls(e) && (l->proof == LINK_UNPROVEN ||
						       !is_known(d, l->host))))
		return false;
	if (!is_enforced(d) || l->proof == LINK_DANE)
		return true;
	return l->proof == LINK_HOST && sts_has_host(d->sts.policy, l->host);
}
