/*
 * jmap/email_list.c - the list that everybody looks at: a mailbox by the time
 * its messages came, perhaps with one of each thread.
 */
#include "jmap/email_sort.h"

#include <stdlib.h>

enum { ROWS = 1024, DIGITS = 8, VALUES = 256 };

/* --- threads ---------------------------------------------------------------
 */

void
jmap_threads_init(struct jmap_threads *t, size_t most)
{
	size_t cap = 64;

	while (cap < 2 * most)
		cap *= 2;
	t->slot = mem_array(cap, sizeof(*t->slot));
	t->mask = cap - 1;
}

void
jmap_threads_fini(struct jmap_threads *t)
{
	free(t->slot);
}

size_t
jmap_threads_slot(const struct jmap_threads *t, uint64_t thread)
{
	size_t i = catalog_slot(thread, t->mask + 1);

	while (t->slot[i] != 0 && t->slot[i] != thread)
		i = (i + 1) & t->mask;
	return i;
}

bool
jmap_threads_add(struct jmap_threads *t, uint64_t thread)
{
	size_t i = jmap_threads_slot(t, thread);

	if (t->slot[i] != 0)
		return false;
	t->slot[i] = thread;
	return true;
}

/* --- in order --------------------------------------------------------------
 */

struct listed {
	uint64_t key; /* time, in the order of unsigned numbers */
	uint32_t seq, uid;
};

static size_t
gather(struct catalog_box *box, struct listed *v, bool *is_sorted_r)
{
	struct pst_row *rows = mem_array(ROWS, sizeof(*rows));
	size_t n = 0;

	*is_sorted_r = true;
	for (size_t at = 0; at < box->n; at += ROWS) {
		size_t k = box->n - at < ROWS ? box->n - at : ROWS;

		view_rows(box->view, (uint32_t)(at + 1), k, rows);
		for (size_t i = 0; i < k; i++) {
			if (!catalog_shows(&rows[i]) ||
			    box->entry[at + i].id[0] == '\0')
				continue;
			v[n] = (struct listed){
				(uint64_t)rows[i].internal_date ^ 1ULL << 63,
				(uint32_t)(at + i + 1), rows[i].uid
			};
			if (n > 0 && v[n].key < v[n - 1].key)
				*is_sorted_r = false;
			n++;
		}
	}
	free(rows);
	return n;
}

/* By the octets of the key, the least one first: what is equal stays as it is.
 * Octets that all have in common, which most are, cost nothing. */
static void
sort_listed(struct listed **v, size_t n)
{
	size_t(*count)[VALUES] = mem_array(DIGITS, sizeof(*count));
	struct listed *from = *v, *to = mem_array(n + 1, sizeof(*to)), *swap;

	for (size_t i = 0; i < n; i++)
		for (unsigned d = 0; d < DIGITS; d++)
			count[d][from[i].key >> 8 * d & 0xff]++;
	for (unsigned d = 0; d < DIGITS; d++) {
		size_t sum = 0;

		if (count[d][from[0].key >> 8 * d & 0xff] == n)
			continue;
		for (size_t k = 0; k < VALUES; k++) {
			size_t here = count[d][k];

			count[d][k] = sum;
			sum += here;
		}
		for (size_t i = 0; i < n; i++)
			to[count[d][from[i].key >> 8 * d & 0xff]++] = from[i];
		swap = from;
		from = to;
		to = swap;
	}
	free(count);
	free(to);
	*v = from;
}

struct jmap_result *
jmap_list_box(struct catalog_box *box, bool descends, bool collapses)
{
	struct listed *v = mem_array(box->n + 1, sizeof(*v));
	struct jmap_threads threads = { 0 };
	struct jmap_result *r;
	bool is_sorted;
	size_t n = gather(box, v, &is_sorted);

	if (!is_sorted)
		sort_listed(&v, n);
	r = jmap_result_new(n);
	if (collapses)
		jmap_threads_init(&threads, n);
	for (size_t i = 0; i < n; i++) {
		const struct listed *l = &v[descends ? n - 1 - i : i];

		if (!collapses ||
		    jmap_threads_add(&threads, box->entry[l->seq - 1].thread))
			r->hit[r->n++] = (struct jmap_hit){ box->hash, l->uid };
	}
	jmap_threads_fini(&threads);
	free(v);
	return r;
}

/* --- with what came since --------------------------------------------------
 */

enum { MORE = 64, THREAD = 200 };

struct more {
	struct catalog *c;
	struct catalog_box *box;
	struct jmap_result *r;
	bool descends;
};

/* In the order of the list, which has no equals. */
static bool
is_before(
    const struct more *m, const struct pst_row *a, const struct pst_row *b)
{
	bool older = a->internal_date != b->internal_date
			 ? a->internal_date < b->internal_date
			 : a->uid < b->uid;

	return a->uid != b->uid && older != m->descends;
}

/* Where it stands, or would stand. False: it cannot be told. */
static bool
find_place(const struct more *m, const struct pst_row *row, size_t *at_r)
{
	size_t low = 0, high = m->r->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		uint32_t uid = m->r->hit[middle].uid;
		uint32_t seq = view_seq(m->box->view, uid);
		struct pst_row there = { 0 };

		view_rows(m->box->view, seq, 1, &there);
		if (there.uid != uid)
			return false;
		if (is_before(m, &there, row))
			low = middle + 1;
		else
			high = middle;
	}
	*at_r = low;
	return true;
}

/* The message of the thread that stands in the list: the first one of those in
 * front of `uid`. `uid` 0: there is none. */
static bool
find_shown(
    const struct more *m, uint64_t thread, uint32_t uid, struct pst_row *row_r)
{
	struct catalog_place place[THREAD];
	size_t n;

	*row_r = (struct pst_row){ 0 };
	if (catalog_thread_exceeds(m->c, thread, THREAD))
		return false;
	n = catalog_find_thread(m->c, thread, place, THREAD);
	for (size_t i = 0; i < n; i++)
		if (place[i].box == m->box && place[i].uid < uid &&
		    (row_r->uid == 0 || is_before(m, &place[i].row, row_r)))
			*row_r = place[i].row;
	return true;
}

static bool
add_one(struct more *m, uint32_t seq, bool collapses)
{
	struct jmap_result *r = m->r;
	struct pst_row row, shown = { 0 };
	size_t at;

	view_rows(m->box->view, seq, 1, &row);
	if (!catalog_shows(&row) || m->box->entry[seq - 1].id[0] == '\0')
		return true;
	if (collapses &&
	    !find_shown(m, m->box->entry[seq - 1].thread, row.uid, &shown))
		return false;
	if (shown.uid != 0) {
		if (is_before(m, &shown, &row))
			return true;
		if (!find_place(m, &shown, &at) || at == r->n ||
		    r->hit[at].uid != shown.uid)
			return false;
		memmove(&r->hit[at], &r->hit[at + 1],
		    (r->n - at - 1) * sizeof(r->hit[0]));
		r->n--;
	}
	if (!find_place(m, &row, &at))
		return false;
	memmove(&r->hit[at + 1], &r->hit[at], (r->n - at) * sizeof(r->hit[0]));
	r->hit[at] = (struct jmap_hit){ m->box->hash, row.uid };
	r->n++;
	return true;
}

struct jmap_result *
jmap_list_more(struct catalog *c, struct catalog_box *box,
    const struct jmap_result *old, uint32_t from, bool descends, bool collapses)
{
	struct more m = { .c = c, .box = box, .descends = descends };
	size_t first = box->n;
	bool ok = true;

	while (first > 0 && box->n - first <= MORE &&
	       view_uid(box->view, (uint32_t)first) >= from)
		first--;
	if (box->n - first > MORE)
		return NULL;
	m.r = jmap_result_new(old->n + MORE);
	m.r->n = old->n;
	memcpy(m.r->hit, old->hit, old->n * sizeof(old->hit[0]));
	for (size_t i = first; i < box->n && ok; i++)
		ok = add_one(&m, (uint32_t)(i + 1), collapses);
	if (ok)
		return m.r;
	jmap_result_unref(m.r);
	return NULL;
}
