/*
 * mailbox/seen.h - which messages of a mailbox one user has seen, where that is
 * the user's own business, and the mod-sequences that come of it (RFC 7162).
 *
 * The mailbox has one sequence of mod-sequences for all. Each private change
 * adds a number to what this one user is told: the n-th of them, made when the
 * mailbox was at `at`, has the mod-sequence at + n; what happened in the
 * mailbox at m has m + the number of private changes that were made before it,
 * those with at < m. Both ascend and never meet, so the user sees one sequence
 * like any other, and others see nothing of it.
 *
 * Only the last changes are remembered one by one. What is older has a common
 * mod-sequence, `floor`: who comes back from before it is told too much, never
 * too little.
 *
 * Pure. Threads: a set belongs to one thread at a time.
 */
#ifndef MAILBOX_SEEN_H
#define MAILBOX_SEEN_H

#include "base/uidset.h"

enum {
	SEEN_LOG = 256,		  /* changes remembered one by one */
	SEEN_RANGES_MAX = 100000, /* of uids, in a text */
	SEEN_TEXT_MAX = 2 * 1048576,
};

struct seen_change {
	uint64_t at; /* the mailbox's highest mod-sequence then */
	struct pst_range uids;
};

struct seen_set {
	uint32_t uidvalidity;
	struct uidset uids; /* that were seen */
	uint64_t base;	    /* how many changes are older than the log */
	uint64_t floor;	    /* the mod-sequence of the last of them */
	struct seen_change log[SEEN_LOG];
	size_t n;
};

/* Nothing is seen. `base`: larger than the count of any set that the user was
 * told of before for the same mailbox. */
void seen_init(struct seen_set *s, uint32_t uidvalidity, uint64_t base);
void seen_fini(struct seen_set *s);

/* Adds or removes a range of uids, as one change, while the mailbox is at
 * `at`. */
void seen_change(
    struct seen_set *s, uint64_t at, struct pst_range uids, bool seen);
/* How many changes there were. */
uint64_t seen_changes(const struct seen_set *s);

/* What the user is told instead of a mod-sequence of the mailbox. */
uint64_t seen_modseq(const struct seen_set *s, uint64_t modseq);
/* The same for a message, which private changes concern too. */
uint64_t seen_row_modseq(
    const struct seen_set *s, uint32_t uid, uint64_t modseq);
/* The highest mod-sequence, when the mailbox is at `modseq`. */
uint64_t seen_highest(const struct seen_set *s, uint64_t modseq);
/* What the user may be told to know, when everything private was told and of
 * the mailbox all up to `modseq`. */
uint64_t seen_told(const struct seen_set *s, uint64_t modseq);
/* The highest mod-sequence of the mailbox that is told as at most `told`. */
uint64_t seen_mailbox_modseq(const struct seen_set *s, uint64_t told);

/* False: it does not fit. */
bool seen_print(const struct seen_set *s, struct buf *out);
/* False: damaged; nothing is to be freed. */
bool seen_parse(struct pst_str text, struct seen_set *s);

#endif
