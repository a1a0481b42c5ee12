/*
 * Variables in strings, and `set` (RFC 5229). What is to come is in a mailbox's
 * name.
 */
#include "fixture.h"

static const struct {
	const char *set, *text, *want;
} cases[] = {
	/* 3 */
	{ "set \"company\" \"ACME\";", "&%${}!", "&%${}!" },
	{ "set \"company\" \"ACME\";", "${doh!}", "${doh!}" },
	{ "set \"company\" \"ACME\";", "x${full}", "x" },
	{ "set \"company\" \"ACME\";", "${company}", "ACME" },
	{ "set \"company\" \"ACME\";", "${BAD${Company}", "${BADACME" },
	{ "set \"company\" \"ACME\";", "${President, ${Company} Inc.}",
	    "${President, ACME Inc.}" },
	{ "", "a$", "a$" },
	{ "", "a${", "a${" },
	{ "", "a${b", "a${b" },
	{ "", "$${b}x", "$x" },
	{ "", "${1a}", "${1a}" },
	{ "", "${a-b}", "${a-b}" },
	{ "", "${.a}", "${.a}" },
	{ "", "${a.}", "${a.}" },
	{ "", "${1.a}", "${1.a}" },
	{ "set \"_a1\" \"x\";", "${_A1}", "x" },
	{ "set \"a\" \"${b}\"; set \"b\" \"x\";", "-${a}", "-" },
	{ "set \"dollar\" \"$\";", "${dollar}{beep}", "${beep}" },
	{ "set \"a\" \"${unknown}\"; set \"a\" \"${a}x\"; set \"a\" "
	  "\"${a}y\";",
	    "${a}", "xy" },
	/* 3.1 */
	{ "set \"foo\" \"x\";", "${fo\\o}", "x" },
	{ "set \"foo\" \"x\";", "${fo\\\\o}", "${fo\\o}" },
	{ "set \"foo\" \"x\";", "\\${foo}", "x" },
	{ "set \"foo\" \"x\";", "\\\\${foo}", "\\x" },
	{ "set \"name\" \"Ethelbert\";", "dear${hex:20 24 7b 4e}ame}",
	    "dear Ethelbert" },
	/* 4.1 */
	{ "set :length \"b\" \"juMBlEd lETteRS\";", "${b}", "15" },
	{ "set :lower \"b\" \"juMBlEd lETteRS\";", "${b}", "jumbled letters" },
	{ "set :upperfirst \"b\" \"juMBlEd lETteRS\";", "${b}",
	    "JuMBlEd lETteRS" },
	{ "set :upperfirst :lower \"b\" \"juMBlEd lETteRS\";", "${b}",
	    "Jumbled letters" },
	{ "set :lower :upperfirst \"b\" \"juMBlEd lETteRS\";", "${b}",
	    "Jumbled letters" },
	{ "set :upper :lowerfirst \"b\" \"juM\";", "${b}", "jUM" },
	{ "set :quotewildcard \"b\" \"Rock*\";", "${b}", "Rock\\*" },
	{ "set :quotewildcard \"b\" \"a?b\\\\c\";", "${b}", "a\\?b\\\\c" },
	{ "set :length :quotewildcard \"b\" \"**\";", "${b}", "4" },
	{ "set :length \"b\" \"\xc3\xa9\xe2\x82\xac\";", "${b}", "2" },
	{ "set :length \"b\" \"\";", "${b}", "0" },
	{ "set :upper \"b\" \"\xc3\xa9"
	  "a\";",
	    "${b}",
	    "\xc3\xa9"
	    "A" },
	{ "set :lowerfirst \"b\" \"\";", "${b}x", "x" },
	/* RFC 6609, 3.4.2 */
	{ "set \"global.a\" \"x\"; set \"a\" \"y\";", "${global.a}${a}", "xy" },
};

Test(sieve_variables, in_strings)
{
	for (size_t i = 0; i < FIXTURE_N(cases); i++) {
		char script[500], want[200];
		struct fixture_case c = { cases[i].text, script, want };
		struct fixture f;

		fixture_init(&f);
		(void)snprintf(script, sizeof(script),
		    "require [\"variables\", \"fileinto\", \"include\","
		    "\"encoded-character\"]; %s fileinto \"%s\";",
		    cases[i].set, cases[i].text);
		(void)snprintf(
		    want, sizeof(want), "fileinto \"%s\"", cases[i].want);
		fixture_check(&f, &c, 1);
	}
}

static const struct fixture_case others[] = {
	{ "without the extension", "require \"fileinto\"; fileinto \"${a}\";",
	    "fileinto \"${a}\"" },
	{ "a mailbox without a name",
	    "require [\"fileinto\", \"variables\"];\nfileinto \"${a}\";",
	    "error 2: A mailbox cannot have the name \"\"" },
	{ "an address that is none",
	    "require \"variables\"; set \"a\" \"not one\";\nredirect "
	    "\"${a}\";",
	    "error 2: \"not one\" is no address" },
	{ "an address of two",
	    "require \"variables\"; set \"a\" \"a@b.test, c@d.test\";\n"
	    "redirect \"${a}\";",
	    "error 2: \"a@b.test, c@d.test\" is no address" },
	{ "in headers",
	    "require [\"fileinto\", \"variables\"]; set \"f\" \"subject\";"
	    "if header :matches \"${f}\" \"[*]*\" {"
	    "fileinto \"Lists.${1}\"; }",
	    "fileinto \"Lists.lists\"" },
	{ "in addresses",
	    "require [\"fileinto\", \"variables\"];"
	    "if address :matches [\"To\", \"Cc\"] [\"coyote@*\", "
	    "\"*@shop.**\"] {"
	    "fileinto \"${1}|${2}|${3}\"; }",
	    "fileinto \"sales||test\"" },
	{ "of the date",
	    "require [\"fileinto\", \"variables\", \"date\"];"
	    "if currentdate :matches \"month\" \"*\" {set \"m\" \"${1}\";}"
	    "if currentdate :matches \"year\" \"*\" {set \"y\" \"${1}\";}"
	    "fileinto \"${m}-${y}\";",
	    "fileinto \"11-2026\"" },
};

Test(sieve_variables, elsewhere)
{
	struct fixture f;

	fixture_init(&f);
	fixture_check(&f, others, FIXTURE_N(others));
}

/* A value that grows with each line, and strings of many of them. */
Test(sieve_variables, that_grow)
{
	struct fixture f;
	struct buf script, got;

	fixture_init(&f);
	buf_init(&script, 1 << 20);
	(void)buf_puts(&script, "require [\"variables\", \"reject\"];"
				"set \"a\" \"0123456789\";");
	for (int i = 0; i < 100; i++)
		(void)buf_puts(&script, "set \"a\" \"${a}${a}${a}\";");
	(void)buf_puts(&script, "set :length \"b\" \"${a}\";");
	(void)buf_puts(&script, "if string \"${b}\" \"16384\" { discard; }");
	/* RFC 5229, 6: to be too long is no error here. */
	(void)buf_puts(&script, "set :upper \"c\" \"");
	for (int i = 0; i < 1000; i++)
		(void)buf_puts(&script, "${a}");
	(void)buf_puts(&script, "\";");
	(void)buf_puts(&script, "\nreject \"");
	for (int i = 0; i < 1000; i++)
		(void)buf_puts(&script, "${a}");
	(void)buf_puts(&script, "\";");
	(void)buf_putc(&script, '\0');
	got = fixture_run(&f, script.p);
	cr_expect(str_is(buf_str(&got), "error 2: A text is too long"), "%.*s",
	    STR_ARG(buf_str(&got)));
	buf_fini(&script);
	buf_fini(&got);
}

/* Lists of them: memory has an end, too. */
Test(sieve_variables, in_lists)
{
	struct fixture f;
	struct buf script, got;

	fixture_init(&f);
	f.limits.script_size = 1 << 20;
	buf_init(&script, 1 << 20);
	(void)buf_puts(&script, "require \"variables\";"
				"set \"a\" \"0123456789abcdef\";");
	for (int i = 0; i < 10; i++)
		(void)buf_puts(&script, "set \"a\" \"${a}${a}\";");
	(void)buf_puts(&script, "if string \"x\" [\"x\"");
	for (int i = 0; i < 30000; i++)
		(void)buf_puts(&script, ",\"${a}\"");
	(void)buf_puts(&script, "] {discard;}");
	(void)buf_putc(&script, '\0');
	got = fixture_run(&f, script.p);
	cr_expect(
	    str_is(buf_str(&got), "error 1: The script needs too much memory"),
	    "%.*s", STR_ARG(buf_str(&got)));
	buf_fini(&script);
	buf_fini(&got);
}
