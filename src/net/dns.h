/*
 * net/dns.h - questions to the DNS, answered with DNSSEC's verdict.
 *
 * One struct dns (libunbound) for the process: one cache, one validator. A
 * lookup blocks its thread until the answer or the deadline, so workers of the
 * pool never call it; jobs do (net/jobs.h).
 *
 * Who only needs answers takes a struct dns_resolver, which tests fill from a
 * table.
 *
 * Threads: dns_lookup() from many at once. An answer belongs to one thread.
 */
#ifndef NET_DNS_H
#define NET_DNS_H

#include "base/config.h"
#include "base/mem.h"

enum dns_type {
	DNS_A = 1,
	DNS_CNAME = 5,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_TLSA = 52,
};

enum dns_status {
	DNS_FOUND,    /* there are records */
	DNS_NODATA,   /* the name exists, without records of this type */
	DNS_NXDOMAIN, /* there is no such name */
	DNS_BOGUS,    /* DNSSEC says that the answer is forged or broken */
	DNS_FAILED,   /* no answer, in time or at all: try again later */
};

struct dns_answer {
	enum dns_status status;
	bool secure;		/* validated; also that there is nothing */
	uint32_t ttl;		/* seconds */
	struct arena *arena;	/* of all below */
	const char *canonical;	/* the name after CNAMEs; NULL: as asked */
	struct pst_str *record; /* rdata in wire format */
	size_t records;
	char reason[128]; /* of DNS_BOGUS and DNS_FAILED, for the log */
};

/* `deadline`: clock_monotonic(). The answer is always filled, and to be ended
 * with dns_answer_fini(). A name that cannot be one (dns_is_name()) does not
 * exist. */
struct dns_resolver {
	void (*lookup)(void *arg, const char *name, enum dns_type type,
	    int64_t deadline, struct dns_answer *answer_r);
	void *arg;
};

struct dns;

/* By the configuration's section `dns`. */
struct dns *dns_new(const struct config *cfg, struct pst_error *err);
void dns_free(struct dns **d); /* when no lookup is under way */
void dns_lookup(struct dns *d, const char *name, enum dns_type type,
    int64_t deadline, struct dns_answer *answer_r);
struct dns_resolver dns_resolver_of(struct dns *d);
/* From any thread: lookups that are under way fail at once, and so do later
 * ones. Before dns_free(), for who does not want to wait for answers. */
void dns_stop(struct dns *d);

/* --- answers; pure ----------------------------------------------------- */

void dns_answer_fini(struct dns_answer *a);
/* 1 to 63 octets a label, 253 in all, without controls, spaces, backslashes
 * and octets above 126. A dot at the end is allowed. */
bool dns_is_name(const char *name);
/* The strings of TXT record `i`, put together. False: malformed, or `out` is
 * full. */
bool dns_txt(const struct dns_answer *a, size_t i, struct buf *out);
/* The name of PTR record `i`, without a dot at the end. False: malformed. */
bool dns_ptr(const struct dns_answer *a, size_t i, char name_r[256]);
/* "." as `name_r` is a null MX (RFC 7505). */
bool dns_mx(const struct dns_answer *a, size_t i, unsigned *preference_r,
    char name_r[256]);
/* "." as `name_r`: there is no such service (RFC 2782). */
bool dns_srv(
    const struct dns_answer *a, size_t i, unsigned *port_r, char name_r[256]);
/* The octets of A or AAAA record `i`: 4 or 16. */
bool dns_address(
    const struct dns_answer *a, size_t i, unsigned char out[16], size_t *n_r);
struct dns_tlsa {
	unsigned usage, selector, matching;
	struct pst_str data;
};
bool dns_tlsa(const struct dns_answer *a, size_t i, struct dns_tlsa *out);

#endif
