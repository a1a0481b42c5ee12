/*
 * jmap/mailbox_query.c - Mailbox/query (RFC 8621, 2.3).
 */
#include "base/codec.h"
#include "base/str.h"
#include "jmap/condition.h"
#include "jmap/mailbox.h"

#include <stdlib.h>

enum { STATE_MAX = 1 << 20 };

/* --- filters ---------------------------------------------------------------
 */

static bool
is_text_or_null(json_t *value)
{
	return json_is_string(value) || json_is_null(value);
}

static bool
check_condition(struct jmap_call *c, const char *key, json_t *value)
{
	if (strcmp(key, "parentId") == 0 || strcmp(key, "role") == 0)
		return is_text_or_null(value) ||
		       jmap_error(c, "invalidArguments", key) == NULL;
	if (strcmp(key, "name") == 0)
		return json_is_string(value) ||
		       jmap_error(c, "invalidArguments", key) == NULL;
	if (strcmp(key, "hasAnyRole") == 0 || strcmp(key, "isSubscribed") == 0)
		return json_is_boolean(value) ||
		       jmap_error(c, "invalidArguments", key) == NULL;
	(void)jmap_error(c, "unsupportedFilter", key);
	return false;
}

static bool
is_text(json_t *value, const char *text)
{
	return text == NULL ? json_is_null(value)
			    : json_is_string(value) &&
				  strcmp(json_string_value(value), text) == 0;
}

static bool
matches_condition(
    struct jmap_call *c, void *thing, const char *key, json_t *value)
{
	struct catalog_box *box = thing;
	const char *name, *role = jmap_role(box);
	struct catalog_box *parent = jmap_box_parent(c, box, &name);
	const char *wanted = json_string_value(value);

	if (strcmp(key, "parentId") == 0) {
		wanted = jmap_real_id(c->q, wanted);
		return parent == NULL
			   ? json_is_null(value)
			   : wanted != NULL && strcmp(wanted, parent->id) == 0;
	}
	if (strcmp(key, "name") == 0)
		return str_find_case(str_of(jmap_box_name(box, name)),
			   str_of(wanted)) != SIZE_MAX;
	if (strcmp(key, "role") == 0)
		return is_text(value, role);
	if (strcmp(key, "hasAnyRole") == 0)
		return json_is_true(value) == (role != NULL);
	return json_is_true(value) == jmap_box_is_subscribed(box);
}

static const struct jmap_conditions conditions = { check_condition,
	matches_condition };

/* --- orders ----------------------------------------------------------------
 */

static bool
check_sort(struct jmap_call *c, json_t *sort)
{
	json_t *one;
	size_t i;

	if (sort != NULL && !json_is_null(sort) && !json_is_array(sort)) {
		(void)jmap_error(c, "invalidArguments", "sort");
		return false;
	}
	json_array_foreach(sort, i, one)
	{
		const char *by = json_string_value(
		    json_object_get(one, "property"));
		const char *collation = json_string_value(
		    json_object_get(one, "collation"));

		if (by == NULL) {
			(void)jmap_error(c, "invalidArguments", "sort");
			return false;
		}
		if ((strcmp(by, "sortOrder") != 0 && strcmp(by, "name") != 0) ||
		    (collation != NULL &&
			strcmp(collation, "i;ascii-casemap") != 0 &&
			strcmp(collation, "i;unicode-casemap") != 0)) {
			(void)jmap_error(c, "unsupportedSort", NULL);
			return false;
		}
	}
	return true;
}

struct sorting {
	struct jmap_call *c;
	json_t *sort;
	bool as_tree;
};

static int
compare_by(struct sorting *s, struct catalog_box *x, struct catalog_box *y)
{
	json_t *one;
	size_t i;

	json_array_foreach(s->sort, i, one)
	{
		const char *by = json_string_value(
		    json_object_get(one, "property"));
		const char *xn, *yn;
		int order;

		(void)jmap_box_parent(s->c, x, &xn);
		(void)jmap_box_parent(s->c, y, &yn);
		order = strcmp(by, "sortOrder") == 0
			    ? jmap_box_order(x) - jmap_box_order(y)
			    : str_cmp_case(str_of(jmap_box_name(x, xn)),
				  str_of(jmap_box_name(y, yn)));
		if (order != 0)
			return json_is_false(
				   json_object_get(one, "isAscending"))
				   ? -order
				   : order;
	}
	return strcmp(x->name, y->name);
}

static size_t
depth_of(struct jmap_call *c, struct catalog_box *box)
{
	const char *name;
	size_t n = 0;

	while ((box = jmap_box_parent(c, box, &name)) != NULL)
		n++;
	return n;
}

/* sortAsTree: those that are not siblings as their ancestors that are; who is
 * above comes first. */
static int
compare_boxes(const void *a, const void *b, void *arg)
{
	struct catalog_box *x = *(struct catalog_box *const *)a, *xp = x;
	struct catalog_box *y = *(struct catalog_box *const *)b, *yp = y;
	struct sorting *s = arg;
	size_t xd, yd;
	const char *name;

	if (!s->as_tree)
		return compare_by(s, x, y);
	xd = depth_of(s->c, x);
	yd = depth_of(s->c, y);
	for (size_t d = xd; d > yd; d--)
		xp = jmap_box_parent(s->c, xp, &name);
	for (size_t d = yd; d > xd; d--)
		yp = jmap_box_parent(s->c, yp, &name);
	if (xp == yp)
		return xd < yd ? -1 : xd > yd;
	for (;;) {
		struct catalog_box *xa = jmap_box_parent(s->c, xp, &name);
		struct catalog_box *ya = jmap_box_parent(s->c, yp, &name);

		if (xa == ya)
			return compare_by(s, xp, yp);
		xp = xa;
		yp = ya;
	}
}

/* --- the method ------------------------------------------------------------
 */

/* filterAsTree: all that is above must match, too. */
static bool
is_wanted(
    struct jmap_call *c, struct catalog_box *box, json_t *filter, bool as_tree)
{
	const char *name;

	if (filter == NULL)
		return true;
	while (
	    box != NULL && jmap_conditions_match(c, &conditions, box, filter)) {
		if (!as_tree)
			return true;
		box = jmap_box_parent(c, box, &name);
	}
	return box == NULL;
}

static json_t *
find_boxes(
    struct jmap_call *c, json_t *filter, bool filter_as_tree, struct sorting *s)
{
	size_t n = catalog_boxes(c->q->catalog), found = 0;
	struct catalog_box **boxes = mem_array(n + 1, sizeof(*boxes));
	json_t *ids = json_array();

	for (size_t i = 0; i < n; i++) {
		struct catalog_box *box = catalog_box(c->q->catalog, i);

		if (is_wanted(c, box, filter, filter_as_tree))
			boxes[found++] = box;
	}
	qsort_r(boxes, found, sizeof(struct catalog_box *), compare_boxes, s);
	for (size_t i = 0; i < found; i++)
		(void)json_array_append_new(ids, json_string(boxes[i]->id));
	free(boxes);
	return ids;
}

json_t *
jmap_mailbox_query(struct jmap_call *c)
{
	struct sorting s = { .c = c, .sort = json_object_get(c->args, "sort") };
	json_t *filter, *answer;
	struct buf state;
	bool as_tree;

	if (!jmap_get_object(c, "filter", &filter) ||
	    !jmap_get_bool(c, "sortAsTree", false, &s.as_tree) ||
	    !jmap_get_bool(c, "filterAsTree", false, &as_tree) ||
	    !check_sort(c, s.sort) ||
	    (filter != NULL && !jmap_conditions_check(c, &conditions, filter)))
		return c->error;
	buf_init(&state, STATE_MAX);
	jmap_mailbox_state(c, &state);
	(void)buf_putc(&state, '\0');
	answer = jmap_query_list(
	    c, find_boxes(c, filter, as_tree, &s), state.p);
	buf_fini(&state);
	return answer;
}

json_t *
jmap_query_changes_no(struct jmap_call *c)
{
	return jmap_error(c, "cannotCalculateChanges", NULL);
}
