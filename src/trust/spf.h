/*
 * trust/spf.h - may this host send mail for this domain? The check_host()
 * function of SPF (RFC 7208, 4).
 *
 * Threads: a check belongs to one; it asks the DNS, so it may block.
 */
#ifndef TRUST_SPF_H
#define TRUST_SPF_H

#include "base/network.h"
#include "net/dns.h"

/* RFC 7208, 4.6.4 and 5.5. */
enum {
	SPF_LOOKUPS_MAX = 10, /* terms that ask the DNS */
	SPF_VOIDS_MAX = 2,    /* answers with nothing in them */
	SPF_HOSTS_MAX = 10,   /* of one MX or PTR */
	SPF_TERMS_MAX = 500,  /* of a record; ours */
	SPF_RECORD_MAX = 8192,
};

enum spf_result {
	SPF_NONE,
	SPF_NEUTRAL,
	SPF_PASS,
	SPF_FAIL,
	SPF_SOFTFAIL,
	SPF_TEMPERROR,
	SPF_PERMERROR,
};
const char *spf_result_name(enum spf_result r);

struct spf_query {
	struct ip_address ip; /* of the client */
	const char *local;    /* of the sender; "postmaster" for none */
	const char *domain;   /* as trust_domain() makes it */
	const char *helo;     /* what the client calls itself */
	const char *receiver; /* our name, for explanations */
	int64_t now;	      /* seconds, for explanations */
	const struct dns_resolver *dns;
	int64_t deadline;
};

struct spf_answer {
	enum spf_result result;
	char reason[200];      /* of an error, or the term that decided */
	char explanation[256]; /* of a failure, as the domain has it; or "" */
};

void spf_check(const struct spf_query *q, struct spf_answer *out);

#endif
