/*
 * delivery/delivery.h - one message on its way to the mailboxes of its
 * recipients, whatever protocol it came by.
 *
 * In this order: delivery_new(), delivery_add() for each recipient,
 * delivery_begin(), delivery_write() with the pieces of the content,
 * delivery_finish(); delivery_free() at any time, which gives up what is not
 * finished. The content is written once for each storage, however many
 * recipients there are, and goes to each user once.
 *
 * A message whose fields on top depend on all of it is held until
 * delivery_finish() (hold.h); between the last delivery_write() and that,
 * delivery_mark() may be called.
 *
 * What is for other servers goes to the queue behind services.outbound, in the
 * same pass and under the same promise. The place in a user's mail is chosen in
 * one function, deliver_to_user(), where a filter belongs.
 *
 * Threads: a delivery belongs to one thread at a time. Calls block on the disk.
 */
#ifndef DELIVERY_DELIVERY_H
#define DELIVERY_DELIVERY_H

#include "delivery/outbound.h"
#include "delivery/services.h"

struct delivery;

/* Sees the content as it will be kept, and signs it. */
struct delivery_seal {
	void (*content)(void *arg, const void *p, size_t n);
	/* The content is over: appends whole fields, or nothing. */
	void (*fields)(void *arg, struct buf *out);
	void *arg;
};

/* What is known of a message before its content. */
struct delivery_message {
	struct pst_str sender; /* for Return-Path; empty: none to answer to */
	struct pst_str id;     /* of this delivery, for a new Message-ID */
	struct pst_str trace;  /* fields to put on top, with line ends */
	/* The user who hands it in; empty: it comes from elsewhere. Then Bcc is
	 * removed, Date, From and Message-ID are added when missing, and From
	 * must be the user's. */
	struct pst_str author;
	uint64_t size; /* expected octets or 0 */
	/* For other servers, as outbound.h has them; the envelope's recipients
	 * are not looked at, nor are sender and author. */
	const struct outbound_envelope *envelope; /* or NULL */
	/* One answer for all recipients: who has it is remembered for the
	 * repetition when the message fails for others. */
	bool one_answer;
	/* Its Authentication-Results of this server are forged: taken out. */
	bool foreign;
	bool hold;		    /* until delivery_finish() */
	struct delivery_seal *seal; /* copied; or NULL. Implies `hold` */
};

/* Why a content is not delivered to anybody. */
enum delivery_verdict {
	DELIVERY_DONE,	 /* see the results, one for each recipient */
	DELIVERY_LOOP,	 /* more than smtp.hops Received fields */
	DELIVERY_FORGED, /* From is somebody else, or not to be understood */
	DELIVERY_HEADER, /* too large to be checked */
	DELIVERY_UNSURE, /* cannot be checked now, for want of the accounts */
};

/* `cfg` is referenced. `sv` must outlive the delivery. */
struct delivery *delivery_new(const struct services *sv, struct config *cfg);
void delivery_free(struct delivery **d);

/* One recipient. */
struct delivery_recipient {
	struct pst_str address; /* written as route_resolve() has it */
	uint64_t size;		/* as above */
	/* Who sends may send to other servers. */
	bool may_relay;
	struct pst_str orcpt; /* as outbound.h has both */
	unsigned notify;
};

/*
 * Adds a recipient. On anything but OK it is not added.
 *
 * NOTFOUND: nobody of that name. UNSUPPORTED: it is, or leads to, an address on
 * another server, and nothing goes there, or not for this sender. QUOTA, TEMP,
 * NOSPACE. LIMIT: too many users in one message.
 */
enum pst_rc delivery_add(struct delivery *d, const struct delivery_recipient *r,
    struct pst_error *err);

/* On a failure nothing has begun. `m` is borrowed for the call. */
enum pst_rc delivery_begin(struct delivery *d, const struct delivery_message *m,
    struct pst_error *err);
/* Fails when no recipient can be served any more; further pieces then change
 * nothing. */
enum pst_rc delivery_write(
    struct delivery *d, const void *p, size_t n, struct pst_error *err);
/* Of a message that is held: `fields` stand on top of `trace`; with `junk` it
 * goes to the mailbox for junk, if the user has one. */
void delivery_mark(struct delivery *d, struct pst_str fields, bool junk);
/*
 * Puts it into the mailboxes. results_r[i] is for the recipient that was added
 * as number i: OK, and then it is on the disk, QUOTA, NOSPACE, TEMP, PERM.
 * *stored_r: how many users have it now. *err_r: the first failure, for the
 * log.
 */
enum delivery_verdict delivery_finish(struct delivery *d,
    enum pst_rc *results_r, size_t *stored_r, struct pst_error *err_r);
/* The id of the part that is in the queue, or NULL. */
const char *delivery_queued(const struct delivery *d);

#endif
