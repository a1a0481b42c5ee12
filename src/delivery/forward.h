/*
 * delivery/forward.h - what is special about mail that an address here sends
 * on to another server: whom an SRS address stands for, the reverse-path of
 * what goes out, and the field by which it is known when it comes back.
 *
 * Threads: from any thread.
 */
#ifndef DELIVERY_FORWARD_H
#define DELIVERY_FORWARD_H

#include "delivery/services.h"

/*
 * `address` as route_resolve() has it. NOTFOUND: it is no SRS address of ours.
 * DENIED: it is one, but forged or too old; OK: `original_r` gets whom it
 * stands for, in the form of an SMTP path.
 */
enum pst_rc forward_original(const struct services *sv,
    const struct config *cfg, struct pst_str address, struct buf *original_r,
    struct pst_error *err);

/*
 * The reverse-path under which `forwarder` sends on what came from `sender`:
 * that itself when it is empty or of a domain of ours, or cannot be rewritten.
 * TEMP: the accounts cannot be asked.
 */
enum pst_rc forward_sender(const struct services *sv, const struct config *cfg,
    struct pst_str forwarder, struct pst_str sender, struct buf *out,
    struct pst_error *err);

/* Delivered-To (RFC 9228). */
void forward_mark(struct pst_str forwarder, struct buf *out);
/* `seen`: the values of the Delivered-To fields, each ended by a NUL. */
bool forward_came_back(struct pst_str forwarder, struct pst_str seen);

#endif
