/*
 * account/copy.h - all accounts from one database into another: users with
 * their hashes and SCRAM keys, quotas, holds and whom they forward to, domains,
 * aliases, shares and app passwords.
 *
 * Threads: one call for a pair of databases at a time.
 */
#ifndef ACCOUNT_COPY_H
#define ACCOUNT_COPY_H

#include "account/account.h"

struct account_copy {
	bool replace; /* what is there and different; else it is refused */
	bool dry_run; /* changes nothing in the end */
	/* Told of each row that is there already with another content: `what`
	 * is "user", "domain", "alias" or "forwarding". */
	void (*differs)(void *arg, const char *what, const char *name);
	void *arg;
};

struct account_copied {
	/* That came over. */
	uint64_t users, domains, aliases, forwards, shares, credentials;
	uint64_t same;	    /* were there already */
	uint64_t different; /* were there otherwise: replaced, or refused */
};

/*
 * One picture of `from` goes into `to` in one transaction: all or nothing. What
 * only `to` has stays. Can be repeated. EXISTS: some differ, and nothing was
 * changed; also when a name is a user's on one side and an alias on the other.
 */
enum pst_rc accounts_copy(struct accounts *from, struct accounts *to,
    const struct account_copy *how, struct account_copied *copied_r,
    struct pst_error *err);

#endif
