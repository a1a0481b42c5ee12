/*
 * delivery/outbound.h - how a delivery hands over what is for other servers.
 * The exchange agent is behind it (exchange/outbound.h).
 *
 * Threads: from any thread; a message belongs to one at a time.
 */
#ifndef DELIVERY_OUTBOUND_H
#define DELIVERY_OUTBOUND_H

#include "base/mem.h"

struct outbound_message;

/* RFC 3461. */
struct outbound_recipient {
	struct pst_str address;
	struct pst_str orcpt; /* "rfc822;" and xtext, or empty */
	unsigned notify; /* 1 NEVER, 2 SUCCESS, 4 FAILURE, 8 DELAY; 0: none */
};

enum outbound_body { OUTBOUND_7BIT, OUTBOUND_8BITMIME, OUTBOUND_BINARYMIME };
enum outbound_ret {
	OUTBOUND_RET_DEFAULT,
	OUTBOUND_RET_FULL,
	OUTBOUND_RET_HDRS
};

/* All texts are borrowed. */
struct outbound_envelope {
	struct pst_str sender; /* empty: none to answer to */
	struct pst_str author; /* the user, or empty */
	struct pst_str envid;  /* xtext, or empty */
	enum outbound_body body;
	enum outbound_ret ret;
	bool smtputf8;
	const struct outbound_recipient *recipient;
	size_t recipients;
};

struct outbound {
	void *arg;
	struct outbound_message *(*begin)(void *arg);
	enum pst_rc (*write)(struct outbound_message *m, const void *p,
	    size_t n, struct pst_error *err);
	/* Durable when it returns OK; `id_r` is its name in the log. */
	enum pst_rc (*commit)(struct outbound_message *m,
	    const struct outbound_envelope *e, char id_r[32],
	    struct pst_error *err);
	/* Gives up what was not committed. Called once. */
	void (*free)(struct outbound_message **m);
};

#endif
