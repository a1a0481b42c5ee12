/*
 * jmap/email_import.c - Email/import, Email/parse and Email/copy (RFC 8621, 4.7
 * to 4.9).
 */
#include "base/clock.h"
#include "base/str.h"
#include "jmap/email.h"
#include "jmap/header.h"
#include "jmap/listing.h"
#include "message/preview.h"

#include <stdlib.h>

enum { STATE_MAX = 1 << 20 };

static json_t *
state_text(struct jmap_call *c)
{
	struct buf state;
	json_t *text;

	buf_init(&state, STATE_MAX);
	jmap_email_state(c, &state);
	text = jmap_text(&state);
	buf_fini(&state);
	return text;
}

/* --- import ----------------------------------------------------------------
 */

/* There is a header field at its start. */
static bool
is_message(struct pst_str content)
{
	size_t end = str_find(content, '\n');
	struct msg *m = msg_read(
	    str_first(content, end + 1), &msg_limits_default);
	bool is = m->root->fields > 0 && m->root->field[0].name.n > 0;

	msg_free(&m);
	return is;
}

static json_t *
import_one(struct jmap_call *c, json_t *object, json_t **made_r)
{
	const char *blob = json_string_value(json_object_get(object, "blobId"));
	const char *received = json_string_value(
	    json_object_get(object, "receivedAt"));
	int64_t at = clock_seconds();
	struct buf content;
	const char *name;
	char type[128];
	json_t *error, *value;

	if (blob == NULL)
		return jmap_set_error("invalidProperties", "blobId", NULL);
	json_object_foreach(object, name, value)
	{
		if (strcmp(name, "blobId") != 0 &&
		    strcmp(name, "mailboxIds") != 0 &&
		    strcmp(name, "keywords") != 0 &&
		    strcmp(name, "receivedAt") != 0)
			return jmap_set_error("invalidProperties", name, NULL);
	}
	if (received != NULL && !jmap_parse_date(received, &at))
		return jmap_set_error("invalidProperties", "receivedAt", NULL);
	blob = jmap_real_id(c->q, blob);
	buf_init(&content, (size_t)c->q->cfg->smtp.message_size + 1);
	if (blob == NULL || !jmap_blob(c, blob, &content, type)) {
		error = jmap_set_error(
		    "invalidProperties", "blobId", "There is no such blob.");
	} else if (!is_message(buf_str(&content))) {
		error = jmap_set_error(
		    "invalidEmail", NULL, "That is no message.");
	} else {
		error = jmap_put_email(c, buf_str(&content),
		    json_object_get(object, "mailboxIds"),
		    json_object_get(object, "keywords"), at, made_r);
	}
	buf_fini(&content);
	return error;
}

json_t *
jmap_email_import(struct jmap_call *c)
{
	json_t *emails, *object, *created = json_object();
	json_t *failed = json_object(), *old = state_text(c), *answer;
	const char *creation, *wanted;

	if (!jmap_get_object(c, "emails", &emails) ||
	    (emails == NULL &&
		jmap_error(c, "invalidArguments", "emails") != NULL) ||
	    !jmap_get_text(c, "ifInState", &wanted) ||
	    (json_object_size(emails) > JMAP_SET &&
		jmap_error(c, "requestTooLarge", NULL) != NULL) ||
	    (wanted != NULL && strcmp(wanted, json_string_value(old)) != 0 &&
		jmap_error(c, "stateMismatch", NULL) != NULL)) {
		json_decref(created);
		json_decref(failed);
		json_decref(old);
		return c->error;
	}
	json_object_foreach(emails, creation, object)
	{
		json_t *made = NULL, *error = import_one(c, object, &made);

		if (error != NULL) {
			(void)json_object_set_new(failed, creation, error);
			continue;
		}
		jmap_note_created(c->q, creation,
		    json_string_value(json_object_get(made, "id")));
		(void)json_object_set_new(created, creation, made);
	}
	answer = json_pack("{s:s, s:o, s:o}", "accountId", c->q->account,
	    "oldState", old, "newState", state_text(c));
	(void)json_object_set_new(answer, "created",
	    json_object_size(created) > 0 ? json_incref(created) : json_null());
	(void)json_object_set_new(answer, "notCreated",
	    json_object_size(failed) > 0 ? json_incref(failed) : json_null());
	json_decref(created);
	json_decref(failed);
	return answer;
}

/* --- parse -----------------------------------------------------------------
 */

/* A message that is in no mailbox: some properties it has not. */
static json_t *
parsed_object(struct jmap_call *c, const struct jmap_fetch *f, const char *blob,
    struct buf *content)
{
	static const char *const nulls[] = { "id", "mailboxIds", "keywords",
		"receivedAt", "threadId" };
	json_t *object = json_object();
	uint64_t size = content->n;
	struct jmap_message m;
	struct buf preview;

	jmap_message_of(c, content, blob, &m);
	for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++)
		if (f->properties != NULL &&
		    jmap_wants(f->properties, nulls[i]))
			(void)json_object_set_new(
			    object, nulls[i], json_null());
	if (f->properties != NULL && jmap_wants(f->properties, "blobId"))
		(void)json_object_set_new(object, "blobId", json_string(blob));
	if (f->properties != NULL && jmap_wants(f->properties, "size"))
		(void)json_object_set_new(
		    object, "size", json_integer((json_int_t)size));
	if (jmap_wants(f->properties, "hasAttachment"))
		(void)json_object_set_new(object, "hasAttachment",
		    json_boolean(jmap_has_attachment(m.msg)));
	if (jmap_wants(f->properties, "preview")) {
		const struct msg_part *part = msg_preview_part(m.msg->root);
		struct buf text;
		bool problem;

		buf_init(&preview, MSG_PREVIEW_SIZE);
		buf_init(&text, 1 << 20);
		if (part != NULL)
			(void)jmap_part_content(
			    &m, part, true, &text, &problem);
		msg_preview_text(buf_str(&text), false, &preview);
		(void)json_object_set_new(
		    object, "preview", jmap_text(&preview));
		buf_fini(&text);
		buf_fini(&preview);
	}
	jmap_put_content(object, &m, f);
	jmap_message_fini(&m);
	return object;
}

json_t *
jmap_email_parse(struct jmap_call *c)
{
	json_t *ids, *item, *parsed, *missing, *cannot;
	struct jmap_fetch f;
	size_t i;

	if (!jmap_get_list(c, "blobIds", &ids) ||
	    (ids == NULL &&
		jmap_error(c, "invalidArguments", "blobIds") != NULL) ||
	    !jmap_fetch_init(c, &f))
		return c->error;
	if (json_array_size(ids) > JMAP_GET) {
		jmap_fetch_fini(&f);
		return jmap_error(c, "requestTooLarge", NULL);
	}
	parsed = json_object();
	missing = json_array();
	cannot = json_array();
	json_array_foreach(ids, i, item)
	{
		const char *id = jmap_real_id(c->q, json_string_value(item));
		struct buf content;
		char type[128];

		buf_init(&content, (size_t)c->q->cfg->http.upload_size);
		if (id == NULL || !jmap_blob(c, id, &content, type))
			(void)json_array_append(missing, item);
		else if (!is_message(buf_str(&content)))
			(void)json_array_append(cannot, item);
		else
			(void)json_object_set_new(parsed,
			    json_string_value(item),
			    parsed_object(c, &f, id, &content));
		buf_fini(&content);
	}
	jmap_fetch_fini(&f);
	return json_pack("{s:s, s:o, s:o, s:o}", "accountId", c->q->account,
	    "parsed", parsed, "notParsable", cannot, "notFound", missing);
}

/* --- copy ------------------------------------------------------------------
 */

/* There is one account for each user, and copying is between two. */
json_t *
jmap_email_copy(struct jmap_call *c)
{
	const char *from;

	if (!jmap_get_text(c, "fromAccountId", &from))
		return c->error;
	if (from == NULL || strcmp(from, c->q->account) == 0)
		return jmap_error(
		    c, "invalidArguments", "The accounts are the same.");
	return jmap_error(c, "fromAccountNotFound", NULL);
}
