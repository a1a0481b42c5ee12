/*
 * delivery/story.c - finding all events of a message: those of one id, then
 * those of the ids that they name, until there are no new ones.
 */
#include "delivery/story.h"

#include "base/str.h"

#include <stdlib.h>

enum {
	IDS = 256,	/* of one message */
	EVENTS = 5000,	/* that are told of it */
	FOUND = 100000, /* messages that are looked at */
	AT_ONCE = 32,	/* ids in one search */
	TEXTS = 32 << 20,
};

static const char *const links[] = { "queue", NULL };
static const char *const terms[] = { "from", "to", "message-id", NULL };

const struct trail_keys story_keys = { links, terms };

void
story_path(const struct config *cfg, char *path, size_t size)
{
	if (cfg->trail.path[0] != '\0')
		(void)snprintf(path, size, "%s", cfg->trail.path);
	else
		(void)snprintf(path, size, "%s/trail", cfg->state_dir);
}

enum pst_rc
story_open(const struct config *cfg, struct pst_error *err)
{
	char path[4096];
	const struct trail_options opt = { path, cfg->trail.size,
		cfg->trail.age };

	story_path(cfg, path, sizeof(path));
	return cfg->trail.enabled ? trail_open(&opt, &story_keys, err) : PST_OK;
}

void
story_reconfigure(const struct config *cfg)
{
	const struct trail_options opt = { NULL, cfg->trail.size,
		cfg->trail.age };

	trail_configure(&opt);
}

struct ids {
	char **v;
	size_t n, cap;
};

/* False: it was there. */
static bool
add_id(struct ids *ids, const char *id)
{
	for (size_t i = ids->n; i > 0; i--)
		if (strcmp(ids->v[i - 1], id) == 0)
			return false;
	mem_grow(&ids->v, &ids->cap, ids->n + 1, sizeof(*ids->v));
	ids->v[ids->n++] = str_dup(str_of(id));
	return true;
}

static bool
has_id(const struct ids *ids, const char *id)
{
	for (size_t i = 0; i < ids->n; i++)
		if (strcmp(ids->v[i], id) == 0)
			return true;
	return false;
}

static void
free_ids(struct ids *ids)
{
	for (size_t i = 0; i < ids->n; i++)
		free(ids->v[i]);
	free(ids->v);
}

/* --- one story ------------------------------------------------------------
 */

struct gathering {
	struct ids ids;
	struct arena *arena;
	struct trail_event *event;
	size_t n, cap;
	bool cut;
};

static bool
keep_event(struct gathering *g, const struct trail_event *e)
{
	struct trail_event *to;

	for (size_t i = g->n; i > 0; i--)
		if (g->event[i - 1].place == e->place)
			return true;
	if (g->n == EVENTS)
		return false;
	mem_grow(&g->event, &g->cap, g->n + 1, sizeof(*g->event));
	to = &g->event[g->n];
	*to = *e;
	to->id = arena_text(g->arena, str_of(e->id));
	to->event = arena_text(g->arena, str_of(e->event));
	if (to->id == NULL || to->event == NULL)
		return false;
	for (size_t i = 0; i < e->pairs; i++) {
		to->pair[i].key = arena_text(g->arena, str_of(e->pair[i].key));
		to->pair[i].value = arena_text(
		    g->arena, str_of(e->pair[i].value));
		if (to->pair[i].key == NULL || to->pair[i].value == NULL)
			return false;
	}
	g->n++;
	return true;
}

static bool
take_event(void *arg, const struct trail_event *e)
{
	struct gathering *g = arg;

	g->cut |= !keep_event(g, e);
	if (g->cut)
		return false;
	if (g->ids.n < IDS)
		(void)add_id(&g->ids, e->id);
	for (size_t i = 0; i < e->pairs && g->ids.n < IDS; i++)
		for (const char *const *l = links; *l != NULL; l++)
			if (strcmp(e->pair[i].key, *l) == 0)
				(void)add_id(&g->ids, e->pair[i].value);
	return true;
}

static int
by_time(const void *a, const void *b)
{
	const struct trail_event *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return (x->place > y->place) - (x->place < y->place);
}

static enum pst_rc
gather(const char *path, const char *id, struct gathering *g,
    struct pst_error *err)
{
	size_t asked = 0;
	enum pst_rc rc = PST_OK;

	g->arena = arena_new(TEXTS);
	(void)add_id(&g->ids, id);
	while (rc == PST_OK && asked < g->ids.n && !g->cut) {
		struct trail_term term[AT_ONCE];
		size_t n = 0;

		while (n < AT_ONCE && asked < g->ids.n)
			term[n++] = (struct trail_term){ NULL,
				g->ids.v[asked++] };
		rc = trail_search(path, &story_keys, term, n, 0, INT64_MAX,
		    take_event, g, err);
	}
	if (g->n > 1)
		qsort(g->event, g->n, sizeof(*g->event), by_time);
	return rc;
}

static void
free_gathering(struct gathering *g)
{
	free_ids(&g->ids);
	arena_free(&g->arena);
	free(g->event);
}

/* --- which stories --------------------------------------------------------
 */

static bool
says(const struct gathering *g, const char *key, const char *value)
{
	for (size_t i = 0; i < g->n && value != NULL; i++) {
		const char *said = trail_value(&g->event[i], key);

		if (said != NULL && str_eq_case(str_of(said), str_of(value)))
			return true;
	}
	return value == NULL;
}

static bool
fits(const struct gathering *g, const struct story_query *q)
{
	return g->n > 0 && says(g, "from", q->from) && says(g, "to", q->to) &&
	       says(g, "message-id", q->message_id) &&
	       says(g, "author", q->user);
}

static bool
take_id(void *arg, const struct trail_event *e)
{
	struct ids *ids = arg;

	/* Events of one message are near each other. */
	if (ids->n == 0 || strcmp(ids->v[ids->n - 1], e->id) != 0) {
		mem_grow(&ids->v, &ids->cap, ids->n + 1, sizeof(*ids->v));
		ids->v[ids->n++] = str_dup(str_of(e->id));
	}
	return ids->n < FOUND;
}

/* The ids of messages that may fit, oldest first. */
static enum pst_rc
find_ids(const char *path, const struct story_query *q, struct ids *ids,
    struct pst_error *err)
{
	struct trail_term term = { NULL, q->id };

	if (q->message_id != NULL)
		term = (struct trail_term){ "message-id", q->message_id };
	else if (q->to != NULL)
		term = (struct trail_term){ "to", q->to };
	else if (q->from != NULL)
		term = (struct trail_term){ "from", q->from };
	if (term.value == NULL)
		return pst_fail(err, PST_E_SYNTAX, 0, "which message?");
	if (q->id == NULL)
		return trail_search(path, &story_keys, &term, 1, q->since,
		    q->until, take_id, ids, err);
	(void)add_id(ids, q->id);
	return PST_OK;
}

enum pst_rc
story_find(const char *path, const struct story_query *q,
    bool (*fn)(void *arg, const struct story *s), void *arg, bool *more_r,
    struct pst_error *err)
{
	struct ids found = { 0 }, told = { 0 };
	enum pst_rc rc = find_ids(path, q, &found, err);
	size_t stories = 0;
	bool more = true;

	*more_r = false;
	for (size_t i = found.n; i > 0 && rc == PST_OK && more; i--) {
		struct gathering g = { 0 };

		if (has_id(&told, found.v[i - 1]))
			continue;
		if (stories == q->most) {
			*more_r = true;
			break;
		}
		rc = gather(path, found.v[i - 1], &g, err);
		for (size_t k = 0; k < g.ids.n; k++)
			(void)add_id(&told, g.ids.v[k]);
		if (rc == PST_OK && fits(&g, q)) {
			const struct story s = { g.event[0].id, g.event, g.n,
				g.cut };

			stories++;
			more = fn(arg, &s);
		}
		free_gathering(&g);
	}
	free_ids(&found);
	free_ids(&told);
	return rc;
}
