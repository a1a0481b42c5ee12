/*
 * imap/preview.h - the first words of a message (RFC 8970).
 */
#ifndef IMAP_PREVIEW_H
#define IMAP_PREVIEW_H

#include "imap/fetch_items.h"

/* What of a text of UTF-8 is shown: one line of at most 200 characters, as
 * UTF-8. Pure. `quotes`: lines that begin with '>' too. */
void imap_preview_text(struct pst_str text, bool quotes, struct buf *out);

/* The writer of the item. */
void imap_put_preview(struct buf *out, struct imap_fetch_message *m,
    const struct imap_fetch_node *node);

#endif
