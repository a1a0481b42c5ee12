/*
 * jmap/condition.h - filters of small sets (RFC 8620, 5.5): trees of operators
 * with conditions as leaves, asked of one thing after the other. Email/query
 * asks all messages at once instead (filter.h).
 */
#ifndef JMAP_CONDITION_H
#define JMAP_CONDITION_H

#include "jmap/call.h"

/* What a set knows of one property of a condition. */
struct jmap_conditions {
	/* Whether there are things to be asked or not. False: c->error. */
	bool (*check)(struct jmap_call *c, const char *key, json_t *value);
	/* Of what was checked. */
	bool (*matches)(
	    struct jmap_call *c, void *thing, const char *key, json_t *value);
};

/* False: c->error. */
bool jmap_conditions_check(
    struct jmap_call *c, const struct jmap_conditions *known, json_t *filter);
/* Of a filter that was checked. */
bool jmap_conditions_match(struct jmap_call *c,
    const struct jmap_conditions *known, void *thing, json_t *filter);

#endif
