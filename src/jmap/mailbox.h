/*
 * jmap/mailbox.h - mailboxes, for the other types.
 */
#ifndef JMAP_MAILBOX_H
#define JMAP_MAILBOX_H

#include "jmap/call.h"

/* "inbox", "sent", ..., or NULL. */
const char *jmap_role(const struct catalog_box *box);
/* NULL: there is none. */
struct catalog_box *jmap_box_with_role(struct jmap_call *c, const char *role);

/* The mailbox above, NULL: it is at the top. *name_r: its own name. */
struct catalog_box *jmap_box_parent(
    struct jmap_call *c, const struct catalog_box *box, const char **name_r);
/* As people see it. */
const char *jmap_box_name(const struct catalog_box *box, const char *name);
int jmap_box_order(const struct catalog_box *box);
bool jmap_box_is_subscribed(const struct catalog_box *box);
json_t *jmap_mailbox_object(
    struct jmap_call *c, struct catalog_box *box, json_t *properties);

json_t *jmap_mailbox_get(struct jmap_call *c);
json_t *jmap_mailbox_changes(struct jmap_call *c);
json_t *jmap_mailbox_query(struct jmap_call *c);
json_t *jmap_mailbox_set(struct jmap_call *c);
/* For types whose queries cannot tell what changed. */
json_t *jmap_query_changes_no(struct jmap_call *c);

#endif
