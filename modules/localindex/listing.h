/*
 * localindex/listing.h - the answer to list(): mailboxes that exist, subscribed
 * names, and the parents of both, each once and parents first.
 *
 * Threads: belongs to one thread.
 */
#ifndef LOCALINDEX_LISTING_H
#define LOCALINDEX_LISTING_H

#include "localindex/account.h"

struct li_listed;

struct li_listing {
	struct li_listed *v;
	size_t n, cap;
};

/* A mailbox that exists. `special_use` is taken over: malloc()ed, or NULL. */
void li_listing_add(struct li_listing *l, const char *name, char *special_use);
/* Adds subscriptions and parents. */
enum pst_rc li_listing_complete(
    struct li_listing *l, struct li_account *a, struct pst_error *err);
void li_listing_tell(struct li_listing *l, pst_mailbox_fn fn, void *arg);
void li_listing_free(struct li_listing *l);

#endif
