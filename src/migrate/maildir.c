/*
 * maildir.c - a Maildir of another server, as a source: its messages by uid,
 * and those that have none yet by the time in their names.
 */
#include "migrate/maildir.h"

#include "base/str.h"
#include "migrate/files.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 65536, WORDS_MAX = 1 << 20 };

static struct maildir_source *
self(struct mig_source *base)
{
	return (struct maildir_source *)base;
}

/* --- the list of messages ------------------------------------------------ */

static void
add_file(struct maildir_source *s, const char *name, bool is_new)
{
	const struct mig_uid *listed = mig_uidlist_find(
	    &s->beside.list, mig_file_base(str_of(name)));
	struct maildir_file *f;

	mem_grow(&s->file, &s->cap, s->n + 1, sizeof(*s->file));
	f = &s->file[s->n++];
	*f = (struct maildir_file){ .is_new = is_new,
		.name = arena_text(s->texts, str_of(name)) };
	if (listed != NULL) {
		f->uid = listed->uid;
		f->uidl = listed->uidl;
		f->guid = listed->guid;
	}
}

static enum pst_rc
scan(struct maildir_source *s, bool is_new, struct pst_error *err)
{
	const char *which = is_new ? "new" : "cur";
	int fd = mig_open_dir(s->dir_fd, which);
	const struct dirent *e;
	DIR *dir;

	if (fd < 0)
		return errno == ENOENT ? PST_OK
				       : pst_fail(err, PST_E_PERM, errno,
					     "%s: %s", which, strerror(errno));
	dir = fdopendir(fd);
	if (dir == NULL) {
		(void)close(fd);
		return pst_fail(
		    err, PST_E_TEMP, errno, "%s: %s", which, strerror(errno));
	}
	while ((e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.' &&
		    (e->d_type == DT_REG || e->d_type == DT_UNKNOWN))
			add_file(s, e->d_name, is_new);
	(void)closedir(dir);
	return PST_OK;
}

/* Names begin with the time of arrival. */
static int
compare_files(const void *a, const void *b)
{
	const struct maildir_file *x = a, *y = b;
	unsigned long long s, t;

	if (x->uid != y->uid)
		return x->uid - 1 < y->uid - 1 ? -1 : 1; /* 0 is last */
	s = strtoull(x->name, NULL, 10);
	t = strtoull(y->name, NULL, 10);
	if (s != t)
		return s < t ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void
sort(struct maildir_source *s)
{
	if (s->n > 0)
		qsort(s->file, s->n, sizeof(*s->file), compare_files);
}

/* A file may be there twice (a rename was seen at both ends), and a damaged
 * list may give two files one uid. */
static void
tidy(struct maildir_source *s)
{
	size_t kept = 0;

	sort(s);
	for (size_t i = 0; i < s->n; i++) {
		struct maildir_file *before = kept > 0 ? &s->file[kept - 1]
						       : NULL;

		if (before != NULL &&
		    str_eq(mig_file_base(str_of(before->name)),
			mig_file_base(str_of(s->file[i].name))))
			continue;
		if (before != NULL && before->uid == s->file[i].uid)
			s->file[i].uid = 0;
		s->file[kept++] = s->file[i];
	}
	s->n = kept;
	sort(s);
}

static void
maildir_close(struct mig_source *base)
{
	struct maildir_source *s = self(base);

	if (s->dir_fd < 0)
		return;
	if (s->fd >= 0)
		(void)close(s->fd);
	(void)close(s->dir_fd);
	s->fd = s->dir_fd = -1;
	maildir_beside_fini(&s->beside);
	arena_free(&s->texts);
	free(s->file);
	s->file = NULL;
	s->n = s->cap = s->at = 0;
}

/* Each part of the path by itself, so that none is a link. */
static int
open_below(int root_fd, const char *path)
{
	struct pst_str rest = str_of(path), part;
	int fd = dup(root_fd);

	while (fd >= 0 && str_split(&rest, '/', &part)) {
		char *name = str_dup(part);
		int next = mig_open_dir(fd, name);

		(void)close(fd);
		free(name);
		fd = next;
	}
	return fd;
}

static enum pst_rc
maildir_open(struct mig_source *base, const char *name,
    struct mig_state *state_r, struct pst_error *err)
{
	struct maildir_source *s = self(base);
	const struct mig_name *m = mig_names_get(&s->dirs, str_of(name));
	enum pst_rc rc;

	*state_r = (struct mig_state){ 0 };
	if (!m->exists)
		return pst_fail(err, PST_E_NOTFOUND, 0, "%.150s", name);
	s->dir_fd = open_below(s->root_fd, m->special_use);
	if (s->dir_fd < 0)
		return mig_open_failed(m->special_use, errno, err);
	s->is_inbox = strcmp(name, "INBOX") == 0;
	s->texts = arena_new(0);
	rc = maildir_beside_read(s, err);
	if (rc == PST_OK)
		rc = scan(s, true, err);
	if (rc == PST_OK)
		rc = scan(s, false, err);
	if (rc != PST_OK) {
		maildir_close(base);
		return rc;
	}
	tidy(s);
	state_r->uidvalidity = s->beside.list.uidvalidity;
	state_r->uidnext = s->beside.list.uidnext;
	state_r->messages = s->n;
	return PST_OK;
}

/* --- messages ------------------------------------------------------------ */

/* Another program changed its flags meanwhile, and so its name. */
static int
open_renamed(struct maildir_source *s, struct maildir_file *f)
{
	struct pst_str base = mig_file_base(str_of(f->name));
	int fd = -1, dir_fd = mig_open_dir(s->dir_fd, "cur");
	DIR *dir = dir_fd >= 0 ? fdopendir(dir_fd) : NULL;
	const struct dirent *e;

	if (dir == NULL) {
		if (dir_fd >= 0)
			(void)close(dir_fd);
		return -1;
	}
	while (fd < 0 && (e = readdir(dir)) != NULL)
		if (str_eq(mig_file_base(str_of(e->d_name)), base)) {
			fd = mig_open_file(dirfd(dir), e->d_name);
			f->name = arena_text(s->texts, str_of(e->d_name));
			f->is_new = false;
		}
	(void)closedir(dir);
	return fd;
}

static int
open_message(struct maildir_source *s, struct maildir_file *f)
{
	int dir_fd = mig_open_dir(s->dir_fd, f->is_new ? "new" : "cur");
	int fd = dir_fd >= 0 ? mig_open_file(dir_fd, f->name) : -1;
	int saved = errno;

	if (dir_fd >= 0)
		(void)close(dir_fd);
	errno = saved;
	return fd < 0 && saved == ENOENT ? open_renamed(s, f) : fd;
}

static enum pst_rc
maildir_next(struct mig_source *base, uint32_t mark,
    struct mig_message *message_r, struct pst_error *err)
{
	struct maildir_source *s = self(base);
	struct maildir_file *f;
	struct stat st = { 0 };
	bool passed;

	if (s->fd >= 0)
		(void)close(s->fd);
	s->fd = -1;
	while (s->at < s->n && s->file[s->at].uid != 0 &&
	       s->file[s->at].uid < mark)
		s->at++;
	if (s->at == s->n)
		return pst_fail(err, PST_E_NOTFOUND, 0, "no more messages");
	f = &s->file[s->at++];
	s->fd = open_message(s, f);
	maildir_describe(s, f);
	*message_r = (struct mig_message){ .uid = f->uid,
		.flags = mig_letter_flags(
		    mig_file_letters(str_of(f->name)), &passed),
		.keywords = s->keyword,
		.keyword_count = s->keywords,
		.date = INT64_MIN,
		.uidl = s->uidl.n > 0 ? s->uidl.p : NULL };
	if (s->fd >= 0 && fstat(s->fd, &st) == 0) {
		message_r->date = st.st_mtime;
		message_r->size = (uint64_t)st.st_size;
	}
	return PST_OK;
}

static enum pst_rc
maildir_read(struct mig_source *base, mig_write_fn write, void *arg,
    struct pst_error *err)
{
	struct maildir_source *s = self(base);
	const char *name = s->file[s->at - 1].name;
	struct mig_crlf crlf = { 0 };
	enum pst_rc rc = PST_OK;
	char *piece;

	if (s->fd < 0)
		return pst_fail(err, PST_E_CONFLICT, 0,
		    "%.150s is gone, or no plain file", name);
	piece = mem_alloc(PIECE);
	while (rc == PST_OK) {
		ssize_t n = read(s->fd, piece, PIECE);

		if (n == 0)
			break;
		if (n > 0)
			rc = mig_crlf_write(
			    &crlf, piece, (size_t)n, write, arg, err);
		else if (errno != EINTR)
			rc = pst_fail(err, PST_E_CONFLICT, errno, "%.150s: %s",
			    name, strerror(errno));
	}
	free(piece);
	return rc;
}

/* --- the whole ----------------------------------------------------------- */

static enum pst_rc
maildir_names(
    struct mig_source *base, struct mig_names *names_r, struct pst_error *err)
{
	struct maildir_source *s = self(base);
	enum pst_rc rc = s->dirs.n == 0 ? maildir_find_names(s, err) : PST_OK;

	if (rc != PST_OK)
		return rc;
	for (size_t i = 0; i < s->dirs.n; i++)
		mig_names_get(names_r, str_of(s->dirs.v[i].text))->exists =
		    true;
	rc = maildir_subscriptions(s, names_r, err);
	mig_names_sort(names_r);
	return rc;
}

static void
maildir_free(struct mig_source *base)
{
	struct maildir_source *s = self(base);

	maildir_close(base);
	mig_names_fini(&s->dirs);
	arena_free(&s->words);
	buf_fini(&s->uidl);
	free(s->uidl_format);
	if (s->root_fd >= 0)
		(void)close(s->root_fd);
	free(s);
}

static const struct mig_source_ops maildir_ops = {
	.names = maildir_names,
	.open = maildir_open,
	.next = maildir_next,
	.read = maildir_read,
	.close = maildir_close,
	.free = maildir_free,
};

static bool
is_format(const char *format)
{
	struct buf ignored;
	bool good;

	buf_init(&ignored, 65536);
	good = mig_uidl(format, 1, 1, STR("x"), STR("x"), &ignored);
	buf_fini(&ignored);
	return good;
}

enum pst_rc
mig_maildir_open(const char *path, enum mig_maildir_kind kind,
    const char *uidl_format, struct mig_source **s_r, struct pst_error *err)
{
	struct maildir_source *s;
	int fd;

	*s_r = NULL;
	if (uidl_format != NULL && !is_format(uidl_format))
		return pst_fail(err, PST_E_SYNTAX, 0,
		    "%.100s: expected text with %%u, %%v, %%f, %%g and %%%%",
		    uidl_format);
	fd = mig_open_dir(AT_FDCWD, path);
	if (fd < 0)
		return mig_open_failed(path, errno, err);
	s = mem_alloc(sizeof(*s));
	s->base.ops = &maildir_ops;
	s->kind = kind;
	s->uidl_format = str_dup(
	    uidl_format != NULL ? str_of(uidl_format) : STR("%08Xu%08Xv"));
	s->root_fd = fd;
	s->dir_fd = s->fd = -1;
	s->words = arena_new(WORDS_MAX);
	buf_init(&s->uidl, 1024);
	*s_r = &s->base;
	return PST_OK;
}
