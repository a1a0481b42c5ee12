/*
 * imap/notify.h - NOTIFY (RFC 5465): the client is told of what it asked for
 * whenever it happens, in other mailboxes, too.
 *
 * Without it s->notify is NULL and all is as RFC 3501 has it. Only mailboxes of
 * the user's own account are watched, and the selected one, whosever it is.
 *
 * Threads: belongs to its session.
 */
#ifndef IMAP_NOTIFY_H
#define IMAP_NOTIFY_H

#include "imap/session.h"

enum imap_notify_event {
	IMAP_NOTIFY_NEW = 1 << 0,
	IMAP_NOTIFY_EXPUNGE = 1 << 1,
	IMAP_NOTIFY_FLAGS = 1 << 2,
	IMAP_NOTIFY_MESSAGES = (1 << 3) - 1, /* all of these */
	IMAP_NOTIFY_NAME = 1 << 3,
	IMAP_NOTIFY_SUBSCRIPTION = 1 << 4,
	IMAP_NOTIFY_METADATA = 1 << 5,
	IMAP_NOTIFY_SERVER_METADATA = 1 << 6,
};

struct imap_notify;

/* What the client wants to hear of the selected mailbox: enum
 * imap_notify_event, all of the messages without NOTIFY. */
unsigned imap_notify_selected(const struct imap_session *s);

/* Something happened: if the client waits for no command, a run begins that
 * tells it. False: there is nothing to be told. */
bool imap_notify_begin(struct imap_session *s);
/* The connection was woken. */
void imap_notify_woken(struct imap_session *s);
/* For IDLE: tells everything, in steps. */
enum imap_step imap_notify_idle(struct imap_session *s);

/* While the session works: what it does itself is no news. */
void imap_notify_mute(struct imap_session *s, bool mute);

/* Messages of the selected mailbox with uids above `last` were told of by
 * EXISTS. */
void imap_notify_arrived(struct imap_session *s, uint32_t last);
/* This one the session put there itself, if `mailbox` is the selected one. */
void imap_notify_own(struct imap_session *s, const char *mailbox, uint32_t uid);
/* Another mailbox is selected, or none. */
void imap_notify_deselected(struct imap_session *s);

/* Fetch attributes with a line end, to be kept; NULL for none. */
char *imap_notify_copy_atts(struct pst_str atts);

void imap_notify_free(struct imap_session *s);

#endif
