/*
 * queue.c - posternctl queue: what waits for other servers.
 */
#include "admin/ctl.h"
#include "admin/protocol.h"
#include "admin/table.h"
#include "base/clock.h"
#include "base/str.h"

#define FILTERS                                                        \
	(CTL_OPT_FROM | CTL_OPT_TO | CTL_OPT_DOMAIN | CTL_OPT_REASON | \
	    CTL_OPT_OLDER | CTL_OPT_YOUNGER | CTL_OPT_HELD | CTL_OPT_USER)

static const struct table_column list_columns[] = {
	{ "id", "ID", TABLE_TEXT },
	{ "arrived", "ARRIVED (UTC)", TABLE_TIME },
	{ "size", "SIZE", TABLE_SIZE },
	{ "sender", "SENDER", TABLE_TEXT },
	{ "recipient", "RECIPIENT", TABLE_TEXT },
	{ "waiting", "WAIT", TABLE_NUMBER },
	{ "next", "NEXT TRY (UTC)", TABLE_TIME },
	{ "held", "HELD", TABLE_TRUTH },
	{ "answer", "LAST ANSWER", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column message_columns[] = {
	{ "id", "id", TABLE_TEXT },
	{ "arrived", "arrived (UTC)", TABLE_TIME },
	{ "size", "size", TABLE_SIZE },
	{ "sender", "sender", TABLE_TEXT },
	{ "user", "user", TABLE_TEXT },
	{ "held", "held", TABLE_TRUTH },
	{ "reason", "reason", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column recipient_columns[] = {
	{ "recipient", "RECIPIENT", TABLE_TEXT },
	{ "state", "STATE", TABLE_TEXT },
	{ "tries", "TRIES", TABLE_NUMBER },
	{ "last", "LAST TRY (UTC)", TABLE_TIME },
	{ "next", "NEXT TRY (UTC)", TABLE_TIME },
	{ "remote", "SERVER", TABLE_TEXT },
	{ "answer", "ANSWER", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column total_columns[] = {
	{ "messages", "messages", TABLE_NUMBER },
	{ "jobs", "messages by domain", TABLE_NUMBER },
	{ "domains", "domains", TABLE_NUMBER },
	{ "files", "files", TABLE_NUMBER },
	{ "bytes", "on the disk", TABLE_SIZE },
	{ "live", "of that needed", TABLE_SIZE },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column stats_columns[] = {
	{ "destination", "DESTINATION", TABLE_TEXT },
	{ "ready", "READY", TABLE_NUMBER },
	{ "active", "ACTIVE", TABLE_NUMBER },
	{ "limit", "LIMIT", TABLE_NUMBER },
	{ "rate", "RATE (/min)", TABLE_NUMBER },
	{ "sleeps", "SLEEPS (s)", TABLE_NUMBER },
	{ "error", "LAST ERROR", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static void
set_text(json_t *request, const char *key, const char *text)
{
	if (text != NULL)
		json_object_set_new(
		    request, key, admin_json_text(str_of(text)));
}

/* "2h": that many seconds. */
static bool
set_age(json_t *request, const char *key, const char *text)
{
	int64_t at;

	if (text == NULL)
		return true;
	if (!ctl_parse_time(text, &at))
		return false;
	json_object_set_new(request, key, json_integer(clock_seconds() - at));
	return true;
}

static json_t *
make_request(struct ctl *c, const char *verb, const char *id)
{
	json_t *r = json_pack("{s:s, s:s}", "request", "queue", "verb", verb);

	set_text(r, "id", id);
	set_text(r, "sender", c->from);
	set_text(r, "recipient", c->to);
	set_text(r, "domain", c->domain);
	set_text(r, "reason", c->reason);
	set_text(r, "user", c->user);
	if ((c->given & CTL_OPT_HELD) != 0)
		json_object_set_new(r, "held", json_true());
	if (set_age(r, "older", c->older) && set_age(r, "younger", c->younger))
		return r;
	json_decref(r);
	return NULL;
}

static int
bad_age(void)
{
	return ctl_usage(
	    "--older and --younger: expected an age, such as 2h or 3d");
}

static int
list(struct ctl *c, char **args, int n)
{
	json_t *request = make_request(c, "list", NULL), *items;
	int code;

	(void)args;
	(void)n;
	if (request == NULL)
		return bad_age();
	code = ctl_request(c, request, &items);
	if (code == CTL_OK && json_array_size(items) == 0 && !c->json)
		(void)fputs("nothing waits\n", c->out);
	else if (code == CTL_OK)
		table_print(c->out, list_columns, items, c->json);
	json_decref(items);
	return code;
}

static int
show(struct ctl *c, char **args, int n)
{
	json_t *items, *one;
	int code = ctl_request(c, make_request(c, "show", args[0]), &items);

	(void)n;
	one = json_array_get(items, 0);
	if (code == CTL_OK && c->json) {
		(void)json_dumpf(one, c->out, JSON_INDENT(2));
		(void)fputc('\n', c->out);
	} else if (code == CTL_OK) {
		table_print_one(c->out, message_columns, one, false);
		(void)fputc('\n', c->out);
		table_print(c->out, recipient_columns,
		    json_object_get(one, "recipients"), false);
	}
	json_decref(items);
	return code;
}

/* One message, or with filters all that fit. */
static int
act(struct ctl *c, const char *verb, const char *done, char **args, int n)
{
	json_t *request, *items;
	int code;

	if ((n == 0) == ((c->given & FILTERS) == 0))
		return ctl_usage("queue %s: give either an id or filters; "
				 "--older 0s means all",
		    verb);
	request = make_request(c, verb, n > 0 ? args[0] : NULL);
	if (request == NULL)
		return bad_age();
	code = ctl_request(c, request, &items);
	if (c->json)
		table_print(c->out, list_columns, items, true);
	else if (code == CTL_OK)
		(void)fprintf(c->out, "%zu message%s %s\n",
		    json_array_size(items),
		    json_array_size(items) == 1 ? "" : "s", done);
	json_decref(items);
	return code;
}

static int
hold(struct ctl *c, char **args, int n)
{
	return act(c, "hold", "held", args, n);
}

static int
release(struct ctl *c, char **args, int n)
{
	return act(c, "release", "released", args, n);
}

/* Without a look at each: a network is back. */
static int
retry_all(struct ctl *c)
{
	json_t *items;
	int code = ctl_request(c,
	    json_pack("{s:s, s:s, s:b}", "request", "queue", "verb", "retry",
		"all", 1),
	    &items);

	if (c->json)
		table_print(c->out, list_columns, items, true);
	else if (code == CTL_OK)
		(void)fputs("all that waits is tried now\n", c->out);
	json_decref(items);
	return code;
}

static int
retry(struct ctl *c, char **args, int n)
{
	if ((c->given & CTL_OPT_ALL) == 0)
		return act(c, "retry", "tried now", args, n);
	if (n > 0 || (c->given & FILTERS) != 0)
		return ctl_usage("queue retry: --all stands alone");
	return retry_all(c);
}

static int delete (struct ctl *c, char **args, int n)
{
	return act(c, "delete", "deleted", args, n);
}

static int
stats(struct ctl *c, char **args, int n)
{
	json_t *items, *total;
	int code = ctl_request(
	    c, json_pack("{s:s}", "request", "queue-stats"), &items);

	(void)args;
	(void)n;
	total = json_incref(json_array_get(items, 0));
	if (code == CTL_OK && c->json) {
		(void)json_dumpf(items, c->out, JSON_INDENT(2));
		(void)fputc('\n', c->out);
	} else if (code == CTL_OK) {
		(void)json_array_remove(items, 0);
		table_print_one(c->out, total_columns, total, false);
		if (json_array_size(items) > 0) {
			(void)fputc('\n', c->out);
			table_print(c->out, stats_columns, items, false);
		}
	}
	json_decref(total);
	json_decref(items);
	return code;
}

#define FILTER_USAGE                                                  \
	"[--user USER] [--from TEXT] [--to TEXT] [--domain DOMAIN]\n" \
	"      [--reason TEXT] [--older AGE] [--younger AGE] [--held]"

const struct ctl_command ctl_queue_commands[] = {
	{ "queue", "list", FILTER_USAGE, 0, 0, FILTERS, list },
	{ "queue", "show", "ID", 1, 1, 0, show },
	{ "queue", "hold", "ID | " FILTER_USAGE, 0, 1, FILTERS, hold },
	{ "queue", "release", "ID | " FILTER_USAGE, 0, 1, FILTERS, release },
	{ "queue", "retry", "ID | --all | " FILTER_USAGE, 0, 1,
	    FILTERS | CTL_OPT_ALL, retry },
	{ "queue", "delete", "ID | " FILTER_USAGE, 0, 1, FILTERS, delete },
	{ "queue", "stats", "", 0, 0, 0, stats },
	{ NULL, NULL, NULL, 0, 0, 0, NULL },
};
