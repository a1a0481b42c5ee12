/*
 * imap/preview.h - the first words of a message (RFC 8970).
 */
#ifndef IMAP_PREVIEW_H
#define IMAP_PREVIEW_H

#include "imap/fetch_items.h"

/* The writer of the item. */
void imap_put_preview(struct buf *out, struct imap_fetch_message *m,
    const struct imap_fetch_node *node);

#endif
