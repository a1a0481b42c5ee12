/*
 * mailbox/upkeep.h - the thread that keeps stored mail in order by the clock:
 * rules of retention, and removing for good what undelete has kept long enough.
 *
 * It goes through the users in pages, opens only accounts that are due, rests
 * after each piece of work for longer than that took, and stops within one
 * piece.
 *
 * Threads: start and stop from the main thread; upkeep_status() from any.
 */
#ifndef MAILBOX_UPKEEP_H
#define MAILBOX_UPKEEP_H

#include "account/account.h"
#include "mailbox/store.h"

struct upkeep;

struct upkeep_status {
	bool sweeping;
	int64_t began, ended; /* of the last sweep; 0: none yet */
	int64_t next;	      /* when the next one begins */
	uint64_t accounts;    /* that are waited for */
	uint64_t visited;     /* in the last sweep */
	/* Since the start. */
	uint64_t failures;
	struct pst_usage removed; /* by rules */
	struct pst_usage purged;  /* kept ones, for good */
};

/* NULL: no thread could be started. */
struct upkeep *upkeep_start(
    struct mailstore *store, struct accounts *accounts, struct pst_error *err);
void upkeep_stop(struct upkeep **u);
void upkeep_status(struct upkeep *u, struct upkeep_status *status_r);

#endif
