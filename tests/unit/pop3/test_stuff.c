/*
 * Dots at the beginning of lines (RFC 1939, 3), however the text is cut.
 */
#include "pop3/stuff.h"

#include "base/str.h"
#include <criterion/criterion.h>
#include <stdlib.h>

static const struct {
	const char *text, *wire;
} cases[] = {
	{ "", ".\r\n" },
	{ "a", "a\r\n.\r\n" },
	{ "a\r\n", "a\r\n.\r\n" },
	{ ".", "..\r\n.\r\n" },
	{ ".\r\n", "..\r\n.\r\n" },
	{ "..\r\n", "...\r\n.\r\n" },
	{ "a.b.\r\n", "a.b.\r\n.\r\n" },
	{ "a\r\n.b\r\nc\r\n..\r\n", "a\r\n..b\r\nc\r\n...\r\n.\r\n" },
	{ "\r\n.\r\n\r\n.", "\r\n..\r\n\r\n..\r\n.\r\n" },
	{ ".\n.\n", "..\n..\n.\r\n" },
	{ "a\n.\r\nb", "a\n..\r\nb\r\n.\r\n" },
	{ "a\r.\rb", "a\r.\rb\r\n.\r\n" },
	{ "a\r", "a\r\r\n.\r\n" },
};

/* Behind something else in the output, as in a session. */
static void
feed(struct pop3_stuff *st, struct buf *out, const char *p, size_t n)
{
	size_t from = out->n;

	cr_assert(buf_add(out, p, n));
	cr_assert(pop3_stuff(st, out, from));
}

Test(pop3_stuff, same_result_for_every_two_cuts)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *t = cases[i].text;
		size_t n = strlen(t);

		for (size_t a = 0; a <= n; a++) {
			for (size_t b = a; b <= n; b++) {
				struct pop3_stuff st = { 0 };
				struct buf out;

				buf_init(&out, 4096);
				cr_assert(buf_puts(&out, "+OK\r\n"));
				feed(&st, &out, t, a);
				feed(&st, &out, t + a, b - a);
				feed(&st, &out, t + b, n - b);
				cr_assert(pop3_stuff_end(&st, &out));
				cr_assert(str_is(str_from(buf_str(&out), 5),
					      cases[i].wire),
				    "case %zu, cut at %zu and %zu: %.*s", i, a,
				    b, STR_ARG(buf_str(&out)));
				buf_fini(&out);
			}
		}
	}
}

/* As many dots as there can be cost no more than their number. */
Test(pop3_stuff, nothing_but_dots, .timeout = 120)
{
	enum { LINES = 300000 };
	struct pop3_stuff st = { 0 };
	size_t wrong = 0;
	struct buf out;

	buf_init(&out, (size_t)LINES * 8);
	for (int i = 0; i < LINES; i++)
		wrong += !buf_add(&out, ".\r\n", 3);
	cr_assert(pop3_stuff(&st, &out, 0));
	cr_assert_eq(out.n, (size_t)LINES * 4);
	for (size_t i = 0; i < out.n; i += 4)
		wrong += memcmp(out.p + i, "..\r\n", 4) != 0;
	cr_assert_eq(wrong, 0);
	buf_fini(&out);
}

Test(pop3_stuff, without_room_nothing_changes)
{
	struct pop3_stuff st = { 0 };
	struct buf out;

	buf_init(&out, 6);
	cr_assert(buf_add(&out, ".\r\n.\r\n", 6));
	cr_assert_not(pop3_stuff(&st, &out, 0));
	cr_assert(str_is(buf_str(&out), ".\r\n.\r\n"));
	cr_assert_not(st.inside);
	buf_fini(&out);
}
