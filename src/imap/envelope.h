/*
 * imap/envelope.h - ENVELOPE and BODYSTRUCTURE as IMAP writes them (RFC 3501,
 * 7.4.2). Pure.
 */
#ifndef IMAP_ENVELOPE_H
#define IMAP_ENVELOPE_H

#include "message/header.h"

/* `scratch`: for what must be unfolded and the like. */
void imap_put_envelope(
    struct buf *out, struct arena *scratch, const struct msg_part *part);
/* `extended`: BODYSTRUCTURE, else BODY. `rev2`: as RFC 9051 has it. */
void imap_put_structure(struct buf *out, struct arena *scratch,
    const struct msg_part *part, bool extended, bool rev2);

#endif
