/*
 * request_mailbox.c - a user's mailboxes, for which the process that
 * has the storage open must be asked: "mailbox-list", "mailbox-status",
 * "mailbox-create", "mailbox-delete", "mailbox-rename" and "mailbox-fsck".
 */
#include "admin/background.h"
#include "base/log.h"
#include "base/str.h"
#include "mailbox/check.h"
#include "mailbox/mailbox.h"
#include "mailbox/place.h"
#include <stdlib.h>

enum verb { LIST, STATUS, CREATE, DELETE, RENAME, FSCK };

/* One request at work. */
struct task {
	enum verb verb;
	struct account_user user;
	char *mailbox, *to, *use; /* NULL: not given */
	bool subscribe, mend;
};

static void
task_free(void *arg)
{
	struct task *t = arg;

	free(t->mailbox);
	free(t->to);
	free(t->use);
	free(t);
}

/* --- list and status ------------------------------------------------------
 */

struct name {
	char *text, *use;
	bool exists, subscribed;
};

struct names {
	struct name *v;
	size_t n, cap;
};

static void
take_name(void *arg, const struct pst_mailbox *m)
{
	struct names *all = arg;

	mem_grow(&all->v, &all->cap, all->n + 1, sizeof(*all->v));
	all->v[all->n++] = (struct name){ str_dup(str_of(m->name)),
		str_dup(str_of(m->special_use)), m->exists, m->subscribed };
}

static void
names_free(struct names *all)
{
	for (size_t i = 0; i < all->n; i++) {
		free(all->v[i].text);
		free(all->v[i].use);
	}
	free(all->v);
}

static enum pst_rc
list(struct admin_work *w, struct mail_account *acct, struct pst_error *err)
{
	struct names all = { 0 };
	enum pst_rc rc = mailbox_each(acct, take_name, &all, err);

	for (size_t i = 0; rc == PST_OK && i < all.n; i++)
		if (!admin_work_item(
			w, json_pack("{s:o, s:o, s:b, s:b}", "name",
			       admin_json_text(str_of(all.v[i].text)),
			       "special_use",
			       admin_json_text(str_of(all.v[i].use)), "exists",
			       (int)all.v[i].exists, "subscribed",
			       (int)all.v[i].subscribed)))
			break;
	names_free(&all);
	return rc;
}

static enum pst_rc
status_one(struct admin_work *w, struct mail_account *acct, const char *name,
    struct pst_error *err)
{
	struct mailbox_status s;
	enum pst_rc rc = mailbox_status(acct, name, &s, err);

	if (rc == PST_OK)
		(void)admin_work_item(w,
		    json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}",
			"name", admin_json_text(str_of(name)), "messages",
			(json_int_t)s.messages, "unseen", (json_int_t)s.unseen,
			"deleted", (json_int_t)s.deleted, "size",
			(json_int_t)s.size, "uidvalidity",
			(json_int_t)s.state.uidvalidity, "uidnext",
			(json_int_t)s.state.uidnext, "highestmodseq",
			(json_int_t)s.state.highestmodseq, "id",
			s.state.objectid));
	return rc;
}

/* Calls back for the mailbox that was asked for, or for all. One that is
 * deleted meanwhile is passed over. */
static enum pst_rc
for_each(struct admin_work *w, const struct task *t, struct mail_account *acct,
    enum pst_rc (*fn)(struct admin_work *w, const struct task *t,
	struct mail_account *acct, const char *name, struct pst_error *err),
    struct pst_error *err)
{
	struct names all = { 0 };
	enum pst_rc rc;

	if (t->mailbox != NULL)
		return fn(w, t, acct, t->mailbox, err);
	rc = mailbox_each(acct, take_name, &all, err);
	for (size_t i = 0; rc == PST_OK && i < all.n; i++) {
		if (!all.v[i].exists)
			continue;
		if (admin_work_is_cancelled(w))
			break;
		rc = fn(w, t, acct, all.v[i].text, err);
		if (rc == PST_E_NOTFOUND)
			rc = PST_OK;
	}
	names_free(&all);
	return rc;
}

static enum pst_rc
status(struct admin_work *w, const struct task *t, struct mail_account *acct,
    const char *name, struct pst_error *err)
{
	(void)t;
	return status_one(w, acct, name, err);
}

/* --- fsck -----------------------------------------------------------------
 */

struct fsck {
	struct admin_work *work;
	const char *mailbox;
	unsigned long found, mended;
};

static void
tell_finding(void *arg, const struct pst_finding *f)
{
	struct fsck *k = arg;

	json_t *item = json_pack("{s:o, s:o, s:b, s:o}", "mailbox",
	    admin_json_text(str_of(k->mailbox)), "kind",
	    admin_json_text(str_of(f->kind)), "repaired", (int)f->is_mended,
	    "text", admin_json_text(str_of(f->text)));

	if (f->uid != 0)
		json_object_set_new(item, "uid", json_integer(f->uid));
	k->found++;
	k->mended += f->is_mended;
	(void)admin_work_item(k->work, item);
}

static bool
is_over(void *arg)
{
	return admin_work_is_cancelled(((struct fsck *)arg)->work);
}

static enum pst_rc
fsck(struct admin_work *w, const struct task *t, struct mail_account *acct,
    const char *name, struct pst_error *err)
{
	struct fsck k = { .work = w, .mailbox = name };
	enum pst_rc rc = mailbox_check(
	    acct, name, t->mend, tell_finding, is_over, &k, err);

	if (k.found > 0)
		log_text(PST_LOG_WARNING, 0, "fsck",
		    "%s %s: %lu problems, %lu repaired", t->user.address, name,
		    k.found, k.mended);
	return rc;
}

/* --- changes --------------------------------------------------------------
 */

static void
note_change(const struct task *t, const char *event)
{
	log_event(PST_LOG_INFO, 0, event, "user", t->user.address, "mailbox",
	    t->mailbox, "to", t->to, NULL);
}

static enum pst_rc
create(struct admin_work *w, const struct task *t, struct mail_account *acct,
    struct pst_error *err)
{
	enum pst_rc rc = mailbox_create_inheriting(admin_work_host(w)->accounts,
	    acct, t->mailbox, t->use != NULL ? t->use : "", NULL, err);

	/* What is nobody's has nobody who subscribes. */
	if (rc == PST_OK && t->subscribe &&
	    strcmp(t->user.address, ACCOUNT_PUBLIC) != 0)
		rc = mailbox_subscribe(acct, t->mailbox, true, err);
	if (rc == PST_OK)
		note_change(t, "mailbox-create");
	return rc;
}

static enum pst_rc delete (
    const struct task *t, struct mail_account *acct, struct pst_error *err) {
	enum pst_rc rc = mailbox_delete(acct, t->mailbox, err);

	/* A subscription to what is gone is of no use to anybody. */
	if (rc == PST_OK) rc = mailbox_subscribe(acct, t->mailbox, false, err);
	if (rc == PST_OK) note_change(t, "mailbox-delete");
	return rc;
}

struct subscribed {
	const char *from;
	struct names names;
};

static void
take_subscribed(void *arg, const struct pst_mailbox *m)
{
	struct subscribed *s = arg;
	size_t n = strlen(s->from);

	if (m->subscribed && strncmp(m->name, s->from, n) == 0 &&
	    (m->name[n] == '\0' || m->name[n] == '/'))
		take_name(&s->names, m);
}

/* With the subscriptions: the user shall see the same mailboxes as before. */
static enum pst_rc
rename_all(
    const struct task *t, struct mail_account *acct, struct pst_error *err)
{
	struct subscribed s = { .from = t->mailbox };
	enum pst_rc rc = mailbox_each(acct, take_subscribed, &s, err);

	if (rc == PST_OK)
		rc = mailbox_rename(acct, t->mailbox, t->to, err);
	for (size_t i = 0; rc == PST_OK && i < s.names.n; i++) {
		const char *old = s.names.v[i].text;
		struct buf name;

		buf_init(&name, 8192);
		(void)buf_puts(&name, t->to);
		(void)buf_puts(&name, old + strlen(t->mailbox));
		(void)buf_putc(&name, '\0');
		rc = mailbox_subscribe(acct, name.p, true, err);
		if (rc == PST_OK && strcmp(old, "INBOX") != 0)
			rc = mailbox_subscribe(acct, old, false, err);
		buf_fini(&name);
	}
	names_free(&s.names);
	if (rc == PST_OK)
		note_change(t, "mailbox-rename");
	return rc;
}

/* --- the way there --------------------------------------------------------
 */

/* What to say of a mailbox instead of a path of the storage. */
static enum pst_rc
explain(const struct task *t, enum pst_rc rc, struct pst_error *err)
{
	const char *name = t->mailbox != NULL ? t->mailbox : "";

	if (rc == PST_E_NOTFOUND)
		return pst_fail(err, rc, 0, "%s has no mailbox %.150s",
		    t->user.address, name);
	if (rc == PST_E_EXISTS)
		return pst_fail(err, rc, 0, "%s has a mailbox %.150s already",
		    t->user.address, t->to != NULL ? t->to : name);
	if (rc == PST_E_DENIED)
		return pst_fail(
		    err, rc, 0, "INBOX is always there: it cannot be deleted");
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
	switch (t->verb) {
	case LIST:
		rc = list(w, acct, err);
		break;
	case STATUS:
		rc = for_each(w, t, acct, status, err);
		break;
	case FSCK:
		rc = for_each(w, t, acct, fsck, err);
		break;
	case CREATE:
		rc = create(w, t, acct, err);
		break;
	case DELETE:
		rc = delete (t, acct, err);
		break;
	case RENAME:
		rc = rename_all(t, acct, err);
		break;
	}
	mail_account_close(&acct);
	return explain(t, rc, err);
}

/* As it is spelt; the backslash, which shells eat, may be left out. */
static char *
known_use(const char *text)
{
	static const char *const known[] = { "\\Archive", "\\Drafts", "\\Junk",
		"\\Sent", "\\Trash" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (str_is_case(str_of(text), known[i]) ||
		    str_is_case(str_of(text), known[i] + 1))
			return str_dup(str_of(known[i]));
	return NULL;
}

static void
begin(struct admin_client *c, const json_t *request, enum verb verb,
    bool needs_mailbox)
{
	struct task *t = mem_alloc(sizeof(*t));
	const char *use = admin_member(request, "special_use");

	t->verb = verb;
	t->mend = json_is_true(json_object_get(request, "repair"));
	t->subscribe = json_is_true(json_object_get(request, "subscribe"));
	if (use != NULL && *use != '\0') {
		t->use = known_use(use);
		if (t->use == NULL) {
			admin_error(c, PST_E_SYNTAX,
			    "a special use is one of \\Archive, \\Drafts, "
			    "\\Junk, \\Sent and \\Trash, not \"%s\"",
			    use);
			task_free(t);
			return;
		}
	}
	if (!admin_find_user(c, request, &t->user) ||
	    !admin_take_mailbox(
		c, request, "mailbox", needs_mailbox, &t->mailbox) ||
	    !admin_take_mailbox(c, request, "to", verb == RENAME, &t->to)) {
		task_free(t);
		return;
	}
	admin_work_start(c, run_task, t, task_free);
}

void
admin_run_mailbox_list(struct admin_client *c, const json_t *request)
{
	begin(c, request, LIST, false);
}

void
admin_run_mailbox_status(struct admin_client *c, const json_t *request)
{
	begin(c, request, STATUS, false);
}

void
admin_run_mailbox_fsck(struct admin_client *c, const json_t *request)
{
	begin(c, request, FSCK, false);
}

void
admin_run_mailbox_create(struct admin_client *c, const json_t *request)
{
	begin(c, request, CREATE, true);
}

void
admin_run_mailbox_delete(struct admin_client *c, const json_t *request)
{
	begin(c, request, DELETE, true);
}

void
admin_run_mailbox_rename(struct admin_client *c, const json_t *request)
{
	begin(c, request, RENAME, true);
}
