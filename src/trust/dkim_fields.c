/*
 * trust/dkim_fields.c - canonical header fields (RFC 6376, 3.4.1, 3.4.2) and
 * the hash over those that a signature covers (3.7).
 */
#include "base/log.h"
#include "base/str.h"
#include "trust/dkim.h"
#include <gnutls/crypto.h>

enum { TEXT_MAX = 128 * 1024 * 1024 };

void
dkim_hash_init(struct dkim_hash *h)
{
	gnutls_hash_hd_t state;

	if (gnutls_hash_init(&state, GNUTLS_DIG_SHA256) < 0)
		pst_bug("no SHA-256");
	h->state = state;
	/* A field is never longer than the header that was kept. */
	buf_init(&h->text, TEXT_MAX);
}

/* Hashes what is in `text`. */
static void
flush(struct dkim_hash *h)
{
	if (h->text.n > 0)
		(void)gnutls_hash(h->state, h->text.p, h->text.n);
	buf_clear(&h->text);
}

void
dkim_hash_end(struct dkim_hash *h, unsigned char digest[DKIM_HASH])
{
	gnutls_hash_deinit(h->state, digest);
	h->state = NULL;
	buf_fini(&h->text);
}

/* The value unfolded, each run of white space one space, none at the ends. */
static void
put_relaxed_value(struct buf *out, struct pst_str value)
{
	bool space = false, text = false;

	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];

		if (c == '\r' || c == '\n')
			continue;
		if (c == ' ' || c == '\t') {
			space = true;
			continue;
		}
		if (space && text)
			(void)buf_putc(out, ' ');
		space = false;
		text = true;
		(void)buf_putc(out, c);
	}
}

static void
put_relaxed(struct buf *out, struct pst_str name, struct pst_str value)
{
	for (size_t i = 0; i < name.n; i++)
		(void)buf_putc(out, ascii_lower(name.p[i]));
	(void)buf_putc(out, ':');
	put_relaxed_value(out, value);
}

static struct pst_str
without_line_end(struct pst_str s)
{
	if (s.n > 0 && s.p[s.n - 1] == '\n')
		s.n--;
	if (s.n > 0 && s.p[s.n - 1] == '\r')
		s.n--;
	return s;
}

void
dkim_hash_field(struct dkim_hash *h, const struct trust_field *f, bool relaxed)
{
	if (relaxed)
		put_relaxed(&h->text, f->name, f->value);
	else
		(void)buf_add_str(&h->text, without_line_end(f->whole));
	(void)buf_add(&h->text, "\r\n", 2);
	flush(h);
}

void
dkim_hash_self(struct dkim_hash *h, const struct dkim_signature *sig)
{
	const struct trust_field *f = sig->field;
	struct pst_str whole = without_line_end(f->whole);
	size_t from = (size_t)(sig->b_raw.p - whole.p);
	struct buf bare;
	struct pst_str text;

	buf_init(&bare, TEXT_MAX);
	(void)buf_add_str(&bare, str_first(whole, from));
	(void)buf_add_str(&bare, str_from(whole, from + sig->b_raw.n));
	text = buf_str(&bare);
	if (sig->header_relaxed)
		put_relaxed(
		    &h->text, f->name, str_from(text, str_find(text, ':') + 1));
	else
		(void)buf_add_str(&h->text, text);
	flush(h);
	buf_fini(&bare);
}

/* The field of this name that is the `skip`-th from the end; or NULL. */
static const struct trust_field *
from_the_end(const struct trust_header *header, struct pst_str name,
    size_t skip, const struct trust_field *self)
{
	for (size_t i = header->fields; i > 0; i--) {
		const struct trust_field *f = &header->field[i - 1];

		if (f == self || !str_eq_case(f->name, name))
			continue;
		if (skip == 0)
			return f;
		skip--;
	}
	return NULL;
}

void
dkim_hash_names(struct dkim_hash *h, const struct trust_header *header,
    struct pst_str names, const struct trust_field *self, bool relaxed)
{
	struct pst_str rest = names, name, before, other;

	while (str_split(&rest, ':', &name)) {
		const struct trust_field *f;
		size_t skip = 0;

		/* How often it was named already. */
		before = str_first(names, (size_t)(name.p - names.p));
		while (str_split(&before, ':', &other))
			skip += str_eq_case(str_trim(other), str_trim(name));
		f = from_the_end(header, str_trim(name), skip, self);
		if (f != NULL)
			dkim_hash_field(h, f, relaxed);
	}
}
