/*
 * imap/announce.h - a LIST response about one mailbox that LIST did not ask for
 * (RFC 9051, 6.3.2 and 6.3.9.7; RFC 5465, 5.4).
 */
#ifndef IMAP_ANNOUNCE_H
#define IMAP_ANNOUNCE_H

#include "imap/session.h"

/* "* LIST (...) "/" name", with the attributes as they are now. `old`: in
 * UTF-8, goes out as OLDNAME; without p there is none. */
void imap_announce(
    struct imap_session *s, const char *name, struct pst_str old);

/* The same to who speaks IMAP4rev2, if the name that was `given` is not the one
 * it stands for. */
void imap_announce_given(
    struct imap_session *s, const char *name, struct pst_str given);

#endif
