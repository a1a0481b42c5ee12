/*
 * delivery/vacation.h - answering for users who are away (RFC 3834), by
 * settings (those of RFC 8621, 8) or by their script.
 *
 * The settings are a text kept with the account, and so is who was answered
 * when: each sender hears once in a while.
 *
 * Threads: from any thread.
 */
#ifndef DELIVERY_VACATION_H
#define DELIVERY_VACATION_H

#include "mailbox/mailbox.h"

#include <jansson.h>

struct delivery;
struct sieve_action;

/* The settings: isEnabled, fromDate, toDate (seconds since 1970, 0: none),
 * subject, textBody, htmlBody (null: none). A new reference. */
json_t *vacation_get(struct mail_account *acct);
/* Who was answered before is forgotten. */
enum pst_rc vacation_set(
    struct mail_account *acct, json_t *settings, struct pst_error *err);

/* Quick, mostly: whether mail to this user may have to be answered now. */
bool vacation_is_on(struct mail_account *acct);

/* The message is in the mailbox of receiver number `i`: answers, if the message
 * is one that may be, and was not yet. */
void vacation_answer(struct delivery *d, size_t i);
/* The same by the action "vacation" of the receiver's script (RFC 5230), once
 * for each handle and sender in the time that it says. */
void vacation_answer_by(
    struct delivery *d, size_t i, const struct sieve_action *a);

#endif
