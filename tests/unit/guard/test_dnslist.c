/*
 * Names and answers of DNS lists (RFC 5782).
 */
#include "base/str.h"
#include "guard/dnslist.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>

static void
expect_name(const char *ip, const char *zone, const char *want)
{
	struct ip_address a;
	char name[256] = "";

	cr_assert(ip_parse(str_of(ip), &a));
	cr_expect_eq(guard_dnslist_name(&a, zone, name), want != NULL);
	if (want != NULL)
		cr_expect_str_eq(name, want);
}

Test(guard_dnslist, names)
{
	char zone[300];

	/* 2.1 and 2.4 */
	expect_name(
	    "192.0.2.99", "bad.example.com", "99.2.0.192.bad.example.com");
	expect_name("2001:db8:1:2:3:4:567:89ab", "ugly.example.com",
	    "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2."
	    "ugly.example.com");
	memset(zone, 'a', sizeof(zone));
	zone[244] = '\0';
	expect_name("192.0.2.1", zone, NULL);
	zone[190] = '\0';
	expect_name("2001:db8::1", zone, NULL);
}

static bool
counts(const char *patterns, const char *answer)
{
	struct config_strings list = { 0 };
	char *v[8], *texts = str_dup(str_of(patterns));
	struct pst_str rest = str_of(texts), part;
	unsigned char octets[4];
	bool result;

	while (str_split(&rest, ' ', &part))
		v[list.n++] = str_dup(part);
	list.v = v;
	cr_assert_eq(inet_pton(AF_INET, answer, octets), 1);
	result = guard_dnslist_counts(&list, octets);
	for (size_t i = 0; i < list.n; i++)
		free(v[i]);
	free(texts);
	return result;
}

Test(guard_dnslist, answers)
{
	cr_expect(counts("127.*.*.*", "127.0.0.2"));
	cr_expect(counts("127.*.*.*", "127.1.2.3"));
	cr_expect(counts("127.0.0.2", "127.0.0.2"));
	cr_expect(!counts("127.0.0.2", "127.0.0.3"));
	cr_expect(counts("127.0.0.4-7", "127.0.0.4"));
	cr_expect(counts("127.0.0.4-7", "127.0.0.7"));
	cr_expect(!counts("127.0.0.4-7", "127.0.0.8"));
	cr_expect(!counts("127.0.0.4-7", "127.0.0.3"));
	cr_expect(counts("127.0.0.2 127.0.*.3", "127.0.9.3"));
	/* 2.3: an answer elsewhere comes from who sells lapsed domains. */
	cr_expect(!counts("*.*.*.*", "192.0.2.1"));
	cr_expect(!counts("*.*.*.*", "127.255.255.254"));
	cr_expect(counts("*.*.*.*", "127.255.254.1"));
}

Test(guard_dnslist, configured_answers)
{
	static const struct {
		const char *answers;
		bool good;
	} cases[] = {
		{ "127.0.0.2", true },
		{ "127.0.0.2-9 127.*.*.*", true },
		{ "127.0.0", false },
		{ "127.0.0.2.3", false },
		{ "127.0.0.256", false },
		{ "127.0.0.9-2", false },
		{ "127.0.0.x", false },
		{ "127.0.0.", false },
		{ "127.0.0.-2", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct config_override set[] = {
			{ "hostname", "mail.example.org" },
			{ "listener.x.port", "25" },
			{ "dnslist.list.example.answers", cases[i].answers },
		};
		struct pst_error err = { 0 };
		struct config *cfg = config_parse("", set, 3, NULL, NULL, &err);

		cr_expect_eq(cfg != NULL, cases[i].good, "%s: %s",
		    cases[i].answers, err.detail);
		if (cfg != NULL)
			cr_expect_str_eq(cfg->dnslist[0].zone, "list.example");
		config_unref(&cfg);
	}
}
