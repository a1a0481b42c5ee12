/*
 * Where mail for a domain goes, by a DNS made of a table.
 */
#include "exchange/hosts.h"

#include "base/clock.h"
#include "base/str.h"
#include "exchange/wire_trust.h"

#include <criterion/criterion.h>

struct record {
	const char *name;
	enum dns_type type;
	enum dns_status status;
	bool secure;
	const char *canonical;
	struct pst_str data;
};

static const struct record table[] = {
	{ "two.test", DNS_MX, DNS_FOUND, true, NULL, STR("\0\24\1b\4test\0") },
	{ "two.test", DNS_MX, DNS_FOUND, true, NULL, STR("\0\12\1A\4test\0") },
	{ "equal.test", DNS_MX, DNS_FOUND, false, NULL,
	    STR("\0\12\1a\4test\0") },
	{ "equal.test", DNS_MX, DNS_FOUND, false, NULL,
	    STR("\0\12\1b\4test\0") },
	{ "null.test", DNS_MX, DNS_FOUND, false, NULL, STR("\0\0\0") },
	{ "odd.test", DNS_MX, DNS_FOUND, false, NULL, STR("\0\1\3a b\0") },
	{ "nulls.test", DNS_MX, DNS_FOUND, false, NULL, STR("\0\0\0") },
	{ "nulls.test", DNS_MX, DNS_FOUND, false, NULL,
	    STR("\0\12\1a\4test\0") },
	{ "plain.test", DNS_MX, DNS_NODATA, false, NULL, { NULL, 0 } },
	{ "backup.test", DNS_MX, DNS_FOUND, false, NULL,
	    STR("\0\24\4here\4test\0") },
	{ "backup.test", DNS_MX, DNS_FOUND, false, NULL,
	    STR("\0\12\1a\4test\0") },
	{ "backup.test", DNS_MX, DNS_FOUND, false, NULL,
	    STR("\0\36\1b\4test\0") },
	{ "loop.test", DNS_MX, DNS_FOUND, false, NULL,
	    STR("\0\12\4here\4test\0") },
	{ "away.test", DNS_MX, DNS_FAILED, false, NULL, { NULL, 0 } },
	{ "a.test", DNS_A, DNS_FOUND, true, NULL, STR("\300\0\2\1") },
	{ "a.test", DNS_A, DNS_FOUND, true, NULL, STR("\300\0\2\2") },
	{ "a.test", DNS_AAAA, DNS_FOUND, true, NULL,
	    STR("\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\1") },
	{ "b.test", DNS_A, DNS_FOUND, true, "real.test", STR("\300\0\2\3") },
	{ "c.test", DNS_A, DNS_FOUND, false, NULL, STR("\300\0\2\4") },
	{ "d.test", DNS_A, DNS_FAILED, false, NULL, { NULL, 0 } },
	{ "e.test", DNS_A, DNS_NODATA, false, NULL, { NULL, 0 } },
	{ "_25._tcp.a.test", DNS_TLSA, DNS_FOUND, true, NULL,
	    STR("\3\1\1xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx") },
	{ "_25._tcp.real.test", DNS_TLSA, DNS_NODATA, true, NULL, { NULL, 0 } },
	{ "_25._tcp.b.test", DNS_TLSA, DNS_FOUND, true, NULL,
	    STR("\2\0\1yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy") },
	{ "_25._tcp.c.test", DNS_TLSA, DNS_FOUND, true, NULL,
	    STR("\3\1\1xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx") },
};

static void
lookup(void *arg, const char *name, enum dns_type type, int64_t deadline,
    struct dns_answer *a)
{
	size_t n = sizeof(table) / sizeof(table[0]);

	(void)arg;
	(void)deadline;
	*a = (struct dns_answer){ .status = DNS_NXDOMAIN, .ttl = 100 };
	a->arena = arena_new(0);
	a->record = arena_alloc(a->arena, n * sizeof(*a->record));
	for (size_t i = 0; i < n; i++) {
		const struct record *r = &table[i];

		if (strcmp(r->name, name) != 0)
			continue;
		if (a->status == DNS_NXDOMAIN)
			a->status = DNS_NODATA;
		if (r->type != type)
			continue;
		a->status = r->status;
		a->secure = r->secure;
		a->canonical = r->canonical;
		if (r->data.n > 0)
			a->record[a->records++] = r->data;
	}
}

static const struct dns_resolver dns = { lookup, NULL };
static const char *const own[] = { "here.test" };

static enum hosts_result
find(const char *domain, struct hosts *h)
{
	struct pst_error err = { 0 };
	enum hosts_result result = hosts_find(
	    &dns, domain, 25, own, 1, INT64_MAX, h, &err);

	if (result != HOSTS_FOUND)
		cr_assert(err.detail[0] != '\0');
	return result;
}

Test(hosts, in_order)
{
	struct hosts h;

	for (int i = 0; i < 20; i++) {
		cr_assert_eq(find("two.test", &h), HOSTS_FOUND);
		cr_assert_eq(h.n, 2);
		cr_assert_str_eq(h.host[0].name, "a.test");
		cr_assert_str_eq(h.host[1].name, "b.test");
	}
	cr_assert(h.secure);
	/* Nothing is shared with those whose list anybody may have forged. */
	cr_assert_str_eq(h.key, "dnssec a.test b.test");
	cr_assert_gt(h.until, clock_monotonic());
	cr_assert_eq(find("plain.test", &h), HOSTS_FOUND);
	cr_assert_eq(h.n, 1);
	cr_assert_not(h.has_mx);
	cr_assert_str_eq(h.host[0].name, "plain.test");
}

/* Either of two equals comes first now and then, and the key is the same. */
Test(hosts, equals_take_turns)
{
	int first[2] = { 0 };
	struct hosts h;

	for (int i = 0; i < 200; i++) {
		cr_assert_eq(find("equal.test", &h), HOSTS_FOUND);
		cr_assert_str_eq(h.key, "a.test b.test");
		first[h.host[0].name[0] - 'a']++;
	}
	cr_assert_gt(first[0], 40);
	cr_assert_gt(first[1], 40);
}

/* RFC 7505, 3: it means nothing beside others, wherever it stands. */
Test(hosts, null_beside_others)
{
	struct hosts h;

	cr_assert_eq(find("nulls.test", &h), HOSTS_FOUND);
	cr_assert_eq(h.n, 1);
	cr_assert_str_eq(h.host[0].name, "a.test");
}

/* Twelve long names, of which the last one ends in what `arg` is. */
static void
lookup_many(void *arg, const char *name, enum dns_type type, int64_t deadline,
    struct dns_answer *a)
{
	(void)name;
	(void)type;
	(void)deadline;
	*a = (struct dns_answer){ .status = DNS_FOUND, .ttl = 100 };
	a->arena = arena_new(0);
	a->record = arena_alloc(a->arena, 12 * sizeof(*a->record));
	for (; a->records < 12; a->records++) {
		char data[80] = "\0\12";
		int n = snprintf(data + 3, sizeof(data) - 3,
		    "host-%02zu-of-many-whose-names-are-all-very-long%s",
		    a->records, a->records == 11 ? (const char *)arg : "");

		data[2] = (char)n;
		a->record[a->records] = arena_copy(
		    a->arena, str_n(data, (size_t)n + 4));
	}
}

static void
find_many(char *last, struct hosts *h)
{
	const struct dns_resolver many = { lookup_many, last };
	struct pst_error err = { 0 };

	cr_assert_eq(
	    hosts_find(&many, "many.test", 25, own, 1, INT64_MAX, h, &err),
	    HOSTS_FOUND);
	cr_assert_eq(h->n, 12);
}

/* Mail for the one would go to the other. */
Test(hosts, long_lists_differ)
{
	static char one[] = "a", other[] = "b";
	struct hosts h, k;

	find_many(one, &h);
	find_many(other, &k);
	cr_assert_str_neq(h.key, k.key);
	find_many(one, &k);
	cr_assert_str_eq(h.key, k.key);
}

Test(hosts, none)
{
	struct hosts h;

	cr_assert_eq(find("null.test", &h), HOSTS_NULL);
	cr_assert_eq(find("no.test", &h), HOSTS_NONE);
	cr_assert_eq(find("away.test", &h), HOSTS_LATER);
	cr_assert_eq(find("odd.test", &h), HOSTS_LATER);
	cr_assert_eq(find("loop.test", &h), HOSTS_LOOP);
	/* Only those that are better than we are. */
	cr_assert_eq(find("backup.test", &h), HOSTS_FOUND);
	cr_assert_eq(h.n, 1);
	cr_assert_str_eq(h.host[0].name, "a.test");
}

Test(hosts, literals)
{
	struct hosts h;
	char text[64];

	cr_assert_eq(find("[192.0.2.7]", &h), HOSTS_FOUND);
	cr_assert(h.host[0].is_literal);
	wire_address_print(&h.host[0].literal, text);
	cr_assert_str_eq(text, "192.0.2.7");
	cr_assert_eq(find("[IPv6:2001:db8::7]", &h), HOSTS_FOUND);
	wire_address_print(&h.host[0].literal, text);
	cr_assert_str_eq(text, "2001:db8::7");
	cr_assert_eq(find("[192.0.2]", &h), HOSTS_NONE);
}

Test(hosts, relays)
{
	static const struct {
		const char *text, *name;
		int port;
	} row[] = {
		{ "Mail.Example.org", "mail.example.org", 25 },
		{ "mail.example.org:587", "mail.example.org", 587 },
		{ "[192.0.2.1]", "192.0.2.1", 25 },
		{ "[192.0.2.1]:2525", "192.0.2.1", 2525 },
		{ "[IPv6:2001:db8::1]:26", "2001:db8::1", 26 },
		{ "mail.example.org:0", NULL, 0 },
		{ "mail.example.org:70000", NULL, 0 },
		{ "mail.example.org:", NULL, 0 },
		{ "mail example", NULL, 0 },
		{ "", NULL, 0 },
		{ "[192.0.2.1:25", NULL, 0 },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct hosts h;

		cr_assert_eq(hosts_relay(row[i].text, &h), row[i].name != NULL);
		if (row[i].name == NULL)
			continue;
		cr_assert_str_eq(h.host[0].name, row[i].name);
		cr_assert_eq(h.host[0].port, row[i].port);
	}
}

static enum hosts_result
addresses(const char *name, bool v6, struct host_addresses *a)
{
	struct host host = { .port = 25 };
	struct pst_error err;

	(void)str_copy(host.name, sizeof(host.name), str_of(name));
	return host_addresses(&dns, &host, v6, INT64_MAX, a, &err);
}

Test(hosts, addresses_in_turns)
{
	struct host_addresses a;
	char text[64];

	cr_assert_eq(addresses("a.test", true, &a), HOSTS_FOUND);
	cr_assert_eq(a.n, 3);
	wire_address_print(&a.address[0], text);
	cr_assert_str_eq(text, "2001:db8::1");
	wire_address_print(&a.address[1], text);
	cr_assert_str_eq(text, "192.0.2.1");
	cr_assert_eq(addresses("a.test", false, &a), HOSTS_FOUND);
	cr_assert_eq(a.n, 2);
	cr_assert_eq(addresses("d.test", true, &a), HOSTS_LATER);
	cr_assert_eq(addresses("e.test", true, &a), HOSTS_NONE);
	cr_assert_eq(addresses("f.test", true, &a), HOSTS_NONE);
}

/* RFC 7672, 2.2.2: the records of the canonical name first, then those of the
 * name; nothing where the addresses are not secure. */
Test(hosts, tlsa)
{
	static const struct {
		const char *name, *base;
		enum hosts_result result;
	} row[] = {
		{ "a.test", "a.test", HOSTS_FOUND },
		{ "b.test", "b.test", HOSTS_FOUND },
		{ "c.test", NULL, HOSTS_NONE },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct host host = { .port = 25 };
		struct host_addresses a;
		struct host_tlsa t;
		struct pst_error err;

		(void)str_copy(
		    host.name, sizeof(host.name), str_of(row[i].name));
		cr_assert_eq(addresses(row[i].name, true, &a), HOSTS_FOUND);
		cr_assert_eq(host_tlsa(&dns, &host, &a, INT64_MAX, &t, &err),
		    row[i].result);
		if (row[i].base != NULL) {
			cr_assert_str_eq(t.base, row[i].base);
			cr_assert_eq(t.n, 1);
			cr_assert(wire_tlsa_is_usable(&t.record[0]));
		}
		host_tlsa_fini(&t);
	}
}

Test(hosts, usable_records)
{
	static const struct {
		struct pst_str data;
		bool usable;
	} row[] = {
		{ STR("\3\1\1xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), true },
		{ STR("\2\0\0x"), true },
		{ STR("\0\0\1xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), false },
		{ STR("\1\0\1xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), false },
		{ STR("\3\2\1xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), false },
		{ STR("\3\1\3xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), false },
		{ STR("\3\1\1xxxx"), false },
		{ STR("\3\1"), false },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		const struct wire_tlsa t = { row[i].data };

		cr_assert_eq(wire_tlsa_is_usable(&t), row[i].usable);
	}
}
