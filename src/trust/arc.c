/*
 * trust/arc.c - reading and verifying a chain.
 */
#include "trust/arc.h"

#include "base/str.h"

const char *
arc_result_name(enum arc_result r)
{
	switch (r) {
	case ARC_NONE:
		return "none";
	case ARC_PASS:
		return "pass";
	case ARC_FAIL:
		break;
	}
	return "fail";
}

const char *
arc_sealer(const struct arc *arc)
{
	return arc->sets > 0 ? arc->set[arc->sets - 1].seal.domain : NULL;
}

static bool
fail(struct arc *arc, const char *reason)
{
	arc->result = ARC_FAIL;
	arc->reason = reason;
	return false;
}

/* --- the sets ---------------------------------------------------------------
 */

/* "i=1", which comes first. */
uint64_t
arc_instance(struct pst_str value)
{
	struct pst_str part = str_trim(str_first(value, str_find(value, ';')));
	uint64_t instance = 0;

	if (!str_has_prefix_case(part, "i"))
		return 0;
	part = str_trim(str_from(part, 1));
	if (part.n == 0 || part.p[0] != '=' ||
	    !str_to_u64(str_trim(str_from(part, 1)), &instance))
		return 0;
	return instance;
}

/* The set of that number; NULL: beyond what may be. */
static struct arc_set *
set_of(struct arc *arc, uint64_t instance)
{
	if (instance == 0 || instance > ARC_SETS_MAX)
		return NULL;
	if (instance > arc->sets)
		arc->sets = (size_t)instance;
	return &arc->set[instance - 1];
}

static bool
add_results(struct arc *arc, const struct trust_field *f)
{
	struct arc_set *set = set_of(arc, arc_instance(f->value));

	if (set == NULL || set->results != NULL)
		return fail(arc, "ARC-Authentication-Results are wrong");
	set->results = f;
	return true;
}

static bool
add_signature(struct arena *a, struct arc *arc, const struct trust_field *f,
    enum dkim_kind kind)
{
	struct dkim_signature sig, *to;
	struct arc_set *set;

	if (!dkim_signature_parse(a, f, kind, &sig))
		return fail(arc, sig.reason);
	set = set_of(arc, sig.instance);
	if (set == NULL)
		return fail(arc, "too many sets");
	to = kind == DKIM_ARC_SEAL ? &set->seal : &set->message;
	if (to->field != NULL)
		return fail(arc, "a field is there twice");
	*to = sig;
	return true;
}

static bool
add_field(struct arena *a, struct arc *arc, const struct trust_field *f)
{
	if (str_is_case(f->name, "ARC-Authentication-Results"))
		return add_results(arc, f);
	if (str_is_case(f->name, "ARC-Message-Signature"))
		return add_signature(a, arc, f, DKIM_ARC_MESSAGE);
	if (str_is_case(f->name, "ARC-Seal"))
		return add_signature(a, arc, f, DKIM_ARC_SEAL);
	return true;
}

/* RFC 8617, 5.2: all sets are whole, and say that the chain was good. */
static bool
is_sound(struct arc *arc)
{
	for (size_t i = 0; i < arc->sets; i++) {
		const struct arc_set *set = &arc->set[i];

		if (set->results == NULL || set->message.field == NULL ||
		    set->seal.field == NULL)
			return fail(arc, "a set is not complete");
		if (!str_is_case(set->seal.cv, i == 0 ? "none" : "pass"))
			return fail(
			    arc, "a seal says that the chain is broken");
	}
	return true;
}

void
arc_find(struct arena *a, const struct trust_header *h,
    struct dkim_bodies *bodies, struct arc *out)
{
	struct dkim_signature *newest;

	*out = (struct arc){ .result = ARC_NONE };
	out->set = arena_alloc(a, ARC_SETS_MAX * sizeof(*out->set));
	if (out->set == NULL)
		return;
	for (size_t i = 0; i < h->fields; i++)
		if (!add_field(a, out, &h->field[i]))
			return;
	if (out->sets == 0 || !is_sound(out))
		return;
	out->result = ARC_PASS;
	newest = &out->set[out->sets - 1].message;
	newest->body = dkim_bodies_add(
	    bodies, newest->body_relaxed, newest->length);
}

/* --- verifying --------------------------------------------------------------
 */

/* A seal covers all sets up to its own, from the first on (RFC 8617, 5.1.1). */
static void
verify_seal(struct arc *arc, size_t at, const struct dns_resolver *dns,
    int64_t deadline)
{
	unsigned char digest[DKIM_HASH];
	struct dkim_hash hash;

	dkim_hash_init(&hash);
	for (size_t i = 0; i <= at; i++) {
		const struct arc_set *set = &arc->set[i];

		dkim_hash_field(&hash, set->results, true);
		dkim_hash_field(&hash, set->message.field, true);
		if (i < at)
			dkim_hash_field(&hash, set->seal.field, true);
		else
			dkim_hash_self(&hash, &set->seal);
	}
	dkim_hash_end(&hash, digest);
	dkim_verify_digest(&arc->set[at].seal, digest, dns, deadline);
}

void
arc_verify(struct arc *arc, const struct trust_header *h,
    const struct dkim_bodies *bodies, const struct dns_resolver *dns,
    int64_t deadline, int64_t now)
{
	struct dkim_signature *newest;

	if (arc->result != ARC_PASS)
		return;
	newest = &arc->set[arc->sets - 1].message;
	dkim_verify(newest, h, bodies, dns, deadline, now);
	if (newest->result != DKIM_PASS) {
		(void)fail(arc, newest->reason);
		return;
	}
	for (size_t i = arc->sets; i > 0; i--) {
		verify_seal(arc, i - 1, dns, deadline);
		if (arc->set[i - 1].seal.result != DKIM_PASS) {
			(void)fail(arc, arc->set[i - 1].seal.reason);
			return;
		}
	}
}
