/*
 * jmap/compose.h - what the files that write messages share.
 */
#ifndef JMAP_COMPOSE_H
#define JMAP_COMPOSE_H

#include "jmap/email.h"

struct composing {
	struct jmap_call *c;
	json_t *values; /* bodyValues */
	struct buf *out;
	unsigned boundaries, parts;
	json_t *error;
};

/* Notes the first SetError; returns false. */
bool jmap_compose_fail(struct composing *w, const char *type,
    const char *property, const char *why);

/* compose_part.c: writes a part, header and content. False: w->error. */
bool jmap_compose_part(struct composing *w, json_t *part, unsigned depth);
/* A text of a part; NULL: there is none. */
const char *jmap_part_text(json_t *part, const char *name);

#endif
