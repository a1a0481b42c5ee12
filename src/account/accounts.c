/*
 * account/accounts.c - opening the accounts, and the settings in force: the
 * configuration with its domains in normalised form, replaced as a whole by a
 * reload.
 */
#include "account/private.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include <gnutls/gnutls.h>
#include <stdlib.h>

static int
compare_domains(const void *a, const void *b)
{
	return strcmp(a, b);
}

static struct account_settings *
settings_new(struct config *cfg)
{
	struct account_settings *s = mem_alloc(sizeof(*s));
	size_t n = cfg->domains.n;

	s->cfg = config_ref(cfg);
	s->refs = 1;
	s->domain = mem_array(n, sizeof(s->domain[0]));
	for (size_t i = 0; i < n; i++) {
		char *to = s->domain[s->domains];

		if (!account_clean_domain(str_of(cfg->domains.v[i]), to)) {
			log_text(PST_LOG_ERROR, 0, "accounts",
			    "domains: \"%s\" is not a domain and is left out",
			    cfg->domains.v[i]);
			continue;
		}
		if (s->domains++ == 0)
			(void)str_copy(s->first_domain, sizeof(s->first_domain),
			    str_of(to));
	}
	qsort(s->domain, s->domains, sizeof(s->domain[0]), compare_domains);
	return s;
}

struct account_settings *
account_settings_take(struct accounts *a)
{
	struct account_settings *s;

	(void)pthread_mutex_lock(&a->lock);
	s = a->settings;
	s->refs++;
	(void)pthread_mutex_unlock(&a->lock);
	return s;
}

void
account_settings_give(struct accounts *a, struct account_settings **s)
{
	struct account_settings *given = *s;
	bool last;

	*s = NULL;
	if (given == NULL)
		return;
	(void)pthread_mutex_lock(&a->lock);
	last = --given->refs == 0;
	(void)pthread_mutex_unlock(&a->lock);
	if (!last)
		return;
	config_unref(&given->cfg);
	free(given->domain);
	free(given);
}

bool
account_is_configured(const struct account_settings *s, const char *domain)
{
	return bsearch(domain, s->domain, s->domains, sizeof(s->domain[0]),
		   compare_domains) != NULL;
}

void
accounts_reconfigure(struct accounts *a, struct config *cfg)
{
	struct account_settings *next = settings_new(cfg), *last;

	(void)pthread_mutex_lock(&a->lock);
	last = a->settings;
	a->settings = next;
	(void)pthread_mutex_unlock(&a->lock);
	account_settings_give(a, &last);
}

/* Made once, with the file: a salt that changed would tell that it was fake. */
static enum pst_rc
load_secret(struct accounts *a, struct pst_error *err)
{
	struct account_conn *c = account_db_write(a->db, err);
	sqlite3_stmt *stmt;
	enum pst_rc rc;

	if (c == NULL)
		return PST_E_TEMP;
	stmt = account_query(c, Q_SECRET_GET, err, "");
	rc = account_query_row(c, stmt, err);
	if (rc == PST_OK) {
		const void *value = sqlite3_column_blob(stmt, 0);

		if (sqlite3_column_bytes(stmt, 0) == sizeof(a->secret))
			memcpy(a->secret, value, sizeof(a->secret));
		else
			rc = pst_fail(err, PST_E_PERM, 0,
			    "accounts: the secret in the database is damaged");
	}
	account_query_done(&stmt);
	if (rc == PST_E_NOTFOUND) {
		random_bytes(a->secret, sizeof(a->secret));
		rc = account_run(
		    c, Q_SECRET_PUT, err, "b", a->secret, sizeof(a->secret));
	}
	return account_db_write_done(a->db, &c, rc, err);
}

static struct account_db *
open_database(const struct config *cfg, struct pst_error *err)
{
	struct buf path;
	struct account_db *db = NULL;

	buf_init(&path, 4096);
	if (cfg->accounts.path != NULL && cfg->accounts.path[0] != '\0')
		(void)buf_puts(&path, cfg->accounts.path);
	else
		(void)buf_printf(&path, "%s/accounts.db", cfg->state_dir);
	if (buf_putc(&path, '\0'))
		db = account_db_open(path.p, cfg->user, err);
	else
		(void)pst_fail(err, PST_E_LIMIT, 0,
		    "accounts.path: longer than a path may be");
	buf_fini(&path);
	return db;
}

struct accounts *
accounts_open(struct config *cfg, struct pst_error *err)
{
	struct accounts *a = mem_alloc(sizeof(*a));

	(void)pthread_mutex_init(&a->lock, NULL);
	a->settings = settings_new(cfg);
	a->brake = account_brake_new();
	a->cache = account_cache_new();
	a->gsasl = account_sasl_init();
	if (a->gsasl == NULL)
		(void)pst_fail(err, PST_E_PERM, 0,
		    "libgsasl cannot be used: no SCRAM-SHA-256");
	else
		a->db = open_database(cfg, err);
	if (a->db == NULL || load_secret(a, err) != PST_OK)
		accounts_close(&a);
	return a;
}

void
accounts_close(struct accounts **a)
{
	if (*a == NULL)
		return;
	account_db_close(&(*a)->db);
	if ((*a)->gsasl != NULL)
		gsasl_done((*a)->gsasl);
	account_cache_free(&(*a)->cache);
	account_brake_free(&(*a)->brake);
	account_settings_give(*a, &(*a)->settings);
	(void)pthread_mutex_destroy(&(*a)->lock);
	gnutls_memset((*a)->secret, 0, sizeof((*a)->secret));
	free(*a);
	*a = NULL;
}
