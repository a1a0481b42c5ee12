/*
 * mailbox/check.h - looking for what is wrong with stored mail, and mending it,
 * while sessions go on.
 *
 * Threads: from any thread; blocks on the disk, for long.
 */
#ifndef MAILBOX_CHECK_H
#define MAILBOX_CHECK_H

#include "mailbox/store.h"

/*
 * Checks a mailbox as its storage can; sessions get their turn in between and
 * see what mending changed. `fn` runs without locks. `stop` is asked now and
 * then: true ends the check early, with PST_OK. UNSUPPORTED: the storage cannot
 * check.
 */
enum pst_rc mailbox_check(struct mail_account *acct, const char *name,
    bool mend, pst_finding_fn fn, bool (*stop)(void *arg), void *arg,
    struct pst_error *err);

/* What the account holds, counted anew. */
enum pst_rc mail_account_recount(struct mail_account *acct,
    struct pst_usage *usage_r, struct pst_usage *limit_r,
    struct pst_error *err);

#endif
