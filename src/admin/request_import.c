/*
 * request_import.c - "import": messages that posternctl reads somewhere come
 * over the control socket, with what is known of them there.
 *
 * After the request the client sends, a line each:
 *
 *	{"mailbox": NAME, "special_use", "uidvalidity", "uidnext",
 *	 "highestmodseq", "objectid"}	the mailbox that the next ones go into;
 *					made when it is not there. Answered by
 *	   {"item": {"mailbox", "messages", "mark", "keeps_uids"}} or, when such
 *	   a mailbox cannot be, {"item": {"refused": text}}
 *	{"message": {"uid", "flags", "keywords", "date", "saved", "modseq",
 *	 "uidl"}}			then its content in pieces, then
 *	{"end": true}			or {"missed": true}: it could not be
 *had; or {"again": true}: it broke off, and comes again as another
 *	{"close": true}			that was all of the mailbox. Answered by
 *	   {"item": {"sum": {...}}}
 *	{"subscribe": NAME}
 *	{"finish": true}		that was all
 *
 * and hears meanwhile, for each batch that is in the mailbox durably,
 * {"item": {"stored": messages}}.
 */
#include "admin/background.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "mailbox/intake.h"
#include "mailbox/place.h"
#include <gnutls/crypto.h>
#include <stdlib.h>

enum {
	BATCH_BYTES = 8 << 20, /* of content: then it goes into the mailbox */
	BATCH_MEMORY = 4 << 20,
};

/* Or after so long, so that the client sees how it goes. */
#define BATCH_TIME (INT64_C(2) * 1000000)

/* One request at work. */
struct task {
	struct account_user user;
	struct admin_work *work;
	struct mail_account *acct;
	struct mail_intake *intake; /* into the mailbox that is open */
	char *mailbox;
	struct intake_message message[INTAKE_BATCH];
	size_t n;
	uint64_t bytes;
	int64_t since;	     /* when the batch began */
	struct arena *texts; /* of the messages */
	char *piece;
	uint64_t messages; /* in all */
};

static void
drop_batch(struct task *t)
{
	for (size_t i = 0; i < t->n; i++)
		mail_stage_free(&t->message[i].stage);
	t->n = 0;
	t->bytes = 0;
	arena_reset(t->texts);
}

static void
task_free(void *arg)
{
	struct task *t = arg;

	drop_batch(t);
	mail_intake_free(&t->intake);
	mail_account_close(&t->acct);
	arena_free(&t->texts);
	free(t->mailbox);
	free(t->piece);
	free(t);
}

static enum pst_rc
flush_batch(struct task *t, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	if (t->n > 0)
		rc = mail_intake_put(t->intake, t->message, t->n, err);
	if (rc == PST_OK && t->n > 0) {
		t->messages += t->n;
		(void)admin_work_item(
		    t->work, json_pack("{s:I}", "stored", (json_int_t)t->n));
	}
	drop_batch(t);
	return rc;
}

/* --- mailboxes ----------------------------------------------------------- */

static uint64_t
number(const json_t *object, const char *key, uint64_t most)
{
	json_int_t n = json_integer_value(json_object_get(object, key));

	return n > 0 && (uint64_t)n <= most ? (uint64_t)n : 0;
}

static enum pst_rc
make_mailbox(struct task *t, const char *use, struct pst_error *err)
{
	struct accounts *accounts = admin_work_host(t->work)->accounts;
	enum pst_rc rc = PST_E_EXISTS;

	if (strcmp(t->mailbox, "INBOX") != 0)
		rc = mailbox_create_inheriting(accounts, t->acct, t->mailbox,
		    use != NULL ? use : "", NULL, err);
	/* A use that another mailbox has already, or that is not known. */
	if (rc != PST_OK && rc != PST_E_EXISTS && use != NULL)
		rc = mailbox_create_inheriting(
		    accounts, t->acct, t->mailbox, "", NULL, err);
	return rc == PST_E_EXISTS ? PST_OK : rc;
}

static enum pst_rc
clean_name(struct task *t, const char *name, struct pst_error *err)
{
	struct buf clean;
	enum pst_rc rc;

	free(t->mailbox);
	t->mailbox = NULL;
	buf_init(&clean, 4096);
	rc = mailbox_name_clean(str_of(name), &clean);
	if (rc == PST_OK)
		t->mailbox = str_dup(buf_str(&clean));
	else
		(void)pst_fail(err, rc, 0, "no mailbox can be called %.150s",
		    name != NULL ? name : "");
	buf_fini(&clean);
	return rc;
}

/* The client may go on with other mailboxes. */
static bool
is_refusal(enum pst_rc rc)
{
	return rc == PST_E_SYNTAX || rc == PST_E_LIMIT || rc == PST_E_PERM ||
	       rc == PST_E_DENIED;
}

static enum pst_rc
open_mailbox(struct task *t, const json_t *line, struct pst_error *err)
{
	struct intake_origin origin = {
		.uidvalidity = (uint32_t)number(
		    line, "uidvalidity", UINT32_MAX),
		.uidnext = (uint32_t)number(line, "uidnext", UINT32_MAX),
		.highestmodseq = number(line, "highestmodseq", INT64_MAX / 2),
	};
	const char *id = admin_member(line, "objectid");
	struct mailbox_status status = { 0 };
	enum pst_rc rc;

	if (id != NULL && strlen(id) < sizeof(origin.objectid))
		(void)str_copy(
		    origin.objectid, sizeof(origin.objectid), str_of(id));
	rc = clean_name(t, admin_member(line, "mailbox"), err);
	if (rc == PST_OK)
		rc = make_mailbox(t, admin_member(line, "special_use"), err);
	if (rc == PST_OK)
		rc = mail_intake_new(
		    t->acct, t->mailbox, &origin, &t->intake, err);
	if (rc == PST_OK)
		rc = mailbox_status(t->acct, t->mailbox, &status, err);
	if (is_refusal(rc)) {
		(void)admin_work_item(
		    t->work, json_pack("{s:o}", "refused",
				 admin_json_text(str_of(err->detail))));
		return PST_OK;
	}
	if (rc == PST_OK)
		(void)admin_work_item(t->work,
		    json_pack("{s:o, s:I, s:I, s:b}", "mailbox",
			admin_json_text(str_of(t->mailbox)), "messages",
			(json_int_t)status.messages, "mark",
			(json_int_t)mail_intake_mark(t->intake), "keeps_uids",
			(int)mail_intake_keeps_uids(t->intake)));
	return rc;
}

static enum pst_rc
close_mailbox(struct task *t, struct pst_error *err)
{
	const struct intake_sum *s;
	enum pst_rc rc = flush_batch(t, err);

	if (rc == PST_OK)
		rc = mail_intake_finish(t->intake, err);
	if (rc != PST_OK)
		return rc;
	s = mail_intake_sum(t->intake);
	(void)admin_work_item(t->work,
	    json_pack("{s:{s:I, s:I, s:I, s:I, s:I}}", "sum", "kept",
		(json_int_t)s->kept, "appended", (json_int_t)s->appended,
		"known", (json_int_t)s->known, "gone", (json_int_t)s->gone,
		"keywords", (json_int_t)s->keywords));
	mail_intake_free(&t->intake);
	return PST_OK;
}

static enum pst_rc
subscribe(struct task *t, const char *name, struct pst_error *err)
{
	enum pst_rc rc = clean_name(t, name, err);

	/* What is nobody's has nobody who subscribes. */
	if (rc == PST_OK && strcmp(t->user.address, ACCOUNT_PUBLIC) != 0)
		rc = mailbox_subscribe(t->acct, t->mailbox, true, err);
	return is_refusal(rc) ? PST_OK : rc;
}

/* --- messages ------------------------------------------------------------ */

static enum pst_rc
take_keywords(struct task *t, struct intake_message *m, const json_t *names)
{
	size_t n = json_array_size(names), i;
	const char **list;
	const json_t *one;

	if (n > PST_KEYWORDS_MAX)
		n = PST_KEYWORDS_MAX;
	if (n == 0)
		return PST_OK;
	list = arena_alloc(t->texts, n * sizeof(*list));
	if (list == NULL)
		return PST_E_LIMIT;
	json_array_foreach(names, i, one)
	{
		if (i == n)
			break;
		list[i] = arena_text(t->texts, str_of(json_string_value(one)));
		if (list[i] == NULL)
			return PST_E_LIMIT;
	}
	m->keywords = list;
	m->keyword_count = n;
	return PST_OK;
}

static enum pst_rc
take_about(struct task *t, struct intake_message *m, const json_t *about,
    struct pst_error *err)
{
	const json_t *date = json_object_get(about, "date");
	const char *uidl = admin_member(about, "uidl");

	*m = (struct intake_message){
		.uid = (uint32_t)number(about, "uid", UINT32_MAX - 1),
		.flags = (uint32_t)number(about, "flags", PST_FLAGS_ALL),
		.modseq = number(about, "modseq", INT64_MAX / 2),
		.internal_date = json_is_integer(date)
				     ? json_integer_value(date)
				     : clock_seconds(),
		.save_date = (int64_t)number(about, "saved", INT64_MAX / 2),
	};
	if (uidl != NULL) {
		m->uidl = arena_text(t->texts, str_of(uidl));
		if (m->uidl == NULL)
			return pst_fail(err, PST_E_LIMIT, 0,
			    "too much is told of messages");
	}
	if (take_keywords(t, m, json_object_get(about, "keywords")) != PST_OK)
		return pst_fail(
		    err, PST_E_LIMIT, 0, "too much is told of messages");
	return PST_OK;
}

/* The content, until its end. *whole_r: it has come, and not only a part;
 * *missed_r: it never will. */
static enum pst_rc
take_pieces(struct task *t, struct intake_message *m, gnutls_hash_hd_t hash,
    bool *whole_r, bool *missed_r, struct pst_error *err)
{
	for (;;) {
		json_t *line;
		enum pst_rc rc = admin_work_line(t->work, &line, err);
		size_t n;

		if (rc != PST_OK)
			return rc;
		n = admin_piece_size(line);
		*whole_r = json_object_get(line, "end") != NULL;
		*missed_r = json_object_get(line, "missed") != NULL;
		if (n == 0) {
			bool over = *whole_r || *missed_r ||
				    json_object_get(line, "again") != NULL;

			json_decref(line);
			return over ? PST_OK
				    : pst_fail(err, PST_E_SYNTAX, 0,
					  "import: no piece of a message");
		}
		json_decref(line);
		rc = admin_work_piece(t->work, t->piece, n, err);
		if (rc == PST_OK)
			rc = mail_stage_write(m->stage, t->piece, n, err);
		if (rc != PST_OK)
			return rc;
		(void)gnutls_hash(hash, t->piece, n);
	}
}

static enum pst_rc
take_content(struct task *t, struct intake_message *m, bool *whole_r,
    bool *missed_r, struct pst_error *err)
{
	gnutls_hash_hd_t hash;
	enum pst_rc rc = mail_stage_new(t->acct, 0, &m->stage, err);

	if (rc != PST_OK)
		return rc;
	if (gnutls_hash_init(&hash, GNUTLS_DIG_SHA256) < 0)
		return pst_fail(err, PST_E_TEMP, 0, "no SHA-256");
	rc = take_pieces(t, m, hash, whole_r, missed_r, err);
	gnutls_hash_deinit(hash, m->digest);
	return rc;
}

static enum pst_rc
take_message(struct task *t, const json_t *about, struct pst_error *err)
{
	struct intake_message *m = &t->message[t->n];
	bool whole = false, missed = false;
	enum pst_rc rc;

	if (t->intake == NULL)
		return pst_fail(
		    err, PST_E_SYNTAX, 0, "import: a message for no mailbox");
	if (t->n == 0)
		t->since = clock_monotonic();
	rc = take_about(t, m, about, err);
	if (rc == PST_OK)
		rc = take_content(t, m, &whole, &missed, err);
	if (rc == PST_OK && whole) {
		t->bytes += mail_stage_size(m->stage);
		t->n++;
	} else {
		mail_stage_free(&m->stage);
		if (rc == PST_OK && missed && m->uid != 0)
			mail_intake_missed(t->intake, m->uid);
	}
	if (rc == PST_OK && (t->n == INTAKE_BATCH || t->bytes > BATCH_BYTES ||
				clock_monotonic() > t->since + BATCH_TIME))
		rc = flush_batch(t, err);
	return rc;
}

/* --- the conversation ---------------------------------------------------- */

static enum pst_rc
take_line(
    struct task *t, const json_t *line, bool *over_r, struct pst_error *err)
{
	const json_t *message = json_object_get(line, "message");

	if (message != NULL)
		return take_message(t, message, err);
	if (json_object_get(line, "mailbox") != NULL && t->intake == NULL)
		return open_mailbox(t, line, err);
	if (json_object_get(line, "close") != NULL && t->intake != NULL)
		return close_mailbox(t, err);
	if (json_object_get(line, "subscribe") != NULL && t->intake == NULL)
		return subscribe(t, admin_member(line, "subscribe"), err);
	*over_r = json_object_get(line, "finish") != NULL && t->intake == NULL;
	return *over_r ? PST_OK
		       : pst_fail(err, PST_E_SYNTAX, 0,
			     "import: a line that does not belong there");
}

static enum pst_rc
run_task(struct admin_work *w, void *arg, struct pst_error *err)
{
	struct task *t = arg;
	bool over = false;
	enum pst_rc rc;

	t->work = w;
	rc = mail_account_open(
	    admin_work_host(w)->store, &t->user, &t->acct, err);
	while (rc == PST_OK && !over) {
		json_t *line;

		rc = admin_work_line(w, &line, err);
		if (rc != PST_OK)
			break;
		rc = take_line(t, line, &over, err);
		json_decref(line);
	}
	/* What came whole stays, whatever happened then. */
	if (rc != PST_OK && t->n > 0 && t->intake != NULL) {
		struct pst_error other;

		(void)flush_batch(t, &other);
	}
	if (t->messages > 0) {
		char count[24];

		(void)snprintf(count, sizeof(count), "%llu",
		    (unsigned long long)t->messages);
		log_event(PST_LOG_INFO, 0, "import", "user", t->user.address,
		    "messages", count, NULL);
	}
	return rc;
}

void
admin_run_import(struct admin_client *c, const json_t *request)
{
	struct task *t = mem_alloc(sizeof(*t));

	t->texts = arena_new(BATCH_MEMORY);
	t->piece = mem_alloc(ADMIN_PIECE_MAX);
	if (!admin_find_user(c, request, &t->user)) {
		task_free(t);
		return;
	}
	admin_work_start_talk(c, run_task, t, task_free);
}
