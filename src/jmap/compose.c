/*
 * jmap/compose.c - writing a message that was described in JSON (RFC 8621,
 * 4.6): its header, and bodies as parts of MIME.
 */
#include "jmap/compose.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/str.h"
#include "jmap/header.h"
#include "message/header.h"

#include <stdlib.h>

/* --- the header ------------------------------------------------------------
 */

static const char *const conveniences[] = { "from", "sender", "replyTo", "to",
	"cc", "bcc", "subject", "sentAt", "messageId", "inReplyTo",
	"references" };

static bool
write_property(struct composing *w, const char *property, const char *header,
    json_t *value)
{
	struct jmap_header h;
	const char *wrong;
	json_t *one;
	size_t i;

	if (!jmap_header_parse(header, &h))
		return jmap_compose_fail(
		    w, "invalidProperties", property, NULL);
	/* RFC 8621, 4.6: these say how the content is written. */
	if (h.name.n > 8 && str_has_prefix_case(h.name, "Content-"))
		return jmap_compose_fail(w, "invalidProperties", property,
		    "That belongs to the parts.");
	if (json_is_null(value))
		return true;
	if (!h.is_all) {
		wrong = jmap_header_write(h.name, h.form, value, w->out);
		return wrong == NULL ||
		       jmap_compose_fail(
			   w, "invalidProperties", property, wrong);
	}
	json_array_foreach(value, i, one)
	{
		wrong = jmap_header_write(h.name, h.form, one, w->out);
		if (wrong != NULL)
			return jmap_compose_fail(
			    w, "invalidProperties", property, wrong);
	}
	return json_is_array(value) || jmap_compose_fail(w, "invalidProperties",
					   property, "It is no list.");
}

static bool
has_field(const struct composing *w, const char *name)
{
	struct msg *m = msg_read(buf_str(w->out), &msg_limits_default);
	bool has = msg_field(m->root, name) != NULL;

	msg_free(&m);
	return has;
}

static void
write_defaults(struct composing *w)
{
	char text[40];
	unsigned char octets[12];
	const char *at = strchr(w->c->q->user->address, '@');

	if (!has_field(w, "Date")) {
		msg_format_date(clock_seconds(), 0, text);
		(void)buf_printf(w->out, "Date: %s\r\n", text);
	}
	if (!has_field(w, "Message-ID")) {
		random_bytes(octets, sizeof(octets));
		hex_encode(octets, sizeof(octets), text);
		(void)buf_printf(w->out, "Message-ID: <%s%s>\r\n", text,
		    at != NULL ? at : "@localhost");
	}
	(void)buf_puts(w->out, "MIME-Version: 1.0\r\n");
}

/* The field that a property stands for, in lower case; false: none. */
static bool
field_of(const char *property, struct buf *out)
{
	const char *header = jmap_header_of(property);
	struct jmap_header h;

	buf_clear(out);
	if (header == NULL)
		header = property;
	if (strncmp(header, "header:", 7) != 0)
		return false;
	if (!jmap_header_parse(header, &h))
		return false;
	for (size_t i = 0; i < h.name.n; i++)
		(void)buf_putc(out, ascii_lower(h.name.p[i]));
	return buf_putc(out, '\0');
}

/* RFC 8621, 4.6: a field is described once, on the message or on the part at
 * its root. Fields are added to `fields`. */
static bool
check_twice(struct composing *w, json_t *object, json_t *fields)
{
	const char *name;
	json_t *value;
	struct buf field;
	bool ok = true;

	buf_init(&field, 1024);
	json_object_foreach(object, name, value)
	{
		if (!ok || !field_of(name, &field))
			continue;
		if (json_object_get(fields, field.p) != NULL)
			ok = jmap_compose_fail(w, "invalidProperties", name,
			    "That field is described twice.");
		(void)json_object_set_new(fields, field.p, json_true());
	}
	buf_fini(&field);
	return ok;
}

static bool
write_header(struct composing *w, json_t *object)
{
	const char *name;
	json_t *value;

	for (size_t i = 0; i < sizeof(conveniences) / sizeof(conveniences[0]);
	     i++) {
		value = json_object_get(object, conveniences[i]);
		if (value != NULL &&
		    !write_property(w, conveniences[i],
			jmap_header_of(conveniences[i]), value))
			return false;
	}
	json_object_foreach(object, name, value)
	{
		if (strncmp(name, "header:", 7) == 0 &&
		    !write_property(w, name, name, value))
			return false;
	}
	if (json_object_get(object, "headers") != NULL)
		return jmap_compose_fail(
		    w, "invalidProperties", "headers", NULL);
	write_defaults(w);
	return true;
}

/* --- the usual shape -------------------------------------------------------
 */

static json_t *
multipart(const char *type, json_t *parts)
{
	return json_pack("{s:s, s:o}", "type", type, "subParts", parts);
}

/* What the HTML shows by "cid:" stands with it (RFC 2387). */
static json_t *
related(json_t *html, json_t *attachments, json_t *others)
{
	json_t *parts = json_array(), *one;
	size_t i;

	(void)json_array_append(parts, html);
	json_array_foreach(attachments, i, one)
	{
		bool is_inline = jmap_part_text(one, "cid") != NULL &&
				 jmap_part_text(one, "disposition") != NULL &&
				 strcasecmp(jmap_part_text(one, "disposition"),
				     "inline") == 0;

		(void)json_array_append(is_inline ? parts : others, one);
	}
	if (json_array_size(parts) == 1) {
		json_decref(parts);
		return json_incref(html);
	}
	return multipart("multipart/related", parts);
}

/* RFC 8621, 4.6: if it is there, it is one part of that type. */
static bool
is_one_text(
    struct composing *w, json_t *list, const char *property, const char *wanted)
{
	const char *type = jmap_part_text(json_array_get(list, 0), "type");

	if (list == NULL || json_is_null(list))
		return true;
	if (json_array_size(list) != 1 ||
	    (type != NULL && strcasecmp(type, wanted) != 0))
		return jmap_compose_fail(w, "invalidProperties", property,
		    "That is one text of its type.");
	return true;
}

/* textBody, htmlBody and attachments as one structure. */
static json_t *
usual_structure(struct composing *w, json_t *object)
{
	json_t *text = json_object_get(object, "textBody");
	json_t *html = json_object_get(object, "htmlBody");
	json_t *attachments = json_object_get(object, "attachments");
	json_t *others = json_array(), *body = NULL, *all;

	if (!is_one_text(w, text, "textBody", "text/plain") ||
	    !is_one_text(w, html, "htmlBody", "text/html")) {
		json_decref(others);
		return NULL;
	}
	text = json_array_get(text, 0);
	html = json_array_get(html, 0);
	if (html != NULL) {
		if (json_is_object(html) &&
		    jmap_part_text(html, "type") == NULL)
			(void)json_object_set_new(
			    html, "type", json_string("text/html"));
		body = related(html, attachments, others);
	} else if (json_is_array(attachments)) {
		(void)json_array_extend(others, attachments);
	}
	if (text != NULL && body != NULL)
		body = multipart(
		    "multipart/alternative", json_pack("[O, o]", text, body));
	else if (text != NULL)
		body = json_incref(text);
	if (json_array_size(others) == 0) {
		json_decref(others);
		return body;
	}
	all = json_array();
	if (body != NULL)
		(void)json_array_append_new(all, body);
	(void)json_array_extend(all, others);
	json_decref(others);
	return multipart("multipart/mixed", all);
}

static bool
check_properties(struct composing *w, json_t *object)
{
	static const char *const known[] = { "mailboxIds", "keywords",
		"receivedAt", "bodyStructure", "bodyValues", "textBody",
		"htmlBody", "attachments", "headers" };
	const char *name;
	json_t *value;

	if (json_object_get(object, "attachments") != NULL &&
	    !json_is_array(json_object_get(object, "attachments")))
		return jmap_compose_fail(
		    w, "invalidProperties", "attachments", NULL);
	json_object_foreach(object, name, value)
	{
		bool ok = strncmp(name, "header:", 7) == 0 ||
			  jmap_header_of(name) != NULL;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			ok = ok || strcmp(name, known[i]) == 0;
		if (!ok)
			return jmap_compose_fail(
			    w, "invalidProperties", name, NULL);
	}
	if (json_object_get(object, "bodyStructure") != NULL &&
	    (json_object_get(object, "textBody") != NULL ||
		json_object_get(object, "htmlBody") != NULL ||
		json_object_get(object, "attachments") != NULL))
		return jmap_compose_fail(w, "invalidProperties",
		    "bodyStructure", "The bodies are told twice.");
	return true;
}

json_t *
jmap_compose(struct jmap_call *c, json_t *object, struct buf *out)
{
	struct composing w = { .c = c,
		.values = json_object_get(object, "bodyValues"),
		.out = out };
	json_t *structure = json_object_get(object, "bodyStructure");
	json_t *fields = json_object();
	bool ok = check_properties(&w, object) &&
		  check_twice(&w, object, fields) &&
		  check_twice(&w, structure, fields) &&
		  write_header(&w, object);

	json_decref(fields);
	if (!ok)
		return w.error;
	structure = structure != NULL ? json_incref(structure)
				      : usual_structure(&w, object);
	if (structure != NULL)
		(void)jmap_compose_part(&w, structure, 0);
	else if (w.error == NULL)
		(void)buf_puts(out, "Content-Type: text/plain\r\n\r\n");
	json_decref(structure);
	if (w.error == NULL && out->overflow)
		return jmap_set_error("tooLarge", NULL, NULL);
	return w.error;
}
