/*
 * admin/dns_plan.h - what the DNS has to say of a domain for its mail: the
 * records to publish, from the configuration, the certificates and the keys.
 *
 * Threads: belongs to one.
 */
#ifndef ADMIN_DNS_PLAN_H
#define ADMIN_DNS_PLAN_H

#include "base/config.h"
#include "base/network.h"
#include "net/dns.h"
#include "net/tls.h"
#include <jansson.h>

enum dns_kind {
	DNS_KIND_ADDRESS,
	DNS_KIND_MX,
	DNS_KIND_SPF,
	DNS_KIND_DKIM,
	DNS_KIND_DMARC,
	DNS_KIND_TLSA,
	DNS_KIND_STS,
	DNS_KIND_TLSRPT,
	DNS_KIND_SRV,
	DNS_KIND_AUTO,
	DNS_KIND_PTR,
};
const char *dns_kind_name(enum dns_kind kind); /* "MX", "MTA-STS" */
const char *dns_type_name(enum dns_type type); /* "TXT" */

struct dns_wanted {
	enum dns_kind kind;
	enum dns_type type;
	char name[256];
	struct pst_str data; /* a TXT's text; else as in a zone file */
	bool is_needed;	     /* mail suffers without it */
	bool is_elsewhere;   /* in no zone of the domain's */
	/* By kind: */
	unsigned port; /* SRV; 0: there is no such service */
	char target[256];
	struct ip_address address; /* ADDRESS, PTR */
	bool has_address;
};

enum { DNS_PLAN_ADDRESSES = 16, DNS_PLAN_CERTIFICATES = 8 };

/* A certificate that the host shows; DER. */
struct dns_certificate {
	struct pst_str leaf, key; /* certificate, SubjectPublicKeyInfo */
	struct pst_str *issuer;	  /* the rest of the chain: both forms */
	struct pst_str *issuer_key;
	size_t issuers;
};

struct dns_plan {
	struct arena *arena; /* of all texts */
	const char *domain, *host;
	struct dns_wanted *want;
	size_t n, cap;
	struct pst_str sts_policy;
	struct ip_address address[DNS_PLAN_ADDRESSES];
	char address_text[DNS_PLAN_ADDRESSES][46];
	size_t addresses; /* 0: not known */
	struct dns_certificate certificate[DNS_PLAN_CERTIFICATES];
	size_t certificates;
	char note[600]; /* what could not be found out: lines, or "" */
};

/*
 * In this order. The first takes certificates from `tls`, or reads their files
 * where that is NULL, which may need more rights than the rest; `domain` and
 * `host` as trust_domain() makes them. A certificate that cannot be read is
 * noted.
 */
void dns_plan_init(
    struct dns_plan *p, const struct config *cfg, struct tls_context *tls);
/* Addresses, with commas between them, instead of the host's own. */
bool dns_plan_addresses(struct dns_plan *p, const char *text);
enum pst_rc dns_plan_make(struct dns_plan *p, const struct config *cfg,
    const char *domain, struct pst_error *err);
void dns_plan_fini(struct dns_plan *p);

/* dns_certificates.c: those that the host shows under its name. */
void dns_plan_certificates(
    struct dns_plan *p, const struct config *cfg, struct tls_context *tls);
/* A TLSA record (RFC 6698, 2.1) fits one of them. */
bool dns_plan_fits(const struct dns_plan *p, const struct dns_tlsa *t);

void dns_plan_note(struct dns_plan *p, const char *fmt, ...) PST_PRINTF(2, 3);

/* dns_print.c: for a zone file, the records of other zones behind ";". */
void dns_plan_print(const struct dns_plan *p, FILE *out);
json_t *dns_plan_json(const struct dns_plan *p);

#endif
