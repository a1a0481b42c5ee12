/*
 * mailbox/catalog_count.c - how many messages and threads a mailbox has, and
 * how many of them are unread: kept up to date message by message, with a tally
 * of each thread.
 */
#include "mailbox/catalog_priv.h"

#include <stdlib.h>

enum { LEAST = 64 };

/* A thread in one mailbox. Those without messages go when the table grows. */
struct catalog_tally {
	uint64_t thread; /* 0: free */
	uint32_t emails, unread;
};

static size_t
slot_of(const struct catalog_box *box, uint64_t thread)
{
	size_t i = catalog_slot(thread, box->tally_cap);

	while (box->tally[i].thread != 0 && box->tally[i].thread != thread)
		i = (i + 1) & (box->tally_cap - 1);
	return i;
}

static void
grow(struct catalog_box *box)
{
	struct catalog_tally *old = box->tally;
	size_t old_cap = box->tally_cap;

	box->tally_cap = LEAST;
	while (box->tally_cap < 4 * (box->counts.threads + 1))
		box->tally_cap *= 2;
	box->tally = mem_array(box->tally_cap, sizeof(*box->tally));
	box->tallies = 0;
	for (size_t i = 0; i < old_cap; i++) {
		if (old[i].thread == 0 || old[i].emails == 0)
			continue;
		box->tally[slot_of(box, old[i].thread)] = old[i];
		box->tallies++;
	}
	free(old);
}

static struct catalog_tally *
tally_of(struct catalog_box *box, uint64_t thread)
{
	size_t i;

	if (box->tallies + 1 > box->tally_cap / 4 * 3)
		grow(box);
	i = slot_of(box, thread);
	if (box->tally[i].thread == 0) {
		box->tally[i].thread = thread;
		box->tallies++;
	}
	return &box->tally[i];
}

static void
count(struct catalog *c, struct catalog_box *box, size_t i, bool shows,
    bool is_unread)
{
	struct catalog_entry *e = &box->entry[i];
	struct catalog_counts *n = &box->counts;
	struct catalog_tally *t;

	if (e->is_counted == shows && e->is_unread == is_unread)
		return;
	t = tally_of(box, e->thread);
	n->threads -= t->emails > 0;
	n->unread_threads -= t->unread > 0;
	n->emails += (size_t)shows - e->is_counted;
	n->unread += (size_t)is_unread - e->is_unread;
	t->emails += (uint32_t)shows - e->is_counted;
	t->unread += (uint32_t)is_unread - e->is_unread;
	n->threads += t->emails > 0;
	n->unread_threads += t->unread > 0;
	if (e->is_counted != shows)
		box->arranged = ++c->arranged;
	e->is_counted = shows;
	e->is_unread = is_unread;
}

void
catalog_count_row(struct catalog *c, struct catalog_box *box, size_t i,
    const struct pst_row *row)
{
	bool shows = box->entry[i].id[0] != '\0' && catalog_shows(row);

	count(c, box, i, shows,
	    shows && (row->flags & (PST_SEEN | PST_DRAFT)) == 0);
}

void
catalog_count_gone(struct catalog *c, struct catalog_box *box, size_t i)
{
	count(c, box, i, false, false);
}
