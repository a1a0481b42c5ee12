/*
 * mailbox/intake.h - mail that comes from another server or from files, with
 * what it had there.
 *
 * A mailbox that is empty goes on from the one that comes: it takes over its
 * UIDVALIDITY, and the messages keep their uids, so that clients have nothing
 * to download again. This is remembered with the mailbox ("import/origin"), and
 * a later intake from the same mailbox adds what is new there since. Into any
 * other mailbox messages are appended with new uids, but for those whose like
 * is there already: a message of the same content, as far as SHA-256 tells.
 *
 * It is the administrator who brings mail: quotas are not asked.
 *
 * Threads: an intake belongs to one thread at a time; sessions and deliveries
 *          go on beside it. Every call may block on the disk.
 */
#ifndef MAILBOX_INTAKE_H
#define MAILBOX_INTAKE_H

#include "mailbox/mailbox.h"

enum { INTAKE_BATCH = 256 }; /* messages that may be put at once */

struct mail_intake;

/* How the mailbox was where it comes from; 0 and "": not known. */
struct intake_origin {
	uint32_t uidvalidity, uidnext;
	uint64_t highestmodseq;
	char objectid[40];
};

struct intake_message {
	struct mail_stage *stage; /* freed by the caller */
	unsigned char digest[32]; /* SHA-256 of the content */
	uint32_t uid;		  /* that it had; 0: none */
	uint32_t flags;
	const char *const *keywords; /* names; those that cannot be are left */
	size_t keyword_count;
	uint64_t modseq;       /* 0: a new one */
	int64_t internal_date; /* seconds since 1970 */
	int64_t save_date;     /* 0: unknown */
	const char *uidl;      /* for POP3 (mailbox/uidl.h); NULL: none */
};

struct intake_sum {
	uint64_t kept;	   /* that have the uid that they had */
	uint64_t appended; /* that got another one */
	uint64_t known;	   /* that were there already */
	uint64_t gone;	   /* that came earlier and were expunged here */
	uint64_t keywords; /* that found no room in the mailbox, or no form */
};

/*
 * Begins with a mailbox that exists. Sessions that have it open while it is
 * empty see it deleted when its UIDVALIDITY changes.
 */
enum pst_rc mail_intake_new(struct mail_account *acct, const char *name,
    const struct intake_origin *origin, struct mail_intake **in_r,
    struct pst_error *err);
/* Messages of the origin below this uid came already; it need not send them. */
uint32_t mail_intake_mark(const struct mail_intake *in);
/* Messages keep their uids, as long as nobody else adds messages. */
bool mail_intake_keeps_uids(const struct mail_intake *in);
/*
 * Puts at most INTAKE_BATCH messages, durably when it returns OK. Those with
 * uids ascend, also from one call to the next. After an error some of them may
 * be there; a new intake of the same origin finds that out.
 */
enum pst_rc mail_intake_put(struct mail_intake *in,
    const struct intake_message *messages, size_t n, struct pst_error *err);
/* A message of the origin could not be had: a later intake asks for it and all
 * above it again, and passes over what came. */
void mail_intake_missed(struct mail_intake *in, uint32_t uid);
/* All has come. */
enum pst_rc mail_intake_finish(struct mail_intake *in, struct pst_error *err);
const struct intake_sum *mail_intake_sum(const struct mail_intake *in);
void mail_intake_free(struct mail_intake **in);

#endif
