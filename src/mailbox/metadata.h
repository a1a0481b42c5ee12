/*
 * mailbox/metadata.h - small texts that users keep with a mailbox, or with
 * their account as a whole (RFC 5464).
 *
 * Names of entries are in lower case and valid: metadata_name_clean().
 * Threads: from any thread; may block on the disk.
 */
#ifndef MAILBOX_METADATA_H
#define MAILBOX_METADATA_H

#include "mailbox/store.h"

enum {
	METADATA_NAME_MAX = 256,
	METADATA_VALUE_MAX = 16384,  /* octets of a value */
	METADATA_ENTRIES_MAX = 100,  /* of a mailbox */
	METADATA_TOTAL_MAX = 131072, /* octets of all its values */
};

/* Makes `name` lower case and checks its form (RFC 5464, 3.2). False: it is
 * not valid. `above`: it may be "/private" or "/shared" alone. */
bool metadata_name_clean(
    struct pst_str name, bool above, char out[METADATA_NAME_MAX + 1]);

/* The entry `key` is `name`, or at most `depth` levels below it. */
bool metadata_is_within(const char *key, const char *name, unsigned depth);

struct metadata_entry {
	const char *name;
	struct pst_str value; /* p NULL: none */
};

/* Reports the entry `name` and, `depth` levels below it, others. `mailbox`
 * NULL: of the account. NOTFOUND: there is no such mailbox. */
enum pst_rc metadata_get(struct mail_account *acct, const char *mailbox,
    const char *name, unsigned depth, pst_value_fn fn, void *arg,
    struct pst_error *err);
/* Sets all or none; a value without p removes. LIMIT: too many, or too large in
 * sum; SYNTAX: a special use that there is not. */
enum pst_rc metadata_set(struct mail_account *acct, const char *mailbox,
    const struct metadata_entry *entry, size_t n, struct pst_error *err);
/* For the renaming of INBOX, which keeps its own (RFC 5464, 4.1). */
enum pst_rc metadata_copy(struct mail_account *acct, const char *from,
    const char *to, struct pst_error *err);

#endif
