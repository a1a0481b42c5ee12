/*
 * terms.c - see terms.h.
 *
 * What class a character has depends on it alone, but for the signs that join,
 * which look at their neighbours. So the terms inside of a needle are the terms
 * inside of a text that contains it, and only the first and the last one may
 * go on beyond it.
 */
#include "localindex/terms.h"

enum kind {
	BREAKS, /* and everything that is no UTF-8 */
	WORD,
	JOINS,
	SINGLE,
};

/* One character and how long it is. */
struct unit {
	enum kind kind;
	size_t n;
	bool is_bad; /* no UTF-8 */
};

static inline bool
follows(const unsigned char *p, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return false;
	return true;
}

/* Two octets: U+00A0 to U+00BF are signs, the others letters and marks. */
static enum kind
kind_of_2(const unsigned char *p)
{
	if (p[0] != 0xc2)
		return WORD;
	return p[1] >= 0xa0 ? SINGLE : BREAKS;
}

static enum kind
kind_of_3(const unsigned char *p)
{
	if (p[0] == 0xe2) {
		if (p[1] <= 0x81) /* U+2000: spaces, dashes, quotation marks */
			return BREAKS;
		if (p[1] < 0xb0) /* U+2080: symbols */
			return SINGLE;
		if (p[1] < 0xb8) /* U+2C00: letters of some scripts */
			return WORD;
		return p[1] < 0xba ? BREAKS : SINGLE; /* U+2E80: radicals */
	}
	if (p[0] == 0xe3) /* U+3000: CJK punctuation; kana, ideographs */
		return p[1] == 0x80 ? BREAKS : SINGLE;
	if (p[0] >= 0xe4 && p[0] <= 0xe9) /* ideographs */
		return SINGLE;
	if (p[0] == 0xef && p[1] == 0xbf) /* U+FFFD among them */
		return BREAKS;
	return WORD;
}

/* Four octets: emoji and rare ideographs stand for themselves. */
static enum kind
kind_of_4(const unsigned char *p)
{
	return p[0] == 0xf0 && p[1] < 0x9f ? WORD : SINGLE;
}

static struct unit
unit_of_many(const unsigned char *p, size_t left)
{
	if (p[0] >= 0xc2 && p[0] <= 0xdf && left >= 2 && follows(p, 2))
		return (struct unit){ kind_of_2(p), 2, false };
	if (p[0] >= 0xe0 && p[0] <= 0xef && left >= 3 && follows(p, 3))
		return (struct unit){ kind_of_3(p), 3, false };
	if (p[0] >= 0xf0 && p[0] <= 0xf4 && left >= 4 && follows(p, 4))
		return (struct unit){ kind_of_4(p), 4, false };
	return (struct unit){ BREAKS, 1, true };
}

static inline struct unit
unit_at(const char *at, const char *end)
{
	const unsigned char *p = (const unsigned char *)at;
	enum kind kind = BREAKS;

	if (*p >= 0x80)
		return unit_of_many(p, (size_t)(end - at));
	if ((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') ||
	    (*p >= 'A' && *p <= 'Z'))
		kind = WORD;
	else if (*p == '.' || *p == '@' || *p == '-' || *p == '_' || *p == '\'')
		kind = JOINS;
	return (struct unit){ kind, 1, false };
}

/* The end of the run of letters that starts at `p`. */
static const char *
word_end(const char *p, const char *end)
{
	while (p < end) {
		struct unit u = unit_at(p, end);

		if (u.kind == JOINS) {
			if (p + 1 == end || unit_at(p + 1, end).kind != WORD)
				break;
		} else if (u.kind != WORD) {
			break;
		}
		p += u.n;
	}
	return p;
}

/* --- of a text ------------------------------------------------------------ */

static void
give_word(const char *p, size_t n, li_term_fn fn, void *arg)
{
	while (n > LI_TERM_MAX) {
		fn(arg, p, LI_TERM_MAX);
		p += LI_TERM_MAX - LI_TERM_SHARED;
		n -= LI_TERM_MAX - LI_TERM_SHARED;
	}
	fn(arg, p, n);
}

/* A single character with its neighbour. */
static size_t
pair_length(const char *p, const char *end, size_t n)
{
	struct unit next;

	if (p + n == end)
		return n;
	next = unit_at(p + n, end);
	return next.kind == SINGLE ? n + next.n : n;
}

void
li_terms(struct pst_str text, li_term_fn fn, void *arg)
{
	const char *p = text.p, *end = text.n > 0 ? p + text.n : p;

	while (p < end) {
		struct unit u = unit_at(p, end);

		if (u.kind == WORD) {
			const char *to = word_end(p, end);

			give_word(p, (size_t)(to - p), fn, arg);
			p = to;
			continue;
		}
		if (u.kind == SINGLE)
			fn(arg, p, pair_length(p, end, u.n));
		p += u.n;
	}
}

/* --- of a needle ---------------------------------------------------------- */

static void
add_piece(struct li_plan *plan, enum li_how how, const char *p, size_t n)
{
	/* More of them would only be a finer sieve. */
	if (plan->n == LI_PIECES_MAX)
		return;
	if (n > LI_TERM_SHARED) {
		how = LI_CONTAINS;
		n = LI_TERM_SHARED;
	}
	plan->piece[plan->n++] = (struct li_piece){ how, { p, n } };
}

/* `open`: the term may go on to the left or to the right, outside. */
static enum li_how
how_of(bool open_left, bool open_right)
{
	if (open_left)
		return open_right ? LI_CONTAINS : LI_ENDS;
	return open_right ? LI_STARTS : LI_IS;
}

static const char *
plan_word(struct li_plan *plan, struct pst_str needle, const char *p)
{
	const char *end = needle.p + needle.n, *to = word_end(p, end);
	bool open_left = p == needle.p, open_right = to == end;

	/* A sign at the very edge may join, outside, or not. */
	if (p == needle.p + 1 && unit_at(needle.p, end).kind == JOINS)
		open_left = true;
	if (to + 1 == end && unit_at(to, end).kind == JOINS)
		open_right = true;
	if (p == needle.p && to == end && needle.n <= LI_TERM_SHARED)
		plan->is_exact = true;
	add_piece(plan, how_of(open_left, open_right), p, (size_t)(to - p));
	return to;
}

static const char *
plan_singles(struct li_plan *plan, struct pst_str needle, const char *p)
{
	const char *end = needle.p + needle.n, *first = p;
	size_t n = unit_at(p, end).n, count = 1;

	for (;;) {
		size_t pair = pair_length(p, end, n);

		if (pair == n)
			break;
		add_piece(plan, LI_IS, p, pair);
		count++;
		p += n;
		n = pair - n;
	}
	if (count == 1)
		add_piece(plan, p + n == end ? LI_STARTS : LI_IS, p, n);
	if (first == needle.p && p + n == end && count <= 2)
		plan->is_exact = true;
	return p + n;
}

void
li_plan(struct pst_str needle, struct li_plan *plan_r)
{
	const char *p = needle.p, *end = needle.n > 0 ? p + needle.n : p;

	plan_r->n = 0;
	plan_r->is_exact = false;
	while (p < end) {
		struct unit u = unit_at(p, end);

		if (u.is_bad) {
			/* A part of a character: it may be of any kind. */
			plan_r->n = 0;
			plan_r->is_exact = false;
			return;
		}
		if (u.kind == WORD)
			p = plan_word(plan_r, needle, p);
		else if (u.kind == SINGLE)
			p = plan_singles(plan_r, needle, p);
		else
			p += u.n;
	}
}
