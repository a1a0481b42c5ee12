/*
 * imap/message_limit.h - the most messages that a command is done for at a time
 * (MESSAGELIMIT, RFC 9738): imap.message_limit.
 *
 * A command that means more is done for those with the highest uids, and tells
 * the lowest of these, so that the client can go on below it.
 */
#ifndef IMAP_MESSAGE_LIMIT_H
#define IMAP_MESSAGE_LIMIT_H

#include "imap/session.h"

/* 0: none */
uint64_t imap_message_limit(const struct imap_session *s);

/* Leaves as many of the sequence numbers as may be, the highest ones. The
 * lowest uid among them when some had to go, else 0. */
uint32_t imap_limit_messages(struct imap_session *s, struct uidset *seqs);

/* The tagged "OK text", with the code when `lowest` is not 0. */
enum imap_step imap_ok_limited(
    struct imap_session *s, uint32_t lowest, const char *text);
/* "* NO [MESSAGELIMIT ...]" when `lowest` is not 0: for answers that have a
 * code of their own. */
void imap_put_limited(struct imap_session *s, uint32_t lowest);
/* The tagged NO of a command that cannot be done for a part. `lowest` 0: not
 * told. */
enum imap_step imap_over_limit(struct imap_session *s, uint32_t lowest);

#endif
