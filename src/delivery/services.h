/*
 * delivery/services.h - what a protocol may use besides its connection: the
 * context that net_context() gives it.
 */
#ifndef DELIVERY_SERVICES_H
#define DELIVERY_SERVICES_H

#include "account/auth.h"
#include "mailbox/store.h"

struct outbound;   /* delivery/outbound.h */
struct pop3_locks; /* pop3/locks.h */
struct trust;	   /* trust/trust.h */

struct services {
	struct accounts *accounts;
	struct mailstore *store;
	const struct outbound *outbound; /* NULL: no mail goes out */
	struct pop3_locks *pop3_locks;
	struct trust *trust;
};

#endif
