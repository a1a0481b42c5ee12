/*
 * jmap/states.h - the states of an account's types, and a StateChange of those
 * that are not what was told (RFC 8620, 7.1), for all who push.
 *
 * Threads: a struct belongs to one at a time. Calls that take a catalog lock it
 * themselves, and block on the disk.
 */
#ifndef JMAP_STATES_H
#define JMAP_STATES_H

#include "jmap/call.h"
#include "mailbox/watch.h"

enum {
	JMAP_TYPE_EMAIL,
	JMAP_TYPE_MAILBOX,
	JMAP_TYPE_THREAD,
	JMAP_TYPE_DELIVERY, /* EmailDelivery (RFC 8621, 1.5) */
	JMAP_TYPE_SIEVE,    /* SieveScript (RFC 9661) */
	JMAP_TYPES,
	JMAP_TYPES_ALL = (1 << JMAP_TYPES) - 1,
};

/* The bit of a type; 0: there is none of that name, or nothing is pushed of
 * it. */
unsigned jmap_type_bit(struct pst_str name);
/* Bits of a list of names; NULL or null: all. False: it is no such list. */
bool jmap_type_bits(json_t *names, unsigned *bits_r);

/* As they are now. */
struct jmap_present {
	char *text[JMAP_TYPES];
	uint64_t hash[JMAP_TYPES];
};
/* Of a catalog that is locked and up to date. */
void jmap_present_of(struct catalog *c, struct jmap_present *p);
/* To be given back in any case. */
enum pst_rc jmap_present_take(
    struct catalog *c, struct jmap_present *p, struct pst_error *err);
void jmap_present_fini(struct jmap_present *p);
/* Which of them are not what was `told`. */
unsigned jmap_present_news(
    const struct jmap_present *p, const uint64_t told[JMAP_TYPES]);
/* Stands for all of them: an id. */
void jmap_present_mark(const struct jmap_present *p, char mark_r[JMAP_ID]);
/* A StateChange of `types` of them. */
json_t *jmap_state_change(
    const char *account, const struct jmap_present *p, unsigned types);

/* For a connection: what it was told, and being woken by what happens. */
struct jmap_states {
	char account[JMAP_ID];
	struct catalog *catalog; /* NULL: not open */
	struct watch *watch;
	unsigned types; /* that are wanted */
	uint64_t told[JMAP_TYPES];
	char mark[JMAP_ID]; /* of what was told last */
};

/* `wake` hears of changes. What is there now counts as told. To be closed in
 * any case. */
enum pst_rc jmap_states_open(struct jmap_states *s, struct mailstore *store,
    const struct account_user *user, const char *account, unsigned types,
    const struct net_handle *wake, struct pst_error *err);
void jmap_states_close(struct jmap_states *s);
/* A StateChange of what is new since; NULL: nothing is. */
json_t *jmap_states_take(struct jmap_states *s);
/* The same of everything that is wanted, unless `mark` is that of now. */
json_t *jmap_states_since(struct jmap_states *s, const char *mark);

#endif
