/*
 * mailbox/fulltext.h - searching in the text of messages by the full-text index
 * of the storage module, and keeping that up to date in the background.
 *
 * The index answers for words, beginnings and parts of words exactly; for the
 * rest, and for messages that it does not have (yet), the caller looks at the
 * messages. A mailbox gets an index when it is searched first
 * (search.index), and from then on new messages are added while it is open.
 *
 * Threads: as in mailbox.h. One thread indexes all mailboxes, with low
 * priority; nobody ever waits for it but who removes an account.
 */
#ifndef MAILBOX_FULLTEXT_H
#define MAILBOX_FULLTEXT_H

#include "mailbox/mailbox.h"

/*
 * What is known of the messages of a view with uids up to `last`: those in
 * `yes` contain the text, those in `unsure` must be looked at, all others do
 * not contain it.
 */
struct view_text {
	struct uidset yes, unsure;
	uint32_t last;
};

/*
 * Asks for `needle`, which is folded (msg_casefold()) and not empty, in bodies
 * or, with `headers`, anywhere. What is not indexed yet is from now on. False:
 * nothing is known at all.
 */
bool view_text_search(struct mailbox_view *v, struct pst_str needle,
    bool headers, struct view_text *result_r);
void view_text_fini(struct view_text *t);

struct mailbox_text {
	uint32_t messages; /* in the mailbox */
	uint32_t indexed;  /* of these */
	uint64_t bytes;	   /* of the index, on the disk */
	bool is_behind;	   /* it waits for its turn, or is being indexed */
	bool is_kept;	   /* there is an index, or will be */
};
/* UNSUPPORTED: the storage has no such index, or it is switched off. */
enum pst_rc mailbox_text_status(struct mail_account *acct, const char *name,
    struct mailbox_text *status_r, struct pst_error *err);
/* Throws the index away and begins to make a new one. UNSUPPORTED. */
enum pst_rc mailbox_text_rebuild(
    struct mail_account *acct, const char *name, struct pst_error *err);

/* The mailboxes that wait to be indexed, and the one that is being indexed. */
typedef void (*mailbox_text_fn)(
    void *arg, const char *user, const char *mailbox, bool is_running);
void mailbox_text_waiting(struct mailstore *ms, mailbox_text_fn fn, void *arg);

#endif
