/*
 * merge.c - see merge.h.
 */
#include "localindex/merge.h"

#include <stdlib.h>

#define NONE UINT32_MAX

struct known {
	uint32_t uid;
	uint32_t segment, doc;
};

struct hit {
	uint32_t doc;
	unsigned where;
};

struct merge {
	struct li_segment *s;
	size_t n;
	struct li_cursor *cursor;
	uint32_t **doc; /* of each segment: the new numbers, or NONE */
	const uint32_t *map;
	struct hit *hit;
	size_t hits, cap;
	bool sorted;
};

static int
compare_known(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return x->segment < y->segment ? -1 : x->segment > y->segment;
}

static struct known *
all_present(const struct merge *m, struct pst_uids present, size_t *n_r)
{
	struct known *known;
	size_t total = 0, n = 0;

	for (size_t i = 0; i < m->n; i++)
		total += m->s[i].head.docs;
	known = li_more(NULL, total, sizeof(*known));
	for (size_t i = 0; i < m->n; i++) {
		size_t r = 0;

		for (uint32_t d = 0; d < m->s[i].head.docs; d++) {
			uint32_t uid = m->s[i].uid[d];

			while (r < present.n && present.r[r].last < uid)
				r++;
			if (r < present.n && present.r[r].first <= uid)
				known[n++] = (struct known){ uid, (uint32_t)i,
					d };
		}
	}
	if (n > 1)
		qsort(known, n, sizeof(*known), compare_known);
	*n_r = n;
	return known;
}

/* Gives the messages their new numbers. */
static void
number_docs(struct merge *m, struct pst_uids present, struct li_writer *w)
{
	size_t n, docs = 0;
	struct known *known = all_present(m, present, &n);
	uint32_t *uid = li_more(NULL, n, sizeof(*uid));
	unsigned char *partial = li_memory(n);

	for (size_t i = 0; i < m->n; i++) {
		size_t count = m->s[i].head.docs;

		m->doc[i] = li_more(NULL, count, sizeof(**m->doc));
		for (size_t d = 0; d < count; d++)
			m->doc[i][d] = NONE;
	}
	for (size_t i = 0; i < n; i++) {
		const struct known *k = &known[i];

		if (docs > 0 && uid[docs - 1] == k->uid)
			continue;
		m->doc[k->segment][k->doc] = (uint32_t)docs;
		partial[docs] = m->s[k->segment].partial[k->doc];
		uid[docs++] = k->uid;
	}
	li_writer_init(w, uid, partial, (uint32_t)docs);
	free(known);
	free(uid);
	free(partial);
}

static void
take_doc(void *arg, uint32_t doc, unsigned where)
{
	struct merge *m = arg;
	uint32_t number = m->map[doc];

	if (number == NONE)
		return;
	if (m->hits == m->cap) {
		m->cap = m->cap * 2 + 1024;
		m->hit = li_more(m->hit, m->cap, sizeof(*m->hit));
	}
	if (m->hits > 0 && m->hit[m->hits - 1].doc >= number)
		m->sorted = false;
	m->hit[m->hits++] = (struct hit){ number, where };
}

static int
compare_hits(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;

	return x->doc < y->doc ? -1 : x->doc > y->doc;
}

static const char *
least_term(const struct merge *m, size_t *length_r)
{
	const char *least = NULL;

	for (size_t i = 0; i < m->n; i++) {
		const struct li_cursor *c = &m->cursor[i];

		if (c->term == NULL ||
		    (least != NULL && strcmp(c->term, least) >= 0))
			continue;
		least = c->term;
		*length_r = c->n;
	}
	return least;
}

static void
write_term(
    struct merge *m, const char *term, size_t length, struct li_writer *w)
{
	if (m->hits == 0)
		return;
	if (!m->sorted)
		qsort(m->hit, m->hits, sizeof(*m->hit), compare_hits);
	li_writer_term(w, term, length);
	for (size_t i = 0; i < m->hits; i++)
		li_writer_doc(w, m->hit[i].doc, m->hit[i].where);
	li_writer_end_term(w);
}

/* The next term of all. False: damaged. */
static bool
merge_term(struct merge *m, const char *term, size_t length,
    struct li_writer *w, size_t *bad_r)
{
	m->hits = 0;
	m->sorted = true;
	for (size_t i = 0; i < m->n; i++) {
		struct li_cursor *c = &m->cursor[i];

		if (c->term == NULL || c->n != length ||
		    memcmp(c->term, term, length) != 0)
			continue;
		m->map = m->doc[i];
		if (!li_segment_docs(&m->s[i], c, take_doc, m) ||
		    !li_cursor_next(&m->s[i], c)) {
			*bad_r = i;
			return false;
		}
	}
	write_term(m, term, length, w);
	return true;
}

bool
li_merge(struct li_segment *s, size_t n, struct pst_uids present,
    struct li_writer *w, size_t *bad_r)
{
	struct merge m = { .s = s, .n = n };
	const char *term;
	size_t length = 0;
	bool ok = true;

	m.cursor = li_memory(n * sizeof(*m.cursor));
	m.doc = li_memory(n * sizeof(*m.doc));
	number_docs(&m, present, w);
	for (size_t i = 0; i < n; i++)
		li_cursor_begin(&s[i], &m.cursor[i]);
	while (ok && (term = least_term(&m, &length)) != NULL)
		ok = merge_term(&m, term, length, w, bad_r);
	for (size_t i = 0; i < n; i++)
		free(m.doc[i]);
	free(m.doc);
	free(m.cursor);
	free(m.hit);
	if (!ok)
		li_writer_fini(w);
	return ok;
}
