/*
 * unit/mailbox/fixture.h - a mail store in a directory of its own, over the
 * module that POSTERN_TEST_MODULE names.
 */
#ifndef TESTS_UNIT_MAILBOX_FIXTURE_H
#define TESTS_UNIT_MAILBOX_FIXTURE_H

#include "mailbox/mailbox.h"

struct store {
	struct mailstore *ms;
	struct config *cfg;
	char dir[64];
};

/* `more`: further configuration, after the storage block. False: the module
 * cannot be loaded. */
bool store_open(struct store *s, const char *more);
/* Closes and opens it again with the same files. */
bool store_again(struct store *s);
void store_close(struct store *s); /* removes the files too */

struct account_user store_user(const char *name);
struct mail_account *store_account(struct store *s, const char *name);
/* Puts a message of `lines` lines into a mailbox; its uid, 0 on failure. */
uint32_t store_put(struct mail_account *a, const char *mailbox, uint32_t flags,
    const char *keyword, unsigned lines);
struct mailbox_view *store_view(
    struct mail_account *a, const char *mailbox, bool read_only);
/* Changes the flags of `first` to `last`. */
enum pst_rc store_flags(struct mailbox_view *v, uint32_t first, uint32_t last,
    enum pst_flag_op op, uint32_t flags, bool silent);
enum pst_rc store_expunge(
    struct mailbox_view *v, uint32_t first, uint32_t last);

/* What view_sync() told. */
struct told {
	uint32_t expunged[512], expunged_seq[512];
	size_t expunged_n;
	uint32_t changed[512];
	uint32_t changed_flags[512];
	size_t changed_n;
	unsigned keywords, exists;
	uint32_t count, recent;
};
enum pst_rc store_sync(struct mailbox_view *v, bool expunges, struct told *t);

#endif
