/*
 * exchange/wire_trust.c - see wire_trust.h.
 */
#include "exchange/wire_trust.h"

#include "base/mem.h"
#include "base/str.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

/* RFC 6698, 2.1 and RFC 7218. */
enum { DANE_TA = 2, DANE_EE = 3 };
enum { WHOLE_CERTIFICATE = 0, PUBLIC_KEY = 1 };
enum { IN_FULL = 0, SHA256 = 1, SHA512 = 2 };

enum { CHAIN_MAX = 16 };

struct chain {
	gnutls_x509_crt_t certificate[CHAIN_MAX]; /* the server's own first */
	unsigned n;
	enum wire_flaw flaw; /* of the last check that failed */
};

static void
chain_fini(struct chain *c)
{
	for (unsigned i = 0; i < c->n; i++)
		gnutls_x509_crt_deinit(c->certificate[i]);
	c->n = 0;
}

static bool
chain_read(gnutls_session_t session, struct chain *c)
{
	unsigned n = 0;
	const gnutls_datum_t *list = gnutls_certificate_get_peers(session, &n);

	if (list == NULL)
		return false;
	for (unsigned i = 0; i < n && i < CHAIN_MAX; i++) {
		gnutls_x509_crt_t *to = &c->certificate[c->n];

		if (gnutls_x509_crt_init(to) < 0)
			return false;
		c->n++;
		if (gnutls_x509_crt_import(*to, &list[i], GNUTLS_X509_FMT_DER) <
		    0)
			return false;
	}
	return c->n > 0;
}

static bool
has_name(gnutls_x509_crt_t certificate, const struct wire_policy *policy)
{
	for (size_t i = 0; i < policy->name_count; i++)
		if (gnutls_x509_crt_check_hostname2(
			certificate, policy->names[i], 0) != 0)
			return true;
	return false;
}

static enum pst_rc
denied(struct chain *c, enum wire_flaw flaw, struct pst_error *err,
    const char *why)
{
	c->flaw = flaw;
	return pst_fail(err, PST_E_DENIED, 0, "TLS: %s", why);
}

static enum wire_flaw
flaw_of(unsigned status)
{
	if ((status & (GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED)) != 0)
		return WIRE_EXPIRED;
	if ((status & (GNUTLS_CERT_SIGNER_NOT_FOUND |
			  GNUTLS_CERT_SIGNER_NOT_CA)) != 0)
		return WIRE_UNKNOWN_ISSUER;
	return WIRE_INVALID;
}

/* Up to one of the authorities. */
static enum pst_rc
check_chain(struct chain *c, gnutls_x509_trust_list_t authorities,
    const struct wire_policy *policy, struct pst_error *err)
{
	gnutls_x509_crt_t list[CHAIN_MAX];
	gnutls_datum_t text = { 0 };
	unsigned status = 0;
	enum pst_rc rc = PST_OK;

	memcpy(list, c->certificate, c->n * sizeof(list[0]));
	if (gnutls_x509_trust_list_verify_crt2(
		authorities, list, c->n, NULL, 0, 0, &status, NULL) < 0)
		return denied(
		    c, WIRE_INVALID, err, "the certificate cannot be checked");
	if (status != 0) {
		enum wire_flaw flaw = flaw_of(status);

		if (gnutls_certificate_verification_status_print(
			status, GNUTLS_CRT_X509, &text, 0) >= 0)
			rc = denied(c, flaw, err, (const char *)text.data);
		else
			rc = denied(
			    c, flaw, err, "the certificate is not valid");
		gnutls_free(text.data);
		return rc;
	}
	return has_name(c->certificate[0], policy)
		   ? PST_OK
		   : denied(c, WIRE_OTHER_NAME, err,
			 "the certificate is for another name");
}

/* --- authorities ----------------------------------------------------------
 */

struct wire_authorities {
	atomic_uint refs;
	char *path;
	pthread_mutex_t lock; /* guards the list, also while it is looked at */
	gnutls_x509_trust_list_t list; /* NULL: not read yet */
};

struct wire_authorities *
wire_authorities_new(const char *path)
{
	struct wire_authorities *a = mem_alloc(sizeof(*a));

	atomic_init(&a->refs, 1);
	a->path = str_dup(str_of(path));
	pthread_mutex_init(&a->lock, NULL);
	return a;
}

struct wire_authorities *
wire_authorities_ref(struct wire_authorities *a)
{
	(void)atomic_fetch_add(&a->refs, 1);
	return a;
}

void
wire_authorities_unref(struct wire_authorities **ap)
{
	struct wire_authorities *a = *ap;

	*ap = NULL;
	if (a == NULL || atomic_fetch_sub(&a->refs, 1) > 1)
		return;
	if (a->list != NULL)
		gnutls_x509_trust_list_deinit(a->list, 1);
	pthread_mutex_destroy(&a->lock);
	free(a->path);
	free(a);
}

/* With the lock. */
static bool
read_authorities(struct wire_authorities *a)
{
	int n;

	if (a->list != NULL)
		return true;
	if (gnutls_x509_trust_list_init(&a->list, 0) < 0) {
		a->list = NULL;
		return false;
	}
	n = *a->path == '\0'
		? gnutls_x509_trust_list_add_system_trust(a->list, 0, 0)
		: gnutls_x509_trust_list_add_trust_file(
		      a->list, a->path, NULL, GNUTLS_X509_FMT_PEM, 0, 0);
	if (n > 0)
		return true;
	gnutls_x509_trust_list_deinit(a->list, 1);
	a->list = NULL; /* read again next time */
	return false;
}

static enum pst_rc
check_pkix(
    struct chain *c, const struct wire_policy *policy, struct pst_error *err)
{
	struct wire_authorities *a = policy->authorities;
	enum pst_rc rc;

	if (a == NULL)
		return denied(
		    c, WIRE_UNKNOWN_ISSUER, err, "there are no authorities");
	pthread_mutex_lock(&a->lock);
	if (!read_authorities(a))
		rc = denied(c, WIRE_UNKNOWN_ISSUER, err,
		    *a->path != '\0' ? "the authorities' file cannot be read"
				     : "this system knows no authorities");
	else
		rc = check_chain(c, a->list, policy, err);
	pthread_mutex_unlock(&a->lock);
	return rc;
}

/* --- TLSA -----------------------------------------------------------------
 */

bool
wire_tlsa_is_usable(const struct wire_tlsa *tlsa)
{
	const unsigned char *p = (const unsigned char *)tlsa->data.p;
	size_t n = tlsa->data.n;

	if (n < 4 || (p[0] != DANE_TA && p[0] != DANE_EE) || p[1] > PUBLIC_KEY)
		return false;
	return p[2] == IN_FULL || (p[2] == SHA256 && n == 3 + 32) ||
	       (p[2] == SHA512 && n == 3 + 64);
}

static bool
export_part(gnutls_x509_crt_t certificate, int selector, gnutls_datum_t *out)
{
	gnutls_pubkey_t key;
	bool done;

	if (selector == WHOLE_CERTIFICATE)
		return gnutls_x509_crt_export2(
			   certificate, GNUTLS_X509_FMT_DER, out) >= 0;
	if (gnutls_pubkey_init(&key) < 0)
		return false;
	done = gnutls_pubkey_import_x509(key, certificate, 0) >= 0 &&
	       gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, out) >= 0;
	gnutls_pubkey_deinit(key);
	return done;
}

static bool
matches(const struct wire_tlsa *tlsa, gnutls_x509_crt_t certificate)
{
	const unsigned char *p = (const unsigned char *)tlsa->data.p;
	struct pst_str want = str_from(tlsa->data, 3), have;
	gnutls_datum_t part = { 0 };
	unsigned char hash[64];
	bool same;

	if (!export_part(certificate, p[1], &part))
		return false;
	have = str_n((const char *)part.data, part.size);
	if (p[2] != IN_FULL) {
		if (gnutls_hash_fast(
			p[2] == SHA256 ? GNUTLS_DIG_SHA256 : GNUTLS_DIG_SHA512,
			part.data, part.size, hash) < 0)
			have = STR_NONE;
		else
			have = str_n((const char *)hash, want.n);
	}
	same = str_eq(have, want);
	gnutls_free(part.data);
	return same;
}

/* RFC 7672, 3.1.2: a chain up to the certificate that the record names, which
 * the server has to send. */
static enum pst_rc
check_anchor(struct chain *c, unsigned anchor, const struct wire_policy *policy,
    struct pst_error *err)
{
	gnutls_x509_trust_list_t authorities;
	gnutls_x509_crt_t one = c->certificate[anchor];
	enum pst_rc rc;

	if (anchor == 0)
		return has_name(one, policy)
			   ? PST_OK
			   : denied(c, WIRE_OTHER_NAME, err,
				 "the certificate is for another name");
	if (gnutls_x509_trust_list_init(&authorities, 0) < 0)
		return denied(c, WIRE_INVALID, err, "no memory");
	if (gnutls_x509_trust_list_add_cas(authorities, &one, 1, 0) < 1)
		rc = denied(
		    c, WIRE_NO_TLSA, err, "the TLSA record names no authority");
	else
		rc = check_chain(c, authorities, policy, err);
	gnutls_x509_trust_list_deinit(authorities, 0);
	return rc;
}

static enum pst_rc
check_dane(
    struct chain *c, const struct wire_policy *policy, struct pst_error *err)
{
	enum pst_rc rc = denied(
	    c, WIRE_NO_TLSA, err, "no TLSA record fits the certificate");

	for (size_t i = 0; i < policy->tlsa_count && rc != PST_OK; i++) {
		const struct wire_tlsa *tlsa = &policy->tlsa[i];

		if (!wire_tlsa_is_usable(tlsa))
			continue;
		/* Names and times do not count (RFC 7672, 3.1.1). */
		if (*tlsa->data.p == DANE_EE &&
		    matches(tlsa, c->certificate[0]))
			rc = PST_OK;
		for (unsigned k = 0;
		     k < c->n && *tlsa->data.p == DANE_TA && rc != PST_OK; k++)
			if (matches(tlsa, c->certificate[k]))
				rc = check_anchor(c, k, policy, err);
	}
	return rc;
}

enum pst_rc
wire_trust_check(gnutls_session_t session, const struct wire_policy *policy,
    enum wire_flaw *flaw_r, struct pst_error *err)
{
	struct chain c = { .n = 0 };
	enum pst_rc rc;

	*flaw_r = WIRE_FINE;
	if (policy->trust == WIRE_ANY)
		return PST_OK;
	if (!chain_read(session, &c))
		rc = denied(&c, WIRE_INVALID, err, "there is no certificate");
	else if (policy->trust == WIRE_PKIX)
		rc = check_pkix(&c, policy, err);
	else
		rc = check_dane(&c, policy, err);
	if (rc != PST_OK)
		*flaw_r = c.flaw;
	chain_fini(&c);
	return rc;
}
