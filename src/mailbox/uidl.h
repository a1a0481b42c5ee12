/*
 * mailbox/uidl.h - unique ids for POP3 (RFC 1939, 7) that messages brought with
 * them from another server, so that programs which keep mail there do not fetch
 * it all again.
 *
 * They are kept with the mailbox, as texts of the storage (meta_get() in
 * postern/store.h) whose keys begin with "pop3/uidl/UIDVALIDITY/": each holds
 * lines of a uid, a space and the id. How messages are divided among the texts
 * does not matter to who reads them, nor do entries of messages that are gone.
 * No entry of METADATA has such a key.
 *
 * Threads: constant once read. Ids of one mailbox are written by one thread at
 * a time.
 */
#ifndef MAILBOX_UIDL_H
#define MAILBOX_UIDL_H

#include "mailbox/store.h"

enum {
	MAILBOX_UIDL_MAX = 70,	   /* octets of 0x21 to 0x7e */
	MAILBOX_UIDL_GROUP = 4096, /* uids that are written into one text */
};

struct mailbox_uidls;

/* Has the form of an id (RFC 1939, 7). */
bool mailbox_uidl_is_valid(struct pst_str id);
/*
 * The id of a message that brought none, NUL-terminated: its uid and the
 * mailbox's UIDVALIDITY, as eight hexadecimal digits each. Dovecot gives them
 * this form by default, so a mailbox that comes from there with its uids keeps
 * its ids.
 */
void mailbox_uidl_own(uint32_t uidvalidity, uint32_t uid, char id_r[17]);

/* Those of messages under this UIDVALIDITY; what has not the form of an id is
 * left out. The caller frees. */
enum pst_rc mailbox_uidls_read(struct mail_account *acct, const char *mailbox,
    uint32_t uidvalidity, struct mailbox_uidls **uidls_r,
    struct pst_error *err);
void mailbox_uidls_free(struct mailbox_uidls **u);
/* Empty: the message has none. */
struct pst_str mailbox_uidl(const struct mailbox_uidls *u, uint32_t uid);
/* How many there are; `i` below that: the uid of number `i`, ascending. */
size_t mailbox_uidls_count(const struct mailbox_uidls *u);
uint32_t mailbox_uidls_uid(const struct mailbox_uidls *u, size_t i);

/* A message and the id that it shall have. */
struct mailbox_uidl_new {
	uint32_t uid;
	struct pst_str id; /* borrowed */
};

/*
 * Keeps ids, in any order, for messages that are there or will be; those of
 * other messages stay. An id that is as mailbox_uidl_own() makes it needs no
 * room. Better many at once than many times: each time, every text with one of
 * these uids is written anew. After an error some may be kept. SYNTAX: one has
 * not the form of an id, and nothing was done.
 */
enum pst_rc mailbox_uidls_write(struct mail_account *acct, const char *mailbox,
    uint32_t uidvalidity, const struct mailbox_uidl_new *ids, size_t n,
    struct pst_error *err);

#endif
