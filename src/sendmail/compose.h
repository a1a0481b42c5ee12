/*
 * sendmail/compose.h - the header that a program wrote, made complete: who gets
 * the message, who it is from, and addresses with domains.
 *
 * Pure; belongs to one thread.
 */
#ifndef SENDMAIL_COMPOSE_H
#define SENDMAIL_COMPOSE_H

#include "base/mem.h"

enum { COMPOSE_RECIPIENTS_MAX = 10000 };

struct compose {
	const char *domain; /* of addresses without one */
	const char *sender; /* for a From that is missing, with a domain */
	const char *name;   /* for that, or NULL */
	bool collect;	    /* recipients from the header, and no Bcc */

	struct arena *arena;
	struct pst_str *recipient; /* in the arena */
	size_t recipients, cap;
	struct buf header; /* the result, without its empty line */
	bool too_many;
};

void compose_init(struct compose *c);
void compose_fini(struct compose *c);
/* An address, or several with commas between them. False: none is in it. */
bool compose_recipient(struct compose *c, struct pst_str text);
/* Fields as content_header() has them. */
void compose_header(struct compose *c, struct pst_str fields);
/* The one address in `text`, with a domain. False: it is none. */
bool compose_address(struct compose *c, struct pst_str text, struct buf *out);

#endif
