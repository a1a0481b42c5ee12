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
	/* RFC 8689: it must be carried safely; it is to be carried even where
	 * the policy of the other side forbids that. */
	bool require_tls, tls_optional;
	bool unproven; /* perhaps not from its sender, who hears nothing */
	struct pst_str hold; /* why the administrator shall look; or empty */
	bool waits;	     /* it is not tried before free() */
	struct pst_str note; /* OUTBOUND_REFUSED: UTF-8, lines of text */
	const struct outbound_recipient *recipient;
	size_t recipients;
};

/* What a sender is told at once, of all recipients in an envelope. */
enum outbound_event {
	OUTBOUND_DELIVERED, /* it is in the mailbox */
	OUTBOUND_EXPANDED,  /* the address led to several others */
	OUTBOUND_LOOPED,    /* the address sent it on before: a failure */
	OUTBOUND_REFUSED,   /* the user does not want it: a failure */
};

struct outbound {
	void *arg;
	struct outbound_message *(*begin)(void *arg);
	enum pst_rc (*write)(struct outbound_message *m, const void *p,
	    size_t n, struct pst_error *err);
	/* Durable when it returns OK; `id_r` is its name in the log. The author
	 * has sent too much: LIMIT, for now, DENIED, for good. */
	enum pst_rc (*commit)(struct outbound_message *m,
	    const struct outbound_envelope *e, char id_r[32],
	    struct pst_error *err);
	/* Sends the sender a notification about the message `id`; `header`
	 * begins with its header. OK also when there is no such sender. */
	enum pst_rc (*report)(void *arg, enum outbound_event event,
	    const struct outbound_envelope *e, struct pst_str id,
	    struct pst_str header, struct pst_error *err);
	/* Sends a message of ours, such as an answer, with no sender to answer
	 * to. NOTFOUND: there is no such address. */
	enum pst_rc (*send)(void *arg, struct pst_str to, struct pst_str text,
	    struct pst_error *err);
	/* Gives up what was not committed. Called once. */
	void (*free)(struct outbound_message **m);
	/* Tells all recipients of messages that are there, were committed since
	 * then (seconds since 1970), and have this text in their header. Looks
	 * at all messages of that time. */
	void (*find)(void *arg, struct pst_str text, int64_t since,
	    void (*fn)(void *fn_arg, struct pst_str to, const char *id),
	    void *fn_arg);
};

#endif
