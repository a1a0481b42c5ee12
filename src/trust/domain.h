/*
 * trust/domain.h - domain names as SPF, DKIM and DMARC compare them, and
 * organisational domains by the public suffix list (RFC 7489, 3.2).
 *
 * Threads: from any thread; the list is read once, at the first use.
 */
#ifndef TRUST_DOMAIN_H
#define TRUST_DOMAIN_H

#include "base/mem.h"

/* In lower case, with A-labels, without a dot at the end. NULL: no domain name,
 * or the arena is full. */
const char *trust_domain(struct arena *a, struct pst_str text);
/* `name` is `domain` or a name below it; both as trust_domain() makes them. */
bool trust_is_below(const char *name, const char *domain);
/* A part of `domain`: itself when it is a public suffix. */
const char *trust_organisation(const char *domain);

#endif
