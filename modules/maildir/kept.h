/*
 * kept.h - messages that are kept for a while after they were expunged.
 *
 *     ACCOUNT/postern.kept/NAME/postern.about     whose they were
 *     ACCOUNT/postern.kept/NAME/cur/...           the messages
 *
 * NAME is the objectid of a mailbox (and a number, when its keywords had to
 * change their meaning), or, with an R before it, a whole mailbox that was
 * removed, just as it was. A message's file keeps its name, with X= and the
 * time of the expunge as the last field of its key. Programs that know
 * Maildir++ look into none of it: it does not begin with a dot.
 *
 * One rename takes a message there and one takes it back, so that at any
 * moment it is in exactly one of both.
 */
#ifndef MAILDIR_KEPT_H
#define MAILDIR_KEPT_H

#include "maildir.h"

#define MD_KEPT_FOLDER "postern.kept"
#define MD_ABOUT_FILE "postern.about"

/* The place where an open mailbox's expunged messages go; with md_folder. */
struct md_keeper;
void md_keeper_free(struct md_keeper *k); /* NULL is fine */
/* Its folder in postern.kept is this one. */
bool md_keeper_is(const struct md_keeper *k, const char *dir);

/* The file of a message is kept instead of removed, if that is possible. As
 * md_unlink_msg(). */
int md_keep_msg(struct pst_box *, size_t place, bool touched[2]);
/* Whether there is room for messages that nobody looks at. */
bool md_may_keep(struct pst_acct *);
/* Takes a folder with all that is in it out of the account. Wants acct->lock.
 * 0 or an errno; ENODATA: it has no message. */
int md_keep_folder(struct pst_acct *, const char *dir);

enum pst_rc md_kept_each(
    struct pst_acct *, pst_kept_fn, void *, struct pst_error *);
enum pst_rc md_kept_heads(struct pst_acct *, const char *const *, size_t,
    size_t, pst_head_fn, void *, struct pst_error *);
enum pst_rc md_kept_restore(struct pst_acct *, const char *const *, size_t,
    struct pst_box *, pst_restored_fn, void *, struct pst_error *);
enum pst_rc md_kept_purge(struct pst_acct *, const struct pst_kept_limit *,
    struct pst_kept_sum *, struct pst_error *);

#endif
