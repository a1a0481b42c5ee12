/*
 * delivery/priv.h - what the files of one delivery share: delivery.c (who gets
 * it, and its content), begin.c, filter.h (what scripts say) and finish.c (what
 * becomes of it).
 */
#ifndef DELIVERY_PRIV_H
#define DELIVERY_PRIV_H

#include "delivery/away.h"
#include "delivery/delivery.h"
#include "delivery/hold.h"
#include "delivery/repeat.h"
#include "delivery/rewrite.h"

/* The content in one storage. */
struct copy {
	struct mail_stage *stage;
	enum pst_rc rc; /* the first failure */
	size_t left;	/* users that do not have it yet */
};

struct filter; /* filter.h */

/* A user who gets the message. */
struct receiver {
	struct mail_account *acct;
	size_t copy;
	enum pst_rc rc;
	bool has_copy; /* counts among its `left` */
	bool has_it;
	bool answers;	       /* the user may be away: vacation.h */
	bool was_asked;	       /* for scripts; then: */
	struct filter *filter; /* or NULL: there is none */
};

/* A receiver's script sends it on to a receiver, or to a part that is away. */
struct redirect_edge {
	size_t from, to;
	bool is_part;
};

/* A recipient: receivers `index[first]` to `index[first + n - 1]`. */
struct recipient {
	size_t first, n;
	bool is_away; /* leads to other servers, too: */
	size_t part;  /* of what is away */
	bool loops;   /* that part does; filled in in the end */
	size_t targets;
	char *address, *orcpt;
	unsigned notify;
};

struct delivery {
	const struct services *sv;
	struct config *cfg;
	struct receiver *receiver;
	size_t receivers, receivers_cap;
	struct recipient *recipient;
	size_t recipients, recipients_cap;
	size_t *index;
	size_t indexes, indexes_cap;

	bool begun, one_answer, can_refuse;
	char *author;	   /* NULL: from elsewhere */
	char *system_user; /* or NULL: the author is a user of ours */
	char *peer;	   /* or NULL: the client's address */
	char *fields;	   /* that rewrite may put in */
	struct copy *copy;
	size_t copies, copies_cap;
	struct rewrite rewrite;
	struct buf gather;
	struct repeat_hash *hash;
	struct pst_error failure; /* of the first storage that failed */

	bool held, sealed, junk;
	struct aways away;
	struct outbound_envelope envelope; /* for that */
	char *envid, *sender, *id;
	bool keep_header; /* somebody may have to be told something */
	struct buf header;
	struct hold hold;
	struct delivery_seal seal;
	void (*send_on)(void *arg, const char *domain, struct buf *out);
	void *send_on_arg;
	enum pst_rc (*handing)(void *arg, struct pst_error *err);
	void *handing_arg;
	int64_t again;
	const char *(*was_queued)(void *handing_arg, struct pst_str to);
	struct buf top, trace; /* of what is held */
	struct redirect_edge *edge;
	size_t edges, edges_cap;
};

/* delivery.c: who has it by the recipient's address; and the first recipient by
 * whose address a receiver has it, NULL: by a redirect. */
bool delivery_leads_to(
    const struct delivery *d, const struct recipient *r, size_t receiver);
const struct recipient *delivery_recipient_of(
    const struct delivery *d, size_t receiver);

/* delivery.c: the content is over; and, when it is to be delivered, what was
 * held and gathered is handed on. */
enum pst_rc delivery_end(struct delivery *d);
enum pst_rc delivery_release(struct delivery *d);

/* More receivers, and another part, of a message that is held: who is one gets
 * a copy. */
enum pst_rc delivery_add_user(struct delivery *d,
    const struct account_user *user, uint64_t size, size_t *at_r,
    struct pst_error *err);
enum pst_rc delivery_add_copy(
    struct delivery *d, size_t i, uint64_t size, struct pst_error *err);
/* Takes the last ones away, until there are `receivers`. */
void delivery_drop_receivers(struct delivery *d, size_t receivers);
/* A failure shows in the part. */
void delivery_begin_part(struct delivery *d, size_t part);

/*
 * For repeat.h all who get it have names: users those of their accounts, the
 * parts for other servers theirs, behind them.
 */
size_t delivery_names(const struct delivery *d);
void delivery_fill_names(const struct delivery *d, const char **name);

/* again.c: marks who has it from before the server ended. */
void delivery_find_again(struct delivery *d);

/* finish.c: a line of the trail; and the user's mailbox for junk, or NULL. */
void delivery_note_stored(const struct receiver *r, const char *mailbox,
    const struct mail_appended *where);
const char *delivery_junk_mailbox(const struct delivery *d);

#endif
