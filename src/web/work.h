/*
 * web/work.h - a proof of work: who wants something costly finds a number with
 * which SHA-256 of "CHALLENGE:NUMBER" begins with some bits of 0. That takes a
 * browser about a second, and a robot that wants a thousand of them long.
 *
 * A challenge is signed, so nothing is kept of those that nobody solved, and
 * any server of these accounts takes the answer; one that was used is
 * remembered until it is too old, by the server that took it.
 *
 * Threads: from any thread. Calls may ask the database, once.
 */
#ifndef WEB_WORK_H
#define WEB_WORK_H

#include "account/account.h"

enum { WORK_CHALLENGE = 128, WORK_LIFE = 1800 /* seconds */ };

/* Challenges are only good for the bits that they were made with. */
enum pst_rc work_make(struct accounts *a, int64_t bits,
    char challenge_r[WORK_CHALLENGE], struct pst_error *err);
/* The answer is right, and the challenge ours, not too old and not used yet. */
bool work_is_done(struct accounts *a, int64_t bits, const char *challenge,
    const char *number);
/* It is used now. False: somebody else was faster. */
bool work_use(struct accounts *a, const char *challenge);

#endif
