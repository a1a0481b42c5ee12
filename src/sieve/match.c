/*
 * sieve/match.c - comparators (RFC 4790, RFC 5051) and match types (RFC 5228,
 * 2.7; RFC 5231).
 *
 * Keys are brought into the form in which octets can be compared once for a
 * test, values once each.
 */
#include "base/str.h"
#include "message/content.h"
#include "sieve/run.h"

#include <stdlib.h>

static struct pst_str
fold_ascii(struct run *r, struct pst_str s)
{
	char *p = run_alloc(r, s.n, 1);

	for (size_t i = 0; i < s.n; i++)
		p[i] = ascii_upper(s.p[i]);
	return str_n(p, s.n);
}

static struct pst_str
fold_unicode(struct run *r, struct pst_str s)
{
	struct pst_str kept;
	struct buf b;

	if (str_is_ascii(s))
		return fold_ascii(r, s);
	if (!run_look(r, MAP_COST * s.n))
		return STR_NONE;
	buf_init(&b, SCRATCH_MAX);
	(void)msg_casemap(s, &b);
	kept = run_keep(r, &b);
	buf_fini(&b);
	return kept;
}

struct pst_str
match_fold(struct run *r, enum sieve_comparator comparator, struct pst_str s)
{
	if (r->failed)
		return STR_NONE;
	switch (comparator) {
	case COMP_ASCII_CASEMAP:
		return fold_ascii(r, s);
	case COMP_UNICODE_CASEMAP:
		return fold_unicode(r, s);
	case COMP_OCTET:
	case COMP_ASCII_NUMERIC:
		break;
	}
	return s;
}

static int
order_octets(struct pst_str a, struct pst_str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return c != 0 ? c : a.n == b.n ? 0 : a.n < b.n ? -1 : 1;
}

/* RFC 4790, 9.1.1: the digits that it starts with, without leading zeros. */
static bool
take_digits(struct pst_str s, struct pst_str *digits_r)
{
	size_t n = 0, zeros = 0;

	while (n < s.n && ascii_is_digit(s.p[n]))
		n++;
	while (zeros < n && s.p[zeros] == '0')
		zeros++;
	*digits_r = str_n(s.p + zeros, n - zeros);
	return n > 0;
}

/* Without digits it is more than any number. */
static int
order_numbers(struct pst_str a, struct pst_str b)
{
	struct pst_str x, y;
	bool a_is = take_digits(a, &x), b_is = take_digits(b, &y);

	if (!a_is || !b_is)
		return a_is == b_is ? 0 : a_is ? -1 : 1;
	if (x.n != y.n)
		return x.n < y.n ? -1 : 1;
	return order_octets(x, y);
}

static int
order(enum sieve_comparator comparator, struct pst_str a, struct pst_str b)
{
	return comparator == COMP_ASCII_NUMERIC ? order_numbers(a, b)
						: order_octets(a, b);
}

static bool
is_related(enum sieve_relation relation, int c)
{
	switch (relation) {
	case REL_GT:
		return c > 0;
	case REL_GE:
		return c >= 0;
	case REL_LT:
		return c < 0;
	case REL_LE:
		return c <= 0;
	case REL_EQ:
		return c == 0;
	case REL_NE:
		return c != 0;
	}
	return false;
}

static bool
contains(struct run *r, struct pst_str value, struct pst_str key)
{
	if (key.n == 0)
		return true;
	return key.n <= value.n && run_look(r, value.n) &&
	       memmem(value.p, value.n, key.p, key.n) != NULL;
}

/* --- a test ----------------------------------------------------------------
 */

void
match_begin_keys(struct match *m, struct run *r, const struct sieve_node *n,
    struct strings keys)
{
	*m = (struct match){ .r = r,
		.n = n,
		.keys = keys,
		.sets_variables = run_has(r, EXT_VARIABLES) };
	if (n->match == MATCH_MATCHES) {
		m->patterns = run_alloc(r, keys.n, sizeof(*m->patterns));
		for (size_t i = 0; i < keys.n && run_look(r, keys.v[i].n); i++)
			pattern_init(
			    &m->patterns[i], r, n->comparator, keys.v[i]);
		return;
	}
	m->keys.v = run_alloc(r, keys.n, sizeof(*keys.v));
	for (size_t i = 0; i < keys.n && run_look(r, keys.v[i].n); i++)
		m->keys.v[i] = match_fold(r, n->comparator, keys.v[i]);
}

void
match_begin(struct match *m, struct run *r, const struct sieve_node *n,
    const struct sieve_value *keys)
{
	match_begin_keys(m, r, n, run_strings(r, keys));
}

/* RFC 5229, 3.2. */
static void
set_matched(
    struct run *r, struct pst_str value, const struct pst_str *wild, size_t n)
{
	struct scope *s = r->scope;
	size_t max = r->limits->variable_size, size, at = 0;
	char *text;

	value = run_cut(value, max);
	size = value.n;
	for (size_t i = 0; i < n; i++)
		size += run_cut(wild[i], max).n;
	text = mem_alloc(size);
	for (size_t i = 0; i < MATCH_VARIABLES; i++) {
		struct pst_str v = i == 0   ? value
				   : i <= n ? run_cut(wild[i - 1], max)
					    : STR_NONE;

		if (v.n > 0)
			memcpy(text + at, v.p, v.n);
		s->matched[i] = str_n(text + at, v.n);
		at += v.n;
	}
	free(s->matched_text);
	s->matched_text = text;
}

static bool
fits(struct match *m, size_t i, struct pst_str value)
{
	struct pst_str wild[MATCH_VARIABLES - 1];
	size_t wilds = 0;

	if (!pattern_fits(m->r, &m->patterns[i], m->n->comparator, value,
		m->sets_variables ? wild : NULL, &wilds))
		return false;
	if (m->sets_variables)
		set_matched(m->r, value, wild, wilds);
	return true;
}

static bool
is_match(struct match *m, size_t i, struct pst_str value, struct pst_str folded)
{
	const struct sieve_node *n = m->n;
	struct pst_str key = m->keys.v[i];

	switch (n->match) {
	case MATCH_IS:
		return order(n->comparator, folded, key) == 0;
	case MATCH_CONTAINS:
		return contains(m->r, folded, key);
	case MATCH_MATCHES:
		return fits(m, i, value);
	case MATCH_VALUE:
		return is_related(
		    n->relation, order(n->comparator, folded, key));
	case MATCH_COUNT:
		break;
	}
	return false;
}

bool
match_value(struct match *m, struct pst_str value)
{
	struct pst_str folded = value;

	m->count++;
	if (m->r->failed)
		return true;
	if (m->n->match == MATCH_COUNT)
		return false;
	if (!run_look(m->r, value.n))
		return true;
	if (m->n->match != MATCH_MATCHES)
		folded = match_fold(m->r, m->n->comparator, value);
	for (size_t i = 0; i < m->keys.n; i++) {
		if (!run_work(m->r, 1))
			return true;
		if (is_match(m, i, value, folded) && !m->r->failed) {
			m->is_true = true;
			return true;
		}
	}
	return false;
}

/* RFC 5231, 4.2: the number is compared as a text is by the comparator. */
static bool
is_count(struct match *m)
{
	char digits[24];
	struct pst_str count = str_n(
	    digits, (size_t)snprintf(digits, sizeof(digits), "%llu",
			(unsigned long long)m->count));

	for (size_t i = 0; i < m->keys.n; i++)
		if (is_related(m->n->relation,
			order(m->n->comparator, count, m->keys.v[i])))
			return true;
	return false;
}

bool
match_end(struct match *m)
{
	if (m->r->failed)
		return false;
	return m->n->match == MATCH_COUNT ? is_count(m) : m->is_true;
}
