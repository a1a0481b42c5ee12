/*
 * imap/messages.h - which messages a command means: sequence numbers and uids
 * (RFC 3501, 2.3.1 and 6.4.8).
 */
#ifndef IMAP_MESSAGES_H
#define IMAP_MESSAGES_H

#include "imap/session.h"

enum { IMAP_RANGES_MAX = 65536 };

/*
 * Reads a sequence-set into sequence numbers of the view. Of uids, those that
 * are not there are left out; of numbers, one beyond the last message is an
 * error.
 */
bool imap_messages(struct imap_session *s, struct imap_parser *ps, bool uid,
    struct uidset *seqs_r);

/* The same from the text of a set. Numbers beyond the last message stay in it.
 * False: it is no valid set. */
bool imap_resolve_messages(struct imap_session *s, struct pst_str text,
    bool uid, struct uidset *seqs_r);

/* The same in a view that need not be the selected one. `saved`: what "$"
 * stands for, uids (RFC 5182). */
bool imap_resolve_in_view(struct mailbox_view *view, const struct uidset *saved,
    struct pst_str text, bool uid, struct uidset *seqs_r);
/* Those of `uids` that the view has, as numbers. */
void imap_seqs_of(struct mailbox_view *view, const struct uidset *uids,
    struct uidset *seqs_r);

/* The uids of `n` messages at most, from `*seq_io` on (0: from the beginning),
 * which moves to the first that was left out; 0 in the end. */
void imap_uids_of(struct imap_session *s, const struct uidset *seqs,
    uint32_t *seq_io, size_t n, struct uidset *uids_r);

/* The first member of `seqs` that is >= `seq`; 0: none. */
uint32_t imap_member_from(const struct uidset *seqs, uint32_t seq);

/* Members in a row from `seq`, itself a member, at most `n`. */
uint32_t imap_run_length(const struct uidset *seqs, uint32_t seq, uint32_t n);

#endif
