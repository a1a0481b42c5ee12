/*
 * maildir_names.c - the mailboxes of a Maildir: as Maildir++ (".A.B" beside
 * "cur"), or as a tree of directories, each with a "cur" of its own.
 */
#include "migrate/files.h"
#include "migrate/maildir.h"

#include "base/str.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 32, MAILBOXES_MAX = 100000, PATH_OCTETS = 4096 };

static bool
has_cur(int dir_fd)
{
	struct stat st;

	return fstatat(dir_fd, "cur", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

/* `dir` is the mailbox `name`. */
static void
add(struct maildir_source *s, struct pst_str name, const char *dir)
{
	struct mig_name *m;

	if (s->dirs.n >= MAILBOXES_MAX)
		return;
	m = mig_names_get(&s->dirs, name);
	if (m->exists) {
		mig_note(&s->base,
		    "%.100s and %.100s are one mailbox here: the second is "
		    "left out",
		    m->special_use, dir);
		return;
	}
	m->exists = true;
	free(m->special_use);
	m->special_use = str_dup(str_of(dir));
}

static void
add_dotted(struct maildir_source *s, const char *dir)
{
	struct buf name;

	buf_init(&name, (size_t)PATH_OCTETS * 4);
	if (mig_folder_name(str_of(dir + 1), '.', &name))
		add(s, buf_str(&name), dir);
	else
		mig_note(&s->base, "%.200s: no mailbox can be called so", dir);
	buf_fini(&name);
}

static bool
is_own(const char *name)
{
	return strcmp(name, "cur") == 0 || strcmp(name, "new") == 0 ||
	       strcmp(name, "tmp") == 0 || strcmp(name, ".") == 0 ||
	       strcmp(name, "..") == 0;
}

static void walk(
    struct maildir_source *s, int dir_fd, const char *path, unsigned depth);

static void
add_tree(struct maildir_source *s, int dir_fd, const char *path, unsigned depth)
{
	struct buf name;

	if (has_cur(dir_fd)) {
		buf_init(&name, (size_t)PATH_OCTETS * 4);
		if (mig_folder_name(str_of(path), '/', &name))
			add(s, buf_str(&name), path);
		else
			mig_note(&s->base,
			    "%.200s: no mailbox can be called so", path);
		buf_fini(&name);
	}
	walk(s, dir_fd, path, depth);
}

/* One entry of a directory. */
static void
look(struct maildir_source *s, int dir_fd, const char *path, const char *entry,
    unsigned depth)
{
	char below[PATH_OCTETS];
	struct stat st;
	int n, fd;

	if (is_own(entry) || (entry[0] == '.' && depth > 0))
		return;
	fd = mig_open_dir(dir_fd, entry);
	if (fd < 0) {
		if (fstatat(dir_fd, entry, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISLNK(st.st_mode))
			mig_note(&s->base,
			    "%.200s is a symbolic link: left out", entry);
		return;
	}
	n = snprintf(below, sizeof(below), "%s%s%s", path,
	    *path != '\0' ? "/" : "", entry);
	if (entry[0] == '.' && has_cur(fd))
		add_dotted(s, entry);
	else if (entry[0] != '.' && n > 0 && (size_t)n < sizeof(below))
		add_tree(s, fd, below, depth + 1);
	(void)close(fd);
}

static void
walk(struct maildir_source *s, int dir_fd, const char *path, unsigned depth)
{
	DIR *dir = depth < DEPTH_MAX ? fdopendir(dup(dir_fd)) : NULL;
	const struct dirent *e;

	if (dir == NULL)
		return;
	rewinddir(dir);
	while ((e = readdir(dir)) != NULL)
		if (e->d_type == DT_DIR || e->d_type == DT_UNKNOWN ||
		    e->d_type == DT_LNK)
			look(s, dir_fd, path, e->d_name, depth);
	(void)closedir(dir);
}

enum pst_rc
maildir_find_names(struct maildir_source *s, struct pst_error *err)
{
	if (has_cur(s->root_fd))
		add(s, STR("INBOX"), ".");
	walk(s, s->root_fd, "", 0);
	if (s->dirs.n == 0)
		return pst_fail(err, PST_E_NOTFOUND, 0,
		    "no Maildir is there: no directory with a \"cur\"");
	for (size_t i = 0; i < s->dirs.n; i++)
		s->is_tree |= s->dirs.v[i].special_use[0] != '.';
	mig_names_sort(&s->dirs);
	return PST_OK;
}

/* --- subscriptions ------------------------------------------------------- */

static void
subscribe(void *arg, struct pst_str name)
{
	mig_names_get(arg, name)->subscribed = true;
}

/* Courier's names begin with INBOX, which is the root. */
static void
subscribe_courier(void *arg, struct pst_str name)
{
	if (name.n > 6 && memcmp(name.p, "INBOX/", 6) == 0)
		name = str_from(name, 6);
	subscribe(arg, name);
}

enum pst_rc
maildir_subscriptions(
    struct maildir_source *s, struct mig_names *names, struct pst_error *err)
{
	struct buf text;
	enum pst_rc rc = PST_OK;

	buf_init(&text, MIG_LIST_MAX);
	if (s->kind != MIG_MAILDIR_COURIER)
		rc = mig_read_list(s->root_fd, "subscriptions", &text, err);
	if (rc == PST_OK && text.n > 0)
		mig_subscriptions(
		    buf_str(&text), s->is_tree ? '/' : '.', subscribe, names);
	if (rc == PST_OK && text.n == 0 && s->kind != MIG_MAILDIR_DOVECOT) {
		rc = mig_read_list(
		    s->root_fd, "courierimapsubscribed", &text, err);
		if (rc == PST_OK)
			mig_subscriptions(
			    buf_str(&text), '.', subscribe_courier, names);
	}
	buf_fini(&text);
	return rc;
}
