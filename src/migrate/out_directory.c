/*
 * out_directory.c - a Maildir that is written as files.
 *
 * A mailbox grows in a directory beside its place, whose name no program takes
 * for a mailbox, and is renamed when all of it is on the disk. INBOX is the
 * directory itself: its parts are moved there, "cur" last, without which it is
 * no Maildir.
 */
#include "base/str.h"
#include "migrate/files.h"
#include "migrate/out_files.h"
#include "migrate/target.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define GROWING "postern-export.tmp"
#define PART "part.tmp"

struct out_directory {
	struct out_files base;
	char *path;
	int root_fd, box_fd; /* -1: no mailbox is open */
	char *dir;	     /* that the mailbox becomes */
	int fd;		     /* of the file under way; -1: none */
};

static struct out_directory *
self(struct out_files *base)
{
	return (struct out_directory *)base;
}

static enum pst_rc
failed(const struct out_directory *d, const char *what, struct pst_error *err)
{
	int e = errno;

	return pst_fail(err,
	    e == ENOSPC || e == EDQUOT ? PST_E_NOSPACE
	    : e == EEXIST	       ? PST_E_EXISTS
				       : PST_E_TEMP,
	    e, "%.120s/%.80s: %s", d->path, what, strerror(e));
}

/* Removes what a mailbox has grown to; one level of directories below. */
static void
remove_tree(int dir_fd, const char *name, unsigned depth)
{
	int fd = mig_open_dir(dir_fd, name);
	const struct dirent *e;
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (dir == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	while ((e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (unlinkat(dirfd(dir), e->d_name, 0) < 0 && depth > 0)
			remove_tree(dirfd(dir), e->d_name, depth - 1);
	}
	(void)closedir(dir);
	(void)unlinkat(dir_fd, name, AT_REMOVEDIR);
}

static bool
exists(int dir_fd, const char *name)
{
	struct stat st;

	return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static enum pst_rc
directory_begin(struct out_files *base, const char *dir, struct pst_error *err)
{
	struct out_directory *d = self(base);
	bool is_root = strcmp(dir, ".") == 0;

	if (exists(d->root_fd, is_root ? "cur" : dir)) {
		errno = EEXIST;
		return failed(d, is_root ? "cur" : dir, err);
	}
	remove_tree(d->root_fd, GROWING, 2);
	if (mkdirat(d->root_fd, GROWING, 0700) < 0)
		return failed(d, GROWING, err);
	d->box_fd = mig_open_dir(d->root_fd, GROWING);
	if (d->box_fd < 0 || mkdirat(d->box_fd, "cur", 0700) < 0 ||
	    mkdirat(d->box_fd, "new", 0700) < 0 ||
	    mkdirat(d->box_fd, "tmp", 0700) < 0)
		return failed(d, GROWING, err);
	free(d->dir);
	d->dir = str_dup(str_of(dir));
	return PST_OK;
}

static enum pst_rc
directory_write(
    struct out_files *base, const char *p, size_t n, struct pst_error *err)
{
	struct out_directory *d = self(base);

	if (d->fd < 0)
		d->fd = openat(d->box_fd, PART,
		    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	if (d->fd < 0)
		return failed(d, PART, err);
	return mig_write_all(d->fd, p, n, err);
}

static enum pst_rc
directory_end_file(struct out_files *base, const char *name, int64_t date,
    struct pst_error *err)
{
	struct out_directory *d = self(base);
	const struct timespec times[2] = { { .tv_sec = (time_t)date },
		{ .tv_sec = (time_t)date } };
	enum pst_rc rc = directory_write(base, "", 0, err);

	if (rc != PST_OK)
		return rc;
	if ((date != INT64_MIN && futimens(d->fd, times) < 0) ||
	    close(d->fd) < 0) {
		d->fd = -1;
		return failed(d, name, err);
	}
	d->fd = -1;
	/* Two messages never have one name: it has the uid in it. */
	return renameat(d->box_fd, PART, d->box_fd, name) == 0
		   ? PST_OK
		   : failed(d, name, err);
}

/* The lists first, "cur" last. */
static enum pst_rc
move_to_root(struct out_directory *d, struct pst_error *err)
{
	static const char *const parts[] = { "dovecot-uidlist",
		"dovecot-keywords", "new", "tmp", "cur" };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (exists(d->box_fd, parts[i]) &&
		    renameat(d->box_fd, parts[i], d->root_fd, parts[i]) < 0)
			return failed(d, parts[i], err);
	return unlinkat(d->root_fd, GROWING, AT_REMOVEDIR) == 0
		   ? PST_OK
		   : failed(d, GROWING, err);
}

static enum pst_rc
directory_end(struct out_files *base, struct pst_error *err)
{
	struct out_directory *d = self(base);
	enum pst_rc rc = PST_OK;

	/* Everything at once, instead of waiting for each file. */
	if (syncfs(d->box_fd) < 0)
		return failed(d, d->dir, err);
	if (strcmp(d->dir, ".") == 0)
		rc = move_to_root(d, err);
	else if (exists(d->root_fd, d->dir) ||
		 renameat(d->root_fd, GROWING, d->root_fd, d->dir) < 0)
		rc = failed(d, d->dir, err);
	(void)close(d->box_fd);
	d->box_fd = -1;
	if (rc == PST_OK && fsync(d->root_fd) < 0)
		rc = failed(d, d->dir, err);
	return rc;
}

static enum pst_rc
directory_finish(struct out_files *base, const char *name, const char *p,
    size_t n, struct pst_error *err)
{
	struct out_directory *d = self(base);
	enum pst_rc rc;
	int fd;

	if (n == 0)
		return PST_OK;
	fd = openat(d->root_fd, GROWING,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return failed(d, name, err);
	rc = mig_write_all(fd, p, n, err);
	if (fsync(fd) < 0 && rc == PST_OK)
		rc = failed(d, name, err);
	(void)close(fd);
	if (rc == PST_OK &&
	    (renameat(d->root_fd, GROWING, d->root_fd, name) < 0 ||
		fsync(d->root_fd) < 0))
		rc = failed(d, name, err);
	return rc;
}

static void
directory_free(struct out_files *base)
{
	struct out_directory *d = self(base);

	if (d->fd >= 0)
		(void)close(d->fd);
	if (d->box_fd >= 0)
		(void)close(d->box_fd);
	if (unlinkat(d->root_fd, GROWING, 0) < 0)
		remove_tree(d->root_fd, GROWING, 2);
	(void)close(d->root_fd);
	free(d->dir);
	free(d->path);
	free(d);
}

static const struct out_files_ops directory_ops = {
	.begin = directory_begin,
	.write = directory_write,
	.end_file = directory_end_file,
	.end = directory_end,
	.finish = directory_finish,
	.free = directory_free,
};

enum pst_rc
out_files_directory(
    const char *path, struct out_files **f_r, struct pst_error *err)
{
	struct out_directory *d;
	int fd;

	*f_r = NULL;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return pst_fail(err, PST_E_PERM, errno, "%.180s: %s", path,
		    strerror(errno));
	fd = mig_open_dir(AT_FDCWD, path);
	if (fd < 0)
		return mig_open_failed(path, errno, err);
	d = mem_alloc(sizeof(*d));
	d->base.ops = &directory_ops;
	d->path = str_dup(str_of(path));
	d->root_fd = fd;
	d->box_fd = d->fd = -1;
	*f_r = &d->base;
	return PST_OK;
}
