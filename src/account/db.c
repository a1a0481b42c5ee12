/*
 * account/db.c - the SQLite file: a small pool of connections with prepared
 * statements, the schema and its versions.
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
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	CONNECTIONS = 8,
	BUSY_MS = 10000,
	APPLICATION = 0x50737441, /* "PstA" in the file's header */
};

struct account_db {
	char *path;
	pthread_mutex_t lock; /* guards `idle` and `open` */
	pthread_cond_t freed;
	struct account_conn *idle;
	unsigned open;
	pthread_mutex_t write; /* held during a transaction that writes */
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
};

enum { NEWEST = sizeof(migrations) / sizeof(migrations[0]) };

#define USER_COLUMNS                                               \
	"address, name, storage, enabled, is_admin, quota_bytes, " \
	"quota_messages, created, on_hold"

static const char *const queries[Q_COUNT] = {
	[Q_BEGIN_READ] = "BEGIN",
	[Q_BEGIN_WRITE] = "BEGIN IMMEDIATE",
	[Q_COMMIT] = "COMMIT",
	[Q_ROLLBACK] = "ROLLBACK",
	[Q_SECRET_GET] = "SELECT value FROM secret",
	[Q_SECRET_PUT] = "INSERT INTO secret (id, value) VALUES (1, ?1)",
	[Q_USER] = "SELECT " USER_COLUMNS " FROM user WHERE address = ?1",
	[Q_USER_ADD] = "INSERT INTO user (" USER_COLUMNS ", domain, hash,"
		       " scram_salt, scram_iterations, scram_stored,"
		       " scram_server) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
		       " ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
	[Q_USER_UPDATE] = "UPDATE user SET name = ?2, storage = ?3,"
			  " enabled = ?4, is_admin = ?5, quota_bytes = ?6,"
			  " quota_messages = ?7, on_hold = ?8"
			  " WHERE address = ?1",
	[Q_USER_PASSWORD] =
	    "UPDATE user SET hash = ?2, scram_salt = ?3,"
	    " scram_iterations = ?4, scram_stored = ?5, scram_server = ?6"
	    " WHERE address = ?1",
	[Q_USER_DELETE] = "DELETE FROM user WHERE address = ?1",
	[Q_USERS] = "SELECT " USER_COLUMNS " FROM user WHERE address > ?1"
		    " ORDER BY address LIMIT ?2",
	[Q_USERS_OF_DOMAIN] = "SELECT " USER_COLUMNS
			      " FROM user WHERE domain = ?3"
			      " AND address > ?1 ORDER BY address LIMIT ?2",
	[Q_USER_IN_DOMAIN] = "SELECT 1 FROM user WHERE domain = ?1 LIMIT 1",
	[Q_FIRST_ADMIN] = "SELECT " USER_COLUMNS " FROM user WHERE is_admin"
			  " ORDER BY id LIMIT 1",
	[Q_CREDENTIALS] = "SELECT enabled, hash, scram_salt, scram_iterations,"
			  " scram_stored, scram_server FROM user"
			  " WHERE address = ?1",
	/* Of some user that is fixed for each ?1, 0 to 65535. */
	[Q_ITERATIONS] =
	    "SELECT scram_iterations FROM user WHERE scram_iterations > 0"
	    " AND id >= (SELECT max(id) FROM user) * ?1 / 65536"
	    " ORDER BY id LIMIT 1",
	[Q_ALIAS_TARGETS] =
	    "SELECT target FROM alias WHERE address = ?1 ORDER BY target",
	[Q_ALIAS_ADD] =
	    "INSERT INTO alias (address, target, domain) VALUES (?1, ?2, ?3)",
	[Q_ALIAS_DELETE] =
	    "DELETE FROM alias WHERE address = ?1 AND target = ?2",
	[Q_ALIAS_DELETE_ALL] = "DELETE FROM alias WHERE address = ?1",
	[Q_ALIAS_DELETE_TARGET] = "DELETE FROM alias WHERE target = ?1",
	[Q_ALIAS_DELETE_DOMAIN] = "DELETE FROM alias WHERE domain = ?1",
	[Q_ALIASES] = "SELECT address, target FROM alias"
		      " WHERE (address, target) > (?1, ?2)"
		      " ORDER BY address, target LIMIT ?3",
	[Q_ALIASES_OF_DOMAIN] =
	    "SELECT address, target FROM alias WHERE domain = ?4"
	    " AND (address, target) > (?1, ?2)"
	    " ORDER BY address, target LIMIT ?3",
	[Q_DOMAIN] = "SELECT 1 FROM domain WHERE name = ?1",
	[Q_DOMAIN_ADD] = "INSERT INTO domain (name) VALUES (?1)",
	[Q_DOMAIN_DELETE] = "DELETE FROM domain WHERE name = ?1",
	[Q_DOMAINS] = ("SELECT name FROM domain WHERE name > ?1"
		       " ORDER BY name LIMIT ?2"),
	[Q_SHARE_ADD] =
	    "INSERT OR IGNORE INTO share (grantee, owner) VALUES (?1, ?2)",
	[Q_SHARE_REMOVE] =
	    "DELETE FROM share WHERE grantee = ?1 AND owner = ?2",
	[Q_SHARE] = "SELECT 1 FROM share WHERE owner = ?2"
		    " AND grantee IN (?1, 'anyone') LIMIT 1",
	[Q_SHARES] = "SELECT DISTINCT owner FROM share"
		     " WHERE grantee IN (?1, 'anyone') AND owner > ?2"
		     " ORDER BY owner LIMIT ?3",
	[Q_SHARES_ONLY] = "SELECT owner FROM share WHERE grantee = ?1"
			  " AND owner > ?2 ORDER BY owner LIMIT ?3",
	[Q_SHARE_FORGET_OWNER] = "DELETE FROM share WHERE owner = ?1",
	[Q_SHARE_FORGET_USER] =
	    "DELETE FROM share WHERE owner = ?1 OR grantee = ?1",
};

/* --- one connection ------------------------------------------------------- */

enum pst_rc
account_db_fail(struct account_conn *c, struct pst_error *err)
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
conn_close(struct account_conn *c)
{
	for (size_t i = 0; i < Q_COUNT; i++)
		(void)sqlite3_finalize(c->stmt[i]);
	(void)sqlite3_close(c->db);
	free(c);
}

static struct account_conn *
conn_open(const char *path, struct pst_error *err)
{
	/* A hash that was replaced shall not stay in free pages. */
	static const char settings[] =
	    "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;"
	    "PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = ON;";
	struct account_conn *c = mem_alloc(sizeof(*c));

	if (sqlite3_open_v2(path, &c->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
		NULL) != SQLITE_OK ||
	    sqlite3_extended_result_codes(c->db, 1) != SQLITE_OK ||
	    sqlite3_busy_timeout(c->db, BUSY_MS) != SQLITE_OK ||
	    sqlite3_exec(c->db, settings, NULL, NULL, NULL) != SQLITE_OK) {
		int code = c->db != NULL ? sqlite3_system_errno(c->db) : ENOMEM;

		(void)pst_fail(err, PST_E_TEMP, code, "%s: %s", path,
		    c->db != NULL ? sqlite3_errmsg(c->db) : "out of memory");
		conn_close(c);
		return NULL;
	}
	return c;
}

static bool
bind_all(sqlite3_stmt *stmt, const char *types, va_list ap)
{
	int code = SQLITE_OK;

	for (int i = 1; *types != '\0' && code == SQLITE_OK; types++, i++) {
		if (*types == 'i') {
			code = sqlite3_bind_int64(stmt, i, va_arg(ap, int64_t));
		} else if (*types == 't') {
			code = sqlite3_bind_text(
			    stmt, i, va_arg(ap, const char *), -1, NULL);
		} else {
			const void *p = va_arg(ap, const void *);
			size_t n = va_arg(ap, size_t);

			code = sqlite3_bind_blob64(stmt, i, p, n, NULL);
		}
	}
	return code == SQLITE_OK;
}

static sqlite3_stmt *
query_v(struct account_conn *c, enum account_query q, struct pst_error *err,
    const char *types, va_list ap)
{
	sqlite3_stmt **stmt = &c->stmt[q];

	if (*stmt == NULL &&
	    sqlite3_prepare_v3(c->db, queries[q], -1, SQLITE_PREPARE_PERSISTENT,
		stmt, NULL) != SQLITE_OK) {
		(void)account_db_fail(c, err);
		return NULL;
	}
	if (!bind_all(*stmt, types, ap)) {
		(void)account_db_fail(c, err);
		(void)sqlite3_clear_bindings(*stmt);
		return NULL;
	}
	return *stmt;
}

sqlite3_stmt *
account_query(struct account_conn *c, enum account_query q,
    struct pst_error *err, const char *types, ...)
{
	sqlite3_stmt *stmt;
	va_list ap;

	va_start(ap, types);
	stmt = query_v(c, q, err, types, ap);
	va_end(ap);
	return stmt;
}

enum pst_rc
account_query_row(
    struct account_conn *c, sqlite3_stmt *stmt, struct pst_error *err)
{
	if (stmt == NULL)
		return PST_E_TEMP; /* account_query() told why */
	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW:
		return PST_OK;
	case SQLITE_DONE:
		return PST_E_NOTFOUND;
	default:
		return account_db_fail(c, err);
	}
}

void
account_query_done(sqlite3_stmt **stmt)
{
	if (*stmt == NULL)
		return;
	(void)sqlite3_reset(*stmt);
	(void)sqlite3_clear_bindings(*stmt);
	*stmt = NULL;
}

enum pst_rc
account_run(struct account_conn *c, enum account_query q, struct pst_error *err,
    const char *types, ...)
{
	sqlite3_stmt *stmt;
	enum pst_rc rc;
	va_list ap;

	va_start(ap, types);
	stmt = query_v(c, q, err, types, ap);
	va_end(ap);
	rc = account_query_row(c, stmt, err);
	if (rc == PST_E_NOTFOUND && sqlite3_changes(c->db) > 0)
		rc = PST_OK;
	account_query_done(&stmt);
	return rc;
}

/* A statement of transactions: sqlite3_changes() tells nothing of it. */
static enum pst_rc
run_plain(struct account_conn *c, enum account_query q, struct pst_error *err)
{
	sqlite3_stmt *stmt = account_query(c, q, err, "");
	enum pst_rc rc = account_query_row(c, stmt, err);

	account_query_done(&stmt);
	return rc == PST_E_NOTFOUND ? PST_OK : rc;
}

enum pst_rc
account_ask(struct account_conn *c, enum account_query q, const char *key,
    struct pst_error *err)
{
	sqlite3_stmt *stmt = account_query(c, q, err, "t", key);
	enum pst_rc rc = account_query_row(c, stmt, err);

	account_query_done(&stmt);
	return rc;
}

void
account_column_text(sqlite3_stmt *stmt, int column, char *to, size_t size)
{
	const unsigned char *text = sqlite3_column_text(stmt, column);

	to[0] = '\0';
	if (text != NULL)
		(void)str_copy(to, size, str_of((const char *)text));
}

void
account_read_user(sqlite3_stmt *stmt, struct account_user *user_r)
{
	memset(user_r, 0, sizeof(*user_r));
	account_column_text(stmt, 0, user_r->address, sizeof(user_r->address));
	account_column_text(stmt, 1, user_r->name, sizeof(user_r->name));
	account_column_text(stmt, 2, user_r->storage, sizeof(user_r->storage));
	user_r->enabled = sqlite3_column_int(stmt, 3) != 0;
	user_r->is_admin = sqlite3_column_int(stmt, 4) != 0;
	user_r->quota_bytes = sqlite3_column_int64(stmt, 5);
	user_r->quota_messages = sqlite3_column_int64(stmt, 6);
	user_r->created = sqlite3_column_int64(stmt, 7);
	user_r->on_hold = sqlite3_column_int(stmt, 8) != 0;
}

/* --- the pool ------------------------------------------------------------- */

struct account_conn *
account_db_take(struct account_db *db, struct pst_error *err)
{
	struct account_conn *c;

	(void)pthread_mutex_lock(&db->lock);
	while (db->idle == NULL && db->open >= CONNECTIONS)
		(void)pthread_cond_wait(&db->freed, &db->lock);
	c = db->idle;
	if (c != NULL)
		db->idle = c->next;
	else
		db->open++;
	(void)pthread_mutex_unlock(&db->lock);
	if (c != NULL)
		return c;
	c = conn_open(db->path, err);
	if (c == NULL) {
		(void)pthread_mutex_lock(&db->lock);
		db->open--;
		(void)pthread_cond_signal(&db->freed);
		(void)pthread_mutex_unlock(&db->lock);
	}
	return c;
}

void
account_db_give(struct account_db *db, struct account_conn **c)
{
	struct account_conn *given = *c;
	bool broken;

	*c = NULL;
	if (given == NULL)
		return;
	/* Whoever takes it next must not find it in somebody's transaction. */
	broken = given->broken || sqlite3_get_autocommit(given->db) == 0;
	if (broken)
		conn_close(given);
	(void)pthread_mutex_lock(&db->lock);
	if (broken) {
		db->open--;
	} else {
		given->next = db->idle;
		db->idle = given;
	}
	(void)pthread_cond_signal(&db->freed);
	(void)pthread_mutex_unlock(&db->lock);
}

struct account_conn *
account_db_read(struct account_db *db, struct pst_error *err)
{
	struct account_conn *c = account_db_take(db, err);

	if (c != NULL && run_plain(c, Q_BEGIN_READ, err) != PST_OK)
		account_db_give(db, &c);
	return c;
}

void
account_db_read_done(struct account_db *db, struct account_conn **c)
{
	if (*c != NULL)
		(void)run_plain(*c, Q_COMMIT, NULL);
	account_db_give(db, c);
}

struct account_conn *
account_db_write(struct account_db *db, struct pst_error *err)
{
	struct account_conn *c;

	(void)pthread_mutex_lock(&db->write);
	c = account_db_take(db, err);
	if (c != NULL && run_plain(c, Q_BEGIN_WRITE, err) != PST_OK)
		account_db_give(db, &c);
	if (c == NULL)
		(void)pthread_mutex_unlock(&db->write);
	return c;
}

enum pst_rc
account_db_write_done(struct account_db *db, struct account_conn **c,
    enum pst_rc rc, struct pst_error *err)
{
	if (rc == PST_OK)
		rc = run_plain(*c, Q_COMMIT, err);
	/* SQLite rolls back by itself after some errors. */
	if (sqlite3_get_autocommit((*c)->db) == 0)
		(void)run_plain(*c, Q_ROLLBACK, NULL);
	account_db_give(db, c);
	(void)pthread_mutex_unlock(&db->write);
	return rc;
}

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

static bool
pragma(struct account_conn *c, const char *sql, int64_t *number_r, char *text_r,
    size_t size)
{
	sqlite3_stmt *stmt = NULL;
	bool good = sqlite3_prepare_v2(c->db, sql, -1, &stmt, NULL) ==
			SQLITE_OK &&
		    sqlite3_step(stmt) == SQLITE_ROW;

	if (good && number_r != NULL)
		*number_r = sqlite3_column_int64(stmt, 0);
	if (good && text_r != NULL)
		account_column_text(stmt, 0, text_r, size);
	(void)sqlite3_finalize(stmt);
	return good;
}

/* Is it ours, and not of a newer version? Changes nothing. */
static enum pst_rc
check_file(struct account_conn *c, const char *path, int64_t *version_r,
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
switch_to_wal(struct account_conn *c)
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
migrate(struct account_conn *c, const char *path, struct pst_error *err)
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
			rc = account_db_fail(c, err);
	}
	return rc;
}

static enum pst_rc
prepare_file(struct account_db *db, struct pst_error *err)
{
	int64_t version = 0;
	struct account_conn *c = account_db_take(db, err);
	enum pst_rc rc;

	if (c == NULL)
		return PST_E_TEMP;
	rc = check_file(c, db->path, &version, err);
	if (rc == PST_OK && !switch_to_wal(c))
		rc = pst_fail(err, PST_E_TEMP, sqlite3_system_errno(c->db),
		    "%s: no write-ahead log: %s", db->path,
		    sqlite3_errmsg(c->db));
	account_db_give(db, &c);
	if (rc != PST_OK || version == NEWEST)
		return rc;
	c = account_db_write(db, err);
	if (c == NULL)
		return PST_E_TEMP;
	/* Looks again: another process may have done it meanwhile. */
	rc = migrate(c, db->path, err);
	return account_db_write_done(db, &c, rc, err);
}

struct account_db *
account_db_open(const char *path, const char *owner, struct pst_error *err)
{
	struct account_db *db = mem_alloc(sizeof(*db));

	db->path = str_dup(str_of(path));
	(void)pthread_mutex_init(&db->lock, NULL);
	(void)pthread_mutex_init(&db->write, NULL);
	(void)pthread_cond_init(&db->freed, NULL);
	if (create_file(path, owner, err) != PST_OK ||
	    prepare_file(db, err) != PST_OK)
		account_db_close(&db);
	return db;
}

void
account_db_close(struct account_db **db)
{
	if (*db == NULL)
		return;
	while ((*db)->idle != NULL) {
		struct account_conn *c = (*db)->idle;

		(*db)->idle = c->next;
		conn_close(c);
	}
	(void)pthread_cond_destroy(&(*db)->freed);
	(void)pthread_mutex_destroy(&(*db)->write);
	(void)pthread_mutex_destroy(&(*db)->lock);
	free((*db)->path);
	free(*db);
	*db = NULL;
}
