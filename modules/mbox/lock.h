/*
 * lock.h - keeps other programs off an mbox file for a moment: the lock of the
 * file itself (fcntl, on its open description, so that closing another of our
 * descriptors does not give it up) and FILE.lock beside it, in this order, as
 * most programs on a Debian system take them.
 *
 * Threads: a lock belongs to one thread at a time.
 */
#ifndef MBOX_LOCK_H
#define MBOX_LOCK_H

#include <postern/module.h>
#include <sys/types.h>
#include <time.h>

/* What tells that a file was not changed. */
struct mb_stamp {
	uint64_t dev, ino, size;
	int64_t mtime, ctime; /* nanoseconds */
};

/* Of an open file; false: it cannot be told. */
bool mb_stamp_get(int fd, struct mb_stamp *stamp_r);
/* The same by what stat(2) told. */
struct stat;
bool mb_stamp_is(const struct mb_stamp *stamp, const struct stat *st);
bool mb_stamp_equal(const struct mb_stamp *a, const struct mb_stamp *b);
/* Somebody may still change the file without changing the stamp, since the
 * clock that file systems look at has not moved on. */
bool mb_stamp_is_racy(const struct mb_stamp *stamp);

struct mb_lock_how {
	const struct pst_host *host;
	bool fcntl, dotlock;
	unsigned wait;	/* seconds until it is given up */
	unsigned stale; /* of FILE.lock whose maker is not known to live */
	char token[24]; /* stands in our lock files: others are of a server that
			 * had this store before */
};

struct mb_held {
	bool is_held;
	int dir_fd; /* of the folder of the lock file; -1: none */
	char *name; /* of the lock file */
	uint64_t ino;
};

/*
 * Opens the file `name` in the folder `dir_fd` unless *fd is it already, and
 * locks it. 0 or an errno: ENOENT, ETIMEDOUT, or what went wrong. `where` is
 * for the log. set_fd() changes *fd, as others may be reading it.
 */
int mb_lock(const struct mb_lock_how *how, int dir_fd, const char *name,
    const char *where, int *fd, void (*set_fd)(void *arg, int fd), void *arg,
    struct mb_held *held_r);
void mb_unlock(int fd, struct mb_held *held);

#endif
