/*
 * imap/thread_ids.c - see thread_ids.h.
 */
#include "imap/thread_ids.h"

#include "mailbox/catalog.h"
#include <stdlib.h>

enum { FIRST = 8, MOST = 256 };

struct imap_thread_ids {
	size_t ahead; /* how many are asked for */
	uint32_t uid[MOST];
	uint64_t thread[MOST];
	size_t n;
};

void
imap_thread_ids_free(struct imap_thread_ids **t)
{
	free(*t);
	*t = NULL;
}

static void
take(void *arg, size_t i, const char *id, uint64_t thread)
{
	struct imap_thread_ids *t = arg;

	(void)id;
	t->thread[i] = thread;
}

static void
ask(struct imap_thread_ids *t, struct mailbox_view *view,
    const struct pst_row *rows, size_t n, size_t i, bool backwards)
{
	size_t from = i, to = n;

	t->ahead = t->ahead == 0 ? FIRST : t->ahead * 2;
	if (t->ahead > MOST)
		t->ahead = MOST;
	if (backwards) {
		from = i + 1 > t->ahead ? i + 1 - t->ahead : 0;
		to = i + 1;
	} else if (to - from > t->ahead) {
		to = from + t->ahead;
	}
	t->n = 0;
	for (; from < to; from++)
		if (rows[from].uid != 0)
			t->uid[t->n++] = rows[from].uid;
	memset(t->thread, 0, sizeof(t->thread));
	catalog_tell(view, t->uid, t->n, take, t);
}

/* Its place among those that were asked for, or t->n. */
static size_t
place_of(const struct imap_thread_ids *t, uint32_t uid)
{
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t->uid[middle] < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < t->n && t->uid[low] == uid ? low : t->n;
}

uint64_t
imap_thread_ids_find(struct imap_thread_ids **tp, struct mailbox_view *view,
    const struct pst_row *rows, size_t n, size_t i, bool backwards)
{
	struct imap_thread_ids *t;
	size_t at;

	if (*tp == NULL)
		*tp = mem_alloc(sizeof(**tp));
	t = *tp;
	at = place_of(t, rows[i].uid);
	if (at == t->n) {
		ask(t, view, rows, n, i, backwards);
		at = place_of(t, rows[i].uid);
	}
	return at < t->n ? t->thread[at] : 0;
}
