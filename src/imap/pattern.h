/*
 * imap/pattern.h - the wildcards of LIST (RFC 3501, 6.3.8): '*' matches
 * anything, '%' anything within a level.
 *
 * Pure.
 */
#ifndef IMAP_PATTERN_H
#define IMAP_PATTERN_H

#include "base/mem.h"

enum { IMAP_PATTERN_MAX = 1024 }; /* longer ones match nothing */

/*
 * Both in UTF-8. INBOX, alone or as the first level, matches without case. The
 * time is bounded by the product of the lengths, whatever the pattern.
 */
bool imap_pattern_matches(struct pst_str pattern, const char *name);

/* The pattern that a reference and a mailbox argument make, from modified
 * UTF-7 or, with `is_utf8`, from UTF-8; runs of wildcards are shortened. False:
 * it can match nothing. */
bool imap_pattern_make(struct pst_str reference, struct pst_str mailbox,
    bool is_utf8, struct buf *out);

#endif
