/*
 * account/recovery.c - see recovery.h. They are rows of the table of
 * credentials: the first letters of a code find its row. "scopes" is MARKED in
 * all of a set when one of it has set a password.
 */
#include "account/recovery.h"

#include "account/private.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

enum { ID = 4, MARKED = 1 };

static const char kind[] = "recovery";

struct key {
	char id[ID + 1];
	char hash[65];
};

/* Of the user, so that nobody tries one guess on all. */
static bool
key_of(const char *user, const char *code, struct key *k)
{
	char plain[ACCOUNT_CODE + 1];
	char all[ACCOUNT_ADDRESS + ACCOUNT_CODE + 1];
	unsigned char digest[32];
	int n;
	bool ok = account_code_read(code, plain);

	if (ok) {
		n = snprintf(all, sizeof(all), "%s %s", user, plain);
		ok = gnutls_hash_fast(
			 GNUTLS_DIG_SHA256, all, (size_t)n, digest) >= 0;
		gnutls_memset(all, 0, sizeof(all));
	}
	if (ok) {
		(void)str_copy(k->id, sizeof(k->id), str_n(plain, ID));
		hex_encode(digest, sizeof(digest), k->hash);
	}
	gnutls_memset(plain, 0, sizeof(plain));
	return ok;
}

/* --- a set ------------------------------------------------------------------
 */

/* The codes of a set differ in what finds them. */
static void
make_codes(struct recovery_set *set)
{
	char plain[ACCOUNT_CODE + 1];

	for (size_t i = 0; i < RECOVERY_CODES; i++) {
		bool is_new = true;

		account_code_make(plain);
		account_code_show(plain, set->code[i]);
		for (size_t k = 0; k < i; k++)
			if (memcmp(set->code[k], plain, ID) == 0)
				is_new = false;
		if (!is_new)
			i--;
	}
	gnutls_memset(plain, 0, sizeof(plain));
}

enum pst_rc
account_recovery_replace(struct account_conn *c, const char *user,
    struct recovery_set *set_r, struct pst_error *err)
{
	int64_t now = clock_seconds();
	enum pst_rc rc = account_run(c, Q_USER, err, "t", user);
	struct key k;

	if (rc == PST_E_NOTFOUND)
		return account_no_such_user(rc, user, err);
	if (rc == PST_OK)
		rc = account_run(
		    c, Q_CREDENTIAL_FORGET_KIND, err, "tt", user, kind);
	if (rc == PST_E_NOTFOUND)
		rc = PST_OK;
	make_codes(set_r);
	for (size_t i = 0; rc == PST_OK && i < RECOVERY_CODES; i++) {
		if (!key_of(user, set_r->code[i], &k))
			return pst_fail(err, PST_E_TEMP, 0, "no hash");
		rc = account_run(c, Q_CREDENTIAL_ADD, err, "tttttiiiii", user,
		    kind, k.id, "", k.hash, (int64_t)0, now, (int64_t)0,
		    (int64_t)0, (int64_t)0);
	}
	return rc;
}

enum pst_rc
account_recovery_first(struct account_conn *c, const char *user,
    struct recovery_set *set_r, bool *has_set_r, struct pst_error *err)
{
	bool on = false;
	enum pst_rc rc = account_factor_is_on(c, user, &on, err);

	*has_set_r = false;
	if (rc != PST_OK || on)
		return rc;
	rc = account_recovery_replace(c, user, set_r, err);
	*has_set_r = rc == PST_OK;
	return rc;
}

enum pst_rc
recovery_make(struct accounts *a, const char *user, struct recovery_set *set_r,
    struct pst_error *err)
{
	char clean[ACCOUNT_ADDRESS];
	struct account_conn *c;
	enum pst_rc rc;

	memset(set_r, 0, sizeof(*set_r));
	if (!account_normalise(str_of(user), clean))
		return account_no_such_user(PST_E_NOTFOUND, user, err);
	c = account_db_write(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	rc = account_recovery_replace(c, clean, set_r, err);
	rc = account_db_write_done(&c, rc, err);
	if (rc != PST_OK)
		recovery_wipe(set_r);
	return rc;
}

void
recovery_wipe(struct recovery_set *set)
{
	gnutls_memset(set, 0, sizeof(*set));
}

/* --- one of them ------------------------------------------------------------
 */

enum auth_result
account_recovery_check(struct accounts *a, const char *user, const char *code)
{
	struct account_conn *c;
	struct pst_error err = { 0 };
	struct key k;
	enum pst_rc rc;

	if (!key_of(user, code, &k))
		return AUTH_FAILED;
	c = account_db_write(a->db, &err);
	if (c != NULL) {
		rc = account_run(c, Q_RECOVERY_TAKE, &err, "ttti", user, k.id,
		    k.hash, (int64_t)0);
		rc = account_db_write_done(&c, rc, &err);
	} else {
		rc = PST_E_TEMP;
	}
	if (rc == PST_OK)
		return AUTH_OK;
	if (rc == PST_E_NOTFOUND)
		return AUTH_FAILED;
	log_failure(PST_LOG_ERROR, 0, "accounts", &err);
	return AUTH_TEMP;
}

enum pst_rc
account_factor_shown(
    struct account_conn *c, const char *user, struct pst_error *err)
{
	enum pst_rc rc = account_run(
	    c, Q_CREDENTIAL_SCOPES, err, "tti", user, kind, (int64_t)0);

	return rc == PST_E_NOTFOUND ? PST_OK : rc;
}

/* The code, the password and the mark on the others: all or nothing. */
static enum pst_rc
exchange(struct account_conn *c, const char *user, const struct key *k,
    const struct account_keys *keys, struct pst_error *err)
{
	enum pst_rc rc = account_run(c, Q_RECOVERY_TAKE, err, "ttti", user,
	    k->id, k->hash, (int64_t)MARKED);

	if (rc == PST_OK)
		rc = account_put_password(c, user, keys, err);
	if (rc != PST_OK)
		return rc;
	rc = account_run(
	    c, Q_CREDENTIAL_SCOPES, err, "tti", user, kind, (int64_t)MARKED);
	return rc == PST_E_NOTFOUND ? PST_OK : rc;
}

/* The hash is made for everybody, so that it takes the same time. */
static enum auth_result
set_password(struct accounts *a, const struct config *cfg, const char *name,
    const char *code, struct pst_str password, struct account_user *user_r)
{
	struct account_keys keys = { .hash = "" };
	struct pst_error err = { 0 };
	struct account_conn *c;
	struct key k;
	enum pst_rc rc = account_password_keys(cfg, password, &keys, &err);

	if (rc == PST_OK && (name == NULL || !key_of(name, code, &k)))
		rc = PST_E_NOTFOUND;
	if (rc == PST_OK) {
		rc = account_find(a, name, user_r, &err);
		/* Looked for all the same: nobody's code is "". */
		if (rc == PST_E_NOTFOUND || !user_r->enabled)
			k.hash[0] = '\0';
		if (rc == PST_E_NOTFOUND)
			rc = PST_OK;
	}
	if (rc == PST_OK) {
		c = account_db_write(a->db, &err);
		rc = PST_E_TEMP;
		if (c != NULL)
			rc = account_db_write_done(
			    &c, exchange(c, name, &k, &keys, &err), &err);
	}
	gnutls_memset(&keys, 0, sizeof(keys));
	if (rc == PST_OK)
		return AUTH_OK;
	if (rc == PST_E_NOTFOUND)
		return AUTH_FAILED;
	log_failure(PST_LOG_ERROR, 0, "accounts", &err);
	return AUTH_TEMP;
}

enum auth_result
recovery_set_password(struct accounts *a, const char *peer, struct pst_str user,
    const char *code, struct pst_str password, struct account_user *user_r,
    int64_t *delay_r)
{
	struct account_settings *s = account_settings_take(a);
	char name[ACCOUNT_ADDRESS];
	const char *who = NULL;
	enum auth_result result;

	memset(user_r, 0, sizeof(*user_r));
	if (account_login_name(user, s->first_domain, name))
		who = name;
	if (account_brake_blocks(a->brake, s->cfg, peer, who, delay_r))
		result = AUTH_BLOCKED;
	else
		result = set_password(a, s->cfg, who, code, password, user_r);
	if (result == AUTH_FAILED)
		*delay_r = account_brake_failed(
		    a->brake, s->cfg, peer, who, STR_NONE);
	if (result != AUTH_OK)
		memset(user_r, 0, sizeof(*user_r));
	account_settings_give(a, &s);
	return result;
}
