/*
 * jmap/common.c - what the methods of all types have in common: /get, /changes,
 * /set and the windows of /query (RFC 8620, 5).
 */
#include "jmap/call.h"

#include "base/str.h"

enum { STATE_MAX = 1 << 20, DEPTH = 20 };

static json_t *
answer_with_state(struct jmap_call *c, const char *key,
    void (*state)(struct jmap_call *c, struct buf *out))
{
	json_t *answer = json_pack("{s:s}", "accountId", c->q->account);
	struct buf text;

	buf_init(&text, STATE_MAX);
	state(c, &text);
	(void)json_object_set_new(answer, key, jmap_text(&text));
	buf_fini(&text);
	return answer;
}

/* --- get -------------------------------------------------------------------
 */

bool
jmap_wants(json_t *properties, const char *name)
{
	return properties == NULL || json_object_get(properties, name) != NULL;
}

/* The list as an object, which is faster to ask. NULL: all, or, with an error,
 * one is not known. */
static json_t *
wanted_properties(
    struct jmap_call *c, const struct jmap_getter *g, json_t *list)
{
	json_t *wanted, *item;
	size_t i;

	if (list == NULL)
		return NULL;
	wanted = json_object();
	json_array_foreach(list, i, item)
	{
		const char *name = json_string_value(item);

		if (g->knows != NULL && !g->knows(name)) {
			json_decref(wanted);
			(void)jmap_error(c, "invalidArguments",
			    "There is no property of that name.");
			return NULL;
		}
		(void)json_object_set_new(wanted, name, json_true());
	}
	return wanted;
}

static void
get_one(struct jmap_call *c, const struct jmap_getter *g, const char *id,
    json_t *wanted, json_t *list, json_t *missing)
{
	const char *real = jmap_real_id(c->q, id);
	json_t *object = real != NULL ? g->one(c, real, wanted) : NULL;

	if (object != NULL)
		(void)json_array_append_new(list, object);
	else
		(void)json_array_append_new(missing, json_string(id));
}

json_t *
jmap_get(struct jmap_call *c, const struct jmap_getter *g)
{
	json_t *ids, *properties, *wanted, *answer, *list, *missing, *item;
	json_t *seen;
	size_t i;

	if (!jmap_get_list(c, "ids", &ids) ||
	    !jmap_get_list(c, "properties", &properties))
		return c->error;
	if (ids == NULL && g->all == NULL)
		return jmap_error(
		    c, "requestTooLarge", "The ids must be told.");
	wanted = wanted_properties(c, g, properties);
	if (c->error != NULL)
		return c->error;
	if (ids == NULL) {
		ids = json_array();
		g->all(c, ids);
	} else {
		(void)json_incref(ids);
	}
	list = json_array();
	missing = json_array();
	seen = json_object();
	if (json_array_size(ids) > JMAP_GET) {
		(void)jmap_error(c, "requestTooLarge", NULL);
	} else {
		json_array_foreach(ids, i, item)
		{
			const char *id = json_string_value(item);

			/* RFC 8620, 5.1: each once. */
			if (json_object_get(seen, id) != NULL)
				continue;
			(void)json_object_set_new(seen, id, json_true());
			get_one(c, g, id, wanted, list, missing);
		}
	}
	json_decref(seen);
	json_decref(ids);
	json_decref(wanted);
	if (c->error != NULL) {
		json_decref(list);
		json_decref(missing);
		return c->error;
	}
	answer = answer_with_state(c, "state", g->state);
	(void)json_object_set_new(answer, "list", list);
	(void)json_object_set_new(answer, "notFound", missing);
	return answer;
}

/* --- changes ---------------------------------------------------------------
 */

bool
jmap_since_state(struct jmap_call *c, const char **state_r, int64_t *most_r)
{
	if (!jmap_get_text(c, "sinceState", state_r) ||
	    !jmap_get_number(c, "maxChanges", INT64_MAX >> 11, most_r))
		return false;
	if (*state_r == NULL || *most_r <= 0) {
		(void)jmap_error(c, "invalidArguments", NULL);
		return false;
	}
	return true;
}

json_t *
jmap_no_changes(struct jmap_call *c,
    void (*put_state)(struct jmap_call *c, struct buf *out))
{
	const char *since;
	struct buf state;
	json_t *answer;
	int64_t most;

	if (!jmap_since_state(c, &since, &most))
		return c->error;
	buf_init(&state, JMAP_ID);
	put_state(c, &state);
	answer = str_is(buf_str(&state), since)
		     ? json_pack("{s:s, s:s, s:s, s:b, s:[], s:[], s:[]}",
			   "accountId", c->q->account, "oldState", since,
			   "newState", since, "hasMoreChanges", 0, "created",
			   "updated", "destroyed")
		     : jmap_error(c, "cannotCalculateChanges", NULL);
	buf_fini(&state);
	return answer;
}

void
jmap_changes_init(struct jmap_changes *changes)
{
	changes->created = json_array();
	changes->updated = json_array();
	changes->destroyed = json_array();
}

void
jmap_changes_fini(struct jmap_changes *changes)
{
	json_decref(changes->created);
	json_decref(changes->updated);
	json_decref(changes->destroyed);
}

json_t *
jmap_changes_answer(struct jmap_call *c, struct jmap_changes *changes,
    const char *old, const struct buf *state, bool more)
{
	return json_pack("{s:s, s:s, s:o, s:b, s:o, s:o, s:o}", "accountId",
	    c->q->account, "oldState", old, "newState", jmap_text(state),
	    "hasMoreChanges", (int)more, "created", changes->created, "updated",
	    changes->updated, "destroyed", changes->destroyed);
}

/* --- set -------------------------------------------------------------------
 */

/* ifInState (5.3). */
static bool
is_in_state(struct jmap_call *c, json_t *answer)
{
	const char *wanted, *old;

	if (!jmap_get_text(c, "ifInState", &wanted))
		return false;
	old = json_string_value(json_object_get(answer, "oldState"));
	if (wanted == NULL || (old != NULL && strcmp(wanted, old) == 0))
		return true;
	(void)jmap_error(c, "stateMismatch", NULL);
	return false;
}

/* Adds to a map of the answer, that is made when it is needed. */
static void
add_to(json_t *answer, const char *map, const char *key, json_t *value)
{
	json_t *object = json_object_get(answer, map);

	if (!json_is_object(object)) {
		object = json_object();
		(void)json_object_set_new(answer, map, object);
	}
	(void)json_object_set_new(object, key, value);
}

/* Some text in it is "#" and one of these creation ids, or a key that ends in
 * that. */
static bool
refers_to(json_t *value, json_t *creations, unsigned depth)
{
	const char *text = json_string_value(value), *key;
	json_t *inner;
	size_t i;

	if (depth > DEPTH)
		return false;
	if (text != NULL)
		return text[0] == '#' &&
		       json_object_get(creations, text + 1) != NULL;
	json_array_foreach(value, i, inner)
	{
		if (refers_to(inner, creations, depth + 1))
			return true;
	}
	json_object_foreach(value, key, inner)
	{
		if ((key[0] == '#' &&
			json_object_get(creations, key + 1) != NULL) ||
		    refers_to(inner, creations, depth + 1))
			return true;
	}
	return false;
}

static void
create_one(struct jmap_call *c, const struct jmap_setter *s,
    const char *creation, json_t *object, json_t *answer)
{
	json_t *made = NULL, *error;

	if (s->create == NULL)
		error = jmap_set_error("forbidden", NULL, NULL);
	else if (!json_is_object(object))
		error = jmap_set_error("invalidProperties", NULL, NULL);
	else
		error = s->create(c, creation, object, &made);
	if (error != NULL) {
		json_decref(made);
		add_to(answer, "notCreated", creation, error);
		return;
	}
	jmap_note_created(
	    c->q, creation, json_string_value(json_object_get(made, "id")));
	add_to(answer, "created", creation, made);
}

/* Who refers to another one comes behind it (5.3); what refers to each other
 * comes last, and fails. */
static void
create_all(struct jmap_call *c, const struct jmap_setter *s, json_t *objects,
    json_t *answer)
{
	json_t *left = objects != NULL ? json_copy(objects) : json_object();
	bool moves = true;

	while (json_object_size(left) > 0) {
		json_t *now = json_copy(left), *object;
		const char *creation;
		bool moved = false;

		json_object_foreach(now, creation, object)
		{
			if (moves && refers_to(object, left, 0))
				continue;
			create_one(c, s, creation, object, answer);
			(void)json_object_del(left, creation);
			moved = true;
		}
		moves = moved;
		json_decref(now);
	}
	json_decref(left);
}

static void
update_all(struct jmap_call *c, const struct jmap_setter *s, json_t *patches,
    json_t *answer)
{
	const char *id;
	json_t *patch;

	json_object_foreach(patches, id, patch)
	{
		const char *real = jmap_real_id(c->q, id);
		json_t *changed = NULL, *error;

		if (s->update == NULL)
			error = jmap_set_error("forbidden", NULL, NULL);
		else if (real == NULL)
			error = jmap_set_error("notFound", NULL, NULL);
		else if (!json_is_object(patch))
			error = jmap_set_error("invalidPatch", NULL, NULL);
		else
			error = s->update(c, real, patch, &changed);
		if (error != NULL) {
			json_decref(changed);
			add_to(answer, "notUpdated", id, error);
		} else {
			add_to(answer, "updated", id,
			    changed != NULL ? changed : json_null());
		}
	}
}

static void
destroy_all(struct jmap_call *c, const struct jmap_setter *s, json_t *ids,
    json_t *answer)
{
	json_t *item, *destroyed = json_array();
	size_t i;

	json_array_foreach(ids, i, item)
	{
		const char *id = json_string_value(item);
		const char *real = jmap_real_id(c->q, id);
		json_t *error;

		if (s->destroy == NULL)
			error = jmap_set_error("forbidden", NULL, NULL);
		else if (real == NULL)
			error = jmap_set_error("notFound", NULL, NULL);
		else
			error = s->destroy(c, real);
		if (error != NULL)
			add_to(answer, "notDestroyed", id, error);
		else
			(void)json_array_append_new(destroyed, json_string(id));
	}
	if (json_array_size(destroyed) > 0)
		(void)json_object_set(answer, "destroyed", destroyed);
	json_decref(destroyed);
}

static void
set_new_state(struct jmap_call *c, const struct jmap_setter *s, json_t *answer)
{
	struct pst_error err;
	struct buf text;

	/* What was done here is in it. */
	(void)catalog_sync(c->q->catalog, &err);
	buf_init(&text, STATE_MAX);
	s->state(c, &text);
	(void)json_object_set_new(answer, "newState", jmap_text(&text));
	buf_fini(&text);
}

json_t *
jmap_set(struct jmap_call *c, const struct jmap_setter *s)
{
	static const char *const maps[] = { "created", "updated", "destroyed",
		"notCreated", "notUpdated", "notDestroyed" };
	json_t *create, *update, *destroy, *answer;

	if (!jmap_get_object(c, "create", &create) ||
	    !jmap_get_object(c, "update", &update) ||
	    !jmap_get_list(c, "destroy", &destroy))
		return c->error;
	if (json_object_size(create) + json_object_size(update) +
		json_array_size(destroy) >
	    JMAP_SET)
		return jmap_error(c, "requestTooLarge", NULL);
	answer = answer_with_state(c, "oldState", s->state);
	if (!is_in_state(c, answer)) {
		json_decref(answer);
		return c->error;
	}
	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
		(void)json_object_set_new(answer, maps[i], json_null());
	create_all(c, s, create, answer);
	if (s->bulk != NULL)
		s->bulk(c, update, destroy);
	update_all(c, s, update, answer);
	destroy_all(c, s, destroy, answer);
	json_decref(c->gone);
	c->gone = NULL;
	set_new_state(c, s, answer);
	return answer;
}

/* One path of a patch: "a/b/c", with ~0 and ~1 (RFC 6901, 4). */
static bool
patch_path(json_t *object, const char *path, json_t *value)
{
	struct pst_str rest = str_of(path), part;
	struct buf key;
	bool ok = true;

	buf_init(&key, 4096);
	while (ok && str_split(&rest, '/', &part)) {
		json_t *inner;

		buf_clear(&key);
		for (size_t i = 0; i < part.n; i++) {
			char ch = part.p[i];

			if (ch == '~' && i + 1 < part.n)
				ch = part.p[++i] == '1' ? '/' : '~';
			(void)buf_putc(&key, ch);
		}
		ok = buf_putc(&key, '\0');
		if (!ok)
			break;
		if (rest.p == NULL) {
			if (json_is_null(value))
				(void)json_object_del(object, key.p);
			else
				ok = json_object_set(object, key.p, value) == 0;
			break;
		}
		inner = json_object_get(object, key.p);
		ok = json_is_object(inner);
		object = inner;
	}
	buf_fini(&key);
	return ok;
}

/* A path that begins with another one, at a slash (5.3). */
static bool
is_within_another(json_t *patch, const char *path)
{
	struct buf above;
	bool found = false;

	buf_init(&above, 4096);
	for (const char *p = path; *p != '\0' && !found; p++) {
		if (*p != '/')
			continue;
		buf_clear(&above);
		(void)buf_add(&above, path, (size_t)(p - path));
		found = !buf_putc(&above, '\0') ||
			json_object_get(patch, above.p) != NULL;
	}
	buf_fini(&above);
	return found;
}

json_t *
jmap_patch(json_t *object, json_t *patch)
{
	const char *path;
	json_t *value;

	json_object_foreach(patch, path, value)
	{
		/* A whole property may become null. */
		if (strchr(path, '/') == NULL)
			(void)json_object_set(object, path, value);
		else if (is_within_another(patch, path) ||
			 !patch_path(object, path, value))
			return jmap_set_error("invalidPatch", NULL, NULL);
	}
	return NULL;
}

/* --- query -----------------------------------------------------------------
 */

/* Where the window begins. False: c->error. */
static bool
find_start(struct jmap_call *c, int64_t n,
    int64_t (*place)(void *arg, const char *id), void *arg, int64_t *start_r)
{
	int64_t position, offset;
	const char *anchor;

	if (!jmap_get_number(c, "position", 0, &position) ||
	    !jmap_get_number(c, "anchorOffset", 0, &offset) ||
	    !jmap_get_text(c, "anchor", &anchor))
		return false;
	if (anchor != NULL) {
		anchor = jmap_real_id(c->q, anchor);
		position = anchor != NULL ? place(arg, anchor) : -1;
		if (position < 0) {
			(void)jmap_error(c, "anchorNotFound", NULL);
			return false;
		}
		position += offset;
	} else if (position < 0) {
		position += n;
	}
	*start_r = position < 0 ? 0 : position > n ? n : position;
	return true;
}

bool
jmap_query_window(struct jmap_call *c, size_t n,
    int64_t (*place)(void *arg, const char *id), void *arg,
    struct jmap_window *w_r)
{
	int64_t start, limit;

	if (!jmap_get_number(c, "limit", INT64_MAX >> 11, &limit) ||
	    !jmap_get_bool(c, "calculateTotal", false, &w_r->total) ||
	    !find_start(c, (int64_t)n, place, arg, &start))
		return false;
	if (limit < 0) {
		(void)jmap_error(c, "invalidArguments", NULL);
		return false;
	}
	w_r->start = (size_t)start;
	w_r->end = limit < (int64_t)n - start ? (size_t)(start + limit) : n;
	return true;
}

json_t *
jmap_query_answer(struct jmap_call *c, const struct jmap_window *w, size_t n,
    json_t *ids, const char *query_state, bool can_changes)
{
	json_t *answer = json_pack("{s:s, s:s, s:b, s:I, s:o}", "accountId",
	    c->q->account, "queryState", query_state, "canCalculateChanges",
	    (int)can_changes, "position", (json_int_t)w->start, "ids", ids);

	if (w->total)
		(void)json_object_set_new(
		    answer, "total", json_integer((json_int_t)n));
	return answer;
}

static int64_t
place_in_list(void *ids, const char *id)
{
	json_t *item;
	size_t i;

	json_array_foreach((json_t *)ids, i, item)
	{
		if (strcmp(json_string_value(item), id) == 0)
			return (int64_t)i;
	}
	return -1;
}

json_t *
jmap_query_list(struct jmap_call *c, json_t *ids, const char *query_state)
{
	size_t n = json_array_size(ids);
	struct jmap_window w;
	json_t *window;

	if (!jmap_query_window(c, n, place_in_list, ids, &w)) {
		json_decref(ids);
		return c->error;
	}
	window = json_array();
	for (size_t i = w.start; i < w.end; i++)
		(void)json_array_append(window, json_array_get(ids, i));
	json_decref(ids);
	return jmap_query_answer(c, &w, n, window, query_state, false);
}
