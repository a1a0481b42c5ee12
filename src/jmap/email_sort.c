/*
 * jmap/email_sort.c - see email_sort.h.
 */
#include "jmap/email_sort.h"

#include "base/str.h"
#include "jmap/email.h"
#include "jmap/listing.h"
#include "message/content.h"
#include "message/header.h"

#include <stdlib.h>

enum { TEXTS_MAX = 256 << 20, TEXT_MAX = 1024 }; /* octets: of all, of one */

/* --- what is asked ---------------------------------------------------------
 */

static const struct {
	const char *property;
	enum jmap_sort_by by;
} sorts[] = {
	{ "receivedAt", JMAP_BY_RECEIVED },
	{ "sentAt", JMAP_BY_SENT },
	{ "size", JMAP_BY_SIZE },
	{ "from", JMAP_BY_FROM },
	{ "to", JMAP_BY_TO },
	{ "subject", JMAP_BY_SUBJECT },
	{ "hasKeyword", JMAP_BY_KEYWORD },
	{ "allInThreadHaveKeyword", JMAP_BY_ALL_IN_THREAD },
	{ "someInThreadHaveKeyword", JMAP_BY_SOME_IN_THREAD },
};
enum { PROPERTIES = sizeof(sorts) / sizeof(sorts[0]) };

/* RFC 8620, 5.5. NULL, or what is wrong with one. */
static const char *
parse_one(json_t *one, struct jmap_sort *s)
{
	const char *property, *collation;
	json_t *ascends = json_object_get(one, "isAscending");
	size_t k = 0;

	property = json_string_value(json_object_get(one, "property"));
	collation = json_string_value(json_object_get(one, "collation"));
	if (property == NULL || (ascends != NULL && !json_is_boolean(ascends)))
		return "invalidArguments";
	while (k < PROPERTIES && strcmp(property, sorts[k].property) != 0)
		k++;
	s->keyword = json_string_value(json_object_get(one, "keyword"));
	s->is_ascii = collation != NULL &&
		      strcmp(collation, "i;ascii-casemap") == 0;
	if (k == PROPERTIES ||
	    (sorts[k].by >= JMAP_BY_KEYWORD && s->keyword == NULL) ||
	    (collation != NULL && !s->is_ascii &&
		strcmp(collation, "i;unicode-casemap") != 0))
		return "unsupportedSort";
	s->by = sorts[k].by;
	s->descends = json_is_false(ascends);
	return NULL;
}

bool
jmap_sort_parse(
    struct jmap_call *c, struct jmap_sort sort[JMAP_SORTS], size_t *n_r)
{
	json_t *list = json_object_get(c->args, "sort"), *one;
	const char *wrong = NULL;
	size_t i;

	*n_r = 0;
	if (list != NULL && !json_is_null(list) && !json_is_array(list))
		wrong = "invalidArguments";
	json_array_foreach(list, i, one)
	{
		if (wrong == NULL && *n_r == JMAP_SORTS)
			wrong = "unsupportedSort";
		if (wrong == NULL)
			wrong = parse_one(one, &sort[(*n_r)++]);
	}
	if (wrong != NULL) {
		(void)jmap_error(c, wrong, NULL);
		return false;
	}
	if (*n_r == 0)
		sort[(*n_r)++] = (struct jmap_sort){ .by = JMAP_BY_RECEIVED,
			.descends = true };
	return true;
}

/* --- keys ------------------------------------------------------------------
 */

/* What messages are sorted by, for each criterion: a number or a text. */
struct keys {
	const struct jmap_sort *sort;
	size_t n; /* criteria */
	int64_t *number[JMAP_SORTS];
	const char **text[JMAP_SORTS];
	struct arena *texts;
};

/* One criterion while listings are read. */
struct listing_keys {
	const struct jmap_candidate *v;
	size_t i;
	const struct jmap_sort *sort;
	int64_t *number;
	const char **text;
	struct arena *texts;
};

static void
put_key(const struct jmap_sort *sort, const char *text, struct buf *out)
{
	if (text == NULL)
		return;
	if (!sort->is_ascii) {
		(void)msg_casemap(str_of(text), out);
		return;
	}
	for (; *text != '\0'; text++)
		(void)buf_putc(out, ascii_lower(*text));
}

/* The name of the first address, else the address: as people see it. */
static void
address_key(const struct jmap_sort *sort, json_t *list, struct buf *out)
{
	json_t *first = json_array_get(list, 0);
	const char *name = json_string_value(json_object_get(first, "name"));

	if (name == NULL || name[0] == '\0')
		name = json_string_value(json_object_get(first, "email"));
	put_key(sort, name, out);
}

static void
subject_key(const struct jmap_sort *sort, json_t *subject, struct buf *out)
{
	struct arena *a = arena_new(0);
	bool is_reply;

	put_key(sort,
	    arena_text(a, msg_base_subject(a,
			      str_of(json_string_value(subject)), &is_reply)),
	    out);
	arena_free(&a);
}

static void
take_key(void *arg, const struct jmap_listing *l)
{
	struct listing_keys *k = arg;
	enum jmap_sort_by by = k->sort->by;
	json_t *object;
	struct buf text;

	while (k->v[k->i].item->uid != l->uid)
		k->i++;
	if (by == JMAP_BY_SENT) {
		k->number[k->i] = l->sent;
		return;
	}
	object = jmap_load(l->json);
	buf_init(&text, 65536);
	if (by == JMAP_BY_SUBJECT)
		subject_key(k->sort, json_object_get(object, "subject"), &text);
	else
		address_key(k->sort,
		    json_object_get(object, by == JMAP_BY_FROM ? "from" : "to"),
		    &text);
	k->text[k->i] = arena_text(
	    k->texts, str_first(buf_str(&text), TEXT_MAX));
	buf_fini(&text);
	json_decref(object);
}

/* `v` is in the order of items: by mailbox and uid. */
static void
fill_from_listings(struct jmap_call *c, const struct jmap_candidate *v,
    size_t n, struct keys *keys, size_t criterion)
{
	uint32_t *uids = mem_array(n + 1, sizeof(*uids));

	for (size_t i = 0; i < n;) {
		struct catalog_box *box = v[i].item->box;
		struct listing_keys k = { .v = v,
			.i = i,
			.sort = &keys->sort[criterion],
			.number = keys->number[criterion],
			.text = keys->text[criterion],
			.texts = keys->texts };
		size_t count = 0;

		for (; i < n && v[i].item->box == box; i++)
			uids[count++] = v[i].item->uid;
		jmap_listings(c, box, uids, count, take_key, &k);
	}
	free(uids);
}

static int64_t
keyword_key(struct jmap_call *c, const struct jmap_item *item,
    const struct jmap_sort *s, struct catalog_place *place)
{
	size_t n;

	if (!catalog_has_copies(c->q->catalog))
		return jmap_row_has_keyword(item->box, &item->row, s->keyword);
	n = catalog_find(c->q->catalog,
	    str_of(item->box->entry[item->seq - 1].id), place, JMAP_PLACES);
	return jmap_has_keyword(
	    place, n < JMAP_PLACES ? n : JMAP_PLACES, s->keyword);
}

static void
fill_from_threads(struct jmap_call *c, const struct jmap_candidate *v, size_t n,
    const struct jmap_sort *s, int64_t *number)
{
	unsigned wanted = s->by == JMAP_BY_ALL_IN_THREAD ? JMAP_THREAD_ALL
							 : JMAP_THREAD_SOME;
	struct jmap_thread_keyword t;

	jmap_thread_keyword_init(&t, c->q->catalog, s->keyword, n);
	for (size_t i = 0; i < n; i++) {
		const struct jmap_item *item = v[i].item;
		uint64_t thread = item->box->entry[item->seq - 1].thread;

		number[i] = (jmap_thread_keyword(&t, thread) & wanted) != 0;
	}
	jmap_thread_keyword_fini(&t);
}

/* `place` has room for JMAP_PLACES. */
static int64_t
number_of(struct jmap_call *c, const struct jmap_item *item,
    const struct jmap_sort *s, struct catalog_place *place)
{
	switch (s->by) {
	case JMAP_BY_RECEIVED:
		return item->row.internal_date;
	case JMAP_BY_SIZE:
		return (int64_t)item->row.size;
	default:
		return keyword_key(c, item, s, place);
	}
}

static void
fill_keys(struct jmap_call *c, const struct jmap_candidate *v, size_t n,
    struct keys *keys, size_t criterion)
{
	const struct jmap_sort *s = &keys->sort[criterion];
	bool is_text = s->by == JMAP_BY_FROM || s->by == JMAP_BY_TO ||
		       s->by == JMAP_BY_SUBJECT;
	struct catalog_place *place;

	if (is_text)
		keys->text[criterion] = mem_array(n + 1, sizeof(char *));
	else
		keys->number[criterion] = mem_array(n + 1, sizeof(int64_t));
	for (size_t i = 0; i < n && is_text; i++)
		keys->text[criterion][i] = "";
	if (is_text || s->by == JMAP_BY_SENT) {
		fill_from_listings(c, v, n, keys, criterion);
		return;
	}
	if (s->by >= JMAP_BY_ALL_IN_THREAD) {
		fill_from_threads(c, v, n, s, keys->number[criterion]);
		return;
	}
	place = mem_array(JMAP_PLACES, sizeof(*place));
	for (size_t i = 0; i < n; i++)
		keys->number[criterion][i] = number_of(c, v[i].item, s, place);
	free(place);
}

static int
compare(const void *a, const void *b, void *arg)
{
	const struct jmap_candidate *x = a, *y = b;
	const struct keys *keys = arg;

	for (size_t k = 0; k < keys->n; k++) {
		const int64_t *number = keys->number[k];
		int order;

		if (number != NULL)
			order = number[x->i] < number[y->i]
				    ? -1
				    : number[x->i] > number[y->i];
		else
			order = strcmp(
			    keys->text[k][x->i], keys->text[k][y->i]);
		if (order != 0)
			return keys->sort[k].descends ? -order : order;
	}
	/* Equals keep their order, or turn it round with the others. */
	if (keys->sort[0].descends)
		return x->i > y->i ? -1 : x->i < y->i;
	return x->i < y->i ? -1 : x->i > y->i;
}

void
jmap_sort(struct jmap_call *c, struct jmap_candidate *v, size_t n,
    const struct jmap_sort *sort, size_t sort_n)
{
	struct keys keys = {
		.sort = sort, .n = sort_n, .texts = arena_new(TEXTS_MAX)
	};
	bool is_sorted = true;

	for (size_t i = 0; i < n; i++)
		v[i].i = i;
	for (size_t k = 0; k < sort_n; k++)
		fill_keys(c, v, n, &keys, k);
	/* Newest first is mostly the order of uids, the other way round. */
	if (sort_n == 1 && sort[0].descends) {
		for (size_t i = 0; i < n / 2; i++) {
			struct jmap_candidate other = v[i];

			v[i] = v[n - 1 - i];
			v[n - 1 - i] = other;
		}
	}
	for (size_t i = 1; i < n && is_sorted; i++)
		is_sorted = compare(&v[i - 1], &v[i], &keys) <= 0;
	if (!is_sorted)
		qsort_r(v, n, sizeof(*v), compare, &keys);
	for (size_t k = 0; k < sort_n; k++) {
		free(keys.number[k]);
		free(keys.text[k]);
	}
	arena_free(&keys.texts);
}
