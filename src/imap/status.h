/*
 * imap/status.h - the items of STATUS, for the command and for LIST (RFC 5819).
 */
#ifndef IMAP_STATUS_H
#define IMAP_STATUS_H

#include "imap/session.h"

/* Items for imap_put_status(), or-ed. A test compares them with the table. */
enum imap_status_item {
	IMAP_STATUS_MESSAGES = 1 << 0,
	IMAP_STATUS_UIDNEXT = 1 << 2,
	IMAP_STATUS_UIDVALIDITY = 1 << 3,
	IMAP_STATUS_UNSEEN = 1 << 4,
	IMAP_STATUS_HIGHESTMODSEQ = 1 << 8,
};

/* "(" status-att *(SP status-att) ")"; the mask is never 0. Pure. */
bool imap_status_items(struct imap_parser *ps, unsigned *mask_r);
/* What asking for them entails (RFC 7162, 3.1). */
void imap_status_wanted(struct imap_session *s, unsigned mask);
void imap_put_status(struct imap_session *s, const char *name, unsigned mask,
    const struct mailbox_status *st);

#endif
