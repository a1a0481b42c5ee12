/*
 * delivery/refusal.h - messages that a user's script refuses (RFC 5429).
 *
 * At best the answer to the client says so. Where that is not for this user
 * alone, the sender gets a notification, unless there is none, or perhaps
 * another one than it says.
 */
#ifndef DELIVERY_REFUSAL_H
#define DELIVERY_REFUSAL_H

#include "delivery/filter.h"

/* When the plans are made: in which way each is told, or that the message is
 * kept since it cannot be. */
void refusal_decide(struct delivery *d);
/* Sends the notifications. False: one failed, and its receiver's result is that
 * now. */
bool refusal_tell(struct delivery *d);

#endif
