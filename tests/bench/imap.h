/*
 * imap.h - an IMAP client for measuring: it sends, counts what comes, and
 * waits for the tagged answer.
 */
#ifndef TESTS_BENCH_IMAP_H
#define TESTS_BENCH_IMAP_H

#include "client.h"

struct imap {
	struct client c;
	unsigned tag;
	unsigned user;	 /* its number */
	bool done;	 /* the command under way has its answer */
	char status;	 /* 'O'K, 'N'O or 'B'AD */
	struct buf last; /* the tagged answer */
	/* Counted since imap_start(). */
	uint64_t fetches; /* "* n FETCH" */
	uint64_t gone;	  /* EXPUNGE, and numbers in VANISHED */
	uint64_t exists;  /* the last number, kept over commands */
	uint64_t numbers; /* in SEARCH, SORT and THREAD */
	uint64_t octets;  /* of all answers */
	uint64_t digest;  /* of SEARCH, SORT and THREAD */
	/* Of the mailbox. */
	uint64_t uidvalidity, modseq;
	/* NULL or called for every untagged response, after the counting. */
	void (*on_untagged)(struct imap *im, struct pst_str text);
	/* NULL or called for "+ ...". */
	void (*on_continue)(struct imap *im);
	/* NULL or called when the tagged answer is there, `done` set. */
	void (*on_done)(struct imap *im);
	void *ctx;
	uint64_t sum; /* for on_untagged */
};

/* Begins a connection; `done` when the greeting is there. */
void imap_connect(struct imap *im, unsigned user);
/* Connected and logged in, with all waiting. */
void imap_open(struct imap *im, unsigned user);
void imap_close(struct imap *im); /* LOGOUT, waits */

/* Sends "TAG " and the text with CRLF. */
void imap_start(struct imap *im, const char *fmt, ...) PST_PRINTF(2, 3);
void imap_start_login(struct imap *im);
/* Waits for the answer; another one than OK makes the cell void. */
void imap_wait(struct imap *im);
/* Both. */
void imap_do(struct imap *im, const char *fmt, ...) PST_PRINTF(2, 3);

/* The unsigned number behind `key` in a text; false: it isn't there. */
bool imap_number(struct pst_str text, const char *key, uint64_t *value_r);
/* The octets of the first literal or quoted string behind `key`. */
bool imap_string(struct pst_str text, const char *key, struct pst_str *s_r);

#endif
