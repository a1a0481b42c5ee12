/*
 * Tokens, names, flags and dates of commands.
 */
#include "base/str.h"
#include "imap/parse.h"

#include <criterion/criterion.h>
#include <postern/types.h>

static struct arena *arena;
static struct imap_parser ps;

static void
setup(void)
{
	arena = arena_new(0);
}

static void
teardown(void)
{
	arena_free(&arena);
}

TestSuite(imap_parse, .init = setup, .fini = teardown);

static struct imap_parser *
on(const char *text)
{
	imap_parser_init(&ps, str_of(text), arena);
	return &ps;
}

Test(imap_parse, astrings)
{
	static const struct {
		const char *wire, *want; /* NULL: refused */
	} cases[] = {
		{ "abc ", "abc" },
		{ "a]b", "a]b" },
		{ "\"\"", "" },
		{ "\"a b\"", "a b" },
		{ "\"a\\\"b\\\\c\"", "a\"b\\c" },
		{ "{3}\r\na\r\n", "a\r\n" },
		{ "{3+}\r\nabcd", "abc" },
		{ "{0}\r\n", "" },
		{ "{5}\r\nabc", NULL },
		{ "{3} abc", NULL },
		{ "\"abc", NULL },
		{ "\"a\\bc\"", NULL },
		{ "\"a\r\nb\"", NULL },
		{ "\"a\\", NULL },
		{ "", NULL },
		{ "(a)", NULL },
		{ "\xc3\xa4", NULL },
		{ "*", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pst_str got;
		bool good = imap_astring(on(cases[i].wire), &got);

		cr_expect_eq(good, cases[i].want != NULL, "%s", cases[i].wire);
		if (good && cases[i].want != NULL)
			cr_expect(str_is(got, cases[i].want), "%s: %.*s",
			    cases[i].wire, STR_ARG(got));
		else
			cr_expect_not_null(ps.error);
	}
}

Test(imap_parse, nstring)
{
	struct pst_str got = STR("x");

	cr_assert(imap_nstring(on("nil"), &got));
	cr_assert_null(got.p);
	cr_assert(imap_nstring(on("\"NIL\""), &got));
	cr_assert(str_is(got, "NIL"));
	cr_assert_not(imap_nstring(on("NILS"), &got));
	cr_assert_not(imap_nstring(on("atom"), &got));
}

Test(imap_parse, numbers)
{
	uint64_t wide;
	uint32_t n;

	cr_assert(imap_number(on("4294967295)"), &n));
	cr_assert_eq(n, UINT32_MAX);
	cr_assert_not(imap_number(on("4294967296"), &n));
	cr_assert_not(imap_number(on("x"), &n));
	cr_assert(imap_number64(on("18446744073709551615"), &wide));
	cr_assert_not(imap_number64(on("18446744073709551616"), &wide));
}

Test(imap_parse, line_ends)
{
	cr_assert(imap_end(on("\r\n")));
	cr_assert(imap_end(on("\n")));
	cr_assert_not(imap_end(on(" \r\n")));
	cr_assert_not(imap_end(on("\r")));
	cr_assert_not(imap_end(on("")));
	cr_assert_not(imap_end(on("\r\nx")));
}

Test(imap_parse, words_end_where_they_end)
{
	cr_assert(imap_skip_word(on("flags.silent x"), "FLAGS.SILENT"));
	cr_assert_not(imap_skip_word(on("FLAGS.SILENT"), "FLAGS"));
	cr_assert_not(imap_skip_word(on("FLAG"), "FLAGS"));
	cr_assert(imap_skip_word(on("ALL)"), "ALL"));
}

Test(imap_parse, flags)
{
	struct imap_flags f;

	cr_assert(imap_flag_list(
	    on("(\\Seen \\DELETED $Work work WORK \\Recent)"), 20, &f));
	cr_assert_eq(f.flags, (uint32_t)(PST_SEEN | PST_DELETED));
	cr_assert_eq(f.keywords, 2u);
	cr_assert_str_eq(f.keyword[0], "$Work");
	cr_assert_str_eq(f.keyword[1], "work");
	cr_assert(imap_flag_list(on("()"), 20, &f));
	cr_assert_eq(f.keywords, 0u);
	cr_assert_not(imap_flag_list(on("(\\Foo)"), 20, &f));
	cr_assert_not(imap_flag_list(on("(\\)"), 20, &f));
	cr_assert_not(imap_flag_list(on("( a)"), 20, &f));
	cr_assert_not(imap_flag_list(on("(a "), 20, &f));
	cr_assert_not(imap_flag_list(on("(toolong)"), 6, &f));
	cr_assert(imap_store_flags(on("\\Seen \\Draft\r\n"), 20, &f));
	cr_assert_eq(f.flags, (uint32_t)(PST_SEEN | PST_DRAFT));
	cr_assert_not(imap_store_flags(on("\r\n"), 20, &f));
}

Test(imap_parse, too_many_keywords)
{
	struct imap_flags f;
	struct buf b;

	buf_init(&b, 4096);
	buf_putc(&b, '(');
	for (int i = 0; i < 65; i++)
		buf_printf(&b, "%sk%d", i > 0 ? " " : "", i);
	buf_puts(&b, ")");
	imap_parser_init(&ps, buf_str(&b), arena);
	cr_assert_not(imap_flag_list(&ps, 20, &f));
	buf_fini(&b);
}

Test(imap_parse, date_times)
{
	static const struct {
		const char *wire;
		bool good;
		int64_t want;
	} cases[] = {
		{ "\"17-Jul-1996 02:44:25 -0700\"", true, 837596665 },
		{ "\" 1-Jan-1970 00:00:00 +0000\"", true, 0 },
		{ "\"01-jan-1970 01:00:00 +0100\"", true, 0 },
		{ "\"29-Feb-2024 00:00:00 +0000\"", true, 1709164800 },
		{ "\"29-Feb-2023 00:00:00 +0000\"", false, 0 },
		{ "\"31-Apr-2023 00:00:00 +0000\"", false, 0 },
		{ "\"17-Jul-1996 24:44:25 -0700\"", false, 0 },
		{ "\"17-Jul-1996 02:44:25\"", false, 0 },
		{ "\"17-Foo-1996 02:44:25 -0700\"", false, 0 },
		{ "17-Jul-1996", false, 0 },
		{ "\"", false, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t got = -1;
		bool good = imap_date_time(on(cases[i].wire), &got);

		cr_expect_eq(good, cases[i].good, "%s", cases[i].wire);
		if (good && cases[i].good)
			cr_expect_eq(got, cases[i].want, "%s: %lld",
			    cases[i].wire, (long long)got);
	}
}

Test(imap_parse, days_and_back)
{
	for (int64_t days = -800000; days < 2900000; days += 371) {
		int y, m, d;

		imap_civil(days, &y, &m, &d);
		cr_expect_eq(imap_days(y, m, d), days);
	}
	cr_assert_eq(imap_days(1970, 1, 1), 0);
	cr_assert_eq(imap_days(2000, 3, 1), 11017);
}

Test(imap_parse, dates)
{
	int64_t days;

	cr_assert(imap_date(on("1-Feb-1994"), &days));
	cr_assert_eq(days, imap_days(1994, 2, 1));
	cr_assert(imap_date(on("\"01-Feb-1994\""), &days));
	cr_assert_not(imap_date(on("\"01-Feb-1994"), &days));
	cr_assert_not(imap_date(on("1994-02-01"), &days));
}

Test(imap_parse, mailbox_names)
{
	char *name;

	cr_assert(imap_mailbox(on("inbox"), &name));
	cr_assert_str_eq(name, "INBOX");
	cr_assert(imap_mailbox(on("\"Entw&APw-rfe\""), &name));
	cr_assert_str_eq(name, "Entw\xc3\xbcrfe");
	cr_assert(imap_mailbox(on("{8}\r\nEntw\xc3\xbcrf"), &name));
	cr_assert_str_eq(name, "Entw\xc3\xbcrf");
	cr_assert_not(imap_mailbox(on("a&b"), &name));
	cr_assert_not(imap_mailbox(on("a//b"), &name));
	cr_assert_not(imap_mailbox(on("\"\""), &name));
}
