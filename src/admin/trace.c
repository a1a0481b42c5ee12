/*
 * trace.c - posternctl trace: conversations as they happen, until Ctrl-C.
 */
#include "admin/ctl.h"
#include "admin/table.h"
#include "base/str.h"
#include <stdlib.h>

static void
print_people(FILE *out, const json_t *line)
{
	const json_t *text = json_object_get(line, "line");
	struct buf b;

	if (json_object_get(line, "lost") != NULL) {
		(void)fprintf(out, "(%lld lines were lost)\n",
		    (long long)json_integer_value(
			json_object_get(line, "lost")));
		return;
	}
	if (text == NULL)
		return;
	buf_init(&b, ADMIN_LINE_MAX * 4);
	table_clean(
	    &b, str_n(json_string_value(text), json_string_length(text)));
	(void)fprintf(out, "%.*s\n", STR_ARG(buf_str(&b)));
	buf_fini(&b);
}

static void
print_line(struct ctl *c, const json_t *line)
{
	/* The first line only says that the server listens. */
	if (json_object_get(line, "item") != NULL)
		return;
	if (c->json) {
		(void)json_dumpf(line, c->out, JSON_COMPACT);
		(void)fputc('\n', c->out);
	} else {
		print_people(c->out, line);
	}
}

static int
trace(struct ctl *c, char **args, int n)
{
	struct admin_connection conn;
	struct pst_error err = { 0 };
	json_t *request, *line;
	enum pst_rc rc;
	int code;

	code = ctl_connect(c, &conn);
	if (code != CTL_OK)
		return code;
	request = json_pack("{s:s, s:o}", "request", "trace", "filter",
	    admin_json_text(str_of(n > 0 ? args[0] : "")));
	rc = admin_send(&conn, request, &err);
	while (rc == PST_OK && !ferror(c->out)) {
		rc = admin_receive(&conn, &line, &err);
		if (rc != PST_OK || line == NULL)
			break;
		print_line(c, line);
		(void)fflush(c->out);
		json_decref(line);
	}
	admin_disconnect(&conn);
	return rc == PST_OK ? CTL_OK : ctl_fail(rc, "%s", err.detail);
}

const struct ctl_command ctl_trace_commands[] = {
	{ "", "trace", "[USER|ADDRESS|ID]", 0, 1, 0, trace },
	{ NULL, NULL, NULL, 0, 0, 0, NULL },
};
