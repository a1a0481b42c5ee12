/*
 * message/html.c - the text of an HTML body, for searching and previews.
 *
 * A small machine that takes one octet after the other, so that pieces may end
 * anywhere. Tags of blocks become a space, others nothing ("<b>H</b>ello" is
 * one word); script, style and comments go; entities become their characters;
 * white space becomes one space.
 */
#include "base/str.h"
#include "message/internal.h"

/* Elements that do not interrupt a word. */
static const char *const inline_elements[] = { "a", "abbr", "acronym", "b",
	"bdi", "bdo", "big", "blink", "cite", "code", "data", "del", "dfn",
	"em", "font", "i", "ins", "kbd", "mark", "o:p", "q", "s", "samp",
	"small", "span", "strike", "strong", "sub", "sup", "tt", "u", "var",
	"wbr" };

static const char *const raw_elements[] = { "script", "style" };

static const char *
find_element(struct pst_str name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (str_is_case(name, list[i]))
			return list[i];
	}
	return NULL;
}

static void
put_text(struct msg_html *h, const char *p, size_t n, struct buf *out)
{
	if (h->space && h->some)
		(void)buf_putc(out, ' ');
	h->space = false;
	h->some = true;
	(void)buf_add(out, p, n);
}

/* The octets that were held back turn out to be text. */
static void
put_held(struct msg_html *h, char first, struct buf *out)
{
	put_text(h, &first, 1, out);
	if (h->n > 0)
		put_text(h, h->name, h->n, out);
	h->n = 0;
	h->state = HTML_TEXT;
}

static void
put_entity(struct msg_html *h, uint32_t c, struct buf *out)
{
	h->n = 0;
	h->state = HTML_TEXT;
	if (c == 0xa0 || c <= ' ') {
		h->space = true;
		return;
	}
	put_text(h, NULL, 0, out);
	(void)msg_utf8_put(out, c);
}

/* The character of "#number" or of a name, or 0. */
static uint32_t
entity_value(const char *name, size_t n)
{
	bool hex = n > 1 && ascii_lower(name[1]) == 'x';
	uint32_t c = 0;

	if (n == 0 || name[0] != '#')
		return msg_html_entity(name, n);
	for (size_t i = hex ? 2 : 1; i < n; i++) {
		char d = ascii_lower(name[i]);

		if (ascii_is_digit(d))
			c = c * (hex ? 16 : 10) + (uint32_t)(d - '0');
		else if (hex && d >= 'a' && d <= 'f')
			c = c * 16 + (uint32_t)(d - 'a' + 10);
		else
			return 0;
		if (c > 0x10ffff)
			return 0xfffd;
	}
	if (c >= 0xd800 && c <= 0xdfff)
		return 0xfffd;
	/* Programs that think in windows-1252 number its characters. */
	return c >= 0x80 && c < 0xa0 ? msg_windows_1252((unsigned char)c) : c;
}

/* Returns false when `c` is to be looked at again, as text. */
static bool
in_entity(struct msg_html *h, char c, struct buf *out)
{
	uint32_t value;

	if ((ascii_is_alpha(c) || ascii_is_digit(c) ||
		(c == '#' && h->n == 0)) &&
	    h->n < sizeof(h->name)) {
		h->name[h->n++] = c;
		return true;
	}
	value = entity_value(h->name, h->n);
	if (value == 0) {
		put_held(h, '&', out);
		return false;
	}
	put_entity(h, value, out);
	return c == ';';
}

static bool
in_open(struct msg_html *h, char c, struct buf *out)
{
	h->n = 0;
	if (ascii_is_alpha(c) || c == '/') {
		h->name[h->n++] = c;
		h->state = HTML_NAME;
		return true;
	}
	if (c == '!' || c == '?') {
		h->dashes = c == '!' ? 0 : 3;
		h->state = HTML_DECLARATION;
		return true;
	}
	put_held(h, '<', out);
	return false;
}

static void
end_name(struct msg_html *h)
{
	struct pst_str name = str_n(h->name, h->n);
	bool closing = h->name[0] == '/';

	if (closing)
		name = str_from(name, 1);
	if (find_element(name, inline_elements,
		sizeof(inline_elements) / sizeof(inline_elements[0])) == NULL)
		h->space = true;
	if (!closing)
		h->raw = find_element(name, raw_elements,
		    sizeof(raw_elements) / sizeof(raw_elements[0]));
	h->n = 0;
	h->quote = '=';
	h->state = HTML_TAG;
}

static bool
in_name(struct msg_html *h, char c)
{
	if (c != '>' && !msg_is_wsp(c) && (c != '/' || h->n == 0)) {
		if (h->n < sizeof(h->name))
			h->name[h->n++] = c;
		return true;
	}
	end_name(h);
	return false;
}

/* h->quote is '=' here, or ' ' when a quote would start a value. */
static void
in_tag(struct msg_html *h, char c)
{
	if (c == '>') {
		h->state = h->raw != NULL ? HTML_RAW : HTML_TEXT;
		h->n = 0;
	} else if (c == '=') {
		h->quote = ' ';
	} else if ((c == '"' || c == '\'') && h->quote == ' ') {
		h->quote = c;
		h->state = HTML_QUOTED;
	} else if (!msg_is_wsp(c)) {
		h->quote = '=';
	}
}

static void
in_quoted(struct msg_html *h, char c)
{
	if (c == h->quote) {
		h->quote = '=';
		h->state = HTML_TAG;
	}
}

static void
in_declaration(struct msg_html *h, char c)
{
	if (c == '>') {
		h->state = HTML_TEXT;
	} else if (c == '-' && h->dashes == 1) {
		h->state = HTML_COMMENT;
		h->dashes = 2; /* "<!-->" is all of one */
	} else {
		/* Only dashes at the very start make it a comment. */
		h->dashes = c == '-' && h->dashes == 0 ? 1 : 3;
	}
}

static void
in_comment(struct msg_html *h, char c)
{
	if (c == '-') {
		h->dashes = h->dashes < 2 ? h->dashes + 1 : 2;
	} else if (c == '>' && h->dashes == 2) {
		h->dashes = 0;
		h->state = HTML_TEXT;
	} else {
		h->dashes = 0;
	}
}

/* Passes over everything up to the end tag; h->n counts its octets. */
static void
in_raw(struct msg_html *h, char c)
{
	size_t length = strlen(h->raw);
	char want = h->n == 0 ? '<' : h->n == 1 ? '/' : h->raw[h->n - 2];

	if (ascii_lower(c) == want)
		h->n++;
	else
		h->n = c == '<' ? 1 : 0;
	if (h->n == length + 2) {
		h->raw = NULL;
		h->n = 0;
		h->space = true;
		h->quote = '=';
		h->state = HTML_TAG;
	}
}

/* Takes a run of plain text, or the octet that ends one. */
static const char *
in_text(struct msg_html *h, const char *p, const char *end, struct buf *out)
{
	const char *at = p;

	while (at < end && *at != '<' && *at != '&' && !msg_is_wsp(*at))
		at++;
	if (at > p) {
		put_text(h, p, (size_t)(at - p), out);
		return at;
	}
	if (*at == '<')
		h->state = HTML_OPEN;
	else if (*at == '&')
		h->state = HTML_ENTITY;
	else
		h->space = true;
	h->n = 0;
	return at + 1;
}

bool
msg_html_feed(struct msg_html *h, struct pst_str in, bool last, struct buf *out)
{
	const char *p = in.p, *end = in.n > 0 ? p + in.n : p;

	while (p < end) {
		bool used = true;

		switch (h->state) {
		case HTML_TEXT:
			p = in_text(h, p, end, out);
			continue;
		case HTML_ENTITY:
			used = in_entity(h, *p, out);
			break;
		case HTML_OPEN:
			used = in_open(h, *p, out);
			break;
		case HTML_NAME:
			used = in_name(h, *p);
			break;
		case HTML_TAG:
			in_tag(h, *p);
			break;
		case HTML_QUOTED:
			in_quoted(h, *p);
			break;
		case HTML_DECLARATION:
			in_declaration(h, *p);
			break;
		case HTML_COMMENT:
			in_comment(h, *p);
			break;
		case HTML_RAW:
			in_raw(h, *p);
			break;
		}
		if (used)
			p++;
	}
	if (last && h->state == HTML_ENTITY)
		(void)in_entity(h, ' ', out);
	else if (last && h->state == HTML_OPEN)
		put_held(h, '<', out);
	return !out->overflow;
}
