/*
 * delivery/priv.h - what the files of one delivery share: delivery.c (who gets
 * it, and its content) and finish.c (what becomes of it).
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

/* A user who gets the message. */
struct receiver {
	struct mail_account *acct;
	size_t copy;
	enum pst_rc rc;
	bool has_it;
	bool answers; /* the user may be away: vacation.h */
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

	bool begun, one_answer;
	char *author;	   /* NULL: from elsewhere */
	char *system_user; /* or NULL: the author is a user of ours */
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
};

/* delivery.c: the content is over; and, when it is to be delivered, what was
 * held and gathered is handed on. */
enum pst_rc delivery_end(struct delivery *d);
enum pst_rc delivery_release(struct delivery *d);

/*
 * For repeat.h all who get it have names: users those of their accounts, the
 * parts for other servers theirs, behind them.
 */
size_t delivery_names(const struct delivery *d);
void delivery_fill_names(const struct delivery *d, const char **name);

/* again.c: marks who has it from before the server ended. */
void delivery_find_again(struct delivery *d);

#endif
