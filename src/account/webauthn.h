/*
 * account/webauthn.h - what browsers and their authenticators say about
 * passkeys (Web Authentication Level 2): read, and signatures checked. Section
 * numbers are that specification's.
 *
 * Pure: knows no users, and keeps nothing. Slices point into what was read.
 * Whoever made an authenticator is not asked for, so attestation statements
 * are stepped over (8.7).
 */
#ifndef ACCOUNT_WEBAUTHN_H
#define ACCOUNT_WEBAUTHN_H

#include "base/mem.h"

enum {
	WEBAUTHN_ID = 1023,	     /* octets of a credential's id (4) */
	WEBAUTHN_CLIENT_DATA = 8192, /* octets of JSON that are read */
	WEBAUTHN_KEY_TEXT = 1400,    /* a key as text, with the NUL */
	WEBAUTHN_ORIGIN = 300,
	WEBAUTHN_CHALLENGE = 64, /* octets */
};

/* What signs (COSE, RFC 9053). */
enum webauthn_algorithm {
	WEBAUTHN_ES256 = -7,   /* ECDSA, P-256, SHA-256 */
	WEBAUTHN_EDDSA = -8,   /* Ed25519 */
	WEBAUTHN_RS256 = -257, /* RSASSA-PKCS1-v1_5, SHA-256 (RFC 8812) */
};

struct webauthn_key {
	enum webauthn_algorithm algorithm;
	/* x of a curve, or the modulus; y, or the exponent. */
	unsigned char first[512], second[32];
	size_t first_n, second_n;
};

enum webauthn_flags { /* 6.1 */
	WEBAUTHN_PRESENT = 1 << 0,
	WEBAUTHN_VERIFIED = 1 << 2,
	WEBAUTHN_HAS_CREDENTIAL = 1 << 6,
	WEBAUTHN_HAS_EXTENSIONS = 1 << 7,
};

/* Authenticator data. */
struct webauthn_data {
	unsigned char rp_id_hash[32];
	unsigned flags; /* enum webauthn_flags, and others */
	uint32_t count; /* of signatures; 0: it does not count */
	/* With WEBAUTHN_HAS_CREDENTIAL. */
	struct pst_str id;
	struct webauthn_key key;
};

/* 5.8.1 */
struct webauthn_client {
	char type[32];
	char origin[WEBAUTHN_ORIGIN];
	unsigned char challenge[WEBAUTHN_CHALLENGE];
	size_t challenge_n;
	bool is_foreign; /* from a frame in another site's page */
};

/* False: malformed, beyond the limits above, or a key of another kind. */
bool webauthn_read_client(struct pst_str json, struct webauthn_client *r);
bool webauthn_read_data(struct pst_str in, struct webauthn_data *r);
/* The authenticator data in an attestation object (6.5.4). */
bool webauthn_read_attestation(struct pst_str in, struct pst_str *data_r);

/* One line of text, "ES256 X Y", and back. False: none of ours. */
bool webauthn_print_key(
    const struct webauthn_key *key, char text_r[WEBAUTHN_KEY_TEXT]);
bool webauthn_read_key(struct pst_str text, struct webauthn_key *r);
/* The key can be used: its numbers are those of a key. */
bool webauthn_is_key(const struct webauthn_key *key);

/* 7.2, steps 19 and 20: the signature is over the authenticator data and the
 * hash of the client's. */
bool webauthn_verify(const struct webauthn_key *key, struct pst_str data,
    struct pst_str client, struct pst_str signature);

#endif
