/*
 * delivery/kept.h - small objects of JSON that are kept as texts of an account,
 * and those of them that tell until when something is remembered.
 *
 * Threads: from any thread. Of two threads that note something with the same
 * account one waits; of two servers over one database the later one has the
 * last word, so that something may be forgotten.
 */
#ifndef DELIVERY_KEPT_H
#define DELIVERY_KEPT_H

#include "mailbox/mailbox.h"

#include <jansson.h>

/* A new reference; an empty object when there is none. */
json_t *kept_load(struct mail_account *acct, const char *key);
/* LIMIT: it is too large. */
enum pst_rc kept_save(struct mail_account *acct, const char *key, json_t *value,
    struct pst_error *err);

/* False: `name` is remembered, or so many others are that it cannot be, or it
 * cannot be kept. Else it is from now on, for `seconds`. */
bool kept_once(struct mail_account *acct, const char *key, const char *name,
    int64_t seconds, size_t most);

/* Remembers until then (seconds since 1970); what is over soonest makes room.
 */
struct kept_until {
	const char *name;
	int64_t until;
};
enum pst_rc kept_remember(struct mail_account *acct, const char *key,
    const struct kept_until *v, size_t n, size_t most, struct pst_error *err);

#endif
