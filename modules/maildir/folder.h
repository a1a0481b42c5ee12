/*
 * folder.h - mailbox names as folder names, and back (Maildir++;
 * modified UTF-7 of RFC 3501, 5.1.3). Pure functions.
 *
 * "A/B" is ".A.B", "INBOX" is "" (the account's own folder). A folder whose
 * name is not what we would have written is shown with U+FFFD before the level
 * in question and percent escapes in it, which leads back to the same folder.
 */
#ifndef MAILDIR_FOLDER_H
#define MAILDIR_FOLDER_H

#include "localindex/util.h"

/*
 * The folder of a mailbox. SYNTAX: not UTF-8 or an empty level; PERM: a level
 * that begins with U+FFFD and stands for no folder; LIMIT: too long.
 */
enum pst_rc md_folder_encode(
    const char *mailbox, struct li_buf *out, struct pst_error *err);

/* The mailbox of a folder; false when it cannot be one ("cur", "..."). */
bool md_folder_decode(const char *folder, struct li_buf *out);

#endif
