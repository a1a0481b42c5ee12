/*
 * exchange/hosts.h - where mail for a domain goes (RFC 5321, 5.1; RFC 7505;
 * RFC 7672, 2.2 for what DNSSEC says of it).
 *
 * Threads: a list belongs to one thread. Lookups block.
 */
#ifndef EXCHANGE_HOSTS_H
#define EXCHANGE_HOSTS_H

#include "exchange/wire.h"
#include "net/dns.h"

enum {
	HOSTS_MAX = 20,	     /* of a domain that are tried */
	HOST_ADDRESSES = 12, /* of a host */
	HOST_TLSA = 16,
};

struct host {
	char name[256]; /* lower case */
	unsigned preference;
	int port;
	bool is_literal; /* an address, no name */
	struct wire_address literal;
};

struct hosts {
	size_t n;
	bool secure;   /* the list is validated */
	bool has_mx;   /* else the domain is its own host */
	int64_t until; /* clock_monotonic: how long it holds */
	/* All names, ascending: what many domains have in common; in front of
	 * them "dnssec" for a list that is validated, and the route, when it is
	 * a special one. */
	char key[512];
	/* Of the route; 0: as for all. */
	unsigned at_once, rate;
	struct host host[HOSTS_MAX]; /* by preference, equals shuffled */
};

enum hosts_result {
	HOSTS_FOUND,
	HOSTS_NONE,  /* there is no such domain: 5.1.2 */
	HOSTS_NULL,  /* takes no mail: 5.1.10 (RFC 7505) */
	HOSTS_LOOP,  /* we are the best host ourselves: 5.4.6 */
	HOSTS_LATER, /* no answer now */
};

/* `own`: our names, hosts from the first of them on are not for us to try
 * (RFC 5321, 5.1). `err` tells what was not HOSTS_FOUND. */
enum hosts_result hosts_find(const struct dns_resolver *dns, const char *domain,
    int port, const char *const *own, size_t own_n, int64_t deadline,
    struct hosts *h_r, struct pst_error *err);
/* One relay: "host", "host:587", "[192.0.2.1]:25". False: not that form. */
bool hosts_relay(const char *text, struct hosts *h_r);
/* Several, in their order, that are tried like mail servers of a domain. */
bool hosts_relays(const char *const *text, size_t n, struct hosts *h_r);
/* Only who goes by the same route shares what is learnt of the hosts. */
void hosts_mark(struct hosts *h, const char *label);

struct host_addresses {
	struct wire_address address[HOST_ADDRESSES]; /* families in turns */
	size_t n;
	bool secure;
	char canonical[256]; /* of the host, after CNAMEs; as asked without */
	bool canonical_secure;
};

/* HOSTS_NONE: it has no address. `v6`: IPv6 is wanted, too. */
enum hosts_result host_addresses(const struct dns_resolver *dns,
    const struct host *host, bool v6, int64_t deadline,
    struct host_addresses *a_r, struct pst_error *err);

/* The TLSA records for a host's port. */
struct host_tlsa {
	struct wire_tlsa record[HOST_TLSA];
	size_t n;
	struct dns_answer answer; /* that the records live in */
	char base[256];		  /* name that certificates may be for */
};

/*
 * HOSTS_FOUND: there are some that are secure, and usable ones count (RFC
 * 7672, 2.2.3). HOSTS_NONE: DANE does not apply. HOSTS_LATER: nobody knows, so
 * the host is not to be used now (RFC 7672, 2.1.2). To be ended with
 * host_tlsa_fini() in all cases.
 */
enum hosts_result host_tlsa(const struct dns_resolver *dns,
    const struct host *host, const struct host_addresses *a, int64_t deadline,
    struct host_tlsa *t_r, struct pst_error *err);
void host_tlsa_fini(struct host_tlsa *t);

#endif
