/*
 * sieve/active.h - what sieve_active_get() remembers; private to src/sieve.
 */
#ifndef SIEVE_ACTIVE_H
#define SIEVE_ACTIVE_H

#include "mailbox/store.h"

/* The scripts of this account have changed, or may have. From any thread. */
void sieve_active_forget(const struct mail_account *acct);

#endif
