/*
 * http/credential.c - what somebody proved with who they are, so that what goes
 * on for long ends together with it: "session:ID" of a browser, "app:ID" of an
 * app password, "own:MARK" of the user's own password.
 */
#include "http/priv.h"

#include "account/apps.h"
#include "account/sessions.h"
#include "base/str.h"

static bool
put(char word_r[HTTP_CREDENTIAL], const char *kind, const char *id)
{
	return snprintf(word_r, HTTP_CREDENTIAL, "%s:%s", kind, id) <
	       HTTP_CREDENTIAL;
}

bool
http_credential(const struct http_request *r, char word_r[HTTP_CREDENTIAL])
{
	struct accounts *a = http_services(r)->accounts;
	char mark[AUTH_MARK];
	struct pst_error err;

	if (r->session[0] != '\0')
		return put(word_r, "session", r->session);
	/* The user's own password may have that form. */
	if (r->app[0] != '\0') {
		enum pst_rc rc = app_password_holds(
		    a, r->user->address, r->app, AUTH_JMAP, &err);

		if (rc != PST_E_NOTFOUND)
			return rc == PST_OK && put(word_r, "app", r->app);
	}
	return auth_mark(a, r->user->address, mark, &err) == PST_OK &&
	       put(word_r, "own", mark);
}

static enum auth_result
result_of(enum pst_rc rc)
{
	return rc == PST_OK	      ? AUTH_OK
	       : rc == PST_E_NOTFOUND ? AUTH_FAILED
				      : AUTH_TEMP;
}

static enum auth_result
own_holds(const struct services *sv, const struct account_user *user,
    const char *mark)
{
	char present[AUTH_MARK];
	struct pst_error err;
	enum pst_rc rc = auth_mark(sv->accounts, user->address, present, &err);

	if (rc == PST_OK && (user->app_only || strcmp(mark, present) != 0))
		return AUTH_FAILED;
	return result_of(rc);
}

enum auth_result
http_credential_holds(const struct services *sv, const char *user,
    const char *word, bool counts, struct account_user *user_r)
{
	struct pst_str id = str_of(word), kind;
	struct pst_error err;
	enum pst_rc rc = account_find(sv->accounts, user, user_r, &err);

	if (rc != PST_OK)
		return result_of(rc);
	if (!user_r->enabled || !str_split(&id, ':', &kind) || id.p == NULL)
		return AUTH_FAILED;
	if (str_is(kind, "session"))
		return result_of(session_holds(
		    sv->accounts, user_r->address, id.p, counts, &err));
	if (str_is(kind, "app"))
		return result_of(app_password_holds(
		    sv->accounts, user_r->address, id.p, AUTH_JMAP, &err));
	return own_holds(sv, user_r, id.p);
}
