/*
 * imap/progress.h - signs of life from commands that take long (RFC 9585).
 */
#ifndef IMAP_PROGRESS_H
#define IMAP_PROGRESS_H

#include "imap/session.h"

/*
 * To be called between responses whenever a slice of work is over; tells the
 * client every imap.progress_time seconds. `goal` 0: not known.
 */
void imap_in_progress(struct imap_session *s, uint64_t done, uint64_t goal);

#endif
