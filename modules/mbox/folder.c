/*
 * folder.c - our folder beside a mailbox's file, with its state file, shared by
 * all who use the mailbox.
 */
#include "mbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

bool
mb_folder_is_there(const struct mb_folder *f)
{
	struct li_buf path = { 0 };
	struct stat ours, there;
	bool is = true;

	mb_path_index(f->path, &path);
	if (fstatat(f->acct->fd, f->path, &there, AT_SYMLINK_NOFOLLOW) < 0)
		is = errno != ENOENT && errno != ENOTDIR;
	else if (fstat(f->base.fd, &ours) == 0 &&
		 fstatat(f->acct->fd, path.p, &there, AT_SYMLINK_NOFOLLOW) == 0)
		is = ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
	li_buf_free(&path);
	return is;
}

static void
folder_free(struct mb_folder *f)
{
	li_mailstate_fini(&f->base);
	free(f->path);
	free(f);
}

static struct mb_folder *
folder_new(struct pst_acct *acct, const char *path)
{
	struct mb_folder *f = li_alloc(sizeof(*f));
	struct li_buf where = { 0 };

	f->acct = acct;
	f->path = li_strdup(path);
	li_buf_puts(&where, acct->path);
	li_buf_putc(&where, '/');
	li_buf_puts(&where, path);
	li_mailstate_init(&f->base);
	f->base.host = acct->store->host;
	f->base.module = "mbox";
	f->base.where = where.p;
	f->base.fsync = acct->store->fsync;
	return f;
}

/* Our folder; it is made for a file that another program made. */
static int
open_folder(struct mb_folder *f)
{
	struct li_buf path = { 0 };
	struct stat st;
	int e = 0;

	/* It always exists, whatever others do. */
	if (strcmp(f->path, "INBOX") == 0)
		f->base.fd = openat(f->acct->fd, f->path,
		    O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		    0600);
	if (f->base.fd >= 0)
		(void)close(f->base.fd);
	f->base.fd = -1;
	if (fstatat(f->acct->fd, f->path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno;
	if (!S_ISREG(st.st_mode))
		return ENOENT;
	mb_path_index(f->path, &path);
	if (mkdirat(f->acct->fd, path.p, 0700) < 0 && errno != EEXIST)
		e = errno;
	if (e == 0)
		f->base.fd = openat(f->acct->fd, path.p,
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (e == 0 && f->base.fd < 0)
		e = errno;
	li_buf_free(&path);
	return e;
}

enum pst_rc
mb_folder_get(struct pst_acct *acct, const char *path,
    struct mb_folder **folder_r, struct pst_error *err)
{
	struct mb_folder *f = acct->folders;
	enum pst_rc rc;
	int e;

	while (f != NULL && strcmp(f->path, path) != 0)
		f = f->next;
	if (f != NULL) {
		f->users++;
		*folder_r = f;
		return PST_OK;
	}
	f = folder_new(acct, path);
	e = open_folder(f);
	if (e == ENOENT || e == ENOTDIR || e == ELOOP || e == ENAMETOOLONG)
		rc = pst_fail(err, PST_E_NOTFOUND, e,
		    "%.80s has no mailbox %.80s", acct->path, path);
	else if (e != 0)
		rc = mb_fail(err, e, "open %s/%s", acct->path, path);
	else
		rc = li_mailstate_read(&f->base, &acct->files, err);
	if (rc != PST_OK) {
		folder_free(f);
		return rc;
	}
	f->users = 1;
	f->next = acct->folders;
	acct->folders = f;
	*folder_r = f;
	return PST_OK;
}

void
mb_folder_put(struct mb_folder *f)
{
	struct mb_folder **at = &f->acct->folders;

	if (--f->users > 0)
		return;
	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	li_mailstate_settle(&f->base);
	folder_free(f);
}
