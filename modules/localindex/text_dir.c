/*
 * text_dir.c - see text_dir.h.
 */
#include "localindex/text_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void
li_text_name(uint32_t number, char name_r[LI_NAME])
{
	(void)snprintf(name_r, LI_NAME, "%08lx", (unsigned long)number);
}

static bool
parse_name(const char *name, uint32_t *number_r)
{
	uint32_t number = 0;

	if (strlen(name) != LI_NAME - 1)
		return false;
	for (; *name != '\0'; name++) {
		if (*name >= '0' && *name <= '9')
			number = number << 4 | (uint32_t)(*name - '0');
		else if (*name >= 'a' && *name <= 'f')
			number = number << 4 | (uint32_t)(*name - 'a' + 10);
		else
			return false;
	}
	*number_r = number;
	return true;
}

static int
compare_files(const void *a, const void *b)
{
	const struct li_text_file *x = a, *y = b;

	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static void
list(struct li_text_dir *d, DIR *dir)
{
	const struct dirent *e;

	while ((e = readdir(dir)) != NULL) {
		struct li_text_file f = { 0 };
		struct stat st;

		if (!parse_name(e->d_name, &f.number))
			continue;
		if (f.number >= d->next)
			d->next = f.number + 1;
		if (fstatat(d->fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		f.size = (uint64_t)st.st_size;
		if (d->n == d->cap) {
			d->cap = d->cap * 2 + 16;
			d->file = li_more(d->file, d->cap, sizeof(*d->file));
		}
		d->file[d->n++] = f;
	}
	if (d->n > 1)
		qsort(d->file, d->n, sizeof(*d->file), compare_files);
}

static int
open_folder(int dirfd, bool make)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dirfd, LI_TEXT_DIR, flags);

	if (fd >= 0 || !make)
		return fd;
	if (errno == ENOTDIR || errno == ELOOP)
		(void)unlinkat(dirfd, LI_TEXT_DIR, 0);
	if (mkdirat(dirfd, LI_TEXT_DIR, 0700) < 0 && errno != EEXIST)
		return -1;
	return openat(dirfd, LI_TEXT_DIR, flags);
}

int
li_text_dir_open(struct li_text_dir *d, int dirfd, bool make)
{
	DIR *dir;
	int copy, e;

	*d = (struct li_text_dir){ .fd = open_folder(dirfd, make) };
	if (d->fd < 0) {
		e = errno;
		/* Something else of that name: as good as nothing. */
		return !make && (e == ENOENT || e == ENOTDIR || e == ELOOP) ? 0
									    : e;
	}
	copy = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = copy >= 0 ? fdopendir(copy) : NULL;
	if (dir == NULL) {
		e = errno;
		if (copy >= 0)
			(void)close(copy);
		li_text_dir_close(d);
		return e;
	}
	list(d, dir);
	(void)closedir(dir);
	return 0;
}

void
li_text_dir_close(struct li_text_dir *d)
{
	if (d->fd >= 0)
		(void)close(d->fd);
	free(d->file);
	*d = (struct li_text_dir){ .fd = -1 };
}

void
li_text_remove(const struct li_text_dir *d, const struct li_text_file *f)
{
	char name[LI_NAME];

	li_text_name(f->number, name);
	if (unlinkat(d->fd, name, 0) < 0 && errno == EISDIR)
		(void)unlinkat(d->fd, name, AT_REMOVEDIR);
}

void
li_text_damaged(const struct li_text_box *b, const struct li_text_dir *d,
    const struct li_text_file *f)
{
	if (b->host != NULL)
		b->host->log(PST_LOG_WARNING,
		    "%s: a part of the full-text index is damaged and dropped",
		    b->where);
	li_text_remove(d, f);
}

static int
judge(const struct li_text_box *b, const struct li_text_dir *d,
    const struct li_text_file *f, bool drop_old, int e)
{
	if (e == EBADMSG)
		li_text_damaged(b, d, f);
	else if (e == EINVAL && drop_old)
		li_text_remove(d, f);
	return e;
}

int
li_text_open(const struct li_text_box *b, const struct li_text_dir *d,
    const struct li_text_file *f, bool drop_old, struct li_segment *s)
{
	char name[LI_NAME];

	li_text_name(f->number, name);
	return judge(b, d, f, drop_old,
	    li_segment_open(s, d->fd, name, b->uidvalidity, b->version));
}

int
li_text_peek(const struct li_text_box *b, const struct li_text_dir *d,
    const struct li_text_file *f, bool drop_old, struct li_segment *s)
{
	char name[LI_NAME];

	li_text_name(f->number, name);
	return judge(b, d, f, drop_old,
	    li_segment_peek(s, d->fd, name, b->uidvalidity, b->version));
}

enum pst_rc
li_text_fail(
    const struct li_text_box *b, struct pst_error *err, int e, const char *what)
{
	enum pst_rc rc = PST_E_TEMP;

	if (e == ENOSPC || e == EDQUOT)
		rc = PST_E_NOSPACE;
	else if (e == EFBIG)
		rc = PST_E_LIMIT;
	return pst_fail(err, rc, e, "%.100s: %s the full-text index: %s",
	    b->where, what, strerror(e));
}
