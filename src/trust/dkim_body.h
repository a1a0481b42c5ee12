/*
 * trust/dkim_body.h - hashes of a message's body, in one pass and little
 * memory: the canonical forms of RFC 6376, 3.4.3 and 3.4.4 as they stream by,
 * under SHA-256. Signatures that want the same hash share it.
 *
 * Belongs to one thread at a time.
 */
#ifndef TRUST_DKIM_BODY_H
#define TRUST_DKIM_BODY_H

#include "base/mem.h"

enum { DKIM_HASH = 32 }; /* octets of SHA-256 */

/* One canonical form, and how much of it counts. */
struct dkim_body {
	bool relaxed;
	int64_t limit; /* l=; -1: all of it */
	/* Private. */
	void *hash;
	bool cr, space, text; /* held back; something was put out */
	uint64_t lines;	      /* ends of lines that are held back */
	/* After dkim_bodies_end(): */
	uint64_t length; /* of the canonical body */
	unsigned char digest[DKIM_HASH];
};

struct dkim_bodies {
	struct dkim_body *body;
	size_t n, cap;
	bool ended;
};

void dkim_bodies_init(struct dkim_bodies *b);
void dkim_bodies_fini(struct dkim_bodies *b);
/* The index of a hash, before the first octet. */
size_t dkim_bodies_add(struct dkim_bodies *b, bool relaxed, int64_t limit);
void dkim_bodies_feed(struct dkim_bodies *b, const char *p, size_t n);
void dkim_bodies_end(struct dkim_bodies *b);

#endif
