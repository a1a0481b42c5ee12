/*
 * exchange/connect_count.c - what becomes of sessions, in the words of TLS
 * reports (RFC 8460, 4.3).
 */
#include "exchange/connect_priv.h"

void
dial_count(struct dialing *d, const char *failure, const char *detail)
{
	const struct sts_verdict *v = &d->demand->sts;
	char source[64] = "";
	struct tlsrpt_session s = { .domain = d->domain,
		.type = d->tlsa != NULL ? TLSRPT_TLSA
			: v->policy != NULL || v->failure != STS_FINE
			    ? TLSRPT_STS
			    : TLSRPT_NO_POLICY,
		.sts = v->policy,
		.tlsa = d->tlsa,
		.host = d->host != NULL ? d->host->name : "",
		.ip = d->ip,
		.source = source,
		.failure = failure,
		.detail = detail };

	if (!d->cfg->tls_reports.enabled || d->envelope->tls_optional ||
	    d->route->relay != NULL || *d->route->relay_host != '\0' ||
	    *d->domain == '[')
		return;
	if (d->link->client != NULL)
		client_local(d->link->client, source);
	tlsrpt_count(d->x->tlsrpt, d->cfg->tls_reports.interval, &s);
}

/* The result-type of RFC 8460, 4.3; NULL: none. */
static const char *
name_of_flaw(enum wire_flaw flaw)
{
	switch (flaw) {
	case WIRE_FINE:
		break;
	case WIRE_EXPIRED:
		return "certificate-expired";
	case WIRE_OTHER_NAME:
		return "certificate-host-mismatch";
	case WIRE_UNKNOWN_ISSUER:
		return "certificate-not-trusted";
	case WIRE_NO_TLSA:
	case WIRE_INVALID:
		return "validation-failure";
	}
	return NULL;
}

void
dial_count_no_policy(struct dialing *d)
{
	const struct sts_verdict *v = &d->demand->sts;

	switch (v->failure) {
	case STS_FINE:
		return;
	case STS_UNFETCHED:
		dial_count(d, "sts-policy-fetch-error", v->why);
		return;
	case STS_UNTRUSTED:
		dial_count(d, "sts-webpki-invalid", v->why);
		return;
	case STS_INVALID:
		dial_count(d, "sts-policy-invalid", v->why);
		return;
	}
}

void
dial_count_tls(struct dialing *d, const struct protection *p,
    enum client_result result, const struct pst_error *err)
{
	const char *flaw = name_of_flaw(client_flaw(d->link->client));

	if (flaw == NULL && p->is_misnamed)
		dial_count(d, "validation-failure",
		    "the policy does not name this mail server");
	else if (flaw != NULL || result == CLIENT_OK)
		dial_count(d, flaw, err->detail);
	else if (result == CLIENT_REFUSED)
		dial_count(d, "validation-failure", "STARTTLS was refused");
	else
		dial_count(d, "validation-failure", err->detail);
}
