/*
 * jmap/vacation.c - VacationResponse (RFC 8621, 8): one object, that is always
 * there. The answers are given by delivery/vacation.h.
 */
#include "delivery/vacation.h"

#include "base/str.h"
#include "jmap/account.h"

#include <stdlib.h>

#define SINGLETON "singleton"

static json_t *
date_or_null(json_t *settings, const char *name)
{
	json_int_t at = json_integer_value(json_object_get(settings, name));

	return at > 0 ? jmap_date((int64_t)at) : json_null();
}

static json_t *
text_or_null(json_t *settings, const char *name)
{
	json_t *text = json_object_get(settings, name);

	return json_is_string(text) ? json_incref(text) : json_null();
}

static json_t *
vacation_object(struct jmap_call *c)
{
	json_t *settings = vacation_get(catalog_account(c->q->catalog));
	json_t *object = json_pack("{s:s, s:b}", "id", SINGLETON, "isEnabled",
	    json_is_true(json_object_get(settings, "isEnabled")));
	static const char *const texts[] = { "subject", "textBody",
		"htmlBody" };

	(void)json_object_set_new(
	    object, "fromDate", date_or_null(settings, "fromDate"));
	(void)json_object_set_new(
	    object, "toDate", date_or_null(settings, "toDate"));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		(void)json_object_set_new(
		    object, texts[i], text_or_null(settings, texts[i]));
	json_decref(settings);
	return object;
}

static void
vacation_state(struct jmap_call *c, struct buf *out)
{
	json_t *object = vacation_object(c);
	char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
	char id[JMAP_ID];

	jmap_make_id("S", str_of(text), id);
	(void)buf_puts(out, id);
	free(text);
	json_decref(object);
}

static json_t *
get_vacation(struct jmap_call *c, const char *id, json_t *properties)
{
	json_t *object, *value;
	const char *name;
	void *next;

	if (strcmp(id, SINGLETON) != 0)
		return NULL;
	object = vacation_object(c);
	json_object_foreach_safe(object, next, name, value)
	{
		if (strcmp(name, "id") != 0 && !jmap_wants(properties, name))
			(void)json_object_del(object, name);
	}
	return object;
}

static void
all_vacations(struct jmap_call *c, json_t *ids)
{
	(void)c;
	(void)json_array_append_new(ids, json_string(SINGLETON));
}

static bool
knows_vacation(const char *name)
{
	static const char *const known[] = { "id", "isEnabled", "fromDate",
		"toDate", "subject", "textBody", "htmlBody" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i]) == 0)
			return true;
	return false;
}

json_t *
jmap_vacation_get(struct jmap_call *c)
{
	static const struct jmap_getter getter = { .state = vacation_state,
		.one = get_vacation,
		.all = all_vacations,
		.knows = knows_vacation };

	return jmap_get(c, &getter);
}

/* --- set -------------------------------------------------------------------
 */

static json_t *
singleton(
    struct jmap_call *c, const char *creation, json_t *object, json_t **made_r)
{
	(void)c;
	(void)creation;
	(void)object;
	(void)made_r;
	return jmap_set_error("singleton", NULL, NULL);
}

static json_t *
cannot_destroy(struct jmap_call *c, const char *id)
{
	(void)c;
	(void)id;
	return jmap_set_error("singleton", NULL, NULL);
}

/* NULL, or a SetError; dates become numbers. */
static json_t *
check(json_t *object)
{
	static const char *const dates[] = { "fromDate", "toDate" };
	static const char *const texts[] = { "subject", "textBody",
		"htmlBody" };

	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		json_t *value = json_object_get(object, dates[i]);
		int64_t at = 0;

		if (!json_is_null(value) &&
		    (!json_is_string(value) ||
			!jmap_parse_date(json_string_value(value), &at)))
			return jmap_set_error(
			    "invalidProperties", dates[i], NULL);
		(void)json_object_set_new(
		    object, dates[i], json_integer((json_int_t)at));
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		json_t *value = json_object_get(object, texts[i]);

		if (!json_is_null(value) && !json_is_string(value))
			return jmap_set_error(
			    "invalidProperties", texts[i], NULL);
	}
	if (!json_is_boolean(json_object_get(object, "isEnabled")))
		return jmap_set_error("invalidProperties", "isEnabled", NULL);
	return NULL;
}

static json_t *
update(struct jmap_call *c, const char *id, json_t *patch, json_t **changed_r)
{
	json_t *object, *error, *value;
	struct pst_error err = { 0 };
	const char *name;

	(void)changed_r;
	if (strcmp(id, SINGLETON) != 0)
		return jmap_set_error("notFound", NULL, NULL);
	json_object_foreach(patch, name, value)
	{
		if (!knows_vacation(name) || strcmp(name, "id") == 0)
			return jmap_set_error("invalidProperties", name, NULL);
	}
	object = vacation_object(c);
	error = jmap_patch(object, patch);
	if (error == NULL)
		error = check(object);
	(void)json_object_del(object, "id");
	if (error == NULL && vacation_set(catalog_account(c->q->catalog),
				 object, &err) != PST_OK)
		error = jmap_set_failed(&err);
	json_decref(object);
	return error;
}

json_t *
jmap_vacation_set(struct jmap_call *c)
{
	static const struct jmap_setter setter = { .state = vacation_state,
		.create = singleton,
		.update = update,
		.destroy = cannot_destroy };

	return jmap_set(c, &setter);
}
