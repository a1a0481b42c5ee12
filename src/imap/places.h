/*
 * imap/places.h - mailbox names of a session: its own, others' and public ones
 * (RFC 2342; RFC 4314). See mailbox/place.h.
 */
#ifndef IMAP_PLACES_H
#define IMAP_PLACES_H

#include "imap/session.h"
#include "mailbox/place.h"

struct mail_user imap_user(struct imap_session *s);
/* mail_place_find() for the session's user. */
enum pst_rc imap_place(struct imap_session *s, const char *name, unsigned need,
    struct mail_place *place_r, struct pst_error *err);

/*
 * Calls back with all mailboxes, subscribed names and levels that the user may
 * see; names may come twice. `shared`: those of others too. Without it, names
 * that would mean some are left out.
 */
enum pst_rc imap_each_mailbox(struct imap_session *s, bool shared,
    pst_mailbox_fn fn, void *arg, struct pst_error *err);
bool imap_is_shared(struct imap_session *s, const char *name);

/* The rights in the selected mailbox may have been changed: tells what became
 * of them. False: the user may not read it any more, as if it were gone. */
bool imap_check_rights(struct imap_session *s);
/* The same in the middle of a command: nothing is told. */
bool imap_may_read(struct imap_session *s);
/* "* MYRIGHTS name rights" */
void imap_put_myrights(
    struct imap_session *s, const char *name, unsigned rights);

#endif
