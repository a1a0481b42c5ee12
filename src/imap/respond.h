/*
 * imap/respond.h - writing what responses are made of (RFC 3501, 9).
 *
 * Pure but for imap_put_flag_names(). What is not allowed in a quoted string
 * goes out as a literal; NUL, which no string may hold, as octet 0x80.
 */
#ifndef IMAP_RESPOND_H
#define IMAP_RESPOND_H

#include "base/mem.h"

void imap_put_string(struct buf *out, struct pst_str s);
void imap_put_nstring(struct buf *out, struct pst_str s); /* p NULL: NIL */
void imap_put_astring(struct buf *out, struct pst_str s);
/* A mailbox name: modified UTF-7, or with `utf8` as it is (RFC 6855). */
void imap_put_mailbox(struct buf *out, const char *name, bool utf8);
/* "(\Seen work)"; `keyword`: the names by number, [64]. */
void imap_put_flags(struct buf *out, uint32_t flags, uint64_t keywords,
    bool recent, const char *const *keyword);
/* `"17-Jul-1996 02:44:25 +0000"` */
void imap_put_date(struct buf *out, int64_t seconds);
/* Replaces NUL in `n` octets at `p`. */
void imap_clean(char *p, size_t n);

#endif
