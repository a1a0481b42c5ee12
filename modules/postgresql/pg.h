/*
 * pg.h - what the parts of the module share below mailboxes: connections, the
 * pool, statements and transactions.
 *
 * A connection of the pool is always in libpq's pipeline mode: statements are
 * queued with pg_send(), and their results taken with pg_take() in the same
 * order. pg_run() does all around that: it takes a connection, opens the
 * transaction, tells the database whose rows it is about, repeats what may be
 * repeated, and finds out what became of a commit whose answer was lost.
 *
 * Threads: a connection belongs to the thread that took it from the pool until
 * it is given back. The pool may be used by any thread.
 */
#ifndef POSTGRESQL_PG_H
#define POSTGRESQL_PG_H

#include "sql.h"

#include <libpq-fe.h>
#include <postern/module.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
	PG_CHUNK = 256 * 1024,	/* octets of a message in one row */
	PG_PREFIX = 8,		/* characters before each id of this database */
	PG_CONTENT_BLOCK = 256, /* as the sequence's INCREMENT in schema.c */
};

/* What the storage block says; see postern-postgresql(5). Texts are the host's.
 */
struct pg_config {
	const char *conninfo, *init_conninfo, *schema, *path;
	bool init_at_open;
	int connections;
	int wait_ms;	  /* for a connection of the pool, and to connect */
	int statement_ms; /* that the database gives a statement; 0: any */
	int sweep_s; /* how long a content without messages stays, at least */
};

enum pst_rc pg_config_read(struct pg_config *c, const struct pst_host *host,
    const struct pst_section *section, struct pst_error *err);

/* --- memory ----------------------------------------------------------------
 */

/* realloc() that does not fail; n * each octets. */
void *pg_grow(void *p, size_t n, size_t each);
char *pg_dup(const char *text);

/* --- parameters of a statement ---------------------------------------------
 */

/* A one-dimensional array in PostgreSQL's binary form. */
struct pg_array {
	char *p;
	size_t n, cap, count;
	uint32_t type; /* of its elements: an Oid */
};

void pg_array_i64(struct pg_array *a, int64_t v);
void pg_array_bytes(struct pg_array *a, const void *p, size_t n);
void pg_array_text(struct pg_array *a, const char *text);
void pg_array_fini(struct pg_array *a);

enum { PG_PARAMS = 20 };

/* Borrows texts and octets until the statement was sent; arrays too. */
struct pg_params {
	int n;
	const char *value[PG_PARAMS];
	int length[PG_PARAMS], format[PG_PARAMS];
	char number[PG_PARAMS][8];
	bool is_number[PG_PARAMS]; /* the value is there: these may be copied */
};

/* Where the values are. */
void pg_values(const struct pg_params *p, const char *value_r[PG_PARAMS]);

void pg_p_i64(struct pg_params *p, int64_t v);
void pg_p_bool(struct pg_params *p, bool v);
void pg_p_text(struct pg_params *p, const char *text); /* NULL: null */
void pg_p_bytes(struct pg_params *p, const void *data, size_t n);
/* As bigint[], bytea[] or text[], by what was added. */
void pg_p_array(struct pg_params *p, struct pg_array *a);

/* A field of a result, whatever integer or boolean type it has; 0: null. */
int64_t pg_i64(const PGresult *r, int row, int column);
struct pst_str pg_bytes(const PGresult *r, int row, int column);
/* The elements of a binary array of bigint or text, called in order. False:
 * this is none. A null element has p NULL. */
typedef void (*pg_element_fn)(void *arg, size_t i, struct pst_str element);
bool pg_elements(struct pst_str array, pg_element_fn fn, void *arg);
int64_t pg_number(struct pst_str field);

/* --- a connection ----------------------------------------------------------
 */

enum { PG_QUEUE = 64 }; /* results that are waited for at most */

enum { PG_LENT = 96 }; /* different statements of the server's own */

struct pg_conn {
	PGconn *pg;
	struct pst_store *store;
	bool is_broken;	     /* to be closed, not given back */
	int answer_ms;	     /* that an answer may take; 0: as configured */
	uint32_t timeline;   /* of the server's history; 0: not asked */
	char sqlstate[6];    /* of the last error; "": none */
	char constraint[64]; /* that it is about; "" */
	bool is_prepared[PG_STATEMENTS + PG_LENT];
	const char *lent[PG_LENT]; /* texts of pg_send_lent() */
	unsigned lent_n;
	int16_t queue[PG_QUEUE]; /* what results are of; see conn.c */
	unsigned queue_at, queue_n;
	struct pg_conn *next; /* in the pool */
};

/*
 * Opens a connection and makes it ready: search path, limits. Each server that
 * `conninfo` names gets wait_ms. With `check`, the schema has to be there in
 * the version that this module knows (PERM otherwise). Those of the pool are in
 * pipeline mode, others not.
 */
enum pst_rc pg_conn_open(struct pst_store *s, const char *conninfo, bool check,
    struct pg_conn **c_r, struct pst_error *err);
void pg_conn_close(struct pg_conn **c);

/* Something is waiting that nobody asked for: it was closed by the server. */
bool pg_conn_is_stale(struct pg_conn *c);

/*
 * Queues a statement, preparing it first when this connection has not seen it.
 * Nothing is waited for. False: the connection is broken.
 */
bool pg_send(
    struct pg_conn *c, enum pg_statement which, const struct pg_params *p);
/* The same for a text that is constant and stays where it is. */
bool pg_send_lent(
    struct pg_conn *c, const char *sql, const struct pg_params *p);
/* Queues any other statement, with parameters or without (NULL). */
bool pg_send_text(
    struct pg_conn *c, const char *sql, const struct pg_params *p);
/* All queued so far is one unit; its end is reported to pg_sync_wait(). */
bool pg_send_sync(struct pg_conn *c);
/* Lets the server answer what was queued, without ending the unit. */
bool pg_send_flush(struct pg_conn *c);

/*
 * The result of the next statement, to be cleared by the caller; NULL after an
 * error, which `err` then tells. With `single`, one row at a time, until a
 * result without rows, that is the last one of the statement.
 */
PGresult *pg_take(struct pg_conn *c, struct pst_error *err);
PGresult *pg_take_row(struct pg_conn *c, struct pst_error *err);
/* Drops what is left of the unit. PST_OK: the server did all of it. */
enum pst_rc pg_sync_wait(struct pg_conn *c, struct pst_error *err);

/* Runs statements divided by semicolons, with nothing else under way. */
enum pst_rc pg_script(
    struct pg_conn *c, const char *sql, struct pst_error *err);

/* Fills sqlstate and constraint from a result, and `err`. */
enum pst_rc pg_result_failed(
    struct pg_conn *c, const PGresult *r, struct pst_error *err);
enum pst_rc pg_lost(struct pg_conn *c, struct pst_error *err);
enum pst_rc pg_rc_of(const char *sqlstate);

/* --- the pool --------------------------------------------------------------
 */

/* Who waits for a connection; on its stack. */
struct pg_waiter {
	struct pg_waiter *next;
	pthread_cond_t moved;
};

struct pg_pool {
	pthread_mutex_t lock; /* guards all of this */
	/* First come, first served: who comes while others wait is behind
	 * them, also when something is free. */
	struct pg_waiter *first, **last;
	struct pg_conn *idle; /* the last used one first */
	int open, busy;	      /* connections, and those that are taken */
	bool trying;	    /* somebody connects although it failed last time */
	int64_t down_until; /* monotonic µs: nobody tries before that */
	int failures;	    /* in a row */
	struct pst_error why; /* of the last one */
};

void pg_pool_init(struct pg_pool *pool);
/* With all connections given back. */
void pg_pool_fini(struct pg_pool *pool);
/*
 * A connection, within wait_ms: an idle one, a new one, or one that somebody
 * gives back meanwhile. While the database is away: TEMP at once, and now and
 * then one caller finds out whether it is back.
 */
enum pst_rc pg_pool_take(
    struct pst_store *s, struct pg_conn **c_r, struct pst_error *err);
/* Closes it when it is broken. */
void pg_pool_give(struct pst_store *s, struct pg_conn **c);

int64_t pg_monotonic(void); /* µs */

/* --- transactions ----------------------------------------------------------
 */

enum pg_mode {
	PG_READ,     /* one statement, or several that need not agree */
	PG_SNAPSHOT, /* reads all at one moment */
	/* Writes, in one round trip. What it does may be done twice with the
	 * same result, or fails the second time on a key (see `done`). */
	PG_AGAIN,
	/* Writes, and nobody could tell whether it was done. The number of the
	 * transaction is known before it is committed, so that one can ask. */
	PG_EXACT,
};

typedef enum pst_rc (*pg_step_fn)(
    struct pg_conn *c, void *arg, struct pst_error *err);

struct pg_job {
	enum pg_mode mode;
	int64_t account, other; /* whose rows; 0: nobody's */
	void *arg;
	/* Queues statements. */
	pg_step_fn send;
	/* Takes all their results, in order; may be called again after a
	 * failure, so it begins by forgetting. It makes no call back to the
	 * server. In PG_EXACT it may send more and take that. */
	pg_step_fn take;
	bool no_repeat; /* take() cannot begin again: a lost connection fails */
	/*
	 * PG_EXACT, both or none: the commit was sent, its answer lost, and the
	 * server that answers now (another one, promoted) cannot tell. Look in
	 * the rows: PST_OK done, NOTFOUND not done.
	 */
	pg_step_fn look_send, look_take;
};

/* What more there is to know of a failure. */
struct pg_outcome {
	char constraint[64]; /* that was violated; "" */
	bool repeated;	     /* an earlier try may have been done already */
};

/* `outcome_r` may be NULL. `err` may be filled although all went well in the
 * end. */
enum pst_rc pg_run(struct pst_store *s, const struct pg_job *job,
    struct pg_outcome *outcome_r, struct pst_error *err);

/* --- the schema ------------------------------------------------------------
 */

/* What leads from version i to i + 1; NULL ends. schema.c */
extern const char pg_schema_2[], pg_schema_3[];
extern const char *const pg_migrations[];
int pg_schema_version(void); /* what this module needs */

/*
 * Makes the schema or brings it up to date, in one transaction that waits for
 * others who do the same. PERM: it is newer than this module.
 */
enum pst_rc pg_migrate(struct pst_store *s, const char *conninfo,
    pst_said_fn said, void *arg, struct pst_error *err);
/* Lets the role that serves use all tables, those of the server too: in a
 * transaction of the role that made them, on a connection in pipeline mode. */
enum pst_rc pg_grant(struct pg_conn *c, struct pst_error *err);

#endif
