/*
 * Comparators and match types, wildcards and what they stand for, and that
 * nothing of a message or a script makes them slow.
 */
#include "fixture.h"

#include <stdlib.h>

#define REQUIRE                                                          \
	"\"variables\", \"relational\", \"comparator-i;ascii-numeric\"," \
	"\"comparator-i;unicode-casemap\""

static const struct fixture_truth matches[] = {
	/* RFC 5228, 2.7.1 */
	{ "string :is \"frobnitzm\" \"frobnitzm\"", true },
	{ "string :is \"frobnitzm\" \"frob\"", false },
	{ "string :contains \"frobnitzm\" \"frob\"", true },
	{ "string :contains \"frobnitzm\" \"nit\"", true },
	{ "string :contains \"frobnitzm\" \"fbm\"", false },
	{ "string :contains \"x\" \"\"", true },
	{ "string :contains \"\" \"\"", true },
	{ "string :is \"\" \"\"", true },
	{ "string :is \"x\" \"\"", false },
	{ "string [\"a\", \"b\"] [\"c\", \"b\"]", true },
	{ "string [\"a\", \"b\"] [\"c\", \"d\"]", false },
	/* comparators */
	{ "string \"ABC\" \"abc\"", true },
	{ "string :comparator \"i;octet\" \"ABC\" \"abc\"", false },
	{ "string :comparator \"i;octet\" :contains \"ABC\" \"B\"", true },
	{ "string \"\xc3\x89\" \"\xc3\xa9\"", false },
	{ "string :comparator \"i;unicode-casemap\" \"\xc3\x89\" \"\xc3\xa9\"",
	    true },
	{ "string :comparator \"i;unicode-casemap\" \"e\xcc\x81\" "
	  "\"\xc3\x89\"",
	    true },
	{ "string :comparator \"i;unicode-casemap\" :contains \"CAF\xc3\x89S\" "
	  "\"\xc3\xa9s\"",
	    true },
	{ "string :comparator \"i;ascii-numeric\" \"007 x\" \"7\"", true },
	{ "string :comparator \"i;ascii-numeric\" \"\" \"x\"", true },
	{ "string :comparator \"i;ascii-numeric\" \"\" \"1\"", false },
	/* RFC 4790, 9.1.1 */
	{ "string :value \"lt\" :comparator \"i;ascii-numeric\" \"1\" "
	  "\"4294967298\"",
	    true },
	{ "string :value \"eq\" :comparator \"i;ascii-numeric\" "
	  "\"04294967298\" \"4294967298b\"",
	    true },
	{ "string :value \"lt\" :comparator \"i;ascii-numeric\" "
	  "\"04294967298\" \"\"",
	    true },
	{ "string :value \"gt\" :comparator \"i;ascii-numeric\" "
	  "\"100000000000000000000000000000\" \"99999999999999999999\"",
	    true },
	/* relations */
	{ "string :value \"gt\" \"b\" \"A\"", true },
	{ "string :value \"gt\" :comparator \"i;octet\" \"a\" \"B\"", true },
	{ "string :value \"gt\" \"a\" \"B\"", false },
	{ "string :value \"ge\" \"a\" \"A\"", true },
	{ "string :value \"le\" \"a\" \"A\"", true },
	{ "string :value \"lt\" \"a\" \"aa\"", true },
	{ "string :value \"ne\" \"a\" \"A\"", false },
	{ "string :value \"ne\" \"a\" [\"a\", \"b\"]", true },
	{ "string :count \"eq\" [\"a\", \"\", \"b\"] \"2\"", true },
	{ "string :count \"gt\" [\"a\", \"\", \"b\"] \"2\"", false },
	{ "string :count \"ge\" \"\" \"1\"", false },
};

Test(sieve_match, types_and_comparators)
{
	struct fixture f;

	fixture_init(&f);
	fixture_check_tests(&f, REQUIRE, matches, FIXTURE_N(matches));
}

/* The value of each wildcard, or "-" when it does not fit. */
static const struct {
	const char *pattern, *value, *want;
} wildcards[] = {
	{ "", "", "" },
	{ "", "x", "-" },
	{ "*", "", "()" },
	{ "*", "abc", "(abc)" },
	{ "**", "abc", "()(abc)" },
	{ "?", "", "-" },
	{ "?", "a", "(a)" },
	{ "?", "ab", "-" },
	{ "?*", "a", "(a)()" },
	{ "*?", "abc", "(ab)(c)" },
	{ "*?*", "abc", "()(a)(bc)" },
	{ "*??*", "a", "-" },
	{ "a*b", "ab", "()" },
	{ "a*b", "AxxB", "(xx)" },
	{ "a*a", "a", "-" },
	{ "a*a", "aa", "()" },
	{ "*ab*ab", "ab", "-" },
	{ "*ab*ab", "xabyab", "(x)(y)" },
	{ "*b*b*b*", "abbcbdb", "(a)()(c)(db)" },
	{ "*a?c*", "xaxaacabc", "(xax)(a)(abc)" },
	{ "*?b", "aab", "(a)(a)" },
	/* RFC 5229, 3.2 */
	{ "*<*@*", "a <b.c@d>", "(a )(b.c)(d>)" },
	{ "[*] *", "[acme-users] [fwd] version 1.0 is out",
	    "(acme-users)([fwd] version 1.0 is out)" },
	{ "coyote@**.com", "coyote@ACME.Example.COM", "()(ACME.Example)" },
	/* escapes: the script has each backslash twice */
	{ "\\\\*", "*", "" },
	{ "\\\\*", "x", "-" },
	{ "\\\\?\\\\\\\\", "?\\\\", "" },
	{ "a\\\\b", "ab", "" },
	{ "a\\\\", "a\\\\", "" },
	{ "*\\\\**", "a*b", "(a)(b)" },
	/* characters of UTF-8 */
	{ "?", "\xc3\xa9", "(\xc3\xa9)" },
	{ "?a",
	    "\xf0\x9f\x98\x80"
	    "a",
	    "(\xf0\x9f\x98\x80)" },
	{ "a*?", "a\xc3\xa9\xe2\x82\xac", "(\xc3\xa9)(\xe2\x82\xac)" },
	{ "*?\xc3\xa9", "a\xc3\xa9\xc3\xa9", "(a)(\xc3\xa9)" },
};

static void
check_wildcards(const char *comparator)
{
	for (size_t i = 0; i < FIXTURE_N(wildcards); i++) {
		char script[1000];
		struct fixture f;
		struct buf got;
		struct pst_str s;

		fixture_init(&f);
		(void)snprintf(script, sizeof(script),
		    "require [\"reject\", \"variables\","
		    "\"comparator-i;unicode-casemap\"];"
		    "if string :matches :comparator \"%s\" \"%s\" \"%s\" {"
		    "if string \"${0}\" \"%s\" {"
		    "reject \"|(${1})(${2})(${3})(${4})|\"; } }",
		    comparator, wildcards[i].value, wildcards[i].pattern,
		    wildcards[i].value);
		got = fixture_run(&f, script);
		s = buf_str(&got);
		if (str_is(s, "keep")) {
			cr_expect_str_eq(wildcards[i].want, "-", "%s %s",
			    wildcards[i].pattern, wildcards[i].value);
		} else {
			size_t n = strlen(wildcards[i].want);

			s = str_from(s, str_find(s, '|') + 1);
			cr_expect(
			    str_eq(str_first(s, n), str_of(wildcards[i].want)),
			    "%s: %s: %.*s", wildcards[i].pattern,
			    wildcards[i].value, STR_ARG(s));
			/* No more of them than are written. */
			s = str_from(s, n);
			while (s.n > 1 && str_is(str_first(s, 2), "()"))
				s = str_from(s, 2);
			cr_expect(str_is(s, "|\""), "%s: %s: %.*s",
			    wildcards[i].pattern, wildcards[i].value,
			    STR_ARG(s));
		}
		buf_fini(&got);
	}
}

Test(sieve_match, wildcards)
{
	check_wildcards("i;ascii-casemap");
	check_wildcards("i;unicode-casemap");
}

Test(sieve_match, wildcards_are_octets_for_octet)
{
	static const struct fixture_truth cases[] = {
		{ "string :matches :comparator \"i;octet\" \"\xc3\xa9\" \"?\"",
		    false },
		{ "string :matches :comparator \"i;octet\" \"\xc3\xa9\" \"??\"",
		    true },
		{ "string :matches :comparator \"i;octet\" \"aXb\" \"a?b\"",
		    true },
		{ "string :matches :comparator \"i;octet\" \"aXb\" \"A*\"",
		    false },
	};
	struct fixture f;

	fixture_init(&f);
	fixture_check_tests(&f, REQUIRE, cases, FIXTURE_N(cases));
}

/* What is matched is of the value as it is, not as it was compared. */
Test(sieve_match, wildcards_stand_for_what_was_there)
{
	static const struct fixture_case cases[] = {
		{ "expanded",
		    "require [\"variables\", \"fileinto\","
		    "\"comparator-i;unicode-casemap\"];"
		    "if string :matches :comparator \"i;unicode-casemap\""
		    "  \"x\xc3\x9fyz\xc3\x89-\xef\xb7\xba.\" \"X?Y*-?.\" {"
		    "fileinto \"${1}|${2}|${3}\"; }",
		    "fileinto \"\xc3\x9f|z\xc3\x89|\xef\xb7\xba\"" },
		{ "of the last one that was true",
		    "require [\"variables\", \"fileinto\"];"
		    "if allof (string :matches \"ab\" \"a*\","
		    " not string :matches \"ab\" \"b*\", string \"a\" \"a\")"
		    "{ fileinto \"${01}${2}|\"; }",
		    "fileinto \"b|\"" },
		{ "none yet",
		    "require [\"variables\", \"fileinto\"];"
		    "fileinto \"${1}${0}x\";",
		    "fileinto \"x\"" },
		{ "not evaluated",
		    "require [\"variables\", \"fileinto\"];"
		    "if anyof (true, string :matches \"ab\" \"*\")"
		    "{ fileinto \"x${1}\"; }",
		    "fileinto \"x\"" },
		{ "itself",
		    "require [\"variables\", \"fileinto\"];"
		    "if string :matches \"abc\" \"a*\" {"
		    "if string :matches \"${1}${1}\" \"?*\" {"
		    "fileinto \"${1}${2}\"; } }",
		    "fileinto \"bcbc\"" },
	};
	struct fixture f;

	fixture_init(&f);
	fixture_check(&f, cases, FIXTURE_N(cases));
}

/* --- hostile ---------------------------------------------------------------
 */

enum { LONG = 64 * 1024 };

static char *
long_subject(const char *unit)
{
	char *m = calloc(1, LONG + 200);
	size_t n = strlen("Subject: ");

	memcpy(m, "Subject: ", n);
	while (n < LONG) {
		memcpy(m + n, unit, strlen(unit));
		n += strlen(unit);
	}
	memcpy(m + n, "\r\n\r\n", 4);
	return m;
}

static const struct {
	const char *unit, *unit_of_key, *end;
	unsigned times;
	const char *comparator;
	const char *want; /* NULL: the run may end with too much work */
} hostile[] = {
	{ "a", "*a", "*b", 1000, "i;ascii-casemap", "keep" },
	{ "a", "*a", "*b", 4, "i;ascii-casemap", "keep" },
	{ "a", "*a", "", 10000, "i;ascii-casemap", "" },
	{ "a", "*", "", 20000, "i;ascii-casemap", "" },
	{ "a", "*?", "*", 10000, "i;ascii-casemap", "" },
	{ "a", "?", "*", 20000, "i;ascii-casemap", "" },
	{ "ab", "*a?", "*c", 10000, "i;octet", "keep" },
	{ "a", "*a?a?a?a?a?a?a?a?", "a?a?a?b*", 1, "i;octet", "keep" },
	{ "a", "a?", "b*", 10000, "i;ascii-casemap", "keep" },
	{ "a", "a", "b*", 20000, "i;ascii-casemap", "keep" },
	{ "\xc3\xa9", "*\xc3\x89", "*x", 5000, "i;unicode-casemap", "keep" },
	{ "\xc3\xa9", "*?", "*", 5000, "i;unicode-casemap", "" },
	{ "\xef\xb7\xba", "*?", "*", 5000, "i;unicode-casemap", NULL },
};

Test(sieve_match, long_values_against_long_patterns)
{
	for (size_t i = 0; i < FIXTURE_N(hostile); i++) {
		char *message = long_subject(hostile[i].unit);
		struct fixture f;
		struct buf script, got;

		fixture_init(&f);
		f.message = message;
		buf_init(&script, 1 << 20);
		(void)buf_printf(&script,
		    "require [\"variables\", \"comparator-i;unicode-casemap\"];"
		    "if header :matches :comparator \"%s\" \"subject\" \"",
		    hostile[i].comparator);
		for (unsigned k = 0; k < hostile[i].times; k++)
			(void)buf_puts(&script, hostile[i].unit_of_key);
		(void)buf_printf(&script, "%s\" { discard; }", hostile[i].end);
		(void)buf_putc(&script, '\0');
		got = fixture_run(&f, script.p);
		if (hostile[i].want != NULL)
			cr_expect(str_is(buf_str(&got), hostile[i].want),
			    "%zu: %.*s", i, STR_ARG(buf_str(&got)));
		buf_fini(&script);
		buf_fini(&got);
		free(message);
	}
}

/* A star before each of them, and a question mark in each: here something must
 * be tried at each place, and that is counted. */
Test(sieve_match, what_would_be_slow_ends)
{
	char *message = long_subject("a");
	struct fixture f;
	struct buf script, got;

	fixture_init(&f);
	f.message = message;
	buf_init(&script, 1 << 20);
	(void)buf_puts(&script, "if header :matches \"subject\" \"*");
	for (unsigned k = 0; k < 20000; k++)
		(void)buf_puts(&script, "a?");
	(void)buf_puts(&script, "b*\" { discard; }");
	(void)buf_putc(&script, '\0');
	f.limits.work = 100000;
	got = fixture_run(&f, script.p);
	cr_expect(str_is(buf_str(&got),
		      "error 1: The script does too much for one message"),
	    "%.*s", STR_ARG(buf_str(&got)));
	buf_fini(&script);
	buf_fini(&got);
	free(message);
}
