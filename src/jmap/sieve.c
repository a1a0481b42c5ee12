/*
 * jmap/sieve.c - SieveScript/get and /query (RFC 9661, 2.3, 2.5), and what the
 * other methods need.
 */
#include "jmap/sieve.h"

#include "base/str.h"
#include "jmap/condition.h"
#include "jmap/email.h"

#include <stdlib.h>

enum { STATE_MAX = 1 << 20 };

#define BLOB 'S' /* in front of the id of a text */

json_t *
jmap_sieve_capability(const struct config *cfg)
{
	struct sieve_limits limits = sieve_limits_of(cfg);
	const char *const *name = sieve_extensions();
	json_t *extensions = json_array();

	for (; *name != NULL; name++)
		(void)json_array_append_new(extensions, json_string(*name));
	return json_pack("{s:i, s:I, s:I, s:i, s:o, s:n, s:n}",
	    "maxSizeScriptName", SIEVE_NAME, "maxSizeScript",
	    (json_int_t)limits.script_size, "maxNumberScripts",
	    (json_int_t)cfg->sieve.scripts, "maxNumberRedirects",
	    (int)limits.redirects, "sieveExtensions", extensions,
	    "notificationMethods", "externalLists");
}

/* --- blobs and states ------------------------------------------------------
 */

void
jmap_sieve_blob_id(const struct sieve_entry *entry, char id_r[JMAP_ID])
{
	(void)snprintf(id_r, JMAP_ID, "%c%s", BLOB, entry->text_id);
}

static bool
is_text_id(const char *id)
{
	size_t n = strlen(id);

	for (size_t i = 0; i < n; i++)
		if (!ascii_is_alpha(id[i]) && !ascii_is_digit(id[i]))
			return false;
	return n > 0 && n < SIEVE_ID;
}

bool
jmap_sieve_blob(struct jmap_call *c, const char *id, struct buf *out)
{
	struct pst_error err = { 0 };

	return id[0] == BLOB && is_text_id(id + 1) &&
	       sieve_text(catalog_account(c->q->catalog), id + 1, out, &err) ==
		   PST_OK;
}

void
jmap_sieve_state(struct jmap_call *c, struct buf *out)
{
	struct pst_error err = { 0 };
	struct sieve_list list;
	char id[JMAP_ID];
	struct buf all;

	buf_init(&all, STATE_MAX);
	/* What cannot be read now is as good as nothing. */
	(void)sieve_list(catalog_account(c->q->catalog), &list, &err);
	for (size_t i = 0; i < list.n; i++)
		(void)buf_printf(&all, "%s %s %d %s\n", list.v[i].id,
		    list.v[i].text_id, (int)list.v[i].is_active,
		    list.v[i].name);
	jmap_make_id("S", buf_str(&all), id);
	(void)buf_puts(out, id);
	sieve_list_fini(&list);
	buf_fini(&all);
}

/* --- scripts ---------------------------------------------------------------
 */

json_t *
jmap_sieve_problem(const struct sieve_problem *problem)
{
	json_t *error = jmap_set_error("invalidSieve", NULL, NULL);
	struct buf text;

	buf_init(&text, sizeof(problem->text) + 32);
	if (problem->line > 0)
		(void)buf_printf(&text, "line %u: ", problem->line);
	(void)buf_puts(&text, problem->text);
	(void)json_object_set_new(error, "description", jmap_text(&text));
	buf_fini(&text);
	return error;
}

static json_t *
no_blob(const char *id)
{
	json_t *error = jmap_set_error("blobNotFound", NULL, NULL);

	(void)json_object_set_new(error, "notFound", json_pack("[s]", id));
	return error;
}

json_t *
jmap_sieve_read(struct jmap_call *c, const char *id, struct buf *text,
    struct sieve_script **script_r)
{
	struct sieve_limits limits = sieve_limits_of(c->q->cfg);
	const char *real = jmap_real_id(c->q, id);
	struct sieve_problem problem = { 0 };
	char type[128];

	*script_r = NULL;
	if (real == NULL || !jmap_blob(c, real, text, type))
		return no_blob(id);
	if (text->n > limits.script_size)
		return jmap_set_error("tooLarge", NULL, NULL);
	*script_r = sieve_compile(buf_str(text), &limits, &problem);
	return *script_r != NULL ? NULL : jmap_sieve_problem(&problem);
}

/* --- get -------------------------------------------------------------------
 */

/* Methods get a call and no more, and run one at a time in a thread. */
static _Thread_local const struct sieve_list *now;

static json_t *
get_script(struct jmap_call *c, const char *id, json_t *properties)
{
	const struct sieve_entry *entry = sieve_list_find_id(now, id);
	char blob[JMAP_ID];
	json_t *object;

	(void)c;
	if (entry == NULL)
		return NULL;
	object = json_pack("{s:s}", "id", entry->id);
	if (jmap_wants(properties, "name"))
		(void)json_object_set_new(
		    object, "name", jmap_str(str_of(entry->name)));
	jmap_sieve_blob_id(entry, blob);
	if (jmap_wants(properties, "blobId"))
		(void)json_object_set_new(object, "blobId", json_string(blob));
	if (jmap_wants(properties, "isActive"))
		(void)json_object_set_new(
		    object, "isActive", json_boolean(entry->is_active));
	return object;
}

static void
all_scripts(struct jmap_call *c, json_t *ids)
{
	(void)c;
	for (size_t i = 0; i < now->n; i++)
		(void)json_array_append_new(ids, json_string(now->v[i].id));
}

static bool
knows_script(const char *name)
{
	static const char *const known[] = { "id", "name", "blobId",
		"isActive" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i]) == 0)
			return true;
	return false;
}

json_t *
jmap_sieve_get(struct jmap_call *c)
{
	static const struct jmap_getter getter = { .state = jmap_sieve_state,
		.one = get_script,
		.all = all_scripts,
		.knows = knows_script };
	struct pst_error err = { 0 };
	struct sieve_list list;
	json_t *answer;

	if (sieve_list(catalog_account(c->q->catalog), &list, &err) == PST_OK) {
		now = &list;
		answer = jmap_get(c, &getter);
		now = NULL;
	} else {
		answer = jmap_failed(c, &err);
	}
	sieve_list_fini(&list);
	return answer;
}

/* For those who ask for what a push told them of. */
json_t *
jmap_sieve_changes(struct jmap_call *c)
{
	return jmap_no_changes(c, jmap_sieve_state);
}

/* --- query -----------------------------------------------------------------
 */

static bool
check_condition(struct jmap_call *c, const char *key, json_t *value)
{
	if (strcmp(key, "name") == 0)
		return json_is_string(value) ||
		       jmap_error(c, "invalidArguments", key) == NULL;
	if (strcmp(key, "isActive") == 0)
		return json_is_boolean(value) ||
		       jmap_error(c, "invalidArguments", key) == NULL;
	(void)jmap_error(c, "unsupportedFilter", key);
	return false;
}

static bool
matches_condition(
    struct jmap_call *c, void *thing, const char *key, json_t *value)
{
	const struct sieve_entry *entry = thing;

	(void)c;
	if (strcmp(key, "name") == 0)
		return str_find_case(str_of(entry->name),
			   str_of(json_string_value(value))) != SIZE_MAX;
	return json_is_true(value) == entry->is_active;
}

static const struct jmap_conditions conditions = { check_condition,
	matches_condition };

static bool
is_collation(json_t *value)
{
	const char *name = json_string_value(value);

	return value == NULL || json_is_null(value) ||
	       (name != NULL && (strcmp(name, "i;ascii-casemap") == 0 ||
				    strcmp(name, "i;unicode-casemap") == 0));
}

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

		if (by == NULL) {
			(void)jmap_error(c, "invalidArguments", "sort");
			return false;
		}
		if ((strcmp(by, "name") != 0 && strcmp(by, "isActive") != 0) ||
		    !is_collation(json_object_get(one, "collation"))) {
			(void)jmap_error(c, "unsupportedSort", NULL);
			return false;
		}
	}
	return true;
}

/* What is not said is by name, as octets. */
static int
compare_scripts(const void *a, const void *b, void *sort)
{
	const struct sieve_entry *x = *(const struct sieve_entry *const *)a;
	const struct sieve_entry *y = *(const struct sieve_entry *const *)b;
	json_t *one;
	size_t i;

	json_array_foreach((json_t *)sort, i, one)
	{
		const char *by = json_string_value(
		    json_object_get(one, "property"));
		int order = strcmp(by, "isActive") == 0
				? (int)x->is_active - (int)y->is_active
				: str_cmp_case(
				      str_of(x->name), str_of(y->name));

		if (order != 0)
			return json_is_false(
				   json_object_get(one, "isAscending"))
				   ? -order
				   : order;
	}
	return strcmp(x->name, y->name);
}

static json_t *
find_scripts(struct jmap_call *c, const struct sieve_list *list, json_t *filter,
    json_t *sort)
{
	struct sieve_entry **found = mem_array(list->n + 1, sizeof(*found));
	json_t *ids = json_array();
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		if (filter == NULL ||
		    jmap_conditions_match(c, &conditions, &list->v[i], filter))
			found[n++] = &list->v[i];
	qsort_r(found, n, sizeof(struct sieve_entry *), compare_scripts, sort);
	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(ids, json_string(found[i]->id));
	free(found);
	return ids;
}

json_t *
jmap_sieve_query(struct jmap_call *c)
{
	json_t *filter, *sort = json_object_get(c->args, "sort"), *answer;
	struct pst_error err = { 0 };
	struct sieve_list list;
	struct buf state;

	if (!jmap_get_object(c, "filter", &filter) || !check_sort(c, sort) ||
	    (filter != NULL && !jmap_conditions_check(c, &conditions, filter)))
		return c->error;
	buf_init(&state, JMAP_ID);
	if (sieve_list(catalog_account(c->q->catalog), &list, &err) == PST_OK) {
		jmap_sieve_state(c, &state);
		(void)buf_putc(&state, '\0');
		answer = jmap_query_list(
		    c, find_scripts(c, &list, filter, sort), state.p);
	} else {
		answer = jmap_failed(c, &err);
	}
	sieve_list_fini(&list);
	buf_fini(&state);
	return answer;
}
