/*
 * Collecting commands: the same result however the octets arrive.
 */
#include "base/str.h"
#include "imap/gather.h"

#include <criterion/criterion.h>

enum { LINES = 200, LITERALS = 100 };

/* Feeds `wire` in two pieces; literals are taken, or skipped when too large.
 * Returns the last result; `g` keeps the text. */
static enum imap_gathered
feed_cut(struct imap_gather *g, struct pst_str wire, size_t cut, size_t *used_r)
{
	struct pst_str pieces[2] = { str_first(wire, cut),
		str_from(wire, cut) };
	enum imap_gathered got = IMAP_GATHER_MORE;

	*used_r = 0;
	for (int i = 0; i < 2; i++) {
		while (pieces[i].n > 0) {
			size_t used;

			got = imap_gather_feed(g, pieces[i], &used);
			pieces[i] = str_from(pieces[i], used);
			*used_r += used;
			if (got == IMAP_GATHER_LITERAL && !imap_gather_take(g))
				imap_gather_skip(g);
			if (got == IMAP_GATHER_DONE ||
			    got == IMAP_GATHER_TOO_LONG)
				return got;
		}
	}
	return got;
}

static const struct {
	const char *label, *wire;
	enum imap_gathered want;
	size_t used; /* 0: all */
} cases[] = {
	{ "a line", "a NOOP\r\n", IMAP_GATHER_DONE, 0 },
	{ "a line with LF", "a NOOP\n", IMAP_GATHER_DONE, 0 },
	{ "two lines", "a NOOP\r\nb NOOP\r\n", IMAP_GATHER_DONE, 8 },
	{ "a literal", "a LOGIN {4}\r\nuser {6}\r\nsecret\r\n",
	    IMAP_GATHER_DONE, 0 },
	{ "non-synchronising", "a LOGIN {4+}\r\nuser {6-}\r\nsecret\r\n",
	    IMAP_GATHER_DONE, 0 },
	{ "a literal with line ends", "a X {6}\r\n\r\n\r\n\r\n y\r\nb",
	    IMAP_GATHER_DONE, 19 },
	{ "an empty literal", "a X {0}\r\n\r\n", IMAP_GATHER_DONE, 0 },
	{ "braces in between", "a X {3} y\r\n", IMAP_GATHER_DONE, 0 },
	{ "no number", "a X {}\r\n", IMAP_GATHER_DONE, 0 },
	{ "unfinished", "a X {3}\r\nab", IMAP_GATHER_MORE, 0 },
	{ "empty line", "\r\n", IMAP_GATHER_DONE, 0 },
};

Test(imap_gather, same_for_every_cut)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pst_str wire = str_of(cases[i].wire);
		size_t want_used = cases[i].used ? cases[i].used : wire.n;

		for (size_t cut = 0; cut <= wire.n; cut++) {
			struct imap_gather g;
			size_t used;

			imap_gather_init(&g, LINES, LITERALS);
			cr_expect_eq(feed_cut(&g, wire, cut, &used),
			    cases[i].want, "%s, cut at %zu", cases[i].label,
			    cut);
			cr_expect_eq(used, want_used, "%s, cut at %zu: %zu",
			    cases[i].label, cut, used);
			cr_expect(str_eq(buf_str(&g.text),
				      str_first(wire, want_used)),
			    "%s, cut at %zu", cases[i].label, cut);
			imap_gather_fini(&g);
		}
	}
}

Test(imap_gather, skips_a_large_literal_for_every_cut)
{
	char wire[400];
	struct pst_str all = { wire, 0 };

	all.n = (size_t)snprintf(wire, sizeof(wire),
	    "a X {150+}\r\n%0150d {5+}\r\nabcde end\r\n", 0);
	for (size_t cut = 0; cut <= all.n; cut++) {
		struct imap_gather g;
		size_t used;

		imap_gather_init(&g, LINES, LITERALS);
		cr_expect_eq(feed_cut(&g, all, cut, &used), IMAP_GATHER_DONE);
		cr_expect_eq(used, all.n);
		cr_expect(g.skipping);
		cr_expect_lt(g.text.n, (size_t)LINES);
		imap_gather_fini(&g);
	}
}

Test(imap_gather, limits_the_lines)
{
	char wire[LINES + 10];
	struct imap_gather g;
	size_t used;

	memset(wire, 'x', sizeof(wire));
	imap_gather_init(&g, LINES, LITERALS);
	cr_assert_eq(
	    imap_gather_feed(&g, str_n(wire, LINES), &used), IMAP_GATHER_MORE);
	cr_assert_eq(
	    imap_gather_feed(&g, str_n(wire, 1), &used), IMAP_GATHER_TOO_LONG);
	imap_gather_fini(&g);
}

Test(imap_gather, limits_the_literals_together)
{
	struct imap_gather g;
	size_t used;

	imap_gather_init(&g, LINES, LITERALS);
	cr_assert_eq(imap_gather_feed(&g, STR("a X {60}\r\n"), &used),
	    IMAP_GATHER_LITERAL);
	cr_assert(imap_gather_take(&g));
	cr_assert_eq(
	    imap_gather_feed(&g, STR("012345678901234567890123456789"), &used),
	    IMAP_GATHER_MORE);
	cr_assert_eq(imap_gather_feed(&g,
			 STR("012345678901234567890123456789 {60}\r\n"), &used),
	    IMAP_GATHER_LITERAL);
	cr_assert_not(imap_gather_take(&g));
	imap_gather_fini(&g);
}

Test(imap_gather, sees_nul)
{
	struct imap_gather g;
	size_t used;

	imap_gather_init(&g, LINES, LITERALS);
	(void)imap_gather_feed(&g, STR("a \0\r\n"), &used);
	cr_assert(g.has_nul);
	imap_gather_fini(&g);
}

Test(imap_gather, announcements)
{
	static const struct {
		const char *line;
		bool is;
		uint64_t size;
		bool waits, binary;
	} lines[] = {
		{ "{0}", true, 0, true, false },
		{ "a {12}", true, 12, true, false },
		{ "a {12+}", true, 12, false, false },
		{ "a {12-}", true, 12, false, false },
		{ "a ~{12}", true, 12, true, true },
		{ "a {99999999999999999999999}", true, UINT64_MAX, true,
		    false },
		{ "a {18446744073709551615}", true, UINT64_MAX, true, false },
		{ "a {}", false, 0, false, false },
		{ "a {+}", false, 0, false, false },
		{ "a {1++}", false, 0, false, false },
		{ "a {-1}", false, 0, false, false },
		{ "a {1} ", false, 0, false, false },
		{ "1}", false, 0, false, false },
		{ "}", false, 0, false, false },
		{ "", false, 0, false, false },
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		bool waits = false, binary = false;
		uint64_t size = 0;

		cr_expect_eq(imap_literal_announced(
				 str_of(lines[i].line), &size, &waits, &binary),
		    lines[i].is, "%s", lines[i].line);
		if (!lines[i].is)
			continue;
		cr_expect_eq(size, lines[i].size, "%s", lines[i].line);
		cr_expect_eq(waits, lines[i].waits, "%s", lines[i].line);
		cr_expect_eq(binary, lines[i].binary, "%s", lines[i].line);
	}
}
