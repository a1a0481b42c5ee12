/*
 * exchange/dsn.h - the message that tells a sender what became of theirs: a
 * delivery status notification (RFC 3464, in the form of RFC 6522; RFC 6533
 * where the message needs SMTPUTF8).
 *
 * Pure but for the time and chance.
 */
#ifndef EXCHANGE_DSN_H
#define EXCHANGE_DSN_H

#include "exchange/envelope.h"

enum dsn_kind {
	DSN_FAILED,
	DSN_DELAYED,
	DSN_DELIVERED, /* or relayed: asked for by NOTIFY=SUCCESS */
	DSN_EXPANDED,  /* an address here led to several others */
};

struct dsn {
	enum dsn_kind kind;
	const char *hostname; /* ours */
	const char *id;	      /* of the message in the queue */
	const struct envelope *envelope;
	/* Those of its recipients that it is about. */
	const size_t *recipient;
	size_t recipients;
	int64_t until; /* DELAYED: when we give up; seconds since 1970 */
	/* The header of the message, and, when all of it is to be sent back,
	 * the content behind it. Lines end as they came. */
	struct pst_str header;
	/* FAILED: the words of who did not want it, UTF-8; or empty. */
	struct pst_str note;
};

/* Everything before the returned message, and after it. The whole is top,
 * header (and content), bottom. */
void dsn_write(
    const struct dsn *d, bool whole, struct buf *top, struct buf *bottom);

/* "5.1.1" of a reply as reply_print() makes it, else what its code says in
 * general (RFC 3463). */
void dsn_status(struct pst_str answer, enum envelope_state state, char out[16]);

#endif
