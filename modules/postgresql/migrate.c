/*
 * migrate.c - making the schema, and bringing it from one version to the next:
 * in one transaction, under a lock that all nodes know, so that several may
 * start at once and a failure leaves what was there.
 */
#include "postgresql.h"

/* One or many statements at once; false: `err` tells. */
static bool
exec(struct pg_conn *c, const char *sql, struct pst_error *err)
{
	PGresult *r = PQexec(c->pg, sql);
	ExecStatusType status = PQresultStatus(r);
	bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;

	if (!good)
		(void)pg_result_failed(c, r, err);
	PQclear(r);
	return good;
}

/* A statement with the schema's name in it, as identifier or as text. */
struct named {
	const char *before, *after;
	bool is_text;
};

static bool
exec_named(struct pg_conn *c, const struct named *n, char *value_r, size_t size,
    struct pst_error *err)
{
	const char *schema = c->store->config.schema;
	char *name = n->is_text
			 ? PQescapeLiteral(c->pg, schema, strlen(schema))
			 : PQescapeIdentifier(c->pg, schema, strlen(schema));
	char sql[1024];
	PGresult *r;
	bool good;

	if (name == NULL) {
		(void)pg_lost(c, err);
		return false;
	}
	(void)snprintf(sql, sizeof(sql), "%s%s%s", n->before, name, n->after);
	PQfreemem(name);
	r = PQexec(c->pg, sql);
	good = PQresultStatus(r) == PGRES_COMMAND_OK ||
	       PQresultStatus(r) == PGRES_TUPLES_OK;
	if (!good)
		(void)pg_result_failed(c, r, err);
	else if (value_r != NULL)
		(void)snprintf(value_r, size, "%s",
		    PQntuples(r) > 0 ? PQgetvalue(r, 0, 0) : "");
	PQclear(r);
	return good;
}

static const struct named take_lock = {
	"SELECT pg_advisory_xact_lock(hashtextextended('postern.' || ", ", 0))",
	true
};
static const struct named has_schema = { "SELECT to_regnamespace(quote_ident(",
	"))", true };
static const struct named has_version = { "SELECT to_regclass(quote_ident(",
	") || '.schema_version')", true };
static const struct named create_schema = { "CREATE SCHEMA ", "", false };

/* The version that is there; 0: none. */
static bool
present_version(struct pg_conn *c, long *version_r, struct pst_error *err)
{
	char value[80];
	PGresult *r;

	*version_r = 0;
	if (!exec_named(c, &has_version, value, sizeof(value), err))
		return false;
	if (*value == '\0')
		return true;
	r = PQexec(c->pg, "SELECT version FROM schema_version");
	if (PQresultStatus(r) != PGRES_TUPLES_OK || PQntuples(r) != 1) {
		(void)pg_result_failed(c, r, err);
		PQclear(r);
		return false;
	}
	*version_r = strtol(PQgetvalue(r, 0, 0), NULL, 10);
	PQclear(r);
	return true;
}

static bool
make_schema(struct pg_conn *c, struct pst_error *err)
{
	char value[80];

	return exec_named(c, &has_schema, value, sizeof(value), err) &&
	       (*value != '\0' || exec_named(c, &create_schema, NULL, 0, err));
}

/* The rows that there is one of. */
static bool
first_rows(struct pg_conn *c, struct pst_error *err)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz";
	unsigned char dice[PG_PREFIX];
	char sql[160], prefix[PG_PREFIX + 1] = "";

	c->store->host->random(dice, sizeof(dice));
	for (int i = 0; i < PG_PREFIX; i++)
		prefix[i] = letters[dice[i] % (sizeof(letters) - 1)];
	(void)snprintf(sql, sizeof(sql),
	    "INSERT INTO schema_version (version) VALUES (0);"
	    "INSERT INTO store (prefix) VALUES ('%s')",
	    prefix);
	return exec(c, sql, err);
}

static bool
step(struct pg_conn *c, long from, struct pst_error *err)
{
	char sql[120];

	(void)snprintf(sql, sizeof(sql),
	    "UPDATE schema_version SET version = %ld, changed = now()",
	    from + 1);
	return exec(c, pg_migrations[from], err) &&
	       (from > 0 || first_rows(c, err)) && exec(c, sql, err);
}

/* When another role serves than the one that makes the tables. */
static bool
grant(struct pg_conn *c, struct pst_error *err)
{
	static const char *const what[] = {
		"USAGE ON",
		"SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN",
		"USAGE ON ALL SEQUENCES IN",
		"EXECUTE ON ALL FUNCTIONS IN",
	};
	const struct pg_config *cfg = &c->store->config;
	PQconninfoOption *o = PQconninfoParse(cfg->conninfo, NULL);
	char *schema = PQescapeIdentifier(
		 c->pg, cfg->schema, strlen(cfg->schema)),
	     *role = NULL;
	bool good = o != NULL && schema != NULL;

	for (PQconninfoOption *k = o; k != NULL && k->keyword != NULL; k++)
		if (strcmp(k->keyword, "user") == 0 && k->val != NULL)
			role = PQescapeIdentifier(
			    c->pg, k->val, strlen(k->val));
	if (good && role == NULL) {
		good = false;
		(void)pst_fail(err, PST_E_SYNTAX, 0,
		    "init_conninfo is set: conninfo has to say user=..., so "
		    "that the tables can be made accessible to it");
	} else if (!good) {
		(void)pst_fail(err, PST_E_SYNTAX, 0,
		    "conninfo: no connection string of libpq");
	}
	for (size_t i = 0; good && i < sizeof(what) / sizeof(what[0]); i++) {
		char sql[512];

		(void)snprintf(sql, sizeof(sql), "GRANT %s SCHEMA %s TO %s",
		    what[i], schema, role);
		good = exec(c, sql, err);
	}
	PQconninfoFree(o);
	PQfreemem(schema);
	PQfreemem(role);
	return good;
}

enum pst_rc
pg_grant(struct pg_conn *c, struct pst_error *err)
{
	bool good;

	if (!PQexitPipelineMode(c->pg))
		return pg_lost(c, err);
	good = grant(c, err);
	if (!PQenterPipelineMode(c->pg))
		return pg_lost(c, err);
	return good ? PST_OK : err->rc;
}

static PST_PRINTF(3, 4) void say(
    pst_said_fn said, void *arg, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	said(arg, text);
}

/* What does without may come later: a package that is installed. */
static bool
make_text_index(
    struct pg_conn *c, pst_said_fn said, void *arg, struct pst_error *err)
{
	PGresult *r = PQexec(c->pg, "SELECT make_text_index()");
	bool good = PQresultStatus(r) == PGRES_TUPLES_OK;

	if (!good)
		(void)pg_result_failed(c, r, err);
	else if (PQntuples(r) == 1 && !PQgetisnull(r, 0, 0))
		said(arg, PQgetvalue(r, 0, 0));
	PQclear(r);
	return good;
}

/* All of it; the transaction is open. */
static bool
bring_up(struct pg_conn *c, long *from_r, pst_said_fn said, void *arg,
    struct pst_error *err)
{
	int wanted = pg_schema_version();

	if (!exec_named(c, &take_lock, NULL, 0, err) || !make_schema(c, err) ||
	    !present_version(c, from_r, err))
		return false;
	if (*from_r > wanted) {
		(void)pst_fail(err, PST_E_PERM, 0,
		    "the schema \"%s\" has version %ld, newer than the %d that "
		    "this server knows: install a newer one",
		    c->store->config.schema, *from_r, wanted);
		return false;
	}
	for (long v = *from_r; v < wanted; v++)
		if (!step(c, v, err))
			return false;
	return make_text_index(c, said, arg, err) &&
	       (*c->store->config.init_conninfo == '\0' || grant(c, err));
}

enum pst_rc
pg_migrate(struct pst_store *s, const char *conninfo, pst_said_fn said,
    void *arg, struct pst_error *err)
{
	int wanted = pg_schema_version();
	struct pg_conn *c;
	long from = 0;
	enum pst_rc rc = pg_conn_open(s, conninfo, false, &c, err);

	if (rc != PST_OK)
		return rc;
	/* Tables of any size may have to be changed. */
	if (PQsetnonblocking(c->pg, 0) < 0 ||
	    !exec(c,
		"SET statement_timeout = 0;"
		"SET idle_in_transaction_session_timeout = 0; BEGIN",
		err) ||
	    !bring_up(c, &from, said, arg, err) || !exec(c, "COMMIT", err))
		rc = err->rc;
	pg_conn_close(&c);
	if (rc == PST_OK && from == wanted)
		say(said, arg, "schema %s: version %d, nothing to do",
		    s->config.schema, wanted);
	else if (rc == PST_OK && from == 0)
		say(said, arg, "schema %s: made, version %d", s->config.schema,
		    wanted);
	else if (rc == PST_OK)
		say(said, arg, "schema %s: brought from version %ld to %d",
		    s->config.schema, from, wanted);
	return rc;
}
