/*
 * request_retention.c - the rules of retention: "retention-status" and
 * "retention-run", which applies them at once or tells what that would do.
 */
#include "admin/background.h"
#include "base/log.h"
#include "base/str.h"
#include "mailbox/retention.h"
#include <stdlib.h>

enum { PAGE = 64 };

/* --- status ---------------------------------------------------------------
 */

static json_t *
rules(const struct config *cfg)
{
	json_t *list = json_array();

	for (size_t i = 0; i < cfg->retentions; i++) {
		const struct config_retention *r = &cfg->retention[i];

		json_array_append_new(list,
		    json_pack("{s:o, s:o, s:o, s:I, s:I, s:I, s:b}", "rule",
			admin_json_text(str_of(r->name)), "mailbox",
			admin_json_text(str_of(r->mailbox)), "special_use",
			admin_json_text(str_of(r->special_use)), "age",
			(json_int_t)r->age, "max_messages",
			(json_int_t)r->max_messages, "max_size",
			(json_int_t)r->max_size, "undelete", (int)r->undelete));
	}
	return list;
}

void
admin_run_retention_status(struct admin_client *c, const json_t *request)
{
	struct config *cfg = c->host->config(c->host->arg);
	struct upkeep_status s;

	(void)request;
	upkeep_status(c->host->upkeep, &s);
	(void)admin_item(c,
	    json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
		      "s:I, s:I, s:o}",
		"sweeping", (int)s.sweeping, "began", (json_int_t)s.began,
		"ended", (json_int_t)s.ended, "next", (json_int_t)s.next,
		"accounts", (json_int_t)s.accounts, "visited",
		(json_int_t)s.visited, "failures", (json_int_t)s.failures,
		"removed_messages", (json_int_t)s.removed.messages,
		"removed_bytes", (json_int_t)s.removed.bytes, "purged_messages",
		(json_int_t)s.purged.messages, "purged_bytes",
		(json_int_t)s.purged.bytes, "undelete_keep",
		(json_int_t)cfg->undelete.keep, "undelete_size",
		(json_int_t)cfg->undelete.size, "rules", rules(cfg)));
	config_unref(&cfg);
	admin_done(c);
}

/* --- run ------------------------------------------------------------------
 */

struct task {
	struct account_user user; /* address "": all of them */
	bool dry_run;
};

struct run {
	struct admin_work *work;
	const struct task *task;
	const struct account_user *user;
};

static void
tell(void *arg, const struct retention_done *done)
{
	const struct run *r = arg;

	(void)admin_work_item(r->work,
	    json_pack("{s:o, s:o, s:o, s:I, s:I}", "user",
		admin_json_text(str_of(r->user->address)), "mailbox",
		admin_json_text(str_of(done->mailbox)), "rule",
		admin_json_text(str_of(done->rule)), "messages",
		(json_int_t)done->messages, "size", (json_int_t)done->bytes));
	if (!r->task->dry_run)
		log_text(PST_LOG_INFO, 0, "retention",
		    "%s %s: %llu messages by rule %s", r->user->address,
		    done->mailbox, (unsigned long long)done->messages,
		    done->rule);
}

static bool
is_over(void *arg)
{
	return admin_work_is_cancelled(((struct run *)arg)->work);
}

static enum pst_rc
run_user(struct run *r, struct pst_error *err)
{
	const struct retention_how how = { .dry_run = r->task->dry_run,
		.fn = tell,
		.stop = is_over,
		.arg = r };
	struct mailstore *store = admin_work_host(r->work)->store;
	int64_t next = INT64_MAX;
	struct mail_account *acct;
	enum pst_rc rc;

	if (r->user->on_hold) {
		(void)admin_work_item(
		    r->work, json_pack("{s:o, s:b}", "user",
				 admin_json_text(str_of(r->user->address)),
				 "on_hold", 1));
		return PST_OK;
	}
	if (!mail_account_exists(store, r->user))
		return PST_OK;
	rc = mail_account_open(store, r->user, &acct, err);
	if (rc == PST_OK) {
		rc = retention_run(acct, &how, &next, err);
		mail_account_close(&acct);
	}
	return rc;
}

/* One of a page, which may be old: what was done for those before took its
 * time. */
static enum pst_rc
run_listed(struct run *r, const char *address, struct pst_error *err)
{
	struct account_user user;
	enum pst_rc rc = account_find(
	    admin_work_host(r->work)->accounts, address, &user, err);

	r->user = &user;
	if (rc == PST_OK)
		rc = run_user(r, err);
	r->user = NULL;
	return rc == PST_E_NOTFOUND ? PST_OK : rc;
}

/* One user's trouble shall not keep the others from their turn. */
static enum pst_rc
run_all(struct run *r, struct pst_error *err)
{
	struct account_user *page = mem_array(PAGE, sizeof(*page));
	char after[sizeof(page->address)] = "";
	enum pst_rc rc = PST_OK, failed = PST_OK;
	struct pst_error one = { 0 };
	size_t n = PAGE;

	while (n == PAGE && rc == PST_OK && !is_over(r)) {
		rc = account_page(admin_work_host(r->work)->accounts, after,
		    page, PAGE, &n, err);
		for (size_t i = 0; rc == PST_OK && i < n && !is_over(r); i++) {
			if (run_listed(r, page[i].address, &one) == PST_OK ||
			    failed != PST_OK)
				continue;
			failed = one.rc;
			*err = one;
		}
		if (rc == PST_OK && n > 0)
			(void)str_copy(
			    after, sizeof(after), str_of(page[n - 1].address));
	}
	free(page);
	return rc != PST_OK ? rc : failed;
}

static enum pst_rc
run_task(struct admin_work *w, void *arg, struct pst_error *err)
{
	const struct task *t = arg;
	struct run r = { .work = w, .task = t, .user = &t->user };

	return *t->user.address != '\0' ? run_user(&r, err) : run_all(&r, err);
}

void
admin_run_retention_run(struct admin_client *c, const json_t *request)
{
	struct config *cfg = c->host->config(c->host->arg);
	struct task *t = mem_alloc(sizeof(*t));
	size_t n = cfg->retentions;

	config_unref(&cfg);
	t->dry_run = json_is_true(json_object_get(request, "dry_run"));
	if (n == 0) {
		admin_error(c, PST_E_NOTFOUND,
		    "the configuration has no `retention` block");
		free(t);
		return;
	}
	if (json_object_get(request, "address") != NULL &&
	    !admin_find_user(c, request, &t->user)) {
		free(t);
		return;
	}
	admin_work_start(c, run_task, t, free);
}
