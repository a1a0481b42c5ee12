/*
 * trust/arc_seal.c - adding a set to a chain (RFC 8617, 5.1).
 */
#include "base/str.h"
#include "trust/arc.h"

#include <inttypes.h>

enum { FIELD_MAX = 65536 };

bool
arc_is_of_chain(const struct trust_field *f)
{
	return str_is_case(f->name, "ARC-Seal") ||
	       str_is_case(f->name, "ARC-Message-Signature") ||
	       str_is_case(f->name, "ARC-Authentication-Results");
}

/* The highest instance, also of a chain that is broken. */
static uint64_t
highest(const struct trust_header *h)
{
	uint64_t most = 0;

	for (size_t i = 0; i < h->fields; i++) {
		uint64_t n = arc_is_of_chain(&h->field[i])
				 ? arc_instance(h->field[i].value)
				 : 0;

		if (n > most)
			most = n;
	}
	return most;
}

/* RFC 8617, 5.1, 2: nothing more is to be said of it. */
static bool
says_fail(const struct trust_header *h, uint64_t instance)
{
	const struct trust_field *f;
	struct dkim_signature sig;
	struct arena *a = arena_new(0);
	bool fails = false;
	size_t i = 0;

	while ((f = trust_header_next(h, "ARC-Seal", &i)) != NULL)
		if (arc_instance(f->value) == instance &&
		    dkim_signature_parse(a, f, DKIM_ARC_SEAL, &sig))
			fails |= str_is_case(sig.cv, "fail");
	arena_free(&a);
	return fails;
}

/* A failure of the DNS is none of the chain. */
static bool
is_unsure(const struct arc *arc)
{
	for (size_t i = 0; i < arc->sets; i++)
		if (arc->set[i].seal.result == DKIM_TEMPERROR ||
		    arc->set[i].message.result == DKIM_TEMPERROR)
			return true;
	return false;
}

static const char *
state_of(const struct arc *arc)
{
	return arc->result == ARC_NONE ? "none" : arc_result_name(arc->result);
}

/* The field in `text`, for a hash. */
static struct trust_field
field_of(struct pst_str text)
{
	size_t colon = str_find(text, ':');

	return (struct trust_field){ str_first(text, colon),
		str_from(text, colon + 1), text };
}

static bool
put_message_signature(const struct arc_sealing *s, uint64_t instance,
    const struct trust_header *h, const unsigned char body_digest[DKIM_HASH],
    struct buf *out)
{
	static char dkim[] = "DKIM-Signature";
	char *names[DKIM_NAMES_MAX];
	struct dkim_signing signing = { .key = s->key,
		.domain = s->domain,
		.selector = s->selector,
		.headers = names,
		.oversign = s->oversign,
		.oversign_n = s->oversign_n,
		.now = s->now,
		.instance = instance };
	bool has_dkim = false;

	/* Those of the domains that it came from, too (4.1.2). */
	for (size_t i = 0;
	     i < s->headers_n && signing.headers_n < DKIM_NAMES_MAX - 1; i++) {
		names[signing.headers_n++] = s->headers[i];
		has_dkim |= str_is_case(str_of(s->headers[i]), dkim);
	}
	if (!has_dkim)
		names[signing.headers_n++] = dkim;
	return dkim_sign(&signing, h, body_digest, out);
}

/* All sets up to the new one; of a broken chain that alone (5.1.1, 5.1.2). */
static void
hash_sets(const struct arc *arc, struct pst_str results, struct pst_str message,
    struct pst_str seal, unsigned char digest[DKIM_HASH])
{
	struct trust_field r = field_of(results), m = field_of(message),
			   field = field_of(seal);
	const struct dkim_signature self = { .field = &field,
		.header_relaxed = true,
		.b_raw = { seal.p + seal.n, 0 } };
	struct dkim_hash hash;

	dkim_hash_init(&hash);
	for (size_t i = 0; arc->result == ARC_PASS && i < arc->sets; i++) {
		dkim_hash_field(&hash, arc->set[i].results, true);
		dkim_hash_field(&hash, arc->set[i].message.field, true);
		dkim_hash_field(&hash, arc->set[i].seal.field, true);
	}
	dkim_hash_field(&hash, &r, true);
	dkim_hash_field(&hash, &m, true);
	dkim_hash_self(&hash, &self);
	dkim_hash_end(&hash, digest);
}

static bool
put_seal(const struct arc_sealing *s, const struct arc *arc, uint64_t instance,
    struct pst_str results, struct pst_str message, struct buf *out)
{
	unsigned char digest[DKIM_HASH];

	(void)buf_printf(out,
	    "ARC-Seal: i=%" PRIu64 "; a=rsa-sha256; t=%" PRId64
	    "; cv=%s;\r\n\td=%s; s=%s;\r\n\tb=",
	    instance, s->now, state_of(arc), s->domain, s->selector);
	if (out->overflow)
		return false;
	hash_sets(arc, results, message, buf_str(out), digest);
	return dkim_sign_put(s->key, digest, out) && buf_puts(out, "\r\n");
}

bool
arc_seal(const struct arc_sealing *s, const struct arc *arc,
    const struct trust_header *h, const unsigned char body_digest[DKIM_HASH],
    struct buf *out)
{
	uint64_t instance = highest(h) + 1;
	struct buf results, message, seal;
	bool good;

	if (h->too_large || instance > ARC_SETS_MAX ||
	    s->key->algorithm != DKIM_RSA_SHA256 || is_unsure(arc) ||
	    says_fail(h, instance - 1))
		return false;
	buf_init(&results, FIELD_MAX);
	buf_init(&message, FIELD_MAX);
	buf_init(&seal, FIELD_MAX);
	good = buf_printf(&results,
		   "ARC-Authentication-Results: i=%" PRIu64 "; %.*s\r\n",
		   instance, STR_ARG(s->results)) &&
	       put_message_signature(s, instance, h, body_digest, &message) &&
	       put_seal(s, arc, instance, buf_str(&results), buf_str(&message),
		   &seal);
	if (good && out->max - out->n < seal.n + message.n + results.n)
		good = false;
	if (good) {
		(void)buf_add_str(out, buf_str(&seal));
		(void)buf_add_str(out, buf_str(&message));
		(void)buf_add_str(out, buf_str(&results));
	}
	buf_fini(&results);
	buf_fini(&message);
	buf_fini(&seal);
	return good;
}
