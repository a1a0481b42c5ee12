/*
 * What TOP shows (RFC 1939, 7): lines count behind the blank line, and the way
 * the octets arrive changes nothing.
 */
#include "pop3/excerpt.h"

#include <criterion/criterion.h>

static const struct {
	const char *label, *message;
	uint64_t lines;
	size_t shown;
} cases[] = {
	{ "no body lines", "A: b\r\n\r\none\r\ntwo\r\n", 0, 8 },
	{ "one line", "A: b\r\n\r\none\r\ntwo\r\n", 1, 13 },
	{ "two lines", "A: b\r\n\r\none\r\ntwo\r\n", 2, 18 },
	{ "more than there are", "A: b\r\n\r\none\r\ntwo\r\n", 9, 18 },
	{ "the most", "A: b\r\n\r\none\r\n", UINT64_MAX, 13 },
	{ "blank lines of the body count", "A: b\r\n\r\n\r\n\r\nx\r\n", 2, 12 },
	{ "no header", "\r\none\r\ntwo\r\n", 1, 7 },
	{ "no header, no lines", "\r\none\r\n", 0, 2 },
	{ "no body", "A: b\r\n\r\n", 5, 8 },
	{ "no blank line", "A: b\r\nC: d\r\n", 0, 12 },
	{ "no line end", "A: b\r\n\r\none", 1, 11 },
	{ "LF alone", "A: b\n\none\ntwo\n", 1, 10 },
	{ "CR in the header is not blank", "A: b\r\n\rx\r\n\r\ny\r\n", 0, 12 },
	{ "two CR are not blank", "A: b\r\n\r\r\n\r\ny\r\n", 0, 11 },
	{ "a space is not blank", "A: b\r\n \r\n\r\ny\r\n", 0, 11 },
	{ "nothing", "", 3, 0 },
};

Test(pop3_excerpt, same_result_for_every_two_cuts)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *m = cases[i].message;
		size_t n = strlen(m);

		for (size_t a = 0; a <= n; a++) {
			for (size_t b = a; b <= n; b++) {
				struct pop3_excerpt e;
				size_t shown;

				pop3_excerpt_init(&e, cases[i].lines);
				shown = pop3_excerpt_feed(&e, m, a);
				shown += pop3_excerpt_feed(&e, m + a, b - a);
				shown += pop3_excerpt_feed(&e, m + b, n - b);
				cr_assert_eq(shown, cases[i].shown,
				    "%s, cut at %zu and %zu: %zu",
				    cases[i].label, a, b, shown);
			}
		}
	}
}
