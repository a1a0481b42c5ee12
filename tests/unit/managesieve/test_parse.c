/*
 * Octets to commands (RFC 5804, 4), cut anywhere.
 */
#include "base/str.h"
#include "managesieve/parse.h"

#include <criterion/criterion.h>

enum { MAX = 20 };

/* What was said, one word a command: "NOOP", "PUTSCRIPT(x|keep;)", "#5" for a
 * number, BAD, LARGE:VERB, LOST. */
static void
put(struct buf *out, const struct managesieve_parser *p,
    enum managesieve_said said)
{
	if (out->n > 0)
		(void)buf_putc(out, ' ');
	if (said == MANAGESIEVE_BAD || said == MANAGESIEVE_LOST) {
		(void)buf_puts(out, said == MANAGESIEVE_BAD ? "BAD" : "LOST");
		return;
	}
	if (said == MANAGESIEVE_LARGE)
		(void)buf_puts(out, "LARGE:");
	(void)buf_add(out, p->verb, p->verb_n);
	for (size_t i = 0; i < p->args && said != MANAGESIEVE_LARGE; i++) {
		(void)buf_putc(out, i > 0 ? '|' : '(');
		if (p->kind[i] == MANAGESIEVE_NUMBER)
			(void)buf_putc(out, '#');
		(void)buf_add_str(out, managesieve_parser_arg(p, i));
	}
	if (p->args > 0 && said != MANAGESIEVE_LARGE)
		(void)buf_putc(out, ')');
}

/* Ends in "..." when something is not whole. */
static void
read_all(struct buf *out, struct pst_str text, bool is_answer, size_t piece)
{
	struct managesieve_parser p;
	enum managesieve_said said = MANAGESIEVE_MORE;
	size_t at = 0;

	managesieve_parser_init(&p);
	managesieve_parser_begin(&p, is_answer, MAX);
	while (at < text.n && said != MANAGESIEVE_LOST) {
		size_t n = text.n - at < piece ? text.n - at : piece, used;

		said = managesieve_parser_feed(
		    &p, str_n(text.p + at, n), &used);
		cr_assert_leq(used, n);
		at += used;
		if (said == MANAGESIEVE_MORE) {
			cr_assert_eq(used, n);
			continue;
		}
		put(out, &p, said);
		if (said == MANAGESIEVE_LOST)
			break;
		managesieve_parser_begin(&p, is_answer, MAX);
		cr_expect(managesieve_parser_is_idle(&p));
	}
	if (said != MANAGESIEVE_LOST && !managesieve_parser_is_idle(&p))
		(void)buf_puts(out, "...");
	managesieve_parser_fini(&p);
}

static const struct {
	struct pst_str wire;
	const char *want;
	bool is_answer;
} cases[] = {
	{ STR("NOOP\r\n"), "NOOP", false },
	{ STR("noop\n"), "noop", false },
	{ STR("NOOP \r\n"), "NOOP", false },
	{ STR("NOOP \"\"\r\n"), "NOOP()", false },
	{ STR("NOOP   \"a\"  \r\n"), "NOOP(a)", false },
	{ STR("GETSCRIPT \"a \\\"b\\\" \\\\\"\r\n"), "GETSCRIPT(a \"b\" \\)",
	    false },
	{ STR("HAVESPACE \"a\" 435\r\n"), "HAVESPACE(a|#435)", false },
	{ STR("HAVESPACE \"a\" 435 \r\n"), "HAVESPACE(a|#435)", false },
	{ STR("PUTSCRIPT \"x\" {5+}\r\nkeep;\r\n"), "PUTSCRIPT(x|keep;)",
	    false },
	{ STR("PUTSCRIPT {1+}\nx {7+}\nkeep;\r\n\n"), "PUTSCRIPT(x|keep;\r\n)",
	    false },
	{ STR("NOOP {0+}\r\n\r\n"), "NOOP()", false },
	{ STR("NOOP {0+}\r\n {0+}\r\n\r\n"), "NOOP(|)", false },
	{ STR("NOOP {4+}\r\n\r\"{}\r\n"), "NOOP(\r\"{})", false },
	{ STR("A\r\nB\r\nC \"x\"\r\n"), "A B C(x)", false },
	{ STR("A \"x\" \"y\" \"z\"\r\n"), "A(x|y|z)", false },
	/* what is wrong ends with the line */
	{ STR("\r\nNOOP\r\n"), "BAD NOOP", false },
	{ STR(" NOOP\r\nNOOP\r\n"), "BAD NOOP", false },
	{ STR("A \"x\" \"y\" \"z\" \"0\"\r\nB\r\n"), "BAD B", false },
	{ STR("A \"x\"\"y\"\r\nB\r\n"), "BAD B", false },
	{ STR("A \"x\ny\"\r\nB\r\n"), "BAD BAD B", false },
	{ STR("A \"x\\y\"\r\nB\r\n"), "BAD B", false },
	{ STR("A \"x\0\"\r\nB\r\n"), "BAD B", false },
	{ STR("A \"x\r\nB\r\n"), "BAD B", false },
	{ STR("A x\r\nB\r\n"), "BAD B", false },
	{ STR("A 12x\r\nB\r\n"), "BAD B", false },
	{ STR("A\rB\r\nC\r\n"), "BAD C", false },
	{ STR("A \"x\r\"\r\nC\r\n"), "BAD C", false },
	{ STR("A\r\r\nC\r\n"), "BAD C", false },
	{ STR("A(x)\r\nB\r\n"), "BAD B", false },
	{ STR("\xc3\xa4\r\nB\r\n"), "BAD B", false },
	{ STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\nB\r\n"), "BAD B", false },
	{ STR("A {3}\r\nB\r\n"), "BAD B", false },
	{ STR("A {3+\r\nB\r\n"), "BAD B", false },
	{ STR("A {+}\r\nB\r\n"), "BAD B", false },
	{ STR("A {x+}\r\nB\r\n"), "BAD B", false },
	{ STR("A {1+} \r\nB\r\n"), "BAD B", false },
	/* with the literal that it ends in */
	{ STR("A x {3+}\r\nB\r\r\nC\r\n"), "BAD C", false },
	{ STR("A x {{3+}\r\nB\n\n\r\nC\r\n"), "BAD C", false },
	{ STR("A{3+}\r\nB\r\n\r\nC\r\n"), "BAD C", false },
	{ STR("A \"x\" \"y\" \"z\" {3+}\r\nB\r\n {2+}\r\n\n\n\r\nC\r\n"),
	    "BAD C", false },
	/* too long: read away */
	{ STR("A {20+}\r\n12345678901234567890\r\nB\r\n"),
	    "A(12345678901234567890) B", false },
	{ STR("A {21+}\r\n123456789012345678\r\n.\r\nB\r\n"), "LARGE:A B",
	    false },
	{ STR("A \"123456789\" \"1234567890\" \"1\"\r\nB\r\n"),
	    "A(123456789|1234567890|1) B", false },
	{ STR("A \"123456789\" \"1234567890\" \"12\"\r\nB\r\n"), "LARGE:A B",
	    false },
	{ STR("A \"123456789\" {12+}\r\n1234567890\r\n \"1\"\r\nB\r\n"),
	    "LARGE:A B", false },
	{ STR("A {21+}\r\n1234567890123456789\r\n x\r\nB\r\n"), "BAD B",
	    false },
	{ STR("A {16777217+}\r\nB\r\n"), "LOST", false },
	{ STR("A {18446744073709551617+}\r\nB\r\n"), "LOST", false },
	{ STR("A x {16777217+}\r\nB\r\n"), "LOST", false },
	/* not whole */
	{ STR("A"), "...", false },
	{ STR("A {3+}\r\nab"), "...", false },
	{ STR("A {3+}\r\nabc"), "...", false },
	{ STR("A {3+}\r\nabc\r"), "...", false },
	/* answers to challenges */
	{ STR("\"YQ==\"\r\n"), "(YQ==)", true },
	{ STR("{4+}\r\nYQ==\r\n"), "(YQ==)", true },
	{ STR("\"\"\r\n"), "()", true },
	{ STR("\"*\"\r\n"), "(*)", true },
	{ STR("*\r\n\"YQ==\"\r\n"), "BAD (YQ==)", true },
	{ STR("\r\n"), "BAD", true },
	{ STR("12\r\n"), "BAD", true },
	{ STR("\"a\" \"b\"\r\n"), "BAD", true },
	{ STR("NOOP {2+}\r\n\r\n\r\n"), "BAD", true },
};

Test(managesieve_parse, the_same_however_it_comes)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t piece = 1; piece <= cases[i].wire.n; piece++) {
			struct buf out;

			buf_init(&out, 1024);
			read_all(
			    &out, cases[i].wire, cases[i].is_answer, piece);
			cr_expect(str_is(buf_str(&out), cases[i].want),
			    "case %zu, by %zu: %.*s, not %s", i, piece,
			    STR_ARG(buf_str(&out)), cases[i].want);
			buf_fini(&out);
		}
}

/* A line without an end is not waited for. */
Test(managesieve_parse, endless_lines_are_lost)
{
	static const char *const begins[] = { "A", "A ", "A \"", "A x", "" };
	char more[4096];

	memset(more, 'x', sizeof(more));
	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
		struct managesieve_parser p;
		enum managesieve_said said;
		size_t used, fed = 0;

		managesieve_parser_init(&p);
		managesieve_parser_begin(&p, false, MAX);
		said = managesieve_parser_feed(&p, str_of(begins[i]), &used);
		while (said == MANAGESIEVE_MORE && fed < 1 << 20) {
			said = managesieve_parser_feed(
			    &p, str_n(more, sizeof(more)), &used);
			fed += used;
		}
		cr_expect_eq(said, MANAGESIEVE_LOST, "%s", begins[i]);
		cr_expect_leq(p.text.cap, 1024);
		managesieve_parser_fini(&p);
	}
}

/* What is announced takes no memory; what is read away neither. */
Test(managesieve_parse, a_large_literal_is_not_kept)
{
	char more[4096];
	struct managesieve_parser p;
	enum managesieve_said said;
	size_t used;

	memset(more, '\n', sizeof(more));
	managesieve_parser_init(&p);
	managesieve_parser_begin(&p, false, MAX);
	said = managesieve_parser_feed(&p, STR("A {16777216+}\r\n"), &used);
	cr_expect_eq(said, MANAGESIEVE_MORE);
	for (unsigned i = 0; i < 4096; i++) {
		said = managesieve_parser_feed(
		    &p, str_n(more, sizeof(more)), &used);
		cr_assert_eq(said, MANAGESIEVE_MORE);
		cr_assert_eq(used, sizeof(more));
		cr_assert_leq(p.text.cap, 1024);
	}
	cr_expect_eq(
	    managesieve_parser_feed(&p, STR("\r\n"), &used), MANAGESIEVE_LARGE);
	managesieve_parser_fini(&p);
}
