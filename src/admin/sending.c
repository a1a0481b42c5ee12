/*
 * sending.c - posternctl sending: what users send to other servers, and the
 * brake on those who send too much.
 */
#include "admin/ctl.h"
#include "admin/protocol.h"
#include "admin/table.h"
#include "base/str.h"

static const struct table_column list_columns[] = {
	{ "user", "USER", TABLE_TEXT },
	{ "messages_hour", "HOUR", TABLE_NUMBER },
	{ "messages_day", "DAY", TABLE_NUMBER },
	{ "recipients_day", "RECIPIENTS", TABLE_NUMBER },
	{ "new_recipients_day", "NEW", TABLE_NUMBER },
	{ "bounces_day", "BOUNCED", TABLE_NUMBER },
	{ "braked", "BRAKE", TABLE_TRUTH },
	{ "held", "HELD", TABLE_NUMBER },
	{ "reason", "REASON", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

/* A count beside its limit. */
static void
print_count(struct ctl *c, const json_t *s, const char *key, const char *title)
{
	const json_t *limits = json_object_get(s, "limits");
	long long limit = (long long)json_integer_value(
	    json_object_get(limits, key));

	(void)fprintf(c->out, "%-32s %6lld", title,
	    (long long)json_integer_value(json_object_get(s, key)));
	if (limit > 0)
		(void)fprintf(c->out, " of %lld", limit);
	(void)fputc('\n', c->out);
}

static void
print_brake(struct ctl *c, const json_t *s)
{
	struct buf since;

	if (!json_is_true(json_object_get(s, "braked"))) {
		(void)fputs("the brake is off\n", c->out);
		return;
	}
	buf_init(&since, 64);
	table_cell(&since, TABLE_TIME, json_object_get(s, "since"));
	(void)fprintf(c->out,
	    "the brake is on since %.*s UTC: %s; %lld messages were held\n",
	    STR_ARG(buf_str(&since)), admin_member(s, "reason"),
	    (long long)json_integer_value(json_object_get(s, "held")));
	buf_fini(&since);
}

static int
list(struct ctl *c, char **args, int n)
{
	json_t *request = json_pack("{s:s}", "request", "sending"), *items;
	int code;

	(void)args;
	(void)n;
	if ((c->given & CTL_OPT_HELD) != 0)
		json_object_set_new(request, "braked", json_true());
	code = ctl_request(c, request, &items);
	if (code == CTL_OK && (c->json || json_array_size(items) > 0))
		table_print(c->out, list_columns, items, c->json);
	json_decref(items);
	return code;
}

static json_t *
about(const char *request, const char *user)
{
	json_t *r = json_pack("{s:s}", "request", request);

	json_object_set_new(r, "address", admin_json_text(str_of(user)));
	return r;
}

static int
show(struct ctl *c, char **args, int n)
{
	const json_t *s;
	json_t *items;
	int code = ctl_request(c, about("sending", args[0]), &items);

	(void)n;
	s = json_array_get(items, 0);
	if (code == CTL_OK && c->json) {
		(void)json_dumpf(s, c->out, JSON_INDENT(2));
		(void)fputc('\n', c->out);
	} else if (code == CTL_OK) {
		print_brake(c, s);
		print_count(c, s, "messages_hour", "messages in the last hour");
		print_count(c, s, "messages_day", "messages in the last day");
		print_count(c, s, "recipients_day", "recipients");
		print_count(
		    c, s, "new_recipients_day", "  never written to before");
		print_count(c, s, "bounces_day", "  could not be reached");
	}
	json_decref(items);
	return code;
}

static int
lift(struct ctl *c, char **args, int n)
{
	(void)n;
	return ctl_request(c, about("sending-lift", args[0]), NULL);
}

const struct ctl_command ctl_sending_commands[] = {
	{ "sending", "list", "[--held]", 0, 0, CTL_OPT_HELD, list },
	{ "sending", "show", "USER", 1, 1, 0, show },
	{ "sending", "lift", "USER", 1, 1, 0, lift },
	{ NULL, NULL, NULL, 0, 0, 0, NULL },
};
