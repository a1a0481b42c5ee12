/*
 * database.c - the database lent to the server for tables of its own
 * (postern/database.h): connections of the pool, in whose sessions the server's
 * statements are prepared under the addresses of their texts.
 *
 * BEGIN travels with the first statement. Until its answer has come nothing was
 * done by a transaction, so a connection that turns out to be lost then is
 * replaced.
 */
#include "postgresql.h"

enum { TRIES = 3, NUMBER = 24, COLUMNS = 32 };

struct pst_conn {
	struct pst_store *store;
	struct pg_conn *c;
	enum pst_database_mode mode;
	bool begun; /* the transaction: an answer to its first statement came */
};

/* --- errors ----------------------------------------------------------------
 */

static enum pst_rc
rc_of(const char *sqlstate)
{
	static const struct {
		const char *begin;
		enum pst_rc rc;
	} table[] = {
		{ "23", PST_E_EXISTS },
		{ "40001", PST_E_CONFLICT },
		{ "40P01", PST_E_CONFLICT },
		{ "25006", PST_E_READONLY },
		{ "42501", PST_E_DENIED },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strncmp(sqlstate, table[i].begin, strlen(table[i].begin)) ==
		    0)
			return table[i].rc;
	return pg_rc_of(sqlstate);
}

/* Of a failure that `err` tells already. */
static enum pst_rc
failed(const struct pg_conn *c, struct pst_error *err)
{
	if (c->sqlstate[0] != '\0')
		err->rc = rc_of(c->sqlstate);
	return err->rc;
}

/* --- a connection on loan ---------------------------------------------------
 */

static enum pst_rc
take_connection(struct pst_conn *l, struct pst_error *err)
{
	const struct pg_config *cfg = &l->store->config;
	enum pst_rc rc;

	if (l->mode != PST_DB_DEFINE)
		return pg_pool_take(l->store, &l->c, err);
	rc = pg_conn_open(l->store,
	    *cfg->init_conninfo != '\0' ? cfg->init_conninfo : cfg->conninfo,
	    false, &l->c, err);
	if (rc == PST_OK && !PQenterPipelineMode(l->c->pg)) {
		rc = pg_lost(l->c, err);
		pg_conn_close(&l->c);
	}
	return rc;
}

static void
give_connection(struct pst_conn *l)
{
	if (l->mode == PST_DB_DEFINE)
		pg_conn_close(&l->c);
	else
		pg_pool_give(l->store, &l->c);
}

static enum pst_rc
lent_begin(struct pst_store *s, enum pst_database_mode mode,
    struct pst_conn **conn_r, struct pst_error *err)
{
	struct pst_conn *l = pg_grow(NULL, 1, sizeof(*l));
	struct pst_error why;
	enum pst_rc rc;

	*l = (struct pst_conn){ .store = s, .mode = mode };
	rc = take_connection(l, &why);
	if (rc != PST_OK) {
		if (err != NULL)
			*err = why;
		free(l);
		l = NULL;
	}
	*conn_r = l;
	return rc;
}

/* --- statements ------------------------------------------------------------
 */

static void
send_begin(struct pst_conn *l)
{
	if (l->begun || l->mode == PST_DB_SINGLE)
		return;
	(void)pg_send(l->c,
	    l->mode == PST_DB_READ ? PG_S_BEGIN_SNAPSHOT : PG_S_BEGIN, NULL);
	if (l->mode == PST_DB_DEFINE) /* tables of any size */
		(void)pg_send_text(
		    l->c, "SET LOCAL statement_timeout = 0", NULL);
}

static bool
take_nothing(struct pst_conn *l, struct pst_error *err)
{
	PGresult *r = pg_take(l->c, err);

	PQclear(r);
	return r != NULL;
}

static bool
take_begin(struct pst_conn *l, struct pst_error *err)
{
	if (l->begun || l->mode == PST_DB_SINGLE)
		return true;
	return take_nothing(l, err) &&
	       (l->mode != PST_DB_DEFINE || take_nothing(l, err));
}

struct texts {
	char number[PG_PARAMS][NUMBER];
};

static void
put_parameter(struct pg_params *p, struct texts *texts, size_t i,
    const struct pst_value *v)
{
	switch (v->type) {
	case PST_NULL:
		pg_p_text(p, NULL);
		break;
	case PST_INTEGER:
		/* As text: whatever kind of integer the database infers. */
		(void)snprintf(
		    texts->number[i], NUMBER, "%lld", (long long)v->integer);
		pg_p_text(p, texts->number[i]);
		break;
	case PST_TEXT:
	case PST_BLOB:
		pg_p_bytes(p, v->octets.p, v->octets.n);
		break;
	}
}

/* One exchange: what came back, or NULL. */
static PGresult *
exchange(struct pst_conn *l, const char *sql, const struct pg_params *p,
    struct pst_error *err)
{
	struct pst_error late;
	PGresult *r = NULL;

	l->c->sqlstate[0] = '\0';
	send_begin(l);
	(void)pg_send_lent(l->c, sql, p);
	(void)pg_send_sync(l->c);
	if (l->c->is_broken)
		(void)pg_lost(l->c, err);
	else if (take_begin(l, err))
		r = pg_take(l->c, err);
	if (pg_sync_wait(l->c, &late) != PST_OK && r != NULL) {
		*err = late;
		PQclear(r);
		r = NULL;
	}
	return r;
}

static bool
is_question(const char *sql)
{
	return strncmp(sql, "SELECT", 6) == 0;
}

/* Nothing was done on a connection that is lost: the next one is tried. */
static PGresult *
exchange_surely(struct pst_conn *l, const char *sql, const struct pg_params *p,
    struct pst_error *err)
{
	bool may_repeat = !l->begun &&
			  (l->mode != PST_DB_SINGLE || is_question(sql));
	PGresult *r = exchange(l, sql, p, err);

	for (int i = 1; r == NULL && may_repeat && l->c->is_broken && i < TRIES;
	     i++) {
		give_connection(l);
		if (take_connection(l, err) != PST_OK)
			return NULL;
		r = exchange(l, sql, p, err);
	}
	return r;
}

/* --- answers ---------------------------------------------------------------
 */

/* Object identifiers of types, as in pg_type.dat. */
enum {
	TYPE_BOOL = 16,
	TYPE_BYTEA = 17,
	TYPE_NAME = 19,
	TYPE_INT8 = 20,
	TYPE_INT2 = 21,
	TYPE_INT4 = 23,
	TYPE_TEXT = 25,
	TYPE_VARCHAR = 1043,
};

static bool
read_value(const PGresult *r, int row, int column, struct pst_value *v)
{
	if (PQgetisnull(r, row, column)) {
		*v = pst_null();
		return true;
	}
	switch (PQftype(r, column)) {
	case TYPE_BOOL:
	case TYPE_INT2:
	case TYPE_INT4:
	case TYPE_INT8:
		*v = pst_integer(pg_i64(r, row, column));
		return true;
	case TYPE_BYTEA:
		*v = pst_blob(PQgetvalue(r, row, column),
		    (size_t)PQgetlength(r, row, column));
		return true;
	case TYPE_NAME:
	case TYPE_TEXT:
	case TYPE_VARCHAR:
		*v = pst_text(PQgetvalue(r, row, column));
		return true;
	default:
		return false;
	}
}

static enum pst_rc
call_back(const PGresult *r, pst_record_fn fn, void *arg, struct pst_error *err)
{
	struct pst_value values[COLUMNS];
	int columns = PQnfields(r);

	if (columns > COLUMNS)
		return pst_fail(err, PST_E_PERM, 0,
		    "an answer with more than %d columns", COLUMNS);
	for (int row = 0; row < PQntuples(r); row++) {
		for (int i = 0; i < columns; i++)
			if (!read_value(r, row, i, &values[i]))
				return pst_fail(err, PST_E_PERM, 0,
				    "the column %s is of a type that must be "
				    "cast",
				    PQfname(r, i));
		fn(arg, values, (size_t)columns);
	}
	return PST_OK;
}

static enum pst_rc
lent_run(struct pst_conn *l, const char *sql, const struct pst_value *params,
    size_t n, pst_record_fn fn, void *arg, uint64_t *changed_r,
    struct pst_error *err)
{
	struct pg_params p = { 0 };
	struct pst_error why = { .rc = PST_OK };
	struct texts texts;
	enum pst_rc rc = PST_OK;
	PGresult *r = NULL;

	if (changed_r != NULL)
		*changed_r = 0;
	if (n > PG_PARAMS)
		return pst_fail(err, PST_E_PERM, 0,
		    "a statement with more than %d parameters", PG_PARAMS);
	for (size_t i = 0; i < n; i++)
		put_parameter(&p, &texts, i, &params[i]);
	if (l->c == NULL)
		rc = pst_fail(&why, PST_E_TEMP, 0, "the connection is lost");
	else
		r = exchange_surely(l, sql, &p, &why);
	/* An error opens it as well. */
	l->begun = l->begun || l->mode != PST_DB_SINGLE;
	if (r != NULL) {
		if (changed_r != NULL && PQresultStatus(r) == PGRES_COMMAND_OK)
			*changed_r = strtoull(PQcmdTuples(r), NULL, 10);
		if (fn != NULL)
			rc = call_back(r, fn, arg, &why);
		PQclear(r);
	} else {
		rc = l->c != NULL ? failed(l->c, &why) : why.rc;
	}
	if (rc != PST_OK && err != NULL)
		*err = why;
	return rc;
}

static enum pst_rc
lent_script(struct pst_conn *l, const char *sql, struct pst_error *err)
{
	struct pst_error why = { .rc = PST_OK };
	enum pst_rc rc = PST_OK;

	if (!l->begun)
		rc = lent_run(l, "SELECT 1", NULL, 0, NULL, NULL, NULL, &why);
	if (rc == PST_OK) {
		l->c->sqlstate[0] = '\0';
		rc = pg_script(l->c, sql, &why);
		if (rc != PST_OK)
			rc = failed(l->c, &why);
	}
	if (rc != PST_OK && err != NULL)
		*err = why;
	return rc;
}

/* --- the end ---------------------------------------------------------------
 */

static enum pst_rc
finish(struct pst_conn *l, bool commit, struct pst_error *err)
{
	struct pst_error late;
	bool done;

	l->c->sqlstate[0] = '\0';
	(void)pg_send(l->c, commit ? PG_S_COMMIT : PG_S_ROLLBACK, NULL);
	(void)pg_send_sync(l->c);
	if (l->c->is_broken)
		return pg_lost(l->c, err);
	done = take_nothing(l, err);
	if (pg_sync_wait(l->c, &late) != PST_OK && done) {
		*err = late;
		done = false;
	}
	return done ? PST_OK : failed(l->c, err);
}

/* The transaction was begun. One that has failed answers a COMMIT by undoing
 * all, so it is not asked to. */
static enum pst_rc
settle(struct pst_conn *l, bool commit, struct pst_error *err)
{
	struct pst_error ignored;
	enum pst_rc rc = PST_OK;

	if (l->c == NULL || l->c->is_broken)
		return commit ? pst_fail(err, PST_E_TEMP, 0,
				    "the connection is lost")
			      : PST_OK;
	if (commit && PQtransactionStatus(l->c->pg) == PQTRANS_INERROR)
		rc = pst_fail(err, PST_E_TEMP, 0, "undone after an error");
	/* When another role serves than the one that makes the tables. */
	if (rc == PST_OK && commit && l->mode == PST_DB_DEFINE &&
	    *l->store->config.init_conninfo != '\0')
		rc = pg_grant(l->c, err);
	if (rc == PST_OK)
		return finish(l, commit, err);
	(void)finish(l, false, &ignored);
	return rc;
}

static enum pst_rc
lent_end(struct pst_conn *l, bool commit, struct pst_error *err)
{
	struct pst_error why = { .rc = PST_OK };
	enum pst_rc rc = l->begun ? settle(l, commit, &why) : PST_OK;

	if (l->c != NULL)
		give_connection(l);
	free(l);
	if (rc != PST_OK && err != NULL)
		*err = why;
	return rc;
}

const struct pst_database_ops pg_database = {
	.size = sizeof(pg_database),
	.begin = lent_begin,
	.run = lent_run,
	.script = lent_script,
	.end = lent_end,
};
