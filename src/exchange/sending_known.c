/*
 * exchange/sending_known.c - the addresses that a user has written to, as
 * hashes in a table of a bounded size.
 */
#include "exchange/sending_priv.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdlib.h>

enum {
	DAY = 86400,
	KNOWN_MIN = 16,
	NOTED_AGAIN = 30, /* days until an address is noted anew */
};

uint64_t
sending_hash(struct pst_str text)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < text.n; i++)
		h = (h ^ (unsigned char)ascii_lower(text.p[i])) *
		    UINT64_C(1099511628211);
	h ^= h >> 29;
	h *= UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 32;
}

uint64_t
sending_entry(struct pst_str address)
{
	uint64_t day = (uint64_t)(clock_seconds() / DAY) & 0xffff;
	uint64_t entry = sending_hash(address) << 16 | day;

	return entry != 0 ? entry : 1;
}

/* Where it is, or where it would go. */
static uint64_t *
known_slot(struct sending_known *k, uint64_t entry)
{
	size_t at = (size_t)(entry >> 16) & (k->cap - 1);

	while (k->slot[at] != 0 && k->slot[at] >> 16 != entry >> 16)
		at = (at + 1) & (k->cap - 1);
	return &k->slot[at];
}

/* Anew with room for `n`, without what was noted before day `since`. */
static void
known_remake(struct sending_known *k, size_t n, uint64_t since)
{
	struct sending_known fresh = { .cap = KNOWN_MIN };

	while (fresh.cap / 4 * 3 <= n)
		fresh.cap *= 2;
	fresh.slot = mem_array(fresh.cap, sizeof(*fresh.slot));
	for (size_t i = 0; i < k->cap; i++)
		if (k->slot[i] != 0 && (k->slot[i] & 0xffff) >= since) {
			*known_slot(&fresh, k->slot[i]) = k->slot[i];
			fresh.n++;
		}
	free(k->slot);
	*k = fresh;
}

static int
compare_days(const void *a, const void *b)
{
	uint16_t x = *(const uint16_t *)a, y = *(const uint16_t *)b;

	return x < y ? -1 : x > y;
}

/* Makes room: a quarter goes, of those that were not written to for longest. */
static void
known_thin(struct sending_known *k)
{
	uint16_t *day = mem_array(k->n, sizeof(*day));
	uint64_t since;
	size_t n = 0;

	for (size_t i = 0; i < k->cap; i++)
		if (k->slot[i] != 0)
			day[n++] = (uint16_t)(k->slot[i] & 0xffff);
	qsort(day, n, sizeof(*day), compare_days);
	since = day[n / 4];
	/* All of one day: then all of them. */
	if (since == day[0])
		since++;
	free(day);
	known_remake(k, k->n, since);
}

bool
sending_known_add(struct sending_known *k, uint64_t entry)
{
	uint64_t *slot;

	if (entry == 0 || k->n >= SENDING_KNOWN_MAX)
		return false;
	if (k->n + 1 > k->cap / 4 * 3)
		known_remake(k, k->n + 1, 0);
	slot = known_slot(k, entry);
	if (*slot != 0)
		return false;
	*slot = entry;
	k->n++;
	return true;
}

bool
sending_is_known(struct sending_known *k, uint64_t entry)
{
	return k->cap > 0 && *known_slot(k, entry) != 0;
}

bool
sending_known_note(struct sending_known *k, uint64_t entry)
{
	uint64_t *slot = k->cap > 0 ? known_slot(k, entry) : NULL;

	if (slot != NULL && *slot != 0) {
		if ((entry & 0xffff) < (*slot & 0xffff) + NOTED_AGAIN)
			return false;
		*slot = entry;
	} else {
		if (k->n >= SENDING_KNOWN_MAX)
			known_thin(k);
		(void)sending_known_add(k, entry);
	}
	return true;
}
