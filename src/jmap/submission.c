/*
 * jmap/submission.c - EmailSubmission (RFC 8621, 7): sending, at once or later,
 * and taking back.
 */
#include "base/clock.h"
#include "base/codec.h"
#include "base/str.h"
#include "jmap/account.h"
#include "jmap/email.h"
#include "jmap/header.h"
#include "jmap/outbox.h"

#include <stdlib.h>

enum { RECIPIENTS = 1000, ID_OCTETS = 10 };

/* --- get -------------------------------------------------------------------
 */

static json_t *
get_submission(struct jmap_call *c, const char *id, json_t *properties)
{
	json_t *submission = jmap_outbox_get(c->q->cfg, c->q->account, id);
	json_t *object, *value;
	const char *name;

	if (submission == NULL)
		return NULL;
	object = json_pack("{s:s}", "id", id);
	json_object_foreach(submission, name, value)
	{
		/* Ours. */
		if (strcmp(name, "user") != 0 &&
		    strcmp(name, "onItsWay") != 0 &&
		    strcmp(name, "handing") != 0 &&
		    strcmp(name, "retryAt") != 0 &&
		    jmap_wants(properties, name))
			(void)json_object_set(object, name, value);
	}
	json_decref(submission);
	return object;
}

static void
add_id(void *arg, const char *id, json_t *submission)
{
	(void)submission;
	(void)json_array_append_new(arg, json_string(id));
}

static void
all_submissions(struct jmap_call *c, json_t *ids)
{
	jmap_outbox_each(c->q->cfg, c->q->account, add_id, ids);
}

static void
add_state(void *arg, const char *id, json_t *submission)
{
	const char *status = json_string_value(
	    json_object_get(submission, "undoStatus"));

	(void)json_object_set_new(
	    arg, id, json_string(status != NULL ? status : ""));
}

void
jmap_submission_state(struct jmap_call *c, struct buf *out)
{
	json_t *all = json_object();
	char *text, id[JMAP_ID];

	jmap_outbox_each(c->q->cfg, c->q->account, add_state, all);
	text = json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS);
	jmap_make_id("S", str_of(text), id);
	(void)buf_puts(out, id);
	free(text);
	json_decref(all);
}

static bool
knows_submission(const char *name)
{
	static const char *const known[] = { "id", "identityId", "emailId",
		"threadId", "envelope", "sendAt", "undoStatus",
		"deliveryStatus", "dsnBlobIds", "mdnBlobIds" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i]) == 0)
			return true;
	return false;
}

json_t *
jmap_submission_get(struct jmap_call *c)
{
	static const struct jmap_getter getter = {
		.state = jmap_submission_state,
		.one = get_submission,
		.all = all_submissions,
		.knows = knows_submission
	};

	return jmap_get(c, &getter);
}

json_t *
jmap_submission_changes(struct jmap_call *c)
{
	return jmap_no_changes(c, jmap_submission_state);
}

/* --- create ----------------------------------------------------------------
 */

/* All who the header names (7.5, "envelope"). */
static json_t *
recipients_of(const struct msg *m)
{
	static const char *const fields[] = { "To", "Cc", "Bcc" };
	json_t *list = json_array(), *seen = json_object();

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct jmap_header h = { .name = str_of(fields[i]),
			.form = JMAP_ADDRESSES,
			.is_all = true };
		json_t *all = jmap_header_value(m->root, &h), *field, *one;
		size_t k, j;

		json_array_foreach(all, k, field)
		{
			json_array_foreach(field, j, one)
			{
				const char *email = json_string_value(
				    json_object_get(one, "email"));

				if (json_object_get(seen, email) != NULL)
					continue;
				(void)json_object_set_new(
				    seen, email, json_true());
				(void)json_array_append_new(
				    list, json_pack("{s:s, s:n}", "email",
					      email, "parameters"));
			}
		}
		json_decref(all);
	}
	json_decref(seen);
	return list;
}

static json_t *
default_envelope(
    struct jmap_call *c, const struct catalog_place *place, json_t *identity)
{
	struct jmap_message m;
	json_t *envelope;

	if (!jmap_message_open(c, place, &m))
		return NULL;
	envelope = json_pack("{s:{s:O, s:n}, s:o}", "mailFrom", "email",
	    json_object_get(identity, "email"), "parameters", "rcptTo",
	    recipients_of(m.msg));
	jmap_message_fini(&m);
	return envelope;
}

/* HOLDFOR and HOLDUNTIL (RFC 4865, 4). False: neither is understood. */
static bool
find_time(json_t *envelope, int64_t *at_r)
{
	json_t *parameters = json_object_get(
	    json_object_get(envelope, "mailFrom"), "parameters");
	const char *key;
	json_t *value;
	int64_t now = clock_seconds();

	*at_r = now;
	json_object_foreach(parameters, key, value)
	{
		const char *text = json_string_value(value);
		uint32_t seconds;

		if (strcasecmp(key, "HOLDFOR") == 0) {
			if (text == NULL || !str_to_u32(str_of(text), &seconds))
				return false;
			*at_r = now + seconds;
		} else if (strcasecmp(key, "HOLDUNTIL") == 0) {
			if (text == NULL || !jmap_parse_date(text, at_r))
				return false;
		}
	}
	return *at_r <= now + JMAP_DELAY_MOST;
}

static json_t *
invalid_recipients(json_t *bad)
{
	json_t *error = jmap_set_error("invalidRecipients", NULL, NULL);

	(void)json_object_set(error, "invalidRecipients", bad);
	return error;
}

/* NULL, or a SetError. */
static json_t *
check_envelope(struct jmap_call *c, json_t *envelope)
{
	json_t *rcpt = json_object_get(envelope, "rcptTo"), *bad, *one;
	const char *from = json_string_value(
	    json_object_get(json_object_get(envelope, "mailFrom"), "email"));
	struct pst_error err;
	enum pst_rc rc;
	size_t i;

	if (from == NULL || !json_is_array(rcpt))
		return jmap_set_error("invalidProperties", "envelope", NULL);
	json_array_foreach(rcpt, i, one)
	{
		if (!json_is_string(json_object_get(one, "email")))
			return jmap_set_error(
			    "invalidProperties", "envelope", NULL);
	}
	if (json_array_size(rcpt) == 0)
		return jmap_set_error("noRecipients", NULL, NULL);
	if (json_array_size(rcpt) > RECIPIENTS) {
		json_t *error = jmap_set_error("tooManyRecipients", NULL, NULL);

		(void)json_object_set_new(
		    error, "maxRecipients", json_integer(RECIPIENTS));
		return error;
	}
	if (account_may_send_as(
		c->q->sv->accounts, c->q->user->address, from, &err) != PST_OK)
		return jmap_set_error("forbiddenMailFrom", NULL, NULL);
	bad = jmap_check_recipients(c->q->sv, c->q->cfg, rcpt, &rc);
	if (json_array_size(bad) > 0) {
		json_t *error = invalid_recipients(bad);

		json_decref(bad);
		return error;
	}
	json_decref(bad);
	return rc == PST_OK ? NULL
			    : jmap_set_error("serverUnavailable", NULL, NULL);
}

/* Sends it, or lets it wait for its time. */
static json_t *
submit(struct jmap_call *c, const char *id, json_t *submission, bool waits)
{
	const struct jmap_sending sending = { .sv = c->q->sv,
		.cfg = c->q->cfg,
		.user = c->q->user->address,
		.catalog = c->q->catalog,
		.account = c->q->account,
		.id = id,
		.submission = submission };
	struct pst_error err = { 0 };
	enum pst_rc rc;

	rc = waits ? jmap_outbox_put(
			 c->q->cfg, c->q->account, id, submission, &err)
		   : jmap_send(&sending, &err);
	if (rc != PST_OK && !waits)
		jmap_outbox_drop(c->q->cfg, c->q->account, id);
	if (rc == PST_E_DENIED)
		return jmap_set_error("forbiddenFrom", NULL,
		    "From is not one of your addresses.");
	if (rc == PST_E_LIMIT)
		return jmap_set_error("forbiddenToSend", NULL,
		    "That is more than you may send now.");
	return rc != PST_OK ? jmap_set_failed(&err) : NULL;
}

static json_t *
make(struct jmap_call *c, json_t *object, json_t *identity,
    const struct catalog_place *place, json_t **made_r)
{
	json_t *envelope = json_object_get(object, "envelope"), *error;
	json_t *submission;
	unsigned char octets[ID_OCTETS];
	char id[2 * ID_OCTETS + 2], thread[JMAP_ID];
	int64_t at;
	bool waits;

	envelope = json_is_object(envelope)
		       ? json_incref(envelope)
		       : default_envelope(c, place, identity);
	error = envelope != NULL ? check_envelope(c, envelope)
				 : jmap_set_error("serverFail", NULL, NULL);
	if (error == NULL && !find_time(envelope, &at))
		error = jmap_set_error("invalidProperties", "envelope",
		    "It cannot be held for so long.");
	if (error != NULL) {
		json_decref(envelope);
		return error;
	}
	random_bytes(octets, sizeof(octets));
	id[0] = 'E';
	hex_encode(octets, sizeof(octets), id + 1);
	catalog_thread_id(catalog_entry(place)->thread, thread);
	waits = at > clock_seconds();
	submission = json_pack(
	    "{s:s, s:O, s:s, s:s, s:o, s:o, s:s, s:n, s:[], s:[]}", "user",
	    c->q->user->address, "identityId", json_object_get(identity, "id"),
	    "emailId", catalog_entry(place)->id, "threadId", thread, "envelope",
	    envelope, "sendAt", jmap_date(at), "undoStatus",
	    waits ? "pending" : "final", "deliveryStatus", "dsnBlobIds",
	    "mdnBlobIds");
	error = submit(c, id, submission, waits);
	if (error == NULL)
		*made_r = json_pack("{s:s, s:s, s:O, s:O, s:O?}", "id", id,
		    "threadId", thread, "sendAt",
		    json_object_get(submission, "sendAt"), "undoStatus",
		    json_object_get(submission, "undoStatus"), "deliveryStatus",
		    json_object_get(submission, "deliveryStatus"));
	json_decref(submission);
	return error;
}

static json_t *
create(
    struct jmap_call *c, const char *creation, json_t *object, json_t **made_r)
{
	const char *email = json_string_value(
	    json_object_get(object, "emailId"));
	const char *identity_id = json_string_value(
	    json_object_get(object, "identityId"));
	struct catalog_place place;
	json_t *identity, *error, *value;
	const char *name;

	(void)creation;
	/* The rest is for the server to say. */
	json_object_foreach(object, name, value)
	{
		if (strcmp(name, "identityId") != 0 &&
		    strcmp(name, "emailId") != 0 &&
		    strcmp(name, "envelope") != 0)
			return jmap_set_error("invalidProperties", name, NULL);
	}
	value = json_object_get(object, "envelope");
	if (value != NULL && !json_is_null(value) && !json_is_object(value))
		return jmap_set_error("invalidProperties", "envelope", NULL);
	email = jmap_real_id(c->q, email);
	identity_id = jmap_real_id(c->q, identity_id);
	if (email == NULL ||
	    catalog_find(c->q->catalog, str_of(email), &place, 1) == 0)
		return jmap_set_error("invalidProperties", "emailId", NULL);
	identity = identity_id != NULL ? jmap_find_identity(c, identity_id)
				       : NULL;
	if (identity == NULL)
		return jmap_set_error("invalidProperties", "identityId", NULL);
	error = make(c, object, identity, &place, made_r);
	json_decref(identity);
	return error;
}

static json_t *
update(struct jmap_call *c, const char *id, json_t *patch, json_t **changed_r)
{
	const char *status = json_string_value(
	    json_object_get(patch, "undoStatus"));
	struct pst_error err;

	(void)changed_r;
	if (json_object_size(patch) != 1 || status == NULL ||
	    strcmp(status, "canceled") != 0)
		return jmap_set_error("invalidProperties", "undoStatus",
		    "It can be canceled, nothing else.");
	switch (jmap_outbox_cancel(c->q->cfg, c->q->account, id, &err)) {
	case PST_OK:
		return NULL;
	case PST_E_NOTFOUND:
		return jmap_set_error("notFound", NULL, NULL);
	case PST_E_CONFLICT:
		return jmap_set_error(
		    "cannotUnsend", NULL, "It is sent already.");
	default:
		break;
	}
	return jmap_set_failed(&err);
}

static json_t *
destroy(struct jmap_call *c, const char *id)
{
	switch (jmap_outbox_remove(c->q->cfg, c->q->account, id)) {
	case PST_OK:
		return NULL;
	case PST_E_NOTFOUND:
		return jmap_set_error("notFound", NULL, NULL);
	default:
		break;
	}
	return jmap_set_error("forbidden", NULL, "It is still to be sent.");
}

/* --- what follows ----------------------------------------------------------
 */

/* The message of a submission, by its id or "#" and its creation id. */
static const char *
email_of(struct jmap_call *c, const char *name, json_t **held)
{
	const char *id = jmap_real_id(c->q, name);

	json_decref(*held);
	*held = id != NULL ? jmap_outbox_get(c->q->cfg, c->q->account, id)
			   : NULL;
	return json_string_value(json_object_get(*held, "emailId"));
}

/* It was made, changed or destroyed just now. */
static bool
succeeded(json_t *answer, const char *name)
{
	return json_object_get(json_object_get(answer, "created"),
		   name[0] == '#' ? name + 1 : name) != NULL ||
	       json_object_get(json_object_get(answer, "updated"), name) !=
		   NULL;
}

/* onSuccessUpdateEmail and onSuccessDestroyEmail (7.5), as one Email/set. */
static void
follow_up(struct jmap_call *c, json_t *answer)
{
	json_t *update_all = json_object_get(c->args, "onSuccessUpdateEmail");
	json_t *destroy_all = json_object_get(c->args, "onSuccessDestroyEmail");
	json_t *args = json_pack("{s:s}", "accountId", c->q->account);
	json_t *updates = json_object(), *ids = json_array(), *patch, *item;
	json_t *held = NULL;
	struct jmap_call inner = {
		.q = c->q, .name = "Email/set", .id = c->id, .args = args
	};
	const char *name, *email;
	size_t i;

	json_object_foreach(update_all, name, patch)
	{
		email = succeeded(answer, name) ? email_of(c, name, &held)
						: NULL;
		if (email != NULL)
			(void)json_object_set(updates, email, patch);
	}
	json_array_foreach(destroy_all, i, item)
	{
		name = json_string_value(item);
		email = name != NULL && succeeded(answer, name)
			    ? email_of(c, name, &held)
			    : NULL;
		if (email != NULL)
			(void)json_array_append_new(ids, json_string(email));
	}
	json_decref(held);
	(void)json_object_set(args, "update", updates);
	(void)json_object_set(args, "destroy", ids);
	if (json_object_size(updates) > 0 || json_array_size(ids) > 0)
		jmap_also(c, "Email/set", jmap_email_set(&inner));
	json_decref(updates);
	json_decref(ids);
	json_decref(args);
}

json_t *
jmap_submission_set(struct jmap_call *c)
{
	static const struct jmap_setter setter = {
		.state = jmap_submission_state,
		.create = create,
		.update = update,
		.destroy = destroy
	};
	json_t *answer = jmap_set(c, &setter);

	if (c->error == NULL)
		follow_up(c, answer);
	return answer;
}
