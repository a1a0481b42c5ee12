/*
 * trust/dkim_tags.h - tag lists, "v=1; a=rsa-sha256" (RFC 6376, 3.2), as
 * signatures, key records and DMARC records have them. Pure.
 */
#ifndef TRUST_DKIM_TAGS_H
#define TRUST_DKIM_TAGS_H

#include "base/mem.h"

enum { DKIM_TAGS_MAX = 64 };

struct dkim_tag {
	struct pst_str name;
	struct pst_str value; /* without white space at its ends */
	struct pst_str raw;   /* all between "=" and ";" */
};

struct dkim_tags {
	struct dkim_tag tag[DKIM_TAGS_MAX];
	size_t n;
};

/* False: malformed, a tag twice, or too many of them. */
bool dkim_tags_parse(struct pst_str text, struct dkim_tags *out);
/* NULL: there is none. */
const struct dkim_tag *dkim_tag(const struct dkim_tags *t, const char *name);
/* The value without any white space, in the arena; p NULL: no tag, or the arena
 * is full. */
struct pst_str dkim_tag_packed(
    struct arena *a, const struct dkim_tags *t, const char *name);
/* Takes the next of values with colons between them, trimmed. */
bool dkim_next_item(struct pst_str *rest, struct pst_str *item_r);
/* `item` is in such a list, without case. */
bool dkim_list_has(struct pst_str list, const char *item);

#endif
