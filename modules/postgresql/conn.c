/*
 * conn.c - one connection: opening it, queueing statements in pipeline mode,
 * and taking their results with a limit to every wait.
 */
#include "postgresql.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

/* What a result is of: a statement that somebody takes, its preparation, or
 * the end of a unit. */
enum { OF_STATEMENT = -1, OF_SYNC = -2 /* else: prepares that statement */ };

enum { ANSWER_EXTRA_MS = 5000, NO_LIMIT_MS = 600000 };

/* --- errors ----------------------------------------------------------------
 */

static bool
begins(const char *sqlstate, const char *with)
{
	return strncmp(sqlstate, with, strlen(with)) == 0;
}

enum pst_rc
pg_rc_of(const char *sqlstate)
{
	static const struct {
		const char *begin;
		enum pst_rc rc;
	} table[] = {
		{ "53100", PST_E_NOSPACE },  /* disk full */
		{ "23505", PST_E_EXISTS },   /* unique */
		{ "23503", PST_E_CONFLICT }, /* what it refers to is gone */
		{ "23514", PST_E_LIMIT },    /* our checks are of ranges */
		{ "54", PST_E_LIMIT },	     /* program limit */
		{ "22", PST_E_PERM },	     /* data, such as no UTF-8 */
		{ "42", PST_E_PERM },	     /* rights; no such table */
		{ "3F", PST_E_PERM },	     /* no such schema */
		{ "0A", PST_E_TEMP },	     /* plans of an older schema */
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (begins(sqlstate, table[i].begin))
			return table[i].rc;
	return PST_E_TEMP;
}

/* The first line of a message of libpq. */
static int
line_length(const char *text)
{
	return (int)strcspn(text, "\n");
}

enum pst_rc
pg_result_failed(struct pg_conn *c, const PGresult *r, struct pst_error *err)
{
	const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	const char *about = PQresultErrorField(r, PG_DIAG_CONSTRAINT_NAME);
	const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);

	if (state == NULL)
		return pg_lost(c, err);
	(void)snprintf(c->sqlstate, sizeof(c->sqlstate), "%s", state);
	(void)snprintf(
	    c->constraint, sizeof(c->constraint), "%s", about ? about : "");
	/* The server goes down, or cannot be written to any more after another
	 * one took over; or it has another schema than the plans are for. */
	if (begins(state, "57P") || begins(state, "08") ||
	    begins(state, "25006") || begins(state, "0A"))
		c->is_broken = true;
	return pst_fail(err, pg_rc_of(state), 0, "%.200s (%s)",
	    text ? text : "the database refuses", state);
}

enum pst_rc
pg_lost(struct pg_conn *c, struct pst_error *err)
{
	const char *text = PQerrorMessage(c->pg);

	c->is_broken = true;
	(void)snprintf(c->sqlstate, sizeof(c->sqlstate), "08006");
	c->constraint[0] = '\0';
	return pst_fail(err, PST_E_TEMP, 0, "the connection is lost: %.*s",
	    line_length(text), text);
}

/* --- waiting ---------------------------------------------------------------
 */

static int
answer_ms(const struct pg_conn *c)
{
	int ms = c->store->config.statement_ms;

	if (c->answer_ms > 0)
		return c->answer_ms;
	return ms > 0 ? ms + ANSWER_EXTRA_MS : NO_LIMIT_MS;
}

/* Until libpq has a result, or knows that none will come. False: too long. */
static bool
wait_result(struct pg_conn *c)
{
	int64_t deadline = pg_monotonic() + (int64_t)answer_ms(c) * 1000;

	for (;;) {
		int flush = PQflush(c->pg);
		struct pollfd p = { .fd = PQsocket(c->pg),
			.events = (short)(POLLIN | (flush > 0 ? POLLOUT : 0)) };
		int64_t left = deadline - pg_monotonic();

		if (!PQisBusy(c->pg) || flush < 0 || p.fd < 0)
			return true;
		if (left <= 0 || poll(&p, 1, (int)(left / 1000) + 1) < 0) {
			if (left > 0 && errno == EINTR)
				continue;
			c->is_broken = true;
			return false;
		}
		/* What came before the end is there to be taken. */
		if ((p.revents & ~POLLOUT) && !PQconsumeInput(c->pg)) {
			c->is_broken = true;
			return true;
		}
	}
}

/* --- opening ---------------------------------------------------------------
 */

/* Waits for all results of a plain query; the last one, or NULL. */
static PGresult *
last_result(struct pg_conn *c, struct pst_error *err)
{
	PGresult *last = NULL, *r;
	bool good = true;

	while (wait_result(c) && (r = PQgetResult(c->pg)) != NULL) {
		ExecStatusType status = PQresultStatus(r);

		PQclear(last);
		last = r;
		if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK &&
		    good) {
			(void)pg_result_failed(c, r, err);
			good = false;
		}
		if (PQstatus(c->pg) == CONNECTION_BAD)
			break;
	}
	if (good && last == NULL)
		(void)pg_lost(c, err);
	if (good && last != NULL)
		return last;
	PQclear(last);
	return NULL;
}

/* Statements that were made for these indexes are not planned differently
 * because a table was empty when a plan was made. */
static const char settings[] =
    "SET search_path = %s, pg_temp; SET client_min_messages = warning;"
    "SET statement_timeout = %d; SET idle_in_transaction_session_timeout = %d;"
    "SET enable_seqscan = off; SET enable_bitmapscan = off;"
    "SET plan_cache_mode = force_generic_plan;"
    "SET jit = off; SET bytea_output = hex; SET synchronous_commit = on;"
    "SET default_transaction_isolation = 'read committed'";

static enum pst_rc
apply_settings(struct pg_conn *c, struct pst_error *err)
{
	const struct pg_config *cfg = &c->store->config;
	char text[1024];
	PGresult *r;
	char *schema;

	schema = PQescapeIdentifier(c->pg, cfg->schema, strlen(cfg->schema));
	if (schema == NULL)
		return pg_lost(c, err);
	(void)snprintf(text, sizeof(text), settings, schema, cfg->statement_ms,
	    answer_ms(c));
	PQfreemem(schema);
	if (!PQsendQuery(c->pg, text))
		return pg_lost(c, err);
	r = last_result(c, err);
	PQclear(r);
	return r ? PST_OK : err->rc;
}

static const char about[] =
    "SELECT version, prefix, current_setting('server_encoding'),"
    " CASE WHEN pg_is_in_recovery() THEN 0 ELSE ('x' || substr("
    "pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint END"
    " FROM schema_version, store";

static enum pst_rc
check_schema(struct pg_conn *c, struct pst_error *err)
{
	struct pst_store *s = c->store;
	enum pst_rc rc = PST_OK;
	PGresult *r;
	long version;

	if (!PQsendQuery(c->pg, about))
		return pg_lost(c, err);
	r = last_result(c, err);
	if (r == NULL &&
	    (begins(c->sqlstate, "42P01") || begins(c->sqlstate, "3F000")))
		return pst_fail(err, PST_E_PERM, 0,
		    "the database has no schema \"%s\" yet: posternctl storage "
		    "init makes it",
		    s->config.schema);
	if (r == NULL)
		return err->rc;
	version = PQntuples(r) == 1 ? strtol(PQgetvalue(r, 0, 0), NULL, 10) : 0;
	if (version > pg_schema_version())
		rc = pst_fail(err, PST_E_PERM, 0,
		    "the schema \"%s\" has version %ld, newer than the %d that "
		    "this server knows: install a newer one",
		    s->config.schema, version, pg_schema_version());
	else if (version < pg_schema_version())
		rc = pst_fail(err, PST_E_PERM, 0,
		    "the schema \"%s\" has version %ld, this server needs %d: "
		    "posternctl storage init brings it up to date",
		    s->config.schema, version, pg_schema_version());
	else if (strcmp(PQgetvalue(r, 0, 2), "UTF8") != 0)
		rc = pst_fail(err, PST_E_PERM, 0,
		    "the database has the encoding %.40s; expected UTF8",
		    PQgetvalue(r, 0, 2));
	if (rc == PST_OK) {
		c->timeline = (uint32_t)strtoul(PQgetvalue(r, 0, 3), NULL, 10);
		store_take_prefix(s, PQgetvalue(r, 0, 1));
	}
	PQclear(r);
	return rc;
}

/* Later ones win over earlier ones, and over those of the connection string
 * where they come behind it. */
static PGconn *
connect_now(const struct pg_config *cfg, const char *conninfo)
{
	char seconds[16];
	const char *const key[] = { "fallback_application_name",
		"target_session_attrs", "connect_timeout", "dbname",
		"client_encoding", NULL };
	const char *const value[] = { "postern", "read-write", seconds,
		conninfo, "UTF8", NULL };

	(void)snprintf(seconds, sizeof(seconds), "%d",
	    cfg->wait_ms > 2000 ? (cfg->wait_ms + 999) / 1000 : 2);
	return PQconnectdbParams(key, value, 1);
}

static void
ignore_notice(void *arg, const PGresult *r)
{
	(void)arg;
	(void)r;
}

enum pst_rc
pg_conn_open(struct pst_store *s, const char *conninfo, bool check,
    struct pg_conn **c_r, struct pst_error *err)
{
	struct pg_conn *c = pg_grow(NULL, 1, sizeof(*c));
	enum pst_rc rc = PST_OK;

	*c = (struct pg_conn){ .store = s };
	c->pg = connect_now(&s->config, conninfo);
	if (c->pg == NULL)
		abort(); /* no memory */
	if (PQstatus(c->pg) != CONNECTION_OK) {
		const char *text = PQerrorMessage(c->pg);

		rc = pst_fail(
		    err, PST_E_TEMP, 0, "%.*s", line_length(text), text);
	}
	if (rc == PST_OK) {
		(void)PQsetNoticeReceiver(c->pg, ignore_notice, NULL);
		rc = apply_settings(c, err);
	}
	if (rc == PST_OK && check)
		rc = check_schema(c, err);
	if (rc == PST_OK && PQsetnonblocking(c->pg, 1) < 0)
		rc = pg_lost(c, err);
	if (rc != PST_OK)
		pg_conn_close(&c);
	*c_r = c;
	return rc;
}

void
pg_conn_close(struct pg_conn **cp)
{
	if (*cp != NULL) {
		PQfinish((*cp)->pg);
		free(*cp);
	}
	*cp = NULL;
}

bool
pg_conn_is_stale(struct pg_conn *c)
{
	struct pollfd p = { .fd = PQsocket(c->pg), .events = POLLIN };

	return p.fd < 0 || poll(&p, 1, 0) != 0;
}

enum pst_rc
pg_script(struct pg_conn *c, const char *sql, struct pst_error *err)
{
	PGresult *r;

	/* Several at once are not for pipelines. */
	if (!PQexitPipelineMode(c->pg) || !PQsendQuery(c->pg, sql))
		return pg_lost(c, err);
	r = last_result(c, err);
	PQclear(r);
	if (!PQenterPipelineMode(c->pg))
		return pg_lost(c, err);
	return r != NULL ? PST_OK : err->rc;
}

/* --- sending ---------------------------------------------------------------
 */

static bool
expect(struct pg_conn *c, int16_t kind)
{
	if (c->queue_n == PG_QUEUE)
		c->is_broken = true; /* more than any unit of ours has */
	else
		c->queue[(c->queue_at + c->queue_n++) % PG_QUEUE] = kind;
	return !c->is_broken;
}

static bool
send_named(
    struct pg_conn *c, int which, const char *sql, const struct pg_params *p)
{
	const struct pg_params none = { 0 };
	const char *value[PG_PARAMS];
	char name[16];

	if (c->is_broken)
		return false;
	if (p == NULL)
		p = &none;
	pg_values(p, value);
	(void)snprintf(name, sizeof(name), "s%d", which);
	if (!c->is_prepared[which] &&
	    (!PQsendPrepare(c->pg, name, sql, 0, NULL) ||
		!expect(c, (int16_t)which)))
		c->is_broken = true;
	if (c->is_broken ||
	    !PQsendQueryPrepared(
		c->pg, name, p->n, value, p->length, p->format, 1) ||
	    !expect(c, OF_STATEMENT))
		c->is_broken = true;
	/* In one unit it is prepared once; see prepared(). */
	c->is_prepared[which] = true;
	return !c->is_broken;
}

bool
pg_send(struct pg_conn *c, enum pg_statement which, const struct pg_params *p)
{
	return send_named(c, (int)which, pg_sql[which], p);
}

bool
pg_send_lent(struct pg_conn *c, const char *sql, const struct pg_params *p)
{
	unsigned i = 0;

	while (i < c->lent_n && c->lent[i] != sql)
		i++;
	if (i == PG_LENT) /* more than anybody has: not worth preparing */
		return pg_send_text(c, sql, p);
	if (i == c->lent_n)
		c->lent[c->lent_n++] = sql;
	return send_named(c, PG_STATEMENTS + (int)i, sql, p);
}

bool
pg_send_text(struct pg_conn *c, const char *sql, const struct pg_params *p)
{
	const struct pg_params none = { 0 };
	const char *value[PG_PARAMS];

	if (p == NULL)
		p = &none;
	pg_values(p, value);
	if (c->is_broken ||
	    !PQsendQueryParams(
		c->pg, sql, p->n, NULL, value, p->length, p->format, 1) ||
	    !expect(c, OF_STATEMENT))
		c->is_broken = true;
	return !c->is_broken;
}

bool
pg_send_sync(struct pg_conn *c)
{
	if (c->is_broken || !PQpipelineSync(c->pg) || !expect(c, OF_SYNC))
		c->is_broken = true;
	return !c->is_broken;
}

bool
pg_send_flush(struct pg_conn *c)
{
	if (c->is_broken || !PQsendFlushRequest(c->pg))
		c->is_broken = true;
	return !c->is_broken;
}

/* --- taking ----------------------------------------------------------------
 */

static int16_t
front(const struct pg_conn *c)
{
	return c->queue[c->queue_at % PG_QUEUE];
}

static void
advance(struct pg_conn *c)
{
	c->queue_at = (c->queue_at + 1) % PG_QUEUE;
	c->queue_n--;
}

/* Behind the results of each statement there is a NULL. */
static void
take_end(struct pg_conn *c)
{
	PGresult *r = NULL;

	while (
	    !c->is_broken && wait_result(c) && (r = PQgetResult(c->pg)) != NULL)
		PQclear(r);
	advance(c);
}

/* The next result of whatever is in front; NULL: lost. */
static PGresult *
take_result(struct pg_conn *c, struct pst_error *err)
{
	PGresult *r = wait_result(c) ? PQgetResult(c->pg) : NULL;

	if (r == NULL)
		(void)(c->is_broken && PQstatus(c->pg) == CONNECTION_OK
			   ? pst_fail(err, PST_E_TEMP, 0,
				 "no answer of the database for %d ms",
				 answer_ms(c))
			   : pg_lost(c, err));
	return r;
}

/* Whether the statement that is in front was prepared; it is forgotten when an
 * error before it had it skipped. */
static bool
prepared(struct pg_conn *c, struct pst_error *err)
{
	int16_t which = front(c);
	PGresult *r = take_result(c, err);
	bool good = r != NULL && PQresultStatus(r) == PGRES_COMMAND_OK;

	if (!good) {
		c->is_prepared[which] = false;
		if (r != NULL && PQresultStatus(r) == PGRES_FATAL_ERROR)
			(void)pg_result_failed(c, r, err);
	}
	PQclear(r);
	take_end(c);
	return good;
}

static PGresult *
take(struct pg_conn *c, bool single, struct pst_error *err)
{
	PGresult *r;

	while (c->queue_n > 0 && front(c) >= 0)
		if (!prepared(c, err))
			return NULL;
	if (c->queue_n == 0 || front(c) != OF_STATEMENT) {
		(void)pg_lost(c, err);
		return NULL;
	}
	if (single)
		(void)PQsetSingleRowMode(c->pg);
	r = take_result(c, err);
	if (r == NULL)
		return NULL;
	switch (PQresultStatus(r)) {
	case PGRES_SINGLE_TUPLE:
		return r;
	case PGRES_TUPLES_OK:
	case PGRES_COMMAND_OK:
		take_end(c);
		return r;
	case PGRES_PIPELINE_ABORTED:
		(void)pst_fail(err, PST_E_TEMP, 0, "not done after an error");
		break;
	default:
		(void)pg_result_failed(c, r, err);
		break;
	}
	PQclear(r);
	take_end(c);
	return NULL;
}

PGresult *
pg_take(struct pg_conn *c, struct pst_error *err)
{
	return take(c, false, err);
}

PGresult *
pg_take_row(struct pg_conn *c, struct pst_error *err)
{
	return take(c, true, err);
}

/* One result of the unit that nobody takes. False: that was the end. */
static bool
drop_one(struct pg_conn *c, enum pst_rc *rc, struct pst_error *err)
{
	int16_t kind = front(c);
	struct pst_error why;
	PGresult *r;

	if (kind >= 0) {
		if (!prepared(c, &why) && *rc == PST_OK && why.rc != PST_OK)
			*err = why, *rc = why.rc;
		return true;
	}
	r = take_result(c, &why);
	if (r == NULL) {
		*err = why;
		*rc = why.rc;
		return false;
	}
	if (PQresultStatus(r) == PGRES_PIPELINE_SYNC) {
		advance(c);
		PQclear(r);
		return false;
	}
	if (PQresultStatus(r) == PGRES_FATAL_ERROR && *rc == PST_OK)
		*rc = pg_result_failed(c, r, err);
	PQclear(r);
	if (kind == OF_SYNC)
		c->is_broken = true; /* it failed while it was committed */
	else
		take_end(c);
	return !c->is_broken;
}

enum pst_rc
pg_sync_wait(struct pg_conn *c, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	if (c->is_broken)
		return pg_lost(c, err);
	while (c->queue_n > 0 && drop_one(c, &rc, err))
		;
	if (rc == PST_OK && c->is_broken)
		rc = pg_lost(c, err);
	return rc;
}
