/*
 * imap/idle.h - what the connection tells IDLE.
 */
#ifndef IMAP_IDLE_H
#define IMAP_IDLE_H

#include "imap/session.h"

/* The mailbox changed: the next step tells. */
void imap_idle_woken(struct imap_session *s);
/* Time to show that the connection is alive. */
void imap_idle_still_here(struct imap_session *s);

#endif
