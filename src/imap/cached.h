/*
 * imap/cached.h - values of one kind (enum mail_cache) for messages that are
 * visited in order: got from the storage many at once, as far ahead as they
 * seem to be used, and put there many at once.
 *
 * Threads: belongs to one session.
 */
#ifndef IMAP_CACHED_H
#define IMAP_CACHED_H

#include "base/mem.h"
#include "mailbox/mailbox.h"

enum { IMAP_CACHED_AHEAD = 256 };

struct imap_cached_value {
	uint32_t uid;
	size_t at, n; /* in a buffer */
};

struct imap_cached_values {
	struct imap_cached_value *v;
	size_t n, cap;
	struct buf text;
};

struct imap_cached {
	struct mailbox_view *view;
	enum mail_cache kind;
	uint32_t first, last; /* uids that were asked for; first 0: none */
	bool is_cut;	      /* there was more than fits */
	size_t ahead;	      /* how many messages were asked for */
	size_t used;	      /* and how many of them were wanted */
	size_t hint;
	struct imap_cached_values got, fresh;
};

/* `ahead`: how many messages to begin with, up to IMAP_CACHED_AHEAD. No memory
 * is taken yet. */
void imap_cached_init(struct imap_cached *c, struct mailbox_view *view,
    enum mail_cache kind, size_t ahead);
/* Frees; what was not flushed is not put. */
void imap_cached_fini(struct imap_cached *c);

/*
 * The value for rows[i], which stays until the next call. The rows ascend by
 * uid, those of expunged messages have uid 0; with `backwards` the ones before
 * it are likely to be wanted next, else the ones behind. False: there is none.
 */
bool imap_cached_find(struct imap_cached *c, const struct pst_row *rows,
    size_t n, size_t i, bool backwards, struct pst_str *value_r);
/* A value that was worked out; copied. */
void imap_cached_add(struct imap_cached *c, uint32_t uid, struct pst_str value);
/* Puts what was added. The view must be open. */
void imap_cached_flush(struct imap_cached *c);

#endif
