/*
 * migrate/files.h - reading files that others may have a hand in.
 *
 * Who moves mail is often root, and the mail belongs to users: a symbolic link
 * among it could lead to anything. So none is followed below the path that was
 * given, nor is that path's last part; only plain files are read, and no open()
 * waits for anybody.
 *
 * Threads: plain functions.
 */
#ifndef MIGRATE_FILES_H
#define MIGRATE_FILES_H

#include "base/mem.h"

enum { MIG_LIST_MAX = 256 << 20 }; /* octets of a list beside messages */

/* -1 with errno; ELOOP for a symbolic link, EINVAL for what is no plain file.
 */
int mig_open_file(int dir_fd, const char *name);
int mig_open_dir(int dir_fd, const char *name);
/* The path that was given: NOTFOUND, DENIED; a text that says what to do. */
enum pst_rc mig_open_failed(const char *path, int error, struct pst_error *err);
/* The whole of a small file; `out` stays empty when it is not there. */
enum pst_rc mig_read_list(
    int dir_fd, const char *name, struct buf *out, struct pst_error *err);

#endif
