/*
 * imap/status.h - the items of STATUS, for the command and for LIST (RFC 5819).
 */
#ifndef IMAP_STATUS_H
#define IMAP_STATUS_H

#include "imap/session.h"

/* "(" status-att *(SP status-att) ")"; the mask is never 0. Pure. */
bool imap_status_items(struct imap_parser *ps, unsigned *mask_r);
/* What asking for them entails (RFC 7162, 3.1). */
void imap_status_wanted(struct imap_session *s, unsigned mask);
void imap_put_status(struct imap_session *s, const char *name, unsigned mask,
    const struct mailbox_status *st);

#endif
