/*
 * import.c - posternctl import: reads mail of other servers, with the rights of
 * who runs it, and hands it to the server (request_import.c).
 */
#include "admin/import.h"

#include "admin/ctl.h"
#include "admin/progress.h"
#include "admin/table.h"
#include "base/str.h"
#include "migrate/imap_text.h"
#include "migrate/source.h"
#include <stdlib.h>
#include <unistd.h>

static const struct table_column sum_columns[] = {
	{ "mailbox", "MAILBOX", TABLE_TEXT },
	{ "kept", "SAME UID", TABLE_NUMBER },
	{ "appended", "NEW UID", TABLE_NUMBER },
	{ "known", "KNOWN", TABLE_NUMBER },
	{ "gone", "EXPUNGED", TABLE_NUMBER },
	{ "missed", "MISSED", TABLE_NUMBER },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column dry_columns[] = {
	{ "from", "MAILBOX THERE", TABLE_TEXT },
	{ "mailbox", "MAILBOX HERE", TABLE_TEXT },
	{ "messages", "MESSAGES", TABLE_NUMBER },
	{ "uidvalidity", "UIDVALIDITY", TABLE_NUMBER },
	{ "subscribed", "SUBSCRIBED", TABLE_TRUTH },
	{ NULL, NULL, TABLE_TEXT },
};

/* The command at work. */
struct import {
	struct ctl *ctl;
	struct import_rules rules;
	struct mig_source *source;
	struct mig_names names;
	struct admin_connection conn;
	struct progress progress;
	json_t *rows;
	uint64_t missed, refused, keywords;

	/* The message on its way. */
	char *piece;
	size_t n;
	enum pst_rc send_rc; /* the server's side of a failure */
	uint64_t octets;     /* of the batch that is not stored yet */
};

/* For a message that breaks off. */
enum { TRIES = 5 };

static void
say_note(void *arg, const char *text)
{
	struct import *im = arg;
	struct buf clean;

	progress_clear(&im->progress);
	buf_init(&clean, 8192);
	table_clean(&clean, str_of(text));
	(void)fprintf(stderr, "posternctl: %.*s\n", (int)clean.n, clean.p);
	buf_fini(&clean);
}

static PST_PRINTF(2, 3) void note(struct import *im, const char *fmt, ...)
{
	char text[700];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say_note(im, text);
}

/* --- what the server says ------------------------------------------------ */

static void
take_stored(struct import *im, const json_t *line)
{
	const json_t *item = json_object_get(line, "item");
	json_int_t n = json_integer_value(json_object_get(item, "stored"));

	if (n > 0)
		progress_add(&im->progress, (uint64_t)n, 0);
}

/* What has come while messages went out. */
static enum pst_rc
hear(struct import *im, struct pst_error *err)
{
	for (;;) {
		json_t *line;
		bool over;
		enum pst_rc rc = admin_poll(&im->conn, &line, &over, err);

		if (rc != PST_OK)
			return rc;
		if (over)
			return pst_fail(err, PST_E_TEMP, 0,
			    "the server ended the import too early");
		if (line == NULL)
			return PST_OK;
		take_stored(im, line);
		json_decref(line);
	}
}

/* Waits for an item that has one of the members. */
static enum pst_rc
wait_for(struct import *im, const char *key, const char *other, json_t **item_r,
    struct pst_error *err)
{
	for (;;) {
		json_t *line, *item;
		enum pst_rc rc = admin_receive(&im->conn, &line, err);

		if (rc != PST_OK)
			return rc;
		if (line == NULL)
			return pst_fail(err, PST_E_TEMP, 0,
			    "the server ended the import too early");
		item = json_object_get(line, "item");
		if (json_object_get(item, key) != NULL ||
		    (other != NULL && json_object_get(item, other) != NULL)) {
			*item_r = json_incref(item);
			json_decref(line);
			return PST_OK;
		}
		take_stored(im, line);
		json_decref(line);
	}
}

/* --- messages ------------------------------------------------------------ */

static enum pst_rc
flush_piece(struct import *im, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	if (im->n > 0)
		rc = admin_say_piece(&im->conn, im->piece, im->n, err);
	im->n = 0;
	if (rc == PST_OK && im->conn.is_deaf)
		rc = PST_E_TEMP;
	im->send_rc = rc;
	return rc;
}

/* A mig_write_fn. */
static enum pst_rc
write_piece(void *arg, const void *p, size_t n, struct pst_error *err)
{
	struct import *im = arg;
	const char *from = p;

	while (n > 0) {
		size_t some = ADMIN_PIECE_MAX - im->n;

		if (some > n)
			some = n;
		memcpy(im->piece + im->n, from, some);
		im->n += some;
		from += some;
		n -= some;
		if (im->n == ADMIN_PIECE_MAX) {
			enum pst_rc rc = flush_piece(im, err);

			if (rc != PST_OK)
				return rc;
		}
	}
	return PST_OK;
}

static json_t *
about(const struct mig_message *m)
{
	json_t *a = json_object(), *words;

	if (m->uid != 0)
		json_object_set_new(a, "uid", json_integer(m->uid));
	if (m->flags != 0)
		json_object_set_new(a, "flags", json_integer(m->flags));
	if (m->date != INT64_MIN)
		json_object_set_new(a, "date", json_integer(m->date));
	if (m->saved != 0)
		json_object_set_new(a, "saved", json_integer(m->saved));
	if (m->modseq != 0)
		json_object_set_new(
		    a, "modseq", json_integer((json_int_t)m->modseq));
	if (m->uidl != NULL)
		json_object_set_new(
		    a, "uidl", admin_json_text(str_of(m->uidl)));
	if (m->keyword_count > 0) {
		words = json_array();
		for (size_t i = 0; i < m->keyword_count; i++)
			json_array_append_new(
			    words, admin_json_text(str_of(m->keywords[i])));
		json_object_set_new(a, "keywords", words);
	}
	return a;
}

/* One message. When the source cannot give it, the server hears so. STALE: it
 * may be tried again. */
static enum pst_rc
try_message(
    struct import *im, const struct mig_message *m, struct pst_error *err)
{
	struct pst_error why = { 0 };
	enum pst_rc rc, read_rc;

	rc = admin_say(&im->conn, json_pack("{s:o}", "message", about(m)), err);
	if (rc != PST_OK)
		return rc;
	im->send_rc = PST_OK;
	read_rc = im->source->ops->read(im->source, write_piece, im, &why);
	if (im->send_rc != PST_OK) {
		*err = why;
		return im->send_rc;
	}
	if (read_rc == PST_OK) {
		rc = flush_piece(im, err);
		return rc == PST_OK ? admin_say(&im->conn,
					  json_pack("{s:b}", "end", 1), err)
				    : rc;
	}
	im->n = 0;
	rc = admin_say(&im->conn,
	    json_pack(
		"{s:b}", read_rc == PST_E_CONFLICT ? "missed" : "again", 1),
	    err);
	if (read_rc != PST_E_CONFLICT) {
		*err = why;
		return read_rc;
	}
	im->missed++;
	note(im, "a message is left out: %s", why.detail);
	return rc;
}

static enum pst_rc
send_message(
    struct import *im, const struct mig_message *m, struct pst_error *err)
{
	enum pst_rc rc = PST_E_STALE;

	for (int i = 0; i < TRIES && rc == PST_E_STALE; i++)
		rc = try_message(im, m, err);
	return rc;
}

static enum pst_rc
send_messages(struct import *im, uint32_t mark, struct pst_error *err)
{
	for (;;) {
		struct mig_message m;
		enum pst_rc rc = im->source->ops->next(
		    im->source, mark, &m, err);

		if (rc == PST_E_NOTFOUND)
			return PST_OK;
		if (rc == PST_OK)
			rc = send_message(im, &m, err);
		if (rc == PST_OK)
			rc = hear(im, err);
		if (rc != PST_OK)
			return rc;
	}
}

/* --- mailboxes ----------------------------------------------------------- */

static json_t *
about_mailbox(
    const struct mig_name *m, const char *name, const struct mig_state *st)
{
	json_t *a = json_pack("{s:o, s:o}", "mailbox",
	    admin_json_text(str_of(name)), "special_use",
	    admin_json_text(str_of(m->special_use)));

	if (st->uidvalidity != 0)
		json_object_set_new(
		    a, "uidvalidity", json_integer(st->uidvalidity));
	if (st->uidnext != 0)
		json_object_set_new(a, "uidnext", json_integer(st->uidnext));
	if (st->highestmodseq != 0)
		json_object_set_new(a, "highestmodseq",
		    json_integer((json_int_t)st->highestmodseq));
	if (st->objectid[0] != '\0')
		json_object_set_new(
		    a, "objectid", admin_json_text(str_of(st->objectid)));
	return a;
}

static void
end_mailbox(
    struct import *im, const char *name, const json_t *item, uint64_t missed)
{
	json_t *sum = json_object_get(item, "sum");
	json_t *row = json_deep_copy(sum);
	json_int_t n = json_integer_value(json_object_get(sum, "known"));
	char what[64];

	im->keywords += (uint64_t)json_integer_value(
	    json_object_get(sum, "keywords"));
	json_object_set_new(row, "mailbox", admin_json_text(str_of(name)));
	json_object_set_new(row, "missed", json_integer((json_int_t)missed));
	json_array_append_new(im->rows, row);
	(void)snprintf(what, sizeof(what), "%lld known", (long long)n);
	progress_end(&im->progress, n > 0 ? what : NULL);
}

/* The source has the mailbox open. */
static enum pst_rc
send_mailbox(struct import *im, const struct mig_name *m, const char *name,
    const struct mig_state *st, struct pst_error *err)
{
	uint64_t missed = im->missed;
	json_t *item = NULL;
	const char *refused;
	uint32_t mark;
	enum pst_rc rc;

	rc = admin_say(&im->conn, about_mailbox(m, name, st), err);
	if (rc == PST_OK)
		rc = wait_for(im, "mailbox", "refused", &item, err);
	if (rc != PST_OK)
		return rc;
	refused = admin_member(item, "refused");
	if (refused != NULL) {
		note(im, "%.150s is left out: %.300s", m->text, refused);
		im->refused++;
		json_decref(item);
		return PST_OK;
	}
	mark = (uint32_t)json_integer_value(json_object_get(item, "mark"));
	json_decref(item);
	progress_begin(&im->progress, name, st->messages);
	rc = send_messages(im, mark, err);
	if (rc == PST_OK)
		rc = admin_say(&im->conn, json_pack("{s:b}", "close", 1), err);
	if (rc == PST_OK)
		rc = wait_for(im, "sum", NULL, &item, err);
	if (rc != PST_OK)
		return rc;
	end_mailbox(im, name, item, im->missed - missed);
	json_decref(item);
	return PST_OK;
}

static enum pst_rc
import_mailbox(struct import *im, const struct mig_name *m, const char *name,
    struct pst_error *err)
{
	struct pst_error why = { 0 };
	struct mig_state st;
	enum pst_rc rc = im->source->ops->open(im->source, m->text, &st, &why);

	/* Others may be readable; a connection that is lost is not. */
	if (rc != PST_OK && rc != PST_E_TEMP) {
		note(im, "%.150s is left out: %.300s", m->text, why.detail);
		im->refused++;
		return PST_OK;
	}
	if (rc != PST_OK) {
		*err = why;
		return rc;
	}
	rc = send_mailbox(im, m, name, &st, err);
	im->source->ops->close(im->source);
	return rc;
}

static enum pst_rc
count_mailbox(struct import *im, const struct mig_name *m, const char *name,
    struct pst_error *err)
{
	struct pst_error why = { 0 };
	struct mig_message ignored;
	struct mig_state st;
	uint64_t n = 0;
	enum pst_rc rc = im->source->ops->open(im->source, m->text, &st, &why);

	if (rc != PST_OK) {
		note(im, "%.150s would be left out: %.300s", m->text,
		    why.detail);
		im->refused++;
		return rc == PST_E_TEMP ? pst_fail(err, rc, 0, "%s", why.detail)
					: PST_OK;
	}
	if (st.messages == 0)
		while ((rc = im->source->ops->next(
			    im->source, 0, &ignored, err)) == PST_OK)
			n++;
	im->source->ops->close(im->source);
	if (rc != PST_OK && rc != PST_E_NOTFOUND)
		return rc;
	json_array_append_new(im->rows,
	    json_pack("{s:o, s:o, s:I, s:I, s:b}", "from",
		admin_json_text(str_of(m->text)), "mailbox",
		admin_json_text(str_of(name)), "messages",
		(json_int_t)(st.messages + n), "uidvalidity",
		(json_int_t)st.uidvalidity, "subscribed", (int)m->subscribed));
	return PST_OK;
}

static enum pst_rc
subscribe(struct import *im, const char *name, struct pst_error *err)
{
	return admin_say(&im->conn,
	    json_pack("{s:o}", "subscribe", admin_json_text(str_of(name))),
	    err);
}

static enum pst_rc
import_names(struct import *im, bool dry_run, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	for (size_t i = 0; rc == PST_OK && i < im->names.n; i++) {
		const struct mig_name *m = &im->names.v[i];
		struct buf name;

		if (import_is_skipped(&im->rules, m->text))
			continue;
		buf_init(&name, 16384);
		if (!import_name(&im->rules, m->text, &name))
			rc = pst_fail(err, PST_E_LIMIT, 0,
			    "%.150s: the name is too long", m->text);
		else if (m->exists)
			rc = dry_run ? count_mailbox(im, m, name.p, err)
				     : import_mailbox(im, m, name.p, err);
		if (rc == PST_OK && m->subscribed && !dry_run)
			rc = subscribe(im, name.p, err);
		buf_fini(&name);
	}
	return rc;
}

/* --- the command --------------------------------------------------------- */

/* The password is never an argument: those are seen by every user. */
static enum pst_rc
open_imap(struct import *im, struct pst_error *err)
{
	char password[1024];
	struct imap_url url;
	enum pst_rc rc = import_source_parse(im->ctl->from, &url, err);

	if (rc != PST_OK)
		return rc;
	rc = ctl_password_known(im->ctl->from, im->ctl->password_file, password,
	    sizeof(password), err);
	if (rc == PST_OK)
		rc = mig_imap_open(
		    im->ctl->from, password, im->ctl->trust, &im->source, err);
	explicit_bzero(password, sizeof(password));
	return rc;
}

static enum pst_rc
open_source(struct import *im, struct pst_error *err)
{
	static const struct {
		const char *word;
		enum mig_maildir_kind kind;
	} maildirs[] = { { "dovecot:", MIG_MAILDIR_DOVECOT },
		{ "courier:", MIG_MAILDIR_COURIER },
		{ "maildir:", MIG_MAILDIR_ANY } };
	const char *from = im->ctl->from;
	enum pst_rc rc = PST_E_SYNTAX;
	bool known = false;

	for (size_t i = 0; i < sizeof(maildirs) / sizeof(maildirs[0]); i++) {
		size_t n = strlen(maildirs[i].word);

		if (strncmp(from, maildirs[i].word, n) != 0)
			continue;
		known = true;
		rc = mig_maildir_open(from + n, maildirs[i].kind,
		    im->ctl->pop3_uidl, &im->source, err);
	}
	if (!known && strncmp(from, "mbox:", 5) == 0) {
		known = true;
		rc = mig_mbox_open(from + 5, &im->source, err);
	}
	if (!known && (strncmp(from, "imap://", 7) == 0 ||
			  strncmp(from, "imaps://", 8) == 0)) {
		known = true;
		rc = open_imap(im, err);
	}
	if (!known)
		rc = pst_fail(err, PST_E_SYNTAX, 0,
		    "--from: expected dovecot:PATH, courier:PATH, "
		    "maildir:PATH, mbox:PATH or imaps://USER@HOST, not "
		    "\"%.80s\"",
		    from);
	if (rc != PST_OK)
		return rc;
	im->source->note = say_note;
	im->source->note_arg = im;
	return im->source->ops->names(im->source, &im->names, err);
}

static enum pst_rc
finish(struct import *im, struct pst_error *err)
{
	enum pst_rc rc = admin_say(
	    &im->conn, json_pack("{s:b}", "finish", 1), err);

	while (rc == PST_OK) {
		json_t *line;

		rc = admin_receive(&im->conn, &line, err);
		if (rc == PST_OK && line == NULL)
			break;
		if (rc == PST_OK)
			json_decref(line);
	}
	return rc;
}

/* The server said why it wants no more: that is the better reason. */
static void
ask_why(struct import *im, struct pst_error *err)
{
	struct pst_error why = { 0 };
	json_t *line = NULL;
	bool over = false;

	while (!over && admin_poll(&im->conn, &line, &over, &why) == PST_OK &&
	       line != NULL) {
		json_decref(line);
		line = NULL;
	}
	if (why.detail[0] != '\0')
		*err = why;
}

static int
run_online(struct import *im, const char *address)
{
	struct pst_error err = { 0 };
	int code = ctl_connect(im->ctl, &im->conn);
	enum pst_rc rc;

	if (code != CTL_OK)
		return code;
	rc = admin_send(&im->conn,
	    json_pack("{s:s, s:o}", "request", "import", "address",
		admin_json_text(str_of(address))),
	    &err);
	if (rc == PST_OK)
		rc = import_names(im, false, &err);
	if (rc == PST_OK)
		rc = finish(im, &err);
	progress_clear(&im->progress);
	if (rc != PST_OK) {
		if (im->conn.is_deaf)
			ask_why(im, &err);
		code = ctl_fail(err.rc != PST_OK ? err.rc : rc, "%s",
		    err.detail[0] != '\0' ? err.detail
					  : "the server takes no more");
	}
	admin_disconnect(&im->conn);
	return code;
}

static uint64_t
total(const struct import *im, const char *key)
{
	const json_t *row;
	uint64_t n = 0;
	size_t i;

	json_array_foreach(im->rows, i, row)
	    n += (uint64_t)json_integer_value(json_object_get(row, key));
	return n;
}

static void
say_sum(struct import *im, bool dry_run)
{
	FILE *out = im->ctl->out;

	table_print(
	    out, dry_run ? dry_columns : sum_columns, im->rows, im->ctl->json);
	if (im->ctl->json)
		return;
	if (dry_run) {
		(void)fprintf(out, "\n%llu messages would be looked at\n",
		    (unsigned long long)total(im, "messages"));
		return;
	}
	(void)fprintf(out, "\n%llu messages came, %llu were there already\n",
	    (unsigned long long)(total(im, "kept") + total(im, "appended")),
	    (unsigned long long)(total(im, "known") + total(im, "gone")));
	if (im->keywords > 0)
		(void)fprintf(out,
		    "%llu keywords of messages are left out: no room for more "
		    "in the mailbox, or not valid\n",
		    (unsigned long long)im->keywords);
}

static int
import_run(struct ctl *c, char **args, int n)
{
	bool dry_run = (c->given & CTL_OPT_DRY_RUN) != 0;
	struct import im = { .ctl = c, .rules = c->rules };
	struct pst_error err = { 0 };
	int code = CTL_OK;
	enum pst_rc rc;

	(void)n;
	if (c->from == NULL)
		return ctl_usage("import needs --from: see posternctl(8)");
	if (im.rules.too_many)
		return ctl_usage(
		    "at most %d times --map and --skip", IMPORT_RULES_MAX);
	for (size_t i = 0; i < im.rules.maps; i++)
		if (!import_is_map(im.rules.map[i]))
			return ctl_usage("--map: expected OLD=NEW, not \"%s\"",
			    im.rules.map[i]);
	progress_init(&im.progress, c->json || dry_run);
	im.rows = json_array();
	im.piece = mem_alloc(ADMIN_PIECE_MAX);
	rc = open_source(&im, &err);
	if (rc == PST_OK && dry_run)
		rc = import_names(&im, true, &err);
	if (rc != PST_OK)
		code = ctl_fail(rc, "%s", err.detail);
	else if (!dry_run)
		code = run_online(&im, args[0]);
	if (code == CTL_OK || json_array_size(im.rows) > 0)
		say_sum(&im, dry_run);
	if (code == CTL_OK && im.missed + im.refused > 0)
		code = CTL_FAILED;
	if (im.source != NULL)
		im.source->ops->free(im.source);
	mig_names_fini(&im.names);
	json_decref(im.rows);
	free(im.piece);
	return code;
}

const struct ctl_command ctl_import_commands[] = {
	{ "", "import",
	    "ADDRESS --from SOURCE [--into NAME] [--map OLD=NEW]...\n"
	    "      [--skip NAME]... [--pop3-uidl FORMAT] "
	    "[--password-file FILE]\n"
	    "      [--trust WHAT] [--dry-run]",
	    1, 1,
	    CTL_AS_CALLER | CTL_OPT_FROM | CTL_OPT_INTO | CTL_OPT_MAP |
		CTL_OPT_SKIP | CTL_OPT_POP3_UIDL | CTL_OPT_PASSWORD_FILE |
		CTL_OPT_TRUST | CTL_OPT_DRY_RUN,
	    import_run },
	{ NULL, NULL, NULL, 0, 0, 0, NULL },
};
