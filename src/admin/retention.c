/*
 * retention.c - posternctl retention: the rules by which messages go by
 * themselves.
 */
#include "admin/ctl.h"
#include "admin/protocol.h"
#include "admin/table.h"
#include "base/str.h"

static const struct table_column rule_columns[] = {
	{ "rule", "RULE", TABLE_TEXT },
	{ "mailbox", "MAILBOX", TABLE_TEXT },
	{ "special_use", "SPECIAL USE", TABLE_TEXT },
	{ "age_text", "AGE", TABLE_TEXT },
	{ "max_messages", "MESSAGES", TABLE_COUNT },
	{ "max_size", "SIZE", TABLE_LIMIT },
	{ "undelete", "UNDELETE", TABLE_TRUTH },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column run_columns[] = {
	{ "user", "USER", TABLE_TEXT },
	{ "mailbox", "MAILBOX", TABLE_TEXT },
	{ "rule", "RULE", TABLE_TEXT },
	{ "messages", "MESSAGES", TABLE_NUMBER },
	{ "size", "SIZE", TABLE_SIZE },
	{ "on_hold", "ON HOLD", TABLE_TRUTH },
	{ NULL, NULL, TABLE_TEXT },
};

static long long
number(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

/* Whole days, as most rules have them, without a clock's time. */
static void
put_age(struct buf *b, long long seconds)
{
	if (seconds > 0 && seconds % 86400 == 0)
		(void)buf_printf(b, "%lld day%s", seconds / 86400,
		    seconds == 86400 ? "" : "s");
	else if (seconds > 0)
		table_duration(b, seconds);
}

/* "never" for a time that did not come yet. */
static void
print_time(struct ctl *c, const char *title, const json_t *s, const char *key)
{
	struct buf b;

	buf_init(&b, 128);
	if (number(s, key) > 0)
		table_cell(&b, TABLE_TIME, json_object_get(s, key));
	(void)fprintf(c->out, "%-14s%.*s%s\n", title, STR_ARG(buf_str(&b)),
	    b.n > 0 ? " UTC" : "never");
	buf_fini(&b);
}

static void
print_sum(struct ctl *c, const json_t *s, const char *what, const char *why)
{
	char messages[40], bytes[40];
	struct buf b;

	(void)snprintf(messages, sizeof(messages), "%s_messages", what);
	(void)snprintf(bytes, sizeof(bytes), "%s_bytes", what);
	buf_init(&b, 128);
	table_size(&b, number(s, bytes));
	(void)fprintf(c->out, "%-14s%lld messages, size %.*s (%s)\n", what,
	    number(s, messages), STR_ARG(buf_str(&b)), why);
	buf_fini(&b);
}

static void
print_status(struct ctl *c, const json_t *s)
{
	json_t *rules = json_object_get(s, "rules"), *rule;
	struct buf b;
	size_t i;

	buf_init(&b, 256);
	print_time(c, "last look", s, "began");
	if (json_is_true(json_object_get(s, "sweeping")))
		(void)fputs("              under way\n", c->out);
	print_time(c, "next look", s, "next");
	(void)fprintf(c->out,
	    "accounts      %lld known, %lld looked into last time, %lld "
	    "failures\n",
	    number(s, "accounts"), number(s, "visited"), number(s, "failures"));
	print_sum(c, s, "removed", "by rules, since the server's start");
	print_sum(c, s, "purged", "kept long enough, since the start");
	put_age(&b, number(s, "undelete_keep"));
	(void)fprintf(c->out, "undelete      %.*s\n\n",
	    STR_ARG(b.n > 0 ? buf_str(&b) : STR("off")));
	json_array_foreach(rules, i, rule)
	{
		buf_clear(&b);
		put_age(&b, number(rule, "age"));
		json_object_set_new(rule, "age_text",
		    admin_json_text(b.n > 0 ? buf_str(&b) : STR("none")));
	}
	table_print(c->out, rule_columns, rules, false);
	if (json_array_size(rules) == 0)
		(void)fputs(
		    "no rules: see `retention` in postern.conf(5)\n", c->out);
	buf_fini(&b);
}

static int
retention_status(struct ctl *c, char **args, int n)
{
	const json_t *s;
	json_t *items;
	int code;

	(void)args;
	(void)n;
	code = ctl_request(
	    c, json_pack("{s:s}", "request", "retention-status"), &items);
	s = json_array_get(items, 0);
	if (s != NULL && c->json)
		table_print_one(c->out, rule_columns, s, true);
	else if (s != NULL)
		print_status(c, s);
	json_decref(items);
	return code;
}

static int
retention_run(struct ctl *c, char **args, int n)
{
	bool dry = (c->given & CTL_OPT_DRY_RUN) != 0;
	json_t *request = json_pack(
	    "{s:s, s:b}", "request", "retention-run", "dry_run", (int)dry);
	json_t *items, *one;
	long long messages = 0;
	size_t i;
	int code;

	if (n > 0)
		json_object_set_new(
		    request, "address", admin_json_text(str_of(args[0])));
	code = ctl_request(c, request, &items);
	if (code == CTL_OK || json_array_size(items) > 0)
		table_print(c->out, run_columns, items, c->json);
	json_array_foreach(items, i, one) messages += number(one, "messages");
	if (code == CTL_OK && !c->json)
		(void)fprintf(c->out, "%s%lld message%s%s removed\n",
		    i > 0 ? "\n" : "", messages, messages == 1 ? "" : "s",
		    dry ? " would be" : "");
	json_decref(items);
	return code;
}

const struct ctl_command ctl_retention_commands[] = {
	{ "retention", "status", "", 0, 0, 0, retention_status },
	{ "retention", "run", "[ADDRESS] [--dry-run]", 0, 1, CTL_OPT_DRY_RUN,
	    retention_run },
	{ NULL, NULL, NULL, 0, 0, 0, NULL },
};
