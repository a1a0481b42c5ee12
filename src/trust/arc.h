/*
 * trust/arc.h - the Authenticated Received Chain (RFC 8617): what those who
 * handled a message on its way say of it, and whether that is really from them.
 *
 * Belongs to one thread; arc_verify() asks the DNS, so it may block.
 */
#ifndef TRUST_ARC_H
#define TRUST_ARC_H

#include "trust/dkim.h"

enum { ARC_SETS_MAX = 50 }; /* RFC 8617, 4.2.1 */

enum arc_result { ARC_NONE, ARC_PASS, ARC_FAIL };
const char *arc_result_name(enum arc_result r);

struct arc_set {
	const struct trust_field *results; /* ARC-Authentication-Results */
	struct dkim_signature message;	   /* ARC-Message-Signature */
	struct dkim_signature seal;	   /* ARC-Seal */
};

struct arc {
	enum arc_result result;
	const char *reason; /* of a failure */
	struct arc_set *set;
	size_t sets;
};

/* Collects the sets, and decides what can be without the body. Otherwise the
 * result is ARC_PASS for now, and `bodies` gets what the newest set needs. */
void arc_find(struct arena *a, const struct trust_header *h,
    struct dkim_bodies *bodies, struct arc *out);
/* The rest (RFC 8617, 5.2). */
void arc_verify(struct arc *arc, const struct trust_header *h,
    const struct dkim_bodies *bodies, const struct dns_resolver *dns,
    int64_t deadline, int64_t now);
/* The domain that sealed last; NULL: none. */
const char *arc_sealer(const struct arc *arc);

/* --- sealing (arc_seal.c) --------------------------------------------------
 */

struct arc_sealing {
	const struct dkim_private *key; /* rsa-sha256 (RFC 8617, 4.1.3) */
	const char *domain, *selector;
	char *const *headers; /* as in struct dkim_signing */
	size_t headers_n;
	char *const *oversign;
	size_t oversign_n;
	/* "mail.example.org; spf=pass ...", with folds, without a line end. */
	struct pst_str results;
	int64_t now;
};

/*
 * Appends a set for a message that goes on: `h` and `body_digest` (of the
 * relaxed body) are those of the message that goes out, `arc` what came out of
 * arc_verify() for it. False, and nothing is appended: it says already that its
 * chain is broken, has as many sets as may be, or could not be verified now.
 */
bool arc_seal(const struct arc_sealing *s, const struct arc *arc,
    const struct trust_header *h, const unsigned char body_digest[DKIM_HASH],
    struct buf *out);
/* The field is one of a set. */
bool arc_is_of_chain(const struct trust_field *f);
/* The instance that a field of a chain has; 0: none. */
uint64_t arc_instance(struct pst_str value);

#endif
