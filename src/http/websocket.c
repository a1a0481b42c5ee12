/*
 * http/websocket.c - see websocket.h.
 */
#include "http/websocket.h"

#include "base/str.h"

enum { FIN = 0x80, RESERVED = 0x70, OPCODE = 0x0f, MASKED = 0x80 };

/* --- UTF-8 -----------------------------------------------------------------
 */

/* What may follow the first octet of a character (RFC 3629, 4). */
static bool
begin_character(struct utf8_state *st, unsigned char c)
{
	st->low = 0x80;
	st->high = 0xbf;
	if (c < 0x80)
		st->left = 0;
	else if (c >= 0xc2 && c <= 0xdf)
		st->left = 1;
	else if (c >= 0xe0 && c <= 0xef)
		st->left = 2;
	else if (c >= 0xf0 && c <= 0xf4)
		st->left = 3;
	else
		return false;
	/* No overlong forms, no surrogates, nothing above U+10FFFF. */
	if (c == 0xe0)
		st->low = 0xa0;
	else if (c == 0xf0)
		st->low = 0x90;
	else if (c == 0xed)
		st->high = 0x9f;
	else if (c == 0xf4)
		st->high = 0x8f;
	return true;
}

bool
utf8_check_some(struct utf8_state *st, struct pst_str piece)
{
	for (size_t i = 0; i < piece.n; i++) {
		unsigned char c = (unsigned char)piece.p[i];

		if (st->left == 0) {
			if (c >= 0x80 && !begin_character(st, c))
				return false;
			continue;
		}
		if (c < st->low || c > st->high)
			return false;
		st->left--;
		st->low = 0x80;
		st->high = 0xbf;
	}
	return true;
}

/* --- reading ---------------------------------------------------------------
 */

static enum websocket_got
wrong(struct websocket *w, enum websocket_code code)
{
	w->code = (uint16_t)code;
	return WEBSOCKET_WRONG;
}

static bool
is_control(unsigned opcode)
{
	return (opcode & 8) != 0;
}

/* How long the header is, as far as that is known. */
static unsigned
head_size(const struct websocket *w)
{
	unsigned n = w->head_n < 2 ? 0 : w->head[1] & 127U;

	if (w->head_n < 2)
		return 2;
	return 2 + (n == 126 ? 2 : n == 127 ? 8 : 0) + 4;
}

/* The first two octets are there: what can be said of them. */
static bool
is_good_start(struct websocket *w)
{
	unsigned opcode = w->head[0] & OPCODE, n = w->head[1] & 127U;
	bool is_last = (w->head[0] & FIN) != 0;

	/* 5.1: a client masks what it sends. */
	if ((w->head[0] & RESERVED) != 0 || (w->head[1] & MASKED) == 0)
		return false;
	switch (opcode) {
	case WEBSOCKET_TEXT:
	case WEBSOCKET_BINARY:
		return w->message == 0;
	case WEBSOCKET_CONTINUATION:
		return w->message != 0;
	case WEBSOCKET_CLOSE:
	case WEBSOCKET_PING:
	case WEBSOCKET_PONG:
		return is_last && n <= WEBSOCKET_CONTROL;
	default:
		return false;
	}
}

/* 5.2: in as few octets as it can be told, and no more than 63 bits. */
static bool
take_length(struct websocket *w)
{
	unsigned n = w->head[1] & 127U;

	w->left = n;
	if (n < 126)
		return true;
	w->left = 0;
	for (unsigned i = 2; i < head_size(w) - 4; i++)
		w->left = w->left << 8 | w->head[i];
	return n == 126 ? w->left > 125 : w->left > 65535 && w->left >> 63 == 0;
}

/* Of the header. */
static enum websocket_got
take_head(struct websocket *w, struct pst_str in, const struct buf *message,
    size_t *used_r)
{
	size_t at = 0;

	while (at < in.n && w->head_n < head_size(w)) {
		w->head[w->head_n++] = (unsigned char)in.p[at++];
		if (w->head_n == 2 && !is_good_start(w))
			return wrong(w, WEBSOCKET_PROTOCOL);
	}
	*used_r = at;
	if (w->head_n < head_size(w))
		return WEBSOCKET_MORE;
	if (!take_length(w))
		return wrong(w, WEBSOCKET_PROTOCOL);
	w->opcode = w->head[0] & OPCODE;
	w->is_last = (w->head[0] & FIN) != 0;
	w->at = 0;
	w->in_content = true;
	if (is_control(w->opcode)) {
		w->control_n = 0;
		return WEBSOCKET_MORE;
	}
	if (w->opcode != WEBSOCKET_CONTINUATION) {
		w->message = w->opcode;
		w->utf8 = (struct utf8_state){ 0 };
	}
	/* Before any of it has come. */
	return w->left > message->max - message->n
		   ? wrong(w, WEBSOCKET_TOO_LARGE)
		   : WEBSOCKET_MORE;
}

static void
unmask(struct websocket *w, const char *from, char *to, size_t n)
{
	const unsigned char *mask = w->head + w->head_n - 4;

	for (size_t i = 0; i < n; i++)
		to[i] = (char)((unsigned char)from[i] ^ mask[w->at++ & 3]);
	w->left -= n;
}

/* Of the content. */
static enum websocket_got
take_content(
    struct websocket *w, struct pst_str in, struct buf *message, size_t *used_r)
{
	size_t n = in.n < w->left ? in.n : (size_t)w->left;
	char *to;

	*used_r = n;
	if (is_control(w->opcode)) {
		unmask(w, in.p, (char *)w->control + w->control_n, n);
		w->control_n += (unsigned)n;
		return WEBSOCKET_MORE;
	}
	if (n == 0)
		return WEBSOCKET_MORE;
	to = buf_reserve(message, n);
	if (to == NULL)
		return wrong(w, WEBSOCKET_TOO_LARGE);
	unmask(w, in.p, to, n);
	buf_added(message, n);
	if (w->message == WEBSOCKET_TEXT &&
	    !utf8_check_some(&w->utf8, str_n(to, n)))
		return wrong(w, WEBSOCKET_NOT_UTF8);
	return WEBSOCKET_MORE;
}

/* 7.4: a code that may stand there, and a reason in UTF-8 behind it. */
static enum websocket_got
take_close(struct websocket *w)
{
	struct utf8_state utf8 = { 0 };
	unsigned code = WEBSOCKET_NO_CODE;

	if (w->control_n == 1)
		return wrong(w, WEBSOCKET_PROTOCOL);
	if (w->control_n >= 2) {
		code = (unsigned)w->control[0] << 8 | w->control[1];
		if (code < 1000 || (code >= 1004 && code <= 1006) ||
		    (code > 1014 && code < 3000) || code > 4999)
			return wrong(w, WEBSOCKET_PROTOCOL);
		if (!utf8_check_some(&utf8,
			str_n((char *)w->control + 2, w->control_n - 2)) ||
		    utf8.left > 0)
			return wrong(w, WEBSOCKET_NOT_UTF8);
	}
	w->code = (uint16_t)code;
	return WEBSOCKET_ASKED;
}

/* A frame is whole. */
static enum websocket_got
end_frame(struct websocket *w, enum websocket_opcode *opcode_r)
{
	w->head_n = 0;
	w->in_content = false;
	if (is_control(w->opcode)) {
		*opcode_r = w->opcode;
		return w->opcode == WEBSOCKET_CLOSE ? take_close(w)
						    : WEBSOCKET_ASKED;
	}
	if (!w->is_last)
		return WEBSOCKET_MORE;
	if (w->message == WEBSOCKET_TEXT && w->utf8.left > 0)
		return wrong(w, WEBSOCKET_NOT_UTF8);
	*opcode_r = w->message;
	w->message = 0;
	return WEBSOCKET_WHOLE;
}

enum websocket_got
websocket_read(struct websocket *w, struct pst_str in, struct buf *message,
    size_t *used_r, enum websocket_opcode *opcode_r)
{
	enum websocket_got got = WEBSOCKET_MORE;
	size_t used;

	*used_r = 0;
	*opcode_r = WEBSOCKET_CONTINUATION;
	while (got == WEBSOCKET_MORE && *used_r < in.n) {
		used = 0;
		got = w->in_content
			  ? take_content(
				w, str_from(in, *used_r), message, &used)
			  : take_head(w, str_from(in, *used_r), message, &used);
		*used_r += used;
		if (got == WEBSOCKET_MORE && w->in_content && w->left == 0)
			got = end_frame(w, opcode_r);
	}
	return got;
}

/* --- writing ---------------------------------------------------------------
 */

bool
websocket_put_head(struct buf *out, enum websocket_opcode opcode, uint64_t size)
{
	unsigned octets = size < 126 ? 0 : size < 65536 ? 2 : 8;
	char head[10];
	size_t n = 0;

	head[n++] = (char)(FIN | opcode);
	head[n++] = (char)(octets == 0 ? size : octets == 2 ? 126 : 127);
	while (octets-- > 0)
		head[n++] = (char)(size >> (8 * octets) & 255);
	return buf_add(out, head, n);
}

bool
websocket_put_close(struct buf *out, unsigned code)
{
	if (code == WEBSOCKET_NO_CODE)
		return websocket_put_head(out, WEBSOCKET_CLOSE, 0);
	return websocket_put_head(out, WEBSOCKET_CLOSE, 2) &&
	       buf_putc(out, (char)(code >> 8)) &&
	       buf_putc(out, (char)(code & 255));
}
