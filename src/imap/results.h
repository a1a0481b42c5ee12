/*
 * imap/results.h - telling what a searching command found: SEARCH, SORT and
 * ESEARCH responses (RFC 4466, 2.6.2; RFC 5256, 4), and keeping it as "$" (RFC
 * 5182).
 */
#ifndef IMAP_RESULTS_H
#define IMAP_RESULTS_H

#include "imap/search_return.h"
#include "imap/session.h"

enum { IMAP_SAVED_RANGES_MAX = 65536 };

/* What is written next. */
enum imap_results_part {
	IMAP_RESULTS_BEGIN,
	IMAP_RESULTS_LIST,  /* numbers */
	IMAP_RESULTS_SCORE, /* of RELEVANCY */
	IMAP_RESULTS_END,
	IMAP_RESULTS_DONE,
};

struct imap_results {
	const char *word; /* "SEARCH" or "SORT": when it is not extended */
	struct imap_search_return ret;
	struct mailbox_view *view;
	bool uid;
	/* RFC 7377, 2.1: the mailbox is named. */
	bool names_mailbox;
	/* Sequence numbers in the order of the answer. Borrowed. */
	const uint32_t *seq;
	const uint8_t *score; /* NULL: none */
	size_t n;
	/* The highest modseq of those that are told; 0: not told. */
	uint64_t modseq;
	/* The cursor. */
	enum imap_results_part part;
	size_t at, to;
	bool some;
};

/* Writes on; FULL to be called again, NEXT when all is written. */
enum imap_step imap_results_more(
    struct imap_session *s, struct imap_results *r);

/* Adds the uids of results `from` to `to`, whatever their order. */
void imap_results_uids(
    const struct imap_results *r, size_t from, size_t to, struct uidset *uids);
/* " (TAG ...)", with the mailbox when it is not NULL. */
void imap_put_correlators(
    struct imap_session *s, const char *tag, struct mailbox_view *mailbox);
/* Fills in `modseq`. */
void imap_results_find_modseq(struct imap_results *r);

/* For SAVE. False: too many, and nothing is kept. */
bool imap_results_save(struct imap_session *s, const struct imap_results *r);

/* RFC 5182, 2.1: a command that would save and is answered NO empties "$"; BAD
 * leaves it. Call it when the answer is set. */
void imap_results_refused(
    struct imap_session *s, const struct imap_search_return *ret);

/* Forgets "$" and all contexts: the mailbox is not selected any more. */
void imap_forget_searches(struct imap_session *s);

#endif
