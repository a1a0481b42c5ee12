/*
 * delivery/seen.h - messages that a script wants to know again (RFC 7352), kept
 * as a text of the account: hashes, and until when they count. Written once in
 * the end, when what the script wanted is done.
 */
#ifndef DELIVERY_SEEN_H
#define DELIVERY_SEEN_H

#include "delivery/filter.h"

enum { SEEN_NAME = 33 };

/* False: there is no hash to be had. */
bool seen_name(struct pst_str id, char name_r[SEEN_NAME]);
json_t *seen_load(struct mail_account *acct);
/* It is in `kept`. What is to be remembered of this goes to the filter. */
bool seen_before(const json_t *kept, struct filter *f, const char *name,
    int64_t seconds, bool last);
void seen_save(struct mail_account *acct, struct filter *f);

#endif
