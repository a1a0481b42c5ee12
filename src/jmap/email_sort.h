/*
 * jmap/email_sort.h - the orders that Email/query has (RFC 8621, 4.4.2).
 */
#ifndef JMAP_EMAIL_SORT_H
#define JMAP_EMAIL_SORT_H

#include "jmap/filter.h"
#include "jmap/results.h"

enum { JMAP_SORTS = 8 };

enum jmap_sort_by {
	JMAP_BY_RECEIVED,
	JMAP_BY_SENT,
	JMAP_BY_SIZE,
	JMAP_BY_FROM,
	JMAP_BY_TO,
	JMAP_BY_SUBJECT,
	JMAP_BY_KEYWORD, /* from here on they change with flags */
	JMAP_BY_ALL_IN_THREAD,
	JMAP_BY_SOME_IN_THREAD,
};

struct jmap_sort {
	enum jmap_sort_by by;
	bool descends;
	bool is_ascii; /* i;ascii-casemap (RFC 4790, 9.2) */
	const char *keyword;
};

/* The criteria of a call: without any, the newest first. False: c->error. */
bool jmap_sort_parse(
    struct jmap_call *c, struct jmap_sort sort[JMAP_SORTS], size_t *n_r);

/* A message of the result. */
struct jmap_candidate {
	const struct jmap_item *item;
	size_t i; /* of its keys */
};
/* `v` is in the order of items: by mailbox and uid. */
void jmap_sort(struct jmap_call *c, struct jmap_candidate *v, size_t n,
    const struct jmap_sort *sort, size_t sort_n);

/* --- email_list.c ----------------------------------------------------------
 */

/* Threads that were seen. */
struct jmap_threads {
	uint64_t *slot; /* 0: free */
	size_t mask;
};
void jmap_threads_init(struct jmap_threads *t, size_t most);
void jmap_threads_fini(struct jmap_threads *t);
/* Where it is, or would be. */
size_t jmap_threads_slot(const struct jmap_threads *t, uint64_t thread);
/* False: it was there. */
bool jmap_threads_add(struct jmap_threads *t, uint64_t thread);

/* --- thread_keyword.c ------------------------------------------------------
 */

enum { JMAP_THREAD_SOME = 1, JMAP_THREAD_ALL = 2 };
struct jmap_thread_keyword {
	struct catalog *catalog;
	const char *keyword;
	struct jmap_threads threads; /* that were looked at */
	unsigned char *found;
};
/* For at most `most` different threads. */
void jmap_thread_keyword_init(struct jmap_thread_keyword *t, struct catalog *c,
    const char *keyword, size_t most);
void jmap_thread_keyword_fini(struct jmap_thread_keyword *t);
/* Whether some and all places of the thread's messages have it. */
unsigned jmap_thread_keyword(struct jmap_thread_keyword *t, uint64_t thread);

/* --- email_list.c ----------------------------------------------------------
 */

/* The messages of a mailbox by the time they came, which is asked most and
 * after each change: one pass. */
struct jmap_result *jmap_list_box(
    struct catalog_box *box, bool descends, bool collapses);
/* The same, from a result that lacks only messages from uid `from` on. NULL:
 * these are too many. */
struct jmap_result *jmap_list_more(struct catalog *c, struct catalog_box *box,
    const struct jmap_result *old, uint32_t from, bool descends,
    bool collapses);

#endif
