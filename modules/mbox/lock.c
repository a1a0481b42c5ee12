/*
 * lock.c - see lock.h. A lock that is not to be had is tried again until the
 * time is over; meanwhile none of the two is held, so that programs that take
 * them in the other order get on.
 */
#include "lock.h"

#include "localindex/util.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAUSE_FIRST = 1, PAUSE_MAX = 100 }; /* milliseconds */

static int64_t
nanoseconds(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

static void
stamp_of(const struct stat *st, struct mb_stamp *stamp)
{
	*stamp = (struct mb_stamp){ .dev = st->st_dev,
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.mtime = nanoseconds(&st->st_mtim),
		.ctime = nanoseconds(&st->st_ctim) };
}

bool
mb_stamp_get(int fd, struct mb_stamp *stamp)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return false;
	stamp_of(&st, stamp);
	return true;
}

bool
mb_stamp_equal(const struct mb_stamp *a, const struct mb_stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->mtime == b->mtime && a->ctime == b->ctime;
}

bool
mb_stamp_is(const struct mb_stamp *stamp, const struct stat *st)
{
	struct mb_stamp other;

	stamp_of(st, &other);
	return mb_stamp_equal(stamp, &other);
}

bool
mb_stamp_is_racy(const struct mb_stamp *stamp)
{
	struct timespec tick;

	(void)clock_gettime(CLOCK_REALTIME_COARSE, &tick);
	return stamp->ctime >= nanoseconds(&tick);
}

/* --- FILE.lock --------------------------------------------------------------
 */

static const char our_mark[] = "postern ";

/*
 * The maker of a lock file writes its process id into it, if it is polite. In
 * ours stands more: as only one server has a store, what another one of ours
 * made is left over from a crash.
 */
static bool
is_stale(const struct mb_lock_how *how, int fd, const struct stat *st)
{
	char text[64];
	struct pst_str rest = { text, 0 }, line;
	ssize_t n = pread(fd, text, sizeof(text), 0);
	uint64_t pid;
	bool lives;

	rest.n = n > 0 ? (size_t)n : 0;
	if (!li_next_line(&rest, &line))
		line.n = 0;
	lives = li_number(line.p, line.n, &pid) && pid > 0 &&
		pid <= INT32_MAX &&
		(kill((pid_t)pid, 0) == 0 || errno == EPERM);
	if (li_next_line(&rest, &line) && line.n >= sizeof(our_mark) - 1 &&
	    memcmp(line.p, our_mark, sizeof(our_mark) - 1) == 0)
		return line.n != strlen(how->token) + sizeof(our_mark) - 1 ||
		       memcmp(line.p + sizeof(our_mark) - 1, how->token,
			   strlen(how->token)) != 0;
	return !lives && st->st_mtime + (time_t)how->stale < time(NULL);
}

/*
 * Removes a lock file that was left behind. It is taken away under another name
 * first: somebody else may have replaced it after we looked.
 */
static void
break_stale(const struct mb_lock_how *how, int dir_fd, const char *name,
    const char *where)
{
	char aside[300], random[17];
	struct stat st, taken;
	int fd = openat(
	    dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool stale;

	if (fd < 0)
		return;
	stale = fstat(fd, &st) == 0 && is_stale(how, fd, &st);
	(void)close(fd);
	if (!stale)
		return;
	li_random_hex(how->host, random, 8);
	(void)snprintf(aside, sizeof(aside), ".%.250s.%s", name, random);
	if (renameat(dir_fd, name, dir_fd, aside) < 0)
		return;
	stale = fstatat(dir_fd, aside, &taken, AT_SYMLINK_NOFOLLOW) < 0 ||
		taken.st_ino == st.st_ino;
	if (!stale && linkat(dir_fd, aside, dir_fd, name, 0) < 0)
		how->host->log(PST_LOG_WARNING,
		    "mbox: %s.lock of another program was lost", where);
	if (stale)
		how->host->log(PST_LOG_WARNING,
		    "mbox: %s.lock was left behind and is removed", where);
	(void)unlinkat(dir_fd, aside, 0);
}

/* It comes with its content: who dies in between leaves none, or one that is
 * known for ours. */
static int
make_dotlock(const struct mb_lock_how *how, int dir_fd, const char *name,
    const char *where, struct mb_held *held)
{
	char file[300], made[300], text[64];
	struct stat st;
	int fd, n, e;

	(void)snprintf(file, sizeof(file), "%.250s.lock", name);
	(void)snprintf(made, sizeof(made), ".%.250s.lock.postern", name);
	/* One that a crash left may be the lock file that it left, too. */
	(void)unlinkat(dir_fd, made, 0);
	fd = openat(dir_fd, made,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return errno;
	n = snprintf(text, sizeof(text), "%ld\n%s%s\n", (long)getpid(),
	    our_mark, how->token);
	e = li_write_all(fd, text, (size_t)n);
	if (e == 0 && fstat(fd, &st) < 0)
		e = errno;
	(void)close(fd);
	if (e == 0 && linkat(dir_fd, made, dir_fd, file, 0) < 0)
		e = errno;
	(void)unlinkat(dir_fd, made, 0);
	if (e == EEXIST) {
		break_stale(how, dir_fd, file, where);
		return EAGAIN;
	}
	if (e != 0)
		return e;
	held->ino = st.st_ino;
	held->dir_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
	held->name = li_strdup(file);
	return 0;
}

static void
drop_dotlock(struct mb_held *held)
{
	struct stat st;

	if (held->name == NULL)
		return;
	/* Who thought it stale may have one of its own there. */
	if (held->dir_fd >= 0 &&
	    fstatat(held->dir_fd, held->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_ino == held->ino)
		(void)unlinkat(held->dir_fd, held->name, 0);
	if (held->dir_fd >= 0)
		(void)close(held->dir_fd);
	free(held->name);
	held->name = NULL;
}

/* --- both -------------------------------------------------------------------
 */

static int
set_fcntl(int fd, short type)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_SETLK, &l) == 0)
		return 0;
	return errno == EACCES ? EAGAIN : errno;
}

/* The descriptor is of the file that has the name. */
static int
is_current(int dir_fd, const char *name, int fd, bool *is_r)
{
	struct stat ours, there;

	*is_r = false;
	if (fstatat(dir_fd, name, &there, AT_SYMLINK_NOFOLLOW) < 0)
		return errno;
	if (!S_ISREG(there.st_mode))
		return EINVAL;
	*is_r = fd >= 0 && fstat(fd, &ours) == 0 &&
		ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
	return 0;
}

static int
try_lock(const struct mb_lock_how *how, int dir_fd, const char *name,
    const char *where, int *fd, void (*set_fd)(void *arg, int fd), void *arg,
    struct mb_held *held)
{
	bool current;
	int e = is_current(dir_fd, name, *fd, &current);

	if (e == 0 && !current) {
		int new_fd = openat(
		    dir_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

		if (new_fd < 0)
			return errno;
		set_fd(arg, new_fd);
	}
	if (e == 0 && how->fcntl)
		e = set_fcntl(*fd, F_WRLCK);
	if (e != 0)
		return e;
	if (how->dotlock)
		e = make_dotlock(how, dir_fd, name, where, held);
	/* Somebody may have put another file there while we waited. */
	if (e == 0)
		e = is_current(dir_fd, name, *fd, &current);
	if (e == 0 && !current)
		e = EAGAIN;
	if (e != 0) {
		drop_dotlock(held);
		if (how->fcntl)
			(void)set_fcntl(*fd, F_UNLCK);
	}
	return e;
}

int
mb_lock(const struct mb_lock_how *how, int dir_fd, const char *name,
    const char *where, int *fd, void (*set_fd)(void *arg, int fd), void *arg,
    struct mb_held *held)
{
	long pause = PAUSE_FIRST;
	struct timespec now, end;
	int e;

	*held = (struct mb_held){ .dir_fd = -1 };
	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += (time_t)how->wait;
	for (;;) {
		struct timespec t;

		e = try_lock(how, dir_fd, name, where, fd, set_fd, arg, held);
		if (e == 0)
			held->is_held = true;
		if (e != EAGAIN)
			return e;
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
		if (nanoseconds(&now) >= nanoseconds(&end))
			return ETIMEDOUT;
		t = (struct timespec){ .tv_nsec = pause * 1000000 };
		(void)nanosleep(&t, NULL);
		pause = pause * 2 < PAUSE_MAX ? pause * 2 : PAUSE_MAX;
	}
}

void
mb_unlock(int fd, struct mb_held *held)
{
	if (!held->is_held)
		return;
	drop_dotlock(held);
	(void)set_fcntl(fd, F_UNLCK);
	*held = (struct mb_held){ .dir_fd = -1 };
}
