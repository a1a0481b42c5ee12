/*
 * message/preview.c - see preview.h.
 */
#include "message/preview.h"

#include "base/str.h"

enum { CHARACTERS = 200 }; /* RFC 8970, 3.3; RFC 8621, 4.1.4 has 256 */

/* Length of the character at `p`, and what it is; `text` is valid UTF-8. */
static size_t
next_character(struct pst_str text, uint32_t *code_r)
{
	unsigned char c = (unsigned char)text.p[0];
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	*code_r = n == 1 ? c : c & (0xffu >> (n + 1));
	if (n > text.n)
		n = text.n;
	for (size_t i = 1; i < n; i++)
		*code_r = *code_r << 6 | ((unsigned char)text.p[i] & 0x3f);
	return n;
}

static bool
is_space(uint32_t c)
{
	return c <= 0x20 || (c >= 0x7f && c <= 0xa0) ||
	       (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
	       c == 0x202f || c == 0x205f || c == 0x3000;
}

/* Without width or meaning: what advertisers fill their previews with. */
static bool
is_invisible(uint32_t c)
{
	return c == 0xad || c == 0x34f || c == 0x61c || c == 0x180e ||
	       (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

/* A line's words; returns how many characters there are now. */
static unsigned
add_line(struct pst_str line, unsigned have, struct buf *out)
{
	bool space = out->n > 0;

	while (line.n > 0 && have < CHARACTERS) {
		uint32_t code;
		size_t n = next_character(line, &code);

		if (is_space(code)) {
			space = out->n > 0;
		} else if (!is_invisible(code)) {
			if (space && have + 2 > CHARACTERS)
				return CHARACTERS;
			if (space) {
				(void)buf_putc(out, ' ');
				have++;
			}
			(void)buf_add(out, line.p, n);
			have++;
			space = false;
		}
		line = str_from(line, n);
	}
	return have;
}

void
msg_preview_text(struct pst_str text, bool quotes, struct buf *out)
{
	unsigned have = 0;

	while (text.n > 0 && have < CHARACTERS) {
		size_t n = str_find(text, '\n');
		struct pst_str line = str_first(text, n);

		text = str_from(text, n + 1);
		if (str_is(str_n(line.p, line.n), "-- ") ||
		    str_is(line, "-- \r"))
			return; /* a signature */
		if (quotes || line.n == 0 || line.p[0] != '>')
			have = add_line(line, have, out);
	}
}

static bool
is_text(const struct msg_part *part, const char *subtype)
{
	return str_is_case(part->type, "text") &&
	       (subtype == NULL || str_is_case(part->subtype, subtype)) &&
	       !str_is_case(part->disposition, "attachment") &&
	       part->body_size > 0;
}

/* Depth is limited where the message is read. */
const struct msg_part *
msg_preview_part(const struct msg_part *part)
{
	const struct msg_part *found = NULL;

	if (!part->is_multipart)
		return is_text(part, NULL) ? part : NULL;
	if (str_is_case(part->subtype, "alternative")) {
		for (const struct msg_part *p = part->child; p != NULL;
		     p = p->next) {
			if (is_text(p, "plain"))
				return p;
		}
	}
	for (const struct msg_part *p = part->child; p != NULL && found == NULL;
	     p = p->next)
		found = msg_preview_part(p);
	return found;
}
