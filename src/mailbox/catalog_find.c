/*
 * mailbox/catalog_find.c - mailboxes by name and id, messages by id and thread.
 */
#include "mailbox/catalog_priv.h"

#include "base/str.h"

#include <stdlib.h>

uint64_t
catalog_key(const char *id)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *id != '\0'; id++)
		hash = (hash ^ (unsigned char)*id) * UINT64_C(0x100000001b3);
	return hash;
}

size_t
catalog_boxes(const struct catalog *c)
{
	return c->boxes;
}

struct catalog_box *
catalog_box(struct catalog *c, size_t i)
{
	return c->box[i];
}

struct catalog_box *
catalog_find_box(struct catalog *c, struct pst_str id)
{
	for (size_t k = 0; k < c->boxes; k++)
		if (str_is(id, c->box[k]->id))
			return c->box[k];
	return NULL;
}

struct catalog_box *
catalog_find_name(struct catalog *c, const char *name)
{
	for (size_t k = 0; k < c->boxes; k++)
		if (strcmp(name, c->box[k]->name) == 0)
			return c->box[k];
	return NULL;
}

const char *
catalog_gone_box(struct catalog *c, uint32_t hash)
{
	for (size_t i = 0; i < CATALOG_GONE_BOXES; i++)
		if (c->gone_box[i][0] != '\0' &&
		    catalog_box_hash(c->gone_box[i]) == hash)
			return c->gone_box[i];
	return NULL;
}

const struct catalog_entry *
catalog_entry(const struct catalog_place *p)
{
	return &p->box->entry[p->seq - 1];
}

static int
compare_places(const void *a, const void *b)
{
	const struct catalog_place *x = a, *y = b;

	if (x->box != y->box)
		return strcmp(x->box->id, y->box->id);
	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

/* `id`: only places of that message. */
static void
each_place(struct catalog *c, struct multimap *m, uint64_t key,
    struct pst_str id, catalog_place_fn fn, void *arg)
{
	uint32_t first = multimap_first(m, key);

	for (uint32_t r = first; r != 0; r = multimap_next(m, first, r)) {
		struct catalog_place p = { .box = c->box[m->row[r].box - 1],
			.uid = m->row[r].uid };

		p.seq = view_seq(p.box->view, p.uid);
		if (p.seq == 0 || p.seq > p.box->n ||
		    (id.p != NULL && !str_is(id, catalog_entry(&p)->id)))
			continue;
		view_rows(p.box->view, p.seq, 1, &p.row);
		if (catalog_shows(&p.row))
			fn(arg, &p);
	}
}

struct places {
	struct catalog_place *v;
	size_t n, max;
};

static void
take_place(void *arg, const struct catalog_place *p)
{
	struct places *places = arg;

	if (places->n < places->max)
		places->v[places->n] = *p;
	places->n++;
}

static size_t
find_places(struct catalog *c, struct multimap *m, uint64_t key,
    struct pst_str id, struct catalog_place *places_r, size_t max)
{
	struct places places = { .v = places_r, .max = max };

	each_place(c, m, key, id, take_place, &places);
	if (max > 0)
		qsort(places_r, places.n < max ? places.n : max,
		    sizeof(*places_r), compare_places);
	return places.n;
}

size_t
catalog_find(struct catalog *c, struct pst_str id,
    struct catalog_place *places_r, size_t max)
{
	char text[CATALOG_ID];

	if (id.n == 0 || !str_copy(text, sizeof(text), id))
		return 0;
	return find_places(c, &c->ids, catalog_key(text), id, places_r, max);
}

size_t
catalog_find_thread(struct catalog *c, uint64_t thread,
    struct catalog_place *places_r, size_t max)
{
	return find_places(c, &c->threads, thread, STR_NONE, places_r, max);
}

void
catalog_each_in_thread(
    struct catalog *c, uint64_t thread, catalog_place_fn fn, void *arg)
{
	each_place(c, &c->threads, thread, STR_NONE, fn, arg);
}

bool
catalog_thread_exceeds(struct catalog *c, uint64_t thread, size_t n)
{
	uint32_t first = multimap_first(&c->threads, thread), r = first;

	for (; r != 0 && n > 0; n--)
		r = multimap_next(&c->threads, first, r);
	return r != 0;
}

bool
catalog_has_copies(const struct catalog *c)
{
	return c->copies > 0;
}

const char *
catalog_id_of(struct catalog *c, uint32_t box_hash, uint32_t uid)
{
	size_t from = c->gone_n > CATALOG_GONE ? c->gone_n - CATALOG_GONE : 0;

	for (size_t k = 0; k < c->boxes; k++) {
		struct catalog_box *box = c->box[k];
		uint32_t seq;

		if (box->hash != box_hash)
			continue;
		seq = view_seq(box->view, uid);
		if (seq > 0 && seq <= box->n)
			return box->entry[seq - 1].id;
	}
	for (size_t i = c->gone_n; i > from; i--) {
		const struct catalog_gone *g = &c->gone[(i - 1) % CATALOG_GONE];

		if (g->box == box_hash && g->uid == uid)
			return g->id;
	}
	return NULL;
}
