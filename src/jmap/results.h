/*
 * jmap/results.h - results of Email/query (RFC 8621, 4.4), kept with the
 * account for a while: the next window of a list costs nothing, and what
 * changed is told by comparing two.
 *
 * With the lock of the catalog.
 */
#ifndef JMAP_RESULTS_H
#define JMAP_RESULTS_H

#include "jmap/call.h"

/* A message by one of its places, since ids take much more room. */
struct jmap_hit {
	uint32_t box; /* hash of struct catalog_box */
	uint32_t uid;
};

/* Never changed once it is kept. */
struct jmap_result {
	size_t refs, n;
	struct jmap_hit hit[];
};

/* Of `n` hits at most. */
struct jmap_result *jmap_result_new(size_t n);
void jmap_result_unref(struct jmap_result *r);

/*
 * A reference to the result of a question, NULL: it is not there. `key` is the
 * question, `state` the queryState. `arranged` is not 0 when the result depends
 * only on which messages are where: then one of another state with the same
 * number will do.
 */
struct jmap_result *jmap_results_find(
    struct catalog *c, const char *key, const char *state, uint64_t arranged);
/* `uidnext`: of the mailbox, where only messages from this uid on are missing
 * in the result as long as nothing else happens; else 0. */
void jmap_results_keep(struct catalog *c, const char *key, const char *state,
    uint64_t arranged, uint32_t uidnext, struct jmap_result *r);
/* One that lacks only what came since, borrowed; NULL: there is none. */
struct jmap_result *jmap_results_older(struct catalog *c, const char *key,
    const struct catalog_box *box, uint32_t *uidnext_r);

/* Where a message stands, by any of its places; -1: it does not. */
int64_t jmap_result_place(
    struct catalog *c, const struct jmap_result *r, const char *id);
/* The id of a hit; NULL: nobody knows any more. */
const char *jmap_hit_id(struct catalog *c, const struct jmap_hit *hit);

/* What differs between two (RFC 8620, 5.6), added to the lists. False: what
 * went cannot be told any more. */
bool jmap_results_compare(struct catalog *c, const struct jmap_result *old,
    const struct jmap_result *now, json_t *removed, json_t *added);

#endif
