/*
 * status.c - posternctl status, connections, kick, reload, stop, unblock: what
 * the running server is asked for.
 */
#include "admin/ctl.h"
#include "admin/table.h"
#include "base/clock.h"
#include "base/str.h"

static json_t *
request_of(const char *name)
{
	return json_pack("{s:s}", "request", name);
}

static json_t *
request_with(const char *name, const char *key, const char *value)
{
	json_t *request = request_of(name);

	json_object_set_new(request, key, admin_json_text(str_of(value)));
	return request;
}

/* --- status ---------------------------------------------------------------
 */

static const struct table_column listener_columns[] = {
	{ "name", "LISTENER", TABLE_TEXT },
	{ "protocol", "PROTOCOL", TABLE_TEXT },
	{ "port", "PORT", TABLE_NUMBER },
	{ "connections", "CONNECTIONS", TABLE_NUMBER },
	{ "path", "PATH", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column storage_columns[] = {
	{ "name", "STORAGE", TABLE_TEXT },
	{ "module", "MODULE", TABLE_TEXT },
	{ "free_bytes", "FREE", TABLE_SIZE },
	{ "free_files", "FILES", TABLE_NUMBER },
	{ "path", "PATH", TABLE_TEXT },
	{ "problem", "PROBLEM", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static long long
number(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

static void
print_head(struct ctl *c, const json_t *s)
{
	const json_t *certificate = json_object_get(s, "certificate");
	struct buf b;

	buf_init(&b, 1024);
	table_duration(&b, clock_seconds() - number(s, "started"));
	(void)fprintf(c->out, "postern %s on %s, process %lld, up %.*s\n",
	    admin_member(s, "version"), admin_member(s, "hostname"),
	    number(s, "pid"), STR_ARG(buf_str(&b)));
	(void)fprintf(c->out,
	    "connections   %lld (%lld accepted, %lld refused)\n"
	    "workers       %lld (%lld busy)\n"
	    "blocked       %lld\n",
	    number(s, "connections"), number(s, "accepted"),
	    number(s, "refused"), number(s, "workers"),
	    number(s, "workers_busy"), number(s, "blocked"));
	buf_clear(&b);
	if (json_is_object(certificate))
		table_cell(
		    &b, TABLE_TIME, json_object_get(certificate, "expires"));
	else
		buf_puts(&b, "none");
	(void)fprintf(c->out, "certificate   %s%.*s%s\n\n",
	    json_is_object(certificate) ? "until " : "", STR_ARG(buf_str(&b)),
	    json_is_object(certificate) ? " UTC" : "");
	buf_fini(&b);
}

static int
status(struct ctl *c, char **args, int n)
{
	const json_t *s, *warning;
	json_t *items;
	size_t i;
	int code;

	(void)args;
	(void)n;
	code = ctl_request(c, request_of("status"), &items);
	s = json_array_get(items, 0);
	if (s != NULL && c->json) {
		table_print_one(c->out, listener_columns, s, true);
	} else if (s != NULL) {
		print_head(c, s);
		table_print(c->out, listener_columns,
		    json_object_get(s, "listeners"), false);
		(void)fputc('\n', c->out);
		table_print(c->out, storage_columns,
		    json_object_get(s, "storages"), false);
		json_array_foreach(json_object_get(s, "warnings"), i, warning)(
		    void) fprintf(c->out, "%sWARNING: %s\n", i == 0 ? "\n" : "",
		    json_string_value(warning));
	}
	json_decref(items);
	return code;
}

/* --- connections and kick -------------------------------------------------
 */

static const struct table_column connection_columns[] = {
	{ "id", "ID", TABLE_NUMBER },
	{ "protocol", "PROTOCOL", TABLE_TEXT },
	{ "peer", "PEER", TABLE_TEXT },
	{ "user", "USER", TABLE_TEXT },
	{ "since", "SINCE (UTC)", TABLE_TIME },
	{ "in", "IN", TABLE_SIZE },
	{ "out", "OUT", TABLE_SIZE },
	{ "tls", "TLS", TABLE_TEXT },
	{ "activity", "ACTIVITY", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static int
connections(struct ctl *c, char **args, int n)
{
	json_t *items;
	int code;

	(void)args;
	(void)n;
	code = ctl_request(c, request_of("connections"), &items);
	if (code == CTL_OK || json_array_size(items) > 0)
		table_print(c->out, connection_columns, items, c->json);
	json_decref(items);
	return code;
}

static int
kick(struct ctl *c, char **args, int n)
{
	(void)n;
	return ctl_request(c, request_with("kick", "who", args[0]), NULL);
}

static int
unblock(struct ctl *c, char **args, int n)
{
	(void)n;
	return ctl_request(c, request_with("unblock", "who", args[0]), NULL);
}

/* --- reload and stop ------------------------------------------------------
 */

static int
reload(struct ctl *c, char **args, int n)
{
	const json_t *note;
	json_t *items;
	size_t i;
	int code;

	(void)args;
	(void)n;
	code = ctl_request(c, request_of("reload"), &items);
	if (c->json)
		table_print(c->out, NULL, items, true);
	else
		json_array_foreach(items, i, note)(void)
		    fprintf(c->out, "%s\n", json_string_value(note));
	json_decref(items);
	return code;
}

/* Comes back when the process is gone, so that a start may follow. */
static int
stop(struct ctl *c, char **args, int n)
{
	struct admin_connection conn;
	struct pst_error err = { 0 };
	enum pst_rc rc;
	json_t *line;
	int code;

	(void)args;
	(void)n;
	code = ctl_connect(c, &conn);
	if (code != CTL_OK)
		return code;
	rc = admin_send(&conn, request_of("stop"), &err);
	if (rc == PST_OK)
		rc = admin_receive(&conn, &line, &err);
	if (rc == PST_OK)
		admin_wait_closed(&conn);
	admin_disconnect(&conn);
	return rc == PST_OK ? CTL_OK : ctl_fail(rc, "%s", err.detail);
}

const struct ctl_command ctl_status_commands[] = {
	{ "", "status", "", 0, 0, 0, status },
	{ "", "connections", "", 0, 0, 0, connections },
	{ "", "kick", "ID|USER", 1, 1, 0, kick },
	{ "", "reload", "", 0, 0, 0, reload },
	{ "", "stop", "", 0, 0, 0, stop },
	{ "", "unblock", "USER|ADDRESS", 1, 1, 0, unblock },
	{ NULL, NULL, NULL, 0, 0, 0, NULL },
};
