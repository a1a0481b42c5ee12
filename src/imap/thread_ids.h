/*
 * imap/thread_ids.h - thread ids (RFC 8474, 5.2) of messages that are visited
 * in order, asked for many at once; see mailbox/catalog.h.
 *
 * Threads: belongs to one session.
 */
#ifndef IMAP_THREAD_IDS_H
#define IMAP_THREAD_IDS_H

#include "mailbox/mailbox.h"

struct imap_thread_ids;

void imap_thread_ids_free(struct imap_thread_ids **t);
/*
 * The thread of rows[i]; 0: it cannot be told. *t is made when it is NULL, and
 * is for this view only. The rows ascend by uid, those of expunged messages
 * have uid 0; with `backwards` the ones before it are wanted next, else the
 * ones behind.
 */
uint64_t imap_thread_ids_find(struct imap_thread_ids **t,
    struct mailbox_view *view, const struct pst_row *rows, size_t n, size_t i,
    bool backwards);

#endif
