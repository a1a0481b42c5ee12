/*
 * jmap/filter.c - see filter.h.
 */
#include "jmap/filter_priv.h"

#include "base/str.h"
#include "jmap/email.h"
#include "jmap/email_sort.h"

#include <stdlib.h>

enum { ROWS = 1024, DEPTH = 20 };

/* --- the messages ----------------------------------------------------------
 */

static void
add_box(struct jmap_items *items, struct catalog_box *box)
{
	struct pst_row *rows = mem_array(ROWS, sizeof(*rows));

	mem_grow(
	    &items->v, &items->cap, items->n + box->n + 1, sizeof(*items->v));
	for (size_t at = 0; at < box->n; at += ROWS) {
		size_t k = box->n - at < ROWS ? box->n - at : ROWS;

		view_rows(box->view, (uint32_t)(at + 1), k, rows);
		for (size_t i = 0; i < k; i++) {
			if (!catalog_shows(&rows[i]) ||
			    box->entry[at + i].id[0] == '\0')
				continue;
			items->v[items->n++] = (struct jmap_item){ .box = box,
				.seq = (uint32_t)(at + i + 1),
				.uid = rows[i].uid,
				.row = rows[i] };
		}
	}
	free(rows);
}

static const char *
id_of(const struct jmap_item *item)
{
	return item->box->entry[item->seq - 1].id;
}

static int
compare_ids(const void *a, const void *b)
{
	return strcmp(id_of(*(struct jmap_item *const *)a),
	    id_of(*(struct jmap_item *const *)b));
}

/* The same message in several mailboxes has one number. Within one mailbox each
 * is one, but for copies in the same place. */
static void
number_emails(struct jmap_items *items)
{
	struct jmap_item **by = mem_array(items->n + 1, sizeof(*by));

	for (size_t i = 0; i < items->n; i++)
		by[i] = &items->v[i];
	qsort(by, items->n, sizeof(struct jmap_item *), compare_ids);
	for (size_t i = 0; i < items->n; i++) {
		if (i > 0 && strcmp(id_of(by[i]), id_of(by[i - 1])) == 0)
			by[i]->email = by[i - 1]->email;
		else
			by[i]->email = (uint32_t)items->emails++;
	}
	free(by);
}

void
jmap_items(
    struct jmap_call *c, struct catalog_box *only, struct jmap_items *items_r)
{
	memset(items_r, 0, sizeof(*items_r));
	for (size_t k = 0; k < catalog_boxes(c->q->catalog); k++) {
		struct catalog_box *box = catalog_box(c->q->catalog, k);

		if (only == NULL || box == only)
			add_box(items_r, box);
	}
	if (only == NULL || only->doubles > 0) {
		number_emails(items_r);
		return;
	}
	for (size_t i = 0; i < items_r->n; i++)
		items_r->v[i].email = (uint32_t)i;
	items_r->emails = items_r->n;
}

void
jmap_items_fini(struct jmap_items *items)
{
	free(items->v);
	memset(items, 0, sizeof(*items));
}

/* Does the filter have one of these keys somewhere? */
static bool
mentions(json_t *filter, const char *const *keys, unsigned depth)
{
	json_t *one;
	size_t i;

	if (depth > DEPTH)
		return true; /* it will be refused */
	for (i = 0; keys[i] != NULL; i++)
		if (json_object_get(filter, keys[i]) != NULL)
			return true;
	json_array_foreach(json_object_get(filter, "conditions"), i, one)
	{
		if (mentions(one, keys, depth + 1))
			return true;
	}
	return false;
}

bool
jmap_filter_is_steady(json_t *filter)
{
	static const char *const keys[] = { "hasKeyword", "notKeyword",
		"allInThreadHaveKeyword", "someInThreadHaveKeyword",
		"noneInThreadHaveKeyword", NULL };

	return !mentions(filter, keys, 0);
}

static struct catalog_box *
box_of(struct jmap_call *c, json_t *filter, unsigned depth)
{
	const char *op = json_string_value(json_object_get(filter, "operator"));
	const char *in = json_string_value(
	    json_object_get(filter, "inMailbox"));
	json_t *one;
	size_t i;

	if (op == NULL) {
		in = jmap_real_id(c->q, in);
		return in != NULL ? catalog_find_box(c->q->catalog, str_of(in))
				  : NULL;
	}
	if (strcmp(op, "AND") != 0 || depth > DEPTH)
		return NULL;
	json_array_foreach(json_object_get(filter, "conditions"), i, one)
	{
		struct catalog_box *box = box_of(c, one, depth + 1);

		if (box != NULL)
			return box;
	}
	return NULL;
}

struct catalog_box *
jmap_filter_box(struct jmap_call *c, json_t *filter)
{
	/* The other mailboxes of a message are to be seen, too. */
	static const char *const keys[] = { "inMailboxOtherThan", NULL };

	return mentions(filter, keys, 0) ? NULL : box_of(c, filter, 0);
}

/* --- conditions ------------------------------------------------------------
 */

bool
jmap_unsupported(struct filtering *f, const char *what)
{
	(void)jmap_error(f->c, "unsupportedFilter", what);
	return false;
}

static bool
in_mailbox(struct filtering *f, json_t *value, bool *yes)
{
	const char *id = jmap_real_id(f->c->q, json_string_value(value));

	if (!json_is_string(value))
		return jmap_unsupported(f, "inMailbox");
	for (size_t i = 0; i < f->items->n && id != NULL; i++)
		if (strcmp(f->items->v[i].box->id, id) == 0)
			yes[f->items->v[i].email] = true;
	return true;
}

/* There is a mailbox that is not one of these. */
static bool
in_other_than(struct filtering *f, json_t *value, bool *yes)
{
	json_t *item, *set = json_object();
	size_t i;

	json_array_foreach(value, i, item)
	{
		const char *id = jmap_real_id(f->c->q, json_string_value(item));

		if (id != NULL)
			(void)json_object_set_new(set, id, json_true());
	}
	for (i = 0; i < f->items->n; i++)
		if (json_object_get(set, f->items->v[i].box->id) == NULL)
			yes[f->items->v[i].email] = true;
	json_decref(set);
	return json_is_array(value) ||
	       jmap_unsupported(f, "inMailboxOtherThan");
}

static bool
by_date(struct filtering *f, json_t *value, bool before, bool *yes)
{
	const char *text = json_string_value(value);
	int64_t at;

	if (text == NULL || !jmap_parse_date(text, &at))
		return jmap_unsupported(f, before ? "before" : "after");
	for (size_t i = 0; i < f->items->n; i++) {
		const struct jmap_item *item = &f->items->v[i];

		yes[item->email] = before ? item->row.internal_date < at
					  : item->row.internal_date >= at;
	}
	return true;
}

static bool
by_size(struct filtering *f, json_t *value, bool least, bool *yes)
{
	uint64_t size = (uint64_t)json_integer_value(value);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return jmap_unsupported(f, least ? "minSize" : "maxSize");
	for (size_t i = 0; i < f->items->n; i++) {
		const struct jmap_item *item = &f->items->v[i];

		yes[item->email] = least ? item->row.size >= size
					 : item->row.size < size;
	}
	return true;
}

/* All its places have a say, also those that are not looked at. */
static bool
email_has_keyword(
    struct jmap_call *c, const struct jmap_item *item, const char *keyword)
{
	struct catalog_place place[JMAP_PLACES];
	size_t n = catalog_find(
	    c->q->catalog, str_of(id_of(item)), place, JMAP_PLACES);

	return jmap_has_keyword(
	    place, n < JMAP_PLACES ? n : JMAP_PLACES, keyword);
}

static bool
by_keyword(struct filtering *f, json_t *value, bool wanted, bool *yes)
{
	const char *keyword = json_string_value(value);
	bool copies, *done;

	if (keyword == NULL)
		return jmap_unsupported(
		    f, wanted ? "hasKeyword" : "notKeyword");
	copies = catalog_has_copies(f->c->q->catalog);
	done = mem_array(f->items->emails + 1, sizeof(*done));
	for (size_t i = 0; i < f->items->n; i++) {
		const struct jmap_item *item = &f->items->v[i];

		if (done[item->email])
			continue; /* another place of it */
		done[item->email] = true;
		yes[item->email] = copies
				       ? email_has_keyword(f->c, item, keyword)
				       : jmap_row_has_keyword(
					     item->box, &item->row, keyword);
	}
	free(done);
	for (size_t e = 0; e < f->items->emails && !wanted; e++)
		yes[e] = !yes[e];
	return true;
}

/* Those with one of `wanted`; 0: those without JMAP_THREAD_SOME. */
static bool
by_thread(struct filtering *f, json_t *value, unsigned wanted, bool *yes)
{
	const char *keyword = json_string_value(value);
	struct jmap_thread_keyword t;

	if (keyword == NULL)
		return jmap_unsupported(f, "a keyword in the thread");
	jmap_thread_keyword_init(&t, f->c->q->catalog, keyword, f->items->n);
	for (size_t i = 0; i < f->items->n; i++) {
		const struct jmap_item *item = &f->items->v[i];
		unsigned found = jmap_thread_keyword(
		    &t, item->box->entry[item->seq - 1].thread);

		yes[item->email] = wanted != 0
				       ? (found & wanted) != 0
				       : (found & JMAP_THREAD_SOME) == 0;
	}
	jmap_thread_keyword_fini(&t);
	return true;
}

/* --- all of it -------------------------------------------------------------
 */

static bool
condition(struct filtering *f, const char *key, json_t *value, bool *yes)
{
	static const struct {
		const char *key;
		enum jmap_field field;
	} fields[] = {
		{ "from", JMAP_FROM },
		{ "to", JMAP_TO },
		{ "cc", JMAP_CC },
		{ "bcc", JMAP_BCC },
		{ "subject", JMAP_SUBJECT },
		{ "hasAttachment", JMAP_ATTACHMENT },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strcmp(key, fields[i].key) == 0)
			return jmap_filter_by_field(
			    f, fields[i].field, value, yes);
	if (strcmp(key, "inMailbox") == 0)
		return in_mailbox(f, value, yes);
	if (strcmp(key, "inMailboxOtherThan") == 0)
		return in_other_than(f, value, yes);
	if (strcmp(key, "before") == 0 || strcmp(key, "after") == 0)
		return by_date(f, value, key[0] == 'b', yes);
	if (strcmp(key, "minSize") == 0 || strcmp(key, "maxSize") == 0)
		return by_size(f, value, key[1] == 'i', yes);
	if (strcmp(key, "hasKeyword") == 0 || strcmp(key, "notKeyword") == 0)
		return by_keyword(f, value, key[0] == 'h', yes);
	if (strcmp(key, "allInThreadHaveKeyword") == 0)
		return by_thread(f, value, JMAP_THREAD_ALL, yes);
	if (strcmp(key, "someInThreadHaveKeyword") == 0)
		return by_thread(f, value, JMAP_THREAD_SOME, yes);
	if (strcmp(key, "noneInThreadHaveKeyword") == 0)
		return by_thread(f, value, 0, yes);
	if (strcmp(key, "text") == 0)
		return jmap_filter_by_text(f, value, true, yes);
	if (strcmp(key, "body") == 0)
		return jmap_filter_by_text(f, value, false, yes);
	if (strcmp(key, "header") == 0)
		return jmap_filter_by_header(f, value, yes);
	return jmap_unsupported(f, key);
}

static bool evaluate(
    struct filtering *f, json_t *filter, unsigned depth, bool *yes);

/* `yes` becomes the conjunction, or with `any` the disjunction, with `one`. */
static void
join(size_t n, bool any, const bool *one, bool *yes)
{
	for (size_t e = 0; e < n; e++)
		yes[e] = any ? yes[e] || one[e] : yes[e] && one[e];
}

static bool
evaluate_operator(struct filtering *f, const char *op, json_t *conditions,
    unsigned depth, bool *yes)
{
	bool any = strcmp(op, "AND") != 0, ok = true;
	bool *one;
	json_t *item;
	size_t i, n = f->items->emails;

	if ((any && strcmp(op, "OR") != 0 && strcmp(op, "NOT") != 0) ||
	    !json_is_array(conditions))
		return jmap_unsupported(f, "operator");
	one = mem_array(n + 1, sizeof(*one));
	for (size_t e = 0; e < n; e++)
		yes[e] = !any;
	json_array_foreach(conditions, i, item)
	{
		ok = ok && evaluate(f, item, depth + 1, one);
		join(n, any, one, yes);
	}
	for (size_t e = 0; e < n && strcmp(op, "NOT") == 0; e++)
		yes[e] = !yes[e];
	free(one);
	return ok;
}

static bool
evaluate(struct filtering *f, json_t *filter, unsigned depth, bool *yes)
{
	const char *op = json_string_value(json_object_get(filter, "operator"));
	size_t n = f->items->emails;
	bool *one, ok = true;
	const char *key;
	json_t *value;

	if (!json_is_object(filter) || depth > DEPTH)
		return jmap_unsupported(f, "filter");
	if (op != NULL)
		return evaluate_operator(
		    f, op, json_object_get(filter, "conditions"), depth, yes);
	one = mem_array(n + 1, sizeof(*one));
	for (size_t e = 0; e < n; e++)
		yes[e] = true;
	json_object_foreach(filter, key, value)
	{
		memset(one, 0, n * sizeof(*one));
		ok = ok && condition(f, key, value, one);
		join(n, false, one, yes);
	}
	free(one);
	return ok;
}

bool
jmap_filter(struct jmap_call *c, const struct jmap_items *items, json_t *filter,
    bool *yes)
{
	struct filtering f = { c, items };

	return evaluate(&f, filter, 0, yes);
}

bool
jmap_filter_check(struct jmap_call *c, json_t *filter)
{
	const struct jmap_items none = { 0 };
	bool yes;

	return jmap_filter(c, &none, filter, &yes);
}
