/*
 * export.c - posternctl export: takes a user's mail from the server
 * (request_export.c) and writes it in a form that others read, with the rights
 * of who runs it.
 */
#include "admin/ctl.h"
#include "admin/progress.h"
#include "admin/table.h"
#include "base/str.h"
#include "migrate/target.h"
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct table_column columns[] = {
	{ "mailbox", "MAILBOX", TABLE_TEXT },
	{ "messages", "MESSAGES", TABLE_NUMBER },
	{ "size", "SIZE", TABLE_SIZE },
	{ NULL, NULL, TABLE_TEXT },
};

/* The command at work. */
struct export
{
	struct ctl *ctl;
	struct mig_target *target;
	struct mig_names names;
	struct admin_connection conn;
	struct progress progress;
	json_t *rows;
	char *piece;
	char *mailbox; /* that is under way; NULL: none */
	bool has_box;  /* it is one, and not only a name */
	uint64_t messages, bytes;
	const char *keyword[PST_KEYWORDS_MAX];
};

static uint64_t
number(const json_t *o, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(o, key));

	return n > 0 ? (uint64_t)n : 0;
}

/* --- messages ------------------------------------------------------------ */

static enum pst_rc
take_content(struct export *ex, uint64_t left, struct pst_error *err)
{
	while (left > 0) {
		json_t *line;
		enum pst_rc rc = admin_receive(&ex->conn, &line, err);
		size_t n;

		if (rc != PST_OK)
			return rc;
		n = line != NULL ? admin_piece_size(line) : 0;
		json_decref(line);
		if (n == 0 || n > left)
			return pst_fail(err, PST_E_TEMP, 0,
			    "the server's answer is not understood");
		rc = admin_receive_piece(&ex->conn, ex->piece, n, err);
		if (rc == PST_OK)
			rc = ex->target->ops->write(
			    ex->target, ex->piece, n, err);
		if (rc != PST_OK)
			return rc;
		left -= n;
	}
	return PST_OK;
}

static enum pst_rc
take_message(struct export *ex, const json_t *about, struct pst_error *err)
{
	const json_t *words = json_object_get(about, "keywords"), *word;
	struct mig_message m = { .uid = (uint32_t)number(about, "uid"),
		.flags = (uint32_t)number(about, "flags") & PST_FLAGS_ALL,
		.keywords = ex->keyword,
		.date = json_integer_value(json_object_get(about, "date")),
		.saved = (int64_t)number(about, "saved"),
		.modseq = number(about, "modseq"),
		.uidl = admin_member(about, "uidl"),
		.size = number(about, "size") };
	enum pst_rc rc;
	size_t i;

	json_array_foreach(words, i, word)
	{
		const char *text = json_string_value(word);

		if (text != NULL && m.keyword_count < PST_KEYWORDS_MAX)
			ex->keyword[m.keyword_count++] = text;
	}
	rc = ex->target->ops->message(ex->target, &m, err);
	if (rc == PST_OK)
		rc = take_content(ex, m.size, err);
	if (rc == PST_OK)
		rc = ex->target->ops->end_message(ex->target, err);
	if (rc == PST_OK) {
		ex->messages++;
		ex->bytes += m.size;
		progress_add(&ex->progress, 1, m.size);
	}
	return rc;
}

/* --- mailboxes ----------------------------------------------------------- */

static enum pst_rc
begin_mailbox(struct export *ex, const json_t *item, struct pst_error *err)
{
	struct mig_out_box box = { .name = admin_member(item, "mailbox") };
	struct mig_name *m;

	free(ex->mailbox);
	ex->mailbox = str_dup(str_of(box.name));
	m = mig_names_get(&ex->names, str_of(box.name));
	m->subscribed = json_is_true(json_object_get(item, "subscribed"));
	ex->has_box = json_is_true(json_object_get(item, "exists"));
	ex->messages = ex->bytes = 0;
	if (!ex->has_box)
		return PST_OK;
	box.is_inbox = strcmp(box.name, "INBOX") == 0;
	box.state.uidvalidity = (uint32_t)number(item, "uidvalidity");
	box.state.uidnext = (uint32_t)number(item, "uidnext");
	box.state.highestmodseq = number(item, "highestmodseq");
	box.state.messages = number(item, "messages");
	progress_begin(&ex->progress, box.name, box.state.messages);
	return ex->target->ops->begin(ex->target, &box, err);
}

static enum pst_rc
end_mailbox(struct export *ex, struct pst_error *err)
{
	enum pst_rc rc;

	if (!ex->has_box)
		return PST_OK;
	ex->has_box = false;
	rc = ex->target->ops->end(ex->target, err);
	if (rc != PST_OK)
		return rc;
	progress_end(&ex->progress, NULL);
	json_array_append_new(ex->rows,
	    json_pack("{s:o, s:I, s:I}", "mailbox",
		admin_json_text(str_of(ex->mailbox)), "messages",
		(json_int_t)ex->messages, "size", (json_int_t)ex->bytes));
	return PST_OK;
}

static enum pst_rc
take_item(struct export *ex, const json_t *item, struct pst_error *err)
{
	const json_t *message = json_object_get(item, "message");

	if (admin_member(item, "mailbox") != NULL)
		return begin_mailbox(ex, item, err);
	if (message != NULL && ex->has_box)
		return take_message(ex, message, err);
	if (json_object_get(item, "close") != NULL)
		return end_mailbox(ex, err);
	return PST_OK; /* "gone" */
}

/* --- the command --------------------------------------------------------- */

static enum pst_rc
run_online(struct export *ex, json_t *request, struct pst_error *err)
{
	enum pst_rc rc = admin_send(&ex->conn, request, err);

	while (rc == PST_OK) {
		json_t *line;

		rc = admin_receive(&ex->conn, &line, err);
		if (rc != PST_OK || line == NULL)
			break;
		rc = take_item(ex, json_object_get(line, "item"), err);
		json_decref(line);
	}
	mig_names_sort(&ex->names);
	return rc == PST_OK
		   ? ex->target->ops->finish(ex->target, &ex->names, err)
		   : rc;
}

static enum pst_rc
open_target(struct export *ex, struct pst_error *err)
{
	const char *to = ex->ctl->to, *mailbox = ex->ctl->mailbox;
	bool single = mailbox != NULL && strchr(mailbox, '*') == NULL;

	if (strncmp(to, "maildir:", 8) == 0 && strcmp(to + 8, "-") != 0)
		return mig_out_maildir(to + 8, &ex->target, err);
	if (strncmp(to, "tar:", 4) == 0)
		return mig_out_tar(to + 4, &ex->target, err);
	if (strcmp(to, "mbox:-") == 0 && !single)
		return pst_fail(err, PST_E_SYNTAX, 0,
		    "only one mailbox fits into mbox:- : name it by --mailbox");
	if (strncmp(to, "mbox:", 5) == 0)
		return mig_out_mbox(to + 5, single, &ex->target, err);
	return pst_fail(err, PST_E_SYNTAX, 0,
	    "--to: expected maildir:PATH, mbox:PATH or tar:PATH, not "
	    "\"%.100s\"",
	    to);
}

/* Standard output may be what is exported. */
static void
say_sum(struct export *ex)
{
	bool is_taken = strcmp(ex->ctl->to, "tar:-") == 0 ||
			strcmp(ex->ctl->to, "mbox:-") == 0;

	table_print(
	    is_taken ? stderr : ex->ctl->out, columns, ex->rows, ex->ctl->json);
	if (ex->target->keywords > 0)
		(void)fprintf(stderr,
		    "posternctl: %llu keywords of messages are left out: the "
		    "form has room for 26 in a mailbox\n",
		    (unsigned long long)ex->target->keywords);
}

static int
export_all(struct export *ex, json_t *request)
{
	struct pst_error err = { 0 };
	enum pst_rc rc;
	int code;

	rc = open_target(ex, &err);
	if (rc != PST_OK) {
		json_decref(request);
		return ctl_fail(rc, "%s", err.detail);
	}
	code = ctl_connect(ex->ctl, &ex->conn);
	if (code != CTL_OK) {
		json_decref(request);
		return code;
	}
	rc = run_online(ex, request, &err);
	progress_clear(&ex->progress);
	admin_disconnect(&ex->conn);
	if (rc == PST_OK || json_array_size(ex->rows) > 0)
		say_sum(ex);
	return rc == PST_OK ? CTL_OK : ctl_fail(rc, "%s", err.detail);
}

static int
export_run(struct ctl *c, char **args, int n)
{
	struct export ex = { .ctl = c };
	json_t *request;
	int64_t since;
	int code;

	(void)n;
	if (c->to == NULL)
		return ctl_usage("export needs --to: see posternctl(8)");
	request = json_pack("{s:s, s:o}", "request", "export", "address",
	    admin_json_text(str_of(args[0])));
	if (c->mailbox != NULL)
		json_object_set_new(
		    request, "mailbox", admin_json_text(str_of(c->mailbox)));
	if (c->since != NULL && !ctl_parse_time(c->since, &since)) {
		json_decref(request);
		return ctl_usage("--since: expected how long ago, such as 3d, "
				 "or a date in UTC, such as 2026-01-31, not "
				 "\"%s\"",
		    c->since);
	}
	if (c->since != NULL)
		json_object_set_new(request, "since", json_integer(since));
	(void)umask(077);
	progress_init(&ex.progress, c->json);
	ex.rows = json_array();
	ex.piece = mem_alloc(ADMIN_PIECE_MAX);
	code = export_all(&ex, request);
	if (ex.target != NULL)
		ex.target->ops->free(ex.target);
	mig_names_fini(&ex.names);
	json_decref(ex.rows);
	free(ex.mailbox);
	free(ex.piece);
	return code;
}

const struct ctl_command ctl_export_commands[] = {
	{ "", "export", "ADDRESS --to TARGET [--mailbox NAME] [--since TIME]",
	    1, 1, CTL_AS_CALLER | CTL_OPT_TO | CTL_OPT_MAILBOX | CTL_OPT_SINCE,
	    export_run },
	{ NULL, NULL, NULL, 0, 0, 0, NULL },
};
