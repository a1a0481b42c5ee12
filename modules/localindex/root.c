/*
 * root.c - see root.h.
 */
#include "localindex/root.h"

#include "localindex/account.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const char lock_file[] = "postern.lock";
static const char floor_file[] = "postern.uidvalidity";
static const char trash_prefix[] = "postern.trash-";

enum { NAME_LONGEST = 255 };

static int
make_path(char *path)
{
	for (char *p = path + 1; *p != '\0'; p++) {
		int e = 0;

		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			e = errno;
		*p = '/';
		if (e != 0 && e != EACCES && e != EROFS)
			return e;
	}
	return mkdir(path, 0700) < 0 && errno != EEXIST ? errno : 0;
}

static enum pst_rc
open_folder(struct li_root *r, struct pst_error *err)
{
	int e = make_path(r->path);

	if (e == 0) {
		r->fd = open(r->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (r->fd < 0)
			e = errno;
	}
	if (e != 0)
		return pst_fail(err, PST_E_TEMP, e,
		    "the mail folder %.180s cannot be opened", r->path);
	r->lock_fd = openat(
	    r->fd, lock_file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (r->lock_fd < 0)
		return pst_fail(err, PST_E_TEMP, errno,
		    "%.180s/%s cannot be opened", r->path, lock_file);
	if (flock(r->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return pst_fail(err, PST_E_TEMP, errno,
		    "the mail folder %.180s is in use by another server",
		    r->path);
	return PST_OK;
}

/* What stages and removed accounts of an earlier life left behind. */
static void
empty_temp(const struct li_root *r)
{
	int fd = openat(r->temp_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *d;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	while ((d = readdir(dir)) != NULL) {
		int e;

		if (d->d_name[0] == '.')
			continue;
		e = li_remove_tree(r->temp_fd, d->d_name);
		if (e != 0)
			r->host->log(PST_LOG_WARNING,
			    "%s: %s/%s/%s cannot be removed: errno %d",
			    r->module, r->path, LI_TEMP, d->d_name, e);
	}
	(void)closedir(dir);
}

static enum pst_rc
open_temp(struct li_root *r, struct pst_error *err)
{
	if (mkdirat(r->fd, LI_TEMP, 0700) < 0 && errno != EEXIST)
		return pst_fail(err, li_rc_of(errno), errno, "mkdir %.180s/%s",
		    r->path, LI_TEMP);
	r->temp_fd = openat(
	    r->fd, LI_TEMP, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (r->temp_fd < 0)
		return pst_fail(
		    err, PST_E_TEMP, errno, "open %.180s/%s", r->path, LI_TEMP);
	empty_temp(r);
	return PST_OK;
}

/* The largest UIDVALIDITY of the accounts that were removed. */
static enum pst_rc
read_floor(struct li_root *r, struct pst_error *err)
{
	struct li_buf text = { 0 };
	uint64_t v;
	int e = li_read_file(r->fd, floor_file, 64, &text);
	size_t n = text.n;

	if (n > 0 && text.p[n - 1] == '\n')
		n--;
	if (e == 0 && li_number(text.p, n, &v) && v <= UINT32_MAX)
		r->uidvalidity = (uint32_t)v;
	li_buf_free(&text);
	if (e != 0 && e != ENOENT)
		return pst_fail(
		    err, li_rc_of(e), e, "read %.180s/%s", r->path, floor_file);
	return PST_OK;
}

enum pst_rc
li_root_open(struct li_root *r, const struct pst_host *host, const char *module,
    const char *path, bool fsync, struct pst_error *err)
{
	enum pst_rc rc;

	*r = (struct li_root){ .host = host,
		.module = module,
		.path = li_strdup(path),
		.fd = -1,
		.temp_fd = -1,
		.lock_fd = -1,
		.fsync = fsync };
	for (size_t n = strlen(path); n > 1 && r->path[n - 1] == '/'; n--)
		r->path[n - 1] = '\0';
	rc = open_folder(r, err);
	if (rc == PST_OK)
		rc = open_temp(r, err);
	if (rc == PST_OK)
		rc = read_floor(r, err);
	return rc;
}

void
li_root_close(struct li_root *r)
{
	if (r->path == NULL)
		return;
	if (r->temp_fd >= 0)
		(void)close(r->temp_fd);
	if (r->lock_fd >= 0)
		(void)close(r->lock_fd);
	if (r->fd >= 0)
		(void)close(r->fd);
	free(r->path);
	r->path = NULL;
}

enum pst_rc
li_root_health(const struct li_root *r, struct pst_error *err)
{
	struct statvfs fs;

	if (faccessat(r->temp_fd, ".", W_OK | X_OK, 0) < 0)
		return pst_fail(err, PST_E_TEMP, errno,
		    "%.180s/%s cannot be written to", r->path, LI_TEMP);
	if (fstatvfs(r->fd, &fs) < 0)
		return pst_fail(
		    err, li_rc_of(errno), errno, "statvfs %.180s", r->path);
	if (fs.f_flag & ST_RDONLY)
		return pst_fail(err, PST_E_TEMP, EROFS,
		    "%.180s is mounted for reading only", r->path);
	if (fs.f_bavail == 0 || (fs.f_files != 0 && fs.f_favail == 0))
		return pst_fail(err, PST_E_NOSPACE, ENOSPC,
		    "%.180s: the file system is full", r->path);
	return PST_OK;
}

/* --- accounts ---------------------------------------------------------------
 */

/* A domain or a user as one folder. Our own files begin with "postern.". */
static void
path_part(const char *p, size_t n, struct li_buf *out)
{
	static const char own[] = "postern.";
	bool reserved = n >= 8 && memcmp(p, own, 8) == 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c < 0x20 || c == 0x7f || c == '/' || c == '%' ||
		    (i == 0 && (c == '.' || reserved)))
			li_buf_printf(out, "%%%02X", c);
		else
			li_buf_putc(out, p[i]);
	}
}

enum pst_rc
li_account_path(const char *id, struct li_buf *domain, struct li_buf *user,
    struct pst_error *err)
{
	const char *at = strrchr(id, '@');
	size_t user_n = at ? (size_t)(at - id) : strlen(id);

	if (user_n == 0 || (at != NULL && at[1] == '\0'))
		return pst_fail(
		    err, PST_E_SYNTAX, 0, "\"%.100s\" is no account", id);
	path_part(id, user_n, user);
	if (at != NULL)
		path_part(at + 1, strlen(at + 1), domain);
	else
		li_buf_puts(domain, "%"); /* path_part() never makes this */
	if (user->n > NAME_LONGEST || domain->n > NAME_LONGEST)
		return pst_fail(err, PST_E_LIMIT, 0,
		    "the account's name is too long for the file system");
	return PST_OK;
}

/* Makes a folder unless it is there. */
static int
make_folder(const struct li_root *r, int dirfd, const char *name)
{
	if (mkdirat(dirfd, name, 0700) < 0)
		return errno == EEXIST ? 0 : errno;
	return r->fsync && fsync(dirfd) < 0 ? errno : 0;
}

static int
open_dir(int dirfd, const char *name)
{
	return openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int
li_root_account(
    const struct li_root *r, const char *domain, const char *user, int *errno_r)
{
	int parent = open_dir(r->fd, domain), fd = -1;

	*errno_r = parent < 0 && errno != ENOENT ? errno : 0;
	if (parent < 0 && *errno_r == 0) {
		*errno_r = make_folder(r, r->fd, domain);
		parent = *errno_r ? -1 : open_dir(r->fd, domain);
	}
	if (parent >= 0) {
		fd = open_dir(parent, user);
		if (fd < 0 && errno == ENOENT) {
			*errno_r = make_folder(r, parent, user);
			fd = *errno_r ? -1 : open_dir(parent, user);
		}
	}
	if (fd < 0 && *errno_r == 0)
		*errno_r = errno;
	if (parent >= 0)
		(void)close(parent);
	return fd;
}

/* Accounts of that name to come begin above what this one has given. */
static int
keep_floor(
    struct li_root *r, pthread_mutex_t *lock, int acct_fd, const char *name)
{
	struct li_account_state st = { 0 };
	struct li_buf text = { 0 };
	char line[16];
	uint32_t old;
	int e = 0;

	if (li_read_file(acct_fd, name, LI_FILE_MAX, &text) == 0)
		(void)li_account_parse((struct pst_str){ text.p, text.n }, &st);
	li_buf_free(&text);
	li_account_state_free(&st);
	(void)pthread_mutex_lock(lock);
	old = r->uidvalidity;
	if (st.uidvalidity > old) {
		r->uidvalidity = st.uidvalidity;
		(void)snprintf(
		    line, sizeof(line), "%lu\n", (unsigned long)st.uidvalidity);
		e = li_replace_file(r->fd, floor_file, line, strlen(line),
		    r->fsync ? LI_SYNC_FULL : LI_SYNC_NONE);
		if (e != 0)
			r->uidvalidity = old;
	}
	(void)pthread_mutex_unlock(lock);
	return e;
}

/* Out of sight at once; a domain on a disk of its own keeps it. */
static int
remove_folder(const struct li_root *r, int parent, const char *user)
{
	char trash[64];
	int e, trash_in = r->temp_fd;
	size_t n = sizeof(trash_prefix) - 1;

	memcpy(trash, trash_prefix, n);
	li_random_hex(r->host, trash + n, 8);
	e = li_rename_new(parent, user, trash_in, trash);
	if (e == EXDEV) {
		trash_in = parent;
		e = li_rename_new(parent, user, trash_in, trash);
	}
	if (e == 0 && r->fsync && fsync(parent) < 0)
		e = errno;
	return e ? e : li_remove_tree(trash_in, trash);
}

enum pst_rc
li_root_remove(struct li_root *r, pthread_mutex_t *lock, const char *domain,
    const char *user, const char *name, struct pst_error *err)
{
	int parent = open_dir(r->fd, domain);
	int fd = parent < 0 ? -1 : open_dir(parent, user);
	int e = fd < 0 ? errno : 0;

	if (e == 0)
		e = keep_floor(r, lock, fd, name);
	if (e == 0)
		e = remove_folder(r, parent, user);
	if (fd >= 0)
		(void)close(fd);
	if (parent >= 0)
		(void)close(parent);
	return e ? pst_fail(err, li_rc_of(e), e, "remove %.100s/%.100s", domain,
		       user)
		 : PST_OK;
}
