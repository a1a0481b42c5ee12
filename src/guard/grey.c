/*
 * guard/grey.c - two tables: what was seen of whom, and networks from which so
 * much came again that nobody there has to wait.
 */
#include "guard/grey.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "guard/table.h"
#include <gnutls/crypto.h>
#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	FORMAT = 1,
	KEY_SIZE = 16,
	TIDY_EVERY = 500,    /* new entries */
	TIDY_AT_ONCE = 2000, /* that are removed */
	TOUCH_AFTER = 3600,  /* seconds, before a use is written down again */
};

enum statement {
	FIND,
	ADD,
	AGAIN,
	PASS,
	TOUCH,
	FIND_NETWORK,
	PASS_NETWORK,
	TOUCH_NETWORK,
	OLD_WAITING,
	OLD_PASSED,
	OLD_NETWORKS,
	TOO_MANY,
	COUNT,
	STATEMENTS
};

static const char tables[] =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = NORMAL;"
    "CREATE TABLE IF NOT EXISTS seen("
    " key BLOB PRIMARY KEY, passed INTEGER NOT NULL, first INTEGER NOT NULL,"
    " last INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS seen_last ON seen(passed, last);"
    "CREATE TABLE IF NOT EXISTS network("
    " key BLOB PRIMARY KEY, passes INTEGER NOT NULL, last INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "PRAGMA user_version = 1;";
/* It is a cache: one of another version is made anew. */
static const char no_tables[] = "DROP TABLE IF EXISTS seen;"
				"DROP TABLE IF EXISTS network;";

static const char *const sql[STATEMENTS] = {
	[FIND] = "SELECT passed, first, last FROM seen WHERE key = ?1",
	[ADD] = "INSERT OR REPLACE INTO seen VALUES(?1, 0, ?2, ?2)",
	[AGAIN] = "UPDATE seen SET passed = 0, first = ?2, last = ?2 "
		  "WHERE key = ?1",
	[PASS] = "UPDATE seen SET passed = 1, last = ?2 WHERE key = ?1",
	[TOUCH] = "UPDATE seen SET last = ?2 WHERE key = ?1",
	[FIND_NETWORK] = "SELECT passes, 0, last FROM network WHERE key = ?1",
	[PASS_NETWORK] = "INSERT INTO network VALUES(?1, 1, ?2) "
			 "ON CONFLICT(key) DO UPDATE SET "
			 "passes = passes + 1, last = ?2",
	[TOUCH_NETWORK] = "UPDATE network SET last = ?2 WHERE key = ?1",
	[OLD_WAITING] = "DELETE FROM seen WHERE key IN (SELECT key FROM seen "
			"WHERE passed = 0 AND last < ?2 LIMIT ?3)",
	[OLD_PASSED] = "DELETE FROM seen WHERE key IN (SELECT key FROM seen "
		       "WHERE passed = 1 AND last < ?2 LIMIT ?3)",
	[OLD_NETWORKS] = "DELETE FROM network WHERE last < ?2",
	[TOO_MANY] = "DELETE FROM seen WHERE key IN (SELECT key FROM seen "
		     "ORDER BY passed, last LIMIT ?3)",
	[COUNT] = "SELECT count(*), 0, 0 FROM seen",
};

struct guard_grey {
	pthread_mutex_t lock; /* guards all below; blocks on the disk */
	sqlite3 *db;
	sqlite3_stmt *stmt[STATEMENTS];
	int64_t entries;
	int64_t since_tidy;
};

/* --- the file ---------------------------------------------------------------
 */

static enum pst_rc
fail(struct guard_grey *g, struct pst_error *err)
{
	return pst_fail(err, PST_E_TEMP, 0, "the greylist: %s",
	    g->db != NULL ? sqlite3_errmsg(g->db) : "no memory");
}

struct row {
	int64_t a, first, last;
	bool found;
};

/* Runs a statement about a key; numbers that it does not have are not bound. */
static enum pst_rc
run(struct guard_grey *g, enum statement which, const void *key, size_t size,
    int64_t time, int64_t limit, struct row *row_r, struct pst_error *err)
{
	sqlite3_stmt *s = g->stmt[which];
	int wants = sqlite3_bind_parameter_count(s), rc;

	if (wants >= 1 && key != NULL)
		(void)sqlite3_bind_blob(s, 1, key, (int)size, SQLITE_STATIC);
	if (wants >= 2)
		(void)sqlite3_bind_int64(s, 2, time);
	if (wants >= 3)
		(void)sqlite3_bind_int64(s, 3, limit);
	rc = sqlite3_step(s);
	if (row_r != NULL) {
		*row_r = (struct row){ .found = rc == SQLITE_ROW };
		if (row_r->found) {
			row_r->a = sqlite3_column_int64(s, 0);
			row_r->first = sqlite3_column_int64(s, 1);
			row_r->last = sqlite3_column_int64(s, 2);
		}
	}
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		(void)fail(g, err);
	(void)sqlite3_reset(s);
	(void)sqlite3_clear_bindings(s);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? PST_OK : PST_E_TEMP;
}

static int
version_of(sqlite3 *db)
{
	sqlite3_stmt *s = NULL;
	int version = -1;

	if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &s, NULL) ==
		SQLITE_OK &&
	    sqlite3_step(s) == SQLITE_ROW)
		version = sqlite3_column_int(s, 0);
	(void)sqlite3_finalize(s);
	return version;
}

static bool
has_tables(sqlite3 *db)
{
	int version = version_of(db);

	return (version == 0 || version == FORMAT ||
		   sqlite3_exec(db, no_tables, NULL, NULL, NULL) ==
		       SQLITE_OK) &&
	       sqlite3_exec(db, tables, NULL, NULL, NULL) == SQLITE_OK;
}

static enum pst_rc
open_file(struct guard_grey *g, const char *path, struct pst_error *err)
{
	struct row row;
	enum pst_rc rc;

	if (sqlite3_open_v2(path, &g->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
		    SQLITE_OPEN_NOMUTEX,
		NULL) != SQLITE_OK ||
	    sqlite3_busy_timeout(g->db, 5000) != SQLITE_OK ||
	    !has_tables(g->db))
		return fail(g, err);
	for (size_t i = 0; i < STATEMENTS; i++)
		if (sqlite3_prepare_v3(g->db, sql[i], -1,
			SQLITE_PREPARE_PERSISTENT, &g->stmt[i],
			NULL) != SQLITE_OK)
			return fail(g, err);
	rc = run(g, COUNT, NULL, 0, 0, 0, &row, err);
	g->entries = row.a;
	return rc;
}

static void
close_file(struct guard_grey *g)
{
	for (size_t i = 0; i < STATEMENTS; i++) {
		(void)sqlite3_finalize(g->stmt[i]);
		g->stmt[i] = NULL;
	}
	(void)sqlite3_close(g->db);
	g->db = NULL;
}

/* A damaged one is no reason not to start. */
static bool
remove_damaged(struct guard_grey *g, const char *path)
{
	static const char *const parts[] = { "", "-wal", "-shm" };
	int error = g->db != NULL ? sqlite3_errcode(g->db) : SQLITE_OK;
	char name[PATH_MAX];

	if (error != SQLITE_NOTADB && error != SQLITE_CORRUPT)
		return false;
	log_text(PST_LOG_WARNING, 0, "guard",
	    "%s is damaged, and made anew: %s", path, sqlite3_errmsg(g->db));
	close_file(g);
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path, parts[i]);
		(void)unlink(name);
	}
	return true;
}

struct guard_grey *
guard_grey_open(const char *dir, struct pst_error *err)
{
	struct guard_grey *g = mem_alloc(sizeof(*g));
	struct buf path;
	enum pst_rc rc;

	pthread_mutex_init(&g->lock, NULL);
	buf_init(&path, 8192);
	(void)buf_printf(&path, "%s/greylist.db", dir);
	if (!buf_putc(&path, '\0')) {
		rc = pst_fail(err, PST_E_LIMIT, 0, "state_dir is too long");
	} else {
		rc = open_file(g, path.p, err);
		if (rc != PST_OK && remove_damaged(g, path.p))
			rc = open_file(g, path.p, err);
	}
	buf_fini(&path);
	if (rc != PST_OK)
		guard_grey_close(&g);
	return g;
}

void
guard_grey_close(struct guard_grey **gp)
{
	struct guard_grey *g = *gp;

	if (g == NULL)
		return;
	*gp = NULL;
	close_file(g);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

int64_t
guard_grey_count(struct guard_grey *g)
{
	int64_t n;

	pthread_mutex_lock(&g->lock);
	n = g->entries;
	pthread_mutex_unlock(&g->lock);
	return n;
}

/* --- keys -------------------------------------------------------------------
 */

void
guard_grey_sender(struct pst_str sender, struct buf *out)
{
	size_t at = sender.n;
	bool digits = false;

	while (at > 0 && sender.p[at - 1] != '@')
		at--;
	for (size_t i = 0; i + 1 < at; i++) {
		char c = sender.p[i];

		if (c == '+' || c == '=')
			break;
		if (!ascii_is_digit(c))
			(void)buf_putc(out, ascii_lower(c));
		else if (!digits)
			(void)buf_putc(out, '#');
		digits = ascii_is_digit(c);
	}
	if (at > 0)
		(void)buf_putc(out, '@');
	for (size_t i = at; i < sender.n; i++)
		(void)buf_putc(out, ascii_lower(sender.p[i]));
}

static struct network
network_of(const struct config *cfg, const struct ip_address *ip)
{
	return guard_network(ip, ip->v4 ? 96 + (unsigned)cfg->guard.network_ipv4
					: (unsigned)cfg->guard.network_ipv6);
}

/* Network, sender and recipient, in sixteen octets. */
static bool
make_key(const struct network *n, const struct guard_grey_question *q,
    unsigned char key[KEY_SIZE])
{
	unsigned char digest[32];
	struct buf text;
	bool good;

	buf_init(&text, 8192);
	(void)buf_add(&text, n->address.octets, sizeof(n->address.octets));
	(void)buf_putc(&text, (char)n->bits);
	guard_grey_sender(q->sender, &text);
	(void)buf_putc(&text, '\0');
	for (size_t i = 0; i < q->recipient.n; i++)
		(void)buf_putc(&text, ascii_lower(q->recipient.p[i]));
	good = !text.overflow &&
	       gnutls_hash_fast(GNUTLS_DIG_SHA256, text.p, text.n, digest) == 0;
	memcpy(key, digest, KEY_SIZE);
	buf_fini(&text);
	return good;
}

static void
network_key(const struct network *n, unsigned char key[17])
{
	memcpy(key, n->address.octets, 16);
	key[16] = (unsigned char)n->bits;
}

/* --- tidying ----------------------------------------------------------------
 */

static enum pst_rc
remove_some(struct guard_grey *g, enum statement which, int64_t time,
    int64_t limit, struct pst_error *err)
{
	enum pst_rc rc = run(g, which, NULL, 0, time, limit, NULL, err);

	if (rc == PST_OK && which != OLD_NETWORKS)
		g->entries -= sqlite3_changes(g->db);
	return rc;
}

/* What is too old goes, a little at a time; then what is too much: who has not
 * come again yet first, the oldest first. */
static enum pst_rc
tidy(struct guard_grey *g, const struct config *cfg, int64_t now,
    struct pst_error *err)
{
	int64_t most = cfg->guard.grey_entries;
	enum pst_rc rc;

	g->since_tidy = 0;
	rc = remove_some(
	    g, OLD_WAITING, now - cfg->guard.grey_retry, TIDY_AT_ONCE, err);
	if (rc == PST_OK)
		rc = remove_some(g, OLD_PASSED, now - cfg->guard.grey_life,
		    TIDY_AT_ONCE, err);
	if (rc == PST_OK)
		rc = remove_some(
		    g, OLD_NETWORKS, now - cfg->guard.grey_life, 0, err);
	if (rc == PST_OK && g->entries > most)
		rc = remove_some(
		    g, TOO_MANY, 0, g->entries - most + most / 64, err);
	return rc;
}

/* --- the question -----------------------------------------------------------
 */

/* Others have come again from there often enough. */
static enum pst_rc
ask_network(struct guard_grey *g, const struct config *cfg,
    const unsigned char key[17], int64_t now, bool *known_r,
    struct pst_error *err)
{
	struct row row;
	enum pst_rc rc;

	*known_r = false;
	if (cfg->guard.grey_network == 0)
		return PST_OK;
	rc = run(g, FIND_NETWORK, key, 17, 0, 0, &row, err);
	*known_r = row.found && row.a >= cfg->guard.grey_network &&
		   now <= row.last + cfg->guard.grey_life;
	if (rc == PST_OK && *known_r && now > row.last + TOUCH_AFTER)
		rc = run(g, TOUCH_NETWORK, key, 17, now, 0, NULL, err);
	return rc;
}

static enum pst_rc
add(struct guard_grey *g, const struct config *cfg, const unsigned char *key,
    int64_t now, struct pst_error *err)
{
	enum pst_rc rc = run(g, ADD, key, KEY_SIZE, now, 0, NULL, err);

	if (rc != PST_OK)
		return rc;
	g->entries++;
	if (++g->since_tidy >= TIDY_EVERY ||
	    g->entries > cfg->guard.grey_entries)
		rc = tidy(g, cfg, now, err);
	return rc;
}

/* It was seen: `row`. */
static enum pst_rc
judge(struct guard_grey *g, const struct config *cfg, const unsigned char *key,
    const struct row *row, int64_t now, enum guard_grey_verdict *verdict_r,
    struct pst_error *err)
{
	int64_t life = row->a != 0 ? cfg->guard.grey_life
				   : cfg->guard.grey_retry;

	if (now > row->last + life) {
		*verdict_r = GUARD_GREY_NEW;
		return run(g, AGAIN, key, KEY_SIZE, now, 0, NULL, err);
	}
	if (row->a != 0) {
		*verdict_r = GUARD_GREY_KNOWN;
		return now > row->last + TOUCH_AFTER
			   ? run(g, TOUCH, key, KEY_SIZE, now, 0, NULL, err)
			   : PST_OK;
	}
	/* A clock that was set back makes nobody wait longer. */
	if (now >= row->first && now < row->first + cfg->guard.grey_wait) {
		*verdict_r = GUARD_GREY_EARLY;
		return PST_OK;
	}
	*verdict_r = GUARD_GREY_PASSED;
	return run(g, PASS, key, KEY_SIZE, now, 0, NULL, err);
}

static enum pst_rc
ask(struct guard_grey *g, const struct config *cfg, const unsigned char *key,
    const unsigned char *network, int64_t now,
    enum guard_grey_verdict *verdict_r, int64_t *wait_r, struct pst_error *err)
{
	bool known;
	struct row row;
	enum pst_rc rc = ask_network(g, cfg, network, now, &known, err);

	*wait_r = cfg->guard.grey_wait;
	if (rc != PST_OK || known)
		return rc;
	rc = run(g, FIND, key, KEY_SIZE, 0, 0, &row, err);
	if (rc != PST_OK)
		return rc;
	if (!row.found) {
		*verdict_r = GUARD_GREY_NEW;
		return add(g, cfg, key, now, err);
	}
	rc = judge(g, cfg, key, &row, now, verdict_r, err);
	if (rc == PST_OK && *verdict_r == GUARD_GREY_EARLY)
		*wait_r = row.first + cfg->guard.grey_wait - now;
	if (rc == PST_OK && *verdict_r == GUARD_GREY_PASSED)
		rc = run(g, PASS_NETWORK, network, 17, now, 0, NULL, err);
	return rc;
}

enum pst_rc
guard_grey_ask(struct guard_grey *g, const struct config *cfg,
    const struct guard_grey_question *q, enum guard_grey_verdict *verdict_r,
    int64_t *wait_r, struct pst_error *err)
{
	struct network n = network_of(cfg, &q->ip);
	unsigned char key[KEY_SIZE], network[17];
	enum pst_rc rc;

	*verdict_r = GUARD_GREY_KNOWN;
	if (!make_key(&n, q, key))
		return pst_fail(err, PST_E_TEMP, 0, "the greylist: no key");
	network_key(&n, network);
	pthread_mutex_lock(&g->lock);
	rc = ask(g, cfg, key, network, q->now, verdict_r, wait_r, err);
	pthread_mutex_unlock(&g->lock);
	if (rc != PST_OK)
		*verdict_r = GUARD_GREY_KNOWN;
	return rc;
}
