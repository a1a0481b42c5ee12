/*
 * account/auth.c - user and password checked, between the brake and the memory
 * of good passwords. Whether a user exists shows in neither the answer nor the
 * time that it takes.
 */
#include "account/auth.h"

#include "account/private.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

static enum auth_result
check_prepared(struct accounts *a, const struct config *cfg,
    enum auth_scope scope, const struct account_credentials *who,
    const char *prepared)
{
	const char *hash = who->keys.hash[0] != '\0' ? who->keys.hash : NULL;
	const unsigned own = AUTH_WEB | AUTH_ACCOUNT;

	if ((scope & own) == 0 && who->user.enabled) {
		enum auth_result result = account_app_check(
		    a, cfg, scope, who, prepared);

		if (result != AUTH_FAILED)
			return result;
	}
	if ((scope & own) == 0 && who->user.app_only)
		hash = NULL;
	if (scope != AUTH_WEB && who->user.has_factor)
		hash = NULL;

	if (who->user.enabled && hash != NULL && cfg->auth.cache_time > 0 &&
	    account_cache_has(a->cache, who, prepared))
		return AUTH_OK;
	if (!account_password_check(cfg, prepared, hash) || !who->user.enabled)
		return AUTH_FAILED;
	account_cache_put(a->cache, who, prepared, cfg->auth.cache_time);
	return AUTH_OK;
}

/* `name` NULL: not an address, so nobody's. */
static enum auth_result
check(struct accounts *a, const struct config *cfg, enum auth_scope scope,
    const char *name, struct pst_str password, struct account_user *user_r)
{
	struct account_credentials who;
	char prepared[ACCOUNT_PASSWORD + 1];
	struct pst_error err;
	enum auth_result result;
	enum pst_rc rc = PST_E_NOTFOUND;

	memset(&who, 0, sizeof(who));
	if (name != NULL)
		rc = account_credentials(a, name, &who, &err);
	if (rc != PST_OK && rc != PST_E_NOTFOUND) {
		log_failure(PST_LOG_ERROR, 0, "accounts", &err);
		return AUTH_TEMP;
	}
	/* What cannot be a password is hashed as "", which is nobody's. */
	(void)account_password_prepare(password, prepared);
	result = check_prepared(a, cfg, scope, &who, prepared);
	if (result == AUTH_OK)
		*user_r = who.user;
	gnutls_memset(prepared, 0, sizeof(prepared));
	gnutls_memset(&who, 0, sizeof(who));
	return result;
}

enum auth_result
auth_password(struct accounts *a, enum auth_scope scope, const char *peer,
    struct pst_str user, struct pst_str password, struct account_user *user_r,
    int64_t *delay_r)
{
	struct account_settings *s = account_settings_take(a);
	char name[ACCOUNT_ADDRESS];
	const char *who = NULL;
	enum auth_result result;

	memset(user_r, 0, sizeof(*user_r));
	if (account_login_name(user, s->first_domain, name))
		who = name;
	if (account_brake_blocks(a->brake, s->cfg, peer, who, delay_r)) {
		result = AUTH_BLOCKED;
	} else {
		result = check(a, s->cfg, scope, who, password, user_r);
		/* Of a hundred guesses made at once, those which come after the
		 * block hear nothing more. */
		if (result == AUTH_OK &&
		    account_brake_blocks(a->brake, s->cfg, peer, who, delay_r))
			result = AUTH_BLOCKED;
	}
	if (result == AUTH_FAILED)
		*delay_r = account_brake_failed(
		    a->brake, s->cfg, peer, who, password);
	if (result != AUTH_OK)
		memset(user_r, 0, sizeof(*user_r));
	else if (!user_r->has_factor || scope != AUTH_WEB)
		account_brake_passed(a->brake, peer, name);
	account_settings_give(a, &s);
	return result;
}

enum pst_rc
auth_mark(struct accounts *a, const char *user, char mark_r[AUTH_MARK],
    struct pst_error *err)
{
	struct account_credentials who;
	unsigned char digest[32] = { 0 };
	enum pst_rc rc;

	memset(&who, 0, sizeof(who));
	rc = account_credentials(a, user, &who, err);
	if (rc == PST_OK && who.user.has_factor)
		rc = pst_fail(err, PST_E_NOTFOUND, 0, "a second factor is on");
	(void)gnutls_hash_fast(
	    GNUTLS_DIG_SHA256, who.keys.hash, strlen(who.keys.hash), digest);
	hex_encode(digest, AUTH_MARK / 2, mark_r);
	gnutls_memset(&who, 0, sizeof(who));
	return rc;
}

bool
auth_is_blocked(
    struct accounts *a, const char *peer, const char *user, int64_t *delay_r)
{
	struct account_settings *s = account_settings_take(a);
	bool blocked = account_brake_blocks(
	    a->brake, s->cfg, peer, user, delay_r);

	account_settings_give(a, &s);
	return blocked;
}

int64_t
auth_failed(struct accounts *a, const char *peer, const char *user)
{
	struct account_settings *s = account_settings_take(a);
	int64_t delay = account_brake_failed(
	    a->brake, s->cfg, peer, user, STR_NONE);

	account_settings_give(a, &s);
	return delay;
}

void
auth_passed(struct accounts *a, const char *peer, const char *user)
{
	account_brake_passed(a->brake, peer, user);
}

size_t
auth_blocked(struct accounts *a)
{
	return account_brake_blocked(a->brake);
}

bool
auth_unblock(struct accounts *a, const char *peer_or_user)
{
	struct account_settings *s = account_settings_take(a);
	char name[ACCOUNT_ADDRESS];
	bool lifted = account_brake_lift(a->brake, peer_or_user, NULL);

	if (account_login_name(str_of(peer_or_user), s->first_domain, name) &&
	    account_brake_lift(a->brake, NULL, name))
		lifted = true;
	account_settings_give(a, &s);
	return lifted;
}
