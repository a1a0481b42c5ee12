/*
 * localindex/segment.h - a file of the full-text index: which messages contain
 * which terms. It is written once and never changed.
 *
 * A cache: every octet that answers are made from is covered by a checksum, so
 * a file that is cut short or overwritten is noticed and counts as not there.
 *
 * Layout, in the byte order of the machine:
 *	header       struct li_segment_head
 *	uids         uint32_t for each message, ascending
 *	partial      one octet for each message, 1: terms are missing
 *	places       struct li_place of every 32nd term
 *	sums         uint64_t, the checksum of each 4096 octets of postings
 *	terms        NUL, then each term and a NUL, ascending
 *	postings     for each term: length of the list, the list
 * Each part starts at a multiple of 8. A list has, for each message, the
 * distance to the one before, shifted by two, or-ed with LI_IN_HEADER and
 * LI_IN_BODY. Numbers in the postings are of 7 bits an octet, lowest first.
 *
 * Threads: a struct belongs to one thread at a time.
 */
#ifndef LOCALINDEX_SEGMENT_H
#define LOCALINDEX_SEGMENT_H

#include <postern/types.h>

enum { LI_IN_HEADER = 1, LI_IN_BODY = 2 };

struct li_segment_head {
	uint64_t magic;
	uint64_t version; /* the caller's */
	uint32_t uidvalidity;
	uint32_t docs;
	uint32_t terms;
	uint32_t text; /* octets of the terms */
	uint32_t postings;
	uint32_t unused;
	uint64_t front_sum; /* of all between the header and the postings */
	uint64_t head_sum;  /* of the header before this */
};

struct li_place {
	uint32_t text_at;
	uint32_t postings_at;
};

/* --- writing -------------------------------------------------------------- */

struct li_octets {
	unsigned char *p;
	size_t n, cap;
};

struct li_writer {
	uint32_t *uid;
	unsigned char *partial;
	uint32_t docs, terms;
	uint32_t last_doc; /* of the list at hand, and 1; 0: none yet */
	struct li_octets places, text, list, postings;
	bool is_full; /* a number has become too large */
};

/* `uids` ascend; both arrays are copied. */
void li_writer_init(struct li_writer *w, const uint32_t *uids,
    const unsigned char *partial, uint32_t docs);
/* Ascending terms, without a NUL; for each its messages by number, ascending,
 * with LI_IN_...; then the end of its list. */
void li_writer_term(struct li_writer *w, const char *term, size_t n);
void li_writer_doc(struct li_writer *w, uint32_t doc, unsigned where);
void li_writer_end_term(struct li_writer *w);
/* Octets that it will have so far. */
size_t li_writer_size(const struct li_writer *w);
/* Writes the file, under `name` when it is complete. 0 or an errno; EFBIG: it
 * would be too large. */
int li_writer_save(struct li_writer *w, int dirfd, const char *name,
    uint32_t uidvalidity, uint64_t version);
void li_writer_fini(struct li_writer *w);

/* --- reading -------------------------------------------------------------- */

struct li_segment {
	struct li_segment_head head;
	int fd;
	char *front;
	const uint32_t *uid;
	const unsigned char *partial;
	const struct li_place *place;
	size_t places;
	const uint64_t *sum;
	const char *text;
	unsigned char *postings; /* what was read of them */
	unsigned char *have;	 /* by block */
	size_t postings_from;	 /* in the file */
};

/*
 * Opens and checks all but the postings. 0; ENOENT; EINVAL: another
 * uidvalidity or version; EBADMSG: damaged; another errno.
 */
int li_segment_open(struct li_segment *s, int dirfd, const char *name,
    uint32_t uidvalidity, uint64_t version);
/* Reads no more than the header and the uids, and does not check these: for
 * guesses. Closed in the same way. */
int li_segment_peek(struct li_segment *s, int dirfd, const char *name,
    uint32_t uidvalidity, uint64_t version);
void li_segment_close(struct li_segment *s);

/* Goes through the terms in their order. */
struct li_cursor {
	const char *term; /* ended by a NUL; NULL: at the end */
	size_t n;
	uint32_t number;
	uint32_t list_at; /* in the postings */
};
void li_cursor_begin(const struct li_segment *s, struct li_cursor *c);
/* False: damaged. */
bool li_cursor_next(struct li_segment *s, struct li_cursor *c);
/* To the term that has the octet at `text_at`, which is not before it. */
bool li_cursor_skip(struct li_segment *s, struct li_cursor *c, size_t text_at);

/* The messages of a term. False: damaged. */
typedef void (*li_doc_fn)(void *arg, uint32_t doc, unsigned where);
bool li_segment_docs(
    struct li_segment *s, const struct li_cursor *c, li_doc_fn fn, void *arg);

/* --- memory that never runs out politely -----------------------------------
 */

void *li_memory(size_t n); /* zeroed */
void *li_more(void *p, size_t n, size_t each);
void li_octets_add(struct li_octets *o, const void *p, size_t n);

#endif
