/*
 * collect.c - see collect.h. A table of terms by their hash, and one array of
 * what was found where in the order of finding; they are put in order at the
 * end.
 */
#include "localindex/collect.h"

#include "localindex/terms.h"
#include <stdlib.h>

enum { SLOTS_FIRST = 1 << 14 };

struct term {
	size_t at; /* in the texts */
	uint32_t hash;
	uint32_t n;
	uint32_t last; /* its last finding and 1; 0: none */
	uint32_t count;
};

struct finding {
	uint32_t term;
	uint32_t doc;
	unsigned where;
};

struct li_collect {
	struct li_octets text;
	struct term *term;
	size_t terms, term_cap;
	uint32_t *slot; /* a term and 1; 0: free */
	size_t slots;
	struct finding *finding;
	size_t findings, finding_cap;
	uint32_t doc; /* of the message at hand */
	unsigned where;
};

struct li_collect *
li_collect_new(void)
{
	struct li_collect *c = li_memory(sizeof(*c));

	c->slots = SLOTS_FIRST;
	c->slot = li_memory(c->slots * sizeof(*c->slot));
	return c;
}

void
li_collect_free(struct li_collect **cp)
{
	struct li_collect *c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	free(c->text.p);
	free(c->term);
	free(c->slot);
	free(c->finding);
	free(c);
}

/* FNV-1a; terms are short. */
static uint32_t
hash_of(const char *p, size_t n)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)p[i]) * UINT64_C(1099511628211);
	return (uint32_t)(h ^ h >> 32);
}

static void
widen(struct li_collect *c)
{
	size_t slots = c->slots * 2;
	uint32_t *slot = li_memory(slots * sizeof(*slot));

	for (size_t i = 0; i < c->terms; i++) {
		size_t at = c->term[i].hash & (slots - 1);

		while (slot[at] != 0)
			at = (at + 1) & (slots - 1);
		slot[at] = (uint32_t)i + 1;
	}
	free(c->slot);
	c->slot = slot;
	c->slots = slots;
}

static uint32_t
term_of(struct li_collect *c, const char *p, size_t n)
{
	uint32_t hash = hash_of(p, n);
	size_t at = hash & (c->slots - 1);
	struct term *t;

	for (; c->slot[at] != 0; at = (at + 1) & (c->slots - 1)) {
		t = &c->term[c->slot[at] - 1];
		if (t->hash == hash && t->n == n &&
		    memcmp(c->text.p + t->at, p, n) == 0)
			return c->slot[at] - 1;
	}
	if (c->terms == c->term_cap) {
		c->term_cap = c->term_cap * 2 + 1024;
		c->term = li_more(c->term, c->term_cap, sizeof(*c->term));
	}
	t = &c->term[c->terms];
	*t = (struct term){ .at = c->text.n, .hash = hash, .n = (uint32_t)n };
	li_octets_add(&c->text, p, n);
	li_octets_add(&c->text, "", 1);
	c->slot[at] = (uint32_t)++c->terms;
	if (c->terms * 2 > c->slots)
		widen(c);
	return (uint32_t)c->terms - 1;
}

static void
find(void *arg, const char *p, size_t n)
{
	struct li_collect *c = arg;
	uint32_t id = term_of(c, p, n);
	struct term *t = &c->term[id];

	if (t->last != 0 && c->finding[t->last - 1].doc == c->doc) {
		c->finding[t->last - 1].where |= c->where;
		return;
	}
	if (c->findings == c->finding_cap) {
		c->finding_cap = c->finding_cap * 2 + 4096;
		c->finding = li_more(
		    c->finding, c->finding_cap, sizeof(*c->finding));
	}
	c->finding[c->findings] = (struct finding){ id, c->doc, c->where };
	t->last = (uint32_t)++c->findings;
	t->count++;
}

void
li_collect_add(struct li_collect *c, uint32_t doc, const struct pst_text *text)
{
	c->doc = doc;
	c->where = LI_IN_HEADER;
	li_terms(text->header, find, c);
	c->where = LI_IN_BODY;
	li_terms(text->body, find, c);
}

/* --- in order ------------------------------------------------------------- */

/* Most are told apart by their first octets. */
struct key {
	uint64_t first;
	const char *text;
	uint32_t id;
};

static uint64_t
first_octets(const char *text, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < 8; i++)
		v = v << 8 | (i < n ? (unsigned char)text[i] : 0);
	return v;
}

static int
compare_keys(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return strcmp(x->text, y->text);
}

static struct key *
sorted_keys(const struct li_collect *c)
{
	struct key *key = li_more(NULL, c->terms, sizeof(*key));

	for (size_t i = 0; i < c->terms; i++) {
		const struct term *t = &c->term[i];
		const char *text = (const char *)c->text.p + t->at;

		key[i] = (struct key){ first_octets(text, t->n), text,
			(uint32_t)i };
	}
	if (c->terms > 1)
		qsort(key, c->terms, sizeof(*key), compare_keys);
	return key;
}

/* The findings by term; those of one term stay in their order. *from_r: where
 * each term's begin. */
static struct finding *
by_term(const struct li_collect *c, size_t **from_r)
{
	struct finding *out = li_more(NULL, c->findings, sizeof(*out));
	size_t *from = li_more(NULL, c->terms + 1, sizeof(*from));
	size_t *next = li_more(NULL, c->terms + 1, sizeof(*next));

	from[0] = 0;
	for (size_t i = 0; i < c->terms; i++)
		from[i + 1] = from[i] + c->term[i].count;
	memcpy(next, from, (c->terms + 1) * sizeof(*next));
	for (size_t i = 0; i < c->findings; i++)
		out[next[c->finding[i].term]++] = c->finding[i];
	free(next);
	*from_r = from;
	return out;
}

void
li_collect_write(struct li_collect *c, struct li_writer *w)
{
	size_t *from;
	struct finding *f = by_term(c, &from);
	struct key *key = sorted_keys(c);

	for (size_t i = 0; i < c->terms; i++) {
		uint32_t id = key[i].id;

		li_writer_term(w, key[i].text, c->term[id].n);
		for (size_t k = from[id]; k < from[id + 1]; k++)
			li_writer_doc(w, f[k].doc, f[k].where);
		li_writer_end_term(w);
	}
	free(key);
	free(f);
	free(from);
}
