/*
 * imap/select.h - what SELECT says of a mailbox's flags, said again when there
 * are new keywords.
 */
#ifndef IMAP_SELECT_H
#define IMAP_SELECT_H

#include "imap/session.h"

/* "* FLAGS (...)" and "* OK [PERMANENTFLAGS (...)]" */
void imap_put_flags_response(struct imap_session *s);

#endif
