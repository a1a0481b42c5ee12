/*
 * jmap/push.h - pushes to URLs that clients gave (RFC 8620, 7.2; RFC 8030), for
 * users who need no connection here meanwhile.
 *
 * One thread listens to the accounts that have subscriptions and decides what
 * is to be told; a few others post it. Each change is told in its time: what
 * happens while a push is under way, or too soon after one, or while the other
 * side has asked for a pause, is one push later.
 *
 * Threads: from any thread.
 */
#ifndef JMAP_PUSH_H
#define JMAP_PUSH_H

#include "delivery/services.h"
#include "net/dns.h"

struct jmap_push;

/* Goes on with the subscriptions that there are. `sv` outlives it; `cfg` is
 * referenced. NULL: `err`. */
struct jmap_push *jmap_push_start(const struct services *sv,
    const struct dns_resolver *dns, struct config *cfg, struct pst_error *err);
/* Breaks off what is under way. */
void jmap_push_stop(struct jmap_push **p);

/* Of what runs: the key for clients; NULL: nothing is pushed. */
const char *jmap_push_key(void);
/* The account's subscriptions are not what they were, or its user is not. It is
 * looked at soon, and let go of when nobody needs it. */
void jmap_push_look(const char *account);
void jmap_push_look_user(const char *address);

#endif
