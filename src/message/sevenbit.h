/*
 * message/sevenbit.h - a message for a server that takes 7-bit content alone
 * (RFC 6152, 3): text becomes quoted-printable, anything else base64 (RFC
 * 2045, 6), part by part, and header fields with raw octets become encoded
 * words. The octets that the parts decode to stay the same.
 *
 * The content passes three times: through a reader (message.h), through
 * msg_sevenbit_look() and, after msg_sevenbit_begin(), through
 * msg_sevenbit_feed(), each time in pieces of any size.
 *
 * Pure. Belongs to one thread at a time.
 */
#ifndef MESSAGE_SEVENBIT_H
#define MESSAGE_SEVENBIT_H

#include "message/message.h"

struct msg_sevenbit;

/* `m` is borrowed until msg_sevenbit_free(); `limits` are those it was read
 * with. */
struct msg_sevenbit *msg_sevenbit_new(
    const struct msg *m, const struct msg_limits *limits);
void msg_sevenbit_free(struct msg_sevenbit **s);

/* Finds out which parts need a change. */
void msg_sevenbit_look(struct msg_sevenbit *s, const char *p, size_t n);

enum msg_sevenbit_result {
	MSG_SEVENBIT_IS,    /* it is 7-bit as it stands: send that */
	MSG_SEVENBIT_WORTH, /* go on with feed */
	MSG_SEVENBIT_CANNOT,
};
/* *why_r, of CANNOT: in words for the sender. */
enum msg_sevenbit_result msg_sevenbit_begin(
    struct msg_sevenbit *s, const char **why_r);

/* Appends to `out` what a piece becomes, at most four times as much and the
 * headers that begin in it. False: `out` is full. */
bool msg_sevenbit_feed(
    struct msg_sevenbit *s, const char *p, size_t n, struct buf *out);

#endif
