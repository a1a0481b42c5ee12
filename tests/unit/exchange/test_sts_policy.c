/*
 * MTA-STS (RFC 8461): records, policies, patterns of hosts.
 */
#include "exchange/sts_policy.h"

#include "base/str.h"

#include <criterion/criterion.h>

Test(sts_policy, records)
{
	static const struct {
		const char *text, *id;
	} row[] = {
		{ "v=STSv1; id=20160831085700Z;", "20160831085700Z" },
		{ "v=STSv1;id=1", "1" },
		{ "v=STSv1 ; id = 1 ; ", "1" },
		{ "v=STSv1; more=x; id=1; other=y", "1" },
		{ "v=STSv1;", NULL },
		{ "v=STSv1; id=;", NULL },
		{ "v=STSv1; id=a-b;", NULL },
		{ "v=STSv1; id=1; id=2;", NULL },
		{ "v=STSv1; id=123456789012345678901234567890123;", NULL },
		{ "v=STSv1; id=12345678901234567890123456789012;",
		    "12345678901234567890123456789012" },
		{ "v=STSv2; id=1;", NULL },
		{ "id=1; v=STSv1;", NULL },
		{ "v=STSv1; id=1; nonsense", NULL },
		{ "v=spf1 -all", NULL },
		{ "", NULL },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		char id[STS_ID];

		cr_expect_eq(sts_record_parse(str_of(row[i].text), id),
		    row[i].id != NULL, "%s", row[i].text);
		if (row[i].id != NULL)
			cr_expect_str_eq(id, row[i].id);
	}
}

Test(sts_policy, policies)
{
	static const struct {
		const char *text, *wrong;
		enum sts_mode mode;
		uint32_t max_age;
		size_t mx;
	} row[] = {
		{ "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\n"
		  "mx: *.example.net\r\nmax_age: 604800\r\n",
		    NULL, STS_ENFORCE, 604800, 2 },
		{ "max_age:5\nmx:a.b\nmode:testing\nversion:STSv1", NULL,
		    STS_TESTING, 5, 1 },
		{ "version: STSv1\nmode: none\nmax_age: 0\n", NULL, STS_NONE, 0,
		    0 },
		{ "version: STSv1\nmode: none\nmode: enforce\nmax_age: 1\n"
		  "max_age: 2\nfuture: x\n",
		    NULL, STS_NONE, 1, 0 },
		{ "version: STSv1\nmode: enforce\nmx: a\nmax_age: 9999999999\n",
		    NULL, STS_ENFORCE, STS_MAX_AGE, 1 },
		{ "version: STSv1\nmode: enforce\nmax_age: 1\n", "no mx", 0, 0,
		    0 },
		{ "mode: enforce\nmx: a\nmax_age: 1\n", "no version", 0, 0, 0 },
		{ "version: STSv1\nmx: a\nmax_age: 1\n", "no mode", 0, 0, 0 },
		{ "version: STSv1\nmode: none\n", "no max_age", 0, 0, 0 },
		{ "version: STSv2\nmode: none\nmax_age: 1\n",
		    "another version than STSv1", 0, 0, 0 },
		{ "version: STSv1\nmode: Enforce\nmx: a\nmax_age: 1\n",
		    "an unknown mode", 0, 0, 0 },
		{ "version: STSv1\nmode: none\nmax_age: -1\n",
		    "a max_age that is no number", 0, 0, 0 },
		{ "version: STSv1\nmode: none\nmax_age: 12345678901\n",
		    "a max_age that is no number", 0, 0, 0 },
		{ "version: STSv1\nmode: enforce\nmx: *\nmax_age: 1\n",
		    "an mx that is no host name", 0, 0, 0 },
		{ "version: STSv1\nmode: enforce\nmx: a.*.b\nmax_age: 1\n",
		    "an mx that is no host name", 0, 0, 0 },
		{ "<html>\n", "a line without a colon", 0, 0, 0 },
		{ "", "no version", 0, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct sts_text t;
		const char *why;
		bool good = sts_text_parse(str_of(row[i].text), &t, &why);

		cr_expect_eq(good, row[i].wrong == NULL, "%zu", i);
		if (!good) {
			cr_expect_str_eq(why, row[i].wrong, "%zu", i);
			continue;
		}
		cr_expect_eq(t.mode, row[i].mode, "%zu", i);
		cr_expect_eq(t.max_age, row[i].max_age, "%zu", i);
		cr_expect_eq(t.n, row[i].mx, "%zu", i);
	}
}

Test(sts_policy, hosts)
{
	static const struct {
		const char *pattern, *host;
		bool want;
	} row[] = {
		{ "mx.example.com", "mx.example.com", true },
		{ "mx.example.com", "MX.Example.com.", true },
		{ "mx.example.com", "mx2.example.com", false },
		{ "*.example.com", "mx.example.com", true },
		{ "*.example.com", "a.mx.example.com", false },
		{ "*.example.com", "example.com", false },
		{ "*.example.com", ".example.com", false },
		{ "*.example.com", "mx.example.org", false },
		{ "mx.example.com", "", false },
		{ "*.example.com", "", false },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		cr_expect_eq(
		    sts_mx_matches(str_of(row[i].pattern), row[i].host),
		    row[i].want, "%s %s", row[i].pattern, row[i].host);
}

Test(sts_policy, too_many_hosts)
{
	struct buf text;
	struct sts_text t;
	const char *why;

	buf_init(&text, STS_POLICY_MAX);
	(void)buf_puts(&text, "version: STSv1\nmode: enforce\nmax_age: 1\n");
	for (int i = 0; i < STS_MX_MAX; i++)
		(void)buf_puts(&text, "mx: a.test\n");
	cr_assert(sts_text_parse(buf_str(&text), &t, &why));
	(void)buf_puts(&text, "mx: a.test\n");
	cr_assert_not(sts_text_parse(buf_str(&text), &t, &why));
	cr_assert_str_eq(why, "too many mx fields");
	buf_fini(&text);
}
