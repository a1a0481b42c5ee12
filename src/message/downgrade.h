/*
 * message/downgrade.h - a header in ASCII for programs that do not expect UTF-8
 * in it (RFC 6855, 7; after RFC 6858).
 *
 * Pure.
 */
#ifndef MESSAGE_DOWNGRADE_H
#define MESSAGE_DOWNGRADE_H

#include "message/message.h"

/*
 * Writes the header of `part`, with the empty line at its end. Fields in ASCII
 * stay as they are. In others text becomes encoded words (RFC 2047), an address
 * that is not ASCII becomes one that leads nowhere, with what it was in the
 * display name, other octets of a structured field become "_", and what has no
 * name in ASCII is left out. Text that is not UTF-8 is taken for Latin-1.
 * False: `out` is full.
 */
bool msg_downgrade(const struct msg_part *part, struct buf *out);

/* Appends UTF-8 as encoded words, behind what `out` has of a field: each on a
 * line of its own but the first. */
void msg_encode_words(struct buf *out, struct pst_str utf8);

#endif
