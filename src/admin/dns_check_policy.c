/*
 * dns_check_policy.c - the policy of MTA-STS, fetched as other servers do it
 * (RFC 8461, 3.3).
 */
#include "admin/dns_check.h"

#include "base/str.h"
#include "exchange/fetch.h"
#include "exchange/sts_policy.h"

enum { FETCH_TIME = 20 }; /* seconds */

static bool
names_host(const struct sts_text *t, const char *host)
{
	for (size_t i = 0; i < t->n; i++)
		if (sts_mx_matches(t->mx[i], host))
			return true;
	return false;
}

static void
judge_policy(
    const struct dns_plan *p, struct pst_str text, struct dns_finding *f)
{
	struct sts_text policy;
	const char *why = "";

	if (!sts_text_parse(text, &policy, &why))
		dns_judge(f, DNS_WRONG, "no policy: %s", why);
	else if (policy.mode == STS_NONE)
		dns_judge(f, DNS_FINE, "the mode none takes it back");
	else if (!names_host(&policy, p->host))
		dns_judge(f, DNS_WRONG,
		    "the policy does not name the mail server %s", p->host);
	else if (policy.mode == STS_TESTING)
		dns_judge(
		    f, DNS_FINE, "the mode testing only asks for reports");
}

void
dns_check_policy(const struct dns_asking *q, struct dns_finding *f)
{
	char url[400], type[64];
	const struct fetch fetch = { .url = url,
		.port = (int)q->cfg->queue.https_port,
		.ipv6 = q->cfg->queue.ipv6,
		.ca_file = q->cfg->queue.ca_file,
		.seconds = FETCH_TIME,
		.stop_fd = q->stop_fd };
	struct pst_error err = { 0 };
	struct buf body;
	unsigned status;
	enum fetch_result result;

	(void)snprintf(url, sizeof(url),
	    "https://mta-sts.%s/.well-known/mta-sts.txt", q->plan->domain);
	buf_init(&body, STS_POLICY_MAX);
	result = fetch_run(&fetch, &q->dns, &status, type, &body, &err);
	if (result == FETCH_UNTRUSTED)
		dns_judge(f, DNS_WRONG,
		    "the policy's web server has no right certificate: %s",
		    err.detail);
	else if (result != FETCH_DONE)
		dns_judge(f, DNS_WRONG, "the policy cannot be fetched: %s",
		    err.detail);
	else if (status != 200)
		dns_judge(f, DNS_WRONG,
		    "the policy cannot be fetched: HTTP status %u", status);
	else if (strcmp(type, "text/plain") != 0)
		dns_judge(f, DNS_WRONG,
		    "the policy is \"%s\" and not text/plain", type);
	else
		judge_policy(q->plan, buf_str(&body), f);
	buf_fini(&body);
}
