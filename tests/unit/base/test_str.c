/* Slices. */
#include "base/mem.h"
#include "base/str.h"
#include <criterion/criterion.h>
#include <stdlib.h>

Test(str, compares_without_case_in_ascii_only)
{
	cr_assert(str_eq_case(STR("InBoX"), STR("inbox")));
	cr_assert(!str_eq_case(STR("inbox"), STR("inbo")));
	cr_assert(!str_eq_case(STR("\xC4"), STR("\xE4")));
	cr_assert(!str_eq(STR("a"), STR("A")));
	cr_assert(str_eq(STR_NONE, STR("")));
	cr_assert_lt(str_cmp_case(STR("ABC"), STR("abd")), 0);
	cr_assert_gt(str_cmp_case(STR("abc"), STR("ab")), 0);
	cr_assert_eq(str_cmp_case(STR("X"), STR("x")), 0);
}

Test(str, splits_at_every_separator)
{
	static const char *const want[] = { "a", "", "bc", "" };
	struct pst_str rest = STR("a,,bc,"), part;
	size_t n = 0;

	while (str_split(&rest, ',', &part)) {
		cr_assert_lt(n, 4);
		cr_assert(str_is(part, want[n]), "part %zu", n);
		n++;
	}
	/* An empty part stands behind a separator at the end. */
	cr_assert_eq(n, 4);
}

Test(str, reads_numbers_strictly)
{
	static const struct {
		const char *text;
		bool ok;
		uint64_t value;
	} cases[] = {
		{ "0", true, 0 },
		{ "42", true, 42 },
		{ "18446744073709551615", true, UINT64_MAX },
		{ "18446744073709551616", false, 0 },
		{ "99999999999999999999999", false, 0 },
		{ "", false, 0 },
		{ "-1", false, 0 },
		{ "+1", false, 0 },
		{ " 1", false, 0 },
		{ "1x", false, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t value = 0;
		bool ok = str_to_u64(str_of(cases[i].text), &value);

		cr_assert_eq(ok, cases[i].ok, "\"%s\"", cases[i].text);
		if (ok)
			cr_assert_eq(value, cases[i].value);
	}
}

Test(str, knows_utf8)
{
	static const struct {
		const char *text;
		bool ok;
	} cases[] = {
		{ "plain", true },
		{ "\xC3\xA9", true },
		{ "\xE2\x82\xAC", true },
		{ "\xF0\x9F\x93\xAC", true },
		{ "\xC0\xAF", false },	       /* overlong */
		{ "\xE0\x80\xAF", false },     /* overlong */
		{ "\xED\xA0\x80", false },     /* surrogate */
		{ "\xF4\x90\x80\x80", false }, /* beyond U+10FFFF */
		{ "\xE2\x82", false },	       /* cut */
		{ "\x80", false },
		{ "\xFF", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_assert_eq(str_is_utf8(str_of(cases[i].text)), cases[i].ok,
		    "case %zu", i);
	cr_assert(!str_is_utf8(STR("a\0b")));
}

Test(str, finds_and_trims)
{
	char small[4];

	cr_assert_eq(str_find(STR("abc"), 'c'), 2);
	cr_assert_eq(str_find(STR("abc"), 'x'), 3);
	cr_assert_eq(str_find_case(STR("Hello World"), STR("WORLD")), 6);
	cr_assert_eq(str_find_case(STR("Hello"), STR("x")), SIZE_MAX);
	cr_assert(str_is(str_trim(STR(" \t a b\r\n")), "a b"));
	cr_assert_eq(str_from(STR("abc"), 9).n, 0);
	cr_assert(!str_copy(small, sizeof(small), STR("abcdef")));
	cr_assert_str_eq(small, "abc");
	cr_assert(str_copy(small, sizeof(small), STR("abc")));
}

static const struct {
	const char *pattern, *text;
	bool matches;
} patterns[] = {
	{ "", "", true },
	{ "", "a", false },
	{ "SORT", "sort", true },
	{ "SORT", "SORT=DISPLAY", false },
	{ "SORT*", "SORT=DISPLAY", true },
	{ "*", "", true },
	{ "?", "", false },
	{ "a?c*e", "abcde", true },
	{ "a?c*e", "abcd", false },
	{ "*ab*ab*", "xabab", true },
	{ "*aab", "aaaaab", true },
	{ "*@example.test", "a@example.test.org", false },
};

Test(str, patterns)
{
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		cr_expect_eq(str_fits(patterns[i].pattern, patterns[i].text),
		    patterns[i].matches, "%s", patterns[i].pattern);
}
