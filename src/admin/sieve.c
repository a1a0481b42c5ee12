/*
 * sieve.c - posternctl sieve: the scripts of a user, by way of the server. What
 * needs none is in sieve_local.c.
 */
#include "admin/sieve.h"
#include "admin/protocol.h"
#include "admin/table.h"
#include "base/str.h"
#include <stdlib.h>

static const struct table_column list_columns[] = {
	{ "name", "SCRIPT", TABLE_TEXT },
	{ "active", "ACTIVE", TABLE_TRUTH },
	{ "size", "SIZE", TABLE_SIZE },
	{ NULL, NULL, TABLE_TEXT },
};

static json_t *
request_of(const char *name, char **args, int n)
{
	json_t *request = json_pack("{s:s}", "request", name);

	json_object_set_new(
	    request, "address", admin_json_text(str_of(args[0])));
	if (n > 1)
		json_object_set_new(
		    request, "name", admin_json_text(str_of(args[1])));
	return request;
}

static int
scripts_list(struct ctl *c, char **args, int n)
{
	json_t *items;
	int code = ctl_request(c, request_of("sieve-list", args, n), &items);

	if (code == CTL_OK)
		table_print(c->out, list_columns, items, c->json);
	json_decref(items);
	return code;
}

static int
scripts_activate(struct ctl *c, char **args, int n)
{
	return ctl_request(c, request_of("sieve-activate", args, n), NULL);
}

static int
scripts_delete(struct ctl *c, char **args, int n)
{
	return ctl_request(c, request_of("sieve-delete", args, n), NULL);
}

static int
scripts_rename(struct ctl *c, char **args, int n)
{
	json_t *request = request_of("sieve-rename", args, n);

	json_object_set_new(request, "to", admin_json_text(str_of(args[2])));
	return ctl_request(c, request, NULL);
}

/* --- texts -----------------------------------------------------------------
 */

/* Copies the pieces of the answer to the output. */
static enum pst_rc
receive_text(
    struct ctl *c, struct admin_connection *conn, struct pst_error *err)
{
	char *piece = mem_alloc(ADMIN_PIECE_MAX);
	json_t *line;
	enum pst_rc rc;

	while (
	    (rc = admin_receive(conn, &line, err)) == PST_OK && line != NULL) {
		size_t n = admin_piece_size(line);

		json_decref(line);
		if (n == 0)
			continue;
		rc = admin_receive_piece(conn, piece, n, err);
		if (rc != PST_OK)
			break;
		(void)fwrite(piece, 1, n, c->out);
	}
	free(piece);
	return rc;
}

static int
scripts_get(struct ctl *c, char **args, int n)
{
	struct admin_connection conn;
	struct pst_error err = { 0 };
	enum pst_rc rc;
	int code = ctl_connect(c, &conn);

	if (code != CTL_OK)
		return code;
	rc = admin_send(&conn, request_of("sieve-get", args, n), &err);
	if (rc == PST_OK)
		rc = receive_text(c, &conn, &err);
	admin_disconnect(&conn);
	return rc == PST_OK ? CTL_OK : ctl_fail(rc, "%s", err.detail);
}

static enum pst_rc
send_text(
    struct admin_connection *conn, struct pst_str text, struct pst_error *err)
{
	json_t *line;
	enum pst_rc rc = PST_OK;

	while (rc == PST_OK && text.n > 0) {
		struct pst_str piece = str_first(text, ADMIN_PIECE_MAX);

		rc = admin_say_piece(conn, piece.p, piece.n, err);
		text = str_from(text, piece.n);
	}
	if (rc == PST_OK)
		rc = admin_say(conn, json_pack("{s:b}", "end", 1), err);
	while (rc == PST_OK) {
		rc = admin_receive(conn, &line, err);
		if (rc != PST_OK || line == NULL)
			break;
		json_decref(line);
	}
	return rc;
}

static int
scripts_put(struct ctl *c, char **args, int n)
{
	struct admin_connection conn;
	struct pst_error err = { 0 };
	struct buf text;
	enum pst_rc rc;
	int code;

	(void)n;
	buf_init(&text, CTL_SCRIPT_MAX);
	code = ctl_sieve_read(args[2], &text);
	if (code == CTL_OK)
		code = ctl_connect(c, &conn);
	if (code == CTL_OK) {
		rc = admin_send(&conn, request_of("sieve-put", args, 2), &err);
		if (rc == PST_OK)
			rc = send_text(&conn, buf_str(&text), &err);
		admin_disconnect(&conn);
		if (rc != PST_OK)
			code = ctl_fail(rc, "%s", err.detail);
	}
	buf_fini(&text);
	return code;
}

const struct ctl_command ctl_sieve_commands[] = {
	{ "sieve", "list", "ADDRESS", 1, 1, 0, scripts_list },
	{ "sieve", "get", "ADDRESS NAME", 2, 2, 0, scripts_get },
	{ "sieve", "put", "ADDRESS NAME FILE", 3, 3, CTL_AS_CALLER,
	    scripts_put },
	{ "sieve", "activate", "ADDRESS NAME", 2, 2, 0, scripts_activate },
	{ "sieve", "deactivate", "ADDRESS", 1, 1, 0, scripts_activate },
	{ "sieve", "rename", "ADDRESS NAME NEW-NAME", 3, 3, 0, scripts_rename },
	{ "sieve", "delete", "ADDRESS NAME", 2, 2, 0, scripts_delete },
	{ "sieve", "check", "FILE...", 1, 1000, CTL_AS_CALLER | CTL_ALONE,
	    ctl_sieve_check },
	{ "sieve", "test", "SCRIPT MESSAGE [--from ADDRESS] [--to ADDRESS]", 2,
	    2, CTL_OPT_FROM | CTL_OPT_TO | CTL_AS_CALLER | CTL_ALONE,
	    ctl_sieve_test },
	{ NULL, NULL, NULL, 0, 0, 0, NULL },
};
