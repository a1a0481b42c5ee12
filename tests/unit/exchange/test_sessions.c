/*
 * What connections remember: sessions, and which family answered.
 */
#include "exchange/wire_sessions.h"

#include "base/clock.h"
#include "base/str.h"

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdlib.h>

Test(sessions, a_session_is_taken_once)
{
	struct wire_sessions *s = wire_sessions_new();
	void *data;
	size_t n;

	cr_assert_not(wire_sessions_take(s, "a", &data, &n));
	wire_sessions_put(s, "a", "one", 3);
	wire_sessions_put(s, "b", "two", 3);
	wire_sessions_put(s, "a", "other", 5);
	cr_assert(wire_sessions_take(s, "a", &data, &n));
	cr_assert_eq(n, 5);
	cr_assert_eq(memcmp(data, "other", 5), 0);
	free(data);
	cr_assert_not(wire_sessions_take(s, "a", &data, &n));
	clock_advance(INT64_C(2) * 3600 * 1000000);
	cr_assert_not(wire_sessions_take(s, "b", &data, &n), "too old");
	wire_sessions_free(&s);
}

Test(sessions, many_servers)
{
	struct wire_sessions *s = wire_sessions_new();
	size_t found = 0, n;
	char key[16];
	void *data;

	for (int i = 0; i < 5000; i++) {
		(void)snprintf(key, sizeof(key), "%d", i);
		wire_sessions_put(s, key, key, strlen(key));
	}
	for (int i = 0; i < 5000; i++) {
		(void)snprintf(key, sizeof(key), "%d", i);
		if (!wire_sessions_take(s, key, &data, &n))
			continue;
		found++;
		cr_assert_eq(n, strlen(key));
		cr_assert_eq(memcmp(data, key, n), 0);
		free(data);
	}
	cr_assert_gt(found, 500);
	cr_assert_leq(found, 1024);
	wire_sessions_free(&s);
}

static int
family(const char *text)
{
	struct wire_address a;

	cr_assert(wire_address_parse(text, 25, &a));
	return a.sa.ss_family;
}

Test(sessions, family_that_answered)
{
	static const char *const text[] = { "2001:db8::1", "192.0.2.1",
		"2001:db8::2", "192.0.2.2" };
	struct wire_sessions *s = wire_sessions_new();
	struct wire_address a[4];
	char first[64], second[64], third[64];

	for (size_t i = 0; i < 4; i++)
		cr_assert(wire_address_parse(text[i], 25, &a[i]));
	wire_sessions_order(s, "mx.test", a, 4);
	cr_assert_eq(a[0].sa.ss_family, family("::1"), "nothing is known");
	wire_sessions_answered(s, "mx.test", &a[1]);
	wire_sessions_order(s, "other.test", a, 4);
	cr_assert_eq(a[0].sa.ss_family, family("::1"), "of another one");
	wire_sessions_order(s, "mx.test", a, 4);
	wire_address_print(&a[0], first);
	wire_address_print(&a[1], second);
	wire_address_print(&a[2], third);
	cr_assert_str_eq(first, "192.0.2.1");
	cr_assert_str_eq(second, "192.0.2.2");
	cr_assert_str_eq(third, "2001:db8::1");
	wire_sessions_free(&s);
}
