/*
 * index.c - posternctl index: the full-text indexes of mailboxes, by way of the
 * server.
 */
#include "admin/ctl.h"
#include "admin/protocol.h"
#include "admin/table.h"
#include "base/str.h"

static const struct table_column queue_columns[] = {
	{ "user", "USER", TABLE_TEXT },
	{ "mailbox", "MAILBOX", TABLE_TEXT },
	{ "running", "RUNNING", TABLE_TRUTH },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column status_columns[] = {
	{ "mailbox", "MAILBOX", TABLE_TEXT },
	{ "kept", "KEPT", TABLE_TRUTH },
	{ "messages", "MESSAGES", TABLE_NUMBER },
	{ "indexed", "INDEXED", TABLE_NUMBER },
	{ "size", "SIZE", TABLE_SIZE },
	{ "behind", "BEHIND", TABLE_TRUTH },
	{ NULL, NULL, TABLE_TEXT },
};

static json_t *
request_of(const char *name, char **args, int n)
{
	json_t *request = json_pack("{s:s}", "request", name);

	if (n > 0)
		json_object_set_new(
		    request, "address", admin_json_text(str_of(args[0])));
	if (n > 1)
		json_object_set_new(
		    request, "mailbox", admin_json_text(str_of(args[1])));
	return request;
}

static int
index_status(struct ctl *c, char **args, int n)
{
	json_t *items;
	int code = ctl_request(c, request_of("index-status", args, n), &items);

	if (code == CTL_OK || json_array_size(items) > 0)
		table_print(c->out, n > 0 ? status_columns : queue_columns,
		    items, c->json);
	json_decref(items);
	return code;
}

static int
index_rebuild(struct ctl *c, char **args, int n)
{
	return ctl_request(c, request_of("index-rebuild", args, n), NULL);
}

const struct ctl_command ctl_index_commands[] = {
	{ "index", "status", "[ADDRESS [MAILBOX]]", 0, 2, 0, index_status },
	{ "index", "rebuild", "ADDRESS [MAILBOX]", 1, 2, 0, index_rebuild },
	{ NULL, NULL, NULL, 0, 0, 0, NULL },
};
