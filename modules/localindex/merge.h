/*
 * localindex/merge.h - some segments become one. Pure but for the files.
 */
#ifndef LOCALINDEX_MERGE_H
#define LOCALINDEX_MERGE_H

#include "localindex/segment.h"

/*
 * Puts what `n` open segments know of the messages in `present` into `w`,
 * which is initialised here; a message that several of them know is taken once.
 * False: one is damaged; then `bad_r` tells which, and `w` is finished.
 */
bool li_merge(struct li_segment *s, size_t n, struct pst_uids present,
    struct li_writer *w, size_t *bad_r);

#endif
