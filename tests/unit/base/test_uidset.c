/* Number sets, against a plain array of booleans as the model. */
#include "base/str.h"
#include "base/uidset.h"
#include <criterion/criterion.h>

static void
expect(const struct uidset *s, const char *want)
{
	struct buf out;

	buf_init(&out, 65536);
	(void)uidset_print(s, &out);
	cr_assert(str_is(buf_str(&out), want), "got %.*s, want %s",
	    STR_ARG(buf_str(&out)), want);
	buf_fini(&out);
}

Test(uidset, reads_sequence_sets)
{
	static const struct {
		const char *text;
		uint32_t star;
		enum pst_rc rc;
		const char *want;
	} cases[] = {
		{ "1", 9, PST_OK, "1" },
		{ "1:3,5", 9, PST_OK, "1:3,5" },
		{ "5:2", 9, PST_OK, "2:5" },
		{ "*", 9, PST_OK, "9" },
		{ "*:4", 9, PST_OK, "4:9" },
		{ "12:*", 9, PST_OK, "9:12" },
		{ "3,1,2", 9, PST_OK, "1:3" },
		{ "4294967295", 9, PST_OK, "4294967295" },
		{ "1:4294967295", 9, PST_OK, "1:4294967295" },
		{ "0", 9, PST_E_SYNTAX, "" },
		{ "1:0", 9, PST_E_SYNTAX, "" },
		{ "4294967296", 9, PST_E_SYNTAX, "" },
		{ "", 9, PST_E_SYNTAX, "" },
		{ "1,,2", 9, PST_E_SYNTAX, "" },
		{ "1:", 9, PST_E_SYNTAX, "" },
		{ ":1", 9, PST_E_SYNTAX, "" },
		{ "1:2:3", 9, PST_E_SYNTAX, "" },
		{ "a", 9, PST_E_SYNTAX, "" },
		{ "1, 2", 9, PST_E_SYNTAX, "" },
		{ "1,2,3,4,5,6,7,8,9", 9, PST_E_LIMIT, "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct uidset s = { 0 };
		enum pst_rc rc = uidset_parse(
		    str_of(cases[i].text), cases[i].star, 8, &s);

		cr_assert_eq(
		    rc, cases[i].rc, "\"%s\" gives %d", cases[i].text, rc);
		expect(&s, cases[i].want);
		uidset_fini(&s);
	}
}

enum { MODEL = 64 };

static void
compare(const struct uidset *s, const bool *model)
{
	uint64_t count = 0;

	for (uint32_t i = 1; i < MODEL; i++) {
		cr_assert_eq(uidset_has(s, i), model[i], "%u", i);
		count += model[i];
	}
	cr_assert_eq(uidset_count(s), count);
	for (size_t i = 1; i < s->n; i++)
		cr_assert_gt(
		    s->r[i].first, s->r[i - 1].last + 1, "ranges are apart");
}

Test(uidset, agrees_with_a_model)
{
	struct uidset s = { 0 };
	bool model[MODEL] = { false };
	uint32_t seed = 12345;

	for (int round = 0; round < 5000; round++) {
		uint32_t a, b;

		seed = seed * 1664525 + 1013904223;
		a = 1 + (seed >> 8) % (MODEL - 1);
		b = 1 + (seed >> 16) % (MODEL - 1);
		if (a > b) {
			uint32_t t = a;

			a = b;
			b = t;
		}
		if ((seed >> 24) % 2 == 0)
			uidset_add(&s, a, b);
		else
			uidset_remove(&s, a, b);
		for (uint32_t i = a; i <= b; i++)
			model[i] = (seed >> 24) % 2 == 0;
		compare(&s, model);
	}
	uidset_fini(&s);
}

Test(uidset, has_no_trouble_at_the_ends)
{
	struct uidset s = { 0 }, t = { 0 };

	uidset_add(&s, UINT32_MAX, UINT32_MAX);
	uidset_add(&s, 1, 1);
	uidset_add(&s, 0, 5);
	expect(&s, "1,4294967295");
	uidset_add(&s, 2, UINT32_MAX - 1);
	expect(&s, "1:4294967295");
	uidset_remove(&s, UINT32_MAX, UINT32_MAX);
	uidset_remove(&s, 1, 1);
	expect(&s, "2:4294967294");
	uidset_add_set(&t, &s);
	expect(&t, "2:4294967294");
	cr_assert(!uidset_has(&s, 0));
	uidset_fini(&s);
	uidset_fini(&t);
}
