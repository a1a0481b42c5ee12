/*
 * base/uidset.c - number sets as sorted ranges (RFC 3501, 9: sequence-set).
 */
#include "base/uidset.h"

#include "base/str.h"
#include <stdlib.h>

void
uidset_fini(struct uidset *s)
{
	free(s->r);
	*s = (struct uidset){ 0 };
}

void
uidset_clear(struct uidset *s)
{
	s->n = 0;
}

/* The index of the first range whose end is not below `n`. */
static size_t
find(const struct uidset *s, uint32_t n)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->r[mid].last < n)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Puts `with` in the place of `gone` ranges at `at`. */
static void
splice(struct uidset *s, size_t at, size_t gone, const struct pst_range *with,
    size_t count)
{
	size_t tail = s->n - at - gone;

	mem_grow(&s->r, &s->cap, s->n - gone + count, sizeof(*s->r));
	if (tail > 0)
		memmove(
		    s->r + at + count, s->r + at + gone, tail * sizeof(*s->r));
	if (count > 0)
		memcpy(s->r + at, with, count * sizeof(*s->r));
	s->n = s->n - gone + count;
}

void
uidset_add(struct uidset *s, uint32_t first, uint32_t last)
{
	struct pst_range joined = { first, last };
	size_t from, to;

	if (first == 0 || first > last)
		return;
	/* Touching neighbours are joined too. */
	from = s->n > 0 && s->r[s->n - 1].last < first - 1 ? s->n
							   : find(s, first - 1);
	for (to = from; to < s->n; to++) {
		if (last != UINT32_MAX && s->r[to].first > last + 1)
			break;
		if (s->r[to].first < joined.first)
			joined.first = s->r[to].first;
		if (s->r[to].last > joined.last)
			joined.last = s->r[to].last;
	}
	splice(s, from, to - from, &joined, 1);
}

void
uidset_remove(struct uidset *s, uint32_t first, uint32_t last)
{
	struct pst_range keep[2];
	size_t count = 0, from, to;

	if (first == 0 || first > last)
		return;
	from = find(s, first);
	for (to = from; to < s->n && s->r[to].first <= last; to++) {
		if (s->r[to].first < first)
			keep[count++] = (struct pst_range){ s->r[to].first,
				first - 1 };
		if (s->r[to].last > last)
			keep[count++] = (struct pst_range){ last + 1,
				s->r[to].last };
	}
	if (to > from)
		splice(s, from, to - from, keep, count);
}

void
uidset_add_set(struct uidset *s, const struct uidset *other)
{
	for (size_t i = 0; i < other->n; i++)
		uidset_add(s, other->r[i].first, other->r[i].last);
}

bool
uidset_has(const struct uidset *s, uint32_t n)
{
	size_t i = find(s, n);

	return n != 0 && i < s->n && s->r[i].first <= n;
}

uint64_t
uidset_count(const struct uidset *s)
{
	uint64_t count = 0;

	for (size_t i = 0; i < s->n; i++)
		count += (uint64_t)s->r[i].last - s->r[i].first + 1;
	return count;
}

struct pst_uids
uidset_peek(const struct uidset *s)
{
	return (struct pst_uids){ s->r, s->n };
}

bool
uidset_print(const struct uidset *s, struct buf *out)
{
	bool ok = true;

	for (size_t i = 0; i < s->n; i++) {
		if (i > 0)
			ok &= buf_putc(out, ',');
		ok &= buf_put_u64(out, s->r[i].first);
		if (s->r[i].last != s->r[i].first) {
			ok &= buf_putc(out, ':');
			ok &= buf_put_u64(out, s->r[i].last);
		}
	}
	return ok;
}

static bool
parse_number(struct pst_str text, uint32_t star, uint32_t *n_r)
{
	if (str_is(text, "*")) {
		*n_r = star;
		return true;
	}
	return str_to_u32(text, n_r) && *n_r > 0;
}

/*
 * Ranges are gathered, sorted and joined in one go, so that hostile orders cost
 * no more than good ones.
 */
static int
compare_ranges(const void *a, const void *b)
{
	const struct pst_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

enum pst_rc
uidset_parse(struct pst_str text, uint32_t star, size_t max, struct uidset *s_r)
{
	struct pst_range *all = NULL;
	size_t n = 0, cap = 0;
	struct pst_str part;
	enum pst_rc rc = text.n == 0 ? PST_E_SYNTAX : PST_OK;
	bool sorted = true;

	while (rc == PST_OK && str_split(&text, ',', &part)) {
		size_t colon = str_find(part, ':');
		uint32_t a, b;

		if (n >= max) {
			rc = PST_E_LIMIT;
			break;
		}
		if (!parse_number(str_first(part, colon), star, &a)) {
			rc = PST_E_SYNTAX;
			break;
		}
		b = a;
		if (colon < part.n &&
		    !parse_number(str_from(part, colon + 1), star, &b)) {
			rc = PST_E_SYNTAX;
			break;
		}
		mem_grow(&all, &cap, n + 1, sizeof(*all));
		all[n] = a <= b ? (struct pst_range){ a, b }
				: (struct pst_range){ b, a };
		if (n > 0 && all[n].first < all[n - 1].first)
			sorted = false;
		n++;
	}
	if (!sorted)
		qsort(all, n, sizeof(*all), compare_ranges);
	for (size_t i = 0; rc == PST_OK && i < n; i++)
		uidset_add(s_r, all[i].first, all[i].last);
	free(all);
	return rc;
}
