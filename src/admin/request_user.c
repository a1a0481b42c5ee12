/*
 * request_user.c - what concerns a user's mail and must therefore be done by
 * the process that has the storage open: "usage" and "user-delete"; and what
 * shall stand in its log: "user-factors-reset".
 *
 * Deleting goes step by step so that a crash in between never leaves mail to
 * the next user of the same address: the user is disabled, their connections
 * are closed, the mail is removed, the user is deleted, and what a delivery
 * under way may have stored meanwhile is removed as well. Each step can be
 * repeated; so can the command. What the user shares with others, and others
 * with the user, ends before the mail is removed.
 */
#include "account/factors.h"
#include "admin/control_priv.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "jmap/push.h"
#include "mailbox/catalog.h"
#include "mailbox/mailbox.h"
#include "mailbox/place.h"
#include <stdlib.h>

#define DELETE_TIME (INT64_C(10) * 1000000)

bool
admin_find_user(
    struct admin_client *c, const json_t *request, struct account_user *user_r)
{
	const char *address = admin_member(request, "address");
	struct pst_error err = { 0 };
	enum pst_rc rc;

	if (address == NULL) {
		admin_error(c, PST_E_SYNTAX, "the request needs an address");
		return false;
	}
	if (strcmp(address, "public") == 0) { /* nobody's: public mailboxes */
		*user_r = (struct account_user){ .address = ACCOUNT_PUBLIC };
		return true;
	}
	rc = account_find(c->host->accounts, address, user_r, &err);
	if (rc == PST_E_NOTFOUND)
		admin_error(c, rc, "there is no user %s", address);
	else if (rc != PST_OK)
		admin_error(c, rc, "%s", err.detail);
	return rc == PST_OK;
}

bool
admin_take_mailbox(struct admin_client *c, const json_t *request,
    const char *key, bool needed, char **name_r)
{
	const char *text = admin_member(request, key);
	struct buf name;
	enum pst_rc rc;

	*name_r = NULL;
	if (text == NULL) {
		if (needed)
			admin_error(c, PST_E_SYNTAX,
			    "the request needs the name of a mailbox");
		return !needed;
	}
	buf_init(&name, 8192);
	rc = mailbox_name_clean(str_of(text), &name);
	if (rc == PST_OK)
		*name_r = str_dup(buf_str(&name));
	else
		admin_error(
		    c, rc, "\"%s\" cannot be the name of a mailbox", text);
	buf_fini(&name);
	return rc == PST_OK;
}

/* --- usage ----------------------------------------------------------------
 */

void
admin_run_usage(struct admin_client *c, const json_t *request)
{
	struct pst_usage usage = { 0 }, limit = { 0 };
	struct mail_account *acct;
	struct account_user user;
	struct pst_error err = { 0 };
	enum pst_rc rc;

	if (!admin_find_user(c, request, &user))
		return;
	rc = mail_account_open(c->host->store, &user, &acct, &err);
	if (rc == PST_OK) {
		rc = mail_account_usage(acct, &usage, &limit, &err);
		mail_account_close(&acct);
	}
	if (rc != PST_OK) {
		admin_error(c, rc, "%s", err.detail);
		return;
	}
	(void)admin_item(c,
	    json_pack("{s:I, s:I, s:I, s:I}", "bytes", (json_int_t)usage.bytes,
		"messages", (json_int_t)usage.messages, "limit_bytes",
		(json_int_t)limit.bytes, "limit_messages",
		(json_int_t)limit.messages));
	admin_done(c);
}

/* --- user-delete ----------------------------------------------------------
 */

struct deletion {
	struct account_user user;
	int64_t until; /* clock_monotonic */
	bool keep_mail;
	bool deleted; /* from the database */
};

static enum pst_rc
remove_mail(struct admin_client *c, struct deletion *d, struct pst_error *err)
{
	enum pst_rc rc;

	if (d->keep_mail)
		return PST_OK;
	/* One that nobody uses any more has the mail open for a while. */
	catalog_forget(d->user.address);
	jmap_push_look_user(d->user.address);
	rc = mail_account_remove(c->host->store, &d->user, err);
	return rc == PST_E_NOTFOUND ? PST_OK : rc;
}

static enum pst_rc
delete_step(struct admin_client *c, struct deletion *d, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	/* Also so that nobody else has the mail open. */
	if (!d->deleted)
		rc = mail_acl_forget_user(
		    c->host->accounts, c->host->store, &d->user, err);
	if (rc == PST_OK)
		rc = remove_mail(c, d, err);
	if (rc != PST_OK || d->deleted)
		return rc;
	rc = account_delete(c->host->accounts, d->user.address, err);
	if (rc != PST_OK && rc != PST_E_NOTFOUND)
		return rc;
	d->deleted = true;
	return remove_mail(c, d, err);
}

/* Sessions end in their own time: the mail is theirs until then. */
static bool
delete_job(struct admin_client *c)
{
	struct deletion *d = c->job_state;
	struct pst_error err = { 0 };
	enum pst_rc rc;

	rc = delete_step(c, d, &err);
	if (rc == PST_E_CONFLICT && clock_monotonic() < d->until) {
		(void)admin_kick_user(c->host->net, d->user.address);
		return false;
	}
	if (rc == PST_OK) {
		log_event(PST_LOG_INFO, 0, "user-delete", "user",
		    d->user.address, NULL);
		admin_done(c);
	} else if (rc == PST_E_CONFLICT) {
		admin_error(c, rc, "the mail of %s is in use: try again",
		    d->user.address);
	} else {
		log_failure(PST_LOG_ERROR, 0, "user-delete", &err);
		admin_error(c, rc, "%s", err.detail);
	}
	return true;
}

void
admin_run_user_delete(struct admin_client *c, const json_t *request)
{
	struct pst_error err = { 0 };
	struct account_user user;
	struct deletion *d;
	enum pst_rc rc;

	if (!admin_find_user(c, request, &user))
		return;
	if (user.on_hold &&
	    !json_is_true(json_object_get(request, "keep_mail"))) {
		admin_error(c, PST_E_DENIED, "%s is on hold", user.address);
		return;
	}
	user.enabled = false;
	rc = account_update(
	    c->host->accounts, &user, ACCOUNT_SET_ENABLED, &err);
	if (rc != PST_OK) {
		admin_error(c, rc, "%s", err.detail);
		return;
	}
	d = mem_alloc(sizeof(*d));
	d->user = user;
	d->until = clock_monotonic() + DELETE_TIME;
	d->keep_mail = json_is_true(json_object_get(request, "keep_mail"));
	c->job = delete_job;
	c->job_state = d;
	c->job_free = free;
	(void)admin_kick_user(c->host->net, user.address);
}

/* --- user-factors-reset ---------------------------------------------------
 */

void
admin_run_factors_reset(struct admin_client *c, const json_t *request)
{
	struct pst_error err = { 0 };
	struct account_user user;
	enum pst_rc rc;

	if (!admin_find_user(c, request, &user))
		return;
	rc = factors_reset(c->host->accounts, user.address, &err);
	if (rc != PST_OK) {
		admin_error(c, rc, "%s", err.detail);
		return;
	}
	log_event(PST_LOG_WARNING, 0, "factors-reset", "user", user.address,
	    "by", admin_member(request, "by"), NULL);
	admin_done(c);
}
