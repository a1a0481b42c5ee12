/*
 * jmap/mailbox.c - Mailbox/get, /changes, /query and /set (RFC 8621, 2).
 */
#include "jmap/mailbox.h"

#include "base/codec.h"
#include "base/str.h"

#include <stdlib.h>

enum { STATE_MAX = 1 << 20 };

static const struct {
	const char *use, *role;
	int order;
} roles[] = {
	{ "", "inbox", 1 },
	{ "\\Drafts", "drafts", 2 },
	{ "\\Sent", "sent", 3 },
	{ "\\Archive", "archive", 4 },
	{ "\\Junk", "junk", 5 },
	{ "\\Trash", "trash", 6 },
	{ "\\Flagged", "flagged", 7 },
	{ "\\All", "all", 8 },
	{ "\\Important", "important", 9 },
};
#define ROLES (sizeof(roles) / sizeof(roles[0]))
enum { OTHERS = 10 }; /* their sortOrder */

/* NULL: none. */
const char *
jmap_role(const struct catalog_box *box)
{
	if (strcmp(box->name, "INBOX") == 0)
		return roles[0].role;
	for (size_t i = 1; i < ROLES; i++)
		if (strcasecmp(box->special_use, roles[i].use) == 0)
			return roles[i].role;
	return NULL;
}

struct catalog_box *
jmap_box_with_role(struct jmap_call *c, const char *role)
{
	for (size_t i = 0; i < catalog_boxes(c->q->catalog); i++) {
		struct catalog_box *box = catalog_box(c->q->catalog, i);
		const char *own = jmap_role(box);

		if (own != NULL && strcmp(own, role) == 0)
			return box;
	}
	return NULL;
}

int
jmap_box_order(const struct catalog_box *box)
{
	const char *role = jmap_role(box);

	for (size_t i = 0; i < ROLES; i++)
		if (role == roles[i].role)
			return roles[i].order;
	return OTHERS;
}

struct catalog_box *
jmap_box_parent(
    struct jmap_call *c, const struct catalog_box *box, const char **name_r)
{
	const char *end = box->name + strlen(box->name);
	char *above = str_dup(str_of(box->name));
	struct catalog_box *parent = NULL;

	*name_r = box->name;
	while (parent == NULL && end > box->name) {
		while (end > box->name && *end != '/')
			end--;
		if (end == box->name)
			break;
		above[end - box->name] = '\0';
		parent = catalog_find_name(c->q->catalog, above);
		if (parent != NULL)
			*name_r = end + 1;
		end--;
	}
	free(above);
	return parent;
}

const char *
jmap_box_name(const struct catalog_box *box, const char *name)
{
	return strcmp(box->name, "INBOX") == 0 ? "Inbox" : name;
}

bool
jmap_box_is_subscribed(const struct catalog_box *box)
{
	return strcmp(box->name, "INBOX") == 0 || box->is_subscribed;
}

/* --- get -------------------------------------------------------------------
 */

static json_t *
rights(void)
{
	return json_pack("{s:b,s:b,s:b,s:b,s:b,s:b,s:b,s:b,s:b}",
	    "mayReadItems", 1, "mayAddItems", 1, "mayRemoveItems", 1,
	    "maySetSeen", 1, "maySetKeywords", 1, "mayCreateChild", 1,
	    "mayRename", 1, "mayDelete", 1, "maySubmit", 1);
}

static void
put_counts(json_t *object, struct catalog_box *box, json_t *properties)
{
	const struct catalog_counts *n = &box->counts;

	if (!jmap_wants(properties, "totalEmails") &&
	    !jmap_wants(properties, "unreadEmails") &&
	    !jmap_wants(properties, "totalThreads") &&
	    !jmap_wants(properties, "unreadThreads"))
		return;
	if (jmap_wants(properties, "totalEmails"))
		(void)json_object_set_new(
		    object, "totalEmails", json_integer((json_int_t)n->emails));
	if (jmap_wants(properties, "unreadEmails"))
		(void)json_object_set_new(object, "unreadEmails",
		    json_integer((json_int_t)n->unread));
	if (jmap_wants(properties, "totalThreads"))
		(void)json_object_set_new(object, "totalThreads",
		    json_integer((json_int_t)n->threads));
	if (jmap_wants(properties, "unreadThreads"))
		(void)json_object_set_new(object, "unreadThreads",
		    json_integer((json_int_t)n->unread_threads));
}

json_t *
jmap_mailbox_object(
    struct jmap_call *c, struct catalog_box *box, json_t *properties)
{
	json_t *object = json_pack("{s:s}", "id", box->id);
	const char *name, *role = jmap_role(box);
	struct catalog_box *parent = jmap_box_parent(c, box, &name);
	bool is_inbox = strcmp(box->name, "INBOX") == 0;

	if (jmap_wants(properties, "name"))
		(void)json_object_set_new(
		    object, "name", json_string(jmap_box_name(box, name)));
	if (jmap_wants(properties, "parentId"))
		(void)json_object_set_new(object, "parentId",
		    parent != NULL ? json_string(parent->id) : json_null());
	if (jmap_wants(properties, "role"))
		(void)json_object_set_new(object, "role",
		    role != NULL ? json_string(role) : json_null());
	if (jmap_wants(properties, "sortOrder"))
		(void)json_object_set_new(
		    object, "sortOrder", json_integer(jmap_box_order(box)));
	if (jmap_wants(properties, "isSubscribed"))
		(void)json_object_set_new(object, "isSubscribed",
		    json_boolean(jmap_box_is_subscribed(box)));
	if (jmap_wants(properties, "myRights")) {
		json_t *r = rights();

		if (is_inbox) {
			(void)json_object_set_new(r, "mayDelete", json_false());
			(void)json_object_set_new(r, "mayRename", json_false());
		}
		(void)json_object_set_new(object, "myRights", r);
	}
	put_counts(object, box, properties);
	return object;
}

static json_t *
get_mailbox(struct jmap_call *c, const char *id, json_t *properties)
{
	struct catalog_box *box = catalog_find_box(c->q->catalog, str_of(id));

	return box != NULL ? jmap_mailbox_object(c, box, properties) : NULL;
}

static void
all_mailboxes(struct jmap_call *c, json_t *ids)
{
	for (size_t i = 0; i < catalog_boxes(c->q->catalog); i++)
		(void)json_array_append_new(
		    ids, json_string(catalog_box(c->q->catalog, i)->id));
}

static bool
knows_mailbox(const char *name)
{
	static const char *const known[] = { "id", "name", "parentId", "role",
		"sortOrder", "totalEmails", "unreadEmails", "totalThreads",
		"unreadThreads", "myRights", "isSubscribed" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i]) == 0)
			return true;
	return false;
}

json_t *
jmap_mailbox_get(struct jmap_call *c)
{
	static const struct jmap_getter getter = { .state = jmap_mailbox_state,
		.one = get_mailbox,
		.all = all_mailboxes,
		.knows = knows_mailbox };

	return jmap_get(c, &getter);
}

/* --- states ----------------------------------------------------------------
 */

/* What a state tells of a mailbox. */
struct known {
	uint64_t id, looks, counts;
};

static struct known
know(struct catalog_box *box)
{
	const struct catalog_counts *n = &box->counts;
	struct known k = { .id = box->hash };
	struct buf text;

	buf_init(&text, 8192);
	(void)buf_printf(&text, "%s\n%s\n%d", box->name, box->special_use,
	    box->is_subscribed);
	(void)buf_putc(&text, '\0');
	k.looks = catalog_box_hash(text.p);
	buf_clear(&text);
	(void)buf_printf(&text, "%zu %zu %zu %zu", n->emails, n->unread,
	    n->threads, n->unread_threads);
	(void)buf_putc(&text, '\0');
	k.counts = catalog_box_hash(text.p);
	buf_fini(&text);
	return k;
}

static void
put_known(const struct known *k, struct buf *out)
{
	number_encode(k->id, out);
	number_encode(k->looks, out);
	number_encode(k->counts, out);
}

void
jmap_mailbox_state(struct jmap_call *c, struct buf *out)
{
	for (size_t i = 0; i < catalog_boxes(c->q->catalog); i++) {
		struct known k = know(catalog_box(c->q->catalog, i));

		put_known(&k, out);
	}
}

static struct known *
parse_state(const char *state, size_t *n_r)
{
	struct pst_str rest = str_of(state);
	struct known *known = NULL;
	size_t n = 0, cap = 0;

	if (rest.n == 0 || rest.n > STATE_MAX)
		return NULL;
	mem_grow(&known, &cap, 1, sizeof(*known));
	while (rest.n > 0) {
		mem_grow(&known, &cap, n + 1, sizeof(*known));
		if (!number_decode(&rest, &known[n].id) ||
		    !number_decode(&rest, &known[n].looks) ||
		    !number_decode(&rest, &known[n].counts)) {
			free(known);
			return NULL;
		}
		n++;
	}
	*n_r = n;
	return known;
}

/* What is told, and the state of who knows of it: of each mailbox as it is now,
 * or as it was where there were more than maxChanges. */
struct changed {
	struct known *old; /* id 0: was compared */
	size_t n;
	struct jmap_changes lists;
	int64_t left; /* of maxChanges; below 0: there are more */
	bool only_counts;
	struct buf state;
};

static void
compare_box(struct changed *ch, struct catalog_box *box)
{
	struct known now = know(box), *old = NULL;

	for (size_t i = 0; i < ch->n && old == NULL; i++)
		if (ch->old[i].id == now.id)
			old = &ch->old[i];
	if (old == NULL) {
		if (--ch->left < 0)
			return;
		(void)json_array_append_new(
		    ch->lists.created, json_string(box->id));
	} else if (old->looks != now.looks || old->counts != now.counts) {
		if (--ch->left < 0)
			now = *old;
		else
			(void)json_array_append_new(
			    ch->lists.updated, json_string(box->id));
		if (old->looks != now.looks)
			ch->only_counts = false;
	}
	put_known(&now, &ch->state);
	if (old != NULL)
		old->id = 0;
}

/* One that is not there any more. False: nobody knows which it was. */
static bool
tell_gone(struct changed *ch, struct catalog *c, const struct known *old)
{
	const char *id = catalog_gone_box(c, (uint32_t)old->id);

	if (id == NULL)
		return false;
	if (--ch->left < 0)
		put_known(old, &ch->state);
	else
		(void)json_array_append_new(
		    ch->lists.destroyed, json_string(id));
	return true;
}

json_t *
jmap_mailbox_changes(struct jmap_call *c)
{
	struct changed ch = { .only_counts = true };
	const char *since;
	bool ok = true;
	json_t *answer;

	if (!jmap_since_state(c, &since, &ch.left))
		return c->error;
	ch.old = parse_state(since, &ch.n);
	if (ch.old == NULL)
		return jmap_error(c, "cannotCalculateChanges", NULL);
	jmap_changes_init(&ch.lists);
	buf_init(&ch.state, STATE_MAX);
	for (size_t i = 0; i < catalog_boxes(c->q->catalog); i++)
		compare_box(&ch, catalog_box(c->q->catalog, i));
	for (size_t i = 0; i < ch.n && ok; i++)
		ok = ch.old[i].id == 0 ||
		     tell_gone(&ch, c->q->catalog, &ch.old[i]);
	free(ch.old);
	if (ok) {
		ch.only_counts = ch.only_counts &&
				 json_array_size(ch.lists.updated) > 0;
		answer = jmap_changes_answer(
		    c, &ch.lists, since, &ch.state, ch.left < 0);
		(void)json_object_set_new(answer, "updatedProperties",
		    ch.only_counts
			? json_pack("[s,s,s,s]", "totalEmails", "unreadEmails",
			      "totalThreads", "unreadThreads")
			: json_null());
	} else {
		jmap_changes_fini(&ch.lists);
		answer = jmap_error(c, "cannotCalculateChanges", NULL);
	}
	buf_fini(&ch.state);
	return answer;
}
