/*
 * localindex/collect.h - gathers the terms of some messages in memory, then
 * writes them out in order. Pure but for the memory.
 *
 * Threads: belongs to one thread.
 */
#ifndef LOCALINDEX_COLLECT_H
#define LOCALINDEX_COLLECT_H

#include "localindex/segment.h"
#include <postern/store.h>

struct li_collect;

struct li_collect *li_collect_new(void);
void li_collect_free(struct li_collect **c);
/* The terms of the message number `doc`; numbers ascend from call to call. */
void li_collect_add(
    struct li_collect *c, uint32_t doc, const struct pst_text *text);
void li_collect_write(struct li_collect *c, struct li_writer *w);

#endif
