/*
 * web/admin_users.c - users, for administrators: listed, made, changed,
 * removed, and given a link by which they set a password. By what lets somebody
 * in, or cannot be taken back, who holds an administrator's session could stay
 * when it has ended: it wants the administrator's password once more
 * (web_was_confirmed()).
 */
#include "web/admin.h"

#include "account/factors.h"
#include "account/resets.h"
#include "account/rules.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include <pthread.h>
#include <stdlib.h>

enum {
	PAGE = 128,   /* that are read at once */
	SCAN = 10240, /* that one request looks at */
	MOST = 200,   /* that it answers */
	PRESET = 50,  /* the same, if nobody says */
	DAY = 86400,
	LINK_DAYS = 3,
	LINK_DAYS_MOST = 30,
};

/* Between finding that there is another administrator and taking one away. */
static pthread_mutex_t last_admin = PTHREAD_MUTEX_INITIALIZER;

static json_t *
user_json(const struct account_user *u)
{
	return json_pack("{s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:I, s:I, s:I}",
	    "user", u->address, "name", u->name, "enabled", (int)u->enabled,
	    "isAdmin", (int)u->is_admin, "isPending", (int)u->is_pending,
	    "onHold", (int)u->on_hold, "appOnly", (int)u->app_only,
	    "quotaBytes", (json_int_t)u->quota_bytes, "quotaMessages",
	    (json_int_t)u->quota_messages, "created", (json_int_t)u->created);
}

/* False: it was answered that there is none. */
static bool
find(struct http_request *h, const char *address, struct account_user *user_r)
{
	struct pst_error err = { 0 };

	if (account_find(http_services(h)->accounts, address, user_r, &err) ==
	    PST_OK)
		return true;
	web_admin_refused(h, &err);
	return false;
}

/* --- the list ----------------------------------------------------------------
 */

struct listing {
	char text[129]; /* within the address or the name; "": any */
	char after[321];
	size_t most;
	json_t *users;
	bool is_over; /* there are no more */
};

static bool
fits(const struct listing *l, const struct account_user *u)
{
	return l->text[0] == '\0' ||
	       str_find_case(str_of(u->address), str_of(l->text)) != SIZE_MAX ||
	       str_find_case(str_of(u->name), str_of(l->text)) != SIZE_MAX;
}

static void
take_page(struct listing *l, const struct account_user *page, size_t n)
{
	for (size_t i = 0; i < n && json_array_size(l->users) < l->most; i++) {
		(void)str_copy(
		    l->after, sizeof(l->after), str_of(page[i].address));
		l->is_over = i + 1 == n && n < PAGE;
		if (fits(l, &page[i]))
			(void)json_array_append_new(
			    l->users, user_json(&page[i]));
	}
	l->is_over = l->is_over || n == 0;
}

static enum pst_rc
list(struct accounts *a, struct listing *l, struct pst_error *err)
{
	struct account_user *page = mem_array(PAGE, sizeof(*page));
	enum pst_rc rc = PST_OK;
	size_t n;

	for (size_t seen = 0; rc == PST_OK && !l->is_over && seen < SCAN &&
			      json_array_size(l->users) < l->most;
	     seen += PAGE) {
		rc = account_page(a, l->after, page, PAGE, &n, err);
		if (rc == PST_OK)
			take_page(l, page, n);
	}
	free(page);
	return rc;
}

static void
run_list(struct http_request *h)
{
	struct listing l = { .most = PRESET };
	struct pst_error err = { 0 };
	char limit[24];
	uint64_t most;

	if (!web_is_admin(h))
		return;
	(void)web_query(h, "q", l.text, sizeof(l.text));
	(void)web_query(h, "cursor", l.after, sizeof(l.after));
	if (web_query(h, "limit", limit, sizeof(limit)) &&
	    str_to_u64(str_of(limit), &most) && most > 0)
		l.most = most < MOST ? (size_t)most : MOST;
	l.users = json_array();
	if (list(http_services(h)->accounts, &l, &err) != PST_OK) {
		json_decref(l.users);
		web_admin_refused(h, &err);
		return;
	}
	web_answer(h, 200,
	    json_pack("{s:o, s:s?}", "users", l.users, "next",
		l.is_over ? NULL : l.after));
}

/* --- links -------------------------------------------------------------------
 */

/* NULL: it was answered why not. */
static json_t *
make_link(struct http_request *h, const char *user, int64_t days)
{
	struct pst_error err = { 0 };
	char code[RESET_CODE];
	int64_t expires;

	if (days < 1 || days > LINK_DAYS_MOST) {
		http_problem(h, 422, NULL, "A link is good for 1 to 30 days.");
		return NULL;
	}
	expires = clock_seconds() + days * DAY;
	if (reset_make(http_services(h)->accounts, user, expires, code, &err) !=
	    PST_OK) {
		web_admin_refused(h, &err);
		return NULL;
	}
	web_admin_log(h, "password-link", "user", user, NULL);
	return json_pack(
	    "{s:s, s:I}", "code", code, "expires", (json_int_t)expires);
}

static int64_t
days_of(const json_t *root)
{
	const json_t *days = json_object_get(root, "days");

	return days == NULL ? LINK_DAYS : json_integer_value(days);
}

static void
set_password(struct http_request *h, const struct account_user *user,
    const char *password)
{
	struct pst_error err = { 0 };

	if (rules_password(http_config(h), user->address, user->name,
		str_of(password), &err) != PST_OK ||
	    account_set_password(http_services(h)->accounts, user->address,
		str_of(password), &err) != PST_OK) {
		web_admin_refused(h, &err);
		return;
	}
	web_end_sessions(h, user->address);
	web_admin_log(h, "password-set", "user", user->address, NULL);
	http_answer(h, 204, NULL, STR_NONE);
}

/* POST users/ADDRESS/password: a link, or the password itself. */
static void
run_password(struct http_request *h)
{
	static const char end[] = "/password";
	struct pst_str under = http_asked(h)->under;
	struct account_user user;
	char address[321];
	const char *password;
	json_t *root, *link;

	if (!web_is_admin(h))
		return;
	if (under.n < sizeof(end) ||
	    !str_is(str_from(under, under.n - (sizeof(end) - 1)), end) ||
	    !str_copy(address, sizeof(address),
		str_first(under, under.n - (sizeof(end) - 1)))) {
		http_problem(h, 404, NULL, "There is nothing here.");
		return;
	}
	if (!find(h, address, &user) || !web_was_confirmed(h))
		return;
	root = web_take(h);
	if (root == NULL)
		return;
	password = json_string_value(json_object_get(root, "password"));
	if (password != NULL) {
		set_password(h, &user, password);
	} else {
		link = make_link(h, user.address, days_of(root));
		if (link != NULL)
			web_answer(h, 201, link);
	}
	json_decref(root);
}

/* --- what is told of a user --------------------------------------------------
 */

/* False: the member is there and no such value. *fields_r gets `field` when it
 * is there. */
static bool
take_truth(const json_t *root, const char *key, bool *to, unsigned field,
    unsigned *fields_r)
{
	const json_t *value = json_object_get(root, key);

	if (value == NULL)
		return true;
	*to = json_is_true(value);
	*fields_r |= field;
	return json_is_boolean(value);
}

static bool
take_number(const json_t *root, const char *key, int64_t *to, unsigned field,
    unsigned *fields_r)
{
	const json_t *value = json_object_get(root, key);

	if (value == NULL)
		return true;
	*to = json_integer_value(value);
	*fields_r |= field;
	return json_is_integer(value);
}

static bool
take_name(const json_t *root, struct account_user *u, unsigned *fields_r)
{
	const json_t *name = json_object_get(root, "name");

	if (name == NULL)
		return true;
	*fields_r |= ACCOUNT_SET_NAME;
	return json_is_string(name) &&
	       str_copy(u->name, sizeof(u->name),
		   str_n(json_string_value(name), json_string_length(name)));
}

/* False: it was answered what is wrong. */
static bool
take_fields(struct http_request *h, const json_t *root, struct account_user *u,
    unsigned *fields_r)
{
	bool ok;

	*fields_r = 0;
	ok = take_name(root, u, fields_r) &&
	     take_truth(
		 root, "enabled", &u->enabled, ACCOUNT_SET_ENABLED, fields_r) &&
	     take_truth(
		 root, "isAdmin", &u->is_admin, ACCOUNT_SET_ADMIN, fields_r) &&
	     take_truth(
		 root, "onHold", &u->on_hold, ACCOUNT_SET_ON_HOLD, fields_r) &&
	     take_truth(root, "appOnly", &u->app_only, ACCOUNT_SET_APP_ONLY,
		 fields_r) &&
	     take_number(root, "quotaBytes", &u->quota_bytes,
		 ACCOUNT_SET_QUOTA_BYTES, fields_r) &&
	     take_number(root, "quotaMessages", &u->quota_messages,
		 ACCOUNT_SET_QUOTA_MESSAGES, fields_r);
	if (!ok)
		http_problem(h, 422, NULL, "A value is not of its kind.");
	return ok;
}

/* What is asked for besides the password. */
static void
add_factors(struct http_request *h, const char *user, json_t *answer)
{
	struct factors f = { 0 };
	struct pst_error err = { 0 };

	if (factors_find(http_services(h)->accounts, user, &f, &err) == PST_OK)
		(void)json_object_set_new(answer, "factors",
		    json_pack("{s:b, s:b, s:i}", "isOn", (int)f.is_on,
			"hasTotp", (int)f.has_totp, "passkeys", f.passkeys));
}

static void
run_show(struct http_request *h)
{
	struct account_user user;
	struct pst_error err = { 0 };
	json_t *answer, *items;
	bool cut;

	if (!web_is_admin(h) || !find(h, http_asked(h)->under.p, &user))
		return;
	answer = user_json(&user);
	add_factors(h, user.address, answer);
	/* Without it when the storage is away. */
	if (web_ask(h,
		json_pack(
		    "{s:s, s:s}", "request", "usage", "address", user.address),
		&items, &cut, &err) == PST_OK)
		(void)json_object_set(
		    answer, "usage", json_array_get(items, 0));
	json_decref(items);
	web_answer(h, 200, answer);
}

/* --- making one --------------------------------------------------------------
 */

static enum pst_rc
add(struct http_request *h, const struct account_user *user,
    const char *password, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	if (password != NULL)
		rc = rules_password(http_config(h), user->address, user->name,
		    str_of(password), err);
	if (rc == PST_OK)
		rc = account_add(http_services(h)->accounts, user,
		    password != NULL ? str_of(password) : STR_NONE, err);
	return rc;
}

static void
make(struct http_request *h, const json_t *root)
{
	struct account_user user = {
		.enabled = true, .quota_bytes = -1, .quota_messages = -1
	};
	const char *address = json_string_value(
	    json_object_get(root, "address"));
	const char *password = json_string_value(
	    json_object_get(root, "password"));
	struct pst_error err = { 0 };
	json_t *answer, *link = NULL;
	unsigned fields;

	if (address == NULL ||
	    !account_normalise(str_of(address), user.address)) {
		http_problem(h, 422, NULL, "This is not an address.");
		return;
	}
	if (!take_fields(h, root, &user, &fields))
		return;
	if (user.is_admin && !web_was_confirmed(h))
		return;
	if (add(h, &user, password, &err) != PST_OK) {
		web_admin_refused(h, &err);
		return;
	}
	user.created = clock_seconds();
	web_admin_log(h, "user-made", "user", user.address,
	    user.is_admin ? "administrator" : NULL);
	if (user.enabled)
		web_welcome(h, user.address);
	if (password == NULL) {
		link = make_link(h, user.address, days_of(root));
		if (link == NULL)
			return;
	}
	answer = user_json(&user);
	if (link != NULL)
		(void)json_object_set_new(answer, "link", link);
	web_answer(h, 201, answer);
}

static void
run_make(struct http_request *h)
{
	json_t *root;

	if (!web_is_admin(h))
		return;
	root = web_take(h);
	if (root != NULL)
		make(h, root);
	json_decref(root);
}

/* --- changing one ------------------------------------------------------------
 */

static bool
is_at_work(const struct account_user *u)
{
	return u->is_admin && u->enabled;
}

/* The change makes an administrator, or lets one in again. */
static bool
gives_role(const struct account_user *before, const struct account_user *user)
{
	return user->is_admin &&
	       (!before->is_admin || (!before->enabled && user->enabled));
}

/* False: it was answered that somebody has to remain. */
static bool
leaves_admin(struct http_request *h, const char *address)
{
	struct pst_error err = { 0 };

	switch (
	    account_other_admin(http_services(h)->accounts, address, &err)) {
	case PST_OK:
		return true;
	case PST_E_NOTFOUND:
		http_problem(h, 409, "urn:postern:admin:last",
		    "This is the last administrator: make another one first.");
		return false;
	default:
		web_admin_refused(h, &err);
		return false;
	}
}

static void
describe(const json_t *root, char *to, size_t size)
{
	const char *key;
	json_t *value;
	size_t n = 0;

	to[0] = '\0';
	json_object_foreach((json_t *)(uintptr_t)root, key, value)
	{
		char *text = json_dumps(value, JSON_ENCODE_ANY);

		if (n < size)
			n += (size_t)snprintf(to + n, size - n, "%s%s=%s",
			    n > 0 ? " " : "", key, text != NULL ? text : "");
		free(text);
	}
}

/* What follows from a change. */
static void
follow(struct http_request *h, const struct account_user *before,
    const struct account_user *user)
{
	struct pst_error err = { 0 };
	json_t *items;
	bool cut;

	if (before->enabled && !user->enabled)
		web_end_sessions(h, user->address);
	if (before->is_pending && user->enabled)
		web_welcome(h, user->address);
	/* A mailbox hears of it when it is opened. */
	if (before->on_hold != user->on_hold) {
		(void)web_ask(h,
		    json_pack("{s:s, s:s}", "request", "usage", "address",
			user->address),
		    &items, &cut, &err);
		json_decref(items);
	}
}

/* With the lock. */
static void
change(struct http_request *h, const json_t *root)
{
	struct account_user before, user;
	struct pst_error err = { 0 };
	char what[512];
	unsigned fields;

	if (!find(h, http_asked(h)->under.p, &before))
		return;
	user = before;
	if (!take_fields(h, root, &user, &fields))
		return;
	if (gives_role(&before, &user) && !web_was_confirmed(h))
		return;
	if (is_at_work(&before) && !is_at_work(&user) &&
	    !leaves_admin(h, user.address))
		return;
	if (account_update(http_services(h)->accounts, &user, fields, &err) !=
	    PST_OK) {
		web_admin_refused(h, &err);
		return;
	}
	describe(root, what, sizeof(what));
	web_admin_log(h, "user-changed", "user", user.address, what);
	follow(h, &before, &user);
	web_answer(h, 200, user_json(&user));
}

static void
run_change(struct http_request *h)
{
	json_t *root;

	if (!web_is_admin(h))
		return;
	root = web_take(h);
	if (root == NULL)
		return;
	(void)pthread_mutex_lock(&last_admin);
	change(h, root);
	(void)pthread_mutex_unlock(&last_admin);
	json_decref(root);
}

/* --- removing one ------------------------------------------------------------
 */

/* The mail and the sessions go as they go for posternctl. */
static void delete (
    struct http_request *h, const struct account_user *user, bool keep)
{
	struct pst_error err = { 0 };
	json_t *items;
	bool cut;

	if (user->on_hold && !keep) {
		http_problem(h, 409, "urn:postern:admin:hold",
		    "Mail of this user may not be removed: they are on hold.");
		return;
	}
	if (web_ask(h,
		json_pack("{s:s, s:s, s:b}", "request", "user-delete",
		    "address", user->address, "keep_mail", (int)keep),
		&items, &cut, &err) == PST_OK) {
		web_admin_log(h, "user-deleted", "user", user->address,
		    keep ? "the mail is kept" : NULL);
		http_answer(h, 204, NULL, STR_NONE);
	} else {
		web_admin_refused(h, &err);
	}
	json_decref(items);
}

static void
run_delete(struct http_request *h)
{
	struct account_user user;
	char keep[8] = "";

	if (!web_is_admin(h) || !find(h, http_asked(h)->under.p, &user) ||
	    !web_was_confirmed(h))
		return;
	(void)web_query(h, "keepMail", keep, sizeof(keep));
	if (!is_at_work(&user)) {
		delete (h, &user, strcmp(keep, "1") == 0);
		return;
	}
	(void)pthread_mutex_lock(&last_admin);
	if (leaves_admin(h, user.address))
		delete (h, &user, strcmp(keep, "1") == 0);
	(void)pthread_mutex_unlock(&last_admin);
}

const struct http_route web_user_routes[] = {
	{ "GET", "/web/admin/users", HTTP_LOGIN, run_list, NULL, NULL, NULL },
	{ "POST", "/web/admin/users", HTTP_LOGIN, run_make, NULL, NULL, NULL },
	{ "GET", "/web/admin/users/*", HTTP_LOGIN, run_show, NULL, NULL, NULL },
	{ "PATCH", "/web/admin/users/*", HTTP_LOGIN, run_change, NULL, NULL,
	    NULL },
	{ "DELETE", "/web/admin/users/*", HTTP_LOGIN, run_delete, NULL, NULL,
	    NULL },
	{ "POST", "/web/admin/users/*", HTTP_LOGIN, run_password, NULL, NULL,
	    NULL },
	{ NULL, NULL, 0, NULL, NULL, NULL, NULL },
};
