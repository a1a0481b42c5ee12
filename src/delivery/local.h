/*
 * delivery/local.h - processes of this host as senders, known by their system
 * users: listeners with `local`, blocks "local".
 *
 * Threads: from any thread. local_user_find() may read files of the system.
 */
#ifndef DELIVERY_LOCAL_H
#define DELIVERY_LOCAL_H

#include "delivery/delivery.h"
#include <sys/types.h>

struct local_user {
	char name[65];	   /* of the system */
	char address[321]; /* under which they send: NAME@hostname */
};

/* False: the system knows no such user, or none whose name can stand in an
 * address. */
bool local_user_find(
    const struct config *cfg, uid_t uid, struct local_user *user_r);
/* Their own address; for root all; what the blocks say. */
bool local_may_send_as(
    const struct config *cfg, const char *name, const char *address);

/*
 * delivery_add(), where the host's own name stands for its users, as programs
 * write it that know no other: if it is no domain of ours, they are of the
 * first domain, and root, when nobody is called so there, is the postmaster.
 */
enum pst_rc local_add(const struct services *sv, const struct config *cfg,
    struct delivery *d, struct delivery_recipient *to, struct pst_error *err);

#endif
