/*
 * web/admin.c - see admin.h; what posternctl asks the server, for
 * administrators in a browser, and who one is.
 */
#include "web/admin.h"

#include "account/sessions.h"
#include "base/log.h"
#include "base/str.h"
#include "web/tickets.h"

enum { QUERY_MAX = 2048 };

bool
web_is_admin(struct http_request *h)
{
	if (http_user(h)->is_admin)
		return true;
	http_problem(h, 403, NULL, "This is for administrators.");
	return false;
}

void
web_admin_refused(struct http_request *h, const struct pst_error *err)
{
	switch (err->rc) {
	case PST_E_NOTFOUND:
		http_problem(h, 404, NULL, err->detail);
		return;
	case PST_E_EXISTS:
	case PST_E_CONFLICT:
	case PST_E_DENIED:
	case PST_E_PERM:
	case PST_E_UNSUPPORTED:
		http_problem(h, 409, NULL, err->detail);
		return;
	case PST_E_SYNTAX:
	case PST_E_LIMIT:
		http_problem(h, 422, NULL, err->detail);
		return;
	default:
		log_failure(PST_LOG_ERROR, net_id(http_conn(h)), "web", err);
		http_add(h, "Retry-After", "1");
		http_problem(h, 503, NULL, err->detail);
	}
}

bool
web_query(struct http_request *h, const char *name, char *to, size_t size)
{
	struct buf value;
	bool ok;

	buf_init(&value, QUERY_MAX);
	ok = http_query_get(http_asked(h)->query, name, &value) &&
	     str_find(buf_str(&value), '\0') == value.n &&
	     str_is_utf8(buf_str(&value)) &&
	     str_copy(to, size, buf_str(&value));
	buf_fini(&value);
	return ok;
}

void
web_admin_log(struct http_request *h, const char *event, const char *key,
    const char *what, const char *more)
{
	log_event(PST_LOG_INFO, net_id(http_conn(h)), event, key, what, "what",
	    more, "by", http_user(h)->address, NULL);
}

enum pst_rc
web_ask(struct http_request *h, json_t *request, json_t **items_r, bool *cut_r,
    struct pst_error *err)
{
	const struct services *sv = http_services(h);

	return sv->ask(sv->ask_arg, request, items_r, cut_r, err);
}

void
web_end_sessions(struct http_request *h, const char *user)
{
	struct pst_error err = { 0 };
	json_t *items;
	bool cut;

	ticket_forget(user);
	session_end_others(http_services(h)->accounts, user, STR_NONE);
	if (web_ask(h, json_pack("{s:s, s:s}", "request", "kick", "who", user),
		&items, &cut, &err) != PST_OK &&
	    err.rc != PST_E_NOTFOUND)
		log_failure(
		    PST_LOG_WARNING, net_id(http_conn(h)), "kick", &err);
	json_decref(items);
}

/* --- requests ----------------------------------------------------------------
 */

/* Of all that posternctl can ask, what pages need. */
static const struct {
	const char *name;
	bool changes;
	bool confirmed; /* a session alone is not enough */
} allowed[] = {
	{ "connections", false, false },
	{ "dns-check", false, false },
	{ "dns-show", false, false },
	{ "kick", true, false },
	{ "queue", true, false },
	{ "queue-stats", false, false },
	{ "sending", false, false },
	{ "sending-lift", true, false },
	{ "status", false, false },
	{ "unblock", true, false },
	{ "usage", false, false },
	{ "user-factors-reset", true, true },
	{ "why", false, false },
};

static const char *
text_of(const json_t *root, const char *key)
{
	return json_string_value(json_object_get(root, key));
}

static void
log_request(struct http_request *h, const json_t *root)
{
	static const char *const about[] = { "who", "address", "id", NULL };
	const char *verb = text_of(root, "verb"), *what = NULL;

	if (verb != NULL &&
	    (strcmp(verb, "list") == 0 || strcmp(verb, "show") == 0))
		return;
	for (size_t i = 0; about[i] != NULL && what == NULL; i++)
		what = text_of(root, about[i]);
	log_event(PST_LOG_INFO, net_id(http_conn(h)), "admin-request",
	    "request", text_of(root, "request"), "verb", verb, "what", what,
	    "by", http_user(h)->address, NULL);
}

/* False: it was answered that this cannot be asked, or not yet. */
static bool
take_request(struct http_request *h, json_t *root)
{
	const char *name = text_of(root, "request");

	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		if (name == NULL || strcmp(allowed[i].name, name) != 0)
			continue;
		if (allowed[i].confirmed && !web_was_confirmed(h))
			return false;
		/* Whoever it says it is from. */
		(void)json_object_set_new(
		    root, "by", json_string(http_user(h)->address));
		if (allowed[i].changes)
			log_request(h, root);
		return true;
	}
	http_problem(h, 403, NULL, "This cannot be asked from here.");
	return false;
}

static void
run_request(struct http_request *h)
{
	struct pst_error err = { 0 };
	json_t *root, *items;
	bool cut;

	if (!web_is_admin(h))
		return;
	root = web_take(h);
	if (root == NULL)
		return;
	if (!take_request(h, root)) {
		json_decref(root);
		return;
	}
	if (web_ask(h, root, &items, &cut, &err) == PST_OK) {
		web_answer(h, 200,
		    json_pack("{s:o, s:b}", "items", items, "more", (int)cut));
		return;
	}
	json_decref(items);
	web_admin_refused(h, &err);
}

/* --- who asks ----------------------------------------------------------------
 */

static void
run_me(struct http_request *h)
{
	const struct account_user *user = http_user(h);

	web_answer(h, 200,
	    json_pack("{s:s, s:s, s:b}", "user", user->address, "name",
		user->name, "isAdmin", (int)user->is_admin));
}

const struct http_route web_admin_routes[] = {
	{ "GET", "/web/me", HTTP_LOGIN, run_me, NULL, NULL, NULL },
	{ "POST", "/web/admin/request", HTTP_LOGIN, run_request, NULL, NULL,
	    NULL },
	{ NULL, NULL, 0, NULL, NULL, NULL, NULL },
};
