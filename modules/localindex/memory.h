/*
 * localindex/memory.h - what a mailbox remembers from one opening to the next
 * and its messages do not tell by themselves: when their flags changed last,
 * and which messages are gone (RFC 7162).
 *
 * It is a cache: without it, modseqs are larger than they need be, and who asks
 * for expunges gets all uids that are missing.
 *
 * Threads: belongs to the caller, who lets in one at a time.
 */
#ifndef LOCALINDEX_MEMORY_H
#define LOCALINDEX_MEMORY_H

#include <postern/types.h>

#define LI_MEMORY_FILE "postern.index"

/* The modseq of a message holds as long as it has these flags. */
struct li_entry {
	uint32_t uid;
	uint32_t flags;
	uint64_t keywords;
	uint64_t modseq;
};

struct li_gone {
	struct pst_range uids;
	uint64_t modseq;
};

/* Expunges by ascending modseq; complete above `from`. */
struct li_history {
	struct li_gone *gone;
	size_t n, cap;
	uint64_t from;
};

/* Nothing is known up to `modseq`. */
void li_history_begin(struct li_history *h, uint64_t modseq);
/* Uids in ascending order where they have one modseq. */
void li_history_note(struct li_history *h, uint32_t uid, uint64_t modseq);
void li_history_fini(struct li_history *h);

/*
 * What was written for this `uidvalidity` when `modseq` was the highest one;
 * entries ascend by uid. False: there is nothing, or nothing of that moment,
 * or it is damaged. The caller frees *entries_r.
 */
bool li_memory_read(int dirfd, uint32_t uidvalidity, uint64_t modseq,
    struct li_entry **entries_r, size_t *n_r, struct li_history *history);
/*
 * Replaces it as a whole. `entry` tells the i-th of `n`. 0 or an errno. Not
 * forced to the disk: what a power failure leaves of it is recognised.
 */
int li_memory_write(int dirfd, uint32_t uidvalidity, uint64_t modseq,
    void (*entry)(const void *arg, size_t i, struct li_entry *entry_r),
    const void *arg, size_t n, const struct li_history *history);
/*
 * What was written for `modseq` holds for `new_modseq`, too: since then nothing
 * but new messages came.
 */
void li_memory_renew(
    int dirfd, uint32_t uidvalidity, uint64_t modseq, uint64_t new_modseq);

#endif
