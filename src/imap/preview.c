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
#include "message/preview.h"

enum {
	SOURCE_MAX = 128 << 10, /* HTML has long heads */
	TEXT_MAX = 16 << 10,
	PIECE = 4096,
	LAZY_MAX = 64 << 10,
};

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
	const struct msg_part *part = msg_preview_part(root);
	struct pst_error err;
	struct buf text;

	if (part == NULL)
		return;
	buf_init(&text, TEXT_MAX);
	if (read_text(m, part, &text, &err) == PST_OK) {
		msg_preview_text(
		    buf_str(&text), !str_is_case(part->subtype, "plain"), out);
		if (out->n == 0)
			msg_preview_text(buf_str(&text), true, out);
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
	buf_init(&shown, MSG_PREVIEW_SIZE);
	make_preview(m, own != NULL ? own->root : m->msg->root, &shown);
	imap_put_string(out, buf_str(&shown));
	buf_fini(&shown);
	if (own != NULL)
		msg_free(&own);
}
