/*
 * How text is cut into terms, and what is asked for a needle.
 */
#include "localindex/terms.h"

#include <criterion/criterion.h>

struct got {
	char text[4096];
	size_t n, count;
};

static void
note(void *arg, const char *p, size_t n)
{
	struct got *g = arg;

	if (g->n + n + 1 >= sizeof(g->text))
		return;
	if (g->n > 0)
		g->text[g->n++] = '|';
	memcpy(g->text + g->n, p, n);
	g->n += n;
	g->text[g->n] = '\0';
	g->count++;
}

static struct pst_str
str(const char *s)
{
	return (struct pst_str){ s, strlen(s) };
}

Test(terms, cuts_text)
{
	static const struct {
		char text[80], terms[120];
	} table[] = {
		{ "", "" },
		{ "hello, world!", "hello|world" },
		{ "anna@mail.example.org.", "anna@mail.example.org" },
		{ "don't well-known a_b 3.14", "don't|well-known|a_b|3.14" },
		{ "-a- .b. @c", "a|b|c" },
		{ "a..b a.-b", "a|b|a|b" },
		{ "x/y:z=1+2", "x|y|z|1|2" },
		{ "gru\xcc\x88n", "gru\xcc\x88n" },
		{ "\xd0\xb4\xd0\xb0 \xce\xbd", "\xd0\xb4\xd0\xb0|\xce\xbd" },
		/* an em dash, quotation marks */
		{ "a\xe2\x80\x94"
		  "b\xe2\x80\x9c",
		    "a|b" },
		/* ideographs: each with the next */
		{ "\xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd",
		    "\xe6\x9d\xb1\xe4\xba\xac|\xe4\xba\xac\xe9\x83\xbd|"
		    "\xe9\x83\xbd" },
		{ "a\xe6\x9d\xb1.\xe4\xba\xac"
		  "b",
		    "a|\xe6\x9d\xb1|\xe4\xba\xac|b" },
		{ "5 \xe2\x82\xac", "5|\xe2\x82\xac" },
		{ "a\xff"
		  "b\xc3",
		    "a|b" },
		{ "x\xef\xbf\xbdy", "x|y" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct got g = { .n = 0 };

		li_terms(str(table[i].text), note, &g);
		cr_expect_str_eq(
		    g.text, table[i].terms, "%s: %s", table[i].text, g.text);
	}
}

/* Whatever is not longer than what they share lies within one of them. */
Test(terms, pieces_of_long_runs_overlap)
{
	char text[500];

	for (size_t n = 60; n < sizeof(text); n++) {
		for (size_t i = 0; i < n; i++)
			text[i] = (char)('a' + (i * 7 + i / 26) % 26);
		for (size_t at = 0; at + LI_TERM_SHARED <= n; at += 5) {
			struct got g = { .n = 0 };

			li_terms((struct pst_str){ text, n }, note, &g);
			cr_assert_not_null(
			    memmem(g.text, g.n, text + at, LI_TERM_SHARED));
		}
	}
}

Test(terms, a_nul_is_in_no_term)
{
	struct got g = { .n = 0 };

	li_terms((struct pst_str){ "ab\0cd\0", 6 }, note, &g);
	cr_expect_str_eq(g.text, "ab|cd");
}

static void
describe(const struct li_plan *p, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < p->n; i++) {
		char one[80];
		int length = (int)p->piece[i].text.n;
		const char *text = p->piece[i].text.p;

		switch (p->piece[i].how) {
		case LI_CONTAINS:
			(void)snprintf(
			    one, sizeof(one), "*%.*s*", length, text);
			break;
		case LI_STARTS:
			(void)snprintf(one, sizeof(one), "%.*s*", length, text);
			break;
		case LI_ENDS:
			(void)snprintf(one, sizeof(one), "*%.*s", length, text);
			break;
		case LI_IS:
			(void)snprintf(one, sizeof(one), "%.*s", length, text);
			break;
		}
		n += (size_t)snprintf(
		    out + n, size - n, "%s%s", i > 0 ? " " : "", one);
	}
	(void)snprintf(out + n, size - n, "%s", p->is_exact ? " !" : "");
}

Test(terms, plans)
{
	static const struct {
		char needle[80], plan[120];
	} table[] = {
		{ "word", "*word* !" },
		{ "two words", "*two words*" },
		{ "a big dog", "*a big dog*" },
		{ "(this) ", "this" },
		{ "this ", "*this" },
		{ " this", "this*" },
		{ "anna@example.org", "*anna@example.org* !" },
		{ "anna@", "*anna*" },
		{ ".org", "*org*" },
		{ "..org", "org*" },
		{ "org. ", "*org" },
		{ "a.-b", "*a b*" },
		{ "...", "" },
		{ "", "" },
		{ "\xe6\x9d\xb1", "\xe6\x9d\xb1* !" },
		{ "\xe6\x9d\xb1\xe4\xba\xac", "\xe6\x9d\xb1\xe4\xba\xac !" },
		{ "\xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd",
		    "\xe6\x9d\xb1\xe4\xba\xac \xe4\xba\xac\xe9\x83\xbd" },
		{ "\xe6\x9d\xb1 ", "\xe6\x9d\xb1" },
		{ "\xe6\x9d\xb1x", "\xe6\x9d\xb1 x*" },
		/* half a character may belong to anything */
		{ "\x9d\xb1 word", "" },
		{ "word \xe6\x9d", "" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct li_plan p;
		char got[400];

		li_plan(str(table[i].needle), &p);
		describe(&p, got, sizeof(got));
		cr_expect_str_eq(
		    got, table[i].plan, "%s: %s", table[i].needle, got);
	}
}

Test(terms, a_long_needle_is_sought_by_its_beginning)
{
	char needle[100];
	struct li_plan p;

	memset(needle, 'q', sizeof(needle));
	li_plan((struct pst_str){ needle, sizeof(needle) }, &p);
	cr_assert_eq(p.n, 1);
	cr_expect_eq(p.piece[0].how, LI_CONTAINS);
	cr_expect_eq(p.piece[0].text.n, LI_TERM_SHARED);
	cr_expect_not(p.is_exact);
}

Test(terms, many_words_are_some_pieces)
{
	char needle[400];
	struct li_plan p;

	for (size_t i = 0; i < sizeof(needle); i++)
		needle[i] = i % 3 == 2 ? ' ' : 'x';
	li_plan((struct pst_str){ needle, sizeof(needle) }, &p);
	cr_expect_eq(p.n, LI_PIECES_MAX);
	cr_expect_not(p.is_exact);
}
