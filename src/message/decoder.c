/*
 * message/decoder.c - the body of a part as text: transfer encoding (RFC 2045,
 * 6), charset, and HTML tags away, each done on pieces so that a large body
 * never is in memory.
 */
#include <stdlib.h>

#include "base/codec.h"
#include "base/str.h"
#include "message/content.h"
#include "message/internal.h"

enum {
	PIECE = 16 * 1024,
	/* A charset makes at most four octets of one; HZ and UTF-7 less. */
	PIECE_MAX = 8 * PIECE,
};

enum encoding { ENCODING_IDENTITY, ENCODING_BASE64, ENCODING_QP };

struct msg_decoder {
	enum encoding encoding;
	struct base64_state base64;
	struct qp_state qp;
	struct buf octets; /* without the transfer encoding */

	bool convert;
	struct msg_conv conv;
	struct buf text;

	bool strip;
	struct msg_html html;
};

static enum encoding
encoding_of(struct pst_str name)
{
	if (str_is_case(name, "base64"))
		return ENCODING_BASE64;
	if (str_is_case(name, "quoted-printable"))
		return ENCODING_QP;
	return ENCODING_IDENTITY;
}

struct msg_decoder *
msg_decoder_new(const struct msg_part *part, bool to_utf8, bool strip_html)
{
	struct msg_decoder *d = mem_alloc(sizeof(*d));
	bool is_text = str_is_case(part->type, "text");

	/* RFC 2045, 6.4: composite types are never encoded. */
	if (!part->is_multipart && !part->is_message)
		d->encoding = encoding_of(part->encoding);
	buf_init(&d->octets, PIECE_MAX);
	buf_init(&d->text, PIECE_MAX);
	d->convert = to_utf8 && is_text;
	if (d->convert) {
		struct buf charset;

		buf_init(&charset, 256);
		(void)msg_param(part->params, "charset", &charset);
		(void)msg_conv_init(&d->conv, buf_str(&charset));
		buf_fini(&charset);
	}
	d->strip = strip_html && is_text && str_is_case(part->subtype, "html");
	return d;
}

void
msg_decoder_free(struct msg_decoder **dp)
{
	struct msg_decoder *d = *dp;

	if (d == NULL)
		return;
	if (d->convert)
		msg_conv_fini(&d->conv);
	buf_fini(&d->octets);
	buf_fini(&d->text);
	free(d);
	*dp = NULL;
}

/* A piece that is small enough for the buffers between the steps. */
static bool
feed_piece(struct msg_decoder *d, struct pst_str in, bool last, struct buf *out)
{
	buf_clear(&d->octets);
	buf_clear(&d->text);
	switch (d->encoding) {
	case ENCODING_IDENTITY:
		break;
	case ENCODING_BASE64:
		(void)base64_decode_some(&d->base64, in, &d->octets);
		in = buf_str(&d->octets);
		break;
	case ENCODING_QP:
		(void)qp_decode_some(&d->qp, in, last, &d->octets);
		in = buf_str(&d->octets);
		break;
	}
	if (d->convert && d->strip) {
		(void)msg_conv_feed(&d->conv, in, last, &d->text);
		in = buf_str(&d->text);
	} else if (d->convert) {
		return msg_conv_feed(&d->conv, in, last, out);
	}
	if (d->strip)
		return msg_html_feed(&d->html, in, last, out);
	return in.n == 0 ? !out->overflow : buf_add_str(out, in);
}

bool
msg_decoder_feed(
    struct msg_decoder *d, struct pst_str in, bool last, struct buf *out)
{
	bool ok = true;

	while (ok && in.n > PIECE) {
		ok = feed_piece(d, str_first(in, PIECE), false, out);
		in = str_from(in, PIECE);
	}
	return ok && feed_piece(d, in, last, out);
}
