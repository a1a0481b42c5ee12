/*
 * jmap/filter_priv.h - what the files of the filters share.
 */
#ifndef JMAP_FILTER_PRIV_H
#define JMAP_FILTER_PRIV_H

#include "jmap/filter.h"

struct filtering {
	struct jmap_call *c;
	const struct jmap_items *items;
};

enum jmap_field {
	JMAP_FROM,
	JMAP_TO,
	JMAP_CC,
	JMAP_BCC,
	JMAP_SUBJECT,
	JMAP_ATTACHMENT
};

/* Says unsupportedFilter; returns false. */
bool jmap_unsupported(struct filtering *f, const char *what);

/* filter_text.c: conditions on texts; yes[e] of each message that meets them.
 * False: c->error. */
bool jmap_filter_by_field(
    struct filtering *f, enum jmap_field field, json_t *value, bool *yes);
bool jmap_filter_by_text(
    struct filtering *f, json_t *value, bool headers, bool *yes);
bool jmap_filter_by_header(struct filtering *f, json_t *value, bool *yes);

#endif
