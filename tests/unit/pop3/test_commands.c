/*
 * The table of commands, their arguments (RFC 2449, 3), and the texts.
 */
#include "base/str.h"
#include "pop3/parse.h"
#include "pop3/session.h"

#include <criterion/criterion.h>

Test(pop3_commands, are_sorted_and_found_without_case)
{
	size_t n;
	const struct pop3_command *c = pop3_commands(&n);

	for (size_t i = 0; i < n; i++) {
		cr_expect_eq(pop3_command_find(str_of(c[i].name)), &c[i]);
		if (i > 0)
			cr_expect_lt(strcmp(c[i - 1].name, c[i].name), 0, "%s",
			    c[i].name);
	}
	cr_expect_not_null(pop3_command_find(STR("rEtR")));
	cr_expect_null(pop3_command_find(STR("RET")));
	cr_expect_null(pop3_command_find(STR("RETRX")));
	cr_expect_null(pop3_command_find(STR("")));
}

Test(pop3_commands, a_parked_session_is_small)
{
	cr_expect_leq(sizeof(struct pop3_session), 1024);
	cr_expect_leq(sizeof(struct pop3_message), 16);
}

Test(pop3_parse, only_the_first_space_separates)
{
	static const struct {
		const char *line, *verb, *args;
	} cases[] = {
		{ "", "", "" },
		{ "STAT", "STAT", "" },
		{ "PASS  a b ", "PASS", " a b " },
		{ " STAT", "", "STAT" },
		{ "TOP 1 2", "TOP", "1 2" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pst_str verb, args;

		pop3_parse_line(str_of(cases[i].line), &verb, &args);
		cr_expect(str_is(verb, cases[i].verb), "%s", cases[i].line);
		cr_expect(str_is(args, cases[i].args), "%s", cases[i].line);
	}
}

Test(pop3_parse, message_numbers)
{
	static const struct {
		const char *args;
		bool good;
		uint32_t number;
	} cases[] = {
		{ "1", true, 1 },
		{ " 12  ", true, 12 },
		{ "0", true, 0 },
		{ "007", true, 7 },
		{ "4294967295", true, UINT32_MAX },
		{ "4294967296", true, 0 },
		{ "99999999999999999999999999", true, 0 },
		{ "", false, 0 },
		{ " ", false, 0 },
		{ "-1", false, 0 },
		{ "+1", false, 0 },
		{ "1x", false, 0 },
		{ "1 2", false, 0 },
		{ "0x1", false, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t number = 99;
		bool good = pop3_parse_number(str_of(cases[i].args), &number);

		cr_expect_eq(good, cases[i].good, "%s", cases[i].args);
		if (good)
			cr_expect_eq(
			    number, cases[i].number, "%s", cases[i].args);
	}
}

Test(pop3_parse, arguments_of_top)
{
	static const struct {
		const char *args;
		bool good;
		uint32_t number;
		uint64_t lines;
	} cases[] = {
		{ "1 0", true, 1, 0 },
		{ "  2   10 ", true, 2, 10 },
		{ "3 18446744073709551615", true, 3, UINT64_MAX },
		{ "3 18446744073709551616", true, 3, UINT64_MAX },
		{ "99999999999 1", true, 0, 1 },
		{ "1", false, 0, 0 },
		{ "1 ", false, 0, 0 },
		{ "1 -1", false, 0, 0 },
		{ "1 2 3", false, 0, 0 },
		{ "x 1", false, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t number = 99;
		uint64_t lines = 99;
		bool good = pop3_parse_top(
		    str_of(cases[i].args), &number, &lines);

		cr_expect_eq(good, cases[i].good, "%s", cases[i].args);
		if (!good)
			continue;
		cr_expect_eq(number, cases[i].number, "%s", cases[i].args);
		cr_expect_eq(lines, cases[i].lines, "%s", cases[i].args);
	}
}

Test(pop3_parse, commands_are_text)
{
	cr_expect(pop3_parse_is_text(STR("USER j\xc3\xb6rg\t1")));
	cr_expect(pop3_parse_is_text(STR("")));
	cr_expect_not(pop3_parse_is_text(STR("USER j\xf6rg")));
	cr_expect_not(pop3_parse_is_text(STR("STAT\0")));
	cr_expect_not(pop3_parse_is_text(STR("STAT\r")));
	cr_expect_not(pop3_parse_is_text(STR("\x7f")));
}

/* RFC 2449, 3 and 4: what begins with "[" is a code, "<" would be a timestamp,
 * and the first line of an answer has at most 512 octets. */
Test(pop3_texts, fit_into_an_answer)
{
	for (int l = 0; l < POP3_LANGUAGES; l++) {
		for (int t = 0; t < POP3_TEXTS; t++) {
			const char *text = pop3_text(
			    (enum pop3_language)l, (enum pop3_text)t);

			cr_assert_not_null(text, "text %d, language %d", t, l);
			cr_expect_neq(text[0], '[', "%s", text);
			cr_expect_null(strchr(text, '<'), "%s", text);
			cr_expect_lt(strlen(text), 200, "%s", text);
			cr_expect(str_is_utf8(str_of(text)), "%s", text);
			if (l == POP3_ENGLISH)
				cr_expect(
				    str_is_ascii(str_of(text)), "%s", text);
		}
	}
}

Test(pop3_texts, ranges_find_languages)
{
	static const struct {
		const char *range;
		enum pop3_language found;
	} cases[] = {
		{ "*", POP3_GERMAN },
		{ "en", POP3_ENGLISH },
		{ "EN-us", POP3_ENGLISH },
		{ "de-AT-1996", POP3_GERMAN },
		{ "d", POP3_LANGUAGES },
		{ "dex", POP3_LANGUAGES },
		{ "fr-de", POP3_LANGUAGES },
		{ "-de", POP3_LANGUAGES },
		{ "-", POP3_LANGUAGES },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(
		    pop3_language_find(str_of(cases[i].range), POP3_GERMAN),
		    cases[i].found, "%s", cases[i].range);
}
