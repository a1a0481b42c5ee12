/*
 * trust/check_policy.c - what becomes of a message, by what came out of its
 * check and by the configuration (RFC 7208, 8; RFC 7489, 6.6.2 and 10.3).
 *
 * A failure of the DNS never refuses mail for good.
 */
#include "base/str.h"
#include "base/trail.h"
#include "trust/check_priv.h"

static PST_PRINTF(3, 4) void decide(
    struct trust_check *c, enum trust_action action, const char *fmt, ...)
{
	va_list ap;

	c->action = action;
	va_start(ap, fmt);
	(void)vsnprintf(c->reply, sizeof(c->reply), fmt, ap);
	va_end(ap);
}

static void
refuse_by_spf(struct trust_check *c)
{
	const char *why = c->spf.explanation;

	decide(c, TRUST_REJECT,
	    "550 5.7.23 %s does not let %s send its mail (SPF)%s%s", c->domain,
	    c->peer, *why != '\0' ? "; it says: " : "", why);
}

/* RFC 8617, 7.2.1: who forwarded it saw it pass, and is to be believed. */
static bool
is_vouched_for(const struct trust_check *c)
{
	const struct config_strings *list = &c->cfg->trust.arc_trusted;
	const char *sealer = arc_sealer(&c->arc);

	for (size_t i = 0; c->arc.result == ARC_PASS && i < list->n; i++)
		if (strcmp(list->v[i], sealer) == 0)
			return true;
	return false;
}

static void
follow_dmarc(struct trust_check *c)
{
	bool may_reject = c->cfg->trust.dmarc == CONFIG_DMARC_REJECT;

	if (c->dmarc.wanted == DMARC_P_NONE ||
	    c->cfg->trust.dmarc == CONFIG_DMARC_NOTE)
		return;
	if (is_vouched_for(c)) {
		c->overridden = true;
		return;
	}
	if (c->dmarc.wanted == DMARC_P_REJECT && may_reject)
		decide(c, TRUST_REJECT,
		    "550 5.7.1 The policy of %s (DMARC) refuses this message: "
		    "neither SPF nor DKIM shows that it is from there",
		    c->dmarc.domain);
	else
		decide(c, TRUST_JUNK, "%s", "");
}

static bool
dns_failed(const struct trust_check *c)
{
	bool failed = c->spf.result == SPF_TEMPERROR ||
		      c->dmarc.result == DMARC_TEMPERROR;

	return failed && c->dmarc.result != DMARC_PASS;
}

static void
log_check(const struct trust_check *c)
{
	static const char *const actions[] = { "accept", "junk", "reject",
		"defer" };
	bool spf = c->cfg->trust.spf != CONFIG_SPF_OFF && c->domain != NULL;
	bool dmarc = c->cfg->trust.dmarc != CONFIG_DMARC_OFF;
	char dkim[200] = "none";
	size_t used = 0;

	for (size_t i = 0; i < c->sigs && used < sizeof(dkim); i++)
		used += (size_t)snprintf(dkim + used, sizeof(dkim) - used,
		    "%s%s:%s", i > 0 ? "," : "",
		    dkim_result_name(c->sig[i].result),
		    c->sig[i].domain != NULL ? c->sig[i].domain : "");
	log_event(PST_LOG_INFO, c->conn, "checked", "id", c->id, "peer",
	    c->peer, "from", c->from, "spf",
	    spf ? spf_result_name(c->spf.result) : NULL, "spf_reason",
	    spf && *c->spf.reason != '\0' ? c->spf.reason : NULL, "dkim", dkim,
	    "arc", c->arc.set != NULL ? arc_result_name(c->arc.result) : NULL,
	    "dmarc", dmarc ? dmarc_result_name(c->dmarc.result) : NULL,
	    "author", c->authors.n > 0 ? c->authors.domain[0] : NULL, "policy",
	    dmarc && c->dmarc.result != DMARC_NONE
		? dmarc_policy_name(c->dmarc.policy)
		: NULL,
	    "action", actions[c->action], "override",
	    c->overridden ? arc_sealer(&c->arc) : NULL, "reason",
	    *c->reply != '\0' ? c->reply : NULL, NULL);
	trail_event(c->id, "checked", "spf",
	    spf ? spf_result_name(c->spf.result) : NULL, "spf-domain",
	    spf ? c->domain : NULL, "spf-reason",
	    spf && *c->spf.reason != '\0' ? c->spf.reason : NULL, "dkim", dkim,
	    "arc", c->arc.set != NULL ? arc_result_name(c->arc.result) : NULL,
	    "dmarc", dmarc ? dmarc_result_name(c->dmarc.result) : NULL,
	    "dmarc-domain", c->authors.n > 0 ? c->authors.domain[0] : NULL,
	    "policy",
	    dmarc && c->dmarc.result != DMARC_NONE
		? dmarc_policy_name(c->dmarc.policy)
		: NULL,
	    "override", c->overridden ? arc_sealer(&c->arc) : NULL, "action",
	    actions[c->action], NULL);
}

void
check_decide(struct trust_check *c)
{
	bool strict = c->cfg->trust.dmarc >= CONFIG_DMARC_JUNK;

	if (c->cfg->trust.spf == CONFIG_SPF_REJECT && c->spf.result == SPF_FAIL)
		refuse_by_spf(c);
	else if (c->header.too_large && strict)
		decide(c, TRUST_REJECT,
		    "552 5.3.4 The header is too large to be checked");
	else if (c->dmarc.result == DMARC_FAIL)
		follow_dmarc(c);
	else if (c->cfg->trust.defer_failures && dns_failed(c))
		decide(c, TRUST_DEFER,
		    "451 4.7.24 The DNS does not tell now whether this is from "
		    "%s, try later",
		    c->dmarc.domain != NULL ? c->dmarc.domain : c->domain);
	log_check(c);
}
