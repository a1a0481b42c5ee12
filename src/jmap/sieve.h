/*
 * jmap/sieve.h - SieveScript (RFC 9661): the scripts of sieve/scripts.h. The
 * text of each is a blob, for as long as it is that script's text.
 */
#ifndef JMAP_SIEVE_H
#define JMAP_SIEVE_H

#include "jmap/call.h"
#include "sieve/scripts.h"

#define JMAP_SIEVE_TYPE "application/sieve"

/* What the session object tells of an account (1.2.1). */
json_t *jmap_sieve_capability(const struct config *cfg);

/* The state of all scripts of the account. */
void jmap_sieve_state(struct jmap_call *c, struct buf *out);

/* The blob that a script's text is, and the text of one. False: there is none.
 */
void jmap_sieve_blob_id(const struct sieve_entry *entry, char id_r[JMAP_ID]);
bool jmap_sieve_blob(struct jmap_call *c, const char *id, struct buf *out);

/* Why a script is none: an "invalidSieve". */
json_t *jmap_sieve_problem(const struct sieve_problem *problem);
/* The script that a blob is (2.2): its text, and compiled. NULL, or a SetError.
 * What could be uploaded should fit into `text`. */
json_t *jmap_sieve_read(struct jmap_call *c, const char *id, struct buf *text,
    struct sieve_script **script_r);

json_t *jmap_sieve_get(struct jmap_call *c);
json_t *jmap_sieve_changes(struct jmap_call *c);
json_t *jmap_sieve_query(struct jmap_call *c);
json_t *jmap_sieve_set(struct jmap_call *c);
json_t *jmap_sieve_validate(struct jmap_call *c);
json_t *jmap_sieve_test(struct jmap_call *c);

#endif
