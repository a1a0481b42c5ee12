/*
 * files.c - see files.h.
 */
#include "migrate/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int
mig_open_file(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	(void)close(fd);
	errno = EINVAL;
	return -1;
}

int
mig_open_dir(int dir_fd, const char *name)
{
	return openat(dir_fd, name,
	    O_RDONLY | O_NOFOLLOW | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
}

enum pst_rc
mig_open_failed(const char *path, int error, struct pst_error *err)
{
	if (error == ENOENT)
		return pst_fail(err, PST_E_NOTFOUND, error,
		    "%.180s: no such file or directory", path);
	if (error == EACCES || error == EPERM)
		return pst_fail(err, PST_E_DENIED, error,
		    "%.180s: you may not read it", path);
	/* With O_DIRECTORY a link is told of as ENOTDIR. */
	if (error == ELOOP || error == ENOTDIR)
		return pst_fail(err, PST_E_PERM, error,
		    "%.140s is a symbolic link, or not what was expected: "
		    "give the path that it leads to",
		    path);
	return pst_fail(
	    err, PST_E_PERM, error, "%.180s: %s", path, strerror(error));
}

static enum pst_rc
read_all(int fd, const char *name, struct buf *out, struct pst_error *err)
{
	for (;;) {
		char *p = buf_reserve(out, 65536);
		ssize_t n;

		if (p == NULL)
			return pst_fail(err, PST_E_LIMIT, 0,
			    "%.100s is larger than %d octets", name,
			    MIG_LIST_MAX);
		n = read(fd, p, 65536);
		if (n == 0)
			return PST_OK;
		if (n > 0)
			buf_added(out, (size_t)n);
		else if (errno != EINTR)
			return pst_fail(err, PST_E_TEMP, errno, "%.100s: %s",
			    name, strerror(errno));
	}
}

enum pst_rc
mig_read_list(
    int dir_fd, const char *name, struct buf *out, struct pst_error *err)
{
	int fd = mig_open_file(dir_fd, name);
	enum pst_rc rc;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR
			   ? PST_OK
			   : pst_fail(err, PST_E_PERM, errno, "%.100s: %s",
				 name, strerror(errno));
	rc = read_all(fd, name, out, err);
	(void)close(fd);
	return rc;
}
