/*
 * account/factors.c - see factors.h. The secret of an authenticator app is a
 * row of the table of credentials; "uses" there is the last step whose code was
 * taken, so that one code is good once, on whichever server it comes first.
 */
#include "account/factors.h"

#include "account/private.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include <gnutls/gnutls.h>

static const char kind[] = "totp";

/* Of account_factors' rows. */
enum { SCOPES = 5, CREATED = 6, USED = 7, USES = 9 };

/* --- what there is ----------------------------------------------------------
 */

static void
count_factor(void *arg, const struct pst_value *row, size_t n)
{
	struct factors *f = arg;
	char what[16];

	(void)n;
	account_value_text(&row[1], what, sizeof(what));
	if (strcmp(what, kind) == 0) {
		f->has_totp = true;
		f->totp_created = row[CREATED].integer;
		f->totp_used = row[USED].integer;
	} else if (strcmp(what, "passkey") == 0) {
		f->passkeys++;
		f->passkeys_asked |= row[SCOPES].integer != 0;
	} else {
		f->recovery++;
		f->recovery_counts |= row[SCOPES].integer == 0;
	}
}

enum pst_rc
factors_find(struct accounts *a, const char *user, struct factors *factors_r,
    struct pst_error *err)
{
	char clean[ACCOUNT_ADDRESS];
	struct account_conn *c;
	enum pst_rc rc;

	memset(factors_r, 0, sizeof(*factors_r));
	if (!account_normalise(str_of(user), clean))
		return account_no_such_user(PST_E_NOTFOUND, user, err);
	c = account_db_read(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	rc = account_rows(
	    c, Q_FACTORS, count_factor, factors_r, err, "t", clean);
	if (rc == PST_E_NOTFOUND)
		rc = account_no_such_user(
		    account_run(c, Q_USER, err, "t", clean), clean, err);
	account_db_read_done(&c);
	factors_r->is_on = factors_r->has_totp || factors_r->passkeys_asked;
	return rc;
}

enum pst_rc
account_factor_is_on(
    struct account_conn *c, const char *user, bool *on_r, struct pst_error *err)
{
	enum pst_rc rc = account_run(c, Q_FACTOR_ON, err, "t", user);

	*on_r = rc == PST_OK;
	return rc == PST_E_NOTFOUND ? PST_OK : rc;
}

/* --- the authenticator app --------------------------------------------------
 */

static enum pst_rc
insert(struct account_conn *c, const char *user, const char *secret,
    int64_t step, struct recovery_set *set_r, bool *has_set_r,
    struct pst_error *err)
{
	int64_t now = clock_seconds();
	enum pst_rc rc = account_run(c, Q_USER, err, "t", user);

	if (rc == PST_OK)
		rc = account_recovery_first(c, user, set_r, has_set_r, err);
	if (rc == PST_OK)
		rc = account_run(c, Q_CREDENTIAL_ADD, err, "tttttiiiii", user,
		    kind, "", "", secret, (int64_t)0, now, (int64_t)0,
		    (int64_t)0, step);
	if (rc == PST_E_EXISTS)
		return pst_fail(err, rc, 0,
		    "%.200s: has an authenticator app already", user);
	return rc;
}

enum pst_rc
factors_add_totp(struct accounts *a, const char *user, const char *secret,
    const char *code, struct recovery_set *set_r, bool *has_set_r,
    struct pst_error *err)
{
	char clean[ACCOUNT_ADDRESS];
	struct account_conn *c;
	int64_t step;
	enum pst_rc rc;

	*has_set_r = false;
	if (!account_normalise(str_of(user), clean))
		return account_no_such_user(PST_E_NOTFOUND, user, err);
	if (!totp_find(secret, code, clock_seconds(), 0, &step))
		return pst_fail(err, PST_E_DENIED, 0, "the code is wrong");
	c = account_db_write(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	rc = insert(c, clean, secret, step, set_r, has_set_r, err);
	rc = account_db_write_done(&c, rc, err);
	if (rc != PST_OK)
		*has_set_r = false;
	return rc;
}

static enum pst_rc
forget(struct accounts *a, const char *user, enum account_query q,
    const char *types, struct pst_error *err)
{
	char clean[ACCOUNT_ADDRESS];
	struct account_conn *c;
	enum pst_rc rc;

	if (!account_normalise(str_of(user), clean))
		return account_no_such_user(PST_E_NOTFOUND, user, err);
	c = account_db_write(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	rc = account_run(c, q, err, types, clean, kind);
	rc = account_db_write_done(&c, rc, err);
	if (rc == PST_E_NOTFOUND)
		return pst_fail(err, rc, 0, "%.200s: has none of that", clean);
	return rc;
}

enum pst_rc
factors_remove_totp(struct accounts *a, const char *user, struct pst_error *err)
{
	return forget(a, user, Q_CREDENTIAL_FORGET_KIND, "tt", err);
}

enum pst_rc
factors_reset(struct accounts *a, const char *user, struct pst_error *err)
{
	return forget(a, user, Q_FACTORS_FORGET, "t", err);
}

/* --- after the password -----------------------------------------------------
 */

struct app {
	char secret[TOTP_SECRET];
	int64_t step;
};

static void
take_app(void *arg, const struct pst_value *row, size_t n)
{
	struct app *app = arg;

	(void)n;
	account_value_text(&row[4], app->secret, sizeof(app->secret));
	app->step = row[USES].integer;
}

static enum pst_rc
read_app(struct accounts *a, const char *user, struct app *app_r,
    struct pst_error *err)
{
	struct account_conn *c = account_db_take(a->db, err);
	enum pst_rc rc;

	if (c == NULL)
		return PST_E_TEMP;
	rc = account_rows(
	    c, Q_CREDENTIAL, take_app, app_r, err, "ttt", user, kind, "");
	account_db_give(&c);
	return rc;
}

/* Of two who bring the same code one finds the step taken: NOTFOUND. */
static enum pst_rc
take_step(struct accounts *a, const char *user, const struct app *app,
    int64_t step, struct pst_error *err)
{
	struct account_conn *c = account_db_write(a->db, err);
	enum pst_rc rc;

	if (c == NULL)
		return PST_E_TEMP;
	rc = account_run(c, Q_CREDENTIAL_COUNTED, err, "tttiit", user, kind, "",
	    step, clock_seconds(), app->secret);
	if (rc == PST_OK)
		rc = account_factor_shown(c, user, err);
	return account_db_write_done(&c, rc, err);
}

static enum auth_result
check_app(struct accounts *a, const char *user, const char *code)
{
	struct app app = { .secret = "" };
	struct pst_error err = { 0 };
	enum pst_rc rc = read_app(a, user, &app, &err);
	int64_t step;

	if (rc == PST_OK)
		rc = totp_find(
			 app.secret, code, clock_seconds(), app.step, &step)
			 ? take_step(a, user, &app, step, &err)
			 : PST_E_NOTFOUND;
	gnutls_memset(&app, 0, sizeof(app));
	if (rc == PST_OK)
		return AUTH_OK;
	if (rc == PST_E_NOTFOUND)
		return AUTH_FAILED;
	log_failure(PST_LOG_ERROR, 0, "accounts", &err);
	return AUTH_TEMP;
}

enum auth_result
factors_check(struct accounts *a, const char *peer, const char *user,
    const char *code, bool *by_recovery_r, int64_t *delay_r)
{
	enum auth_result result;

	*by_recovery_r = !totp_is_code(code);
	if (auth_is_blocked(a, peer, user, delay_r))
		return AUTH_BLOCKED;
	result = *by_recovery_r ? account_recovery_check(a, user, code)
				: check_app(a, user, code);
	/* As with passwords: of many guesses made at once. */
	if (result == AUTH_OK && auth_is_blocked(a, peer, user, delay_r))
		result = AUTH_BLOCKED;
	if (result == AUTH_FAILED)
		*delay_r = auth_failed(a, peer, user);
	if (result == AUTH_OK)
		auth_passed(a, peer, user);
	return result;
}
