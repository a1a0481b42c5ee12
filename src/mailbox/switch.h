/*
 * mailbox/switch.h - an account goes to another storage while sessions have its
 * mailboxes open. See convert.h for what leads there.
 *
 * In this order: switch_hold(); what is left to be done, by calls of the
 * modules alone; switch_over(); switch_release(). Without switch_over() nothing
 * has changed. In between nobody reaches the account but the caller: sessions
 * wait where they need it next.
 *
 * Threads: a switch belongs to one thread.
 */
#ifndef MAILBOX_SWITCH_H
#define MAILBOX_SWITCH_H

#include "mailbox/priv.h"

struct mail_switch {
	struct mail_account *acct;
	/* The live mailboxes, with io held, and their boxes in the old storage
	 * once they are taken from them. */
	struct mailbox **mb;
	struct pst_box **old_box;
	size_t n;
	bool *is_used; /* by others than us */
	/* What is left behind, to be closed by switch_release(). */
	struct storage *old_st;
	struct pst_acct *old_acct;
	int64_t began; /* clock_monotonic */
};

/* `known`: mailboxes to which the caller has one reference each. TEMP: somebody
 * held one of them for longer than a moment; nothing is held then. */
enum pst_rc switch_hold(struct mail_switch *s, struct mail_account *acct,
    struct mailbox *const *known, size_t n, struct pst_error *err);
/*
 * The point of no return is `decide`, which writes down where the account is
 * from now on: when it fails, all is as it was. `to` is the account as it was
 * opened in `st`; it belongs to the account afterwards. CONFLICT: somebody has
 * it open there.
 */
enum pst_rc switch_over(struct mail_switch *s, struct storage *st,
    struct pst_acct *to, struct accounts *accounts,
    enum pst_rc (*decide)(void *arg, struct pst_error *err), void *arg,
    struct pst_error *err);
/* CONFLICT: somebody has the user's mail in `st` open. Mailboxes that are only
 * kept in memory are put away. */
enum pst_rc switch_check(struct mailstore *ms, const struct storage *st,
    const char *id, struct pst_error *err);
/* Microseconds that the account was held. */
int64_t switch_release(struct mail_switch *s);

#endif
