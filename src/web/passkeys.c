/*
 * web/passkeys.c - a user's passkeys: added, named, taken away, and whether
 * they are asked for after the password.
 */
#include "web/priv.h"

#include "account/factors.h"
#include "base/log.h"
#include "base/str.h"

static json_t *
passkey_json(const struct passkey *p)
{
	json_t *used = p->used != 0 ? json_integer(p->used) : json_null();

	return json_pack("{s:s, s:s, s:I, s:o}", "id", p->id, "name", p->name,
	    "created", (json_int_t)p->created, "used", used);
}

static void
list_one(void *arg, const struct passkey *p)
{
	(void)json_array_append_new(arg, passkey_json(p));
}

json_t *
web_list_passkeys(struct http_request *h)
{
	struct pst_error err = { 0 };
	json_t *list = json_array();

	if (passkey_each(http_services(h)->accounts, http_user(h)->address,
		list_one, list, &err) == PST_OK)
		return list;
	json_decref(list);
	web_refused(h, &err);
	return NULL;
}

/* Of challenges for an address in some seconds: what is used up of them is
 * remembered, and that has an end. */
enum { CHALLENGES = 300, WINDOW = 600 };

/* True: it was answered that there were too many. */
static bool
is_limited(struct http_request *h)
{
	if (web_is_limited(h, LIMIT_CONFIRMS, CHALLENGES, WINDOW))
		return true;
	limit_count(LIMIT_CONFIRMS, net_peer(http_conn(h)), WINDOW);
	return false;
}

/* The password is asked for here and not when the passkey is there: none is
 * left behind in an authenticator for want of it. Who brings an answer to this
 * challenge has shown it. */
static void
give_options(struct http_request *h, const json_t *root)
{
	json_t *creation = !is_limited(h) && web_is_confirmed(h, root)
			       ? web_passkey_creation(h)
			       : NULL;

	if (creation != NULL)
		web_answer(h, 200, creation);
}

/* In place of the password, for what wants it. */
static void
run_confirm_options(struct http_request *h)
{
	json_t *request = is_limited(h)
			      ? NULL
			      : web_passkey_request(h, CHALLENGE_CONFIRM,
				    http_user(h)->address);

	if (request != NULL)
		web_answer(h, 200, request);
}

static void
add(struct http_request *h, const json_t *root)
{
	const char *name = web_text(root, "name");
	struct webauthn_data data;
	struct passkey made;
	struct pst_error err = { 0 };

	if (!web_passkey_made(h, json_object_get(root, "credential"), &data))
		return;
	if (passkey_add(http_services(h)->accounts, http_user(h)->address,
		name != NULL ? name : "", &data, &made, &err) != PST_OK) {
		web_refused(h, &err);
		return;
	}
	web_note_change(h, "passkey-added", made.id, true,
	    "A passkey was added: it signs in without your password.");
	web_answer(h, 201, passkey_json(&made));
}

static void
take_away(struct http_request *h, const json_t *root)
{
	const char *id = web_text(root, "id");
	struct pst_error err = { 0 };

	if (!web_is_confirmed(h, root))
		return;
	if (passkey_delete(http_services(h)->accounts, http_user(h)->address,
		id != NULL ? id : "", &err) != PST_OK) {
		web_refused(h, &err);
		return;
	}
	web_note_change(h, "passkey-removed", id, false,
	    "A passkey was removed: it no longer signs in.");
	http_answer(h, 204, NULL, STR_NONE);
}

static void
rename_one(struct http_request *h, const json_t *root)
{
	const char *name = web_text(root, "name");
	struct pst_error err = { 0 };

	if (passkey_rename(http_services(h)->accounts, http_user(h)->address,
		http_asked(h)->under.p, name != NULL ? name : "",
		&err) != PST_OK)
		web_refused(h, &err);
	else
		http_answer(h, 204, NULL, STR_NONE);
}

/* Whether they are asked for after the password: {"asked": true}. */
static void
ask_for_them(struct http_request *h, const json_t *root)
{
	const json_t *asked = json_object_get(root, "asked");
	struct recovery_set set;
	struct pst_error err = { 0 };
	bool has_set = false;

	if (!json_is_boolean(asked)) {
		http_problem(h, 422, NULL, "\"asked\" is true or false.");
		return;
	}
	if (!web_is_confirmed(h, root))
		return;
	if (passkey_ask(http_services(h)->accounts, http_user(h)->address,
		json_is_true(asked), &set, &has_set, &err) != PST_OK) {
		web_refused(h, &err);
		return;
	}
	if (json_is_true(asked))
		web_note_change(h, "factor-added", "passkey", true,
		    "Passkeys are asked for now after the password.");
	else
		web_note_change(h, "factor-removed", "passkey", false,
		    "Passkeys are no longer asked for after the password.");
	web_answer(h, 200,
	    json_pack("{s:o}", "recoveryCodes",
		has_set ? web_codes(&set) : json_null()));
}

static void
run_options(struct http_request *h)
{
	web_run(h, give_options);
}

static void
run_add(struct http_request *h)
{
	web_run(h, add);
}

static void
run_remove(struct http_request *h)
{
	web_run(h, take_away);
}

static void
run_rename(struct http_request *h)
{
	web_run(h, rename_one);
}

static void
run_ask(struct http_request *h)
{
	web_run(h, ask_for_them);
}

const struct http_route web_passkey_routes[] = {
	{ "POST", "/web/passkeys/options", HTTP_LOGIN, run_options, NULL, NULL,
	    NULL },
	{ "POST", "/web/passkeys/confirm", HTTP_LOGIN, run_confirm_options,
	    NULL, NULL, NULL },
	{ "POST", "/web/passkeys/remove", HTTP_LOGIN, run_remove, NULL, NULL,
	    NULL },
	{ "POST", "/web/passkeys", HTTP_LOGIN, run_add, NULL, NULL, NULL },
	{ "PUT", "/web/passkeys", HTTP_LOGIN, run_ask, NULL, NULL, NULL },
	{ "PUT", "/web/passkeys/*", HTTP_LOGIN, run_rename, NULL, NULL, NULL },
	{ NULL, NULL, 0, NULL, NULL, NULL, NULL },
};
