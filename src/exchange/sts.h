/*
 * exchange/sts.h - policies of MTA-STS (RFC 8461): which one is in force for a
 * domain, fetched by HTTPS, kept in memory and, over restarts, in files.
 *
 * Threads: from any thread. sts_find() and sts_tend() block.
 */
#ifndef EXCHANGE_STS_H
#define EXCHANGE_STS_H

#include "base/config.h"
#include "exchange/sts_policy.h"
#include "net/dns.h"

struct sts;

/* Never changes; who has it lets go of it with sts_let_go(). */
struct sts_policy {
	unsigned refs;
	char domain[256];
	char id[STS_ID];
	int64_t fetched; /* seconds since 1970 */
	struct sts_text text;
	struct buf octets; /* as it came */
};

/* Why there is none where there should be one (RFC 8460, 4.3.2.2). */
enum sts_failure {
	STS_FINE,
	STS_UNFETCHED, /* no answer, or an error */
	STS_UNTRUSTED, /* the server's certificate */
	STS_INVALID,   /* it is no policy */
};

struct sts_verdict {
	struct sts_policy *policy; /* in force, ENFORCE or TESTING; or NULL */
	enum sts_failure failure;  /* of the last attempt to fetch one */
	char why[200];
};

/* `path`: a directory, made when it is not there. */
struct sts *sts_new(const char *path, const struct config *cfg, int stop_fd);
void sts_free(struct sts **s);
void sts_configure(struct sts *s, const struct config *cfg);

/* Asks for the domain's record, and fetches the policy when it is new. What is
 * known holds until its time is over, whatever becomes of the record. */
void sts_find(struct sts *s, const struct dns_resolver *dns, const char *domain,
    struct sts_verdict *v_r);
struct sts_policy *sts_ref(struct sts_policy *p);
void sts_let_go(struct sts_policy **p);
/* A mail server is one of those that the policy names. */
bool sts_has_host(const struct sts_policy *p, const char *host);

/* Fetches anew what is older than a day, and forgets what is over (RFC 8461,
 * 10.2). Called now and then, by one thread. */
void sts_tend(struct sts *s, const struct dns_resolver *dns);

#endif
