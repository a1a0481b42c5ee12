/*
 * Rates of addresses and networks, and the table below them.
 */
#include "base/str.h"
#include "guard/known.h"
#include "guard/rates.h"
#include "guard/table.h"

#include <criterion/criterion.h>

#define SECOND INT64_C(1000000)

static struct config *
configured(const char *key, const char *value)
{
	const struct config_override set[] = {
		{ "hostname", "mail.example.org" },
		{ "listener.x.port", "25" },
		{ "guard.rate_time", "60" },
		{ key, value },
	};
	struct pst_error err = { 0 };
	struct config *cfg = config_parse("", set, 4, NULL, NULL, &err);

	cr_assert(cfg != NULL, "%s", err.detail);
	return cfg;
}

static struct ip_address
ip(const char *text)
{
	struct ip_address a;

	cr_assert(ip_parse(str_of(text), &a));
	return a;
}

static bool
take(struct guard_rates *r, const struct config *cfg, const char *from,
    int64_t seconds)
{
	struct ip_address a = ip(from);

	return guard_rate_take(r, cfg, &a, GUARD_MESSAGES, seconds * SECOND) ==
	       NULL;
}

Test(guard_rates, an_address_has_its_allowance)
{
	struct config *cfg = configured("guard.messages", "3");
	struct guard_rates *r = guard_rates_new(1024);
	struct ip_address a = ip("192.0.2.1");

	for (int i = 0; i < 3; i++)
		cr_expect(take(r, cfg, "192.0.2.1", 1000));
	cr_expect(!take(r, cfg, "192.0.2.1", 1000));
	cr_expect_str_eq(
	    guard_rate_look(r, cfg, &a, GUARD_MESSAGES, 1000 * SECOND),
	    "address");
	/* Another address, and another kind. */
	cr_expect(take(r, cfg, "192.0.2.2", 1000));
	cr_expect_null(
	    guard_rate_take(r, cfg, &a, GUARD_RECIPIENTS, 1000 * SECOND));
	/* It comes back bit by bit; what was refused did not count. */
	cr_expect(!take(r, cfg, "192.0.2.1", 1019));
	cr_expect(take(r, cfg, "192.0.2.1", 1020));
	cr_expect(!take(r, cfg, "192.0.2.1", 1020));
	for (int i = 0; i < 3; i++)
		cr_expect(take(r, cfg, "192.0.2.1", 2000));
	cr_expect(!take(r, cfg, "192.0.2.1", 2000));
	guard_rates_free(&r);
	config_unref(&cfg);
}

Test(guard_rates, a_network_has_its_allowance)
{
	struct config *cfg = configured("guard.network_messages", "2");
	struct guard_rates *r = guard_rates_new(1024);
	struct ip_address a = ip("192.0.2.200");

	cr_expect(take(r, cfg, "192.0.2.1", 1000));
	cr_expect(take(r, cfg, "192.0.2.99", 1000));
	cr_expect(!take(r, cfg, "192.0.2.200", 1000));
	cr_expect_str_eq(
	    guard_rate_look(r, cfg, &a, GUARD_MESSAGES, 1000 * SECOND),
	    "network");
	cr_expect(take(r, cfg, "192.0.3.1", 1000));
	cr_expect(take(r, cfg, "2001:db8::1", 1000));
	cr_expect(take(r, cfg, "2001:db8::ffff:1", 1000));
	cr_expect(!take(r, cfg, "2001:db8::2", 1000));
	cr_expect(take(r, cfg, "2001:db8:0:1::2", 1000));
	guard_rates_free(&r);
	config_unref(&cfg);
}

Test(guard_rates, look_does_not_count)
{
	struct config *cfg = configured("guard.messages", "1");
	struct guard_rates *r = guard_rates_new(1024);
	struct ip_address a = ip("192.0.2.1");

	for (int i = 0; i < 5; i++)
		cr_expect_null(
		    guard_rate_look(r, cfg, &a, GUARD_MESSAGES, 1000 * SECOND));
	cr_expect(take(r, cfg, "192.0.2.1", 1000));
	guard_rates_free(&r);
	config_unref(&cfg);
}

/* However many addresses come, who is over the limit stays so. */
Test(guard_rates, a_flood_does_not_wash_out_the_worst)
{
	struct config *cfg = configured("guard.messages", "4");
	struct guard_rates *r = guard_rates_new(1024);
	char other[64];

	for (int i = 0; i < 4; i++)
		cr_expect(take(r, cfg, "192.0.2.1", 1000));
	for (int i = 0; i < 20000; i++) {
		(void)snprintf(other, sizeof(other), "10.%d.%d.%d", i >> 16,
		    i >> 8 & 255, i & 255);
		(void)take(r, cfg, other, 1000);
	}
	cr_expect(!take(r, cfg, "192.0.2.1", 1001));
	guard_rates_free(&r);
	config_unref(&cfg);
}

Test(guard_table, networks)
{
	struct ip_address a = ip("192.0.2.255"), b = ip("2001:db8:1:2:3::f");
	struct network n = guard_network(&a, 96 + 24);
	struct ip_address want = ip("192.0.2.0");

	cr_expect(memcmp(n.address.octets, want.octets, 16) == 0);
	n = guard_network(&a, 96 + 25);
	want = ip("192.0.2.128");
	cr_expect(memcmp(n.address.octets, want.octets, 16) == 0);
	n = guard_network(&b, 64);
	want = ip("2001:db8:1:2::");
	cr_expect(memcmp(n.address.octets, want.octets, 16) == 0);
	n = guard_network(&b, 128);
	cr_expect(memcmp(n.address.octets, b.octets, 16) == 0);
}

Test(guard_known, until_a_time)
{
	struct guard_known *k = guard_known_new(1024);
	struct ip_address a = ip("192.0.2.1"), b = ip("192.0.2.2");

	cr_expect(!guard_known_has(k, &a, 5));
	guard_known_add(k, &a, 10);
	cr_expect(guard_known_has(k, &a, 5));
	cr_expect(!guard_known_has(k, &b, 5));
	cr_expect(!guard_known_has(k, &a, 10));
	guard_known_free(&k);
}
