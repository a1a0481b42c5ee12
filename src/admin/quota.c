/*
 * quota.c - posternctl quota: what a user's mail holds and may hold.
 */
#include "admin/ctl.h"
#include "admin/table.h"

static const struct table_column columns[] = {
	{ "address", "user", TABLE_TEXT },
	{ "bytes", "used", TABLE_SIZE },
	{ "limit_bytes", "quota", TABLE_LIMIT },
	{ "messages", "messages", TABLE_NUMBER },
	{ "limit_messages", "quota of messages", TABLE_COUNT },
	{ NULL, NULL, TABLE_TEXT },
};

static int
show(struct ctl *c, const char *request, const char *address)
{
	json_t *items, *row;
	int code = ctl_request(c,
	    json_pack("{s:s, s:s}", "request", request, "address", address),
	    &items);

	row = json_array_get(items, 0);
	if (code == CTL_OK && row != NULL) {
		json_object_set_new(row, "address", json_string(address));
		table_print_one(c->out, columns, row, c->json);
	}
	json_decref(items);
	return code;
}

static int
quota_get(struct ctl *c, char **args, int n)
{
	(void)n;
	return show(c, "usage", args[0]);
}

static int
quota_recount(struct ctl *c, char **args, int n)
{
	(void)n;
	return show(c, "quota-recount", args[0]);
}

static int
quota_set(struct ctl *c, char **args, int n)
{
	json_t *request = json_pack(
	    "{s:s, s:s}", "request", "quota-set", "address", args[0]);
	int64_t bytes, messages;

	if (!ctl_parse_size(args[1], &bytes)) {
		json_decref(request);
		return ctl_usage("quota set: expected a size such as 500M or "
				 "2G, none or default, not \"%s\"",
		    args[1]);
	}
	json_object_set_new(request, "bytes", json_integer(bytes));
	if (n > 2) {
		if (!ctl_parse_count(args[2], &messages)) {
			json_decref(request);
			return ctl_usage("quota set: expected a number of "
					 "messages, none or default, not "
					 "\"%s\"",
			    args[2]);
		}
		json_object_set_new(
		    request, "messages", json_integer(messages));
	}
	return ctl_request(c, request, NULL);
}

const struct ctl_command ctl_quota_commands[] = {
	{ "quota", "get", "ADDRESS", 1, 1, 0, quota_get },
	{ "quota", "set", "ADDRESS SIZE [MESSAGES]", 2, 3, 0, quota_set },
	{ "quota", "recount", "ADDRESS", 1, 1, 0, quota_recount },
	{ NULL, NULL, NULL, 0, 0, 0, NULL },
};
