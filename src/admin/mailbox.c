/*
 * mailbox.c - posternctl mailbox: a user's mailboxes, by way of the server.
 */
#include "admin/ctl.h"
#include "admin/protocol.h"
#include "admin/table.h"
#include "base/str.h"

static const struct table_column list_columns[] = {
	{ "name", "MAILBOX", TABLE_TEXT },
	{ "special_use", "SPECIAL USE", TABLE_TEXT },
	{ "exists", "EXISTS", TABLE_TRUTH },
	{ "subscribed", "SUBSCRIBED", TABLE_TRUTH },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column status_columns[] = {
	{ "name", "MAILBOX", TABLE_TEXT },
	{ "messages", "MESSAGES", TABLE_NUMBER },
	{ "unseen", "UNSEEN", TABLE_NUMBER },
	{ "deleted", "DELETED", TABLE_NUMBER },
	{ "size", "SIZE", TABLE_SIZE },
	{ "uidnext", "UIDNEXT", TABLE_NUMBER },
	{ "uidvalidity", "UIDVALIDITY", TABLE_NUMBER },
	{ "highestmodseq", "MODSEQ", TABLE_NUMBER },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column fsck_columns[] = {
	{ "mailbox", "MAILBOX", TABLE_TEXT },
	{ "uid", "UID", TABLE_NUMBER },
	{ "kind", "PROBLEM", TABLE_TEXT },
	{ "repaired", "REPAIRED", TABLE_TRUTH },
	{ "text", "WHAT", TABLE_TEXT },
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
		    request, "mailbox", admin_json_text(str_of(args[1])));
	return request;
}

static int
show(struct ctl *c, json_t *request, const struct table_column *columns)
{
	json_t *items;
	int code = ctl_request(c, request, &items);

	if (code == CTL_OK || json_array_size(items) > 0)
		table_print(c->out, columns, items, c->json);
	json_decref(items);
	return code;
}

static int
mailbox_list(struct ctl *c, char **args, int n)
{
	return show(c, request_of("mailbox-list", args, n), list_columns);
}

static int
mailbox_status(struct ctl *c, char **args, int n)
{
	return show(c, request_of("mailbox-status", args, n), status_columns);
}

static int
mailbox_create(struct ctl *c, char **args, int n)
{
	json_t *request = request_of("mailbox-create", args, n);

	if (c->special_use != NULL)
		json_object_set_new(request, "special_use",
		    admin_json_text(str_of(c->special_use)));
	json_object_set_new(request, "subscribe",
	    json_boolean((c->given & CTL_OPT_NO_SUBSCRIBE) == 0));
	return ctl_request(c, request, NULL);
}

static int
mailbox_delete(struct ctl *c, char **args, int n)
{
	return ctl_request(c, request_of("mailbox-delete", args, n), NULL);
}

static int
mailbox_rename(struct ctl *c, char **args, int n)
{
	json_t *request = request_of("mailbox-rename", args, n);

	json_object_set_new(request, "to", admin_json_text(str_of(args[2])));
	return ctl_request(c, request, NULL);
}

static int
mailbox_fsck(struct ctl *c, char **args, int n)
{
	json_t *request = request_of("mailbox-fsck", args, n), *items, *one;
	size_t i, left = 0;
	int code;

	json_object_set_new(
	    request, "repair", json_boolean((c->given & CTL_OPT_REPAIR) != 0));
	code = ctl_request(c, request, &items);
	if (code == CTL_OK || json_array_size(items) > 0)
		table_print(c->out, fsck_columns, items, c->json);
	json_array_foreach(items, i, one)
	    left += !json_is_true(json_object_get(one, "repaired"));
	if (code == CTL_OK && !c->json)
		(void)fprintf(c->out, "%s%zu problem%s found, %zu repaired\n",
		    i > 0 ? "\n" : "", i, i == 1 ? "" : "s", i - left);
	json_decref(items);
	/* For scripts: something is still wrong. */
	return code == CTL_OK && left > 0 ? CTL_FAILED : code;
}

const struct ctl_command ctl_mailbox_commands[] = {
	{ "mailbox", "list", "ADDRESS", 1, 1, 0, mailbox_list },
	{ "mailbox", "status", "ADDRESS [MAILBOX]", 1, 2, 0, mailbox_status },
	{ "mailbox", "create",
	    "ADDRESS MAILBOX [--special-use USE] [--no-subscribe]", 2, 2,
	    CTL_OPT_SPECIAL_USE | CTL_OPT_NO_SUBSCRIBE, mailbox_create },
	{ "mailbox", "delete", "ADDRESS MAILBOX", 2, 2, 0, mailbox_delete },
	{ "mailbox", "rename", "ADDRESS MAILBOX NEW-NAME", 3, 3, 0,
	    mailbox_rename },
	{ "mailbox", "fsck", "ADDRESS [MAILBOX] [--repair]", 1, 2,
	    CTL_OPT_REPAIR, mailbox_fsck },
	{ NULL, NULL, NULL, 0, 0, 0, NULL },
};
