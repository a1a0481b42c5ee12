/*
 * The memory of partly stored messages.
 */
#include "delivery/repeat.h"

#include "base/clock.h"

#include <criterion/criterion.h>

static struct repeat_key
key_of(const char *text)
{
	struct repeat_hash *h = repeat_hash_new();
	struct repeat_key key;

	cr_assert_not_null(h);
	repeat_hash_add(h, text, strlen(text));
	repeat_hash_free(&h, &key);
	cr_assert_null(h);
	return key;
}

Test(repeat, knows_who_has_it)
{
	static const char *const has[] = { "a@x.test", "b@x.test" };
	static const char *const all[] = { "a@x.test", "c@x.test", "b@x.test" };
	struct repeat_key key = key_of("one"), other = key_of("two");
	bool got[3] = { false };

	repeat_remember(&key, has, 2);
	cr_assert_not(repeat_recall(&other, all, 3, got));
	cr_assert(repeat_recall(&key, all, 3, got));
	cr_assert(got[0] && !got[1] && got[2]);
	repeat_forget(&key);
	cr_assert_not(repeat_recall(&key, all, 3, got));
	repeat_forget_all();
}

Test(repeat, forgets_after_a_time)
{
	static const char *const has[] = { "a@x.test" };
	struct repeat_key key = key_of("one");
	bool got[1];

	repeat_remember(&key, has, 1);
	clock_advance(INT64_C(3600) * 1000000);
	cr_assert(repeat_recall(&key, has, 1, got));
	clock_advance(INT64_C(4) * 3600 * 1000000);
	cr_assert_not(repeat_recall(&key, has, 1, got));
	repeat_forget_all();
}

Test(repeat, the_oldest_makes_room)
{
	static const char *const has[] = { "a@x.test" };
	struct repeat_key first = key_of("first"), key = first;
	bool got[1];

	repeat_remember(&first, has, 1);
	for (int i = 0; i < 1000; i++) {
		char text[16];

		clock_advance(1);
		(void)snprintf(text, sizeof(text), "%d", i);
		key = key_of(text);
		repeat_remember(&key, has, 1);
		cr_assert(repeat_recall(&key, has, 1, got));
	}
	cr_assert_not(repeat_recall(&first, has, 1, got));
	repeat_forget_all();
}

Test(repeat, remembering_again_replaces)
{
	static const char *const one[] = { "a@x.test" };
	static const char *const two[] = { "a@x.test", "b@x.test" };
	struct repeat_key key = key_of("one");
	bool got[2] = { false };

	repeat_remember(&key, one, 1);
	repeat_remember(&key, two, 2);
	cr_assert(repeat_recall(&key, two, 2, got));
	cr_assert(got[0] && got[1]);
	repeat_forget_all();
}
