/*
 * folder.h - a temporary folder, and files in it that are damaged on purpose.
 */
#ifndef TESTS_LOCALINDEX_FOLDER_H
#define TESTS_LOCALINDEX_FOLDER_H

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
	char path[64];
	int fd;
};

static inline void
folder_begin(struct folder *f)
{
	(void)snprintf(f->path, sizeof(f->path), "/tmp/postern-index-XXXXXX");
	cr_assert_not_null(mkdtemp(f->path));
	f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(f->fd, 0);
}

static inline void
folder_end(struct folder *f, const char *file)
{
	(void)unlinkat(f->fd, file, 0);
	(void)close(f->fd);
	cr_expect_eq(rmdir(f->path), 0, "nothing else is left");
}

static inline off_t
folder_size(const struct folder *f, const char *file)
{
	struct stat st;

	return fstatat(f->fd, file, &st, 0) == 0 ? st.st_size : -1;
}

static inline void
folder_cut(const struct folder *f, const char *file, off_t size)
{
	int fd = openat(f->fd, file, O_RDWR);

	cr_assert_geq(fd, 0);
	cr_assert_eq(ftruncate(fd, size), 0);
	(void)close(fd);
}

/* From here on memory is 1 GiB; a sanitizer needs more for itself. */
static inline void
folder_limit_memory(void)
{
#ifndef __SANITIZE_ADDRESS__
	struct rlimit limit;

	cr_assert_eq(getrlimit(RLIMIT_DATA, &limit), 0);
	limit.rlim_cur = 1 << 30;
	cr_assert_eq(setrlimit(RLIMIT_DATA, &limit), 0);
#endif
}

/* Inverts one octet. */
static inline void
folder_spoil(const struct folder *f, const char *file, off_t at)
{
	int fd = openat(f->fd, file, O_RDWR);
	unsigned char c;

	cr_assert_geq(fd, 0);
	cr_assert_eq(pread(fd, &c, 1, at), 1);
	c ^= 0xff;
	cr_assert_eq(pwrite(fd, &c, 1, at), 1);
	(void)close(fd);
}

#endif
