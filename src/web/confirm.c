/*
 * web/confirm.c - who is logged in shows once more that it is them, before they
 * change what they log in with: who has only a session that is open cannot.
 */
#include "web/priv.h"

#include "account/sessions.h"
#include "base/log.h"
#include "base/str.h"

/* True: it is right; else it was answered. */
static bool
settle(struct http_request *h, enum auth_result result, const char *type,
    const char *text)
{
	switch (result) {
	case AUTH_OK:
		return true;
	case AUTH_FAILED:
		http_problem(h, 403, type, text);
		return false;
	case AUTH_BLOCKED:
		http_problem(h, 429, NULL,
		    "There were too many attempts. Try again later.");
		return false;
	case AUTH_TEMP:
		break;
	}
	http_problem(h, 503, NULL, "That cannot be done now.");
	return false;
}

bool
web_knows_password(struct http_request *h, const char *password)
{
	struct account_user user;
	int64_t delay;

	if (password == NULL) {
		http_problem(h, 422, NULL, "A password is missing.");
		return false;
	}
	return settle(h,
	    auth_password(http_services(h)->accounts, AUTH_WEB,
		net_peer(http_conn(h)), str_of(http_user(h)->address),
		str_of(password), &user, &delay),
	    "urn:postern:password:wrong", "This is not your present password.");
}

bool
web_is_confirmed(struct http_request *h, const json_t *root)
{
	const char *password = web_text(root, "password");
	const json_t *credential = json_object_get(root, "passkey");
	struct passkey found;
	int64_t delay;

	if (password == NULL && json_is_object(credential))
		return settle(h,
		    web_passkey_check(h, credential, CHALLENGE_CONFIRM,
			http_user(h)->address, &found, &delay),
		    "urn:postern:passkey:refused",
		    "This passkey could not be checked. Try again.");
	return web_knows_password(h, password);
}

/* --- for some time -----------------------------------------------------------
 */

bool
web_was_confirmed(struct http_request *h)
{
	const char *id = http_session(h);
	struct pst_error err = { 0 };
	enum pst_rc rc = PST_OK;

	/* A password came along. */
	if (*id != '\0')
		rc = session_is_confirmed(http_services(h)->accounts,
		    http_user(h)->address, id, &err);
	if (rc == PST_OK)
		return true;
	if (rc == PST_E_DENIED || rc == PST_E_NOTFOUND)
		http_problem(h, 403, "urn:postern:confirm",
		    "For this you have to show once more that it is you.");
	else
		web_refused(h, &err);
	return false;
}

static void
confirm(struct http_request *h, const json_t *root)
{
	const char *user = http_user(h)->address, *id = http_session(h);
	struct pst_error err = { 0 };

	if (!web_is_confirmed(h, root))
		return;
	if (*id != '\0' && session_confirm(http_services(h)->accounts, user, id,
			       &err) != PST_OK) {
		web_refused(h, &err);
		return;
	}
	log_event(PST_LOG_INFO, net_id(http_conn(h)), "confirmed", "user", user,
	    "peer", net_peer(http_conn(h)), NULL);
	http_answer(h, 204, NULL, STR_NONE);
}

static void
run_confirm(struct http_request *h)
{
	web_run(h, confirm);
}

const struct http_route web_confirm_routes[] = {
	{ "POST", "/web/confirm", HTTP_LOGIN, run_confirm, NULL, NULL, NULL },
	{ NULL, NULL, 0, NULL, NULL, NULL, NULL },
};
