/*
 * delivery/filter.h - what users' scripts (sieve/sieve.h) make of a delivery.
 *
 * filter_open() looks who has one. When the content is complete, and nobody has
 * it yet, filter_run() runs them and makes a plan for each receiver: mailboxes,
 * a refusal, an answer. Who a message is redirected to becomes a receiver, too,
 * or a part for other servers. places.h carries out the rest of a plan,
 * refusal.h tells senders.
 *
 * A plan that is not understood, a script that fails and whatever else goes
 * wrong end with the message in INBOX.
 *
 * Belongs to the thread of the delivery.
 */
#ifndef DELIVERY_FILTER_H
#define DELIVERY_FILTER_H

#include "delivery/kept.h"
#include "delivery/priv.h"
#include "sieve/scripts.h"

struct filter_file; /* filter_file.h */

enum { FILTER_SCRIPTS = 3 }; /* that run one after the other */

struct filter_script {
	const struct sieve_script *script;
	const char *name;
	bool is_own; /* the user's */
	struct sieve_active *active;
	struct filter_file *file;
};

/* Where the message goes. Texts are the results'. */
struct filter_place {
	const struct sieve_action *action;
	bool has_it; /* from before the server ended */
};

/* Of one receiver. */
struct filter {
	struct filter_script script[FILTER_SCRIPTS];
	size_t scripts;
	char *to; /* the address that led here */

	/* The plan. */
	struct sieve_result result[FILTER_SCRIPTS];
	size_t results;
	struct filter_place *place;
	size_t places, places_cap;
	size_t redirects; /* that are done */
	const struct sieve_action *reject, *vacation;
	bool refuses;		 /* the answer to the client says so */
	struct kept_until *seen; /* to be remembered in the end */
	size_t seens, seens_cap;
};

/* Looks for scripts of receivers that were not asked yet. */
void filter_open(struct delivery *d);
void filter_free(struct filter **f);
/* After filter_open(): somebody has one. */
bool filter_any(const struct delivery *d);

/* Makes the plans. The message is held, and its end has come. */
void filter_run(struct delivery *d);
/* It goes into a mailbox of the receiver, or on to somebody. */
bool filter_is_kept(const struct receiver *r);
/* The actions are done: what belongs to that. */
void filter_done(struct delivery *d, size_t i);

/* To the plan: the message stays where it would be without a script. */
void filter_add_keep(struct filter *f);

/* A line in the log, not too often for one user. */
void filter_complain(
    const char *user, const char *script, const struct sieve_problem *p);

/* --- filter_host.c: what scripts ask of the world ---------------------------
 */

struct filter_world {
	struct delivery *d;
	size_t receiver;
	struct filter *f;
	struct filter_box {
		char *name, *use;
	} * box; /* the user's mailboxes */
	size_t boxes, boxes_cap;
	bool has_boxes, has_seen;
	json_t *seen;
};

void filter_world_init(
    struct filter_world *w, struct delivery *d, size_t receiver);
void filter_world_fini(struct filter_world *w);
void filter_host(struct filter_world *w, struct sieve_host *host_r);

/* --- filter_redirect.c ------------------------------------------------------
 */

/*
 * Adds those who the address leads to. False: it is not to be, and the message
 * stays; a line in the log says why.
 */
bool filter_redirect(struct delivery *d, size_t receiver,
    const struct sieve_action *a, bool is_own, uint64_t size);
/* A receiver has it only when those have it to whom it was redirected. */
void filter_spread_failures(struct delivery *d);

#endif
