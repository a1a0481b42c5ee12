/*
 * imap/binary.h - a section of a message without its transfer encoding (FETCH
 * BINARY, RFC 3516), in pieces: it is measured first, then sent, and never
 * lies in memory as a whole.
 */
#ifndef IMAP_BINARY_H
#define IMAP_BINARY_H

#include "imap/fetch_items.h"

/* BINARY[...] behind the '[': as of BODY, but numbers alone. */
bool imap_binary_parse(
    struct imap_parser *ps, bool may_be_partial, struct imap_section *out);
/* RFC 3516, 4.3: it is known how to decode it. */
bool imap_binary_is_decodable(
    const struct imap_section *sec, const struct msg *msg);

/* One piece of measuring m->binary for the section; *done_r in the end. */
enum pst_rc imap_binary_measure(struct imap_fetch_message *m,
    const struct imap_section *sec, bool *done_r, struct pst_error *err);
/* The writers of the items, when it is measured. */
void imap_put_binary(struct buf *out, struct imap_fetch_message *m,
    const struct imap_fetch_node *node);
void imap_put_binary_size(struct buf *out, struct imap_fetch_message *m,
    const struct imap_fetch_node *node);
/* One piece of m->binary.left octets. */
enum pst_rc imap_binary_send(
    struct imap_fetch_message *m, struct buf *out, struct pst_error *err);
void imap_binary_fini(struct imap_binary *b);

#endif
