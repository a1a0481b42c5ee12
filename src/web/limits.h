/*
 * web/limits.h - how often an address may do something in some time. Counts are
 * in memory and end with the process; addresses of IPv6 count by their /64.
 *
 * Threads: from any thread.
 */
#ifndef WEB_LIMITS_H
#define WEB_LIMITS_H

#include <postern/types.h>

enum limit_kind {
	LIMIT_ACCOUNTS,	  /* made */
	LIMIT_QUESTIONS,  /* whether an address is free */
	LIMIT_RESETS,	  /* links to set a password, tried */
	LIMIT_CHALLENGES, /* for passkeys, asked for by strangers */
	LIMIT_CONFIRMS,	  /* the same, by who is logged in */
	LIMIT_KINDS
};

/* 0: it may. Else seconds until it may again. */
int64_t limit_wait(
    enum limit_kind kind, const char *peer, int64_t most, int64_t window);
/* Counts one. */
void limit_count(enum limit_kind kind, const char *peer, int64_t window);
/* Counts one if it may, which of many at once are no more than that; else as
 * limit_wait(). */
int64_t limit_take(
    enum limit_kind kind, const char *peer, int64_t most, int64_t window);

#endif
