/*
 * jmap/email_query.c - Email/query and Email/queryChanges (RFC 8621, 4.4 and
 * 4.5).
 */
#include "base/str.h"
#include "jmap/email.h"
#include "jmap/email_sort.h"

#include <stdlib.h>

enum { STATE_MAX = 1 << 20, KEY_MAX = 1 << 16 };

/* --- the result ------------------------------------------------------------
 */

/* One candidate for each message that matches. */
static struct jmap_candidate *
choose(const struct jmap_items *items, const bool *yes, size_t *n_r)
{
	struct jmap_candidate *v = mem_array(items->n + 1, sizeof(*v));
	bool *taken = mem_array(items->emails + 1, sizeof(*taken));

	*n_r = 0;
	for (size_t i = 0; i < items->n; i++) {
		uint32_t e = items->v[i].email;

		if ((yes != NULL && !yes[e]) || taken[e])
			continue;
		taken[e] = true;
		v[(*n_r)++].item = &items->v[i];
	}
	free(taken);
	return v;
}

/* The hits of candidates; collapseThreads: the first of each thread stays. */
static struct jmap_result *
take_hits(const struct jmap_candidate *v, size_t n, bool collapses)
{
	struct jmap_result *r = jmap_result_new(n);
	struct jmap_threads threads = { 0 };

	if (collapses)
		jmap_threads_init(&threads, n);
	for (size_t i = 0; i < n; i++) {
		const struct jmap_item *item = v[i].item;

		if (!collapses || jmap_threads_add(&threads,
				      item->box->entry[item->seq - 1].thread))
			r->hit[r->n++] = (struct jmap_hit){ item->box->hash,
				item->uid };
	}
	jmap_threads_fini(&threads);
	return r;
}

static struct jmap_result *
find_hits(struct jmap_call *c, json_t *filter, const struct jmap_sort *sort,
    size_t sort_n, bool collapses)
{
	struct jmap_items items;
	struct jmap_candidate *v;
	struct jmap_result *r;
	bool *yes = NULL;
	size_t n;

	jmap_items(c, jmap_filter_box(c, filter), &items);
	if (filter != NULL) {
		yes = mem_array(items.emails + 1, sizeof(*yes));
		if (!jmap_filter(c, &items, filter, yes)) {
			free(yes);
			jmap_items_fini(&items);
			return NULL;
		}
	}
	v = choose(&items, yes, &n);
	jmap_sort(c, v, n, sort, sort_n);
	r = take_hits(v, n, collapses);
	free(v);
	free(yes);
	jmap_items_fini(&items);
	return r;
}

/* --- the question ----------------------------------------------------------
 */

struct question {
	json_t *filter;
	bool collapses;
	struct jmap_sort sort[JMAP_SORTS];
	size_t sort_n;
	/* Of all that the result depends on, when these are only which messages
	 * are where; else 0. */
	uint64_t arranged;
	char *key; /* the same for the same question */
};

static void
question_fini(struct question *q)
{
	free(q->key);
}

/* NULL: the filter asks for more than the mailbox. */
static struct catalog_box *
only_box(struct jmap_call *c, json_t *filter)
{
	return json_object_size(filter) == 1 ? jmap_filter_box(c, filter)
					     : NULL;
}

static bool
is_steady(const struct question *q)
{
	for (size_t i = 0; i < q->sort_n; i++)
		if (q->sort[i].by >= JMAP_BY_KEYWORD)
			return false;
	return jmap_filter_is_steady(q->filter);
}

/* False: c->error. */
static bool
read_question(struct jmap_call *c, struct question *q)
{
	struct catalog_box *box;
	json_t *all;

	memset(q, 0, sizeof(*q));
	if (!jmap_get_object(c, "filter", &q->filter) ||
	    !jmap_get_bool(c, "collapseThreads", false, &q->collapses) ||
	    !jmap_sort_parse(c, q->sort, &q->sort_n))
		return false;
	box = jmap_filter_box(c, q->filter);
	if (is_steady(q))
		q->arranged = box != NULL ? box->arranged
					  : catalog_arranged(c->q->catalog);
	all = json_pack("[O?, O?, b]", q->filter,
	    json_object_get(c->args, "sort"), (int)q->collapses);
	q->key = json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(all);
	return true;
}

static void
query_state(struct jmap_call *c, char id_r[JMAP_ID])
{
	struct buf state;

	buf_init(&state, STATE_MAX);
	catalog_state(c->q->catalog, &state);
	jmap_make_id("Q", buf_str(&state), id_r);
	buf_fini(&state);
}

/* The list of one mailbox by time; NULL: it is something else. */
static struct jmap_result *
plain_list(struct jmap_call *c, const struct question *q, uint32_t *uidnext_r)
{
	struct catalog_box *box = only_box(c, q->filter);
	struct jmap_result *old, *r = NULL;
	uint32_t from;

	if (box == NULL || box->doubles > 0 || q->sort_n != 1 ||
	    q->sort[0].by != JMAP_BY_RECEIVED)
		return NULL;
	old = jmap_results_older(c->q->catalog, q->key, box, &from);
	if (old != NULL)
		r = jmap_list_more(c->q->catalog, box, old, from,
		    q->sort[0].descends, q->collapses);
	if (r == NULL)
		r = jmap_list_box(box, q->sort[0].descends, q->collapses);
	*uidnext_r = box->uidnext;
	return r;
}

/* NULL: c->error. */
static struct jmap_result *
answer_question(
    struct jmap_call *c, const struct question *q, const char *state)
{
	struct jmap_result *r;
	uint32_t uidnext = 0;

	r = jmap_results_find(c->q->catalog, q->key, state, q->arranged);
	if (r != NULL)
		return r;
	r = plain_list(c, q, &uidnext);
	if (r == NULL)
		r = find_hits(c, q->filter, q->sort, q->sort_n, q->collapses);
	/* What a creation id stands for is another one next time. */
	if (r != NULL && strlen(q->key) <= KEY_MAX &&
	    strstr(q->key, "\"#") == NULL)
		jmap_results_keep(
		    c->q->catalog, q->key, state, q->arranged, uidnext, r);
	return r;
}

/* --- query -----------------------------------------------------------------
 */

struct placing {
	struct catalog *catalog;
	const struct jmap_result *result;
};

static int64_t
place_of(void *arg, const char *id)
{
	const struct placing *p = arg;

	return jmap_result_place(p->catalog, p->result, id);
}

static json_t *
answer_window(struct jmap_call *c, const struct jmap_result *r,
    const char *state, bool collapses)
{
	struct placing placing = { c->q->catalog, r };
	struct jmap_window w;
	json_t *ids, *answer;

	if (!jmap_query_window(c, r->n, place_of, &placing, &w))
		return c->error;
	ids = json_array();
	for (size_t i = w.start; i < w.end; i++)
		(void)json_array_append_new(
		    ids, json_string(jmap_hit_id(c->q->catalog, &r->hit[i])));
	answer = jmap_query_answer(c, &w, r->n, ids, state, true);
	(void)json_object_set_new(
	    answer, "collapseThreads", json_boolean(collapses));
	return answer;
}

json_t *
jmap_email_query(struct jmap_call *c)
{
	char state[JMAP_ID];
	struct jmap_result *r;
	struct question q;
	json_t *answer = NULL;

	if (!read_question(c, &q))
		return c->error;
	query_state(c, state);
	r = answer_question(c, &q, state);
	if (r != NULL)
		answer = answer_window(c, r, state, q.collapses);
	jmap_result_unref(r);
	question_fini(&q);
	return answer != NULL ? answer : c->error;
}

/* --- queryChanges ----------------------------------------------------------
 */

/* NULL: c->error. */
static json_t *
compare_with(struct jmap_call *c, const struct question *q, const char *since,
    const char *state, const struct jmap_result *now)
{
	json_t *removed = json_array(), *added = json_array();
	struct jmap_result *old = jmap_results_find(
	    c->q->catalog, q->key, since, 0);
	bool ok = old != NULL &&
		  jmap_results_compare(c->q->catalog, old, now, removed, added);

	jmap_result_unref(old);
	if (!ok) {
		json_decref(removed);
		json_decref(added);
		(void)jmap_error(c, "cannotCalculateChanges", NULL);
		return NULL;
	}
	return json_pack("{s:s, s:s, s:s, s:o, s:o}", "accountId",
	    c->q->account, "oldQueryState", since, "newQueryState", state,
	    "removed", removed, "added", added);
}

static json_t *
query_changes(struct jmap_call *c, const struct question *q, const char *since)
{
	char state[JMAP_ID];
	struct jmap_result *now;
	json_t *answer = NULL;
	bool total;
	int64_t most;

	if (!jmap_get_bool(c, "calculateTotal", false, &total) ||
	    !jmap_get_number(c, "maxChanges", INT64_MAX >> 11, &most) ||
	    most < 0)
		return c->error != NULL
			   ? c->error
			   : jmap_error(c, "invalidArguments", NULL);
	query_state(c, state);
	now = answer_question(c, q, state);
	if (now != NULL)
		answer = compare_with(c, q, since, state, now);
	if (answer != NULL && total)
		(void)json_object_set_new(
		    answer, "total", json_integer((json_int_t)now->n));
	jmap_result_unref(now);
	if (answer == NULL)
		return c->error;
	if (json_array_size(json_object_get(answer, "removed")) +
		json_array_size(json_object_get(answer, "added")) >
	    (uint64_t)most) {
		json_decref(answer);
		return jmap_error(c, "tooManyChanges", NULL);
	}
	return answer;
}

json_t *
jmap_email_query_changes(struct jmap_call *c)
{
	const char *since, *up_to;
	struct question q;
	json_t *answer;

	/* upToId may be passed over (RFC 8620, 5.6). */
	if (!jmap_get_text(c, "sinceQueryState", &since) ||
	    !jmap_get_text(c, "upToId", &up_to))
		return c->error;
	if (since == NULL)
		return jmap_error(c, "invalidArguments", NULL);
	if (!read_question(c, &q))
		return c->error;
	answer = query_changes(c, &q, since);
	question_fini(&q);
	return answer;
}
