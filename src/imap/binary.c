/*
 * imap/binary.c - BINARY[], BINARY.PEEK[] and BINARY.SIZE[] (RFC 3516).
 *
 * The size goes out before the octets, so a section is decoded twice: to count,
 * and to send. The whole message, multiparts and messages inside have no
 * encoding of their own (RFC 2045, 6.4): they are what BODY[] shows, but for
 * the octet NUL.
 */
#include "imap/binary.h"

#include "base/str.h"
#include "message/content.h"

enum { PIECE = 16384, DECODED_MAX = 4 * PIECE };

bool
imap_binary_parse(
    struct imap_parser *ps, bool may_be_partial, struct imap_section *out)
{
	struct pst_str label;
	char *text;

	if (!imap_section_parse(ps, out))
		return false;
	if (out->text != IMAP_SECTION_ALL)
		return imap_bad(ps, "Invalid section");
	if (out->is_partial && !may_be_partial)
		return imap_bad(ps, "Partial is not allowed");
	label = str_from(out->label, strlen("BODY"));
	text = arena_alloc(ps->arena, strlen("BINARY") + label.n);
	if (text == NULL)
		return imap_bad(ps, "Command is too large");
	memcpy(text, "BINARY", strlen("BINARY"));
	memcpy(text + strlen("BINARY"), label.p, label.n);
	out->label = str_n(text, strlen("BINARY") + label.n);
	return true;
}

/* NULL: octets as they are. */
static const struct msg_part *
encoded_part(const struct imap_section *sec, const struct msg *msg)
{
	const struct msg_part *part;

	if (sec->numbers == 0)
		return NULL;
	part = msg_section(msg, sec->number, sec->numbers);
	if (part == NULL || part->is_multipart || part->is_message)
		return NULL;
	return part;
}

bool
imap_binary_is_decodable(const struct imap_section *sec, const struct msg *msg)
{
	static const char *const known[] = { "7bit", "8bit", "binary", "base64",
		"quoted-printable" };
	const struct msg_part *part = encoded_part(sec, msg);

	if (part == NULL)
		return true;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (str_is_case(part->encoding, known[i]))
			return true;
	}
	return false;
}

void
imap_binary_fini(struct imap_binary *b)
{
	msg_decoder_free(&b->decoder);
	buf_fini(&b->piece);
	memset(b, 0, sizeof(*b));
}

static void
restart(struct imap_binary *b)
{
	msg_decoder_free(&b->decoder);
	if (b->part != NULL)
		b->decoder = msg_decoder_new(b->part, false, false);
	b->at = b->decoded = 0;
}

static void
begin(struct imap_fetch_message *m, const struct imap_section *sec)
{
	struct imap_section whole = *sec;
	struct imap_binary *b = &m->binary;
	struct imap_octets at;

	whole.is_partial = false;
	at = imap_section_find(&whole, m->msg, m->body.length, &m->made);
	b->is_begun = true;
	b->is_nil = at.is_nil;
	b->offset = at.offset;
	b->length = at.is_nil ? 0 : at.length;
	b->part = encoded_part(sec, m->msg);
	b->first = sec->is_partial ? sec->offset : 0;
	b->most = sec->is_partial ? sec->length : UINT64_MAX;
	buf_init(&b->piece, DECODED_MAX);
	restart(b);
}

/* Decodes the next piece to b->piece. */
static enum pst_rc
decode_piece(struct imap_fetch_message *m, struct pst_error *err)
{
	struct imap_binary *b = &m->binary;
	uint64_t left = b->length - b->at;
	size_t n = left < PIECE ? (size_t)left : PIECE;
	uint64_t from = b->offset + b->at;
	char memory[PIECE];
	struct pst_str in;

	buf_clear(&b->piece);
	if (m->whole.p != NULL) {
		in = str_n(m->whole.p + from, n);
	} else {
		enum pst_rc rc = mail_body_read(&m->body, from, memory, n, err);

		if (rc != PST_OK)
			return rc;
		in = str_n(memory, n);
	}
	b->at += n;
	if (b->decoder == NULL)
		(void)buf_add_str(&b->piece, in);
	else
		(void)msg_decoder_feed(
		    b->decoder, in, b->at == b->length, &b->piece);
	return PST_OK;
}

/* What of the piece, which begins at b->decoded, is wanted. */
static struct pst_str
wanted(const struct imap_binary *b)
{
	struct pst_str out = buf_str(&b->piece);
	uint64_t end = b->most < UINT64_MAX - b->first ? b->first + b->most
						       : UINT64_MAX;

	if (b->decoded >= end)
		return str_first(out, 0);
	if (end - b->decoded < out.n)
		out = str_first(out, (size_t)(end - b->decoded));
	if (b->first <= b->decoded)
		return out;
	return b->first - b->decoded < out.n
		   ? str_from(out, (size_t)(b->first - b->decoded))
		   : str_first(out, 0);
}

enum pst_rc
imap_binary_measure(struct imap_fetch_message *m,
    const struct imap_section *sec, bool *done_r, struct pst_error *err)
{
	struct imap_binary *b = &m->binary;
	struct pst_str out;
	enum pst_rc rc;

	if (!b->is_begun)
		begin(m, sec);
	if (b->at < b->length) {
		rc = decode_piece(m, err);
		if (rc != PST_OK)
			return rc;
		out = wanted(b);
		b->has_nul |= out.n > 0 && memchr(out.p, '\0', out.n) != NULL;
		b->size += out.n;
		b->decoded += b->piece.n;
	}
	*done_r = b->at == b->length;
	return PST_OK;
}

void
imap_put_binary(struct buf *out, struct imap_fetch_message *m,
    const struct imap_fetch_node *node)
{
	struct imap_binary *b = &m->binary;

	(void)buf_add_str(out, node->section->label);
	if (b->is_nil) {
		(void)buf_puts(out, " NIL");
		imap_binary_fini(b);
		return;
	}
	(void)buf_puts(out, b->has_nul ? " ~{" : " {");
	(void)buf_put_u64(out, b->size);
	(void)buf_puts(out, "}\r\n");
	restart(b);
	b->left = b->size;
	if (b->left == 0)
		imap_binary_fini(b);
}

void
imap_put_binary_size(struct buf *out, struct imap_fetch_message *m,
    const struct imap_fetch_node *node)
{
	(void)buf_puts(out, "BINARY.SIZE");
	(void)buf_add_str(
	    out, str_from(node->section->label, strlen("BINARY")));
	(void)buf_putc(out, ' ');
	(void)buf_put_u64(out, m->binary.size);
	imap_binary_fini(&m->binary);
}

enum pst_rc
imap_binary_send(
    struct imap_fetch_message *m, struct buf *out, struct pst_error *err)
{
	struct imap_binary *b = &m->binary;
	struct pst_str piece;
	enum pst_rc rc;

	/* The content cannot change, but a size that was told must be kept. */
	if (b->at == b->length)
		return pst_fail(err, PST_E_TEMP, 0, "a section is shorter now");
	rc = decode_piece(m, err);
	if (rc != PST_OK)
		return rc;
	piece = wanted(b);
	if (piece.n > b->left)
		piece = str_first(piece, (size_t)b->left);
	(void)buf_add_str(out, piece);
	b->left -= piece.n;
	b->decoded += b->piece.n;
	if (b->left == 0)
		imap_binary_fini(b);
	return PST_OK;
}
