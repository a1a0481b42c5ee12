/*
 * trust/dkim_crypto.c - keys and signatures by GnuTLS.
 */
#include "trust/dkim_crypto.h"

#include "base/str.h"
#include <gnutls/crypto.h>
#include <gnutls/x509.h>

enum {
	DER_INTEGER = 0x02,
	DER_SEQUENCE = 0x30,
	ED25519_OCTETS = 32,
};

const char *
dkim_algorithm_name(enum dkim_algorithm a)
{
	return a == DKIM_RSA_SHA256 ? "rsa-sha256" : "ed25519-sha256";
}

const char *
dkim_key_type(enum dkim_algorithm a)
{
	return a == DKIM_RSA_SHA256 ? "rsa" : "ed25519";
}

static gnutls_datum_t
datum(const void *p, size_t n)
{
	union {
		const void *in;
		unsigned char *out;
	} u = { p };

	return (gnutls_datum_t){ u.out, (unsigned)n };
}

/* --- public keys ------------------------------------------------------------
 */

/* Takes an element of this tag off `*der`: its content. */
static bool
der_take(struct pst_str *der, unsigned char tag, struct pst_str *content_r)
{
	size_t n, octets, at = 2;

	if (der->n < 2 || (unsigned char)der->p[0] != tag)
		return false;
	n = (unsigned char)der->p[1];
	if (n >= 0x80) {
		octets = n & 0x7f;
		if (octets == 0 || octets > 2 || der->n < 2 + octets)
			return false;
		n = 0;
		for (; octets > 0; octets--)
			n = n << 8 | (unsigned char)der->p[at++];
	}
	if (der->n - at < n)
		return false;
	*content_r = str_n(der->p + at, n);
	*der = str_from(*der, at + n);
	return true;
}

/* RSAPublicKey (RFC 3447, A.1.1). */
static bool
import_pkcs1(gnutls_pubkey_t key, struct pst_str der)
{
	struct pst_str inner, m, e;
	gnutls_datum_t modulus, exponent;

	if (!der_take(&der, DER_SEQUENCE, &inner) || der.n > 0 ||
	    !der_take(&inner, DER_INTEGER, &m) ||
	    !der_take(&inner, DER_INTEGER, &e) || inner.n > 0 || m.n == 0 ||
	    e.n == 0)
		return false;
	modulus = datum(m.p, m.n);
	exponent = datum(e.p, e.n);
	return gnutls_pubkey_import_rsa_raw(key, &modulus, &exponent) == 0;
}

static bool
import_rsa(struct dkim_public *k, struct pst_str octets)
{
	gnutls_datum_t d = datum(octets.p, octets.n);

	if (gnutls_pubkey_import(k->key, &d, GNUTLS_X509_FMT_DER) != 0 &&
	    !import_pkcs1(k->key, octets))
		return false;
	return gnutls_pubkey_get_pk_algorithm(k->key, &k->bits) ==
	       GNUTLS_PK_RSA;
}

static bool
import_ed25519(struct dkim_public *k, struct pst_str octets)
{
	gnutls_datum_t d = datum(octets.p, octets.n);

	k->bits = ED25519_OCTETS * 8;
	return octets.n == ED25519_OCTETS &&
	       gnutls_pubkey_import_ecc_raw(
		   k->key, GNUTLS_ECC_CURVE_ED25519, &d, NULL) == 0;
}

bool
dkim_public_import(
    enum dkim_algorithm a, struct pst_str octets, struct dkim_public *out)
{
	bool good;

	*out = (struct dkim_public){ .algorithm = a };
	if (octets.n == 0 || gnutls_pubkey_init(&out->key) < 0)
		return false;
	good = a == DKIM_RSA_SHA256 ? import_rsa(out, octets)
				    : import_ed25519(out, octets);
	if (!good)
		dkim_public_fini(out);
	return good;
}

void
dkim_public_fini(struct dkim_public *k)
{
	if (k->key != NULL)
		gnutls_pubkey_deinit(k->key);
	k->key = NULL;
}

bool
dkim_public_verify(const struct dkim_public *k,
    const unsigned char digest[DKIM_HASH], struct pst_str signature)
{
	gnutls_datum_t hash = datum(digest, DKIM_HASH);
	gnutls_datum_t sig = datum(signature.p, signature.n);

	if (k->algorithm == DKIM_RSA_SHA256)
		return gnutls_pubkey_verify_hash2(
			   k->key, GNUTLS_SIGN_RSA_SHA256, 0, &hash, &sig) >= 0;
	/* RFC 8463, 3: PureEdDSA over the hash. */
	return gnutls_pubkey_verify_data2(
		   k->key, GNUTLS_SIGN_EDDSA_ED25519, 0, &hash, &sig) >= 0;
}

/* --- private keys -----------------------------------------------------------
 */

static bool
take_algorithm(struct dkim_private *k)
{
	switch (gnutls_privkey_get_pk_algorithm(k->key, NULL)) {
	case GNUTLS_PK_RSA:
		k->algorithm = DKIM_RSA_SHA256;
		return true;
	case GNUTLS_PK_EDDSA_ED25519:
		k->algorithm = DKIM_ED25519_SHA256;
		return true;
	default: /* of GnuTLS's many others */
		return false;
	}
}

bool
dkim_private_import(struct pst_str pem, struct dkim_private *out)
{
	gnutls_datum_t d = datum(pem.p, pem.n);

	*out = (struct dkim_private){ 0 };
	if (gnutls_privkey_init(&out->key) < 0)
		return false;
	if (gnutls_privkey_import_x509_raw(
		out->key, &d, GNUTLS_X509_FMT_PEM, NULL, 0) == 0 &&
	    take_algorithm(out))
		return true;
	dkim_private_fini(out);
	return false;
}

void
dkim_private_fini(struct dkim_private *k)
{
	if (k->key != NULL)
		gnutls_privkey_deinit(k->key);
	k->key = NULL;
}

bool
dkim_private_sign(const struct dkim_private *k,
    const unsigned char digest[DKIM_HASH], struct buf *out)
{
	gnutls_datum_t hash = datum(digest, DKIM_HASH), sig = { NULL, 0 };
	bool good;
	int rc;

	if (k->algorithm == DKIM_RSA_SHA256)
		rc = gnutls_privkey_sign_hash2(
		    k->key, GNUTLS_SIGN_RSA_SHA256, 0, &hash, &sig);
	else
		rc = gnutls_privkey_sign_data2(
		    k->key, GNUTLS_SIGN_EDDSA_ED25519, 0, &hash, &sig);
	good = rc == 0 && buf_add(out, sig.data, sig.size);
	gnutls_free(sig.data);
	return good;
}

bool
dkim_private_make(enum dkim_algorithm a, struct buf *pem)
{
	bool rsa = a == DKIM_RSA_SHA256, good;
	gnutls_x509_privkey_t key;
	gnutls_datum_t out = { NULL, 0 };

	if (gnutls_x509_privkey_init(&key) < 0)
		return false;
	good = gnutls_x509_privkey_generate(key,
		   rsa ? GNUTLS_PK_RSA : GNUTLS_PK_EDDSA_ED25519,
		   rsa ? DKIM_RSA_MADE
		       : GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_ED25519),
		   0) == 0 &&
	       gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL,
		   GNUTLS_PKCS_PLAIN, &out) == 0 &&
	       buf_add(pem, out.data, out.size);
	if (out.data != NULL)
		gnutls_memset(out.data, 0, out.size);
	gnutls_free(out.data);
	gnutls_x509_privkey_deinit(key);
	return good;
}

bool
dkim_private_public(const struct dkim_private *k, struct buf *octets)
{
	gnutls_datum_t x = { NULL, 0 };
	gnutls_pubkey_t key;
	bool good = false;

	if (gnutls_pubkey_init(&key) < 0)
		return false;
	if (gnutls_pubkey_import_privkey(key, k->key, 0, 0) == 0) {
		if (k->algorithm == DKIM_RSA_SHA256)
			good = gnutls_pubkey_export2(
				   key, GNUTLS_X509_FMT_DER, &x) == 0;
		else
			good = gnutls_pubkey_export_ecc_raw2(
				   key, NULL, &x, NULL, 0) == 0;
	}
	good = good && buf_add(octets, x.data, x.size);
	gnutls_free(x.data);
	gnutls_pubkey_deinit(key);
	return good;
}
