/*
 * undelete.c - posternctl undelete: bringing back what was expunged.
 */
#include "admin/ctl.h"
#include "admin/protocol.h"
#include "admin/table.h"
#include "base/clock.h"
#include "base/str.h"
#include <time.h>

static const struct table_column list_columns[] = {
	{ "id", "ID", TABLE_TEXT },
	{ "mailbox", "MAILBOX", TABLE_TEXT },
	{ "expunged", "EXPUNGED (UTC)", TABLE_TIME },
	{ "date", "DATE (UTC)", TABLE_TIME },
	{ "size", "SIZE", TABLE_SIZE },
	{ "flags", "FLAGS", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column sum_columns[] = {
	{ "mailbox", "MAILBOX", TABLE_TEXT },
	{ "messages", "MESSAGES", TABLE_NUMBER },
	{ "size", "SIZE", TABLE_SIZE },
	{ NULL, NULL, TABLE_TEXT },
};

/* "2h", "3d": so long ago. */
static bool
parse_ago(struct pst_str s, int64_t *time_r)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
		{ 'w', 7 * 86400 } };
	uint64_t n;

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (s.n > 1 && s.p[s.n - 1] == units[i].unit &&
		    str_to_u64(str_first(s, s.n - 1), &n) && n < UINT32_MAX) {
			*time_r = clock_seconds() -
				  (int64_t)n * units[i].seconds;
			if (*time_r < 1)
				*time_r = 1;
			return true;
		}
	return false;
}

bool
ctl_parse_time(const char *text, int64_t *time_r)
{
	static const char *const forms[] = { "%Y-%m-%d", "%Y-%m-%d %H:%M",
		"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S",
		"%Y-%m-%dT%H:%M:%SZ" };

	if (parse_ago(str_of(text), time_r))
		return true;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = { 0 };
		const char *end = strptime(text, forms[i], &tm);
		struct tm again = tm;

		if (end == NULL || *end != '\0')
			continue;
		*time_r = timegm(&again);
		/* The 31st of February is no day. */
		return again.tm_mday == tm.tm_mday && *time_r > 0;
	}
	return false;
}

static int
take_filter(struct ctl *c, json_t *request)
{
	int64_t since;

	if (c->mailbox != NULL)
		json_object_set_new(
		    request, "mailbox", admin_json_text(str_of(c->mailbox)));
	if (c->id != NULL)
		json_object_set_new(
		    request, "id", admin_json_text(str_of(c->id)));
	if (c->since == NULL)
		return CTL_OK;
	if (!ctl_parse_time(c->since, &since))
		return ctl_usage("--since: expected how long ago, such as 2h "
				 "or 3d, or a date and time in UTC, such as "
				 "\"2026-01-31 12:00\", not \"%s\"",
		    c->since);
	json_object_set_new(request, "since", json_integer(since));
	return CTL_OK;
}

static const char *
mode_of(const struct ctl *c)
{
	if ((c->given & CTL_OPT_LIST) != 0)
		return "list";
	if ((c->given & CTL_OPT_PURGE) != 0)
		return "purge";
	return (c->given & CTL_OPT_DRY_RUN) != 0 ? "dry-run" : "restore";
}

static void
say_sum(struct ctl *c, const json_t *items)
{
	const json_t *one;
	long long n = 0;
	size_t i;

	json_array_foreach(items, i, one)
	    n += json_integer_value(json_object_get(one, "messages"));
	if (i == 0)
		(void)fputs("nothing of that is kept\n", c->out);
	else if ((c->given & CTL_OPT_LIST) == 0)
		(void)fprintf(c->out, "\n%lld message%s %s\n", n,
		    n == 1 ? "" : "s",
		    (c->given & CTL_OPT_DRY_RUN) != 0 ? "would come back"
		    : (c->given & CTL_OPT_PURGE) != 0 ? "removed for good"
						      : "came back");
}

static int
undelete(struct ctl *c, char **args, int n)
{
	const uint64_t modes = CTL_OPT_LIST | CTL_OPT_DRY_RUN | CTL_OPT_PURGE;
	const uint64_t filters = CTL_OPT_MAILBOX | CTL_OPT_SINCE | CTL_OPT_ID;
	uint64_t mode = c->given & modes;
	json_t *request, *items;
	int code;

	(void)n;
	if ((mode & (mode - 1)) != 0)
		return ctl_usage(
		    "--list, --dry-run and --purge exclude each other");
	if (mode == CTL_OPT_PURGE && (c->given & filters) != 0)
		return ctl_usage("--purge removes all that is kept of a user: "
				 "it takes no --mailbox, --since or --id");
	request = json_pack(
	    "{s:s, s:s}", "request", "undelete", "mode", mode_of(c));
	json_object_set_new(
	    request, "address", admin_json_text(str_of(args[0])));
	code = take_filter(c, request);
	if (code != CTL_OK) {
		json_decref(request);
		return code;
	}
	code = ctl_request(c, request, &items);
	if (code == CTL_OK || json_array_size(items) > 0) {
		table_print(c->out,
		    mode == CTL_OPT_LIST ? list_columns : sum_columns, items,
		    c->json);
		if (!c->json && code == CTL_OK)
			say_sum(c, items);
	}
	json_decref(items);
	return code;
}

const struct ctl_command ctl_undelete_commands[] = {
	{ "", "undelete",
	    "ADDRESS [--mailbox NAME] [--since TIME] [--id ID]\n"
	    "      [--list | --dry-run | --purge]",
	    1, 1,
	    CTL_OPT_MAILBOX | CTL_OPT_SINCE | CTL_OPT_ID | CTL_OPT_LIST |
		CTL_OPT_DRY_RUN | CTL_OPT_PURGE,
	    undelete },
	{ NULL, NULL, NULL, 0, 0, 0, NULL },
};
