/*
 * message/preview.h - the first words of a text (RFC 8970; RFC 8621, 4.1.4).
 *
 * Pure.
 */
#ifndef MESSAGE_PREVIEW_H
#define MESSAGE_PREVIEW_H

#include "message/message.h"

enum { MSG_PREVIEW_SIZE = 816 }; /* octets that are enough for one */

/* What of a text of UTF-8 is shown: one line of at most 200 characters, as
 * UTF-8. `quotes`: lines that begin with '>' too. */
void msg_preview_text(struct pst_str text, bool quotes, struct buf *out);

/* The text to be shown: the first one, of alternatives the plain one; NULL:
 * there is none. */
const struct msg_part *msg_preview_part(const struct msg_part *root);

#endif
