/*
 * delivery/places.h - a receiver's message goes where the plan of filter.h
 * says.
 *
 * Each place is written and synchronised for itself, as many as there are. What
 * cannot go to its place goes to INBOX. A crash between two places leaves the
 * message in the first ones; since nobody was told that it is there, it comes
 * again, and then is there twice.
 */
#ifndef DELIVERY_PLACES_H
#define DELIVERY_PLACES_H

#include "delivery/filter.h"

/*
 * `plain`: how the message goes anywhere; `last` is that of the receiver.
 *
 * OK: it is in all places, or in INBOX for those that failed, or it was to go
 * nowhere. Where a mailbox or the disk is full, or for the moment nothing
 * works, that is the result only as long as no place has it: what comes again
 * would be twice in those that have.
 */
enum pst_rc places_fill(const struct delivery *d, struct receiver *r,
    const struct mail_append *plain, struct pst_error *err);

/* The mailbox of a place, on the heap; NULL: there is none. */
char *places_name(
    const struct delivery *d, const struct receiver *r, size_t place);
/* A script's name of a mailbox as the storage has it, on the heap; NULL: it
 * cannot be one. */
char *places_clean_name(struct pst_str name);

#endif
