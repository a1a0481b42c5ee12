/*
 * The wildcards of LIST.
 */
#include "base/clock.h"
#include "base/str.h"
#include "imap/list_parse.h"
#include "imap/pattern.h"

#include <criterion/criterion.h>

static bool
matches(const char *reference, const char *pattern, const char *name)
{
	struct buf b;
	bool yes;

	buf_init(&b, 65536);
	yes = imap_pattern_make(
		  str_of(reference), str_of(pattern), false, &b) &&
	      imap_pattern_matches(buf_str(&b), name);
	buf_fini(&b);
	return yes;
}

static const struct {
	const char *reference, *pattern, *name;
	bool want;
} cases[] = {
	{ "", "*", "a", true },
	{ "", "*", "a/b/c", true },
	{ "", "%", "a", true },
	{ "", "%", "a/b", false },
	{ "", "%/%", "a/b", true },
	{ "", "%/%", "a/b/c", false },
	{ "", "a%c", "abbbc", true },
	{ "", "a%c", "ab/bc", false },
	{ "", "a*c", "ab/bc", true },
	{ "", "a*b*c", "a/b/c", true },
	{ "", "a*b*c", "a/c/b", false },
	{ "", "%*", "a/b", true },
	{ "", "*%", "a/b", true },
	{ "", "%%", "ab", true },
	{ "", "%%", "a/b", false },
	{ "", "*/%", "a/b/c", true },
	{ "", "*a%b", "xa/ab", true },
	{ "", "*a%b", "aa/b", false },
	{ "", "a", "a", true },
	{ "", "a", "A", false },
	{ "", "", "a", false },
	{ "", "a%", "a", true },
	{ "", "inbox", "INBOX", true },
	{ "", "iNb%", "INBOX", true },
	{ "", "inbox/%", "INBOX/a", true },
	{ "", "inbox/A", "INBOX/a", false },
	{ "", "inbox", "INBOXES", false },
	{ "", "*x", "INBOX", true },
	{ "a/", "%", "a/b", true },
	{ "a/", "%", "a", false },
	{ "a", "/b", "a/b", true },
	{ "", "Entw&APw-rfe", "Entw\xc3\xbcrfe", true },
	{ "", "Entw%rfe", "Entw\xc3\xbcrfe", true },
	{ "", "&-*", "&x", true },
	{ "", "&x", "&x", false },
};

Test(imap_pattern, cases)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(matches(cases[i].reference, cases[i].pattern,
				 cases[i].name),
		    cases[i].want, "%s %s %s", cases[i].reference,
		    cases[i].pattern, cases[i].name);
}

/* A pattern made to be slow is not. */
Test(imap_pattern, time_is_bounded)
{
	char pattern[1001], name[1001];
	int64_t started = clock_monotonic();

	for (size_t i = 0; i < 1000; i += 2)
		memcpy(pattern + i, i % 4 ? "*a" : "%a", 2);
	memset(name, 'a', 1000);
	pattern[999] = 'b';
	pattern[1000] = name[1000] = '\0';
	cr_assert_not(matches("", pattern, name));
	cr_assert_lt(clock_monotonic() - started, 2000000);
}

Test(imap_pattern, too_long_matches_nothing)
{
	char pattern[2001];

	memset(pattern, 'a', 2000);
	pattern[2000] = '\0';
	cr_assert_not(matches("", pattern, "a"));
	memset(pattern, '*', 2000);
	cr_assert(matches("", pattern, "a"));
}

static const struct {
	const char *wire;
	bool lsub, good;
	unsigned options;
	size_t patterns;
} lists[] = {
	{ " \"\" *\r\n", false, true, 0, 1 },
	{ " \"\" \"%\"\r\n", true, true, 0, 1 },
	{ " \"\" (a b)\r\n", false, true, 0, 2 },
	{ " \"\" (a b)\r\n", true, false, 0, 0 },
	{ " () \"\" a\r\n", false, true, 0, 1 },
	{ " (SUBSCRIBED) \"\" a\r\n", false, true,
	    IMAP_LIST_SUBSCRIBED | IMAP_LIST_RETURN_SUBSCRIBED, 1 },
	{ " (RECURSIVEMATCH) \"\" a\r\n", false, false, 0, 0 },
	{ " (REMOTE RECURSIVEMATCH) \"\" a\r\n", false, false, 0, 0 },
	{ " (remote subscribed RECURSIVEMATCH) \"\" a\r\n", false, true,
	    IMAP_LIST_REMOTE | IMAP_LIST_RECURSIVE | IMAP_LIST_SUBSCRIBED |
		IMAP_LIST_RETURN_SUBSCRIBED,
	    1 },
	{ " (SPECIAL-USE) \"\" * RETURN (SPECIAL-USE CHILDREN)\r\n", false,
	    true,
	    IMAP_LIST_SPECIAL | IMAP_LIST_RETURN_SPECIAL |
		IMAP_LIST_RETURN_CHILDREN,
	    1 },
	{ " \"\" * RETURN ()\r\n", false, true, 0, 1 },
	{ " \"\" * RETURN (FOO)\r\n", false, false, 0, 0 },
	{ " \"\" * RETURN\r\n", false, false, 0, 0 },
	{ " \"\" () \r\n", false, false, 0, 0 },
	{ " (FOO) \"\" *\r\n", false, false, 0, 0 },
	{ "\r\n", false, false, 0, 0 },
	{ " a\r\n", false, false, 0, 0 },
};

Test(imap_list, arguments)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct arena *arena = arena_new(0);
		struct imap_list_args args;
		struct imap_parser ps;
		bool good;

		imap_parser_init(&ps, str_of(lists[i].wire), arena);
		good = imap_list_parse(&ps, lists[i].lsub, &args);
		cr_expect_eq(good, lists[i].good, "%s", lists[i].wire);
		if (good) {
			cr_expect_eq(args.options, lists[i].options, "%s",
			    lists[i].wire);
			cr_expect_eq(args.patterns, lists[i].patterns, "%s",
			    lists[i].wire);
		}
		arena_free(&arena);
	}
}
