/*
 * base/trail.h - what happened to things that have names, kept on the disk for
 * some time: an append log of events, in files that come and go.
 *
 * An event has a time, the id of what it is about, a word, and pairs of key and
 * text. Values of some keys are other ids of the same thing (links), so that
 * its whole life is found under any of them; values of others can be searched
 * for (terms). What any of it means is not known here.
 *
 * Who notes something never waits for the disk: events are gathered in memory
 * and written each second, without a sync. A crash loses the last second.
 * More than can be written is dropped, and the loss noted.
 *
 * There is one trail in a process. Threads: all from any thread, but for open
 * and close, when nobody else is there.
 */
#ifndef BASE_TRAIL_H
#define BASE_TRAIL_H

#include "base/mem.h"

struct trail_options {
	const char *path; /* a directory; made when it is not there */
	int64_t size;	  /* octets of all files; the oldest go */
	int64_t age;	  /* seconds; what is older goes */
};

/* Which keys are what; both end with NULL. The same for writing and reading. */
struct trail_keys {
	const char *const *links; /* values are ids, as is that of the event */
	const char *const *terms; /* values are compared without case */
};

enum pst_rc trail_open(const struct trail_options *opt,
    const struct trail_keys *keys, struct pst_error *err);
/* Writes what is there. */
void trail_close(void);
/* For a new configuration; the path stays. */
void trail_configure(const struct trail_options *opt);
/* Something is noted at all. */
bool trail_is_on(void);
/* What was noted until now is in the files. */
void trail_flush(void);

/*
 * One event, as log_event() has it: pairs, ended by NULL; those without a value
 * are left out, and what is too long is cut. `id` NULL: of what this thread is
 * about; nothing when it is about nothing.
 */
void trail_event(const char *id, const char *event, ...)
    __attribute__((sentinel));
/* What this thread does from now on is about `id`; NULL: about nothing. */
void trail_about(const char *id);

/*
 * A conversation that this thread has is gathered in `to` (borrowed; NULL: no
 * more), a line for each thing that is said; what finds no room there is left
 * out. `who` is a letter.
 */
void trail_listen(struct buf *to);
void trail_say(char who, struct pst_str text);
void trail_sayf(char who, const char *fmt, ...) PST_PRINTF(2, 3);

#endif
