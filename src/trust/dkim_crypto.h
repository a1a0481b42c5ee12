/*
 * trust/dkim_crypto.h - the keys of DKIM over GnuTLS: rsa-sha256 (RFC 6376,
 * 3.3.2; sizes as RFC 8301 has them) and ed25519-sha256 (RFC 8463).
 *
 * Threads: a key may be used by many threads at once.
 */
#ifndef TRUST_DKIM_CRYPTO_H
#define TRUST_DKIM_CRYPTO_H

#include "base/mem.h"
#include "trust/dkim_body.h"
#include <gnutls/abstract.h>

enum dkim_algorithm { DKIM_RSA_SHA256, DKIM_ED25519_SHA256 };

enum {
	DKIM_RSA_LEAST = 1024, /* RFC 8301, 3.2 */
	DKIM_RSA_MOST = 4096,
	DKIM_RSA_MADE = 2048,
};

const char *dkim_algorithm_name(enum dkim_algorithm a); /* "rsa-sha256" */
const char *dkim_key_type(enum dkim_algorithm a);	/* "rsa" */

struct dkim_public {
	gnutls_pubkey_t key;
	enum dkim_algorithm algorithm;
	unsigned bits; /* of the modulus */
};

/*
 * From the octets of p=: for RSA a SubjectPublicKeyInfo, as all use it, or an
 * RSAPublicKey, as the RFC's text says; for Ed25519 the 32 octets. False: not
 * one. To be ended with dkim_public_fini() when true.
 */
bool dkim_public_import(
    enum dkim_algorithm a, struct pst_str octets, struct dkim_public *out);
void dkim_public_fini(struct dkim_public *k);
bool dkim_public_verify(const struct dkim_public *k,
    const unsigned char digest[DKIM_HASH], struct pst_str signature);

struct dkim_private {
	gnutls_privkey_t key;
	enum dkim_algorithm algorithm;
};

/* A PEM file's text. False: no key, or none that DKIM knows. */
bool dkim_private_import(struct pst_str pem, struct dkim_private *out);
void dkim_private_fini(struct dkim_private *k);
/* Appends the signature's octets. */
bool dkim_private_sign(const struct dkim_private *k,
    const unsigned char digest[DKIM_HASH], struct buf *out);
/* A new key as PEM, and the octets for p=. */
bool dkim_private_make(enum dkim_algorithm a, struct buf *pem);
bool dkim_private_public(const struct dkim_private *k, struct buf *octets);

#endif
