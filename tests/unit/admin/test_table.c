/*
 * test_table.c - listings: alignment, units, and what must not reach a
 * terminal.
 */
#include "admin/ctl.h"
#include "admin/table.h"
#include "base/str.h"
#include <criterion/criterion.h>
#include <stdlib.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char *
print(const struct table_column *columns, const char *rows, bool as_json)
{
	json_t *value = json_loads(rows, 0, NULL);
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	cr_assert_not_null(value);
	table_print(f, columns, value, as_json);
	(void)fclose(f);
	json_decref(value);
	return text;
}

static const struct table_column columns[] = {
	{ "name", "NAME", TABLE_TEXT },
	{ "n", "COUNT", TABLE_NUMBER },
	{ "note", "NOTE", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

Test(table, aligns_by_width_on_the_screen)
{
	char *text = print(columns,
	    "[{\"name\":\"\\u6771\\u4eac\",\"n\":7,\"note\":\"x\"},"
	    " {\"name\":\"\\u00e4bc\",\"n\":12345678,\"note\":\"y\"}]",
	    false);

	/* East Asian characters take two columns each. */
	cr_expect_str_eq(text, "NAME     COUNT  NOTE\n"
			       "\xe6\x9d\xb1\xe4\xba\xac         7  x\n"
			       "\xc3\xa4"
			       "bc   12345678  y\n");
	free(text);
}

Test(table, leaves_out_what_is_empty_everywhere)
{
	char *text = print(columns, "[{\"name\":\"a\",\"note\":\"\"}]", false);

	cr_expect_str_eq(text, "NAME\na\n");
	free(text);
}

Test(table, prints_nothing_for_no_rows_but_json)
{
	char *text = print(columns, "[]", false);

	cr_expect_str_eq(text, "");
	free(text);
	text = print(columns, "[]", true);
	cr_expect_str_eq(text, "[]\n");
	free(text);
}

Test(table, shows_control_characters_harmlessly)
{
	static const struct {
		const char *in, *want;
		size_t n;
	} cases[] = {
		{ "plain", "plain", 5 },
		{ "\x1b[2J", "\\x1b[2J", 4 },
		{ "a\0b", "a\\x00b", 3 },
		{ "\x7f", "\\x7f", 1 },
		/* U+009B, the control sequence introducer in 8 bits. */
		{ "\xc2\x9b", "\\xc2\\x9b", 2 },
		{ "\xff\xc3", "\\xff\\xc3", 2 },
		{ "\xc3\xa4", "\xc3\xa4", 2 },
		{ "\t\r\n", "\\x09\\x0d\\x0a", 3 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf b;

		buf_init(&b, 256);
		table_clean(&b, str_n(cases[i].in, cases[i].n));
		buf_putc(&b, '\0');
		cr_expect_str_eq(b.p, cases[i].want);
		buf_fini(&b);
	}
}

Test(table, sizes_and_durations)
{
	static const struct {
		int64_t value;
		const char *size, *duration;
	} cases[] = {
		{ 0, "0", "00:00:00" },
		{ 1023, "1023", "00:17:03" },
		{ 1024, "1K", "00:17:04" },
		{ 1536, "1.5K", "00:25:36" },
		{ 86400, "84K", "1d 00:00:00" },
		{ 10485760, "10M", "121d 08:42:40" },
		{ INT64_MAX, "7.9E", "106751991167300d 15:30:07" },
		{ -1, "0", "00:00:00" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf b;

		buf_init(&b, 256);
		table_size(&b, cases[i].value);
		buf_putc(&b, '\0');
		cr_expect_str_eq(b.p, cases[i].size);
		buf_clear(&b);
		table_duration(&b, cases[i].value);
		buf_putc(&b, '\0');
		cr_expect_str_eq(b.p, cases[i].duration);
		buf_fini(&b);
	}
}

Test(ctl, reads_quotas)
{
	static const struct {
		const char *text;
		int64_t want; /* -2: refused */
	} cases[] = {
		{ "none", 0 },
		{ "default", -1 },
		{ "500", 500 },
		{ "1k", 1024 },
		{ "500M", INT64_C(500) << 20 },
		{ "2G", INT64_C(2) << 30 },
		{ "8388607T", INT64_C(8388607) << 40 },
		{ "8388608T", -2 },
		{ "9223372036854775807", INT64_MAX },
		{ "9223372036854775808", -2 },
		{ "0", -2 },
		{ "", -2 },
		{ "-1", -2 },
		{ "G", -2 },
		{ "1X", -2 },
		{ "1 G", -2 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t value = 0;
		bool good = ctl_parse_size(cases[i].text, &value);

		cr_expect_eq(good, cases[i].want != -2, "%s", cases[i].text);
		if (good)
			cr_expect_eq(value, cases[i].want, "%s", cases[i].text);
	}
}

Test(ctl, reads_counts)
{
	int64_t value;

	cr_expect(ctl_parse_count("100", &value));
	cr_expect_eq(value, 100);
	cr_expect(ctl_parse_count("none", &value));
	cr_expect_eq(value, 0);
	cr_expect(ctl_parse_count("default", &value));
	cr_expect_eq(value, -1);
	cr_expect_not(ctl_parse_count("1K", &value));
	cr_expect_not(ctl_parse_count("4294967296", &value));
}
