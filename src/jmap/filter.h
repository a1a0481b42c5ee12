/*
 * jmap/filter.h - the filters of Email/query (RFC 8621, 4.4.1), worked out for
 * many messages at once: sets of messages, so that what an index knows is asked
 * once for each mailbox.
 */
#ifndef JMAP_FILTER_H
#define JMAP_FILTER_H

#include "jmap/call.h"

/* The messages that are looked at: one place of each, and more where it is in
 * several mailboxes. */
struct jmap_item {
	struct catalog_box *box;
	uint32_t seq, uid;
	struct pst_row row;
	uint32_t email; /* number of the message in struct jmap_items */
};

struct jmap_items {
	struct jmap_item *v; /* by mailbox, then by uid */
	size_t n, cap;
	size_t emails;
};

/* All of `only`, or of all mailboxes with NULL. */
void jmap_items(
    struct jmap_call *c, struct catalog_box *only, struct jmap_items *items_r);
void jmap_items_fini(struct jmap_items *items);

/* yes[e] of each message. False: c->error. */
bool jmap_filter(struct jmap_call *c, const struct jmap_items *items,
    json_t *filter, bool *yes);
/* The mailbox that a message must be in for the filter, NULL: any. */
struct catalog_box *jmap_filter_box(struct jmap_call *c, json_t *filter);

/* It asks for nothing that flags decide. */
bool jmap_filter_is_steady(json_t *filter);

/* The words that the subject and the text of a message match, folded, for
 * snippets: not those that must not be there. */
void jmap_filter_words(json_t *filter, json_t *subject, json_t *text);
/* Only whether it is a filter. False: c->error. */
bool jmap_filter_check(struct jmap_call *c, json_t *filter);

#endif
