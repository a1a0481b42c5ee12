/*
 * delivery/away.h - the parts of a delivery that are for other servers: what a
 * user sends there, and what is forwarded by addresses here. Each has its
 * recipients, its reverse-path, and its content on the way into the queue.
 *
 * Each address that forwards has a part of its own, so that nobody learns of
 * the others from what is written into it.
 *
 * Belongs to one thread at a time.
 */
#ifndef DELIVERY_AWAY_H
#define DELIVERY_AWAY_H

#include "delivery/outbound.h"

enum { AWAY_PARTS_MAX = 200, AWAY_TOP_MAX = 262144 };

struct away {
	char *forwarder; /* an address here; NULL: as the sender asked */
	char *name;	 /* for repeat.h: ">" and that */
	struct outbound_recipient *recipient;
	size_t n, cap;
	char *sender;			  /* its reverse-path */
	struct outbound_message *message; /* NULL: not begun */
	struct buf top; /* fields that stand in this copy alone */
	bool began;	/* `top` is written */
	size_t skip;	/* octets in front that are for mailboxes only */
	bool loops;	/* it was forwarded from there before */
	bool has_it;	/* the queue, from an earlier attempt */
	enum pst_rc rc; /* the first failure */
	struct pst_error err;
	char id[32]; /* when it is committed */
};

struct aways {
	const struct outbound *out; /* NULL: nothing can go */
	struct arena *arena;	    /* of the texts of recipients */
	struct away *part;
	size_t parts, cap;
	size_t recipients; /* of all parts */
};

void aways_fini(struct aways *a);
/* The part of an address that forwards, or, with p NULL, of the sender; made
 * when there is none. Its place in `part`. */
size_t aways_part(struct aways *a, struct pst_str forwarder);
/* The texts are copied; who is there already is not added again. */
void aways_add(
    struct aways *a, size_t part, const struct outbound_recipient *r);

/* `skip`: see above. `top` can be added to until the first octet. */
void away_begin(const struct aways *a, struct away *part, size_t skip);
/* A failure shows in rc. */
void away_write(
    const struct aways *a, struct away *part, const void *p, size_t n);
/* Fills sender and recipients in. */
enum pst_rc away_commit(
    const struct aways *a, struct away *part, struct outbound_envelope *e);

#endif
