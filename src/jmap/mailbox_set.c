/*
 * jmap/mailbox_set.c - Mailbox/set (RFC 8621, 2.5).
 */
#include "base/str.h"
#include "jmap/mailbox.h"
#include "mailbox/metadata.h"

#include <stdlib.h>

static const struct {
	const char *role, *use;
} uses[] = {
	{ "drafts", "\\Drafts" },
	{ "sent", "\\Sent" },
	{ "archive", "\\Archive" },
	{ "junk", "\\Junk" },
	{ "trash", "\\Trash" },
	{ "flagged", "\\Flagged" },
	{ "all", "\\All" },
	{ "important", "\\Important" },
};

static const char *
use_of(const char *role)
{
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		if (strcmp(role, uses[i].role) == 0)
			return uses[i].use;
	return NULL;
}

/* The whole name below a parent. NULL, or a SetError. */
static json_t *
make_name(
    struct jmap_call *c, const char *name, json_t *parent_id, struct buf *out)
{
	struct buf text;
	enum pst_rc rc;

	buf_init(&text, 4096);
	if (json_is_string(parent_id)) {
		const char *id = jmap_real_id(
		    c->q, json_string_value(parent_id));
		struct catalog_box *parent = id != NULL ? catalog_find_box(
							      c->q->catalog,
							      str_of(id))
							: NULL;

		if (parent == NULL)
			return jmap_set_error("invalidProperties", "parentId",
			    "There is no such mailbox.");
		(void)buf_printf(&text, "%s/", parent->name);
	} else if (parent_id != NULL && !json_is_null(parent_id)) {
		return jmap_set_error("invalidProperties", "parentId", NULL);
	}
	(void)buf_puts(&text, name);
	rc = strchr(name, '/') != NULL || name[0] == '\0'
		 ? PST_E_SYNTAX
		 : mailbox_name_clean(buf_str(&text), out);
	buf_fini(&text);
	if (rc != PST_OK || !buf_putc(out, '\0'))
		return jmap_set_error("invalidProperties", "name",
		    "A mailbox cannot have that name.");
	return NULL;
}

static json_t *
create_named(struct jmap_call *c, const char *name, const char *use,
    bool subscribe, json_t **made_r)
{
	struct mail_account *acct = catalog_account(c->q->catalog);
	struct catalog_box *box;
	struct pst_error err = { 0 };
	enum pst_rc rc = mailbox_create(acct, name, use, &err);

	if (rc == PST_E_EXISTS)
		return jmap_set_error("invalidProperties", "name",
		    "There is a mailbox of that name.");
	if (rc == PST_OK && subscribe)
		rc = mailbox_subscribe(acct, name, true, &err);
	if (rc == PST_OK)
		rc = catalog_sync(c->q->catalog, &err);
	if (rc != PST_OK)
		return jmap_set_failed(&err);
	box = catalog_find_name(c->q->catalog, name);
	if (box == NULL)
		return jmap_set_error("serverFail", NULL, NULL);
	*made_r = jmap_mailbox_object(c, box, NULL);
	return NULL;
}

/* What only the server says of a new one. */
static json_t *
check_created(json_t *object)
{
	static const char *const settable[] = { "name", "parentId", "role",
		"sortOrder", "isSubscribed" };
	json_t *value = json_object_get(object, "isSubscribed");
	const char *key;

	if (value != NULL && !json_is_boolean(value))
		return jmap_set_error(
		    "invalidProperties", "isSubscribed", NULL);
	value = json_object_get(object, "sortOrder");
	if (value != NULL &&
	    (!json_is_integer(value) || json_integer_value(value) < 0))
		return jmap_set_error("invalidProperties", "sortOrder", NULL);
	value = json_object_get(object, "role");
	if (value != NULL && !json_is_null(value) && !json_is_string(value))
		return jmap_set_error("invalidProperties", "role", NULL);
	json_object_foreach(object, key, value)
	{
		bool ok = false;

		for (size_t i = 0; i < sizeof(settable) / sizeof(settable[0]);
		     i++)
			ok = ok || strcmp(key, settable[i]) == 0;
		if (!ok)
			return jmap_set_error("invalidProperties", key, NULL);
	}
	return NULL;
}

static json_t *
create(
    struct jmap_call *c, const char *creation, json_t *object, json_t **made_r)
{
	const char *name = json_string_value(json_object_get(object, "name"));
	const char *role = json_string_value(json_object_get(object, "role"));
	const char *use = role != NULL ? use_of(role) : "";
	json_t *subscribed = json_object_get(object, "isSubscribed");
	struct buf whole;
	json_t *error;

	(void)creation;
	error = check_created(object);
	if (error != NULL)
		return error;
	if (name == NULL)
		return jmap_set_error("invalidProperties", "name", NULL);
	if (use == NULL ||
	    (role != NULL && jmap_box_with_role(c, role) != NULL))
		return jmap_set_error("invalidProperties", "role", NULL);
	buf_init(&whole, 4096);
	error = make_name(c, name, json_object_get(object, "parentId"), &whole);
	if (error == NULL)
		error = create_named(
		    c, whole.p, use, !json_is_false(subscribed), made_r);
	buf_fini(&whole);
	return error;
}

/* --- update ----------------------------------------------------------------
 */

/* `parent`, an id, is the mailbox or one below it. */
static bool
is_below(struct jmap_call *c, const struct catalog_box *box, json_t *parent)
{
	const char *id = jmap_real_id(c->q, json_string_value(parent)), *name;
	const struct catalog_box *at = id != NULL
					   ? catalog_find_box(
						 c->q->catalog, str_of(id))
					   : NULL;

	while (at != NULL && at != box)
		at = jmap_box_parent(c, at, &name);
	return at != NULL;
}

/* Names are subscribed to (RFC 3501, 6.3.6), but isSubscribed is the mailbox's:
 * it comes along when that gets another name, as it does for those below. */
static enum pst_rc
rename_subscribed(struct jmap_call *c, const struct catalog_box *box,
    const char *to, struct pst_error *err)
{
	struct catalog *catalog = c->q->catalog;
	struct mail_account *acct = catalog_account(catalog);
	char *from = str_dup(str_of(box->name));
	size_t n = strlen(from);
	enum pst_rc rc = mailbox_rename(acct, from, to, err);

	/* The catalog still has the names from before. */
	for (size_t i = 0; rc == PST_OK && i < catalog_boxes(catalog); i++) {
		const struct catalog_box *b = catalog_box(catalog, i);
		struct buf name;

		if (!b->is_subscribed || strncmp(b->name, from, n) != 0 ||
		    (b->name[n] != '\0' && b->name[n] != '/'))
			continue;
		buf_init(&name, 8192);
		(void)buf_printf(&name, "%s%s", to, b->name + n);
		if (buf_putc(&name, '\0'))
			rc = mailbox_subscribe(acct, name.p, true, err);
		if (rc == PST_OK)
			rc = mailbox_subscribe(acct, b->name, false, err);
		buf_fini(&name);
	}
	free(from);
	return rc;
}

static json_t *
rename_box(struct jmap_call *c, struct catalog_box *box, json_t *patch)
{
	json_t *name = json_object_get(patch, "name");
	json_t *parent = json_object_get(patch, "parentId"), *error;
	const char *slash = strrchr(box->name, '/');
	struct pst_error err = { 0 };
	struct buf whole;
	enum pst_rc rc;

	if (name == NULL && parent == NULL)
		return NULL;
	if (strcmp(box->name, "INBOX") == 0)
		return jmap_set_error("forbidden", NULL, NULL);
	if (name != NULL && !json_is_string(name))
		return jmap_set_error("invalidProperties", "name", NULL);
	if (is_below(c, box, parent))
		return jmap_set_error("invalidProperties", "parentId",
		    "A mailbox is not below itself.");
	buf_init(&whole, 4096);
	if (parent == NULL && slash != NULL) {
		struct catalog_box *above;
		char *path = str_dup(
		    str_n(box->name, (size_t)(slash - box->name)));

		above = catalog_find_name(c->q->catalog, path);
		free(path);
		parent = above != NULL ? json_string(above->id) : json_null();
	} else {
		parent = parent != NULL ? json_incref(parent) : json_null();
	}
	error = make_name(c,
	    name != NULL    ? json_string_value(name)
	    : slash != NULL ? slash + 1
			    : box->name,
	    parent, &whole);
	json_decref(parent);
	if (error == NULL && strcmp(whole.p, box->name) != 0) {
		rc = rename_subscribed(c, box, whole.p, &err);
		if (rc == PST_E_EXISTS)
			error = jmap_set_error("invalidProperties", "name",
			    "There is a mailbox of that name.");
		else if (rc != PST_OK)
			error = jmap_set_failed(&err);
	}
	buf_fini(&whole);
	return error;
}

/* RFC 8621, 2: one mailbox of each role. */
static json_t *
set_role(struct jmap_call *c, struct catalog_box *box, json_t *value)
{
	const char *role = json_string_value(value), *use = NULL;
	struct catalog_box *other = NULL;
	struct metadata_entry entry = { .name = "/private/specialuse" };
	struct pst_error err = { 0 };

	if (role != NULL) {
		use = use_of(role);
		other = jmap_box_with_role(c, role);
	}
	if ((role == NULL && !json_is_null(value)) ||
	    (role != NULL && use == NULL) || other != NULL ||
	    strcmp(box->name, "INBOX") == 0)
		return jmap_set_error("invalidProperties", "role", NULL);
	if (use != NULL)
		entry.value = str_of(use);
	switch (metadata_set(
	    catalog_account(c->q->catalog), box->name, &entry, 1, &err)) {
	case PST_OK:
		return NULL;
	case PST_E_SYNTAX:
		return jmap_set_error("invalidProperties", "role",
		    "A mailbox cannot get that role.");
	default:
		break;
	}
	return jmap_set_failed(&err);
}

/* By the name that it has now. */
static json_t *
set_subscribed(struct jmap_call *c, const char *id, json_t *value)
{
	struct catalog_box *box;
	struct pst_error err = { 0 };

	if (!json_is_boolean(value))
		return jmap_set_error(
		    "invalidProperties", "isSubscribed", NULL);
	if (catalog_sync(c->q->catalog, &err) != PST_OK)
		return jmap_set_failed(&err);
	box = catalog_find_box(c->q->catalog, str_of(id));
	if (box != NULL && mailbox_subscribe(catalog_account(c->q->catalog),
			       box->name, json_is_true(value), &err) != PST_OK)
		return jmap_set_failed(&err);
	return NULL;
}

/* What is as it was is no change; of the rest, what cannot change. */
static json_t *
check_update(json_t *object, json_t *patch)
{
	static const char *const settable[] = { "name", "parentId", "role",
		"isSubscribed" };
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe(patch, next, key, value)
	{
		bool ok = false;

		if (json_equal(json_object_get(object, key), value)) {
			(void)json_object_del(patch, key);
			continue;
		}
		for (size_t i = 0; i < sizeof(settable) / sizeof(settable[0]);
		     i++)
			ok = ok || strcmp(key, settable[i]) == 0;
		if (!ok)
			return jmap_set_error("invalidProperties", key, NULL);
	}
	return NULL;
}

static json_t *
apply(
    struct jmap_call *c, struct catalog_box *box, const char *id, json_t *patch)
{
	json_t *role = json_object_get(patch, "role");
	json_t *subscribed = json_object_get(patch, "isSubscribed");
	json_t *error = NULL;

	if (role != NULL)
		error = set_role(c, box, role);
	if (error == NULL)
		error = rename_box(c, box, patch);
	if (error == NULL && subscribed != NULL)
		error = set_subscribed(c, id, subscribed);
	return error;
}

static json_t *
update(struct jmap_call *c, const char *id, json_t *patch, json_t **changed_r)
{
	struct catalog_box *box = catalog_find_box(c->q->catalog, str_of(id));
	struct pst_error err = { 0 };
	json_t *object, *wanted, *error;

	(void)changed_r;
	if (box == NULL)
		return jmap_set_error("notFound", NULL, NULL);
	object = jmap_mailbox_object(c, box, NULL);
	wanted = json_copy(patch);
	error = check_update(object, wanted);
	if (error == NULL)
		error = apply(c, box, id, wanted);
	json_decref(wanted);
	json_decref(object);
	if (error == NULL && catalog_sync(c->q->catalog, &err) != PST_OK)
		error = jmap_set_failed(&err);
	return error;
}

/* --- destroy ---------------------------------------------------------------
 */

static bool
has_children(struct jmap_call *c, const struct catalog_box *box)
{
	size_t n = strlen(box->name);

	for (size_t i = 0; i < catalog_boxes(c->q->catalog); i++) {
		const char *name = catalog_box(c->q->catalog, i)->name;

		if (strncmp(name, box->name, n) == 0 && name[n] == '/')
			return true;
	}
	return false;
}

static json_t *
destroy(struct jmap_call *c, const char *id)
{
	struct catalog_box *box = catalog_find_box(c->q->catalog, str_of(id));
	struct pst_error err = { 0 };
	bool removes;

	if (box == NULL)
		return jmap_set_error("notFound", NULL, NULL);
	(void)jmap_get_bool(c, "onDestroyRemoveEmails", false, &removes);
	if (strcmp(box->name, "INBOX") == 0)
		return jmap_set_error("forbidden", NULL, NULL);
	if (has_children(c, box))
		return jmap_set_error("mailboxHasChild", NULL, NULL);
	if (box->counts.emails > 0 && !removes)
		return jmap_set_error("mailboxHasEmail", NULL, NULL);
	if (mailbox_delete(catalog_account(c->q->catalog), box->name, &err) !=
		PST_OK ||
	    mailbox_subscribe(catalog_account(c->q->catalog), box->name, false,
		&err) != PST_OK ||
	    catalog_sync(c->q->catalog, &err) != PST_OK)
		return jmap_set_failed(&err);
	return NULL;
}

json_t *
jmap_mailbox_set(struct jmap_call *c)
{
	static const struct jmap_setter setter = { .state = jmap_mailbox_state,
		.create = create,
		.update = update,
		.destroy = destroy };
	bool removes;

	if (!jmap_get_bool(c, "onDestroyRemoveEmails", false, &removes))
		return c->error;
	return jmap_set(c, &setter);
}
