/*
 * web/password.c - changing one's own password: who has only a session that is
 * open cannot.
 */
#include "web/priv.h"

#include "account/rules.h"
#include "account/sessions.h"
#include "base/log.h"
#include "base/str.h"
#include "web/tickets.h"

static void
set(struct http_request *h, const char *password)
{
	const struct account_user *user = http_user(h);
	struct pst_error err = { 0 };

	if (rules_password(http_config(h), user->address, user->name,
		str_of(password), &err) != PST_OK ||
	    account_set_password(http_services(h)->accounts, user->address,
		str_of(password), &err) != PST_OK) {
		web_refused(h, &err);
		return;
	}
	session_end_others(http_services(h)->accounts, user->address,
	    http_cookie(http_asked(h)->head, HTTP_COOKIE));
	ticket_forget(user->address);
	log_event(PST_LOG_INFO, net_id(http_conn(h)), "password-changed",
	    "user", user->address, "peer", net_peer(http_conn(h)), NULL);
	http_answer(h, 204, NULL, STR_NONE);
}

static void
change(struct http_request *h, const json_t *root)
{
	const char *old = json_string_value(json_object_get(root, "old"));
	const char *fresh = json_string_value(json_object_get(root, "new"));

	if (fresh == NULL)
		http_problem(h, 422, NULL, "A password is missing.");
	else if (web_knows_password(h, old))
		set(h, fresh);
}

static void
run_change(struct http_request *h)
{
	json_t *root = web_take(h);

	if (root != NULL)
		change(h, root);
	json_decref(root);
}

const struct http_route web_password_routes[] = {
	{ "POST", "/web/password", HTTP_LOGIN, run_change, NULL, NULL, NULL },
	{ NULL, NULL, 0, NULL, NULL, NULL, NULL },
};
