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
	const struct account_domain *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* Of the domain's block, when it has one. */
static void
set_storage(struct account_domain *to, const struct config *cfg)
{
	char name[ACCOUNT_DOMAIN];

	for (size_t i = 0; i < cfg->domain_blocks; i++) {
		const struct config_domain *d = &cfg->domain[i];

		if (account_clean_domain(str_of(d->name), name) &&
		    strcmp(name, to->name) == 0)
			(void)str_copy(to->storage, sizeof(to->storage),
			    str_of(d->storage));
	}
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
		struct account_domain *to = &s->domain[s->domains];

		if (!account_clean_domain(
			str_of(cfg->domains.v[i]), to->name)) {
			log_text(PST_LOG_ERROR, 0, "accounts",
			    "domains: \"%s\" is not a domain and is left out",
			    cfg->domains.v[i]);
			continue;
		}
		set_storage(to, cfg);
		if (s->domains++ == 0)
			(void)str_copy(s->first_domain, sizeof(s->first_domain),
			    str_of(to->name));
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

const struct account_domain *
account_find_configured(const struct account_settings *s, const char *domain)
{
	struct account_domain key = { .name = "" };

	(void)str_copy(key.name, sizeof(key.name), str_of(domain));
	return bsearch(
	    &key, s->domain, s->domains, sizeof(s->domain[0]), compare_domains);
}

bool
account_is_configured(const struct account_settings *s, const char *domain)
{
	return account_find_configured(s, domain) != NULL;
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

struct secret {
	unsigned char value[32];
	bool is_good;
};

static void
take_secret(void *arg, const struct pst_value *row, size_t n)
{
	struct secret *secret = arg;

	(void)n;
	secret->is_good = account_value_blob(&row[0], secret->value,
			      sizeof(secret->value)) == sizeof(secret->value);
}

static enum pst_rc
make_secret(struct accounts *a, struct pst_error *err)
{
	struct account_conn *c = account_db_write(a->db, err);
	unsigned char fresh[32];
	enum pst_rc rc;

	if (c == NULL)
		return PST_E_TEMP;
	random_bytes(fresh, sizeof(fresh));
	rc = account_run(c, Q_SECRET_PUT, err, "b", fresh, sizeof(fresh));
	gnutls_memset(fresh, 0, sizeof(fresh));
	if (rc == PST_E_NOTFOUND) /* another process made one meanwhile */
		rc = PST_OK;
	return account_db_write_done(&c, rc, err);
}

static enum pst_rc
read_secret(struct accounts *a, struct secret *secret_r, struct pst_error *err)
{
	struct account_conn *c = account_db_take(a->db, err);
	enum pst_rc rc;

	if (c == NULL)
		return err->rc;
	rc = account_rows(c, Q_SECRET_GET, take_secret, secret_r, err, "");
	account_db_give(&c);
	if (rc == PST_OK && !secret_r->is_good)
		rc = pst_fail(err, PST_E_PERM, 0,
		    "accounts: the secret in the database is damaged");
	return rc;
}

/* Made once, with the tables: a salt that changed would tell that it was
 * fake. */
static enum pst_rc
load_secret(struct accounts *a, struct pst_error *err)
{
	struct secret secret = { .is_good = false };
	enum pst_rc rc = read_secret(a, &secret, err);

	if (rc == PST_E_NOTFOUND) {
		rc = make_secret(a, err);
		if (rc == PST_OK)
			rc = read_secret(a, &secret, err);
	}
	if (rc == PST_OK) {
		(void)pthread_mutex_lock(&a->lock);
		memcpy(a->secret, secret.value, sizeof(a->secret));
		a->has_secret = true;
		(void)pthread_mutex_unlock(&a->lock);
	}
	gnutls_memset(&secret, 0, sizeof(secret));
	return rc;
}

enum pst_rc
account_secret(
    struct accounts *a, unsigned char secret_r[32], struct pst_error *err)
{
	struct pst_error why = { .rc = PST_OK };
	enum pst_rc rc = PST_OK;
	bool known;

	(void)pthread_mutex_lock(&a->lock);
	known = a->has_secret;
	(void)pthread_mutex_unlock(&a->lock);
	if (!known)
		rc = load_secret(a, &why);
	if (rc != PST_OK) {
		if (err != NULL)
			*err = why;
		return rc;
	}
	(void)pthread_mutex_lock(&a->lock);
	memcpy(secret_r, a->secret, sizeof(a->secret));
	(void)pthread_mutex_unlock(&a->lock);
	return PST_OK;
}

enum pst_rc
account_key(struct accounts *a, const char *purpose, unsigned char key_r[32],
    struct pst_error *err)
{
	unsigned char secret[32];
	enum pst_rc rc = account_secret(a, secret, err);

	if (rc == PST_OK)
		account_hmac(secret, purpose, strlen(purpose), key_r);
	explicit_bzero(secret, sizeof(secret));
	return rc;
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

/* All but the database. NULL: `err` says why. */
static struct accounts *
accounts_new(struct config *cfg, struct pst_error *err)
{
	struct accounts *a = mem_alloc(sizeof(*a));

	(void)pthread_mutex_init(&a->lock, NULL);
	a->settings = settings_new(cfg);
	a->brake = account_brake_new();
	a->cache = account_cache_new();
	a->gsasl = account_sasl_init();
	if (a->gsasl == NULL) {
		(void)pst_fail(err, PST_E_PERM, 0,
		    "libgsasl cannot be used: no SCRAM-SHA-256");
		accounts_close(&a);
	}
	return a;
}

struct accounts *
accounts_open(struct config *cfg, struct pst_error *err)
{
	struct accounts *a = accounts_new(cfg, err);

	if (a == NULL)
		return NULL;
	a->db = open_database(cfg, err);
	if (a->db == NULL || load_secret(a, err) != PST_OK)
		accounts_close(&a);
	return a;
}

struct accounts *
accounts_open_in(struct config *cfg, const char *name,
    const struct pst_database *lent, struct pst_error *err)
{
	struct accounts *a = accounts_new(cfg, err);
	enum pst_rc rc;

	if (a == NULL)
		return NULL;
	a->db = account_db_lent(name, lent);
	rc = load_secret(a, err);
	if (rc == PST_E_TEMP)
		log_failure(PST_LOG_ERROR, 0, "accounts", err);
	else if (rc != PST_OK)
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
