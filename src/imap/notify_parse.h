/*
 * imap/notify_parse.h - the arguments of NOTIFY (RFC 5465, 8). Pure.
 */
#ifndef IMAP_NOTIFY_PARSE_H
#define IMAP_NOTIFY_PARSE_H

#include "imap/notify.h"
#include "imap/sources.h"

/* An event-group for mailboxes other than the selected one. */
struct imap_notify_group {
	struct imap_source source;
	unsigned events;
	struct imap_notify_group *next;
};

struct imap_notify_wish {
	bool none;   /* NOTIFY NONE */
	bool status; /* STATUS is wanted at once */
	bool has_selected, delayed;
	unsigned selected;   /* events of the selected mailbox */
	struct pst_str atts; /* "(...)": what to fetch of new messages there */
	struct imap_notify_group *groups;
	bool bad_event; /* one is named that is not supported */
};

/* Everything lives in the parser's arena and text. False also for what the
 * grammar allows and its comments don't. */
bool imap_notify_parse(struct imap_parser *ps, struct imap_notify_wish *out);

/* "(MessageNew ...)": all that are supported. */
void imap_put_notify_events(struct buf *out);

/* "(" fetch-att *(SP fetch-att) ")" */
bool imap_notify_atts(struct imap_parser *ps, struct pst_str *out);

#endif
