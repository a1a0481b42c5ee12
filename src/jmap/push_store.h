/*
 * jmap/push_store.h - the push subscriptions of users (RFC 8620, 7.2), each
 * account's in a file, state_dir/push/ACCOUNT:
 *
 *	{"user": address, "made": [times], "subscriptions": {id: {
 *	    "deviceClientId", "url", "keys", "types",	as the client gave them
 *	    "credential": what created it (http/http.h),
 *	    "expires": seconds, or absent,
 *	    "code": the verification code, "isSent", "isVerified": of it,
 *	    "told": [numbers], of each type's state,
 *	    "failures": in a row, "notBefore": seconds }}}
 *
 * Threads: from any thread. Who changes a file holds the lock from reading it
 * to writing it; it is taken under that of the catalog.
 */
#ifndef JMAP_PUSH_STORE_H
#define JMAP_PUSH_STORE_H

#include "base/config.h"

#include <jansson.h>

#define PUSH_DIR "push"

void push_store_lock(void);
void push_store_unlock(void);
/* A new reference, with an object "subscriptions"; an empty one when there is
 * no file, or one that is no such. */
json_t *push_store_get(const struct config *cfg, const char *account);
/* Durable when it returns OK. Without subscriptions the file goes. */
enum pst_rc push_store_put(const struct config *cfg, const char *account,
    json_t *root, struct pst_error *err);

/* Of one that is there. */
int64_t push_number(json_t *subscription, const char *name);
const char *push_text(json_t *subscription, const char *name); /* or "" */
bool push_is(json_t *subscription, const char *name);

#endif
