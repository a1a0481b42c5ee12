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
 * A message whose fields on top depend on all of it, or that a script shall
 * look at, is held until delivery_finish() (hold.h); between the last
 * delivery_write() and that, delivery_mark() may be called.
 *
 * What is for other servers goes to the queue behind services.outbound, in the
 * same pass and under the same promise: what a user sends there, and what an
 * address here forwards, with a reverse-path of ours (srs.h) and a field that
 * tells of it (forward.h). Users' scripts choose the places in their mail, and
 * more (filter.h).
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
	/* The author is this user of the system (delivery/local.h), who has
	 * other addresses. Or NULL. */
	const char *system_user;
	uint64_t size; /* expected octets or 0 */
	/* For other servers, as outbound.h has them; the envelope's recipients
	 * are not looked at, nor are sender and author. */
	const struct outbound_envelope *envelope; /* or NULL */
	/* One answer for all recipients: who has it is remembered for the
	 * repetition when the message fails for others. */
	bool one_answer;
	/* What delivery_refusal() says becomes the answer. */
	bool can_refuse;
	struct pst_str peer; /* the client's address, or empty */
	/* Its Authentication-Results of this server are forged: taken out. */
	bool foreign;
	/* Users' scripts do not see it: what an account's owner has to hear. */
	bool unfiltered;
	bool hold; /* until delivery_finish() */
	/* Of a message that is held: appends fields for the copy that an
	 * address of `domain` sends on to other servers; they stand on top. */
	void (*send_on)(void *arg, const char *domain, struct buf *out);
	void *send_on_arg;
	struct delivery_seal *seal; /* copied; or NULL. Implies `hold` */
	/*
	 * For who keeps a record of it. `handing` is called when all is judged
	 * and nobody has it yet; if that fails, nobody gets it. What is in the
	 * queue waits until delivery_free(), so that the record is written.
	 */
	enum pst_rc (*handing)(void *arg, struct pst_error *err);
	void *handing_arg;
	/* Not 0: some may have had it since then (seconds since 1970), from a
	 * server that ended. Users are found by `id`, which `trace` has;
	 * was_queued() tells the id in the queue of what was for an address
	 * elsewhere, or NULL. */
	int64_t again;
	const char *(*was_queued)(void *handing_arg, struct pst_str to);
};

/* Why a content is not delivered to anybody. */
enum delivery_verdict {
	DELIVERY_DONE, /* see the results, one for each recipient */
	/* More than smtp.hops Received fields, or it was forwarded from here
	 * to there before. */
	DELIVERY_LOOP,
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
 * another server, and nothing goes there, or not for this sender. DENIED: a
 * reverse-path of ours that is forged or has expired. CONFLICT: an address that
 * leads to nothing but itself. QUOTA, TEMP, NOSPACE. LIMIT: too many users in
 * one message.
 */
enum pst_rc delivery_add(struct delivery *d, const struct delivery_recipient *r,
    struct pst_error *err);

/* Some recipient's address sends it on to another server; or a script may. */
bool delivery_is_forwarded(const struct delivery *d);
bool delivery_may_be_forwarded(struct delivery *d);

/* On a failure nothing has begun. `m` is borrowed for the call. */
enum pst_rc delivery_begin(struct delivery *d, const struct delivery_message *m,
    struct pst_error *err);
/* Fails when no recipient can be served any more; further pieces then change
 * nothing. */
enum pst_rc delivery_write(
    struct delivery *d, const void *p, size_t n, struct pst_error *err);
/* What was found out of a message that is held. */
struct delivery_mark {
	struct pst_str fields; /* stand on top of `trace` */
	bool junk; /* it goes to the mailbox for junk, if the user has one */
	/* Nothing shows that it is from its sender, who is not to hear of what
	 * becomes of it in the queue. */
	bool unproven;
};
void delivery_mark(struct delivery *d, const struct delivery_mark *mark);
/*
 * Puts it into the mailboxes. results_r[i] is for the recipient that was added
 * as number i: OK, and then it is on the disk, QUOTA, NOSPACE, TEMP, PERM;
 * LIMIT and DENIED as of outbound.h. CONFLICT, without one_answer: it went
 * round in a loop; with it the sender hears that by a notice, unless it was so
 * for all. *stored_r: how many users have it now. *err_r: the first failure,
 * for the log.
 */
enum delivery_verdict delivery_finish(struct delivery *d,
    enum pst_rc *results_r, size_t *stored_r, struct pst_error *err_r);
/* After delivery_finish(), of a recipient whose result is PERM: what the user's
 * script wants the sender to hear (RFC 5429), UTF-8 of several lines; or
 * {NULL, 0}. */
struct pst_str delivery_refusal(const struct delivery *d, size_t recipient);
/* The id of the part that is in the queue, or NULL. */
const char *delivery_queued(const struct delivery *d);

#endif
