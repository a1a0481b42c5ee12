/*
 * http/websocket.h - the frames of WebSocket (RFC 6455, 5), read from a client
 * and written to one. No extension is spoken.
 *
 * Pure, and resumable at any octet.
 */
#ifndef HTTP_WEBSOCKET_H
#define HTTP_WEBSOCKET_H

#include "base/mem.h"

enum websocket_opcode {
	WEBSOCKET_CONTINUATION = 0,
	WEBSOCKET_TEXT = 1,
	WEBSOCKET_BINARY = 2,
	WEBSOCKET_CLOSE = 8,
	WEBSOCKET_PING = 9,
	WEBSOCKET_PONG = 10,
};

/* Why a connection ends (7.4.1). */
enum websocket_code {
	WEBSOCKET_NORMAL = 1000,
	WEBSOCKET_AWAY = 1001,
	WEBSOCKET_PROTOCOL = 1002,
	WEBSOCKET_UNSUPPORTED = 1003,
	WEBSOCKET_NO_CODE = 1005, /* a Close without one; never sent */
	WEBSOCKET_NOT_UTF8 = 1007,
	WEBSOCKET_POLICY = 1008,
	WEBSOCKET_TOO_LARGE = 1009,
	WEBSOCKET_INTERNAL = 1011,
};

enum {
	WEBSOCKET_CONTROL = 125, /* octets of a control frame's content */
	WEBSOCKET_HEAD = 14,	 /* of a frame's header, at most */
};

/* A part of a text, up to its end, that may break off inside of a character. */
struct utf8_state {
	unsigned char left;	 /* octets that the character still needs */
	unsigned char low, high; /* what the next one may be */
};
/* False: it is no UTF-8. It is whole when left is 0 then. */
bool utf8_check_some(struct utf8_state *st, struct pst_str piece);

struct websocket {
	unsigned char head[WEBSOCKET_HEAD];
	unsigned head_n;
	bool in_content; /* the header is there */
	uint64_t left;	 /* of the frame's content */
	uint64_t at;	 /* into it, for the mask */
	uint8_t opcode;	 /* of the frame */
	bool is_last;	 /* frame of the message */
	uint8_t message; /* its opcode; 0: none has begun */
	struct utf8_state utf8;
	/* Of the control frame that was read. */
	unsigned char control[WEBSOCKET_CONTROL];
	unsigned control_n;
	uint16_t code; /* of a Close; else, of WEBSOCKET_WRONG, why */
};

enum websocket_got {
	WEBSOCKET_MORE,	 /* all of it was used, and there is more to come */
	WEBSOCKET_WHOLE, /* a message: `opcode_r` is TEXT or BINARY */
	WEBSOCKET_ASKED, /* a control frame: `opcode_r` says which */
	WEBSOCKET_WRONG, /* nothing more can be read */
};

/* Takes what has come, up to the end of a message or a control frame. The
 * content of the message is appended to `message`, whose max is the limit; to
 * be cleared when it was whole. */
enum websocket_got websocket_read(struct websocket *w, struct pst_str in,
    struct buf *message, size_t *used_r, enum websocket_opcode *opcode_r);

/* The header of a whole message, or control frame, in one frame. */
bool websocket_put_head(
    struct buf *out, enum websocket_opcode opcode, uint64_t size);
/* A Close; NO_CODE: without one. */
bool websocket_put_close(struct buf *out, unsigned code);

#endif
