/*
 * imap/fetch_partial.c - the modifier PARTIAL of UID FETCH (RFC 9394, 3.3).
 */
#include "imap/fetch_partial.h"

void
imap_partial_members(const struct imap_partial *p, struct uidset *seqs)
{
	struct uidset kept = { 0 };
	size_t from, to, at = 0;

	imap_partial_cut(p, (size_t)uidset_count(seqs), &from, &to);
	for (size_t i = 0; i < seqs->n && at < to; i++) {
		const struct pst_range *r = &seqs->r[i];
		size_t n = (size_t)r->last - r->first + 1;
		size_t low = from > at ? from - at : 0;
		size_t high = to - at < n ? to - at : n;

		if (low < high)
			uidset_add(&kept, r->first + (uint32_t)low,
			    r->first + (uint32_t)(high - 1));
		at += n;
	}
	uidset_fini(seqs);
	*seqs = kept;
}
