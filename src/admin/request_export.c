/*
 * request_export.c - "export": a user's mailboxes with their messages, one
 * picture of each, to posternctl, which writes them where it may.
 *
 *	{"item": {"mailbox": NAME, "special_use", "subscribed", "exists",
 *	 "uidvalidity", "uidnext", "highestmodseq", "objectid", "messages",
 *	 "bytes"}}			a mailbox begins; the last five only of
 *					one that exists
 *	{"item": {"message": {"uid", "flags", "keywords", "date", "saved",
 *	 "modseq", "size", "uidl"}}}	then its content in pieces
 *	{"item": {"gone": uid}}		instead of the latter: expunged
 *meanwhile
 *	{"item": {"close": true}}
 */
#include "admin/background.h"
#include "base/log.h"
#include "base/str.h"
#include "mailbox/mailbox.h"
#include "mailbox/uidl.h"
#include <stdlib.h>

enum { ROWS = 256 };

/* One request at work. */
struct task {
	struct account_user user;
	char *pattern; /* NULL: all; '*' stands for any text */
	int64_t since; /* only messages that came then or later */
	struct admin_work *work;
	struct mail_account *acct;
	char *piece;
	uint64_t messages;
};

static void
task_free(void *arg)
{
	struct task *t = arg;

	free(t->pattern);
	free(t->piece);
	free(t);
}

/* --- names --------------------------------------------------------------- */

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

/* '*' stands for any text. */
static bool
matches(const char *pattern, const char *name)
{
	const char *star = NULL, *back = NULL;

	while (*name != '\0') {
		if (*pattern == '*') {
			star = ++pattern;
			back = name;
		} else if (*pattern == *name) {
			pattern++;
			name++;
		} else if (star != NULL) {
			pattern = star;
			name = ++back;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

/* --- messages ------------------------------------------------------------ */

static json_t *
keyword_names(uint64_t mask, const char *const *names)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < PST_KEYWORDS_MAX; i++)
		if ((mask & (UINT64_C(1) << i)) != 0 && names[i] != NULL)
			json_array_append_new(
			    list, admin_json_text(str_of(names[i])));
	return list;
}

static json_t *
about(const struct pst_row *row, uint64_t size, struct mailbox_view *v,
    struct pst_str uidl)
{
	json_t *a = json_pack("{s:I, s:I, s:o, s:I, s:I, s:I, s:I}", "uid",
	    (json_int_t)row->uid, "flags", (json_int_t)row->flags, "keywords",
	    keyword_names(row->keywords, view_keywords(v)), "date",
	    (json_int_t)row->internal_date, "saved", (json_int_t)row->save_date,
	    "modseq", (json_int_t)row->modseq, "size", (json_int_t)size);

	if (uidl.n > 0)
		json_object_set_new(a, "uidl", admin_json_text(uidl));
	return a;
}

static enum pst_rc
send_body(struct task *t, const struct pst_body *body, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	for (uint64_t at = 0; rc == PST_OK && at < body->length;) {
		size_t n = body->length - at < ADMIN_PIECE_MAX
			       ? (size_t)(body->length - at)
			       : ADMIN_PIECE_MAX;

		rc = mail_body_read(body, at, t->piece, n, err);
		if (rc == PST_OK && !admin_work_put(t->work, t->piece, n))
			return pst_fail(err, PST_E_TEMP, 0, "cancelled");
		at += n;
	}
	return rc;
}

static enum pst_rc
send_message(struct task *t, struct mailbox_view *v, const struct pst_row *row,
    struct pst_str uidl, struct pst_error *err)
{
	struct pst_body body;
	enum pst_rc rc = view_body(v, row->uid, &body, err);

	if (rc == PST_E_NOTFOUND) {
		(void)admin_work_item(
		    t->work, json_pack("{s:I}", "gone", (json_int_t)row->uid));
		return PST_OK;
	}
	if (rc != PST_OK)
		return rc;
	(void)admin_work_item(t->work,
	    json_pack("{s:o}", "message", about(row, body.length, v, uidl)));
	rc = send_body(t, &body, err);
	body.release(&body);
	t->messages += rc == PST_OK;
	return rc;
}

static bool
is_wanted(const struct task *t, const struct pst_row *row)
{
	return row->uid != 0 && row->internal_date >= t->since;
}

/* The view is a picture of one moment: it is not brought up to date. */
static enum pst_rc
send_messages(struct task *t, struct mailbox_view *v,
    const struct mailbox_uidls *uidls, struct pst_error *err)
{
	uint32_t count = view_count(v);
	struct pst_row row[ROWS];
	enum pst_rc rc = PST_OK;

	for (uint32_t seq = 1; rc == PST_OK && seq <= count; seq += ROWS) {
		size_t n = count - seq + 1 < ROWS ? count - seq + 1 : ROWS;

		view_rows(v, seq, n, row);
		for (size_t i = 0; rc == PST_OK && i < n; i++) {
			if (!is_wanted(t, &row[i]))
				continue;
			if (admin_work_is_cancelled(t->work))
				return pst_fail(
				    err, PST_E_TEMP, 0, "cancelled");
			rc = send_message(t, v, &row[i],
			    mailbox_uidl(uidls, row[i].uid), err);
		}
	}
	return rc;
}

static void
count_wanted(const struct task *t, struct mailbox_view *v, uint64_t *messages_r,
    uint64_t *bytes_r)
{
	uint32_t count = view_count(v);
	struct pst_row row[ROWS];

	*messages_r = *bytes_r = 0;
	for (uint32_t seq = 1; seq <= count; seq += ROWS) {
		size_t n = count - seq + 1 < ROWS ? count - seq + 1 : ROWS;

		view_rows(v, seq, n, row);
		for (size_t i = 0; i < n; i++)
			if (is_wanted(t, &row[i])) {
				++*messages_r;
				*bytes_r += row[i].size;
			}
	}
}

/* --- mailboxes ----------------------------------------------------------- */

static json_t *
about_name(const struct name *m)
{
	return json_pack("{s:o, s:o, s:b, s:b}", "mailbox",
	    admin_json_text(str_of(m->text)), "special_use",
	    admin_json_text(str_of(m->use)), "exists", (int)m->exists,
	    "subscribed", (int)m->subscribed);
}

static enum pst_rc
send_view(struct task *t, const struct name *m, struct mailbox_view *v,
    struct pst_error *err)
{
	struct mailbox_uidls *uidls = NULL;
	uint64_t messages, bytes;
	struct pst_box_state s;
	json_t *item = about_name(m);
	enum pst_rc rc;

	view_state(v, &s);
	count_wanted(t, v, &messages, &bytes);
	json_object_set_new(item, "uidvalidity", json_integer(s.uidvalidity));
	json_object_set_new(item, "uidnext", json_integer(s.uidnext));
	json_object_set_new(
	    item, "highestmodseq", json_integer((json_int_t)s.highestmodseq));
	json_object_set_new(
	    item, "objectid", admin_json_text(str_of(s.objectid)));
	json_object_set_new(
	    item, "messages", json_integer((json_int_t)messages));
	json_object_set_new(item, "bytes", json_integer((json_int_t)bytes));
	(void)admin_work_item(t->work, item);
	rc = mailbox_uidls_read(t->acct, m->text, s.uidvalidity, &uidls, err);
	if (rc == PST_OK)
		rc = send_messages(t, v, uidls, err);
	mailbox_uidls_free(&uidls);
	return rc;
}

/* One that is deleted meanwhile is passed over. */
static enum pst_rc
send_mailbox(struct task *t, const struct name *m, struct pst_error *err)
{
	struct mailbox_view *v;
	enum pst_rc rc;

	if (m->exists) {
		rc = view_open(t->acct, m->text, true, NULL, &v, err);
		if (rc == PST_E_NOTFOUND)
			return PST_OK;
		if (rc != PST_OK)
			return rc;
		rc = send_view(t, m, v, err);
		view_close(&v);
	} else {
		rc = PST_OK;
		(void)admin_work_item(t->work, about_name(m));
	}
	if (rc == PST_OK)
		(void)admin_work_item(t->work, json_pack("{s:b}", "close", 1));
	return rc;
}

static enum pst_rc
send_all(struct task *t, struct pst_error *err)
{
	struct names all = { 0 };
	bool any = false;
	enum pst_rc rc = mailbox_each(t->acct, take_name, &all, err);

	for (size_t i = 0; rc == PST_OK && i < all.n; i++) {
		const struct name *m = &all.v[i];

		if ((!m->exists && !m->subscribed) ||
		    (t->pattern != NULL && !matches(t->pattern, m->text)))
			continue;
		any |= m->exists;
		rc = send_mailbox(t, m, err);
	}
	if (rc == PST_OK && !any)
		rc = pst_fail(err, PST_E_NOTFOUND, 0,
		    "%s has no mailbox %.150s", t->user.address,
		    t->pattern != NULL ? t->pattern : "");
	for (size_t i = 0; i < all.n; i++) {
		free(all.v[i].text);
		free(all.v[i].use);
	}
	free(all.v);
	return rc;
}

static enum pst_rc
run_task(struct admin_work *w, void *arg, struct pst_error *err)
{
	struct task *t = arg;
	char count[24];
	enum pst_rc rc;

	t->work = w;
	rc = mail_account_open(
	    admin_work_host(w)->store, &t->user, &t->acct, err);
	if (rc != PST_OK)
		return rc;
	rc = send_all(t, err);
	mail_account_close(&t->acct);
	(void)snprintf(
	    count, sizeof(count), "%llu", (unsigned long long)t->messages);
	log_event(PST_LOG_INFO, 0, "export", "user", t->user.address,
	    "messages", count, NULL);
	return rc;
}

void
admin_run_export(struct admin_client *c, const json_t *request)
{
	struct task *t = mem_alloc(sizeof(*t));
	const char *pattern = admin_member(request, "mailbox");
	const json_t *since = json_object_get(request, "since");

	if (pattern != NULL)
		t->pattern = str_dup(str_of(pattern));
	t->piece = mem_alloc(ADMIN_PIECE_MAX);
	t->since = json_is_integer(since) ? json_integer_value(since)
					  : INT64_MIN;
	if (!admin_find_user(c, request, &t->user)) {
		task_free(t);
		return;
	}
	admin_work_start(c, run_task, t, task_free);
}
