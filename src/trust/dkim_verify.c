/*
 * trust/dkim_verify.c - which signatures a message has, and whether they hold
 * (RFC 6376, 6.1).
 */
#include "base/str.h"
#include "trust/dkim.h"

enum { CLOCKS_DIFFER = 3600 }; /* seconds, of t= in the future */

const char *
dkim_result_name(enum dkim_result r)
{
	switch (r) {
	case DKIM_PASS:
		return "pass";
	case DKIM_FAIL:
		return "fail";
	case DKIM_POLICY:
		return "policy";
	case DKIM_NEUTRAL:
		return "neutral";
	case DKIM_TEMPERROR:
		return "temperror";
	case DKIM_PERMERROR:
		break;
	}
	return "permerror";
}

struct dkim_signature *
dkim_find(struct arena *a, const struct trust_header *h,
    struct dkim_bodies *bodies, size_t max, size_t *n_r, size_t *more_r)
{
	struct dkim_signature *sig = arena_alloc(a, max * sizeof(*sig));
	const struct trust_field *f;
	size_t at = 0;

	*n_r = *more_r = 0;
	while ((f = trust_header_next(h, "DKIM-Signature", &at)) != NULL) {
		if (sig == NULL || *n_r == max) {
			(*more_r)++;
			continue;
		}
		if (dkim_signature_parse(a, f, DKIM_SIGNATURE, &sig[*n_r]))
			sig[*n_r].body = dkim_bodies_add(
			    bodies, sig[*n_r].body_relaxed, sig[*n_r].length);
		(*n_r)++;
	}
	return sig;
}

static void
decide(struct dkim_signature *sig, enum dkim_result result, const char *reason)
{
	sig->result = result;
	sig->reason = reason;
}

static bool
body_matches(const struct dkim_signature *sig, const struct dkim_body *body)
{
	return memcmp(body->digest, sig->bh.p, DKIM_HASH) == 0 &&
	       (sig->length < 0 || (uint64_t)sig->length <= body->length);
}

void
dkim_verify(struct dkim_signature *sig, const struct trust_header *h,
    const struct dkim_bodies *bodies, const struct dns_resolver *dns,
    int64_t deadline, int64_t now)
{
	const struct dkim_body *body = &bodies->body[sig->body];
	unsigned char digest[DKIM_HASH];
	struct dkim_hash hash;

	/* What needs no question comes first. */
	if (sig->expires >= 0 && sig->expires < now) {
		decide(sig, DKIM_FAIL, "the signature has expired");
		return;
	}
	if (!body_matches(sig, body)) {
		decide(sig, DKIM_FAIL, "the body was changed");
		return;
	}
	dkim_hash_init(&hash);
	dkim_hash_names(&hash, h, sig->names, sig->field, sig->header_relaxed);
	dkim_hash_self(&hash, sig);
	dkim_hash_end(&hash, digest);
	dkim_verify_digest(sig, digest, dns, deadline);
	if (sig->result != DKIM_PASS)
		return;
	/* RFC 6376, 8.2: anybody can append to what it covers. */
	if (sig->length >= 0 && (uint64_t)sig->length < body->length)
		decide(sig, DKIM_POLICY, "l= does not cover the whole body");
	else if (sig->made > now + CLOCKS_DIFFER)
		decide(sig, DKIM_POLICY, "t= is in the future");
}
