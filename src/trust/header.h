/*
 * trust/header.h - the header of a message as it streams by, kept octet for
 * octet, since signatures cover the octets.
 *
 * It ends where every other reader of Postern sees its end: at an empty line,
 * or at the first line that is neither a field nor the continuation of one
 * (delivery/rewrite.h).
 *
 * Pure. Resumable at any octet.
 */
#ifndef TRUST_HEADER_H
#define TRUST_HEADER_H

#include "base/mem.h"

struct trust_field {
	struct pst_str name;  /* without white space around it */
	struct pst_str value; /* behind the colon, folds included, without the
				 last line end */
	struct pst_str whole; /* with the last line end, if it has one */
};

struct trust_header {
	struct buf text;
	size_t line;   /* where the line at hand begins */
	size_t length; /* octets of `text` that are header; then the body's */
	size_t fields_max;
	/* To be read by the owner, once `ended`: */
	bool ended;
	bool too_large; /* a limit was reached; there are no fields then */
	struct trust_field *field;
	size_t fields;
};

void trust_header_init(struct trust_header *h, size_t max, size_t fields_max);
void trust_header_fini(struct trust_header *h);
/* Returns how many octets were used; the others are the body's. */
size_t trust_header_feed(struct trust_header *h, const char *p, size_t n);
/* The message is over. */
void trust_header_end(struct trust_header *h);
/* Octets that were taken and turned out to begin the body. */
struct pst_str trust_header_rest(const struct trust_header *h);

/* The first field of that name at or after `*i`, which is moved behind it; NULL
 * when there is no more. */
const struct trust_field *trust_header_next(
    const struct trust_header *h, const char *name, size_t *i);

#endif
