/*
 * mailbox/uidl.h - unique ids for POP3 (RFC 1939, 7) that messages brought with
 * them from another server, so that programs which keep mail there do not fetch
 * it all again.
 *
 * They are kept with the mailbox, as texts of the storage (meta_get() in
 * postern/store.h) whose keys begin with "pop3/uidl/UIDVALIDITY/": each holds
 * lines of a uid, a space and the id. How messages are divided among the texts
 * does not matter, nor do entries of messages that are gone. No entry of
 * METADATA has such a key.
 *
 * Threads: constant once read.
 */
#ifndef MAILBOX_UIDL_H
#define MAILBOX_UIDL_H

#include "mailbox/store.h"

enum { MAILBOX_UIDL_MAX = 70 }; /* octets of 0x21 to 0x7e */

struct mailbox_uidls;

/* Those of messages under this UIDVALIDITY; what has not the form of an id is
 * left out. The caller frees. */
enum pst_rc mailbox_uidls_read(struct mail_account *acct, const char *mailbox,
    uint32_t uidvalidity, struct mailbox_uidls **uidls_r,
    struct pst_error *err);
void mailbox_uidls_free(struct mailbox_uidls **u);
/* Empty: the message has none. */
struct pst_str mailbox_uidl(const struct mailbox_uidls *u, uint32_t uid);

#endif
