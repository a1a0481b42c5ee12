/*
 * imap/fetch_partial.h - the modifier PARTIAL of UID FETCH (RFC 9394, 3.3).
 * Pure.
 */
#ifndef IMAP_FETCH_PARTIAL_H
#define IMAP_FETCH_PARTIAL_H

#include "base/uidset.h"
#include "imap/search_return.h"

/* Leaves those members that the range means. */
void imap_partial_members(const struct imap_partial *p, struct uidset *seqs);

#endif
