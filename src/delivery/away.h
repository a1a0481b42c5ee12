/*
 * delivery/away.h - the part of a delivery that is for other servers: its
 * recipients, and the content on its way into the queue.
 *
 * Belongs to one thread at a time.
 */
#ifndef DELIVERY_AWAY_H
#define DELIVERY_AWAY_H

#include "delivery/outbound.h"

struct away {
	const struct outbound *out; /* NULL: nothing can go */
	struct arena *arena;	    /* of the texts below */
	struct outbound_recipient *recipient;
	size_t n, cap;
	struct outbound_message *message; /* NULL: not begun */
	size_t skip;	/* octets in front that are for mailboxes only */
	enum pst_rc rc; /* the first failure */
	struct pst_error err;
	char id[32]; /* when it is committed */
};

void away_fini(struct away *a);
/* The texts are copied; who is there already is not added again. */
void away_add(struct away *a, const struct outbound_recipient *r);
/* Takes back all but the first `n`. */
void away_cut(struct away *a, size_t n);

/* Does nothing without recipients. `skip`: see above. */
void away_begin(struct away *a, size_t skip);
/* A failure shows in rc. */
void away_write(struct away *a, const void *p, size_t n);
/* Fills recipients in. */
enum pst_rc away_commit(struct away *a, struct outbound_envelope *e);

#endif
