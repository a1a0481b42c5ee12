/*
 * account/db.c - the accounts' tables, wherever they are: in the server's own
 * SQLite file (sqlite.c) or in a module's database, where schema.c looks after
 * them. Transactions, and questions with their parameters.
 */
#include "account/private.h"

#include "base/str.h"
#include <stdlib.h>

enum { PARAMETERS = 20 };

struct account_db *
account_db_open(const char *path, const char *owner, struct pst_error *err)
{
	struct account_db *db = mem_alloc(sizeof(*db));

	db->is_file = true;
	db->is_checked = true;
	if (account_sqlite_open(path, owner, &db->database, err) != PST_OK) {
		free(db);
		return NULL;
	}
	return db;
}

struct account_db *
account_db_lent(const char *name, const struct pst_database *lent)
{
	struct account_db *db = mem_alloc(sizeof(*db));

	db->database = *lent;
	db->name = str_dup(str_of(name));
	return db;
}

void
account_db_close(struct account_db **db)
{
	if (*db == NULL)
		return;
	if ((*db)->is_file)
		account_sqlite_close(&(*db)->database);
	free((*db)->name);
	free(*db);
	*db = NULL;
}

/* --- transactions --------------------------------------------------------- */

static struct account_conn *
begin(struct account_db *db, enum pst_database_mode mode, struct pst_error *err)
{
	struct account_conn *c = mem_alloc(sizeof(*c));

	c->db = db;
	c->mode = mode;
	if (db->database.ops->begin(db->database.store, mode, &c->conn, err) !=
	    PST_OK) {
		free(c);
		return NULL;
	}
	return c;
}

static enum pst_rc
end(struct account_conn **c, bool commit, struct pst_error *err)
{
	struct account_conn *given = *c;
	enum pst_rc rc;

	*c = NULL;
	rc = given->db->database.ops->end(given->conn, commit, err);
	free(given);
	return rc;
}

/*
 * In a module's database: are there tables of a version that we know? Once is
 * enough; it may not have been there when the server started.
 */
static bool
is_ready(struct account_db *db, struct pst_error *err)
{
	struct account_conn *c;
	enum pst_rc rc;

	if (atomic_load_explicit(&db->is_checked, memory_order_acquire))
		return true;
	c = begin(db, PST_DB_SINGLE, err);
	if (c == NULL)
		return false;
	rc = account_schema_check(c, false, err);
	(void)end(&c, false, NULL);
	if (rc == PST_OK)
		atomic_store_explicit(
		    &db->is_checked, true, memory_order_release);
	return rc == PST_OK;
}

struct account_conn *
account_db_take(struct account_db *db, struct pst_error *err)
{
	return is_ready(db, err) ? begin(db, PST_DB_SINGLE, err) : NULL;
}

void
account_db_give(struct account_conn **c)
{
	if (*c != NULL)
		(void)end(c, false, NULL);
}

struct account_conn *
account_db_read(struct account_db *db, struct pst_error *err)
{
	return is_ready(db, err) ? begin(db, PST_DB_READ, err) : NULL;
}

void
account_db_read_done(struct account_conn **c)
{
	if (*c != NULL)
		(void)end(c, true, NULL);
}

/*
 * SQLite lets one write at a time. Elsewhere the row with the schema's version
 * is locked, so that what is looked at before a change (is there an alias of
 * this name?) stays so until the commit, also when several servers write.
 */
struct account_conn *
account_db_write(struct account_db *db, struct pst_error *err)
{
	struct account_conn *c;

	if (!is_ready(db, err))
		return NULL;
	c = begin(db, PST_DB_WRITE, err);
	if (c != NULL && !db->is_file &&
	    account_schema_check(c, true, err) != PST_OK)
		(void)end(&c, false, NULL);
	return c;
}

enum pst_rc
account_db_write_done(
    struct account_conn **c, enum pst_rc rc, struct pst_error *err)
{
	enum pst_rc ended = end(c, rc == PST_OK, rc == PST_OK ? err : NULL);

	return rc == PST_OK ? ended : rc;
}

/* --- questions ------------------------------------------------------------ */

struct rows {
	pst_record_fn fn;
	void *arg;
	uint64_t n;
};

static void
count_row(void *arg, const struct pst_value *values, size_t n)
{
	struct rows *rows = arg;

	rows->n++;
	if (rows->fn != NULL)
		rows->fn(rows->arg, values, n);
}

static size_t
take_parameters(
    struct pst_value params[PARAMETERS], const char *types, va_list ap)
{
	size_t n = 0;

	for (; types[n] != '\0' && n < PARAMETERS; n++) {
		if (types[n] == 'i') {
			params[n] = pst_integer(va_arg(ap, int64_t));
		} else if (types[n] == 't') {
			params[n] = pst_text(va_arg(ap, const char *));
		} else {
			const void *p = va_arg(ap, const void *);

			params[n] = pst_blob(p, va_arg(ap, size_t));
		}
	}
	return n;
}

enum pst_rc
account_rows_of(struct account_conn *c, enum account_query q,
    const struct pst_value *params, size_t n, pst_record_fn fn, void *arg,
    struct pst_error *err)
{
	struct rows rows = { .fn = fn, .arg = arg };
	uint64_t changed = 0;
	enum pst_rc rc = c->db->database.ops->run(c->conn, account_queries[q],
	    params, n, count_row, &rows, &changed, err);

	/* Locks of others, a table or a right that is missing just now: never
	 * that there is no such user. */
	if (rc == PST_E_CONFLICT || rc == PST_E_PERM || rc == PST_E_DENIED)
		rc = PST_E_TEMP;
	if (rc != PST_OK && err != NULL)
		err->rc = rc;
	if (rc == PST_OK && rows.n == 0 && changed == 0)
		rc = PST_E_NOTFOUND;
	return rc;
}

static enum pst_rc
run(struct account_conn *c, enum account_query q, pst_record_fn fn, void *arg,
    struct pst_error *err, const char *types, va_list ap)
{
	struct pst_value params[PARAMETERS];
	size_t n = take_parameters(params, types, ap);

	return account_rows_of(c, q, params, n, fn, arg, err);
}

enum pst_rc
account_run(struct account_conn *c, enum account_query q, struct pst_error *err,
    const char *types, ...)
{
	enum pst_rc rc;
	va_list ap;

	va_start(ap, types);
	rc = run(c, q, NULL, NULL, err, types, ap);
	va_end(ap);
	return rc;
}

enum pst_rc
account_rows(struct account_conn *c, enum account_query q, pst_record_fn fn,
    void *arg, struct pst_error *err, const char *types, ...)
{
	enum pst_rc rc;
	va_list ap;

	va_start(ap, types);
	rc = run(c, q, fn, arg, err, types, ap);
	va_end(ap);
	return rc;
}

void
account_value_text(const struct pst_value *v, char *to, size_t size)
{
	to[0] = '\0';
	if (v->type == PST_TEXT)
		(void)str_copy(to, size, v->octets);
}

size_t
account_value_blob(const struct pst_value *v, void *to, size_t size)
{
	if (v->type != PST_BLOB || v->octets.n > size)
		return 0;
	memcpy(to, v->octets.p, v->octets.n);
	return v->octets.n;
}

/* What the configuration says of a domain goes before the database. */
int64_t
account_flags_of(const struct account_user *user)
{
	int64_t flags = 0;

	if (user->app_only)
		flags |= ACCOUNT_FLAG_APP_ONLY;
	if (user->is_pending && !user->enabled)
		flags |= ACCOUNT_FLAG_PENDING;
	return flags;
}

bool
account_read_user(const struct pst_value *row, const struct account_settings *s,
    struct account_user *user_r)
{
	char domain[ACCOUNT_DOMAIN];
	const struct account_domain *configured;

	memset(user_r, 0, sizeof(*user_r));
	account_value_text(&row[0], user_r->address, sizeof(user_r->address));
	account_value_text(&row[1], user_r->name, sizeof(user_r->name));
	account_value_text(&row[2], user_r->storage, sizeof(user_r->storage));
	user_r->enabled = row[3].integer != 0;
	user_r->is_admin = row[4].integer != 0;
	user_r->quota_bytes = row[5].integer;
	user_r->quota_messages = row[6].integer;
	user_r->created = row[7].integer;
	user_r->on_hold = row[8].integer != 0;
	account_value_text(
	    &row[10], user_r->domain_storage, sizeof(user_r->domain_storage));
	account_value_text(&row[11], domain, sizeof(domain));
	user_r->forwarding = (enum account_forwarding)row[12].integer;
	user_r->is_pending = (row[13].integer & ACCOUNT_FLAG_PENDING) != 0;
	user_r->app_only = (row[13].integer & ACCOUNT_FLAG_APP_ONLY) != 0;
	configured = account_find_configured(s, domain);
	if (configured != NULL && configured->storage[0] != '\0')
		memcpy(user_r->domain_storage, configured->storage,
		    sizeof(user_r->domain_storage));
	return configured != NULL || row[9].type == PST_TEXT;
}
