/*
 * mailbox/due.h - when each account has to be looked at next, by a hash of its
 * id: 16 octets an account, so that a sweep passes over those that wait.
 *
 * Threads: from any thread; every call is quick, but for load and save.
 */
#ifndef MAILBOX_DUE_H
#define MAILBOX_DUE_H

#include "base/mem.h"

struct due;

struct due *due_new(void);
void due_free(struct due **d);
/* Seconds since 1970; INT64_MIN: not known, so now. */
int64_t due_get(struct due *d, const char *id);
void due_set(struct due *d, const char *id, int64_t when);
/* Not later than `when`. What is not known stays so. */
void due_by(struct due *d, const char *id, int64_t when);
/* Forgets all. */
void due_clear(struct due *d);
size_t due_count(struct due *d);
/* Between the two calls due_get() is asked for every account there is; the
 * others are forgotten. */
void due_sweep_begin(struct due *d);
void due_sweep_end(struct due *d);

/*
 * A file is a mere help: what cannot be read, or belongs to another `rules`
 * (what the times follow from), is as good as none. False: errno.
 */
bool due_load(struct due *d, const char *path, uint64_t rules);
bool due_save(struct due *d, const char *path, uint64_t rules);

uint64_t due_hash(struct pst_str s, uint64_t start); /* 0: begin */

#endif
