/*
 * mailbox/turn.h - who reads a text of an account, changes it and writes it
 * back (mailbox_meta_get(), mailbox_meta_set()) takes its turn: others of this
 * server that want to do the same to the same text wait, and nobody else.
 *
 * Of two servers over one database that do so at the same moment, the later
 * one has the last word.
 *
 * Threads: from any thread; waits.
 */
#ifndef MAILBOX_TURN_H
#define MAILBOX_TURN_H

#include "mailbox/store.h"

/* On the stack of who has the turn; private to turn.c. */
struct mail_turn {
	const char *id;	 /* of the account, which stays open */
	const char *key; /* of the text */
	struct mail_turn *next;
};

void mail_turn_begin(
    struct mail_turn *t, const struct mail_account *acct, const char *key);
void mail_turn_end(struct mail_turn *t);

#endif
