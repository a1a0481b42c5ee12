/*
 * web/apps.c - a user's app passwords: listed, made and taken away. To make one
 * wants the password once more, or a passkey: it is good for longer than the
 * session that it is made in.
 */
#include "web/priv.h"

#include "account/apps.h"
#include "base/log.h"
#include "base/str.h"

static json_t *
scopes_json(unsigned scopes)
{
	json_t *list = json_array();

	for (unsigned bit = 1; bit <= APP_SCOPES; bit <<= 1)
		if ((scopes & bit) != 0)
			(void)json_array_append_new(
			    list, json_string(app_scope_name(bit)));
	return list;
}

static json_t *
app_json(const struct app_password *p)
{
	json_t *used = p->used != 0 ? json_integer(p->used) : json_null();

	return json_pack("{s:s, s:s, s:o, s:I, s:o}", "id", p->id, "name",
	    p->name, "scopes", scopes_json(p->scopes), "created",
	    (json_int_t)p->created, "used", used);
}

static void
list_one(void *arg, const struct app_password *p)
{
	(void)json_array_append_new(arg, app_json(p));
}

static void
run_list(struct http_request *h)
{
	struct pst_error err = { 0 };
	json_t *list = json_array();

	if (app_password_each(http_services(h)->accounts, http_user(h)->address,
		list_one, list, &err) != PST_OK) {
		json_decref(list);
		web_refused(h, &err);
		return;
	}
	web_answer(h, 200,
	    json_pack("{s:o, s:b}", "appPasswords", list, "required",
		(int)http_user(h)->app_only));
}

/* 0: there is one that we do not know, or none. */
static unsigned
take_scopes(const json_t *list)
{
	unsigned scopes = 0;
	size_t i;
	json_t *one;

	json_array_foreach(list, i, one)
	{
		const char *name = json_string_value(one);
		unsigned scope = name != NULL ? app_scope(name) : 0;

		if (scope == 0)
			return 0;
		scopes |= scope;
	}
	return scopes;
}

/* For programs that want one word (RFC 6750). */
static void
put_token(json_t *answer, const char *user, const char *secret)
{
	struct buf token;

	buf_init(&token, 1024);
	if (app_token_make(user, secret, &token))
		(void)json_object_set_new(
		    answer, "token", json_stringn(token.p, token.n));
	if (token.p != NULL)
		explicit_bzero(token.p, token.n);
	buf_fini(&token);
}

static void
make(struct http_request *h, const json_t *root)
{
	const char *name = json_string_value(json_object_get(root, "name"));
	const char *user = http_user(h)->address;
	struct app_password made;
	struct pst_error err = { 0 };
	char secret[APP_PASSWORD];
	json_t *answer;

	if (!web_is_confirmed(h, root))
		return;
	if (app_password_add(http_services(h)->accounts, user,
		name != NULL ? name : "",
		take_scopes(json_object_get(root, "scopes")), &made, secret,
		&err) != PST_OK) {
		web_refused(h, &err);
		return;
	}
	log_event(PST_LOG_INFO, net_id(http_conn(h)), "app-password-made",
	    "user", user, "id", made.id, "peer", net_peer(http_conn(h)), NULL);
	answer = app_json(&made);
	(void)json_object_set_new(answer, "password", json_string(secret));
	if ((made.scopes & AUTH_JMAP) != 0)
		put_token(answer, user, secret);
	explicit_bzero(secret, sizeof(secret));
	web_tell(
	    h, user, "An app password was made: mail programs can use it.");
	web_answer(h, 201, answer);
}

static void
run_make(struct http_request *h)
{
	json_t *root = web_take(h);

	if (root != NULL)
		make(h, root);
	json_decref(root);
}

static void
run_delete(struct http_request *h)
{
	const char *user = http_user(h)->address;
	struct pst_error err = { 0 };

	if (app_password_delete(http_services(h)->accounts, user,
		http_asked(h)->under.p, &err) != PST_OK) {
		web_refused(h, &err);
		return;
	}
	log_event(PST_LOG_INFO, net_id(http_conn(h)), "app-password-deleted",
	    "user", user, "id", http_asked(h)->under.p, "peer",
	    net_peer(http_conn(h)), NULL);
	http_answer(h, 204, NULL, STR_NONE);
}

/* Whether mail programs need one: {"required": true}. */
static void
run_require(struct http_request *h)
{
	json_t *root = web_take(h), *required;
	struct pst_error err = { 0 };

	if (root == NULL)
		return;
	required = json_object_get(root, "required");
	if (!json_is_boolean(required))
		http_problem(h, 422, NULL, "\"required\" is true or false.");
	else if (account_require_app(http_services(h)->accounts,
		     http_user(h)->address, json_is_true(required),
		     &err) != PST_OK)
		web_refused(h, &err);
	else
		http_answer(h, 204, NULL, STR_NONE);
	json_decref(root);
}

const struct http_route web_app_routes[] = {
	{ "GET", "/web/app-passwords", HTTP_LOGIN, run_list, NULL, NULL, NULL },
	{ "POST", "/web/app-passwords", HTTP_LOGIN, run_make, NULL, NULL,
	    NULL },
	{ "PUT", "/web/app-passwords", HTTP_LOGIN, run_require, NULL, NULL,
	    NULL },
	{ "DELETE", "/web/app-passwords/*", HTTP_LOGIN, run_delete, NULL, NULL,
	    NULL },
	{ NULL, NULL, 0, NULL, NULL, NULL, NULL },
};
