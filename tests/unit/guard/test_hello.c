/*
 * What can be said of a HELO name.
 */
#include "base/str.h"
#include "guard/hello.h"

#include <criterion/criterion.h>

Test(guard_hello, kinds)
{
	static const struct {
		const char *name, *peer;
		enum guard_hello want;
	} cases[] = {
		{ "mail.example.org", "192.0.2.1", GUARD_HELLO_NAME },
		{ "mail.example.org.", "192.0.2.1", GUARD_HELLO_NAME },
		{ "a-b.x1.example", "192.0.2.1", GUARD_HELLO_NAME },
		{ "win_host.example", "192.0.2.1", GUARD_HELLO_NAME },
		{ "1.2.3.example", "192.0.2.1", GUARD_HELLO_NAME },
		{ "localhost", "192.0.2.1", GUARD_HELLO_BAD },
		{ "", "192.0.2.1", GUARD_HELLO_BAD },
		{ ".", "192.0.2.1", GUARD_HELLO_BAD },
		{ "a..b", "192.0.2.1", GUARD_HELLO_BAD },
		{ ".a.b", "192.0.2.1", GUARD_HELLO_BAD },
		{ "-a.b", "192.0.2.1", GUARD_HELLO_BAD },
		{ "a-.b", "192.0.2.1", GUARD_HELLO_BAD },
		{ "a:b.c", "192.0.2.1", GUARD_HELLO_BAD },
		{ "192.0.2.1", "192.0.2.1", GUARD_HELLO_BAD },
		{ "[192.0.2.1]", "192.0.2.1", GUARD_HELLO_ADDRESS },
		{ "[192.0.2.2]", "192.0.2.1", GUARD_HELLO_BAD },
		{ "[]", "192.0.2.1", GUARD_HELLO_BAD },
		{ "[", "192.0.2.1", GUARD_HELLO_BAD },
		{ "[x]", "192.0.2.1", GUARD_HELLO_BAD },
		{ "[IPv6:2001:db8::1]", "2001:db8::1", GUARD_HELLO_ADDRESS },
		{ "[ipv6:2001:DB8:0::1]", "2001:db8::1", GUARD_HELLO_ADDRESS },
		{ "[IPv6:2001:db8::2]", "2001:db8::1", GUARD_HELLO_BAD },
		{ "[2001:db8::1]", "2001:db8::1", GUARD_HELLO_BAD },
		{ "[IPv6:192.0.2.1]", "192.0.2.1", GUARD_HELLO_BAD },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(
		    guard_hello_kind(str_of(cases[i].name), cases[i].peer),
		    cases[i].want, "%s", cases[i].name);
}

Test(guard_hello, long_names)
{
	char name[300], label[80];

	memset(label, 'a', sizeof(label));
	(void)snprintf(name, sizeof(name), "%.63s.example", label);
	cr_expect_eq(guard_hello_kind(str_of(name), "::1"), GUARD_HELLO_NAME);
	(void)snprintf(name, sizeof(name), "%.64s.example", label);
	cr_expect_eq(guard_hello_kind(str_of(name), "::1"), GUARD_HELLO_BAD);
	(void)snprintf(name, sizeof(name), "%.63s.%.63s.%.63s.%.61s", label,
	    label, label, label);
	cr_expect_eq(guard_hello_kind(str_of(name), "::1"), GUARD_HELLO_NAME);
	(void)snprintf(name, sizeof(name), "%.63s.%.63s.%.63s.%.62s", label,
	    label, label, label);
	cr_expect_eq(guard_hello_kind(str_of(name), "::1"), GUARD_HELLO_BAD);
}

Test(guard_hello, ours)
{
	static const struct config_override set[] = {
		{ "hostname", "mail.example.org" },
		{ "domains", "example.org example.net" },
		{ "listener.x.port", "25" },
	};
	struct pst_error err = { 0 };
	struct config *cfg = config_parse("", set, 3, NULL, NULL, &err);

	cr_assert(cfg != NULL, "%s", err.detail);
	cr_expect(guard_hello_is_ours(cfg, STR("MAIL.example.org"), "::1"));
	cr_expect(guard_hello_is_ours(cfg, STR("mail.example.org."), "::1"));
	cr_expect(guard_hello_is_ours(cfg, STR("example.net"), "::1"));
	cr_expect(guard_hello_is_ours(cfg, STR("[IPv6:::1]"), "::1"));
	cr_expect(guard_hello_is_ours(cfg, STR("[192.0.2.9]"), "192.0.2.9"));
	cr_expect(!guard_hello_is_ours(cfg, STR("[192.0.2.8]"), "192.0.2.9"));
	cr_expect(!guard_hello_is_ours(cfg, STR("x.example.net"), "::1"));
	cr_expect(!guard_hello_is_ours(cfg, STR(""), "::1"));
	config_unref(&cfg);
}
