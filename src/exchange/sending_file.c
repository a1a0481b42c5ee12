/*
 * exchange/sending_file.c - what is known of users, in an SQLite file. It is
 * written without waiting for the disk: when the machine crashes the last
 * counts may be lost.
 */
#include "exchange/sending_priv.h"

#include "base/log.h"
#include "base/str.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	APPLICATION = 0x50737453, /* "PstS" in the file's header */
	FORM = 1,
	BUSY_MS = 5000,
	COUNTS_SIZE = 8 + SENDING_HOURS * 16 + 8 + SENDING_PARTS * 4,
};

#define COLUMNS "user, since, reason, held, told, counts"

struct sending_file {
	sqlite3 *db;
	sqlite3_stmt *read, *write, *keep;
};

static enum pst_rc
fail(sqlite3 *db, struct pst_error *err)
{
	int code = sqlite3_extended_errcode(db) & 0xff;
	enum pst_rc rc = PST_E_TEMP;

	if (code == SQLITE_FULL)
		rc = PST_E_NOSPACE;
	if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
		rc = PST_E_PERM;
	return pst_fail(err, rc, sqlite3_system_errno(db), "sending: %s",
	    sqlite3_errmsg(db));
}

/* --- counts as octets, lowest first ------------------------------------------
 */

static void
put(unsigned char **p, uint64_t value, size_t octets)
{
	for (size_t i = 0; i < octets; i++)
		*(*p)++ = (unsigned char)(value >> 8 * i);
}

static uint64_t
get(const unsigned char **p, size_t octets)
{
	uint64_t value = 0;

	for (size_t i = 0; i < octets; i++)
		value |= (uint64_t) * (*p)++ << 8 * i;
	return value;
}

static void
encode_counts(
    const struct sending_counts *c, unsigned char out[static COUNTS_SIZE])
{
	put(&out, (uint64_t)c->hour, 8);
	for (size_t i = 0; i < SENDING_HOURS; i++) {
		put(&out, c->day[i].messages, 4);
		put(&out, c->day[i].recipients, 4);
		put(&out, c->day[i].fresh, 4);
		put(&out, c->day[i].bounces, 4);
	}
	put(&out, (uint64_t)c->part, 8);
	for (size_t i = 0; i < SENDING_PARTS; i++)
		put(&out, c->messages[i], 4);
}

static void
decode_counts(const unsigned char *in, struct sending_counts *c)
{
	c->hour = (int64_t)get(&in, 8);
	for (size_t i = 0; i < SENDING_HOURS; i++) {
		c->day[i].messages = (uint32_t)get(&in, 4);
		c->day[i].recipients = (uint32_t)get(&in, 4);
		c->day[i].fresh = (uint32_t)get(&in, 4);
		c->day[i].bounces = (uint32_t)get(&in, 4);
	}
	c->part = (int64_t)get(&in, 8);
	for (size_t i = 0; i < SENDING_PARTS; i++)
		c->messages[i] = (uint32_t)get(&in, 4);
}

static void
encode_known(const struct sending_known *k, struct buf *out)
{
	char *to = buf_reserve(out, k->n * 8);
	unsigned char *p = (unsigned char *)to;

	for (size_t i = 0; i < k->cap && to != NULL; i++)
		if (k->slot[i] != 0)
			put(&p, k->slot[i], 8);
	if (to != NULL)
		buf_added(out, k->n * 8);
}

static void
decode_known(const unsigned char *in, size_t n, struct sending_known *k)
{
	for (size_t i = 0; i < n / 8; i++)
		(void)sending_known_add(k, get(&in, 8));
}

/* --- the file ---------------------------------------------------------------
 */

static int
number_of(sqlite3 *db, const char *pragma)
{
	sqlite3_stmt *s = NULL;
	int value = -1;

	if (sqlite3_prepare_v2(db, pragma, -1, &s, NULL) == SQLITE_OK &&
	    sqlite3_step(s) == SQLITE_ROW)
		value = sqlite3_column_int(s, 0);
	(void)sqlite3_finalize(s);
	return value;
}

static enum pst_rc
make_tables(struct sending_file *f, struct pst_error *err)
{
	char sql[600];
	int version = number_of(f->db, "PRAGMA user_version");
	int application = number_of(f->db, "PRAGMA application_id");

	if (version < 0 || application < 0)
		return fail(f->db, err);
	if (version == FORM && application == APPLICATION)
		return PST_OK;
	if (version != 0 || application != 0)
		return pst_fail(
		    err, PST_E_PERM, 0, "sending: not a file of this version");
	(void)snprintf(sql, sizeof(sql),
	    "BEGIN IMMEDIATE;"
	    "CREATE TABLE sender (user TEXT PRIMARY KEY,"
	    " since INTEGER NOT NULL, reason TEXT NOT NULL,"
	    " held INTEGER NOT NULL, told INTEGER NOT NULL,"
	    " counts BLOB NOT NULL, known BLOB NOT NULL);"
	    "CREATE INDEX sender_braked ON sender (user) WHERE since <> 0;"
	    "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT;",
	    APPLICATION, FORM);
	return sqlite3_exec(f->db, sql, NULL, NULL, NULL) == SQLITE_OK
		   ? PST_OK
		   : fail(f->db, err);
}

static enum pst_rc
prepare(struct sending_file *f, struct pst_error *err)
{
	static const char read[] = "SELECT " COLUMNS
				   ", known FROM sender WHERE user = ?1";
	static const char write[] =
	    "INSERT INTO sender (" COLUMNS ", known)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (user)"
	    " DO UPDATE SET since = ?2, reason = ?3, held = ?4, told = ?5,"
	    " counts = ?6, known = ?7";
	static const char keep[] =
	    "UPDATE sender SET since = ?2, reason = ?3, held = ?4, told = ?5,"
	    " counts = ?6 WHERE user = ?1";

	if (sqlite3_prepare_v2(f->db, read, -1, &f->read, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(f->db, write, -1, &f->write, NULL) !=
		SQLITE_OK ||
	    sqlite3_prepare_v2(f->db, keep, -1, &f->keep, NULL) != SQLITE_OK)
		return fail(f->db, err);
	return PST_OK;
}

static enum pst_rc
open_file(const char *path, struct sending_file **f_r, struct pst_error *err)
{
	struct sending_file *f = mem_alloc(sizeof(*f));
	enum pst_rc rc;

	if (sqlite3_open_v2(path, &f->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
		    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
		NULL) != SQLITE_OK ||
	    sqlite3_busy_timeout(f->db, BUSY_MS) != SQLITE_OK ||
	    sqlite3_exec(f->db,
		"PRAGMA trusted_schema = OFF; PRAGMA journal_mode = WAL;"
		"PRAGMA synchronous = NORMAL",
		NULL, NULL, NULL) != SQLITE_OK)
		rc = fail(f->db, err);
	else
		rc = make_tables(f, err);
	if (rc == PST_OK)
		rc = prepare(f, err);
	if (rc != PST_OK)
		sending_file_close(&f);
	*f_r = f;
	return rc;
}

/* With what belongs to it. */
static void
put_aside(const char *path)
{
	static const char *const parts[] = { "", "-wal", "-shm" };
	char from[4200], to[4200];

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		(void)snprintf(from, sizeof(from), "%s%s", path, parts[i]);
		(void)snprintf(to, sizeof(to), "%s.aside%s", path, parts[i]);
		(void)rename(from, to);
	}
}

enum pst_rc
sending_file_open(
    const char *path, struct sending_file **f_r, struct pst_error *err)
{
	enum pst_rc rc = open_file(path, f_r, err);

	if (rc != PST_E_PERM)
		return rc;
	log_text(PST_LOG_ERROR, 0, "sending",
	    "%s: %s; it is now %s.aside, and counts begin anew", path,
	    err->detail, path);
	put_aside(path);
	return open_file(path, f_r, err);
}

void
sending_file_close(struct sending_file **fp)
{
	struct sending_file *f = *fp;

	*fp = NULL;
	if (f == NULL)
		return;
	(void)sqlite3_finalize(f->read);
	(void)sqlite3_finalize(f->write);
	(void)sqlite3_finalize(f->keep);
	(void)sqlite3_close(f->db);
	free(f);
}

/* --- rows -------------------------------------------------------------------
 */

static void
take_text(sqlite3_stmt *row, int column, char *to, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(row, column);

	(void)str_copy(to, size, str_of(text));
}

static void
take_row(sqlite3_stmt *row, struct sender *s)
{
	int64_t held = sqlite3_column_int64(row, 3);

	take_text(row, 0, s->user, sizeof(s->user));
	s->since = sqlite3_column_int64(row, 1);
	take_text(row, 2, s->reason, sizeof(s->reason));
	s->held = held > 0 && held <= UINT32_MAX ? (uint32_t)held : 0;
	s->told = sqlite3_column_int(row, 4) != 0;
	if (sqlite3_column_bytes(row, 5) == COUNTS_SIZE)
		decode_counts(sqlite3_column_blob(row, 5), &s->counts);
}

enum pst_rc
sending_file_read(
    struct sending_file *f, struct sender *s, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;
	int code;

	(void)sqlite3_bind_text(f->read, 1, s->user, -1, SQLITE_STATIC);
	code = sqlite3_step(f->read);
	if (code == SQLITE_ROW) {
		take_row(f->read, s);
		s->is_known_changed = false;
		decode_known(sqlite3_column_blob(f->read, 6),
		    (size_t)sqlite3_column_bytes(f->read, 6), &s->known);
	} else if (code != SQLITE_DONE) {
		rc = fail(f->db, err);
	}
	(void)sqlite3_reset(f->read);
	return rc;
}

static enum pst_rc
execute(struct sending_file *f, const char *sql, struct pst_error *err)
{
	return sqlite3_exec(f->db, sql, NULL, NULL, NULL) == SQLITE_OK
		   ? PST_OK
		   : fail(f->db, err);
}

enum pst_rc
sending_file_begin(struct sending_file *f, struct pst_error *err)
{
	return execute(f, "BEGIN IMMEDIATE", err);
}

enum pst_rc
sending_file_commit(struct sending_file *f, struct pst_error *err)
{
	enum pst_rc rc = execute(f, "COMMIT", err);

	if (rc != PST_OK)
		(void)sqlite3_exec(f->db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

enum pst_rc
sending_file_write(
    struct sending_file *f, const struct sender *s, struct pst_error *err)
{
	sqlite3_stmt *w = s->is_known_changed ? f->write : f->keep;
	unsigned char counts[COUNTS_SIZE];
	enum pst_rc rc = PST_OK;
	struct buf known;

	encode_counts(&s->counts, counts);
	buf_init(&known, (size_t)SENDING_KNOWN_MAX * 8);
	(void)sqlite3_bind_text(w, 1, s->user, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(w, 2, s->since);
	(void)sqlite3_bind_text(w, 3, s->reason, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(w, 4, s->held);
	(void)sqlite3_bind_int(w, 5, s->told);
	(void)sqlite3_bind_blob(w, 6, counts, sizeof(counts), SQLITE_STATIC);
	if (s->is_known_changed) {
		encode_known(&s->known, &known);
		(void)sqlite3_bind_blob(w, 7, known.n > 0 ? known.p : "",
		    (int)known.n, SQLITE_STATIC);
	}
	if (sqlite3_step(w) != SQLITE_DONE)
		rc = fail(f->db, err);
	(void)sqlite3_reset(w);
	(void)sqlite3_clear_bindings(w);
	buf_fini(&known);
	return rc;
}

enum pst_rc
sending_file_each(struct sending_file *f, bool braked,
    void (*fn)(void *arg, const struct sender *s), void *arg,
    struct pst_error *err)
{
	static const char all[] = "SELECT " COLUMNS
				  " FROM sender ORDER BY user";
	static const char some[] =
	    "SELECT " COLUMNS " FROM sender WHERE since <> 0 ORDER BY user";
	sqlite3_stmt *rows = NULL;
	enum pst_rc rc = PST_OK;
	int code;

	if (sqlite3_prepare_v2(f->db, braked ? some : all, -1, &rows, NULL) !=
	    SQLITE_OK)
		return fail(f->db, err);
	while ((code = sqlite3_step(rows)) == SQLITE_ROW) {
		struct sender *s = sending_sender_new("");

		take_row(rows, s);
		fn(arg, s);
		sending_sender_free(s);
	}
	if (code != SQLITE_DONE)
		rc = fail(f->db, err);
	(void)sqlite3_finalize(rows);
	return rc;
}
