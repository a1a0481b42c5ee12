/*
 * mailbox/retention.h - the rules of `retention` blocks: which messages go by
 * themselves, and when.
 *
 * Threads: the pure functions from any; retention_run() too, it blocks on the
 * disk.
 */
#ifndef MAILBOX_RETENTION_H
#define MAILBOX_RETENTION_H

#include "base/uidset.h"
#include "mailbox/store.h"

/* --- pure ------------------------------------------------------------------
 */

/* In a rule's mailbox '*' stands for anything, '%' for anything within a level.
 * INBOX matches without case. */
bool retention_name_matches(const char *pattern, const char *name);
bool retention_matches(
    const struct config_retention *rule, const struct pst_mailbox *mailbox);

/*
 * The uids of `row` (ascending by uid) that have to go at the time `now`: those
 * that came into the mailbox `age` ago or earlier, then the oldest ones until
 * no more are left than `max_messages` and `max_size` allow. `next_r` is
 * lowered to the time when the age of one that is left will be reached.
 */
void retention_pick(const struct config_retention *rule,
    const struct pst_row *row, size_t n, int64_t now, struct uidset *gone_r,
    int64_t *next_r);

/* --- at work ---------------------------------------------------------------
 */

/* What a rule removed from a mailbox, or would remove. */
struct retention_done {
	const char *rule, *mailbox;
	uint64_t messages, bytes;
};

struct retention_how {
	bool dry_run;
	void (*fn)(void *arg, const struct retention_done *done); /* or NULL */
	bool (*stop)(void *arg); /* asked now and then */
	void *arg;
};

/*
 * Applies all rules to all mailboxes of an account; sessions see the messages
 * go. One on hold keeps everything, from the moment on when it is. `next_r` is
 * lowered to the time when a message is due next, as far as can be known.
 */
enum pst_rc retention_run(struct mail_account *acct,
    const struct retention_how *how, int64_t *next_r, struct pst_error *err);

#endif
