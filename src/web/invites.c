/*
 * web/invites.c - for administrators: invitations, and those who wait for
 * approval.
 */
#include "web/admin.h"

#include "account/invites.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

enum { DAY = 86400, DAYS = 14, DAYS_MOST = 3650 };

/* --- invitations ------------------------------------------------------------
 */

static json_t *
invite_json(const struct invite *i)
{
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "id", i->id,
	    "domain", i->domain, "note", i->note, "created",
	    (json_int_t)i->created, "expires", (json_int_t)i->expires, "uses",
	    (json_int_t)i->uses);
}

static void
list_invite(void *arg, const struct invite *i)
{
	(void)json_array_append_new(arg, invite_json(i));
}

static void
run_list(struct http_request *h)
{
	struct pst_error err = { 0 };
	json_t *list;

	if (!web_is_admin(h))
		return;
	list = json_array();
	if (invite_each(http_services(h)->accounts, list_invite, list, &err) !=
	    PST_OK) {
		json_decref(list);
		web_refused(h, &err);
		return;
	}
	web_answer(h, 200, json_pack("{s:o}", "invites", list));
}

static int64_t
number(const json_t *root, const char *name, int64_t preset)
{
	const json_t *value = json_object_get(root, name);

	return value == NULL ? preset : json_integer_value(value);
}

static void
make(struct http_request *h, const json_t *root)
{
	const char *domain = json_string_value(json_object_get(root, "domain"));
	const char *note = json_string_value(json_object_get(root, "note"));
	int64_t days = number(root, "days", DAYS);
	struct invite made = { .uses = number(root, "uses", 1) };
	struct pst_error err = { 0 };
	char code[INVITE_CODE];
	json_t *answer;

	if (domain == NULL || days < 1 || days > DAYS_MOST ||
	    !str_copy(made.domain, sizeof(made.domain), str_of(domain)) ||
	    !str_copy(made.note, sizeof(made.note), str_of(note))) {
		http_problem(h, 422, NULL, "Domain, days or note are wrong.");
		return;
	}
	made.expires = clock_seconds() + days * DAY;
	if (invite_add(http_services(h)->accounts, &made, code, &err) !=
	    PST_OK) {
		web_refused(h, &err);
		return;
	}
	log_event(PST_LOG_INFO, net_id(http_conn(h)), "invite-made", "id",
	    made.id, "domain", made.domain, "by", http_user(h)->address, NULL);
	answer = invite_json(&made);
	(void)json_object_set_new(answer, "code", json_string(code));
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

static void
run_revoke(struct http_request *h)
{
	struct pst_error err = { 0 };

	if (!web_is_admin(h))
		return;
	if (invite_delete(http_services(h)->accounts, http_asked(h)->under.p,
		&err) != PST_OK) {
		web_refused(h, &err);
		return;
	}
	web_admin_log(h, "invite-revoked", "id", http_asked(h)->under.p, NULL);
	http_answer(h, 204, NULL, STR_NONE);
}

/* --- who waits --------------------------------------------------------------
 */

static void
list_pending(void *arg, const struct account_user *user)
{
	if (user->is_pending)
		(void)json_array_append_new(arg,
		    json_pack("{s:s, s:s, s:I}", "user", user->address, "name",
			user->name, "created", (json_int_t)user->created));
}

static void
run_pending(struct http_request *h)
{
	struct pst_error err = { 0 };
	json_t *list;

	if (!web_is_admin(h))
		return;
	list = json_array();
	if (account_each(http_services(h)->accounts, NULL, list_pending, list,
		&err) != PST_OK) {
		json_decref(list);
		web_refused(h, &err);
		return;
	}
	web_answer(h, 200, json_pack("{s:o}", "pending", list));
}

/* False: it was answered that nobody of that name waits. */
static bool
find_pending(struct http_request *h, struct account_user *user_r)
{
	struct pst_error err = { 0 };
	enum pst_rc rc;

	if (!web_is_admin(h))
		return false;
	rc = account_find(
	    http_services(h)->accounts, http_asked(h)->under.p, user_r, &err);
	if (rc == PST_OK && user_r->is_pending)
		return true;
	if (rc == PST_OK || rc == PST_E_NOTFOUND)
		http_problem(h, 404, NULL, "Nobody of this name waits.");
	else
		web_refused(h, &err);
	return false;
}

static void
run_approve(struct http_request *h)
{
	struct account_user user;
	struct pst_error err = { 0 };

	if (!find_pending(h, &user))
		return;
	user.enabled = true;
	if (account_update(http_services(h)->accounts, &user,
		ACCOUNT_SET_ENABLED, &err) != PST_OK) {
		web_refused(h, &err);
		return;
	}
	log_event(PST_LOG_INFO, net_id(http_conn(h)), "approved", "user",
	    user.address, "by", http_user(h)->address, NULL);
	web_welcome(h, user.address);
	http_answer(h, 204, NULL, STR_NONE);
}

static void
run_reject(struct http_request *h)
{
	struct account_user user;
	struct pst_error err = { 0 };

	if (!find_pending(h, &user))
		return;
	if (account_delete(http_services(h)->accounts, user.address, &err) !=
	    PST_OK) {
		web_refused(h, &err);
		return;
	}
	log_event(PST_LOG_INFO, net_id(http_conn(h)), "rejected", "user",
	    user.address, "by", http_user(h)->address, NULL);
	http_answer(h, 204, NULL, STR_NONE);
}

const struct http_route web_invite_routes[] = {
	{ "GET", "/web/invites", HTTP_LOGIN, run_list, NULL, NULL, NULL },
	{ "POST", "/web/invites", HTTP_LOGIN, run_make, NULL, NULL, NULL },
	{ "DELETE", "/web/invites/*", HTTP_LOGIN, run_revoke, NULL, NULL,
	    NULL },
	{ "GET", "/web/approvals", HTTP_LOGIN, run_pending, NULL, NULL, NULL },
	{ "POST", "/web/approvals/*", HTTP_LOGIN, run_approve, NULL, NULL,
	    NULL },
	{ "DELETE", "/web/approvals/*", HTTP_LOGIN, run_reject, NULL, NULL,
	    NULL },
	{ NULL, NULL, 0, NULL, NULL, NULL, NULL },
};
