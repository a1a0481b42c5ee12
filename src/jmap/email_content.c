/*
 * jmap/email_content.c - what the content of a message tells for Email/get and
 * Email/parse (RFC 8621, 4.1.3 and 4.1.4).
 */
#include "base/str.h"
#include "jmap/email.h"
#include "jmap/header.h"

enum { VALUE_MAX = 16 << 20 };

static json_t *
part_list(const struct jmap_message *m, const struct msg_part **part, size_t n,
    const struct jmap_fetch *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(list,
		    jmap_part_object(m, part[i], f->body_properties, false));
	return list;
}

/* RFC 8621, 4.1.4: line ends are LF; not cut within a character, nor within a
 * tag of HTML. */
static json_t *
value_of(const struct jmap_message *m, const struct msg_part *part,
    const struct jmap_fetch *f)
{
	size_t most = f->max_value > 0 ? (size_t)f->max_value : VALUE_MAX, n;
	struct buf text;
	bool problem, truncated;
	json_t *value;

	buf_init(&text, VALUE_MAX + 65536);
	truncated = !jmap_part_content(m, part, true, &text, &problem);
	n = 0;
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != '\r' || i + 1 == text.n ||
		    text.p[i + 1] != '\n')
			text.p[n++] = text.p[i];
	text.n = n;
	if (text.n > most) {
		truncated = true;
		text.n = most;
		while (text.n > 0 && (text.p[text.n] & 0xc0) == 0x80)
			text.n--;
		if (str_is_case(part->subtype, "html")) {
			const char *tag = memrchr(text.p, '<', text.n);

			if (tag != NULL &&
			    memchr(tag, '>', (size_t)(text.p + text.n - tag)) ==
				NULL)
				text.n = (size_t)(tag - text.p);
		}
	}
	value = json_pack("{s:o, s:b, s:b}", "value", jmap_text(&text),
	    "isEncodingProblem", (int)problem, "isTruncated", (int)truncated);
	buf_fini(&text);
	return value;
}

static void
put_values(json_t *values, const struct jmap_message *m,
    const struct msg_part **part, size_t n, const struct jmap_fetch *f)
{
	for (size_t i = 0; i < n; i++) {
		char id[256];

		jmap_part_id(part[i], id);
		if (str_is_case(part[i]->type, "text") &&
		    json_object_get(values, id) == NULL)
			(void)json_object_set_new(
			    values, id, value_of(m, part[i], f));
	}
}

static json_t *
body_values(const struct jmap_message *m, const struct jmap_bodies *b,
    const struct jmap_fetch *f)
{
	json_t *values = json_object();

	if (f->text_values || f->all_values)
		put_values(values, m, b->text, b->texts, f);
	if (f->html_values || f->all_values)
		put_values(values, m, b->html, b->htmls, f);
	if (f->all_values)
		put_values(values, m, b->attachment, b->attachments, f);
	return values;
}

static void
put_header_properties(
    json_t *object, const struct jmap_message *m, const struct jmap_fetch *f)
{
	static const char *const named[] = { "messageId", "inReplyTo",
		"references", "sender", "from", "to", "cc", "bcc", "replyTo",
		"subject", "sentAt" };
	const char *name;
	json_t *value;

	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		struct jmap_header h;

		/* Those of the listing are there already; a cut list is not
		 * what was asked for here. */
		if (!jmap_wants(f->properties, named[i]))
			continue;
		(void)jmap_header_parse(jmap_header_of(named[i]), &h);
		(void)json_object_set_new(
		    object, named[i], jmap_header_value(m->msg->root, &h));
	}
	json_object_foreach(f->properties, name, value)
	{
		struct jmap_header h;

		if (jmap_header_parse(name, &h))
			(void)json_object_set_new(
			    object, name, jmap_header_value(m->msg->root, &h));
	}
}

void
jmap_put_content(
    json_t *object, const struct jmap_message *m, const struct jmap_fetch *f)
{
	json_t *p = f->properties;
	struct jmap_bodies b;

	put_header_properties(object, m, f);
	jmap_bodies(m->msg, &b);
	if (p != NULL && jmap_wants(p, "bodyStructure"))
		(void)json_object_set_new(object, "bodyStructure",
		    jmap_part_object(
			m, m->msg->root, f->body_properties, true));
	if (p != NULL && jmap_wants(p, "headers")) {
		json_t *only = json_pack("{s:b}", "headers", 1);
		json_t *root = jmap_part_object(m, m->msg->root, only, false);

		(void)json_object_set(
		    object, "headers", json_object_get(root, "headers"));
		json_decref(root);
		json_decref(only);
	}
	if (jmap_wants(p, "bodyValues"))
		(void)json_object_set_new(
		    object, "bodyValues", body_values(m, &b, f));
	if (jmap_wants(p, "textBody"))
		(void)json_object_set_new(
		    object, "textBody", part_list(m, b.text, b.texts, f));
	if (jmap_wants(p, "htmlBody"))
		(void)json_object_set_new(
		    object, "htmlBody", part_list(m, b.html, b.htmls, f));
	if (jmap_wants(p, "attachments"))
		(void)json_object_set_new(object, "attachments",
		    part_list(m, b.attachment, b.attachments, f));
	jmap_bodies_fini(&b);
}
