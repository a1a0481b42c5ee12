/*
 * jmap/structure_json.c - parts of a message as EmailBodyPart (RFC
 * 8621, 4.1.4).
 */
#include "base/str.h"
#include "jmap/header.h"
#include "jmap/structure.h"
#include "message/content.h"

enum { QP_SIZE_MAX = 4 * 1024 * 1024 }; /* an exact size costs decoding */

/* Octets after decoding. */
static uint64_t
decoded_size(const struct jmap_message *m, const struct msg_part *part)
{
	uint64_t size = part->body_size;
	struct buf out;
	bool problem;

	if (str_is_case(part->encoding, "base64")) {
		char tail[4];
		size_t n = size < 4 ? (size_t)size : 4;
		struct pst_error err;
		uint64_t letters = size, pad = 0;

		/* Lines are told apart by CR LF, but for the last one. */
		if (mail_body_read(&m->body, part->body_start + size - n, tail,
			n, &err) == PST_OK)
			for (size_t i = 0; i < n; i++)
				pad += tail[i] == '=';
		if (part->body_lines > 0)
			letters -= 2 * (part->body_lines -
					   (n > 0 && tail[n - 1] != '\n'));
		return letters / 4 * 3 - (pad < 3 ? pad : 0);
	}
	if (!str_is_case(part->encoding, "quoted-printable") ||
	    size > QP_SIZE_MAX)
		return size;
	buf_init(&out, QP_SIZE_MAX);
	if (jmap_part_content(m, part, false, &out, &problem))
		size = out.n;
	buf_fini(&out);
	return size;
}

/* --- as JSON ---------------------------------------------------------------
 */

static json_t *
text_or_null(struct pst_str s)
{
	return s.p != NULL ? jmap_str(s) : json_null();
}

static json_t *
param_or_null(const struct msg_part *part, const char *name)
{
	struct buf text;
	json_t *value = json_null();

	buf_init(&text, 4096);
	if (msg_param(part->params, name, &text))
		value = jmap_text(&text);
	buf_fini(&text);
	return value;
}

static json_t *
name_or_null(const struct msg_part *part)
{
	struct buf text;
	json_t *value = json_null();

	buf_init(&text, 4096);
	if (msg_filename(part, &text))
		value = jmap_text(&text);
	buf_fini(&text);
	return value;
}

static json_t *
headers_of(const struct msg_part *part)
{
	json_t *list = json_array();

	for (size_t i = 0; i < part->fields; i++) {
		const struct msg_field *f = &part->field[i];

		if (f->name.n > 0)
			(void)json_array_append_new(list,
			    json_pack("{s:o, s:o}", "name", jmap_str(f->name),
				"value", jmap_str(f->value)));
	}
	return list;
}

static json_t *
type_of(const struct msg_part *part)
{
	struct buf text;
	json_t *value;

	buf_init(&text, 1024);
	(void)buf_printf(
	    &text, "%.*s/%.*s", STR_ARG(part->type), STR_ARG(part->subtype));
	for (size_t i = 0; i < text.n; i++)
		text.p[i] = ascii_lower(text.p[i]);
	value = jmap_text(&text);
	buf_fini(&text);
	return value;
}

static json_t *
cid_of(const struct msg_part *part)
{
	struct pst_str id = str_trim(part->id);

	if (part->id.p == NULL)
		return json_null();
	if (id.n > 1 && id.p[0] == '<' && id.p[id.n - 1] == '>')
		id = str_n(id.p + 1, id.n - 2);
	return jmap_str(id);
}

static json_t *
charset_of(const struct msg_part *part)
{
	json_t *value = param_or_null(part, "charset");

	if (!json_is_null(value) || !str_is_case(part->type, "text"))
		return value;
	json_decref(value);
	return json_string("us-ascii");
}

static json_t *
disposition_of(const struct msg_part *part)
{
	char text[64];

	if (part->disposition.p == NULL)
		return json_null();
	(void)str_copy(text, sizeof(text), part->disposition);
	for (char *p = text; *p != '\0'; p++)
		*p = ascii_lower(*p);
	return json_string(text);
}

static json_t *
languages_of(const struct msg_part *part)
{
	struct pst_str rest = part->language, one;
	json_t *list;

	if (part->language.p == NULL)
		return json_null();
	list = json_array();
	while (str_split(&rest, ',', &one))
		(void)json_array_append_new(list, jmap_str(str_trim(one)));
	return list;
}

/* header:... of a part. */
static void
put_headers(json_t *object, const struct msg_part *part, json_t *properties)
{
	const char *name;
	json_t *value;

	json_object_foreach(properties, name, value)
	{
		struct jmap_header h;

		if (jmap_header_parse(name, &h))
			(void)json_object_set_new(
			    object, name, jmap_header_value(part, &h));
	}
}

bool
jmap_part_knows(const char *property)
{
	static const char *const known[] = { "partId", "blobId", "size",
		"headers", "name", "type", "charset", "disposition", "cid",
		"language", "location", "subParts" };
	struct jmap_header h;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(property, known[i]) == 0)
			return true;
	return jmap_header_parse(property, &h);
}

json_t *
jmap_part_object(const struct jmap_message *m, const struct msg_part *part,
    json_t *properties, bool deep)
{
	json_t *object = json_object();
	char id[256], blob[JMAP_BLOB];
	bool is_leaf = !part->is_multipart;

#define PUT(name, value)                                                \
	do {                                                            \
		if (jmap_wants(properties, name))                       \
			(void)json_object_set_new(object, name, value); \
	} while (0)
	jmap_part_id(part, id);
	jmap_part_blob(m->blob, part, blob);
	PUT("partId", is_leaf ? json_string(id) : json_null());
	PUT("blobId", is_leaf ? json_string(blob) : json_null());
	PUT("size",
	    json_integer(is_leaf ? (json_int_t)decoded_size(m, part) : 0));
	if (properties != NULL)
		PUT("headers", headers_of(part));
	PUT("name", name_or_null(part));
	PUT("type", type_of(part));
	PUT("charset", charset_of(part));
	PUT("disposition", disposition_of(part));
	PUT("cid", cid_of(part));
	PUT("language", languages_of(part));
	PUT("location", text_or_null(part->location));
	put_headers(object, part, properties);
	if (deep && part->is_multipart) {
		json_t *list = json_array();

		for (const struct msg_part *p = part->child; p != NULL;
		     p = p->next)
			(void)json_array_append_new(
			    list, jmap_part_object(m, p, properties, true));
		(void)json_object_set_new(object, "subParts", list);
	} else if (deep && properties != NULL) {
		PUT("subParts", json_null());
	}
#undef PUT
	return object;
}
