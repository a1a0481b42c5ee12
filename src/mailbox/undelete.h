/*
 * mailbox/undelete.h - messages that were expunged and are kept for a while
 * (undelete.keep): listing them and bringing them back. They are in no mailbox
 * and no quota counts them. Also messages of deleted mailboxes are kept; a
 * message that was moved is not, it is somewhere else.
 *
 * Threads: from any thread; every call may block on the disk.
 */
#ifndef MAILBOX_UNDELETE_H
#define MAILBOX_UNDELETE_H

#include "mailbox/store.h"

/* Which of them; what is not given does not matter. */
struct undelete_filter {
	const char *mailbox; /* NULL: any */
	const char *id;	     /* NULL: any */
	/* Some, in ascending order; NULL: any. */
	const char *const *ids;
	size_t id_count;
	int64_t since; /* expunged then or later; 0: any time */
};

/*
 * Reports kept messages in order of mailbox, then as they were expunged.
 * `mailbox` in a row is a clean name. What it points to is valid during the
 * call back. UNSUPPORTED: the storage keeps nothing.
 */
enum pst_rc undelete_each(struct mail_account *acct,
    const struct undelete_filter *filter, pst_kept_fn fn, void *arg,
    struct pst_error *err);

/* Where a list goes on: behind this message. */
struct undelete_place {
	int64_t expunged;
	char id[40];
};

/* One of a list, with its first octets; none: the storage cannot tell them. */
typedef void (*undelete_list_fn)(
    void *arg, const struct pst_kept *k, struct pst_str head);

/*
 * Reports up to `most` kept messages, those that were expunged last first, from
 * behind `after` (NULL: the beginning) on. *more_r: there are others behind.
 */
enum pst_rc undelete_latest(struct mail_account *acct,
    const struct undelete_place *after, size_t most, undelete_list_fn fn,
    void *arg, bool *more_r, struct pst_error *err);

/* One message that is back. */
struct undelete_back {
	const char *id, *mailbox;
	uint32_t uid;
	uint64_t size;
};

struct undelete_how {
	bool beyond_quota; /* an administrator wants it */
	void (*fn)(void *arg, const struct undelete_back *back);
	bool (*stop)(void *arg); /* asked now and then; may be NULL */
	void *arg;
};

/*
 * Brings messages back to the mailboxes that they were in, which are made anew
 * and subscribed to when they are gone: with their flags but \Deleted, their
 * keywords, internal date and id, and a new uid. Sessions see them come. QUOTA:
 * nothing was brought back. Another error: those reported are back.
 */
enum pst_rc undelete_restore(struct mail_account *acct,
    const struct undelete_filter *filter, const struct undelete_how *how,
    struct pst_error *err);

/*
 * Removes for good what is kept too long or is too much, as the configuration
 * says, at most `most` messages; with `all` whatever is kept. An account on
 * hold loses nothing. UNSUPPORTED as above.
 */
enum pst_rc undelete_purge(struct mail_account *acct, bool all, uint64_t most,
    struct pst_kept_sum *sum_r, struct pst_error *err);

#endif
