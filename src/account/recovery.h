/*
 * account/recovery.h - recovery codes: what a user writes down for the day when
 * something else is lost. Each is good once.
 *
 * A code stands for one thing. With the right password it is the second factor;
 * without it, it sets a new password, and then no other code of the set is a
 * second factor until the user has shown one: whoever holds the sheet of codes
 * alone does not get in where a second factor is on.
 *
 * Codes are made here, told once and kept as hashes; each has 100 random bits,
 * in letters and digits that people can copy (account/codes.c).
 *
 * Threads: from any thread; calls block on the database.
 */
#ifndef ACCOUNT_RECOVERY_H
#define ACCOUNT_RECOVERY_H

#include "account/auth.h"

enum {
	RECOVERY_CODES = 10, /* in a set */
	RECOVERY_CODE = 25,  /* the length of one, with the NUL */
};

struct recovery_set {
	char code[RECOVERY_CODES][RECOVERY_CODE];
};

/* Makes a set, which takes the place of the one before. NOTFOUND: no such
 * user. */
enum pst_rc recovery_make(struct accounts *a, const char *user,
    struct recovery_set *set_r, struct pst_error *err);
void recovery_wipe(struct recovery_set *set);

/* Takes the code for a new password, which rules_password() has looked at.
 * FAILED: the code is none of this user, or there is no such user; `delay_r` is
 * as for auth_password(). `user_r` is whose it was. */
enum auth_result recovery_set_password(struct accounts *a, const char *peer,
    struct pst_str user, const char *code, struct pst_str password,
    struct account_user *user_r, int64_t *delay_r);

#endif
