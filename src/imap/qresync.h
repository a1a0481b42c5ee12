/*
 * imap/qresync.h - what happened in a mailbox since the client was here last.
 */
#ifndef IMAP_QRESYNC_H
#define IMAP_QRESYNC_H

#include "imap/select_params.h"
#include "imap/session.h"

/*
 * Tells what vanished and what has changed (RFC 7162, 3.2.5), then answers the
 * command with `text`. `params` become its own; fini is not to be called.
 */
enum imap_step imap_resync(struct imap_session *s,
    struct imap_select_params *params, const char *text);

#endif
