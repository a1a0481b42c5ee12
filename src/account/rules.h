/*
 * account/rules.h - what people may choose for themselves: names of accounts
 * (RFC 2142 has some that are others') and passwords (NIST SP 800-63B-4, 3.1.1:
 * a length, and a list of what everybody tries first; no classes of
 * characters).
 *
 * Threads: from any thread. A check of a password reads a file.
 */
#ifndef ACCOUNT_RULES_H
#define ACCOUNT_RULES_H

#include "account/account.h"

enum { RULES_PASSWORD_MOST = 256 }; /* characters */

/* Characters that a password has to have. */
int64_t rules_password_least(const struct config *cfg);
/* The local part is kept back for those who run the server. */
bool rules_is_reserved(const char *address);
/* LIMIT or SYNTAX: `err` says in words for the user why not. `address` and
 * `name` are the user's own. */
enum pst_rc rules_password(const struct config *cfg, const char *address,
    const char *name, struct pst_str password, struct pst_error *err);

#endif
