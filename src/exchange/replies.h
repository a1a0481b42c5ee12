/*
 * exchange/replies.h - what follows from what other servers say: the rules of
 * postern-replies(5).
 *
 * Pure, but for replies_load(). Rules never change, and belong to all threads.
 */
#ifndef EXCHANGE_REPLIES_H
#define EXCHANGE_REPLIES_H

#include "exchange/reply.h"

enum {
	REPLIES_OCTETS = 256 * 1024, /* of a file */
	REPLIES_RULES = 1000,
	REPLIES_PATTERNS = 8, /* of a rule, of texts */
	REPLIES_WORD = 256,   /* octets of a pattern */
	REPLIES_LOOK = 1000,  /* octets of a reply's text that are looked at */
	REPLIES_SLEEP = 7 * 86400,
};

struct replies;

enum replies_state {
	REPLIES_AS_IT_IS,
	REPLIES_TEMPORARY, /* the refusal is not taken as final */
	REPLIES_PERMANENT, /* ... as final */
};

/* What a rule says is to be done. */
struct replies_advice {
	unsigned line; /* where the rule stands; 0: no rule fits */
	bool slower;   /* less at the same time */
	unsigned rate; /* messages a minute from now on; 0: not said */
	int64_t sleep; /* seconds in which nothing is tried; 0: not said */
	enum replies_state state;
	const char *note; /* for the log; of the rules, or NULL */
};

/* SYNTAX: the detail begins with `name` and the number of the line. */
enum pst_rc replies_parse(struct pst_str text, const char *name,
    struct replies **r_r, struct pst_error *err);
/* Of a file; "": the rules that the program brings along. */
enum pst_rc replies_load(
    const char *path, struct replies **r_r, struct pst_error *err);
struct replies *replies_ref(struct replies *r);
void replies_unref(struct replies **r);

/* What the first rule that fits says. `host`: who said it, "mx.example.org" or
 * more behind a space. */
struct replies_advice replies_look(
    const struct replies *r, const struct reply *reply, const char *host);

#endif
