/*
 * request_undelete.c - "undelete": what is kept of a user's expunged messages,
 * and bringing it back.
 */
#include "admin/background.h"
#include "base/log.h"
#include "base/str.h"
#include "mailbox/undelete.h"
#include <inttypes.h>
#include <stdlib.h>

enum mode { LIST, DRY_RUN, RESTORE, PURGE };

enum { PURGE_STEP = 1000 };

struct task {
	enum mode mode;
	struct account_user user;
	char *mailbox, *id; /* NULL: any */
	int64_t since;
};

static void
task_free(void *arg)
{
	struct task *t = arg;

	free(t->mailbox);
	free(t->id);
	free(t);
}

/* Sums by mailbox; the rows come in their order. */
struct tally {
	struct admin_work *work;
	char *mailbox; /* NULL: none yet */
	uint64_t messages, bytes, total;
};

static void
tally_flush(struct tally *t)
{
	if (t->mailbox != NULL)
		(void)admin_work_item(t->work,
		    json_pack("{s:o, s:I, s:I}", "mailbox",
			admin_json_text(str_of(t->mailbox)), "messages",
			(json_int_t)t->messages, "size", (json_int_t)t->bytes));
	free(t->mailbox);
	t->mailbox = NULL;
	t->messages = t->bytes = 0;
}

static void
tally_add(struct tally *t, const char *mailbox, uint64_t size)
{
	if (t->mailbox == NULL || strcmp(t->mailbox, mailbox) != 0) {
		tally_flush(t);
		t->mailbox = str_dup(str_of(mailbox));
	}
	t->messages++;
	t->total++;
	t->bytes += size;
}

static void
count_kept(void *arg, const struct pst_kept *k)
{
	tally_add(arg, k->mailbox, k->size);
}

static void
count_back(void *arg, const struct undelete_back *back)
{
	tally_add(arg, back->mailbox, back->size);
}

static bool
is_over(void *arg)
{
	return admin_work_is_cancelled(((struct tally *)arg)->work);
}

static json_t *
flag_words(uint32_t flags, const char *const *keyword, size_t keywords)
{
	static const struct {
		uint32_t flag;
		const char *word;
	} words[] = { { PST_SEEN, "\\Seen" }, { PST_ANSWERED, "\\Answered" },
		{ PST_FLAGGED, "\\Flagged" }, { PST_DRAFT, "\\Draft" } };
	struct buf b;
	json_t *text;

	buf_init(&b, ADMIN_LINE_MAX / 2);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if ((flags & words[i].flag) != 0)
			(void)buf_printf(
			    &b, "%s%s", b.n > 0 ? " " : "", words[i].word);
	for (size_t i = 0; i < keywords; i++)
		(void)buf_printf(&b, "%s%s", b.n > 0 ? " " : "", keyword[i]);
	text = admin_json_text(buf_str(&b));
	buf_fini(&b);
	return text;
}

static void
list_kept(void *arg, const struct pst_kept *k)
{
	struct tally *t = arg;

	(void)admin_work_item(t->work,
	    json_pack("{s:o, s:o, s:I, s:I, s:I, s:o}", "id",
		admin_json_text(str_of(k->id)), "mailbox",
		admin_json_text(str_of(k->mailbox)), "expunged",
		(json_int_t)k->expunged, "date", (json_int_t)k->internal_date,
		"size", (json_int_t)k->size, "flags",
		flag_words(k->flags, k->keyword, k->keywords)));
}

static enum pst_rc
purge(struct mail_account *acct, const struct task *task, struct tally *t,
    struct pst_error *err)
{
	struct pst_kept_sum sum = { .more = true };
	enum pst_rc rc = PST_OK;
	uint64_t bytes = 0;

	if (task->user.on_hold)
		return pst_fail(err, PST_E_DENIED, 0,
		    "%s is on hold: nothing is removed for good",
		    task->user.address);
	while (rc == PST_OK && sum.more && !is_over(t)) {
		rc = undelete_purge(acct, true, PURGE_STEP, &sum, err);
		t->total += sum.purged.messages;
		bytes += sum.purged.bytes;
	}
	if (t->total > 0)
		(void)admin_work_item(t->work,
		    json_pack("{s:I, s:I}", "messages", (json_int_t)t->total,
			"size", (json_int_t)bytes));
	return rc;
}

static void
note(const struct task *task, const char *event, uint64_t messages)
{
	char count[24];

	(void)snprintf(count, sizeof(count), "%" PRIu64, messages);
	log_event(PST_LOG_INFO, 0, event, "user", task->user.address, "mailbox",
	    task->mailbox, "messages", count, NULL);
}

static enum pst_rc
run_task(struct admin_work *w, void *arg, struct pst_error *err)
{
	const struct task *task = arg;
	const struct undelete_filter filter = {
		.mailbox = task->mailbox, .id = task->id, .since = task->since
	};
	struct tally t = { .work = w };
	const struct undelete_how how = { .beyond_quota = true,
		.fn = count_back,
		.stop = is_over,
		.arg = &t };
	struct mail_account *acct;
	enum pst_rc rc;

	rc = mail_account_open(
	    admin_work_host(w)->store, &task->user, &acct, err);
	if (rc != PST_OK)
		return rc;
	switch (task->mode) {
	case LIST:
		rc = undelete_each(acct, &filter, list_kept, &t, err);
		break;
	case DRY_RUN:
		rc = undelete_each(acct, &filter, count_kept, &t, err);
		break;
	case RESTORE:
		rc = undelete_restore(acct, &filter, &how, err);
		if (t.total > 0)
			note(task, "undelete", t.total);
		break;
	case PURGE:
		rc = purge(acct, task, &t, err);
		if (t.total > 0)
			note(task, "undelete-purge", t.total);
		break;
	}
	tally_flush(&t);
	mail_account_close(&acct);
	return rc;
}

static bool
find_mode(const char *word, enum mode *mode_r)
{
	static const char *const words[] = { [LIST] = "list",
		[DRY_RUN] = "dry-run",
		[RESTORE] = "restore",
		[PURGE] = "purge" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (word != NULL && strcmp(words[i], word) == 0) {
			*mode_r = (enum mode)i;
			return true;
		}
	return false;
}

void
admin_run_undelete(struct admin_client *c, const json_t *request)
{
	struct task *t = mem_alloc(sizeof(*t));
	const char *id = admin_member(request, "id");
	const json_t *since = json_object_get(request, "since");

	if (id != NULL)
		t->id = str_dup(str_of(id));
	t->since = json_integer_value(since);
	if (!find_mode(admin_member(request, "mode"), &t->mode) ||
	    (since != NULL && !json_is_integer(since))) {
		admin_error(c, PST_E_SYNTAX, "undelete: a bad request");
		task_free(t);
		return;
	}
	if (!admin_find_user(c, request, &t->user) ||
	    !admin_take_mailbox(c, request, "mailbox", false, &t->mailbox)) {
		task_free(t);
		return;
	}
	admin_work_start(c, run_task, t, task_free);
}
