/*
 * jmap/condition.c - see condition.h.
 */
#include "jmap/condition.h"

#include <string.h>

enum { DEPTH = 20 };

static bool
check(struct jmap_call *c, const struct jmap_conditions *known, json_t *filter,
    unsigned depth)
{
	const char *op = json_string_value(json_object_get(filter, "operator"));
	json_t *value, *conditions = json_object_get(filter, "conditions");
	const char *key;
	size_t i;

	if (!json_is_object(filter) || depth > DEPTH ||
	    (op != NULL && ((strcmp(op, "AND") != 0 && strcmp(op, "OR") != 0 &&
				strcmp(op, "NOT") != 0) ||
			       !json_is_array(conditions)))) {
		(void)jmap_error(c, "unsupportedFilter", NULL);
		return false;
	}
	json_array_foreach(op != NULL ? conditions : NULL, i, value)
	{
		if (!check(c, known, value, depth + 1))
			return false;
	}
	json_object_foreach(op == NULL ? filter : NULL, key, value)
	{
		if (!known->check(c, key, value))
			return false;
	}
	return true;
}

bool
jmap_conditions_check(
    struct jmap_call *c, const struct jmap_conditions *known, json_t *filter)
{
	return check(c, known, filter, 0);
}

bool
jmap_conditions_match(struct jmap_call *c, const struct jmap_conditions *known,
    void *thing, json_t *filter)
{
	const char *op = json_string_value(json_object_get(filter, "operator"));
	bool is_or = op != NULL && strcmp(op, "OR") == 0, match;
	const char *key;
	json_t *value;
	size_t i;

	if (op == NULL) {
		json_object_foreach(filter, key, value)
		{
			if (!known->matches(c, thing, key, value))
				return false;
		}
		return true;
	}
	json_array_foreach(json_object_get(filter, "conditions"), i, value)
	{
		match = jmap_conditions_match(c, known, thing, value);
		if (is_or && match)
			return true;
		if (!is_or && match != (strcmp(op, "AND") == 0))
			return false;
	}
	return !is_or;
}
