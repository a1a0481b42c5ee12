/*
 * account/sqlite.c - the server's own database, an SQLite file: a small pool
 * of connections with prepared statements, the schema and its versions. It has
 * the form of a module's database (postern/database.h).
 *
 * WAL lets readers go on while one writes; synchronous=FULL makes a commit
 * durable. Writers of this process queue up on a mutex, those of others
 * (posternctl) on SQLite's lock, for which we wait.
 */
#include "account/private.h"

#include "base/log.h"
#include "base/str.h"
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	CONNECTIONS = 8,
	BUSY_MS = 10000,
	APPLICATION = 0x50737441, /* "PstA" in the file's header */
	STATEMENTS = Q_COUNT + 8,
	COLUMNS = 24,
};

struct pst_store {
	char *path;
	pthread_mutex_t lock; /* guards `idle` and `open` */
	pthread_cond_t freed;
	struct pst_conn *idle;
	unsigned open;
	pthread_mutex_t write; /* held during a transaction that writes */
};

/* One connection, with its prepared statements; belongs to who took it. */
struct pst_conn {
	struct pst_store *store;
	sqlite3 *db;
	struct {
		const char *sql;
		sqlite3_stmt *stmt;
	} statement[STATEMENTS];
	size_t statements;
	enum pst_database_mode mode;
	struct pst_conn *next;
	bool broken; /* is closed instead of given back */
};

/*
 * migrations[n] makes version n + 1 of version n. What is released is never
 * changed, only added to.
 */
static const char *const migrations[] = {
	"CREATE TABLE secret ("
	" id INTEGER PRIMARY KEY CHECK (id = 1), value BLOB NOT NULL);"
	"CREATE TABLE domain (name TEXT PRIMARY KEY) WITHOUT ROWID;"
	"CREATE TABLE user ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" address TEXT NOT NULL UNIQUE,"
	" domain TEXT NOT NULL,"
	" name TEXT NOT NULL DEFAULT '',"
	" storage TEXT NOT NULL DEFAULT '',"
	" enabled INTEGER NOT NULL DEFAULT 1,"
	" is_admin INTEGER NOT NULL DEFAULT 0,"
	" quota_bytes INTEGER NOT NULL DEFAULT -1,"
	" quota_messages INTEGER NOT NULL DEFAULT -1,"
	" created INTEGER NOT NULL,"
	" hash TEXT,"
	" scram_salt BLOB,"
	" scram_iterations INTEGER,"
	" scram_stored BLOB,"
	" scram_server BLOB);"
	"CREATE INDEX user_domain ON user (domain, address);"
	"CREATE INDEX user_admin ON user (id) WHERE is_admin;"
	"CREATE TABLE alias ("
	" address TEXT NOT NULL,"
	" target TEXT NOT NULL,"
	" domain TEXT NOT NULL,"
	" PRIMARY KEY (address, target)) WITHOUT ROWID;"
	"CREATE INDEX alias_domain ON alias (domain, address, target);"
	"CREATE INDEX alias_target ON alias (target);",

	"CREATE TABLE share ("
	" grantee TEXT NOT NULL,"
	" owner TEXT NOT NULL,"
	" PRIMARY KEY (grantee, owner)) WITHOUT ROWID;"
	"CREATE INDEX share_owner ON share (owner);",
	"ALTER TABLE user ADD COLUMN on_hold INTEGER NOT NULL DEFAULT 0;",
	/* The names that a module's database has as well. */
	"ALTER TABLE secret RENAME TO account_secret;"
	"ALTER TABLE domain RENAME TO account_domain;"
	"ALTER TABLE user RENAME TO account_user;"
	"ALTER TABLE alias RENAME TO account_alias;"
	"ALTER TABLE share RENAME TO account_share;"
	"ALTER TABLE account_domain ADD COLUMN storage TEXT NOT NULL"
	" DEFAULT '';"
	"DROP INDEX user_admin;"
	"CREATE INDEX user_admin ON account_user (id) WHERE is_admin <> 0;",
	/* Users who forward their mail. */
	"ALTER TABLE account_user"
	" ADD COLUMN forwarding INTEGER NOT NULL DEFAULT 0;"
	"CREATE TABLE account_forward ("
	" address TEXT NOT NULL,"
	" target TEXT NOT NULL,"
	" domain TEXT NOT NULL,"
	" PRIMARY KEY (address, target)) WITHOUT ROWID;"
	"CREATE INDEX account_forward_domain"
	" ON account_forward (domain, address, target);"
	"CREATE INDEX account_forward_target ON account_forward (target);",
	/* What users prove themselves with besides their password. */
	"ALTER TABLE account_user ADD COLUMN flags INTEGER NOT NULL DEFAULT 0;"
	"CREATE TABLE account_credential ("
	" address TEXT NOT NULL,"
	" kind TEXT NOT NULL,"
	" id TEXT NOT NULL,"
	" name TEXT NOT NULL DEFAULT '',"
	" value TEXT NOT NULL,"
	" scopes INTEGER NOT NULL DEFAULT 0,"
	" created INTEGER NOT NULL,"
	" used INTEGER NOT NULL DEFAULT 0,"
	" expires INTEGER NOT NULL DEFAULT 0,"
	" uses INTEGER NOT NULL DEFAULT 0,"
	" PRIMARY KEY (address, kind, id)) WITHOUT ROWID;"
	"CREATE INDEX account_credential_id ON account_credential (kind, id);",
};

enum { NEWEST = sizeof(migrations) / sizeof(migrations[0]) };

static const char begin_read[] = "BEGIN", begin_write[] = "BEGIN IMMEDIATE",
		  commit_all[] = "COMMIT", rollback_all[] = "ROLLBACK";

/* --- one connection ------------------------------------------------------- */

static enum pst_rc
fail(struct pst_conn *c, struct pst_error *err)
{
	int code = sqlite3_extended_errcode(c->db);
	enum pst_rc rc = PST_E_TEMP;

	switch (code & 0xff) {
	case SQLITE_CONSTRAINT:
		rc = PST_E_EXISTS;
		break;
	case SQLITE_FULL:
		rc = PST_E_NOSPACE;
		break;
	case SQLITE_READONLY:
		rc = PST_E_READONLY;
		c->broken = true;
		break;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		break;
	default:
		/* After an error of the disk a new connection has the better
		 * chance. */
		c->broken = true;
		break;
	}
	return pst_fail(err, rc, sqlite3_system_errno(c->db), "accounts: %s",
	    sqlite3_errmsg(c->db));
}

static void
conn_close(struct pst_conn *c)
{
	for (size_t i = 0; i < c->statements; i++)
		(void)sqlite3_finalize(c->statement[i].stmt);
	(void)sqlite3_close(c->db);
	free(c);
}

static struct pst_conn *
conn_open(struct pst_store *store, struct pst_error *err)
{
	/* A hash that was replaced shall not stay in free pages. */
	static const char settings[] =
	    "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;"
	    "PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = ON;";
	struct pst_conn *c = mem_alloc(sizeof(*c));

	c->store = store;
	if (sqlite3_open_v2(store->path, &c->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
		NULL) != SQLITE_OK ||
	    sqlite3_extended_result_codes(c->db, 1) != SQLITE_OK ||
	    sqlite3_busy_timeout(c->db, BUSY_MS) != SQLITE_OK ||
	    sqlite3_exec(c->db, settings, NULL, NULL, NULL) != SQLITE_OK) {
		int code = c->db != NULL ? sqlite3_system_errno(c->db) : ENOMEM;

		(void)pst_fail(err, PST_E_TEMP, code, "%s: %s", store->path,
		    c->db != NULL ? sqlite3_errmsg(c->db) : "out of memory");
		conn_close(c);
		return NULL;
	}
	return c;
}

/* --- statements ----------------------------------------------------------- */

static sqlite3_stmt *
prepare(struct pst_conn *c, const char *sql, struct pst_error *err)
{
	sqlite3_stmt *stmt = NULL;

	for (size_t i = 0; i < c->statements; i++) {
		if (c->statement[i].sql == sql)
			return c->statement[i].stmt;
	}
	if (c->statements == STATEMENTS) {
		(void)pst_fail(err, PST_E_TEMP, 0,
		    "accounts: more than %d different statements", STATEMENTS);
		return NULL;
	}
	if (sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt,
		NULL) != SQLITE_OK) {
		(void)fail(c, err);
		return NULL;
	}
	c->statement[c->statements].sql = sql;
	c->statement[c->statements++].stmt = stmt;
	return stmt;
}

/* To SQLite $2 is a name; its number is where it first stands. */
static bool
bind(sqlite3_stmt *stmt, size_t i, const struct pst_value *v)
{
	char name[24];
	int at, code = SQLITE_OK;

	(void)snprintf(name, sizeof(name), "$%zu", i + 1);
	at = sqlite3_bind_parameter_index(stmt, name);
	switch (v->type) {
	case PST_NULL:
		code = sqlite3_bind_null(stmt, at);
		break;
	case PST_INTEGER:
		code = sqlite3_bind_int64(stmt, at, v->integer);
		break;
	case PST_TEXT:
		code = sqlite3_bind_text64(stmt, at, v->octets.p, v->octets.n,
		    SQLITE_STATIC, SQLITE_UTF8);
		break;
	case PST_BLOB:
		code = sqlite3_bind_blob64(
		    stmt, at, v->octets.p, v->octets.n, SQLITE_STATIC);
		break;
	}
	return code == SQLITE_OK;
}

static struct pst_value
column(sqlite3_stmt *stmt, int i)
{
	const char *p;

	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_INTEGER:
		return pst_integer(sqlite3_column_int64(stmt, i));
	case SQLITE_BLOB:
		p = sqlite3_column_blob(stmt, i);
		return pst_blob(
		    p != NULL ? p : "", (size_t)sqlite3_column_bytes(stmt, i));
	case SQLITE_NULL:
		return pst_null();
	default:
		p = (const char *)sqlite3_column_text(stmt, i);
		if (p == NULL)
			return pst_null();
		return (struct pst_value){ .type = PST_TEXT,
			.octets = {
			    p, (size_t)sqlite3_column_bytes(stmt, i) } };
	}
}

static enum pst_rc
step_all(struct pst_conn *c, sqlite3_stmt *stmt, pst_record_fn fn, void *arg,
    struct pst_error *err)
{
	struct pst_value row[COLUMNS];
	int code;

	while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
		int n = sqlite3_column_count(stmt);

		if (n > COLUMNS)
			n = COLUMNS;
		for (int i = 0; i < n; i++)
			row[i] = column(stmt, i);
		if (fn != NULL)
			fn(arg, row, (size_t)n);
	}
	return code == SQLITE_DONE ? PST_OK : fail(c, err);
}

static enum pst_rc
sqlite_run(struct pst_conn *c, const char *sql, const struct pst_value *params,
    size_t n, pst_record_fn fn, void *arg, uint64_t *changed_r,
    struct pst_error *err)
{
	sqlite3_stmt *stmt = prepare(c, sql, err);
	enum pst_rc rc = PST_OK;

	if (changed_r != NULL)
		*changed_r = 0;
	if (stmt == NULL)
		return PST_E_TEMP;
	for (size_t i = 0; i < n && rc == PST_OK; i++)
		if (!bind(stmt, i, &params[i]))
			rc = fail(c, err);
	if (rc == PST_OK)
		rc = step_all(c, stmt, fn, arg, err);
	if (rc == PST_OK && changed_r != NULL && !sqlite3_stmt_readonly(stmt))
		*changed_r = (uint64_t)sqlite3_changes(c->db);
	(void)sqlite3_reset(stmt);
	(void)sqlite3_clear_bindings(stmt);
	return rc;
}

static enum pst_rc
sqlite_script(struct pst_conn *c, const char *sql, struct pst_error *err)
{
	if (sqlite3_exec(c->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return fail(c, err);
	return PST_OK;
}

static enum pst_rc
run_plain(struct pst_conn *c, const char *sql, struct pst_error *err)
{
	return sqlite_run(c, sql, NULL, 0, NULL, NULL, NULL, err);
}

/* --- the pool ------------------------------------------------------------- */

static struct pst_conn *
take(struct pst_store *s, struct pst_error *err)
{
	struct pst_conn *c;

	(void)pthread_mutex_lock(&s->lock);
	while (s->idle == NULL && s->open >= CONNECTIONS)
		(void)pthread_cond_wait(&s->freed, &s->lock);
	c = s->idle;
	if (c != NULL)
		s->idle = c->next;
	else
		s->open++;
	(void)pthread_mutex_unlock(&s->lock);
	if (c != NULL)
		return c;
	c = conn_open(s, err);
	if (c == NULL) {
		(void)pthread_mutex_lock(&s->lock);
		s->open--;
		(void)pthread_cond_signal(&s->freed);
		(void)pthread_mutex_unlock(&s->lock);
	}
	return c;
}

static void
give(struct pst_store *s, struct pst_conn *c)
{
	/* Whoever takes it next must not find it in somebody's transaction. */
	bool broken = c->broken || sqlite3_get_autocommit(c->db) == 0;

	if (broken)
		conn_close(c);
	(void)pthread_mutex_lock(&s->lock);
	if (broken) {
		s->open--;
	} else {
		c->next = s->idle;
		s->idle = c;
	}
	(void)pthread_cond_signal(&s->freed);
	(void)pthread_mutex_unlock(&s->lock);
}

static bool
is_writer(enum pst_database_mode mode)
{
	return mode == PST_DB_WRITE || mode == PST_DB_DEFINE;
}

static enum pst_rc
sqlite_begin(struct pst_store *s, enum pst_database_mode mode,
    struct pst_conn **conn_r, struct pst_error *err)
{
	struct pst_conn *c;
	enum pst_rc rc = PST_OK;

	*conn_r = NULL;
	if (is_writer(mode))
		(void)pthread_mutex_lock(&s->write);
	c = take(s, err);
	if (c == NULL) {
		rc = PST_E_TEMP;
	} else {
		c->mode = mode;
		if (mode != PST_DB_SINGLE)
			rc = run_plain(c,
			    mode == PST_DB_READ ? begin_read : begin_write,
			    err);
	}
	if (rc == PST_OK) {
		*conn_r = c;
		return PST_OK;
	}
	if (c != NULL)
		give(s, c);
	if (is_writer(mode))
		(void)pthread_mutex_unlock(&s->write);
	return rc;
}

static enum pst_rc
sqlite_end(struct pst_conn *c, bool commit, struct pst_error *err)
{
	struct pst_store *s = c->store;
	enum pst_database_mode mode = c->mode;
	enum pst_rc rc = PST_OK;

	if (mode != PST_DB_SINGLE && commit)
		rc = run_plain(c, commit_all, err);
	/* SQLite rolls back by itself after some errors. */
	if (sqlite3_get_autocommit(c->db) == 0)
		(void)run_plain(c, rollback_all, NULL);
	give(s, c);
	if (is_writer(mode))
		(void)pthread_mutex_unlock(&s->write);
	return rc;
}

static const struct pst_database_ops sqlite_ops = {
	.size = sizeof(sqlite_ops),
	.begin = sqlite_begin,
	.run = sqlite_run,
	.script = sqlite_script,
	.end = sqlite_end,
};

/* --- opening ---------------------------------------------------------------
 */

/*
 * Made by ourselves so that it is never readable for others; SQLite gives the
 * files beside it the same mode. When root makes it (posternctl, or posternd
 * before it gives up its rights), it belongs to whom the server runs as.
 */
static enum pst_rc
create_file(const char *path, const char *owner, struct pst_error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	    S_IRUSR | S_IWUSR);
	struct passwd entry, *found = NULL;
	char text[4096];

	if (fd < 0 && errno == EEXIST)
		return PST_OK;
	if (fd < 0)
		return pst_fail(err, PST_E_TEMP, errno,
		    "%s: cannot be made: %s", path, strerror(errno));
	if (geteuid() == 0 && owner != NULL && owner[0] != '\0' &&
	    getpwnam_r(owner, &entry, text, sizeof(text), &found) == 0 &&
	    found != NULL && fchown(fd, entry.pw_uid, entry.pw_gid) < 0)
		log_text(PST_LOG_WARNING, 0, "accounts",
		    "%s cannot be given to %s", path, owner);
	(void)close(fd);
	return PST_OK;
}

static void
copy_text(sqlite3_stmt *stmt, char *to, size_t size)
{
	const unsigned char *text = sqlite3_column_text(stmt, 0);

	(void)snprintf(to, size, "%s", text != NULL ? (const char *)text : "");
}

static bool
pragma(struct pst_conn *c, const char *sql, int64_t *number_r, char *text_r,
    size_t size)
{
	sqlite3_stmt *stmt = NULL;
	bool good = sqlite3_prepare_v2(c->db, sql, -1, &stmt, NULL) ==
			SQLITE_OK &&
		    sqlite3_step(stmt) == SQLITE_ROW;

	if (good && number_r != NULL)
		*number_r = sqlite3_column_int64(stmt, 0);
	if (good && text_r != NULL)
		copy_text(stmt, text_r, size);
	(void)sqlite3_finalize(stmt);
	return good;
}

/* Is it ours, and not of a newer version? Changes nothing. */
static enum pst_rc
check_file(struct pst_conn *c, const char *path, int64_t *version_r,
    struct pst_error *err)
{
	int64_t application = 0, tables = 0;

	if (!pragma(c, "PRAGMA user_version", version_r, NULL, 0) ||
	    !pragma(c, "PRAGMA application_id", &application, NULL, 0) ||
	    !pragma(c, "SELECT count(*) FROM sqlite_schema", &tables, NULL, 0))
		return pst_fail(err, PST_E_TEMP, sqlite3_system_errno(c->db),
		    "%s: %s", path, sqlite3_errmsg(c->db));
	if (application != APPLICATION &&
	    (application != 0 || *version_r != 0 || tables != 0))
		return pst_fail(err, PST_E_PERM, 0,
		    "%s: is a database, but not one of accounts", path);
	if (*version_r < 0 || *version_r > NEWEST)
		return pst_fail(err, PST_E_PERM, 0,
		    "%s: was written by a newer version (schema %lld; this one "
		    "knows %d); install that version or restore a backup",
		    path, (long long)*version_r, NEWEST);
	return PST_OK;
}

/* Two who change the mode at once may both be refused, without waiting. */
static bool
switch_to_wal(struct pst_conn *c)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	char mode[16] = "";

	for (int i = 0; i < 250; i++) {
		if (pragma(c, "PRAGMA journal_mode = WAL", NULL, mode,
			sizeof(mode)) &&
		    strcmp(mode, "wal") == 0)
			return true;
		if ((sqlite3_errcode(c->db) & 0xff) != SQLITE_BUSY)
			return false;
		(void)nanosleep(&pause, NULL);
	}
	return false;
}

static enum pst_rc
migrate(struct pst_conn *c, const char *path, struct pst_error *err)
{
	int64_t version = 0;
	char sql[96];
	enum pst_rc rc = check_file(c, path, &version, err);

	for (; rc == PST_OK && version < NEWEST; version++) {
		(void)snprintf(sql, sizeof(sql),
		    "PRAGMA application_id = %d; PRAGMA user_version = %d;",
		    APPLICATION, (int)version + 1);
		if (sqlite3_exec(c->db, migrations[version], NULL, NULL,
			NULL) != SQLITE_OK ||
		    sqlite3_exec(c->db, sql, NULL, NULL, NULL) != SQLITE_OK)
			rc = fail(c, err);
	}
	return rc;
}

static enum pst_rc
prepare_file(struct pst_store *s, struct pst_error *err)
{
	int64_t version = 0;
	struct pst_conn *c;
	enum pst_rc rc = sqlite_begin(s, PST_DB_SINGLE, &c, err);

	if (rc != PST_OK)
		return rc;
	rc = check_file(c, s->path, &version, err);
	if (rc == PST_OK && !switch_to_wal(c))
		rc = pst_fail(err, PST_E_TEMP, sqlite3_system_errno(c->db),
		    "%s: no write-ahead log: %s", s->path,
		    sqlite3_errmsg(c->db));
	(void)sqlite_end(c, false, NULL);
	if (rc != PST_OK || version == NEWEST)
		return rc;
	rc = sqlite_begin(s, PST_DB_WRITE, &c, err);
	if (rc != PST_OK)
		return rc;
	/* Looks again: another process may have done it meanwhile. */
	rc = migrate(c, s->path, err);
	if (rc == PST_OK)
		return sqlite_end(c, true, err);
	(void)sqlite_end(c, false, NULL);
	return rc;
}

enum pst_rc
account_sqlite_open(const char *path, const char *owner,
    struct pst_database *db_r, struct pst_error *err)
{
	struct pst_store *s = mem_alloc(sizeof(*s));
	enum pst_rc rc;

	s->path = str_dup(str_of(path));
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_mutex_init(&s->write, NULL);
	(void)pthread_cond_init(&s->freed, NULL);
	*db_r = (struct pst_database){ .ops = &sqlite_ops, .store = s };
	rc = create_file(path, owner, err);
	if (rc == PST_OK)
		rc = prepare_file(s, err);
	if (rc != PST_OK)
		account_sqlite_close(db_r);
	return rc;
}

void
account_sqlite_close(struct pst_database *db)
{
	struct pst_store *s = db->store;

	if (s == NULL)
		return;
	while (s->idle != NULL) {
		struct pst_conn *c = s->idle;

		s->idle = c->next;
		conn_close(c);
	}
	(void)pthread_cond_destroy(&s->freed);
	(void)pthread_mutex_destroy(&s->write);
	(void)pthread_mutex_destroy(&s->lock);
	free(s->path);
	free(s);
	*db = (struct pst_database){ .ops = NULL };
}
