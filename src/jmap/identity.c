/*
 * jmap/identity.c - Identity (RFC 8621, 6): as whom a user may write. Kept as
 * one text with the account; the first one is the user's own address and always
 * there.
 */
#include "base/clock.h"
#include "base/codec.h"
#include "base/str.h"
#include "jmap/account.h"

#include <stdlib.h>

#define KEY "postern/identities"

enum { MOST = 100, TEXT_MAX = 256 * 1024 };

static void
take_text(void *arg, const char *key, struct pst_str value)
{
	if (strcmp(key, KEY) == 0)
		(void)buf_add_str(arg, value);
}

static json_t *
own_identity(struct jmap_call *c)
{
	return json_pack("{s:s, s:s, s:s, s:n, s:n, s:s, s:s, s:b}", "id",
	    "own", "name", c->q->user->name, "email", c->q->user->address,
	    "replyTo", "bcc", "textSignature", "", "htmlSignature", "",
	    "mayDelete", 0);
}

/* An object of all, by id. */
static json_t *
load(struct jmap_call *c)
{
	struct pst_error err;
	struct buf text;
	json_t *all;

	buf_init(&text, TEXT_MAX);
	(void)mailbox_meta_get(
	    catalog_account(c->q->catalog), NULL, KEY, take_text, &text, &err);
	all = jmap_load(buf_str(&text));
	buf_fini(&text);
	if (!json_is_object(all)) {
		json_decref(all);
		all = json_object();
	}
	if (json_object_get(all, "own") == NULL)
		(void)json_object_set_new(all, "own", own_identity(c));
	return all;
}

static json_t *
save(struct jmap_call *c, json_t *all)
{
	char *text = json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS);
	struct pst_error err = { 0 };
	json_t *error = NULL;

	if (strlen(text) > TEXT_MAX)
		error = jmap_set_error("tooLarge", NULL, NULL);
	else if (mailbox_meta_set(catalog_account(c->q->catalog), NULL, KEY,
		     str_of(text), &err) != PST_OK)
		error = jmap_set_failed(&err);
	free(text);
	return error;
}

static void
identity_state(struct jmap_call *c, struct buf *out)
{
	json_t *all = load(c);
	char *text = json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS);
	char id[JMAP_ID];

	jmap_make_id("S", str_of(text), id);
	(void)buf_puts(out, id);
	free(text);
	json_decref(all);
}

/* Only the wanted properties. */
static json_t *
choose(json_t *object, json_t *properties)
{
	json_t *chosen = json_object(), *value;
	const char *name;

	json_object_foreach(object, name, value)
	{
		if (strcmp(name, "id") == 0 || jmap_wants(properties, name))
			(void)json_object_set(chosen, name, value);
	}
	return chosen;
}

static json_t *
get_identity(struct jmap_call *c, const char *id, json_t *properties)
{
	json_t *all = load(c), *one = json_object_get(all, id);
	json_t *chosen = one != NULL ? choose(one, properties) : NULL;

	json_decref(all);
	return chosen;
}

static void
all_identities(struct jmap_call *c, json_t *ids)
{
	json_t *all = load(c), *value;
	const char *id;

	json_object_foreach(all, id, value)
	{
		(void)json_array_append_new(ids, json_string(id));
	}
	json_decref(all);
}

static bool
knows_identity(const char *name)
{
	static const char *const known[] = { "id", "name", "email", "replyTo",
		"bcc", "textSignature", "htmlSignature", "mayDelete" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i]) == 0)
			return true;
	return false;
}

json_t *
jmap_find_identity(struct jmap_call *c, const char *id)
{
	return get_identity(c, id, NULL);
}

json_t *
jmap_identity_get(struct jmap_call *c)
{
	static const struct jmap_getter getter = { .state = identity_state,
		.one = get_identity,
		.all = all_identities,
		.knows = knows_identity };

	return jmap_get(c, &getter);
}

json_t *
jmap_identity_changes(struct jmap_call *c)
{
	return jmap_no_changes(c, identity_state);
}

/* --- set -------------------------------------------------------------------
 */

/* NULL, or what is wrong with it. */
static json_t *
check(json_t *object)
{
	static const char *const texts[] = { "name", "textSignature",
		"htmlSignature" };
	static const char *const lists[] = { "replyTo", "bcc" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (!json_is_string(json_object_get(object, texts[i])))
			return jmap_set_error(
			    "invalidProperties", texts[i], NULL);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		json_t *list = json_object_get(object, lists[i]), *one;
		size_t k;

		if (!json_is_null(list) && !json_is_array(list))
			return jmap_set_error(
			    "invalidProperties", lists[i], NULL);
		json_array_foreach(list, k, one)
		{
			if (!json_is_string(json_object_get(one, "email")))
				return jmap_set_error(
				    "invalidProperties", lists[i], NULL);
		}
	}
	return NULL;
}

static json_t *
create(
    struct jmap_call *c, const char *creation, json_t *object, json_t **made_r)
{
	const char *email = json_string_value(json_object_get(object, "email"));
	json_t *all, *identity, *error, *value;
	const char *name;
	unsigned char octets[8];
	struct pst_error err;
	char id[20];

	(void)creation;
	if (email == NULL)
		return jmap_set_error("invalidProperties", "email", NULL);
	json_object_foreach(object, name, value)
	{
		if (!knows_identity(name) || strcmp(name, "id") == 0 ||
		    strcmp(name, "mayDelete") == 0)
			return jmap_set_error("invalidProperties", name, NULL);
	}
	if (account_may_send_as(
		c->q->sv->accounts, c->q->user->address, email, &err) != PST_OK)
		return jmap_set_error("forbiddenFrom", NULL,
		    "That is not one of your addresses.");
	random_bytes(octets, sizeof(octets));
	hex_encode(octets, sizeof(octets), id);
	identity = own_identity(c);
	(void)json_object_set_new(identity, "name", json_string(""));
	(void)json_object_update_existing(identity, object);
	(void)json_object_set_new(identity, "id", json_string(id));
	(void)json_object_set_new(identity, "mayDelete", json_true());
	error = check(identity);
	all = load(c);
	if (error == NULL && json_object_size(all) >= MOST)
		error = jmap_set_error("overQuota", NULL, NULL);
	if (error == NULL) {
		(void)json_object_set(all, id, identity);
		error = save(c, all);
	}
	if (error == NULL)
		*made_r = json_incref(identity);
	json_decref(identity);
	json_decref(all);
	return error;
}

/* What cannot change may be there as it is (RFC 8620, 5.3). */
static json_t *
check_patch(json_t *identity, json_t *patch)
{
	static const char *const fixed[] = { "id", "email", "mayDelete" };
	const char *name;
	json_t *value;

	json_object_foreach(patch, name, value)
	{
		bool ok = knows_identity(name);

		for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
			if (strcmp(name, fixed[i]) == 0)
				ok = json_equal(
				    value, json_object_get(identity, name));
		if (!ok)
			return jmap_set_error(
			    "invalidProperties", name, "That cannot change.");
	}
	return NULL;
}

static json_t *
update(struct jmap_call *c, const char *id, json_t *patch, json_t **changed_r)
{
	json_t *all = load(c), *identity = json_object_get(all, id), *error;

	(void)changed_r;
	if (identity == NULL)
		error = jmap_set_error("notFound", NULL, NULL);
	else
		error = check_patch(identity, patch);
	if (error == NULL)
		error = jmap_patch(identity, patch);
	if (error == NULL)
		error = check(identity);
	if (error == NULL)
		error = save(c, all);
	json_decref(all);
	return error;
}

static json_t *
destroy(struct jmap_call *c, const char *id)
{
	json_t *all = load(c), *error = NULL;

	if (json_object_get(all, id) == NULL)
		error = jmap_set_error("notFound", NULL, NULL);
	else if (strcmp(id, "own") == 0)
		error = jmap_set_error("forbidden", NULL, NULL);
	if (error == NULL) {
		(void)json_object_del(all, id);
		error = save(c, all);
	}
	json_decref(all);
	return error;
}

json_t *
jmap_identity_set(struct jmap_call *c)
{
	static const struct jmap_setter setter = { .state = identity_state,
		.create = create,
		.update = update,
		.destroy = destroy };

	return jmap_set(c, &setter);
}
