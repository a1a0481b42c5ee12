/*
 * admin/progress.h - what a long command shows meanwhile, on standard error: a
 * bar with the rate of messages on a terminal, else a line for each part that
 * is over.
 *
 * Threads: belongs to one thread.
 */
#ifndef ADMIN_PROGRESS_H
#define ADMIN_PROGRESS_H

#include <postern/types.h>

struct progress {
	FILE *out; /* NULL: quiet */
	bool is_terminal;
	char part[200]; /* what is at work, harmless for a terminal */
	uint64_t total, done, bytes;	  /* of the part; total 0: not known */
	uint64_t all, all_bytes;	  /* of all parts */
	int64_t began, part_began, drawn; /* clock_monotonic */
	bool is_drawn;
};

/* `quiet`: shows nothing unless it is a terminal. */
void progress_init(struct progress *p, bool quiet);
void progress_begin(struct progress *p, const char *part, uint64_t total);
void progress_add(struct progress *p, uint64_t messages, uint64_t bytes);
/* The part is over; `what` (or NULL) says how it ended. */
void progress_end(struct progress *p, const char *what);
/* Clears the line, so that something else may be said. */
void progress_clear(struct progress *p);
/* Messages per second since the beginning. */
double progress_rate(const struct progress *p);

#endif
