/*
 * mailfolder.c - the folder of a mailbox, with its state file, shared by all
 * who use the mailbox.
 */
#include "maildir.h"

#include "kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
is_there(const struct li_mailstate *m)
{
	const struct md_folder *f = (const struct md_folder *)m;
	static const char *const name[2] = { "new", "cur" };
	char path[MD_NAME_MAX + 8];
	struct stat ours, there;

	for (int i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s",
		    f->dir[0] ? f->dir : ".", name[i]);
		if (fstat(f->sub[i], &ours) < 0)
			continue;
		if (fstatat(f->acct->fd, path, &there, AT_SYMLINK_NOFOLLOW) < 0)
			return errno != ENOENT && errno != ENOTDIR;
		if (ours.st_dev != there.st_dev || ours.st_ino != there.st_ino)
			return false;
	}
	return true;
}

bool
md_folder_is_there(const struct md_folder *f)
{
	return is_there(&f->base);
}

/* Other programs may leave a mailbox without new or tmp. */
static int
open_subs(struct md_folder *f)
{
	static const char *const name[2] = { "new", "cur" };

	f->sub[MD_CUR] = openat(f->base.fd, name[MD_CUR],
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (f->sub[MD_CUR] < 0)
		return errno;
	for (int tries = 0; f->sub[MD_NEW] < 0; tries++) {
		f->sub[MD_NEW] = openat(f->base.fd, name[MD_NEW],
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (f->sub[MD_NEW] >= 0)
			break;
		if (errno != ENOENT || tries > 0)
			return errno;
		if ((mkdirat(f->base.fd, "tmp", 0700) < 0 && errno != EEXIST) ||
		    (mkdirat(f->base.fd, "new", 0700) < 0 && errno != EEXIST))
			return errno;
	}
	return 0;
}

static void
folder_free(struct md_folder *f)
{
	for (int i = 0; i < 2; i++)
		if (f->sub[i] >= 0)
			(void)close(f->sub[i]);
	li_mailstate_fini(&f->base);
	md_keeper_free(f->keeper);
	free(f->dir);
	free(f);
}

static struct md_folder *
folder_new(struct pst_acct *acct, const char *dir)
{
	struct md_folder *f = li_alloc(sizeof(*f));
	struct li_buf where = { 0 };

	f->acct = acct;
	f->dir = li_strdup(dir);
	f->sub[MD_NEW] = f->sub[MD_CUR] = -1;
	li_buf_puts(&where, acct->path);
	if (dir[0] != '\0')
		li_buf_putc(&where, '/');
	li_buf_puts(&where, dir);
	li_mailstate_init(&f->base);
	f->base.host = acct->store->host;
	f->base.module = "maildir";
	f->base.where = where.p;
	f->base.fsync = acct->store->fsync;
	f->base.is_there = is_there;
	return f;
}

enum pst_rc
md_folder_get(struct pst_acct *acct, const char *dir,
    struct md_folder **folder_r, struct pst_error *err)
{
	struct md_folder *f = acct->folders;
	enum pst_rc rc;
	int e = 0;

	while (f != NULL && strcmp(f->dir, dir) != 0)
		f = f->next;
	if (f != NULL) {
		f->users++;
		*folder_r = f;
		return PST_OK;
	}
	f = folder_new(acct, dir);
	f->base.fd = openat(acct->fd, dir[0] ? dir : ".",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (f->base.fd < 0)
		e = errno;
	if (e == 0)
		e = open_subs(f);
	if (e == ENOENT || e == ENOTDIR || e == ELOOP || e == ENAMETOOLONG)
		rc = pst_fail(err, PST_E_NOTFOUND, e,
		    "%.80s has no folder %.80s", acct->path, dir);
	else if (e != 0)
		rc = md_fail(err, e, "open %s/%s", acct->path, dir);
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
md_folder_put(struct md_folder *f)
{
	struct md_folder **at = &f->acct->folders;

	if (--f->users > 0)
		return;
	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	li_mailstate_settle(&f->base);
	folder_free(f);
}
