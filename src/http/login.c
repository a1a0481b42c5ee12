/*
 * http/login.c - who asks: a browser's session by its cookie, or in each
 * request user and password (RFC 7617), or a token that stands for both (RFC
 * 6750). The accounts remember a good password for a while, so that costs
 * little.
 */
#include "http/priv.h"

#include "account/apps.h"
#include "account/sessions.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"

enum { BASIC_MAX = 4096, FRESH = 1000000 /* microseconds */ };

static enum http_login
result_of(enum auth_result result)
{
	switch (result) {
	case AUTH_OK:
		return HTTP_LOGIN_DONE;
	case AUTH_FAILED:
	case AUTH_BLOCKED:
		return HTTP_LOGIN_FAILED;
	case AUTH_TEMP:
		break;
	}
	return HTTP_LOGIN_TEMP;
}

/* Who holds a password of a mail program has no business with the account, nor
 * has, where a second factor is on, who cannot be asked for it. */
static enum auth_scope
scope_of(const struct http_request *r)
{
	struct pst_str own = STR("/web/");

	return r->asked.path.n >= own.n &&
		       memcmp(r->asked.path.p, own.p, own.n) == 0
		   ? AUTH_ACCOUNT
		   : AUTH_JMAP;
}

static enum http_login
check(struct http_request *r, struct pst_str name, struct pst_str password,
    int64_t *delay_r)
{
	const struct services *sv = net_context(r->conn);
	struct account_user *user = arena_alloc(r->arena, sizeof(*user));
	enum http_login login;
	char text[256];

	if (!net_auth_allowed(r->conn))
		return HTTP_LOGIN_FAILED;
	login = result_of(auth_password(sv->accounts, scope_of(r),
	    net_peer(r->conn), name, password, user, delay_r));
	if (login == HTTP_LOGIN_DONE) {
		r->user = user;
		if (str_copy(text, sizeof(text), password))
			(void)app_password_id(text, r->app);
		explicit_bzero(text, sizeof(text));
	} else {
		(void)str_copy(text, sizeof(text), name);
		log_event(PST_LOG_WARNING, net_id(r->conn), "login-failed",
		    "user", text, "peer", net_peer(r->conn), "protocol", "http",
		    NULL);
	}
	return login;
}

static enum http_login
check_basic(struct http_request *r, struct pst_str value, int64_t *delay_r)
{
	enum http_login login = HTTP_LOGIN_FAILED;
	struct buf pair;
	size_t colon;

	buf_init(&pair, BASIC_MAX);
	if (base64_decode(value, &pair)) {
		colon = str_find(buf_str(&pair), ':');
		if (colon < pair.n)
			login = check(r, str_first(buf_str(&pair), colon),
			    str_from(buf_str(&pair), colon + 1), delay_r);
	}
	if (pair.p != NULL)
		explicit_bzero(pair.p, pair.n);
	buf_fini(&pair);
	return login;
}

static enum http_login
check_bearer(struct http_request *r, struct pst_str value, int64_t *delay_r)
{
	enum http_login login = HTTP_LOGIN_FAILED;
	struct app_token token;

	if (app_token_read(value, &token))
		login = check(
		    r, str_of(token.user), str_of(token.password), delay_r);
	explicit_bzero(&token, sizeof(token));
	return login;
}

/* Browsers show a window of their own for "Basic"; our client has one that is
 * better. */
void
http_challenge(struct http_request *r)
{
	struct pst_str given = http_head_field(&r->head, "Authorization");

	if (http_is_ours(r) || http_cookie(&r->head, HTTP_COOKIE).p != NULL)
		return;
	http_add(
	    r, "WWW-Authenticate", "Basic realm=\"mail\", charset=\"UTF-8\"");
	/* RFC 6750, 3.1: who gave no token hears of no error. */
	http_add(r, "WWW-Authenticate",
	    str_has_prefix_case(given, "Bearer ")
		? "Bearer realm=\"mail\", error=\"invalid_token\""
		: "Bearer realm=\"mail\"");
}

/* Other sites cannot send this field without asking first (CORS), which nobody
 * here answers. */
bool
http_is_ours(const struct http_request *r)
{
	return http_head_field(&r->head, HTTP_OURS_FIELD).p != NULL;
}

/* A browser says that another site asks (W3C Fetch Metadata). */
static bool
is_foreign(const struct http_request *r)
{
	struct pst_str site = http_head_field(&r->head, "Sec-Fetch-Site");

	return site.p != NULL && !str_is(site, "same-origin") &&
	       !str_is(site, "none");
}

/* Browsers add a password that they know to what any page sends. */
static bool
has_foreign_origin(const struct http_request *r)
{
	struct pst_str origin = http_head_field(&r->head, "Origin");

	return origin.p != NULL && !http_is_own_page(r, origin);
}

/* What changes something is believed only from our own client. */
static bool
is_safe(const struct http_request *r)
{
	if (is_foreign(r))
		return false;
	return str_is(r->head.method, "GET") || r->asked.is_head ||
	       http_is_ours(r);
}

static enum http_login
check_cookie(struct http_request *r, struct pst_str token)
{
	const struct services *sv = net_context(r->conn);
	struct account_user *user = arena_alloc(r->arena, sizeof(*user));
	struct session_info session;
	struct pst_error err = { 0 };
	enum pst_rc rc;

	if (!is_safe(r) || !net_auth_allowed(r->conn))
		return HTTP_LOGIN_NONE;
	rc = session_find(sv->accounts, token, &session, &err);
	if (rc == PST_OK)
		rc = account_find(sv->accounts, session.user, user, &err);
	if (rc == PST_E_TEMP)
		return HTTP_LOGIN_TEMP;
	if (rc != PST_OK || !user->enabled)
		return HTTP_LOGIN_NONE;
	r->user = user;
	(void)str_copy(r->session, sizeof(r->session), str_of(session.id));
	return HTTP_LOGIN_DONE;
}

enum http_login
http_login(struct http_request *r, int64_t *delay_r)
{
	struct pst_str value = http_head_field(&r->head, "Authorization");
	struct pst_str cookie = http_cookie(&r->head, HTTP_COOKIE);

	*delay_r = 0;
	r->asked_at = clock_monotonic();
	r->session[0] = r->app[0] = '\0';
	if (str_has_prefix_case(value, "Basic ") &&
	    (is_foreign(r) || has_foreign_origin(r)))
		return HTTP_LOGIN_NONE;
	if (str_has_prefix_case(value, "Basic "))
		return check_basic(r, str_trim(str_from(value, 6)), delay_r);
	if (str_has_prefix_case(value, "Bearer "))
		return check_bearer(r, str_trim(str_from(value, 7)), delay_r);
	return cookie.n > 0 ? check_cookie(r, cookie) : HTTP_LOGIN_NONE;
}

enum http_login
http_login_again(struct http_request *r)
{
	int64_t delay;

	return clock_monotonic() - r->asked_at < FRESH ? HTTP_LOGIN_DONE
						       : http_login(r, &delay);
}
