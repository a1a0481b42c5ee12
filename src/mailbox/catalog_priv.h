/*
 * mailbox/catalog_priv.h - what the files of the catalog share.
 */
#ifndef MAILBOX_CATALOG_PRIV_H
#define MAILBOX_CATALOG_PRIV_H

#include "mailbox/catalog.h"
#include "mailbox/watch.h"

#include <pthread.h>

/* Many rows under one key, each a place. */
struct multimap_row {
	uint64_t key;
	uint32_t box; /* number + 1; 0: free */
	uint32_t uid;
	uint32_t prev, next; /* of the same key, in a ring; next of free ones */
};
struct multimap {
	struct multimap_row *row; /* from 1 on */
	size_t rows, cap;
	uint32_t free_row;
	uint32_t *first;    /* the first row of a key by its slot; 0: free */
	size_t keys, slots; /* slots: a power of two, or 0 */
	uint64_t steps;	    /* that were made in all, for tests */
};
void multimap_fini(struct multimap *m);
/* The number of the row, by which it is removed; never 0. */
uint32_t multimap_add(
    struct multimap *m, uint64_t key, uint32_t box, uint32_t uid);
void multimap_remove(struct multimap *m, uint32_t row);
/* The first row of a key in the order of multimap_add(), 0: there is none; and
 * the one behind `row`, 0 in the end. */
uint32_t multimap_first(struct multimap *m, uint64_t key);
static inline uint32_t
multimap_next(const struct multimap *m, uint32_t first, uint32_t row)
{
	uint32_t next = m->row[row].next;

	return next != first ? next : 0;
}
/* Some row of the key is of that mailbox. It becomes the last one, since who
 * asks will mostly ask the same again. */
bool multimap_has_box(struct multimap *m, uint64_t key, uint32_t box);

/* A message that is nowhere any more, or not in that mailbox. */
struct catalog_gone {
	char id[CATALOG_ID];
	uint32_t box; /* hash of the mailbox's id */
	uint32_t uid;
	uint64_t modseq, thread;
};

enum { CATALOG_GONE = 8192, CATALOG_GONE_BOXES = 64 };

struct catalog {
	pthread_mutex_t lock; /* guards all below but what nobody has */
	struct mail_account *acct;
	struct watch *watch;
	struct catalog_box **box;
	size_t boxes, cap;
	struct multimap ids, threads;
	uint64_t arranged;
	size_t copies; /* places besides the first of each message */
	void *kept;
	void (*kept_fini)(void *kept);
	char gone_box[CATALOG_GONE_BOXES][40]; /* a ring */
	size_t gone_boxes;
	bool is_listed; /* the list of mailboxes is known */

	/* A ring of what went; of each mailbox that was open since `from`. */
	struct catalog_gone *gone;
	size_t gone_n; /* ever */

	char address[321];
	/* Under the registry's lock. */
	size_t refs;
	int64_t used;	 /* clock_monotonic: since when nobody has it */
	size_t messages; /* that it holds then */
	struct catalog *next;
};

/* catalog.c */
void catalog_free_box(struct catalog_box *box);

/* catalog_count.c: the message at `i` is as this row now, or goes. */
void catalog_count_row(struct catalog *c, struct catalog_box *box, size_t i,
    const struct pst_row *row);
void catalog_count_gone(struct catalog *c, struct catalog_box *box, size_t i);

/* catalog_find.c: FNV-1a, since ids are made by us. */
uint64_t catalog_key(const char *id);

/* catalog_read.c: fills in the entries of numbers `from` to box->n. */
void catalog_read_entries(struct catalog_box *box, size_t from);

#endif
