/*
 * account/apps.c - see apps.h. The id in front of the secret says which hash to
 * compare with, so a login costs one hash, however many there are.
 */
#include "account/apps.h"

#include "account/private.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include <gnutls/gnutls.h>
#include <stdlib.h>

enum {
	ID = 4,
	TRIES = 8,   /* to find an id that is free */
	TOUCH = 300, /* seconds between notes of a use */
};

static const char kind[] = "app";
static const struct {
	unsigned scope;
	const char *name;
} scopes_known[] = {
	{ AUTH_IMAP, "imap" },
	{ AUTH_POP3, "pop3" },
	{ AUTH_SMTP, "smtp" },
	{ AUTH_JMAP, "jmap" },
	{ AUTH_SIEVE, "sieve" },
};

unsigned
app_scope(const char *name)
{
	for (size_t i = 0; i < sizeof(scopes_known) / sizeof(*scopes_known);
	     i++)
		if (strcmp(scopes_known[i].name, name) == 0)
			return scopes_known[i].scope;
	return 0;
}

const char *
app_scope_name(unsigned scope)
{
	for (size_t i = 0; i < sizeof(scopes_known) / sizeof(*scopes_known);
	     i++)
		if (scopes_known[i].scope == scope)
			return scopes_known[i].name;
	return "";
}

/* --- making one -------------------------------------------------------------
 */

static void
take_count(void *arg, const struct pst_value *row, size_t n)
{
	(void)n;
	*(int64_t *)arg = row[0].integer;
}

static enum pst_rc
insert(struct account_conn *c, const char *user, const struct app_password *p,
    const char *hash, struct pst_error *err)
{
	int64_t have = 0;
	enum pst_rc rc = account_run(c, Q_USER, err, "t", user);

	if (rc == PST_E_NOTFOUND)
		return account_no_such_user(rc, user, err);
	if (rc == PST_OK)
		rc = account_rows(c, Q_CREDENTIAL_COUNT, take_count, &have, err,
		    "tt", user, kind);
	if (rc == PST_OK && have >= APP_PASSWORDS)
		return pst_fail(err, PST_E_LIMIT, 0,
		    "%.200s: has %d app passwords already", user,
		    APP_PASSWORDS);
	if (rc == PST_OK)
		rc = account_run(c, Q_CREDENTIAL_ADD, err, "tttttiiiii", user,
		    kind, p->id, p->name, hash, (int64_t)p->scopes, p->created,
		    (int64_t)0, (int64_t)0, (int64_t)0);
	return rc;
}

/* EXISTS: the id is taken. */
static enum pst_rc
try_add(struct accounts *a, const char *user, struct app_password *p,
    char secret_r[APP_PASSWORD], struct pst_error *err)
{
	char plain[ACCOUNT_CODE + 1], hash[CRYPT_OUTPUT_SIZE];
	struct account_settings *s = account_settings_take(a);
	struct account_conn *c;
	bool hashed;

	account_code_make(plain);
	hashed = account_password_hash(s->cfg, plain, hash);
	account_settings_give(a, &s);
	(void)str_copy(p->id, sizeof(p->id), str_n(plain, ID));
	account_code_show(plain, secret_r);
	gnutls_memset(plain, 0, sizeof(plain));
	if (!hashed)
		return pst_fail(
		    err, PST_E_TEMP, 0, "the password cannot be hashed");
	c = account_db_write(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	return account_db_write_done(&c, insert(c, user, p, hash, err), err);
}

enum pst_rc
app_password_add(struct accounts *a, const char *user, const char *name,
    unsigned scopes, struct app_password *made_r, char secret_r[APP_PASSWORD],
    struct pst_error *err)
{
	char clean[ACCOUNT_ADDRESS];
	enum pst_rc rc = PST_E_EXISTS;

	memset(made_r, 0, sizeof(*made_r));
	secret_r[0] = '\0';
	if (!account_normalise(str_of(user), clean))
		return account_no_such_user(PST_E_NOTFOUND, user, err);
	if (!account_is_label(name))
		return pst_fail(err, PST_E_SYNTAX, 0,
		    "an app password has a name of 1 to 128 octets");
	if (scopes == 0 || (scopes & ~(unsigned)APP_SCOPES) != 0)
		return pst_fail(err, PST_E_SYNTAX, 0,
		    "an app password is for imap, pop3, smtp, jmap or "
		    "sieve");
	(void)str_copy(made_r->name, sizeof(made_r->name), str_of(name));
	made_r->scopes = scopes;
	made_r->created = clock_seconds();
	for (int i = 0; i < TRIES && rc == PST_E_EXISTS; i++)
		rc = try_add(a, clean, made_r, secret_r, err);
	if (rc != PST_OK)
		gnutls_memset(secret_r, 0, APP_PASSWORD);
	return rc;
}

/* --- changing and listing ---------------------------------------------------
 */

enum pst_rc
app_password_delete(
    struct accounts *a, const char *user, const char *id, struct pst_error *err)
{
	char clean[ACCOUNT_ADDRESS];
	struct account_conn *c;
	enum pst_rc rc = PST_E_NOTFOUND;

	if (account_normalise(str_of(user), clean)) {
		c = account_db_write(a->db, err);
		if (c == NULL)
			return PST_E_TEMP;
		rc = account_run(
		    c, Q_CREDENTIAL_DELETE, err, "ttt", clean, kind, id);
		rc = account_db_write_done(&c, rc, err);
	}
	if (rc == PST_E_NOTFOUND)
		return pst_fail(err, rc, 0,
		    "%.200s: there is no app password \"%.20s\"", user, id);
	return rc;
}

/* A row of the tables. */
struct kept {
	struct app_password p;
	char hash[CRYPT_OUTPUT_SIZE];
};

struct kept_list {
	struct kept kept[APP_PASSWORDS];
	size_t n;
};

static void
take_kept(void *arg, const struct pst_value *row, size_t n)
{
	struct kept_list *to = arg;
	struct kept *k = &to->kept[to->n];

	(void)n;
	if (to->n == APP_PASSWORDS)
		return;
	memset(k, 0, sizeof(*k));
	account_value_text(&row[2], k->p.id, sizeof(k->p.id));
	account_value_text(&row[3], k->p.name, sizeof(k->p.name));
	account_value_text(&row[4], k->hash, sizeof(k->hash));
	k->p.scopes = (unsigned)row[5].integer & APP_SCOPES;
	k->p.created = row[6].integer;
	k->p.used = row[7].integer;
	to->n++;
}

enum pst_rc
app_password_each(struct accounts *a, const char *user,
    void (*fn)(void *arg, const struct app_password *p), void *arg,
    struct pst_error *err)
{
	char clean[ACCOUNT_ADDRESS];
	struct kept_list *found;
	struct account_conn *c;
	enum pst_rc rc;

	if (!account_normalise(str_of(user), clean))
		return account_no_such_user(PST_E_NOTFOUND, user, err);
	c = account_db_take(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	found = mem_alloc(sizeof(*found));
	found->n = 0;
	rc = account_rows(
	    c, Q_CREDENTIALS_OF_KIND, take_kept, found, err, "tt", clean, kind);
	account_db_give(&c);
	if (rc == PST_E_NOTFOUND)
		rc = PST_OK;
	for (size_t i = 0; rc == PST_OK && i < found->n; i++)
		fn(arg, &found->kept[i].p);
	gnutls_memset(found, 0, sizeof(*found));
	free(found);
	return rc;
}

/* --- logging in -------------------------------------------------------------
 */

/* A use that cannot be noted keeps nobody out. */
static void
note_use(struct accounts *a, const char *user, const struct app_password *p)
{
	int64_t now = clock_seconds();
	struct account_conn *c;
	struct pst_error err = { 0 };
	enum pst_rc rc;

	if (p->used > now - TOUCH)
		return;
	c = account_db_write(a->db, &err);
	if (c == NULL)
		return;
	rc = account_run(
	    c, Q_CREDENTIAL_USED, &err, "ttti", user, kind, p->id, now);
	rc = account_db_write_done(&c, rc, &err);
	if (rc != PST_OK && rc != PST_E_NOTFOUND)
		log_failure(PST_LOG_WARNING, 0, "accounts", &err);
}

/* The hash takes part in what is remembered, so who takes an app password away
 * need not tell anybody. */
static bool
is_right(struct accounts *a, const struct config *cfg,
    const struct account_credentials *who, const char *hash, const char *plain)
{
	struct account_credentials app = *who;
	bool right;

	(void)str_copy(app.keys.hash, sizeof(app.keys.hash), str_of(hash));
	right = cfg->auth.cache_time > 0 &&
		account_cache_has(a->cache, &app, plain);
	if (!right) {
		right = account_password_check(cfg, plain, hash);
		if (right)
			account_cache_put(
			    a->cache, &app, plain, cfg->auth.cache_time);
	}
	gnutls_memset(&app, 0, sizeof(app));
	return right;
}

bool
app_password_id(const char *password, char id_r[5])
{
	char plain[ACCOUNT_CODE + 1];
	bool is_one = account_code_read(password, plain);

	(void)str_copy(id_r, ID + 1, is_one ? str_n(plain, ID) : STR(""));
	gnutls_memset(plain, 0, sizeof(plain));
	return is_one;
}

enum pst_rc
app_password_holds(struct accounts *a, const char *user, const char *id,
    enum auth_scope scope, struct pst_error *err)
{
	struct kept_list *found;
	struct account_conn *c = account_db_take(a->db, err);
	enum pst_rc rc;

	if (c == NULL)
		return PST_E_TEMP;
	found = mem_alloc(sizeof(*found));
	rc = account_rows(
	    c, Q_CREDENTIAL, take_kept, found, err, "ttt", user, kind, id);
	account_db_give(&c);
	if (rc == PST_OK &&
	    (found->n != 1 || (found->kept[0].p.scopes & scope) == 0))
		rc = pst_fail(err, PST_E_NOTFOUND, 0, "no app password");
	gnutls_memset(found, 0, sizeof(*found));
	free(found);
	return rc;
}

enum auth_result
account_app_check(struct accounts *a, const struct config *cfg,
    enum auth_scope scope, const struct account_credentials *who,
    const char *prepared)
{
	char plain[ACCOUNT_CODE + 1], id[ID + 1];
	struct kept_list *found;
	struct account_conn *c;
	struct pst_error err;
	enum pst_rc rc;
	bool good = false;

	if (!account_code_read(prepared, plain))
		return AUTH_FAILED;
	(void)str_copy(id, sizeof(id), str_n(plain, ID));
	c = account_db_take(a->db, &err);
	if (c == NULL) {
		log_failure(PST_LOG_ERROR, 0, "accounts", &err);
		return AUTH_TEMP;
	}
	found = mem_alloc(sizeof(*found));
	found->n = 0;
	rc = account_rows(c, Q_CREDENTIAL, take_kept, found, &err, "ttt",
	    who->user.address, kind, id);
	account_db_give(&c);
	if (rc == PST_OK && found->n == 1)
		good = is_right(a, cfg, who, found->kept[0].hash, plain) &&
		       (found->kept[0].p.scopes & scope) != 0;
	if (good)
		note_use(a, who->user.address, &found->kept[0].p);
	gnutls_memset(found, 0, sizeof(*found));
	free(found);
	gnutls_memset(plain, 0, sizeof(plain));
	if (rc != PST_OK && rc != PST_E_NOTFOUND) {
		log_failure(PST_LOG_ERROR, 0, "accounts", &err);
		return AUTH_TEMP;
	}
	return good ? AUTH_OK : AUTH_FAILED;
}
