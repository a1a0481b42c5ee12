/*
 * DMARC: records, where they are found, alignment, and what is wanted.
 */
#include "fixture.h"

#include "base/str.h"
#include "trust/dmarc.h"
#include "trust/domain.h"
#include <criterion/criterion.h>
#include <stdlib.h>

/* --- records ----------------------------------------------------------------
 */

Test(dmarc, reads_records)
{
	struct dmarc_record r;

	cr_expect(dmarc_record_parse(STR("v=DMARC1; p=reject"), &r));
	cr_expect_eq(r.policy, DMARC_P_REJECT);
	cr_expect_eq(r.subdomains, DMARC_P_REJECT);
	cr_expect_eq(r.percent, 100);
	cr_expect_not(r.strict_dkim);
	cr_expect_not(r.strict_spf);
	cr_expect(dmarc_record_parse(
	    STR("v=DMARC1;p=Quarantine;sp=none;adkim=s;aspf=S;pct=20;"
		"rua=mailto:a@example.org;fo=1;x=y;"),
	    &r));
	cr_expect_eq(r.policy, DMARC_P_QUARANTINE);
	cr_expect_eq(r.subdomains, DMARC_P_NONE);
	cr_expect_eq(r.percent, 20);
	cr_expect(r.strict_dkim);
	cr_expect(r.strict_spf);
	/* What cannot be read has its default. */
	cr_expect(dmarc_record_parse(
	    STR("v=DMARC1; p=none; sp=what; pct=101; adkim=x"), &r));
	cr_expect_eq(r.subdomains, DMARC_P_NONE);
	cr_expect_eq(r.percent, 100);
	cr_expect_not(r.strict_dkim);
	/* RFC 7489, 6.6.3. */
	cr_expect(dmarc_record_parse(
	    STR("v=DMARC1; p=what; rua=mailto:a@example.org"), &r));
	cr_expect_eq(r.policy, DMARC_P_NONE);
}

Test(dmarc, refuses_what_is_no_record)
{
	static const char *const bad[] = { "", "v=DMARC1", "v=DMARC1; p=what",
		"v=DMARC2; p=none", "p=none; v=DMARC1", "v=spf1 -all",
		"v=DMARC1; p=none; p=reject", "v=DMARC1 p=none",
		"v=dmarc1; p=none", "v=DMARC1; rua=" };
	struct dmarc_record r;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_expect_not(
		    dmarc_record_parse(str_of(bad[i]), &r), "%s", bad[i]);
}

/* --- organisations ----------------------------------------------------------
 */

Test(dmarc, knows_organisations)
{
	cr_expect_str_eq(trust_organisation("example.org"), "example.org");
	cr_expect_str_eq(trust_organisation("a.b.example.org"), "example.org");
	cr_expect_str_eq(
	    trust_organisation("mail.example.co.uk"), "example.co.uk");
	cr_expect_str_eq(trust_organisation("co.uk"), "co.uk");
	cr_expect_str_eq(trust_organisation("x.github.io"), "x.github.io");
	cr_expect_str_eq(trust_organisation("a.example.test"), "example.test");
}

Test(dmarc, knows_what_is_below)
{
	cr_expect(trust_is_below("example.org", "example.org"));
	cr_expect(trust_is_below("a.example.org", "example.org"));
	cr_expect_not(trust_is_below("aexample.org", "example.org"));
	cr_expect_not(trust_is_below("example.org", "a.example.org"));
	cr_expect_not(trust_is_below("", "example.org"));
}

Test(dmarc, makes_domains_comparable)
{
	struct arena *a = arena_new(0);

	cr_expect_str_eq(trust_domain(a, STR("Example.ORG.")), "example.org");
	cr_expect_str_eq(trust_domain(a, STR("b\xc3\xbc"
					     "cher.example")),
	    "xn--bcher-kva.example");
	cr_expect_null(trust_domain(a, STR("")));
	cr_expect_null(trust_domain(a, STR(".")));
	cr_expect_null(trust_domain(a, STR("a b")));
	cr_expect_null(trust_domain(a, STR("\xff.example")));
	cr_expect_null(trust_domain(a, STR("a\0b.example")));
	arena_free(&a);
}

/* --- checks -----------------------------------------------------------------
 */

static const struct zone_record zone[] = {
	{ "_dmarc.reject.example", DNS_TXT, "v=DMARC1; p=reject; sp=quarantine",
	    DNS_FOUND },
	{ "_dmarc.strict.example", DNS_TXT,
	    "v=DMARC1; p=reject; adkim=s; aspf=s", DNS_FOUND },
	{ "_dmarc.none.example", DNS_TXT, "v=DMARC1; p=none", DNS_FOUND },
	{ "_dmarc.half.example", DNS_TXT, "v=DMARC1; p=reject; pct=50",
	    DNS_FOUND },
	{ "_dmarc.halfq.example", DNS_TXT, "v=DMARC1; p=quarantine; pct=50",
	    DNS_FOUND },
	{ "_dmarc.two.example", DNS_TXT, "v=DMARC1; p=reject", DNS_FOUND },
	{ "_dmarc.two.example", DNS_TXT, "v=DMARC1; p=none", DNS_FOUND },
	{ "_dmarc.noise.example", DNS_TXT, "hello", DNS_FOUND },
	{ "_dmarc.noise.example", DNS_TXT, "v=DMARC1; p=quarantine",
	    DNS_FOUND },
	{ "_dmarc.own.reject.example", DNS_TXT, "v=DMARC1; p=none", DNS_FOUND },
	{ "_dmarc.dead.example", DNS_TXT, NULL, DNS_FAILED },
	{ "_dmarc.bogus.example", DNS_TXT, NULL, DNS_BOGUS },
};

static struct dmarc_answer
check(const char *from, enum spf_result spf, const char *spf_domain,
    enum dkim_result dkim, const char *dkim_domain, unsigned roll)
{
	struct zone z = ZONE(zone);
	struct dns_resolver dns = zone_resolver(&z);
	struct arena *a = arena_new(0);
	struct trust_authors authors;
	struct dkim_signature sig = { .result = dkim, .domain = dkim_domain };
	struct trust_header h;
	struct dmarc_answer answer;
	static char domain[300];
	char *text = crlf(from);

	trust_header_init(&h, 10000, 100);
	(void)trust_header_feed(&h, text, strlen(text));
	trust_header_end(&h);
	trust_authors(a, &h, &authors);
	const struct dmarc_query q = { .authors = &authors,
		.spf = spf,
		.spf_domain = spf_domain,
		.sig = &sig,
		.sigs = dkim_domain != NULL ? 1 : 0,
		.roll = roll,
		.dns = &dns };

	dmarc_check(&q, &answer);
	if (answer.domain != NULL) {
		(void)str_copy(domain, sizeof(domain), str_of(answer.domain));
		answer.domain = domain;
	}
	trust_header_fini(&h);
	arena_free(&a);
	free(text);
	return answer;
}

#define FROM(address) "From: Somebody <" address ">\n\n"

static void
expect(const char *from, enum spf_result spf, const char *spf_domain,
    enum dkim_result dkim, const char *dkim_domain, enum dmarc_result result,
    enum dmarc_policy wanted)
{
	struct dmarc_answer a = check(
	    from, spf, spf_domain, dkim, dkim_domain, 99);

	cr_expect_eq(
	    a.result, result, "%s%s", from, dmarc_result_name(a.result));
	if (result == DMARC_FAIL)
		cr_expect_eq(a.wanted, wanted, "%s%s", from,
		    dmarc_policy_name(a.wanted));
}

Test(dmarc, wants_what_is_aligned)
{
	expect(FROM("a@reject.example"), SPF_PASS, "reject.example", DKIM_FAIL,
	    NULL, DMARC_PASS, DMARC_P_NONE);
	expect(FROM("a@reject.example"), SPF_PASS, "bounce.reject.example",
	    DKIM_FAIL, NULL, DMARC_PASS, DMARC_P_NONE);
	expect(FROM("a@reject.example"), SPF_PASS, "other.example", DKIM_FAIL,
	    NULL, DMARC_FAIL, DMARC_P_REJECT);
	expect(FROM("a@reject.example"), SPF_FAIL, "reject.example", DKIM_PASS,
	    "x.reject.example", DMARC_PASS, DMARC_P_NONE);
	expect(FROM("a@reject.example"), SPF_SOFTFAIL, "reject.example",
	    DKIM_FAIL, "reject.example", DMARC_FAIL, DMARC_P_REJECT);
	expect(FROM("a@reject.example"), SPF_NONE, NULL, DKIM_PASS,
	    "other.example", DMARC_FAIL, DMARC_P_REJECT);
	expect(FROM("a@reject.example"), SPF_NONE, NULL, DKIM_POLICY,
	    "reject.example", DMARC_FAIL, DMARC_P_REJECT);
	expect(FROM("a@strict.example"), SPF_PASS, "x.strict.example",
	    DKIM_PASS, "x.strict.example", DMARC_FAIL, DMARC_P_REJECT);
	expect(FROM("a@strict.example"), SPF_PASS, "strict.example", DKIM_FAIL,
	    NULL, DMARC_PASS, DMARC_P_NONE);
	expect(FROM("a@none.example"), SPF_NONE, NULL, DKIM_FAIL, NULL,
	    DMARC_FAIL, DMARC_P_NONE);
}

Test(dmarc, finds_the_policy)
{
	expect(FROM("a@nothing.example"), SPF_FAIL, "nothing.example",
	    DKIM_FAIL, NULL, DMARC_NONE, DMARC_P_NONE);
	expect(FROM("a@sub.reject.example"), SPF_NONE, NULL, DKIM_FAIL, NULL,
	    DMARC_FAIL, DMARC_P_QUARANTINE);
	expect(FROM("a@a.b.reject.example"), SPF_NONE, NULL, DKIM_FAIL, NULL,
	    DMARC_FAIL, DMARC_P_QUARANTINE);
	expect(FROM("a@own.reject.example"), SPF_NONE, NULL, DKIM_FAIL, NULL,
	    DMARC_FAIL, DMARC_P_NONE);
	expect(FROM("a@two.example"), SPF_NONE, NULL, DKIM_FAIL, NULL,
	    DMARC_NONE, DMARC_P_NONE);
	expect(FROM("a@noise.example"), SPF_NONE, NULL, DKIM_FAIL, NULL,
	    DMARC_FAIL, DMARC_P_QUARANTINE);
	expect(FROM("A@REJECT.Example"), SPF_NONE, NULL, DKIM_FAIL, NULL,
	    DMARC_FAIL, DMARC_P_REJECT);
}

Test(dmarc, waits_for_the_dns)
{
	expect(FROM("a@dead.example"), SPF_NONE, NULL, DKIM_FAIL, NULL,
	    DMARC_TEMPERROR, DMARC_P_NONE);
	expect(FROM("a@bogus.example"), SPF_NONE, NULL, DKIM_FAIL, NULL,
	    DMARC_TEMPERROR, DMARC_P_NONE);
	expect(FROM("a@reject.example"), SPF_TEMPERROR, "reject.example",
	    DKIM_FAIL, NULL, DMARC_TEMPERROR, DMARC_P_NONE);
	expect(FROM("a@reject.example"), SPF_FAIL, "reject.example",
	    DKIM_TEMPERROR, "reject.example", DMARC_TEMPERROR, DMARC_P_NONE);
	/* Of no use anyway. */
	expect(FROM("a@reject.example"), SPF_TEMPERROR, "other.example",
	    DKIM_TEMPERROR, "other.example", DMARC_FAIL, DMARC_P_REJECT);
	expect(FROM("a@reject.example"), SPF_TEMPERROR, "reject.example",
	    DKIM_PASS, "reject.example", DMARC_PASS, DMARC_P_NONE);
}

Test(dmarc, samples)
{
	struct dmarc_answer a;

	a = check(FROM("a@half.example"), SPF_NONE, NULL, DKIM_FAIL, NULL, 49);
	cr_expect_eq(a.wanted, DMARC_P_REJECT);
	a = check(FROM("a@half.example"), SPF_NONE, NULL, DKIM_FAIL, NULL, 50);
	cr_expect_eq(a.wanted, DMARC_P_QUARANTINE);
	cr_expect_eq(a.policy, DMARC_P_REJECT);
	a = check(FROM("a@halfq.example"), SPF_NONE, NULL, DKIM_FAIL, NULL, 50);
	cr_expect_eq(a.wanted, DMARC_P_NONE);
}

Test(dmarc, the_worst_author_decides)
{
	struct dmarc_answer a;

	a = check("From: a@none.example, b@reject.example\n\n", SPF_PASS,
	    "none.example", DKIM_FAIL, NULL, 0);
	cr_expect_eq(a.result, DMARC_FAIL);
	cr_expect_eq(a.wanted, DMARC_P_REJECT);
	cr_expect_str_eq(a.domain, "reject.example");
	a = check("From: a@none.example\nFrom: b@reject.example\n\n", SPF_PASS,
	    "none.example", DKIM_FAIL, NULL, 0);
	cr_expect_eq(a.wanted, DMARC_P_REJECT);
	/* The line of an mbox hides no author. */
	a = check("From x Mon\nFrom: b@reject.example\n\n", SPF_NONE, NULL,
	    DKIM_FAIL, NULL, 0);
	cr_expect_eq(a.wanted, DMARC_P_REJECT);
	a = check("From: a@reject.example, nonsense\n\n", SPF_PASS,
	    "reject.example", DKIM_FAIL, NULL, 0);
	cr_expect_eq(a.result, DMARC_PERMERROR);
	a = check("Subject: none\n\n", SPF_PASS, "reject.example", DKIM_FAIL,
	    NULL, 0);
	cr_expect_eq(a.result, DMARC_PERMERROR);
	cr_expect_null(a.domain);
}
