/*
 * trust/spf.c - check_host() (RFC 7208, 4): getting the record and trying its
 * mechanisms (5), with the limits of 4.6.4.
 */
#include "base/str.h"
#include "trust/domain.h"
#include "trust/spf_priv.h"

#include <inttypes.h>

enum { ARENA_MAX = 4 << 20, NAME_TEXT = 1024, EXPLANATION_MAX = 1024 };

struct spf {
	const struct spf_query *q;
	struct spf_answer *out;
	struct arena *arena;
	unsigned lookups, voids;
	const char *validated; /* %{p}; NULL: not looked up yet */
};

/* What a mechanism says, before its qualifier counts. */
enum match { MATCH_NO, MATCH_YES, MATCH_TEMPERROR, MATCH_PERMERROR };

static enum spf_result check_host(
    struct spf *s, const char *domain, bool included);

const char *
spf_result_name(enum spf_result r)
{
	switch (r) {
	case SPF_NONE:
		return "none";
	case SPF_NEUTRAL:
		return "neutral";
	case SPF_PASS:
		return "pass";
	case SPF_FAIL:
		return "fail";
	case SPF_SOFTFAIL:
		return "softfail";
	case SPF_TEMPERROR:
		return "temperror";
	case SPF_PERMERROR:
		break;
	}
	return "permerror";
}

/* --- the DNS ----------------------------------------------------------------
 */

static void
reason(struct spf *s, const char *what, struct pst_str detail)
{
	(void)snprintf(s->out->reason, sizeof(s->out->reason), "%s%s%.*s", what,
	    detail.n > 0 && *what != '\0' ? " " : "",
	    STR_ARG(str_first(detail, 100)));
}

static enum match
permerror(struct spf *s, const char *what)
{
	reason(s, what, STR_NONE);
	return MATCH_PERMERROR;
}

/* MATCH_YES: the answer has records. What it holds is to be ended. */
static enum match
ask(struct spf *s, const char *name, enum dns_type type, struct dns_answer *a)
{
	s->q->dns->lookup(s->q->dns->arg, name, type, s->q->deadline, a);
	switch (a->status) {
	case DNS_FOUND:
		return MATCH_YES;
	case DNS_NODATA:
	case DNS_NXDOMAIN:
		if (++s->voids > SPF_VOIDS_MAX)
			return permerror(s, "too many void lookups");
		return MATCH_NO;
	case DNS_BOGUS:
	case DNS_FAILED:
		break;
	}
	reason(s, "the DNS fails for", str_of(name));
	return MATCH_TEMPERROR;
}

/* A term that asks the DNS. */
static bool
count_lookup(struct spf *s)
{
	if (++s->lookups <= SPF_LOOKUPS_MAX)
		return true;
	(void)permerror(s, "too many DNS lookups");
	return false;
}

/* --- names ------------------------------------------------------------------
 */

static bool
has_address(const struct spf *s, const struct dns_answer *a, unsigned bits)
{
	struct network n = { .address.v4 = s->q->ip.v4,
		.bits = bits + (s->q->ip.v4 ? 96 : 0) };
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	for (size_t i = 0; i < a->records; i++) {
		unsigned char octets[16];
		size_t len;

		if (!dns_address(a, i, octets, &len) ||
		    (len == 4) != s->q->ip.v4)
			continue;
		memcpy(n.address.octets, mapped, sizeof(mapped));
		memcpy(n.address.octets + 16 - len, octets, len);
		if (network_has(&n, &s->q->ip))
			return true;
	}
	return false;
}

static enum dns_type
address_type(const struct spf *s)
{
	return s->q->ip.v4 ? DNS_A : DNS_AAAA;
}

static void
reverse_name(const struct spf *s, char name[128])
{
	const unsigned char *o = s->q->ip.octets;
	int n = 0;

	if (s->q->ip.v4) {
		(void)snprintf(name, 128, "%u.%u.%u.%u.in-addr.arpa", o[15],
		    o[14], o[13], o[12]);
		return;
	}
	for (int i = 15; i >= 0; i--)
		n += snprintf(name + n, (size_t)(128 - n), "%x.%x.", o[i] & 15,
		    o[i] >> 4);
	(void)snprintf(name + n, (size_t)(128 - n), "ip6.arpa");
}

/* `name` has the client's address: it is validated (RFC 7208, 5.5). */
static bool
leads_back(struct spf *s, const char *name)
{
	struct dns_answer a;
	bool found;

	/* Errors here make no error of the check. */
	s->q->dns->lookup(
	    s->q->dns->arg, name, address_type(s), s->q->deadline, &a);
	found = a.status == DNS_FOUND &&
		has_address(s, &a, s->q->ip.v4 ? 32 : 128);
	dns_answer_fini(&a);
	return found;
}

/* The first validated name at or below `domain`; with `any` others too, if
 * there is none of those. */
static const char *
validated_name(
    struct spf *s, const struct dns_answer *ptr, const char *domain, bool any)
{
	const char *other = NULL;

	for (size_t i = 0; i < ptr->records && i < SPF_HOSTS_MAX; i++) {
		char name[256];
		const char *lower;

		if (!dns_ptr(ptr, i, name))
			continue;
		lower = trust_domain(s->arena, str_of(name));
		if (lower == NULL)
			continue;
		if (!trust_is_below(lower, domain) && (!any || other != NULL))
			continue;
		if (!leads_back(s, lower))
			continue;
		if (trust_is_below(lower, domain))
			return lower;
		other = lower;
	}
	return other;
}

struct macro_place {
	struct spf *s;
	const char *domain;
};

/* %{p} */
static const char *
validated(void *arg)
{
	struct macro_place *at = arg;
	struct spf *s = at->s;
	struct dns_answer ptr;
	char name[128];

	if (s->validated != NULL)
		return s->validated;
	reverse_name(s, name);
	s->q->dns->lookup(s->q->dns->arg, name, DNS_PTR, s->q->deadline, &ptr);
	if (ptr.status == DNS_FOUND)
		s->validated = validated_name(s, &ptr, at->domain, true);
	dns_answer_fini(&ptr);
	if (s->validated == NULL)
		s->validated = "unknown";
	return s->validated;
}

static bool
expand(struct spf *s, const char *domain, struct pst_str text, bool explains,
    struct buf *out)
{
	struct macro_place at = { s, domain };
	const struct spf_names names = {
		.query = s->q,
		.domain = domain,
		.validated = validated,
		.arg = &at,
	};

	return spf_expand(&names, text, explains, out);
}

/* RFC 7208, 7.3: a name that is too long loses labels on the left. */
static struct pst_str
shorten(struct pst_str name)
{
	while (name.n > 253) {
		size_t dot = str_find(name, '.');

		if (dot == name.n)
			break;
		name = str_from(name, dot + 1);
	}
	return name;
}

/* The name that a term is about; NULL: the expansion is no name. */
static const char *
target_of(struct spf *s, const char *domain, struct pst_str spec)
{
	const char *target = NULL;
	struct buf text;

	if (spec.p == NULL)
		return domain;
	buf_init(&text, NAME_TEXT);
	if (expand(s, domain, spec, false, &text))
		target = trust_domain(s->arena, shorten(buf_str(&text)));
	buf_fini(&text);
	return target;
}

/* --- mechanisms -------------------------------------------------------------
 */

static enum match
try_address(struct spf *s, const struct spf_term *t, const char *name)
{
	struct dns_answer a;
	enum match m = ask(s, name, address_type(s), &a);

	if (m == MATCH_YES &&
	    !has_address(s, &a, s->q->ip.v4 ? t->bits4 : t->bits6))
		m = MATCH_NO;
	dns_answer_fini(&a);
	return m;
}

static enum match
try_mx(struct spf *s, const struct spf_term *t, const char *name)
{
	struct dns_answer mx;
	enum match m = ask(s, name, DNS_MX, &mx);

	if (m == MATCH_YES && mx.records > SPF_HOSTS_MAX)
		m = permerror(s, "too many MX records");
	else if (m == MATCH_YES)
		m = MATCH_NO;
	for (size_t i = 0; m == MATCH_NO && i < mx.records; i++) {
		char host[256];
		unsigned preference;

		if (dns_mx(&mx, i, &preference, host) && strcmp(host, ".") != 0)
			m = try_address(s, t, host);
	}
	dns_answer_fini(&mx);
	return m;
}

static enum match
try_ptr(struct spf *s, const char *name)
{
	struct dns_answer ptr;
	char reverse[128];
	enum match m;

	reverse_name(s, reverse);
	m = ask(s, reverse, DNS_PTR, &ptr);
	if (m == MATCH_YES && validated_name(s, &ptr, name, false) == NULL)
		m = MATCH_NO;
	/* RFC 7208, 5.5: an error is no match. */
	if (m == MATCH_TEMPERROR)
		m = MATCH_NO;
	dns_answer_fini(&ptr);
	return m;
}

/* Whatever the client's address: an A record (RFC 7208, 5.7). */
static enum match
try_exists(struct spf *s, const char *name)
{
	struct dns_answer a;
	enum match m = ask(s, name, DNS_A, &a);

	dns_answer_fini(&a);
	return m;
}

static enum match
try_include(struct spf *s, const char *name)
{
	switch (check_host(s, name, true)) {
	case SPF_PASS:
		return MATCH_YES;
	case SPF_FAIL:
	case SPF_SOFTFAIL:
	case SPF_NEUTRAL:
		return MATCH_NO;
	case SPF_TEMPERROR:
		return MATCH_TEMPERROR;
	case SPF_NONE:
		reason(s, "no record to include at", str_of(name));
		return MATCH_PERMERROR;
	case SPF_PERMERROR:
		break;
	}
	return MATCH_PERMERROR;
}

static enum match
try_named(struct spf *s, const struct spf_term *t, const char *domain)
{
	const char *name;

	if (!count_lookup(s))
		return MATCH_PERMERROR;
	name = target_of(s, domain, t->spec);
	/* RFC 7208, 4.3 and 5: what is no name does not exist. */
	if (name == NULL)
		return t->kind == SPF_INCLUDE
			   ? permerror(s, "the name to include is none")
			   : MATCH_NO;
	switch (t->kind) {
	case SPF_INCLUDE:
		return try_include(s, name);
	case SPF_A:
		return try_address(s, t, name);
	case SPF_MX:
		return try_mx(s, t, name);
	case SPF_PTR:
		return try_ptr(s, name);
	case SPF_EXISTS:
		return try_exists(s, name);
	case SPF_ALL:
	case SPF_IP4:
	case SPF_IP6:
		break;
	}
	return MATCH_NO;
}

static enum match
try_term(struct spf *s, const struct spf_term *t, const char *domain)
{
	if (t->kind == SPF_ALL)
		return MATCH_YES;
	if (t->kind == SPF_IP4 || t->kind == SPF_IP6)
		return network_has(&t->network, &s->q->ip) ? MATCH_YES
							   : MATCH_NO;
	return try_named(s, t, domain);
}

/* --- records ----------------------------------------------------------------
 */

static bool
is_spf(struct pst_str text)
{
	return str_has_prefix_case(text, "v=spf1") &&
	       (text.n == 6 || text.p[6] == ' ');
}

/* The one record of SPF among the TXT records (RFC 7208, 4.5). */
static enum spf_result
choose_record(struct spf *s, const struct dns_answer *a, struct pst_str *text_r)
{
	enum spf_result result = SPF_NONE;
	struct buf text;

	buf_init(&text, SPF_RECORD_MAX);
	for (size_t i = 0; i < a->records; i++) {
		bool whole;

		buf_clear(&text);
		whole = dns_txt(a, i, &text);
		if (!is_spf(buf_str(&text)))
			continue;
		if (result != SPF_NONE || !whole) {
			reason(s,
			    whole ? "more than one record"
				  : "the record is too long",
			    STR_NONE);
			result = SPF_PERMERROR;
			break;
		}
		*text_r = arena_copy(s->arena, str_from(buf_str(&text), 6));
		result = text_r->p != NULL ? SPF_PASS : SPF_PERMERROR;
	}
	buf_fini(&text);
	return result;
}

/* SPF_PASS: there is one. */
static enum spf_result
get_record(struct spf *s, const char *domain, struct pst_str *text_r)
{
	enum spf_result result = SPF_NONE;
	struct dns_answer a;

	*text_r = STR_NONE;
	if (strchr(domain, '.') == NULL)
		return SPF_NONE;
	s->q->dns->lookup(s->q->dns->arg, domain, DNS_TXT, s->q->deadline, &a);
	if (a.status == DNS_BOGUS || a.status == DNS_FAILED) {
		reason(s, "the DNS fails for", str_of(domain));
		result = SPF_TEMPERROR;
	} else if (a.status == DNS_FOUND) {
		result = choose_record(s, &a, text_r);
	}
	dns_answer_fini(&a);
	return result;
}

/* RFC 7208, 6.2. Whatever goes wrong, there is none. */
static void
explain(struct spf *s, const char *domain, struct pst_str spec)
{
	const char *name = spec.p != NULL ? target_of(s, domain, spec) : NULL;
	struct dns_answer a;
	struct buf text, out;

	if (name == NULL)
		return;
	buf_init(&text, EXPLANATION_MAX);
	buf_init(&out, sizeof(s->out->explanation) - 1);
	s->q->dns->lookup(s->q->dns->arg, name, DNS_TXT, s->q->deadline, &a);
	if (a.status == DNS_FOUND && a.records == 1 && dns_txt(&a, 0, &text) &&
	    expand(s, domain, buf_str(&text), true, &out)) {
		/* It is shown to people: nothing but visible ASCII. */
		for (size_t i = 0; i < out.n; i++)
			if (out.p[i] < ' ' || out.p[i] > '~')
				out.p[i] = '?';
		(void)str_copy(s->out->explanation, sizeof(s->out->explanation),
		    buf_str(&out));
	}
	dns_answer_fini(&a);
	buf_fini(&text);
	buf_fini(&out);
}

static enum spf_result
follow_redirect(
    struct spf *s, const char *domain, struct pst_str spec, bool included)
{
	const char *name;
	enum spf_result result;

	if (!count_lookup(s))
		return SPF_PERMERROR;
	name = target_of(s, domain, spec);
	result = name != NULL ? check_host(s, name, included) : SPF_NONE;
	if (result != SPF_NONE)
		return result;
	reason(s, "redirect leads to no record", STR_NONE);
	return SPF_PERMERROR;
}

static bool
has_all(const struct spf_record *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->term[i].kind == SPF_ALL)
			return true;
	return false;
}

static enum spf_result
evaluate(struct spf *s, const char *domain, const struct spf_record *r,
    bool included)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct spf_term *t = &r->term[i];

		switch (try_term(s, t, domain)) {
		case MATCH_NO:
			continue;
		case MATCH_TEMPERROR:
			return SPF_TEMPERROR;
		case MATCH_PERMERROR:
			return SPF_PERMERROR;
		case MATCH_YES:
			break;
		}
		if (!included) {
			reason(s, "", t->text);
			if (t->result == SPF_FAIL)
				explain(s, domain, r->exp);
		}
		return t->result;
	}
	if (r->redirect.p != NULL && !has_all(r))
		return follow_redirect(s, domain, r->redirect, included);
	return SPF_NEUTRAL;
}

/* Each level costs one of SPF_LOOKUPS_MAX, so there are no more than that. */
static enum spf_result
check_host(struct spf *s, const char *domain, bool included)
{
	struct pst_str text, bad;
	struct spf_record record;
	enum spf_result result = get_record(s, domain, &text);

	if (result != SPF_PASS)
		return result;
	if (!spf_record_parse(s->arena, text, &record, &bad)) {
		reason(s, "syntax error:", bad);
		return SPF_PERMERROR;
	}
	return evaluate(s, domain, &record, included);
}

void
spf_check(const struct spf_query *q, struct spf_answer *out)
{
	struct spf s = { .q = q, .out = out, .arena = arena_new(ARENA_MAX) };

	memset(out, 0, sizeof(*out));
	out->result = check_host(&s, q->domain, false);
	arena_free(&s.arena);
	/* It is logged, and put into a header field. */
	for (char *p = out->reason; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
}
