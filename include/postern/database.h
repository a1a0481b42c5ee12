/*
 * postern/database.h - a relational database that a module may lend to the
 * server: an optional part of a module, struct pst_module's `database`. The
 * server keeps its own tables there (users, aliases, domains and so on), so
 * that many servers share them. The tables, their version and what migrates
 * them are the server's; the module brings SQL to the database and rows back.
 *
 * SQL:       parameters are written $1, $2, ...; the database infers their
 *            types. Statements keep to what PostgreSQL and SQLite both
 *            understand: ON CONFLICT, row values, LIMIT, COLLATE "C" in the
 *            definitions of the tables.
 * Threads:   begin() from any thread, calls overlap; a connection belongs to
 *            one thread at a time.
 * Blocking:  calls block on the database. begin() may wait for a free
 *            connection, but not for ever: PST_E_TEMP. While the database is
 *            away, calls fail soon.
 * Errors:    PST_E_TEMP: a lost connection, or a database that starts or
 *            stops. PST_E_EXISTS: a violated constraint (SQLSTATE class 23).
 *            PST_E_CONFLICT: a failed serialisation or a deadlock; the caller
 *            may begin the transaction anew, which is its own business.
 *            PST_E_READONLY: the database takes no changes, such as a standby.
 *            PST_E_NOSPACE. PST_E_DENIED: the database's user lacks a right.
 *            PST_E_PERM: a wrong statement, or a missing table.
 *            After a failed run() in a transaction only end() may follow.
 * Growth:    members are appended; `size` says which exist.
 */
#ifndef POSTERN_DATABASE_H
#define POSTERN_DATABASE_H

#include <postern/types.h>

struct pst_store;
struct pst_conn; /* a connection on loan; defined by the module */

enum pst_value_type { PST_NULL, PST_INTEGER, PST_TEXT, PST_BLOB };

/* Truth is an integer, 0 or 1. */
struct pst_value {
	enum pst_value_type type;
	int64_t integer;
	/* TEXT, which is UTF-8 without NUL, and BLOB. Borrowed. A TEXT in a
	 * row is followed by a NUL that does not count. */
	struct pst_str octets;
};

/* One row of an answer; `values` are borrowed for the length of the call back.
 * It must not use the connection. */
typedef void (*pst_record_fn)(
    void *arg, const struct pst_value *values, size_t n);

enum pst_database_mode {
	PST_DB_SINGLE, /* no transaction: each statement is by itself */
	PST_DB_READ,   /* one picture for several questions */
	PST_DB_WRITE,  /* sees what others committed up to each statement */
	PST_DB_DEFINE, /* the same, with the right to define tables */
};

struct pst_database_ops {
	uint32_t size; /* sizeof(struct pst_database_ops) */

	/*
	 * Lends a connection. Costs no exchange with the database by itself: a
	 * BEGIN travels with the first statement. When a connection turns out
	 * to be dead before anything was done by it, another one is tried.
	 */
	enum pst_rc (*begin)(struct pst_store *store,
	    enum pst_database_mode mode, struct pst_conn **conn_r,
	    struct pst_error *err);

	/*
	 * Runs one statement, in one exchange (two when it is prepared on the
	 * way). `sql` is prepared once in each connection and remembered by its
	 * address: it is a constant that outlives the store. Calls back with
	 * each row; `fn` may be NULL. changed_r (may be NULL): how many rows
	 * were inserted, updated or deleted. Columns are integers, booleans,
	 * texts and octets; others must be cast.
	 */
	enum pst_rc (*run)(struct pst_conn *conn, const char *sql,
	    const struct pst_value *params, size_t n, pst_record_fn fn,
	    void *arg, uint64_t *changed_r, struct pst_error *err);

	/*
	 * Runs statements divided by semicolons, without parameters and
	 * answers, and remembers nothing: for the definitions of tables, with
	 * PST_DB_DEFINE.
	 */
	enum pst_rc (*script)(
	    struct pst_conn *conn, const char *sql, struct pst_error *err);

	/*
	 * Commits (else undoes) what a transaction did and takes the connection
	 * back, also on failure. PST_OK after a commit: it is on the disk. When
	 * the connection is lost during the commit, PST_E_TEMP leaves open
	 * whether it took place.
	 */
	enum pst_rc (*end)(
	    struct pst_conn *conn, bool commit, struct pst_error *err);
};

/* A database with whom to ask. */
struct pst_database {
	const struct pst_database_ops *ops;
	struct pst_store *store;
};

static inline struct pst_value
pst_null(void)
{
	return (struct pst_value){ .type = PST_NULL };
}

static inline struct pst_value
pst_integer(int64_t integer)
{
	return (struct pst_value){ .type = PST_INTEGER, .integer = integer };
}

/* NULL is SQL's NULL. */
static inline struct pst_value
pst_text(const char *text)
{
	if (text == NULL)
		return pst_null();
	return (struct pst_value){ .type = PST_TEXT,
		.octets = { text, strlen(text) } };
}

static inline struct pst_value
pst_blob(const void *p, size_t n)
{
	if (p == NULL)
		return pst_null();
	return (struct pst_value){ .type = PST_BLOB, .octets = { p, n } };
}

#endif
