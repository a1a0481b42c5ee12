/*
 * base/uidset.h - sets of 32-bit numbers as ascending, disjoint ranges: UIDs
 * and sequence numbers. Zero is never a member.
 *
 * Threads: a set belongs to one thread at a time.
 */
#ifndef BASE_UIDSET_H
#define BASE_UIDSET_H

#include "base/mem.h"

struct uidset {
	struct pst_range *r;
	size_t n, cap;
};

void uidset_fini(struct uidset *s); /* frees; usable again */
void uidset_clear(struct uidset *s);
/* Adding in ascending order costs O(1), elsewhere O(ranges). */
void uidset_add(struct uidset *s, uint32_t first, uint32_t last);
void uidset_remove(struct uidset *s, uint32_t first, uint32_t last);
void uidset_add_set(struct uidset *s, const struct uidset *other);
bool uidset_has(const struct uidset *s, uint32_t n);
uint64_t uidset_count(const struct uidset *s);
struct pst_uids uidset_peek(const struct uidset *s); /* borrowed */
/* Writes "1:4,7" (RFC 3501 sequence-set); nothing for an empty set. */
bool uidset_print(const struct uidset *s, struct buf *out);
/*
 * Reads a sequence-set (RFC 3501, 9), '*' standing for `star`; "5:2" is 2:5.
 * At most `max` ranges. SYNTAX or LIMIT.
 */
enum pst_rc uidset_parse(
    struct pst_str text, uint32_t star, size_t max, struct uidset *s_r);

#endif
