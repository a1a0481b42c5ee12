/*
 * sieve/pattern.c - wildcards (RFC 5228, 2.7.1) and what they stood for (RFC
 * 5229, 3.2).
 *
 * What stands between two stars is found at the first place where it fits, and
 * what follows the last star at the end: that is right for any number of stars
 * without going back, and leaves to each star as little as can be.
 *
 * "?" is one octet for i;octet and one character of UTF-8 for the others, where
 * RFC 5228 has an octet for i;ascii-casemap too: half a character would be of
 * no use to anybody, and could end up in the name of a mailbox.
 */
#include "base/str.h"
#include "message/content.h"
#include "sieve/run.h"

enum { SLOW = 4 }; /* octets that cost as much as one that is looked at alone */

/* The value as it is compared. */
struct subject {
	struct run *r;
	struct pst_str text;
	bool by_octet;
	/* Where in `whole` the character of an octet of `text` begins; NULL:
	 * both are of the same length. */
	const uint32_t *origin;
	struct pst_str whole;
	size_t looked; /* octets that are not counted yet */
};

/* --- characters ------------------------------------------------------------
 */

/* The octets of the character at `p`; what is no UTF-8 is one by one. */
static size_t
char_size(const char *p, size_t n)
{
	unsigned char c = (unsigned char)*p;
	size_t size = c < 0xc2 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	if (c > 0xf4 || size > n)
		return 1;
	for (size_t i = 1; i < size; i++)
		if (((unsigned char)p[i] & 0xc0) != 0x80)
			return 1;
	return size;
}

static size_t
next_char(const struct subject *s, size_t at)
{
	size_t to = at + 1;

	if (s->by_octet)
		return to;
	if (s->origin == NULL)
		return at + char_size(s->text.p + at, s->text.n - at);
	while (to < s->text.n && s->origin[to] == s->origin[at])
		to++;
	return to;
}

static size_t
previous_char(const struct subject *s, size_t at)
{
	size_t to = at - 1;

	if (s->by_octet)
		return to;
	if (s->origin != NULL) {
		while (to > 0 && s->origin[to - 1] == s->origin[to])
			to--;
		return to;
	}
	for (size_t n = 2; n <= 4 && n <= at; n++)
		if (char_size(s->text.p + at - n, n) == n)
			return at - n;
	return to;
}

/* Where in the whole value the place `at` of the text is. */
static size_t
place(const struct subject *s, size_t at)
{
	if (s->origin == NULL)
		return at;
	if (at > 0 && at < s->text.n && s->origin[at - 1] == s->origin[at])
		at = next_char(s, at);
	return at == s->text.n ? s->whole.n : s->origin[at];
}

static bool
looked(struct subject *s, size_t octets)
{
	s->looked += octets;
	if (s->looked < 1024)
		return true;
	octets = s->looked;
	s->looked = 0;
	return run_look(s->r, octets);
}

/* --- keys ------------------------------------------------------------------
 */

/* A key as it is taken apart: octets, where they are of wildcards or not. */
struct maker {
	struct run *r;
	enum sieve_comparator comparator;
	char *text;
	bool *any;
	size_t n;	/* of both */
	size_t start;	/* of the segment */
	size_t literal; /* of what was not brought into its form yet */
	bool has_any;
	size_t cap;
};

/* What stands without wildcards is brought into the form that is compared. */
static void
end_literal(struct maker *k)
{
	struct pst_str s = str_n(k->text + k->literal, k->n - k->literal);
	struct pst_str folded = match_fold(k->r, k->comparator, s);

	if (folded.n > 0 && folded.n <= k->cap - k->literal) {
		memmove(k->text + k->literal, folded.p, folded.n);
		k->n = k->literal + folded.n;
	}
	k->literal = k->n;
}

static void
end_segment(struct maker *k, struct segment *to)
{
	end_literal(k);
	to->text = str_n(k->text + k->start, k->n - k->start);
	to->any = k->has_any ? k->any + k->start : NULL;
	k->start = k->n;
	k->has_any = false;
}

static void
put_any(struct maker *k)
{
	end_literal(k);
	k->text[k->n] = '?';
	k->any[k->n++] = true;
	k->literal = k->n;
	k->has_any = true;
}

void
pattern_init(struct pattern *p, struct run *r, enum sieve_comparator comparator,
    struct pst_str key)
{
	struct maker k = { .r = r, .comparator = comparator };
	size_t stars = 0, at = 0;

	for (size_t i = 0; i < key.n; i++)
		stars += key.p[i] == '*';
	/* RFC 5051: U+FDFA has the longest form, 3 octets become 33. */
	k.cap = comparator == COMP_UNICODE_CASEMAP && !str_is_ascii(key)
		    ? 12 * key.n
		    : key.n;
	k.text = run_alloc(r, k.cap + 1, 1);
	k.any = run_alloc(r, k.cap + 1, sizeof(*k.any));
	p->segment = run_alloc(r, stars + 1, sizeof(*p->segment));
	for (size_t i = 0; i < key.n && !r->failed; i++) {
		char c = key.p[i];

		if (c == '*') {
			end_segment(&k, &p->segment[at++]);
			continue;
		}
		if (c == '?') {
			put_any(&k);
			continue;
		}
		if (c == '\\' && i + 1 < key.n)
			c = key.p[++i];
		k.text[k.n++] = c;
	}
	end_segment(&k, &p->segment[at++]);
	p->segments = at;
}

/* --- values ----------------------------------------------------------------
 */

static bool
needs_origin(const struct pattern *p, bool wanted)
{
	for (size_t i = 0; i < p->segments && !wanted; i++)
		wanted = p->segment[i].any != NULL;
	return wanted;
}

/* RFC 5051, character by character, to know where each is from. */
static void
map_unicode(struct subject *s)
{
	uint32_t *origin;
	struct buf b;
	size_t cap = 0;

	if (!run_look(s->r, 2 * MAP_COST * s->whole.n))
		return;
	buf_init(&b, SCRATCH_MAX);
	(void)msg_casemap(s->whole, &b);
	cap = b.n;
	buf_clear(&b);
	origin = run_alloc(s->r, cap + 1, sizeof(*origin));
	for (size_t i = 0; i < s->whole.n && !s->r->failed;) {
		size_t n = char_size(s->whole.p + i, s->whole.n - i);
		size_t from = b.n;

		(void)msg_casemap(str_n(s->whole.p + i, n), &b);
		for (; from < b.n && from < cap; from++)
			origin[from] = (uint32_t)i;
		i += n;
	}
	s->text = run_keep(s->r, &b);
	s->origin = origin;
	if (b.n != cap)
		run_fail(s->r, "A text is too long to be compared");
	buf_fini(&b);
}

static void
subject_init(struct subject *s, struct run *r, enum sieve_comparator comparator,
    struct pst_str value, bool wants_origin)
{
	*s = (struct subject){ .r = r, .whole = value };
	s->by_octet = comparator == COMP_OCTET;
	if (comparator == COMP_UNICODE_CASEMAP && wants_origin &&
	    !str_is_ascii(value) && str_is_utf8(value))
		map_unicode(s);
	else
		s->text = match_fold(r, comparator, value);
}

/* Behind the segment when it fits at `at`, or SIZE_MAX. */
static size_t
fits_at(struct subject *s, const struct segment *g, size_t at)
{
	struct pst_str text = s->text;

	if (g->any == NULL) {
		if (g->text.n > text.n - at || !looked(s, g->text.n) ||
		    (g->text.n > 0 &&
			memcmp(text.p + at, g->text.p, g->text.n) != 0))
			return SIZE_MAX;
		return at + g->text.n;
	}
	for (size_t i = 0; i < g->text.n; i++) {
		if (at == text.n || !looked(s, SLOW))
			return SIZE_MAX;
		if (g->any[i])
			at = next_char(s, at);
		else if (g->text.p[i] == text.p[at])
			at++;
		else
			return SIZE_MAX;
	}
	return at;
}

/* Where the segment begins when it ends with the value, or SIZE_MAX. */
static size_t
fits_end(struct subject *s, const struct segment *g)
{
	size_t at = s->text.n;

	for (size_t i = g->text.n; i > 0; i--) {
		if (at == 0 || !looked(s, SLOW))
			return SIZE_MAX;
		if (g->any != NULL && g->any[i - 1])
			at = previous_char(s, at);
		else if (g->text.p[i - 1] == s->text.p[at - 1])
			at--;
		else
			return SIZE_MAX;
	}
	return at;
}

/* The first place from `at` on where the segment fits; false: there is none. */
static bool
find(struct subject *s, const struct segment *g, size_t at, size_t *start_r,
    size_t *end_r)
{
	if (g->text.n == 0) {
		*start_r = *end_r = at;
		return true;
	}
	if (g->any == NULL) {
		const char *p, *from = s->text.p + at;

		p = memmem(from, s->text.n - at, g->text.p, g->text.n);
		*start_r = p != NULL ? (size_t)(p - s->text.p) : s->text.n;
		*end_r = *start_r + g->text.n;
		return looked(s, *start_r - at + g->text.n) && p != NULL;
	}
	for (;; at = next_char(s, at)) {
		size_t end = fits_at(s, g, at);

		*start_r = at;
		*end_r = end;
		if (end != SIZE_MAX)
			return true;
		if (at >= s->text.n || !looked(s, SLOW))
			return false;
	}
}

/* What wildcards stand for, when somebody wants to know. */
struct wilds {
	struct pst_str *v;
	size_t n;
};

static void
note(struct wilds *w, const struct subject *s, size_t from, size_t to)
{
	if (w->v == NULL || w->n == MATCH_VARIABLES - 1)
		return;
	from = place(s, from);
	to = place(s, to);
	w->v[w->n++] = str_n(s->whole.p + from, to > from ? to - from : 0);
}

static void
note_segment(struct wilds *w, const struct subject *s, const struct segment *g,
    size_t at)
{
	for (size_t i = 0; g->any != NULL && i < g->text.n; i++) {
		size_t next = g->any[i] ? next_char(s, at) : at + 1;

		if (g->any[i])
			note(w, s, at, next);
		at = next;
	}
}

static bool
fits(struct subject *s, const struct pattern *p, struct wilds *w)
{
	size_t at = fits_at(s, &p->segment[0], 0), start, end, last;

	if (at == SIZE_MAX)
		return false;
	note_segment(w, s, &p->segment[0], 0);
	if (p->segments == 1)
		return at == s->text.n;
	last = fits_end(s, &p->segment[p->segments - 1]);
	if (last == SIZE_MAX || last < at)
		return false;
	for (size_t i = 1; i + 1 < p->segments; i++) {
		if (!find(s, &p->segment[i], at, &start, &end) || end > last)
			return false;
		note(w, s, at, start);
		note_segment(w, s, &p->segment[i], start);
		at = end;
	}
	note(w, s, at, last);
	note_segment(w, s, &p->segment[p->segments - 1], last);
	return true;
}

bool
pattern_fits(struct run *r, const struct pattern *p,
    enum sieve_comparator comparator, struct pst_str value,
    struct pst_str *wild_r, size_t *wilds_r)
{
	struct wilds w = { .v = wild_r };
	struct subject s;
	bool is;

	subject_init(&s, r, comparator, value, needs_origin(p, wild_r != NULL));
	is = !r->failed && fits(&s, p, &w) && run_look(r, s.looked);
	*wilds_r = w.n;
	return is;
}
