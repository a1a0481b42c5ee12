/*
 * request_acl.c - access control lists of a user's mailboxes, and of public
 * ones: "acl-list", "acl-set", "acl-delete" and "acl-rebuild".
 */
#include "admin/background.h"
#include "base/log.h"
#include "base/str.h"
#include "mailbox/place.h"
#include <stdlib.h>

enum verb { LIST, CHANGE, REBUILD };

struct task {
	enum verb verb;
	struct account_user user; /* address "": all users */
	char *mailbox;		  /* NULL: all */
	char identifier[ACL_IDENTIFIER_MAX];
	enum acl_change change;
	unsigned rights;
};

static void
task_free(void *arg)
{
	struct task *t = arg;

	free(t->mailbox);
	free(t);
}

/* --- list -----------------------------------------------------------------
 */

static enum pst_rc
list_one(struct admin_work *w, struct mail_account *acct, const char *name,
    struct pst_error *err)
{
	struct acl acl;
	enum pst_rc rc = mail_acl_get(acct, name, &acl, err);

	for (size_t i = 0; rc == PST_OK && i < acl.n; i++) {
		struct buf rights;

		buf_init(&rights, 32);
		acl_put_rights(&rights, acl.entry[i].rights);
		(void)admin_work_item(
		    w, json_pack("{s:o, s:o, s:o}", "mailbox",
			   admin_json_text(str_of(name)), "identifier",
			   admin_json_text(str_of(acl.entry[i].identifier)),
			   "rights", admin_json_text(buf_str(&rights))));
		buf_fini(&rights);
	}
	acl_fini(&acl);
	return rc;
}

static enum pst_rc
list(struct admin_work *w, const struct task *t, struct mail_account *acct,
    struct pst_error *err)
{
	struct mailbox_names all;
	enum pst_rc rc;

	if (t->mailbox != NULL)
		return list_one(w, acct, t->mailbox, err);
	rc = mailbox_names(acct, &all, err);
	for (size_t i = 0; rc == PST_OK && i < all.n; i++) {
		if (admin_work_is_cancelled(w))
			break;
		rc = list_one(w, acct, all.v[i], err);
		if (rc == PST_E_NOTFOUND)
			rc = PST_OK;
	}
	mailbox_names_fini(&all);
	return rc;
}

/* --- changes --------------------------------------------------------------
 */

static enum pst_rc
check_identifier(
    const struct admin_host *host, const struct task *t, struct pst_error *err)
{
	const char *who = t->identifier + (t->identifier[0] == '-');
	struct account_user user;
	enum pst_rc rc;

	if (strcmp(who, t->user.address) == 0)
		return pst_fail(err, PST_E_DENIED, 0,
		    "%s is the owner and has all rights", who);
	if (t->change == ACL_TAKE || t->rights == 0 ||
	    strcmp(who, "anyone") == 0)
		return PST_OK;
	rc = account_find(host->accounts, who, &user, err);
	if (rc == PST_E_NOTFOUND)
		return pst_fail(err, rc, 0, "there is no user %.200s", who);
	return rc;
}

static enum pst_rc
change(const struct admin_host *host, const struct task *t,
    struct mail_account *acct, struct pst_error *err)
{
	enum pst_rc rc = check_identifier(host, t, err);
	struct buf rights;

	if (rc != PST_OK)
		return rc;
	rc = mail_acl_change(host->accounts, acct, t->mailbox, t->identifier,
	    t->change, t->rights, err);
	if (rc == PST_E_NOTFOUND)
		return pst_fail(err, rc, 0, "%s has no mailbox %.150s",
		    t->user.address, t->mailbox);
	if (rc != PST_OK)
		return rc;
	buf_init(&rights, 32);
	(void)buf_putc(&rights, t->change == ACL_ADD	? '+'
				: t->change == ACL_TAKE ? '-'
							: '=');
	acl_put_rights(&rights, t->rights);
	(void)buf_putc(&rights, '\0');
	log_event(PST_LOG_INFO, 0, "acl-set", "by", "posternctl", "owner",
	    t->user.address, "mailbox", t->mailbox, "identifier", t->identifier,
	    "rights", rights.p, NULL);
	buf_fini(&rights);
	return PST_OK;
}

/* --- rebuild --------------------------------------------------------------
 */

struct rebuilding {
	struct admin_work *w;
	enum pst_rc rc;
	struct pst_error *err;
};

static void
rebuild_user(void *arg, const struct account_user *user)
{
	struct rebuilding *r = arg;
	const struct admin_host *host = admin_work_host(r->w);
	struct account_user present = *user;
	struct mail_account *acct;

	if (r->rc != PST_OK || admin_work_is_cancelled(r->w))
		return;
	/* What is known of one in a list of all may be old by now. */
	if (strcmp(user->address, ACCOUNT_PUBLIC) != 0)
		r->rc = account_find(
		    host->accounts, user->address, &present, r->err);
	if (r->rc == PST_E_NOTFOUND) {
		r->rc = PST_OK;
		return;
	}
	if (r->rc == PST_OK)
		r->rc = mail_account_open(host->store, &present, &acct, r->err);
	if (r->rc != PST_OK)
		return;
	r->rc = mail_acl_index(host->accounts, acct, r->err);
	mail_account_close(&acct);
}

static enum pst_rc
rebuild(struct admin_work *w, const struct task *t, struct pst_error *err)
{
	const struct account_user shared = { .address = ACCOUNT_PUBLIC };
	struct rebuilding r = { w, PST_OK, err };
	enum pst_rc rc = PST_OK;

	if (t->user.address[0] != '\0') {
		rebuild_user(&r, &t->user);
		return r.rc;
	}
	rc = account_each(
	    admin_work_host(w)->accounts, NULL, rebuild_user, &r, err);
	rebuild_user(&r, &shared);
	return rc == PST_OK ? r.rc : rc;
}

/* --- the way there --------------------------------------------------------
 */

static enum pst_rc
run_task(struct admin_work *w, void *arg, struct pst_error *err)
{
	const struct admin_host *host = admin_work_host(w);
	const struct task *t = arg;
	struct mail_account *acct;
	enum pst_rc rc;

	if (t->verb == REBUILD)
		return rebuild(w, t, err);
	rc = mail_account_open(host->store, &t->user, &acct, err);
	if (rc != PST_OK)
		return rc;
	rc = t->verb == LIST ? list(w, t, acct, err)
			     : change(host, t, acct, err);
	mail_account_close(&acct);
	if (rc == PST_E_NOTFOUND && t->verb == LIST)
		return pst_fail(err, rc, 0, "%s has no mailbox %.150s",
		    t->user.address, t->mailbox != NULL ? t->mailbox : "");
	return rc;
}

static bool
take_change(struct admin_client *c, const json_t *request, struct task *t)
{
	const char *identifier = admin_member(request, "identifier");
	const char *rights = admin_member(request, "rights");

	if (identifier == NULL ||
	    !acl_clean_identifier(str_of(identifier), t->identifier)) {
		admin_error(c, PST_E_SYNTAX,
		    "\"%s\" is neither an address nor \"anyone\"",
		    identifier != NULL ? identifier : "");
		return false;
	}
	if (!acl_parse_change(str_of(rights), &t->change, &t->rights)) {
		admin_error(c, PST_E_SYNTAX,
		    "\"%s\": rights are letters of lrswipkxtea, with '+' or "
		    "'-' before them to add or take",
		    rights);
		return false;
	}
	return true;
}

static void
begin(struct admin_client *c, const json_t *request, enum verb verb)
{
	struct task *t = mem_alloc(sizeof(*t));
	bool all = verb == REBUILD && admin_member(request, "address") == NULL;

	t->verb = verb;
	if ((!all && !admin_find_user(c, request, &t->user)) ||
	    !admin_take_mailbox(
		c, request, "mailbox", verb == CHANGE, &t->mailbox) ||
	    (verb == CHANGE && !take_change(c, request, t))) {
		task_free(t);
		return;
	}
	admin_work_start(c, run_task, t, task_free);
}

void
admin_run_acl_list(struct admin_client *c, const json_t *request)
{
	begin(c, request, LIST);
}

void
admin_run_acl_set(struct admin_client *c, const json_t *request)
{
	if (admin_member(request, "rights") == NULL)
		admin_error(c, PST_E_SYNTAX, "the request needs rights");
	else
		begin(c, request, CHANGE);
}

/* No rights: the entry goes. */
void
admin_run_acl_delete(struct admin_client *c, const json_t *request)
{
	begin(c, request, CHANGE);
}

void
admin_run_acl_rebuild(struct admin_client *c, const json_t *request)
{
	begin(c, request, REBUILD);
}
