/*
 * mailbox/store.h - the storage modules: loading them, and the accounts in
 * them.
 *
 * Threads: from any thread.
 */
#ifndef MAILBOX_STORE_H
#define MAILBOX_STORE_H

#include "account/account.h"
#include "base/config.h"
#include <postern/module.h>

struct mailstore;    /* all storage blocks of the configuration, opened */
struct mail_account; /* a user's mail, shared by who has it open */

/*
 * Loads the module of every storage block and opens it. A module that is
 * missing, of another ABI version or without its entry point is a plain error.
 */
struct mailstore *mailstore_open(struct config *cfg, struct pst_error *err);
/* After the last account is closed and no thread works any more. */
void mailstore_close(struct mailstore **s);
/*
 * Prepares one storage that need not be open: its tables and the like are made
 * or brought up to date. UNSUPPORTED: this module has nothing to prepare.
 */
enum pst_rc mailstore_init(const struct config *cfg,
    const struct config_storage *block, pst_said_fn said, void *arg,
    struct pst_error *err);
void mailstore_reconfigure(struct mailstore *s, struct config *cfg);

/*
 * Opens a user's mail; who opens the same account twice gets the same one. A
 * new account gets the mailboxes of the configuration (Sent, Drafts, ...).
 */
enum pst_rc mail_account_open(struct mailstore *s,
    const struct account_user *user, struct mail_account **acct_r,
    struct pst_error *err);
void mail_account_close(struct mail_account **acct);
/* Whether there is anything to open; opening makes it. True when the storage
 * cannot tell. */
bool mail_account_exists(struct mailstore *s, const struct account_user *user);
const char *mail_account_id(const struct mail_account *acct);
/* What it holds, and its limits (0: none). Cheap after the first time. */
enum pst_rc mail_account_usage(struct mail_account *acct,
    struct pst_usage *usage_r, struct pst_usage *limit_r,
    struct pst_error *err);
/* QUOTA when `bytes` more would be too much. */
enum pst_rc mail_account_room(
    struct mail_account *acct, uint64_t bytes, struct pst_error *err);
/* The same for some messages at once, or for none and only more octets. */
enum pst_rc mail_account_room_for(struct mail_account *acct, uint64_t messages,
    uint64_t bytes, struct pst_error *err);
/* Removes all mail of a user that nobody has open (else CONFLICT). */
enum pst_rc mail_account_remove(struct mailstore *s,
    const struct account_user *user, struct pst_error *err);

/* --- a message on its way in -------------------------------------------- */

/* Content that is written once and may go into many mailboxes, also of several
 * accounts in the same storage. One thread at a time. */
struct mail_stage;

/* For the storage that `acct` lives in; `size` expected octets or 0. */
enum pst_rc mail_stage_new(struct mail_account *acct, uint64_t size,
    struct mail_stage **stage_r, struct pst_error *err);
enum pst_rc mail_stage_write(
    struct mail_stage *stage, const void *p, size_t n, struct pst_error *err);
uint64_t mail_stage_size(const struct mail_stage *stage);
bool mail_stage_fits(const struct mail_stage *stage,
    const struct mail_account *acct); /* same storage */
void mail_stage_free(struct mail_stage **stage);

/* One message to append. */
struct mail_append {
	struct mail_stage *stage;
	uint32_t flags;
	const char *const *keywords; /* names */
	size_t keyword_count;
	int64_t internal_date; /* seconds since 1970 */
	bool last;	       /* the stage goes nowhere else afterwards */
};

struct mail_appended {
	uint32_t uidvalidity;
	uint32_t uid;
};

/*
 * Puts `n` messages into a mailbox, all or none, durably when it returns OK;
 * results_r gets n. Sessions that have the mailbox open are woken. Concurrent
 * appends to one mailbox share their disk synchronisation. NOTFOUND, QUOTA,
 * NOSPACE, LIMIT (too many keywords).
 */
enum pst_rc mail_append(struct mail_account *acct, const char *mailbox,
    const struct mail_append *appends, size_t n,
    struct mail_appended *results_r, struct pst_error *err);
/* The same; what is not the user's own gets the flags that the rights allow. */
struct mail_place; /* mailbox/place.h */
enum pst_rc mail_append_to(const struct mail_place *to,
    const struct mail_append *appends, size_t n,
    struct mail_appended *results_r, struct pst_error *err);

#endif
