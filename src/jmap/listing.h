/*
 * jmap/listing.h - what lists show of messages (RFC 8621, 4.1.2.6 and 4.1.4),
 * and what is searched in their headers: worked out once, kept beside the
 * message.
 */
#ifndef JMAP_LISTING_H
#define JMAP_LISTING_H

#include "jmap/call.h"

/* In the JSON: the names of properties that are too long to be kept whole. */
#define JMAP_LISTING_CUT "cut"

/* The header properties of a message as JSON, and texts without case. */
struct jmap_listing {
	uint32_t uid;
	struct pst_str json; /* an object: from, subject, preview, ... */
	struct pst_str from, to, cc, bcc, subject; /* folded */
	bool has_attachment;
	bool is_cut;  /* one of the texts is */
	int64_t sent; /* seconds since 1970 */
};

/* Of messages of one mailbox, by ascending uids. What cannot be read is not
 * there. Calls back in order; the texts are borrowed for that long. */
void jmap_listings(struct jmap_call *c, struct catalog_box *box,
    const uint32_t *uids, size_t n,
    void (*fn)(void *arg, const struct jmap_listing *listing), void *arg);

#endif
