/*
 * delivery/answer.h - answers that nobody writes by hand (RFC 3834): of users
 * who are away, by their settings (vacation.h) or their script (RFC 5230).
 *
 * What belongs to a delivery belongs to its thread.
 */
#ifndef DELIVERY_ANSWER_H
#define DELIVERY_ANSWER_H

#include "delivery/priv.h"
#include "message/message.h"

struct answer {
	const char *user;	   /* whose it is */
	struct pst_str from;	   /* addr-spec or mailbox; empty: the user's */
	struct pst_str subject;	   /* empty: from the message's */
	struct pst_str text, html; /* empty: none */
	struct pst_str entity;	   /* MIME, with its header; instead of both */
};

/* The header of the delivery's message, to be given back by msg_free(). */
struct msg *answer_message(const struct delivery *d);

/* Whether it may be answered for this user at all: there is somebody to answer
 * to, a person, who has written to the user. `own`: what the user's addresses
 * are besides those that are known. */
bool answer_is_due(const struct delivery *d, const struct msg_part *part,
    const char *user, const struct pst_str *own, size_t owns);

/* Hands it over; a failure is logged. */
void answer_send(
    struct delivery *d, const struct answer *a, const struct msg_part *part);

#endif
