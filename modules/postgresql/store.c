/*
 * store.c - the store as a whole: opening it, also while the database is away,
 * and its schema.
 */
#include "postgresql.h"

enum { HEALTH_MS = 2000 }; /* that the database may take to answer */

int64_t
pg_now(const struct pst_store *s)
{
	return s->host->now() / 1000000;
}

void
store_take_prefix(struct pst_store *s, const char *prefix)
{
	pthread_mutex_lock(&s->lock);
	if (s->prefix[0] == '\0')
		(void)snprintf(s->prefix, sizeof(s->prefix), "%s", prefix);
	pthread_mutex_unlock(&s->lock);
}

static void
store_init(struct pst_store *s, const struct pst_host *host)
{
	*s = (struct pst_store){ .host = host, .hub.wake = -1 };
	(void)pthread_mutex_init(&s->lock, NULL);
	pg_pool_init(&s->pool);
}

static void
store_fini(struct pst_store *s)
{
	pg_pool_fini(&s->pool);
	(void)pthread_mutex_destroy(&s->lock);
}

static void
said_to_log(void *arg, const char *text)
{
	struct pst_store *s = arg;

	s->host->log(PST_LOG_INFO, "%s", text);
}

static const char *
init_conninfo(const struct pg_config *c)
{
	return *c->init_conninfo != '\0' ? c->init_conninfo : c->conninfo;
}

/* The first connection tells whether the schema is good. A database that is
 * away is none: the server starts, and works when it is back. */
static enum pst_rc
first_connection(struct pst_store *s, struct pst_error *err)
{
	struct pg_conn *c;
	enum pst_rc rc = PST_OK;

	if (s->config.init_at_open)
		rc = pg_migrate(
		    s, init_conninfo(&s->config), said_to_log, s, err);
	if (rc == PST_OK)
		rc = pg_conn_open(s, s->config.conninfo, true, &c, err);
	if (rc == PST_OK)
		pg_conn_close(&c);
	else if (rc == PST_E_TEMP)
		s->host->log(
		    PST_LOG_WARNING, "the database is away: %s", err->detail);
	return rc == PST_E_TEMP ? PST_OK : rc;
}

void
pg_close(struct pst_store *s)
{
	sweep_stop(s);
	hub_stop(s);
	store_fini(s);
	free(s);
}

enum pst_rc
pg_open(const struct pst_host *host, const struct pst_section *section,
    struct pst_store **store_r, struct pst_error *err)
{
	struct pst_store *s = pg_grow(NULL, 1, sizeof(*s));
	enum pst_rc rc;

	store_init(s, host);
	rc = pg_config_read(&s->config, host, section, err);
	if (rc == PST_OK)
		rc = first_connection(s, err);
	if (rc != PST_OK) {
		store_fini(s);
		free(s);
		return rc;
	}
	rc = hub_start(s, err);
	if (rc == PST_OK)
		rc = sweep_start(s, err);
	if (rc != PST_OK) {
		pg_close(s);
		return rc;
	}
	*store_r = s;
	return PST_OK;
}

enum pst_rc
pg_init(const struct pst_host *host, const struct pst_section *section,
    pst_said_fn said, void *arg, struct pst_error *err)
{
	struct pst_store s;
	enum pst_rc rc;

	store_init(&s, host);
	rc = pg_config_read(&s.config, host, section, err);
	if (rc == PST_OK)
		rc = pg_migrate(&s, init_conninfo(&s.config), said, arg, err);
	store_fini(&s);
	return rc;
}

/* --- health ----------------------------------------------------------------
 */

static enum pst_rc
send_one(struct pg_conn *c, void *arg, struct pst_error *err)
{
	(void)arg;
	(void)err;
	c->answer_ms = HEALTH_MS;
	(void)pg_send(c, PG_S_ONE, NULL);
	return PST_OK;
}

static enum pst_rc
take_one(struct pg_conn *c, void *arg, struct pst_error *err)
{
	PGresult *r = pg_take(c, err);

	(void)arg;
	PQclear(r);
	c->answer_ms = 0;
	return r ? PST_OK : err->rc;
}

enum pst_rc
pg_health(struct pst_store *s, struct pst_error *err)
{
	const struct pg_job job = {
		.mode = PG_READ, .send = send_one, .take = take_one
	};

	return pg_run(s, &job, NULL, err);
}
