/*
 * mailbox/database.h - the database that a storage block's module lends to the
 * accounts (postern/database.h).
 *
 * Threads: from any thread.
 */
#ifndef MAILBOX_DATABASE_H
#define MAILBOX_DATABASE_H

#include "base/config.h"
#include "mailbox/store.h"
#include <postern/database.h>

/* Of an open storage, for as long as the mailstore is open. NOTFOUND: there is
 * no such block; UNSUPPORTED: its module has none. */
enum pst_rc mailstore_database(struct mailstore *ms, const char *name,
    struct pst_database *db_r, struct pst_error *err);

/* One storage block opened for its database alone, as posternctl does beside a
 * server that runs. */
struct mail_database;
enum pst_rc mail_database_open(struct config *cfg, const char *name,
    struct mail_database **d_r, struct pst_error *err);
const struct pst_database *mail_database(const struct mail_database *d);
void mail_database_close(struct mail_database **d);

#endif
