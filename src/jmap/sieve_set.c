/*
 * jmap/sieve_set.c - SieveScript/set and /validate (RFC 9661, 2.4, 2.6).
 */
#include "base/str.h"
#include "jmap/email.h"
#include "jmap/sieve.h"

enum { NAME_SIZE = 32 }; /* of those that are ours */

static struct mail_account *
account_of(struct jmap_call *c)
{
	return catalog_account(c->q->catalog);
}

static json_t *
invalid(const char *property, const char *why)
{
	return jmap_set_error("invalidProperties", property, why);
}

/* The text of a script, whose blob it is. NULL, or a SetError. */
static json_t *
read_text(struct jmap_call *c, const char *blob, struct buf *text)
{
	struct sieve_script *script;
	json_t *error = jmap_sieve_read(c, blob, text, &script);

	sieve_script_free(&script);
	return error;
}

static void
init_text(struct jmap_call *c, struct buf *text)
{
	/* What could be uploaded is too large, and not unknown. */
	buf_init(text, (size_t)c->q->cfg->http.upload_size);
}

json_t *
jmap_sieve_validate(struct jmap_call *c)
{
	json_t *error, *answer;
	struct buf text;
	const char *id;

	if (!jmap_get_text(c, "blobId", &id))
		return c->error;
	if (id == NULL)
		return jmap_error(c, "invalidArguments", "blobId");
	init_text(c, &text);
	error = read_text(c, id, &text);
	buf_fini(&text);
	answer = json_pack("{s:s}", "accountId", c->q->account);
	(void)json_object_set_new(
	    answer, "error", error != NULL ? error : json_null());
	return answer;
}

/* --- what a client may say of one ------------------------------------------
 */

struct wish {
	bool names;	  /* "name" is there; */
	const char *name; /* NULL: one of our choice */
	const char *blob; /* NULL: nothing is said of it */
};

/* NULL, or a SetError. `entry` NULL: it is a new one, which is not active. */
static json_t *
read_wish(json_t *object, const struct sieve_entry *entry, struct wish *w_r)
{
	bool is_active = entry != NULL && entry->is_active;
	const char *key;
	json_t *value;

	memset(w_r, 0, sizeof(*w_r));
	json_object_foreach(object, key, value)
	{
		const char *text = json_string_value(value);

		if (strcmp(key, "name") == 0) {
			if (text == NULL && !json_is_null(value))
				return invalid(key, NULL);
			w_r->names = true;
			w_r->name = text;
		} else if (strcmp(key, "blobId") == 0) {
			if (text == NULL)
				return invalid(key, NULL);
			w_r->blob = text;
		} else if (strcmp(key, "isActive") == 0) {
			if (!json_is_boolean(value) ||
			    json_is_true(value) != is_active)
				return invalid(key,
				    "That is for onSuccessActivateScript.");
		} else if (entry == NULL || strcmp(key, "id") != 0 ||
			   text == NULL || strcmp(text, entry->id) != 0) {
			return invalid(key, NULL);
		}
	}
	return NULL;
}

/* 2.1: a name by default. */
static const char *
free_name(const struct sieve_list *list, char name_r[NAME_SIZE])
{
	unsigned n = 0;

	do
		(void)snprintf(name_r, NAME_SIZE, "Script %u", ++n);
	while (sieve_list_find(list, name_r) != NULL);
	return name_r;
}

static json_t *
already_exists(const struct sieve_entry *entry)
{
	json_t *error = jmap_set_error("alreadyExists", "name", NULL);

	(void)json_object_set_new(error, "existingId", json_string(entry->id));
	return error;
}

/* What the store could not do; the script itself was compiled before. */
static json_t *
failed(const struct pst_error *err)
{
	if (err->rc == PST_E_SYNTAX)
		return invalid("name", "No script can be called so.");
	return jmap_set_failed(err);
}

/* --- set -------------------------------------------------------------------
 */

static json_t *
put(struct jmap_call *c, const char *name, struct pst_str text)
{
	struct sieve_problem problem = { 0 };
	struct pst_error err = { 0 };

	return sieve_put(account_of(c), c->q->cfg, name, text, &problem,
		   &err) == PST_OK
		   ? NULL
		   : failed(&err);
}

/* The id and what else the client does not know. */
static json_t *
describe_new(struct jmap_call *c, const char *name, bool names)
{
	struct pst_error err = { 0 };
	const struct sieve_entry *entry;
	json_t *made = NULL;
	struct sieve_list list;
	char blob[JMAP_ID];

	(void)sieve_list(account_of(c), &list, &err);
	entry = sieve_list_find(&list, name);
	if (entry != NULL) {
		jmap_sieve_blob_id(entry, blob);
		made = json_pack("{s:s, s:s, s:b}", "id", entry->id, "blobId",
		    blob, "isActive", (int)entry->is_active);
		if (names)
			(void)json_object_set_new(
			    made, "name", json_string(entry->name));
	}
	sieve_list_fini(&list);
	return made;
}

static json_t *
create_in(struct jmap_call *c, const struct sieve_list *list, json_t *object,
    json_t **made_r)
{
	const struct sieve_entry *other;
	char automatic[NAME_SIZE];
	struct buf text;
	struct wish w;
	json_t *error = read_wish(object, NULL, &w);

	if (error != NULL)
		return error;
	if (w.blob == NULL)
		return invalid("blobId", NULL);
	if (w.name == NULL)
		w.name = free_name(list, automatic);
	other = sieve_list_find(list, w.name);
	if (other != NULL)
		return already_exists(other);
	init_text(c, &text);
	error = read_text(c, w.blob, &text);
	if (error == NULL)
		error = put(c, w.name, buf_str(&text));
	buf_fini(&text);
	if (error != NULL)
		return error;
	*made_r = describe_new(c, w.name, w.name == automatic);
	return *made_r != NULL ? NULL
			       : jmap_set_error("serverFail", NULL, NULL);
}

static json_t *
create(
    struct jmap_call *c, const char *creation, json_t *object, json_t **made_r)
{
	struct pst_error err = { 0 };
	struct sieve_list list;
	json_t *error;

	(void)creation;
	error = sieve_list(account_of(c), &list, &err) == PST_OK
		    ? create_in(c, &list, object, made_r)
		    : jmap_set_failed(&err);
	sieve_list_fini(&list);
	return error;
}

/* Both or none; the new text is `text`, if it is one. */
static json_t *
change(struct jmap_call *c, const char *from, const char *to,
    const struct buf *text)
{
	bool moves = strcmp(from, to) != 0;
	struct pst_error err = { 0 }, ignored = { 0 };
	json_t *error = NULL;

	if (moves && sieve_rename(account_of(c), from, to, &err) != PST_OK)
		return failed(&err);
	if (text != NULL)
		error = put(c, to, buf_str(text));
	if (error != NULL && moves)
		(void)sieve_rename(account_of(c), to, from, &ignored);
	return error;
}

static json_t *
update_in(struct jmap_call *c, const struct sieve_list *list,
    const struct sieve_entry *entry, json_t *patch, json_t **changed_r)
{
	const struct sieve_entry *other;
	char automatic[NAME_SIZE], blob[JMAP_ID];
	json_t *error, *made;
	struct buf text;
	struct wish w;

	error = read_wish(patch, entry, &w);
	if (error != NULL)
		return error;
	if (!w.names)
		w.name = entry->name;
	else if (w.name == NULL)
		w.name = free_name(list, automatic);
	other = sieve_list_find(list, w.name);
	if (other != NULL && other != entry)
		return already_exists(other);
	jmap_sieve_blob_id(entry, blob);
	if (w.blob != NULL && strcmp(w.blob, blob) == 0)
		w.blob = NULL;
	init_text(c, &text);
	if (w.blob != NULL)
		error = read_text(c, w.blob, &text);
	if (error == NULL)
		error = change(
		    c, entry->name, w.name, w.blob != NULL ? &text : NULL);
	buf_fini(&text);
	if (error != NULL || (w.blob == NULL && w.name != automatic))
		return error;
	made = describe_new(c, w.name, w.name == automatic);
	(void)json_object_del(made, "id");
	(void)json_object_del(made, "isActive");
	*changed_r = made;
	return NULL;
}

static json_t *
update(struct jmap_call *c, const char *id, json_t *patch, json_t **changed_r)
{
	const struct sieve_entry *entry;
	struct pst_error err = { 0 };
	struct sieve_list list;
	json_t *error;

	if (sieve_list(account_of(c), &list, &err) != PST_OK) {
		error = jmap_set_failed(&err);
	} else {
		entry = sieve_list_find_id(&list, id);
		error = entry != NULL
			    ? update_in(c, &list, entry, patch, changed_r)
			    : jmap_set_error("notFound", NULL, NULL);
	}
	sieve_list_fini(&list);
	return error;
}

static json_t *
destroy(struct jmap_call *c, const char *id)
{
	const struct sieve_entry *entry;
	struct pst_error err = { 0 };
	struct sieve_list list;
	json_t *error = NULL;

	if (sieve_list(account_of(c), &list, &err) != PST_OK)
		error = jmap_set_failed(&err);
	else if ((entry = sieve_list_find_id(&list, id)) == NULL)
		error = jmap_set_error("notFound", NULL, NULL);
	else if (sieve_delete(account_of(c), entry->name, &err) != PST_OK)
		error = err.rc == PST_E_CONFLICT
			    ? jmap_set_error("sieveIsActive", NULL,
				  "It is the active one.")
			    : jmap_set_failed(&err);
	sieve_list_fini(&list);
	return error;
}

/* --- the active one --------------------------------------------------------
 */

/* All that was asked for is done. */
static bool
is_success(json_t *answer)
{
	static const char *const maps[] = { "notCreated", "notUpdated",
		"notDestroyed" };

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
		if (!json_is_null(json_object_get(answer, maps[i])))
			return false;
	return true;
}

static void
report_in(json_t *object, bool is_active)
{
	(void)json_object_set_new(object, "isActive", json_boolean(is_active));
}

/* 2.4: where the script was made, else among those that were changed. */
static void
report(json_t *answer, const char *id, bool is_active)
{
	json_t *made, *updated = json_object_get(answer, "updated"), *one;
	const char *creation;

	json_object_foreach(json_object_get(answer, "created"), creation, made)
	{
		if (strcmp(json_string_value(json_object_get(made, "id")),
			id) == 0) {
			report_in(made, is_active);
			return;
		}
	}
	if (!json_is_object(updated)) {
		updated = json_object();
		(void)json_object_set_new(answer, "updated", updated);
	}
	one = json_object_get(updated, id);
	if (!json_is_object(one)) {
		one = json_object();
		(void)json_object_set_new(updated, id, one);
	}
	report_in(one, is_active);
}

/* `to` NULL: none is. */
static void
switch_active(struct jmap_call *c, const struct sieve_list *list,
    const struct sieve_entry *to, json_t *answer)
{
	struct pst_error err = { 0 };

	if (sieve_activate(account_of(c), to != NULL ? to->name : NULL, &err) !=
	    PST_OK) {
		(void)jmap_failed(c, &err);
		return;
	}
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].is_active && &list->v[i] != to)
			report(answer, list->v[i].id, false);
	if (to != NULL)
		report(answer, to->id, true);
}

static void
set_active(struct jmap_call *c, const char *id, bool ends, json_t *answer)
{
	const struct sieve_entry *to = NULL;
	const char *real = jmap_real_id(c->q, id);
	struct pst_error err = { 0 };
	struct sieve_list list;
	struct buf state;

	if (sieve_list(account_of(c), &list, &err) != PST_OK)
		(void)jmap_failed(c, &err);
	else if (real != NULL)
		to = sieve_list_find_id(&list, real);
	/* An id that is none is ignored. */
	if (c->error == NULL && (to != NULL || ends))
		switch_active(c, &list, to, answer);
	sieve_list_fini(&list);
	buf_init(&state, JMAP_ID);
	jmap_sieve_state(c, &state);
	(void)json_object_set_new(answer, "newState", jmap_text(&state));
	buf_fini(&state);
}

json_t *
jmap_sieve_set(struct jmap_call *c)
{
	static const struct jmap_setter setter = { .state = jmap_sieve_state,
		.create = create,
		.update = update,
		.destroy = destroy };
	const char *activate;
	json_t *answer;
	bool ends;

	if (!jmap_get_text(c, "onSuccessActivateScript", &activate) ||
	    !jmap_get_bool(c, "onSuccessDeactivateScript", false, &ends))
		return c->error;
	answer = jmap_set(c, &setter);
	if (answer == c->error || (activate == NULL && !ends) ||
	    !is_success(answer))
		return answer;
	set_active(c, activate, ends, answer);
	return answer;
}
