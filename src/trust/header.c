/*
 * trust/header.c - collecting the header (RFC 5322, 2.2) and splitting it.
 */
#include "trust/header.h"

#include "base/str.h"
#include <stdlib.h>

void
trust_header_init(struct trust_header *h, size_t max, size_t fields_max)
{
	*h = (struct trust_header){ .fields_max = fields_max };
	buf_init(&h->text, max);
}

void
trust_header_fini(struct trust_header *h)
{
	buf_fini(&h->text);
	free(h->field);
	h->field = NULL;
	h->fields = 0;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* As long as the rewriter lets a name be. */
enum { FIELD_NAME_MAX = 79 };

/* The index of the colon behind a field's name, or SIZE_MAX. */
static size_t
colon_of(struct pst_str line)
{
	size_t i = 0;

	while (i < line.n && line.p[i] > ' ' && line.p[i] < 127 &&
	       line.p[i] != ':')
		i++;
	if (i == 0)
		return SIZE_MAX;
	while (i < line.n && is_space(line.p[i]))
		i++;
	return i < line.n && line.p[i] == ':' && i <= FIELD_NAME_MAX ? i
								     : SIZE_MAX;
}

/* The first line of a message out of an mbox, which the rewriter takes out. */
static bool
is_separator(struct pst_str line)
{
	return str_eq(str_first(line, 5), STR("From ")) ||
	       str_eq(str_first(line, 6), STR(">From "));
}

static bool
is_empty(struct pst_str line)
{
	return str_is(line, "\r\n") || str_is(line, "\n");
}

/* Behind the field that begins at `at`: its line and those that continue it. */
static size_t
field_end(struct pst_str text, size_t at)
{
	do {
		at += str_find(str_from(text, at), '\n');
		at += at < text.n;
	} while (at < text.n && is_space(text.p[at]));
	return at;
}

static void
add_field(struct trust_header *h, struct pst_str whole)
{
	struct trust_field *f = &h->field[h->fields++];
	size_t colon = colon_of(whole);

	f->whole = whole;
	f->name = str_trim(str_first(whole, colon));
	f->value = str_from(whole, colon + 1);
	if (f->value.n > 0 && f->value.p[f->value.n - 1] == '\n')
		f->value.n--;
	if (f->value.n > 0 && f->value.p[f->value.n - 1] == '\r')
		f->value.n--;
}

/* Slices are made when the text moves no more. */
static void
finish(struct trust_header *h)
{
	struct pst_str text = str_n(h->text.p, h->length);
	size_t n = 0;

	h->ended = true;
	if (!h->too_large) {
		for (size_t at = 0; at < text.n; at = field_end(text, at))
			n++;
		h->too_large = n > h->fields_max;
	}
	if (h->too_large || n == 0)
		return;
	h->field = mem_array(n, sizeof(*h->field));
	for (size_t at = 0; at < text.n;) {
		size_t end = field_end(text, at);

		add_field(h, str_n(text.p + at, end - at));
		at = end;
	}
}

/* The line at hand is whole. */
static void
end_line(struct trust_header *h)
{
	struct pst_str line = str_from(buf_str(&h->text), h->line);
	bool continues = h->line > 0 && is_space(line.p[0]);

	if (is_empty(line)) {
		h->length = h->line;
		h->text.n = h->line;
		finish(h);
	} else if (h->line == 0 && colon_of(line) == SIZE_MAX &&
		   is_separator(line)) {
		buf_clear(&h->text);
	} else if (!continues && colon_of(line) == SIZE_MAX) {
		h->length = h->line;
		finish(h);
	} else {
		h->line = h->length = h->text.n;
	}
}

size_t
trust_header_feed(struct trust_header *h, const char *p, size_t n)
{
	size_t used = 0;

	while (used < n && !h->ended) {
		const char *lf = memchr(p + used, '\n', n - used);
		size_t part = lf != NULL ? (size_t)(lf - (p + used)) + 1
					 : n - used;

		if (!buf_add(&h->text, p + used, part)) {
			h->too_large = true;
			h->length = h->text.n;
			finish(h);
			break;
		}
		used += part;
		if (lf != NULL)
			end_line(h);
	}
	return used;
}

void
trust_header_end(struct trust_header *h)
{
	if (!h->ended && h->line < h->text.n)
		end_line(h);
	if (!h->ended)
		finish(h);
}

struct pst_str
trust_header_rest(const struct trust_header *h)
{
	return str_from(buf_str(&h->text), h->length);
}

const struct trust_field *
trust_header_next(const struct trust_header *h, const char *name, size_t *i)
{
	while (*i < h->fields) {
		const struct trust_field *f = &h->field[(*i)++];

		if (str_is_case(f->name, name))
			return f;
	}
	return NULL;
}
