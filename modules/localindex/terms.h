/*
 * localindex/terms.h - how text is cut into terms for the full-text index, and
 * how a text that is sought becomes a question about terms. Pure.
 *
 * The text is UTF-8 that was folded already; nothing here knows of case.
 *
 * A term is a run of letters and digits. A full stop, "@", "-", "_" or "'"
 * belongs to it where letters or digits stand on both sides, so that an
 * address is one term. Scripts without spaces between words (and symbols) give
 * a term for each character: the character with the next one of this kind, if
 * there is one. A run that is longer than LI_TERM_MAX is cut into pieces that
 * overlap by LI_TERM_SHARED octets, so that what is not longer than that still
 * lies within one term.
 */
#ifndef LOCALINDEX_TERMS_H
#define LOCALINDEX_TERMS_H

#include <postern/types.h>

enum { LI_TERM_MAX = 64, LI_TERM_SHARED = 32, LI_PIECES_MAX = 16 };

typedef void (*li_term_fn)(void *arg, const char *term, size_t n);
/* Every term, as often as it occurs. Terms never contain a NUL. */
void li_terms(struct pst_str text, li_term_fn fn, void *arg);

enum li_how {
	LI_CONTAINS,
	LI_STARTS,
	LI_ENDS,
	LI_IS,
};

/* There is a term that contains (starts with, ...) this. Borrowed. */
struct li_piece {
	enum li_how how;
	struct pst_str text;
};

/*
 * A message that contains the needle has terms for all pieces. `is_exact`: and
 * a message that has them contains the needle. Without pieces the index
 * knows nothing about such a needle.
 */
struct li_plan {
	struct li_piece piece[LI_PIECES_MAX];
	size_t n;
	bool is_exact;
};
void li_plan(struct pst_str needle, struct li_plan *plan_r);

#endif
