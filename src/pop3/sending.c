/*
 * pop3/sending.c - a message to the client, in pieces that are read straight
 * into the output and stuffed there. At most the high-water mark of the output
 * and one piece are in memory, however large the message is and however slowly
 * it is read.
 *
 * Who did not say UTF8 gets a message whose header is not ASCII with another
 * one in its place (RFC 6856, 2.1; see message/downgrade.h).
 */
#include "base/str.h"
#include "message/downgrade.h"
#include "pop3/session.h"
#include <stdlib.h>

enum {
	PIECE = 65536,
	SURROGATE_MAX = 4 << 20, /* octets of a header made anew */
};

void
pop3_send_end(struct pop3_session *s)
{
	struct pop3_sending *x = &s->sending;

	if (x->is_open)
		x->body.release(&x->body);
	buf_fini(&x->header);
	*x = (struct pop3_sending){ 0 };
}

static uint64_t
length(const struct pop3_sending *x)
{
	return x->header.n + x->body.length - x->body_from;
}

static enum pst_rc
read_source(struct pop3_sending *x, char *p, size_t n, struct pst_error *err)
{
	size_t made = 0;

	if (x->at < x->header.n) {
		made = x->header.n - (size_t)x->at;
		made = made < n ? made : n;
		memcpy(p, x->header.p + x->at, made);
		x->at += made;
	}
	if (made == n)
		return PST_OK;
	x->at += n - made;
	return mail_body_read(&x->body,
	    x->body_from + x->at - (n - made) - x->header.n, p + made, n - made,
	    err);
}

/* The next piece goes behind the output as it is. */
static enum pst_rc
read_piece(struct pop3_session *s, struct pst_error *err)
{
	struct pop3_sending *x = &s->sending;
	uint64_t left = length(x) - x->at;
	size_t n = left < PIECE ? (size_t)left : PIECE;
	char *p = buf_reserve(net_output(s->conn), n);
	enum pst_rc rc;

	if (p == NULL)
		return pst_fail(err, PST_E_LIMIT, 0, "no room for a message");
	rc = read_source(x, p, n, err);
	if (rc != PST_OK)
		return rc;
	if (x->is_top)
		n = pop3_excerpt_feed(&x->excerpt, p, n);
	buf_added(net_output(s->conn), n);
	return PST_OK;
}

static bool
is_complete(const struct pop3_sending *x)
{
	return x->at == length(x) || (x->is_top && x->excerpt.ended);
}

static void
complete(struct pop3_session *s)
{
	struct pop3_sending *x = &s->sending;

	(void)pop3_stuff_end(&x->stuff, net_output(s->conn));
	s->octets += x->at;
	if (x->is_top) {
		s->tops++;
	} else {
		s->retrieved++;
		x->message->marks |= POP3_READ;
	}
	pop3_send_end(s);
	s->resume = NULL;
}

/* The output behind its first `from` octets is a piece of the message. */
static enum net_next
stuff_piece(struct pop3_session *s, size_t from)
{
	struct pop3_sending *x = &s->sending;

	if (!pop3_stuff(&x->stuff, net_output(s->conn), from))
		return NET_ABORT;
	if (is_complete(x))
		complete(s);
	return NET_READ;
}

/* NET_ABORT: after a part of the message nothing else can be told. */
static enum net_next
send_more(struct pop3_session *s)
{
	size_t from = net_output(s->conn)->n;
	struct pst_error err;

	if (read_piece(s, &err) == PST_OK)
		return stuff_piece(s, from);
	log_failure(PST_LOG_ERROR, net_id(s->conn), "pop3-read", &err);
	return NET_ABORT;
}

/* --- the beginning -----------------------------------------------------------
 */

static void
put_status(struct pop3_session *s)
{
	struct buf *out = net_output(s->conn);

	(void)buf_puts(out, "+OK ");
	if (s->sending.is_top) {
		(void)buf_puts(out, pop3_say(s, POP3_TEXT_TOP));
	} else {
		(void)buf_put_u64(out, length(&s->sending));
		(void)buf_putc(out, ' ');
		(void)buf_puts(out, pop3_say(s, POP3_TEXT_OCTETS));
	}
	(void)buf_add(out, "\r\n", 2);
}

/* The rest of a header that is longer than the first piece of the message. */
static bool
is_plain_further(const struct pst_body *body, struct pop3_excerpt *header)
{
	char *piece = mem_alloc(PIECE);
	struct pst_error err;
	bool plain = true;

	for (uint64_t at = PIECE; plain && !header->ended && at < body->length;
	     at += PIECE) {
		uint64_t left = body->length - at;
		size_t n = left < PIECE ? (size_t)left : PIECE;

		/* Whoever reads it next finds that error, too. */
		if (mail_body_read(body, at, piece, n, &err) != PST_OK)
			break;
		n = pop3_excerpt_feed(header, piece, n);
		plain = str_is_ascii(str_n(piece, n));
	}
	free(piece);
	return plain;
}

/* The header is ASCII; `piece`: the beginning of the message. */
static bool
is_plain(const struct pst_body *body, struct pst_str piece)
{
	struct pop3_excerpt header;
	size_t n;

	pop3_excerpt_init(&header, 0);
	n = pop3_excerpt_feed(&header, piece.p, piece.n);
	return str_is_ascii(str_first(piece, n)) &&
	       (header.ended || is_plain_further(body, &header));
}

/* UNSUPPORTED: it cannot be made. */
static enum pst_rc
make_header(struct pop3_session *s, struct pst_error *err)
{
	struct pop3_sending *x = &s->sending;
	const struct config *cfg = pop3_config(s);
	const struct msg_limits limits = {
		.header_size = (size_t)cfg->limits.header_size,
		.depth = 1,
		.parts = 1,
	};
	struct msg *msg;
	enum pst_rc rc = mail_body_parse(&x->body, &limits, true, &msg, err);

	if (rc != PST_OK)
		return rc;
	buf_init(&x->header, SURROGATE_MAX);
	if (msg->root->header.n < msg->root->header_size ||
	    !msg_downgrade(msg->root, &x->header))
		rc = pst_fail(err, PST_E_UNSUPPORTED, 0, "the header is large");
	else
		x->body_from = msg->root->header_size;
	msg_free(&msg);
	return rc;
}

static enum pst_rc
open_message(struct pop3_session *s, struct pop3_message *m, bool top,
    uint64_t lines, struct pst_error *err)
{
	struct pop3_sending *x = &s->sending;
	enum pst_rc rc;

	*x = (struct pop3_sending){ .message = m, .is_top = top };
	pop3_excerpt_init(&x->excerpt, lines);
	rc = view_body(s->view, m->uid, &x->body, err);
	x->is_open = rc == PST_OK;
	return rc;
}

static enum net_next
refuse(struct pop3_session *s, const struct pst_error *err)
{
	pop3_send_end(s);
	s->resume = NULL;
	if (err->rc == PST_E_NOTFOUND)
		return pop3_err(s, NULL, POP3_TEXT_GONE);
	if (err->rc == PST_E_UNSUPPORTED)
		return pop3_err(s, POP3_CODE_UTF8, POP3_TEXT_NEEDS_UTF8);
	return pop3_fail(s, err, POP3_TEXT_CANNOT_READ);
}

enum net_next
pop3_send(
    struct pop3_session *s, struct pop3_message *m, bool top, uint64_t lines)
{
	struct pop3_sending *x = &s->sending;
	struct buf *out = net_output(s->conn);
	size_t before = out->n, from;
	struct pst_error err;

	if (open_message(s, m, top, lines, &err) != PST_OK)
		return refuse(s, &err);
	s->resume = send_more;
	put_status(s);
	from = out->n;
	if (read_piece(s, &err) != PST_OK) {
		out->n = before;
		return refuse(s, &err);
	}
	if (s->utf8 || is_plain(&x->body, str_from(buf_str(out), from)))
		return stuff_piece(s, from);
	out->n = before;
	if (make_header(s, &err) != PST_OK)
		return refuse(s, &err);
	x->at = 0;
	pop3_excerpt_init(&x->excerpt, lines);
	put_status(s);
	return NET_READ;
}
