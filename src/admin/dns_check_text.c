/*
 * dns_check_text.c - TXT records: SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC
 * 7489), MTA-STS (RFC 8461) and TLSRPT (RFC 8460).
 */
#include "admin/dns_check.h"

#include "base/clock.h"
#include "base/str.h"
#include "exchange/sts_policy.h"
#include "trust/dkim.h"
#include "trust/dkim_tags.h"
#include "trust/dmarc.h"
#include "trust/domain.h"
#include "trust/spf_priv.h"

enum { TEXT_MAX = 16384, DEPTH_MAX = 12, COUNT_MAX = 50 };

/* The one record that begins so, in `text`; others are not looked at. False: it
 * is said what is the matter. */
static bool
find_one(const struct dns_asking *q, const char *name, const char *prefix,
    struct buf *text, struct dns_finding *f)
{
	struct dns_answer a;
	struct buf one;
	size_t n = 0;

	if (!dns_ask(q, name, DNS_TXT, &a, f)) {
		dns_answer_fini(&a);
		return false;
	}
	buf_init(&one, TEXT_MAX);
	for (size_t i = 0; i < a.records; i++) {
		buf_clear(&one);
		if (!dns_txt(&a, i, &one) ||
		    !str_has_prefix_case(buf_str(&one), prefix))
			continue;
		dns_found(f, "\"%.*s\"", STR_ARG(buf_str(&one)));
		if (n++ == 0)
			(void)buf_add_str(text, buf_str(&one));
	}
	buf_fini(&one);
	if (n == 0)
		dns_judge(f, DNS_MISSING, "%s", "");
	else if (n > 1)
		dns_judge(
		    f, DNS_WRONG, "there are %zu such records: none counts", n);
	dns_answer_fini(&a);
	return n == 1;
}

/* --- SPF ---------------------------------------------------------------------
 */

/* "v=spf1" and nothing, or a space, behind it. */
static bool
is_spf(struct pst_str text)
{
	return str_has_prefix_case(text, "v=spf1") &&
	       (text.n == 6 || text.p[6] == ' ');
}

static bool
asks_dns(const struct spf_term *t)
{
	return t->kind == SPF_INCLUDE || t->kind == SPF_A ||
	       t->kind == SPF_MX || t->kind == SPF_PTR || t->kind == SPF_EXISTS;
}

/* Adds the terms that ask the DNS, those of included records with them. Names
 * with macros are not followed. */
static void
count_lookups(const struct dns_asking *q, struct pst_str text, unsigned depth,
    unsigned *n)
{
	struct arena *arena = arena_new(TEXT_MAX * 16);
	struct spf_record record;
	struct pst_str bad, next[COUNT_MAX];
	size_t follow = 0;

	if (spf_record_parse(arena, str_from(text, 6), &record, &bad)) {
		for (size_t i = 0; i < record.n; i++) {
			*n += asks_dns(&record.term[i]);
			if (record.term[i].kind == SPF_INCLUDE &&
			    follow < COUNT_MAX)
				next[follow++] = record.term[i].spec;
		}
		*n += record.redirect.p != NULL;
		if (record.redirect.p != NULL && follow < COUNT_MAX)
			next[follow++] = record.redirect;
	}
	for (size_t i = 0; i < follow && depth < DEPTH_MAX && *n < COUNT_MAX;
	     i++) {
		struct dns_finding ignored = { 0 };
		struct buf other;
		char name[256];

		buf_init(&ignored.found, TEXT_MAX);
		buf_init(&other, TEXT_MAX);
		if (str_copy(name, sizeof(name), next[i]) &&
		    find_one(q, name, "v=spf1", &other, &ignored) &&
		    is_spf(buf_str(&other)))
			count_lookups(q, buf_str(&other), depth + 1, n);
		buf_fini(&other);
		buf_fini(&ignored.found);
	}
	arena_free(&arena);
}

/* Does it allow our addresses? */
static void
try_spf(const struct dns_asking *q, const struct dns_wanted *w,
    struct dns_finding *f)
{
	for (size_t i = 0; i < q->plan->addresses && f->state == DNS_FINE;
	     i++) {
		const struct spf_query query = { .ip = q->plan->address[i],
			.local = "postmaster",
			.domain = w->name,
			.helo = q->plan->host,
			.receiver = q->plan->host,
			.now = clock_seconds(),
			.dns = &q->dns,
			.deadline = clock_monotonic() + 3 * q->time };
		struct spf_answer answer;

		spf_check(&query, &answer);
		if (answer.result == SPF_TEMPERROR)
			dns_judge(f, DNS_UNKNOWN, "%s", answer.reason);
		else if (answer.result != SPF_PASS)
			dns_judge(f, DNS_WRONG, "for %s it says %s: %s",
			    q->plan->address_text[i],
			    spf_result_name(answer.result), answer.reason);
	}
}

static bool
lets_all(const struct spf_record *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->term[i].kind == SPF_ALL && r->term[i].result == SPF_PASS)
			return true;
	return false;
}

static void
check_spf(const struct dns_asking *q, const struct dns_wanted *w,
    struct dns_finding *f)
{
	struct arena *arena = arena_new(TEXT_MAX * 16);
	struct spf_record record;
	struct pst_str bad = STR_NONE;
	struct buf text;
	unsigned lookups = 0;

	buf_init(&text, TEXT_MAX);
	if (!find_one(q, w->name, "v=spf1", &text, f) || f->state != DNS_FINE) {
		/* said */
	} else if (!is_spf(buf_str(&text)) ||
		   !spf_record_parse(
		       arena, str_from(buf_str(&text), 6), &record, &bad)) {
		dns_judge(
		    f, DNS_WRONG, "a syntax error at \"%.*s\"", STR_ARG(bad));
	} else {
		count_lookups(q, buf_str(&text), 0, &lookups);
		if (lookups > SPF_LOOKUPS_MAX)
			dns_judge(f, DNS_WRONG,
			    "it needs %u%s look-ups, and %d are allowed (RFC "
			    "7208, 4.6.4)",
			    lookups, lookups >= COUNT_MAX ? " or more" : "",
			    SPF_LOOKUPS_MAX);
		else if (lets_all(&record))
			dns_judge(f, DNS_WRONG, "+all lets everybody send");
		else
			try_spf(q, w, f);
	}
	buf_fini(&text);
	arena_free(&arena);
}

/* --- DKIM --------------------------------------------------------------------
 */

static struct pst_str
public_key_of(struct arena *a, struct pst_str record)
{
	struct dkim_tags tags;

	return dkim_tags_parse(record, &tags) ? dkim_tag_packed(a, &tags, "p")
					      : STR_NONE;
}

static void
judge_key(struct arena *arena, struct pst_str have, struct pst_str want,
    struct dns_finding *f)
{
	bool is_rsa = str_find_case(want, STR("k=ed25519")) == SIZE_MAX;
	struct dkim_key key;
	const char *reason = "";

	if (!dkim_key_parse(arena, have,
		is_rsa ? DKIM_RSA_SHA256 : DKIM_ED25519_SHA256, &key, &reason))
		dns_judge(f, DNS_WRONG, "no key: %s", reason);
	else if (key.revoked)
		dns_judge(f, DNS_WRONG, "the key is revoked: p= is empty");
	else if (!str_eq(
		     public_key_of(arena, have), public_key_of(arena, want)))
		dns_judge(
		    f, DNS_WRONG, "it is another key than the one that signs");
	else if (key.testing)
		dns_judge(
		    f, DNS_WRONG, "t=y says that signatures are to be ignored");
}

static void
check_dkim(const struct dns_asking *q, const struct dns_wanted *w,
    struct dns_finding *f)
{
	struct arena *arena = arena_new(TEXT_MAX * 8);
	struct buf text;

	buf_init(&text, TEXT_MAX);
	if (find_one(q, w->name, "", &text, f))
		judge_key(arena, buf_str(&text), w->data, f);
	buf_fini(&text);
	arena_free(&arena);
}

/* --- DMARC -------------------------------------------------------------------
 */

/* Reports to another domain need its consent (RFC 7489, 7.1). */
static void
check_reports(
    const struct dns_asking *q, struct pst_str rua, struct dns_finding *f)
{
	struct pst_str one;

	while (str_split(&rua, ',', &one) && f->state == DNS_FINE) {
		struct dns_finding ignored = { 0 };
		struct pst_str address = str_trim(one), domain;
		struct buf text;
		char name[600], other[256];

		if (!str_has_prefix_case(address, "mailto:") ||
		    str_find(address, '@') == address.n) {
			dns_judge(f, DNS_WRONG,
			    "rua: expected mailto: and an address, not "
			    "\"%.*s\"",
			    STR_ARG(address));
			return;
		}
		domain = str_from(address, str_find(address, '@') + 1);
		domain = str_first(domain, str_find(domain, '!'));
		if (!str_copy(other, sizeof(other), domain) ||
		    strcmp(trust_organisation(other),
			trust_organisation(q->plan->domain)) == 0)
			continue;
		(void)snprintf(name, sizeof(name), "%s._report._dmarc.%s",
		    q->plan->domain, other);
		buf_init(&ignored.found, TEXT_MAX);
		buf_init(&text, TEXT_MAX);
		if (!find_one(q, name, "v=DMARC1", &text, &ignored) &&
		    ignored.state == DNS_MISSING)
			dns_judge(f, DNS_WRONG,
			    "%s takes no reports for this domain: %s has no "
			    "TXT \"v=DMARC1\"",
			    other, name);
		buf_fini(&text);
		buf_fini(&ignored.found);
	}
}

static void
check_dmarc(const struct dns_asking *q, const struct dns_wanted *w,
    struct dns_finding *f)
{
	struct dmarc_record record;
	struct dkim_tags tags;
	const struct dkim_tag *tag;
	struct buf text;

	buf_init(&text, TEXT_MAX);
	if (!find_one(q, w->name, "v=DMARC1", &text, f) ||
	    f->state != DNS_FINE) {
		/* said */
	} else if (!dkim_tags_parse(buf_str(&text), &tags)) {
		dns_judge(f, DNS_WRONG, "a syntax error");
	} else if (!dmarc_record_parse(buf_str(&text), &record)) {
		dns_judge(
		    f, DNS_WRONG, "expected p=none, p=quarantine or p=reject");
	} else {
		tag = dkim_tag(&tags, "p");
		if (tag == NULL || (!str_is_case(tag->value, "none") &&
				       record.policy == DMARC_P_NONE))
			dns_judge(f, DNS_WRONG,
			    "expected p=none, p=quarantine or p=reject");
		else if (record.policy == DMARC_P_NONE)
			dns_judge(f, DNS_FINE, "p=none only asks for reports");
		tag = dkim_tag(&tags, "rua");
		if (tag != NULL)
			check_reports(q, tag->value, f);
	}
	buf_fini(&text);
}

/* --- MTA-STS and TLSRPT
 * --------------------------------------------------------
 */

static void
check_sts(const struct dns_asking *q, const struct dns_wanted *w,
    struct dns_finding *f)
{
	char id[STS_ID];
	struct buf text;

	buf_init(&text, TEXT_MAX);
	if (!find_one(q, w->name, "v=STSv1", &text, f) ||
	    f->state != DNS_FINE) {
		/* said */
	} else if (!sts_record_parse(buf_str(&text), id)) {
		dns_judge(f, DNS_WRONG,
		    "expected id= and 1 to 32 letters and digits");
	} else {
		dns_check_policy(q, f);
	}
	buf_fini(&text);
}

static void
check_tlsrpt(const struct dns_asking *q, const struct dns_wanted *w,
    struct dns_finding *f)
{
	struct dkim_tags tags;
	const struct dkim_tag *rua;
	struct buf text;

	buf_init(&text, TEXT_MAX);
	if (find_one(q, w->name, "v=TLSRPTv1", &text, f) &&
	    (!dkim_tags_parse(buf_str(&text), &tags) ||
		(rua = dkim_tag(&tags, "rua")) == NULL ||
		(!str_has_prefix_case(rua->value, "mailto:") &&
		    !str_has_prefix_case(rua->value, "https:"))))
		dns_judge(f, DNS_WRONG,
		    "expected rua=mailto: or rua=https: and an address");
	buf_fini(&text);
}

void
dns_check_text(const struct dns_asking *q, const struct dns_wanted *w,
    struct dns_finding *f)
{
	switch (w->kind) {
	case DNS_KIND_SPF:
		check_spf(q, w, f);
		break;
	case DNS_KIND_DKIM:
		check_dkim(q, w, f);
		break;
	case DNS_KIND_DMARC:
		check_dmarc(q, w, f);
		break;
	case DNS_KIND_STS:
		check_sts(q, w, f);
		break;
	case DNS_KIND_TLSRPT:
		check_tlsrpt(q, w, f);
		break;
	case DNS_KIND_ADDRESS:
	case DNS_KIND_MX:
	case DNS_KIND_TLSA:
	case DNS_KIND_SRV:
	case DNS_KIND_AUTO:
	case DNS_KIND_PTR:
		break;
	}
}
