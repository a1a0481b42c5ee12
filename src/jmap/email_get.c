/*
 * jmap/email_get.c - Email/get and Email/changes (RFC 8621, 4.2 and 4.3).
 */
#include "base/str.h"
#include "jmap/email.h"
#include "jmap/header.h"
#include "jmap/listing.h"

#include <stdlib.h>

enum { STATE_MAX = 1 << 20 };

void
jmap_email_state(struct jmap_call *c, struct buf *out)
{
	catalog_state(c->q->catalog, out);
}

/* --- flags -----------------------------------------------------------------
 */

static const struct {
	uint32_t flag;
	const char *keyword;
} system_flags[] = {
	{ PST_SEEN, "$seen" },
	{ PST_FLAGGED, "$flagged" },
	{ PST_ANSWERED, "$answered" },
	{ PST_DRAFT, "$draft" },
};
#define SYSTEM_FLAGS (sizeof(system_flags) / sizeof(system_flags[0]))

bool
jmap_row_has_keyword(
    struct catalog_box *box, const struct pst_row *row, const char *keyword)
{
	const char *const *names;

	for (size_t i = 0; i < SYSTEM_FLAGS; i++)
		if (strcasecmp(keyword, system_flags[i].keyword) == 0)
			return (row->flags & system_flags[i].flag) != 0;
	if (row->keywords == 0)
		return false;
	names = view_keywords(box->view);
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		if ((row->keywords >> k & 1) != 0 && names[k] != NULL &&
		    strcasecmp(names[k], keyword) == 0)
			return true;
	return false;
}

bool
jmap_has_keyword(
    const struct catalog_place *places, size_t n, const char *keyword)
{
	bool all = strcasecmp(keyword, "$seen") == 0;

	for (size_t i = 0; i < n; i++)
		if (jmap_row_has_keyword(
			places[i].box, &places[i].row, keyword) != all)
			return !all;
	return all && n > 0;
}

static void
put_names(json_t *keywords, const struct catalog_place *p)
{
	const char *const *names;

	if (p->row.keywords == 0)
		return;
	names = view_keywords(p->box->view);
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++) {
		char name[256];

		if ((p->row.keywords >> k & 1) == 0 || names[k] == NULL)
			continue;
		/* RFC 8621, 4.1.1: in lower case. */
		(void)str_copy(name, sizeof(name), str_of(names[k]));
		for (char *at = name; *at != '\0'; at++)
			*at = ascii_lower(*at);
		(void)json_object_set_new(keywords, name, json_true());
	}
}

json_t *
jmap_keywords(const struct catalog_place *places, size_t n)
{
	json_t *keywords = json_object();
	uint32_t any = 0, all = PST_FLAGS_ALL;

	for (size_t i = 0; i < n; i++) {
		any |= places[i].row.flags;
		all &= places[i].row.flags;
		put_names(keywords, &places[i]);
	}
	any = (any & ~(uint32_t)PST_SEEN) | (all & PST_SEEN);
	for (size_t i = 0; i < SYSTEM_FLAGS; i++)
		if ((any & system_flags[i].flag) != 0)
			(void)json_object_set_new(
			    keywords, system_flags[i].keyword, json_true());
	return keywords;
}

/* --- which properties ------------------------------------------------------
 */

static const char *const from_rows[] = { "id", "blobId", "threadId",
	"mailboxIds", "keywords", "size", "receivedAt" };
static const char *const from_listing[] = { "messageId", "inReplyTo",
	"references", "sender", "from", "to", "cc", "bcc", "replyTo", "subject",
	"sentAt", "hasAttachment", "preview" };
static const char *const from_content[] = { "bodyStructure", "bodyValues",
	"textBody", "htmlBody", "attachments", "headers" };
#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static bool
is_in(const char *name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(name, list[i]) == 0)
			return true;
	return false;
}

bool
jmap_email_knows(const char *name)
{
	struct jmap_header h;

	return is_in(name, from_rows, LENGTH(from_rows)) ||
	       is_in(name, from_listing, LENGTH(from_listing)) ||
	       is_in(name, from_content, LENGTH(from_content)) ||
	       jmap_header_parse(name, &h);
}

/* The list of an argument as an object; false: c->error. */
static bool
get_names(struct jmap_call *c, const char *argument, json_t **r)
{
	json_t *list, *item;
	size_t i;

	*r = NULL;
	if (!jmap_get_list(c, argument, &list))
		return false;
	if (list == NULL)
		return true;
	*r = json_object();
	json_array_foreach(list, i, item)
	{
		(void)json_object_set_new(
		    *r, json_string_value(item), json_true());
	}
	return true;
}

static bool
needs_message(json_t *properties)
{
	const char *name;
	json_t *value;

	if (properties == NULL)
		return true;
	json_object_foreach(properties, name, value)
	{
		if (!is_in(name, from_rows, LENGTH(from_rows)) &&
		    !is_in(name, from_listing, LENGTH(from_listing)))
			return true;
	}
	return false;
}

bool
jmap_fetch_init(struct jmap_call *c, struct jmap_fetch *f)
{
	const char *name;
	json_t *value;

	memset(f, 0, sizeof(*f));
	if (!get_names(c, "properties", &f->properties) ||
	    !get_names(c, "bodyProperties", &f->body_properties) ||
	    !jmap_get_bool(c, "fetchTextBodyValues", false, &f->text_values) ||
	    !jmap_get_bool(c, "fetchHTMLBodyValues", false, &f->html_values) ||
	    !jmap_get_bool(c, "fetchAllBodyValues", false, &f->all_values) ||
	    !jmap_get_number(c, "maxBodyValueBytes", 0, &f->max_value)) {
		jmap_fetch_fini(f);
		return false;
	}
	if (f->max_value < 0)
		(void)jmap_error(c, "invalidArguments", NULL);
	json_object_foreach(f->properties, name, value)
	{
		if (!jmap_email_knows(name))
			(void)jmap_error(c, "invalidArguments", name);
	}
	json_object_foreach(f->body_properties, name, value)
	{
		if (!jmap_part_knows(name))
			(void)jmap_error(c, "invalidArguments", name);
	}
	if (c->error != NULL) {
		jmap_fetch_fini(f);
		return false;
	}
	f->needs_message = needs_message(f->properties);
	return true;
}

void
jmap_fetch_fini(struct jmap_fetch *f)
{
	json_decref(f->properties);
	json_decref(f->body_properties);
	memset(f, 0, sizeof(*f));
}

/* --- get -------------------------------------------------------------------
 */

/* One message that was asked for. */
struct wanted {
	struct catalog_place *place;
	size_t places;
	json_t *object;
	bool is_cut; /* the listing has not all of what is wanted */
};

struct getting {
	struct jmap_call *c;
	struct jmap_fetch f;
	struct wanted *wanted;
	size_t n;
	struct wanted *now; /* of a listing that is under way */
};

static void
put_rows(struct getting *g, struct wanted *w)
{
	json_t *p = g->f.properties, *object = w->object, *boxes;
	const struct catalog_entry *e = catalog_entry(&w->place[0]);
	char thread[CATALOG_THREAD_ID];

	(void)json_object_set_new(object, "id", json_string(e->id));
	if (jmap_wants(p, "blobId"))
		(void)json_object_set_new(object, "blobId", json_string(e->id));
	catalog_thread_id(e->thread, thread);
	if (jmap_wants(p, "threadId"))
		(void)json_object_set_new(
		    object, "threadId", json_string(thread));
	if (jmap_wants(p, "mailboxIds")) {
		boxes = json_object();
		for (size_t i = 0; i < w->places; i++)
			(void)json_object_set_new(
			    boxes, w->place[i].box->id, json_true());
		(void)json_object_set_new(object, "mailboxIds", boxes);
	}
	if (jmap_wants(p, "keywords"))
		(void)json_object_set_new(
		    object, "keywords", jmap_keywords(w->place, w->places));
	if (jmap_wants(p, "size"))
		(void)json_object_set_new(object, "size",
		    json_integer((json_int_t)w->place[0].row.size));
	if (jmap_wants(p, "receivedAt"))
		(void)json_object_set_new(object, "receivedAt",
		    jmap_date(w->place[0].row.internal_date));
}

/* A property that is wanted is not kept whole. */
static bool
is_cut(const struct getting *g, json_t *names)
{
	json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
	{
		if (jmap_wants(g->f.properties, json_string_value(name)))
			return true;
	}
	return false;
}

static void
put_listing(void *arg, const struct jmap_listing *l)
{
	struct getting *g = arg;
	json_t *listed = jmap_load(l->json), *value;
	const char *name;

	/* All of this uid in this mailbox; the callbacks ascend like these. */
	while (g->now->place[0].uid != l->uid)
		g->now++;
	json_object_foreach(listed, name, value)
	{
		if (jmap_wants(g->f.properties, name))
			(void)json_object_set(g->now->object, name, value);
	}
	g->now->is_cut = is_cut(g, json_object_get(listed, JMAP_LISTING_CUT));
	(void)json_object_del(g->now->object, JMAP_LISTING_CUT);
	json_decref(listed);
}

static int
compare_wanted(const void *a, const void *b)
{
	const struct wanted *x = *(struct wanted *const *)a;
	const struct wanted *y = *(struct wanted *const *)b;

	if (x->place[0].box != y->place[0].box)
		return x->place[0].box < y->place[0].box ? -1 : 1;
	return x->place[0].uid < y->place[0].uid
		   ? -1
		   : x->place[0].uid > y->place[0].uid;
}

static bool
wants_listing(const struct getting *g)
{
	for (size_t i = 0; i < LENGTH(from_listing); i++)
		if (jmap_wants(g->f.properties, from_listing[i]))
			return true;
	return false;
}

/* Of each mailbox at once. */
static void
put_listings(struct getting *g)
{
	struct wanted *sorted = mem_array(g->n + 1, sizeof(*sorted));
	struct wanted **by = mem_array(g->n + 1, sizeof(*by));
	uint32_t *uids = mem_array(g->n + 1, sizeof(*uids));

	for (size_t i = 0; i < g->n; i++)
		by[i] = &g->wanted[i];
	qsort(by, g->n, sizeof(struct wanted *), compare_wanted);
	for (size_t i = 0; i < g->n; i++)
		sorted[i] = *by[i];
	for (size_t i = 0; i < g->n;) {
		struct catalog_box *box = sorted[i].place[0].box;
		size_t first = i, n = 0;

		for (; i < g->n && sorted[i].place[0].box == box; i++)
			uids[n++] = sorted[i].place[0].uid;
		g->now = &sorted[first];
		jmap_listings(g->c, box, uids, n, put_listing, g);
	}
	for (size_t i = 0; i < g->n; i++)
		by[i]->is_cut = sorted[i].is_cut;
	free(uids);
	free(by);
	free(sorted);
}

static void
put_contents(struct getting *g)
{
	for (size_t i = 0; i < g->n; i++) {
		struct jmap_message m;

		if ((!g->f.needs_message && !g->wanted[i].is_cut) ||
		    !jmap_message_open(g->c, &g->wanted[i].place[0], &m))
			continue;
		jmap_put_content(g->wanted[i].object, &m, &g->f);
		jmap_message_fini(&m);
	}
}

/* The messages of the list; unknown ones go to `missing`. */
static void
find_wanted(struct getting *g, json_t *ids, json_t *missing)
{
	struct catalog_place place[JMAP_PLACES];
	json_t *item, *seen = json_object();
	size_t i;

	g->wanted = mem_array(json_array_size(ids) + 1, sizeof(*g->wanted));
	json_array_foreach(ids, i, item)
	{
		const char *asked = json_string_value(item);
		const char *id = jmap_real_id(g->c->q, asked);
		struct wanted *w = &g->wanted[g->n];
		size_t n;

		/* RFC 8620, 5.1: each once. */
		if (json_object_get(seen, id != NULL ? id : asked) != NULL)
			continue;
		(void)json_object_set_new(
		    seen, id != NULL ? id : asked, json_true());
		n = id != NULL ? catalog_find(g->c->q->catalog, str_of(id),
				     place, JMAP_PLACES)
			       : 0;
		if (n == 0) {
			(void)json_array_append(missing, item);
			continue;
		}
		n = n < JMAP_PLACES ? n : JMAP_PLACES;
		*w = (struct wanted){ .place = mem_array(n, sizeof(*w->place)),
			.places = n,
			.object = json_object() };
		memcpy(w->place, place, n * sizeof(*w->place));
		g->n++;
	}
	json_decref(seen);
}

static json_t *
get_answer(struct getting *g, json_t *missing)
{
	json_t *list = json_array(), *answer;
	struct buf state;

	for (size_t i = 0; i < g->n; i++) {
		(void)json_array_append_new(list, g->wanted[i].object);
		free(g->wanted[i].place);
	}
	buf_init(&state, STATE_MAX);
	jmap_email_state(g->c, &state);
	answer = json_pack("{s:s, s:o, s:o, s:o}", "accountId",
	    g->c->q->account, "state", jmap_text(&state), "list", list,
	    "notFound", missing);
	buf_fini(&state);
	free(g->wanted);
	return answer;
}

json_t *
jmap_email_get(struct jmap_call *c)
{
	struct getting g = { .c = c };
	json_t *ids, *missing, *answer;

	if (!jmap_get_list(c, "ids", &ids) || !jmap_fetch_init(c, &g.f))
		return c->error;
	if (ids == NULL || json_array_size(ids) > JMAP_GET) {
		jmap_fetch_fini(&g.f);
		return jmap_error(c, "requestTooLarge", NULL);
	}
	missing = json_array();
	find_wanted(&g, ids, missing);
	for (size_t i = 0; i < g.n; i++)
		put_rows(&g, &g.wanted[i]);
	if (wants_listing(&g))
		put_listings(&g);
	put_contents(&g);
	answer = get_answer(&g, missing);
	jmap_fetch_fini(&g.f);
	return answer;
}

/* --- changes ---------------------------------------------------------------
 */

struct changed {
	struct jmap_changes lists;
	int64_t left; /* of maxChanges */
};

static bool
add_change(void *arg, const struct catalog_told *told)
{
	struct changed *ch = arg;
	json_t *to = told->change == CATALOG_CREATED   ? ch->lists.created
		     : told->change == CATALOG_UPDATED ? ch->lists.updated
						       : ch->lists.destroyed;

	if (told->is_later)
		return true;
	if (ch->left-- == 0)
		return false;
	(void)json_array_append_new(to, json_string(told->id));
	return true;
}

json_t *
jmap_email_changes(struct jmap_call *c)
{
	struct changed ch;
	struct buf state;
	const char *since;
	json_t *answer;
	bool more;

	if (!jmap_since_state(c, &since, &ch.left))
		return c->error;
	jmap_changes_init(&ch.lists);
	buf_init(&state, 3 * STATE_MAX);
	if (catalog_changes(c->q->catalog, CATALOG_BY_ID, str_of(since),
		add_change, &ch, &state, &more)) {
		answer = jmap_changes_answer(c, &ch.lists, since, &state, more);
	} else {
		jmap_changes_fini(&ch.lists);
		answer = jmap_error(c, "cannotCalculateChanges", NULL);
	}
	buf_fini(&state);
	return answer;
}
