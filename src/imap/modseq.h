/*
 * imap/modseq.h - what mod-sequences and uids change in the responses (RFC
 * 7162, CONDSTORE and QRESYNC; RFC 9586, UIDONLY).
 */
#ifndef IMAP_MODSEQ_H
#define IMAP_MODSEQ_H

#include "imap/session.h"

/* The client wants to hear of mod-sequences from now on (RFC 7162, 3.1). The
 * first time in a selected mailbox tells HIGHESTMODSEQ. */
void imap_condstore(struct imap_session *s);
/* "* OK [HIGHESTMODSEQ n] ..." as far as the client knows everything. */
void imap_put_highestmodseq(struct imap_session *s);
/* "OK [HIGHESTMODSEQ n] text" after an expunge, to who understands it; else
 * "OK text" (RFC 7162, 3.2.7 and 3.2.9; RFC 6851, 4.4). */
enum imap_step imap_ok_expunged(struct imap_session *s, const char *text);

/* mod-sequence-valzer: 63 bits. */
bool imap_modseq(struct imap_parser *ps, uint64_t *out);

/* VANISHED instead of EXPUNGE. */
static inline bool
imap_says_vanished(const struct imap_session *s)
{
	return s->enabled & (IMAP_QRESYNC | IMAP_UIDONLY);
}

/* "* VANISHED (EARLIER) ...", from range `*at` on, in several responses if need
 * be. False: call again when the client has read. */
bool imap_put_earlier(
    struct imap_session *s, const struct uidset *uids, size_t *at);

/* "* n FETCH (", or "* uid UIDFETCH (" */
void imap_put_fetch(struct imap_session *s, uint32_t seq, uint32_t uid);
/* "MODSEQ (n)" */
void imap_put_modseq(struct buf *out, uint64_t modseq);
/* A whole response with the flags, or with the MODSEQ alone. */
void imap_put_changed(struct imap_session *s, uint32_t seq,
    const struct pst_row *row, bool brief);

/* It takes or tells message numbers, and there is a UID form (RFC 9586). */
bool imap_needs_uid(const struct imap_command *def);

#endif
