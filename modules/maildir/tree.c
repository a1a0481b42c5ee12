/*
 * tree.c - the mailboxes of an account as folders: list, create, remove and
 * rename. A folder is made under a hidden name and shows up in one rename; it
 * is removed the other way round. Renaming a mailbox with children takes many
 * renames: what is to be done is on the disk first, and is finished by the next
 * acct_open() after a crash.
 */
#include "maildir.h"

#include "kept.h"
#include "localindex/listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Growing list of names. */
struct names {
	char **v;
	size_t n, cap;
};

static void
names_add(struct names *l, const char *s)
{
	LI_PUSH(l->v, l->n, l->cap);
	l->v[l->n++] = li_strdup(s);
}

static void
names_free(struct names *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
}

static void
add_name(void *arg, const char *dir)
{
	names_add(arg, dir);
}

static int
each_entry(const struct pst_acct *a, void (*fn)(void *, const char *),
    void *arg, bool folders)
{
	int fd = openat(a->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *d;
	struct stat st;
	DIR *dir;

	if (fd < 0)
		return errno;
	dir = fdopendir(fd);
	if (dir == NULL) {
		int e = errno;

		(void)close(fd);
		return e;
	}
	while ((d = readdir(dir)) != NULL) {
		if (!folders) {
			if (strncmp(d->d_name, MD_TRASH_PREFIX,
				strlen(MD_TRASH_PREFIX)) == 0)
				fn(arg, d->d_name);
			continue;
		}
		if (d->d_name[0] != '.' || strcmp(d->d_name, ".") == 0 ||
		    strcmp(d->d_name, "..") == 0 ||
		    (d->d_type != DT_DIR && d->d_type != DT_UNKNOWN))
			continue;
		if (fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISDIR(st.st_mode))
			fn(arg, d->d_name);
	}
	(void)closedir(dir);
	return 0;
}

int
md_each_folder(
    const struct pst_acct *a, void (*fn)(void *, const char *), void *arg)
{
	return each_entry(a, fn, arg, true);
}

static bool
is_maildir(const struct pst_acct *a, const char *dir)
{
	char path[MD_NAME_MAX + 8];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/cur", dir[0] ? dir : ".");
	return fstatat(a->fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

/* Folders whose removal a crash cut short; once in an account's life. */
static void
sweep(struct pst_acct *a)
{
	struct names trash = { 0 };

	if (a->swept)
		return;
	a->swept = true;
	(void)each_entry(a, add_name, &trash, false);
	for (size_t i = 0; i < trash.n; i++)
		(void)li_remove_tree(a->fd, trash.v[i]);
	names_free(&trash);
}

/* --- list ----------------------------------------------------------------- */

/* Of a folder that is in use or not; makes no state for it. */
static char *
special_use_of(struct pst_acct *a, const char *dir)
{
	struct li_state st = { 0 };
	struct li_buf text = { 0 };
	const struct li_meta *m;
	struct md_folder *f;
	char path[MD_NAME_MAX + sizeof(LI_STATE_FILE) + 2], *use = NULL;

	for (f = a->folders; f != NULL; f = f->next) {
		if (strcmp(f->dir, dir) != 0)
			continue;
		(void)pthread_mutex_lock(&f->base.lock);
		m = li_meta_find(&f->base.state.meta, MD_SPECIAL_USE);
		use = m ? li_memdup(m->value, m->n) : NULL;
		(void)pthread_mutex_unlock(&f->base.lock);
		return use;
	}
	(void)snprintf(
	    path, sizeof(path), "%s/%s", dir[0] ? dir : ".", LI_STATE_FILE);
	if (li_read_file(a->fd, path, MD_FILE_MAX, &text) == 0 &&
	    li_state_parse((struct pst_str){ text.p, text.n }, &st) ==
		LI_STATE_OK) {
		m = li_meta_find(&st.meta, MD_SPECIAL_USE);
		use = m ? li_memdup(m->value, m->n) : NULL;
	}
	li_state_free(&st);
	li_buf_free(&text);
	return use;
}

static enum pst_rc
collect(struct pst_acct *a, struct li_listing *list, struct pst_error *err)
{
	struct names dirs = { 0 };
	enum pst_rc rc;
	int e;

	sweep(a);
	e = md_each_folder(a, add_name, &dirs);
	li_listing_add(list, "INBOX", special_use_of(a, ""));
	for (size_t i = 0; i < dirs.n; i++) {
		struct li_buf name = { 0 };

		if (is_maildir(a, dirs.v[i]) &&
		    md_folder_decode(dirs.v[i], &name))
			li_listing_add(
			    list, name.p, special_use_of(a, dirs.v[i]));
		li_buf_free(&name);
	}
	names_free(&dirs);
	rc = e ? md_fail(err, e, "list %s", a->path) : PST_OK;
	return rc ? rc : li_listing_complete(list, &a->files, err);
}

enum pst_rc
md_list(struct pst_acct *a, pst_mailbox_fn fn, void *arg, struct pst_error *err)
{
	struct li_listing list = { 0 };
	enum pst_rc rc;

	(void)pthread_mutex_lock(&a->lock);
	rc = collect(a, &list, err);
	(void)pthread_mutex_unlock(&a->lock);
	if (rc == PST_OK)
		li_listing_tell(&list, fn, arg);
	li_listing_free(&list);
	return rc;
}

/* --- create and remove ---------------------------------------------------- */

static int
make_empty(int dirfd, const char *name)
{
	int fd = openat(
	    dirfd, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd < 0 ? errno : close(fd) < 0 ? errno : 0;
}

/* Fills a folder that nobody sees, or one without "cur". */
static int
fill_folder(struct pst_acct *a, int fd, uint32_t uidvalidity, const char *use)
{
	struct li_buf text = { 0 };
	struct li_state st;
	int e;

	li_state_begin(a->store->host, uidvalidity, &st);
	if (use[0] != '\0')
		li_meta_set(&st.meta, MD_SPECIAL_USE,
		    (struct pst_str){ use, strlen(use) });
	li_state_print(&text, &st);
	li_state_free(&st);
	e = li_replace_file(fd, LI_STATE_FILE, text.p, text.n,
	    md_sync_kind(a->store, LI_SYNC_FILE));
	li_buf_free(&text);
	if (e == 0)
		e = make_empty(fd, "maildirfolder");
	if (e == 0 && ((mkdirat(fd, "tmp", 0700) < 0 && errno != EEXIST) ||
			  (mkdirat(fd, "new", 0700) < 0 && errno != EEXIST) ||
			  mkdirat(fd, "cur", 0700) < 0))
		e = errno;
	return e ? e : md_sync(a->store, fd);
}

static int
make_mailbox(
    struct pst_acct *a, const char *dir, uint32_t uidvalidity, const char *use)
{
	char temp[64] = MD_TRASH_PREFIX;
	const char *at = dir;
	struct stat st;
	int fd, e = 0;

	/* A folder that is there but no mailbox is made one in its place. */
	if (fstatat(a->fd, dir, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			return errno;
		md_random_hex(a->store, temp + strlen(temp), 8);
		at = temp;
		if (mkdirat(a->fd, temp, 0700) < 0)
			return errno;
	}
	fd = openat(a->fd, at, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		e = errno;
	if (e == 0)
		e = fill_folder(a, fd, uidvalidity, use);
	if (fd >= 0)
		(void)close(fd);
	if (e == 0 && at == temp)
		e = li_rename_new(a->fd, temp, a->fd, dir);
	if (e != 0 && at == temp)
		(void)li_remove_tree(a->fd, temp);
	if (e == 0) {
		e = md_sync(a->store, a->fd);
		if (e != 0 && at == temp)
			(void)li_remove_tree(a->fd, dir);
	}
	return e;
}

enum pst_rc
md_create(struct pst_acct *a, const char *name, const char *special_use,
    struct pst_error *err)
{
	struct li_buf dir = { 0 };
	uint32_t uidvalidity = 0;
	enum pst_rc rc;
	int e;

	rc = md_folder_encode(name, &dir, err);
	if (rc != PST_OK) {
		li_buf_free(&dir);
		return rc;
	}
	(void)pthread_mutex_lock(&a->lock);
	sweep(a);
	if (is_maildir(a, dir.p))
		rc = pst_fail(err, PST_E_EXISTS, 0, "%.100s/%.100s exists",
		    a->path, dir.p);
	if (rc == PST_OK)
		rc = li_account_uidvalidity(&a->files, &uidvalidity, err);
	if (rc == PST_OK) {
		e = make_mailbox(a, dir.p, uidvalidity, special_use);
		if (e != 0)
			rc = md_fail(err, e, "create %s/%s", a->path, dir.p);
	}
	(void)pthread_mutex_unlock(&a->lock);
	li_buf_free(&dir);
	return rc;
}

/* A mailbox of that name that comes later has a larger UIDVALIDITY. */
static enum pst_rc
retire_name(struct pst_acct *a, const char *dir, struct pst_error *err)
{
	char path[MD_NAME_MAX + sizeof(LI_STATE_FILE) + 2];
	struct li_buf text = { 0 };
	struct li_state st = { 0 };
	enum pst_rc rc = PST_OK;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, LI_STATE_FILE);
	if (li_read_file(a->fd, path, MD_FILE_MAX, &text) == 0 &&
	    li_state_parse((struct pst_str){ text.p, text.n }, &st) ==
		LI_STATE_OK)
		rc = li_account_retire(&a->files, st.uidvalidity, err);
	li_state_free(&st);
	li_buf_free(&text);
	return rc;
}

static enum pst_rc
remove_folder(
    struct pst_acct *a, const char *dir, bool keep, struct pst_error *err)
{
	char trash[64] = MD_TRASH_PREFIX;
	enum pst_rc rc;
	int e = ENODATA;

	if (!is_maildir(a, dir))
		return pst_fail(err, PST_E_NOTFOUND, 0,
		    "%.100s has no folder %.100s", a->path, dir);
	rc = retire_name(a, dir, err);
	if (rc != PST_OK)
		return rc;
	if (keep)
		e = md_keep_folder(a, dir);
	if (e == 0)
		return PST_OK;
	if (e != ENODATA)
		a->store->host->log(PST_LOG_WARNING,
		    "maildir: %s/%s is not kept for undelete: %s", a->path, dir,
		    strerrordesc_np(e));
	md_random_hex(a->store, trash + strlen(trash), 8);
	e = li_rename_new(a->fd, dir, a->fd, trash);
	if (e == 0)
		e = md_sync(a->store, a->fd);
	if (e != 0)
		return md_fail(err, e, "remove %s/%s", a->path, dir);
	/* It is gone already; what stays is swept another time. */
	e = li_remove_tree(a->fd, trash);
	if (e != 0)
		a->store->host->log(PST_LOG_WARNING,
		    "maildir: %s/%s cannot be removed: errno %d", a->path,
		    trash, e);
	return PST_OK;
}

static enum pst_rc
remove_mailbox(
    struct pst_acct *a, const char *name, bool keep, struct pst_error *err)
{
	struct li_buf dir = { 0 };
	enum pst_rc rc = md_folder_encode(name, &dir, err);

	if (rc == PST_OK && dir.n == 0)
		rc = pst_fail(err, PST_E_PERM, 0, "INBOX cannot be removed");
	if (rc == PST_OK) {
		(void)pthread_mutex_lock(&a->lock);
		rc = remove_folder(a, dir.p, keep, err);
		(void)pthread_mutex_unlock(&a->lock);
	}
	li_buf_free(&dir);
	return rc;
}

enum pst_rc
md_remove(struct pst_acct *a, const char *name, struct pst_error *err)
{
	return remove_mailbox(a, name, false, err);
}

enum pst_rc
md_remove_keep(struct pst_acct *a, const char *name, struct pst_error *err)
{
	return remove_mailbox(a, name, md_may_keep(a), err);
}

/* --- rename --------------------------------------------------------------- */

/* Pairs of folders: old, new, old, new. */
static int
write_intent(struct pst_acct *a, const struct names *pairs)
{
	struct li_buf text = { 0 };
	int e;

	li_buf_puts(&text, "postern-rename 1\n");
	for (size_t i = 0; i + 1 < pairs->n; i += 2) {
		li_escape(&text, pairs->v[i], strlen(pairs->v[i]), true);
		li_buf_putc(&text, ' ');
		li_escape(
		    &text, pairs->v[i + 1], strlen(pairs->v[i + 1]), true);
		li_buf_putc(&text, '\n');
	}
	li_buf_puts(&text, "end\n");
	e = li_replace_file(a->fd, MD_RENAME_FILE, text.p, text.n,
	    md_sync_kind(a->store, LI_SYNC_FULL));
	li_buf_free(&text);
	return e;
}

static int
drop_intent(struct pst_acct *a)
{
	if (unlinkat(a->fd, MD_RENAME_FILE, 0) < 0)
		return errno;
	return md_sync(a->store, a->fd);
}

/* Both names stay inside of the account whatever the file says. */
static bool
is_folder_name(const struct li_buf *b)
{
	return b->n > 1 && b->p[0] == '.' && strlen(b->p) == b->n &&
	       strcmp(b->p, "..") != 0 && strchr(b->p, '/') == NULL;
}

enum pst_rc
md_rename_finish(struct pst_acct *a, struct pst_error *err)
{
	struct li_buf text = { 0 };
	struct pst_str rest, line, from;
	int e = li_read_file(a->fd, MD_RENAME_FILE, MD_FILE_MAX, &text);

	if (e == ENOENT) {
		li_buf_free(&text);
		return PST_OK;
	}
	rest = (struct pst_str){ text.p, text.n };
	if (e == 0 &&
	    (!li_next_line(&rest, &line) || !li_is(line, "postern-rename 1")))
		e = EINVAL;
	while (e == 0 && li_next_line(&rest, &line) && !li_is(line, "end")) {
		struct li_buf f = { 0 }, t = { 0 };

		if (li_next_word(&line, &from) &&
		    li_unescape(&f, from.p, from.n) &&
		    li_unescape(&t, line.p, line.n) && is_folder_name(&f) &&
		    is_folder_name(&t)) {
			e = li_rename_new(a->fd, f.p, a->fd, t.p);
			if (e == ENOENT || e == EEXIST)
				e = 0; /* this one was done before */
		}
		li_buf_free(&f);
		li_buf_free(&t);
	}
	li_buf_free(&text);
	if (e == 0)
		e = md_sync(a->store, a->fd);
	if (e == 0)
		e = drop_intent(a);
	if (e != 0)
		return pst_fail(err, PST_E_TEMP, e,
		    "%.150s/%s cannot be finished", a->path, MD_RENAME_FILE);
	return PST_OK;
}

/* The folders of the tree below `from`, each with its new name. */
static enum pst_rc
plan_rename(struct pst_acct *a, const char *from, const char *to,
    struct names *pairs, struct pst_error *err)
{
	struct names all = { 0 };
	size_t from_n = strlen(from);
	enum pst_rc rc = PST_OK;
	struct stat st;
	int e = md_each_folder(a, add_name, &all);

	if (e != 0)
		rc = md_fail(err, e, "list %s", a->path);
	for (size_t i = 0; rc == PST_OK && i < all.n; i++) {
		const char *dir = all.v[i];
		struct li_buf target = { 0 };

		if (strncmp(dir, from, from_n) != 0 ||
		    (dir[from_n] != '\0' && dir[from_n] != '.'))
			continue;
		li_buf_puts(&target, to);
		li_buf_puts(&target, dir + from_n);
		if (target.n > MD_NAME_MAX)
			rc = pst_fail(err, PST_E_LIMIT, 0,
			    "%.100s: a name gets too long", a->path);
		else if (fstatat(a->fd, target.p, &st, AT_SYMLINK_NOFOLLOW) ==
			 0)
			rc = pst_fail(err, PST_E_EXISTS, 0,
			    "%.80s/%.80s exists", a->path, target.p);
		else
			rc = retire_name(a, dir, err);
		names_add(pairs, dir);
		names_add(pairs, target.p);
		li_buf_free(&target);
	}
	names_free(&all);
	return rc;
}

static enum pst_rc
do_rename(struct pst_acct *a, const struct names *pairs, struct pst_error *err)
{
	size_t done = 0;
	int e = 0, undo = 0;

	/* One rename needs no plan. */
	if (pairs->n > 2)
		e = write_intent(a, pairs);
	if (e != 0)
		return md_fail(err, e, "write %s/%s", a->path, MD_RENAME_FILE);
	for (; e == 0 && done + 1 < pairs->n; done += 2)
		e = li_rename_new(
		    a->fd, pairs->v[done], a->fd, pairs->v[done + 1]);
	if (e == 0)
		e = md_sync(a->store, a->fd);
	else
		done -= 2;
	if (e != 0)
		while (done >= 2 && undo == 0) {
			done -= 2;
			undo = li_rename_new(
			    a->fd, pairs->v[done + 1], a->fd, pairs->v[done]);
		}
	if (pairs->n > 2 && undo == 0)
		(void)drop_intent(a);
	return e ? md_fail(err, e, "rename %s/%s", a->path,
		       pairs->n > 0 ? pairs->v[0] : "")
		 : PST_OK;
}

static enum pst_rc
rename_tree(
    struct pst_acct *a, const char *from, const char *to, struct pst_error *err)
{
	struct names pairs = { 0 };
	size_t from_n = strlen(from);
	enum pst_rc rc;

	if (!is_maildir(a, from))
		return pst_fail(err, PST_E_NOTFOUND, 0,
		    "%.100s has no folder %.100s", a->path, from);
	if (is_maildir(a, to))
		return pst_fail(
		    err, PST_E_EXISTS, 0, "%.100s/%.100s exists", a->path, to);
	if (strncmp(from, to, from_n) == 0 && to[from_n] == '.')
		return pst_fail(err, PST_E_PERM, 0,
		    "%.100s/%.100s cannot move into itself", a->path, from);
	rc = plan_rename(a, from, to, &pairs, err);
	if (rc == PST_OK)
		rc = do_rename(a, &pairs, err);
	names_free(&pairs);
	return rc;
}

enum pst_rc
md_rename(
    struct pst_acct *a, const char *from, const char *to, struct pst_error *err)
{
	struct li_buf old = { 0 }, new = { 0 };
	enum pst_rc rc = md_folder_encode(from, &old, err);

	if (rc == PST_OK)
		rc = md_folder_encode(to, &new, err);
	if (rc == PST_OK && (old.n == 0 || new.n == 0))
		rc = pst_fail(err, old.n == 0 ? PST_E_PERM : PST_E_EXISTS, 0,
		    "INBOX cannot be renamed");
	if (rc == PST_OK) {
		(void)pthread_mutex_lock(&a->lock);
		rc = rename_tree(a, old.p, new.p, err);
		(void)pthread_mutex_unlock(&a->lock);
	}
	li_buf_free(&old);
	li_buf_free(&new);
	return rc;
}
