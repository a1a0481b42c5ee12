/*
 * account/resets.h - links with which a user sets a password without knowing
 * the present one: an administrator makes one, it is good once and for some
 * time. Kept as hashes; each user has one at most, and whatever else sets the
 * password ends it.
 *
 * Threads: from any thread; calls block on the database and on hashing.
 */
#ifndef ACCOUNT_RESETS_H
#define ACCOUNT_RESETS_H

#include "account/account.h"

enum { RESET_CODE = 25 }; /* its length, with the NUL */

/* Takes the place of the one before. `expires`: seconds since 1970. NOTFOUND:
 * no such user. */
enum pst_rc reset_make(struct accounts *a, const char *user, int64_t expires,
    char code_r[RESET_CODE], struct pst_error *err);
/* Whose it is. NOTFOUND: no such code, used, or too late. */
enum pst_rc reset_find(struct accounts *a, const char *code,
    struct account_user *user_r, struct pst_error *err);
/* Sets the password and ends the code, both or none. NOTFOUND as above; LIMIT
 * and SYNTAX as account_set_password(). */
enum pst_rc reset_use(struct accounts *a, const char *code,
    struct pst_str password, struct pst_error *err);

#endif
