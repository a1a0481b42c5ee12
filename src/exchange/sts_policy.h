/*
 * exchange/sts_policy.h - what MTA-STS (RFC 8461) has as text: the TXT record
 * that tells of a policy, and the policy itself.
 *
 * Pure.
 */
#ifndef EXCHANGE_STS_POLICY_H
#define EXCHANGE_STS_POLICY_H

#include "base/mem.h"

enum {
	STS_ID = 33, /* octets of an id with a NUL (RFC 8461, 3.1) */
	STS_MX_MAX = 64,
	STS_POLICY_MAX = 64 * 1024, /* octets of a policy (3.3) */
	STS_MAX_AGE = 31557600,	    /* seconds (3.2) */
};

enum sts_mode { STS_NONE, STS_TESTING, STS_ENFORCE };

struct sts_text {
	enum sts_mode mode;
	uint32_t max_age; /* seconds */
	/* Host names in lower case, "*.example.org" among them; borrowed. */
	struct pst_str mx[STS_MX_MAX];
	size_t n;
};

/* "v=STSv1; id=20260101;" False: another record, or malformed. */
bool sts_record_parse(struct pst_str record, char id_r[STS_ID]);
/* False: malformed, or something that has to be there is missing; *why_r tells
 * what. More than STS_MX_MAX names are too many. */
bool sts_text_parse(
    struct pst_str text, struct sts_text *t_r, const char **why_r);
/* Whether a pattern of the policy is for a mail server (4.1). */
bool sts_mx_matches(struct pst_str pattern, const char *host);

#endif
