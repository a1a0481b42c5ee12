/*
 * Networks in the configuration.
 */
#include "base/network.h"

#include <arpa/inet.h>
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

Test(network, knows_what_is_global)
{
	static const struct {
		const char *address;
		bool is_global;
	} where[] = {
		{ "0.0.0.0", false },
		{ "9.255.255.255", true },
		{ "10.0.0.1", false },
		{ "100.63.0.1", true },
		{ "100.64.0.1", false },
		{ "127.0.0.1", false },
		{ "169.254.169.254", false },
		{ "172.15.0.1", true },
		{ "172.31.255.255", false },
		{ "192.168.1.1", false },
		{ "192.0.2.1", false },
		{ "198.19.0.1", false },
		{ "8.8.8.8", true },
		{ "224.0.0.1", false },
		{ "255.255.255.255", false },
		{ "::", false },
		{ "::1", false },
		{ "::ffff:127.0.0.1", false },
		{ "::ffff:8.8.8.8", true },
		{ "::7f00:1", false },
		{ "64:ff9b::a00:1", false },
		{ "64:ff9b::808:808", true },
		{ "64:ff9b:1::808:808", false },
		{ "2002:7f00:1::", false },
		{ "2002:808:808::1", true },
		{ "2001::1", false },
		{ "2001:db8::1", false },
		{ "2001:4860:4860::8888", true },
		{ "2a00::1", true },
		{ "fe80::1", false },
		{ "fc00::1", false },
		{ "fd12::1", false },
		{ "ff02::1", false },
	};

	for (size_t i = 0; i < sizeof(where) / sizeof(where[0]); i++) {
		struct sockaddr_storage to = { 0 };
		struct sockaddr_in *v4 = (struct sockaddr_in *)&to;
		struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&to;

		if (inet_pton(AF_INET, where[i].address, &v4->sin_addr) == 1) {
			to.ss_family = AF_INET;
		} else {
			to.ss_family = AF_INET6;
			cr_assert_eq(inet_pton(AF_INET6, where[i].address,
					 &v6->sin6_addr),
			    1);
		}
		cr_assert_eq(network_is_global((struct sockaddr *)&to),
		    where[i].is_global, "%s", where[i].address);
	}
}
