/*
 * request_index.c - the full-text indexes of a user's mailboxes: "index-status"
 * and "index-rebuild". Rebuilding only begins here; the server goes on with it
 * in the background.
 */
#include "admin/background.h"
#include "base/log.h"
#include "base/str.h"
#include "mailbox/fulltext.h"
#include <stdlib.h>

/* One request at work. */
struct task {
	bool rebuild;
	struct account_user user;
	char *mailbox; /* NULL: all */
};

static void
task_free(void *arg)
{
	struct task *t = arg;

	free(t->mailbox);
	free(t);
}

static enum pst_rc
tell_status(struct admin_work *w, struct mail_account *acct, const char *name,
    struct pst_error *err)
{
	struct mailbox_text s;
	enum pst_rc rc = mailbox_text_status(acct, name, &s, err);

	if (rc == PST_OK)
		(void)admin_work_item(
		    w, json_pack("{s:o, s:b, s:I, s:I, s:I, s:b}", "mailbox",
			   admin_json_text(str_of(name)), "kept",
			   (int)s.is_kept, "messages", (json_int_t)s.messages,
			   "indexed", (json_int_t)s.indexed, "size",
			   (json_int_t)s.bytes, "behind", (int)s.is_behind));
	return rc;
}

static enum pst_rc
do_one(struct admin_work *w, const struct task *t, struct mail_account *acct,
    const char *name, struct pst_error *err)
{
	return t->rebuild ? mailbox_text_rebuild(acct, name, err)
			  : tell_status(w, acct, name, err);
}

/* A mailbox that is deleted meanwhile is passed over. */
static enum pst_rc
do_all(struct admin_work *w, const struct task *t, struct mail_account *acct,
    struct pst_error *err)
{
	struct mailbox_names all;
	enum pst_rc rc = mailbox_names(acct, &all, err);

	for (size_t i = 0; i < all.n; i++) {
		if (rc == PST_OK && !admin_work_is_cancelled(w))
			rc = do_one(w, t, acct, all.v[i], err);
		if (rc == PST_E_NOTFOUND)
			rc = PST_OK;
	}
	mailbox_names_fini(&all);
	return rc;
}

static enum pst_rc
run_task(struct admin_work *w, void *arg, struct pst_error *err)
{
	const struct task *t = arg;
	struct mail_account *acct;
	enum pst_rc rc;

	rc = mail_account_open(admin_work_host(w)->store, &t->user, &acct, err);
	if (rc != PST_OK)
		return rc;
	if (t->mailbox == NULL)
		rc = do_all(w, t, acct, err);
	else
		rc = do_one(w, t, acct, t->mailbox, err);
	mail_account_close(&acct);
	if (rc == PST_E_NOTFOUND)
		return pst_fail(err, rc, 0, "%s has no mailbox %.150s",
		    t->user.address, t->mailbox);
	if (rc == PST_OK && t->rebuild)
		log_event(PST_LOG_INFO, 0, "index-rebuild", "user",
		    t->user.address, "mailbox", t->mailbox, NULL);
	return rc;
}

static void
begin(struct admin_client *c, const json_t *request, bool rebuild)
{
	struct task *t = mem_alloc(sizeof(*t));

	t->rebuild = rebuild;
	if (!admin_find_user(c, request, &t->user) ||
	    !admin_take_mailbox(c, request, "mailbox", false, &t->mailbox)) {
		task_free(t);
		return;
	}
	admin_work_start(c, run_task, t, task_free);
}

static void
tell_waiting(void *arg, const char *user, const char *mailbox, bool running)
{
	(void)admin_item(arg,
	    json_pack("{s:o, s:o, s:b}", "user", admin_json_text(str_of(user)),
		"mailbox", admin_json_text(str_of(mailbox)), "running",
		(int)running));
}

void
admin_run_index_status(struct admin_client *c, const json_t *request)
{
	if (admin_member(request, "address") != NULL) {
		begin(c, request, false);
		return;
	}
	mailbox_text_waiting(c->host->store, tell_waiting, c);
	admin_done(c);
}

void
admin_run_index_rebuild(struct admin_client *c, const json_t *request)
{
	begin(c, request, true);
}
