/*
 * jmap/compose_part.c - writing the parts of a message (RFC 8621, 4.6): their
 * fields, texts and blobs.
 */
#include "base/clock.h"
#include "base/codec.h"
#include "base/str.h"
#include "jmap/compose.h"
#include "jmap/header.h"

enum { DEPTH = 20, PARTS = 1000, LONG_LINE = 998 };

bool
jmap_compose_fail(struct composing *w, const char *type, const char *property,
    const char *why)
{
	if (w->error == NULL)
		w->error = jmap_set_error(type, property, why);
	return false;
}

const char *
jmap_part_text(json_t *part, const char *name)
{
	return json_string_value(json_object_get(part, name));
}

/* A token or words in quotes; nothing that could end the field. */
static bool
is_plain(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 127)
			return false;
	return true;
}

static bool
is_type(const char *s)
{
	unsigned slashes = 0;

	for (; *s != '\0'; s++) {
		if (*s == '/')
			slashes++;
		else if (!ascii_is_alpha(*s) && !ascii_is_digit(*s) &&
			 strchr("!#$&^_.+-", *s) == NULL)
			return false;
	}
	return slashes == 1;
}

/* A parameter; what is not ASCII as RFC 2231, 4 says. */
static void
put_param(struct buf *out, const char *name, const char *value)
{
	if (str_is_ascii(str_of(value))) {
		(void)buf_printf(out, ";\r\n\t%s=\"", name);
		for (; *value != '\0'; value++) {
			if (*value == '"' || *value == '\\')
				(void)buf_putc(out, '\\');
			(void)buf_putc(out, *value);
		}
		(void)buf_putc(out, '"');
		return;
	}
	(void)buf_printf(out, ";\r\n\t%s*=utf-8''", name);
	(void)http_percent_encode(str_of(value), out);
}

static bool
has_long_lines(struct pst_str s)
{
	while (s.n > 0) {
		size_t end = str_find(s, '\n');

		if (end > LONG_LINE)
			return true;
		s = str_from(s, end + 1);
	}
	return false;
}

/* Text with LF becomes one with CRLF. */
static void
put_lines(struct buf *out, struct pst_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n' && (i == 0 || s.p[i - 1] != '\r'))
			(void)buf_putc(out, '\r');
		(void)buf_putc(out, s.p[i]);
	}
}

/* Content, and the field that says how it is written. */
static void
put_text(struct composing *w, struct pst_str text)
{
	struct qp_encoder qp = { 0 };
	struct buf lines;

	buf_init(&lines, w->out->max);
	put_lines(&lines, text);
	if (str_is_ascii(buf_str(&lines)) && !has_long_lines(buf_str(&lines))) {
		(void)buf_puts(
		    w->out, "Content-Transfer-Encoding: 7bit\r\n\r\n");
		(void)buf_add(w->out, lines.p, lines.n);
	} else {
		(void)buf_puts(w->out, "Content-Transfer-Encoding: "
				       "quoted-printable\r\n\r\n");
		(void)qp_encode_some(&qp, buf_str(&lines), true, w->out);
	}
	buf_fini(&lines);
}

static void
put_octets(struct composing *w, const char *type, struct pst_str octets)
{
	struct base64_lines lines = { .n = 0 };

	/* RFC 2046, 5.2.1: a message must not be encoded. */
	if (strcasecmp(type, "message/rfc822") == 0) {
		(void)buf_printf(w->out,
		    "Content-Transfer-Encoding: %s\r\n\r\n",
		    str_is_ascii(octets) ? "7bit" : "8bit");
		(void)buf_add_str(w->out, octets);
		return;
	}
	(void)buf_puts(w->out, "Content-Transfer-Encoding: base64\r\n\r\n");
	(void)base64_encode_lines(&lines, octets, true, w->out);
}

/* Tags of languages (RFC 3282). */
static bool
put_language(struct composing *w, json_t *list)
{
	json_t *one;
	size_t i;

	if (list == NULL || json_is_null(list))
		return true;
	if (!json_is_array(list))
		return false;
	json_array_foreach(list, i, one)
	{
		const char *tag = json_string_value(one);

		if (tag == NULL || tag[0] == '\0' ||
		    !str_is_ascii(str_of(tag)) || !is_plain(tag) ||
		    strpbrk(tag, " ,;()") != NULL)
			return false;
		(void)buf_printf(
		    w->out, "%s%s", i > 0 ? ", " : "Content-Language: ", tag);
	}
	if (json_array_size(list) > 0)
		(void)buf_puts(w->out, "\r\n");
	return true;
}

/* "header:..." of a part, but for what says how it is written. */
static bool
put_part_fields(struct composing *w, json_t *part)
{
	static const char *const ours[] = { "Content-Transfer-Encoding",
		"Content-Type", "Content-Disposition", "Content-ID",
		"Content-Location", "Content-Language", "MIME-Version" };
	static const char *const told[] = { "", "type", "disposition", "cid",
		"location", "language", "" };
	struct jmap_header h;
	const char *name;
	json_t *value, *one;
	size_t i;

	if (json_object_get(part, "headers") != NULL)
		return jmap_compose_fail(
		    w, "invalidProperties", "headers", NULL);
	json_object_foreach(part, name, value)
	{
		const char *wrong = NULL;

		if (strncmp(name, "header:", 7) != 0)
			continue;
		if (!jmap_header_parse(name, &h))
			return jmap_compose_fail(
			    w, "invalidProperties", name, NULL);
		for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
			if (str_is_case(h.name, ours[i]) &&
			    (i < 2 || told[i][0] == '\0' ||
				json_object_get(part, told[i]) != NULL))
				return jmap_compose_fail(
				    w, "invalidProperties", name, NULL);
		if (!h.is_all && !json_is_null(value))
			wrong = jmap_header_write(
			    h.name, h.form, value, w->out);
		json_array_foreach(h.is_all ? value : NULL, i, one)
		{
			if (wrong == NULL)
				wrong = jmap_header_write(
				    h.name, h.form, one, w->out);
		}
		if (wrong != NULL)
			return jmap_compose_fail(
			    w, "invalidProperties", name, wrong);
	}
	return true;
}

/* Content-Type and what else the part says of itself. */
static bool
put_part_header(
    struct composing *w, json_t *part, const char *type, bool is_value)
{
	const char *name = jmap_part_text(part, "name"),
		   *cid = jmap_part_text(part, "cid");
	const char *disposition = jmap_part_text(part, "disposition");
	const char *location = jmap_part_text(part, "location");
	const char *charset = jmap_part_text(part, "charset");

	if (!is_type(type) || (name != NULL && !is_plain(name)) ||
	    (cid != NULL && (!is_plain(cid) || strpbrk(cid, "<> ") != NULL)) ||
	    (location != NULL && !is_plain(location)) ||
	    (charset != NULL && !is_plain(charset)) ||
	    (disposition != NULL && (!is_plain(disposition) ||
					strpbrk(disposition, " ;\"") != NULL)))
		return jmap_compose_fail(w, "invalidProperties",
		    "bodyStructure", "A part is malformed.");
	(void)buf_printf(w->out, "Content-Type: %s", type);
	if (is_value)
		put_param(w->out, "charset", "utf-8");
	else if (charset != NULL)
		put_param(w->out, "charset", charset);
	if (name != NULL)
		put_param(w->out, "name", name);
	(void)buf_puts(w->out, "\r\n");
	if (disposition != NULL || name != NULL) {
		(void)buf_printf(w->out, "Content-Disposition: %s",
		    disposition != NULL ? disposition : "attachment");
		if (name != NULL)
			put_param(w->out, "filename", name);
		(void)buf_puts(w->out, "\r\n");
	}
	if (cid != NULL)
		(void)buf_printf(w->out, "Content-ID: <%s>\r\n", cid);
	if (location != NULL)
		(void)buf_printf(w->out, "Content-Location: %s\r\n", location);
	if (!put_language(w, json_object_get(part, "language")))
		return jmap_compose_fail(w, "invalidProperties",
		    "bodyStructure", "A language is malformed.");
	return put_part_fields(w, part);
}

static bool
put_value_part(struct composing *w, json_t *part, const char *id)
{
	json_t *value = json_object_get(w->values, id);
	const char *text = jmap_part_text(value, "value"), *type;

	type = jmap_part_text(part, "type");
	if (text == NULL)
		return jmap_compose_fail(w, "invalidProperties", "bodyValues",
		    "A part has no value.");
	/* RFC 8621, 4.6: these are for us to say. */
	if (json_object_get(part, "charset") != NULL ||
	    json_object_get(part, "size") != NULL)
		return jmap_compose_fail(w, "invalidProperties",
		    "bodyStructure",
		    "Charset and size of a value are not to be told.");
	if (json_is_true(json_object_get(value, "isTruncated")) ||
	    json_is_true(json_object_get(value, "isEncodingProblem")))
		return jmap_compose_fail(
		    w, "invalidProperties", "bodyValues", NULL);
	if (!put_part_header(w, part, type != NULL ? type : "text/plain", true))
		return false;
	put_text(w, str_of(text));
	return true;
}

static bool
put_blob_part(struct composing *w, json_t *part, const char *id)
{
	const char *real = jmap_real_id(w->c->q, id), *type;
	char found[128] = "";
	struct buf octets;
	bool ok;

	buf_init(&octets, w->out->max);
	if (real == NULL || !jmap_blob(w->c, real, &octets, found)) {
		buf_fini(&octets);
		if (w->error == NULL) {
			w->error = jmap_set_error("blobNotFound", NULL, NULL);
			(void)json_object_set_new(
			    w->error, "notFound", json_pack("[s]", id));
		}
		return false;
	}
	type = jmap_part_text(part, "type");
	if (type == NULL)
		type = found[0] != '\0' ? found : "application/octet-stream";
	ok = put_part_header(w, part, type, false);
	if (ok)
		put_octets(w, type, buf_str(&octets));
	buf_fini(&octets);
	return ok;
}

static bool
put_multipart(
    struct composing *w, const char *type, json_t *whole, unsigned depth)
{
	json_t *parts = json_object_get(whole, "subParts");
	char boundary[48], octets[12], text[25];
	json_t *part;
	size_t i;

	random_bytes(octets, sizeof(octets));
	hex_encode(octets, sizeof(octets), text);
	/* "=_" is in no quoted-printable, the rest in no other text. */
	(void)snprintf(
	    boundary, sizeof(boundary), "=_%s_%u", text, w->boundaries++);
	if (!is_type(type))
		return jmap_compose_fail(
		    w, "invalidProperties", "bodyStructure", NULL);
	(void)buf_printf(w->out, "Content-Type: %s;\r\n\tboundary=\"%s\"\r\n",
	    type, boundary);
	if (!put_part_fields(w, whole))
		return false;
	(void)buf_puts(w->out, "\r\n");
	json_array_foreach(parts, i, part)
	{
		(void)buf_printf(
		    w->out, "%s--%s\r\n", i > 0 ? "\r\n" : "", boundary);
		if (!jmap_compose_part(w, part, depth + 1))
			return false;
	}
	(void)buf_printf(w->out, "\r\n--%s--\r\n", boundary);
	return true;
}

bool
jmap_compose_part(struct composing *w, json_t *part, unsigned depth)
{
	const char *part_id = jmap_part_text(part, "partId");
	const char *blob_id = jmap_part_text(part, "blobId");
	json_t *parts = json_object_get(part, "subParts");

	if (!json_is_object(part) || depth > DEPTH || w->parts++ > PARTS)
		return jmap_compose_fail(
		    w, "invalidProperties", "bodyStructure", NULL);
	if (json_is_array(parts) && json_array_size(parts) > 0) {
		const char *type = jmap_part_text(part, "type");

		return put_multipart(
		    w, type != NULL ? type : "multipart/mixed", part, depth);
	}
	if (part_id != NULL && blob_id != NULL)
		return jmap_compose_fail(w, "invalidProperties",
		    "bodyStructure", "A part is either a value or a blob.");
	if (part_id != NULL)
		return put_value_part(w, part, part_id);
	if (blob_id != NULL)
		return put_blob_part(w, part, blob_id);
	return jmap_compose_fail(
	    w, "invalidProperties", "bodyStructure", "A part has no content.");
}
