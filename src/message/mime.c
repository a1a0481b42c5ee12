/*
 * message/mime.c - what a part says of itself: Content-Type with its defaults
 * (RFC 2045, 5 and 6; RFC 2046, 5.1.5), Content-Disposition (RFC 2183) and the
 * other Content-... fields that BODYSTRUCTURE shows.
 *
 * Of a field that occurs twice the first one counts.
 */
#include "base/str.h"
#include "message/header.h"
#include "message/internal.h"

static bool
is_token_char(char c)
{
	return (unsigned char)c > ' ' && c != 127 &&
	       memchr("()<>@,;:\\\"/[]?=", c, 15) == NULL;
}

/* A token (RFC 2045, 5.1) after white space and comments. */
static struct pst_str
take_token(const char **p, const char *end)
{
	const char *start = msg_skip_cfws(*p, end);

	for (*p = start; *p < end && is_token_char(**p); (*p)++)
		;
	return str_n(start, (size_t)(*p - start));
}

static struct pst_str
unfolded(struct arena *a, const struct msg_part *part, const char *name)
{
	const struct msg_field *f = msg_field(part, name);

	return f != NULL ? msg_unfold(a, f->value) : STR_NONE;
}

void
msg_mime_plain(struct arena *a, struct msg_part *part)
{
	part->type = STR("text");
	part->subtype = STR("plain");
	part->params = arena_alloc(a, sizeof(*part->params));
	part->params->name = STR("charset");
	part->params->value = STR("us-ascii");
	part->is_multipart = false;
	part->is_message = false;
}

static void
set_default_type(struct arena *a, struct msg_part *part)
{
	msg_mime_plain(a, part);
	if (part->parent != NULL && part->parent->is_multipart &&
	    str_is_case(part->parent->subtype, "digest")) {
		part->type = STR("message");
		part->subtype = STR("rfc822");
		part->params = NULL;
	}
}

static void
parse_type(struct arena *a, struct msg_part *part)
{
	const struct msg_field *f = msg_field(part, "Content-Type");
	struct pst_str type, subtype = STR_NONE;
	const char *p, *end;

	if (f == NULL) {
		set_default_type(a, part);
		return;
	}
	p = f->value.p;
	end = p + f->value.n;
	type = take_token(&p, end);
	p = msg_skip_cfws(p, end);
	if (p < end && *p == '/') {
		p++;
		subtype = take_token(&p, end);
	}
	if (type.n > 0 && subtype.n > 0) {
		part->type = type;
		part->subtype = subtype;
		part->params = msg_params_parse(a, p, end);
	} else {
		/* RFC 2045, 5.2: not valid is as good as absent; but the
		 * "text" of old programs may have a charset behind it. */
		set_default_type(a, part);
		if (str_is_case(type, "text")) {
			msg_mime_plain(a, part);
			part->params = msg_params_parse(a, p, end);
		}
	}
}

static void
parse_encoding(struct msg_part *part)
{
	const struct msg_field *f = msg_field(
	    part, "Content-Transfer-Encoding");

	part->encoding = STR_NONE;
	if (f != NULL) {
		const char *p = f->value.p;

		part->encoding = take_token(&p, p + f->value.n);
	}
	if (part->encoding.n == 0)
		part->encoding = STR("7bit");
}

static void
parse_disposition(struct arena *a, struct msg_part *part)
{
	const struct msg_field *f = msg_field(part, "Content-Disposition");
	const char *p, *end;

	if (f == NULL)
		return;
	p = f->value.p;
	end = p + f->value.n;
	part->disposition = take_token(&p, end);
	part->disposition_params = msg_params_parse(a, p, end);
	if (part->disposition.n > 0)
		return;
	/* "; filename=x" alone: RFC 2183, 2.8 has what is not known be an
	 * attachment. */
	if (part->disposition_params != NULL)
		part->disposition = STR("attachment");
	else
		part->disposition = STR_NONE;
}

static bool
is_identity(struct pst_str encoding)
{
	return str_is_case(encoding, "7bit") || str_is_case(encoding, "8bit") ||
	       str_is_case(encoding, "binary");
}

void
msg_mime_parse(struct arena *a, struct msg_part *part)
{
	parse_type(a, part);
	parse_encoding(part);
	parse_disposition(a, part);
	part->id = unfolded(a, part, "Content-ID");
	part->description = unfolded(a, part, "Content-Description");
	part->md5 = unfolded(a, part, "Content-MD5");
	part->location = unfolded(a, part, "Content-Location");
	part->language = unfolded(a, part, "Content-Language");

	part->is_multipart = str_is_case(part->type, "multipart");
	/* RFC 2046, 5.2.1 and RFC 6532, 3.7: an encoded message is opaque
	 * here. */
	part->is_message = str_is_case(part->type, "message") &&
			   (str_is_case(part->subtype, "rfc822") ||
			       str_is_case(part->subtype, "global")) &&
			   is_identity(part->encoding);
}
