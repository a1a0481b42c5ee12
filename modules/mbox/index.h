/*
 * index.h - where the messages of an mbox file are and what they are like, kept
 * in a file beside, so that opening a mailbox again needs no pass over it.
 *
 * It is a cache: it holds for a file that looks exactly as it did (its stamp),
 * and else tells what was there before. Header and entries have checksums of
 * their own, so that a delivery adds its entries without reading the others.
 *
 * Threads: belongs to the caller, who lets in one at a time.
 */
#ifndef MBOX_INDEX_H
#define MBOX_INDEX_H

#include "lock.h"

#define MB_INDEX_FILE "postern.places"

enum mb_form {
	MB_RAW = 1 << 0,	/* octets as they came */
	MB_RECORDED = 1 << 1,	/* its uid is in the file, and we wrote it */
	MB_OWN = 1 << 2,	/* `id` is from its field, not of its content */
	MB_LONG_IDENT = 1 << 3, /* only the file tells its ident */
	MB_OLD = 1 << 4,	/* "O" is in the file */
};

/* One message. */
struct mb_msg {
	uint64_t offset, length; /* in the file, with its `From ` line */
	uint64_t size;		 /* with CRLF, as clients see it */
	uint64_t keywords;
	uint64_t modseq; /* not in the file */
	int64_t internal_date, save_date;
	uint64_t id[2]; /* its ident as numbers, or a hash of its content */
	uint32_t uid;
	uint32_t fixed;	 /* X-UID and so on, from offset; 0: not as we do it */
	uint32_t room;	 /* for keywords there */
	uint8_t flags;	 /* enum pst_flag */
	uint8_t form;	 /* enum mb_form */
	uint8_t pending; /* not in the file: refresh() has to tell */
};

struct mb_index {
	struct mb_stamp stamp;
	uint64_t count, bytes; /* messages; of all of them */
	uint64_t base_at, begin;
	uint32_t uidvalidity;
	uint32_t uidnext; /* of which it knows all messages below */
	uint32_t unrecorded;
};

/* Only the header. False: there is none, or it is of another uidvalidity (0: of
 * any). */
bool mb_index_peek(int dirfd, uint32_t uidvalidity, struct mb_index *index_r);
/* All of it; the caller frees *msg_r. */
bool mb_index_read(int dirfd, uint32_t uidvalidity, struct mb_index *index_r,
    struct mb_msg **msg_r);
/* One message of it. */
bool mb_index_find(int dirfd, const struct mb_index *index, uint32_t uid,
    struct mb_msg *msg_r);
/* Replaces it. 0 or an errno. */
int mb_index_write(
    int dirfd, const struct mb_index *index, const struct mb_msg *msg);
/* Adds `n` messages to one that has `index->count`, then writes the header with
 * as many more. */
int mb_index_add(
    int dirfd, struct mb_index *index, const struct mb_msg *msg, size_t n);
/* Before the mailbox is changed elsewhere than at its end: whatever the file
 * looks like, it does not hold for it. What it tells stays. */
void mb_index_outdate(int dirfd);

#endif
