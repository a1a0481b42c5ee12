/*
 * trust/dkim_key.c - key records (RFC 6376, 3.6.1; RFC 8463, 4), getting one
 * from the DNS, and what it says of a signature.
 */
#include "base/codec.h"
#include "base/str.h"
#include "trust/dkim.h"
#include "trust/dkim_tags.h"
#include "trust/domain.h"

enum { RECORD_MAX = 16384 };

static bool
refuse(const char **reason_r, const char *reason)
{
	*reason_r = reason;
	return false;
}

static bool
take_octets(struct arena *a, const struct dkim_tags *t, struct dkim_key *out)
{
	struct pst_str text = dkim_tag_packed(a, t, "p");
	struct buf octets;
	bool good;

	out->revoked = text.n == 0;
	if (text.p == NULL || out->revoked)
		return text.p != NULL;
	buf_init(&octets, DKIM_VALUE_MAX);
	good = text.n <= DKIM_VALUE_MAX && base64_decode(text, &octets);
	if (good)
		out->octets = arena_copy(a, buf_str(&octets));
	buf_fini(&octets);
	return good && out->octets.p != NULL;
}

bool
dkim_key_parse(struct arena *a, struct pst_str text, enum dkim_algorithm wanted,
    struct dkim_key *out, const char **reason_r)
{
	const struct dkim_tag *v, *k, *h, *s, *flags;
	struct dkim_tags t;

	*out = (struct dkim_key){ .algorithm = wanted };
	if (!dkim_tags_parse(text, &t))
		return refuse(reason_r, "the key record is malformed");
	v = dkim_tag(&t, "v");
	if (v != NULL && (v != &t.tag[0] || !str_is(v->value, "DKIM1")))
		return refuse(reason_r, "the record is not of DKIM1");
	k = dkim_tag(&t, "k");
	if (!str_is_case(
		k != NULL ? k->value : STR("rsa"), dkim_key_type(wanted)))
		return refuse(reason_r, "the key is of another kind");
	h = dkim_tag(&t, "h");
	if (h != NULL && !dkim_list_has(h->value, "sha256"))
		return refuse(reason_r, "the key is not for SHA-256");
	s = dkim_tag(&t, "s");
	if (s != NULL && !dkim_list_has(s->value, "*") &&
	    !dkim_list_has(s->value, "email"))
		return refuse(reason_r, "the key is not for mail");
	flags = dkim_tag(&t, "t");
	out->testing = flags != NULL && dkim_list_has(flags->value, "y");
	out->strict = flags != NULL && dkim_list_has(flags->value, "s");
	if (!take_octets(a, &t, out))
		return refuse(reason_r, "the key record has no key");
	return true;
}

static void
decide(struct dkim_signature *sig, enum dkim_result result, const char *reason)
{
	sig->result = result;
	sig->reason = reason;
}

/* t=s: i= is of exactly d= (RFC 6376, 3.6.1). */
static bool
identity_fits(
    struct arena *a, const struct dkim_signature *sig, const struct dkim_key *k)
{
	size_t at = sig->identity.n;
	const char *host;

	if (!k->strict || sig->identity.p == NULL)
		return true;
	while (at > 0 && sig->identity.p[at - 1] != '@')
		at--;
	host = trust_domain(a, str_from(sig->identity, at));
	return host != NULL && strcmp(host, sig->domain) == 0;
}

static void
verify_by(struct arena *a, struct dkim_signature *sig, const struct dkim_key *k,
    const unsigned char digest[DKIM_HASH])
{
	struct dkim_public key;

	sig->testing = k->testing;
	if (k->revoked) {
		decide(sig, DKIM_PERMERROR, "the key is revoked");
		return;
	}
	if (!identity_fits(a, sig, k)) {
		decide(sig, DKIM_PERMERROR, "i= is not exactly of d=");
		return;
	}
	if (!dkim_public_import(sig->algorithm, k->octets, &key)) {
		decide(sig, DKIM_PERMERROR, "the key cannot be read");
		return;
	}
	sig->bits = key.bits;
	/* RFC 8301, 3.2: a permanent failure, not a weak pass. */
	if (sig->algorithm == DKIM_RSA_SHA256 && key.bits < DKIM_RSA_LEAST)
		decide(sig, DKIM_PERMERROR, "the key is too short");
	else if (sig->algorithm == DKIM_RSA_SHA256 && key.bits > DKIM_RSA_MOST)
		decide(sig, DKIM_PERMERROR, "the key is too long");
	else if (dkim_public_verify(&key, digest, sig->b))
		decide(sig, DKIM_PASS, NULL);
	else
		decide(sig, DKIM_FAIL, "the signature does not match");
	dkim_public_fini(&key);
}

/* Tries the records of a selector; commonly there is one. */
static void
verify_by_answer(struct dkim_signature *sig, const struct dns_answer *answer,
    const unsigned char digest[DKIM_HASH])
{
	struct arena *a = arena_new(
	    (size_t)DKIM_KEYS_MAX * (RECORD_MAX + DKIM_VALUE_MAX) * 2);
	const char *reason = "there is no key record";
	struct dkim_key key;
	struct buf text;

	decide(sig, DKIM_PERMERROR, reason);
	buf_init(&text, RECORD_MAX);
	for (size_t i = 0; i < answer->records && i < DKIM_KEYS_MAX &&
			   sig->result != DKIM_PASS;
	     i++) {
		buf_clear(&text);
		if (!dns_txt(answer, i, &text))
			continue;
		if (dkim_key_parse(
			a, buf_str(&text), sig->algorithm, &key, &reason))
			verify_by(a, sig, &key, digest);
		else if (sig->result == DKIM_PERMERROR)
			sig->reason = reason;
	}
	buf_fini(&text);
	arena_free(&a);
}

void
dkim_verify_digest(struct dkim_signature *sig,
    const unsigned char digest[DKIM_HASH], const struct dns_resolver *dns,
    int64_t deadline)
{
	struct dns_answer answer;
	char name[600];

	(void)snprintf(
	    name, sizeof(name), "%s._domainkey.%s", sig->selector, sig->domain);
	dns->lookup(dns->arg, name, DNS_TXT, deadline, &answer);
	switch (answer.status) {
	case DNS_FOUND:
		verify_by_answer(sig, &answer, digest);
		break;
	case DNS_NODATA:
	case DNS_NXDOMAIN:
		decide(sig, DKIM_PERMERROR, "there is no key");
		break;
	case DNS_BOGUS:
	case DNS_FAILED:
		decide(sig, DKIM_TEMPERROR, "the key cannot be looked up now");
		break;
	}
	dns_answer_fini(&answer);
}
