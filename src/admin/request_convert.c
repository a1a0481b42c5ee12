/*
 * request_convert.c - "convert": a user's mail to another storage. The answer
 * has items with a member "progress", some each second, and in the end one that
 * tells what was done. It ends when the client goes away; the next request goes
 * on.
 */
#include "admin/background.h"
#include "base/clock.h"
#include "base/str.h"
#include "mailbox/convert.h"
#include <stdlib.h>

enum { TELL_EVERY = 200 * 1000 }; /* microseconds */

struct task {
	struct account_user user;
	struct convert_how how;
	char *from, *to;
	struct admin_work *work;
	int64_t begun, told; /* clock_monotonic */
};

static void
task_free(void *arg)
{
	struct task *t = arg;

	free(t->from);
	free(t->to);
	free(t);
}

static bool
is_over(void *arg)
{
	return admin_work_is_cancelled(((struct task *)arg)->work);
}

static void
tell(void *arg, const struct convert_progress *p)
{
	struct task *t = arg;
	int64_t now = clock_monotonic();

	if (now - t->told < TELL_EVERY)
		return;
	t->told = now;
	(void)admin_work_item(t->work,
	    json_pack("{s:{s:o, s:i, s:I, s:I, s:I, s:I, s:I}}", "progress",
		"mailbox",
		admin_json_text(str_of(p->mailbox != NULL ? p->mailbox : "")),
		"pass", (int)p->pass, "messages", (json_int_t)p->messages,
		"bytes", (json_int_t)p->bytes, "total_messages",
		(json_int_t)p->total_messages, "total_bytes",
		(json_int_t)p->total_bytes, "microseconds",
		(json_int_t)(now - t->begun)));
}

static const char *
outcome(const struct task *t, const struct convert_result *r)
{
	if (t->how.dry_run)
		return "dry-run";
	return r->is_over ? "converted" : r->is_stopped ? "stopped" : "failed";
}

static json_t *
result_item(const struct task *t, const struct convert_result *r)
{
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
			 "s:i, s:I, s:I, s:b}",
	    "user", t->user.address, "outcome", outcome(t, r), "mailboxes",
	    (json_int_t)r->mailboxes, "messages", (json_int_t)r->messages,
	    "size", (json_int_t)r->bytes, "copied", (json_int_t)r->copied,
	    "copied_size", (json_int_t)r->copied_bytes, "changed",
	    (json_int_t)r->changed, "removed", (json_int_t)r->removed,
	    "verified", (json_int_t)r->verified, "passes", (int)r->passes,
	    "held_microseconds", (json_int_t)r->held, "microseconds",
	    (json_int_t)(clock_monotonic() - t->begun), "source_removed",
	    (int)r->was_removed);
}

static enum pst_rc
run_task(struct admin_work *w, void *arg, struct pst_error *err)
{
	const struct admin_host *host = admin_work_host(w);
	struct task *t = arg;
	struct convert_result r;
	enum pst_rc rc;

	t->work = w;
	t->begun = clock_monotonic();
	t->how.arg = t;
	t->how.stop = is_over;
	t->how.progress = tell;
	rc = mail_convert(
	    host->store, host->accounts, &t->user, &t->how, &r, err);
	if (rc == PST_OK || r.copied + r.changed + r.removed > 0 || r.is_over)
		(void)admin_work_item(w, result_item(t, &r));
	return rc;
}

/* --- which storage ----------------------------------------------------------
 */

/* "MODULE:TEXT": the block with this module and this path or conninfo. */
static bool
is_meant(
    const struct config_storage *s, struct pst_str module, struct pst_str text)
{
	const char *conninfo = config_storage_value(s, "conninfo");

	return str_is(module, s->module) &&
	       (str_is(text, s->path) ||
		   (conninfo != NULL && str_is(text, conninfo)));
}

static char *
find_block(const struct config *cfg, const char *text)
{
	struct pst_str rest = str_of(text), module;

	for (size_t i = 0; i < cfg->storages; i++)
		if (strcmp(cfg->storage[i].name, text) == 0)
			return str_dup(rest);
	if (strchr(text, ':') == NULL || !str_split(&rest, ':', &module))
		return NULL;
	for (size_t i = 0; i < cfg->storages; i++)
		if (is_meant(&cfg->storage[i], module, rest))
			return str_dup(str_of(cfg->storage[i].name));
	return NULL;
}

static bool
take_block(struct admin_client *c, const json_t *request, const char *key,
    char **name_r)
{
	const char *text = admin_member(request, key);
	struct config *cfg;

	if (text == NULL) {
		admin_error(c, PST_E_SYNTAX, "convert needs \"%s\"", key);
		return false;
	}
	cfg = c->host->config(c->host->arg);
	*name_r = find_block(cfg, text);
	config_unref(&cfg);
	if (*name_r == NULL)
		admin_error(c, PST_E_NOTFOUND,
		    "the configuration has no storage \"%s\"", text);
	return *name_r != NULL;
}

static bool
take_verify(const char *word, enum convert_verify *verify_r)
{
	static const char *const words[] = { [CONVERT_VERIFY_NEW] = "new",
		[CONVERT_VERIFY_FULL] = "full",
		[CONVERT_VERIFY_NONE] = "none" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (word == NULL || strcmp(words[i], word) == 0) {
			*verify_r = (enum convert_verify)i;
			return true;
		}
	return false;
}

void
admin_run_convert(struct admin_client *c, const json_t *request)
{
	struct task *t = mem_alloc(sizeof(*t));

	t->how.dry_run = json_is_true(json_object_get(request, "dry_run"));
	t->how.alone = json_is_true(json_object_get(request, "alone"));
	t->how.remove_source = json_is_true(
	    json_object_get(request, "remove_source"));
	if (!take_verify(admin_member(request, "verify"), &t->how.verify)) {
		admin_error(
		    c, PST_E_SYNTAX, "verify: expected full, new or none");
		task_free(t);
		return;
	}
	if (!take_block(c, request, "from", &t->from) ||
	    !take_block(c, request, "to", &t->to) ||
	    !admin_find_user(c, request, &t->user)) {
		task_free(t);
		return;
	}
	t->how.from = t->from;
	t->how.to = t->to;
	admin_work_start(c, run_task, t, task_free);
}
