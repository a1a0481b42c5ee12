/*
 * web/export.c - a mailbox as one mbox file, that is read while it is sent: of
 * 100,000 messages no more than one piece is in memory.
 *
 * It is a picture of one moment; a message that is expunged meanwhile is left
 * out. When something goes wrong on the way the connection ends before the last
 * chunk, so the browser knows that the file is not whole.
 */
#include "web/priv.h"

#include "base/log.h"
#include "base/str.h"
#include "mailbox/catalog.h"
#include "migrate/mbox_writer.h"

#include <stdlib.h>

enum { PIECE = 32 * 1024, NAME_TEXT = 1024 };

struct export
{
	struct mail_account *acct;
	struct mailbox_view *view;
	struct mbox_writer text;
	uint32_t seq, count; /* the message at hand, of how many */
	struct pst_body body;
	bool has_body;
	uint64_t at; /* octets of it that are written */
	char piece[PIECE];
};

static void
export_free(void *arg)
{
	struct export *e = arg;

	if (e->has_body)
		e->body.release(&e->body);
	if (e->view != NULL)
		view_close(&e->view);
	if (e->acct != NULL)
		mail_account_close(&e->acct);
	mbox_writer_fini(&e->text);
	free(e);
}

/* --- messages --------------------------------------------------------------
 */

static void
begin_message(struct export *e, const struct pst_row *row)
{
	const char *const *names = view_keywords(e->view);
	const char *keywords[PST_KEYWORDS_MAX];
	struct mig_message m = { .uid = row->uid,
		.flags = row->flags,
		.date = row->internal_date,
		.keywords = keywords };

	for (unsigned i = 0; i < PST_KEYWORDS_MAX; i++)
		if ((row->keywords & (UINT64_C(1) << i)) != 0 &&
		    names[i] != NULL)
			keywords[m.keyword_count++] = names[i];
	mbox_writer_message(&e->text, &m);
}

/* The next message that is still there; after the last one has_body is false.
 */
static enum pst_rc
next_message(struct export *e, struct pst_error *err)
{
	while (!e->has_body && e->seq < e->count) {
		struct pst_row row;
		enum pst_rc rc;

		view_rows(e->view, ++e->seq, 1, &row);
		if (row.uid == 0)
			continue;
		rc = view_body(e->view, row.uid, &e->body, err);
		if (rc == PST_E_NOTFOUND)
			continue;
		if (rc != PST_OK)
			return rc;
		e->has_body = true;
		e->at = 0;
		begin_message(e, &row);
	}
	return PST_OK;
}

static enum pst_rc
write_piece(struct export *e, struct pst_error *err)
{
	uint64_t left = e->body.length - e->at;
	size_t n = left < PIECE ? (size_t)left : PIECE;
	enum pst_rc rc = n > 0
			     ? mail_body_read(&e->body, e->at, e->piece, n, err)
			     : PST_OK;

	if (rc != PST_OK)
		return rc;
	mbox_writer_write(&e->text, e->piece, n);
	e->at += n;
	if (e->at < e->body.length)
		return PST_OK;
	mbox_writer_end(&e->text);
	e->body.release(&e->body);
	e->has_body = false;
	return PST_OK;
}

static enum pst_rc
read_export(void *arg, void *p, size_t n, size_t *got_r, struct pst_error *err)
{
	struct export *e = arg;
	struct buf *out = &e->text.out;

	while (out->n == 0) {
		enum pst_rc rc = next_message(e, err);

		if (rc == PST_OK && e->has_body)
			rc = write_piece(e, err);
		else if (rc == PST_OK)
			break;
		if (rc == PST_OK && out->overflow)
			rc = pst_fail(
			    err, PST_E_LIMIT, 0, "a message is too large");
		if (rc != PST_OK)
			return rc;
	}
	*got_r = out->n < n ? out->n : n;
	memcpy(p, out->p != NULL ? out->p : "", *got_r);
	buf_consume(out, *got_r);
	return PST_OK;
}

/* --- the request -----------------------------------------------------------
 */

/* The name of the mailbox with an id, to be freed. */
static enum pst_rc
find_name(struct http_request *h, struct pst_str id, char **name_r,
    struct pst_error *err)
{
	struct catalog *catalog;
	struct catalog_box *box;
	enum pst_rc rc = catalog_open(
	    http_services(h)->store, http_user(h), &catalog, err);

	*name_r = NULL;
	if (rc != PST_OK)
		return rc;
	catalog_lock(catalog);
	rc = catalog_sync(catalog, err);
	box = rc == PST_OK ? catalog_find_box(catalog, id) : NULL;
	if (box != NULL)
		*name_r = str_dup(str_of(box->name));
	else if (rc == PST_OK)
		rc = pst_fail(err, PST_E_NOTFOUND, 0, "no such mailbox");
	catalog_unlock(catalog);
	catalog_close(&catalog);
	return rc;
}

static enum pst_rc
open_export(struct http_request *h, const char *name, struct export **e_r,
    struct pst_error *err)
{
	struct export *e = mem_alloc(sizeof(*e));
	struct pst_box_state state;
	struct mig_state about;
	enum pst_rc rc;

	*e_r = e;
	mbox_writer_init(&e->text);
	rc = mail_account_open(
	    http_services(h)->store, http_user(h), &e->acct, err);
	if (rc == PST_OK)
		rc = view_open(e->acct, name, true, NULL, &e->view, err);
	if (rc != PST_OK)
		return rc;
	view_state(e->view, &state);
	about = (struct mig_state){ .uidvalidity = state.uidvalidity,
		.uidnext = state.uidnext };
	mbox_writer_begin(&e->text, &about);
	e->count = view_count(e->view);
	return PST_OK;
}

/* "Work/Invoices" is saved as "Work - Invoices.mbox". */
static void
name_file(struct http_request *h, const char *mailbox)
{
	struct buf name;

	buf_init(&name, 4096);
	for (const char *c = mailbox; *c != '\0' && name.n < NAME_TEXT; c++) {
		if (*c == '/')
			(void)buf_puts(&name, " - ");
		else
			(void)buf_putc(&name, *c);
	}
	(void)buf_puts(&name, ".mbox");
	http_add_attachment(h, buf_str(&name));
	buf_fini(&name);
}

static void
start(struct http_request *h, const char *name, struct export *e)
{
	const struct http_source source = {
		.read = read_export, .close = export_free, .arg = e
	};
	char count[16];

	(void)snprintf(count, sizeof(count), "%lu", (unsigned long)e->count);
	log_event(PST_LOG_INFO, net_id(http_conn(h)), "export", "user",
	    http_user(h)->address, "mailbox", name, "messages", count, NULL);
	name_file(h, name);
	http_add(h, "Cache-Control", "no-store");
	http_add(h, "Cross-Origin-Resource-Policy", "same-origin");
	http_stream(h, 200, "application/mbox", HTTP_UNTOLD, &source);
}

static void
run_export(struct http_request *h)
{
	struct pst_error err = { 0 };
	struct export *e = NULL;
	char *name = NULL;
	struct buf id;
	enum pst_rc rc;

	buf_init(&id, 128);
	if (!http_query_get(http_asked(h)->query, "mailbox", &id))
		rc = pst_fail(&err, PST_E_NOTFOUND, 0, "no mailbox");
	else
		rc = find_name(h, buf_str(&id), &name, &err);
	if (rc == PST_OK)
		rc = open_export(h, name, &e, &err);
	if (rc == PST_OK) {
		start(h, name, e);
	} else {
		if (e != NULL)
			export_free(e);
		web_refused(h, &err);
	}
	free(name);
	buf_fini(&id);
}

const struct http_route web_export_routes[] = {
	{ "GET", "/web/export", HTTP_LOGIN, run_export, NULL, NULL, NULL },
	{ NULL, NULL, 0, NULL, NULL, NULL, NULL },
};
