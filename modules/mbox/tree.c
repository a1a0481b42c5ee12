/*
 * tree.c - the mailboxes of an account as files and folders: list, create,
 * remove and rename. A mailbox is there when its file is there, so our folder
 * of it is made before and removed after. Renaming takes up to three renames,
 * whatever is below: what is to be done is on the disk first, and is finished
 * by the next acct_open() after a crash.
 */
#include "mbox.h"

#include "localindex/listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- walking ----------------------------------------------------------------
 */

struct walk {
	const struct pst_acct *acct;
	mb_mailbox_fn fn;
	void *arg;
	struct li_buf path, name;
};

/* A mailbox is empty, or begins as one does, or as one that was torn. */
static bool
is_mailbox(int dirfd, const char *file)
{
	static const char from[] = "From ";
	char begin[5];
	ssize_t n = 0;
	struct stat st;
	int fd;

	if (fstatat(dirfd, file, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode))
		return false;
	if (st.st_size == 0)
		return true;
	fd = openat(dirfd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0) {
		n = pread(fd, begin, sizeof(begin), 0);
		(void)close(fd);
	}
	return n > 0 &&
	       (memcmp(begin, from, (size_t)n) == 0 || begin[0] == '\0');
}

static int walk_folder(struct walk *w, int fd, unsigned depth);

static int
walk_entry(struct walk *w, int fd, const char *file, unsigned depth)
{
	size_t path_n = w->path.n, name_n = w->name.n, n = strlen(file);
	size_t below = strlen(MB_BELOW);
	bool is_below = n > below && strcmp(file + n - below, MB_BELOW) == 0;
	char *level = li_memdup(file, is_below ? n - below : n);
	int e = 0, sub;

	if (w->name.n > 0)
		li_buf_putc(&w->name, '/');
	li_buf_puts(&w->path, file);
	if (!mb_path_level(level, depth == 1, &w->name)) {
		;
	} else if (is_below && depth < MB_DEPTH_MAX) {
		sub = openat(
		    fd, file, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		li_buf_putc(&w->path, '/');
		if (sub >= 0)
			e = walk_folder(w, sub, depth + 1);
	} else if (!is_below && ((depth == 1 && strcmp(file, "INBOX") == 0) ||
				    is_mailbox(fd, file))) {
		w->fn(w->arg, w->path.p, w->name.p);
	}
	free(level);
	w->path.n = path_n;
	w->path.p[path_n] = '\0';
	w->name.n = name_n;
	w->name.p[name_n] = '\0';
	return e;
}

/* Takes over `fd`. */
static int
walk_folder(struct walk *w, int fd, unsigned depth)
{
	DIR *dir = fdopendir(fd);
	struct dirent *d;
	int e = 0;

	if (dir == NULL) {
		e = errno;
		(void)close(fd);
		return e;
	}
	while (e == 0 && (d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.')
			e = walk_entry(w, fd, d->d_name, depth);
	(void)closedir(dir);
	return e;
}

int
mb_each_mailbox(const struct pst_acct *a, mb_mailbox_fn fn, void *arg)
{
	struct walk w = { .acct = a, .fn = fn, .arg = arg };
	int e, fd = openat(a->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	li_buf_add(&w.path, "", 0);
	li_buf_add(&w.name, "", 0);
	e = walk_folder(&w, fd, 1);
	li_buf_free(&w.path);
	li_buf_free(&w.name);
	return e;
}

int
mb_open_parent(const struct pst_acct *a, const char *path, const char **name_r)
{
	const char *slash = strrchr(path, '/');
	char *parent;
	int fd;

	*name_r = slash != NULL ? slash + 1 : path;
	parent = slash != NULL ? li_memdup(path, (size_t)(slash - path))
			       : li_strdup(".");
	fd = openat(
	    a->fd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	free(parent);
	return fd;
}

static bool
is_there(const struct pst_acct *a, const char *path)
{
	struct stat st;

	return fstatat(a->fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Makes a change of names in the folder of `path` durable. */
static int
sync_parent(const struct pst_acct *a, const char *path)
{
	const char *name;
	int e, fd = mb_open_parent(a, path, &name);

	if (fd < 0)
		return errno;
	e = mb_sync_file(a->store, fd);
	(void)close(fd);
	return e;
}

/* --- list -------------------------------------------------------------------
 */

/* The state of a mailbox that is in use or not; makes none. */
static bool
peek_state(struct pst_acct *a, const char *path, struct li_state *st)
{
	struct li_buf text = { 0 }, file = { 0 };
	bool ok;

	*st = (struct li_state){ 0 };
	mb_path_index(path, &file);
	li_buf_puts(&file, "/" LI_STATE_FILE);
	ok = li_read_file(a->fd, file.p, LI_FILE_MAX, &text) == 0 &&
	     li_state_parse((struct pst_str){ text.p, text.n }, st) ==
		 LI_STATE_OK;
	li_buf_free(&text);
	li_buf_free(&file);
	return ok;
}

static char *
special_use_of(struct pst_acct *a, const char *path)
{
	const struct li_meta *m;
	struct li_state st;
	char *use = NULL;

	for (struct mb_folder *f = a->folders; f != NULL; f = f->next) {
		if (strcmp(f->path, path) != 0)
			continue;
		(void)pthread_mutex_lock(&f->base.lock);
		m = li_meta_find(&f->base.state.meta, MB_SPECIAL_USE);
		use = m ? li_memdup(m->value, m->n) : NULL;
		(void)pthread_mutex_unlock(&f->base.lock);
		return use;
	}
	if (peek_state(a, path, &st)) {
		m = li_meta_find(&st.meta, MB_SPECIAL_USE);
		use = m ? li_memdup(m->value, m->n) : NULL;
	}
	li_state_free(&st);
	return use;
}

struct collect {
	struct pst_acct *acct;
	struct li_listing list;
	const char *objectid;
	const char *but;
	bool found;
};

static void
add_row(void *arg, const char *path, const char *name)
{
	struct collect *c = arg;

	li_listing_add(&c->list, name, special_use_of(c->acct, path));
}

enum pst_rc
mb_list(struct pst_acct *a, pst_mailbox_fn fn, void *arg, struct pst_error *err)
{
	struct collect c = { .acct = a };
	enum pst_rc rc = PST_OK;
	int e;

	(void)pthread_mutex_lock(&a->lock);
	e = mb_each_mailbox(a, add_row, &c);
	if (e != 0)
		rc = mb_fail(err, e, "list %s", a->path);
	/* Somebody may have removed its file; it always exists. */
	if (rc == PST_OK && !is_there(a, "INBOX"))
		li_listing_add(&c.list, "INBOX", special_use_of(a, "INBOX"));
	if (rc == PST_OK)
		rc = li_listing_complete(&c.list, &a->files, err);
	(void)pthread_mutex_unlock(&a->lock);
	if (rc == PST_OK)
		li_listing_tell(&c.list, fn, arg);
	li_listing_free(&c.list);
	return rc;
}

static void
compare_id(void *arg, const char *path, const char *name)
{
	struct collect *c = arg;
	struct li_state st;

	(void)name;
	if (strcmp(path, c->but) != 0 && peek_state(c->acct, path, &st)) {
		c->found |= strcmp(st.objectid, c->objectid) == 0;
		li_state_free(&st);
	}
}

bool
mb_has_objectid(
    struct pst_acct *a, const char *objectid, const struct mb_folder *but)
{
	struct collect c = {
		.acct = a, .objectid = objectid, .but = but->path
	};

	(void)mb_each_mailbox(a, compare_id, &c);
	return c.found;
}

/* --- create and remove ------------------------------------------------------
 */

/* The folders above a mailbox. */
static int
make_parents(const struct pst_acct *a, const char *path)
{
	char *copy = li_strdup(path);
	int e = 0;

	for (char *p = copy; e == 0 && (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		if (mkdirat(a->fd, copy, 0700) == 0)
			e = sync_parent(a, copy);
		else if (errno != EEXIST)
			e = errno;
		*p = '/';
	}
	free(copy);
	return e;
}

/* Folders above a mailbox that is gone, as far as nothing is in them. */
static void
drop_parents(const struct pst_acct *a, const char *path)
{
	char *copy = li_strdup(path), *slash;
	bool empty = true;

	while (empty && (slash = strrchr(copy, '/')) != NULL) {
		*slash = '\0';
		empty = unlinkat(a->fd, copy, AT_REMOVEDIR) == 0;
	}
	free(copy);
}

/* A mailbox of that name that comes later has a larger UIDVALIDITY. */
static enum pst_rc
retire_name(struct pst_acct *a, const char *path, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;
	struct li_state st;

	if (peek_state(a, path, &st))
		rc = li_account_retire(&a->files, st.uidvalidity, err);
	li_state_free(&st);
	return rc;
}

static int
make_state(struct pst_acct *a, int fd, uint32_t uidvalidity, const char *use)
{
	struct li_buf text = { 0 };
	struct li_state st;
	int e;

	li_state_begin(a->store->host, uidvalidity, &st);
	if (use[0] != '\0')
		li_meta_set(&st.meta, MB_SPECIAL_USE,
		    (struct pst_str){ use, strlen(use) });
	li_state_print(&text, &st);
	li_state_free(&st);
	e = li_replace_file(fd, LI_STATE_FILE, text.p, text.n,
	    mb_sync_kind(a->store, LI_SYNC_FULL));
	li_buf_free(&text);
	return e;
}

static int
make_mailbox(
    struct pst_acct *a, const char *path, uint32_t uidvalidity, const char *use)
{
	struct li_buf index = { 0 };
	int e = make_parents(a, path), fd = -1;

	mb_path_index(path, &index);
	/* What an earlier mailbox of the name left behind. */
	if (e == 0)
		e = li_remove_tree(a->fd, index.p);
	if (e == 0 && mkdirat(a->fd, index.p, 0700) < 0)
		e = errno;
	if (e == 0)
		fd = openat(a->fd, index.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (e == 0 && fd < 0)
		e = errno;
	if (e == 0)
		e = make_state(a, fd, uidvalidity, use);
	if (fd >= 0)
		(void)close(fd);
	if (e == 0) {
		fd = openat(a->fd, path,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			e = errno;
		else
			(void)close(fd);
	}
	if (e == 0)
		e = sync_parent(a, path);
	if (e != 0) {
		(void)li_remove_tree(a->fd, index.p);
		drop_parents(a, path);
	}
	li_buf_free(&index);
	return e;
}

enum pst_rc
mb_create(struct pst_acct *a, const char *name, const char *special_use,
    struct pst_error *err)
{
	struct li_buf path = { 0 };
	uint32_t uidvalidity = 0;
	enum pst_rc rc = mb_path(name, &path, err);
	int e;

	if (rc != PST_OK) {
		li_buf_free(&path);
		return rc;
	}
	(void)pthread_mutex_lock(&a->lock);
	if (is_there(a, path.p))
		rc = pst_fail(err, PST_E_EXISTS, 0, "%.100s/%.100s exists",
		    a->path, path.p);
	if (rc == PST_OK)
		rc = retire_name(a, path.p, err);
	if (rc == PST_OK)
		rc = li_account_uidvalidity(&a->files, &uidvalidity, err);
	if (rc == PST_OK) {
		e = make_mailbox(a, path.p, uidvalidity, special_use);
		if (e != 0)
			rc = mb_fail(err, e, "create %s/%s", a->path, path.p);
	}
	(void)pthread_mutex_unlock(&a->lock);
	li_buf_free(&path);
	return rc;
}

/* Which mailbox a name is, for what must be there and not be INBOX. */
static enum pst_rc
path_of(struct pst_acct *a, const char *name, struct li_buf *path,
    struct pst_error *err)
{
	struct stat st;
	enum pst_rc rc = mb_path(name, path, err);

	if (rc != PST_OK)
		return rc;
	if (strcmp(path->p, "INBOX") == 0)
		return pst_fail(err, PST_E_PERM, 0, "INBOX stays where it is");
	if (fstatat(a->fd, path->p, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode))
		return pst_fail(err, PST_E_NOTFOUND, 0,
		    "%.100s has no mailbox %.100s", a->path, path->p);
	return PST_OK;
}

static enum pst_rc
remove_mailbox(struct pst_acct *a, const char *path, struct pst_error *err)
{
	char trash[64] = MB_TRASH_PREFIX;
	struct li_buf index = { 0 };
	enum pst_rc rc = retire_name(a, path, err);
	int e;

	if (rc != PST_OK)
		return rc;
	/* Out of sight at once; what stays is swept another time. */
	li_random_hex(a->store->host, trash + strlen(trash), 8);
	e = li_rename_new(a->fd, path, a->own_fd, trash);
	if (e == 0)
		e = sync_parent(a, path);
	if (e != 0)
		return mb_fail(err, e, "remove %s/%s", a->path, path);
	(void)unlinkat(a->own_fd, trash, 0);
	mb_path_index(path, &index);
	e = li_remove_tree(a->fd, index.p);
	if (e != 0)
		a->store->host->log(PST_LOG_WARNING,
		    "mbox: %s/%s cannot be removed: errno %d", a->path, index.p,
		    e);
	drop_parents(a, path);
	li_buf_free(&index);
	return PST_OK;
}

enum pst_rc
mb_remove(struct pst_acct *a, const char *name, struct pst_error *err)
{
	struct li_buf path = { 0 };
	enum pst_rc rc;

	(void)pthread_mutex_lock(&a->lock);
	rc = path_of(a, name, &path, err);
	if (rc == PST_OK)
		rc = remove_mailbox(a, path.p, err);
	(void)pthread_mutex_unlock(&a->lock);
	li_buf_free(&path);
	return rc;
}

/* --- rename -----------------------------------------------------------------
 */

/* What goes where, in this order: our folder, what is below, the file. */
struct renames {
	struct li_buf from[3], to[3];
};

static void
plan(struct renames *r, const char *from, const char *to)
{
	*r = (struct renames){ 0 };
	mb_path_index(from, &r->from[0]);
	mb_path_index(to, &r->to[0]);
	mb_path_below(from, &r->from[1]);
	mb_path_below(to, &r->to[1]);
	li_buf_puts(&r->from[2], from);
	li_buf_puts(&r->to[2], to);
}

static void
plan_free(struct renames *r)
{
	for (int i = 0; i < 3; i++) {
		li_buf_free(&r->from[i]);
		li_buf_free(&r->to[i]);
	}
}

/* Each step may have been done before. The file comes last: with it the
 * mailbox has moved. */
static int
carry_out(struct pst_acct *a, const char *from, const char *to)
{
	struct renames r;
	int e = make_parents(a, to);

	plan(&r, from, to);
	/* Of a mailbox that somebody else removed. */
	if (e == 0 && is_there(a, r.from[0].p) && is_there(a, r.to[0].p))
		e = li_remove_tree(a->fd, r.to[0].p);
	for (int i = 0; i < 3 && e == 0; i++) {
		e = li_rename_new(a->fd, r.from[i].p, a->fd, r.to[i].p);
		if (e == ENOENT)
			e = 0;
	}
	plan_free(&r);
	if (e == 0)
		e = sync_parent(a, to);
	if (e == 0 && sync_parent(a, from) == 0)
		drop_parents(a, from);
	return e;
}

static int
write_intent(struct pst_acct *a, const char *from, const char *to)
{
	struct li_buf text = { 0 };
	int e;

	li_buf_puts(&text, "postern-rename 1\n");
	li_escape(&text, from, strlen(from), true);
	li_buf_putc(&text, ' ');
	li_escape(&text, to, strlen(to), true);
	li_buf_puts(&text, "\nend\n");
	e = li_replace_file(a->own_fd, MB_RENAME_FILE, text.p, text.n,
	    mb_sync_kind(a->store, LI_SYNC_FULL));
	li_buf_free(&text);
	return e;
}

static int
drop_intent(struct pst_acct *a)
{
	if (unlinkat(a->own_fd, MB_RENAME_FILE, 0) < 0)
		return errno;
	return mb_sync_file(a->store, a->own_fd);
}

/* A path stays inside of the account whatever the file says. */
static bool
is_path(const struct li_buf *b)
{
	if (b->n == 0 || b->n > MB_PATH_MAX || strlen(b->p) != b->n)
		return false;
	for (const char *p = b->p;; p++) {
		if (*p == '.' || *p == '/' || *p == '\0')
			return false;
		p = strchrnul(p, '/');
		if (*p == '\0')
			return true;
	}
}

static bool
read_intent(struct pst_str text, struct li_buf *from, struct li_buf *to)
{
	struct pst_str line, word;

	return li_next_line(&text, &line) && li_is(line, "postern-rename 1") &&
	       li_next_line(&text, &line) && li_next_word(&line, &word) &&
	       li_unescape(from, word.p, word.n) &&
	       li_unescape(to, line.p, line.n) && is_path(from) &&
	       is_path(to) && li_next_line(&text, &line) && li_is(line, "end");
}

static void
sweep(struct pst_acct *a)
{
	int fd = openat(a->own_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;

	if (dir == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	while ((d = readdir(dir)) != NULL)
		if (strncmp(d->d_name, MB_TRASH_PREFIX,
			strlen(MB_TRASH_PREFIX)) == 0)
			(void)unlinkat(fd, d->d_name, 0);
	(void)closedir(dir);
}

enum pst_rc
mb_rename_finish(struct pst_acct *a, struct pst_error *err)
{
	struct li_buf text = { 0 }, from = { 0 }, to = { 0 };
	int e = li_read_file(a->own_fd, MB_RENAME_FILE, LI_FILE_MAX, &text);

	if (!a->swept)
		sweep(a);
	a->swept = true;
	if (e == 0 &&
	    read_intent((struct pst_str){ text.p, text.n }, &from, &to))
		e = carry_out(a, from.p, to.p);
	if (e == 0)
		e = drop_intent(a);
	li_buf_free(&text);
	li_buf_free(&from);
	li_buf_free(&to);
	if (e != 0 && e != ENOENT)
		return pst_fail(err, PST_E_TEMP, e,
		    "a rename in %.150s cannot be finished", a->path);
	return PST_OK;
}

static void
retire_below(void *arg, const char *path, const char *name)
{
	struct collect *c = arg;
	size_t n = strlen(c->but);

	(void)name;
	if (strncmp(path, c->but, n) == 0 && path[n] == '/')
		c->found |= retire_name(c->acct, path, NULL) != PST_OK;
}

/* Mailboxes that get the old names later have larger UIDVALIDITYs. */
static enum pst_rc
retire_tree(struct pst_acct *a, const char *path, struct pst_error *err)
{
	struct li_buf below = { 0 };
	struct collect c = { .acct = a };
	enum pst_rc rc = retire_name(a, path, err);

	mb_path_below(path, &below);
	c.but = below.p;
	if (rc == PST_OK &&
	    (mb_each_mailbox(a, retire_below, &c) != 0 || c.found))
		rc = pst_fail(err, PST_E_TEMP, 0, "list %.150s", a->path);
	li_buf_free(&below);
	return rc;
}

static enum pst_rc
check_rename(
    struct pst_acct *a, const char *from, const char *to, struct pst_error *err)
{
	struct renames r;
	size_t n = strlen(from);
	enum pst_rc rc = PST_OK;

	plan(&r, from, to);
	if (is_there(a, to))
		rc = pst_fail(
		    err, PST_E_EXISTS, 0, "%.100s/%.100s exists", a->path, to);
	else if (is_there(a, r.from[1].p) && is_there(a, r.to[1].p))
		rc = pst_fail(err, PST_E_EXISTS, 0, "%.100s/%.100s exists",
		    a->path, r.to[1].p);
	else if (strncmp(from, to, n) == 0 &&
		 strncmp(to + n, MB_BELOW "/", strlen(MB_BELOW) + 1) == 0)
		rc = pst_fail(err, PST_E_PERM, 0,
		    "%.100s/%.100s cannot move into itself", a->path, from);
	plan_free(&r);
	return rc;
}

static enum pst_rc
rename_mailbox(
    struct pst_acct *a, const char *from, const char *to, struct pst_error *err)
{
	enum pst_rc rc = check_rename(a, from, to, err);
	int e = 0;

	if (rc == PST_OK)
		rc = retire_tree(a, from, err);
	if (rc == PST_OK)
		rc = retire_name(a, to, err);
	if (rc != PST_OK)
		return rc;
	e = write_intent(a, from, to);
	if (e == 0)
		e = carry_out(a, from, to);
	/* Back as far as it came; what does not go back is finished later. */
	if (e != 0 && is_there(a, from) && carry_out(a, to, from) != 0)
		return mb_fail(err, e, "rename %s/%s", a->path, from);
	(void)drop_intent(a);
	return e ? mb_fail(err, e, "rename %s/%s", a->path, from) : PST_OK;
}

enum pst_rc
mb_rename(
    struct pst_acct *a, const char *from, const char *to, struct pst_error *err)
{
	struct li_buf old = { 0 }, new = { 0 };
	enum pst_rc rc = mb_path(to, &new, err);

	(void)pthread_mutex_lock(&a->lock);
	if (rc == PST_OK)
		rc = path_of(a, from, &old, err);
	if (rc == PST_OK)
		rc = rename_mailbox(a, old.p, new.p, err);
	(void)pthread_mutex_unlock(&a->lock);
	li_buf_free(&old);
	li_buf_free(&new);
	return rc;
}
