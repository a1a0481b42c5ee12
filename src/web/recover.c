/*
 * web/recover.c - a forgotten password: a recovery code sets a new one. Whether
 * there is such a user shows in neither the answer nor its time.
 */
#include "web/admin.h"

#include "account/rules.h"
#include "base/log.h"
#include "base/str.h"

static void
done(struct http_request *h, const struct account_user *user)
{
	web_end_sessions(h, user->address);
	log_event(PST_LOG_WARNING, net_id(http_conn(h)), "recovery-code-used",
	    "user", user->address, "for", "password", "peer",
	    net_peer(http_conn(h)), NULL);
	web_tell(h, user->address,
	    "Your password was changed with one of your recovery codes.");
	http_answer(h, 204, NULL, STR_NONE);
}

static void
recover(struct http_request *h, const json_t *root)
{
	const char *name = web_text(root, "user");
	const char *code = web_text(root, "code");
	const char *password = web_text(root, "password");
	struct account_user user;
	struct pst_error err = { 0 };
	enum auth_result result;
	int64_t delay = 0;

	if (name == NULL || code == NULL || password == NULL ||
	    strlen(name) > 320 || strlen(password) > 1024) {
		http_problem(
		    h, 400, NULL, "Address, code or password are missing.");
		return;
	}
	/* Before it is known whose: the user's own name would tell. */
	if (rules_password(http_config(h), name, "", str_of(password), &err) !=
	    PST_OK) {
		http_problem(
		    h, 422, "urn:postern:password:refused", err.detail);
		return;
	}
	result = recovery_set_password(http_services(h)->accounts,
	    net_peer(http_conn(h)), str_of(name), code, str_of(password), &user,
	    &delay);
	if (result == AUTH_OK)
		done(h, &user);
	else
		web_refuse_login(h, result, delay, name, "recovery");
}

static void
run_recover(struct http_request *h)
{
	if (net_auth_allowed(http_conn(h)))
		web_run(h, recover);
	else
		http_problem(h, 403, NULL, "Not without encryption.");
}

const struct http_route web_recover_routes[] = {
	{ "POST", "/web/recover", HTTP_OURS, run_recover, NULL, NULL, NULL },
	{ NULL, NULL, 0, NULL, NULL, NULL, NULL },
};
