/*
 * trust/dkim_sign.c - making a DKIM-Signature field (RFC 6376, 5), or one of
 * the same form for a chain (RFC 8617, 4.1.2).
 *
 * Each field is signed as often as it occurs, and those that must not be added
 * on the way once more ("oversigned", 8.15).
 */
#include "base/codec.h"
#include "base/str.h"
#include "trust/dkim.h"

#include <inttypes.h>

enum { FIELD_MAX = 65536, LINE = 76 };

static void
put_name(struct buf *out, const char *name, size_t *column)
{
	size_t n = strlen(name);

	if (*column > 0 && *column + n + 1 > LINE) {
		(void)buf_puts(out, "\r\n\t ");
		*column = 9;
	}
	*column += n + 1;
	(void)buf_puts(out, name);
	(void)buf_putc(out, ':');
}

/* RFC 8617, 4.1.2: what a chain's signature may not cover. */
static bool
is_left_out(const struct dkim_signing *s, const char *name)
{
	return s->instance > 0 &&
	       (str_has_prefix_case(str_of(name), "ARC-") ||
		   str_is_case(str_of(name), "Authentication-Results"));
}

static size_t
count(const struct dkim_signing *s, const struct trust_header *h,
    const char *name)
{
	size_t n = 0, at = 0;

	if (is_left_out(s, name))
		return 0;

	while (trust_header_next(h, name, &at) != NULL)
		n++;
	return n;
}

/* How often it is named besides what `headers` has. */
static size_t
oversigned(const struct dkim_signing *s, const struct trust_header *h,
    const char *name)
{
	for (size_t i = 0; i < s->headers_n; i++)
		if (str_is_case(str_of(name), s->headers[i]))
			return 1;
	return is_left_out(s, name) ? 0 : count(s, h, name) + 1;
}

static void
put_names(
    struct buf *out, const struct dkim_signing *s, const struct trust_header *h)
{
	size_t column = 10, names = 0;

	(void)buf_puts(out, "h=");
	for (size_t i = 0; i < s->headers_n; i++)
		for (size_t n = count(s, h, s->headers[i]);
		     n > 0 && names < DKIM_NAMES_MAX; n--, names++)
			put_name(out, s->headers[i], &column);
	for (size_t i = 0; i < s->oversign_n; i++)
		for (size_t n = oversigned(s, h, s->oversign[i]);
		     n > 0 && names < DKIM_NAMES_MAX; n--, names++)
			put_name(out, s->oversign[i], &column);
	if (out->p[out->n - 1] == ':')
		out->n--;
}

/* In lines that are not too long. */
static void
put_folded(struct buf *out, struct pst_str text)
{
	for (size_t at = 0; at < text.n; at += LINE - 12) {
		if (at > 0)
			(void)buf_puts(out, "\r\n\t ");
		(void)buf_add_str(
		    out, str_first(str_from(text, at), LINE - 12));
	}
}

static bool
put_base64(struct buf *out, const void *p, size_t n)
{
	struct buf text;
	bool good;

	buf_init(&text, DKIM_VALUE_MAX);
	good = base64_encode(str_n(p, n), &text);
	if (good)
		put_folded(out, buf_str(&text));
	buf_fini(&text);
	return good;
}

static void
put_tags(struct buf *out, const struct dkim_signing *s,
    const struct trust_header *h, const unsigned char body_digest[DKIM_HASH])
{
	if (s->instance > 0)
		(void)buf_printf(
		    out, "ARC-Message-Signature: i=%" PRIu64 ";", s->instance);
	else
		(void)buf_puts(out, "DKIM-Signature: v=1;");
	(void)buf_printf(out,
	    " a=%s; c=relaxed/relaxed;\r\n"
	    "\td=%s; s=%s; t=%" PRId64 ";",
	    dkim_algorithm_name(s->key->algorithm), s->domain, s->selector,
	    s->now);
	if (s->expires > 0)
		(void)buf_printf(out, " x=%" PRId64 ";", s->expires);
	(void)buf_puts(out, "\r\n\t");
	put_names(out, s, h);
	(void)buf_puts(out, ";\r\n\tbh=");
	(void)put_base64(out, body_digest, DKIM_HASH);
	(void)buf_puts(out, ";\r\n\tb=");
}

/* Hashes what is to be signed; `text` ends with an empty b=. */
static void
hash(const struct trust_header *h, struct pst_str text,
    unsigned char digest[DKIM_HASH])
{
	struct trust_field field = { str_first(text, str_find(text, ':')),
		STR_NONE, text };
	struct dkim_signature sig = { .field = &field,
		.header_relaxed = true,
		.b_raw = { text.p + text.n, 0 } };
	size_t at = str_find_case(text, STR("h="));
	struct pst_str names = str_from(text, at + 2);
	struct dkim_hash state;

	names = str_first(names, str_find(names, ';'));
	dkim_hash_init(&state);
	dkim_hash_names(&state, h, names, NULL, true);
	dkim_hash_self(&state, &sig);
	dkim_hash_end(&state, digest);
}

bool
dkim_sign_put(const struct dkim_private *key,
    const unsigned char digest[DKIM_HASH], struct buf *field)
{
	struct buf signature;
	bool good;

	buf_init(&signature, DKIM_VALUE_MAX);
	good = dkim_private_sign(key, digest, &signature) &&
	       put_base64(field, signature.p, signature.n);
	buf_fini(&signature);
	return good;
}

bool
dkim_sign(const struct dkim_signing *s, const struct trust_header *h,
    const unsigned char body_digest[DKIM_HASH], struct buf *out)
{
	unsigned char digest[DKIM_HASH];
	struct buf field;
	bool good = false;

	if (s->headers_n + s->oversign_n == 0)
		return false;
	buf_init(&field, FIELD_MAX);
	put_tags(&field, s, h, body_digest);
	if (!field.overflow) {
		hash(h, buf_str(&field), digest);
		good = dkim_sign_put(s->key, digest, &field) &&
		       buf_puts(&field, "\r\n") &&
		       buf_add_str(out, buf_str(&field));
	}
	buf_fini(&field);
	return good;
}
