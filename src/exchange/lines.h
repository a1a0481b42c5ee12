/*
 * exchange/lines.h - text as it may go out (RFC 5321, 2.3.8): CR and LF only
 * together. A server that takes one of them for the end of a line could
 * otherwise be made to see the end of the message, and commands behind it.
 *
 * LF alone ends a line, as everywhere in Postern (delivery/rewrite.h); CR alone
 * does not, so that no field comes up that nobody has checked: it becomes a
 * space.
 *
 * Pure. Resumable at any octet.
 */
#ifndef EXCHANGE_LINES_H
#define EXCHANGE_LINES_H

#include "base/mem.h"

struct lines {
	bool after_cr; /* a CR that ended the last piece is held back */
};

/* The piece may go out as it is; then it was all there is to do about it. */
bool lines_are_even(const struct lines *l, const char *p, size_t n);
/* Appends what the piece becomes. */
void lines_make_even(struct lines *l, const char *p, size_t n, struct buf *out);
/* There are no more pieces. */
void lines_end(struct lines *l, struct buf *out);

#endif
