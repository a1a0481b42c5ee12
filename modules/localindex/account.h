/*
 * localindex/account.h - the files of an account that belong to no single
 * mailbox: the last UIDVALIDITY that was given, metadata, subscriptions.
 *
 *     postern-subscriptions 1
 *     Work
 *     Lists/A%25B
 *
 * Version 0 was the same without the first line.
 *
 * Threads: belongs to the caller, who lets in one at a time.
 */
#ifndef LOCALINDEX_ACCOUNT_H
#define LOCALINDEX_ACCOUNT_H

#include "localindex/state.h"

#include <postern/module.h>

#define LI_ACCOUNT_FILE "postern.account"
#define LI_SUBSCRIPTIONS "postern.subscriptions"

enum { LI_FILE_MAX = 8 << 20 }; /* octets in one of the text files */

struct li_account {
	/* Set by the owner and not changed here. */
	const struct pst_host *host;
	const char *module; /* for the log */
	const char *where;  /* "domain/user", for the log */
	int fd;		    /* of the folder that the files are in */
	bool fsync;

	struct li_account_state state;
	char **subscriptions;
	size_t subscribed, subscriptions_cap;
	bool subscriptions_read;
	bool subscriptions_newer; /* of a later version: not to be changed */
};

/* UIDVALIDITYs that it gives are above `floor`. A damaged file is set aside and
 * begun anew. */
enum pst_rc li_account_read(
    struct li_account *a, uint32_t floor, struct pst_error *err);
/* Forgets what was read. */
void li_account_fini(struct li_account *a);

/* The next UIDVALIDITY, durably taken. */
enum pst_rc li_account_uidvalidity(
    struct li_account *a, uint32_t *value_r, struct pst_error *err);
/* Makes sure that the next one is larger than `value`. */
enum pst_rc li_account_retire(
    struct li_account *a, uint32_t value, struct pst_error *err);

enum pst_rc li_account_subscribe(struct li_account *a, const char *name,
    bool subscribed, struct pst_error *err);
enum pst_rc li_account_read_subscriptions(
    struct li_account *a, struct pst_error *err);
/* Once they were read. */
bool li_account_is_subscribed(const struct li_account *a, const char *name);

/* Metadata of the account. */
enum pst_rc li_account_meta_set(struct li_account *a, const char *key,
    struct pst_str value, struct pst_error *err);

/* --- metadata of either kind ------------------------------------------------
 */

/* Copies what fits the prefix, so that no lock is held in call backs. */
void li_metas_collect(
    const struct li_metas *from, const char *prefix, struct li_metas *to);
/* Tells of all, and frees them. */
void li_metas_tell(struct li_metas *m, pst_value_fn fn, void *arg);
/* Sets a value, writes, and on failure puts the old value back. */
enum pst_rc li_metas_change(struct li_metas *m, const char *key,
    struct pst_str value,
    enum pst_rc (*write)(void *arg, struct pst_error *err), void *arg,
    struct pst_error *err);

#endif
