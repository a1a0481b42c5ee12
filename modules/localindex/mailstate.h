/*
 * mailstate.h - the state file of a mailbox at work. Uids and modseqs are
 * reserved on the disk ahead of their use, in blocks, so that a delivery
 * normally writes no state and still no number is ever given twice, not even
 * when the newest messages were removed by somebody else before a crash.
 */
#ifndef LOCALINDEX_MAILSTATE_H
#define LOCALINDEX_MAILSTATE_H

#include "localindex/account.h"
#include "localindex/state.h"

#include <postern/module.h>
#include <pthread.h>

#define LI_STATE_FILE "postern.state"

struct li_mailstate {
	/* Set by the owner and not changed here. */
	const struct pst_host *host;
	const char *module; /* for the log */
	char *where;	    /* "domain/user/A", for the log */
	int fd;		    /* of the folder that the file is in */
	bool fsync;
	/* The folder still belongs to the mailbox. NULL: it is not asked. */
	bool (*is_there)(const struct li_mailstate *);

	pthread_mutex_t lock;  /* guards all below */
	struct li_state state; /* uidnext and modseq: exact */
	uint32_t uid_floor;    /* what the disk says of them */
	uint64_t modseq_floor;
	uint32_t uid_block; /* how many uids are reserved next time */
	bool is_dirty;	    /* worth writing when it is closed */
	bool is_fresh;	    /* it was made up and is not on the disk */
};

/* Begins a state for a mailbox that has none. */
void li_state_begin(const struct pst_host *host, uint32_t uidvalidity,
    struct li_state *state_r);

void li_mailstate_init(struct li_mailstate *m);
/* Reads the file, or begins a state when there is none or a damaged one, with a
 * UIDVALIDITY of the account. */
enum pst_rc li_mailstate_read(
    struct li_mailstate *m, struct li_account *account, struct pst_error *err);
/* Writes what is worth it, with exact numbers. Failures are logged. */
void li_mailstate_settle(struct li_mailstate *m);
void li_mailstate_fini(struct li_mailstate *m);

/*
 * Writes the file. Wants m->lock. NOTFOUND: the folder is not there any more.
 * It may be a mailbox of another name now, whose state is not ours.
 */
enum pst_rc li_mailstate_write(
    struct li_mailstate *m, enum li_sync sync, struct pst_error *err);
/* What the mailbox was elsewhere, as far as it is more. Wants m->lock. */
enum pst_rc li_mailstate_adopt(struct li_mailstate *m,
    const struct pst_box_state *origin, struct pst_error *err);

/*
 * Takes `uids` uids from *first_r on and, when modseq_r is not NULL, one new
 * modseq, never to be given again even after a crash.
 */
enum pst_rc li_mailstate_reserve(struct li_mailstate *m, uint32_t uids,
    uint32_t *first_r, uint64_t *modseq_r, struct pst_error *err);
/* Makes uidnext and the highest modseq at least these, even after a crash. */
enum pst_rc li_mailstate_raise(struct li_mailstate *m, uint32_t uidnext,
    uint64_t modseq, struct pst_error *err);
/*
 * A new modseq for what needs no new uid. Reading, removing and flags must go
 * on when the disk is full or the folder not there: then it is not reserved,
 * and the price is that it may be given twice should the server die before it
 * can write. `modseq_r` may be NULL.
 */
enum pst_rc li_mailstate_next_modseq(
    struct li_mailstate *m, uint64_t *modseq_r, struct pst_error *err);

/* The highest modseq that was given. */
uint64_t li_mailstate_modseq(struct li_mailstate *m);
/* The keywords that have a name. */
uint64_t li_mailstate_named(struct li_mailstate *m);
/*
 * Gives the keyword `name` a number, on the disk, when messages use those of
 * the mask `used`. *old_r: the name that had the number, which a list that was
 * given out may still show; the caller frees it, NULL: none. LIMIT: all are
 * taken. Wants m->lock.
 */
enum pst_rc li_mailstate_number(struct li_mailstate *m, const char *name,
    uint64_t used, unsigned *number_r, char **old_r, struct pst_error *err);
/* What sessions are told of the mailbox. */
void li_mailstate_tell(struct li_mailstate *m, struct pst_box_state *state_r);
/* The first uid that no session was shown; with `claim` none is from now on.
 * *next_r: no uid from here on was given. */
uint32_t li_mailstate_recent(
    struct li_mailstate *m, bool claim, uint32_t *next_r);
/* Metadata of the mailbox. */
void li_mailstate_metas(
    struct li_mailstate *m, const char *prefix, struct li_metas *to);
enum pst_rc li_mailstate_meta_set(struct li_mailstate *m, const char *key,
    struct pst_str value, struct pst_error *err);

#endif
