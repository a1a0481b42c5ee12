/*
 * SPF: the examples of macros (RFC 7208, 7.4), every mechanism, every limit,
 * every error.
 */
#include "fixture.h"

#include "base/str.h"
#include "trust/spf_priv.h"
#include <criterion/criterion.h>

/* --- macros -----------------------------------------------------------------
 */

static const char *
validated(void *arg)
{
	return arg;
}

static void
expect_expansion(
    const char *ip, const char *text, bool explains, const char *wanted)
{
	static char name[] = "mx.example.org";
	struct spf_query q = { .local = "strong-bad",
		.domain = "email.example.com",
		.helo = "mail.example.com",
		.receiver = "us.example.net",
		.now = 1000000 };
	struct spf_names names = { .query = &q,
		.domain = "email.example.com",
		.validated = validated,
		.arg = name };
	struct buf out;
	bool good;

	cr_assert(ip_parse(str_of(ip), &q.ip));
	buf_init(&out, 600);
	good = spf_expand(&names, str_of(text), explains, &out);
	cr_expect_eq(good, wanted != NULL, "%s", text);
	if (good && wanted != NULL)
		cr_expect(str_is(buf_str(&out), wanted), "%s gives %.*s", text,
		    STR_ARG(buf_str(&out)));
	buf_fini(&out);
}

Test(spf, expands_macros)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		/* RFC 7208, 7.4 */
		{ "%{s}", "strong-bad@email.example.com" },
		{ "%{o}", "email.example.com" },
		{ "%{d}", "email.example.com" },
		{ "%{d4}", "email.example.com" },
		{ "%{d3}", "email.example.com" },
		{ "%{d2}", "example.com" },
		{ "%{d1}", "com" },
		{ "%{dr}", "com.example.email" },
		{ "%{d2r}", "example.email" },
		{ "%{l}", "strong-bad" },
		{ "%{l-}", "strong.bad" },
		{ "%{lr}", "strong-bad" },
		{ "%{lr-}", "bad.strong" },
		{ "%{l1r-}", "strong" },
		{ "%{ir}.%{v}._spf.%{d2}",
		    "3.2.0.192.in-addr._spf.example.com" },
		{ "%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com" },
		{ "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}",
		    "bad.strong.lp.3.2.0.192.in-addr._spf.example.com" },
		{ "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}",
		    "3.2.0.192.in-addr.strong.lp._spf.example.com" },
		{ "%{d2}.trusted-domains.example.net",
		    "example.com.trusted-domains.example.net" },
		/* Others. */
		{ "%%%_%-", "% %20" },
		{ "%{h}", "mail.example.com" },
		{ "%{p}", "mx.example.org" },
		{ "%{p2}", "example.org" },
		{ "%{S}", "strong-bad%40email.example.com" },
		{ "%{L}", "strong-bad" },
		{ "%{d99999}", "email.example.com" },
		{ "%{DR}", "com.example.email" },
		{ "%{s2@}", NULL },
		{ "%{i1.+,/_=-}", "3" },
		{ "%{d0}", NULL },
		{ "%{c}", NULL },
		{ "%{x}", NULL },
		{ "%{}", NULL },
		{ "%{d", NULL },
		{ "%", NULL },
		{ "%(d)", NULL },
		{ "%{drr}", NULL },
		{ "%{dr2}", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		expect_expansion(
		    "192.0.2.3", cases[i].text, false, cases[i].wanted);
	expect_expansion("2001:db8::cb01", "%{ir}.%{v}._spf.%{d2}", false,
	    "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
	    "8.b.d.0.1.0.0.2.ip6._spf.example.com");
	expect_expansion("192.0.2.3", "%{c} at %{r}, %{t}: %{i}", true,
	    "192.0.2.3 at us.example.net, 1000000: 192.0.2.3");
	expect_expansion("2001:db8::cb01", "%{c}", true, "2001:db8::cb01");
}

Test(spf, knows_what_a_domain_spec_is)
{
	static const char *const good[] = { "example.com", "a.example.com.",
		"%{d}", "x.%{d2}", "%{ir}._spf.example.com", "a.b-c", "_x.com",
		"a.%%", "%{l}.x1", "1.2.3.example" };
	static const char *const bad[] = { "", "example", "example.com..",
		"a.123", "a.-b", "a.b-", "a b.com", "a.%", "%{d}.1", "a.b_c",
		"a.%{q}" };

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		cr_expect(spf_is_domain_spec(str_of(good[i])), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_expect_not(spf_is_domain_spec(str_of(bad[i])), "%s", bad[i]);
}

/* --- records ----------------------------------------------------------------
 */

Test(spf, refuses_records_with_errors)
{
	static const char *const good[] = { "", " -all", " ALL", " a/24",
		" a//64", " a/24//64", " a:b.example/0", " mx:x.example//0",
		" ip4:192.0.2.0/24", " ip6:2001:db8::/32", " ip6:::1",
		" ip6:::ffff:192.0.2.1", " ptr", " ptr:x.example",
		" exists:%{i}._spf.%{d}", " redirect=x.example", " foo=bar",
		"  a   mx ", " exp=x.example -all", " a:%{d}/24",
		" A:EXAMPLE.com", " foo.b-a_r=" };
	static const char *const bad[] = { " all:x", " all/8", " include",
		" include:", " exists", " a:", " a/33", " a//129", " a/024",
		" a/", " a//", " a/24/64", " ip4", " ip4:1.2.3",
		" ip4:1.2.3.4/33", " ip4:::1", " ip4:1.2.3.4/", " ip6:1.2.3.4",
		" ip6:x", " ip6:::1/129", " ptr:", " unknown", " -", " ?",
		" redirect=", " redirect=a.b redirect=c.d", " exp=a",
		" exp=a.b exp=c.d", " =x", " 1a=x", " foo=%q", " a\tb",
		" --all", " a=b%", " mx:a_b", " ip4:01.2.3.4", " a/1x" };
	struct arena *a = arena_new(0);
	struct spf_record r;
	struct pst_str at;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		cr_expect(spf_record_parse(a, str_of(good[i]), &r, &at), "%s",
		    good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_expect_not(
		    spf_record_parse(a, str_of(bad[i]), &r, &at), "%s", bad[i]);
	arena_free(&a);
}

/* --- checks -----------------------------------------------------------------
 */

static const struct zone_record zone[] = {
#define TXT_OF(name, text)                     \
	{                                      \
		name, DNS_TXT, text, DNS_FOUND \
	}
#define A_OF(name, address)                     \
	{                                       \
		name, DNS_A, address, DNS_FOUND \
	}
	TXT_OF("all.example", "v=spf1 -all"),
	TXT_OF("plus.example", "v=spf1 +all"),
	TXT_OF("soft.example", "v=spf1 ~all"),
	TXT_OF("neutral.example", "v=spf1 ?all"),
	TXT_OF("open.example", "v=spf1"),
	TXT_OF("case.example", "V=SPF1 A:HOST.EXAMPLE -ALL"),
	TXT_OF("two.example", "v=spf1 -all"),
	TXT_OF("two.example", "v=spf1 +all"),
	TXT_OF("other.example", "v=spf10 -all"),
	TXT_OF("other.example", "hello"),
	TXT_OF("split.example", "v=spf1 ip4:192.|0.2.1 -all"),
	TXT_OF("bad.example", "v=spf1 +all what"),
	TXT_OF("latebad.example", "v=spf1 ip4:192.0.2.1 ip4:1 -all"),
	{ "temp.example", DNS_TXT, NULL, DNS_FAILED },
	{ "bogus.example", DNS_TXT, NULL, DNS_BOGUS },
	{ "empty.example", DNS_A, "192.0.2.1", DNS_FOUND },

	A_OF("host.example", "192.0.2.1"),
	A_OF("host.example", "192.0.2.77"),
	{ "host.example", DNS_AAAA, "2001:db8::1", DNS_FOUND },
	TXT_OF("a.example", "v=spf1 a -all"),
	A_OF("a.example", "192.0.2.1"),
	TXT_OF("acidr.example", "v=spf1 a:host.example/24//64 -all"),
	TXT_OF("atemp.example", "v=spf1 a:dead.example -all"),
	{ "dead.example", DNS_A, NULL, DNS_FAILED },
	{ "dead.example", DNS_TXT, NULL, DNS_FAILED },
	{ "dead.example", DNS_MX, NULL, DNS_FAILED },
	TXT_OF("mx.example", "v=spf1 mx -all"),
	{ "mx.example", DNS_MX, "10 nothing.example", DNS_FOUND },
	{ "mx.example", DNS_MX, "20 host.example", DNS_FOUND },
	TXT_OF("nullmx.example", "v=spf1 mx -all"),
	{ "nullmx.example", DNS_MX, "0 .", DNS_FOUND },
	TXT_OF("mxtemp.example", "v=spf1 mx:dead.example -all"),
	TXT_OF("ip4.example", "v=spf1 ip4:192.0.2.0/28 ip4:198.51.100.1 -all"),
	TXT_OF("ip6.example", "v=spf1 ip6:2001:db8::/32 -all"),
	TXT_OF("exists.example", "v=spf1 exists:%{ir}.list.example -all"),
	A_OF("1.2.0.192.list.example", "127.0.0.2"),
	TXT_OF("local.example", "v=spf1 exists:%{l}.%{h}.users.example -all"),
	A_OF("ann.helo.users.example", "127.0.0.2"),
	TXT_OF("wrongname.example", "v=spf1 exists:%{l}..example ?all"),

	TXT_OF("ptr.example", "v=spf1 ptr -all"),
	{ "1.2.0.192.in-addr.arpa", DNS_PTR, "liar.example", DNS_FOUND },
	{ "1.2.0.192.in-addr.arpa", DNS_PTR, "Host.PTR.example", DNS_FOUND },
	A_OF("host.ptr.example", "192.0.2.1"),
	A_OF("liar.example", "192.0.2.200"),
	TXT_OF("ptrliar.example", "v=spf1 ptr:liar.example -all"),
	TXT_OF("macrop.example", "v=spf1 exists:%{p}.p.example -all"),
	A_OF("host.ptr.example.p.example", "127.0.0.1"),
	A_OF("unknown.p.example", "127.0.0.1"),

	TXT_OF("include.example", "v=spf1 include:ip4.example ~all"),
	TXT_OF("includenone.example", "v=spf1 include:nothing.example +all"),
	TXT_OF("includetemp.example", "v=spf1 include:temp.example +all"),
	TXT_OF("includebad.example", "v=spf1 include:bad.example +all"),
	TXT_OF("notincluded.example", "v=spf1 -include:ip4.example +all"),
	TXT_OF("redirect.example", "v=spf1 redirect=ip4.example"),
	TXT_OF("redirectall.example", "v=spf1 ?all redirect=ip4.example"),
	TXT_OF("redirectnone.example", "v=spf1 redirect=nothing.example"),
	TXT_OF("loop.example", "v=spf1 include:loop.example -all"),
	TXT_OF("redirectloop.example", "v=spf1 redirect=redirectloop.example"),
	TXT_OF("voids.example",
	    "v=spf1 a:v1.example a:v2.example a:v3.example +all"),
	TXT_OF("twovoids.example", "v=spf1 a:v1.example a:v2.example +all"),
	TXT_OF("ten.example",
	    "v=spf1 a:h.example a:h.example a:h.example a:h.example "
	    "a:h.example a:h.example a:h.example a:h.example a:h.example "
	    "a:h.example +all"),
	TXT_OF("eleven.example",
	    "v=spf1 a:h.example a:h.example a:h.example a:h.example "
	    "a:h.example a:h.example a:h.example a:h.example a:h.example "
	    "a:h.example a:h.example +all"),
	A_OF("h.example", "203.0.113.1"),
	TXT_OF("manymx.example", "v=spf1 mx +all"),
#define MX_OF(n)                                                    \
	{                                                           \
		"manymx.example", DNS_MX, n " h.example", DNS_FOUND \
	}
	MX_OF("1"),
	MX_OF("2"),
	MX_OF("3"),
	MX_OF("4"),
	MX_OF("5"),
	MX_OF("6"),
	MX_OF("7"),
	MX_OF("8"),
	MX_OF("9"),
	MX_OF("10"),
	MX_OF("11"),

	TXT_OF("exp.example", "v=spf1 -all exp=why.%{d}"),
	TXT_OF("why.exp.example", "%{i} is not|%_of %{d}: %{c}\001"),
	TXT_OF("expbad.example", "v=spf1 -all exp=badwhy.example"),
	TXT_OF("badwhy.example", "%{zz}"),
	TXT_OF("expinc.example", "v=spf1 -include:expok.example -all "
				 "exp=why.exp.example"),
	TXT_OF("expok.example", "v=spf1 +all exp=badwhy.example"),
};

static struct spf_answer
check(const char *ip, const char *domain)
{
	struct zone z = ZONE(zone);
	struct dns_resolver dns = zone_resolver(&z);
	struct spf_query q = { .local = "ann",
		.domain = domain,
		.helo = "helo",
		.receiver = "us.example",
		.dns = &dns };
	struct spf_answer a;

	cr_assert(ip_parse(str_of(ip), &q.ip));
	spf_check(&q, &a);
	return a;
}

static void
expect(const char *ip, const char *domain, enum spf_result result)
{
	struct spf_answer a = check(ip, domain);

	cr_expect_eq(a.result, result, "%s %s: %s, %s", ip, domain,
	    spf_result_name(a.result), a.reason);
}

Test(spf, finds_the_record)
{
	expect("192.0.2.1", "all.example", SPF_FAIL);
	expect("192.0.2.1", "plus.example", SPF_PASS);
	expect("192.0.2.1", "soft.example", SPF_SOFTFAIL);
	expect("192.0.2.1", "neutral.example", SPF_NEUTRAL);
	expect("192.0.2.1", "open.example", SPF_NEUTRAL);
	expect("192.0.2.1", "case.example", SPF_PASS);
	expect("192.0.2.1", "split.example", SPF_PASS);
	expect("192.0.2.1", "two.example", SPF_PERMERROR);
	expect("192.0.2.1", "other.example", SPF_NONE);
	expect("192.0.2.1", "nothing.example", SPF_NONE);
	expect("192.0.2.1", "empty.example", SPF_NONE);
	expect("192.0.2.1", "example", SPF_NONE);
	expect("192.0.2.1", "temp.example", SPF_TEMPERROR);
	expect("192.0.2.1", "bogus.example", SPF_TEMPERROR);
	/* An error anywhere counts, even behind what matches. */
	expect("192.0.2.1", "bad.example", SPF_PERMERROR);
	expect("192.0.2.1", "latebad.example", SPF_PERMERROR);
}

Test(spf, tries_mechanisms)
{
	expect("192.0.2.1", "a.example", SPF_PASS);
	expect("192.0.2.2", "a.example", SPF_FAIL);
	expect("192.0.2.200", "acidr.example", SPF_PASS);
	expect("192.0.3.1", "acidr.example", SPF_FAIL);
	expect("2001:db8::2:1", "acidr.example", SPF_PASS);
	expect("2001:db8:0:1::1", "acidr.example", SPF_FAIL);
	expect("192.0.2.1", "atemp.example", SPF_TEMPERROR);
	expect("192.0.2.77", "mx.example", SPF_PASS);
	expect("192.0.2.78", "mx.example", SPF_FAIL);
	expect("2001:db8::1", "mx.example", SPF_PASS);
	expect("192.0.2.1", "nullmx.example", SPF_FAIL);
	expect("192.0.2.1", "mxtemp.example", SPF_TEMPERROR);
	expect("192.0.2.15", "ip4.example", SPF_PASS);
	expect("192.0.2.16", "ip4.example", SPF_FAIL);
	expect("198.51.100.1", "ip4.example", SPF_PASS);
	expect("::ffff:198.51.100.1", "ip4.example", SPF_PASS);
	expect("2001:db8::1", "ip4.example", SPF_FAIL);
	expect("2001:db8:ffff::1", "ip6.example", SPF_PASS);
	expect("192.0.2.1", "ip6.example", SPF_FAIL);
	expect("192.0.2.1", "exists.example", SPF_PASS);
	expect("192.0.2.2", "exists.example", SPF_FAIL);
	expect("192.0.2.1", "local.example", SPF_PASS);
	/* No name at all: it does not exist. */
	expect("192.0.2.1", "wrongname.example", SPF_NEUTRAL);
}

Test(spf, believes_only_names_that_lead_back)
{
	expect("192.0.2.1", "ptr.example", SPF_PASS);
	expect("192.0.2.2", "ptr.example", SPF_FAIL);
	expect("192.0.2.1", "ptrliar.example", SPF_FAIL);
	expect("192.0.2.1", "macrop.example", SPF_PASS);
	expect("192.0.2.2", "macrop.example", SPF_PASS);
}

Test(spf, follows_include_and_redirect)
{
	expect("192.0.2.1", "include.example", SPF_PASS);
	expect("192.0.2.16", "include.example", SPF_SOFTFAIL);
	expect("192.0.2.1", "includenone.example", SPF_PERMERROR);
	expect("192.0.2.1", "includetemp.example", SPF_TEMPERROR);
	expect("192.0.2.1", "includebad.example", SPF_PERMERROR);
	expect("192.0.2.1", "notincluded.example", SPF_FAIL);
	expect("192.0.2.16", "notincluded.example", SPF_PASS);
	expect("192.0.2.1", "redirect.example", SPF_PASS);
	expect("192.0.2.16", "redirect.example", SPF_FAIL);
	expect("192.0.2.16", "redirectall.example", SPF_NEUTRAL);
	expect("192.0.2.1", "redirectnone.example", SPF_PERMERROR);
}

Test(spf, keeps_to_its_limits)
{
	expect("192.0.2.1", "loop.example", SPF_PERMERROR);
	expect("192.0.2.1", "redirectloop.example", SPF_PERMERROR);
	expect("192.0.2.1", "voids.example", SPF_PERMERROR);
	expect("192.0.2.1", "twovoids.example", SPF_PASS);
	expect("192.0.2.1", "ten.example", SPF_PASS);
	expect("192.0.2.1", "eleven.example", SPF_PERMERROR);
	expect("192.0.2.1", "manymx.example", SPF_PERMERROR);
}

Test(spf, says_why)
{
	struct spf_answer a = check("192.0.2.9", "exp.example");

	cr_expect_eq(a.result, SPF_FAIL);
	cr_expect_str_eq(a.reason, "-all");
	cr_expect_str_eq(
	    a.explanation, "192.0.2.9 is not of exp.example: 192.0.2.9?");
	a = check("192.0.2.9", "expbad.example");
	cr_expect_eq(a.result, SPF_FAIL);
	cr_expect_str_eq(a.explanation, "");
	/* That of who refuses, not of who is included. */
	a = check("192.0.2.9", "expinc.example");
	cr_expect_eq(a.result, SPF_FAIL);
	cr_expect_str_eq(
	    a.explanation, "192.0.2.9 is not of expinc.example: 192.0.2.9?");
	a = check("192.0.2.9", "eleven.example");
	cr_expect_str_eq(a.reason, "too many DNS lookups");
	a = check("192.0.2.9", "bad.example");
	cr_expect_str_eq(a.reason, "syntax error: what");
}
