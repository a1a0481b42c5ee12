/*
 * pop3/locks.h - who has a maildrop open (RFC 1939, 4: "exclusive-access
 * lock"), and when it was opened last (LOGIN-DELAY; RFC 2449, 6.5).
 *
 * Only sessions of POP3 lock each other out. A lock is memory of this process:
 * none outlives a crash, and other servers with the same storage know of none.
 * That they have sessions of the same user loses nothing: each has the list of
 * its login, and what is gone already is no error of QUIT (maildrop.c).
 *
 * Threads: from any thread.
 */
#ifndef POP3_LOCKS_H
#define POP3_LOCKS_H

#include "base/mem.h"

struct pop3_locks;

struct pop3_locks *pop3_locks_new(void);
void pop3_locks_free(struct pop3_locks **l);

enum pop3_lock {
	POP3_LOCKED,	 /* to be given back with pop3_unlock() */
	POP3_LOCK_HELD,	 /* by another session */
	POP3_LOCK_EARLY, /* less than `delay` seconds after the last login */
};
/* `exclusive` false: others that have it are no hindrance. */
enum pop3_lock pop3_lock(
    struct pop3_locks *l, const char *maildrop, bool exclusive, int64_t delay);
/* The login is answered with +OK, and remembered for the delay; only who has
 * the lock says so. */
void pop3_lock_used(struct pop3_locks *l, const char *maildrop);
void pop3_unlock(struct pop3_locks *l, const char *maildrop);

#endif
