/*
 * jmap/push_set.c - PushSubscription/get and /set (RFC 8620, 7.2.1, 7.2.2).
 * Everybody sees what was made with the same credentials, and no URLs and keys.
 */
#include "base/clock.h"
#include "base/codec.h"
#include "base/network.h"
#include "base/str.h"
#include "jmap/parts.h"
#include "jmap/push.h"
#include "jmap/push_priv.h"

enum {
	URL_MAX = 2048,
	DEVICE_MAX = 255,
	TYPES_MAX = 100,
	CODE_OCTETS = 18,
	MADE_IN_HOUR = 30, /* subscriptions of a user, each of which is sent
			    * one message unasked */
};

/* The file and what is asked of it, while the store is locked. */
struct subscriptions {
	json_t *root, *all;
	char word[HTTP_CREDENTIAL];
};

/* Methods get a call and no more, and run one at a time in a thread. */
static _Thread_local struct subscriptions *now;

static bool
begin(struct jmap_call *c, struct subscriptions *s)
{
	if (!jmap_request_credential(c->q, s->word)) {
		(void)jmap_error(c, "serverUnavailable", NULL);
		return false;
	}
	push_store_lock();
	s->root = push_store_get(c->q->cfg, c->q->account);
	s->all = json_object_get(s->root, "subscriptions");
	now = s;
	return true;
}

static void
end(struct subscriptions *s)
{
	now = NULL;
	json_decref(s->root);
	push_store_unlock();
}

/* NULL: there is none, or it is not theirs. */
static json_t *
find(const char *id)
{
	json_t *s = json_object_get(now->all, id);
	int64_t expires = push_number(s, "expires");

	if (strcmp(push_text(s, "credential"), now->word) != 0 ||
	    (expires != 0 && expires <= clock_seconds()))
		return NULL;
	return s;
}

/* There is no state (7.2.1). */
static void
no_state(struct jmap_call *c, struct buf *out)
{
	(void)c;
	(void)buf_puts(out, "0");
}

static json_t *
without_state(json_t *answer)
{
	static const char *const names[] = { "accountId", "state", "oldState",
		"newState" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)json_object_del(answer, names[i]);
	return answer;
}

/* --- get -------------------------------------------------------------------
 */

static json_t *
expires_of(json_t *s)
{
	int64_t expires = push_number(s, "expires");

	return expires != 0 ? jmap_date(expires) : json_null();
}

static json_t *
code_of(json_t *s)
{
	return push_is(s, "isVerified") ? json_string(push_text(s, "code"))
					: json_null();
}

static json_t *
get_one(struct jmap_call *c, const char *id, json_t *properties)
{
	json_t *s = find(id), *object, *types;

	(void)c;
	if (s == NULL)
		return NULL;
	object = json_pack("{s:s}", "id", id);
	if (jmap_wants(properties, "deviceClientId"))
		(void)json_object_set(object, "deviceClientId",
		    json_object_get(s, "deviceClientId"));
	if (jmap_wants(properties, "verificationCode"))
		(void)json_object_set_new(
		    object, "verificationCode", code_of(s));
	if (jmap_wants(properties, "expires"))
		(void)json_object_set_new(object, "expires", expires_of(s));
	types = json_object_get(s, "types");
	if (jmap_wants(properties, "types"))
		(void)json_object_set(
		    object, "types", types != NULL ? types : json_null());
	return object;
}

static void
all_ids(struct jmap_call *c, json_t *ids)
{
	const char *id;
	json_t *s;

	(void)c;
	json_object_foreach(now->all, id, s)
	{
		if (find(id) != NULL)
			(void)json_array_append_new(ids, json_string(id));
	}
}

static bool
knows(const char *property)
{
	static const char *const known[] = { "id", "deviceClientId",
		"verificationCode", "expires", "types" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (property != NULL && strcmp(property, known[i]) == 0)
			return true;
	return false;
}

/* "url" and "keys" are nobody's business. */
static bool
asks_for_secrets(json_t *properties)
{
	json_t *item;
	size_t i;

	json_array_foreach(properties, i, item)
	{
		if (strcmp(json_string_value(item), "url") == 0 ||
		    strcmp(json_string_value(item), "keys") == 0)
			return true;
	}
	return false;
}

json_t *
jmap_push_subscription_get(struct jmap_call *c)
{
	static const struct jmap_getter getter = { .state = no_state,
		.one = get_one,
		.all = all_ids,
		.knows = knows };
	struct subscriptions s;
	json_t *properties, *answer;

	if (!jmap_get_list(c, "properties", &properties))
		return c->error;
	if (asks_for_secrets(properties))
		return jmap_error(c, "forbidden", NULL);
	if (!begin(c, &s))
		return c->error;
	answer = jmap_get(c, &getter);
	end(&s);
	return answer == c->error ? answer : without_state(answer);
}

/* --- what may be in one ----------------------------------------------------
 */

static json_t *
invalid(const char *property, const char *why)
{
	return jmap_set_error("invalidProperties", property, why);
}

/* A name, no address: those of names are looked at when they are used. */
static bool
is_url(const char *url)
{
	struct pst_str s = str_of(url), host;
	struct ip_address address;
	size_t n = 0;

	if (s.n > URL_MAX || s.n <= 8 || memcmp(url, "https://", 8) != 0)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	s = str_from(s, 8);
	while (n < s.n && strchr("/?#", s.p[n]) == NULL)
		n++;
	s = str_first(s, n);
	host = str_first(s, str_find(s, ':'));
	return host.n > 0 && str_find(s, '@') == s.n &&
	       str_find(s, '[') == s.n && !ip_parse(host, &address);
}

static bool
is_types(json_t *types)
{
	unsigned bits;

	return jmap_type_bits(types, &bits) &&
	       json_array_size(types) <= TYPES_MAX;
}

static bool
is_keys(json_t *keys)
{
	struct webpush_keys read;

	return keys == NULL || json_is_null(keys) ||
	       webpush_keys_read(str_of(push_text(keys, "p256dh")),
		   str_of(push_text(keys, "auth")), &read);
}

/* Sessions end by themselves; what is made with a password does by then. */
static json_t *
take_expires(struct jmap_call *c, json_t *value, json_t *s)
{
	int64_t most = clock_seconds() + c->q->cfg->jmap.push_life, at = 0;
	bool is_session = str_has_prefix_case(str_of(now->word), "session:");

	if (value != NULL && !json_is_null(value) &&
	    (!json_is_string(value) ||
		!jmap_parse_date(json_string_value(value), &at)))
		return invalid("expires", NULL);
	if (!is_session && (at == 0 || at > most))
		at = most;
	if (at != 0)
		(void)json_object_set_new(s, "expires", json_integer(at));
	else
		(void)json_object_del(s, "expires");
	return NULL;
}

static json_t *
take_created(struct jmap_call *c, json_t *object, json_t *s)
{
	static const char *const known[] = { "deviceClientId", "url", "keys",
		"verificationCode", "expires", "types" };
	const char *device = push_text(object, "deviceClientId"), *name;
	json_t *value;

	json_object_foreach(object, name, value)
	{
		bool is_known = false;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			is_known = is_known || strcmp(name, known[i]) == 0;
		if (!is_known)
			return invalid(name, NULL);
	}
	if (device[0] == '\0' || strlen(device) > DEVICE_MAX)
		return invalid("deviceClientId", NULL);
	if (!is_url(push_text(object, "url")))
		return invalid("url", "It is no https URL with a host's name.");
	if (!is_keys(json_object_get(object, "keys")))
		return invalid("keys", NULL);
	value = json_object_get(object, "verificationCode");
	if (value != NULL && !json_is_null(value))
		return invalid("verificationCode", NULL);
	value = json_object_get(object, "types");
	if (!is_types(value))
		return invalid("types", NULL);
	(void)json_object_set(
	    s, "deviceClientId", json_object_get(object, "deviceClientId"));
	(void)json_object_set(s, "url", json_object_get(object, "url"));
	if (json_is_object(json_object_get(object, "keys")))
		(void)json_object_set(
		    s, "keys", json_object_get(object, "keys"));
	if (json_is_array(value))
		(void)json_object_set(s, "types", value);
	return take_expires(c, json_object_get(object, "expires"), s);
}

/* --- set -------------------------------------------------------------------
 */

/* RFC 8620, 8.6. False: too many were made lately. */
static bool
note_made(void)
{
	json_t *made = json_object_get(now->root, "made");
	int64_t hour = clock_seconds() - 3600;

	if (!json_is_array(made)) {
		made = json_array();
		(void)json_object_set_new(now->root, "made", made);
	}
	while (json_array_size(made) > 0 &&
	       json_integer_value(json_array_get(made, 0)) < hour)
		(void)json_array_remove(made, 0);
	return json_array_size(made) < MADE_IN_HOUR &&
	       json_array_append_new(made, json_integer(clock_seconds())) == 0;
}

static json_t *
save(struct jmap_call *c)
{
	struct pst_error err = { 0 };

	return push_store_put(c->q->cfg, c->q->account, now->root, &err) ==
		       PST_OK
		   ? NULL
		   : jmap_set_failed(&err);
}

static void
random_word(const char *prefix, char word_r[JMAP_ID])
{
	char octets[CODE_OCTETS];
	struct buf text;

	random_bytes(octets, sizeof(octets));
	buf_init(&text, JMAP_ID - 1);
	(void)buf_puts(&text, prefix);
	(void)base64url_encode(str_n(octets, sizeof(octets)), &text);
	(void)str_copy(word_r, JMAP_ID, buf_str(&text));
	buf_fini(&text);
}

static json_t *
add(struct jmap_call *c, const char *id, json_t *s)
{
	char code[JMAP_ID];
	json_t *error;

	random_word("", code);
	(void)json_object_set_new(s, "code", json_string(code));
	(void)json_object_set_new(s, "credential", json_string(now->word));
	(void)json_object_set_new(
	    now->root, "user", json_string(c->q->user->address));
	(void)json_object_set(now->all, id, s);
	error = save(c);
	if (error != NULL)
		(void)json_object_del(now->all, id);
	else
		jmap_push_look(c->q->account);
	return error;
}

static json_t *
create(
    struct jmap_call *c, const char *creation, json_t *object, json_t **made_r)
{
	json_t *s = json_object(), *error = take_created(c, object, s);
	char id[JMAP_ID];

	(void)creation;
	if (error == NULL && jmap_push_key() == NULL)
		error = jmap_set_error(
		    "forbidden", NULL, "Nothing is pushed here.");
	if (error == NULL && json_object_size(now->all) >=
				 (size_t)c->q->cfg->jmap.push_subscriptions)
		error = jmap_set_error("overQuota", NULL, NULL);
	if (error == NULL && !note_made())
		error = jmap_set_error("rateLimit", NULL, NULL);
	random_word("P", id);
	if (error == NULL)
		error = add(c, id, s);
	if (error == NULL) {
		*made_r = json_pack("{s:s, s:o, s:n}", "id", id, "expires",
		    expires_of(s), "verificationCode");
		if (json_object_get(object, "keys") == NULL)
			(void)json_object_set_new(*made_r, "keys", json_null());
		if (json_object_get(object, "types") == NULL)
			(void)json_object_set_new(
			    *made_r, "types", json_null());
	}
	json_decref(s);
	return error;
}

/* From now on changes are told. */
static json_t *
verify(struct jmap_call *c, json_t *value, json_t *s)
{
	const char *code = json_string_value(value);
	struct jmap_present present = { 0 };

	if (json_is_null(value) && !push_is(s, "isVerified"))
		return NULL;
	if (code == NULL || strcmp(code, push_text(s, "code")) != 0)
		return invalid("verificationCode", NULL);
	if (push_is(s, "isVerified"))
		return NULL;
	(void)json_object_set_new(s, "isVerified", json_true());
	(void)json_object_set_new(s, "isSent", json_true());
	jmap_present_of(c->q->catalog, &present);
	push_set_told(s, present.hash);
	jmap_present_fini(&present);
	return NULL;
}

static json_t *
change(struct jmap_call *c, const char *name, json_t *value, json_t *s)
{
	json_t *present = json_object_get(s, name);

	if (strcmp(name, "verificationCode") == 0)
		return verify(c, value, s);
	if (strcmp(name, "expires") == 0)
		return take_expires(c, value, s);
	if (strcmp(name, "types") != 0)
		return json_equal(
			   value, present != NULL ? present : json_null())
			   ? NULL
			   : invalid(name, NULL);
	if (!is_types(value))
		return invalid("types", NULL);
	if (json_is_null(value))
		(void)json_object_del(s, "types");
	else
		(void)json_object_set(s, "types", value);
	return NULL;
}

static json_t *
update(struct jmap_call *c, const char *id, json_t *patch, json_t **changed_r)
{
	json_t *old = find(id), *s, *error = NULL, *value, *asked;
	const char *name;

	if (old == NULL)
		return jmap_set_error("notFound", NULL, NULL);
	s = json_deep_copy(old);
	json_object_foreach(patch, name, value)
	{
		error = change(c, name, value, s);
		if (error != NULL)
			break;
	}
	if (error == NULL) {
		(void)json_object_set(now->all, id, s);
		error = save(c);
	}
	asked = json_object_get(patch, "expires");
	if (error == NULL && asked != NULL) {
		value = expires_of(s);
		if (!json_equal(asked, value))
			*changed_r = json_pack("{s:O}", "expires", value);
		json_decref(value);
	}
	if (error == NULL)
		jmap_push_look(c->q->account);
	json_decref(s);
	return error;
}

static json_t *
destroy(struct jmap_call *c, const char *id)
{
	json_t *error;

	if (find(id) == NULL)
		return jmap_set_error("notFound", NULL, NULL);
	(void)json_object_del(now->all, id);
	error = save(c);
	if (error == NULL)
		jmap_push_look(c->q->account);
	return error;
}

json_t *
jmap_push_subscription_set(struct jmap_call *c)
{
	static const struct jmap_setter setter = { .state = no_state,
		.create = create,
		.update = update,
		.destroy = destroy };
	struct pst_error err = { 0 };
	struct subscriptions s;
	json_t *answer;

	/* For the states that are known when one is verified; the store is
	 * locked for as short as can be. */
	if (catalog_sync(c->q->catalog, &err) != PST_OK)
		return jmap_failed(c, &err);
	if (!begin(c, &s))
		return c->error;
	answer = jmap_set(c, &setter);
	end(&s);
	return answer == c->error ? answer : without_state(answer);
}
