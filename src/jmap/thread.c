/*
 * jmap/thread.c - Thread/get and Thread/changes (RFC 8621, 3).
 */
#include "base/str.h"
#include "jmap/email.h"

#include <stdlib.h>

enum { MOST = 5000, STATE_MAX = 1 << 20 };

static int
compare_dates(const void *a, const void *b)
{
	const struct catalog_place *x = a, *y = b;

	if (x->row.internal_date != y->row.internal_date)
		return x->row.internal_date < y->row.internal_date ? -1 : 1;
	/* In the same second: as they came into a mailbox. */
	if (x->box == y->box)
		return x->uid < y->uid ? -1 : 1;
	return strcmp(catalog_entry(x)->id, catalog_entry(y)->id);
}

/* The oldest first, each once. */
static json_t *
get_thread(struct jmap_call *c, const char *id, json_t *properties)
{
	struct catalog_place *place;
	json_t *ids, *seen, *object;
	uint64_t thread;
	size_t n;

	if (!catalog_parse_thread_id(str_of(id), &thread))
		return NULL;
	n = catalog_find_thread(c->q->catalog, thread, NULL, 0);
	n = n < MOST ? n : MOST;
	place = mem_array(n + 1, sizeof(*place));
	(void)catalog_find_thread(c->q->catalog, thread, place, n);
	qsort(place, n, sizeof(*place), compare_dates);
	ids = json_array();
	seen = json_object();
	for (size_t i = 0; i < n; i++) {
		const char *email = catalog_entry(&place[i])->id;

		if (json_object_get(seen, email) != NULL)
			continue;
		(void)json_object_set_new(seen, email, json_true());
		(void)json_array_append_new(ids, json_string(email));
	}
	json_decref(seen);
	free(place);
	if (n == 0) {
		json_decref(ids);
		return NULL;
	}
	object = json_pack("{s:s}", "id", id);
	if (jmap_wants(properties, "emailIds"))
		(void)json_object_set(object, "emailIds", ids);
	json_decref(ids);
	return object;
}

static bool
knows_thread(const char *name)
{
	return strcmp(name, "id") == 0 || strcmp(name, "emailIds") == 0;
}

json_t *
jmap_thread_get(struct jmap_call *c)
{
	static const struct jmap_getter getter = { .state = jmap_email_state,
		.one = get_thread,
		.knows = knows_thread };

	return jmap_get(c, &getter);
}

/* --- changes ---------------------------------------------------------------
 */

struct changed {
	struct jmap_call *c;
	json_t *threads; /* ids of those that something happened to */
	json_t *created; /* ids of messages that are new */
	json_t *older;	 /* ids of threads that lost a message */
	int64_t left;	 /* of maxChanges */
};

static bool
note(void *arg, const struct catalog_told *told)
{
	struct changed *ch = arg;
	char text[CATALOG_THREAD_ID];

	/* Flags and mailboxes are no matter of threads. */
	if (told->change == CATALOG_UPDATED)
		return true;
	catalog_thread_id(told->thread, text);
	if (!told->is_later && json_object_get(ch->threads, text) == NULL) {
		if (ch->left-- == 0)
			return false;
		(void)json_object_set_new(ch->threads, text, json_true());
	}
	if (told->change == CATALOG_CREATED)
		(void)json_object_set_new(ch->created, told->id, json_true());
	else
		(void)json_object_set_new(ch->older, text, json_true());
	return true;
}

/* Is it new? All its messages are. */
static json_t *
list_of(struct changed *ch, const char *id, struct catalog_place *place,
    struct jmap_changes *changes)
{
	uint64_t thread = 0;
	size_t n;

	(void)catalog_parse_thread_id(str_of(id), &thread);
	n = catalog_find_thread(ch->c->q->catalog, thread, place, MOST);
	if (n == 0)
		return changes->destroyed;
	if (json_object_get(ch->older, id) != NULL)
		return changes->updated;
	for (size_t i = 0; i < n && i < MOST; i++)
		if (json_object_get(
			ch->created, catalog_entry(&place[i])->id) == NULL)
			return changes->updated;
	return changes->created;
}

static void
sort_out(struct changed *ch, struct jmap_changes *changes)
{
	struct catalog_place *place = mem_array(MOST, sizeof(*place));
	const char *id;
	json_t *value;

	jmap_changes_init(changes);
	json_object_foreach(ch->threads, id, value)
	{
		(void)json_array_append_new(
		    list_of(ch, id, place, changes), json_string(id));
	}
	free(place);
}

json_t *
jmap_thread_changes(struct jmap_call *c)
{
	struct changed ch = { .c = c };
	struct jmap_changes changes;
	const char *since;
	struct buf state;
	json_t *answer;
	bool more;

	if (!jmap_since_state(c, &since, &ch.left))
		return c->error;
	buf_init(&state, 3 * STATE_MAX);
	ch.threads = json_object();
	ch.created = json_object();
	ch.older = json_object();
	if (catalog_changes(c->q->catalog, CATALOG_BY_THREAD, str_of(since),
		note, &ch, &state, &more)) {
		sort_out(&ch, &changes);
		answer = jmap_changes_answer(c, &changes, since, &state, more);
	} else {
		answer = jmap_error(c, "cannotCalculateChanges", NULL);
	}
	buf_fini(&state);
	json_decref(ch.threads);
	json_decref(ch.created);
	json_decref(ch.older);
	return answer;
}
