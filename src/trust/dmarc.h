/*
 * trust/dmarc.h - what the domain of From wants done with mail that neither SPF
 * nor DKIM ties to it (RFC 7489).
 *
 * Belongs to one thread; it asks the DNS, so it may block.
 */
#ifndef TRUST_DMARC_H
#define TRUST_DMARC_H

#include "net/dns.h"
#include "trust/authors.h"
#include "trust/dkim.h"
#include "trust/spf.h"

enum dmarc_policy { DMARC_P_NONE, DMARC_P_QUARANTINE, DMARC_P_REJECT };
const char *dmarc_policy_name(enum dmarc_policy p);

struct dmarc_record {
	enum dmarc_policy policy, subdomains; /* p=, sp= */
	bool strict_dkim, strict_spf;	      /* adkim=s, aspf=s */
	unsigned percent;		      /* pct= */
};

/* False: this is no DMARC record (RFC 7489, 6.3 and 6.6.3). */
bool dmarc_record_parse(struct pst_str text, struct dmarc_record *out);

enum dmarc_result {
	DMARC_NONE, /* there is no policy */
	DMARC_PASS,
	DMARC_FAIL,
	DMARC_TEMPERROR,
	DMARC_PERMERROR,
};
const char *dmarc_result_name(enum dmarc_result r);

struct dmarc_query {
	const struct trust_authors *authors;
	enum spf_result spf;
	const char *spf_domain; /* that it was about; NULL: none */
	const struct dkim_signature *sig;
	size_t sigs;
	unsigned roll; /* 0 to 99: is this one of pct= percent? */
	const struct dns_resolver *dns;
	int64_t deadline;
};

struct dmarc_answer {
	enum dmarc_result result;
	const char *domain;	  /* of From, that decided; NULL: none */
	enum dmarc_policy policy; /* as published for it */
	enum dmarc_policy wanted; /* after pct=; of a failure */
};

/* Of several domains in From, the one that fares worst decides. */
void dmarc_check(const struct dmarc_query *q, struct dmarc_answer *out);

#endif
