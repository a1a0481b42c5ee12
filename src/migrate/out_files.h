/*
 * migrate/out_files.h - where the files of a Maildir go that is written: into a
 * directory or into an archive.
 *
 * Paths are relative to the whole.
 */
#ifndef MIGRATE_OUT_FILES_H
#define MIGRATE_OUT_FILES_H

#include "base/mem.h"

struct out_files;

struct out_files_ops {
	/* A mailbox begins in its directory ("." for INBOX). */
	enum pst_rc (*begin)(
	    struct out_files *f, const char *dir, struct pst_error *err);
	/* One file of it: content, then its name in the mailbox, such as
	 * "cur/1.x". */
	enum pst_rc (*write)(struct out_files *f, const char *p, size_t n,
	    struct pst_error *err);
	enum pst_rc (*end_file)(struct out_files *f, const char *name,
	    int64_t date, struct pst_error *err);
	enum pst_rc (*end)(struct out_files *f, struct pst_error *err);
	/* The last file may come after the last mailbox, beside INBOX. */
	enum pst_rc (*finish)(struct out_files *f, const char *name,
	    const char *p, size_t n, struct pst_error *err);
	void (*free)(struct out_files *f);
};

struct out_files {
	const struct out_files_ops *ops;
};

enum pst_rc out_files_directory(
    const char *path, struct out_files **f_r, struct pst_error *err);
enum pst_rc out_files_tar(
    const char *path, struct out_files **f_r, struct pst_error *err);

#endif
