/*
 * acl.c - posternctl acl: who may do what with a mailbox, by way of the server.
 */
#include "admin/ctl.h"
#include "admin/protocol.h"
#include "admin/table.h"
#include "base/str.h"

static const struct table_column columns[] = {
	{ "mailbox", "MAILBOX", TABLE_TEXT },
	{ "identifier", "WHO", TABLE_TEXT },
	{ "rights", "RIGHTS", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static json_t *
request_of(const char *name, char **args, int n)
{
	static const char *const keys[] = { "address", "mailbox", "identifier",
		"rights" };
	json_t *request = json_pack("{s:s}", "request", name);

	for (int i = 0; i < n; i++)
		json_object_set_new(
		    request, keys[i], admin_json_text(str_of(args[i])));
	return request;
}

static int
acl_list(struct ctl *c, char **args, int n)
{
	json_t *items;
	int code = ctl_request(c, request_of("acl-list", args, n), &items);

	if (code == CTL_OK)
		table_print(c->out, columns, items, c->json);
	json_decref(items);
	return code;
}

static int
acl_set(struct ctl *c, char **args, int n)
{
	return ctl_request(c, request_of("acl-set", args, n), NULL);
}

static int
acl_delete(struct ctl *c, char **args, int n)
{
	return ctl_request(c, request_of("acl-delete", args, n), NULL);
}

static int
acl_rebuild(struct ctl *c, char **args, int n)
{
	return ctl_request(c, request_of("acl-rebuild", args, n), NULL);
}

const struct ctl_command ctl_acl_commands[] = {
	{ "acl", "list", "ADDRESS", 1, 1, 0, acl_list },
	{ "acl", "get", "ADDRESS MAILBOX", 2, 2, 0, acl_list },
	{ "acl", "set", "ADDRESS MAILBOX WHO RIGHTS", 4, 4, 0, acl_set },
	{ "acl", "delete", "ADDRESS MAILBOX WHO", 3, 3, 0, acl_delete },
	{ "acl", "rebuild", "[ADDRESS]", 0, 1, 0, acl_rebuild },
	{ NULL, NULL, NULL, 0, 0, 0, NULL },
};
