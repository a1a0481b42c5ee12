/*
 * account/resets.c - see resets.h. They are in the table of credentials; the
 * first letters of a code find its row.
 */
#include "account/resets.h"

#include "account/private.h"
#include "base/clock.h"
#include "base/str.h"
#include <gnutls/gnutls.h>

static enum pst_rc
no_such_code(struct pst_error *err)
{
	return pst_fail(
	    err, PST_E_NOTFOUND, 0, "this link was used, or is too old");
}

static enum pst_rc
insert(struct account_conn *c, const char *user,
    const struct account_code_key *k, int64_t expires, struct pst_error *err)
{
	/* The row of the user stays locked until the end. */
	enum pst_rc rc = account_run(c, Q_USER, err, "t", user);

	if (rc == PST_OK)
		rc = account_none_is_fine(
		    account_run(c, Q_RESET_FORGET, err, "t", user));
	if (rc == PST_OK)
		rc = account_run(c, Q_CREDENTIAL_ADD, err, "tttttiiiii", user,
		    "reset", k->id, "", k->hash, (int64_t)0, clock_seconds(),
		    (int64_t)0, expires, (int64_t)1);
	return rc;
}

enum pst_rc
reset_make(struct accounts *a, const char *user, int64_t expires,
    char code_r[RESET_CODE], struct pst_error *err)
{
	char plain[ACCOUNT_CODE + 1], clean[ACCOUNT_ADDRESS];
	struct account_code_key k;
	struct account_conn *c;
	enum pst_rc rc;

	if (!account_normalise(str_of(user), clean))
		return account_no_such_user(PST_E_NOTFOUND, user, err);
	account_code_make(plain);
	account_code_show(plain, code_r);
	if (!account_code_key(plain, &k))
		return pst_fail(err, PST_E_TEMP, 0, "no hash");
	gnutls_memset(plain, 0, sizeof(plain));
	c = account_db_write(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	rc = insert(c, clean, &k, expires, err);
	rc = account_db_write_done(&c, rc, err);
	return account_no_such_user(rc, clean, err);
}

static void
take_address(void *arg, const struct pst_value *row, size_t n)
{
	(void)n;
	account_value_text(&row[0], arg, ACCOUNT_ADDRESS);
}

static enum pst_rc
owner_of(struct account_conn *c, const struct account_code_key *k,
    char address_r[ACCOUNT_ADDRESS], struct pst_error *err)
{
	enum pst_rc rc = account_rows(c, Q_RESET, take_address, address_r, err,
	    "tti", k->id, k->hash, clock_seconds());

	return rc == PST_E_NOTFOUND ? no_such_code(err) : rc;
}

enum pst_rc
reset_find(struct accounts *a, const char *code, struct account_user *user_r,
    struct pst_error *err)
{
	char address[ACCOUNT_ADDRESS];
	struct account_code_key k;
	struct account_conn *c;
	enum pst_rc rc;

	if (!account_code_key(code, &k))
		return no_such_code(err);
	c = account_db_take(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	rc = owner_of(c, &k, address, err);
	account_db_give(&c);
	return rc == PST_OK ? account_find(a, address, user_r, err) : rc;
}

enum pst_rc
reset_use(struct accounts *a, const char *code, struct pst_str password,
    struct pst_error *err)
{
	struct account_keys keys = { .hash = "" };
	struct account_settings *s = account_settings_take(a);
	char address[ACCOUNT_ADDRESS];
	struct account_code_key k;
	struct account_conn *c = NULL;
	enum pst_rc rc = account_code_key(code, &k)
			     ? account_password_keys(
				   s->cfg, password, &keys, err)
			     : no_such_code(err);

	account_settings_give(a, &s);
	if (rc == PST_OK) {
		c = account_db_write(a->db, err);
		rc = c != NULL ? owner_of(c, &k, address, err) : PST_E_TEMP;
	}
	/* Of two who come at once, one removes the row. */
	if (rc == PST_OK) {
		rc = account_run(c, Q_RESET_TAKE, err, "tt", k.id, k.hash);
		if (rc == PST_E_NOTFOUND)
			rc = no_such_code(err);
	}
	if (rc == PST_OK)
		rc = account_put_password(c, address, &keys, err);
	if (c != NULL)
		rc = account_db_write_done(&c, rc, err);
	gnutls_memset(&keys, 0, sizeof(keys));
	return rc;
}
