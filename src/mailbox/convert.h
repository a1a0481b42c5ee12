/*
 * mailbox/convert.h - brings a user's mail to another storage while the server
 * runs: from any module to any other that has adopt() and place().
 *
 * The account is copied while its sessions go on; further passes bring what
 * changed meanwhile, each less than the one before. Then the account is held
 * for a moment, the last changes are brought, the user's record is changed in
 * the accounts' database, and sessions go on with the other storage: what they
 * know of uids, modseqs and keywords stays true. Whatever happens in between,
 * the record tells where the mail is, and it is there as a whole.
 *
 * What is brought: mailboxes with special use, UIDVALIDITY, UIDNEXT,
 * HIGHESTMODSEQ and object id; messages with uids, flags, keywords, dates,
 * modseqs and ids; subscriptions; metadata of mailboxes and of the account, by
 * which lists of access, private \Seen, filters and UIDLs come along. Expunged
 * messages that are kept for undelete stay behind, and which uids were
 * expunged when is not remembered.
 *
 * A conversion that ends early, by whatever, is gone on with by the next one.
 * The mail in the old storage stays as it was; a conversion back brings it up
 * to date. Mail in the target that is no such copy is refused.
 *
 * Threads: from any thread; one conversion of an account at a time.
 */
#ifndef MAILBOX_CONVERT_H
#define MAILBOX_CONVERT_H

#include "mailbox/store.h"

enum convert_verify {
	CONVERT_VERIFY_NEW,  /* what is copied is read again and compared */
	CONVERT_VERIFY_FULL, /* also what was there already */
	CONVERT_VERIFY_NONE,
};

/* Where a conversion is. */
struct convert_progress {
	const char *mailbox;		      /* or NULL */
	unsigned pass;			      /* from 1; 0: being prepared */
	uint64_t messages, bytes;	      /* seen in this pass, or copied */
	uint64_t total_messages, total_bytes; /* as it was in the beginning */
};

struct convert_how {
	const char *from, *to; /* names of storage blocks */
	enum convert_verify verify;
	bool dry_run; /* only counts */
	bool alone;   /* no other server has the source open, we are told */
	bool remove_source;
	/* Asked and told often; each may be NULL. */
	bool (*stop)(void *arg);
	void (*progress)(void *arg, const struct convert_progress *p);
	void *arg;
};

struct convert_result {
	uint64_t mailboxes, messages, bytes; /* of the account */
	uint64_t copied, copied_bytes;
	uint64_t changed, removed; /* messages in the target */
	uint64_t verified;
	unsigned passes;
	int64_t held;	  /* microseconds that sessions may have waited */
	bool is_over;	  /* the account is in the target now */
	bool is_stopped;  /* before that */
	bool was_removed; /* the source */
};

/*
 * NOTFOUND: no such storage. CONFLICT: the user's mail is not in `from`, or is
 * being converted already. UNSUPPORTED: `to` cannot be converted into. PERM:
 * what is in `to` is no copy; verification failed. DENIED: other servers may
 * have the source open, and `alone` is not set. Whatever it returns, result_r
 * tells what was done.
 */
enum pst_rc mail_convert(struct mailstore *ms, struct accounts *accounts,
    const struct account_user *user, const struct convert_how *how,
    struct convert_result *result_r, struct pst_error *err);

#endif
