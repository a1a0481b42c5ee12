/*
 * request_quota.c - what a user's mail may hold, and counting anew what it
 * holds: "quota-set" and "quota-recount". The request "usage" tells both.
 */
#include "admin/background.h"
#include "base/log.h"
#include "mailbox/check.h"
#include <inttypes.h>
#include <stdlib.h>

static enum pst_rc
recount(struct admin_work *w, void *arg, struct pst_error *err)
{
	const struct account_user *user = arg;
	struct pst_usage usage = { 0 }, limit = { 0 };
	struct mail_account *acct;
	enum pst_rc rc;

	rc = mail_account_open(admin_work_host(w)->store, user, &acct, err);
	if (rc != PST_OK)
		return rc;
	rc = mail_account_recount(acct, &usage, &limit, err);
	mail_account_close(&acct);
	if (rc == PST_OK)
		(void)admin_work_item(
		    w, json_pack("{s:I, s:I, s:I, s:I}", "bytes",
			   (json_int_t)usage.bytes, "messages",
			   (json_int_t)usage.messages, "limit_bytes",
			   (json_int_t)limit.bytes, "limit_messages",
			   (json_int_t)limit.messages));
	return rc;
}

void
admin_run_quota_recount(struct admin_client *c, const json_t *request)
{
	struct account_user *user = mem_alloc(sizeof(*user));

	if (!admin_find_user(c, request, user)) {
		free(user);
		return;
	}
	admin_work_start(c, recount, user, free);
}

static bool
take_limit(const json_t *request, const char *key, int64_t *value_r)
{
	const json_t *value = json_object_get(request, key);

	if (value == NULL)
		return true;
	*value_r = json_integer_value(value);
	return json_is_integer(value) && *value_r >= -1;
}

void
admin_run_quota_set(struct admin_client *c, const json_t *request)
{
	struct pst_error err = { 0 };
	struct mail_account *acct;
	struct account_user user;
	char bytes[24], messages[24];
	unsigned fields = 0;
	enum pst_rc rc;

	if (!admin_find_user(c, request, &user))
		return;
	if (!take_limit(request, "bytes", &user.quota_bytes) ||
	    !take_limit(request, "messages", &user.quota_messages)) {
		admin_error(c, PST_E_SYNTAX,
		    "a quota is a number, 0 for none or -1 for the default");
		return;
	}
	if (json_object_get(request, "bytes") != NULL)
		fields |= ACCOUNT_SET_QUOTA_BYTES;
	if (json_object_get(request, "messages") != NULL)
		fields |= ACCOUNT_SET_QUOTA_MESSAGES;
	rc = account_update(c->host->accounts, &user, fields, &err);
	/* Opening makes the new limits hold for all who have it open. */
	if (rc == PST_OK)
		rc = mail_account_open(c->host->store, &user, &acct, &err);
	if (rc != PST_OK) {
		admin_error(c, rc, "%s", err.detail);
		return;
	}
	mail_account_close(&acct);
	(void)snprintf(bytes, sizeof(bytes), "%" PRId64, user.quota_bytes);
	(void)snprintf(
	    messages, sizeof(messages), "%" PRId64, user.quota_messages);
	log_event(PST_LOG_INFO, 0, "quota-set", "user", user.address, "bytes",
	    bytes, "messages", messages, NULL);
	admin_done(c);
}
