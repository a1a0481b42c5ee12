/*
 * jmap/email_bulk.c - what an Email/set does to many messages alike is done at
 * once: the storage makes a move of 500 messages durable as fast as that of
 * one. What is not done here is done one by one afterwards (email_set.c), which
 * finds nothing left to do for the others.
 */
#include "base/str.h"
#include "base/uidset.h"
#include "jmap/email.h"
#include "jmap/limit.h"

#include <stdlib.h>
#include <string.h>

#define PREFIX "mailboxIds/"

enum { GROUPS = 64 };

/* Messages of one mailbox that go to another; `to` NULL: that go for ever. */
struct group {
	struct catalog_box *from, *to;
	struct uidset uids;
};

struct bulk {
	struct jmap_call *c;
	struct group group[GROUPS];
	size_t n;
};

static void
add(struct bulk *b, struct catalog_box *from, struct catalog_box *to,
    uint32_t uid)
{
	size_t i = 0;

	while (i < b->n && (b->group[i].from != from || b->group[i].to != to))
		i++;
	if (i == GROUPS)
		return;
	if (i == b->n)
		b->group[b->n++] = (struct group){ .from = from, .to = to };
	uidset_add(&b->group[i].uids, uid, uid);
}

/* Where the message is, if that is one place. */
static bool
only_place(struct jmap_call *c, const char *id, struct catalog_place *place_r)
{
	return catalog_find(c->q->catalog, str_of(id), place_r, 1) == 1;
}

/* The mailbox that this patch, which does nothing else, moves it to; NULL. */
static struct catalog_box *
target_of(struct jmap_call *c, json_t *patch, const struct catalog_place *place)
{
	struct catalog_box *to = NULL;
	const char *path;
	json_t *value;
	bool leaves = false;

	if (json_object_size(patch) != 2)
		return NULL;
	json_object_foreach(patch, path, value)
	{
		struct catalog_box *box;

		if (strncmp(path, PREFIX, strlen(PREFIX)) != 0)
			return NULL;
		box = catalog_find_box(
		    c->q->catalog, str_of(path + strlen(PREFIX)));
		if (json_is_null(value) && box == place->box)
			leaves = true;
		else if (json_is_true(value) && box != place->box)
			to = box;
	}
	return leaves ? to : NULL;
}

static bool
move(struct jmap_call *c, const struct group *g)
{
	struct view_copied copied = { 0 };
	struct pst_error err = { 0 };
	enum pst_rc rc = view_copy(g->from->view, uidset_peek(&g->uids),
	    catalog_account(c->q->catalog), g->to->name, true, &copied, &err);

	view_copied_fini(&copied);
	return rc == PST_OK;
}

static bool
remove_all(const struct group *g)
{
	struct pst_error err = { 0 };

	return view_remove(g->from->view, uidset_peek(&g->uids), &err) ==
	       PST_OK;
}

/* What fails is tried again one by one, and says there what is wrong. */
static void
run(struct bulk *b)
{
	struct pst_error err = { 0 };
	bool changed = false;

	for (size_t i = 0; i < b->n; i++) {
		struct group *g = &b->group[i];

		if (uidset_count(&g->uids) > 1)
			changed |= g->to != NULL ? move(b->c, g)
						 : remove_all(g);
		uidset_fini(&g->uids);
	}
	b->n = 0;
	if (changed)
		(void)catalog_sync(b->c->q->catalog, &err);
}

static void
move_alike(struct bulk *b, json_t *update)
{
	struct catalog_place place;
	struct catalog_box *to;
	const char *id;
	json_t *patch;

	json_object_foreach(update, id, patch)
	{
		if (!only_place(b->c, id, &place))
			continue;
		to = target_of(b->c, patch, &place);
		if (to != NULL)
			add(b, place.box, to, place.uid);
	}
	run(b);
}

/* Those that are gone are noted in c->gone. */
static void
destroy_alike(struct bulk *b, json_t *update, json_t *destroy)
{
	struct catalog_place place;
	json_t *item, *tried = json_object();
	const char *id;
	size_t i;

	json_array_foreach(destroy, i, item)
	{
		id = json_string_value(item);
		if (json_object_get(update, id) != NULL ||
		    !only_place(b->c, id, &place))
			continue;
		if (jmap_has_keyword(&place, 1, "$draft"))
			continue;
		add(b, place.box, NULL, place.uid);
		(void)json_object_set_new(tried, id, json_true());
	}
	run(b);
	b->c->gone = json_object();
	json_object_foreach(tried, id, item)
	{
		if (catalog_find(b->c->q->catalog, str_of(id), NULL, 0) == 0)
			(void)json_object_set(b->c->gone, id, item);
	}
	json_decref(tried);
}

void
jmap_email_bulk(struct jmap_call *c, json_t *update, json_t *destroy)
{
	struct bulk *b = mem_alloc(sizeof(*b));

	b->c = c;
	if (json_object_size(update) > 1)
		move_alike(b, update);
	if (json_array_size(destroy) > 1)
		destroy_alike(b, update, destroy);
	free(b);
}
