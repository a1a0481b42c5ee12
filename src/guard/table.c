/*
 * guard/table.c - sets of a few entries each; a hash chooses the set.
 */
#include "guard/table.h"

#include "base/clock.h"
#include "base/mem.h"
#include <stdlib.h>

struct guard_table {
	struct guard_entry *entry;
	size_t sets; /* a power of two */
	uint64_t secret[2];
};

struct guard_table *
guard_table_new(size_t entries)
{
	struct guard_table *t = mem_alloc(sizeof(*t));

	t->sets = 1;
	while (t->sets * GUARD_WAYS < entries)
		t->sets *= 2;
	t->entry = mem_array(t->sets * GUARD_WAYS, sizeof(*t->entry));
	random_bytes(t->secret, sizeof(t->secret));
	return t;
}

void
guard_table_free(struct guard_table **tp)
{
	if (*tp == NULL)
		return;
	free((*tp)->entry);
	free(*tp);
	*tp = NULL;
}

struct network
guard_network(const struct ip_address *ip, unsigned bits)
{
	struct network n = { .address = *ip, .bits = bits };

	for (unsigned i = 0; i < 16; i++) {
		unsigned kept = bits > i * 8 ? bits - i * 8 : 0;

		if (kept < 8)
			n.address.octets[i] &= (unsigned char)(0xff00U >> kept);
	}
	return n;
}

/* Two rounds of multiplication and mixing around secrets. */
static uint64_t
hash(const struct guard_table *t, const struct network *n)
{
	uint64_t half[2], h;

	memcpy(half, n->address.octets, sizeof(half));
	h = t->secret[0] ^ n->bits;
	for (int i = 0; i < 2; i++) {
		h = (h ^ half[i]) * UINT64_C(0x9e3779b97f4a7c15);
		h = (h ^ (h >> 32) ^ t->secret[1]) *
		    UINT64_C(0xd6e8feb86659fd93);
	}
	return h ^ (h >> 32);
}

static bool
same(const struct network *a, const struct network *b)
{
	return a->bits == b->bits &&
	       memcmp(a->address.octets, b->address.octets, 16) == 0;
}

static struct guard_entry *
set_of(struct guard_table *t, const struct network *n)
{
	return t->entry + (hash(t, n) & (t->sets - 1)) * GUARD_WAYS;
}

struct guard_entry *
guard_table_find(struct guard_table *t, const struct network *network)
{
	struct guard_entry *set = set_of(t, network);

	for (size_t i = 0; i < GUARD_WAYS; i++)
		if (set[i].used && same(&set[i].network, network))
			return &set[i];
	return NULL;
}

static int64_t
latest(const struct guard_entry *e)
{
	int64_t at = e->at[0];

	if (!e->used)
		return INT64_MIN;
	for (size_t i = 1; i < GUARD_TIMES; i++)
		if (e->at[i] > at)
			at = e->at[i];
	return at;
}

struct guard_entry *
guard_table_make(struct guard_table *t, const struct network *network)
{
	struct guard_entry *e = guard_table_find(t, network);
	struct guard_entry *set = set_of(t, network);

	if (e != NULL)
		return e;
	e = set;
	for (size_t i = 1; i < GUARD_WAYS; i++)
		if (latest(&set[i]) < latest(e))
			e = &set[i];
	*e = (struct guard_entry){ .network = *network, .used = true };
	return e;
}
