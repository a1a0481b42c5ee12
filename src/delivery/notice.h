/*
 * delivery/notice.h - what the sender of a message hears at once: that it is in
 * a mailbox here, that an address here sent it on to several, or that it went
 * round in a loop (RFC 3461, 5.2.3, 5.2.6 and 5.2.7). What becomes of it in the
 * queue is told from there.
 */
#ifndef DELIVERY_NOTICE_H
#define DELIVERY_NOTICE_H

#include "delivery/priv.h"

/*
 * What an address asks of a message when it leads to `targets` others: success
 * is told for itself then, and no more by these (5.2.7.3, c).
 */
unsigned notice_passed_on(unsigned notify, size_t targets);
/* "rfc822;" and xtext of an address; false: it is not ASCII (RFC 6533). */
bool notice_orcpt(struct pst_str address, struct buf *out);

/* By NOTIFY, of 0 when nothing was said. */
bool notice_wants_failures(unsigned notify);
/* The sender will come again for some: they are told when all is done. */
bool notice_is_too_early(const struct delivery *d, const enum pst_rc *results);

/* The header is kept, up to what a notice has room for. */
void notice_content(struct delivery *d, const void *p, size_t n);
/*
 * Sends what is due by results[]. For a recipient whose failure cannot be told
 * that one becomes the result.
 */
void notice_send(struct delivery *d, enum pst_rc *results);

#endif
