/*
 * request_sieve.c - the scripts of a user, changed by the server itself so that
 * it knows at once: "sieve-list", "sieve-get", "sieve-put", "sieve-activate"
 * (without a name: none is), "sieve-rename" and "sieve-delete".
 *
 * The text goes in pieces (protocol.h): that of "sieve-get" in the answer, that
 * of "sieve-put" behind the request, with {"end": true} behind it.
 */
#include "admin/background.h"
#include "base/log.h"
#include "base/str.h"
#include "sieve/scripts.h"
#include <stdlib.h>

enum verb { LIST, GET, PUT, ACTIVATE, RENAME, DELETE };

enum { TEXT_MAX = 1 << 20 };

/* One request at work. */
struct task {
	enum verb verb;
	struct account_user user;
	char *name, *to; /* NULL: not given */
	struct buf text; /* of PUT */
	char piece[ADMIN_PIECE_MAX];
};

static void
task_free(void *arg)
{
	struct task *t = arg;

	free(t->name);
	free(t->to);
	buf_fini(&t->text);
	free(t);
}

static enum pst_rc
list(struct admin_work *w, struct mail_account *acct, struct pst_error *err)
{
	struct sieve_list all;
	enum pst_rc rc = sieve_list(acct, &all, err);

	for (size_t i = 0; rc == PST_OK && i < all.n; i++)
		if (!admin_work_item(
			w, json_pack("{s:o, s:b, s:I}", "name",
			       admin_json_text(str_of(all.v[i].name)), "active",
			       (int)all.v[i].is_active, "size",
			       (json_int_t)all.v[i].size)))
			break;
	sieve_list_fini(&all);
	return rc;
}

static enum pst_rc
get(struct admin_work *w, const struct task *t, struct mail_account *acct,
    struct pst_error *err)
{
	struct sieve_list all;
	const struct sieve_entry *e;
	struct buf text;
	struct pst_str rest;
	enum pst_rc rc = sieve_list(acct, &all, err);

	buf_init(&text, TEXT_MAX);
	if (rc == PST_OK) {
		e = sieve_list_find(&all, t->name);
		rc = e != NULL ? sieve_text(acct, e->text_id, &text, err)
			       : PST_E_NOTFOUND;
	}
	rest = buf_str(&text);
	while (rc == PST_OK && rest.n > 0) {
		struct pst_str piece = str_first(rest, ADMIN_PIECE_MAX);

		if (!admin_work_put(w, piece.p, piece.n))
			break;
		rest = str_from(rest, piece.n);
	}
	buf_fini(&text);
	sieve_list_fini(&all);
	return rc;
}

static enum pst_rc
take_text(struct admin_work *w, struct task *t, struct pst_error *err)
{
	for (;;) {
		json_t *line;
		enum pst_rc rc = admin_work_line(w, &line, err);
		size_t n;
		bool over;

		if (rc != PST_OK)
			return rc;
		n = admin_piece_size(line);
		over = json_object_get(line, "end") != NULL;
		json_decref(line);
		if (over)
			return PST_OK;
		if (n == 0)
			return pst_fail(err, PST_E_SYNTAX, 0,
			    "sieve-put: no piece of a script");
		rc = admin_work_piece(w, t->piece, n, err);
		if (rc != PST_OK)
			return rc;
		if (!buf_add(&t->text, t->piece, n))
			return pst_fail(err, PST_E_LIMIT, 0,
			    "the script has more than %d octets", TEXT_MAX);
	}
}

static enum pst_rc
put(struct admin_work *w, struct task *t, struct mail_account *acct,
    struct pst_error *err)
{
	const struct admin_host *host = admin_work_host(w);
	struct sieve_problem p = { 0 };
	struct config *cfg;
	enum pst_rc rc = take_text(w, t, err);

	if (rc != PST_OK)
		return rc;
	cfg = host->config(host->arg);
	rc = sieve_put(acct, cfg, t->name, buf_str(&t->text), &p, err);
	config_unref(&cfg);
	if (rc == PST_E_SYNTAX && p.line > 0)
		return pst_fail(
		    err, PST_E_PERM, 0, "line %u: %.220s", p.line, p.text);
	if (rc == PST_E_SYNTAX)
		return pst_fail(err, PST_E_PERM, 0, "%.230s", p.text);
	return rc;
}

/* What to say instead of what the storage says. */
static enum pst_rc
explain(const struct task *t, enum pst_rc rc, struct pst_error *err)
{
	const char *name = t->name != NULL ? t->name : "";

	switch (rc) {
	case PST_E_NOTFOUND:
		return pst_fail(err, rc, 0, "%.100s has no script %.100s",
		    t->user.address, name);
	case PST_E_EXISTS:
		return pst_fail(err, rc, 0,
		    "%.100s has a script %.100s already", t->user.address,
		    t->to != NULL ? t->to : name);
	case PST_E_CONFLICT:
		return pst_fail(
		    err, rc, 0, "%.150s is active: it cannot be deleted", name);
	default:
		return rc;
	}
}

static enum pst_rc
work(struct admin_work *w, struct task *t, struct mail_account *acct,
    struct pst_error *err)
{
	switch (t->verb) {
	case LIST:
		return list(w, acct, err);
	case GET:
		return get(w, t, acct, err);
	case PUT:
		return put(w, t, acct, err);
	case ACTIVATE:
		return sieve_activate(acct, t->name, err);
	case RENAME:
		return sieve_rename(acct, t->name, t->to, err);
	case DELETE:
		return sieve_delete(acct, t->name, err);
	}
	return PST_E_UNSUPPORTED;
}

static enum pst_rc
run_task(struct admin_work *w, void *arg, struct pst_error *err)
{
	static const char *const events[] = { NULL, NULL, "sieve-put",
		"sieve-activate", "sieve-rename", "sieve-delete" };
	struct task *t = arg;
	struct mail_account *acct;
	enum pst_rc rc;

	rc = mail_account_open(admin_work_host(w)->store, &t->user, &acct, err);
	if (rc != PST_OK)
		return rc;
	rc = work(w, t, acct, err);
	mail_account_close(&acct);
	if (rc == PST_OK && events[t->verb] != NULL)
		log_event(PST_LOG_INFO, 0, events[t->verb], "user",
		    t->user.address, "script", t->name, "to", t->to, "by",
		    "posternctl", NULL);
	return explain(t, rc, err);
}

static char *
copy_member(const json_t *request, const char *key)
{
	const char *text = admin_member(request, key);

	return text != NULL ? str_dup(str_of(text)) : NULL;
}

static void
begin(struct admin_client *c, const json_t *request, enum verb verb)
{
	struct task *t = mem_alloc(sizeof(*t));

	t->verb = verb;
	t->name = copy_member(request, "name");
	t->to = copy_member(request, "to");
	buf_init(&t->text, TEXT_MAX);
	if (!admin_find_user(c, request, &t->user)) {
		task_free(t);
		return;
	}
	if ((t->name == NULL && verb != LIST && verb != ACTIVATE) ||
	    (t->to == NULL && verb == RENAME)) {
		admin_error(
		    c, PST_E_SYNTAX, "the request needs the name of a script");
		task_free(t);
		return;
	}
	if (verb == PUT)
		admin_work_start_talk(c, run_task, t, task_free);
	else
		admin_work_start(c, run_task, t, task_free);
}

void
admin_run_sieve_list(struct admin_client *c, const json_t *request)
{
	begin(c, request, LIST);
}

void
admin_run_sieve_get(struct admin_client *c, const json_t *request)
{
	begin(c, request, GET);
}

void
admin_run_sieve_put(struct admin_client *c, const json_t *request)
{
	begin(c, request, PUT);
}

void
admin_run_sieve_activate(struct admin_client *c, const json_t *request)
{
	begin(c, request, ACTIVATE);
}

void
admin_run_sieve_rename(struct admin_client *c, const json_t *request)
{
	begin(c, request, RENAME);
}

void
admin_run_sieve_delete(struct admin_client *c, const json_t *request)
{
	begin(c, request, DELETE);
}
