/*
 * imap/hide.h - capabilities that the operator keeps from a client: imap.hide
 * for all, blocks `hide` for a listener, a user or a program.
 */
#ifndef IMAP_HIDE_H
#define IMAP_HIDE_H

#include "imap/session.h"

bool imap_is_hidden(const struct imap_session *s, const char *capability);

/* The blocks that apply now, a bit each; those beyond the 63rd share one. */
uint64_t imap_hiding_rules(const struct imap_session *s);

/* Tells the log of blocks that apply, each once in a session. */
void imap_log_hidden(struct imap_session *s);

#endif
