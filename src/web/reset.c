/*
 * web/reset.c - setting a password by a link that an administrator made
 * (account/resets.h). What stands in the link comes in the content, so that it
 * is in no log of a proxy.
 */
#include "web/admin.h"

#include "account/resets.h"
#include "account/rules.h"
#include "base/log.h"
#include "base/str.h"
#include "web/limits.h"

enum { TRIES = 60, WINDOW = 600 };

/* True: it was answered that there were too many. */
static bool
is_limited(struct http_request *h)
{
	const char *peer = net_peer(http_conn(h));
	int64_t wait = limit_wait(LIMIT_RESETS, peer, TRIES, WINDOW);
	char text[24];

	if (wait == 0) {
		limit_count(LIMIT_RESETS, peer, WINDOW);
		return false;
	}
	(void)snprintf(text, sizeof(text), "%lld", (long long)wait);
	http_add(h, "Retry-After", text);
	http_problem(h, 429, NULL,
	    "There were too many from where you are. Try again later.");
	return true;
}

static void
refuse(struct http_request *h, const struct pst_error *err)
{
	if (err->rc == PST_E_NOTFOUND)
		http_problem(h, 404, "urn:postern:reset:over",
		    "This link was used, or is too old: ask for another one.");
	else
		web_refused(h, err);
}

/* Whose link it is. False: it was answered. */
static bool
find(struct http_request *h, const json_t *root, struct account_user *user_r)
{
	const char *token = json_string_value(json_object_get(root, "token"));
	struct pst_error err = { 0 };

	if (reset_find(http_services(h)->accounts, token != NULL ? token : "",
		user_r, &err) == PST_OK)
		return true;
	refuse(h, &err);
	return false;
}

static void
set(struct http_request *h, const json_t *root)
{
	const char *token = json_string_value(json_object_get(root, "token"));
	const char *password = json_string_value(
	    json_object_get(root, "password"));
	struct account_user user;
	struct pst_error err = { 0 };

	if (!find(h, root, &user))
		return;
	/* A password that is refused does not use the link up. */
	if (rules_password(http_config(h), user.address, user.name,
		str_of(password != NULL ? password : ""), &err) != PST_OK) {
		http_problem(h, 422, "urn:postern:reset:password", err.detail);
		return;
	}
	if (reset_use(http_services(h)->accounts, token, str_of(password),
		&err) != PST_OK) {
		refuse(h, &err);
		return;
	}
	web_end_sessions(h, user.address);
	log_event(PST_LOG_INFO, net_id(http_conn(h)), "password-reset", "user",
	    user.address, "peer", net_peer(http_conn(h)), NULL);
	web_answer(h, 200, json_pack("{s:s}", "user", user.address));
}

/* The content, if it may come. NULL: it was answered. */
static json_t *
take(struct http_request *h)
{
	if (!net_auth_allowed(http_conn(h))) {
		http_problem(h, 403, NULL, "Not without encryption.");
		return NULL;
	}
	return is_limited(h) ? NULL : web_take(h);
}

static void
run_check(struct http_request *h)
{
	struct account_user user;
	json_t *root = take(h);

	if (root != NULL && find(h, root, &user))
		web_answer(h, 200,
		    json_pack("{s:s, s:s, s:I}", "user", user.address, "name",
			user.name, "passwordLeast",
			(json_int_t)rules_password_least(http_config(h))));
	json_decref(root);
}

static void
run_set(struct http_request *h)
{
	json_t *root = take(h);

	if (root != NULL)
		set(h, root);
	json_decref(root);
}

const struct http_route web_reset_routes[] = {
	{ "POST", "/web/reset/check", HTTP_OURS, run_check, NULL, NULL, NULL },
	{ "POST", "/web/reset", HTTP_OURS, run_set, NULL, NULL, NULL },
	{ NULL, NULL, 0, NULL, NULL, NULL, NULL },
};
