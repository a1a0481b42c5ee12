/*
 * postgresql.h - the objects of the module: store, account, mailbox, stage. See
 * pg.h for what they are built on.
 *
 * Locks, in the order in which they may be taken together: hub.lock, then
 * pool.lock. None is held while the database is asked, nor in a call back to
 * the server but hub.lock (see hub.h).
 */
#ifndef POSTGRESQL_POSTGRESQL_H
#define POSTGRESQL_POSTGRESQL_H

#include "pg.h"

struct pst_store {
	const struct pst_host *host;
	struct pg_config config;
	struct pg_pool pool;
	pthread_mutex_t lock; /* guards what is below */
	char prefix[16];      /* of ids; set with the first connection, then
			       * constant */
	int64_t content_next, content_end; /* ids that nobody has yet */
};

/* Seconds since 1970, by the host's clock. */
int64_t pg_now(const struct pst_store *s);
/* From each new connection, before anybody uses it. */
void store_take_prefix(struct pst_store *s, const char *prefix);

/* --- store.c ---------------------------------------------------------------
 */

enum pst_rc pg_open(const struct pst_host *host,
    const struct pst_section *section, struct pst_store **store_r,
    struct pst_error *err);
void pg_close(struct pst_store *s);
enum pst_rc pg_health(struct pst_store *s, struct pst_error *err);
enum pst_rc pg_init(const struct pst_host *host,
    const struct pst_section *section, pst_said_fn said, void *arg,
    struct pst_error *err);

/* --- database.c ------------------------------------------------------------
 */

extern const struct pst_database_ops pg_database;

#endif
