/*
 * trust/authors.h - the domains of From, for which DKIM signs and whose policy
 * DMARC asks for. Pure.
 */
#ifndef TRUST_AUTHORS_H
#define TRUST_AUTHORS_H

#include "trust/header.h"

enum { TRUST_AUTHORS_MAX = 4 };

struct trust_authors {
	const char
	    *domain[TRUST_AUTHORS_MAX]; /* each once, as trust_domain() */
	size_t n;
	unsigned fields; /* From fields */
	bool more;	 /* other domains than these, or none that is valid */
};

void trust_authors(
    struct arena *a, const struct trust_header *h, struct trust_authors *out);

#endif
