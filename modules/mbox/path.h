/*
 * path.h - mailbox names as paths below an account's folder, and back. Pure
 * functions.
 *
 * "A/B" is the file "A.sbd/B", as Thunderbird keeps its local folders: the
 * mailboxes below A are in the folder "A.sbd" beside the file "A". What we know
 * of the mailbox is in the folder "A.sbd/.postern-B".
 *
 * A level stands as it is, in UTF-8. Percent escapes have: controls, '%', a dot
 * at the beginning, and the dot of an ending that has a meaning (".sbd",
 * ".lock", ".msf"). A file whose name is not what we would write is no mailbox.
 */
#ifndef MBOX_PATH_H
#define MBOX_PATH_H

#include "localindex/util.h"

#define MB_BELOW ".sbd"
#define MB_INDEX ".postern-"

enum {
	MB_LEVEL_MAX = 240, /* octets of a file's name, so that ours fit too */
	MB_PATH_MAX = 2048, /* of a path in the account */
	MB_DEPTH_MAX = 64,  /* levels */
};

/* SYNTAX: an empty level; LIMIT: too long or too deep. */
enum pst_rc mb_path(
    const char *mailbox, struct li_buf *out, struct pst_error *err);
/* The folder for what we know of the mailbox with the path `path`. */
void mb_path_index(const char *path, struct li_buf *out);
/* The folder of its children. */
void mb_path_below(const char *path, struct li_buf *out);
/* Appends the level that a file's name stands for, `is_top`: of the first one.
 * False: it is no mailbox. */
bool mb_path_level(const char *file, bool is_top, struct li_buf *out);

#endif
