/*
 * trust/dkim_signature.c - the tags of DKIM-Signature (RFC 6376, 3.5), of
 * ARC-Message-Signature and ARC-Seal (RFC 8617, 4.1).
 */
#include "base/codec.h"
#include "base/str.h"
#include "trust/dkim.h"
#include "trust/dkim_tags.h"
#include "trust/domain.h"

static bool
refuse(struct dkim_signature *sig, enum dkim_result result, const char *reason)
{
	sig->result = result;
	sig->reason = reason;
	return false;
}

static bool
decode(struct arena *a, struct pst_str text, struct pst_str *out)
{
	struct buf octets;
	bool good;

	buf_init(&octets, DKIM_VALUE_MAX);
	good = text.n > 0 && text.n <= DKIM_VALUE_MAX &&
	       base64_decode(text, &octets) && octets.n > 0;
	*out = good ? arena_copy(a, buf_str(&octets)) : STR_NONE;
	buf_fini(&octets);
	return out->p != NULL;
}

/* "relaxed/simple"; what is not said is simple. */
static bool
take_canon(struct pst_str text, bool *header_r, bool *body_r)
{
	size_t slash = str_find(text, '/');
	struct pst_str header = str_first(text, slash);
	struct pst_str body = slash < text.n ? str_from(text, slash + 1)
					     : STR("simple");

	*header_r = str_is_case(header, "relaxed");
	*body_r = str_is_case(body, "relaxed");
	return (*header_r || str_is_case(header, "simple")) &&
	       (*body_r || str_is_case(body, "simple"));
}

static bool
take_number(const struct dkim_tags *t, const char *name, int64_t *value_r)
{
	const struct dkim_tag *tag = dkim_tag(t, name);
	uint64_t value;

	*value_r = -1;
	if (tag == NULL)
		return true;
	if (!str_to_u64(tag->value, &value) || value > INT64_MAX)
		return false;
	*value_r = (int64_t)value;
	return true;
}

static bool
take_algorithm(struct dkim_signature *sig, const struct dkim_tags *t)
{
	const struct dkim_tag *a = dkim_tag(t, "a");

	if (a == NULL)
		return refuse(sig, DKIM_PERMERROR, "no a=");
	for (int i = DKIM_RSA_SHA256; i <= DKIM_ED25519_SHA256; i++) {
		sig->algorithm = (enum dkim_algorithm)i;
		if (str_is_case(a->value, dkim_algorithm_name(sig->algorithm)))
			return true;
	}
	/* RFC 8301, 3.1: it proves nothing any more. */
	if (str_is_case(a->value, "rsa-sha1"))
		return refuse(sig, DKIM_PERMERROR, "rsa-sha1 is not accepted");
	return refuse(sig, DKIM_PERMERROR, "unknown algorithm");
}

static bool
take_place(
    struct arena *a, struct dkim_signature *sig, const struct dkim_tags *t)
{
	const struct dkim_tag *d = dkim_tag(t, "d"), *s = dkim_tag(t, "s");

	if (d == NULL || s == NULL)
		return refuse(sig, DKIM_PERMERROR, "no d= or s=");
	sig->domain = trust_domain(a, d->value);
	sig->selector = trust_domain(a, s->value);
	if (sig->domain == NULL || sig->selector == NULL)
		return refuse(
		    sig, DKIM_PERMERROR, "d= or s= is no domain name");
	return true;
}

static bool
take_signature(
    struct arena *a, struct dkim_signature *sig, const struct dkim_tags *t)
{
	const struct dkim_tag *b = dkim_tag(t, "b");

	sig->b_text = dkim_tag_packed(a, t, "b");
	if (b == NULL || !decode(a, sig->b_text, &sig->b))
		return refuse(sig, DKIM_PERMERROR, "no b=, or not base64");
	sig->b_raw = b->raw;
	return true;
}

static bool
names_from(struct pst_str names, size_t *n_r)
{
	struct pst_str name;
	bool from = false;

	*n_r = 0;
	while (dkim_next_item(&names, &name)) {
		from |= str_is_case(name, "From");
		if (name.n == 0)
			return false;
		(*n_r)++;
	}
	return from;
}

/* What says how header and body are hashed: not in a seal. */
static bool
take_coverage(
    struct arena *a, struct dkim_signature *sig, const struct dkim_tags *t)
{
	const struct dkim_tag *c = dkim_tag(t, "c"), *h = dkim_tag(t, "h");
	size_t names;

	sig->header_relaxed = sig->body_relaxed = false;
	if (c != NULL &&
	    !take_canon(c->value, &sig->header_relaxed, &sig->body_relaxed))
		return refuse(sig, DKIM_PERMERROR, "unknown c=");
	if (!decode(a, dkim_tag_packed(a, t, "bh"), &sig->bh) ||
	    sig->bh.n != DKIM_HASH)
		return refuse(sig, DKIM_PERMERROR, "no bh=, or not SHA-256");
	/* RFC 6376, 5.4: From must be there. */
	if (h == NULL || !names_from(h->value, &names))
		return refuse(sig, DKIM_PERMERROR, "h= does not have From");
	if (names > DKIM_NAMES_MAX)
		return refuse(sig, DKIM_PERMERROR, "too many names in h=");
	sig->names = h->value;
	if (!take_number(t, "l", &sig->length))
		return refuse(sig, DKIM_PERMERROR, "l= is no number");
	return true;
}

/* The domain of i= is that of d= or below it (RFC 6376, 3.5). */
static bool
take_identity(
    struct arena *a, struct dkim_signature *sig, const struct dkim_tags *t)
{
	const struct dkim_tag *i = dkim_tag(t, "i");
	size_t at;
	const char *host;

	if (i == NULL)
		return true;
	at = i->value.n;
	while (at > 0 && i->value.p[at - 1] != '@')
		at--;
	host = at > 0 ? trust_domain(a, str_from(i->value, at)) : NULL;
	if (host == NULL || !trust_is_below(host, sig->domain))
		return refuse(sig, DKIM_PERMERROR, "i= is not of d=");
	sig->identity = i->value;
	return true;
}

static bool
take_dkim(
    struct arena *a, struct dkim_signature *sig, const struct dkim_tags *t)
{
	const struct dkim_tag *v = dkim_tag(t, "v"), *q = dkim_tag(t, "q");

	if (v == NULL || !str_is(v->value, "1"))
		return refuse(sig, DKIM_PERMERROR, "v= is not 1");
	if (q != NULL && !dkim_list_has(q->value, "dns/txt"))
		return refuse(sig, DKIM_PERMERROR, "unknown q=");
	if (!take_number(t, "x", &sig->expires) ||
	    (sig->expires >= 0 && sig->made >= 0 && sig->expires < sig->made))
		return refuse(sig, DKIM_PERMERROR, "x= is before t=");
	return take_identity(a, sig, t);
}

static bool
take_arc(struct dkim_signature *sig, const struct dkim_tags *t)
{
	const struct dkim_tag *i = dkim_tag(t, "i"), *cv = dkim_tag(t, "cv");

	if (i == NULL || !str_to_u64(i->value, &sig->instance) ||
	    sig->instance == 0)
		return refuse(sig, DKIM_PERMERROR, "no i=");
	if (sig->kind == DKIM_ARC_MESSAGE)
		return true;
	/* RFC 8617, 4.1.3: a seal has no h=. */
	if (cv == NULL || dkim_tag(t, "h") != NULL)
		return refuse(sig, DKIM_PERMERROR, "no cv=, or h=");
	sig->cv = cv->value;
	sig->header_relaxed = true;
	return true;
}

bool
dkim_signature_parse(struct arena *a, const struct trust_field *f,
    enum dkim_kind kind, struct dkim_signature *out)
{
	struct dkim_tags t;

	*out = (struct dkim_signature){ .field = f,
		.kind = kind,
		.length = -1,
		.made = -1,
		.expires = -1,
		.result = DKIM_NEUTRAL,
		.reason = "not verified" };
	if (!dkim_tags_parse(f->value, &t))
		return refuse(out, DKIM_PERMERROR, "malformed");
	if (!take_place(a, out, &t) || !take_signature(a, out, &t) ||
	    !take_algorithm(out, &t))
		return false;
	if (!take_number(&t, "t", &out->made))
		return refuse(out, DKIM_PERMERROR, "t= is no number");
	if (kind != DKIM_ARC_SEAL && !take_coverage(a, out, &t))
		return false;
	return kind == DKIM_SIGNATURE ? take_dkim(a, out, &t)
				      : take_arc(out, &t);
}
