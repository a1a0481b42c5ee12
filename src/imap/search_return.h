/*
 * imap/search_return.h - what a search is to return (RFC 4466, 2.6.1): the
 * options of RFC 4731, RFC 5182, RFC 5267, RFC 6203 and RFC 9394. Pure.
 */
#ifndef IMAP_SEARCH_RETURN_H
#define IMAP_SEARCH_RETURN_H

#include "imap/parse.h"

enum imap_return_option {
	IMAP_RETURN_MIN = 1 << 0,
	IMAP_RETURN_MAX = 1 << 1,
	IMAP_RETURN_ALL = 1 << 2,
	IMAP_RETURN_COUNT = 1 << 3,
	IMAP_RETURN_SAVE = 1 << 4,
	IMAP_RETURN_PARTIAL = 1 << 5,
	IMAP_RETURN_RELEVANCY = 1 << 6,
	IMAP_RETURN_CONTEXT = 1 << 7,
	IMAP_RETURN_UPDATE = 1 << 8,
};

/* partial-range (RFC 9394, 4), as it was written. */
struct imap_partial {
	bool from_end; /* both count from the last result */
	uint32_t first, last;
};

struct imap_search_return {
	bool is_extended; /* RETURN was said: the answer is ESEARCH */
	unsigned options; /* enum imap_return_option */
	struct imap_partial partial;
	/* Of UPDATE: what to fetch of new results (RFC 5465, 7); without p
	 * nothing. */
	struct pst_str update_atts;
};

/* "1:500" or "-1:-100" */
bool imap_partial_parse(struct imap_parser *ps, struct imap_partial *out);
void imap_put_partial(struct buf *out, const struct imap_partial *p);
/* Which of `n` results: from *from up to, not including, *to. */
void imap_partial_cut(
    const struct imap_partial *p, size_t n, size_t *from, size_t *to);
/* How many results it reaches at most, counted from its end. */
uint32_t imap_partial_reach(const struct imap_partial *p);

/* ["RETURN" SP "(" ... ")" SP]; cleared when it is not there. */
bool imap_search_return_parse(
    struct imap_parser *ps, struct imap_search_return *out);

#endif
