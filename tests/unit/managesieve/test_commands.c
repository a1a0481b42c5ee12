/*
 * The table of commands, and strings as they are written.
 */
#include "base/str.h"
#include "managesieve/session.h"

#include <criterion/criterion.h>

Test(managesieve_commands, are_sorted_and_found_without_case)
{
	size_t n;
	const struct managesieve_command *c = managesieve_commands(&n);

	for (size_t i = 0; i < n; i++) {
		cr_expect_eq(
		    managesieve_command_find(str_of(c[i].name)), &c[i]);
		if (i > 0)
			cr_expect_lt(strcmp(c[i - 1].name, c[i].name), 0, "%s",
			    c[i].name);
		cr_expect_leq(strlen(c[i].args), MANAGESIEVE_ARGS);
		cr_expect_leq(strlen(c[i].name), MANAGESIEVE_VERB);
	}
	cr_expect_not_null(managesieve_command_find(STR("pUtScript")));
	cr_expect_null(managesieve_command_find(STR("PUTSCRIP")));
	cr_expect_null(managesieve_command_find(STR("PUTSCRIPTS")));
	cr_expect_null(managesieve_command_find(STR("")));
}

Test(managesieve_commands, a_parked_session_is_small)
{
	cr_expect_leq(sizeof(struct managesieve_session), 1024);
}

Test(managesieve_strings, are_quoted_or_literals)
{
	static const struct {
		struct pst_str text, want;
	} cases[] = {
		{ STR(""), STR("\"\"") },
		{ STR("a b"), STR("\"a b\"") },
		{ STR("a\"b\\c"), STR("\"a\\\"b\\\\c\"") },
		{ STR("gr\xc3\xbc\xc3\x9f"), STR("\"gr\xc3\xbc\xc3\x9f\"") },
		{ STR("a\nb"), STR("{3}\r\na\nb") },
		{ STR("a\r"), STR("{2}\r\na\r") },
		{ STR("a\0b"), STR("{3}\r\na\0b") },
		{ STR("\xff"), STR("{1}\r\n\xff") },
	};
	char large[1100];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out;

		buf_init(&out, 4096);
		managesieve_put_string(&out, cases[i].text);
		cr_expect(str_eq(buf_str(&out), cases[i].want), "case %zu", i);
		buf_fini(&out);
	}
	/* RFC 5804, 4: 1024 octets between the quotes. */
	memset(large, '"', sizeof(large));
	for (size_t n = 511; n <= 514; n++) {
		struct buf out;

		buf_init(&out, 4096);
		managesieve_put_string(&out, str_n(large, n));
		cr_expect_eq(out.p[0], n <= 512 ? '"' : '{', "%zu", n);
		buf_fini(&out);
	}
}
