/*
 * jmap/args.c - arguments of calls, and values of answers.
 */
#include "jmap/call.h"

#include "base/log.h"
#include "base/str.h"
#include "message/content.h"

#include <stdlib.h>
#include <time.h>

enum { NUMBER_BITS = 53 };

json_t *
jmap_error(struct jmap_call *c, const char *type, const char *description)
{
	json_decref(c->error);
	c->error = json_pack("{s:s}", "type", type);
	if (description != NULL)
		(void)json_object_set_new(
		    c->error, "description", json_string(description));
	return c->error;
}

json_t *
jmap_failed(struct jmap_call *c, const struct pst_error *err)
{
	log_failure(PST_LOG_ERROR, c->q->conn, "jmap", err);
	return jmap_error(c,
	    err->rc == PST_E_TEMP ? "serverUnavailable" : "serverFail", NULL);
}

json_t *
jmap_set_error(const char *type, const char *property, const char *description)
{
	json_t *error = json_pack("{s:s}", "type", type);

	if (property != NULL)
		(void)json_object_set_new(
		    error, "properties", json_pack("[s]", property));
	if (description != NULL)
		(void)json_object_set_new(
		    error, "description", json_string(description));
	return error;
}

json_t *
jmap_set_failed(const struct pst_error *err)
{
	switch (err->rc) {
	case PST_E_QUOTA:
	case PST_E_NOSPACE:
		return jmap_set_error("overQuota", NULL, NULL);
	case PST_E_NOTFOUND:
		return jmap_set_error("notFound", NULL, NULL);
	case PST_E_DENIED:
	case PST_E_READONLY:
		return jmap_set_error("forbidden", NULL, NULL);
	case PST_E_LIMIT:
		return jmap_set_error("tooLarge", NULL, NULL);
	default:
		break;
	}
	log_failure(PST_LOG_ERROR, 0, "jmap", err);
	return jmap_set_error("serverFail", NULL, NULL);
}

void
jmap_also(struct jmap_call *c, const char *name, json_t *args)
{
	if (c->also == NULL)
		c->also = json_array();
	(void)json_array_append_new(
	    c->also, json_pack("[s, o, s]", name, args, c->id));
}

/* --- arguments -------------------------------------------------------------
 */

static bool
wrong(struct jmap_call *c, const char *name)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "%s is not of its type", name);
	(void)jmap_error(c, "invalidArguments", text);
	return false;
}

static json_t *
argument(struct jmap_call *c, const char *name)
{
	json_t *value = json_object_get(c->args, name);

	return json_is_null(value) ? NULL : value;
}

bool
jmap_get_bool(struct jmap_call *c, const char *name, bool preset, bool *r)
{
	json_t *value = argument(c, name);

	*r = value != NULL ? json_is_true(value) : preset;
	return value == NULL || json_is_boolean(value) || wrong(c, name);
}

bool
jmap_get_number(
    struct jmap_call *c, const char *name, int64_t preset, int64_t *r)
{
	json_t *value = argument(c, name);

	*r = value != NULL ? json_integer_value(value) : preset;
	if (value == NULL)
		return true;
	if (!json_is_integer(value) || *r >> NUMBER_BITS > 0 ||
	    *r < -(INT64_C(1) << NUMBER_BITS))
		return wrong(c, name);
	return true;
}

bool
jmap_get_text(struct jmap_call *c, const char *name, const char **r)
{
	json_t *value = argument(c, name);

	*r = json_string_value(value);
	return value == NULL || *r != NULL || wrong(c, name);
}

bool
jmap_get_object(struct jmap_call *c, const char *name, json_t **r)
{
	*r = argument(c, name);
	return *r == NULL || json_is_object(*r) || wrong(c, name);
}

bool
jmap_get_list(struct jmap_call *c, const char *name, json_t **r)
{
	size_t i;
	json_t *item;

	*r = argument(c, name);
	if (*r == NULL)
		return true;
	if (!json_is_array(*r))
		return wrong(c, name);
	json_array_foreach(*r, i, item)
	{
		if (!json_is_string(item))
			return wrong(c, name);
	}
	return true;
}

const char *
jmap_real_id(struct jmap_request *q, const char *id)
{
	if (id == NULL || id[0] != '#')
		return id;
	return json_string_value(json_object_get(q->created, id + 1));
}

void
jmap_note_created(struct jmap_request *q, const char *creation, const char *id)
{
	(void)json_object_set_new(q->created, creation, json_string(id));
}

/* --- values ----------------------------------------------------------------
 */

json_t *
jmap_str(struct pst_str s)
{
	json_t *value = s.n > 0 ? json_stringn(s.p, s.n) : json_string("");
	struct buf text;

	if (value != NULL)
		return value;
	buf_init(&text, 4 * s.n + 16);
	(void)msg_to_utf8(STR("utf-8"), s, &text);
	value = text.n > 0 ? json_stringn(text.p, text.n) : json_string("");
	buf_fini(&text);
	return value != NULL ? value : json_string("");
}

json_t *
jmap_text(const struct buf *b)
{
	return jmap_str(buf_str(b));
}

json_t *
jmap_date(int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;
	char text[40];

	if (gmtime_r(&t, &tm) == NULL || tm.tm_year > 9999 - 1900 ||
	    tm.tm_year < -1900)
		return json_string("1970-01-01T00:00:00Z");
	(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}

bool
jmap_parse_date(const char *text, int64_t *seconds_r)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	int hours, minutes;
	char sign;

	if (end == NULL)
		return false;
	if (*end == '.')
		for (end++; ascii_is_digit(*end);)
			end++;
	*seconds_r = (int64_t)timegm(&tm);
	if (strcmp(end, "Z") == 0)
		return true;
	if (sscanf(end, "%c%2d:%2d", &sign, &hours, &minutes) != 3 ||
	    (sign != '+' && sign != '-') || strlen(end) != 6)
		return false;
	*seconds_r -= (sign == '+' ? 60 : -60) * (hours * 60 + minutes);
	return true;
}

json_t *
jmap_load(struct pst_str text)
{
	return text.p != NULL ? json_loadb(text.p, text.n, 0, NULL) : NULL;
}
