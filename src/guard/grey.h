/*
 * guard/grey.h - greylisting (RFC 6647): who comes for the first time with a
 * sender and a recipient is asked to come again. What was seen is kept in a
 * SQLite file, so that a restart makes nobody wait anew.
 *
 * Nothing in the file is a promise to anybody: it survives a crash of the
 * server, but may lose its last lines with the power.
 *
 * Threads: from any. Calls block on the disk.
 */
#ifndef GUARD_GREY_H
#define GUARD_GREY_H

#include "base/config.h"
#include "base/network.h"

struct guard_grey;

struct guard_grey_question {
	struct ip_address ip;
	struct pst_str sender;	  /* as in MAIL; empty: <> */
	struct pst_str recipient; /* as in RCPT */
	int64_t now;		  /* seconds since 1970 */
};

enum guard_grey_verdict {
	GUARD_GREY_KNOWN,  /* it has come again before, or others did */
	GUARD_GREY_PASSED, /* it has waited, and may now */
	GUARD_GREY_NEW,	   /* it is seen for the first time */
	GUARD_GREY_EARLY,  /* it has not waited long enough */
};

/* The file is "greylist.db" in `dir`. NULL: it cannot be used. */
struct guard_grey *guard_grey_open(const char *dir, struct pst_error *err);
void guard_grey_close(struct guard_grey **g);
/* *wait_r: how many seconds are left, of NEW and EARLY. On a failure nobody has
 * to wait: the verdict of TEMP is KNOWN. */
enum pst_rc guard_grey_ask(struct guard_grey *g, const struct config *cfg,
    const struct guard_grey_question *q, enum guard_grey_verdict *verdict_r,
    int64_t *wait_r, struct pst_error *err);
/* How many senders and recipients are remembered; for tests. */
int64_t guard_grey_count(struct guard_grey *g);

/*
 * The sender without what lists and shops change from message to message:
 * numbers become "#", and what follows "+" or "=" in the local part is left
 * out. Pure.
 */
void guard_grey_sender(struct pst_str sender, struct buf *out);

#endif
