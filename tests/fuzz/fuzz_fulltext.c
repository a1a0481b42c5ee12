/*
 * fuzz_fulltext.c - terms of the full-text index. The first octet tells how
 * much of the input is the needle, the rest is the text. A text that contains
 * the needle must have terms for all pieces of its plan; when the plan is
 * exact, a text that has them must contain the needle.
 */
#include "localindex/terms.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	const struct li_plan *plan;
	bool has[LI_PIECES_MAX];
};

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static bool
fits(const struct li_piece *piece, const char *term, size_t n)
{
	struct pst_str t = piece->text;

	if (n < t.n)
		return false;
	switch (piece->how) {
	case LI_CONTAINS:
		return memmem(term, n, t.p, t.n) != NULL;
	case LI_STARTS:
		return memcmp(term, t.p, t.n) == 0;
	case LI_ENDS:
		return memcmp(term + n - t.n, t.p, t.n) == 0;
	case LI_IS:
		return n == t.n && memcmp(term, t.p, n) == 0;
	}
	return false;
}

static void
look(void *arg, const char *term, size_t n)
{
	struct seen *s = arg;

	must(n > 0 && n <= LI_TERM_MAX && memchr(term, '\0', n) == NULL);
	for (size_t i = 0; i < s->plan->n; i++)
		if (fits(&s->plan->piece[i], term, n))
			s->has[i] = true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_str needle, text;
	struct li_plan plan;
	struct seen seen = { .plan = &plan };
	bool contains, has_all = true;

	if (size < 2)
		return 0;
	needle.p = (const char *)data + 1;
	needle.n = data[0] < size ? data[0] : size - 1;
	text.p = needle.p + needle.n;
	text.n = size - 1 - needle.n;
	/* What divides texts is in no needle. */
	if (needle.n == 0 || memchr(needle.p, 0xff, needle.n) != NULL)
		return 0;
	li_plan(needle, &plan);
	must(plan.n <= LI_PIECES_MAX && (plan.n > 0 || !plan.is_exact));
	li_terms(text, look, &seen);
	for (size_t i = 0; i < plan.n; i++)
		has_all = has_all && seen.has[i];
	contains = text.n >= needle.n &&
		   memmem(text.p, text.n, needle.p, needle.n) != NULL;
	if (contains)
		must(has_all);
	if (plan.is_exact && has_all)
		must(contains);
	return 0;
}
