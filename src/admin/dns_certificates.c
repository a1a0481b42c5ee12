/*
 * dns_certificates.c - the certificates that the host shows, and TLSA records
 * for them (RFC 6698; RFC 7671).
 */
#include "admin/dns_plan.h"
#include "base/str.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdlib.h>

enum { CHAIN_MAX = 10, DER_MAX = 65536 };

static struct pst_str
take(struct dns_plan *p, gnutls_datum_t *d)
{
	struct pst_str copy = arena_copy(
	    p->arena, str_n((const char *)d->data, d->size));

	gnutls_free(d->data);
	return copy;
}

/* SubjectPublicKeyInfo. */
static struct pst_str
public_key(struct dns_plan *p, gnutls_x509_crt_t crt)
{
	gnutls_pubkey_t key;
	gnutls_datum_t der = { 0 };
	struct pst_str text = STR_NONE;

	if (gnutls_pubkey_init(&key) < 0)
		return text;
	if (gnutls_pubkey_import_x509(key, crt, 0) == 0 &&
	    gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, &der) == 0)
		text = take(p, &der);
	gnutls_pubkey_deinit(key);
	return text;
}

static struct pst_str
whole(struct dns_plan *p, gnutls_x509_crt_t crt)
{
	gnutls_datum_t der = { 0 };

	return gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &der) == 0
		   ? take(p, &der)
		   : STR_NONE;
}

static void
add(struct dns_plan *p, const gnutls_x509_crt_t *chain, unsigned n)
{
	struct dns_certificate *c = &p->certificate[p->certificates++];

	c->leaf = whole(p, chain[0]);
	c->key = public_key(p, chain[0]);
	c->issuer = arena_alloc(p->arena, CHAIN_MAX * sizeof(*c->issuer));
	c->issuer_key = arena_alloc(
	    p->arena, CHAIN_MAX * sizeof(*c->issuer_key));
	for (unsigned i = 1; i < n; i++) {
		c->issuer[c->issuers] = whole(p, chain[i]);
		c->issuer_key[c->issuers++] = public_key(p, chain[i]);
	}
}

/* `any`: whatever names it is for. False: it cannot be read. */
static bool
read_one(struct dns_plan *p, const struct config_certificate *cfg, bool any)
{
	gnutls_x509_crt_t chain[CHAIN_MAX];
	unsigned n = CHAIN_MAX;
	gnutls_datum_t pem;
	int rc = gnutls_load_file(cfg->certificate, &pem);

	if (rc == 0) {
		rc = gnutls_x509_crt_list_import(chain, &n, &pem,
		    GNUTLS_X509_FMT_PEM,
		    GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);
		gnutls_free(pem.data);
	}
	if (rc <= 0) {
		dns_plan_note(p, "the certificate %s cannot be read: %s",
		    cfg->certificate, gnutls_strerror(rc));
		return false;
	}
	if (any || gnutls_x509_crt_check_hostname(chain[0], p->host) != 0)
		add(p, chain, n);
	for (unsigned i = 0; i < n; i++)
		gnutls_x509_crt_deinit(chain[i]);
	return true;
}

/* Who asks for another name gets the first. */
static void
read_files(struct dns_plan *p, const struct config *cfg)
{
	bool failed = false;

	for (size_t i = 0; i < cfg->certificates; i++)
		if (p->certificates < DNS_PLAN_CERTIFICATES)
			failed |= !read_one(p, &cfg->certificate[i], false);
	if (p->certificates == 0 && cfg->certificates > 0 && !failed)
		(void)read_one(p, &cfg->certificate[0], true);
}

/* --- as a server has them in memory, who may not read the files any more ----
 */

struct shown {
	struct dns_plan *plan;
	bool any;
};

static void
take_shown(void *arg, const struct pst_str *der, size_t n)
{
	struct shown *s = arg;
	gnutls_x509_crt_t chain[CHAIN_MAX];
	unsigned k = 0;

	if (s->plan->certificates == DNS_PLAN_CERTIFICATES ||
	    (s->any && s->plan->certificates > 0))
		return;
	for (; k < n && k < CHAIN_MAX; k++) {
		const gnutls_datum_t d = { (unsigned char *)(uintptr_t)der[k].p,
			(unsigned)der[k].n };

		if (gnutls_x509_crt_init(&chain[k]) < 0)
			break;
		if (gnutls_x509_crt_import(chain[k], &d, GNUTLS_X509_FMT_DER) <
		    0) {
			gnutls_x509_crt_deinit(chain[k]);
			break;
		}
	}
	if (k > 0 && (s->any || gnutls_x509_crt_check_hostname(
				    chain[0], s->plan->host) != 0))
		add(s->plan, chain, k);
	while (k-- > 0)
		gnutls_x509_crt_deinit(chain[k]);
}

void
dns_plan_certificates(
    struct dns_plan *p, const struct config *cfg, struct tls_context *tls)
{
	struct shown shown = { p, false };

	if (tls == NULL) {
		read_files(p, cfg);
		return;
	}
	tls_each_certificate(tls, take_shown, &shown);
	shown.any = true;
	if (p->certificates == 0)
		tls_each_certificate(tls, take_shown, &shown);
}

/* RFC 6698, 2.1.3. */
static bool
matches(const struct dns_tlsa *t, struct pst_str der)
{
	unsigned char hash[64];
	gnutls_digest_algorithm_t a = t->matching == 1 ? GNUTLS_DIG_SHA256
						       : GNUTLS_DIG_SHA512;

	if (der.n == 0 || t->matching > 2)
		return false;
	if (t->matching == 0)
		return str_eq(t->data, der);
	return gnutls_hash_fast(
		   (gnutls_digest_algorithm_t)a, der.p, der.n, hash) == 0 &&
	       str_eq(t->data,
		   str_n((const char *)hash,
		       gnutls_hash_get_len((gnutls_digest_algorithm_t)a)));
}

bool
dns_plan_fits(const struct dns_plan *p, const struct dns_tlsa *t)
{
	for (size_t i = 0; i < p->certificates; i++) {
		const struct dns_certificate *c = &p->certificate[i];

		if (t->usage == 3 && t->selector <= 1 &&
		    matches(t, t->selector == 0 ? c->leaf : c->key))
			return true;
		for (size_t k = 0;
		     t->usage == 2 && t->selector <= 1 && k < c->issuers; k++)
			if (matches(t, t->selector == 0 ? c->issuer[k]
							: c->issuer_key[k]))
				return true;
	}
	return false;
}
