/*
 * Networks in the configuration.
 */
#include "base/network.h"

#include <criterion/criterion.h>

static const struct {
	char network[48], address[48];
	bool is_in;
} cases[] = {
	{ "192.0.2.0/24", "192.0.2.0", true },
	{ "192.0.2.0/24", "192.0.2.255", true },
	{ "192.0.2.0/24", "192.0.3.0", false },
	{ "192.0.2.77/24", "192.0.2.1", true },
	{ "192.0.2.128/25", "192.0.2.127", false },
	{ "192.0.2.128/25", "192.0.2.129", true },
	{ "192.0.2.0/23", "192.0.3.9", true },
	{ "192.0.2.1", "192.0.2.1", true },
	{ "192.0.2.1", "192.0.2.2", false },
	{ "192.0.2.1/32", "192.0.2.2", false },
	{ "0.0.0.0/0", "255.255.255.255", true },
	{ "0.0.0.0/0", "::1", false },
	{ "::/0", "2001:db8::1", true },
	{ "::/0", "192.0.2.1", false },
	{ "2001:db8::/32", "2001:db8:ffff::1", true },
	{ "2001:db8::/32", "2001:db9::1", false },
	{ "fe80::/10", "febf::1", true },
	{ "fe80::/10", "fec0::1", false },
	{ "2001:db8::1/128", "2001:db8::1", true },
	{ "2001:db8::1/127", "2001:db8::2", false },
	{ "::1", "::1", true },
	{ "192.0.2.0/24", "unix", false },
	{ "192.0.2.0/24", "", false },
};

Test(network, contains)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_expect(network_is_valid(cases[i].network));
		cr_expect(network_contains(cases[i].network,
			      cases[i].address) == cases[i].is_in,
		    "%s %s", cases[i].network, cases[i].address);
	}
}

Test(network, refuses)
{
	static const char bad[][64] = { "", "/", "/8", "10.0.0.0/",
		"10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0.0/ 8",
		"10.0.0/8", "10.0.0.0.0/8", "::/129", "::/1x", "host", " ::1",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa/8",
		"10.0.0.0/99999999999999999999" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_expect_not(network_is_valid(bad[i]), "%s", bad[i]);
		cr_expect_not(network_contains(bad[i], "10.0.0.1"));
	}
}
