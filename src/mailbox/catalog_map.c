/*
 * mailbox/catalog_map.c - from ids and threads to places: a hash table of keys,
 * each with a ring of its rows.
 *
 * Senders choose threads, so that a key may have as many rows as there are
 * messages: no row of a key is ever walked for another one to come or to go.
 */
#include "mailbox/catalog_priv.h"

#include "base/clock.h"

#include <stdlib.h>

enum { LEAST = 64 };

static uint64_t secret[2]; /* set once */

static void
choose_secret(void)
{
	random_bytes(secret, sizeof(secret));
	secret[1] |= 1;
}

/* However keys were chosen, they meet as seldom as they would by chance. */
size_t
catalog_slot(uint64_t key, size_t cap)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, choose_secret);
	key = (key ^ secret[0]) * secret[1];
	key = (key ^ key >> 32) * UINT64_C(0x9e3779b97f4a7c15);
	return (size_t)(key >> 32) & (cap - 1);
}

void
multimap_fini(struct multimap *m)
{
	free(m->row);
	free(m->first);
	*m = (struct multimap){ 0 };
}

/* Where the key is, or would be. */
static size_t
find_slot(struct multimap *m, uint64_t key)
{
	size_t i = catalog_slot(key, m->slots);

	for (m->steps++; m->first[i] != 0 && m->row[m->first[i]].key != key;
	     m->steps++)
		i = (i + 1) & (m->slots - 1);
	return i;
}

static void
grow(struct multimap *m)
{
	uint32_t *old = m->first;
	size_t slots = m->slots;

	m->slots = slots > 0 ? 2 * slots : LEAST;
	m->first = mem_array(m->slots, sizeof(*m->first));
	for (size_t i = 0; i < slots; i++) {
		if (old[i] != 0)
			m->first[find_slot(m, m->row[old[i]].key)] = old[i];
	}
	free(old);
}

/* Of the row that is used next: one that became free, else a new one. */
static uint32_t
take_row(struct multimap *m)
{
	uint32_t r = m->free_row;

	if (r != 0) {
		m->free_row = m->row[r].next;
		return r;
	}
	if (m->rows == 0)
		m->rows = 1; /* 0 is none */
	mem_grow(&m->row, &m->cap, m->rows + 1, sizeof(*m->row));
	return (uint32_t)m->rows++;
}

static void
put_behind(struct multimap *m, uint32_t first, uint32_t r)
{
	uint32_t last = m->row[first].prev;

	m->row[r].prev = last;
	m->row[r].next = first;
	m->row[last].next = m->row[first].prev = r;
}

uint32_t
multimap_add(struct multimap *m, uint64_t key, uint32_t box, uint32_t uid)
{
	uint32_t r = take_row(m);
	size_t at;

	if (m->keys + 1 > m->slots / 4 * 3)
		grow(m);
	m->row[r] = (struct multimap_row){ key, box + 1, uid, r, r };
	at = find_slot(m, key);
	if (m->first[at] != 0) {
		put_behind(m, m->first[at], r);
	} else {
		m->first[at] = r;
		m->keys++;
	}
	return r;
}

/* Keys behind a hole move up, so that all are found from their slot on. */
static void
close_hole(struct multimap *m, size_t hole)
{
	size_t i = hole;

	for (;;) {
		size_t want;

		i = (i + 1) & (m->slots - 1);
		if (m->first[i] == 0)
			break;
		want = catalog_slot(m->row[m->first[i]].key, m->slots);
		/* Is `want` cyclically in (hole, i]? Then it stays. */
		if (hole <= i ? (hole < want && want <= i)
			      : (hole < want || want <= i))
			continue;
		m->first[hole] = m->first[i];
		hole = i;
	}
	m->first[hole] = 0;
}

/* Not the only one of its key, which is at `at`. */
static void
unlink_row(struct multimap *m, size_t at, uint32_t r)
{
	struct multimap_row *row = &m->row[r];

	m->row[row->prev].next = row->next;
	m->row[row->next].prev = row->prev;
	if (m->first[at] == r)
		m->first[at] = row->next;
}

void
multimap_remove(struct multimap *m, uint32_t r)
{
	struct multimap_row *row = &m->row[r];
	size_t at = find_slot(m, row->key);

	if (row->next == r) {
		close_hole(m, at);
		m->keys--;
	} else {
		unlink_row(m, at, r);
	}
	*row = (struct multimap_row){ .next = m->free_row };
	m->free_row = r;
}

uint32_t
multimap_first(struct multimap *m, uint64_t key)
{
	return m->slots > 0 ? m->first[find_slot(m, key)] : 0;
}

bool
multimap_has_box(struct multimap *m, uint64_t key, uint32_t box)
{
	uint32_t first = multimap_first(m, key), r;

	if (first == 0)
		return false;
	r = m->row[first].prev;
	for (m->steps++; m->row[r].box != box + 1; m->steps++) {
		if (r == first)
			return false;
		r = m->row[r].prev;
	}
	if (m->row[first].prev != r) {
		size_t at = find_slot(m, key);

		unlink_row(m, at, r);
		put_behind(m, m->first[at], r);
	}
	return true;
}
