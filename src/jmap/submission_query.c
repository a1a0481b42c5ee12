/*
 * jmap/submission_query.c - EmailSubmission/query (RFC 8621, 7.3).
 */
#include "base/str.h"
#include "jmap/account.h"
#include "jmap/condition.h"
#include "jmap/outbox.h"

#include <stdlib.h>

enum { SORTS = 8 };

/* --- filters ---------------------------------------------------------------
 */

static const struct {
	const char *key, *property;
} lists[] = {
	{ "identityIds", "identityId" },
	{ "emailIds", "emailId" },
	{ "threadIds", "threadId" },
};
enum { LISTS = sizeof(lists) / sizeof(lists[0]) };

static bool
check_condition(struct jmap_call *c, const char *key, json_t *value)
{
	int64_t at;

	for (size_t i = 0; i < LISTS; i++)
		if (strcmp(key, lists[i].key) == 0)
			return json_is_array(value) ||
			       jmap_error(c, "invalidArguments", key) == NULL;
	if (strcmp(key, "undoStatus") == 0)
		return json_is_string(value) ||
		       jmap_error(c, "invalidArguments", key) == NULL;
	if (strcmp(key, "before") == 0 || strcmp(key, "after") == 0)
		return (json_is_string(value) &&
			   jmap_parse_date(json_string_value(value), &at)) ||
		       jmap_error(c, "invalidArguments", key) == NULL;
	(void)jmap_error(c, "unsupportedFilter", key);
	return false;
}

static bool
is_listed(struct jmap_call *c, json_t *list, const char *text)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		const char *id = jmap_real_id(c->q, json_string_value(item));

		if (id != NULL && text != NULL && strcmp(id, text) == 0)
			return true;
	}
	return false;
}

static bool
matches_condition(
    struct jmap_call *c, void *thing, const char *key, json_t *value)
{
	json_t *submission = thing;
	const char *send = json_string_value(
	    json_object_get(submission, "sendAt"));
	int64_t at = 0, wanted = 0;

	for (size_t i = 0; i < LISTS; i++)
		if (strcmp(key, lists[i].key) == 0)
			return is_listed(c, value,
			    json_string_value(json_object_get(
				submission, lists[i].property)));
	if (strcmp(key, "undoStatus") == 0)
		return json_equal(
		    value, json_object_get(submission, "undoStatus"));
	if (send == NULL || !jmap_parse_date(send, &at) ||
	    !jmap_parse_date(json_string_value(value), &wanted))
		return false;
	return strcmp(key, "before") == 0 ? at < wanted : at >= wanted;
}

static const struct jmap_conditions conditions = { check_condition,
	matches_condition };

/* --- orders ----------------------------------------------------------------
 */

struct order {
	size_t n;
	const char *property[SORTS];
	bool descends[SORTS];
};

/* Without any: the last one first. */
static bool
read_sort(struct jmap_call *c, struct order *o)
{
	static const struct {
		const char *by, *property;
	} known[] = { { "emailId", "emailId" }, { "threadId", "threadId" },
		{ "sentAt", "sendAt" } };
	json_t *sort = json_object_get(c->args, "sort"), *one;
	size_t i, k;

	memset(o, 0, sizeof(*o));
	if (sort != NULL && !json_is_null(sort) && !json_is_array(sort)) {
		(void)jmap_error(c, "invalidArguments", "sort");
		return false;
	}
	json_array_foreach(sort, i, one)
	{
		const char *by = json_string_value(
		    json_object_get(one, "property"));

		if (by == NULL) {
			(void)jmap_error(c, "invalidArguments", "sort");
			return false;
		}
		for (k = 0; k < 3 && strcmp(by, known[k].by) != 0;)
			k++;
		if (k == 3 || o->n == SORTS) {
			(void)jmap_error(c, "unsupportedSort", by);
			return false;
		}
		o->property[o->n] = known[k].property;
		o->descends[o->n++] = json_is_false(
		    json_object_get(one, "isAscending"));
	}
	if (o->n == 0) {
		o->property[o->n] = "sendAt";
		o->descends[o->n++] = true;
	}
	return true;
}

struct found {
	char *id;
	json_t *submission;
};

static int
compare(const void *a, const void *b, void *arg)
{
	const struct found *x = a, *y = b;
	const struct order *o = arg;

	for (size_t i = 0; i < o->n; i++) {
		const char *p = json_string_value(
		    json_object_get(x->submission, o->property[i]));
		const char *q = json_string_value(
		    json_object_get(y->submission, o->property[i]));
		int order = strcmp(p != NULL ? p : "", q != NULL ? q : "");

		if (order != 0)
			return o->descends[i] ? -order : order;
	}
	return strcmp(x->id, y->id);
}

/* --- the method ------------------------------------------------------------
 */

struct querying {
	struct jmap_call *c;
	json_t *filter;
	struct found *v;
	size_t n, cap;
};

static void
query_one(void *arg, const char *id, json_t *submission)
{
	struct querying *w = arg;

	if (w->filter != NULL &&
	    !jmap_conditions_match(w->c, &conditions, submission, w->filter))
		return;
	mem_grow(&w->v, &w->cap, w->n + 1, sizeof(*w->v));
	w->v[w->n++] = (struct found){ str_dup(str_of(id)),
		json_incref(submission) };
}

json_t *
jmap_submission_query(struct jmap_call *c)
{
	struct querying w = { .c = c };
	json_t *ids = NULL, *answer;
	struct order order;
	struct buf state;

	if (!jmap_get_object(c, "filter", &w.filter) || !read_sort(c, &order) ||
	    (w.filter != NULL &&
		!jmap_conditions_check(c, &conditions, w.filter)))
		return c->error;
	jmap_outbox_each(c->q->cfg, c->q->account, query_one, &w);
	if (w.n > 0)
		qsort_r(w.v, w.n, sizeof(*w.v), compare, &order);
	ids = json_array();
	for (size_t i = 0; i < w.n; i++) {
		(void)json_array_append_new(ids, json_string(w.v[i].id));
		free(w.v[i].id);
		json_decref(w.v[i].submission);
	}
	free(w.v);
	buf_init(&state, JMAP_ID + 1);
	jmap_submission_state(c, &state);
	(void)buf_putc(&state, '\0');
	answer = jmap_query_list(c, ids, state.p);
	buf_fini(&state);
	return answer;
}
