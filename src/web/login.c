/*
 * web/login.c - logging in with a cookie, for our own client: the password is
 * asked for once, and scripts never see what stands for it.
 */
#include "web/priv.h"

#include "account/sessions.h"
#include "base/log.h"
#include "base/str.h"

#include <stdlib.h>

/* SameSite keeps it from requests that other sites make (RFC 6265bis). */
static void
set_cookie(struct http_request *h, const char *token, int64_t seconds)
{
	char text[256];

	(void)snprintf(text, sizeof(text),
	    "%s=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%lld%s",
	    HTTP_COOKIE, token, (long long)seconds,
	    http_is_secure(h) ? "; Secure" : "");
	http_add(h, "Set-Cookie", text);
	http_add(h, "Cache-Control", "no-store");
}

void
web_log_in(
    struct http_request *h, const struct account_user *user, const char *factor)
{
	const struct config *cfg = http_config(h);
	char token[SESSION_TOKEN];
	struct pst_error err = { 0 };
	json_t *answer;
	char *text;

	if (session_new(http_services(h)->accounts, user->address,
		net_peer(http_conn(h)),
		http_head_field(http_asked(h)->head, "User-Agent"), token,
		&err) != PST_OK) {
		log_failure(
		    PST_LOG_ERROR, net_id(http_conn(h)), "session", &err);
		http_problem(h, 503, NULL, "You cannot log in now.");
		return;
	}
	log_event(PST_LOG_INFO, net_id(http_conn(h)), "login", "user",
	    user->address, "protocol", "web", "factor", factor, "peer",
	    net_peer(http_conn(h)), NULL);
	set_cookie(h, token, cfg->web.session_life);
	answer = json_pack("{s:s, s:s, s:b}", "user", user->address, "name",
	    user->name, "isAdmin", (int)user->is_admin);
	text = json_dumps(answer, JSON_COMPACT);
	http_answer(h, 200, "application/json", str_of(text));
	free(text);
	json_decref(answer);
}

void
web_refuse_login(struct http_request *h, enum auth_result result, int64_t delay,
    const char *user, const char *factor)
{
	switch (result) {
	case AUTH_BLOCKED:
		http_problem(h, 429, NULL,
		    "There were too many attempts. Try again later.");
		return;
	case AUTH_TEMP:
		http_problem(h, 503, NULL, "You cannot log in now.");
		return;
	case AUTH_FAILED:
	case AUTH_OK:
		break;
	}
	log_event(PST_LOG_WARNING, net_id(http_conn(h)), "login-failed", "user",
	    user, "protocol", "web", "factor", factor, "peer",
	    net_peer(http_conn(h)), NULL);
	http_refuse_later(h, delay);
}

static void
check_password(struct http_request *h, const char *name, const char *password)
{
	struct account_user user;
	int64_t delay = 0;
	enum auth_result result = auth_password(http_services(h)->accounts,
	    AUTH_WEB, net_peer(http_conn(h)), str_of(name), str_of(password),
	    &user, &delay);

	if (result == AUTH_OK && user.has_factor)
		web_ask_factor(h, &user);
	else if (result == AUTH_OK)
		web_log_in(h, &user, NULL);
	else
		web_refuse_login(h, result, delay, name, NULL);
}

static void
run_login(struct http_request *h)
{
	struct pst_str body = http_asked(h)->body;
	json_t *root;
	const char *user, *password;

	if (!net_auth_allowed(http_conn(h))) {
		http_problem(h, 403, NULL, "Not without encryption.");
		return;
	}
	root = json_loadb(
	    body.p != NULL ? body.p : "", body.n, JSON_REJECT_DUPLICATES, NULL);
	user = json_string_value(json_object_get(root, "user"));
	password = json_string_value(json_object_get(root, "password"));
	if (user == NULL || password == NULL || strlen(user) > 320 ||
	    strlen(password) > 1024)
		http_problem(h, 400, NULL, "User and password are missing.");
	else
		check_password(h, user, password);
	json_decref(root);
}

static void
run_logout(struct http_request *h)
{
	struct pst_error err = { 0 };

	if (session_end(http_services(h)->accounts,
		http_cookie(http_asked(h)->head, HTTP_COOKIE),
		&err) != PST_OK) {
		log_failure(
		    PST_LOG_ERROR, net_id(http_conn(h)), "session", &err);
		http_problem(h, 503, NULL, "You cannot log out now.");
		return;
	}
	set_cookie(h, "", 0);
	/* What the browser kept of the mail goes, too. What the client keeps
	 * itself it clears itself, but for how it looks. */
	http_add(h, "Clear-Site-Data", "\"cache\"");
	http_answer(h, 204, NULL, STR_NONE);
}

/* --- which sessions there are ----------------------------------------------
 */

struct listing {
	json_t *list;
	const char *own;
};

static void
list_one(void *arg, const struct session_info *s)
{
	struct listing *l = arg;

	(void)json_array_append_new(
	    l->list, json_pack("{s:s, s:s, s:s, s:I, s:I, s:b}", "id", s->id,
			 "peer", s->peer, "agent", s->agent, "created",
			 (json_int_t)s->created, "used", (json_int_t)s->used,
			 "isThis", (int)(strcmp(s->id, l->own) == 0)));
}

static void
run_list(struct http_request *h)
{
	struct accounts *a = http_services(h)->accounts;
	struct session_info own = { 0 };
	struct listing l = { json_array(), own.id };
	struct pst_error err = { 0 };

	(void)session_find(
	    a, http_cookie(http_asked(h)->head, HTTP_COOKIE), &own, &err);
	if (session_each(a, http_user(h)->address, list_one, &l, &err) !=
	    PST_OK) {
		json_decref(l.list);
		web_refused(h, &err);
		return;
	}
	web_answer(h, 200, json_pack("{s:o}", "sessions", l.list));
}

static void
run_end(struct http_request *h)
{
	struct pst_error err = { 0 };

	if (session_end_by_id(http_services(h)->accounts, http_user(h)->address,
		http_asked(h)->under.p, &err) == PST_OK)
		http_answer(h, 204, NULL, STR_NONE);
	else
		web_refused(h, &err);
}

const struct http_route web_session_routes[] = {
	{ "POST", "/web/login", HTTP_OURS, run_login, NULL, NULL, NULL },
	{ "POST", "/web/logout", HTTP_OURS, run_logout, NULL, NULL, NULL },
	{ "GET", "/web/sessions", HTTP_LOGIN, run_list, NULL, NULL, NULL },
	{ "DELETE", "/web/sessions/*", HTTP_LOGIN, run_end, NULL, NULL, NULL },
	{ NULL, NULL, 0, NULL, NULL, NULL, NULL },
};
