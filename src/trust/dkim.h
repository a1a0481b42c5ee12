/*
 * trust/dkim.h - DKIM signatures (RFC 6376, 8301, 8463): reading, verifying and
 * making them. The two signatures of ARC (RFC 8617, 4.1) have the same form
 * and are read and verified here, too.
 *
 * In this order: the header is collected (trust/header.h), dkim_find() picks
 * the signatures and says which hashes of the body they need, the body goes
 * through these, and dkim_verify() does the rest, with questions to the DNS.
 *
 * Belongs to one thread at a time; slices point into the header or the arena.
 */
#ifndef TRUST_DKIM_H
#define TRUST_DKIM_H

#include "net/dns.h"
#include "trust/dkim_body.h"
#include "trust/dkim_crypto.h"
#include "trust/header.h"

enum {
	DKIM_NAMES_MAX = 256,  /* names in h= */
	DKIM_KEYS_MAX = 5,     /* TXT records of one selector */
	DKIM_VALUE_MAX = 8192, /* octets of a field's or record's b=, p= */
};

/* As Authentication-Results has them (RFC 8601, 2.7.1). */
enum dkim_result {
	DKIM_PASS,
	DKIM_FAIL,
	DKIM_POLICY, /* valid, but not good enough */
	DKIM_NEUTRAL,
	DKIM_TEMPERROR,
	DKIM_PERMERROR,
};
const char *dkim_result_name(enum dkim_result r);

enum dkim_kind {
	DKIM_SIGNATURE,	  /* DKIM-Signature */
	DKIM_ARC_MESSAGE, /* ARC-Message-Signature */
	DKIM_ARC_SEAL,	  /* ARC-Seal: no body, no h= */
};

struct dkim_signature {
	const struct trust_field *field;
	enum dkim_kind kind;
	enum dkim_algorithm algorithm;
	bool header_relaxed, body_relaxed;
	const char *domain;	 /* d=, lower case, A-labels */
	const char *selector;	 /* s= */
	struct pst_str identity; /* i= of a DKIM-Signature; p NULL: none */
	struct pst_str names;	 /* h= */
	struct pst_str b, bh;	 /* decoded */
	struct pst_str b_text;	 /* without white space */
	struct pst_str b_raw;	 /* in the field: what does not count */
	struct pst_str cv;	 /* of a seal */
	int64_t length;		 /* l=; -1: all */
	int64_t made, expires;	 /* t=, x=; -1: not said */
	uint64_t instance;	 /* i= of ARC */
	size_t body;		 /* index of its hash */

	enum dkim_result result;
	const char *reason; /* of anything but a pass */
	bool testing;	    /* the key has t=y */
	unsigned bits;	    /* of the key */
};

/* Fills `out`; false: `result` and `reason` say what is wrong with it, and
 * what could be read is there. */
bool dkim_signature_parse(struct arena *a, const struct trust_field *f,
    enum dkim_kind kind, struct dkim_signature *out);

/*
 * The first `max` DKIM-Signature fields of a header; *more_r says how many
 * others there are. For those that are well-formed `bodies` gets their hash.
 */
struct dkim_signature *dkim_find(struct arena *a, const struct trust_header *h,
    struct dkim_bodies *bodies, size_t max, size_t *n_r, size_t *more_r);
/* Decides a signature of DKIM_SIGNATURE or DKIM_ARC_MESSAGE that could be
 * parsed: sets result and reason. `now`: seconds. */
void dkim_verify(struct dkim_signature *sig, const struct trust_header *h,
    const struct dkim_bodies *bodies, const struct dns_resolver *dns,
    int64_t deadline, int64_t now);

/* --- parts, also for ARC ------------------------------------------------- */

/* Gets the canonical header. */
struct dkim_hash {
	void *state; /* private */
	struct buf text;
};
void dkim_hash_init(struct dkim_hash *h);
void dkim_hash_field(
    struct dkim_hash *h, const struct trust_field *f, bool relaxed);
/* The signature's own field, without what is in b= and its line end. */
void dkim_hash_self(struct dkim_hash *h, const struct dkim_signature *sig);
/* The fields that `names` says, the last ones first (RFC 6376, 5.4.2); never
 * `self`. */
void dkim_hash_names(struct dkim_hash *h, const struct trust_header *header,
    struct pst_str names, const struct trust_field *self, bool relaxed);
void dkim_hash_end(struct dkim_hash *h, unsigned char digest[DKIM_HASH]);

/* Gets the key and checks the signature of `digest`; result and reason. */
void dkim_verify_digest(struct dkim_signature *sig,
    const unsigned char digest[DKIM_HASH], const struct dns_resolver *dns,
    int64_t deadline);

/* A key record (RFC 6376, 3.6.1). */
struct dkim_key {
	enum dkim_algorithm algorithm;
	bool revoked, testing, strict;
	struct pst_str octets; /* of p= */
};
/* False: no key record, or one of another kind. *reason_r says what is wrong.
 */
bool dkim_key_parse(struct arena *a, struct pst_str text,
    enum dkim_algorithm wanted, struct dkim_key *out, const char **reason_r);

/* --- signing ---------------------------------------------------------------
 */

struct dkim_signing {
	const struct dkim_private *key;
	const char *domain, *selector;
	char *const *headers; /* names, each signed as often as it occurs */
	size_t headers_n;
	char *const *oversign; /* and these once more */
	size_t oversign_n;
	int64_t now, expires; /* seconds; expires 0: never */
	uint64_t instance;    /* 0, or of an ARC-Message-Signature */
};
/* Appends a DKIM-Signature field, or an ARC-Message-Signature (RFC 8617,
 * 4.1.2), with its line end, relaxed/relaxed. `body_digest`: of the relaxed
 * body. False: it cannot be made. */
bool dkim_sign(const struct dkim_signing *s, const struct trust_header *h,
    const unsigned char body_digest[DKIM_HASH], struct buf *out);
/* Appends the signature of `digest` in base64, folded, to a field that ends
 * with "b=". */
bool dkim_sign_put(const struct dkim_private *key,
    const unsigned char digest[DKIM_HASH], struct buf *field);

#endif
