/*
 * imap/preview.c - PREVIEW (RFC 8970): the beginning of the first text that a
 * reader would see, as one line without markup.
 *
 * It is made when it is asked for, from a bounded part of the message. With
 * LAZY (4.1) only that is looked at which is read at once anyway: of a large
 * message, there is no preview then.
 */
#include "imap/preview.h"

#include "base/str.h"
#include "imap/respond.h"
#include "message/content.h"

enum {
	CHARACTERS = 200,	/* RFC 8970, 3.3 */
	SOURCE_MAX = 128 << 10, /* HTML has long heads */
	TEXT_MAX = 16 << 10,
	PIECE = 4096,
	LAZY_MAX = 64 << 10,
};

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
imap_preview_text(struct pst_str text, bool quotes, struct buf *out)
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

/*
 * The text to be shown: the first one, of alternatives the plain one. Depth is
 * limited where the message is read.
 */
static const struct msg_part *
find_text(const struct msg_part *part)
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
		found = find_text(p);
	return found;
}

static enum pst_rc
read_text(struct imap_fetch_message *m, const struct msg_part *part,
    struct buf *text, struct pst_error *err)
{
	struct msg_decoder *d = msg_decoder_new(part, true, true);
	uint64_t n = part->body_size < SOURCE_MAX ? part->body_size
						  : SOURCE_MAX;
	enum pst_rc rc = PST_OK;
	char piece[PIECE];

	for (uint64_t at = 0; at < n && rc == PST_OK && !text->overflow;) {
		size_t k = n - at < PIECE ? (size_t)(n - at) : PIECE;

		if (m->whole.p != NULL)
			memcpy(piece, m->whole.p + part->body_start + at, k);
		else
			rc = mail_body_read(
			    &m->body, part->body_start + at, piece, k, err);
		at += k;
		if (rc == PST_OK &&
		    !msg_decoder_feed(d, str_n(piece, k), at == n, text))
			break;
	}
	msg_decoder_free(&d);
	return rc;
}

static void
make_preview(
    struct imap_fetch_message *m, const struct msg_part *root, struct buf *out)
{
	const struct msg_part *part = find_text(root);
	struct pst_error err;
	struct buf text;

	if (part == NULL)
		return;
	buf_init(&text, TEXT_MAX);
	if (read_text(m, part, &text, &err) == PST_OK) {
		imap_preview_text(
		    buf_str(&text), !str_is_case(part->subtype, "plain"), out);
		if (out->n == 0)
			imap_preview_text(buf_str(&text), true, out);
	}
	buf_fini(&text);
}

void
imap_put_preview(struct buf *out, struct imap_fetch_message *m,
    const struct imap_fetch_node *node)
{
	struct msg *own = NULL;
	struct buf shown;

	(void)buf_puts(out, "PREVIEW ");
	if (node->is_lazy && !m->has_structure) {
		if (m->whole.p == NULL || m->whole.n > LAZY_MAX) {
			(void)buf_puts(out, "NIL");
			return;
		}
		own = msg_read(m->whole, &m->limits);
	}
	buf_init(&shown, 4 * CHARACTERS + 16);
	make_preview(m, own != NULL ? own->root : m->msg->root, &shown);
	imap_put_string(out, buf_str(&shown));
	buf_fini(&shown);
	if (own != NULL)
		msg_free(&own);
}
