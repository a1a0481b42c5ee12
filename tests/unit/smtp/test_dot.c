/*
 * The end of data and the dots (RFC 5321, 4.1.1.4 and 4.5.2): what ends a
 * message, what does not, and that the way the octets arrive changes nothing.
 */
#include "smtp/dot.h"

#include "base/mem.h"
#include "base/str.h"

#include <criterion/criterion.h>

struct result {
	struct buf content;
	struct smtp_dot dot;
	size_t used;
};

static void
add(void *arg, const char *p, size_t n)
{
	struct result *r = arg;

	cr_assert_gt(n, 0);
	cr_assert(buf_add(&r->content, p, n));
}

static void
feed(struct result *r, const char *p, size_t n)
{
	if (r->dot.ended)
		return;
	r->used += smtp_dot_feed(&r->dot, p, n, add, r);
}

static void
start(struct result *r)
{
	memset(r, 0, sizeof(*r));
	buf_init(&r->content, 1 << 20);
	smtp_dot_init(&r->dot);
}

static const struct {
	const char *label, *wire;
	const char *content;
	bool ended, bare;
} cases[] = {
	{ "plain", "hi\r\n.\r\n", "hi\r\n", true, false },
	{ "empty", ".\r\n", "", true, false },
	{ "empty line", "\r\n.\r\n", "\r\n", true, false },
	{ "no end yet", "hi\r\n.", "hi\r\n", false, false },
	{ "no end yet, CR", "hi\r\n.\r", "hi\r\n", false, false },
	{ "stuffed dot", "..\r\n.\r\n", ".\r\n", true, false },
	{ "stuffed dots", "...\r\n.\r\n", "..\r\n", true, false },
	{ "dot and text", ".x\r\n.\r\n", "x\r\n", true, false },
	{ "dot inside", "a.b\r\n.\r\n", "a.b\r\n", true, false },
	{ "dot at the end of a line", "a.\r\n.\r\n", "a.\r\n", true, false },
	{ "LF dot LF", "a\n.\nb\r\n.\r\n", "a\n.\nb\r\n", true, true },
	{ "LF dot CRLF", "a\n.\r\nb\r\n.\r\n", "a\n.\r\nb\r\n", true, true },
	{ "CRLF dot LF", "a\r\n.\nb\r\n.\r\n", "a\r\n\nb\r\n", true, true },
	{ "CRLF dot CR", "a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n", true, true },
	{ "CR dot CRLF", "a\r.\r\nb\r\n.\r\n", "a\r.\r\nb\r\n", true, true },
	{ "CR dot CR", "a\r.\rb\r\n.\r\n", "a\r.\rb\r\n", true, true },
	{ "CR CRLF dot CRLF", "a\r\r\n.\r\n", "a\r\r\n", true, true },
	{ "CRLF dot CR CRLF", "a\r\n.\r\r\nb\r\n.\r\n", "a\r\n\r\r\nb\r\n",
	    true, true },
	{ "CRLF dot CR CRLF dot", "\r\n.\r\r\n.\r\n", "\r\n\r\r\n", true,
	    true },
	{ "LF CR dot CRLF", "a\n\r.\r\nb\r\n.\r\n", "a\n\r.\r\nb\r\n", true,
	    true },
	{ "LF LF dot CRLF", "a\n\n.\r\n\r\n.\r\n", "a\n\n.\r\n\r\n", true,
	    true },
	{ "LF first", "\n.\r\n.\r\n", "\n.\r\n", true, true },
	{ "stuffed dot, LF", "..\n.\r\n", ".\n.\r\n", false, true },
	{ "lone CR first", "\r.\r\n", "\r.\r\n", false, true },
	{ "only the first end counts", "a\r\n.\r\nQUIT\r\n", "a\r\n", true,
	    false },
	{ "a stuffed end is none", "a\r\n..\r\n\r\n.\r\n", "a\r\n.\r\n\r\n",
	    true, false },
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

static void
expect(size_t i, const struct result *r, size_t a, size_t b)
{
	struct pst_str got = buf_str(&r->content);

	cr_expect(str_is(got, cases[i].content), "%s, cut at %zu and %zu",
	    cases[i].label, a, b);
	cr_expect_eq(r->dot.ended, cases[i].ended, "%s, cut at %zu and %zu",
	    cases[i].label, a, b);
	cr_expect_eq(r->dot.bare, cases[i].bare, "%s, cut at %zu and %zu",
	    cases[i].label, a, b);
}

Test(smtp_dot, same_result_for_every_two_cuts)
{
	for (size_t i = 0; i < CASES; i++) {
		const char *w = cases[i].wire;
		size_t n = strlen(w);

		for (size_t a = 0; a <= n; a++) {
			for (size_t b = a; b <= n; b++) {
				struct result r;

				start(&r);
				feed(&r, w, a);
				feed(&r, w + a, b - a);
				feed(&r, w + b, n - b);
				expect(i, &r, a, b);
				buf_fini(&r.content);
			}
		}
	}
}

Test(smtp_dot, same_result_octet_by_octet)
{
	for (size_t i = 0; i < CASES; i++) {
		struct result r;

		start(&r);
		for (const char *p = cases[i].wire; *p != '\0'; p++)
			feed(&r, p, 1);
		expect(i, &r, 1, 1);
		buf_fini(&r.content);
	}
}

Test(smtp_dot, leaves_what_follows_the_end)
{
	static const char wire[] = "a\r\n.\r\nMAIL FROM:<>\r\n";
	struct result r;

	start(&r);
	feed(&r, wire, sizeof(wire) - 1);
	cr_assert_eq(r.used, 6);
	buf_fini(&r.content);
}

Test(smtp_dot, reports_nul_before_it_is_handed_on)
{
	static const char wire[] = "a\0b\r\n.\r\n";
	struct result r;

	start(&r);
	feed(&r, wire, sizeof(wire) - 1);
	cr_assert(r.dot.nul);
	cr_assert(r.dot.ended);
	cr_assert_not(r.dot.bare);
	buf_fini(&r.content);
}

static void
count_run(void *arg, const char *p, size_t n)
{
	size_t *runs = arg;

	(void)p;
	(void)n;
	++*runs;
}

Test(smtp_dot, hands_on_large_runs)
{
	struct smtp_dot d;
	struct buf text;
	size_t runs = 0;

	buf_init(&text, 1 << 20);
	for (int i = 0; i < 500; i++)
		(void)buf_puts(&text, "a line of a usual length, or so\r\n");
	smtp_dot_init(&d);
	(void)smtp_dot_feed(&d, text.p, text.n, count_run, &runs);
	cr_assert_eq(runs, 1);
	buf_fini(&text);
}

static const struct {
	const char *text;
	bool bare;
} line_cases[] = {
	{ "", false },
	{ "a\r\nb\r\n", false },
	{ "a", false },
	{ "\n", true },
	{ "a\nb", true },
	{ "a\rb", true },
	{ "a\r", true },
	{ "a\r\r\n", true },
	{ "\r\n\r\n", false },
	{ "\r\n\n", true },
};

Test(smtp_lines, same_verdict_for_every_cut)
{
	for (size_t i = 0; i < sizeof(line_cases) / sizeof(line_cases[0]);
	     i++) {
		const char *t = line_cases[i].text;
		size_t n = strlen(t);

		for (size_t cut = 0; cut <= n; cut++) {
			struct smtp_lines l = { 0 };

			smtp_lines_feed(&l, t, cut);
			smtp_lines_feed(&l, t + cut, n - cut);
			smtp_lines_end(&l);
			cr_expect_eq(l.bare, line_cases[i].bare,
			    "case %zu, cut at %zu", i, cut);
		}
	}
}
