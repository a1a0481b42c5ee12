/*
 * why.c - posternctl why: what happened to a message, and where it is.
 */
#include "admin/why.h"

#include "admin/ctl.h"
#include "admin/protocol.h"
#include "admin/table.h"
#include "base/str.h"

/* --- for people -----------------------------------------------------------
 */

static const char *
text_of(const json_t *item, const char *key)
{
	const char *text = json_string_value(json_object_get(item, key));

	return text != NULL ? text : "";
}

/* A text of several lines, below its event. */
static void
print_lines(FILE *out, const char *text)
{
	struct pst_str rest = str_of(text), line;

	(void)fputc('\n', out);
	while (rest.n > 0 && str_split(&rest, '\n', &line)) {
		struct buf clean;

		buf_init(&clean, (size_t)WHY_VALUE * 4);
		table_clean(&clean, line);
		(void)fprintf(out, "%-28s%.*s\n", "", STR_ARG(buf_str(&clean)));
		buf_fini(&clean);
	}
}

static void
print_pair(FILE *out, const char *key, const char *value)
{
	struct buf clean;
	bool quoted = *value == '\0' || strchr(value, ' ') != NULL;

	buf_init(&clean, (size_t)WHY_VALUE * 4);
	table_clean(&clean, str_of(value));
	(void)fprintf(out, quoted ? " %s=\"%.*s\"" : " %s=%.*s", key,
	    STR_ARG(buf_str(&clean)));
	buf_fini(&clean);
}

static void
print_event(FILE *out, const json_t *item)
{
	const char *time = text_of(item, "time"), *key;
	const char *lines = NULL;
	json_t *value;

	/* "2026-01-31T12:00:00.123Z" */
	(void)fprintf(out, "  %.10s %.12s %-14s", time,
	    strlen(time) > 11 ? time + 11 : "", text_of(item, "event"));
	json_object_foreach(json_object_get(item, "what"), key, value)
	{
		const char *text = json_string_value(value);

		if (text != NULL && strchr(text, '\n') != NULL)
			lines = text;
		else if (text != NULL)
			print_pair(out, key, text);
	}
	if (lines != NULL)
		print_lines(out, lines);
	else
		(void)fputc('\n', out);
}

/* One story: a heading for each id that it goes on under. */
static void
print_story(FILE *out, const json_t *events)
{
	const char *id = "";
	const json_t *item;
	size_t i;

	json_array_foreach(events, i, item)
	{
		if (strcmp(text_of(item, "id"), id) != 0) {
			struct buf clean;

			id = text_of(item, "id");
			buf_init(&clean, 1024);
			table_clean(&clean, str_of(id));
			(void)fprintf(out, "%.*s\n", STR_ARG(buf_str(&clean)));
			buf_fini(&clean);
		}
		print_event(out, item);
	}
}

static const struct table_column list_columns[] = {
	{ "id", "ID", TABLE_TEXT },
	{ "time", "TIME (UTC)", TABLE_TEXT },
	{ "from", "SENDER", TABLE_TEXT },
	{ "to", "RECIPIENT", TABLE_TEXT },
	{ "last", "LAST EVENT", TABLE_TEXT },
	{ "answer", "ANSWER", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

/* The first value of a key in a story. */
static const char *
first_of(const json_t *events, const char *key)
{
	const json_t *item;
	size_t i;

	json_array_foreach(events, i, item)
	{
		const json_t *what = json_object_get(item, "what");

		if (json_object_get(what, key) != NULL)
			return text_of(what, key);
	}
	return "";
}

static json_t *
summary(const json_t *events)
{
	const json_t *first = json_array_get(events, 0);
	const json_t *last = json_array_get(
	    events, json_array_size(events) - 1);
	const json_t *what = json_object_get(last, "what");
	const char *answer = text_of(what, "answer");
	char time[32];

	(void)snprintf(time, sizeof(time), "%.10s %.8s", text_of(first, "time"),
	    strlen(text_of(first, "time")) > 11 ? text_of(first, "time") + 11
						: "");
	if (*answer == '\0')
		answer = text_of(what, "reply");
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "id",
	    text_of(first, "id"), "time", time, "from",
	    first_of(events, "from"), "to", first_of(events, "to"), "last",
	    text_of(last, "event"), "answer", answer);
}

/* Items, each of a story, as one array for each. */
static json_t *
part(const json_t *items, bool *more_r)
{
	json_t *stories = json_array();
	const json_t *item;
	size_t i;

	*more_r = false;
	json_array_foreach(items, i, item)
	{
		json_int_t n = json_integer_value(
		    json_object_get(item, "story"));

		if (json_object_get(item, "story") == NULL) {
			*more_r = true;
			continue;
		}
		while ((json_int_t)json_array_size(stories) <= n)
			(void)json_array_append_new(stories, json_array());
		(void)json_array_append(json_array_get(stories, (size_t)n),
		    (json_t *)(uintptr_t)item);
	}
	return stories;
}

static void
print_stories(struct ctl *c, const json_t *items)
{
	bool more;
	json_t *stories = part(items, &more), *rows = json_array();
	const json_t *events;
	size_t i;

	if (c->json) {
		(void)json_dumpf(stories, c->out, JSON_INDENT(2));
		(void)fputc('\n', c->out);
	} else if (json_array_size(stories) == 1) {
		print_story(c->out, json_array_get(stories, 0));
	} else {
		json_array_foreach(stories, i, events)(void)
		    json_array_append_new(rows, summary(events));
		table_print(c->out, list_columns, rows, false);
	}
	if (more && !c->json)
		(void)fprintf(c->out,
		    "(these are the last %d; --since tells of less)\n",
		    WHY_MOST);
	json_decref(rows);
	json_decref(stories);
}

/* --- the command ----------------------------------------------------------
 */

struct reading {
	json_t *items;
	size_t stories;
};

static bool
add_story(void *arg, const struct story *s)
{
	struct reading *r = arg;

	for (size_t i = 0; i < s->events; i++)
		(void)json_array_append_new(
		    r->items, why_item(r->stories, &s->event[i]));
	r->stories++;
	return true;
}

/* Without a server: from the files. */
static enum pst_rc
read_files(const struct ctl *c, const json_t *request, json_t *items,
    struct pst_error *err)
{
	struct reading r = { items, 0 };
	struct story_query q;
	char path[4096];
	bool more = false;
	enum pst_rc rc;

	story_path(c->cfg, path, sizeof(path));
	(void)why_query(request, &q);
	rc = story_find(path, &q, add_story, &r, &more, err);
	if (more)
		(void)json_array_append_new(
		    items, json_pack("{s:b}", "more", true));
	if (rc == PST_OK && r.stories == 0)
		rc = pst_fail(err, PST_E_NOTFOUND, 0,
		    "nothing is known of such a message");
	return rc;
}

static void
set_text(json_t *request, const char *key, const char *text)
{
	if (text != NULL)
		json_object_set_new(
		    request, key, admin_json_text(str_of(text)));
}

/* An id of ours, or a Message-ID with or without its brackets. */
static void
set_name(json_t *request, const char *name)
{
	struct pst_str s = str_of(name);

	if (s.n > 1 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		s = str_n(s.p + 1, s.n - 2);
	json_object_set_new(request,
	    str_find(s, '@') < s.n || s.n < str_of(name).n ? "message-id"
							   : "id",
	    admin_json_text(s));
}

static int
why(struct ctl *c, char **args, int n)
{
	json_t *request = json_pack("{s:s}", "request", "why"), *items;
	struct pst_error err = { 0 };
	struct story_query q;
	bool no_daemon;
	int64_t since;
	enum pst_rc rc;

	if (n > 0)
		set_name(request, args[0]);
	set_text(request, "from", c->from);
	set_text(request, "to", c->to);
	if (c->since != NULL && ctl_parse_time(c->since, &since))
		json_object_set_new(request, "since", json_integer(since));
	else if (c->since != NULL)
		n = -1;
	if (n < 0 || !why_query(request, &q)) {
		json_decref(request);
		return n < 0 ? ctl_usage("--since: expected how long ago, such "
					 "as 1h, or a date")
			     : ctl_usage("why: give an id, a Message-ID, "
					 "--from or --to");
	}
	rc = ctl_ask(c, json_incref(request), &items, &no_daemon, &err);
	if (no_daemon)
		rc = read_files(c, request, items, &err);
	if (rc == PST_OK)
		print_stories(c, items);
	json_decref(items);
	json_decref(request);
	return rc == PST_OK ? CTL_OK : ctl_fail(rc, "%s", err.detail);
}

const struct ctl_command ctl_why_commands[] = {
	{ "", "why",
	    "ID | MESSAGE-ID | [--from ADDRESS] [--to ADDRESS]\n"
	    "      [--since TIME]",
	    0, 1, CTL_OPT_FROM | CTL_OPT_TO | CTL_OPT_SINCE, why },
	{ NULL, NULL, NULL, 0, 0, 0, NULL },
};
