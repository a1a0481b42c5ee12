/*
 * jmap/files.h - what is kept of an account in files of a directory of its own,
 * state_dir/WHAT/ACCOUNT, so that it is on the disk when it was answered.
 *
 * Threads: from any thread; who changes a file keeps others from it.
 */
#ifndef JMAP_FILES_H
#define JMAP_FILES_H

#include "base/config.h"

#include <limits.h>

/* The path; `account` NULL: of the directory above. False: too long. */
bool jmap_dir(const struct config *cfg, const char *what, const char *account,
    char dir_r[PATH_MAX]);
/* The same, made when it is not there. */
enum pst_rc jmap_dir_make(const struct config *cfg, const char *what,
    const char *account, char dir_r[PATH_MAX], struct pst_error *err);
/* Makes names in it durable. */
enum pst_rc jmap_dir_sync(const char *dir, struct pst_error *err);
/* Of files and directories without a dot; on the heap, NULL at the end. */
char **jmap_dir_names(const char *dir);
void jmap_dir_names_free(char **names);

/* Replaces a file's content, or leaves it; durable when it returns OK. */
enum pst_rc jmap_file_put(
    const char *dir, const char *name, const char *text, struct pst_error *err);

#endif
