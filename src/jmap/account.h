/*
 * jmap/account.h - types that are about the user more than about messages.
 */
#ifndef JMAP_ACCOUNT_H
#define JMAP_ACCOUNT_H

#include "jmap/call.h"

/* A new reference; NULL: there is none. */
json_t *jmap_find_identity(struct jmap_call *c, const char *id);

json_t *jmap_identity_get(struct jmap_call *c);
json_t *jmap_identity_changes(struct jmap_call *c);
json_t *jmap_identity_set(struct jmap_call *c);
json_t *jmap_quota_get(struct jmap_call *c);
json_t *jmap_vacation_get(struct jmap_call *c);
json_t *jmap_vacation_set(struct jmap_call *c);
json_t *jmap_submission_get(struct jmap_call *c);
json_t *jmap_submission_changes(struct jmap_call *c);
void jmap_submission_state(struct jmap_call *c, struct buf *out);
json_t *jmap_submission_query(struct jmap_call *c);
json_t *jmap_submission_set(struct jmap_call *c);

#endif
